/*
 * store/postgres_copy.h -- rows in COPY's binary format.
 *
 * A header, then for each row the number of its fields and each field's length and bytes (-1:
 * NULL), all integers big-endian, then -1 (PostgreSQL, "COPY", Binary Format). Whoever writes a row
 * has reserved its room before: `at` only moves on.
 */
#ifndef ABACUS_STORE_POSTGRES_COPY_H
#define ABACUS_STORE_POSTGRES_COPY_H

#include "store/postgres_internal.h"

#include <endian.h>

enum { COPY_BYTES = 8 * 1024 * 1024 }; /* of one COPY; a batch may be several */

static inline char *put_i16(char *at, int16_t n)
{
    uint16_t bytes = htobe16((uint16_t)n);

    memcpy(at, &bytes, sizeof(bytes));
    return at + sizeof(bytes);
}

static inline char *put_i32(char *at, int32_t n)
{
    uint32_t bytes = htobe32((uint32_t)n);

    memcpy(at, &bytes, sizeof(bytes));
    return at + sizeof(bytes);
}

static inline char *put_field_i32(char *at, int32_t n)
{
    return put_i32(put_i32(at, sizeof(n)), n);
}

static inline char *put_field_i64(char *at, int64_t n)
{
    uint64_t bytes = htobe64((uint64_t)n);

    at = put_i32(at, sizeof(bytes));
    memcpy(at, &bytes, sizeof(bytes));
    return at + sizeof(bytes);
}

static inline char *put_null(char *at)
{
    return put_i32(at, -1);
}

static inline char *put_field_text(char *at, struct str s)
{
    at = put_i32(at, (int32_t)s.len);
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static inline char *put_optional(char *at, struct str s)
{
    return s.len == 0 ? put_null(at) : put_field_text(at, s);
}

static inline void copy_begin(struct buf *buf)
{
    /* The signature, no flags, no extension. */
    static const char head[] = "PGCOPY\n\377\r\n\0"
                               "\0\0\0\0"
                               "\0\0\0\0";

    buf_reset(buf);
    buf_add(buf, (struct str){head, sizeof(head) - 1});
}

static inline int copy_end(struct pg_store *store, const char *sql, struct buf *buf,
                           struct err *err)
{
    char *end = buf_reserve(buf, sizeof(int16_t));

    (void)put_i16(end, -1);
    buf->len += sizeof(int16_t);
    return pg_copy(store, sql, buf_str(buf), err);
}

#endif
