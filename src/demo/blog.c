/* demo/blog.c -- a blog about making things: readers from search, feeds and friends. */
#include "demo/demo_internal.h"

static const struct source sources[] = {
    {150, ALWAYS, STR_INIT(""), STR_INIT(""), STR_INIT("")},
    {330, ALWAYS, STR_INIT("https://www.google.com/"), STR_INIT(""), STR_INIT("")},
    {45, ALWAYS, STR_INIT("https://www.bing.com/"), STR_INIT(""), STR_INIT("")},
    {50, ALWAYS, STR_INIT("https://duckduckgo.com/"), STR_INIT(""), STR_INIT("")},
    {40, ALWAYS, STR_INIT("https://www.reddit.com/"), STR_INIT(""), STR_INIT("")},
    {34, ALWAYS, STR_INIT("https://news.ycombinator.com/"), STR_INIT(""), STR_INIT("")},
    {28, ALWAYS, STR_INIT("https://mastodon.social/"), STR_INIT(""), STR_INIT("")},
    {26, ALWAYS, STR_INIT("https://www.linkedin.com/"), STR_INIT(""), STR_INIT("")},
    {22, ALWAYS, STR_INIT("android-app://com.slack/"), STR_INIT(""), STR_INIT("")},
    {18, ALWAYS, STR_INIT("https://www.youtube.com/"), STR_INIT(""), STR_INIT("")},
    {30, ALWAYS, STR_INIT("https://makers.example/links"), STR_INIT(""), STR_INIT("")},
    {40, GROWING, STR_INIT("https://chatgpt.com/"), STR_INIT(""), STR_INIT("")},
    {14, GROWING, STR_INIT("https://www.perplexity.ai/"), STR_INIT(""), STR_INIT("")},
    {90, WEEKLY, STR_INIT(""), STR_INIT("utm_source=letter&utm_medium=email&utm_campaign=letter"),
     STR_INIT("")},
    {90, FALLING, STR_INIT("https://weekly-links.example/issue"), STR_INIT(""),
     STR_INIT("/glue/a-first-try")},
    {1600, LAUNCH, STR_INIT("https://news.ycombinator.com/item?id=2"), STR_INIT(""),
     STR_INIT("/light/what-went-wrong")},
};
_Static_assert(COUNT(sources) <= SOURCES_MAX, "a day's plan has room for all sources");

static const struct place places[] = {
    {480, STR_INIT("US"), STR_INIT("en")}, {26, STR_INIT("US"), STR_INIT("es")},
    {95, STR_INIT("CA"), STR_INIT("en")},  {20, STR_INIT("CA"), STR_INIT("fr")},
    {90, STR_INIT("GB"), STR_INIT("en")},  {55, STR_INIT("IN"), STR_INIT("en")},
    {44, STR_INIT("AU"), STR_INIT("en")},  {42, STR_INIT("DE"), STR_INIT("de")},
    {32, STR_INIT("BR"), STR_INIT("pt")},  {28, STR_INIT("MX"), STR_INIT("es")},
    {24, STR_INIT("FR"), STR_INIT("fr")},  {16, STR_INIT("NL"), STR_INIT("nl")},
    {14, STR_INIT("JP"), STR_INIT("ja")},  {12, STR_INIT("SE"), STR_INIT("sv")},
    {10, STR_INIT("NZ"), STR_INIT("en")},  {9, STR_INIT("ZA"), STR_INIT("en")},
};

static const struct way ways[] = {{ROLE_LIST, ROLE_ITEM, 450}};

static const struct str form_props[] = {
    STR_INIT("{\"form\":\"letter\"}"),
    STR_INIT("{\"form\":\"letter\"}"),
    STR_INIT("{\"form\":\"comment\"}"),
};
static const struct str read_props[] = {STR_INIT("{\"part\":\"half\"}"),
                                        STR_INIT("{\"part\":\"all\"}")};
