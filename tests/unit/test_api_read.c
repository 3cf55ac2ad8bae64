/*
 * test_api_read.c -- the reading handlers, called without a server: who may read what, and every
 * answer as text.
 *
 * It is 14:25 in Berlin on 22 November 2026, a Sunday. The tenant "five" has the sites a (Berlin,
 * kept for ever) and b (UTC, kept for 10 days), "six" has c (UTC).
 */
#include "access/access.h"
#include "api/api.h"
#include "api/handlers.h"
#include "query_fixture.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
    struct store *store;
    struct directory *directory;
    struct api api;
    struct arena arena;
    char five[TOKEN_TEXT_MAX], five_a[TOKEN_TEXT_MAX], writer[TOKEN_TEXT_MAX], six[TOKEN_TEXT_MAX],
        platform[TOKEN_TEXT_MAX], expired[TOKEN_TEXT_MAX];
    struct http_response response; /* the last one */
    struct str body;
};

static int64_t now_fixed(void)
{
    return instant("2026-11-22T13:25:00Z");
}

static void token(struct world *w, char *text, struct token_request request)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    if (token_create(w->store, &request, &actor, text, &err) != 0)
        fail_msg("%s", err.text);
}

static void make_tokens(struct world *w)
{
    struct token_request read = {.tenant = STR("five"), .scopes = SCOPE_STATS_READ};
    struct token_request other = read;

    token(w, w->five, read);
    other.site = STR("a");
    token(w, w->five_a, other);
    other = read;
    other.scopes = SCOPE_EVENTS_WRITE;
    token(w, w->writer, other);
    other = read;
    other.tenant = STR("six");
    token(w, w->six, other);
    other = read;
    other.expires_ms = instant("2026-11-22T13:24:59Z");
    token(w, w->expired, other);
    token(w, w->platform, (struct token_request){.platform = true, .scopes = SCOPE_STATS_READ});
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 30, .visit_days = 365, .stats_days = 365};
    struct err err = {0};

    w->store = fixture_open();
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    fixture_site(w->store, "five", "b", "UTC", 10);
    fixture_site(w->store, "six", "c", "UTC", 0);
    make_tokens(w);
    w->directory = directory_new(&config);
    assert_int_equal(directory_load(w->directory, w->store, now_fixed(), &err), 0);
    w->api = (struct api){
        .directory = w->directory, .data_dir = STR("no-such-directory"), .now = now_fixed};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    buf_release(&w->response.body);
    directory_free(&w->directory);
    fixture_close(&w->store);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

typedef void handler(const struct http_request *request, struct http_response *response);

/* Ask with `secret` (empty: none); returns the status. */
static int ask(struct world *w, handler *handle, const char *secret, const char *query,
               const char *param)
{
    struct buf authorization = {0};

    if (secret[0] != '\0')
        buf_addf(&authorization, "Bearer %s", secret);
    struct http_request request = {.query = str_from(query),
                                   .param = str_from(param),
                                   .authorization = buf_str(&authorization),
                                   .arena = &w->arena,
                                   .app = &w->api,
                                   .worker = &(struct worker){.store = w->store}};
    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    handle(&request, &w->response);
    buf_release(&authorization);
    w->body = buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

static bool has(const struct world *w, const char *text)
{
    return w->body.len > 0 && memmem(w->body.ptr, w->body.len, text, strlen(text)) != NULL;
}

static struct str header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->response.headers_count; i++)
        if (str_eq(w->response.headers[i].name, str_from(name)))
            return w->response.headers[i].value;
    return STR("");
}

static void assert_body(const struct world *w, const char *expected)
{
    char *text = test_calloc(1, w->body.len + 1);

    memcpy(text, w->body.ptr, w->body.len);
    assert_string_equal(text, expected);
    test_free(text);
}

/* -- who may read -------------------------------------------------------------------------- */

static handler *const site_handlers[] = {stats_get,    compare_get, timeseries_get,
                                         realtime_get, ledger_get,  export_get};
enum { SITE_HANDLERS = sizeof(site_handlers) / sizeof(site_handlers[0]) };

static void refuses_bad_credentials_whether_or_not_the_site_exists(void **state)
{
    struct world *w = *state;
    static const char *const queries[] = {"siteId=a", "siteId=nowhere", "bogus=1", ""};

    for (size_t h = 0; h < SITE_HANDLERS; h++)
        for (size_t q = 0; q < 4; q++) {
            assert_int_equal(ask(w, site_handlers[h], "", queries[q], ""), 401);
            assert_true(str_eq(header(w, "WWW-Authenticate"), STR("Bearer")));
            assert_int_equal(ask(w, site_handlers[h], "abacus_wrong", queries[q], ""), 401);
            assert_int_equal(ask(w, site_handlers[h], w->expired, queries[q], ""), 401);
        }
    assert_int_equal(ask(w, tenant_stats_get, "", "", "five"), 401);
}

static void refuses_a_token_without_the_scope(void **state)
{
    struct world *w = *state;

    for (size_t h = 0; h < SITE_HANDLERS; h++) {
        assert_int_equal(ask(w, site_handlers[h], w->writer, "siteId=a", ""), 403);
        assert_int_equal(ask(w, site_handlers[h], w->writer, "siteId=nowhere", ""), 403);
    }
    assert_int_equal(ask(w, tenant_stats_get, w->writer, "", "five"), 403);
}

