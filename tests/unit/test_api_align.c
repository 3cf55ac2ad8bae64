/*
 * test_api_align.c -- what stands beside what in two series: hours on the days when clocks change,
 * days of leap years, ranges of different lengths.
 *
 * Expectations are read from the zones' own rules: Berlin skips 02:00 on 2026-03-29 and has it
 * twice on 2026-10-25 and 2025-10-26; Lord Howe has 01:30 to 02:00 twice on 2026-04-05; Havana has
 * 00:00 twice on 2023-11-05; Santiago has no 00:00 on 2022-09-11.
 */
#include "api/align.h"
#include "query_fixture.h"

struct sides {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct arena arena;
    struct range range;
    struct against_range earlier;
    struct query_series series, before;
    const struct query_point **beside;
};

static struct query_series series_of(struct sides *s, struct range range, enum interval interval)
{
    struct query_series out;
    struct err err = {0};

    if (query_series(s->store, &s->site, range, interval, INT32_MIN, 0, &s->arena, &out, &err) != 0)
        fail_msg("%s", err.text);
    return out;
}

static struct range range_of(const char *from, const char *to)
{
    return (struct range){day(from), day(to)};
}

static struct sides *set_beside(const char *zone, enum interval interval, struct range range,
                                struct against_range earlier)
{
    struct sides *s = test_calloc(1, sizeof(*s));

    s->store = fixture_open();
    fixture_site(s->store, "five", "a", zone, 0);
    s->tz = fixture_tz(zone);
    s->site = (struct site){.id = STR("a"), .tenant = STR("five"), .tz = s->tz};
    s->range = range;
    s->earlier = earlier;
    s->series = series_of(s, range, interval);
    s->before = series_of(s, earlier.range, interval);
    s->beside = align(&s->series, range, &s->before, &s->earlier, interval, s->tz, &s->arena);
    return s;
}

static void sides_free(struct sides *s)
{
    tz_free(&s->tz);
    arena_free(&s->arena);
    fixture_close(&s->store);
    test_free(s);
}

static struct against_range custom(const char *from, const char *to)
{
    return (struct against_range){.against = AGAINST_CUSTOM, .range = range_of(from, to)};
}

/* The number of the earlier point beside point `i`; -1: none. */
static int beside(const struct sides *s, size_t i)
{
    return s->beside[i] == NULL ? -1 : (int)(s->beside[i] - s->before.points);
}

/* Point i of `count` stands beside expected[i]. */
static void assert_beside(struct sides *s, const int *expected, size_t count)
{
    assert_int_equal(s->series.count, count);
    for (size_t i = 0; i < count; i++)
        if (beside(s, i) != expected[i])
            fail_msg("point %zu stands beside %d, not %d", i, beside(s, i), expected[i]);
    sides_free(s);
}

static void leaves_out_the_hour_that_the_day_skips(void **state)
{
    int expected[23];

    (void)state;
    for (int i = 0; i < 23; i++)
        expected[i] = i < 2 ? i : i + 1; /* 0, 1, 3 ... 23 */
    assert_beside(set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-03-29", "2026-03-29"),
                             custom("2026-03-28", "2026-03-28")),
                  expected, 23);
}

static void has_nothing_beside_an_hour_that_the_earlier_day_skipped(void **state)
{
    int expected[24];

    (void)state;
    for (int i = 0; i < 24; i++)
        expected[i] = i < 2 ? i : i - 1;
    expected[2] = -1;
    assert_beside(set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-03-30", "2026-03-30"),
                             custom("2026-03-29", "2026-03-29")),
                  expected, 24);
}

static void sets_an_hour_s_second_time_beside_a_second_time_only(void **state)
{
    int expected[25];

    (void)state;
    for (int i = 0; i < 25; i++)
        expected[i] = i < 3 ? i : i - 1;
    expected[3] = -1;
    assert_beside(set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-10-25", "2026-10-25"),
                             custom("2026-10-24", "2026-10-24")),
                  expected, 25);
    for (int i = 0; i < 25; i++)
        expected[i] = i;
    assert_beside(set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-10-25", "2026-10-25"),
                             custom("2025-10-26", "2025-10-26")),
                  expected, 25);
    for (int i = 0; i < 24; i++)
        expected[i] = i < 3 ? i : i + 1;
    assert_beside(set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-10-26", "2026-10-26"),
                             custom("2026-10-25", "2026-10-25")),
                  expected, 24);
}

