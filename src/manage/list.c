/*
 * manage/list.c -- pages of rows, by id.
 *
 * What a caller reaches is one or several filters of the store; each gives its next rows, and the
 * first of all of them, in the order of their ids, are the page. The cursor is the last id, so that
 * rows that come and go meanwhile move no others.
 */
#include "manage/manage_internal.h"

#include <stdlib.h>

struct filters {
    struct row_filter *items;
    size_t count;
};

/* -- what the caller reaches ------------------------------------------------------------------- */

static int one_site(struct manage *m, const struct resource *resource,
                    const struct manage_query *query, struct filters *out, struct err *err)
{
    struct site_row site;
    int rc = manage_find_site(m, query->site, &site, err);

    if (rc == 0 && query->tenant.len > 0 && !str_eq(query->tenant, site.tenant))
        rc = manage_no_such("site", err);
    if (rc == 0 && resource->whole && !manage_has_tenant(m, site.tenant))
        rc = err_set(err, ERR_DENIED, "this is for who manages a whole tenant");
    out->items[out->count++] = (struct row_filter){.tenant = site.tenant, .site = site.id};
    return rc;
}

/* Where the caller manages a whole tenant, that; else, of what sites have, its sites. */
static void add_reach(const struct manage *m, const struct resource *resource,
                      const struct reach *reach, struct filters *out)
{
    bool whole = manage_has_tenant(m, reach->tenant);

    for (size_t i = 0; i < out->count; i++)
        if (whole && str_eq(out->items[i].tenant, reach->tenant))
            return;
    if (whole)
        out->items[out->count++] = (struct row_filter){.tenant = reach->tenant};
    for (size_t i = 0; !whole && !resource->whole && i < reach->sites_count; i++)
        if ((reach->scopes & SCOPE_ADMIN) != 0)
            out->items[out->count++] =
                (struct row_filter){.tenant = reach->tenant, .site = reach->sites[i]};
}

static int reached(struct manage *m, const struct resource *resource, struct str tenant,
                   struct filters *out, struct err *err)
{
    const struct caller *caller = m->caller;

    for (size_t i = 0; i < caller->reaches_count; i++)
        if (tenant.len == 0 || str_eq(tenant, caller->reaches[i].tenant))
            add_reach(m, resource, &caller->reaches[i], out);
    if (out->count > 0)
        return 0;
    return tenant.len > 0 ? manage_may_tenant(m, tenant, err)
                          : err_set(err, ERR_DENIED, "this is for who manages a whole tenant");
}

static int find_filters(struct manage *m, const struct resource *resource,
                        const struct manage_query *query, struct filters *out, struct err *err)
{
    struct tenant_row tenant;
    size_t most = 1;

    for (size_t i = 0; i < m->caller->reaches_count; i++)
        most += m->caller->reaches[i].sites_count + 1;
    *out = (struct filters){.items = ARENA_NEW(m->arena, struct row_filter, most)};
    if (query->site.len > 0)
        return one_site(m, resource, query, out, err);
    if (!manage_is_platform(m))
        return reached(m, resource, query->tenant, out, err);
    out->items[out->count++] = (struct row_filter){.tenant = query->tenant};
    return query->tenant.len > 0 ? manage_find_tenant(m, query->tenant, &tenant, err) : 0;
}

/* -- a page ------------------------------------------------------------------------------------ */

/* Rows begin with their id. */
struct found {
    const void **rows;
    size_t count, room;
};

static int by_id(const void *a, const void *b)
{
    const struct str *x = *(const struct str *const *)a, *y = *(const struct str *const *)b;

    return str_cmp(*x, *y);
}

static void add_found(struct found *found, const void *row, struct arena *arena)
{
    if (found->count == found->room) {
        size_t room = found->room * 2 + MANAGE_LIMIT;
        const void **rows = ARENA_NEW(arena, const void *, room);

        for (size_t i = 0; i < found->count; i++)
            rows[i] = found->rows[i];
        found->rows = rows;
        found->room = room;
    }
    found->rows[found->count++] = row;
}

/* The next `limit` of all, and one more if there is one. */
static void cut(struct found *found, size_t limit)
{
    size_t kept = 0;

    if (found->count > 1)
        qsort(found->rows, found->count, sizeof(*found->rows), by_id);
    for (size_t i = 0; i < found->count && kept <= limit; i++)
        if (kept == 0 || by_id(&found->rows[kept - 1], &found->rows[i]) != 0)
            found->rows[kept++] = found->rows[i];
    found->count = kept;
}

static int find_rows(struct manage *m, const struct resource *resource,
                     const struct filters *filters, const struct manage_query *query, size_t limit,
                     struct found *out, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < filters->count; i++) {
        void *rows = NULL;
        size_t count = 0;

        rc = store_page(m->store, resource->row, &filters->items[i], query->cursor, limit + 1,
                        m->arena, &rows, &count, err);
        for (size_t k = 0; rc >= 0 && k < count; k++)
            add_found(out, (const char *)rows + k * row_size(resource->row), m->arena);
        /* So many can be of one page at most. */
        if (out->count > 4 * (limit + 1))
            cut(out, limit);
    }
    cut(out, limit);
    return rc < 0 ? rc : 0;
}

static int add_page(struct manage *m, const struct resource *resource, const struct found *found,
                    size_t limit, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};
    bool more = found->count > limit;
    size_t count = more ? limit : found->count;
    struct manage_seen seen = {0};
    int rc = 0;

    m->seen = &seen;
    json_open(&json, '{');
    json_name(&json, str_from(resource->name));
    json_open(&json, '[');
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = manage_add_row(m, resource, found->rows[i], &json, err);
    json_close(&json, ']');
    out_text(&json, "nextCursor", more ? *(const struct str *)found->rows[count - 1] : STR(""));
    json_close(&json, '}');
    m->seen = NULL;
    return rc;
}

size_t manage_limit(const struct manage_query *query)
{
    if (query->limit == 0)
        return MANAGE_LIMIT;
    return query->limit < MANAGE_LIMIT_MAX ? query->limit : MANAGE_LIMIT_MAX;
}

int manage_list(struct manage *m, enum manage_kind kind, const struct manage_query *query,
                struct buf *out, struct err *err)
{
    const struct resource *resource = &manage_resources[kind];
    size_t limit = manage_limit(query);
    struct filters filters = {0};
    struct found found = {0};
    int rc = manage_gate(m, err);

    m->field = NULL;
    if (rc == 0)
        rc = find_filters(m, resource, query, &filters, err);
    if (rc == 0)
        rc = find_rows(m, resource, &filters, query, limit, &found, err);
    return rc == 0 ? add_page(m, resource, &found, limit, out, err) : rc;
}
