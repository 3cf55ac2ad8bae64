/*
 * export.c -- GET /api/analytics/export: a site's raw events, streamed by time.
 *
 * Pages follow a cursor in short reads, so that no slow reader pins the store's write-ahead log; an
 * event that is counted while the export runs and lies behind the cursor is not in it. A page holds
 * up to 1,000 rows, and fewer where rows are large, so that it stays about PAGE_BYTES.
 *
 * CSV: RFC 4180 with a header; a cell that begins with = + - @ gets an apostrophe in front, because
 * spreadsheets would run it. NDJSON: one object a line; what an event lacks is null.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "base/date.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE_ROWS = 1000, PAGE_BYTES = 1024 * 1024 };

const struct http_param export_params[] = {
    READER_SITE_PARAMS,
    READER_RANGE_PARAMS,
    {"format", "ndjson (the default) or csv", false},
    {NULL, NULL, false},
};

/* -- rows ---------------------------------------------------------------------------------- */

/* A row as text, before either format writes it. */
enum cell_type { CELL_TEXT, CELL_NUMBER, CELL_JSON };
struct cell {
    enum cell_type type;
    struct str text; /* empty: null */
};

enum { CELLS = 15 };
static const char *const cell_names[CELLS] = {
    "id",     "siteId", "tenantId", "timestamp", "event",   "path",   "referrer", "title",
    "screen", "props",  "tokens",   "count",     "seconds", "scroll", "visitor"};

struct numbers {
    char id[24], timestamp[INSTANT_TEXT], tokens[24], count[24], seconds[32], scroll[12],
        visitor[17];
};

static struct cell text_cell(struct str text)
{
    return (struct cell){CELL_TEXT, text};
}

static struct cell number_cell(char *room, size_t size, int64_t n)
{
    (void)snprintf(room, size, "%" PRId64, n);
    return (struct cell){CELL_NUMBER, str_from(room)};
}

/* Seconds with as many decimals as milliseconds need. */
static struct cell seconds_cell(char *room, size_t size, int64_t ms)
{
    int len = snprintf(room, size, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);

    while (len > 1 && room[len - 1] == '0')
        len--;
    if (room[len - 1] == '.')
        len--;
    return (struct cell){CELL_NUMBER, {room, (size_t)len}};
}

static struct cell visitor_cell(char room[17], uint64_t visitor)
{
    (void)snprintf(room, 17, "%016" PRIx64, visitor);
    return text_cell(visitor == 0 ? STR("") : str_from(room));
}

static void make_cells(const struct event_row *row, struct numbers *n, struct cell cells[CELLS])
{
    const struct event *e = &row->event;
    size_t i = 0;

    instant_format(e->time_ms, n->timestamp);
    cells[i++] = number_cell(n->id, sizeof(n->id), row->id);
    cells[i++] = text_cell(e->site);
    cells[i++] = text_cell(e->tenant);
    cells[i++] = text_cell(str_from(n->timestamp));
    cells[i++] = text_cell(e->name);
    cells[i++] = text_cell(e->path);
    cells[i++] = text_cell(e->referrer);
    cells[i++] = text_cell(e->title);
    cells[i++] = text_cell(e->screen);
    cells[i++] = (struct cell){CELL_JSON, e->props};
    cells[i++] = number_cell(n->tokens, sizeof(n->tokens), e->tokens);
    cells[i++] = number_cell(n->count, sizeof(n->count), e->count);
    cells[i++] = seconds_cell(n->seconds, sizeof(n->seconds), e->seconds_ms);
    cells[i++] =
        e->scroll < 0 ? text_cell(STR("")) : number_cell(n->scroll, sizeof(n->scroll), e->scroll);
    cells[i++] = visitor_cell(n->visitor, e->visitor);
}

/* -- formats ------------------------------------------------------------------------------- */

static void ndjson_row(const struct cell cells[CELLS], struct buf *out)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    for (size_t i = 0; i < CELLS; i++) {
        answer_name(&json, cell_names[i]);
        if (cells[i].text.len == 0)
            json_null(&json);
        else if (cells[i].type == CELL_TEXT)
            json_str(&json, cells[i].text);
        else
            json_raw(&json, cells[i].text);
    }
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static bool csv_needs_quotes(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(",\"\r\n", text.ptr[i]) != NULL)
            return true;
    return false;
}

static void csv_cell(struct str text, struct buf *out)
{
    bool quotes = csv_needs_quotes(text);

    if (quotes)
        buf_addc(out, '"');
    if (text.len > 0 && memchr("=+-@", text.ptr[0], 4) != NULL)
        buf_addc(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_addc(out, '"');
        buf_addc(out, text.ptr[i]);
    }
    if (quotes)
        buf_addc(out, '"');
}

