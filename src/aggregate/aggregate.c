/*
 * aggregate/aggregate.c -- one run of the job: group by group of partitions, each from lease to
 * unlease.
 */
#include "aggregate/aggregate_internal.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/must.h"

#include <stdlib.h>

/* Days become due about once a day. */
#define PACK_PAUSE_US INT64_C(60000000)

bool run_stopping(const struct run *run)
{
    return run->config->stopping != NULL && run->config->stopping(run->config->ctx);
}

int32_t run_today(const struct run *run, struct str site)
{
    const struct site *s = snapshot_site(run->snapshot, site);

    return s != NULL ? site_day(s, run->now_ms) : (int32_t)(run->now_ms / DAY_MS);
}

int32_t run_raw_from(const struct run *run, struct str site)
{
    const struct site *s = snapshot_site(run->snapshot, site);
    int32_t days = s != NULL ? s->raw_days : run->config->raw_days;

    return days == 0 || run->config->import != NULL ? INT32_MIN : run_today(run, site) - days;
}

/* -- what a group of partitions needs -- */

/* What is waiting was accepted for sites that were known then: settings read after the end of what
 * will be counted is fixed know them all. */
static int open_snapshot(struct run *run, struct err *err)
{
    int rc = directory_refresh(run->directory, run->store, run->now_ms, err);

    if (rc == 0)
        run->snapshot = directory_take(run->directory);
    return rc;
}

static void close_snapshot(struct run *run)
{
    if (run->snapshot != NULL)
        directory_give(run->directory, run->snapshot);
    run->snapshot = NULL;
}

/* Behind what is committed of the partitions leased. */
static int begin_reading(struct run *run, struct err *err)
{
    const struct position_filter leased = {.partitions = run->partitions};
    struct arena arena = {0};
    struct position *positions = NULL;
    size_t count = 0;
    int rc = store_positions(run->store, &leased, &arena, &positions, &count, err);

    if (rc == 0)
        rc = queue_begin(run->queue, run->partitions, positions, count, err);
    arena_free(&arena);
    return rc;
}

/* -- batches -- */

/* The last record of each (producer, partition) is how far it is committed now. */
static int tell_queue(struct run *run, const struct queue_record *records, size_t count,
                      struct arena *arena, struct err *err)
{
    struct position *positions = ARENA_NEW(arena, struct position, count);

    for (size_t i = 0; i < count; i++)
        positions[i] = records[i].position;
    return queue_committed(run->queue, positions, count, err);
}

/* Records are damaged, or gone: say so, put them into the books as lost, and read on behind them.
 * Where they may still come, the run ends here. */
static int pass_loss(struct run *run, struct err *err)
{
    const struct queue_loss *losses = NULL;
    size_t n = queue_lost(run->queue, &losses);
    char quoted[512];

    if (run->config->metrics != NULL)
        metrics_error(run->config->metrics, METRICS_ERROR_LOG);
    if (run->config->logger != NULL)
        logger_line(run->config->logger, LOG_ERROR, "records of the log are missing or damaged",
                    "lost=%d why=%s", n > 0, logger_quote(err->text, quoted, sizeof(quoted)));
    if (n == 0)
        return ERR_CORRUPT;
    int rc = batch_lose(run, losses, n, err);

    return rc < 0 ? rc : begin_reading(run, err);
}

static size_t batch_suits(const struct run *run)
{
    size_t most = run->config->batch_max, suits = store_batch_records(run->store);

    return most == 0 || most > suits ? suits : most;
}

static size_t batch_most(const struct run *run)
{
    size_t suits = batch_suits(run);

    return *run->batch_most == 0 || *run->batch_most > suits ? suits : *run->batch_most;
}

/* A batch may be more than the store can do before it, or the lease, runs out of time, and would be
 * as much with each try: the next is half of it. What succeeds makes them grow again. */
static void fit_batches(struct run *run, size_t count, int rc)
{
    if (rc < 0)
        *run->batch_most = count > 1 ? count / 2 : 1;
    else if (*run->batch_most < batch_suits(run))
        *run->batch_most *= 2;
    else
        *run->batch_most = 0;
}

