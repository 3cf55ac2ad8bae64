/*
 * facts/facts_internal.h -- a day in columns, and what the files of facts/ share.
 *
 *     load.c      reads the store            intern.c    texts with numbers
 *     build.c     takes visits and rows in   arrange.c, columns.c   make columns of them
 *     filter.c    what matches               count.c, stats.c   count it
 *     counts.c    rows by value              rollup.c    their bytes
 *     props.c     names of properties
 *     column.c, dict.c   as bytes            pack.c, parts.c, unpack.c   parts of a pack
 *     replace.c, replace_columns.c   values taken out of them
 */
#ifndef ABACUS_FACTS_FACTS_INTERNAL_H
#define ABACUS_FACTS_FACTS_INTERNAL_H

#include "base/buf.h"
#include "facts/facts.h"

/* -- sums -------------------------------------------------------------------------------------- */

#define SUM_MAX ((INT64_C(1) << 53) - 1)

/* Of two numbers from 0 to SUM_MAX. */
static inline int64_t sum_add(int64_t a, int64_t b)
{
    return a + b > SUM_MAX ? SUM_MAX : a + b;
}

/* -- dimensions -------------------------------------------------------------------------------- */

/* Is it one of the texts of a visit? */
bool dimension_has_text(enum dimension dimension);
/* The value that a visit has in such a dimension; empty: absent. */
struct str dimension_of(enum dimension dimension, const struct visit *visit);

/* -- texts with numbers (intern.c) ------------------------------------------------------------- */

/* Bytes of a value; what is longer is cut. Longer than event/ lets any value be: a property's name
 * and value are one. */
enum { VALUE_MAX = 4096 };

/* Each text once; number 0 is the empty one. Zero-initialised it is none: intern_init(). */
struct intern {
    struct arena *arena;
    struct str *values;
    uint32_t *table; /* open addressing; 0: free */
    uint32_t count, room, size;
};
void intern_init(struct intern *intern, struct arena *arena);
uint32_t intern_put(struct intern *intern, struct str value);

/* The texts of a column, in bytewise order from the empty one on. */
struct dict {
    const struct str *values;
    uint32_t count;
};
/* Those whose used[] is true, as a dict in `arena`; (*ranks)[i] is the number there of number i. */
struct dict intern_rank(const struct intern *intern, const bool *used, struct arena *arena,
                        uint32_t **ranks);

/* One more in an array of the arena. */
void *grown(struct arena *arena, void *items, size_t count, size_t *room, size_t size);

/* -- a day ------------------------------------------------------------------------------------- */

enum {
    FLAG_BEGAN = 1,   /* this day */
    FLAG_BOUNCE = 2,  /* one pageview and nothing else, on whatever day */
    FLAG_PRESENT = 4, /* it has an event of this day other than engagement */
    FLAG_NO_VISIT = 8 /* a run of engagement alone: no filter on visits holds */
};

/* What is kept of a visit's events of the day, and its duration. Numbers on disk. */
enum visit_number {
    NUMBER_DURATION,
    NUMBER_PAGEVIEWS,
    NUMBER_CONVERSIONS,
    NUMBER_GOALS, /* a set: bit i for goals[i] */
    NUMBER_LEADS,
    NUMBER_FORMS,
    NUMBER_EXPORTS,
    NUMBER_AUTOMATION_RUNS,
    NUMBER_AI_TOKENS,
    VISIT_NUMBERS
};

/* Visits stand by visitor, events by visit and time, those without a visitor at the end. No column
 * is NULL: one that is not there reads as zeros. */
struct facts {
    struct str site;
    int32_t day;
    struct fact_goal {
        struct str name;
        bool of_pageviews; /* what meets it is a pageview */
    } * goals;
    size_t goals_count;
    const int64_t *hours; /* ascending */
    size_t hours_count;
    struct stats loose;         /* of events without a visitor */
    const int64_t *loose_goals; /* conversions of each goal, the same */

    size_t visitors, visits;
    size_t events; /* of visits; loose_events stand behind them */
    size_t loose_events;
    const uint32_t *visits_of; /* by visitor: how many */
    const uint32_t *events_of; /* by visit */
    const uint32_t *flags;
    const uint32_t *visit_hours;            /* of those that began: index of hours */
    const uint64_t *numbers[VISIT_NUMBERS]; /* by visit */
    const uint64_t *goal_counts; /* for each visit and each goal that it met: conversions */
    size_t goal_counts_count;

    /* Of a visit, or (page, event) of an event. A dict of DIM_PROP holds name NUL value. */
    const uint32_t *values[DIMENSIONS];
    struct dict dicts[DIMENSIONS];
    const uint8_t *kinds; /* enum event_kind, by number of the event's name */

    const uint32_t *event_hours;
    const uint32_t *extra; /* count - 1 */
    const uint64_t *goals_met;
    const uint64_t *amount;     /* of engagement its milliseconds, of ai.usage its tokens x count */
    const uint32_t *scroll;     /* of engagement: depth + 1; 0: none */
    const uint32_t *props_from; /* by event, and one more: where its properties stand */
    const uint32_t *props;      /* numbers of the dict of DIM_PROP */
};

