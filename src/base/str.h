/*
 * base/str.h -- borrowed byte slices.
 *
 * A `struct str` never owns its bytes and is passed by value.  It may contain NUL and need not end
 * with one.  Whoever keeps a slice beyond the call copies it with arena_str().
 */
#ifndef ABACUS_BASE_STR_H
#define ABACUS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

/* A slice over a string literal, computed at compile time. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})

/* The same as the initialiser of a table's row, where a compound literal may not stand. */
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

/* printf("%.*s", STR_FMT(s)) prints at most INT_MAX bytes of the slice. */
#define STR_FMT(s) (int)(s).len, (s).ptr

/* A slice over a C string; NULL gives the empty slice. */
static inline struct str str_from(const char *s)
{
    return (struct str){s == NULL ? "" : s, s == NULL ? 0 : strlen(s)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* Bytes [from, to) of `s`; both are clamped to its length. */
static inline struct str str_slice(struct str s, size_t from, size_t to)
{
    to = to < s.len ? to : s.len;
    from = from < to ? from : to;
    return (struct str){s.ptr + from, to - from};
}

/* The position of the first `c` at or after `from`, or s.len. */
size_t str_find(struct str s, size_t from, char c);

/* Bytewise order: negative, 0 or positive; a prefix comes first. */
int str_cmp(struct str a, struct str b);

/* Equal but for the case of ASCII letters. */
bool str_ieq(struct str a, struct str b);
/* Whether `part` stands somewhere in `s`, ASCII letters' case aside; an empty one does. */
bool str_icontains(struct str s, struct str part);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* The next piece of *rest before `separator`; *rest moves behind it. False when *rest was
 * NULL-pointered, that is, after the last piece. An empty text has one empty piece. */
bool str_next(struct str *rest, char separator, struct str *piece);

/* A decimal integer and nothing else ("-12", "7"); false on anything else or overflow. */
bool str_to_i64(struct str s, int64_t *out);

/* [A-Za-z0-9_-]{1,64}: what site, tenant and token ids are made of. */
bool str_is_id(struct str s);

#endif
