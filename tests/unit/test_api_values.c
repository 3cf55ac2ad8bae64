/*
 * test_api_values.c -- breakdowns, filters and comparisons of series as they are answered, and as
 * they are exported.
 *
 * It is 14:25 in Berlin on 22 November 2026, a Sunday. Every number is counted by hand from these
 * events of site a on the 21st (UTC; Berlin is an hour ahead):
 *
 *     visitor 1, Google, DE   09:00 /   09:01 /pricing, 40 s and 80 % of it   09:02 lead.created
 *     visitor 2, direct, FR   10:00 /pricing, 20 s and 50 % of it
 *     visitor 3, news, DE     11:00 /   11:05 /docs   and again   13:00 /docs
 *     a backend               12:00 three times /docs
 *
 * So there are visits of 120, 20, 300 and 0 seconds, and the second and the last are bounces.
 */
#include "api_fixture.h"

static const struct {
    const char *name, *time, *path, *source, *country;
    uint64_t visitor;
    int64_t count, seconds_ms;
    int32_t scroll;
} events[] = {
    {"pageview", "2026-11-21T09:00:00Z", "/", "Google", "DE", 1, 1, 0, -1},
    {"pageview", "2026-11-21T09:01:00Z", "/pricing", "Google", "DE", 1, 1, 0, -1},
    {"engagement", "2026-11-21T09:01:40Z", "/pricing", "Google", "DE", 1, 1, 40000, 80},
    {"lead.created", "2026-11-21T09:02:00Z", "", "Google", "DE", 1, 1, 0, -1},
    {"pageview", "2026-11-21T10:00:00Z", "/pricing", "", "FR", 2, 1, 0, -1},
    {"engagement", "2026-11-21T10:00:20Z", "/pricing", "", "FR", 2, 1, 20000, 50},
    {"pageview", "2026-11-21T11:00:00Z", "/", "news", "DE", 3, 1, 0, -1},
    {"pageview", "2026-11-21T11:05:00Z", "/docs", "news", "DE", 3, 1, 0, -1},
    {"pageview", "2026-11-21T13:00:00Z", "/docs", "news", "DE", 3, 1, 0, -1},
    {"pageview", "2026-11-21T12:00:00Z", "/docs", "", "", 0, 3, 0, -1},
};
enum { EVENTS = sizeof(events) / sizeof(events[0]) };

#define THE_DAY "siteId=a&from=2026-11-21&to=2026-11-21"

static void add_events(struct api_world *w)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("a"));
    struct event list[EVENTS];

    for (size_t i = 0; i < EVENTS; i++) {
        list[i] = fixture_event(site, events[i].name, instant(events[i].time), events[i].visitor,
                                events[i].path);
        list[i].traits[TRAIT_SOURCE] = str_from(events[i].source);
        list[i].traits[TRAIT_COUNTRY] = str_from(events[i].country);
        list[i].count = events[i].count;
        list[i].seconds_ms = events[i].seconds_ms;
        list[i].scroll = events[i].scroll;
    }
    fixture_events(w->store, site, list, EVENTS);
    directory_give(w->directory, snapshot);
}

