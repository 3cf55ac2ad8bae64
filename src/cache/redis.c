/*
 * cache/redis.c -- the cache in Redis, shared by all nodes.
 *
 *     analytics:cache:<XXH3 with 128 bits of the key, 32 hex digits>
 *         "1 STAMP MADE_MS KEY_LENGTH\n", the key, the value; EX CACHE_SECONDS
 *
 * The whole key stands in the value: of two keys with the same hash, the one put last is there and
 * the other one is a miss, never another tenant's answer. What cannot be read as this is a miss too
 * (a later format begins with another number), and the next put replaces it.
 *
 * Threads. A connection is one thread's at a time: taken from the idle ones, or made where there
 * is none, and given back after its answer. So there are as many as threads that asked at once;
 * IDLE_MAX are kept. After a failure all idle ones are closed, since a server that was restarted
 * has forgotten them as well, and until `pause_ends_us` nobody asks. The first who comes after that
 * moves the end on and asks, so that a server that hangs costs one time-out a pause, not one for
 * each thread.
 */
#include "cache/cache_internal.h"

#include "base/arena.h"
#include "base/clock.h"
#include "redis/redis.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#define PREFIX "analytics:cache:"

enum { IDLE_MAX = 64, NAME_SIZE = 64, CURSOR_SIZE = 24 };

struct redis_cache {
    struct cache base;
    struct arena arena; /* the URL */
    struct redis_config config;
    pthread_mutex_t lock;
    struct redis *idle[IDLE_MAX];
    size_t idle_count;
    int64_t pause_ends_us; /* of the steady clock; 0: Redis answers */
    int64_t budget_from_ms;
    size_t budget_used; /* bytes put since then */
};

/* -- connections ------------------------------------------------------------------------------- */

/* NULL: Redis is not to be asked now. */
static struct redis *take(struct redis_cache *cache)
{
    struct redis *redis = NULL;
    struct err err = {0};
    bool ask = true;

    (void)pthread_mutex_lock(&cache->lock);
    if (cache->pause_ends_us != 0) {
        int64_t now_us = clock_steady_us();
        ask = now_us >= cache->pause_ends_us;
        if (ask)
            cache->pause_ends_us = now_us + CACHE_PAUSE_MS * INT64_C(1000);
    }
    if (ask && cache->idle_count > 0)
        redis = cache->idle[--cache->idle_count];
    (void)pthread_mutex_unlock(&cache->lock);
    if (ask && redis == NULL)
        (void)redis_open(&cache->config, &redis, &err); /* the URL was good when it was opened */
    return redis;
}

