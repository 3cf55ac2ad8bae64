/*
 * resolve.c -- which sites and which days a reading request means, as far as its token reaches.
 *
 * Without one site there is no local date: named periods are then read from the UTC calendar and
 * taken as each site's own dates. Days are null before the first day that all the sites still keep,
 * since no sum covers them.
 */
#include "api/reader.h"

/* -- sites --------------------------------------------------------------------------------- */

static bool no_such_site(struct reader *reader)
{
    http_problem(reader->response, 404, STR("there is no such site"), STR(""));
    return false;
}

static bool no_such_tenant(struct reader *reader)
{
    http_problem(reader->response, 404, STR("there is no such tenant"), STR(""));
    return false;
}

static const struct site *reachable_site(const struct reader *reader, struct str id)
{
    const struct token *token = reader->token;
    const struct site *site = snapshot_site(reader->snapshot, id);

    if (site == NULL || (token->site.len > 0 && !str_eq(token->site, id)))
        return NULL;
    return token->platform || str_eq(token->tenant, site->tenant) ? site : NULL;
}

static bool tenant_reachable(const struct reader *reader, struct str id)
{
    const struct token *token = reader->token;

    return snapshot_has_tenant(reader->snapshot, id) &&
           (token->platform || str_eq(token->tenant, id));
}

static bool use_sites(struct reader *reader, const struct site **sites, size_t count)
{
    reader->sites = sites;
    reader->sites_count = count;
    return true;
}

static bool use_site(struct reader *reader, struct str id, struct str tenant)
{
    const struct site *site = reachable_site(reader, id);
    const struct site **one = ARENA_NEW(reader->arena, const struct site *, 1);

    if (site == NULL || (tenant.len > 0 && !str_eq(tenant, site->tenant)))
        return no_such_site(reader);
    *one = site;
    reader->site = site;
    reader->tenant = site->tenant;
    return use_sites(reader, one, 1);
}

static bool use_tenant(struct reader *reader, struct str id)
{
    reader->tenant = id;
    reader->whole_tenant = true;
    reader->sites_count = snapshot_sites(reader->snapshot, id, &reader->sites);
    return true;
}

/* The site meant: named, or the token's own; empty: none. */
static struct str meant_site(const struct reader *reader)
{
    struct str id = reader_param(reader, STR("siteId"));

    return id.len > 0 ? id : reader->token->site;
}

bool reader_resolve(struct reader *reader)
{
    struct str site = meant_site(reader), tenant = reader_param(reader, STR("tenantId"));

    if (tenant.len > 0 && !tenant_reachable(reader, tenant))
        return no_such_tenant(reader);
    if (site.len > 0)
        return use_site(reader, site, tenant);
    if (tenant.len == 0 && reader->token->platform)
        return reader_refuse(reader, "siteId", "a platform token must name a tenant or a site");
    return use_tenant(reader, tenant.len > 0 ? tenant : reader->token->tenant);
}

bool reader_resolve_site(struct reader *reader)
{
    struct str tenant = reader_param(reader, STR("tenantId"));

    if (tenant.len > 0 && !tenant_reachable(reader, tenant))
        return no_such_tenant(reader);
    if (meant_site(reader).len == 0)
        return reader_refuse(reader, "siteId", "a site must be named");
    return use_site(reader, meant_site(reader), tenant);
}

bool reader_resolve_tenant(struct reader *reader, struct str id)
{
    /* A token bound to one site reaches that site, not its tenant's sums. */
    if (reader->token->site.len > 0 || !tenant_reachable(reader, id))
        return no_such_tenant(reader);
    return use_tenant(reader, id);
}

bool reader_resolve_sites(struct reader *reader, struct str list)
{
    const struct site **sites = ARENA_NEW(reader->arena, const struct site *, READER_SITES_MAX);
    struct str tenant = reader_param(reader, STR("tenantId")), id;
    size_t count = 0;

    if (tenant.len > 0 && !tenant_reachable(reader, tenant))
        return no_such_tenant(reader);
    while (str_next(&list, ',', &id)) {
        if (count == READER_SITES_MAX)
            return reader_refuse(reader, "siteIds", "at most %d sites", READER_SITES_MAX);
        const struct site *site = reachable_site(reader, id);
        if (site == NULL || (tenant.len > 0 && !str_eq(tenant, site->tenant)))
            return no_such_site(reader);
        sites[count++] = site;
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
