/*
 * test_cache.c -- the contract of both kinds of cache, and what each of them bounds.
 *
 * Redis is the test runner's (ABACUS_TEST_REDIS, database 8, emptied before each test); a Redis
 * that is stopped, killed or filled is a process of this test's own.
 */
#include "base/clock.h"
#include "cache/cache.h"
#include "redis/redis.h"
#include "timed.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOW = 1000000000, LIFETIME_MS = 5 * 60 * 1000, URL_SIZE = 256 };

struct fixture {
    char url[URL_SIZE];
    struct cache *cache;
    struct redis *redis; /* the same server, asked directly; NULL: in memory */
    struct buf out;
    pid_t server; /* of this test's own, or 0 */
    int port;
};

/* -- asking ------------------------------------------------------------------------------------ */

static enum cache_result get_at(struct fixture *f, const char *key, int64_t stamp, int64_t now_ms)
{
    buf_reset(&f->out);
    return cache_get(f->cache, str_from(key), stamp, now_ms, &f->out);
}

static enum cache_result get(struct fixture *f, const char *key, int64_t stamp)
{
    return get_at(f, key, stamp, NOW);
}

static void put(struct fixture *f, const char *key, int64_t stamp, const char *value)
{
    cache_put(f->cache, str_from(key), stamp, NOW, str_from(value));
}

static void assert_got(const struct fixture *f, struct str value)
{
    assert_true(str_eq(buf_str(&f->out), value));
}

/* `len` bytes that begin with `name`. */
static struct str long_text(struct buf *buf, const char *name, size_t len)
{
    buf_reset(buf);
    buf_add(buf, str_from(name));
    assert_true(buf->len <= len);
    memset(buf_reserve(buf, len - buf->len), 'x', len - buf->len);
    buf->len = len;
    return buf_str(buf);
}

static int64_t milliseconds_since(int64_t began_us)
{
    return (clock_steady_us() - began_us) / 1000;
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* -- caches ------------------------------------------------------------------------------------ */

static struct cache *open_cache(const char *url)
{
    struct cache *cache = NULL;
    struct err err = {0};

    if (cache_open(str_from(url), &cache, &err) != 0)
        fail_msg("%s", err.text);
    return cache;
}

static struct redis *open_redis(const char *url)
{
    struct redis_config config = {.url = str_from(url)};
    struct redis *redis = NULL;
    struct err err = {0};

    if (redis_open(&config, &redis, &err) != 0)
        fail_msg("%s", err.text);
    return redis;
}

static int set_up_memory(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));

    f->cache = open_cache("memory:");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cache_close(&f->cache);
    assert_null(f->cache);
    redis_close(&f->redis);
    buf_release(&f->out);
    if (f->server > 0) {
        (void)kill(f->server, SIGKILL);
        (void)waitpid(f->server, NULL, 0);
    }
    test_free(f);
    return 0;
}

#define ASK(f, reply, ...)                                                                         \
    do {                                                                                           \
        struct err err_ = {0};                                                                     \
        if (redis_call_words((f)->redis, (reply), &err_, __VA_ARGS__, NULL) != 0)                  \
            fail_msg("%s", err_.text);                                                             \
    } while (0)

static void use_redis(struct fixture *f)
{
    const struct redis_reply *reply;

    f->cache = open_cache(f->url);
    f->redis = open_redis(f->url);
    ASK(f, &reply, "FLUSHDB");
}

static int set_up_redis(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    const char *url = getenv("ABACUS_TEST_REDIS");

    *state = f;
    if (url == NULL)
        return 0;
    (void)snprintf(f->url, sizeof(f->url), "%s/8", url);
    use_redis(f);
    return 0;
}

static struct fixture *fixture(void **state)
{
    struct fixture *f = *state;

    if (f->cache == NULL)
        skip();
    return f;
}

/* -- servers of this test's own ---------------------------------------------------------------- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool listens(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    (void)close(fd);
    return connected;
}

static void start_server(struct fixture *f)
{
    char port[16];

    (void)snprintf(port, sizeof(port), "%d", f->port);
    f->server = fork();
    assert_true(f->server >= 0);
    if (f->server == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDOUT_FILENO);
        (void)execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
                     "--save", "", "--appendonly", "no", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !listens(f->port); i++)
        sleep_ms(10);
    assert_true(listens(f->port));
}

static void stop_server(struct fixture *f)
{
    (void)kill(f->server, SIGKILL);
    (void)waitpid(f->server, NULL, 0);
    f->server = 0;
}

static int set_up_server(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));

    *state = f;
    if (getenv("ABACUS_TEST_REDIS") == NULL)
        return 0;
    f->port = free_port();
    (void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d", f->port);
    start_server(f);
    use_redis(f);
    return 0;
}

/* -- both -------------------------------------------------------------------------------------- */

