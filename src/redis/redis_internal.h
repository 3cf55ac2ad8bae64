/*
 * redis/redis_internal.h -- a handle, and how it gets its connection.
 */
#ifndef ABACUS_REDIS_REDIS_INTERNAL_H
#define ABACUS_REDIS_REDIS_INTERNAL_H

#include "redis/redis.h"
#include "redis/url.h"
#include "redis/wire.h"

struct redis {
    struct arena arena; /* the URL's parts */
    struct redis_url url;
    int64_t timeout_us;
    bool must_keep;

    struct wire wire;
    uint64_t generation;
    char address[REDIS_HOST_MAX + 16]; /* whom it is, or was last, connected to */
    char policy[32];                   /* maxmemory-policy, where it was asked for */
    size_t sentinel;                   /* the one to ask first */

    bool served; /* this connection has answered a command of the user's */
    int64_t pause_us, retry_at_us;
    int failed; /* why there is no connection: its code and text */
    struct err failure;
};

/* Find the server, connect, and make sure that it is one to work with. On failure the wire is
 * closed. */
int redis_connect(struct redis *redis, struct err *err);

/* The text begins with this word. */
bool redis_error_is(const struct redis_reply *reply, struct str word);

/* For the text of an error: what does not print is '?'. */
struct redis_words {
    char text[160];
};
struct redis_words redis_words_of(const struct redis_reply *reply);

/* The value of "name:value" in the answer to INFO; empty where it is missing. */
struct str redis_info_field(struct str info, struct str name);

#endif
