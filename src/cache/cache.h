/*
 * cache/cache.h -- answers for five minutes, in the process ("memory:") or in Redis ("redis:...",
 * "redis+sentinel:...", see redis/redis.h).
 *
 * A value is kept with a stamp (store_stamp()); asked with another stamp it is not there. That is
 * how the job refreshes the cache for the sites that it touched: its commit makes their stamp
 * another one, so that the very next question is answered from the store, and kept anew. Nobody
 * has to tell the cache, and nothing that is told can be lost.
 *
 * Nothing here is needed: where Redis is missing or slow (CACHE_TIMEOUT_MS), every question is an
 * error, which the caller takes for a miss, and for CACHE_PAUSE_MS Redis is not asked at all; then
 * one caller tries for all. The cache in memory is bounded in bytes and forgets what was not used
 * longest. Redis is shared with the queue, which must not run out of memory for the cache's sake: a
 * process puts at most CACHE_REDIS_BYTES in each period of CACHE_SECONDS, after which Redis has
 * forgotten them, so that it never holds more than twice as much for one process.
 *
 * Any thread.
 */
#ifndef ABACUS_CACHE_CACHE_H
#define ABACUS_CACHE_CACHE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;

enum {
    CACHE_SECONDS = 300,
    CACHE_MEMORY_BYTES = 16 * 1024 * 1024,
    CACHE_REDIS_BYTES = 64 * 1024 * 1024,
    CACHE_KEY_MAX = 16 * 1024,    /* neither longer keys ... */
    CACHE_VALUE_MAX = 256 * 1024, /* ... nor larger values are kept */
    CACHE_TIMEOUT_MS = 50,
    CACHE_PAUSE_MS = 3000,
};

/* ERR_INVALID: not such a URL. Never connects. */
int cache_open(struct str url, struct cache **out, struct err *err);
void cache_close(struct cache **cache);

enum cache_result { CACHE_HIT, CACHE_MISS, CACHE_STALE, CACHE_ERROR };
/* With CACHE_HIT the value is appended to `out`. STALE: it is there with another stamp, or too old;
 * ERROR: the cache cannot be asked now. `now_ms` is the wall clock's. */
enum cache_result cache_get(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                            struct buf *out);
/* In place of what is kept under `key`. */
void cache_put(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
               struct str value);
/* Everything that is kept, whoever kept it. Redis: its keys one page after the other; it may fail,
 * and may be asked again. */
int cache_clear(struct cache *cache, struct err *err);

#endif