static int set_up(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");

    add_events(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

static void assert_refused(struct api_world *w, handler *handle, const char *query,
                           const char *param)
{
    char member[80];

    (void)snprintf(member, sizeof(member), "\"parameter\":\"%s\"}", param);
    if (world_ask(w, handle, query) != 400)
        fail_msg("%s: %.*s", query, STR_FMT(w->body));
    assert_has(w, member);
}

static void assert_rows(struct api_world *w, const char *query, const char *rows)
{
    if (world_ask(w, breakdown_get, query) != 200)
        fail_msg("%s: %.*s", query, STR_FMT(w->body));
    assert_has(w, rows);
}

/* -- breakdowns ---------------------------------------------------------------------------- */

#define HOME                                                                                       \
    "{\"value\":\"/\",\"visitors\":2,\"pageviews\":2,\"visits\":2,\"bounceRate\":0,"               \
    "\"visitDuration\":210,\"conversions\":0,\"conversionRate\":0,\"percent\":66.6667,"            \
    "\"timeOnPage\":null,\"scrollDepth\":null}"
#define PRICING                                                                                    \
    "{\"value\":\"/pricing\",\"visitors\":2,\"pageviews\":2,\"visits\":2,\"bounceRate\":0.5,"      \
    "\"visitDuration\":70,\"conversions\":1,\"conversionRate\":0.5,\"percent\":66.6667,"           \
    "\"timeOnPage\":30,\"scrollDepth\":65}"
#define DOCS                                                                                       \
    "{\"value\":\"/docs\",\"visitors\":1,\"pageviews\":5,\"visits\":2,\"bounceRate\":0.5,"         \
    "\"visitDuration\":150,\"conversions\":0,\"conversionRate\":0,\"percent\":33.3333,"            \
    "\"timeOnPage\":null,\"scrollDepth\":null}"

static void answers_pages_with_what_was_read_of_them(void **state)
{
    struct api_world *w = *state;

    world_counted(w, "2026-11-22T13:24:50Z");
    assert_rows(w, THE_DAY "&dimension=page",
                "{\"siteId\":\"a\",\"tenantId\":\"five\",\"timezone\":\"Europe/Berlin\","
                "\"from\":\"2026-11-21\",\"to\":\"2026-11-21\","
                "\"asOf\":\"2026-11-22T13:24:50.000Z\",\"exact\":true,\"uniqueBasis\":\"day\","
                "\"availableFrom\":null,\"dimension\":\"page\",\"rows\":[" HOME "," PRICING "," DOCS
                "],\"total\":3,\"other\":null}");
}

static void answers_sources_of_visits(void **state)
{
    assert_rows(*state, THE_DAY "&dimension=source",
                "\"rows\":[{\"value\":\"news\",\"visitors\":1,\"pageviews\":3,\"visits\":2,"
                "\"bounceRate\":0.5,\"visitDuration\":150,\"conversions\":0,\"conversionRate\":0,"
                "\"percent\":33.3333},"
                "{\"value\":\"Google\",\"visitors\":1,\"pageviews\":2,\"visits\":1,"
                "\"bounceRate\":0,\"visitDuration\":120,\"conversions\":1,\"conversionRate\":1,"
                "\"percent\":33.3333},"
                "{\"value\":\"(direct)\",\"visitors\":1,\"pageviews\":1,\"visits\":1,"
                "\"bounceRate\":1,\"visitDuration\":20,\"conversions\":0,\"conversionRate\":0,"
                "\"percent\":33.3333}],\"total\":3,\"other\":null}");
}

#define EVENT_ROW(value, visitors, pageviews, visits, rest)                                        \
    "{\"value\":\"" value "\",\"visitors\":" visitors ",\"pageviews\":" pageviews                  \
    ",\"visits\":" visits "," rest
#define OF_PAGEVIEW                                                                                \
    EVENT_ROW("pageview", "3", "9", "4",                                                           \
              "\"bounceRate\":0.5,\"visitDuration\":110,\"conversions\":0,\"conversionRate\":0,"   \
              "\"percent\":100,\"events\":9}")
#define OF_LEAD                                                                                    \
    EVENT_ROW("lead.created", "1", "0", "1",                                                       \
              "\"bounceRate\":0,\"visitDuration\":120,\"conversions\":1,\"conversionRate\":1,"     \
              "\"percent\":33.3333,\"events\":1}")
/* Of a backend, on the same day. */
#define OF_EXPORT(percent, events)                                                                 \
    EVENT_ROW("export.completed", "0", "0", "0",                                                   \
              "\"bounceRate\":0,\"visitDuration\":0,\"conversions\":0,\"conversionRate\":0,"       \
              "\"percent\":" percent ",\"events\":" events "}")

static void add_exports(struct api_world *w)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("a"));
    struct event event =
        fixture_event(site, "export.completed", instant("2026-11-21T12:30:00Z"), 0, "");

    event.count = 4;
    event.props = STR("{\"format\":\"csv\"}");
    fixture_events(w->store, site, &event, 1);
    directory_give(w->directory, snapshot);
}

static void says_how_many_events_there_were_whoever_sent_them(void **state)
{
    struct api_world *w = *state;

    add_exports(w);
    assert_rows(w, THE_DAY "&dimension=event",
                "\"rows\":[" OF_PAGEVIEW "," OF_LEAD "," OF_EXPORT("0", "4") "],\"total\":3,"
                                                                             "\"other\":null}");
    assert_rows(w, THE_DAY "&dimension=event&sort=events",
                "\"rows\":[" OF_PAGEVIEW "," OF_EXPORT("0", "4") "," OF_LEAD "],\"total\":3,");
    assert_rows(w, THE_DAY "&dimension=prop:format", "\"rows\":[{\"value\":\"csv\",");
    assert_has(w, "\"percent\":0,\"events\":4}],\"total\":1,");
    assert_rows(w,
                THE_DAY "&dimension=event&against=custom&againstFrom=2026-11-21"
                        "&againstTo=2026-11-21&search=export",
                "\"percent\":0,\"events\":4,\"previous\":{\"visitors\":0,");
    assert_has(w, "\"percent\":0,\"events\":4}}],");
    assert_rows(w, THE_DAY "&dimension=page", "\"value\":\"/docs\"");
    assert_false(world_has(w, "\"events\""));
}

/* As days were packed before their rollups held events: "export.completed" by 2 visitors. */
static void pack_without_events(struct api_world *w)
{
    struct site_day packed = {STR("a"), day("2026-11-21")};
    struct pack_part part = {packed.site, packed.day, 1 + DIM_EVENT,
                             STR("\1\0\1\0\20export.completed\1\2")};

    fixture_commit(w->store,
                   &(struct store_batch){
                       .packed = &packed, .packed_count = 1, .packs = &part, .packs_count = 1});
}

