/*
 * log/survey.c -- what the log holds, from segment to segment, beside the one who writes: who wrote
 * it, how much lies behind what is committed, where it ends. Full segments are judged by their
 * headers and seals; only one without a seal is read.
 */
#include "log/log.h"
#include "log/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef int segment_fn(void *ctx, const struct segment_file *file, struct err *err);

static int each_of(int dirfd, const struct sequence_list *list, segment_fn *fn, void *ctx,
                   struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        struct segment_file file;

        rc = segment_file_open(dirfd, list->items[i], O_RDONLY, &file, err);
        if (rc == 0 && file.state == HEADER_GOOD)
            rc = fn(ctx, &file, err);
        segment_file_close(&file);
        if (rc == ERR_NOTFOUND) /* It was removed meanwhile. */
            rc = 0;
    }
    return rc;
}

/* Call fn for each segment that is in use, oldest first. */
static int each_segment(struct str data_dir, segment_fn *fn, void *ctx, struct err *err)
{
    struct sequence_list list;
    int dirfd = log_open_in(data_dir, "log", O_RDONLY | O_DIRECTORY);

    if (dirfd < 0 && errno == ENOENT)
        return 0;
    if (dirfd < 0)
        return err_set(err, ERR_SYSTEM, "opening the event log in %.*s: %s", STR_FMT(data_dir),
                       strerror(errno));

    int rc = sequence_list_read(dirfd, &list, err);

    if (rc == 0)
        rc = each_of(dirfd, &list, fn, ctx, err);
    sequence_list_release(&list);
    (void)close(dirfd);
    return rc;
}

/* -- backlog -- */

struct backlog {
    const struct position *committed;
    size_t count;
    struct log_backlog *out;
};

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

static int count_segment(void *ctx, const struct segment_file *file, struct err *err)
{
    struct backlog *backlog = ctx;
    uint64_t done[PARTITIONS];

    segment_file_committed(file, backlog->committed, backlog->count, done);
    if (!file->sealed)
        return scan_behind(file, done, false, backlog->out, err);

    uint64_t records = segment_file_behind(file, done);

    backlog->out->records += records;
    if (records == 0 || backlog->out->oldest_ms != 0)
        return 0;
    return scan_behind(file, done, true, backlog->out, err);
}

int log_backlog(struct str data_dir, const struct position *committed, size_t count,
                struct log_backlog *out, struct err *err)
{
    struct backlog backlog = {committed, count, out};

    *out = (struct log_backlog){0};
    return each_segment(data_dir, count_segment, &backlog, err);
}

/* -- producers and ends -- */

/* The producers, in the order in which they wrote, and where each one ends. */
struct survey {
    struct arena *arena;
    struct survey_producer {
        struct producer producer;
        uint64_t end[PARTITIONS]; /* 0: nothing of the partition is left */
    } * producers;
    size_t count, cap;
};

static struct survey_producer *find_or_add(struct survey *survey, const struct producer *producer)
{
    for (size_t i = 0; i < survey->count; i++)
        if (memcmp(&survey->producers[i].producer, producer, sizeof(*producer)) == 0)
            return &survey->producers[i];
    if (survey->count == survey->cap) {
        struct survey_producer *old = survey->producers;

        survey->cap = survey->cap == 0 ? 16 : survey->cap * 2;
        survey->producers = ARENA_NEW(survey->arena, struct survey_producer, survey->cap);
        if (survey->count > 0)
            memcpy(survey->producers, old, survey->count * sizeof(*old));
    }
    survey->producers[survey->count].producer = *producer;
    return &survey->producers[survey->count++];
}

static int note_producer(void *ctx, const struct segment_file *file, struct err *err)
{
    (void)err;
    (void)find_or_add(ctx, &file->header.producer);
    return 0;
}

int log_producers(struct str data_dir, struct arena *arena, struct producer **out, size_t *count,
                  struct err *err)
{
    struct survey survey = {.arena = arena};
    int rc = each_segment(data_dir, note_producer, &survey, err);

    *out = ARENA_NEW(arena, struct producer, survey.count);
    *count = survey.count;
    for (size_t i = 0; i < survey.count; i++)
        (*out)[i] = survey.producers[i].producer;
    return rc;
}

/* Up to the first record that is not good: recovery would cut the segment there. */
static int scan_ends(const struct segment_file *file, uint64_t *end, struct err *err)
{
    struct cursor cursor = segment_file_cursor(file);
    struct cursor_record record;
    int rc;

    while ((rc = cursor_next(&cursor, &record, err)) == CURSOR_RECORD) {
        end[record.head.partition] = record.head.number;
        cursor_trim(&cursor);
    }
    cursor_release(&cursor);
    return rc < 0 ? rc : 0;
}

static int note_ends(void *ctx, const struct segment_file *file, struct err *err)
{
    uint64_t *end = find_or_add(ctx, &file->header.producer)->end;

    if (!file->sealed)
        return scan_ends(file, end, err);
    for (size_t p = 0; p < PARTITIONS; p++)
        if (file->seal.next[p] > file->header.first[p])
            end[p] = file->seal.next[p] - 1;
    return 0;
}

int log_ends(struct str data_dir, struct arena *arena, struct position **out, size_t *count,
             struct err *err)
{
    struct survey survey = {.arena = arena};
    int rc = each_segment(data_dir, note_ends, &survey, err);

    *out = ARENA_NEW(arena, struct position, survey.count * PARTITIONS);
    *count = 0;
    for (size_t i = 0; i < survey.count; i++)
        for (size_t p = 0; p < PARTITIONS; p++)
            if (survey.producers[i].end[p] > 0)
                (*out)[(*count)++] = (struct position){survey.producers[i].producer, (uint16_t)p,
                                                       survey.producers[i].end[p]};
    return rc;
}
