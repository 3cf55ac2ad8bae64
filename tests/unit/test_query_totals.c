/*
 * test_query_totals.c -- metrics, sums over days and sites, parts of a day, and the ledger.
 */
#include "query_fixture.h"

#include <math.h>

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct arena arena;
    struct err err;
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    fixture_site(w->store, "five", "b", "Europe/Berlin", 0);
    w->site = (struct site){
        .id = STR("a"), .tenant = STR("five"), .timezone = STR("Europe/Berlin"), .tz = w->tz};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

/* -- metrics ------------------------------------------------------------------------------- */

static double value(const char *metric, const struct stats *s)
{
    int number = metric_find(str_from(metric));

    assert_true(number >= 0);
    return metric_value(number, s);
}

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-12);
}

static void computes_every_metric_from_the_counts(void **state)
{
    struct stats s = {.pageviews = 1000,
                      .leads = 11,
                      .forms = 12,
                      .exports = 13,
                      .automation_runs = 14,
                      .ai_tokens = 15,
                      .unique_visitors = 40,
                      .converters = 10,
                      .visits = 80,
                      .bounces = 20,
                      .visit_ms = 120000,
                      .visit_pageviews = 200,
                      .conversions = 17,
                      .unattributed_conversions = 6};
    static const struct {
        const char *name;
        double value;
        bool rate;
    } expected[METRICS_COUNT] = {
        {"pageviews", 1000, false},     {"uniqueVisitors", 40, false},
        {"visits", 80, false},          {"viewsPerVisit", 2.5, true},
        {"bounceRate", 0.25, true},     {"visitDuration", 1.5, true},
        {"conversions", 17, false},     {"converters", 10, false},
        {"conversionRate", 0.25, true}, {"unattributedConversions", 6, false},
        {"leads", 11, false},           {"forms", 12, false},
        {"exports", 13, false},         {"automationRuns", 14, false},
        {"aiTokens", 15, false},
    };

    (void)state;
    for (int i = 0; i < METRICS_COUNT; i++) {
        assert_near(value(expected[i].name, &s), expected[i].value);
        assert_int_equal(metric_is_rate(metric_find(str_from(expected[i].name))), expected[i].rate);
        assert_true(str_eq(metric_name(i), str_from(expected[i].name)));
    }
    assert_int_equal(metric_find(STR("hits")), -1);
    assert_int_equal(metric_find(STR("")), -1);
}

static void gives_0_where_there_is_nothing_to_divide_by(void **state)
{
    struct stats s = {.visit_pageviews = 3, .bounces = 3, .visit_ms = 3, .converters = 3};
    static const char *const rates[] = {"viewsPerVisit", "bounceRate", "visitDuration",
                                        "conversionRate"};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        assert_near(value(rates[i], &s), 0);
}

static void stops_sums_at_2_to_the_53_less_1(void **state)
{
    struct stats sum = {.ai_tokens = (INT64_C(1) << 53) - 3, .pageviews = (INT64_C(1) << 53) - 1};
    struct stats more = {.ai_tokens = 2, .pageviews = 1};

    (void)state;
    stats_add(&sum, &more);
    assert_int_equal(sum.ai_tokens, (INT64_C(1) << 53) - 1);
    assert_int_equal(sum.pageviews, (INT64_C(1) << 53) - 1);
    stats_add(&sum, &more);
    assert_int_equal(sum.ai_tokens, (INT64_C(1) << 53) - 1);
}

