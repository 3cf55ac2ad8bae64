/*
 * totals.c -- sums over days, of one site and of several.
 *
 * Days before the first one still kept are never read: retention may not have come round to them
 * yet, and an answer must not depend on when it does. Unique visitors are distinct per day and
 * summed over days, so that days simply add; part of a day is the one thing that does not follow
 * from sums (see parts.c).
 */
#include "query/query_internal.h"

#define SUM_MAX ((INT64_C(1) << 53) - 1)

static void add(int64_t *sum, int64_t more)
{
    *sum = *sum > SUM_MAX - more ? SUM_MAX : *sum + more;
}

void stats_add(struct stats *sum, const struct stats *more)
{
    add(&sum->pageviews, more->pageviews);
    add(&sum->leads, more->leads);
    add(&sum->forms, more->forms);
    add(&sum->exports, more->exports);
    add(&sum->automation_runs, more->automation_runs);
    add(&sum->ai_tokens, more->ai_tokens);
    add(&sum->unique_visitors, more->unique_visitors);
    add(&sum->converters, more->converters);
    add(&sum->visits, more->visits);
    add(&sum->bounces, more->bounces);
    add(&sum->visit_ms, more->visit_ms);
    add(&sum->visit_pageviews, more->visit_pageviews);
    add(&sum->conversions, more->conversions);
    add(&sum->unattributed_conversions, more->unattributed_conversions);
    if (more->estimated > sum->estimated)
        sum->estimated = more->estimated;
}

int32_t query_available(const struct site *site, int32_t today)
{
    return site->stats_days == 0 ? INT32_MIN : today - site->stats_days;
}

struct range range_kept(struct range range, int32_t available)
{
    return (struct range){range.from > available ? range.from : available, range.to};
}

/* -- one site ------------------------------------------------------------------------------ */

/* Where the rows of one site go. */
struct sink {
    struct range range;
    struct query_totals *one;
};

static void sink_day(struct query_totals *totals, struct range range, const struct stats_row *row)
{
    stats_add(&totals->sum, &row->stats);
    if (totals->days != NULL)
        stats_add(&totals->days[row->day - range.from].stats, &row->stats);
}

static int sink_row(void *ctx, const struct stats_row *row)
{
    struct sink *sink = ctx;

    sink_day(sink->one, sink->range, row);
    return 0;
}

void totals_init(struct query_totals *totals, struct range range, int32_t available,
                 struct arena *arena)
{
    *totals = (struct query_totals){.whole = range.from >= available};
    if (arena == NULL)
        return;
    totals->days_count = (size_t)range_days(range);
    totals->days = ARENA_NEW(arena, struct query_day, totals->days_count);
    for (size_t i = 0; i < totals->days_count; i++) {
        int32_t day = range.from + (int32_t)i;
        totals->days[i] = (struct query_day){.day = day, .kept = day >= available};
    }
}

static int read_days(struct store *store, const struct site *site, struct range range,
                     int32_t available, struct sink *sink, struct err *err)
{
    struct range kept = range_kept(range, available);

    sink->range = range;
    if (kept.from > kept.to)
        return 0;
    return store_each_day(store, site->tenant, site->id, kept.from, kept.to, sink_row, sink, err);
}

int query_site(struct store *store, const struct site *site, struct range range, int32_t available,
               struct arena *arena, struct query_totals *out, struct err *err)
{
    struct sink sink = {.one = out};

    totals_init(out, range, available, arena);
    int rc = read_days(store, site, range, available, &sink, err);
    out->exact = out->sum.estimated == 0;
    return rc;
}

/* -- several sites ------------------------------------------------------------------------- */

struct sinks {
    struct range range;
    struct query_totals *each, *all;
};

static int sink_place(void *ctx, size_t place, const struct stats_row *row)
{
    const struct sinks *sinks = ctx;

    sink_day(&sinks->each[place], sinks->range, row);
    sink_day(sinks->all, sinks->range, row);
    return 0;
}

int query_sites(struct store *store, const struct site *const *sites, size_t count,
                struct range range, int32_t available, struct arena *arena,
                struct query_totals *all, struct query_totals **each, struct err *err)
{
    struct query_totals *one = ARENA_NEW(arena, struct query_totals, count + 1);
    struct site_span *spans = ARENA_NEW(arena, struct site_span, count + 1);
    struct sinks sinks = {range, one, all};
    struct range kept = range_kept(range, available);
    int rc = 0;

    totals_init(all, range, available, arena);
    for (size_t i = 0; i < count; i++) {
        totals_init(&one[i], range, available, NULL);
        spans[i] = (struct site_span){sites[i]->tenant, sites[i]->id, kept.from, kept.to};
    }
    if (kept.from <= kept.to && count > 0)
        rc = store_each_day_of(store, spans, count, sink_place, &sinks, err);
    for (size_t i = 0; i < count; i++)
        one[i].exact = one[i].sum.estimated == 0;
    all->exact = all->sum.estimated == 0;
    if (each != NULL)
        *each = one;
    return rc;
}

/* -- the first day ------------------------------------------------------------------------- */

static int take_first(void *ctx, const struct stats_row *row)
{
    int32_t *first = ctx;

    if (row->day < *first)
        *first = row->day;
    return 1; /* rows come by day: there is none before */
}

int query_first_day(struct store *store, const struct site *site, int32_t *out, struct err *err)
{
    *out = INT32_MAX;
    int rc =
        store_each_day(store, site->tenant, site->id, INT32_MIN, INT32_MAX, take_first, out, err);
    return rc < 0 ? rc : 0;
}
