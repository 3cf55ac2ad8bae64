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

/* -- packs and due days ------------------------------------------------------------------------ */

static const int32_t kept_parts[] = {0, 99, 100, 199, 200, 201};
enum { KEPT_PARTS = sizeof(kept_parts) / sizeof(kept_parts[0]) };

/* Of abc: DAY and the day after, each with parts on both sides of every bound, and due. */
static void fill_packs(struct fixture *f)
{
    const struct site_day due[] = {{STR("abc"), DAY}, {STR("abc"), DAY + 1}};
    struct pack_part parts[2 * KEPT_PARTS];

    for (size_t i = 0; i < 2 * KEPT_PARTS; i++)
        parts[i] = (struct pack_part){STR("abc"), DAY + (int32_t)(i / KEPT_PARTS),
                                      kept_parts[i % KEPT_PARTS], STR("bytes")};
    commit(f, &(struct store_batch){
                  .due = due, .due_count = 2, .packs = parts, .packs_count = 2 * KEPT_PARTS});
}

static int see_part(void *ctx, const struct pack_part *part)
{
    buf_addf(ctx, "%d/%d ", part->day - DAY, part->part);
    return 0;
}

/* "day/part" of each, with a space behind. The site must be there, and t5g's. */
static void assert_parts(struct fixture *f, const char *expected)
{
    struct buf seen = {0};

    assert_ok(f, store_each_pack(f->store, STR("t5g"), STR("abc"), INT32_MIN, INT32_MAX, kept_parts,
                                 KEPT_PARTS, see_part, &seen, &f->err));
    assert_str(buf_str(&seen), expected);
    buf_release(&seen);
}

static size_t due_left(struct fixture *f, int32_t *first)
{
    struct site_day *days;
    size_t count;

    assert_ok(
        f, store_load_due(f->store, PARTITIONS_ALL, INT32_MAX, &f->arena, &days, &count, &f->err));
    *first = count > 0 ? days[0].day : 0;
    return count;
}

static void assert_due(struct fixture *f, size_t count, int32_t first)
{
    int32_t day;

    assert_int_equal(due_left(f, &day), count);
    assert_int_equal(day, first);
}

#define FIRST_DAY "0/0 0/99 0/100 0/199 0/200 0/201 "
#define SECOND_DAY "1/0 1/99 1/100 1/199 1/200 1/201 "

static void put_abc(struct fixture *f)
{
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

static void packs_stay_without_a_bound(void **state)
{
    struct fixture *f = *state;
    struct expiry none = {STR("abc"), INT64_MAX, INT32_MIN, INT32_MIN, INT32_MIN};
    struct expiry other = {STR("xyz"), INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};

    put_abc(f);
    fill_packs(f);
    expire(f, &none, &nothing_general);
    expire(f, &other, &nothing_general);
    assert_parts(f, FIRST_DAY SECOND_DAY);
    assert_due(f, 2, DAY);
}

static void raw_days_take_parts_of_events_and_due_days(void **state)
{
    struct fixture *f = *state;
    struct expiry raw = {STR("abc"), INT64_MIN, DAY, INT32_MIN, INT32_MIN};

    put_abc(f);
    fill_packs(f);
    expire(f, &raw, &nothing_general);
    assert_parts(f, FIRST_DAY SECOND_DAY);
    assert_due(f, 2, DAY);
    raw.raw_before_day = DAY + 1;
    expire(f, &raw, &nothing_general);
    assert_parts(f, "0/0 0/99 0/100 0/199 " SECOND_DAY);
    assert_due(f, 1, DAY + 1);
}

static void visit_days_take_parts_of_visits(void **state)
{
    struct fixture *f = *state;
    struct expiry visits = {STR("abc"), INT64_MIN, INT32_MIN, DAY, INT32_MIN};

    put_abc(f);
    fill_packs(f);
    expire(f, &visits, &nothing_general);
    assert_parts(f, FIRST_DAY SECOND_DAY);
    visits.visits_before_day = DAY + 1;
    expire(f, &visits, &nothing_general);
    assert_parts(f, "0/0 0/99 0/200 0/201 " SECOND_DAY);
    assert_due(f, 2, DAY);
}

static void visit_days_leave_the_visits_of_raw_days(void **state)
{
    struct fixture *f = *state;
    struct expiry visits = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MAX, INT32_MIN};
    struct visit *rows;

    fill_two_days(f);
    expire(f, &visits, &nothing_general);
    assert_int_equal(load_visits(f, DAY, &rows), 1);
}

static void stats_days_take_whole_packs_and_due_days(void **state)
{
    struct fixture *f = *state;
    struct expiry stats = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MIN, DAY};

    put_abc(f);
    fill_packs(f);
    expire(f, &stats, &nothing_general);
    assert_parts(f, FIRST_DAY SECOND_DAY);
    assert_due(f, 2, DAY);
    stats.stats_before_day = DAY + 1;
    expire(f, &stats, &nothing_general);
    assert_parts(f, SECOND_DAY);
    assert_due(f, 1, DAY + 1);
}

static size_t goals_left(struct fixture *f)
{
    struct goals_row *rows;
    size_t count;

    assert_ok(f, store_load_goals(f->store, &f->arena, &rows, &count, &f->err));
    return count;
}

