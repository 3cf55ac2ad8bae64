/*
 * test_api_sites.c -- GET /api/analytics/sites, called without a server.
 *
 * It is 14:25 in Berlin on 22 November 2026, a Sunday; of the fixture's sites a and b are of the
 * tenant "five", c is of "six".
 */
#include "api_fixture.h"

static int set_up(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");
    static const struct {
        const char *id, *domain;
    } domains[] = {{"a", "zebra.example"}, {"b", "apple.example"}, {"c", "Mango.example"}};

    for (size_t i = 0; i < 3; i++) {
        struct site_row row;
        world_get(w, ROW_SITE, domains[i].id, &row);
        row.domain = str_from(domains[i].domain);
        world_put(w, ROW_SITE, &row);
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

static void put_day(struct api_world *w, const char *tenant, const char *site, const char *date,
                    int64_t visitors, int64_t pageviews)
{
    fixture_day(w->store, tenant, site, date,
                (struct stats){.unique_visitors = visitors,
                               .pageviews = pageviews,
                               .visits = visitors,
                               .visit_pageviews = pageviews});
}

static int ask(struct api_world *w, const char *query)
{
    return world_ask(w, sites_get, query);
}

/* The ids of the answer's sites, one after the other. */
static void assert_order(const struct api_world *w, const char *expected)
{
    static const char member[] = "\"siteId\":\"";
    char ids[16] = "";
    struct str left = w->body;

    for (;;) {
        const char *at = memmem(left.ptr, left.len, member, strlen(member));
        if (at == NULL || strlen(ids) == sizeof(ids) - 1)
            break;
        at += strlen(member);
        ids[strlen(ids)] = *at;
        left = (struct str){at, (size_t)(left.ptr + left.len - at)};
    }
    if (strcmp(ids, expected) != 0)
        fail_msg("\"%s\" is not \"%s\": %.*s", ids, expected, STR_FMT(w->body));
}

/* -- answers ------------------------------------------------------------------------------- */

static void lists_each_site_with_its_numbers(void **state)
{
    struct api_world *w = *state;

    put_day(w, "five", "a", "2026-11-19", 2, 3);
    put_day(w, "five", "a", "2026-11-20", 5, 9);
    put_day(w, "five", "a", "2026-11-21", 7, 20);
    put_day(w, "five", "b", "2026-11-21", 9, 10);
    put_day(w, "six", "c", "2026-11-21", 99, 99);
    world_counted(w, "2026-11-22T13:00:00Z");
    assert_int_equal(ask(w, "from=2026-11-20&to=2026-11-21&against=previous"), 200);
    assert_has(w, "{\"siteId\":null,\"tenantId\":null,\"timezone\":null,\"from\":\"2026-11-20\","
                  "\"to\":\"2026-11-21\",\"asOf\":\"2026-11-22T13:00:00.000Z\",\"exact\":true,");
    assert_has(w, "\"previousFrom\":\"2026-11-18\",\"previousTo\":\"2026-11-19\",\"sites\":["
                  "{\"siteId\":\"a\",\"tenantId\":\"five\",\"tenantName\":\"five\","
                  "\"domain\":\"zebra.example\",\"timezone\":\"Europe/Berlin\",\"pageviews\":29,"
                  "\"uniqueVisitors\":12,\"visits\":12,\"bounceRate\":0,\"visitDuration\":0,"
                  "\"conversions\":0,\"exact\":true,"
                  "\"previous\":{\"uniqueVisitors\":2,\"pageviews\":3},\"days\":[5,7]},"
                  "{\"siteId\":\"b\",");
    assert_has(w, "\"previous\":{\"uniqueVisitors\":0,\"pageviews\":0},\"days\":[0,9]}],"
                  "\"total\":2}");
    assert_order(w, "ab");
}

static void compares_with_nothing_unless_it_is_asked_to(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(ask(w, "period=yesterday"), 200);
    assert_has(w, "\"previous\":null");
    assert_false(world_has(w, "previousFrom"));
}

/* b is kept for 365 days: since 22 November 2025. */
static void compares_with_no_range_that_is_not_wholly_kept(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(ask(w, "from=2026-11-21&to=2026-11-21&against=custom&againstFrom=2025-11-21"
                            "&againstTo=2025-11-22"),
                     200);
    assert_has(w, "\"previous\":null,\"days\":[0]},{\"siteId\":\"a\"");
    assert_has(w, "\"previous\":{\"uniqueVisitors\":0,\"pageviews\":0},\"days\":[0]}],\"total\":2");
    assert_int_equal(ask(w, "from=2026-11-21&to=2026-11-21&against=custom&againstFrom=2025-11-22"
                            "&againstTo=2025-11-22"),
                     200);
    assert_false(world_has(w, "\"previous\":null"));
    assert_int_equal(ask(w, "from=2025-11-21&to=2025-11-22&sort=name"), 200);
    assert_has(w, "\"days\":[null,0]},{\"siteId\":\"a\"");
    assert_has(w, "\"days\":[0,0]}]");
}

static void compares_a_running_day_up_to_the_same_hour(void **state)
{
    struct api_world *w = *state;

    put_day(w, "five", "b", "2026-11-21", 10, 30);
    fixture_hour(w->store, "five", "b", "2026-11-21", "2026-11-21T13:00:00Z",
                 (struct stats){.unique_visitors = 4, .pageviews = 12});
    fixture_hour(w->store, "five", "b", "2026-11-21", "2026-11-21T14:00:00Z",
                 (struct stats){.unique_visitors = 6, .pageviews = 18});
    assert_int_equal(ask(w, "period=today&against=previous"), 200);
    assert_has(w, "\"previous\":{\"uniqueVisitors\":4,\"pageviews\":12}");
}

static void gives_days_of_up_to_a_year(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(ask(w, "from=2025-01-01&to=2026-01-01"), 200); /* 366 days */
    assert_has(w, "\"days\":[");
    assert_int_equal(ask(w, "from=2025-01-01&to=2026-01-02"), 200);
    assert_false(world_has(w, "\"days\":["));
    assert_has(w, "\"days\":null");
}

static void reads_named_periods_from_the_utc_calendar(void **state)
{
    struct api_world *w = *state;

    world_now_ms = instant("2026-11-22T23:30:00Z"); /* in Berlin the 23rd */
    assert_int_equal(world_ask_for(w, sites_get, w->five, "tenantId=five", ""), 200);
    assert_has(w, "{\"siteId\":null,\"tenantId\":\"five\",\"timezone\":null,"
                  "\"from\":\"2026-11-22\",\"to\":\"2026-11-22\"");
}

/* -- order --------------------------------------------------------------------------------- */

/* Of the 21st, after the 20th: a 10 after 40 visitors with 100 pageviews, b 20 after 15 with 50, c
 * 30 after 30 with 40. */
static void fill_three(struct api_world *w)
{
    put_day(w, "five", "a", "2026-11-20", 40, 40);
    put_day(w, "five", "a", "2026-11-21", 10, 100);
    put_day(w, "five", "b", "2026-11-20", 15, 15);
    put_day(w, "five", "b", "2026-11-21", 20, 50);
    put_day(w, "six", "c", "2026-11-20", 30, 30);
    put_day(w, "six", "c", "2026-11-21", 30, 40);
}

static void make_platform_token(struct api_world *w, char *text)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct token_request request = {.platform = true, .scopes = SCOPE_STATS_READ};
    struct err err = {0};

    assert_int_equal(token_create(w->store, &request, &actor, text, &err), 0);
    world_load(w);
}

static void sorts_by_what_is_asked_for(void **state)
{
    static const struct {
        const char *query, *order;
    } questions[] = {
        {"period=yesterday", "cba"},
        {"period=yesterday&sort=visitors", "cba"},
        {"period=yesterday&sort=pageviews", "abc"},
        {"period=yesterday&sort=change&against=previous", "abc"},
        {"period=yesterday&sort=name", "cba"}, /* Mango, apple, zebra: bytewise */
        {"period=yesterday&limit=1", "c"},
        {"period=yesterday&limit=1&offset=1", "b"},
        {"period=yesterday&limit=2&offset=2", "a"},
        {"period=yesterday&offset=3", ""},
        {"period=yesterday&search=APPLE", "b"},
        {"period=yesterday&search=e.ex", "b"}, /* apple.example */
        {"period=yesterday&search=.example", "cba"},
        {"period=yesterday&search=nothing", ""},
        {"period=yesterday&tenantId=five", "ba"},
        {"names=true", "cba"},
        {"names=true&limit=1&offset=1", "b"},
        {"names=true&search=mango", "c"},
        {"names=true&search=A", "cba"},
        {"names=true&tenantId=six", "c"},
    };
    struct api_world *w = *state;
    char platform[TOKEN_TEXT_MAX];

    fill_three(w);
    make_platform_token(w, platform);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (world_ask_for(w, sites_get, platform, questions[i].query, "") != 200)
            fail_msg("%s: %.*s", questions[i].query, STR_FMT(w->body));
        assert_order(w, questions[i].order);
    }
}

