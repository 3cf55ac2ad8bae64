/*
 * store/postgres_erase.c -- a site, or a value of it, out of the database.
 *
 * Removing is a statement for each table, at most so many rows in one transaction, which holds the
 * leases like every one of the job; a part of a pack counts as PART_ROWS, as in retention. The
 * site's own row goes in the transaction that finds nothing else left; what all aggregators write
 * to comes last. postgres_compact.c then gives the space up.
 */
#include "store/postgres_internal.h"

#include "base/date.h"

enum { PART_ROWS = 10 };

struct erase {
    struct pg_store *store;
    struct str site;
    const struct actor *actor;
    int64_t left;    /* rows that this call may still change */
    int64_t records; /* of the ledger's rows that are gone */
    int64_t rows[ERASED_TABLES];
    enum erasure_kind kind; /* of a value */
    struct str value, with;
};

/* -- the transaction --------------------------------------------------------------------------- */

static int begin(struct pg_store *store, struct err *err)
{
    int rc = pg_begin(store, err);

    if (rc != 0)
        return rc;
    pg_visits_forget(store);
    rc = pg_pipe_begin(store, err);
    if (rc == 0) {
        (void)pg_hold_leases(store, &(struct pg_touched){0}, err);
        rc = pg_pipe_end(store, false, err);
    }
    return rc == 0 ? 0 : pg_end(store, rc, err);
}

static const char FOLD[] =
    "UPDATE analytics.counters SET value = value + $1 WHERE name = 'folded_records'";

/* Fold, tell the caches, commit. */
static int finish(struct erase *erase, int rc, struct err *err)
{
    struct pg_touched touched = {.partitions = UINT32_C(1) << site_partition(erase->site)};
    struct pg_query fold = pg_query(FOLD);

    if (rc == 0)
        rc = pg_pipe_begin(erase->store, err);
    if (rc != 0)
        return pg_end(erase->store, rc, err);
    (void)pg_hold_leases(erase->store, &touched, err);
    pg_i64(&fold, erase->records);
    if (erase->records != 0)
        (void)pg_pipe_add(erase->store, &fold, err);
    return pg_pipe_end(erase->store, true, err);
}

/* -- a site ------------------------------------------------------------------------------------ */

/* $1: the site, $2: the most rows. */
#define SOME_OF(table)                                                                             \
    "DELETE FROM analytics." table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM analytics." table    \
    " WHERE site_id = $1 LIMIT $2))"
#define REMOVE(table)                                                                              \
    "WITH gone AS (" SOME_OF(table) " RETURNING 1) SELECT count(*), 0::bigint FROM gone"
/* Day by day; none is after the greatest date that the program knows. */
static const char REMOVE_EVENTS[] =
    "SELECT analytics.expire_events(ARRAY[$1::text], ARRAY[253402300800000], $2), 0::bigint";
static const char REMOVE_VISITS[] = REMOVE("visits");
static const char REMOVE_SKETCHES[] = REMOVE("sketches");
static const char REMOVE_DUE[] = REMOVE("due_days");
static const char REMOVE_PACKS[] = REMOVE("packs");
static const char REMOVE_DAYS[] = REMOVE("analytics_daily_stats");
static const char REMOVE_HOURS[] = REMOVE("hourly_stats");
static const char REMOVE_KEYS[] = REMOVE("event_ids");
static const char REMOVE_GOALS[] = REMOVE("goals_counted");
static const char REMOVE_LEDGER[] = "WITH gone AS (" SOME_OF(
    "ledger") " RETURNING records)"
              " SELECT count(*), coalesce(sum(records), 0)::bigint FROM gone";
static const char REMOVE_TOKENS[] = REMOVE("tokens");
static const char REMOVE_LINKS[] = REMOVE("links");
static const char REMOVE_ANNOTATIONS[] = REMOVE("annotations");

