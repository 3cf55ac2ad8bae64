/*
 * api/export.h -- a site's raw events, its days or hours, or the values of a dimension, as NDJSON
 * or CSV, a page at a time: what GET export streams and `abacus export` writes. No HTTP here.
 *
 * An export owns what it was made of but for the directory, in which it looks its site up again for
 * each page: it ends with ERR_NOTFOUND where the site goes away meanwhile.
 */
#ifndef ABACUS_API_EXPORT_H
#define ABACUS_API_EXPORT_H

#include "directory/directory.h"
#include "query/query.h"

struct export;
struct export_kind;
struct export_format;

/* What is asked for; borrowed. */
struct export_ask {
    struct directory *directory;
    int64_t (*now)(void); /* milliseconds; NULL: clock_wall_ms() */
    const struct site *site;
    struct range range;
    int32_t available; /* the first day still kept */
    const struct export_kind *kind;
    enum dimension dimension; /* with `prop`, where values are asked for */
    struct str prop;
    const struct export_format *format;
    struct query_filters filters;
    struct str type; /* of a first column `type`, the same in each row; empty: no such column */
    bool headless;   /* without the line that names the columns, where the format has one */
};

/* What `rows` names, into *ask: events (also where it is empty), days, hours, or a dimension.
 * False: none of these. */
bool export_find_rows(struct str rows, struct export_ask *ask);
/* ndjson (also where it is empty) or csv. False: neither. */
bool export_find_format(struct str name, struct export_ask *ask);

bool export_is_of_events(const struct export_ask *ask); /* which are not filtered */
bool export_is_of_values(const struct export_ask *ask); /* whose rows do not name their site */
/* The first day that can be answered with the filters asked for; INT32_MIN: all. */
int32_t export_filterable(const struct export_ask *ask, int32_t today);
struct str export_rows_name(const struct export_ask *ask); /* "prop" for properties */
struct str export_format_name(const struct export_ask *ask);
struct str export_content_type(const struct export_ask *ask);

struct export *export_new(const struct export_ask *ask);
void export_free(struct export **out);
/* Append the next page, which may be empty. 1: more to come; 0: that was the last. */
int export_next(struct export *self, struct store *store, struct buf *out, struct err *err);
/* How many rows there were so far. */
int64_t export_count(const struct export *self);

#endif
