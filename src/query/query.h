/*
 * query/query.h -- questions about a range of days, answered from the store's rollups, and, by
 * value or filtered, from each day's facts (facts/facts.h). No HTTP here.
 *
 * Every struct query_* answer holds plain numbers; api/ writes them as JSON. All calls with a store
 * block. Between store_read_begin() and store_read_end() several answers come from one snapshot.
 */
#ifndef ABACUS_QUERY_QUERY_H
#define ABACUS_QUERY_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "facts/facts.h"
#include "store/store.h"

/* -- ranges -------------------------------------------------------------------------------- */

enum {
    RANGE_DAYS_MAX = 3660,
    RANGE_HOURS_MAX = 92, /* days of a series by the hour: a quarter */
};

/* Inclusive dates. */
struct range {
    int32_t from, to;
};
int32_t range_days(struct range range);

/* The calendar that named periods are read from. */
struct range_clock {
    int32_t today;
    int32_t day_ago; /* the date 24 hours ago */
    int32_t first;   /* the first day that `all` covers */
};
/* In the zone (NULL: UTC); `first` is left at today. */
struct range_clock range_clock_at(const struct tz *tz, int64_t now_ms);

/* What a question says about its range; empty: absent. */
struct range_words {
    struct str period, from, to;
};

/* What the parameters period, from, to mean (CONTRACT: Reading). ERR_INVALID names the parameter
 * that is wrong in *param (a literal). The period 24h gives the dates that the last 24 hours touch.
 */
int range_resolve(const struct range_words *words, const struct range_clock *clock,
                  struct range *out, const char **param, struct err *err);

/* Two dates that go together, as from and to; `from_name` and `to_name` (literals) are what they
 * are called. */
int range_parse(struct str from, struct str to, const char *from_name, const char *to_name,
                struct range *out, const char **param, struct err *err);

enum against { AGAINST_PREVIOUS, AGAINST_YEAR, AGAINST_CUSTOM };
/* The range compared with: the same number of days just before, or the same dates a year before (29
 * February becomes the 28th); of AGAINST_CUSTOM the range itself. match_weekday moves it back by
 * the fewest days (0 to 6) that make it begin on `range`'s weekday. */
struct range range_before(struct range range, enum against against, bool match_weekday);
struct range range_match_weekday(struct range earlier, struct range range);

/* Where a comparison with a running period ends: if `today` lies inside `range`, true; then
 * *earlier ends with the counterpart of today, and *until_ms is the instant in that day at which
 * the hour after the same local hour as now begins. */
bool range_cut(struct range range, const struct tz *tz, int64_t now_ms, struct range *earlier,
               int64_t *until_ms);

/* The local hour that follows the one that begins at `hour_ms`. */
int64_t range_next_hour(const struct tz *tz, int64_t hour_ms);

/* -- metrics ------------------------------------------------------------------------------- */

/* The metrics have numbers from 0 on, in the order in which answers list them. */
enum { METRICS_COUNT = 15 };
/* The metric called `name` (pageviews, uniqueVisitors, visits, viewsPerVisit, bounceRate,
 * visitDuration, conversions, converters, conversionRate, unattributedConversions, leads, forms,
 * exports, automationRuns, aiTokens); -1: none such. */
int metric_find(struct str name);
struct str metric_name(int metric);
/* Rates and durations have decimals; the rest are whole numbers up to 2^53-1. */
bool metric_is_rate(int metric);
/* Its value in `s`; rates are 0 where there is nothing to divide by, durations seconds. */
double metric_value(int metric, const struct stats *s);

/* -- totals -------------------------------------------------------------------------------- */

/* Add all of `more`; sums stop at 2^53-1. */
void stats_add(struct stats *sum, const struct stats *more);

struct query_day {
    int32_t day;
    bool kept; /* false: before the first day still kept; its numbers are null */
    struct stats stats;
};

struct query_totals {
    struct stats sum;
    struct query_day *days; /* one per day of the range, oldest first; NULL where not asked for */
    size_t days_count;
    bool exact; /* no unique count is an estimate */
    bool whole; /* every day of the range is still kept */
};

/* The first day still kept of a site, INT32_MIN for all. */
int32_t query_available(const struct site *site, int32_t today);

/* The first day with numbers of a site; INT32_MAX: none. */
int query_first_day(struct store *store, const struct site *site, int32_t *out, struct err *err);

/* One site. `available` is the first day still kept. With an arena, `days` are made in it. */
int query_site(struct store *store, const struct site *site, struct range range, int32_t available,
               struct arena *arena, struct query_totals *out, struct err *err);

