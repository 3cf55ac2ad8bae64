/* base/json_out.c -- writing JSON. What is written is valid whatever it is given. */
#include "base/json.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static void separate(struct json_out *out)
{
    if (out->comma)
        buf_addc(out->buf, ',');
    out->comma = true;
}

void json_open(struct json_out *out, char bracket)
{
    separate(out);
    buf_addc(out->buf, bracket);
    out->comma = false;
}

void json_close(struct json_out *out, char bracket)
{
    buf_addc(out->buf, bracket);
    out->comma = true;
}

/* The letter behind the backslash of a short escape, or 0. */
static char short_escape(unsigned char c)
{
    static const char letters[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                   ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    return (char)(c < sizeof(letters) ? letters[c] : 0);
}

/* The end of the run of bytes from `at` that need no change. */
static size_t plain_until(struct str s, size_t at)
{
    while (at < s.len) {
        unsigned char c = (unsigned char)s.ptr[at];
        unsigned len = c < 0x80 ? 1 : utf8_char(s, at);

        if (c < 0x20 || c == '"' || c == '\\' || len == 0)
            break;
        at += len;
    }
    return at;
}

static void add_quoted(struct buf *buf, struct str s)
{
    buf_addc(buf, '"');
    for (size_t at = 0; at < s.len; at++) {
        size_t end = plain_until(s, at);

        buf_add(buf, str_slice(s, at, end));
        at = end;
        if (at == s.len)
            break;
        unsigned char c = (unsigned char)s.ptr[at];

        if (short_escape(c) != 0) {
            buf_addc(buf, '\\');
            buf_addc(buf, short_escape(c));
        } else if (c < 0x20) {
            buf_addf(buf, "\\u%04x", c);
        } else {
            buf_add(buf, STR("\xef\xbf\xbd"));
        }
    }
    buf_addc(buf, '"');
}

void json_name(struct json_out *out, struct str name)
{
    separate(out);
    add_quoted(out->buf, name);
    buf_addc(out->buf, ':');
    out->comma = false;
}

void json_str(struct json_out *out, struct str s)
{
    separate(out);
    add_quoted(out->buf, s);
}

void json_i64(struct json_out *out, int64_t n)
{
    separate(out);
    if (n < 0)
        buf_addc(out->buf, '-');
    buf_add_u64(out->buf, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

/* Add `ten_thousandths` / 10000, which is below 1, as ".25", or nothing for 0. */
static void add_fraction(struct buf *buf, unsigned ten_thousandths)
{
    if (ten_thousandths > 0)
        buf_addc(buf, '.');
    for (unsigned unit = 1000; ten_thousandths > 0; unit /= 10) {
        buf_addc(buf, (char)('0' + ten_thousandths / unit));
        ten_thousandths %= unit;
    }
}

/* Multiplying the whole number keeps decimal ties ties (0.01875 * 10000 is 187.5, though 0.01875
 * itself is a little less in binary), so what calculates with decimals agrees. From 1e11 on that
 * product would have too few bits; there a double has at most 16 binary places, and its fraction
 * alone is multiplied exactly. */
void json_rate(struct json_out *out, double x)
{
    double magnitude = fabs(x), whole, scaled;

    separate(out);
    if (!isfinite(x)) {
        buf_add(out->buf, STR("null"));
        return;
    }
    if (magnitude < 1e11) {
        scaled = round(magnitude * 10000);
        whole = floor(scaled / 10000);
        scaled -= whole * 10000;
    } else {
        whole = floor(magnitude);
        scaled = round((magnitude - whole) * 10000);
    }
    if (scaled >= 10000) {
        whole += 1;
        scaled -= 10000;
    }
    if (x < 0 && (whole > 0 || scaled > 0))
        buf_addc(out->buf, '-');
    if (whole < 1e15)
        buf_add_u64(out->buf, (uint64_t)whole);
    else
        buf_addf(out->buf, "%.0f", whole);
    add_fraction(out->buf, (unsigned)scaled);
}

void json_bool(struct json_out *out, bool b)
{
    json_raw(out, b ? STR("true") : STR("false"));
}

void json_null(struct json_out *out)
{
    json_raw(out, STR("null"));
}

void json_raw(struct json_out *out, struct str text)
{
    separate(out);
    buf_add(out->buf, text);
}

static void put_array(struct json_out *out, const struct json *v)
{
    json_open(out, '[');
    for (size_t i = 0; i < v->count; i++)
        json_value(out, &v->items[i]);
    json_close(out, ']');
}

static void put_object(struct json_out *out, const struct json *v)
{
    json_open(out, '{');
    for (size_t i = 0; i < v->count; i++) {
        json_name(out, v->members[i].name);
        json_value(out, &v->members[i].value);
    }
    json_close(out, '}');
}

void json_value(struct json_out *out, const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        json_null(out);
        return;
    case JSON_BOOL:
        json_bool(out, v->boolean);
        return;
    case JSON_NUMBER:
        json_raw(out, v->text);
        return;
    case JSON_STRING:
        json_str(out, v->text);
        return;
    case JSON_ARRAY:
        put_array(out, v);
        return;
    case JSON_OBJECT:
        put_object(out, v);
        return;
    }
    abort();
}
