/*
 * manage/memberships.c -- what people are in which tenants, as rows keep it and as it is sent.
 *
 * Memberships are kept in the order of their tenants, and their sites in order too, so that what
 * GET answers can be put again by who sees only a part of them.
 */
#include "manage/people.h"

#include <stdlib.h>

/* -- as they are kept -------------------------------------------------------------------------- */

/* What cannot be read gives no rights either (caller_of_user()). */
struct memberships memberships_of(const struct user_row *user, struct arena *arena)
{
    struct memberships all = {0};

    if (memberships_parse(user->memberships, arena, &all.items, &all.count, NULL) != 0)
        all.count = 0;
    return all;
}

/* Those in tenants that the caller manages, or (`managed` false) the others. */
struct memberships memberships_part(const struct manage *m, const struct memberships *all,
                                    bool managed, struct arena *arena)
{
    struct memberships part = {.items = ARENA_NEW(arena, struct membership, all->count)};

    for (size_t i = 0; i < all->count; i++)
        if (manage_has_tenant(m, all->items[i].tenant) == managed)
            part.items[part.count++] = all->items[i];
    return part;
}

static int by_tenant(const void *a, const void *b)
{
    return str_cmp(((const struct membership *)a)->tenant, ((const struct membership *)b)->tenant);
}

struct str memberships_text(const struct memberships *list, struct arena *arena)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    if (list->count == 0)
        return STR("");
    memberships_json(list->items, list->count, &json);
    struct str kept = arena_str(arena, buf_str(&text));

    buf_release(&text);
    return kept;
}

struct memberships memberships_joined(const struct memberships *a, const struct memberships *b,
                                      struct arena *arena)
{
    struct memberships all = {.items = ARENA_NEW(arena, struct membership, a->count + b->count)};

    for (size_t i = 0; i < a->count; i++)
        all.items[all.count++] = a->items[i];
    for (size_t i = 0; i < b->count; i++)
        all.items[all.count++] = b->items[i];
    if (all.count > 1)
        qsort(all.items, all.count, sizeof(*all.items), by_tenant);
    return all;
}

/* -- the audit log of their tenants -------------------------------------------------------------
 */

static bool has_same(const struct memberships *list, struct membership *one, struct arena *arena)
{
    struct memberships single = {one, 1};
    struct str text = memberships_text(&single, arena);

    for (size_t i = 0; i < list->count; i++) {
        single.items = &list->items[i];
        if (str_eq(memberships_text(&single, arena), text))
            return true;
    }
    return false;
}

static bool has_tenant(const struct memberships *list, struct str tenant)
{
    size_t i = 0;

    while (i < list->count && !str_eq(list->items[i].tenant, tenant))
        i++;
    return i < list->count;
}

int memberships_note(struct manage *m, struct str user, struct str was, struct str now,
                     struct err *err)
{
    const struct actor actor = manage_actor(m);
    const struct user_row before = {.memberships = was}, after = {.memberships = now};
    struct memberships old = memberships_of(&before, m->arena);
    struct memberships new = memberships_of(&after, m->arena);
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < new.count; i++)
        if (!has_same(&old, &new.items[i], m->arena))
            rc = store_note(m->store, "member.put", user, new.items[i].tenant, &actor, err);
    for (size_t i = 0; rc >= 0 && i < old.count; i++)
        if (!has_tenant(&new, old.items[i].tenant))
            rc = store_note(m->store, "member.remove", user, old.items[i].tenant, &actor, err);
    return rc < 0 ? rc : 0;
}

/* -- what was sent ----------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Of one tenant once, in their order, and the sites too. */
static int arrange(struct memberships *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct membership *one = &list->items[i];

        for (size_t k = 0; k < i; k++)
            if (str_eq(list->items[k].tenant, one->tenant))
                return err_set(err, ERR_INVALID, "memberships[%zu].tenantId: is named twice", i);
        if (one->sites_count > 1)
            qsort(one->sites, one->sites_count, sizeof(*one->sites), by_text);
        for (size_t k = 1; k < one->sites_count; k++)
            if (str_eq(one->sites[k - 1], one->sites[k]))
                return err_set(err, ERR_INVALID, "memberships[%zu].sites: one is named twice", i);
    }
    return 0;
}

/* The tenant is one that the caller manages, and the sites are its. */
static int check_place(struct manage *m, const struct membership *one, size_t at, struct err *err)
{
    struct tenant_row tenant;
    struct site_row site;
    int rc = manage_find_tenant(m, one->tenant, &tenant, err);

    if (rc != 0)
        return rc == ERR_NOTFOUND || rc == ERR_DENIED
                   ? err_wrap(err, rc, "memberships[%zu].tenantId", at)
                   : rc;
    for (size_t i = 0; i < one->sites_count; i++) {
        rc = store_get(m->store, ROW_SITE, one->sites[i], m->arena, &site, err);
        if (rc < 0)
            return rc;
        if (rc == 0 || !str_eq(site.tenant, one->tenant))
            return err_set(err, ERR_NOTFOUND, "memberships[%zu].sites: there is no site %.*s", at,
                           STR_FMT(one->sites[i]));
    }
    return 0;
}

int memberships_read(struct change *change, const struct json *value, struct err *err)
{
    struct manage *m = change->m;
    struct memberships list = {0};
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    json_value(&json, value);
    int rc = memberships_parse(arena_str(m->arena, buf_str(&text)), m->arena, &list.items,
                               &list.count, err);

    buf_release(&text);
    if (rc == 0)
        rc = arrange(&list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = check_place(m, &list.items[i], i, err);
    change->memberships = list.items;
    change->memberships_count = list.count;
    return rc;
}
