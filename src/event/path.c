/*
 * event/path.c -- where on the site an event happened, and where its visitor came from, without
 * what could name a person: fragments, user information, and query parameters that the site does
 * not keep. Parameters that say where a visit came from (source_tags.c) are never kept: what they
 * say has dimensions of its own, and a click's id names one click of one person.
 *
 * The site's pages have the same name in both: masked, then under the site's rules (path_rules.c
 * says why in this order).
 *
 * A fragment that is a route, one that begins with "/" or "!", is a part of the page: an
 * application that routes by it has all its pages under one path. It is kept up to a '?' or another
 * '#' in it, and stands right behind the path, before what of the query is kept: of
 * "/app?x=1#/users/7?tab=a" the page is "/app#/users/7", and where the site keeps `x` what is kept
 * is "/app#/users/7?x=1". So a page's name is what stands before the '?', whether it has a route or
 * not; rules, goals, blocked paths and filters by how a page's name begins see path and route as
 * one text, and a route's pages stand together whatever the query. Any other fragment names a place
 * on the page, or holds what a server was not to see, and is cut. Browsers send no fragment in a
 * referrer; one that is there is cut.
 */
#include "event/event_internal.h"

static bool is_kept(const struct site *site, struct str parameter)
{
    struct str name = text_until(parameter, "=");

    for (size_t i = 0; i < site->query_params_count; i++)
        if (str_eq(name, site->query_params[i]))
            return !tags_name(name);
    return false;
}

static struct str mask_if(const struct site *site, struct str s, struct arena *arena)
{
    return site->mask_personal ? mask_text(s, arena) : s;
}

static struct str join(struct str a, struct str b, struct arena *arena)
{
    char *out = arena_bytes(arena, a.len + b.len);

    if (a.len > 0)
        memcpy(out, a.ptr, a.len);
    if (b.len > 0)
        memcpy(out + a.len, b.ptr, b.len);
    return (struct str){out, a.len + b.len};
}

/* Those of `query`'s parameters that are kept, in the order sent, behind a '?'; or nothing. */
static struct str keep_query(const struct site *site, struct str query, struct arena *arena)
{
    struct str parameter;
    size_t len = 0;
    char *out = arena_bytes(arena, query.len + 1);

    while (str_next(&query, '&', &parameter)) {
        if (!is_kept(site, parameter))
            continue;
        out[len] = len == 0 ? '?' : '&';
        memcpy(out + len + 1, parameter.ptr, parameter.len);
        len += 1 + parameter.len;
    }
    return (struct str){out, len};
}

struct page page_of(struct str path)
{
    struct str before = text_until(path, "#");
    struct page page = {.path = text_until(before, "?"), .query = STR(""), .route = STR("")};

    if (page.path.len < before.len)
        page.query = str_slice(before, page.path.len + 1, before.len);
    if (before.len + 1 >= path.len)
        return page;
    char first = path.ptr[before.len + 1];
    struct str route = text_until(str_slice(path, before.len + 1, path.len), "?#");

    if (first == '/' || first == '!')
        page.route = str_slice(path, before.len, before.len + 1 + route.len);
    return page;
}

bool path_is_page(struct str path)
{
    struct page page = page_of(path);

    return page.path.len + page.route.len == path.len;
}

/* The name of a page as reports give it. */
static struct str page_path(const struct site *site, struct str path, struct arena *arena)
{
    path = mask_if(site, path, arena);
    return path.len > 0 ? path_rewrite(site, path, arena) : path;
}

struct str path_clean(const struct site *site, struct str path, struct arena *arena)
{
    struct page page = page_of(path);
    struct str name = page.route.len > 0 ? join(page.path, page.route, arena) : page.path;
    struct str kept = page_path(site, name, arena);

    if (page.query.len > 0 && site->query_params_count > 0) {
        struct str query = keep_query(site, page.query, arena);

        if (query.len > 0)
            kept = join(kept, mask_if(site, query, arena), arena);
    }
    return text_cut(kept, EVENT_PATH_MAX);
}

bool path_matches(struct str path, struct str pattern)
{
    struct page page = page_of(path);
    bool prefix = str_ends(pattern, STR("*"));

    pattern = str_slice(pattern, 0, pattern.len - prefix);
    struct str route = str_slice(pattern, page.path.len, pattern.len);

    if (!str_eq(str_slice(page.path, 0, pattern.len), str_slice(pattern, 0, page.path.len)))
        return false;
    if (prefix)
        return str_starts(page.route, route);
    return page.path.len <= pattern.len && str_eq(page.route, route);
}

static bool is_referrer_scheme(struct str scheme)
{
    return str_ieq(scheme, STR("https")) || str_ieq(scheme, STR("http")) ||
           str_ieq(scheme, STR("android-app"));
}

bool referrer_split(struct str referrer, struct url *out)
{
    return url_split(referrer, out) && is_referrer_scheme(out->scheme);
}

struct str referrer_clean(const struct site *site, struct str referrer, struct arena *arena)
{
    struct url url;

    if (!referrer_split(referrer, &url))
        return STR("");
    struct str host = text_lower(url.host, arena);

    if (!host_within(host, site->domain))
        return host;
    struct str path = text_until(url.rest, "?#");

    path = page_path(site, path.len > 0 ? path : STR("/"), arena);
    return text_cut(join(host, path, arena), EVENT_PATH_MAX);
}
