/*
 * aggregate/goals.c -- when a site's goals change, its kept days are counted again by them.
 *
 * Conversions are counted as events come, by the goals of that time. The store knows by which (of
 * sites without a row by the default); where the settings say something else, the conversions and
 * converters of the days that still have raw rows are counted from these before any new event is.
 * Each day is one transaction that puts the difference to what stands there, so that it may be cut
 * off and done again; the row that says by which goals comes last.
 *
 * A day is counted again only from all of its rows, as many as the ledger says it has stored: what
 * is gone (rawDays were fewer once) or never was (an event older than rawDays) stays as it was
 * counted.
 */
#include "aggregate/aggregate_internal.h"

#include "base/date.h"
#include "rollup/distinct.h"

/* WIDER: a day that was counted in another zone reaches further; so far no two zones are apart. */
enum { PAGE_ROWS = 5000, HOURS_MAX = 64, WIDER_HOURS = 26 };

/* What converts in an hour, or a day. */
struct converts {
    int64_t hour_ms; /* 0: the day's */
    struct stats now, was;
    struct distinct *converters;
};

struct recount {
    struct run *run;
    const struct site *site;
    int32_t day;
    int64_t from_ms, to_ms; /* where its rows and hours are looked for */
    int64_t rows, stored;   /* those found, and all that there were */
    struct arena arena;
    struct converts slots[HOURS_MAX + 1]; /* the first is the day's */
    size_t count;
    struct err *err;
};

static struct converts *slot_of(struct recount *recount, int64_t hour_ms)
{
    size_t i = recount->count;

    /* Rows come by time: it is the last one, or a new one. */
    while (i > 0 && recount->slots[i - 1].hour_ms != hour_ms)
        i--;
    if (i > 0)
        return &recount->slots[i - 1];
    if (recount->count == sizeof(recount->slots) / sizeof(recount->slots[0]))
        return NULL;
    struct converts *slot = &recount->slots[recount->count++];

    *slot = (struct converts){.hour_ms = hour_ms};
    (void)distinct_load(STR(""), &recount->arena, &slot->converters, NULL);
    return slot;
}

static void add_conversion(struct recount *recount, int64_t hour_ms, const struct event *event)
{
    struct converts *slot = slot_of(recount, hour_ms);

    if (slot == NULL)
        return;
    slot->now.conversions += event->count;
    if (event->visitor == 0)
        slot->now.unattributed_conversions += event->count;
    else
        (void)distinct_add(slot->converters, event->visitor, &recount->arena);
}

static int count_rows(struct recount *recount)
{
    const struct site *site = recount->site;
    struct event_cursor cursor = {INT64_MIN, 0};
    struct arena page = {0};
    size_t count = PAGE_ROWS;
    int rc = 0;

    while (rc == 0 && count == PAGE_ROWS) {
        struct event_row *rows = NULL;

        arena_reset(&page);
        rc = store_page_events(recount->run->store, site->tenant, site->id, recount->from_ms,
                               recount->to_ms, cursor, PAGE_ROWS, &page, &rows, &count,
                               recount->err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            const struct event *event = &rows[i].event;

            cursor = (struct event_cursor){event->time_ms, rows[i].id};
            if (event->day != recount->day)
                continue;
            recount->rows++;
            if (goals_met(site->goals, site->goals_count, event) == 0)
                continue;
            add_conversion(recount, 0, event);
            add_conversion(recount, tz_at(site->tz, event->time_ms).hour_ms, event);
        }
    }
    arena_free(&page);
    return rc;
}

static int take_was(void *ctx, const struct stats_row *row)
{
    struct recount *recount = ctx;
    struct converts *slot = row->day == recount->day ? slot_of(recount, row->hour_ms) : NULL;

    if (slot != NULL)
        slot->was = row->stats;
    return 0;
}

static int read_was(struct recount *recount)
{
    const struct site *site = recount->site;
    int rc = store_each_day(recount->run->store, site->tenant, site->id, recount->day, recount->day,
                            take_was, recount, recount->err);

    return rc != 0 ? rc
                   : store_each_hour(recount->run->store, site->tenant, site->id, recount->from_ms,
                                     recount->to_ms, take_was, recount, recount->err);
}

static int take_stored(void *ctx, const struct ledger_row *row)
{
    struct recount *recount = ctx;

    recount->stored += row->kind == LEDGER_STORED ? row->events : 0;
    return 0;
}

