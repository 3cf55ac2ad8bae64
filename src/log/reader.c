/*
 * log/reader.c -- reading what is published, beside the one who writes. Why this needs no lock
 * stands in log.c.
 */
#include "log/log.h"
#include "log/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_reader {
    char *data_dir;
    int dirfd; /* -1 until there is a log */
    struct position *committed;
    size_t committed_count;
    uint64_t sequence; /* of the segment being read, or of the last one done with */
    bool open;
    struct segment_file file;
    struct cursor cursor;
    struct position lost[PARTITIONS]; /* where the damaged segment ends */
    size_t lost_count;
};

static char *copy_text(struct str s)
{
    char *text = log_alloc(s.len + 1);

    if (s.len > 0)
        memcpy(text, s.ptr, s.len);
    return text;
}

static int open_in(const char *data_dir, const char *name, int flags)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", data_dir, name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CLOEXEC);
}

/* -- committed positions -- */

/* The committed numbers of one producer, 0 where there are none. */
static void committed_of(const struct position *committed, size_t count,
                         const struct producer *producer, uint64_t out[PARTITIONS])
{
    memset(out, 0, PARTITIONS * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        const struct position *at = &committed[i];

        if (at->partition < PARTITIONS && at->number > out[at->partition] &&
            memcmp(&at->producer, producer, sizeof(*producer)) == 0)
            out[at->partition] = at->number;
    }
}

/* How many records of a sealed segment lie behind `done`. */
static uint64_t count_behind(const struct segment_file *file, const uint64_t *done)
{
    uint64_t records = 0;

    for (size_t p = 0; p < PARTITIONS; p++) {
        uint64_t first = file->header.first[p] > done[p] ? file->header.first[p] : done[p] + 1;

        records += file->seal.next[p] > first ? file->seal.next[p] - first : 0;
    }
    return records;
}

/* -- from segment to segment -- */

static int open_directory(struct log_reader *reader, struct err *err)
{
    if (reader->dirfd >= 0)
        return 1;
    reader->dirfd = open_in(reader->data_dir, "log", O_RDONLY | O_DIRECTORY);
    if (reader->dirfd >= 0)
        return 1;
    if (errno == ENOENT)
        return 0;
    return err_set(err, ERR_SYSTEM, "opening the event log in %s: %s", reader->data_dir,
                   strerror(errno));
}

/* 1: the reader stands at the beginning of the segment; 0: it is not in use yet; ERR_NOTFOUND: it
 * is gone, or all of it is committed. */
static int enter(struct log_reader *reader, uint64_t sequence, struct err *err)
{
    uint64_t done[PARTITIONS];
    int rc = segment_file_open(reader->dirfd, sequence, O_RDONLY, &reader->file, err);

    if (rc != 0)
        return rc;
    if (reader->file.state != HEADER_GOOD) {
        segment_file_close(&reader->file);
        return 0;
    }
    committed_of(reader->committed, reader->committed_count, &reader->file.header.producer, done);
    if (reader->file.sealed && count_behind(&reader->file, done) == 0) {
        segment_file_close(&reader->file);
        reader->sequence = sequence;
        return err_set(err, ERR_NOTFOUND, "all of the segment is committed");
    }
    struct cursor start = segment_file_cursor(&reader->file);

    cursor_move(&reader->cursor, &start);
    reader->sequence = sequence;
    reader->open = true;
    return 1;
}

static void leave(struct log_reader *reader)
{
    segment_file_close(&reader->file);
    reader->open = false;
}

/* Enter the next segment there is: 1, 0 if there is none yet, or negative. */
static int advance(struct log_reader *reader, struct err *err)
{
    struct sequence_list list;
    int rc = open_directory(reader, err);

    if (rc <= 0)
        return rc;
    rc = sequence_list_read(reader->dirfd, &list, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        if (list.items[i] <= reader->sequence)
            continue;
        rc = enter(reader, list.items[i], err);
        if (rc == 0)
            break;
        if (rc == ERR_NOTFOUND)
            rc = 0;
    }
    sequence_list_release(&list);
    return rc;
}

/* -- a record that fails its check -- */

static bool lock_is_held(const char *data_dir)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_in(data_dir, "log.lock", O_RDONLY);

    if (fd < 0)
        return false;
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}

