/*
 * store/postgres_connect.c -- a new connection, its session's settings, and what the server's codes
 * mean to the caller.
 *
 * libpq gives no code for a connection that was refused, only a text: the most verbose one is asked
 * for while connecting, since that names the SQLSTATE, and read here.
 *
 * A host that does not answer at all costs HOST_MS, then the next one of the URL is tried; a name
 * is looked up by libc, with the time-outs of resolv.conf. What the URL says of these settings
 * holds instead of what stands here.
 */
#include "store/postgres_internal.h"

#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERVER_VERSION_MIN = 150000, SQLSTATE_LEN = 5 };
#define HOST_MS "3000"

/* -- codes ------------------------------------------------------------------------------------- */

/* By the longest prefix: the first that fits. */
static const struct {
    const char *prefix;
    int code;
} codes[] = {
    {"08", ERR_UNAVAILABLE},    /* the connection */
    {"22", ERR_INVALID},        /* a value is out of bounds */
    {"23505", ERR_CONFLICT},    /* a key is taken */
    {"23", ERR_INVALID},        /* a constraint */
    {"25006", ERR_UNAVAILABLE}, /* a standby: the primary is elsewhere or not yet there */
    {"25P", ERR_UNAVAILABLE},   /* the transaction was ended for its idleness, or had failed */
    {"28", ERR_DENIED},         /* wrong credentials */
    {"3D000", ERR_DENIED},      /* no such database */
    {"0A000", ERR_UNAVAILABLE}, /* the schema changed below a prepared statement */
    {"26000", ERR_UNAVAILABLE}, /* a prepared statement is gone */
    {"40", ERR_UNAVAILABLE},    /* deadlock, serialization */
    {"42501", ERR_DENIED},      /* a right is missing */
    {"53100", ERR_FULL},        /* the disk */
    {"53", ERR_UNAVAILABLE},    /* memory, connections */
    {"54", ERR_INVALID},        /* larger than the server can hold */
    {"55", ERR_UNAVAILABLE},    /* a lock was not to be had in time */
    {"57", ERR_UNAVAILABLE},    /* a time-out, or the server stops or starts */
    {PG_LEASE_LOST, ERR_CONFLICT},
    {PG_POSITION_MOVED, ERR_CONFLICT},
    {PG_SCHEMA_NEWER, ERR_SYSTEM},
    {"XX000", ERR_UNAVAILABLE}, /* mostly a table that went away below a statement */
    {"XX", ERR_CORRUPT},
};

int pg_code_of(const char *sqlstate, bool has_constraint)
{
    if (strcmp(sqlstate, "23514") == 0 && !has_constraint)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strncmp(sqlstate, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].code;
    return ERR_SYSTEM;
}

/* The statements of this connection are no longer what they were. */
static bool needs_new_session(const char *sqlstate)
{
    return strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0;
}

static struct str first_line(const char *text)
{
    struct str all = str_from(text);

    return str_trim(str_slice(all, 0, str_find(all, 0, '\n')));
}

static int lost(struct pg_store *store, struct err *err)
{
    struct str said = store->conn == NULL ? STR("") : first_line(PQerrorMessage(store->conn));

    if (said.len == 0)
        said = STR("the connection was lost");
    err_fill(err, "database: %.*s", STR_FMT(said));
    pg_drop(store);
    return ERR_UNAVAILABLE;
}

int pg_fail(struct pg_store *store, PGresult *result, struct err *err)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool has_constraint =
        state != NULL && PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) != NULL;
    int code;

    if (state == NULL) {
        PQclear(result);
        return lost(store, err);
    }
    code = pg_code_of(state, has_constraint);
    if (strcmp(state, "25006") == 0 && store->base.read_only)
        code = ERR_DENIED;
    bool ended =
        store->conn == NULL || PQstatus(store->conn) != CONNECTION_OK || needs_new_session(state);

    err_fill(err, "database: %s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    PQclear(result);
    if (ended)
        pg_drop(store);
    return code;
}

/* -- connecting -------------------------------------------------------------------------------- */

/* Warnings are the server's log's; libpq would print them on stderr. */
static void no_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

/* The SQLSTATE in "...: FATAL:  28P01: password authentication failed", if there is one. */
static bool find_sqlstate(const char *text, char out[SQLSTATE_LEN + 1], const char **behind)
{
    for (const char *at = text; (at = strstr(at, ":  ")) != NULL; at++) {
        size_t len = 0;

        while (len < SQLSTATE_LEN && isalnum((unsigned char)at[3 + len]) != 0)
            len++;
        if (len < SQLSTATE_LEN || strncmp(at + 3 + len, ": ", 2) != 0)
            continue;
        (void)snprintf(out, SQLSTATE_LEN + 1, "%s", at + 3);
        *behind = at + 3 + len + 2;
        return true;
    }
    return false;
}

