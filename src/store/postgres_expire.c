/*
 * store/postgres_expire.c -- what is too old goes, a bounded number of rows in one transaction.
 *
 * Every rule is one statement for all sites, which looks for each site's oldest rows in the primary
 * key and takes at most so many: a call without work costs a few lookups for each site. Where
 * removed rows carried a part of the ledger's check (records, committed numbers), what they carried
 * is folded into a running total in the same transaction: both sides stay equal. The totals are one
 * row for all aggregators, and so written last.
 *
 * A part of a pack is large, up to some hundred rows of its own in the server: it counts as
 * PART_ROWS rows.
 *
 * Whole days of raw rows go first, outside of the transaction: what goes with its day is not
 * removed row by row. A day that is in use, or cannot be made now, is for the next run.
 */
#include "store/postgres_internal.h"

#include "base/date.h"

enum { ROWS_MAX = 10000, PART_ROWS = 10, DAYS_BACK = 31, DAYS_AHEAD = 7 };

struct work {
    struct pg_store *store;
    int64_t left;          /* rows that this call may still change */
    int64_t removed, days; /* rows, and whole days, that it has */
    int64_t records, positions;
    bool stats_gone;
};

/* -- one rule ---------------------------------------------------------------------------------- */

/* A rule returns how many rows it took, and a sum over them. */
#define TAKEN(column) "SELECT count(*), coalesce(sum(" column "), 0)::bigint FROM gone"

/* $1, $2: sites and bounds; $3: the most rows. */
#define OLD_ROWS(table, type, condition, order)                                                    \
    " ctid = ANY (ARRAY(SELECT o.id FROM unnest($1::text[], $2::" type                             \
    "[]) AS s (site_id, bound) CROSS JOIN LATERAL (SELECT x.ctid AS id FROM analytics." table      \
    " x WHERE x.site_id = s.site_id AND " condition " ORDER BY " order " LIMIT $3) o LIMIT $3))"
#define REMOVE(table, condition, order)                                                            \
    "WITH gone AS (DELETE FROM analytics." table                                                   \
    " WHERE" OLD_ROWS(table, "integer", condition, order) " RETURNING 1) " TAKEN("0")

static const char REMOVE_EVENTS[] =
    "SELECT analytics.expire_events($1::text[], $2::bigint[], $3), 0::bigint";
/* The rows of its last day name a visit, too. */
static const char REMOVE_VISITS[] =
    REMOVE("visits", "x.day < s.bound AND x.last_day < s.bound", "x.day, x.visitor, x.begin_ms");
static const char REMOVE_SKETCHES[] = REMOVE("sketches", "x.day < s.bound", "x.day");
/* Without its rows a day cannot be packed any more: the pack that it has holds. */
static const char REMOVE_DUE[] = REMOVE("due_days", "x.day < s.bound", "x.day");
/* As the indexes of the schema have them: PACK_EVENTS, PACK_VISITS. */
_Static_assert(PACK_VISITS == 100 && PACK_EVENTS == 200, "the schema says so, too");
static const char REMOVE_EVENT_PARTS[] =
    REMOVE("packs", "x.day < s.bound AND x.part >= 200", "x.day");
static const char REMOVE_VISIT_PARTS[] =
    REMOVE("packs", "x.day < s.bound AND x.part >= 100 AND x.part < 200", "x.day");
static const char REMOVE_PACKS[] = REMOVE("packs", "x.day < s.bound", "x.day, x.part");
/* From 0001-01-01 to behind 9999-12-31. */
static const char REMOVE_DAYS[] =
    REMOVE("analytics_daily_stats",
           "x.date < date '1970-01-01' + greatest(least(s.bound, 2932897), -719162)", "x.date");
/* A local day begins at most 14 hours after the same date in UTC, which bounds the key. */
static const char REMOVE_HOURS[] =
    REMOVE("hourly_stats", "x.hour_ms < (s.bound::bigint * 24 + 14) * 3600000 AND x.day < s.bound",
           "x.hour_ms");