static void a_removed_sites_packs_go_by_its_retention_and_its_goals_with_the_last(void **state)
{
    struct fixture *f = *state;
    const struct goals_row goals[] = {{STR("abc"), 1}, {STR("xyz"), 2}};
    struct site_row stranger = site_named("abc", "else");
    struct expiry_general general = nothing_general;

    put_abc(f);
    fill_packs(f);
    commit(f, &(struct store_batch){.goals = goals, .goals_count = 2});
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    general.removed = (struct expiry){STR(""), INT64_MAX, DAY + 1, DAY + 1, DAY};
    expire(f, NULL, &general);
    assert_int_equal(goals_left(f), 2);
    put_abc(f);
    assert_parts(f, "0/0 0/99 " SECOND_DAY);
    assert_due(f, 1, DAY + 1);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));

    /* Due days alone, and parts alone, keep the id. */
    general.removed = (struct expiry){STR(""), INT64_MAX, INT32_MIN, INT32_MIN, DAY + 1};
    expire(f, NULL, &general);
    assert_int_equal(store_put_site(f->store, &stranger, &somebody, &f->err), ERR_CONFLICT);
    general.removed.stats_before_day = DAY + 2;
    expire(f, NULL, &general);
    assert_due(f, 0, 0);
    assert_int_equal(goals_left(f), 1);
    assert_ok(f, store_put_site(f->store, &stranger, &somebody, &f->err));
}

static void a_due_day_or_a_part_alone_keeps_a_removed_sites_id(void **state)
{
    struct fixture *f = *state;
    const struct site_day due = {STR("abc"), DAY};
    const struct pack_part part = {STR("abc"), DAY, 0, STR("a")};
    struct site_row stranger = site_named("abc", "else");
    struct expiry_general general = nothing_general;

    general.removed = (struct expiry){STR(""), INT64_MIN, INT32_MIN, INT32_MIN, DAY};
    for (int i = 0; i < 2; i++) {
        put_abc(f);
        commit(f, i == 0 ? &(struct store_batch){.due = &due, .due_count = 1}
                         : &(struct store_batch){.packs = &part, .packs_count = 1});
        assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
        expire(f, NULL, &general);
        assert_int_equal(store_put_site(f->store, &stranger, &somebody, &f->err), ERR_CONFLICT);
        general.removed.stats_before_day = DAY + 1;
        expire(f, NULL, &general);
        assert_ok(f, store_put_site(f->store, &stranger, &somebody, &f->err));
        assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
        expire(f, NULL, &general);
        general.removed.stats_before_day = DAY;
    }
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

static void raw_days_take_rows_sets_and_visits(void **state)
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

/* A file is never counted twice, however long ago it was imported. */
static void positions_of_imports_stay_for_ever(void **state)
{
    struct fixture *f = *state;
    struct expiry_general general = nothing_general;
    struct position *positions;
    const struct position_move moves[] = {
        {{.producer = {"import\0\0\1abcdefg"}}, 5},
        {{.producer = {"import\0\1\1abcdefg"}}, 7}, /* a node's: it differs in the eighth byte */
    };
    const struct ledger_row row = {.site = STR("abc"),
                                   .tenant = STR("t5g"),
                                   .day = DAY,
                                   .kind = LEDGER_DROPPED,
                                   .reason = STR("not-a-page"),
                                   .events = 12,
                                   .records = 12};
    size_t count;

    general.positions_before_ms = INT64_MAX;
    commit(f, &(struct store_batch){
                  .positions = moves, .positions_count = 2, .ledger = &row, .ledger_count = 1});
    expire(f, NULL, &general);
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &positions, &count, &f->err));
    assert_int_equal(count, 1);
    assert_memory_equal(positions[0].producer.id, "import\0\0\1abcdefg", PRODUCER_BYTES);
    assert_int_equal(positions[0].number, 5);
    assert_balance(f, 12, 12);
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

static void a_visit_over_midnight_goes_with_its_last_day(void **state)
{
    struct fixture *f = *state;
    const struct visit row = {.key = {STR("abc"), DAY, 7, DAY_START},
                              .end_ms = DAY_START + 86400000,
                              .first_ms = DAY_START,
                              .first_day = DAY,
                              .last_day = DAY + 1,
                              .pageviews = 2};
    struct expiry raw = {STR("abc"), INT64_MIN, DAY + 1, INT32_MIN, INT32_MIN};
    struct visit *visits;

    commit(f, &(struct store_batch){.visits = &row, .visits_count = 1});
    expire(f, &raw, &nothing_general);
    assert_int_equal(load_visits(f, 7, &visits), 1);
    raw.raw_before_day = DAY + 2;
    expire(f, &raw, &nothing_general);
    assert_int_equal(load_visits(f, 7, &visits), 0);
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
        ON_ALL(packs_stay_without_a_bound),
        ON_ALL(raw_days_take_parts_of_events_and_due_days),
        ON_ALL(visit_days_take_parts_of_visits),
        ON_ALL(visit_days_leave_the_visits_of_raw_days),
        ON_ALL(stats_days_take_whole_packs_and_due_days),
        ON_ALL(a_removed_sites_packs_go_by_its_retention_and_its_goals_with_the_last),
        ON_ALL(a_due_day_or_a_part_alone_keeps_a_removed_sites_id),
        ON_ALL(nothing_expires_without_a_bound),
        ON_ALL(raw_days_take_rows_sets_and_visits),
        ON_ALL(stats_days_take_stats_and_ledger_and_keep_the_balance),
        ON_ALL(another_sites_rows_stay),
        ON_ALL(ended_producers_are_folded_and_running_ones_stay),
        ON_ALL(positions_that_moved_lately_stay),
        ON_ALL(positions_of_a_log_that_is_still_there_stay),
        ON_ALL(positions_of_imports_stay_for_ever),
        ON_ALL(old_keys_go),
        ON_ALL(what_belongs_to_no_site_stays_without_being_asked_for),
        ON_ALL(links_and_unfinished_runs_go_with_their_day),
        ON_ALL(a_visit_over_midnight_goes_with_its_last_day),
        ON_ALL(a_call_removes_at_most_10000_rows),
    };

    return run_with_postgres("store_expire", tests, sizeof(tests) / sizeof(tests[0]));
}
