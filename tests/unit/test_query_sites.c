/*
 * test_query_sites.c -- many sites side by side, each by its own clock and by what it still keeps.
 *
 * It is 13:25 in UTC on 22 November 2026. Site a is in Berlin (14:25) and kept for ever, b in UTC
 * and kept for 10 days, c in Auckland, where it is 2:25 on the 23rd.
 */
#include "query_fixture.h"

enum { SITES = 3 };

struct world {
    struct store *store;
    struct site sites[SITES];
    const struct site *list[SITES];
    struct tz *zones[SITES];
    struct arena arena;
    struct err err;
};

static int set_up(void **state)
{
    static const char *const ids[SITES] = {"a", "b", "c"};
    static const char *const zones[SITES] = {"Europe/Berlin", "UTC", "Pacific/Auckland"};
    static const int32_t kept[SITES] = {0, 10, 0};
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    for (size_t i = 0; i < SITES; i++) {
        w->zones[i] = fixture_tz(zones[i]);
        fixture_site(w->store, "five", ids[i], zones[i], kept[i]);
        w->sites[i] = (struct site){.id = str_from(ids[i]),
                                    .tenant = STR("five"),
                                    .timezone = str_from(zones[i]),
                                    .tz = w->zones[i],
                                    .stats_days = kept[i]};
        w->list[i] = &w->sites[i];
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fixture_close(&w->store);
    for (size_t i = 0; i < SITES; i++)
        tz_free(&w->zones[i]);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

static struct query_sides *ask(struct world *w, const char *from, const char *to,
                               const char *earlier_from, const char *earlier_to)
{
    struct range range = {day(from), day(to)}, earlier = {0, 0};
    struct query_sides *out = NULL;

    if (earlier_from != NULL)
        earlier = (struct range){day(earlier_from), day(earlier_to)};
    if (query_sides(w->store, w->list, SITES, range, earlier_from == NULL ? NULL : &earlier,
                    instant("2026-11-22T13:25:00Z"), &w->arena, &out, &w->err) != 0)
        fail_msg("%s", w->err.text);
    return out;
}

static void put_day(struct world *w, const char *site, const char *date, int64_t visitors,
                    int64_t pageviews)
{
    fixture_day(w->store, "five", site, date,
                (struct stats){.unique_visitors = visitors, .pageviews = pageviews});
}

static void put_hour(struct world *w, const char *site, const char *date, const char *hour,
                     int64_t visitors, int64_t pageviews)
{
    fixture_hour(w->store, "five", site, date, hour,
                 (struct stats){.unique_visitors = visitors, .pageviews = pageviews});
}

static void adds_up_each_site_and_its_earlier_range(void **state)
{
    struct world *w = *state;

    put_day(w, "a", "2026-11-19", 100, 100); /* before both */
    put_day(w, "a", "2026-11-20", 5, 9);
    put_day(w, "a", "2026-11-21", 7, 20);
    put_day(w, "b", "2026-11-20", 3, 4);
    put_day(w, "c", "2026-11-21", 2, 2);
    struct query_sides *got = ask(w, "2026-11-21", "2026-11-21", "2026-11-20", "2026-11-20");
    static const int64_t expected[SITES][4] = {{7, 20, 5, 9}, {0, 0, 3, 4}, {2, 2, 0, 0}};
    for (size_t i = 0; i < SITES; i++) {
        assert_int_equal(got[i].now.unique_visitors, expected[i][0]);
        assert_int_equal(got[i].now.pageviews, expected[i][1]);
        assert_int_equal(got[i].visitors_before, expected[i][2]);
        assert_int_equal(got[i].pageviews_before, expected[i][3]);
        assert_true(got[i].compared);
        assert_true(got[i].exact);
    }
    assert_false(ask(w, "2026-11-21", "2026-11-21", NULL, NULL)[0].compared);
}

/* b keeps the 12th and later. */
static void looks_at_no_day_that_a_site_does_not_keep(void **state)
{
    struct world *w = *state;
    int64_t *visitors = NULL;
    struct range range = {day("2026-11-11"), day("2026-11-13")};

    for (size_t i = 0; i < 2; i++) {
        put_day(w, i == 0 ? "a" : "b", "2026-11-11", 10, 10);
        put_day(w, i == 0 ? "a" : "b", "2026-11-12", 1, 1);
    }
    struct query_sides *got = ask(w, "2026-11-11", "2026-11-13", "2026-11-12", "2026-11-12");
    assert_int_equal(got[0].now.unique_visitors, 11);
    assert_int_equal(got[1].now.unique_visitors, 1);
    assert_true(got[1].compared);
    got = ask(w, "2026-11-13", "2026-11-13", "2026-11-11", "2026-11-12");
    assert_true(got[0].compared);
    assert_false(got[1].compared);
    assert_int_equal(query_visitors_by_day(w->store, w->list, SITES, range,
                                           instant("2026-11-22T13:25:00Z"), &w->arena, &visitors,
                                           &w->err),
                     0);
    static const int64_t expected[SITES][3] = {{10, 1, 0}, {-1, 1, 0}, {0, 0, 0}};
    for (size_t i = 0; i < SITES; i++)
        for (size_t d = 0; d < 3; d++)
            assert_int_equal(visitors[i * 3 + d], expected[i][d]);
    range = (struct range){day("2026-11-01"), day("2026-11-02")};
    assert_int_equal(query_visitors_by_day(w->store, w->list, SITES, range,
                                           instant("2026-11-22T13:25:00Z"), &w->arena, &visitors,
                                           &w->err),
                     0);
    assert_int_equal(visitors[2], -1);
    assert_int_equal(visitors[3], -1);
}

/* In Berlin up to 15:00, in UTC up to 14:00; in Auckland the day is over. */
static void ends_the_earlier_range_at_each_site_s_own_hour(void **state)
{
    struct world *w = *state;

    put_day(w, "a", "2026-11-21", 10, 30);
    put_hour(w, "a", "2026-11-21", "2026-11-21T13:00:00Z", 4, 11); /* 14:00 */
    put_hour(w, "a", "2026-11-21", "2026-11-21T14:00:00Z", 6, 19); /* 15:00 */
    put_day(w, "b", "2026-11-21", 10, 30);
    put_hour(w, "b", "2026-11-21", "2026-11-21T13:00:00Z", 3, 11);
    put_hour(w, "b", "2026-11-21", "2026-11-21T14:00:00Z", 7, 19);
    put_day(w, "c", "2026-11-21", 10, 30);
    put_hour(w, "c", "2026-11-21", "2026-11-21T10:00:00Z", 10, 30);
    struct query_sides *got = ask(w, "2026-11-22", "2026-11-22", "2026-11-21", "2026-11-21");
    /* Nobody came twice: the hours add up to the day. */
    static const int64_t expected[SITES][2] = {{4, 11}, {3, 11}, {10, 30}};
    for (size_t i = 0; i < SITES; i++) {
        assert_int_equal(got[i].visitors_before, expected[i][0]);
        assert_int_equal(got[i].pageviews_before, expected[i][1]);
        assert_true(got[i].exact);
    }
}

static void estimates_who_came_before_the_hour(void **state)
{
    struct world *w = *state;

    put_day(w, "a", "2026-11-20", 50, 60); /* a whole day before it */
    put_day(w, "a", "2026-11-21", 12, 30);
    put_hour(w, "a", "2026-11-21", "2026-11-21T07:00:00Z", 6, 8);
    put_hour(w, "a", "2026-11-21", "2026-11-21T13:00:00Z", 4, 3);
    put_hour(w, "a", "2026-11-21", "2026-11-21T14:00:00Z", 8, 19);
    /* Hours of another date, which the room on both sides reaches. */
    put_hour(w, "a", "2026-11-20", "2026-11-20T22:00:00Z", 40, 40);
    struct query_sides *got = ask(w, "2026-11-21", "2026-11-22", "2026-11-20", "2026-11-21");
    /* D 12, P 10, R 8: 12 * 10 / 18, between 6 and 10. */
    assert_int_equal(got[0].visitors_before, 50 + 7);
    assert_int_equal(got[0].pageviews_before, 60 + 11);
    assert_false(got[0].exact);
    assert_true(got[1].exact);
}

/* As days that were imported. */
static void counts_a_day_without_hours_as_a_whole(void **state)
{
    struct world *w = *state;

    put_day(w, "a", "2026-11-21", 12, 30);
    struct query_sides *got = ask(w, "2026-11-22", "2026-11-22", "2026-11-21", "2026-11-21");
    assert_int_equal(got[0].visitors_before, 12);
    assert_int_equal(got[0].pageviews_before, 30);
}

static void says_where_a_count_is_an_estimate(void **state)
{
    struct world *w = *state;

    fixture_day(w->store, "five", "a", "2026-11-21",
                (struct stats){.unique_visitors = 5000, .estimated = STATS_ESTIMATED});
    fixture_day(w->store, "five", "b", "2026-11-20",
                (struct stats){.unique_visitors = 5000, .estimated = STATS_ESTIMATED});
    struct query_sides *got = ask(w, "2026-11-21", "2026-11-21", "2026-11-20", "2026-11-20");
    assert_false(got[0].exact);
    assert_false(got[1].exact);
    assert_true(got[2].exact);
    assert_true(ask(w, "2026-11-21", "2026-11-21", NULL, NULL)[1].exact);
}

static void asks_nothing_of_an_empty_list(void **state)
{
    struct world *w = *state;
    struct range range = {1, 2};
    struct query_sides *sides;
    int64_t *visitors;

    assert_int_equal(query_sides(w->store, NULL, 0, range, &range, 0, &w->arena, &sides, &w->err),
                     0);
    assert_int_equal(
        query_visitors_by_day(w->store, NULL, 0, range, 0, &w->arena, &visitors, &w->err), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(adds_up_each_site_and_its_earlier_range),
        WITH_WORLD(looks_at_no_day_that_a_site_does_not_keep),
        WITH_WORLD(ends_the_earlier_range_at_each_site_s_own_hour),
        WITH_WORLD(estimates_who_came_before_the_hour),
        WITH_WORLD(counts_a_day_without_hours_as_a_whole),
        WITH_WORLD(says_where_a_count_is_an_estimate),
        WITH_WORLD(asks_nothing_of_an_empty_list),
    };
    return cmocka_run_group_tests_name("query_sites", tests, NULL, NULL);
}
