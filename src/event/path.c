/*
 * event/path.c -- where on the site an event happened, and where its visitor came from, without
 * what could name a person: fragments, user information, and query parameters that the site does
 * not keep.
 */
#include "event/event_internal.h"

/* Parameters that say where a visitor came from. They are read into dimensions of their own and
 * never kept in a path, whatever the site's settings say: a click id names one click of one person.
 */
static const char *const source_params[] = {
    "ref",    "source",  "gclid",  "gclsrc",  "gbraid", "wbraid",    "dclid",
    "fbclid", "msclkid", "ttclid", "twclid",  "yclid",  "li_fat_id", "igshid",
    "mc_eid", "_hsenc",  "_hsmi",  "vero_id", "epik",   "rdt_cid",   "irclickid",
};

static bool is_source_param(struct str name)
{
    if (str_ieq(str_slice(name, 0, 4), STR("utm_")))
        return true;
    for (size_t i = 0; i < sizeof(source_params) / sizeof(source_params[0]); i++)
        if (str_ieq(name, str_from(source_params[i])))
            return true;
    return false;
}

static bool is_kept(const struct site *site, struct str parameter)
{
    struct str name = text_until(parameter, "=");

    for (size_t i = 0; i < site->query_params_count; i++)
        if (str_eq(name, site->query_params[i]))
            return !is_source_param(name);
    return false;
}

static struct str mask_if(const struct site *site, struct str s, struct arena *arena)
{
    return site->mask_personal ? mask_text(s, arena) : s;
}

/* `path` with those of `query`'s parameters that are kept, in the order sent. */
static struct str keep_query(const struct site *site, struct str path, struct str query,
                             struct arena *arena)
{
    struct str parameter;
    size_t len = path.len;
    char *out = ARENA_NEW(arena, char, path.len + query.len + 1);

    memcpy(out, path.ptr, path.len);
    for (char joint = '?'; str_next(&query, '&', &parameter);) {
        if (!is_kept(site, parameter))
            continue;
        out[len++] = joint;
        memcpy(out + len, parameter.ptr, parameter.len);
        len += parameter.len;
        joint = '&';
    }
    return (struct str){out, len};
}

struct str path_clean(const struct site *site, struct str path, struct arena *arena)
{
    struct str whole = text_until(path, "#");
    struct str kept = text_until(whole, "?");

    if (whole.len > kept.len && site->query_params_count > 0)
        kept = keep_query(site, kept, str_slice(whole, kept.len + 1, whole.len), arena);
    return text_cut(mask_if(site, kept, arena), EVENT_PATH_MAX);
}

bool path_matches(struct str path, struct str pattern)
{
    path = text_until(path, "?#");
    if (!str_ends(pattern, STR("*")))
        return str_eq(path, pattern);
    return str_starts(path, str_slice(pattern, 0, pattern.len - 1));
}

static bool is_referrer_scheme(struct str scheme)
{
    return str_ieq(scheme, STR("https")) || str_ieq(scheme, STR("http")) ||
           str_ieq(scheme, STR("android-app"));
}

struct str referrer_clean(const struct site *site, struct str referrer, struct arena *arena)
{
    struct url url;

    if (!url_split(referrer, &url) || !is_referrer_scheme(url.scheme))
        return STR("");
    struct str host = text_lower(url.host, arena);

    if (!host_within(host, site->domain))
        return host;
    struct str path = mask_if(site, text_until(url.rest, "?#"), arena);

    if (path.len == 0)
        path = STR("/");
    char *out = ARENA_NEW(arena, char, host.len + path.len);

    memcpy(out, host.ptr, host.len);
    memcpy(out + host.len, path.ptr, path.len);
    return text_cut((struct str){out, host.len + path.len}, EVENT_PATH_MAX);
}
