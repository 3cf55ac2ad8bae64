/*
 * server/used.c -- what the tenants have used of their months (api/quotas.h).
 *
 * The sums of the ledger come from the store every two seconds, and at once when limits may have
 * changed, but never for more than a tenth of the time. The first time, and with new limits, what
 * is in this node's log and not in the ledger is counted, too: read with the positions of one
 * snapshot, so that no event is in both or in neither.
 */
#include "server/server_internal.h"

#include "api/quotas.h"
#include "base/clock.h"

enum { USED_EVERY_US = 2 * 1000 * 1000, USED_SHARE = 10, TRIM_EVERY = 10000 };

/* What one look needs. */
struct look {
    struct server *server;
    struct store *store;
    struct arena arena;
    int64_t as_of_ms, now_ms;
    struct position *positions; /* with the log */
    size_t positions_count;
    int32_t months[QUOTAS_MONTHS];
    size_t months_count;
    struct usage_row *rows[QUOTAS_MONTHS];
    size_t rows_count[QUOTAS_MONTHS];
};

/* On one machine asOf is this log's; on the platform it says nothing of what is still on its way to
 * Redis, but the log itself does, which lets go of what is counted. */
static int64_t settled_ms(const struct look *look)
{
    struct server *server = look->server;
    int64_t settled = 0;

    if (!server_is_platform(server))
        return look->as_of_ms;
    if (server->quotas_mark_ms != 0 && !log_is_released(server->log, &server->quotas_mark))
        return 0;
    settled = server->quotas_mark_ms;
    log_mark(server->log, &server->quotas_mark);
    server->quotas_mark_ms = look->now_ms;
    return settled;
}

static int read_sums(struct look *look, bool with_log, struct err *err)
{
    const struct position_filter all = {.partitions = PARTITIONS_ALL};
    int rc = store_read_begin(look->store, err);

    look->months_count = quotas_months(look->now_ms, look->months);
    if (rc != 0)
        return rc;
    if (with_log)
        rc = store_positions(look->store, &all, &look->arena, &look->positions,
                             &look->positions_count, err);
    for (size_t i = 0; rc == 0 && i < look->months_count; i++) {
        int32_t last, first = quotas_month(look->months[i], &last);

        rc = store_usage(look->store, STR(""), first, last, &look->arena, &look->rows[i],
                         &look->rows_count[i], err);
    }
    store_read_end(look->store);
    return rc;
}

/* A log that cannot be read is reported by whoever counts it. */
static void count_log(const struct look *look)
{
    struct log_reader *reader = NULL;
    struct log_record found;
    struct record record;

    if (log_reader_open(look->server->config->data_dir, look->positions, look->positions_count,
                        &reader, NULL) != 0)
        return;
    for (unsigned n = 1; log_reader_next(reader, &found, NULL) == 1; n++) {
        if (record_decode(found.payload, &record, NULL) == 0 && record.kind == RECORD_EVENT)
            quotas_queued(look->server->quotas, record.event.tenant, record.event.site,
                          quotas_month(record.event.day, NULL), look->now_ms);
        if (n % TRIM_EVERY == 0)
            log_reader_trim(reader);
    }
    log_reader_close(&reader);
}

static int take_look(struct look *look, bool with_log)
{
    int64_t settled = settled_ms(look);
    int rc = read_sums(look, with_log, NULL);

    for (size_t i = 0; rc == 0 && i < look->months_count; i++)
        quotas_used(look->server->quotas, look->months[i], look->rows[i], look->rows_count[i],
                    settled);
    if (rc == 0 && with_log)
        count_log(look);
    arena_free(&look->arena);
    return rc;
}

/* Of the snapshot, if its limits have to be known, that is, where events come in; else 0. */
static int64_t wanted_version(struct server *server)
{
    const struct snapshot *snapshot =
        server->log == NULL ? NULL : directory_take(server->directory);
    int64_t version = 0;

    if (snapshot == NULL)
        return 0;
    if (quotas_wanted(snapshot))
        version = snapshot_version(snapshot);
    directory_give(server->directory, snapshot);
    return version;
}

void used_tick(struct server *server, struct store *store, int64_t as_of_ms, int64_t now_ms)
{
    struct look look = {.server = server, .store = store, .as_of_ms = as_of_ms, .now_ms = now_ms};
    int64_t began_us = clock_steady_us(), version = wanted_version(server);
    bool changed = version != server->quotas_version;

    if (version == 0 || began_us < (changed ? server->quotas_free_us : server->quotas_due_us))
        return;
    if (take_look(&look, changed) == 0)
        server->quotas_version = version;
    int64_t ended_us = clock_steady_us(), rest_us = (ended_us - began_us) * USED_SHARE;

    server->quotas_free_us = ended_us + rest_us;
    server->quotas_due_us = ended_us + (rest_us > USED_EVERY_US ? rest_us : USED_EVERY_US);
}
