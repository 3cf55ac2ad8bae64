#include "base/date.h"
#include "unit.h"

#include <stdio.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int32_t day(const char *text)
{
    int32_t date;

    if (!date_parse(str_from(text), &date))
        fail_msg("%s", text);
    return date;
}

static void agrees_with_libc_on_every_day_of_1600_to_2500(void **state)
{
    (void)state;
    for (int32_t date = -135140; date < 193938; date++) {
        time_t t = (time_t)date * 86400;
        struct tm tm;
        struct civil c = date_to_civil(date);

        assert_non_null(gmtime_r(&t, &tm));
        if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
            date_weekday(date) != (tm.tm_wday + 6) % 7 ||
            date_from_civil(c.year, c.month, c.day) != date)
            fail_msg("day %d", date);
    }
}

static void knows_the_ends_of_its_calendar(void **state)
{
    char text[DATE_TEXT];

    (void)state;
    /* -62135596800 and 253402300799 are those instants in seconds, as `date -u` prints them. */
    assert_int_equal(day("0001-01-01"), -62135596800 / 86400);
    assert_int_equal(day("9999-12-31"), 253402300799 / 86400);
    date_format(day("0001-01-01"), text);
    assert_string_equal(text, "0001-01-01");
    date_format(day("0001-01-01") - 1, text);
    assert_string_equal(text, "0001-01-01");
    date_format(day("9999-12-31"), text);
    assert_string_equal(text, "9999-12-31");
    date_format(day("9999-12-31") + 1, text);
    assert_string_equal(text, "9999-12-31");
}

static void weekdays_begin_with_monday(void **state)
{
    (void)state;
    assert_int_equal(date_weekday(day("1970-01-01")), 3);
    assert_int_equal(date_weekday(day("2026-11-22")), 6);
    assert_int_equal(date_weekday(day("2026-11-23")), 0);
    assert_int_equal(date_weekday(day("1969-12-28")), 6);
}

static void a_month_that_lacks_the_day_ends_with_its_last(void **state)
{
    static const struct {
        const char *from;
        int months;
        const char *to;
    } cases[] = {
        {"2024-02-29", -12, "2023-02-28"}, {"2024-02-29", 48, "2028-02-29"},
        {"2026-01-31", 1, "2026-02-28"},   {"2026-03-31", -1, "2026-02-28"},
        {"2026-11-22", 2, "2027-01-22"},   {"2026-01-15", -1, "2025-12-15"},
        {"2026-08-31", -2, "2026-06-30"},  {"2100-01-31", 1, "2100-02-28"},
        {"2000-01-31", 1, "2000-02-29"},   {"2026-12-31", 0, "2026-12-31"},
        {"2026-12-01", -12, "2025-12-01"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(date_add_months(day(cases[i].from), cases[i].months), day(cases[i].to));
}

static void refuses_what_is_no_date(void **state)
{
    const struct str bad[] = {
        STR(""),           STR("2026-1-01"),   STR("2026-13-01"),  STR("2026-00-10"),
        STR("2026-04-31"), STR("2026-01-00"),  STR("2025-02-29"),  STR("1900-02-29"),
        STR("0000-01-01"), STR("2026/01/01"),  STR("2026-01-011"), STR("2026-01-0"),
        STR("+026-01-01"), STR(" 2026-01-01"), STR("2026-01-01 "), STR("2026-01-01\0"),
        STR("20260101"),   STR("-001-01-01"),
    };
    int32_t date;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (date_parse(bad[i], &date))
            fail_msg("%.*s", STR_FMT(bad[i]));
    assert_true(date_parse(STR("2000-02-29"), &date));
    assert_true(date_parse(STR("2026-04-30"), &date));
}

static void reads_instants_with_any_offset(void **state)
{
    /* 1795341900 is `date -u -d 2026-11-22T10:05:00Z +%s`. */
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T10:05:00Z", 1795341900000},
        {"2026-11-22t10:05:00z", 1795341900000},
        {"2026-11-22T10:05:00.1Z", 1795341900100},
        {"2026-11-22T10:05:00.123456789Z", 1795341900123},
        {"2026-11-22T10:05:00.999999999Z", 1795341900999},
        {"2026-11-22T11:05:00+01:00", 1795341900000},
        {"2026-11-22T15:50:00+05:45", 1795341900000},
        {"2026-11-21T22:05:00.5-12:00", 1795341900500},
        {"2026-11-22T10:05:00-00:00", 1795341900000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"1990-12-31T23:59:60Z", 662688000000},
        {"1990-12-31T15:59:60.25-08:00", 662688000250},
        {"0001-01-01T00:00:00+23:59", -62135596800000 - 1439 * 60000},
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!instant_parse(str_from(good[i].text), &ms))
            fail_msg("%s", good[i].text);
        assert_int_equal(ms, good[i].ms);
    }
}

static void refuses_what_is_no_instant(void **state)
{
    const struct str bad[] = {
        STR(""),
        STR("2026-11-22"),
        STR("2026-11-22T10:05Z"),
        STR("2026-11-22T10:05:00"),
        STR("2026-11-22 10:05:00Z"),
        STR("2026-11-22T10:05:00.Z"),
        STR("2026-11-22T10:05:00.1234567890Z"),
        STR("2026-11-22T10:05:00,5Z"),
        STR("2026-11-22T24:00:00Z"),
        STR("2026-11-22T10:60:00Z"),
        STR("2026-11-22T10:05:61Z"),
        STR("2026-11-22T10:05:60Z"),
        STR("2026-11-22T23:59:60Z"),
        STR("1990-12-31T23:59:60+01:00"),
        STR("2026-02-29T10:05:00Z"),
        STR("2026-11-22T10:05:00+1:00"),
        STR("2026-11-22T10:05:00+0100"),
        STR("2026-11-22T10:05:00+24:00"),
        STR("2026-11-22T10:05:00+01:60"),
        STR("2026-11-22T10:05:00+01:00 "),
        STR("2026-11-22T10:05:00ZZ"),
        STR("2026-11-22T10:05:00Z\0"),
        STR("2026-11-22T-1:05:00Z"),
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (instant_parse(bad[i], &ms))
            fail_msg("%.*s", STR_FMT(bad[i]));
}

static void writes_instants_in_utc_with_milliseconds(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1795341900123, "2026-11-22T10:05:00.123Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {-62135596800000, "0001-01-01T00:00:00.000Z"},
        {-62135596800001, "0001-01-01T00:00:00.000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0001-01-01T00:00:00.000Z"},
    };
    char text[INSTANT_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        instant_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libc_on_every_day_of_1600_to_2500),
        cmocka_unit_test(knows_the_ends_of_its_calendar),
        cmocka_unit_test(weekdays_begin_with_monday),
        cmocka_unit_test(a_month_that_lacks_the_day_ends_with_its_last),
        cmocka_unit_test(refuses_what_is_no_date),
        cmocka_unit_test(reads_instants_with_any_offset),
        cmocka_unit_test(refuses_what_is_no_instant),
        cmocka_unit_test(writes_instants_in_utc_with_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
