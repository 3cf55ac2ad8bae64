/*
 * api/values.h -- what answers say of each value of a dimension, as one table of columns.
 */
#ifndef ABACUS_API_VALUES_H
#define ABACUS_API_VALUES_H

#include "base/json.h"
#include "query/query.h"

/* What shares are taken of. */
struct value_basis {
    enum dimension dimension;
    int64_t visitors; /* all that match */
    bool events;      /* those of the rows are known */
};

struct value_column {
    const char *name;
    const char *metric; /* by which it is public or not (reader_shows()) */
    bool whole;         /* a count; the others have decimals */
    bool pages_only;    /* nothing but a page is read or scrolled */
    bool events_only;   /* of dimension_has_events() */
    /* NAN: nothing was measured, or it is not known. */
    double (*value)(const struct count_row *row, const struct value_basis *basis);
};

/* Nobody publishes events by themselves: they are shown where conversions are. */
#define VALUE_EVENTS_METRIC "conversions"

/* The columns beside `value`, in their order; of `dimension` those for which values_has(). */
enum { VALUE_COLUMNS = 11 };
extern const struct value_column value_columns[VALUE_COLUMNS];
bool values_has(const struct value_column *column, enum dimension dimension);

/* The number, or null. */
void values_put(struct json_out *json, const struct value_column *column,
                const struct count_row *row, const struct value_basis *basis);

/* Nothing was counted. */
bool values_is_empty(const struct count_row *row);

#endif
