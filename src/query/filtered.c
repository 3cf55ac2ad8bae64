/*
 * filtered.c -- totals of what some filters keep.
 *
 * Each day is counted from its facts, which tell visitors apart: nothing here is an estimate.
 *
 * A comparison with a running day ends at an hour of its last day. What adds up could be taken from
 * the day's hours, distinct visitors could not. The part of the day is therefore made from the raw
 * rows up to that hour, whether the day is packed or due: where hours can be answered at all, raw
 * rows are kept.
 */
#include "base/date.h"
#include "query/query_internal.h"

#include <assert.h>

/* -- from when on -------------------------------------------------------------------------- */

static int32_t days_before(int32_t today, int32_t days)
{
    return days == 0 ? INT32_MIN : today - days;
}

int32_t query_filterable(const struct site *site, const struct query_filters *filters, bool hours,
                         int32_t today)
{
    bool events = hours;
    int32_t raw = days_before(today, site->raw_days);
    int32_t visits = days_before(today, site->visit_days);

    if (filters->count == 0)
        return INT32_MIN;
    for (size_t i = 0; i < filters->count; i++)
        events = events || !dimension_of_visit(filters->filters[i].dimension);
    return events && raw > visits ? raw : visits;
}

int32_t query_breakdown_filterable(const struct site *site, const struct query_breakdown_ask *ask,
                                   int32_t today)
{
    return query_filterable(site, &ask->filters, !dimension_of_visit(ask->dimension), today);
}

/* -- part of a day ------------------------------------------------------------------------- */

enum { PAGE_ROWS = 2000 };

struct rows {
    struct event_row *rows;
    size_t count, room;
};

/* What totals are counted from, of a row whose texts are about to go. */
static void keep_row(struct rows *rows, const struct event_row *row, struct arena *arena)
{
    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? PAGE_ROWS : 2 * rows->room;
        struct event_row *grown = ARENA_NEW(arena, struct event_row, room);
        if (rows->count > 0)
            memcpy(grown, rows->rows, rows->count * sizeof(*grown));
        rows->rows = grown;
        rows->room = room;
    }
    struct event_row *kept = &rows->rows[rows->count++];
    const struct event *event = &row->event;
    *kept = (struct event_row){.id = row->id,
                               .event = {.kind = event->kind,
                                         .time_ms = event->time_ms,
                                         .day = event->day,
                                         .visitor = event->visitor,
                                         .count = event->count,
                                         .tokens = event->tokens,
                                         .seconds_ms = event->seconds_ms,
                                         .scroll = event->scroll}};
    kept->event.name = arena_str(arena, event->name);
    kept->event.path = arena_str(arena, event->path);
    kept->event.referrer = arena_str(arena, event->referrer);
    kept->event.props = arena_str(arena, event->props);
}

struct beginning {
    int32_t day;
    int64_t ms;
};

static int take_beginning(void *ctx, const struct stats_row *row)
{
    struct beginning *beginning = ctx;

    if (row->day != beginning->day)
        return 0;
    beginning->ms = row->hour_ms;
    return 1; /* hours come oldest first */
}

/* The day's first hour with an event, as a change of the zone may have moved the day's bounds. */
static int find_beginning(struct store *store, const struct site *site, int32_t day,
                          int64_t until_ms, int64_t *out, struct err *err)
{
    struct beginning beginning = {day, until_ms};
    int rc =
        store_each_hour(store, site->tenant, site->id, tz_day_start(site->tz, day) - 2 * DAY_MS,
                        until_ms, take_beginning, &beginning, err);

    *out = beginning.ms;
    return rc < 0 ? rc : 0;
}

/* The raw rows of the day before `until_ms`, by time. */
static int read_rows(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                     struct arena *arena, struct rows *out, struct err *err)
{
    struct event_cursor cursor = {INT64_MIN, 0};
    struct arena page = {0};
    size_t count = PAGE_ROWS;
    int64_t from_ms;
    int rc = find_beginning(store, site, day, until_ms, &from_ms, err);

    while (rc == 0 && count == PAGE_ROWS && from_ms < until_ms) {
        struct event_row *rows = NULL;
        rc = store_page_events(store, site->tenant, site->id, from_ms, until_ms, cursor, PAGE_ROWS,
                               &page, &rows, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            if (rows[i].event.day == day)
                keep_row(out, &rows[i], arena);
            cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
        }
        arena_reset(&page);
    }
    arena_free(&page);
    return rc;
}

static int load_until(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                      struct arena *arena, struct facts **out, struct err *err)
{
    struct rows rows = {0};
    struct people people = {0};
    size_t count = 0;
    int rc = read_rows(store, site, day, until_ms, arena, &rows, err);

    if (rc != 0)
        return rc;
    struct visitor_key *keys = ARENA_NEW(arena, struct visitor_key, rows.count + 1);
    for (size_t i = 0; i < rows.count; i++)
        if (rows.rows[i].event.visitor != 0)
            keys[count++] = (struct visitor_key){site->id, day, rows.rows[i].event.visitor};
    rc = people_load(store, keys, count, arena, &people, err);
    if (rc == 0)
        *out = facts_build(site, day, rows.rows, rows.count, people.visits, people.count, arena);
    return rc;
}

/* -- totals -------------------------------------------------------------------------------- */

struct sum {
    const struct query_filters *filters;
    struct range range;
    struct query_totals *totals;
};

static int add_day(void *ctx, int32_t day, const struct facts *facts)
{
    struct sum *sum = ctx;
    struct query_totals *totals = sum->totals;
    struct stats stats = {0};

    facts_stats(facts, sum->filters->filters, sum->filters->count, &stats, NULL, NULL);
    stats_add(&totals->sum, &stats);
    if (totals->days != NULL)
        stats_add(&totals->days[day - sum->range.from].stats, &stats);
    return 0;
}

static int add_last(struct store *store, const struct site *site, int64_t until_ms,
                    struct arena *scratch, struct sum *sum, struct err *err)
{
    struct facts *facts = NULL;
    int rc = load_until(store, site, sum->range.to, until_ms, scratch, &facts, err);

    if (rc == 0)
        rc = add_day(sum, sum->range.to, facts);
    arena_reset(scratch);
    return rc;
}

int query_site_filtered(struct store *store, const struct site *site, struct range range,
                        int32_t available, const struct query_filters *filters, int64_t until_ms,
                        struct arena *arena, struct arena *scratch, struct query_totals *out,
                        struct err *err)
{
    bool cut = until_ms != INT64_MAX;
    struct range kept = range_kept(range, available);
    struct days_ask ask = {.dimension = DIMENSIONS, .filters = filters};
    struct sum sum = {.filters = filters, .range = range, .totals = out};

    assert(filters->count > 0);
    totals_init(out, range, available, arena);
    out->exact = true;
    if (cut)
        kept.to--;
    int rc = days_each(store, site, kept, &ask, scratch, add_day, &sum, err);
    if (rc == 0 && cut && range.to >= available)
        rc = add_last(store, site, until_ms, scratch, &sum, err);
    return rc;
}