enum { STEP_DONE, STEP_LOST };

/* Read and count one batch; *count says how much there was. STEP_LOST: something was lost instead.
 */
static int step(struct run *run, struct arena *arena, size_t max, size_t *count, struct err *err)
{
    struct queue_record *records = NULL;
    int rc = queue_read(run->queue, max, arena, &records, count, err);

    if (rc == ERR_CORRUPT) {
        rc = pass_loss(run, err);
        return rc < 0 ? rc : STEP_LOST;
    }
    if (rc < 0 || *count == 0)
        return rc;
    rc = batch_count(run, records, *count, err);
    fit_batches(run, *count, rc);
    return rc < 0 ? rc : tell_queue(run, records, *count, arena, err);
}

static void show_progress(const struct run *run, uint64_t done, uint64_t total)
{
    if (run->config->progress != NULL)
        run->config->progress(run->config->ctx, done, done > total ? done : total);
}

/* Old entries and those behind a gap are taken out of the queue only by who still holds the lease,
 * which an empty commit tells. */
static int clear_leftovers(struct run *run, struct err *err)
{
    int rc = queue_has_leftovers(run->queue)
                 ? store_commit(run->store, &(struct store_batch){0}, err)
                 : 1;

    return rc == 0 ? queue_committed(run->queue, NULL, 0, err) : rc < 0 ? rc : 0;
}

/* -- a shared queue: it ends by itself where it ended when reading began -- */

static int drain_shared(struct run *run, uint64_t total, struct err *err)
{
    struct arena arena = {0};
    uint64_t done = 0;
    size_t count = 1;
    int rc = 0;

    while (rc >= 0 && (count > 0 || rc == STEP_LOST) && !run_stopping(run)) {
        rc = step(run, &arena, batch_most(run), &count, err);
        arena_reset(&arena);
        done += count;
        if (count == 0)
            continue;
        show_progress(run, done, total);
        store_yield(run->store);
    }
    arena_free(&arena);
    return rc < 0 ? rc : clear_leftovers(run, err);
}

/* -- a log: what comes in meanwhile is the next run's, so that this one ends -- */

/* Lost records may or may not have been counted among those that waited. */
static int what_is_left(struct run *run, uint64_t done, uint64_t *total, struct err *err)
{
    struct queue_status status = {0};
    int rc = queue_status(run->queue, &status, err);

    *total = done + status.length;
    return rc;
}

static int drain_log(struct run *run, uint64_t total, struct err *err)
{
    struct arena arena = {0};
    uint64_t done = 0;
    int rc = 0;

    while (rc >= 0 && done < total && !run_stopping(run)) {
        size_t count = 0, most = batch_most(run);

        rc = step(run, &arena, total - done < most ? (size_t)(total - done) : most, &count, err);
        arena_reset(&arena);
        done += count;
        if (rc == STEP_LOST)
            rc = what_is_left(run, done, &total, err);
        else if (rc == STEP_DONE && count == 0)
            rc = err_set(err, ERR_CORRUPT, "%llu records wait that cannot be read now",
                         (unsigned long long)(total - done));
        if (rc >= 0)
            show_progress(run, done, total);
        if (rc >= 0 && done < total)
            store_yield(run->store);
    }
    arena_free(&arena);
    return rc;
}

/* -- a group of partitions, leased -- */

/* Goals are part of the settings, and are compared when these have changed. */
static int count_by_goals(struct run *run, struct err *err)
{
    int64_t version = snapshot_version(run->snapshot) + 1;
    bool seen = true;
    int rc = 0;

    for (unsigned p = 0; p < PARTITIONS; p++)
        seen = seen && ((run->partitions >> p & 1) == 0 || run->goals_seen[p] == version);
    if (!seen)
        rc = goals_run(run, err);
    for (unsigned p = 0; !seen && rc == 0 && p < PARTITIONS; p++)
        if ((run->partitions >> p & 1) != 0)
            run->goals_seen[p] = version;
    return rc;
}