static void gives_back_what_was_put(void **state)
{
    struct fixture *f = fixture(state);
    struct str bytes = STR("\0{\"a\":1}\n\r\n\xff");

    assert_int_equal(get(f, "a", 7), CACHE_MISS);
    cache_put(f->cache, STR("a"), 7, NOW, bytes);
    cache_put(f->cache, STR("b\0c"), -7, NOW, STR(""));
    assert_int_equal(get(f, "a", 7), CACHE_HIT);
    assert_got(f, bytes);
    assert_int_equal(get(f, "b", 7), CACHE_MISS);
    buf_reset(&f->out);
    buf_add(&f->out, STR("before"));
    assert_int_equal(cache_get(f->cache, STR("b\0c"), -7, NOW, &f->out), CACHE_HIT);
    assert_got(f, STR("before"));
    assert_int_equal(cache_get(f->cache, STR("a"), 7, NOW, &f->out), CACHE_HIT);
    assert_int_equal(f->out.len, 6 + bytes.len);
    assert_true(str_starts(buf_str(&f->out), STR("before")));
}

static void never_serves_another_stamp(void **state)
{
    struct fixture *f = fixture(state);

    put(f, "a", 7, "old");
    assert_int_equal(get(f, "a", 8), CACHE_STALE);
    assert_int_equal(get(f, "a", 6), CACHE_STALE);
    assert_int_equal(get(f, "a", INT64_MIN), CACHE_STALE);
    assert_got(f, STR(""));
    assert_int_equal(get(f, "a", 7), CACHE_HIT);
    put(f, "a", 8, "new");
    assert_int_equal(get(f, "a", 7), CACHE_STALE);
    assert_got(f, STR(""));
    assert_int_equal(get(f, "a", 8), CACHE_HIT);
    assert_got(f, STR("new"));
    put(f, "a", INT64_MAX, "last");
    assert_int_equal(get(f, "a", INT64_MAX), CACHE_HIT);
    assert_got(f, STR("last"));
}

static void forgets_after_five_minutes_of_the_clock_given(void **state)
{
    struct fixture *f = fixture(state);

    put(f, "a", 7, "value");
    assert_int_equal(get_at(f, "a", 7, NOW + LIFETIME_MS - 1), CACHE_HIT);
    assert_int_equal(get_at(f, "a", 7, NOW + LIFETIME_MS), CACHE_STALE);
    assert_got(f, STR(""));
    /* Another node's clock is behind, or far behind. */
    assert_int_equal(get_at(f, "a", 7, NOW - LIFETIME_MS + 1), CACHE_HIT);
    assert_int_equal(get_at(f, "a", 7, NOW - LIFETIME_MS), CACHE_STALE);
    assert_int_equal(get_at(f, "a", 7, INT64_MIN), CACHE_STALE);
    assert_int_equal(get_at(f, "a", 7, INT64_MAX), CACHE_STALE);
}

static void keeps_keys_and_values_up_to_their_bounds(void **state)
{
    struct fixture *f = fixture(state);
    struct buf key = {0}, value = {0};

    (void)long_text(&key, "k", CACHE_KEY_MAX);
    (void)long_text(&value, "v", CACHE_VALUE_MAX);
    cache_put(f->cache, buf_str(&key), 7, NOW, buf_str(&value));
    assert_int_equal(cache_get(f->cache, buf_str(&key), 7, NOW, &f->out), CACHE_HIT);
    assert_got(f, buf_str(&value));

    cache_put(f->cache, STR("large"), 7, NOW, long_text(&value, "v", CACHE_VALUE_MAX + 1));
    assert_int_equal(get(f, "large", 7), CACHE_MISS);
    (void)long_text(&key, "k", CACHE_KEY_MAX + 1);
    cache_put(f->cache, buf_str(&key), 7, NOW, STR("value"));
    assert_int_equal(cache_get(f->cache, buf_str(&key), 7, NOW, &f->out), CACHE_MISS);
    buf_release(&key);
    buf_release(&value);
}

enum { THREADS = 8, ROUNDS = 300, KEYS = 20 };

struct many {
    struct cache *cache;
    atomic_int hits, wrong;
};

