/*
 * filtered.c -- totals of what some filters keep.
 *
 * Each day is counted from its facts, which tell visitors apart: nothing here is an estimate.
 *
 * A comparison with a running day ends at an hour of its last day. What adds up could be taken from
 * the day's hours, distinct visitors could not. The part of the day is therefore made from the raw
 * rows up to that hour, whether the day is packed or due: where hours can be answered at all, raw
 * rows are kept.
 */
#include "query/query_internal.h"

#include <assert.h>

/* -- from when on -------------------------------------------------------------------------- */

static int32_t days_before(int32_t today, int32_t days)
{
    return days == 0 ? INT32_MIN : today - days;
}

int32_t query_filterable(const struct site *site, const struct query_filters *filters, bool hours,
                         int32_t today)
{
    bool events = hours;
    int32_t raw = days_before(today, site->raw_days);
    int32_t visits = days_before(today, site->visit_days);

    if (filters->count == 0)
        return INT32_MIN;
    for (size_t i = 0; i < filters->count; i++)
        events = events || !dimension_of_visit(filters->filters[i].dimension);
    return events && raw > visits ? raw : visits;
}

int32_t query_divisible(const struct site *site, int32_t today)
{
    int32_t raw = days_before(today, site->raw_days);
    int32_t visits = days_before(today, site->visit_days);

    return raw > visits ? raw : visits;
}

int32_t query_breakdown_filterable(const struct site *site, const struct query_breakdown_ask *ask,
                                   int32_t today)
{
    return query_filterable(site, &ask->filters, !dimension_of_visit(ask->dimension), today);
}

/* -- totals -------------------------------------------------------------------------------- */

struct sum {
    const struct query_filters *filters;
    struct range range;
    struct query_totals *totals;
};

static int add_day(void *ctx, int32_t day, const struct facts *facts)
{
    struct sum *sum = ctx;
    struct query_totals *totals = sum->totals;
    struct stats stats = {0};

    facts_stats(facts, sum->filters->filters, sum->filters->count, &stats, NULL, NULL);
    stats_add(&totals->sum, &stats);
    if (totals->days != NULL)
        stats_add(&totals->days[day - sum->range.from].stats, &stats);
    return 0;
}

static int add_last(struct store *store, const struct site *site, int64_t until_ms,
                    struct arena *scratch, struct sum *sum, struct err *err)
{
    struct facts *facts = NULL;
    int rc = facts_load_until(store, site, sum->range.to, until_ms, scratch, &facts, err);

    if (rc == 0)
        rc = add_day(sum, sum->range.to, facts);
    arena_reset(scratch);
    return rc;
}

int query_site_filtered(struct store *store, const struct site *site, struct range range,
                        int32_t available, const struct query_filters *filters, int64_t until_ms,
                        struct arena *arena, struct arena *scratch, struct query_totals *out,
                        struct err *err)
{
    bool cut = until_ms != INT64_MAX;
    struct range kept = range_kept(range, available);
    struct days_ask ask = {.dimension = DIMENSIONS, .filters = filters};
    struct sum sum = {.filters = filters, .range = range, .totals = out};

    assert(filters->count > 0);
    totals_init(out, range, available, arena);
    out->exact = true;
    if (cut)
        kept.to--;
    int rc = days_each(store, site, kept, &ask, scratch, add_day, &sum, err);
    if (rc == 0 && cut && range.to >= available)
        rc = add_last(store, site, until_ms, scratch, &sum, err);
    return rc;
}
