/*
 * event/client.c -- who sends: the address behind trusted proxies, and the page's origin.
 *
 * X-Forwarded-For grows to the right: each proxy appends the address that it was called from. Only
 * what a trusted proxy appended is worth anything, so the search begins at the right and ends with
 * the first address that is no trusted proxy; everything left of it the sender may have made up.
 */
#include "event/event_internal.h"

static bool is_trusted(const struct addr *address, const struct cidr *trusted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cidr_contains(&trusted[i], address))
            return true;
    return false;
}

static bool is_port(struct str s)
{
    int64_t port;

    return s.len > 0 && s.ptr[0] != '-' && str_to_i64(s, &port) && port <= UINT16_MAX;
}

/* "1.2.3.4", "1.2.3.4:5", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5" */
static bool parse_entry(struct str s, struct addr *out)
{
    if (s.len > 0 && s.ptr[0] == '[') {
        size_t end = str_find(s, 0, ']');
        struct str after = str_slice(s, end + 1, s.len);

        return end < s.len && addr_parse(str_slice(s, 1, end), out) && out->family != 0 &&
               (after.len == 0 || (after.ptr[0] == ':' && is_port(str_slice(after, 1, after.len))));
    }

    size_t colon = str_find(s, 0, ':');

    /* One colon parts address and port, more of them make an IPv6 address. */
    if (colon < s.len && str_find(s, colon + 1, ':') == s.len)
        return is_port(str_slice(s, colon + 1, s.len)) && addr_parse(str_slice(s, 0, colon), out);
    return addr_parse(s, out);
}

/* Take the last piece before a comma off *list. */
static struct str take_last(struct str *list)
{
    size_t from = list->len;

    while (from > 0 && list->ptr[from - 1] != ',')
        from--;

    struct str last = str_slice(*list, from, list->len);

    *list = str_slice(*list, 0, from > 0 ? from - 1 : 0);
    return str_trim(last);
}

struct addr client_address(struct addr peer, struct str forwarded_for, const struct cidr *trusted,
                           size_t trusted_count)
{
    struct addr address = peer;

    while (forwarded_for.len > 0 && is_trusted(&address, trusted, trusted_count)) {
        struct str entry = take_last(&forwarded_for);
        struct addr next;

        if (entry.len == 0)
            continue; /* RFC 9110, 5.6.1: empty elements of a list are passed over */
        if (!parse_entry(entry, &next))
            break;
        address = next;
    }
    return address;
}

/* "example.com", "*.example.com" (what is below it, not itself) or "*" */
static bool origin_matches(struct str host, struct str pattern)
{
    if (!str_starts(pattern, STR("*.")))
        return str_ieq(host, pattern);

    struct str domain = str_slice(pattern, 2, pattern.len);

    return host.len > domain.len && host_within(host, domain);
}

bool site_allows_origin(const struct site *site, struct str origin)
{
    struct url url;

    if (origin.len == 0)
        return true;
    bool has_host = url_split(origin, &url);

    if (!site->has_allowed_origins)
        return has_host && host_within(url.host, site->domain);
    for (size_t i = 0; i < site->allowed_origins_count; i++) {
        struct str pattern = site->allowed_origins[i];

        if (str_eq(pattern, STR("*")) || (has_host && origin_matches(url.host, pattern)))
            return true;
    }
    return false;
}

bool page_host(struct str page, struct str *host)
{
    struct url url;

    if (!url_split(page, &url))
        return false;
    *host = url.host;
    return true;
}

/* "*" names no host. */
static size_t pattern_names(struct str pattern, struct str host)
{
    bool below = str_starts(pattern, STR("*."));

    return !str_eq(pattern, STR("*")) && origin_matches(host, pattern)
               ? pattern.len - (below ? strlen("*.") : 0)
               : 0;
}

size_t site_names_host(const struct site *site, struct str host)
{
    size_t closest = host_within(host, site->domain) ? site->domain.len : 0;

    for (size_t i = 0; i < site->allowed_origins_count; i++) {
        size_t names = pattern_names(site->allowed_origins[i], host);

        closest = names > closest ? names : closest;
    }
    return closest;
}
