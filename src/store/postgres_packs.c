/*
 * store/postgres_packs.c -- what breakdowns are made from: a day's visits, its pack, and whether
 * that holds.
 *
 * What readers ask for names the tenant. These tables have no column for it: a site's row in
 * analytics_settings says whose it is, and is looked at once for each statement.
 *
 * A day's visits are read some thousand at a time, in one snapshot, each time from behind the last
 * one: so they come out of the key's index in order, and nothing is ever sorted or held, here or in
 * the server.
 */
#include "store/postgres_internal.h"

enum { VISITS_AT_ONCE = 4096 };

/* $1: the tenant, $2: the site. */
#define SITE_IS_THE_TENANTS                                                                        \
    " AND EXISTS (SELECT FROM analytics_settings s WHERE s.site_id = $2 AND s.tenant_id = $1)"

/* -- what the job asks for --------------------------------------------------------------------- */

/* A partition is a hash that the database does not know. */
static const char ALL_DUE[] =
    "SELECT site_id, day FROM due_days WHERE day < $1 ORDER BY site_id, day";

struct due_reader {
    uint32_t partitions;
    struct arena *arena;
    struct site_day *days;
    size_t count, room;
    struct str site; /* the last one, and whether it is asked for */
    bool wanted;
};

static void *grown(struct arena *arena, const void *rows, size_t count, size_t room, size_t size)
{
    void *larger = arena_alloc(arena, room, size);

    if (count > 0)
        memcpy(larger, rows, count * size);
    return larger;
}

static int read_due(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct due_reader *reader = ctx;
    struct str site = pg_get_str(result, row, 0);

    (void)err;
    if (!str_eq(site, reader->site)) {
        reader->site = arena_str(reader->arena, site);
        reader->wanted = (reader->partitions >> site_partition(site) & 1) != 0;
    }
    if (!reader->wanted)
        return 0;
    if (reader->count == reader->room) {
        reader->room = reader->room == 0 ? 64 : reader->room * 2;
        reader->days = grown(reader->arena, reader->days, reader->count, reader->room,
                             sizeof(reader->days[0]));
    }
    reader->days[reader->count++] =
        (struct site_day){reader->site, (int32_t)pg_get_i64(result, row, 1)};
    return 0;
}

int pg_load_due(struct store *base, uint32_t partitions, int32_t before, struct arena *arena,
                struct site_day **out, size_t *count, struct err *err)
{
    struct due_reader reader = {.partitions = partitions, .arena = arena, .site = STR("")};
    struct pg_query query = pg_query(ALL_DUE);
    int rc = pg_ready(pg_of(base), err);

    pg_i32(&query, before);
    if (rc == 0)
        rc = pg_each(pg_of(base), &query, read_due, &reader, err);
    *out = reader.days;
    *count = reader.count;
    return rc;
}

static const char GOALS[] = "SELECT site_id, hash FROM goals_counted ORDER BY site_id";

int pg_load_goals(struct store *base, struct arena *arena, struct goals_row **out, size_t *count,
                  struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(GOALS);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    int rows = rc == 0 ? PQntuples(result) : 0;

    *out = ARENA_NEW(arena, struct goals_row, (size_t)rows + 1);
    *count = (size_t)rows;
    for (int row = 0; row < rows; row++)
        (*out)[row] = (struct goals_row){arena_str(arena, pg_get_str(result, row, 0)),
                                         (uint64_t)pg_get_i64(result, row, 1)};
    PQclear(result);
    return rc;
}

/* -- visits of a day --------------------------------------------------------------------------- */

static const char VISITS_OF_DAY[] =
    "SELECT visitor, begin_ms, " PG_VISIT_VALUES
    " FROM visits WHERE site_id = $2 AND day = $3" SITE_IS_THE_TENANTS
    " AND (visitor, begin_ms) >= ($4, $5) ORDER BY visitor, begin_ms LIMIT $6";

struct visit_reader {
    visit_fn *fn;
    void *ctx;
    struct visit visit; /* the last one */
    size_t count;
};

static int read_visit(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct visit_reader *reader = ctx;

    (void)err;
    reader->count++;
    reader->visit.key.visitor = (uint64_t)pg_get_i64(result, row, 0);
    pg_get_visit(result, row, 1, &reader->visit);
    return reader->fn(reader->ctx, &reader->visit);
}

