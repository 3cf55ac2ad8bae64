/* test_redis_faults.c -- servers that are stopped, restarted, full, loading, replicas, evicting, or
 * no Redis at all. */
#include "redis/redis.h"

#include "redis/redis_internal.h"
#include "test_redis_support.h"
#include "timed.h"

enum { TIMEOUT_MS = 300, SLACK_MS = 1500 };

static int64_t now_ms(void)
{
    return clock_steady_us() / 1000;
}

static int try_ping(struct redis *redis, struct err *err)
{
    const struct redis_reply *reply;

    return redis_call_words(redis, &reply, err, "PING", NULL);
}

static void expect_refused(struct redis *redis, int code, const char *words)
{
    struct err err = {""};
    int rc = redis_ready(redis, &err);

    if (rc != code || strstr(err.text, words) == NULL)
        fail_msg("%d %s", rc, err.text);
    /* While the pause lasts the answer is the same. */
    assert_int_equal(redis_ready(redis, &err), code);
    assert_non_null(strstr(err.text, words));
    redis_close(&redis);
}

static void expect_good(struct redis *redis)
{
    struct err err = {""};

    if (try_ping(redis, &err) != 0)
        fail_msg("%s", err.text);
    redis_close(&redis);
}

/* -- which servers are taken -- */

static void refuses_a_server_that_throws_keys_away(void **state)
{
    struct servers *servers = *state;
    const char *const evicting[] = {"--maxmemory-policy", "volatile-lru", NULL};

    start_redis(servers, &servers->of[0], evicting);
    expect_refused(open_server(&servers->of[0], 0, true), ERR_INVALID, "volatile-lru");
    expect_good(open_server(&servers->of[0], 0, false));
    start_redis(servers, &servers->of[1], NULL);
    expect_good(open_server(&servers->of[1], 0, true));
}

static void asks_info_where_config_is_forbidden(void **state)
{
    struct servers *servers = *state;
    const char *const renamed[] = {
        "--rename-command", "CONFIG", "", "--rename-command", "ROLE", "", NULL};
    const char *const evicting[] = {"--rename-command",   "CONFIG",      "",
                                    "--maxmemory-policy", "allkeys-lfu", NULL};
    const char *const denied[] = {"--user", "default", "on",      "nopass", "~*",
                                  "&*",     "+@all",   "-config", "-info",  NULL};

    start_redis(servers, &servers->of[0], renamed);
    expect_good(open_server(&servers->of[0], 0, true));
    start_redis(servers, &servers->of[1], evicting);
    expect_refused(open_server(&servers->of[1], 0, true), ERR_INVALID, "allkeys-lfu");
    start_redis(servers, &servers->of[2], denied);
    expect_refused(open_server(&servers->of[2], 0, true), ERR_INVALID, "CONFIG GET");
    expect_good(open_server(&servers->of[2], 0, false));
}

static void refuses_a_replica_and_who_does_not_say_that_it_is_none(void **state)
{
    struct servers *servers = *state;
    const char *const denied[] = {"--user", "default", "on",    "nopass", "~*",
                                  "&*",     "+@all",   "-role", "-info",  NULL};
    char port[16];
    const char *const replica[] = {"--replicaof", "127.0.0.1", port, NULL};

    start_redis(servers, &servers->of[0], NULL);
    (void)snprintf(port, sizeof(port), "%u", servers->of[0].port);
    start_redis(servers, &servers->of[1], replica);
    expect_refused(open_server(&servers->of[1], 0, false), ERR_UNAVAILABLE, "replica");
    start_redis(servers, &servers->of[2], denied);
    expect_refused(open_server(&servers->of[2], 0, true), ERR_INVALID, "ROLE");
    expect_good(open_server(&servers->of[2], 0, false));
}

static struct redis *open_as(const struct server *server, const char *user, const char *more)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "redis://%s@127.0.0.1:%u%s", user, server->port, more);
    return open_url(url, 0, true);
}

