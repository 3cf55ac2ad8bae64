/*
 * store/memory_audit.c -- the audit log of the memory double, what was counted for whom, and since
 * when.
 */
#include "store/memory_internal.h"

#include <stdlib.h>

int memory_page_audit(struct store *base, struct str tenant, int64_t before, size_t limit,
                      struct arena *arena, struct audit_row **out, size_t *count, struct err *err)
{
    const struct rows *audit = &memory_of(base)->audit;
    const struct audit_row *rows = audit->ptr;

    (void)err;
    *out = ARENA_NEW(arena, struct audit_row, audit->count + 1);
    *count = 0;
    for (size_t i = audit->count; i-- > 0 && *count < limit;)
        if ((tenant.len == 0 || str_eq(rows[i].tenant, tenant)) &&
            (before == 0 || rows[i].id < before))
            (*out)[(*count)++] = rows[i];
    return 0;
}

static int by_tenant_and_site(const void *a, const void *b)
{
    const struct usage_row *x = a, *y = b;
    int order = str_cmp(x->tenant, y->tenant);

    return order != 0 ? order : str_cmp(x->site, y->site);
}

static struct usage_row *usage_of(struct usage_row *rows, size_t *count,
                                  const struct ledger_row *ledger)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq(rows[i].tenant, ledger->tenant) && str_eq(rows[i].site, ledger->site))
            return &rows[i];
    rows[*count] = (struct usage_row){.tenant = ledger->tenant, .site = ledger->site};
    return &rows[(*count)++];
}

static void add_usage(struct usage_row *usage, const struct ledger_row *ledger)
{
    int64_t *const sums[] = {[LEDGER_STORED] = &usage->stored,
                             [LEDGER_DROPPED] = &usage->dropped,
                             [LEDGER_REJECTED] = &usage->rejected};

    *sums[ledger->kind] += ledger->events;
}

int memory_usage(struct store *base, struct str tenant, int32_t from, int32_t to,
                 struct arena *arena, struct usage_row **out, size_t *count, struct err *err)
{
    const struct rows *ledger = &memory_of(base)->ledger;
    const struct ledger_row *rows = ledger->ptr;

    (void)err;
    *out = ARENA_NEW(arena, struct usage_row, ledger->count + 1);
    *count = 0;
    for (size_t i = 0; i < ledger->count; i++)
        if (rows[i].day >= from && rows[i].day <= to &&
            (tenant.len == 0 || str_eq(rows[i].tenant, tenant)))
            add_usage(usage_of(*out, count, &rows[i]), &rows[i]);
    qsort(*out, *count, sizeof(**out), by_tenant_and_site);
    return 0;
}

/* The least and the greatest instant of what belongs to a site. */
struct span {
    int64_t first_ms, last_ms;
};

static void widen(struct span *span, int64_t ms)
{
    if (span->first_ms == 0 || ms < span->first_ms)
        span->first_ms = ms;
    if (ms > span->last_ms)
        span->last_ms = ms;
}

int memory_site_span(struct store *base, struct str tenant, struct str site, int64_t *first_ms,
                     int64_t *last_ms, struct err *err)
{
    const struct memory_store *store = memory_of(base);
    const struct event_row *events = store->events.ptr;
    const struct stats_row *hours = store->hours.ptr;
    struct span raw = {0}, hourly = {0};

    (void)err;
    for (size_t i = 0; i < store->events.count; i++)
        if (str_eq(events[i].event.site, site) && str_eq(events[i].event.tenant, tenant))
            widen(&raw, events[i].event.time_ms);
    for (size_t i = 0; i < store->hours.count; i++)
        if (str_eq(hours[i].site, site) && str_eq(hours[i].tenant, tenant))
            widen(&hourly, hours[i].hour_ms);
    *first_ms = span_first(raw.first_ms, hourly.first_ms);
    *last_ms = span_last(raw.last_ms, hourly.last_ms);
    return 0;
}

int memory_payload_session(struct store *base, struct str schema, struct str collection,
                           struct str user, struct str sid, int64_t now_ms, struct err *err)
{
    (void)base;
    (void)schema;
    (void)collection;
    (void)user;
    (void)sid;
    (void)now_ms;
    return err_set(err, ERR_INVALID, "the sessions of Payload are in PostgreSQL");
}
