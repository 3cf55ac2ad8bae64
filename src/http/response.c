/*
 * http/response.c -- from struct http_response to libmicrohttpd's.
 *
 * Short fixed answers are repeated for ever ({"accepted":1}), so a pool thread keeps the library's
 * immutable response for each fixed JSON body it has sent without headers of its own; the status is
 * not part of it. A pool thread's table needs no lock and never loses an entry; when it is full,
 * the rest is made anew each time.
 */
#include "base/json.h"
#include "http/http_internal.h"

#include <assert.h>

static const struct str json_type = {"application/json", 16};

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
};

static struct str status_title(int status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status == status)
            return str_from(titles[i].title);
    }
    return STR("Error");
}

void http_header(struct http_response *response, struct str name, struct str value)
{
    assert(response->headers_count < HTTP_HEADERS_MAX);
    response->headers[response->headers_count].name = name;
    response->headers[response->headers_count++].value = value;
}

static bool has_header(const struct http_response *r, struct str name)
{
    for (size_t i = 0; i < r->headers_count; i++) {
        if (str_ieq(r->headers[i].name, name))
            return true;
    }
    return false;
}

void http_problem(struct http_response *response, int status, struct str detail, struct str members)
{
    struct json_out out = {.buf = &response->body};

    response->status = status;
    response->content_type = STR("application/problem+json");
    response->static_body = STR("");
    buf_reset(&response->body);
    json_open(&out, '{');
    json_name(&out, STR("type"));
    json_str(&out, STR("about:blank"));
    json_name(&out, STR("title"));
    json_str(&out, status_title(status));
    json_name(&out, STR("status"));
    json_i64(&out, status);
    json_name(&out, STR("detail"));
    json_str(&out, detail);
    if (members.len > 0) {
        buf_addc(&response->body, ',');
        buf_add(&response->body, members);
    }
    json_close(&out, '}');
    if ((status == MHD_HTTP_TOO_MANY_REQUESTS || status == MHD_HTTP_SERVICE_UNAVAILABLE) &&
        !has_header(response, STR("Retry-After")))
        http_header(response, STR("Retry-After"), STR("1"));
    if (status == MHD_HTTP_UNAUTHORIZED)
        http_header(response, STR("WWW-Authenticate"), STR("Bearer"));
}

void response_release(struct http_response *response)
{
    buf_release(&response->body);
    if (response->stream.free != NULL)
        response->stream.free(response->stream.ctx);
    response->stream = (struct http_stream){0};
}

static struct MHD_Response *from_bytes(struct str bytes, enum MHD_ResponseMemoryMode mode)
{
    /* The library does not write there; it only asks for a pointer that free() would take. */
    return MHD_create_response_from_buffer(bytes.len, (void *)(uintptr_t)bytes.ptr, mode);
}

/* The library's response with the body, without headers. */
static struct MHD_Response *make_body(struct exchange *ex)
{
    struct http_response *r = &ex->response;

    if (r->stream.next != NULL)
        return stream_response(ex);
    if (r->static_body.len > 0 || r->body.len == 0)
        return from_bytes(r->static_body.len > 0 ? r->static_body : STR(""),
                          MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response = from_bytes(buf_str(&r->body), MHD_RESPMEM_MUST_FREE);

    if (response != NULL)
        r->body = (struct buf){0};
    return response;
}

static bool is_json(struct str type)
{
    return str_starts(type, json_type) || str_starts(type, STR("application/problem+json"));
}

static void add_headers(struct exchange *ex, struct MHD_Response *to, struct str type)
{
    const struct http_response *r = &ex->response;

    for (size_t i = 0; i < r->headers_count; i++)
        (void)MHD_add_response_header(to, arena_str(&ex->arena, r->headers[i].name).ptr,
                                      arena_str(&ex->arena, r->headers[i].value).ptr);
    if (type.len > 0)
        (void)MHD_add_response_header(to, "Content-Type", arena_str(&ex->arena, type).ptr);
    if (is_json(type) && !has_header(r, STR("Cache-Control")))
        (void)MHD_add_response_header(to, "Cache-Control", "no-store");
    (void)MHD_add_response_header(to, "X-Content-Type-Options", "nosniff");
    if (ex->cors)
        (void)MHD_add_response_header(to, "Access-Control-Allow-Origin", "*");
}

static struct MHD_Response *make(struct exchange *ex)
{
    struct http_response *r = &ex->response;
    bool empty = r->stream.next == NULL && r->static_body.len == 0 && r->body.len == 0;
    struct str type = r->content_type;

    if (type.len == 0 && !empty)
        type = json_type;
    struct MHD_Response *response = make_body(ex);

    if (response != NULL)
        add_headers(ex, response, type);
    return response;
}

static bool is_cacheable(const struct http_response *r)
{
    return r->static_body.len > 0 && r->headers_count == 0 && r->stream.next == NULL &&
           (r->content_type.len == 0 || str_eq(r->content_type, json_type));
}

static struct cached *find_cached(struct shard *shard, const struct exchange *ex)
{
    const struct http_response *r = &ex->response;

    for (size_t i = 0; i < shard->cached_count; i++) {
        struct cached *c = &shard->cached[i];

        if (c->body.ptr == r->static_body.ptr && c->body.len == r->static_body.len &&
            c->cors == ex->cors)
            return c;
    }
    return NULL;
}

/* A response that the caller destroys after queueing it. */
static struct MHD_Response *make_or_find(struct exchange *ex, bool *cached)
{
    struct shard *shard = ex->conn->shard;

    *cached = is_cacheable(&ex->response);
    if (!*cached)
        return make(ex);
    struct cached *found = find_cached(shard, ex);

    if (found != NULL)
        return found->response;
    struct MHD_Response *response = make(ex);

    *cached = response != NULL && shard->cached_count < CACHED_RESPONSES;
    if (*cached)
        shard->cached[shard->cached_count++] =
            (struct cached){ex->response.static_body, ex->cors, response};
    return response;
}

enum MHD_Result response_queue(struct exchange *ex)
{
    bool cached;
    struct MHD_Response *response = make_or_find(ex, &cached);

    if (response == NULL)
        return MHD_NO;
    if (ex->response.status == 0)
        ex->response.status = MHD_HTTP_OK;
    ex->stage = STAGE_SENDING;
    enum MHD_Result queued = MHD_queue_response(ex->mhd, (unsigned)ex->response.status, response);

    if (!cached)
        MHD_destroy_response(response);
    return queued;
}
