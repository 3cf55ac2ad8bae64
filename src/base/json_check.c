/*
 * base/json_check.c -- one pass over the raw bytes of a JSON text, for what yajl lets through.
 *
 * A backslash outside a string is an error of grammar, which yajl finds; so every backslash may be
 * read as the beginning of an escape, two bytes at least, without knowing where strings begin.
 * Escapes that JSON does not have are yajl's to refuse as well.
 *
 * Most texts are plain ASCII without escapes: eight bytes at a time are passed over with a few
 * operations on one word.
 */
#include "base/json_check.h"

#include "base/utf8.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* True only if all eight bytes are 0x20..0x7f and none is a backslash. A borrow from one byte into
 * the next needs a byte that is a hit itself. */
static bool plain_word(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    uint64_t control = word - EACH_BYTE(0x20);
    uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return ((word | control | backslash) & EACH_BYTE(0x80)) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of the `\uXXXX` at `at`, or -1 if there is none. */
static int32_t unicode_escape(struct str text, size_t at)
{
    int32_t unit = 0;

    if (text.len - at < 6 || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = hex_digit(text.ptr[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Move *at behind the escape that begins there. */
static int pass_escape(struct str text, size_t *at, struct err *err)
{
    int32_t unit = unicode_escape(text, *at);

    if (unit < 0) {
        *at += *at + 1 < text.len && (unsigned char)text.ptr[*at + 1] < 0x80 ? 2 : 1;
        return 0;
    }
    if (unit == 0)
        return err_set(err, ERR_INVALID, "U+0000 at byte %zu", *at);
    if (unit < 0xd800 || unit > 0xdfff) {
        *at += 6;
        return 0;
    }
    int32_t low = unit < 0xdc00 ? unicode_escape(text, *at + 6) : -1;

    if (low < 0xdc00 || low > 0xdfff)
        return err_set(err, ERR_INVALID, "lone surrogate at byte %zu", *at);
    *at += 12;
    return 0;
}

static int pass_char(struct str text, size_t *at, struct err *err)
{
    unsigned char c = (unsigned char)text.ptr[*at];

    if (c == '\\')
        return pass_escape(text, at, err);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
        return err_set(err, ERR_INVALID, "control character at byte %zu", *at);
    unsigned len = utf8_char(text, *at);

    if (len == 0)
        return err_set(err, ERR_INVALID, "not UTF-8 at byte %zu", *at);
    *at += len;
    return 0;
}

int json_check(struct str text, struct err *err)
{
    size_t at = 0;

    while (at < text.len) {
        if (text.len - at >= 8 && plain_word(text.ptr + at)) {
            at += 8;
            continue;
        }
        int rc = pass_char(text, &at, err);

        if (rc < 0)
            return rc;
    }
    return 0;
}
