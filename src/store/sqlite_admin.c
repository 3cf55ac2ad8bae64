/*
 * store/sqlite_admin.c -- changes of tenants, sites and tokens.
 *
 * Each is one transaction with its line in the audit log; triggers of the schema raise the counter
 * that the directory looks at. While it waits for the write lock it holds writers.lock, so that the
 * job makes room.
 */
#include "store/sqlite_internal.h"

/* What is to be done. apply() returns 1 if it changed something, 0 if that was there already, or an
 * error. */
struct change {
    const char *action;
    struct str target;
    int (*apply)(struct sqlite_store *store, const struct change *change, struct arena *arena,
                 struct err *err);
    const void *row;
    int64_t now_ms;
};

static const char ADD_AUDIT_LINE[] =
    "INSERT INTO audit_log (at_ms, actor, action, target) VALUES (?, ?, ?, ?)";

static int add_audit_line(struct sqlite_store *store, const struct change *change,
                          const struct actor *actor, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_AUDIT_LINE, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, actor->now_ms);
    bind_str(&query, actor->name);
    bind_str(&query, str_from(change->action));
    bind_str(&query, change->target);
    return sqlite_done(store, &query, err);
}

static int make_change(struct store *base, const struct change *change, const struct actor *actor,
                       struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct arena arena = {0};

    writers_enter(base);
    int rc = sqlite_write_begin(store, err);

    if (rc == 0) {
        rc = change->apply(store, change, &arena, err);
        if (rc > 0)
            rc = add_audit_line(store, change, actor, err);
        rc = sqlite_write_end(store, rc, err);
    }
    writers_leave(base);
    arena_free(&arena);
    return rc;
}

/* 1 if the query about one id has a row (which stays current until sqlite_end()). */
static int find(struct sqlite_store *store, const char *sql, struct str id, struct query *query,
                struct err *err)
{
    int rc = sqlite_query(store, sql, query, err);

    if (rc != 0)
        return rc;
    bind_str(query, id);
    return sqlite_row(store, query, err);
}

static int exists(struct sqlite_store *store, const char *sql, struct str id, struct err *err)
{
    struct query query;
    int rc = find(store, sql, id, &query, err);

    if (rc > 0)
        sqlite_end(&query);
    return rc;
}

/* A statement with one id: how many rows it changed, or an error. */
static int change_rows(struct sqlite_store *store, const char *sql, struct str id, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, id);
    rc = sqlite_done(store, &query, err);
    return rc == 0 ? sqlite3_changes(store->db) : rc;
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

static const char TENANT[] = "SELECT id, name, active FROM tenants WHERE id = ?";
static const char ADD_TENANT[] =
    "INSERT INTO tenants (id, name, active, created_ms) VALUES (?, ?, ?, ?)";

static int add_tenant(struct sqlite_store *store, const struct tenant_row *row, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_TENANT, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, row->id);
    bind_str(&query, row->name);
    bind_i64(&query, row->active);
    bind_i64(&query, row->created_ms);
    rc = sqlite_done(store, &query, err);
    return rc == 0 ? 1 : rc;
}

static int put_tenant(struct sqlite_store *store, const struct change *change, struct arena *arena,
                      struct err *err)
{
    const struct tenant_row *row = change->row;
    struct tenant_row there;
    struct query query;
    int rc = find(store, TENANT, row->id, &query, err);

    (void)arena;
    if (rc <= 0)
        return rc < 0 ? rc : add_tenant(store, row, err);
    there.id = column_str(&query);
    there.name = column_str(&query);
    there.active = column_i64(&query) != 0;
    rc = tenant_row_equal(&there, row) ? 0 : conflict("tenant", row->id, err);
    sqlite_end(&query);
    return rc;
}

int sqlite_put_tenant(struct store *base, const struct tenant_row *row, const struct actor *actor,
                      struct err *err)
{
    struct change change = {"tenant.put", row->id, put_tenant, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

static const char SITE_OF_TENANT[] = "SELECT 1 FROM analytics_settings WHERE tenant_id = ? LIMIT 1";
static const char REMOVE_TENANTS_TOKENS[] = "DELETE FROM tokens WHERE tenant_id = ?";
static const char REMOVE_TENANT[] = "DELETE FROM tenants WHERE id = ?";

static int remove_tenant(struct sqlite_store *store, const struct change *change,
                         struct arena *arena, struct err *err)
{
    int rc = exists(store, SITE_OF_TENANT, change->target, err);

