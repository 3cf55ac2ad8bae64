/*
 * store/memory_packs.c -- visits of a day, due days, packs and goals of the memory double.
 */
#include "store/memory_internal.h"

#include <stdlib.h>

/* -- visits ------------------------------------------------------------------------------------ */

static struct visit *find_visit(struct memory_store *store, const struct visit_key *key)
{
    struct visit *rows = store->visits.ptr;

    for (size_t i = 0; i < store->visits.count; i++)
        if (str_eq(rows[i].key.site, key->site) && rows[i].key.day == key->day &&
            rows[i].key.visitor == key->visitor && rows[i].key.begin_ms == key->begin_ms)
            return &rows[i];
    return NULL;
}

/* As SQL has it: a visitor's id is a signed number there. */
static int visit_order(const void *a, const void *b)
{
    const struct visit_key *x = &((const struct visit *)a)->key,
                           *y = &((const struct visit *)b)->key;
    int64_t x_visitor = (int64_t)x->visitor, y_visitor = (int64_t)y->visitor;
    int order = str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->day > y->day) - (x->day < y->day);
    if (order == 0)
        order = (x_visitor > y_visitor) - (x_visitor < y_visitor);
    return order != 0 ? order : (x->begin_ms > y->begin_ms) - (x->begin_ms < y->begin_ms);
}

void memory_put_visits(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->visits_gone_count; i++) {
        struct visit *row = find_visit(store, &batch->visits_gone[i]);

        if (row != NULL)
            rows_remove(&store->visits, sizeof(*row),
                        (size_t)(row - (struct visit *)store->visits.ptr));
    }
    for (size_t i = 0; i < batch->visits_count; i++) {
        struct visit *row = find_visit(store, &batch->visits[i].key);

        if (row == NULL)
            row = rows_add(&store->visits, sizeof(*row));
        *row = batch->visits[i];
        row->key.site = memory_keep(store, row->key.site);
        keep_texts(&store->arena, row->texts, VISIT_TEXTS);
    }
    if (batch->visits_count > 0)
        qsort(store->visits.ptr, store->visits.count, sizeof(struct visit), visit_order);
}

int memory_load_visits(struct store *base, struct arena *arena, const struct visitor_key *keys,
                       size_t count, struct visit **out, size_t *out_count, struct err *err)
{
    const struct rows *rows = &memory_of(base)->visits;
    const struct visit *all = rows->ptr;

    (void)err;
    *out = ARENA_NEW(arena, struct visit, rows->count + 1);
    *out_count = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < rows->count; j++)
            if (all[j].key.visitor == keys[i].visitor && all[j].key.day == keys[i].day &&
                str_eq(all[j].key.site, keys[i].site))
                (*out)[(*out_count)++] = all[j];
    return 0;
}

static bool site_is_of(struct memory_store *store, struct str site, struct str tenant)
{
    const struct site_row *row = memory_site(store, site);

    return row != NULL && str_eq(row->tenant, tenant);
}

int memory_each_visit(struct store *base, struct str tenant, struct str site, int32_t day,
                      visit_fn *fn, void *ctx, struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct visit *rows = store->visits.ptr;
    bool found = site_is_of(store, site, tenant);
    int rc = 0;

    (void)err;
    for (size_t i = 0; found && rc == 0 && i < store->visits.count; i++)
        if (rows[i].key.day == day && str_eq(rows[i].key.site, site))
            rc = fn(ctx, &rows[i]);
    return rc;
}

/* -- in a batch -------------------------------------------------------------------------------- */

static int due_order(const void *a, const void *b)
{
    const struct site_day *x = a, *y = b;
    int order = str_cmp(x->site, y->site);

    return order != 0 ? order : (x->day > y->day) - (x->day < y->day);
}

static struct site_day *find_due(struct memory_store *store, const struct site_day *day)
{
    struct site_day *rows = store->due.ptr;

    for (size_t i = 0; i < store->due.count; i++)
        if (due_order(&rows[i], day) == 0)
            return &rows[i];
    return NULL;
}

void memory_put_due(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->due_count; i++) {
        struct site_day *row = find_due(store, &batch->due[i]);

        if (row != NULL)
            continue;
        row = rows_add(&store->due, sizeof(*row));
        *row = (struct site_day){memory_keep(store, batch->due[i].site), batch->due[i].day};
    }
    if (batch->due_count > 0)
        qsort(store->due.ptr, store->due.count, sizeof(struct site_day), due_order);
}