static void counts_all_sites_of_the_search(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(ask(w, "limit=1"), 200);
    assert_has(w, "\"total\":2}");
    assert_int_equal(ask(w, "limit=1&search=apple"), 200);
    assert_has(w, "\"total\":1}");
    assert_int_equal(ask(w, "names=true&limit=1"), 200);
    assert_has(w, "\"total\":2}");
}

static void puts_sites_last_whose_change_is_not_known(void **state)
{
    struct api_world *w = *state;

    /* b does not keep 21 November 2025; a has not changed. */
    put_day(w, "five", "b", "2026-11-21", 100, 100);
    assert_int_equal(ask(w, "period=yesterday&sort=change&against=custom&againstFrom=2025-11-21"
                            "&againstTo=2025-11-21"),
                     200);
    assert_order(w, "ab");
}

/* -- names --------------------------------------------------------------------------------- */

static void names_sites_without_a_number(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(ask(w, "names=true"), 200);
    if (!str_eq(w->body, STR("{\"tenantId\":null,\"sites\":["
                             "{\"siteId\":\"b\",\"tenantId\":\"five\","
                             "\"domain\":\"apple.example\"},"
                             "{\"siteId\":\"a\",\"tenantId\":\"five\","
                             "\"domain\":\"zebra.example\"}],\"total\":2}")))
        fail_msg("%.*s", STR_FMT(w->body));
}

