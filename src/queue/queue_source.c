/*
 * queue/queue_source.c -- records that are made from something else while they are read: the lines
 * of a file that is imported.
 *
 * It is one producer and one partition, so that a file is counted like a node's log: line n only
 * after n-1, each in the transaction that moves the position, and not again.
 */
#include "base/must.h"
#include "queue/queue_internal.h"

#include <stdlib.h>
#include <string.h>

struct source_queue {
    struct queue base;
    struct queue_source source;
    struct arena arena;    /* payloads given */
    uint64_t given, until; /* until: what is given when reading ends */
};

static struct source_queue *of(struct queue *queue)
{
    return (struct source_queue *)queue;
}

static void source_close(struct queue *queue)
{
    arena_free(&of(queue)->arena);
    free(queue);
}

static int source_waiting(struct queue *queue, uint64_t out[PARTITIONS], struct err *err)
{
    const struct source_queue *q = of(queue);

    (void)err;
    memset(out, 0, PARTITIONS * sizeof(out[0]));
    out[q->source.partition] = q->source.records - q->given;
    return 0;
}

static int source_begin(struct queue *queue, uint32_t partitions, const struct position *committed,
                        size_t count, struct err *err)
{
    struct source_queue *q = of(queue);
    struct position at = {q->source.producer, q->source.partition, 0};

    (void)committed;
    (void)count;
    q->given = order_given(&queue->order, &at);
    q->until = (partitions >> q->source.partition & 1) == 0 ? q->given : q->source.records;
    if (q->given >= q->until)
        return 0;
    return q->source.seek(q->source.ctx, q->given, err);
}

static void source_read(struct queue *queue)
{
    arena_reset(&of(queue)->arena);
}

static int source_next(struct queue *queue, struct queue_record *out, struct err *err)
{
    struct source_queue *q = of(queue);

    if (q->given >= q->until)
        return 0;
    int rc = q->source.next(q->source.ctx, &q->arena, &out->payload, err);

    if (rc < 0)
        return rc;
    out->position = (struct position){q->source.producer, q->source.partition, ++q->given};
    return 1;
}

static void source_want(struct queue *queue, const struct position *found, uint64_t expected)
{
    (void)queue;
    (void)found;
    (void)expected;
}

static int source_committed(struct queue *queue, struct err *err)
{
    (void)queue;
    (void)err;
    return 0;
}

static int source_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    (void)err;
    out->length = of(queue)->source.records - of(queue)->given;
    return 0;
}

/* No scheme: it is made by queue_source_new() only. */
static const struct queue_ops SOURCE_OPS = {
    .close = source_close,
    .waiting = source_waiting,
    .begin = source_begin,
    .read = source_read,
    .next = source_next,
    .want = source_want,
    .committed = source_committed,
    .status = source_status,
};

struct queue *queue_source_new(const struct queue_source *source)
{
    struct source_queue *q = must(calloc(1, sizeof(*q)));

    q->base.ops = &SOURCE_OPS;
    q->source = *source;
    return &q->base;
}
