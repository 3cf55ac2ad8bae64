/*
 * facts/intern.c -- texts with numbers: each distinct text of a day once.
 *
 * Numbers are given in the order of arrival; intern_rank() makes them those of the bytewise order,
 * which no arrival can change, and in which texts share the most with their neighbours.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>
#include <xxhash.h>

void *grown(struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 64 : *room * 2;
    void *more = arena_bytes(arena, *room * size);

    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

void intern_init(struct intern *intern, struct arena *arena)
{
    *intern = (struct intern){.arena = arena, .count = 1, .room = 16, .size = 32};
    intern->values = ARENA_NEW(arena, struct str, intern->room);
    intern->values[0] = STR("");
    intern->table = ARENA_NEW(arena, uint32_t, intern->size);
}

static uint32_t *slot_of(const struct intern *intern, struct str value)
{
    size_t i = (size_t)XXH3_64bits(value.ptr, value.len);

    for (;; i++) {
        uint32_t *slot = &intern->table[i & (intern->size - 1)];

        if (*slot == 0 || str_eq(intern->values[*slot], value))
            return slot;
    }
}

static void table_grow(struct intern *intern)
{
    intern->size *= 2;
    intern->table = ARENA_NEW(intern->arena, uint32_t, intern->size);
    for (uint32_t id = 1; id < intern->count; id++)
        *slot_of(intern, intern->values[id]) = id;
}

uint32_t intern_put(struct intern *intern, struct str value)
{
    if (value.len == 0)
        return 0;
    if (value.len > VALUE_MAX)
        value.len = VALUE_MAX;
    uint32_t *slot = slot_of(intern, value);

    if (*slot != 0)
        return *slot;
    if (2 * (intern->count + 1) > intern->size) {
        table_grow(intern);
        slot = slot_of(intern, value);
    }
    size_t room = intern->room;

    intern->values = grown(intern->arena, intern->values, intern->count, &room, sizeof(value));
    intern->room = (uint32_t)room;
    intern->values[intern->count] = arena_str(intern->arena, value);
    *slot = intern->count;
    return intern->count++;
}

struct ranked {
    struct str value;
    uint32_t id;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return str_cmp(x->value, y->value);
}

struct dict intern_rank(const struct intern *intern, const bool *used, struct arena *arena,
                        uint32_t **ranks)
{
    struct ranked *order = ARENA_NEW(intern->arena, struct ranked, intern->count);
    uint32_t count = 0;

    for (uint32_t id = 0; id < intern->count; id++)
        if (id == 0 || used[id])
            order[count++] = (struct ranked){intern->values[id], id};
    qsort(order, count, sizeof(order[0]), by_value);
    struct str *values = ARENA_NEW(arena, struct str, count);

    *ranks = ARENA_NEW(intern->arena, uint32_t, intern->count);
    for (uint32_t rank = 0; rank < count; rank++) {
        values[rank] = rank == 0 ? STR("") : arena_str(arena, order[rank].value);
        (*ranks)[order[rank].id] = rank;
    }
    return (struct dict){values, count};
}
