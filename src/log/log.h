/*
 * log/log.h -- the durable event log of one node.
 *
 * Records go into preallocated, memory-mapped segment files under DIR. log_append() makes no system call:
 * under one short lock it gives the numbers, copies the records and publishes them. A crash of the process
 * leaves at most an unpublished tail; a crash of the machine at most the last second (or nothing, for those
 * who wait for log_when_durable()). The format, and what recovery does, stand at the top of log/log.c.
 *
 * Only the holder of DIR/../log.lock (one struct log) cuts tails, makes and removes segments. Any number of
 * readers, in this process or others, read what is published (log_reader); an incomplete last record is "not
 * yet" to them.
 *
 * A struct log owns one thread, which flushes every second (with `always`: at once, a group at a time), makes
 * the next segment ahead of need, and removes released ones.
 */
#ifndef ABACUS_LOG_LOG_H
#define ABACUS_LOG_LOG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/logger.h"
#include "base/position.h"
#include "base/str.h"

struct log;
struct log_reader;

struct log_config {
    struct str data_dir;   /* segments in data_dir/log/, lock in data_dir/log.lock; made when missing */
    uint64_t segment_bytes; /* 0: 8 MiB */
    uint64_t max_bytes;     /* all segments together; beyond it appending gives ERR_FULL; 0: 1 GiB */
    int64_t keep_ms;        /* how long a segment stays after all of it was released; a segment goes earlier
                               when its room is needed */
    bool always;
    const struct logger *logger; /* may be NULL */
};

/* The largest payload of a record. */
enum { LOG_PAYLOAD_MAX = 256 * 1024 };

/* What is to be appended. */
struct log_entry {
    uint16_t partition; /* < PARTITIONS */
    struct str payload;
};

/* Take the lock, recover what earlier runs left (cut the torn tail, say how much), and begin a new producer.
 * ERR_CONFLICT: another process holds the lock; ERR_SYSTEM: see the text. */
int log_open(const struct log_config *config, struct log **out, struct err *err);

/* Flush everything, end the thread, give the lock back. */
void log_close(struct log **log);

/* Append all of `entries` or none of them. *ticket (may be NULL) names this append to log_when_durable().
 * ERR_FULL: no room now, because the disk is full, the bound is reached or the next segment is not ready yet;
 * nothing was taken. ERR_INVALID: a payload is too large. Any thread; blocks for no I/O. */
int log_append(struct log *log, const struct log_entry *entries, size_t count, uint64_t *ticket,
               struct err *err);

/* Call done(ctx, 0) once everything up to `ticket` is on the disk (or done(ctx, ERR_SYSTEM) when flushing
 * failed), from the log's thread or, if it is durable already, from this call. */
void log_when_durable(struct log *log, uint64_t ticket, void (*done)(void *ctx, int code), void *ctx);

/* The numbers up to these positions are committed in the store: segments of which everything is may go after
 * keep_ms. Positions of unknown producers are passed over. Any thread. */
void log_release(struct log *log, const struct position *positions, size_t count, int64_t now_ms);

/* This run's producer. */
struct producer log_producer(const struct log *log);

struct log_usage {
    uint64_t bytes;     /* of all segments on disk */
    uint64_t max_bytes;
    uint64_t segments;
    bool writable;      /* an append of ordinary size would be taken now */
};
struct log_usage log_usage(struct log *log);

/* -- reading ------------------------------------------------------------------------------------------------ */

/* A published record. The payload is borrowed until the reader is closed or, with log_reader_trim(), trimmed. */
struct log_record {
    struct position position; /* its producer, partition and number */
    struct str payload;
};

/* Read the log of `data_dir` from the first record that lies behind `committed` on; segments of which nothing
 * lies behind are skipped by their headers. A log that does not exist yet is empty. Takes no lock. */
int log_reader_open(struct str data_dir, const struct position *committed, size_t count,
                    struct log_reader **out, struct err *err);
void log_reader_close(struct log_reader **reader);

/* The next record in the order appended (of all partitions): 1 and *out, 0 when there is none yet (ask again
 * later: new segments are found), or negative. ERR_CORRUPT: a record inside the log fails its check and its
 * producer is no longer running. Records already behind `committed` may be given again. */
int log_reader_next(struct log_reader *reader, struct log_record *out, struct err *err);

/* The payloads given so far are no longer used: unmap what can be. */
void log_reader_trim(struct log_reader *reader);

/* How many published records lie behind `committed`, and when the oldest of them was appended (ms; 0: none). */
struct log_backlog {
    uint64_t records;
    int64_t oldest_ms;
};
int log_backlog(struct str data_dir, const struct position *committed, size_t count,
                struct log_backlog *out, struct err *err);

#endif
