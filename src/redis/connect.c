/*
 * redis/connect.c -- from a URL to a connection that is one to work with.
 *
 * With Sentinel each one named is asked in turn, within its share of the time, and whom it names
 * must say itself that it is the master: a Sentinel that was cut off names the old one. What a
 * server is and what it may throw away is checked with each new connection, since behind one
 * address another server may stand by now.
 */
#include "redis/redis_internal.h"

#include "base/clock.h"

#include <stdio.h>

/* -- questions to a server that is not known yet -- */

static int ask_with(struct wire *wire, const struct str *args, size_t count, int64_t deadline_us,
                    const struct redis_reply **out, struct err *err)
{
    wire_put(wire, args, count);
    int rc = wire_flush(wire, deadline_us, err);

    return rc < 0 ? rc : wire_get(wire, deadline_us, out, err);
}

/* AUTH's own errors may repeat what was sent, password and all: only their first word is told. */
static int authenticate(const struct redis_url *url, struct wire *wire, int64_t deadline_us,
                        struct err *err)
{
    const struct str args[] = {STR("AUTH"), url->user, url->password};
    const struct str only_password[] = {STR("AUTH"), url->password};
    bool user = url->user.len > 0;
    const struct redis_reply *reply;
    int rc = ask_with(wire, user ? args : only_password, user ? 3 : 2, deadline_us, &reply, err);

    if (rc < 0 || reply->type != REDIS_ERROR)
        return rc;
    struct str word = str_slice(reply->text, 0, str_find(reply->text, 0, ' '));

    return err_set(err, ERR_UNAVAILABLE, "the server refuses user or password (%.*s)",
                   word.len < 20 ? (int)word.len : 0, word.ptr);
}

static int select_db(const struct redis *redis, struct wire *wire, int64_t deadline_us,
                     struct err *err)
{
    char db[12];
    const struct redis_reply *reply;
    int n = snprintf(db, sizeof(db), "%u", redis->url.db);
    const struct str args[] = {STR("SELECT"), {db, (size_t)n}};
    int rc = redis->url.db == 0 ? 0 : ask_with(wire, args, 2, deadline_us, &reply, err);

    if (rc < 0 || redis->url.db == 0 || reply->type != REDIS_ERROR)
        return rc;
    return err_set(err, ERR_UNAVAILABLE, "database %s: %s", db, redis_words_of(reply).text);
}

/* The command is not for this user, or for nobody: another one may tell. */
static bool is_forbidden(const struct redis_reply *reply)
{
    return redis_error_is(reply, STR("NOPERM")) ||
           (redis_error_is(reply, STR("ERR")) &&
            str_starts(reply->text, STR("ERR unknown command")));
}

/* A field of INFO; empty where that is forbidden, too. */
static int ask_info(struct wire *wire, struct str section, struct str field, int64_t deadline_us,
                    struct str *out, struct err *err)
{
    const struct str args[] = {STR("INFO"), section};
    const struct redis_reply *reply;
    int rc = ask_with(wire, args, 2, deadline_us, &reply, err);

    if (rc < 0)
        return rc;
    *out = reply->type == REDIS_TEXT ? redis_info_field(reply->text, field) : STR("");
    return 0;
}

/* -- is it the master? -- */

/* "master", "slave" or "sentinel"; empty where the server does not tell. */
static int ask_role(struct wire *wire, int64_t deadline_us, struct str *out, struct err *err)
{
    const struct str args[] = {STR("ROLE")};
    const struct redis_reply *reply;
    int rc = ask_with(wire, args, 1, deadline_us, &reply, err);

    if (rc < 0)
        return rc;
    if (is_forbidden(reply))
        return ask_info(wire, STR("replication"), STR("role"), deadline_us, out, err);
    if (reply->type == REDIS_ERROR)
        return err_set(err, ERR_UNAVAILABLE, "%s", redis_words_of(reply).text);
    *out = reply->type == REDIS_ARRAY && reply->count > 0 ? reply->items[0].text : STR("");
    return 0;
}

static int check_role(const struct redis *redis, struct wire *wire, int64_t deadline_us,
                      struct err *err)
{
    struct str role = {0};
    int rc = ask_role(wire, deadline_us, &role, err);

    if (rc < 0 || str_eq(role, STR("master")))
        return rc;
    if (role.len > 0)
        return err_set(err, ERR_UNAVAILABLE, "this is a %s, not the master",
                       str_eq(role, STR("slave")) ? "replica" : "Sentinel or something else");
    if (!redis->url.sentinel && !redis->must_keep)
        return 0;
    return err_set(
        err, ERR_INVALID,
        "the server does not tell whether it is the master: allow its user ROLE or INFO");
}

/* -- does it keep what it has? -- */

static int ask_policy(struct wire *wire, int64_t deadline_us, struct str *out, struct err *err)
{
    const struct str args[] = {STR("CONFIG"), STR("GET"), STR("maxmemory-policy")};
    const struct redis_reply *reply;
    int rc = ask_with(wire, args, 3, deadline_us, &reply, err);

    if (rc < 0)
        return rc;
    if (reply->type == REDIS_ARRAY && reply->count == 2 && reply->items[1].type == REDIS_TEXT) {
        *out = reply->items[1].text;
        return 0;
    }
    return ask_info(wire, STR("memory"), STR("maxmemory_policy"), deadline_us, out, err);
}

