/*
 * resolve.c -- which sites and which days a reading request means, as far as its caller reaches.
 *
 * Without one site there is no local date: named periods are then read from the UTC calendar and
 * taken as each site's own dates. Days are null before the first day that all the sites still keep,
 * since no sum covers them.
 */
#include "api/reader.h"

/* -- sites --------------------------------------------------------------------------------- */

static bool refuse_as(struct reader *reader, enum refusal refusal)
{
    return caller_refuse(reader->response, refusal);
}

/* A read of each tenant that stands in the list. */
static bool take_reads(struct reader *reader)
{
    struct str last = STR("");

    for (size_t i = 0; i < reader->sites_count && !reader->counted; i++) {
        struct str tenant = reader->sites[i]->tenant;

        if (!str_eq(tenant, last) &&
            !caller_take_read(&reader->caller, snapshot_tenant(reader->snapshot, tenant),
                              reader->request, reader->response))
            return false;
        last = tenant;
    }
    return true;
}

static bool use_sites(struct reader *reader, const struct site *const *sites, size_t count)
{
    reader->sites = sites;
    reader->sites_count = count;
    for (int metric = 0; metric < METRICS_COUNT; metric++)
        reader->metrics |= (unsigned)reader_shows(reader, metric_name(metric)) << metric;
    return take_reads(reader);
}

static enum refusal find_site(const struct reader *reader, struct str id, struct str tenant,
                              const struct site **out)
{
    enum refusal refusal =
        caller_to_site(&reader->caller, reader->snapshot, id, SCOPE_STATS_READ, out);

    return refusal == REFUSED_NOT && tenant.len > 0 && !str_eq(tenant, (*out)->tenant)
               ? REFUSED_SITE
               : refusal;
}

static bool use_site(struct reader *reader, struct str id, struct str tenant)
{
    const struct site **one = ARENA_NEW(reader->arena, const struct site *, 1);

    if (!refuse_as(reader, find_site(reader, id, tenant, one)))
        return false;
    reader->site = *one;
    reader->tenant = reader->site->tenant;
    return use_sites(reader, one, 1);
}

/* The tenant's sites but for those that are being erased; unless `whole`, those that the caller
 * reaches. */
static bool use_tenant(struct reader *reader, const struct tenant *tenant, bool whole)
{
    const struct site *const *all;
    size_t count = snapshot_sites(reader->snapshot, tenant->id, &all), kept = 0;
    const struct site **sites = ARENA_NEW(reader->arena, const struct site *, count + 1);

    for (size_t i = 0; i < count; i++) {
        unsigned scopes =
            whole ? SCOPE_STATS_READ : caller_at_site(&reader->caller, tenant->id, all[i]->id);
        if (!all[i]->erasing && (scopes & SCOPE_STATS_READ) != 0)
            sites[kept++] = all[i];
    }
    reader->tenant = tenant->id;
    reader->whole_tenant = whole;
    return use_sites(reader, sites, kept);
}

/* The tenant of the parameter, if there is one. */
static bool check_tenant(struct reader *reader, struct str id)
{
    const struct tenant *tenant;
    bool whole;

    return id.len == 0 || refuse_as(reader, caller_to_tenant(&reader->caller, reader->snapshot, id,
                                                             SCOPE_STATS_READ, &tenant, &whole));
}

/* The site meant: named, or the caller's only one; empty: none. */
static struct str meant_site(const struct reader *reader)
{
    struct str id = reader_param(reader, STR("siteId"));

    return id.len > 0 ? id : caller_only_site(&reader->caller);
}

bool reader_resolve(struct reader *reader)
{
    struct str site = meant_site(reader), id = reader_param(reader, STR("tenantId"));
    const struct tenant *tenant;
    bool whole;

    if (!check_tenant(reader, id))
        return false;
    if (site.len > 0)
        return use_site(reader, site, id);
    if (id.len == 0)
        id = caller_only_tenant(&reader->caller);
    if (id.len == 0)
        return reader_refuse(reader, "siteId",
                             "who reaches several tenants must name one, or a site");
    return refuse_as(reader, caller_to_tenant(&reader->caller, reader->snapshot, id,
                                              SCOPE_STATS_READ, &tenant, &whole)) &&
           use_tenant(reader, tenant, whole);
}

bool reader_resolve_site(struct reader *reader)
{
    struct str tenant = reader_param(reader, STR("tenantId"));

    if (!check_tenant(reader, tenant))
        return false;
    if (meant_site(reader).len == 0)
        return reader_refuse(reader, "siteId", "a site must be named");
    return use_site(reader, meant_site(reader), tenant);
}

bool reader_resolve_tenant(struct reader *reader, struct str id)
{
    const struct tenant *tenant;
    bool whole;
    enum refusal refusal =
        caller_to_tenant(&reader->caller, reader->snapshot, id, SCOPE_STATS_READ, &tenant, &whole);

    /* Who reaches one site alone reaches that site, not its tenant's sums. */
    if (refusal == REFUSED_NOT && caller_only_site(&reader->caller).len > 0)
        refusal = REFUSED_TENANT;
    return refuse_as(reader, refusal) && use_tenant(reader, tenant, whole);
}

/* Those of a tenant that the caller reaches, added to the list. */
static size_t add_reached(const struct reader *reader, const struct tenant *tenant,
                          const struct site **sites, size_t count)
{
    const struct site *const *all;
    size_t all_count = snapshot_sites(reader->snapshot, tenant->id, &all);

    for (size_t i = 0; i < all_count; i++)
        if (!all[i]->erasing &&
            (caller_at_site(&reader->caller, tenant->id, all[i]->id) & SCOPE_STATS_READ) != 0)
            sites[count++] = all[i];
    return count;
}

