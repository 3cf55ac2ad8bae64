/*
 * store/memory_job.c -- what the job reads of the memory double, and what a batch of it changes.
 */
#include "store/memory_internal.h"

#include "base/clock.h"

#include <stdlib.h>

/* -- committing -------------------------------------------------------------------------------- */

static struct memory_position *find_position(struct memory_store *store,
                                             const struct position *position)
{
    struct memory_position *rows = store->positions.ptr;

    for (size_t i = 0; i < store->positions.count; i++)
        if (rows[i].position.partition == position->partition &&
            memcmp(&rows[i].position.producer, &position->producer, PRODUCER_BYTES) == 0)
            return &rows[i];
    return NULL;
}

static int check_positions(struct memory_store *store, const struct store_batch *batch,
                           struct err *err)
{
    for (size_t i = 0; i < batch->positions_count; i++) {
        const struct position *from = &batch->positions[i].from;
        const struct memory_position *there = find_position(store, from);

        if ((there == NULL ? 0 : there->position.number) != from->number)
            return err_set(err, ERR_CONFLICT, "partition %u is not at record %llu", from->partition,
                           (unsigned long long)from->number);
    }
    return 0;
}

#define ANY_EMPTY(rows, count, site)                                                               \
    for (size_t i = 0; i < (count); i++)                                                           \
        if ((rows)[i].site.len == 0)                                                               \
    return err_set(err, ERR_INVALID, "a row has no site")

static int check_sites(const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->events_count; i++)
        if (batch->events[i]->site.len == 0)
            return err_set(err, ERR_INVALID, "a row has no site");
    ANY_EMPTY(batch->days, batch->days_count, site);
    ANY_EMPTY(batch->hours, batch->hours_count, site);
    ANY_EMPTY(batch->sketches, batch->sketches_count, key.site);
    ANY_EMPTY(batch->visits, batch->visits_count, key.site);
    ANY_EMPTY(batch->keys, batch->keys_count, site);
    ANY_EMPTY(batch->ledger, batch->ledger_count, site);
    ANY_EMPTY(batch->due, batch->due_count, site);
    ANY_EMPTY(batch->packs, batch->packs_count, site);
    ANY_EMPTY(batch->goals, batch->goals_count, site);
    return 0;
}

static void move_positions(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->positions_count; i++) {
        struct memory_position *row = find_position(store, &batch->positions[i].from);

        if (row == NULL)
            row = rows_add(&store->positions, sizeof(*row));
        *row = (struct memory_position){batch->positions[i].from, clock_wall_ms()};
        row->position.number = batch->positions[i].to;
    }
}

static int event_order(const void *a, const void *b)
{
    const struct event_row *x = a, *y = b;
    int order = str_cmp(x->event.site, y->event.site);

    if (order == 0)
        order = (x->event.time_ms > y->event.time_ms) - (x->event.time_ms < y->event.time_ms);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static void add_events(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->events_count; i++) {
        struct event_row *row = rows_add(&store->events, sizeof(*row));
        struct event *e = &row->event;

        row->id = ++store->event_id;
        *e = *batch->events[i];
        e->received_ms = e->hour_ms = 0;
        e->visitor_before = 0;
        e->day_before = 0;
        memset(e->traits, 0, sizeof(e->traits));
        e->has_id = false;
        memset(e->id, 0, sizeof(e->id));
        e->name = memory_keep(store, e->name);
        e->site = memory_keep(store, e->site);
        e->tenant = memory_keep(store, e->tenant);
        e->path = memory_keep(store, e->path);
        e->referrer = memory_keep(store, e->referrer);
        e->title = memory_keep(store, e->title);
        e->screen = memory_keep(store, e->screen);
        e->props = memory_keep(store, e->props);
        e->prefix = memory_keep(store, e->prefix);
    }
    if (batch->events_count > 0)
        qsort(store->events.ptr, store->events.count, sizeof(struct event_row), event_order);
}

static int stats_order(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->hour_ms > y->hour_ms) - (x->hour_ms < y->hour_ms);
    return order != 0 ? order : (x->day > y->day) - (x->day < y->day);
}

