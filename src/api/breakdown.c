/*
 * breakdown.c -- GET /api/analytics/breakdown: what a range has under each value of a dimension,
 * and beside it what an earlier range has.
 *
 * While the range runs (today lies in it), the earlier one ends at the same local hour of its own
 * last day, as in compare.c, where that part of a day can still be counted by value (as long as raw
 * events and visits are kept): `previousUntil` is the instant. Else it ends with that whole day.
 *
 * Where the filters cannot be answered so far back, previousFrom and previousTo are null, and each
 * row's `previous` with them; where some of the earlier range is no longer kept, `previous` alone.
 * What is not known is no change: sort=change then gives the order by visitors.
 *
 * Rows of events and properties say how many events there were. Where the rollup of a day of the
 * range was written before rollups held them, they are null in all rows, and sort=events gives the
 * order by visitors, too.
 */
#include "api/against.h"
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "api/values.h"

enum { LIMIT_PRESET = 100 };

const struct http_param breakdown_params[] = {
    READER_SITE_PARAMS,
    READER_RANGE_PARAMS,
    {"dimension",
     "goal, page, entryPage, exitPage, referrer, source, channel, utmSource, utmMedium, "
     "utmCampaign, utmContent, utmTerm, country, browser, os, device, language, screen, event or "
     "prop:NAME",
     HTTP_PARAM_REQUIRED},
    {"limit", "rows in the answer, 1 to 1000; default 100", HTTP_PARAM_OPTIONAL},
    {"offset", "rows before the first one in the answer, up to 1000000", HTTP_PARAM_OPTIONAL},
    {"search", "only values that contain this (ASCII letters' case aside), up to 200 bytes",
     HTTP_PARAM_OPTIONAL},
    {"sort",
     "visitors (the default); change: by how many more or fewer visitors than in the earlier "
     "range, whose values are rows too, needs against; or events, of the dimensions event and "
     "prop:NAME",
     HTTP_PARAM_OPTIONAL},
    {"against",
     "adds to each row previous, the same columns of the same number of days just before "
     "(previous), of the same dates a year before (year), or of againstFrom to againstTo (custom)",
     HTTP_PARAM_OPTIONAL},
    READER_AGAINST_PARAMS,
    READER_FILTER_PARAM,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

/* What is compared with: nothing without `against`. */
struct compared {
    bool wanted;
    bool absent;  /* the filters cannot be answered so far back */
    bool unknown; /* or some of the range is not kept */
    struct query_earlier earlier;
};

static bool take_window(struct reader *reader, struct query_breakdown_ask *ask)
{
    struct reader_window window;

    if (!reader_window(reader, LIMIT_PRESET, &window))
        return false;
    ask->limit = window.limit;
    ask->offset = window.offset;
    ask->search = window.search;
    return true;
}

static bool find_order(struct reader *reader, enum query_order *out)
{
    static const struct {
        struct str name;
        enum query_order order;
    } names[] = {{STR_INIT(""), ORDER_VISITORS},
                 {STR_INIT("visitors"), ORDER_VISITORS},
                 {STR_INIT("change"), ORDER_CHANGE},
                 {STR_INIT("events"), ORDER_EVENTS}};
    struct str sort = reader_param(reader, STR("sort"));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(names[i].name, sort)) {
            *out = names[i].order;
            return true;
        }
    return reader_refuse(reader, "sort", "is not one of visitors, change, events");
}

/* An order tells of what it is by: who is not shown that may not ask for it either. */
static bool take_sort(struct reader *reader, bool compared, struct query_breakdown_ask *ask)
{
    if (!find_order(reader, &ask->order))
        return false;
    if (ask->order == ORDER_CHANGE && !compared)
        return reader_refuse(reader, "sort", "change goes only with against");
    if (ask->order == ORDER_EVENTS && !dimension_has_events(ask->dimension))
        return reader_refuse(reader, "sort",
                             "events goes only with the dimensions event and prop:NAME");
    return ask->order != ORDER_EVENTS || reader_shows(reader, STR(VALUE_EVENTS_METRIC)) ||
           reader_refuse_private(reader);
}

/* Comes last: from when on filters can be answered is known. */
static bool take_earlier(struct reader *reader, struct query_breakdown_ask *ask,
                         struct compared *compared)
{
    struct query_earlier *earlier = &compared->earlier;
    struct against_range against = {.match_weekday = false};

