/* test_log_support.h -- a directory of its own for each test, and records that say what they should
 * be. */
#ifndef ABACUS_TEST_LOG_SUPPORT_H
#define ABACUS_TEST_LOG_SUPPORT_H

#include "log/log.h"
#include "log/log_internal.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* What a record takes beside its payload, and a segment beside its records (log.h). */
enum { HEAD = 32, SEGMENT_OVERHEAD = 520, SMALL = LOG_SEGMENT_MIN };

struct fixture {
    char dir[256];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

UNUSED static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(f->dir, sizeof(f->dir), "%s/abacus-log-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(f->dir) == NULL)
        return -1;
    *state = f;
    return 0;
}

UNUSED static int teardown(void **state)
{
    struct fixture *f = *state;

    (void)nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

UNUSED static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Disk that is always quick, where flushing is not what is tested. */
static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

static int quick_allocate(int fd, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno;
}

UNUSED static const struct log_io QUICK = {no_sync, quick_allocate};

UNUSED static struct log_config small_config(const struct fixture *f)
{
    return (struct log_config){.data_dir = str_from(f->dir), .segment_bytes = SMALL};
}

UNUSED static struct log *open_log(const struct log_config *config)
{
    struct log *log;
    struct err err = {""};
    int rc = log_open_with(config, &QUICK, &log, &err);

    if (rc != 0)
        fail_msg("log_open: %d %s", rc, err.text);
    return log;
}

/* The payload of the record with `number` in `partition`: these two, then a pattern. */
UNUSED static void make_payload(char *out, size_t len, uint16_t partition, uint64_t number)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + (number * 7 + partition * UINT64_C(3) + i) % 26);
    if (len >= 16) {
        uint64_t words[2] = {partition, number};
        memcpy(out, words, 16);
    }
}

/* Append one, waiting for the next segment if it is not ready yet. */
UNUSED static void append_one(struct log *log, uint16_t partition, uint64_t number, size_t len)
{
    char *payload = malloc(len + 1);
    struct log_entry entry = {partition, {payload, len}};
    struct err err = {""};
    int rc;

    make_payload(payload, len, partition, number);
    for (int tries = 0; (rc = log_append(log, &entry, 1, NULL, &err)) == ERR_FULL && tries < 2000;
         tries++)
        pause_ms(5);
    if (rc != 0)
        fail_msg("log_append: %d %s", rc, err.text);
    free(payload);
}

UNUSED static bool payload_is(struct str payload, size_t len, uint16_t partition, uint64_t number)
{
    char *expected = malloc(len + 1);

    make_payload(expected, len, partition, number);
    bool same = payload.len == len && memcmp(payload.ptr, expected, len) == 0;
    free(expected);
    return same;
}

UNUSED static struct log_reader *open_reader(const struct fixture *f)
{
    struct log_reader *reader;
    struct err err = {""};

    assert_int_equal(log_reader_open(str_from(f->dir), NULL, 0, &reader, &err), 0);
    return reader;
}

/* How many records there are to read; all must be numbered without gaps from 1 in each producer's
 * partition and hold make_payload(). *code is what ended the reading. */
UNUSED static size_t read_all(const struct fixture *f, size_t len, int *code)
{
    struct log_reader *reader = open_reader(f);
    uint64_t next[PARTITIONS] = {0};
    struct producer producer = {{0}};
    struct log_record record;
    struct err err = {""};
    size_t count = 0;

    while ((*code = log_reader_next(reader, &record, &err)) == 1) {
        uint16_t p = record.position.partition;

        if (memcmp(&producer, &record.position.producer, sizeof(producer)) != 0) {
            producer = record.position.producer;
            memset(next, 0, sizeof(next));
        }
        assert_int_equal(record.position.number, ++next[p]);
        assert_true(payload_is(record.payload, len, p, next[p]));
        count++;
        log_reader_trim(reader);
    }
    log_reader_close(&reader);
    return count;
}

/* The names of the segments, ascending. */
UNUSED static struct sequence_list list_segments(const struct fixture *f)
{
    char path[300];
    struct sequence_list list;
    struct err err;

    (void)snprintf(path, sizeof(path), "%s/log", f->dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(sequence_list_read(fd, &list, &err), 0);
    (void)close(fd);
    return list;
}

UNUSED static size_t count_segments(const struct fixture *f)
{
    struct sequence_list list = list_segments(f);
    size_t count = list.count;

    sequence_list_release(&list);
    return count;
}

UNUSED static void segment_path(const struct fixture *f, uint64_t sequence, char out[320])
{
    char name[SEGMENT_NAME];

    segment_name(sequence, name);
    (void)snprintf(out, 320, "%s/log/%s", f->dir, name);
}

/* The file of the n-th segment (from 0). */
UNUSED static int open_segment(const struct fixture *f, size_t n)
{
    struct sequence_list list = list_segments(f);
    char path[320];

    assert_true(n < list.count);
    segment_path(f, list.items[n], path);
    sequence_list_release(&list);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    return fd;
}

UNUSED static off_t size_of(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    return st.st_size;
}

/* Give every segment the look it has when its process was killed: as long as preallocated, no seal.
 */
UNUSED static void unsettle(const struct fixture *f, uint64_t segment_bytes)
{
    static const char zero[SEGMENT_DATA_AT - SEGMENT_SEAL_AT];

    for (size_t i = 0; i < count_segments(f); i++) {
        int fd = open_segment(f, i);

        assert_int_equal(ftruncate(fd, (off_t)segment_bytes), 0);
        assert_int_equal(pwrite(fd, zero, sizeof(zero), SEGMENT_SEAL_AT), sizeof(zero));
        (void)close(fd);
    }
}

#endif
