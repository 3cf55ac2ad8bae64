/*
 * store/memory_admin.c -- tenants, sites and tokens of the memory double. It keeps no audit log,
 * since nothing reads it.
 */
#include "store/memory_internal.h"

#include "base/json.h"

static struct tenant_row *find_tenant(struct memory_store *store, struct str id)
{
    struct tenant_row *rows = store->tenants.ptr;

    for (size_t i = 0; i < store->tenants.count; i++)
        if (str_eq(rows[i].id, id))
            return &rows[i];
    return NULL;
}

struct site_row *memory_site(struct memory_store *store, struct str id)
{
    struct site_row *rows = store->sites.ptr;

    for (size_t i = 0; i < store->sites.count; i++)
        if (str_eq(rows[i].id, id))
            return &rows[i];
    return NULL;
}

static int changed(struct memory_store *store)
{
    store->counters[COUNTER_DIRECTORY]++;
    store->version++;
    return 0;
}

static int conflict(struct str id, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "%.*s is there already, with other values", STR_FMT(id));
}

static int not_found(struct str id, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "no such id: %.*s", STR_FMT(id));
}

/* -- tenants ----------------------------------------------------------------------------------- */

static void add_tenant(struct memory_store *store, struct tenant_row row)
{
    row.id = memory_keep(store, row.id);
    row.name = memory_keep(store, row.name);
    *(struct tenant_row *)rows_add(&store->tenants, sizeof(row)) = row;
}

int memory_put_tenant(struct store *base, const struct tenant_row *row, const struct actor *actor,
                      struct err *err)
{
    const struct tenant_row *there = find_tenant(memory_of(base), row->id);

    (void)actor;
    if (there != NULL)
        return tenant_row_equal(there, row) ? 0 : conflict(row->id, err);
    add_tenant(memory_of(base), *row);
    return changed(memory_of(base));
}

/* Tokens of a tenant or of a site. */
static void remove_tokens(struct memory_store *store, struct str tenant, struct str site)
{
    struct token_row *rows = store->tokens.ptr;

    for (size_t i = store->tokens.count; i-- > 0;)
        if ((tenant.len > 0 && str_eq(rows[i].tenant, tenant)) ||
            (site.len > 0 && str_eq(rows[i].site, site)))
            rows_remove(&store->tokens, sizeof(*rows), i);
}

int memory_remove_tenant(struct store *base, struct str id, const struct actor *actor,
                         struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct tenant_row *there = find_tenant(store, id);
    const struct site_row *sites = store->sites.ptr;

    (void)actor;
    for (size_t i = 0; i < store->sites.count; i++)
        if (str_eq(sites[i].tenant, id))
            return err_set(err, ERR_CONFLICT, "tenant %.*s has sites", STR_FMT(id));
    if (there == NULL)
        return not_found(id, err);
    remove_tokens(store, id, STR(""));
    rows_remove(&store->tenants, sizeof(*there),
                (size_t)(there - (const struct tenant_row *)store->tenants.ptr));
    return changed(store);
}

/* -- sites ------------------------------------------------------------------------------------- */

static struct json *tracking_ids(const struct site_row *row, struct arena *arena)
{
    struct json *json = NULL;

    return row->tracking_ids.len > 0 && json_parse(row->tracking_ids, 1, arena, &json, NULL) == 0
               ? json
               : NULL;
}

static size_t times_named(const struct site_row *row, struct str name, struct arena *arena)
{
    const struct json *list = tracking_ids(row, arena);
    size_t times = str_eq(row->id, name);

    for (size_t i = 0; list != NULL && i < list->count; i++)
        times += str_eq(list->items[i].text, name);
    return times;
}

/* By another site, or twice by this one. */
static bool name_is_taken(struct memory_store *store, const struct site_row *row, struct str name,
                          struct arena *arena)
{
    const struct site_row *rows = store->sites.ptr;
    size_t times = times_named(row, name, arena);

    for (size_t i = 0; i < store->sites.count; i++)
        times += str_eq(rows[i].id, row->id) ? 0 : times_named(&rows[i], name, arena);
    return times > 1;
}

static bool any_name_is_taken(struct memory_store *store, const struct site_row *row)
{
    struct arena arena = {0};
    const struct json *list = tracking_ids(row, &arena);
    bool taken = name_is_taken(store, row, row->id, &arena);

    for (size_t i = 0; !taken && list != NULL && i < list->count; i++)
        taken = name_is_taken(store, row, list->items[i].text, &arena);
    arena_free(&arena);
    return taken;
}

static struct memory_removed *find_removed(struct memory_store *store, struct str id)
{
    struct memory_removed *rows = store->removed.ptr;

    for (size_t i = 0; i < store->removed.count; i++)
        if (str_eq(rows[i].site, id))
            return &rows[i];
    return NULL;
}

static void keep_site(struct memory_store *store, struct site_row *to, const struct site_row *row)
{
    *to = *row;
    for (size_t i = 0; i < SITE_MEMBERS; i++)
        if (member_is_text(&site_members[i])) {
            struct str *text = (void *)((char *)to + site_members[i].offset);

            *text = memory_keep(store, *text);
        }
}

