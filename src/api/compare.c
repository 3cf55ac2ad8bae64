/*
 * compare.c -- GET /api/analytics/compare: a range against an earlier one, or several sites side by
 * side.
 *
 * While the range runs (today lies in it), the earlier one ends at the same local hour of its own
 * last day; with several sites, each by its own clock. `previous.until` is the instant, where there
 * is one site. With filters that cannot be answered so far back, `previous` is null.
 */
#include "api/against.h"
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param compare_params[] = {
    READER_SITE_PARAMS,
    {"siteIds", "instead of siteId: sites a,b,c side by side, in this order; at most 100",
     HTTP_PARAM_OPTIONAL},
    READER_RANGE_PARAMS,
    {"against",
     "previous (the default): the same number of days just before; year: the same dates a "
     "year before; custom: againstFrom to againstTo",
     HTTP_PARAM_OPTIONAL},
    READER_AGAINST_PARAMS,
    READER_FILTER_PARAM,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

/* One side of a comparison. */
struct side {
    struct range range;
    struct query_totals totals;
    int64_t until_ms; /* 0: whole days */
    bool absent;      /* the filters cannot be answered so far back */
};

/* -- reading ------------------------------------------------------------------------------- */

static void add_totals(struct query_totals *sum, const struct query_totals *more)
{
    stats_add(&sum->sum, &more->sum);
    sum->exact = sum->exact && more->exact;
    sum->whole = sum->whole && more->whole;
}

/* Its last day only up to `until_ms`, if that is not 0. */
static int read_range(struct reader *reader, const struct site *site, struct range range,
                      int64_t until_ms, struct arena *scratch, struct query_totals *out,
                      struct err *err)
{
    if (reader->filters.count > 0)
        return query_site_filtered(reader->store, site, range, reader->available, &reader->filters,
                                   until_ms == 0 ? INT64_MAX : until_ms, NULL, scratch, out, err);
    if (until_ms == 0)
        return query_site(reader->store, site, range, reader->available, NULL, out, err);
    return query_site_until(reader->store, site, range, reader->available, until_ms, scratch, out,
                            err);
}

/* Part of a day is counted from events, whole days from what the filters look at. */
static bool is_filterable(const struct reader *reader, const struct side *side)
{
    if (reader->filters.count == 0)
        return true;
    int32_t events = query_filterable(reader->site, &reader->filters, true, reader_today(reader));

    return side->range.from >= reader->filterable &&
           (side->until_ms == 0 || side->range.to >= events);
}

/* One site's part of the earlier range; adds nothing where that cannot be answered. */
static int add_earlier(struct reader *reader, const struct site *site, struct side *previous,
                       struct arena *scratch, struct err *err)
{
    struct side own = {.range = previous->range};
    struct query_totals totals;

    (void)range_cut(reader->range, site->tz, reader->now_ms, &own.range, &own.until_ms);
    if (reader->site != NULL) {
        previous->range = own.range;
        previous->until_ms = own.until_ms;
    }
    previous->absent = !is_filterable(reader, &own);
    if (previous->absent)
        return 0;
    int rc = read_range(reader, site, own.range, own.until_ms, scratch, &totals, err);
    if (rc == 0)
        add_totals(&previous->totals, &totals);
    return rc;
}

static int read_sides(struct reader *reader, struct side *current, struct side *previous,
                      struct err *err)
{
    struct arena scratch = {0};
    int rc = 0;

    for (size_t i = 0; i < reader->sites_count && rc == 0; i++) {
        const struct site *site = reader->sites[i];
        struct query_totals now;
        rc = read_range(reader, site, current->range, 0, &scratch, &now, err);
        arena_reset(&scratch);
        if (rc == 0) {
            add_totals(&current->totals, &now);
            rc = add_earlier(reader, site, previous, &scratch, err);
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return rc;
}

/* -- answers ------------------------------------------------------------------------------- */

static void put_side(struct json_out *json, const char *name, const struct side *side,
                     unsigned metrics)
{
    answer_name(json, name);
    if (side->absent) {
        json_null(json);
        return;
    }
    json_open(json, '{');
    answer_date(json, "from", side->range.from);
    answer_date(json, "to", side->range.to);
    answer_moment(json, "until", side->until_ms);
    answer_name(json, "exact");
    json_bool(json, side->totals.exact);
    answer_totals(json, &side->totals.sum, metrics);
    json_close(json, '}');
}

static void put_change(struct json_out *json, const struct side *current,
                       const struct side *previous, unsigned metrics)
{
    answer_name(json, "change");
    if (previous->absent || !current->totals.whole || !previous->totals.whole) {
        json_null(json);
        return;
    }
    json_open(json, '{');
    for (int metric = 0; metric < METRICS_COUNT; metric++) {
        if ((metrics >> metric & 1) == 0)
            continue;
        double now = metric_value(metric, &current->totals.sum);
        double base = metric_value(metric, &previous->totals.sum);
        json_name(json, metric_name(metric));
        json_open(json, '{');
        answer_name(json, "absolute");
        answer_value(json, metric, now - base);
        answer_name(json, "percent");
        if (base > 0)
            json_rate(json, (now - base) / base * 100);
        else
            json_null(json);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static void answer_change(struct reader *reader)
{
    struct side current = {.range = reader->range, .totals = {.exact = true, .whole = true}};
    struct side previous = {.totals = {.exact = true, .whole = true}};
    struct err err = {0};
    struct against_range earlier;
    struct json_out json = {.buf = &reader->response->body};

    if (!reader_against(reader, &earlier) || !reader_filters(reader, false))
        return;
    previous.range = earlier.range;
    if (!reader_done(reader, read_sides(reader, &current, &previous, &err), &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, current.totals.exact && previous.totals.exact);
    put_side(&json, "current", &current, reader->metrics);
    put_side(&json, "previous", &previous, reader->metrics);
    put_change(&json, &current, &previous, reader->metrics);
    json_close(&json, '}');
}

static void answer_side_by_side(struct reader *reader)
{
    struct query_totals all, *each;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_sites(reader->store, reader->sites, reader->sites_count, reader->range,
                         reader->available, reader->arena, &all, &each, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, all.exact);
    answer_sites(&json, reader->sites, each, reader->sites_count, reader->metrics);
    json_close(&json, '}');
}

/* Side by side there is no earlier range. */
static bool alone(struct reader *reader)
{
    static const char *const others[] = {"siteId",    "against",      "againstFrom",
                                         "againstTo", "matchWeekday", "filter"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (reader_param(reader, str_from(others[i])).len > 0)
            return reader_refuse(reader, others[i], "does not go with siteIds");
    return true;
}

static void compare_sites(struct reader *reader, struct str list)
{
    if (alone(reader) && reader_resolve_sites(reader, list) && reader_dates(reader))
        cached_answer(reader, STR("compare"), answer_side_by_side);
}

static void compare_ranges(struct reader *reader)
{
    if (reader_resolve(reader) && reader_dates(reader))
        cached_answer(reader, STR("compare"), answer_change);
}

void compare_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open_public(&reader, request, response, compare_params)) {
        struct str list = reader_param(&reader, STR("siteIds"));
        if (list.len > 0)
            compare_sites(&reader, list);
        else
            compare_ranges(&reader);
    }
    reader_close(&reader);
}
