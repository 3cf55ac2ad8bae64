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

/* -- from segment to segment -- */

static int open_directory(struct log_reader *reader, struct err *err)
{
    if (reader->dirfd >= 0)
        return 1;
    reader->dirfd = log_open_in(str_from(reader->data_dir), "log", O_RDONLY | O_DIRECTORY);
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
    segment_file_committed(&reader->file, reader->committed, reader->committed_count, done);
    if (reader->file.sealed && segment_file_behind(&reader->file, done) == 0) {
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

bool log_is_held(struct str data_dir)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = log_open_in(data_dir, "log.lock", O_RDONLY);

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
    if (log_is_held(str_from(reader->data_dir)) && producer_is_newest(reader))
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
