/* test_redis.c -- URLs, and calls on a server that works (of ABACUS_TEST_REDIS). */
#include "redis/redis.h"

#include "base/arena.h"
#include "base/buf.h"
#include "redis/url.h"
#include "test_redis_support.h"

/* -- URLs -- */

static const struct good_url {
    const char *url, *user, *password, *master;
    unsigned db;
    size_t hosts;
    const char *last_host;
    unsigned last_port;
    bool auth;
} GOOD[] = {
    {"redis://localhost", "", "", "", 0, 1, "localhost", 6379, false},
    {"redis://localhost/", "", "", "", 0, 1, "localhost", 6379, false},
    {"redis://10.0.0.7:1/15", "", "", "", 15, 1, "10.0.0.7", 1, false},
    {"redis://[2001:db8::7]", "", "", "", 0, 1, "2001:db8::7", 6379, false},
    {"redis://[::1]:6380/2", "", "", "", 2, 1, "::1", 6380, false},
    {"redis://abacus@h", "abacus", "", "", 0, 1, "h", 6379, true},
    {"redis://:pw@h", "", "pw", "", 0, 1, "h", 6379, true},
    {"redis://u:p:w@h", "u", "p:w", "", 0, 1, "h", 6379, true},
    {"redis://%41b:%40%2f%3a%25@h_1.x-y/3", "Ab", "@/:%", "", 3, 1, "h_1.x-y", 6379, true},
    {"redis://u:-._~!$&'()*+,;=@h", "u", "-._~!$&'()*+,;=", "", 0, 1, "h", 6379, true},
    {"redis+sentinel://s1/mymaster", "", "", "mymaster", 0, 1, "s1", 26379, false},
    {"redis+sentinel://u:p,w@s1:1,[::2],s3:3/m.y-_1/4", "u", "p,w", "m.y-_1", 4, 3, "s3", 3, true},
    {"redis+sentinel://s1,s2/m/", "", "", "m", 0, 2, "s2", 26379, false},
};

static void reads_both_kinds_of_url(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        const struct good_url *good = &GOOD[i];
        struct redis_url url;
        struct err err = {""};

        if (redis_url_parse(str_from(good->url), &arena, &url, &err) != 0)
            fail_msg("%s: %s", good->url, err.text);
        assert_true(str_eq(url.user, str_from(good->user)));
        assert_true(str_eq(url.password, str_from(good->password)));
        assert_true(str_eq(url.master, str_from(good->master)));
        assert_int_equal(url.auth, good->auth);
        assert_int_equal(url.sentinel, good->master[0] != '\0');
        assert_int_equal(url.db, good->db);
        assert_int_equal(url.hosts_count, good->hosts);
        assert_string_equal(url.hosts[good->hosts - 1].name.ptr, good->last_host);
        assert_int_equal(url.hosts[good->hosts - 1].port, good->last_port);
    }
    arena_free(&arena);
}

static const char *const BAD[] = {
    "",
    "redis:",
    "redis:/h",
    "redis://",
    "redis:///1",
    "REDIS://h",
    "rediss://u:s3cret@h",
    "redis+sentinel://u:s3cret@h",
    "redis+sentinel://h/",
    "redis+sentinel://h//1",
    "redis+sentinel://h,/m",
    "redis+sentinel://,h/m",
    "redis+sentinel://h/m/1/2",
    "redis+sentinel://h/m s3cret",
    "redis://h,h2",
    "redis://h:",
    "redis://h:0",
    "redis://h:+1",
    "redis://h:1x",
    "redis://h:000001",
    "redis://h/x",
    "redis://h/-1",
    "redis://h/1/",
    "redis://h/1?s3cret",
    "redis://h?s3cret",
    "redis://h#s3cret",
    "redis://@h",
    "redis://:@h",
    "redis://u:s3cret@",
    "redis://u:s3cret@x@h",
    "redis://u:s3cret @h",
    "redis://u:s3cret%@h",
    "redis://u:s3cret%4@h",
    "redis://u:s3cret%4g@h",
    "redis://u:s3cret%00@h",
    "redis://u:s3cret\xc3\xa4@h",
    "redis://u:s3cret/@h",
    "redis://[::1",
    "redis://[::1]x",
    "redis://[127.0.0.1]",
    "redis://[::g]",
    "redis://[fe80::1%25eth0]",
    "redis://::1",
    "redis://h h",
    "redis://h%41",
};

