/*
 * test_store_scope.c -- the contract of store/store.h, run against every backend: whose rows a read
 * finds, and which partitions a run, a stamp and a question for positions speak of.
 */
#include "test_postgres_support.h"

/* -- tenants ----------------------------------------------------------------------------------- */

static size_t days_found(struct fixture *f, const char *tenant, const char *site)
{
    struct seen_stats seen = {0};

    assert_ok(f, store_each_day(f->store, str_from(tenant), str_from(site), INT32_MIN, INT32_MAX,
                                see_stats, &seen, &f->err));
    return seen.count;
}

static size_t hours_found(struct fixture *f, const char *tenant)
{
    struct seen_stats seen = {0};

    assert_ok(f, store_each_hour(f->store, str_from(tenant), STR("abc"), INT64_MIN, INT64_MAX,
                                 see_stats, &seen, &f->err));
    return seen.count;
}

static size_t ledger_found(struct fixture *f, const char *tenant)
{
    struct seen_ledger seen = {0};

    assert_ok(f, store_each_ledger(f->store, str_from(tenant), STR("abc"), INT32_MIN, INT32_MAX,
                                   see_ledger, &seen, &f->err));
    return seen.count;
}

static size_t events_found(struct fixture *f, const char *tenant)
{
    struct event_row *rows;
    size_t count;

    assert_ok(f, store_page_events(f->store, str_from(tenant), STR("abc"), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &rows,
                                   &count, &f->err));
    return count;
}

static void a_row_of_another_tenant_is_not_found(void **state)
{
    static const char *const others[] = {"t5", "t5g2", "T5G", "abc", ""};
    struct fixture *f = *state;

    fill_two_days(f); /* of site abc of tenant t5g */
    assert_int_equal(days_found(f, "t5g", "abc"), 2);
    assert_int_equal(hours_found(f, "t5g"), 2);
    assert_int_equal(ledger_found(f, "t5g"), 2);
    assert_int_equal(events_found(f, "t5g"), 2);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(days_found(f, others[i], "abc"), 0);
        assert_int_equal(hours_found(f, others[i]), 0);
        assert_int_equal(ledger_found(f, others[i]), 0);
        assert_int_equal(events_found(f, others[i]), 0);
    }
}

static void a_tenants_sum_leaves_out_what_its_site_has_of_another(void **state)
{
    struct fixture *f = *state;
    struct site_row site = site_named("abc", "owner");

    assert_ok(f, store_put_site(f->store, &site, &somebody, &f->err));
    fill_two_days(f); /* of site abc of tenant t5g */
    assert_int_equal(days_found(f, "owner", ""), 0);
    assert_int_equal(days_found(f, "t5g", ""), 0);
}

/* -- many sites -------------------------------------------------------------------------------- */

struct seen_spans {
    size_t count;
    int64_t pageviews[4]; /* by place */
    int32_t days[4];      /* the last one */
    int stop_with;
};

static int see_span(void *ctx, size_t place, const struct stats_row *row)
{
    struct seen_spans *seen = ctx;

    assert_true(place < 4);
    seen->count++;
    seen->pageviews[place] += row->stats.pageviews;
    seen->days[place] = row->day;
    assert_true(str_eq(row->tenant, STR("t5g")));
    assert_true(row->site.len == 3);
    return seen->stop_with;
}

/* Sites abc and def have 1 pageview on DAY, 10 the day after, 100 on the third, each in the hour at
 * noon. */
static void fill_two_sites(struct fixture *f)
{
    static const char *const names[] = {"abc", "def"};
    int64_t pageviews = 1;

    for (int32_t day = DAY; day <= DAY + 2; day++, pageviews *= 10)
        for (size_t i = 0; i < 2; i++) {
            struct stats_row daily = {
                str_from(names[i]), STR("t5g"), day, 0, {.pageviews = pageviews}};
            struct stats_row hourly = daily;

            hourly.hour_ms = day * DAY_MS + 12 * HOUR_MS;
            commit(f, &(struct store_batch){
                          .days = &daily, .days_count = 1, .hours = &hourly, .hours_count = 1});
        }
}

