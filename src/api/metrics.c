/*
 * metrics.c -- GET /metrics, for the operator's Prometheus.
 *
 * A platform token of scope metrics opens it. Without one it is open to a loopback peer while
 * nothing says that the peer could be a proxy: no trusted proxies, no public URL, no forwarding
 * header.
 */
#include "api/api.h"
#include "api/handlers.h"
#include "api/reader.h"

static bool is_local(const struct api *api, const struct http_request *request)
{
    return addr_is_loopback(&request->peer) && api->trusted_count == 0 &&
           api->public_url.len == 0 && !request->forwarded;
}

/* 0, or the status of the refusal. */
static int refusal(struct api *api, const struct http_request *request)
{
    const struct snapshot *snapshot = directory_take(api->directory);

    if (snapshot == NULL)
        return 503;
    const struct token *token = caller_token(request, snapshot, api_now(api));
    bool allowed = token != NULL && token->platform && (token->scopes & SCOPE_METRICS) != 0;
    int status = token == NULL ? 401 : 403;
    directory_give(api->directory, snapshot);
    return allowed ? 0 : status;
}

void metrics_get(const struct http_request *request, struct http_response *response)
{
    struct api *api = request->app;
    int status = is_local(api, request) ? 0 : refusal(api, request);

    if (status != 0) {
        http_problem(response, status, STR("a platform token of scope metrics is needed"), STR(""));
        return;
    }
    response->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    metrics_render(api->metrics, &response->body);
}
