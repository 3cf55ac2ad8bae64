/*
 * aggregate/aggregate_internal.h -- what the steps of a run share.
 */
#ifndef ABACUS_AGGREGATE_AGGREGATE_INTERNAL_H
#define ABACUS_AGGREGATE_AGGREGATE_INTERNAL_H

#include "aggregate/aggregate.h"
#include "aggregate/erase.h"
#include "directory/directory.h"
#include "queue/queue.h"

struct aggregator {
    struct aggregate_config config;
    struct directory *directory;
    struct queue *queue;
    uint64_t malformed_told; /* of queue_malformed() */
    size_t batch_most; /* records, since a batch could not be committed; 0: what suits the store */
    int64_t packed_us; /* when days were last packed; by the steady clock, 0: never */
    /* COUNTER_DIRECTORY when the goals of all sites of a partition were last compared, plus 1. */
    int64_t goals_seen[PARTITIONS];
    struct erase_watch erase_watch;
};

/* One run. */
struct run {
    const struct aggregate_config *config;
    struct store *store;
    struct directory *directory;
    struct queue *queue;
    size_t *batch_most; /* the aggregator's */
    bool retention, packing;
    int64_t *goals_seen; /* the aggregator's */
    struct aggregate_report *report;
    int64_t now_ms;
    struct erase_list erase;      /* what is to be erased */
    const struct past_list *past; /* what was; the aggregator's */
    /* Of the partitions leased now: */
    uint32_t partitions;
    const struct snapshot *snapshot;
};

/* Count `records` in one transaction, or halve them until what the store refuses stands alone. */
int batch_count(struct run *run, const struct queue_record *records, size_t count, struct err *err);

/* Put these records into the ledger as lost, and their positions behind them. */
int batch_lose(struct run *run, const struct queue_loss *losses, size_t count, struct err *err);

/* True when the run should end early. */
bool run_stopping(const struct run *run);

/* The site's date now; of a site that is not known any more, the UTC date. */
int32_t run_today(const struct run *run, struct str site);
/* The first date of which raw rows are kept; INT32_MIN: all. */
int32_t run_raw_from(const struct run *run, struct str site);

/* Append the record to the dead letters and make it durable. `why` is the store's reason. */
int dead_letter(struct run *run, const struct queue_record *record, const char *why,
                struct err *err);

/* Pack the days that are over and due, of the sites in the partitions leased, for at most two
 * seconds, or all of them. */
int pack_run(struct run *run, bool all, struct err *err);

/* Count the conversions of kept days again where goals have changed. Comes before any event is
 * counted by them. ERR_UNAVAILABLE without a text: the run should end early. */
int goals_run(struct run *run, struct err *err);

/* Remove what is too old of the sites in the partitions leased, and with the first partition what
 * belongs to no site. */
int retention_run(struct run *run, struct err *err);

#endif
