/*
 * store/sqlite_erase.c -- a site, or a value of it, out of the database.
 *
 * Removing is a statement for each table, at most so many rows in one transaction; a part of a pack
 * counts as PART_ROWS, as in retention. The site's own row goes in the transaction that finds
 * nothing else left. sqlite_compact.c then gives the space up.
 */
#include "store/sqlite_internal.h"

#include "base/buf.h"

enum { PART_ROWS = 50 };

struct erase {
    struct sqlite_store *store;
    struct str site;
    const struct actor *actor;
    int64_t left; /* rows that this call may still change */
    int64_t rows[ERASED_TABLES];
    enum erasure_kind kind; /* of a value */
    struct str value, with;
};

static const char TOUCH[] = "UPDATE partitions SET commits = commits + 1 WHERE partition = ?";

/* Readers that keep what they read see that it is not so any more. */
static int touch(struct erase *erase, struct err *err)
{
    struct query query;
    int rc = sqlite_query(erase->store, TOUCH, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, site_partition(erase->site));
    return sqlite_done(erase->store, &query, err);
}

/* -- a site ------------------------------------------------------------------------------------ */

/* Parameters: the site, the most rows. */
#define REMOVE(table, key)                                                                         \
    "DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table                         \
    " WHERE site_id = ?1 LIMIT ?2)"
static const char REMOVE_EVENTS[] = REMOVE("analytics_events", "site_id, timestamp, id");
static const char REMOVE_VISITS[] = REMOVE("visits", "site_id, day, visitor, begin_ms");
static const char REMOVE_SKETCHES[] = REMOVE("sketches", "site_id, day, kind, hour_ms");
static const char REMOVE_DUE[] = REMOVE("due_days", "site_id, day");
static const char REMOVE_PACKS[] = REMOVE("packs", "rowid");
static const char REMOVE_DAYS[] = REMOVE("analytics_daily_stats", "site_id, date");
static const char REMOVE_HOURS[] = REMOVE("hourly_stats", "site_id, hour_ms");
static const char REMOVE_KEYS[] = REMOVE("event_ids", "site_id, id");
static const char REMOVE_GOALS[] = REMOVE("goals_counted", "site_id");
static const char REMOVE_LEDGER[] =
    REMOVE("ledger", "site_id, day, kind, reason") " RETURNING records";
static const char REMOVE_TOKENS[] = REMOVE("tokens", "id");
static const char REMOVE_LINKS[] = REMOVE("links", "id");
static const char REMOVE_ANNOTATIONS[] = REMOVE("annotations", "id");

static const struct rule {
    enum erased table;
    const char *sql;
    int64_t weight;
    const char *counter; /* what it returns of each row is added to this one */
} rules[] = {
    {ERASED_EVENTS, REMOVE_EVENTS, 1, NULL},
    {ERASED_VISITS, REMOVE_VISITS, 1, NULL},
    {ERASED_SKETCHES, REMOVE_SKETCHES, 1, NULL},
    {ERASED_DUE, REMOVE_DUE, 1, NULL},
    {ERASED_PACKS, REMOVE_PACKS, PART_ROWS, NULL},
    {ERASED_DAYS, REMOVE_DAYS, 1, NULL},
    {ERASED_HOURS, REMOVE_HOURS, 1, NULL},
    {ERASED_KEYS, REMOVE_KEYS, 1, NULL},
    {ERASED_GOALS, REMOVE_GOALS, 1, NULL},
    {ERASED_LEDGER, REMOVE_LEDGER, 1, "folded_records"},
    {ERASED_TOKENS, REMOVE_TOKENS, 1, NULL},
    {ERASED_LINKS, REMOVE_LINKS, 1, NULL},
    {ERASED_ANNOTATIONS, REMOVE_ANNOTATIONS, 1, NULL},
};

