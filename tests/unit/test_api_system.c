/*
 * test_api_system.c -- GET /api/admin/system, called without a server: who is shown it, and where
 * each number comes from. What a real server says is tested by tests/blackbox.
 */
#include "api_fixture.h"

#include "base/json.h"

struct world {
    struct api_world *api;
    struct metrics *metrics;
    char platform[TOKEN_TEXT_MAX], reader[TOKEN_TEXT_MAX], tenant[TOKEN_TEXT_MAX];
};

static void make_token(struct world *w, char *text, bool platform, unsigned scopes)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct token_request request = {
        .platform = platform, .tenant = platform ? STR("") : STR("five"), .scopes = scopes};
    struct err err = {0};

    assert_int_equal(token_create(w->api->store, &request, &actor, text, &err), 0);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct metrics_names names;

    w->api = world_new("2026-11-22T13:25:00Z");
    names = api_metrics_names(&w->api->arena);
    w->metrics = metrics_new(&names, STR("0.1.0"));
    w->api->api.metrics = w->metrics;
    make_token(w, w->platform, true, SCOPE_ADMIN);
    make_token(w, w->reader, true, SCOPE_STATS_READ);
    make_token(w, w->tenant, false, SCOPE_ADMIN);
    world_load(w->api);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    world_free(w->api);
    metrics_free(&w->metrics);
    test_free(w);
    return 0;
}

static void ask(struct world *w)
{
    if (world_ask_for(w->api, system_get, w->platform, "", "") != 200)
        fail_msg("%.*s", STR_FMT(w->api->body));
}

/* -- who may ------------------------------------------------------------------------------- */

static void shows_itself_to_who_manages_the_whole_installation(void **state)
{
    struct world *w = *state;

    ask(w);
    assert_string_equal(world_header(w->api, "Cache-Control"), "no-store");
    assert_int_equal(world_ask_for(w->api, system_get, w->reader, "", ""), 403);
    assert_int_equal(world_ask_for(w->api, system_get, w->tenant, "", ""), 403);
    assert_has(w->api, "this is for who manages the whole installation");
    assert_int_equal(world_ask_for(w->api, system_get, w->api->five, "", ""), 403);
    assert_int_equal(world_ask_for(w->api, system_get, "nonsense", "", ""), 401);
}

static void takes_no_parameters(void **state)
{
    struct world *w = *state;

    assert_int_equal(world_ask_for(w->api, system_get, w->platform, "siteId=a", ""), 400);
    assert_has(w->api, "\"parameter\":\"siteId\"");
}

/* -- what it says -------------------------------------------------------------------------- */

static struct str name_of_node(void *server, struct arena *arena)
{
    (void)server;
    (void)arena;
    return STR("host:12ab34cd");
}

static void a_machine_of_its_own_has_no_redis_and_an_empty_log(void **state)
{
    struct world *w = *state;

    w->api->api.started_ms = instant("2026-11-22T13:00:00Z");
    w->api->api.node = name_of_node;
    ask(w);
    assert_has(w->api, "{\"version\":\"");
    assert_has(w->api, "\",\"startedAt\":\"2026-11-22T13:00:00.000Z\","
                       "\"node\":\"host:12ab34cd\",\"store\":{\"kind\":\"");
    assert_has(w->api, "\"redis\":null,\"queue\":{\"length\":0,\"oldestAt\":null},"
                       "\"log\":{\"pending\":null},"
                       "\"job\":{\"lastSuccessAt\":null,\"seconds\":null,"
                       "\"intervalSeconds\":null,\"late\":false},"
                       "\"ledger\":{\"imbalance\":0},\"sites\":3,\"tenants\":2}");
}

static void the_job_is_told_by_the_store_and_by_its_last_run_here(void **state)
{
    struct world *w = *state;

    world_counted(w->api, "2026-11-22T13:24:00Z");
    metrics_aggregate(w->metrics, 0.125);
    metrics_set(w->metrics, METRICS_LOG_PENDING, 17);
    w->api->api.aggregate_interval_ms = 2500;
    ask(w);
    assert_has(w->api, "\"log\":{\"pending\":17}");
    assert_has(w->api, "\"job\":{\"lastSuccessAt\":\"2026-11-22T13:25:00.000Z\","
                       "\"seconds\":0.125,\"intervalSeconds\":2.5,\"late\":false}");
}

