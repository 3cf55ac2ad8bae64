/*
 * metrics/render.c -- the exposition: one table of families, in the order in which they are shown.
 *
 * The text format is 0.0.4: HELP, TYPE, then all series of the family. In a label value backslash,
 * quote and newline are escaped.
 */
#include "metrics/metrics_internal.h"
#include "metrics/process.h"

#include <inttypes.h>

struct family {
    const char *name, *type, *help;
    void (*render)(struct metrics *metrics, const struct family *family, struct buf *out);
    int64_t argument; /* to `render` */
};

static const char *const event_names[METRICS_EVENT_NAMES] = {
    "pageview", "lead.created",     "form.submit", "automation.run",
    "ai.usage", "export.completed", "custom"};

static const char *const error_kinds[METRICS_ERRORS] = {[METRICS_ERROR_STORE] = "store",
                                                        [METRICS_ERROR_LOG] = "log",
                                                        [METRICS_ERROR_REDIS] = "redis",
                                                        [METRICS_ERROR_INTERNAL] = "internal"};

static const char *const cache_results[METRICS_CACHE_RESULTS] = {[METRICS_CACHE_HIT] = "hit",
                                                                 [METRICS_CACHE_MISS] = "miss",
                                                                 [METRICS_CACHE_STALE] = "stale",
                                                                 [METRICS_CACHE_ERROR] = "error"};

void metrics_escape(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' || text.ptr[i] == '"')
            buf_addc(out, '\\');
        if (text.ptr[i] == '\n')
            buf_add(out, STR("\\n"));
        else
            buf_addc(out, text.ptr[i]);
    }
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* -- sites -- */

/* Call fn for each site that has series, the shared one last. */
static void each_site(struct metrics *metrics, const struct family *family, struct buf *out,
                      void (*fn)(const struct metrics_site *site, const struct family *family,
                                 struct buf *out))
{
    size_t count = atomic_load_explicit(&metrics->sites_count, memory_order_acquire);

    for (size_t i = 0; i < count; i++)
        fn(atomic_load_explicit(&metrics->sites[i], memory_order_relaxed), family, out);
    if (atomic_load_explicit(&metrics->other_used, memory_order_relaxed))
        fn(metrics->other, family, out);
}

static void add_events(const struct metrics_site *site, const struct family *family,
                       struct buf *out)
{
    for (size_t i = 0; i < METRICS_EVENT_NAMES; i++)
        buf_addf(out, "%s{%.*s,event=\"%s\"} %" PRIu64 "\n", family->name, STR_FMT(site->labels),
                 event_names[i], load(&site->events[i]));
}

static void add_conversions(const struct metrics_site *site, const struct family *family,
                            struct buf *out)
{
    buf_addf(out, "%s{%.*s} %" PRIu64 "\n", family->name, STR_FMT(site->labels),
             load(&site->conversions));
}

static void add_ai_tokens(const struct metrics_site *site, const struct family *family,
                          struct buf *out)
{
    buf_addf(out, "%s{%.*s} %" PRIu64 "\n", family->name, STR_FMT(site->labels),
             load(&site->ai_tokens));
}

static void render_events(struct metrics *metrics, const struct family *family, struct buf *out)
{
    each_site(metrics, family, out, add_events);
}

static void render_conversions(struct metrics *metrics, const struct family *family,
                               struct buf *out)
{
    each_site(metrics, family, out, add_conversions);
}

static void render_ai_tokens(struct metrics *metrics, const struct family *family, struct buf *out)
{
    each_site(metrics, family, out, add_ai_tokens);
}

static void render_site_series(struct metrics *metrics, const struct family *family,
                               struct buf *out)
{
    buf_addf(out, "%s %zu\n", family->name,
             atomic_load_explicit(&metrics->sites_count, memory_order_relaxed));
}

