/*
 * store/postgres_read.c -- reading what was counted.
 *
 * Each read is one statement and one round trip, in a snapshot too. Rows of an answer that may be
 * large are given out as they come, one after the other, so that memory does not grow with it.
 */
#include "store/postgres_internal.h"

#include "base/date.h"

/* -- snapshots --------------------------------------------------------------------------------- */

int pg_read_begin(struct store *base, struct err *err)
{
    struct pg_store *store = pg_of(base);
    int rc = pg_ready(store, err);

    store->reading = rc == 0;
    if (rc == 0)
        pg_begin_reading(store);
    return rc;
}

void pg_read_end(struct store *base)
{
    struct pg_store *store = pg_of(base);

    if (store->reading && store->conn != NULL)
        pg_end_reading(store);
    store->reading = false;
}

int pg_snapshot(struct pg_store *store, bool *own, struct err *err)
{
    *own = !store->reading;
    return *own ? pg_read_begin(&store->base, err) : pg_ready(store, err);
}

int pg_snapshot_end(struct pg_store *store, bool own, int rc)
{
    if (own)
        pg_read_end(&store->base);
    return rc;
}

/* -- a few numbers ----------------------------------------------------------------------------- */

/* One row of integers. */
static int read_numbers(struct store *base, struct pg_query *query, int64_t *out, int count,
                        struct err *err)
{
    struct pg_store *store = pg_of(base);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_run(store, query, &result, err);
    for (int i = 0; rc == 0 && i < count; i++)
        out[i] = pg_get_i64(result, 0, i);
    PQclear(result);
    return rc;
}

#define COUNTER_VALUE(name) "(SELECT value FROM counters WHERE name = '" name "')"
/* 53 bits of what tells one set of salts from another. */
#define SALTS_VALUE                                                                                \
    "(SELECT coalesce(sum((made_ms * 31 + day) % 9007199254740991), 0)::bigint FROM salts)"

static const char ALL_COUNTERS[] =
    "SELECT min(as_of_ms), max(last_success_ms), sum(stats_rows)::bigint, " COUNTER_VALUE(
        "directory") ", " SALTS_VALUE " FROM leases";

int pg_counters(struct store *base, int64_t out[COUNTERS], struct err *err)
{
    struct pg_query query = pg_query(ALL_COUNTERS);

    return read_numbers(base, &query, out, COUNTERS, err);
}

/* A server that was brought back to an earlier instant, and a table that was filled from a dump,
 * give counts again that they gave before; but the one was started, and the other has new files. */
static const char STAMP[] = "SELECT hashtextextended(concat_ws(' ', sum(commits) + " COUNTER_VALUE(
    "directory") ", extract(epoch FROM pg_postmaster_start_time()), "
                 "pg_relation_filenode('analytics.leases')), 0)"
                 " FROM leases WHERE $1 >> partition & 1 = 1";

int pg_stamp(struct store *base, uint32_t partitions, int64_t *out, struct err *err)
{
    struct pg_query query = pg_query(STAMP);

    pg_i32(&query, (int32_t)(partitions & PARTITIONS_ALL));
    return read_numbers(base, &query, out, 1, err);
}

/* What the server has to say comes by itself once this connection listens; what it said before
 * that, nobody knows. */
int pg_version(struct store *base, int64_t *out, struct err *err)
{
    struct pg_store *store = pg_of(base);
    int rc = pg_ready(store, err);

    if (rc == 0 && !store->listening && !store->reading && !store->writing) {
        rc = pg_exec(store, "LISTEN analytics", err);
        store->listening = rc == 0;
        store->version++;
    }
    *out = store->version;
    return rc;
}

/* Every row of ledger and positions is read: both are small beside what they speak of, and a
 * running total kept elsewhere would not be an independent check. */
static const char BALANCE[] =
    "SELECT (SELECT coalesce(sum(records), 0)::bigint FROM ledger) + " COUNTER_VALUE(
        "folded_records") ", (SELECT coalesce(sum(number), 0)::bigint FROM positions)"
                          " + " COUNTER_VALUE("folded_positions");

int pg_balance(struct store *base, struct balance *out, struct err *err)
{
    struct pg_query query = pg_query(BALANCE);
    int64_t sides[2] = {0};
    int rc = read_numbers(base, &query, sides, 2, err);

    *out = (struct balance){.ledger_records = sides[0], .committed = sides[1]};
    return rc;
}

/* -- stats ------------------------------------------------------------------------------------- */

struct stats_reader {
    bool hourly; /* site, tenant, day, hour_ms and the stats; else site, tenant, date and the stats
                  */
    stats_fn *fn;
    void *ctx;
};

static int read_stats(void *ctx, const PGresult *result, int row, struct err *err)
{
    const struct stats_reader *reader = ctx;
    struct stats_row stats = {.site = pg_get_str(result, row, 0),
                              .tenant = pg_get_str(result, row, 1)};
    int64_t values[STATS_COUNT];
    int column = reader->hourly ? 4 : 3;

    (void)err;
    if (reader->hourly) {
        stats.day = (int32_t)pg_get_i64(result, row, 2);
        stats.hour_ms = pg_get_i64(result, row, 3);
    } else {
        stats.day = pg_get_date(result, row, 2);
    }
    for (size_t i = 0; i < STATS_COUNT; i++)
        values[i] = pg_get_i64(result, row, column++);
    stats.stats = stats_from_array(values);
    return reader->fn(reader->ctx, &stats);
}

