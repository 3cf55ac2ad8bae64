/* event/text.c -- small cuts of text. */
#include "event/event_internal.h"

struct str text_cut(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    /* A byte 10xxxxxx goes on with the character before it. */
    while (max > 0 && ((unsigned char)s.ptr[max] & 0xC0) == 0x80)
        max--;
    return str_slice(s, 0, max);
}

struct str text_until(struct str s, const char *stops)
{
    for (; *stops != '\0'; stops++)
        s = str_slice(s, 0, str_find(s, 0, *stops));
    return s;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

void text_lower_to(struct str s, char *out)
{
    for (size_t i = 0; i < s.len; i++)
        out[i] = (char)(is_upper(s.ptr[i]) ? s.ptr[i] + ('a' - 'A') : s.ptr[i]);
}

struct str text_lower(struct str s, struct arena *arena)
{
    size_t first = 0;

    while (first < s.len && !is_upper(s.ptr[first]))
        first++;
    if (first == s.len)
        return s;

    char *out = arena_bytes(arena, s.len);

    text_lower_to(s, out);
    return (struct str){out, s.len};
}
