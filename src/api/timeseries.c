/*
 * timeseries.c -- GET /api/analytics/timeseries: one metric by hour, day, week or month.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "base/date.h"

const struct http_param timeseries_params[] = {
    READER_SITE_PARAMS,
    READER_RANGE_PARAMS,
    {"metric",
     "pageviews (the default), uniqueVisitors, visits, viewsPerVisit, bounceRate, visitDuration, "
     "conversions, converters, conversionRate, unattributedConversions, leads, forms, exports, "
     "automationRuns or aiTokens",
     false},
    {"interval",
     "hour (ranges up to 92 days), day, week or month; default hour for one day, else day", false},
    {NULL, NULL, false},
};

static const struct str interval_names[] = {
    [INTERVAL_HOUR] = {"hour", 4},
    [INTERVAL_DAY] = {"day", 3},
    [INTERVAL_WEEK] = {"week", 4},
    [INTERVAL_MONTH] = {"month", 5},
};

static bool take_metric(struct reader *reader, int *metric)
{
    struct str name = reader_param(reader, STR("metric"));

    *metric = metric_find(name.len > 0 ? name : STR("pageviews"));
    return *metric >= 0 || reader_refuse(reader, "metric", "there is no such metric");
}

static bool take_interval(struct reader *reader, enum interval *interval)
{
    struct str name = reader_param(reader, STR("interval"));
    int32_t days = range_days(reader->range);
    unsigned i = days == 1 ? INTERVAL_HOUR : INTERVAL_DAY;

    if (name.len > 0)
        for (i = INTERVAL_HOUR; i <= INTERVAL_MONTH && !str_eq(interval_names[i], name); i++)
            continue;
    if (i > INTERVAL_MONTH)
        return reader_refuse(reader, "interval", "is not one of hour, day, week, month");
    if (i == INTERVAL_HOUR && days > RANGE_HOURS_MAX)
        return reader_refuse(reader, "interval", "hours are given for at most %d days",
                             RANGE_HOURS_MAX);
    *interval = (enum interval)i;
    return true;
}

static void put_point(struct json_out *json, const struct query_point *point,
                      enum interval interval, int metric)
{
    json_open(json, '{');
    if (interval == INTERVAL_HOUR)
        answer_instant(json, "time", point->hour_ms);
    else
        answer_date(json, "time", point->date);
    answer_name(json, "value");
    if (point->kept)
        answer_value(json, metric, metric_value(metric, &point->stats));
    else
        json_null(json);
    answer_name(json, "partial");
    json_bool(json, point->partial);
    json_close(json, '}');
}

static void answer_series(struct reader *reader)
{
    enum interval interval = INTERVAL_DAY;
    int metric = 0;
    struct query_series series;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!take_metric(reader, &metric) || !take_interval(reader, &interval))
        return;
    int rc = query_series(reader->store, reader->site, reader->range, interval, reader->available,
                          reader->now_ms, reader->arena, &series, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, series.exact);
    answer_str(&json, "metric", metric_name(metric));
    answer_str(&json, "interval", interval_names[interval]);
    answer_name(&json, "points");
    json_open(&json, '[');
    for (size_t i = 0; i < series.count; i++)
        put_point(&json, &series.points[i], interval, metric);
    json_close(&json, ']');
    json_close(&json, '}');
}

void timeseries_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, timeseries_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader))
        cached_answer(&reader, STR("timeseries"), answer_series);
    reader_close(&reader);
}
