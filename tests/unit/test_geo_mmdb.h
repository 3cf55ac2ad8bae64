/*
 * test_geo_mmdb.h -- writes a small database in MaxMind's format, from its specification (MaxMind
 * DB File Format 2.0): a tree of nodes with two records of 24 bits each, 16 zero bytes, the data,
 * a marker, and what the database says of itself.
 */
#ifndef ABACUS_TEST_GEO_MMDB_H
#define ABACUS_TEST_GEO_MMDB_H

#include "unit.h"

#include "base/buf.h"
#include "base/net.h"

enum { MMDB_NODES = 512, MMDB_SEPARATOR = 16, MMDB_DAY = 20626 /* 2026-06-22 */ };
enum mmdb_type { MMDB_STRING = 2, MMDB_UINT16 = 5, MMDB_UINT32 = 6, MMDB_MAP = 7, MMDB_UINT64 = 9 };

/* A record is 0: nothing; a node's number; or the data at -1 - record. */
struct mmdb_writer {
    int ip_version;
    int32_t nodes[MMDB_NODES][2];
    int32_t nodes_count;
    struct buf data;
};

static void mmdb_control(struct buf *out, enum mmdb_type type, size_t size)
{
    assert_true(size < 29);
    if (type <= MMDB_MAP) {
        buf_addc(out, (char)((unsigned)type << 5 | (unsigned)size));
        return;
    }
    buf_addc(out, (char)size);
    buf_addc(out, (char)(type - 7));
}

static void mmdb_string(struct buf *out, const char *text)
{
    mmdb_control(out, MMDB_STRING, strlen(text));
    buf_add(out, str_from(text));
}

static void mmdb_number(struct buf *out, enum mmdb_type type, size_t bytes, uint64_t n)
{
    mmdb_control(out, type, bytes);
    for (size_t i = bytes; i-- > 0;)
        buf_addc(out, (char)(n >> (8 * i)));
}

/* Everything in the range has the data at `offset`. */
static void mmdb_put(struct mmdb_writer *writer, const char *range, size_t offset)
{
    struct cidr cidr;
    int32_t node = 0;

    assert_true(cidr_parse(str_from(range), &cidr));
    unsigned zeros = writer->ip_version == 6 && cidr.base.family == 4 ? 96 : 0;
    unsigned bits = zeros + cidr.bits;

    writer->nodes_count += writer->nodes_count == 0;
    for (unsigned i = 0; i < bits; i++) {
        unsigned at = i - zeros;
        int side = i < zeros ? 0 : cidr.base.bytes[at / 8] >> (7 - at % 8) & 1;

        if (i + 1 == bits) {
            writer->nodes[node][side] = -1 - (int32_t)offset;
            return;
        }
        if (writer->nodes[node][side] == 0) {
            assert_true(writer->nodes_count < MMDB_NODES);
            writer->nodes[node][side] = writer->nodes_count++;
        }
        node = writer->nodes[node][side];
    }
}

static void mmdb_tree(const struct mmdb_writer *writer, struct buf *out)
{
    for (int32_t i = 0; i < writer->nodes_count; i++)
        for (int side = 0; side < 2; side++) {
            int32_t record = writer->nodes[i][side], value = record;

            if (record == 0)
                value = writer->nodes_count;
            else if (record < 0)
                value = writer->nodes_count + MMDB_SEPARATOR - 1 - record;
            buf_addc(out, (char)(value >> 16));
            buf_addc(out, (char)(value >> 8));
            buf_addc(out, (char)value);
        }
}

static void mmdb_metadata(const struct mmdb_writer *writer, const char *type, struct buf *out)
{
    buf_add(out, STR("\xab\xcd\xefMaxMind.com"));
    mmdb_control(out, MMDB_MAP, 9);
    mmdb_string(out, "node_count");
    mmdb_number(out, MMDB_UINT32, 4, (uint64_t)writer->nodes_count);
    mmdb_string(out, "record_size");
    mmdb_number(out, MMDB_UINT16, 2, 24);
    mmdb_string(out, "ip_version");
    mmdb_number(out, MMDB_UINT16, 2, (uint64_t)writer->ip_version);
    mmdb_string(out, "database_type");
    mmdb_string(out, type);
    mmdb_string(out, "binary_format_major_version");
    mmdb_number(out, MMDB_UINT16, 2, 2);
    mmdb_string(out, "binary_format_minor_version");
    mmdb_number(out, MMDB_UINT16, 2, 0);
    mmdb_string(out, "build_epoch");
    mmdb_number(out, MMDB_UINT64, 8, (uint64_t)MMDB_DAY * 86400 + 5);
    mmdb_string(out, "description");
    mmdb_control(out, MMDB_MAP, 0);
    mmdb_string(out, "languages");
    buf_add(out, (struct str){"\0\4", 2}); /* an array of none */
}

/* The whole file. */
static void mmdb_write(const struct mmdb_writer *writer, const char *type, struct buf *out)
{
    mmdb_tree(writer, out);
    for (int i = 0; i < MMDB_SEPARATOR; i++)
        buf_addc(out, '\0');
    buf_add(out, buf_str(&writer->data));
    mmdb_metadata(writer, type, out);
}

#endif