static const char DAYS_OF_SITE[] =
    "SELECT site_id, tenant_id, date, " PG_STATS_COLUMNS " FROM analytics_daily_stats"
    " WHERE tenant_id = $1 AND date BETWEEN $2 AND $3 AND site_id = $4 ORDER BY date";
static const char DAYS_OF_TENANT[] =
    "SELECT d.site_id, d.tenant_id, date, " PG_STATS_COLUMNS
    " FROM analytics_settings s JOIN analytics_daily_stats d"
    " ON d.site_id = s.site_id AND d.tenant_id = s.tenant_id"
    " WHERE s.tenant_id = $1 AND date BETWEEN $2 AND $3 ORDER BY d.site_id, d.date";

int pg_each_day(struct store *base, struct str tenant, struct str site, int32_t from, int32_t to,
                stats_fn *fn, void *ctx, struct err *err)
{
    struct pg_query query = pg_query(site.len > 0 ? DAYS_OF_SITE : DAYS_OF_TENANT);
    struct stats_reader reader = {false, fn, ctx};
    int rc = pg_ready(pg_of(base), err);

    pg_text(&query, tenant);
    pg_date(&query, from);
    pg_date(&query, to);
    if (site.len > 0) {
        pg_text(&query, site);
        query.most = (int64_t)to - from + 1;
    }
    return rc == 0 ? pg_each(pg_of(base), &query, read_stats, &reader, err) : rc;
}

static const char HOURS_OF_SITE[] =
    "SELECT site_id, tenant_id, day, hour_ms, " PG_STATS_COLUMNS " FROM hourly_stats"
    " WHERE tenant_id = $1 AND site_id = $2 AND hour_ms >= $3 AND hour_ms < $4 ORDER BY hour_ms";

static int64_t hours_between(int64_t from_ms, int64_t to_ms)
{
    int64_t ms;

    return __builtin_sub_overflow(to_ms, from_ms, &ms) ? 0 : ms / HOUR_MS + 1;
}

int pg_each_hour(struct store *base, struct str tenant, struct str site, int64_t from_ms,
                 int64_t to_ms, stats_fn *fn, void *ctx, struct err *err)
{
    struct pg_query query = pg_query(HOURS_OF_SITE);
    struct stats_reader reader = {true, fn, ctx};
    int rc = pg_ready(pg_of(base), err);

    pg_text(&query, tenant);
    pg_text(&query, site);
    pg_i64(&query, from_ms);
    pg_i64(&query, to_ms);
    query.most = hours_between(from_ms, to_ms);
    return rc == 0 ? pg_each(pg_of(base), &query, read_stats, &reader, err) : rc;
}

/* -- ledger ------------------------------------------------------------------------------------ */

struct ledger_reader {
    ledger_fn *fn;
    void *ctx;
};

static int read_ledger(void *ctx, const PGresult *result, int row, struct err *err)
{
    const struct ledger_reader *reader = ctx;
    struct ledger_row ledger = {
        .site = pg_get_str(result, row, 0),
        .tenant = pg_get_str(result, row, 1),
        .day = (int32_t)pg_get_i64(result, row, 2),
        .kind = (enum ledger_kind)pg_get_i64(result, row, 3),
        .reason = pg_get_str(result, row, 4),
        .events = pg_get_i64(result, row, 5),
        .records = pg_get_i64(result, row, 6),
    };

    (void)err;
    return reader->fn(reader->ctx, &ledger);
}

static const char LEDGER_OF_SITE[] =
    "SELECT site_id, tenant_id, day, kind, reason, events, records FROM ledger"
    " WHERE tenant_id = $1 AND site_id = $2 AND day BETWEEN $3 AND $4 ORDER BY day, kind, reason";

int pg_each_ledger(struct store *base, struct str tenant, struct str site, int32_t from, int32_t to,
                   ledger_fn *fn, void *ctx, struct err *err)
{
    struct pg_query query = pg_query(LEDGER_OF_SITE);
    struct ledger_reader reader = {fn, ctx};
    int rc = pg_ready(pg_of(base), err);

    pg_text(&query, tenant);
    pg_text(&query, site);
    pg_i32(&query, from);
    pg_i32(&query, to);
    return rc == 0 ? pg_each(pg_of(base), &query, read_ledger, &reader, err) : rc;
}

/* -- raw rows ---------------------------------------------------------------------------------- */

struct event_reader {
    struct str site, tenant;
    struct arena *arena;
    struct event_row *rows;
    size_t count;
};

static enum event_kind kind_of(struct str type)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        if (str_eq(event_kind_name((enum event_kind)kind), type))
            return (enum event_kind)kind;
    return EVENT_CUSTOM;
}

