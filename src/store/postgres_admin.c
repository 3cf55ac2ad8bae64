/*
 * store/postgres_admin.c -- changes of tenants, sites and tokens.
 *
 * Each is one transaction with its line in the audit log. It begins by locking the directory's
 * counter, which triggers of the schema raise with each change: so changes come one after the
 * other, and what one has looked at stays until it is done.
 */
#include "store/postgres_internal.h"

#include <stddef.h>

/* What is to be done. apply() returns 1 if it changed something, 0 if that was there already, or an
 * error. */
struct change {
    const char *action;
    struct str target;
    int (*apply)(struct pg_store *store, const struct change *change, struct arena *arena,
                 struct err *err);
    const void *row;
    int64_t now_ms;
};

static const char LOCK_DIRECTORY[] = "SELECT 1 FROM counters WHERE name = 'directory' FOR UPDATE";
static const char ADD_AUDIT_LINE[] =
    "INSERT INTO audit_log (at_ms, actor, action, target) VALUES ($1, $2, $3, $4)";

static int lock_directory(struct pg_store *store, struct err *err)
{
    struct pg_query query = pg_query(LOCK_DIRECTORY);

    return pg_run(store, &query, NULL, err);
}

static int add_audit_line(struct pg_store *store, const struct change *change,
                          const struct actor *actor, struct err *err)
{
    struct pg_query query = pg_query(ADD_AUDIT_LINE);

    pg_i64(&query, actor->now_ms);
    pg_text(&query, actor->name);
    pg_text(&query, str_from(change->action));
    pg_text(&query, change->target);
    return pg_run(store, &query, NULL, err);
}

static int make_change(struct store *base, const struct change *change, const struct actor *actor,
                       struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct arena arena = {0};
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_begin_with(store, PG_READ_MS, PG_LOCK_MS, err);
    if (rc != 0)
        return rc;
    rc = lock_directory(store, err);
    if (rc == 0)
        rc = change->apply(store, change, &arena, err);
    if (rc > 0)
        rc = add_audit_line(store, change, actor, err);
    rc = pg_end(store, rc, err);
    arena_free(&arena);
    return rc;
}

/* 1 and the row that the query about one id finds (the caller's to clear), 0, or an error. */
static int find(struct pg_store *store, const char *sql, struct str id, PGresult **row,
                struct err *err)
{
    struct pg_query query = pg_query(sql);

    pg_text(&query, id);
    int rc = pg_run(store, &query, row, err);

    if (rc != 0)
        return rc;
    if (PQntuples(*row) > 0)
        return 1;
    PQclear(*row);
    return 0;
}

static int exists(struct pg_store *store, const char *sql, struct str id, struct err *err)
{
    PGresult *row = NULL;
    int rc = find(store, sql, id, &row, err);

    if (rc > 0)
        PQclear(row);
    return rc;
}

/* A statement with one id: how many rows it changed, or an error. */
static int change_rows(struct pg_store *store, const char *sql, struct str id, struct err *err)
{
    struct pg_query query = pg_query(sql);
    PGresult *result = NULL;
    int64_t rows = 0;

    pg_text(&query, id);
    int rc = pg_run(store, &query, &result, err);

    if (rc == 0)
        (void)str_to_i64(str_from(PQcmdTuples(result)), &rows);
    PQclear(result);
    return rc == 0 ? (int)rows : rc;
}

/* 1 where the statement ran. */
static int added(int rc)
{
    return rc == 0 ? 1 : rc;
}

static int conflict(const char *what, struct str id, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "%s %.*s is there already, with other values", what,
                   STR_FMT(id));
}

static int not_found(const char *what, struct str id, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "no such %s: %.*s", what, STR_FMT(id));
}

/* -- tenants ----------------------------------------------------------------------------------- */

static const char TENANT[] = "SELECT id, name, active FROM tenants WHERE id = $1";
static const char ADD_TENANT[] =
    "INSERT INTO tenants (id, name, active, created_ms) VALUES ($1, $2, $3, $4)";

static int add_tenant(struct pg_store *store, const struct tenant_row *row, struct err *err)
{
    struct pg_query query = pg_query(ADD_TENANT);

    pg_text(&query, row->id);
    pg_text(&query, row->name);
    pg_bool(&query, row->active);
    pg_i64(&query, row->created_ms);
    return added(pg_run(store, &query, NULL, err));
}

