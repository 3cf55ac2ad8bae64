/*
 * store/postgres_edit.c -- a change of one managed row, with its line in the audit log.
 *
 * What the directory holds is changed by one after the other: each transaction begins by locking
 * the directory's counter, which triggers of the schema raise with each change. So what an edit has
 * looked at (how many sites a tenant has) stays until it is done, whoever else writes to these
 * tables: other programs' changes take the same counter before they can commit.
 *
 * Other programs take it last, we first: each could wait for the other. So while it is held nothing
 * is waited for longer than PATIENCE_MS, a tenth of what the server waits before it looks for a
 * deadlock and ends one of the two; then everything is let go and begun again.
 *
 * People and sessions are not in the directory: their own row is locked alone. Where there is none
 * yet, the key decides between two who make it at once, and the second begins again with what the
 * first has made. An edit that takes somebody's being an admin away may have looked whether there
 * is another: it begins again as one of the directory's.
 *
 * An edit that changes nothing is rolled back, which spares the server the write of its locks.
 */
#include "store/postgres_internal.h"

#include "base/clock.h"

enum {
    PATIENCE_MS = 100,
    TRIES_MS = PG_LOCK_MS, /* no new try after that */
    UNCHANGED = 1,         /* what a try can come to besides 0 and errors */
    AGAIN = 2,
};

struct edit {
    struct pg_store *store;
    enum row_kind kind;
    struct str id;
    edit_fn *fn;
    void *ctx;
    const struct actor *actor;
    struct arena arena; /* of one try */
    bool shared;        /* in the directory */
    bool exists;
    void *row, *before;
};

/* -- the locks --------------------------------------------------------------------------------- */

#define LOCK_DIRECTORY "SELECT 1 FROM counters WHERE name = 'directory' FOR UPDATE"
#define WITH_PATIENCE "; SET LOCAL lock_timeout = 100"
_Static_assert(PATIENCE_MS == 100, "as the statement has it");

static int begin(const struct edit *edit, struct err *err)
{
    struct pg_store *store = edit->store;
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_begin_with(store, PG_READ_MS, PG_LOCK_MS, err);
    if (rc != 0 || !edit->shared)
        return rc;
    rc = pg_exec(store, LOCK_DIRECTORY WITH_PATIENCE, err);
    return rc == 0 ? 0 : pg_end(store, rc, err);
}

/* A lock that was not to be had, while the connection goes on. */
static int busy(const struct edit *edit, int rc)
{
    return rc == ERR_UNAVAILABLE && edit->shared && edit->store->conn != NULL ? AGAIN : rc;
}

static int look(struct edit *edit, struct err *err)
{
    struct pg_query query = pg_query(pg_row_sql(edit->store, edit->kind, PG_ROW_LOCK));
    PGresult *result = NULL;

    pg_text(&query, edit->id);
    int rc = pg_run(edit->store, &query, &result, err);

    if (rc != 0)
        return busy(edit, rc);
    edit->row = arena_alloc(&edit->arena, 1, row_size(edit->kind));
    edit->before = arena_alloc(&edit->arena, 1, row_size(edit->kind));
    edit->exists = PQntuples(result) > 0;
    if (edit->exists)
        pg_get_row(result, 0, edit->kind, &edit->arena, edit->row);
    else
        row_default(edit->kind, edit->id, edit->row);
    PQclear(result);
    return 0;
}

/* -- whom it belongs to ------------------------------------------------------------------------ */

static const char TENANT_IS[] = "SELECT id FROM tenants WHERE id = $1";
static const char USER_IS[] = "SELECT id FROM users WHERE id = $1";
static const char TENANT_OF_SITE[] = "SELECT tenant_id FROM analytics_settings WHERE site_id = $1";
static const char TENANT_OF_REMOVED[] = "SELECT tenant_id FROM removed_sites WHERE site_id = $1";
static const char SITE_OF_TENANT[] =
    "SELECT site_id FROM analytics_settings WHERE tenant_id = $1 LIMIT 1";

/* 1 and the text that the query about one id finds, or 0: there is none. */
static int find(struct edit *edit, const char *sql, struct str id, struct str *out, struct err *err)
{
    struct pg_query query = pg_query(sql);
    PGresult *result = NULL;

    pg_text(&query, id);
    int rc = pg_run(edit->store, &query, &result, err);

    if (rc != 0)
        return rc;
    rc = PQntuples(result) > 0 ? 1 : 0;
    *out = rc > 0 ? arena_str(&edit->arena, pg_get_str(result, 0, 0)) : STR("");
    PQclear(result);
    return rc;
}

static int add_tenant(struct edit *edit, struct str id, struct err *err)
{
    struct pg_query query = pg_query(pg_row_sql(edit->store, ROW_TENANT, PG_ROW_ADD));
    struct tenant_row tenant = tenant_row_named(id, edit->actor->now_ms);

    pg_bind_row(&query, ROW_TENANT, &tenant);
    return pg_run(edit->store, &query, NULL, err);
}

/* The schema refuses another's id too; here it is said why. */
static int check_id_is_free(struct edit *edit, struct str tenant, struct err *err)
{
    struct str whose;
    int rc = find(edit, TENANT_OF_REMOVED, edit->id, &whose, err);

    if (rc > 0)
        rc = str_eq(whose, tenant) ? 0 : err_was_anothers(edit->id, err);
    return rc;
}

static int check_tenant(struct edit *edit, struct str tenant, bool make, struct err *err)
{
    struct str found;
    int rc = find(edit, TENANT_IS, tenant, &found, err);

    if (rc == 0)
        rc = make ? add_tenant(edit, tenant, err) : err_no_row(ROW_TENANT, tenant, err);
    return rc < 0 ? rc : 0;
}

