/*
 * facts/facts.h -- what happened on one day of one site, in columns; what every breakdown, filter
 * and goal is counted from.
 *
 *     raw rows + visits --facts_load--> struct facts --facts_count--> struct counts
 *                                          |                              ^
 *                                      facts_pack                         | counts_add (rollups)
 *                                          v                              |
 *                                  parts of a pack  --facts_unpack / counts_add_packed
 *
 * Facts are made from the day's raw rows and the visits that they belong to, and from nothing else,
 * so the order of arrival cannot change them. A day that is over is packed by the job: its columns
 * and a rollup for every dimension become parts in the store. While a day is due (store.h) its pack
 * is not looked at, and facts are loaded from the rows instead. What a pack answers is what its
 * rows answered.
 *
 * Meaning (CONTRACT: Definitions). An event carries its own values (page, event, properties, goals)
 * and those of its visit (entry and exit page, source, country ...). Its page is its path; of a
 * conversion without one, the last page that its visit saw before it. It matches when all filters
 * hold; engagement only where it belongs to a page. Of a row:
 *
 *     visitors     distinct visitors of the day with a matching event (never engagement); of pages
 *                  with a matching pageview
 *     pageviews    matching pageviews, weighed by count
 *     visits       of visit dimensions: matching visits that began this day; of page, event,
 *                  property: visits with a matching event (of pages: pageview) this day. A visit
 *                  matches when one of its events of this day does
 *     bounces, visit_ms   of these visits; one that began on an earlier day is no bounce, and ends
 *                  with its last event of this day, as its exit page is the last one up to then
 *     conversions  matching events that meet a goal, weighed; of goals: that meet this goal
 *     converters   distinct visitors with one
 *     engaged ...  of pages: (visit, page) pairs with engagement, the time, the greatest scroll
 *                  each; engagement without a visitor is a pair of its own
 *     events       of event, property: matching events (never engagement), weighed by count
 *
 * A goal as a row is an event's own: visitors of the row are its converters. A goal as a filter is
 * its visit's: all events of the visits that met it this day match. An event without a visitor has
 * no visit, nor has engagement in a run of nothing else: no row of a visit dimension counts it, and
 * no filter on one, or on a goal, holds for it, isNot neither. An event whose run is missing is of
 * a visit of which nothing is known. Filters on visit dimensions and goals are answered for visit
 * dimensions and goals, and for totals, without looking at single events: as long as visits are
 * kept, and the same as before.
 *
 * Visitors are numbered within the day: nothing here tells one day's from another's. Pure but for
 * facts_load(), which only reads the store.
 */
#ifndef ABACUS_FACTS_FACTS_H
#define ABACUS_FACTS_FACTS_H

#include "base/arena.h"
#include "base/err.h"
#include "event/event.h"
#include "store/managed.h"
#include "store/store.h"

/* -- dimensions -------------------------------------------------------------------------------- */

/* Numbers on disk: these never move. */
enum dimension {
    DIM_PAGE,
    DIM_EVENT,
    DIM_GOAL,
    DIM_PROP,
    DIM_ENTRY_PAGE,
    DIM_EXIT_PAGE,
    DIM_REFERRER,
    DIM_SOURCE,
    DIM_CHANNEL,
    DIM_UTM_SOURCE,
    DIM_UTM_MEDIUM,
    DIM_UTM_CAMPAIGN,
    DIM_UTM_CONTENT,
    DIM_UTM_TERM,
    DIM_COUNTRY,
    DIM_BROWSER,
    DIM_OS,
    DIM_DEVICE,
    DIM_LANGUAGE,
    DIM_SCREEN,
    DIMENSIONS,
};

/* What a name on the wire means: "utmSource", "prop:plan". False: no such dimension. `prop` is
 * borrowed, empty but for DIM_PROP. */
bool dimension_find(struct str name, enum dimension *out, struct str *prop);
struct str dimension_name(enum dimension dimension); /* "prop" for DIM_PROP */
/* Answers from closed visits, as long as visits are kept: all but page, event and property. */
bool dimension_of_visit(enum dimension dimension);
/* Its rows count events: event and property. */
bool dimension_has_events(enum dimension dimension);
/* What visits without a value are called: "(direct)", "Direct", "(unknown)"; empty: they have no
 * row (utm*, referrer, entry and exit page, goal). The event dimensions have none either. */
