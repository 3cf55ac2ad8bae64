/*
 * directory/snapshot.c -- salts in locked memory, and reading a snapshot.
 */
#include "directory/directory_internal.h"

#include "base/must.h"

#include <sodium.h>
#include <stdlib.h>

void *directory_alloc(size_t size)
{
    return must(calloc(1, size));
}

/* -- holding ----------------------------------------------------------------------------------- */

struct salt_box *salt_box_new(void)
{
    struct salt_box *box = directory_alloc(sizeof(*box));

    box->refs = 1;
    box->salts = must(sodium_malloc(sizeof(*box->salts)));
    memset(box->salts, 0, sizeof(*box->salts));
    return box;
}

void salt_box_give(struct salt_box *box)
{
    if (box == NULL || atomic_fetch_sub(&box->refs, 1) != 1)
        return;
    sodium_free(box->salts);
    free(box);
}

struct snapshot *snapshot_new(struct tables *tables, struct salt_box *box)
{
    struct snapshot *snapshot = directory_alloc(sizeof(*snapshot));

    atomic_fetch_add(&tables->refs, 1);
    atomic_fetch_add(&box->refs, 1);
    snapshot->refs = 1;
    snapshot->tables = tables;
    snapshot->box = box;
    return snapshot;
}

void snapshot_give(struct snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->refs, 1) != 1)
        return;
    tables_give(snapshot->tables);
    salt_box_give(snapshot->box);
    free(snapshot);
}

/* -- reading ----------------------------------------------------------------------------------- */

const struct site *snapshot_site(const struct snapshot *snapshot, struct str id)
{
    return names_find(&snapshot->tables->ids, id);
}

const struct site *snapshot_tracked(const struct snapshot *snapshot, struct str id)
{
    return names_find(&snapshot->tables->tracked, id);
}

const struct tenant *snapshot_tenant(const struct snapshot *snapshot, struct str id)
{
    return names_find(&snapshot->tables->tenants, id);
}

bool snapshot_has_tenant(const struct snapshot *snapshot, struct str id)
{
    return snapshot_tenant(snapshot, id) != NULL;
}

/* The first of by_tenant whose tenant is not before (or, if `behind`, comes behind) `tenant`. */
static size_t tenant_edge(const struct tables *tables, struct str tenant, bool behind)
{
    size_t low = 0, high = tables->sites_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(tables->by_tenant[middle]->tenant, tenant);

        if (order < 0 || (behind && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t snapshot_sites(const struct snapshot *snapshot, struct str tenant,
                      const struct site *const **out)
{
    const struct tables *tables = snapshot->tables;

    *out = tables->by_id;
    if (tenant.len == 0)
        return tables->sites_count;
    size_t first = tenant_edge(tables, tenant, false);

    *out = tables->by_tenant + first;
    return tenant_edge(tables, tenant, true) - first;
}

static bool has_ended(int64_t expires_ms, int64_t now_ms)
{
    return expires_ms != 0 && expires_ms <= now_ms;
}

/* The table leads by the hash's own bytes, which nobody can choose; what it finds is compared
 * whole. */
const struct token *snapshot_token(const struct snapshot *snapshot,
                                   const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ms)
{
    const struct stored_token *stored =
        names_find(&snapshot->tables->tokens, (struct str){(const char *)hash, 8});

    if (stored == NULL || sodium_memcmp(stored->hash, hash, TOKEN_HASH_BYTES) != 0)
        return NULL;
    return has_ended(stored->token.expires_ms, now_ms) ? NULL : &stored->token;
}

const struct token *snapshot_token_by_id(const struct snapshot *snapshot, struct str id,
                                         int64_t now_ms)
{
    const struct stored_token *stored = names_find(&snapshot->tables->token_ids, id);

    return stored == NULL || has_ended(stored->token.expires_ms, now_ms) ? NULL : &stored->token;
}

const struct link_row *snapshot_link(const struct snapshot *snapshot, struct str id, int64_t now_ms)
{
    const struct link_row *link = names_find(&snapshot->tables->links, id);

    return link == NULL || has_ended(link->expires_ms, now_ms) ? NULL : link;
}

const struct salts *snapshot_salts(const struct snapshot *snapshot)
{
    return snapshot->box->salts;
}

const uint8_t *snapshot_id_key(const struct snapshot *snapshot)
{
    return snapshot->tables->id_key;
}

const uint8_t *snapshot_signing_key(const struct snapshot *snapshot)
{
    return snapshot->tables->signing_key;
}

int64_t snapshot_erased_ms(const struct snapshot *snapshot)
{
    return snapshot->tables->erased_ms;
}

int64_t snapshot_version(const struct snapshot *snapshot)
{
    return snapshot->tables->version;
}