/* The value of key K under stamp S is "K/S", whoever puts it. */
static void *use_together(void *ctx)
{
    struct many *many = ctx;
    struct buf key = {0}, value = {0}, out = {0};

    for (int i = 0; i < ROUNDS; i++) {
        int64_t stamp = i / 100;
        buf_reset(&key);
        buf_reset(&value);
        buf_reset(&out);
        buf_addf(&key, "key %d", i % KEYS);
        buf_addf(&value, "key %d/%d", i % KEYS, (int)stamp);
        if (cache_get(many->cache, buf_str(&key), stamp, NOW, &out) != CACHE_HIT)
            cache_put(many->cache, buf_str(&key), stamp, NOW, buf_str(&value));
        else if (str_eq(buf_str(&out), buf_str(&value)))
            atomic_fetch_add(&many->hits, 1);
        else
            atomic_fetch_add(&many->wrong, 1);
    }
    buf_release(&key);
    buf_release(&value);
    buf_release(&out);
    return NULL;
}

static void use_by_many_threads(struct fixture *f)
{
    struct many many = {.cache = f->cache};
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_together, &many), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(many.wrong, 0);
    assert_true(many.hits > 0);
}

static void serves_many_threads(void **state)
{
    use_by_many_threads(fixture(state));
}

/* More than Redis names in one answer. */
enum { MANY = 2500 };

static void forgets_everything_when_told(void **state)
{
    struct fixture *f = fixture(state);
    char key[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof(key), "key %d", i);
        put(f, key, 7, key);
    }
    assert_int_equal(get(f, "key 2499", 7), CACHE_HIT);
    assert_int_equal(cache_clear(f->cache, NULL), 0);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(get(f, key, 7), CACHE_MISS);
    }
    put(f, "key 1", 7, "new");
    assert_int_equal(get(f, "key 1", 7), CACHE_HIT);
    assert_int_equal(cache_clear(f->cache, NULL), 0);
    assert_int_equal(cache_clear(f->cache, NULL), 0);
    assert_int_equal(get(f, "key 1", 7), CACHE_MISS);
}

static void keeps_no_answer_that_was_asked_for_before_it_was_cleared(void **state)
{
    struct fixture *f = fixture(state);
    int64_t before_ms = clock_wall_ms();

    assert_int_equal(cache_clear(f->cache, NULL), 0);
    int64_t after_ms = clock_wall_ms() + 1;

    cache_put(f->cache, STR("a"), 7, before_ms, STR("old"));
    assert_int_equal(get_at(f, "a", 7, after_ms), CACHE_MISS);
    cache_put(f->cache, STR("a"), 7, after_ms, STR("new"));
    assert_int_equal(get_at(f, "a", 7, after_ms), CACHE_HIT);
    assert_got(f, STR("new"));
    /* No answer takes a minute: this clock was set back. */
    cache_put(f->cache, STR("b"), 7, before_ms - 59 * 1000, STR("late"));
    assert_int_equal(get_at(f, "b", 7, after_ms), CACHE_MISS);
    cache_put(f->cache, STR("b"), 7, before_ms - 61 * 1000, STR("odd"));
    assert_int_equal(get_at(f, "b", 7, before_ms - 61 * 1000), CACHE_HIT);
}

struct cleared {
    struct cache *cache;
    atomic_llong last_ms; /* when it was last told to forget */
    atomic_int wrong;
};

static void *clear_together(void *ctx)
{
    struct cleared *cleared = ctx;

    for (int i = 0; i < ROUNDS / 10; i++) {
        atomic_store(&cleared->last_ms, clock_wall_ms());
        if (cache_clear(cleared->cache, NULL) != 0)
            atomic_fetch_add(&cleared->wrong, 1);
    }
    return NULL;
}

/* The value says when it was asked for. */
static void *put_together(void *ctx)
{
    struct cleared *cleared = ctx;
    char key[16], value[32];

    for (int i = 0; i < ROUNDS; i++) {
        int64_t now_ms = clock_wall_ms();

        (void)snprintf(key, sizeof(key), "key %d", i % KEYS);
        (void)snprintf(value, sizeof(value), "%lld", (long long)now_ms);
        cache_put(cleared->cache, str_from(key), 7, now_ms, str_from(value));
    }
    return NULL;
}

