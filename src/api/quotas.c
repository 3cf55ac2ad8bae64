/*
 * api/quotas.c -- buckets and months, by tenant and by site.
 *
 * Of a month an entry knows what the ledger held (`counted`) and what was taken here on top of it
 * (`taken`). While events keep coming nobody can tell which of those that were taken are in a newer
 * sum already, so the greater of the two views holds: the node's own, or the ledger's, where others
 * have added to it. Once everything of this node up to well behind the last event taken is counted,
 * the ledger holds all of them, and it alone counts.
 *
 * No event is older than TIMESTAMP_PAST_DAYS, so that three months are enough.
 *
 * Entries stay until the node stops: there are no more than tenants and sites.
 */
#include "api/quotas.h"

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

struct month {
    int32_t first;    /* its first day */
    int64_t counted;  /* by the ledger */
    int64_t taken;    /* here, and not in `counted` */
    int64_t taken_ms; /* when last */
    int64_t queued;   /* found in the log since the last sums */
    int64_t sum;      /* of the rows of new sums */
};

struct entry {
    struct entry *next;
    bool is_site;
    struct str id;
    struct bucket events, reads, public_reads;
    struct month months[QUOTAS_MONTHS];
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
    double most = per_second > QUOTAS_BURST_MIN ? (double)per_second : QUOTAS_BURST_MIN;

    if (per_second == 0)
        return events;
    return least(events, (size_t)fill(&entry->events, most, (double)per_second, now_us));
}

