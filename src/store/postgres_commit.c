/*
 * store/postgres_commit.c -- a batch of the job, in one transaction.
 *
 *     the days of its raw rows are made, where they are missing
 *     BEGIN
 *     leases, positions                 in a pipeline: who lost a lease goes no further
 *     COPY                              raw rows, new visits
 *     visits, days, hours, ..., ledger, COMMIT   in a pipeline
 *
 * What a pipeline could not send comes out of its end.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

/* -- leases and positions ---------------------------------------------------------------------- */

/* Whose numbers change, and how many daily rows. A name that all aggregators write to is nobody's.
 */
static struct pg_touched touched_by(const struct store_batch *batch)
{
    struct store_batch rest = *batch;
    struct pg_touched touched;

    rest.ledger_count = 0;
    touched = (struct pg_touched){.partitions = batch_partitions(&rest)};
    for (size_t i = 0; i < batch->ledger_count; i++)
        if (!pg_is_shared(batch->ledger[i].site))
            touched.partitions |= UINT32_C(1) << site_partition(batch->ledger[i].site);
    for (size_t i = 0; i < batch->days_count; i++)
        touched.rows[site_partition(batch->days[i].site)]++;
    return touched;
}

static int check_leases(const struct pg_store *store, const struct store_batch *batch,
                        struct err *err)
{
    for (size_t i = 0; store->leased != 0 && i < batch->positions_count; i++) {
        unsigned partition = batch->positions[i].from.partition;

        if (partition >= PARTITIONS || (store->leased >> partition & 1) == 0)
            return err_set(err, ERR_CONFLICT, "no lease is held on partition %u", partition);
    }
    return 0;
}

static const char MOVE_POSITIONS[] = "SELECT analytics.move_positions($1, $2, $3, $4)";

static int move_positions(struct pg_store *store, const struct store_batch *batch, struct err *err)
{
    struct pg_query query = pg_query(MOVE_POSITIONS);
    struct pg_array columns[] = {pg_array(PG_BYTEA), pg_array(PG_INT4), pg_array(PG_INT8),
                                 pg_array(PG_INT8)};
    int rc = 0;

    for (size_t i = 0; i < batch->positions_count; i++) {
        const struct position_move *move = &batch->positions[i];
        const char *producer = (const char *)move->from.producer.id;

        pg_add_str(&columns[0], (struct str){producer, PRODUCER_BYTES});
        pg_add_i32(&columns[1], move->from.partition);
        pg_add_i64(&columns[2], (int64_t)move->from.number);
        pg_add_i64(&columns[3], (int64_t)move->to);
    }
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
        pg_bind_array(&query, &columns[c]);
    if (batch->positions_count > 0)
        rc = pg_pipe_add(store, &query, err);
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
        buf_release(&columns[c].buf);
    return rc;
}

/* -- the transaction --------------------------------------------------------------------------- */

/* What goes by COPY cannot travel in a pipeline, and cuts it in two. */
static int copy_rows(struct pg_store *store, const struct store_batch *batch,
                     const struct pg_visits *visits, struct err *err)
{
    int rc;

    if (batch->events_count == 0 && visits->counts[PG_VISIT_NEW] == 0)
        return 0;
    rc = pg_pipe_end(store, false, err);
    if (rc == 0)
        rc = pg_add_events(store, batch, err);
    if (rc == 0)
        rc = pg_copy_visits(store, visits, err);
    return rc == 0 ? pg_pipe_begin(store, err) : rc;
}

static int write_batch(struct pg_store *store, const struct store_batch *batch,
                       const struct pg_visits *visits, struct err *err)
{
    struct pg_touched touched = touched_by(batch);
    int rc = pg_pipe_begin(store, err);

    if (rc != 0)
        return pg_end(store, rc, err);
    if (pg_hold_leases(store, &touched, err) == 0)
        (void)move_positions(store, batch, err);
    rc = copy_rows(store, batch, visits, err);
    if (rc != 0)
        return pg_end(store, rc, err);
    (void)pg_add_rows(store, batch, visits, err);
    return pg_pipe_end(store, true, err);
}

int pg_commit(struct store *base, const struct store_batch *batch, struct err *err)
{
    struct pg_store *store = pg_of(base);
    int rc = check_leases(store, batch, err);

    if (rc == 0)
        rc = pg_days_of(store, batch, err);
    if (rc == 0)
        rc = pg_begin(store, err);
    if (rc == 0) {
        struct pg_visits visits = pg_visits_sort(store, batch);

        rc = write_batch(store, batch, &visits, err);
        free(visits.rows);
    }
    pg_visits_forget(store);
    return rc;
}
