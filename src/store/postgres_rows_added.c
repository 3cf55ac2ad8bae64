/*
 * store/postgres_rows_added.c -- rows that are added to what is there: stats by day and by hour,
 * and the ledger.
 *
 * No sum goes beyond SUM_MAX, here or in the server.
 */
#include "store/postgres_rows.h"

/* -- stats ------------------------------------------------------------------------------------- */

#define LIMIT "9007199254740991" /* SUM_MAX */
#define SUM(column) #column " = least(t." #column " + excluded." #column ", " LIMIT "), "
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
    "estimated = greatest(t.estimated, excluded.estimated)"

static const char ADD_DAYS[] =
    "INSERT INTO analytics.analytics_daily_stats AS t (site_id, tenant_id, date, " PG_STATS_COLUMNS
    ") SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[],"
    " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],"
    " $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],"
    " $18::bigint[]) ON CONFLICT (site_id, date) DO UPDATE SET " SUMS;
static const char ADD_HOURS[] =
    "INSERT INTO analytics.hourly_stats AS t (site_id, tenant_id, day, hour_ms, " PG_STATS_COLUMNS
    ") SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[],"
    " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],"
    " $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],"
    " $18::bigint[], $19::bigint[]) ON CONFLICT (site_id, hour_ms) DO UPDATE SET " SUMS;

#define STATS_ELEMENTS                                                                             \
    PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8,      \
        PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8
static const enum pg_element day_elements[] = {PG_TEXT, PG_TEXT, PG_DATE, STATS_ELEMENTS};
static const enum pg_element hour_elements[] = {PG_TEXT, PG_TEXT, PG_INT4, PG_INT8, STATS_ELEMENTS};

static int order_days(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    return order != 0 ? order : pg_order_i64(x->day, y->day);
}

static int order_hours(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    return order != 0 ? order : pg_order_i64(x->hour_ms, y->hour_ms);
}

/* Between -SUM_MAX and SUM_MAX: no sum of two of these overflows, here or in the server. */
static int64_t bounded(int64_t n)
{
    return n > SUM_MAX ? SUM_MAX : n < -SUM_MAX ? -SUM_MAX : n;
}

static void put_stats(struct pg_array *columns, const void *const *rows, size_t count)
{
    enum { MAXIMUM = STATS_COUNT - 1 }; /* `estimated` is no sum */
    int64_t values[STATS_COUNT], sums[STATS_COUNT] = {0};

    for (size_t i = 0; i < count; i++) {
        const struct stats_row *row = rows[i];

        stats_to_array(&row->stats, values);
        for (size_t c = 0; c < MAXIMUM; c++)
            sums[c] = bounded(sums[c] + bounded(values[c]));
        if (i == 0 || values[MAXIMUM] > sums[MAXIMUM])
            sums[MAXIMUM] = values[MAXIMUM];
    }
    for (size_t c = 0; c < STATS_COUNT; c++)
        pg_add_i64(&columns[c], sums[c]);
}

static void put_day(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct stats_row *row = rows[0];

    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_date(&columns[2], row->day);
    put_stats(&columns[3], rows, count);
}

static void put_hour(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct stats_row *row = rows[0];

    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_i32(&columns[2], row->day);
    pg_add_i64(&columns[3], row->hour_ms);
    put_stats(&columns[4], rows, count);
}

const struct pg_table pg_add_days = {ADD_DAYS, PG_COLUMNS(day_elements), sizeof(struct stats_row),
                                     order_days, put_day};
const struct pg_table pg_add_hours = {ADD_HOURS, PG_COLUMNS(hour_elements),
                                      sizeof(struct stats_row), order_hours, put_hour};

/* -- ledger
 * ---------------------------------------------------------------------------------------- */

static const char ADD_LEDGER[] =
    "INSERT INTO analytics.ledger AS t (site_id, tenant_id, day, kind, reason, events, records)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[],"
    " $6::bigint[], $7::bigint[]) ON CONFLICT (site_id, day, kind, reason) DO UPDATE SET " SUM(
        events) "records = t.records + excluded.records";
static const enum pg_element ledger_elements[] = {PG_TEXT, PG_TEXT, PG_INT4, PG_INT4,
                                                  PG_TEXT, PG_INT8, PG_INT8};

static int order_ledger(const void *a, const void *b)
{
    const struct ledger_row *x = a, *y = b;
    int order = pg_is_shared(x->site) - pg_is_shared(y->site);

    if (order == 0)
        order = pg_order_site(x->site, y->site);
    if (order == 0)
        order = pg_order_i64(x->day, y->day);
    if (order == 0)
        order = pg_order_i64(x->kind, y->kind);
    return order != 0 ? order : str_cmp(x->reason, y->reason);
}

static void put_ledger(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct ledger_row *row = rows[0];
    int64_t events = 0, records = 0;

    for (size_t i = 0; i < count; i++) {
        events = bounded(events + bounded(((const struct ledger_row *)rows[i])->events));
        records += ((const struct ledger_row *)rows[i])->records;
    }
    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_i32(&columns[2], row->day);
    pg_add_i32(&columns[3], (int32_t)row->kind);
    pg_add_str(&columns[4], row->reason);
    pg_add_i64(&columns[5], events);
    pg_add_i64(&columns[6], records);
}

const struct pg_table pg_add_ledger = {ADD_LEDGER, PG_COLUMNS(ledger_elements),
                                       sizeof(struct ledger_row), order_ledger, put_ledger};