/* A tenant that several memberships name counts where the first one does. */
static bool is_named_before(const struct caller *caller, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(caller->reaches[i].tenant, caller->reaches[at].tenant))
            return true;
    return false;
}

static size_t reached_by_tenants(const struct reader *reader, const struct site **sites)
{
    const struct caller *caller = &reader->caller;
    size_t count = 0;

    for (size_t i = 0; i < caller->reaches_count; i++) {
        const struct tenant *tenant = snapshot_tenant(reader->snapshot, caller->reaches[i].tenant);
        if (tenant != NULL && tenant->active && !is_named_before(caller, i))
            count = add_reached(reader, tenant, sites, count);
    }
    return count;
}

static size_t reached_by_platform(const struct reader *reader, const struct site *const *all,
                                  size_t all_count, const struct site **sites)
{
    size_t count = 0;

    for (size_t i = 0; i < all_count; i++) {
        const struct tenant *tenant = snapshot_tenant(reader->snapshot, all[i]->tenant);
        if (!all[i]->erasing && tenant != NULL && !tenant->erasing)
            sites[count++] = all[i];
    }
    return count;
}

bool reader_resolve_reached(struct reader *reader)
{
    struct str id = reader_param(reader, STR("tenantId"));
    const struct site *const *all;
    const struct tenant *tenant;
    bool whole;

    if (id.len > 0)
        return refuse_as(reader, caller_to_tenant(&reader->caller, reader->snapshot, id,
                                                  SCOPE_STATS_READ, &tenant, &whole)) &&
               use_tenant(reader, tenant, whole);
    size_t count = snapshot_sites(reader->snapshot, STR(""), &all);
    const struct site **sites = ARENA_NEW(reader->arena, const struct site *, count + 1);

    reader->whole_tenant = (reader->caller.platform & SCOPE_STATS_READ) != 0;
    count = reader->whole_tenant ? reached_by_platform(reader, all, count, sites)
                                 : reached_by_tenants(reader, sites);
    return use_sites(reader, sites, count);
}

bool reader_resolve_sites(struct reader *reader, struct str list)
{
    const struct site **sites = ARENA_NEW(reader->arena, const struct site *, READER_SITES_MAX);
    struct str tenant = reader_param(reader, STR("tenantId")), id;
    size_t count = 0;

    if (!check_tenant(reader, tenant))
        return false;
    while (str_next(&list, ',', &id)) {
        if (count == READER_SITES_MAX)
            return reader_refuse(reader, "siteIds", "at most %d sites", READER_SITES_MAX);
        if (!refuse_as(reader, find_site(reader, id, tenant, &sites[count])))
            return false;
        count++;
    }
    reader->tenant = sites[0]->tenant;
    for (size_t i = 1; i < count; i++)
        if (!str_eq(sites[i]->tenant, reader->tenant))
            reader->tenant = STR("");
    return use_sites(reader, sites, count);
}

/* -- days ---------------------------------------------------------------------------------- */

/* The first day that is kept of all sites. */
static int32_t first_available(const struct reader *reader)
{
    int32_t available = INT32_MIN;

    for (size_t i = 0; i < reader->sites_count; i++) {
        const struct site *site = reader->sites[i];
        int32_t own = query_available(site, site_day(site, reader->now_ms));
        available = own > available ? own : available;
    }
    return available;
}

/* The first day with numbers of any of the sites. */
static int first_day(struct reader *reader, int32_t *out, struct err *err)
{
    int rc = 0;

    *out = INT32_MAX;
    for (size_t i = 0; i < reader->sites_count && rc == 0; i++) {
        int32_t own = INT32_MAX;
        rc = query_first_day(reader->store, reader->sites[i], &own, err);
        *out = own < *out ? own : *out;
    }
    return rc;
}

static bool resolve_range(struct reader *reader)
{
    const struct range_words words = {.period = reader_param(reader, STR("period")),
                                      .from = reader_param(reader, STR("from")),
                                      .to = reader_param(reader, STR("to"))};
    const char *param = "period";
    struct err err = {0};

    if (range_resolve(&words, &reader->clock, &reader->range, &param, &err) < 0)
        return reader_refuse(reader, param, "%s", err.text);
    return true;
}

/* `all` begins with the first day kept, or, where all is kept, with the first day that has numbers.
 */
bool reader_dates(struct reader *reader)
{
    bool all = str_eq(reader_param(reader, STR("period")), STR("all"));

    reader->clock = range_clock_at(reader->site == NULL ? NULL : reader->site->tz, reader->now_ms);
    reader->available = first_available(reader);
    reader->from_first = all && reader->available == INT32_MIN;
    if (all && !reader->from_first)
        reader->clock.first = reader->available;
    return resolve_range(reader);
}

bool reader_begin(struct reader *reader)
{
    int64_t counters[COUNTERS];
    struct err err = {0};

    if (!reader_done(reader, store_read_begin(reader->store, &err), &err))
        return false;
    reader->reading = true;
    if (!reader_done(reader, store_counters(reader->store, counters, &err), &err))
        return false;
    reader->as_of_ms = counters[COUNTER_AS_OF];
    if (!reader->from_first)
        return true;
    return reader_done(reader, first_day(reader, &reader->clock.first, &err), &err) &&
           resolve_range(reader);
}
