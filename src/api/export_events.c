/*
 * export_events.c -- raw rows by time.
 *
 * Pages follow a cursor in short reads, so that no slow reader pins the store's write-ahead log; an
 * event that is counted while the export runs and lies behind the cursor is not in it. A page holds
 * up to 1,000 rows, and fewer where rows are large, so that it stays about PAGE_BYTES.
 */
#include "api/export_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { PAGE_BYTES = 1024 * 1024 };

static const struct str columns[] = {
    STR_INIT("id"),      STR_INIT("siteId"), STR_INIT("tenantId"), STR_INIT("timestamp"),
    STR_INIT("event"),   STR_INIT("path"),   STR_INIT("referrer"), STR_INIT("title"),
    STR_INIT("screen"),  STR_INIT("props"),  STR_INIT("tokens"),   STR_INIT("count"),
    STR_INIT("seconds"), STR_INIT("scroll"), STR_INIT("visitor"),  STR_INIT("ipPrefix"),
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* Seconds with as many decimals as milliseconds need. */
static struct cell seconds_cell(struct arena *arena, int64_t ms)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);

    while (len > 1 && text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    return (struct cell){CELL_NUMBER, arena_str(arena, (struct str){text, (size_t)len})};
}

static struct cell visitor_cell(struct arena *arena, uint64_t visitor)
{
    char text[17];

    (void)snprintf(text, sizeof(text), "%016" PRIx64, visitor);
    return cell_text(visitor == 0 ? STR("") : arena_str(arena, str_from(text)));
}

static void make_cells(const struct event_row *row, struct arena *arena, struct cell cells[COLUMNS])
{
    const struct event *e = &row->event;
    size_t i = 0;

    cells[i++] = cell_number(arena, row->id);
    cells[i++] = cell_text(e->site);
    cells[i++] = cell_text(e->tenant);
    cells[i++] = cell_instant(arena, e->time_ms);
    cells[i++] = cell_text(e->name);
    cells[i++] = cell_text(e->path);
    cells[i++] = cell_text(e->referrer);
    cells[i++] = cell_text(e->title);
    cells[i++] = cell_text(e->screen);
    cells[i++] = (struct cell){CELL_JSON, e->props};
    cells[i++] = cell_number(arena, e->tokens);
    cells[i++] = cell_number(arena, e->count);
    cells[i++] = seconds_cell(arena, e->seconds_ms);
    cells[i++] = e->scroll < 0 ? cell_text(STR("")) : cell_number(arena, e->scroll);
    cells[i++] = visitor_cell(arena, e->visitor);
    cells[i++] = cell_text(e->prefix);
}

static void begin(struct export *self, const struct site *site)
{
    for (size_t i = 0; i < COLUMNS; i++)
        export_column(self, columns[i]);
    self->from_ms = tz_day_start(site->tz, self->range.from);
    self->to_ms = tz_day_start(site->tz, self->range.to + 1);
    self->cursor = (struct event_cursor){INT64_MIN, 0};
    self->rows = EXPORT_PAGE_ROWS;
}

/* The next page's rows, from the size of this one's. */
static size_t next_rows(size_t rows, size_t bytes)
{
    if (bytes > PAGE_BYTES)
        return rows > 1 ? rows / 2 : 1;
    return bytes < PAGE_BYTES / 4 && rows < EXPORT_PAGE_ROWS / 2 ? rows * 2 : rows;
}

static int page(struct export *self, struct store *store, struct buf *out, struct err *err)
{
    struct event_row *rows = NULL;
    size_t count = 0, before = out->len, asked = self->rows;
    int rc = store_page_events(store, self->tenant, self->site, self->from_ms, self->to_ms,
                               self->cursor, asked, &self->page, &rows, &count, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct cell cells[COLUMNS];
        make_cells(&rows[i], &self->page, cells);
        export_row(self, cells, out);
        self->cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
    }
    self->rows = next_rows(asked, out->len - before);
    return count == asked ? 1 : 0;
}

const struct export_kind export_events = {STR_INIT("events"), begin, page};