/* A node that checks the books says what it found last; another one reads them. */
static void the_books_are_those_that_were_checked_here_or_else_those_there_are_now(void **state)
{
    struct world *w = *state;

    fixture_ledger(w->api->store, "five", "a", "2026-11-21", LEDGER_STORED, "", 5);
    ask(w);
    assert_has(w->api, "\"ledger\":{\"imbalance\":-1}");
    metrics_set(w->metrics, METRICS_LEDGER_IMBALANCE, 3);
    ask(w);
    assert_has(w->api, "\"ledger\":{\"imbalance\":3}");
}

static void what_is_to_be_erased_is_not_counted(void **state)
{
    struct world *w = *state;
    struct site_row site;

    world_get(w->api, ROW_SITE, "c", &site);
    site.erase_ms = world_now_ms + 1;
    world_put(w->api, ROW_SITE, &site);
    ask(w);
    assert_has(w->api, "\"sites\":2,\"tenants\":2}");
}

/* -- a shared buffer ----------------------------------------------------------------------- */

static struct api_waiting waits; /* the callbacks have no place of their own */
static bool answers;

static int read_buffer(void *server, struct api_waiting *out)
{
    (void)server;
    *out = answers ? waits : (struct api_waiting){0};
    return answers ? 0 : ERR_UNAVAILABLE;
}

static void read_redis(void *server, struct api_redis *out)
{
    (void)server;
    *out = answers ? (struct api_redis){.connected = true,
                                        .address = "redis.internal:6379",
                                        .version = "7.0.15",
                                        .used_bytes = 2000,
                                        .max_bytes = 4000}
                   : (struct api_redis){.connected = false};
}

static void share_buffer(struct world *w, int64_t records, int64_t oldest_ms)
{
    waits = (struct api_waiting){records, oldest_ms};
    answers = true;
    w->api->api.queued = read_buffer;
    w->api->api.redis = read_redis;
}

static void a_shared_buffer_is_told_with_what_waits_in_it(void **state)
{
    struct world *w = *state;

    share_buffer(w, 42, instant("2026-11-22T13:24:30Z"));
    ask(w);
    assert_has(w->api, "\"redis\":{\"connected\":true,\"address\":\"redis.internal:6379\","
                       "\"version\":\"7.0.15\",\"usedBytes\":2000,\"maxBytes\":4000},"
                       "\"queue\":{\"length\":42,\"oldestAt\":\"2026-11-22T13:24:30.000Z\"}");
}

static void what_a_buffer_that_is_away_holds_nobody_knows(void **state)
{
    struct world *w = *state;

    share_buffer(w, 42, world_now_ms);
    answers = false;
    ask(w);
    assert_has(w->api, "\"redis\":{\"connected\":false,\"address\":null,\"version\":null,"
                       "\"usedBytes\":null,\"maxBytes\":null},"
                       "\"queue\":{\"length\":null,\"oldestAt\":null}");
    assert_has(w->api, "\"late\":null");
}

static void the_job_is_late_when_something_waits_for_more_than_a_quarter_of_an_hour(void **state)
{
    struct world *w = *state;

    share_buffer(w, 1, instant("2026-11-22T13:10:00Z"));
    ask(w);
    assert_has(w->api, "\"late\":false");
    share_buffer(w, 1, instant("2026-11-22T13:10:00Z") - 1);
    ask(w);
    assert_has(w->api, "\"late\":true");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shows_itself_to_who_manages_the_whole_installation),
        TEST(takes_no_parameters),
        TEST(a_machine_of_its_own_has_no_redis_and_an_empty_log),
        TEST(the_job_is_told_by_the_store_and_by_its_last_run_here),
        TEST(the_books_are_those_that_were_checked_here_or_else_those_there_are_now),
        TEST(what_is_to_be_erased_is_not_counted),
        TEST(a_shared_buffer_is_told_with_what_waits_in_it),
        TEST(what_a_buffer_that_is_away_holds_nobody_knows),
        TEST(the_job_is_late_when_something_waits_for_more_than_a_quarter_of_an_hour),
    };

    return cmocka_run_group_tests_name("api_system", tests, NULL, NULL);
}
