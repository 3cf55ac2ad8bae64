/* metrics/metrics_internal.h -- what counting (metrics.c), the sites (sites.c) and the exposition
 * (render.c) share. */
#ifndef ABACUS_METRICS_METRICS_INTERNAL_H
#define ABACUS_METRICS_METRICS_INTERNAL_H

#include "base/arena.h"
#include "metrics/histogram.h"
#include "metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    METRICS_OPS_MAX = 32,
    METRICS_CODES = 24,        /* status codes told apart; slot 0 is for all others */
    METRICS_SITE_SLOTS = 4096, /* of the hash table: four times what it may hold */
};

#define METRICS_UNSET INT64_MIN

struct metrics_site {
    struct str tenant, site;
    struct str labels; /* tenant="...",site="...", escaped */
    _Atomic uint64_t events[METRICS_EVENT_NAMES];
    _Atomic uint64_t conversions, ai_tokens;
};

/* The series of one route, on cache lines of their own: pool threads count here with every request.
 */
struct metrics_route {
    _Alignas(64) _Atomic uint64_t codes[METRICS_CODES];
    struct histogram durations;
};

struct metrics {
    struct metrics_names names;
    struct str version;
    struct arena arena;   /* whatever lives as long as the metrics; under `lock` */
    pthread_mutex_t lock; /* to add a site or an operation; nobody waits for it to read */

    _Atomic(struct metrics_site *) slots[METRICS_SITE_SLOTS];
    _Atomic(struct metrics_site *) sites[METRICS_SITES_MAX]; /* in the order of their first event */
    _Atomic size_t sites_count;
    struct metrics_site *other;
    _Atomic bool other_used;

    _Atomic uint64_t *dropped, *rejected;
    _Atomic uint64_t errors[METRICS_ERRORS];
    _Atomic uint64_t cache[METRICS_CACHE_RESULTS];
    struct metrics_route *routes;
    struct metrics_op {
        _Atomic(const char *) name;
        struct histogram latency;
    } ops[METRICS_OPS_MAX]; /* the last one is "other" */
    struct histogram aggregate;
    _Atomic int64_t gauges[METRICS_GAUGES];
};

/* metrics.c: the code of each slot, 0 for the one of all others. */
int metrics_code(size_t slot);

/* sites.c */
void metrics_sites_init(struct metrics *metrics);
/* render.c: `text` as a label value: backslash, quote and newline escaped. */
void metrics_escape(struct str text, struct buf *out);

#endif
