/*
 * align.c -- counterparts by number, by date and by the local hour.
 *
 * Points come in the order of time, so that one look through the earlier series is enough: the days
 * that stand beside each other never go back.
 */
#include "api/align.h"

#include "base/date.h"

typedef const struct query_point *counterpart;

static void by_number(const struct query_series *series, const struct query_series *before,
                      counterpart *out)
{
    for (size_t i = 0; i < series->count; i++)
        out[i] = i < before->count ? &before->points[i] : NULL;
}

static void by_date(const struct query_series *series, struct range range,
                    const struct query_series *before, const struct against_range *earlier,
                    counterpart *out)
{
    size_t at = 0;

    for (size_t i = 0; i < series->count; i++) {
        int32_t day = against_day(earlier, range, series->points[i].date);
        while (at < before->count && before->points[at].date < day)
            at++;
        out[i] = at < before->count && before->points[at].date == day ? &before->points[at] : NULL;
    }
}

/* -- hours --------------------------------------------------------------------------------- */

/* What a clock on the wall says of an hour, and how often that day it has said so before. */
struct label {
    int32_t day, hour, times;
};

/* Where clocks were set back across midnight, the date's first hours read 23: they are its hour 0.
 */
static int32_t clock_hour(const struct tz *tz, int64_t hour_ms, const struct tz_local *local)
{
    bool set_back =
        local->second_of_day >= 12 * 3600 && hour_ms - tz_day_start(tz, local->day) < 6 * HOUR_MS;

    return set_back ? 0 : local->second_of_day / 3600;
}

static struct label *label_hours(const struct query_series *series, const struct tz *tz,
                                 struct arena *arena)
{
    struct label *labels = ARENA_NEW(arena, struct label, series->count + 1);

    for (size_t i = 0; i < series->count; i++) {
        int64_t hour_ms = series->points[i].hour_ms;
        struct tz_local local = tz_at(tz, hour_ms);
        labels[i] = (struct label){local.day, clock_hour(tz, hour_ms, &local), 0};
        for (size_t k = i; k > 0 && labels[k - 1].day == local.day; k--)
            labels[i].times += labels[k - 1].hour == labels[i].hour;
    }
    return labels;
}

static void by_hour(const struct query_series *series, struct range range,
                    const struct query_series *before, const struct against_range *earlier,
                    const struct tz *tz, struct arena *arena, counterpart *out)
{
    const struct label *labels = label_hours(series, tz, arena);
    const struct label *others = label_hours(before, tz, arena);
    size_t at = 0;

    for (size_t i = 0; i < series->count; i++) {
        int32_t day = against_day(earlier, range, labels[i].day);
        while (at < before->count && others[at].day < day)
            at++;
        out[i] = NULL;
        for (size_t k = at; k < before->count && others[k].day == day; k++)
            if (others[k].hour == labels[i].hour && others[k].times == labels[i].times)
                out[i] = &before->points[k];
    }
}

counterpart *align(const struct query_series *series, struct range range,
                   const struct query_series *before, const struct against_range *earlier,
                   enum interval interval, const struct tz *tz, struct arena *arena)
{
    counterpart *out = ARENA_NEW(arena, counterpart, series->count + 1);

    if (interval == INTERVAL_HOUR)
        by_hour(series, range, before, earlier, tz, arena, out);
    else if (interval == INTERVAL_DAY)
        by_date(series, range, before, earlier, out);
    else
        by_number(series, before, out);
    return out;
}