static int check_site(struct edit *edit, struct str site, struct str tenant, struct err *err)
{
    struct str whose;
    int rc = find(edit, TENANT_OF_SITE, site, &whose, err);

    if (rc < 0)
        return rc;
    return rc > 0 && str_eq(whose, tenant) ? 0 : err_no_row(ROW_SITE, site, err);
}

static int check_user(struct edit *edit, struct str user, struct err *err)
{
    struct str found;
    int rc = find(edit, USER_IS, user, &found, err);

    return rc < 0 ? rc : rc > 0 ? 0 : err_no_row(ROW_USER, user, err);
}

/* What a new row refers to is there, or is made. */
static int check_references(struct edit *edit, bool make, struct err *err)
{
    const struct row_type *type = &row_types[edit->kind];
    struct str tenant = row_text_of(type->tenant, edit->row);
    struct str site = row_text_of(type->site, edit->row);
    struct str user = row_text_of(type->user, edit->row);
    int rc = 0;

    if (edit->kind == ROW_SITE)
        rc = check_id_is_free(edit, tenant, err);
    if (rc == 0 && edit->kind != ROW_TENANT && tenant.len > 0)
        rc = check_tenant(edit, tenant, make, err);
    if (rc == 0 && edit->kind != ROW_SITE && site.len > 0)
        rc = check_site(edit, site, tenant, err);
    return rc == 0 && user.len > 0 ? check_user(edit, user, err) : rc;
}

/* -- the change -------------------------------------------------------------------------------- */

/* Of what was there before: an edit that removes a row leaves it as it likes. */
static int add_audit_line(struct edit *edit, int answer, struct err *err)
{
    const struct row_type *type = &row_types[edit->kind];
    const void *row = edit->exists ? edit->before : edit->row;
    struct row_action action = row_action(edit->kind, edit->exists, answer);

    if (!type->audited)
        return 0;
    return pg_add_audit(edit->store, str_from(action.text), edit->id,
                        row_text_of(type->tenant, row), edit->actor, err);
}

/* The last statement before COMMIT, since it takes the counter. None changed: the id was made by
 * somebody else, or removed, since the look. */
static int write_row(struct edit *edit, int answer, struct err *err)
{
    unsigned statement = answer == EDIT_REMOVE ? PG_ROW_REMOVE
                         : edit->exists        ? PG_ROW_PUT
                                               : PG_ROW_ADD;
    struct pg_query query = pg_query(pg_row_sql(edit->store, edit->kind, statement));
    PGresult *result = NULL;

    if (answer == EDIT_REMOVE)
        pg_text(&query, edit->id);
    else
        pg_bind_row(&query, edit->kind, edit->row);
    int rc = pg_run(edit->store, &query, &result, err);

    if (rc == 0 && strcmp(PQcmdTuples(result), "0") == 0)
        rc = AGAIN;
    PQclear(result);
    return rc == ERR_CONFLICT ? err_taken(edit->kind, edit->id, err) : rc;
}

static bool takes_an_admin(const struct edit *edit, int answer)
{
    const struct user_row *before = edit->before, *row = edit->row;

    return edit->kind == ROW_USER && edit->exists && before->admin &&
           (answer == EDIT_REMOVE || (answer != EDIT_KEEP && !row->admin));
}

static int check_no_sites(struct edit *edit, struct err *err)
{
    struct str site;
    int rc = find(edit, SITE_OF_TENANT, edit->id, &site, err);

    return rc > 0 ? err_has_sites(edit->id, err) : rc;
}

static int apply(struct edit *edit, int answer, struct err *err)
{
    int rc = 0;

    if (answer == EDIT_REMOVE && edit->kind == ROW_TENANT)
        rc = check_no_sites(edit, err);
    if (answer != EDIT_REMOVE && !edit->exists)
        rc = check_references(edit, answer == EDIT_PUT_WITH_TENANT, err);
    if (rc == 0)
        rc = add_audit_line(edit, answer, err);
    if (rc == 0)
        rc = write_row(edit, answer, err);
    return busy(edit, rc);
}

static int try_once(struct edit *edit, struct err *err)
{
    int answer = EDIT_KEEP, rc = begin(edit, err);

    if (rc != 0)
        return rc;
    rc = look(edit, err);
    if (rc == 0) {
        answer = row_edit(edit->kind, edit->exists, edit->row, edit->before, edit->fn, edit->ctx,
                          edit->actor, &edit->arena, err);
        if (answer > 0 && !edit->shared && takes_an_admin(edit, answer)) {
            edit->shared = true;
            rc = AGAIN;
        } else {
            rc = answer < 0 ? answer : answer == EDIT_KEEP ? UNCHANGED : apply(edit, answer, err);
        }
    }
    return pg_end(edit->store, rc, err);
}

int pg_edit(struct store *base, enum row_kind kind, struct str id, edit_fn *fn, void *ctx,
            const struct actor *actor, struct err *err)
{
    struct edit edit = {.store = pg_of(base), .kind = kind, .id = id, .fn = fn, .ctx = ctx};
    int64_t end_us = clock_steady_us() + TRIES_MS * INT64_C(1000);
    int rc;

    edit.actor = actor;
    edit.shared = kind != ROW_USER && kind != ROW_SESSION;
    do {
        arena_reset(&edit.arena);
        rc = try_once(&edit, err);
    } while (rc == AGAIN && clock_steady_us() < end_us);
    arena_free(&edit.arena);
    if (rc == AGAIN)
        return err_set(err, ERR_UNAVAILABLE, "database: the row is being changed");
    return rc < 0 ? rc : rc == UNCHANGED ? 0 : 1;
}
