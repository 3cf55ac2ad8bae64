/*
 * facts/build.c -- a day's visits and rows taken in, one by one, as numbers.
 *
 * Nothing of what is added is kept as it is: texts become numbers, a row becomes a draft of 80
 * bytes. A day is therefore read page by page, and takes an eighth of the memory of its rows.
 *
 * A row finds its run under its visitor's id of its own day, and under all those ids that the links
 * of this one lead back to (rollup/visits.c): the run that it lies in. What a visitor does in one
 * run on one day is a stay here, a visit of the day in the facts. A row whose run is not there
 * stays in a visit of its own of which nothing is known; there is one such for each visitor.
 */
#include "base/must.h"
#include "facts/facts_internal.h"

#include <stdlib.h>

enum { LINK_DEPTH_MAX = 64 }; /* that of rollup/visits.c */

void build_init(struct build *build, const struct site *site, int32_t day, struct arena *arena)
{
    *build = (struct build){.site = site, .day = day, .arena = arena, .table_size = 64};
    for (unsigned i = 0; i < DIMENSIONS; i++)
        intern_init(&build->values[i], &build->drafts);
    intern_init(&build->referrers, &build->drafts);
    build->table = ARENA_NEW(&build->drafts, uint32_t, build->table_size);
}

/* By realloc(): what is large moves without being copied. */
static void *more_room(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 64 : *room * 2;
    return must(realloc(items, *room * size));
}

void build_release(struct build *build)
{
    free(build->people);
    free(build->runs);
    free(build->stays);
    free(build->events);
    free(build->props);
    arena_free(&build->drafts);
    arena_free(&build->scratch);
}

/* -- people --------------------------------------------------------------------------------- */

static uint32_t *person_slot(const struct build *build, int32_t day, uint64_t visitor)
{
    size_t i = (size_t)((visitor + (uint32_t)day) * UINT64_C(0x9e3779b97f4a7c15) >> 20);

    for (;; i++) {
        uint32_t *slot = &build->table[i & (build->table_size - 1)];

        if (*slot == 0)
            return slot;
        const struct person *p = &build->people[*slot - 1];

        if (p->visitor == visitor && p->day == day)
            return slot;
    }
}

static void table_grow(struct build *build)
{
    build->table_size *= 2;
    build->table = ARENA_NEW(&build->drafts, uint32_t, build->table_size);
    for (uint32_t i = 0; i < build->people_count; i++)
        *person_slot(build, build->people[i].day, build->people[i].visitor) = i + 1;
}

static uint32_t person_get(struct build *build, int32_t day, uint64_t visitor)
{
    uint32_t *slot = person_slot(build, day, visitor);

    if (*slot != 0)
        return *slot;
    if (2 * (build->people_count + 1) > build->table_size) {
        table_grow(build);
        slot = person_slot(build, day, visitor);
    }
    build->people = more_room(build->people, build->people_count, &build->people_room,
                              sizeof(build->people[0]));
    build->people[build->people_count++] = (struct person){.day = day, .visitor = visitor};
    *slot = (uint32_t)build->people_count;
    return *slot;
}

/* -- visits --------------------------------------------------------------------------------- */

static int64_t pages_from(const struct visit *visit)
{
    if (visit->pageviews == 0)
        return INT64_MAX;
    /* Rows that an older version wrote know no entry. */
    return visit->entry_ms != 0 ? visit->entry_ms : visit->key.begin_ms;
}

void build_visit(struct build *build, const struct visit *visit)
{
    uint32_t person = person_get(build, visit->key.day, visit->key.visitor);

    if (visit->before != 0) {
        uint32_t before = person_get(build, visit->before_day, visit->before);

        build->people[person - 1].before = before;
        return;
    }
    build->runs =
        more_room(build->runs, build->runs_count, &build->runs_room, sizeof(build->runs[0]));
    struct run *run = &build->runs[build->runs_count++];

    *run = (struct run){
        .next = build->people[person - 1].runs,
        .bounce = visit->pageviews == 1 && visit->others == 0,
        .begin_ms = visit->key.begin_ms,
        .end_ms = visit->end_ms,
        .first_ms = visit->first_ms,
        .first_hour_ms = visit->first_hour_ms,
        .first_day = visit->first_day,
        .pages_from_ms = pages_from(visit),
        .exit_ms = visit->exit_ms,
        .exit_path = intern_put(&build->values[DIM_PAGE], visit->texts[VISIT_EXIT_PATH]),
    };
    for (unsigned i = 0; i < DIMENSIONS; i++)
        if (dimension_has_text((enum dimension)i))
            run->values[i] = intern_put(&build->values[i], dimension_of((enum dimension)i, visit));
    build->people[person - 1].runs = (uint32_t)build->runs_count;
}

