/*
 * compare.c -- GET /api/analytics/compare: a range against an earlier one, or several sites side by
 * side.
 *
 * While the range runs (today lies in it), the earlier one ends at the same local hour of its own
 * last day; with several sites, each by its own clock. `previous.until` is the instant, where there
 * is one site.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param compare_params[] = {
    READER_SITE_PARAMS,
    {"siteIds", "instead of siteId: sites a,b,c side by side, in this order; at most 100", false},
    READER_RANGE_PARAMS,
    {"against",
     "previous (the default): the same number of days just before; year: the same dates a "
     "year before; custom: againstFrom to againstTo",
     false},
    {"againstFrom", "first day of the range compared with", false},
    {"againstTo", "its last day, inclusive", false},
    {"matchWeekday", "true: move the earlier range back until it begins on the same weekday",
     false},
    {NULL, NULL, false},
};

/* One side of a comparison. */
struct side {
    struct range range;
    struct query_totals totals;
    int64_t until_ms; /* 0: whole days */
};

/* -- what is compared ---------------------------------------------------------------------- */

static bool take_flag(struct reader *reader, struct str name, const char *param, bool *out)
{
    struct str value = reader_param(reader, name);

    *out = str_eq(value, STR("true"));
    return *out || value.len == 0 || str_eq(value, STR("false")) ||
           reader_refuse(reader, param, "is neither true nor false");
}

static bool take_against(struct reader *reader, enum against *out)
{
    static const struct {
        struct str name;
        enum against against;
    } names[] = {{{"", 0}, AGAINST_PREVIOUS},
                 {{"previous", 8}, AGAINST_PREVIOUS},
                 {{"year", 4}, AGAINST_YEAR},
                 {{"custom", 6}, AGAINST_CUSTOM}};
    struct str value = reader_param(reader, STR("against"));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(names[i].name, value)) {
            *out = names[i].against;
            return true;
        }
    return reader_refuse(reader, "against", "is not one of previous, year, custom");
}

static bool take_custom(struct reader *reader, enum against against, struct range *out)
{
    struct str from = reader_param(reader, STR("againstFrom"));
    struct str to = reader_param(reader, STR("againstTo"));
    const char *param = "";
    struct err err = {0};

    if (against == AGAINST_CUSTOM)
        return range_parse(from, to, "againstFrom", "againstTo", out, &param, &err) == 0 ||
               reader_refuse(reader, param, "%s", err.text);
    if (from.len > 0)
        return reader_refuse(reader, "againstFrom", "goes only with against=custom");
    if (to.len > 0)
        return reader_refuse(reader, "againstTo", "goes only with against=custom");
    return true;
}

static bool take_earlier(struct reader *reader, struct range *out)
{
    enum against against;
    struct range custom = {0, 0};
    bool match_weekday;

    if (!take_against(reader, &against) || !take_custom(reader, against, &custom) ||
        !take_flag(reader, STR("matchWeekday"), "matchWeekday", &match_weekday))
        return false;
    *out = range_before(reader->range, against, match_weekday);
    if (against == AGAINST_CUSTOM)
        *out = match_weekday ? range_match_weekday(custom, reader->range) : custom;
    return true;
}

/* -- reading ------------------------------------------------------------------------------- */

static void add_totals(struct query_totals *sum, const struct query_totals *more)
{
    stats_add(&sum->sum, &more->sum);
    sum->exact = sum->exact && more->exact;
    sum->whole = sum->whole && more->whole;
}

/* One site's part of the earlier range. */
static int read_earlier(struct reader *reader, const struct site *site, struct side *side,
                        struct arena *scratch, struct query_totals *out, struct err *err)
{
    struct range range = side->range;
    int64_t until_ms = 0;

    if (!range_cut(reader->range, site->tz, reader->now_ms, &range, &until_ms))
        return query_site(reader->store, site, range, reader->available, NULL, out, err);
    if (reader->site != NULL) {
        side->range = range;
        side->until_ms = until_ms;
    }
    return query_site_until(reader->store, site, range, reader->available, until_ms, scratch, out,
                            err);
}

static int read_sides(struct reader *reader, struct side *current, struct side *previous,
                      struct err *err)
{
    struct arena scratch = {0};
    int rc = 0;

    for (size_t i = 0; i < reader->sites_count && rc == 0; i++) {
        const struct site *site = reader->sites[i];
        struct query_totals now, before;
        rc = query_site(reader->store, site, current->range, reader->available, NULL, &now, err);
        if (rc == 0)
            rc = read_earlier(reader, site, previous, &scratch, &before, err);
        if (rc == 0) {
            add_totals(&current->totals, &now);
            add_totals(&previous->totals, &before);
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return rc;
}

/* -- answers ------------------------------------------------------------------------------- */

static void put_side(struct json_out *json, const char *name, const struct side *side)
{
    answer_name(json, name);
    json_open(json, '{');
    answer_date(json, "from", side->range.from);
    answer_date(json, "to", side->range.to);
    if (side->until_ms == 0)
        answer_str(json, "until", STR(""));
    else
        answer_instant(json, "until", side->until_ms);
    answer_name(json, "exact");
    json_bool(json, side->totals.exact);
    answer_totals(json, &side->totals.sum);
    json_close(json, '}');
}

static void put_change(struct json_out *json, const struct side *current,
                       const struct side *previous)
{
    answer_name(json, "change");
    if (!current->totals.whole || !previous->totals.whole) {
        json_null(json);
        return;
    }
    json_open(json, '{');
    for (int metric = 0; metric < METRICS_COUNT; metric++) {
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
    struct json_out json = {.buf = &reader->response->body};

    if (!take_earlier(reader, &previous.range) ||
        !reader_done(reader, read_sides(reader, &current, &previous, &err), &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, current.totals.exact && previous.totals.exact);
    put_side(&json, "current", &current);
    put_side(&json, "previous", &previous);
    put_change(&json, &current, &previous);
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
    answer_sites(&json, reader->sites, each, reader->sites_count);
    json_close(&json, '}');
}

/* Side by side there is no earlier range. */
static bool alone(struct reader *reader)
{
    static const char *const others[] = {"siteId", "against", "againstFrom", "againstTo",
                                         "matchWeekday"};

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

    if (reader_open(&reader, request, response, compare_params)) {
        struct str list = reader_param(&reader, STR("siteIds"));
        if (list.len > 0)
            compare_sites(&reader, list);
        else
            compare_ranges(&reader);
    }
    reader_close(&reader);
}
