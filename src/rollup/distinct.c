/*
 * rollup/distinct.c -- distinct counting.
 *
 * Bytes: one of
 *     1, then the values as little-endian 64-bit numbers in rising order (at most DISTINCT_EXACT)
 *     2, then 2^14 registers of a byte each
 *
 * While exact, a set is the sorted values it was loaded with and a small hash table of what came
 * since; so a batch that adds a handful of visitors to a large set sorts only the handful.
 */
#include "rollup/distinct.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

enum {
    FORM_EXACT = 1,
    FORM_HLL = 2,
    P = 14,
    REGISTERS = 1 << P,
    Q = 64 - P, /* the greatest rank is Q + 1 */
    TABLE_MIN = 16,
};

struct distinct {
    const uint64_t *sorted;
    size_t sorted_count;
    uint64_t *table; /* open addressing, 0 is free */
    size_t table_size, table_count;
    uint8_t *registers; /* not NULL: the rest is unused */
};

static bool sorted_has(const struct distinct *set, uint64_t value)
{
    size_t low = 0, high = set->sorted_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (set->sorted[mid] < value)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->sorted_count && set->sorted[low] == value;
}

static bool table_put(uint64_t *table, size_t size, uint64_t value)
{
    size_t i = (size_t)value & (size - 1);

    while (table[i] != 0) {
        if (table[i] == value)
            return false;
        i = (i + 1) & (size - 1);
    }
    table[i] = value;
    return true;
}

static void table_grow(struct distinct *set, struct arena *arena)
{
    size_t size = set->table_size == 0 ? TABLE_MIN : set->table_size * 2;
    uint64_t *table = ARENA_NEW(arena, uint64_t, size);

    for (size_t i = 0; i < set->table_size; i++)
        if (set->table[i] != 0)
            (void)table_put(table, size, set->table[i]);
    set->table = table;
    set->table_size = size;
}

static bool register_add(uint8_t *registers, uint64_t value)
{
    size_t index = (size_t)(value >> Q);
    /* The bit below the rest ends the count, so that the rank is at most Q + 1. */
    uint64_t rest = (value << P) | (UINT64_C(1) << (P - 1));
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

    if (registers[index] >= rank)
        return false;
    registers[index] = rank;
    return true;
}

static void become_hll(struct distinct *set, struct arena *arena)
{
    set->registers = ARENA_NEW(arena, uint8_t, REGISTERS);
    for (size_t i = 0; i < set->sorted_count; i++)
        (void)register_add(set->registers, set->sorted[i]);
    for (size_t i = 0; i < set->table_size; i++)
        if (set->table[i] != 0)
            (void)register_add(set->registers, set->table[i]);
}

bool distinct_add(struct distinct *set, uint64_t value, struct arena *arena)
{
    if (set->registers != NULL)
        return register_add(set->registers, value);
    if (sorted_has(set, value))
        return false;
    if (2 * (set->table_count + 1) > set->table_size)
        table_grow(set, arena);
    if (!table_put(set->table, set->table_size, value))
        return false;
    set->table_count++;
    if (set->sorted_count + set->table_count > DISTINCT_EXACT)
        become_hll(set, arena);
    return true;
}

void distinct_merge(struct distinct *set, const struct distinct *other, struct arena *arena)
{
    if (other->registers != NULL) {
        if (set->registers == NULL)
            become_hll(set, arena);
        for (size_t i = 0; i < REGISTERS; i++)
            if (other->registers[i] > set->registers[i])
                set->registers[i] = other->registers[i];
        return;
    }
    for (size_t i = 0; i < other->sorted_count; i++)
        (void)distinct_add(set, other->sorted[i], arena);
    for (size_t i = 0; i < other->table_size; i++)
        if (other->table[i] != 0)
            (void)distinct_add(set, other->table[i], arena);
}

static int load_exact(struct str bytes, struct arena *arena, struct distinct *set, struct err *err)
{
    size_t count = bytes.len / sizeof(uint64_t);

    if (bytes.len % sizeof(uint64_t) != 0 || count > DISTINCT_EXACT)
        return err_set(err, ERR_CORRUPT, "a set of visitors has %zu bytes", bytes.len);
    uint64_t *values = ARENA_NEW(arena, uint64_t, count + 1);

    if (count > 0)
        memcpy(values, bytes.ptr, bytes.len);
    for (size_t i = 0; i < count; i++) {
        values[i] = le64toh(values[i]);
        if (values[i] <= (i == 0 ? 0 : values[i - 1]))
            return err_set(err, ERR_CORRUPT, "a set of visitors is out of order at %zu", i);
    }
    set->sorted = values;
    set->sorted_count = count;
    return 0;
}

