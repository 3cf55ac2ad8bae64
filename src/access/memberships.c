/*
 * access/memberships.c -- what a person is where, from JSON and to it.
 *
 *     [{"tenantId":"t5g","role":"manager","sites":["a","b"]}, ...]
 *
 * Reading is strict, for what is not understood of a right could be its limit: an unknown member is
 * refused, and so is an empty list of sites, which might mean none as well as all.
 */
#include "access/caller.h"

#include "base/json.h"

enum { MEMBERSHIPS_DEPTH = 3 };

static const struct {
    enum role_of_person role;
    struct str name;
} roles[] = {
    {PERSON_VIEWER, STR_INIT("viewer")},
    {PERSON_MANAGER, STR_INIT("manager")},
};
enum { ROLES = sizeof(roles) / sizeof(roles[0]) };

/* -- from JSON --------------------------------------------------------------------------------- */

static int read_tenant(const struct json *value, struct membership *out, size_t at, struct err *err)
{
    if (value == NULL || value->type != JSON_STRING || !str_is_id(value->text))
        return err_set(err, ERR_INVALID, "memberships[%zu].tenantId: must be the id of a tenant",
                       at);
    out->tenant = value->text;
    return 0;
}

static int read_role(const struct json *value, struct membership *out, size_t at, struct err *err)
{
    for (size_t i = 0; value != NULL && value->type == JSON_STRING && i < ROLES; i++)
        if (str_eq(roles[i].name, value->text)) {
            out->role = roles[i].role;
            return 0;
        }
    return err_set(err, ERR_INVALID, "memberships[%zu].role: must be viewer or manager", at);
}

static int read_sites(const struct json *value, struct membership *out, size_t at,
                      struct arena *arena, struct err *err)
{
    if (value == NULL || value->type == JSON_NULL)
        return 0;
    if (value->type != JSON_ARRAY || value->count == 0 || value->count > MEMBERSHIP_SITES_MAX)
        return err_set(err, ERR_INVALID,
                       "memberships[%zu].sites: must be a list of 1 to %d ids; all sites are meant "
                       "without it",
                       at, MEMBERSHIP_SITES_MAX);
    out->sites = ARENA_NEW(arena, struct str, value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i].type != JSON_STRING || !str_is_id(value->items[i].text))
            return err_set(err, ERR_INVALID,
                           "memberships[%zu].sites[%zu]: must be the id of a site", at, i);
        out->sites[out->sites_count++] = value->items[i].text;
    }
    return 0;
}

static int check_members(const struct json *object, size_t at, struct err *err)
{
    static const struct str known[] = {STR_INIT("tenantId"), STR_INIT("role"), STR_INIT("sites")};

    for (size_t i = 0; i < object->count; i++) {
        struct str name = object->members[i].name;

        if (!str_eq(name, known[0]) && !str_eq(name, known[1]) && !str_eq(name, known[2]))
            return err_set(err, ERR_INVALID, "memberships[%zu].%.*s: no such member", at,
                           STR_FMT(str_slice(name, 0, 64)));
    }
    return 0;
}

static int read_one(const struct json *value, struct membership *out, size_t at,
                    struct arena *arena, struct err *err)
{
    if (value->type != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "memberships[%zu]: must be an object", at);
    int rc = check_members(value, at, err);

    if (rc == 0)
        rc = read_tenant(json_get(value, STR("tenantId")), out, at, err);
    if (rc == 0)
        rc = read_role(json_get(value, STR("role")), out, at, err);
    return rc == 0 ? read_sites(json_get(value, STR("sites")), out, at, arena, err) : rc;
}

int memberships_parse(struct str text, struct arena *arena, struct membership **out, size_t *count,
                      struct err *err)
{
    struct json *list = NULL;

    *out = NULL;
    *count = 0;
    if (text.len == 0)
        return 0;
    if (json_parse(text, MEMBERSHIPS_DEPTH, arena, &list, err) != 0)
        return err_wrap(err, ERR_INVALID, "memberships");
    if (list->type != JSON_ARRAY || list->count > MEMBERSHIPS_MAX)
        return err_set(err, ERR_INVALID, "memberships: must be a list of at most %d",
                       MEMBERSHIPS_MAX);
    struct membership *memberships = ARENA_NEW(arena, struct membership, list->count);

    for (size_t i = 0; i < list->count; i++) {
        int rc = read_one(&list->items[i], &memberships[i], i, arena, err);

        if (rc != 0)
            return rc;
    }
    *out = memberships;
    *count = list->count;
    return 0;
}

/* -- to JSON ----------------------------------------------------------------------------------- */

static void put_one(const struct membership *membership, struct json_out *json)
{
    json_open(json, '{');
    json_name(json, STR("tenantId"));
    json_str(json, membership->tenant);
    json_name(json, STR("role"));
    json_str(json, membership->role == PERSON_MANAGER ? STR("manager") : STR("viewer"));
    if (membership->sites_count > 0) {
        json_name(json, STR("sites"));
        json_open(json, '[');
        for (size_t i = 0; i < membership->sites_count; i++)
            json_str(json, membership->sites[i]);
        json_close(json, ']');
    }
    json_close(json, '}');
}

void memberships_json(const struct membership *memberships, size_t count, struct json_out *json)
{
    json_open(json, '[');
    for (size_t i = 0; i < count; i++)
        put_one(&memberships[i], json);
    json_close(json, ']');
}
