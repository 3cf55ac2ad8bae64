/*
 * facts/arrange.c -- what was added in any order becomes columns in one order.
 *
 * Visitors stand by the time of their first event of the day, which says nothing of who they are;
 * their visits and their events by time, then event name, path, referrer, then by all else that
 * counts: what is still equal may change places unseen.
 *
 * A conversion without a path of its own belongs to the last page that its visit saw before it.
 * Where this was before the day, it is that of the rows of the days before, or the visit's exit,
 * where that was earlier than the conversion.
 *
 * Of a visit that began on an earlier day nothing is told that a later day may still change: it
 * ends with its last event of this day, its exit is the last page that it had seen by then, and it
 * is no bounce, having something to show on two days.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>

/* -- order ---------------------------------------------------------------------------------- */

struct comer {
    int64_t from_ms;
    uint64_t visitor;
    uint32_t person;
};

static int by_coming(const void *a, const void *b)
{
    const struct comer *x = a, *y = b;

    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return (x->visitor > y->visitor) - (x->visitor < y->visitor);
}

/* Visits of a visitor do not overlap; one whose run is missing comes last of its millisecond. */
static int by_stay(const void *a, const void *b, void *ctx)
{
    const struct build *build = ctx;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct stay *x = &build->stays[i - 1], *y = &build->stays[k - 1];

    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return (x->run == 0) - (y->run == 0);
}

static size_t list_stays(const struct build *build, const struct person *person, uint32_t *out)
{
    size_t count = 0;

    for (uint32_t s = person->visits; s != 0; s = build->stays[s - 1].next)
        out[count++] = s;
    if (count > 1)
        qsort_r(out, count, sizeof(out[0]), by_stay, (void *)(uintptr_t)build);
    return count;
}

static size_t list_comers(const struct build *build, struct comer *out)
{
    size_t count = 0;

    for (uint32_t i = 0; i < build->people_count; i++) {
        const struct person *person = &build->people[i];
        struct comer comer = {INT64_MAX, person->visitor, i};

        for (uint32_t s = person->visits; s != 0; s = build->stays[s - 1].next)
            if (build->stays[s - 1].from_ms < comer.from_ms)
                comer.from_ms = build->stays[s - 1].from_ms;
        if (person->visits != 0)
            out[count++] = comer;
    }
    if (count > 1)
        qsort(out, count, sizeof(out[0]), by_coming);
    return count;
}

static void order_visits(struct arrange *a)
{
    struct build *build = a->build;
    struct comer *comers = ARENA_NEW(&build->drafts, struct comer, build->people_count + 1);
    size_t count = list_comers(build, comers);
    uint32_t *visits_of = ARENA_NEW(build->arena, uint32_t, count + 1);
    size_t visits = 0;

    a->stays = ARENA_NEW(&build->drafts, uint32_t, build->stays_count + 1);
    for (size_t i = 0; i < count; i++) {
        visits_of[i] =
            (uint32_t)list_stays(build, &build->people[comers[i].person], a->stays + visits);
        visits += visits_of[i];
    }
    a->facts->visitors = count;
    a->facts->visits = visits;
    a->facts->visits_of = visits_of;
}

static int by_text(const struct intern *intern, uint32_t a, uint32_t b)
{
    return a == b ? 0 : str_cmp(intern->values[a], intern->values[b]);
}

static int by_props(const struct build *build, const struct draft *a, const struct draft *b)
{
    int order = (a->props_count > b->props_count) - (a->props_count < b->props_count);

    for (uint32_t i = 0; order == 0 && i < a->props_count; i++)
        order = by_text(&build->values[DIM_PROP], build->props[a->props + i],
                        build->props[b->props + i]);
    return order;
}

