/*
 * log/log.c -- appending, and the format.
 *
 * FILES. DATA_DIR/log/<sequence, 16 hex digits>.seg; sequence numbers rise and are never used again
 * while a reader could remember them (the lock file keeps the last one). A segment is preallocated
 * and flushed before it is used, so a full disk is an error when the segment is made and never a
 * SIGBUS when it is written; that holds on file systems that overwrite in place (ext4, xfs, tmpfs),
 * not on those that copy on write.
 *
 *     offset 0    struct segment_header   written when the segment gets its first record
 *     offset 256  struct segment_seal     written when it has its last one; zero until then
 *     offset 512  records, each at a multiple of 8, one behind the other
 *     the last 8 bytes are never used
 *
 *     record: u32 length, u16 partition, u16 following, u64 checksum, u64 number, i64 appended_ms,
 * payload
 *
 * Integers are little-endian. `length` counts head and payload, without the padding to 8; 0 means
 * that nothing is here yet. `following` counts the records of the same append behind this one. The
 * checksum is XXH3 over all the rest of the record, seeded with producer, sequence and offset:
 * bytes of an earlier use of the disk blocks, or of another place, never pass.
 *
 * PUBLISHING. Under the lock the records are copied, and then their lengths are stored, that of the
 * first record of the append last and with release order. So a reader, or recovery after a crash of
 * the process, finds all records of an append or none. When an append does not fit, under the same
 * lock: the header of the next segment is written, then the seal of the full one, then the records
 * go into the next. A segment is also sealed when it is old, or to be forgotten, so that what is in
 * it can go, provided that another is ready; then the next append begins that one. The seal names
 * the exact end. A reader at that offset is done with the segment, one before it is not, whatever
 * it saw there first; no order of reading is needed for that. Nothing is written to a segment after
 * its seal.
 *
 * SETTLED is a sealed segment whose file is exactly as long as its seal says. A file is cut to that
 * length only after its bytes were flushed, and it was at least 8 bytes longer before; so recovery
 * trusts it unread.
 *
 * RECOVERY (recover.c), by the holder of the lock alone, walks all segments in order:
 *   - A header that is all zero or bad: the file is removed (a spare, or a first page that was
 * lost).
 *   - A segment must begin with the numbers at which the one before it in sequence ended, if that
 * was of the same producer; else, if there is a file right before it, with 1. If not, records
 * before it were lost, and it is removed. If no file stands right before it (removed when
 * released), it begins where it says: a file is durable in the directory before the next one is
 * made, so a missing one was removed on purpose.
 *   - A settled segment is kept as it is. In any other one the records are checked up to the first
 * that is not good or not the next number; an append that is not complete is cut too. What is good
 * is written back and flushed (an earlier flush may have failed and left pages marked clean that
 * never reached the disk), sealed, and the file cut behind it; without any record it is removed.
 *   - Before a file is removed it is sealed, so that a reader that has it open goes on.
 * A crash during recovery is harmless: it only ever does what the next one would do again.
 *
 * READERS (reader.c) use pread on files they opened themselves: a file that is cut gives a short
 * read, a removed one stays readable. What recovery cuts off was never published as a whole append
 * that passed its check, so no reader gave it to anyone; the exception is a power cut, when a
 * reader may run before recovery does: it may have given the first records of an append that is
 * cut. It then stands behind the seal and goes on.
 *
 * FLUSHING (keeper.c). Tickets count appends. The thread notes the last ticket, flushes the
 * segments that changed, oldest first, and only then calls the ticket durable. When a flush fails,
 * the kernel may already have marked the pages clean, so asking again could succeed without having
 * written anything. Therefore every ticket not yet durable is answered as failed; these segments
 * are never flushed or settled again (their records are still read from memory and counted); and
 * since recovery would cut everything behind them, the log goes on as a new producer in segments
 * made and flushed anew: until the disk takes one, appending gives ERR_FULL.
 *
 * THREADS. Everything but the constants in struct log belongs to its one lock. Appending holds it
 * for the copy and the checksum; the keeper gives it back during all I/O. Only the keeper removes
 * from the lists.
 */
#include "log/log.h"

#include "base/clock.h"
#include "log/log_internal.h"

#include <inttypes.h>
#include <string.h>

/* What log_usage() calls an append of ordinary size. */
enum { ORDINARY_APPEND = 4096 };

/* -- appending -- */

