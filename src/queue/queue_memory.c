/*
 * queue/queue_memory.c -- a shared queue in memory, for tests: like the streams in Redis it is read
 * up to where it ended at queue_begin(), and what was read is taken out.
 */
#include "base/clock.h"
#include "base/must.h"
#include "queue/queue_internal.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    struct position position;
    int64_t appended_ms;
    bool read; /* since queue_begin() */
    size_t length;
    char payload[];
};

struct memory_queue {
    struct queue base;
    struct kept *head, **tail;
    uint32_t partitions;
    struct kept *at, *last; /* the next to be read, and the one where reading ends; NULL: none */
};

static struct memory_queue *of(struct queue *queue)
{
    return (struct memory_queue *)queue;
}

static void memory_close(struct queue *queue)
{
    struct memory_queue *q = of(queue);

    while (q->head != NULL) {
        struct kept *next = q->head->next;
        free(q->head);
        q->head = next;
    }
    free(q);
}

static int memory_waiting(struct queue *queue, uint64_t out[PARTITIONS], struct err *err)
{
    (void)err;
    memset(out, 0, PARTITIONS * sizeof(out[0]));
    for (const struct kept *kept = of(queue)->head; kept != NULL; kept = kept->next)
        out[kept->position.partition]++;
    return 0;
}

static int memory_begin(struct queue *queue, uint32_t partitions, const struct position *committed,
                        size_t count, struct err *err)
{
    struct memory_queue *q = of(queue);

    (void)committed;
    (void)count;
    (void)err;
    q->partitions = partitions;
    q->at = q->head;
    q->last = NULL;
    for (struct kept *kept = q->head; kept != NULL; kept = kept->next) {
        kept->read = false;
        q->last = kept;
    }
    return 0;
}

static void memory_read(struct queue *queue)
{
    (void)queue;
}

static int memory_next(struct queue *queue, struct queue_record *out, struct err *err)
{
    struct memory_queue *q = of(queue);

    (void)err;
    while (q->at != NULL) {
        struct kept *kept = q->at;

        q->at = kept == q->last ? NULL : kept->next;
        if ((q->partitions >> kept->position.partition & 1) == 0)
            continue;
        kept->read = true;
        *out = (struct queue_record){kept->position, {kept->payload, kept->length}};
        return 1;
    }
    return 0;
}

static void memory_want(struct queue *queue, const struct position *found, uint64_t expected)
{
    (void)queue;
    (void)found;
    (void)expected;
}

/* Where reading ends is only compared with what is still to be read, so it may go. */
static int memory_committed(struct queue *queue, struct err *err)
{
    struct memory_queue *q = of(queue);
    uint32_t unsettled = order_unsettled(&queue->order);
    struct kept **at = &q->head;

    (void)err;
    while (*at != NULL) {
        struct kept *kept = *at;

        if (kept->read && (unsettled >> kept->position.partition & 1) == 0) {
            *at = kept->next;
            free(kept);
        } else {
            at = &kept->next;
        }
    }
    q->tail = at;
    return 0;
}

static int memory_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    (void)err;
    for (const struct kept *kept = of(queue)->head; kept != NULL; kept = kept->next)
        if (out->length++ == 0)
            out->oldest_ms = kept->appended_ms;
    return 0;
}

/* No scheme: it is made by queue_memory_new() only. */
static const struct queue_ops MEMORY_OPS = {
    .close = memory_close,
    .waiting = memory_waiting,
    .begin = memory_begin,
    .read = memory_read,
    .next = memory_next,
    .want = memory_want,
    .committed = memory_committed,
    .status = memory_status,
};

struct queue *queue_memory_new(void)
{
    struct memory_queue *q = must(calloc(1, sizeof(*q)));

    q->base.ops = &MEMORY_OPS;
    q->tail = &q->head;
    return &q->base;
}

void queue_memory_append(struct queue *queue, const struct queue_record *record)
{
    struct memory_queue *q = of(queue);
    struct kept *kept = must(malloc(sizeof(*kept) + record->payload.len));

    kept->next = NULL;
    kept->position = record->position;
    kept->appended_ms = clock_wall_ms();
    kept->read = false;
    kept->length = record->payload.len;
    if (record->payload.len > 0)
        memcpy(kept->payload, record->payload.ptr, record->payload.len);
    *q->tail = kept;
    q->tail = &kept->next;
}
