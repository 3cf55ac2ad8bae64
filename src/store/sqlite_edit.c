/*
 * store/sqlite_edit.c -- changes of managed rows.
 *
 * Each is one transaction with its line in the audit log; triggers of the schema raise the counter
 * that the directory looks at. While it waits for the write lock it holds writers.lock, so that the
 * job makes room.
 */
#include "store/sqlite_internal.h"

/* A change under way, with room for the row as it was. */
struct change {
    struct sqlite_store *store;
    enum row_kind kind;
    struct str id;
    edit_fn *edit;
    void *ctx;
    const struct actor *actor;
    struct arena arena;
    bool exists;
    void *row, *before;
};

static int run_with(struct sqlite_store *store, const char *sql, struct str id, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, id);
    return sqlite_done(store, &query, err);
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

/* -- the audit log ----------------------------------------------------------------------------- */

static const char ADD_AUDIT_LINE[] =
    "INSERT INTO audit_log (at_ms, actor, action, target, tenant_id) VALUES (?, ?, ?, ?, ?)";

static int add_audit_line(struct sqlite_store *store, const char *action, struct str target,
                          struct str tenant, const struct actor *actor, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_AUDIT_LINE, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, actor->now_ms);
    bind_str(&query, actor->name);
    bind_str(&query, str_from(action));
    bind_str(&query, target);
    bind_str(&query, tenant);
    return sqlite_done(store, &query, err);
}

/* Of what was there before: an edit that removes a row leaves it as it likes. */
static int note_change(const struct change *change, int answer, struct err *err)
{
    const struct row_type *type = &row_types[change->kind];
    const void *row = change->exists ? change->before : change->row;
    const struct row_action action = row_action(change->kind, change->exists, answer);

    return type->audited ? add_audit_line(change->store, action.text, change->id,
                                          row_text_of(type->tenant, row), change->actor, err)
                         : 0;
}

/* -- what a new row refers to ------------------------------------------------------------------ */

static const char TENANT[] = "SELECT 1 FROM tenants WHERE id = ?";
static const char USER[] = "SELECT 1 FROM users WHERE id = ?";
static const char TENANT_OF_SITE[] = "SELECT tenant_id FROM analytics_settings WHERE site_id = ?";

static int check_there(struct sqlite_store *store, const char *sql, enum row_kind kind,
                       struct str id, struct err *err)
{
    int rc = id.len > 0 ? exists(store, sql, id, err) : 1;

    return rc == 0 ? err_no_row(kind, id, err) : rc < 0 ? rc : 0;
}

static int check_site(struct sqlite_store *store, struct str site, struct str tenant,
                      struct err *err)
{
    struct query query;
    int rc = site.len > 0 ? find(store, TENANT_OF_SITE, site, &query, err) : 0;

    if (rc < 0 || site.len == 0)
        return rc;
    bool same = rc > 0 && str_eq(column_str(&query), tenant);

    sqlite_end(&query);
    return same ? 0 : err_no_row(ROW_SITE, site, err);
}

static int check_references(const struct change *change, struct err *err)
{
    const struct row_type *type = &row_types[change->kind];
    struct str tenant = row_text_of(type->tenant, change->row);
    int rc = change->kind == ROW_TENANT
                 ? 0
                 : check_there(change->store, TENANT, ROW_TENANT, tenant, err);

    if (rc == 0 && change->kind != ROW_SITE)
        rc = check_site(change->store, row_text_of(type->site, change->row), tenant, err);
    if (rc == 0)
        rc = check_there(change->store, USER, ROW_USER, row_text_of(type->user, change->row), err);
    return rc;
}

static const char TENANT_OF_REMOVED[] = "SELECT tenant_id FROM removed_sites WHERE site_id = ?";
static const char FORGET_REMOVED[] = "DELETE FROM removed_sites WHERE site_id = ?";

/* The numbers of a removed site are still there: nobody else may read them under its id. */
static int take_back_id(const struct change *change, struct err *err)
{
    const struct site_row *row = change->row;
    struct query query;
    int rc = find(change->store, TENANT_OF_REMOVED, row->id, &query, err);

    if (rc <= 0)
        return rc;
    bool same = str_eq(column_str(&query), row->tenant);

    sqlite_end(&query);
    return same ? run_with(change->store, FORGET_REMOVED, row->id, err)
                : err_was_anothers(row->id, err);
}

/* -- putting ----------------------------------------------------------------------------------- */

static int write_row(struct sqlite_store *store, const char *sql, enum row_kind kind,
                     const void *row, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    sqlite_bind_row(&query, kind, row);
    rc = sqlite_done(store, &query, err);
    return rc == ERR_CONFLICT ? err_taken(kind, row_id(row), err) : rc;
}

static int make_missing_tenant(const struct change *change, struct err *err)
{
    const struct site_row *site = change->row;
    const struct tenant_row row = tenant_row_named(site->tenant, change->actor->now_ms);
    int rc = exists(change->store, TENANT, row.id, err);

    return rc == 0
               ? write_row(change->store, sqlite_statements[ROW_TENANT].add, ROW_TENANT, &row, err)
           : rc < 0 ? rc
                    : 0;
}