static void render_constant(struct metrics *metrics, const struct family *family, struct buf *out)
{
    (void)metrics;
    buf_addf(out, "%s %" PRId64 "\n", family->name, family->argument);
}

/* -- by reason, kind, route, operation -- */

static void add_labelled(const char *name, const char *label, struct str value, uint64_t n,
                         struct buf *out)
{
    buf_addf(out, "%s{%s=\"", name, label);
    metrics_escape(value, out);
    buf_addf(out, "\"} %" PRIu64 "\n", n);
}

static void add_reasons(const char *name, const struct str *reasons, const _Atomic uint64_t *counts,
                        size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (reasons[i].len > 0) /* the number that stands for no reason has no name */
            add_labelled(name, "reason", reasons[i], load(&counts[i]), out);
    }
}

static void render_dropped(struct metrics *metrics, const struct family *family, struct buf *out)
{
    add_reasons(family->name, metrics->names.drop_reasons, metrics->dropped,
                metrics->names.drop_reasons_count, out);
}

static void render_rejected(struct metrics *metrics, const struct family *family, struct buf *out)
{
    add_reasons(family->name, metrics->names.reject_reasons, metrics->rejected,
                metrics->names.reject_reasons_count, out);
}

static void render_errors(struct metrics *metrics, const struct family *family, struct buf *out)
{
    for (size_t i = 0; i < METRICS_ERRORS; i++)
        add_labelled(family->name, "kind", str_from(error_kinds[i]), load(&metrics->errors[i]),
                     out);
}

static void render_cache(struct metrics *metrics, const struct family *family, struct buf *out)
{
    for (size_t i = 0; i < METRICS_CACHE_RESULTS; i++)
        add_labelled(family->name, "result", str_from(cache_results[i]), load(&metrics->cache[i]),
                     out);
}

/* `route="..."` into the empty `labels`. */
static void route_label(const struct metrics *metrics, size_t route, struct buf *labels)
{
    buf_reset(labels);
    buf_add(labels, STR("route=\""));
    metrics_escape(metrics->names.routes[route], labels);
    buf_addc(labels, '"');
}

/* A route's first request makes its series. */
static void render_requests(struct metrics *metrics, const struct family *family, struct buf *out)
{
    struct buf labels = {0};

    for (size_t r = 0; r < metrics->names.routes_count; r++) {
        route_label(metrics, r, &labels);
        for (size_t slot = 0; slot < METRICS_CODES; slot++) {
            uint64_t n = load(&metrics->routes[r].codes[slot]);

            if (n > 0 && slot > 0)
                buf_addf(out, "%s{%.*s,code=\"%d\"} %" PRIu64 "\n", family->name,
                         STR_FMT(buf_str(&labels)), metrics_code(slot), n);
            else if (n > 0)
                buf_addf(out, "%s{%.*s,code=\"other\"} %" PRIu64 "\n", family->name,
                         STR_FMT(buf_str(&labels)), n);
        }
    }
    buf_release(&labels);
}

static bool route_used(const struct metrics_route *route)
{
    uint64_t n = 0;

    for (size_t slot = 0; slot < METRICS_CODES; slot++)
        n += load(&route->codes[slot]);
    return n > 0;
}

static void render_durations(struct metrics *metrics, const struct family *family, struct buf *out)
{
    struct buf labels = {0};

    for (size_t r = 0; r < metrics->names.routes_count; r++) {
        if (!route_used(&metrics->routes[r]))
            continue;
        route_label(metrics, r, &labels);
        histogram_render(&metrics->routes[r].durations, family->name, buf_str(&labels), out);
    }
    buf_release(&labels);
}

static void render_db(struct metrics *metrics, const struct family *family, struct buf *out)
{
    struct buf labels = {0};

    for (size_t i = 0; i < METRICS_OPS_MAX; i++) {
        const char *name = atomic_load_explicit(&metrics->ops[i].name, memory_order_acquire);

        if (name == NULL)
            continue;
        buf_reset(&labels);
        buf_add(&labels, STR("op=\""));
        metrics_escape(str_from(name), &labels);
        buf_addc(&labels, '"');
        histogram_render(&metrics->ops[i].latency, family->name, buf_str(&labels), out);
    }
    buf_release(&labels);
}

