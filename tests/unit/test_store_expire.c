/*
 * test_store_expire.c -- the contract of store/store.h, run against every backend: retention.
 */
#include "test_postgres_support.h"

/* -- retention --------------------------------------------------------------------------------- */

static size_t hours_left(struct fixture *f)
{
    struct seen_stats seen = {0};

    assert_ok(f, store_each_hour(f->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX, see_stats,
                                 &seen, &f->err));
    return seen.count;
}

static bool has_sketch(struct fixture *f, int32_t day)
{
    struct sketch sketch = {{STR("abc"), SKETCH_DAY_VISITORS, day, 0}, STR("")};

    assert_ok(f, store_load_sketches(f->store, &f->arena, &sketch, 1, &f->err));
    return sketch.bytes.len > 0;
}

static void nothing_expires_without_a_bound(void **state)
{
    struct fixture *f = *state;
    struct expiry none = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    struct visit *visits;

    fill_two_days(f);
    expire(f, &none, &nothing_general);
    assert_int_equal(raw_rows(f, "abc"), 2);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 2);
    assert_int_equal(hours_left(f), 2);
    assert_true(has_sketch(f, DAY));
    assert_int_equal(load_visits(f, DAY, &visits), 1);
}

static void raw_days_take_rows_sets_and_visitor_ids(void **state)
{
    struct fixture *f = *state;
    struct expiry raw = {STR("abc"), (DAY + 1) * DAY_MS, DAY + 1, INT32_MIN, INT32_MIN};
    struct visit *visits;

    fill_two_days(f);
    expire(f, &raw, &nothing_general);
    assert_int_equal(raw_rows(f, "abc"), 1);
    assert_false(has_sketch(f, DAY));
    assert_true(has_sketch(f, DAY + 1));
    assert_int_equal(load_visits(f, DAY, &visits), 0);
    assert_int_equal(load_visits_of(f, DAY + 1, DAY + 1, &visits), 1);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 2);
    assert_int_equal(hours_left(f), 2);
}

static void stats_days_take_stats_and_ledger_and_keep_the_balance(void **state)
{
    struct fixture *f = *state;
    struct expiry stats = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MIN, DAY + 1};
    struct seen_ledger seen = {0};

    fill_two_days(f);
    assert_balance(f, 2, 2);
    expire(f, &stats, &nothing_general);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 1);
    assert_int_equal(hours_left(f), 1);
    assert_ok(f, store_each_ledger(f->store, STR("t5g"), STR("abc"), INT32_MIN, INT32_MAX,
                                   see_ledger, &seen, &f->err));
    assert_int_equal(seen.count, 1);
    assert_balance(f, 2, 2);
}

static void another_sites_rows_stay(void **state)
{
    struct fixture *f = *state;
    struct expiry all = {STR("xyz"), INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    struct visit *visits;

    fill_two_days(f);
    expire(f, &all, &nothing_general);
    assert_int_equal(raw_rows(f, "abc"), 2);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 2);
    assert_int_equal(load_visits(f, DAY, &visits), 1);
}

static const struct position_filter all_positions = {.partitions = PARTITIONS_ALL};

static void ended_producers_are_folded_and_running_ones_stay(void **state)
{
    struct fixture *f = *state;
    struct producer running = {{2}};
    struct expiry_general general = nothing_general;
    struct position *positions;
    size_t count;

    general.positions_before_ms = INT64_MAX;
    general.running = &running;
    general.running_count = 1;
    fill_two_days(f);
    expire(f, NULL, &general);
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &positions, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(positions[0].producer.id[0], 2);
    assert_balance(f, 2, 2);
}

static void positions_that_moved_lately_stay(void **state)
{
    struct fixture *f = *state;
    struct expiry_general general = nothing_general;
    struct position *positions;
    size_t count;

    general.positions_before_ms = 1000; /* in 1970 */
    fill_two_days(f);
    expire(f, NULL, &general);
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &positions, &count, &f->err));
    assert_int_equal(count, 2);
}

static void positions_of_a_log_that_is_still_there_stay(void **state)
{
    struct fixture *f = *state;
    struct producer held = {{2}};
    struct expiry_general general = nothing_general;
    struct position *positions;
    size_t count;

    general.positions_before_ms = INT64_MAX - 1;
    fill_two_days(f);
    assert_ok(f, store_hold_positions(f->store, &held, 1, INT64_MAX - 1, &f->err));
    expire(f, NULL, &general);
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &positions, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(positions[0].producer.id[0], 2);
    assert_balance(f, 2, 2);
}

