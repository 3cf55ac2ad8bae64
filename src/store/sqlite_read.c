/*
 * store/sqlite_read.c -- reading what was counted.
 *
 * A statement that is left before its last row is reset at once: an open one would hold its
 * snapshot and with it the write-ahead log.
 */
#include "store/sqlite_internal.h"

#include "base/date.h"

/* -- snapshots --------------------------------------------------------------------------------- */

int sqlite_read_begin(struct store *base, struct err *err)
{
    bool own;

    return sqlite_snapshot(sqlite_of(base), &own, err);
}

void sqlite_read_end(struct store *base)
{
    struct sqlite_store *store = sqlite_of(base);

    (void)sqlite_snapshot_end(store, store->reading, 0);
}

/* One row of integers. */
static int read_numbers(struct sqlite_store *store, const char *sql, int64_t *out, size_t count,
                        struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        out[i] = rc > 0 ? column_i64(&query) : 0;
    sqlite_end(&query);
    return 0;
}

#define COUNTER_VALUE(name) "(SELECT value FROM counters WHERE name = '" name "')"

static const char ALL_COUNTERS[] = "SELECT " COUNTER_VALUE("as_of") ", " COUNTER_VALUE(
    "last_success") ", " COUNTER_VALUE("daily_stats_rows") ", " COUNTER_VALUE("directory");

int sqlite_counters(struct store *base, int64_t out[COUNTERS], struct err *err)
{
    out[COUNTER_SALTS] = 0;
    return read_numbers(sqlite_of(base), ALL_COUNTERS, out, COUNTER_SALTS, err);
}

static const char DATA_VERSION[] = "PRAGMA data_version";

int sqlite_version(struct store *base, int64_t *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    int rc = read_numbers(store, DATA_VERSION, out, 1, err);

    *out += store->writes;
    return rc;
}

static const char STAMP[] = "SELECT sum(commits) FROM partitions WHERE ? >> partition & 1";

int sqlite_stamp(struct store *base, uint32_t partitions, int64_t *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, STAMP, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, partitions);
    rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    *out = rc > 0 ? column_i64(&query) : 0;
    sqlite_end(&query);
    return 0;
}

/* -- stats ------------------------------------------------------------------------------------- */

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 }; /* 0001-01-01 and 9999-12-31 */

struct str sqlite_day_text(int32_t day, char out[DAY_TEXT])
{
    _Static_assert((int)DAY_TEXT == (int)DATE_TEXT, "a date's text");
    date_format(day < FIRST_DAY ? FIRST_DAY : day > LAST_DAY ? LAST_DAY : day, out);
    return (struct str){out, DAY_TEXT - 1};
}

/* Site, tenant, then `read_place`'s columns, then the stats, of each row. */
static int each_stats(struct sqlite_store *store, struct query *query,
                      int (*read_place)(struct query *query, struct stats_row *row,
                                        struct err *err),
                      stats_fn *fn, void *ctx, struct err *err)
{
    int rc;

    while ((rc = sqlite_row(store, query, err)) > 0) {
        struct stats_row row = {.site = column_str(query), .tenant = STR("")};
        int64_t values[STATS_COUNT];

        row.tenant = column_str(query);
        rc = read_place(query, &row, err);
        for (size_t i = 0; i < STATS_COUNT; i++)
            values[i] = column_i64(query);
        row.stats = stats_from_array(values);
        if (rc == 0)
            rc = fn(ctx, &row);
        if (rc != 0)
            break;
    }
    sqlite_end(query);
    return rc;
}

int sqlite_day_place(struct query *query, struct stats_row *row, struct err *err)
{
    struct str text = column_str(query);

    if (date_parse(text, &row->day))
        return 0;
    return err_set(err, ERR_CORRUPT, "daily stats of %.*s: \"%.*s\" is no date", STR_FMT(row->site),
                   STR_FMT(text));
}

int sqlite_hour_place(struct query *query, struct stats_row *row, struct err *err)
{
    (void)err;
    row->day = (int32_t)column_i64(query);
    row->hour_ms = column_i64(query);
    return 0;
}

static const char DAYS_OF_SITE[] =
    "SELECT site_id, tenant_id, date, " STATS_COLUMNS " FROM analytics_daily_stats"
    " WHERE site_id = ?4 AND tenant_id = ?1 AND date BETWEEN ?2 AND ?3 ORDER BY site_id, date";
static const char DAYS_OF_TENANT[] =
    "SELECT d.site_id, d.tenant_id, date, " STATS_COLUMNS
    " FROM analytics_settings s CROSS JOIN analytics_daily_stats d ON d.site_id = s.site_id"
    " WHERE s.tenant_id = ?1 AND d.tenant_id = ?1 AND date BETWEEN ?2 AND ?3"
    " ORDER BY s.site_id, d.date";

int sqlite_each_day(struct store *base, struct str tenant, struct str site, int32_t from,
                    int32_t to, stats_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    char first[DAY_TEXT], last[DAY_TEXT];
    struct query query;
    int rc = sqlite_query(store, site.len > 0 ? DAYS_OF_SITE : DAYS_OF_TENANT, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, tenant);
    bind_str(&query, sqlite_day_text(from, first));
    bind_str(&query, sqlite_day_text(to, last));
    if (site.len > 0)
        bind_str(&query, site);
    return each_stats(store, &query, sqlite_day_place, fn, ctx, err);
}

static const char HOURS_OF_SITE[] =
    "SELECT site_id, tenant_id, day, hour_ms, " STATS_COLUMNS " FROM hourly_stats"
    " WHERE site_id = ? AND tenant_id = ? AND hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms";

