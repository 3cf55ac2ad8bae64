/*
 * test_query_filtered.c -- totals and series of what filters keep, and from when on these can be
 * asked. Every expectation is counted by hand from the events below, or is what the rollups say.
 */
#include "query_fixture.h"

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct goal goal;
    struct arena arena, scratch;
    struct err err;
};

static const struct filter google = {
    .dimension = DIM_SOURCE, .op = FILTER_IS, .value = {"Google", 6}};
static const struct filter page_a = {.dimension = DIM_PAGE, .op = FILTER_IS, .value = {"/a", 2}};
static const struct filter anything = {
    .dimension = DIM_COUNTRY, .op = FILTER_IS_NOT, .value = {"XX", 2}};

/* The times are UTC, Berlin's clocks are an hour ahead. Google's visitor 1 makes two visits on the
 * 20th, of two pages and of one; visitor 2 comes from nowhere, sees one page and becomes a lead;
 * Google's visitor 3 comes at 23:50 and sees another page at 0:10, by which time the id is 4. */
static const struct {
    const char *name, *time, *path, *source, *country;
    uint64_t visitor, before;
} happened[] = {
    {"pageview", "2026-11-20T08:10:00Z", "/a", "Google", "DE", 1, 0},
    {"pageview", "2026-11-20T08:20:00Z", "/b", "Google", "DE", 1, 0},
    {"pageview", "2026-11-20T10:05:00Z", "/a", "Google", "DE", 1, 0},
    {"pageview", "2026-11-20T09:30:00Z", "/a", "", "FR", 2, 0},
    {"lead.created", "2026-11-20T09:40:00Z", "/a", "", "FR", 2, 0},
    {"pageview", "2026-11-20T22:50:00Z", "/a", "Google", "FR", 3, 0},
    {"pageview", "2026-11-20T23:10:00Z", "/b", "Google", "FR", 4, 3},
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    w->goal = (struct goal){.name = STR("Lead"), .event = STR("lead.created")};
    w->site = (struct site){.id = STR("a"),
                            .tenant = STR("five"),
                            .timezone = STR("Europe/Berlin"),
                            .tz = w->tz,
                            .goals = &w->goal,
                            .goals_count = 1,
                            .goals_hash = goals_hash(&w->goal, 1),
                            .paths_per_day = 10000};
    for (size_t i = 0; i < sizeof(happened) / sizeof(happened[0]); i++) {
        struct event event = fixture_event(&w->site, happened[i].name, instant(happened[i].time),
                                           happened[i].visitor, happened[i].path);
        event.traits[TRAIT_SOURCE] = str_from(happened[i].source);
        event.traits[TRAIT_COUNTRY] = str_from(happened[i].country);
        event.visitor_before = happened[i].before;
        event.day_before = happened[i].before != 0 ? event.day - 1 : 0;
        fixture_events(w->store, &w->site, &event, 1);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    arena_free(&w->scratch);
    test_free(w);
    return 0;
}

static void pack(struct world *w)
{
    fixture_pack(w->store, &w->site, day("2026-11-20"));
    fixture_pack(w->store, &w->site, day("2026-11-21"));
}

static struct query_totals totals(struct world *w, const char *from, const char *to,
                                  struct query_filters filters, int64_t until_ms)
{
    struct range range = {day(from), day(to)};
    struct query_totals t;

    if (query_site_filtered(w->store, &w->site, range, INT32_MIN, &filters, until_ms, &w->arena,
                            &w->scratch, &t, &w->err) != 0)
        fail_msg("%s", w->err.text);
    assert_true(t.exact);
    return t;
}

static void assert_stats(const struct stats *actual, const struct stats *expected)
{
    assert_memory_equal(actual, expected, sizeof(*actual));
}

/* -- totals -------------------------------------------------------------------------------- */

static void sums_up_what_a_filter_keeps_of_each_day(void **state)
{
    struct world *w = *state;

    for (int packed = 0; packed < 2; packed++) {
        struct query_totals t =
            totals(w, "2026-11-19", "2026-11-21", (struct query_filters){&google, 1}, INT64_MAX);
        assert_true(t.whole);
        assert_int_equal(t.days_count, 3);
        assert_stats(&t.days[0].stats, &(struct stats){0});
        assert_stats(&t.days[1].stats, &(struct stats){.pageviews = 4,
                                                       .unique_visitors = 2,
                                                       .visits = 3,
                                                       .bounces = 1,
                                                       .visit_ms = 30 * MINUTE_MS,
                                                       .visit_pageviews = 4});
        assert_stats(&t.days[2].stats,
                     &(struct stats){.pageviews = 1, .unique_visitors = 1, .visit_pageviews = 1});
        assert_int_equal(t.sum.pageviews, 5);
        assert_int_equal(t.sum.unique_visitors, 3);
        assert_int_equal(t.sum.visits, 3);
        pack(w);
    }
}

static void holds_filters_together(void **state)
{
    struct world *w = *state;
    const struct filter both[] = {page_a, google};

    for (int packed = 0; packed < 2; packed++) {
        struct query_totals t =
            totals(w, "2026-11-20", "2026-11-20", (struct query_filters){both, 2}, INT64_MAX);
        assert_int_equal(t.sum.pageviews, 3);
        assert_int_equal(t.sum.unique_visitors, 2);
        assert_int_equal(t.sum.leads, 0);
        t = totals(w, "2026-11-20", "2026-11-20", (struct query_filters){both, 1}, INT64_MAX);
        assert_int_equal(t.sum.pageviews, 4);
        assert_int_equal(t.sum.unique_visitors, 3);
        assert_int_equal(t.sum.leads, 1);
        assert_int_equal(t.sum.conversions, 1);
        assert_int_equal(t.sum.converters, 1);
        pack(w);
    }
}

static void equals_the_rollups_where_everything_is_kept(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-19"), day("2026-11-22")};
    struct query_totals all;

    assert_int_equal(query_site(w->store, &w->site, range, INT32_MIN, &w->arena, &all, &w->err), 0);
    assert_int_equal(all.sum.pageviews, 6);
    for (int packed = 0; packed < 2; packed++) {
        struct query_totals t =
            totals(w, "2026-11-19", "2026-11-22", (struct query_filters){&anything, 1}, INT64_MAX);
        assert_stats(&t.sum, &all.sum);
        for (size_t i = 0; i < t.days_count; i++)
            assert_stats(&t.days[i].stats, &all.days[i].stats);
        pack(w);
    }
}

static void leaves_out_days_that_are_no_longer_kept(void **state)
{
    struct world *w = *state;
    struct query_filters filters = {&google, 1};
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_totals t;

    for (int packed = 0; packed < 2; packed++) {
        assert_int_equal(query_site_filtered(w->store, &w->site, range, day("2026-11-21"), &filters,
                                             INT64_MAX, &w->arena, &w->scratch, &t, &w->err),
                         0);
        assert_false(t.whole);
        assert_false(t.days[0].kept);
        assert_int_equal(t.sum.pageviews, 1);
        assert_int_equal(query_site_filtered(w->store, &w->site, range, day("2026-11-22"), &filters,
                                             instant("2026-11-21T12:00:00Z"), NULL, &w->scratch, &t,
                                             &w->err),
                         0);
        assert_null(t.days);
        assert_int_equal(t.sum.pageviews, 0);
        pack(w);
    }
}

/* -- part of a day ------------------------------------------------------------------------- */

static void counts_visitors_of_part_of_a_day_once(void **state)
{
    struct world *w = *state;
    struct query_filters filters = {&google, 1};

    for (int packed = 0; packed < 2; packed++) {
        struct query_totals t =
            totals(w, "2026-11-20", "2026-11-20", filters, instant("2026-11-20T09:00:00Z"));
        assert_stats(&t.sum, &(struct stats){.pageviews = 2,
                                             .unique_visitors = 1,
                                             .visits = 1,
                                             .visit_ms = 10 * MINUTE_MS,
                                             .visit_pageviews = 2});
        /* Visitor 1 is there at 9 and at 11. */
        t = totals(w, "2026-11-20", "2026-11-20", filters, instant("2026-11-20T11:00:00Z"));
        assert_int_equal(t.sum.pageviews, 3);
        assert_int_equal(t.sum.unique_visitors, 1);
        assert_int_equal(t.sum.visits, 2);
        assert_int_equal(t.sum.bounces, 1);
        /* The days before are whole. */
        t = totals(w, "2026-11-20", "2026-11-21", filters, instant("2026-11-21T00:00:00Z"));
        assert_int_equal(t.days[0].stats.pageviews, 4);
        assert_int_equal(t.days[1].stats.pageviews, 1);
        t = totals(w, "2026-11-20", "2026-11-21", filters, instant("2026-11-20T23:00:00Z"));
        assert_int_equal(t.days[0].stats.pageviews, 4);
        assert_int_equal(t.days[1].stats.pageviews, 0);
        pack(w);
    }
}

static void equals_the_rollups_of_part_of_a_day_where_everything_is_kept(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};

    for (int packed = 0; packed < 2; packed++) {
        for (int32_t last = 20; last <= 21; last++)
            for (int64_t hour = 0; hour <= 24; hour++) {
                range.to = day("2026-11-20") + last - 20;
                int64_t until_ms = tz_day_start(w->tz, range.to) + hour * HOUR_MS;
                struct query_totals all, t;
                assert_int_equal(query_site_until(w->store, &w->site, range, INT32_MIN, until_ms,
                                                  &w->arena, &all, &w->err),
                                 0);
                t = totals(w, "2026-11-20", last == 20 ? "2026-11-20" : "2026-11-21",
                           (struct query_filters){&anything, 1}, until_ms);
                assert_stats(&t.sum, &all.sum);
            }
        pack(w);
    }
}