static void says_null_of_events_that_nobody_counted(void **state)
{
    struct api_world *w = *state;

    pack_without_events(w);
    assert_rows(w, THE_DAY "&dimension=event&sort=events",
                "\"rows\":[{\"value\":\"export.completed\",\"visitors\":2,");
    assert_has(w, ",\"events\":null}],\"total\":1,\"other\":null}");
    assert_rows(w,
                "siteId=a&from=2026-11-20&to=2026-11-20&dimension=event&sort=change&against=custom"
                "&againstFrom=2026-11-21&againstTo=2026-11-21",
                "\"events\":0,\"previous\":{\"visitors\":2,");
    assert_has(w, "\"events\":null}}],\"total\":1,");
}

static void measures_a_goal_by_all_visitors(void **state)
{
    struct api_world *w = *state;

    assert_rows(w, THE_DAY "&dimension=goal",
                "\"rows\":[{\"value\":\"lead.created\",\"visitors\":1,");
    assert_has(w, "\"conversions\":1,\"conversionRate\":0.3333,\"percent\":33.3333}],\"total\":1");
}

static void gives_a_window_of_the_rows_and_searches_them(void **state)
{
    struct api_world *w = *state;

    assert_rows(w, THE_DAY "&dimension=page&limit=1&offset=1",
                "\"rows\":[" PRICING "],\"total\":3,");
    assert_rows(w, THE_DAY "&dimension=page&offset=3", "\"rows\":[],\"total\":3,");
    assert_rows(w, THE_DAY "&dimension=page&search=DOC", "\"rows\":[" DOCS "],\"total\":1,");
    assert_rows(w, THE_DAY "&dimension=page&limit=1000&offset=1000000", "\"rows\":[],");
    assert_rows(w, THE_DAY "&dimension=prop:plan", "\"dimension\":\"prop:plan\",\"rows\":[],");
}

static void shows_what_had_no_place_as_a_row_of_its_own(void **state)
{
    struct api_world *w = *state;
    struct directory_rows rows;
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};
    static const struct {
        const char *path;
        uint64_t visitor;
    } views[] = {{"/x", 1}, {"/x", 2}, {"/y", 1}, {"/y", 1}, {"/z", 3}};
    struct event list[5];

    assert_int_equal(store_read_directory(w->store, &w->arena, &rows, &err), 0);
    for (size_t i = 0; i < rows.sites_count; i++)
        if (str_eq(rows.sites[i].id, STR("b"))) {
            rows.sites[i].paths_per_day = 2;
            assert_int_equal(store_set_site(w->store, &rows.sites[i], &actor, &err), 0);
        }
    world_load(w);
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("b"));
    for (size_t i = 0; i < 5; i++)
        list[i] = fixture_event(site, "pageview", instant("2026-11-21T09:00:00Z") + (int64_t)i,
                                views[i].visitor, views[i].path);
    fixture_events(w->store, site, list, 5);
    directory_give(w->directory, snapshot);

    assert_rows(w, "siteId=b&from=2026-11-21&to=2026-11-21&dimension=page",
                "\"rows\":[{\"value\":\"/x\",\"visitors\":2,");
    assert_has(w, "{\"value\":\"/y\",\"visitors\":1,\"pageviews\":2,");
    assert_has(w, "\"total\":2,\"other\":{\"value\":\"(other)\",\"visitors\":1,\"pageviews\":1,");
    /* 1 of 3 visitors */
    assert_has(w, "\"percent\":33.3333,\"timeOnPage\":null,\"scrollDepth\":null}}");
}

