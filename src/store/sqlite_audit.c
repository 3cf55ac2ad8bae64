/*
 * store/sqlite_audit.c -- what operators and tenants ask for: the audit log, what was counted for
 * whom, and since when.
 */
#include "store/sqlite_internal.h"

#include "base/date.h"

/* -- the audit log ----------------------------------------------------------------------------- */

#define AUDIT_LINES "SELECT id, at_ms, actor, action, target, tenant_id FROM audit_log WHERE "
static const char AUDIT_OF_ALL[] = AUDIT_LINES "id < ?2 ORDER BY id DESC LIMIT ?3";
static const char AUDIT_OF_TENANT[] =
    AUDIT_LINES "tenant_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";

static struct audit_row audit_columns(struct query *query, struct arena *arena)
{
    struct audit_row row = {.id = column_i64(query)};

    row.at_ms = column_i64(query);
    row.actor = arena_str(arena, column_str(query));
    row.action = arena_str(arena, column_str(query));
    row.target = arena_str(arena, column_str(query));
    row.tenant = arena_str(arena, column_str(query));
    return row;
}

int sqlite_page_audit(struct store *base, struct str tenant, int64_t before, size_t limit,
                      struct arena *arena, struct audit_row **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, tenant.len > 0 ? AUDIT_OF_TENANT : AUDIT_OF_ALL, &query, err);

    *count = 0;
    if (rc != 0)
        return rc;
    *out = ARENA_NEW(arena, struct audit_row, limit + 1);
    bind_str(&query, tenant);
    bind_i64(&query, before > 0 ? before : INT64_MAX);
    bind_i64(&query, (int64_t)limit);
    while (*count < limit && (rc = sqlite_row(store, &query, err)) > 0)
        (*out)[(*count)++] = audit_columns(&query, arena);
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

/* -- the ledger's sums ------------------------------------------------------------------------- */

/* The sites of the ledger are found one after the other by its key, and of each only its days. */
static const char USAGE[] =
    "WITH RECURSIVE sites (id) AS (SELECT min(site_id) FROM ledger"
    " UNION ALL SELECT (SELECT min(site_id) FROM ledger WHERE site_id > id) FROM sites"
    " WHERE id IS NOT NULL)"
    " SELECT l.tenant_id, l.site_id, sum(l.events) FILTER (WHERE l.kind = 0),"
    " sum(l.events) FILTER (WHERE l.kind = 1), sum(l.events) FILTER (WHERE l.kind = 2)"
    " FROM sites CROSS JOIN ledger l ON l.site_id = sites.id AND l.day BETWEEN ?2 AND ?3"
    " WHERE ?1 = '' OR l.tenant_id = ?1"
    " GROUP BY l.tenant_id, l.site_id ORDER BY l.tenant_id, l.site_id";

static struct usage_row usage_columns(struct query *query, struct arena *arena)
{
    struct usage_row row = {.tenant = arena_str(arena, column_str(query))};

    row.site = arena_str(arena, column_str(query));
    row.stored = column_i64(query);
    row.dropped = column_i64(query);
    row.rejected = column_i64(query);
    return row;
}

/* Room for one more: twice as much as before, in the arena. */
static void make_room(struct arena *arena, struct usage_row **rows, size_t count, size_t *room)
{
    if (count < *room)
        return;
    struct usage_row *more = ARENA_NEW(arena, struct usage_row, *room * 2);

    memcpy(more, *rows, count * sizeof(more[0]));
    *rows = more;
    *room *= 2;
}

int sqlite_usage(struct store *base, struct str tenant, int32_t from, int32_t to,
                 struct arena *arena, struct usage_row **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    size_t room = 64;
    int rc = sqlite_query(store, USAGE, &query, err);

    *count = 0;
    if (rc != 0)
        return rc;
    *out = ARENA_NEW(arena, struct usage_row, room);
    bind_str(&query, tenant);
    bind_i64(&query, from);
    bind_i64(&query, to);
    while ((rc = sqlite_row(store, &query, err)) > 0) {
        make_room(arena, out, *count, &room);
        (*out)[(*count)++] = usage_columns(&query, arena);
    }
    return rc;
}

/* -- a site's first and last event ------------------------------------------------------------- */

/* Of raw rows, and of hours, which outlive them. */
static const char SPAN[] =
    "SELECT (SELECT timestamp FROM analytics_events WHERE site_id = ?1 AND tenant_id = ?2"
    " ORDER BY timestamp LIMIT 1),"
    " (SELECT timestamp FROM analytics_events WHERE site_id = ?1 AND tenant_id = ?2"
    " ORDER BY timestamp DESC LIMIT 1),"
    " (SELECT hour_ms FROM hourly_stats WHERE site_id = ?1 AND tenant_id = ?2"
    " ORDER BY hour_ms LIMIT 1),"
    " (SELECT hour_ms FROM hourly_stats WHERE site_id = ?1 AND tenant_id = ?2"
    " ORDER BY hour_ms DESC LIMIT 1)";

int sqlite_site_span(struct store *base, struct str tenant, struct str site, int64_t *first_ms,
                     int64_t *last_ms, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, SPAN, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    bind_str(&query, tenant);
    rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    int64_t first_raw = column_i64(&query), last_raw = column_i64(&query);
    int64_t first_hour = column_i64(&query), last_hour = column_i64(&query);

    sqlite_end(&query);
    *first_ms = span_first(first_raw, first_hour);
    *last_ms = span_last(last_raw, last_hour);
    return 0;
}

int sqlite_payload_session(struct store *base, struct str schema, struct str collection,
                           struct str user, struct str sid, int64_t now_ms, struct err *err)
{
    (void)base;
    (void)schema;
    (void)collection;
    (void)user;
    (void)sid;
    (void)now_ms;
    return err_set(err, ERR_INVALID, "the sessions of Payload are in PostgreSQL");
}
