/*
 * store/sqlite_job.c -- what the job reads before it writes, and what surrounds its batches.
 *
 * Only while it holds the lease does a handle keep a large page cache; memory goes back with the
 * lease.
 */
#include "store/sqlite_internal.h"

enum { WAL_PAGES_MAX = 8192 }; /* 32 MB */

static int set_cache(struct sqlite_store *store, const char *pragma, struct err *err)
{
    int rc = sqlite3_exec(store->db, pragma, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
}

int sqlite_lease(struct store *base, uint32_t wanted, bool all, bool wait, uint32_t *got,
                 struct err *err)
{
    int rc = lease_take(base, wanted, all, wait, got, err);

    if (rc != 0)
        return rc;
    rc = set_cache(sqlite_of(base), "PRAGMA cache_size = -8000", err);
    if (rc != 0) {
        lease_give(base);
        *got = 0;
    }
    return rc;
}

void sqlite_unlease(struct store *base)
{
    struct sqlite_store *store = sqlite_of(base);

    (void)set_cache(store, "PRAGMA cache_size = -1000", NULL);
    (void)sqlite3_db_release_memory(store->db);
    lease_give(base);
}

/* -- positions --------------------------------------------------------------------------------- */

static const char COUNT_POSITIONS[] = "SELECT count(*) FROM positions";
static const char POSITIONS[] =
    "SELECT producer, partition, number FROM positions ORDER BY producer, partition";

static struct position position_columns(struct query *query)
{
    struct position position = {.number = 0};
    struct str producer = column_str(query);

    if (producer.len == PRODUCER_BYTES)
        memcpy(position.producer.id, producer.ptr, PRODUCER_BYTES);
    position.partition = (uint16_t)column_i64(query);
    position.number = (uint64_t)column_i64(query);
    return position;
}

/* All rows are looked at: they are those of a month's starts of one machine. */
static int read_positions(struct sqlite_store *store, const struct position_filter *filter,
                          struct arena *arena, struct position **out, size_t *count,
                          struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = sqlite_count_rows(store, COUNT_POSITIONS, &room, err);

    if (rc == 0)
        rc = sqlite_query(store, POSITIONS, &query, err);
    if (rc != 0)
        return rc;
    *out = ARENA_NEW(arena, struct position, room + 1);
    *count = 0;
    while (*count < room && (rc = sqlite_row(store, &query, err)) > 0) {
        struct position position = position_columns(&query);

        if (position_wanted(filter, &position.producer, position.partition))
            (*out)[(*count)++] = position;
    }
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

int sqlite_positions(struct store *base, const struct position_filter *filter, struct arena *arena,
                     struct position **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = read_positions(store, filter, arena, out, count, err);
    return sqlite_snapshot_end(store, own, rc);
}

static const char HOLD_POSITIONS[] =
    "UPDATE positions SET moved_ms = ?1 WHERE producer = ?2 AND moved_ms < ?1";

int sqlite_hold_positions(struct store *base, const struct producer *producers, size_t count,
                          int64_t now_ms, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_write_begin(store, err);

    if (rc != 0)
        return rc;
    rc = sqlite_query(store, HOLD_POSITIONS, &query, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bind_i64(&query, now_ms);
        bind_bytes(&query, producers[i].id, PRODUCER_BYTES);
        rc = sqlite_done(store, &query, err);
    }
    return sqlite_write_end(store, rc, err);
}

/* -- what a batch needs ------------------------------------------------------------------------ */

/* Thousands of small reads run in one snapshot: taking a snapshot costs as much as a read. */

static const char SKETCH[] =
    "SELECT bytes FROM sketches WHERE site_id = ? AND day = ? AND kind = ? AND hour_ms = ?";

int sqlite_load_sketches(struct store *base, struct arena *arena, struct sketch *sketches,
                         size_t count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = sqlite_query(store, SKETCH, &query, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct sketch_key *key = &sketches[i].key;

        bind_str(&query, key->site);
        bind_i64(&query, key->day);
        bind_i64(&query, key->kind);
        bind_i64(&query, key->hour_ms);
        sketches[i].bytes = STR("");
        while ((rc = sqlite_row(store, &query, err)) > 0)
            sketches[i].bytes = arena_str(arena, column_str(&query));
    }
    return sqlite_snapshot_end(store, own, rc);
}

static const char KEY_RECEIVED[] = "SELECT received_ms FROM event_ids WHERE site_id = ? AND id = ?";

int sqlite_load_keys(struct store *base, struct event_key *keys, size_t count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = sqlite_query(store, KEY_RECEIVED, &query, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        bind_str(&query, keys[i].site);
        bind_bytes(&query, keys[i].id, sizeof(keys[i].id));
        keys[i].received_ms = 0;
        while ((rc = sqlite_row(store, &query, err)) > 0)
            keys[i].received_ms = column_i64(&query);
    }
    return sqlite_snapshot_end(store, own, rc);
}

/* -- the end of a run -------------------------------------------------------------------------- */

static const char COUNT[] = "UPDATE counters SET value = value + ? WHERE name = ?";
static const char SET_COUNTER[] = "UPDATE counters SET value = ? WHERE name = ?";

static int change_counter(struct sqlite_store *store, const char *sql, const char *name, int64_t n,
                          struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, n);
    bind_str(&query, str_from(name));
    return sqlite_done(store, &query, err);
}

int sqlite_count(struct sqlite_store *store, const char *name, int64_t n, struct err *err)
{
    return n == 0 ? 0 : change_counter(store, COUNT, name, n, err);
}

/* Readers may have kept the log from beginning anew for long; then wait for them, but briefly. What
 * fails here is done by a later run. */
static void bound_wal(struct sqlite_store *store)
{
    int pages = 0, done = 0;

    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
    if (pages <= WAL_PAGES_MAX)
        return;
    store->busy_tries = BUSY_TRIES_BRIEF;
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store->busy_tries = BUSY_TRIES;
}

static const char MOVE_AS_OF[] =
    "UPDATE partitions SET as_of_ms = ?2 WHERE ?1 >> partition & 1 AND as_of_ms < ?2";
static const char SET_LEAST_AS_OF[] =
    "UPDATE counters SET value = (SELECT min(as_of_ms) FROM partitions) WHERE name = 'as_of'";

static int move_as_of(struct sqlite_store *store, uint32_t partitions, int64_t as_of_ms,
                      struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, MOVE_AS_OF, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, partitions);
    bind_i64(&query, as_of_ms);
    rc = sqlite_done(store, &query, err);
    if (rc == 0)
        rc = sqlite_query(store, SET_LEAST_AS_OF, &query, err);
    return rc == 0 ? sqlite_done(store, &query, err) : rc;
}

int sqlite_finish_run(struct store *base, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                      struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    int rc = sqlite_write_begin(store, err);

    if (rc != 0)
        return rc;
    rc = move_as_of(store, partitions, as_of_ms, err);
    if (rc == 0)
        rc = change_counter(store, SET_COUNTER, "last_success", now_ms, err);
    rc = sqlite_write_end(store, rc, err);
    if (rc == 0)
        bound_wal(store);
    return rc;
}
