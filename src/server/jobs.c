/*
 * server/jobs.c -- the server's own threads: the aggregator, at its interval; the housekeeper, the
 * watcher and who forgets, each second; the relay, all the time.
 */
#include "server/server_internal.h"

#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "base/date.h"
#include "queue/queue.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    HOUSEKEEP_MS = 1000,
    FORGET_MS = 200,
    WATCH_MS = 1000,
    DRAIN_MS = 50,      /* between runs while draining */
    RELAY_IDLE_MS = 20, /* until the log is looked at again */
    RELAY_FAILED_MS = 250,
    SAY_AGAIN_MS = 60 * 1000,
};

static enum phase phase(struct server *server)
{
    return (enum phase)atomic_load(&server->phase);
}

static bool is_stopping(void *ctx)
{
    return phase(ctx) == PHASE_STOPPING;
}

/* Ends early when the phase changes. False when the server stops. */
static bool sleep_ms(struct server *server, int64_t ms)
{
    enum phase before = phase(server);
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&server->lock);
    while (phase(server) == before && before != PHASE_STOPPING &&
           pthread_cond_timedwait(&server->wake, &server->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&server->lock);
    return phase(server) != PHASE_STOPPING;
}

/* -- what fails -- */

/* A thread's last failure. What goes on failing is counted each time, and told again when the
 * reason is another one, or after a while. */
struct failure {
    char why[sizeof(((struct err *)NULL)->text)];
    int64_t again_us;
};

/* An error's text begins with whom it is about. */
static enum metrics_error kind_of(const struct err *err)
{
    return strncmp(err->text, "Redis", strlen("Redis")) == 0 ? METRICS_ERROR_REDIS
                                                             : METRICS_ERROR_STORE;
}

static void job_failed(struct server *server, struct failure *last, const struct err *err)
{
    char quoted[512];
    int64_t now_us = clock_steady_us();

    metrics_error(server->metrics, kind_of(err));
    if (strcmp(last->why, err->text) == 0 && now_us < last->again_us)
        return;
    (void)snprintf(last->why, sizeof(last->why), "%s", err->text);
    last->again_us = now_us + SAY_AGAIN_MS * INT64_C(1000);
    logger_line(&server->config->logger, LOG_ERROR, "the job failed and will run again", "why=%s",
                logger_quote(err->text, quoted, sizeof(quoted)));
}

static void job_succeeded(struct server *server, struct failure *last)
{
    if (last->why[0] != '\0')
        logger_line(&server->config->logger, LOG_INFO, "the job runs again", NULL);
    last->why[0] = '\0';
}

/* -- the aggregator -- */

static void aggregate_once(struct server *server, struct aggregator *aggregator,
                           struct store *store, bool retention, struct failure *last)
{
    struct aggregate_report report = {0};
    struct err err = {0};
    int rc = aggregate_run(aggregator, store, retention ? AGGREGATE_RETENTION : 0, &report, &err);

    /* Another process runs the job: its numbers are as good as ours. */
    if (rc < 0 && rc != ERR_CONFLICT)
        job_failed(server, last, &err);
    else
        job_succeeded(server, last);
    if (report.records > 0) {
        logger_line(&server->config->logger, LOG_DEBUG, "aggregated",
                    "records=%llu events=%llu seconds=%.3f", (unsigned long long)report.records,
                    (unsigned long long)report.events, report.seconds);
        /* A batch's memory is far more than an idle server needs. */
        (void)malloc_trim(0);
    }
}

static struct aggregator *new_aggregator(struct server *server)
{
    const struct aggregate_config config = {.queue_url = server->config->queue_url,
                                            .data_dir = server->config->data_dir,
                                            .raw_days = server->config->raw_days,
                                            .visit_days = server->config->visit_days,
                                            .stats_days = server->config->stats_days,
                                            .audit_days = server->config->audit_days,
                                            .logger = &server->config->logger,
                                            .metrics = server->metrics,
                                            .stopping = is_stopping,
                                            .ctx = server};

    return aggregate_new(&config);
}

static int64_t pause_ms(struct server *server)
{
    return phase(server) == PHASE_DRAINING ? DRAIN_MS : server->config->aggregate_interval_ms;
}

static void *aggregator(void *ctx)
{
    struct server *server = ctx;
    struct aggregator *aggregator = new_aggregator(server);
    struct store *store = NULL;
    struct failure last = {0};
    struct err err = {0};
    int64_t retention_due_us = 0;

    (void)prctl(PR_SET_NAME, "aggregate");
    do {
        int64_t now_us = clock_steady_us();
        bool retention = now_us >= retention_due_us && phase(server) == PHASE_RUNNING;

        if (store == NULL && server_open_store(server, false, &store, &err) < 0) {
            job_failed(server, &last, &err);
            continue;
        }
        housekeep_books(server, store, true);
        aggregate_once(server, aggregator, store, retention, &last);
        if (retention)
            retention_due_us = now_us + HOUR_MS * 1000;
    } while (sleep_ms(server, pause_ms(server)));
    store_close(&store);
    aggregate_free(&aggregator);
    return NULL;
}