static int refused(struct pg_store *store, struct err *err)
{
    const char *said = PQerrorMessage(store->conn), *behind = said;
    char sqlstate[SQLSTATE_LEN + 1];
    int code =
        find_sqlstate(said, sqlstate, &behind) ? pg_code_of(sqlstate, true) : ERR_UNAVAILABLE;
    struct str line = first_line(behind);

    return err_set(err, code, "database: %.*s", STR_FMT(line));
}

static int wait_for(PGconn *conn, PostgresPollingStatusType wanted, int64_t deadline,
                    struct err *err)
{
    struct pollfd fd = {.fd = PQsocket(conn),
                        .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int64_t left_ms = (deadline - clock_steady_us() + 999) / 1000;
    int ready = left_ms <= 0 ? 0 : poll(&fd, 1, (int)left_ms);

    if (ready > 0 || (ready < 0 && errno == EINTR))
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "database: cannot be reached within %d s",
                   PG_CONNECT_MS / 1000);
}

static PGconn *start(const char *url)
{
    static const char *const names[] = {
        "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",          "dbname",          "client_encoding",     NULL};
    const char *const values[] = {"abacus", "20", "5", "3", HOST_MS, url, "UTF8", NULL};

    return PQconnectStartParams(names, values, 1);
}

/* What libpq refuses before it tries is a fault of the URL: "invalid sslmode value". */
static int not_begun(struct pg_store *store, struct err *err)
{
    bool invalid =
        store->conn != NULL && str_starts(first_line(PQerrorMessage(store->conn)), STR("invalid "));
    int rc = lost(store, err);

    return invalid ? ERR_INVALID : rc;
}

static int reach(struct pg_store *store, struct err *err)
{
    int64_t deadline = clock_steady_us() + PG_CONNECT_MS * INT64_C(1000);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    int rc = 0;

    store->conn = start(store->url);
    if (store->conn == NULL || PQstatus(store->conn) == CONNECTION_BAD)
        return not_begun(store, err);
    (void)PQsetNoticeProcessor(store->conn, no_notice, NULL);
    (void)PQsetErrorVerbosity(store->conn, PQERRORS_VERBOSE);
    while (rc == 0 && status != PGRES_POLLING_OK) {
        rc = wait_for(store->conn, status, deadline, err);
        if (rc == 0)
            status = PQconnectPoll(store->conn);
        if (rc == 0 && status == PGRES_POLLING_FAILED)
            rc = refused(store, err);
    }
    (void)PQsetErrorVerbosity(store->conn, PQERRORS_DEFAULT);
    return rc == 0 && PQsetnonblocking(store->conn, 1) != 0 ? lost(store, err) : rc;
}

/* -- the session ------------------------------------------------------------------------------- */

static int check_server(const struct pg_store *store, struct err *err)
{
    const char *encoding = PQparameterStatus(store->conn, "server_encoding");
    int version = PQserverVersion(store->conn);

    if (version < SERVER_VERSION_MIN)
        return err_set(err, ERR_INVALID, "database: PostgreSQL %d is too old, 15 is needed",
                       version / 10000);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return err_set(err, ERR_INVALID, "database: its encoding is %s, UTF8 is needed",
                       encoding == NULL ? "unknown" : encoding);
    return 0;
}

/* What is committed is to survive a crash of the server; a stronger setting than that stays. */
#define DURABLE                                                                                    \
    "SELECT set_config('synchronous_commit', 'on', false)"                                         \
    " WHERE current_setting('synchronous_commit') = 'off'"

static int set_up_session(struct pg_store *store, struct err *err)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "SET search_path = analytics, pg_catalog; SET TimeZone = 'UTC'; SET jit = off;"
                   "SET client_min_messages = warning; SET statement_timeout = %d;"
                   "SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
                   "SET default_transaction_read_only = %s; " DURABLE,
                   PG_READ_MS, PG_LOCK_MS, PG_IDLE_MS, store->base.read_only ? "on" : "off");
    return pg_exec(store, sql, err);
}

int pg_connect(struct pg_store *store, struct err *err)
{
    int rc = reach(store, err);

    if (rc == 0)
        rc = check_server(store, err);
    if (rc == 0)
        rc = set_up_session(store, err);
    return rc == 0 ? pg_migrate(store, store->base.read_only, err) : rc;
}
