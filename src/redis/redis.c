/*
 * redis/redis.c -- the verbs: calls on the connection there is, and when to ask for another one.
 *
 * A connection that fails before it has answered anything, and each failure to connect, doubles the
 * pause before the next try; one that had served is renewed at once. While a pause lasts, calls
 * give the last failure again without trying.
 */
#include "redis/redis_internal.h"

#include "base/clock.h"
#include "base/must.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 5000,
    PAUSE_MIN_US = 100 * 1000,
    PAUSE_MAX_US = 5 * 1000 * 1000,
    SEND_BYTES = 64 * 1024, /* gathered commands are sent at this size */
    WORDS_MAX = 16,
};

int redis_open(const struct redis_config *config, struct redis **out, struct err *err)
{
    struct redis *redis = must(calloc(1, sizeof(*redis)));

    *out = NULL;
    int rc = redis_url_parse(config->url, &redis->arena, &redis->url, err);

    if (rc < 0) {
        redis_close(&redis);
        return rc;
    }
    redis->timeout_us =
        (int64_t)(config->timeout_ms == 0 ? TIMEOUT_MS : config->timeout_ms) * INT64_C(1000);
    redis->must_keep = config->must_keep;
    *out = redis;
    return 0;
}

void redis_close(struct redis **redis)
{
    if (*redis == NULL)
        return;
    wire_close(&(*redis)->wire);
    arena_free(&(*redis)->arena);
    free(*redis);
    *redis = NULL;
}

/* -- errors of the server -- */

bool redis_error_is(const struct redis_reply *reply, struct str word)
{
    return reply->type == REDIS_ERROR && str_starts(reply->text, word) &&
           (reply->text.len == word.len || reply->text.ptr[word.len] == ' ');
}

struct redis_words redis_words_of(const struct redis_reply *reply)
{
    struct redis_words words;
    size_t length =
        reply->text.len < sizeof(words.text) - 1 ? reply->text.len : sizeof(words.text) - 1;

