/*
 * store/sqlite_holdings.c -- what the file holds, and whether anything of it is too old.
 *
 * Rows are counted: of 5 million raw rows that takes 0.4 s. The first and the last day of a table
 * are found site by site in its key.
 */
#include "store/sqlite_internal.h"

#include "base/date.h"

/* -- rows and days ----------------------------------------------------------------------------- */

/* How many, the oldest day, the newest. */
#define ROWS_OF(table, day, order, condition)                                                      \
    "SELECT (SELECT count(*) FROM " table " WHERE " condition "),"                                 \
    " min((SELECT " day " FROM " table " t WHERE t.site_id = s.site_id AND " condition             \
    " ORDER BY " order " LIMIT 1)),"                                                               \
    " max((SELECT " day " FROM " table " t WHERE t.site_id = s.site_id AND " condition             \
    " ORDER BY " order " DESC LIMIT 1))"                                                           \
    " FROM (SELECT site_id FROM analytics_settings UNION SELECT site_id FROM removed_sites) s"
#define ROWS_SINCE(table, ms)                                                                      \
    "SELECT (SELECT count(*) FROM " table "), (SELECT min(" ms ") FROM " table ") / 86400000,"     \
    " (SELECT max(" ms ") FROM " table ") / 86400000"

_Static_assert(PACK_VISITS == 100 && PACK_EVENTS == 200, "as the statements have it");
static const char *const rows_of[HOLDINGS] = {
    [HOLDING_EVENTS] = ROWS_OF("analytics_events", "day", "timestamp", "true"),
    [HOLDING_VISITS] = ROWS_OF("visits", "day", "day", "true"),
    [HOLDING_SKETCHES] = ROWS_OF("sketches", "day", "day", "true"),
    [HOLDING_EVENT_PARTS] = ROWS_OF("packs", "day", "day", "part >= 200"),
    [HOLDING_VISIT_PARTS] = ROWS_OF("packs", "day", "day", "part >= 100 AND part < 200"),
    [HOLDING_PACKS] = ROWS_OF("packs", "day", "day", "true"),
    [HOLDING_DAYS] = ROWS_OF("analytics_daily_stats", "unixepoch(date) / 86400", "date", "true"),
    [HOLDING_HOURS] = ROWS_OF("hourly_stats", "day", "hour_ms", "true"),
    [HOLDING_LEDGER] = ROWS_OF("ledger", "day", "day", "true"),
    [HOLDING_KEYS] = ROWS_SINCE("event_ids", "received_ms"),
    [HOLDING_AUDIT] = ROWS_SINCE("audit_log", "at_ms"),
    [HOLDING_TOKENS] = ROWS_SINCE("tokens", "created_ms"),
    [HOLDING_SITES] = ROWS_SINCE("analytics_settings", "created_ms"),
    [HOLDING_TENANTS] = ROWS_SINCE("tenants", "created_ms"),
};

/* NULL: there is none. */
static int32_t column_day(struct query *query)
{
    bool none = sqlite3_column_type(query->stmt, query->at) == SQLITE_NULL;
    int32_t day = (int32_t)column_i64(query);

    return none ? DAY_NONE : day;
}

