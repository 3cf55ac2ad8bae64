/*
 * facts/rollup.c -- rows by value as the bytes of a rollup.
 *
 *     uint     the version: 2, or 1, in which no row has events: of dimensions without them, and of
 *              days packed before there were any
 *     row      of VALUE_OTHER: numbers alone
 *     uint     count
 *     count x  uint shared, uint rest, `rest` bytes: the value, of which the first `shared` bytes
 *              are those of the value before; numbers
 *
 * Values are in bytewise order, none is there twice. Numbers of a row: a uint whose bit i says that
 * numbers[i] (counts.c) is not 0, then those as uints; version 1 has no last one, the events. uint:
 * seven bits a byte, the low ones first, the high bit says that more follow.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>

enum { VERSION_PLAIN = 1, VERSION_EVENTS = 2, FLIGHT_ROWS = 64, FLIGHT_BYTES = 4 * VALUE_MAX };

/* How many numbers a row may have. */
static size_t numbers_of(uint64_t version)
{
    return version == VERSION_EVENTS ? COUNT_NUMBERS : COUNT_NUMBERS - 1;
}

static void put_numbers(struct buf *out, struct count_row *row, size_t numbers)
{
    unsigned mask = 0;

    for (size_t i = 0; i < numbers; i++)
        mask |= (unsigned)(*count_number(row, i) != 0) << i;
    put_uint(out, mask);
    for (size_t i = 0; i < numbers; i++)
        if (*count_number(row, i) != 0)
            put_uint(out, (uint64_t)*count_number(row, i));
}

static int by_value(const void *a, const void *b)
{
    const struct count_row *x = a, *y = b;

    return str_cmp(x->value, y->value);
}

struct str counts_save(struct counts *counts, size_t most, struct arena *arena)
{
    struct count_row other;
    size_t count;
    const struct count_row *rows = counts_rows(counts, &count, &other);
    struct count_row *sorted = ARENA_NEW(counts->arena, struct count_row, count);
    uint64_t version = counts->events ? VERSION_EVENTS : VERSION_PLAIN;
    struct buf out = {0};
    struct str before = STR("");

    if (count > 0)
        memcpy(sorted, rows, count * sizeof(sorted[0]));
    if (count > most) {
        qsort(sorted, count, sizeof(sorted[0]), count_row_cmp);
        for (; count > most; count--)
            count_row_add(&other, sorted[count - 1]);
    }
    if (count > 1)
        qsort(sorted, count, sizeof(sorted[0]), by_value);
    put_uint(&out, version);
    put_numbers(&out, &other, numbers_of(version));
    put_uint(&out, count);
    for (size_t i = 0; i < count; before = sorted[i++].value) {
        size_t shared = shared_prefix(before, sorted[i].value);

        put_uint(&out, shared);
        put_text(&out, str_slice(sorted[i].value, shared, sorted[i].value.len));
        put_numbers(&out, &sorted[i], numbers_of(version));
    }
    struct str bytes = arena_str(arena, buf_str(&out));

    buf_release(&out);
    return bytes;
}

/* -- reading -------------------------------------------------------------------------------- */

/* Rows on their way into the counts: of each some time goes by between asking for its memory and
 * using it. */
struct flight {
    struct counts *counts;
    struct {
        struct count_row row; /* its value stands in text */
        uint64_t hash;
    } rows[FLIGHT_ROWS];
    size_t count, used;
    size_t numbers; /* of a row, at most */
    char text[FLIGHT_BYTES];
};

static void land(struct flight *flight)
{
    struct counts *counts = flight->counts;

    for (size_t i = 0; i < flight->count; i++)
        counts_ask_row(counts, flight->rows[i].hash);
    for (size_t i = 0; i < flight->count; i++)
        counts_ask_value(counts, flight->rows[i].hash);
    for (size_t i = 0; i < flight->count; i++)
        count_row_add(counts_row_of(counts, flight->rows[i].row.value, flight->rows[i].hash),
                      flight->rows[i].row);
    flight->count = 0;
}

