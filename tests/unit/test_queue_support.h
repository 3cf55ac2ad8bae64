/* test_queue_support.h -- the streams of relay/relay.h, written by hand. */
#ifndef ABACUS_TEST_QUEUE_SUPPORT_H
#define ABACUS_TEST_QUEUE_SUPPORT_H

#include "base/buf.h"
#include "queue/queue.h"
#include "test_redis_support.h"

#include <inttypes.h>

struct words {
    char key[40], a[32], b[32];
};

static struct str events_key(struct words *words, unsigned partition)
{
    (void)snprintf(words->key, sizeof(words->key), "analytics:events:%u", partition);
    return str_from(words->key);
}

static struct str decimal(char text[32], uint64_t number)
{
    (void)snprintf(text, 32, "%" PRIu64, number);
    return str_from(text);
}

static struct str producer_text(const struct producer *producer)
{
    return (struct str){(const char *)producer->id, PRODUCER_BYTES};
}

UNUSED static void call(struct redis *redis, const struct str *args, size_t count,
                        const struct redis_reply **reply)
{
    struct err err = {""};
    int rc = redis_call(redis, args, count, reply, &err);

    if (rc != 0)
        fail_msg("%d %s", rc, err.text);
}

/* An entry for a record; an empty id is made by the server. Its value is the producer, the number
 * in eight bytes, the highest first, and the record. */
UNUSED static void add_record(struct redis *redis, const struct position *position, const char *id,
                              struct str payload)
{
    struct words words;
    const struct redis_reply *reply;
    struct buf value = {0};

    buf_add(&value, producer_text(&position->producer));
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_addc(&value, (char)(position->number >> shift & 0xff));
    buf_add(&value, payload);

    const struct str args[] = {STR("XADD"), events_key(&words, position->partition),
                               id[0] == '\0' ? STR("*") : str_from(id), STR("e"), buf_str(&value)};

    call(redis, args, sizeof(args) / sizeof(args[0]), &reply);
    buf_release(&value);
}

UNUSED static void add_loss(struct redis *redis, const struct position *last, uint64_t first,
                            const char *reason)
{
    struct words words;
    const struct redis_reply *reply;
    const struct str args[] = {STR("XADD"),
                               events_key(&words, last->partition),
                               STR("*"),
                               STR("p"),
                               producer_text(&last->producer),
                               STR("f"),
                               decimal(words.a, first),
                               STR("n"),
                               decimal(words.b, last->number),
                               STR("r"),
                               str_from(reason)};

    call(redis, args, sizeof(args) / sizeof(args[0]), &reply);
}

UNUSED static int64_t stream_length(struct redis *redis, unsigned partition)
{
    struct words words;
    const struct redis_reply *reply;
    const struct str args[] = {STR("XLEN"), events_key(&words, partition)};

    call(redis, args, 2, &reply);
    return reply->integer;
}

/* The number an aggregator waits for; 0: none. */
UNUSED static uint64_t wanted_number(struct redis *redis, const struct position *of)
{
    char key[40];
    const struct redis_reply *reply;

    (void)snprintf(key, sizeof(key), "analytics:wanted:%u", (unsigned)of->partition);
    const struct str args[] = {STR("HGET"), str_from(key), producer_text(&of->producer)};

    call(redis, args, 3, &reply);
    return reply->type == REDIS_NIL ? 0 : strtoull(reply->text.ptr, NULL, 10);
}

UNUSED static void forget_wanted(struct redis *redis)
{
    for (unsigned p = 0; p < PARTITIONS; p++) {
        const struct redis_reply *reply;
        char key[40];

        (void)snprintf(key, sizeof(key), "analytics:wanted:%u", p);
        ASK(redis, &reply, "DEL", key);
    }
}

/* A database of the tests' own, emptied. */
UNUSED static void queue_url(char url[256])
{
    enum { DB = 3 };
    const char *base = getenv("ABACUS_TEST_REDIS");

    if (base == NULL)
        skip();
    (void)snprintf(url, 256, "%s/%d", base, DB);
}

UNUSED static struct redis *open_empty(const char *url)
{
    struct redis *redis = open_url(url, 0, true);
    const struct redis_reply *reply;

    ASK(redis, &reply, "FLUSHDB");
    return redis;
}

#endif
