/* demo/app.c -- a program in the browser: people at their desks, and a backend that works for them.
 */
#include "demo/demo_internal.h"

static const struct source sources[] = {
    {520, ALWAYS, STR_INIT(""), STR_INIT(""), STR_INIT("")},
    {120, ALWAYS, STR_INIT("https://www.google.com/"), STR_INIT(""), STR_INIT("")},
    {22, ALWAYS, STR_INIT("https://search.yahoo.co.jp/"), STR_INIT(""), STR_INIT("")},
    {36, ALWAYS, STR_INIT("android-app://com.slack/"), STR_INIT(""), STR_INIT("/projects")},
    {24, ALWAYS, STR_INIT("https://github.com/"), STR_INIT(""), STR_INIT("/docs")},
    {30, ALWAYS, STR_INIT("https://www.google.com/"),
     STR_INIT("utm_source=google&utm_medium=cpc&utm_campaign=app"), STR_INIT("/")},
    {26, ALWAYS, STR_INIT(""), STR_INIT("utm_source=app&utm_medium=email&utm_campaign=reminder"),
     STR_INIT("/projects")},
    {20, GROWING, STR_INIT("https://claude.ai/"), STR_INIT(""), STR_INIT("/docs")},
    {70, FALLING, STR_INIT("https://software-reviews.example/demo-app"), STR_INIT(""),
     STR_INIT("/")},
    {90, CAMPAIGN, STR_INIT("https://www.linkedin.com/"),
     STR_INIT("utm_source=linkedin&utm_medium=paid_social&utm_campaign=teams"),
     STR_INIT("/signup")},
};
_Static_assert(COUNT(sources) <= SOURCES_MAX, "a day's plan has room for all sources");

static const struct place places[] = {
    {430, STR_INIT("JP"), STR_INIT("ja")}, {140, STR_INIT("US"), STR_INIT("en")},
    {80, STR_INIT("KR"), STR_INIT("ko")},  {62, STR_INIT("TW"), STR_INIT("zh")},
    {58, STR_INIT("IN"), STR_INIT("en")},  {50, STR_INIT("SG"), STR_INIT("en")},
    {40, STR_INIT("DE"), STR_INIT("de")},  {36, STR_INIT("GB"), STR_INIT("en")},
    {30, STR_INIT("VN"), STR_INIT("vi")},  {28, STR_INIT("ID"), STR_INIT("id")},
    {24, STR_INIT("FR"), STR_INIT("fr")},  {22, STR_INIT("AU"), STR_INIT("en")},
};

static const struct way ways[] = {
    {ROLE_OFFER, ROLE_DONE, 260},
    {ROLE_HOME, ROLE_OFFER, 130},
    {ROLE_LIST, ROLE_ITEM, 500},
};

static const struct str ask_props[] = {
    STR_INIT("{\"model\":\"small\",\"task\":\"summary\"}"),
    STR_INIT("{\"model\":\"small\",\"task\":\"question\"}"),
    STR_INIT("{\"model\":\"large\",\"task\":\"draft\"}"),
};
static const struct str export_props[] = {
    STR_INIT("{\"format\":\"pdf\"}"),
    STR_INIT("{\"format\":\"csv\"}"),
    STR_INIT("{\"format\":\"xlsx\"}"),
};
static const struct str signup_props[] = {
    STR_INIT("{\"plan\":\"free\"}"),
    STR_INIT("{\"plan\":\"free\"}"),
    STR_INIT("{\"plan\":\"team\"}"),
};
static const struct str form_props[] = {STR_INIT("{\"form\":\"support\"}")};

static const struct habit habits[] = {
    {ROLE_ITEM, 190, 190, EVENT_AI_USAGE, STR_INIT(""), 6000, TABLE(ask_props)},
    {ROLE_ITEM, 60, 60, EVENT_EXPORT_COMPLETED, STR_INIT(""), 0, TABLE(export_props)},
    {ROLE_DONE, 970, 970, EVENT_CUSTOM, STR_INIT("signup"), 0, TABLE(signup_props)},
    {ROLE_OFFER, 20, 60, EVENT_LEAD_CREATED, STR_INIT(""), 0, TABLE(signup_props)},
    {ROLE_OTHER, 12, 12, EVENT_FORM_SUBMIT, STR_INIT(""), 0, TABLE(form_props)},
};

static const struct str run_props[] = {
    STR_INIT("{\"flow\":\"sync\"}"),
    STR_INIT("{\"flow\":\"reminder\"}"),
    STR_INIT("{\"flow\":\"report\"}"),
};
static const struct duty duties[] = {
    {40, EVENT_AUTOMATION_RUN, 12, 0, STR_INIT(""), TABLE(run_props)},
    {12, EVENT_AI_USAGE, 0, 20000, STR_INIT(""), TABLE(ask_props)},
};

static const struct {
    const char *path, *name;
    uint32_t weight;
} parts[] = {
    {"projects", "Projects", 40}, {"calendar", "Calendar", 22}, {"files", "Files", 18},
    {"people", "People", 12},     {"reports", "Reports", 14},   {"inbox", "Inbox", 30},
};
static const struct {
    const char *path, *name;
    uint32_t weight;
} views[] = {
    {"list", "list", 8},     {"board", "board", 9},     {"table", "table", 5},
    {"search", "search", 4}, {"archive", "archive", 2}, {"new", "new", 3},
    {"filter", "filter", 2}, {"print", "print", 1},     {"share", "share", 2},
};
static const struct page others[] = {
    {STR_INIT("/signup"), STR_INIT("Sign up - Demo app"), ROLE_OFFER, 60},
    {STR_INIT("/welcome"), STR_INIT("Welcome - Demo app"), ROLE_DONE, 0},
    {STR_INIT("/docs"), STR_INIT("Docs - Demo app"), ROLE_OTHER, 120},
    {STR_INIT("/docs/start"), STR_INIT("First steps - Demo app"), ROLE_OTHER, 90},
    {STR_INIT("/settings"), STR_INIT("Settings - Demo app"), ROLE_OTHER, 80},
    {STR_INIT("/support"), STR_INIT("Support - Demo app"), ROLE_OTHER, 40},
};

static void add_pages(struct pages *pages, struct arena *arena)
{
    page_add(pages, ROLE_HOME, 400, STR("/"), STR("Demo app: made-up work"));
    for (size_t i = 0; i < COUNT(parts); i++) {
        page_add(pages, ROLE_LIST, 8 * parts[i].weight, text_of(arena, "/%s", parts[i].path),
                 text_of(arena, "%s - Demo app", parts[i].name));
        for (size_t k = 0; k < COUNT(views); k++)
            page_add(pages, ROLE_ITEM, parts[i].weight * views[k].weight,
                     text_of(arena, "/%s/%s", parts[i].path, views[k].path),
                     text_of(arena, "%s, %s - Demo app", parts[i].name, views[k].name));
    }
    for (size_t i = 0; i < COUNT(others); i++)
        page_add(pages, others[i].role, others[i].weight, others[i].path, others[i].title);
}

const struct story story_app = {
    .visits = 62,
    .go_on = 620,
    .at_work = true,
    .week = {1260, 1290, 1270, 1260, 1180, 340, 380},
    .year = {1000, 1000, 980, 990, 1000, 1000, 960, 860, 1010, 1040, 1050, 960},
    .hours = {3,  2,  1,  1,  1,  2,  6,  18, 50, 88, 96, 84,
              56, 84, 92, 90, 86, 74, 48, 28, 20, 15, 10, 6},
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
    .campaign = STR_INIT("Campaign \"teams\" begins (demo)"),
};