static int part_order(const void *a, const void *b)
{
    const struct pack_part *x = a, *y = b;
    int order = str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->day > y->day) - (x->day < y->day);
    return order != 0 ? order : (x->part > y->part) - (x->part < y->part);
}

static struct pack_part *find_part(struct memory_store *store, const struct pack_part *part)
{
    struct pack_part *rows = store->packs.ptr;

    for (size_t i = 0; i < store->packs.count; i++)
        if (part_order(&rows[i], part) == 0)
            return &rows[i];
    return NULL;
}

static void remove_packed(struct memory_store *store, const struct site_day *day)
{
    const struct site_day *due = find_due(store, day);
    const struct pack_part *parts = store->packs.ptr;

    if (due != NULL)
        rows_remove(&store->due, sizeof(*due),
                    (size_t)(due - (const struct site_day *)store->due.ptr));
    for (size_t i = store->packs.count; i-- > 0;)
        if (parts[i].day == day->day && str_eq(parts[i].site, day->site))
            rows_remove(&store->packs, sizeof(*parts), i);
}

void memory_put_packs(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->packed_count; i++)
        remove_packed(store, &batch->packed[i]);
    for (size_t i = 0; i < batch->packs_count; i++) {
        struct pack_part *row = find_part(store, &batch->packs[i]);

        if (row == NULL)
            row = rows_add(&store->packs, sizeof(*row));
        *row = batch->packs[i];
        row->site = memory_keep(store, row->site);
        row->bytes = memory_keep(store, row->bytes);
    }
    if (batch->packs_count > 0)
        qsort(store->packs.ptr, store->packs.count, sizeof(struct pack_part), part_order);
}

void memory_put_goals(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->goals_count; i++) {
        const struct goals_row *more = &batch->goals[i];
        struct goals_row *row = store->goals.ptr, *end = row + store->goals.count;

        while (row < end && !str_eq(row->site, more->site))
            row++;
        if (row == end) {
            row = rows_add(&store->goals, sizeof(*row));
            row->site = memory_keep(store, more->site);
        }
        row->hash = more->hash;
    }
}

/* -- for the job ------------------------------------------------------------------------------- */

int memory_load_due(struct store *base, uint32_t partitions, int32_t before, struct arena *arena,
                    struct site_day **out, size_t *count, struct err *err)
{
    const struct rows *due = &memory_of(base)->due;
    const struct site_day *rows = due->ptr;

    (void)err;
    *out = ARENA_NEW(arena, struct site_day, due->count + 1);
    *count = 0;
    for (size_t i = 0; i < due->count; i++)
        if (rows[i].day < before && (partitions >> site_partition(rows[i].site) & 1) != 0)
            (*out)[(*count)++] = rows[i];
    return 0;
}

int memory_load_goals(struct store *base, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err)
{
    const struct rows *goals = &memory_of(base)->goals;

    (void)err;
    *out = ARENA_NEW(arena, struct goals_row, goals->count + 1);
    *count = goals->count;
    if (goals->count > 0)
        memcpy(*out, goals->ptr, goals->count * sizeof(**out));
    return 0;
}

/* -- for readers ------------------------------------------------------------------------------- */

int memory_due_days(struct store *base, struct str tenant, struct str site, int32_t from,
                    int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct site_day *rows = store->due.ptr;
    bool found = site_is_of(store, site, tenant);

    (void)err;
    *out = ARENA_NEW(arena, int32_t, store->due.count + 1);
    *count = 0;
    for (size_t i = 0; found && i < store->due.count; i++)
        if (rows[i].day >= from && rows[i].day <= to && str_eq(rows[i].site, site))
            (*out)[(*count)++] = rows[i].day;
    return 0;
}

static bool is_among(int32_t part, const int32_t *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i] == part)
            return true;
    return false;
}

int memory_each_pack(struct store *base, struct str tenant, struct str site, int32_t from,
                     int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                     struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct pack_part *rows = store->packs.ptr;
    bool found = site_is_of(store, site, tenant);
    int rc = 0;

    (void)err;
    for (size_t i = 0; found && rc == 0 && i < store->packs.count; i++)
        if (rows[i].day >= from && rows[i].day <= to && str_eq(rows[i].site, site) &&
            is_among(rows[i].part, parts, parts_count))
            rc = fn(ctx, &rows[i]);
    return rc;
}
