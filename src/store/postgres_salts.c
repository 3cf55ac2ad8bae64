/*
 * store/postgres_salts.c -- the salts that all nodes share.
 *
 * They stand in an unlogged table, which is only ever rewritten whole: TRUNCATE gives it new files
 * and removes the old ones with the transaction, so that neither a dead row nor the write-ahead log
 * keeps a salt. A crash of the server empties the table; then each node that comes by puts back
 * what it holds, and of two salts for a date the one that was made first holds: a node that made a
 * new one while the others were away takes theirs.
 *
 * They travel by COPY: a server that logs its statements logs their parameters too, but not this.
 * libpq's buffers keep what was sent and received last, and are neither locked nor cleared when a
 * connection ends: something harmless goes through them afterwards. No statistics are kept of the
 * column (postgres-003.sql), since ANALYZE would copy salts to a table that is logged.
 *
 * Mostly there is nothing to change, which one SELECT without a lock tells. A change is made under
 * the table's lock, on what is read there again; everyone hears of it (COUNTER_SALTS, LISTEN).
 */
#include "store/postgres_copy.h"

#include <sodium.h>

/* -- the table --------------------------------------------------------------------------------- */

static const char ALL_SALTS[] = "SELECT day, made_ms, key FROM salts ORDER BY day";

static void scrub(PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++)
        sodium_memzero(PQgetvalue(result, row, 2), (size_t)PQgetlength(result, row, 2));
    PQclear(result);
}

static int read_table(struct pg_store *store, struct salts *out, struct err *err)
{
    struct pg_query query = pg_query(ALL_SALTS);
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    *out = (struct salts){0};
    if (rc == 0 && PQntuples(result) > SALTS_MAX)
        rc = err_set(err, ERR_CORRUPT, "database: %d salts, there are never more than %d",
                     PQntuples(result), (int)SALTS_MAX);
    for (int row = 0; rc == 0 && row < PQntuples(result); row++) {
        struct salt *salt = &out->salt[out->count++];
        struct str key = pg_get_str(result, row, 2);

        salt->day = (int32_t)pg_get_i64(result, row, 0);
        salt->made_ms = pg_get_i64(result, row, 1);
        if (key.len == SALT_BYTES)
            memcpy(salt->key, key.ptr, SALT_BYTES);
    }
    scrub(result);
    return rc;
}

static const char ADD_SALTS[] = "COPY salts (day, made_ms, key) FROM STDIN (FORMAT binary)";

enum { SALT_FIELDS = 3, SALT_ROOM = 64 + SALT_BYTES };

static void put_salt(struct buf *buf, const struct salt *salt)
{
    char *at = buf_reserve(buf, SALT_ROOM);

    at = put_i16(at, SALT_FIELDS);
    at = put_field_i32(at, salt->day);
    at = put_field_i64(at, salt->made_ms);
    at = put_field_text(at, (struct str){(const char *)salt->key, SALT_BYTES});
    buf->len = (size_t)(at - buf->ptr);
}

/* All the room is there before the first salt: a buffer that grows leaves its bytes behind. */
static int write_table(struct pg_store *store, const struct salts *salts, struct err *err)
{
    struct buf buf = {0};
    int rc = pg_exec(store, "TRUNCATE salts", err);

    (void)buf_reserve(&buf, (SALTS_MAX + 1) * SALT_ROOM);
    copy_begin(&buf);
    for (size_t i = 0; i < salts->count; i++)
        put_salt(&buf, &salts->salt[i]);
    if (rc == 0)
        rc = copy_end(store, ADD_SALTS, &buf, err);
    sodium_memzero(buf.ptr, buf.len);
    buf_release(&buf);
    return rc;
}

/* -- which live -------------------------------------------------------------------------------- */

/* The salt of a date: the one made first of two (the table's, where both were at once). */
static const struct salt *first_made(const struct salts *table, const struct salts *held,
                                     int32_t day)
{
    const struct salt *a = salts_find(table, day), *b = salts_find(held, day);

    return a == NULL || (b != NULL && b->made_ms < a->made_ms) ? b : a;
}

/* What is to be in the table, oldest date first. */
static struct salts merge(const struct salts *table, const struct salts *held, int64_t now_ms)
{
    struct salts out = {0};
    int32_t first, last;

    store_salt_days(now_ms, &first, &last);
    for (int32_t day = first; day <= last; day++) {
        const struct salt *salt = first_made(table, held, day);
        struct salt *new = &out.salt[out.count++];

        if (salt != NULL) {
            *new = *salt;
            continue;
        }
        new->day = day;
        new->made_ms = now_ms;
        randombytes_buf(new->key, SALT_BYTES);
    }
    return out;
}

static bool same_salts(const struct salts *a, const struct salts *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = a->salt[i].day == b->salt[i].day && a->salt[i].made_ms == b->salt[i].made_ms &&
               sodium_memcmp(a->salt[i].key, b->salt[i].key, SALT_BYTES) == 0;
    return same;
}

/* -- what libpq keeps -------------------------------------------------------------------------- */

/* More than all salts and what frames them take in either direction. */
enum { HARMLESS_BYTES = 2 * SALTS_MAX * SALT_ROOM };

static const char ECHO[] = "SELECT $1";

/* Best effort: with a connection that is lost its buffers are lost, too. */
static void write_over_buffers(struct pg_store *store)
{
    static const uint8_t harmless[HARMLESS_BYTES];
    struct pg_query query = pg_query(ECHO);
    PGresult *result = NULL;

    pg_bytes(&query, harmless, sizeof(harmless));
    (void)pg_run(store, &query, &result, NULL);
    PQclear(result);
}

/* -- the verb ---------------------------------------------------------------------------------- */

/* Read, see what is to be, and write that where it differs. *out: what is in the table then. */
static int turn(struct pg_store *store, int64_t now_ms, const struct salts *held, bool write,
                struct salts *out, bool *differs, struct err *err)
{
    struct salts table = {0};
    int rc = read_table(store, &table, err);

    if (rc == 0) {
        *out = merge(&table, held, now_ms);
        *differs = !same_salts(&table, out);
    }
    if (rc == 0 && *differs && write)
        rc = write_table(store, out, err);
    sodium_memzero(&table, sizeof(table));
    return rc;
}

static int turn_locked(struct pg_store *store, int64_t now_ms, const struct salts *held,
                       struct salts *out, struct err *err)
{
    bool differs;
    int rc = pg_begin_with(store, PG_READ_MS, PG_LOCK_MS, err);

    if (rc != 0)
        return rc;
    rc = pg_exec(store, "LOCK TABLE salts IN ACCESS EXCLUSIVE MODE", err);
    if (rc == 0)
        rc = turn(store, now_ms, held, true, out, &differs, err);
    return pg_end(store, rc, err);
}

/* What fails leaves the caller what it held. */
int pg_salts(struct store *base, int64_t now_ms, struct salts *io, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct salts out = {0};
    bool differs = false;

    if (base->read_only)
        return err_set(err, ERR_DENIED, "the store is open for reading only");
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = turn(store, now_ms, io, false, &out, &differs, err);
    if (rc == 0 && differs)
        rc = turn_locked(store, now_ms, io, &out, err);
    write_over_buffers(store);
    if (rc == 0)
        *io = out;
    sodium_memzero(&out, sizeof(out));
    return rc;
}
