/*
 * test_api_live.c -- who is here now, once and as an event stream.
 *
 * It is 13:25:00 UTC; the job has counted up to 13:24:50. Visitor 1 saw two pages at 13:00 and
 * 13:22, visitor 2 one at 13:19:51, visitor 3 one at 13:19:49, and visitor 4 left at 12:54:59,
 * before the first of the thirty minutes.
 */
#include "api_fixture.h"

#include "api/live.h"
#include "base/clock.h"
#include "timed.h"

#include <time.h>

static const struct {
    const char *time, *path, *source, *country;
    uint64_t visitor;
} views[] = {
    {"2026-11-22T12:54:59Z", "/old", "", "", 4},
    {"2026-11-22T13:00:00Z", "/", "Google", "DE", 1},
    {"2026-11-22T13:19:49Z", "/", "", "FR", 3},
    {"2026-11-22T13:19:51Z", "/", "", "FR", 2},
    {"2026-11-22T13:22:00Z", "/pricing", "Google", "DE", 1},
};
enum { VIEWS = sizeof(views) / sizeof(views[0]) };

static void add_view(struct api_world *w, const char *id, struct event event)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, str_from(id));

    fixture_events(w->store, site, &event, 1);
    directory_give(w->directory, snapshot);
}

static struct event view_of(struct api_world *w, const char *id, const char *time, uint64_t visitor,
                            const char *path)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    struct event event = fixture_event(snapshot_site(snapshot, str_from(id)), "pageview",
                                       instant(time), visitor, path);

    directory_give(w->directory, snapshot);
    return event;
}

static int set_up(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");

    for (size_t i = 0; i < VIEWS; i++) {
        struct event event = view_of(w, "b", views[i].time, views[i].visitor, views[i].path);
        event.traits[TRAIT_SOURCE] = str_from(views[i].source);
        event.traits[TRAIT_COUNTRY] = str_from(views[i].country);
        add_view(w, "b", event);
    }
    world_counted(w, "2026-11-22T13:24:50Z");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

/* -- once ---------------------------------------------------------------------------------- */

static void answers_who_is_here_now(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "{\"siteId\":\"b\",\"tenantId\":\"five\",\"timezone\":\"UTC\","
                  "\"from\":\"2026-11-22\",\"to\":\"2026-11-22\","
                  "\"asOf\":\"2026-11-22T13:24:50.000Z\",\"exact\":true,\"uniqueBasis\":\"day\",");
    assert_has(w, "\"visitorsNow\":2,\"last30Minutes\":["
                  "{\"time\":\"2026-11-22T12:55:00.000Z\",\"pageviews\":0,\"visitors\":0},");
    assert_has(w, "{\"time\":\"2026-11-22T13:00:00.000Z\",\"pageviews\":1,\"visitors\":1},");
    assert_has(w, "{\"time\":\"2026-11-22T13:19:00.000Z\",\"pageviews\":2,\"visitors\":2},");
    assert_has(w, "{\"time\":\"2026-11-22T13:24:00.000Z\",\"pageviews\":0,\"visitors\":0}],"
                  "\"pages\":[{\"value\":\"/\",\"visitors\":1,\"pageviews\":1},"
                  "{\"value\":\"/pricing\",\"visitors\":1,\"pageviews\":1}],");
    assert_has(w, "\"sources\":[{\"value\":\"(direct)\",\"visitors\":1,\"pageviews\":1},"
                  "{\"value\":\"Google\",\"visitors\":1,\"pageviews\":1}],"
                  "\"countries\":[{\"value\":\"DE\",\"visitors\":1,\"pageviews\":1},"
                  "{\"value\":\"FR\",\"visitors\":1,\"pageviews\":1}]}");
}

static void knows_nobody_where_nothing_was_counted_for_more_than_a_minute(void **state)
{
    struct api_world *w = *state;

    world_now_ms = instant("2026-11-22T13:25:50Z");
    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "\"visitorsNow\":2,");
    world_now_ms++;
    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "\"asOf\":\"2026-11-22T13:24:50.000Z\",");
    assert_has(w, "\"visitorsNow\":null,\"last30Minutes\":[");
    assert_has(w, "{\"time\":\"2026-11-22T13:00:00.000Z\",\"pageviews\":1,\"visitors\":1},");
}

