/*
 * http/exchange.c -- the life of one request with its answer: taken, suspended, finished or
 * expired, given back.
 *
 * See http_internal.h for who owns it when.
 */
#include "base/clock.h"
#include "base/must.h"
#include "http/http_internal.h"

#include <poll.h>
#include <stdlib.h>

/* The exchange around a handler's request: the arena is its only member that is not const there. */
static struct exchange *exchange_of(const struct http_request *request)
{
    return (struct exchange *)(void *)((char *)request->arena - offsetof(struct exchange, arena));
}

static struct exchange *exchange_new(struct http *http)
{
    struct exchange *ex = must(calloc(1, sizeof(*ex)));

    ex->http = http;
    return ex;
}

struct exchange *exchange_take(struct conn *conn, struct MHD_Connection *mhd)
{
    struct shard *shard = conn->shard;
    struct exchange *ex = shard->spare;

    if (ex != NULL) {
        shard->spare = ex->next;
        shard->spares--;
        ex->next = NULL;
    } else {
        ex = exchange_new(conn->http);
    }
    ex->conn = conn;
    ex->mhd = mhd;
    ex->request.arena = &ex->arena;
    ex->request.app = conn->http->config.app;
    ex->route_index = conn->http->config.routes_count;
    atomic_store_explicit(&ex->refs, 1, memory_order_relaxed);
    return ex;
}

static void keep_or_release(struct buf *buf)
{
    if (buf->cap > KEEP_BODY)
        buf_release(buf);
    buf_reset(buf);
}

/* Back to the state of a new one, but for the memory worth keeping. */
static void exchange_reset(struct exchange *ex)
{
    struct arena arena = ex->arena;
    struct buf body = ex->body, target = ex->target, head = ex->head, page = ex->page;
    struct http *http = ex->http;

    response_release(&ex->response);
    arena_reset(&arena);
    keep_or_release(&body);
    keep_or_release(&target);
    keep_or_release(&head);
    keep_or_release(&page);
    memset(ex, 0, sizeof(*ex));
    ex->http = http;
    ex->arena = arena;
    ex->body = body;
    ex->target = target;
    ex->head = head;
    ex->page = page;
}

void exchange_free(struct exchange *ex)
{
    response_release(&ex->response);
    arena_free(&ex->arena);
    buf_release(&ex->body);
    buf_release(&ex->target);
    buf_release(&ex->head);
    buf_release(&ex->page);
    free(ex);
}

