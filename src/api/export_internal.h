/*
 * api/export_internal.h -- what the files of the export share.
 *
 * An export outlives its request: it owns what it names (export_run.c). A kind of export (struct
 * export_kind) says which columns a row has, and writes a page of rows at a time; how a row looks
 * as text is the format's.
 */
#ifndef ABACUS_API_EXPORT_INTERNAL_H
#define ABACUS_API_EXPORT_INTERNAL_H

#include "api/export.h"

enum { EXPORT_COLUMNS_MAX = 24, EXPORT_PAGE_ROWS = 1000 };

/* -- rows as text (export_text.c) -- */

/* A value of a row, before a format writes it. */
enum cell_type { CELL_TEXT, CELL_NUMBER, CELL_JSON };
struct cell {
    enum cell_type type;
    struct str text; /* empty: null */
};

struct cell cell_text(struct str text);
/* Their text lives in `arena`. */
struct cell cell_number(struct arena *arena, int64_t n);
struct cell cell_rate(struct arena *arena, double x); /* NAN: null */
struct cell cell_date(struct arena *arena, int32_t date);
struct cell cell_instant(struct arena *arena, int64_t ms);

struct export_format {
    struct str name, content_type;
    void (*header)(const struct str *names, size_t count, struct buf *out);
    void (*row)(const struct str *names, const struct cell *cells, size_t count, struct buf *out);
};
/* NULL: there is no such format. Without a name the first. */
const struct export_format *export_format_find(struct str name);

/* -- an export -- */

struct export
{
    struct arena owned;
    struct arena page; /* emptied after each page */
    const struct export_kind *kind;
    const struct export_format *format;
    struct directory *directory;
    int64_t (*now)(void);
    struct str tenant, site;
    struct range range;
    int32_t available;
    struct query_filters filters;
    struct str names[EXPORT_COLUMNS_MAX];
    size_t columns;
    struct str type; /* of the first column; empty: there is none */
    bool begun;
    int64_t written; /* rows */

    /* Events: [from_ms, to_ms), how far, and the rows of the next page. */
    int64_t from_ms, to_ms;
    struct event_cursor cursor;
    size_t rows;

    /* Days, hours: the first day of the next page. */
    int32_t day;

    /* Values: all of them, once they are counted, and the next one. */
    enum dimension dimension;
    struct str prop;
    struct query_breakdown found;
    bool counted;
    size_t next;
};

struct export_kind {
    struct str name; /* of the parameter `rows`; empty: a dimension */
    /* Name the columns and fill in where to begin. */
    void (*begin)(struct export *self, const struct site *site);
    /* Write one page; as http_stream.next(). */
    int (*page)(struct export *self, struct store *store, struct buf *out, struct err *err);
};
extern const struct export_kind export_events, export_days, export_hours, export_values;

void export_column(struct export *self, struct str name);
/* One row with as many cells as there are columns, but for that of the type. */
void export_row(struct export *self, const struct cell *cells, struct buf *out);
/* The site as it is now, of the snapshot that the caller gives back, or NULL (then there is none to
 * give back). */
const struct site *export_site(const struct export *self, const struct snapshot **snapshot);

#endif