static void answers_before_anything_was_counted(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");

    (void)state;
    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "\"asOf\":null,");
    assert_has(w,
               "\"visitorsNow\":null,\"last30Minutes\":[{\"time\":\"2026-11-22T12:56:00.000Z\",");
    world_free(w);
}

static void keeps_an_answer_for_one_as_of_only(void **state)
{
    struct api_world *w = *state;
    struct err err = {0};

    assert_int_equal(cache_open(STR("memory:"), &w->api.cache, &err), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
        assert_has(w, "\"visitorsNow\":2,");
    }
    world_counted(w, "2026-11-22T13:24:52Z"); /* visitor 2 was last seen more than 5 minutes ago */
    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "\"asOf\":\"2026-11-22T13:24:52.000Z\",");
    assert_has(w, "\"visitorsNow\":1,");
    world_now_ms = instant("2026-11-22T13:25:52.001Z");
    assert_int_equal(world_ask(w, realtime_get, "siteId=b"), 200);
    assert_has(w, "\"visitorsNow\":null,");
    cache_close(&w->api.cache);
}

/* -- streams ------------------------------------------------------------------------------- */

static int64_t steady_ms(void)
{
    return clock_steady_us() / 1000;
}

static void wait_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&ts, NULL);
}

static const char stream_type[] = "text/event-stream";

static struct http_stream open_stream(struct api_world *w, const char *secret, const char *query)
{
    if (world_ask_for(w, realtime_get, secret, query, stream_type) != 200)
        fail_msg("%s: %.*s", query, STR_FMT(w->body));
    assert_non_null(w->response.stream.next);
    return w->response.stream;
}

/* One look: what was said goes to `out`, emptied before. */
static int look(struct api_world *w, const struct http_stream *stream, struct buf *out)
{
    struct err err = {0};

    buf_reset(out);
    int rc = stream->next(stream->ctx, &(struct worker){.store = w->store}, out, &err);
    buf_addc(out, '\0');
    return rc;
}

