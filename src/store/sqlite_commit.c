/*
 * store/sqlite_commit.c -- a batch of the job, in one transaction.
 *
 * Positions move first: where one is not what the batch says, nothing else needs to be tried. The
 * rest is a list of steps, one for each table (those of visits and packs stand in files of their
 * own). Raw rows are the bulk of it: they are put in the
 * order of their key, so that neighbours meet the same page, and nothing is done per row but
 * binding and stepping.
 */
#include "store/sqlite_internal.h"

#include "base/clock.h"
#include "base/date.h"

#include <stdlib.h>

#define LIMIT "9007199254740991" /* SUM_MAX */
#define SUM(column) #column " = min(" #column " + excluded." #column ", " LIMIT "), "
#define SUMS                                                                                       \
    SUM(pageviews)                                                                                 \
    SUM(leads)                                                                                     \
    SUM(forms)                                                                                     \
    SUM(exports)                                                                                   \
    SUM(automation_runs)                                                                           \
    SUM(ai_tokens)                                                                                 \
    SUM(unique_visitors)                                                                           \
    SUM(converters)                                                                                \
    SUM(visits)                                                                                    \
    SUM(bounces)                                                                                   \
    SUM(visit_ms)                                                                                  \
    SUM(visit_pageviews)                                                                           \
    SUM(conversions)                                                                               \
    SUM(unattributed_conversions)                                                                  \
    "estimated = max(estimated, excluded.estimated)"

/* -- positions --------------------------------------------------------------------------------- */

static const char BEGIN_POSITION[] =
    "INSERT INTO positions (number, moved_ms, producer, partition) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT DO NOTHING";
static const char MOVE_POSITION[] = "UPDATE positions SET number = ?1, moved_ms = ?2"
                                    " WHERE producer = ?3 AND partition = ?4 AND number = ?5";

static int move_position(struct sqlite_store *store, const struct position_move *move,
                         int64_t now_ms, struct err *err)
{
    const struct position *from = &move->from;
    struct query query;
    int rc = sqlite_query(store, from->number == 0 ? BEGIN_POSITION : MOVE_POSITION, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, (int64_t)move->to);
    bind_i64(&query, now_ms);
    bind_bytes(&query, from->producer.id, PRODUCER_BYTES);
    bind_i64(&query, from->partition);
    if (from->number != 0)
        bind_i64(&query, (int64_t)from->number);
    rc = sqlite_done(store, &query, err);
    if (rc == 0 && sqlite3_changes(store->db) != 1)
        rc = err_set(err, ERR_CONFLICT, "partition %u is not at record %llu", from->partition,
                     (unsigned long long)from->number);
    return rc;
}

static int move_positions(struct sqlite_store *store, const struct store_batch *batch,
                          struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < batch->positions_count; i++)
        rc = move_position(store, &batch->positions[i], now_ms, err);
    return rc;
}

/* -- raw rows ---------------------------------------------------------------------------------- */

static const char TAKE_EVENT_IDS[] =
    "UPDATE counters SET value = value + ? WHERE name = 'event_id' RETURNING value";
/* Many rows in a statement: each statement looks for its place from the root of the tree again,
 * while within one rows that follow one another go on where the last one was put. */
#define INTO_EVENTS                                                                                \
    "INSERT INTO analytics_events (site_id, timestamp, id, tenant_id, type, name, day, visitor,"   \
    " path, referrer, title, screen, props, count, tokens, seconds_ms, scroll, ip_prefix) VALUES "
#define EVENT "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define FIVE(row) row ", " row ", " row ", " row ", " row
#define TEN_EVENTS FIVE(EVENT) ", " FIVE(EVENT)
static const struct {
    size_t rows;
    const char *sql;
} ADD_EVENTS[] = {{50, INTO_EVENTS FIVE(TEN_EVENTS)}, {1, INTO_EVENTS EVENT}};

/* The greatest id given so far, before this batch. */
static int take_event_ids(struct sqlite_store *store, size_t count, int64_t *out, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, TAKE_EVENT_IDS, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, (int64_t)count);
    rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc < 0 ? rc : err_set(err, ERR_CORRUPT, "database: the counter of events is gone");
    *out = column_i64(&query) - (int64_t)count;
    return sqlite_done(store, &query, err);
}

static void bind_event(struct query *query, const struct event *e, int64_t id)
{
    bind_str(query, e->site);
    bind_i64(query, e->time_ms);
    bind_i64(query, id);
    bind_str(query, e->tenant);
    bind_str(query, event_kind_name(e->kind));
    bind_optional(query, e->kind == EVENT_CUSTOM ? e->name : STR(""));
    bind_i64(query, e->day);
    if (e->visitor == 0)
        bind_null(query);
    else
        bind_i64(query, (int64_t)e->visitor);
    bind_optional(query, e->path);
    bind_optional(query, e->referrer);
    bind_optional(query, e->title);
    bind_optional(query, e->screen);
    bind_optional(query, e->props);
    bind_i64(query, e->count);
    bind_i64(query, e->tokens);
    bind_i64(query, e->seconds_ms);
    if (e->scroll < 0)
        bind_null(query);
    else
        bind_i64(query, e->scroll);
    bind_optional(query, e->prefix);
}

static int add_events(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    size_t left = batch->events_count;
    int64_t id = 0;
    int rc = left == 0 ? 0 : take_event_ids(store, left, &id, err);

    if (rc != 0 || left == 0)
        return rc;
    const struct event **sorted = batch_sorted_events(batch), **next = sorted;

    for (size_t i = 0; rc == 0 && left > 0; i++) {
        struct query query;
        size_t rows = ADD_EVENTS[i].rows;

        rc = left < rows ? 0 : sqlite_query(store, ADD_EVENTS[i].sql, &query, err);
        for (; rc == 0 && left >= rows; left -= rows) {
            for (size_t k = 0; k < rows; k++)
                bind_event(&query, *next++, ++id);
            rc = sqlite_done(store, &query, err);
        }
    }
    free(sorted);
    return rc == ERR_CONFLICT ? ERR_INVALID : rc; /* a row's key is taken: waiting will not help */
}