static int apply(struct erase *erase, const struct rule *rule, struct err *err)
{
    struct query query;
    int64_t sum = 0;
    int rc = sqlite_query(erase->store, rule->sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, erase->site);
    bind_i64(&query, (erase->left + rule->weight - 1) / rule->weight);
    while ((rc = sqlite_row(erase->store, &query, err)) > 0)
        sum += column_i64(&query);
    if (rc != 0)
        return rc;
    int64_t gone = sqlite3_changes64(erase->store->db);

    erase->left -= gone * rule->weight;
    erase->rows[rule->table] += gone;
    return rule->counter != NULL && sum != 0 ? sqlite_count(erase->store, rule->counter, sum, err)
                                             : 0;
}

static const char TENANT[] = "SELECT tenant_id FROM analytics_settings WHERE site_id = ?1"
                             " UNION ALL SELECT tenant_id FROM removed_sites WHERE site_id = ?1";
static const char ADD_AUDIT_LINE[] =
    "INSERT INTO audit_log (at_ms, actor, action, target, tenant_id)"
    " VALUES (?, ?, 'site.erase', ?, ?)";

static int add_line(struct erase *erase, struct str tenant, struct err *err)
{
    struct query query;
    int rc = sqlite_query(erase->store, ADD_AUDIT_LINE, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, erase->actor->now_ms);
    bind_str(&query, erase->actor->name);
    bind_str(&query, erase->site);
    bind_str(&query, tenant);
    return sqlite_done(erase->store, &query, err);
}

/* If there is still a row of the site that says whose it is. */
static int add_audit_line(struct erase *erase, struct err *err)
{
    struct arena arena = {0};
    struct query query;
    int rc = sqlite_query(erase->store, TENANT, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, erase->site);
    rc = sqlite_row(erase->store, &query, err);
    if (rc > 0) {
        struct str tenant = arena_str(&arena, column_str(&query));

        sqlite_end(&query);
        rc = add_line(erase, tenant, err);
    }
    arena_free(&arena);
    return rc;
}

/* The names first: a trigger would take them with the row. */
static const char REMOVE_NAMES[] = "DELETE FROM site_names WHERE site_id = ?";
static const char REMOVE_REMOVED[] = "DELETE FROM removed_sites WHERE site_id = ?";
static const char REMOVE_SETTINGS[] = "DELETE FROM analytics_settings WHERE site_id = ?";

static int remove_site(struct erase *erase, struct err *err)
{
    static const struct {
        enum erased table;
        const char *sql;
    } last[] = {{ERASED_NAMES, REMOVE_NAMES},
                {ERASED_REMOVED, REMOVE_REMOVED},
                {ERASED_SETTINGS, REMOVE_SETTINGS}};
    int rc = add_audit_line(erase, err);

    for (size_t i = 0; rc == 0 && i < sizeof(last) / sizeof(last[0]); i++) {
        struct query query;

        rc = sqlite_query(erase->store, last[i].sql, &query, err);
        if (rc != 0)
            return rc;
        bind_str(&query, erase->site);
        rc = sqlite_done(erase->store, &query, err);
        erase->rows[last[i].table] += sqlite3_changes64(erase->store->db);
    }
    return rc;
}

static int erase_rules(struct erase *erase, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && erase->left > 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
        rc = apply(erase, &rules[i], err);
    if (rc == 0 && erase->left > 0)
        rc = remove_site(erase, err);
    return rc == 0 ? touch(erase, err) : rc;
}

int sqlite_erase_site(struct store *base, struct str site, const struct actor *actor, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err)
{
    struct erase erase = {
        .store = sqlite_of(base), .site = site, .actor = actor, .left = ERASE_ROWS_MAX};
    int rc = sqlite_write_begin(erase.store, err);

    if (rc != 0)
        return rc;
    rc = sqlite_write_end(erase.store, erase_rules(&erase, err), err);
    if (rc == 0)
        erase_add(rows, erase.rows);
    *more = erase.left <= 0;
    return rc;
}