static const struct rule {
    enum erased table;
    const char *sql;
    int64_t weight;
} rules[] = {
    {ERASED_EVENTS, REMOVE_EVENTS, 1},
    {ERASED_VISITS, REMOVE_VISITS, 1},
    {ERASED_SKETCHES, REMOVE_SKETCHES, 1},
    {ERASED_DUE, REMOVE_DUE, 1},
    {ERASED_PACKS, REMOVE_PACKS, PART_ROWS},
    {ERASED_DAYS, REMOVE_DAYS, 1},
    {ERASED_HOURS, REMOVE_HOURS, 1},
    {ERASED_KEYS, REMOVE_KEYS, 1},
    {ERASED_GOALS, REMOVE_GOALS, 1},
    {ERASED_LEDGER, REMOVE_LEDGER, 1},
    {ERASED_TOKENS, REMOVE_TOKENS, 1},
    {ERASED_LINKS, REMOVE_LINKS, 1},
    {ERASED_ANNOTATIONS, REMOVE_ANNOTATIONS, 1},
};

static int apply(struct erase *erase, const struct rule *rule, struct err *err)
{
    struct pg_query query = pg_query(rule->sql);
    PGresult *result = NULL;

    pg_text(&query, erase->site);
    pg_i64(&query, (erase->left + rule->weight - 1) / rule->weight);
    int rc = pg_run(erase->store, &query, &result, err);

    if (rc == 0 && PQntuples(result) == 1) {
        erase->left -= rule->weight * pg_get_i64(result, 0, 0);
        erase->rows[rule->table] += pg_get_i64(result, 0, 0);
        erase->records += pg_get_i64(result, 0, 1);
    }
    PQclear(result);
    return rc;
}

static const char TENANT[] =
    "SELECT tenant_id FROM analytics.analytics_settings WHERE site_id = $1"
    " UNION ALL SELECT tenant_id FROM analytics.removed_sites WHERE site_id = $1 LIMIT 1";

/* If there is still a row of the site that says whose it is. */
static int add_audit_line(struct erase *erase, struct err *err)
{
    struct pg_query query = pg_query(TENANT);
    PGresult *result = NULL;

    pg_text(&query, erase->site);
    int rc = pg_run(erase->store, &query, &result, err);

    if (rc == 0 && PQntuples(result) > 0)
        rc = pg_add_audit(erase->store, STR("site.erase"), erase->site, pg_get_str(result, 0, 0),
                          erase->actor, err);
    PQclear(result);
    return rc;
}

/* The names first: a trigger would take them with the row, and it remembers the removed site, which
 * is forgotten again. */
static const char REMOVE_NAMES[] = REMOVE("site_names");
static const char REMOVE_REMOVED[] = REMOVE("removed_sites");
static const char REMOVE_SETTINGS[] = REMOVE("analytics_settings");
static const char FORGET[] = "DELETE FROM analytics.removed_sites WHERE site_id = $1";
enum { NAMES_MAX = 65536 }; /* tracking_ids is no longer in bytes */

static int remove_site(struct erase *erase, struct err *err)
{
    static const struct rule last[] = {{ERASED_NAMES, REMOVE_NAMES, 0},
                                       {ERASED_REMOVED, REMOVE_REMOVED, 0},
                                       {ERASED_SETTINGS, REMOVE_SETTINGS, 0}};
    struct pg_query forget = pg_query(FORGET);
    int rc = add_audit_line(erase, err);

    for (size_t i = 0; rc == 0 && i < sizeof(last) / sizeof(last[0]); i++) {
        struct pg_query query = pg_query(last[i].sql);
        PGresult *result = NULL;

        pg_text(&query, erase->site);
        pg_i64(&query, NAMES_MAX);
        rc = pg_run(erase->store, &query, &result, err);
        if (rc == 0 && PQntuples(result) == 1)
            erase->rows[last[i].table] += pg_get_i64(result, 0, 0);
        PQclear(result);
    }
    pg_text(&forget, erase->site);
    return rc == 0 ? pg_run(erase->store, &forget, NULL, err) : rc;
}

