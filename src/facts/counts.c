/*
 * facts/counts.c -- rows by value, over any number of days.
 *
 * Rows stand in the order in which their values came, a table of hashes leads to them. Over a year
 * there are many, and adding one means waiting for its slot, its row and its value's bytes to come
 * from memory; rollup.c asks for those of many rows at once, and then goes on.
 */
#include "facts/facts_internal.h"

#include <xxhash.h>

_Static_assert(sizeof(struct count_row) == sizeof(struct str) + COUNT_NUMBERS * sizeof(int64_t),
               "a row is a value and numbers");

/* In the order of a rollup's bytes (rollup.c): what most rows have comes first. */
static const size_t numbers[COUNT_NUMBERS] = {
    offsetof(struct count_row, visitors),   offsetof(struct count_row, pageviews),
    offsetof(struct count_row, visits),     offsetof(struct count_row, bounces),
    offsetof(struct count_row, visit_ms),   offsetof(struct count_row, engaged),
    offsetof(struct count_row, engaged_ms), offsetof(struct count_row, scrolled),
    offsetof(struct count_row, scroll),     offsetof(struct count_row, conversions),
    offsetof(struct count_row, converters), offsetof(struct count_row, events),
};

int64_t *count_number(struct count_row *row, size_t i)
{
    return (int64_t *)(void *)((char *)row + numbers[i]);
}

void count_row_add(struct count_row *sum, struct count_row row)
{
    for (size_t i = 0; i < COUNT_NUMBERS; i++) {
        int64_t *number = count_number(sum, i);

        *number = sum_add(*number, *count_number(&row, i));
    }
}

int count_row_cmp(const void *a, const void *b)
{
    const struct count_row *x = a, *y = b;

    if (x->visitors != y->visitors)
        return x->visitors > y->visitors ? -1 : 1;
    if (x->pageviews != y->pageviews)
        return x->pageviews > y->pageviews ? -1 : 1;
    return str_cmp(x->value, y->value);
}

struct counts *counts_new(struct arena *arena, enum dimension dimension, struct str prop)
{
    struct counts *counts = ARENA_NEW(arena, struct counts, 1);

    *counts = (struct counts){.arena = arena,
                              .dimension = dimension,
                              .prop = prop,
                              .events = dimension_has_events(dimension),
                              .rows_count = 1,
                              .table_size = 64,
                              .other = {.value = VALUE_OTHER}};
    counts->rows = grown(arena, NULL, 0, &counts->rows_room, sizeof(counts->rows[0]));
    counts->rows[0] = (struct count_row){.value = STR("")};
    counts->table = ARENA_NEW(arena, struct count_slot, counts->table_size);
    return counts;
}

/* -- the table ------------------------------------------------------------------------------ */

static struct count_slot *slot_at(const struct counts *counts, uint64_t place)
{
    return &counts->table[place & (counts->table_size - 1)];
}

/* Half of the hash says where, the other half whether. */
static uint32_t mark_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

uint64_t counts_hash(const struct counts *counts, struct str value)
{
    uint64_t hash = XXH3_64bits(value.ptr, value.len);

    __builtin_prefetch(slot_at(counts, hash));
    return hash;
}

static const struct count_row *likely_row(const struct counts *counts, uint64_t hash)
{
    uint64_t place = hash;

    while (slot_at(counts, place)->row != 0 && slot_at(counts, place)->hash != mark_of(hash))
        place++;
    return &counts->rows[slot_at(counts, place)->row];
}

void counts_ask_row(const struct counts *counts, uint64_t hash)
{
    const struct count_row *row = likely_row(counts, hash);

    __builtin_prefetch(row, 1);
    __builtin_prefetch(&row->events, 1);
}

void counts_ask_value(const struct counts *counts, uint64_t hash)
{
    __builtin_prefetch(likely_row(counts, hash)->value.ptr);
}

static void table_grow(struct counts *counts)
{
    const struct count_slot *old = counts->table;
    size_t old_size = counts->table_size;

    counts->table_size *= 2;
    counts->table = ARENA_NEW(counts->arena, struct count_slot, counts->table_size);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].row == 0)
            continue;
        const struct count_row *row = &counts->rows[old[i].row];
        uint64_t place = XXH3_64bits(row->value.ptr, row->value.len);

        while (slot_at(counts, place)->row != 0)
            place++;
        *slot_at(counts, place) = old[i];
    }
}

static struct count_row *row_new(struct counts *counts, struct str value)
{
    counts->rows = grown(counts->arena, counts->rows, counts->rows_count, &counts->rows_room,
                         sizeof(counts->rows[0]));
    counts->rows[counts->rows_count] = (struct count_row){.value = arena_str(counts->arena, value)};
    return &counts->rows[counts->rows_count++];
}

struct count_row *counts_row_of(struct counts *counts, struct str value, uint64_t hash)
{
    uint64_t place = hash;

    if (str_eq(value, VALUE_OTHER))
        return &counts->other;
    counts->has_empty = counts->has_empty || value.len == 0;
    if (value.len == 0)
        return &counts->rows[0];
    for (; slot_at(counts, place)->row != 0; place++) {
        const struct count_slot *slot = slot_at(counts, place);

        if (slot->hash == mark_of(hash) && str_eq(counts->rows[slot->row].value, value))
            return &counts->rows[slot->row];
    }
    if (2 * (counts->rows_count + 1) > counts->table_size) {
        table_grow(counts);
        for (place = hash; slot_at(counts, place)->row != 0; place++)
            continue;
    }
    *slot_at(counts, place) = (struct count_slot){mark_of(hash), (uint32_t)counts->rows_count};
    return row_new(counts, value);
}

const struct count_row *counts_find(const struct counts *counts, struct str value)
{
    uint64_t hash = counts_hash(counts, value);

    if (value.len == 0)
        return counts->has_empty ? &counts->rows[0] : NULL;
    for (uint64_t place = hash; slot_at(counts, place)->row != 0; place++) {
        const struct count_slot *slot = slot_at(counts, place);

        if (slot->hash == mark_of(hash) && str_eq(counts->rows[slot->row].value, value))
            return &counts->rows[slot->row];
    }
    return NULL;
}

/* -- rows ----------------------------------------------------------------------------------- */

void counts_add(struct counts *counts, const struct count_row *row)
{
    struct str value = str_slice(row->value, 0, VALUE_MAX);

    count_row_add(counts_row_of(counts, value, counts_hash(counts, value)), *row);
}

bool counts_know_events(const struct counts *counts)
{
    return counts->events;
}

struct count_row *counts_rows(struct counts *counts, size_t *count, struct count_row *other)
{
    size_t skip = counts->has_empty ? 0 : 1;

    *count = counts->rows_count - skip;
    *other = counts->other;
    return counts->rows + skip;
}
