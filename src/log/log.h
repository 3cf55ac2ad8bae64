/*
 * log/log.h -- the durable event log of one node.
 *
 * Records go into preallocated, memory-mapped segment files under DATA_DIR/log. log_append() makes
 * no system call (but for futex): under one short lock it gives the numbers, copies the records and
 * publishes them. A crash of the process leaves at most an unpublished tail; a crash of the machine
 * at most the last second (or nothing, for those who wait for log_when_durable()). The format, and
 * what recovery does, stand at the top of log/log.c.
 *
 * Only the holder of DATA_DIR/log.lock (one struct log) cuts tails, makes and removes segments. Any
 * number of readers, in this process or others, read what is published (log_reader); an incomplete
 * last record is "not yet" to them.
 *
 * A struct log owns one thread, which flushes every second (with `always`: at once, a group at a
 * time), makes the next segment ahead of need, and removes released ones.
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
    struct str
        data_dir; /* segments in data_dir/log/, lock in data_dir/log.lock; made when missing */
    uint64_t segment_bytes; /* LOG_SEGMENT_MIN to LOG_SEGMENT_MAX, a multiple of LOG_SEGMENT_UNIT;
                               0: 8 MiB */
    uint64_t max_bytes; /* all segments together, those made ahead too; beyond it appending gives
                           ERR_FULL; at least two segments; 0: 1 GiB */
    int64_t keep_ms;    /* how long a segment stays after all of it was released; a segment goes
                           earlier when its room is needed */
    bool always;
    const struct logger *logger; /* may be NULL */
};

enum {
    LOG_PAYLOAD_MAX = 256 * 1024, /* bytes of one record */
    LOG_APPEND_MAX = 65536,       /* entries of one append */
    LOG_SEGMENT_MIN = 512 * 1024, /* so that the largest record fits */
    LOG_SEGMENT_MAX = 1 << 30,
    LOG_SEGMENT_UNIT = 4096,
    LOG_SEGMENT_MS_MIN = 10 * 60 * 1000, /* a segment is worth making for so long */
};

/* What is to be appended. */
struct log_entry {
    uint16_t partition; /* < PARTITIONS */
    struct str payload;
};

/* Take the lock, recover what earlier runs left (cut the torn tail, say how much), and begin a new
 * producer. A log that is full, or on a full disk, opens too. ERR_CONFLICT: another process holds
 * the lock; ERR_INVALID: a setting is out of bounds, or a newer version wrote the log; ERR_SYSTEM:
 * see the text. */
int log_open(const struct log_config *config, struct log **out, struct err *err);

/* Flush everything, end the thread, give the lock back. */
void log_close(struct log **log);

/* Append all of `entries` or none of them, also for a reader and after a crash. *ticket (may be
 * NULL) names this append to log_when_durable(). ERR_FULL: no room now, because the disk is full,
 * the bound is reached or the next segment is not ready yet; nothing was taken. ERR_INVALID: a
 * payload, their count or all of them together are too large (an append stays within one segment,
 * which has room for segment_bytes - 520; a record takes its payload and 32 bytes, rounded up to
 * 8). Any thread; blocks for no I/O. */
int log_append(struct log *log, const struct log_entry *entries, size_t count, uint64_t *ticket,
               struct err *err);

/* Call done(ctx, 0) once everything up to `ticket` is on the disk (or done(ctx, ERR_SYSTEM) when
 * flushing failed), from the log's thread or, if that is known already, from this call; log_close()
 * answers who still waits. done() must be quick and may append. */
void log_when_durable(struct log *log, uint64_t ticket, void (*done)(void *ctx, int code),
                      void *ctx);

/* The numbers up to these positions are committed in the store: segments of which everything is may
 * go keep_ms after the call that found it, by a later call (so call it in every run, also without
 * news), the oldest of each producer first. A segment takes records for keep_ms (but
 * LOG_SEGMENT_MS_MIN at least), if it is not full before, and longer only while no other can be
 * made: so a record is gone after twice that time, if what came with it is committed at once.
 * Positions of unknown producers are passed over. Where the store went back in time (a restored
 * backup), what lies behind its positions now is not released any more, if it is still there. Any
 * thread. */
