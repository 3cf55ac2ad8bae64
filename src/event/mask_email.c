/*
 * event/mask_email.c -- where an e-mail address stands in a text.
 *
 * An address is LOCAL AT DOMAIN. AT is "@", or "%40", or that encoded again ("%2540"). LOCAL is one
 * or more of A-Z a-z 0-9 . _ + ~ ' - and bytes beyond ASCII, or such a byte percent-encoded. DOMAIN
 * is made of labels of letters, digits, dashes and bytes beyond ASCII, parted by "." or "%2E"; the
 * last has at least two letters and no digit unless it is punycode. "logo@2x.png" is a picture for
 * a dense screen, not an address.
 */
#include "event/mask_internal.h"

enum { TOP_LABEL_MIN = 2 };

static bool is_foreign(char c)
{
    return (unsigned char)c >= 0x80;
}

/* The length of "@", "%40", "%2540" ... at `i`, or 0. */
static size_t at_sign(struct str s, size_t i)
{
    if (s.ptr[i] == '@')
        return 1;
    if (s.ptr[i] != '%')
        return 0;
    size_t end = i + 1;

    while (str_starts(str_slice(s, end, s.len), STR("25")))
        end += 2;
    return str_starts(str_slice(s, end, s.len), STR("40")) ? end + 2 - i : 0;
}

static bool is_local(char c)
{
    return sort_of(c) != SORT_OTHER || is_foreign(c) || memchr(".+~'", c, 4) != NULL;
}

/* Where the local part that ends at `end` begins; not before `floor`. */
static size_t local_begin(struct str s, size_t floor, size_t end)
{
    size_t i = end;

    while (i > floor) {
        int byte = i >= floor + 3 ? escaped_at(s, i - 3) : -1;

        if (byte >= 0 && !is_local((char)byte))
            break;
        if (byte < 0 && !is_local(s.ptr[i - 1]))
            break;
        i -= byte >= 0 ? 3 : 1;
    }
    return i;
}

/* The length of "." or "%2E" at `i`, or 0. */
static size_t dot_sign(struct str s, size_t i)
{
    if (s.ptr[i] == '.')
        return 1;
    return escaped_at(s, i) == '.' ? 3 : 0;
}

static size_t label_end(struct str s, size_t from)
{
    size_t i = from;

    while (i < s.len && (is_letter(s.ptr[i]) || sort_of(s.ptr[i]) == SORT_DIGIT ||
                         s.ptr[i] == '-' || is_foreign(s.ptr[i])))
        i++;
    return i;
}

static bool is_top_label(struct str label)
{
    if (label.len < TOP_LABEL_MIN)
        return false;
    if (str_ieq(str_slice(label, 0, 4), STR("xn--")))
        return true;
    for (size_t i = 0; i < label.len; i++)
        if (!is_letter(label.ptr[i]) && !is_foreign(label.ptr[i]))
            return false;
    return true;
}

/* "2x.png" behind the sign of "logo@2x.png" */
static bool is_picture(struct str domain)
{
    static const char *const endings[] = {".png",  ".jpg", ".jpeg", ".gif",
                                          ".webp", ".svg", ".avif"};
    size_t i = 0;

    while (i < domain.len && sort_of(domain.ptr[i]) == SORT_DIGIT)
        i++;
    if (i == 0 || i == domain.len || domain.ptr[i] != 'x')
        return false;
    for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++)
        if (str_ieq(str_slice(domain, i + 1, domain.len), str_from(endings[k])))
            return true;
    return false;
}

/* The end of the domain that begins at `from`, or `from` where there is none. */
static size_t domain_end(struct str s, size_t from)
{
    size_t end = from, begin = from;

    for (size_t labels = 1;; labels++) {
        size_t stop = label_end(s, begin);

        if (stop == begin)
            break;
        if (labels > 1 && is_top_label(str_slice(s, begin, stop)))
            end = stop;
        size_t dot = stop < s.len ? dot_sign(s, stop) : 0;

        if (dot == 0)
            break;
        begin = stop + dot;
    }
    return is_picture(str_slice(s, from, end)) ? from : end;
}

bool find_email(struct str s, size_t from, struct span *out)
{
    for (size_t i = from; i < s.len; i++) {
        size_t sign = at_sign(s, i);

        if (sign == 0)
            continue;
        *out = (struct span){local_begin(s, from, i), domain_end(s, i + sign)};
        if (out->begin < i && out->end > i + sign)
            return true;
    }
    return false;
}