    (void)arena;
    if (rc != 0)
        return rc < 0
                   ? rc
                   : err_set(err, ERR_CONFLICT, "tenant %.*s has sites", STR_FMT(change->target));
    rc = change_rows(store, REMOVE_TENANTS_TOKENS, change->target, err);
    if (rc >= 0)
        rc = change_rows(store, REMOVE_TENANT, change->target, err);
    return rc == 0 ? not_found("tenant", change->target, err) : rc;
}

int sqlite_remove_tenant(struct store *base, struct str id, const struct actor *actor,
                         struct err *err)
{
    struct change change = {"tenant.remove", id, remove_tenant, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* -- sites ------------------------------------------------------------------------------------- */

static const char SITE[] =
    "SELECT " SITE_COLUMNS ", created_ms FROM analytics_settings WHERE site_id = ?";
static const char ADD_SITE[] = "INSERT INTO analytics_settings (" SITE_COLUMNS ", created_ms)"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                               "?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                               " ?)";

static void bind_member(struct query *query, const struct site_member *member,
                        const struct site_row *row)
{
    const void *at = (const char *)row + member->offset;

    switch (member->type) {
    case MEMBER_ID:
    case MEMBER_TEXT:
        bind_str(query, *(const struct str *)at);
        break;
    case MEMBER_LIST:
    case MEMBER_JSON:
        bind_optional(query, *(const struct str *)at);
        break;
    case MEMBER_BOOL:
        bind_i64(query, *(const bool *)at);
        break;
    case MEMBER_INT32:
        bind_i64(query, *(const int32_t *)at);
        break;
    case MEMBER_DAYS:
        if (*(const int32_t *)at < 0)
            bind_null(query);
        else
            bind_i64(query, *(const int32_t *)at);
        break;
    case MEMBER_INT64:
        bind_i64(query, *(const int64_t *)at);
        break;
    }
}

static int names_taken(struct str id, struct err *err)
{
    return err_set(err, ERR_CONFLICT,
                   "site %.*s: its id or one of its trackingIds is taken, or named twice",
                   STR_FMT(id));
}

static int add_site(struct sqlite_store *store, const struct site_row *row, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_SITE, &query, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < SITE_MEMBERS; i++)
        bind_member(&query, &site_members[i], row);
    bind_i64(&query, row->created_ms);
    rc = sqlite_done(store, &query, err);
    if (rc == ERR_CONFLICT)
        return names_taken(row->id, err);
    return rc == 0 ? 1 : rc;
}

static const char TENANT_OF_REMOVED[] = "SELECT tenant_id FROM removed_sites WHERE site_id = ?";
static const char FORGET_REMOVED[] = "DELETE FROM removed_sites WHERE site_id = ?";

/* The numbers of a removed site are still there: nobody else may read them under its id. */
static int take_back_id(struct sqlite_store *store, const struct site_row *row, struct err *err)
{
    struct query query;
    int rc = find(store, TENANT_OF_REMOVED, row->id, &query, err);

    if (rc <= 0)
        return rc;
    bool same = str_eq(column_str(&query), row->tenant);

    sqlite_end(&query);
    if (!same)
        return err_set(err, ERR_CONFLICT,
                       "site %.*s was another tenant's, and its numbers are still kept",
                       STR_FMT(row->id));
    rc = change_rows(store, FORGET_REMOVED, row->id, err);
    return rc < 0 ? rc : 0;
}

static int make_missing_tenant(struct sqlite_store *store, const struct site_row *row,
                               int64_t now_ms, struct err *err)
{
    int rc = exists(store, TENANT, row->tenant, err);

    if (rc == 0)
        rc = add_tenant(store, &(struct tenant_row){row->tenant, row->tenant, true, now_ms}, err);
    return rc < 0 ? rc : 0;
}

static int put_site(struct sqlite_store *store, const struct change *change, struct arena *arena,
                    struct err *err)
{
    const struct site_row *row = change->row;
    struct site_row there = {0};
    struct query query;
    int rc = find(store, SITE, row->id, &query, err);

    if (rc > 0) {
        sqlite_site_columns(&query, arena, &there);
        sqlite_end(&query);
        return site_row_equal(&there, row) ? 0 : conflict("site", row->id, err);
    }
    if (rc == 0)
        rc = take_back_id(store, row, err);
    if (rc == 0)
        rc = make_missing_tenant(store, row, change->now_ms, err);
    return rc == 0 ? add_site(store, row, err) : rc;
}

int sqlite_put_site(struct store *base, const struct site_row *row, const struct actor *actor,
                    struct err *err)
{
    struct change change = {"site.put", row->id, put_site, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* SITE_COLUMNS behind the id and the tenant. */
static const char CHANGE_SITE[] =
    "UPDATE analytics_settings SET (" SITE_COLUMNS ") = (?1, ?2, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE site_id = ?1 AND tenant_id = ?2";

static int change_site(struct sqlite_store *store, const struct site_row *row, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, CHANGE_SITE, &query, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < SITE_MEMBERS; i++)
        bind_member(&query, &site_members[i], row);
    rc = sqlite_done(store, &query, err);
    if (rc == ERR_CONFLICT)
        return names_taken(row->id, err);
    return rc == 0 ? 1 : rc;
}

static int set_site(struct sqlite_store *store, const struct change *change, struct arena *arena,
                    struct err *err)
{
    const struct site_row *row = change->row;
    struct site_row there = {0};
    struct query query;
    int rc = find(store, SITE, row->id, &query, err);

