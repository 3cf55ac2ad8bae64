/*
 * facts/count.c -- a day's matching events by value.
 *
 * One pass, visitor by visitor: a row remembers which visitor, visit and converter it counted last,
 * which is all that it takes to count each once. Where neither the dimension nor a filter looks at
 * single events, the sums that visits keep of theirs are enough, and are all that is left of old
 * days. What is beyond the first so many values is counted in a second pass as if it were one.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>

#define NO_ROW UINT32_MAX

/* A row in the making, and what it counted last; numbers from 1 on. */
struct line {
    struct count_row row;
    uint32_t visitor, visit, converter, pair;
    uint32_t scroll; /* of the pair: depth + 1 */
};

struct counting {
    const struct facts *facts;
    struct match match;
    enum dimension dimension;
    bool began;    /* of visits only those that began this day count */
    bool events;   /* rows count events */
    uint32_t none; /* the value that has no row */
    uint32_t from; /* of a property: the first number of its values */
    uint32_t rows_count;
    const uint32_t *map; /* of values to rows; NULL: each has its own */
    struct line *rows;
};

/* Where the pass is; visitor 0: in the events that have none. */
struct place {
    uint32_t visitor, visit, pair;
    size_t event;
};

/* -- rows ----------------------------------------------------------------------------------- */

static struct line *row_at(const struct counting *c, uint32_t value)
{
    if (value == c->none)
        return NULL;
    uint32_t row = c->map == NULL ? value : c->map[value];

    return row == NO_ROW ? NULL : &c->rows[row];
}

static void add_visit(const struct counting *c, struct line *t, const struct place *at)
{
    size_t visit = at->visit - 1;

    if (t->visitor != at->visitor)
        t->row.visitors++;
    t->visitor = at->visitor;
    if (t->visit == at->visit)
        return;
    t->visit = at->visit;
    if (c->began && !(c->facts->flags[visit] & FLAG_BEGAN))
        return;
    t->row.visits++;
    t->row.bounces += (c->facts->flags[visit] & FLAG_BOUNCE) != 0;
    t->row.visit_ms = sum_add(t->row.visit_ms, (int64_t)c->facts->numbers[NUMBER_DURATION][visit]);
}

static void add_conversions(struct line *t, const struct place *at, int64_t conversions)
{
    t->row.conversions = sum_add(t->row.conversions, conversions);
    if (at->visitor == 0)
        return;
    if (t->converter != at->visitor)
        t->row.converters++;
    t->converter = at->visitor;
}

/* -- by visits ------------------------------------------------------------------------------ */

static void count_visit(const struct counting *c, const struct place *at)
{
    const struct facts *facts = c->facts;
    size_t visit = at->visit - 1;
    struct line *t = row_at(c, facts->values[c->dimension][visit]);

    if (t == NULL)
        return;
    add_visit(c, t, at);
    t->row.pageviews = sum_add(t->row.pageviews, (int64_t)facts->numbers[NUMBER_PAGEVIEWS][visit]);
    if (facts->numbers[NUMBER_GOALS][visit] != 0)
        add_conversions(t, at, (int64_t)facts->numbers[NUMBER_CONVERSIONS][visit]);
}

static void add_goal(const struct counting *c, const struct place *at, uint32_t goal,
                     int64_t conversions)
{
    struct line *t = row_at(c, goal);

    if (t == NULL)
        return;
    if (at->visitor != 0)
        add_visit(c, t, at);
    if (c->facts->goals[goal].of_pageviews)
        t->row.pageviews = sum_add(t->row.pageviews, conversions);
    add_conversions(t, at, conversions);
}

static void count_visit_goals(const struct counting *c, const struct place *at,
                              const uint64_t *conversions)
{
    for (uint64_t met = c->facts->numbers[NUMBER_GOALS][at->visit - 1]; met != 0; met &= met - 1)
        add_goal(c, at, (uint32_t)__builtin_ctzll(met), (int64_t)*conversions++);
}

