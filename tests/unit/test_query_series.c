/*
 * test_query_series.c -- buckets of hours, days, weeks and months.
 */
#include "query_fixture.h"

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct arena arena;
};

static void open_world(struct world *w, const char *zone)
{
    *w = (struct world){.store = fixture_open(), .tz = fixture_tz(zone)};
    fixture_site(w->store, "five", "a", zone, 0);
    w->site = (struct site){
        .id = STR("a"), .tenant = STR("five"), .timezone = str_from(zone), .tz = w->tz};
}

static void close_world(struct world *w)
{
    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
}

static struct query_series series(struct world *w, const char *from, const char *to,
                                  enum interval interval, int32_t available, const char *now)
{
    struct range range = {day(from), day(to)};
    struct query_series out;
    struct err err = {0};

    assert_int_equal(query_series(w->store, &w->site, range, interval, available, instant(now),
                                  &w->arena, &out, &err),
                     0);
    return out;
}

static void gives_a_day_of_25_hours(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "Europe/Berlin");
    /* 2:00 summer time is 0:00 UTC, 2:00 winter time 1:00 UTC. */
    fixture_hour(w.store, "five", "a", "2026-10-25", "2026-10-25T00:00:00Z",
                 (struct stats){.pageviews = 5, .unique_visitors = 2});
    fixture_hour(w.store, "five", "a", "2026-10-25", "2026-10-25T01:00:00Z",
                 (struct stats){.pageviews = 7, .unique_visitors = 3});
    struct query_series s =
        series(&w, "2026-10-25", "2026-10-25", INTERVAL_HOUR, INT32_MIN, "2026-10-26T00:00:00Z");
    assert_int_equal(s.count, 25);
    for (size_t i = 0; i < 25; i++) {
        assert_int_equal(s.points[i].hour_ms,
                         instant("2026-10-24T22:00:00Z") + (int64_t)i * HOUR_MS);
        assert_int_equal(s.points[i].stats.pageviews, i == 2 ? 5 : i == 3 ? 7 : 0);
        assert_int_equal(s.points[i].stats.unique_visitors, i == 2 ? 2 : i == 3 ? 3 : 0);
        assert_false(s.points[i].partial);
        assert_true(s.points[i].kept);
    }
    close_world(&w);
}

static void gives_a_day_of_23_hours(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "Europe/Berlin");
    struct query_series s =
        series(&w, "2026-03-29", "2026-03-29", INTERVAL_HOUR, INT32_MIN, "2026-04-01T00:00:00Z");
    assert_int_equal(s.count, 23);
    assert_int_equal(s.points[0].hour_ms, instant("2026-03-28T23:00:00Z"));
    assert_int_equal(s.points[22].hour_ms, instant("2026-03-29T21:00:00Z"));
    close_world(&w);
}

static void begins_hours_at_half_past_where_the_zone_does(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "Asia/Kolkata");
    fixture_hour(w.store, "five", "a", "2026-11-22", "2026-11-21T18:30:00Z",
                 (struct stats){.pageviews = 9});
    struct query_series s =
        series(&w, "2026-11-22", "2026-11-22", INTERVAL_HOUR, INT32_MIN, "2026-11-22T10:00:00Z");
    assert_int_equal(s.count, 24);
    assert_int_equal(s.points[0].hour_ms, instant("2026-11-21T18:30:00Z"));
    assert_int_equal(s.points[0].stats.pageviews, 9);
    /* 10:00 UTC is 15:30: the hour that began at 15:00 (9:30 UTC) is the first that has not ended.
     */
    assert_false(s.points[14].partial);
    assert_int_equal(s.points[15].hour_ms, instant("2026-11-22T09:30:00Z"));
    assert_true(s.points[15].partial);
    assert_true(s.points[23].partial);
    close_world(&w);
}