static int put_row(const struct change *change, int answer, struct err *err)
{
    const struct sqlite_statements *statements = &sqlite_statements[change->kind];
    int rc = 0;

    if (change->exists)
        return write_row(change->store, statements->set, change->kind, change->row, err);
    if (change->kind == ROW_SITE)
        rc = take_back_id(change, err);
    if (rc == 0 && answer == EDIT_PUT_WITH_TENANT)
        rc = make_missing_tenant(change, err);
    if (rc == 0)
        rc = check_references(change, err);
    return rc == 0 ? write_row(change->store, statements->add, change->kind, change->row, err) : rc;
}

/* -- removing ---------------------------------------------------------------------------------- */

static const char SITE_OF_TENANT[] = "SELECT 1 FROM analytics_settings WHERE tenant_id = ? LIMIT 1";
static const char REMOVE_TENANTS_TOKENS[] = "DELETE FROM tokens WHERE tenant_id = ?";
static const char REMEMBER_REMOVED[] =
    "INSERT INTO removed_sites (site_id, tenant_id)"
    " SELECT site_id, tenant_id FROM analytics_settings WHERE site_id = ?";
static const char REMOVE_SITES_TOKENS[] = "DELETE FROM tokens WHERE site_id = ?";

/* What goes before it; links, sessions and memberships go with it (the schema). */
static int prepare_removal(const struct change *change, struct err *err)
{
    struct sqlite_store *store = change->store;
    int rc = 0;

    if (change->kind == ROW_TENANT) {
        rc = exists(store, SITE_OF_TENANT, change->id, err);
        if (rc != 0)
            return rc < 0 ? rc : err_has_sites(change->id, err);
        rc = run_with(store, REMOVE_TENANTS_TOKENS, change->id, err);
    } else if (change->kind == ROW_SITE) {
        rc = run_with(store, REMEMBER_REMOVED, change->id, err);
        if (rc == 0)
            rc = run_with(store, REMOVE_SITES_TOKENS, change->id, err);
    }
    return rc;
}

static int remove_row(const struct change *change, struct err *err)
{
    int rc = prepare_removal(change, err);

    return rc == 0
               ? run_with(change->store, sqlite_statements[change->kind].remove, change->id, err)
               : rc;
}

/* -- the transaction --------------------------------------------------------------------------- */

/* 1 if something changed. */
static int apply(struct change *change, struct err *err)
{
    size_t size = row_size(change->kind);

    change->row = arena_alloc(&change->arena, 1, size);
    change->before = arena_alloc(&change->arena, 1, size);
    int rc = sqlite_get(&change->store->base, change->kind, change->id, &change->arena, change->row,
                        err);

    if (rc < 0)
        return rc;
    change->exists = rc > 0;
    int answer = row_edit(change->kind, change->exists, change->row, change->before, change->edit,
                          change->ctx, change->actor, &change->arena, err);

    if (answer <= 0)
        return answer;
    rc = answer == EDIT_REMOVE ? remove_row(change, err) : put_row(change, answer, err);
    if (rc == 0)
        rc = note_change(change, answer, err);
    return rc == 0 ? 1 : rc;
}

/* Where nothing changed there is nothing to commit, and no other handle has to look. */
static int end(struct sqlite_store *store, int rc, struct err *err)
{
    if (rc == 0) {
        (void)sqlite_write_end(store, ERR_CONFLICT, NULL);
        return 0;
    }
    rc = sqlite_write_end(store, rc > 0 ? 0 : rc, err);
    return rc == 0 ? 1 : rc;
}

int sqlite_edit(struct store *base, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
                const struct actor *actor, struct err *err)
{
    struct change change = {
        .store = sqlite_of(base), .kind = kind, .id = id, .edit = edit, .ctx = ctx, .actor = actor};

    writers_enter(base);
    int rc = sqlite_write_begin(change.store, err);

    if (rc == 0)
        rc = end(change.store, apply(&change, err), err);
    writers_leave(base);
    arena_free(&change.arena);
    return rc;
}

/* -- without an edit --------------------------------------------------------------------------- */

int sqlite_note(struct store *base, const char *action, struct str target, struct str tenant,
                const struct actor *actor, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);

    writers_enter(base);
    int rc = sqlite_write_begin(store, err);

    if (rc == 0)
        rc =
            sqlite_write_end(store, add_audit_line(store, action, target, tenant, actor, err), err);
    writers_leave(base);
    return rc;
}

static const char END_SESSIONS[] =
    "DELETE FROM sessions WHERE user_id IS ?1 AND (?2 = -1 OR kind = ?2) AND id <> ?3";

static int remove_sessions(struct sqlite_store *store, struct str user, int32_t kind,
                           struct str except, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, END_SESSIONS, &query, err);

    if (rc != 0)
        return rc;
    bind_optional(&query, user);
    bind_i64(&query, kind);
    bind_str(&query, except);
    return sqlite_done(store, &query, err);
}

int sqlite_end_sessions(struct store *base, struct str user, int32_t kind, struct str except,
                        struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);

    writers_enter(base);
    int rc = sqlite_write_begin(store, err);

    if (rc == 0)
        rc = sqlite_write_end(store, remove_sessions(store, user, kind, except, err), err);
    writers_leave(base);
    return rc;
}