static void days_of_many_sites_come_each_from_its_own_span(void **state)
{
    struct fixture *f = *state;
    const struct site_span spans[] = {{STR("t5g"), STR("def"), DAY + 1, DAY + 1},
                                      {STR("t5g"), STR("abc"), DAY, DAY + 1},
                                      {STR("t5g"), STR("abc"), DAY + 1, INT32_MAX},
                                      {STR("t5g"), STR("def"), INT32_MIN, DAY - 1}};
    struct seen_spans seen = {0};

    fill_two_sites(f);
    assert_ok(f, store_each_day_of(f->store, spans, 4, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 1 + 2 + 2);
    assert_int_equal(seen.pageviews[0], 10);
    assert_int_equal(seen.days[0], DAY + 1);
    assert_int_equal(seen.pageviews[1], 11);
    assert_int_equal(seen.pageviews[2], 110);
    assert_int_equal(seen.pageviews[3], 0);
}

static void hours_of_many_sites_come_each_from_its_own_span(void **state)
{
    struct fixture *f = *state;
    const int64_t noon = DAY * DAY_MS + 12 * HOUR_MS;
    const struct site_span spans[] = {{STR("t5g"), STR("def"), noon, noon + 1},
                                      {STR("t5g"), STR("abc"), noon + 1, noon + DAY_MS},
                                      {STR("t5g"), STR("abc"), noon, noon + DAY_MS + 1},
                                      {STR("t5g"), STR("def"), noon + DAY_MS, INT64_MAX}};
    struct seen_spans seen = {0};

    fill_two_sites(f);
    assert_ok(f, store_each_hour_of(f->store, spans, 4, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 1 + 0 + 2 + 2);
    assert_int_equal(seen.pageviews[0], 1);
    assert_int_equal(seen.pageviews[1], 0);
    assert_int_equal(seen.pageviews[2], 11);
    assert_int_equal(seen.days[2], DAY + 1);
    assert_int_equal(seen.pageviews[3], 110);
}

static void many_sites_are_each_its_own_tenant_s(void **state)
{
    struct fixture *f = *state;
    const struct site_span days[] = {{STR("t5"), STR("abc"), DAY, DAY},
                                     {STR("t5g"), STR("abc"), DAY, DAY},
                                     {STR("abc"), STR("t5g"), DAY, DAY},
                                     {STR(""), STR("def"), DAY, DAY}};
    const struct site_span hours[] = {{STR("T5G"), STR("abc"), 0, INT64_MAX},
                                      {STR("t5g"), STR("abc"), 0, INT64_MAX},
                                      {STR("t5g"), STR("ABC"), 0, INT64_MAX},
                                      {STR("t5g\"]"), STR("def"), 0, INT64_MAX}};
    struct seen_spans seen = {0};

    fill_two_sites(f);
    assert_ok(f, store_each_day_of(f->store, days, 4, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.pageviews[1], 1);
    assert_ok(f, store_each_hour_of(f->store, hours, 4, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 1 + 3);
    assert_int_equal(seen.pageviews[1], 1 + 111);
}

static void reading_many_sites_ends_where_it_is_told_to(void **state)
{
    struct fixture *f = *state;
    const struct site_span spans[] = {{STR("t5g"), STR("abc"), DAY, DAY + 2},
                                      {STR("t5g"), STR("def"), DAY, DAY + 2}};
    struct seen_spans seen = {.stop_with = 7};

    fill_two_sites(f);
    assert_int_equal(store_each_day_of(f->store, spans, 2, see_span, &seen, &f->err), 7);
    assert_int_equal(seen.count, 1);
    seen = (struct seen_spans){0};
    assert_ok(f, store_each_day_of(f->store, spans, 2, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 6);
    assert_ok(f, store_each_day_of(f->store, spans, 0, see_span, &seen, &f->err));
    assert_int_equal(seen.count, 6);
}

/* -- stamps ------------------------------------------------------------------------------------ */

static uint32_t bit_of(const char *site)
{
    return UINT32_C(1) << site_partition(str_from(site));
}

/* A site of another partition than abc's. */
static const char *elsewhere(char out[8])
{
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(out, 8, "s%d", i);
        if (bit_of(out) != bit_of("abc"))
            return out;
    }
    fail_msg("all sites are in one partition");
    return NULL;
}

static int64_t stamp_of(struct fixture *f, uint32_t partitions)
{
    int64_t stamp = 0;

    assert_ok(f, store_stamp(f->store, partitions, &stamp, &f->err));
    return stamp;
}

/* One row or position for each way in which a batch touches abc's partition. */
static void assert_touches(struct fixture *f, const struct store_batch *batch, const char *what)
{
    uint32_t own = bit_of("abc"), others = PARTITIONS_ALL & ~own;
    int64_t before = stamp_of(f, own), rest = stamp_of(f, others);
    int64_t all = stamp_of(f, PARTITIONS_ALL);

    commit(f, batch);
    if (stamp_of(f, own) == before || stamp_of(f, PARTITIONS_ALL) == all)
        fail_msg("the stamp did not move: %s", what);
    if (stamp_of(f, others) != rest)
        fail_msg("the stamp of other partitions moved: %s", what);
}

static void a_stamp_moves_with_each_commit_that_touches_its_partition(void **state)
{
    struct fixture *f = *state;
    struct stats_row daily = {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 1}};
    struct stats_row hourly = {STR("abc"), STR("t5g"), DAY, DAY_START, {.pageviews = 1}};
    struct ledger_row ledger = {STR("abc"), STR("t5g"), DAY, LEDGER_STORED, STR(""), 1, 1};
    struct position_move move = move_to(1, 0, 1);

    struct site_day day = {STR("abc"), DAY};
    struct goals_row goals = {STR("abc"), 1};

    move.from.partition = site_partition(STR("abc"));
    for (int i = 0; i < 2; i++) {
        assert_touches(f, &(struct store_batch){.days = &daily, .days_count = 1}, "days");
        assert_touches(f, &(struct store_batch){.hours = &hourly, .hours_count = 1}, "hours");
        assert_touches(f, &(struct store_batch){.ledger = &ledger, .ledger_count = 1}, "ledger");
    }
    assert_touches(f, &(struct store_batch){.positions = &move, .positions_count = 1}, "positions");
    assert_touches(f, &(struct store_batch){.due = &day, .due_count = 1}, "due");
    assert_touches(f, &(struct store_batch){.packed = &day, .packed_count = 1}, "packed");
    assert_touches(f, &(struct store_batch){.goals = &goals, .goals_count = 1}, "goals");
}

static void a_batch_of_two_sites_moves_the_stamps_of_both(void **state)
{
    struct fixture *f = *state;
    char other[8];
    struct stats_row rows[] = {
        {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 1}},
        {str_from(elsewhere(other)), STR("t5g"), DAY, 0, {.pageviews = 1}},
    };
    int64_t first = stamp_of(f, bit_of("abc")), second = stamp_of(f, bit_of(other));
    uint32_t rest = PARTITIONS_ALL & ~bit_of("abc") & ~bit_of(other);
    int64_t others = stamp_of(f, rest);

    commit(f, &(struct store_batch){.days = rows, .days_count = 2});
    assert_int_not_equal(stamp_of(f, bit_of("abc")), first);
    assert_int_not_equal(stamp_of(f, bit_of(other)), second);
    assert_int_equal(stamp_of(f, rest), others);
}

static void reading_does_not_move_a_stamp(void **state)
{
    struct fixture *f = *state;
    int64_t before = stamp_of(f, PARTITIONS_ALL);

    (void)days_of(f, "abc", DAY, DAY);
    commit(f, &(struct store_batch){0});
    assert_int_equal(stamp_of(f, PARTITIONS_ALL), before);
}

static void a_commit_that_failed_does_not_move_a_stamp(void **state)
{
    struct fixture *f = *state;
    struct position_move move = move_to(1, 7, 8);
    struct stats_row row = {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 1}};
    struct store_batch batch = {
        .days = &row, .days_count = 1, .positions = &move, .positions_count = 1};
    int64_t before = stamp_of(f, PARTITIONS_ALL);

    assert_int_equal(store_commit(f->store, &batch, &f->err), ERR_CONFLICT);
    assert_int_equal(stamp_of(f, PARTITIONS_ALL), before);
}

static void every_stamp_moves_with_each_change_of_the_directory(void **state)
{
    struct fixture *f = *state;
    struct tenant_row tenant = tenant_named("five", "Five");
    struct site_row site = site_named("abc", "t5g");
    struct token_row token = {
        .id = STR("k1"), .tenant = STR("t5g"), .scopes = SCOPE_STATS_READ, .hash = {1}};

    for (unsigned p = 0; p < PARTITIONS; p++) {
        uint32_t bit = UINT32_C(1) << p;
        int64_t stamps[7] = {stamp_of(f, bit)};

        assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
        stamps[1] = stamp_of(f, bit);
        assert_ok(f, store_put_site(f->store, &site, &somebody, &f->err));
        stamps[2] = stamp_of(f, bit);
        assert_ok(f, store_put_token(f->store, &token, &somebody, &f->err));
        stamps[3] = stamp_of(f, bit);
        assert_ok(f, store_remove_token(f->store, token.id, &somebody, &f->err));
        stamps[4] = stamp_of(f, bit);
        assert_ok(f, store_remove_site(f->store, site.id, &somebody, &f->err));
        stamps[5] = stamp_of(f, bit);
        assert_ok(f, store_remove_tenant(f->store, tenant.id, &somebody, &f->err));
        stamps[6] = stamp_of(f, bit);
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < i; j++)
                assert_int_not_equal(stamps[i], stamps[j]);
    }
}