/* The clocks were a zone's that is ahead of Berlin: the day began there an hour before. */
static void counts_what_another_zone_put_into_the_day(void **state)
{
    struct world *w = *state;
    struct query_filters filters = {&google, 1};
    struct event event =
        fixture_event(&w->site, "pageview", instant("2026-11-19T22:30:00Z"), 9, "/a");

    event.day = day("2026-11-20");
    event.hour_ms = instant("2026-11-19T22:00:00Z");
    event.traits[TRAIT_SOURCE] = STR("Google");
    fixture_events(w->store, &w->site, &event, 1);
    for (int packed = 0; packed < 2; packed++) {
        struct query_totals t =
            totals(w, "2026-11-20", "2026-11-20", filters, instant("2026-11-20T09:00:00Z"));
        assert_int_equal(t.sum.pageviews, 3);
        assert_int_equal(t.sum.unique_visitors, 2);
        t = totals(w, "2026-11-20", "2026-11-20", filters, INT64_MAX);
        assert_int_equal(t.sum.pageviews, 5);
        pack(w);
    }
}

/* -- series -------------------------------------------------------------------------------- */

static struct query_series series(struct world *w, const char *from, const char *to,
                                  enum interval interval, const struct filter *filter)
{
    struct range range = {day(from), day(to)};
    struct query_filters filters = {filter, 1};
    struct query_series out;