static struct str copied(const PGresult *result, int row, int column, struct arena *arena)
{
    struct str text = pg_get_str(result, row, column);

    return text.len == 0 ? text : arena_str(arena, text);
}

static int read_event(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct event_reader *reader = ctx;
    struct event_row *out = &reader->rows[reader->count++];
    struct event *e = &out->event;
    struct arena *arena = reader->arena;

    (void)err;
    out->id = pg_get_i64(result, row, 0);
    e->site = reader->site;
    e->tenant = reader->tenant;
    e->time_ms = pg_get_instant(result, row, 1);
    e->kind = kind_of(pg_get_str(result, row, 2));
    e->name = e->kind == EVENT_CUSTOM ? copied(result, row, 3, arena) : event_kind_name(e->kind);
    e->day = pg_get_date(result, row, 4);
    e->visitor = (uint64_t)pg_get_i64(result, row, 5);
    e->path = copied(result, row, 6, arena);
    e->referrer = copied(result, row, 7, arena);
    e->title = copied(result, row, 8, arena);
    e->screen = copied(result, row, 9, arena);
    e->props = pg_get_json(result, row, 10, arena);
    e->count = pg_get_i64(result, row, 11);
    e->tokens = pg_get_i64(result, row, 12);
    e->seconds_ms = pg_get_i64(result, row, 13);
    e->scroll = PQgetisnull(result, row, 14) != 0 ? -1 : (int32_t)pg_get_i64(result, row, 14);
    e->prefix = copied(result, row, 15, arena);
    return 0;
}

/* Time bounds the days that are looked at; within one the key gives the order. */
static const char EVENTS_OF_SITE[] =
    "SELECT id, \"timestamp\", type, name, day, visitor, path, referrer, title, screen, props,"
    " count, tokens, seconds_ms, scroll, ip_prefix FROM analytics_events"
    " WHERE tenant_id = $1 AND site_id = $2 AND \"timestamp\" >= $3 AND \"timestamp\" < $4"
    " AND (\"timestamp\", id) > ($3, $5) ORDER BY \"timestamp\", id LIMIT $6";

int pg_page_events(struct store *base, struct str tenant, struct str site, int64_t from_ms,
                   int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                   struct event_row **out, size_t *count, struct err *err)
{
    struct event_reader reader = {arena_str(arena, site), arena_str(arena, tenant), arena, NULL, 0};
    struct pg_query query = pg_query(EVENTS_OF_SITE);
    /* Behind (from_ms, 0) lies everything from from_ms on: ids begin with 1. */
    bool begins = cursor.time_ms < from_ms;
    int rc = pg_ready(pg_of(base), err);

    reader.rows = ARENA_NEW(arena, struct event_row, limit + 1);
    pg_text(&query, tenant);
    pg_text(&query, site);
    pg_instant(&query, begins ? from_ms : cursor.time_ms);
    pg_instant(&query, to_ms);
    pg_i64(&query, begins ? 0 : cursor.id);
    pg_i64(&query, (int64_t)limit);
    query.most = (int64_t)limit;
    if (rc == 0)
        rc = pg_each(pg_of(base), &query, read_event, &reader, err);
    *out = reader.rows;
    *count = reader.count;
    return rc;
}

/* -- the server itself ------------------------------------------------------------------------- */

/* A partition that is being detached belongs to a retention that runs, as long as that one holds
 * its lock; without it, it was interrupted. */
static const char PROBLEM[] =
    "SELECT 'the row of a partition is missing in leases' WHERE (SELECT count(*) FROM leases) <> 16"
    " UNION ALL SELECT 'a counter is missing' WHERE (SELECT count(*) FROM counters WHERE name IN"
    " ('directory', 'folded_records', 'folded_positions')) <> 3"
    " UNION ALL SELECT 'there is no id_key' WHERE NOT EXISTS (SELECT FROM secrets"
    " WHERE name = 'id_key' AND octet_length(value) = 16)"
    " UNION ALL SELECT 'there is no signing_key' WHERE NOT EXISTS (SELECT FROM secrets"
    " WHERE name = 'signing_key' AND octet_length(value) = 32)"
    " UNION ALL SELECT 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index"
    " JOIN pg_class c ON c.oid = indexrelid"
    " WHERE relnamespace = 'analytics'::regnamespace AND NOT indisvalid"
    " UNION ALL SELECT inhrelid::regclass || ' was left half detached' FROM pg_inherits"
    " WHERE inhparent = 'analytics_events'::regclass AND inhdetachpending AND NOT EXISTS"
    " (SELECT FROM pg_locks WHERE relation = 'analytics_events'::regclass AND granted"
    " AND mode = 'ShareUpdateExclusiveLock')"
    " LIMIT 1";

int pg_check(struct store *base, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(PROBLEM);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc == 0 && PQntuples(result) > 0) {
        struct str problem = pg_get_str(result, 0, 0);

        rc = err_set(err, ERR_CORRUPT, "database: %.*s", STR_FMT(problem));
    }
    PQclear(result);
    return rc;
}