static int by_time(const void *a, const void *b, void *ctx)
{
    const struct build *build = ctx;
    const struct draft *x = &build->events[*(const uint32_t *)a - 1];
    const struct draft *y = &build->events[*(const uint32_t *)b - 1];
    int order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);

    if (order == 0)
        order = by_text(&build->values[DIM_EVENT], x->name, y->name);
    if (order == 0)
        order = by_text(&build->values[DIM_PAGE], x->page, y->page);
    if (order == 0)
        order = by_text(&build->referrers, x->referrer, y->referrer);
    if (order == 0)
        order = (x->count > y->count) - (x->count < y->count);
    if (order == 0)
        order = (x->amount > y->amount) - (x->amount < y->amount);
    if (order == 0)
        order = (x->scroll > y->scroll) - (x->scroll < y->scroll);
    return order != 0 ? order : by_props(build, x, y);
}

/* Rows come by time, so this is most often done before it begins. */
static void sort_events(const struct build *build, uint32_t *events, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (by_time(&events[i - 1], &events[i], (void *)(uintptr_t)build) > 0) {
            qsort_r(events, count, sizeof(events[0]), by_time, (void *)(uintptr_t)build);
            return;
        }
}

static void order_events(struct arrange *a)
{
    struct build *build = a->build;
    struct facts *facts = a->facts;
    size_t *at = ARENA_NEW(&build->drafts, size_t, build->stays_count + 1);
    uint32_t *events_of = ARENA_NEW(build->arena, uint32_t, facts->visits + 1);
    size_t begin = 0;

    for (size_t i = 0; i < facts->visits; i++) {
        events_of[i] = build->stays[a->stays[i] - 1].events;
        at[a->stays[i]] = begin;
        begin += events_of[i];
    }
    at[0] = begin;
    a->events = ARENA_NEW(&build->drafts, uint32_t, build->events_count + 1);
    for (uint32_t i = 0; i < build->events_count; i++)
        a->events[at[build->events[i].stay]++] = i + 1;
    facts->events = begin;
    facts->loose_events = build->events_count - begin;
    facts->events_of = events_of;
    for (size_t i = 0, from = 0; i < facts->visits; from += events_of[i++])
        sort_events(build, a->events + from, events_of[i]);
    sort_events(build, a->events + begin, facts->loose_events);
}

/* -- pages of conversions ------------------------------------------------------------------- */

static void give_pages(struct arrange *a)
{
    struct build *build = a->build;
    const uint32_t *event = a->events;

    for (size_t i = 0; i < a->facts->visits; i++) {
        uint32_t number = build->stays[a->stays[i] - 1].run;
        const struct run none = {0}, *run = number == 0 ? &none : &build->runs[number - 1];
        uint32_t page = run->before.path;

        for (uint32_t n = a->facts->events_of[i]; n > 0; n--, event++) {
            struct draft *draft = &build->events[*event - 1];

            if (draft->kind == EVENT_PAGEVIEW)
                page = draft->page;
            else if (draft->goals != 0 && draft->page == 0 && page != 0)
                draft->page = page;
            else if (draft->goals != 0 && draft->page == 0 && run->exit_ms < draft->time_ms)
                draft->page = run->exit_path;
        }
    }
}

/* -- visits of earlier days ----------------------------------------------------------------- */

static bool begins(const struct build *build, uint32_t run)
{
    return run != 0 && build->runs[run - 1].first_ms != INT64_MAX &&
           build->runs[run - 1].first_day == build->day;
}

static uint32_t exit_of(struct build *build, const struct run *run, uint32_t page)
{
    if (page != 0)
        return intern_put(&build->values[DIM_EXIT_PAGE], build->values[DIM_PAGE].values[page]);
    return run->exit_ms < tz_day_start(build->site->tz, build->day) ? run->values[DIM_EXIT_PAGE]
                                                                    : 0;
}

