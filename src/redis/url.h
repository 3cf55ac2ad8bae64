/*
 * redis/url.h -- the two kinds of URL that redis.h names, taken apart.
 *
 * Strict: what is not said there is refused, and user and password are percent-encoded but for
 * what RFC 3986 lets stand in them (letters, digits and -._~!$&'()*+,;= and, in the password, ':').
 * The text of an error never holds a piece of the URL, which may be a password.
 */
#ifndef ABACUS_REDIS_URL_H
#define ABACUS_REDIS_URL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    REDIS_URL_MAX = 8192, /* bytes of all of it: tokens of cloud services are passwords of 2 KB */
    REDIS_HOSTS_MAX = 16,
    REDIS_HOST_MAX = 253,   /* bytes of a name in DNS (RFC 1035) */
    REDIS_MASTER_MAX = 128, /* bytes of a master's name */
    REDIS_DB_MAX = 65535,
    REDIS_PORT = 6379,
    REDIS_SENTINEL_PORT = 26379,
};

struct redis_host {
    struct str name; /* without brackets; a NUL stands behind it */
    uint16_t port;
};

struct redis_url {
    bool sentinel;
    bool auth;                 /* there is a user, a password or both */
    struct str user, password; /* decoded; an empty user is the server's default one */
    struct redis_host hosts[REDIS_HOSTS_MAX];
    size_t hosts_count; /* 1 without Sentinel */
    struct str master;  /* with Sentinel only */
    unsigned db;
};

/* ERR_INVALID: not such a URL. The strings live in `arena`. */
int redis_url_parse(struct str url, struct arena *arena, struct redis_url *out, struct err *err);

#endif
