/*
 * facts/column.c -- columns and lists of texts as bytes.
 *
 *     uint     seven bits a byte, the low ones first; the high bit says that more follow
 *     int      a uint: 2n, or -2n - 1 of what is negative
 *     text     uint length, bytes
 *     column   blocks of 256 values, the last one of what is left. A block begins with a byte:
 *              0..57  uint base, then each value less the base in so many bits, the low ones first,
 *                     up to a full byte
 *              128    each value as a uint
 *              129    runs, until the block is full: uint value, uint how many
 *     dict     uint count, uint bytes of all texts together, then for each text but the first
 *              (which is empty) uint shared, text: what it shares with the one before, and the rest
 *
 * The writer takes for each block what is shortest. Nothing here stands for much more than it is
 * long: a block of 256 values takes two bytes, a dict's texts at most 64 times its bytes. So what
 * is damaged cannot ask for memory without end. All of it is the same on every machine.
 */
#include "facts/facts_internal.h"

#include <endian.h>

enum {
    BLOCK = 256,
    BITS_MAX = 57, /* what eight bytes hold from any bit of the first on */
    AS_UINTS = 128,
    AS_RUNS = 129
};

/* -- numbers -------------------------------------------------------------------------------- */

struct reader reader_of(struct str bytes)
{
    const uint8_t *at = (const uint8_t *)(bytes.len == 0 ? "" : bytes.ptr);

    return (struct reader){at, at + bytes.len, false};
}

uint64_t reader_fail(struct reader *reader)
{
    reader->bad = true;
    reader->at = reader->end;
    return 0;
}

uint64_t read_uint(struct reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
        uint8_t byte = *reader->at++;

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    return reader_fail(reader);
}

int64_t read_sum(struct reader *reader)
{
    uint64_t value = read_uint(reader);

    return (int64_t)(value <= SUM_MAX ? value : reader_fail(reader));
}

