/*
 * test_query_change.c -- a breakdown beside an earlier range: who saw which page on two days, as
 * listed below, so that every number can be counted by looking.
 */
#include "query_fixture.h"

#define BEFORE "2026-10-20"
#define NOW "2026-10-21"

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct arena arena;
    struct query_recent *recent;
    struct err err;
};

/* Visitors first..last, each once, at that hour of the clock in Berlin. */
struct seen {
    const char *date, *path;
    uint64_t first, last;
    int hour;
};
static const struct seen happened[] = {
    {BEFORE, "/a", 1, 5, 8},  {BEFORE, "/b", 1, 3, 15},   {BEFORE, "/old", 2, 5, 9},
    {BEFORE, "/b", 4, 4, 11}, {BEFORE, "/same", 1, 2, 7}, {NOW, "/a", 11, 16, 10},
    {NOW, "/b", 11, 21, 8},   {NOW, "/new", 11, 11, 9},   {NOW, "/same", 11, 12, 11},
};

static void make_days(struct world *w)
{
    struct event events[64];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(happened) / sizeof(happened[0]); i++)
        for (uint64_t v = happened[i].first; v <= happened[i].last; v++) {
            int64_t begin = tz_day_start(w->tz, day(happened[i].date));
            events[count++] = fixture_event(
                &w->site, "pageview", begin + happened[i].hour * HOUR_MS, v, happened[i].path);
        }
    fixture_events(w->store, &w->site, events, count);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    w->site = (struct site){.id = STR("a"),
                            .tenant = STR("five"),
                            .timezone = STR("Europe/Berlin"),
                            .tz = w->tz,
                            .paths_per_day = 10000};
    w->recent = query_recent_new(1 << 20);
    make_days(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    query_recent_free(&w->recent);
    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

static const struct query_earlier whole = {{20746, 20746}, INT64_MAX};

static struct query_breakdown ask(struct world *w, struct query_breakdown_ask question)
{
    struct range now = {day(NOW), day(NOW)};
    struct query_breakdown out;

    if (question.limit == 0)
        question.limit = 100;
    if (query_breakdown(w->store, &w->site, now, INT32_MIN, &question, &w->arena, &out, &w->err) !=
        0)
        fail_msg("%s", w->err.text);
    return out;
}

struct expected {
    const char *value;
    int64_t now, before;
};

static void assert_rows(const struct query_breakdown *got, const struct expected *rows,
                        size_t count)
{
    assert_int_equal(got->count, count);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(got->rows[i].value, str_from(rows[i].value)))
            fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(got->rows[i].value), rows[i].value);
        assert_true(str_eq(got->before.rows[i].value, str_from(rows[i].value)));
        assert_int_equal(got->rows[i].visitors, rows[i].now);
        assert_int_equal(got->rows[i].pageviews, rows[i].now);
        assert_int_equal(got->before.rows[i].visitors, rows[i].before);
        assert_int_equal(got->before.rows[i].pageviews, rows[i].before);
    }
}

/* Due, then packed. */
#define FOR_BOTH(w)                                                                                \
    for (int packed = 0; packed < 2; packed++, fixture_pack((w)->store, &(w)->site, day(NOW)),     \
             fixture_pack((w)->store, &(w)->site, day(BEFORE)))

static void stands_each_value_beside_what_it_was(void **state)
{
    static const struct expected rows[] = {
        {"/b", 11, 4}, {"/a", 6, 5}, {"/same", 2, 2}, {"/new", 1, 0}};
    struct world *w = *state;

    assert_int_equal(whole.range.from, day(BEFORE));
    FOR_BOTH(w)
    {
        struct query_breakdown got = ask(w, (struct query_breakdown_ask){.earlier = &whole});
        assert_rows(&got, rows, 4);
        assert_int_equal(got.total, 4);
        assert_int_equal(got.visitors, 11);
        assert_int_equal(got.before.visitors, 5);
    }
}

static void gives_no_earlier_rows_where_none_are_asked_for(void **state)
{
    struct world *w = *state;

    assert_null(ask(w, (struct query_breakdown_ask){.limit = 10}).before.rows);
}

/* /b 7 more, /old 4 fewer, /a and /new one more, of which /a has more visitors, /same as many. */
static const struct expected by_change[] = {
    {"/b", 11, 4}, {"/old", 0, 4}, {"/a", 6, 5}, {"/new", 1, 0}, {"/same", 2, 2}};

static void orders_by_change_with_values_that_only_were(void **state)
{
    struct world *w = *state;

    FOR_BOTH(w)
    {
        struct query_breakdown got =
            ask(w, (struct query_breakdown_ask){.earlier = &whole, .order = ORDER_CHANGE});
        assert_rows(&got, by_change, 5);
        assert_int_equal(got.total, 5);
    }
}

static void gives_any_page_by_change(void **state)
{
    struct world *w = *state;

    for (size_t offset = 0; offset <= 6; offset++)
        for (size_t limit = 1; limit <= 6; limit++) {
            struct query_breakdown_ask question = {
                .earlier = &whole, .order = ORDER_CHANGE, .offset = offset, .limit = limit};
            struct query_breakdown got = ask(w, question);
            size_t left = offset < 5 ? 5 - offset : 0;
            assert_int_equal(got.total, 5);
            assert_rows(&got, by_change + (offset < 5 ? offset : 0), left < limit ? left : limit);
        }
}