static void names_the_parameter_of_a_breakdown_that_is_wrong(void **state)
{
    static const struct {
        const char *query, *param;
    } cases[] = {
        {"siteId=a", "dimension"},
        {"dimension=page", "siteId"},
        {"siteId=a&dimension=colour", "dimension"},
        {"siteId=a&dimension=prop:", "dimension"},
        {"siteId=a&dimension=page&dimension=page", "dimension"},
        {"siteId=a&dimension=page&limit=0", "limit"},
        {"siteId=a&dimension=page&limit=1001", "limit"},
        {"siteId=a&dimension=page&limit=ten", "limit"},
        {"siteId=a&dimension=page&offset=-1", "offset"},
        {"siteId=a&dimension=page&offset=1000001", "offset"},
        {"siteId=a&dimension=page&metric=visits", "metric"},
        {"siteId=a&dimension=page&sort=events", "sort"},
        {"siteId=a&dimension=goal&sort=events", "sort"},
        {"siteId=a&dimension=source&sort=events&against=year", "sort"},
        {"siteId=a&dimension=event&sort=Events", "sort"},
        {"siteId=a&dimension=event&sort=change", "sort"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(*state, breakdown_get, cases[i].query, cases[i].param);
}

static void bounds_what_is_searched_for(void **state)
{
    struct buf query = {0};

    buf_add(&query, STR("siteId=a&dimension=page&search="));
    for (int i = 0; i < 200; i++)
        buf_addc(&query, 'x');
    buf_addc(&query, '\0');
    assert_int_equal(world_ask(*state, breakdown_get, query.ptr), 200);
    query.len--;
    buf_add(&query, STR("x"));
    buf_addc(&query, '\0');
    assert_refused(*state, breakdown_get, query.ptr, "search");
    buf_release(&query);
}

/* -- properties ---------------------------------------------------------------------------- */

static void assert_properties(struct api_world *w, const char *query, const char *properties)
{
    if (world_ask(w, properties_get, query) != 200)
        fail_msg("%s: %.*s", query, STR_FMT(w->body));
    assert_has(w, properties);
}

static void lists_the_properties_of_a_site(void **state)
{
    struct api_world *w = *state;
    static const struct {
        const char *query, *param;
    } wrong[] = {{"from=2026-11-21&to=2026-11-21", "siteId"},
                 {THE_DAY "&filter=page:is:/", "filter"},
                 {THE_DAY "&limit=10", "limit"},
                 {"siteId=a&period=soon", "period"}};

    add_exports(w);
    world_counted(w, "2026-11-22T13:24:50Z");
    assert_properties(w, THE_DAY,
                      "{\"siteId\":\"a\",\"tenantId\":\"five\",\"timezone\":\"Europe/Berlin\","
                      "\"from\":\"2026-11-21\",\"to\":\"2026-11-21\","
                      "\"asOf\":\"2026-11-22T13:24:50.000Z\",\"exact\":true,"
                      "\"uniqueBasis\":\"day\",\"availableFrom\":null,"
                      "\"properties\":[\"format\"],\"total\":1}");
    assert_properties(w, "siteId=a&period=today", "\"properties\":[],\"total\":0}");
    assert_properties(w, "siteId=b&from=2026-11-21&to=2026-11-21",
                      "\"properties\":[],\"total\":0}");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(w, properties_get, wrong[i].query, wrong[i].param);
    assert_int_equal(world_ask(w, properties_get, "siteId=c"), 404);
}

/* -- filters ------------------------------------------------------------------------------- */

static void keeps_what_all_filters_match(void **state)
{
    struct api_world *w = *state;

    assert_rows(w, THE_DAY "&dimension=page&filter=source:is:Google",
                "\"rows\":[{\"value\":\"/\",\"visitors\":1,\"pageviews\":1,\"visits\":1,"
                "\"bounceRate\":0,\"visitDuration\":120,\"conversions\":0,\"conversionRate\":0,"
                "\"percent\":100,");
    assert_rows(w, THE_DAY "&dimension=country&filter=page:startsWith:/d&filter=source:isNot:x",
                "\"rows\":[{\"value\":\"DE\",\"visitors\":1,\"pageviews\":2,\"visits\":2,");
    assert_has(w, "\"total\":1,");
    assert_rows(w, THE_DAY "&dimension=country&filter=source:is:Google&filter=country:is:FR",
                "\"rows\":[],\"total\":0,");
    assert_int_equal(world_ask(w, stats_get, THE_DAY "&filter=country:contains:D"), 200);
    assert_has(w, "\"pageviews\":5,\"uniqueVisitors\":2,\"visits\":3,\"viewsPerVisit\":1.6667,"
                  "\"bounceRate\":0.3333,\"visitDuration\":140,\"conversions\":1,");
    assert_has(w, "\"days\":[{\"siteId\":\"a\",\"tenantId\":\"five\",\"date\":\"2026-11-21\","
                  "\"pageviews\":5,");
    assert_int_equal(world_ask(w, timeseries_get, THE_DAY "&filter=country:is:DE"), 200);
    assert_has(w, "{\"time\":\"2026-11-21T09:00:00.000Z\",\"value\":2,\"partial\":false},"
                  "{\"time\":\"2026-11-21T10:00:00.000Z\",\"value\":0,\"partial\":false},"
                  "{\"time\":\"2026-11-21T11:00:00.000Z\",\"value\":2,\"partial\":false}");
}

static void names_the_filter_that_is_wrong(void **state)
{
    struct api_world *w = *state;
    static handler *const handlers[] = {breakdown_get, stats_get, compare_get, timeseries_get};
    static const char *const bad[] = {"page",          "page:is",   "page:is:",    "page:equals:/",
                                      "colour:is:red", ":is:x",     "prop:is:pro", "prop::is:pro",
                                      "page::/",       "pages:is:/"};
    char query[200];

    for (size_t h = 0; h < 4; h++)
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            const char *dimension = handlers[h] == breakdown_get ? "&dimension=page" : "";
            (void)snprintf(query, sizeof(query), "siteId=a%s&filter=page:is:a:b&filter=%s",
                           dimension, bad[i]);
            assert_refused(w, handlers[h], query, "filter");
            assert_has(w, "\"detail\":\"filter 1 ");
            assert_has(w, "\"index\":1,");
        }
    assert_refused(w, stats_get, "siteId=a&filter=", "filter");
    assert_int_equal(world_ask(w, stats_get, "siteId=a&filter=prop:plan:is:a:b"), 200);
}

static void takes_twenty_filters_and_not_one_more(void **state)
{
    struct buf query = {0};

    buf_add(&query, STR("siteId=a"));
    for (int i = 0; i < FILTERS_MAX; i++)
        buf_addf(&query, "&filter=country:isNot:%d", i);
    buf_addc(&query, '\0');
    assert_int_equal(world_ask(*state, stats_get, query.ptr), 200);
    query.len--;
    buf_add(&query, STR("&filter=country:isNot:x"));
    buf_addc(&query, '\0');
    assert_refused(*state, stats_get, query.ptr, "filter");
    buf_release(&query);
}

static void filters_one_site_only(void **state)
{
    struct api_world *w = *state;

    assert_refused(w, stats_get, "filter=page:is:/", "filter");
    assert_refused(w, compare_get, "filter=page:is:/", "filter");
    assert_refused(w, compare_get, "siteIds=a,b&filter=page:is:/", "filter");
    assert_refused(w, tenant_stats_get, "filter=page:is:/", "filter");
    assert_refused(w, ledger_get, "siteId=a&filter=page:is:/", "filter");
}

/* Raw events since 23 October, visits since 22 November of the year before. */
static void says_from_when_on_filters_can_be_answered(void **state)
{
    struct api_world *w = *state;
    static const struct {
        handler *handle;
        const char *rest, *from, *before;
    } cases[] = {
        {stats_get, "filter=page:is:/", "2026-10-23", "2026-10-22"},
        {stats_get, "filter=event:is:x", "2026-10-23", "2026-10-22"},
        {stats_get, "filter=prop:plan:is:x", "2026-10-23", "2026-10-22"},
        {stats_get, "filter=source:is:x", "2025-11-22", "2025-11-21"},
        {stats_get, "filter=goal:is:x", "2025-11-22", "2025-11-21"},
        {stats_get, "filter=source:is:x&filter=page:is:/", "2026-10-23", "2026-10-22"},
        {compare_get, "filter=page:is:/", "2026-10-23", "2026-10-22"},
        {compare_get, "filter=source:is:x", "2025-11-22", "2025-11-21"},
        {timeseries_get, "filter=source:is:x", "2025-11-22", "2025-11-21"},
        {timeseries_get, "interval=hour&filter=source:is:x", "2026-10-23", "2026-10-22"},
        {breakdown_get, "dimension=country&filter=source:is:x", "2025-11-22", "2025-11-21"},
        {breakdown_get, "dimension=page&filter=source:is:x", "2026-10-23", "2026-10-22"},
        {export_get, "rows=days&filter=source:is:x", "2025-11-22", "2025-11-21"},
        {export_get, "rows=hours&filter=source:is:x", "2026-10-23", "2026-10-22"},
        {export_get, "rows=country&filter=source:is:x", "2025-11-22", "2025-11-21"},
        {export_get, "rows=page&filter=source:is:x", "2026-10-23", "2026-10-22"},
    };
    char query[200], member[60];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool hours = strstr(cases[i].rest, "interval=hour") != NULL;
        const char *to = hours ? "2026-10-25" : "2026-11-21";
        (void)snprintf(query, sizeof(query), "siteId=a&from=%s&to=%s&%s", cases[i].from, to,
                       cases[i].rest);
        if (world_ask(w, cases[i].handle, query) != 200)
            fail_msg("%s: %.*s", query, STR_FMT(w->body));
        if (w->response.stream.free != NULL)
            w->response.stream.free(w->response.stream.ctx);
        (void)snprintf(member, sizeof(member), "\"filterableFrom\":\"%s\"", cases[i].from);
        if (w->body.len > 0)
            assert_has(w, member);
        (void)snprintf(query, sizeof(query), "siteId=a&from=%s&to=%s&%s", cases[i].before, to,
                       cases[i].rest);
        if (world_ask(w, cases[i].handle, query) != 422)
            fail_msg("%s: %.*s", query, STR_FMT(w->body));
        assert_has(w, member);
        assert_has(w, cases[i].from);
    }
    /* Without filters there is no such day. */
    assert_int_equal(world_ask(w, stats_get, "siteId=a&from=2020-01-01&to=2020-01-02"), 200);
    assert_false(world_has(w, "filterableFrom"));
}