static void ends_an_hour_at_its_last_millisecond(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "UTC");
    struct query_series s = series(&w, "2026-11-22", "2026-11-22", INTERVAL_HOUR, INT32_MIN,
                                   "2026-11-22T09:59:59.999Z");
    assert_true(s.points[9].partial);
    s = series(&w, "2026-11-22", "2026-11-22", INTERVAL_HOUR, INT32_MIN, "2026-11-22T10:00:00Z");
    assert_false(s.points[9].partial);
    assert_true(s.points[10].partial);
    close_world(&w);
}

static void puts_an_hour_of_an_older_zone_where_it_begins(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "UTC");
    fixture_hour(w.store, "five", "a", "2026-11-22", "2026-11-22T09:30:00Z",
                 (struct stats){.pageviews = 4});
    struct query_series s =
        series(&w, "2026-11-22", "2026-11-22", INTERVAL_HOUR, INT32_MIN, "2026-11-23T00:00:00Z");
    assert_int_equal(s.points[9].stats.pageviews, 4);
    close_world(&w);
}

static void gives_days_by_the_site_s_clock(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "Europe/Berlin");
    fixture_day(w.store, "five", "a", "2026-11-21", (struct stats){.pageviews = 3});
    /* 22:59 UTC is 23:59 on the 22nd. */
    struct query_series s =
        series(&w, "2026-11-21", "2026-11-23", INTERVAL_DAY, INT32_MIN, "2026-11-22T22:59:59Z");
    assert_int_equal(s.count, 3);
    assert_int_equal(s.points[0].date, day("2026-11-21"));
    assert_int_equal(s.points[0].stats.pageviews, 3);
    assert_int_equal(s.points[1].stats.pageviews, 0);
    assert_false(s.points[0].partial);
    assert_true(s.points[1].partial);
    assert_true(s.points[2].partial);
    s = series(&w, "2026-11-21", "2026-11-23", INTERVAL_DAY, INT32_MIN, "2026-11-22T23:00:00Z");
    assert_false(s.points[1].partial);
    close_world(&w);
}

static void begins_weeks_on_monday_even_before_the_range(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "UTC");
    /* 2026-11-02, 09 and 16 are Mondays. */
    fixture_day(w.store, "five", "a", "2026-11-03", (struct stats){.pageviews = 1000});
    fixture_day(w.store, "five", "a", "2026-11-04", (struct stats){.pageviews = 1});
    fixture_day(w.store, "five", "a", "2026-11-08", (struct stats){.pageviews = 2});
    fixture_day(w.store, "five", "a", "2026-11-09", (struct stats){.pageviews = 10});
    fixture_day(w.store, "five", "a", "2026-11-16", (struct stats){.pageviews = 100});
    fixture_day(w.store, "five", "a", "2026-11-18", (struct stats){.pageviews = 1000});
    struct query_series s =
        series(&w, "2026-11-04", "2026-11-17", INTERVAL_WEEK, INT32_MIN, "2026-12-01T00:00:00Z");
    static const char *const mondays[] = {"2026-11-02", "2026-11-09", "2026-11-16"};
    static const int64_t views[] = {3, 10, 100};
    static const bool partial[] = {true, false, true};
    assert_int_equal(s.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(s.points[i].date, day(mondays[i]));
        assert_int_equal(s.points[i].stats.pageviews, views[i]);
        assert_int_equal(s.points[i].partial, partial[i]);
    }
    /* A whole week that has not ended. */
    s = series(&w, "2026-11-09", "2026-11-15", INTERVAL_WEEK, INT32_MIN, "2026-11-15T23:59:59Z");
    assert_int_equal(s.count, 1);
    assert_true(s.points[0].partial);
    close_world(&w);
}

