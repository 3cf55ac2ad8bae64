/*
 * directory/tables.c -- sites, aliases, tenants and tokens, found by name in constant time.
 *
 * Names come from outside, so each table has a seed of its own that nobody outside knows.
 */
#include "directory/directory_internal.h"

#include "base/json.h"

#include <sodium.h>
#include <stdlib.h>
#include <xxhash.h>

/* -- names ------------------------------------------------------------------------------------- */

/* At most half full, so that a search ends soon. */
void names_init(struct names *names, size_t count, struct arena *arena)
{
    size_t size = 8;

    while (size < count * 2)
        size *= 2;
    names->mask = size - 1;
    names->slots = ARENA_NEW(arena, struct name_slot, size);
    randombytes_buf(&names->seed, sizeof(names->seed));
}

static struct name_slot *slot_of(const struct names *names, struct str name)
{
    size_t at = (size_t)XXH3_64bits_withSeed(name.ptr, name.len, names->seed) & names->mask;

    while (names->slots[at].value != NULL && !str_eq(names->slots[at].name, name))
        at = (at + 1) & names->mask;
    return &names->slots[at];
}

void names_put(struct names *names, struct str name, const void *value)
{
    struct name_slot *slot = slot_of(names, name);

    if (slot->value == NULL)
        *slot = (struct name_slot){name, value};
}

const void *names_find(const struct names *names, struct str name)
{
    return slot_of(names, name)->value;
}

/* -- sites ------------------------------------------------------------------------------------- */

static bool tenant_is_active(const struct names *tenants, struct str id)
{
    const struct tenant_row *tenant = names_find(tenants, id);

    return tenant != NULL && tenant->active;
}

static void *series_of(const struct directory *directory, const struct tables *before,
                       const struct site *site)
{
    const struct site *old = before == NULL ? NULL : names_find(&before->ids, site->id);

    if (old != NULL)
        return old->series;
    return directory->config.series == NULL
               ? NULL
               : directory->config.series(directory->config.ctx, site->tenant, site->id);
}

static void add_sites(struct directory *directory, struct tables *tables,
                      const struct tables *before, const struct directory_rows *rows)
{
    tables->sites = ARENA_NEW(&tables->arena, struct site, rows->sites_count + 1);
    for (size_t i = 0; i < rows->sites_count; i++) {
        struct site *site = &tables->sites[tables->sites_count];
        const struct site_row *row = &rows->sites[i];
        struct err err;

        /* UTC itself missing is the one thing without a default. */
        if (directory_make_site(directory, row, tenant_is_active(&tables->tenants, row->tenant),
                                &tables->arena, site, &err) != 0) {
            directory_warn(directory, "site left out", row->id, err.text);
            continue;
        }
        site->series = series_of(directory, before, site);
        names_put(&tables->ids, site->id, site);
        names_put(&tables->tracked, site->id, site);
        tables->sites_count++;
    }
}

/* After all ids: an alias that is also an id (which the store refuses) must not hide the site. */
static void add_aliases(struct tables *tables, const struct site_row *row)
{
    const struct site *site = names_find(&tables->ids, row->id);
    struct json *list = NULL;

    if (site == NULL || row->tracking_ids.len == 0 ||
        json_parse(row->tracking_ids, 1, &tables->arena, &list, NULL) != 0 ||
        list->type != JSON_ARRAY)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].type == JSON_STRING)
            names_put(&tables->tracked, list->items[i].text, site);
}

/* How many texts there may be at most in a list: one for each two quotes. */
static size_t aliases_most(const struct directory_rows *rows)
{
    size_t quotes = 0;

    for (size_t i = 0; i < rows->sites_count; i++)
        for (size_t j = 0; j < rows->sites[i].tracking_ids.len; j++)
            quotes += rows->sites[i].tracking_ids.ptr[j] == '"';
    return quotes / 2;
}

static int by_id(const void *a, const void *b)
{
    return str_cmp((*(const struct site *const *)a)->id, (*(const struct site *const *)b)->id);
}

static int by_tenant(const void *a, const void *b)
{
    const struct site *x = *(const struct site *const *)a, *y = *(const struct site *const *)b;
    int order = str_cmp(x->tenant, y->tenant);

    return order != 0 ? order : str_cmp(x->id, y->id);
}

static const struct site **sorted(struct tables *tables, int (*order)(const void *, const void *))
{
    const struct site **list =
        ARENA_NEW(&tables->arena, const struct site *, tables->sites_count + 1);

    for (size_t i = 0; i < tables->sites_count; i++)
        list[i] = &tables->sites[i];
    qsort(list, tables->sites_count, sizeof(list[0]), order);
    return list;
}

/* -- tenants and tokens ------------------------------------------------------------------------ */

static void add_tenants(struct tables *tables, const struct directory_rows *rows)
{
    struct tenant_row *copies =
        ARENA_NEW(&tables->arena, struct tenant_row, rows->tenants_count + 1);

    names_init(&tables->tenants, rows->tenants_count, &tables->arena);
    for (size_t i = 0; i < rows->tenants_count; i++) {
        copies[i] = rows->tenants[i];
        copies[i].id = arena_str(&tables->arena, rows->tenants[i].id);
        copies[i].name = arena_str(&tables->arena, rows->tenants[i].name);
        names_put(&tables->tenants, copies[i].id, &copies[i]);
    }
}

static void add_tokens(struct tables *tables, const struct directory_rows *rows)
{
    struct stored_token *all =
        ARENA_NEW(&tables->arena, struct stored_token, rows->tokens_count + 1);

    names_init(&tables->tokens, rows->tokens_count, &tables->arena);
    for (size_t i = 0; i < rows->tokens_count; i++) {
        const struct token_row *row = &rows->tokens[i];

        all[i].token = (struct token){
            .id = arena_str(&tables->arena, row->id),
            .tenant = arena_str(&tables->arena, row->tenant),
            .site = arena_str(&tables->arena, row->site),
            .platform = row->platform,
            .scopes = row->scopes,
            .expires_ms = row->expires_ms,
        };
        memcpy(all[i].hash, row->hash, TOKEN_HASH_BYTES);
        names_put(&tables->tokens, (struct str){(const char *)all[i].hash, 8}, &all[i]);
    }
}

/* -- the whole --------------------------------------------------------------------------------- */

struct tables *tables_new(struct directory *directory, const struct tables *before,
                          const struct directory_rows *rows)
{
    struct tables *tables = directory_alloc(sizeof(*tables));

    tables->refs = 1;
    memcpy(tables->id_key, rows->id_key, sizeof(tables->id_key));
    names_init(&tables->ids, rows->sites_count, &tables->arena);
    names_init(&tables->tracked, rows->sites_count + aliases_most(rows), &tables->arena);
    add_tenants(tables, rows);
    add_sites(directory, tables, before, rows);
    for (size_t i = 0; i < rows->sites_count; i++)
        add_aliases(tables, &rows->sites[i]);
    add_tokens(tables, rows);
    tables->by_id = sorted(tables, by_id);
    tables->by_tenant = sorted(tables, by_tenant);
    return tables;
}

void tables_give(struct tables *tables)
{
    if (tables == NULL || atomic_fetch_sub(&tables->refs, 1) != 1)
        return;
    sodium_memzero(tables->id_key, sizeof(tables->id_key));
    arena_free(&tables->arena);
    free(tables);
}