bool quotas_take_second(struct quotas *quotas, const struct site *site, size_t events,
                        int64_t now_us)
{
    if (site->events_per_second == 0)
        return true;
    (void)pthread_mutex_lock(&quotas->lock);
    struct entry *entry = entry_get(quotas, true, site->id);
    bool all = fits_second(entry, site->events_per_second, events, now_us) == events;

    if (all)
        entry->events.level -= (double)events;
    (void)pthread_mutex_unlock(&quotas->lock);
    return all;
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

int32_t quotas_month(int32_t day, int32_t *last_day)
{
    struct civil civil = date_to_civil(day);
    int32_t first = date_from_civil(civil.year, civil.month, 1);

    if (last_day != NULL)
        *last_day = date_add_months(first, 1) - 1;
    return first;
}

/* It is a day earlier or later than in Greenwich at most. */
size_t quotas_months(int64_t now_ms, int32_t out[QUOTAS_MONTHS])
{
    int32_t today = (int32_t)(now_ms / DAY_MS), last = 0;
    size_t count = 0;

    for (int32_t day = today - TIMESTAMP_PAST_DAYS - 1; day <= today + 1; day = last + 1)
        out[count++] = quotas_month(day, &last);
    return count;
}

static struct month *month_get(struct entry *entry, int32_t first)
{
    struct civil civil = date_to_civil(first);
    struct month *month = &entry->months[(civil.year * 12 + civil.month) % QUOTAS_MONTHS];

    if (month->first != first)
        *month = (struct month){.first = first};
    return month;
}

static size_t fits_month(struct entry *entry, int64_t per_month, size_t events, int32_t first)
{
    if (per_month == 0)
        return events;
    const struct month *month = month_get(entry, first);
    int64_t left = per_month - month->counted - month->taken;

    return left <= 0 ? 0 : least(events, (size_t)left);
}

static void take_month(struct entry *entry, int64_t per_month, size_t events, int32_t first,
                       int64_t now_ms)
{
    if (per_month == 0 || events == 0)
        return;
    struct month *month = month_get(entry, first);

    month->taken += (int64_t)events;
    month->taken_ms = now_ms;
}

static size_t take(struct quotas *quotas, const struct site *site, const struct tenant *tenant,
                   int32_t month, size_t events, int64_t now_us, int64_t now_ms)
{
    struct entry *of_tenant = entry_get(quotas, false, tenant->id);
    struct entry *of_site = entry_get(quotas, true, site->id);
    size_t fits = fits_second(of_tenant, tenant->events_per_second, events, now_us);

    fits = fits_month(of_tenant, tenant->events_per_month, fits, month);
    fits = fits_month(of_site, site->events_per_month, fits, month);
    if (tenant->events_per_second > 0)
        of_tenant->events.level -= (double)fits;
    take_month(of_tenant, tenant->events_per_month, fits, month, now_ms);
    take_month(of_site, site->events_per_month, fits, month, now_ms);
    return fits;
}

/* Whose limits hold for the site: `none` where its tenant is not known. */
static const struct tenant *owner_of(const struct site *site, struct tenant *none)
{
    *none = (struct tenant){.id = site->tenant};
    return site->owner == NULL ? none : site->owner;
}

bool quotas_by_month(const struct site *site)
{
    return site->events_per_month > 0 || (site->owner != NULL && site->owner->events_per_month > 0);
}

static bool is_unlimited(const struct site *site, const struct tenant *tenant)
{
    return tenant->events_per_second == 0 && tenant->events_per_month == 0 &&
           site->events_per_month == 0;
}

size_t quotas_take(struct quotas *quotas, const struct site *site, int32_t month, size_t events,
                   int64_t now_us, int64_t now_ms)
{
    struct tenant none;
    const struct tenant *tenant = owner_of(site, &none);

    if (is_unlimited(site, tenant))
        return events;
    (void)pthread_mutex_lock(&quotas->lock);
    size_t fits = take(quotas, site, tenant, month, events, now_us, now_ms);

    (void)pthread_mutex_unlock(&quotas->lock);
    return fits;
}

static void give_month(struct entry *entry, int64_t per_month, int32_t first, size_t events)
{
    if (per_month == 0)
        return;
    struct month *month = month_get(entry, first);

    month->taken -= (int64_t)events < month->taken ? (int64_t)events : month->taken;
}

void quotas_give(struct quotas *quotas, const struct site *site, int32_t month, size_t events)
{
    struct tenant none;
    const struct tenant *tenant = owner_of(site, &none);

    if (is_unlimited(site, tenant) || events == 0)
        return;
    (void)pthread_mutex_lock(&quotas->lock);
    struct entry *entry = entry_get(quotas, false, tenant->id);

    if (tenant->events_per_second > 0)
        entry->events.level += (double)events;
    give_month(entry, tenant->events_per_month, month, events);
    give_month(entry_get(quotas, true, site->id), site->events_per_month, month, events);
    (void)pthread_mutex_unlock(&quotas->lock);
}

/* -- the ledger's ------------------------------------------------------------------------------ */

bool quotas_wanted(const struct snapshot *snapshot)
{
    const struct site *const *sites;
    size_t count = snapshot_sites(snapshot, STR(""), &sites);

    for (size_t i = 0; i < count; i++)
        if (quotas_by_month(sites[i]))
            return true;
    return false;
}

static void settle(struct month *month, int64_t settled_ms)
{
    month->queued = 0;
    if (month->taken_ms + QUOTAS_LATE_MS < settled_ms) {
        month->counted = month->sum;
        month->taken = 0;
    } else if (month->sum > month->counted + month->taken) {
        month->counted = month->sum - month->taken;
    }
    month->sum = 0;
}

void quotas_used(struct quotas *quotas, int32_t month, const struct usage_row *rows, size_t count,
                 int64_t settled_ms)
{
    (void)pthread_mutex_lock(&quotas->lock);
    for (size_t i = 0; i < count; i++) {
        month_get(entry_get(quotas, false, rows[i].tenant), month)->sum += rows[i].stored;
        month_get(entry_get(quotas, true, rows[i].site), month)->sum += rows[i].stored;
    }
    for (size_t i = 0; i < CHAINS; i++)
        for (struct entry *entry = quotas->chains[i]; entry != NULL; entry = entry->next)
            settle(month_get(entry, month), settled_ms);
    (void)pthread_mutex_unlock(&quotas->lock);
}

/* Those that were taken since the node began are in the log, too. */
static void add_queued(struct month *month, int64_t now_ms)
{
    month->queued++;
    if (month->taken < month->queued)
        month->taken = month->queued;
    month->taken_ms = now_ms;
}

void quotas_queued(struct quotas *quotas, struct str tenant, struct str site, int32_t month,
                   int64_t now_ms)
{
    (void)pthread_mutex_lock(&quotas->lock);
    add_queued(month_get(entry_get(quotas, false, tenant), month), now_ms);
    add_queued(month_get(entry_get(quotas, true, site), month), now_ms);
    (void)pthread_mutex_unlock(&quotas->lock);
}
