/*
 * timeseries.c -- GET /api/analytics/timeseries: one metric by hour, day, week or month, and beside
 * it that of an earlier range.
 *
 * The earlier series is whole, also where the range still runs: who looks at today's first hours
 * sees how yesterday went on.
 */
#include "api/align.h"
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
     HTTP_PARAM_OPTIONAL},
    {"interval",
     "hour (ranges up to 92 days), day, week or month; default hour for one day, else day",
     HTTP_PARAM_OPTIONAL},
    {"against",
     "adds previousPoints, one beside each point (null: it has no counterpart), of the same number "
     "of days just before (previous), of the same dates a year before (year), or from againstFrom "
     "on (custom)",
     HTTP_PARAM_OPTIONAL},
    READER_AGAINST_PARAMS,
    READER_FILTER_PARAM,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
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
    if (*metric < 0)
        return reader_refuse(reader, "metric", "there is no such metric");
    return reader_shows(reader, metric_name(*metric)) || reader_refuse_private(reader);
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

/* -- the earlier series -------------------------------------------------------------------- */

/* What is compared with: nothing without `against`. */
struct earlier {
    bool wanted;
    bool absent; /* the filters cannot be answered so far back */
    struct against_range against;
    struct query_series series;
};

static int read_series(struct reader *reader, struct range range, enum interval interval,
                       struct query_series *out, struct err *err)
{
    struct arena scratch = {0};

    if (reader->filters.count == 0)
        return query_series(reader->store, reader->site, range, interval, reader->available,
                            reader->now_ms, reader->arena, out, err);
    int rc =
        query_series_filtered(reader->store, reader->site, range, interval, reader->available,
                              reader->now_ms, &reader->filters, reader->arena, &scratch, out, err);
    arena_free(&scratch);
    return rc;
}

/* Of days and hours no more than stands beside the range. */
static int read_earlier(struct reader *reader, enum interval interval, struct earlier *earlier,
                        struct err *err)
{
    struct range range = earlier->against.range;
    int32_t last = against_day(&earlier->against, reader->range, reader->range.to);

    if (interval <= INTERVAL_DAY && range.to > last)
        range.to = last;
    earlier->series.exact = true;
    earlier->absent = reader->filters.count > 0 && range.from < reader->filterable;
    if (!earlier->wanted || earlier->absent)
        return 0;
    return read_series(reader, range, interval, &earlier->series, err);
}

/* -- answers ------------------------------------------------------------------------------- */

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
    answer_imported(json, &point->stats);
    json_close(json, '}');
}

static void put_points(struct json_out *json, const struct query_series *series,
                       enum interval interval, int metric)
{
    answer_name(json, "points");
    json_open(json, '[');
    for (size_t i = 0; i < series->count; i++)
        put_point(json, &series->points[i], interval, metric);
    json_close(json, ']');
}

static void put_earlier(struct reader *reader, struct json_out *json,
                        const struct query_series *series, const struct earlier *earlier,
                        enum interval interval, int metric)
{
    if (!earlier->wanted)
        return;
    const struct query_point **points =
        align(series, reader->range, &earlier->series, &earlier->against, interval,
              reader->site->tz, reader->arena);

    answer_date(json, "previousFrom", earlier->against.range.from);
    answer_date(json, "previousTo", earlier->against.range.to);
    answer_name(json, "previousPoints");
    if (earlier->absent) {
        json_null(json);
        return;
    }
    json_open(json, '[');
    for (size_t i = 0; i < series->count; i++) {
        if (points[i] == NULL)
            json_null(json);
        else
            put_point(json, points[i], interval, metric);
    }
    json_close(json, ']');
}

static void answer_series(struct reader *reader)
{
    enum interval interval = INTERVAL_DAY;
    int metric = 0;
    struct query_series series;
    struct earlier earlier = {.wanted = false};
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!take_metric(reader, &metric) || !take_interval(reader, &interval) ||
        !reader_against_given(reader, &earlier.against, &earlier.wanted) ||
        !reader_filters(reader, interval == INTERVAL_HOUR))
        return;
    int rc = read_series(reader, reader->range, interval, &series, &err);

    if (rc == 0)
        rc = read_earlier(reader, interval, &earlier, &err);
    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, series.exact && earlier.series.exact);
    answer_str(&json, "metric", metric_name(metric));
    answer_str(&json, "interval", interval_names[interval]);
    put_points(&json, &series, interval, metric);
    put_earlier(reader, &json, &series, &earlier, interval, metric);
    json_close(&json, '}');
}

void timeseries_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open_public(&reader, request, response, timeseries_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader))
        cached_answer(&reader, STR("timeseries"), answer_series);
    reader_close(&reader);
}
