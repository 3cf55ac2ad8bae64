/*
 * api/cookies.c -- the session's cookie, and who sends it.
 *
 * A browser sends a cookie with whatever page asks. Over https its name begins with __Host-, which
 * browsers take from this very host alone, so that no neighbour under the same domain can put one
 * of its own in its place; the plain name then counts for nothing.
 */
#include "api/caller.h"

bool caller_is_https(const struct api *api, const struct http_request *request)
{
    struct str proto = request->forwarded_proto, last = STR("");
    bool trusted = false;

    if (api->public_url.len > 0)
        return str_starts(api->public_url, STR("https://"));
    for (size_t i = 0; i < api->trusted_count && !trusted; i++)
        trusted = cidr_contains(&api->trusted[i], &request->peer);
    while (trusted && proto.len > 0 && str_next(&proto, ',', &last))
        continue;
    return str_ieq(str_trim(last), STR("https"));
}

struct str caller_own_url(const struct api *api, const struct http_request *request)
{
    struct buf url = {0};

    if (api->public_url.len > 0)
        return api->public_url;
    buf_addf(&url, "%s://%.*s", caller_is_https(api, request) ? "https" : "http",
             STR_FMT(request->host));
    struct str kept = arena_str(request->arena, buf_str(&url));

    buf_release(&url);
    return kept;
}

struct str caller_cookie_name(const struct api *api, const struct http_request *request)
{
    return caller_is_https(api, request) ? STR("__Host-abacus_session") : STR("abacus_session");
}

struct str caller_find_cookie(struct str cookies, struct str name)
{
    struct str pair;

    while (cookies.len > 0 && str_next(&cookies, ';', &pair)) {
        size_t equals = str_find(pair, 0, '=');

        if (equals < pair.len && str_eq(str_trim(str_slice(pair, 0, equals)), name))
            return str_trim(str_slice(pair, equals + 1, pair.len));
    }
    return STR("");
}

struct str caller_cookie(const struct api *api, const struct http_request *request)
{
    return caller_find_cookie(request->cookie, caller_cookie_name(api, request));
}

/* "https://stats.example.com:8443" of a URL, without the port that its scheme has anyway. */
static struct str url_origin(struct str url)
{
    bool secure = str_starts(url, STR("https://"));
    struct str origin = str_slice(url, 0, str_find(url, secure ? 8 : 7, '/'));
    struct str port = secure ? STR(":443") : STR(":80");

    return str_ends(origin, port) ? str_slice(origin, 0, origin.len - port.len) : origin;
}

bool caller_is_own_page(const struct api *api, const struct http_request *request)
{
    struct str origin = request->origin;

    if (origin.len == 0)
        return str_eq(request->fetch_site, STR("same-origin"));
    if (api->public_url.len > 0)
        return str_ieq(origin, url_origin(api->public_url));
    size_t scheme = str_starts(origin, STR("https://"))  ? 8
                    : str_starts(origin, STR("http://")) ? 7
                                                         : 0;

    return request->host.len > 0 && scheme > 0 &&
           str_ieq(str_slice(origin, scheme, origin.len), request->host);
}
