/*
 * test_api_cache.c -- reading handlers with a cache: it makes answers cheaper and never other ones.
 *
 * The tenant "five" has the sites a (Berlin) and e (UTC), of different partitions, "six" has c
 * (UTC). It is 14:16 in Berlin on 22 November 2026, a Sunday, until a test says otherwise.
 */
#include "access/access.h"
#include "api/api.h"
#include "api/handlers.h"
#include "query_fixture.h"

#include <stdlib.h>

struct world {
    struct store *store;
    struct directory *directory;
    struct metrics *metrics;
    struct cache *cache;
    struct api api;
    struct arena arena, names;
    char five[TOKEN_TEXT_MAX], five_a[TOKEN_TEXT_MAX], six[TOKEN_TEXT_MAX],
        platform[TOKEN_TEXT_MAX];
    char dir[FIXTURE_PATH];
    size_t asked; /* what the store was asked since the last question began */
    struct http_response response;
    struct str body;
};

/* The clock of struct api has no argument. */
static int64_t test_now_ms;

static int64_t test_now(void)
{
    return test_now_ms;
}

/* -- a world ----------------------------------------------------------------------------------- */

static void token(struct world *w, char *text, struct token_request request)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    request.scopes = SCOPE_STATS_READ;
    if (token_create(w->store, &request, &actor, text, &err) != 0)
        fail_msg("%s", err.text);
}

static void load_directory(struct world *w)
{
    struct err err = {0};

    if (directory_load(w->directory, w->store, test_now_ms, &err) != 0)
        fail_msg("%s", err.text);
}

static void count_asked(void *ctx, const char *op, double seconds)
{
    struct world *w = ctx;

    (void)op;
    (void)seconds;
    w->asked++;
}

static struct store *open_store(struct world *w)
{
    fixture_path(w->dir, "");
    struct store_config config = {
        .url = STR("memory:"), .data_dir = str_from(w->dir), .observe = count_asked, .ctx = w};
    struct store *store = NULL;
    struct err err = {0};