struct str dimension_absent(enum dimension dimension);
/* The row of the values that had no place (pathsPerDay); a value of that very name is in it too. */
#define VALUE_OTHER STR("(other)")

enum filter_op { FILTER_IS, FILTER_IS_NOT, FILTER_CONTAINS, FILTER_STARTS_WITH };
struct filter {
    enum dimension dimension;
    struct str prop; /* of DIM_PROP */
    enum filter_op op;
    struct str value; /* bytewise; the name of an absent value stands for it */
};
enum { FILTERS_MAX = 20 };

/* -- counts: what is counted by value, over any number of days --------------------------------- */

struct count_row {
    struct str value;
    int64_t visitors, pageviews, visits, bounces, visit_ms, conversions, converters;
    int64_t engaged, engaged_ms; /* (visit, page) pairs with engagement, and its time */
    int64_t scrolled, scroll;    /* those of them with a scroll depth, and its sum */
    int64_t events;              /* where dimension_has_events() */
};

struct counts;

/* Of one dimension. Everything lives in `arena`. */
struct counts *counts_new(struct arena *arena, enum dimension dimension, struct str prop);
/* The rows in no order, without that of VALUE_OTHER, which is *other (zeros: there is none). The
 * array belongs to the counts, and holds until the next value is added. Sums stop at 2^53-1. */
struct count_row *counts_rows(struct counts *counts, size_t *count, struct count_row *other);
void counts_add(struct counts *counts, const struct count_row *row);
/* Whether the rows' events are all that there were: no rollup was added that does not know them,
 * and the dimension has them. Such a rollup has no row of what only servers sent, either, so that
 * no value's are known then. */
bool counts_know_events(const struct counts *counts);
/* The row of a value; NULL: there is none. Holds as long as those of counts_rows(). */
const struct count_row *counts_find(const struct counts *counts, struct str value);
/* As the bytes of a rollup, in `arena`; the same counts always give the same bytes. The `most`
 * first rows by visitors, pageviews, value; the rest is added to VALUE_OTHER's, in which a visitor
 * counts once for each of them. */
struct str counts_save(struct counts *counts, size_t most, struct arena *arena);
/* Add a rollup. ERR_CORRUPT: it is none; some of it may have been added. */
int counts_load(struct counts *counts, struct str rollup, struct err *err);

/* -- facts ------------------------------------------------------------------------------------- */

struct facts;

/* Build a day from the store. `goals` of the site hold. Lives in `arena`, which may then also hold
 * what was read for it. */
int facts_load(struct store *store, const struct site *site, int32_t day, struct arena *arena,
               struct facts **out, struct err *err);
/* The same of the part of the day that lies before `until_ms`; visits are what they became. */
int facts_load_until(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                     struct arena *arena, struct facts **out, struct err *err);

/* The same from rows that are at hand, in any order. `visits` are all runs and links of the
 * visitors of the day. Rows of earlier days say which page a visit saw before the day began; those
 * of later days are passed over. */
struct facts *facts_build(const struct site *site, int32_t day, const struct event_row *rows,
                          size_t rows_count, const struct visit *visits, size_t visits_count,
                          struct arena *arena);

/* Count the day's matching events by the dimension of `counts`. `most`: values beyond the first so
 * many (by visitors, pageviews, value) go to VALUE_OTHER, whose visitors and visits are distinct.
 */
void facts_count(const struct facts *facts, const struct filter *filters, size_t filters_count,
                 size_t most, struct counts *counts);

/* The day's totals of what matches, as struct stats has them (visit_pageviews, unique_visitors,
 * converters ... included; never estimated). With `hours` (else NULL, and *hours_count is not
 * touched; room for FACTS_HOURS_MAX): the same by hour, oldest first, those with something; needs
 * events. */
enum { FACTS_HOURS_MAX = 64 }; /* no date is that long: clocks change by a day at most */
struct facts_hour {
    int64_t hour_ms;
    struct stats stats;
};
void facts_stats(const struct facts *facts, const struct filter *filters, size_t filters_count,
                 struct stats *out, struct facts_hour *hours, size_t *hours_count);

