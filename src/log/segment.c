#include "log/segment.h"

#include "base/must.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_sync(int fd)
{
    int rc;

    do
        rc = fdatasync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static int system_allocate(int fd, uint64_t bytes)
{
    int rc;

    do
        rc = posix_fallocate(fd, 0, (off_t)bytes);
    while (rc == EINTR);
    return rc;
}

const struct log_io log_io_system = {.sync = system_sync, .allocate = system_allocate};

void *log_alloc(size_t size)
{
    return must(calloc(1, size));
}

/* -- names -- */

int log_open_in(struct str data_dir, const char *name, int flags)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%.*s/%s", STR_FMT(data_dir), name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CLOEXEC);
}

void segment_name(uint64_t sequence, char out[SEGMENT_NAME])
{
    (void)snprintf(out, SEGMENT_NAME, "%016" PRIx64 ".seg", sequence);
}

static bool parse_name(const char *name, uint64_t *sequence)
{
    char again[SEGMENT_NAME];
    char *end;

    *sequence = strtoull(name, &end, 16);
    segment_name(*sequence, again);
    return *sequence > 0 && strcmp(name, again) == 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void list_add(struct sequence_list *list, size_t *cap, uint64_t sequence)
{
    if (list->count == *cap) {
        *cap = *cap == 0 ? 64 : *cap * 2;
        list->items = must(reallocarray(list->items, *cap, sizeof(*list->items)));
    }
    list->items[list->count++] = sequence;
}

int sequence_list_read(int dirfd, struct sequence_list *out, struct err *err)
{
    size_t cap = 0;
    struct dirent *entry;
    /* A descriptor of its own: the place in a directory belongs to the open file. */
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    *out = (struct sequence_list){0};
    if (dir == NULL) {
        int saved = errno;
        if (fd >= 0)
            (void)close(fd);
        return err_set(err, ERR_SYSTEM, "listing the event log: %s", strerror(saved));
    }
    while ((entry = readdir(dir)) != NULL) {
        uint64_t sequence;

        if (parse_name(entry->d_name, &sequence))
            list_add(out, &cap, sequence);
    }
    (void)closedir(dir);
    if (out->count > 0)
        qsort(out->items, out->count, sizeof(*out->items), by_number);
    return 0;
}

void sequence_list_release(struct sequence_list *list)
{
    free(list->items);
    *list = (struct sequence_list){0};
}

/* -- as a file -- */

/* Up to `size` bytes at `at`; what lies behind the end of the file is zero. */
static int read_front(int fd, void *out, size_t size, off_t at, struct err *err)
{
    size_t got = 0;

    memset(out, 0, size);
    while (got < size) {
        ssize_t n = pread(fd, (char *)out + got, size - got, at + (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_SYSTEM, "reading the event log: %s", strerror(errno));
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return 0;
}

int segment_file_refresh(struct segment_file *file, struct err *err)
{
    int rc = read_front(file->fd, &file->seal, sizeof(file->seal), SEGMENT_SEAL_AT, err);

    file->sealed = rc == 0 && segment_seal_check(&file->seal, file->salt);
    return rc;
}

static int read_file(struct segment_file *file, struct err *err)
{
    struct stat st;

    if (fstat(file->fd, &st) != 0)
        return err_set(err, ERR_SYSTEM, "reading the event log: %s", strerror(errno));
    file->size = (uint64_t)st.st_size;

    int rc = read_front(file->fd, &file->header, sizeof(file->header), 0, err);

    if (rc != 0)
        return rc;
    file->state = segment_header_check(&file->header, file->sequence);
    if (file->state != HEADER_GOOD)
        return 0;
    file->salt = segment_salt(&file->header);
    return segment_file_refresh(file, err);
}

int segment_file_open(int dirfd, uint64_t sequence, int flags, struct segment_file *out,
                      struct err *err)
{
    char name[SEGMENT_NAME];

    segment_name(sequence, name);
    *out = (struct segment_file){.sequence = sequence};
    out->fd = openat(dirfd, name, flags | O_CLOEXEC);
    if (out->fd < 0)
        return err_set(err, errno == ENOENT ? ERR_NOTFOUND : ERR_SYSTEM, "%s: %s", name,
                       strerror(errno));

    int rc = read_file(out, err);

    if (rc != 0)
        segment_file_close(out);
    return rc;
}

void segment_file_close(struct segment_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

struct cursor segment_file_cursor(const struct segment_file *file)
{
    uint64_t limit = file->header.bytes - SEGMENT_SLACK;

    return (struct cursor){
        .fd = file->fd, .salt = file->salt, .limit = limit, .offset = SEGMENT_DATA_AT};
}

bool segment_file_settled(const struct segment_file *file)
{
    return file->sealed && file->size == file->seal.end;
}

void segment_file_committed(const struct segment_file *file, const struct position *committed,
                            size_t count, uint64_t out[PARTITIONS])
{
    memset(out, 0, PARTITIONS * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        const struct position *at = &committed[i];

        if (at->partition < PARTITIONS && at->number > out[at->partition] &&
            memcmp(&at->producer, &file->header.producer, sizeof(at->producer)) == 0)
            out[at->partition] = at->number;
    }
}

uint64_t segment_file_behind(const struct segment_file *file, const uint64_t *done)
{
    uint64_t records = 0;

    for (size_t p = 0; p < PARTITIONS; p++) {
        uint64_t first = file->header.first[p] > done[p] ? file->header.first[p] : done[p] + 1;

        records += file->seal.next[p] > first ? file->seal.next[p] - first : 0;
    }
    return records;
}

int segment_file_seal(struct segment_file *file, uint64_t end, const uint64_t *next,
                      struct err *err)
{
    segment_seal_init(&file->seal, file->salt, end, next);
    if (pwrite(file->fd, &file->seal, sizeof(file->seal), SEGMENT_SEAL_AT) !=
        (ssize_t)sizeof(file->seal))
        return err_set(err, ERR_SYSTEM, "sealing a segment: %s", strerror(errno));
    file->sealed = true;
    return 0;
}

/* -- made -- */

static bool means_no_room(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

int segment_make(int dirfd, const struct log_io *io, uint64_t sequence, uint64_t bytes, int *fd,
                 char **map, struct err *err)
{
    char name[SEGMENT_NAME];
    const char *step = "creating";
    void *at = MAP_FAILED;
    int code;

    segment_name(sequence, name);
    *fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0) {
        code = errno;
        goto failed;
    }
    step = "preallocating";
    code = io->allocate(*fd, bytes);
    if (code != 0)
        goto failed_made;
    step = "mapping";
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (at == MAP_FAILED) {
        code = errno;
        goto failed_made;
    }
    step = "flushing";
    if (io->sync(*fd) != 0 || fsync(dirfd) != 0) {
        code = errno;
        goto failed_made;
    }
    *map = at;
    return 0;

failed_made:
    if (at != MAP_FAILED)
        (void)munmap(at, bytes);
    (void)close(*fd);
    (void)unlinkat(dirfd, name, 0);
failed:
    *fd = -1;
    return err_set(err, means_no_room(code) ? ERR_FULL : ERR_SYSTEM, "%s log segment %s: %s", step,
                   name, strerror(code));
}