void log_release(struct log *log, const struct position *positions, size_t count, int64_t now_ms);

/* Forget: what was appended up to now goes as soon as it is released, however short a time ago.
 * log_forgotten() is true once nothing of it is left. That holds for this process: after another
 * log_open() it is to be asked again. Any thread. */
void log_forget(struct log *log);
bool log_forgotten(struct log *log);

/* The producer of the next append. It changes when flushing has failed: what was appended before
 * may be missing after a power cut, and then nothing may be numbered as its continuation. */
struct producer log_producer(struct log *log);

/* Up to where the log is now, and whether everything up to there was released since. */
struct log_mark {
    struct producer producer;
    uint64_t last[PARTITIONS];
};
void log_mark(struct log *log, struct log_mark *out);
bool log_is_released(struct log *log, const struct log_mark *mark);

/* How many records here, of this producer and earlier ones, were not released yet. Cheap. */
uint64_t log_pending(struct log *log);

struct log_usage {
    uint64_t bytes; /* of all segments on disk */
    uint64_t max_bytes;
    uint64_t segments; /* those made ahead too */
    bool writable;     /* an append of ordinary size (4 KiB) would be taken now */
};
struct log_usage log_usage(struct log *log);

/* -- reading -- */

/* A published record. The payload is borrowed until the reader is closed or, with
 * log_reader_trim(), trimmed. */
struct log_record {
    struct position position; /* its producer, partition and number */
    struct str payload;
};

/* Read the log of `data_dir` from the first record that lies behind `committed` on; segments of
 * which nothing lies behind are skipped by their headers. A log that does not exist yet is empty.
 * Takes no lock. */
int log_reader_open(struct str data_dir, const struct position *committed, size_t count,
                    struct log_reader **out, struct err *err);
void log_reader_close(struct log_reader **reader);

/* The next record in the order appended (of all partitions): 1 and *out, 0 when there is none yet
 * (ask again later: new segments are found), or negative. ERR_CORRUPT: a record fails its check. In
 * a sealed segment the rest of it is lost (log_reader_lost() says what), and the next call goes on
 * behind it; else its producer is no longer running, and asking again asks for the same record
 * (recovery, at the next log_open(), cuts a torn tail). Records already behind `committed` may be
 * given again. Where the segments that held the next number are gone, the first number that is
 * there follows: who counts must look. */
int log_reader_next(struct log_reader *reader, struct log_record *out, struct err *err);

/* After ERR_CORRUPT: the last numbers, by partition, that the lost segment held; *out lives until
 * the next call. 0: nothing is lost yet. */
size_t log_reader_lost(const struct log_reader *reader, const struct position **out);

/* The payloads given so far are no longer used: free their memory. */
void log_reader_trim(struct log_reader *reader);

/* Whether a process holds the lock of this log. */
bool log_is_held(struct str data_dir);

/* How many published records lie behind `committed`, and when the first of them in the log was
 * appended (ms; 0: none). Full segments are counted by their headers; only the last one is read. */
struct log_backlog {
    uint64_t records;
    int64_t oldest_ms;
};
int log_backlog(struct str data_dir, const struct position *committed, size_t count,
                struct log_backlog *out, struct err *err);

/* Where the log ends: the last published number of each (producer, partition) of which anything is
 * left, *out in `arena`. Once all is committed up to there, so is everything that was answered
 * before the call. A log that nobody holds ends before its first bad record, where recovery would
 * cut it.
 */
int log_ends(struct str data_dir, struct arena *arena, struct position **out, size_t *count,
             struct err *err);

/* The producers of which a segment is left, that is, who may still append to, or be asked for,
 * records: *out in `arena`, each once. */
int log_producers(struct str data_dir, struct arena *arena, struct producer **out, size_t *count,
                  struct err *err);

#endif
