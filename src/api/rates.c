#include "api/rates.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

struct bucket {
    struct bucket *next;
    double level;
    int64_t filled_us;
    struct str site;
};

enum { CHAINS = 256 };

struct rates {
    pthread_mutex_t lock;
    struct arena arena;
    struct bucket *chains[CHAINS];
};

struct rates *rates_new(void)
{
    struct rates *rates = calloc(1, sizeof(*rates));

    if (rates == NULL || pthread_mutex_init(&rates->lock, NULL) != 0)
        abort();
    return rates;
}

void rates_free(struct rates **rates)
{
    if (*rates == NULL)
        return;
    (void)pthread_mutex_destroy(&(*rates)->lock);
    arena_free(&(*rates)->arena);
    free(*rates);
    *rates = NULL;
}

static double capacity(int64_t per_second)
{
    return per_second > RATE_BURST_MIN ? (double)per_second : RATE_BURST_MIN;
}

static struct bucket *bucket_get(struct rates *rates, struct str site, int64_t per_second,
                                 int64_t now_us)
{
    struct bucket **chain = &rates->chains[XXH3_64bits(site.ptr, site.len) % CHAINS];
    struct bucket *bucket = *chain;

    while (bucket != NULL && !str_eq(bucket->site, site))
        bucket = bucket->next;
    if (bucket == NULL) {
        bucket = ARENA_NEW(&rates->arena, struct bucket, 1);
        *bucket =
            (struct bucket){*chain, capacity(per_second), now_us, arena_str(&rates->arena, site)};
        *chain = bucket;
    }
    return bucket;
}

bool rates_take(struct rates *rates, struct str site, int64_t per_second, size_t events,
                int64_t now_us)
{
    (void)pthread_mutex_lock(&rates->lock);
    struct bucket *bucket = bucket_get(rates, site, per_second, now_us);
    double most = capacity(per_second);

    bucket->level += (double)(now_us - bucket->filled_us) / 1e6 * (double)per_second;
    bucket->level = bucket->level < most ? bucket->level : most;
    bucket->filled_us = now_us;
    bool enough = bucket->level >= (double)events;

    if (enough)
        bucket->level -= (double)events;
    (void)pthread_mutex_unlock(&rates->lock);
    return enough;
}
