/*
 * query/query_internal.h -- what the files of query/ share.
 */
#ifndef ABACUS_QUERY_QUERY_INTERNAL_H
#define ABACUS_QUERY_QUERY_INTERNAL_H

#include "query/query.h"

/* The part of `range` that is still kept; from > to where nothing is. */
struct range range_kept(struct range range, int32_t available);

/* Empty totals; with an arena, with their days. */
void totals_init(struct query_totals *totals, struct range range, int32_t available,
                 struct arena *arena);

/* -- days.c: the facts of a range's days --------------------------------------------------- */

/* The days of a range that are due, oldest first: their packs do not hold. */
struct due {
    int32_t *days;
    size_t count;
};
bool due_has(const struct due *due, int32_t day);

/* 0, or an error that ends the reading. */
typedef int day_fn(void *ctx, int32_t day, const struct facts *facts);

/* Each due day, from its rows, or from `recent` (may be NULL). `scratch` is emptied after each. */
int days_each_due(struct store *store, const struct site *site, const struct due *due,
                  struct query_recent *recent, struct arena *scratch, day_fn *fn, void *ctx,
                  struct err *err);
/* The part of a day that lies before `until_ms`, in the same way. */
int days_part(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
              struct query_recent *recent, struct arena *scratch, day_fn *fn, void *ctx,
              struct err *err);

/* What the facts of packed days are asked, so that no other parts are read. Always the totals of
 * what the filters keep (at least one); with `hours`, by hour; and the dimension, unless it is
 * DIMENSIONS. */
struct days_ask {
    enum dimension dimension;
    const struct query_filters *filters;
    bool hours;
    struct query_recent *recent; /* may be NULL */
};
/* Each day of the range that has facts: first those that are due, from their rows, then those that
 * are packed, from their parts, both oldest first. `scratch` is emptied after each. */
int days_each(struct store *store, const struct site *site, struct range range,
              const struct days_ask *ask, struct arena *scratch, day_fn *fn, void *ctx,
              struct err *err);

/* -- recent.c: packs of due days in memory ------------------------------------------------- */

/* The day (or what of it lies before `until_ms`; INT64_MAX: all), as it was when the site's
 * partition had this stamp: kept, or made from its rows. Any number of threads may take a day at a
 * time; each gives it back. */
struct recent_day;
int recent_take(struct query_recent *recent, struct store *store, const struct site *site,
                int32_t on, int64_t until_ms, int64_t stamp, struct recent_day **out,
                struct err *err);
void recent_give(struct query_recent *recent, struct recent_day *day);
/* What facts are unpacked from. */
const struct pack_part *recent_parts(const struct recent_day *day, size_t *count);

/* -- parts.c: distinct visitors of a part of a day ------------------------------------------ */

/* D, P, R, and the largest hour before the cut, as parts.c explains them. */
struct part_counts {
    int64_t day, before, after, largest;
};
void part_add_hour(struct part_counts *counts, bool before, int64_t n);
int64_t part_estimate(const struct part_counts *counts, bool *exact);

/* -- choose.c: which rows an answer shows --------------------------------------------------- */

/* Of what was counted those that `ask` is for, copied into `arena`; `before` may be NULL. */
void breakdown_choose(const struct query_breakdown_ask *ask, struct counts *now,
                      struct counts *before, struct arena *scratch, struct arena *arena,
                      struct query_breakdown *out);

/* -- people.c: visitors and their runs, over midnight -------------------------------------- */

struct people {
    struct visit *visits; /* runs and links, by day, visitor, begin */
    size_t count;
};
/* All runs and links of these visitors, and of those that links lead back to. */
int people_load(struct store *store, const struct visitor_key *keys, size_t count,
                struct arena *arena, struct people *out, struct err *err);
/* The run that holds the visitor's event at `time_ms`; NULL: none does. *key, the event's, becomes
 * the oldest one that the visitor is known by: the same one on both sides of a midnight. */
const struct visit *people_find(const struct people *people, struct visitor_key *key,
                                int64_t time_ms);
/* By day, then visitor: the order of `visits`. */
int people_cmp(const struct visitor_key *a, const struct visitor_key *b);

#endif