void exchange_release(struct exchange *ex, struct shard *shard)
{
    if (atomic_load_explicit(&ex->refs, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (shard == NULL || shard->spares >= KEEP_EXCHANGES) {
        exchange_free(ex);
        return;
    }
    exchange_reset(ex);
    ex->next = shard->spare;
    shard->spare = ex;
    shard->spares++;
}

/* -- pending; all under pending_lock -- */

static void pending_append(struct http *http, struct exchange *ex)
{
    ex->next = NULL;
    ex->prev = http->pending_last;
    *(ex->prev != NULL ? &ex->prev->next : &http->pending_first) = ex;
    http->pending_last = ex;
    http->pending_count++;
}

static void pending_remove(struct http *http, struct exchange *ex)
{
    *(ex->prev != NULL ? &ex->prev->next : &http->pending_first) = ex->next;
    *(ex->next != NULL ? &ex->next->prev : &http->pending_last) = ex->prev;
    ex->next = ex->prev = NULL;
    http->pending_count--;
}

/* False: the server ends, and the exchange has expired at once. */
static bool suspend_until(struct exchange *ex, int64_t due_us, int64_t wake_us)
{
    struct http *http = ex->http;

    if (!ex->suspended)
        request_keep_head(ex);
    ex->suspended = true;
    ex->due_us = due_us;
    ex->wake_us = wake_us;
    atomic_store_explicit(&ex->conn->due_us, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&ex->conn->phase, PHASE_PENDING, memory_order_relaxed);
    atomic_fetch_add_explicit(&ex->refs, 1, memory_order_relaxed);
    pthread_mutex_lock(&http->pending_lock);
    MHD_suspend_connection(ex->mhd);
    bool pending = !http->closing;

    if (pending) {
        atomic_store_explicit(&ex->state, EXCHANGE_PENDING, memory_order_release);
        pending_append(http, ex);
    } else {
        atomic_store_explicit(&ex->state, EXCHANGE_EXPIRED, memory_order_release);
        MHD_resume_connection(ex->mhd);
    }
    pthread_mutex_unlock(&http->pending_lock);
    return pending;
}

void exchange_suspend(struct exchange *ex)
{
    (void)suspend_until(ex, clock_steady_us() + ex->http->deadline_us, 0);
}

void exchange_sleep(struct exchange *ex, int64_t ms)
{
    int64_t now_us = clock_steady_us();

    if (ex->slept_us == 0)
        ex->slept_us = now_us;
    if (!suspend_until(ex, INT64_MAX, now_us + ms * 1000))
        exchange_release(ex, NULL);
}

void exchange_finish(struct exchange *ex)
{
    int pending = EXCHANGE_PENDING;

    if (!atomic_compare_exchange_strong_explicit(&ex->state, &pending, EXCHANGE_DONE,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        exchange_release(ex, NULL);
        return;
    }
    struct http *http = ex->http;
    struct MHD_Connection *mhd = ex->mhd;

    pthread_mutex_lock(&http->pending_lock);
    pending_remove(http, ex);
    /* Never the last reference: the connection holds its own until it is resumed. Gone first, so
     * that the pool thread can keep the exchange for the next request. */
    atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel);
    MHD_resume_connection(mhd);
    pthread_mutex_unlock(&http->pending_lock);
}

/* Nobody finishes who sleeps, so the reference of the work goes here; it is never the last one. */
static void expire(struct http *http, struct exchange *ex)
{
    int pending = EXCHANGE_PENDING;
    struct MHD_Connection *mhd = ex->mhd;

    if (!atomic_compare_exchange_strong_explicit(&ex->state, &pending, EXCHANGE_EXPIRED,
                                                 memory_order_acq_rel, memory_order_acquire))
        return; /* being finished: it waits for the lock to be taken off the list */
    pending_remove(http, ex);
    if (ex->wake_us != 0)
        atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel);
    MHD_resume_connection(mhd);
}

size_t exchanges_expire(struct http *http, int64_t now_us, bool pages)
{
    pthread_mutex_lock(&http->pending_lock);
    for (struct exchange *ex = http->pending_first, *next; ex != NULL; ex = next) {
        next = ex->next;
        if (ex->due_us <= now_us || (pages && ex->page_turn))
            expire(http, ex);
    }
    size_t left = http->pending_count;

    pthread_mutex_unlock(&http->pending_lock);
    return left;
}

/* A suspended connection is not looked at by libmicrohttpd. */
static bool peer_is_gone(const struct exchange *ex)
{
    struct pollfd peer = {.fd = ex->conn->fd, .events = POLLRDHUP};

    return poll(&peer, 1, 0) > 0;
}

void exchanges_wake(struct http *http, int64_t now_us)
{
    struct exchange *awake = NULL, **last = &awake;

    pthread_mutex_lock(&http->pending_lock);
    for (struct exchange *ex = http->pending_first, *next; ex != NULL; ex = next) {
        next = ex->next;
        if (ex->wake_us == 0 || ex->wake_us > now_us)
            continue;
        if (peer_is_gone(ex)) {
            expire(http, ex);
            continue;
        }
        ex->wake_us = 0;
        ex->due_us = now_us + http->deadline_us;
        ex->job_next = NULL;
        *last = ex;
        last = &ex->job_next;
    }
    pthread_mutex_unlock(&http->pending_lock);
    for (struct exchange *ex = awake, *next; ex != NULL; ex = next) {
        next = ex->job_next;
        query_pool_add(&http->pool, ex);
    }
}

void http_suspend(const struct http_request *request)
{
    exchange_suspend(exchange_of(request));
}

void http_resume(const struct http_request *request)
{
    exchange_finish(exchange_of(request));
}