static void gives_user_password_and_database(void **state)
{
    struct servers *servers = *state;
    const char *const users[] = {"--requirepass", "main:pass", "--user", "abacus", "on",
                                 ">p@ss/w%rd",    "~*",        "&*",     "+@all",  NULL};
    const struct redis_reply *reply;

    start_redis(servers, &servers->of[0], users);
    expect_good(open_as(&servers->of[0], ":main:pass", ""));
    expect_good(open_as(&servers->of[0], "abacus:p%40ss%2Fw%25rd", "/15"));
    expect_refused(open_as(&servers->of[0], "abacus:s3cret", ""), ERR_UNAVAILABLE, "WRONGPASS");
    expect_refused(open_server(&servers->of[0], 0, true), ERR_UNAVAILABLE, "NOAUTH");
    expect_refused(open_as(&servers->of[0], ":main:pass", "/16"), ERR_UNAVAILABLE, "out of range");

    struct redis *one = open_as(&servers->of[0], ":main:pass", "/1");
    struct redis *zero = open_as(&servers->of[0], ":main:pass", "");

    ASK(one, &reply, "SET", "key", "x");
    ASK(zero, &reply, "EXISTS", "key");
    assert_int_equal(reply->integer, 0);
    ASK(zero, &reply, "SELECT", "1");
    ASK(zero, &reply, "EXISTS", "key");
    assert_int_equal(reply->integer, 1);
    redis_close(&one);
    redis_close(&zero);
}

static void never_tells_the_password_that_a_server_repeats(void **state)
{
    struct servers *servers = *state;
    const char *const renamed[] = {"--rename-command", "AUTH", "", NULL};
    struct err err = {""};

    start_redis(servers, &servers->of[0], renamed);
    struct redis *redis = open_as(&servers->of[0], "abacus:s3cret", "");

    assert_int_equal(redis_ready(redis, &err), ERR_UNAVAILABLE);
    assert_null(strstr(err.text, "s3cret"));
    redis_close(&redis);
}

/* -- servers that stop, restart, fill up -- */

static void gives_up_on_a_stopped_server_when_the_time_is_over(void **state)
{
    struct servers *servers = *state;
    struct err err = {""};

    start_redis(servers, &servers->of[0], NULL);
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);

    assert_int_equal(try_ping(redis, &err), 0);
    (void)kill(servers->of[0].pid, SIGSTOP);
    int64_t from_ms = now_ms();

    assert_int_equal(try_ping(redis, &err), ERR_UNAVAILABLE);
    int64_t took_ms = now_ms() - from_ms;

    assert_in_range(took_ms, TIMEOUT_MS - 1, TIMEOUT_MS + SLACK_MS);
    (void)kill(servers->of[0].pid, SIGCONT);
    assert_int_equal(try_ping(redis, &err), 0);
    assert_int_equal(redis_generation(redis), 2);
    redis_close(&redis);
}

static void gives_up_sending_to_a_stopped_server_when_the_time_is_over(void **state)
{
    enum { VALUE = 1024 * 1024 };
    struct servers *servers = *state;
    char *value = calloc(1, VALUE);
    const struct str args[] = {STR("SET"), STR("key"), {value, VALUE}};
    struct err err = {""};
    int64_t took_ms = 0;
    int rc = 0;

    start_redis(servers, &servers->of[0], NULL);
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);

    assert_int_equal(try_ping(redis, &err), 0);
    (void)kill(servers->of[0].pid, SIGSTOP);
    /* The buffers of the kernel take some of it. */
    for (int i = 0; rc == 0 && i < 100; i++) {
        int64_t from_ms = now_ms();

        rc = redis_send(redis, args, 3, &err);
        took_ms = now_ms() - from_ms;
    }
    assert_int_equal(rc, ERR_UNAVAILABLE);
    assert_in_range(took_ms, TIMEOUT_MS - 1, TIMEOUT_MS + SLACK_MS);
    (void)kill(servers->of[0].pid, SIGCONT);
    /* What was to be answered is forgotten. */
    const struct redis_reply *reply;

    assert_int_equal(redis_receive(redis, &reply, &err), ERR_UNAVAILABLE);
    assert_int_equal(try_ping(redis, &err), 0);
    redis_close(&redis);
    free(value);
}

