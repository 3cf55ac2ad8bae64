/*
 * realtime.c -- who is here now: the last thirty minutes of raw rows, up to asOf.
 *
 * A visitor is here while events come, engagement included: who reads a page for ten minutes has
 * not left. Engagement makes nobody a visitor, though: where a run has nothing else (a page left
 * open over a pause), its engagement counts for no one. A visitor of both sides of a midnight is
 * one (people.c). Source and country are those of the visit that an event belongs to; events
 * without a visitor have neither, but their pageviews count under their page.
 *
 * Of the rows only what is asked for is kept, so that memory grows with the number of events in
 * thirty minutes and not with what they carry.
 */
#include "base/date.h"
#include "query/query_internal.h"

#include <stdlib.h>

enum { PAGE_ROWS = 1000 };

/* An event, as far as it says who is here. */
struct moment {
    int64_t time_ms, pageviews;
    struct visitor_key visitor; /* 0: none; first the event's, then the oldest known */
    const struct visit *run;    /* NULL: none */
    struct str path;            /* of the last five minutes */
    bool engagement, here;
};

struct live {
    const struct site *site;
    int64_t as_of_ms, first_ms; /* the first minute's begin */
    struct arena arena;
    struct moment *moments;
    size_t count, room;
};

/* -- reading ------------------------------------------------------------------------------- */

static bool is_now(const struct live *live, const struct moment *moment)
{
    return moment->time_ms > live->as_of_ms - REALTIME_NOW_MS;
}

static void add_moment(struct live *live, const struct event *event)
{
    if (live->count == live->room) {
        size_t room = live->room == 0 ? PAGE_ROWS : 2 * live->room;
        struct moment *grown = ARENA_NEW(&live->arena, struct moment, room);
        if (live->count > 0)
            memcpy(grown, live->moments, live->count * sizeof(*grown));
        live->moments = grown;
        live->room = room;
    }
    struct moment *moment = &live->moments[live->count++];
    *moment = (struct moment){
        .time_ms = event->time_ms,
        .pageviews = event->kind == EVENT_PAGEVIEW ? event->count : 0,
        .visitor = {live->site->id, event->day, event->visitor},
        .engagement = event->kind == EVENT_ENGAGEMENT,
    };
    if (is_now(live, moment))
        moment->path = arena_str(&live->arena, event->path);
}

static int read_moments(struct store *store, struct live *live, struct err *err)
{
    const struct site *site = live->site;
    struct event_cursor cursor = {INT64_MIN, 0};
    struct arena page = {0};
    size_t count = PAGE_ROWS;
    int rc = 0;

    while (rc == 0 && count == PAGE_ROWS) {
        struct event_row *rows = NULL;
        rc = store_page_events(store, site->tenant, site->id, live->first_ms, live->as_of_ms + 1,
                               cursor, PAGE_ROWS, &page, &rows, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            add_moment(live, &rows[i].event);
            cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
        }
        arena_reset(&page);
    }
    arena_free(&page);
    return rc;
}

/* Whose each event is, and of which run. */
static int find_people(struct store *store, struct live *live, struct err *err)
{
    struct visitor_key *keys = ARENA_NEW(&live->arena, struct visitor_key, live->count + 1);
    struct people people = {0};
    size_t count = 0;

    for (size_t i = 0; i < live->count; i++)
        if (live->moments[i].visitor.visitor != 0)
            keys[count++] = live->moments[i].visitor;
    int rc = people_load(store, keys, count, &live->arena, &people, err);
    for (size_t i = 0; rc == 0 && i < live->count; i++) {
        struct moment *moment = &live->moments[i];
        if (moment->visitor.visitor == 0)
            continue;
        moment->run = people_find(&people, &moment->visitor, moment->time_ms);
        moment->here =
            !moment->engagement || (moment->run != NULL && moment->run->first_ms != INT64_MAX);
    }
    return rc;
}

/* -- by minute ----------------------------------------------------------------------------- */

static size_t minute_of(const struct live *live, const struct moment *moment)
{
    return (size_t)((moment->time_ms - live->first_ms) / MINUTE_MS);
}

/* Moments come by time, so a minute's stand together; within it, by visitor. */
static int by_visitor(const void *a, const void *b)
{
    const struct moment *x = *(const struct moment *const *)a;
    const struct moment *y = *(const struct moment *const *)b;

    return people_cmp(&x->visitor, &y->visitor);
}

/* How many different visitors are here in moments[from..to). */
static int64_t count_here(const struct live *live, size_t from, size_t to,
                          const struct moment **room)
{
    size_t count = 0;
    int64_t visitors = 0;

    for (size_t i = from; i < to; i++)
        if (live->moments[i].here)
            room[count++] = &live->moments[i];
    if (count > 1)
        qsort(room, count, sizeof(*room), by_visitor);
    for (size_t i = 0; i < count; i++)
        visitors += i == 0 || by_visitor(&room[i - 1], &room[i]) != 0;
    return visitors;
}

