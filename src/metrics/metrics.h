/*
 * metrics/metrics.h -- counters, gauges and histograms, and their text exposition (Prometheus
 * 0.0.4).
 *
 * One struct metrics belongs to the server; every verb may be called from any thread and costs an
 * atomic addition. Names, types and help stand in one table in render.c (CONTRACT: Metrics). Label
 * values are escaped.
 */
#ifndef ABACUS_METRICS_METRICS_H
#define ABACUS_METRICS_METRICS_H

#include "base/buf.h"
#include "base/str.h"

struct metrics;
struct metrics_site; /* the series of one site */

enum { METRICS_SITES_MAX = 1000, METRICS_EVENT_NAMES = 7 }; /* the six names and "custom" */

/* The label values of what is counted by number elsewhere; the arrays outlive the metrics. */
struct metrics_names {
    const struct str *drop_reasons;
    size_t drop_reasons_count;
    const struct str *reject_reasons;
    size_t reject_reasons_count;
    const struct str *routes; /* "/api/analytics/track"; the last one stands for all unknown */
    size_t routes_count;
};
struct metrics *metrics_new(const struct metrics_names *names, struct str version);
void metrics_free(struct metrics **metrics);

/* The series of a site, made at the first call for it; beyond METRICS_SITES_MAX the shared one with
 * tenant and site "__other__". Lives as long as the metrics. */
struct metrics_site *metrics_site(struct metrics *metrics, struct str tenant, struct str site);

/* One accepted event. `name` < METRICS_EVENT_NAMES counts in the order pageview, lead.created,
 * form.submit, automation.run, ai.usage, export.completed, custom. */
void metrics_event(struct metrics_site *site, unsigned name);
void metrics_conversions(struct metrics_site *site, uint64_t n);
void metrics_ai_tokens(struct metrics_site *site, uint64_t n);

void metrics_dropped(struct metrics *metrics, unsigned reason, uint64_t n);
void metrics_rejected(struct metrics *metrics, unsigned reason, uint64_t n);

enum metrics_error {
    METRICS_ERROR_STORE,
    METRICS_ERROR_LOG,
    METRICS_ERROR_REDIS,
    METRICS_ERROR_INTERNAL,
    METRICS_ERRORS
};
void metrics_error(struct metrics *metrics, enum metrics_error kind);

void metrics_http(struct metrics *metrics, size_t route, int code, double seconds);
/* `op` is a literal; beyond 31 different ones the rest counts as "other". */
void metrics_db(struct metrics *metrics, const char *op, double seconds);
void metrics_aggregate(struct metrics *metrics, double seconds);

/* What a question to the cache for an answer came to. */
enum metrics_cache {
    METRICS_CACHE_HIT,
    METRICS_CACHE_MISS,
    METRICS_CACHE_STALE,
    METRICS_CACHE_ERROR,
    METRICS_CACHE_RESULTS
};
void metrics_cache(struct metrics *metrics, enum metrics_cache result);

enum metrics_gauge {
    METRICS_QUEUE_PENDING,
    METRICS_LOG_PENDING,
    METRICS_LEDGER_IMBALANCE,
    METRICS_LAST_SUCCESS,      /* milliseconds here, seconds when exposed */
    METRICS_DAILY_STATS_TOTAL, /* exposed as a counter */
    METRICS_LAST_RUN,          /* microseconds that the job's last run here took; not exposed */
    METRICS_GAUGES,
};
/* Until set, a gauge is left out; and again once it is unset, because nobody knows its value. */
void metrics_set(struct metrics *metrics, enum metrics_gauge gauge, int64_t value);
void metrics_unset(struct metrics *metrics, enum metrics_gauge gauge);
/* False: nobody knows. */
bool metrics_gauge_read(const struct metrics *metrics, enum metrics_gauge gauge, int64_t *out);

void metrics_render(struct metrics *metrics, struct buf *out);

#endif