    if (store_open(&config, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static struct cache *open_cache(const char *url)
{
    struct cache *cache = NULL;
    struct err err = {0};

    if (cache_open(str_from(url), &cache, &err) != 0)
        fail_msg("%s", err.text);
    return cache;
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 30, .visit_days = 365, .stats_days = 365};

    test_now_ms = instant("2026-11-22T13:16:00Z");
    w->store = open_store(w);
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    fixture_site(w->store, "five", "e", "UTC", 0);
    fixture_site(w->store, "six", "c", "UTC", 0);
    token(w, w->five, (struct token_request){.tenant = STR("five")});
    token(w, w->five_a, (struct token_request){.tenant = STR("five"), .site = STR("a")});
    token(w, w->six, (struct token_request){.tenant = STR("six")});
    token(w, w->platform, (struct token_request){.platform = true});
    fixture_day(w->store, "five", "a", "2026-11-21", (struct stats){.pageviews = 70});
    fixture_day(w->store, "five", "e", "2026-11-21", (struct stats){.pageviews = 200});
    fixture_day(w->store, "six", "c", "2026-11-21", (struct stats){.pageviews = 3000});
    w->directory = directory_new(&config);
    load_directory(w);
    struct metrics_names names = api_metrics_names(&w->names);

    w->metrics = metrics_new(&names, STR("0"));
    w->cache = open_cache("memory:");
    w->api = (struct api){.roles = ROLES_ALL,
                          .directory = w->directory,
                          .cache = w->cache,
                          .metrics = w->metrics,
                          .data_dir = STR("no-such-directory"),
                          .now = test_now};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    buf_release(&w->response.body);
    directory_free(&w->directory);
    metrics_free(&w->metrics);
    cache_close(&w->cache);
    fixture_close(&w->store);
    arena_free(&w->arena);
    arena_free(&w->names);
    test_free(w);
    return 0;
}

/* -- asking ------------------------------------------------------------------------------------ */

typedef void handler(const struct http_request *request, struct http_response *response);

struct question {
    handler *handle;
    const char *query, *param;
};

static int ask(struct world *w, const char *secret, const struct question *question)
{
    struct buf authorization = {0};

    buf_addf(&authorization, "Bearer %s", secret);
    struct http_request request = {.query = str_from(question->query),
                                   .param = str_from(question->param),
                                   .authorization = buf_str(&authorization),
                                   .arena = &w->arena,
                                   .app = &w->api,
                                   .worker = &(struct worker){.store = w->store}};
    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    w->asked = 0;
    question->handle(&request, &w->response);
    buf_release(&authorization);
    w->body = buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

static bool has(const struct world *w, const char *text)
{
    return w->body.len > 0 && memmem(w->body.ptr, w->body.len, text, strlen(text)) != NULL;
}

/* analytics_cache_requests_total{result=...} */
static long counted(struct world *w, const char *result)
{
    char name[80];
    struct buf text = {0};

    (void)snprintf(name, sizeof(name), "\nanalytics_cache_requests_total{result=\"%s\"} ", result);
    metrics_render(w->metrics, &text);
    buf_addc(&text, '\0');
    const char *at = strstr(text.ptr, name);
    long count = at == NULL ? -1 : strtol(at + strlen(name), NULL, 10);

    buf_release(&text);
    return count;
}

/* Ask, and fail unless the cache came to `result`. */
static void ask_as(struct world *w, const char *secret, const struct question *question,
                   const char *result)
{
    long before = counted(w, result);

    if (ask(w, secret, question) != 200)
        fail_msg("%s: %.*s", question->query, STR_FMT(w->body));
    if (counted(w, result) != before + 1)
        fail_msg("%s %s: not a %s", question->query, question->param, result);
}

static void ask_five(struct world *w, const struct question *question, const char *result)
{
    ask_as(w, w->five, question, result);
}

/* The same question without a cache has the same answer. */
static void assert_as_without_a_cache(struct world *w, const char *secret,
                                      const struct question *question)
{
    struct buf cached = {0};

    buf_add(&cached, w->body);
    w->api.cache = NULL;
    assert_int_equal(ask(w, secret, question), 200);
    w->api.cache = w->cache;
    if (!str_eq(w->body, buf_str(&cached)))
        fail_msg("%s: %.*s\nwithout: %.*s", question->query, STR_FMT(buf_str(&cached)),
                 STR_FMT(w->body));
    buf_release(&cached);
}

/* Every one asks for something else. */
static const struct question questions[] = {
    {stats_get, "siteId=a", ""},
    {stats_get, "siteId=a&period=all", ""},
    {stats_get, "siteId=a&period=yesterday", ""},
    {stats_get, "siteId=a&period=7d", ""},
    {stats_get, "siteId=e&period=7d", ""},
    {stats_get, "period=7d", ""},
    {stats_get, "period=all", ""},
    {tenant_stats_get, "period=7d", "five"},
    {tenant_stats_get, "period=all", "five"},
    {compare_get, "siteId=a&period=7d", ""},
    {compare_get, "siteId=a&period=week", ""},
    {compare_get, "siteId=a&period=7d&against=year", ""},
    {compare_get, "siteId=a&period=7d&matchWeekday=true", ""},
    {compare_get, "siteId=a&period=7d&against=custom&againstFrom=2026-11-01&againstTo=2026-11-02",
     ""},
    {compare_get, "siteId=a&period=7d&against=custom&againstFrom=2026-11-01&againstTo=2026-11-03",
     ""},
    {compare_get, "period=7d", ""},
    {compare_get, "siteIds=a&period=7d", ""},
    {compare_get, "siteIds=a,e&period=7d", ""},
    {compare_get, "siteIds=e,a&period=7d", ""},
    {timeseries_get, "siteId=a&period=7d", ""},
    {timeseries_get, "siteId=a&period=7d&metric=visits", ""},
    {timeseries_get, "siteId=a&period=7d&interval=hour", ""},
    {timeseries_get, "siteId=a&period=7d&interval=week&metric=visits", ""},
    {timeseries_get, "siteId=a&period=7d&against=previous", ""},
    {timeseries_get, "siteId=a&period=7d&against=previous&matchWeekday=true", ""},
    {timeseries_get, "siteId=a&period=7d&filter=source:is:x", ""},
    {stats_get, "siteId=a&period=7d&filter=source:is:x", ""},
    {stats_get, "siteId=a&period=7d&filter=source:is:y", ""},
    {stats_get, "siteId=a&period=7d&filter=source:is:x&filter=source:is:y", ""},
    {stats_get, "siteId=a&period=7d&filter=source:is:y&filter=source:is:x", ""},
    {stats_get, "siteId=a&period=7d&filter=source:is:y:6:source", ""},
    {compare_get, "siteId=a&period=7d&filter=source:is:x", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=page", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=source", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=prop:plan", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=page&limit=10", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=page&offset=10", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=page&search=x", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=page&filter=source:is:x", ""},
    {breakdown_get, "siteId=e&period=7d&dimension=page&filter=source:is:x", ""},
    {breakdown_get, "siteId=a&period=7d&dimension=prop:plan&sort=events", ""},
    {properties_get, "siteId=a&period=7d", ""},
    {properties_get, "siteId=e&period=7d", ""},
};
enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

/* -- what is served ---------------------------------------------------------------------------- */

static void serves_the_second_answer_from_the_cache_byte_for_byte(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < QUESTIONS; i++) {
        ask_five(w, &questions[i], "miss");
        assert_as_without_a_cache(w, w->five, &questions[i]);
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        ask_five(w, &questions[i], "hit");
        assert_as_without_a_cache(w, w->five, &questions[i]);
    }
}

static void a_hit_asks_the_store_one_thing(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < QUESTIONS; i++) {
        ask_five(w, &questions[i], "miss");
        assert_true(w->asked > 1);
        ask_five(w, &questions[i], "hit");
        assert_int_equal(w->asked, 1);
    }
}

static void knows_the_same_question_in_other_words(void **state)
{
    struct world *w = *state;
    static const struct question same[] = {
        {stats_get, "siteId=a&period=yesterday", ""},
        {stats_get, "period=yesterday&siteId=a", ""},
        {stats_get, "siteId=a&tenantId=five&period=yesterday", ""},
        {stats_get, "siteId=a&from=2026-11-21&to=2026-11-21", ""},
        {stats_get, "siteId=a&period=custom&from=2026-11-21&to=2026-11-21", ""},
    };

    ask_five(w, &same[0], "miss");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        ask_five(w, &same[i], "hit");
        assert_as_without_a_cache(w, w->five, &same[i]);
    }
    ask_as(w, w->platform, &same[0], "hit");
    ask_as(w, w->five_a, &(struct question){stats_get, "period=yesterday", ""}, "hit");
}

/* -- what makes an answer new ------------------------------------------------------------------ */

static void a_commit_to_the_site_makes_the_next_answer_new(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < QUESTIONS; i++)
        ask_five(w, &questions[i], "miss");
    fixture_day(w->store, "five", "a", "2026-11-21", (struct stats){.pageviews = 5});
    for (size_t i = 0; i < QUESTIONS; i++) {
        bool of_e_alone = strstr(questions[i].query, "siteId=e") != NULL;
        ask_five(w, &questions[i], of_e_alone ? "hit" : "stale");
        assert_as_without_a_cache(w, w->five, &questions[i]);
        ask_five(w, &questions[i], "hit");
    }
    ask_five(w, &questions[3], "hit");
    assert_true(has(w, "\"pageviews\":75,"));
}