    if (query_series_filtered(w->store, &w->site, range, interval, INT32_MIN,
                              instant("2026-12-01T00:00:00Z"), &filters, &w->arena, &w->scratch,
                              &out, &w->err) != 0)
        fail_msg("%s", w->err.text);
    assert_true(out.exact);
    return out;
}

static void gives_the_hours_of_what_a_filter_keeps(void **state)
{
    struct world *w = *state;
    /* Local hours from the 20th on. */
    static const int64_t views[48] = {[9] = 2, [11] = 1, [23] = 1, [24] = 1};
    static const int64_t visits[48] = {[9] = 1, [11] = 1, [23] = 1};

    for (int packed = 0; packed < 2; packed++) {
        struct query_series s = series(w, "2026-11-20", "2026-11-21", INTERVAL_HOUR, &google);
        assert_int_equal(s.count, 48);
        for (size_t i = 0; i < 48; i++) {
            assert_int_equal(s.points[i].hour_ms,
                             instant("2026-11-19T23:00:00Z") + (int64_t)i * HOUR_MS);
            assert_int_equal(s.points[i].stats.pageviews, views[i]);
            assert_int_equal(s.points[i].stats.unique_visitors, views[i] > 0);
            assert_int_equal(s.points[i].stats.visits, visits[i]);
        }
        pack(w);
    }
}

static void gives_days_weeks_and_months_of_what_a_filter_keeps(void **state)
{
    struct world *w = *state;

    /* The 20th is a Friday. */
    for (int packed = 0; packed < 2; packed++) {
        struct query_series s = series(w, "2026-11-19", "2026-11-21", INTERVAL_DAY, &google);
        assert_int_equal(s.count, 3);
        assert_int_equal(s.points[1].stats.pageviews, 4);
        assert_int_equal(s.points[2].stats.pageviews, 1);
        s = series(w, "2026-11-10", "2026-11-21", INTERVAL_WEEK, &google);
        assert_int_equal(s.count, 2);
        assert_int_equal(s.points[0].stats.pageviews, 0);
        assert_int_equal(s.points[1].stats.pageviews, 5);
        assert_int_equal(s.points[1].stats.unique_visitors, 3);
        s = series(w, "2026-10-31", "2026-11-30", INTERVAL_MONTH, &google);
        assert_int_equal(s.count, 2);
        assert_int_equal(s.points[1].date, day("2026-11-01"));
        assert_int_equal(s.points[1].stats.pageviews, 5);
        pack(w);
    }
}