static const char REMOVE_LEDGER[] = "WITH gone AS (DELETE FROM analytics.ledger WHERE" OLD_ROWS(
    "ledger", "integer", "x.day < s.bound", "x.day") " RETURNING records) " TAKEN("records");

/* The rules of a site, in this order: what names visitors first. */
static const struct rule {
    const char *sql;
    size_t bound;   /* the member of struct expiry that bounds it */
    int64_t weight; /* of a row that it takes */
    bool instant;   /* the bound is an instant, else a day */
    bool stats;     /* what people see changes */
} rules[] = {
    {REMOVE_EVENTS, offsetof(struct expiry, raw_before_ms), 1, true, false},
    {REMOVE_VISITS, offsetof(struct expiry, raw_before_day), 1, false, false},
    {REMOVE_SKETCHES, offsetof(struct expiry, raw_before_day), 1, false, false},
    {REMOVE_DUE, offsetof(struct expiry, raw_before_day), 1, false, true},
    {REMOVE_DUE, offsetof(struct expiry, stats_before_day), 1, false, true},
    {REMOVE_EVENT_PARTS, offsetof(struct expiry, raw_before_day), PART_ROWS, false, true},
    {REMOVE_VISIT_PARTS, offsetof(struct expiry, visits_before_day), PART_ROWS, false, true},
    {REMOVE_PACKS, offsetof(struct expiry, stats_before_day), PART_ROWS, false, true},
    {REMOVE_DAYS, offsetof(struct expiry, stats_before_day), 1, false, true},
    {REMOVE_HOURS, offsetof(struct expiry, stats_before_day), 1, false, true},
    {REMOVE_LEDGER, offsetof(struct expiry, stats_before_day), 1, false, true},
};

static int run(struct work *work, struct pg_query *query, int64_t weight, int64_t *sum,
               struct err *err)
{
    PGresult *result = NULL;
    int rc = pg_run(work->store, query, &result, err);

    *sum = 0;
    if (rc == 0 && PQntuples(result) == 1) {
        work->left -= weight * pg_get_i64(result, 0, 0);
        work->removed += pg_get_i64(result, 0, 0);
        *sum = pg_get_i64(result, 0, 1);
    }
    PQclear(result);
    return rc;
}

static void add_instant(struct pg_array *bounds, int64_t ms)
{
    const int64_t end = INT64_C(2932897) * DAY_MS;

    pg_add_i64(bounds, ms < end ? ms : end);
}

/* The site's bound, unless it has none. */
static void add_bound(const struct rule *rule, const struct expiry *expiry, struct pg_array *sites,
                      struct pg_array *bounds)
{
    int64_t ms = INT64_MIN;
    int32_t day = INT32_MIN;

    if (rule->instant)
        memcpy(&ms, (const char *)expiry + rule->bound, sizeof(ms));
    else
        memcpy(&day, (const char *)expiry + rule->bound, sizeof(day));
    if (ms == INT64_MIN && day == INT32_MIN)
        return;
    pg_add_str(sites, expiry->site);
    if (rule->instant)
        add_instant(bounds, ms);
    else
        pg_add_i32(bounds, day);
}

static int apply(struct work *work, const struct rule *rule, const struct expiry *sites,
                 size_t count, struct err *err)
{
    struct pg_query query = pg_query(rule->sql);
    struct pg_array names = pg_array(PG_TEXT), bounds = pg_array(rule->instant ? PG_INT8 : PG_INT4);
    int64_t before = work->left, sum = 0;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        add_bound(rule, &sites[i], &names, &bounds);
    pg_bind_array(&query, &names);
    pg_bind_array(&query, &bounds);
    pg_i64(&query, (work->left + rule->weight - 1) / rule->weight);
    if (names.count > 0)
        rc = run(work, &query, rule->weight, &sum, err);
    work->records += sum;
    work->stats_gone = work->stats_gone || (rule->stats && work->left < before);
    buf_release(&names.buf);
    buf_release(&bounds.buf);
    return rc;
}

