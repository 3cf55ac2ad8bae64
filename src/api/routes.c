/*
 * routes.c -- every route there is. openapi.json, the metrics' labels and the checks of parameters
 * are made from here.
 */
#include "api/admin.h"
#include "api/api.h"
#include "api/form.h"
#include "api/handlers.h"
#include "manage/manage.h"

/* A list, and what can be done with one of it. */
#define LIST(name, of, what)                                                                       \
    {                                                                                              \
        .method = "GET", .path = "/api/admin/" name, .group = ROLE_QUERY, .kind = HTTP_QUERY,      \
        .handle = admin_list, .number = of, .params = admin_list_params, .access = "admin",        \
        .summary = "List " what, .answer = name ", and nextCursor or null"                         \
    }
#define GET_ONE(name, of, what)                                                                    \
    {                                                                                              \
        .method = "GET", .path = "/api/admin/" name "/{id}", .group = ROLE_QUERY,                  \
        .kind = HTTP_QUERY, .handle = admin_get, .number = of, .params = admin_no_params,          \
        .access = "admin", .summary = "One of " what                                               \
    }
#define CHANGE(verb, does, name, of, what, says, slow_)                                            \
    {                                                                                              \
        .method = verb, .path = "/api/admin/" name "/{id}", .group = ROLE_QUERY,                   \
        .kind = HTTP_QUERY, .slow = slow_, .handle = does, .number = of,                           \
        .body_max = ADMIN_BODY_MAX, .params = admin_no_params, .access = "admin", .body = name,    \
        .summary = says what                                                                       \
    }
#define DELETE_ONE(name, of, what, takes)                                                          \
    {                                                                                              \
        .method = "DELETE", .path = "/api/admin/" name "/{id}", .group = ROLE_QUERY,               \
        .kind = HTTP_QUERY, .handle = admin_delete, .number = of, .params = takes,                 \
        .access = "admin", .summary = "Remove one of " what                                        \
    }
/* `slow`: a password may come with it. */
#define MANAGED(name, of, what, takes, slow)                                                       \
    LIST(name, of, what), GET_ONE(name, of, what),                                                 \
        CHANGE("PUT", admin_put, name, of, what, "Make or replace one of ", slow),                 \
        CHANGE("PATCH", admin_patch, name, of, what, "Change one of ", slow),                      \
        DELETE_ONE(name, of, what, takes)
#define SETTINGS(path_, takes, what)                                                               \
    {.method = "GET",                                                                              \
     .path = path_,                                                                                \
     .group = ROLE_QUERY,                                                                          \
     .kind = HTTP_QUERY,                                                                           \
     .handle = settings_get,                                                                       \
     .params = takes,                                                                              \
     .access = "admin",                                                                            \
     .summary = "What holds for " what ", and where it comes from",                                \
     .answer = "each setting as value and from"},                                                  \
        {.method = "PUT",                                                                          \
         .path = path_,                                                                            \
         .group = ROLE_QUERY,                                                                      \
         .kind = HTTP_QUERY,                                                                       \
         .handle = settings_put,                                                                   \
         .params = takes,                                                                          \
         .body_max = ADMIN_BODY_MAX,                                                               \
         .access = "admin",                                                                        \
         .body = "sites",                                                                          \
         .summary = "Replace what is set for " what},                                              \
    {                                                                                              \
        .method = "PATCH", .path = path_, .group = ROLE_QUERY, .kind = HTTP_QUERY,                 \
        .handle = settings_patch, .params = takes, .body_max = ADMIN_BODY_MAX, .access = "admin",  \
        .body = "sites", .summary = "Change what is set for " what                                 \
    }

/* A page of the dashboard; whoever opens it, its script asks. */
#define ADMIN_PAGE(path_, what)                                                                    \
    {                                                                                              \
        .method = "GET", .path = "/admin/" path_, .group = ROLE_WEB, .kind = HTTP_INLINE,          \
        .handle = admin_page_get, .params = privacy_params, .access = "none",                      \
        .summary = "The dashboard: " what, .answer = "an HTML page, the same for everybody"        \
    }

