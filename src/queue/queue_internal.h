/*
 * queue/queue_internal.h -- what a backend of the queue is. The order of numbers is kept by queue.c
 * for all.
 */
#ifndef ABACUS_QUEUE_QUEUE_INTERNAL_H
#define ABACUS_QUEUE_QUEUE_INTERNAL_H

#include "queue/order.h"
#include "queue/queue.h"

/* Of a (producer, partition), everything that was not given up to last.number. */
struct queue_end {
    struct position last;
    bool restore;
};

struct queue_ops {
    bool whole; /* one sequence of all partitions, in which a gap stays one */
    int (*open)(struct str url, struct queue **out, struct err *err);
    void (*close)(struct queue *queue);
    /* Not for whole queues. */
    int (*waiting)(struct queue *queue, uint64_t out[PARTITIONS], struct err *err);
    /* Read behind `committed`, which queue->order knows by now. */
    int (*begin)(struct queue *queue, uint32_t partitions, const struct position *committed,
                 size_t count, struct err *err);
    /* A read begins: payloads given before it are no longer used. */
    void (*read)(struct queue *queue);
    /* The next record there is, in or out of order, given before or not: 1, 0 none now, or
     * negative. By the next call queue->order has judged it. */
    int (*next)(struct queue *queue, struct queue_record *out, struct err *err);
    /* Not for whole queues: `expected` must be sent again. */
    void (*want)(struct queue *queue, const struct position *found, uint64_t expected);
    /* queue->order knows what is committed; forget it. */
    int (*committed)(struct queue *queue, struct err *err);
    int (*status)(struct queue *queue, struct queue_status *out, struct err *err);
    /* After next() gave ERR_CORRUPT: what is lost for good, at most PARTITIONS ends. NULL: nothing
     * ever is. */
    size_t (*lost)(struct queue *queue, const struct queue_end **out);
};

/* A backend's struct begins with this; order is filled by queue.c. */
struct queue {
    const struct queue_ops *ops;
    struct order order;
    bool begun;
    bool leftovers;
    uint64_t malformed; /* counted by the backend */
    bool gap_found;     /* and to be told by the next read, in these words */
    struct err gap;
    struct queue_loss lost[PARTITIONS];
    size_t lost_count;
};

/* For a text: the producer of a position in hex. */
struct queue_hex {
    char text[2 * PRODUCER_BYTES + 1];
};
struct queue_hex queue_hex(const struct producer *producer);

extern const struct queue_ops queue_log_ops, queue_redis_ops;

#endif