static void refuses_what_is_no_url_and_repeats_nothing_of_it(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        const struct redis_config config = {.url = str_from(BAD[i])};
        struct redis *redis;
        struct err err = {""};

        if (redis_open(&config, &redis, &err) != ERR_INVALID)
            fail_msg("%s is taken for a URL", BAD[i]);
        assert_null(redis);
        assert_string_not_equal(err.text, "");
        assert_null(strstr(err.text, "s3cret"));
    }
    arena_free(&arena);
}

/* "redis://" or "redis+sentinel://", then `before`, `fill` times 'a', and `after`. */
static void expect_limit(const char *before, size_t fill, const char *after, int expected)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct redis_url url;

    buf_add(&text, str_from(before));
    for (size_t i = 0; i < fill; i++)
        buf_addc(&text, 'a');
    buf_add(&text, str_from(after));
    assert_int_equal(redis_url_parse(buf_str(&text), &arena, &url, NULL), expected);
    buf_release(&text);
    arena_free(&arena);
}

static void expect_hosts(size_t count, int expected)
{
    struct buf hosts = {0};

    for (size_t i = 0; i < count; i++)
        buf_add(&hosts, i == 0 ? STR("h") : STR(",h"));
    buf_addf(&hosts, "/m");
    buf_addc(&hosts, '\0');
    expect_limit("redis+sentinel://", 0, hosts.ptr, expected);
    buf_release(&hosts);
}

static void keeps_each_limit_of_a_url(void **state)
{
    (void)state;
    expect_limit("redis://:", 8192 - 11, "@h", 0);
    expect_limit("redis://:", 8193 - 11, "@h", ERR_INVALID);
    expect_limit("redis://", 253, "", 0);
    expect_limit("redis://", 254, "", ERR_INVALID);
    expect_limit("redis+sentinel://h/", 128, "", 0);
    expect_limit("redis+sentinel://h/", 129, "", ERR_INVALID);
    expect_limit("redis://h:65535", 0, "", 0);
    expect_limit("redis://h:65536", 0, "", ERR_INVALID);
    expect_limit("redis://h/65535", 0, "", 0);
    expect_limit("redis://h/65536", 0, "", ERR_INVALID);
    expect_hosts(16, 0);
    expect_hosts(17, ERR_INVALID);
}

/* -- calls -- */

enum { DB = 9 };

static struct redis *open_shared(void)
{
    const char *base = getenv("ABACUS_TEST_REDIS");
    char url[256];

    if (base == NULL)
        skip();
    (void)snprintf(url, sizeof(url), "%s/%d", base, DB);
    return open_url(url, 0, true);
}

static int flush(void **state)
{
    const struct redis_reply *reply;

    (void)state;
    if (getenv("ABACUS_TEST_REDIS") == NULL)
        return 0;
    struct redis *redis = open_shared();

    ASK(redis, &reply, "FLUSHDB");
    redis_close(&redis);
    return 0;
}

static void gives_every_type_of_answer(void **state)
{
    const struct str put[] = {STR("SET"), STR("k\0y"), STR("a\0\r\nb")};
    const struct str get[] = {STR("GET"), STR("k\0y")};
    struct redis *redis = open_shared();
    const struct redis_reply *reply;
    struct err err = {""};

    (void)state;
    assert_int_equal(redis_generation(redis), 0);
    assert_int_equal(redis_call(redis, put, 3, &reply, &err), 0);
    assert_int_equal(reply->type, REDIS_STATUS);
    assert_true(str_eq(reply->text, STR("OK")));
    assert_int_equal(redis_call(redis, get, 2, &reply, &err), 0);
    assert_int_equal(reply->type, REDIS_TEXT);
    assert_true(str_eq(reply->text, STR("a\0\r\nb")));
    ASK(redis, &reply, "GET", "missing");
    assert_int_equal(reply->type, REDIS_NIL);
    ASK(redis, &reply, "DECR", "number");
    assert_int_equal(reply->type, REDIS_INTEGER);
    assert_int_equal(reply->integer, -1);
    ASK(redis, &reply, "EVAL", "return {1, {'two', {}}, false}", "0");
    assert_int_equal(reply->type, REDIS_ARRAY);
    assert_int_equal(reply->count, 3);
    assert_int_equal(reply->items[0].integer, 1);
    assert_int_equal(reply->items[1].count, 2);
    assert_true(str_eq(reply->items[1].items[0].text, STR("two")));
    assert_int_equal(reply->items[1].items[1].type, REDIS_ARRAY);
    assert_int_equal(reply->items[1].items[1].count, 0);
    assert_int_equal(reply->items[2].type, REDIS_NIL);
    assert_int_equal(redis_generation(redis), 1);
    redis_close(&redis);
    assert_null(redis);
}