static void adds_every_count(void **state)
{
    int64_t numbers[sizeof(struct stats) / sizeof(int64_t)];
    struct stats sum = {0}, more;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        numbers[i] = (int64_t)i + 1;
    memcpy(&more, numbers, sizeof(more));
    stats_add(&sum, &more);
    stats_add(&sum, &more);
    memcpy(numbers, &sum, sizeof(sum));
    for (size_t i = 0; i + 1 < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(numbers[i], 2 * ((int64_t)i + 1));
    assert_int_equal(sum.estimated, more.estimated);
}

/* -- days ---------------------------------------------------------------------------------- */

static void lists_every_day_with_its_numbers_and_zeros(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-23")};
    static const int64_t views[] = {0, 5, 0, 7};
    struct query_totals t;

    fixture_day(w->store, "five", "a", "2026-11-19", (struct stats){.pageviews = 100});
    fixture_day(w->store, "five", "a", "2026-11-21",
                (struct stats){.pageviews = 5, .unique_visitors = 2});
    fixture_day(w->store, "five", "a", "2026-11-23",
                (struct stats){.pageviews = 7, .unique_visitors = 3});
    fixture_day(w->store, "five", "a", "2026-11-24", (struct stats){.pageviews = 100});
    fixture_day(w->store, "five", "b", "2026-11-22", (struct stats){.pageviews = 100});
    assert_int_equal(query_site(w->store, &w->site, range, INT32_MIN, &w->arena, &t, &w->err), 0);
    assert_int_equal(t.sum.pageviews, 12);
    assert_int_equal(t.sum.unique_visitors, 5);
    assert_int_equal(t.days_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(t.days[i].day, range.from + (int32_t)i);
        assert_int_equal(t.days[i].stats.pageviews, views[i]);
        assert_true(t.days[i].kept);
    }
    assert_true(t.whole);
    assert_true(t.exact);
}

static void leaves_out_days_that_are_no_longer_kept(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-22")};
    struct query_totals t;

    fixture_day(w->store, "five", "a", "2026-11-20", (struct stats){.pageviews = 1});
    fixture_day(w->store, "five", "a", "2026-11-21", (struct stats){.pageviews = 2});
    assert_int_equal(
        query_site(w->store, &w->site, range, day("2026-11-21"), &w->arena, &t, &w->err), 0);
    assert_false(t.whole);
    assert_int_equal(t.sum.pageviews, 2);
    assert_false(t.days[0].kept);
    assert_true(t.days[1].kept);
    assert_int_equal(
        query_site(w->store, &w->site, range, day("2026-11-20"), &w->arena, &t, &w->err), 0);
    assert_true(t.whole);
    assert_int_equal(
        query_site(w->store, &w->site, range, day("2026-12-01"), &w->arena, &t, &w->err), 0);
    assert_int_equal(t.sum.pageviews, 0);
}

static void keeps_stats_days_before_today(void **state)
{
    struct site site = {.stats_days = 365};

    (void)state;
    assert_int_equal(query_available(&site, day("2026-11-22")), day("2025-11-22"));
    site.stats_days = 0;
    assert_int_equal(query_available(&site, day("2026-11-22")), INT32_MIN);
}

static void says_that_a_sum_holds_an_estimate(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_totals t;

    fixture_day(w->store, "five", "a", "2026-11-20",
                (struct stats){.unique_visitors = 3000, .estimated = 1});
    fixture_day(w->store, "five", "a", "2026-11-21", (struct stats){.unique_visitors = 5});
    assert_int_equal(query_site(w->store, &w->site, range, INT32_MIN, NULL, &t, &w->err), 0);
    assert_false(t.exact);
    assert_null(t.days);
    range.from++;
    assert_int_equal(query_site(w->store, &w->site, range, INT32_MIN, NULL, &t, &w->err), 0);
    assert_true(t.exact);
}

static void adds_sites_by_their_local_dates(void **state)
{
    struct world *w = *state;
    struct site b = w->site;
    const struct site *sites[] = {&w->site, &b};
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_totals all, *each;

    b.id = STR("b");
    fixture_day(w->store, "five", "a", "2026-11-20", (struct stats){.pageviews = 1});
    fixture_day(w->store, "five", "b", "2026-11-20",
                (struct stats){.pageviews = 20, .estimated = 1});
    fixture_day(w->store, "five", "b", "2026-11-21", (struct stats){.pageviews = 300});
    assert_int_equal(
        query_sites(w->store, sites, 2, range, INT32_MIN, &w->arena, &all, &each, &w->err), 0);
    assert_int_equal(all.sum.pageviews, 321);
    assert_int_equal(all.days[0].stats.pageviews, 21);
    assert_int_equal(all.days[1].stats.pageviews, 300);
    assert_int_equal(each[0].sum.pageviews, 1);
    assert_int_equal(each[1].sum.pageviews, 320);
    assert_false(all.exact);
    assert_true(each[0].exact);
    assert_false(each[1].exact);
}

static void finds_the_first_day_with_numbers(void **state)
{
    struct world *w = *state;
    int32_t first;

    assert_int_equal(query_first_day(w->store, &w->site, &first, &w->err), 0);
    assert_int_equal(first, INT32_MAX);
    fixture_day(w->store, "five", "a", "2026-11-20", (struct stats){.pageviews = 1});
    fixture_day(w->store, "five", "a", "2025-03-01", (struct stats){.pageviews = 1});
    assert_int_equal(query_first_day(w->store, &w->site, &first, &w->err), 0);
    assert_int_equal(first, day("2025-03-01"));
}

/* -- parts of a day ------------------------------------------------------------------------ */

/* 21 November in Berlin: 5 visitors in the day. At 9:00 (8:00 UTC) 1 and 2, at 10:00 2 and 3, at
 * 11:00 3, 4 and 5. Until 11:00 there were 3 of them. */
static void add_day_of_five(struct world *w, bool sketches)
{
    fixture_day(w->store, "five", "a", "2026-11-20",
                (struct stats){.pageviews = 10, .unique_visitors = 4, .converters = 1});
    fixture_day(w->store, "five", "a", "2026-11-21",
                (struct stats){.pageviews = 70, .unique_visitors = 5, .converters = 2});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T08:00:00Z",
                 (struct stats){.pageviews = 10, .unique_visitors = 2, .visits = 2});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T09:00:00Z",
                 (struct stats){.pageviews = 20, .unique_visitors = 2, .converters = 1});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T10:00:00Z",
                 (struct stats){.pageviews = 40, .unique_visitors = 3, .converters = 2});
    if (!sketches)
        return;
    fixture_sketch(w->store, "a", SKETCH_HOUR_VISITORS, "2026-11-21", "2026-11-21T08:00:00Z", 1, 2);
    fixture_sketch(w->store, "a", SKETCH_HOUR_VISITORS, "2026-11-21", "2026-11-21T09:00:00Z", 2, 3);
    fixture_sketch(w->store, "a", SKETCH_HOUR_VISITORS, "2026-11-21", "2026-11-21T10:00:00Z", 3, 5);
    fixture_sketch(w->store, "a", SKETCH_HOUR_CONVERTERS, "2026-11-21", "2026-11-21T09:00:00Z", 2,
                   2);
    fixture_sketch(w->store, "a", SKETCH_HOUR_CONVERTERS, "2026-11-21", "2026-11-21T10:00:00Z", 2,
                   3);
}