    if (!reader_against_given(reader, &against, &compared->wanted) ||
        !take_sort(reader, compared->wanted, ask))
        return false;
    *earlier = (struct query_earlier){against.range, INT64_MAX};
    if (!compared->wanted)
        return true;
    if (range_cut(reader->range, reader->site->tz, reader->now_ms, &earlier->range,
                  &earlier->until_ms) &&
        earlier->range.to < query_divisible(reader->site, reader_today(reader)))
        earlier->until_ms = INT64_MAX;
    compared->absent = reader->filters.count > 0 && earlier->range.from < reader->filterable;
    compared->unknown = compared->absent || earlier->range.from < reader->available;
    ask->earlier = compared->unknown ? NULL : earlier;
    if (ask->order == ORDER_CHANGE && compared->unknown)
        ask->order = ORDER_VISITORS;
    return true;
}

static bool take_ask(struct reader *reader, struct query_breakdown_ask *ask,
                     struct compared *compared)
{
    if (!dimension_find(reader_param(reader, STR("dimension")), &ask->dimension, &ask->prop))
        return reader_refuse(reader, "dimension", "there is no such dimension");
    if (!reader_shows_dimension(reader, ask->dimension, ask->prop))
        return reader_refuse_private(reader);
    if (!take_window(reader, ask) || !reader_parse_filters(reader))
        return false;
    ask->filters = reader->filters;
    return reader_filterable(reader,
                             query_breakdown_filterable(reader->site, ask, reader_today(reader))) &&
           take_earlier(reader, ask, compared);
}

/* -- answers ------------------------------------------------------------------------------- */

/* What the rows stand beside. */
struct table {
    const struct reader *reader;
    const struct compared *compared;
    struct value_basis basis, before;
};

static void put_columns(struct json_out *json, const struct reader *reader,
                        const struct count_row *row, const struct value_basis *basis)
{
    for (size_t i = 0; i < VALUE_COLUMNS; i++) {
        if (!values_has(&value_columns[i], basis->dimension) ||
            !reader_shows(reader, str_from(value_columns[i].metric)))
            continue;
        answer_name(json, value_columns[i].name);
        values_put(json, &value_columns[i], row, basis);
    }
}

/* `before` is not looked at where it is not known. */
static void put_row(struct json_out *json, const struct table *table, const struct count_row *row,
                    const struct count_row *before)
{
    json_open(json, '{');
    answer_name(json, "value");
    json_str(json, row->value);
    put_columns(json, table->reader, row, &table->basis);
    if (table->compared->wanted) {
        answer_name(json, "previous");
        if (table->compared->unknown) {
            json_null(json);
        } else {
            json_open(json, '{');
            put_columns(json, table->reader, before, &table->before);
            json_close(json, '}');
        }
    }
    json_close(json, '}');
}

static void put_rows(struct json_out *json, const struct table *table,
                     const struct query_breakdown *found, bool both)
{
    const struct query_before *before = &found->before;

    answer_name(json, "rows");
    json_open(json, '[');
    for (size_t i = 0; i < found->count; i++)
        put_row(json, table, &found->rows[i], before->rows == NULL ? NULL : &before->rows[i]);
    json_close(json, ']');
    answer_name(json, "total");
    json_i64(json, (int64_t)found->total);
    answer_name(json, "other");
    if (values_is_empty(&found->other) && !(both && !values_is_empty(&before->other)))
        json_null(json);
    else
        put_row(json, table, &found->other, &before->other);
}

static void put_compared(struct json_out *json, const struct compared *compared)
{
    const struct query_earlier *earlier = &compared->earlier;

    if (!compared->wanted)
        return;
    if (compared->absent) {
        answer_str(json, "previousFrom", STR(""));
        answer_str(json, "previousTo", STR(""));
    } else {
        answer_date(json, "previousFrom", earlier->range.from);
        answer_date(json, "previousTo", earlier->range.to);
    }
    if (compared->absent || earlier->until_ms == INT64_MAX)
        answer_str(json, "previousUntil", STR(""));
    else
        answer_instant(json, "previousUntil", earlier->until_ms);
}

static void answer_breakdown(struct reader *reader)
{
    struct query_breakdown_ask ask = {.recent = reader->api->recent};
    struct compared compared = {.wanted = false};
    struct query_breakdown found;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!take_ask(reader, &ask, &compared))
        return;
    int rc = query_breakdown(reader->store, reader->site, reader->range, reader->available, &ask,
                             reader->arena, &found, &err);

    if (!reader_done(reader, rc, &err))
        return;
    const struct table table = {
        .reader = reader,
        .compared = &compared,
        .basis = {ask.dimension, found.visitors, found.events},
        .before = {ask.dimension, found.before.visitors, found.before.events}};

    json_open(&json, '{');
    reader_echo(reader, &json, true);
    answer_str(&json, "dimension", reader_param(reader, STR("dimension")));
    put_compared(&json, &compared);
    put_rows(&json, &table, &found, ask.order == ORDER_CHANGE);
    json_close(&json, '}');
}

void breakdown_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open_public(&reader, request, response, breakdown_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader))
        cached_answer(&reader, STR("breakdown"), answer_breakdown);
    reader_close(&reader);
}
