/*
 * server/jobs.c -- the server's own threads: the aggregator, at its interval, and the housekeeper,
 * each second.
 */
#include "server/server_internal.h"

#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "base/date.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { HOUSEKEEP_MS = 1000 };

static bool is_stopping(void *ctx)
{
    return atomic_load(&((struct server *)ctx)->stopping);
}

/* False when the server stops. */
static bool sleep_ms(struct server *server, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&server->lock);
    while (!atomic_load(&server->stopping) &&
           pthread_cond_timedwait(&server->wake, &server->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&server->lock);
    return !atomic_load(&server->stopping);
}

static void say_failure(struct server *server, const struct err *err)
{
    char quoted[512];

    metrics_error(server->metrics, METRICS_ERROR_STORE);
    logger_line(&server->config->logger, LOG_ERROR, "the job failed and will run again", "why=%s",
                logger_quote(err->text, quoted, sizeof(quoted)));
}

/* One run; `retention` once an hour. */
static void aggregate_once(struct server *server, struct store *store, bool retention)
{
    const struct aggregate_config config = {.data_dir = server->config->data_dir,
                                            .raw_days = server->config->raw_days,
                                            .visit_days = server->config->visit_days,
                                            .stats_days = server->config->stats_days,
                                            .audit_days = server->config->audit_days,
                                            .retention = retention,
                                            .logger = &server->config->logger,
                                            .metrics = server->metrics,
                                            .stopping = is_stopping,
                                            .ctx = server};
    struct aggregate_report report = {0};
    struct err err = {0};
    int rc = aggregate_run(&config, store, false, &report, &err);

    /* Another process runs the job: its numbers are as good as ours. */
    if (rc < 0 && rc != ERR_CONFLICT)
        say_failure(server, &err);
    if (report.records > 0) {
        logger_line(&server->config->logger, LOG_DEBUG, "aggregated",
                    "records=%llu events=%llu seconds=%.3f", (unsigned long long)report.records,
                    (unsigned long long)report.events, report.seconds);
        /* A batch's memory is far more than an idle server needs. */
        (void)malloc_trim(0);
    }
}

static void *aggregator(void *ctx)
{
    struct server *server = ctx;
    struct store *store = NULL;
    struct err err = {0};
    int64_t retention_due_us = 0;

    (void)prctl(PR_SET_NAME, "aggregate");
    do {
        int64_t now_us = clock_steady_us();

        if (store == NULL && server_open_store(server, false, &store, &err) < 0) {
            say_failure(server, &err);
            continue;
        }
        aggregate_once(server, store, now_us >= retention_due_us);
        if (now_us >= retention_due_us)
            retention_due_us = now_us + HOUR_MS * 1000;
    } while (sleep_ms(server, server->config->aggregate_interval_ms));
    store_close(&store);
    return NULL;
}

static void *housekeeper(void *ctx)
{
    struct server *server = ctx;

    (void)prctl(PR_SET_NAME, "housekeep");
    while (sleep_ms(server, HOUSEKEEP_MS))
        api_flush_refusals(&server->api);
    return NULL;
}

static int start(struct server *server, struct job *job, void *(*run)(void *), struct err *err)
{
    int rc = pthread_create(&job->thread, NULL, run, server);

    if (rc != 0)
        return err_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(rc));
    job->running = true;
    return 0;
}

int jobs_start(struct server *server, struct err *err)
{
    int rc = start(server, &server->housekeeper, housekeeper, err);

    if (rc == 0 && server->config->aggregate_interval_ms > 0)
        rc = start(server, &server->aggregator, aggregator, err);
    return rc;
}

void jobs_ask_to_stop(struct server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
}

static void join(struct job *job)
{
    if (job->running)
        (void)pthread_join(job->thread, NULL);
    job->running = false;
}

void jobs_stop(struct server *server)
{
    join(&server->housekeeper);
    join(&server->aggregator);
}