static int put_tenant(struct pg_store *store, const struct change *change, struct arena *arena,
                      struct err *err)
{
    const struct tenant_row *row = change->row;
    PGresult *result = NULL;
    int rc = find(store, TENANT, row->id, &result, err);

    (void)arena;
    if (rc <= 0)
        return rc < 0 ? rc : add_tenant(store, row, err);
    struct tenant_row there = {
        .id = pg_get_str(result, 0, 0),
        .name = pg_get_str(result, 0, 1),
        .active = pg_get_i64(result, 0, 2) != 0,
    };

    rc = tenant_row_equal(&there, row) ? 0 : conflict("tenant", row->id, err);
    PQclear(result);
    return rc;
}

int pg_put_tenant(struct store *base, const struct tenant_row *row, const struct actor *actor,
                  struct err *err)
{
    struct change change = {"tenant.put", row->id, put_tenant, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

static const char SITE_OF_TENANT[] =
    "SELECT 1 FROM analytics_settings WHERE tenant_id = $1 LIMIT 1";
static const char REMOVE_TENANT[] = "DELETE FROM tenants WHERE id = $1"; /* its tokens with it */

static int remove_tenant(struct pg_store *store, const struct change *change, struct arena *arena,
                         struct err *err)
{
    int rc = exists(store, SITE_OF_TENANT, change->target, err);

