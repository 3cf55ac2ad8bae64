/*
 * manage/reach.c -- who may manage what.
 *
 * Scope admin at a tenant manages all that is the tenant's; at a site, that site's settings, links
 * and tokens. Whoever has no scope at all in a place learns nothing of it, in the words for what
 * does not exist.
 */
#include "manage/manage_internal.h"

bool manage_is_platform(const struct manage *m)
{
    return (m->caller->platform & SCOPE_ADMIN) != 0;
}

int manage_gate(struct manage *m, struct err *err)
{
    return (caller_anywhere(m->caller) & SCOPE_ADMIN) != 0
               ? 0
               : err_set(err, ERR_DENIED, "this needs the scope admin");
}

int manage_no_such(const char *what, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "there is no such %s", what);
}

int manage_may(unsigned scopes, const char *what, struct err *err)
{
    if ((scopes & SCOPE_ADMIN) != 0)
        return 0;
    return scopes != 0 ? err_set(err, ERR_DENIED, "this needs the scope admin there")
                       : manage_no_such(what, err);
}

bool manage_has_tenant(const struct manage *m, struct str tenant)
{
    return (caller_at_tenant(m->caller, tenant) & SCOPE_ADMIN) != 0;
}

int manage_may_tenant(struct manage *m, struct str tenant, struct err *err)
{
    return manage_may(caller_at_tenant(m->caller, tenant), "tenant", err);
}

int manage_may_site(struct manage *m, struct str tenant, struct str site, struct err *err)
{
    return manage_may(caller_at_site(m->caller, tenant, site), "site", err);
}

struct actor manage_actor(const struct manage *m)
{
    return (struct actor){.name = m->caller->name, .now_ms = m->now_ms};
}

int manage_find_site(struct manage *m, struct str id, struct site_row *out, struct err *err)
{
    int rc = str_is_id(id) ? store_get(m->store, ROW_SITE, id, m->arena, out, err) : 0;

    if (rc == 0)
        return manage_no_such("site", err);
    return rc < 0 ? rc : manage_may_site(m, out->tenant, out->id, err);
}

int manage_find_tenant(struct manage *m, struct str id, struct tenant_row *out, struct err *err)
{
    int rc = manage_may_tenant(m, id, err);

    if (rc == 0)
        rc = str_is_id(id) ? store_get(m->store, ROW_TENANT, id, m->arena, out, err) : 0;
    else
        return rc;
    return rc == 0 ? manage_no_such("tenant", err) : rc < 0 ? rc : 0;
}

static bool is_among(const struct str *list, size_t count, struct str text)
{
    size_t i = 0;

    while (i < count && !str_eq(list[i], text))
        i++;
    return i < count;
}

int manage_tenants(struct manage *m, struct str wanted, struct str **out, size_t *count,
                   struct err *err)
{
    struct tenant_row tenant;

    *out = ARENA_NEW(m->arena, struct str, m->caller->reaches_count + 1);
    *count = 0;
    if (wanted.len > 0) {
        (*out)[(*count)++] = wanted;
        return manage_find_tenant(m, wanted, &tenant, err);
    }
    if (manage_is_platform(m))
        return 0;
    for (size_t i = 0; i < m->caller->reaches_count; i++) {
        struct str own = m->caller->reaches[i].tenant;

        if (manage_has_tenant(m, own) && !is_among(*out, *count, own))
            (*out)[(*count)++] = own;
    }
    return *count > 0 ? 0 : err_set(err, ERR_DENIED, "this is for who manages a whole tenant");
}
