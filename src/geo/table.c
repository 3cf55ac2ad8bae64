/*
 * geo/table.c -- from lines of text to sorted boundaries, and the search in them.
 *
 * The text is that of tor-geoipdb: a line for each range, "first,last,COUNTRY", ascending and
 * without overlaps; "??" is no country; lines that begin with # are remarks, one of which says when
 * the table was made. IPv4 is written as a decimal number, IPv6 in groups without an IPv4 tail.
 *
 * An address is looked up cut, as the first of its /24 or /48. So a range decides the networks
 * whose first address it holds, and of the others nothing is kept: 483,000 boundaries in 2.9 MB
 * become of 662,000 ranges (June 2026), where full addresses would make 690,000 in 7 MB.
 *
 * The text is 25 MB, read at each start: numbers and addresses are read by hand, in one pass.
 */
#include "geo/geo_internal.h"

#include "base/date.h"
#include "base/must.h"

#include <stdlib.h>
#include <time.h>

enum {
    COUNTRY_BITS = 8,
    BEHIND_BITS = 16, /* of place.high, behind the network */
    IPV4_SHIFT = 8,   /* what brings a /24 to where a /48 is */
    IPV4_DIGITS = 10,
    GROUPS = 8,
    GROUP_DIGITS = 4,
    ROOM_FIRST = 4096,
};

void table_reader_init(struct table_reader *reader, enum table_kind kind)
{
    *reader = (struct table_reader){.kind = kind};
    country_map_init(&reader->map);
}

void table_reader_release(struct table_reader *reader)
{
    free(reader->entries);
    *reader = (struct table_reader){0};
}

/* -- boundaries -------------------------------------------------------------------------------- */

static void put(struct table_reader *reader, uint64_t network, uint8_t country)
{
    if (reader->count > 0 && (uint8_t)reader->entries[reader->count - 1] == country)
        return;
    if (reader->count == reader->room) {
        reader->room = reader->room == 0 ? ROOM_FIRST : reader->room * 2;
        reader->entries = must(realloc(reader->entries, reader->room * sizeof(reader->entries[0])));
    }
    reader->entries[reader->count++] = network << COUNTRY_BITS | country;
}

static bool is_behind(const struct place *a, const struct place *b)
{
    return a->high > b->high || (a->high == b->high && a->low > b->low);
}

static int add_range(struct table_reader *reader, const struct place *from, const struct place *to,
                     uint8_t country, struct err *err)
{
    bool inside = (from->high & ((1u << BEHIND_BITS) - 1)) != 0 || from->low != 0;
    uint64_t first = (from->high >> BEHIND_BITS) + inside, last = to->high >> BEHIND_BITS;

    if (is_behind(from, to))
        return err_set(err, ERR_INVALID, "%zu: the range ends before it begins", reader->line);
    if (reader->begun && !is_behind(from, &reader->last))
        return err_set(err, ERR_INVALID, "%zu: the range does not follow the one before",
                       reader->line);
    reader->begun = true;
    reader->last = *to;
    reader->ranges += country != 0;
    if (first > last)
        return 0;
    if (first > reader->next)
        put(reader, reader->next, 0);
    put(reader, first, country);
    reader->next = last + 1;
    return 0;
}

/* Behind the last range nothing is known. */
static void end(struct table_reader *reader)
{
    uint64_t networks = UINT64_C(1) << (reader->kind == TABLE_IPV4 ? GEO_BITS4 : GEO_BITS6);

    if (reader->next < networks)
        put(reader, reader->next, 0);
}

struct table4 table4_take(struct table_reader *reader)
{
    end(reader);
    struct table4 table = {must(calloc(reader->count, sizeof(table.entries[0]))), reader->count};

    for (size_t i = 0; i < table.count; i++)
        table.entries[i] = (uint32_t)reader->entries[i];
    return table;
}

struct table6 table6_take(struct table_reader *reader)
{
    end(reader);
    size_t bytes = reader->count * sizeof(reader->entries[0]);
    struct table6 table = {must(realloc(reader->entries, bytes)), reader->count};

    reader->entries = NULL;
    return table;
}

/* -- lines ------------------------------------------------------------------------------------- */

/* What is left of a line. */
struct cursor {
    const char *at, *end;
};

