/*
 * aggregate/retention.c -- what is too old goes, site by site, a bounded piece at a time.
 *
 * Raw rows go by the site's own days. With them go the sets of their days, so that nothing is left
 * that names a visitor, and the visits: what is packed of them (facts/) knows no visitor, and goes
 * after visit_days. Rollups and the ledger go after stats_days.
 */
#include "aggregate/aggregate_internal.h"

#include "base/date.h"
#include "log/log.h"

/* A node that was stopped still has the last of its log, and sends it again if it comes back when
 * its positions are gone: they are kept for longer than a node can be thought to be away. */
enum { POSITION_DAYS = 400 };

/* The days that wait to be packed, of all sites, by whoever holds their partitions. */
struct due_list {
    struct site_day *days;
    size_t count;
};

static int32_t before_day(int32_t today, int32_t days)
{
    return days == 0 ? INT32_MIN : today - days;
}

int32_t retention_needs(const struct site_day *due, size_t count, struct str site)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(due[middle].site, site) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && str_eq(due[low].site, site) ? due[low].day - 1 : INT32_MAX;
}

struct expiry retention_of_site(const struct site *site, int64_t now_ms, int32_t needed)
{
    int32_t today = site_day(site, now_ms), raw = before_day(today, site->raw_days);

    raw = needed < raw ? needed : raw;
    return (struct expiry){
        .site = site->id,
        .raw_before_ms = raw == INT32_MIN ? INT64_MIN : tz_day_start(site->tz, raw),
        .raw_before_day = raw,
        .visits_before_day = before_day(today, site->visit_days),
        .stats_before_day = before_day(today, site->stats_days),
    };
}

struct expiry retention_of_removed(int32_t raw_days, int32_t visit_days, int32_t stats_days,
                                   int64_t now_ms)
{
    int32_t today = (int32_t)(now_ms / DAY_MS), raw = before_day(today, raw_days);

    return (struct expiry){
        .site = STR(""),
        .raw_before_ms = raw == INT32_MIN ? INT64_MIN : raw * DAY_MS,
        .raw_before_day = raw,
        .visits_before_day = before_day(today, visit_days),
        .stats_before_day = before_day(today, stats_days),
    };
}

static struct expiry site_expiry(const struct run *run, const struct due_list *due,
                                 const struct site *site)
{
    return retention_of_site(site, run->now_ms, retention_needs(due->days, due->count, site->id));
}

static struct expiry removed_expiry(const struct run *run)
{
    const struct aggregate_config *config = run->config;

    return retention_of_removed(config->raw_days, config->visit_days, config->stats_days,
                                run->now_ms);
}

/* Where no site keeps raw rows any more; INT64_MIN where one keeps all. */
static int64_t raw_before_all(const struct run *run, const struct due_list *due,
                              const struct site *const *sites, size_t count)
{
    int64_t least = removed_expiry(run).raw_before_ms;

    for (size_t i = 0; i < count; i++) {
        int64_t before_ms = site_expiry(run, due, sites[i]).raw_before_ms;

        least = before_ms < least ? before_ms : least;
    }
    return least;
}

/* A producer whose log is still there goes on from its positions, however old they are. */
static int general_expiry(const struct run *run, const struct due_list *due,
                          const struct site *const *sites, size_t sites_count, struct arena *arena,
                          struct expiry_general *out, struct err *err)
{
    int32_t audit = run->config->audit_days;
    struct producer *running = NULL;
    size_t count = 0;
    int rc = log_producers(run->config->data_dir, arena, &running, &count, err);

    *out = (struct expiry_general){
        .keys_before_ms = run->now_ms - RETENTION_KEY_DAYS * DAY_MS,
        .positions_before_ms = run->now_ms - POSITION_DAYS * DAY_MS,
        .running = running,
        .running_count = count,
        .removed = removed_expiry(run),
        .audit_before_ms = audit == 0 ? INT64_MIN : run->now_ms - audit * DAY_MS,
        .raw_before_ms = raw_before_all(run, due, sites, sites_count),
    };
    return rc;
}

static int expire_all(struct run *run, const struct expiry *expiries, size_t count,
                      const struct expiry_general *general, struct err *err)
{
    bool more = true;
    int rc = 0;

    while (rc == 0 && more && !run_stopping(run)) {
        rc = store_expire(run->store, expiries, count, general, run->now_ms, &more, err);
        if (rc == 0 && more)
            store_yield(run->store);
    }
    if (rc == 0 && !more)
        rc = store_finish_retention(run->store, run->partitions, run->now_ms, err);
    return rc;
}

/* Comes after pack_run() of all days: those that lose their rows here are packed. */
int retention_run(struct run *run, struct err *err)
{
    const struct site *const *sites = NULL;
    size_t sites_count = snapshot_sites(run->snapshot, STR(""), &sites), count = 0;
    struct arena arena = {0};
    struct expiry *expiries = ARENA_NEW(&arena, struct expiry, sites_count + 1);
    struct expiry_general general;
    struct due_list due = {0};
    bool first = (run->partitions & 1) != 0;
    int rc =
        store_load_due(run->store, PARTITIONS_ALL, INT32_MAX, &arena, &due.days, &due.count, err);

    if (rc == 0 && first)
        rc = general_expiry(run, &due, sites, sites_count, &arena, &general, err);
    for (size_t i = 0; i < sites_count; i++)
        if ((run->partitions >> site_partition(sites[i]->id) & 1) != 0)
            expiries[count++] = site_expiry(run, &due, sites[i]);
    if (rc == 0)
        rc = expire_all(run, expiries, count, first ? &general : NULL, err);
    arena_free(&arena);
    return rc;
}
