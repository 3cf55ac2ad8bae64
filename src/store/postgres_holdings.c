/*
 * store/postgres_holdings.c -- what the database holds, and whether anything of it is too old.
 *
 * Tables of up to EXACT_BYTES are counted; of larger ones the server's own estimate is given, which
 * it renews by itself. The first and the last day of a table are found site by site in its key.
 */
#include "store/postgres_internal.h"

#include "base/date.h"

enum { EXACT_BYTES = 64 * 1024 * 1024 };

/* -- rows and days ----------------------------------------------------------------------------- */

#define EDGE_OF(table, day, order, condition)                                                      \
    "SELECT " day " AS day FROM analytics." table " t WHERE t.site_id = s.site_id AND " condition  \
    " ORDER BY " order

/* The oldest day and the newest. */
#define DAYS_OF(table, day, order, condition)                                                      \
    "SELECT min(a.day), max(b.day) FROM (SELECT site_id FROM analytics.analytics_settings UNION"   \
    " SELECT site_id FROM analytics.removed_sites) s"                                              \
    " CROSS JOIN LATERAL (" EDGE_OF(table, day, order, condition) " LIMIT 1) a"                    \
                                                                  " CROSS JOIN LATERAL (" EDGE_OF( \
                                                                      table, day, order " DESC",   \
                                                                      condition) " LIMIT 1) b"
#define DAYS_SINCE(table, ms)                                                                      \
    "SELECT (SELECT min(" ms ") FROM analytics." table ") / 86400000,"                             \
    " (SELECT max(" ms ") FROM analytics." table ") / 86400000"
#define COUNT_OF(table, condition) "SELECT count(*) FROM analytics." table " WHERE " condition

_Static_assert(PACK_VISITS == 100 && PACK_EVENTS == 200, "as the statements have it");
static const struct kind {
    const char *relation; /* whose size and estimate stand for it: a table, or a partial index */
    const char *count, *days;
} kinds[HOLDINGS] = {
    [HOLDING_EVENTS] = {"analytics_events", COUNT_OF("analytics_events", "true"),
                        DAYS_OF("analytics_events", "day - date '1970-01-01'", "\"timestamp\"",
                                "true")},
    [HOLDING_VISITS] = {"visits", COUNT_OF("visits", "true"),
                        DAYS_OF("visits", "day", "day", "true")},
    [HOLDING_SKETCHES] = {"sketches", COUNT_OF("sketches", "true"),
                          DAYS_OF("sketches", "day", "day", "true")},
    [HOLDING_EVENT_PARTS] = {"packs_of_events", COUNT_OF("packs", "part >= 200"),
                             DAYS_OF("packs", "day", "day", "part >= 200")},
    [HOLDING_VISIT_PARTS] = {"packs_of_visits", COUNT_OF("packs", "part >= 100 AND part < 200"),
                             DAYS_OF("packs", "day", "day", "part >= 100 AND part < 200")},
    [HOLDING_PACKS] = {"packs", COUNT_OF("packs", "true"), DAYS_OF("packs", "day", "day", "true")},
    [HOLDING_DAYS] = {"analytics_daily_stats", COUNT_OF("analytics_daily_stats", "true"),
                      DAYS_OF("analytics_daily_stats", "date - date '1970-01-01'", "date", "true")},
    [HOLDING_HOURS] = {"hourly_stats", COUNT_OF("hourly_stats", "true"),
                       DAYS_OF("hourly_stats", "day", "hour_ms", "true")},
    [HOLDING_LEDGER] = {"ledger", COUNT_OF("ledger", "true"),
                        DAYS_OF("ledger", "day", "day", "true")},
    [HOLDING_KEYS] = {"event_ids", COUNT_OF("event_ids", "true"),
                      DAYS_SINCE("event_ids", "received_ms")},
    [HOLDING_AUDIT] = {"audit_log", COUNT_OF("audit_log", "true"),
                       DAYS_SINCE("audit_log", "at_ms")},
    [HOLDING_TOKENS] = {"tokens", COUNT_OF("tokens", "true"), DAYS_SINCE("tokens", "created_ms")},
    [HOLDING_SITES] = {"analytics_settings", COUNT_OF("analytics_settings", "true"),
                       DAYS_SINCE("analytics_settings", "created_ms")},
    [HOLDING_TENANTS] = {"tenants", COUNT_OF("tenants", "true"),
                         DAYS_SINCE("tenants", "created_ms")},
};