static void finds_a_value_that_only_was(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {
        .earlier = &whole, .order = ORDER_CHANGE, .search = STR("OLD")};

    struct query_breakdown got = ask(w, question);
    assert_rows(&got, &by_change[1], 1);
    assert_int_equal(got.total, 1);
    question.order = ORDER_VISITORS;
    assert_int_equal(ask(w, question).total, 0);
}

/* Up to 12:00: visitor 1 to 5 of /a, 2 to 5 of /old, 4 of /b, 1 and 2 of /same. */
static void counts_the_last_day_only_up_to_the_instant(void **state)
{
    static const struct expected rows[] = {
        {"/b", 11, 1}, {"/a", 6, 5}, {"/same", 2, 2}, {"/new", 1, 0}};
    struct world *w = *state;
    struct query_earlier cut = whole;

    cut.until_ms = instant("2026-10-20T10:00:00Z");
    for (int kept = 0; kept < 2; kept++)
        FOR_BOTH(w)
        {
            struct query_breakdown_ask question = {.earlier = &cut,
                                                   .recent = kept == 1 ? w->recent : NULL};
            struct query_breakdown got = ask(w, question);
            assert_rows(&got, rows, 4);
            assert_int_equal(got.before.visitors, 5);
            cut.until_ms = instant("2026-10-20T05:30:00Z"); /* 7:30 */
            got = ask(w, question);
            assert_int_equal(got.before.visitors, 2);
            assert_int_equal(got.before.rows[2].visitors, 2);
            assert_int_equal(got.before.rows[1].visitors, 0);
            question.earlier = &whole; /* the day itself is another one than its part */
            assert_int_equal(ask(w, question).before.rows[0].visitors, 4);
            cut.until_ms = instant("2026-10-20T10:00:00Z");
        }
}

static void counts_days_before_the_last_as_a_whole(void **state)
{
    struct world *w = *state;
    struct query_earlier cut = {{day(BEFORE), day(NOW)}, instant("2026-10-21T06:30:00Z")};

    FOR_BOTH(w)
    {
        /* Of the second day /b alone, at 8:00. */
        struct query_breakdown got = ask(w, (struct query_breakdown_ask){.earlier = &cut});
        assert_int_equal(got.before.rows[0].visitors, 4 + 11);
        assert_int_equal(got.before.rows[1].visitors, 5);
        assert_int_equal(got.before.visitors, 5 + 11);
    }
}

static void filters_both_sides(void **state)
{
    static const struct filter same = {
        .dimension = DIM_ENTRY_PAGE, .op = FILTER_IS, .value = STR_INIT("/same")};
    static const struct filter entered = {
        .dimension = DIM_ENTRY_PAGE, .op = FILTER_STARTS_WITH, .value = STR_INIT("/")};
    struct world *w = *state;
    struct query_earlier cut = whole;

    cut.until_ms = instant("2026-10-20T10:00:00Z");
    FOR_BOTH(w)
    {
        /* Every view is a visit of its own, an hour or more after the last: of these only those
         * that are /same itself. */
        struct query_breakdown_ask question = {.earlier = &whole, .filters = {&same, 1}};
        struct query_breakdown got = ask(w, question);
        assert_rows(&got, &(struct expected){"/same", 2, 2}, 1);
        assert_int_equal(got.before.visitors, 2);
        question = (struct query_breakdown_ask){.earlier = &cut, .filters = {&entered, 1}};
        got = ask(w, question);
        assert_int_equal(got.before.rows[0].visitors, 1);
        assert_int_equal(got.before.visitors, 5);
    }
}

static void puts_beside_other_what_it_was(void **state)
{
    struct world *w = *state;

    w->site.paths_per_day = 1;
    FOR_BOTH(w)
    {
        /* Of the earlier day /a stays, of the later one /b: nothing is known of the other's. */
        struct query_breakdown got =
            ask(w, (struct query_breakdown_ask){.earlier = &whole, .order = ORDER_CHANGE});
        assert_rows(&got, (struct expected[]){{"/b", 11, 0}, {"/a", 0, 5}}, 2);
        assert_int_equal(got.other.pageviews, 6 + 1 + 2);
        assert_int_equal(got.before.other.pageviews, 4 + 4 + 2);
    }
}

static void parts_can_be_counted_as_long_as_events_and_visits_are_kept(void **state)
{
    struct world *w = *state;

    w->site.raw_days = 30;
    w->site.visit_days = 365;
    assert_int_equal(query_divisible(&w->site, 1000), 970);
    w->site.visit_days = 7;
    assert_int_equal(query_divisible(&w->site, 1000), 993);
    w->site.raw_days = 0;
    w->site.visit_days = 0;
    assert_int_equal(query_divisible(&w->site, 1000), INT32_MIN);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(stands_each_value_beside_what_it_was),
        WITH_WORLD(gives_no_earlier_rows_where_none_are_asked_for),
        WITH_WORLD(orders_by_change_with_values_that_only_were),
        WITH_WORLD(gives_any_page_by_change),
        WITH_WORLD(finds_a_value_that_only_was),
        WITH_WORLD(counts_the_last_day_only_up_to_the_instant),
        WITH_WORLD(counts_days_before_the_last_as_a_whole),
        WITH_WORLD(filters_both_sides),
        WITH_WORLD(puts_beside_other_what_it_was),
        WITH_WORLD(parts_can_be_counted_as_long_as_events_and_visits_are_kept),
    };
    return cmocka_run_group_tests_name("query_change", tests, NULL, NULL);
}