/* -- single numbers -- */

static void render_aggregate(struct metrics *metrics, const struct family *family, struct buf *out)
{
    histogram_render(&metrics->aggregate, family->name, STR(""), out);
}

static void render_gauge(struct metrics *metrics, const struct family *family, struct buf *out)
{
    int64_t value;

    if (metrics_gauge_read(metrics, (enum metrics_gauge)family->argument, &value))
        buf_addf(out, "%s %" PRId64 "\n", family->name, value);
}

static void render_milliseconds(struct metrics *metrics, const struct family *family,
                                struct buf *out)
{
    int64_t ms;

    if (metrics_gauge_read(metrics, (enum metrics_gauge)family->argument, &ms))
        buf_addf(out, "%s %" PRId64 ".%03" PRId64 "\n", family->name, ms / 1000, ms % 1000);
}

static void render_build(struct metrics *metrics, const struct family *family, struct buf *out)
{
    add_labelled(family->name, "version", metrics->version, 1, out);
}

static const struct family families[] = {
    {"analytics_events_total", "counter", "Events accepted by this node.", render_events, 0},
    {"analytics_daily_stats_total", "counter", "Daily-stats rows written by the aggregation.",
     render_gauge, METRICS_DAILY_STATS_TOTAL},
    {"analytics_db_latency_seconds", "histogram", "Time taken by database operations.", render_db,
     0},
    {"analytics_queue_pending", "gauge", "Events waiting in the shared buffer; aggregate with max.",
     render_gauge, METRICS_QUEUE_PENDING},
    {"analytics_log_pending", "gauge",
     "Events in this node's log that are not in the buffer yet; aggregate with sum.", render_gauge,
     METRICS_LOG_PENDING},
    {"analytics_conversions_total", "counter", "Conversions accepted by this node.",
     render_conversions, 0},
    {"analytics_ai_tokens_total", "counter", "Tokens of ai.usage events accepted by this node.",
     render_ai_tokens, 0},
    {"analytics_errors_total", "counter", "Errors of this node by kind.", render_errors, 0},
    {"analytics_events_dropped_total", "counter", "Events left out on purpose, by reason.",
     render_dropped, 0},
    {"analytics_events_rejected_total", "counter", "Events refused, by reason.", render_rejected,
     0},
    {"analytics_ledger_imbalance", "gauge", "0, or the books do not add up.", render_gauge,
     METRICS_LEDGER_IMBALANCE},
    {"analytics_aggregate_duration_seconds", "histogram", "Time taken by runs of the aggregation.",
     render_aggregate, 0},
    {"analytics_aggregate_last_success_timestamp_seconds", "gauge",
     "When the aggregation last succeeded.", render_milliseconds, METRICS_LAST_SUCCESS},
    {"analytics_http_requests_total", "counter", "Requests by route and status code.",
     render_requests, 0},
    {"analytics_http_request_duration_seconds", "histogram",
     "Time from the complete request to the end of its answer.", render_durations, 0},
    {"analytics_cache_requests_total", "counter", "Answers looked for in the cache, by result.",
     render_cache, 0},
    {"analytics_site_series", "gauge", "Sites that have series of their own.", render_site_series,
     0},
    {"analytics_site_series_limit", "gauge", "Sites that may have series of their own.",
     render_constant, METRICS_SITES_MAX},
    {"analytics_build_info", "gauge", "Always 1; the version is the label.", render_build, 0},
};

void metrics_render(struct metrics *metrics, struct buf *out)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const struct family *family = &families[i];

        buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                 family->type);
        family->render(metrics, family, out);
    }
    process_render(out);
}
