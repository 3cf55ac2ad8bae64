/*
 * answer.c -- numbers as the members that CONTRACT names.
 */
#include "api/answer.h"

#include "base/date.h"

void answer_name(struct json_out *json, const char *name)
{
    json_name(json, str_from(name));
}

void answer_str(struct json_out *json, const char *name, struct str value)
{
    answer_name(json, name);
    if (value.len == 0)
        json_null(json);
    else
        json_str(json, value);
}

static void put_date(struct json_out *json, int32_t date)
{
    char text[DATE_TEXT];

    date_format(date, text);
    json_str(json, str_from(text));
}

void answer_date(struct json_out *json, const char *name, int32_t date)
{
    answer_name(json, name);
    put_date(json, date);
}

void answer_available(struct json_out *json, const char *name, int32_t available)
{
    answer_name(json, name);
    if (available == INT32_MIN)
        json_null(json);
    else
        put_date(json, available);
}

void answer_instant(struct json_out *json, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT];

    instant_format(ms, text);
    answer_name(json, name);
    json_str(json, str_from(text));
}

void answer_moment(struct json_out *json, const char *name, int64_t ms)
{
    if (ms != 0)
        answer_instant(json, name, ms);
    else
        answer_str(json, name, STR(""));
}

void answer_value(struct json_out *json, int metric, double value)
{
    if (metric_is_rate(metric))
        json_rate(json, value);
    else
        json_i64(json, (int64_t)value);
}

void answer_totals(struct json_out *json, const struct stats *stats, unsigned metrics)
{
    for (int metric = 0; metric < METRICS_COUNT; metric++) {
        if ((metrics >> metric & 1) == 0)
            continue;
        json_name(json, metric_name(metric));
        answer_value(json, metric, metric_value(metric, stats));
    }
}

void answer_imported(struct json_out *json, const struct stats *stats)
{
    if (stats->estimated != STATS_IMPORTED)
        return;
    answer_name(json, "imported");
    json_bool(json, true);
}

/* The counts of AnalyticsDailyStats. */
static const char *const day_names[] = {"pageviews", "uniqueVisitors", "leads",   "forms",
                                        "exports",   "automationRuns", "aiTokens"};
enum { DAY_METRICS = sizeof(day_names) / sizeof(day_names[0]) };

static void put_day_metrics(struct json_out *json, const struct query_day *day,
                            const int of_day[DAY_METRICS], unsigned metrics)
{
    for (size_t i = 0; i < DAY_METRICS; i++) {
        if ((metrics >> of_day[i] & 1) == 0)
            continue;
        answer_name(json, day_names[i]);
        if (day->kept)
            answer_value(json, of_day[i], metric_value(of_day[i], &day->stats));
        else
            json_null(json);
    }
}

void answer_days(struct json_out *json, const struct query_totals *totals, struct str site,
                 struct str tenant, unsigned metrics)
{
    int of_day[DAY_METRICS];

    for (size_t i = 0; i < DAY_METRICS; i++)
        of_day[i] = metric_find(str_from(day_names[i]));
    answer_name(json, "days");
    json_open(json, '[');
    for (size_t i = 0; i < totals->days_count; i++) {
        json_open(json, '{');
        answer_str(json, "siteId", site);
        answer_str(json, "tenantId", tenant);
        answer_date(json, "date", totals->days[i].day);
        put_day_metrics(json, &totals->days[i], of_day, metrics);
        answer_imported(json, &totals->days[i].stats);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_site(struct json_out *json, const struct site *site,
                     const struct query_totals *totals, unsigned metrics)
{
    json_open(json, '{');
    answer_str(json, "siteId", site->id);
    answer_str(json, "tenantId", site->tenant);
    answer_str(json, "domain", site->domain);
    answer_str(json, "timezone", site->timezone);
    answer_name(json, "exact");
    json_bool(json, totals->exact);
    answer_totals(json, &totals->sum, metrics);
    json_close(json, '}');
}

void answer_sites(struct json_out *json, const struct site *const *sites,
                  const struct query_totals *each, size_t count, unsigned metrics)
{
    answer_name(json, "sites");
    json_open(json, '[');
    for (size_t i = 0; i < count; i++)
        put_site(json, sites[i], &each[i], metrics);
    json_close(json, ']');
}