/* -- a value ----------------------------------------------------------------------------------- */

static const char NEXT_EVENT[] = "SELECT timestamp FROM analytics_events WHERE site_id = ?1"
                                 " AND timestamp >= ?2 ORDER BY timestamp LIMIT 1";
static const char NEXT_VISIT[] =
    "SELECT day FROM visits WHERE site_id = ?1 AND day >= ?2 ORDER BY day LIMIT 1";

/* Parameters of what follows: ?1 the site, ?2 and ?3 from and up to, ?4 the most rows, ?5 the
 * value, ?6 what comes in its place. */
#define CHANGE_EVENTS(changes, condition)                                                          \
    "UPDATE analytics_events SET " changes " WHERE (site_id, timestamp, id) IN"                    \
    " (SELECT site_id, timestamp, id FROM analytics_events"                                        \
    " WHERE site_id = ?1 AND timestamp >= ?2 AND timestamp < ?3 AND (" condition ") LIMIT ?4)"
#define CHANGE_VISITS(changes, condition)                                                          \
    "UPDATE visits SET " changes " WHERE (site_id, day, visitor, begin_ms) IN"                     \
    " (SELECT site_id, day, visitor, begin_ms FROM visits"                                         \
    " WHERE site_id = ?1 AND day >= ?2 AND day < ?3 AND (" condition ") LIMIT ?4)"

/* A referrer with a path is a page of the site itself; one that was too long is cut (at a
 * character, behind EVENT_PATH_MAX - 4 bytes). */
#define PATH_OF_REFERRER "substr(referrer, instr(referrer, '/'))"
#define IS_REFERRER                                                                                \
    "instr(referrer, '/') > 0 AND (" PATH_OF_REFERRER " = ?5 OR length(CAST(referrer AS BLOB)) >"  \
    " 1996 AND " PATH_OF_REFERRER " = substr(?5, 1, length(" PATH_OF_REFERRER ")))"
_Static_assert(EVENT_PATH_MAX == 2000, "as the statement has it");
#define NEW_REFERRER                                                                               \
    "referrer = CASE WHEN " IS_REFERRER                                                            \
    " THEN substr(referrer, 1, instr(referrer, '/')) || ?6 ELSE referrer END"
#define NEW_PATH(column) column " = CASE WHEN " column " = ?5 THEN ?6 ELSE " column " END"
/* An entry's name and its path, of which the name has no space. */
#define NAME_OF_ENTRY "substr(entry_name, 1, instr(entry_name, ' ') - 1)"
#define PATH_OF_ENTRY "substr(entry_name, instr(entry_name, ' ') + 1)"

static const char CHANGE_PATH_OF_EVENTS[] = CHANGE_EVENTS(
    NEW_PATH("path") ", title = CASE WHEN path = ?5 THEN NULL ELSE title END, " NEW_REFERRER,
    "path = ?5 OR " IS_REFERRER);
static const char CHANGE_PATH_OF_VISITS[] = CHANGE_VISITS(
    NEW_PATH("entry_path") ", " NEW_PATH("exit_path") ", " NEW_REFERRER
                                                      ", entry_name = CASE WHEN " PATH_OF_ENTRY
                                                      " = ?5 THEN " NAME_OF_ENTRY " || ' ' || ?6"
                                                      " ELSE entry_name END",
    "entry_path = ?5 OR exit_path = ?5 OR " IS_REFERRER " OR " PATH_OF_ENTRY " = ?5");
static const char CHANGE_NAME_OF_EVENTS[] = CHANGE_EVENTS("name = ?6", "name = ?5");
static const char CHANGE_NAME_OF_VISITS[] =
    CHANGE_VISITS("entry_name = ?6 || ' ' || " PATH_OF_ENTRY, NAME_OF_ENTRY " = ?5");
/* ?6 is not used, but bound. */
static const char CHANGE_PROPS_OF_EVENTS[] =
    CHANGE_EVENTS("props = props_without(props, ?5)",
                  "props IS NOT NULL AND props_without(props, ?5) IS NOT props AND ?6 IS NOT NULL");

