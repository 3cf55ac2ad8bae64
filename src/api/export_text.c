/*
 * export_text.c -- rows of an export as NDJSON or CSV.
 *
 * CSV: RFC 4180 with a header; a cell that begins with = + - @ gets an apostrophe in front, because
 * spreadsheets would run it. NDJSON: one object a line; what a row lacks is null.
 */
#include "api/answer.h"
#include "api/export_internal.h"
#include "base/date.h"

#include <inttypes.h>
#include <stdio.h>

/* -- cells --------------------------------------------------------------------------------- */

struct cell cell_text(struct str text)
{
    return (struct cell){CELL_TEXT, text};
}

struct cell cell_number(struct arena *arena, int64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, n);
    return (struct cell){CELL_NUMBER, arena_str(arena, str_from(text))};
}

struct cell cell_rate(struct arena *arena, double x)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    json_rate(&json, x);
    struct str number = str_eq(buf_str(&text), STR("null")) ? STR("") : buf_str(&text);
    struct cell cell = {CELL_NUMBER, arena_str(arena, number)};

    buf_release(&text);
    return cell;
}

struct cell cell_date(struct arena *arena, int32_t date)
{
    char text[DATE_TEXT];

    date_format(date, text);
    return cell_text(arena_str(arena, str_from(text)));
}

struct cell cell_instant(struct arena *arena, int64_t ms)
{
    char text[INSTANT_TEXT];

    instant_format(ms, text);
    return cell_text(arena_str(arena, str_from(text)));
}

/* -- NDJSON -------------------------------------------------------------------------------- */

static void no_header(const struct str *names, size_t count, struct buf *out)
{
    (void)names;
    (void)count;
    (void)out;
}

static void ndjson_row(const struct str *names, const struct cell *cells, size_t count,
                       struct buf *out)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    for (size_t i = 0; i < count; i++) {
        json_name(&json, names[i]);
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

/* -- CSV ----------------------------------------------------------------------------------- */

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

static void csv_row(const struct str *names, const struct cell *cells, size_t count,
                    struct buf *out)
{
    (void)names;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        csv_cell(cells[i].text, out);
    }
    buf_add(out, STR("\r\n"));
}

static void csv_header(const struct str *names, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        csv_cell(names[i], out);
    }
    buf_add(out, STR("\r\n"));
}

/* -- formats ------------------------------------------------------------------------------- */

static const struct export_format formats[] = {
    {STR_INIT("ndjson"), STR_INIT("application/x-ndjson"), no_header, ndjson_row},
    {STR_INIT("csv"), STR_INIT("text/csv; charset=utf-8"), csv_header, csv_row},
};

const struct export_format *export_format_find(struct str name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (name.len == 0 || str_eq(formats[i].name, name))
            return &formats[i];
    return NULL;
}
