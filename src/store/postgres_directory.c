/*
 * store/postgres_directory.c -- tenants, sites, tokens, links and what the installation sets as a
 * whole, in one snapshot.
 */
#include "store/postgres_internal.h"

/* Rows of a kind, one behind the other; there is room for all of them. */
struct reader {
    enum row_kind kind;
    char *rows;
    size_t count;
    struct arena *arena;
};

static int read_row(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct reader *reader = ctx;

    (void)err;
    pg_get_row(result, row, reader->kind, reader->arena,
               reader->rows + reader->count * row_size(reader->kind));
    reader->count++;
    return 0;
}

static int read_rows(struct pg_store *store, struct reader *reader, size_t room, struct err *err)
{
    struct pg_query query = pg_query(pg_row_sql(store, reader->kind, PG_ROW_EACH));

    reader->rows = arena_alloc(reader->arena, room + 1, row_size(reader->kind));
    return pg_each(store, &query, read_row, reader, err);
}

enum { TENANTS, SITES, TOKENS, LINKS, KINDS };
static const enum row_kind kinds[KINDS] = {ROW_TENANT, ROW_SITE, ROW_TOKEN, ROW_LINK};

static const char ROOM[] =
    "SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM analytics_settings),"
    " (SELECT count(*) FROM tokens), (SELECT count(*) FROM links),"
    " (SELECT value FROM secrets WHERE name = 'id_key'),"
    " (SELECT value FROM secrets WHERE name = 'signing_key'),"
    " (SELECT settings FROM installation), (SELECT max(done_ms) FROM erasures)";

static bool read_key(const PGresult *result, int column, uint8_t *key, size_t len)
{
    struct str value = pg_get_str(result, 0, column);

    if (value.len == len)
        memcpy(key, value.ptr, len);
    return value.len == len;
}

/* How many rows there are of each kind, and what is there once. */
static int read_rest(struct pg_store *store, struct arena *arena, size_t room[KINDS],
                     struct directory_rows *out, struct err *err)
{
    struct pg_query query = pg_query(ROOM);
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    if (rc != 0)
        return rc;
    for (int i = 0; i < KINDS; i++)
        room[i] = (size_t)pg_get_i64(result, 0, i);
    if (!read_key(result, KINDS, out->id_key, sizeof(out->id_key)))
        rc = err_set(err, ERR_CORRUPT, "database: no id_key");
    else if (!read_key(result, KINDS + 1, out->signing_key, sizeof(out->signing_key)))
        rc = err_set(err, ERR_CORRUPT, "database: no signing_key");
    out->installation = pg_get_json(result, 0, KINDS + 2, arena);
    out->erased_ms = pg_get_i64(result, 0, KINDS + 3);
    PQclear(result);
    return rc;
}

static int read_all(struct pg_store *store, struct arena *arena, struct directory_rows *out,
                    struct err *err)
{
    struct reader readers[KINDS];
    size_t room[KINDS];
    int rc = read_rest(store, arena, room, out, err);

    for (int i = 0; rc == 0 && i < KINDS; i++) {
        readers[i] = (struct reader){.kind = kinds[i], .arena = arena};
        rc = read_rows(store, &readers[i], room[i], err);
    }
    if (rc != 0)
        return rc;
    out->tenants = (void *)readers[TENANTS].rows;
    out->tenants_count = readers[TENANTS].count;
    out->sites = (void *)readers[SITES].rows;
    out->sites_count = readers[SITES].count;
    out->tokens = (void *)readers[TOKENS].rows;
    out->tokens_count = readers[TOKENS].count;
    out->links = (void *)readers[LINKS].rows;
    out->links_count = readers[LINKS].count;
    return 0;
}

int pg_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                      struct err *err)
{
    struct pg_store *store = pg_of(base);
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    *out = (struct directory_rows){0};
    if (rc == 0)
        rc = read_all(store, arena, out, err);
    return pg_snapshot_end(store, own, rc);
}
