/*
 * event/mask_token.c -- where a long token stands in a text: a secret, a session, an account.
 *
 * A token is looked for in a run of at least 24 of A-Z a-z 0-9 - _ that holds a letter and a digit
 * (percent-encoded bytes end a run; their digits belong to no run). The dashes and underscores cut
 * a run into words. A word is odd where it changes between letters and digits or from a lower-case
 * to an upper-case letter more often than words of people do:
 *
 *   - at least 3 times, and once in 4 bytes; or
 *   - in a word of 24 or more bytes, once in 8 bytes, or where a third of it is digits.
 *
 * Independent draws from 26 + 26 + 10 characters change 0.45 times a byte, hexadecimal digits 0.47
 * times; account numbers hardly ever, hence the digits. A UUID is odd whatever it holds.
 *
 * In a run that holds a long odd word or a UUID, or more bytes in odd words than in others,
 * everything from the first odd word to the last is masked (where that is at least 12 bytes), with
 * the words beside it that have any change: base64url is cut by its own dashes and leaves such
 * words. What is around it stays: "my-page-title-0123456789abcdef0123456789abcdef" keeps its title.
 *
 * A JSON web token (a run that begins with "eyJ", then "." and a run, once or twice) is masked
 * whole.
 */
#include "event/mask_internal.h"

enum { TOKEN_MIN = 24, TOKEN_SPAN_MIN = 12, UUID_BYTES = 36, JWT_HEADER_MIN = 8 };

enum word {
    WORD_PLAIN,
    WORD_MIXED, /* has a change, but is not odd */
    WORD_ODD,
    WORD_UUID,
};

static enum word word_of(struct str word)
{
    size_t changes = 0, digits = 0;
    bool odd;

    for (size_t i = 0; i < word.len; i++) {
        enum sort now = sort_of(word.ptr[i]);
        enum sort before = i > 0 ? sort_of(word.ptr[i - 1]) : now;

        digits += now == SORT_DIGIT;
        changes += (now == SORT_DIGIT) != (before == SORT_DIGIT) ||
                   (now == SORT_UPPER && before == SORT_LOWER);
    }
    if (word.len < TOKEN_MIN)
        odd = changes >= 3 && changes * 4 >= word.len;
    else
        odd = changes * 8 >= word.len || (digits * 3 >= word.len && digits < word.len);
    if (odd)
        return WORD_ODD;
    return changes > 0 ? WORD_MIXED : WORD_PLAIN;
}

static bool is_uuid(struct str s)
{
    if (s.len != UUID_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.ptr[i] != '-' : hex_digit(s.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* What the words of a run come to. */
struct verdict {
    size_t begin, end; /* what is to be masked */
    size_t row;        /* where the row of mixed words began that has come so far */
    bool in_row, open; /* in such a row; and after an odd word in it */
    size_t odd, plain; /* bytes in words */
    bool certain;      /* a UUID or a long odd word */
};

static void judge(struct verdict *v, size_t begin, size_t end, enum word word)
{
    bool odd = word == WORD_ODD || word == WORD_UUID;

    if (!v->in_row)
        v->row = begin;
    v->in_row = word == WORD_ODD || word == WORD_MIXED;
    *(odd ? &v->odd : &v->plain) += end - begin;
    if (odd && v->odd == end - begin)
        v->begin = word == WORD_UUID ? begin : v->row;
    v->open = word == WORD_ODD || (word == WORD_MIXED && v->open);
    if (odd || v->open)
        v->end = end;
    v->certain = v->certain || word == WORD_UUID || (odd && end - begin >= TOKEN_MIN);
}

static size_t word_end(struct str run, size_t from)
{
    while (from < run.len && sort_of(run.ptr[from]) != SORT_JOINT)
        from++;
    return from;
}

/* The part of a run that is a token; empty where none is. */
static struct span token_of(struct str run)
{
    struct verdict v = {0};

    for (size_t begin = 0; begin < run.len;) {
        size_t uuid_end = begin + UUID_BYTES;
        bool uuid = is_uuid(str_slice(run, begin, uuid_end)) &&
                    (uuid_end == run.len || sort_of(run.ptr[uuid_end]) == SORT_JOINT);
        size_t end = uuid ? uuid_end : word_end(run, begin);

        judge(&v, begin, end, uuid ? WORD_UUID : word_of(str_slice(run, begin, end)));
        begin = end + 1;
    }
    bool token = v.certain || (v.odd > v.plain && v.end - v.begin >= TOKEN_SPAN_MIN);

    return token ? (struct span){v.begin, v.end} : (struct span){0, 0};
}

static size_t run_end(struct str s, size_t from)
{
    while (from < s.len && sort_of(s.ptr[from]) != SORT_OTHER)
        from++;
    return from;
}

/* The end of the JSON web token whose header is the run [begin, end), or `end`. */
static size_t web_token_end(struct str s, size_t begin, size_t end)
{
    if (end - begin < JWT_HEADER_MIN || !str_starts(str_slice(s, begin, end), STR("eyJ")))
        return end;
    for (int part = 0; part < 2 && end < s.len && s.ptr[end] == '.'; part++) {
        size_t stop = run_end(s, end + 1);

        if (stop == end + 1)
            break;
        end = stop;
    }
    return end;
}

static bool has_letter_and_digit(struct str run)
{
    bool letter = false, digit = false;

    for (size_t i = 0; i < run.len; i++) {
        letter = letter || is_letter(run.ptr[i]);
        digit = digit || sort_of(run.ptr[i]) == SORT_DIGIT;
    }
    return letter && digit;
}

/* The token in the run [begin, end), or the web token that begins with it. */
static bool find_in_run(struct str s, size_t begin, size_t end, struct span *out)
{
    size_t stop = web_token_end(s, begin, end);
    struct str run = str_slice(s, begin, end);

    *out = (struct span){begin, stop};
    if (stop > end && stop - begin >= TOKEN_MIN)
        return true;
    if (run.len < TOKEN_MIN || !has_letter_and_digit(run))
        return false;
    struct span token = token_of(run);

    *out = (struct span){begin + token.begin, begin + token.end};
    return token.end > token.begin;
}

bool find_token(struct str s, size_t from, struct span *out)
{
    while (from < s.len) {
        size_t end = run_end(s, from);

        if (end > from && find_in_run(s, from, end, out))
            return true;
        from = end > from ? end : from + (escaped_at(s, from) >= 0 ? 3 : 1);
    }
    return false;
}
