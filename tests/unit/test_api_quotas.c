/*
 * test_api_quotas.c -- what a tenant and a site may use: both sides of every limit, with a clock of
 * the test's own.
 */
#include "unit.h"

#include "api/quotas.h"
#include "base/date.h"

#include <pthread.h>

enum { SECOND_US = 1000 * 1000 };

/* A tenant with two sites. */
struct world {
    struct quotas *quotas;
    struct tenant tenant;
    struct site a, b;
    int64_t us, ms; /* now */
};

static int64_t instant(const char *text)
{
    int64_t ms = 0;

    assert_true(instant_parse(str_from(text), &ms));
    return ms;
}

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->quotas = quotas_new();
    w->tenant = (struct tenant){.id = STR("five"), .active = true};
    w->a = (struct site){.id = STR("a"), .tenant = STR("five"), .owner = &w->tenant};
    w->b = (struct site){.id = STR("b"), .tenant = STR("five"), .owner = &w->tenant};
    w->us = 5 * SECOND_US;
    w->ms = instant("2026-11-22T12:00:00Z");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    quotas_free(&w->quotas);
    assert_null(w->quotas);
    test_free(w);
    return 0;
}

static int32_t month_now(const struct world *w)
{
    return quotas_month((int32_t)(w->ms / DAY_MS), NULL);
}

static size_t take(struct world *w, const struct site *site, size_t events)
{
    return quotas_take(w->quotas, site, month_now(w), events, w->us, w->ms);
}

/* The ledger's sums of the two sites. */
static void used(struct world *w, int64_t a, int64_t b, int64_t settled_ms)
{
    const struct usage_row rows[] = {{STR("five"), STR("a"), a, 77, 88},
                                     {STR("five"), STR("b"), b, 99, 11}};

    quotas_used(w->quotas, date_from_civil(2026, 11, 1), rows, 2, settled_ms);
}

/* -- events per second ------------------------------------------------------------------------- */

static void without_limits_everything_is_taken(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 1000; i++)
        assert_int_equal(take(w, &w->a, 100), 100);
    w->a.owner = NULL;
    assert_int_equal(take(w, &w->a, 100), 100);
}

static void a_bucket_holds_one_second_of_the_tenant(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_second = 200;
    assert_int_equal(take(w, &w->a, 150), 150);
    assert_int_equal(take(w, &w->b, 100), 50); /* both sites drink from it */
    assert_int_equal(take(w, &w->b, 1), 0);
    w->us += SECOND_US / 2;
    assert_int_equal(take(w, &w->a, 101), 100);
    w->us += 60 * SECOND_US;
    assert_int_equal(take(w, &w->a, 201), 200);
}

/* A request's events of a site are taken all or not at all, and beside the tenant's. */
static void a_sites_own_bucket_gives_all_or_nothing(void **state)
{
    struct world *w = *state;

    assert_true(quotas_take_second(w->quotas, &w->a, 100000, w->us)); /* no limit */
    w->a.events_per_second = 200;
    w->tenant.events_per_second = 150;
    assert_false(quotas_take_second(w->quotas, &w->a, 201, w->us));
    assert_true(quotas_take_second(w->quotas, &w->a, 150, w->us));
    assert_false(quotas_take_second(w->quotas, &w->a, 51, w->us));
    assert_true(quotas_take_second(w->quotas, &w->a, 50, w->us));
    assert_true(quotas_take_second(w->quotas, &w->b, 1000, w->us)); /* of its own, it has none */
    assert_int_equal(take(w, &w->a, 200), 150);
    w->us += SECOND_US / 2;
    assert_false(quotas_take_second(w->quotas, &w->a, 101, w->us));
    assert_true(quotas_take_second(w->quotas, &w->a, 100, w->us));
}

static void a_low_rate_still_has_a_burst(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_second = 10;
    assert_int_equal(take(w, &w->a, QUOTAS_BURST_MIN), QUOTAS_BURST_MIN);
    assert_int_equal(take(w, &w->a, 1), 0);
    w->us += SECOND_US;
    assert_int_equal(take(w, &w->a, 11), 10);
}

static void part_of_an_event_is_none(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_second = 1;
    assert_int_equal(take(w, &w->a, QUOTAS_BURST_MIN), QUOTAS_BURST_MIN);
    w->us += SECOND_US - 1;
    assert_int_equal(take(w, &w->a, 1), 0);
    w->us += 1;
    assert_int_equal(take(w, &w->a, 1), 1);
}

