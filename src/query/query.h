/*
 * query/query.h -- questions about a range of days, answered from the store's rollups. No HTTP here.
 *
 * Every struct query_* answer holds plain numbers; api/ writes them as JSON. `today` is the site's date now. Blocks.
 */
#ifndef ABACUS_QUERY_QUERY_H
#define ABACUS_QUERY_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "store/store.h"

/* -- ranges ---------------------------------------------------------------------------------------------------- */

enum { RANGE_DAYS_MAX = 3660 };

/* Inclusive dates. */
struct range {
    int32_t from, to;
};

/* What the parameters period, from, to mean (CONTRACT: Reading); empty: absent. `first` is the first day that `all`
 * covers. ERR_INVALID names the parameter in *param (a literal). The period 24h gives the dates it touches. */
int range_resolve(struct str period, struct str from, struct str to, int32_t today, int32_t first,
                  struct range *out, const char **param, struct err *err);

enum against { AGAINST_PREVIOUS, AGAINST_YEAR, AGAINST_CUSTOM };
/* The range compared with: the same number of days just before, or the same dates a year before (29 February becomes the
 * 28th); match_weekday moves it back by the fewest days that make it begin on the same weekday. */
struct range range_before(struct range range, enum against against, bool match_weekday);

/* -- totals ---------------------------------------------------------------------------------------------------- */

/* Rates of a sum of stats, 0 where there is nothing to divide by. */
double stats_views_per_visit(const struct stats *s);
double stats_bounce_rate(const struct stats *s);
double stats_visit_duration(const struct stats *s); /* seconds */
double stats_conversion_rate(const struct stats *s);
void stats_add(struct stats *sum, const struct stats *more);

struct query_day {
    int32_t day;
    bool kept; /* false: before the first day still kept; its numbers are null */
    struct stats stats;
};

struct query_totals {
    struct stats sum;
    struct query_day *days; /* one per day of the range, oldest first */
    size_t days_count;
    bool exact;
    bool whole; /* every day of the range is still kept */
};

/* One site. `available` is the first day still kept (INT32_MIN: all). With `until_ms` != 0 the last day counts only the
 * hours that begin before it (a comparison with a running period); `days` is then left out of that cut. */
int query_site(struct store *store, const struct site *site, struct range range, int32_t available,
               int64_t until_ms, struct arena *arena, struct query_totals *out, struct err *err);

/* The first day still kept of a site, INT32_MIN for all. */
int32_t query_available(const struct site *site, int32_t today);

/* -- series ----------------------------------------------------------------------------------------------------- */

enum interval { INTERVAL_HOUR, INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH };

/* The metric called `name` (pageviews, uniqueVisitors, visits, viewsPerVisit, bounceRate, visitDuration, conversions,
 * converters, conversionRate, unattributedConversions, leads, forms, exports, automationRuns, aiTokens); -1: none such. */
int metric_find(struct str name);
/* Its value in `s`. */
double metric_value(int metric, const struct stats *s);
size_t metric_names(const struct str **out);

struct query_point {
    int64_t hour_ms; /* of hours */
    int32_t date;    /* of the rest: the bucket's first date (weeks: the Monday) */
    bool partial, kept;
    struct stats stats;
};

int query_series(struct store *store, const struct site *site, struct range range, enum interval interval,
                 int32_t available, int64_t now_ms, struct arena *arena, struct query_point **out,
                 size_t *count, struct err *err);

#endif
