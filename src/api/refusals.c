#include "api/refusals.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

struct refusals {
    pthread_mutex_t lock;
    struct arena arena;   /* the tallies' strings; emptied with them */
    struct tally **table; /* open addressing */
    size_t size, count;
};

static struct tally **table_new(size_t size)
{
    struct tally **table = calloc(size, sizeof(struct tally *));

    if (table == NULL)
        abort();
    return table;
}

struct refusals *refusals_new(void)
{
    struct refusals *refusals = calloc(1, sizeof(*refusals));

    if (refusals == NULL || pthread_mutex_init(&refusals->lock, NULL) != 0)
        abort();
    refusals->size = 64;
    refusals->table = table_new(refusals->size);
    return refusals;
}

void refusals_free(struct refusals **refusals)
{
    if (*refusals == NULL)
        return;
    (void)pthread_mutex_destroy(&(*refusals)->lock);
    arena_free(&(*refusals)->arena);
    free((*refusals)->table);
    free(*refusals);
    *refusals = NULL;
}

static struct tally **find(struct tally **table, size_t size, struct str site, int32_t day,
                           uint8_t reason)
{
    size_t i = (size_t)XXH3_64bits_withSeed(site.ptr, site.len, (uint64_t)day * 256 + reason);

    for (;; i++) {
        struct tally **at = &table[i & (size - 1)];

        if (*at == NULL ||
            ((*at)->day == day && (*at)->reason == reason && str_eq((*at)->site, site)))
            return at;
    }
}

static void grow(struct refusals *refusals)
{
    size_t size = refusals->size * 2;
    struct tally **table = table_new(size);

    for (size_t i = 0; i < refusals->size; i++) {
        struct tally *tally = refusals->table[i];

        if (tally != NULL)
            *find(table, size, tally->site, tally->day, tally->reason) = tally;
    }
    free(refusals->table);
    refusals->table = table;
    refusals->size = size;
}

void refusals_add(struct refusals *refusals, const struct site *site, int32_t day,
                  enum reject_reason reason, uint64_t events)
{
    (void)pthread_mutex_lock(&refusals->lock);
    if (2 * (refusals->count + 1) > refusals->size)
        grow(refusals);
    struct tally **at = find(refusals->table, refusals->size, site->id, day, (uint8_t)reason);

    if (*at == NULL) {
        *at = ARENA_NEW(&refusals->arena, struct tally, 1);
        **at = (struct tally){.site = arena_str(&refusals->arena, site->id),
                              .tenant = arena_str(&refusals->arena, site->tenant),
                              .day = day,
                              .rejected = true,
                              .reason = (uint8_t)reason};
        refusals->count++;
    }
    (*at)->events += events;
    (void)pthread_mutex_unlock(&refusals->lock);
}

/* Append one tally; true if it is in the log. */
static bool append(struct api *api, const struct tally *tally)
{
    struct buf record = {0};
    struct err err = {0};

    tally_encode(tally, &record);
    struct log_entry entry = {site_partition(tally->site), buf_str(&record)};
    bool done = log_append(api->log, &entry, 1, NULL, &err) == 0;

    buf_release(&record);
    return done;
}

void api_flush_refusals(struct api *api)
{
    struct refusals *refusals = api->refusals;
    size_t left = 0;

    (void)pthread_mutex_lock(&refusals->lock);
    for (size_t i = 0; refusals->count > 0 && i < refusals->size; i++) {
        struct tally *tally = refusals->table[i];

        if (tally == NULL || tally->events == 0)
            continue;
        if (append(api, tally))
            tally->events = 0;
        else
            left++;
    }
    /* What found no room stays, and with it the table. */
    if (left == 0 && refusals->count > 0) {
        memset(refusals->table, 0, refusals->size * sizeof(refusals->table[0]));
        refusals->count = 0;
        arena_reset(&refusals->arena);
    }
    (void)pthread_mutex_unlock(&refusals->lock);
}