/* Daily rows have no hour; hourly ones are known by it alone. */
static struct stats_row *find_stats(struct rows *rows, const struct stats_row *row)
{
    struct stats_row *all = rows->ptr;

    for (size_t i = 0; i < rows->count; i++)
        if (str_eq(all[i].site, row->site) && all[i].hour_ms == row->hour_ms &&
            (row->hour_ms != 0 || all[i].day == row->day))
            return &all[i];
    return NULL;
}

static struct stats add_capped(const struct stats *a, const struct stats *b)
{
    int64_t x[STATS_COUNT], y[STATS_COUNT];

    stats_to_array(a, x);
    stats_to_array(b, y);
    for (size_t i = 0; i < STATS_COUNT - 1; i++)
        if (__builtin_add_overflow(x[i], y[i], &x[i]) || x[i] > SUM_MAX)
            x[i] = SUM_MAX;
    if (y[STATS_COUNT - 1] > x[STATS_COUNT - 1])
        x[STATS_COUNT - 1] = y[STATS_COUNT - 1];
    return stats_from_array(x);
}

static void add_stats(struct memory_store *store, struct rows *rows, const struct stats_row *more,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stats_row *row = find_stats(rows, &more[i]);

        if (row == NULL) {
            row = rows_add(rows, sizeof(*row));
            *row = more[i];
            row->site = memory_keep(store, row->site);
            row->tenant = memory_keep(store, row->tenant);
            row->stats = (struct stats){0};
        }
        row->stats = add_capped(&row->stats, &more[i].stats);
    }
    if (count > 0)
        qsort(rows->ptr, rows->count, sizeof(struct stats_row), stats_order);
}

static struct sketch *find_sketch(struct memory_store *store, const struct sketch_key *key)
{
    struct sketch *rows = store->sketches.ptr;

    for (size_t i = 0; i < store->sketches.count; i++)
        if (str_eq(rows[i].key.site, key->site) && rows[i].key.kind == key->kind &&
            rows[i].key.day == key->day && rows[i].key.hour_ms == key->hour_ms)
            return &rows[i];
    return NULL;
}

static void put_sketches(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->sketches_count; i++) {
        struct sketch *row = find_sketch(store, &batch->sketches[i].key);

        if (row == NULL) {
            row = rows_add(&store->sketches, sizeof(*row));
            row->key = batch->sketches[i].key;
            row->key.site = memory_keep(store, row->key.site);
        }
        row->bytes = memory_keep(store, batch->sketches[i].bytes);
    }
}

static struct event_key *find_key(struct memory_store *store, const struct event_key *key)
{
    struct event_key *rows = store->keys.ptr;

    for (size_t i = 0; i < store->keys.count; i++)
        if (str_eq(rows[i].site, key->site) && memcmp(rows[i].id, key->id, sizeof(key->id)) == 0)
            return &rows[i];
    return NULL;
}

static void put_keys(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->keys_count; i++) {
        struct event_key *row = find_key(store, &batch->keys[i]);

        if (row == NULL)
            row = rows_add(&store->keys, sizeof(*row));
        *row = batch->keys[i];
        row->site = memory_keep(store, row->site);
    }
}

static int ledger_order(const void *a, const void *b)
{
    const struct ledger_row *x = a, *y = b;
    int order = str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->day > y->day) - (x->day < y->day);
    if (order == 0)
        order = (x->kind > y->kind) - (x->kind < y->kind);
    return order != 0 ? order : str_cmp(x->reason, y->reason);
}

static void add_ledger(struct memory_store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->ledger_count; i++) {
        const struct ledger_row *more = &batch->ledger[i];
        struct ledger_row *row = store->ledger.ptr, *end = row + store->ledger.count;

        while (row < end && ledger_order(row, more) != 0)
            row++;
        if (row == end) {
            row = rows_add(&store->ledger, sizeof(*row));
            *row = *more;
            row->site = memory_keep(store, row->site);
            row->tenant = memory_keep(store, row->tenant);
            row->reason = memory_keep(store, row->reason);
            row->events = row->records = 0;
        }
        row->events = row->events + more->events < SUM_MAX ? row->events + more->events : SUM_MAX;
        row->records += more->records;
    }
    if (batch->ledger_count > 0)
        qsort(store->ledger.ptr, store->ledger.count, sizeof(struct ledger_row), ledger_order);
}