/* -- packs ------------------------------------------------------------------------------------- */

/* Parts of a pack by number, and how long each is kept (store.h: PACK_VISITS, PACK_EVENTS):
 *
 *     0      rollups that are small, together       1 + dimension    a rollup that is large
 *     100    columns of visits, small ones together 101 + column     a large one
 *     200    columns of events, small ones together 201 + column     a large one
 *
 * The format stands at the top of facts/pack.c. */
enum { PACK_PROPS_MAX = 100 /* properties of a day that get a rollup, those with most visitors */ };

/* All parts of the day; `most` is the site's pathsPerDay. They live in `arena`; `site` and `day`
 * are filled in. A day without events gives part 0 alone. */
void facts_pack(const struct facts *facts, size_t most, struct arena *arena,
                struct pack_part **parts, size_t *count);

/* Which parts a question needs, ascending, at most PACK_PARTS_MAX: unfiltered a rollup is enough;
 * with filters (count > 0) the columns that they, and `dimension` (DIMENSIONS: only totals), look
 * at; with `hours` those that facts_stats() needs for hours. *events: columns of events are among
 * them. */
enum { PACK_PARTS_MAX = 96 };
size_t facts_parts(enum dimension dimension, const struct filter *filters, size_t filters_count,
                   bool hours, int32_t parts[PACK_PARTS_MAX], bool *events);

/* Facts from the parts of a day that were loaded, for the questions that facts_parts() named them
 * for; rollups among them are passed over. ERR_CORRUPT: they are none. `parts` and their bytes need
 * not live on. */
int facts_unpack(const struct site *site, int32_t day, const struct pack_part *parts, size_t count,
                 struct arena *arena, struct facts **out, struct err *err);
/* Add the rollup of the dimension of `counts` from part 0 or its own, if it is there. */
int counts_add_packed(struct counts *counts, const struct pack_part *part, struct err *err);

/* -- names of properties ----------------------------------------------------------------------- */

/* Those that events of some days carry, each once, in `arena`. Engagement carries none. */
struct prop_names;
struct prop_names *prop_names_new(struct arena *arena);
/* All names of the day. */
void prop_names_add(struct prop_names *names, const struct facts *facts);
/* Those that have a rollup (PACK_PROPS_MAX), if the part has these: the parts that facts_parts()
 * names for DIM_PROP without filters. ERR_CORRUPT: it is damaged. */
int prop_names_add_packed(struct prop_names *names, const struct pack_part *part, struct err *err);
/* In bytewise order, in the arena; how many. */
size_t prop_names_list(const struct prop_names *names, const struct str **out);

/* -- erasing from packs ------------------------------------------------------------------------ */

/* All numbers that a part may have, ascending; how many. */
size_t facts_parts_all(int32_t parts[PACK_PARTS_MAX]);

/* Put `with` in the place of a value in a pack: of a path where it is page, entry page or exit
 * page (ERASE_PATH), or of an event's own name (ERASE_EVENT); or take a property out (ERASE_PROP:
 * `value` is its name, `with` is not looked at). `parts` are all that the store holds of one day,
 * in any order. *changed are those that are different now, in `arena`: a batch that puts them (its
 * `packs` alone, without `packed`) replaces those parts and leaves the rest of the day, and whether
 * it is due, as they are. None: the day does not hold the value.
 *
 * Every number of every other row, and of totals, stays what it was; so do goals, which a pack
 * keeps by event: that is why days that have their raw rows, too, are replaced and not packed anew
 * (from the rows, a goal that asks for what was erased is met no more). Where a rollup has a row of
 * `with` already the two become one. Its pageviews, conversions, events and engaged_ms are their
 * sums; what counts visitors, visits or pairs counts each once as long as the columns are kept that
 * the dimension is counted from (PACK_VISITS, PACK_EVENTS), and without them twice who is in both.
 *
 * ERR_INVALID: of no such kind, an empty text, a name that is no event's own; ERR_CORRUPT: a part
 * is damaged. */
int facts_replace(const struct pack_part *parts, size_t count, enum erasure_kind kind,
                  struct str value, struct str with, struct arena *arena,
                  struct pack_part **changed, size_t *changed_count, struct err *err);

#endif