static void equals_the_rollups_series_where_everything_is_kept(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};

    for (int packed = 0; packed < 2; packed++) {
        for (enum interval interval = INTERVAL_HOUR; interval <= INTERVAL_MONTH; interval++) {
            struct query_series all, s = series(w, "2026-11-20", "2026-11-21", interval, &anything);
            assert_int_equal(query_series(w->store, &w->site, range, interval, INT32_MIN,
                                          instant("2026-12-01T00:00:00Z"), &w->arena, &all,
                                          &w->err),
                             0);
            assert_int_equal(s.count, all.count);
            for (size_t i = 0; i < s.count; i++) {
                assert_stats(&s.points[i].stats, &all.points[i].stats);
                assert_int_equal(s.points[i].partial, all.points[i].partial);
                assert_int_equal(s.points[i].kept, all.points[i].kept);
            }
        }
        pack(w);
    }
}

/* -- from when on -------------------------------------------------------------------------- */

static void can_be_asked_as_long_as_what_it_needs_is_kept(void **state)
{
    int32_t today = day("2026-11-22");
    struct site site = {.raw_days = 30, .visit_days = 365};
    const struct filter filter[] = {google, page_a};
    struct query_filters none = {0}, visits = {filter, 1}, both = {filter, 2};

    (void)state;
    assert_int_equal(query_filterable(&site, &visits, false, today), today - 365);
    assert_int_equal(query_filterable(&site, &visits, true, today), today - 30);
    assert_int_equal(query_filterable(&site, &both, false, today), today - 30);
    assert_int_equal(query_filterable(&site, &none, true, today), INT32_MIN);
    site.visit_days = 0;
    assert_int_equal(query_filterable(&site, &visits, false, today), INT32_MIN);
    assert_int_equal(query_filterable(&site, &both, false, today), today - 30);
    site.raw_days = 0;
    assert_int_equal(query_filterable(&site, &both, true, today), INT32_MIN);
    /* An event is asked for its visit, too. */
    site.visit_days = 10;
    assert_int_equal(query_filterable(&site, &both, false, today), today - 10);
}

static void counts_events_where_a_breakdown_is_by_one_of_theirs(void **state)
{
    int32_t today = day("2026-11-22");
    struct site site = {.raw_days = 30, .visit_days = 365};
    struct query_breakdown_ask ask = {.dimension = DIM_PAGE, .filters = {&google, 1}};

    (void)state;
    assert_int_equal(query_breakdown_filterable(&site, &ask, today), today - 30);
    ask.dimension = DIM_COUNTRY;
    assert_int_equal(query_breakdown_filterable(&site, &ask, today), today - 365);
    ask.dimension = DIM_PAGE;
    ask.filters.count = 0;
    assert_int_equal(query_breakdown_filterable(&site, &ask, today), INT32_MIN);
}

/* What query_filterable() promises holds only if no part is read that has gone by then. */
static void reads_columns_of_events_only_where_it_says_so(void **state)
{
    struct site site = {.raw_days = 30, .visit_days = 365};
    int32_t parts[PACK_PARTS_MAX];

    (void)state;
    for (enum dimension by = DIM_PAGE; by <= DIMENSIONS; by++)
        for (enum dimension of = DIM_PAGE; of < DIMENSIONS; of++) {
            struct filter filter = {.dimension = of, .op = FILTER_IS, .value = {"x", 1}};
            struct query_breakdown_ask ask = {.dimension = by, .filters = {&filter, 1}};
            bool events;
            size_t count = facts_parts(by, &filter, 1, false, parts, &events);
            int32_t first = by == DIMENSIONS ? query_filterable(&site, &ask.filters, false, 1000)
                                             : query_breakdown_filterable(&site, &ask, 1000);
            assert_int_equal(first, events ? 1000 - 30 : 1000 - 365);
            assert_true(count > 0);
            assert_int_equal(events, parts[count - 1] >= PACK_EVENTS);
        }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(sums_up_what_a_filter_keeps_of_each_day),
        WITH_WORLD(holds_filters_together),
        WITH_WORLD(equals_the_rollups_where_everything_is_kept),
        WITH_WORLD(leaves_out_days_that_are_no_longer_kept),
        WITH_WORLD(counts_visitors_of_part_of_a_day_once),
        WITH_WORLD(equals_the_rollups_of_part_of_a_day_where_everything_is_kept),
        WITH_WORLD(counts_what_another_zone_put_into_the_day),
        WITH_WORLD(gives_the_hours_of_what_a_filter_keeps),
        WITH_WORLD(gives_days_weeks_and_months_of_what_a_filter_keeps),
        WITH_WORLD(equals_the_rollups_series_where_everything_is_kept),
        cmocka_unit_test(can_be_asked_as_long_as_what_it_needs_is_kept),
        cmocka_unit_test(counts_events_where_a_breakdown_is_by_one_of_theirs),
        cmocka_unit_test(reads_columns_of_events_only_where_it_says_so),
    };
    return cmocka_run_group_tests_name("query_filtered", tests, NULL, NULL);
}