/* -- positions --------------------------------------------------------------------------------- */

static struct position_move move_in(uint16_t partition, uint8_t producer, uint64_t to)
{
    struct position_move move = move_to(producer, 0, to);

    move.from.partition = partition;
    return move;
}

/* "producer.partition=number" of each, with a space behind. */
static const char *positions_text(struct fixture *f, const struct position_filter *filter,
                                  char out[128])
{
    struct position *positions;
    size_t count, len = 0;

    assert_ok(f, store_positions(f->store, filter, &f->arena, &positions, &count, &f->err));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, 128 - len, "%u.%u=%u ", positions[i].producer.id[0],
                                positions[i].partition, (unsigned)positions[i].number);
    return out;
}

static void positions_are_found_by_partition_and_producer(void **state)
{
    struct fixture *f = *state;
    struct position_move moves[] = {move_in(15, 2, 6), move_in(0, 1, 1), move_in(15, 1, 3),
                                    move_in(5, 2, 5),  move_in(5, 1, 2), move_in(0, 3, 7)};
    const struct producer producers[] = {{{3}}, {{1}}, {{9}}};
    const struct {
        struct position_filter filter;
        const char *expected;
    } cases[] = {
        {{PARTITIONS_ALL, NULL, 0}, "1.0=1 1.5=2 1.15=3 2.5=5 2.15=6 3.0=7 "},
        {{1U << 5, NULL, 0}, "1.5=2 2.5=5 "},
        {{1U << 15 | 1U, NULL, 0}, "1.0=1 1.15=3 2.15=6 3.0=7 "},
        {{1U << 7, NULL, 0}, ""},
        {{0, NULL, 0}, ""},
        {{PARTITIONS_ALL, producers, 3}, "1.0=1 1.5=2 1.15=3 3.0=7 "},
        {{PARTITIONS_ALL, producers, 1}, "3.0=7 "},
        {{1U << 5, producers, 3}, "1.5=2 "},
        {{PARTITIONS_ALL, producers, 0}, ""},
    };
    char text[128];

    commit(f, &(struct store_batch){.positions = moves, .positions_count = 6});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(positions_text(f, &cases[i].filter, text), cases[i].expected);
}