static void old_keys_go(void **state)
{
    struct fixture *f = *state;
    struct event_key keys[] = {{STR("abc"), {1}, 999}, {STR("abc"), {2}, 1000}};
    struct expiry_general general = nothing_general;

    general.keys_before_ms = 1000;
    commit(f, &(struct store_batch){.keys = keys, .keys_count = 2});
    expire(f, NULL, &general);
    assert_ok(f, store_load_keys(f->store, keys, 2, &f->err));
    assert_int_equal(keys[0].received_ms, 0);
    assert_int_equal(keys[1].received_ms, 1000);
}

static void what_belongs_to_no_site_stays_without_being_asked_for(void **state)
{
    struct fixture *f = *state;
    struct expiry all = {STR("abc"), INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    struct event_key key = {STR("abc"), {1}, 1};
    struct position *positions;
    size_t count;

    fill_two_days(f);
    commit(f, &(struct store_batch){.keys = &key, .keys_count = 1});
    expire(f, &all, NULL);
    assert_int_equal(raw_rows(f, "abc"), 0);
    assert_ok(f, store_load_keys(f->store, &key, 1, &f->err));
    assert_int_equal(key.received_ms, 1);
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &positions, &count, &f->err));
    assert_int_equal(count, 2);
}

static void links_and_unfinished_runs_go_with_their_day(void **state)
{
    struct fixture *f = *state;
    struct visit rows[] = {
        {.key = {STR("abc"), DAY, 5, INT64_MIN}, .before = 6, .before_day = DAY - 1},
        {.key = {STR("abc"), DAY, 7, DAY_START}, .end_ms = DAY_START, .first_ms = INT64_MAX},
    };
    struct expiry raw = {STR("abc"), INT64_MIN, DAY, INT32_MIN, INT32_MIN};
    struct visit *visits;

    commit(f, &(struct store_batch){.visits = rows, .visits_count = 2});
    expire(f, &raw, &nothing_general);
    assert_int_equal(load_visits(f, 7, &visits), 1);
    assert_int_equal(load_visits(f, 5, &visits), 1);
    raw.raw_before_day = DAY + 1;
    expire(f, &raw, &nothing_general);
    assert_int_equal(load_visits(f, 7, &visits), 0);
    assert_int_equal(load_visits(f, 5, &visits), 0);
}

static void a_call_removes_at_most_10000_rows(void **state)
{
    enum { EVENTS = 10001 };
    struct fixture *f = *state;
    struct event *events = test_calloc(EVENTS, sizeof(*events));
    struct expiry raw = {STR("abc"), INT64_MAX, INT32_MIN, INT32_MIN, INT32_MIN};
    bool more = false;

    for (int i = 0; i < EVENTS; i++)
        events[i] = pageview("abc", DAY_START + i, "/");
    commit(f, &(struct store_batch){.events = pointers(f, events, EVENTS), .events_count = EVENTS});
    assert_ok(f, store_expire(f->store, &raw, 1, &nothing_general, 0, &more, &f->err));
    assert_true(more);
    assert_int_equal(raw_rows(f, "abc"), 1);
    assert_ok(f, store_expire(f->store, &raw, 1, &nothing_general, 0, &more, &f->err));
    assert_false(more);
    assert_int_equal(raw_rows(f, "abc"), 0);
    test_free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(nothing_expires_without_a_bound),
        ON_ALL(raw_days_take_rows_sets_and_visitor_ids),
        ON_ALL(stats_days_take_stats_and_ledger_and_keep_the_balance),
        ON_ALL(another_sites_rows_stay),
        ON_ALL(ended_producers_are_folded_and_running_ones_stay),
        ON_ALL(positions_that_moved_lately_stay),
        ON_ALL(positions_of_a_log_that_is_still_there_stay),
        ON_ALL(old_keys_go),
        ON_ALL(what_belongs_to_no_site_stays_without_being_asked_for),
        ON_ALL(links_and_unfinished_runs_go_with_their_day),
        ON_ALL(a_call_removes_at_most_10000_rows),
    };

    return run_with_postgres("store_expire", tests, sizeof(tests) / sizeof(tests[0]));
}
