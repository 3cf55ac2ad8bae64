/* test_relay_faults.c -- a Redis of its own that is away, full, evicting, killed, and restarted
 * with nothing or with what it had some time ago; a store that is away. Where ABACUS_TEST_REDIS is
 * set, redis-server is there to be run. */
#include "test_relay_support.h"

#include "base/clock.h"

struct stage {
    struct server server;
    struct bench *b;
};

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    *state = NULL;
    if (stage == NULL || getenv("ABACUS_TEST_REDIS") == NULL) {
        free(stage);
        return 0;
    }
    server_start(&stage->server);
    stage->b = bench_new(stage->server.url);
    wait_until_it_answers(stage->b);
    *state = stage;
    return 0;
}

static int stop(void **state)
{
    struct stage *stage = *state;

    if (stage == NULL)
        return 0;
    bench_free(stage->b);
    server_stop(&stage->server);
    free(stage);
    return 0;
}

static struct stage *stage(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* Steps until one fails with `code`, or it is too late. */
static void expect(struct bench *b, int code)
{
    for (int i = 0; i < 500; i++) {
        if (step(b) == code)
            return;
        pause_ms(10);
    }
    fail_msg("no step gives %d", code);
}

static void says_that_redis_is_away_and_goes_on_when_it_is_back(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    append(b, 1, 10);
    server_kill(&s->server);
    expect(b, ERR_UNAVAILABLE);
    assert_int_equal(b->progress.sent, 0);
    assert_false(b->progress.up_to_date);
    append(b, 1, 10);
    server_run(&s->server);
    assert_int_equal(run(b), 20);
    wait_until_it_answers(b);
    assert_stream(b, 1, &b->producer, 1, 20);
}

static void a_step_does_not_wait_for_a_redis_that_refuses_connections(void **state)
{
    struct stage *s = stage(state);
    int64_t quickest_us = INT64_MAX;

    server_kill(&s->server);
    expect(s->b, ERR_UNAVAILABLE);
    /* A machine that stands still holds up one of the rounds. */
    for (int round = 0; round < 5 && quickest_us > 1000 * 1000; round++) {
        int64_t began_us = clock_steady_us();

        for (int i = 0; i < 20; i++)
            assert_int_equal(step(s->b), ERR_UNAVAILABLE);
        int64_t took_us = clock_steady_us() - began_us;

        quickest_us = took_us < quickest_us ? took_us : quickest_us;
    }
    assert_true(quickest_us <= 1000 * 1000);
}

static void sends_again_what_a_redis_restarted_empty_does_not_have(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    append(b, 1, 10);
    append(b, 2, 10);
    assert_int_equal(run(b), 20);
    commit(b, b->store, &b->producer, 1, 0, 4);
    server_kill(&s->server);
    server_run(&s->server);
    append(b, 2, 1);
    assert_int_equal(run(b), 17);
    wait_until_it_answers(b);
    assert_stream(b, 1, &b->producer, 5, 10);
    assert_stream(b, 2, &b->producer, 1, 11);
}

/* As with AOF everysec, or a replica that was promoted. */
static void goes_on_from_where_an_older_redis_stands(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    append(b, 1, 10);
    assert_int_equal(run(b), 10);
    (void)CALL(b, STR("SAVE"));
    append(b, 1, 5);
    assert_int_equal(run(b), 5);
    server_kill(&s->server);
    server_run(&s->server);
    append(b, 1, 2);
    assert_int_equal(run(b), 7);
    wait_until_it_answers(b);
    assert_stream(b, 1, &b->producer, 1, 17);
}

static void a_lost_connection_costs_nothing(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    append(b, 1, 10);
    assert_int_equal(run(b), 10);
    (void)CALL(b, STR("CLIENT"), STR("KILL"), STR("TYPE"), STR("normal"));
    append(b, 1, 2);
    assert_int_equal(run(b), 2);
    assert_stream(b, 1, &b->producer, 1, 12);
}

static void a_full_redis_takes_all_of_a_pipeline_or_nothing(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    (void)CALL(b, STR("CONFIG"), STR("SET"), STR("maxmemory"), STR("1"));
    append(b, 1, 5000);
    append(b, 2, 3);
    expect(b, ERR_UNAVAILABLE);
    assert_non_null(strstr(b->err.text, "OOM"));
    assert_int_equal(b->progress.sent, 0);
    assert_int_equal(b->progress.in_flight, 0);
    for (int i = 0; i < 100; i++)
        (void)step(b);
    assert_int_equal(stream_length(b, 1), 0);
    assert_int_equal(hash_number(b, "sent", 1, &b->producer), 0);
    (void)CALL(b, STR("CONFIG"), STR("SET"), STR("maxmemory"), STR("0"));
    assert_int_equal(run(b), 5003);
    assert_stream(b, 1, &b->producer, 1, 5000);
    assert_stream(b, 2, &b->producer, 1, 3);
}

static void a_full_redis_is_not_asked_again_at_once(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;
    uint64_t refused = 0;

    (void)CALL(b, STR("CONFIG"), STR("SET"), STR("maxmemory"), STR("1"));
    append(b, 1, 10);
    for (int i = 0; i < 100; i++) {
        refused += step(b) == ERR_UNAVAILABLE;
        pause_ms(10);
    }
    /* A second and a bit, and half a second between tries. */
    assert_true(refused >= 1 && refused <= 4);
}

static void refuses_a_redis_that_may_throw_events_away(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;

    (void)CALL(b, STR("CONFIG"), STR("SET"), STR("maxmemory-policy"), STR("allkeys-lru"));
    append(b, 1, 10);
    assert_int_equal(step(b), ERR_INVALID);
    assert_int_equal(stream_length(b, 1), 0);
    (void)CALL(b, STR("CONFIG"), STR("SET"), STR("maxmemory-policy"), STR("noeviction"));
    for (int i = 0; i < 700 && b->progress.sent == 0; i++) {
        (void)step(b);
        pause_ms(10);
    }
    assert_stream(b, 1, &b->producer, 1, 10);
}

static void a_key_of_another_kind_stops_the_sending_and_multiplies_nothing(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;
    struct key_name key = key_of("events", 1);

    (void)CALL(b, STR("SET"), str_from(key.text), STR("mine"));
    append(b, 1, 10);
    append(b, 2, 10);
    for (int i = 0; i < 50; i++) {
        assert_true(step(b) < 0);
        pause_ms(10);
    }
    assert_int_equal(stream_length(b, 2), 0);
    delete_key(b, "events", 1);
    for (int i = 0; i < 300 && b->progress.sent == 0; i++) {
        (void)step(b);
        pause_ms(10);
    }
    assert_stream(b, 1, &b->producer, 1, 10);
    assert_stream(b, 2, &b->producer, 1, 10);
}

/* Nobody answers at port 1. */
static struct store *store_away(struct bench *b)
{
    const struct store_config config = {.url = STR("postgres://abacus@127.0.0.1:1/none"),
                                        .data_dir = str_from(b->files.dir),
                                        .later = true};
    struct store *store = NULL;

    if (store_open(&config, &store, &b->err) != 0)
        fail_msg("store: %s", b->err.text);
    return store;
}

static void sends_while_the_store_is_away(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;
    struct store *here = b->store, *away = store_away(b);

    append(b, 1, 10);
    assert_int_equal(run(b), 10);
    b->store = away;
    append(b, 1, 5);
    uint64_t sent = 0;
    for (int i = 0; i < 50; i++) {
        int rc = step(b);

        assert_true(rc == 0 || rc == ERR_UNAVAILABLE);
        sent += b->progress.sent;
        pause_ms(10);
    }
    assert_int_equal(sent, 5);
    assert_stream(b, 1, &b->producer, 1, 15);
    b->store = here;
    store_close(&away);
}

static void sends_nothing_before_it_knows_what_is_committed(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;
    struct store *here = b->store, *away = store_away(b);

    append(b, 1, 10);
    commit(b, here, &b->producer, 1, 0, 4);
    b->store = away;
    expect(b, ERR_UNAVAILABLE);
    for (int i = 0; i < 30; i++) {
        (void)step(b);
        assert_int_equal(b->progress.sent, 0);
        pause_ms(10);
    }
    b->store = here;
    store_close(&away);
    assert_int_equal(run(b), 6);
    assert_stream(b, 1, &b->producer, 5, 10);
}

static void a_store_that_is_away_does_not_say_that_nothing_is_left(void **state)
{
    struct stage *s = stage(state);
    struct bench *b = s->b;
    struct store *away = store_away(b);
    const struct position end = {b->producer, 1, 10};
    uint64_t left = 0;
    bool all = true;

    assert_int_equal(relay_is_committed(b->store, &end, 1, &all, &left, &b->err), 0);
    assert_int_equal(left, 10);
    assert_int_equal(relay_is_committed(away, &end, 1, &all, &left, &b->err), ERR_UNAVAILABLE);
    assert_false(all);
    assert_int_equal(left, 10);
    store_close(&away);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(says_that_redis_is_away_and_goes_on_when_it_is_back),
        T(a_step_does_not_wait_for_a_redis_that_refuses_connections),
        T(sends_again_what_a_redis_restarted_empty_does_not_have),
        T(goes_on_from_where_an_older_redis_stands),
        T(a_lost_connection_costs_nothing),
        T(a_full_redis_takes_all_of_a_pipeline_or_nothing),
        T(a_full_redis_is_not_asked_again_at_once),
        T(refuses_a_redis_that_may_throw_events_away),
        T(a_key_of_another_kind_stops_the_sending_and_multiplies_nothing),
        T(sends_while_the_store_is_away),
        T(sends_nothing_before_it_knows_what_is_committed),
        T(a_store_that_is_away_does_not_say_that_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