/* A day on which nothing happened: everything else sets what differs. */
struct facts *facts_empty(struct str site, int32_t day, struct arena *arena);
/* The kind of a name, and the kinds of an event dict's names. */
enum event_kind kind_of(struct str name);
const uint8_t *kinds_of(struct dict names, struct arena *arena);
/* The kinds whose events have an amount, and those that have a scroll depth. */
static inline bool has_amount(uint8_t kind)
{
    return kind == EVENT_ENGAGEMENT || kind == EVENT_AI_USAGE;
}
static inline bool has_scroll(uint8_t kind)
{
    return kind == EVENT_ENGAGEMENT;
}
enum { SCROLL_MAX = 100 };
/* The name and the value of what a dict of properties holds. */
struct str prop_name(struct str pair);
struct str prop_value(struct str pair);
/* Which numbers of the dict are of that name: [from, to). */
void prop_range(struct dict dict, struct str name, uint32_t *from, uint32_t *to);

/* -- building (build.c, arrange.c) ------------------------------------------------------------- */

/* A visitor under one day's id. Links between these four are indices + 1; 0: none. */
struct person {
    int32_t day;
    uint64_t visitor;
    uint32_t before; /* the person that the visitor was the day before */
    uint32_t runs;   /* the first */
    uint32_t visits; /* the first */
    uint32_t recent; /* the visit of the event added last */
};

struct page_seen {
    int64_t time_ms;
    uint32_t path, referrer; /* path 0: none */
};

struct run {
    uint32_t next;
    bool bounce;
    bool wanted; /* an event of the day asks for the page seen before the day began */
    int64_t begin_ms, end_ms, first_ms, first_hour_ms;
    int32_t first_day;
    int64_t pages_from_ms; /* no pageview before it; INT64_MAX: none at all */
    int64_t exit_ms;       /* of the last pageview; 0: not known */
    uint32_t exit_path;
    struct page_seen before; /* the last one before the day, of the rows that were added */
    uint32_t values[DIMENSIONS];
};

/* A run (0: it is missing) as far as the day goes. */
struct stay {
    uint32_t next, run;
    int64_t from_ms; /* its first event of the day */
    int64_t page_ms; /* its first pageview of the day; INT64_MAX: none */
    uint32_t events;
};

struct draft {
    int64_t time_ms, hour_ms;
    uint32_t stay; /* 0: no visitor */
    uint32_t name, page, referrer;
    enum event_kind kind;
    uint32_t props, props_count;
    int32_t scroll;
    int64_t count, amount;
    uint64_t goals;
};

struct build {
    const struct site *site;
    int32_t day;
    struct arena *arena;  /* of what becomes the facts */
    struct arena drafts;  /* of what does not */
    struct arena scratch; /* of one row */
    struct intern values[DIMENSIONS], referrers;
    struct person *people; /* these five by malloc() */
    struct run *runs;
    struct stay *stays;
    struct draft *events;
    uint32_t *props;
    size_t people_count, people_room, runs_count, runs_room, stays_count, stays_room;
    size_t events_count, events_room, props_count, props_room;
    uint32_t *table; /* of people by day and visitor, open addressing */
    size_t table_size;
};

/* All visits come before all rows. Nothing of what is added need live on. */
void build_init(struct build *build, const struct site *site, int32_t day, struct arena *arena);
void build_visit(struct build *build, const struct visit *visit);
/* A row of the day, or of an earlier day for the pages that its visits saw before it. */
void build_row(struct build *build, const struct event_row *row);
/* With the rows of the day added by time: where the pages begin that conversions without a page of
 * their own still ask for. INT64_MAX: they ask for none. */
int64_t build_wants_ms(const struct build *build, int64_t before_ms);
struct facts *build_finish(struct build *build);
void build_release(struct build *build);

/* The drafts of a day in the order of its facts. */
struct arrange {
    struct build *build;
    struct facts *facts;
    uint32_t *stays;  /* by place in the facts; indices + 1 */
    uint32_t *events; /* the same */
    uint32_t *ranks[DIMENSIONS];
    int64_t hours[FACTS_HOURS_MAX]; /* ascending */
};
/* Fill in the columns of events and visits, and what stands beside them. */
void arrange_columns(struct arrange *arrange);

/* The number of the hour that begins at `hour_ms`. */
uint32_t arrange_hour(const struct arrange *arrange, int64_t hour_ms);

/* -- matching and counting (filter.c, count.c) ------------------------------------------------- */

