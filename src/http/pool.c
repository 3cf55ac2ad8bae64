/*
 * http/pool.c -- query threads: whatever may block is done here, each thread with a worker context
 * of its own.
 *
 * The queue is first in, first out, and bounded by the requests that wait in it, those given up
 * included: while every thread hangs, it fills once and then refuses, and memory stays bounded.
 * What was given up while it waited is not run. A thread that does not come back when the server
 * stops is left behind with what it uses.
 *
 * Requests of slow routes wait in a short queue of their own. They go first, but never on the last
 * thread that is left: a flood of sign-ins, each of which takes a tenth of a second for good
 * reason, does not keep others from reading.
 */
#include "http/http_internal.h"

#include <sys/prctl.h>
#include <time.h>

enum { SLOW_WAITING_MAX = 32 };

static void report_broken_page(const struct http *http, const struct err *err)
{
    char why[2 * sizeof(err->text)];

    if (http->config.logger != NULL)
        logger_line(http->config.logger, LOG_WARN, "a streamed answer broke off", "why=%s",
                    logger_quote(err->text, why, sizeof(why)));
}

static void make_page(struct exchange *ex, void *worker)
{
    const struct http_stream *stream = &ex->response.stream;
    struct err err = {0};

    buf_reset(&ex->page);
    ex->page_sent = 0;
    ex->page_state = stream->next(stream->ctx, worker, &ex->page, &err);
    if (ex->page_state < 0)
        report_broken_page(ex->http, &err);
}

static void run(struct exchange *ex, void *worker)
{
    if (ex->page_turn) {
        make_page(ex, worker);
        return;
    }
    ex->request.worker = worker;
    ex->route->handle(&ex->request, &ex->response);
}

/* -- the queues; under the lock ---------------------------------------------------------------- */

static void append(struct job_list *list, struct exchange *ex)
{
    ex->job_next = NULL;
    *list->last = ex;
    list->last = &ex->job_next;
}

static struct exchange *take(struct job_list *list)
{
    struct exchange *ex = list->first;

    if (ex == NULL)
        return NULL;
    list->first = ex->job_next;
    if (list->first == NULL)
        list->last = &list->first;
    return ex;
}

static bool is_slow(const struct exchange *ex)
{
    return ex->route->slow && !ex->page_turn;
}

static struct exchange *choose(struct query_pool *pool)
{
    unsigned threads = pool->http->config.query_threads, most = threads > 1 ? threads - 1 : 1;
    struct exchange *ex = pool->slow_running < most ? take(&pool->slow) : NULL;

    if (ex != NULL) {
        pool->slow_waiting--;
        pool->slow_running++;
        return ex;
    }
    ex = take(&pool->jobs);
    if (ex != NULL)
        pool->waiting -= ex->page_turn ? 0 : 1;
    return ex;
}

/* -- the threads ------------------------------------------------------------------------------- */

/* The next exchange, or NULL when the pool stops. What waits while slow ones run is taken by the
 * thread that ends one of them. */
static struct exchange *next_job(struct query_pool *pool, bool *slow)
{
    struct exchange *ex;

    pthread_mutex_lock(&pool->lock);
    pool->slow_running -= *slow ? 1 : 0;
    while ((ex = choose(pool)) == NULL && !pool->stopping)
        pthread_cond_wait(&pool->work, &pool->lock);
    *slow = ex != NULL && is_slow(ex);
    pthread_mutex_unlock(&pool->lock);
    return ex;
}

/* Open the worker context and tell query_pool_start(). */
static bool open_worker(struct query_pool *pool, void **worker)
{
    const struct http_config *config = &pool->http->config;
    struct err err = {0};
    int rc = config->worker_open == NULL ? 0 : config->worker_open(config->app, worker, &err);

    pthread_mutex_lock(&pool->lock);
    if (rc != 0 && pool->failed == 0)
        pool->err = err;
    pool->ready += rc == 0;
    pool->failed += rc != 0;
    pthread_cond_signal(&pool->opened);
    pthread_mutex_unlock(&pool->lock);
    return rc == 0;
}

static void *query_thread(void *ctx)
{
    (void)prctl(PR_SET_NAME, "query");
    struct query_pool *pool = ctx;
    void *worker = NULL;
    struct exchange *ex;
    bool slow = false;

    if (!open_worker(pool, &worker))
        return NULL;
    while ((ex = next_job(pool, &slow)) != NULL) {
        if (atomic_load_explicit(&ex->state, memory_order_acquire) == EXCHANGE_PENDING)
            run(ex, worker);
        exchange_finish(ex);
    }
    if (pool->http->config.worker_close != NULL)
        pool->http->config.worker_close(pool->http->config.app, worker);
    return NULL;
}

/* Counts it, if there is room. */
static bool has_room(struct query_pool *pool, const struct exchange *ex)
{
    unsigned *waiting = is_slow(ex) ? &pool->slow_waiting : &pool->waiting;
    unsigned most = is_slow(ex) ? SLOW_WAITING_MAX : pool->limit;

    if (ex->page_turn)
        return true;
    if (*waiting >= most)
        return false;
    ++*waiting;
    return true;
}

bool query_pool_submit(struct query_pool *pool, struct exchange *ex)
{
    pthread_mutex_lock(&pool->lock);
    bool room = has_room(pool, ex);

    if (room) {
        exchange_suspend(ex);
        append(is_slow(ex) ? &pool->slow : &pool->jobs, ex);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

void query_pool_add(struct query_pool *pool, struct exchange *ex)
{
    pthread_mutex_lock(&pool->lock);
    bool stopping = pool->stopping;

    if (!stopping) {
        append(&pool->jobs, ex);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    if (stopping) /* perhaps no thread is left; the exchange has expired */
        exchange_finish(ex);
}

/* Wait until each thread has opened its worker, or one has failed. */
static int wait_opened(struct query_pool *pool, struct err *err)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->ready + pool->failed < pool->threads_count)
        pthread_cond_wait(&pool->opened, &pool->lock);
    int rc = pool->failed == 0 ? 0 : err_set(err, ERR_UNAVAILABLE, "%s", pool->err.text);

    pthread_mutex_unlock(&pool->lock);
    return rc;
}

int query_pool_start(struct query_pool *pool, struct http *http, struct err *err)
{
    unsigned wanted = http->config.query_threads;

    pool->http = http;
    pool->limit = http->config.query_queue;
    pool->jobs.last = &pool->jobs.first;
    pool->slow.last = &pool->slow.first;
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    (void)pthread_cond_init(&pool->opened, NULL);
    pool->threads = ARENA_NEW(&http->router.arena, pthread_t, wanted);
    for (; pool->threads_count < wanted; pool->threads_count++) {
        int rc = pthread_create(&pool->threads[pool->threads_count], NULL, query_thread, pool);

        if (rc != 0)
            return err_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(rc));
    }
    return wait_opened(pool, err);
}

bool query_pool_stop(struct query_pool *pool, int64_t ms)
{
    struct timespec until;
    bool all = true;

    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    for (unsigned i = 0; i < pool->threads_count; i++) {
        if (pthread_clockjoin_np(pool->threads[i], NULL, CLOCK_MONOTONIC, &until) == 0)
            continue;
        (void)pthread_detach(pool->threads[i]);
        all = false;
    }
    return all;
}
