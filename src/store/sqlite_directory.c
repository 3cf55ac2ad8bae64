/*
 * store/sqlite_directory.c -- tenants, sites, tokens and links as a whole, in one snapshot, with
 * what requests need beside them.
 */
#include "store/sqlite_internal.h"

static const char COUNT_TENANTS[] = "SELECT count(*) FROM tenants";
static const char TENANTS[] = "SELECT " TENANT_COLUMNS " FROM tenants ORDER BY id";
static const char COUNT_SITES[] = "SELECT count(*) FROM analytics_settings";
static const char SITES[] = "SELECT " SITE_COLUMNS " FROM analytics_settings ORDER BY id";
static const char COUNT_TOKENS[] = "SELECT count(*) FROM tokens";
static const char TOKENS[] = "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_ms, id";
static const char COUNT_LINKS[] = "SELECT count(*) FROM links";
static const char LINKS[] = "SELECT " LINK_COLUMNS " FROM links ORDER BY id";

/* All rows of a kind: how many there will be, then the rows themselves, in the snapshot of the
 * caller. */
struct all {
    enum row_kind kind;
    const char *count_sql, *rows_sql;
    void **rows;
    size_t *count;
};

static int read_all(struct sqlite_store *store, const struct all *all, struct arena *arena,
                    struct err *err)
{
    size_t size = row_size(all->kind), room = 0;
    struct query query;
    int rc = sqlite_count_rows(store, all->count_sql, &room, err);

    if (rc == 0)
        rc = sqlite_query(store, all->rows_sql, &query, err);
    if (rc != 0)
        return rc;
    char *rows = arena_alloc(arena, room + 1, size);

    while (*all->count < room && (rc = sqlite_row(store, &query, err)) > 0)
        sqlite_row_columns(&query, all->kind, arena, rows + (*all->count)++ * size);
    sqlite_end(&query);
    *all->rows = rows;
    return rc < 0 ? rc : 0;
}

static int read_rows(struct sqlite_store *store, struct arena *arena, struct directory_rows *out,
                     struct err *err)
{
    void *tenants = NULL, *sites = NULL, *tokens = NULL, *links = NULL;
    const struct all kinds[] = {
        {ROW_TENANT, COUNT_TENANTS, TENANTS, &tenants, &out->tenants_count},
        {ROW_SITE, COUNT_SITES, SITES, &sites, &out->sites_count},
        {ROW_TOKEN, COUNT_TOKENS, TOKENS, &tokens, &out->tokens_count},
        {ROW_LINK, COUNT_LINKS, LINKS, &links, &out->links_count},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        rc = read_all(store, &kinds[i], arena, err);
    out->tenants = tenants;
    out->sites = sites;
    out->tokens = tokens;
    out->links = links;
    return rc;
}

/* -- beside them ------------------------------------------------------------------------------- */

static const char BESIDE[] =
    "SELECT (SELECT settings FROM installation), (SELECT coalesce(max(done_ms), 0) FROM erasures),"
    " (SELECT value FROM secrets WHERE name = 'id_key'),"
    " (SELECT value FROM secrets WHERE name = 'signing_key')";

static int take_key(struct query *query, const char *name, uint8_t *out, size_t len,
                    struct err *err)
{
    struct str key = column_str(query);

    if (key.len != len)
        return err_set(err, ERR_CORRUPT, "database: no %s", name);
    memcpy(out, key.ptr, len);
    return 0;
}

static int read_beside(struct sqlite_store *store, struct arena *arena, struct directory_rows *out,
                       struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, BESIDE, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    out->installation = arena_str(arena, column_str(&query));
    out->erased_ms = column_i64(&query);
    rc = take_key(&query, "id_key", out->id_key, sizeof(out->id_key), err);
    if (rc == 0)
        rc = take_key(&query, "signing_key", out->signing_key, sizeof(out->signing_key), err);
    sqlite_end(&query);
    return rc;
}

int sqlite_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                          struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    *out = (struct directory_rows){0};
    if (rc == 0)
        rc = read_rows(store, arena, out, err);
    if (rc == 0)
        rc = read_beside(store, arena, out, err);
    return sqlite_snapshot_end(store, own, rc);
}