/* -- rows ----------------------------------------------------------------------------------- */

static uint32_t run_at(const struct build *build, uint32_t person, int64_t time_ms)
{
    for (int depth = 0; person != 0 && depth < LINK_DEPTH_MAX; depth++) {
        const struct person *p = &build->people[person - 1];

        for (uint32_t run = p->runs; run != 0; run = build->runs[run - 1].next)
            if (time_ms >= build->runs[run - 1].begin_ms && time_ms <= build->runs[run - 1].end_ms)
                return run;
        person = p->before;
    }
    return 0;
}

static uint32_t stay_get(struct build *build, uint32_t person, int64_t time_ms)
{
    struct person *p = &build->people[person - 1];
    uint32_t run, stay = p->visits;

    if (p->recent != 0) {
        run = build->stays[p->recent - 1].run;
        if (run != 0 && time_ms >= build->runs[run - 1].begin_ms &&
            time_ms <= build->runs[run - 1].end_ms)
            return p->recent;
    }
    run = run_at(build, person, time_ms);
    while (stay != 0 && build->stays[stay - 1].run != run)
        stay = build->stays[stay - 1].next;
    if (stay == 0) {
        build->stays = more_room(build->stays, build->stays_count, &build->stays_room,
                                 sizeof(build->stays[0]));
        build->stays[build->stays_count++] = (struct stay){
            .next = p->visits, .run = run, .from_ms = INT64_MAX, .page_ms = INT64_MAX};
        stay = p->visits = (uint32_t)build->stays_count;
    }
    p->recent = stay;
    return stay;
}

struct props_ctx {
    struct build *build;
    uint32_t from;
};

/* Properties of an event stand in bytewise order, so that no order of theirs counts either. */
static int prop_add(void *ctx, struct str name, struct str value)
{
    struct props_ctx *props = ctx;
    struct build *build = props->build;
    const struct intern *pairs = &build->values[DIM_PROP];
    char *text = arena_bytes(&build->scratch, name.len + 1 + value.len);
    size_t at = build->props_count;

    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (value.len > 0)
        memcpy(text + name.len + 1, value.ptr, value.len);
    uint32_t pair =
        intern_put(&build->values[DIM_PROP], (struct str){text, name.len + 1 + value.len});

    build->props =
        more_room(build->props, build->props_count, &build->props_room, sizeof(build->props[0]));
    for (;
         at > props->from && str_cmp(pairs->values[build->props[at - 1]], pairs->values[pair]) > 0;
         at--)
        build->props[at] = build->props[at - 1];
    build->props[at] = pair;
    build->props_count++;
    return 0;
}

