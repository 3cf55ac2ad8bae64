/*
 * fuzz_log.c -- arbitrary bytes as the segments of a log: reading, recovery, reading again.
 *
 * The first byte says how the rest becomes a log: bit 0, it is the whole file, or what stands
 * behind a good header; bit 1, the checksums of its records are made good, so that what they
 * protect is reached; bit 2, it is cut into two segments of one producer. Whatever it is, after
 * recovery all of it must read without an error, with gapless numbers, and recovery must find
 * nothing more to do.
 */
#include "log/log.h"
#include "log/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

static int quick_allocate(int fd, uint64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno;
}

static const struct log_io QUICK = {no_sync, quick_allocate};
static const struct producer PRODUCER = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "fuzz_log: %s\n", what);
        abort();
    }
}

/* Walk the bytes as records and make the checksum of each good. */
static void repair(char *bytes, size_t size, uint64_t salt)
{
    for (size_t at = 0; size - at >= RECORD_HEAD;) {
        struct record_head head;

        memcpy(&head, bytes + at, sizeof(head));
        head.length = RECORD_HEAD + head.length % 256;
        if (record_room(head.length - RECORD_HEAD) > size - at)
            return;
        head.partition %= PARTITIONS;
        head.number = 1 + head.number % 8;
        struct str payload = {bytes + at + RECORD_HEAD, head.length - RECORD_HEAD};
        char *copy = malloc(payload.len + 1);
        memcpy(copy, payload.ptr, payload.len);
        record_put(bytes + at, salt, SEGMENT_DATA_AT + at, &head, (struct str){copy, payload.len});
        record_publish(bytes + at, head.length);
        free(copy);
        at += record_room(payload.len);
    }
}

static void write_segment(int dirfd, uint64_t sequence, const uint8_t *data, size_t size,
                          uint8_t mode)
{
    char name[SEGMENT_NAME];
    char *bytes = malloc(SEGMENT_DATA_AT + size);
    uint64_t first[PARTITIONS];
    struct segment_header header;

    for (size_t p = 0; p < PARTITIONS; p++)
        first[p] = 1;
    segment_header_init(&header, sequence, LOG_SEGMENT_MIN, &PRODUCER, first, 1);
    memset(bytes, 0, SEGMENT_DATA_AT);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + SEGMENT_DATA_AT, data, size);
    if (mode & 2)
        repair(bytes + SEGMENT_DATA_AT, size, segment_salt(&header));

    segment_name(sequence, name);
    int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    size_t skip = mode & 1 ? SEGMENT_DATA_AT : 0;
    must(fd >= 0 && pwrite(fd, bytes + skip, SEGMENT_DATA_AT + size - skip, 0) >= 0, "writing");
    (void)close(fd);
    free(bytes);
}

/* Returns how reading ended. */
static int read_all(const char *dir, bool recovered)
{
    struct log_reader *reader;
    struct log_record record;
    struct log_backlog backlog;
    uint64_t next[PARTITIONS] = {0};
    uint64_t count = 0;
    struct err err;
    int rc;

    must(log_reader_open(str_from(dir), NULL, 0, &reader, &err) == 0, "opening the reader");
    while ((rc = log_reader_next(reader, &record, &err)) == 1) {
        uint64_t *last = &next[record.position.partition];

        if (recovered && *last != 0)
            must(record.position.number == *last + 1, "a gap after recovery");
        *last = record.position.number;
        count++;
        /* Touch what is given. */
        for (size_t i = 0; i < record.payload.len; i++)
            count += (uint64_t)(record.payload.ptr[i] == '\0') << 32;
        if (count % 3 == 0)
            log_reader_trim(reader);
    }
    log_reader_close(&reader);
    must(log_backlog(str_from(dir), NULL, 0, &backlog, &err) <= 0, "counting");
    if (recovered)
        must(rc == 0 && backlog.records == (count & UINT32_MAX), "recovery left something bad");
    return rc;
}

static uint64_t recover(const char *dir)
{
    struct log_config config = {.data_dir = str_from(dir), .segment_bytes = LOG_SEGMENT_MIN};
    struct log *log;
    struct err err;
    int rc = log_open_with(&config, &QUICK, &log, &err);

    /* A newer version's log is refused. */
    if (rc == ERR_INVALID)
        return UINT64_MAX;
    must(rc == 0, err.text);
    uint64_t pending = log_pending(log);
    log_close(&log);
    return pending;
}

static void remove_segments(int dirfd)
{
    struct sequence_list list;
    struct err err;

    must(sequence_list_read(dirfd, &list, &err) == 0, "listing");
    for (size_t i = 0; i < list.count; i++) {
        char name[SEGMENT_NAME];
        segment_name(list.items[i], name);
        (void)unlinkat(dirfd, name, 0);
    }
    sequence_list_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[64], path[sizeof(dir) + 16];

    if (size < 2 || size > LOG_SEGMENT_MIN / 2)
        return 0;
    /* Memory is quicker than a disk. */
    (void)snprintf(dir, sizeof(dir), "%s/abacus-fuzz-log-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(dir) != NULL, "no directory");
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    must(mkdir(path, 0700) == 0, "no directory");
    int dirfd = open(path, O_RDONLY | O_DIRECTORY);

    size_t half = data[0] & 4 ? (size - 1) / 2 : size - 1;
    write_segment(dirfd, 1, data + 1, half, data[0]);
    if (data[0] & 4)
        write_segment(dirfd, 2, data + 1 + half, size - 1 - half, data[0]);

    (void)read_all(dir, false);
    uint64_t pending = recover(dir);
    if (pending != UINT64_MAX) {
        (void)read_all(dir, true);
        must(recover(dir) == pending, "recovery is not done after the first time");
    }

    remove_segments(dirfd);
    (void)close(dirfd);
    (void)rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/log.lock", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}
