/*
 * store/postgres_admin.c -- managed rows as they are asked for, sessions that end, and what
 * operators and tenants ask: the audit log, what was counted for whom, and since when.
 */
#include "store/postgres_internal.h"

/* -- rows -------------------------------------------------------------------------------------- */

int pg_get(struct store *base, enum row_kind kind, struct str id, struct arena *arena, void *row,
           struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(pg_row_sql(store, kind, PG_ROW_GET));
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    pg_text(&query, id);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc != 0)
        return rc;
    bool exists = PQntuples(result) > 0;

    if (exists)
        pg_get_row(result, 0, kind, arena, row);
    else
        row_default(kind, id, row);
    PQclear(result);
    return exists ? 1 : 0;
}

int pg_page(struct store *base, enum row_kind kind, const struct row_filter *filter,
            struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
            struct err *err)
{
    struct pg_store *store = pg_of(base);
    unsigned filters = pg_filters_of(kind, filter);
    struct pg_query query = pg_query(pg_row_sql(store, kind, PG_ROW_PAGE + filters));
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    *rows = NULL;
    *count = 0;
    pg_text(&query, after);
    pg_bind_filters(&query, filters, filter);
    pg_i64(&query, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc != 0)
        return rc;
    *count = (size_t)PQntuples(result);
    *rows = arena_alloc(arena, *count + 1, row_size(kind));
    for (size_t i = 0; i < *count; i++)
        pg_get_row(result, (int)i, kind, arena, (char *)*rows + i * row_size(kind));
    PQclear(result);
    return 0;
}

int pg_count(struct store *base, enum row_kind kind, const struct row_filter *filter, int64_t *out,
             struct err *err)
{
    struct pg_store *store = pg_of(base);
    unsigned filters = pg_filters_of(kind, filter);
    struct pg_query query = pg_query(pg_row_sql(store, kind, PG_ROW_COUNT + filters));
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    pg_bind_filters(&query, filters, filter);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    *out = rc == 0 ? pg_get_i64(result, 0, 0) : 0;
    PQclear(result);
    return rc;
}

/* -- sessions ---------------------------------------------------------------------------------- */

#define END_SESSIONS "DELETE FROM sessions WHERE ($1 = -1 OR kind = $1) AND id <> $2 AND user_id "
static const char END_SESSIONS_OF_USER[] = END_SESSIONS "= $3";
static const char END_SESSIONS_OF_NOBODY[] = END_SESSIONS "IS NULL";

int pg_end_sessions(struct store *base, struct str user, int32_t kind, struct str except,
                    struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(user.len > 0 ? END_SESSIONS_OF_USER : END_SESSIONS_OF_NOBODY);
    int rc = pg_ready(store, err);

    pg_i32(&query, kind);
    pg_text(&query, except);
    if (user.len > 0)
        pg_text(&query, user);
    return rc == 0 ? pg_run(store, &query, NULL, err) : rc;
}

/* -- the audit log ----------------------------------------------------------------------------- */

static const char ADD_AUDIT_LINE[] =
    "INSERT INTO audit_log (at_ms, actor, action, target, tenant_id) VALUES ($1, $2, $3, $4, $5)";
#define AUDIT_LINES "SELECT id, at_ms, actor, action, target, tenant_id FROM audit_log WHERE "
static const char AUDIT_OF_ALL[] = AUDIT_LINES "id < $1 ORDER BY id DESC LIMIT $2";
static const char AUDIT_OF_TENANT[] =
    AUDIT_LINES "id < $1 AND tenant_id = $3 ORDER BY id DESC LIMIT $2";

int pg_add_audit(struct pg_store *store, struct str action, struct str target, struct str tenant,
                 const struct actor *actor, struct err *err)
{
    struct pg_query query = pg_query(ADD_AUDIT_LINE);

    pg_i64(&query, actor->now_ms);
    pg_text(&query, actor->name);
    pg_text(&query, action);
    pg_text(&query, target);
    pg_text(&query, tenant);
    return pg_run(store, &query, NULL, err);
}

int pg_note(struct store *base, const char *action, struct str target, struct str tenant,
            const struct actor *actor, struct err *err)
{
    struct pg_store *store = pg_of(base);
    int rc = pg_ready(store, err);

    return rc == 0 ? pg_add_audit(store, str_from(action), target, tenant, actor, err) : rc;
}