/* Settings are read only where there is something to do with them: an idle server runs often. */
static int work(struct run *run, uint64_t waiting, struct err *err)
{
    struct queue_status status = {.length = waiting};
    bool whole = queue_is_whole(run->queue);
    bool erasing = (erase_partitions(run) & run->partitions) != 0;
    int rc = begin_reading(run, err);

    if (rc == 0 && whole)
        rc = queue_status(run->queue, &status, err);
    if (rc < 0 || (status.length == 0 && !run->retention && !run->packing && !erasing))
        return rc;
    rc = open_snapshot(run, err);
    if (rc == 0)
        rc = count_by_goals(run, err);
    if (rc == 0)
        rc = (whole ? drain_log : drain_shared)(run, status.length, err);
    if (rc == 0 && erasing && !run_stopping(run))
        rc = erase_run(run, err);
    if (rc == 0 && (run->packing || run->retention) && !run_stopping(run))
        rc = pack_run(run, run->retention, err);
    if (rc == 0 && run->retention && !run_stopping(run))
        rc = retention_run(run, err);
    close_snapshot(run);
    return rc;
}

static int count_group(struct run *run, uint32_t wanted, bool all, bool wait, uint64_t waiting,
                       struct err *err)
{
    int rc = store_lease(run->store, wanted, all, wait, &run->partitions, err);

    if (rc < 0)
        return rc;
    run->now_ms = clock_wall_ms();
    rc = work(run, waiting, err);
    /* A run that was cut short has not seen everything up to its beginning. */
    if (rc == 0 && !run_stopping(run) && run->config->import == NULL)
        rc = store_finish_run(run->store, run->partitions, run->now_ms, clock_wall_ms(), err);
    store_unlease(run->store);
    /* ERR_CONFLICT tells the caller that another runs the job; here a position was not where it
     * should be, or the lease is another's by now. */
    return rc == ERR_CONFLICT ? ERR_UNCERTAIN : rc;
}

/* -- groups -- */

static uint32_t fullest(const uint64_t waiting[PARTITIONS], uint32_t among)
{
    unsigned best = PARTITIONS;

    for (unsigned p = 0; p < PARTITIONS; p++)
        if ((among >> p & 1) != 0 && (best == PARTITIONS || waiting[p] > waiting[best]))
            best = p;
    return best == PARTITIONS ? 0 : UINT32_C(1) << best;
}

/* The fullest partitions of `among`, so many that they fill a batch; *sum of what waits in them. */
static uint32_t next_group(const struct run *run, const uint64_t waiting[PARTITIONS],
                           uint32_t among, uint64_t *sum)
{
    uint32_t group = 0;

    *sum = 0;
    while (group != among && *sum < batch_most(run)) {
        uint32_t one = fullest(waiting, among & ~group);

        for (unsigned p = 0; p < PARTITIONS; p++)
            *sum += (one >> p & 1) != 0 ? waiting[p] : 0;
        group |= one;
    }
    return group;
}

/* What keeps one group from being counted need not keep the others, which would wait behind it in
 * every run; but a server that is away does. Groups that others count now are none of ours. */
static int count_groups(struct run *run, const uint64_t waiting[PARTITIONS], uint32_t left,
                        struct err *err)
{
    int failed = 0;

    while (left != 0 && failed != ERR_UNAVAILABLE && !run_stopping(run)) {
        struct err why = {""};
        uint64_t sum;
        uint32_t group = next_group(run, waiting, left, &sum);
        /* An import is nobody else's to count. */
        int rc = count_group(run, group, false, run->config->import != NULL, sum, &why);

        left &= ~group;
        if (rc < 0 && rc != ERR_CONFLICT) {
            failed = rc;
            err_fill(err, "%s", why.text);
        }
    }
    return failed;
}

/* Empty partitions are counted up to now, whoever may hold them; with retention, and when days are
 * to be packed, all have work, and where something is to be erased, those of its sites. */