/* One row of it. */
static int ask(struct pg_store *store, struct pg_query *query, PGresult **out, struct err *err)
{
    int rc = pg_run(store, query, out, err);

    if (rc == 0 && PQntuples(*out) != 1)
        rc = err_set(err, ERR_CORRUPT, "database: %d rows in place of one", PQntuples(*out));
    return rc;
}

/* NULL: there is none. */
static int32_t get_day(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) != 0 ? DAY_NONE : (int32_t)pg_get_i64(result, 0, column);
}

static int read_days(struct pg_store *store, const struct kind *kind, struct holding *out,
                     struct err *err)
{
    struct pg_query query = pg_query(kind->days);
    PGresult *result = NULL;
    int rc = ask(store, &query, &result, err);

    if (rc == 0) {
        out->oldest_day = get_day(result, 0);
        out->newest_day = get_day(result, 1);
    }
    PQclear(result);
    return rc;
}

/* Bytes and rows of a relation, or of its partitions, whose sum it may have, too; -1 rows where one
 * has never been looked at. */
static const char ESTIMATE[] =
    "SELECT coalesce(sum(bytes), 0)::bigint,"
    " CASE WHEN bool_or(rows < 0 AND bytes > 0) THEN -1"
    " ELSE coalesce(sum(greatest(rows, 0)), 0) END::bigint"
    " FROM (SELECT pg_relation_size(c.oid) AS bytes, c.reltuples AS rows FROM pg_class c"
    " WHERE c.relnamespace = 'analytics'::regnamespace AND c.relkind IN ('r', 'i')"
    " AND (c.relname = $1 OR c.oid IN ("
    "SELECT i.inhrelid FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent"
    " WHERE p.relnamespace = 'analytics'::regnamespace AND p.relname = $1))) AS parts";

static int read_estimate(struct pg_store *store, const struct kind *kind, struct holding *out,
                         struct err *err)
{
    struct pg_query query = pg_query(ESTIMATE);
    PGresult *result = NULL;

    pg_text(&query, str_from(kind->relation));
    int rc = ask(store, &query, &result, err);

    if (rc == 0) {
        out->rows = pg_get_i64(result, 0, 1);
        out->about = pg_get_i64(result, 0, 0) > EXACT_BYTES && out->rows >= 0;
    }
    PQclear(result);
    return rc;
}

static int read_number(struct pg_store *store, const char *sql, int64_t *out, struct err *err)
{
    struct pg_query query = pg_query(sql);
    PGresult *result = NULL;
    int rc = ask(store, &query, &result, err);

    if (rc == 0)
        *out = pg_get_i64(result, 0, 0);
    PQclear(result);
    return rc;
}

static int read_kind(struct pg_store *store, const struct kind *kind, struct holding *out,
                     struct err *err)
{
    int rc = read_estimate(store, kind, out, err);