static void comes_back_to_a_server_that_was_restarted_empty(void **state)
{
    struct servers *servers = *state;
    const struct redis_reply *reply;
    struct err err = {""};

    start_redis(servers, &servers->of[0], NULL);
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);

    ASK(redis, &reply, "SET", "key", "x");
    server_kill(&servers->of[0]);
    assert_int_equal(try_ping(redis, &err), ERR_UNAVAILABLE);
    start_redis(servers, &servers->of[0], NULL);
    int rc = ERR_UNAVAILABLE;

    for (int i = 0; rc != 0 && i < 600; i++) {
        rc = try_ping(redis, &err);
        nap_ms(10);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(redis_generation(redis), 2);
    ASK(redis, &reply, "EXISTS", "key");
    assert_int_equal(reply->integer, 0);
    redis_close(&redis);
}

static void tells_a_full_server_from_a_broken_one(void **state)
{
    struct servers *servers = *state;
    const struct redis_reply *reply;
    struct err err = {""};

    start_redis(servers, &servers->of[0], NULL);
    struct redis *redis = open_server(&servers->of[0], 0, true);

    ASK(redis, &reply, "CONFIG", "SET", "maxmemory", "1");
    assert_int_equal(redis_call_words(redis, &reply, &err, "SET", "key", "x", NULL), ERR_FULL);
    assert_non_null(strstr(err.text, "OOM"));
    ASK(redis, &reply, "CONFIG", "SET", "maxmemory", "0");
    ASK(redis, &reply, "SET", "key", "x");
    assert_int_equal(redis_generation(redis), 1);
    redis_close(&redis);
}

/* -- a server that answers what we like -- */

/* What it sends, again and again while it is asked anything but what a new connection is asked. */
struct script {
    const char *answer;
    long byte_ms; /* between bytes */
    bool close;   /* after the answer */
    bool mute;    /* nothing at all, not even to a new connection */
    size_t text;  /* instead: one text of so many bytes */
};

static bool contains(const char *bytes, ssize_t length, const char *word)
{
    return length > 0 && memmem(bytes, (size_t)length, word, strlen(word)) != NULL;
}

static void answer_slowly(int fd, const struct script *script)
{
    for (const char *c = script->answer; *c != '\0'; c++) {
        if (send(fd, c, 1, MSG_NOSIGNAL) != 1)
            return;
        nap_ms(script->byte_ms);
    }
}

static void answer_at_length(int fd, size_t length)
{
    char *text = calloc(1, length + 64);
    size_t all = (size_t)snprintf(text, 64, "$%zu\r\n", length) + length, sent = 0;

    (void)memcpy(text + all, "\r\n", 2);
    while (sent < all + 2) {
        ssize_t n = send(fd, text + sent, all + 2 - sent, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    free(text);
}

static void serve(int fd, const struct script *script)
{
    static const char MASTER[] = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    static const char KEEPS[] = "*2\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n";
    char bytes[65536];
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        if (script->mute)
            continue;
        if (contains(bytes, n, "ROLE"))
            (void)send(fd, MASTER, sizeof(MASTER) - 1, MSG_NOSIGNAL);
        else if (contains(bytes, n, "CONFIG"))
            (void)send(fd, KEEPS, sizeof(KEEPS) - 1, MSG_NOSIGNAL);
        else if (script->text > 0)
            answer_at_length(fd, script->text);
        else if (script->byte_ms > 0)
            answer_slowly(fd, script);
        else
            (void)send(fd, script->answer, strlen(script->answer), MSG_NOSIGNAL);
        if (script->close && !contains(bytes, n, "ROLE") && !contains(bytes, n, "CONFIG"))
            break;
    }
    (void)close(fd);
}

static void start_script(struct server *server, const struct script *script)
{
    int fd = listen_anywhere(&server->port);

    if (fork_server(server)) {
        for (;;)
            serve(accept(fd, NULL, NULL), script);
    }
    (void)close(fd);
}

/* The first call fails with this within the time-out, and the connection is gone. */
static void expect_dropped(struct servers *servers, const struct script *script, const char *words)
{
    const struct redis_reply *reply;
    struct err err = {""};

    start_script(&servers->of[0], script);
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);

    assert_int_equal(redis_ready(redis, &err), 0);
    int64_t from_ms = now_ms();
    int rc = redis_call_words(redis, &reply, &err, "GET", "key", NULL);

    if (rc != ERR_UNAVAILABLE || strstr(err.text, words) == NULL)
        fail_msg("%d %s", rc, err.text);
    assert_in_range(now_ms() - from_ms, 0, TIMEOUT_MS + SLACK_MS);
    /* It never served, so there is a pause now. */
    assert_int_equal(redis_receive(redis, &reply, &err), ERR_UNAVAILABLE);
    assert_int_equal(redis_ready(redis, &err), ERR_UNAVAILABLE);
    redis_close(&redis);
    server_kill(&servers->of[0]);
}