static struct query_totals until(struct world *w, const char *from, const char *to, const char *end)
{
    struct range range = {day(from), day(to)};
    struct query_totals t;

    assert_int_equal(query_site_until(w->store, &w->site, range, INT32_MIN, instant(end), &w->arena,
                                      &t, &w->err),
                     0);
    return t;
}

static void counts_visitors_of_part_of_a_day_from_its_hours_sets(void **state)
{
    struct world *w = *state;

    add_day_of_five(w, true);
    struct query_totals t = until(w, "2026-11-20", "2026-11-21", "2026-11-21T10:00:00Z");
    assert_int_equal(t.sum.pageviews, 10 + 30);
    assert_int_equal(t.sum.unique_visitors, 4 + 3);
    assert_int_equal(t.sum.converters, 1 + 1);
    assert_int_equal(t.sum.visits, 2);
    assert_true(t.exact);
    assert_true(t.whole);
    t = until(w, "2026-11-21", "2026-11-21", "2026-11-21T09:00:00Z");
    assert_int_equal(t.sum.pageviews, 10);
    assert_int_equal(t.sum.unique_visitors, 2);
    assert_int_equal(t.sum.converters, 0);
}

static void takes_the_day_s_count_when_nothing_came_after_the_cut(void **state)
{
    struct world *w = *state;

    add_day_of_five(w, false);
    struct query_totals t = until(w, "2026-11-21", "2026-11-21", "2026-11-21T11:00:00Z");
    assert_int_equal(t.sum.unique_visitors, 5);
    assert_int_equal(t.sum.converters, 2);
    assert_int_equal(t.sum.pageviews, 70);
    assert_true(t.exact);
}

