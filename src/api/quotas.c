/*
 * api/quotas.c -- buckets and months, by tenant and by site.
 *
 * Of a month an entry knows what the ledger held (`counted`) and what was taken here on top of it
 * (`taken`). While events keep coming nobody can tell which of those that were taken are in a newer
 * sum already, so the greater of the two views holds: the node's own, or the ledger's, where others
 * have added to it. Once everything of this node up to well behind the last event taken is counted,
 * the ledger holds all of them, and it alone counts.
 *
 * Entries stay until the node stops: there are no more than tenants and sites.
 */
#include "api/quotas.h"

#include "api/rates.h"
#include "base/date.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

enum { CHAINS = 1024, MINUTE_S = 60 };

/* A bucket that refills steadily; it begins full. */
struct bucket {
    bool begun;
    double level;
    int64_t filled_us;
};

struct entry {
    struct entry *next;
    bool is_site;
    struct str id;
    struct bucket events, reads, public_reads;
    int32_t month;    /* its first day */
    int64_t counted;  /* by the ledger */
    int64_t taken;    /* here, and not in `counted` */
    int64_t taken_ms; /* when last */
    int64_t queued;   /* found in the log since the last sums */
    int64_t sum;      /* of the rows of new sums */
};

struct quotas {
    pthread_mutex_t lock;
    struct arena arena;
    struct entry *chains[CHAINS];
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = calloc(1, sizeof(*quotas));

    if (quotas == NULL || pthread_mutex_init(&quotas->lock, NULL) != 0)
        abort();
    return quotas;
}

void quotas_free(struct quotas **quotas)
{
    if (*quotas == NULL)
        return;
    (void)pthread_mutex_destroy(&(*quotas)->lock);
    arena_free(&(*quotas)->arena);
    free(*quotas);
    *quotas = NULL;
}

static struct entry *entry_get(struct quotas *quotas, bool is_site, struct str id)
{
    struct entry **chain = &quotas->chains[XXH3_64bits_withSeed(id.ptr, id.len, is_site) % CHAINS];
    struct entry *entry = *chain;

    while (entry != NULL && (entry->is_site != is_site || !str_eq(entry->id, id)))
        entry = entry->next;
    if (entry == NULL) {
        entry = ARENA_NEW(&quotas->arena, struct entry, 1);
        *entry =
            (struct entry){.next = *chain, .is_site = is_site, .id = arena_str(&quotas->arena, id)};
        *chain = entry;
    }
    return entry;
}

/* -- buckets ----------------------------------------------------------------------------------- */

