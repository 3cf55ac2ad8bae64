/*
 * queue/queue_redis.c -- the streams of relay/relay.h as the queue.
 *
 * queue_begin() remembers for each partition the id of its last entry then, and reading ends there.
 * Pages of entries are read ahead, of several partitions in one pipeline; an entry counts as
 * scanned only when queue.c has judged it, or when it is of no use to anybody.
 *
 * Taking out is XTRIM MINID to behind the last entry scanned, so it takes everything before that,
 * given or not: what was given is committed by then (a partition where something is not is left
 * alone), what was passed over was committed before, and what lies behind a gap is sent again with
 * the gap. The holder of a lease that was taken over meanwhile does no harm with it, either: what
 * it scanned is in one of these three states whoever commits next.
 *
 * All that holds for one connection. On another one may be a server that lost something, or a
 * replica that was behind, whose ids need not lie behind those seen: everything but queue_begin(),
 * queue_waiting() and queue_status() is refused there with ERR_UNAVAILABLE.
 *
 * A gap that is still open when its partition has been read to the end is published in
 * analytics:wanted:P, once; earlier, a record sent again might stand a little further on. Where
 * Redis has no room for that, it is tried again after the next taking out.
 *
 * An entry that tells of a loss ends the reading of its partition: queue_begin() follows anyway,
 * and until the loss is committed its entry must stay.
 */
#include "queue/redis_queue.h"

#include "base/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct redis_queue *of(struct queue *queue)
{
    return (struct redis_queue *)queue;
}

/* -- talking to Redis -- */

struct str redis_queue_key(const char *what, unsigned partition, struct redis_queue_text *text)
{
    int n = snprintf(text->text, sizeof(text->text), "analytics:%s:%u", what, partition);

    return (struct str){text->text, (size_t)n};
}

struct str redis_queue_number(uint64_t number, struct redis_queue_text *text)
{
    int n = snprintf(text->text, sizeof(text->text), "%" PRIu64, number);

    return (struct str){text->text, (size_t)n};
}

int redis_queue_same_connection(struct redis_queue *q, struct err *err)
{
    int rc = redis_ready(q->redis, err);

    if (rc < 0 || redis_generation(q->redis) == q->generation)
        return rc;
    return err_set(err, ERR_UNAVAILABLE, "the connection to Redis is not the one reading began on");
}

static bool in_set(uint32_t set, unsigned p)
{
    return (set >> p & 1) != 0;
}

int redis_queue_pipeline(struct redis_queue *q, uint32_t partitions, send_fn *send,
                         answer_fn *answer, void *ctx, struct err *err)
{
    struct err later = {""};
    int result = 0;

    for (unsigned p = 0; p < PARTITIONS; p++) {
        int rc = in_set(partitions, p) ? send(q, p, err) : 0;

        if (rc < 0)
            return rc;
    }
    for (unsigned p = 0; p < PARTITIONS; p++) {
        const struct redis_reply *reply = NULL;

        if (!in_set(partitions, p))
            continue;
        int rc = redis_receive(q->redis, &reply, err);

        if (rc < 0)
            return rc;
        if (reply->type == REDIS_ERROR)
            rc = err_set(&later, ERR_SYSTEM, "Redis: %.*s", STR_FMT(reply->text));
        else
            rc = answer(q, p, reply, ctx, &later);
        if (rc < 0 && result == 0) {
            result = rc;
            err_fill(err, "%s", later.text);
        }
    }
    return result;
}

/* -- opening -- */

static void redis_queue_close(struct queue *queue)
{
    struct redis_queue *q = of(queue);

    for (unsigned p = 0; p < PARTITIONS; p++)
        page_free(q->parts[p].page);
    page_free(q->used);
    redis_close(&q->redis);
    free(q->wanted);
    free(q);
}

static int redis_queue_open(struct str url, struct queue **out, struct err *err)
{
    const struct redis_config config = {.url = url, .must_keep = true};
    struct redis_queue *q = must(calloc(1, sizeof(*q)));

    q->wanted = must(calloc(WANTED_MAX, sizeof(q->wanted[0])));
    q->base.ops = &queue_redis_ops;
    q->entry_bytes = ENTRY_BYTES_AT_FIRST;
    int rc = redis_open(&config, &q->redis, err);

    if (rc < 0)
        redis_queue_close(&q->base);
    else
        *out = &q->base;
    return rc;
}

/* -- how much there is -- */

static int send_length(struct redis_queue *q, unsigned p, struct err *err)
{
    struct redis_queue_text key;
    const struct str args[] = {STR("XLEN"), redis_queue_key("events", p, &key)};

    return redis_send(q->redis, args, 2, err);
}

static int take_length(struct redis_queue *q, unsigned p, const struct redis_reply *reply,
                       void *ctx, struct err *err)
{
    uint64_t *out = ctx;

    (void)q;
    if (reply->type != REDIS_INTEGER || reply->integer < 0)
        return err_set(err, ERR_SYSTEM, "Redis gave no length of a stream");
    out[p] = (uint64_t)reply->integer;
    return 0;
}

static int redis_queue_waiting(struct queue *queue, uint64_t out[PARTITIONS], struct err *err)
{
    int rc = redis_ready(of(queue)->redis, err);

    return rc < 0 ? rc
                  : redis_queue_pipeline(of(queue), PARTITIONS_ALL, send_length, take_length, out,
                                         err);
}

