/* test_store_support.h -- a store in a directory of its own, and rows to put into it. */
#ifndef ABACUS_TEST_STORE_SUPPORT_H
#define ABACUS_TEST_STORE_SUPPORT_H

#include "unit.h"

#include "base/buf.h"
#include "base/date.h"
#include "store/dump.h"
#include "store/erase.h"
#include "store/holdings.h"
#include "store/managed.h"
#include "store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct str url; /* in `text` */
    struct buf text;
    struct store *store;
    struct arena arena;
    struct err err;
};

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline struct store *open_again(const struct fixture *f, bool read_only)
{
    struct store_config config = {
        .url = f->url, .data_dir = str_from(f->dir), .read_only = read_only};
    struct store *store = NULL;
    struct err err = {""};

    if (store_open(&config, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

/* `backend` is "sqlite" or "memory". */
static inline struct fixture *fixture_new(const char *backend)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/abacus-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    buf_addf(&f->text, "%s:%s/abacus.db", backend, f->dir);
    f->url = buf_str(&f->text);
    f->store = open_again(f, false);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    store_close(&f->store);
    arena_free(&f->arena);
    buf_release(&f->text);
    (void)nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
}

#define assert_ok(f, call)                                                                         \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, (f)->err.text);                                              \
    } while (0)

static inline void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(actual), expected);
}

enum { DAY = 20000 }; /* 2024-10-04 */
#define DAY_START (INT64_C(20000) * 86400000)

static inline struct event pageview(const char *site, int64_t time_ms, const char *path)
{
    return (struct event){
        .kind = EVENT_PAGEVIEW,
        .name = STR("pageview"),
        .site = str_from(site),
        .tenant = STR("t5g"),
        .time_ms = time_ms,
        .day = DAY,
        .path = str_from(path),
        .referrer = STR(""),
        .title = STR(""),
        .screen = STR(""),
        .props = STR(""),
        .count = 1,
        .scroll = -1,
    };
}

static inline struct position_move move_to(uint8_t producer, uint64_t from, uint64_t to)
{
    return (struct position_move){{{{producer}}, 3, from}, to};
}

static inline struct site_row site_named(const char *id, const char *tenant)
{
    struct site_row row = site_row_default();

    row.id = str_from(id);
    row.tenant = str_from(tenant);
    row.domain = STR("example.com");
    row.created_ms = 1000;
    return row;
}

static inline struct tenant_row tenant_named(const char *id, const char *name)
{
    struct tenant_row row = tenant_row_default();

    row.id = str_from(id);
    row.name = str_from(name);
    row.created_ms = 1000;
    return row;
}

static const struct actor somebody = {{"cli", 3}, 5000};

static inline int64_t counter_of(struct fixture *f, enum counter counter)
{
    int64_t counters[COUNTERS];

    assert_ok(f, store_counters(f->store, counters, &f->err));
    return counters[counter];
}

static inline int set_up_store(void **state)
{
    *state = fixture_new(*state);
    return 0;
}

static inline int tear_down_store(void **state)
{
    fixture_free(*state);
    return 0;
}

static inline void commit(struct fixture *f, const struct store_batch *batch)
{
    assert_ok(f, store_commit(f->store, batch, &f->err));
}

struct seen_stats {
    size_t count;
    struct stats_row rows[16];
    char sites[16][16];
    int stop_with;
};

static inline int see_stats(void *ctx, const struct stats_row *row)
{
    struct seen_stats *seen = ctx;
    size_t i = seen->count++;

    assert_true(i < 16);
    seen->rows[i] = *row;
    (void)snprintf(seen->sites[i], 16, "%.*s", STR_FMT(row->site));
    return seen->stop_with;
}

static inline struct seen_stats days_of(struct fixture *f, const char *site, int32_t from,
                                        int32_t to)
{
    struct seen_stats seen = {0};

    assert_ok(f, store_each_day(f->store, STR("t5g"), str_from(site), from, to, see_stats, &seen,
                                &f->err));
    return seen;
}

static inline const struct event *const *pointers(struct fixture *f, const struct event *events,
                                                  size_t count)
{
    const struct event **all = ARENA_NEW(&f->arena, const struct event *, count);

    for (size_t i = 0; i < count; i++)
        all[i] = &events[i];
    return all;
}

static inline void add_day(struct fixture *f, const char *site, int32_t day, struct stats stats)
{
    struct stats_row row = {str_from(site), STR("t5g"), day, 0, stats};

    commit(f, &(struct store_batch){.days = &row, .days_count = 1});
}

