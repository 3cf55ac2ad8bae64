/*
 * aggregate/aggregate.c -- one run of the job, from lease to lease.
 */
#include "aggregate/aggregate_internal.h"

#include "base/clock.h"
#include "base/date.h"

enum {
    BATCH_MAX = 10000,
    GAPS_MAX =
        64, /* more than a node's producers have partitions; then it is no gap but the log itself */
};

static bool stopping(const struct run *run)
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

    return days == 0 ? INT32_MIN : run_today(run, site) - days;
}

static int open_directory(struct run *run, struct err *err)
{
    const struct directory_config config = {.raw_days = run->config->raw_days,
                                            .visit_days = run->config->visit_days,
                                            .stats_days = run->config->stats_days,
                                            .logger = run->config->logger};

    run->directory = directory_new(&config);
    int rc = directory_load(run->directory, run->store, run->now_ms, err);

    if (rc == 0)
        run->snapshot = directory_take(run->directory);
    return rc;
}

static int open_queue(struct run *run, struct arena *arena, struct err *err)
{
    struct position *positions = NULL;
    size_t count = 0;
    struct buf url = {0};
    int rc = store_positions(run->store, arena, &positions, &count, err);

    if (rc == 0) {
        buf_addf(&url, "log:%.*s", STR_FMT(run->config->data_dir));
        rc = queue_open(buf_str(&url), positions, count, &run->queue, err);
    }
    buf_release(&url);
    return rc;
}

/* The last record of each (producer, partition) is how far it is committed now. */
static int tell_queue(struct run *run, const struct queue_record *records, size_t count,
                      struct arena *arena, struct err *err)
{
    struct position *positions = ARENA_NEW(arena, struct position, count);

    for (size_t i = 0; i < count; i++)
        positions[i] = records[i].position;
    return queue_committed(run->queue, positions, count, err);
}

/* Records of the log are damaged, or their segments are gone: say so, put them into the books as
 * lost, and read on behind them. Where they may still come, the run ends here. */
static int pass_loss(struct run *run, struct arena *arena, struct err *err)
{
    const struct queue_loss *losses = NULL;
    size_t n = queue_lost(run->queue, &losses), count = 0;
    struct position *positions = NULL;
    char quoted[512];

    if (run->config->metrics != NULL)
        metrics_error(run->config->metrics, METRICS_ERROR_LOG);
    if (run->config->logger != NULL)
        logger_line(run->config->logger, LOG_ERROR, "records of the log are missing or damaged",
                    "lost=%d why=%s", n > 0, logger_quote(err->text, quoted, sizeof(quoted)));
    if (n == 0)
        return ERR_CORRUPT;
    int rc = batch_lose(run, losses, n, err);

    if (rc == 0)
        rc = store_positions(run->store, arena, &positions, &count, err);
    return rc < 0 ? rc : queue_rewind(run->queue, positions, count, err);
}

enum { STEP_DONE, STEP_LOST };

/* Read and count one batch; *count says how much there was. STEP_LOST: something was lost instead.
 */
static int step(struct run *run, struct arena *arena, size_t max, size_t *count, struct err *err)
{
    struct queue_record *records = NULL;
    int rc = queue_read(run->queue, max, arena, &records, count, err);

    if (rc == ERR_CORRUPT) {
        rc = pass_loss(run, arena, err);
        return rc < 0 ? rc : STEP_LOST;
    }
    if (rc < 0 || *count == 0)
        return rc;
    rc = batch_count(run, records, *count, err);
    return rc < 0 ? rc : tell_queue(run, records, *count, arena, err);
}

static size_t batch_most(const struct run *run, uint64_t left)
{
    size_t most = run->config->batch_max;

    most = most == 0 || most > BATCH_MAX ? BATCH_MAX : most;
    return left < most ? (size_t)left : most;
}

/* Lost records may or may not have been counted among those that waited. */
static int what_is_left(struct run *run, uint64_t done, uint64_t *total, struct err *err)
{
    struct queue_status status = {0};
    int rc = queue_status(run->queue, &status, err);

    *total = done + status.length;
    return rc;
}

/* Count `total` records, what was there at the beginning: what comes in meanwhile is the next
 * run's, so that this one ends. */
static int drain(struct run *run, uint64_t total, struct err *err)
{
    struct arena arena = {0};
    uint64_t done = 0;
    int rc = 0;

    while (rc >= 0 && done < total && !stopping(run)) {
        size_t count = 0;

        rc = step(run, &arena, batch_most(run, total - done), &count, err);
        arena_reset(&arena);
        done += count;
        if (rc == STEP_LOST)
            rc = what_is_left(run, done, &total, err);
        else if (rc == STEP_DONE && count == 0)
            rc = err_set(err, ERR_CORRUPT, "%llu records wait that cannot be read now",
                         (unsigned long long)(total - done));
        if (rc >= 0 && run->config->progress != NULL)
            run->config->progress(run->config->ctx, done, total);
        if (rc >= 0 && done < total)
            store_yield(run->store);
    }
    arena_free(&arena);
    return rc;
}

/* Settings are read only where there is something to do with them: an idle server runs often. */
static int work(struct run *run, struct err *err)
{
    struct queue_status status = {0};
    int rc = queue_status(run->queue, &status, err);

    if (rc < 0 || (status.length == 0 && !run->config->retention))
        return rc;
    rc = open_directory(run, err);
    if (rc == 0)
        rc = drain(run, status.length, err);
    if (rc == 0 && run->config->retention && !stopping(run))
        rc = retention_run(run, err);
    return rc;
}

static int leased(struct run *run, struct err *err)
{
    struct arena arena = {0};
    int rc = open_queue(run, &arena, err);

    if (rc == 0)
        rc = work(run, err);
    /* A run that was cut short has not seen everything up to its beginning. */
    if (rc == 0 && !stopping(run))
        rc = store_finish_run(run->store, run->now_ms, clock_wall_ms(), err);
    if (run->snapshot != NULL)
        directory_give(run->directory, run->snapshot);
    directory_free(&run->directory);
    queue_close(&run->queue);
    arena_free(&arena);
    return rc;
}

int aggregate_run(const struct aggregate_config *config, struct store *store, bool wait,
                  struct aggregate_report *report, struct err *err)
{
    struct run run = {.config = config, .store = store, .report = report};
    int64_t began_us = clock_steady_us();

    *report = (struct aggregate_report){0};
    int rc = store_lease(store, wait, err);

    if (rc < 0)
        return rc;
    run.now_ms = clock_wall_ms();
    rc = leased(&run, err);
    store_unlease(store);
    /* ERR_CONFLICT tells the caller that another runs the job; here a position was not where it
     * should be. */
    if (rc == ERR_CONFLICT)
        rc = ERR_UNCERTAIN;
    report->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    if (config->metrics != NULL)
        metrics_aggregate(config->metrics, report->seconds);
    return rc;
}
