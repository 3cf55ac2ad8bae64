/*
 * metrics/metrics.c -- counting. What is counted stands in struct metrics, how it is shown in
 * render.c's table.
 *
 * All additions are relaxed: each number is right by itself, and nobody draws conclusions from two
 * of them.
 */
#include "metrics/metrics_internal.h"

#include "base/must.h"

#include <stdlib.h>

static const struct histogram_bounds db_bounds = {
    12,
    {{"0.001", 1000000},
     {"0.005", 5000000},
     {"0.01", 10000000},
     {"0.05", 50000000},
     {"0.1", 100000000},
     {"0.25", 250000000},
     {"0.5", 500000000},
     {"1", 1000000000},
     {"2", 2000000000},
     {"5", 5000000000},
     {"10", 10000000000},
     {"30", 30000000000}},
};

static const struct histogram_bounds http_bounds = {
    12,
    {{"0.0005", 500000},
     {"0.001", 1000000},
     {"0.0025", 2500000},
     {"0.005", 5000000},
     {"0.01", 10000000},
     {"0.025", 25000000},
     {"0.05", 50000000},
     {"0.1", 100000000},
     {"0.5", 500000000},
     {"1", 1000000000},
     {"5", 5000000000},
     {"10", 10000000000}},
};

static const struct histogram_bounds aggregate_bounds = {
    10,
    {{"0.01", 10000000},
     {"0.05", 50000000},
     {"0.1", 100000000},
     {"0.5", 500000000},
     {"1", 1000000000},
     {"5", 5000000000},
     {"10", 10000000000},
     {"30", 30000000000},
     {"60", 60000000000},
     {"300", 300000000000}},
};

static const int codes[METRICS_CODES] = {0,   200, 201, 202, 204, 301, 302, 303,
                                         304, 400, 401, 403, 404, 405, 409, 410,
                                         412, 413, 415, 422, 429, 500, 501, 503};

int metrics_code(size_t slot)
{
    return codes[slot];
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

struct metrics *metrics_new(const struct metrics_names *names, struct str version)
{
    struct metrics *m = must(calloc(1, sizeof(*m)));
    size_t routes_size = names->routes_count * sizeof(struct metrics_route);

    if (routes_size > 0)
        m->routes = memset(must(aligned_alloc(_Alignof(struct metrics_route), routes_size)), 0,
                           routes_size);
    m->names = *names;
    (void)pthread_mutex_init(&m->lock, NULL);
    m->version = arena_str(&m->arena, version);
    m->dropped = arena_alloc(&m->arena, names->drop_reasons_count + 1, sizeof(*m->dropped));
    m->rejected = arena_alloc(&m->arena, names->reject_reasons_count + 1, sizeof(*m->rejected));
    for (size_t i = 0; i < names->routes_count; i++)
        m->routes[i].durations.bounds = &http_bounds;
    for (size_t i = 0; i < METRICS_OPS_MAX; i++)
        m->ops[i].latency.bounds = &db_bounds;
    m->aggregate.bounds = &aggregate_bounds;
    for (size_t i = 0; i < METRICS_GAUGES; i++)
        atomic_init(&m->gauges[i], METRICS_UNSET);
    metrics_sites_init(m);
    return m;
}

void metrics_free(struct metrics **metrics)
{
    if (*metrics == NULL)
        return;
    arena_free(&(*metrics)->arena);
    free((*metrics)->routes);
    (void)pthread_mutex_destroy(&(*metrics)->lock);
    free(*metrics);
    *metrics = NULL;
}

void metrics_event(struct metrics_site *site, unsigned name)
{
    add(&site->events[name < METRICS_EVENT_NAMES ? name : METRICS_EVENT_NAMES - 1], 1);
}

void metrics_conversions(struct metrics_site *site, uint64_t n)
{
    add(&site->conversions, n);
}

void metrics_ai_tokens(struct metrics_site *site, uint64_t n)
{
    add(&site->ai_tokens, n);
}

void metrics_dropped(struct metrics *metrics, unsigned reason, uint64_t n)
{
    if (reason < metrics->names.drop_reasons_count)
        add(&metrics->dropped[reason], n);
}

void metrics_rejected(struct metrics *metrics, unsigned reason, uint64_t n)
{
    if (reason < metrics->names.reject_reasons_count)
        add(&metrics->rejected[reason], n);
}

void metrics_error(struct metrics *metrics, enum metrics_error kind)
{
    if (kind < METRICS_ERRORS)
        add(&metrics->errors[kind], 1);
}

static size_t code_slot(int code)
{
    size_t slot = METRICS_CODES - 1;

    while (slot > 0 && codes[slot] != code)
        slot--;
    return slot;
}

void metrics_http(struct metrics *metrics, size_t route, int code, double seconds)
{
    if (metrics->names.routes_count == 0)
        return;
    if (route >= metrics->names.routes_count)
        route = metrics->names.routes_count - 1;
    add(&metrics->routes[route].codes[code_slot(code)], 1);
    histogram_observe(&metrics->routes[route].durations, seconds);
}

/* The operation's series; the last slot is shared by those that came too late. */
static struct metrics_op *find_op(struct metrics *metrics, const char *op)
{
    size_t i = 0;

    for (; i < METRICS_OPS_MAX - 1; i++) {
        const char *name = atomic_load_explicit(&metrics->ops[i].name, memory_order_acquire);

        if (name == NULL || strcmp(name, op) == 0)
            break;
    }
    return &metrics->ops[i];
}

static struct metrics_op *add_op(struct metrics *metrics, const char *op)
{
    pthread_mutex_lock(&metrics->lock);
    struct metrics_op *slot = find_op(metrics, op);

    if (atomic_load_explicit(&slot->name, memory_order_relaxed) == NULL)
        atomic_store_explicit(&slot->name,
                              slot == &metrics->ops[METRICS_OPS_MAX - 1] ? "other" : op,
                              memory_order_release);
    pthread_mutex_unlock(&metrics->lock);
    return slot;
}

void metrics_db(struct metrics *metrics, const char *op, double seconds)
{
    struct metrics_op *slot = find_op(metrics, op);

    if (atomic_load_explicit(&slot->name, memory_order_acquire) == NULL)
        slot = add_op(metrics, op);
    histogram_observe(&slot->latency, seconds);
}

void metrics_aggregate(struct metrics *metrics, double seconds)
{
    histogram_observe(&metrics->aggregate, seconds);
    /* As the histogram has it, what is no duration is 0. */
    metrics_set(metrics, METRICS_LAST_RUN,
                seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e6) : 0);
}

void metrics_cache(struct metrics *metrics, enum metrics_cache result)
{
    if (result < METRICS_CACHE_RESULTS)
        add(&metrics->cache[result], 1);
}

void metrics_set(struct metrics *metrics, enum metrics_gauge gauge, int64_t value)
{
    if (gauge < METRICS_GAUGES)
        atomic_store_explicit(&metrics->gauges[gauge], value, memory_order_relaxed);
}

void metrics_unset(struct metrics *metrics, enum metrics_gauge gauge)
{
    metrics_set(metrics, gauge, METRICS_UNSET);
}

bool metrics_gauge_read(const struct metrics *metrics, enum metrics_gauge gauge, int64_t *out)
{
    *out = atomic_load_explicit(&metrics->gauges[gauge], memory_order_relaxed);
    return *out != METRICS_UNSET;
}
