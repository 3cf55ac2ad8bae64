#include "base/buf.h"

#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *buf_reserve(struct buf *buf, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 4)
        abort();
    if (need > buf->cap) {
        size_t cap = buf->cap < 64 ? 64 : buf->cap;

        while (cap < need)
            cap *= 2;

        buf->ptr = must(realloc(buf->ptr, cap));
        buf->cap = cap;
    }
    return buf->ptr + buf->len;
}

void buf_add(struct buf *buf, struct str s)
{
    if (s.len == 0)
        return;
    memcpy(buf_reserve(buf, s.len), s.ptr, s.len);
    buf->len += s.len;
}

void buf_addc(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->len++;
}

void buf_add_u64(struct buf *buf, uint64_t n)
{
    char digits[20];
    size_t first = sizeof(digits);

    do
        digits[--first] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    buf_add(buf, (struct str){digits + first, sizeof(digits) - first});
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (need < 0)
        abort();
    char *at = buf_reserve(buf, (size_t)need + 1);

    va_start(ap, fmt);
    (void)vsnprintf(at, (size_t)need + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)need;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->ptr == NULL ? "" : buf->ptr, buf->len};
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
}

void buf_release(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}