static int check_policy(struct redis *redis, struct wire *wire, int64_t deadline_us,
                        struct err *err)
{
    struct str policy = {0};
    int rc = redis->must_keep ? ask_policy(wire, deadline_us, &policy, err) : 0;

    if (rc < 0 || !redis->must_keep)
        return rc;
    if (policy.len == 0)
        return err_set(err, ERR_INVALID,
                       "the server does not tell its maxmemory-policy: allow its user CONFIG GET "
                       "or INFO");
    (void)snprintf(redis->policy, sizeof(redis->policy), "%.*s", STR_FMT(policy));
    if (str_eq(policy, STR("noeviction")))
        return 0;
    return err_set(err, ERR_INVALID,
                   "the server throws keys away when its memory is full: its maxmemory-policy is "
                   "%s and must be noeviction",
                   redis->policy);
}

/* -- whom to connect to -- */

static void name_address(struct redis *redis, struct str host, unsigned port)
{
    bool v6 = str_find(host, 0, ':') < host.len;

    (void)snprintf(redis->address, sizeof(redis->address), "%s%.*s%s:%u", v6 ? "[" : "",
                   STR_FMT(host), v6 ? "]" : "", port);
}

struct target {
    char host[REDIS_HOST_MAX + 1];
    uint16_t port;
};

static bool read_target(const struct redis_reply *reply, struct target *out)
{
    int64_t port;

    if (reply->type != REDIS_ARRAY || reply->count != 2)
        return false;
    struct str host = reply->items[0].text;

    if (host.len == 0 || host.len > REDIS_HOST_MAX || str_find(host, 0, '\0') < host.len ||
        !str_to_i64(reply->items[1].text, &port) || port < 1 || port > UINT16_MAX)
        return false;
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    out->port = (uint16_t)port;
    return true;
}

/* A Sentinel is asked without a password first, and with the URL's where it wants one. */
static int ask_sentinel(const struct redis *redis, struct wire *wire, int64_t deadline_us,
                        struct target *out, struct err *err)
{
    const struct str args[] = {STR("SENTINEL"), STR("get-master-addr-by-name"), redis->url.master};
    const struct redis_reply *reply;
    int rc = ask_with(wire, args, 3, deadline_us, &reply, err);

    if (rc == 0 && redis->url.auth && redis_error_is(reply, STR("NOAUTH"))) {
        rc = authenticate(&redis->url, wire, deadline_us, err);
        rc = rc < 0 ? rc : ask_with(wire, args, 3, deadline_us, &reply, err);
    }
    if (rc < 0 || read_target(reply, out))
        return rc;
    if (reply->type == REDIS_ERROR)
        return err_set(err, ERR_UNAVAILABLE, "%s", redis_words_of(reply).text);
    return err_set(err, ERR_UNAVAILABLE, "no master named \"%.*s\" is known",
                   STR_FMT(redis->url.master));
}

static int find_master_by(struct redis *redis, const struct redis_host *sentinel,
                          int64_t deadline_us, struct target *out, struct err *err)
{
    struct wire wire = {0};
    int rc = wire_open(&wire, sentinel->name.ptr, sentinel->port, deadline_us, err);

    if (rc == 0)
        rc = ask_sentinel(redis, &wire, deadline_us, out, err);
    wire_close(&wire);
    name_address(redis, sentinel->name, sentinel->port);
    return rc < 0 ? err_wrap(err, rc, "Sentinel at %s", redis->address) : 0;
}

/* The time that is left is shared by the Sentinels not asked yet and the master. */
static int find_master(struct redis *redis, int64_t deadline_us, struct target *out,
                       struct err *err)
{
    size_t count = redis->url.hosts_count;
    int rc = ERR_UNAVAILABLE;

    for (size_t i = 0; rc < 0 && i < count; i++) {
        int64_t now_us = clock_steady_us();
        int64_t share_us = (deadline_us - now_us) / (int64_t)(count - i + 1);

        rc = find_master_by(redis, &redis->url.hosts[redis->sentinel], now_us + share_us, out, err);
        if (rc < 0)
            redis->sentinel = (redis->sentinel + 1) % count;
    }
    return rc;
}

static int prepare(struct redis *redis, int64_t deadline_us, struct err *err)
{
    struct wire *wire = &redis->wire;
    int rc = redis->url.auth ? authenticate(&redis->url, wire, deadline_us, err) : 0;

    if (rc == 0)
        rc = select_db(redis, wire, deadline_us, err);
    if (rc == 0)
        rc = check_role(redis, wire, deadline_us, err);
    return rc == 0 ? check_policy(redis, wire, deadline_us, err) : rc;
}

int redis_connect(struct redis *redis, struct err *err)
{
    int64_t deadline_us = clock_steady_us() + redis->timeout_us;
    const struct redis_host *host = &redis->url.hosts[0];
    struct target target = {.port = host->port};
    int rc = 0;

    if (redis->url.sentinel)
        rc = find_master(redis, deadline_us, &target, err);
    else
        memcpy(target.host, host->name.ptr, host->name.len);
    if (rc < 0)
        return rc;
    name_address(redis, str_from(target.host), target.port);
    rc = wire_open(&redis->wire, target.host, target.port, deadline_us, err);
    if (rc == 0)
        rc = prepare(redis, deadline_us, err);
    if (rc < 0) {
        wire_close(&redis->wire);
        /* Another Sentinel may know better. */
        redis->sentinel = (redis->sentinel + 1) % redis->url.hosts_count;
        return err_wrap(err, rc, "Redis at %s", redis->address);
    }
    return 0;
}