static int expire_sites(struct work *work, const struct expiry *sites, size_t count,
                        struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && work->left > 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
        rc = apply(work, &rules[i], sites, count, err);
    return rc;
}

/* -- sites that were removed ------------------------------------------------------------------- */

static const char REMOVED_SITES[] = "SELECT site_id FROM analytics.removed_sites ORDER BY site_id";
#define NONE_IN(table)                                                                             \
    " AND NOT EXISTS (SELECT FROM analytics." table " t WHERE t.site_id = r.site_id)"
static const char FORGET_EMPTY[] =
    "WITH gone AS (DELETE FROM analytics.removed_sites r WHERE true" NONE_IN("analytics_events")
        NONE_IN("sketches") NONE_IN("visits") NONE_IN("due_days") NONE_IN("packs")
            NONE_IN("analytics_daily_stats") NONE_IN("hourly_stats") NONE_IN(
                "ledger") " RETURNING site_id) DELETE FROM analytics.goals_counted g USING gone"
                          " WHERE g.site_id = gone.site_id";

static int expire_removed(struct work *work, const struct expiry *removed, struct err *err)
{
    struct pg_query query = pg_query(REMOVED_SITES), forget = pg_query(FORGET_EMPTY);
    struct arena arena = {0};
    PGresult *result = NULL;
    int rc = pg_run(work->store, &query, &result, err);
    size_t count = rc == 0 ? (size_t)PQntuples(result) : 0;
    struct expiry *sites = ARENA_NEW(&arena, struct expiry, count + 1);

    for (size_t i = 0; i < count; i++) {
        sites[i] = *removed;
        sites[i].site = pg_get_str(result, (int)i, 0);
    }
    if (count > 0)
        rc = expire_sites(work, sites, count, err);
    if (rc == 0 && count > 0 && work->left > 0)
        rc = pg_run(work->store, &forget, NULL, err);
    PQclear(result);
    arena_free(&arena);
    return rc;
}

/* -- what belongs to no site ------------------------------------------------------------------- */

/* $1: the bound, $2: the most rows. */
static const char REMOVE_KEYS[] =
    "WITH gone AS (DELETE FROM analytics.event_ids WHERE ctid = ANY (ARRAY(SELECT ctid"
    " FROM analytics.event_ids WHERE received_ms < $1 ORDER BY received_ms LIMIT $2))"
    " RETURNING 1) " TAKEN("0");
static const char REMOVE_AUDIT[] =
    "WITH gone AS (DELETE FROM analytics.audit_log WHERE ctid = ANY (ARRAY(SELECT ctid"
    " FROM analytics.audit_log WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)) RETURNING 1) " TAKEN("0");
static const char REMOVE_SESSIONS[] =
    "WITH gone AS (DELETE FROM analytics.sessions WHERE ctid = ANY (ARRAY(SELECT ctid"
    " FROM analytics.sessions WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2))"
    " RETURNING 1) " TAKEN("0");
/* $3: the producers that are running; what begins like PRODUCER_IMPORT is an import. One that
 * moves meanwhile is not old. */
static const char FOLD_POSITIONS[] =
    "WITH gone AS (DELETE FROM analytics.positions WHERE moved_ms < $1 AND ctid = ANY (ARRAY("
    "SELECT ctid FROM analytics.positions WHERE moved_ms < $1 AND NOT producer = ANY ($3::bytea[])"
    " AND substr(producer, 1, 8) <> '\\x696d706f72740000'::bytea"
    " LIMIT $2)) RETURNING number) " TAKEN("number");

static int expire_old(struct work *work, const char *sql, int64_t before_ms, struct err *err)
{
    struct pg_query query = pg_query(sql);
    int64_t none;

    if (work->left <= 0)
        return 0;
    pg_i64(&query, before_ms);
    pg_i64(&query, work->left);
    return run(work, &query, 1, &none, err);
}

