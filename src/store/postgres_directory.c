/*
 * store/postgres_directory.c -- tenants, sites and tokens as a whole, in one snapshot.
 */
#include "store/postgres_internal.h"

struct directory_reader {
    struct directory_rows *out;
    struct arena *arena;
};

static struct str copied(const PGresult *result, int row, int column, struct arena *arena)
{
    return arena_str(arena, pg_get_str(result, row, column));
}

/* -- tenants ----------------------------------------------------------------------------------- */

static const char TENANTS[] = "SELECT id, name, active, created_ms FROM tenants ORDER BY id";

static int read_tenant(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct directory_reader *reader = ctx;
    struct tenant_row *out = &reader->out->tenants[reader->out->tenants_count++];

    (void)err;
    out->id = copied(result, row, 0, reader->arena);
    out->name = copied(result, row, 1, reader->arena);
    out->active = pg_get_i64(result, row, 2) != 0;
    out->created_ms = pg_get_i64(result, row, 3);
    return 0;
}

/* -- sites ------------------------------------------------------------------------------------- */

static const char SITES[] =
    "SELECT " PG_SITE_COLUMNS ", created_ms FROM analytics_settings ORDER BY id";

static void site_column(const PGresult *result, int row, int column,
                        const struct site_member *member, struct arena *arena, struct site_row *out)
{
    void *at = (char *)out + member->offset;

    switch (member->type) {
    case MEMBER_ID:
    case MEMBER_TEXT:
        *(struct str *)at = copied(result, row, column, arena);
        break;
    case MEMBER_LIST:
    case MEMBER_JSON:
        *(struct str *)at = pg_get_json(result, row, column, arena);
        break;
    case MEMBER_BOOL:
        *(bool *)at = pg_get_i64(result, row, column) != 0;
        break;
    case MEMBER_DAYS:
        *(int32_t *)at = (int32_t)pg_get_i64(result, row, column);
        if (PQgetisnull(result, row, column) != 0)
            *(int32_t *)at = -1;
        break;
    case MEMBER_INT32:
        *(int32_t *)at = (int32_t)pg_get_i64(result, row, column);
        break;
    case MEMBER_INT64:
        *(int64_t *)at = pg_get_i64(result, row, column);
        break;
    }
}

struct site_row pg_get_site(const PGresult *result, int row, struct arena *arena)
{
    struct site_row out = {0};

    for (int i = 0; i < SITE_MEMBERS; i++)
        site_column(result, row, i, &site_members[i], arena, &out);
    out.created_ms = pg_get_i64(result, row, SITE_MEMBERS);
    return out;
}

static int read_site(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct directory_reader *reader = ctx;

    (void)err;
    reader->out->sites[reader->out->sites_count++] = pg_get_site(result, row, reader->arena);
    return 0;
}

/* -- tokens ------------------------------------------------------------------------------------ */

static const char TOKENS[] = "SELECT " PG_TOKEN_COLUMNS " FROM tokens ORDER BY created_ms, id";

struct token_row pg_get_token(const PGresult *result, int row, struct arena *arena)
{
    struct token_row out = {
        .id = copied(result, row, 0, arena),
        .tenant = copied(result, row, 1, arena),
        .site = copied(result, row, 2, arena),
        .platform = pg_get_i64(result, row, 3) != 0,
        .scopes = (unsigned)pg_get_i64(result, row, 4),
        .created_ms = pg_get_i64(result, row, 6),
        .expires_ms = pg_get_i64(result, row, 7),
    };
    struct str hash = pg_get_str(result, row, 5);

    if (hash.len == TOKEN_HASH_BYTES)
        memcpy(out.hash, hash.ptr, TOKEN_HASH_BYTES);
    return out;
}

static int read_token(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct directory_reader *reader = ctx;

    (void)err;
    reader->out->tokens[reader->out->tokens_count++] = pg_get_token(result, row, reader->arena);
    return 0;
}

/* -- all of them ------------------------------------------------------------------------------- */

static const char ROOM[] = "SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM"
                           " analytics_settings), (SELECT count(*) FROM tokens),"
                           " (SELECT value FROM secrets WHERE name = 'id_key')";

/* Room for all rows, and the key. */
static int make_room(struct pg_store *store, struct arena *arena, struct directory_rows *out,
                     struct err *err)
{
    struct pg_query query = pg_query(ROOM);
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    if (rc != 0)
        return rc;
    struct str key = pg_get_str(result, 0, 3);

    out->tenants = ARENA_NEW(arena, struct tenant_row, (size_t)pg_get_i64(result, 0, 0) + 1);
    out->sites = ARENA_NEW(arena, struct site_row, (size_t)pg_get_i64(result, 0, 1) + 1);
    out->tokens = ARENA_NEW(arena, struct token_row, (size_t)pg_get_i64(result, 0, 2) + 1);
    if (key.len == sizeof(out->id_key))
        memcpy(out->id_key, key.ptr, key.len);
    else
        rc = err_set(err, ERR_CORRUPT, "database: no id_key");
    PQclear(result);
    return rc;
}

int pg_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                      struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct directory_reader reader = {out, arena};
    struct pg_query tenants = pg_query(TENANTS), sites = pg_query(SITES), tokens = pg_query(TOKENS);
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    *out = (struct directory_rows){0};
    if (rc == 0)
        rc = make_room(store, arena, out, err);
    if (rc == 0)
        rc = pg_each(store, &tenants, read_tenant, &reader, err);
    if (rc == 0)
        rc = pg_each(store, &sites, read_site, &reader, err);
    if (rc == 0)
        rc = pg_each(store, &tokens, read_token, &reader, err);
    return pg_snapshot_end(store, own, rc);
}
