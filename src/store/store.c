/*
 * store/store.c -- the verbs: find the backend, time it, tell the observer.
 *
 * Values that no backend may take are refused here, with a sentence for people.
 */
#include "store/store_backend.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_ops *const backends[] = {&store_sqlite, &store_postgres,
                                                   &store_postgresql, &store_memory};

void *store_alloc(size_t size)
{
    return must(calloc(1, size));
}

/* -- opening ----------------------------------------------------------------------------------- */

static const struct store_ops *backend_of(struct str url)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (str_starts(url, backends[i]->scheme))
            return backends[i];
    return NULL;
}

static char *text_copy(struct str s)
{
    char *copy = store_alloc(s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

/* Only the operator's programs look into the directory. */
static int make_directory(const char *path, struct err *err)
{
    if (path[0] == '\0' || mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

static void base_init(struct store *store, const struct store_ops *ops,
                      const struct store_config *config)
{
    *store = (struct store){
        .ops = ops,
        .read_only = config->read_only,
        .observe = config->observe,
        .ctx = config->ctx,
        .lease_fd = -1,
        .writers_fd = -1,
    };
}

int store_check_url(struct str url, struct err *err)
{
    const struct store_ops *ops = backend_of(url);

    if (ops == NULL)
        return err_set(err, ERR_INVALID, "no database (try sqlite:PATH or postgres://HOST/NAME)");
    return ops->check_url(str_slice(url, ops->scheme.len, url.len), err);
}

int store_open(const struct store_config *config, struct store **out, struct err *err)
{
    const struct store_ops *ops = backend_of(config->url);
    char *data_dir = text_copy(config->data_dir);
    int rc = store_check_url(config->url, err);

    if (rc == 0 && sodium_init() < 0)
        rc = err_set(err, ERR_SYSTEM, "no source of random numbers");
    if (rc == 0 && ops->local && !config->read_only)
        rc = make_directory(data_dir, err);
    if (rc == 0)
        rc = ops->open(config, str_slice(config->url, ops->scheme.len, config->url.len), out, err);
    if (rc != 0) {
        free(data_dir);
        return rc;
    }
    base_init(*out, ops, config);
    (*out)->data_dir = data_dir;
    return 0;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    char *data_dir = (*store)->data_dir;

    lease_give(*store);
    if ((*store)->writers_fd >= 0)
        (void)close((*store)->writers_fd);
    (*store)->ops->close(*store);
    free(data_dir);
    *store = NULL;
}

/* -- batches ----------------------------------------------------------------------------------- */

/* A set of partitions that grows by sites; the rows of a site often come one after the other. */
struct touched {
    uint32_t partitions;
    struct str last;
};

static void touch(struct touched *touched, struct str site)
{
    if (touched->partitions != 0 && str_eq(site, touched->last))
        return;
    touched->last = site;
    touched->partitions |= UINT32_C(1) << site_partition(site);
}

/* Rows of one kind: their size, and where in them the site stands. */
struct kind_of_rows {
    const void *rows;
    size_t count, size, site;
};

static void touch_rows(struct touched *touched, const struct kind_of_rows *kind)
{
    for (size_t i = 0; i < kind->count; i++) {
        struct str site;

        memcpy(&site, (const char *)kind->rows + i * kind->size + kind->site, sizeof(site));
        touch(touched, site);
    }
}

#define ROWS(member, type, site)                                                                   \
    {                                                                                              \
        batch->member, batch->member##_count, sizeof(struct type), offsetof(struct type, site)     \
    }

uint32_t batch_partitions(const struct store_batch *batch)
{
    const struct kind_of_rows kinds[] = {
        ROWS(days, stats_row, site),        ROWS(hours, stats_row, site),
        ROWS(sketches, sketch, key.site),   ROWS(ledger, ledger_row, site),
        ROWS(visits_gone, visit_key, site), ROWS(visits, visit, key.site),
        ROWS(due, site_day, site),          ROWS(packed, site_day, site),
        ROWS(packs, pack_part, site),       ROWS(goals, goals_row, site),
    };
    struct touched touched = {0, STR("")};
    uint32_t moved = 0;

    for (size_t i = 0; i < batch->events_count; i++)
        touch(&touched, batch->events[i]->site);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        touch_rows(&touched, &kinds[i]);
    for (size_t i = 0; i < batch->positions_count; i++)
        moved |= UINT32_C(1) << batch->positions[i].from.partition % PARTITIONS;
    return touched.partitions | moved;
}

bool position_wanted(const struct position_filter *filter, const struct producer *producer,
                     uint16_t partition)
{
    if (partition >= PARTITIONS || (filter->partitions >> partition & 1) == 0)
        return false;
    for (size_t i = 0; filter->producers != NULL && i < filter->producers_count; i++)
        if (memcmp(&filter->producers[i], producer, sizeof(*producer)) == 0)
            return true;
    return filter->producers == NULL;
}

/* -- verbs ------------------------------------------------------------------------------------- */

int observed(const struct store *store, const char *op, int64_t began_us, int rc)
{
    if (store->observe != NULL)
        store->observe(store->ctx, op, (double)(clock_steady_us() - began_us) / 1e6);
    return rc;
}

/* The lease is waited for as long as another run takes, which says nothing of the store. */
int store_lease(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
                struct err *err)
{
    return store->ops->lease(store, wanted, all, wait, got, err);
}

void store_unlease(struct store *store)
{
    store->ops->unlease(store);
}

size_t store_batch_records(const struct store *store)
{
    return store->ops->batch_records;
}

void store_yield(struct store *store)
{
    store->ops->yield(store);
}

void store_read_end(struct store *store)
{
    store->ops->read_end(store);
}

int store_positions(struct store *store, const struct position_filter *filter, struct arena *arena,
                    struct position **out, size_t *count, struct err *err)
{
    static const struct position_filter all = {.partitions = PARTITIONS_ALL};
    int64_t began = clock_steady_us();

    return observed(
        store, "positions", began,
        store->ops->positions(store, filter == NULL ? &all : filter, arena, out, count, err));
}

int store_hold_positions(struct store *store, const struct producer *producers, size_t count,
                         int64_t now_ms, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "hold_positions", began,
                    store->ops->hold_positions(store, producers, count, now_ms, err));
}

int store_load_sketches(struct store *store, struct arena *arena, struct sketch *sketches,
                        size_t count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "load_sketches", began,
                    store->ops->load_sketches(store, arena, sketches, count, err));
}

int store_load_visits(struct store *store, struct arena *arena, const struct visitor_key *keys,
                      size_t count, struct visit **out, size_t *out_count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "load_visits", began,
                    store->ops->load_visits(store, arena, keys, count, out, out_count, err));
}

int store_load_due(struct store *store, uint32_t partitions, int32_t before, struct arena *arena,
                   struct site_day **out, size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "load_due", began,
                    store->ops->load_due(store, partitions, before, arena, out, count, err));
}