static void is_cleared_beside_many_threads(void **state)
{
    struct fixture *f = fixture(state);
    struct cleared cleared = {.cache = f->cache};
    pthread_t threads[THREADS];
    char key[16];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i == 0 ? clear_together : put_together, &cleared), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(cleared.wrong, 0);
    for (int i = 0; i < KEYS; i++) {
        int64_t asked_ms;

        (void)snprintf(key, sizeof(key), "key %d", i);
        if (get_at(f, key, 7, clock_wall_ms()) == CACHE_HIT) {
            assert_true(str_to_i64(buf_str(&f->out), &asked_ms));
            assert_true(asked_ms >= cleared.last_ms);
        }
    }
}

/* -- in memory --------------------------------------------------------------------------------- */

static void put_large(struct fixture *f, int number, int64_t now_ms, struct buf *value)
{
    char key[16];

    (void)snprintf(key, sizeof(key), "%d", number);
    cache_put(f->cache, str_from(key), 7, now_ms, long_text(value, key, CACHE_VALUE_MAX));
}

static enum cache_result get_large(struct fixture *f, int number, int64_t now_ms)
{
    char key[16];

    (void)snprintf(key, sizeof(key), "%d", number);
    return get_at(f, key, 7, now_ms);
}

/* 64 values of 256 KiB would fill 16 MiB by themselves; with what belongs to them, 63 fit. */
static void forgets_what_was_not_used_longest(void **state)
{
    struct fixture *f = fixture(state);
    struct buf value = {0};

    assert_int_equal(CACHE_MEMORY_BYTES / CACHE_VALUE_MAX, 64);
    for (int i = 1; i <= 63; i++)
        put_large(f, i, NOW, &value);
    for (int i = 63; i >= 1; i--)
        assert_int_equal(get_large(f, i, NOW), CACHE_HIT);
    put_large(f, 64, NOW, &value);
    assert_int_equal(get_large(f, 63, NOW), CACHE_MISS);
    for (int i = 1; i <= 62; i++)
        assert_int_equal(get_large(f, i, NOW), CACHE_HIT);
    /* Putting a key again uses it, and takes no room twice. */
    put_large(f, 1, NOW, &value);
    assert_int_equal(get_large(f, 2, NOW), CACHE_HIT);
    assert_int_equal(get_large(f, 64, NOW), CACHE_HIT);
    buf_release(&value);
}

/* -- in Redis ---------------------------------------------------------------------------------- */

/* The name of the only key there is. */
static void only_key(struct fixture *f, char *name, size_t size)
{
    const struct redis_reply *reply;

    ASK(f, &reply, "KEYS", "*");
    assert_int_equal(reply->count, 1);
    (void)snprintf(name, size, "%.*s", STR_FMT(reply->items[0].text));
}

static void names_its_keys_and_lets_redis_forget_them(void **state)
{
    struct fixture *f = fixture(state);
    const struct redis_reply *reply;
    char name[80];

    put(f, "secret name", 7, "value");
    only_key(f, name, sizeof(name));
    assert_int_equal(strlen(name), strlen("analytics:cache:") + 32);
    assert_memory_equal(name, "analytics:cache:", 16);
    assert_int_equal(strspn(name + 16, "0123456789abcdef"), 32);
    ASK(f, &reply, "PTTL", name);
    assert_true(reply->integer > 290 * 1000 && reply->integer <= 300 * 1000);
}

/* As if the two keys had the same hash. */
static void never_serves_the_answer_of_another_key_with_the_same_hash(void **state)
{
    struct fixture *f = fixture(state);
    const struct redis_reply *reply;
    char name_a[80], name_b[80];

    put(f, "tenant b", 7, "b's numbers");
    only_key(f, name_b, sizeof(name_b));
    ASK(f, &reply, "DEL", name_b);
    put(f, "tenant a", 7, "a's numbers");
    only_key(f, name_a, sizeof(name_a));
    assert_string_not_equal(name_a, name_b);
    ASK(f, &reply, "RENAME", name_a, name_b);
    assert_int_equal(get(f, "tenant b", 7), CACHE_MISS);
    assert_got(f, STR(""));
    put(f, "tenant b", 7, "b's numbers");
    assert_int_equal(get(f, "tenant b", 7), CACHE_HIT);
    assert_got(f, STR("b's numbers"));
}

