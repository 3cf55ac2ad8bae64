/*
 * access/caller.c -- what a caller may do where, and how callers are made.
 *
 * Everything that may be done is found by going over the caller's reaches; there are few, but for
 * people of an agency with hundreds of tenants, and even then this costs less than one question to
 * the store.
 */
#include "access/caller.h"

/* -- what may be done -------------------------------------------------------------------------- */

static bool reach_has_site(const struct reach *reach, struct str site)
{
    if (reach->sites_count == 0)
        return true;
    for (size_t i = 0; i < reach->sites_count; i++)
        if (str_eq(reach->sites[i], site))
            return true;
    return false;
}

unsigned caller_at_tenant(const struct caller *caller, struct str tenant)
{
    unsigned scopes = caller->platform;

    for (size_t i = 0; i < caller->reaches_count; i++)
        if (caller->reaches[i].sites_count == 0 && str_eq(caller->reaches[i].tenant, tenant))
            scopes |= caller->reaches[i].scopes;
    return scopes;
}

unsigned caller_at_site(const struct caller *caller, struct str tenant, struct str site)
{
    unsigned scopes = caller->platform;

    for (size_t i = 0; i < caller->reaches_count; i++)
        if (str_eq(caller->reaches[i].tenant, tenant) && reach_has_site(&caller->reaches[i], site))
            scopes |= caller->reaches[i].scopes;
    return scopes;
}

unsigned caller_anywhere(const struct caller *caller)
{
    unsigned scopes = caller->platform;

    for (size_t i = 0; i < caller->reaches_count; i++)
        scopes |= caller->reaches[i].scopes;
    return scopes;
}

struct str caller_only_tenant(const struct caller *caller)
{
    if (caller->platform != 0 || caller->reaches_count == 0)
        return STR("");
    for (size_t i = 1; i < caller->reaches_count; i++)
        if (!str_eq(caller->reaches[i].tenant, caller->reaches[0].tenant))
            return STR("");
    return caller->reaches[0].tenant;
}

struct str caller_only_site(const struct caller *caller)
{
    if (caller_only_tenant(caller).len == 0 || caller->reaches[0].sites_count == 0)
        return STR("");
    struct str only = caller->reaches[0].sites[0];

    for (size_t i = 0; i < caller->reaches_count; i++) {
        const struct reach *reach = &caller->reaches[i];

        if (reach->sites_count == 0)
            return STR("");
        for (size_t k = 0; k < reach->sites_count; k++)
            if (!str_eq(reach->sites[k], only))
                return STR("");
    }
    return only;
}

/* -- how they are made ------------------------------------------------------------------------- */

static struct str joined(struct arena *arena, struct str prefix, struct str name)
{
    char *text = arena_bytes(arena, prefix.len + name.len + 1);

    memcpy(text, prefix.ptr, prefix.len);
    if (name.len > 0)
        memcpy(text + prefix.len, name.ptr, name.len);
    text[prefix.len + name.len] = '\0';
    return (struct str){text, prefix.len + name.len};
}

static struct reach reach_of(struct str tenant, const struct str *sites, size_t sites_count,
                             unsigned scopes, struct arena *arena)
{
    struct reach reach = {
        .tenant = arena_str(arena, tenant),
        .sites = ARENA_NEW(arena, struct str, sites_count),
        .sites_count = sites_count,
        .scopes = scopes,
    };

    for (size_t i = 0; i < sites_count; i++)
        reach.sites[i] = arena_str(arena, sites[i]);
    return reach;
}

static void one_reach(struct caller *caller, struct reach reach, struct arena *arena)
{
    caller->reaches = ARENA_NEW(arena, struct reach, 1);
    caller->reaches[0] = reach;
    caller->reaches_count = 1;
}

/* Whoever scrapes metrics sees all tenants, so that scope is never a tenant's. */
void caller_of_token(struct str id, bool platform, struct str tenant, struct str site,
                     unsigned scopes, int64_t expires_ms, struct arena *arena, struct caller *out)
{
    *out = (struct caller){
        .kind = CALLER_TOKEN,
        .name = joined(arena, STR("token:"), id),
        .platform = platform ? scopes : 0,
        .expires_ms = expires_ms,
    };
    if (!platform)
        one_reach(
            out,
            reach_of(tenant, &site, site.len > 0 ? 1 : 0, scopes & ~(unsigned)SCOPE_METRICS, arena),
            arena);
}

void caller_of_user(const struct user_row *user, struct arena *arena, struct caller *out)
{
    struct membership *memberships = NULL;
    size_t count = 0;

    *out = (struct caller){
        .kind = CALLER_PERSON,
        .name = joined(arena, STR("user:"), user->id),
        .platform = user->admin ? SCOPE_STATS_READ | SCOPE_ADMIN : 0,
        .user = arena_str(arena, user->id),
    };
    if (memberships_parse(user->memberships, arena, &memberships, &count, NULL) != 0)
        return;
    out->reaches = ARENA_NEW(arena, struct reach, count);
    out->reaches_count = count;
    for (size_t i = 0; i < count; i++)
        out->reaches[i] = (struct reach){
            .tenant = memberships[i].tenant,
            .sites = memberships[i].sites,
            .sites_count = memberships[i].sites_count,
            .scopes = memberships[i].role == PERSON_MANAGER ? SCOPE_STATS_READ | SCOPE_ADMIN
                                                            : SCOPE_STATS_READ,
        };
}

void caller_of_site(enum caller_kind kind, struct str name, struct str tenant,
                    const struct str *sites, size_t sites_count, bool restricted,
                    int64_t expires_ms, struct arena *arena, struct caller *out)
{
    *out = (struct caller){
        .kind = kind,
        .name = arena_str(arena, name),
        .restricted = restricted,
        .expires_ms = expires_ms,
    };
    one_reach(out, reach_of(tenant, sites, sites_count, SCOPE_STATS_READ, arena), arena);
}

struct caller caller_command(void)
{
    return (struct caller){
        .kind = CALLER_COMMAND,
        .name = STR("cli"),
        .platform = SCOPE_STATS_READ | SCOPE_EVENTS_WRITE | SCOPE_ADMIN | SCOPE_METRICS,
    };
}