/* Bytes that the append takes, or ERR_INVALID. */
static int measure(const struct log *log, const struct log_entry *entries, size_t count,
                   uint64_t *bytes, struct err *err)
{
    uint64_t most = log->segment_bytes - SEGMENT_DATA_AT - SEGMENT_SLACK;

    *bytes = 0;
    if (count > LOG_APPEND_MAX)
        return err_set(err, ERR_INVALID, "an append has %zu entries, at most %d are allowed", count,
                       LOG_APPEND_MAX);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].payload.len > LOG_PAYLOAD_MAX)
            return err_set(err, ERR_INVALID, "entry %zu has %zu bytes, at most %d are allowed", i,
                           entries[i].payload.len, LOG_PAYLOAD_MAX);
        if (entries[i].partition >= PARTITIONS)
            return err_set(err, ERR_INVALID, "entry %zu names partition %u of %d", i,
                           (unsigned)entries[i].partition, PARTITIONS);
        *bytes += record_room(entries[i].payload.len);
    }
    if (*bytes > most)
        return err_set(err, ERR_INVALID, "an append takes %" PRIu64 " bytes, a segment %" PRIu64,
                       *bytes, most);
    return 0;
}

void log_seal_current(struct log *log)
{
    struct segment *segment = log->current;
    struct segment_seal seal;

    if (segment == NULL)
        return;
    segment_seal_init(&seal, segment->salt, segment->offset, log->run->next);
    memcpy(segment->map + SEGMENT_SEAL_AT, &seal, sizeof(seal));
    for (size_t p = 0; p < PARTITIONS; p++)
        segment->last[p] = log->run->next[p] - 1;
    segment->sealed = true;
    log->current = NULL;
}

/* Make the next spare the current segment. */
static bool begin_segment(struct log *log, int64_t now_ms)
{
    struct segment *segment = segment_queue_pop(&log->spares);
    struct segment_header header;

    if (segment == NULL)
        return false;
    segment_header_init(&header, segment->sequence, segment->bytes, &log->run->producer,
                        log->run->next, now_ms);
    segment->salt = segment_salt(&header);
    segment->begun_ms = now_ms;
    segment->offset = SEGMENT_DATA_AT;
    segment->run = log->run;
    log->run->segments++;
    memcpy(segment->map, &header, sizeof(header));
    log_seal_current(log);
    segment_queue_push(&log->segments, segment);
    log->current = segment;
    (void)pthread_cond_signal(&log->wake);
    return true;
}

static bool has_room(const struct segment *segment, uint64_t bytes)
{
    return segment != NULL && segment->bytes - SEGMENT_SLACK - segment->offset >= bytes;
}

static void copy_records(struct log *log, const struct log_entry *entries, size_t count,
                         int64_t now_ms)
{
    struct segment *segment = log->current;
    char *first = segment->map + segment->offset;
    uint32_t first_length = 0;

    for (size_t i = 0; i < count; i++) {
        char *at = segment->map + segment->offset;
        struct record_head head = {.partition = entries[i].partition,
                                   .following = (uint16_t)(count - 1 - i),
                                   .number = log->run->next[entries[i].partition]++,
                                   .appended_ms = now_ms};

        record_put(at, segment->salt, segment->offset, &head, entries[i].payload);
        if (i > 0)
            record_publish(at, head.length);
        else
            first_length = head.length;
        segment->offset += record_room(entries[i].payload.len);
    }
    record_publish(first, first_length);
}

static int no_room(struct log *log, struct err *err)
{
    if (!log->wanted) {
        log->wanted = true;
        (void)pthread_cond_signal(&log->wake);
    }
    return err_set(err, ERR_FULL, "the event log has no room: %s",
                   log->prepare_failed_us != 0 ? log->shortage.text
                                               : "the next segment is not ready yet");
}

int log_append(struct log *log, const struct log_entry *entries, size_t count, uint64_t *ticket,
               struct err *err)
{
    uint64_t bytes;
    int rc = measure(log, entries, count, &bytes, err);

    if (rc != 0)
        return rc;

    int64_t now_ms = clock_wall_ms();

    (void)pthread_mutex_lock(&log->lock);
    if (count > 0) {
        if (has_room(log->current, bytes) || begin_segment(log, now_ms)) {
            copy_records(log, entries, count, now_ms);
            log->appended++;
        } else {
            rc = no_room(log, err);
        }
    }
    if (ticket != NULL)
        *ticket = log->appended;
    (void)pthread_mutex_unlock(&log->lock);
    return rc;
}

/* -- durability -- */

