/*
 * log/cursor.h -- walks the records of one segment file.
 *
 * Reads with pread, not through a mapping: a file that is cut or removed while it is read then
 * gives a short read instead of a SIGBUS, and a bad sector an error. Linux keeps pread and shared
 * mappings of a file coherent, and what a read catches half written fails its checksum and is read
 * again.
 */
#ifndef ABACUS_LOG_CURSOR_H
#define ABACUS_LOG_CURSOR_H

#include "base/err.h"
#include "log/format.h"

struct chunk;

/* Zero-initialise but for fd, salt, limit and offset; the fd is the caller's. */
struct cursor {
    int fd;
    uint64_t salt;
    uint64_t limit;       /* no record reaches beyond this offset */
    uint64_t offset;      /* of the next record */
    struct chunk *chunks; /* what was read, the newest first */
};

struct cursor_record {
    uint64_t offset;
    struct record_head head;
    struct str payload; /* lives until cursor_trim() or cursor_release() */
};

enum cursor_result {
    CURSOR_NONE = 0,   /* nothing published here */
    CURSOR_RECORD = 1, /* *out is the next record, and the cursor stands behind it */
    CURSOR_BAD = 2,    /* something is here that is no good record */
};

/* One of the above, or ERR_SYSTEM. After anything but a record the same place is read afresh next
 * time. */
int cursor_next(struct cursor *cursor, struct cursor_record *out, struct err *err);

/* Go on at `to`, in another segment; payloads given so far live on. */
void cursor_move(struct cursor *cursor, const struct cursor *to);

/* The payloads given so far are no longer used. */
void cursor_trim(struct cursor *cursor);
void cursor_release(struct cursor *cursor);

#endif