static const struct http_route routes[] = {
    {.method = "POST",
     .path = "/api/analytics/track",
     .group = ROLE_INGEST,
     .kind = HTTP_INLINE,
     .handle = track_post,
     .body_max = EVENT_BODY_MAX,
     .cors = true,
     .access = "none",
     .status = "202",
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
               "row of those that had no place, or null; with against previousFrom, previousTo, "
               "previousUntil and each row's previous; of event and prop:NAME each row's events, "
               "weighed by count and those without a visitor too, shown where conversions are, and "
               "null where a day of the range was packed before events were counted by value"},
    {.method = "GET",
     .path = "/api/analytics/properties",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = properties_get,
     .params = properties_params,
     .access = "stats:read",
     .summary = "The names of the properties that a site's events carry",
     .answer = "properties: up to 1000 names, ascending; total: how many there are. Of a day that "
               "is packed they are the 100 with most visitors, of one that is not yet all"},
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
     .path = "/api/analytics/sites",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = sites_get,
     .params = sites_params,
     .access = "stats:read",
     .summary = "Every site that the caller reaches, or those of a tenant, with their numbers",
     .answer = "sites with uniqueVisitors, pageviews, visits, bounceRate, visitDuration, "
               "conversions, previous, and days: the visitors of each; total: how many sites there "
               "are"},
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
     .path = "/api/analytics/check",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = check_get,
     .params = check_params,
     .access = "stats:read",
     .summary = "Whether a site's events come, and what kept them from being counted in the last "
                "hour, as this node saw it",
     .answer = "firstEventAt, lastEventAt, scriptLoadedAt, and problems of kind, detail, at and "
               "count"},
    {.method = "GET",
     .path = "/api/analytics/snippet",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = snippet_get,
     .params = snippet_params,
     .access = "stats:read",
     .summary = "The texts that bring the script into a site's pages",
     .answer = "html, pinned, nextjs, nginx, payload and privacy: a text each"},
    {.method = "GET",
     .path = "/api/analytics/annotations",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = annotations_get,
     .params = annotations_params,
     .access = "stats:read",
     .summary = "What is noted of a site's dates",
     .answer = "annotations of date and text"},
    {.method = "PUT",
     .path = "/api/analytics/annotations",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = annotation_put,
     .params = annotation_params,
     .body_max = ADMIN_BODY_MAX,
     .access = "admin",
     .summary = "Note something of a site's date: {text}, 1 to 80 characters",
     .answer = "siteId, tenantId, date and text"},
    {.method = "DELETE",
     .path = "/api/analytics/annotations",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = annotation_delete,
     .params = annotation_params,
     .access = "admin",
     .status = "204",
     .summary = "Remove what is noted of a site's date"},
    SETTINGS("/api/analytics/settings", settings_params, "a site"),
    MANAGED("tenants", MANAGE_TENANTS, "the tenants", admin_delete_params, false),
    MANAGED("sites", MANAGE_SITES, "the sites", admin_delete_params, false),
    MANAGED("users", MANAGE_USERS, "the people", admin_no_params, false),
    {.method = "POST",
     .path = "/api/admin/users/{id}/reset",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = reset_post,
     .params = admin_no_params,
     .access = "admin",
     .summary = "A link with which a person sets a new password",
     .answer = "the link, this once, or that it was mailed"},
    MANAGED("tokens", MANAGE_TOKENS, "the tokens", admin_no_params, false),
    MANAGED("links", MANAGE_LINKS, "the shared links", admin_no_params, true),
    LIST("receipts", MANAGE_RECEIPTS, "what was erased, or is to be"),
    GET_ONE("receipts", MANAGE_RECEIPTS, "what was erased, or is to be"),
    SETTINGS("/api/admin/settings", admin_settings_params, "a tenant, or the installation"),
    {.method = "GET",
     .path = "/api/admin/usage",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = usage_get,
     .params = usage_params,
     .access = "admin",
     .summary = "Events of a month by tenant and site, from the ledger",
     .answer = "tenants with events, dropped, rejected, limit, and sites"},
    {.method = "GET",
     .path = "/api/admin/audit",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = audit_get,
     .params = audit_params,
     .access = "admin",
     .summary = "Who changed what, the newest first",
     .answer = "entries, and nextCursor or null"},
    {.method = "GET",
     .path = "/api/admin/system",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = system_get,
     .params = admin_no_params,
     .access = "admin",
     .summary = "How the installation is: store, Redis, what waits, the job, the ledger; for who "
                "manages all of it",
     .answer = "version, startedAt, node, store, redis or null, queue, log, job, ledger, sites and "
               "tenants; null is what nobody can say now"},
    {.method = "POST",
     .path = "/api/admin/erase",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = erase_post,
     .params = admin_no_params,
     .body_max = ADMIN_BODY_MAX,
     .access = "admin",
     .status = "202",
     .summary = "Erase a path, an event or a property of a site: {siteId, path | event | prop}",
     .answer = "the receipt"},
    {.method = "GET",
     .path = "/api/admin/sites/{id}/export",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = site_export_get,
     .params = admin_no_params,
     .access = "admin",
     .summary = "Everything that is kept of a site, streamed",
     .answer = "NDJSON: a line for each thing, whose type says what it is; the last one is of type "
               "end"},
    {.method = "GET",
     .path = "/api/admin/tenants/{id}/export",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = tenant_export_get,
     .params = admin_no_params,
     .access = "admin",
     .summary = "Everything that is kept of a tenant, its people and all of its sites, streamed",
     .answer = "NDJSON: a line for each thing, whose type says what it is; the last one is of type "
               "end"},
    {.method = "POST",
     .path = "/api/admin/embed",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = embed_post,
     .params = admin_no_params,
     .body_max = ADMIN_BODY_MAX,
     .access = "stats:read",
     .summary = "An address of a tenant's dashboard for a frame: {tenantId, siteIds?, seconds?}; "
                "for tokens of the platform",
     .answer = "url, token and expiresAt"},
    {.method = "POST",
     .path = "/api/session",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = session_post,
     .body_max = FORM_BODY_MAX,
     .access = "none",
     .summary = "Sign in: {email, password, code?}; the session is a cookie",
     .answer = "the person, and when the session ends; 401 with code: true where only the code is "
               "missing"},
    {.method = "GET",
     .path = "/api/session",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = session_get,
     .access = "session",
     .summary = "Who has signed in",
     .answer = "the person, when the session ends, and the address that the server sees"},
    {.method = "DELETE",
     .path = "/api/session",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = session_delete,
     .access = "session",
     .status = "204",
     .summary = "Sign out"},
    {.method = "PUT",
     .path = "/api/session/password",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = session_password_put,
     .body_max = FORM_BODY_MAX,
     .access = "session",
     .status = "204",
     .summary = "Set a new password: {current, password}; all other sessions end"},
    {.method = "POST",
     .path = "/api/session/totp",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = session_totp_post,
     .body_max = FORM_BODY_MAX,
     .access = "session",
     .summary = "A new secret for a second factor, which is not kept yet",
     .answer = "secret and uri"},
    {.method = "PUT",
     .path = "/api/session/totp",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = session_totp_put,
     .body_max = FORM_BODY_MAX,
     .access = "session",
     .status = "204",
     .summary = "Set the second factor: {password, secret, code}"},
    {.method = "DELETE",
     .path = "/api/session/totp",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = session_totp_delete,
     .body_max = FORM_BODY_MAX,
     .access = "session",
     .status = "204",
     .summary = "Remove the second factor: {password}"},
    {.method = "POST",
     .path = "/api/session/reset",
     .group = ROLE_QUERY,
     .kind = HTTP_INLINE,
     .handle = session_reset_post,
     .body_max = FORM_BODY_MAX,
     .access = "none",
     .status = "202",
     .summary = "Ask for a mail with a link to set a new password: {email}",
     .answer = "the same whoever it is"},
    {.method = "POST",
     .path = "/api/session/link",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .handle = session_link_post,
     .body_max = FORM_BODY_MAX,
     .access = "none",
     .summary = "What an invitation, a reset or a set-up is: {secret}",
     .answer = "kind, user, totp and expiresAt"},
    {.method = "POST",
     .path = "/api/session/accept",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = session_accept_post,
     .body_max = FORM_BODY_MAX,
     .access = "none",
     .summary = "Use it, and sign in: {secret, password, code?, email?, name?}",
     .answer = "the person, and when the session ends"},
    {.method = "POST",
     .path = "/api/share",
     .group = ROLE_QUERY,
     .kind = HTTP_QUERY,
     .slow = true,
     .handle = share_post,
     .body_max = FORM_BODY_MAX,
     .access = "none",
     .summary = "Open a shared link by its password: {link, password}",
     .answer = "token, which reads like the link, and expiresAt"},
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
     .path = "/admin/sign-in",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = sign_in_get,
     .params = sign_in_params,
     .access = "none",
     .summary = "Where people sign in, and look after their password and second factor",
     .answer = "an HTML page"},
    {.method = "GET",
     .path = "/admin/accept",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = accept_get,
     .params = privacy_params,
     .access = "none",
     .summary = "Where links of invitations, resets and the first set-up lead; their secret is in "
                "the fragment",
     .answer = "an HTML page"},
    {.method = "GET",
     .path = "/admin",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = admin_home_get,
     .access = "none",
     .status = "302",
     .summary = "Where the dashboard begins",
     .answer = "to /admin/sites"},
    {.method = "GET",
     .path = "/admin/",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = admin_home_get,
     .access = "none"},
    ADMIN_PAGE("sites", "all sites"),
    ADMIN_PAGE("sites/new", "a new site"),
    ADMIN_PAGE("sites/{siteId}/analytics", "a site's numbers"),
    ADMIN_PAGE("sites/{siteId}/settings", "a site's settings"),
    ADMIN_PAGE("sites/{siteId}/ledger", "what became of all that a site sent"),
    ADMIN_PAGE("compare", "sites side by side"),
    ADMIN_PAGE("tenants/{tenantId}/analytics", "a tenant's numbers"),
    ADMIN_PAGE("people", "people, and what they may do"),
    ADMIN_PAGE("tokens", "tokens"),
    ADMIN_PAGE("audit", "who changed what"),
    ADMIN_PAGE("system", "how the installation is"),
    {.method = "GET",
     .path = "/share/{key}",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = share_get,
     .params = privacy_params,
     .access = "none",
     .summary = "What a public site (by its id) or a shared link shows; framed by the tenant's "
                "embedOrigins alone",
     .answer = "an HTML page; 404 whatever is wrong with the key"},
    {.method = "GET",
     .path = "/embed/{key}",
     .group = ROLE_WEB,
     .kind = HTTP_INLINE,
     .handle = embed_get,
     .params = privacy_params,
     .access = "none",
     .summary = "A tenant's sites in a frame, without any cookie; the page around it, one of the "
                "tenant's embedOrigins, may send it a new key",
     .answer = "an HTML page; 404 whatever is wrong with the key"},
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
