/*
 * store/managed.c -- the verbs of managed rows: tenants, sites, tokens, people, links, what is to
 * be erased, and what is asked beside them.
 *
 * There is one way to change a row, store_edit(); the verbs for a tenant, a site or a token that is
 * to be there just so are edits too.
 */
#include "store/store_backend.h"

#include "base/clock.h"

enum { PAGE_MAX = 10000, EACH_ROWS = 500 };

/* -- rows of any kind ------------------------------------------------------------------------- */

int store_get(struct store *store, enum row_kind kind, struct str id, struct arena *arena,
              void *row, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "get", began, store->ops->get(store, kind, id, arena, row, err));
}

int store_edit(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
               const struct actor *actor, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "edit", began, store->ops->edit(store, kind, id, edit, ctx, actor, err));
}

int store_page(struct store *store, enum row_kind kind, const struct row_filter *filter,
               struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
               struct err *err)
{
    int64_t began = clock_steady_us();

    limit = limit > PAGE_MAX ? PAGE_MAX : limit;
    return observed(store, "page", began,
                    store->ops->page(store, kind, filter, after, limit, arena, rows, count, err));
}

/* A page is forgotten when the next one is read, which begins behind its last id. */
int store_each(struct store *store, enum row_kind kind, const struct row_filter *filter, row_fn *fn,
               void *ctx, struct err *err)
{
    struct arena arena = {0};
    struct buf after = {0};
    size_t count = EACH_ROWS;
    int rc = 0;

    while (rc == 0 && count == EACH_ROWS) {
        void *rows = NULL;

        arena_reset(&arena);
        rc =
            store_page(store, kind, filter, buf_str(&after), EACH_ROWS, &arena, &rows, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            const char *row = (const char *)rows + i * row_size(kind);

            buf_reset(&after);
            buf_add(&after, row_id(row));
            rc = fn(ctx, row, err);
        }
    }
    buf_release(&after);
    arena_free(&arena);
    return rc;
}

int store_count(struct store *store, enum row_kind kind, const struct row_filter *filter,
                int64_t *out, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "count", began, store->ops->count(store, kind, filter, out, err));
}

int store_end_sessions(struct store *store, struct str user, int32_t kind, struct str except,
                       struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "end_sessions", began,
                    store->ops->end_sessions(store, user, kind, except, err));
}

int store_page_audit(struct store *store, struct str tenant, int64_t before, size_t limit,
                     struct arena *arena, struct audit_row **out, size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    limit = limit > PAGE_MAX ? PAGE_MAX : limit;
    return observed(store, "page_audit", began,
                    store->ops->page_audit(store, tenant, before, limit, arena, out, count, err));
}

int store_note(struct store *store, const char *action, struct str target, struct str tenant,
               const struct actor *actor, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "note", began,
                    store->ops->note(store, action, target, tenant, actor, err));
}

int store_usage(struct store *store, struct str tenant, int32_t from, int32_t to,
                struct arena *arena, struct usage_row **out, size_t *count, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "usage", began,
                    store->ops->usage(store, tenant, from, to, arena, out, count, err));
}

int store_site_span(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                    int64_t *last_ms, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "site_span", began,
                    store->ops->site_span(store, tenant, site, first_ms, last_ms, err));
}

int store_payload_session(struct store *store, struct str schema, struct str collection,
                          struct str user, struct str sid, int64_t now_ms, struct err *err)
{
    int64_t began = clock_steady_us();

    return observed(store, "payload_session", began,
                    store->ops->payload_session(store, schema, collection, user, sid, now_ms, err));
}

/* -- the rows of old: each an edit --------------------------------------------------------------
 */

/* A row that is to be there just so. */
struct wanted {
    enum row_kind kind;
    const void *row;
    int answer; /* where it is not there */
};

static int put_once(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct wanted *wanted = ctx;

    (void)arena;
    if (exists && !row_equal(wanted->kind, row, wanted->row))
        return err_set(err, ERR_CONFLICT, "%s %.*s is there already, with other values",
                       row_name(wanted->kind), STR_FMT(row_id(row)));
    if (exists)
        return EDIT_KEEP;
    memcpy(row, wanted->row, row_size(wanted->kind));
    return wanted->answer;
}

static int set_site(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct site_row *wanted = ctx, *there = row;

    (void)arena;
    if (!exists || !str_eq(there->tenant, wanted->tenant))
        return err_no_row(ROW_SITE, wanted->id, err);
    *(struct site_row *)row = *wanted;
    return EDIT_PUT;
}

static int remove_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const enum row_kind *kind = ctx;

    (void)arena;
    return exists ? EDIT_REMOVE : err_no_row(*kind, row_id(row), err);
}

static int edit_as(struct store *store, const char *op, enum row_kind kind, struct str id,
                   edit_fn *edit, void *ctx, const struct actor *actor, struct err *err)
{
    int64_t began = clock_steady_us();
    int rc = store->ops->edit(store, kind, id, edit, ctx, actor, err);

    return observed(store, op, began, rc);
}

static int put_row(struct store *store, const char *op, struct wanted *wanted,
                   const struct actor *actor, struct err *err)
{
    int rc = row_check(wanted->kind, wanted->row, err);

    if (rc == 0)
        rc = edit_as(store, op, wanted->kind, row_id(wanted->row), put_once, wanted, actor, err);
    return rc < 0 ? rc : 0;
}

int store_put_tenant(struct store *store, const struct tenant_row *row, const struct actor *actor,
                     struct err *err)
{
    struct wanted wanted = {ROW_TENANT, row, EDIT_PUT};

    return put_row(store, "put_tenant", &wanted, actor, err);
}

int store_put_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err)
{
    struct wanted wanted = {ROW_SITE, row, EDIT_PUT_WITH_TENANT};

    return put_row(store, "put_site", &wanted, actor, err);
}

int store_put_token(struct store *store, const struct token_row *row, const struct actor *actor,
                    struct err *err)
{
    struct wanted wanted = {ROW_TOKEN, row, EDIT_PUT};

    return put_row(store, "put_token", &wanted, actor, err);
}

int store_set_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err)
{
    struct site_row wanted = *row;
    int rc = row_check(ROW_SITE, row, err);

    if (rc == 0)
        rc = edit_as(store, "set_site", ROW_SITE, row->id, set_site, &wanted, actor, err);
    return rc < 0 ? rc : 0;
}

static int remove_kind(struct store *store, const char *op, enum row_kind kind, struct str id,
                       const struct actor *actor, struct err *err)
{
    int rc = edit_as(store, op, kind, id, remove_row, &kind, actor, err);

    return rc < 0 ? rc : 0;
}

int store_remove_tenant(struct store *store, struct str id, const struct actor *actor,
                        struct err *err)
{
    return remove_kind(store, "remove_tenant", ROW_TENANT, id, actor, err);
}

int store_remove_site(struct store *store, struct str id, const struct actor *actor,
                      struct err *err)
{
    return remove_kind(store, "remove_site", ROW_SITE, id, actor, err);
}

int store_remove_token(struct store *store, struct str id, const struct actor *actor,
                       struct err *err)
{
    return remove_kind(store, "remove_token", ROW_TOKEN, id, actor, err);
}
