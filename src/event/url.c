/*
 * event/url.c -- the parts of an absolute URL that analytics needs.
 *
 * Not a general parser: what a browser would not send as an Origin or a referrer is refused, so
 * that nothing but a plain host name or address ever becomes a host.
 */
#include "event/event_internal.h"

enum { PORT_DIGITS_MAX = 5 }; /* RFC 6335 */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_scheme(struct str s)
{
    if (s.len == 0 || !is_alpha(s.ptr[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && memchr("+.-", s.ptr[i], 3) == NULL)
            return false;
    return true;
}

/* A name or an IPv4 address; bytes beyond ASCII are names that nobody has turned into punycode. */
static bool is_host(struct str s)
{
    if (s.len == 0 || s.len > URL_HOST_MAX || s.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && memchr("._-", s.ptr[i], 3) == NULL &&
            (unsigned char)s.ptr[i] < 0x80)
            return false;
    return true;
}

static bool is_port(struct str s)
{
    if (s.len > PORT_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]))
            return false;
    return true;
}

/* "[::1]" and what follows it. */
static bool split_literal(struct str s, struct str *host, struct str *after)
{
    size_t end = str_find(s, 0, ']');
    struct addr address;

    if (end == s.len || !addr_parse(str_slice(s, 1, end), &address))
        return false;
    *host = str_slice(s, 0, end + 1);
    *after = str_slice(s, end + 1, s.len);
    return true;
}

static bool split_authority(struct str s, struct str *host)
{
    struct str after;

    for (size_t at; (at = str_find(s, 0, '@')) < s.len;)
        s = str_slice(s, at + 1, s.len);
    if (s.len > 0 && s.ptr[0] == '[') {
        if (!split_literal(s, host, &after))
            return false;
    } else {
        size_t colon = str_find(s, 0, ':');

        *host = str_slice(s, 0, colon);
        after = str_slice(s, colon, s.len);
        if (host->len > 1 && host->ptr[host->len - 1] == '.')
            host->len--;
        if (!is_host(*host))
            return false;
    }
    return after.len == 0 || (after.ptr[0] == ':' && is_port(str_slice(after, 1, after.len)));
}

bool url_split(struct str text, struct url *out)
{
    size_t colon = str_find(text, 0, ':');
    struct str after = str_slice(text, colon, text.len);

    out->scheme = str_slice(text, 0, colon);
    if (!is_scheme(out->scheme) || !str_starts(after, STR("://")))
        return false;
    after = str_slice(after, 3, after.len);

    struct str authority = text_until(after, "/?#");

    out->rest = str_slice(after, authority.len, after.len);
    return split_authority(authority, &out->host);
}

bool host_within(struct str host, struct str domain)
{
    if (domain.len == 0 || host.len < domain.len)
        return false;
    size_t above = host.len - domain.len;

    return str_ieq(str_slice(host, above, host.len), domain) &&
           (above == 0 || host.ptr[above - 1] == '.');
}
