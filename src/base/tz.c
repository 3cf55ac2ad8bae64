/*
 * base/tz.c -- the table of one zone, and finding in it.
 *
 * A zone is a list of spans in ascending order, each with one offset from UTC; neighbours differ.
 * The footer's rule is written out to the year 2501, about 1,070 spans at most, so that finding is
 * one binary search and nothing else.
 *
 * Dates never go back. A span's `floor_day` is the latest date that the wall clock showed in any
 * span before it; within the span the date is the wall clock's, or floor_day where that is later.
 * floor_day therefore ascends too, and the beginning of a date is found by it.
 */
#include "base/tz.h"

#include "base/must.h"
#include "base/tz_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64, FILE_MAX_BYTES = 256 * 1024 };

struct span {
    int64_t start;
    int32_t offset;
    int32_t floor_day;
};

struct tz {
    size_t count;
    struct span spans[];
};

void tz_changes_add(struct tz_changes *changes, int64_t start, int32_t offset)
{
    if (changes->count > 0 && changes->at[changes->count - 1].start >= start)
        changes->count--;
    if (changes->count > 0 && changes->at[changes->count - 1].offset == offset)
        return;
    if (changes->count == changes->cap) {
        changes->cap = changes->cap == 0 ? 64 : changes->cap * 2;
        changes->at = must(realloc(changes->at, changes->cap * sizeof(*changes->at)));
    }
    changes->at[changes->count++] = (struct tz_change){start, offset};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct tz *build(const struct tz_changes *changes)
{
    struct tz *tz = must(malloc(sizeof(*tz) + changes->count * sizeof(tz->spans[0])));
    int32_t floor_day = INT32_MIN;

    tz->count = changes->count;
    for (size_t i = 0; i < changes->count; i++) {
        const struct tz_change *c = &changes->at[i];

        if (i > 0) {
            int64_t last_second = c->start - 1 + changes->at[i - 1].offset;
            int32_t last_day = (int32_t)floor_div(last_second, 86400);

            floor_day = last_day > floor_day ? last_day : floor_day;
        }
        tz->spans[i] = (struct span){c->start, c->offset, floor_day};
    }
    return tz;
}

int tz_parse(struct str bytes, struct tz **out, struct err *err)
{
    struct tz_changes changes = {0};
    int rc = tz_read_file(bytes, &changes, err);

    if (rc == 0)
        *out = build(&changes);
    free(changes.at);
    return rc;
}

void tz_free(struct tz **tz)
{
    free(*tz);
    *tz = NULL;
}

/* Names come from outside. Without a dot no part of one can be "..", and no zone has any. */
static bool is_name(struct str name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.ptr[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        struct str c = str_slice(name, i, i + 1);

        if (!str_is_id(c) && c.ptr[0] != '/' && c.ptr[0] != '+')
            return false;
    }
    return true;
}

/* Read to the end of the file or `cap` bytes; -1 when reading fails. */
static ssize_t read_all(int fd, char *at, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, at + len, cap - len);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -1;
        len += n < 0 ? 0 : (size_t)n;
    }
    return (ssize_t)len;
}

static int open_zone(struct str name, int *out, struct err *err)
{
    const char *dir = secure_getenv("TZDIR");
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%.*s",
                       dir == NULL || dir[0] == '\0' ? "/usr/share/zoneinfo" : dir, STR_FMT(name));

    if (len < 0 || (size_t)len >= sizeof(path))
        return err_set(err, ERR_SYSTEM, "time zone directory: name too long");
    *out = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*out >= 0)
        return 0;
    if (errno == ENOENT || errno == ENOTDIR)
        return err_set(err, ERR_INVALID, "no time zone \"%.*s\"", STR_FMT(name));
    return err_set(err, ERR_SYSTEM, "time zone \"%.*s\": %s", STR_FMT(name), strerror(errno));
}

int tz_load(struct str name, struct tz **out, struct err *err)
{
    int fd, rc;

    if (!is_name(name))
        return err_set(err, ERR_INVALID, "not the name of a time zone");
    rc = open_zone(name, &fd, err);
    if (rc < 0)
        return rc;
    char *bytes = must(malloc(FILE_MAX_BYTES));
    ssize_t len = read_all(fd, bytes, FILE_MAX_BYTES);

    if (len >= 0)
        rc = tz_parse((struct str){bytes, (size_t)len}, out, err);
    else if (errno == EISDIR)
        rc = err_set(err, ERR_INVALID, "no time zone \"%.*s\"", STR_FMT(name));
    else
        rc = err_set(err, ERR_SYSTEM, "time zone \"%.*s\": %s", STR_FMT(name), strerror(errno));
    free(bytes);
    (void)close(fd);
    return rc;
}

/* The span that `second` falls in. */
static const struct span *span_at(const struct tz *tz, int64_t second)
{
    const struct span *base = tz->spans;

    /* Halving without a branch that could be predicted wrongly; the first span begins before
     * everything. */
    for (size_t n = tz->count; n > 1;) {
        size_t half = n / 2;

        base = base[half].start <= second ? base + half : base;
        n -= half;
    }
    return base;
}

struct tz_local tz_at(const struct tz *tz, int64_t ms)
{
    int64_t second = floor_div(ms, 1000);
    const struct span *span = span_at(tz, second);
    int64_t wall = second + span->offset;
    int64_t day = floor_div(wall, 86400);
    int32_t second_of_day = (int32_t)(wall - day * 86400);
    int64_t hour = second - second_of_day % 3600;

    return (struct tz_local){
        .day = day < span->floor_day ? span->floor_day : (int32_t)day,
        .second_of_day = second_of_day,
        /* A date begins with a full hour of the wall clock or with a clock change. */
        .hour_ms = (hour < span->start ? span->start : hour) * 1000,
    };
}

int64_t tz_day_start(const struct tz *tz, int32_t day)
{
    size_t low = 0, high = tz->count - 1;

    /* The first span in which the date is reached: the next one's floor_day is not below it. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tz->spans[middle + 1].floor_day >= day)
            high = middle;
        else
            low = middle + 1;
    }
    const struct span *span = &tz->spans[low];
    int64_t midnight = (int64_t)day * 86400 - span->offset;

    return (midnight < span->start ? span->start : midnight) * 1000;
}