    if (rc < 0)
        return rc;
    if (rc > 0)
        sqlite_site_columns(&query, arena, &there);
    sqlite_end(&query);
    if (rc == 0 || !str_eq(there.tenant, row->tenant))
        return not_found("site", row->id, err);
    return site_row_equal(&there, row) ? 0 : change_site(store, row, err);
}

int sqlite_set_site(struct store *base, const struct site_row *row, const struct actor *actor,
                    struct err *err)
{
    struct change change = {"site.set", row->id, set_site, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

static const char REMEMBER_REMOVED[] =
    "INSERT INTO removed_sites (site_id, tenant_id)"
    " SELECT site_id, tenant_id FROM analytics_settings WHERE site_id = ?";
static const char REMOVE_SITES_TOKENS[] = "DELETE FROM tokens WHERE site_id = ?";
static const char REMOVE_SITE[] = "DELETE FROM analytics_settings WHERE site_id = ?";

static int remove_site(struct sqlite_store *store, const struct change *change, struct arena *arena,
                       struct err *err)
{
    int rc = change_rows(store, REMEMBER_REMOVED, change->target, err);

    (void)arena;
    if (rc == 0)
        return not_found("site", change->target, err);
    if (rc > 0)
        rc = change_rows(store, REMOVE_SITES_TOKENS, change->target, err);
    return rc >= 0 ? change_rows(store, REMOVE_SITE, change->target, err) : rc;
}

int sqlite_remove_site(struct store *base, struct str id, const struct actor *actor,
                       struct err *err)
{
    struct change change = {"site.remove", id, remove_site, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}

/* -- tokens ------------------------------------------------------------------------------------ */

static const char TOKEN[] = "SELECT " TOKEN_COLUMNS " FROM tokens WHERE id = ?";
static const char ADD_TOKEN[] =
    "INSERT INTO tokens (" TOKEN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
static const char TENANT_OF_SITE[] = "SELECT tenant_id FROM analytics_settings WHERE site_id = ?";

static int site_is_tenants(struct sqlite_store *store, struct str site, struct str tenant,
                           struct err *err)
{
    struct query query;
    int rc = find(store, TENANT_OF_SITE, site, &query, err);
    bool same = rc > 0 && str_eq(column_str(&query), tenant);

    if (rc < 0)
        return rc;
    sqlite_end(&query);
    return same ? 0 : not_found("site", site, err);
}

static int check_owner(struct sqlite_store *store, const struct token_row *row, struct err *err)
{
    int rc = row->platform ? 1 : exists(store, TENANT, row->tenant, err);

    if (rc == 0)
        return not_found("tenant", row->tenant, err);
    return rc > 0 && row->site.len > 0 ? site_is_tenants(store, row->site, row->tenant, err)
                                       : (rc < 0 ? rc : 0);
}

static int add_token(struct sqlite_store *store, const struct token_row *row, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_TOKEN, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, row->id);
    bind_optional(&query, row->tenant);
    bind_optional(&query, row->site);
    bind_i64(&query, row->platform);
    bind_i64(&query, row->scopes);
    bind_bytes(&query, row->hash, TOKEN_HASH_BYTES);
    bind_i64(&query, row->created_ms);
    bind_i64(&query, row->expires_ms);
    rc = sqlite_done(store, &query, err);
    return rc == 0 ? 1 : rc;
}

static int put_token(struct sqlite_store *store, const struct change *change, struct arena *arena,
                     struct err *err)
{
    const struct token_row *row = change->row;
    struct token_row there = {0};
    struct query query;
    int rc = find(store, TOKEN, row->id, &query, err);

    if (rc > 0) {
        sqlite_token_columns(&query, arena, &there);
        sqlite_end(&query);
        return token_row_equal(&there, row) ? 0 : conflict("token", row->id, err);
    }
    if (rc == 0)
        rc = check_owner(store, row, err);
    return rc == 0 ? add_token(store, row, err) : rc;
}

int sqlite_put_token(struct store *base, const struct token_row *row, const struct actor *actor,
                     struct err *err)
{
    struct change change = {"token.put", row->id, put_token, row, actor->now_ms};

    return make_change(base, &change, actor, err);
}

static const char REMOVE_TOKEN[] = "DELETE FROM tokens WHERE id = ?";

static int remove_token(struct sqlite_store *store, const struct change *change,
                        struct arena *arena, struct err *err)
{
    int rc = change_rows(store, REMOVE_TOKEN, change->target, err);

    (void)arena;
    return rc == 0 ? not_found("token", change->target, err) : rc;
}

int sqlite_remove_token(struct store *base, struct str id, const struct actor *actor,
                        struct err *err)
{
    struct change change = {"token.remove", id, remove_token, NULL, actor->now_ms};

    return make_change(base, &change, actor, err);
}
