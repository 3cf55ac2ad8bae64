#include "base/utf8.h"

#include <assert.h>

/* What may follow a leading byte: how many bytes, and the bounds of the first of them. The bounds
 * of all others are 80..BF. */
struct lead {
    uint8_t from, to; /* leading bytes this row is about */
    uint8_t len;
    uint8_t low, high;
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

unsigned utf8_char(struct str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    size_t left = s.len - at;

    assert(at < s.len);
    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        const struct lead *lead = &leads[i];

        if (p[0] < lead->from || p[0] > lead->to)
            continue;
        if (left < lead->len || p[1] < lead->low || p[1] > lead->high)
            return 0;
        for (unsigned k = 2; k < lead->len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return lead->len;
    }
    return 0;
}

/* Most text is ASCII: eight bytes of it at a time. */
static bool is_ascii(const char *eight)
{
    uint64_t bytes;

    memcpy(&bytes, eight, sizeof(bytes));
    return (bytes & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_valid(struct str s)
{
    for (size_t at = 0; at < s.len;) {
        if (s.len - at >= 8 && is_ascii(s.ptr + at)) {
            at += 8;
            continue;
        }
        unsigned len = utf8_char(s, at);

        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
