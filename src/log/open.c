/*
 * log/open.c -- taking the lock, opening and closing the log.
 *
 * The lock is an open file description lock on DATA_DIR/log.lock: it ends with the process that
 * holds it, however that ends, and two logs in one process exclude each other too. The file stays;
 * it holds the highest sequence number as text, so that the sequence goes on when every segment has
 * been removed (a reader in another process waits for a higher number than the last it saw). It is
 * not flushed: no reader outlives a power cut.
 */
#include "base/clock.h"
#include "log/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_DEFAULT (UINT64_C(8) << 20)
#define LOG_DEFAULT (UINT64_C(1) << 30)
/* No log gets there; a stray file may. */
#define SEQUENCE_MAX (UINT64_C(1) << 62)

/* -- lists -- */

void segment_queue_push(struct segment_queue *queue, struct segment *segment)
{
    segment->next = NULL;
    if (queue->tail == NULL)
        queue->head = segment;
    else
        queue->tail->next = segment;
    queue->tail = segment;
    queue->count++;
}

struct segment *segment_queue_pop(struct segment_queue *queue)
{
    struct segment *segment = queue->head;

    if (segment == NULL)
        return NULL;
    queue->head = segment->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->count--;
    segment->next = NULL;
    return segment;
}

struct run *log_run_new(struct log *log, const struct producer *producer, const uint64_t *first)
{
    struct run *run = log_alloc(sizeof(*run));

    run->producer = *producer;
    for (size_t p = 0; p < PARTITIONS; p++)
        run->first[p] = run->next[p] = first == NULL ? 1 : first[p];
    run->older = log->run;
    log->run = run;
    return run;
}

void log_run_prune(struct log *log)
{
    for (struct run **at = &log->run->older; *at != NULL;) {
        struct run *run = *at;

        if (run->segments > 0) {
            at = &run->older;
        } else {
            *at = run->older;
            free(run);
        }
    }
}

/* -- opening -- */

/* Make the new directory's name durable in its parent. A parent that cannot be opened for reading
 * is the operator's, and was there before. */
static void flush_parent(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int parent = dir < 0 ? -1 : openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent >= 0) {
        (void)fsync(parent);
        (void)close(parent);
    }
    if (dir >= 0)
        (void)close(dir);
}

/* mkdir -p */
static int make_directories(char *path, struct err *err)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(path, 0700) == 0)
            flush_parent(path);
        else if (errno != EEXIST)
            return err_set(err, ERR_SYSTEM, "creating %s: %s", path, strerror(errno));
        if (slash == NULL)
            return 0;
        *slash = '/';
    }
}

static int open_directory(struct log *log, struct str data_dir, struct err *err)
{
    char path[4096];
    int n = snprintf(path, sizeof(path) - 8, "%.*s/log", STR_FMT(data_dir));

    if (data_dir.len == 0 || n < 0 || (size_t)n >= sizeof(path) - 8)
        return err_set(err, ERR_INVALID, "the data directory's name is empty or too long");

    int rc = make_directories(path, err);

    if (rc != 0)
        return rc;
    log->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (log->dirfd < 0)
        return err_set(err, ERR_SYSTEM, "opening %s: %s", path, strerror(errno));
    memcpy(path + n, ".lock", sizeof(".lock"));
    log->lockfd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (log->lockfd < 0)
        return err_set(err, ERR_SYSTEM, "opening %s: %s", path, strerror(errno));
    return 0;
}

static int take_lock(struct log *log, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[32] = "";

    if (fcntl(log->lockfd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return err_set(err, ERR_CONFLICT, "another process holds the event log's lock");
        return err_set(err, ERR_SYSTEM, "locking the event log: %s", strerror(errno));
    }
    if (pread(log->lockfd, text, sizeof(text) - 1, 0) > 0)
        log->sequence = strtoull(text, NULL, 16);
    return 0;
}

static int check_config(struct log *log, const struct log_config *config, struct err *err)
{
    log->segment_bytes = config->segment_bytes == 0 ? SEGMENT_DEFAULT : config->segment_bytes;
    log->max_bytes = config->max_bytes == 0 ? LOG_DEFAULT : config->max_bytes;
    log->keep_ms = config->keep_ms;
    log->always = config->always;
    log->logger = config->logger;
    if (log->segment_bytes < LOG_SEGMENT_MIN || log->segment_bytes > LOG_SEGMENT_MAX ||
        log->segment_bytes % LOG_SEGMENT_UNIT != 0)
        return err_set(err, ERR_INVALID,
                       "a log segment has %d to %d bytes, a multiple of %d, not %" PRIu64,
                       LOG_SEGMENT_MIN, LOG_SEGMENT_MAX, LOG_SEGMENT_UNIT, log->segment_bytes);
    if (log->max_bytes / 2 < log->segment_bytes)
        return err_set(err, ERR_INVALID,
                       "the event log must have room for two segments of %" PRIu64
                       " bytes, not %" PRIu64,
                       log->segment_bytes, log->max_bytes);
    return 0;
}

static void init_locks(struct log *log)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;

    /* Held for less than a microsecond: spinning a little is cheaper than sleeping. */
    (void)pthread_mutexattr_init(&mutex);
    (void)pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&log->lock, &mutex);
    (void)pthread_mutexattr_destroy(&mutex);
    (void)pthread_condattr_init(&cond);
    (void)pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&log->wake, &cond);
    (void)pthread_condattr_destroy(&cond);
}