int64_t read_int(struct reader *reader)
{
    uint64_t value = read_uint(reader);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

struct str read_bytes(struct reader *reader, size_t len)
{
    if (len > (size_t)(reader->end - reader->at)) {
        (void)reader_fail(reader);
        return STR("");
    }
    struct str bytes = {(const char *)reader->at, len};

    reader->at += len;
    return bytes;
}

struct str read_text(struct reader *reader)
{
    uint64_t len = read_uint(reader);

    return read_bytes(reader, len <= SIZE_MAX ? (size_t)len : SIZE_MAX);
}

void put_uint(struct buf *out, uint64_t value)
{
    char *at = buf_reserve(out, 10);
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        at[len++] = (char)(value | 0x80);
    at[len++] = (char)value;
    out->len += len;
}

void put_int(struct buf *out, int64_t value)
{
    put_uint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void put_text(struct buf *out, struct str text)
{
    put_uint(out, text.len);
    buf_add(out, text);
}

/* -- blocks, written ------------------------------------------------------------------------ */

static size_t uint_size(uint64_t value)
{
    size_t size = 1;

    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

/* What a block would take in each way. */
struct sizes {
    uint64_t base;
    unsigned bits;
    size_t packed, uints, runs;
};

static struct sizes sizes_of(const uint64_t *values, size_t count)
{
    struct sizes sizes = {.base = values[0]};
    uint64_t most = values[0];

    for (size_t i = 0, run = 0; i < count; i++) {
        sizes.uints += uint_size(values[i]);
        sizes.base = values[i] < sizes.base ? values[i] : sizes.base;
        most = values[i] > most ? values[i] : most;
        if (i + 1 < count && values[i + 1] == values[i])
            continue;
        sizes.runs += uint_size(values[i]) + uint_size(i + 1 - run);
        run = i + 1;
    }
    sizes.bits = most == sizes.base ? 0 : 64 - (unsigned)__builtin_clzll(most - sizes.base);
    sizes.packed = uint_size(sizes.base) + (count * sizes.bits + 7) / 8;
    return sizes;
}

static void put_packed(struct buf *out, const uint64_t *values, size_t count,
                       const struct sizes *sizes)
{
    uint64_t bits = 0;
    unsigned held = 0;

    buf_addc(out, (char)sizes->bits);
    put_uint(out, sizes->base);
    for (size_t i = 0; i < count; i++) {
        bits |= (values[i] - sizes->base) << held;
        for (held += sizes->bits; held >= 8; held -= 8) {
            buf_addc(out, (char)bits);
            bits >>= 8;
        }
    }
    if (held > 0)
        buf_addc(out, (char)bits);
}

static void put_runs(struct buf *out, const uint64_t *values, size_t count)
{
    buf_addc(out, (char)AS_RUNS);
    for (size_t i = 0, run = 0; i < count; i++) {
        if (i + 1 < count && values[i + 1] == values[i])
            continue;
        put_uint(out, values[i]);
        put_uint(out, i + 1 - run);
        run = i + 1;
    }
}

static void put_block(struct buf *out, const uint64_t *values, size_t count)
{
    struct sizes sizes = sizes_of(values, count);

    if (sizes.bits <= BITS_MAX && sizes.packed <= sizes.uints && sizes.packed <= sizes.runs) {
        put_packed(out, values, count, &sizes);
        return;
    }
    if (sizes.runs <= sizes.uints) {
        put_runs(out, values, count);
        return;
    }
    buf_addc(out, (char)AS_UINTS);
    for (size_t i = 0; i < count; i++)
        put_uint(out, values[i]);
}

void put_wide_column(struct buf *out, const uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i += BLOCK)
        put_block(out, values + i, count - i < BLOCK ? count - i : BLOCK);
}

void put_column(struct buf *out, const uint32_t *values, size_t count)
{
    uint64_t block[BLOCK];

    for (size_t from = 0; from < count; from += BLOCK) {
        size_t size = count - from < BLOCK ? count - from : BLOCK;

        for (size_t i = 0; i < size; i++)
            block[i] = values[from + i];
        put_block(out, block, size);
    }
}

/* -- blocks, read --------------------------------------------------------------------------- */

/* One of the two, made of one text so that neither asks at every value which it is. */
struct target {
    uint32_t *narrow;
    uint64_t *wide;
};

static inline __attribute__((always_inline)) void put_value(struct target to, size_t i,
                                                            uint64_t value)
{
    if (to.narrow != NULL)
        to.narrow[i] = (uint32_t)value;
    else
        to.wide[i] = value;
}

static inline __attribute__((always_inline)) void
read_packed(struct reader *reader, unsigned bits, struct target to, size_t count, uint64_t max)
{
    uint64_t base = read_uint(reader), mask = (UINT64_C(1) << bits) - 1, most = 0;
    size_t size = (count * bits + 7) / 8;
    uint8_t copy[BLOCK * BITS_MAX / 8 + 2 * sizeof(uint64_t)];
    const uint8_t *from = (const uint8_t *)read_bytes(reader, size).ptr;

    if (reader->bad || base > max) {
        (void)reader_fail(reader);
        return;
    }
    /* Eight bytes are looked at for each value. */
    if ((size_t)(reader->end - from) < size + sizeof(uint64_t)) {
        memcpy(copy, from, size);
        memset(copy + size, 0, sizeof(uint64_t));
        from = copy;
    }
    for (size_t i = 0, bit = 0; i < count; i++, bit += bits) {
        uint64_t word;

        memcpy(&word, from + bit / 8, sizeof(word));
        uint64_t value = (le64toh(word) >> bit % 8) & mask;

        most = value > most ? value : most;
        put_value(to, i, base + value);
    }
    if (most > max - base)
        (void)reader_fail(reader);
}

static inline __attribute__((always_inline)) void
read_uints(struct reader *reader, struct target to, size_t count, uint64_t max)
{
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t value = read_uint(reader);

        most = value > most ? value : most;
        put_value(to, i, value);
    }
    if (most > max)
        (void)reader_fail(reader);
}

static inline __attribute__((always_inline)) void read_runs(struct reader *reader, struct target to,
                                                            size_t count, uint64_t max)
{
    size_t i = 0;

    while (i < count) {
        uint64_t value = read_uint(reader), run = read_uint(reader);

        if (reader->bad || value > max || run == 0 || run > count - i) {
            (void)reader_fail(reader);
            return;
        }
        for (size_t end = i + (size_t)run; i < end; i++)
            put_value(to, i, value);
    }
}

static inline __attribute__((always_inline)) void
read_block(struct reader *reader, struct target to, size_t count, uint64_t max)
{
    uint8_t kind = reader->at < reader->end ? *reader->at++ : (uint8_t)UINT8_MAX;

    if (kind <= BITS_MAX)
        read_packed(reader, kind, to, count, max);
    else if (kind == AS_UINTS)
        read_uints(reader, to, count, max);
    else if (kind == AS_RUNS)
        read_runs(reader, to, count, max);
    else
        (void)reader_fail(reader);
}

/* A block takes two bytes at least. */
bool column_fits(struct str bytes, uint64_t count)
{
    return count <= bytes.len / 2 * BLOCK;
}

static bool fits(struct reader *reader, size_t count)
{
    size_t left = (size_t)(reader->end - reader->at);

    if (!reader->bad && column_fits((struct str){(const char *)reader->at, left}, count))
        return true;
    (void)reader_fail(reader);
    return false;
}

const uint32_t *read_column(struct reader *reader, size_t count, uint32_t max, struct arena *arena)
{
    if (!fits(reader, count))
        return NULL;
    uint32_t *values = arena_bytes(arena, (count + 1) * sizeof(values[0]));

    for (size_t i = 0; i < count && !reader->bad; i += BLOCK)
        read_block(reader, (struct target){.narrow = values + i},
                   count - i < BLOCK ? count - i : BLOCK, max);
    return reader->bad ? NULL : values;
}

const uint64_t *read_wide_column(struct reader *reader, size_t count, uint64_t max,
                                 struct arena *arena)
{
    if (!fits(reader, count))
        return NULL;
    uint64_t *values = arena_bytes(arena, (count + 1) * sizeof(values[0]));

    for (size_t i = 0; i < count && !reader->bad; i += BLOCK)
        read_block(reader, (struct target){.wide = values + i},
                   count - i < BLOCK ? count - i : BLOCK, max);
    return reader->bad ? NULL : values;
}
