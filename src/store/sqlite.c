/*
 * store/sqlite.c -- the SQLite backend: opening, waiting for locks, and the table of its verbs.
 *
 * WAL, so that readers never wait for the writer; synchronous=FULL, so that what is committed
 * outlives a power cut; BEGIN IMMEDIATE, so that a writer waits at the beginning of its transaction
 * and nowhere else.
 *
 * A handle that waits for the write lock looks every few milliseconds: the job leaves the lock free
 * for 10 ms between its transactions when another writer waits (lease.c), and SQLite's own
 * time-out, which sleeps up to 100 ms at a time, would miss that.
 *
 * A read-only handle is opened without the right to write, so that no fault of ours can; it may
 * make the -shm file that a WAL needs, but not the database.
 */
#include "store/sqlite_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    BUSY_SHORT_TRIES = 10, /* of 1 ms each, then some of 5 ms */
    WAL_PAGES = 2000,      /* written back when the log holds more: 8 MB */
    WAL_BYTES_KEPT = 16 * 1024 * 1024,
};

static int wait_for_lock(void *ctx, int tries)
{
    const struct sqlite_store *store = ctx;
    long ms = tries < BUSY_SHORT_TRIES ? 1 : 5;

    if (tries >= store->busy_tries)
        return 0;
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000 * 1000}, NULL);
    return 1;
}

/* The database holds what visitors did: made here, it is readable by its owner only; SQLite gives
 * its other files the same mode. One that is there is not even opened: closing it again would drop
 * the POSIX locks that this process's other handles hold on it, and with them all protection from
 * other processes. */
static int make_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    (void)close(fd);
    return 0;
}

static int find_file(const char *path, struct err *err)
{
    if (access(path, F_OK) != 0)
        return err_set(err, errno == ENOENT ? ERR_NOTFOUND : ERR_SYSTEM, "%s: %s", path,
                       strerror(errno));
    return 0;
}

static int set_up(struct sqlite_store *store, bool read_only, struct err *err)
{
    char pragmas[256];
    int rc;

    store->busy_tries = BUSY_TRIES;
    (void)sqlite3_busy_handler(store->db, wait_for_lock, store);
    (void)sqlite3_snprintf(sizeof(pragmas), pragmas,
                           "%s PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                           "PRAGMA temp_store = MEMORY;"
                           "PRAGMA cache_size = -1000; PRAGMA secure_delete = FAST;"
                           "PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %d;",
                           read_only ? "" : "PRAGMA journal_mode = WAL;", WAL_PAGES,
                           WAL_BYTES_KEPT);
    rc = sqlite3_exec(store->db, pragmas, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
}

static void sqlite_close(struct store *base)
{
    struct sqlite_store *store = sqlite_of(base);

    for (size_t i = 0; i < store->queries_count; i++)
        (void)sqlite3_finalize(store->queries[i].stmt);
    (void)sqlite3_close(store->db);
    free(store);
}

static int open_database(struct sqlite_store *store, const char *path, bool read_only,
                         struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int rc = read_only ? find_file(path, err) : make_file(path, err);

    if (rc != 0)
        return rc;
    rc = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(store, rc, err);
    rc = set_up(store, read_only, err);
    return rc == 0 ? sqlite_migrate(store, read_only, err) : rc;
}

static int sqlite_check_url(struct str path, struct err *err)
{
    return path.len > 0 ? 0 : err_set(err, ERR_INVALID, "sqlite: names no file");
}

static int sqlite_open(const struct store_config *config, struct str path, struct store **out,
                       struct err *err)
{
    struct sqlite_store *store = store_alloc(sizeof(*store));
    char *name = store_alloc(path.len + 1);

    memcpy(name, path.ptr, path.len);
    int rc = open_database(store, name, config->read_only, err);

    free(name);
    if (rc != 0) {
        sqlite_close(&store->base);
        return rc;
    }
    *out = &store->base;
    return 0;
}

const struct store_ops store_sqlite = {
    .scheme = {"sqlite:", 7},
    .batch_records = 10000,
    .local = true,
    .check_url = sqlite_check_url,
    .open = sqlite_open,
    .close = sqlite_close,
    .lease = sqlite_lease,
    .unlease = sqlite_unlease,
    .positions = sqlite_positions,
    .hold_positions = sqlite_hold_positions,
    .load_sketches = sqlite_load_sketches,
    .load_visits = sqlite_load_visits,
    .load_due = sqlite_load_due,
    .load_goals = sqlite_load_goals,
    .load_keys = sqlite_load_keys,
    .commit = sqlite_commit,
    .yield = writers_yield,
    .finish_run = sqlite_finish_run,
    .expire = sqlite_expire,
    .finish_retention = sqlite_finish_retention,
    .salts = salts_read,
    .read_begin = sqlite_read_begin,
    .read_end = sqlite_read_end,
    .counters = sqlite_counters,
    .version = sqlite_version,
    .stamp = sqlite_stamp,
    .each_day = sqlite_each_day,
    .each_day_of = sqlite_each_day_of,
    .each_hour_of = sqlite_each_hour_of,
    .each_hour = sqlite_each_hour,
    .each_ledger = sqlite_each_ledger,
    .page_events = sqlite_page_events,
    .each_visit = sqlite_each_visit,
    .due_days = sqlite_due_days,
    .each_pack = sqlite_each_pack,
    .balance = sqlite_balance,
    .check = sqlite_check,
    .holdings = sqlite_holdings,
    .overdue = sqlite_overdue,
    .salts_held = salts_look,
    .about = sqlite_about,
    .read_directory = sqlite_read_directory,
    .get = sqlite_get,
    .edit = sqlite_edit,
    .page = sqlite_page,
    .count = sqlite_count_kind,
    .end_sessions = sqlite_end_sessions,
    .page_audit = sqlite_page_audit,
    .note = sqlite_note,
    .usage = sqlite_usage,
    .site_span = sqlite_site_span,
    .payload_session = sqlite_payload_session,
    .erase_site = sqlite_erase_site,
    .compact = sqlite_compact,
    .erase_value = sqlite_erase_value,
    .dump = sqlite_dump,
    .load_begin = sqlite_load_begin,
    .load = sqlite_load,
    .load_end = sqlite_load_end,
    .sums = sqlite_sums,
};