static void takes_what_it_cannot_read_for_a_miss(void **state)
{
    struct fixture *f = fixture(state);
    static const char *const texts[] = {
        "",
        "1",
        "\n",
        "1 7 1000000000 1",       /* no end of the head */
        "1 7 1000000000\nkv",     /* a number too few */
        "1 7 1000000000 1 1\nkv", /* one too many */
        "2 7 1000000000 1\nkv",   /* another format */
        "1 7 1000000000 -1\nkv",  /* lengths that are none */
        "1 7 1000000000 2\nkv",
        "1 7 1000000000 0\nkv",
        "1 7 1000000000 1\n",
        "1 7 x 1\nkv",
        "1 99999999999999999999 1 1\nkv",
    };
    const struct redis_reply *reply;
    char name[80];

    put(f, "k", 7, "v");
    only_key(f, name, sizeof(name));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ASK(f, &reply, "SET", name, texts[i]);
        assert_int_equal(get(f, "k", 7), CACHE_MISS);
        assert_got(f, STR(""));
    }
    ASK(f, &reply, "SET", name, "1 7 1000000000 1\nkv");
    assert_int_equal(get(f, "k", 7), CACHE_HIT);
    assert_got(f, STR("v"));
}

static void goes_on_after_an_answer_that_is_an_error(void **state)
{
    struct fixture *f = fixture(state);
    const struct redis_reply *reply;
    char name[80];

    put(f, "k", 7, "v");
    only_key(f, name, sizeof(name));
    ASK(f, &reply, "DEL", name);
    ASK(f, &reply, "LPUSH", name, "no text");
    assert_int_equal(get(f, "k", 7), CACHE_ERROR);
    put(f, "k", 7, "v");
    assert_int_equal(get(f, "k", 7), CACHE_HIT);
}

/* 256 values of 256 KiB would take 64 MiB by themselves: 255 are put. */
static void bounds_what_it_puts_into_redis(void **state)
{
    struct fixture *f = fixture(state);
    struct buf value = {0};
    const int64_t next = NOW + LIFETIME_MS;

    assert_int_equal(CACHE_REDIS_BYTES / CACHE_VALUE_MAX, 256);
    for (int i = 1; i <= 256; i++)
        put_large(f, i, NOW, &value);
    assert_int_equal(get_large(f, 1, NOW), CACHE_HIT);
    assert_int_equal(get_large(f, 255, NOW), CACHE_HIT);
    assert_int_equal(get_large(f, 256, NOW), CACHE_MISS);
    put_large(f, 256, next - 1, &value);
    assert_int_equal(get_large(f, 256, next - 1), CACHE_MISS);
    put_large(f, 256, next, &value);
    assert_int_equal(get_large(f, 256, next), CACHE_HIT);
    buf_release(&value);
}

static void clears_nothing_that_is_not_its_own(void **state)
{
    struct fixture *f = fixture(state);
    const struct redis_reply *reply;
    char name[80];

    ASK(f, &reply, "SET", "analytics:cached", "another's");
    ASK(f, &reply, "XADD", "analytics:events:3", "*", "e", "an event");
    put(f, "k", 7, "v");
    assert_int_equal(cache_clear(f->cache, NULL), 0);
    ASK(f, &reply, "DBSIZE");
    assert_int_equal(reply->integer, 2);
    ASK(f, &reply, "DEL", "analytics:events:3");
    only_key(f, name, sizeof(name));
    assert_string_equal(name, "analytics:cached");
}

/* -- a Redis that is away ---------------------------------------------------------------------- */

/* Many questions; none of them may wait for Redis. */
static void assert_not_asked(struct fixture *f)
{
    int64_t began_us = clock_steady_us();

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(get(f, "k", 7), CACHE_ERROR);
        put(f, "k", 7, "v");
    }
    assert_true(milliseconds_since(began_us) < CACHE_PAUSE_MS / 2);
}

/* It comes back by itself within the pause. */
static void assert_back(struct fixture *f)
{
    int64_t began_us = clock_steady_us();

    while (get(f, "k", 7) == CACHE_ERROR && milliseconds_since(began_us) < 3 * CACHE_PAUSE_MS)
        sleep_ms(10);
    assert_true(milliseconds_since(began_us) < CACHE_PAUSE_MS + 1000);
    put(f, "k", 7, "v");
    assert_int_equal(get(f, "k", 7), CACHE_HIT);
}

static void a_missing_redis_costs_next_to_nothing(void **state)
{
    struct fixture *f = fixture(state);

    stop_server(f);
    assert_not_asked(f);
    start_server(f);
    assert_back(f);
}