static void hides_sites_of_others_as_if_they_did_not_exist(void **state)
{
    struct world *w = *state;
    struct buf absent = {0};

    for (size_t h = 0; h < SITE_HANDLERS; h++) {
        assert_int_equal(ask(w, site_handlers[h], w->five, "siteId=nowhere", ""), 404);
        buf_reset(&absent);
        buf_add(&absent, w->body);
        assert_int_equal(ask(w, site_handlers[h], w->five, "siteId=c", ""), 404);
        assert_true(str_eq(w->body, buf_str(&absent)));
        assert_int_equal(ask(w, site_handlers[h], w->five_a, "siteId=b", ""), 404);
        assert_true(str_eq(w->body, buf_str(&absent)));
        assert_int_equal(ask(w, site_handlers[h], w->platform, "siteId=c&tenantId=five", ""), 404);
        assert_int_equal(ask(w, site_handlers[h], w->five, "siteId=a&tenantId=six", ""), 404);
    }
    assert_int_equal(ask(w, compare_get, w->five, "siteIds=a,c", ""), 404);
    assert_int_equal(ask(w, compare_get, w->five_a, "siteIds=a,b", ""), 404);
    assert_int_equal(ask(w, compare_get, w->five, "siteIds=a,,b", ""), 404);
    buf_release(&absent);
}

static void hides_tenants_of_others_as_if_they_did_not_exist(void **state)
{
    struct world *w = *state;
    struct buf absent = {0};

    assert_int_equal(ask(w, tenant_stats_get, w->five, "", "nobody"), 404);
    buf_add(&absent, w->body);
    assert_int_equal(ask(w, tenant_stats_get, w->five, "", "six"), 404);
    assert_true(str_eq(w->body, buf_str(&absent)));
    assert_int_equal(ask(w, stats_get, w->five, "tenantId=six", ""), 404);
    assert_true(str_eq(w->body, buf_str(&absent)));
    assert_int_equal(ask(w, stats_get, w->platform, "tenantId=nobody", ""), 404);
    /* A token of one site does not see its tenant's sums. */
    assert_int_equal(ask(w, tenant_stats_get, w->five_a, "", "five"), 404);
    assert_int_equal(ask(w, tenant_stats_get, w->platform, "", "nobody"), 404);
    assert_int_equal(ask(w, tenant_stats_get, w->platform, "", "six"), 200);
    buf_release(&absent);
}

static void means_the_token_s_own_site_where_none_is_named(void **state)
{
    struct world *w = *state;

    for (size_t h = 0; h < SITE_HANDLERS - 1; h++) {
        assert_int_equal(ask(w, site_handlers[h], w->five_a, "", ""), 200);
        assert_true(
            has(w, "{\"siteId\":\"a\",\"tenantId\":\"five\",\"timezone\":\"Europe/Berlin\""));
    }
    assert_int_equal(ask(w, stats_get, w->five_a, "tenantId=five", ""), 200);
    assert_true(has(w, "\"siteId\":\"a\""));
}

static void assert_refused(struct world *w, handler *handle, const char *secret, const char *query,
                           const char *param)
{
    char member[80];

    (void)snprintf(member, sizeof(member), "\"parameter\":\"%s\"}", param);
    assert_int_equal(ask(w, handle, secret, query, ""), 400);
    assert_true(str_eq(w->response.content_type, STR("application/problem+json")));
    if (!has(w, member))
        fail_msg("%s: no %s in %.*s", query, member, STR_FMT(w->body));
}

static void makes_a_platform_token_name_a_tenant_or_a_site(void **state)
{
    struct world *w = *state;

    for (size_t h = 0; h < SITE_HANDLERS; h++)
        assert_refused(w, site_handlers[h], w->platform, "", "siteId");
    assert_int_equal(ask(w, stats_get, w->platform, "siteId=c", ""), 200);
    assert_int_equal(ask(w, stats_get, w->platform, "tenantId=six", ""), 200);
    assert_true(has(w, "{\"siteId\":null,\"tenantId\":\"six\",\"timezone\":null"));
    assert_int_equal(ask(w, compare_get, w->platform, "siteIds=a,c", ""), 200);
    assert_true(has(w, "{\"siteId\":null,\"tenantId\":null,\"timezone\":null"));
}

