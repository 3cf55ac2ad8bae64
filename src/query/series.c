/*
 * series.c -- one number per hour, day, week or month.
 *
 * Buckets are made first, from the calendar alone; rows are then added to the bucket in which they
 * fall. Hours are those of the site's clock: 23 or 25 on the days of a clock change, beginning at
 * half past where the zone is so. An hourly row that begins inside a bucket (the zone was another
 * one then) belongs to it.
 *
 * With filters the numbers are counted from each day's facts instead, and are never estimates.
 */
#include "base/date.h"
#include "query/query_internal.h"

#include <assert.h>

/* Buckets in order, none overlapping; a bucket's key is its hour or its first date. */
struct buckets {
    struct query_point *points;
    size_t count;
    struct range range;
    int32_t available;
    enum interval interval;
};

static int64_t bucket_key(const struct buckets *b, size_t i)
{
    return b->interval == INTERVAL_HOUR ? b->points[i].hour_ms : b->points[i].date;
}

/* The last bucket that begins at or before `key`; NULL: none does. */
static struct query_point *bucket_find(const struct buckets *b, int64_t key)
{
    size_t low = 0, high = b->count;

    if (b->count == 0 || key < bucket_key(b, 0))
        return NULL;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (bucket_key(b, middle) <= key)
            low = middle;
        else
            high = middle;
    }
    return &b->points[low];
}

static int add_row(void *ctx, const struct stats_row *row)
{
    const struct buckets *b = ctx;
    struct query_point *point =
        bucket_find(b, b->interval == INTERVAL_HOUR ? row->hour_ms : row->day);

    if (point != NULL && point->kept)
        stats_add(&point->stats, &row->stats);
    return 0;
}

static int32_t bucket_start(enum interval interval, int32_t day)
{
    if (interval == INTERVAL_WEEK)
        return day - date_weekday(day);
    if (interval == INTERVAL_MONTH) {
        struct civil c = date_to_civil(day);
        return date_from_civil(c.year, c.month, 1);
    }
    return day;
}

static int32_t bucket_next(enum interval interval, int32_t start)
{
    if (interval == INTERVAL_MONTH)
        return date_add_months(start, 1);
    return start + (interval == INTERVAL_WEEK ? 7 : 1);
}

static void make_hours(const struct site *site, struct buckets *b, int64_t now_ms,
                       struct arena *arena)
{
    int64_t begin = tz_day_start(site->tz, b->range.from);
    int64_t end = tz_day_start(site->tz, b->range.to + 1);
    size_t room = 0;

    for (int64_t hour = begin; hour < end; hour = range_next_hour(site->tz, hour))
        room++;
    b->points = ARENA_NEW(arena, struct query_point, room + 1);
    for (int64_t hour = begin, next; hour < end; hour = next) {
        next = range_next_hour(site->tz, hour);
        b->points[b->count++] =
            (struct query_point){.hour_ms = hour,
                                 .kept = tz_at(site->tz, hour).day >= b->available,
                                 .partial = now_ms < next};
    }
}

static void make_days(const struct site *site, struct buckets *b, int64_t now_ms,
                      struct arena *arena)
{
    int32_t begin = bucket_start(b->interval, b->range.from);
    size_t room = 0;

    for (int32_t start = begin; start <= b->range.to; start = bucket_next(b->interval, start))
        room++;
    b->points = ARENA_NEW(arena, struct query_point, room + 1);
    for (int32_t start = begin, next; start <= b->range.to; start = next) {
        next = bucket_next(b->interval, start);
        int32_t last = next - 1 < b->range.to ? next - 1 : b->range.to;
        b->points[b->count++] = (struct query_point){
            .date = start,
            .kept = last >= b->available,
            .partial = start < b->range.from || start < b->available || next - 1 > b->range.to ||
                       now_ms < tz_day_start(site->tz, next)};
    }
}

static void make_buckets(const struct site *site, struct buckets *b, int64_t now_ms,
                         struct arena *arena)
{
    if (b->interval == INTERVAL_HOUR)
        make_hours(site, b, now_ms, arena);
    else
        make_days(site, b, now_ms, arena);
}

/* -- from the rollups ---------------------------------------------------------------------- */

static int read_rows(struct store *store, const struct site *site, struct buckets *b,
                     struct err *err)
{
    struct range kept = range_kept(b->range, b->available);

    if (b->interval == INTERVAL_HOUR)
        return store_each_hour(store, site->tenant, site->id, tz_day_start(site->tz, b->range.from),
                               tz_day_start(site->tz, b->range.to + 1), add_row, b, err);
    if (kept.from > kept.to)
        return 0;
    return store_each_day(store, site->tenant, site->id, kept.from, kept.to, add_row, b, err);
}

int query_series(struct store *store, const struct site *site, struct range range,
                 enum interval interval, int32_t available, int64_t now_ms, struct arena *arena,
                 struct query_series *out, struct err *err)
{
    struct buckets b = {.range = range, .available = available, .interval = interval};

    make_buckets(site, &b, now_ms, arena);
    int rc = read_rows(store, site, &b, err);
    *out = (struct query_series){.points = b.points, .count = b.count, .exact = true};
    for (size_t i = 0; i < b.count; i++)
        out->exact = out->exact && b.points[i].stats.estimated == 0;
    return rc;
}

/* -- from the facts ------------------------------------------------------------------------ */

enum { DAY_HOURS_MAX = 64 }; /* facts_stats() */

struct filtered {
    struct buckets *buckets;
    const struct query_filters *filters;
};

static int add_facts(void *ctx, int32_t day, const struct facts *facts)
{
    const struct filtered *filtered = ctx;
    const struct query_filters *filters = filtered->filters;
    struct stats_row row = {.day = day};
    struct facts_hour hours[FACTS_HOURS_MAX];
    size_t count = 0;

    if (filtered->buckets->interval != INTERVAL_HOUR) {
        facts_stats(facts, filters->filters, filters->count, &row.stats, NULL, NULL);
        return add_row(filtered->buckets, &row);
    }
    facts_stats(facts, filters->filters, filters->count, &row.stats, hours, &count);
    for (size_t i = 0; i < count; i++) {
        row.hour_ms = hours[i].hour_ms;
        row.stats = hours[i].stats;
        (void)add_row(filtered->buckets, &row);
    }
    return 0;
}

int query_series_filtered(struct store *store, const struct site *site, struct range range,
                          enum interval interval, int32_t available, int64_t now_ms,
                          const struct query_filters *filters, struct arena *arena,
                          struct arena *scratch, struct query_series *out, struct err *err)
{
    struct buckets b = {.range = range, .available = available, .interval = interval};
    struct filtered filtered = {&b, filters};
    struct days_ask ask = {
        .dimension = DIMENSIONS, .filters = filters, .hours = interval == INTERVAL_HOUR};

    assert(filters->count > 0);
    make_buckets(site, &b, now_ms, arena);
    *out = (struct query_series){.points = b.points, .count = b.count, .exact = true};
    return days_each(store, site, range_kept(range, available), &ask, scratch, add_facts, &filtered,
                     err);
}
