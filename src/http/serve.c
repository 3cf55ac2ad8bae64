/*
 * http/serve.c -- the way of a request on its pool thread: what libmicrohttpd calls, in this order.
 *
 *     serve_target()     the request line has come: an exchange begins
 *     serve_request()    the head has come: check it, find the route; refuse at once what must not
 * be read serve_request()    a piece of the body: collect it, or throw it away serve_request() all
 * has come: run the handler, or suspend for a query thread serve_request()    resumed: answer
 *     serve_completed()  the answer has been sent, or the connection is lost: the exchange ends
 *
 * An answer queued before all of the request has come makes libmicrohttpd close the connection
 * afterwards, so that is done only for what is too long to read or cannot be framed; other refusals
 * wait until the body has been read away.
 */
#include "base/clock.h"
#include "http/http_internal.h"

/* -- answers of our own -- */

static void fill_preflight(struct exchange *ex)
{
    ex->response.status = MHD_HTTP_NO_CONTENT;
    http_header(&ex->response, STR("Access-Control-Allow-Methods"), ex->allow);
    http_header(&ex->response, STR("Access-Control-Allow-Headers"),
                STR("Content-Type, Authorization"));
    http_header(&ex->response, STR("Access-Control-Max-Age"), STR("86400"));
}

static void fill_refusal(struct exchange *ex)
{
    if (ex->refusal == MHD_HTTP_NO_CONTENT) {
        fill_preflight(ex);
        return;
    }
    http_problem(&ex->response, ex->refusal, str_from(ex->why), STR(""));
    if (ex->refusal == MHD_HTTP_METHOD_NOT_ALLOWED)
        http_header(&ex->response, STR("Allow"), ex->allow);
}

static void refuse(struct exchange *ex, int status, const char *why)
{
    ex->refusal = status;
    ex->why = why;
}

/* From here on the peer has until the deadline to take its answer. */
static void begin_answer(struct exchange *ex, int64_t now_us)
{
    struct conn *conn = ex->conn;

    atomic_store_explicit(&conn->due_us, now_us + ex->http->deadline_us, memory_order_relaxed);
    atomic_store_explicit(&conn->phase, PHASE_SEND, memory_order_relaxed);
}

static enum MHD_Result answer_refusal(struct exchange *ex)
{
    ex->start_us = clock_steady_us();
    begin_answer(ex, ex->start_us);
    fill_refusal(ex);
    return response_queue(ex);
}

/* Answer although more of the request may be coming. */
static enum MHD_Result answer_early(struct exchange *ex)
{
    if (ex->length > 0 || ex->chunked)
        deadline_linger(ex->http, ex->conn->fd);
    return answer_refusal(ex);
}

/* -- the head -- */

static void find_route(struct exchange *ex)
{
    struct http *http = ex->http;
    struct str raw = {0};
    const struct target *target = router_find(&http->router, ex->request.path, &raw);

    if (target == NULL) {
        refuse(ex, MHD_HTTP_NOT_FOUND, "there is nothing at this path");
        return;
    }
    uint16_t index = target_route(target, ex->request.method);

    ex->cors = target->cors;
    ex->allow = target->allow;
    if (index != NO_ROUTE) {
        ex->route = &http->config.routes[index];
        ex->route_index = index;
        ex->request.route = ex->route;
        if (raw.len > 0 && percent_decode(raw, false, &ex->arena, &ex->request.param) != 0)
            refuse(ex, MHD_HTTP_BAD_REQUEST, "the path is badly encoded");
    } else if (target->cors && str_eq(ex->request.method, STR("OPTIONS"))) {
        refuse(ex, MHD_HTTP_NO_CONTENT, "");
    } else {
        refuse(ex, MHD_HTTP_METHOD_NOT_ALLOWED, "this path does not take this method");
    }
}