static void a_rate_is_met_within_a_bucket_over_a_long_time(void **state)
{
    struct world *w = *state;
    size_t taken = 0;

    w->tenant.events_per_second = 1000;
    for (int i = 0; i < 10000; i++) { /* 10 s, 3,000 offered each */
        w->us += 1000;
        taken += take(w, &w->a, 3);
    }
    /* The bucket was full when it began, and 9.999 s have passed since the first look. */
    assert_in_range(taken, 10998, 10999);
}

/* -- events per month -------------------------------------------------------------------------- */

static void a_month_of_a_tenant_ends_with_its_last_event(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    assert_int_equal(take(w, &w->a, 600), 600);
    assert_int_equal(take(w, &w->b, 399), 399);
    assert_int_equal(take(w, &w->a, 2), 1);
    assert_int_equal(take(w, &w->a, 1), 0);
    assert_int_equal(take(w, &w->b, 1), 0);
}

static void a_month_of_a_site_is_its_own(void **state)
{
    struct world *w = *state;

    w->a.events_per_month = 10;
    assert_int_equal(take(w, &w->a, 11), 10);
    assert_int_equal(take(w, &w->a, 1), 0);
    assert_int_equal(take(w, &w->b, 1000), 1000);
}

static void what_one_limit_leaves_out_the_others_do_not_count(void **state)
{
    struct world *w = *state;

    w->a.events_per_month = 10;
    w->tenant.events_per_month = 15;
    w->tenant.events_per_second = 1000;
    assert_int_equal(take(w, &w->a, 500), 10);
    assert_int_equal(take(w, &w->b, 500), 5);
    w->tenant.events_per_month = 0;
    assert_int_equal(take(w, &w->b, 1000), 985); /* of the second's thousand 15 are gone */
}

/* Sites of one tenant are in it at different times, and backends tell of days ago. */
static void months_are_counted_beside_each_other(void **state)
{
    struct world *w = *state;
    int32_t october = date_from_civil(2026, 10, 1), december = date_from_civil(2026, 12, 1);

    w->tenant.events_per_month = 5;
    w->ms = instant("2026-11-30T23:59:59.999Z");
    assert_int_equal(take(w, &w->a, 9), 5);
    assert_int_equal(take(w, &w->a, 9), 0);
    assert_int_equal(quotas_take(w->quotas, &w->b, december, 3, w->us, w->ms), 3);
    assert_int_equal(quotas_take(w->quotas, &w->b, october, 4, w->us, w->ms), 4);
    assert_int_equal(take(w, &w->a, 9), 0);
    w->ms++;
    assert_int_equal(take(w, &w->a, 9), 2);
    /* Sums of one month say nothing about the others. */
    used(w, 2, 0, w->ms + DAY_MS);
    assert_int_equal(take(w, &w->a, 1), 0);
    assert_int_equal(quotas_take(w->quotas, &w->b, october, 4, w->us, w->ms), 1);
    assert_int_equal(quotas_take(w->quotas, &w->b, date_from_civil(2026, 11, 1), 9, w->us, w->ms),
                     3);
    quotas_give(w->quotas, &w->b, october, 2);
    assert_int_equal(take(w, &w->a, 1), 0);
    assert_int_equal(quotas_take(w->quotas, &w->b, october, 4, w->us, w->ms), 2);
}

static void assert_months(const char *now, int count, int32_t first, int32_t last)
{
    int32_t months[QUOTAS_MONTHS] = {0};

    assert_int_equal(quotas_months(instant(now), months), count);
    assert_int_equal(months[0], first);
    assert_int_equal(months[count - 1], last);
}

/* An event is 30 days old at most; where it is from, it can be a day earlier or later. */
static void the_months_of_now_are_all_that_an_event_may_be_of(void **state)
{
    (void)state;
    assert_months("2026-11-22T12:00:00Z", 2, date_from_civil(2026, 10, 1),
                  date_from_civil(2026, 11, 1));
    assert_months("2026-12-30T23:59:59.999Z", 2, date_from_civil(2026, 11, 1),
                  date_from_civil(2026, 12, 1));
    assert_months("2026-12-31T00:00:00Z", 3, date_from_civil(2026, 11, 1),
                  date_from_civil(2027, 1, 1));
    assert_months("2027-03-01T00:00:00Z", 3, date_from_civil(2027, 1, 1),
                  date_from_civil(2027, 3, 1));
}

static void a_month_is_that_of_the_calendar(void **state)
{
    int32_t last = 0;

    (void)state;
    assert_int_equal(quotas_month(date_from_civil(2028, 2, 29), &last),
                     date_from_civil(2028, 2, 1));
    assert_int_equal(last, date_from_civil(2028, 2, 29));
    assert_int_equal(quotas_month(date_from_civil(2026, 12, 1), &last),
                     date_from_civil(2026, 12, 1));
    assert_int_equal(last, date_from_civil(2026, 12, 31));
}

