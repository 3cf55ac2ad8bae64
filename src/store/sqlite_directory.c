/*
 * store/sqlite_directory.c -- tenants, sites and tokens as a whole, in one snapshot.
 */
#include "store/sqlite_internal.h"

/* How many rows there will be, then the rows themselves, in the snapshot of the caller. */
static int read_rows(struct sqlite_store *store, const char *count_sql, const char *rows_sql,
                     struct query *rows, size_t *count, struct err *err)
{
    int rc = sqlite_count_rows(store, count_sql, count, err);

    return rc == 0 ? sqlite_query(store, rows_sql, rows, err) : rc;
}

static const char COUNT_TENANTS[] = "SELECT count(*) FROM tenants";
static const char TENANTS[] = "SELECT id, name, active, created_ms FROM tenants ORDER BY id";

static int read_tenants(struct sqlite_store *store, struct arena *arena, struct directory_rows *out,
                        struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = read_rows(store, COUNT_TENANTS, TENANTS, &query, &room, err);

    if (rc != 0)
        return rc;
    out->tenants = ARENA_NEW(arena, struct tenant_row, room + 1);
    while (out->tenants_count < room && (rc = sqlite_row(store, &query, err)) > 0) {
        struct tenant_row *row = &out->tenants[out->tenants_count++];

        row->id = arena_str(arena, column_str(&query));
        row->name = arena_str(arena, column_str(&query));
        row->active = column_i64(&query) != 0;
        row->created_ms = column_i64(&query);
    }
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

static void member_column(struct query *query, const struct site_member *member,
                          struct arena *arena, struct site_row *out)
{
    void *at = (char *)out + member->offset;
    bool null = sqlite3_column_type(query->stmt, query->at) == SQLITE_NULL;

    switch (member->type) {
    case MEMBER_ID:
    case MEMBER_TEXT:
    case MEMBER_LIST:
    case MEMBER_JSON:
        *(struct str *)at = arena_str(arena, column_str(query));
        break;
    case MEMBER_BOOL:
        *(bool *)at = column_i64(query) != 0;
        break;
    case MEMBER_INT32:
        *(int32_t *)at = (int32_t)column_i64(query);
        break;
    case MEMBER_DAYS:
        *(int32_t *)at = (int32_t)column_i64(query);
        if (null)
            *(int32_t *)at = -1;
        break;
    case MEMBER_INT64:
        *(int64_t *)at = column_i64(query);
        break;
    }
}

void sqlite_site_columns(struct query *query, struct arena *arena, struct site_row *out)
{
    for (size_t i = 0; i < SITE_MEMBERS; i++)
        member_column(query, &site_members[i], arena, out);
    out->created_ms = column_i64(query);
}

static const char COUNT_SITES[] = "SELECT count(*) FROM analytics_settings";
static const char SITES[] =
    "SELECT " SITE_COLUMNS ", created_ms FROM analytics_settings ORDER BY id";

static int read_sites(struct sqlite_store *store, struct arena *arena, struct directory_rows *out,
                      struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = read_rows(store, COUNT_SITES, SITES, &query, &room, err);

    if (rc != 0)
        return rc;
    out->sites = ARENA_NEW(arena, struct site_row, room + 1);
    while (out->sites_count < room && (rc = sqlite_row(store, &query, err)) > 0)
        sqlite_site_columns(&query, arena, &out->sites[out->sites_count++]);
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

void sqlite_token_columns(struct query *query, struct arena *arena, struct token_row *out)
{
    out->id = arena_str(arena, column_str(query));
    out->tenant = arena_str(arena, column_str(query));
    out->site = arena_str(arena, column_str(query));
    out->platform = column_i64(query) != 0;
    out->scopes = (unsigned)column_i64(query);
    struct str hash = column_str(query);

    if (hash.len == TOKEN_HASH_BYTES)
        memcpy(out->hash, hash.ptr, TOKEN_HASH_BYTES);
    out->created_ms = column_i64(query);
    out->expires_ms = column_i64(query);
}

static const char COUNT_TOKENS[] = "SELECT count(*) FROM tokens";
static const char TOKENS[] = "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_ms, id";

static int read_tokens(struct sqlite_store *store, struct arena *arena, struct directory_rows *out,
                       struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = read_rows(store, COUNT_TOKENS, TOKENS, &query, &room, err);

    if (rc != 0)
        return rc;
    out->tokens = ARENA_NEW(arena, struct token_row, room + 1);
    while (out->tokens_count < room && (rc = sqlite_row(store, &query, err)) > 0)
        sqlite_token_columns(&query, arena, &out->tokens[out->tokens_count++]);
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

static const char ID_KEY[] = "SELECT value FROM secrets WHERE name = 'id_key'";

static int read_id_key(struct sqlite_store *store, struct directory_rows *out, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ID_KEY, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    struct str key = rc > 0 ? column_str(&query) : STR("");

    rc = key.len == sizeof(out->id_key) ? 0 : err_set(err, ERR_CORRUPT, "database: no id_key");
    if (rc == 0)
        memcpy(out->id_key, key.ptr, key.len);
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
        rc = read_tenants(store, arena, out, err);
    if (rc == 0)
        rc = read_sites(store, arena, out, err);
    if (rc == 0)
        rc = read_tokens(store, arena, out, err);
    if (rc == 0)
        rc = read_id_key(store, out, err);
    return sqlite_snapshot_end(store, own, rc);
}