int memory_put_site(struct store *base, const struct site_row *row, const struct actor *actor,
                    struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct site_row *there = memory_site(store, row->id);
    const struct memory_removed *removed = find_removed(store, row->id);

    if (there != NULL)
        return site_row_equal(there, row) ? 0 : conflict(row->id, err);
    if (any_name_is_taken(store, row))
        return err_set(err, ERR_CONFLICT, "site %.*s: its id or one of its trackingIds is taken",
                       STR_FMT(row->id));
    if (removed != NULL && !str_eq(removed->tenant, row->tenant))
        return err_set(err, ERR_CONFLICT, "site %.*s was another tenant's", STR_FMT(row->id));
    if (removed != NULL)
        rows_remove(&store->removed, sizeof(*removed),
                    (size_t)(removed - (const struct memory_removed *)store->removed.ptr));
    if (find_tenant(store, row->tenant) == NULL)
        add_tenant(store, (struct tenant_row){row->tenant, row->tenant, true, actor->now_ms});
    keep_site(store, rows_add(&store->sites, sizeof(*row)), row);
    return changed(store);
}

int memory_set_site(struct store *base, const struct site_row *row, const struct actor *actor,
                    struct err *err)
{
    struct memory_store *store = memory_of(base);
    struct site_row *there = memory_site(store, row->id);
    int64_t created_ms;

    (void)actor;
    if (there == NULL || !str_eq(there->tenant, row->tenant))
        return not_found(row->id, err);
    if (site_row_equal(there, row))
        return 0;
    if (any_name_is_taken(store, row))
        return err_set(err, ERR_CONFLICT, "site %.*s: one of its trackingIds is taken",
                       STR_FMT(row->id));
    created_ms = there->created_ms;
    keep_site(store, there, row);
    there->created_ms = created_ms;
    return changed(store);
}

int memory_remove_site(struct store *base, struct str id, const struct actor *actor,
                       struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct site_row *there = memory_site(store, id);

    (void)actor;
    if (there == NULL)
        return not_found(id, err);
    *(struct memory_removed *)rows_add(&store->removed, sizeof(struct memory_removed)) =
        (struct memory_removed){there->id, there->tenant};
    remove_tokens(store, STR(""), id);
    rows_remove(&store->sites, sizeof(*there),
                (size_t)(there - (const struct site_row *)store->sites.ptr));
    return changed(store);
}

/* -- tokens ------------------------------------------------------------------------------------ */

int memory_put_token(struct store *base, const struct token_row *row, const struct actor *actor,
                     struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct token_row *rows = store->tokens.ptr;
    const struct site_row *site = memory_site(store, row->site);

    (void)actor;
    for (size_t i = 0; i < store->tokens.count; i++)
        if (str_eq(rows[i].id, row->id))
            return token_row_equal(&rows[i], row) ? 0 : conflict(row->id, err);
    if (!row->platform && find_tenant(store, row->tenant) == NULL)
        return not_found(row->tenant, err);
    if (row->site.len > 0 && (site == NULL || !str_eq(site->tenant, row->tenant)))
        return not_found(row->site, err);
    for (size_t i = 0; i < store->tokens.count; i++)
        if (memcmp(rows[i].hash, row->hash, TOKEN_HASH_BYTES) == 0)
            return conflict(row->id, err);
    struct token_row *new = rows_add(&store->tokens, sizeof(*new));

    *new = *row;
    new->id = memory_keep(store, row->id);
    new->tenant = memory_keep(store, row->tenant);
    new->site = memory_keep(store, row->site);
    return changed(store);
}

int memory_remove_token(struct store *base, struct str id, const struct actor *actor,
                        struct err *err)
{
    struct memory_store *store = memory_of(base);
    const struct token_row *rows = store->tokens.ptr;

    (void)actor;
    for (size_t i = 0; i < store->tokens.count; i++)
        if (str_eq(rows[i].id, id)) {
            rows_remove(&store->tokens, sizeof(*rows), i);
            return changed(store);
        }
    return not_found(id, err);
}

/* -- the whole --------------------------------------------------------------------------------- */

static void *copy_rows(const struct rows *rows, size_t size, struct arena *arena)
{
    void *copy = arena_alloc(arena, rows->count + 1, size);

    if (rows->count > 0)
        memcpy(copy, rows->ptr, rows->count * size);
    return copy;
}

/* Texts are borrowed from the store, which outlives the arena in a test. */
int memory_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                          struct err *err)
{
    const struct memory_store *store = memory_of(base);

    (void)err;
    *out = (struct directory_rows){
        .tenants = copy_rows(&store->tenants, sizeof(struct tenant_row), arena),
        .tenants_count = store->tenants.count,
        .sites = copy_rows(&store->sites, sizeof(struct site_row), arena),
        .sites_count = store->sites.count,
        .tokens = copy_rows(&store->tokens, sizeof(struct token_row), arena),
        .tokens_count = store->tokens.count,
    };
    memcpy(out->id_key, store->id_key, sizeof(out->id_key));
    return 0;
}