static void compares_with_nothing_where_filters_do_not_reach_so_far_back(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(
        world_ask(w, compare_get, "siteId=a&from=2026-10-25&to=2026-10-26&filter=page:is:/"), 200);
    assert_has(w, "\"previous\":{\"from\":\"2026-10-23\",");
    assert_int_equal(
        world_ask(w, compare_get, "siteId=a&from=2026-10-24&to=2026-10-25&filter=page:is:/"), 200);
    assert_has(w, "\"current\":{\"from\":\"2026-10-24\",");
    assert_has(w, "\"previous\":null,\"change\":null}");
    /* A whole day is in the visits of January; part of one would be in its events. */
    assert_int_equal(world_ask(w, compare_get,
                               THE_DAY "&against=custom&againstFrom=2026-01-01&againstTo=2026-01-01"
                                       "&filter=source:is:Google"),
                     200);
    assert_has(w, "\"previous\":{\"from\":\"2026-01-01\",");
    assert_int_equal(world_ask(w, compare_get,
                               "siteId=a&against=custom&againstFrom=2026-01-01&againstTo=2026-01-01"
                               "&filter=source:is:Google"),
                     200);
    assert_has(w, "\"previous\":null,\"change\":null}");
    assert_int_equal(world_ask(w, timeseries_get,
                               "siteId=a&from=2026-10-24&to=2026-10-25&against=previous"
                               "&filter=page:is:/"),
                     200);
    assert_has(w, "\"previousFrom\":\"2026-10-22\",\"previousTo\":\"2026-10-23\","
                  "\"previousPoints\":null}");
}

