/*
 * health.c -- /healthz: the process answers; /readyz: it can take and count events now.
 */
#include "api/api.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "base/date.h"

void healthz_get(const struct http_request *request, struct http_response *response)
{
    (void)request;
    response->static_body = STR("{\"status\":\"ok\"}");
}

/* Dates run from UTC-12 to UTC+14. */
static bool has_salts(const struct salts *salts, int64_t now_ms)
{
    int32_t first = (int32_t)((now_ms - 12 * HOUR_MS) / DAY_MS);
    int32_t last = (int32_t)((now_ms + 14 * HOUR_MS) / DAY_MS);

    for (int32_t day = first; day <= last; day++)
        if (salts_find(salts, day) == NULL)
            return false;
    return true;
}

/* What is missing, or NULL. */
static const char *missing(struct api *api, const struct snapshot *snapshot, int64_t now_ms)
{
    if (snapshot == NULL)
        return "the snapshot of sites";
    if ((api->roles & ROLE_INGEST) != 0 && !has_salts(snapshot_salts(snapshot), now_ms))
        return "the salts of today's dates";
    if ((api->roles & ROLE_INGEST) != 0 && (api->log == NULL || !log_usage(api->log).writable))
        return "room in the event log";
    return NULL;
}

void readyz_get(const struct http_request *request, struct http_response *response)
{
    struct api *api = request->app;
    const struct snapshot *snapshot = directory_take(api->directory);
    const char *what = missing(api, snapshot, api_now(api));

    if (what == NULL) {
        response->static_body = STR("{\"status\":\"ready\"}");
    } else {
        struct buf detail = {0};
        buf_addf(&detail, "not ready: %s is missing", what);
        http_problem(response, 503, buf_str(&detail), STR(""));
        buf_release(&detail);
    }
    if (snapshot != NULL)
        directory_give(api->directory, snapshot);
}
