/*
 * values.c -- counts of a value as the numbers that CONTRACT names.
 */
#include "api/values.h"

#include <math.h>

static double ratio(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static double visitors(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return (double)row->visitors;
}

static double pageviews(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return (double)row->pageviews;
}

static double visits(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return (double)row->visits;
}

static double bounce_rate(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return ratio(row->bounces, row->visits);
}

static double visit_duration(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return ratio(row->visit_ms, row->visits) / 1000;
}

static double conversions(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return (double)row->conversions;
}

/* Every visitor of a goal's row is a converter, so a goal is measured by everybody. */
static double conversion_rate(const struct count_row *row, const struct value_basis *basis)
{
    return ratio(row->converters, basis->dimension == DIM_GOAL ? basis->visitors : row->visitors);
}

static double percent(const struct count_row *row, const struct value_basis *basis)
{
    return ratio(row->visitors, basis->visitors) * 100;
}

static double time_on_page(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return row->engaged > 0 ? ratio(row->engaged_ms, row->engaged) / 1000 : (double)NAN;
}

static double scroll_depth(const struct count_row *row, const struct value_basis *basis)
{
    (void)basis;
    return row->scrolled > 0 ? ratio(row->scroll, row->scrolled) : (double)NAN;
}

static double events(const struct count_row *row, const struct value_basis *basis)
{
    return basis->events ? (double)row->events : (double)NAN;
}

const struct value_column value_columns[VALUE_COLUMNS] = {
    {.name = "visitors", .metric = "uniqueVisitors", .whole = true, .value = visitors},
    {.name = "pageviews", .metric = "pageviews", .whole = true, .value = pageviews},
    {.name = "visits", .metric = "visits", .whole = true, .value = visits},
    {.name = "bounceRate", .metric = "bounceRate", .value = bounce_rate},
    {.name = "visitDuration", .metric = "visitDuration", .value = visit_duration},
    {.name = "conversions", .metric = "conversions", .whole = true, .value = conversions},
    {.name = "conversionRate", .metric = "conversionRate", .value = conversion_rate},
    {.name = "percent", .metric = "uniqueVisitors", .value = percent},
    {.name = "timeOnPage", .metric = "timeOnPage", .pages_only = true, .value = time_on_page},
    {.name = "scrollDepth", .metric = "scrollDepth", .pages_only = true, .value = scroll_depth},
    {.name = "events",
     .metric = VALUE_EVENTS_METRIC,
     .whole = true,
     .events_only = true,
     .value = events},
};

bool values_has(const struct value_column *column, enum dimension dimension)
{
    return (!column->pages_only || dimension == DIM_PAGE) &&
           (!column->events_only || dimension_has_events(dimension));
}

void values_put(struct json_out *json, const struct value_column *column,
                const struct count_row *row, const struct value_basis *basis)
{
    double value = column->value(row, basis);

    if (column->whole && !isnan(value))
        json_i64(json, (int64_t)value);
    else
        json_rate(json, value);
}

bool values_is_empty(const struct count_row *row)
{
    return (row->visitors | row->pageviews | row->visits | row->conversions | row->converters |
            row->engaged | row->events) == 0;
}