/* From `key` on. */
static int read_visits_from(struct pg_store *store, struct str tenant, const struct visit_key *key,
                            struct visit_reader *reader, struct err *err)
{
    struct pg_query query = pg_query(VISITS_OF_DAY);

    pg_text(&query, tenant);
    pg_text(&query, key->site);
    pg_i32(&query, key->day);
    pg_i64(&query, (int64_t)key->visitor);
    pg_i64(&query, key->begin_ms);
    pg_i64(&query, VISITS_AT_ONCE);
    reader->count = 0;
    return pg_each(store, &query, read_visit, reader, err);
}

int pg_each_visit(struct store *base, struct str tenant, struct str site, int32_t day, visit_fn *fn,
                  void *ctx, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct visit_reader reader = {.fn = fn, .ctx = ctx, .visit.key = {.site = site, .day = day}};
    struct visit_key from = {site, day, (uint64_t)INT64_MIN, INT64_MIN};
    bool own = false;
    int rc = pg_snapshot(store, &own, err);

    do {
        if (rc == 0)
            rc = read_visits_from(store, tenant, &from, &reader, err);
        from.visitor = reader.visit.key.visitor; /* behind it: no run begins at the end of time */
        from.begin_ms = reader.visit.key.begin_ms + 1;
    } while (rc == 0 && reader.count == VISITS_AT_ONCE);
    return pg_snapshot_end(store, own, rc);
}

/* -- days and their packs ---------------------------------------------------------------------- */

static const char DUE_OF_SITE[] = "SELECT day FROM due_days WHERE site_id = $2"
                                  " AND day BETWEEN $3 AND $4" SITE_IS_THE_TENANTS " ORDER BY day";

int pg_due_days(struct store *base, struct str tenant, struct str site, int32_t from, int32_t to,
                struct arena *arena, int32_t **out, size_t *count, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(DUE_OF_SITE);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    pg_text(&query, tenant);
    pg_text(&query, site);
    pg_i32(&query, from);
    pg_i32(&query, to);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    int rows = rc == 0 ? PQntuples(result) : 0;

    *out = ARENA_NEW(arena, int32_t, (size_t)rows + 1);
    *count = (size_t)rows;
    for (int row = 0; row < rows; row++)
        (*out)[row] = (int32_t)pg_get_i64(result, row, 0);
    PQclear(result);
    return rc;
}

/* One way through the key, in its order, however many parts are asked for: they are bounded there,
 * and chosen (+ 0) outside of it. */
static const char PACKS_OF_SITE[] =
    "SELECT day, part, bytes FROM packs WHERE site_id = $2 AND day BETWEEN $3 AND $4"
    " AND part BETWEEN $5 AND $6 AND part + 0 = ANY ($7)" SITE_IS_THE_TENANTS
    " ORDER BY site_id, day, part";

struct pack_reader {
    struct str site;
    pack_fn *fn;
    void *ctx;
};

static int read_pack(void *ctx, const PGresult *result, int row, struct err *err)
{
    const struct pack_reader *reader = ctx;
    const struct pack_part part = {reader->site, (int32_t)pg_get_i64(result, row, 0),
                                   (int32_t)pg_get_i64(result, row, 1), pg_get_str(result, row, 2)};

    (void)err;
    return reader->fn(reader->ctx, &part);
}

int pg_each_pack(struct store *base, struct str tenant, struct str site, int32_t from, int32_t to,
                 const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx, struct err *err)
{
    struct pg_query query = pg_query(PACKS_OF_SITE);
    struct pack_reader reader = {site, fn, ctx};
    struct pg_array wanted = {0};
    int rc = pg_ready(pg_of(base), err);

    if (rc != 0 || parts_count == 0)
        return rc;
    wanted = pg_array(PG_INT4);
    for (size_t i = 0; i < parts_count; i++)
        pg_add_i32(&wanted, parts[i]);
    pg_text(&query, tenant);
    pg_text(&query, site);
    pg_i32(&query, from);
    pg_i32(&query, to);
    pg_i32(&query, parts[0]);
    pg_i32(&query, parts[parts_count - 1]);
    pg_bind_array(&query, &wanted);
    rc = pg_each(pg_of(base), &query, read_pack, &reader, err);
    buf_release(&wanted.buf);
    return rc;
}