static double fill(struct bucket *bucket, double most, double per_second, int64_t now_us)
{
    if (!bucket->begun)
        bucket->level = most;
    else
        bucket->level += (double)(now_us - bucket->filled_us) / 1e6 * per_second;
    bucket->begun = true;
    bucket->level = bucket->level < most ? bucket->level : most;
    bucket->filled_us = now_us;
    return bucket->level;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t fits_second(struct entry *entry, int64_t per_second, size_t events, int64_t now_us)
{
    double most = per_second > RATE_BURST_MIN ? (double)per_second : RATE_BURST_MIN;

    if (per_second == 0)
        return events;
    return least(events, (size_t)fill(&entry->events, most, (double)per_second, now_us));
}

bool quotas_take_read(struct quotas *quotas, const struct tenant *tenant, bool public,
                      int64_t now_us, int64_t *retry_after_s)
{
    double per_second = (double)tenant->reads_per_minute / MINUTE_S;

    if (tenant->reads_per_minute == 0)
        return true;
    (void)pthread_mutex_lock(&quotas->lock);
    struct entry *entry = entry_get(quotas, false, tenant->id);
    struct bucket *bucket = public ? &entry->public_reads : &entry->reads;
    double level = fill(bucket, (double)tenant->reads_per_minute, per_second, now_us);

    if (level >= 1)
        bucket->level -= 1;
    else
        *retry_after_s = (int64_t)ceil((1 - level) / per_second);
    (void)pthread_mutex_unlock(&quotas->lock);
    return level >= 1;
}

/* -- months ------------------------------------------------------------------------------------ */

int32_t quotas_month(int64_t now_ms, int32_t *last_day)
{
    struct civil civil = date_to_civil((int32_t)(now_ms / DAY_MS));
    int32_t first = date_from_civil(civil.year, civil.month, 1);

    *last_day = date_add_months(first, 1) - 1;
    return first;
}

static void enter_month(struct entry *entry, int32_t month)
{
    if (entry->month == month)
        return;
    entry->month = month;
    entry->counted = 0;
    entry->taken = 0;
}

static size_t fits_month(struct entry *entry, int64_t per_month, size_t events, int32_t month)
{
    if (per_month == 0)
        return events;
    enter_month(entry, month);
    int64_t left = per_month - entry->counted - entry->taken;

    return left <= 0 ? 0 : least(events, (size_t)left);
}

static void take_month(struct entry *entry, int64_t per_month, size_t events, int64_t now_ms)
{
    if (per_month == 0 || events == 0)
        return;
    entry->taken += (int64_t)events;
    entry->taken_ms = now_ms;
}

static size_t take(struct quotas *quotas, const struct site *site, const struct tenant *tenant,
                   size_t events, int64_t now_us, int64_t now_ms)
{
    struct entry *of_tenant = entry_get(quotas, false, tenant->id);
    struct entry *of_site = entry_get(quotas, true, site->id);
    int32_t last, month = quotas_month(now_ms, &last);
    size_t fits = fits_second(of_tenant, tenant->events_per_second, events, now_us);

    fits = fits_month(of_tenant, tenant->events_per_month, fits, month);
    fits = fits_month(of_site, site->events_per_month, fits, month);
    if (tenant->events_per_second > 0)
        of_tenant->events.level -= (double)fits;
    take_month(of_tenant, tenant->events_per_month, fits, now_ms);
    take_month(of_site, site->events_per_month, fits, now_ms);
    return fits;
}

/* Whose limits hold for the site: `none` where its tenant is not known. */
static const struct tenant *owner_of(const struct site *site, struct tenant *none)
{
    *none = (struct tenant){.id = site->tenant};
    return site->owner == NULL ? none : site->owner;
}

static bool is_unlimited(const struct site *site, const struct tenant *tenant)
{
    return tenant->events_per_second == 0 && tenant->events_per_month == 0 &&
           site->events_per_month == 0;
}

size_t quotas_take(struct quotas *quotas, const struct site *site, size_t events, int64_t now_us,
                   int64_t now_ms)
{
    struct tenant none;
    const struct tenant *tenant = owner_of(site, &none);

    if (is_unlimited(site, tenant))
        return events;
    (void)pthread_mutex_lock(&quotas->lock);
    size_t fits = take(quotas, site, tenant, events, now_us, now_ms);

    (void)pthread_mutex_unlock(&quotas->lock);
    return fits;
}

static void give_month(struct entry *entry, int64_t per_month, size_t events)
{
    if (per_month > 0)
        entry->taken -= (int64_t)events < entry->taken ? (int64_t)events : entry->taken;
}

void quotas_give(struct quotas *quotas, const struct site *site, size_t events)
{
    struct tenant none;
    const struct tenant *tenant = owner_of(site, &none);

    if (is_unlimited(site, tenant) || events == 0)
        return;
    (void)pthread_mutex_lock(&quotas->lock);
    struct entry *entry = entry_get(quotas, false, tenant->id);

    if (tenant->events_per_second > 0)
        entry->events.level += (double)events;
    give_month(entry, tenant->events_per_month, events);
    give_month(entry_get(quotas, true, site->id), site->events_per_month, events);
    (void)pthread_mutex_unlock(&quotas->lock);
}

/* -- the ledger's ------------------------------------------------------------------------------ */

bool quotas_wanted(const struct snapshot *snapshot)
{
    const struct site *const *sites;
    size_t count = snapshot_sites(snapshot, STR(""), &sites);

    for (size_t i = 0; i < count; i++)
        if (sites[i]->events_per_month > 0 ||
            (sites[i]->owner != NULL && sites[i]->owner->events_per_month > 0))
            return true;
    return false;
}

/* New sums of its month. */
static void settle(struct entry *entry, int32_t month, int64_t settled_ms)
{
    if (entry->month > month)
        return;
    enter_month(entry, month);
    entry->queued = 0;
    if (entry->taken_ms + QUOTAS_LATE_MS < settled_ms) {
        entry->counted = entry->sum;
        entry->taken = 0;
    } else if (entry->sum > entry->counted + entry->taken) {
        entry->counted = entry->sum - entry->taken;
    }
}

void quotas_used(struct quotas *quotas, int32_t month, const struct usage_row *rows, size_t count,
                 int64_t settled_ms)
{
    (void)pthread_mutex_lock(&quotas->lock);
    for (size_t i = 0; i < count; i++) {
        entry_get(quotas, false, rows[i].tenant)->sum += rows[i].stored;
        entry_get(quotas, true, rows[i].site)->sum += rows[i].stored;
    }
    for (size_t i = 0; i < CHAINS; i++)
        for (struct entry *entry = quotas->chains[i]; entry != NULL; entry = entry->next) {
            settle(entry, month, settled_ms);
            entry->sum = 0;
        }
    (void)pthread_mutex_unlock(&quotas->lock);
}

/* Those that were taken since the node began are in the log, too. */
static void add_queued(struct entry *entry, int32_t month, int64_t now_ms)
{
    enter_month(entry, month);
    entry->queued++;
    if (entry->taken < entry->queued)
        entry->taken = entry->queued;
    entry->taken_ms = now_ms;
}

void quotas_queued(struct quotas *quotas, struct str tenant, struct str site, int64_t now_ms)
{
    int32_t last, month = quotas_month(now_ms, &last);

    (void)pthread_mutex_lock(&quotas->lock);
    add_queued(entry_get(quotas, false, tenant), month, now_ms);
    add_queued(entry_get(quotas, true, site), month, now_ms);
    (void)pthread_mutex_unlock(&quotas->lock);
}
