#include "redis/url.h"

#include "base/net.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* All bytes are letters, digits or among `others`. */
static bool made_of(struct str s, struct str others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && str_find(others, 0, s.ptr[i]) == others.len)
            return false;
    return true;
}

/* Digits and nothing else, at most `max`. */
static bool to_number(struct str s, unsigned max, unsigned *out)
{
    unsigned value = 0;

    if (s.len == 0 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(s.ptr[i] - '0');
    }
    *out = value;
    return value <= max;
}

/* -- user and password -- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct str s, struct arena *arena, struct str *out, struct err *err)
{
    char *to = arena_bytes(arena, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        to[n] = s.ptr[i];
        if (s.ptr[i] == '%') {
            int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return err_set(err, ERR_INVALID,
                               "the Redis URL has a '%%' without two hex digits, or %%00, in its "
                               "user or password");
            to[n] = (char)(high * 16 + low);
            i += 2;
        }
        n++;
    }
    to[n] = '\0';
    *out = (struct str){to, n};
    return 0;
}

static int parse_user(struct str s, struct arena *arena, struct redis_url *out, struct err *err)
{
    size_t colon = str_find(s, 0, ':');

    if (!made_of(s, STR("-._~!$&'()*+,;=:%")))
        return err_set(err, ERR_INVALID,
                       "the user or password in the Redis URL has a character that must be "
                       "percent-encoded (@ as %%40, / as %%2F)");
    int rc = decode(str_slice(s, 0, colon), arena, &out->user, err);

    if (rc == 0)
        rc = decode(str_slice(s, colon + 1, s.len), arena, &out->password, err);
    if (rc == 0 && out->user.len == 0 && out->password.len == 0)
        rc = err_set(err, ERR_INVALID, "the Redis URL has neither user nor password before its @");
    out->auth = true;
    return rc;
}

/* -- hosts -- */

static bool name_is_good(struct str name, bool bracketed)
{
    struct addr ignored;

    if (bracketed)
        return str_find(name, 0, ':') != name.len && addr_parse(name, &ignored);
    return name.len > 0 && name.len <= REDIS_HOST_MAX && made_of(name, STR("-._"));
}

static int parse_host(struct str s, struct arena *arena, struct redis_url *out, struct err *err)
{
    unsigned port = out->sentinel ? REDIS_SENTINEL_PORT : REDIS_PORT;
    bool bracketed = s.len > 0 && s.ptr[0] == '[';
    size_t end = str_find(s, 0, bracketed ? ']' : ':');
    struct str name = str_slice(s, bracketed ? 1 : 0, end);

    if (bracketed)
        end++;
    if (out->hosts_count == REDIS_HOSTS_MAX)
        return err_set(err, ERR_INVALID, "the Redis URL names more than %d hosts", REDIS_HOSTS_MAX);
    if (end > s.len || !name_is_good(name, bracketed))
        return err_set(err, ERR_INVALID,
                       "the Redis URL has a host that is no name and no address (an IPv6 address "
                       "stands in brackets)");
    if (end < s.len && (s.ptr[end] != ':' ||
                        !to_number(str_slice(s, end + 1, s.len), UINT16_MAX, &port) || port == 0))
        return err_set(err, ERR_INVALID,
                       "the Redis URL has a port that is no number from 1 to 65535");
    out->hosts[out->hosts_count++] = (struct redis_host){arena_str(arena, name), (uint16_t)port};
    return 0;
}

static int parse_hosts(struct str s, struct arena *arena, struct redis_url *out, struct err *err)
{
    struct str piece;
    int rc = 0;

    if (!out->sentinel)
        return parse_host(s, arena, out, err);
    while (rc == 0 && str_next(&s, ',', &piece))
        rc = parse_host(piece, arena, out, err);
    return rc;
}

/* -- what stands behind the hosts -- */

/* [/MASTER][/DB], without the first slash. */
static int parse_path(struct str path, struct arena *arena, struct redis_url *out, struct err *err)
{
    if (out->sentinel) {
        size_t slash = str_find(path, 0, '/');
        struct str master = str_slice(path, 0, slash);

        if (master.len == 0 || master.len > REDIS_MASTER_MAX || !made_of(master, STR("-._")))
            return err_set(err, ERR_INVALID,
                           "the Redis URL needs the name of the master (letters, digits and -._, "
                           "at most %d) behind the Sentinels",
                           REDIS_MASTER_MAX);
        out->master = arena_str(arena, master);
        path = str_slice(path, slash + 1, path.len);
    }
    if (path.len > 0 && !to_number(path, REDIS_DB_MAX, &out->db))
        return err_set(err, ERR_INVALID,
                       "the Redis URL has a database that is no number from 0 to %d "
                       "(and it has no parameters)",
                       REDIS_DB_MAX);
    return 0;
}

static int parse_scheme(struct str url, struct redis_url *out, struct str *rest, struct err *err)
{
    const struct str plain = STR("redis://"), sentinel = STR("redis+sentinel://");

    if (url.len > REDIS_URL_MAX)
        return err_set(err, ERR_INVALID, "the Redis URL is longer than %d bytes", REDIS_URL_MAX);
    out->sentinel = str_starts(url, sentinel);
    if (!out->sentinel && !str_starts(url, plain))
        return err_set(err, ERR_INVALID,
                       "a Redis URL begins with redis:// or redis+sentinel:// (TLS is left to a "
                       "tunnel)");
    *rest = str_slice(url, out->sentinel ? sentinel.len : plain.len, url.len);
    return 0;
}

int redis_url_parse(struct str url, struct arena *arena, struct redis_url *out, struct err *err)
{
    struct str rest = {0};

    *out = (struct redis_url){0};
    int rc = parse_scheme(url, out, &rest, err);

    if (rc < 0)
        return rc;
    size_t slash = str_find(rest, 0, '/');
    struct str hosts = str_slice(rest, 0, slash);
    size_t at = str_find(hosts, 0, '@');

    if (at < hosts.len)
        rc = parse_user(str_slice(hosts, 0, at), arena, out, err);
    if (rc == 0)
        rc = parse_hosts(at < hosts.len ? str_slice(hosts, at + 1, hosts.len) : hosts, arena, out,
                         err);
    if (rc == 0)
        rc = parse_path(str_slice(rest, slash + 1, rest.len), arena, out, err);
    return rc;
}