    (void)arena;
    if (rc > 0)
        return err_set(err, ERR_CONFLICT, "tenant %.*s has sites", STR_FMT(change->target));
    if (rc == 0)
        rc = change_rows(store, REMOVE_TENANT, change->target, err);
    return rc == 0 ? not_found("tenant", change->target, err) : rc;
}

int pg_remove_tenant(struct store *base, struct str id, const struct actor *actor, struct err *err)
{
    struct change change = {"tenant.remove", id, remove_tenant, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* -- sites ------------------------------------------------------------------------------------- */

static const char ADD_SITE[] =
    "INSERT INTO analytics_settings (" PG_SITE_COLUMNS ", created_ms) VALUES ($1, $2, $3, $4, $5,"
    " $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14::jsonb, $15::jsonb, $16::jsonb, $17::jsonb,"
    " $18::jsonb, $19::jsonb, $20::jsonb, $21::jsonb, $22::jsonb, $23::jsonb, $24::jsonb, $25, $26,"
    " nullif($27, -1), nullif($28, -1), nullif($29, -1), $30)";

static void bind_member(struct pg_query *query, const struct site_member *member,
                        const struct site_row *row)
{
    const void *at = (const char *)row + member->offset;

    switch (member->type) {
    case MEMBER_ID:
    case MEMBER_TEXT:
        pg_text(query, *(const struct str *)at);
        break;
    case MEMBER_LIST:
    case MEMBER_JSON:
        pg_optional(query, *(const struct str *)at);
        break;
    case MEMBER_BOOL:
        pg_bool(query, *(const bool *)at);
        break;
    case MEMBER_INT32:
    case MEMBER_DAYS:
        pg_i32(query, *(const int32_t *)at);
        break;
    case MEMBER_INT64:
        pg_i64(query, *(const int64_t *)at);
        break;
    }
}

/* 1 where it ran. */
static int run_with_site(struct pg_store *store, struct pg_query *query, const struct site_row *row,
                         struct err *err)
{
    int rc = pg_run(store, query, NULL, err);

    if (rc == ERR_CONFLICT)
        return err_set(err, ERR_CONFLICT,
                       "site %.*s: its id or one of its trackingIds is taken, or named twice",
                       STR_FMT(row->id));
    return added(rc);
}

static struct pg_query query_with_site(const char *sql, const struct site_row *row)
{
    struct pg_query query = pg_query(sql);

    for (size_t i = 0; i < SITE_MEMBERS; i++)
        bind_member(&query, &site_members[i], row);
    return query;
}

static int add_site(struct pg_store *store, const struct site_row *row, struct err *err)
{
    struct pg_query query = query_with_site(ADD_SITE, row);

    pg_i64(&query, row->created_ms);
    return run_with_site(store, &query, row, err);
}

static const char TENANT_OF_REMOVED[] = "SELECT tenant_id FROM removed_sites WHERE site_id = $1";

/* The schema refuses it too; here it is said why. */
static int check_removed(struct pg_store *store, const struct site_row *row, struct err *err)
{
    PGresult *result = NULL;
    int rc = find(store, TENANT_OF_REMOVED, row->id, &result, err);

    if (rc <= 0)
        return rc;
    bool same = str_eq(pg_get_str(result, 0, 0), row->tenant);

    PQclear(result);
    return same ? 0
                : err_set(err, ERR_CONFLICT,
                          "site %.*s was another tenant's, and its numbers are still kept",
                          STR_FMT(row->id));
}

static int make_missing_tenant(struct pg_store *store, const struct site_row *row, int64_t now_ms,
                               struct err *err)
{
    int rc = exists(store, TENANT, row->tenant, err);

    if (rc == 0)
        rc = add_tenant(store, &(struct tenant_row){row->tenant, row->tenant, true, now_ms}, err);
    return rc < 0 ? rc : 0;
}

/* The row that is there, and the JSON of `row` written as the database writes it. */
static const char SITE[] =
    "SELECT " PG_SITE_COLUMNS ", created_ms, $2::jsonb, $3::jsonb, $4::jsonb, $5::jsonb, $6::jsonb,"
    " $7::jsonb, $8::jsonb, $9::jsonb, $10::jsonb, $11::jsonb, $12::jsonb, $13::jsonb"
    " FROM analytics_settings WHERE site_id = $1";

static int find_site(struct pg_store *store, const struct site_row *row, PGresult **result,
                     struct err *err)
{
    struct pg_query query = pg_query(SITE);

    pg_text(&query, row->id);
    for (size_t i = 0; i < SITE_MEMBERS; i++)
        if (member_is_json(&site_members[i]))
            bind_member(&query, &site_members[i], row);
    int rc = pg_run(store, &query, result, err);

    return rc == 0 ? PQntuples(*result) : rc;
}

static bool is_same_site(const PGresult *result, const struct site_row *row, struct arena *arena)
{
    struct site_row there = pg_get_site(result, 0, arena), wanted = *row;
    int column = SITE_MEMBERS + 1;

    for (size_t i = 0; i < SITE_MEMBERS; i++) {
        void *at = (char *)&wanted + site_members[i].offset;

        if (member_is_json(&site_members[i]))
            *(struct str *)at = pg_get_json(result, 0, column++, arena);
    }
    return site_row_equal(&there, &wanted);
}

static int put_site(struct pg_store *store, const struct change *change, struct arena *arena,
                    struct err *err)
{
    const struct site_row *row = change->row;
    PGresult *result = NULL;
    int rc = find_site(store, row, &result, err);

    if (rc > 0)
        rc = is_same_site(result, row, arena) ? 0 : conflict("site", row->id, err);
    else if (rc == 0)
        rc = check_removed(store, row, err);
    bool there = result != NULL && PQntuples(result) > 0;

    PQclear(result);
    if (rc != 0 || there)
        return rc;
    rc = make_missing_tenant(store, row, change->now_ms, err);
    return rc == 0 ? add_site(store, row, err) : rc;
}

int pg_put_site(struct store *base, const struct site_row *row, const struct actor *actor,
                struct err *err)
{
    struct change change = {"site.put", row->id, put_site, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* id and tenant_id are what they were: the schema refuses others. */
static const char CHANGE_SITE[] =
    "UPDATE analytics_settings SET (" PG_SITE_COLUMNS ") = ROW ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
    " $10, $11, $12, $13::jsonb, $14::jsonb, $15::jsonb, $16::jsonb, $17::jsonb, $18::jsonb,"
    " $19::jsonb, $20::jsonb, $21::jsonb, $22::jsonb, $23::jsonb, $24::jsonb, $25, $26,"
    " nullif($27, -1), nullif($28, -1), nullif($29, -1)) WHERE site_id = $1";

static int set_site(struct pg_store *store, const struct change *change, struct arena *arena,
                    struct err *err)
{
    const struct site_row *row = change->row;
    struct pg_query query = query_with_site(CHANGE_SITE, row);
    PGresult *result = NULL;
    int rc = find_site(store, row, &result, err);
    bool theirs = rc > 0 && str_eq(pg_get_site(result, 0, arena).tenant, row->tenant);
    bool same = theirs && is_same_site(result, row, arena);

    PQclear(result);
    if (rc < 0)
        return rc;
    if (!theirs)
        return not_found("site", row->id, err);
    return same ? 0 : run_with_site(store, &query, row, err);
}

int pg_set_site(struct store *base, const struct site_row *row, const struct actor *actor,
                struct err *err)
{
    struct change change = {"site.set", row->id, set_site, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* Its tokens go with it, and the schema remembers whose it was. */
static const char REMOVE_SITE[] = "DELETE FROM analytics_settings WHERE site_id = $1";

static int remove_site(struct pg_store *store, const struct change *change, struct arena *arena,
                       struct err *err)
{
    int rc = change_rows(store, REMOVE_SITE, change->target, err);

    (void)arena;
    return rc == 0 ? not_found("site", change->target, err) : rc;
}

int pg_remove_site(struct store *base, struct str id, const struct actor *actor, struct err *err)
{
    struct change change = {"site.remove", id, remove_site, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* -- tokens ------------------------------------------------------------------------------------ */

static const char TOKEN[] = "SELECT " PG_TOKEN_COLUMNS " FROM tokens WHERE id = $1";
static const char ADD_TOKEN[] =
    "INSERT INTO tokens (" PG_TOKEN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
static const char TENANT_OF_SITE[] = "SELECT tenant_id FROM analytics_settings WHERE site_id = $1";

static int site_is_tenants(struct pg_store *store, struct str site, struct str tenant,
                           struct err *err)
{
    PGresult *result = NULL;
    int rc = find(store, TENANT_OF_SITE, site, &result, err);
    bool same = rc > 0 && str_eq(pg_get_str(result, 0, 0), tenant);

    if (rc < 0)
        return rc;
    if (rc > 0)
        PQclear(result);
    return same ? 0 : not_found("site", site, err);
}

static int check_owner(struct pg_store *store, const struct token_row *row, struct err *err)
{
    int rc = row->platform ? 1 : exists(store, TENANT, row->tenant, err);

    if (rc == 0)
        return not_found("tenant", row->tenant, err);
    if (rc > 0 && row->site.len > 0)
        return site_is_tenants(store, row->site, row->tenant, err);
    return rc < 0 ? rc : 0;
}

static int add_token(struct pg_store *store, const struct token_row *row, struct err *err)
{
    struct pg_query query = pg_query(ADD_TOKEN);

    pg_text(&query, row->id);
    pg_optional(&query, row->tenant);
    pg_optional(&query, row->site);
    pg_bool(&query, row->platform);
    pg_i32(&query, (int32_t)row->scopes);
    pg_bytes(&query, row->hash, TOKEN_HASH_BYTES);
    pg_i64(&query, row->created_ms);
    pg_i64(&query, row->expires_ms);
    return added(pg_run(store, &query, NULL, err));
}

static int put_token(struct pg_store *store, const struct change *change, struct arena *arena,
                     struct err *err)
{
    const struct token_row *row = change->row;
    PGresult *result = NULL;
    int rc = find(store, TOKEN, row->id, &result, err);

    if (rc > 0) {
        struct token_row there = pg_get_token(result, 0, arena);

        PQclear(result);
        return token_row_equal(&there, row) ? 0 : conflict("token", row->id, err);
    }
    if (rc == 0)
        rc = check_owner(store, row, err);
    return rc == 0 ? add_token(store, row, err) : rc;
}

int pg_put_token(struct store *base, const struct token_row *row, const struct actor *actor,
                 struct err *err)
{
    struct change change = {"token.put", row->id, put_token, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

static const char REMOVE_TOKEN[] = "DELETE FROM tokens WHERE id = $1";

static int remove_token(struct pg_store *store, const struct change *change, struct arena *arena,
                        struct err *err)
{
    int rc = change_rows(store, REMOVE_TOKEN, change->target, err);

    (void)arena;
    return rc == 0 ? not_found("token", change->target, err) : rc;
}

int pg_remove_token(struct store *base, struct str id, const struct actor *actor, struct err *err)
{
    struct change change = {"token.remove", id, remove_token, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}