static const struct {
    const char *events, *visits;
} changes[] = {
    [ERASE_PATH] = {CHANGE_PATH_OF_EVENTS, CHANGE_PATH_OF_VISITS},
    [ERASE_EVENT] = {CHANGE_NAME_OF_EVENTS, CHANGE_NAME_OF_VISITS},
    [ERASE_PROP] = {CHANGE_PROPS_OF_EVENTS, NULL},
};

static struct str text_of(sqlite3_value *value)
{
    const char *ptr = sqlite3_value_blob(value);

    return ptr == NULL ? STR("") : (struct str){ptr, (size_t)sqlite3_value_bytes(value)};
}

/* props_without(props, name): NULL where none is left, else the text. */
static void props_without(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct buf out = {0};

    (void)count;
    if (!props_remove(text_of(values[0]), text_of(values[1]), &out))
        sqlite3_result_value(context, values[0]);
    else if (out.len == 0)
        sqlite3_result_null(context);
    else
        sqlite3_result_text64(context, out.ptr, out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_release(&out);
}

static int find_next(void *ctx, bool visits, int64_t from, int64_t *at, struct err *err)
{
    struct erase *erase = ctx;
    struct query query;
    int rc = changes[erase->kind].visits == NULL && visits
                 ? 1
                 : sqlite_query(erase->store, visits ? NEXT_VISIT : NEXT_EVENT, &query, err);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    bind_str(&query, erase->site);
    bind_i64(&query, from);
    rc = sqlite_row(erase->store, &query, err);
    if (rc > 0) {
        *at = column_i64(&query);
        sqlite_end(&query);
    }
    return rc;
}

static int change(void *ctx, bool visits, int64_t begin, int64_t end, int64_t most,
                  int64_t *changed, struct err *err)
{
    struct erase *erase = ctx;
    const char *sql = visits ? changes[erase->kind].visits : changes[erase->kind].events;
    struct query query;
    int rc = sqlite_query(erase->store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, erase->site);
    bind_i64(&query, begin);
    bind_i64(&query, end);
    bind_i64(&query, most);
    bind_str(&query, erase->value);
    bind_str(&query, erase->with);
    rc = sqlite_done(erase->store, &query, err);
    *changed = rc == 0 ? sqlite3_changes64(erase->store->db) : 0;
    return rc;
}

static const struct erase_ops erase_ops = {find_next, change};

static int make_function(struct erase *erase, struct err *err)
{
    int rc =
        erase->kind == ERASE_PROP
            ? sqlite3_create_function_v2(erase->store->db, "props_without", 2,
                                         SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                         NULL, props_without, NULL, NULL, NULL)
            : SQLITE_OK;

    return rc == SQLITE_OK ? 0 : sqlite_fail(erase->store, rc, err);
}

int sqlite_erase_value(struct store *base, struct str site, enum erasure_kind kind,
                       struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                       struct err *err)
{
    struct erase erase = {
        .store = sqlite_of(base), .site = site, .kind = kind, .value = value, .with = with};
    int rc = erase_check(kind, value, with, err);

    if (rc == 0)
        rc = make_function(&erase, err);
    if (rc == 0)
        rc = sqlite_write_begin(erase.store, err);
    if (rc != 0)
        return rc;
    struct erase_cursor cursor = erase_begin(base, site, kind, value, with);

    rc = erase_step(&cursor, &erase_ops, &erase, more, erase.rows, err);
    if (rc == 0 && erase.rows[ERASED_EVENTS] + erase.rows[ERASED_VISITS] > 0)
        rc = touch(&erase, err);
    rc = sqlite_write_end(erase.store, rc, err);
    if (rc != 0)
        return rc;
    base->erasing = cursor;
    erase_add(rows, erase.rows);
    return 0;
}
