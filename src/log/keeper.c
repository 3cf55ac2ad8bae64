/*
 * log/keeper.c -- the log's thread: it makes segments ahead, flushes, answers who waits for that,
 * and removes what was released. What flushing promises, and what happens when it fails, stands in
 * log.c.
 *
 * Every function here is entered and left with the lock held, and gives it back while the disk is
 * busy.
 */
#include "base/clock.h"
#include "log/log_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    FLUSH_US = 1000000,
    RETRY_US = 1000000,       /* making a segment, when it failed */
    RETRY_WANTED_US = 200000, /* the same while appends are refused */
};

void segment_give_up(struct segment *segment)
{
    if (segment->map != NULL)
        (void)munmap(segment->map, segment->bytes);
    if (segment->fd >= 0)
        (void)close(segment->fd);
    segment->map = NULL;
    segment->fd = -1;
}

/* False where it is still there. */
static bool unlink_segment(const struct log *log, uint64_t sequence)
{
    char name[SEGMENT_NAME];

    segment_name(sequence, name);
    if (unlinkat(log->dirfd, name, 0) == 0 || errno == ENOENT)
        return true;
    if (log->logger != NULL)
        logger_line(log->logger, LOG_ERROR, "removing a log segment failed", "segment=%s errno=%d",
                    name, errno);
    return false;
}

/* -- removing -- */

/* The oldest segment of its producer that may go; with the one before it in the list. Newer ones
 * wait for it, so that no producer's log ever has a hole. */
static struct segment *find_removable(struct log *log, bool expired, struct segment **before)
{
    *before = NULL;
    for (struct segment *s = log->segments.head; s != NULL; s = s->next) {
        bool oldest = *before == NULL || (*before)->run != s->run;

        if (oldest && s->released && (s->expired || !expired))
            return s;
        *before = s;
    }
    return NULL;
}

/* Remove one released segment, if there is any: only one kept long enough, or any. */
static bool remove_released(struct log *log, bool expired)
{
    struct segment *before;
    struct segment *segment = find_removable(log, expired, &before);

    if (segment == NULL)
        return false;
    if (before == NULL)
        log->segments.head = segment->next;
    else
        before->next = segment->next;
    if (log->segments.tail == segment)
        log->segments.tail = before;
    log->segments.count--;
    segment->run->segments--;
    log_run_prune(log);
    (void)pthread_mutex_unlock(&log->lock);
    bool gone = unlink_segment(log, segment->sequence) && fsync(log->dirfd) == 0;
    segment_give_up(segment);
    (void)pthread_mutex_lock(&log->lock);
    log->bytes -= segment->disk;
    log->forgetting -= segment->forgotten && gone;
    log->prepare_failed_us = 0;
    free(segment);
    return true;
}

/* -- making segments ahead -- */

static void keep_sequence(const struct log *log, uint64_t sequence)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%016" PRIx64 "\n", sequence);

    (void)!pwrite(log->lockfd, text, (size_t)n, 0);
}

static int make_segment(struct log *log, struct segment **out, struct err *err)
{
    struct segment *segment = log_alloc(sizeof(*segment));

    if (log->bytes + log->segment_bytes > log->max_bytes) {
        free(segment);
        return err_set(err, ERR_FULL,
                       "%" PRIu64 " of %" PRIu64 " bytes are in use by what is not yet counted",
                       log->bytes, log->max_bytes);
    }
    segment->sequence = ++log->sequence;
    segment->bytes = segment->disk = log->segment_bytes;
    (void)pthread_mutex_unlock(&log->lock);
    keep_sequence(log, segment->sequence);
    int rc = segment_make(log->dirfd, log->io, segment->sequence, segment->bytes, &segment->fd,
                          &segment->map, err);
    (void)pthread_mutex_lock(&log->lock);
    if (rc != 0) {
        /* A number left out would look like a segment that was removed on purpose. */
        log->sequence--;
        free(segment);
        return rc;
    }
    *out = segment;
    return 0;
}

/* Say once that appending has to stop, and once that it goes on. */
static void tell(struct log *log, bool is_short)
{
    char quoted[sizeof(log->shortage.text) + 64];

    if (log->told == is_short)
        return;
    log->told = is_short;
    if (log->logger == NULL)
        return;
    if (is_short)
        logger_line(log->logger, LOG_ERROR, "the event log has no room", "reason=%s",
                    logger_quote(log->shortage.text, quoted, sizeof(quoted)));
    else
        logger_line(log->logger, LOG_INFO, "the event log has room again", NULL);
}

int keeper_prepare(struct log *log, struct err *err)
{
    struct segment *segment = NULL;
    int rc;

    do
        rc = make_segment(log, &segment, err);
    while (rc == ERR_FULL && remove_released(log, false));

    if (rc == 0) {
        segment_queue_push(&log->spares, segment);
        log_seal_forgotten(log);
        log->bytes += segment->disk;
        log->wanted = false;
        log->prepare_failed_us = 0;
        tell(log, false);
    } else {
        log->prepare_failed_us = clock_steady_us();
        log->shortage = *err;
        if (log->spares.count == 0)
            tell(log, true);
    }
    return rc;
}

