/*
 * aggregate/aggregate.h -- the job: queue -> rollup -> store, one transaction per batch, then
 * retention.
 *
 * Number n of a (producer, partition) is counted only after n-1, in the transaction that moves the
 * position from n-1. Nothing is kept in memory between batches but the queue's reading place, and
 * after a commit that failed or is uncertain that is taken from the store again. A batch that the
 * store refuses as invalid is halved until the bad record stands alone; it goes to
 * DATA_DIR/dead-letter.ndjson and into the ledger as unstorable, and the rest goes on.
 * Records that are damaged, or whose segments are gone, enter the ledger as lost, and what is
 * behind them is counted.
 */
#ifndef ABACUS_AGGREGATE_AGGREGATE_H
#define ABACUS_AGGREGATE_AGGREGATE_H

#include "base/err.h"
#include "base/logger.h"
#include "metrics/metrics.h"
#include "store/store.h"

struct aggregate_config {
    struct str data_dir;                                  /* of the log and the dead letters */
    int32_t raw_days, visit_days, stats_days, audit_days; /* the installation's; 0: for ever */
    size_t batch_max;            /* records in a transaction; 0: 10,000, which is also the most */
    bool retention;              /* also remove what is too old */
    const struct logger *logger; /* may be NULL */
    struct metrics *metrics;     /* may be NULL */
    /* May be NULL. Returns true when the run should end early (the server is stopping). */
    bool (*stopping)(void *ctx);
    /* Called after each committed batch with how many records of how many were done; may be NULL.
     */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

struct aggregate_report {
    uint64_t records, events, duplicates, unstorable, batches;
    uint64_t lost; /* records of the log that are damaged or gone: in the ledger as such */
    double seconds;
};

/* One run: take the lease (waiting if `wait`; else ERR_CONFLICT), count everything that was in the
 * log when it began, apply retention, give the lease back. `store` is the caller's own handle. */
int aggregate_run(const struct aggregate_config *config, struct store *store, bool wait,
                  struct aggregate_report *report, struct err *err);

#endif
