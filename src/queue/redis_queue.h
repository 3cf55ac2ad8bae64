/*
 * queue/redis_queue.h -- what queue_redis.c (the verbs) and redis_read.c (reading) share.
 */
#ifndef ABACUS_QUEUE_REDIS_QUEUE_H
#define ABACUS_QUEUE_REDIS_QUEUE_H

#include "queue/queue_internal.h"
#include "queue/redis_page.h"

enum {
    ENTRY_BYTES_AT_FIRST = 8192, /* what an entry is thought to take before one was seen */
    WANTED_MAX = 4096,           /* gaps remembered; more are found by the next reading */
};

/* A partition since queue_begin(). */
struct part {
    struct stream_id last;    /* reading ends here */
    struct stream_id fetched; /* pages reach to here */
    struct stream_id scanned, trimmed;
    bool done; /* no page follows this one */
    struct page *page;
};

struct redis_queue {
    struct queue base;
    struct redis *redis;
    uint64_t generation; /* of the connection that queue_begin() had */
    struct part parts[PARTITIONS];
    struct page *used; /* their payloads may be in use until the next read */
    size_t entry_bytes;
    struct position *wanted; /* numbers expected where a gap was found */
    size_t wanted_count;
    struct queue_end lost;
};

/* -- talking to Redis, in queue_redis.c -- */

/* analytics:<what>:<partition>, or a number, written into *text. */
struct redis_queue_text {
    char text[32];
};
struct str redis_queue_key(const char *what, unsigned partition, struct redis_queue_text *text);
struct str redis_queue_number(uint64_t number, struct redis_queue_text *text);

/* 0: the connection is still the one of queue_begin(), and what is sent now goes there or fails. */
int redis_queue_same_connection(struct redis_queue *q, struct err *err);

/* A command for each partition of a set, in one pipeline, and what is done with its answer. All
 * answers are taken, whatever the first failure is. */
typedef int send_fn(struct redis_queue *q, unsigned p, struct err *err);
typedef int answer_fn(struct redis_queue *q, unsigned p, const struct redis_reply *reply, void *ctx,
                      struct err *err);
int redis_queue_pipeline(struct redis_queue *q, uint32_t partitions, send_fn *send,
                         answer_fn *answer, void *ctx, struct err *err);

/* -- reading, in redis_read.c -- */

int redis_queue_next(struct queue *queue, struct queue_record *out, struct err *err);
void redis_queue_want(struct queue *queue, const struct position *found, uint64_t expected);
size_t redis_queue_lost(struct queue *queue, const struct queue_end **out);
/* Payloads given are no longer used. */
void redis_queue_read(struct queue *queue);
/* Tell the relays which numbers are waited for, where that is certain by now. */
int redis_queue_publish(struct redis_queue *q, struct err *err);

#endif
