/*
 * facts/load.c -- a day's facts from the store.
 *
 * First the visits: the rows that stand under the day, then those of the ids that their links lead
 * back to, until none is left. Then the raw rows, a page at a time. Last, and seldom, rows of the
 * days before, back from midnight: where a conversion without a path has seen no page since.
 */
#include "base/date.h"
#include "facts/facts_internal.h"

enum { PAGE_ROWS = 2000 };
#define WIDER_MS (26 * HOUR_MS)

struct load {
    struct store *store;
    const struct site *site;
    int32_t day;
    struct build build;
    struct arena page; /* of what is read */
    struct visitor_key *wanted;
    size_t wanted_count, wanted_room;
    int64_t from_ms, to_ms; /* as far as the runs of the day reach */
    int64_t until_ms;       /* later rows are left out */
};

/* -- visits --------------------------------------------------------------------------------- */

static void reach(struct load *load, const struct visit *visit)
{
    if (visit->first_ms != INT64_MAX && visit->first_day == load->day &&
        visit->first_ms < load->from_ms)
        load->from_ms = visit->first_ms;
    if (visit->last_day == load->day && visit->end_ms >= load->to_ms)
        load->to_ms = visit->end_ms + 1;
}

static int take_visit(void *ctx, const struct visit *visit)
{
    struct load *load = ctx;

    build_visit(&load->build, visit);
    if (visit->before == 0)
        reach(load, visit);
    if (visit->before == 0 || visit->before_day >= visit->key.day)
        return 0;
    load->wanted = grown(&load->build.drafts, load->wanted, load->wanted_count, &load->wanted_room,
                         sizeof(load->wanted[0]));
    load->wanted[load->wanted_count++] =
        (struct visitor_key){load->site->id, visit->before_day, visit->before};
    return 0;
}

/* Each id is led to from a later day: this ends. */
static int load_linked(struct load *load, struct err *err)
{
    int rc = 0;

    while (rc == 0 && load->wanted_count > 0) {
        struct visitor_key *keys = load->wanted;
        struct visit *visits = NULL;
        size_t keys_count = load->wanted_count, count = 0;

        load->wanted = NULL;
        load->wanted_count = load->wanted_room = 0;
        rc = store_load_visits(load->store, &load->page, keys, keys_count, &visits, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = take_visit(load, &visits[i]);
        arena_reset(&load->page);
    }
    return rc;
}

static int load_visits(struct load *load, struct err *err)
{
    int rc = store_each_visit(load->store, load->site->tenant, load->site->id, load->day,
                              take_visit, load, err);

    return rc != 0 ? rc : load_linked(load, err);
}

/* -- rows ----------------------------------------------------------------------------------- */

static int load_rows(struct load *load, int64_t from_ms, int64_t to_ms, struct err *err)
{
    struct event_cursor cursor = {INT64_MIN, 0};
    size_t count = PAGE_ROWS;

    while (count == PAGE_ROWS) {
        struct event_row *rows = NULL;
        int rc = store_page_events(load->store, load->site->tenant, load->site->id, from_ms, to_ms,
                                   cursor, PAGE_ROWS, &load->page, &rows, &count, err);

        if (rc != 0)
            return rc;
        for (size_t i = 0; i < count; i++)
            build_row(&load->build, &rows[i]);
        if (count > 0)
            cursor = (struct event_cursor){rows[count - 1].event.time_ms, rows[count - 1].id};
        arena_reset(&load->page);
    }
    return 0;
}

static int take_hour(void *ctx, const struct stats_row *row)
{
    struct load *load = ctx;

    if (row->day != load->day)
        return 0;
    load->from_ms = row->hour_ms < load->from_ms ? row->hour_ms : load->from_ms;
    load->to_ms = row->hour_ms >= load->to_ms ? row->hour_ms + 1 : load->to_ms;
    return 0;
}

/* A day that was counted in another zone reaches further, as its visits and hours tell; so far no
 * two zones are apart. */
static int load_day(struct load *load, struct err *err)
{
    const struct site *site = load->site;
    int64_t from_ms = tz_day_start(site->tz, load->day);
    int64_t to_ms = tz_day_start(site->tz, load->day + 1);
    int rc = store_each_hour(load->store, site->tenant, site->id, from_ms - WIDER_MS,
                             to_ms + WIDER_MS, take_hour, load, err);

    if (rc != 0)
        return rc;
    if (load->from_ms < from_ms || load->to_ms > to_ms) {
        from_ms -= WIDER_MS;
        to_ms += WIDER_MS;
    }
    load->from_ms = from_ms;
    return load_rows(load, from_ms, to_ms < load->until_ms ? to_ms : load->until_ms, err);
}

/* An hour at a time, since the page is seldom further away. */
static int load_before(struct load *load, struct err *err)
{
    int64_t before_ms = load->from_ms;
    int64_t wants_ms = build_wants_ms(&load->build, before_ms);
    int rc = 0;

    while (rc == 0 && wants_ms < before_ms) {
        int64_t from_ms = before_ms - HOUR_MS > wants_ms ? before_ms - HOUR_MS : wants_ms;

        rc = load_rows(load, from_ms, before_ms, err);
        before_ms = from_ms;
        wants_ms = build_wants_ms(&load->build, before_ms);
    }
    return rc;
}

int facts_load_until(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                     struct arena *arena, struct facts **out, struct err *err)
{
    struct load load = {.store = store,
                        .site = site,
                        .day = day,
                        .from_ms = INT64_MAX,
                        .to_ms = INT64_MIN,
                        .until_ms = until_ms};
    int rc;

    build_init(&load.build, site, day, arena);
    rc = load_visits(&load, err);
    if (rc == 0)
        rc = load_day(&load, err);
    if (rc == 0)
        rc = load_before(&load, err);
    if (rc == 0)
        *out = build_finish(&load.build);
    build_release(&load.build);
    arena_free(&load.page);
    return rc;
}

int facts_load(struct store *store, const struct site *site, int32_t day, struct arena *arena,
               struct facts **out, struct err *err)
{
    return facts_load_until(store, site, day, INT64_MAX, arena, out, err);
}
