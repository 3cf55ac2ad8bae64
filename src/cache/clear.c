/*
 * cache/clear.c -- forgetting everything.
 *
 * Who asked before that and has not put the answer yet must not put it any more: it may hold what
 * was to be forgotten. So the time of clearing is noted first, and what was asked for up to then is
 * not kept. A clock that was set back by more than CLEARED_MS since does not stop the cache.
 */
#include "cache/cache_internal.h"

#include "base/clock.h"

/* No answer takes longer. */
enum { CLEARED_MS = 60 * 1000 };

bool cache_is_late(const struct cache *cache, int64_t now_ms)
{
    int64_t cleared_ms = atomic_load(&cache->cleared_ms), age_ms;

    return cleared_ms != 0 && !__builtin_sub_overflow(cleared_ms, now_ms, &age_ms) && age_ms >= 0 &&
           age_ms < CLEARED_MS;
}

int cache_clear(struct cache *cache, struct err *err)
{
    atomic_store(&cache->cleared_ms, clock_wall_ms());
    return cache->ops->clear(cache, err);
}