static void count_visits(const struct counting *c)
{
    const struct facts *facts = c->facts;
    const uint64_t *conversions = facts->goal_counts;
    struct place at = {0};

    for (size_t v = 0; v < facts->visitors; v++) {
        at.visitor++;
        for (uint32_t n = facts->visits_of[v]; n > 0; n--) {
            size_t visit = at.visit++;
            bool matches = (facts->flags[visit] & FLAG_PRESENT) && match_visit(&c->match, visit);

            if (matches && c->dimension == DIM_GOAL)
                count_visit_goals(c, &at, conversions);
            else if (matches)
                count_visit(c, &at);
            conversions += __builtin_popcountll(facts->numbers[NUMBER_GOALS][visit]);
        }
    }
    at = (struct place){0};
    for (uint32_t i = 0; c->dimension == DIM_GOAL && i < facts->goals_count; i++)
        if (!c->match.of_visits && facts->loose_goals[i] != 0)
            add_goal(c, &at, i, facts->loose_goals[i]);
}

/* -- by events ------------------------------------------------------------------------------ */

static void add_engagement(struct line *t, const struct place *at, uint64_t ms, uint32_t scroll)
{
    if (t->pair != at->pair) {
        t->row.engaged++;
        t->scroll = 0;
    }
    t->pair = at->pair;
    t->row.engaged_ms = sum_add(t->row.engaged_ms, (int64_t)ms);
    if (scroll <= t->scroll)
        return;
    t->row.scrolled += t->scroll == 0;
    t->row.scroll += scroll - (t->scroll == 0 ? 1 : t->scroll);
    t->scroll = scroll;
}

static void add_event(const struct counting *c, struct line *t, const struct place *at)
{
    const struct facts *facts = c->facts;
    bool pageview = facts->kinds[facts->values[DIM_EVENT][at->event]] == EVENT_PAGEVIEW;
    int64_t count = (int64_t)facts->extra[at->event] + 1;

    if (t == NULL)
        return;
    if (at->visitor != 0 && (pageview || c->dimension != DIM_PAGE))
        add_visit(c, t, at);
    if (pageview)
        t->row.pageviews = sum_add(t->row.pageviews, count);
    if (c->events)
        t->row.events = sum_add(t->row.events, count);
    if (facts->goals_met[at->event] != 0)
        add_conversions(t, at, count);
}

static void count_event(const struct counting *c, const struct place *at)
{
    const struct facts *facts = c->facts;
    size_t event = at->event;
    bool engagement = facts->kinds[facts->values[DIM_EVENT][event]] == EVENT_ENGAGEMENT;

    if (engagement && c->dimension == DIM_PAGE) {
        struct line *t = row_at(c, facts->values[DIM_PAGE][event]);

        if (t != NULL)
            add_engagement(t, at, facts->amount[event], facts->scroll[event]);
    }
    if (engagement)
        return;
    if (!dimension_of_visit(c->dimension) && c->dimension != DIM_PROP)
        add_event(c, row_at(c, facts->values[c->dimension][event]), at);
    else if (c->dimension == DIM_PROP)
        for (uint32_t i = facts->props_from[event]; i < facts->props_from[event + 1]; i++) {
            if (facts->props[i] >= c->from && facts->props[i] - c->from < c->rows_count)
                add_event(c, row_at(c, facts->props[i] - c->from), at);
        }
    else if (c->dimension == DIM_GOAL)
        for (uint64_t met = facts->goals_met[event]; met != 0; met &= met - 1)
            add_event(c, row_at(c, (uint32_t)__builtin_ctzll(met)), at);
    else if (at->visit != 0)
        add_event(c, row_at(c, facts->values[c->dimension][at->visit - 1]), at);
}

static void count_range(const struct counting *c, struct place *at, size_t count)
{
    for (size_t end = at->event + count; at->event < end; at->event++)
        if (match_event(&c->match, at->event))
            count_event(c, at);
}

static void count_events(const struct counting *c)
{
    const struct facts *facts = c->facts;
    struct place at = {0};

    for (size_t v = 0; v < facts->visitors; v++) {
        at.visitor++;
        for (uint32_t n = facts->visits_of[v]; n > 0; n--) {
            size_t visit = at.visit++;

            at.pair = at.visit;
            if (match_visit(&c->match, visit))
                count_range(c, &at, facts->events_of[visit]);
            else
                at.event += facts->events_of[visit];
        }
    }
    at.visitor = at.visit = 0;
    for (size_t i = 0; !c->match.of_visits && i < facts->loose_events; i++) {
        at.pair++;
        count_range(c, &at, 1);
    }
}