/* The first or last entry of a stream: its id alone is looked at. 0-0 where there is none. */
static int take_id(const struct redis_reply *reply, struct stream_id *out, struct err *err)
{
    *out = (struct stream_id){0, 0};
    if (reply->type == REDIS_ARRAY && reply->count == 0)
        return 0;
    if (reply->type == REDIS_ARRAY && reply->items[0].type == REDIS_ARRAY &&
        reply->items[0].count > 0 && stream_id_parse(reply->items[0].items[0].text, out))
        return 0;
    return err_set(err, ERR_SYSTEM, "Redis gave no entry of a stream");
}

static int send_first(struct redis_queue *q, unsigned p, struct err *err)
{
    struct redis_queue_text key;
    const struct str args[] = {STR("XRANGE"), redis_queue_key("events", p, &key),
                               STR("-"),      STR("+"),
                               STR("COUNT"),  STR("1")};

    return redis_send(q->redis, args, 6, err);
}

static int take_first(struct redis_queue *q, unsigned p, const struct redis_reply *reply, void *ctx,
                      struct err *err)
{
    struct queue_status *out = ctx;
    struct stream_id id;
    int rc = take_id(reply, &id, err);

    (void)q;
    (void)p;
    if (rc == 0 && id.ms != 0 && id.ms <= INT64_MAX &&
        (out->oldest_ms == 0 || (int64_t)id.ms < out->oldest_ms))
        out->oldest_ms = (int64_t)id.ms;
    return rc;
}

static int redis_queue_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    uint64_t lengths[PARTITIONS] = {0};
    uint32_t filled = 0;
    int rc = redis_queue_waiting(queue, lengths, err);

    for (unsigned p = 0; p < PARTITIONS; p++) {
        out->length += lengths[p];
        filled |= (uint32_t)(lengths[p] > 0) << p;
    }
    return rc < 0 ? rc : redis_queue_pipeline(of(queue), filled, send_first, take_first, out, err);
}

/* -- beginning -- */

static int send_last(struct redis_queue *q, unsigned p, struct err *err)
{
    struct redis_queue_text key;
    const struct str args[] = {STR("XREVRANGE"), redis_queue_key("events", p, &key),
                               STR("+"),         STR("-"),
                               STR("COUNT"),     STR("1")};

    return redis_send(q->redis, args, 6, err);
}

static int take_last(struct redis_queue *q, unsigned p, const struct redis_reply *reply, void *ctx,
                     struct err *err)
{
    struct part *part = &q->parts[p];
    int rc = take_id(reply, &part->last, err);

    (void)ctx;
    part->done = rc < 0 || stream_id_cmp(part->last, (struct stream_id){0, 0}) == 0;
    return rc;
}

static int redis_queue_begin(struct queue *queue, uint32_t partitions,
                             const struct position *committed, size_t count, struct err *err)
{
    struct redis_queue *q = of(queue);

    (void)committed;
    (void)count;
    for (unsigned p = 0; p < PARTITIONS; p++) {
        page_free(q->parts[p].page);
        q->parts[p] = (struct part){.done = true};
    }
    redis_queue_read(queue);
    q->wanted_count = 0;
    int rc = redis_ready(q->redis, err);

    if (rc < 0)
        return rc;
    q->generation = redis_generation(q->redis);
    return redis_queue_pipeline(q, partitions & PARTITIONS_ALL, send_last, take_last, NULL, err);
}

/* -- taking out -- */

static int send_trim(struct redis_queue *q, unsigned p, struct err *err)
{
    struct stream_id_text behind = stream_id_text(stream_id_next(q->parts[p].scanned));
    struct redis_queue_text key;
    const struct str args[] = {STR("XTRIM"), redis_queue_key("events", p, &key), STR("MINID"),
                               str_from(behind.text)};

    return redis_send(q->redis, args, 4, err);
}

static int take_trim(struct redis_queue *q, unsigned p, const struct redis_reply *reply, void *ctx,
                     struct err *err)
{
    (void)reply;
    (void)ctx;
    (void)err;
    q->parts[p].trimmed = q->parts[p].scanned;
    return 0;
}

static int redis_queue_committed(struct queue *queue, struct err *err)
{
    struct redis_queue *q = of(queue);
    uint32_t unsettled = order_unsettled(&queue->order), set = 0;
    int rc = 0;

    redis_queue_read(queue);
    for (unsigned p = 0; p < PARTITIONS; p++)
        if (!in_set(unsettled, p) && stream_id_cmp(q->parts[p].scanned, q->parts[p].trimmed) > 0)
            set |= UINT32_C(1) << p;
    if (set != 0)
        rc = redis_queue_same_connection(q, err);
    if (rc == 0)
        rc = redis_queue_pipeline(q, set, send_trim, take_trim, NULL, err);
    return rc < 0 ? rc : redis_queue_publish(q, err);
}

const struct queue_ops queue_redis_ops = {
    .open = redis_queue_open,
    .close = redis_queue_close,
    .waiting = redis_queue_waiting,
    .begin = redis_queue_begin,
    .read = redis_queue_read,
    .next = redis_queue_next,
    .want = redis_queue_want,
    .committed = redis_queue_committed,
    .status = redis_queue_status,
    .lost = redis_queue_lost,
};
