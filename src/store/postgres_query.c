/*
 * store/postgres_query.c -- statements, transactions and pipelines.
 *
 * A statement is prepared when it is first used on a connection; its name there is its number in
 * store->prepared. In a pipeline both travel together. If that pipeline fails, nobody knows which
 * of its statements were prepared before, and the connection is given up: it happens once, with the
 * first use.
 */
#include "store/postgres_internal.h"

#include <assert.h>
#include <stdio.h>

enum {
    NAME_BYTES = 16,
    COPY_CHUNK = 1024 * 1024,
    ROWS_TOGETHER = 512, /* taken in one answer: it stays in the processor's cache */
};

static const char BEGIN_READING[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/* -- results ----------------------------------------------------------------------------------- */

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_SINGLE_TUPLE || status == PGRES_EMPTY_QUERY;
}

/* All results of what is running: the last one, or the first failure. */
static int finish(struct pg_store *store, PGresult **out, struct err *err)
{
    PGresult *result = NULL;
    int rc = 0;

    *out = NULL;
    while (store->conn != NULL) {
        int waited = pg_result(store, &result, rc == 0 ? err : NULL);

        if (waited != 0 || result == NULL) {
            rc = rc == 0 ? waited : rc;
            break;
        }
        if (rc == 0 && !is_good(result)) {
            rc = pg_fail(store, result, err);
            continue;
        }
        PQclear(*out);
        *out = result;
    }
    if (rc != 0) {
        PQclear(*out);
        *out = NULL;
    }
    return rc;
}

/* There is a connection, nothing is under way on it, and a transaction that is due has begun. */
static int usable(struct pg_store *store, struct err *err)
{
    pg_settle(store);
    if (store->conn == NULL)
        return pg_fail(store, NULL, err);
    if (!store->begin_due)
        return 0;
    store->begin_due = false;
    return pg_exec(store, BEGIN_READING, err);
}

/* 1 is what libpq's functions that send say when they did. */
static int sent(struct pg_store *store, int answer, struct err *err)
{
    return answer == 1 ? 0 : pg_fail(store, NULL, err);
}

int pg_ask(struct pg_store *store, const char *sql, PGresult **out, struct err *err)
{
    int rc = usable(store, err);

    *out = NULL;
    if (rc == 0)
        rc = sent(store, PQsendQuery(store->conn, sql), err);
    return rc == 0 ? finish(store, out, err) : rc;
}

int pg_exec(struct pg_store *store, const char *sql, struct err *err)
{
    PGresult *result = NULL;
    int rc = pg_ask(store, sql, &result, err);

    PQclear(result);
    return rc;
}

/* -- prepared statements ----------------------------------------------------------------------- */

static size_t find_prepared(const struct pg_store *store, const char *sql)
{
    size_t i = 0;

    while (i < store->prepared_count && store->prepared[i] != sql)
        i++;
    return i;
}

static void name_of(size_t number, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "s%u", (unsigned)number);
}

static int send_prepare(struct pg_store *store, const struct pg_query *query, size_t number,
                        struct err *err)
{
    char name[NAME_BYTES];

    assert(number < PG_STATEMENTS_MAX);
    name_of(number, name);
    return sent(store, PQsendPrepare(store->conn, name, query->sql, query->count, query->types),
                err);
}

static void point_at_values(const struct pg_query *query, const char *values[PG_PARAMS_MAX],
                            int formats[PG_PARAMS_MAX])
{
    for (int i = 0; i < query->count; i++) {
        values[i] = query->values[i];
        formats[i] = 1;
        if (values[i] == NULL && query->lengths[i] > 0)
            values[i] = query->numbers[i];
    }
}