static bool skip(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool read_ipv4(struct cursor *c, struct place *out)
{
    const char *began = c->at;
    uint64_t n = 0;

    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && n <= UINT32_MAX; c->at++)
        n = n * 10 + (uint64_t)(*c->at - '0');
    *out = (struct place){n << IPV4_SHIFT, 0};
    return n <= UINT32_MAX && c->at > began && c->at - began <= IPV4_DIGITS;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One to four digits. */
static bool read_group(struct cursor *c, uint64_t *out)
{
    const char *began = c->at;
    uint64_t group = 0;

    for (int digit; c->at < c->end && (digit = hex_digit(*c->at)) >= 0; c->at++)
        group = group << 4 | (uint64_t)digit;
    *out = group;
    return c->at > began && c->at - began <= GROUP_DIGITS;
}

/* Groups between colons, up to one that is followed by none or by two. False: there is none, or
 * more than fit. */
static bool read_groups(struct cursor *c, uint64_t groups[GROUPS], unsigned *count)
{
    do {
        if (*count == GROUPS || !read_group(c, &groups[*count]))
            return false;
        ++*count;
    } while (c->end - c->at >= 2 && c->at[1] != ':' && skip(c, ':'));
    return true;
}

static bool at_gap(const struct cursor *c)
{
    return c->end - c->at >= 2 && c->at[0] == ':' && c->at[1] == ':';
}

static bool read_ipv6(struct cursor *c, struct place *out)
{
    uint64_t groups[GROUPS] = {0}, behind[GROUPS] = {0};
    unsigned count = 0, behind_count = 0;

    if (!at_gap(c) && !read_groups(c, groups, &count))
        return false;
    if (at_gap(c)) {
        c->at += 2;
        if (c->at < c->end && hex_digit(*c->at) >= 0 && !read_groups(c, behind, &behind_count))
            return false;
        if (count + behind_count >= GROUPS)
            return false;
        memcpy(groups + GROUPS - behind_count, behind, behind_count * sizeof(behind[0]));
        count = GROUPS;
    }
    *out = (struct place){groups[0] << 48 | groups[1] << 32 | groups[2] << 16 | groups[3],
                          groups[4] << 48 | groups[5] << 32 | groups[6] << 16 | groups[7]};
    return count == GROUPS;
}

static bool read_place(const struct table_reader *reader, struct cursor *c, struct place *out)
{
    return reader->kind == TABLE_IPV4 ? read_ipv4(c, out) : read_ipv6(c, out);
}

/* Two capitals, or "??". */
static bool is_code(struct str code)
{
    return str_eq(code, STR("??")) || (code.len == 2 && code.ptr[0] >= 'A' && code.ptr[0] <= 'Z' &&
                                       code.ptr[1] >= 'A' && code.ptr[1] <= 'Z');
}

static int read_range(struct table_reader *reader, struct str line, struct err *err)
{
    struct cursor c = {line.ptr, line.ptr + line.len};
    struct place from, to;

    if (!read_place(reader, &c, &from) || !skip(&c, ',') || !read_place(reader, &c, &to) ||
        !skip(&c, ','))
        return err_set(err, ERR_INVALID, "%zu: is not FIRST,LAST,COUNTRY with %s addresses",
                       reader->line, reader->kind == TABLE_IPV4 ? "decimal IPv4" : "IPv6");
    struct str code = {c.at, (size_t)(c.end - c.at)};

    if (!is_code(code))
        return err_set(err, ERR_INVALID, "%zu: the country is not two capitals or ??",
                       reader->line);
    return add_range(reader, &from, &to, country_number(&reader->map, code), err);
}

/* "# Generated: Thu, 25 Jun 2026 04:33:59 GMT" */
static void read_remark(struct table_reader *reader, struct str line)
{
    const struct str label = STR("# Generated: ");
    struct tm tm = {0};
    char text[64] = "";

    if (!str_starts(line, label) || line.len - label.len >= sizeof(text))
        return;
    memcpy(text, line.ptr + label.len, line.len - label.len);
    if (strptime(text, "%a, %d %b %Y", &tm) != NULL)
        reader->day = date_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

int table_read(struct table_reader *reader, struct str lines, struct err *err)
{
    const char *at = lines.ptr, *end_of_lines = lines.ptr + lines.len;

    while (at < end_of_lines) {
        const char *newline = memchr(at, '\n', (size_t)(end_of_lines - at));
        const char *line_end = newline == NULL ? end_of_lines : newline;
        struct str line = {at, (size_t)(line_end - at)};
        int rc = 0;

        reader->line++;
        if (line.len > 0 && line.ptr[0] == '#')
            read_remark(reader, line);
        else if (line.len > 0)
            rc = read_range(reader, line, err);
        if (rc != 0)
            return rc;
        at = newline == NULL ? end_of_lines : newline + 1;
    }
    return 0;
}

/* -- the search -------------------------------------------------------------------------------- */

/* The last entry that is not behind `network`; halving without branches that depend on the data. */
uint8_t table4_find(const struct table4 *table, uint32_t network)
{
    const uint32_t key = network << COUNTRY_BITS | UINT8_MAX, *at = table->entries;

    for (size_t left = table->count; left > 1; left -= left / 2)
        at += at[left / 2] <= key ? left / 2 : 0;
    return (uint8_t)*at;
}

uint8_t table6_find(const struct table6 *table, uint64_t network)
{
    const uint64_t key = network << COUNTRY_BITS | UINT8_MAX, *at = table->entries;

    for (size_t left = table->count; left > 1; left -= left / 2)
        at += at[left / 2] <= key ? left / 2 : 0;
    return (uint8_t)*at;
}
