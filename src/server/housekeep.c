/*
 * server/housekeep.c -- what the server learns from the store, whoever runs the job: how far events
 * are committed (the log may let go of them), the gauges, and once a minute whether the books add
 * up.
 */
#include "server/server_internal.h"

#include "base/clock.h"

enum { BALANCE_EVERY_US = 60 * 1000 * 1000, RELEASE_EVERY_US = 10 * 1000 * 1000 };

static void release_log(struct server *server, struct store *store, int64_t now_ms)
{
    struct arena arena = {0};
    struct position *positions = NULL;
    size_t count = 0;

    if (store_positions(store, &arena, &positions, &count, NULL) == 0)
        log_release(server->log, positions, count, now_ms);
    arena_free(&arena);
}

static void check_books(struct server *server, struct store *store)
{
    struct balance balance = {0};

    if (clock_steady_us() < server->balance_due_us)
        return;
    server->balance_due_us = clock_steady_us() + BALANCE_EVERY_US;
    if (store_balance(store, &balance, NULL) == 0)
        metrics_set(server->metrics, METRICS_LEDGER_IMBALANCE,
                    balance.committed - balance.ledger_records);
}

void housekeep_tick(void *ctx, struct store *store, int64_t now_ms)
{
    struct server *server = ctx;
    int64_t counters[COUNTERS] = {0};

    metrics_set(server->metrics, METRICS_LOG_PENDING, 0);
    metrics_set(server->metrics, METRICS_QUEUE_PENDING, (int64_t)log_pending(server->log));
    if (store_counters(store, counters, NULL) < 0)
        return;
    metrics_set(server->metrics, METRICS_LAST_SUCCESS, counters[COUNTER_LAST_SUCCESS]);
    metrics_set(server->metrics, METRICS_DAILY_STATS_TOTAL, counters[COUNTER_DAILY_STATS_ROWS]);
    /* Also without news: what was released goes when it was kept long enough. */
    if (counters[COUNTER_AS_OF] != server->seen_as_of ||
        clock_steady_us() >= server->release_due_us) {
        server->seen_as_of = counters[COUNTER_AS_OF];
        server->release_due_us = clock_steady_us() + RELEASE_EVERY_US;
        release_log(server, store, now_ms);
    }
    check_books(server, store);
}