struct match {
    const struct facts *facts;
    struct match_values {
        const uint32_t *values;
        const bool *ok; /* by number */
    } * visits, *events;
    size_t visits_count, events_count;
    struct match_goal {
        uint64_t met;
        bool absent, negate;
    } * goals;
    size_t goals_count;
    struct match_prop {
        uint32_t from, to; /* the numbers of that name */
        const bool *ok;    /* from `from` on */
        bool absent;
    } * props;
    size_t props_count;
    bool of_visits, of_events; /* is there a filter on these? */
};

void match_init(struct match *match, const struct facts *facts, const struct filter *filters,
                size_t filters_count, struct arena *arena);
bool match_visit(const struct match *match, size_t visit);
bool match_event(const struct match *match, size_t event);

/* -- rows by value (counts.c, rollup.c) -------------------------------------------------------- */

enum { COUNT_NUMBERS = 12 };

struct counts {
    struct arena *arena;
    enum dimension dimension;
    struct str prop;
    bool events;            /* counts_know_events() */
    struct count_row *rows; /* the first is that of the empty text, there or not */
    size_t rows_count, rows_room;
    bool has_empty;
    struct count_slot {
        uint32_t hash, row; /* row 0: free */
    } * table;
    size_t table_size;
    struct count_row other;
};

/* A row's way through the memory, in steps that leave time for what they ask for to come: many
 * values, far apart, cost little more than few. */
uint64_t counts_hash(const struct counts *counts, struct str value); /* asks for its slot */
void counts_ask_row(const struct counts *counts, uint64_t hash);
void counts_ask_value(const struct counts *counts, uint64_t hash);
struct count_row *counts_row_of(struct counts *counts, struct str value, uint64_t hash);
/* A number of a row, in the order of rollups; numbers on disk. */
int64_t *count_number(struct count_row *row, size_t i);
void count_row_add(struct count_row *sum, struct count_row row);
/* By visitors, pageviews (most first), then value. */
int count_row_cmp(const void *a, const void *b);
/* The rollup of a dimension that a part holds, be it shared: 1, 0: there is none, or ERR_CORRUPT.
 */
int rollup_of_part(const struct pack_part *part, enum dimension dimension, struct str *out,
                   struct err *err);

/* -- bytes (column.c) -------------------------------------------------------------------------- */

/* What is read from outside. Behind the end, and after anything wrong, all is zero and `bad`. */
struct reader {
    const uint8_t *at, *end;
    bool bad;
};
struct reader reader_of(struct str bytes);
uint64_t reader_fail(struct reader *reader); /* gives 0 */
uint64_t read_uint(struct reader *reader);
int64_t read_sum(struct reader *reader); /* 0 to SUM_MAX */
int64_t read_int(struct reader *reader); /* with a sign */
struct str read_bytes(struct reader *reader, size_t len);
struct str read_text(struct reader *reader); /* length, bytes */

void put_uint(struct buf *out, uint64_t value);
void put_int(struct buf *out, int64_t value);
void put_text(struct buf *out, struct str text);

void put_column(struct buf *out, const uint32_t *values, size_t count);
void put_wide_column(struct buf *out, const uint64_t *values, size_t count);
/* Each at most `max`. The reader is bad unless `count` values can stand in its bytes; then nothing
 * was allocated. */
const uint32_t *read_column(struct reader *reader, size_t count, uint32_t max, struct arena *arena);
const uint64_t *read_wide_column(struct reader *reader, size_t count, uint64_t max,
                                 struct arena *arena);

void put_dict(struct buf *out, struct dict dict);
struct dict read_dict(struct reader *reader, struct arena *arena);
/* Can so many values stand in these bytes? */
bool column_fits(struct str bytes, uint64_t count);
/* How much of `value` its predecessor in a list has as well. */
size_t shared_prefix(struct str before, struct str value);

/* -- parts of a pack (parts.c) ----------------------------------------------------------------- */

/* Numbers on disk, as enum visit_number and enum dimension are: these never move. */
enum visit_column {
    VISITS_META,
    VISITS_BY_VISITOR,
    VISITS_FLAGS,
    VISITS_HOUR,
    VISITS_GOAL_COUNTS,
    VISITS_NUMBER = 5, /* + enum visit_number */
    VISITS_VALUE = 20, /* + enum dimension */
    VISITS_COLUMNS = 40
};
enum event_column {
    EVENTS_META,
    EVENTS_BY_VISIT,
    EVENTS_NAME,
    EVENTS_PAGE,
    EVENTS_HOUR,
    EVENTS_EXTRA,
    EVENTS_GOALS,
    EVENTS_AMOUNT,
    EVENTS_SCROLL,
    EVENTS_PROPS,
    EVENTS_COLUMNS
};
_Static_assert(VISITS_NUMBER + VISIT_NUMBERS <= VISITS_VALUE, "numbers have their room");
_Static_assert(VISITS_VALUE + DIMENSIONS <= VISITS_COLUMNS, "values have theirs");

enum {
    PACK_VERSION = 1,
    PACK_ROLLUPS = 0,
    PACK_SMALL = 2048 /* bytes: what is smaller shares a part, since a row of its own costs more
                         than reading it in vain */
};

#endif
