/* event/mask_internal.h -- what the files that look for personal data share. */
#ifndef ABACUS_EVENT_MASK_INTERNAL_H
#define ABACUS_EVENT_MASK_INTERNAL_H

#include "event/event_internal.h"

/* Bytes [begin, end) of a text. */
struct span {
    size_t begin, end;
};

/* The first one that begins at or after `from`; each file's head says what it takes for one. */
bool find_email(struct str s, size_t from, struct span *out);
bool find_token(struct str s, size_t from, struct span *out);

enum sort {
    SORT_OTHER,
    SORT_LOWER,
    SORT_UPPER,
    SORT_DIGIT,
    SORT_JOINT, /* dash and underscore */
};

static inline enum sort sort_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return SORT_LOWER;
    if (c >= 'A' && c <= 'Z')
        return SORT_UPPER;
    if (c >= '0' && c <= '9')
        return SORT_DIGIT;
    return c == '-' || c == '_' ? SORT_JOINT : SORT_OTHER;
}

static inline bool is_letter(char c)
{
    return sort_of(c) == SORT_LOWER || sort_of(c) == SORT_UPPER;
}

static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XY" at `i` stands for, or -1. */
static inline int escaped_at(struct str s, size_t i)
{
    if (s.len - i < 3 || s.ptr[i] != '%')
        return -1;
    int high = hex_digit(s.ptr[i + 1]), low = hex_digit(s.ptr[i + 2]);

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

#endif