static void count_all(const struct counting *c)
{
    if (dimension_of_visit(c->dimension) && !c->match.of_events)
        count_visits(c);
    else
        count_events(c);
}

/* -- the first so many ---------------------------------------------------------------------- */

static struct str value_of(const struct counting *c, uint32_t row)
{
    const struct facts *facts = c->facts;

    if (c->dimension == DIM_GOAL)
        return facts->goals[row].name;
    if (c->dimension == DIM_PROP)
        return prop_value(facts->dicts[DIM_PROP].values[c->from + row]);
    return row == 0 ? dimension_absent(c->dimension) : facts->dicts[c->dimension].values[row];
}

static bool has_something(struct count_row *row)
{
    int64_t any = 0;

    for (size_t i = 0; i < COUNT_NUMBERS; i++)
        any |= *count_number(row, i);
    return any != 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct line *const *x = a, *const *y = b;

    return count_row_cmp(&(*x)->row, &(*y)->row);
}

/* The rows of the values that have some, the first `most` before all others. */
static size_t list_rows(const struct counting *c, size_t most, struct line **out)
{
    size_t count = 0;

    for (uint32_t i = 0; i < c->rows_count; i++) {
        c->rows[i].row.value = value_of(c, i);
        if (has_something(&c->rows[i].row))
            out[count++] = &c->rows[i];
    }
    if (count > most)
        qsort(out, count, sizeof(struct line *), by_rank);
    return count;
}

/* Of several values together: events and pairs have one value, so theirs are sums; visitors and
 * visits are counted once. */
static void add_other(struct counting *c, struct line *const *rows, size_t count,
                      struct counts *counts, struct arena *arena)
{
    const struct line *all = c->rows;
    uint32_t *map = ARENA_NEW(arena, uint32_t, c->rows_count);
    struct count_row sum = {.value = VALUE_OTHER};

    for (uint32_t i = 0; i < c->rows_count; i++)
        map[i] = NO_ROW;
    for (size_t i = 0; i < count; i++) {
        map[rows[i] - all] = 0;
        count_row_add(&sum, rows[i]->row);
    }
    c->map = map;
    c->rows = ARENA_NEW(arena, struct line, 1);
    count_all(c);
    sum.visitors = c->rows->row.visitors;
    sum.visits = c->rows->row.visits;
    sum.bounces = c->rows->row.bounces;
    sum.visit_ms = c->rows->row.visit_ms;
    sum.converters = c->rows->row.converters;
    counts_add(counts, &sum);
}

static void add_rows(struct counting *c, size_t most, struct counts *counts, struct arena *arena)
{
    struct line **rows = ARENA_NEW(arena, struct line *, c->rows_count);
    size_t count = list_rows(c, most, rows);
    size_t named = count < most ? count : most;

    for (size_t i = 0; i < named; i++)
        counts_add(counts, &rows[i]->row);
    if (count > named)
        add_other(c, rows + named, count - named, counts, arena);
}

static struct counting counting_new(const struct facts *facts, enum dimension dimension,
                                    struct str prop)
{
    struct counting c = {.facts = facts,
                         .dimension = dimension,
                         .began = dimension_of_visit(dimension),
                         .events = dimension_has_events(dimension),
                         .none = NO_ROW,
                         .rows_count = facts->dicts[dimension].count};

    if (dimension == DIM_PROP) {
        uint32_t to;

        prop_range(facts->dicts[DIM_PROP], prop, &c.from, &to);
        c.rows_count = to - c.from;
    } else if (dimension == DIM_GOAL) {
        c.rows_count = (uint32_t)facts->goals_count;
    } else if (dimension_absent(dimension).len == 0) {
        c.none = 0;
    }
    return c;
}

void facts_count(const struct facts *facts, const struct filter *filters, size_t filters_count,
                 size_t most, struct counts *counts)
{
    struct arena arena = {0};
    struct counting c = counting_new(facts, counts->dimension, counts->prop);

    match_init(&c.match, facts, filters, filters_count, &arena);
    c.rows = ARENA_NEW(&arena, struct line, c.rows_count);
    count_all(&c);
    add_rows(&c, most, counts, &arena);
    arena_free(&arena);
}
