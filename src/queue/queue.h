/*
 * queue/queue.h -- what the job reads from: records in order, per (producer, partition) without
 * gaps.
 *
 * Backends: the local log (log:DATA_DIR), Redis streams (redis://..., redis+sentinel://..., whose
 * keys stand in relay/relay.h), memory (for the contract suite). One thread uses a queue at a time.
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

/* Open the queue named by `url`. ERR_INVALID: no such scheme. Read from it after queue_begin(). */
int queue_open(struct str url, struct queue **out, struct err *err);
void queue_close(struct queue **queue);

/* The queue is one sequence of all partitions (a log): it is only ever begun with all of them. */
bool queue_is_whole(const struct queue *queue);

/* How many records wait in each partition, by what the queue holds: those counted already but not
 * yet taken out, and those behind a gap, too. Not for whole queues. */
int queue_waiting(struct queue *queue, uint64_t out[PARTITIONS], struct err *err);

/* Begin, or begin again, to read these partitions (a set) behind `committed`, what is there now:
 * the caller holds the lease on them and has read the positions after taking it. Also after a
 * commit that failed or is uncertain, and after a loss. */
int queue_begin(struct queue *queue, uint32_t partitions, const struct position *committed,
                size_t count, struct err *err);

/* Up to `max` next records; *count 0 when there are none now. What is given was not given before by
 * this queue and lies behind the committed positions; within a (producer, partition) numbers rise
 * by one, and what would follow a gap is held back. In a log each gap is told once, by a read that
 * gives no records and returns ERR_CORRUPT with a text that names producer, partition, expected and
 * found number; further reads go on with everything else. In Redis a gap is no failure: the number
 * that is waited for is published, for the relay to send again. Other failures (ERR_CORRUPT: a
 * record fails its check; ERR_SYSTEM, ERR_UNAVAILABLE) also come only when no records could be
 * given, and again with each read. Payloads live until the next queue_read(), queue_committed() or
 * queue_begin(). */
int queue_read(struct queue *queue, size_t max, struct arena *arena, struct queue_record **out,
               size_t *count, struct err *err);

/* After queue_read() gave ERR_CORRUPT: which records are lost for good, those behind from.number up
 * to `to`. 0: they may still come. Commit them as lost, then queue_begin(). *out lives until the
 * next call. `restore`: they were gone from the log because the store is older than the log reaches
 * (a restored backup); else they are damaged. */
struct queue_loss {
    struct position from;
    uint64_t to;
    bool restore;
};
size_t queue_lost(const struct queue *queue, const struct queue_loss **out);

/* These positions are committed (none: only the lease was checked, by an empty commit): the queue
 * may forget everything that was read since queue_begin(), given or not. Only after a commit that
 * succeeded. */
int queue_committed(struct queue *queue, const struct position *positions, size_t count,
                    struct err *err);

/* Something was read since queue_begin() or the last queue_committed() that is of no more use (old
 * or behind a gap): an empty commit, then queue_committed(), takes it out. */
bool queue_has_leftovers(const struct queue *queue);

/* Entries that were passed over since queue_open() because they are no records: something else
 * writes there. */
uint64_t queue_malformed(const struct queue *queue);

struct queue_status {
    uint64_t length;   /* records waiting */
    int64_t oldest_ms; /* when the oldest was appended; 0: none */
};
/* Of all partitions; a whole queue after queue_begin() only. */
int queue_status(struct queue *queue, struct queue_status *out, struct err *err);

/* A queue of what is made while it is read. `next` makes the record behind the last one, or behind
 * `number` after `seek`; its payload lives in `arena`. */
struct queue_source {
    struct producer producer;
    uint16_t partition;
    uint64_t records; /* how many there are in all */
    int (*seek)(void *ctx, uint64_t number, struct err *err);
    int (*next)(void *ctx, struct arena *arena, struct str *payload, struct err *err);
    void *ctx;
};
struct queue *queue_source_new(const struct queue_source *source);

/* A queue in memory, for tests: appends a copy. */
struct queue *queue_memory_new(void);
void queue_memory_append(struct queue *queue, const struct queue_record *record);

#endif
