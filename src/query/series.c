/*
 * series.c -- one number per hour, day, week or month.
 *
 * Buckets are made first, from the calendar alone; rows are then added to the bucket in which they
 * fall. Hours are those of the site's clock: 23 or 25 on the days of a clock change, beginning at
 * half past where the zone is so. An hourly row that begins inside a bucket (the zone was another
 * one then) belongs to it.
 */
#include "base/date.h"
#include "query/query_internal.h"

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

static int series_hours(struct store *store, const struct site *site, struct buckets *b,
                        int64_t now_ms, struct arena *arena, struct err *err)
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
    return store_each_hour(store, site->tenant, site->id, begin, end, add_row, b, err);
}

static int series_days(struct store *store, const struct site *site, struct buckets *b,
                       int64_t now_ms, struct arena *arena, struct err *err)
{
    struct range kept = range_kept(b->range, b->available);
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
    if (kept.from > kept.to)
        return 0;
    return store_each_day(store, site->tenant, site->id, kept.from, kept.to, add_row, b, err);
}

int query_series(struct store *store, const struct site *site, struct range range,
                 enum interval interval, int32_t available, int64_t now_ms, struct arena *arena,
                 struct query_series *out, struct err *err)
{
    struct buckets b = {.range = range, .available = available, .interval = interval};
    int rc = interval == INTERVAL_HOUR ? series_hours(store, site, &b, now_ms, arena, err)
                                       : series_days(store, site, &b, now_ms, arena, err);

    *out = (struct query_series){.points = b.points, .count = b.count, .exact = true};
    for (size_t i = 0; i < b.count; i++)
        out->exact = out->exact && b.points[i].stats.estimated == 0;
    return rc;
}
