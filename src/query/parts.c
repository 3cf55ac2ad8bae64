/*
 * parts.c -- the part of a day up to an hour, for comparisons with a running period.
 *
 * What adds up is the sum of the hours. Distinct visitors do not add up: a visitor of 9:00 may be
 * back at 11:00. While the hours' sets of visitors are kept (as long as raw events), their union is
 * the answer. Afterwards only counts are left:
 *
 *     D  distinct in the day
 *     P  the sum of the hours' counts before the cut
 *     R  the same after it
 *
 * The number lies between max(largest hour before the cut, D - R) and min(P, D); where the two
 * meet, it is exact. Else D * P / (P + R), kept inside them, is the estimate: it holds where
 * visitors come back equally often all day.
 *
 * A day that has no hours, as imported ones, counts as a whole: nobody knows when it was.
 */
#include "base/date.h"
#include "query/query_internal.h"
#include "rollup/distinct.h"

enum {
    DAY_HOURS_MAX = 64
}; /* the longest date (zones that crossed the date line) has 48 and some */

/* One kind of distinct count: visitors or converters. */
struct uniques {
    enum sketch_kind kind;
    struct part_counts counts;
    struct sketch sketches[DAY_HOURS_MAX];
    size_t count;
};

struct part {
    const struct site *site;
    int32_t day;
    int64_t until_ms;
    struct stats sum, whole; /* of the hours before the cut; of the day */
    bool hours, hours_estimated;
    struct uniques visitors, converters;
};

void part_add_hour(struct part_counts *counts, bool before, int64_t n)
{
    if (!before) {
        counts->after += n;
        return;
    }
    counts->before += n;
    counts->largest = n > counts->largest ? n : counts->largest;
}

static void add_hour(struct uniques *u, const struct part *part, int64_t hour_ms, int64_t n)
{
    bool before = hour_ms < part->until_ms;

    part_add_hour(&u->counts, before, n);
    if (before && n > 0 && u->count < DAY_HOURS_MAX)
        u->sketches[u->count++].key = (struct sketch_key){
            .site = part->site->id, .kind = u->kind, .day = part->day, .hour_ms = hour_ms};
}

static int add_hour_row(void *ctx, const struct stats_row *row)
{
    struct part *part = ctx;

    if (row->day != part->day)
        return 0;
    part->hours = true;
    part->hours_estimated |= row->stats.estimated > 0;
    add_hour(&part->visitors, part, row->hour_ms, row->stats.unique_visitors);
    add_hour(&part->converters, part, row->hour_ms, row->stats.converters);
    if (row->hour_ms < part->until_ms)
        stats_add(&part->sum, &row->stats);
    return 0;
}

static int add_day_row(void *ctx, const struct stats_row *row)
{
    struct part *part = ctx;

    part->whole = row->stats;
    part->visitors.counts.day = row->stats.unique_visitors;
    part->converters.counts.day = row->stats.converters;
    return 0;
}

/* 1 and the size of the union, 0 where a set is gone. */
static int count_union(struct store *store, struct uniques *u, struct arena *scratch, int64_t *out,
                       bool *exact, struct err *err)
{
    struct distinct *all = NULL;
    int rc = store_load_sketches(store, scratch, u->sketches, u->count, err);

    if (rc == 0)
        rc = distinct_load((struct str){NULL, 0}, scratch, &all, err);
    for (size_t i = 0; rc == 0 && i < u->count; i++) {
        struct distinct *hour = NULL;
        if (u->sketches[i].bytes.len == 0)
            return 0;
        rc = distinct_load(u->sketches[i].bytes, scratch, &hour, err);
        if (rc == 0)
            distinct_merge(all, hour, scratch);
    }
    if (rc < 0)
        return rc;
    *out = distinct_count(all);
    *exact = distinct_is_exact(all);
    return 1;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t part_estimate(const struct part_counts *u, bool *exact)
{
    *exact = true;
    if (u->after == 0)
        return u->day; /* everybody came before the cut */
    int64_t least = max64(u->largest, u->day - u->after);
    int64_t most = min64(u->before, u->day);

    *exact = least >= most;
    if (least >= most)
        return most;
    double share = (double)u->before / (double)(u->before + u->after);
    return min64(most, max64(least, (int64_t)((double)u->day * share + 0.5)));
}

static int count_uniques(struct store *store, const struct part *part, struct uniques *u,
                         struct arena *scratch, struct stats *sum, int64_t *out, struct err *err)
{
    bool exact = true;
    int rc = 0;

    if (u->counts.after > 0)
        rc = count_union(store, u, scratch, out, &exact, err);
    if (rc == 0) {
        *out = part_estimate(&u->counts, &exact);
        exact =
            exact && part->whole.estimated == 0 && (u->counts.after == 0 || !part->hours_estimated);
    }
    if (!exact)
        sum->estimated = 1;
    return rc < 0 ? rc : 0;
}

static int read_part(struct store *store, struct part *part, struct err *err)
{
    const struct site *site = part->site;
    int rc =
        store_each_day(store, site->tenant, site->id, part->day, part->day, add_day_row, part, err);

    if (rc < 0)
        return rc;
    /* With room on both sides, as a change of the zone may have moved the day's bounds. */
    return store_each_hour(store, site->tenant, site->id,
                           tz_day_start(site->tz, part->day) - DAY_MS,
                           tz_day_start(site->tz, part->day + 1) + DAY_MS, add_hour_row, part, err);
}

/* The day's part before until_ms, added to `out`. */
static int add_part(struct store *store, struct part *part, struct arena *scratch,
                    struct query_totals *out, struct err *err)
{
    int rc = read_part(store, part, err);

    if (rc < 0)
        return rc;
    if (!part->hours) {
        stats_add(&out->sum, &part->whole);
        return 0;
    }
    struct stats *sum = &part->sum;
    sum->estimated = 0;
    rc = count_uniques(store, part, &part->visitors, scratch, sum, &sum->unique_visitors, err);
    if (rc == 0)
        rc = count_uniques(store, part, &part->converters, scratch, sum, &sum->converters, err);
    if (rc == 0)
        stats_add(&out->sum, sum);
    return rc;
}

int query_site_until(struct store *store, const struct site *site, struct range range,
                     int32_t available, int64_t until_ms, struct arena *scratch,
                     struct query_totals *out, struct err *err)
{
    struct range before = {range.from, range.to - 1};
    int rc = 0;

    totals_init(out, range, available, NULL);
    if (before.from <= before.to)
        rc = query_site(store, site, before, available, NULL, out, err);
    if (rc == 0 && range.to >= available) {
        struct part *part = ARENA_NEW(scratch, struct part, 1);
        part->site = site;
        part->day = range.to;
        part->until_ms = until_ms;
        part->visitors.kind = SKETCH_HOUR_VISITORS;
        part->converters.kind = SKETCH_HOUR_CONVERTERS;
        rc = add_part(store, part, scratch, out, err);
    }
    out->whole = range.from >= available;
    out->exact = out->sum.estimated == 0;
    return rc;
}