    if (rc == 0 && !out->about)
        rc = read_number(store, kind->count, &out->rows, err);
    return rc == 0 ? read_days(store, kind, out, err) : rc;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static const char COUNT_PREFIXES[] = COUNT_OF("analytics_events", "ip_prefix IS NOT NULL");
static const char ESTIMATE_PREFIXES[] =
    "SELECT coalesce(sum(greatest(c.reltuples, 0) * (1 - s.null_frac)), 0)::bigint"
    " FROM pg_stats s JOIN pg_class c ON c.relname = s.tablename"
    " AND c.relnamespace = 'analytics'::regnamespace JOIN pg_inherits i ON i.inhrelid = c.oid"
    " WHERE s.schemaname = 'analytics' AND s.attname = 'ip_prefix'"
    " AND i.inhparent = 'analytics.analytics_events'::regclass";

static const char REMOVED[] = "SELECT site_id FROM analytics.removed_sites ORDER BY site_id";

static int read_removed(struct pg_store *store, struct arena *arena, struct holdings *out,
                        struct err *err)
{
    struct pg_query query = pg_query(REMOVED);
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    if (rc == 0) {
        out->removed_count = (size_t)PQntuples(result);
        out->removed = ARENA_NEW(arena, struct str, out->removed_count + 1);
    }
    for (size_t i = 0; i < out->removed_count; i++)
        out->removed[i] = arena_str(arena, pg_get_str(result, (int)i, 0));
    PQclear(result);
    return rc;
}

/* The least of all partitions counts once each has one. */
#define VALUE_OF(name) "(SELECT value FROM analytics.counters WHERE name = '" name "')"
static const char RETENTION[] =
    "SELECT " VALUE_OF("retention_since") ", " VALUE_OF("retention_rows") ", " VALUE_OF(
        "retention_days") ", (SELECT CASE WHEN count(*) = 16 THEN min(value) END"
                          " FROM analytics.counters WHERE name LIKE 'retention\\_at\\_%')";
_Static_assert(PARTITIONS == 16, "as the statement has it");

static int read_retention(struct pg_store *store, struct holdings *out, struct err *err)
{
    struct pg_query query = pg_query(RETENTION);
    PGresult *result = NULL;
    int rc = ask(store, &query, &result, err);

    if (rc == 0) {
        out->retention_since_ms = pg_get_i64(result, 0, 0);
        out->retention_rows = pg_get_i64(result, 0, 1);
        out->retention_days = pg_get_i64(result, 0, 2);
        out->retention_ended_ms = pg_get_i64(result, 0, 3);
    }
    PQclear(result);
    return rc;
}

int pg_holdings(struct store *base, struct arena *arena, struct holdings *out, struct err *err)
{
    struct pg_store *store = pg_of(base);
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    for (size_t k = 0; rc == 0 && k < HOLDINGS; k++)
        rc = read_kind(store, &kinds[k], &out->kinds[k], err);
    if (rc == 0)
        rc = read_number(store,
                         out->kinds[HOLDING_EVENTS].about ? ESTIMATE_PREFIXES : COUNT_PREFIXES,
                         &out->prefixes, err);
    if (rc == 0)
        rc = read_removed(store, arena, out, err);
    if (rc == 0)
        rc = read_retention(store, out, err);
    return pg_snapshot_end(store, own, rc);
}

/* -- what is too old --------------------------------------------------------------------------- */

/* $1, $2: sites and bounds. Gives the places of those that have such a row; it is looked for in the
 * order of the key, so that nobody thinks of reading the whole table. As the rules of
 * postgres_expire.c. */
#define ANY(table, type, condition, order)                                                         \
    "SELECT s.at FROM unnest($1::text[], $2::" type                                                \
    "[]) WITH ORDINALITY AS s (site_id, bound, at) CROSS JOIN LATERAL (SELECT FROM "               \
    "analytics." table " x WHERE x.site_id = s.site_id AND " condition " ORDER BY " order          \
    " LIMIT 1) o"

static const struct rule {
    const char *sql;
    size_t bound; /* the member of struct expiry; of raw rows an instant */
} rules[HOLDINGS_OF_SITES] = {
    [HOLDING_EVENTS] = {ANY("analytics_events", "bigint",
                            "x.\"timestamp\" < timestamptz '1970-01-01 00:00:00+00'"
                            " + s.bound * interval '1 millisecond'",
                            "x.\"timestamp\""),
                        offsetof(struct expiry, raw_before_ms)},
    [HOLDING_VISITS] = {ANY("visits", "integer", "x.day < s.bound AND x.last_day < s.bound",
                            "x.day"),
                        offsetof(struct expiry, raw_before_day)},
    [HOLDING_SKETCHES] = {ANY("sketches", "integer", "x.day < s.bound", "x.day"),
                          offsetof(struct expiry, raw_before_day)},
    [HOLDING_EVENT_PARTS] = {ANY("packs", "integer", "x.day < s.bound AND x.part >= 200", "x.day"),
                             offsetof(struct expiry, raw_before_day)},
    [HOLDING_VISIT_PARTS] = {ANY("packs", "integer",
                                 "x.day < s.bound AND x.part >= 100 AND x.part < 200", "x.day"),
                             offsetof(struct expiry, visits_before_day)},
    [HOLDING_PACKS] = {ANY("packs", "integer", "x.day < s.bound", "x.day"),
                       offsetof(struct expiry, stats_before_day)},
    /* From 0001-01-01 to behind 9999-12-31. */
    [HOLDING_DAYS] = {ANY("analytics_daily_stats", "integer",
                          "x.date < date '1970-01-01' + greatest(least(s.bound, 2932897), -719162)",
                          "x.date"),
                      offsetof(struct expiry, stats_before_day)},
    /* A local day begins at most 14 hours after the same date in UTC, which bounds the key. */
    [HOLDING_HOURS] = {ANY("hourly_stats", "integer",
                           "x.hour_ms < (s.bound::bigint * 24 + 14) * 3600000 AND x.day < s.bound",
                           "x.hour_ms"),
                       offsetof(struct expiry, stats_before_day)},
    [HOLDING_LEDGER] = {ANY("ledger", "integer", "x.day < s.bound", "x.day"),
                        offsetof(struct expiry, stats_before_day)},
};

/* A site without a bound is asked for with one that no row is before. */
static void add_bound(enum holding_kind kind, const struct expiry *expiry, struct pg_array *bounds)
{
    const int64_t end = INT64_C(2932897) * DAY_MS, begin = INT64_C(-719162) * DAY_MS;
    int64_t ms = expiry->raw_before_ms;
    int32_t day;

    if (kind == HOLDING_EVENTS) {
        pg_add_i64(bounds, ms < begin ? begin : ms > end ? end : ms);
        return;
    }
    memcpy(&day, (const char *)expiry + rules[kind].bound, sizeof(day));
    pg_add_i32(bounds, day);
}

static int look(struct pg_store *store, enum holding_kind kind, const struct expiry *sites,
                size_t count, uint32_t *out, struct err *err)
{
    struct pg_query query = pg_query(rules[kind].sql);
    struct pg_array names = pg_array(PG_TEXT),
                    bounds = pg_array(kind == HOLDING_EVENTS ? PG_INT8 : PG_INT4);
    PGresult *result = NULL;

    for (size_t i = 0; i < count; i++) {
        pg_add_str(&names, sites[i].site);
        add_bound(kind, &sites[i], &bounds);
    }
    pg_bind_array(&query, &names);
    pg_bind_array(&query, &bounds);
    int rc = pg_run(store, &query, &result, err);

    for (int row = 0; rc == 0 && row < PQntuples(result); row++)
        out[pg_get_i64(result, row, 0) - 1] |= UINT32_C(1) << kind;
    PQclear(result);
    buf_release(&names.buf);
    buf_release(&bounds.buf);
    return rc;
}

int pg_overdue(struct store *base, const struct expiry *sites, size_t count, uint32_t *out,
               struct err *err)
{
    struct pg_store *store = pg_of(base);
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    for (enum holding_kind kind = 0; rc == 0 && count > 0 && kind < HOLDINGS_OF_SITES; kind++)
        rc = look(store, kind, sites, count, out, err);
    return pg_snapshot_end(store, own, rc);
}

/* -- salts ------------------------------------------------------------------------------------- */

/* Statistics of a column hold some of its values, and are logged. */
static const char WHERE_SALTS_ARE[] =
    "SELECT relpersistence = 'u', EXISTS (SELECT FROM pg_stats WHERE schemaname = 'analytics'"
    " AND tablename = 'salts' AND attname = 'key')"
    " FROM pg_class WHERE oid = 'analytics.salts'::regclass";
static const char DATES[] = "SELECT day, made_ms FROM analytics.salts ORDER BY day";

static int read_dates(struct pg_store *store, struct arena *arena, struct salts_held *out,
                      struct err *err)
{
    struct pg_query query = pg_query(DATES);
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    if (rc == 0) {
        out->count = (size_t)PQntuples(result);
        out->salts = ARENA_NEW(arena, struct salt_held, out->count + 1);
    }
    for (size_t i = 0; i < out->count; i++)
        out->salts[i] = (struct salt_held){.day = (int32_t)pg_get_i64(result, (int)i, 0),
                                           .made_ms = pg_get_i64(result, (int)i, 1)};
    PQclear(result);
    return rc;
}

int pg_salts_held(struct store *base, struct arena *arena, struct salts_held *out, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(WHERE_SALTS_ARE);
    PGresult *result = NULL;
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    if (rc == 0)
        rc = ask(store, &query, &result, err);
    if (rc == 0) {
        out->place = STR("table analytics.salts");
        out->unlogged = pg_get_i64(result, 0, 0) != 0;
        out->sampled = pg_get_i64(result, 0, 1) != 0;
    }
    PQclear(result);
    if (rc == 0)
        rc = read_dates(store, arena, out, err);
    return pg_snapshot_end(store, own, rc);
}

/* -- the store itself -------------------------------------------------------------------------- */

/* A day of raw rows that goes meanwhile has no size any more. */
static const char ABOUT[] =
    "SELECT (SELECT max(number)::bigint FROM analytics.migrations),"
    " (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
    " WHERE c.relnamespace = 'analytics'::regnamespace AND c.relkind = 'r')";

int pg_about(struct store *base, struct store_about *out, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(ABOUT);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    out->kind = STR("postgresql");
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc == 0) {
        out->schema = pg_get_i64(result, 0, 0);
        out->bytes = pg_get_i64(result, 0, 1);
    }
    PQclear(result);
    return rc;
}
