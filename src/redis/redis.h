/*
 * redis/redis.h -- a connection to Redis, or to the master that Sentinels name.
 *
 *     redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]
 *     redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT].../MASTER[/DB]
 *
 * With an empty USER the password is the server's own (requirepass). Percent-encoding and limits
 * stand in redis/url.h. No error text ever holds the password.
 *
 * The connection is opened by the first call that needs it, and again after every failure: at once
 * where it had answered something, else with a pause that grows to 5 s between tries, during which
 * calls fail at once with the last reason. Each new connection is asked whether it is to the
 * master. Neither connecting (but for libc looking a name up) nor an answer nor a redis_send()
 * takes longer than the time-out, which does not begin again with each byte. Whatever goes wrong
 * between sending and answer (a time-out, a reset, a protocol error) drops the connection and is
 * ERR_UNAVAILABLE: what was sent may or may not have happened, and the rest of a pipeline is
 * forgotten. One thread uses a handle.
 *
 * The one module that knows hiredis.
 */
#ifndef ABACUS_REDIS_REDIS_H
#define ABACUS_REDIS_REDIS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis;

struct redis_config {
    struct str url;
    unsigned timeout_ms; /* to connect, and for each answer; 0: 5000 */
    /* A server that may throw keys away (maxmemory-policy other than noeviction, or it does not
     * tell) is refused with ERR_INVALID when connecting: it would lose events. */
    bool must_keep;
};

/* ERR_INVALID: not such a URL. Does not connect. */
int redis_open(const struct redis_config *config, struct redis **out, struct err *err);
void redis_close(struct redis **redis);

/* A connection that works, as far as can be seen without asking: one that the server has closed
 * meanwhile is renewed. What is sent after that goes to the connection of redis_generation(), or
 * fails. ERR_INVALID: `must_keep`, or a server that does not tell what it is. */
int redis_ready(struct redis *redis, struct err *err);
/* Grows with each new connection: what was known of the server before may not hold any more. 0:
 * never connected. */
uint64_t redis_generation(const struct redis *redis);

/* An answer; what it points at lives until the next call with this handle. */
enum redis_type { REDIS_NIL, REDIS_INTEGER, REDIS_TEXT, REDIS_ARRAY, REDIS_STATUS, REDIS_ERROR };
struct redis_reply {
    enum redis_type type;
    int64_t integer;
    struct str text; /* of texts, statuses and errors */
    const struct redis_reply *items;
    size_t count;
};

/* Append a command to what will be sent; sends when much has gathered. */
int redis_send(struct redis *redis, const struct str *args, size_t count, struct err *err);
/* The answer to the oldest command not yet answered. An error that the server answered is a
 * REDIS_ERROR, not a failure of the call; but -READONLY, -LOADING, -MASTERDOWN, -NOAUTH and the
 * like say that this is no server to work with: the connection is dropped (ERR_UNAVAILABLE). Where
 * nothing waits for an answer: ERR_UNAVAILABLE, too. */
int redis_receive(struct redis *redis, const struct redis_reply **out, struct err *err);

/* redis_ready() and both of these, while no answer is outstanding. ERR_SYSTEM with the server's
 * words where the answer is an error (ERR_FULL for -OOM). */
int redis_call(struct redis *redis, const struct str *args, size_t count,
               const struct redis_reply **out, struct err *err);
/* The same with words that end at NUL: redis_call_words(r, &reply, err, "XLEN", key, NULL). */
int redis_call_words(struct redis *redis, const struct redis_reply **out, struct err *err, ...)
    __attribute__((sentinel));

/* Have the server write the files in which it keeps its data anew, so that what was removed before
 * the first call is not in them any more: the append-only file where it has one, and the snapshot
 * (RDB) where it makes them by itself. Zero-initialise *state, and ask again until it gives 1; 0:
 * not yet. A connection that was lost meanwhile, or a server that failed to write, begins again.
 * What the server refuses is left out and stands in state->told, else empty. Only the server that
 * is asked: what its replicas keep is theirs. */
struct redis_rewrite {
    int stage;
    bool asked;
    uint64_t generation;
    char told[160];
};
int redis_rewrite(struct redis *redis, struct redis_rewrite *state, struct err *err);

/* What doctor shows: "redis 7.0.15 at 127.0.0.1:6379 (noeviction)". */
struct redis_about {
    char version[32], address[128], policy[32];
    uint64_t used_bytes, max_bytes; /* max 0: no bound */
    bool append_only;
};
int redis_about(struct redis *redis, struct redis_about *out, struct err *err);

#endif