/* -- the ledger -------------------------------------------------------------------------------- */

static void what_the_ledger_holds_is_used_up(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    w->b.events_per_month = 350;
    used(w, 400, 300, 0);
    assert_int_equal(take(w, &w->b, 1000), 50);
    assert_int_equal(take(w, &w->a, 1000), 250);
}

static void what_was_taken_here_is_not_counted_twice(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    assert_int_equal(take(w, &w->a, 300), 300);
    used(w, 200, 0, 0); /* the job has counted some of them ... */
    assert_int_equal(take(w, &w->a, 100), 100);
    used(w, 400, 0, 0); /* ... and all */
    assert_int_equal(take(w, &w->a, 1000), 600);
    used(w, 1000, 0, 0);
    assert_int_equal(take(w, &w->a, 1), 0);
}

static void what_other_nodes_took_counts_once_it_is_counted(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    assert_int_equal(take(w, &w->a, 300), 300);
    used(w, 500, 0, 0);
    assert_int_equal(take(w, &w->a, 1000), 500);
}

static void what_was_not_counted_in_the_end_is_given_back(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    assert_int_equal(take(w, &w->a, 1000), 1000);
    used(w, 900, 0, w->ms + QUOTAS_LATE_MS); /* a hundred repeats, or still on their way */
    assert_int_equal(take(w, &w->a, 1), 0);
    used(w, 900, 0, w->ms + QUOTAS_LATE_MS + 1);
    assert_int_equal(take(w, &w->a, 1000), 100);
}

/* Events never cease: a hundred are offered each second, every other one is a repeat, and the
 * ledger is three seconds behind. */
static void repeats_are_given_back_while_events_keep_coming(void **state)
{
    enum { SECONDS = 300, BEHIND = 3, ROOM_OF_MONTH = 10000 };
    struct world *w = *state;
    int64_t taken[SECONDS + 1] = {0};

    w->tenant.events_per_month = ROOM_OF_MONTH;
    for (int second = 1; second <= SECONDS; second++) {
        w->ms += 1000;
        taken[second] = taken[second - 1] + (int64_t)take(w, &w->a, 100);
        if (second > BEHIND)
            used(w, taken[second - BEHIND] / 2, 0, w->ms - BEHIND * 1000);
    }
    assert_in_range(taken[SECONDS] / 2, ROOM_OF_MONTH - ROOM_OF_MONTH / 20, ROOM_OF_MONTH);
}

static void what_was_not_stored_is_given_back(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 1000;
    w->tenant.events_per_second = 1000;
    w->a.events_per_month = 1000;
    assert_int_equal(take(w, &w->a, 1000), 1000);
    quotas_give(w->quotas, &w->a, month_now(w), 40);
    assert_int_equal(take(w, &w->a, 1000), 40);
    assert_int_equal(take(w, &w->a, 1000), 0);
}

static void what_waits_in_the_log_is_used_up(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 100;
    used(w, 40, 0, 0);
    for (int i = 0; i < 50; i++)
        quotas_queued(w->quotas, STR("five"), STR("a"), month_now(w), w->ms);
    assert_int_equal(take(w, &w->a, 100), 10);
    /* It is counted: the same events. */
    used(w, 100, 0, w->ms);
    assert_int_equal(take(w, &w->a, 1), 0);
}

static void what_waits_in_the_log_is_used_up_before_anything_is_counted(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 100;
    w->a.events_per_month = 90;
    quotas_used(w->quotas, date_from_civil(2026, 11, 1), NULL, 0, 0);
    for (int i = 0; i < 80; i++)
        quotas_queued(w->quotas, STR("five"), STR("a"), month_now(w), w->ms);
    assert_int_equal(take(w, &w->a, 100), 10);
    assert_int_equal(take(w, &w->b, 100), 10);
}

static void what_was_taken_since_is_in_the_log_too(void **state)
{
    struct world *w = *state;

    w->tenant.events_per_month = 100;
    assert_int_equal(take(w, &w->a, 30), 30);
    used(w, 0, 0, 0);
    for (int i = 0; i < 45; i++) /* fifteen of them from before there was a limit */
        quotas_queued(w->quotas, STR("five"), STR("a"), month_now(w), w->ms);
    assert_int_equal(take(w, &w->a, 100), 55);
}

/* -- reads ------------------------------------------------------------------------------------- */

