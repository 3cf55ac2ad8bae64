/*
 * store/memory.c -- a double of the store: the same contract in plain arrays, searched from end to
 * end.
 *
 * For tests of what stands above the store, and as a second opinion in the contract suite. Each
 * handle is a store of its own; nothing survives it.
 */
#include "store/memory_internal.h"

#include <sodium.h>
#include <stdlib.h>

void *rows_add(struct rows *rows, size_t size)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap == 0 ? 16 : rows->cap * 2;
        void *ptr = store_alloc(cap * size);

        if (rows->count > 0)
            memcpy(ptr, rows->ptr, rows->count * size);
        free(rows->ptr);
        *rows = (struct rows){ptr, rows->count, cap};
    }
    void *row = (char *)rows->ptr + rows->count++ * size;

    memset(row, 0, size);
    return row;
}

void rows_remove(struct rows *rows, size_t size, size_t at)
{
    char *row = (char *)rows->ptr + at * size;

    rows->count--;
    memmove(row, row + size, (rows->count - at) * size);
}

struct str memory_keep(struct memory_store *store, struct str s)
{
    return arena_str(&store->arena, s);
}

/* -- reading ----------------------------------------------------------------------------------- */

static int memory_read_begin(struct store *base, struct err *err)
{
    (void)base;
    (void)err;
    return 0;
}

static void memory_read_end(struct store *base)
{
    (void)base;
}

static int memory_counters(struct store *base, int64_t out[COUNTERS], struct err *err)
{
    (void)err;
    memcpy(out, memory_of(base)->counters, sizeof(memory_of(base)->counters));
    return 0;
}

static int memory_version(struct store *base, int64_t *out, struct err *err)
{
    (void)err;
    *out = memory_of(base)->version;
    return 0;
}

static int memory_stamp(struct store *base, uint32_t partitions, int64_t *out, struct err *err)
{
    const struct memory_store *store = memory_of(base);

    (void)err;
    *out = store->counters[COUNTER_DIRECTORY];
    for (unsigned p = 0; p < PARTITIONS; p++)
        *out += (partitions >> p & 1) != 0 ? store->commits[p] : 0;
    return 0;
}

static int memory_each_day(struct store *base, struct str tenant, struct str site, int32_t from,
                           int32_t to, stats_fn *fn, void *ctx, struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct stats_row *rows = store->days.ptr;
    int rc = 0;

    (void)err;
    for (size_t i = 0; rc == 0 && i < store->days.count; i++) {
        const struct site_row *owner = memory_site(store, rows[i].site);
        bool wanted = site.len > 0 ? str_eq(rows[i].site, site)
                                   : owner != NULL && str_eq(owner->tenant, tenant);

        if (wanted && str_eq(rows[i].tenant, tenant) && rows[i].day >= from && rows[i].day <= to)
            rc = fn(ctx, &rows[i]);
    }
    return rc;
}

static int memory_each_hour(struct store *base, struct str tenant, struct str site, int64_t from_ms,
                            int64_t to_ms, stats_fn *fn, void *ctx, struct err *err)
{
    const struct rows *hours = &memory_of(base)->hours;
    const struct stats_row *rows = hours->ptr;
    int rc = 0;

    (void)err;
    for (size_t i = 0; rc == 0 && i < hours->count; i++)
        if (str_eq(rows[i].site, site) && str_eq(rows[i].tenant, tenant) &&
            rows[i].hour_ms >= from_ms && rows[i].hour_ms < to_ms)
            rc = fn(ctx, &rows[i]);
    return rc;
}

struct one_span {
    span_fn *fn;
    void *ctx;
    size_t place;
};

static int see_of_span(void *ctx, const struct stats_row *row)
{
    const struct one_span *span = ctx;

    return span->fn(span->ctx, span->place, row);
}

static int memory_each_day_of(struct store *base, const struct site_span *spans, size_t count,
                              span_fn *fn, void *ctx, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct one_span span = {fn, ctx, i};

        rc = memory_each_day(base, spans[i].tenant, spans[i].site, (int32_t)spans[i].from,
                             (int32_t)spans[i].to, see_of_span, &span, err);
    }
    return rc;
}

static int memory_each_hour_of(struct store *base, const struct site_span *spans, size_t count,
                               span_fn *fn, void *ctx, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct one_span span = {fn, ctx, i};

        rc = memory_each_hour(base, spans[i].tenant, spans[i].site, spans[i].from, spans[i].to,
                              see_of_span, &span, err);
    }
    return rc;
}

static int memory_each_ledger(struct store *base, struct str tenant, struct str site, int32_t from,
                              int32_t to, ledger_fn *fn, void *ctx, struct err *err)
{
    const struct rows *ledger = &memory_of(base)->ledger;
    const struct ledger_row *rows = ledger->ptr;
    int rc = 0;

    (void)err;
    for (size_t i = 0; rc == 0 && i < ledger->count; i++)
        if (str_eq(rows[i].site, site) && str_eq(rows[i].tenant, tenant) && rows[i].day >= from &&
            rows[i].day <= to)
            rc = fn(ctx, &rows[i]);
    return rc;
}

static bool behind(const struct event_row *row, struct event_cursor cursor)
{
    return row->event.time_ms > cursor.time_ms ||
           (row->event.time_ms == cursor.time_ms && row->id > cursor.id);
}

