/*
 * facts/dimension.c -- the dimensions: their names, what an absent value is called, and where a
 * visit holds them. One table; nothing else lists them.
 */
#include "facts/facts_internal.h"

enum { NO_TEXT = -1 };

static const struct {
    struct str name;
    struct str absent;
    int text; /* enum visit_text */
} dimensions[DIMENSIONS] = {
    [DIM_PAGE] = {STR_INIT("page"), STR_INIT(""), NO_TEXT},
    [DIM_EVENT] = {STR_INIT("event"), STR_INIT(""), NO_TEXT},
    [DIM_GOAL] = {STR_INIT("goal"), STR_INIT(""), NO_TEXT},
    [DIM_PROP] = {STR_INIT("prop"), STR_INIT(""), NO_TEXT},
    [DIM_ENTRY_PAGE] = {STR_INIT("entryPage"), STR_INIT(""), VISIT_ENTRY_PATH},
    [DIM_EXIT_PAGE] = {STR_INIT("exitPage"), STR_INIT(""), VISIT_EXIT_PATH},
    [DIM_REFERRER] = {STR_INIT("referrer"), STR_INIT(""), VISIT_REFERRER},
    [DIM_SOURCE] = {STR_INIT("source"), STR_INIT("(direct)"), TRAIT_SOURCE},
    [DIM_CHANNEL] = {STR_INIT("channel"), STR_INIT("Direct"), TRAIT_CHANNEL},
    [DIM_UTM_SOURCE] = {STR_INIT("utmSource"), STR_INIT(""), TRAIT_UTM_SOURCE},
    [DIM_UTM_MEDIUM] = {STR_INIT("utmMedium"), STR_INIT(""), TRAIT_UTM_MEDIUM},
    [DIM_UTM_CAMPAIGN] = {STR_INIT("utmCampaign"), STR_INIT(""), TRAIT_UTM_CAMPAIGN},
    [DIM_UTM_CONTENT] = {STR_INIT("utmContent"), STR_INIT(""), TRAIT_UTM_CONTENT},
    [DIM_UTM_TERM] = {STR_INIT("utmTerm"), STR_INIT(""), TRAIT_UTM_TERM},
    [DIM_COUNTRY] = {STR_INIT("country"), STR_INIT("(unknown)"), TRAIT_COUNTRY},
    [DIM_BROWSER] = {STR_INIT("browser"), STR_INIT("(unknown)"), TRAIT_BROWSER},
    [DIM_OS] = {STR_INIT("os"), STR_INIT("(unknown)"), TRAIT_OS},
    [DIM_DEVICE] = {STR_INIT("device"), STR_INIT("(unknown)"), TRAIT_DEVICE},
    [DIM_LANGUAGE] = {STR_INIT("language"), STR_INIT("(unknown)"), TRAIT_LANGUAGE},
    [DIM_SCREEN] = {STR_INIT("screen"), STR_INIT("(unknown)"), VISIT_SCREEN},
};

bool dimension_find(struct str name, enum dimension *out, struct str *prop)
{
    const struct str prefix = STR("prop:");

    *prop = STR("");
    if (str_starts(name, prefix) && name.len > prefix.len) {
        *out = DIM_PROP;
        *prop = str_slice(name, prefix.len, name.len);
        return true;
    }
    for (unsigned i = 0; i < DIMENSIONS; i++)
        if (i != DIM_PROP && str_eq(name, dimensions[i].name)) {
            *out = (enum dimension)i;
            return true;
        }
    return false;
}

struct str dimension_name(enum dimension dimension)
{
    return dimensions[dimension].name;
}

bool dimension_of_visit(enum dimension dimension)
{
    return dimension == DIM_GOAL || dimension_has_text(dimension);
}

bool dimension_has_events(enum dimension dimension)
{
    return dimension == DIM_EVENT || dimension == DIM_PROP;
}

struct str dimension_absent(enum dimension dimension)
{
    return dimensions[dimension].absent;
}

bool dimension_has_text(enum dimension dimension)
{
    return dimensions[dimension].text != NO_TEXT;
}

struct str dimension_of(enum dimension dimension, const struct visit *visit)
{
    struct str text = visit->texts[dimensions[dimension].text];

    /* With a path behind its host it is a page of the site itself. */
    if (dimension == DIM_REFERRER && str_find(text, 0, '/') < text.len)
        return STR("");
    return str_eq(text, dimensions[dimension].absent) ? STR("") : text;
}
