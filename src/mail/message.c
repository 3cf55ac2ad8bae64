/*
 * message.c -- a mail as RFC 5322 has it: headers, an empty line, plain text.
 *
 * The text is UTF-8 in quoted-printable (RFC 2045, 6.7), which leaves what is ASCII readable and
 * keeps every line below 77 bytes. A subject that is not short, plain ASCII becomes encoded words
 * (RFC 2047). Nothing that comes from outside enters a header without either a check or an
 * encoding, so that it cannot begin another one.
 */
#include "mail/mail_internal.h"

#include "base/date.h"
#include "base/utf8.h"

#include <sodium.h>

enum {
    LOCAL_MAX = 64,     /* RFC 5321, 4.5.3.1.1 */
    LINE_BYTES = 76,    /* RFC 2045, 6.7 (5) and RFC 2047, 2 */
    PLAIN_MAX = 66,     /* "Subject: " and this fit a line */
    WORD_BYTES = 39,    /* of the subject in one encoded word: 64 bytes with what surrounds it */
    WORD_TEXT = 52 + 1, /* in base64 */
};

/* -- addresses ------------------------------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Pieces between dots, none of them empty, made of letters, digits and `others`. */
static bool is_dotted(struct str s, struct str others)
{
    struct str piece;

    while (str_next(&s, '.', &piece)) {
        if (piece.len == 0)
            return false;
        for (size_t i = 0; i < piece.len; i++)
            if (!is_alnum(piece.ptr[i]) && str_find(others, 0, piece.ptr[i]) == others.len)
                return false;
    }
    return true;
}

bool mail_address_check(struct str address)
{
    size_t at = str_find(address, 0, '@');

    return address.len <= MAIL_ADDRESS_MAX && at < address.len && at <= LOCAL_MAX &&
           is_dotted(str_slice(address, 0, at), STR("!#$%&'*+-/=?^_`{|}~")) &&
           is_dotted(str_slice(address, at + 1, address.len), STR("-"));
}

/* -- headers --------------------------------------------------------------------------------- */

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Nothing that a reader takes for an encoded word. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > '~' ||
            (s.ptr[i] == '=' && i + 1 < s.len && s.ptr[i + 1] == '?'))
            return false;
    return s.len <= PLAIN_MAX && str_eq(s, str_trim(s));
}

/* How many bytes from `at` on are whole characters and fit one word. */
static size_t word_length(struct str s, size_t at)
{
    size_t end = at;

    while (end < s.len && end + utf8_char(s, end) - at <= WORD_BYTES)
        end += utf8_char(s, end);
    return end - at;
}

static void add_subject(struct buf *out, struct str subject)
{
    char word[WORD_TEXT];

    buf_add(out, STR("Subject: "));
    if (is_plain(subject))
        buf_add(out, subject);
    else
        for (size_t at = 0, length; at < subject.len; at += length) {
            length = word_length(subject, at);
            (void)sodium_bin2base64(word, sizeof(word), (const unsigned char *)subject.ptr + at,
                                    length, sodium_base64_VARIANT_ORIGINAL);
            buf_addf(out, "%s=?utf-8?B?%s?=", at > 0 ? "\r\n " : "", word);
        }
    buf_add(out, STR("\r\n"));
}

/* "Sun, 22 Nov 2026 10:05:00 +0000" (RFC 5322, 3.3); names of days and months are English. */
static void add_date(struct buf *out, int64_t now_ms)
{
    static const char days[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int32_t date = (int32_t)(now_ms / DAY_MS);
    int64_t ms = now_ms % DAY_MS;
    struct civil civil = date_to_civil(date);

    buf_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[date_weekday(date)],
             civil.day, months[civil.month - 1], civil.year, (int)(ms / HOUR_MS),
             (int)(ms % HOUR_MS / MINUTE_MS), (int)(ms % MINUTE_MS / 1000));
}

static void add_headers(struct buf *out, const struct mail_parts *parts)
{
    struct str from = parts->from;
    struct str host = str_slice(from, str_find(from, 0, '@') + 1, from.len);

    add_date(out, parts->now_ms);
    buf_addf(out, "Message-ID: <%.*s@%.*s>\r\n", STR_FMT(parts->id), STR_FMT(host));
    buf_addf(out, "From: %.*s\r\nTo: %.*s\r\n", STR_FMT(from), STR_FMT(parts->to));
    add_subject(out, parts->subject);
    /* No answering machine answers (RFC 3834). */
    buf_add(out, STR("Auto-Submitted: auto-generated\r\n"
                     "MIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n"
                     "\r\n"));
}

/* -- the text -------------------------------------------------------------------------------- */

/* One byte of the text, or the three that stand for it, stay on one line; a line that would be too
 * long goes on behind a soft break. */
static void add_unit(struct buf *out, size_t *column, struct str unit)
{
    if (*column + unit.len > LINE_BYTES - 1) {
        buf_add(out, STR("=\r\n"));
        *column = 0;
    }
    buf_add(out, unit);
    *column += unit.len;
}

/* A space at the end of a line is lost on the way. */
static bool goes_as_it_is(struct str line, size_t i)
{
    char c = line.ptr[i];

    return (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && i + 1 < line.len);
}

static void add_line(struct buf *out, struct str line)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t column = 0;

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        const char coded[3] = {'=', digits[c >> 4], digits[c & 15]};

        add_unit(out, &column,
                 goes_as_it_is(line, i) ? str_slice(line, i, i + 1) : (struct str){coded, 3});
    }
    buf_add(out, STR("\r\n"));
}

/* Lines end in LF or CRLF; the last may lack it. */
static void add_text(struct buf *out, struct str text)
{
    struct str line;

    if (str_ends(text, STR("\n")))
        text.len--;
    while (str_next(&text, '\n', &line))
        add_line(out, str_ends(line, STR("\r")) ? str_slice(line, 0, line.len - 1) : line);
}

/* -- all of it ------------------------------------------------------------------------------- */

int mail_message(const struct mail_parts *parts, struct buf *out, struct err *err)
{
    struct str subject = parts->subject, text = parts->text;

    if (subject.len == 0 || subject.len > MAIL_SUBJECT_MAX)
        return err_set(err, ERR_INVALID, "a subject has 1 to %d bytes", MAIL_SUBJECT_MAX);
    if (has_control(subject) || !utf8_valid(subject))
        return err_set(err, ERR_INVALID, "a subject is one line of UTF-8");
    if (text.len > MAIL_TEXT_MAX)
        return err_set(err, ERR_INVALID, "a mail has at most %d bytes", MAIL_TEXT_MAX);
    if (!utf8_valid(text) || str_find(text, 0, '\0') != text.len)
        return err_set(err, ERR_INVALID, "a mail is UTF-8 without U+0000");
    add_headers(out, parts);
    add_text(out, text);
    return 0;
}
