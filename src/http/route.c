/*
 * http/route.c -- from a path and a method to a route.
 *
 * Paths without a parameter are found by their length and one comparison; those with one are few
 * and tried in the order of the table. A path without parameter comes before one with. Immutable
 * once made; any thread.
 */
#include "http/http_internal.h"

static const struct str method_names[METHODS] = {
    {"GET", 3}, {"POST", 4}, {"PUT", 3}, {"PATCH", 5}, {"DELETE", 6}};

static unsigned method_number(struct str method)
{
    unsigned m = 0;

    if (str_eq(method, STR("HEAD")))
        return 0;
    while (m < METHODS && !str_eq(method, method_names[m]))
        m++;
    return m;
}

/* Take "/a/{b}/c" apart. False: more than one parameter, or one that is not a whole segment. */
static bool target_set_path(struct target *target, struct str path)
{
    size_t open = str_find(path, 0, '{'), close = str_find(path, open, '}');

    *target = (struct target){.path = path};
    for (unsigned m = 0; m < METHODS; m++)
        target->by_method[m] = NO_ROUTE;
    if (open == path.len)
        return path.len > 0 && path.ptr[0] == '/';
    target->has_param = true;
    target->path = str_slice(path, 0, open);
    target->rest = str_slice(path, close + 1, path.len);
    return close < path.len && open > 0 && path.ptr[open - 1] == '/' &&
           str_find(target->rest, 0, '{') == target->rest.len &&
           (target->rest.len == 0 || target->rest.ptr[0] == '/');
}

static struct target *same_path(struct router *router, const struct target *like)
{
    for (size_t i = 0; i < router->targets_count; i++) {
        struct target *t = &router->targets[i];

        if (t->has_param == like->has_param && str_eq(t->path, like->path) &&
            str_eq(t->rest, like->rest))
            return t;
    }
    router->targets[router->targets_count] = *like;
    return &router->targets[router->targets_count++];
}

static int router_add(struct router *router, size_t index, struct err *err)
{
    const struct http_route *route = &router->routes[index];
    unsigned method = method_number(str_from(route->method));
    struct target target;

    if (method == METHODS || !target_set_path(&target, str_from(route->path)))
        return err_set(err, ERR_INVALID, "route %s %s: no such method, or a bad path",
                       route->method, route->path);
    struct target *t = same_path(router, &target);

    if (t->by_method[method] != NO_ROUTE)
        return err_set(err, ERR_INVALID, "route %s %s: given twice", route->method, route->path);
    t->by_method[method] = (uint16_t)index;
    t->cors |= route->cors;
    return 0;
}

static struct str allow_list(const struct target *target, struct arena *arena)
{
    struct buf list = {0};

    for (unsigned m = 0; m < METHODS; m++) {
        if (target->by_method[m] == NO_ROUTE)
            continue;
        buf_add(&list, list.len > 0 ? STR(", ") : STR(""));
        buf_add(&list, method_names[m]);
        buf_add(&list, m == 0 ? STR(", HEAD") : STR(""));
    }
    buf_add(&list, target->cors ? STR(", OPTIONS") : STR(""));
    struct str kept = arena_str(arena, buf_str(&list));

    buf_release(&list);
    return kept;
}

static void router_link(struct router *router)
{
    for (size_t i = router->targets_count; i > 0; i--) {
        struct target *t = &router->targets[i - 1];
        struct target **at =
            t->has_param ? &router->with_param : &router->by_length[t->path.len % PATH_LENGTHS];

        t->allow = allow_list(t, &router->arena);
        t->next = *at;
        *at = t;
    }
}

static bool is_served(const struct http_route *route, unsigned groups)
{
    return route->group == 0 || (route->group & groups) != 0;
}

int router_init(struct router *router, const struct http_route *routes, size_t count,
                unsigned groups, struct err *err)
{
    *router = (struct router){.routes = routes};
    if (count >= NO_ROUTE)
        return err_set(err, ERR_INVALID, "more than %d routes", NO_ROUTE - 1);
    router->targets = ARENA_NEW(&router->arena, struct target, count + 1);
    for (size_t i = 0; i < count; i++) {
        int rc = is_served(&routes[i], groups) ? router_add(router, i, err) : 0;

        if (rc != 0) {
            router_release(router);
            return rc;
        }
    }
    router_link(router);
    return 0;
}

void router_release(struct router *router)
{
    arena_free(&router->arena);
}

static bool match_param(const struct target *t, struct str path, struct str *param)
{
    if (path.len <= t->path.len + t->rest.len || !str_starts(path, t->path) ||
        !str_ends(path, t->rest))
        return false;
    *param = str_slice(path, t->path.len, path.len - t->rest.len);
    return memchr(param->ptr, '/', param->len) == NULL;
}

const struct target *router_find(const struct router *router, struct str path, struct str *param)
{
    for (const struct target *t = router->by_length[path.len % PATH_LENGTHS]; t != NULL;
         t = t->next) {
        if (str_eq(t->path, path))
            return t;
    }
    for (const struct target *t = router->with_param; t != NULL; t = t->next) {
        if (match_param(t, path, param))
            return t;
    }
    return NULL;
}

uint16_t target_route(const struct target *target, struct str method)
{
    unsigned m = method_number(method);

    return m < METHODS ? target->by_method[m] : NO_ROUTE;
}