int store_load_goals(struct store *store, struct arena *arena, struct goals_row **out,
                     size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "load_goals", began,
                    store->ops->load_goals(store, arena, out, count, err));
}

int store_load_keys(struct store *store, struct event_key *keys, size_t count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "load_keys", began, store->ops->load_keys(store, keys, count, err));
}

static int check_parts(const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->packs_count; i++)
        if (batch->packs[i].bytes.len > PACK_PART_BYTES_MAX)
            return err_set(err, ERR_INVALID, "part %d of a pack has more than %d bytes",
                           batch->packs[i].part, (int)PACK_PART_BYTES_MAX);
    return 0;
}

int store_commit(struct store *store, const struct store_batch *batch, struct err *err)
{
    int64_t began = clock_steady_us();
    int rc = check_parts(batch, err);

    if (rc == 0)
        rc = store->ops->commit(store, batch, err);
    return observed(store, "commit", began, rc);
}

int store_finish_run(struct store *store, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                     struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "finish_run", began,
                    store->ops->finish_run(store, partitions, as_of_ms, now_ms, err));
}

int store_expire(struct store *store, const struct expiry *sites, size_t count,
                 const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "expire", began,
                    store->ops->expire(store, sites, count, general, now_ms, more, err));
}

int store_finish_retention(struct store *store, uint32_t partitions, int64_t now_ms,
                           struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "finish_retention", began,
                    store->ops->finish_retention(store, partitions, now_ms, err));
}

int store_salts(struct store *store, int64_t now_ms, struct salts *io, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "salts", began, store->ops->salts(store, now_ms, io, err));
}

int store_read_begin(struct store *store, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "read_begin", began, store->ops->read_begin(store, err));
}

int store_counters(struct store *store, int64_t out[COUNTERS], struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "counters", began, store->ops->counters(store, out, err));
}

int store_version(struct store *store, int64_t *out, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "version", began, store->ops->version(store, out, err));
}

int store_stamp(struct store *store, uint32_t partitions, int64_t *out, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "stamp", began, store->ops->stamp(store, partitions, out, err));
}

int store_each_day(struct store *store, struct str tenant, struct str site, int32_t from,
                   int32_t to, stats_fn *fn, void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_day", began,
                    store->ops->each_day(store, tenant, site, from, to, fn, ctx, err));
}

int store_each_hour(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                    int64_t to_ms, stats_fn *fn, void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_hour", began,
                    store->ops->each_hour(store, tenant, site, from_ms, to_ms, fn, ctx, err));
}

int store_each_day_of(struct store *store, const struct site_span *spans, size_t count, span_fn *fn,
                      void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_day_of", began,
                    store->ops->each_day_of(store, spans, count, fn, ctx, err));
}

