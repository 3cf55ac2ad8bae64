/*
 * agent/words.c -- tables from others' words to ours.
 */
#include "agent/words.h"

#include "base/utf8.h"

struct word {
    struct str theirs, ours;
};

/* uap-core tells variants apart that are one browser to those who look at a dashboard. Opera Mini
 * stays: its pages are rendered by a proxy. */
static const struct word browsers[] = {
    {STR_INIT("Android"), STR_INIT("Android Browser")},
    {STR_INIT("Baidu Browser Mobile"), STR_INIT("Baidu Browser")},
    {STR_INIT("Bing for iPad"), STR_INIT("Bing")},
    {STR_INIT("BlackBerry WebKit"), STR_INIT("BlackBerry")},
    {STR_INIT("Chrome Mobile"), STR_INIT("Chrome")},
    {STR_INIT("Chrome Mobile WebView"), STR_INIT("Chrome")},
    {STR_INIT("Chrome Mobile iOS"), STR_INIT("Chrome")},
    {STR_INIT("DuckDuckGo Mobile"), STR_INIT("DuckDuckGo")},
    {STR_INIT("Edge Mobile"), STR_INIT("Edge")},
    {STR_INIT("Firefox Alpha"), STR_INIT("Firefox")},
    {STR_INIT("Firefox Beta"), STR_INIT("Firefox")},
    {STR_INIT("Firefox Mobile"), STR_INIT("Firefox")},
    {STR_INIT("Firefox iOS"), STR_INIT("Firefox")},
    {STR_INIT("IE"), STR_INIT("Internet Explorer")},
    {STR_INIT("IE Large Screen"), STR_INIT("Internet Explorer")},
    {STR_INIT("IE Mobile"), STR_INIT("Internet Explorer")},
    {STR_INIT("MiuiBrowser"), STR_INIT("Mi Browser")},
    {STR_INIT("Mobile Safari"), STR_INIT("Safari")},
    {STR_INIT("Mobile Safari UI/WKWebView"), STR_INIT("Safari")},
    {STR_INIT("Opera Coast"), STR_INIT("Opera")},
    {STR_INIT("Opera Mobile"), STR_INIT("Opera")},
    {STR_INIT("Opera Neon"), STR_INIT("Opera")},
    {STR_INIT("Opera Tablet"), STR_INIT("Opera")},
    {STR_INIT("Opera Touch"), STR_INIT("Opera")},
    {STR_INIT("Other"), STR_INIT("")},
    {STR_INIT("QQ Browser Mini"), STR_INIT("QQ Browser")},
    {STR_INIT("QQ Browser Mobile"), STR_INIT("QQ Browser")},
    {STR_INIT("WebKit Nightly"), STR_INIT("Safari")},
};

/* Distributions of Linux stay apart. */
static const struct word systems[] = {
    {STR_INIT("ATV OS X"), STR_INIT("tvOS")},
    {STR_INIT("Mac OS X"), STR_INIT("macOS")},
    {STR_INIT("Other"), STR_INIT("")},
    {STR_INIT("WatchOS"), STR_INIT("watchOS")},
};

/* In the ledger's words. */
static const struct word kinds[] = {
    {STR_INIT("academic"), STR_INIT("academic")},
    {STR_INIT("advertising"), STR_INIT("advertising")},
    {STR_INIT("ai-crawler"), STR_INIT("ai-crawler")},
    {STR_INIT("archiver"), STR_INIT("archiver")},
    {STR_INIT("browser-automation"), STR_INIT("automation")},
    {STR_INIT("feed-reader"), STR_INIT("feed")},
    {STR_INIT("http-library"), STR_INIT("library")},
    {STR_INIT("monitoring"), STR_INIT("monitoring")},
    {STR_INIT("scanner"), STR_INIT("scanner")},
    {STR_INIT("search-engine"), STR_INIT("search")},
    {STR_INIT("seo"), STR_INIT("seo")},
    {STR_INIT("social-preview"), STR_INIT("social")},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct word *find(const struct word *table, size_t count, struct str theirs)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(table[i].theirs, theirs))
            return &table[i];
    }
    return NULL;
}

/* Some rules take a family from the User-Agent as it stands there, where an app may have put
 * anything, an account's address even. What is long, no text, or has an '@' is not kept. */
static bool is_name(struct str family)
{
    for (size_t i = 0; i < family.len; i++) {
        unsigned char c = (unsigned char)family.ptr[i];
        if (c < ' ' || c == 0x7f || c == '@')
            return false;
    }
    return family.len <= NAME_BYTES_MAX && utf8_valid(family);
}

static struct str name_of(const struct word *table, size_t count, struct str family)
{
    const struct word *word = find(table, count, family);

    if (word != NULL)
        return word->ours;
    return is_name(family) ? family : STR("");
}

struct str browser_of(struct str family)
{
    /* Before their release they go by the name of the project: "Firefox (Shiretoko)". */
    if (str_starts(family, STR("Firefox (")))
        return STR("Firefox");
    return name_of(browsers, COUNT(browsers), family);
}

struct str system_of(struct str family)
{
    return name_of(systems, COUNT(systems), family);
}

struct str kind_of_tags(struct str tags)
{
    struct str tag;

    while (str_next(&tags, ',', &tag)) {
        const struct word *word = find(kinds, COUNT(kinds), tag);
        if (word != NULL)
            return word->ours;
    }
    return STR("other");
}