static void names_sites_while_the_store_is_away(void **state)
{
    struct api_world *w = *state;
    struct buf authorization = {0};
    struct worker worker = {.store = NULL};

    buf_addf(&authorization, "Bearer %s", w->five);
    struct http_request request = {.query = STR("names=true"),
                                   .authorization = buf_str(&authorization),
                                   .arena = &w->arena,
                                   .app = &w->api,
                                   .worker = &worker};
    struct http_response response = {0};

    sites_get(&request, &response);
    assert_int_equal(response.status, 0);
    assert_true(response.body.len > 0);
    buf_release(&response.body);
    buf_release(&authorization);
}

/* -- refusals ------------------------------------------------------------------------------ */

static void keeps_to_the_tenants_that_the_caller_reaches(void **state)
{
    struct api_world *w = *state;
    char one[TOKEN_TEXT_MAX];
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct token_request request = {
        .tenant = STR("five"), .site = STR("b"), .scopes = SCOPE_STATS_READ};
    struct err err = {0};

    assert_int_equal(world_ask_for(w, sites_get, w->six, "", ""), 200);
    assert_order(w, "c");
    assert_int_equal(world_ask_for(w, sites_get, w->six, "tenantId=five", ""), 404);
    assert_int_equal(world_ask_for(w, sites_get, w->six, "tenantId=none", ""), 404);
    assert_int_equal(world_ask_for(w, sites_get, w->six, "tenantId=five&names=true", ""), 404);
    assert_int_equal(token_create(w->store, &request, &actor, one, &err), 0);
    world_load(w);
    for (int names = 0; names < 2; names++) {
        const char *query = names == 1 ? "names=true" : "";
        assert_int_equal(world_ask_for(w, sites_get, one, query, ""), 200);
        assert_order(w, "b");
    }
    assert_int_equal(world_ask_for(w, sites_get, one, "tenantId=five", ""), 200);
    assert_order(w, "b");
}