static int expire_positions(struct work *work, const struct expiry_general *general,
                            struct err *err)
{
    struct pg_query query = pg_query(FOLD_POSITIONS);
    struct pg_array running = pg_array(PG_BYTEA);
    int rc = 0;

    for (size_t i = 0; i < general->running_count; i++)
        pg_add_str(&running, (struct str){(const char *)general->running[i].id, PRODUCER_BYTES});
    pg_i64(&query, general->positions_before_ms);
    pg_i64(&query, work->left);
    pg_bind_array(&query, &running);
    if (work->left > 0)
        rc = run(work, &query, 1, &work->positions, err);
    buf_release(&running.buf);
    return rc;
}

static int expire_general(struct work *work, const struct expiry_general *general, int64_t now_ms,
                          struct err *err)
{
    int rc = expire_old(work, REMOVE_KEYS, general->keys_before_ms, err);

    if (rc == 0)
        rc = expire_old(work, REMOVE_AUDIT, general->audit_before_ms, err);
    if (rc == 0)
        rc = expire_old(work, REMOVE_SESSIONS, now_ms, err);
    if (rc == 0)
        rc = expire_positions(work, general, err);
    return rc == 0 && work->left > 0 ? expire_removed(work, &general->removed, err) : rc;
}

/* -- whole days -------------------------------------------------------------------------------- */

static int32_t day_of(int64_t ms)
{
    const int64_t end = INT64_C(2932897) * DAY_MS;

    ms = ms < -end ? -end : ms > end ? end : ms;
    return (int32_t)(ms / DAY_MS - (ms % DAY_MS < 0));
}

static int make_days(struct pg_store *store, int32_t from, int32_t to, struct err *err)
{
    int32_t days[DAYS_BACK + 1 + DAYS_AHEAD];
    size_t count = 0;

    for (int32_t day = from; day <= to; day++)
        days[count++] = day;
    return pg_days_make(store, days, count, err);
}

/* Days before $1 that have rows, or had: a table of which all rows were removed keeps its size
 * until it is vacuumed. */
static const char FILLED_DAYS[] = "SELECT count(*) FROM analytics.event_days"
                                  " WHERE day < $1 AND pg_relation_size(id) > 0";

static int filled_days(struct pg_store *store, int32_t before, int64_t *out, struct err *err)
{
    struct pg_query query = pg_query(FILLED_DAYS);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    pg_date(&query, before);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    *out = rc == 0 && PQntuples(result) == 1 ? pg_get_i64(result, 0, 0) : 0;
    PQclear(result);
    return rc;
}

static int remove_days(struct work *work, int32_t before, struct err *err)
{
    int64_t there = 0, left = 0;
    int rc = filled_days(work->store, before, &there, err);

    if (rc == 0)
        rc = pg_days_remove(work->store, before, err);
    if (rc == 0 && there > 0)
        rc = filled_days(work->store, before, &left, err);
    work->days = rc == 0 ? there - left : 0;
    return rc;
}

static int keep_days(struct work *work, const struct expiry_general *general, int64_t now_ms,
                     struct err *err)
{
    struct pg_store *store = work->store;
    int32_t today = day_of(now_ms), from = today - DAYS_BACK;
    int rc = 0;

    if (general->raw_before_ms != INT64_MIN) {
        int32_t before = day_of(general->raw_before_ms);

        rc = remove_days(work, before, err);
        from = before > from ? before : from;
    }
    if (rc == 0)
        rc = make_days(store, from, today + DAYS_AHEAD, err);
    return rc == ERR_UNAVAILABLE && store->conn != NULL ? 0 : rc;
}

/* -- the transaction --------------------------------------------------------------------------- */

static int begin(struct pg_store *store, struct err *err)
{
    int rc = pg_begin(store, err);

    if (rc != 0)
        return rc;
    rc = pg_pipe_begin(store, err);
    if (rc == 0) {
        (void)pg_hold_leases(store, &(struct pg_touched){0}, err);
        rc = pg_pipe_end(store, false, err);
    }
    return rc == 0 ? 0 : pg_end(store, rc, err);
}