static enum MHD_Result take_head(struct exchange *ex, const char *url, const char *method,
                                 const char *version)
{
    const char *why;
    bool good = request_read_head(ex, url, method, version, &why);

    ex->stage = STAGE_BODY;
    find_route(ex);
    if (!good) {
        refuse(ex, MHD_HTTP_BAD_REQUEST, why);
        return answer_early(ex);
    }
    if (ex->refusal == 0 && ex->length > ex->route->body_max) {
        refuse(ex, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
        return answer_early(ex);
    }
    if (ex->refusal == 0 && ex->coded)
        refuse(ex, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "this content coding is not understood");
    /* Whoever waits for 100 Continue is spared the body. */
    if (ex->refusal != 0 && (ex->length > SWALLOW_MAX || ex->expecting))
        return answer_early(ex);
    if (ex->refusal == 0 && ex->length > 0)
        (void)buf_reserve(&ex->body, (size_t)ex->length);
    return MHD_YES;
}

/* -- the body -- */

/* A refused body without a length is read away until it ends or the deadline cuts it off. */
static enum MHD_Result take_body(struct exchange *ex, struct str piece)
{
    if (ex->refusal != 0)
        return MHD_YES;
    if (piece.len > ex->route->body_max - ex->body.len)
        refuse(ex, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    else
        buf_add(&ex->body, piece);
    return MHD_YES;
}

/* -- the answer -- */

static enum MHD_Result answer_unavailable(struct exchange *ex, const char *why)
{
    http_problem(&ex->response, MHD_HTTP_SERVICE_UNAVAILABLE, str_from(why), STR(""));
    return response_queue(ex);
}

/* The work was not done in time. What it works on stays with it; the connection goes on with a
 * fresh exchange. */
static enum MHD_Result answer_expired(struct exchange *late)
{
    struct conn *conn = late->conn;
    struct exchange *ex = exchange_take(conn, late->mhd);

    ex->stage = STAGE_BODY;
    ex->cors = late->cors;
    ex->route = late->route;
    ex->route_index = late->route_index;
    ex->start_us = late->start_us;
    conn->exchange = ex;
    exchange_release(late, conn->shard);
    return answer_unavailable(ex, "the answer was not ready in time");
}

static enum MHD_Result answer_resumed(struct exchange *ex)
{
    int state = atomic_load_explicit(&ex->state, memory_order_acquire);

    if (state == EXCHANGE_PENDING)
        return MHD_YES;
    begin_answer(ex, clock_steady_us());
    return state == EXCHANGE_DONE ? response_queue(ex) : answer_expired(ex);
}

static enum MHD_Result run(struct exchange *ex)
{
    ex->start_us = clock_steady_us();
    begin_answer(ex, ex->start_us);
    ex->request.body = buf_str(&ex->body);
    if (ex->route->kind == HTTP_QUERY) {
        if (query_pool_submit(&ex->http->pool, ex))
            return MHD_YES;
        return answer_unavailable(ex, "too many requests are waiting");
    }
    ex->route->handle(&ex->request, &ex->response);
    return ex->suspended ? MHD_YES : response_queue(ex);
}

/* -- what libmicrohttpd calls -- */

void *serve_target(void *http, const char *target, struct MHD_Connection *mhd)
{
    struct conn *conn =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct exchange *ex = exchange_take(conn, mhd);

    (void)http;
    conn->exchange = ex;
    atomic_store_explicit(&conn->phase, PHASE_RECEIVE, memory_order_relaxed);
    ex->target_len = strlen(target);
    /* The library is about to cut the query into pieces. */
    if (memchr(target, '?', ex->target_len) != NULL)
        buf_add(&ex->target, (struct str){target, ex->target_len});
    return conn;
}

enum MHD_Result serve_request(void *http, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    struct conn *conn = *context;
    struct exchange *ex = conn->exchange;
    size_t size = *upload_size;

    (void)http, (void)mhd;
    if (ex->stage == STAGE_HEAD)
        return take_head(ex, url, method, version);
    if (size > 0) {
        *upload_size = 0;
        return take_body(ex, (struct str){upload, size});
    }
    if (ex->suspended)
        return answer_resumed(ex);
    return ex->refusal != 0 ? answer_refusal(ex) : run(ex);
}

void serve_completed(void *ctx, struct MHD_Connection *mhd, void **context,
                     enum MHD_RequestTerminationCode code)
{
    struct http *http = ctx;
    struct conn *conn = *context;
    struct exchange *ex = conn == NULL ? NULL : conn->exchange;
    int64_t now_us = clock_steady_us();

    (void)mhd, (void)code;
    if (ex == NULL)
        return;
    if (ex->stage == STAGE_SENDING && http->config.metrics != NULL) {
        int64_t end_us = ex->slept_us != 0 ? ex->slept_us : now_us;
        metrics_http(http->config.metrics, ex->route_index, ex->response.status,
                     (double)(end_us - ex->start_us) / 1e6);
    }
    conn->exchange = NULL;
    exchange_release(ex, conn->shard);
    atomic_store_explicit(&conn->streaming, false, memory_order_relaxed);
    atomic_store_explicit(&conn->due_us, now_us + http->deadline_us, memory_order_relaxed);
    atomic_store_explicit(&conn->phase, PHASE_IDLE, memory_order_relaxed);
    if (atomic_load_explicit(&http->stopping, memory_order_relaxed))
        (void)shutdown(conn->fd, SHUT_RDWR);
}