/* -- the relay -- */

/* The relay says itself what happens to it; each time that it begins to fail is counted. */
static void count_failure(struct server *server, int rc, const struct err *err, int *counted)
{
    if (rc < 0 && *counted != rc)
        metrics_error(server->metrics, kind_of(err));
    *counted = rc < 0 ? rc : 0;
}

static int relay_once(struct server *server, struct relay **relay, struct store **store,
                      struct relay_progress *progress, struct err *err)
{
    const struct relay_config config = {.data_dir = server->config->data_dir,
                                        .redis_url = server->config->redis_url,
                                        .logger = &server->config->logger};
    int rc = *store == NULL ? server_open_store(server, true, store, err) : 0;

    if (rc == 0 && *relay == NULL)
        rc = relay_open(&config, relay, err);
    if (rc == 0)
        rc = relay_step(*relay, *store, progress, err);
    return rc;
}

static void *relayer(void *ctx)
{
    struct server *server = ctx;
    struct relay *relay = NULL;
    struct store *store = NULL;
    int64_t wait_ms = 0;
    int counted = 0;

    (void)prctl(PR_SET_NAME, "relay");
    do {
        struct relay_progress progress = {0};
        struct err err = {0};
        int rc = relay_once(server, &relay, &store, &progress, &err);

        count_failure(server, rc, &err, &counted);
        atomic_store(&server->relay_in_flight, progress.in_flight);
        atomic_store(&server->relay_behind, !progress.up_to_date);
        wait_ms = progress.sent > 0 ? 0 : rc < 0 ? RELAY_FAILED_MS : RELAY_IDLE_MS;
    } while (sleep_ms(server, wait_ms));
    relay_close(&relay);
    store_close(&store);
    return NULL;
}

/* -- the watcher: a Redis that hangs keeps only this thread waiting, and who asks for a ledger --
 */

int jobs_queued(void *ctx, struct api_waiting *out)
{
    struct server *server = ctx;
    struct queue_status status = {0};
    int rc = 0;

    (void)pthread_mutex_lock(&server->buffer_lock);
    if (server->buffer == NULL)
        rc = queue_open(server->config->queue_url, &server->buffer, NULL);
    if (rc == 0)
        rc = queue_status(server->buffer, &status, NULL);
    (void)pthread_mutex_unlock(&server->buffer_lock);
    *out = (struct api_waiting){(int64_t)status.length, status.oldest_ms};
    return rc;
}

static void *watcher(void *ctx)
{
    struct server *server = ctx;

    (void)prctl(PR_SET_NAME, "watch");
    do {
        struct api_waiting queued;

        if (jobs_queued(server, &queued) < 0)
            metrics_unset(server->metrics, METRICS_QUEUE_PENDING);
        else
            metrics_set(server->metrics, METRICS_QUEUE_PENDING, queued.records);
    } while (sleep_ms(server, WATCH_MS));
    return NULL;
}

/* -- the housekeeper -- */

static void *housekeeper(void *ctx)
{
    struct server *server = ctx;

    (void)prctl(PR_SET_NAME, "housekeep");
    while (phase(server) == PHASE_RUNNING && sleep_ms(server, HOUSEKEEP_MS))
        api_flush_refusals(&server->api);
    return NULL;
}

/* -- who forgets what was erased -- */

static void *forgetter(void *ctx)
{
    struct server *server = ctx;
    struct forget *forget = forget_new(server);

    (void)prctl(PR_SET_NAME, "forget");
    do
        forget_step(forget);
    while (phase(server) == PHASE_RUNNING && sleep_ms(server, FORGET_MS));
    forget_free(&forget);
    return NULL;
}

/* -- all of them -- */

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
    bool platform = server_is_platform(server), ingest = server_has(server, ROLE_INGEST);
    const struct {
        struct job *job;
        void *(*run)(void *);
        bool wanted;
    } jobs[] = {
        {&server->housekeeper, housekeeper, ingest},
        {&server->forgetter, forgetter, true},
        {&server->relayer, relayer, platform && ingest},
        {&server->watcher, watcher, platform},
        {&server->aggregator, aggregator,
         server_has(server, ROLE_AGGREGATE) && server->config->aggregate_interval_ms > 0},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(jobs) / sizeof(jobs[0]); i++)
        if (jobs[i].wanted)
            rc = start(server, jobs[i].job, jobs[i].run, err);
    return rc;
}

void jobs_enter(struct server *server, enum phase phase)
{
    (void)pthread_mutex_lock(&server->lock);
    atomic_store(&server->phase, (int)phase);
    (void)pthread_cond_broadcast(&server->wake);
    (void)pthread_mutex_unlock(&server->lock);
}

static void join(struct job *job)
{
    if (job->running)
        (void)pthread_join(job->thread, NULL);
    job->running = false;
}

void jobs_stop_housekeeper(struct server *server)
{
    join(&server->housekeeper);
    join(&server->forgetter);
}

void jobs_stop(struct server *server)
{
    jobs_stop_housekeeper(server);
    join(&server->relayer);
    join(&server->watcher);
    join(&server->aggregator);
    queue_close(&server->buffer);
}