static void names_the_parameter_that_is_wrong(void **state)
{
    struct world *w = *state;
    static const struct {
        handler *handle;
        const char *query, *param;
    } cases[] = {
        {stats_get, "siteId=a&bogus=1", "bogus"},
        {stats_get, "siteId=a&q%22uote=1", "q\\\"uote"},
        {stats_get, "siteId=a&siteId=a", "siteId"},
        {stats_get, "siteId=a&siteId=b", "siteId"},
        {stats_get, "siteId=", "siteId"},
        {stats_get, "siteId", "siteId"},
        {stats_get, "siteId=a&period=fortnight", "period"},
        {stats_get, "siteId=a&period=7d&from=2026-11-01&to=2026-11-02", "period"},
        {stats_get, "siteId=a&from=2026-11-02&to=2026-11-01", "from"},
        {stats_get, "siteId=a&from=2026-11-02", "to"},
        {stats_get, "siteId=a&to=2026-11-02", "from"},
        {stats_get, "siteId=a&from=2015-12-31&to=2026-01-07", "from"},
        {stats_get, "siteId=a&metric=pageviews", "metric"},
        {stats_get, "siteId=a&siteIds=b", "siteIds"},
        {timeseries_get, "", "siteId"},
        {timeseries_get, "siteId=a&metric=hits", "metric"},
        {timeseries_get, "siteId=a&interval=minute", "interval"},
        {timeseries_get, "siteId=a&interval=hour&from=2026-01-01&to=2026-04-03", "interval"},
        {ledger_get, "", "siteId"},
        {ledger_get, "siteId=a&interval=day", "interval"},
        {export_get, "", "siteId"},
        {export_get, "siteId=a&format=xml", "format"},
        {compare_get, "siteIds=a,b&siteId=a", "siteId"},
        {compare_get, "siteIds=a,b&against=year", "against"},
        {compare_get, "siteIds=a,b&matchWeekday=true", "matchWeekday"},
        {compare_get, "against=tomorrow", "against"},
        {compare_get, "matchWeekday=yes", "matchWeekday"},
        {compare_get, "against=custom", "againstFrom"},
        {compare_get, "against=custom&againstFrom=2026-11-01", "againstTo"},
        {compare_get, "against=custom&againstFrom=2026-11-02&againstTo=2026-11-01", "againstFrom"},
        {compare_get, "againstFrom=2026-11-02&againstTo=2026-11-03", "againstFrom"},
        {compare_get, "against=year&againstTo=2026-11-03", "againstTo"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(w, cases[i].handle, w->five, cases[i].query, cases[i].param);
    assert_int_equal(ask(w, stats_get, w->five, "siteId=%ff", ""), 400);
    assert_int_equal(
        ask(w, timeseries_get, w->five, "siteId=a&interval=hour&from=2026-01-01&to=2026-04-02", ""),
        200); /* 92 days */
}

static void bounds_how_many_sites_stand_side_by_side(void **state)
{
    struct world *w = *state;
    struct buf query = {0};

    buf_add(&query, STR("siteIds=a"));
    for (int i = 1; i < 100; i++)
        buf_add(&query, STR(",a"));
    buf_addc(&query, '\0');
    assert_int_equal(ask(w, compare_get, w->five, query.ptr, ""), 200);
    query.len--;
    buf_add(&query, STR(",a"));
    buf_addc(&query, '\0');
    assert_refused(w, compare_get, w->five, query.ptr, "siteIds");
    buf_release(&query);
}

/* -- answers ------------------------------------------------------------------------------- */

static void add_numbers(struct world *w)
{
    struct err err = {0};

    fixture_day(w->store, "five", "a", "2026-11-21",
                (struct stats){.pageviews = 70,
                               .unique_visitors = 5,
                               .visits = 4,
                               .bounces = 1,
                               .visit_ms = 30000,
                               .visit_pageviews = 10,
                               .conversions = 3,
                               .converters = 2,
                               .unattributed_conversions = 1,
                               .leads = 3});
    fixture_day(w->store, "five", "a", "2026-11-22",
                (struct stats){.pageviews = 30,
                               .unique_visitors = 4,
                               .visits = 8,
                               .bounces = 2,
                               .visit_ms = 8000,
                               .visit_pageviews = 14,
                               .forms = 1,
                               .exports = 2,
                               .automation_runs = 3,
                               .ai_tokens = INT64_C(9007199254740991)});
    fixture_day(w->store, "five", "b", "2026-11-22", (struct stats){.pageviews = 200});
    assert_int_equal(store_finish_run(w->store, PARTITIONS_ALL, instant("2026-11-22T13:24:50.5Z"),
                                      now_fixed(), &err),
                     0);
}

static void answers_stats_of_a_site(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    assert_int_equal(ask(w, stats_get, w->five, "siteId=a&from=2026-11-20&to=2026-11-22", ""), 200);
    /* viewsPerVisit 24/12, bounceRate 3/12, visitDuration 38 s/12, conversionRate 2/9 */
    assert_body(
        w, "{\"siteId\":\"a\",\"tenantId\":\"five\",\"timezone\":\"Europe/Berlin\","
           "\"from\":\"2026-11-20\",\"to\":\"2026-11-22\",\"asOf\":\"2026-11-22T13:24:50.500Z\","
           "\"exact\":true,\"uniqueBasis\":\"day\",\"availableFrom\":null,"
           "\"pageviews\":100,\"uniqueVisitors\":9,\"visits\":12,\"viewsPerVisit\":2,"
           "\"bounceRate\":0.25,\"visitDuration\":3.1667,\"conversions\":3,\"converters\":2,"
           "\"conversionRate\":0.2222,\"unattributedConversions\":1,\"leads\":3,\"forms\":1,"
           "\"exports\":2,\"automationRuns\":3,\"aiTokens\":9007199254740991,\"days\":["
           "{\"siteId\":\"a\",\"tenantId\":\"five\",\"date\":\"2026-11-20\",\"pageviews\":0,"
           "\"uniqueVisitors\":0,\"leads\":0,\"forms\":0,\"exports\":0,\"automationRuns\":0,"
           "\"aiTokens\":0},"
           "{\"siteId\":\"a\",\"tenantId\":\"five\",\"date\":\"2026-11-21\",\"pageviews\":70,"
           "\"uniqueVisitors\":5,\"leads\":3,\"forms\":0,\"exports\":0,\"automationRuns\":0,"
           "\"aiTokens\":0},"
           "{\"siteId\":\"a\",\"tenantId\":\"five\",\"date\":\"2026-11-22\",\"pageviews\":30,"
           "\"uniqueVisitors\":4,\"leads\":0,\"forms\":1,\"exports\":2,\"automationRuns\":3,"
           "\"aiTokens\":9007199254740991}]}");
}

static void keeps_answers_out_of_shared_caches(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, stats_get, w->five, "siteId=a", ""), 200);
    assert_true(str_eq(header(w, "Cache-Control"), STR("no-store")));
}

