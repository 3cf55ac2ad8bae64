/*
 * relay/forget.c -- taking producers out of Redis of which the log holds nothing more, since nobody
 * else can know that. In memory they stay: a store that goes back in time is noticed for them, too.
 */
#include "relay/relay_internal.h"

#include <string.h>

static bool is_listed(const struct producer *producer, const struct producer *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(producer, &list[i], sizeof(*producer)) == 0)
            return true;
    return false;
}

static bool is_in_flight(const struct origin *origin)
{
    for (size_t p = 0; p < PARTITIONS; p++)
        if (origin->lanes[p].sent > origin->lanes[p].committed)
            return true;
    return false;
}

static int forget(struct relay *relay, struct origin *origin, struct err *err)
{
    const struct str field = relay_producer(&origin->producer);
    const struct redis_reply *reply = NULL;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < 2 * PARTITIONS; i++) {
        const struct str words[] = {STR("HDEL"),
                                    relay_key(i % 2 == 0 ? KEY_SENT : KEY_WANTED, i / 2), field};

        rc = redis_send(relay->redis, words, 3, err);
    }
    for (unsigned i = 0; rc == 0 && i < 2 * PARTITIONS; i++)
        rc = redis_receive(relay->redis, &reply, err);
    origin->forgotten = rc == 0;
    return rc;
}

int forget_gone(struct relay *relay, int64_t now_us, struct err *err)
{
    struct arena arena = {0};
    struct producer *listed = NULL;
    size_t count = 0;

    if (now_us < relay->forget_due_us)
        return 0;
    relay->forget_due_us = now_us + FORGET_MS * INT64_C(1000);

    int rc = log_producers(relay_data_dir(relay), &arena, &listed, &count, err);

    for (size_t i = 0; rc == 0 && i < relay->origins_count; i++) {
        struct origin *origin = relay->origins[i];

        if (origin->known && !origin->forgotten && !is_in_flight(origin) &&
            !is_listed(&origin->producer, listed, count))
            rc = forget(relay, origin, err);
    }
    arena_free(&arena);
    return rc;
}