static void count_commit(struct memory_store *store, uint32_t partitions)
{
    for (unsigned p = 0; p < PARTITIONS; p++)
        store->commits[p] += partitions >> p & 1;
}

int memory_commit(struct store *base, const struct store_batch *batch, struct err *err)
{
    struct memory_store *store = memory_of(base);
    int rc = check_positions(store, batch, err);

    if (rc == 0)
        rc = check_sites(batch, err);
    if (rc != 0)
        return rc;
    move_positions(store, batch);
    add_events(store, batch);
    add_stats(store, &store->days, batch->days, batch->days_count);
    add_stats(store, &store->hours, batch->hours, batch->hours_count);
    put_sketches(store, batch);
    memory_put_visits(store, batch);
    put_keys(store, batch);
    add_ledger(store, batch);
    memory_put_due(store, batch);
    memory_put_packs(store, batch);
    memory_put_goals(store, batch);
    count_commit(store, batch_partitions(batch));
    store->counters[COUNTER_DAILY_STATS_ROWS] += (int64_t)batch->days_count;
    store->version++;
    return 0;
}

int memory_finish_run(struct store *base, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                      struct err *err)
{
    struct memory_store *store = memory_of(base);
    int64_t least = INT64_MAX;

    (void)err;
    for (unsigned p = 0; p < PARTITIONS; p++) {
        if ((partitions >> p & 1) != 0 && as_of_ms > store->as_of_ms[p])
            store->as_of_ms[p] = as_of_ms;
        if (store->as_of_ms[p] < least)
            least = store->as_of_ms[p];
    }
    store->counters[COUNTER_AS_OF] = least;
    store->counters[COUNTER_LAST_SUCCESS] = now_ms;
    store->version++;
    return 0;
}

/* -- what the job reads ------------------------------------------------------------------------ */

static int position_order(const void *a, const void *b)
{
    const struct position *x = a, *y = b;
    int order = memcmp(&x->producer, &y->producer, sizeof(x->producer));

    return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

int memory_positions(struct store *base, const struct position_filter *filter, struct arena *arena,
                     struct position **out, size_t *count, struct err *err)
{
    const struct rows *rows = &memory_of(base)->positions;

    (void)err;
    *out = ARENA_NEW(arena, struct position, rows->count + 1);
    *count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct position *row = &((const struct memory_position *)rows->ptr)[i].position;

        if (position_wanted(filter, &row->producer, row->partition))
            (*out)[(*count)++] = *row;
    }
    qsort(*out, *count, sizeof(**out), position_order);
    return 0;
}

int memory_hold_positions(struct store *base, const struct producer *producers, size_t count,
                          int64_t now_ms, struct err *err)
{
    struct rows *rows = &memory_of(base)->positions;
    struct memory_position *all = rows->ptr;

    (void)err;
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < count; j++)
            if (memcmp(&all[i].position.producer, &producers[j], sizeof(producers[j])) == 0 &&
                all[i].moved_ms < now_ms)
                all[i].moved_ms = now_ms;
    return 0;
}

int memory_load_sketches(struct store *base, struct arena *arena, struct sketch *sketches,
                         size_t count, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct sketch *row = find_sketch(memory_of(base), &sketches[i].key);

        sketches[i].bytes = row == NULL ? STR("") : arena_str(arena, row->bytes);
    }
    return 0;
}

int memory_load_keys(struct store *base, struct event_key *keys, size_t count, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct event_key *row = find_key(memory_of(base), &keys[i]);

        keys[i].received_ms = row == NULL ? 0 : row->received_ms;
    }
    return 0;
}