static int erase_rules(struct erase *erase, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && erase->left > 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
        rc = apply(erase, &rules[i], err);
    return rc == 0 && erase->left > 0 ? remove_site(erase, err) : rc;
}

int pg_erase_site(struct store *base, struct str site, const struct actor *actor, bool *more,
                  int64_t rows[ERASED_TABLES], struct err *err)
{
    struct erase erase = {
        .store = pg_of(base), .site = site, .actor = actor, .left = ERASE_ROWS_MAX};
    int rc = begin(erase.store, err);

    if (rc != 0)
        return rc;
    rc = finish(&erase, erase_rules(&erase, err), err);
    if (rc == 0)
        erase_add(rows, erase.rows);
    *more = erase.left <= 0;
    return rc;
}

/* -- a value ----------------------------------------------------------------------------------- */

static const char NEXT_EVENT[] = "SELECT \"timestamp\" FROM analytics.analytics_events"
                                 " WHERE site_id = $1 AND \"timestamp\" >= $2"
                                 " ORDER BY \"timestamp\" LIMIT 1";
static const char NEXT_VISIT[] = "SELECT day FROM analytics.visits WHERE site_id = $1 AND day >= $2"
                                 " ORDER BY day LIMIT 1";

/* $1: the site, $2 and $3: from and up to, $4: the most rows, $5: the value, $6: what comes in its
 * place. Raw rows of one date are all in one table, where their place is theirs alone. */
#define CHANGE(table, time, changes, condition)                                                    \
    "UPDATE analytics." table " SET " changes " WHERE " time " >= $2 AND " time " < $3"            \
    " AND ctid = ANY (ARRAY(SELECT ctid FROM analytics." table " WHERE site_id = $1 AND " time     \
    " >= $2 AND " time " < $3 AND (" condition ") LIMIT $4))"
#define CHANGE_EVENTS(changes, condition)                                                          \
    CHANGE("analytics_events", "\"timestamp\"", changes, condition)
#define CHANGE_VISITS(changes, condition) CHANGE("visits", "day", changes, condition)

/* A referrer with a path is a page of the site itself; one that was too long is cut (at a
 * character, behind EVENT_PATH_MAX - 4 bytes). */
#define PATH_OF_REFERRER "substr(referrer, strpos(referrer, '/'))"
#define IS_REFERRER                                                                                \
    "strpos(referrer, '/') > 0 AND (" PATH_OF_REFERRER " = $5 OR octet_length(referrer) > 1996"    \
    " AND starts_with($5, " PATH_OF_REFERRER "))"
_Static_assert(EVENT_PATH_MAX == 2000, "as the statement has it");
#define NEW_REFERRER                                                                               \
    "referrer = CASE WHEN " IS_REFERRER                                                            \
    " THEN substr(referrer, 1, strpos(referrer, '/')) || $6 ELSE referrer END"
#define NEW_PATH(column) column " = CASE WHEN " column " = $5 THEN $6 ELSE " column " END"
/* An entry's name and its path, of which the name has no space. */
#define NAME_OF_ENTRY "substr(entry_name, 1, strpos(entry_name, ' ') - 1)"
#define PATH_OF_ENTRY "substr(entry_name, strpos(entry_name, ' ') + 1)"

static const char CHANGE_PATH_OF_EVENTS[] = CHANGE_EVENTS(
    NEW_PATH("path") ", title = CASE WHEN path = $5 THEN NULL ELSE title END, " NEW_REFERRER,
    "path = $5 OR " IS_REFERRER);
static const char CHANGE_PATH_OF_VISITS[] = CHANGE_VISITS(
    NEW_PATH("entry_path") ", " NEW_PATH("exit_path") ", " NEW_REFERRER
                                                      ", entry_name = CASE WHEN " PATH_OF_ENTRY
                                                      " = $5 THEN " NAME_OF_ENTRY " || ' ' || $6"
                                                      " ELSE entry_name END",
    "entry_path = $5 OR exit_path = $5 OR " IS_REFERRER " OR " PATH_OF_ENTRY " = $5");
