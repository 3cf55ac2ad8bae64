/*
 * api/reach.c -- how far a caller reaches, in sites and tenants that are there now.
 */
#include "api/caller.h"

#include "api/quotas.h"
#include "base/clock.h"

#include <stdio.h>

/* -- tenants ------------------------------------------------------------------------------- */

static bool is_there(const struct tenant *tenant)
{
    return tenant != NULL && !tenant->erasing;
}

static bool is_active(const struct tenant *tenant)
{
    return tenant != NULL && tenant->active;
}

static size_t count_reaches(const struct caller *caller, const struct snapshot *snapshot,
                            bool (*is)(const struct tenant *tenant))
{
    size_t count = 0;

    for (size_t i = 0; i < caller->reaches_count; i++)
        count += is(snapshot_tenant(snapshot, caller->reaches[i].tenant));
    return count;
}

static void keep_reaches(struct caller *caller, const struct snapshot *snapshot,
                         bool (*is)(const struct tenant *tenant))
{
    size_t kept = 0;

    for (size_t i = 0; i < caller->reaches_count; i++)
        if (is(snapshot_tenant(snapshot, caller->reaches[i].tenant)))
            caller->reaches[kept++] = caller->reaches[i];
    caller->reaches_count = kept;
}

void caller_leave_erasing(struct caller *caller, const struct snapshot *snapshot)
{
    keep_reaches(caller, snapshot, is_there);
}

void caller_leave_suspended(struct caller *caller, const struct snapshot *snapshot)
{
    keep_reaches(caller, snapshot, is_active);
}

/* -- what it may do there ------------------------------------------------------------------ */

static enum refusal lacks(unsigned scope)
{
    return scope == SCOPE_ADMIN ? REFUSED_MANAGING : REFUSED_READING;
}

enum refusal caller_needs(const struct caller *caller, const struct snapshot *snapshot,
                          unsigned scope)
{
    if (caller->kind == CALLER_NOBODY)
        return REFUSED_UNKNOWN;
    if (caller->platform == 0 && caller->reaches_count > 0 &&
        count_reaches(caller, snapshot, is_active) == 0)
        return REFUSED_SUSPENDED;
    return (caller_anywhere(caller) & scope) != 0 ? REFUSED_NOT : lacks(scope);
}

/* What holds at a tenant that the caller reaches with these scopes. */
static enum refusal judge(const struct caller *caller, const struct tenant *tenant, unsigned scopes,
                          unsigned scope)
{
    if ((caller->platform & scope) != 0)
        return REFUSED_NOT;
    if (!tenant->active)
        return REFUSED_SUSPENDED;
    return (scopes & scope) != 0 ? REFUSED_NOT : lacks(scope);
}

enum refusal caller_to_site(const struct caller *caller, const struct snapshot *snapshot,
                            struct str id, unsigned scope, const struct site **out)
{
    const struct site *site = snapshot_site(snapshot, id);
    const struct tenant *tenant = site == NULL ? NULL : snapshot_tenant(snapshot, site->tenant);
    unsigned scopes = site == NULL ? 0 : caller_at_site(caller, site->tenant, id);

    if (!is_there(tenant) || site->erasing || scopes == 0)
        return REFUSED_SITE;
    *out = site;
    return judge(caller, tenant, scopes, scope);
}

/* At the tenant, or anywhere in it. */
static unsigned scopes_in(const struct caller *caller, struct str tenant)
{
    unsigned scopes = caller->platform;

    for (size_t i = 0; i < caller->reaches_count; i++)
        if (str_eq(caller->reaches[i].tenant, tenant))
            scopes |= caller->reaches[i].scopes;
    return scopes;
}

enum refusal caller_to_tenant(const struct caller *caller, const struct snapshot *snapshot,
                              struct str id, unsigned scope, const struct tenant **out, bool *whole)
{
    const struct tenant *tenant = snapshot_tenant(snapshot, id);
    unsigned scopes = scopes_in(caller, id);

    if (!is_there(tenant) || scopes == 0)
        return REFUSED_TENANT;
    *out = tenant;
    *whole = (caller_at_tenant(caller, id) & scope) != 0;
    return judge(caller, tenant, scopes, scope);
}

bool caller_take_read(const struct caller *caller, const struct tenant *tenant,
                      const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    char seconds[24];
    int64_t wait_s = 0;

    if (caller->platform != 0 || api->quotas == NULL || tenant == NULL ||
        quotas_take_read(api->quotas, tenant, caller->restricted, clock_steady_us(), &wait_s))
        return true;
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
    http_header(response, STR("Retry-After"), arena_str(request->arena, str_from(seconds)));
    http_problem(response, 429, STR("too many reads per minute for this tenant"), STR(""));
    return false;
}
