/*
 * What zones do is taken from the published history of each (see `zdump -v`), and compared with
 * libc, which reads the same files with code of its own. Files with strange rules are made here.
 */
#include "base/buf.h"
#include "base/date.h"
#include "base/tz.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct tz *zone(const char *name)
{
    struct tz *tz = NULL;
    struct err err = {{0}};

    if (tz_load(str_from(name), &tz, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    return tz;
}

static int64_t instant(const char *text)
{
    int64_t ms;

    if (!instant_parse(str_from(text), &ms))
        fail_msg("%s", text);
    return ms;
}

static int32_t day(const char *text)
{
    int32_t date;

    if (!date_parse(str_from(text), &date))
        fail_msg("%s", text);
    return date;
}

/* A date, the instant at which it begins, and its length in minutes. */
static void days_begin_and_last_as_their_zone_says(void **state)
{
    static const struct {
        const char *zone, *date, *start;
        int minutes;
    } cases[] = {
        {"UTC", "2026-11-22", "2026-11-22T00:00:00Z", 1440},
        {"Europe/Berlin", "2026-03-28", "2026-03-27T23:00:00Z", 1440},
        {"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 1380},
        {"Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z", 1440},
        {"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 1500},
        {"Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z", 1440},
        {"Europe/Berlin", "1970-01-01", "1969-12-31T23:00:00Z", 1440},
        {"Europe/Berlin", "2400-03-26", "2400-03-25T23:00:00Z", 1380},
        {"Europe/Berlin", "2400-10-29", "2400-10-28T22:00:00Z", 1500},
        {"Asia/Kolkata", "2026-11-22", "2026-11-21T18:30:00Z", 1440},
        {"Asia/Kathmandu", "2026-11-22", "2026-11-21T18:15:00Z", 1440},
        {"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 1470},
        {"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 1410},
        {"America/Santiago", "2022-09-11", "2022-09-11T04:00:00Z", 1380},
        {"America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", 1500},
        {"America/Asuncion", "2024-03-23", "2024-03-23T03:00:00Z", 1500},
        {"America/Asuncion", "2024-03-24", "2024-03-24T04:00:00Z", 1440},
        {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 1440},
        {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0},
        {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 1440},
        {"America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", 1440},
        {"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 1500},
        {"America/St_Johns", "2010-11-08", "2010-11-08T03:30:00Z", 1440},
        {"Pacific/Kiritimati", "2026-11-22", "2026-11-21T10:00:00Z", 1440},
        {"Pacific/Kiritimati", "1994-12-31", "1994-12-31T10:00:00Z", 0},
        {"Africa/Casablanca", "2024-03-10", "2024-03-09T23:00:00Z", 1500},
        {"Africa/Casablanca", "2024-04-14", "2024-04-14T00:00:00Z", 1380},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz *tz = zone(cases[i].zone);
        int32_t date = day(cases[i].date);
        int64_t start = tz_day_start(tz, date);

        if (start != instant(cases[i].start) ||
            tz_day_start(tz, date + 1) - start != cases[i].minutes * MINUTE_MS)
            fail_msg("%s %s", cases[i].zone, cases[i].date);
        tz_free(&tz);
    }
}

/* An instant, its local date and time, and the instant at which the local hour began. */
static void an_instant_has_a_date_a_time_and_an_hour(void **state)
{
    static const struct {
        const char *zone, *at, *date;
        int hours, minutes, seconds;
        const char *hour;
    } cases[] = {
        {"UTC", "2026-11-22T10:05:07.999Z", "2026-11-22", 10, 5, 7, "2026-11-22T10:00:00Z"},
        {"UTC", "1970-01-01T00:00:00Z", "1970-01-01", 0, 0, 0, "1970-01-01T00:00:00Z"},
        {"Asia/Kathmandu", "2026-11-22T10:05:00Z", "2026-11-22", 15, 50, 0, "2026-11-22T09:15:00Z"},
        {"Asia/Kathmandu", "2026-11-22T18:14:59.999Z", "2026-11-22", 23, 59, 59,
         "2026-11-22T17:15:00Z"},
        {"Asia/Kathmandu", "2026-11-22T18:15:00Z", "2026-11-23", 0, 0, 0, "2026-11-22T18:15:00Z"},
        {"Europe/Berlin", "2026-03-29T00:59:59.999Z", "2026-03-29", 1, 59, 59,
         "2026-03-29T00:00:00Z"},
        {"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29", 3, 0, 0, "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25", 2, 30, 0, "2026-10-25T00:00:00Z"},
        {"Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25", 2, 30, 0, "2026-10-25T01:00:00Z"},
        /* Back from 02:00 to 01:30: the second 01:30 to 02:00 is an hour row of its own. */
        {"Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-05", 1, 59, 59,
         "2026-04-04T14:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-05", 1, 40, 0,
         "2026-04-04T15:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:30:00Z", "2026-04-05", 2, 0, 0,
         "2026-04-04T15:30:00Z"},
        /* On from 02:00 to 02:30. */
        {"Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-04", 2, 40, 0,
         "2026-10-03T15:30:00Z"},
        {"America/Santiago", "2022-09-11T03:59:59Z", "2022-09-10", 23, 59, 59,
         "2022-09-11T03:00:00Z"},
        {"America/Santiago", "2022-09-11T04:00:00Z", "2022-09-11", 1, 0, 0, "2022-09-11T04:00:00Z"},
        {"America/Havana", "2023-11-05T04:59:59Z", "2023-11-05", 0, 59, 59, "2023-11-05T04:00:00Z"},
        {"America/Havana", "2023-11-05T05:00:00Z", "2023-11-05", 0, 0, 0, "2023-11-05T05:00:00Z"},
        {"America/Asuncion", "2024-03-24T03:30:00Z", "2024-03-23", 23, 30, 0,
         "2024-03-24T03:00:00Z"},
        {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29", 23, 59, 59, "2011-12-30T09:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", 0, 0, 0, "2011-12-30T10:00:00Z"},
        {"America/St_Johns", "2010-11-07T02:30:59Z", "2010-11-07", 0, 0, 59,
         "2010-11-07T02:30:00Z"},
        {"America/St_Johns", "2010-11-07T02:31:00Z", "2010-11-07", 23, 1, 0,
         "2010-11-07T02:31:00Z"},
        {"America/St_Johns", "2010-11-07T03:29:59Z", "2010-11-07", 23, 59, 59,
         "2010-11-07T02:31:00Z"},
        {"America/St_Johns", "2010-11-07T03:30:00Z", "2010-11-07", 0, 0, 0, "2010-11-07T03:30:00Z"},
        {"Europe/Berlin", "2400-07-01T10:00:00Z", "2400-07-01", 12, 0, 0, "2400-07-01T10:00:00Z"},
        {"Europe/Berlin", "2500-12-31T22:59:59.999Z", "2500-12-31", 23, 59, 59,
         "2500-12-31T22:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz *tz = zone(cases[i].zone);
        struct tz_local local = tz_at(tz, instant(cases[i].at));

        if (local.day != day(cases[i].date) || local.hour_ms != instant(cases[i].hour) ||
            local.second_of_day != cases[i].hours * 3600 + cases[i].minutes * 60 + cases[i].seconds)
            fail_msg("%s %s", cases[i].zone, cases[i].at);
        tz_free(&tz);
    }
}

static void use_libc_zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static struct tm libc_local(int64_t second)
{
    time_t t = (time_t)second;
    struct tm tm;

    assert_non_null(localtime_r(&t, &tm));
    return tm;
}

static bool agrees(const struct tz *tz, int64_t second)
{
    struct tm tm = libc_local(second);
    struct tz_local local = tz_at(tz, second * 1000);
    int32_t date = date_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);

    return local.second_of_day == tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec &&
           local.day == date;
}

/* xorshift64: the same instants in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* 16,756,886,400 seconds lie between 1970 and 2501. */
static int64_t random_second(uint64_t *seed)
{
    return (int64_t)(next_random(seed) % UINT64_C(16756886400));
}

/* The first second in (from, to] whose libc offset differs from that of `from`. */
static int64_t libc_change(int64_t from, int64_t to)
{
    long before = libc_local(from).tm_gmtoff;

    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;

        if (libc_local(middle).tm_gmtoff == before)
            from = middle;
        else
            to = middle;
    }
    return to;
}

static void compare_around_changes(const char *name, const struct tz *tz)
{
    enum { WEEK = 7 * 86400 };
    const int64_t end = instant("2225-01-01T00:00:00Z") / 1000; /* a few hundred changes */

    for (int64_t from = 0; from < end; from += WEEK) {
        if (libc_local(from).tm_gmtoff == libc_local(from + WEEK).tm_gmtoff)
            continue;
        int64_t at = libc_change(from, from + WEEK);

        for (int64_t second = at - 2; second <= at + 2; second++)
            if (!agrees(tz, second))
                fail_msg("%s at %lld", name, (long long)second);
        assert_int_equal(tz_at(tz, at * 1000).hour_ms, at * 1000);
    }
}

/* None of these ever set its clocks back across midnight since 1970, so dates are libc's as well.
 */
static void agrees_with_libc_from_1970_to_2500(void **state)
{
    static const char *const names[] = {
        "UTC",
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Casablanca",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Chatham",
        "America/Sao_Paulo",
        "Africa/Monrovia",
        "Asia/Pyongyang",
        "America/Caracas",
    };
    uint64_t seed = 20261122;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tz *tz = zone(names[i]);

        use_libc_zone(names[i]);
        for (int k = 0; k < 3000; k++) {
            int64_t second = random_second(&seed);

            if (!agrees(tz, second))
                fail_msg("%s at %lld", names[i], (long long)second);
        }
        compare_around_changes(names[i], tz);
        tz_free(&tz);
    }
    use_libc_zone("UTC");
}

/* Whatever a zone did: dates ascend, begin where tz_day_start() says, and hours lie within them. */
static void dates_are_unbroken_in_every_zone(void **state)
{
    static const char *const names[] = {"America/St_Johns",  "America/Havana",   "America/Asuncion",
                                        "Pacific/Apia",      "America/Santiago", "Asia/Gaza",
                                        "Africa/Casablanca", "America/Goose_Bay"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tz *tz = zone(names[i]);

        for (int32_t date = 0; date < day("2040-01-01"); date++) {
            int64_t start = tz_day_start(tz, date), end = tz_day_start(tz, date + 1);

            assert_true(start <= end);
            if (start == end)
                continue;
            assert_int_equal(tz_at(tz, start).day, date);
            assert_int_equal(tz_at(tz, end - 1).day, date);
            assert_int_equal(tz_at(tz, start).hour_ms, start);
            for (int64_t ms = start; ms < end; ms += 30 * MINUTE_MS) {
                struct tz_local local = tz_at(tz, ms);

                assert_int_equal(local.day, date);
                assert_true(local.hour_ms >= start && local.hour_ms <= ms);
                assert_true(ms - local.hour_ms < HOUR_MS);
            }
        }
        tz_free(&tz);
    }
}

static void refuses_names_that_are_none(void **state)
{
    const struct str bad[] = {
        STR(""),
        STR("/etc/passwd"),
        STR("../../etc/passwd"),
        STR("Europe/../UTC"),
        STR(".."),
        STR("Europe"),
        STR("Mars/Olympus_Mons"),
        STR("Europe/Berlin/"),
        STR("Europe/Berlin\0x"),
        STR("Europe/Berlin "),
        STR("zone.tab"),
        STR("UTC\n"),
        STR("\xc3\xa4"),
        STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    };
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (tz_load(bad[i], &tz, &err) != ERR_INVALID)
            fail_msg("%.*s", STR_FMT(bad[i]));
    assert_null(tz);
    tz_free(&tz);
}

static void put(struct buf *out, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        buf_addc(out, (char)(bytes < 8 ? value >> (bytes * 8) & 0xff : 0));
}

static void put_header(struct buf *out, char version, unsigned leaps, unsigned times,
                       unsigned types)
{
    buf_add(out, STR("TZif"));
    buf_addc(out, version);
    put(out, 0, 15);
    put(out, 0, 4);
    put(out, 0, 4);
    put(out, leaps, 4);
    put(out, times, 4);
    put(out, types, 4);
    put(out, 4, 4);
}

struct transition {
    int64_t time;
    int32_t offset;
};

/* A block whose type 0 has offset `first` and whose type i + 1 is that of transition i. */
static void put_block(struct buf *out, int32_t first, const struct transition *t, unsigned n,
                      int time_bytes)
{
    for (unsigned i = 0; i < n; i++)
        put(out, (uint64_t)t[i].time, time_bytes);
    for (unsigned i = 0; i < n; i++)
        put(out, i + 1, 1);
    for (unsigned i = 0; i <= n; i++) {
        put(out, (uint32_t)(i == 0 ? first : t[i - 1].offset), 4);
        put(out, 0, 2);
    }
    buf_add(out, STR("XXX\0"));
}

/* A file as zic makes it: an empty block of version 1, then the real one and the footer. */
static void put_file(struct buf *out, int32_t first, const struct transition *t, unsigned n,
                     const char *footer)
{
    buf_reset(out);
    put_header(out, '3', 0, 0, 1);
    put_block(out, 0, NULL, 0, 4);
    put_header(out, '3', 0, n, n + 1);
    put_block(out, first, t, n, 8);
    buf_addf(out, "\n%s\n", footer);
}

static struct tz *from_footer(const char *footer)
{
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err = {{0}};

    put_file(&buf, 0, NULL, 0, footer);
    if (tz_parse(buf_str(&buf), &tz, &err) < 0)
        fail_msg("%s: %s", footer, err.text);
    buf_release(&buf);
    return tz;
}

/* Offsets in seconds on the two sides of an instant. */
static void footers_say_when_clocks_change(void **state)
{
    static const struct {
        const char *footer, *at;
        int before, after;
    } cases[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 3600, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 7200, 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25T01:00:00Z", 3600, 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-03-29T01:00:00Z", 0, 3600},
        /* Day 60 is 1 March whether or not there was a 29 February. */
        {"AAA0BBB,J60/0,J300", "2028-03-01T00:00:00Z", 0, 3600},
        {"AAA0BBB,J60/0,J300", "2027-03-01T00:00:00Z", 0, 3600},
        {"AAA0BBB,J59/0,J300", "2028-02-28T00:00:00Z", 0, 3600},
        /* Counted from 0 with the leap day: 59 is 29 February of 2028, 1 March of 2027. */
        {"AAA0BBB,59/0,300", "2028-02-29T00:00:00Z", 0, 3600},
        {"AAA0BBB,59/0,300", "2027-03-01T00:00:00Z", 0, 3600},
        {"AAA0BBB,0/0,300", "2027-01-01T00:00:00Z", 0, 3600},
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-03-29T01:00:00Z", -10800, -7200},
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-10-25T01:00:00Z", -7200, -10800},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-10-03T15:30:00Z", 37800, 39600},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 7200, 10800},
        {"AAA0BBB,J100/167,J300", "2026-04-16T23:00:00Z", 0, 3600},
        {"AAA0BBB,J100/-167,J300", "2026-04-03T01:00:00Z", 0, 3600},
        {"AAA0BBB-0:30:15,J100/0:0:1,J300", "2026-04-10T00:00:01Z", 0, 1815},
        {"AAA+1BBB,M1.1.1/0,M7.1.1", "2024-01-01T01:00:00Z", -3600, 0},
        {"AAA24BBB-24,M2.1.6/0,M7.1.1", "2026-02-08T00:00:00Z", -86400, 86400},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tz *tz = from_footer(cases[i].footer);
        int64_t at = instant(cases[i].at);
        int64_t before = at / 1000 - 1 + cases[i].before, after = at / 1000 + cases[i].after;

        if (tz_at(tz, at - 1).second_of_day != before % 86400 ||
            tz_at(tz, at).second_of_day != after % 86400)
            fail_msg("%s at %s", cases[i].footer, cases[i].at);
        tz_free(&tz);
    }
}

static void footers_agree_with_libc(void **state)
{
    static const char *const footers[] = {
        "UTC0",
        "EST5EDT,M3.2.0,M11.1.0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "AAA3BBB2,J60/0,J300/23",
        "AAA3BBB2,59,299/1:30",
    };
    uint64_t seed = 8536;

    (void)state;
    for (size_t i = 0; i < COUNT(footers); i++) {
        struct tz *tz = from_footer(footers[i]);

        use_libc_zone(footers[i]);
        for (int k = 0; k < 3000; k++) {
            int64_t second = random_second(&seed);

            if (!agrees(tz, second))
                fail_msg("%s at %lld", footers[i], (long long)second);
        }
        tz_free(&tz);
    }
    use_libc_zone("UTC");
}

static void summer_time_may_last_all_year(void **state)
{
    /* The example of RFC 8536, 3.3.1: four hours behind UTC for ever. */
    struct tz *tz = from_footer("XXX3EDT4,0/0,J365/23");
    struct tz *east = from_footer("EST5EDT,0/0,J365/25");

    (void)state;
    for (int32_t date = day("2024-01-01"); date < day("2030-01-01"); date++) {
        assert_int_equal(tz_day_start(tz, date), date * DAY_MS + 4 * HOUR_MS);
        assert_int_equal(tz_day_start(east, date), date * DAY_MS + 4 * HOUR_MS);
    }
    tz_free(&tz);
    tz_free(&east);
}

static void refuses_footers_that_are_no_rules(void **state)
{
    static const char *const bad[] = {
        "A0",
        "AB0",
        "AAA",
        "AAAx",
        "<AA>0",
        "<AAA0",
        "AAA25",
        "AAA0:60",
        "AAA0:00:60",
        "AAA0BBB",
        "AAA0BBB,J1",
        "AAA0BBB,J0,J2",
        "AAA0BBB,J366,J2",
        "AAA0BBB,366,J2",
        "AAA0BBB,M0.1.0,J2",
        "AAA0BBB,M13.1.0,J2",
        "AAA0BBB,M1.0.0,J2",
        "AAA0BBB,M1.6.0,J2",
        "AAA0BBB,M1.1.7,J2",
        "AAA0BBB,M1.1,J2",
        "AAA0BBB,J1/168,J2",
        "AAA0BBB,J1/-168,J2",
        "AAA0BBB,J1,J2,",
        "AAA0BBB,J1,J2 ",
        "AAA0BB,J1,J2",
        "AAA0BBB,J1/,J2",
        "A1A0",
    };
    struct buf buf = {0};
    struct tz *tz;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        put_file(&buf, 0, NULL, 0, bad[i]);
        if (tz_parse(buf_str(&buf), &tz, &err) != ERR_CORRUPT)
            fail_msg("%s", bad[i]);
    }
    buf_release(&buf);
}

static const struct transition three[] = {{1000000, 3600}, {2000000, 3600}, {3000000, -7200}};

/* Local times around the transitions of `three`, whatever the file's version. */
static void check_three(const struct tz *tz)
{
    assert_int_equal(tz_at(tz, 999999000).second_of_day, 999999 % 86400);
    assert_int_equal(tz_at(tz, 1000000000).second_of_day, 1003600 % 86400);
    /* At 2,000,000 nothing changes, so no hour is cut there: 03:33:20 UTC is 33:20 into one. */
    assert_int_equal(tz_at(tz, 2000000000).hour_ms, 1998000000);
    assert_int_equal(tz_at(tz, 2999999000).second_of_day, (2999999 + 3600) % 86400);
    assert_int_equal(tz_at(tz, 3000000000).second_of_day, (3000000 - 7200) % 86400);
    assert_int_equal(tz_at(tz, 9000000000000).second_of_day, (9000000000 - 7200) % 86400);
}

static void reads_files_of_every_version(void **state)
{
    static const char versions[] = {'2', '3', '4'};
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    put_header(&buf, '\0', 0, 3, 4);
    put_block(&buf, 0, three, 3, 4);
    assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), 0);
    check_three(tz);
    tz_free(&tz);
    for (size_t i = 0; i < COUNT(versions); i++) {
        put_file(&buf, 0, three, 3, i == 0 ? "" : "AAA2");
        buf.ptr[4] = versions[i];
        assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), 0);
        check_three(tz);
        tz_free(&tz);
    }
    buf_release(&buf);
}

