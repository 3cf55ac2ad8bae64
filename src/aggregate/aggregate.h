/*
 * aggregate/aggregate.h -- the job: queue -> rollup -> store, one transaction per batch, then
 * retention.
 *
 * A run takes the partitions in which something waits, a group at a time: so many that they fill a
 * batch. A small installation is counted in one transaction, and where much waits, many aggregators
 * share the partitions. What is read from a local log is taken as a whole.
 *
 * Number n of a (producer, partition) is counted only after n-1, in the transaction that moves the
 * position from n-1. Nothing is kept in memory between batches but the queue's reading place, and
 * after a commit that failed or is uncertain that is taken from the store again. A batch that the
 * store refuses as invalid is halved until the bad record stands alone; it goes to
 * DATA_DIR/dead-letter.ndjson and into the ledger as unstorable, and the rest goes on.
 * Records that are damaged enter the ledger as lost, those that are gone because the store is older
 * than the log reaches (a restored backup) as lost-by-restore, and what is behind them is counted.
 */
#ifndef ABACUS_AGGREGATE_AGGREGATE_H
#define ABACUS_AGGREGATE_AGGREGATE_H

#include "base/err.h"
#include "base/logger.h"
#include "metrics/metrics.h"
#include "store/store.h"

struct queue;

struct aggregate_config {
    struct str queue_url; /* "log:DATA_DIR", or Redis (queue/queue.h) */
    /* Instead of queue_url, a queue that the aggregator then owns: an import. Its events get raw
     * rows however old they are, until they are packed; what is counted up to now is left to
     * others. */
    struct queue *import;
    struct str data_dir; /* of the dead letters, and of the log where there is one */
    int32_t raw_days, visit_days, stats_days, audit_days; /* the installation's; 0: for ever */
    size_t batch_max;            /* records in a transaction; 0, or more than suits the store: what
                                    suits it (store_batch_records()) */
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

/* Who runs the job again and again; `config` is copied, what it points at is borrowed. */
struct aggregator;
struct aggregator *aggregate_new(const struct aggregate_config *config);
void aggregate_free(struct aggregator **aggregator);

enum aggregate_how {
    AGGREGATE_WAIT = 1,      /* for another's run of the job on a log; else ERR_CONFLICT */
    AGGREGATE_RETENTION = 2, /* also remove what is too old */
};
/* One run: count everything that was in the queue when it began and is not leased elsewhere. `how`
 * is a set of enum aggregate_how; `store` is the caller's own handle. The report is valid after a
 * failure, too. */
int aggregate_run(struct aggregator *aggregator, struct store *store, unsigned how,
                  struct aggregate_report *report, struct err *err);

/* -- dead letters -- */

/* Whose they are: a site's, or (site empty) all of a tenant's. */
struct dead_letters_of {
    struct str tenant, site;
};
/* Take theirs out of DATA_DIR/dead-letter.ndjson, and with them what cannot be read and holds their
 * name; the others stay as they are. All of that, or after a failure or a crash nothing. *removed
 * lines. Beside whoever appends. */
int dead_letters_remove(struct str data_dir, const struct dead_letters_of *of, size_t count,
                        size_t *removed, struct err *err);

/* -- what is too old: for the job, and for who looks whether it is gone -- */

enum { RETENTION_KEY_DAYS = 7 /* of idempotency keys */ };

/* Of a site, whose raw rows are kept from `needed` on whatever their age; INT32_MAX: none are. */
struct expiry retention_of_site(const struct site *site, int64_t now_ms, int32_t needed);
/* Of sites that were removed, which have no settings and no zone any more: the installation's days
 * hold, in UTC. The site is empty. */
struct expiry retention_of_removed(int32_t raw_days, int32_t visit_days, int32_t stats_days,
                                   int64_t now_ms);
/* The first day of which a site still needs the rows: the one before the first that waits to be
 * packed, which looks back over midnight; INT32_MAX: none. `due` is by site, then day. */
int32_t retention_needs(const struct site_day *due, size_t count, struct str site);

#endif
