/*
 * query_fixture.h -- a store with a few sites, to be filled by hand: what the tests of query/ and
 * api/ share.
 */
#ifndef ABACUS_TEST_QUERY_FIXTURE_H
#define ABACUS_TEST_QUERY_FIXTURE_H

#include "base/date.h"
#include "query/query.h"
#include "rollup/distinct.h"
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

#endif