static void the_footer_counts_only_behind_the_last_transition(void **state)
{
    /* 2026-07-01: from there on the rule holds; the summers before are the file's, without a
     * change. */
    struct transition last = {instant("2026-07-01T00:00:00Z") / 1000, 7200};
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    put_file(&buf, 3600, &last, 1, "CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), 0);
    assert_int_equal(tz_day_start(tz, day("2025-07-01")), instant("2025-06-30T23:00:00Z"));
    assert_int_equal(tz_day_start(tz, day("2026-06-15")), instant("2026-06-14T23:00:00Z"));
    assert_int_equal(tz_day_start(tz, day("2026-07-02")), instant("2026-07-01T22:00:00Z"));
    assert_int_equal(tz_day_start(tz, day("2026-12-01")), instant("2026-11-30T23:00:00Z"));
    assert_int_equal(tz_day_start(tz, day("2027-07-01")), instant("2027-06-30T22:00:00Z"));
    tz_free(&tz);
    buf_release(&buf);
}

/* Clocks set back by a whole day (as in Manila 1844 or Alaska 1867, here in 2001): the later date
 * lasts 48 hours, and is not repeated. */
static void a_repeated_date_is_one_long_date(void **state)
{
    struct transition back = {instant("2001-05-10T12:00:00Z") / 1000, -12 * 3600};
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    put_file(&buf, 12 * 3600, &back, 1, "");
    assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), 0);
    assert_int_equal(tz_day_start(tz, day("2001-05-10")), instant("2001-05-09T12:00:00Z"));
    assert_int_equal(tz_day_start(tz, day("2001-05-11")), instant("2001-05-11T12:00:00Z"));
    assert_int_equal(tz_at(tz, instant("2001-05-10T12:00:00Z")).day, day("2001-05-10"));
    tz_free(&tz);
    buf_release(&buf);
}

