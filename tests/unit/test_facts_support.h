/*
 * test_facts_support.h -- made-up days of a site: events, and the runs and links that belong to
 * them, worked out from the definitions (CONTRACT; rollup/visits.c tells how they are stored) and
 * not by the code that the tests are for.
 */
#ifndef ABACUS_TEST_FACTS_SUPPORT_H
#define ABACUS_TEST_FACTS_SUPPORT_H

#include "base/date.h"
#include "facts/facts.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* -- a site --------------------------------------------------------------------------------- */

/* Its goals: an event, a path, an event with a property, a pageview by name with a path. */
static struct goal_prop facts_pro[] = {{STR_INIT("plan"), STR_INIT("pro")}};
static struct goal facts_goals[] = {
    {.name = STR_INIT("Lead"), .event = STR_INIT("lead.created")},
    {.name = STR_INIT("Thanks"), .path = STR_INIT("/thanks/*")},
    {.name = STR_INIT("Pro"), .event = STR_INIT("signup"), .props = facts_pro, .props_count = 1},
    {.name = STR_INIT("Seen a"), .event = STR_INIT("pageview"), .path = STR_INIT("/a")},
};

static inline struct site facts_site(const char *zone)
{
    struct site site = {.id = STR("s1"),
                        .tenant = STR("t1"),
                        .domain = STR("example.com"),
                        .timezone = str_from(zone),
                        .goals = facts_goals,
                        .goals_count = COUNT_OF(facts_goals),
                        .paths_per_day = 10000};
    struct tz *tz = NULL;
    struct err err = {0};

    if (tz_load(site.timezone, &tz, &err) != 0)
        fail_msg("%s", err.text);
    site.tz = tz;
    return site;
}

static inline void facts_site_free(struct site *site)
{
    struct tz *tz = (struct tz *)(uintptr_t)site->tz;

    tz_free(&tz);
    site->tz = NULL;
}

/* -- chance --------------------------------------------------------------------------------- */

/* splitmix64. */
static inline uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct chance {
    uint64_t state;
};

static inline uint64_t chance_below(struct chance *chance, uint64_t n)
{
    return mixed(++chance->state) % n;
}

static inline bool chance_in(struct chance *chance, uint64_t n)
{
    return chance_below(chance, n) == 0;
}

#define CHANCE_OF(chance, array) ((array)[chance_below((chance), COUNT_OF(array))])

/* -- a world -------------------------------------------------------------------------------- */

enum { WORLD_EVENTS = 4000, NO_RUN = -1 };

struct happening {
    struct event_row row;
    int person; /* -1: no visitor */
    int run;
};

struct world {
    struct arena arena;
    struct site site;
    int32_t day; /* the one asked for */
    struct happening *events;
    size_t events_count;
    struct visit *visits; /* runs, and behind them links */
    size_t runs_count, visits_count;
};

static inline struct world world_new(const char *zone, const char *date)
{
    struct world world = {.site = facts_site(zone)};

    assert_true(date_parse(str_from(date), &world.day));
    world.events = ARENA_NEW(&world.arena, struct happening, WORLD_EVENTS);
    return world;
}

static inline void world_free(struct world *world)
{
    facts_site_free(&world->site);
    arena_free(&world->arena);
}

/* The instant `minutes` after the day's begin. */
static inline int64_t world_ms(const struct world *world, double minutes)
{
    return tz_day_start(world->site.tz, world->day) + (int64_t)(minutes * 60000);
}

static inline uint64_t visitor_id(int person, int32_t day)
{
    return person < 0 ? 0 : mixed((uint64_t)person * 1000003 + (uint64_t)day) | 1;
}

static inline enum event_kind kind_named(const char *name)
{
    for (unsigned i = 0; i < EVENT_CUSTOM; i++)
        if (str_eq(event_kind_name((enum event_kind)i), str_from(name)))
            return (enum event_kind)i;
    return EVENT_CUSTOM;
}

/* An event of a person at an instant; more is set by the caller. */
static inline struct event *world_add(struct world *world, int person, int64_t time_ms,
                                      const char *name, const char *path)
{
    assert_true(world->events_count < WORLD_EVENTS);
    struct happening *h = &world->events[world->events_count++];
    struct tz_local local = tz_at(world->site.tz, time_ms);

    h->person = person;
    h->run = NO_RUN;
    h->row.id = (int64_t)world->events_count;
    h->row.event = (struct event){.kind = kind_named(name),
                                  .name = str_from(name),
                                  .site = world->site.id,
                                  .tenant = world->site.tenant,
                                  .time_ms = time_ms,
                                  .day = local.day,
                                  .hour_ms = local.hour_ms,
                                  .visitor = visitor_id(person, local.day),
                                  .path = str_from(path),
                                  .referrer = STR(""),
                                  .title = STR(""),
                                  .screen = STR(""),
                                  .props = STR(""),
                                  .count = 1,
                                  .scroll = -1};
    return &h->row.event;
}

