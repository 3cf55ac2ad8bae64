/*
 * queue/queue_internal.h -- what a backend of the queue is. The order of numbers is kept by queue.c
 * for all.
 */
#ifndef ABACUS_QUEUE_QUEUE_INTERNAL_H
#define ABACUS_QUEUE_QUEUE_INTERNAL_H

#include "queue/order.h"
#include "queue/queue.h"

struct queue_ops {
    const char *scheme; /* what stands before ':' in the URL */
    /* Make the struct, reading behind `committed`. */
    int (*open)(struct str rest, const struct position *committed, size_t count, struct queue **out,
                struct err *err);
    void (*close)(struct queue *queue);
    /* A read begins: payloads given before it are no longer used. */
    void (*begin)(struct queue *queue);
    /* The next record there is, in or out of order, given before or not: 1, 0 none now, or
     * negative. */
    int (*next)(struct queue *queue, struct queue_record *out, struct err *err);
    /* queue->order knows what is committed; forget it. */
    int (*committed)(struct queue *queue, struct err *err);
    /* Begin again behind `committed`. */
    int (*rewind)(struct queue *queue, const struct position *committed, size_t count,
                  struct err *err);
    int (*status)(struct queue *queue, struct queue_status *out, struct err *err);
    /* After next() gave ERR_CORRUPT: the last numbers of what is lost for good. NULL: nothing ever
     * is, and what is behind a gap may still come. */
    size_t (*lost)(struct queue *queue, const struct position **out);
};

/* A backend's struct begins with this; order is filled by queue.c. */
struct queue {
    const struct queue_ops *ops;
    struct order order;
    bool gap_found; /* and to be told by the next read, in these words */
    struct err gap;
    struct queue_loss lost[PARTITIONS];
    size_t lost_count;
};

extern const struct queue_ops queue_log_ops;

#endif