static void drops_a_server_that_is_none_to_work_with(void **state)
{
    static const char *const words[] = {"LOADING",     "READONLY", "MASTERDOWN", "NOAUTH",
                                        "CLUSTERDOWN", "MOVED",    "ASK"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char answer[64];

        (void)snprintf(answer, sizeof(answer), "-%s for some reason\r\n", words[i]);
        expect_dropped(*state, &(struct script){.answer = answer}, words[i]);
    }
}

static void keeps_a_server_whose_error_only_begins_alike(void **state)
{
    struct servers *servers = *state;
    const struct redis_reply *reply;
    struct err err = {""};

    start_script(&servers->of[0], &(struct script){.answer = "-LOADINGS none\r\n"});
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);

    assert_int_equal(redis_call_words(redis, &reply, &err, "GET", "key", NULL), ERR_SYSTEM);
    assert_int_equal(redis_call_words(redis, &reply, &err, "GET", "key", NULL), ERR_SYSTEM);
    assert_int_equal(redis_generation(redis), 1);
    redis_close(&redis);
}

static void drops_who_does_not_speak_as_redis_does(void **state)
{
    expect_dropped(*state, &(struct script){.answer = "HTTP/1.1 400 Bad Request\r\n"},
                   "no answer that can be read");
    expect_dropped(*state, &(struct script){.answer = "$5\r\nhel", .close = true}, "closed");
    expect_dropped(*state, &(struct script){.answer = "", .close = true}, "closed");
    expect_dropped(*state, &(struct script){.answer = "$5\r\nhel"}, "in time");
}

static void takes_answers_up_to_a_million_values(void **state)
{
    expect_dropped(*state, &(struct script){.answer = "*1048577\r\n"}, "too large");
    expect_dropped(*state, &(struct script){.answer = "*2\r\n*524288\r\n"}, "in time");
    /* 1048576 and what is in them. */
    expect_dropped(*state, &(struct script){.answer = "*1048576\r\n"}, "in time");
    expect_dropped(*state, &(struct script){.answer = "*1048576\r\n*1\r\n"}, "too large");
}

static void takes_answers_up_to_64_megabytes(void **state)
{
    enum { MOST = 64 * 1024 * 1024 };
    struct servers *servers = *state;
    const struct redis_reply *reply;

    for (size_t more = 0; more < 2; more++) {
        struct err err = {""};

        start_script(&servers->of[0], &(struct script){.answer = "", .text = MOST + more});
        struct redis *redis = open_server(&servers->of[0], 60000, true);
        int rc = redis_call_words(redis, &reply, &err, "GET", "key", NULL);

        if (more == 0) {
            assert_int_equal(rc, 0);
            assert_int_equal(reply->text.len, MOST);
        } else {
            assert_int_equal(rc, ERR_UNAVAILABLE);
            assert_non_null(strstr(err.text, "too large"));
        }
        redis_close(&redis);
        server_kill(&servers->of[0]);
    }
}

static void does_not_begin_the_time_again_with_each_byte(void **state)
{
    expect_dropped(
        *state,
        &(struct script){.answer = "$30\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", .byte_ms = 100},
        "in time");
}

