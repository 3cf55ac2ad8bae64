/*
 * aggregate/erase_packs.c -- erasing a value from the days that are packed (facts_replace()).
 *
 * All packed days of the site are looked through, those that still have their raw rows too. Each is
 * one commit under the lease, which changes nothing else of the day.
 */
#include "aggregate/aggregate_internal.h"
#include "facts/facts.h"

/* -- which days are packed -- */

struct day_list {
    struct arena arena;
    int32_t *days;
    size_t count, cap;
};

/* pack_fn */
static int add_day(void *ctx, const struct pack_part *part)
{
    struct day_list *list = ctx;

    if (list->count == list->cap) {
        int32_t *more = ARENA_NEW(&list->arena, int32_t, 2 * list->cap + 64);

        if (list->count > 0)
            memcpy(more, list->days, list->count * sizeof(more[0]));
        list->days = more;
        list->cap = 2 * list->cap + 64;
    }
    list->days[list->count++] = part->day;
    return 0;
}

/* -- a day -- */

struct day_parts {
    struct arena arena;
    struct pack_part parts[PACK_PARTS_MAX];
    size_t count;
};

/* pack_fn */
static int add_part(void *ctx, const struct pack_part *part)
{
    struct day_parts *day = ctx;

    if (day->count == PACK_PARTS_MAX)
        return ERR_CORRUPT;
    struct pack_part *own = &day->parts[day->count++];

    *own = *part;
    own->site = arena_str(&day->arena, part->site);
    own->bytes = arena_str(&day->arena, part->bytes);
    return 0;
}

static int commit_parts(struct run *run, const struct pack_part *parts, size_t count,
                        struct err *err)
{
    const struct store_batch batch = {.packs = parts, .packs_count = count};

    return store_commit(run->store, &batch, err);
}

static int replace_in_day(struct run *run, const struct erasing *erasing, struct str with,
                          int32_t day, int64_t *changed, struct err *err)
{
    struct day_parts parts = {.count = 0};
    struct pack_part *different = NULL;
    int32_t numbers[PACK_PARTS_MAX];
    size_t numbers_count = facts_parts_all(numbers), count = 0;
    int rc = store_each_pack(run->store, erasing->tenant, erasing->site, day, day, numbers,
                             numbers_count, add_part, &parts, err);

    if (rc == 0)
        rc = facts_replace(parts.parts, parts.count, erasing->kind, erasing->value, with,
                           &parts.arena, &different, &count, err);
    if (rc == 0 && count > 0)
        rc = commit_parts(run, different, count, err);
    if (rc == 0)
        *changed += (int64_t)count;
    arena_free(&parts.arena);
    return rc;
}

int erase_from_packs(struct run *run, const struct erasing *erasing, struct str with,
                     int64_t *changed, bool *done, struct err *err)
{
    static const int32_t first_part[] = {0};
    struct day_list list = {.count = 0};
    size_t i = 0;
    int rc = store_each_pack(run->store, erasing->tenant, erasing->site, INT32_MIN, INT32_MAX,
                             first_part, 1, add_day, &list, err);

    while (rc == 0 && i < list.count && !run_stopping(run)) {
        rc = replace_in_day(run, erasing, with, list.days[i++], changed, err);
        if (rc == 0 && i % 100 == 0)
            rc = erase_pause(run, err);
    }
    *done = rc == 0 && i == list.count;
    arena_free(&list.arena);
    return rc;
}
