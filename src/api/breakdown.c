/*
 * breakdown.c -- GET /api/analytics/breakdown: what a range has under each value of a dimension.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "api/values.h"

enum { LIMIT_PRESET = 100, LIMIT_MAX = 1000, OFFSET_MAX = 1000000, SEARCH_MAX = 200 };

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
    READER_FILTER_PARAM,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

static bool take_window(struct reader *reader, struct query_breakdown_ask *ask)
{
    int64_t limit, offset;

    if (!reader_number(reader, "limit", 1, LIMIT_MAX, LIMIT_PRESET, &limit) ||
        !reader_number(reader, "offset", 0, OFFSET_MAX, 0, &offset))
        return false;
    ask->limit = (size_t)limit;
    ask->offset = (size_t)offset;
    ask->search = reader_param(reader, STR("search"));
    return ask->search.len <= SEARCH_MAX ||
           reader_refuse(reader, "search", "is longer than %d bytes", SEARCH_MAX);
}

static bool take_ask(struct reader *reader, struct query_breakdown_ask *ask)
{
    if (!dimension_find(reader_param(reader, STR("dimension")), &ask->dimension, &ask->prop))
        return reader_refuse(reader, "dimension", "there is no such dimension");
    if (!reader_shows_dimension(reader, ask->dimension, ask->prop))
        return reader_refuse_private(reader);
    if (!take_window(reader, ask) || !reader_parse_filters(reader))
        return false;
    ask->filters = reader->filters;
    return reader_filterable(reader,
                             query_breakdown_filterable(reader->site, ask, reader_today(reader)));
}

static void put_row(struct json_out *json, const struct reader *reader, const struct count_row *row,
                    const struct value_basis *basis)
{
    json_open(json, '{');
    answer_name(json, "value");
    json_str(json, row->value);
    for (size_t i = 0; i < VALUE_COLUMNS; i++) {
        if (!values_has(&value_columns[i], basis->dimension) ||
            !reader_shows(reader, str_from(value_columns[i].metric)))
            continue;
        answer_name(json, value_columns[i].name);
        values_put(json, &value_columns[i], row, basis);
    }
    json_close(json, '}');
}

static void put_rows(struct json_out *json, const struct reader *reader,
                     const struct query_breakdown *found, const struct value_basis *basis)
{
    answer_name(json, "rows");
    json_open(json, '[');
    for (size_t i = 0; i < found->count; i++)
        put_row(json, reader, &found->rows[i], basis);
    json_close(json, ']');
    answer_name(json, "total");
    json_i64(json, (int64_t)found->total);
    answer_name(json, "other");
    if (values_is_empty(&found->other))
        json_null(json);
    else
        put_row(json, reader, &found->other, basis);
}

static void answer_breakdown(struct reader *reader)
{
    struct query_breakdown_ask ask = {.limit = LIMIT_PRESET, .recent = reader->api->recent};
    struct query_breakdown found;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!take_ask(reader, &ask))
        return;
    int rc = query_breakdown(reader->store, reader->site, reader->range, reader->available, &ask,
                             reader->arena, &found, &err);

    if (!reader_done(reader, rc, &err))
        return;
    const struct value_basis basis = {ask.dimension, found.visitors};

    json_open(&json, '{');
    reader_echo(reader, &json, true);
    answer_str(&json, "dimension", reader_param(reader, STR("dimension")));
    put_rows(&json, reader, &found, &basis);
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