static int load_hll(struct str bytes, struct arena *arena, struct distinct *set, struct err *err)
{
    if (bytes.len != REGISTERS)
        return err_set(err, ERR_CORRUPT, "a sketch of visitors has %zu bytes", bytes.len);
    set->registers = ARENA_NEW(arena, uint8_t, REGISTERS);
    memcpy(set->registers, bytes.ptr, bytes.len);
    for (size_t i = 0; i < REGISTERS; i++)
        if (set->registers[i] > Q + 1)
            return err_set(err, ERR_CORRUPT, "register %zu of a sketch is %d", i,
                           set->registers[i]);
    return 0;
}

int distinct_load(struct str bytes, struct arena *arena, struct distinct **out, struct err *err)
{
    struct distinct *set = ARENA_NEW(arena, struct distinct, 1);
    struct str rest = str_slice(bytes, 1, bytes.len);
    int rc = 0;

    if (bytes.len > 0 && bytes.ptr[0] == FORM_EXACT)
        rc = load_exact(rest, arena, set, err);
    else if (bytes.len > 0 && bytes.ptr[0] == FORM_HLL)
        rc = load_hll(rest, arena, set, err);
    else if (bytes.len > 0)
        rc = err_set(err, ERR_CORRUPT, "a set of visitors begins with byte %d", bytes.ptr[0]);
    if (rc == 0)
        *out = set;
    return rc;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t *sorted_table(const struct distinct *set, struct arena *arena)
{
    uint64_t *values = ARENA_NEW(arena, uint64_t, set->table_count + 1);
    size_t n = 0;

    for (size_t i = 0; i < set->table_size; i++)
        if (set->table[i] != 0)
            values[n++] = set->table[i];
    qsort(values, n, sizeof(values[0]), by_value);
    return values;
}

static struct str save_exact(const struct distinct *set, struct arena *arena)
{
    size_t count = set->sorted_count + set->table_count;
    char *bytes = arena_alloc(arena, 1 + count * sizeof(uint64_t), 1);
    const uint64_t *added = sorted_table(set, arena);
    size_t i = 0, j = 0;

    bytes[0] = FORM_EXACT;
    for (size_t n = 0; n < count; n++) {
        bool old = i < set->sorted_count && (j == set->table_count || set->sorted[i] < added[j]);
        uint64_t value = htole64(old ? set->sorted[i++] : added[j++]);

        memcpy(bytes + 1 + n * sizeof(value), &value, sizeof(value));
    }
    return (struct str){bytes, 1 + count * sizeof(uint64_t)};
}

struct str distinct_save(const struct distinct *set, struct arena *arena)
{
    if (set->registers == NULL)
        return save_exact(set, arena);
    char *bytes = arena_alloc(arena, 1 + REGISTERS, 1);

    bytes[0] = FORM_HLL;
    memcpy(bytes + 1, set->registers, REGISTERS);
    return (struct str){bytes, 1 + REGISTERS};
}

static double sigma(double x)
{
    double y = 1, z = x, before;

    if (x >= 1)
        return HUGE_VAL;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;

    if (x <= 0 || x >= 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

static int64_t estimate(const uint8_t *registers)
{
    const double m = REGISTERS;
    unsigned of_rank[Q + 2] = {0};

    for (size_t i = 0; i < REGISTERS; i++)
        of_rank[registers[i]]++;
    double z = m * tau(1 - of_rank[Q + 1] / m);

    for (int k = Q; k >= 1; k--)
        z = 0.5 * (z + of_rank[k]);
    z += m * sigma(of_rank[0] / m);
    return llround(m * m / (2 * M_LN2 * z));
}

int64_t distinct_count(const struct distinct *set)
{
    if (set->registers != NULL)
        return estimate(set->registers);
    return (int64_t)(set->sorted_count + set->table_count);
}

bool distinct_is_exact(const struct distinct *set)
{
    return set->registers == NULL;
}
