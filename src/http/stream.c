/*
 * http/stream.c -- an answer in pages: one page in memory, made by a query thread while the
 * connection is suspended.
 *
 * libmicrohttpd asks for bytes on the pool thread. When the page is used up the exchange becomes
 * pending again, a query thread makes the next page, and the connection goes on. The response holds
 * a reference of its own, because libmicrohttpd lets go of it after the end of the request has been
 * announced. A page that is not made within the deadline, a broken page and a stopping server cut
 * the connection, so that the peer sees that the end is missing.
 *
 * A stream that is to wait sleeps among the pending exchanges until the deadline thread hands it to
 * a query thread.
 */
#include "base/clock.h"
#include "http/http_internal.h"

enum { STREAM_BLOCK = 16 * 1024 };

static ssize_t hand_on(struct exchange *ex, char *to, size_t max)
{
    size_t n = ex->page.len - ex->page_sent;

    n = n < max ? n : max;
    memcpy(to, ex->page.ptr + ex->page_sent, n);
    ex->page_sent += n;
    atomic_store_explicit(&ex->conn->due_us, clock_steady_us() + ex->http->deadline_us,
                          memory_order_relaxed);
    atomic_store_explicit(&ex->conn->phase, PHASE_SEND, memory_order_relaxed);
    return (ssize_t)n;
}

static ssize_t stream_read(void *ctx, uint64_t position, char *to, size_t max)
{
    struct exchange *ex = ctx;

    (void)position;
    if (atomic_load_explicit(&ex->state, memory_order_acquire) == EXCHANGE_EXPIRED ||
        atomic_load_explicit(&ex->http->stopping, memory_order_relaxed))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (ex->page_sent < ex->page.len)
        return hand_on(ex, to, max);
    if (ex->page_state < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (ex->page_state == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    ex->page_turn = true;
    if (ex->page_state > 1)
        exchange_sleep(ex, ex->page_state);
    else
        (void)query_pool_submit(&ex->http->pool, ex);
    return 0;
}

static void stream_gone(void *ctx)
{
    exchange_release(ctx, NULL);
}

struct MHD_Response *stream_response(struct exchange *ex)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, ex, stream_gone);

    if (response == NULL)
        return NULL;
    /* libmicrohttpd would send the last chunk of a body that HEAD does not have: no chunks, and the
     * end closes. */
    if (str_eq(ex->request.method, STR("HEAD")))
        (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    ex->page_state = 1;
    atomic_fetch_add_explicit(&ex->refs, 1, memory_order_relaxed);
    atomic_store_explicit(&ex->conn->streaming, true, memory_order_relaxed);
    return response;
}
