/*
 * access/email.c -- e-mail addresses as names of people.
 *
 * An address is compared bytewise, so each has one form: ASCII letters in lower case, and nothing
 * in it that cannot be seen. What only stands in quoted local parts is refused with them; nobody
 * has such an address, and a header or a log line could be broken with it.
 */
#include "access/caller.h"

#include "base/utf8.h"

enum { EMAIL_MAX = 254, EMAIL_LOCAL_MAX = 64 }; /* RFC 5321, 4.5.3.1 and its erratum 1690 */

/* Signs that only stand in quotes or end an address in a header, and so are in none that is used.
 */
static bool is_plain(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f && strchr("\"(),:;<>[\\]", c) == NULL;
}

/* Blanks, controls and marks of direction beyond ASCII: two addresses that differ by one of them
 * look the same. */
static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x80, 0xa0},     {0xad, 0xad},     {0x61c, 0x61c},   {0x1680, 0x1680}, {0x180e, 0x180e},
        {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000}, {0xfeff, 0xfeff},
    };

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return true;
    return false;
}

/* The code point at `at`, which is well-formed. */
static uint32_t code_point(struct str s, size_t at, unsigned len)
{
    uint32_t c = (unsigned char)s.ptr[at];

    c &= len == 1 ? 0x7f : 0xffU >> (len + 1);
    for (unsigned i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)s.ptr[at + i] & 0x3f);
    return c;
}

static bool email_signs(struct str text)
{
    for (size_t at = 0; at < text.len;) {
        unsigned len = utf8_char(text, at);

        if (len == 0 || (len == 1 && !is_plain(text.ptr[at])) ||
            (len > 1 && is_hidden(code_point(text, at, len))))
            return false;
        at += len;
    }
    return true;
}

/* Pieces between dots, none of them empty; of a domain none begins or ends with a hyphen. */
static bool dotted(struct str text, bool domain)
{
    struct str rest = text, piece;

    while (str_next(&rest, '.', &piece))
        if (piece.len == 0 ||
            (domain && (piece.len > 63 || piece.ptr[0] == '-' || piece.ptr[piece.len - 1] == '-')))
            return false;
    return true;
}

int email_normalise(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    struct str email = str_slice(text, 0, EMAIL_MAX + 1);
    size_t at = str_find(email, 0, '@');
    struct str local = str_slice(email, 0, at), domain = str_slice(email, at + 1, email.len);

    if (email.len == 0 || email.len > EMAIL_MAX || at == email.len || local.len > EMAIL_LOCAL_MAX ||
        str_find(domain, 0, '@') != domain.len || !email_signs(email) || !dotted(local, false) ||
        !dotted(domain, true))
        return err_set(err, ERR_INVALID, "that is no e-mail address");
    char *lower = arena_bytes(arena, email.len + 1);

    for (size_t i = 0; i < email.len; i++)
        lower[i] = (char)(email.ptr[i] >= 'A' && email.ptr[i] <= 'Z' ? email.ptr[i] - 'A' + 'a'
                                                                     : email.ptr[i]);
    lower[email.len] = '\0';
    *out = (struct str){lower, email.len};
    return 0;
}