static inline struct visit visit_of(uint64_t visitor, int64_t begin_ms, int64_t pageviews)
{
    return (struct visit){.key = {STR("abc"), DAY, visitor, begin_ms},
                          .end_ms = begin_ms + 1000,
                          .first_ms = begin_ms + 1,
                          .first_day = DAY,
                          .first_hour_ms = DAY_START,
                          .pageviews = pageviews,
                          .others = 2};
}

static inline size_t load_visits_of(struct fixture *f, int32_t day, uint64_t visitor,
                                    struct visit **out)
{
    struct visitor_key key = {STR("abc"), day, visitor};
    size_t count = 0;

    assert_ok(f, store_load_visits(f->store, &f->arena, &key, 1, out, &count, &f->err));
    return count;
}

static inline size_t load_visits(struct fixture *f, uint64_t visitor, struct visit **out)
{
    return load_visits_of(f, DAY, visitor, out);
}

struct seen_ledger {
    size_t count;
    struct {
        int32_t day;
        enum ledger_kind kind;
        char reason[16];
        int64_t events, records;
    } rows[8];
};

static inline int see_ledger(void *ctx, const struct ledger_row *row)
{
    struct seen_ledger *seen = ctx;
    size_t i = seen->count++;

    assert_true(i < 8);
    seen->rows[i].day = row->day;
    seen->rows[i].kind = row->kind;
    seen->rows[i].events = row->events;
    seen->rows[i].records = row->records;
    (void)snprintf(seen->rows[i].reason, 16, "%.*s", STR_FMT(row->reason));
    return 0;
}

static inline void assert_balance(struct fixture *f, int64_t records, int64_t committed)
{
    struct balance balance;

    assert_ok(f, store_balance(f->store, &balance, &f->err));
    assert_int_equal(balance.ledger_records, records);
    assert_int_equal(balance.committed, committed);
}

static inline size_t raw_rows(struct fixture *f, const char *site)
{
    struct event_row *rows;
    size_t count;

    assert_ok(f, store_page_events(f->store, STR("t5g"), str_from(site), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 50000, &f->arena, &rows,
                                   &count, &f->err));
    return count;
}

static const struct expiry_general nothing_general = {
    .keys_before_ms = INT64_MIN,
    .positions_before_ms = INT64_MIN,
    .audit_before_ms = INT64_MIN,
};

static inline void expire(struct fixture *f, const struct expiry *site,
                          const struct expiry_general *general)
{
    bool more = true;

    assert_ok(f, store_expire(f->store, site, site == NULL ? 0 : 1, general, 0, &more, &f->err));
    assert_false(more);
}

/* The same things on two days. */
static inline void fill_two_days(struct fixture *f)
{
    for (int32_t day = DAY; day <= DAY + 1; day++) {
        int64_t start = day * DAY_MS;
        struct event event = pageview("abc", start, "/");
        struct stats_row daily = {STR("abc"), STR("t5g"), day, 0, {.pageviews = 1}};
        struct stats_row hourly = {STR("abc"), STR("t5g"), day, start, {.pageviews = 1}};
        struct sketch sketch = {{STR("abc"), SKETCH_DAY_VISITORS, day, 0}, STR("one")};
        struct visit visit = {.key = {STR("abc"), day, (uint64_t)day, start},
                              .end_ms = start,
                              .first_ms = start,
                              .first_day = day,
                              .first_hour_ms = start,
                              .pageviews = 1};
        struct ledger_row ledger = {STR("abc"), STR("t5g"), day, LEDGER_STORED, STR(""), 1, 1};
        struct position_move move = move_to((uint8_t)(day - DAY + 1), 0, 1);

        commit(f, &(struct store_batch){.events = pointers(f, &event, 1),
                                        .events_count = 1,
                                        .days = &daily,
                                        .days_count = 1,
                                        .hours = &hourly,
                                        .hours_count = 1,
                                        .sketches = &sketch,
                                        .sketches_count = 1,
                                        .visits = &visit,
                                        .visits_count = 1,
                                        .ledger = &ledger,
                                        .ledger_count = 1,
                                        .positions = &move,
                                        .positions_count = 1});
    }
}

/* Each test on each backend. */
#define ON(backend, test)                                                                          \
    {                                                                                              \
        backend ": " #test, test, set_up_store, tear_down_store, (void *)(uintptr_t)backend        \
    }
#define BOTH(test) ON("sqlite", test), ON("memory", test)

#endif