static void give(struct redis_cache *cache, struct redis *redis)
{
    (void)pthread_mutex_lock(&cache->lock);
    cache->pause_ends_us = 0;
    if (cache->idle_count < IDLE_MAX) {
        cache->idle[cache->idle_count++] = redis;
        redis = NULL;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    redis_close(&redis);
}

static void give_broken(struct redis_cache *cache, struct redis *redis)
{
    struct redis *idle[IDLE_MAX];

    (void)pthread_mutex_lock(&cache->lock);
    size_t count = cache->idle_count;

    memcpy(idle, cache->idle, count * sizeof(idle[0]));
    cache->idle_count = 0;
    cache->pause_ends_us = clock_steady_us() + CACHE_PAUSE_MS * INT64_C(1000);
    (void)pthread_mutex_unlock(&cache->lock);
    for (size_t i = 0; i < count; i++)
        redis_close(&idle[i]);
    redis_close(&redis);
}

/* An answer that is an error (-OOM, say) leaves a connection that works. */
static void give_after(struct redis_cache *cache, struct redis *redis, int rc)
{
    if (rc == 0 || rc == ERR_SYSTEM || rc == ERR_FULL)
        give(cache, redis);
    else
        give_broken(cache, redis);
}

/* -- values ------------------------------------------------------------------------------------ */

/* The key's name in Redis. */
static struct str key_name(struct str key, char name[NAME_SIZE])
{
    XXH128_hash_t hash = XXH3_128bits(key.ptr, key.len);

    (void)snprintf(name, NAME_SIZE, PREFIX "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
    return str_from(name);
}

static void write_value(struct str key, int64_t stamp, int64_t now_ms, struct str value,
                        struct buf *out)
{
    buf_addf(out, "1 %" PRId64 " %" PRId64 " %zu\n", stamp, now_ms, key.len);
    buf_add(out, key);
    buf_add(out, value);
}

static bool next_number(struct str *rest, int64_t *out)
{
    struct str word;

    return str_next(rest, ' ', &word) && str_to_i64(word, out);
}

static enum cache_result read_value(struct str text, struct str key, int64_t stamp, int64_t now_ms,
                                    struct buf *out)
{
    int64_t format, kept, made_ms, key_len;
    size_t end = str_find(text, 0, '\n');
    struct str head = str_slice(text, 0, end), body = str_slice(text, end + 1, text.len);

    if (!next_number(&head, &format) || format != 1 || !next_number(&head, &kept) ||
        !next_number(&head, &made_ms) || !next_number(&head, &key_len) || head.ptr != NULL)
        return CACHE_MISS;
    if (key_len < 0 || (uint64_t)key_len != key.len || !str_starts(body, key))
        return CACHE_MISS;
    enum cache_result result = cache_judge(kept, made_ms, stamp, now_ms);

    if (result == CACHE_HIT)
        buf_add(out, str_slice(body, key.len, body.len));
    return result;
}

/* Take `bytes` from what may be put in this period. */
static bool afford(struct redis_cache *cache, size_t bytes, int64_t now_ms)
{
    (void)pthread_mutex_lock(&cache->lock);
    int64_t age_ms = now_ms - cache->budget_from_ms;

    if (age_ms < 0 || age_ms >= CACHE_SECONDS * INT64_C(1000)) {
        cache->budget_from_ms = now_ms;
        cache->budget_used = 0;
    }
    bool enough = bytes <= CACHE_REDIS_BYTES - cache->budget_used;

    if (enough)
        cache->budget_used += bytes;
    (void)pthread_mutex_unlock(&cache->lock);
    return enough;
}

/* -- the cache --------------------------------------------------------------------------------- */

static int redis_cache_open(struct str url, struct cache **out, struct err *err)
{
    struct redis_cache *cache = cache_alloc(sizeof(*cache));
    struct redis *first = NULL;

    cache->base.ops = &cache_redis;
    cache->config =
        (struct redis_config){.url = arena_str(&cache->arena, url), .timeout_ms = CACHE_TIMEOUT_MS};
    int rc = redis_open(&cache->config, &first, err);

    if (rc != 0) {
        arena_free(&cache->arena);
        free(cache);
        return rc;
    }
    (void)pthread_mutex_init(&cache->lock, NULL);
    cache->idle[cache->idle_count++] = first;
    *out = &cache->base;
    return 0;
}

static void redis_cache_close(struct cache *base)
{
    struct redis_cache *cache = (struct redis_cache *)base;

    while (cache->idle_count > 0)
        redis_close(&cache->idle[--cache->idle_count]);
    (void)pthread_mutex_destroy(&cache->lock);
    arena_free(&cache->arena);
    free(cache);
}

static enum cache_result redis_cache_get(struct cache *base, struct str key, int64_t stamp,
                                         int64_t now_ms, struct buf *out)
{
    struct redis_cache *cache = (struct redis_cache *)base;
    struct redis *redis = take(cache);
    const struct redis_reply *reply = NULL;
    enum cache_result result = CACHE_ERROR;
    char name[NAME_SIZE];
    struct err err = {0}; /* nobody is told: the metrics count errors */

    if (redis == NULL)
        return CACHE_ERROR;
    const struct str args[] = {STR("GET"), key_name(key, name)};
    int rc = redis_call(redis, args, sizeof(args) / sizeof(args[0]), &reply, &err);

    if (rc == 0 && reply->type == REDIS_NIL)
        result = CACHE_MISS;
    else if (rc == 0 && reply->type == REDIS_TEXT)
        result = read_value(reply->text, key, stamp, now_ms, out);
    give_after(cache, redis, rc);
    return result;
}

static void redis_cache_put(struct cache *base, struct str key, int64_t stamp, int64_t now_ms,
                            struct str value)
{
    struct redis_cache *cache = (struct redis_cache *)base;
    const struct redis_reply *reply = NULL;
    char name[NAME_SIZE], seconds[16];
    struct buf text = {0};
    struct redis *redis = NULL;
    struct err err = {0};

    write_value(key, stamp, now_ms, value, &text);
    if (!cache_is_late(base, now_ms) && afford(cache, text.len, now_ms))
        redis = take(cache);
    if (redis != NULL) {
        (void)snprintf(seconds, sizeof(seconds), "%d", CACHE_SECONDS);
        const struct str args[] = {STR("SET"), key_name(key, name), buf_str(&text), STR("EX"),
                                   str_from(seconds)};
        int rc = redis_call(redis, args, sizeof(args) / sizeof(args[0]), &reply, &err);

        /* Cleared meanwhile, perhaps before this was there. */
        if (rc == 0 && cache_is_late(base, now_ms)) {
            const struct str out[] = {STR("DEL"), args[1]};

            rc = redis_call(redis, out, 2, &reply, &err);
        }
        give_after(cache, redis, rc);
    }
    buf_release(&text);
}

/* -- clearing ---------------------------------------------------------------------------------- */

static int remove_keys(struct redis *redis, const struct redis_reply *keys, struct err *err)
{
    struct arena arena = {0};
    struct str *args = ARENA_NEW(&arena, struct str, keys->count + 1);
    const struct redis_reply *reply = NULL;

    args[0] = STR("DEL");
    for (size_t i = 0; i < keys->count; i++)
        args[1 + i] = arena_str(&arena, keys->items[i].text);
    int rc = keys->count == 0 ? 0 : redis_call(redis, args, keys->count + 1, &reply, err);

    arena_free(&arena);
    return rc;
}

/* A page of the keys; the cursor of the next one, "0" behind the last. */
static int clear_page(struct redis *redis, char cursor[CURSOR_SIZE], struct err *err)
{
    const struct redis_reply *reply = NULL;
    int rc = redis_call_words(redis, &reply, err, "SCAN", cursor, "MATCH", PREFIX "*", "COUNT",
                              "1000", NULL);

    if (rc < 0)
        return rc;
    if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[0].type != REDIS_TEXT ||
        reply->items[0].text.len >= CURSOR_SIZE || reply->items[1].type != REDIS_ARRAY)
        return err_set(err, ERR_SYSTEM, "Redis: the answer to SCAN is none");
    (void)snprintf(cursor, CURSOR_SIZE, "%.*s", STR_FMT(reply->items[0].text));
    return remove_keys(redis, &reply->items[1], err);
}

/* Over a connection of its own, for which there is more time. */
static int redis_cache_clear(struct cache *base, struct err *err)
{
    const struct redis_cache *cache = (const struct redis_cache *)base;
    const struct redis_config config = {.url = cache->config.url};
    char cursor[CURSOR_SIZE] = "0";
    struct redis *redis = NULL;
    int rc = redis_open(&config, &redis, err);

    do
        rc = rc == 0 ? clear_page(redis, cursor, err) : rc;
    while (rc == 0 && strcmp(cursor, "0") != 0);
    redis_close(&redis);
    return rc;
}

const struct cache_ops cache_redis = {.open = redis_cache_open,
                                      .close = redis_cache_close,
                                      .get = redis_cache_get,
                                      .put = redis_cache_put,
                                      .clear = redis_cache_clear};
