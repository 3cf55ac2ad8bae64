/*
 * store/postgres_spans.c -- the stats of many sites in one question.
 *
 * The list goes in as four arrays side by side. Each site's rows are looked for in the order of the
 * key (LATERAL, and OFFSET 0 so that it stays so): nobody thinks of reading the whole table.
 */
#include "store/postgres_internal.h"

#define SPANS(type)                                                                                \
    " FROM unnest($1::text[], $2::text[], $3::" type "[], $4::" type                               \
    "[]) WITH ORDINALITY AS s (tenant_id, site_id, first, last, place) CROSS JOIN LATERAL ("

static const char DAYS_OF_SITES[] =
    "SELECT s.place, d.*" SPANS("date") "SELECT date, " PG_STATS_COLUMNS
                                        " FROM analytics_daily_stats x"
                                        " WHERE x.site_id = s.site_id AND x.tenant_id = s.tenant_id"
                                        " AND x.date BETWEEN s.first AND s.last OFFSET 0) d";
static const char HOURS_OF_SITES[] = "SELECT s.place, h.*" SPANS(
    "bigint") "SELECT day, hour_ms, " PG_STATS_COLUMNS " FROM hourly_stats x"
              " WHERE x.site_id = s.site_id AND x.tenant_id = s.tenant_id"
              " AND x.hour_ms >= s.first AND x.hour_ms < s.last OFFSET 0) h";

/* Which rows are asked for, and by whom. */
struct asked {
    const struct site_span *spans;
    bool hourly;
    span_fn *fn;
    void *ctx;
};

static int give_row(void *ctx, const PGresult *result, int row, struct err *err)
{
    const struct asked *asked = ctx;
    size_t place = (size_t)pg_get_i64(result, row, 0) - 1;
    struct stats_row stats = {.site = asked->spans[place].site,
                              .tenant = asked->spans[place].tenant};
    int64_t values[STATS_COUNT];
    int column = asked->hourly ? 3 : 2;

    (void)err;
    if (asked->hourly) {
        stats.day = (int32_t)pg_get_i64(result, row, 1);
        stats.hour_ms = pg_get_i64(result, row, 2);
    } else {
        stats.day = pg_get_date(result, row, 1);
    }
    for (size_t i = 0; i < STATS_COUNT; i++)
        values[i] = pg_get_i64(result, row, column++);
    stats.stats = stats_from_array(values);
    return asked->fn(asked->ctx, place, &stats);
}

static void add_bound(struct pg_array *bounds, bool hourly, int64_t bound)
{
    if (hourly)
        pg_add_i64(bounds, bound);
    else
        pg_add_date(bounds, (int32_t)bound);
}

static void bind_spans(struct pg_query *query, const struct site_span *spans, size_t count,
                       bool hourly, struct pg_array arrays[4])
{
    for (size_t i = 0; i < 4; i++)
        arrays[i] = pg_array(i < 2 ? PG_TEXT : hourly ? PG_INT8 : PG_DATE);
    for (size_t i = 0; i < count; i++) {
        pg_add_str(&arrays[0], spans[i].tenant);
        pg_add_str(&arrays[1], spans[i].site);
        add_bound(&arrays[2], hourly, spans[i].from);
        add_bound(&arrays[3], hourly, spans[i].to);
    }
    for (size_t i = 0; i < 4; i++)
        pg_bind_array(query, &arrays[i]);
}

static int each_row(struct pg_store *store, const char *sql, size_t count, struct asked *asked,
                    struct err *err)
{
    struct pg_query query = pg_query(sql);
    struct pg_array arrays[4];
    int rc = pg_ready(store, err);

    if (rc != 0)
        return rc;
    bind_spans(&query, asked->spans, count, asked->hourly, arrays);
    rc = pg_each(store, &query, give_row, asked, err);
    for (size_t i = 0; i < 4; i++)
        buf_release(&arrays[i].buf);
    return rc;
}

int pg_each_day_of(struct store *base, const struct site_span *spans, size_t count, span_fn *fn,
                   void *ctx, struct err *err)
{
    struct asked asked = {spans, false, fn, ctx};

    return each_row(pg_of(base), DAYS_OF_SITES, count, &asked, err);
}

int pg_each_hour_of(struct store *base, const struct site_span *spans, size_t count, span_fn *fn,
                    void *ctx, struct err *err)
{
    struct asked asked = {spans, true, fn, ctx};

    return each_row(pg_of(base), HOURS_OF_SITES, count, &asked, err);
}
