/*
 * export.c -- GET /api/analytics/export: a site's raw events, its days or hours, or the values of a
 * dimension, streamed.
 *
 * Parameters are checked while the request is there; then the export lives on its own and makes one
 * page after the other (export_internal.h).
 */
#include "api/answer.h"
#include "api/export_internal.h"
#include "api/handlers.h"
#include "base/date.h"
#include "base/must.h"

#include <assert.h>
#include <stdlib.h>

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

/* -- an export ----------------------------------------------------------------------------- */

void export_column(struct export *self, struct str name)
{
    assert(self->columns < EXPORT_COLUMNS_MAX);
    self->names[self->columns++] = name;
}

void export_row(struct export *self, const struct cell *cells, struct buf *out)
{
    self->format->row(self->names, cells, self->columns, out);
}

const struct site *export_site(const struct export *self, const struct snapshot **out)
{
    const struct snapshot *snapshot = directory_take(self->api->directory);
    const struct site *site = snapshot == NULL ? NULL : snapshot_site(snapshot, self->site);

    if (site != NULL && str_eq(site->tenant, self->tenant)) {
        *out = snapshot;
        return site;
    }
    if (snapshot != NULL)
        directory_give(self->api->directory, snapshot);
    return NULL;
}

static void export_free(void *ctx)
{
    struct export *self = ctx;

    arena_free(&self->page);
    arena_free(&self->owned);
    free(self);
}

static int export_next(void *ctx, void *worker, struct buf *out, struct err *err)
{
    struct export *self = ctx;

    if (!self->begun)
        self->format->header(self->names, self->columns, out);
    self->begun = true;
    int rc = self->kind->page(self, worker, out, err);

    arena_reset(&self->page);
    return rc;
}

static struct query_filters own_filters(struct arena *arena, const struct query_filters *filters)
{
    struct filter *own = ARENA_NEW(arena, struct filter, filters->count + 1);

    for (size_t i = 0; i < filters->count; i++) {
        own[i] = filters->filters[i];
        own[i].prop = arena_str(arena, own[i].prop);
        own[i].value = arena_str(arena, own[i].value);
    }
    return (struct query_filters){own, filters->count};
}

/* -- what is asked for --------------------------------------------------------------------- */

struct asked {
    const struct export_kind *kind;
    const struct export_format *format;
    enum dimension dimension;
    struct str prop;
};

static bool take_kind(struct reader *reader, struct asked *asked)
{
    static const struct export_kind *const kinds[] = {&export_events, &export_days, &export_hours};
    struct str name = reader_param(reader, STR("rows"));

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (name.len == 0 || str_eq(kinds[i]->name, name)) {
            asked->kind = kinds[i];
            return true;
        }
    asked->kind = &export_values;
    return dimension_find(name, &asked->dimension, &asked->prop) ||
           reader_refuse(reader, "rows", "is none of events, days, hours and the dimensions");
}

static bool take_format(struct reader *reader, struct asked *asked)
{
    asked->format = export_format_find(reader_param(reader, STR("format")));
    return asked->format != NULL || reader_refuse(reader, "format", "is neither ndjson nor csv");
}

static bool take_filters(struct reader *reader, const struct asked *asked)
{
    if (asked->kind == &export_events && reader->repeated_count > 0)
        return reader_refuse(reader, "filter", "does not go with raw events");
    if (asked->kind != &export_values)
        return reader_filters(reader, asked->kind == &export_hours);
    if (!reader_parse_filters(reader))
        return false;
    const struct query_breakdown_ask ask = {
        .dimension = asked->dimension, .prop = asked->prop, .filters = reader->filters};

    return reader_filterable(reader,
                             query_breakdown_filterable(reader->site, &ask, reader_today(reader)));
}

static struct export *export_new(const struct reader *reader, const struct asked *asked)
{
    struct export *self = must(calloc(1, sizeof(*self)));

    self->kind = asked->kind;
    self->format = asked->format;
    self->api = reader->api;
    self->tenant = arena_str(&self->owned, reader->site->tenant);
    self->site = arena_str(&self->owned, reader->site->id);
    self->range = reader->range;
    self->available = reader->available;
    self->filters = own_filters(&self->owned, &reader->filters);
    self->dimension = asked->dimension;
    self->prop = arena_str(&self->owned, asked->prop);
    self->kind->begin(self, reader->site);
    return self;
}

/* site_rows_from_to.format, without `rows` for events. */
static struct str file_header(const struct reader *reader, const struct asked *asked)
{
    char from[DATE_TEXT], to[DATE_TEXT];
    struct str rows = asked->kind->name;
    struct buf text = {0};

    if (asked->kind == &export_values)
        rows = dimension_name(asked->dimension);
    date_format(reader->range.from, from);
    date_format(reader->range.to, to);
    buf_addf(&text, "attachment; filename=\"%.*s_", STR_FMT(reader->site->id));
    if (asked->kind != &export_events)
        buf_addf(&text, "%.*s_", STR_FMT(rows));
    buf_addf(&text, "%s_%s.%.*s\"", from, to, STR_FMT(asked->format->name));
    struct str header = arena_str(reader->arena, buf_str(&text));

    buf_release(&text);
    return header;
}

static void answer_export(struct reader *reader, const struct asked *asked)
{
    http_header(reader->response, STR("Content-Disposition"), file_header(reader, asked));
    reader->response->content_type = asked->format->content_type;
    reader->response->stream = (struct http_stream){
        .next = export_next, .free = export_free, .ctx = export_new(reader, asked)};
}

void export_get(const struct http_request *request, struct http_response *response)
{
    struct asked asked = {.prop = STR("")};
    struct reader reader;

    if (reader_open(&reader, request, response, export_params) && reader_resolve_site(&reader) &&
        reader_dates(&reader) && reader_begin(&reader) && take_kind(&reader, &asked) &&
        take_format(&reader, &asked) && take_filters(&reader, &asked))
        answer_export(&reader, &asked);
    reader_close(&reader);
}
