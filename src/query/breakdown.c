/*
 * breakdown.c -- what a range of days has under each value of a dimension.
 *
 * Without filters the packs' rollups are added up as they stream by, nothing is unpacked. With
 * filters each day is counted again from its columns. Days that are due are counted from their
 * rows in both cases, with the same limit of values a day that packing keeps to.
 *
 * An earlier range is counted in the same way. Where it ends inside a day, that part of the day is
 * counted from the day's rows, whether it is packed or due.
 */
#include "query/query_internal.h"

/* What is counted, while the days go by. */
struct count {
    const struct query_breakdown_ask *ask;
    struct counts *counts;
    size_t most;
    const struct due *due;
    int64_t visitors;
    struct err *err;
};

/* -- counting ------------------------------------------------------------------------------ */

/* Its values, without its visitors. */
static int count_values(void *ctx, int32_t day, const struct facts *facts)
{
    struct count *count = ctx;
    const struct query_filters *filters = &count->ask->filters;

    (void)day;
    facts_count(facts, filters->filters, filters->count, count->most, count->counts);
    return 0;
}

static int count_part(void *ctx, int32_t day, const struct facts *facts)
{
    struct count *count = ctx;
    const struct query_filters *filters = &count->ask->filters;
    struct stats stats = {0};

    facts_stats(facts, filters->filters, filters->count, &stats, NULL, NULL);
    count->visitors += stats.unique_visitors;
    return count_values(ctx, day, facts);
}

static int add_rollup(void *ctx, const struct pack_part *part)
{
    struct count *count = ctx;

    if (due_has(count->due, part->day))
        return 0;
    return counts_add_packed(count->counts, part, count->err);
}

static int add_visitors(void *ctx, const struct stats_row *row)
{
    struct count *count = ctx;

    count->visitors += row->stats.unique_visitors;
    return 0;
}

static int count_all(struct store *store, const struct site *site, struct range range,
                     struct count *count, struct arena *scratch, struct err *err)
{
    int32_t parts[PACK_PARTS_MAX];
    struct arena list = {0};
    struct due due = {0};
    bool events;
    size_t parts_count = facts_parts(count->ask->dimension, NULL, 0, false, parts, &events);
    int rc = store_due_days(store, site->tenant, site->id, range.from, range.to, &list, &due.days,
                            &due.count, err);

    count->due = &due;
    if (rc == 0)
        rc =
            days_each_due(store, site, &due, count->ask->recent, scratch, count_values, count, err);
    if (rc == 0)
        rc = store_each_pack(store, site->tenant, site->id, range.from, range.to, parts,
                             parts_count, add_rollup, count, err);
    if (rc == 0)
        rc = store_each_day(store, site->tenant, site->id, range.from, range.to, add_visitors,
                            count, err);
    count->due = NULL;
    arena_free(&list);
    return rc;
}

static int count_filtered(struct store *store, const struct site *site, struct range range,
                          struct count *count, struct arena *scratch, struct err *err)
{
    struct days_ask ask = {.dimension = count->ask->dimension,
                           .filters = &count->ask->filters,
                           .recent = count->ask->recent};

    return days_each(store, site, range, &ask, scratch, count_part, count, err);
}

/* -- ranges -------------------------------------------------------------------------------- */

/* What is still kept of the range, its last day only up to `until_ms` (INT64_MAX: all of it). */
static int count_range(struct store *store, const struct site *site, struct range range,
                       int32_t available, int64_t until_ms, struct count *count,
                       struct arena *scratch, struct err *err)
{
    struct range kept = range_kept(range, available);
    bool cut = until_ms != INT64_MAX && kept.from <= kept.to;
    int rc = 0;

    if (cut)
        kept.to--;
    if (kept.from <= kept.to)
        rc = count->ask->filters.count > 0 ? count_filtered(store, site, kept, count, scratch, err)
                                           : count_all(store, site, kept, count, scratch, err);
    if (rc == 0 && cut)
        rc = days_part(store, site, range.to, until_ms, count->ask->recent, scratch, count_part,
                       count, err);
    return rc;
}

int query_breakdown(struct store *store, const struct site *site, struct range range,
                    int32_t available, const struct query_breakdown_ask *ask, struct arena *arena,
                    struct query_breakdown *out, struct err *err)
{
    struct arena values = {0}, scratch = {0};
    const struct query_earlier *earlier = ask->earlier;
    struct count now = {.ask = ask, .most = (size_t)site->paths_per_day, .err = err}, before = now;
    int rc;

    *out = (struct query_breakdown){0};
    now.counts = counts_new(&values, ask->dimension, ask->prop);
    rc = count_range(store, site, range, available, INT64_MAX, &now, &scratch, err);
    if (rc == 0 && earlier != NULL) {
        before.counts = counts_new(&values, ask->dimension, ask->prop);
        rc = count_range(store, site, earlier->range, available, earlier->until_ms, &before,
                         &scratch, err);
    }
    if (rc == 0) {
        breakdown_choose(ask, now.counts, before.counts, &scratch, arena, out);
        out->visitors = now.visitors;
        out->before.visitors = before.visitors;
    }
    arena_free(&scratch);
    arena_free(&values);
    return rc;
}
