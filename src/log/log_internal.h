/*
 * log/log_internal.h -- struct log, shared by log.c and forget.c (what callers do), keeper.c (what
 * its thread does) and recover.c (what happens before there is a thread).
 */
#ifndef ABACUS_LOG_LOG_INTERNAL_H
#define ABACUS_LOG_LOG_INTERNAL_H

#include "log/log.h"
#include "log/segment.h"

#include <pthread.h>

/* How many segments are made ahead: while one is filled and flushed, another is ready. */
enum { LOG_SPARES = 2 };

/* A producer of which segments are here, this run's among them. */
struct run {
    struct run *older;
    struct producer producer;
    uint64_t first[PARTITIONS];    /* the lowest number here (or next) when the log was opened */
    uint64_t next[PARTITIONS];     /* one more than the highest */
    uint64_t released[PARTITIONS]; /* all up to this are committed */
    size_t segments;
};

/* A segment file in the holder's eyes. Spares have no run yet. */
struct segment {
    struct segment *next;
    struct run *run;
    uint64_t sequence;
    int fd; /* -1 and NULL once it is settled or given up */
    char *map;
    uint64_t bytes; /* mapped */
    uint64_t disk;  /* on the disk */
    uint64_t salt;
    int64_t begun_ms;          /* when this process put the first record in */
    uint64_t offset;           /* of the next record */
    uint64_t last[PARTITIONS]; /* once sealed: the highest numbers in it or before it */
    bool sealed;               /* no more records */
    bool flushed;              /* no more to flush: settled, or flushing it has failed */
    bool released, expired;
    bool forgotten; /* goes as soon as it is released */
    int64_t released_ms;
};

/* First in, first out. */
struct segment_queue {
    struct segment *head, *tail;
    size_t count;
};

struct waiter {
    struct waiter *next;
    uint64_t ticket;
    void (*done)(void *ctx, int code);
    void *ctx;
};

struct log {
    /* Set by log_open(), then constant. */
    uint64_t segment_bytes, max_bytes;
    int64_t keep_ms;
    bool always;
    const struct logger *logger;
    const struct log_io *io;
    int dirfd, lockfd;
    pthread_t thread;
    bool threaded;

    /* The rest belongs to the lock. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool closing;

    struct run *run;               /* this run's producer; older ones behind it */
    struct segment_queue segments; /* with records, oldest first */
    struct segment *current;       /* the last of them, unless it is sealed */
    struct segment_queue spares;
    size_t forgetting; /* files of forgotten segments that are there */
    uint64_t bytes;    /* of all these on the disk */
    uint64_t sequence; /* the highest given to a file */

    uint64_t appended; /* tickets given */
    uint64_t durable;  /* tickets of which the fate is known: on the disk, or failed */
    uint64_t failed_from, failed_to; /* of them, (from, to] may not be on the disk */
    struct waiter *waiters;
    int64_t flush_due_us;

    bool wanted;               /* an append found no room */
    bool told;                 /* the logger said so */
    int64_t prepare_failed_us; /* 0: preparing did not fail last time */
    struct err shortage;       /* why it did */
};

/* log_open() with the system calls that may fail given by the caller. */
int log_open_with(const struct log_config *config, const struct log_io *io, struct log **out,
                  struct err *err);

void segment_queue_push(struct segment_queue *queue, struct segment *segment);
struct segment *segment_queue_pop(struct segment_queue *queue);

/* recover.c: cut, settle or remove what is in the directory, and fill in runs, segments, bytes,
 * sequence. */
int log_recover(struct log *log, struct err *err);
/* A run without records, newest of the log. */
struct run *log_run_new(struct log *log, const struct producer *producer, const uint64_t *first);
/* Forget runs without segments, but for the newest. */
void log_run_prune(struct log *log);

/* log.c, with the lock held: the current segment takes no more records. */
void log_seal_current(struct log *log);

/* forget.c, with the lock held: seal the current segment if it is to be forgotten and another one
 * is ready. */
void log_seal_forgotten(struct log *log);

/* keeper.c */
void *keeper_run(void *log);
/* With the lock held, which is given back while the disk is busy. One more spare: 0, ERR_FULL,
 * ERR_SYSTEM. */
int keeper_prepare(struct log *log, struct err *err);
/* The same: flush all that was appended. */
void keeper_flush(struct log *log);
/* Unmap and close what is open of a segment. */
void segment_give_up(struct segment *segment);

#endif