static int memory_page_events(struct store *base, struct str tenant, struct str site,
                              int64_t from_ms, int64_t to_ms, struct event_cursor cursor,
                              size_t limit, struct arena *arena, struct event_row **out,
                              size_t *count, struct err *err)
{
    const struct rows *events = &memory_of(base)->events;
    const struct event_row *rows = events->ptr;

    (void)err;
    *out = ARENA_NEW(arena, struct event_row, limit + 1);
    *count = 0;
    for (size_t i = 0; i < events->count && *count < limit; i++)
        if (str_eq(rows[i].event.site, site) && str_eq(rows[i].event.tenant, tenant) &&
            rows[i].event.time_ms >= from_ms && rows[i].event.time_ms < to_ms &&
            behind(&rows[i], cursor))
            (*out)[(*count)++] = rows[i];
    return 0;
}

static int memory_balance(struct store *base, struct balance *out, struct err *err)
{
    const struct memory_store *store = memory_of(base);
    const struct ledger_row *ledger = store->ledger.ptr;
    const struct memory_position *positions = store->positions.ptr;

    (void)err;
    *out = (struct balance){store->folded_records, store->folded_positions};
    for (size_t i = 0; i < store->ledger.count; i++)
        out->ledger_records += ledger[i].records;
    for (size_t i = 0; i < store->positions.count; i++)
        out->committed += (int64_t)positions[i].position.number;
    return 0;
}

static int memory_check(struct store *base, struct err *err)
{
    (void)base;
    (void)err;
    return 0;
}

/* -- copies ------------------------------------------------------------------------------------ */

static int no_copies(struct err *err)
{
    return err_set(err, ERR_INVALID, "the memory store keeps no copies");
}

static int memory_dump(struct store *base, const struct store_table *table, dump_fn *fn, void *ctx,
                       struct err *err)
{
    (void)base;
    (void)table;
    (void)fn;
    (void)ctx;
    return no_copies(err);
}

static int memory_load_begin(struct store *base, bool replace, struct err *err)
{
    (void)base;
    (void)replace;
    return no_copies(err);
}

static int memory_load(struct store *base, const struct store_table *table, struct str rows,
                       struct err *err)
{
    (void)base;
    (void)table;
    (void)rows;
    return no_copies(err);
}

static int memory_load_end(struct store *base, int rc, struct err *err)
{
    (void)base;
    return rc != 0 ? rc : no_copies(err);
}

static int memory_sums(struct store *base, struct store_sums *out, struct err *err)
{
    (void)base;
    *out = (struct store_sums){0};
    return no_copies(err);
}

/* -- the store itself -------------------------------------------------------------------------- */

static int memory_check_url(struct str path, struct err *err)
{
    (void)path;
    (void)err;
    return 0;
}

static int memory_open(const struct store_config *config, struct str path, struct store **out,
                       struct err *err)
{
    struct memory_store *store = store_alloc(sizeof(*store));

    (void)config;
    (void)path;
    (void)err;
    randombytes_buf(store->id_key, sizeof(store->id_key));
    randombytes_buf(store->signing_key, sizeof(store->signing_key));
    *out = &store->base;
    return 0;
}

static void memory_close(struct store *base)
{
    struct memory_store *store = memory_of(base);
    struct rows *all[] = {
        &store->events,      &store->days,   &store->hours,     &store->sketches,
        &store->visits,      &store->due,    &store->packs,     &store->goals,
        &store->keys,        &store->ledger, &store->positions, &store->tenants,
        &store->sites,       &store->tokens, &store->removed,   &store->users,
        &store->sessions,    &store->links,  &store->erasures,  &store->installation,
        &store->annotations, &store->audit};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]->ptr);
    arena_free(&store->arena);
    free(store);
}

const struct store_ops store_memory = {
    .scheme = {"memory:", 7},
    .batch_records = 10000,
    .local = true,
    .check_url = memory_check_url,
    .open = memory_open,
    .close = memory_close,
    .lease = lease_take,
    .unlease = lease_give,
    .positions = memory_positions,
    .hold_positions = memory_hold_positions,
    .load_sketches = memory_load_sketches,
    .load_visits = memory_load_visits,
    .load_due = memory_load_due,
    .load_goals = memory_load_goals,
    .load_keys = memory_load_keys,
    .commit = memory_commit,
    .yield = writers_yield,
    .finish_run = memory_finish_run,
    .expire = memory_expire,
    .finish_retention = memory_finish_retention,
    .salts = salts_read,
    .read_begin = memory_read_begin,
    .read_end = memory_read_end,
    .counters = memory_counters,
    .version = memory_version,
    .stamp = memory_stamp,
    .each_day = memory_each_day,
    .each_day_of = memory_each_day_of,
    .each_hour_of = memory_each_hour_of,
    .each_hour = memory_each_hour,
    .each_ledger = memory_each_ledger,
    .page_events = memory_page_events,
    .each_visit = memory_each_visit,
    .due_days = memory_due_days,
    .each_pack = memory_each_pack,
    .balance = memory_balance,
    .check = memory_check,
    .holdings = memory_holdings,
    .overdue = memory_overdue,
    .salts_held = salts_look,
    .about = memory_about,
    .read_directory = memory_read_directory,
    .get = memory_get,
    .edit = memory_edit,
    .page = memory_page,
    .count = memory_count_kind,
    .end_sessions = memory_end_sessions,
    .page_audit = memory_page_audit,
    .note = memory_note,
    .usage = memory_usage,
    .site_span = memory_site_span,
    .payload_session = memory_payload_session,
    .erase_site = memory_erase_site,
    .compact = memory_compact,
    .erase_value = memory_erase_value,
    .dump = memory_dump,
    .load_begin = memory_load_begin,
    .load = memory_load,
    .load_end = memory_load_end,
    .sums = memory_sums,
};
