/*
 * server/housekeep.c -- what the server learns from the store, whoever runs the job: how far events
 * are committed (the log may let go of them), the gauges, and now and then whether the books add
 * up.
 */
#include "server/server_internal.h"

#include "base/clock.h"

#include <assert.h>

enum {
    SECOND_US = 1000 * 1000,
    RELEASE_EVERY_US = 10 * SECOND_US,
    HOLD_EVERY_S = 24 * 3600,
    BALANCE_EVERY_US = 60 * SECOND_US,
    /* The check reads the whole ledger, which on a server is that of all nodes. */
    BALANCE_REMOTE_US = 600 * SECOND_US,
};

/* Where the store holds no position, nothing is committed: that has to be said, too, for a store
 * that went back in time. */
static struct position *fill_up(const struct position_filter *own, const struct position *positions,
                                size_t count, struct arena *arena)
{
    struct position *all = ARENA_NEW(arena, struct position, own->producers_count * PARTITIONS + 1);
    size_t at = 0;

    for (size_t i = 0; i < own->producers_count; i++)
        for (size_t p = 0; p < PARTITIONS; p++)
            all[at++] = (struct position){own->producers[i], (uint16_t)p, 0};
    for (size_t i = 0; i < count; i++)
        for (size_t j = positions[i].partition; j < at; j += PARTITIONS)
            if (memcmp(&all[j].producer, &positions[i].producer, sizeof(all[j].producer)) == 0)
                all[j].number = positions[i].number;
    return all;
}

/* Positions are folded away long after they last moved, unless a node says that it may go on from
 * them. */
static void hold_positions(struct server *server, struct store *store,
                           const struct position_filter *own, int64_t now_ms)
{
    int64_t now_us = clock_steady_us();

    if (now_us >= server->hold_due_us &&
        store_hold_positions(store, own->producers, own->producers_count, now_ms, NULL) == 0)
        server->hold_due_us = now_us + HOLD_EVERY_S * INT64_C(1000000);
}

static void release_log(struct server *server, struct store *store, int64_t now_ms)
{
    struct arena arena = {0};
    struct producer *producers = NULL;
    struct position *positions = NULL;
    size_t producers_count = 0, count = 0;

    if (log_producers(server->config->data_dir, &arena, &producers, &producers_count, NULL) == 0) {
        const struct position_filter own = {PARTITIONS_ALL, producers, producers_count};

        if (store_positions(store, &own, &arena, &positions, &count, NULL) == 0) {
            hold_positions(server, store, &own, now_ms);
            log_release(server->log, fill_up(&own, positions, count, &arena),
                        producers_count * PARTITIONS, now_ms);
        }
    }
    arena_free(&arena);
}

/* Where the store is a server, the check can take longer than new settings may: then it is for the
 * aggregator's thread, if there is one. */
static bool is_checked_by_job(const struct server *server)
{
    return server_store_is_remote(server) && server_has(server, ROLE_AGGREGATE) &&
           server->config->aggregate_interval_ms > 0;
}

void housekeep_books(struct server *server, struct store *store, bool by_job)
{
    bool remote = server_store_is_remote(server);
    struct balance balance = {0};

    if (by_job != is_checked_by_job(server) || (remote && !server_has(server, ROLE_AGGREGATE)) ||
        clock_steady_us() < server->balance_due_us)
        return;
    server->balance_due_us = clock_steady_us() + (remote ? BALANCE_REMOTE_US : BALANCE_EVERY_US);
    if (store_balance(store, &balance, NULL) == 0)
        metrics_set(server->metrics, METRICS_LEDGER_IMBALANCE,
                    balance.committed - balance.ledger_records);
}

/* What of the log is not in the buffer yet; without a shared buffer the log is the buffer. */
static void measure_log(struct server *server)
{
    int64_t pending = server->log == NULL ? 0 : (int64_t)log_pending(server->log);

    if (!server_is_platform(server)) {
        metrics_set(server->metrics, METRICS_LOG_PENDING, 0);
        if (server->log != NULL)
            metrics_set(server->metrics, METRICS_QUEUE_PENDING, pending);
        return;
    }
    int64_t unsent = pending - (int64_t)atomic_load(&server->relay_in_flight);

    metrics_set(server->metrics, METRICS_LOG_PENDING,
                !atomic_load(&server->relay_behind) ? 0
                : unsent > 1                        ? unsent
                                                    : 1);
}

static bool counters_due(struct server *server)
{
    if (server_store_is_remote(server) && clock_steady_us() < server->counters_due_us)
        return false;
    server->counters_due_us = clock_steady_us() + SECOND_US;
    return true;
}

void housekeep_tick(void *ctx, struct store *store, int64_t now_ms)
{
    struct server *server = ctx;
    int64_t counters[COUNTERS] = {0};

    /* This thread begins when all that it uses is there. */
    assert(server->api.server == server);
    measure_log(server);
    if (!counters_due(server) || store_counters(store, counters, NULL) < 0)
        return;
    metrics_set(server->metrics, METRICS_LAST_SUCCESS, counters[COUNTER_LAST_SUCCESS]);
    metrics_set(server->metrics, METRICS_DAILY_STATS_TOTAL, counters[COUNTER_DAILY_STATS_ROWS]);
    /* Also without news: what was released goes when it was kept long enough. */
    bool waiting =
        server->log != NULL && server_is_platform(server) && log_pending(server->log) > 0;

    if (server->log != NULL && (waiting || counters[COUNTER_AS_OF] != server->seen_as_of ||
                                clock_steady_us() >= server->release_due_us)) {
        server->seen_as_of = counters[COUNTER_AS_OF];
        server->release_due_us = clock_steady_us() + RELEASE_EVERY_US;
        release_log(server, store, now_ms);
    }
    housekeep_books(server, store, false);
    used_tick(server, store, counters[COUNTER_AS_OF], now_ms);
    api_send_resets(&server->api, store, now_ms);
}
