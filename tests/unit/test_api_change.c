/*
 * test_api_change.c -- GET /api/analytics/breakdown beside an earlier range, called without a
 * server: which range that is, what is null, and what is refused. The rows themselves are
 * test_query_change.c's.
 *
 * It is 13:25 on 22 November 2026. Site b (UTC) keeps raw events for 30 days, visits and stats for
 * 365.
 */
#include "api_fixture.h"

struct world {
    struct api_world *api;
    struct site site;
    struct tz *tz;
};

static void see(struct world *w, const char *time, uint64_t visitor, const char *path)
{
    struct event event = fixture_event(&w->site, "pageview", instant(time), visitor, path);

    fixture_events(w->api->store, &w->site, &event, 1);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->api = world_new("2026-11-22T13:25:00Z");
    w->tz = fixture_tz("UTC");
    w->site = (struct site){.id = STR("b"),
                            .tenant = STR("five"),
                            .timezone = STR("UTC"),
                            .tz = w->tz,
                            .paths_per_day = 10000};
    see(w, "2026-11-21T10:00:00Z", 1, "/a");
    see(w, "2026-11-21T14:00:00Z", 2, "/a");
    see(w, "2026-11-21T11:00:00Z", 3, "/old");
    see(w, "2026-11-22T10:00:00Z", 4, "/a");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    world_free(w->api);
    tz_free(&w->tz);
    test_free(w);
    return 0;
}

static void ask(struct world *w, const char *query)
{
    struct buf text = {0};

    buf_addf(&text, "siteId=b&%s", query);
    buf_addc(&text, '\0');
    if (world_ask(w->api, breakdown_get, text.ptr) != 200)
        fail_msg("%s: %.*s", query, STR_FMT(w->api->body));
    buf_release(&text);
}

static void gives_the_same_columns_of_the_earlier_range(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=page&from=2026-11-22&to=2026-11-22&against=custom&againstFrom=2026-11-20"
           "&againstTo=2026-11-21&sort=visitors");
    /* Until 14:00 there are visitors 1 and 3. */
    assert_has(w->api, "\"previousFrom\":\"2026-11-20\",\"previousTo\":\"2026-11-21\","
                       "\"previousUntil\":\"2026-11-21T14:00:00.000Z\",\"rows\":["
                       "{\"value\":\"/a\",\"visitors\":1,\"pageviews\":1,\"visits\":1,"
                       "\"bounceRate\":1,\"visitDuration\":0,\"conversions\":0,"
                       "\"conversionRate\":0,\"percent\":100,\"timeOnPage\":null,"
                       "\"scrollDepth\":null,\"previous\":{\"visitors\":1,\"pageviews\":1,"
                       "\"visits\":1,\"bounceRate\":1,\"visitDuration\":0,\"conversions\":0,"
                       "\"conversionRate\":0,\"percent\":50,\"timeOnPage\":null,"
                       "\"scrollDepth\":null}}],\"total\":1,\"other\":null}");
}

static void compares_whole_days_where_the_range_has_ended(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=page&period=yesterday&against=custom&againstFrom=2026-11-21"
           "&againstTo=2026-11-22");
    assert_has(w->api, "\"previousUntil\":null");
    assert_has(w->api, "\"previous\":{\"visitors\":3,");
    assert_has(w->api, "{\"value\":\"/a\",\"visitors\":2,");
}

static void compares_nothing_unless_it_is_asked_to(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=page&period=today");
    assert_false(world_has(w->api, "previous"));
}

static void gives_rows_that_only_were_with_sort_change(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=page&period=today&against=previous&sort=change");
    assert_has(w->api, "\"rows\":[{\"value\":\"/old\",\"visitors\":0,");
    assert_has(w->api, "\"total\":2,\"other\":null}");
}

/* Raw events reach back to 23 October: the 22nd is compared as a whole. */
static void compares_whole_days_where_no_part_can_be_counted(void **state)
{
    struct world *w = *state;

    ask(w,
        "dimension=page&period=today&against=custom&againstFrom=2026-10-23&againstTo=2026-10-23");
    assert_has(w->api, "\"previousUntil\":\"2026-10-23T14:00:00.000Z\"");
    ask(w,
        "dimension=page&period=today&against=custom&againstFrom=2026-10-22&againstTo=2026-10-22");
    assert_has(w->api, "\"previousTo\":\"2026-10-22\",\"previousUntil\":null");
}

