/*
 * queue/queue.h -- what the job reads from: records in order, per (producer, partition) without
 * gaps.
 *
 * Backends: the local log (log:DATA_DIR), memory (for the contract suite), later Redis streams. One
 * thread uses a queue at a time.
 */
#ifndef ABACUS_QUEUE_QUEUE_H
#define ABACUS_QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/position.h"
#include "base/str.h"

struct queue;

struct queue_record {
    struct position position;
    struct str payload;
};

/* Open the queue named by `url` ("log:DATA_DIR"), to read behind `committed`. ERR_INVALID: no such
 * scheme. */
int queue_open(struct str url, const struct position *committed, size_t count, struct queue **out,
               struct err *err);
void queue_close(struct queue **queue);

/* Up to `max` next records; *count 0 when there are none now. What is given was not given before by
 * this queue and lies behind the committed positions; within a (producer, partition) numbers rise
 * by one, and what would follow a gap is held back. Each gap is told once, by a read that gives no
 * records and returns ERR_CORRUPT with a text that names producer, partition, expected and found
 * number; further reads go on with everything else. Other failures (ERR_CORRUPT: a record fails its
 * check; ERR_SYSTEM) also come only when no records could be given, and again with each read.
 * Payloads live until the next queue_read(), queue_committed() or queue_rewind(). */
int queue_read(struct queue *queue, size_t max, struct arena *arena, struct queue_record **out,
               size_t *count, struct err *err);

/* After queue_read() gave ERR_CORRUPT: which records are lost for good, those behind from.number up
 * to `to`. 0: they may still come. Commit them as lost, then queue_rewind(). *out lives until the
 * next call. */
struct queue_loss {
    struct position from;
    uint64_t to;
};
size_t queue_lost(const struct queue *queue, const struct queue_loss **out);

/* These positions are committed: the queue may forget everything up to them. */
int queue_committed(struct queue *queue, const struct position *positions, size_t count,
                    struct err *err);

/* Forget what was read and begin again behind `committed` (after a commit that failed or is
 * uncertain). */
int queue_rewind(struct queue *queue, const struct position *committed, size_t count,
                 struct err *err);

struct queue_status {
    uint64_t length;   /* records waiting */
    int64_t oldest_ms; /* when the oldest was appended; 0: none */
};
int queue_status(struct queue *queue, struct queue_status *out, struct err *err);

/* A queue in memory, for tests: appends a copy. */
struct queue *queue_memory_new(void);
void queue_memory_append(struct queue *queue, const struct queue_record *record);

#endif
