#include "api/language.h"

#include "event/event.h"

static const struct str names[LANGUAGES] = {
    [LANGUAGE_EN] = STR_INIT("en"),
    [LANGUAGE_DE] = STR_INIT("de"),
};

struct str language_name(enum language language)
{
    return names[language];
}

/* LANGUAGES: it is none of ours. */
static enum language language_find(struct str name)
{
    unsigned i = 0;

    while (i < LANGUAGES && !str_eq(name, names[i]))
        i++;
    return (enum language)i;
}

/* The preferred one of those there are. */
static enum language language_accepted(struct str header, struct arena *arena)
{
    struct buf ours = {0};
    struct str entry;

    while (str_next(&header, ',', &entry)) {
        if (language_find(language_of(entry, arena)) == LANGUAGES)
            continue;
        buf_add(&ours, entry);
        buf_addc(&ours, ',');
    }
    enum language found = language_find(language_of(buf_str(&ours), arena));

    buf_release(&ours);
    return found != LANGUAGES ? found : LANGUAGE_EN;
}

enum language language_choose(const struct http_request *request)
{
    struct str name;
    struct err err = {""};
    enum language asked = LANGUAGES;

    if (query_param(request->query, STR("lang"), request->arena, &name, &err) == 1)
        asked = language_find(name);
    return asked != LANGUAGES ? asked : language_accepted(request->accept_language, request->arena);
}