static void every_file_cut_short_is_corrupt(void **state)
{
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    put_file(&buf, 0, three, 3, "AAA2BBB,M3.5.0,M10.5.0/3");
    struct str whole = buf_str(&buf);

    for (size_t len = 0; len < whole.len; len++) {
        char *copy = malloc(len + 1); /* so that a sanitizer sees a read behind its end */

        assert_non_null(copy);
        memcpy(copy, whole.ptr, len);
        copy = realloc(copy, len == 0 ? 1 : len);
        assert_non_null(copy);
        assert_int_equal(tz_parse((struct str){copy, len}, &tz, &err), ERR_CORRUPT);
        free(copy);
    }
    assert_int_equal(tz_parse(whole, &tz, &err), 0);
    tz_free(&tz);
    buf_release(&buf);
}

/* Write `bytes` big-endian at `at` of a good file and expect a refusal. */
static void spoil(size_t at, uint64_t value, size_t bytes, const char *why)
{
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err = {{0}};

    put_file(&buf, 0, three, 3, "AAA2");
    for (size_t i = 0; i < bytes; i++)
        buf.ptr[at + i] = (char)(value >> (8 * (bytes - 1 - i)) & 0xff);
    assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), ERR_CORRUPT);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    buf_release(&buf);
}

static void refuses_files_that_contradict_themselves(void **state)
{
    /* The first header has 44 bytes, its block 6 + 4; then 44 more, 3 times 8 bytes, 3 indices,
     * types. */
    const size_t second = 44 + 10, times = second + 44, indices = times + 24, types = indices + 3;

    (void)state;
    spoil(0, 'X', 1, "no TZif header");
    spoil(4, '1', 1, "unknown version");
    spoil(4, ':', 1, "unknown version");
    spoil(second, 'X', 1, "no TZif header");
    spoil(second + 28, 1, 4, "leap seconds");
    spoil(second + 32, UINT32_MAX, 4, "cut short");
    spoil(second + 36, UINT32_MAX, 4, "cut short");
    spoil(second + 36, 0, 4, "no local time types");
    spoil(times + 8, 1000000, 8, "out of order");
    spoil(times + 8, 999999, 8, "out of order");
    spoil(indices + 1, 4, 1, "unknown local time type");
    spoil(types, 26 * 3600, 4, "out of range");
    spoil(types + 6, (uint32_t)(-26 * 3600), 4, "out of range");
    spoil(types, UINT32_C(0x80000000), 4, "out of range");
}