/* No segment of another producer follows the one being read. */
static bool producer_is_newest(const struct log_reader *reader)
{
    struct sequence_list list;
    struct err ignored;
    bool newest = true;

    if (sequence_list_read(reader->dirfd, &list, &ignored) != 0)
        return true;
    for (size_t i = 0; newest && i < list.count; i++) {
        struct segment_file file;

        if (list.items[i] <= reader->sequence ||
            segment_file_open(reader->dirfd, list.items[i], O_RDONLY, &file, &ignored) != 0)
            continue;
        newest = file.state != HEADER_GOOD ||
                 memcmp(&file.header.producer, &reader->file.header.producer,
                        sizeof(file.header.producer)) == 0;
        segment_file_close(&file);
    }
    sequence_list_release(&list);
    return newest;
}

static int say_bad(const struct log_reader *reader, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "the event log has a record that fails its check, in segment %016" PRIx64
                   " at byte %" PRIu64,
                   reader->sequence, reader->cursor.offset);
}

/* 0 while the record may still be on its way. */
static int bad_record(const struct log_reader *reader, struct err *err)
{
    if (lock_is_held(reader->data_dir) && producer_is_newest(reader))
        return 0;
    return say_bad(reader, err);
}

/* Everything in a sealed segment was published: what cannot be read in it now never will be, and
 * nothing tells where the next record behind it begins. The seal tells with which numbers the
 * segment ends. */
static int give_up(struct log_reader *reader, struct err *err)
{
    int rc = say_bad(reader, err);

    reader->lost_count = 0;
    for (size_t p = 0; p < PARTITIONS; p++)
        if (reader->file.seal.next[p] > reader->file.header.first[p])
            reader->lost[reader->lost_count++] = (struct position){
                reader->file.header.producer, (uint16_t)p, reader->file.seal.next[p] - 1};
    leave(reader);
    return rc;
}

size_t log_reader_lost(const struct log_reader *reader, const struct position **out)
{
    *out = reader->lost;
    return reader->lost_count;
}

/* -- reading -- */

int log_reader_open(struct str data_dir, const struct position *committed, size_t count,
                    struct log_reader **out, struct err *err)
{
    struct log_reader *reader = log_alloc(sizeof(*reader));

    *out = NULL;
    reader->data_dir = copy_text(data_dir);
    reader->dirfd = -1;
    if (count > 0) {
        reader->committed = log_alloc(count * sizeof(*committed));
        memcpy(reader->committed, committed, count * sizeof(*committed));
        reader->committed_count = count;
    }

    int rc = open_directory(reader, err);

    if (rc < 0)
        log_reader_close(&reader);
    *out = reader;
    return rc < 0 ? rc : 0;
}

void log_reader_close(struct log_reader **reader)
{
    struct log_reader *r = *reader;

    if (r == NULL)
        return;
    *reader = NULL;
    if (r->open)
        leave(r);
    cursor_release(&r->cursor);
    if (r->dirfd >= 0)
        (void)close(r->dirfd);
    free(r->committed);
    free(r->data_dir);
    free(r);
}

/* The next record of the open segment: 1; 0 none yet; ERR_NOTFOUND when the segment has no more. */
static int next_here(struct log_reader *reader, struct cursor_record *record, struct err *err)
{
    int rc = cursor_next(&reader->cursor, record, err);

    if (rc < 0 || rc == CURSOR_RECORD)
        return rc;

    int refreshed = segment_file_refresh(&reader->file, err);

    if (refreshed != 0)
        return refreshed;
    if (!reader->file.sealed)
        return rc == CURSOR_NONE ? 0 : bad_record(reader, err);
    if (reader->cursor.offset >= reader->file.seal.end)
        return err_set(err, ERR_NOTFOUND, "the segment has no more records");
    /* It came between the two looks, or is lost. */
    rc = cursor_next(&reader->cursor, record, err);
    if (rc < 0 || rc == CURSOR_RECORD)
        return rc;
    return give_up(reader, err);
}

