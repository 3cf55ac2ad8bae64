/*
 * queue/queue_memory.c -- a queue in memory, for tests. Each read looks at all records again, so
 * one that arrives late closes its gap, as one sent again does in a shared buffer.
 */
#include "base/clock.h"
#include "queue/queue_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    struct position position;
    int64_t appended_ms;
    size_t length;
    char payload[];
};

struct memory_queue {
    struct queue base;
    struct kept *head, **tail;
    struct kept *at;
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

static void memory_begin(struct queue *queue)
{
    of(queue)->at = of(queue)->head;
}

static int memory_next(struct queue *queue, struct queue_record *out, struct err *err)
{
    struct memory_queue *q = of(queue);

    (void)err;
    if (q->at == NULL)
        return 0;
    *out = (struct queue_record){q->at->position, {q->at->payload, q->at->length}};
    q->at = q->at->next;
    return 1;
}

static int memory_committed(struct queue *queue, struct err *err)
{
    struct memory_queue *q = of(queue);
    struct kept **at = &q->head;

    (void)err;
    while (*at != NULL) {
        struct kept *kept = *at;

        if (order_is_committed(&queue->order, &kept->position)) {
            *at = kept->next;
            free(kept);
        } else {
            at = &kept->next;
        }
    }
    q->tail = at;
    q->at = NULL;
    return 0;
}

static int memory_rewind(struct queue *queue, const struct position *committed, size_t count,
                         struct err *err)
{
    (void)committed;
    (void)count;
    return memory_committed(queue, err);
}

static int memory_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    (void)err;
    *out = (struct queue_status){0};
    for (const struct kept *kept = of(queue)->head; kept != NULL; kept = kept->next) {
        if (order_is_committed(&queue->order, &kept->position))
            continue;
        if (out->length++ == 0)
            out->oldest_ms = kept->appended_ms;
    }
    return 0;
}

/* No scheme: it is made by queue_memory_new() only. */
static const struct queue_ops MEMORY_OPS = {
    .close = memory_close,
    .begin = memory_begin,
    .next = memory_next,
    .committed = memory_committed,
    .rewind = memory_rewind,
    .status = memory_status,
};

struct queue *queue_memory_new(void)
{
    struct memory_queue *q = calloc(1, sizeof(*q));

    if (q == NULL) {
        (void)fputs("abacus: out of memory\n", stderr);
        abort();
    }
    q->base.ops = &MEMORY_OPS;
    q->tail = &q->head;
    return &q->base;
}

void queue_memory_append(struct queue *queue, const struct queue_record *record)
{
    struct memory_queue *q = of(queue);
    struct kept *kept = malloc(sizeof(*kept) + record->payload.len);

    if (kept == NULL) {
        (void)fputs("abacus: out of memory\n", stderr);
        abort();
    }
    kept->next = NULL;
    kept->position = record->position;
    kept->appended_ms = clock_wall_ms();
    kept->length = record->payload.len;
    if (record->payload.len > 0)
        memcpy(kept->payload, record->payload.ptr, record->payload.len);
    *q->tail = kept;
    q->tail = &kept->next;
}