static void answers_stats_of_a_tenant_without_a_site(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    assert_int_equal(ask(w, stats_get, w->five, "", ""), 200);
    /* today in UTC; site b keeps 10 days */
    assert_true(has(w, "{\"siteId\":null,\"tenantId\":\"five\",\"timezone\":null,"
                       "\"from\":\"2026-11-22\",\"to\":\"2026-11-22\","));
    assert_true(has(w, "\"availableFrom\":\"2026-11-12\",\"pageviews\":230,"));
    assert_true(has(w, "\"days\":[{\"siteId\":null,\"tenantId\":\"five\",\"date\":\"2026-11-22\","
                       "\"pageviews\":230,"));
}

static void gives_null_for_days_that_are_not_kept(void **state)
{
    struct world *w = *state;

    fixture_day(w->store, "five", "b", "2026-11-11", (struct stats){.pageviews = 1000});
    fixture_day(w->store, "five", "b", "2026-11-12", (struct stats){.pageviews = 1});
    assert_int_equal(ask(w, stats_get, w->five, "siteId=b&from=2026-11-11&to=2026-11-12", ""), 200);
    assert_true(has(w, "\"asOf\":null,"));
    assert_true(has(w, "\"availableFrom\":\"2026-11-12\",\"pageviews\":1,"));
    assert_true(has(w, "\"date\":\"2026-11-11\",\"pageviews\":null,\"uniqueVisitors\":null,"
                       "\"leads\":null,\"forms\":null,\"exports\":null,\"automationRuns\":null,"
                       "\"aiTokens\":null},"));
    assert_true(has(w, "\"date\":\"2026-11-12\",\"pageviews\":1,"));
}

static void reads_all_from_the_first_day(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    assert_int_equal(ask(w, stats_get, w->five, "siteId=a&period=all", ""), 200);
    assert_true(has(w, "\"from\":\"2026-11-21\",\"to\":\"2026-11-22\""));
    assert_int_equal(ask(w, stats_get, w->five, "siteId=b&period=all", ""), 200);
    assert_true(has(w, "\"from\":\"2026-11-12\",\"to\":\"2026-11-22\""));
    assert_int_equal(ask(w, stats_get, w->six, "period=all", ""), 200);
    assert_true(has(w, "\"from\":\"2026-11-22\",\"to\":\"2026-11-22\""));
}

static void compares_a_running_day_with_the_day_before_up_to_the_same_hour(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T13:00:00Z",
                 (struct stats){.pageviews = 40, .unique_visitors = 2, .visits = 4, .bounces = 2});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T14:00:00Z",
                 (struct stats){.pageviews = 30, .unique_visitors = 3});
    assert_int_equal(ask(w, compare_get, w->five, "siteId=a", ""), 200);
    assert_true(has(w, "\"current\":{\"from\":\"2026-11-22\",\"to\":\"2026-11-22\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":30,\"uniqueVisitors\":4,\"visits\":8,"));
    assert_true(has(w, "\"previous\":{\"from\":\"2026-11-21\",\"to\":\"2026-11-21\","
                       "\"until\":\"2026-11-21T14:00:00.000Z\",\"exact\":true,\"pageviews\":40,"
                       "\"uniqueVisitors\":2,\"visits\":4,"));
    assert_true(has(w, "\"change\":{\"pageviews\":{\"absolute\":-10,\"percent\":-25},"
                       "\"uniqueVisitors\":{\"absolute\":2,\"percent\":100},"
                       "\"visits\":{\"absolute\":4,\"percent\":100},"));
    /* bounceRate 2/8 against 2/4; no base for forms */
    assert_true(has(w, "\"bounceRate\":{\"absolute\":-0.25,\"percent\":-50}"));
    assert_true(has(w, "\"forms\":{\"absolute\":1,\"percent\":null}"));
    assert_true(has(w, "\"leads\":{\"absolute\":0,\"percent\":null}"));
}