/* Yesterday up to 15:00 in Berlin, where it is 14:25: the visit at 14:00 is in it. */
static void compares_a_running_day_with_filters_up_to_the_same_hour(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(world_ask(w, compare_get, "siteId=a&filter=source:is:news"), 200);
    assert_has(w, "\"previous\":{\"from\":\"2026-11-21\",\"to\":\"2026-11-21\","
                  "\"until\":\"2026-11-21T14:00:00.000Z\",\"exact\":true,\"pageviews\":3,"
                  "\"uniqueVisitors\":1,\"visits\":2,");
    world_now_ms = instant("2026-11-22T12:25:00Z");
    assert_int_equal(world_ask(w, compare_get, "siteId=a&filter=source:is:news"), 200);
    assert_has(w, "\"until\":\"2026-11-21T13:00:00.000Z\",\"exact\":true,\"pageviews\":2,"
                  "\"uniqueVisitors\":1,\"visits\":1,");
}

/* -- series side by side ------------------------------------------------------------------- */

static void sets_an_earlier_series_beside_the_points(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(
        world_ask(w, timeseries_get, "siteId=a&from=2026-11-21&to=2026-11-22&against=previous"),
        200);
    assert_has(w, "\"points\":[{\"time\":\"2026-11-21\",\"value\":9,\"partial\":false},"
                  "{\"time\":\"2026-11-22\",\"value\":0,\"partial\":true}],"
                  "\"previousFrom\":\"2026-11-19\",\"previousTo\":\"2026-11-20\","
                  "\"previousPoints\":[{\"time\":\"2026-11-19\",\"value\":0,\"partial\":false},"
                  "{\"time\":\"2026-11-20\",\"value\":0,\"partial\":false}]}");
    assert_int_equal(world_ask(w, timeseries_get, "siteId=a&against=previous"), 200);
    assert_has(w, "\"interval\":\"hour\",\"points\":[{\"time\":\"2026-11-21T23:00:00.000Z\",");
    /* The whole of yesterday, also what today has still before it. */
    assert_has(w, "{\"time\":\"2026-11-21T13:00:00.000Z\",\"value\":1,\"partial\":false},");
    assert_has(w, "{\"time\":\"2026-11-21T22:00:00.000Z\",\"value\":0,\"partial\":false}]}");
    assert_int_equal(world_ask(w, timeseries_get,
                               "siteId=a&from=2026-11-19&to=2026-11-22&interval=day&"
                               "against=custom&againstFrom=2026-11-21&againstTo=2026-11-21"),
                     200);
    assert_has(w, "\"previousPoints\":[{\"time\":\"2026-11-21\",\"value\":9,\"partial\":false},"
                  "null,null,null]}");
    /* Saturday the 21st a year before is a Friday; the Saturday before it is the 15th. */
    assert_int_equal(
        world_ask(w, timeseries_get, THE_DAY "&interval=day&against=year&matchWeekday=true"), 200);
    assert_has(w, "\"previousFrom\":\"2025-11-15\",\"previousTo\":\"2025-11-15\","
                  "\"previousPoints\":[{\"time\":\"2025-11-15\",");
    assert_int_equal(world_ask(w, timeseries_get, THE_DAY), 200);
    assert_false(world_has(w, "previous"));
}