/* Signals are for the threads that the process has set aside for them. */
static int start_thread(struct log *log, struct err *err)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&log->thread, NULL, keeper_run, log);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return err_set(err, ERR_SYSTEM, "starting the log's thread: %s", strerror(rc));
    log->threaded = true;
    return 0;
}

/* One spare before the first append; a log that is full must open all the same, to be read and
 * released. */
static int first_spare(struct log *log, struct err *err)
{
    (void)pthread_mutex_lock(&log->lock);
    int rc = keeper_prepare(log, err);
    (void)pthread_mutex_unlock(&log->lock);
    return rc == ERR_FULL ? 0 : rc;
}

int log_open_with(const struct log_config *config, const struct log_io *io, struct log **out,
                  struct err *err)
{
    struct log *log = log_alloc(sizeof(*log));
    struct producer producer;
    int rc;

    *out = NULL;
    log->io = io;
    log->dirfd = log->lockfd = -1;
    init_locks(log);
    if ((rc = check_config(log, config, err)) != 0 ||
        (rc = open_directory(log, config->data_dir, err)) != 0 || (rc = take_lock(log, err)) != 0 ||
        (rc = log_recover(log, err)) != 0)
        goto failed;
    if (log->sequence >= SEQUENCE_MAX) {
        rc = err_set(err, ERR_CORRUPT,
                     "the event log's last sequence number cannot be right: %" PRIx64,
                     log->sequence);
        goto failed;
    }
    if (sodium_init() < 0) {
        rc = err_set(err, ERR_SYSTEM, "no source of random numbers");
        goto failed;
    }
    randombytes_buf(&producer, sizeof(producer));
    (void)log_run_new(log, &producer, NULL);
    log->flush_due_us = clock_steady_us() + 1000000;
    if ((rc = first_spare(log, err)) != 0 || (rc = start_thread(log, err)) != 0)
        goto failed;
    *out = log;
    return 0;

failed:
    log_close(&log);
    return rc;
}

int log_open(const struct log_config *config, struct log **out, struct err *err)
{
    return log_open_with(config, &log_io_system, out, err);
}

/* -- closing -- */

static void free_queue(struct segment_queue *queue)
{
    struct segment *segment;

    while ((segment = segment_queue_pop(queue)) != NULL) {
        segment_give_up(segment);
        free(segment);
    }
}

static void remove_spares(struct log *log)
{
    for (struct segment *s = log->spares.head; s != NULL; s = s->next) {
        char name[SEGMENT_NAME];

        segment_name(s->sequence, name);
        (void)unlinkat(log->dirfd, name, 0);
    }
}

void log_close(struct log **log)
{
    struct log *l = *log;

    if (l == NULL)
        return;
    *log = NULL;
    (void)pthread_mutex_lock(&l->lock);
    l->closing = true;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
    if (l->threaded)
        (void)pthread_join(l->thread, NULL);

    (void)pthread_mutex_lock(&l->lock);
    log_seal_current(l);
    keeper_flush(l);
    (void)pthread_mutex_unlock(&l->lock);
    remove_spares(l);
    free_queue(&l->segments);
    free_queue(&l->spares);
    while (l->run != NULL) {
        struct run *older = l->run->older;
        free(l->run);
        l->run = older;
    }
    if (l->dirfd >= 0)
        (void)close(l->dirfd);
    if (l->lockfd >= 0)
        (void)close(l->lockfd);
    (void)pthread_cond_destroy(&l->wake);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}