static void csv_row(const struct cell cells[CELLS], struct buf *out)
{
    for (size_t i = 0; i < CELLS; i++) {
        if (i > 0)
            buf_addc(out, ',');
        csv_cell(cells[i].text, out);
    }
    buf_add(out, STR("\r\n"));
}

static void csv_header(struct buf *out)
{
    struct cell cells[CELLS];

    for (size_t i = 0; i < CELLS; i++)
        cells[i] = text_cell(str_from(cell_names[i]));
    csv_row(cells, out);
}

static void no_header(struct buf *out)
{
    (void)out;
}

static const struct format {
    struct str name, content_type;
    void (*header)(struct buf *out);
    void (*row)(const struct cell cells[CELLS], struct buf *out);
} formats[] = {
    {{"ndjson", 6}, {"application/x-ndjson", 20}, no_header, ndjson_row},
    {{"csv", 3}, {"text/csv; charset=utf-8", 23}, csv_header, csv_row},
};

/* -- the stream ---------------------------------------------------------------------------- */

/* Outlives the request's arena and snapshot: it owns what it names. */
struct export
{
    struct arena owned, page;
    const struct format *format;
    struct str tenant, site;
    int64_t from_ms, to_ms;
    struct event_cursor cursor;
    size_t rows; /* of the next page */
    bool begun;
};

static void export_free(void *ctx)
{
    struct export *self = ctx;

    arena_free(&self->page);
    arena_free(&self->owned);
    free(self);
}

/* The next page's rows, from the size of this one's. */
static size_t next_rows(size_t rows, size_t bytes)
{
    if (bytes > PAGE_BYTES)
        return rows > 1 ? rows / 2 : 1;
    return bytes < PAGE_BYTES / 4 && rows < PAGE_ROWS / 2 ? rows * 2 : rows;
}

static int export_next(void *ctx, void *worker, struct buf *out, struct err *err)
{
    struct export *self = ctx;
    struct event_row *rows = NULL;
    size_t count = 0, begin = out->len, asked = self->rows;

    if (!self->begun)
        self->format->header(out);
    self->begun = true;
    int rc = store_page_events(worker, self->tenant, self->site, self->from_ms, self->to_ms,
                               self->cursor, asked, &self->page, &rows, &count, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct cell cells[CELLS];
        struct numbers numbers;
        make_cells(&rows[i], &numbers, cells);
        self->format->row(cells, out);
        self->cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
    }
    self->rows = next_rows(asked, out->len - begin);
    arena_reset(&self->page);
    return count == asked ? 1 : 0;
}

static struct export *export_new(const struct reader *reader, const struct format *format)
{
    struct export *self = calloc(1, sizeof(*self));

    if (self == NULL)
        abort();
    self->format = format;
    self->tenant = arena_str(&self->owned, reader->site->tenant);
    self->site = arena_str(&self->owned, reader->site->id);
    self->from_ms = tz_day_start(reader->site->tz, reader->range.from);
    self->to_ms = tz_day_start(reader->site->tz, reader->range.to + 1);
    self->cursor = (struct event_cursor){INT64_MIN, 0};
    self->rows = PAGE_ROWS;
    return self;
}

static bool take_format(struct reader *reader, const struct format **out)
{
    struct str name = reader_param(reader, STR("format"));

    *out = &formats[0];
    for (size_t i = 0; name.len > 0 && i < sizeof(formats) / sizeof(formats[0]); i++)
        if (str_eq(formats[i].name, name)) {
            *out = &formats[i];
            return true;
        }
    return name.len == 0 || reader_refuse(reader, "format", "is neither ndjson nor csv");
}

static void answer_export(struct reader *reader, const struct format *format)
{
    char from[DATE_TEXT], to[DATE_TEXT];
    struct buf name = {0};

    date_format(reader->range.from, from);
    date_format(reader->range.to, to);
    buf_addf(&name, "attachment; filename=\"%.*s_%s_%s.%.*s\"", STR_FMT(reader->site->id), from, to,
             STR_FMT(format->name));
    http_header(reader->response, STR("Content-Disposition"),
                arena_str(reader->arena, buf_str(&name)));
    buf_release(&name);
    reader->response->content_type = format->content_type;
    reader->response->stream = (struct http_stream){
        .next = export_next, .free = export_free, .ctx = export_new(reader, format)};
}

void export_get(const struct http_request *request, struct http_response *response)
{
    const struct format *format = NULL;
    struct reader reader;

    if (reader_open(&reader, request, response, export_params) && reader_resolve_site(&reader) &&
        reader_dates(&reader) && reader_begin(&reader) && take_format(&reader, &format))
        answer_export(&reader, format);
    reader_close(&reader);
}
