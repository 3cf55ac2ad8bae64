/*
 * base/buf.h -- growing text.
 *
 * Zero-initialise, add, read through buf_str(), buf_release(). Out of memory ends the process;
 * every size is bounded by the caller.
 */
#ifndef ABACUS_BASE_BUF_H
#define ABACUS_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *ptr;
    size_t len, cap;
};

/* Make room for `more` bytes; return where they go. Whoever writes there adds to len. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, struct str s);
void buf_addc(struct buf *buf, char c);
void buf_add_u64(struct buf *buf, uint64_t n); /* in decimal */
void buf_addf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));

/* Borrowed until the next change. */
struct str buf_str(const struct buf *buf);

/* Empty it and keep the memory. */
void buf_reset(struct buf *buf);
void buf_release(struct buf *buf);

#endif
