/* cache/cache_internal.h -- what the two kinds of cache have in common. */
#ifndef ABACUS_CACHE_INTERNAL_H
#define ABACUS_CACHE_INTERNAL_H

#include "cache/cache.h"

#include <stdatomic.h>

/* A kind of cache: its struct begins with a struct cache. */
struct cache_ops {
    int (*open)(struct str url, struct cache **out, struct err *err);
    void (*close)(struct cache *cache);
    enum cache_result (*get)(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                             struct buf *out);
    void (*put)(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                struct str value);
    int (*clear)(struct cache *cache, struct err *err);
};
extern const struct cache_ops cache_memory, cache_redis;

struct cache {
    const struct cache_ops *ops;
    atomic_int_fast64_t cleared_ms; /* 0: never */
};

/* What is to be put was asked for at `now_ms`, before everything was cleared. A kind looks when
 * nothing can be cleared any more between that and its putting, or looks again afterwards. */
bool cache_is_late(const struct cache *cache, int64_t now_ms);

/* Zeroed; running out of memory ends the process. */
void *cache_alloc(size_t size);

/* What becomes of a value that was kept at `made_ms` with `kept`: CACHE_HIT or CACHE_STALE. */
enum cache_result cache_judge(int64_t kept, int64_t made_ms, int64_t stamp, int64_t now_ms);

#endif