static void end_with_the_day(struct arrange *a)
{
    struct build *build = a->build;
    const uint32_t *event = a->events;

    for (size_t i = 0; i < a->facts->visits; event += a->facts->events_of[i++]) {
        uint32_t number = build->stays[a->stays[i] - 1].run, page = 0;

        if (number == 0 || begins(build, number))
            continue;
        struct run *run = &build->runs[number - 1];

        for (uint32_t n = 0; n < a->facts->events_of[i]; n++) {
            const struct draft *draft = &build->events[event[n] - 1];

            run->end_ms = draft->time_ms;
            page = draft->kind == EVENT_PAGEVIEW ? draft->page : page;
        }
        run->bounce = false;
        run->values[DIM_EXIT_PAGE] = exit_of(build, run, page);
    }
}

/* -- numbers of texts ----------------------------------------------------------------------- */

/* How many hours begin before it. */
static size_t hours_before(const struct arrange *a, int64_t hour_ms)
{
    size_t low = 0, high = a->facts->hours_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (a->hours[middle] < hour_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* No date has more hours than there is room for; of one that had, the first would stay. */
static void add_hour(struct arrange *a, int64_t hour_ms)
{
    size_t at = hours_before(a, hour_ms), count = a->facts->hours_count;

    if (at == FACTS_HOURS_MAX || (at < count && a->hours[at] == hour_ms))
        return;
    if (count == FACTS_HOURS_MAX)
        count--;
    memmove(&a->hours[at + 1], &a->hours[at], (count - at) * sizeof(a->hours[0]));
    a->hours[at] = hour_ms;
    a->facts->hours_count = count + 1;
}

uint32_t arrange_hour(const struct arrange *a, int64_t hour_ms)
{
    size_t at = hours_before(a, hour_ms);

    return (uint32_t)(at < FACTS_HOURS_MAX ? at : FACTS_HOURS_MAX - 1);
}

static void list_hours(struct arrange *a)
{
    const struct build *build = a->build;
    int64_t *hours = ARENA_NEW(build->arena, int64_t, FACTS_HOURS_MAX);

    for (size_t i = 0; i < build->events_count; i++)
        add_hour(a, build->events[i].hour_ms);
    for (size_t i = 0; i < build->stays_count; i++)
        if (begins(build, build->stays[i].run))
            add_hour(a, build->runs[build->stays[i].run - 1].first_hour_ms);
    memcpy(hours, a->hours, sizeof(a->hours));
    a->facts->hours = hours;
}

static void mark_used(const struct arrange *a, bool *used[DIMENSIONS])
{
    const struct build *build = a->build;

    for (size_t i = 0; i < build->events_count; i++) {
        const struct draft *draft = &build->events[i];

        used[DIM_EVENT][draft->name] = used[DIM_PAGE][draft->page] = true;
        for (uint32_t k = 0; k < draft->props_count; k++)
            used[DIM_PROP][build->props[draft->props + k]] = true;
    }
    for (size_t i = 0; i < a->facts->visits; i++) {
        uint32_t run = build->stays[a->stays[i] - 1].run;

        for (unsigned d = 0; run != 0 && d < DIMENSIONS; d++)
            used[d][build->runs[run - 1].values[d]] = true;
    }
}

/* Only what the day has gets a number: its visitors' other days are nobody's here. */
static void rank_texts(struct arrange *a)
{
    struct build *build = a->build;
    bool *used[DIMENSIONS];

    for (unsigned d = 0; d < DIMENSIONS; d++)
        used[d] = ARENA_NEW(&build->drafts, bool, build->values[d].count);
    mark_used(a, used);
    for (unsigned d = 0; d < DIMENSIONS; d++)
        a->facts->dicts[d] = intern_rank(&build->values[d], used[d], build->arena, &a->ranks[d]);
    a->facts->kinds = kinds_of(a->facts->dicts[DIM_EVENT], build->arena);
}

struct facts *build_finish(struct build *build)
{
    struct arrange a = {.build = build,
                        .facts = facts_empty(build->site->id, build->day, build->arena)};

    order_visits(&a);
    order_events(&a);
    give_pages(&a);
    end_with_the_day(&a);
    list_hours(&a);
    rank_texts(&a);
    arrange_columns(&a);
    return a.facts;
}
