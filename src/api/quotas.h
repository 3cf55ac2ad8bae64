/*
 * api/quotas.h -- what a tenant and a site may use, on this node.
 *
 * Events per second of a site, and of a tenant, are buckets that hold one second's
 * (QUOTAS_BURST_MIN at least) and refill steadily. Over a site's a request is refused as a whole;
 * over a tenant's the events that do not fit are left out. Reads are a bucket of one minute's;
 * public dashboards and shared links have one of their own, so that strangers do not use up what
 * the tenant's own people and programs have.
 *
 * Events of a month are counted by the ledger. Every few seconds its sums come in (quotas_used()),
 * and what this node has taken and the ledger does not hold yet counts on top: so one node never
 * goes over, and others' events are known once they are counted. What waited in this node's log
 * when it began is counted from there (quotas_queued()). An event belongs to the month of its date
 * at its site, as in the ledger: the months that events may come of now (quotas_months()) are
 * counted beside each other. One that was taken and is not counted in the end (a repeat) is given
 * back when the ledger has caught up with this node.
 *
 * Any thread.
 */
#ifndef ABACUS_API_QUOTAS_H
#define ABACUS_API_QUOTAS_H

#include "directory/directory.h"
#include "event/event.h"

enum {
    QUOTAS_BURST_MIN = 100,
    /* An event that was taken is in the log after so long at most, or never will be. */
    QUOTAS_LATE_MS = 10 * 1000,
};

struct quotas *quotas_new(void);
void quotas_free(struct quotas **quotas);

/* Take `events` from the site's own bucket, or none: false when it holds fewer. */
bool quotas_take_second(struct quotas *quotas, const struct site *site, size_t events,
                        int64_t now_us);

/* Whether the site or its tenant has a limit per month: without one it does not matter which month
 * is told of its events. */
bool quotas_by_month(const struct site *site);
/* How many of `events` of this site and month (its first day) are within the tenant's limits and
 * the site's of the month; those are taken. */
size_t quotas_take(struct quotas *quotas, const struct site *site, int32_t month, size_t events,
                   int64_t now_us, int64_t now_ms);
/* Some of those that were taken were not stored after all. */
void quotas_give(struct quotas *quotas, const struct site *site, int32_t month, size_t events);
/* True, or false and how many seconds until there is one. `public`: by nobody of the tenant's. */
bool quotas_take_read(struct quotas *quotas, const struct tenant *tenant, bool public,
                      int64_t now_us, int64_t *retry_after_s);

/* Which tenants or sites have a limit per month (so that nobody sums for nothing), and what the
 * ledger holds of a month. What this node had appended to its log by `settled_ms` is counted in
 * these sums; 0: something of it may not be. */
bool quotas_wanted(const struct snapshot *snapshot);
void quotas_used(struct quotas *quotas, int32_t month, const struct usage_row *rows, size_t count,
                 int64_t settled_ms);
/* One more event in this node's log that those sums do not hold. */
void quotas_queued(struct quotas *quotas, struct str tenant, struct str site, int32_t month,
                   int64_t now_ms);

/* The first day of the day's month, and, unless it is NULL, its last. */
int32_t quotas_month(int32_t day, int32_t *last_day);
/* The months of all dates that an event may have now, wherever its site is; returns how many. */
enum { QUOTAS_MONTHS = 3 };
size_t quotas_months(int64_t now_ms, int32_t out[QUOTAS_MONTHS]);

#endif