static void takes_offsets_up_to_26_hours(void **state)
{
    static const int32_t offsets[] = {26 * 3600 - 1, 1 - 26 * 3600};
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        put_file(&buf, offsets[i], NULL, 0, "");
        assert_int_equal(tz_parse(buf_str(&buf), &tz, &err), 0);
        assert_int_equal(tz_day_start(tz, 100), 100 * DAY_MS - offsets[i] * INT64_C(1000));
        tz_free(&tz);
    }
    buf_release(&buf);
}

static void write_file(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
}

static void files_are_found_in_the_directory_that_tzdir_names(void **state)
{
    char dir[] = "/tmp/abacus-tz-XXXXXX", path[64];
    struct buf buf = {0};
    struct tz *tz = NULL;
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/Made_up", dir);
    assert_int_equal(setenv("TZDIR", dir, 1), 0);
    put_file(&buf, 1234, NULL, 0, "");
    write_file(path, buf_str(&buf));
    assert_int_equal(tz_load(STR("Made_up"), &tz, &err), 0);
    assert_int_equal(tz_day_start(tz, 1), DAY_MS - 1234000);
    tz_free(&tz);
    write_file(path, STR("no time zone"));
    assert_int_equal(tz_load(STR("Made_up"), &tz, &err), ERR_CORRUPT);
    assert_int_equal(tz_load(STR("UTC"), &tz, &err), ERR_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(unsetenv("TZDIR"), 0);
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_begin_and_last_as_their_zone_says),
        cmocka_unit_test(an_instant_has_a_date_a_time_and_an_hour),
        cmocka_unit_test(agrees_with_libc_from_1970_to_2500),
        cmocka_unit_test(dates_are_unbroken_in_every_zone),
        cmocka_unit_test(refuses_names_that_are_none),
        cmocka_unit_test(footers_say_when_clocks_change),
        cmocka_unit_test(footers_agree_with_libc),
        cmocka_unit_test(summer_time_may_last_all_year),
        cmocka_unit_test(refuses_footers_that_are_no_rules),
        cmocka_unit_test(reads_files_of_every_version),
        cmocka_unit_test(the_footer_counts_only_behind_the_last_transition),
        cmocka_unit_test(a_repeated_date_is_one_long_date),
        cmocka_unit_test(every_file_cut_short_is_corrupt),
        cmocka_unit_test(refuses_files_that_contradict_themselves),
        cmocka_unit_test(takes_offsets_up_to_26_hours),
        cmocka_unit_test(files_are_found_in_the_directory_that_tzdir_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
