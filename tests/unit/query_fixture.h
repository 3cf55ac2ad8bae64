/*
 * query_fixture.h -- a store with a few sites, to be filled by hand: what the tests of query/ and
 * api/ share.
 */
#ifndef ABACUS_TEST_QUERY_FIXTURE_H
#define ABACUS_TEST_QUERY_FIXTURE_H

#include "base/date.h"
#include "facts/facts.h"
#include "query/query.h"
#include "rollup/distinct.h"
#include "rollup/rollup.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static inline int32_t day(const char *text)
{
    int32_t out;

    assert_true(date_parse(str_from(text), &out));
    return out;
}

static inline int64_t instant(const char *text)
{
    int64_t ms;

    assert_true(instant_parse(str_from(text), &ms));
    return ms;
}

/* The directory of this process's store: for the job's lock and the salts, which are files also of
 * the memory double. */
enum { FIXTURE_PATH = 64 };
static inline void fixture_path(char out[FIXTURE_PATH], const char *name)
{
    (void)snprintf(out, FIXTURE_PATH, "/tmp/abacus-fixture-%d%s", (int)getpid(), name);
}

static inline struct store *fixture_open(void)
{
    char dir[FIXTURE_PATH];

    fixture_path(dir, "");
    struct store_config config = {.url = STR("memory:"), .data_dir = str_from(dir)};
    struct store *store = NULL;
    struct err err = {0};

    if (store_open(&config, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static inline void fixture_close(struct store **store)
{
    static const char *const names[] = {"/aggregate.lock", "/writers.lock", "/salts", "/salts.lock",
                                        ""};
    char path[FIXTURE_PATH];

    store_close(store);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fixture_path(path, names[i]);
        (void)remove(path);
    }
}

/* `stats_days` 0: for ever. */
static inline void fixture_site(struct store *store, const char *tenant, const char *id,
                                const char *timezone, int32_t stats_days)
{
    struct site_row row = site_row_default();
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    row.id = str_from(id);
    row.tenant = str_from(tenant);
    row.domain = STR("example.com");
    row.timezone = str_from(timezone);
    row.stats_days = stats_days;
    if (store_put_site(store, &row, &actor, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void fixture_commit(struct store *store, const struct store_batch *batch)
{
    struct err err = {0};
    uint32_t got;

    if (store_lease(store, PARTITIONS_ALL, true, true, &got, &err) != 0 ||
        store_commit(store, batch, &err) != 0)
        fail_msg("%s", err.text);
    store_unlease(store);
}

static inline void fixture_day(struct store *store, const char *tenant, const char *site,
                               const char *date, struct stats stats)
{
    struct stats_row row = {str_from(site), str_from(tenant), day(date), 0, stats};

    fixture_commit(store, &(struct store_batch){.days = &row, .days_count = 1});
}

/* `hour`: the instant at which the local hour begins; `date`: the local date. */
static inline void fixture_hour(struct store *store, const char *tenant, const char *site,
                                const char *date, const char *hour, struct stats stats)
{
    struct stats_row row = {str_from(site), str_from(tenant), day(date), instant(hour), stats};

    fixture_commit(store, &(struct store_batch){.hours = &row, .hours_count = 1});
}

static inline void fixture_ledger(struct store *store, const char *tenant, const char *site,
                                  const char *date, enum ledger_kind kind, const char *reason,
                                  int64_t events)
{
    struct ledger_row row = {str_from(site),   str_from(tenant), day(date), kind,
                             str_from(reason), events,           1};

    fixture_commit(store, &(struct store_batch){.ledger = &row, .ledger_count = 1});
}

/* The hour's set of visitors `first` to `last`. */
static inline void fixture_sketch(struct store *store, const char *site, enum sketch_kind kind,
                                  const char *date, const char *hour, uint64_t first, uint64_t last)
{
    struct arena arena = {0};
    struct distinct *set = NULL;
    struct err err = {0};

    assert_int_equal(distinct_load((struct str){NULL, 0}, &arena, &set, &err), 0);
    for (uint64_t i = first; i <= last; i++)
        (void)distinct_add(set, i * UINT64_C(0x9e3779b97f4a7c15), &arena);
    struct sketch sketch = {{str_from(site), kind, day(date), instant(hour)},
                            distinct_save(set, &arena)};
    fixture_commit(store, &(struct store_batch){.sketches = &sketch, .sketches_count = 1});
    arena_free(&arena);
}

static inline struct tz *fixture_tz(const char *name)
{
    struct tz *tz = NULL;
    struct err err = {0};

    assert_int_equal(tz_load(str_from(name), &tz, &err), 0);
    return tz;
}

/* Count these events of one site as the job does, in one batch: rows, visits, sums, due days. */
static inline void fixture_events(struct store *store, const struct site *site,
                                  const struct event *events, size_t count)
{
    struct arena arena = {0};
    struct rollup *rollup = rollup_new(&arena);
    struct store_batch batch = {0};
    struct err err = {0};
    size_t wanted = 0;

    for (size_t i = 0; i < count; i++)
        rollup_add(rollup, &events[i], INT32_MIN,
                   goals_met(site->goals, site->goals_count, &events[i]) != 0);
    struct sketch *sketches = rollup_sketches(rollup, &wanted);
    assert_int_equal(store_load_sketches(store, &arena, sketches, wanted, &err), 0);
    for (;;) {
        const struct visitor_key *visitors = rollup_visitors(rollup, &wanted);
        struct visit *visits = NULL;
        size_t visits_count = 0;
        if (wanted == 0)
            break;
        assert_int_equal(
            store_load_visits(store, &arena, visitors, wanted, &visits, &visits_count, &err), 0);
        rollup_visits(rollup, visits, visits_count);
    }
    assert_int_equal(rollup_apply(rollup, &batch, &err), 0);
    fixture_commit(store, &batch);
    arena_free(&arena);
}

/* Pack a day as the job does. */
static inline void fixture_pack(struct store *store, const struct site *site, int32_t day)
{
    struct arena arena = {0};
    struct facts *facts = NULL;
    struct pack_part *parts = NULL;
    struct err err = {0};
    size_t count = 0;
    struct site_day packed = {site->id, day};

    if (facts_load(store, site, day, &arena, &facts, &err) != 0)
        fail_msg("%s", err.text);
    facts_pack(facts, (size_t)site->paths_per_day, &arena, &parts, &count);
    fixture_commit(store,
                   &(struct store_batch){
                       .packed = &packed, .packed_count = 1, .packs = parts, .packs_count = count});
    arena_free(&arena);
}

/* An event of a site at an instant, in its zone; a pageview unless `name` says otherwise. */
static inline struct event fixture_event(const struct site *site, const char *name, int64_t time_ms,
                                         uint64_t visitor, const char *path)
{
    struct tz_local local = tz_at(site->tz, time_ms);
    enum event_kind kind = EVENT_PAGEVIEW;

    while (kind < EVENT_CUSTOM && !str_eq(event_kind_name(kind), str_from(name)))
        kind++;
    return (struct event){.kind = kind,
                          .name = str_from(name),
                          .site = site->id,
                          .tenant = site->tenant,
                          .time_ms = time_ms,
                          .received_ms = time_ms,
                          .day = local.day,
                          .hour_ms = local.hour_ms,
                          .visitor = visitor,
                          .path = str_from(path),
                          .count = 1,
                          .scroll = -1};
}

#endif