/* -- runs -------------------------------------------------------------------------------------- */

static void how_far_all_saw_is_the_least_of_the_partitions(void **state)
{
    struct fixture *f = *state;
    const uint32_t low = 0x00ff, high = 0xff00;

    assert_ok(f, store_finish_run(f->store, low, 1000, 1001, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 0);
    assert_int_equal(counter_of(f, COUNTER_LAST_SUCCESS), 1001);
    assert_ok(f, store_finish_run(f->store, high, 500, 1002, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 500);
    assert_ok(f, store_finish_run(f->store, high, 2000, 1003, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 1000);
    assert_int_equal(counter_of(f, COUNTER_LAST_SUCCESS), 1003);
}

static void how_far_a_run_saw_never_goes_back(void **state)
{
    struct fixture *f = *state;

    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 1000, 1001, &f->err));
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 900, 1002, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 1000);
    assert_ok(f, store_finish_run(f->store, 1, 900, 1002, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(a_row_of_another_tenant_is_not_found),
        ON_ALL(a_tenants_sum_leaves_out_what_its_site_has_of_another),
        ON_ALL(days_of_many_sites_come_each_from_its_own_span),
        ON_ALL(hours_of_many_sites_come_each_from_its_own_span),
        ON_ALL(many_sites_are_each_its_own_tenant_s),
        ON_ALL(reading_many_sites_ends_where_it_is_told_to),
        ON_ALL(a_stamp_moves_with_each_commit_that_touches_its_partition),
        ON_ALL(a_batch_of_two_sites_moves_the_stamps_of_both),
        ON_ALL(reading_does_not_move_a_stamp),
        ON_ALL(a_commit_that_failed_does_not_move_a_stamp),
        ON_ALL(every_stamp_moves_with_each_change_of_the_directory),
        ON_ALL(positions_are_found_by_partition_and_producer),
        ON_ALL(how_far_all_saw_is_the_least_of_the_partitions),
        ON_ALL(how_far_a_run_saw_never_goes_back),
    };

    return run_with_postgres("store_scope", tests, sizeof(tests) / sizeof(tests[0]));
}