static void estimates_visitors_of_part_of_a_day_once_the_sets_are_gone(void **state)
{
    struct world *w = *state;

    add_day_of_five(w, false);
    /* D 5, P 4, R 3: between max(2, 5 - 3) and min(4, 5); 5 * 4 / 7 = 2.86. Converters: D 2, P 1, R
     * 2; max(1, 0) to 1. */
    struct query_totals t = until(w, "2026-11-21", "2026-11-21", "2026-11-21T10:00:00Z");
    assert_int_equal(t.sum.unique_visitors, 3);
    assert_int_equal(t.sum.converters, 1);
    assert_int_equal(t.sum.pageviews, 30);
    assert_false(t.exact);
}

static void needs_no_sets_where_nobody_came_back(void **state)
{
    struct world *w = *state;

    fixture_day(w->store, "five", "a", "2026-11-21", (struct stats){.unique_visitors = 7});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T08:00:00Z",
                 (struct stats){.unique_visitors = 3});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T10:00:00Z",
                 (struct stats){.unique_visitors = 4});
    struct query_totals t = until(w, "2026-11-21", "2026-11-21", "2026-11-21T10:00:00Z");
    assert_int_equal(t.sum.unique_visitors, 3);
    assert_true(t.exact);
}

/* As days that were imported. */
static void counts_a_day_without_hours_as_a_whole(void **state)
{
    struct world *w = *state;

    fixture_day(w->store, "five", "a", "2026-11-20", (struct stats){.pageviews = 10});
    fixture_day(w->store, "five", "a", "2026-11-21",
                (struct stats){.pageviews = 70,
                               .unique_visitors = 5,
                               .converters = 2,
                               .visits = 6,
                               .estimated = STATS_IMPORTED});
    struct query_totals t = until(w, "2026-11-20", "2026-11-21", "2026-11-21T10:00:00Z");
    assert_int_equal(t.sum.pageviews, 10 + 70);
    assert_int_equal(t.sum.unique_visitors, 5);
    assert_int_equal(t.sum.converters, 2);
    assert_int_equal(t.sum.visits, 6);
    assert_false(t.exact);
}

/* The hours between midnights of the day before and after are none of this day's. */
static void counts_only_hours_of_the_day_itself(void **state)
{
    struct world *w = *state;

    fixture_hour(w->store, "five", "a", "2026-11-20", "2026-11-20T22:00:00Z",
                 (struct stats){.pageviews = 100});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-20T23:00:00Z",
                 (struct stats){.pageviews = 1});
    struct query_totals t = until(w, "2026-11-21", "2026-11-21", "2026-11-21T10:00:00Z");
    assert_int_equal(t.sum.pageviews, 1);
}

static void keeps_no_part_of_a_day_that_is_gone(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_totals t;

    add_day_of_five(w, true);
    assert_int_equal(query_site_until(w->store, &w->site, range, day("2026-11-22"),
                                      instant("2026-11-21T10:00:00Z"), &w->arena, &t, &w->err),
                     0);
    assert_int_equal(t.sum.pageviews, 0);
    assert_false(t.whole);
}

/* -- ledger -------------------------------------------------------------------------------- */

static void adds_up_the_books_by_day_and_reason(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-22")};
    struct query_ledger l;

    fixture_ledger(w->store, "five", "a", "2026-11-19", LEDGER_STORED, "", 1000);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_STORED, "", 50);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "bot", 4);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "gpc", 3);
    fixture_ledger(w->store, "five", "a", "2026-11-22", LEDGER_DROPPED, "bot", 2);
    fixture_ledger(w->store, "five", "a", "2026-11-22", LEDGER_REJECTED, "invalid", 1);
    fixture_ledger(w->store, "five", "b", "2026-11-22", LEDGER_STORED, "", 1000);
    assert_int_equal(query_ledger(w->store, &w->site, range, INT32_MIN, &w->arena, &l, &w->err), 0);
    assert_int_equal(l.sum.received, 60);
    assert_int_equal(l.sum.stored, 50);
    assert_int_equal(l.sum.dropped_count, 2);
    assert_true(str_eq(l.sum.dropped[0].reason, STR("bot")));
    assert_int_equal(l.sum.dropped[0].events, 6);
    assert_true(str_eq(l.sum.dropped[1].reason, STR("gpc")));
    assert_int_equal(l.sum.dropped[1].events, 3);
    assert_int_equal(l.sum.rejected_count, 1);
    assert_int_equal(l.sum.rejected[0].events, 1);
    assert_int_equal(l.days_count, 3);
    assert_int_equal(l.days[0].books.received, 57);
    assert_int_equal(l.days[1].books.received, 0);
    assert_int_equal(l.days[1].books.dropped_count, 0);
    assert_int_equal(l.days[2].books.received, 3);
    assert_int_equal(l.days[2].books.dropped[0].events, 2);
}