static void knows_half_hours_and_midnights_that_come_twice_or_never(void **state)
{
    int expected[25];

    (void)state;
    for (int i = 0; i < 25; i++)
        expected[i] = i < 2 ? i : i - 1;
    expected[2] = -1; /* 01:30 again */
    assert_beside(set_beside("Australia/Lord_Howe", INTERVAL_HOUR,
                             range_of("2026-04-05", "2026-04-05"),
                             custom("2026-04-04", "2026-04-04")),
                  expected, 25);
    for (int i = 0; i < 25; i++)
        expected[i] = i < 1 ? i : i - 1;
    expected[1] = -1; /* 00:00 again */
    assert_beside(set_beside("America/Havana", INTERVAL_HOUR, range_of("2023-11-05", "2023-11-05"),
                             custom("2023-11-04", "2023-11-04")),
                  expected, 25);
    for (int i = 0; i < 23; i++)
        expected[i] = i + 1; /* 01:00 is the first */
    assert_beside(set_beside("America/Santiago", INTERVAL_HOUR,
                             range_of("2022-09-11", "2022-09-11"),
                             custom("2022-09-10", "2022-09-10")),
                  expected, 23);
}

static void goes_on_with_the_right_day_after_a_change(void **state)
{
    struct sides *s =
        set_beside("Europe/Berlin", INTERVAL_HOUR, range_of("2026-03-28", "2026-03-30"),
                   custom("2026-03-21", "2026-03-23"));

    (void)state;
    assert_int_equal(s->series.count, 24 + 23 + 24);
    assert_int_equal(beside(s, 23), 23);
    assert_int_equal(beside(s, 24 + 1), 24 + 1);
    assert_int_equal(beside(s, 24 + 2), 24 + 3); /* 03:00 */
    assert_int_equal(beside(s, 24 + 23), 48);    /* the third day's midnight */
    assert_int_equal(beside(s, 24 + 23 + 23), 48 + 23);
    sides_free(s);
}

static void sets_days_beside_days_of_the_same_distance(void **state)
{
    static const int expected[] = {0, 1, 2, -1};

    (void)state;
    assert_beside(set_beside("UTC", INTERVAL_DAY, range_of("2026-03-01", "2026-03-04"),
                             custom("2026-01-10", "2026-01-12")),
                  expected, 4);
}

static void sets_dates_beside_the_same_dates_of_the_year_before(void **state)
{
    /* 27, 28 and 29 February, 1 March 2024 beside 27, 28, 28 February, 1 March 2023. */
    static const int leap[] = {0, 1, 1, 2};
    /* 28 February, 1 March 2025 beside the first and the third day from 28 February 2024. */
    static const int common[] = {0, 2};
    struct against_range year = {.against = AGAINST_YEAR,
                                 .range = range_of("2023-02-27", "2023-03-01")};

    (void)state;
    assert_beside(set_beside("UTC", INTERVAL_DAY, range_of("2024-02-27", "2024-03-01"), year), leap,
                  4);
    year.range = range_of("2024-02-28", "2024-03-01");
    assert_beside(set_beside("UTC", INTERVAL_DAY, range_of("2025-02-28", "2025-03-01"), year),
                  common, 2);
}

static void sets_weekdays_beside_weekdays(void **state)
{
    /* Monday 2 March 2026 and its week; the Monday at or before 2 March 2025, a Sunday, is 24
     * February. */
    static const int expected[] = {0, 1, 2, 3, 4, 5, 6};
    struct range week = range_of("2026-03-02", "2026-03-08");
    struct against_range year = {.against = AGAINST_YEAR,
                                 .match_weekday = true,
                                 .range = range_before(week, AGAINST_YEAR, true)};

    (void)state;
    assert_int_equal(year.range.from, day("2025-02-24"));
    assert_beside(set_beside("UTC", INTERVAL_DAY, week, year), expected, 7);
}

static void counts_weeks_and_months_from_the_first(void **state)
{
    static const int weeks[] = {0, 1, -1};
    static const int months[] = {0, 1};

    (void)state;
    /* Mondays 2, 9 and 16 March; 5 and 12 January. */
    assert_beside(set_beside("UTC", INTERVAL_WEEK, range_of("2026-03-04", "2026-03-17"),
                             custom("2026-01-07", "2026-01-18")),
                  weeks, 3);
    assert_beside(set_beside("UTC", INTERVAL_MONTH, range_of("2026-02-10", "2026-03-17"),
                             custom("2025-11-10", "2026-01-18")),
                  months, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_the_hour_that_the_day_skips),
        cmocka_unit_test(has_nothing_beside_an_hour_that_the_earlier_day_skipped),
        cmocka_unit_test(sets_an_hour_s_second_time_beside_a_second_time_only),
        cmocka_unit_test(knows_half_hours_and_midnights_that_come_twice_or_never),
        cmocka_unit_test(goes_on_with_the_right_day_after_a_change),
        cmocka_unit_test(sets_days_beside_days_of_the_same_distance),
        cmocka_unit_test(sets_dates_beside_the_same_dates_of_the_year_before),
        cmocka_unit_test(sets_weekdays_beside_weekdays),
        cmocka_unit_test(counts_weeks_and_months_from_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
