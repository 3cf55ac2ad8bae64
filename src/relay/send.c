/*
 * relay/send.c -- one pipeline: a MULTI with an entry per record and the last numbers sent.
 *
 * A MULTI because either all of it happens or nothing: without one, entries behind the first that
 * a full Redis refuses are still taken. Commands go out while the log is still read, and Redis is
 * at work meanwhile; answers are taken when all is sent.
 */
#include "base/clock.h"
#include "relay/relay_internal.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_TEXT = 20 };

/* The decimal digits of `n`, right-aligned in `room`. */
static struct str number_text(uint64_t n, char room[NUMBER_TEXT])
{
    size_t at = NUMBER_TEXT;

    do
        room[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return (struct str){room + at, NUMBER_TEXT - at};
}

static void command(struct relay *relay, const struct str *words, size_t count)
{
    struct pipeline *pipeline = &relay->pipeline;

    if (pipeline->failed != 0)
        return;
    pipeline->failed = redis_send(relay->redis, words, count, &pipeline->failure);
    if (pipeline->failed == 0)
        pipeline->commands++;
}

/* -- what it holds -- */

void pipeline_begin(struct pipeline *pipeline)
{
    pipeline->commands = pipeline->records = pipeline->bytes = pipeline->touches_count = 0;
    pipeline->failed = 0;
}

bool pipeline_is_full(const struct pipeline *pipeline)
{
    return pipeline->failed != 0 || pipeline->records >= RELAY_RECORDS ||
           pipeline->bytes >= RELAY_BYTES;
}

static void add(struct relay *relay, const struct str *words, size_t count)
{
    if (relay->pipeline.commands == 0)
        command(relay, &STR("MULTI"), 1);
    command(relay, words, count);
    relay->pipeline.records++;
}

/* The lane's new last number. */
static void touch(struct relay *relay, struct origin *origin, uint16_t partition, uint64_t sent)
{
    struct pipeline *pipeline = &relay->pipeline;
    struct lane *lane = &origin->lanes[partition];

    if (!lane->touched) {
        lane->touched = true;
        pipeline->touches[pipeline->touches_count++] =
            (struct touch){origin, partition, lane->sent};
    }
    lane->sent = sent;
    lane->gap = GAP_NONE;
}

void pipeline_add(struct relay *relay, struct origin *origin, uint16_t partition, uint64_t number,
                  struct str payload)
{
    struct buf *value = &relay->pipeline.value;
    uint64_t number_bytes = htobe64(number);

    buf_reset(value);
    buf_add(value, relay_producer(&origin->producer));
    buf_add(value, (struct str){(const char *)&number_bytes, sizeof(number_bytes)});
    buf_add(value, payload);

    const struct str words[] = {STR("XADD"), relay_key(KEY_EVENTS, partition), STR("*"), STR("e"),
                                buf_str(value)};

    add(relay, words, 5);
    relay->pipeline.bytes += payload.len;
    touch(relay, origin, partition, number);
}

void pipeline_add_loss(struct relay *relay, struct origin *origin, uint16_t partition,
                       uint64_t last, struct str reason)
{
    char first_room[NUMBER_TEXT], last_room[NUMBER_TEXT];
    uint64_t first = origin->lanes[partition].sent + 1;
    const struct str words[] = {STR("XADD"),
                                relay_key(KEY_EVENTS, partition),
                                STR("*"),
                                STR("p"),
                                relay_producer(&origin->producer),
                                STR("f"),
                                number_text(first, first_room),
                                STR("n"),
                                number_text(last, last_room),
                                STR("r"),
                                reason};

    add(relay, words, 11);
    touch(relay, origin, partition, last);
}

/* A number wanted was answered once the entries from it on are there. */
static bool answers(const struct touch *touch, const struct lane *lane)
{
    return lane->wanted > touch->before && lane->wanted <= lane->sent;
}

static void finish(struct relay *relay)
{
    const struct pipeline *pipeline = &relay->pipeline;

    for (size_t i = 0; i < pipeline->touches_count; i++) {
        const struct touch *touch = &pipeline->touches[i];
        const struct origin *origin = touch->origin;
        const struct lane *lane = &origin->lanes[touch->partition];
        const struct str producer = relay_producer(&origin->producer);
        char room[NUMBER_TEXT];
        const struct str sent[] = {STR("HSET"), relay_key(KEY_SENT, touch->partition), producer,
                                   number_text(lane->sent, room)};
        const struct str answered[] = {STR("HDEL"), relay_key(KEY_WANTED, touch->partition),
                                       producer};

        command(relay, sent, 4);
        if (answers(touch, lane))
            command(relay, answered, 3);
    }
    command(relay, &STR("EXEC"), 1);
}

/* -- sending -- */

static int refused(struct relay *relay, struct str why, struct err *err)
{
    relay->send_due_us = clock_steady_us() + REFUSED_MS * INT64_C(1000);
    (void)err_set(err, ERR_UNAVAILABLE, "Redis takes no records: %.*s", STR_FMT(why));
    relay_say_peer(relay, PEER_REFUSES, err);
    return ERR_UNAVAILABLE;
}

/* What the server said first is why; behind it, EXEC only says that there was something. */
static int receive(struct relay *relay, struct err *err)
{
    const struct redis_reply *reply = NULL;
    char why[160] = "the transaction was dropped";
    bool said = false;

    for (size_t i = 0; i < relay->pipeline.commands; i++) {
        int rc = redis_receive(relay->redis, &reply, err);

        if (rc != 0)
            return rc;
        if (reply->type == REDIS_ERROR && !said) {
            (void)snprintf(why, sizeof(why), "%.*s", STR_FMT(reply->text));
            said = true;
        }
    }
    if (reply == NULL || reply->type != REDIS_ARRAY)
        return refused(relay, str_from(why), err);
    for (size_t i = 0; i < reply->count; i++)
        if (reply->items[i].type == REDIS_ERROR)
            return refused(relay, reply->items[i].text, err);
    return 0;
}

static void settle(struct relay *relay, bool taken, int64_t now_us)
{
    for (size_t i = 0; i < relay->pipeline.touches_count; i++) {
        const struct touch *touch = &relay->pipeline.touches[i];
        struct lane *lane = &touch->origin->lanes[touch->partition];

        lane->touched = false;
        if (!taken) {
            lane->sent = touch->before;
        } else if (answers(touch, lane)) {
            lane->served = lane->wanted;
            lane->served_us = now_us;
            lane->wanted = 0;
        }
    }
    relay->pipeline.touches_count = 0;
}

int pipeline_send(struct relay *relay, struct err *err)
{
    struct pipeline *pipeline = &relay->pipeline;

    finish(relay);

    int rc = pipeline->failed;

    if (rc == 0)
        rc = receive(relay, err);
    else
        (void)err_set(err, rc, "%s", pipeline->failure.text);
    settle(relay, rc == 0, clock_steady_us());
    if (rc == 0) {
        relay_say_peer(relay, PEER_TAKES, NULL);
        return 0;
    }
    /* What was half taken, because a key is not what it should be, is found by looking. */
    relay->look_due_us = 0;
    relay->reread = true;
    return rc;
}
