/*
 * log/segment.h -- segment files: found, made, mapped, sealed, settled. One struct segment_file is
 * a reader's view of a file; one struct segment the holder's.
 */
#ifndef ABACUS_LOG_SEGMENT_H
#define ABACUS_LOG_SEGMENT_H

#include "base/err.h"
#include "log/cursor.h"
#include "log/format.h"

/* What may fail of its own accord, so that tests can make it fail. */
struct log_io {
    int (*sync)(int fd);                     /* as fdatasync */
    int (*allocate)(int fd, uint64_t bytes); /* as posix_fallocate: 0 or an errno */
};
extern const struct log_io log_io_system;

/* Zeroed, or the process ends. */
void *log_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* Open a file or directory in the data directory, as open(2). */
int log_open_in(struct str data_dir, const char *name, int flags);

/* The sequence numbers of the segments in a directory, ascending. */
struct sequence_list {
    uint64_t *items;
    size_t count;
};
int sequence_list_read(int dirfd, struct sequence_list *out, struct err *err);
void sequence_list_release(struct sequence_list *list);

enum { SEGMENT_NAME = 24 };
void segment_name(uint64_t sequence, char out[SEGMENT_NAME]);

/* A segment as it is on disk. */
struct segment_file {
    int fd;
    uint64_t sequence, size;
    enum header_state state;
    struct segment_header header; /* the rest only counts if state is HEADER_GOOD */
    uint64_t salt;
    bool sealed;
    struct segment_seal seal;
};

/* Open and read the front. ERR_NOTFOUND: it is gone; ERR_SYSTEM. `flags` as for open(2). */
int segment_file_open(int dirfd, uint64_t sequence, int flags, struct segment_file *out,
                      struct err *err);
/* Look for the seal again. */
int segment_file_refresh(struct segment_file *file, struct err *err);
void segment_file_close(struct segment_file *file);
/* A cursor at its first record. */
struct cursor segment_file_cursor(const struct segment_file *file);
/* All of it that counts is known to be on the disk: see log.c. */
bool segment_file_settled(const struct segment_file *file);
/* The committed numbers of its producer, 0 where there are none. */
void segment_file_committed(const struct segment_file *file, const struct position *committed,
                            size_t count, uint64_t out[PARTITIONS]);
/* How many of its records lie behind `done`; only of a sealed one. */
uint64_t segment_file_behind(const struct segment_file *file, const uint64_t *done);
/* Write the seal, so that a reader that has the file open goes on to the next. */
int segment_file_seal(struct segment_file *file, uint64_t end, const uint64_t *next,
                      struct err *err);

/* Preallocate, make durable and map a new segment. ERR_FULL: no room on the disk; ERR_SYSTEM. */
int segment_make(int dirfd, const struct log_io *io, uint64_t sequence, uint64_t bytes, int *fd,
                 char **map, struct err *err);

#endif