static void gives_null_where_filters_reach_less_far_back(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=source&period=today&against=custom&againstFrom=2026-10-22"
           "&againstTo=2026-10-22&filter=page:is:/a&sort=change");
    assert_has(w->api, "\"previousFrom\":null,\"previousTo\":null,\"previousUntil\":null,"
                       "\"rows\":[{\"value\":\"(direct)\",\"visitors\":1,");
    assert_has(w->api, "\"previous\":null}]");
    ask(w, "dimension=source&period=today&against=custom&againstFrom=2026-10-23"
           "&againstTo=2026-10-23&filter=page:is:/a");
    assert_has(w->api, "\"previous\":{\"visitors\":0,");
    /* Filters on visits reach back as far as these. */
    ask(w, "dimension=source&period=today&against=year&filter=device:isNot:mobile");
    assert_has(w->api, "\"previousFrom\":\"2025-11-22\"");
    assert_has(w->api, "\"previous\":{\"visitors\":0,");
}

static void gives_null_beside_a_range_not_wholly_kept(void **state)
{
    struct world *w = *state;

    ask(w, "dimension=page&period=today&against=custom&againstFrom=2025-11-21"
           "&againstTo=2025-11-23&sort=change");
    assert_has(w->api, "\"previousFrom\":\"2025-11-21\"");
    assert_has(w->api, "\"previous\":null}],\"total\":1");
    ask(w, "dimension=page&period=today&against=custom&againstFrom=2025-11-22"
           "&againstTo=2025-11-23");
    assert_has(w->api, "\"previous\":{\"visitors\":0,");
}

static void gives_other_where_only_the_earlier_range_has_it(void **state)
{
    struct world *w = *state;
    struct site_row row;

    world_get(w->api, ROW_SITE, "b", &row);
    row.paths_per_day = 1;
    world_put(w->api, ROW_SITE, &row);
    ask(w, "dimension=page&period=today&against=custom&againstFrom=2026-11-20&againstTo=2026-11-21"
           "&sort=change");
    assert_has(w->api, "\"other\":{\"value\":\"(other)\",\"visitors\":0,");
    ask(w, "dimension=page&period=today&against=previous");
    assert_has(w->api, "\"other\":null}");
}

static void names_the_parameter_that_is_wrong(void **state)
{
    static const struct {
        const char *query, *parameter;
    } wrong[] = {
        {"sort=change", "sort"},
        {"sort=name", "sort"},
        {"againstFrom=2026-01-01", "againstFrom"},
        {"againstTo=2026-01-01", "againstTo"},
        {"matchWeekday=true", "matchWeekday"},
        {"against=before", "against"},
        {"against=custom&againstFrom=2026-01-02&againstTo=2026-01-01", "againstFrom"},
        {"against=year&matchWeekday=1", "matchWeekday"},
    };
    struct world *w = *state;
    char text[128];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), "siteId=b&dimension=page&%s", wrong[i].query);
        assert_int_equal(world_ask(w->api, breakdown_get, text), 400);
        (void)snprintf(text, sizeof(text), "\"parameter\":\"%s\"", wrong[i].parameter);
        assert_has(w->api, text);
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(gives_the_same_columns_of_the_earlier_range),
        WITH_WORLD(compares_whole_days_where_the_range_has_ended),
        WITH_WORLD(compares_nothing_unless_it_is_asked_to),
        WITH_WORLD(gives_rows_that_only_were_with_sort_change),
        WITH_WORLD(compares_whole_days_where_no_part_can_be_counted),
        WITH_WORLD(gives_null_where_filters_reach_less_far_back),
        WITH_WORLD(gives_null_beside_a_range_not_wholly_kept),
        WITH_WORLD(gives_other_where_only_the_earlier_range_has_it),
        WITH_WORLD(names_the_parameter_that_is_wrong),
    };
    return cmocka_run_group_tests_name("api_change", tests, NULL, NULL);
}