static const char FOLD[] = "UPDATE analytics.counters SET value = value + CASE name"
                           " WHEN 'folded_records' THEN $1 ELSE $2 END"
                           " WHERE name IN ('folded_records', 'folded_positions')";

/* What retention has done stands in `counters`, in rows that the first run of it makes:
 * retention_rows, retention_days, retention_since, and retention_at_N of partition N. */
static const char ADD_REMOVED[] =
    "INSERT INTO analytics.counters AS c (name, value) SELECT name, n"
    " FROM (VALUES ('retention_rows', $1), ('retention_days', $2)) AS v (name, n) WHERE n > 0"
    " ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value";

/* Fold, keep the book, tell the caches, commit. */
static int finish(struct work *work, uint32_t partitions, struct err *err)
{
    struct pg_touched touched = {.partitions = work->stats_gone ? partitions : 0};
    struct pg_query fold = pg_query(FOLD), add = pg_query(ADD_REMOVED);
    int rc = pg_pipe_begin(work->store, err);

    if (rc != 0)
        return pg_end(work->store, rc, err);
    (void)pg_hold_leases(work->store, &touched, err);
    pg_i64(&fold, work->records);
    pg_i64(&fold, work->positions);
    if (work->records != 0 || work->positions != 0)
        (void)pg_pipe_add(work->store, &fold, err);
    pg_i64(&add, work->removed);
    pg_i64(&add, work->days);
    if (work->removed > 0 || work->days > 0)
        (void)pg_pipe_add(work->store, &add, err);
    return pg_pipe_end(work->store, true, err);
}

int pg_expire(struct store *base, const struct expiry *sites, size_t count,
              const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err)
{
    struct work work = {.store = pg_of(base), .left = ROWS_MAX};
    uint32_t partitions = 0;
    int rc = general != NULL ? keep_days(&work, general, now_ms, err) : 0;

    if (rc == 0)
        rc = begin(work.store, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        partitions |= UINT32_C(1) << site_partition(sites[i].site);
    pg_visits_forget(work.store);
    rc = expire_sites(&work, sites, count, err);
    if (rc == 0 && general != NULL && work.left > 0)
        rc = expire_general(&work, general, now_ms, err);
    *more = work.left <= 0;
    return rc == 0 ? finish(&work, partitions, err) : pg_end(work.store, rc, err);
}

/* -- the end of a run -------------------------------------------------------------------------- */

/* Partition by partition, so that aggregators do not wait for each other. */
static const char SET_ENDED[] =
    "INSERT INTO analytics.counters (name, value) SELECT 'retention_at_' || p, $2"
    " FROM generate_series(0, 15) AS p WHERE ($1 >> p) & 1 = 1"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
_Static_assert(PARTITIONS == 16, "as the statement has it");
static const char SET_SINCE[] = "INSERT INTO analytics.counters (name, value)"
                                " VALUES ('retention_since', $1) ON CONFLICT (name) DO NOTHING";

int pg_finish_retention(struct store *base, uint32_t partitions, int64_t now_ms, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query ended = pg_query(SET_ENDED), since = pg_query(SET_SINCE);
    int rc = pg_begin(store, err);

    if (rc != 0)
        return rc;
    rc = pg_pipe_begin(store, err);
    if (rc != 0)
        return pg_end(store, rc, err);
    pg_i32(&ended, (int32_t)(partitions & PARTITIONS_ALL));
    pg_i64(&ended, now_ms);
    pg_i64(&since, now_ms);
    if (pg_hold_leases(store, &(struct pg_touched){0}, err) == 0 &&
        pg_pipe_add(store, &ended, err) == 0)
        (void)pg_pipe_add(store, &since, err);
    return pg_pipe_end(store, true, err);
}