static int send_query(struct pg_store *store, const struct pg_query *query, size_t number,
                      struct err *err)
{
    const char *values[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    char name[NAME_BYTES];

    point_at_values(query, values, formats);
    name_of(number, name);
    return sent(
        store,
        PQsendQueryPrepared(store->conn, name, query->count, values, query->lengths, formats, 1),
        err);
}

static int start(struct pg_store *store, const struct pg_query *query, struct err *err)
{
    size_t number = find_prepared(store, query->sql);
    PGresult *result = NULL;
    int rc = usable(store, err);

    if (rc == 0 && number == store->prepared_count) {
        rc = send_prepare(store, query, number, err);
        if (rc == 0)
            rc = finish(store, &result, err);
        PQclear(result);
        if (rc == 0)
            store->prepared[store->prepared_count++] = query->sql;
    }
    return rc == 0 ? send_query(store, query, number, err) : rc;
}

/* Below, with the pipelines. */
static int run_behind_begin(struct pg_store *store, struct pg_query *query, PGresult **out,
                            struct err *err);

int pg_run(struct pg_store *store, struct pg_query *query, PGresult **out, struct err *err)
{
    PGresult *result = NULL;
    int rc;

    if (store->begin_due) {
        rc = run_behind_begin(store, query, &result, err);
    } else {
        rc = start(store, query, err);
        if (rc == 0)
            rc = finish(store, &result, err);
    }
    if (out != NULL)
        *out = result;
    else
        PQclear(result);
    return rc;
}

int pg_run_once(struct pg_store *store, struct pg_query *query, PGresult **out, struct err *err)
{
    const char *values[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    int rc = usable(store, err);

    *out = NULL;
    point_at_values(query, values, formats);
    if (rc == 0)
        rc = sent(store,
                  PQsendQueryParams(store->conn, query->sql, query->count, query->types, values,
                                    query->lengths, formats, 1),
                  err);
    return rc == 0 ? finish(store, out, err) : rc;
}

/* The rows of one result. */
static int each_row(const PGresult *result, pg_row_fn *fn, void *ctx, struct err *err)
{
    int rc = 0;

    for (int row = 0; rc == 0 && row < PQntuples(result); row++)
        rc = fn(ctx, result, row, err);
    return rc;
}

static int each_together(struct pg_store *store, struct pg_query *query, pg_row_fn *fn, void *ctx,
                         struct err *err)
{
    PGresult *result = NULL;
    int rc = pg_run(store, query, &result, err);

    if (rc == 0)
        rc = each_row(result, fn, ctx, err);
    PQclear(result);
    return rc;
}

int pg_each(struct pg_store *store, struct pg_query *query, pg_row_fn *fn, void *ctx,
            struct err *err)
{
    PGresult *result = NULL;
    int waited = 0;

    if (query->most > 0 && query->most <= ROWS_TOGETHER)
        return each_together(store, query, fn, ctx, err);
    int rc = start(store, query, err);

    if (rc != 0)
        return rc;
    (void)PQsetSingleRowMode(store->conn);
    while (store->conn != NULL && waited == 0) {
        waited = pg_result(store, &result, rc == 0 ? err : NULL);
        if (waited != 0 || result == NULL)
            break;
        if (!is_good(result)) {
            int failed = pg_fail(store, result, rc == 0 ? err : NULL);

            rc = rc == 0 ? failed : rc;
            continue;
        }
        if (rc == 0)
            rc = each_row(result, fn, ctx, err);
        PQclear(result);
    }
    return rc == 0 ? waited : rc;
}

/* -- COPY -------------------------------------------------------------------------------------- */

/* An answer that comes before the end is a refusal, which the result tells. */
static int send_copy(struct pg_store *store, struct str bytes, struct err *err)
{
    int rc = 0, taken = 1;

    while (rc == 0 && taken == 1 && bytes.len > 0) {
        size_t chunk = bytes.len < COPY_CHUNK ? bytes.len : COPY_CHUNK;

        taken = PQputCopyData(store->conn, bytes.ptr, (int)chunk);
        bytes = str_slice(bytes, taken == 1 ? chunk : 0, bytes.len);
        rc = pg_flush(store, err);
        taken = taken == 0 ? 1 : taken; /* its memory is full: now it is not */
    }
    if (rc == 0 && taken == 1)
        (void)PQputCopyEnd(store->conn, NULL);
    return rc;
}

int pg_copy(struct pg_store *store, const char *sql, struct str bytes, struct err *err)
{
    PGresult *result = NULL;
    int rc = usable(store, err);

    if (rc == 0)
        rc = sent(store, PQsendQuery(store->conn, sql), err);
    if (rc == 0)
        rc = pg_result(store, &result, err);
    if (rc != 0)
        return rc;
    bool ready = PQresultStatus(result) == PGRES_COPY_IN;

    if (!ready)
        rc = pg_fail(store, result, err);
    else
        PQclear(result);
    if (ready)
        rc = send_copy(store, bytes, err);
    if (store->conn == NULL)
        return rc;
    int ended = finish(store, &result, rc == 0 ? err : NULL);

    PQclear(result);
    return rc == 0 ? ended : rc;
}

/* -- transactions ------------------------------------------------------------------------------ */

/* Whether a COMMIT that failed like this may have happened all the same: the server gave up, or
 * went away, while it made the transaction durable. */
static bool commit_is_uncertain(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state == NULL || strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0 ||
           strncmp(state, "58", 2) == 0 || strncmp(state, "XX", 2) == 0;
}

/* What the answer to COMMIT says. Takes `result`. */
static int judge_commit(struct pg_store *store, PGresult *result, struct err *err)
{
    if (!is_good(result)) {
        bool uncertain = commit_is_uncertain(result);
        int rc = pg_fail(store, result, err);

        return uncertain ? ERR_UNCERTAIN : rc;
    }
    bool rolled_back = strcmp(PQcmdStatus(result), "ROLLBACK") == 0;

    PQclear(result);
    return rolled_back ? err_set(err, ERR_UNAVAILABLE, "database: the transaction had failed") : 0;
}

static int commit_now(struct pg_store *store, struct err *err)
{
    PGresult *result = NULL, *rest = NULL;
    int rc = pg_ready(store, err); /* what is seen to be lost now was not committed */

    if (rc == 0)
        rc = sent(store, PQsendQuery(store->conn, "COMMIT"), err);
    if (rc != 0)
        return rc;
    if (pg_result(store, &result, err) != 0 || result == NULL) {
        pg_drop(store);
        return ERR_UNCERTAIN;
    }
    rc = judge_commit(store, result, err);
    if (store->conn != NULL)
        (void)finish(store, &rest, NULL);
    PQclear(rest);
    return rc;
}

static void roll_back(struct pg_store *store)
{
    if (store->conn != NULL && PQtransactionStatus(store->conn) != PQTRANS_IDLE &&
        pg_exec(store, "ROLLBACK", NULL) != 0)
        pg_drop(store);
}

int pg_begin_with(struct pg_store *store, int wait_ms, int lock_ms, struct err *err)
{
    char sql[256];
    int rc;

    assert(!store->writing && !store->reading);
    (void)snprintf(sql, sizeof(sql),
                   "BEGIN; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d;"
                   "SET LOCAL idle_in_transaction_session_timeout = %d",
                   wait_ms, lock_ms, PG_JOB_IDLE_MS);
    rc = pg_exec(store, sql, err);
    if (rc != 0) {
        roll_back(store);
        return rc;
    }
    store->wait_ms = wait_ms;
    store->writing = true;
    return 0;
}

int pg_begin(struct pg_store *store, struct err *err)
{
    int rc = pg_ready(store, err);

    return rc == 0 ? pg_begin_with(store, PG_JOB_MS, PG_JOB_LOCK_MS, err) : rc;
}

int pg_end(struct pg_store *store, int rc, struct err *err)
{
    if (rc == 0)
        rc = commit_now(store, err);
    if (rc != 0)
        roll_back(store);
    store->writing = false;
    store->wait_ms = PG_READ_MS;
    return rc;
}

/* -- pipelines --------------------------------------------------------------------------------- */

int pg_pipe_begin(struct pg_store *store, struct err *err)
{
    int rc = usable(store, err);

    store->pipe = (struct pg_pipe){.prepared = store->prepared_count};
    if (rc == 0 && PQenterPipelineMode(store->conn) != 1)
        rc = pg_fail(store, NULL, err);
    store->pipe.rc = rc;
    return rc;
}

/* What cannot be sent costs the connection, and with it the transaction. */
static int pipe_sent(struct pg_store *store, int rc)
{
    if (rc == 0)
        store->pipe.sent++;
    else
        store->pipe.rc = rc;
    return rc;
}

int pg_pipe_add(struct pg_store *store, struct pg_query *query, struct err *err)
{
    size_t number = find_prepared(store, query->sql);
    int rc = store->pipe.rc;

    if (rc == 0 && number == store->prepared_count) {
        rc = pipe_sent(store, send_prepare(store, query, number, err));
        if (rc == 0)
            store->prepared[store->prepared_count++] = query->sql;
    }
    if (rc == 0)
        rc = pipe_sent(store, send_query(store, query, number, err));
    if (rc == 0) {
        rc = pg_flush(store, err);
        store->pipe.rc = rc;
    }
    return rc;
}

/* The results of all statements up to the one behind which the server waits. *failed: the number of
 * the first that failed; *result is its result, else that of the last. */
static int collect(struct pg_store *store, PGresult **result, size_t *failed, struct err *err)
{
    PGresult *next = NULL;
    size_t number = 0;
    int rc = 0;

    *failed = SIZE_MAX;
    while ((rc = pg_result(store, &next, err)) == 0) {
        ExecStatusType status = PQresultStatus(next);

        if (next == NULL && PQstatus(store->conn) != CONNECTION_OK)
            return pg_fail(store, NULL, err);
        if (next == NULL)
            continue;
        if (status == PGRES_PIPELINE_SYNC)
            break;
        if (*failed != SIZE_MAX) {
            PQclear(next);
            continue;
        }
        PQclear(*result);
        *result = next;
        if (!is_good(next))
            *failed = number;
        number++;
    }
    PQclear(next);
    return rc;
}

/* What the results come to. */
static int judge_pipe(struct pg_store *store, bool commits, struct err *err)
{
    PGresult *result = NULL;
    size_t failed = SIZE_MAX;
    int rc = collect(store, &result, &failed, err);

    /* Behind COMMIT there is only what the server says when it stops. */
    if (failed != SIZE_MAX && !(commits && failed + 1 >= store->pipe.sent))
        return pg_fail(store, result, err);
    if (commits && (rc == 0 || failed != SIZE_MAX))
        return judge_commit(store, result, err);
    PQclear(result);
    return rc != 0 && commits ? ERR_UNCERTAIN : rc;
}

static void leave_pipe(struct pg_store *store, int rc)
{
    if (store->conn != NULL && PQexitPipelineMode(store->conn) != 1)
        pg_drop(store);
    if (rc != 0 && store->prepared_count != store->pipe.prepared)
        pg_drop(store);
}

int pg_pipe_end(struct pg_store *store, bool commit, struct err *err)
{
    struct pg_query end = pg_query("COMMIT");
    int rc = store->pipe.rc;

    if (rc == 0 && commit)
        rc = pipe_sent(store,
                       sent(store,
                            PQsendQueryParams(store->conn, end.sql, 0, NULL, NULL, NULL, NULL, 1),
                            err));
    if (rc == 0 && PQpipelineSync(store->conn) != 1)
        rc = commit ? (pg_drop(store), ERR_UNCERTAIN) : pg_fail(store, NULL, err);
    if (rc == 0)
        rc = judge_pipe(store, commit, err);
    leave_pipe(store, rc);
    if (commit) {
        roll_back(store);
        store->writing = false;
        store->wait_ms = PG_READ_MS;
    }
    return rc;
}

/* -- snapshots --------------------------------------------------------------------------------- */

void pg_begin_reading(struct pg_store *store)
{
    store->begin_due = true;
}

/* BEGIN and the statement, in one round trip. */
static int run_behind_begin(struct pg_store *store, struct pg_query *query, PGresult **out,
                            struct err *err)
{
    size_t failed = SIZE_MAX;

    store->begin_due = false;
    int rc = pg_pipe_begin(store, err);

    if (rc != 0)
        return rc;
    rc = pipe_sent(store,
                   sent(store,
                        PQsendQueryParams(store->conn, BEGIN_READING, 0, NULL, NULL, NULL, NULL, 1),
                        err));
    if (rc == 0)
        rc = pg_pipe_add(store, query, err);
    if (rc == 0 && PQpipelineSync(store->conn) != 1)
        rc = pg_fail(store, NULL, err);
    if (rc == 0)
        rc = collect(store, out, &failed, err);
    if (rc != 0)
        PQclear(*out);
    else if (failed != SIZE_MAX)
        rc = pg_fail(store, *out, err);
    if (rc != 0)
        *out = NULL;
    leave_pipe(store, rc);
    return rc;
}

void pg_end_reading(struct pg_store *store)
{
    if (store->begin_due)
        store->begin_due = false; /* nothing was read */
    else if (PQsendQuery(store->conn, "COMMIT") == 1 && pg_flush(store, NULL) == 0)
        store->ending = true;
    else
        pg_drop(store);
}

void pg_settle(struct pg_store *store)
{
    PGresult *result = NULL;

    if (store->conn == NULL || !store->ending)
        return;
    store->ending = false;
    if (finish(store, &result, NULL) != 0)
        pg_drop(store);
    PQclear(result);
}
