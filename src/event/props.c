/*
 * event/props.c -- an event's properties, one by one.
 *
 * They come from the parser, as base/json.h writes them, or from a store: SQLite keeps that text,
 * and PostgreSQL's jsonb gives it back in another order, with spaces, and with its numbers as plain
 * decimals. Read here without a general parser, because a breakdown by a property walks over every
 * event of a day; and numbers are made plain, so that a value is one value whichever way it came.
 *
 * A number's digits after the point are kept, since jsonb keeps them: 1.50 is not 1.5, 1.50e1 is
 * 15.0. Zero has no sign. A number that would be longer than NUMBER_MAX bytes stays as it is
 * written: no double needs so many.
 */
#include "event/event_internal.h"
#include "event/mask_internal.h"

enum { NUMBER_MAX = 512 };

/* -- numbers -- */

/* A number's parts: -12.50e3 is negative, "12", "50" and 3. */
struct number {
    bool negative;
    struct str whole, fraction;
    int64_t exponent;
};

static bool split_number(struct str s, struct number *out)
{
    struct str mantissa = text_until(s, "eE");
    struct str exponent = str_slice(s, mantissa.len + 1, s.len);

    out->negative = mantissa.len > 0 && mantissa.ptr[0] == '-';
    mantissa = str_slice(mantissa, out->negative, mantissa.len);
    out->whole = text_until(mantissa, ".");
    out->fraction = str_slice(mantissa, out->whole.len + 1, mantissa.len);
    if (exponent.len > 0 && exponent.ptr[0] == '+')
        exponent = str_slice(exponent, 1, exponent.len);
    out->exponent = 0;
    return exponent.len == 0 || str_to_i64(exponent, &out->exponent);
}

/* The digit that stands `place` places left of the point; right of it where that is negative. */
static char digit_at(const struct number *n, int64_t place)
{
    int64_t at = (int64_t)n->whole.len - 1 - (place - n->exponent);

    if (at < 0)
        return '0';
    if ((size_t)at < n->whole.len)
        return n->whole.ptr[at];
    at -= (int64_t)n->whole.len;
    if ((size_t)at < n->fraction.len)
        return n->fraction.ptr[at];
    return '0';
}

static struct str write_number(const struct number *n, int64_t highest, int64_t lowest,
                               struct arena *arena)
{
    char *out = arena_bytes(arena, (size_t)(highest - lowest) + 3);
    size_t len = 0;
    bool zero = true;

    out[len++] = '-';
    for (int64_t place = highest; place >= lowest; place--) {
        if (place == -1)
            out[len++] = '.';
        out[len] = digit_at(n, place);
        zero = zero && out[len] == '0';
        len++;
    }
    bool sign = n->negative && !zero;

    return sign ? (struct str){out, len} : (struct str){out + 1, len - 1};
}

struct str number_plain(struct str s, struct arena *arena)
{
    struct number n;

    if (text_until(s, "eE").len == s.len && !str_starts(s, STR("-0")))
        return s;
    if (s.len > NUMBER_MAX || !split_number(s, &n) || n.exponent > NUMBER_MAX ||
        n.exponent < -NUMBER_MAX)
        return s;
    int64_t highest = (int64_t)n.whole.len - 1 + n.exponent;
    int64_t lowest = n.exponent - (int64_t)n.fraction.len;

    lowest = lowest < 0 ? lowest : 0;
    while (highest > 0 && digit_at(&n, highest) == '0')
        highest--;
    highest = highest > 0 ? highest : 0;
    return highest - lowest >= NUMBER_MAX ? s : write_number(&n, highest, lowest, arena);
}

/* -- texts -- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Pass over `c` and the space before it. */
static bool pass(struct str *rest, char c)
{
    while (rest->len > 0 && is_space(rest->ptr[0]))
        *rest = str_slice(*rest, 1, rest->len);
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = str_slice(*rest, 1, rest->len);
    return true;
}

/* The character of the "\u00XX" at `s`, or -1. Neither json.h nor jsonb escapes any above these. */
static int short_unicode(struct str s)
{
    if (s.len < 6 || s.ptr[2] != '0' || s.ptr[3] != '0')
        return -1;
    int high = hex_digit(s.ptr[4]), low = hex_digit(s.ptr[5]);

    return low < 0 || high < 0 || high > 7 ? -1 : high * 16 + low;
}

/* The character that the escape at the start of `s` stands for, and the escape's length; or -1. */
static int escaped_char(struct str s, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char characters[] = "\"\\/\b\f\n\r\t";

    *len = 2;
    if (s.len < 2)
        return -1;
    if (s.ptr[1] == 'u') {
        *len = 6;
        return short_unicode(s);
    }
    const char *letter = memchr(letters, s.ptr[1], sizeof(letters) - 1);

    return letter == NULL ? -1 : characters[letter - letters];
}

static bool unescape(struct str raw, struct arena *scratch, struct str *out)
{
    char *text = arena_bytes(scratch, raw.len);
    size_t len = 0;

    while (raw.len > 0) {
        size_t stop = str_find(raw, 0, '\\'), escape = 0;

        memcpy(text + len, raw.ptr, stop);
        len += stop;
        raw = str_slice(raw, stop, raw.len);
        if (raw.len == 0)
            break;
        int c = escaped_char(raw, &escape);

        if (c < 0)
            return false;
        text[len++] = (char)c;
        raw = str_slice(raw, escape, raw.len);
    }
    *out = (struct str){text, len};
    return true;
}

static bool take_text(struct str *rest, struct arena *scratch, struct str *out)
{
    bool escapes = false;
    size_t end = 0;

    if (!pass(rest, '"'))
        return false;
    while (end < rest->len && rest->ptr[end] != '"') {
        escapes = escapes || rest->ptr[end] == '\\';
        end += rest->ptr[end] == '\\' ? 2 : 1;
    }
    if (end >= rest->len)
        return false;
    *out = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end + 1, rest->len);
    return !escapes || unescape(*out, scratch, out);
}

static bool take_value(struct str *rest, struct arena *scratch, struct str *out)
{
    while (rest->len > 0 && is_space(rest->ptr[0]))
        *rest = str_slice(*rest, 1, rest->len);
    if (rest->len > 0 && rest->ptr[0] == '"')
        return take_text(rest, scratch, out);
    *out = text_until(*rest, ",} \t\n\r");
    *rest = str_slice(*rest, out->len, rest->len);
    if (out->len > 0 && (out->ptr[0] == '-' || sort_of(out->ptr[0]) == SORT_DIGIT))
        *out = number_plain(*out, scratch);
    return out->len > 0;
}

int props_each(struct str props, struct arena *scratch,
               int (*fn)(void *ctx, struct str name, struct str value), void *ctx)
{
    struct str rest = props, name, value;
    int rc = 0;

    if (!pass(&rest, '{'))
        return 0;
    while (rc == 0 && take_text(&rest, scratch, &name) && pass(&rest, ':') &&
           take_value(&rest, scratch, &value)) {
        rc = fn(ctx, name, value);
        if (!pass(&rest, ','))
            break;
    }
    return rc;
}