static void does_not_wait_longer_for_who_never_speaks(void **state)
{
    struct servers *servers = *state;
    struct err err = {""};

    start_script(&servers->of[0], &(struct script){.answer = "", .mute = true});
    struct redis *redis = open_server(&servers->of[0], TIMEOUT_MS, true);
    int64_t from_ms = now_ms();

    assert_int_equal(redis_ready(redis, &err), ERR_UNAVAILABLE);
    assert_in_range(now_ms() - from_ms, TIMEOUT_MS - 1, TIMEOUT_MS + SLACK_MS);
    redis_close(&redis);
}

static void waits_longer_after_each_failure_up_to_five_seconds(void **state)
{
    static const int64_t pauses_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct server nobody = {.port = free_port()};
    struct redis *redis = open_server(&nobody, TIMEOUT_MS, true);
    struct err err = {""};

    (void)state;
    for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        int64_t from_us = clock_steady_us();

        redis->retry_at_us = 0;
        assert_int_equal(redis_ready(redis, &err), ERR_UNAVAILABLE);
        assert_non_null(strstr(err.text, "refused"));
        assert_in_range(redis->retry_at_us - from_us, pauses_ms[i] * 1000,
                        (pauses_ms[i] + SLACK_MS) * 1000);
        /* No try before that. */
        int64_t retry_at_us = redis->retry_at_us;

        assert_int_equal(redis_ready(redis, &err), ERR_UNAVAILABLE);
        assert_int_equal(redis->retry_at_us, retry_at_us);
    }
    redis_close(&redis);
}

/* -- Sentinel -- */

static void write_sentinel_config(const struct servers *servers, unsigned port, unsigned master,
                                  char path[300])
{
    (void)snprintf(path, 300, "%s/sentinel-%u.conf", servers->dir, port);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fprintf(file,
                  "port %u\nbind 127.0.0.1\ndir %s\n"
                  "sentinel monitor mymaster 127.0.0.1 %u 1\n"
                  "sentinel down-after-milliseconds mymaster 500\n"
                  "sentinel failover-timeout mymaster 3000\n",
                  port, servers->dir, master);
    assert_int_equal(fclose(file), 0);
}

static void start_sentinel(const struct servers *servers, struct server *sentinel, unsigned master)
{
    char path[300];
    const char *const args[] = {"redis-sentinel", path, NULL};

    if (!can_run("redis-sentinel"))
        skip();
    sentinel->port = free_port();
    write_sentinel_config(servers, sentinel->port, master, path);
    run_server(sentinel, args);
}

/* A Sentinel that is not there is passed over. */
static struct redis *open_by_sentinel(const struct server *sentinel, const char *master)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u,127.0.0.1:%u/%s", free_port(),
                   sentinel->port, master);
    return open_url(url, 2000, true);
}

/* Until the Sentinel knows the replica, it has nobody to make the master. */
static void wait_for_replica(const struct server *master, const struct server *sentinel)
{
    struct redis *at_master = open_server(master, 0, true);
    const struct redis_reply *reply;
    struct err err = {""};
    bool known = false;

    for (int i = 0; !known && i < 300; i++) {
        ASK(at_master, &reply, "WAIT", "1", "100");
        known = reply->integer == 1;
    }
    assert_true(known);
    redis_close(&at_master);
    known = false;
    for (int i = 0; !known && i < 300; i++) {
        struct wire wire = {0};
        const struct str ask[] = {STR("SENTINEL"), STR("replicas"), STR("mymaster")};
        int64_t deadline_us = clock_steady_us() + 1000000;

        assert_int_equal(wire_open(&wire, "127.0.0.1", (uint16_t)sentinel->port, deadline_us, &err),
                         0);
        wire_put(&wire, ask, 3);
        assert_int_equal(wire_flush(&wire, deadline_us, &err), 0);
        assert_int_equal(wire_get(&wire, deadline_us, &reply, &err), 0);
        known = reply->type == REDIS_ARRAY && reply->count == 1;
        wire_close(&wire);
        nap_ms(50);
    }
    assert_true(known);
}