int sqlite_each_hour(struct store *base, struct str tenant, struct str site, int64_t from_ms,
                     int64_t to_ms, stats_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, HOURS_OF_SITE, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, from_ms);
    bind_i64(&query, to_ms);
    return each_stats(store, &query, sqlite_hour_place, fn, ctx, err);
}

/* -- ledger ------------------------------------------------------------------------------------ */

static const char LEDGER_OF_SITE[] =
    "SELECT site_id, tenant_id, day, kind, reason, events, records FROM ledger"
    " WHERE site_id = ? AND tenant_id = ? AND day BETWEEN ? AND ? ORDER BY day, kind, reason";

int sqlite_each_ledger(struct store *base, struct str tenant, struct str site, int32_t from,
                       int32_t to, ledger_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, LEDGER_OF_SITE, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, from);
    bind_i64(&query, to);
    while ((rc = sqlite_row(store, &query, err)) > 0) {
        struct ledger_row row = {.site = column_str(&query), .reason = STR("")};

        row.tenant = column_str(&query);
        row.day = (int32_t)column_i64(&query);
        row.kind = (enum ledger_kind)column_i64(&query);
        row.reason = column_str(&query);
        row.events = column_i64(&query);
        row.records = column_i64(&query);
        rc = fn(ctx, &row);
        if (rc != 0)
            break;
    }
    sqlite_end(&query);
    return rc;
}

/* Every row of ledger and positions is read: both are small beside what they speak of, and a
 * running total kept elsewhere would not be an independent check. */
static const char BALANCE[] =
    "SELECT (SELECT ifnull(sum(records), 0) FROM ledger) + " COUNTER_VALUE(
        "folded_records") ","
                          " (SELECT ifnull(sum(number), 0) FROM positions) + " COUNTER_VALUE(
                              "folded_positions");

int sqlite_balance(struct store *base, struct balance *out, struct err *err)
{
    int64_t sides[2] = {0};
    int rc = read_numbers(sqlite_of(base), BALANCE, sides, 2, err);

    *out = (struct balance){.ledger_records = sides[0], .committed = sides[1]};
    return rc;
}

/* -- raw rows ---------------------------------------------------------------------------------- */

/* A day of a large site is read page by page: what costs something for each row was measured. The
 * tenant is the one that was asked for, and a row's texts are copied at once. */
static const char EVENTS_OF_SITE[] =
    "SELECT id, timestamp, type, day, visitor, count, tokens, seconds_ms, ifnull(scroll, -1),"
    " name, path, referrer, title, screen, props, ip_prefix FROM analytics_events"
    " WHERE site_id = ? AND tenant_id = ? AND (timestamp, id) > (?, ?) AND timestamp < ?"
    " ORDER BY timestamp, id LIMIT ?";

static enum event_kind kind_of(struct str type)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        if (str_eq(event_kind_name((enum event_kind)kind), type))
            return (enum event_kind)kind;
    return EVENT_CUSTOM;
}

static void event_texts(struct query *query, struct arena *arena, struct event *e)
{
    struct str *const members[] = {&e->name,   &e->path,  &e->referrer, &e->title,
                                   &e->screen, &e->props, &e->prefix};
    struct str texts[sizeof(members) / sizeof(members[0])];

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        texts[i] = column_str(query);
    keep_texts(arena, texts, sizeof(members) / sizeof(members[0]));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        *members[i] = texts[i];
}

/* Site and tenant are filled in by the caller. */
static void event_columns(struct query *query, struct arena *arena, struct event_row *out)
{
    struct event *e = &out->event;

    out->id = column_i64(query);
    e->time_ms = column_i64(query);
    e->kind = kind_of(column_str(query));
    e->day = (int32_t)column_i64(query);
    e->visitor = (uint64_t)column_i64(query);
    e->count = column_i64(query);
    e->tokens = column_i64(query);
    e->seconds_ms = column_i64(query);
    e->scroll = (int32_t)column_i64(query);
    event_texts(query, arena, e);
    if (e->kind != EVENT_CUSTOM)
        e->name = event_kind_name(e->kind);
}

int sqlite_page_events(struct store *base, struct str tenant, struct str site, int64_t from_ms,
                       int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                       struct event_row **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    /* Behind (from_ms, 0) lies everything from from_ms on: ids begin with 1. */
    bool begins = cursor.time_ms < from_ms;
    struct query query;
    int rc = sqlite_query(store, EVENTS_OF_SITE, &query, err);

    if (rc != 0)
        return rc;
    site = arena_str(arena, site);
    tenant = arena_str(arena, tenant);
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, begins ? from_ms : cursor.time_ms);
    bind_i64(&query, begins ? 0 : cursor.id);
    bind_i64(&query, to_ms);
    bind_i64(&query, (int64_t)limit);
    *out = arena_bytes(arena, (limit + 1) * sizeof(**out));
    *count = 0;
    while (*count < limit && (rc = sqlite_row(store, &query, err)) > 0) {
        struct event_row *row = &(*out)[(*count)++];

        *row = (struct event_row){.event = {.site = site, .tenant = tenant}};
        event_columns(&query, arena, row);
    }
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

/* -- the file itself --------------------------------------------------------------------------- */

static const char FILE_PROBLEM[] = "PRAGMA quick_check(1)";

int sqlite_check(struct store *base, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, FILE_PROBLEM, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc;
    struct str said = column_str(&query);

    rc = str_eq(said, STR("ok")) ? 0 : err_set(err, ERR_CORRUPT, "database: %.*s", STR_FMT(said));
    sqlite_end(&query);
    return rc;
}
