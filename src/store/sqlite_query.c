/*
 * store/sqlite_query.c -- statements, transactions, and what an error of SQLite means to the
 * caller.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <errno.h>

/* -- errors ------------------------------------------------------------------------------------ */

static int io_code(sqlite3 *db)
{
    int cause = sqlite3_system_errno(db);

    return cause == ENOSPC || cause == EDQUOT ? ERR_FULL : ERR_SYSTEM;
}

static int code_of(sqlite3 *db, int rc)
{
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE)
        return ERR_CONFLICT;
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ERR_INVALID;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
        return ERR_UNAVAILABLE;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_READONLY:
        return ERR_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    default:
        return io_code(db);
    }
}

int sqlite_fail(struct sqlite_store *store, int rc, struct err *err)
{
    return err_set(err, code_of(store->db, rc), "database: %s", sqlite3_errmsg(store->db));
}

/* -- statements -------------------------------------------------------------------------------- */

int sqlite_query(struct sqlite_store *store, const char *sql, struct query *out, struct err *err)
{
    *out = (struct query){0};
    for (size_t i = 0; i < store->queries_count; i++)
        if (store->queries[i].sql == sql) {
            out->stmt = store->queries[i].stmt;
            return 0;
        }
    assert(store->queries_count < QUERIES_MAX);
    int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &out->stmt, NULL);

    if (rc != SQLITE_OK)
        return sqlite_fail(store, rc, err);
    store->queries[store->queries_count++] = (struct sqlite_query){sql, out->stmt};
    return 0;
}

int sqlite_row(struct sqlite_store *store, struct query *query, struct err *err)
{
    int rc = query->rc != SQLITE_OK ? query->rc : sqlite3_step(query->stmt);
    int result = rc == SQLITE_ROW ? 1 : 0;

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        result = sqlite_fail(store, rc, err);
    if (rc != SQLITE_ROW)
        (void)sqlite3_reset(query->stmt);
    query->at = 0;
    return result;
}

int sqlite_done(struct sqlite_store *store, struct query *query, struct err *err)
{
    int rc;

    do
        rc = sqlite_row(store, query, err);
    while (rc > 0);
    return rc;
}

void sqlite_end(struct query *query)
{
    (void)sqlite3_reset(query->stmt);
    query->at = 0;
}

int sqlite_count_rows(struct sqlite_store *store, const char *sql, size_t *out, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    *out = rc > 0 ? (size_t)column_i64(&query) : 0;
    sqlite_end(&query);
    return 0;
}

/* -- transactions ------------------------------------------------------------------------------ */

static const char BEGIN_READING[] = "BEGIN";
static const char BEGIN_WRITING[] = "BEGIN IMMEDIATE";
static const char COMMIT[] = "COMMIT";
static const char ROLLBACK[] = "ROLLBACK";

static int run(struct sqlite_store *store, const char *sql, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    return rc == 0 ? sqlite_done(store, &query, err) : rc;
}

int sqlite_write_begin(struct sqlite_store *store, struct err *err)
{
    assert(!store->reading);
    return run(store, BEGIN_WRITING, err);
}

int sqlite_snapshot(struct sqlite_store *store, bool *own, struct err *err)
{
    int rc = 0;

    *own = false;
    if (!store->reading) {
        rc = run(store, BEGIN_READING, err);
        *own = store->reading = rc == 0;
    }
    return rc;
}

int sqlite_snapshot_end(struct sqlite_store *store, bool own, int rc)
{
    if (own) {
        (void)run(store, ROLLBACK, NULL);
        store->reading = false;
    }
    return rc;
}

/* A failed sync leaves it open whether the transaction outlives a crash; everything else is known
 * not to have happened.
 */
static int commit(struct sqlite_store *store, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, COMMIT, &query, err);

    if (rc != 0)
        return rc;
    int sqlite_rc = sqlite3_step(query.stmt);

    if (sqlite_rc != SQLITE_DONE) {
        rc = sqlite_fail(store, sqlite_rc, err);
        if ((sqlite_rc & 0xff) == SQLITE_IOERR)
            rc = ERR_UNCERTAIN;
    }
    (void)sqlite3_reset(query.stmt);
    return rc;
}

int sqlite_write_end(struct sqlite_store *store, int rc, struct err *err)
{
    if (rc == 0)
        rc = commit(store, err);
    if (rc == 0)
        store->writes++;
    else if (!sqlite3_get_autocommit(store->db))
        (void)run(store, ROLLBACK, NULL);
    return rc;
}
