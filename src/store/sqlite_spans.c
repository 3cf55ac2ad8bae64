/*
 * store/sqlite_spans.c -- the stats of many sites in one question.
 *
 * The list goes in as one JSON text, an array [tenant, site, from, to] for each site. It is read
 * once; then each site's rows are looked up in the order of the key.
 */
#include "store/sqlite_internal.h"

#include "base/json.h"

#define SPANS                                                                                      \
    "WITH s AS MATERIALIZED (SELECT key AS place, value ->> 0 AS tenant, value ->> 1 AS site,"     \
    " value ->> 2 AS first, value ->> 3 AS last FROM json_each(?1)) SELECT place, "

static const char DAYS_OF_SITES[] =
    SPANS "date, " STATS_COLUMNS " FROM s CROSS JOIN analytics_daily_stats d ON d.site_id = s.site"
          " AND d.date BETWEEN s.first AND s.last WHERE d.tenant_id = s.tenant";
static const char HOURS_OF_SITES[] =
    SPANS "day, hour_ms, " STATS_COLUMNS " FROM s CROSS JOIN hourly_stats h ON h.site_id = s.site"
          " AND h.hour_ms >= s.first AND h.hour_ms < s.last WHERE h.tenant_id = s.tenant";

/* Which rows are asked for, and by whom. */
struct asked {
    const struct site_span *spans;
    span_fn *fn;
    void *ctx;
    int (*read_place)(struct query *query, struct stats_row *row, struct err *err);
};

static int give_row(const struct asked *asked, struct query *query, struct err *err)
{
    size_t place = (size_t)column_i64(query);
    struct stats_row row = {.site = asked->spans[place].site, .tenant = asked->spans[place].tenant};
    int64_t values[STATS_COUNT];
    int rc = asked->read_place(query, &row, err);

    for (size_t i = 0; i < STATS_COUNT; i++)
        values[i] = column_i64(query);
    row.stats = stats_from_array(values);
    return rc != 0 ? rc : asked->fn(asked->ctx, place, &row);
}

static int each_row(struct sqlite_store *store, const char *sql, struct str list,
                    const struct asked *asked, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, list);
    while ((rc = sqlite_row(store, &query, err)) > 0) {
        rc = give_row(asked, &query, err);
        if (rc != 0)
            break;
    }
    sqlite_end(&query);
    return rc;
}

/* Days are dates in SQL, hours are numbers. */
static void write_list(const struct site_span *spans, size_t count, bool days, struct buf *out)
{
    struct json_out json = {.buf = out};
    char text[DAY_TEXT];

    json_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&json, '[');
        json_str(&json, spans[i].tenant);
        json_str(&json, spans[i].site);
        if (days) {
            json_str(&json, sqlite_day_text((int32_t)spans[i].from, text));
            json_str(&json, sqlite_day_text((int32_t)spans[i].to, text));
        } else {
            json_i64(&json, spans[i].from);
            json_i64(&json, spans[i].to);
        }
        json_close(&json, ']');
    }
    json_close(&json, ']');
}

int sqlite_each_day_of(struct store *base, const struct site_span *spans, size_t count, span_fn *fn,
                       void *ctx, struct err *err)
{
    const struct asked asked = {spans, fn, ctx, sqlite_day_place};
    struct buf list = {0};

    write_list(spans, count, true, &list);
    int rc = each_row(sqlite_of(base), DAYS_OF_SITES, buf_str(&list), &asked, err);

    buf_release(&list);
    return rc;
}

int sqlite_each_hour_of(struct store *base, const struct site_span *spans, size_t count,
                        span_fn *fn, void *ctx, struct err *err)
{
    const struct asked asked = {spans, fn, ctx, sqlite_hour_place};
    struct buf list = {0};

    write_list(spans, count, false, &list);
    int rc = each_row(sqlite_of(base), HOURS_OF_SITES, buf_str(&list), &asked, err);

    buf_release(&list);
    return rc;
}