static void names_what_contradicts_itself_in_a_comparison(void **state)
{
    static const struct {
        const char *query, *param;
    } cases[] = {
        {"siteId=a&against=tomorrow", "against"},
        {"siteId=a&matchWeekday=true", "matchWeekday"},
        {"siteId=a&againstFrom=2026-11-01", "againstFrom"},
        {"siteId=a&againstTo=2026-11-01", "againstTo"},
        {"siteId=a&against=year&againstFrom=2026-11-01", "againstFrom"},
        {"siteId=a&against=custom", "againstFrom"},
        {"siteId=a&against=custom&againstFrom=2026-11-01", "againstTo"},
        {"siteId=a&against=year&matchWeekday=maybe", "matchWeekday"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(*state, timeseries_get, cases[i].query, cases[i].param);
}

/* -- exports ------------------------------------------------------------------------------- */

/* All pages of an export, and how many there were. */
static struct buf export_all(struct api_world *w, const char *query, int *pages)
{
    struct buf all = {0};
    struct err err = {0};
    int rc = 1;

    if (world_ask(w, export_get, query) != 200)
        fail_msg("%s: %.*s", query, STR_FMT(w->body));
    for (*pages = 0; rc > 0; ++*pages)
        rc = w->response.stream.next(w->response.stream.ctx, &(struct worker){.store = w->store},
                                     &all, &err);
    if (rc < 0)
        fail_msg("%s: %s", query, err.text);
    w->response.stream.free(w->response.stream.ctx);
    buf_addc(&all, '\0');
    return all;
}

static void assert_export(struct api_world *w, const char *query, const char *expected)
{
    int pages;
    struct buf all = export_all(w, query, &pages);

    assert_string_equal(all.ptr, expected);
    buf_release(&all);
}

#define DAY_HEADER                                                                                 \
    "siteId,tenantId,date,pageviews,uniqueVisitors,visits,viewsPerVisit,bounceRate,"               \
    "visitDuration,conversions,converters,conversionRate,unattributedConversions,leads,forms,"     \
    "exports,automationRuns,aiTokens\r\n"

static void exports_days_and_hours(void **state)
{
    struct api_world *w = *state;
    int pages;

    /* 6 pageviews with a visitor in 4 visits, 440 s in all */
    assert_export(w, "siteId=a&from=2026-11-20&to=2026-11-21&rows=days&format=csv",
                  DAY_HEADER "a,five,2026-11-20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\r\n"
                             "a,five,2026-11-21,9,3,4,1.5,0.5,110,1,1,0.3333,0,1,0,0,0,0\r\n");
    assert_export(w, THE_DAY "&rows=days&format=csv&filter=country:is:FR",
                  DAY_HEADER "a,five,2026-11-21,1,1,1,1,1,20,0,0,0,0,0,0,0,0,0\r\n");
    /* Three pages; each day stands there once. */
    struct buf all = export_all(w, "siteId=a&from=2026-11-02&to=2026-11-21&rows=days", &pages);
    assert_int_equal(pages, 3);
    size_t at = 0;
    for (int32_t d = day("2026-11-02"); d <= day("2026-11-21"); d++) {
        char date[DATE_TEXT], begin[80];
        date_format(d, date);
        (void)snprintf(begin, sizeof(begin),
                       "{\"siteId\":\"a\",\"tenantId\":\"five\",\"date\":\"%s\",", date);
        assert_memory_equal(all.ptr + at, begin, strlen(begin));
        at = str_find(buf_str(&all), at, '\n') + 1;
    }
    assert_int_equal(at, all.len - 1);
    buf_release(&all);
    all = export_all(w, THE_DAY "&rows=hours", &pages);
    assert_non_null(strstr(all.ptr, "\"time\":\"2026-11-21T12:00:00.000Z\",\"pageviews\":3,"
                                    "\"uniqueVisitors\":0,"));
    assert_non_null(strstr(all.ptr, "\"time\":\"2026-11-20T23:00:00.000Z\","));
    buf_release(&all);
}

static void exports_the_values_of_a_dimension(void **state)
{
    struct api_world *w = *state;

    assert_export(w, THE_DAY "&rows=page&format=csv",
                  "value,visitors,pageviews,visits,bounceRate,visitDuration,conversions,"
                  "conversionRate,percent,timeOnPage,scrollDepth\r\n"
                  "/,2,2,2,0,210,0,0,66.6667,,\r\n"
                  "/pricing,2,2,2,0.5,70,1,0.5,66.6667,30,65\r\n"
                  "/docs,1,5,2,0.5,150,0,0,33.3333,,\r\n");
    assert_true(str_eq(w->response.content_type, STR("text/csv; charset=utf-8")));
    assert_export(w, THE_DAY "&rows=source&filter=country:is:FR",
                  "{\"value\":\"(direct)\",\"visitors\":1,\"pageviews\":1,\"visits\":1,"
                  "\"bounceRate\":1,\"visitDuration\":20,\"conversions\":0,\"conversionRate\":0,"
                  "\"percent\":100}\n");
}

#define EVENT_HEADER                                                                               \
    "value,visitors,pageviews,visits,bounceRate,visitDuration,conversions,conversionRate,percent," \
    "events\r\n"

static void exports_events_and_leaves_empty_what_nobody_counted(void **state)
{
    struct api_world *w = *state;

    add_exports(w);
    assert_export(w, THE_DAY "&rows=event&format=csv",
                  EVENT_HEADER "pageview,3,9,4,0.5,110,0,0,100,9\r\n"
                               "lead.created,1,0,1,0,120,1,1,33.3333,1\r\n"
                               "export.completed,0,0,0,0,0,0,0,0,4\r\n");
    assert_export(w, THE_DAY "&rows=prop:format",
                  "{\"value\":\"csv\",\"visitors\":0,\"pageviews\":0,\"visits\":0,"
                  "\"bounceRate\":0,\"visitDuration\":0,\"conversions\":0,\"conversionRate\":0,"
                  "\"percent\":0,\"events\":4}\n");
    pack_without_events(w);
    assert_export(w, THE_DAY "&rows=event&format=csv",
                  EVENT_HEADER "export.completed,2,0,0,0,0,0,0,66.6667,\r\n");
}

static void exports_more_values_than_a_page_holds(void **state)
{
    enum { VALUES = 2500 };
    struct api_world *w = *state;
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("b"));
    struct event *list = ARENA_NEW(&w->arena, struct event, VALUES);
    char path[24];
    int pages;

    for (int i = 0; i < VALUES; i++) {
        (void)snprintf(path, sizeof(path), "/%04d", i);
        list[i] = fixture_event(site, "pageview", instant("2026-11-21T09:00:00Z"), 7,
                                arena_str(&w->arena, str_from(path)).ptr);
    }
    fixture_events(w->store, site, list, VALUES);
    directory_give(w->directory, snapshot);
    struct buf all =
        export_all(w, "siteId=b&from=2026-11-21&to=2026-11-21&rows=page&format=csv", &pages);
    size_t at = str_find(buf_str(&all), 0, '\n') + 1;
    assert_int_equal(pages, 3);
    for (int i = 0; i < VALUES; i++) {
        (void)snprintf(path, sizeof(path), "/%04d,1,1,1,", i);
        assert_memory_equal(all.ptr + at, path, strlen(path));
        at = str_find(buf_str(&all), at, '\n') + 1;
    }
    assert_int_equal(at, all.len - 1);
    buf_release(&all);
}

static void keeps_spreadsheets_from_running_a_value(void **state)
{
    struct api_world *w = *state;
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("b"));
    static const char *const sources[] = {"=1+1", "+1", "-1", "@x"};
    struct event list[4];

    for (uint64_t i = 0; i < 4; i++) {
        list[i] = fixture_event(site, "pageview", instant("2026-11-21T09:00:00Z"), i + 1, "/");
        list[i].traits[TRAIT_SOURCE] = str_from(sources[i]);
    }
    fixture_events(w->store, site, list, 4);
    directory_give(w->directory, snapshot);
    assert_export(w, "siteId=b&from=2026-11-21&to=2026-11-21&rows=source&format=csv",
                  "value,visitors,pageviews,visits,bounceRate,visitDuration,conversions,"
                  "conversionRate,percent\r\n"
                  "'+1,1,1,1,1,0,0,0,25\r\n"
                  "'-1,1,1,1,1,0,0,0,25\r\n"
                  "'=1+1,1,1,1,1,0,0,0,25\r\n"
                  "'@x,1,1,1,1,0,0,0,25\r\n");
}

