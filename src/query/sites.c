/*
 * sites.c -- many sites side by side.
 *
 * A list of thousands of sites is a few questions to the store, not one for each: the days of all
 * of them, the days of their earlier ranges, and, while the range runs, the hours of the days in
 * which those end. Each site is read by its own clock and from the first day that it still keeps.
 */
#include "base/date.h"
#include "query/query_internal.h"

/* What is known of a site's earlier range while its rows come. */
struct earlier {
    struct range range;
    int64_t until_ms; /* 0: whole days */
    struct part_counts visitors;
    int64_t day_pageviews, part_pageviews; /* of the day that is cut */
    bool hours, estimated;                 /* it has hours; one of them, or the day, is estimated */
};

struct sides {
    struct query_sides *out;
    struct earlier *earlier;
    struct site_span *spans;
    size_t *sites; /* of each span the site's place */
    size_t spans_count;
};

static struct site_span *add_span(struct sides *sides, const struct site *site, size_t place,
                                  int64_t from, int64_t to)
{
    struct site_span *span = &sides->spans[sides->spans_count];

    *span = (struct site_span){site->tenant, site->id, from, to};
    sides->sites[sides->spans_count++] = place;
    return span;
}

static int32_t available_of(const struct site *site, int64_t now_ms)
{
    return query_available(site, site_day(site, now_ms));
}

/* -- the range ----------------------------------------------------------------------------- */

static int add_now(void *ctx, size_t place, const struct stats_row *row)
{
    const struct sides *sides = ctx;

    stats_add(&sides->out[sides->sites[place]].now, &row->stats);
    return 0;
}

static int read_now(struct store *store, const struct site *const *sites, size_t count,
                    struct range range, int64_t now_ms, struct sides *sides, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < count; i++) {
        struct range kept = range_kept(range, available_of(sites[i], now_ms));
        if (kept.from <= kept.to)
            (void)add_span(sides, sites[i], i, kept.from, kept.to);
    }
    if (sides->spans_count > 0)
        rc = store_each_day_of(store, sides->spans, sides->spans_count, add_now, sides, err);
    for (size_t i = 0; i < count; i++)
        sides->out[i].exact = sides->out[i].now.estimated == 0;
    sides->spans_count = 0;
    return rc;
}

/* -- the earlier one ----------------------------------------------------------------------- */

static int add_day(void *ctx, size_t place, const struct stats_row *row)
{
    const struct sides *sides = ctx;
    size_t site = sides->sites[place];
    struct query_sides *out = &sides->out[site];
    struct earlier *earlier = &sides->earlier[site];

    earlier->estimated |= row->stats.estimated > 0;
    if (earlier->until_ms != 0 && row->day == earlier->range.to) {
        earlier->visitors.day = row->stats.unique_visitors;
        earlier->day_pageviews = row->stats.pageviews;
    } else {
        out->visitors_before += row->stats.unique_visitors;
        out->pageviews_before += row->stats.pageviews;
    }
    return 0;
}

static int add_hour(void *ctx, size_t place, const struct stats_row *row)
{
    const struct sides *sides = ctx;
    struct earlier *earlier = &sides->earlier[sides->sites[place]];
    bool before = row->hour_ms < earlier->until_ms;

    if (row->day != earlier->range.to)
        return 0;
    earlier->hours = true;
    earlier->estimated |= row->stats.estimated > 0;
    part_add_hour(&earlier->visitors, before, row->stats.unique_visitors);
    earlier->part_pageviews += before ? row->stats.pageviews : 0;
    return 0;
}

/* The part of the day that is cut; a day without hours, which was imported, counts as a whole. */
static void add_part(const struct earlier *earlier, struct query_sides *out)
{
    bool exact = true;

    if (earlier->until_ms != 0) {
        out->visitors_before += part_estimate(&earlier->visitors, &exact);
        out->pageviews_before += earlier->hours ? earlier->part_pageviews : earlier->day_pageviews;
    }
    out->exact = out->exact && exact && !earlier->estimated;
}

