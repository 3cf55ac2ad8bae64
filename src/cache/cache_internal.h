/* cache/cache_internal.h -- what the two kinds of cache have in common. */
#ifndef ABACUS_CACHE_INTERNAL_H
#define ABACUS_CACHE_INTERNAL_H

#include "cache/cache.h"

/* A kind of cache: its struct begins with a struct cache. */
struct cache_ops {
    int (*open)(struct str url, struct cache **out, struct err *err);
    void (*close)(struct cache *cache);
    enum cache_result (*get)(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                             struct buf *out);
    void (*put)(struct cache *cache, struct str key, int64_t stamp, int64_t now_ms,
                struct str value);
};
extern const struct cache_ops cache_memory, cache_redis;

struct cache {
    const struct cache_ops *ops;
};

/* Zeroed; running out of memory ends the process. */
void *cache_alloc(size_t size);

/* What becomes of a value that was kept at `made_ms` with `kept`: CACHE_HIT or CACHE_STALE. */
enum cache_result cache_judge(int64_t kept, int64_t made_ms, int64_t stamp, int64_t now_ms);

#endif
