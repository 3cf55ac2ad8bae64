/*
 * store/memory_rows.c -- the managed rows of the memory double: an array for each kind.
 *
 * Rows stand in the order in which they were made. Texts that are given out are borrowed from the
 * store, which outlives the arena in a test.
 */
#include "store/memory_internal.h"

#include "base/json.h"

#include <stddef.h>
#include <stdlib.h>

struct rows *memory_rows(struct memory_store *store, enum row_kind kind)
{
    struct rows *const rows[ROW_KINDS] = {
        [ROW_TENANT] = &store->tenants,         [ROW_SITE] = &store->sites,
        [ROW_TOKEN] = &store->tokens,           [ROW_USER] = &store->users,
        [ROW_SESSION] = &store->sessions,       [ROW_LINK] = &store->links,
        [ROW_ERASURE] = &store->erasures,       [ROW_INSTALLATION] = &store->installation,
        [ROW_ANNOTATION] = &store->annotations,
    };

    return rows[kind];
}

static void *row_at(const struct rows *rows, enum row_kind kind, size_t i)
{
    return (char *)rows->ptr + i * row_size(kind);
}

void *memory_find(struct memory_store *store, enum row_kind kind, struct str id)
{
    const struct rows *rows = memory_rows(store, kind);

    for (size_t i = 0; i < rows->count; i++)
        if (str_eq(row_id(row_at(rows, kind, i)), id))
            return row_at(rows, kind, i);
    return NULL;
}

struct site_row *memory_site(struct memory_store *store, struct str id)
{
    return memory_find(store, ROW_SITE, id);
}

/* -- filters ----------------------------------------------------------------------------------- */

static bool is_member(const struct user_row *user, struct str tenant)
{
    struct arena arena = {0};
    struct json *list = NULL;
    bool found = false;

    if (user->memberships.len > 0 && json_parse(user->memberships, 8, &arena, &list, NULL) == 0)
        for (size_t i = 0; i < list->count; i++)
            found |= str_eq(json_get(&list->items[i], STR("tenantId"))->text, tenant);
    arena_free(&arena);
    return found;
}

static bool is_of(const struct row_member *member, const void *row, struct str wanted)
{
    return member == NULL || wanted.len == 0 || str_eq(row_text(member, row), wanted);
}

static bool is_person(const struct user_row *user, const struct row_filter *filter)
{
    return (filter->tenant.len == 0 || is_member(user, filter->tenant)) &&
           (filter->payload.len == 0 || str_eq(user->payload_id, filter->payload)) &&
           (!filter->admins || user->admin);
}

static bool to_be_erased(enum row_kind kind, const void *row)
{
    return (kind == ROW_SITE && ((const struct site_row *)row)->erase_ms != 0) ||
           (kind == ROW_TENANT && ((const struct tenant_row *)row)->erase_ms != 0);
}

static bool matches(enum row_kind kind, const void *row, const struct row_filter *filter)
{
    const struct row_type *type = &row_types[kind];

    if (kind == ROW_USER)
        return is_person(row, filter);
    if (filter->kept && to_be_erased(kind, row))
        return false;
    return is_of(type->tenant, row, filter->tenant) && is_of(type->site, row, filter->site) &&
           is_of(type->user, row, filter->user);
}

/* -- verbs ------------------------------------------------------------------------------------- */

int memory_get(struct store *base, enum row_kind kind, struct str id, struct arena *arena,
               void *row, struct err *err)
{
    const void *there = memory_find(memory_of(base), kind, id);

    (void)err;
    if (there == NULL)
        row_default(kind, arena_str(arena, id), row);
    else
        memcpy(row, there, row_size(kind));
    return there != NULL;
}

static int by_id(const void *a, const void *b)
{
    return str_cmp(row_id(a), row_id(b));
}

int memory_page(struct store *base, enum row_kind kind, const struct row_filter *filter,
                struct str after, size_t limit, struct arena *arena, void **out, size_t *count,
                struct err *err)
{
    const struct rows *rows = memory_rows(memory_of(base), kind);
    size_t size = row_size(kind), found = 0;
    char *all = arena_alloc(arena, rows->count + 1, size);

    (void)err;
    for (size_t i = 0; i < rows->count; i++) {
        const void *row = row_at(rows, kind, i);

        if (matches(kind, row, filter) && str_cmp(row_id(row), after) > 0)
            memcpy(all + found++ * size, row, size);
    }
    qsort(all, found, size, by_id);
    *out = all;
    *count = found < limit ? found : limit;
    return 0;
}

int memory_count_kind(struct store *base, enum row_kind kind, const struct row_filter *filter,
                      int64_t *out, struct err *err)
{
    const struct rows *rows = memory_rows(memory_of(base), kind);

    (void)err;
    *out = 0;
    for (size_t i = 0; i < rows->count; i++)
        *out += matches(kind, row_at(rows, kind, i), filter);
    return 0;
}

/* -- the whole --------------------------------------------------------------------------------- */

static void *copy_rows(struct memory_store *store, enum row_kind kind, struct arena *arena,
                       size_t *count)
{
    const struct rows *rows = memory_rows(store, kind);
    void *copy = arena_alloc(arena, rows->count + 1, row_size(kind));

    if (rows->count > 0)
        memcpy(copy, rows->ptr, rows->count * row_size(kind));
    *count = rows->count;
    return copy;
}

int memory_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                          struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct installation_row *installation = store->installation.ptr;
    const struct erasure_row *erasures = store->erasures.ptr;

    (void)err;
    *out = (struct directory_rows){.installation = STR("")};
    out->tenants = copy_rows(store, ROW_TENANT, arena, &out->tenants_count);
    out->sites = copy_rows(store, ROW_SITE, arena, &out->sites_count);
    out->tokens = copy_rows(store, ROW_TOKEN, arena, &out->tokens_count);
    out->links = copy_rows(store, ROW_LINK, arena, &out->links_count);
    if (store->installation.count > 0)
        out->installation = installation->settings;
    for (size_t i = 0; i < store->erasures.count; i++)
        if (erasures[i].done_ms > out->erased_ms)
            out->erased_ms = erasures[i].done_ms;
    memcpy(out->id_key, store->id_key, sizeof(out->id_key));
    memcpy(out->signing_key, store->signing_key, sizeof(out->signing_key));
    return 0;
}