static int read_days(struct store *store, const struct site *const *sites, size_t count,
                     struct sides *sides, struct err *err)
{
    sides->spans_count = 0;
    for (size_t i = 0; i < count; i++)
        if (sides->out[i].compared)
            (void)add_span(sides, sites[i], i, sides->earlier[i].range.from,
                           sides->earlier[i].range.to);
    return sides->spans_count == 0
               ? 0
               : store_each_day_of(store, sides->spans, sides->spans_count, add_day, sides, err);
}

/* With room on both sides, as a change of the zone may have moved the day's bounds. */
static int read_hours(struct store *store, const struct site *const *sites, size_t count,
                      struct sides *sides, struct err *err)
{
    sides->spans_count = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t day = sides->earlier[i].range.to;
        if (sides->out[i].compared && sides->earlier[i].until_ms != 0)
            (void)add_span(sides, sites[i], i, tz_day_start(sites[i]->tz, day) - DAY_MS,
                           tz_day_start(sites[i]->tz, day + 1) + DAY_MS);
    }
    return sides->spans_count == 0
               ? 0
               : store_each_hour_of(store, sides->spans, sides->spans_count, add_hour, sides, err);
}

static int read_earlier(struct store *store, const struct site *const *sites, size_t count,
                        struct range range, struct range before, int64_t now_ms,
                        struct sides *sides, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct earlier *earlier = &sides->earlier[i];
        int32_t available = available_of(sites[i], now_ms);

        *earlier = (struct earlier){.range = before};
        (void)range_cut(range, sites[i]->tz, now_ms, &earlier->range, &earlier->until_ms);
        sides->out[i].compared = before.from >= available;
    }
    int rc = read_days(store, sites, count, sides, err);
    if (rc == 0)
        rc = read_hours(store, sites, count, sides, err);
    for (size_t i = 0; i < count; i++)
        if (sides->out[i].compared)
            add_part(&sides->earlier[i], &sides->out[i]);
    return rc;
}

int query_sides(struct store *store, const struct site *const *sites, size_t count,
                struct range range, const struct range *earlier, int64_t now_ms,
                struct arena *arena, struct query_sides **out, struct err *err)
{
    struct sides sides = {.out = ARENA_NEW(arena, struct query_sides, count + 1),
                          .earlier = ARENA_NEW(arena, struct earlier, count + 1),
                          .spans = ARENA_NEW(arena, struct site_span, count + 1),
                          .sites = ARENA_NEW(arena, size_t, count + 1)};
    int rc;

    for (size_t i = 0; i < count; i++)
        sides.out[i] = (struct query_sides){.exact = true};
    rc = read_now(store, sites, count, range, now_ms, &sides, err);
    if (rc == 0 && earlier != NULL)
        rc = read_earlier(store, sites, count, range, *earlier, now_ms, &sides, err);
    *out = sides.out;
    return rc;
}

/* -- days ---------------------------------------------------------------------------------- */

struct by_day {
    struct range range;
    int64_t *visitors;
};

static int64_t *visitors_of(const struct by_day *by_day, size_t site, int32_t day)
{
    return &by_day->visitors[site * (size_t)range_days(by_day->range) +
                             (size_t)(day - by_day->range.from)];
}

static int set_visitors(void *ctx, size_t place, const struct stats_row *row)
{
    *visitors_of(ctx, place, row->day) = row->stats.unique_visitors;
    return 0;
}

int query_visitors_by_day(struct store *store, const struct site *const *sites, size_t count,
                          struct range range, int64_t now_ms, struct arena *arena, int64_t **out,
                          struct err *err)
{
    struct site_span *spans = ARENA_NEW(arena, struct site_span, count + 1);
    struct by_day by_day = {range,
                            ARENA_NEW(arena, int64_t, count * (size_t)range_days(range) + 1)};

    for (size_t i = 0; i < count; i++) {
        struct range kept = range_kept(range, available_of(sites[i], now_ms));
        spans[i] = (struct site_span){sites[i]->tenant, sites[i]->id, kept.from, kept.to};
        for (int32_t day = range.from; day <= range.to; day++)
            *visitors_of(&by_day, i, day) = day >= kept.from ? 0 : -1;
    }
    *out = by_day.visitors;
    return count == 0 ? 0 : store_each_day_of(store, spans, count, set_visitors, &by_day, err);
}