static void props_add(struct build *build, struct draft *draft, struct str props)
{
    struct props_ctx ctx = {build, (uint32_t)build->props_count};

    draft->props = ctx.from;
    if (props.len == 0 || draft->kind == EVENT_ENGAGEMENT)
        return;
    (void)props_each(props, &build->scratch, prop_add, &ctx);
    draft->props_count = (uint32_t)build->props_count - ctx.from;
    arena_reset(&build->scratch);
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static int64_t amount_of(const struct event *event, int64_t count)
{
    int64_t tokens;

    if (event->kind == EVENT_ENGAGEMENT)
        return within(event->seconds_ms, 0, SUM_MAX);
    if (event->kind != EVENT_AI_USAGE)
        return 0;
    return __builtin_mul_overflow(within(event->tokens, 0, SUM_MAX), count, &tokens)
               ? SUM_MAX
               : within(tokens, 0, SUM_MAX);
}

/* The visit of a row of the day, and what it may still have to be told of the days before. */
static void stay_add(struct build *build, const struct draft *draft)
{
    struct stay *stay = &build->stays[draft->stay - 1];
    struct run *run = stay->run == 0 ? NULL : &build->runs[stay->run - 1];

    stay->events++;
    if (draft->time_ms < stay->from_ms)
        stay->from_ms = draft->time_ms;
    if (draft->kind == EVENT_PAGEVIEW && draft->time_ms < stay->page_ms)
        stay->page_ms = draft->time_ms;
    if (run != NULL && draft->goals != 0 && draft->page == 0 && stay->page_ms >= draft->time_ms &&
        run->pages_from_ms <= draft->time_ms &&
        (run->exit_ms == 0 || run->exit_ms >= draft->time_ms))
        run->wanted = true;
}

static void row_of_day(struct build *build, const struct event *event)
{
    int64_t count = within(event->count, 1, EVENT_COUNT_MAX);
    uint32_t person = event->visitor == 0 ? 0 : person_get(build, event->day, event->visitor);

    build->events = more_room(build->events, build->events_count, &build->events_room,
                              sizeof(build->events[0]));
    struct draft *draft = &build->events[build->events_count++];

    *draft = (struct draft){
        .time_ms = event->time_ms,
        .stay = person == 0 ? 0 : stay_get(build, person, event->time_ms),
        .name = intern_put(&build->values[DIM_EVENT], event->name),
        .page = intern_put(&build->values[DIM_PAGE], event->path),
        .referrer = intern_put(&build->referrers, event->referrer),
        .kind = event->kind,
        .hour_ms = tz_at(build->site->tz, event->time_ms).hour_ms,
        .scroll =
            event->kind == EVENT_ENGAGEMENT ? (int32_t)within(event->scroll, -1, SCROLL_MAX) : -1,
        .count = count,
        .amount = amount_of(event, count),
        .goals = event->kind == EVENT_ENGAGEMENT
                     ? 0
                     : goals_met(build->site->goals, build->site->goals_count, event),
    };
    props_add(build, draft, event->props);
    if (draft->stay != 0)
        stay_add(build, draft);
}

/* Of a millisecond's pageviews the last is that of the greatest path, then referrer. */
static bool is_later(const struct build *build, const struct page_seen *a,
                     const struct page_seen *b)
{
    if (b->path == 0 || a->time_ms != b->time_ms)
        return b->path == 0 || a->time_ms > b->time_ms;
    int order =
        str_cmp(build->values[DIM_PAGE].values[a->path], build->values[DIM_PAGE].values[b->path]);

    return order != 0 ? order > 0
                      : str_cmp(build->referrers.values[a->referrer],
                                build->referrers.values[b->referrer]) > 0;
}

static void row_before(struct build *build, const struct event *event)
{
    uint32_t person = *person_slot(build, event->day, event->visitor);
    uint32_t run = run_at(build, person, event->time_ms);

    if (run == 0 || event->kind != EVENT_PAGEVIEW)
        return;
    struct page_seen seen = {event->time_ms, intern_put(&build->values[DIM_PAGE], event->path),
                             intern_put(&build->referrers, event->referrer)};

    if (is_later(build, &seen, &build->runs[run - 1].before))
        build->runs[run - 1].before = seen;
}

void build_row(struct build *build, const struct event_row *row)
{
    if (row->event.day == build->day)
        row_of_day(build, &row->event);
    else if (row->event.day < build->day && row->event.visitor != 0)
        row_before(build, &row->event);
}

int64_t build_wants_ms(const struct build *build, int64_t before_ms)
{
    int64_t from_ms = INT64_MAX;

    for (size_t i = 0; i < build->runs_count; i++) {
        const struct run *run = &build->runs[i];

        if (run->wanted && run->before.path == 0 && run->pages_from_ms < before_ms &&
            run->pages_from_ms < from_ms)
            from_ms = run->pages_from_ms;
    }
    return from_ms;
}
