/*
 * Robots, against what others say: npm isbot's own verdict on thousands of User-Agents, and the
 * lists that crawler-user-agents and user-agents publish (test_agent_cases.mjs writes them down;
 * AGENT_CASES is where). What the kinds are is from the robots' own pages.
 */
#include "agent/embedded.h"
#include "agent/robots.h"
#include "agent/words.h"
#include "test_agent_support.h"

struct list {
    struct buf text;
    struct str rest;
};

struct test_case {
    struct str list, device, user_agent;
    bool isbot;
};

static struct list read_cases(void)
{
    struct list list = {0};

    if (!read_whole(AGENT_CASES, &list.text))
        fail_msg("%s: %s", AGENT_CASES, strerror(errno));
    list.rest = buf_str(&list.text);
    return list;
}

static bool next_case(struct list *list, struct test_case *out)
{
    struct str line, verdict;

    if (!str_next(&list->rest, '\n', &line) || line.len == 0)
        return false;
    assert_true(str_next(&line, '\t', &out->list) && str_next(&line, '\t', &verdict) &&
                str_next(&line, '\t', &out->device) && line.len > 0);
    assert_true(str_eq(verdict, STR("0")) || str_eq(verdict, STR("1")));
    out->isbot = str_eq(verdict, STR("1"));
    out->user_agent = line;
    return true;
}

static void gives_the_verdict_of_isbot(void **state)
{
    struct list list = read_cases();
    struct test_case c;
    struct arena arena = {0};
    struct rules rules;
    struct matcher *robots;
    struct work *work;
    size_t bots = 0, others = 0;

    (void)state;
    assert_int_equal(rules_read_robots(embedded_robots, &arena, &rules, NULL), 0);
    assert_int_equal(matcher_new(&rules, embedded_robots_database, &robots, NULL), 0);
    assert_int_equal(work_new((const struct matcher *const[]){robots}, 1, &work, NULL), 0);
    while (next_case(&list, &c)) {
        matcher_scan(robots, c.user_agent, work);
        if (robots_isbot(robots, work) != c.isbot)
            fail_msg("isbot says %d: %.*s", c.isbot, STR_FMT(c.user_agent));
        bots += c.isbot;
        others += !c.isbot;
    }
    print_message("# isbot's verdict on %zu robots and %zu others\n", bots, others);
    assert_true(bots > 5000 && others > 2000);
    work_free(&work);
    matcher_free(&robots);
    arena_free(&arena);
    buf_release(&list.text);
}

/* The kind of robot that a look finds. */
static struct str kind(struct agent *agent, struct str user_agent)
{
    struct arena arena = {0};
    struct agent_info info;

    agent_look(agent, user_agent, STR(""), &arena, &info);
    arena_free(&arena);
    return info.bot;
}

static void finds_nearly_all_known_robots(void **state)
{
    struct list list = read_cases();
    struct test_case c;
    size_t all = 0, found = 0;

    while (next_case(&list, &c)) {
        bool known = str_eq(c.list, STR("crawler"));
        all += known;
        found += known && kind(*state, c.user_agent).len > 0;
    }
    print_message("# %zu of %zu known robots\n", found, all);
    assert_true(all >= 2000);
    assert_true(found * 1000 >= all * 995);
    buf_release(&list.text);
}

static void takes_no_person_for_a_robot(void **state)
{
    struct list list = read_cases();
    struct test_case c;
    size_t people = 0;

    while (next_case(&list, &c)) {
        if (!str_eq(c.list, STR("person")))
            continue;
        people++;
        if (kind(*state, c.user_agent).len > 0)
            fail_msg("%.*s", STR_FMT(c.user_agent));
    }
    assert_true(people >= 663);
    buf_release(&list.text);
}

static void tells_the_devices_of_people(void **state)
{
    struct list list = read_cases();
    struct test_case c;
    size_t people = 0;

    (void)state;
    while (next_case(&list, &c)) {
        if (!str_eq(c.list, STR("person")))
            continue;
        struct str device = device_of(c.user_agent, HINT_NONE);
        if (!str_eq(device, c.device))
            fail_msg("%.*s, not %.*s: %.*s", STR_FMT(c.device), STR_FMT(device),
                     STR_FMT(c.user_agent));
        people++;
    }
    assert_true(people >= 663);
    buf_release(&list.text);
}

static void names_the_kind(void **state)
{
    static const char *const cases[][2] = {
        {"search", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"search", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"},
        {"ai-crawler", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
                       "+https://openai.com/gptbot)"},
        {"seo", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"},
        {"monitoring", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"},
        {"social", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
        {"library", "python-requests/2.31.0"},
        {"search", "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)"},
        {"other", "Mozilla/5.0 (compatible; a-robot-nobody-knows/1.0; +https://example.com/robot)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        is_str(kind(*state, str_from(cases[i][1])), str_from(cases[i][0]), cases[i][1]);
}

static void takes_an_absent_user_agent_for_a_robot(void **state)
{
    is_str(kind(*state, STR("")), STR("empty"), "nothing");
}

/* Patterns of crawler-user-agents that fit people too: a phone's build, the browsers in Facebook's
 * app and in an editor, an app made of one site, a browser's own name. */
static void lets_people_pass_whom_a_crawlers_pattern_fits(void **state)
{
    static const char *const people[] = {
        "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.142 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL Build/CP1A.260305.018; wv) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/146.0.7680.174 Mobile "
        "Safari/537.36 MetaIAB Facebook",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Code/1.115.0 Chrome/142.0.7444.265 Electron/39.8.5 Safari/537.36",
        "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_5_6; en-us) AppleWebKit/528.16 (KHTML, like "
        "Gecko) Fluid/0.9.6 Safari/528.16",
        "Mozilla/5.0 (Linux; Android 5.1; Panasonic_ELUGA_Sonic Build/LMY47D) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; Butterfly 5) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Mobile Safari/537.36",
    };

    for (size_t i = 0; i < COUNT(people); i++)
        is_str(kind(*state, str_from(people[i])), STR(""), people[i]);
}

static void says_no_browser_or_system_of_a_robot(void **state)
{
    struct arena arena = {0};
    struct agent_info info;

    agent_look(*state,
               STR("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                   "HeadlessChrome/120.0.0.0 Safari/537.36"),
               STR("?0"), &arena, &info);
    assert_true(info.bot.len > 0);
    is_str(info.browser, STR(""), "browser");
    is_str(info.os, STR(""), "os");
    is_str(info.device, STR("desktop"), "device");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_verdict_of_isbot),
        cmocka_unit_test(finds_nearly_all_known_robots),
        cmocka_unit_test(takes_no_person_for_a_robot),
        cmocka_unit_test(tells_the_devices_of_people),
        cmocka_unit_test(names_the_kind),
        cmocka_unit_test(takes_an_absent_user_agent_for_a_robot),
        cmocka_unit_test(lets_people_pass_whom_a_crawlers_pattern_fits),
        cmocka_unit_test(says_no_browser_or_system_of_a_robot),
    };

    return cmocka_run_group_tests(tests, open_agent, close_agent);
}