int log_reader_next(struct log_reader *reader, struct log_record *out, struct err *err)
{
    for (;;) {
        struct cursor_record record;
        int rc = reader->open ? 1 : advance(reader, err);

        reader->lost_count = 0;
        if (rc <= 0)
            return rc;
        rc = next_here(reader, &record, err);
        if (rc == ERR_NOTFOUND) {
            leave(reader);
            continue;
        }
        if (rc == 1) {
            out->position = (struct position){.producer = reader->file.header.producer,
                                              .partition = record.head.partition,
                                              .number = record.head.number};
            out->payload = record.payload;
        }
        return rc;
    }
}

void log_reader_trim(struct log_reader *reader)
{
    cursor_trim(&reader->cursor);
}

/* -- backlog -- */

/* Read the segment for what lies behind `done`; only for the first one, if `first_only`. */
static int scan_behind(const struct segment_file *file, const uint64_t *done, bool first_only,
                       struct log_backlog *out, struct err *err)
{
    struct cursor cursor = segment_file_cursor(file);
    struct cursor_record record;
    int rc;

    while ((rc = cursor_next(&cursor, &record, err)) == CURSOR_RECORD) {
        if (record.head.number > done[record.head.partition]) {
            if (out->oldest_ms == 0)
                out->oldest_ms = record.head.appended_ms;
            if (first_only)
                break;
            out->records++;
        }
        cursor_trim(&cursor);
    }
    cursor_release(&cursor);
    return rc < 0 ? rc : 0;
}

static int add_segment(struct segment_file *file, const struct position *committed, size_t count,
                       struct log_backlog *out, struct err *err)
{
    uint64_t done[PARTITIONS];

    if (file->state != HEADER_GOOD)
        return 0;
    committed_of(committed, count, &file->header.producer, done);
    if (!file->sealed)
        return scan_behind(file, done, false, out, err);

    uint64_t records = count_behind(file, done);

    out->records += records;
    if (records == 0 || out->oldest_ms != 0)
        return 0;
    return scan_behind(file, done, true, out, err);
}

/* Call fn for each segment of the log. */
static int each_segment(struct str data_dir,
                        int (*fn)(void *ctx, struct segment_file *file, struct err *err), void *ctx,
                        struct err *err)
{
    struct sequence_list list = {0};
    struct log_reader *reader;
    int rc = log_reader_open(data_dir, NULL, 0, &reader, err);

    if (rc == 0 && reader->dirfd >= 0)
        rc = sequence_list_read(reader->dirfd, &list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        struct segment_file file;

        rc = segment_file_open(reader->dirfd, list.items[i], O_RDONLY, &file, err);
        if (rc == 0) {
            rc = fn(ctx, &file, err);
            segment_file_close(&file);
        }
        /* It was removed meanwhile. */
        rc = rc == ERR_NOTFOUND ? 0 : rc;
    }
    sequence_list_release(&list);
    log_reader_close(&reader);
    return rc;
}

struct counting {
    const struct position *committed;
    size_t count;
    struct log_backlog *out;
};

static int count_segment(void *ctx, struct segment_file *file, struct err *err)
{
    struct counting *counting = ctx;

    return add_segment(file, counting->committed, counting->count, counting->out, err);
}

int log_backlog(struct str data_dir, const struct position *committed, size_t count,
                struct log_backlog *out, struct err *err)
{
    struct counting counting = {committed, count, out};

    *out = (struct log_backlog){0};
    return each_segment(data_dir, count_segment, &counting, err);
}

struct listing {
    struct arena *arena;
    struct producer *producers;
    size_t count, cap;
};

static int list_segment(void *ctx, struct segment_file *file, struct err *err)
{
    struct listing *list = ctx;
    const struct producer *producer = &file->header.producer;

    (void)err;
    if (file->state != HEADER_GOOD)
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(&list->producers[i], producer, sizeof(*producer)) == 0)
            return 0;
    if (list->count == list->cap) {
        struct producer *old = list->producers;

        list->cap = list->cap == 0 ? 16 : list->cap * 2;
        list->producers = ARENA_NEW(list->arena, struct producer, list->cap);
        if (list->count > 0)
            memcpy(list->producers, old, list->count * sizeof(*old));
    }
    list->producers[list->count++] = *producer;
    return 0;
}

int log_producers(struct str data_dir, struct arena *arena, struct producer **out, size_t *count,
                  struct err *err)
{
    struct listing list = {.arena = arena};
    int rc = each_segment(data_dir, list_segment, &list, err);

    *out = list.producers;
    *count = list.count;
    return rc;
}