static void begins_months_on_the_first(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "UTC");
    fixture_day(w.store, "five", "a", "2024-01-31", (struct stats){.pageviews = 1});
    fixture_day(w.store, "five", "a", "2024-02-29", (struct stats){.pageviews = 10});
    fixture_day(w.store, "five", "a", "2024-03-01", (struct stats){.pageviews = 100});
    struct query_series s =
        series(&w, "2024-01-31", "2024-03-31", INTERVAL_MONTH, INT32_MIN, "2026-12-01T00:00:00Z");
    static const char *const firsts[] = {"2024-01-01", "2024-02-01", "2024-03-01"};
    static const int64_t views[] = {1, 10, 100};
    static const bool partial[] = {true, false, false};
    assert_int_equal(s.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(s.points[i].date, day(firsts[i]));
        assert_int_equal(s.points[i].stats.pageviews, views[i]);
        assert_int_equal(s.points[i].partial, partial[i]);
    }
    close_world(&w);
}

static void knows_points_of_which_nothing_is_kept(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "Europe/Berlin");
    fixture_day(w.store, "five", "a", "2026-11-04", (struct stats){.pageviews = 1});
    fixture_day(w.store, "five", "a", "2026-11-12", (struct stats){.pageviews = 2});
    fixture_hour(w.store, "five", "a", "2026-11-04", "2026-11-04T10:00:00Z",
                 (struct stats){.pageviews = 1});
    int32_t available = day("2026-11-11");
    const char *now = "2026-12-01T00:00:00Z";
    struct query_series s = series(&w, "2026-11-04", "2026-11-12", INTERVAL_WEEK, available, now);
    assert_int_equal(s.count, 2);
    assert_false(s.points[0].kept);
    assert_true(s.points[1].kept);
    assert_true(s.points[1].partial);
    assert_int_equal(s.points[1].stats.pageviews, 2);
    /* The week of the 9th has days that are kept, but none of them is asked for. */
    s = series(&w, "2026-11-04", "2026-11-10", INTERVAL_WEEK, available, now);
    assert_false(s.points[1].kept);
    s = series(&w, "2026-11-10", "2026-11-11", INTERVAL_DAY, available, now);
    assert_false(s.points[0].kept);
    assert_true(s.points[1].kept);
    assert_false(s.points[1].partial);
    s = series(&w, "2026-11-10", "2026-11-11", INTERVAL_HOUR, available, now);
    assert_int_equal(s.count, 48);
    assert_false(s.points[23].kept);
    assert_true(s.points[24].kept);
    s = series(&w, "2026-11-04", "2026-11-04", INTERVAL_HOUR, available, now);
    assert_int_equal(s.points[11].stats.pageviews, 0);
    close_world(&w);
}

static void says_that_a_point_is_an_estimate(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "UTC");
    fixture_day(w.store, "five", "a", "2026-11-04",
                (struct stats){.unique_visitors = 4000, .estimated = 1});
    struct query_series s =
        series(&w, "2026-11-03", "2026-11-04", INTERVAL_DAY, INT32_MIN, "2026-12-01T00:00:00Z");
    assert_false(s.exact);
    s = series(&w, "2026-11-03", "2026-11-03", INTERVAL_DAY, INT32_MIN, "2026-12-01T00:00:00Z");
    assert_true(s.exact);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_a_day_of_25_hours),
        cmocka_unit_test(gives_a_day_of_23_hours),
        cmocka_unit_test(begins_hours_at_half_past_where_the_zone_does),
        cmocka_unit_test(ends_an_hour_at_its_last_millisecond),
        cmocka_unit_test(puts_an_hour_of_an_older_zone_where_it_begins),
        cmocka_unit_test(gives_days_by_the_site_s_clock),
        cmocka_unit_test(begins_weeks_on_monday_even_before_the_range),
        cmocka_unit_test(begins_months_on_the_first),
        cmocka_unit_test(knows_points_of_which_nothing_is_kept),
        cmocka_unit_test(says_that_a_point_is_an_estimate),
    };
    return cmocka_run_group_tests_name("query_series", tests, NULL, NULL);
}