static const struct str file_props[] = {
    STR_INIT("{\"host\":\"blog.demo.example\",\"path\":\"/files/plan.pdf\"}"),
};

static const struct habit habits[] = {
    {ROLE_ITEM, 140, 140, EVENT_CUSTOM, STR_INIT("article.read"), 0, TABLE(read_props)},
    {ROLE_ITEM, 15, 15, EVENT_FORM_SUBMIT, STR_INIT(""), 0, TABLE(form_props)},
    {ROLE_ITEM, 18, 18, EVENT_CUSTOM, STR_INIT("file.download"), 0, TABLE(file_props)},
    {ROLE_OFFER, 60, 60, EVENT_LEAD_CREATED, STR_INIT(""), 0, TABLE(form_props)},
};

static const struct str digest_props[] = {STR_INIT("{\"flow\":\"digest\"}")};
static const struct duty duties[] = {
    {2, EVENT_AUTOMATION_RUN, 1, 0, STR_INIT(""), TABLE(digest_props)},
};

static const struct {
    const char *path, *name;
    uint32_t weight;
} subjects[] = {
    {"wood", "Wood", 20},      {"light", "Light", 18}, {"clay", "Clay", 14},
    {"paper", "Paper", 12},    {"wool", "Wool", 10},   {"metal", "Metal", 9},
    {"leather", "Leather", 7}, {"glass", "Glass", 6},  {"color", "Color", 6},
    {"glue", "Glue", 5},       {"tools", "Tools", 16}, {"workshop", "Workshop", 8},
};
static const struct {
    const char *path, *name;
    uint32_t weight;
} posts[] = {
    {"for-beginners", "%s for beginners", 12},
    {"a-first-try", "%s: a first try", 8},
    {"what-went-wrong", "%s, and what went wrong", 7},
    {"ten-mistakes", "Ten mistakes with %s", 9},
    {"on-a-budget", "%s on a budget", 5},
    {"interview", "An interview about %s", 3},
};

static void add_pages(struct pages *pages, struct arena *arena)
{
    page_add(pages, ROLE_HOME, 300, STR("/"), STR("Demo blog: made-up posts"));
    for (size_t i = 0; i < COUNT(subjects); i++) {
        page_add(pages, ROLE_LIST, 3 * subjects[i].weight, text_of(arena, "/%s", subjects[i].path),
                 text_of(arena, "%s - Demo blog", subjects[i].name));
        for (size_t k = 0; k < COUNT(posts); k++) {
            struct str path = text_of(arena, "/%s/%s", subjects[i].path, posts[k].path);
            const char *at = strstr(posts[k].name, "%s");

            page_add(pages, ROLE_ITEM, subjects[i].weight * posts[k].weight, path,
                     text_of(arena, "%.*s%s%s - Demo blog", (int)(at - posts[k].name),
                             posts[k].name, subjects[i].name, at + 2));
        }
    }
    page_add(pages, ROLE_OFFER, 120, STR("/courses"), STR("Courses - Demo blog"));
    page_add(pages, ROLE_OTHER, 60, STR("/about"), STR("About - Demo blog"));
}

const struct story story_blog = {
    .visits = 105,
    .go_on = 240,
    .week = {1060, 1080, 1060, 1040, 960, 880, 920},
    .year = {1080, 1050, 1020, 980, 960, 900, 880, 900, 980, 1040, 1080, 1130},
    .hours = {30, 20, 13, 9,  8,  10, 18, 32, 48, 60, 66, 68,
              70, 68, 66, 64, 60, 56, 56, 60, 66, 64, 54, 42},
    .sources = sources,
    .sources_count = COUNT(sources),
    .places = places,
    .places_count = COUNT(places),
    .ways = ways,
    .ways_count = COUNT(ways),
    .habits = habits,
    .habits_count = COUNT(habits),
    .duties = duties,
    .duties_count = COUNT(duties),
    .add_pages = add_pages,
    .launch = STR_INIT("A post is talked about (demo)"),
};