static int64_t prepare_due(const struct log *log)
{
    if (log->spares.count >= LOG_SPARES)
        return INT64_MAX;
    if (log->prepare_failed_us == 0)
        return 0;
    return log->prepare_failed_us + (log->wanted ? RETRY_WANTED_US : RETRY_US);
}

/* -- flushing -- */

/* Answer everyone whose ticket's fate is known, in the order in which they came. */
static void answer_waiters(struct log *log)
{
    uint64_t from = log->failed_from;
    uint64_t to = log->failed_to;
    struct waiter *ready = NULL;

    for (struct waiter **at = &log->waiters; *at != NULL;) {
        struct waiter *waiter = *at;

        if (waiter->ticket > log->durable) {
            at = &waiter->next;
        } else {
            *at = waiter->next;
            waiter->next = ready;
            ready = waiter;
        }
    }
    (void)pthread_mutex_unlock(&log->lock);
    while (ready != NULL) {
        struct waiter *next = ready->next;
        bool failed = ready->ticket > from && ready->ticket <= to;

        ready->done(ready->ctx, failed ? ERR_SYSTEM : 0);
        free(ready);
        ready = next;
    }
    (void)pthread_mutex_lock(&log->lock);
}

/* Flush one segment; when it is sealed, cut it to its records, which says that they are on the
 * disk. */
static int flush_segment(struct log *log, struct segment *segment)
{
    bool sealed = segment->sealed;
    uint64_t disk = segment->disk;

    (void)pthread_mutex_unlock(&log->lock);
    int rc = log->io->sync(segment->fd) == 0 ? 0 : errno;
    if (rc == 0 && sealed) {
        if (ftruncate(segment->fd, (off_t)segment->offset) == 0)
            disk = segment->offset;
        segment_give_up(segment);
    }
    (void)pthread_mutex_lock(&log->lock);
    if (rc == 0 && sealed) {
        log->bytes -= segment->disk - disk;
        segment->disk = disk;
        segment->flushed = true;
        log->prepare_failed_us = 0;
    }
    return rc;
}

static void remove_files(struct log *log, struct segment_queue *queue)
{
    struct segment *segment;

    (void)pthread_mutex_unlock(&log->lock);
    while ((segment = segment_queue_pop(queue)) != NULL) {
        (void)unlink_segment(log, segment->sequence);
        segment_give_up(segment);
        free(segment);
    }
    (void)pthread_mutex_lock(&log->lock);
}

/* A flush failed: nothing that is not durable yet will ever be called so, and this producer ends.
 */
static void abandon_run(struct log *log, int code)
{
    struct segment_queue spares = log->spares;
    struct producer producer;

    log_seal_current(log);
    for (struct segment *s = log->segments.head; s != NULL; s = s->next) {
        if (!s->flushed)
            segment_give_up(s);
        s->flushed = true;
    }
    if (log->failed_to == 0)
        log->failed_from = log->durable;
    log->failed_to = log->appended;
    randombytes_buf(&producer, sizeof(producer));
    (void)log_run_new(log, &producer, NULL);
    log_run_prune(log);
    log->spares = (struct segment_queue){0};
    log->bytes -= spares.count * log->segment_bytes;
    log->prepare_failed_us = clock_steady_us();
    (void)err_set(&log->shortage, ERR_SYSTEM, "flushing failed: %s", strerror(code));
    if (log->logger != NULL)
        logger_line(log->logger, LOG_ERROR,
                    "flushing the event log failed; what was appended since the last flush may be "
                    "lost in a power cut",
                    "appends=%" PRIu64 " errno=%d", log->appended - log->durable, code);
    remove_files(log, &spares);
}

void keeper_flush(struct log *log)
{
    uint64_t upto = log->appended;
    struct segment *segment = log->segments.head;

    while (segment != NULL && segment->flushed)
        segment = segment->next;
    while (segment != NULL) {
        bool sealed = segment->sealed;
        int code = flush_segment(log, segment);

        if (code != 0) {
            abandon_run(log, code);
            upto = log->failed_to;
            break;
        }
        segment = sealed ? segment->next : NULL;
    }
    log->durable = upto;
    answer_waiters(log);
}

static bool flush_due(struct log *log, int64_t now_us)
{
    bool tick = now_us >= log->flush_due_us;

    if (tick)
        log->flush_due_us = now_us + FLUSH_US;
    return log->appended != log->durable && (tick || (log->always && log->waiters != NULL));
}

/* -- the thread -- */

static void sleep_until_due(struct log *log)
{
    int64_t due = prepare_due(log);

    due = due < log->flush_due_us ? due : log->flush_due_us;
    struct timespec at = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000};
    (void)pthread_cond_timedwait(&log->wake, &log->lock, &at);
}

void *keeper_run(void *arg)
{
    (void)prctl(PR_SET_NAME, "log");
    struct log *log = arg;
    struct err err;

    (void)pthread_mutex_lock(&log->lock);
    while (!log->closing) {
        int64_t now_us = clock_steady_us();

        if (now_us >= prepare_due(log))
            (void)keeper_prepare(log, &err);
        else if (flush_due(log, now_us))
            keeper_flush(log);
        else if (!remove_released(log, true))
            sleep_until_due(log);
    }
    (void)pthread_mutex_unlock(&log->lock);
    return NULL;
}