int store_each_hour_of(struct store *store, const struct site_span *spans, size_t count,
                       span_fn *fn, void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_hour_of", began,
                    store->ops->each_hour_of(store, spans, count, fn, ctx, err));
}

int store_each_ledger(struct store *store, struct str tenant, struct str site, int32_t from,
                      int32_t to, ledger_fn *fn, void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_ledger", began,
                    store->ops->each_ledger(store, tenant, site, from, to, fn, ctx, err));
}

int store_page_events(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                      int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                      struct event_row **out, size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "page_events", began,
                    store->ops->page_events(store, tenant, site, from_ms, to_ms, cursor, limit,
                                            arena, out, count, err));
}

int store_each_visit(struct store *store, struct str tenant, struct str site, int32_t day,
                     visit_fn *fn, void *ctx, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "each_visit", began,
                    store->ops->each_visit(store, tenant, site, day, fn, ctx, err));
}

int store_due_days(struct store *store, struct str tenant, struct str site, int32_t from,
                   int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "due_days", began,
                    store->ops->due_days(store, tenant, site, from, to, arena, out, count, err));
}

int store_each_pack(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                    struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(
        store, "each_pack", began,
        store->ops->each_pack(store, tenant, site, from, to, parts, parts_count, fn, ctx, err));
}

int store_balance(struct store *store, struct balance *out, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "balance", began, store->ops->balance(store, out, err));
}

int store_check(struct store *store, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "check", began, store->ops->check(store, err));
}

int store_holdings(struct store *store, struct arena *arena, struct holdings *out, struct err *err)
{
    int64_t began = clock_steady_us();

    *out = (struct holdings){0};
    for (size_t i = 0; i < HOLDINGS; i++)
        out->kinds[i].oldest_day = out->kinds[i].newest_day = DAY_NONE;
    return observed(store, "holdings", began, store->ops->holdings(store, arena, out, err));
}

int store_overdue(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
                  struct err *err)
{
    int64_t began = clock_steady_us();

    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    return observed(store, "overdue", began, store->ops->overdue(store, sites, count, out, err));
}

int store_salts_held(struct store *store, struct arena *arena, struct salts_held *out,
                     struct err *err)
{
    int64_t began = clock_steady_us();

    *out = (struct salts_held){0};
    return observed(store, "salts_held", began, store->ops->salts_held(store, arena, out, err));
}

int store_about(struct store *store, struct store_about *out, struct err *err)
{
    int64_t began = clock_steady_us();

    *out = (struct store_about){.kind = STR("")};
    return observed(store, "about", began, store->ops->about(store, out, err));
}

int store_read_directory(struct store *store, struct arena *arena, struct directory_rows *out,
                         struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "read_directory", began,
                    store->ops->read_directory(store, arena, out, err));
}

/* -- erasure ----------------------------------------------------------------------------------- */

int store_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                     int64_t rows[ERASED_TABLES], struct err *err)
{
    int64_t began = clock_steady_us();

    if (store->ops->erase_site == NULL)
        return err_set(err, ERR_UNAVAILABLE, "erase_site: not built");
    return observed(store, "erase_site", began,
                    store->ops->erase_site(store, site, actor, more, rows, err));
}

int store_compact(struct store *store, struct err *err)
{
    int64_t began = clock_steady_us();

    if (store->ops->compact == NULL)
        return err_set(err, ERR_UNAVAILABLE, "compact: not built");
    return observed(store, "compact", began, store->ops->compact(store, err));
}

int store_erase_value(struct store *store, struct str site, enum erasure_kind kind,
                      struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                      struct err *err)
{
    int64_t began = clock_steady_us();

    if (store->ops->erase_value == NULL)
        return err_set(err, ERR_UNAVAILABLE, "erase_value: not built");
    return observed(store, "erase_value", began,
                    store->ops->erase_value(store, site, kind, value, with, more, rows, err));
}

/* -- copies ------------------------------------------------------------------------------------ */

/* A copy may take minutes, which says nothing of the store, as with the lease. */
int store_dump(struct store *store, const struct store_table *table, dump_fn *fn, void *ctx,
               struct err *err)
{
    return store->ops->dump(store, table, fn, ctx, err);
}

int store_load_begin(struct store *store, bool replace, struct err *err)
{
    if (store->read_only)
        return err_set(err, ERR_DENIED, "the store is open for reading only");
    return store->ops->load_begin(store, replace, err);
}

int store_load(struct store *store, const struct store_table *table, struct str rows,
               struct err *err)
{
    return store->ops->load(store, table, rows, err);
}

int store_load_end(struct store *store, int rc, struct err *err)
{
    return store->ops->load_end(store, rc, err);
}

int store_sums(struct store *store, struct store_sums *out, struct err *err)
{
    return store->ops->sums(store, out, err);
}