static void read_numbers(struct reader *reader, struct count_row *row, size_t numbers)
{
    uint64_t mask = read_uint(reader);

    if (mask >> numbers != 0)
        (void)reader_fail(reader);
    for (; mask != 0 && !reader->bad; mask &= mask - 1)
        *count_number(row, (size_t)__builtin_ctzll(mask)) = read_sum(reader);
}

/* One by one: clearing the row as a whole, for which the compiler takes a string instruction, costs
 * as much as reading it. */
static void begin_row(struct count_row *row, struct str value)
{
    row->value = value;
    for (size_t i = 0; i < COUNT_NUMBERS; i++)
        *count_number(row, i) = 0;
}

/* The value goes on from the one before, which stands where `before` says. */
static void read_row(struct reader *reader, struct flight *flight, struct str *before)
{
    uint64_t shared = read_uint(reader);
    struct str rest = read_text(reader);

    if (shared > before->len || rest.len > VALUE_MAX - shared)
        (void)reader_fail(reader);
    if (reader->bad)
        return;
    if (flight->count == FLIGHT_ROWS || flight->used + VALUE_MAX > FLIGHT_BYTES) {
        land(flight);
        memmove(flight->text, before->ptr, before->len);
        before->ptr = flight->text;
        flight->used = before->len;
    }
    char *at = flight->text + flight->used;
    struct str value = {at, (size_t)shared + rest.len};

    memcpy(at, before->ptr, (size_t)shared);
    memcpy(at + shared, rest.ptr, rest.len);
    flight->rows[flight->count].hash = counts_hash(flight->counts, value);
    begin_row(&flight->rows[flight->count].row, value);
    read_numbers(reader, &flight->rows[flight->count].row, flight->numbers);
    flight->count++;
    flight->used += value.len;
    *before = value;
}

int counts_load(struct counts *counts, struct str rollup, struct err *err)
{
    struct reader reader = reader_of(rollup);
    struct flight flight;
    struct str before = {flight.text, 0};
    struct count_row other = {.value = VALUE_OTHER};
    uint64_t version = read_uint(&reader);

    flight.counts = counts;
    flight.count = flight.used = 0;
    flight.numbers = numbers_of(version);
    if (version != VERSION_PLAIN && version != VERSION_EVENTS)
        return err_set(err, ERR_CORRUPT, "a rollup of an unknown version");
    counts->events = counts->events && version == VERSION_EVENTS;
    read_numbers(&reader, &other, flight.numbers);
    for (uint64_t left = read_uint(&reader); left > 0 && !reader.bad; left--)
        read_row(&reader, &flight, &before);
    if (reader.bad || reader.at != reader.end)
        return err_set(err, ERR_CORRUPT, "a rollup whose bytes are damaged");
    land(&flight);
    count_row_add(&counts->other, other);
    return 0;
}

/* -- of a pack -------------------------------------------------------------------------------- */

static int add_rollup(struct counts *counts, struct str bytes, struct err *err)
{
    struct reader reader = reader_of(bytes);

    if (counts->dimension != DIM_PROP)
        return counts_load(counts, bytes, err);
    while (reader.at < reader.end) {
        struct str name = read_text(&reader), rollup = read_text(&reader);

        if (!reader.bad && str_eq(name, counts->prop))
            return counts_load(counts, rollup, err);
    }
    return reader.bad ? err_set(err, ERR_CORRUPT, "rollups of properties are damaged") : 0;
}

int rollup_of_part(const struct pack_part *part, enum dimension dimension, struct str *out,
                   struct err *err)
{
    struct reader reader = reader_of(part->bytes);
    int32_t own = 1 + (int32_t)dimension;

    *out = part->bytes;
    if (part->part == PACK_ROLLUPS + own)
        return 1;
    while (part->part == PACK_ROLLUPS && reader.at < reader.end) {
        uint64_t number = read_uint(&reader);

        *out = read_text(&reader);
        if (!reader.bad && number == (uint64_t)own)
            return 1;
    }
    return reader.bad ? err_set(err, ERR_CORRUPT, "rollups of a pack are damaged") : 0;
}

int counts_add_packed(struct counts *counts, const struct pack_part *part, struct err *err)
{
    struct str rollup;
    int rc = rollup_of_part(part, counts->dimension, &rollup, err);

    return rc > 0 ? add_rollup(counts, rollup, err) : rc;
}