static void compares_whole_days_where_the_range_has_ended(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    fixture_day(w->store, "five", "a", "2025-11-21", (struct stats){.pageviews = 60});
    fixture_day(w->store, "five", "a", "2025-11-15", (struct stats){.pageviews = 10});
    const char *year = "siteId=a&period=yesterday&against=year";
    assert_int_equal(ask(w, compare_get, w->five, year, ""), 200);
    assert_true(has(w, "\"previous\":{\"from\":\"2025-11-21\",\"to\":\"2025-11-21\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":60,"));
    assert_true(has(w, "\"change\":{\"pageviews\":{\"absolute\":10,\"percent\":16.6667},"));
    /* Saturday the 21st; 2025-11-21 is a Friday, the Saturday before it the 15th */
    year = "siteId=a&period=yesterday&against=year&matchWeekday=true";
    assert_int_equal(ask(w, compare_get, w->five, year, ""), 200);
    assert_true(has(w, "\"previous\":{\"from\":\"2025-11-15\",\"to\":\"2025-11-15\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":10,"));
    const char *custom = "siteId=a&from=2026-11-20&to=2026-11-21&against=custom&"
                         "againstFrom=2025-11-01&againstTo=2025-11-30";
    assert_int_equal(ask(w, compare_get, w->five, custom, ""), 200);
    assert_true(has(w, "\"previous\":{\"from\":\"2025-11-01\",\"to\":\"2025-11-30\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":70,"));
}

static void gives_no_change_against_a_period_not_wholly_kept(void **state)
{
    struct world *w = *state;

    const char *whole = "siteId=b&from=2026-11-14&to=2026-11-15"; /* against the 12th and 13th */
    assert_int_equal(ask(w, compare_get, w->five, whole, ""), 200);
    assert_true(has(w, "\"change\":{"));
    const char *part = "siteId=b&from=2026-11-13&to=2026-11-14"; /* against the 11th and 12th */
    assert_int_equal(ask(w, compare_get, w->five, part, ""), 200);
    assert_true(has(w, "\"change\":null}"));
}

static void compares_a_tenant_s_sites_each_by_its_own_clock(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    /* b is in UTC, where it is 13:25: 13:00 is begun, 14:00 is not. In Berlin 14:00 (13:00 UTC) is
     * begun. */
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T13:00:00Z",
                 (struct stats){.pageviews = 1});
    fixture_hour(w->store, "five", "a", "2026-11-21", "2026-11-21T14:00:00Z",
                 (struct stats){.pageviews = 10});
    fixture_hour(w->store, "five", "b", "2026-11-21", "2026-11-21T13:00:00Z",
                 (struct stats){.pageviews = 100});
    fixture_hour(w->store, "five", "b", "2026-11-21", "2026-11-21T14:00:00Z",
                 (struct stats){.pageviews = 1000});
    assert_int_equal(ask(w, compare_get, w->five, "", ""), 200);
    assert_true(has(w, "\"current\":{\"from\":\"2026-11-22\",\"to\":\"2026-11-22\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":230,"));
    assert_true(has(w, "\"previous\":{\"from\":\"2026-11-21\",\"to\":\"2026-11-21\",\"until\":null,"
                       "\"exact\":true,\"pageviews\":101,"));
}

static void sets_sites_side_by_side_in_the_order_asked(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    assert_int_equal(ask(w, compare_get, w->five, "siteIds=b,a&period=today", ""), 200);
    assert_true(has(w, "{\"siteId\":null,\"tenantId\":\"five\",\"timezone\":null,"));
    assert_true(has(w, "\"sites\":[{\"siteId\":\"b\",\"tenantId\":\"five\",\"domain\":\"example."
                       "com\",\"timezone\":\"UTC\","
                       "\"exact\":true,\"pageviews\":200,"));
    assert_true(has(w, "},{\"siteId\":\"a\",\"tenantId\":\"five\",\"domain\":\"example.com\","
                       "\"timezone\":\"Europe/Berlin\","
                       "\"exact\":true,\"pageviews\":30,"));
}

static void answers_a_tenant_with_a_row_for_each_site(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    const char *query = "from=2026-11-21&to=2026-11-22";
    assert_int_equal(ask(w, tenant_stats_get, w->five, query, "five"), 200);
    assert_true(has(w, "{\"siteId\":null,\"tenantId\":\"five\",\"timezone\":null,"));
    assert_true(has(w, "\"availableFrom\":\"2026-11-12\",\"pageviews\":300,"));
    assert_true(has(w,
                    "\"sites\":[{\"siteId\":\"a\",\"tenantId\":\"five\",\"domain\":\"example.com\","
                    "\"timezone\":\"Europe/Berlin\",\"exact\":true,\"pageviews\":100,"));
    assert_true(has(
        w,
        "},{\"siteId\":\"b\",\"tenantId\":\"five\",\"domain\":\"example.com\",\"timezone\":\"UTC\","
        "\"exact\":true,\"pageviews\":200,"));
    assert_true(has(w, "\"date\":\"2026-11-21\",\"pageviews\":70,"));
    assert_true(has(w, "\"date\":\"2026-11-22\",\"pageviews\":230,"));
}

static void answers_a_series(void **state)
{
    struct world *w = *state;

    add_numbers(w);
    const char *query = "siteId=a&metric=bounceRate&from=2026-11-21&to=2026-11-22";
    assert_int_equal(ask(w, timeseries_get, w->five, query, ""), 200);
    assert_body(w, "{\"siteId\":\"a\",\"tenantId\":\"five\",\"timezone\":\"Europe/Berlin\","
                   "\"from\":\"2026-11-21\",\"to\":\"2026-11-22\","
                   "\"asOf\":\"2026-11-22T13:24:50.500Z\",\"exact\":true,\"uniqueBasis\":\"day\","
                   "\"availableFrom\":null,\"metric\":\"bounceRate\",\"interval\":\"day\","
                   "\"points\":[{\"time\":\"2026-11-21\",\"value\":0.25,\"partial\":false},"
                   "{\"time\":\"2026-11-22\",\"value\":0.25,\"partial\":true}]}");
    assert_int_equal(ask(w, timeseries_get, w->five, "siteId=a", ""), 200);
    assert_true(has(w, "\"metric\":\"pageviews\",\"interval\":\"hour\",\"points\":["
                       "{\"time\":\"2026-11-21T23:00:00.000Z\",\"value\":0,\"partial\":false},"));
    const char *old = "siteId=b&interval=day&from=2026-11-11&to=2026-11-11";
    assert_int_equal(ask(w, timeseries_get, w->five, old, ""), 200);
    assert_true(has(w, "\"points\":[{\"time\":\"2026-11-11\",\"value\":null,"));
}

/* A week and a month in which a single day's numbers were imported are marked like that day. */
static void marks_points_whose_numbers_were_imported(void **state)
{
    struct world *w = *state;

    fixture_day(w->store, "five", "a", "2026-10-14",
                (struct stats){.pageviews = 5, .estimated = STATS_ESTIMATED});
    fixture_day(w->store, "five", "a", "2026-10-15",
                (struct stats){.pageviews = 7, .estimated = STATS_IMPORTED});
    const char *days = "siteId=a&interval=day&from=2026-10-14&to=2026-10-16";
    assert_int_equal(ask(w, timeseries_get, w->five, days, ""), 200);
    assert_true(has(w, "\"points\":[{\"time\":\"2026-10-14\",\"value\":5,\"partial\":false},"
                       "{\"time\":\"2026-10-15\",\"value\":7,\"partial\":false,\"imported\":true},"
                       "{\"time\":\"2026-10-16\",\"value\":0,\"partial\":false}]"));
    const char *weeks = "siteId=a&interval=week&from=2026-10-05&to=2026-10-18";
    assert_int_equal(ask(w, timeseries_get, w->five, weeks, ""), 200);
    assert_true(has(w,
                    "\"points\":[{\"time\":\"2026-10-05\",\"value\":0,\"partial\":false},"
                    "{\"time\":\"2026-10-12\",\"value\":12,\"partial\":false,\"imported\":true}]"));
    const char *months = "siteId=a&interval=month&from=2026-11-01&to=2026-11-30&against=custom"
                         "&againstFrom=2026-10-01&againstTo=2026-10-31";
    assert_int_equal(ask(w, timeseries_get, w->five, months, ""), 200);
    assert_true(has(w, "\"points\":[{\"time\":\"2026-11-01\",\"value\":0,\"partial\":true}],"));
    assert_true(has(w, "\"previousPoints\":[{\"time\":\"2026-10-01\",\"value\":12,"
                       "\"partial\":false,\"imported\":true}]"));
}

static void answers_the_ledger(void **state)
{
    struct world *w = *state;

    fixture_ledger(w->store, "five", "b", "2026-11-12", LEDGER_STORED, "", 5);
    fixture_ledger(w->store, "five", "b", "2026-11-12", LEDGER_DROPPED, "bot", 2);
    fixture_ledger(w->store, "five", "b", "2026-11-12", LEDGER_DROPPED, "bot:search", 3);
    fixture_ledger(w->store, "five", "b", "2026-11-12", LEDGER_REJECTED, "invalid", 1);
    /* A line of another product's totals: a record without an event. */
    fixture_ledger(w->store, "five", "b", "2026-11-12", LEDGER_DROPPED, "imported", 0);
    const char *query = "siteId=b&from=2026-11-11&to=2026-11-13";
    assert_int_equal(ask(w, ledger_get, w->five, query, ""), 200);
    assert_body(
        w, "{\"siteId\":\"b\",\"tenantId\":\"five\",\"timezone\":\"UTC\",\"from\":\"2026-11-11\","
           "\"to\":\"2026-11-13\",\"asOf\":null,\"exact\":true,\"uniqueBasis\":\"day\","
           "\"availableFrom\":\"2026-11-12\",\"queued\":0,\"received\":11,\"stored\":5,"
           "\"dropped\":{\"bot\":5},\"rejected\":{\"invalid\":1},\"bots\":{\"search\":3},\"days\":["
           "{\"date\":\"2026-11-11\",\"received\":null,\"stored\":null,\"dropped\":null,"
           "\"rejected\":null,\"bots\":null},"
           "{\"date\":\"2026-11-12\",\"received\":11,\"stored\":5,\"dropped\":{\"bot\":5},"
           "\"rejected\":{\"invalid\":1},\"bots\":{\"search\":3}},"
           "{\"date\":\"2026-11-13\",\"received\":0,\"stored\":0,\"dropped\":{},"
           "\"rejected\":{},\"bots\":{}}]}");
}

static int three_wait(void *server, struct api_waiting *out)
{
    (void)server;
    *out = (struct api_waiting){3, 1};
    return 0;
}

static int nobody_answers(void *server, struct api_waiting *out)
{
    (void)server;
    (void)out;
    return ERR_UNAVAILABLE;
}

static void the_ledger_tells_what_waits_in_the_shared_buffer(void **state)
{
    struct world *w = *state;

    w->api.queued = three_wait;
    assert_int_equal(ask(w, ledger_get, w->five, "siteId=b", ""), 200);
    assert_true(has(w, "\"queued\":3,"));
    w->api.queued = nobody_answers;
    assert_int_equal(ask(w, ledger_get, w->five, "siteId=b", ""), 200);
    assert_true(has(w, "\"queued\":null,"));
}

/* -- export -------------------------------------------------------------------------------- */

/* All pages of the stream that the last answer began; returns how many. */
static int read_stream(struct world *w, struct buf *out)
{
    struct err err = {0};
    int pages = 0, rc = 1;

    while (rc == 1 && pages++ < 100)
        rc = w->response.stream.next(w->response.stream.ctx, &(struct worker){.store = w->store},
                                     out, &err);
    assert_int_equal(rc, 0);
    w->response.stream.free(w->response.stream.ctx);
    return pages;
}

static void add_event(struct world *w, struct event event)
{
    event.site = STR("a");
    event.tenant = STR("five");
    event.hour_ms = event.time_ms / HOUR_MS * HOUR_MS;
    event.received_ms = event.time_ms;
    const struct event *pointer = &event;

    fixture_commit(w->store, &(struct store_batch){.events = &pointer, .events_count = 1});
}

static void add_events(struct world *w)
{
    struct event page = {.kind = EVENT_PAGEVIEW,
                         .name = STR("pageview"),
                         .time_ms = instant("2026-11-21T22:59:59.999Z"),
                         .day = day("2026-11-21"),
                         .visitor = UINT64_C(0xab),
                         .prefix = STR("192.0.2.0/24"),
                         .path = STR("/a,\"b\""),
                         .count = 1,
                         .scroll = -1};
    struct event engagement = {.kind = EVENT_ENGAGEMENT,
                               .name = STR("engagement"),
                               .time_ms = instant("2026-11-21T23:00:00Z"),
                               .day = day("2026-11-22"),
                               .path = STR("/"),
                               .title = STR("=1+1"),
                               .props = STR("{\"plan\":\"pro\"}"),
                               .tokens = 7,
                               .count = 3,
                               .seconds_ms = 1250,
                               .scroll = 80};

    add_event(w, page);
    add_event(w, engagement);
}

static void exports_raw_rows_of_the_site_s_days_as_ndjson(void **state)
{
    struct world *w = *state;
    struct buf out = {0};

    add_events(w);
    /* The 22nd begins at 23:00 UTC: the pageview is of the 21st. */
    assert_int_equal(ask(w, export_get, w->five, "siteId=a&from=2026-11-22&to=2026-11-22", ""),
                     200);
    assert_true(str_eq(w->response.content_type, STR("application/x-ndjson")));
    assert_int_equal(read_stream(w, &out), 1);
    buf_addc(&out, '\0');
    const char *members = strstr(out.ptr, ",\"siteId\"");
    assert_non_null(members);
    assert_string_equal(
        members,
        ",\"siteId\":\"a\",\"tenantId\":\"five\",\"timestamp\":\"2026-11-21T23:00:00.000Z\","
        "\"event\":\"engagement\",\"path\":\"/\",\"referrer\":null,\"title\":\"=1+1\","
        "\"screen\":null,\"props\":{\"plan\":\"pro\"},\"tokens\":7,\"count\":3,"
        "\"seconds\":1.25,\"scroll\":80,\"visitor\":null,\"ipPrefix\":null}\n");
    buf_reset(&out);
    assert_int_equal(ask(w, export_get, w->five, "siteId=a&from=2026-11-21&to=2026-11-21", ""),
                     200);
    assert_int_equal(read_stream(w, &out), 1);
    buf_addc(&out, '\0');
    members = strstr(out.ptr, ",\"event\"");
    assert_non_null(members);
    assert_string_equal(members,
                        ",\"event\":\"pageview\",\"path\":\"/a,\\\"b\\\"\",\"referrer\":null,"
                        "\"title\":null,\"screen\":null,\"props\":null,\"tokens\":0,\"count\":1,"
                        "\"seconds\":0,\"scroll\":null,\"visitor\":\"00000000000000ab\","
                        "\"ipPrefix\":\"192.0.2.0/24\"}\n");
    buf_release(&out);
}

static void exports_csv_that_no_spreadsheet_runs(void **state)
{
    struct world *w = *state;
    struct buf out = {0};

    add_events(w);
    const char *query = "siteId=a&from=2026-11-21&to=2026-11-22&format=csv";
    assert_int_equal(ask(w, export_get, w->five, query, ""), 200);
    assert_true(str_eq(w->response.content_type, STR("text/csv; charset=utf-8")));
    assert_int_equal(read_stream(w, &out), 1);
    buf_addc(&out, '\0');
    assert_ptr_equal(strstr(out.ptr, "id,siteId,tenantId,timestamp,event,path,referrer,title,"
                                     "screen,props,tokens,count,seconds,scroll,visitor,"
                                     "ipPrefix\r\n"),
                     out.ptr);
    assert_non_null(strstr(out.ptr, ",a,five,2026-11-21T22:59:59.999Z,pageview,\"/a,\"\"b\"\"\",,,,"
                                    ",0,1,0,,00000000000000ab,192.0.2.0/24\r\n"));
    assert_non_null(strstr(out.ptr, ",a,five,2026-11-21T23:00:00.000Z,engagement,/,,'=1+1,,"
                                    "\"{\"\"plan\"\":\"\"pro\"\"}\",7,3,1.25,80,,\r\n"));
    buf_release(&out);
}

static void exports_in_pages_without_loss_or_repeat(void **state)
{
    enum { ROWS = 1001 };
    struct world *w = *state;
    struct event *events = test_calloc(ROWS, sizeof(*events));
    struct buf out = {0};

    for (int i = 0; i < ROWS; i++)
        events[i] = (struct event){.kind = EVENT_PAGEVIEW,
                                   .name = STR("pageview"),
                                   .site = STR("a"),
                                   .tenant = STR("five"),
                                   .time_ms = instant("2026-11-22T10:00:00Z"),
                                   .received_ms = instant("2026-11-22T10:00:00Z"),
                                   .hour_ms = instant("2026-11-22T10:00:00Z"),
                                   .day = day("2026-11-22"),
                                   .path = STR("/"),
                                   .tokens = 10000 + i,
                                   .count = 1,
                                   .scroll = -1};
    const struct event *pointers[ROWS];

    for (int i = 0; i < ROWS; i++)
        pointers[i] = &events[i];
    fixture_commit(w->store, &(struct store_batch){.events = pointers, .events_count = ROWS});
    assert_int_equal(ask(w, export_get, w->five_a, "", ""), 200);
    assert_int_equal(read_stream(w, &out), 2);
    buf_addc(&out, '\0');
    bool seen[ROWS] = {false};
    int lines = 0;
    for (const char *at = out.ptr; (at = strstr(at, "\"tokens\":")) != NULL; at++) {
        long number = strtol(at + strlen("\"tokens\":"), NULL, 10) - 10000;
        assert_in_range(number, 0, ROWS - 1);
        assert_false(seen[number]);
        seen[number] = true;
        lines++;
    }
    assert_int_equal(lines, ROWS);
    buf_release(&out);
    test_free(events);
}

static void names_the_exported_file(void **state)
{
    struct world *w = *state;
    struct buf out = {0};

    assert_int_equal(ask(w, export_get, w->five, "siteId=b&period=yesterday", ""), 200);
    assert_true(str_eq(header(w, "Content-Disposition"),
                       STR("attachment; filename=\"b_2026-11-21_2026-11-21.ndjson\"")));
    assert_int_equal(read_stream(w, &out), 1);
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(refuses_bad_credentials_whether_or_not_the_site_exists),
        WITH_WORLD(refuses_a_token_without_the_scope),
        WITH_WORLD(hides_sites_of_others_as_if_they_did_not_exist),
        WITH_WORLD(hides_tenants_of_others_as_if_they_did_not_exist),
        WITH_WORLD(means_the_token_s_own_site_where_none_is_named),
        WITH_WORLD(makes_a_platform_token_name_a_tenant_or_a_site),
        WITH_WORLD(names_the_parameter_that_is_wrong),
        WITH_WORLD(bounds_how_many_sites_stand_side_by_side),
        WITH_WORLD(answers_stats_of_a_site),
        WITH_WORLD(keeps_answers_out_of_shared_caches),
        WITH_WORLD(answers_stats_of_a_tenant_without_a_site),
        WITH_WORLD(gives_null_for_days_that_are_not_kept),
        WITH_WORLD(reads_all_from_the_first_day),
        WITH_WORLD(compares_a_running_day_with_the_day_before_up_to_the_same_hour),
        WITH_WORLD(compares_whole_days_where_the_range_has_ended),
        WITH_WORLD(gives_no_change_against_a_period_not_wholly_kept),
        WITH_WORLD(compares_a_tenant_s_sites_each_by_its_own_clock),
        WITH_WORLD(sets_sites_side_by_side_in_the_order_asked),
        WITH_WORLD(answers_a_tenant_with_a_row_for_each_site),
        WITH_WORLD(answers_a_series),
        WITH_WORLD(marks_points_whose_numbers_were_imported),
        WITH_WORLD(answers_the_ledger),
        WITH_WORLD(the_ledger_tells_what_waits_in_the_shared_buffer),
        WITH_WORLD(exports_raw_rows_of_the_site_s_days_as_ndjson),
        WITH_WORLD(exports_csv_that_no_spreadsheet_runs),
        WITH_WORLD(exports_in_pages_without_loss_or_repeat),
        WITH_WORLD(names_the_exported_file),
    };
    return cmocka_run_group_tests_name("api_read", tests, NULL, NULL);
}