/* By person, time, then event name, path, referrer. */
static inline int by_happening(const void *a, const void *b)
{
    const struct happening *x = a, *y = b;
    const struct event *e = &x->row.event, *f = &y->row.event;
    int order = x->person - y->person;

    if (order == 0)
        order = (e->time_ms > f->time_ms) - (e->time_ms < f->time_ms);
    if (order == 0)
        order = str_cmp(e->name, f->name);
    if (order == 0)
        order = str_cmp(e->path, f->path);
    return order != 0 ? order : str_cmp(e->referrer, f->referrer);
}

static inline bool soon_after_midnight(const struct world *world, const struct event *event)
{
    return event->time_ms < tz_day_start(world->site.tz, event->day) + VISIT_TIMEOUT_MS;
}

static inline void run_take(struct visit *run, const struct event *event)
{
    bool pageview = event->kind == EVENT_PAGEVIEW;

    run->end_ms = event->time_ms;
    run->last_day = event->day;
    if (event->kind == EVENT_ENGAGEMENT)
        return;
    if (run->first_ms == INT64_MAX) {
        run->first_ms = event->time_ms;
        run->first_day = event->day;
        run->first_hour_ms = event->hour_ms;
    }
    if (run->pageviews + run->others == 0 || (pageview && run->pageviews == 0)) {
        run->entry_ms = event->time_ms;
        run->texts[VISIT_ENTRY_PATH] = pageview ? event->path : STR("");
        run->texts[VISIT_ENTRY_NAME] = pageview ? STR("") : event->name;
    }
    run->pageviews += pageview;
    run->others += !pageview;
    if (pageview) {
        run->exit_ms = event->time_ms;
        run->texts[VISIT_EXIT_PATH] = event->path;
    }
}

/* Stored under the oldest id that is known where it begins. */
static inline void run_begin(const struct world *world, struct visit *run, int person,
                             const struct event *event)
{
    int32_t day = event->day - (soon_after_midnight(world, event) ? 1 : 0);

    *run = (struct visit){.key = {world->site.id, day, visitor_id(person, day), event->time_ms},
                          .first_ms = INT64_MAX};
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        run->texts[i] = STR("");
}

/* Sort the events, and work out runs and links. */
static inline void world_settle(struct world *world)
{
    size_t n = world->events_count, count = 0;
    const struct happening *last = NULL;

    qsort(world->events, n, sizeof(world->events[0]), by_happening);
    world->visits = ARENA_NEW(&world->arena, struct visit, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        struct happening *h = &world->events[i];

        if (h->person < 0)
            continue;
        if (last == NULL || last->person != h->person ||
            h->row.event.time_ms - last->row.event.time_ms > VISIT_TIMEOUT_MS)
            run_begin(world, &world->visits[count++], h->person, &h->row.event);
        h->run = (int)count - 1;
        run_take(&world->visits[h->run], &h->row.event);
        last = h;
    }
    world->runs_count = world->visits_count = count;
    for (size_t i = 0; i < n; i++) {
        const struct happening *h = &world->events[i], *before = i == 0 ? NULL : h - 1;
        const struct event *event = &h->row.event;

        if (h->person < 0 || !soon_after_midnight(world, event) ||
            (before != NULL && before->person == h->person && before->row.event.day == event->day))
            continue;
        world->visits[world->visits_count++] =
            (struct visit){.key = {world->site.id, event->day, event->visitor, INT64_MIN},
                           .before = visitor_id(h->person, event->day - 1),
                           .before_day = event->day - 1};
    }
}

/* The rows up to the end of the day, in an order by chance. */
static inline struct event_row *world_rows(struct world *world, struct chance *chance,
                                           size_t *count)
{
    struct event_row *rows = ARENA_NEW(&world->arena, struct event_row, world->events_count);

    *count = 0;
    for (size_t i = 0; i < world->events_count; i++)
        if (world->events[i].row.event.day <= world->day)
            rows[(*count)++] = world->events[i].row;
    for (size_t i = *count; i > 1; i--) {
        size_t k = chance_below(chance, i);
        struct event_row row = rows[i - 1];

        rows[i - 1] = rows[k];
        rows[k] = row;
    }
    return rows;
}