static int count_shared(struct run *run, struct err *err)
{
    uint64_t waiting[PARTITIONS];
    uint32_t left = erase_partitions(run);
    int rc = queue_waiting(run->queue, waiting, err);

    for (unsigned p = 0; rc == 0 && p < PARTITIONS; p++)
        left |= run->retention || run->packing || waiting[p] > 0 ? UINT32_C(1) << p : 0;
    if (rc == 0 && left != PARTITIONS_ALL && run->config->import == NULL)
        rc =
            store_finish_run(run->store, PARTITIONS_ALL & ~left, run->now_ms, clock_wall_ms(), err);
    return rc == 0 ? count_groups(run, waiting, left, err) : rc;
}

/* -- the run -- */

/* Entries that no relay of ours wrote: somebody else uses these keys. */
static void tell_malformed(struct aggregator *aggregator)
{
    uint64_t malformed = queue_malformed(aggregator->queue);

    if (malformed > aggregator->malformed_told && aggregator->config.logger != NULL)
        logger_line(aggregator->config.logger, LOG_ERROR, "the queue holds what is no record",
                    "entries=%llu", (unsigned long long)(malformed - aggregator->malformed_told));
    aggregator->malformed_told = malformed;
}

struct aggregator *aggregate_new(const struct aggregate_config *config)
{
    struct aggregator *aggregator = must(calloc(1, sizeof(*aggregator)));
    const struct directory_config directory = {.raw_days = config->raw_days,
                                               .visit_days = config->visit_days,
                                               .stats_days = config->stats_days,
                                               .logger = config->logger};

    aggregator->config = *config;
    aggregator->directory = directory_new(&directory);
    aggregator->queue = config->import;
    return aggregator;
}

void aggregate_free(struct aggregator **aggregator)
{
    if (*aggregator == NULL)
        return;
    queue_close(&(*aggregator)->queue);
    directory_free(&(*aggregator)->directory);
    past_free(&(*aggregator)->erase_watch.past);
    free(*aggregator);
    *aggregator = NULL;
}

static int count_all(struct run *run, bool wait, struct err *err)
{
    if (queue_is_whole(run->queue))
        return count_group(run, PARTITIONS_ALL, true, wait, 0, err);
    return count_shared(run, err);
}

/* What cannot be erased now keeps nothing from being counted. */
static int count_and_erase(struct run *run, struct aggregator *aggregator, bool wait,
                           struct err *err)
{
    struct err why = {""};
    int found = 0, finished = 0;

    if (run->config->import == NULL)
        found = erase_find(run, &aggregator->erase_watch, &why);
    int rc = count_all(run, wait, err);

    if (rc == ERR_CONFLICT)
        erase_drop(run);
    else
        finished = erase_finish(run, &aggregator->erase_watch, found == 0 ? &why : NULL);
    if (rc == 0 && (found != 0 || finished != 0))
        rc = err_set(err, found != 0 ? found : finished, "%s", why.text);
    return rc;
}

int aggregate_run(struct aggregator *aggregator, struct store *store, unsigned how,
                  struct aggregate_report *report, struct err *err)
{
    const struct aggregate_config *config = &aggregator->config;
    struct run run = {.config = config,
                      .store = store,
                      .directory = aggregator->directory,
                      .batch_most = &aggregator->batch_most,
                      .retention = (how & AGGREGATE_RETENTION) != 0,
                      .goals_seen = aggregator->goals_seen,
                      .past = &aggregator->erase_watch.past,
                      .report = report,
                      .now_ms = clock_wall_ms()};
    int64_t began_us = clock_steady_us();
    int rc = 0;

    *report = (struct aggregate_report){0};
    run.packing = config->import == NULL &&
                  (aggregator->packed_us == 0 || began_us - aggregator->packed_us >= PACK_PAUSE_US);
    if (run.packing)
        aggregator->packed_us = began_us;
    if (aggregator->queue == NULL)
        rc = queue_open(config->queue_url, &aggregator->queue, err);
    run.queue = aggregator->queue;
    if (rc == 0)
        rc = count_and_erase(&run, aggregator, (how & AGGREGATE_WAIT) != 0, err);
    if (aggregator->queue != NULL)
        tell_malformed(aggregator);
    report->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    if (config->metrics != NULL && rc != ERR_CONFLICT)
        metrics_aggregate(config->metrics, report->seconds);
    return rc;
}