static void streams_where_that_is_accepted(void **state)
{
    struct api_world *w = *state;
    static const struct {
        const char *accept;
        bool streams;
    } cases[] = {{"", false},
                 {"application/json", false},
                 {"*/*", false},
                 {"text/event-streams", false},
                 {"text/event-stream", true},
                 {"application/json, Text/Event-Stream;q=0.5", true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(world_ask_for(w, realtime_get, w->five, "siteId=b", cases[i].accept), 200);
        assert_int_equal(w->response.stream.next != NULL, cases[i].streams);
        if (cases[i].streams) {
            assert_true(str_eq(w->response.content_type, STR("text/event-stream")));
            w->response.stream.free(w->response.stream.ctx);
        }
    }
    assert_int_equal(world_ask_for(w, realtime_get, "", "siteId=b", stream_type), 401);
    assert_int_equal(world_ask_for(w, realtime_get, w->six, "siteId=b", stream_type), 404);
    assert_int_equal(world_ask_for(w, realtime_get, w->five, "", stream_type), 400);
}

static void says_the_answer_at_once_and_again_after_a_commit(void **state)
{
    struct api_world *w = *state;
    struct http_stream stream = open_stream(w, w->five, "siteId=b");
    struct buf said = {0};
    int64_t first_ms = steady_ms();

    assert_int_equal(look(w, &stream, &said), LIVE_LOOK_MS);
    assert_true(str_starts(buf_str(&said), STR("data: {\"siteId\":\"b\",")));
    assert_non_null(strstr(said.ptr, "\"visitorsNow\":2,"));
    assert_true(strchr(said.ptr, '\n') == said.ptr + said.len - 3); /* before the NUL */
    assert_int_equal(look(w, &stream, &said), LIVE_LOOK_MS);
    assert_string_equal(said.ptr, "");
    add_view(w, "b", view_of(w, "b", "2026-11-22T13:24:00Z", 9, "/new"));
    while (look(w, &stream, &said) == LIVE_LOOK_MS && said.ptr[0] == '\0' &&
           steady_ms() - first_ms < 60000)
        wait_ms(20);
    assert_in_range(steady_ms() - first_ms, LIVE_PAUSE_MS, 4000);
    assert_non_null(strstr(said.ptr, "data: {"));
    assert_non_null(strstr(said.ptr, "\"visitorsNow\":3,"));
    stream.free(stream.ctx);
    buf_release(&said);
}

static void ends_when_its_token_is_revoked(void **state)
{
    struct api_world *w = *state;
    struct http_stream stream = open_stream(w, w->five, "siteId=b");
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct directory_rows rows;
    struct buf said = {0};
    struct err err = {0};

    assert_int_equal(look(w, &stream, &said), LIVE_LOOK_MS);
    assert_int_equal(store_read_directory(w->store, &w->arena, &rows, &err), 0);
    for (size_t i = 0; i < rows.tokens_count; i++)
        if (str_eq(rows.tokens[i].tenant, STR("five")))
            assert_int_equal(store_remove_token(w->store, rows.tokens[i].id, &actor, &err), 0);
    world_load(w);
    assert_int_equal(look(w, &stream, &said), 0);
    assert_string_equal(said.ptr, "");
    stream.free(stream.ctx);
    buf_release(&said);
}

static void bounds_the_streams_of_a_tenant(void **state)
{
    struct api_world *w = *state;
    struct http_stream streams[LIVE_TENANT_MAX];

    for (int i = 0; i < LIVE_TENANT_MAX; i++)
        streams[i] = open_stream(w, w->five, i % 2 == 0 ? "siteId=a" : "siteId=b");
    assert_int_equal(world_ask_for(w, realtime_get, w->five, "siteId=b", stream_type), 503);
    assert_has(w, "too many event streams");
    struct http_stream other = open_stream(w, w->six, "siteId=c");
    other.free(other.ctx);
    streams[7].free(streams[7].ctx);
    streams[7] = open_stream(w, w->five, "siteId=b");
    assert_int_equal(world_ask_for(w, realtime_get, w->five, "siteId=b", stream_type), 503);
    for (int i = 0; i < LIVE_TENANT_MAX; i++)
        streams[i].free(streams[i].ctx);
}

static void bounds_the_streams_of_a_node(void **state)
{
    enum { TENANTS = LIVE_STREAMS_MAX / LIVE_TENANT_MAX };
    struct api_world *w = *state;
    struct http_stream streams[LIVE_STREAMS_MAX];
    char secrets[TENANTS + 1][TOKEN_TEXT_MAX], query[40];

    for (int i = 0; i <= TENANTS; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "t%d", i);
        fixture_site(w->store, name, name, "UTC", 0);
        world_token(w, secrets[i], name);
    }
    world_load(w);
    for (int i = 0; i < LIVE_STREAMS_MAX; i++) {
        (void)snprintf(query, sizeof(query), "siteId=t%d", i % TENANTS);
        streams[i] = open_stream(w, secrets[i % TENANTS], query);
    }
    (void)snprintf(query, sizeof(query), "siteId=t%d", TENANTS);
    assert_int_equal(world_ask_for(w, realtime_get, secrets[TENANTS], query, stream_type), 503);
    streams[0].free(streams[0].ctx);
    streams[0] = open_stream(w, secrets[TENANTS], query);
    for (int i = 0; i < LIVE_STREAMS_MAX; i++)
        streams[i].free(streams[i].ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_who_is_here_now),
        TEST(knows_nobody_where_nothing_was_counted_for_more_than_a_minute),
        cmocka_unit_test(answers_before_anything_was_counted),
        TEST(keeps_an_answer_for_one_as_of_only),
        TEST(streams_where_that_is_accepted),
        TIMED_TEST_IN(says_the_answer_at_once_and_again_after_a_commit, set_up, tear_down),
        TEST(ends_when_its_token_is_revoked),
        TEST(bounds_the_streams_of_a_tenant),
        TEST(bounds_the_streams_of_a_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