static void a_commit_to_another_partition_leaves_it(void **state)
{
    struct world *w = *state;
    const struct question of_a = {stats_get, "siteId=a&period=7d", ""};

    assert_int_not_equal(site_partition(STR("a")), site_partition(STR("e")));
    assert_int_not_equal(site_partition(STR("a")), site_partition(STR("c")));
    ask_five(w, &of_a, "miss");
    fixture_day(w->store, "five", "e", "2026-11-21", (struct stats){.pageviews = 1});
    fixture_day(w->store, "six", "c", "2026-11-21", (struct stats){.pageviews = 1});
    ask_five(w, &of_a, "hit");
    assert_true(has(w, "\"pageviews\":70,"));
}

/* The first day with numbers is found only by reading. */
static void an_earlier_first_day_makes_all_of_it_new(void **state)
{
    struct world *w = *state;
    const struct question all = {stats_get, "siteId=a&period=all", ""};

    ask_five(w, &all, "miss");
    assert_true(has(w, "\"from\":\"2026-11-21\""));
    fixture_day(w->store, "five", "a", "2026-11-19", (struct stats){.pageviews = 1});
    ask_five(w, &all, "stale");
    assert_true(has(w, "\"from\":\"2026-11-19\""));
    assert_true(has(w, "\"pageviews\":71,"));
}