static inline struct facts *world_facts(struct world *world, struct chance *chance)
{
    size_t count;
    const struct event_row *rows = world_rows(world, chance, &count);

    return facts_build(&world->site, world->day, rows, count, world->visits, world->visits_count,
                       &world->arena);
}

/* -- a world by chance ---------------------------------------------------------------------- */

static const char *const facts_names[] = {
    "pageview",   "pageview",         "pageview",       "pageview",   "pageview",    "engagement",
    "engagement", "lead.created",     "signup",         "signup",     "form.submit", "buy",
    "ai.usage",   "export.completed", "automation.run", "engagement", "pageview"};
static const char *const facts_paths[] = {"/", "/a", "/b", "/thanks/1", "/thanks/2", "/long/way"};
static const char *const facts_props[] = {"",
                                          "",
                                          "{\"plan\":\"pro\"}",
                                          "{\"plan\":\"free\",\"size\":3}",
                                          "{\"size\":3}",
                                          "{\"plan\":\"\"}",
                                          "{\"plan\":\"pro\",\"size\":12,\"vip\":true}"};

static inline void chance_event(struct world *world, struct chance *chance, int person,
                                int64_t time_ms)
{
    const char *name = CHANCE_OF(chance, facts_names);
    bool needs_path = strcmp(name, "pageview") == 0 || strcmp(name, "engagement") == 0;
    const char *path = needs_path || chance_in(chance, 3) ? CHANCE_OF(chance, facts_paths) : "";
    struct event *event = world_add(world, person, time_ms, name, path);

    event->props = str_from(CHANCE_OF(chance, facts_props));
    event->count = 1 + (int64_t)(chance_in(chance, 5) ? chance_below(chance, 3) : 0);
    event->referrer = chance_in(chance, 4) ? STR("a.example") : STR("");
    if (event->kind == EVENT_ENGAGEMENT) {
        event->seconds_ms = (int64_t)chance_below(chance, 60000);
        event->scroll = (int32_t)chance_below(chance, 102) - 1;
    }
    if (event->kind == EVENT_AI_USAGE)
        event->tokens = (int64_t)chance_below(chance, 1000);
}

static inline int64_t chance_gap(struct chance *chance)
{
    static const int64_t gaps[] = {0,
                                   0,
                                   1,
                                   1000,
                                   40000,
                                   600000,
                                   VISIT_TIMEOUT_MS - 1,
                                   VISIT_TIMEOUT_MS,
                                   VISIT_TIMEOUT_MS + 1,
                                   2 * VISIT_TIMEOUT_MS};

    return CHANCE_OF(chance, gaps);
}

/* What runs know of their visits: a text of a few, or none. */
static inline void chance_texts(struct world *world, struct chance *chance)
{
    static const char *const sources[] = {"", "Google", "(direct)", "news"};
    static const char *const referrers[] = {"", "a.example", "example.com/inner", "b.example"};
    static const char *const others[] = {"", "x", "xy", "z", "(unknown)"};

    for (size_t i = 0; i < world->runs_count; i++) {
        struct visit *run = &world->visits[i];

        for (unsigned t = 0; t < TRAITS; t++)
            run->texts[t] = str_from(CHANCE_OF(chance, others));
        run->texts[TRAIT_SOURCE] = str_from(CHANCE_OF(chance, sources));
        run->texts[VISIT_REFERRER] = str_from(CHANCE_OF(chance, referrers));
        run->texts[VISIT_SCREEN] = str_from(CHANCE_OF(chance, others));
    }
}

/* Visitors from the evening before the day to the night after it, many about midnight. */
static inline struct world world_by_chance(struct chance *chance, const char *zone,
                                           const char *date, int people)
{
    static const double begins[] = {-1500, -300, -45, -20, 0, 10, 29, 31, 200, 700, 1380, 1410};
    struct world world = world_new(zone, date);

    for (int person = 0; person < people; person++)
        for (uint64_t turns = 1 + chance_below(chance, 3); turns > 0; turns--) {
            int64_t at =
                world_ms(&world, CHANCE_OF(chance, begins)) + (int64_t)chance_below(chance, 600000);

            for (uint64_t n = 1 + chance_below(chance, 7); n > 0; n--) {
                chance_event(&world, chance, chance_in(chance, 20) ? -1 : person, at);
                at += chance_gap(chance);
            }
        }
    world_settle(&world);
    chance_texts(&world, chance);
    return world;
}

#endif
