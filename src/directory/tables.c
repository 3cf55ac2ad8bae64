/*
 * directory/tables.c -- sites, aliases, tenants, tokens and links, found by name in constant time.
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

/* What a site is to requests beside its own row. A site whose tenant is to be erased is so too. */
static void set_owner(struct site *site, const struct tenant *owner)
{
    site->owner = owner;
    if (owner == NULL || !owner->erasing)
        return;
    site->erasing = true;
    site->enabled = false;
}

static void add_site(struct directory *directory, struct tables *tables,
                     const struct tables *before, const struct site_row *row)
{
    struct site *site = &tables->sites[tables->sites_count];
    const struct tenant *owner = names_find(&tables->tenants, row->tenant);
    struct err err;

    /* UTC itself missing is the one thing without a default. */
    if (directory_make_site(directory, row, owner != NULL && owner->active, &tables->arena, site,
                            &err) != 0) {
        directory_warn(directory, "site left out", "site", row->id, err.text);
        return;
    }
    set_owner(site, owner);
    site->series = series_of(directory, before, site);
    names_put(&tables->ids, site->id, site);
    names_put(&tables->tracked, site->id, site);
    tables->sites_count++;
}

/* The settings of each tenant, beside its rows, as far as they can be read. */
static struct names read_layers(struct directory *directory, const struct directory_rows *rows,
                                struct arena *arena)
{
    struct arena scratch = {0};
    struct names layers;

    names_init(&layers, rows->tenants_count, arena);
    for (size_t i = 0; i < rows->tenants_count; i++) {
        const struct tenant_row *row = &rows->tenants[i];

        struct str text = directory_layer(directory, row->id, row->settings, &scratch);
        const struct settings_layer *layer = settings_layer_read(text, arena);

        if (layer != NULL)
            names_put(&layers, row->id, layer);
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return layers;
}

/* What is resolved lives as long as the site is made of it. */
static void add_sites(struct directory *directory, struct tables *tables,
                      const struct tables *before, const struct directory_rows *rows)
{
    struct arena layers_arena = {0}, scratch = {0};
    struct names layers = read_layers(directory, rows, &layers_arena);
    const struct settings_layer *installation = settings_layer_read(
        directory_layer(directory, STR(""), rows->installation, &layers_arena), &layers_arena);

    tables->sites = ARENA_NEW(&tables->arena, struct site, rows->sites_count + 1);
    for (size_t i = 0; i < rows->sites_count; i++) {
        struct site_row row = rows->sites[i];

        site_row_resolve_with(&row, names_find(&layers, row.tenant), installation, &scratch, NULL);
        add_site(directory, tables, before, &row);
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    arena_free(&layers_arena);
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

/* -- tenants, tokens, links -------------------------------------------------------------------- */

static void add_tenants(struct directory *directory, struct tables *tables,
                        const struct directory_rows *rows)
{
    struct tenant *tenants = ARENA_NEW(&tables->arena, struct tenant, rows->tenants_count + 1);

    names_init(&tables->tenants, rows->tenants_count, &tables->arena);
    for (size_t i = 0; i < rows->tenants_count; i++) {
        directory_make_tenant(directory, &rows->tenants[i], &tables->arena, &tenants[i]);
        names_put(&tables->tenants, tenants[i].id, &tenants[i]);
    }
}

/* Whether what is bound to them has ended, because they are to be erased. */
static bool are_erasing(const struct tables *tables, struct str tenant, struct str site)
{
    const struct tenant *owner = names_find(&tables->tenants, tenant);
    const struct site *bound = site.len == 0 ? NULL : names_find(&tables->ids, site);

    return (owner != NULL && owner->erasing) || (bound != NULL && bound->erasing);
}

static void add_tokens(struct tables *tables, const struct directory_rows *rows)
{
    struct stored_token *all =
        ARENA_NEW(&tables->arena, struct stored_token, rows->tokens_count + 1);

    names_init(&tables->tokens, rows->tokens_count, &tables->arena);
    names_init(&tables->token_ids, rows->tokens_count, &tables->arena);
    for (size_t i = 0; i < rows->tokens_count; i++) {
        const struct token_row *row = &rows->tokens[i];

        if (are_erasing(tables, row->tenant, row->site))
            continue;
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
        names_put(&tables->token_ids, all[i].token.id, &all[i]);
    }
}

static void add_links(struct tables *tables, const struct directory_rows *rows)
{
    struct link_row *all = ARENA_NEW(&tables->arena, struct link_row, rows->links_count + 1);

    names_init(&tables->links, rows->links_count, &tables->arena);
    for (size_t i = 0; i < rows->links_count; i++) {
        const struct link_row *row = &rows->links[i];

        if (are_erasing(tables, row->tenant, row->site))
            continue;
        all[i] = (struct link_row){
            .id = arena_str(&tables->arena, row->id),
            .tenant = arena_str(&tables->arena, row->tenant),
            .site = arena_str(&tables->arena, row->site),
            .name = arena_str(&tables->arena, row->name),
            .password = arena_str(&tables->arena, row->password),
            .created_ms = row->created_ms,
            .expires_ms = row->expires_ms,
        };
        names_put(&tables->links, all[i].id, &all[i]);
    }
}

/* -- the whole --------------------------------------------------------------------------------- */

struct tables *tables_new(struct directory *directory, const struct tables *before,
                          const struct directory_rows *rows)
{
    struct tables *tables = directory_alloc(sizeof(*tables));

    tables->refs = 1;
    memcpy(tables->id_key, rows->id_key, sizeof(tables->id_key));
    memcpy(tables->signing_key, rows->signing_key, sizeof(tables->signing_key));
    tables->erased_ms = rows->erased_ms;
    names_init(&tables->ids, rows->sites_count, &tables->arena);
    names_init(&tables->tracked, rows->sites_count + aliases_most(rows), &tables->arena);
    add_tenants(directory, tables, rows);
    add_sites(directory, tables, before, rows);
    for (size_t i = 0; i < rows->sites_count; i++)
        add_aliases(tables, &rows->sites[i]);
    add_tokens(tables, rows);
    add_links(tables, rows);
    tables->by_id = sorted(tables, by_id);
    tables->by_tenant = sorted(tables, by_tenant);
    return tables;
}

void tables_give(struct tables *tables)
{
    if (tables == NULL || atomic_fetch_sub(&tables->refs, 1) != 1)
        return;
    sodium_memzero(tables->id_key, sizeof(tables->id_key));
    sodium_memzero(tables->signing_key, sizeof(tables->signing_key));
    arena_free(&tables->arena);
    free(tables);
}