static bool take_read(struct world *w, bool public, int64_t *wait_s)
{
    *wait_s = 0;
    return quotas_take_read(w->quotas, &w->tenant, public, w->us, wait_s);
}

static void a_minute_of_reads_is_had_at_once(void **state)
{
    struct world *w = *state;
    int64_t wait_s;

    w->tenant.reads_per_minute = 600;
    for (int i = 0; i < 600; i++)
        assert_true(take_read(w, false, &wait_s));
    assert_false(take_read(w, false, &wait_s));
    assert_int_equal(wait_s, 1);
    w->us += SECOND_US / 10 - 1;
    assert_false(take_read(w, false, &wait_s));
    w->us += 1;
    assert_true(take_read(w, false, &wait_s));
    assert_false(take_read(w, false, &wait_s));
}

static void who_is_refused_is_told_how_long(void **state)
{
    struct world *w = *state;
    int64_t wait_s;

    w->tenant.reads_per_minute = 6;
    for (int i = 0; i < 6; i++)
        assert_true(take_read(w, false, &wait_s));
    assert_false(take_read(w, false, &wait_s));
    assert_int_equal(wait_s, 10);
    w->us += 3 * SECOND_US + SECOND_US / 2;
    assert_false(take_read(w, false, &wait_s));
    assert_int_equal(wait_s, 7);
    w->us += 7 * SECOND_US;
    assert_true(take_read(w, false, &wait_s));
}

static void strangers_use_up_nothing_of_the_tenants_own(void **state)
{
    struct world *w = *state;
    int64_t wait_s;

    w->tenant.reads_per_minute = 2;
    for (int i = 0; i < 2; i++)
        assert_true(take_read(w, true, &wait_s));
    assert_false(take_read(w, true, &wait_s));
    for (int i = 0; i < 2; i++)
        assert_true(take_read(w, false, &wait_s));
    assert_false(take_read(w, false, &wait_s));
}

static void without_a_limit_reads_are_not_counted(void **state)
{
    struct world *w = *state;
    int64_t wait_s;

    for (int i = 0; i < 5000; i++)
        assert_true(take_read(w, false, &wait_s));
}

/* -- threads ----------------------------------------------------------------------------------- */

enum { THREADS = 4, TRIES = 5000, ROOM = 12345 };

static void *take_many(void *ctx)
{
    struct world *w = ctx;
    size_t taken = 0;

    for (int i = 0; i < TRIES; i++)
        taken += take(w, i % 2 == 0 ? &w->a : &w->b, 1);
    return (void *)(uintptr_t)taken;
}

static void threads_together_take_no_more(void **state)
{
    struct world *w = *state;
    pthread_t threads[THREADS];
    size_t taken = 0;

    w->tenant.events_per_month = ROOM;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, w), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        taken += (size_t)(uintptr_t)result;
    }
    assert_int_equal(taken, ROOM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_limits_everything_is_taken),
        TEST(a_bucket_holds_one_second_of_the_tenant),
        TEST(a_sites_own_bucket_gives_all_or_nothing),
        TEST(a_low_rate_still_has_a_burst),
        TEST(part_of_an_event_is_none),
        TEST(a_rate_is_met_within_a_bucket_over_a_long_time),
        TEST(a_month_of_a_tenant_ends_with_its_last_event),
        TEST(a_month_of_a_site_is_its_own),
        TEST(what_one_limit_leaves_out_the_others_do_not_count),
        TEST(months_are_counted_beside_each_other),
        TEST(the_months_of_now_are_all_that_an_event_may_be_of),
        TEST(a_month_is_that_of_the_calendar),
        TEST(what_the_ledger_holds_is_used_up),
        TEST(what_was_taken_here_is_not_counted_twice),
        TEST(what_other_nodes_took_counts_once_it_is_counted),
        TEST(what_was_not_counted_in_the_end_is_given_back),
        TEST(repeats_are_given_back_while_events_keep_coming),
        TEST(what_was_not_stored_is_given_back),
        TEST(what_waits_in_the_log_is_used_up),
        TEST(what_waits_in_the_log_is_used_up_before_anything_is_counted),
        TEST(what_was_taken_since_is_in_the_log_too),
        TEST(a_minute_of_reads_is_had_at_once),
        TEST(who_is_refused_is_told_how_long),
        TEST(strangers_use_up_nothing_of_the_tenants_own),
        TEST(without_a_limit_reads_are_not_counted),
        TEST(threads_together_take_no_more),
    };

    return cmocka_run_group_tests_name("api_quotas", tests, NULL, NULL);
}