    for (size_t i = 0; i < length; i++) {
        char c = reply->text.ptr[i];

        words.text[i] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    words.text[length] = '\0';
    return words;
}

/* This is no server to work with, now. */
static bool is_no_server(const struct redis_reply *reply)
{
    static const struct str words[] = {
        STR_INIT("READONLY"),    STR_INIT("LOADING"), STR_INIT("MASTERDOWN"), STR_INIT("NOAUTH"),
        STR_INIT("CLUSTERDOWN"), STR_INIT("MOVED"),   STR_INIT("ASK")};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (redis_error_is(reply, words[i]))
            return true;
    return false;
}

/* -- the connection -- */

static int64_t next_pause(const struct redis *redis)
{
    if (redis->pause_us == 0)
        return PAUSE_MIN_US;
    return redis->pause_us * 2 < PAUSE_MAX_US ? redis->pause_us * 2 : PAUSE_MAX_US;
}

/* There is none now; `rc` and the text in `failure` say why. */
static int give_up(struct redis *redis, int rc)
{
    redis->pause_us = redis->served ? 0 : next_pause(redis);
    redis->retry_at_us = clock_steady_us() + redis->pause_us;
    redis->failed = rc;
    redis->served = false;
    wire_close(&redis->wire);
    return rc;
}

static int drop(struct redis *redis, int rc, const struct err *why, struct err *err)
{
    err_fill(&redis->failure, "Redis at %s: %s", redis->address, why->text);
    err_fill(err, "%s", redis->failure.text);
    return give_up(redis, rc);
}

static int connect_now(struct redis *redis, struct err *err)
{
    int rc = ERR_UNAVAILABLE;

    if (clock_steady_us() >= redis->retry_at_us) {
        rc = redis_connect(redis, &redis->failure);
        if (rc == 0) {
            redis->generation++;
            redis->served = false;
            return 0;
        }
        (void)give_up(redis, rc);
    }
    err_fill(err, "%s", redis->failure.text);
    return redis->failed;
}

int redis_ready(struct redis *redis, struct err *err)
{
    /* Closed while nobody asked: that is no failure. */
    if (redis->wire.open && redis->wire.outstanding == 0 && !wire_is_quiet(&redis->wire))
        wire_close(&redis->wire);
    return redis->wire.open ? 0 : connect_now(redis, err);
}

uint64_t redis_generation(const struct redis *redis)
{
    return redis->generation;
}

/* -- calls -- */

int redis_send(struct redis *redis, const struct str *args, size_t count, struct err *err)
{
    struct err why = {""};
    int rc = redis->wire.open ? 0 : connect_now(redis, err);

    if (rc < 0)
        return rc;
    wire_put(&redis->wire, args, count);
    if (redis->wire.out.len < SEND_BYTES)
        return 0;
    rc = wire_flush(&redis->wire, clock_steady_us() + redis->timeout_us, &why);
    return rc < 0 ? drop(redis, rc, &why, err) : 0;
}

int redis_receive(struct redis *redis, const struct redis_reply **out, struct err *err)
{
    int64_t deadline_us = clock_steady_us() + redis->timeout_us;
    const struct redis_reply *reply = NULL;
    struct err why = {""};

    if (!redis->wire.open || redis->wire.outstanding == 0)
        return err_set(err, ERR_UNAVAILABLE, "no command waits for an answer of Redis");
    int rc = wire_flush(&redis->wire, deadline_us, &why);

    if (rc == 0)
        rc = wire_get(&redis->wire, deadline_us, &reply, &why);
    if (rc == 0 && is_no_server(reply))
        rc = err_set(&why, ERR_UNAVAILABLE, "%s", redis_words_of(reply).text);
    if (rc < 0)
        return drop(redis, rc, &why, err);
    redis->served = true;
    redis->pause_us = 0;
    *out = reply;
    return 0;
}

int redis_call(struct redis *redis, const struct str *args, size_t count,
               const struct redis_reply **out, struct err *err)
{
    assert(redis->wire.outstanding == 0);
    int rc = redis_ready(redis, err);

    if (rc == 0)
        rc = redis_send(redis, args, count, err);
    if (rc == 0)
        rc = redis_receive(redis, out, err);
    if (rc < 0)
        return rc;
    assert(*out != NULL);
    if ((*out)->type != REDIS_ERROR)
        return 0;
    return err_set(err, redis_error_is(*out, STR("OOM")) ? ERR_FULL : ERR_SYSTEM, "Redis at %s: %s",
                   redis->address, redis_words_of(*out).text);
}

int redis_call_words(struct redis *redis, const struct redis_reply **out, struct err *err, ...)
{
    struct str args[WORDS_MAX];
    size_t count = 0;
    va_list ap;

    va_start(ap, err);
    for (const char *word; (word = va_arg(ap, const char *)) != NULL; count++) {
        assert(count < WORDS_MAX);
        args[count] = str_from(word);
    }
    va_end(ap);
    return redis_call(redis, args, count, out, err);
}

/* -- about -- */

struct str redis_info_field(struct str info, struct str name)
{
    struct str line;

    while (str_next(&info, '\n', &line)) {
        if (!str_starts(line, name) || line.len == name.len || line.ptr[name.len] != ':')
            continue;
        line = str_slice(line, name.len + 1, line.len);
        return str_ends(line, STR("\r")) ? str_slice(line, 0, line.len - 1) : line;
    }
    return STR("");
}

static uint64_t info_number(struct str info, struct str name)
{
    int64_t value;

    return str_to_i64(redis_info_field(info, name), &value) && value > 0 ? (uint64_t)value : 0;
}

int redis_about(struct redis *redis, struct redis_about *out, struct err *err)
{
    const struct redis_reply *reply;
    int rc = redis_call_words(redis, &reply, err, "INFO", NULL);

    *out = (struct redis_about){0};
    if (rc < 0)
        return rc;
    (void)snprintf(out->version, sizeof(out->version), "%.*s",
                   STR_FMT(redis_info_field(reply->text, STR("redis_version"))));
    (void)snprintf(out->address, sizeof(out->address), "%.*s", (int)sizeof(out->address) - 1,
                   redis->address);
    (void)snprintf(out->policy, sizeof(out->policy), "%.*s",
                   STR_FMT(redis_info_field(reply->text, STR("maxmemory_policy"))));
    out->used_bytes = info_number(reply->text, STR("used_memory"));
    out->max_bytes = info_number(reply->text, STR("maxmemory"));
    out->append_only = info_number(reply->text, STR("aof_enabled")) == 1;
    return 0;
}