static void answers_a_pipeline_in_its_order(void **state)
{
    enum { COMMANDS = 30000 };
    struct redis *redis = open_shared();
    const struct redis_reply *reply;
    char filler[200];
    struct err err = {""};

    (void)state;
    memset(filler, 'x', sizeof(filler));
    for (int i = 0; i < COMMANDS; i++) {
        const struct str args[] = {STR("INCR"), STR("n")},
                         echo[] = {STR("ECHO"), {filler, sizeof(filler)}};

        assert_int_equal(redis_send(redis, i % 2 == 0 ? args : echo, 2, &err), 0);
    }
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(redis_receive(redis, &reply, &err), 0);
        if (i % 2 == 0)
            assert_int_equal(reply->integer, i / 2 + 1);
        else
            assert_int_equal(reply->text.len, sizeof(filler));
    }
    /* Nothing more was asked. */
    assert_int_equal(redis_receive(redis, &reply, &err), ERR_UNAVAILABLE);
    ASK(redis, &reply, "PING");
    assert_int_equal(redis_generation(redis), 1);
    redis_close(&redis);
}

static void tells_the_servers_words_where_it_refuses_a_command(void **state)
{
    const struct str wrong[] = {STR("HGETALL"), STR("text")};
    struct redis *redis = open_shared();
    const struct redis_reply *reply;
    struct err err = {""};

    (void)state;
    ASK(redis, &reply, "SET", "text", "x");
    assert_int_equal(redis_call(redis, wrong, 2, &reply, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "WRONGTYPE"));
    assert_int_equal(redis_call_words(redis, &reply, &err, "NO\x01SUCH", NULL), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "NO?SUCH"));
    assert_int_equal(redis_send(redis, wrong, 2, &err), 0);
    assert_int_equal(redis_receive(redis, &reply, &err), 0);
    assert_int_equal(reply->type, REDIS_ERROR);
    assert_int_equal(redis_generation(redis), 1);
    redis_close(&redis);
}

static void renews_a_connection_that_was_closed_while_nobody_asked(void **state)
{
    struct redis *redis = open_shared(), *other = open_shared();
    const struct redis_reply *reply;
    struct err err = {""};
    char id[32];

    (void)state;
    ASK(redis, &reply, "CLIENT", "ID");
    (void)snprintf(id, sizeof(id), "%lld", (long long)reply->integer);
    ASK(other, &reply, "CLIENT", "KILL", "ID", id);
    assert_int_equal(reply->integer, 1);
    assert_int_equal(redis_ready(redis, &err), 0);
    assert_int_equal(redis_generation(redis), 2);
    ASK(redis, &reply, "PING");
    assert_int_equal(redis_generation(redis), 2);
    redis_close(&redis);
    redis_close(&other);
}

static void tells_about_the_server(void **state)
{
    struct redis *redis = open_shared();
    const struct redis_reply *reply;
    const char *url = getenv("ABACUS_TEST_REDIS");
    struct redis_about about;
    struct err err = {""};

    (void)state;
    assert_int_equal(redis_about(redis, &about, &err), 0);
    assert_true(about.version[0] >= '6' && about.version[0] <= '9');
    assert_string_equal(about.policy, "noeviction");
    assert_non_null(strstr(url == NULL ? "" : url, about.address));
    assert_true(about.used_bytes > 100000);
    ASK(redis, &reply, "CONFIG", "GET", "maxmemory");
    assert_int_equal(about.max_bytes, strtoull(reply->items[1].text.ptr, NULL, 10));
    ASK(redis, &reply, "CONFIG", "GET", "appendonly");
    assert_int_equal(about.append_only, str_eq(reply->items[1].text, STR("yes")));
    redis_close(&redis);
}

#define T(name) cmocka_unit_test_setup(name, flush)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_kinds_of_url),
        cmocka_unit_test(refuses_what_is_no_url_and_repeats_nothing_of_it),
        cmocka_unit_test(keeps_each_limit_of_a_url),
        T(gives_every_type_of_answer),
        T(answers_a_pipeline_in_its_order),
        T(tells_the_servers_words_where_it_refuses_a_command),
        T(renews_a_connection_that_was_closed_while_nobody_asked),
        T(tells_about_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