/* The same without `days`; the last day counts only the hours that begin before `until_ms`. Unique
 * visitors of part of a day are counted from the hours' sets of visitors while these are kept (as
 * long as raw events); afterwards they are estimated from the counts of the day and its hours, and
 * `exact` is false unless these leave no choice. `scratch` is used for the sets. */
int query_site_until(struct store *store, const struct site *site, struct range range,
                     int32_t available, int64_t until_ms, struct arena *scratch,
                     struct query_totals *out, struct err *err);

/* Several sites added up by their local dates, with `days`, and (if `each` is not NULL) each alone,
 * without. */
int query_sites(struct store *store, const struct site *const *sites, size_t count,
                struct range range, int32_t available, struct arena *arena,
                struct query_totals *all, struct query_totals **each, struct err *err);

/* -- many sites side by side --------------------------------------------------------------- */

/* A site's totals, and its visitors and pageviews in an earlier range. */
struct query_sides {
    struct stats now;
    bool exact;    /* no unique count, of the earlier range neither, is an estimate */
    bool compared; /* there is an earlier range, and the site still keeps all of it */
    int64_t visitors_before, pageviews_before;
};
/* Each site by its own clock and by what it still keeps: *out stands beside `sites`. `earlier` may
 * be NULL. While the range runs, the earlier one ends at the same local hour, whose visitors are
 * estimated from the counts of the day and its hours (query_site_until() alone reads the sets). */
int query_sides(struct store *store, const struct site *const *sites, size_t count,
                struct range range, const struct range *earlier, int64_t now_ms,
                struct arena *arena, struct query_sides **out, struct err *err);

/* Unique visitors of each day of the range, -1 where it is not kept: those of sites[i] begin at
 * (*out)[i * range_days(range)]. */
int query_visitors_by_day(struct store *store, const struct site *const *sites, size_t count,
                          struct range range, int64_t now_ms, struct arena *arena, int64_t **out,
                          struct err *err);

/* -- series -------------------------------------------------------------------------------- */

enum interval { INTERVAL_HOUR, INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH };

struct query_point {
    int64_t hour_ms; /* of hours */
    int32_t date;    /* of the rest: the bucket's first date, even before the range */
    bool partial;    /* not wholly inside the range or the days kept, or not ended */
    bool kept;       /* something of it is still kept; else its value is null */
    struct stats stats;
};

struct query_series {
    struct query_point *points; /* one per bucket of the range, oldest first, zeros included */
    size_t count;
    bool exact;
};

int query_series(struct store *store, const struct site *site, struct range range,
                 enum interval interval, int32_t available, int64_t now_ms, struct arena *arena,
                 struct query_series *out, struct err *err);

/* -- by value, and filtered ---------------------------------------------------------------- */

/* Filters that hold together. */
struct query_filters {
    const struct filter *filters;
    size_t count;
};

/* The first day on which these filters can be answered: as long as visits are kept, and, where one
 * is on page, event or property, or `hours` (or part of a day) are asked for, as long as raw
 * events. INT32_MIN: all; also where there is no filter. */
int32_t query_filterable(const struct site *site, const struct query_filters *filters, bool hours,
                         int32_t today);

/* One site's totals of what matches; at least one filter. With an arena for `days`, as query_site()
 * makes them. `scratch` is emptied for each day: nothing of the caller's may be in it. Days before
 * query_filterable() are the caller's to refuse. With `until_ms` (else INT64_MAX) the last day
 * counts only what happened before it (visits with all that they became, as in
 * query_site_until()). */
int query_site_filtered(struct store *store, const struct site *site, struct range range,
                        int32_t available, const struct query_filters *filters, int64_t until_ms,
                        struct arena *arena, struct arena *scratch, struct query_totals *out,
                        struct err *err);
int query_series_filtered(struct store *store, const struct site *site, struct range range,
                          enum interval interval, int32_t available, int64_t now_ms,
                          const struct query_filters *filters, struct arena *arena,
                          struct arena *scratch, struct query_series *out, struct err *err);

/* Days that are not over yet, kept for the questions that come together (recent.c): the first one
 * that needs such a day makes it from its rows, those of other threads wait for it, and all later
 * ones find it, until something of the site's partition is counted. Any thread. At most `bytes_max`
 * of them, and what is in use. */
struct query_recent;
struct query_recent *query_recent_new(size_t bytes_max);
/* Forget all of them, but those that are being made now. */
void query_recent_clear(struct query_recent *recent);
/* When nobody asks any more. */
void query_recent_free(struct query_recent **recent);

