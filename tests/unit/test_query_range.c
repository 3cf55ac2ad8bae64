/*
 * test_query_range.c -- periods and comparisons against calendars worked out by hand (and by
 * Python's datetime).
 */
#include "base/date.h"
#include "query/query.h"
#include "unit.h"

#include <stdio.h>

static int32_t day(const char *text)
{
    int32_t out;

    assert_true(date_parse(str_from(text), &out));
    return out;
}

static void assert_range(struct range range, const char *from, const char *to)
{
    char text[DATE_TEXT];

    date_format(range.from, text);
    assert_string_equal(text, from);
    date_format(range.to, text);
    assert_string_equal(text, to);
}

static struct range resolve(const char *period, const char *today)
{
    struct range_words words = {.period = str_from(period)};
    struct range_clock clock = {day(today), day(today) - 1, day("2024-01-05")};
    struct range out;
    const char *param = NULL;
    struct err err = {0};

    assert_int_equal(range_resolve(&words, &clock, &out, &param, &err), 0);
    return out;
}

/* -- periods ------------------------------------------------------------------------------- */

static void names_mean_their_days(void **state)
{
    static const struct {
        const char *period, *today, *from, *to;
    } cases[] = {
        {"", "2026-11-22", "2026-11-22", "2026-11-22"},
        {"today", "2026-11-22", "2026-11-22", "2026-11-22"},
        {"yesterday", "2024-03-01", "2024-02-29", "2024-02-29"},
        {"yesterday", "2023-03-01", "2023-02-28", "2023-02-28"},
        {"24h", "2026-01-01", "2025-12-31", "2026-01-01"},
        {"7d", "2024-03-03", "2024-02-25", "2024-03-02"},
        {"28d", "2026-11-22", "2026-10-25", "2026-11-21"},
        {"30d", "2024-03-01", "2024-01-31", "2024-02-29"},
        {"91d", "2026-11-22", "2026-08-23", "2026-11-21"},
        {"week", "2026-11-22", "2026-11-16", "2026-11-22"}, /* a Sunday */
        {"week", "2026-11-23", "2026-11-23", "2026-11-23"}, /* a Monday */
        {"week", "2026-01-01", "2025-12-29", "2026-01-01"},
        {"month", "2024-02-29", "2024-02-01", "2024-02-29"},
        {"month", "2026-11-01", "2026-11-01", "2026-11-01"},
        {"quarter", "2026-03-31", "2026-01-01", "2026-03-31"},
        {"quarter", "2026-04-01", "2026-04-01", "2026-04-01"},
        {"quarter", "2026-11-22", "2026-10-01", "2026-11-22"},
        {"year", "2024-02-29", "2024-01-01", "2024-02-29"},
        {"lastMonth", "2024-03-31", "2024-02-01", "2024-02-29"},
        {"lastMonth", "2026-01-15", "2025-12-01", "2025-12-31"},
        {"12mo", "2026-11-22", "2025-11-01", "2026-10-31"},
        {"12mo", "2025-03-31", "2024-03-01", "2025-02-28"},
        {"all", "2026-11-22", "2024-01-05", "2026-11-22"},
        {"all", "2024-01-01", "2024-01-01", "2024-01-01"}, /* the first numbers are of tomorrow */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_range(resolve(cases[i].period, cases[i].today), cases[i].from, cases[i].to);
}

/* Expects a refusal that names `param` (NULL: none). */
static void check_words(const char *period, const char *from, const char *to, const char *param)
{
    struct range_words words = {str_from(period), str_from(from), str_from(to)};
    struct range_clock clock = {day("2026-11-22"), day("2026-11-21"), day("2026-11-22")};
    struct range out;
    const char *named = NULL;
    struct err err = {0};
    int rc = range_resolve(&words, &clock, &out, &named, &err);

    if (param == NULL) {
        assert_int_equal(rc, 0);
        assert_range(out, from, to);
        return;
    }
    assert_int_equal(rc, ERR_INVALID);
    assert_string_equal(named, param);
    assert_true(strlen(err.text) > 0);
}

static void takes_dates_alone_or_as_custom(void **state)
{
    (void)state;
    check_words("", "2026-11-01", "2026-11-02", NULL);
    check_words("custom", "2026-11-01", "2026-11-01", NULL);
    check_words("", "2030-01-01", "2030-01-02", NULL);
}

static void refuses_what_contradicts_itself(void **state)
{
    (void)state;
    check_words("7d", "2026-11-01", "2026-11-02", "period");
    check_words("7d", "", "2026-11-02", "period");
    check_words("", "2026-11-01", "", "to");
    check_words("", "", "2026-11-01", "from");
    check_words("custom", "", "", "from");
    check_words("", "2026-11-02", "2026-11-01", "from");
    check_words("", "2026-02-29", "2026-03-01", "from");
    check_words("", "2026-02-01", "2026-02-29", "to");
    check_words("", "2026-2-1", "2026-03-01", "from");
    check_words("fortnight", "", "", "period");
    check_words("7D", "", "", "period");
}

static void bounds_a_range_at_3660_days(void **state)
{
    (void)state;
    check_words("", "2016-01-01", "2026-01-07", NULL); /* 3660 days */
    check_words("", "2015-12-31", "2026-01-07", "from");
}

static void bounds_all_like_any_range(void **state)
{
    struct range_words words = {.period = STR("all")};
    struct range_clock clock = {day("2026-01-07"), day("2026-01-06"), day("2016-01-01")};
    struct range out;
    const char *param = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(range_resolve(&words, &clock, &out, &param, &err), 0);
    assert_int_equal(range_days(out), 3660);
    clock.first--;
    assert_int_equal(range_resolve(&words, &clock, &out, &param, &err), ERR_INVALID);
    assert_string_equal(param, "period");
}

/* -- comparisons --------------------------------------------------------------------------- */

static void compares_with_the_days_before(void **state)
{
    static const struct {
        const char *from, *to;
        enum against against;
        bool match;
        const char *earlier_from, *earlier_to;
    } cases[] = {
        {"2026-11-22", "2026-11-22", AGAINST_PREVIOUS, false, "2026-11-21", "2026-11-21"},
        {"2026-11-16", "2026-11-22", AGAINST_PREVIOUS, false, "2026-11-09", "2026-11-15"},
        {"2024-03-01", "2024-03-31", AGAINST_PREVIOUS, false, "2024-01-30", "2024-02-29"},
        /* the 22nd is a Sunday, and so is the 15th */
        {"2026-11-22", "2026-11-22", AGAINST_PREVIOUS, true, "2026-11-15", "2026-11-15"},
        {"2026-11-16", "2026-11-22", AGAINST_PREVIOUS, true, "2026-11-09", "2026-11-15"},
        /* Friday to Sunday (31 days); 30 January is a Tuesday, the Friday before it the 26th */
        {"2024-03-01", "2024-03-31", AGAINST_PREVIOUS, true, "2024-01-26", "2024-02-25"},
        {"2024-02-29", "2024-02-29", AGAINST_YEAR, false, "2023-02-28", "2023-02-28"},
        {"2025-02-28", "2025-03-01", AGAINST_YEAR, false, "2024-02-28", "2024-03-01"},
        {"2024-02-01", "2024-02-29", AGAINST_YEAR, false, "2023-02-01", "2023-02-28"},
        {"2026-11-16", "2026-11-22", AGAINST_YEAR, false, "2025-11-16", "2025-11-22"},
        /* Monday 2026-11-16; 2025-11-16 is a Sunday, the Monday before it the 10th */
        {"2026-11-16", "2026-11-22", AGAINST_YEAR, true, "2025-11-10", "2025-11-16"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct range range = {day(cases[i].from), day(cases[i].to)};
        assert_range(range_before(range, cases[i].against, cases[i].match), cases[i].earlier_from,
                     cases[i].earlier_to);
    }
}

static void moves_any_range_back_to_the_same_weekday(void **state)
{
    struct range range = {day("2026-11-16"), day("2026-11-18")};

    (void)state;
    for (int32_t from = day("2026-01-05"); from <= day("2026-01-11"); from++) {
        struct range moved =
            range_match_weekday((struct range){from, from + 2}, range); /* all to Monday the 5th */
        assert_range(moved, "2026-01-05", "2026-01-07");
    }
}

/* -- clocks -------------------------------------------------------------------------------- */

static struct tz *load(const char *name)
{
    struct tz *tz = NULL;
    struct err err = {0};

    assert_int_equal(tz_load(str_from(name), &tz, &err), 0);
    return tz;
}

static int64_t instant(const char *text)
{
    int64_t ms;

    assert_true(instant_parse(str_from(text), &ms));
    return ms;
}

static void knows_the_date_in_a_zone_and_a_day_ago(void **state)
{
    struct tz *berlin = load("Europe/Berlin");
    /* 23:30 UTC on 29 March 2026 is 01:30 on the 30th; the 29th had 23 hours, so a day ago was
     * 00:30 on the 29th. */
    struct range_clock clock = range_clock_at(berlin, instant("2026-03-29T23:30:00Z"));

    (void)state;
    assert_int_equal(clock.today, day("2026-03-30"));
    assert_int_equal(clock.day_ago, day("2026-03-29"));
    /* 22:15 UTC is 00:15; a day ago it was 23:15 two dates before. */
    clock = range_clock_at(berlin, instant("2026-03-29T22:15:00Z"));
    assert_int_equal(clock.today, day("2026-03-30"));
    assert_int_equal(clock.day_ago, day("2026-03-28"));
    clock = range_clock_at(NULL, instant("2026-03-29T23:30:00Z"));
    assert_int_equal(clock.today, day("2026-03-29"));
    assert_int_equal(clock.day_ago, day("2026-03-28"));
    tz_free(&berlin);
}

static void steps_through_the_hours_of_a_clock_change(void **state)
{
    static const struct {
        const char *zone, *date;
        int hours;
    } cases[] = {
        {"Europe/Berlin", "2026-03-29", 23},
        {"Europe/Berlin", "2026-10-25", 25},
        {"Europe/Berlin", "2026-11-22", 24},
        {"Asia/Kolkata", "2026-11-22", 24},
        /* clocks move by half an hour at 2:00: 23.5 hours with a half one, 24.5 with a half one */
        {"Australia/Lord_Howe", "2026-10-04", 24},
        {"Australia/Lord_Howe", "2026-04-05", 25},
        {"Pacific/Apia", "2011-12-30", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tz *tz = load(cases[i].zone);
        int64_t end = tz_day_start(tz, day(cases[i].date) + 1);
        int hours = 0;
        for (int64_t hour = tz_day_start(tz, day(cases[i].date)); hour < end;
             hour = range_next_hour(tz, hour))
            hours++;
        assert_int_equal(hours, cases[i].hours);
        tz_free(&tz);
    }
}

static void cuts_a_comparison_at_the_same_local_hour(void **state)
{
    static const struct {
        const char *zone, *now;
        const char *from, *to;                 /* the running range */
        const char *earlier_from, *earlier_to; /* compared with */
        const char *cut_to, *until;            /* NULL: not running */
    } cases[] = {
        /* 14:25 in Berlin (UTC+1): the hours up to and with 14:00 of the day before */
        {"Europe/Berlin", "2026-11-22T13:25:00Z", "2026-11-22", "2026-11-22", "2026-11-21",
         "2026-11-21", "2026-11-21", "2026-11-21T14:00:00Z"},
        /* the first millisecond of an hour begins it */
        {"Europe/Berlin", "2026-11-22T13:00:00Z", "2026-11-16", "2026-11-22", "2026-11-09",
         "2026-11-15", "2026-11-15", "2026-11-15T14:00:00Z"},
        {"Europe/Berlin", "2026-11-22T12:59:59.999Z", "2026-11-16", "2026-11-22", "2026-11-09",
         "2026-11-15", "2026-11-15", "2026-11-15T13:00:00Z"},
        /* in summer time before: 14:59 local is 12:59 UTC */
        {"Europe/Berlin", "2026-10-26T13:25:00Z", "2026-10-26", "2026-10-26", "2026-10-25",
         "2026-10-25", "2026-10-25", "2026-10-25T14:00:00Z"},
        /* 2:10; the day before has its 2:00 twice, both count */
        {"Europe/Berlin", "2026-10-26T01:10:00Z", "2026-10-26", "2026-10-26", "2026-10-25",
         "2026-10-25", "2026-10-25", "2026-10-25T02:00:00Z"},
        /* 2:10; the day before has no 2:00 */
        {"Europe/Berlin", "2026-03-30T00:10:00Z", "2026-03-30", "2026-03-30", "2026-03-29",
         "2026-03-29", "2026-03-29", "2026-03-29T01:00:00Z"},
        /* 23:30: all of the day before */
        {"Europe/Berlin", "2026-11-22T22:30:00Z", "2026-11-22", "2026-11-22", "2026-11-21",
         "2026-11-21", "2026-11-21", "2026-11-21T23:00:00Z"},
        /* half past: 10:10 in Kolkata is 4:40 UTC, its hour ends at 5:30 UTC */
        {"Asia/Kolkata", "2026-11-22T04:40:00Z", "2026-11-22", "2026-11-22", "2026-11-21",
         "2026-11-21", "2026-11-21", "2026-11-21T05:30:00Z"},
        /* Beirut sets its clocks back at midnight: 25 October 2026 begins with an hour that reads
           23:00 */
        {"Asia/Beirut", "2026-10-26T08:30:00Z", "2026-10-26", "2026-10-26", "2026-10-25",
         "2026-10-25", "2026-10-25", "2026-10-25T09:00:00Z"},
        /* the range goes on after today: the earlier one ends with today's counterpart */
        {"Europe/Berlin", "2026-11-22T13:25:00Z", "2026-11-21", "2026-11-24", "2026-11-17",
         "2026-11-20", "2026-11-18", "2026-11-18T14:00:00Z"},
        {"Europe/Berlin", "2026-11-22T13:25:00Z", "2026-11-20", "2026-11-21", "2026-11-18",
         "2026-11-19", NULL, NULL},
        {"Europe/Berlin", "2026-11-22T13:25:00Z", "2026-11-23", "2026-11-23", "2026-11-22",
         "2026-11-22", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tz *tz = load(cases[i].zone);
        struct range range = {day(cases[i].from), day(cases[i].to)};
        struct range earlier = {day(cases[i].earlier_from), day(cases[i].earlier_to)};
        int64_t until = 0;
        bool running = range_cut(range, tz, instant(cases[i].now), &earlier, &until);
        assert_int_equal(running, cases[i].until != NULL);
        assert_range(earlier, cases[i].earlier_from,
                     running ? cases[i].cut_to : cases[i].earlier_to);
        if (running)
            assert_int_equal(until, instant(cases[i].until));
        tz_free(&tz);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_mean_their_days),
        cmocka_unit_test(takes_dates_alone_or_as_custom),
        cmocka_unit_test(refuses_what_contradicts_itself),
        cmocka_unit_test(bounds_a_range_at_3660_days),
        cmocka_unit_test(bounds_all_like_any_range),
        cmocka_unit_test(compares_with_the_days_before),
        cmocka_unit_test(moves_any_range_back_to_the_same_weekday),
        cmocka_unit_test(knows_the_date_in_a_zone_and_a_day_ago),
        cmocka_unit_test(steps_through_the_hours_of_a_clock_change),
        cmocka_unit_test(cuts_a_comparison_at_the_same_local_hour),
    };
    return cmocka_run_group_tests_name("query_range", tests, NULL, NULL);
}