static struct audit_row audit_row_of(const PGresult *result, int row, struct arena *arena)
{
    return (struct audit_row){
        .id = pg_get_i64(result, row, 0),
        .at_ms = pg_get_i64(result, row, 1),
        .actor = arena_str(arena, pg_get_str(result, row, 2)),
        .action = arena_str(arena, pg_get_str(result, row, 3)),
        .target = arena_str(arena, pg_get_str(result, row, 4)),
        .tenant = arena_str(arena, pg_get_str(result, row, 5)),
    };
}

int pg_page_audit(struct store *base, struct str tenant, int64_t before, size_t limit,
                  struct arena *arena, struct audit_row **out, size_t *count, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(tenant.len > 0 ? AUDIT_OF_TENANT : AUDIT_OF_ALL);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    *out = NULL;
    *count = 0;
    pg_i64(&query, before > 0 ? before : INT64_MAX);
    pg_i64(&query, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    if (tenant.len > 0)
        pg_text(&query, tenant);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc != 0)
        return rc;
    *count = (size_t)PQntuples(result);
    *out = ARENA_NEW(arena, struct audit_row, *count + 1);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = audit_row_of(result, (int)i, arena);
    PQclear(result);
    return 0;
}

/* -- the ledger's sums ------------------------------------------------------------------------- */

#define SUM_OF(kind) "coalesce(sum(events) FILTER (WHERE kind = " #kind "), 0)::bigint"
#define USAGE                                                                                      \
    "SELECT tenant_id, site_id, " SUM_OF(0) ", " SUM_OF(1) ", " SUM_OF(                            \
        2) " FROM ledger"                                                                          \
           " WHERE day BETWEEN $1 AND $2"
#define BY_SITE " GROUP BY tenant_id, site_id ORDER BY tenant_id, site_id"
_Static_assert(LEDGER_STORED == 0 && LEDGER_DROPPED == 1 && LEDGER_REJECTED == 2, "as above");
static const char USAGE_OF_ALL[] = USAGE BY_SITE;
static const char USAGE_OF_TENANT[] = USAGE " AND tenant_id = $3" BY_SITE;

static struct usage_row usage_row_of(const PGresult *result, int row, struct arena *arena)
{
    return (struct usage_row){
        .tenant = arena_str(arena, pg_get_str(result, row, 0)),
        .site = arena_str(arena, pg_get_str(result, row, 1)),
        .stored = pg_get_i64(result, row, 2),
        .dropped = pg_get_i64(result, row, 3),
        .rejected = pg_get_i64(result, row, 4),
    };
}

int pg_usage(struct store *base, struct str tenant, int32_t from, int32_t to, struct arena *arena,
             struct usage_row **out, size_t *count, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(tenant.len > 0 ? USAGE_OF_TENANT : USAGE_OF_ALL);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    *out = NULL;
    *count = 0;
    pg_i32(&query, from);
    pg_i32(&query, to);
    if (tenant.len > 0)
        pg_text(&query, tenant);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc != 0)
        return rc;
    *count = (size_t)PQntuples(result);
    *out = ARENA_NEW(arena, struct usage_row, *count + 1);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = usage_row_of(result, (int)i, arena);
    PQclear(result);
    return 0;
}

/* -- a site's first and last event ------------------------------------------------------------- */

/* Of raw rows, and of hours, which outlive them. Each is one look at the end of an index (of raw
 * rows one for each day that has them). */
#define END_OF(column, table, order)                                                               \
    "(SELECT " column " FROM " table " WHERE site_id = $1 AND tenant_id = $2"                      \
    " ORDER BY " column " " order " LIMIT 1)"
static const char SPAN[] = "SELECT " END_OF("\"timestamp\"", "analytics_events", "ASC") ", " END_OF(
    "\"timestamp\"", "analytics_events",
    "DESC") ", " END_OF("hour_ms", "hourly_stats", "ASC") ", " END_OF("hour_ms", "hourly_stats",
                                                                      "DESC");

/* 0 where there is none. */
static int64_t instant_at(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) != 0 ? 0 : pg_get_instant(result, 0, column);
}

int pg_site_span(struct store *base, struct str tenant, struct str site, int64_t *first_ms,
                 int64_t *last_ms, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(SPAN);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    *first_ms = *last_ms = 0;
    pg_text(&query, site);
    pg_text(&query, tenant);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc != 0)
        return rc;
    *first_ms = span_first(instant_at(result, 0), pg_get_i64(result, 0, 2));
    *last_ms = span_last(instant_at(result, 1), pg_get_i64(result, 0, 3));
    PQclear(result);
    return 0;
}
