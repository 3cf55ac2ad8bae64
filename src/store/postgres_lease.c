/*
 * store/postgres_lease.c -- who counts which partitions, and the end of a run.
 *
 * A lease is a row for each partition with an epoch, which grows with each change of hands. The
 * handle keeps the epochs that it was given, so that leases outlive its connection; every
 * transaction of the job locks the rows first and compares (hold_leases() in the schema). The time
 * is the database's. Whoever waits for a lease asks every 50 ms.
 */
#include "store/postgres_internal.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LEASE_POLL_MS = 50, HOLDER_BYTES = 96 };

/* -- leases ------------------------------------------------------------------------------------ */

static const char TAKE[] = "SELECT partition, epoch FROM analytics.take_leases($1, $2, $3, $4, $5)";
static const char END_STUCK[] = "SELECT analytics.end_stuck_holders($1, $2)";

/* For people who look into the table: the epoch is what counts. */
static struct str holder_name(char out[HOLDER_BYTES])
{
    char host[65] = "";

    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(out, HOLDER_BYTES, "%s/%ld", host, (long)getpid());
    return str_from(out);
}

static void remember_leases(struct pg_store *store, const PGresult *result, uint32_t *got)
{
    for (int row = 0; row < PQntuples(result); row++) {
        uint32_t partition = (uint32_t)pg_get_i64(result, row, 0) % PARTITIONS;

        *got |= UINT32_C(1) << partition;
        store->epochs[partition] = pg_get_i64(result, row, 1);
    }
    store->leased |= *got;
}

static int try_lease(struct pg_store *store, uint32_t wanted, bool all, uint32_t *got,
                     struct err *err)
{
    struct pg_query query = pg_query(TAKE);
    PGresult *result = NULL;
    char holder[HOLDER_BYTES];
    int rc = pg_ready(store, err);

    if (rc != 0)
        return rc;
    pg_i32(&query, PG_SCHEMA);
    pg_i32(&query, (int32_t)wanted);
    pg_i32(&query, all ? __builtin_popcount(wanted) : 1);
    pg_text(&query, holder_name(holder));
    pg_i32(&query, LEASE_MS);
    rc = pg_run(store, &query, &result, err);
    if (rc == 0)
        remember_leases(store, result, got);
    PQclear(result);
    return rc;
}

static int end_stuck_holders(struct pg_store *store, uint32_t wanted, struct err *err)
{
    struct pg_query query = pg_query(END_STUCK);

    pg_i32(&query, (int32_t)wanted);
    pg_i32(&query, LEASE_MS);
    return pg_run(store, &query, NULL, err);
}

static void sleep_ms(int ms)
{
    struct timespec left = {.tv_nsec = ms * 1000 * 1000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

int pg_lease(struct store *base, uint32_t wanted, bool all, bool wait, uint32_t *got,
             struct err *err)
{
    struct pg_store *store = pg_of(base);

    wanted &= PARTITIONS_ALL;
    *got = 0;
    store->days_count = 0;
    pg_visits_forget(store);
    for (;;) {
        int rc = try_lease(store, wanted, all, got, err);

        if (rc == 0 && *got == 0 && wanted != 0)
            rc = end_stuck_holders(store, wanted, err);
        if (rc != 0 || *got != 0 || wanted == 0)
            return rc;
        if (!wait)
            return err_set(err, ERR_CONFLICT, "another run of the job is going on");
        sleep_ms(LEASE_POLL_MS);
    }
}

/* -- what the handle holds, as arrays ---------------------------------------------------------- */

static void add_leases(const struct pg_store *store, uint32_t partitions, struct pg_array *held,
                       struct pg_array *epochs)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        if ((partitions >> p & 1) != 0) {
            pg_add_i32(held, p);
            pg_add_i64(epochs, store->epochs[p]);
        }
}

static const char GIVE_BACK[] = "UPDATE analytics.leases l SET holder = NULL"
                                " FROM unnest($1::integer[], $2::bigint[]) AS h (partition, epoch)"
                                " WHERE l.partition = h.partition AND l.epoch = h.epoch";

/* What cannot be given back ends by itself. */
void pg_unlease(struct store *base)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(GIVE_BACK);
    struct pg_array held = pg_array(PG_INT4), epochs = pg_array(PG_INT8);

    add_leases(store, store->leased, &held, &epochs);
    pg_bind_array(&query, &held);
    pg_bind_array(&query, &epochs);
    if (store->leased != 0 && pg_ready(store, NULL) == 0)
        (void)pg_run(store, &query, NULL, NULL);
    buf_release(&held.buf);
    buf_release(&epochs.buf);
    store->leased = 0;
    store->days_count = 0;
    pg_visits_forget(store);
}

/* Each row is written by who holds its partition: nobody else waits for a lock of the job's. */
void pg_yield(struct store *base)
{
    (void)base;
}

/* A statement's cost depends on the server's statistics, which are of yesterday's rows. */
static const char LOOK_UP[] =
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', "
    "true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true)";
static const char HOLD[] = "SELECT analytics.hold_leases($1, $2, $3, $4, $5)";

int pg_hold_leases(struct pg_store *store, const struct pg_touched *touched, struct err *err)
{
    struct pg_query look_up = pg_query(LOOK_UP), query = pg_query(HOLD);
    struct pg_array held = pg_array(PG_INT4), epochs = pg_array(PG_INT8),
                    partitions = pg_array(PG_INT4), rows = pg_array(PG_INT8);
    int rc;

    add_leases(store, store->leased, &held, &epochs);
    for (int32_t p = 0; p < PARTITIONS; p++)
        if ((touched->partitions >> p & 1) != 0) {
            pg_add_i32(&partitions, p);
            pg_add_i64(&rows, touched->rows[p]);
        }
    pg_bind_array(&query, &held);
    pg_bind_array(&query, &epochs);
    pg_i32(&query, LEASE_MS);
    pg_bind_array(&query, &partitions);
    pg_bind_array(&query, &rows);
    rc = pg_pipe_add(store, &look_up, err);
    if (rc == 0)
        rc = pg_pipe_add(store, &query, err);
    buf_release(&held.buf);
    buf_release(&epochs.buf);
    buf_release(&partitions.buf);
    buf_release(&rows.buf);
    return rc;
}

/* -- the end of a run -------------------------------------------------------------------------- */

/* A row that another handle has locked is passed over: that one is committing, or was stopped while
 * it did, and says itself how far it came. */
static const char FINISH[] =
    "WITH free AS (SELECT partition FROM analytics.leases WHERE ($1 >> partition) & 1 = 1"
    " ORDER BY partition FOR UPDATE SKIP LOCKED)"
    " UPDATE analytics.leases l SET as_of_ms = greatest(as_of_ms, $2), last_success_ms = $3"
    " FROM free WHERE l.partition = free.partition";

int pg_finish_run(struct store *base, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                  struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(FINISH);
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_begin(store, err);
    if (rc != 0)
        return rc;
    rc = pg_pipe_begin(store, err);
    if (rc != 0)
        return pg_end(store, rc, err);
    pg_i32(&query, (int32_t)(partitions & PARTITIONS_ALL));
    pg_i64(&query, as_of_ms);
    pg_i64(&query, now_ms);
    if (pg_hold_leases(store, &(struct pg_touched){0}, err) == 0)
        (void)pg_pipe_add(store, &query, err);
    return pg_pipe_end(store, true, err);
}