static void keeps_any_number_of_reasons_in_order(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-20")};
    static const char *const reasons[] = {"e", "c", "a", "d", "b"};
    struct query_ledger l;

    for (size_t i = 0; i < 5; i++)
        fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, reasons[i],
                       (int64_t)i + 1);
    assert_int_equal(query_ledger(w->store, &w->site, range, INT32_MIN, &w->arena, &l, &w->err), 0);
    assert_int_equal(l.sum.dropped_count, 5);
    static const int64_t events[] = {3, 5, 2, 4, 1}; /* of a, b, c, d, e */
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(l.sum.dropped[i].reason.ptr[0], 'a' + (char)i);
        assert_int_equal(l.sum.dropped[i].events, events[i]);
    }
}

static void sums_up_robots_and_lists_their_kinds(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_ledger l;

    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "bot", 4);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "bot:search-engine", 30);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "bot:ai-crawler", 200);
    fixture_ledger(w->store, "five", "a", "2026-11-20", LEDGER_DROPPED, "bots", 1000);
    fixture_ledger(w->store, "five", "a", "2026-11-21", LEDGER_DROPPED, "bot:ai-crawler", 5);
    fixture_ledger(w->store, "five", "a", "2026-11-21", LEDGER_REJECTED, "bot:odd", 7);
    assert_int_equal(query_ledger(w->store, &w->site, range, INT32_MIN, &w->arena, &l, &w->err), 0);
    assert_int_equal(l.sum.received, 1246);
    assert_int_equal(l.sum.dropped_count, 2);
    assert_true(str_eq(l.sum.dropped[0].reason, STR("bot")));
    assert_int_equal(l.sum.dropped[0].events, 239);
    assert_true(str_eq(l.sum.dropped[1].reason, STR("bots")));
    assert_int_equal(l.sum.bots_count, 2);
    assert_true(str_eq(l.sum.bots[0].reason, STR("ai-crawler")));
    assert_int_equal(l.sum.bots[0].events, 205);
    assert_true(str_eq(l.sum.bots[1].reason, STR("search-engine")));
    assert_int_equal(l.sum.bots[1].events, 30);
    assert_true(str_eq(l.sum.rejected[0].reason, STR("bot:odd")));
    assert_int_equal(l.days[1].books.dropped[0].events, 5);
    assert_int_equal(l.days[1].books.bots_count, 1);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_every_metric_from_the_counts),
        cmocka_unit_test(gives_0_where_there_is_nothing_to_divide_by),
        cmocka_unit_test(stops_sums_at_2_to_the_53_less_1),
        cmocka_unit_test(adds_every_count),
        WITH_WORLD(lists_every_day_with_its_numbers_and_zeros),
        WITH_WORLD(leaves_out_days_that_are_no_longer_kept),
        cmocka_unit_test(keeps_stats_days_before_today),
        WITH_WORLD(says_that_a_sum_holds_an_estimate),
        WITH_WORLD(adds_sites_by_their_local_dates),
        WITH_WORLD(finds_the_first_day_with_numbers),
        WITH_WORLD(counts_visitors_of_part_of_a_day_from_its_hours_sets),
        WITH_WORLD(takes_the_day_s_count_when_nothing_came_after_the_cut),
        WITH_WORLD(estimates_visitors_of_part_of_a_day_once_the_sets_are_gone),
        WITH_WORLD(needs_no_sets_where_nobody_came_back),
        WITH_WORLD(counts_a_day_without_hours_as_a_whole),
        WITH_WORLD(counts_only_hours_of_the_day_itself),
        WITH_WORLD(keeps_no_part_of_a_day_that_is_gone),
        WITH_WORLD(adds_up_the_books_by_day_and_reason),
        WITH_WORLD(keeps_any_number_of_reasons_in_order),
        WITH_WORLD(sums_up_robots_and_lists_their_kinds),
    };
    return cmocka_run_group_tests_name("query_totals", tests, NULL, NULL);
}