/* Between the change and the moment in which this node has read it, answers are made with the old
 * settings: they may not be served after that moment. */
static void a_change_of_sites_and_settings_makes_it_new(void **state)
{
    struct world *w = *state;
    const struct question of_five = {tenant_stats_get, "period=7d", "five"};

    ask_five(w, &of_five, "miss");
    fixture_site(w->store, "five", "d", "UTC", 0);
    fixture_day(w->store, "five", "d", "2026-11-21", (struct stats){.pageviews = 10000});
    ask_five(w, &of_five, "stale");
    assert_false(has(w, "\"siteId\":\"d\""));
    ask_five(w, &of_five, "hit");
    load_directory(w);
    ask_five(w, &of_five, "miss");
    assert_true(has(w, "\"siteId\":\"d\""));
    assert_true(has(w, "\"pageviews\":10270,"));
    ask_five(w, &of_five, "hit");
    assert_as_without_a_cache(w, w->five, &of_five);
}

/* A node that was started with another ABACUS_STATS_DAYS, beside the same cache. */
static void another_retention_makes_it_new(void **state)
{
    struct world *w = *state;
    struct directory_config config = {.raw_days = 30, .visit_days = 365, .stats_days = 10};
    const struct question question = {stats_get, "siteId=kept&period=30d", ""};

    fixture_site(w->store, "five", "kept", "UTC", -1);
    load_directory(w);
    ask_five(w, &question, "miss");
    directory_free(&w->directory);
    w->directory = w->api.directory = directory_new(&config);
    load_directory(w);
    ask_five(w, &question, "miss");
    assert_true(has(w, "\"availableFrom\":\"2026-11-12\""));
    assert_as_without_a_cache(w, w->five, &question);
}

static void forgets_after_five_minutes(void **state)
{
    struct world *w = *state;
    const struct question question = {stats_get, "siteId=a&period=7d", ""};
    int64_t began_ms = test_now_ms;

    ask_five(w, &question, "miss");
    test_now_ms = began_ms + 5 * 60 * 1000 - 1;
    ask_five(w, &question, "hit");
    test_now_ms = began_ms + 5 * 60 * 1000;
    ask_five(w, &question, "stale");
    ask_five(w, &question, "hit");
}

/* Ask in the last second of something, and when it has passed. */
static void assert_new_at(struct world *w, const char *text, const struct question *question)
{
    test_now_ms = instant(text) - 1000;
    ask_five(w, question, "miss");
    test_now_ms = instant(text);
    ask_five(w, question, "miss");
    assert_as_without_a_cache(w, w->five, question);
}

static void an_hour_or_a_day_that_ends_makes_it_new(void **state)
{
    struct world *w = *state;

    fixture_site(w->store, "five", "kathmandu", "Asia/Kathmandu", 0); /* UTC+5:45 */
    load_directory(w);
    assert_new_at(w, "2026-11-22T14:00:00Z", &(struct question){compare_get, "siteId=a", ""});
    assert_new_at(w, "2026-11-22T15:00:00Z",
                  &(struct question){timeseries_get, "siteId=a&interval=hour", ""});
    assert_new_at(w, "2026-11-22T15:15:00Z",
                  &(struct question){compare_get, "siteId=kathmandu", ""});
    assert_new_at(w, "2026-11-22T18:15:00Z", &(struct question){stats_get, "siteId=kathmandu", ""});
    assert_true(has(w, "\"from\":\"2026-11-23\""));
    assert_new_at(w, "2026-11-22T23:00:00Z", &(struct question){stats_get, "siteId=a", ""});
    assert_true(has(w, "\"from\":\"2026-11-23\""));
    /* The day, week and month have ended: their points are whole now. */
    assert_new_at(w, "2026-11-29T23:00:00Z",
                  &(struct question){timeseries_get,
                                     "siteId=a&interval=week&from=2026-11-23&to=2026-11-29", ""});
    assert_true(has(w, "\"partial\":false"));
}

/* -- what never gets out ----------------------------------------------------------------------- */

