/*
 * event/language.c -- the language preferred, of an Accept-Language header (RFC 9110, 12.5.4).
 *
 * Only the primary subtag is kept: with its region and the list of all that a browser takes, the
 * header would tell people apart. The first of those with the highest weight wins. A weight of 0
 * says "not this one"; "*" names none. An entry that is not well-formed is passed over.
 */
#include "event/event_internal.h"

#include "event/mask_internal.h"

enum { SUBTAG_MIN = 2, SUBTAG_MAX = 3 /* ISO 639-1, -2, -3 */, WEIGHT_ONE = 1000 };

/* qvalue: 0 to 1 with up to three decimals, in thousandths; or -1. */
static int weight_of(struct str s)
{
    int weight, unit = WEIGHT_ONE / 10;

    if (s.len < 1 || s.len > 5 || (s.ptr[0] != '0' && s.ptr[0] != '1'))
        return -1;
    weight = (s.ptr[0] - '0') * WEIGHT_ONE;
    if (s.len > 1 && s.ptr[1] != '.')
        return -1;
    for (size_t i = 2; i < s.len; i++, unit /= 10) {
        if (sort_of(s.ptr[i]) != SORT_DIGIT)
            return -1;
        weight += (s.ptr[i] - '0') * unit;
    }
    return weight <= WEIGHT_ONE ? weight : -1;
}

/* Of ";q=0.8", spaces around the semicolon; without any it is 1. */
static int entry_weight(struct str parameters)
{
    if (parameters.len == 0)
        return WEIGHT_ONE;
    struct str weight = str_trim(str_slice(parameters, 1, parameters.len));

    return str_ieq(str_slice(weight, 0, 2), STR("q=")) ? weight_of(str_slice(weight, 2, weight.len))
                                                       : -1;
}

/* The primary subtag of a language tag; empty where it is none. */
static struct str primary_subtag(struct str tag)
{
    struct str primary = text_until(tag, "-_");

    if (primary.len < SUBTAG_MIN || primary.len > SUBTAG_MAX)
        return STR("");
    for (size_t i = 0; i < tag.len; i++)
        if (i < primary.len ? !is_letter(tag.ptr[i]) : sort_of(tag.ptr[i]) == SORT_OTHER)
            return STR("");
    return primary;
}

struct str language_of(struct str accept_language, struct arena *arena)
{
    struct str best = STR(""), entry;
    int best_weight = 0;

    while (str_next(&accept_language, ',', &entry)) {
        struct str tag = text_until(entry, ";");
        int weight = entry_weight(str_slice(entry, tag.len, entry.len));
        struct str primary = primary_subtag(str_trim(tag));

        if (primary.len == 0 || weight <= best_weight)
            continue;
        best = primary;
        best_weight = weight;
    }
    return text_lower(best, arena);
}