static void says_that_it_cannot_be_cleared_now(void **state)
{
    struct fixture *f = fixture(state);
    struct err err = {""};

    put(f, "k", 7, "v");
    stop_server(f);
    assert_int_equal(cache_clear(f->cache, &err), ERR_UNAVAILABLE);
    assert_true(err.text[0] != '\0');
    start_server(f);
    assert_int_equal(cache_clear(f->cache, &err), 0);
}

struct late {
    struct fixture *f;
    atomic_int waited;
};

static void *ask_once(void *ctx)
{
    struct late *late = ctx;
    struct buf out = {0};
    int64_t began_us = clock_steady_us();

    if (cache_get(late->f->cache, STR("k"), 7, NOW, &out) != CACHE_ERROR ||
        milliseconds_since(began_us) >= CACHE_TIMEOUT_MS / 2)
        atomic_fetch_add(&late->waited, 1);
    buf_release(&out);
    return NULL;
}

static void a_stopped_redis_costs_one_time_out_a_pause(void **state)
{
    struct fixture *f = fixture(state);
    struct late late = {.f = f};
    pthread_t threads[THREADS];

    put(f, "k", 7, "v");
    assert_int_equal(get(f, "k", 7), CACHE_HIT);
    assert_int_equal(kill(f->server, SIGSTOP), 0);
    int64_t began_us = clock_steady_us();

    assert_int_equal(get(f, "k", 7), CACHE_ERROR);
    assert_true(milliseconds_since(began_us) >= CACHE_TIMEOUT_MS / 2);
    assert_true(milliseconds_since(began_us) < 5 * CACHE_TIMEOUT_MS);
    assert_not_asked(f);
    sleep_ms(CACHE_PAUSE_MS + 100);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_once, &late), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(late.waited, 1);
    assert_int_equal(kill(f->server, SIGCONT), 0);
    assert_back(f);
}

/* The threads have left connections behind that are all of the old server: one pause at most, not
 * one for each. */
static void a_restarted_redis_is_used_again(void **state)
{
    struct fixture *f = fixture(state);

    use_by_many_threads(f);
    stop_server(f);
    start_server(f);
    assert_back(f);
    use_by_many_threads(f);
}

/* -- URLs -------------------------------------------------------------------------------------- */

static void refuses_other_urls_and_repeats_no_password(void **state)
{
    (void)state;
    static const char *const urls[] = {"",          "memory",
                                       "memory:x",  "redis",
                                       "disk:/tmp", "memcached://secret@127.0.0.1",
                                       "redis:x",   "redis://:secret@127.0.0.1:notaport"};

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct cache *cache = NULL;
        struct err err = {0};

        if (cache_open(str_from(urls[i]), &cache, &err) != ERR_INVALID)
            fail_msg("%s was not refused", urls[i]);
        assert_null(cache);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "secret"));
    }
}

/* What Redis does not answer within some milliseconds is an error. */
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down)
#define IN_REDIS(test) TIMED_TEST_IN(test, set_up_redis, tear_down)
#define BOTH(test)                                                                                 \
    {#test " (memory)", test, set_up_memory, tear_down, NULL},                                     \
        TIMED_TEST_AS(#test " (Redis)", test, set_up_redis, tear_down)
#define OWN_SERVER(test) TIMED_TEST_IN(test, set_up_server, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(gives_back_what_was_put),
        BOTH(never_serves_another_stamp),
        BOTH(forgets_after_five_minutes_of_the_clock_given),
        BOTH(keeps_keys_and_values_up_to_their_bounds),
        BOTH(serves_many_threads),
        BOTH(forgets_everything_when_told),
        BOTH(keeps_no_answer_that_was_asked_for_before_it_was_cleared),
        BOTH(is_cleared_beside_many_threads),
        IN_MEMORY(forgets_what_was_not_used_longest),
        IN_REDIS(names_its_keys_and_lets_redis_forget_them),
        IN_REDIS(never_serves_the_answer_of_another_key_with_the_same_hash),
        IN_REDIS(takes_what_it_cannot_read_for_a_miss),
        IN_REDIS(goes_on_after_an_answer_that_is_an_error),
        IN_REDIS(clears_nothing_that_is_not_its_own),
        OWN_SERVER(bounds_what_it_puts_into_redis),
        OWN_SERVER(a_missing_redis_costs_next_to_nothing),
        OWN_SERVER(says_that_it_cannot_be_cleared_now),
        OWN_SERVER(a_stopped_redis_costs_one_time_out_a_pause),
        OWN_SERVER(a_restarted_redis_is_used_again),
        cmocka_unit_test(refuses_other_urls_and_repeats_no_password),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