static const char CHANGE_NAME_OF_EVENTS[] = CHANGE_EVENTS("name = $6", "name = $5");
/* CASE, because the planner may ask it of an entry of no name. */
static const char CHANGE_NAME_OF_VISITS[] =
    CHANGE_VISITS("entry_name = $6 || ' ' || " PATH_OF_ENTRY,
                  "CASE WHEN strpos(entry_name, ' ') > 0 THEN " NAME_OF_ENTRY " = $5 END");
static const char CHANGE_PROPS_OF_EVENTS[] =
    CHANGE_EVENTS("props = nullif(props - $5, '{}'::jsonb)", "props ? $5 AND $6 IS NOT NULL");

static const struct {
    const char *events, *visits;
} changes[] = {
    [ERASE_PATH] = {CHANGE_PATH_OF_EVENTS, CHANGE_PATH_OF_VISITS},
    [ERASE_EVENT] = {CHANGE_NAME_OF_EVENTS, CHANGE_NAME_OF_VISITS},
    [ERASE_PROP] = {CHANGE_PROPS_OF_EVENTS, NULL},
};

/* Days of visits are integers. */
static int32_t to_day(int64_t day)
{
    return day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (int32_t)day;
}

static void bind_place(struct pg_query *query, bool visits, int64_t at)
{
    if (visits)
        pg_i32(query, to_day(at));
    else
        pg_instant(query, at);
}

static int find_next(void *ctx, bool visits, int64_t from, int64_t *at, struct err *err)
{
    struct erase *erase = ctx;
    struct pg_query query = pg_query(visits ? NEXT_VISIT : NEXT_EVENT);
    PGresult *result = NULL;
    int rc;

    if (visits && changes[erase->kind].visits == NULL)
        return 0;
    pg_text(&query, erase->site);
    bind_place(&query, visits, from);
    rc = pg_run(erase->store, &query, &result, err);
    if (rc == 0 && PQntuples(result) > 0) {
        *at = visits ? pg_get_i64(result, 0, 0) : pg_get_instant(result, 0, 0);
        rc = 1;
    }
    PQclear(result);
    return rc;
}

static int change(void *ctx, bool visits, int64_t first, int64_t end, int64_t most,
                  int64_t *changed, struct err *err)
{
    struct erase *erase = ctx;
    struct pg_query query =
        pg_query(visits ? changes[erase->kind].visits : changes[erase->kind].events);
    PGresult *result = NULL;

    pg_text(&query, erase->site);
    bind_place(&query, visits, first);
    bind_place(&query, visits, end);
    pg_i64(&query, most);
    pg_text(&query, erase->value);
    pg_text(&query, erase->with);
    int rc = pg_run(erase->store, &query, &result, err);

    *changed = 0;
    if (rc == 0)
        (void)str_to_i64(str_from(PQcmdTuples(result)), changed);
    PQclear(result);
    return rc;
}

static const struct erase_ops erase_ops = {find_next, change};

int pg_erase_value(struct store *base, struct str site, enum erasure_kind kind, struct str value,
                   struct str with, bool *more, int64_t rows[ERASED_TABLES], struct err *err)
{
    struct erase erase = {
        .store = pg_of(base), .site = site, .kind = kind, .value = value, .with = with};
    int rc = erase_check(kind, value, with, err);

    if (rc == 0)
        rc = begin(erase.store, err);
    if (rc != 0)
        return rc;
    struct erase_cursor cursor = erase_begin(base, site, kind, value, with);

    rc = erase_step(&cursor, &erase_ops, &erase, more, erase.rows, err);
    rc = finish(&erase, rc, err);
    if (rc != 0)
        return rc;
    base->erasing = cursor;
    erase_add(rows, erase.rows);
    return 0;
}