static void expect_at(struct redis *redis, unsigned port)
{
    struct redis_about about;
    struct err err = {""};
    char address[32];

    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    assert_int_equal(redis_about(redis, &about, &err), 0);
    assert_string_equal(about.address, address);
}

static void follows_a_failover(void **state)
{
    struct servers *servers = *state;
    struct server *master = &servers->of[0], *replica = &servers->of[1],
                  *sentinel = &servers->of[2];
    char port[16];
    const char *const follow[] = {"--replicaof", "127.0.0.1", port, NULL};
    const struct redis_reply *reply;
    struct err err = {""};

    start_redis(servers, master, NULL);
    (void)snprintf(port, sizeof(port), "%u", master->port);
    start_redis(servers, replica, follow);
    start_sentinel(servers, sentinel, master->port);
    struct redis *redis = open_by_sentinel(sentinel, "mymaster");

    ASK(redis, &reply, "SET", "key", "before");
    expect_at(redis, master->port);
    wait_for_replica(master, sentinel);
    server_kill(master);
    int rc = ERR_UNAVAILABLE;
    int64_t until_ms = now_ms() + 30000;

    while (rc != 0 && now_ms() < until_ms) {
        rc = redis_call_words(redis, &reply, &err, "SET", "key", "after", NULL);
        nap_ms(50);
    }
    if (rc != 0)
        fail_msg("%s", err.text);
    expect_at(redis, replica->port);
    assert_true(redis_generation(redis) >= 2);
    redis_close(&redis);
}

static void says_that_no_sentinel_knows_the_master(void **state)
{
    struct servers *servers = *state;

    start_redis(servers, &servers->of[0], NULL);
    start_sentinel(servers, &servers->of[1], servers->of[0].port);
    expect_good(open_by_sentinel(&servers->of[1], "mymaster"));
    expect_refused(open_by_sentinel(&servers->of[1], "other"), ERR_UNAVAILABLE, "\"other\"");
}

/* A Sentinel that was cut off names the old master, which is a replica by now. */
static void asks_whom_sentinel_names_whether_it_is_the_master(void **state)
{
    struct servers *servers = *state;
    char port[16], answer[64];
    const char *const follow[] = {"--replicaof", "127.0.0.1", port, NULL};

    start_redis(servers, &servers->of[0], NULL);
    (void)snprintf(port, sizeof(port), "%u", servers->of[0].port);
    start_redis(servers, &servers->of[1], follow);
    (void)snprintf(answer, sizeof(answer), "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05u\r\n",
                   servers->of[1].port);
    start_script(&servers->of[2], &(struct script){.answer = answer});
    expect_refused(open_by_sentinel(&servers->of[2], "mymaster"), ERR_UNAVAILABLE, "replica");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_servers, teardown_servers)
#define TIMED(name) TIMED_TEST_IN(name, setup_servers, teardown_servers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(refuses_a_server_that_throws_keys_away),
        T(asks_info_where_config_is_forbidden),
        T(refuses_a_replica_and_who_does_not_say_that_it_is_none),
        T(gives_user_password_and_database),
        T(never_tells_the_password_that_a_server_repeats),
        TIMED(gives_up_on_a_stopped_server_when_the_time_is_over),
        TIMED(gives_up_sending_to_a_stopped_server_when_the_time_is_over),
        TIMED(comes_back_to_a_server_that_was_restarted_empty),
        T(tells_a_full_server_from_a_broken_one),
        TIMED(drops_a_server_that_is_none_to_work_with),
        TIMED(keeps_a_server_whose_error_only_begins_alike),
        TIMED(drops_who_does_not_speak_as_redis_does),
        TIMED(takes_answers_up_to_a_million_values),
        TIMED(takes_answers_up_to_64_megabytes),
        TIMED(does_not_begin_the_time_again_with_each_byte),
        TIMED(does_not_wait_longer_for_who_never_speaks),
        TIMED(waits_longer_after_each_failure_up_to_five_seconds),
        TIMED(follows_a_failover),
        T(says_that_no_sentinel_knows_the_master),
        T(asks_whom_sentinel_names_whether_it_is_the_master),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
