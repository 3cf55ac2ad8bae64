/*
 * Any bytes as a table of ranges: refused with a line, or boundaries in order whose answers are
 * those of the lines themselves. The first byte says of which addresses.
 */
#include "geo/geo_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first address of a network, in the bytes of inet_pton(). */
struct first {
    uint8_t bytes[16];
};

static bool place(enum table_kind kind, const char *text, struct first *out)
{
    *out = (struct first){{0}};
    if (kind == TABLE_IPV6)
        return inet_pton(AF_INET6, text, out->bytes) == 1;
    uint32_t n = htonl((uint32_t)strtoul(text, NULL, 10));

    memcpy(out->bytes, &n, sizeof(n));
    return true;
}

/* What the text says, line by line. */
static uint8_t search(enum table_kind kind, const struct country_map *map, struct str text,
                      const struct first *wanted)
{
    struct str line, from_text, to_text;

    while (str_next(&text, '\n', &line)) {
        struct first from, to;
        char copy[2][64];

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        (void)str_next(&line, ',', &from_text);
        (void)str_next(&line, ',', &to_text);
        (void)snprintf(copy[0], sizeof(copy[0]), "%.*s", STR_FMT(from_text));
        (void)snprintf(copy[1], sizeof(copy[1]), "%.*s", STR_FMT(to_text));
        /* inet_pton() takes no more digits than make sense; neither does the table. */
        if (!place(kind, copy[0], &from) || !place(kind, copy[1], &to))
            abort();
        if (memcmp(wanted->bytes, from.bytes, 16) >= 0 && memcmp(wanted->bytes, to.bytes, 16) <= 0)
            return country_number(map, line);
    }
    return 0;
}

static struct first first_of(enum table_kind kind, uint64_t network)
{
    struct first first = {{0}};
    unsigned bytes = (kind == TABLE_IPV4 ? GEO_BITS4 : GEO_BITS6) / 8;

    for (unsigned i = 0; i < bytes; i++)
        first.bytes[i] = (uint8_t)(network >> (8 * (bytes - 1 - i)));
    return first;
}

static void check4(const struct table_reader *reader, const struct table4 *table, struct str text)
{
    for (size_t i = 0; i < table->count && i < 16; i++) {
        uint32_t network = table->entries[i] >> 8;
        struct first first = first_of(TABLE_IPV4, network);

        if ((i == 0) != (network == 0) || (i > 0 && network <= table->entries[i - 1] >> 8) ||
            table4_find(table, network) != search(TABLE_IPV4, &reader->map, text, &first))
            abort();
    }
}

static void check6(const struct table_reader *reader, const struct table6 *table, struct str text)
{
    for (size_t i = 0; i < table->count && i < 16; i++) {
        uint64_t network = table->entries[i] >> 8;
        struct first first = first_of(TABLE_IPV6, network);

        if ((i == 0) != (network == 0) || (i > 0 && network <= table->entries[i - 1] >> 8) ||
            table6_find(table, network) != search(TABLE_IPV6, &reader->map, text, &first))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table_reader reader;
    struct err err = {""};

    if (size == 0)
        return 0;
    enum table_kind kind = data[0] & 1 ? TABLE_IPV6 : TABLE_IPV4;
    struct str text = {(const char *)data + 1, size - 1};

    table_reader_init(&reader, kind);
    if (table_read(&reader, text, &err) != 0) {
        if (err.text[0] == '\0')
            abort();
    } else if (kind == TABLE_IPV4) {
        struct table4 table = table4_take(&reader);

        check4(&reader, &table, text);
        free(table.entries);
    } else {
        struct table6 table = table6_take(&reader);

        check6(&reader, &table, text);
        free(table.entries);
    }
    table_reader_release(&reader);
    return 0;
}
