/*
 * cache/cache.c -- which kind of cache a URL means, and the rules that hold for each: what is too
 * large to be kept, and when a value is no answer any more.
 */
#include "cache/cache_internal.h"

#include "base/must.h"

#include <stdlib.h>

static const struct {
    struct str scheme;
    const struct cache_ops *ops;
} kinds[] = {
    {STR_INIT("memory:"), &cache_memory},
    {STR_INIT("redis:"), &cache_redis},
    {STR_INIT("redis+sentinel:"), &cache_redis},
};

void *cache_alloc(size_t size)
{
    return must(calloc(1, size));
}

/* A value may come from a node whose clock is a little ahead: its age counts in both directions. */
enum cache_result cache_judge(int64_t kept, int64_t made_ms, int64_t stamp, int64_t now_ms)
{
    int64_t lifetime_ms = CACHE_SECONDS * INT64_C(1000), age_ms;

    if (kept != stamp || __builtin_sub_overflow(now_ms, made_ms, &age_ms))
        return CACHE_STALE;
    return age_ms < lifetime_ms && age_ms > -lifetime_ms ? CACHE_HIT : CACHE_STALE;
}

/* The URL may hold a password: no message repeats it. */
int cache_open(struct str url, struct cache **out, struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_starts(url, kinds[i].scheme))
            return kinds[i].ops->open(url, out, err);
    return err_set(err, ERR_INVALID,
                   "a cache is memory:, redis://... or redis+sentinel://..., nothing else");
}

void cache_close(struct cache **cache)
{
    if (*cache != NULL)
        (*cache)->ops->close(*cache);
    *cache = NULL;
}

enum cache_result cache_get(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                            struct buf *out)
{
    if (key.len > CACHE_KEY_MAX)
        return CACHE_MISS;
    return cache->ops->get(cache, key, stamp, now_ms, out);
}

void cache_put(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms, struct str value)
{
    if (key.len <= CACHE_KEY_MAX && value.len <= CACHE_VALUE_MAX)
        cache->ops->put(cache, key, stamp, now_ms, value);
}
