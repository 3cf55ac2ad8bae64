/*
 * export.c -- GET /api/analytics/export: an export (api/export.h) as the answer's stream.
 *
 * Parameters are checked while the request is there; then the export lives on its own and makes one
 * page after the other.
 */
#include "api/export.h"

#include "api/handlers.h"
#include "api/reader.h"
#include "base/date.h"

const struct http_param export_params[] = {
    READER_SITE_PARAMS,
    READER_RANGE_PARAMS,
    {"rows",
     "events (the default): raw events by time; days; hours; or a dimension: its values as "
     "breakdown has them",
     HTTP_PARAM_OPTIONAL},
    {"format", "ndjson (the default) or csv", HTTP_PARAM_OPTIONAL},
    READER_FILTER_PARAM,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

static bool take_rows(struct reader *reader, struct export_ask *ask)
{
    return export_find_rows(reader_param(reader, STR("rows")), ask) ||
           reader_refuse(reader, "rows", "is none of events, days, hours and the dimensions");
}

static bool take_format(struct reader *reader, struct export_ask *ask)
{
    return export_find_format(reader_param(reader, STR("format")), ask) ||
           reader_refuse(reader, "format", "is neither ndjson nor csv");
}

static bool take_filters(struct reader *reader, struct export_ask *ask)
{
    if (export_is_of_events(ask) && reader->repeated_count > 0)
        return reader_refuse(reader, "filter", "does not go with raw events");
    if (!reader_parse_filters(reader))
        return false;
    ask->site = reader->site;
    ask->filters = reader->filters;
    return reader_filterable(reader, export_filterable(ask, reader_today(reader)));
}

/* site_rows_from_to.format, without `rows` for events. */
static struct str file_header(const struct reader *reader, const struct export_ask *ask)
{
    char from[DATE_TEXT], to[DATE_TEXT];
    struct buf text = {0};

    date_format(reader->range.from, from);
    date_format(reader->range.to, to);
    buf_addf(&text, "attachment; filename=\"%.*s_", STR_FMT(reader->site->id));
    if (!export_is_of_events(ask))
        buf_addf(&text, "%.*s_", STR_FMT(export_rows_name(ask)));
    buf_addf(&text, "%s_%s.%.*s\"", from, to, STR_FMT(export_format_name(ask)));
    struct str header = arena_str(reader->arena, buf_str(&text));

    buf_release(&text);
    return header;
}

static int stream_next(void *ctx, void *worker, struct buf *out, struct err *err)
{
    return export_next(ctx, ((const struct worker *)worker)->store, out, err);
}

static void stream_free(void *ctx)
{
    struct export *self = ctx;

    export_free(&self);
}

static void answer_export(struct reader *reader, struct export_ask *ask)
{
    ask->directory = reader->api->directory;
    ask->now = reader->api->now;
    ask->range = reader->range;
    ask->available = reader->available;
    http_header(reader->response, STR("Content-Disposition"), file_header(reader, ask));
    reader->response->content_type = export_content_type(ask);
    reader->response->stream =
        (struct http_stream){.next = stream_next, .free = stream_free, .ctx = export_new(ask)};
}

void export_get(const struct http_request *request, struct http_response *response)
{
    struct export_ask ask = {0};
    struct reader reader;

    if (reader_open(&reader, request, response, export_params) && reader_resolve_site(&reader) &&
        reader_dates(&reader) && reader_begin(&reader) && take_rows(&reader, &ask) &&
        take_format(&reader, &ask) && take_filters(&reader, &ask))
        answer_export(&reader, &ask);
    reader_close(&reader);
}