static void leaves_out_a_site_that_is_being_erased(void **state)
{
    struct api_world *w = *state;
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};
    char platform[TOKEN_TEXT_MAX];

    make_platform_token(w, platform);
    assert_int_equal(store_remove_site(w->store, STR("b"), &actor, &err), 0);
    world_load(w);
    assert_int_equal(ask(w, "names=true"), 200);
    assert_order(w, "a");
    assert_int_equal(world_ask_for(w, sites_get, platform, "names=true", ""), 200);
    assert_order(w, "ca");
}

static void shows_a_suspended_tenant_to_the_platform_alone(void **state)
{
    struct api_world *w = *state;
    struct tenant_row row;
    char platform[TOKEN_TEXT_MAX];

    make_platform_token(w, platform);
    world_get(w, ROW_TENANT, "six", &row);
    row.active = false;
    world_put(w, ROW_TENANT, &row);
    assert_int_equal(world_ask_for(w, sites_get, w->six, "", ""), 403);
    assert_int_equal(world_ask_for(w, sites_get, platform, "", ""), 200);
    assert_has(w, "\"total\":3}");
}

static void names_the_parameter_that_is_wrong(void **state)
{
    static const struct {
        const char *query, *parameter;
    } wrong[] = {
        {"limit=0", "limit"},
        {"limit=1001", "limit"},
        {"offset=-1", "offset"},
        {"offset=1000001", "offset"},
        {"sort=bounceRate", "sort"},
        {"sort=change", "sort"},
        {"againstFrom=2026-01-01", "againstFrom"},
        {"matchWeekday=true", "matchWeekday"},
        {"against=custom", "againstFrom"},
        {"names=yes", "names"},
        {"names=true&period=today", "period"},
        {"names=true&from=2026-01-01", "from"},
        {"names=true&sort=name", "sort"},
        {"names=true&against=year", "against"},
        {"siteId=a", "siteId"},
        {"period=never", "period"},
    };
    struct api_world *w = *state;
    char text[64];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (ask(w, wrong[i].query) != 400)
            fail_msg("%s: %.*s", wrong[i].query, STR_FMT(w->body));
        (void)snprintf(text, sizeof(text), "\"parameter\":\"%s\"", wrong[i].parameter);
        assert_has(w, text);
    }
    assert_int_equal(ask(w, "limit=1"), 200);
    assert_int_equal(ask(w, "limit=1000&offset=1000000"), 200);
}

static void bounds_the_search(void **state)
{
    struct api_world *w = *state;
    char query[8 + 201] = "search=";

    memset(query + 7, 'x', 200);
    assert_int_equal(ask(w, query), 200);
    query[7 + 200] = 'x';
    assert_int_equal(ask(w, query), 400);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(lists_each_site_with_its_numbers),
        WITH_WORLD(compares_with_nothing_unless_it_is_asked_to),
        WITH_WORLD(compares_with_no_range_that_is_not_wholly_kept),
        WITH_WORLD(compares_a_running_day_up_to_the_same_hour),
        WITH_WORLD(gives_days_of_up_to_a_year),
        WITH_WORLD(reads_named_periods_from_the_utc_calendar),
        WITH_WORLD(sorts_by_what_is_asked_for),
        WITH_WORLD(counts_all_sites_of_the_search),
        WITH_WORLD(puts_sites_last_whose_change_is_not_known),
        WITH_WORLD(names_sites_without_a_number),
        WITH_WORLD(names_sites_while_the_store_is_away),
        WITH_WORLD(keeps_to_the_tenants_that_the_caller_reaches),
        WITH_WORLD(leaves_out_a_site_that_is_being_erased),
        WITH_WORLD(shows_a_suspended_tenant_to_the_platform_alone),
        WITH_WORLD(names_the_parameter_that_is_wrong),
        WITH_WORLD(bounds_the_search),
    };
    return cmocka_run_group_tests_name("api_sites", tests, NULL, NULL);
}