void log_when_durable(struct log *log, uint64_t ticket, void (*done)(void *ctx, int code),
                      void *ctx)
{
    int code = 0;

    (void)pthread_mutex_lock(&log->lock);
    bool known = ticket <= log->durable;
    if (known) {
        code = ticket > log->failed_from && ticket <= log->failed_to ? ERR_SYSTEM : 0;
    } else {
        struct waiter *waiter = log_alloc(sizeof(*waiter));

        *waiter = (struct waiter){log->waiters, ticket, done, ctx};
        if (log->waiters == NULL && log->always)
            (void)pthread_cond_signal(&log->wake);
        log->waiters = waiter;
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (known)
        done(ctx, code);
}

/* -- releasing -- */

static bool all_released(const struct segment *segment)
{
    for (size_t p = 0; p < PARTITIONS; p++) {
        if (segment->last[p] > segment->run->released[p])
            return false;
    }
    return segment->sealed;
}

static void take_positions(struct log *log, const struct position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (struct run *run = log->run; run != NULL; run = run->older) {
            uint16_t p = positions[i].partition;

            if (p < PARTITIONS &&
                memcmp(&run->producer, &positions[i].producer, sizeof(run->producer)) == 0)
                run->released[p] = positions[i].number;
        }
    }
}

/* A log with little to take would fill a segment in days or never, and not forget what is in it as
 * long: one that holds something older than is to be kept ends here, also while the last of it is
 * not committed, since something never is where events keep coming. Where no other segment is
 * ready, what room there is stays of use. */
static void seal_old(struct log *log, int64_t now_ms)
{
    const struct segment *segment = log->current;
    int64_t most = log->keep_ms > LOG_SEGMENT_MS_MIN ? log->keep_ms : LOG_SEGMENT_MS_MIN;

    if (segment != NULL && log->spares.count > 0 && now_ms - segment->begun_ms >= most)
        log_seal_current(log);
}

void log_release(struct log *log, const struct position *positions, size_t count, int64_t now_ms)
{
    bool wake = false;

    (void)pthread_mutex_lock(&log->lock);
    take_positions(log, positions, count);
    seal_old(log, now_ms);
    for (struct segment *s = log->segments.head; s != NULL; s = s->next) {
        if (s->released && !all_released(s))
            s->released = s->expired = false;
        if (!s->released && all_released(s)) {
            s->released = true;
            s->released_ms = now_ms;
            /* Its room may be what the next segment waits for. */
            log->prepare_failed_us = 0;
            wake = true;
        }
        if (s->released && !s->expired &&
            (s->forgotten || now_ms - s->released_ms >= log->keep_ms)) {
            s->expired = true;
            wake = true;
        }
    }
    if (wake)
        (void)pthread_cond_signal(&log->wake);
    (void)pthread_mutex_unlock(&log->lock);
}

/* -- looking -- */

struct producer log_producer(struct log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    struct producer producer = log->run->producer;
    (void)pthread_mutex_unlock(&log->lock);
    return producer;
}

struct log_usage log_usage(struct log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    struct log_usage usage = {
        .bytes = log->bytes,
        .max_bytes = log->max_bytes,
        .segments = log->segments.count + log->spares.count,
        .writable = log->spares.count > 0 || has_room(log->current, ORDINARY_APPEND),
    };
    (void)pthread_mutex_unlock(&log->lock);
    return usage;
}

void log_mark(struct log *log, struct log_mark *out)
{
    (void)pthread_mutex_lock(&log->lock);
    out->producer = log->run->producer;
    for (size_t p = 0; p < PARTITIONS; p++)
        out->last[p] = log->run->next[p] - 1;
    (void)pthread_mutex_unlock(&log->lock);
}

/* Runs behind the mark's are older, those before it newer. What is forgotten was released. */
bool log_is_released(struct log *log, const struct log_mark *mark)
{
    bool reached = false, released = true;

    (void)pthread_mutex_lock(&log->lock);
    for (const struct run *run = log->run; run != NULL; run = run->older) {
        bool marked = memcmp(&run->producer, &mark->producer, sizeof(run->producer)) == 0;

        reached = reached || marked;
        for (size_t p = 0; reached && p < PARTITIONS; p++) {
            uint64_t last = marked ? mark->last[p] : run->next[p] - 1;

            released = released && (last < run->first[p] || last <= run->released[p]);
        }
    }
    (void)pthread_mutex_unlock(&log->lock);
    return released;
}

uint64_t log_pending(struct log *log)
{
    uint64_t pending = 0;

    (void)pthread_mutex_lock(&log->lock);
    for (const struct run *run = log->run; run != NULL; run = run->older) {
        for (size_t p = 0; p < PARTITIONS; p++) {
            uint64_t from = run->released[p] + 1;

            from = from > run->first[p] ? from : run->first[p];
            pending += run->next[p] > from ? run->next[p] - from : 0;
        }
    }
    (void)pthread_mutex_unlock(&log->lock);
    return pending;
}