static void count_minutes(struct live *live, struct query_realtime *out)
{
    const struct moment **room = ARENA_NEW(&live->arena, const struct moment *, live->count + 1);
    size_t now = 0;

    for (size_t i = 0; i < REALTIME_MINUTES; i++)
        out->minutes[i].minute_ms = live->first_ms + (int64_t)i * MINUTE_MS;
    for (size_t from = 0, to; from < live->count; from = to) {
        struct query_minute *minute = &out->minutes[minute_of(live, &live->moments[from])];
        for (to = from; to < live->count && minute_of(live, &live->moments[to]) ==
                                                minute_of(live, &live->moments[from]);
             to++)
            minute->pageviews += live->moments[to].pageviews;
        minute->visitors = count_here(live, from, to, room);
    }
    while (now < live->count && !is_now(live, &live->moments[now]))
        now++;
    out->visitors_now = count_here(live, now, live->count, room);
}

/* -- by value ------------------------------------------------------------------------------ */

/* An event under the value that it counts for. */
struct under {
    struct str value;
    const struct moment *moment;
};

typedef bool value_fn(const struct moment *moment, struct str *out);

static bool page_of(const struct moment *moment, struct str *out)
{
    *out = moment->path;
    return out->len > 0;
}

/* False: the visit has no value, and there is no name for that. */
static bool trait_of(const struct moment *moment, enum trait trait, enum dimension dimension,
                     struct str *out)
{
    if (moment->run == NULL)
        return false;
    *out = moment->run->texts[trait];
    if (out->len == 0)
        *out = dimension_absent(dimension);
    return out->len > 0;
}

static bool source_of(const struct moment *moment, struct str *out)
{
    return trait_of(moment, TRAIT_SOURCE, DIM_SOURCE, out);
}

static bool country_of(const struct moment *moment, struct str *out)
{
    return trait_of(moment, TRAIT_COUNTRY, DIM_COUNTRY, out);
}

static int by_value(const void *a, const void *b)
{
    const struct under *x = a, *y = b;
    int order = str_cmp(x->value, y->value);

    return order != 0 ? order : by_visitor(&x->moment, &y->moment);
}

static int by_most(const void *a, const void *b)
{
    const struct query_live_row *x = a, *y = b;
    int order = (x->visitors < y->visitors) - (x->visitors > y->visitors);

    if (order == 0)
        order = (x->pageviews < y->pageviews) - (x->pageviews > y->pageviews);
    return order != 0 ? order : str_cmp(x->value, y->value);
}

/* Events of the last five minutes with a value, sorted by it and by visitor. Engagement that counts
 * for no one is left out. */
static struct under *list_values(struct live *live, value_fn *value_of, size_t *count)
{
    struct under *list = ARENA_NEW(&live->arena, struct under, live->count + 1);

    *count = 0;
    for (size_t i = 0; i < live->count; i++) {
        const struct moment *moment = &live->moments[i];
        struct under under = {.moment = moment};
        if (is_now(live, moment) && (moment->here || moment->pageviews > 0) &&
            value_of(moment, &under.value))
            list[(*count)++] = under;
    }
    if (*count > 1)
        qsort(list, *count, sizeof(*list), by_value);
    return list;
}

/* Moments under one value that stand side by side become one row. */
static size_t add_up(const struct under *list, size_t count, struct query_live_row *rows)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        const struct moment *moment = list[i].moment;
        bool begins = i == 0 || !str_eq(list[i - 1].value, list[i].value);
        if (begins)
            rows[n++] = (struct query_live_row){.value = list[i].value};
        rows[n - 1].pageviews += moment->pageviews;
        rows[n - 1].visitors +=
            moment->here && (begins || by_visitor(&list[i - 1].moment, &list[i].moment) != 0);
    }
    return n;
}

static void top(struct live *live, value_fn *value_of, struct arena *arena,
                struct query_live_row **out, size_t *out_count)
{
    size_t listed = 0;
    const struct under *list = list_values(live, value_of, &listed);
    struct query_live_row *rows = ARENA_NEW(&live->arena, struct query_live_row, listed + 1);
    size_t count = add_up(list, listed, rows);

    if (count > 1)
        qsort(rows, count, sizeof(*rows), by_most);
    *out_count = count < REALTIME_ROWS ? count : REALTIME_ROWS;
    *out = ARENA_NEW(arena, struct query_live_row, REALTIME_ROWS);
    for (size_t i = 0; i < *out_count; i++) {
        (*out)[i] = rows[i];
        (*out)[i].value = arena_str(arena, rows[i].value);
    }
}

int query_realtime(struct store *store, const struct site *site, int64_t as_of_ms,
                   struct arena *arena, struct query_realtime *out, struct err *err)
{
    int64_t last_ms = as_of_ms - as_of_ms % MINUTE_MS;
    struct live live = {.site = site,
                        .as_of_ms = as_of_ms,
                        .first_ms = last_ms - (REALTIME_MINUTES - 1) * MINUTE_MS};

    *out = (struct query_realtime){0};
    int rc = read_moments(store, &live, err);
    if (rc == 0)
        rc = find_people(store, &live, err);
    if (rc == 0) {
        count_minutes(&live, out);
        top(&live, page_of, arena, &out->pages, &out->pages_count);
        top(&live, source_of, arena, &out->sources, &out->sources_count);
        top(&live, country_of, arena, &out->countries, &out->countries_count);
    }
    arena_free(&live.arena);
    return rc;
}