/* The day's and each hour's difference and set. */
static int commit_day(struct recount *recount)
{
    const struct site *site = recount->site;
    struct arena *arena = &recount->arena;
    struct stats_row *rows = ARENA_NEW(arena, struct stats_row, recount->count);
    struct sketch *sketches = ARENA_NEW(arena, struct sketch, recount->count);
    const struct site_day due = {site->id, recount->day};

    for (size_t i = 0; i < recount->count; i++) {
        struct converts *slot = &recount->slots[i];
        const struct stats *was = &slot->was;

        rows[i] = (struct stats_row){.site = site->id,
                                     .tenant = site->tenant,
                                     .day = recount->day,
                                     .hour_ms = slot->hour_ms};
        rows[i].stats = (struct stats){
            .conversions = slot->now.conversions - was->conversions,
            .unattributed_conversions =
                slot->now.unattributed_conversions - was->unattributed_conversions,
            .converters = distinct_count(slot->converters) - was->converters,
            .estimated = !distinct_is_exact(slot->converters),
        };
        sketches[i] = (struct sketch){
            .key = {site->id, i == 0 ? SKETCH_DAY_CONVERTERS : SKETCH_HOUR_CONVERTERS, recount->day,
                    slot->hour_ms},
            .bytes = distinct_save(slot->converters, arena)};
    }
    const struct store_batch batch = {.days = rows,
                                      .days_count = 1,
                                      .hours = rows + 1,
                                      .hours_count = recount->count - 1,
                                      .sketches = sketches,
                                      .sketches_count = recount->count,
                                      .due = &due,
                                      .due_count = 1};

    return store_commit(recount->run->store, &batch, recount->err);
}

/* From the beginning. */
static int count_day(struct recount *recount, int64_t from_ms, int64_t to_ms)
{
    int rc;

    recount->from_ms = from_ms;
    recount->to_ms = to_ms;
    recount->rows = 0;
    recount->count = 0;
    arena_reset(&recount->arena);
    (void)slot_of(recount, 0);
    rc = read_was(recount);
    return rc == 0 ? count_rows(recount) : rc;
}

static int recount_day(struct run *run, const struct site *site, int32_t day, struct err *err)
{
    struct recount recount = {.run = run, .site = site, .day = day, .err = err};
    int64_t from_ms = tz_day_start(site->tz, day), to_ms = tz_day_start(site->tz, day + 1);
    int rc =
        store_each_ledger(run->store, site->tenant, site->id, day, day, take_stored, &recount, err);

    if (rc == 0)
        rc = count_day(&recount, from_ms, to_ms);
    if (rc == 0 && recount.rows < recount.stored)
        rc = count_day(&recount, from_ms - WIDER_HOURS * HOUR_MS, to_ms + WIDER_HOURS * HOUR_MS);
    /* A day without an hour has nothing to be counted again. */
    if (rc == 0 && recount.rows == recount.stored && recount.count > 1)
        rc = commit_day(&recount);
    arena_free(&recount.arena);
    return rc;
}

/* The first day that has numbers and raw rows. */
struct first {
    int32_t day;
};

static int take_first(void *ctx, const struct stats_row *row)
{
    ((struct first *)ctx)->day = row->day;
    return 1;
}

static int recount_site(struct run *run, const struct site *site, struct err *err)
{
    const struct goals_row row = {site->id, site->goals_hash};
    const struct store_batch batch = {.goals = &row, .goals_count = 1};
    struct first first = {INT32_MAX};
    int rc = store_each_day(run->store, site->tenant, site->id, run_raw_from(run, site->id),
                            INT32_MAX, take_first, &first, err);

    /* The day ahead is for who sends from a clock that is. */
    for (int32_t day = first.day; rc >= 0 && first.day != INT32_MAX; day++) {
        if (day > run_today(run, site->id) + 1)
            break;
        if (run_stopping(run))
            return ERR_UNAVAILABLE;
        rc = recount_day(run, site, day, err);
    }
    return rc < 0 ? rc : store_commit(run->store, &batch, err);
}

/* By which goals the site's conversions were counted; sites are asked for in the order of the rows.
 */
static uint64_t counted_by(const struct goals_row **rows, const struct goals_row *end,
                           struct str site, uint64_t otherwise)
{
    while (*rows < end && str_cmp((*rows)->site, site) < 0)
        ++*rows;
    return *rows < end && str_eq((*rows)->site, site) ? (*rows)->hash : otherwise;
}

int goals_run(struct run *run, struct err *err)
{
    const struct site *const *sites = NULL;
    size_t sites_count = snapshot_sites(run->snapshot, STR(""), &sites), count = 0;
    struct arena arena = {0};
    struct goals_row *rows = NULL;
    struct goal *usual = NULL;
    size_t usual_count = 0;
    int rc = goals_parse(STR(""), &arena, &usual, &usual_count, err);

    if (rc == 0)
        rc = store_load_goals(run->store, &arena, &rows, &count, err);
    const struct goals_row *at = rows;

    for (size_t i = 0; rc == 0 && i < sites_count; i++) {
        uint64_t counted =
            counted_by(&at, rows + count, sites[i]->id, goals_hash(usual, usual_count));

        if ((run->partitions >> site_partition(sites[i]->id) & 1) != 0 &&
            counted != sites[i]->goals_hash)
            rc = recount_site(run, sites[i], err);
    }
    arena_free(&arena);
    return rc;
}
