/*
 * store/sqlite_compact.c -- the space of rows that are gone, given up.
 *
 * SQLite leaves removed rows where they were until their pages are used again (secure_delete is
 * FAST), in the database and in its log. VACUUM writes all that is live anew, through the log; then
 * everything is taken from the log into the database, and both files are cut. VACUUM needs about
 * twice the database's size for it, half of that where SQLite keeps temporary files.
 */
#include "store/sqlite_internal.h"

#include "base/clock.h"

#include <time.h>

enum { COMPACT_TRIES = 3, PAUSE_US = 5000 }; /* each waits for as long as a lock is waited for */

static const char EMPTY_LOG[] = "PRAGMA wal_checkpoint(TRUNCATE)";

/* Everything from the log to the database, and the log to nothing: 1, or 0: somebody still reads an
 * older state, or writes. */
static int empty_log(struct sqlite_store *store, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, EMPTY_LOG, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc == ERR_UNAVAILABLE ? 0 : rc;
    bool busy = rc == 0 || column_i64(&query) != 0;

    sqlite_end(&query);
    return !busy;
}

/* Readers are waited for by SQLite; whoever else takes from the log into the database, as anybody
 * may who has just written while it is long, is not. */
static int empty_log_with_patience(struct sqlite_store *store, struct err *err)
{
    int64_t until_us = clock_steady_us() + (int64_t)COMPACT_TRIES * store->busy_tries * PAUSE_US;
    int rc;

    while ((rc = empty_log(store, err)) == 0 && clock_steady_us() < until_us)
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_US * 1000L}, NULL);
    if (rc == 0)
        rc = err_set(err, ERR_UNAVAILABLE, "database: somebody reads an older state of it");
    return rc > 0 ? 0 : rc;
}

/* Not in memory, as other temporary tables are: it is as large as the database. */
static int rewrite(struct sqlite_store *store, struct err *err)
{
    int rc = sqlite3_exec(store->db, "PRAGMA temp_store = FILE", NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(store->db, "VACUUM", NULL, NULL, NULL);
    rc = rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
    (void)sqlite3_exec(store->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    return rc;
}

/* First the log, so that nothing is written anew in vain where somebody stands in the way. */
int sqlite_compact(struct store *base, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    int rc = empty_log_with_patience(store, err);

    if (rc == 0)
        rc = rewrite(store, err);
    return rc == 0 ? empty_log_with_patience(store, err) : rc;
}
