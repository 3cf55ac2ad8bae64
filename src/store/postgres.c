/*
 * store/postgres.c -- the PostgreSQL backend: its handle, waiting for the server, and the table of
 * its verbs.
 *
 * The connection is libpq's in non-blocking mode: this file alone waits, with poll() and a
 * deadline. The server has time-outs of its own, a little shorter, so that a slow statement costs
 * only itself; a deadline that passes here means that the server or the way to it hangs, and costs
 * the connection.
 *
 * A connection that the server closed while nobody used it (a restart, pg_terminate_backend) is
 * seen before the next statement is sent: the socket is readable then. One poll() for each verb is
 * the price. The same look takes in what LISTEN brings.
 *
 * No text of an error ever holds the URL, which may hold a password.
 */
#include "store/postgres_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 5 * 1000 };

/* -- waiting ----------------------------------------------------------------------------------- */

static int64_t deadline_of(const struct pg_store *store)
{
    return clock_steady_us() + (store->wait_ms + PG_GRACE_MS) * 1000;
}

static int too_late(struct pg_store *store, struct err *err)
{
    pg_drop(store);
    return err_set(err, ERR_UNAVAILABLE, "database: no answer in time");
}

/* Wait until the socket is ready and take in what has come. */
static int exchange(struct pg_store *store, bool unsent, int64_t deadline, struct err *err)
{
    struct pollfd fd = {.fd = PQsocket(store->conn),
                        .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
    int64_t left_ms = (deadline - clock_steady_us() + 999) / 1000;
    int ready = left_ms <= 0 ? 0 : poll(&fd, 1, (int)left_ms);

    if (ready < 0 && errno == EINTR)
        return 0;
    if (ready <= 0)
        return too_late(store, err);
    if ((fd.revents & ~POLLOUT) != 0 && PQconsumeInput(store->conn) == 0)
        return pg_fail(store, NULL, err);
    return 0;
}

int pg_flush(struct pg_store *store, struct err *err)
{
    int64_t deadline = deadline_of(store);
    int rc = 0, unsent = 0;

    while (rc == 0 && (unsent = PQflush(store->conn)) > 0)
        rc = exchange(store, true, deadline, err);
    return rc == 0 && unsent < 0 ? pg_fail(store, NULL, err) : rc;
}

int pg_result(struct pg_store *store, PGresult **out, struct err *err)
{
    int64_t deadline = deadline_of(store);
    int rc = 0;

    *out = NULL;
    while (rc == 0) {
        int unsent = PQflush(store->conn);

        if (PQisBusy(store->conn) == 0) {
            *out = PQgetResult(store->conn);
            return 0;
        }
        rc = unsent < 0 ? pg_fail(store, NULL, err) : exchange(store, unsent > 0, deadline, err);
    }
    return rc;
}

/* -- the connection ---------------------------------------------------------------------------- */

void pg_drop(struct pg_store *store)
{
    PQfinish(store->conn);
    store->conn = NULL;
    store->prepared_count = 0;
    store->listening = store->begin_due = store->ending = false;
    store->wait_ms = PG_READ_MS;
}

/* Take in what came unasked: notifications, or the end. */
static void listen_in(struct pg_store *store)
{
    struct pollfd fd = {.fd = PQsocket(store->conn), .events = POLLIN};
    bool alive = PQstatus(store->conn) == CONNECTION_OK;
    PGnotify *notification;

    while (alive && poll(&fd, 1, 0) > 0)
        alive = PQconsumeInput(store->conn) != 0;
    while (alive && (notification = PQnotifies(store->conn)) != NULL) {
        store->version++;
        PQfreemem(notification);
    }
    if (!alive)
        pg_drop(store);
}

/* ERR_INVALID is for who opens a store: later it would say that what is being written is wrong. */
static int not_now(const struct pg_store *store)
{
    return store->why == ERR_INVALID && store->opened ? ERR_SYSTEM : store->why;
}

/* The pause before the next try doubles; nodes that lost the server together come back one by one.
 */
static void pause_before_next(struct pg_store *store)
{
    int64_t pause_ms = store->pause_ms == 0 ? PAUSE_FIRST_MS : store->pause_ms * 2;

    store->pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    pause_ms = store->pause_ms / 2 + randombytes_uniform((uint32_t)store->pause_ms / 2 + 1);
    store->retry_us = clock_steady_us() + pause_ms * 1000;
}

static int connect_again(struct pg_store *store, struct err *err)
{
    if (clock_steady_us() >= store->retry_us) {
        store->connecting = true;
        store->why = pg_connect(store, &store->why_text);
        store->connecting = false;
        if (store->why == 0) {
            store->pause_ms = store->retry_us = 0;
            store->version++;
            return 0;
        }
        pg_drop(store);
        pause_before_next(store);
    }
    if (err != NULL)
        *err = store->why_text;
    return not_now(store);
}

int pg_ready(struct pg_store *store, struct err *err)
{
    if (store->conn != NULL)
        listen_in(store);
    if (store->conn != NULL)
        pg_settle(store);
    if (store->conn != NULL)
        return 0;
    if (store->reading || store->writing || store->connecting)
        return err_set(err, ERR_UNAVAILABLE, "database: the connection was lost");
    return connect_again(store, err);
}

/* -- opening ----------------------------------------------------------------------------------- */

static char *url_of(struct str rest)
{
    static const char scheme[] = "postgresql:";
    char *url = store_alloc(sizeof(scheme) + rest.len);

    memcpy(url, scheme, sizeof(scheme) - 1);
    if (rest.len > 0)
        memcpy(url + sizeof(scheme) - 1, rest.ptr, rest.len);
    return url;
}

static bool are_ports(const char *value)
{
    struct str rest = str_from(value), piece;
    bool good = true;

    while (str_next(&rest, ',', &piece)) {
        int64_t port = 0;

        good = good && (piece.len == 0 || (str_to_i64(piece, &port) && port > 0 && port < 65536));
    }
    return good;
}

/* Where a password has a bare @ or /, what follows it is taken for a host, a port or a name, which
 * libpq's errors repeat. (A host that begins with @ is a socket without a file.) */
static bool is_sound(const PQconninfoOption *option)
{
    const char *value = option->val;

    if (value == NULL || value[0] == '\0')
        return true;
    if (strcmp(option->keyword, "host") == 0)
        return strchr(value + 1, '@') == NULL;
    if (strcmp(option->keyword, "port") == 0)
        return are_ports(value);
    return strcmp(option->keyword, "dbname") != 0 || strchr(value, '@') == NULL;
}

/* libpq's own words about a URL may quote the password in it. */
static int pg_check_url(struct str path, struct err *err)
{
    char *url = url_of(path);
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool good = options != NULL;

    for (const PQconninfoOption *at = options; good && at->keyword != NULL; at++)
        good = is_sound(at);
    PQconninfoFree(options);
    sodium_memzero(url, strlen(url));
    free(url);
    return good ? 0
                : err_set(err, ERR_INVALID,
                          "not postgres://USER:PASSWORD@HOST:PORT/NAME (a password has %%40 for @, "
                          "%%2F for /, %%25 for %%)");
}

static void pg_close(struct store *base)
{
    struct pg_store *store = pg_of(base);

    pg_unlease(base);
    pg_drop(store);
    for (size_t i = 0; i < (size_t)ROW_KINDS * PG_ROW_STATEMENTS; i++)
        free(store->row_sql[i / PG_ROW_STATEMENTS][i % PG_ROW_STATEMENTS]);
    sodium_memzero(store->url, strlen(store->url));
    free(store->url);
    free(store);
}

static int pg_open(const struct store_config *config, struct str path, struct store **out,
                   struct err *err)
{
    struct pg_store *store = store_alloc(sizeof(*store));

    store->url = url_of(path);
    store->wait_ms = PG_READ_MS;
    store->base.read_only = config->read_only;
    int rc = pg_ready(store, err);

    if (rc == ERR_UNAVAILABLE && config->later)
        rc = 0;
    if (rc != 0) {
        pg_close(&store->base);
        return rc;
    }
    store->opened = true;
    *out = &store->base;
    return 0;
}

#define POSTGRES_OPS                                                                               \
    .check_url = pg_check_url, .open = pg_open, .close = pg_close, .lease = pg_lease,              \
    .unlease = pg_unlease, .positions = pg_positions, .hold_positions = pg_hold_positions,         \
    .load_sketches = pg_load_sketches, .load_visits = pg_load_visits, .load_due = pg_load_due,     \
    .load_goals = pg_load_goals, .load_keys = pg_load_keys, .commit = pg_commit,                   \
    .yield = pg_yield, .finish_run = pg_finish_run, .expire = pg_expire, .salts = pg_salts,        \
    .read_begin = pg_read_begin, .read_end = pg_read_end, .counters = pg_counters,                 \
    .version = pg_version, .stamp = pg_stamp, .each_day = pg_each_day, .each_hour = pg_each_hour,  \
    .each_day_of = pg_each_day_of, .each_hour_of = pg_each_hour_of, .each_ledger = pg_each_ledger, \
    .page_events = pg_page_events, .each_visit = pg_each_visit, .due_days = pg_due_days,           \
    .each_pack = pg_each_pack, .balance = pg_balance, .check = pg_check, .holdings = pg_holdings,  \
    .overdue = pg_overdue, .salts_held = pg_salts_held, .about = pg_about,                         \
    .finish_retention = pg_finish_retention, .read_directory = pg_read_directory, .get = pg_get,   \
    .edit = pg_edit, .page = pg_page, .count = pg_count, .end_sessions = pg_end_sessions,          \
    .page_audit = pg_page_audit, .note = pg_note, .usage = pg_usage, .site_span = pg_site_span,    \
    .payload_session = pg_payload_session, .erase_site = pg_erase_site, .compact = pg_compact,     \
    .erase_value = pg_erase_value, .dump = pg_dump_table, .load_begin = pg_load_begin,             \
    .load = pg_load_rows, .load_end = pg_load_end, .sums = pg_sums

const struct store_ops store_postgres = {
    .scheme = STR_INIT("postgres:"), .batch_records = 50000, POSTGRES_OPS};
const struct store_ops store_postgresql = {
    .scheme = STR_INIT("postgresql:"), .batch_records = 50000, POSTGRES_OPS};
