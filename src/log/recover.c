/*
 * log/recover.c -- what log_open() does with the segments of earlier runs. The rules stand in
 * log.c.
 *
 * First every segment is judged, in order; those that stay are cut and settled where they stand.
 * Then those that go are removed, the newest first: a crash in between must not leave a segment
 * whose predecessor is gone, for that would look as if the predecessor had been released.
 */
#include "log/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the segment before ended. */
struct chain {
    bool any;
    bool known; /* its header was good, so producer and next count */
    uint64_t sequence;
    struct producer producer;
    uint64_t next[PARTITIONS];
};

/* What was found out about one segment. */
struct verdict {
    uint64_t end;              /* behind its last good record */
    uint64_t next[PARTITIONS]; /* the numbers that follow it */
    uint64_t cut;              /* bytes behind `end` that are not zero */
};

static bool same_producer(const struct producer *a, const struct producer *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool continues(const struct chain *chain, const struct segment_file *file)
{
    bool before = chain->any && chain->sequence + 1 == file->sequence;
    bool same = before && chain->known && same_producer(&chain->producer, &file->header.producer);

    if (!before)
        return true;
    for (size_t p = 0; p < PARTITIONS; p++) {
        if (file->header.first[p] != (same ? chain->next[p] : 1))
            return false;
    }
    return true;
}

/* Walk the good records; an append counts once its last record does. */
static int find_end(const struct segment_file *file, struct verdict *verdict, struct err *err)
{
    struct cursor cursor = segment_file_cursor(file);
    struct cursor_record record;
    uint64_t next[PARTITIONS];
    unsigned following = 0;
    int rc;

    memcpy(next, verdict->next, sizeof(next));
    while ((rc = cursor_next(&cursor, &record, err)) == CURSOR_RECORD) {
        if (record.head.number != next[record.head.partition] ||
            (following > 0 && record.head.following != following - 1))
            break;
        next[record.head.partition]++;
        following = record.head.following;
        if (following == 0) {
            verdict->end = cursor.offset;
            memcpy(verdict->next, next, sizeof(next));
        }
        cursor_trim(&cursor);
    }
    cursor_release(&cursor);
    return rc < 0 ? rc : 0;
}

/* How far behind `from` something other than zero reaches. */
static int measure_rest(int fd, uint64_t from, uint64_t *bytes, struct err *err)
{
    char buffer[16 * 1024];
    uint64_t at = from;

    *bytes = 0;
    for (;;) {
        ssize_t n = pread(fd, buffer, sizeof(buffer), (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_SYSTEM, "reading the event log: %s", strerror(errno));
        if (n == 0)
            return 0;
        for (size_t i = (size_t)n; i > 0; i--) {
            if (buffer[i - 1] != 0) {
                *bytes = at + i - from;
                break;
            }
        }
        at += (uint64_t)n;
    }
}

static int judge(const struct segment_file *file, struct verdict *verdict, struct err *err)
{
    memcpy(verdict->next, file->header.first, sizeof(verdict->next));
    verdict->end = SEGMENT_DATA_AT;
    verdict->cut = 0;
    if (segment_file_settled(file)) {
        verdict->end = file->seal.end;
        memcpy(verdict->next, file->seal.next, sizeof(verdict->next));
        return 0;
    }

    int rc = find_end(file, verdict, err);

    return rc != 0 ? rc : measure_rest(file->fd, verdict->end, &verdict->cut, err);
}

/* Read and write the same bytes, so that the next flush really writes them. */
static int write_back(int fd, uint64_t end, struct err *err)
{
    char buffer[64 * 1024];

    for (uint64_t at = 0; at < end;) {
        size_t want = end - at < sizeof(buffer) ? (size_t)(end - at) : sizeof(buffer);
        ssize_t n = pread(fd, buffer, want, (off_t)at);

        if (n <= 0 || pwrite(fd, buffer, (size_t)n, (off_t)at) != n)
            return err_set(err, ERR_SYSTEM, "writing a segment back: %s", strerror(errno));
        at += (uint64_t)n;
    }
    return 0;
}

static int settle(const struct log *log, struct segment_file *file, const struct verdict *verdict,
                  struct err *err)
{
    int rc = write_back(file->fd, verdict->end, err);

    if (rc == 0)
        rc = segment_file_seal(file, verdict->end, verdict->next, err);
    if (rc == 0 && (log->io->sync(file->fd) != 0 || ftruncate(file->fd, (off_t)verdict->end) != 0))
        rc = err_set(err, ERR_SYSTEM, "settling a segment: %s", strerror(errno));
    return rc;
}

/* The segment stays: take it into the lists. */
static void keep(struct log *log, const struct segment_file *file, const struct verdict *verdict)
{
    struct segment *segment = log_alloc(sizeof(*segment));

    if (log->run == NULL || !same_producer(&log->run->producer, &file->header.producer))
        (void)log_run_new(log, &file->header.producer, file->header.first);
    segment->run = log->run;
    log->run->segments++;
    segment->sequence = file->sequence;
    segment->fd = -1;
    segment->disk = verdict->end;
    segment->sealed = segment->flushed = true;
    for (size_t p = 0; p < PARTITIONS; p++) {
        log->run->next[p] = verdict->next[p];
        segment->last[p] = verdict->next[p] - 1;
    }
    segment_queue_push(&log->segments, segment);
    log->bytes += segment->disk;
}

static void report(const struct log *log, const struct segment_file *file, uint64_t bytes,
                   const char *msg)
{
    if (log->logger != NULL && bytes > 0)
        logger_line(log->logger, LOG_WARN, msg, "segment=%016" PRIx64 " bytes=%" PRIu64,
                    file->sequence, bytes);
}

/* A good header: keep what is good of it. *remove: nothing is. */
static int recover_good(struct log *log, struct chain *chain, struct segment_file *file,
                        bool *remove, struct err *err)
{
    struct verdict verdict;
    int rc = judge(file, &verdict, err);

    if (rc != 0)
        return rc;
    if (!continues(chain, file)) {
        report(log, file, verdict.end - SEGMENT_DATA_AT + verdict.cut,
               "the log was cut before this segment, which goes too");
        memcpy(verdict.next, file->header.first, sizeof(verdict.next));
        verdict.end = SEGMENT_DATA_AT;
    } else {
        report(log, file, verdict.cut, "cut a torn tail off the event log");
    }
    chain->known = true;
    chain->producer = file->header.producer;
    memcpy(chain->next, verdict.next, sizeof(chain->next));
    *remove = verdict.end == SEGMENT_DATA_AT;
    if (*remove)
        return segment_file_seal(file, verdict.end, verdict.next, err);
    if (!segment_file_settled(file))
        rc = settle(log, file, &verdict, err);
    if (rc == 0)
        keep(log, file, &verdict);
    return rc;
}

static int recover_one(struct log *log, struct chain *chain, struct segment_file *file,
                       bool *remove, struct err *err)
{
    int rc = 0;

    if (file->state == HEADER_NEWER)
        return err_set(err, ERR_INVALID,
                       "log segment %016" PRIx64 " was written by a newer version", file->sequence);
    if (file->state == HEADER_GOOD) {
        rc = recover_good(log, chain, file, remove, err);
    } else {
        uint64_t bytes;

        rc = measure_rest(file->fd, 0, &bytes, err);
        if (rc == 0)
            report(log, file, bytes, "a log segment has no good header and goes");
        chain->known = false;
        *remove = true;
    }
    chain->any = true;
    chain->sequence = file->sequence;
    return rc;
}

/* The newest first, each durable before the next. */
static int remove_all(const struct log *log, const struct sequence_list *gone, struct err *err)
{
    for (size_t i = gone->count; i > 0; i--) {
        char name[SEGMENT_NAME];

        segment_name(gone->items[i - 1], name);
        if (unlinkat(log->dirfd, name, 0) != 0 || fsync(log->dirfd) != 0)
            return err_set(err, ERR_SYSTEM, "removing log segment %s: %s", name, strerror(errno));
    }
    return 0;
}

int log_recover(struct log *log, struct err *err)
{
    struct chain chain = {0};
    struct sequence_list found;
    int rc = sequence_list_read(log->dirfd, &found, err);

    if (rc != 0)
        return rc;

    /* Those that go move to the front of the list. */
    struct sequence_list gone = {.items = found.items};

    for (size_t i = 0; rc == 0 && i < found.count; i++) {
        struct segment_file file;
        bool remove = false;

        if (log->sequence < found.items[i])
            log->sequence = found.items[i];
        rc = segment_file_open(log->dirfd, found.items[i], O_RDWR, &file, err);
        if (rc != 0)
            break;
        rc = recover_one(log, &chain, &file, &remove, err);
        segment_file_close(&file);
        if (remove)
            gone.items[gone.count++] = file.sequence;
    }
    if (rc == 0)
        rc = remove_all(log, &gone, err);
    sequence_list_release(&found);
    return rc;
}