static int read_kind(struct sqlite_store *store, enum holding_kind kind, struct holding *out,
                     struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, rows_of[kind], &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc;
    out->rows = column_i64(&query);
    out->oldest_day = column_day(&query);
    out->newest_day = column_day(&query);
    sqlite_end(&query);
    return 0;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static const char PREFIXES[] = "SELECT count(ip_prefix) FROM analytics_events";

static int read_prefixes(struct sqlite_store *store, int64_t *out, struct err *err)
{
    size_t count = 0;
    int rc = sqlite_count_rows(store, PREFIXES, &count, err);

    *out = (int64_t)count;
    return rc;
}

static const char COUNT_REMOVED[] = "SELECT count(*) FROM removed_sites";
static const char REMOVED[] = "SELECT site_id FROM removed_sites ORDER BY site_id";

static int read_removed(struct sqlite_store *store, struct arena *arena, struct holdings *out,
                        struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = sqlite_count_rows(store, COUNT_REMOVED, &room, err);

    if (rc == 0)
        rc = sqlite_query(store, REMOVED, &query, err);
    if (rc != 0)
        return rc;
    out->removed = ARENA_NEW(arena, struct str, room + 1);
    while ((rc = sqlite_row(store, &query, err)) > 0)
        out->removed[out->removed_count++] = arena_str(arena, column_str(&query));
    return rc;
}

/* The least of all partitions counts once each has one. */
#define COUNTER(name) "coalesce((SELECT value FROM counters WHERE name = '" name "'), 0)"
static const char RETENTION[] = "SELECT " COUNTER("retention_since") ", " COUNTER(
    "retention_rows") ", " COUNTER("retention_days") ","
                                                     " (SELECT iif(count(*) = 16, min(value), 0)"
                                                     " FROM counters"
                                                     " WHERE name GLOB 'retention_at_*')";
_Static_assert(PARTITIONS == 16, "as the statement has it");

static int read_retention(struct sqlite_store *store, struct holdings *out, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, RETENTION, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc;
    out->retention_since_ms = column_i64(&query);
    out->retention_rows = column_i64(&query);
    out->retention_days = column_i64(&query);
    out->retention_ended_ms = column_i64(&query);
    sqlite_end(&query);
    return 0;
}

int sqlite_holdings(struct store *base, struct arena *arena, struct holdings *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    for (enum holding_kind kind = 0; rc == 0 && kind < HOLDINGS; kind++)
        rc = read_kind(store, kind, &out->kinds[kind], err);
    if (rc == 0)
        rc = read_prefixes(store, &out->prefixes, err);
    if (rc == 0)
        rc = read_removed(store, arena, out, err);
    if (rc == 0)
        rc = read_retention(store, out, err);
    return sqlite_snapshot_end(store, own, rc);
}

/* -- what is too old --------------------------------------------------------------------------- */

/* ?1: the site, ?2: the bound. As the rules of sqlite_expire.c. */
#define ANY(table, condition)                                                                      \
    "SELECT EXISTS (SELECT 1 FROM " table " WHERE site_id = ?1 AND " condition ")"

static const struct {
    const char *sql;
    size_t bound; /* the member of struct expiry; of raw rows an instant */
} rules[HOLDINGS_OF_SITES] = {
    [HOLDING_EVENTS] = {ANY("analytics_events", "timestamp < ?2"),
                        offsetof(struct expiry, raw_before_ms)},
    [HOLDING_VISITS] = {ANY("visits", "day < ?2 AND last_day < ?2"),
                        offsetof(struct expiry, raw_before_day)},
    [HOLDING_SKETCHES] = {ANY("sketches", "day < ?2"), offsetof(struct expiry, raw_before_day)},
    [HOLDING_EVENT_PARTS] = {ANY("packs INDEXED BY packs_of_events", "day < ?2 AND part >= 200"),
                             offsetof(struct expiry, raw_before_day)},
    [HOLDING_VISIT_PARTS] = {ANY("packs INDEXED BY packs_of_visits",
                                 "day < ?2 AND part >= 100 AND part < 200"),
                             offsetof(struct expiry, visits_before_day)},
    [HOLDING_PACKS] = {ANY("packs", "day < ?2"), offsetof(struct expiry, stats_before_day)},
    /* 2932896 is 9999-12-31. */
    [HOLDING_DAYS] = {ANY("analytics_daily_stats",
                          "date < date(min(?2, 2932896) * 86400, 'unixepoch')"),
                      offsetof(struct expiry, stats_before_day)},
    /* A local day begins at most 14 hours after the same date in UTC, which bounds the key. */
    [HOLDING_HOURS] = {ANY("hourly_stats", "hour_ms < (?2 * 24 + 14) * 3600000 AND day < ?2"),
                       offsetof(struct expiry, stats_before_day)},
    [HOLDING_LEDGER] = {ANY("ledger", "day < ?2"), offsetof(struct expiry, stats_before_day)},
};

/* False where the site has no bound. */
static bool bound_of(const struct expiry *expiry, enum holding_kind kind, int64_t *out)
{
    int32_t day;

    *out = expiry->raw_before_ms;
    if (kind == HOLDING_EVENTS)
        return *out != INT64_MIN;
    memcpy(&day, (const char *)expiry + rules[kind].bound, sizeof(day));
    *out = day;
    return day != INT32_MIN;
}

static int look(struct sqlite_store *store, const struct expiry *expiry, enum holding_kind kind,
                uint32_t *out, struct err *err)
{
    struct query query;
    int64_t bound;

    if (!bound_of(expiry, kind, &bound))
        return 0;
    int rc = sqlite_query(store, rules[kind].sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, expiry->site);
    bind_i64(&query, bound);
    rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc;
    *out |= column_i64(&query) != 0 ? UINT32_C(1) << kind : 0;
    sqlite_end(&query);
    return 0;
}

int sqlite_overdue(struct store *base, const struct expiry *sites, size_t count, uint32_t *out,
                   struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        for (enum holding_kind kind = 0; rc == 0 && kind < HOLDINGS_OF_SITES; kind++)
            rc = look(store, &sites[i], kind, &out[i], err);
    return sqlite_snapshot_end(store, own, rc);
}

/* -- the store itself -------------------------------------------------------------------------- */

/* Pages that wait in the write-ahead log are among them. */
static const char ABOUT[] = "SELECT user_version, page_count * page_size"
                            " FROM pragma_user_version, pragma_page_count, pragma_page_size";

int sqlite_about(struct store *base, struct store_about *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, ABOUT, &query, err);

    out->kind = STR("sqlite");
    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    out->schema = column_i64(&query);
    out->bytes = column_i64(&query);
    sqlite_end(&query);
    return 0;
}
