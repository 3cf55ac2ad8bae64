/*
 * aggregate/erase_find.c -- which erasures are due, and of which sites.
 *
 * Most runs find nothing: all of them are looked through only when there are more or fewer than
 * before, when one becomes due, and now and then.
 */
#include "aggregate/aggregate_internal.h"
#include "base/clock.h"

enum {
    LOOK_US = 60 * 1000 * 1000, /* at the latest */
    RELAY_MS = 2000,            /* from a node's log into the shared queue */
};

struct search {
    struct erase_list *list;
    struct erase_watch *watch;
    struct past_list past;
    int64_t now_ms;
};

static struct erasing *add_erasing(struct erase_list *list, const struct erasure_row *row)
{
    if (list->count == list->cap) {
        struct erasing *more = ARENA_NEW(&list->arena, struct erasing, 2 * list->cap + 16);

        if (list->count > 0)
            memcpy(more, list->items, list->count * sizeof(more[0]));
        list->items = more;
        list->cap = 2 * list->cap + 16;
    }
    struct erasing *erasing = &list->items[list->count++];

    *erasing = (struct erasing){.id = arena_str(&list->arena, row->id),
                                .tenant = arena_str(&list->arena, row->tenant),
                                .site = arena_str(&list->arena, row->site),
                                .value = arena_str(&list->arena, row->value),
                                .actor = arena_str(&list->arena, row->actor),
                                .kind = (enum erasure_kind)row->kind,
                                .asked_ms = row->asked_ms};
    return erasing;
}

static int take_due(void *ctx, const void *each, struct err *err)
{
    const struct erasure_row *row = each;
    struct search *search = ctx;

    (void)err;
    past_add(&search->past, row);
    if (row->done_ms > search->list->newest_ms)
        search->list->newest_ms = row->done_ms;
    if (row->done_ms != 0)
        return 0;
    if (row->due_ms <= search->now_ms)
        (void)add_erasing(search->list, row);
    if (row->due_ms < search->watch->due_ms)
        search->watch->due_ms = row->due_ms;
    return 0;
}

static bool look_due(const struct erase_watch *watch, int64_t count, int64_t now_ms)
{
    int64_t now_us = clock_steady_us();

    return now_us >= watch->again_us && (watch->look_us == 0 || now_us >= watch->look_us ||
                                         count != watch->count || now_ms >= watch->due_ms);
}

static void add_site(struct erase_list *list, struct erasing *erasing, struct str id)
{
    if (erasing->sites_count == erasing->sites_cap) {
        size_t cap = 2 * erasing->sites_cap + 1;
        struct erasing_site *more = ARENA_NEW(&list->arena, struct erasing_site, cap);

        if (erasing->sites_count > 0)
            memcpy(more, erasing->sites, erasing->sites_count * sizeof(more[0]));
        erasing->sites = more;
        erasing->sites_cap = cap;
    }
    erasing->sites[erasing->sites_count++] =
        (struct erasing_site){.id = arena_str(&list->arena, id)};
}

struct gathering {
    struct erase_list *list;
    struct erasing *erasing;
};

static int gather_site(void *ctx, const void *row, struct err *err)
{
    const struct gathering *gathering = ctx;

    (void)err;
    add_site(gathering->list, gathering->erasing, ((const struct site_row *)row)->id);
    return 0;
}

static int find_sites(struct run *run, struct erasing *erasing, struct err *err)
{
    const struct row_filter filter = {.tenant = erasing->tenant};
    struct gathering gathering = {&run->erase, erasing};

    if (erasing->kind == ERASE_TENANT)
        return store_each(run->store, ROW_SITE, &filter, gather_site, &gathering, err);
    add_site(&run->erase, erasing, erasing->site);
    return 0;
}

/* What was accepted with a value in it before it was to be erased is counted, or is what this run
 * counts first. */
static int is_counted(struct run *run, const struct erasing *erasing, bool *out, struct err *err)
{
    int64_t counters[COUNTERS] = {0};

    *out = true;
    if (queue_is_whole(run->queue) || erasing->value.len == 0)
        return 0;
    int rc = store_counters(run->store, counters, err);

    *out = counters[COUNTER_AS_OF] >= erasing->asked_ms + RELAY_MS;
    return rc;
}

/* Leave out what has to wait, and find the sites of the rest. */
static int prepare(struct run *run, struct err *err)
{
    size_t kept = 0;
    bool counted = false;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < run->erase.count; i++) {
        struct erasing *erasing = &run->erase.items[i];

        rc = is_counted(run, erasing, &counted, err);
        if (rc == 0 && counted)
            rc = find_sites(run, erasing, err);
        if (rc == 0 && counted)
            run->erase.items[kept++] = *erasing;
    }
    run->erase.count = kept;
    return rc;
}

int erase_find(struct run *run, struct erase_watch *watch, struct err *err)
{
    const struct row_filter all = {0};
    struct search search = {.list = &run->erase, .watch = watch, .now_ms = run->now_ms};
    int64_t count = 0;
    int rc = store_count(run->store, ROW_ERASURE, &all, &count, err);

    if (rc != 0 || !look_due(watch, count, run->now_ms))
        return rc;
    watch->count = count;
    watch->due_ms = INT64_MAX;
    watch->look_us = clock_steady_us() + LOOK_US;
    rc = store_each(run->store, ROW_ERASURE, &all, take_due, &search, err);
    if (rc == 0) {
        past_end(&search.past);
        past_free(&watch->past);
        watch->past = search.past;
        rc = prepare(run, err);
    } else {
        past_free(&search.past);
    }
    if (rc != 0) {
        watch->look_us = 0;
        erase_drop(run);
    }
    return rc;
}

void erase_drop(struct run *run)
{
    arena_free(&run->erase.arena);
    run->erase = (struct erase_list){0};
}

uint32_t erase_partitions(const struct run *run)
{
    uint32_t set = 0;

    for (size_t i = 0; i < run->erase.count; i++)
        for (size_t k = 0; k < run->erase.items[i].sites_count; k++)
            set |= UINT32_C(1) << site_partition(run->erase.items[i].sites[k].id);
    return set;
}