/* A range compared with; its last day only up to `until_ms`, INT64_MAX: all of it. */
struct query_earlier {
    struct range range;
    int64_t until_ms;
};
/* Which values come first; then by visitors, pageviews (most first), value (bytewise). */
enum query_order {
    ORDER_VISITORS,
    ORDER_CHANGE, /* the values of both ranges (else those of the range alone), those whose visitors
                     differ most from the earlier range's; needs `earlier` */
    ORDER_EVENTS, /* with most events; by visitors where they are not known. Needs a dimension that
                     has events (facts.h) */
};
struct query_breakdown_ask {
    enum dimension dimension;
    struct str prop;
    struct query_filters filters;
    struct str search; /* only values that contain it, ASCII letters' case aside; empty: all */
    size_t limit, offset;
    struct query_recent *recent;         /* shared; NULL: none */
    const struct query_earlier *earlier; /* NULL: nothing is compared with */
    enum query_order order;
};
struct query_breakdown {
    struct count_row *rows;
    size_t count;
    size_t total;           /* values, of the search where there is one */
    struct count_row other; /* what the cap left out; zeros: nothing */
    bool events;            /* those of the rows are known: counts_know_events() */
    int64_t visitors;       /* unique visitors of everything that matches the filters: what percent
                               is of */
    struct query_before {
        struct count_row *rows; /* beside `rows`, value by value; NULL without `earlier` */
        struct count_row other;
        bool events;
        int64_t visitors;
    } before;
};
/* query_filterable() for a breakdown: one by page, event or property counts events. */
int32_t query_breakdown_filterable(const struct site *site, const struct query_breakdown_ask *ask,
                                   int32_t today);
/* The first day of which a part can be counted by value: as long as raw events and visits are kept.
 */
int32_t query_divisible(const struct site *site, int32_t today);
/* `percent` and a goal's conversionRate are of `visitors`. */
int query_breakdown(struct store *store, const struct site *site, struct range range,
                    int32_t available, const struct query_breakdown_ask *ask, struct arena *arena,
                    struct query_breakdown *out, struct err *err);

/* -- properties ---------------------------------------------------------------------------- */

enum { PROPERTIES_MAX = 1000 };
struct query_properties {
    const struct str *names; /* ascending bytewise; the first PROPERTIES_MAX */
    size_t count;
    size_t total; /* all of them */
};
/* The names of the properties that events of the range carry: of days that are packed those that
 * have a rollup (the PACK_PROPS_MAX with most visitors of the day), of days that are due all of
 * them. `recent` may be NULL. */
int query_properties(struct store *store, const struct site *site, struct range range,
                     int32_t available, struct query_recent *recent, struct arena *arena,
                     struct query_properties *out, struct err *err);

/* -- now ----------------------------------------------------------------------------------- */

enum { REALTIME_MINUTES = 30, REALTIME_NOW_MS = 5 * 60 * 1000, REALTIME_ROWS = 10 };
struct query_live_row {
    struct str value;
    int64_t visitors, pageviews; /* of the last five minutes; visitors as in visitors_now */
};
struct query_realtime {
    /* Distinct visitors with an event, engagement included, in the five minutes up to as_of_ms: who
     * reads is there. Engagement alone makes no visitor. */
    int64_t visitors_now;
    struct query_minute {
        int64_t minute_ms;           /* when it began */
        int64_t pageviews, visitors; /* visitors as in visitors_now */
    } minutes[REALTIME_MINUTES];     /* oldest first; the last is the one that as_of_ms lies in */
    struct query_live_row *pages, *sources, *countries; /* at most REALTIME_ROWS each, most first */
    size_t pages_count, sources_count, countries_count;
};
int query_realtime(struct store *store, const struct site *site, int64_t as_of_ms,
                   struct arena *arena, struct query_realtime *out, struct err *err);

/* -- ledger -------------------------------------------------------------------------------- */

struct query_reason {
    struct str reason;
    int64_t events;
};

/* received = stored + all dropped + all rejected. Reasons in bytewise order; only those that occur.
 */
struct query_books {
    int64_t received, stored;
    struct query_reason *dropped, *rejected;
    size_t dropped_count, rejected_count;
    struct query_reason *bots; /* the kinds of what was dropped as `bot`, as far as known */
    size_t bots_count;
};

struct query_ledger {
    struct query_books sum;
    struct query_ledger_day {
        int32_t day;
        bool kept;
        struct query_books books;
    } * days; /* one per day of the range */
    size_t days_count;
};

int query_ledger(struct store *store, const struct site *site, struct range range,
                 int32_t available, struct arena *arena, struct query_ledger *out, struct err *err);

#endif
