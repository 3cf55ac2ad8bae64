/*
 * cache/memory.c -- the cache in the process: a hash table whose entries also stand in one ring, by
 * use. When the entries have more than CACHE_MEMORY_BYTES, those used longest ago go.
 *
 * One lock for everything: it is held for a look-up and a copy of at most CACHE_VALUE_MAX. Entries
 * that have become stale stay where they are; the put that follows replaces them, or nobody asks
 * again and they reach the end of the ring.
 */
#include "cache/cache_internal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    CHAINS = 1 << 14,
    ALLOCATION = 16, /* what malloc() adds to an entry, about */
};

struct link {
    struct link *newer, *older;
};

struct entry {
    struct link link; /* first: a link of the ring is its entry */
    struct entry *chain;
    uint64_t hash;
    int64_t stamp, made_ms;
    size_t key_len, value_len;
    char bytes[]; /* key, value */
};

struct memory_cache {
    struct cache base;
    pthread_mutex_t lock;
    size_t bytes;     /* of all entries */
    struct link ring; /* ring.older is the entry used last, ring.newer the one used longest ago */
    struct entry *chains[CHAINS];
};

/* -- entries ----------------------------------------------------------------------------------- */

static struct str entry_key(const struct entry *entry)
{
    return (struct str){entry->bytes, entry->key_len};
}

static struct str entry_value(const struct entry *entry)
{
    return (struct str){entry->bytes + entry->key_len, entry->value_len};
}

static size_t entry_bytes(const struct entry *entry)
{
    return ALLOCATION + sizeof(*entry) + entry->key_len + entry->value_len;
}

static void unlink_use(struct entry *entry)
{
    entry->link.newer->older = entry->link.older;
    entry->link.older->newer = entry->link.newer;
}

static void link_newest(struct memory_cache *cache, struct entry *entry)
{
    entry->link = (struct link){.newer = &cache->ring, .older = cache->ring.older};
    entry->link.older->newer = &entry->link;
    cache->ring.older = &entry->link;
}

/* Where the entry of this key hangs, or where one would: then what is there is NULL. */
static struct entry **find(struct memory_cache *cache, struct str key, uint64_t hash)
{
    struct entry **at = &cache->chains[hash % CHAINS];

    while (*at != NULL && ((*at)->hash != hash || !str_eq(entry_key(*at), key)))
        at = &(*at)->chain;
    return at;
}

static void drop(struct memory_cache *cache, struct entry **at)
{
    struct entry *entry = *at;

    *at = entry->chain;
    unlink_use(entry);
    cache->bytes -= entry_bytes(entry);
    free(entry);
}

static void drop_oldest(struct memory_cache *cache)
{
    struct entry *oldest = (struct entry *)cache->ring.newer;
    struct entry **at = find(cache, entry_key(oldest), oldest->hash);

    assert(*at == oldest);
    drop(cache, at);
}

static struct entry *entry_new(struct str key, uint64_t hash, int64_t stamp, int64_t now_ms,
                               struct str value)
{
    struct entry *entry = cache_alloc(sizeof(*entry) + key.len + value.len);

    entry->hash = hash;
    entry->stamp = stamp;
    entry->made_ms = now_ms;
    entry->key_len = key.len;
    entry->value_len = value.len;
    if (key.len > 0)
        memcpy(entry->bytes, key.ptr, key.len);
    if (value.len > 0)
        memcpy(entry->bytes + key.len, value.ptr, value.len);
    return entry;
}

/* -- the cache --------------------------------------------------------------------------------- */

static int memory_open(struct str url, struct cache **out, struct err *err)
{
    if (!str_eq(url, STR("memory:")))
        return err_set(err, ERR_INVALID, "a cache in memory is \"memory:\" and nothing behind it");
    struct memory_cache *cache = cache_alloc(sizeof(*cache));

    cache->base.ops = &cache_memory;
    cache->ring = (struct link){&cache->ring, &cache->ring};
    (void)pthread_mutex_init(&cache->lock, NULL);
    *out = &cache->base;
    return 0;
}

static void drop_all(struct memory_cache *cache)
{
    while (cache->ring.newer != &cache->ring)
        drop_oldest(cache);
}

static void memory_close(struct cache *base)
{
    struct memory_cache *cache = (struct memory_cache *)base;

    drop_all(cache);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static enum cache_result memory_get(struct cache *base, struct str key, int64_t stamp,
                                    int64_t now_ms, struct buf *out)
{
    struct memory_cache *cache = (struct memory_cache *)base;
    enum cache_result result = CACHE_MISS;
    uint64_t hash = XXH3_64bits(key.ptr, key.len);

    (void)pthread_mutex_lock(&cache->lock);
    struct entry *entry = *find(cache, key, hash);

    if (entry != NULL)
        result = cache_judge(entry->stamp, entry->made_ms, stamp, now_ms);
    if (result == CACHE_HIT) {
        buf_add(out, entry_value(entry));
        unlink_use(entry);
        link_newest(cache, entry);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return result;
}

static void memory_put(struct cache *base, struct str key, int64_t stamp, int64_t now_ms,
                       struct str value)
{
    struct memory_cache *cache = (struct memory_cache *)base;
    uint64_t hash = XXH3_64bits(key.ptr, key.len);
    struct entry *entry = entry_new(key, hash, stamp, now_ms, value);

    (void)pthread_mutex_lock(&cache->lock);
    if (cache_is_late(base, now_ms)) {
        (void)pthread_mutex_unlock(&cache->lock);
        free(entry);
        return;
    }
    struct entry **at = find(cache, key, hash);

    if (*at != NULL)
        drop(cache, at);
    struct entry **chain = &cache->chains[hash % CHAINS];

    entry->chain = *chain;
    *chain = entry;
    link_newest(cache, entry);
    cache->bytes += entry_bytes(entry);
    while (cache->bytes > CACHE_MEMORY_BYTES)
        drop_oldest(cache);
    (void)pthread_mutex_unlock(&cache->lock);
}

static int memory_clear(struct cache *base, struct err *err)
{
    struct memory_cache *cache = (struct memory_cache *)base;

    (void)err;
    (void)pthread_mutex_lock(&cache->lock);
    drop_all(cache);
    (void)pthread_mutex_unlock(&cache->lock);
    return 0;
}

const struct cache_ops cache_memory = {.open = memory_open,
                                       .close = memory_close,
                                       .get = memory_get,
                                       .put = memory_put,
                                       .clear = memory_clear};
