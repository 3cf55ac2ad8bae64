/*
 * routes.c -- every route there is. openapi.json, the metrics' labels and the checks of parameters
 * are made from here.
 */
#include "api/api.h"
#include "api/handlers.h"

static const struct http_route routes[] = {
    {.method = "POST",
     .path = "/api/analytics/track",
     .group = ROLE_INGEST,
     .kind = HTTP_INLINE,
     .handle = track_post,
     .body_max = EVENT_BODY_MAX,
     .cors = true,
     .access = "none",
     .summary = "Send an event, an array of events, or {\"events\": [...]}; a token of scope "
                "events:write may send more",
     .answer = "how many events were accepted, and how many dropped by reason"},
    {.method = "GET",
     .path = "/api/analytics/stats",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = stats_get,
     .params = stats_params,
     .access = "stats:read",
     .summary = "Totals and days of a site, or of all sites of a tenant",
     .answer = "every metric, and days: one row for each day of the range"},
    {.method = "GET",
     .path = "/api/analytics/compare",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = compare_get,
     .params = compare_params,
     .access = "stats:read",
     .summary = "A range against an earlier one, or several sites side by side",
     .answer = "current, previous and change, or sites with every metric"},
    {.method = "GET",
     .path = "/api/analytics/timeseries",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = timeseries_get,
     .params = timeseries_params,
     .access = "stats:read",
     .summary = "One metric of a site by hour, day, week or month",
     .answer = "points of time, value and partial; with against also previousPoints"},
    {.method = "GET",
     .path = "/api/analytics/breakdown",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = breakdown_get,
     .params = breakdown_params,
     .access = "stats:read",
     .summary = "A site's pages, sources, countries ... by their visitors",
     .answer = "rows by visitors, pageviews, value; total: how many values there are; other: the "
               "row of those that had no place, or null"},
    {.method = "GET",
     .path = "/api/analytics/realtime",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = realtime_get,
     .params = realtime_params,
     .access = "stats:read",
     .summary = "Who is on a site now; with Accept: text/event-stream again after each change",
     .answer = "visitorsNow of the five minutes up to asOf, last30Minutes, pages, sources and "
               "countries"},
    {.method = "GET",
     .path = "/api/analytics/ledger",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = ledger_get,
     .params = ledger_params,
     .access = "stats:read",
     .summary = "What became of everything received for a site, by day",
     .answer = "received = stored + dropped + rejected, as sums and by day; bots: the kinds of "
               "what was dropped as bot"},
    {.method = "GET",
     .path = "/api/analytics/tenants/{tenantId}/stats",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = tenant_stats_get,
     .params = tenant_stats_params,
     .access = "stats:read",
     .summary = "A tenant's totals, its sites, and its days",
     .answer = "every metric, sites with every metric, and days"},
    {.method = "GET",
     .path = "/api/analytics/export",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = export_get,
     .params = export_params,
     .access = "stats:read",
     .summary = "A site's raw events, days, hours, or values of a dimension, streamed",
     .answer = "NDJSON or CSV"},
    {.method = "GET",
     .path = "/healthz",
     .kind = HTTP_INLINE,
     .handle = healthz_get,
     .access = "none",
     .summary = "200 while the process answers"},
    {.method = "GET",
     .path = "/readyz",
     .kind = HTTP_INLINE,
     .handle = readyz_get,
     .access = "none",
     .summary = "200 while events can be taken; else 503 that says what is missing"},
    {.method = "GET",
     .path = "/metrics",
     .kind = HTTP_INLINE,
     .handle = metrics_get,
     .access = "metrics",
     .summary = "Prometheus text format 0.0.4"},
    {.method = "GET",
     .path = "/api/openapi.json",
     .kind = HTTP_INLINE,
     .handle = openapi_get,
     .access = "none",
     .summary = "This description"},
    {.method = "GET",
     .path = "/public/analytics.js",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = tracker_get,
     .cors = true,
     .access = "none",
     .summary = "The script that pages load"},
    {.method = "GET",
     .path = "/public/{file}",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = public_get,
     .cors = true,
     .access = "none"},
    {.method = "GET",
     .path = "/settings/privacy",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = privacy_get,
     .cors = true,
     .params = privacy_params,
     .access = "none",
     .summary = "What is counted of visitors unless a site sets it otherwise, in plain words",
     .answer = "an HTML page"},
    {.method = "GET",
     .path = "/settings/privacy/{siteId}",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = privacy_site_get,
     .cors = true,
     .params = privacy_params,
     .access = "none",
     .summary = "What a site counts of its visitors, in plain words, and the switch to refuse it; "
                "also privacy.js and privacy.css, which the page loads",
     .answer = "an HTML page"},
    {.method = "GET",
     .path = "/demo",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = demo_get,
     .access = "none"},
    {.method = "GET",
     .path = "/demo/",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = demo_get,
     .access = "none"},
    {.method = "GET",
     .path = "/demo/{page}",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = demo_page_get,
     .access = "none"},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

const struct http_route *api_routes(size_t *count)
{
    *count = ROUTES;
    return routes;
}

static const struct str *route_names(struct arena *arena)
{
    struct str *names = ARENA_NEW(arena, struct str, ROUTES + 1);

    for (size_t i = 0; i < ROUTES; i++)
        names[i] = str_from(routes[i].path);
    names[ROUTES] = STR("other");
    return names;
}

static const struct str *drop_names(struct arena *arena)
{
    struct str *names = ARENA_NEW(arena, struct str, DROP_REASONS);

    for (unsigned i = 0; i < DROP_REASONS; i++)
        names[i] = drop_reason_name((enum drop_reason)i);
    return names;
}

static const struct str *reject_names(struct arena *arena)
{
    struct str *names = ARENA_NEW(arena, struct str, REJECT_REASONS);

    for (unsigned i = 0; i < REJECT_REASONS; i++)
        names[i] = reject_reason_name((enum reject_reason)i);
    return names;
}

struct metrics_names api_metrics_names(struct arena *arena)
{
    return (struct metrics_names){.drop_reasons = drop_names(arena),
                                  .drop_reasons_count = DROP_REASONS,
                                  .reject_reasons = reject_names(arena),
                                  .reject_reasons_count = REJECT_REASONS,
                                  .routes = route_names(arena),
                                  .routes_count = ROUTES + 1};
}