static void names_what_cannot_be_exported(void **state)
{
    struct api_world *w = *state;

    assert_refused(w, export_get, "siteId=a&rows=visits", "rows");
    assert_refused(w, export_get, "siteId=a&rows=days&format=xml", "format");
    assert_refused(w, export_get, "siteId=a&filter=page:is:/", "filter");
    assert_refused(w, export_get, "siteId=a&rows=events&filter=page:is:/", "filter");
    assert_refused(w, export_get, "siteId=a&rows=days&filter=page", "filter");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_pages_with_what_was_read_of_them),
        TEST(answers_sources_of_visits),
        TEST(says_how_many_events_there_were_whoever_sent_them),
        TEST(says_null_of_events_that_nobody_counted),
        TEST(measures_a_goal_by_all_visitors),
        TEST(gives_a_window_of_the_rows_and_searches_them),
        TEST(shows_what_had_no_place_as_a_row_of_its_own),
        TEST(names_the_parameter_of_a_breakdown_that_is_wrong),
        TEST(bounds_what_is_searched_for),
        TEST(lists_the_properties_of_a_site),
        TEST(keeps_what_all_filters_match),
        TEST(names_the_filter_that_is_wrong),
        TEST(takes_twenty_filters_and_not_one_more),
        TEST(filters_one_site_only),
        TEST(says_from_when_on_filters_can_be_answered),
        TEST(compares_with_nothing_where_filters_do_not_reach_so_far_back),
        TEST(compares_a_running_day_with_filters_up_to_the_same_hour),
        TEST(sets_an_earlier_series_beside_the_points),
        TEST(names_what_contradicts_itself_in_a_comparison),
        TEST(exports_days_and_hours),
        TEST(exports_the_values_of_a_dimension),
        TEST(exports_events_and_leaves_empty_what_nobody_counted),
        TEST(exports_more_values_than_a_page_holds),
        TEST(keeps_spreadsheets_from_running_a_value),
        TEST(names_what_cannot_be_exported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