/* -- stats ------------------------------------------------------------------------------------- */

#define CAP "min(?, " LIMIT "), "
#define CAPS CAP CAP CAP CAP CAP CAP CAP CAP CAP CAP CAP CAP CAP CAP "?"

static const char ADD_DAY[] =
    "INSERT INTO analytics_daily_stats (site_id, tenant_id, date, " STATS_COLUMNS ")"
    " VALUES (?, ?, ?, " CAPS ")"
    " ON CONFLICT (site_id, date) DO UPDATE SET " SUMS;
static const char ADD_HOUR[] =
    "INSERT INTO hourly_stats (site_id, tenant_id, day, hour_ms, " STATS_COLUMNS ")"
    " VALUES (?, ?, ?, ?, " CAPS ")"
    " ON CONFLICT (site_id, hour_ms) DO UPDATE SET " SUMS;

static int add_stats(struct sqlite_store *store, struct query *query, const struct stats *stats,
                     struct err *err)
{
    int64_t values[STATS_COUNT];

    stats_to_array(stats, values);
    for (size_t i = 0; i < STATS_COUNT; i++)
        bind_i64(query, values[i]);
    return sqlite_done(store, query, err);
}

static int add_days(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_DAY, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->days_count; i++) {
        const struct stats_row *row = &batch->days[i];
        char text[DAY_TEXT];

        bind_str(&query, row->site);
        bind_str(&query, row->tenant);
        bind_str(&query, sqlite_day_text(row->day, text));
        rc = add_stats(store, &query, &row->stats, err);
    }
    return rc == 0 ? sqlite_count(store, "daily_stats_rows", (int64_t)batch->days_count, err) : rc;
}

static int add_hours(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_HOUR, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->hours_count; i++) {
        const struct stats_row *row = &batch->hours[i];

        bind_str(&query, row->site);
        bind_str(&query, row->tenant);
        bind_i64(&query, row->day);
        bind_i64(&query, row->hour_ms);
        rc = add_stats(store, &query, &row->stats, err);
    }
    return rc;
}

/* -- sets -------------------------------------------------------------------------------------- */

static const char PUT_SKETCH[] =
    "INSERT INTO sketches (site_id, day, kind, hour_ms, bytes) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (site_id, day, kind, hour_ms) DO UPDATE SET bytes = excluded.bytes";

static int put_sketches(struct sqlite_store *store, const struct store_batch *batch,
                        struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, PUT_SKETCH, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->sketches_count; i++) {
        const struct sketch *sketch = &batch->sketches[i];

        bind_str(&query, sketch->key.site);
        bind_i64(&query, sketch->key.day);
        bind_i64(&query, sketch->key.kind);
        bind_i64(&query, sketch->key.hour_ms);
        bind_bytes(&query, sketch->bytes.ptr, sketch->bytes.len);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

/* -- keys and ledger --------------------------------------------------------------------------- */

static const char PUT_KEY[] =
    "INSERT INTO event_ids (site_id, id, received_ms) VALUES (?, ?, ?)"
    " ON CONFLICT (site_id, id) DO UPDATE SET received_ms = excluded.received_ms";

static int put_keys(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, PUT_KEY, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->keys_count; i++) {
        const struct event_key *key = &batch->keys[i];

        bind_str(&query, key->site);
        bind_bytes(&query, key->id, sizeof(key->id));
        bind_i64(&query, key->received_ms);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

static const char ADD_LEDGER[] =
    "INSERT INTO ledger (site_id, tenant_id, day, kind, reason, events, records)"
    " VALUES (?, ?, ?, ?, ?, min(?, " LIMIT "), ?)"
    " ON CONFLICT (site_id, day, kind, reason) DO UPDATE SET " SUM(
        events) "records = records + excluded.records";

static int add_ledger(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, ADD_LEDGER, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->ledger_count; i++) {
        const struct ledger_row *row = &batch->ledger[i];

        bind_str(&query, row->site);
        bind_str(&query, row->tenant);
        bind_i64(&query, row->day);
        bind_i64(&query, row->kind);
        bind_str(&query, row->reason);
        bind_i64(&query, row->events);
        bind_i64(&query, row->records);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

/* -- what caches look at ----------------------------------------------------------------------- */

static const char COUNT_COMMIT[] =
    "UPDATE partitions SET commits = commits + 1 WHERE ?1 >> partition & 1";

static int count_commit(struct sqlite_store *store, const struct store_batch *batch,
                        struct err *err)
{
    uint32_t partitions = batch_partitions(batch);
    struct query query;
    int rc = partitions == 0 ? 0 : sqlite_query(store, COUNT_COMMIT, &query, err);

    if (rc != 0 || partitions == 0)
        return rc;
    bind_i64(&query, partitions);
    return sqlite_done(store, &query, err);
}

/* -- the transaction --------------------------------------------------------------------------- */

static sqlite_step *const steps[] = {
    move_positions,       add_events,        add_days,         add_hours,    put_sketches,
    sqlite_remove_visits, sqlite_put_visits, put_keys,         add_ledger,   sqlite_put_due,
    sqlite_remove_packed, sqlite_put_packs,  sqlite_put_goals, count_commit,
};

int sqlite_commit(struct store *base, const struct store_batch *batch, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    int rc = sqlite_write_begin(store, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        rc = steps[i](store, batch, err);
    return sqlite_write_end(store, rc, err);
}
