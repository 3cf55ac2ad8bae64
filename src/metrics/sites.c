/*
 * metrics/sites.c -- the series of sites: made once, found without a lock, bounded.
 *
 * An open-addressed table of pointers that only gains entries. Whoever does not find a site looks
 * again under the lock before adding it. Once METRICS_SITES_MAX sites have series, all further ones
 * share the series "__other__", and counts never move: a site keeps what it was given at first.
 */
#include "metrics/metrics_internal.h"

static uint32_t hash_str(uint32_t hash, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 16777619U;
    return hash * 16777619U;
}

/* The site, or NULL and the free slot in *at. */
static struct metrics_site *find(struct metrics *metrics, struct str tenant, struct str site,
                                 size_t *at)
{
    uint32_t hash = hash_str(hash_str(2166136261U, tenant), site);

    for (size_t i = hash ^ (hash >> 16);; i++) {
        struct metrics_site *s =
            atomic_load_explicit(&metrics->slots[i % METRICS_SITE_SLOTS], memory_order_acquire);

        if (s == NULL) {
            *at = i % METRICS_SITE_SLOTS;
            return NULL;
        }
        if (str_eq(s->site, site) && str_eq(s->tenant, tenant))
            return s;
    }
}

static struct metrics_site *make(struct metrics *metrics, struct str tenant, struct str site)
{
    struct metrics_site *s = ARENA_NEW(&metrics->arena, struct metrics_site, 1);
    struct buf labels = {0};

    s->tenant = arena_str(&metrics->arena, tenant);
    s->site = arena_str(&metrics->arena, site);
    buf_add(&labels, STR("tenant=\""));
    metrics_escape(tenant, &labels);
    buf_add(&labels, STR("\",site=\""));
    metrics_escape(site, &labels);
    buf_addc(&labels, '"');
    s->labels = arena_str(&metrics->arena, buf_str(&labels));
    buf_release(&labels);
    return s;
}

static struct metrics_site *share_other(struct metrics *metrics)
{
    atomic_store_explicit(&metrics->other_used, true, memory_order_relaxed);
    return metrics->other;
}

static struct metrics_site *add(struct metrics *metrics, struct str tenant, struct str site)
{
    size_t count = atomic_load_explicit(&metrics->sites_count, memory_order_relaxed), at;
    struct metrics_site *s = find(metrics, tenant, site, &at);

    if (s != NULL)
        return s;
    if (count == METRICS_SITES_MAX)
        return share_other(metrics);
    s = make(metrics, tenant, site);
    atomic_store_explicit(&metrics->slots[at], s, memory_order_release);
    atomic_store_explicit(&metrics->sites[count], s, memory_order_relaxed);
    atomic_store_explicit(&metrics->sites_count, count + 1, memory_order_release);
    return s;
}

void metrics_sites_init(struct metrics *metrics)
{
    metrics->other = make(metrics, STR("__other__"), STR("__other__"));
}

struct metrics_site *metrics_site(struct metrics *metrics, struct str tenant, struct str site)
{
    size_t at;
    struct metrics_site *s = find(metrics, tenant, site, &at);

    if (s != NULL)
        return s;
    /* No site may have series of the same name as the shared one. */
    if (str_eq(site, metrics->other->site))
        return share_other(metrics);
    pthread_mutex_lock(&metrics->lock);
    s = add(metrics, tenant, site);
    pthread_mutex_unlock(&metrics->lock);
    return s;
}