/* What five was told is in the cache; none of it reaches those who may not ask for it. */
static void keeps_answers_from_others(void **state)
{
    struct world *w = *state;
    const struct question by_token = {stats_get, "period=7d", ""};

    for (size_t i = 0; i < QUESTIONS; i++)
        ask_five(w, &questions[i], "miss");
    for (size_t i = 0; i < QUESTIONS; i++) {
        bool named = strstr(questions[i].query, "siteId") != NULL || questions[i].param[0] != '\0';

        if (named)
            assert_int_equal(ask(w, w->six, &questions[i]), 404);
        else
            ask_as(w, w->six, &questions[i], "miss"); /* not even "stale": it was never kept */
        assert_false(has(w, "\"five\""));
        assert_int_equal(ask(w, "abacus_wrong", &questions[i]), 401);
    }
    ask_as(w, w->six, &by_token, "hit"); /* its own, made above */
    assert_true(has(w, "\"tenantId\":\"six\""));
    assert_true(has(w, "\"pageviews\":3000,"));
    /* The same words mean one site with a token that is bound to it. */
    assert_int_equal(ask(w, w->five_a, &by_token), 200);
    assert_true(has(w, "{\"siteId\":\"a\""));
    assert_true(has(w, "\"pageviews\":70,"));
    assert_int_equal(ask(w, w->five_a, &(struct question){stats_get, "siteId=e&period=7d", ""}),
                     404);
    assert_int_equal(ask(w, w->five_a, &(struct question){tenant_stats_get, "period=7d", "five"}),
                     404);
}

/* -- what is not kept -------------------------------------------------------------------------- */

static void keeps_no_refusal(void **state)
{
    struct world *w = *state;
    const struct question wrong = {timeseries_get, "siteId=a&metric=hits", ""};
    struct buf first = {0};

    assert_int_equal(ask(w, w->five, &wrong), 400);
    buf_add(&first, w->body);
    assert_int_equal(ask(w, w->five, &wrong), 400);
    assert_true(str_eq(w->body, buf_str(&first)));
    assert_int_equal(counted(w, "hit"), 0);
    buf_release(&first);
}

/* A day has more than 100 bytes in an answer, so that 3000 are more than 256 KiB; 1000 are not. */
static void keeps_no_answer_that_is_too_large(void **state)
{
    struct world *w = *state;
    const struct question large = {stats_get, "siteId=a&from=2018-01-01&to=2026-11-21", ""};
    const struct question small = {stats_get, "siteId=a&from=2024-02-25&to=2026-11-21", ""};

    ask_five(w, &large, "miss");
    assert_true(w->body.len > CACHE_VALUE_MAX);
    ask_five(w, &large, "miss");
    assert_as_without_a_cache(w, w->five, &large);
    ask_five(w, &small, "miss");
    assert_true(w->body.len <= CACHE_VALUE_MAX);
    ask_five(w, &small, "hit");
}

static void answers_without_a_cache_that_is_away(void **state)
{
    struct world *w = *state;

    cache_close(&w->cache);
    w->cache = w->api.cache = open_cache("redis://127.0.0.1:1");
    for (int times = 0; times < 2; times++)
        for (size_t i = 0; i < QUESTIONS; i++) {
            ask_five(w, &questions[i], "error");
            assert_as_without_a_cache(w, w->five, &questions[i]);
        }
    assert_int_equal(counted(w, "hit"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(serves_the_second_answer_from_the_cache_byte_for_byte),
        TEST(a_hit_asks_the_store_one_thing),
        TEST(knows_the_same_question_in_other_words),
        TEST(a_commit_to_the_site_makes_the_next_answer_new),
        TEST(a_commit_to_another_partition_leaves_it),
        TEST(an_earlier_first_day_makes_all_of_it_new),
        TEST(a_change_of_sites_and_settings_makes_it_new),
        TEST(another_retention_makes_it_new),
        TEST(forgets_after_five_minutes),
        TEST(an_hour_or_a_day_that_ends_makes_it_new),
        TEST(keeps_answers_from_others),
        TEST(keeps_no_refusal),
        TEST(keeps_no_answer_that_is_too_large),
        TEST(answers_without_a_cache_that_is_away),
    };

    return cmocka_run_group_tests_name("api_cache", tests, NULL, NULL);
}
