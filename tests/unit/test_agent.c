/*
 * What a User-Agent says. The User-Agents are those that browsers publish (MDN's lists, makers'
 * pages); their words are what the makers call their browsers and systems.
 */
#include "test_agent_support.h"

#include <pthread.h>

#define CHROME "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
#define WEBKIT "AppleWebKit/605.1.15 (KHTML, like Gecko)"

struct known {
    const char *browser, *os, *device, *user_agent;
};

static const struct known known[] = {
    {"Chrome", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " CHROME " Safari/537.36"},
    {"Chrome", "macOS", "desktop",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " CHROME " Safari/537.36"},
    {"Chrome", "Linux", "desktop", "Mozilla/5.0 (X11; Linux x86_64) " CHROME " Safari/537.36"},
    {"Chrome", "Chrome OS", "desktop",
     "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " CHROME " Safari/537.36"},
    {"Chrome", "Android", "mobile",
     "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Mobile Safari/537.36"},
    {"Chrome", "Android", "tablet", "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Safari/537.36"},
    {"Chrome", "Android", "mobile",
     "Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ1A; wv) AppleWebKit/537.36 (KHTML, like "
     "Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36"},
    {"Chrome", "iOS", "mobile",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) " WEBKIT
     " CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1"},
    {"Safari", "macOS", "desktop",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " WEBKIT " Version/17.1 Safari/605.1.15"},
    {"Safari", "iOS", "mobile",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) " WEBKIT
     " Version/17.1 Mobile/15E148 Safari/604.1"},
    {"Safari", "iOS", "tablet",
     "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) " WEBKIT
     " Version/16.6 Mobile/15E148 Safari/604.1"},
    {"Safari", "iOS", "mobile",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) " WEBKIT " Mobile/15E148"},
    {"Firefox", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"},
    {"Firefox", "Ubuntu", "desktop",
     "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"},
    {"Firefox", "Android", "mobile",
     "Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0"},
    {"Firefox", "Android", "tablet",
     "Mozilla/5.0 (Android 14; Tablet; rv:120.0) Gecko/120.0 Firefox/120.0"},
    {"Firefox", "iOS", "mobile",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) " WEBKIT
     " FxiOS/120.0 Mobile/15E148 Safari/605.1.15"},
    {"Firefox", "Windows", "desktop",
     "Mozilla/5.0 (Windows; U; Windows NT 6.0; en-US; rv:1.9.1b4pre) Gecko/20090420 "
     "Shiretoko/3.5b4pre"},
    {"Edge", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " CHROME " Safari/537.36 Edg/120.0.0.0"},
    {"Edge", "Android", "mobile",
     "Mozilla/5.0 (Linux; Android 10; HD1913) " CHROME " Mobile Safari/537.36 EdgA/120.0.0.0"},
    {"Opera", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " CHROME " Safari/537.36 OPR/106.0.0.0"},
    {"Opera", "Android", "mobile",
     "Mozilla/5.0 (Linux; Android 10; VOG-L29) " CHROME
     " Mobile Safari/537.36 OPR/76.2.4027.73374"},
    {"Opera Mini", "Android", "mobile",
     "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; en) Presto/2.12.423 Version/12.16"},
    {"Samsung Internet", "Android", "mobile",
     "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
     "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36"},
    {"Internet Explorer", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"},
    {"Vivaldi", "Windows", "desktop",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " CHROME " Safari/537.36 Vivaldi/6.5.3206.39"},
    {"Amazon Silk", "Android", "tablet",
     "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/119.1.1 "
     "like Chrome/119.0.6045.66 Safari/537.36"},
};

static void calls_browsers_and_systems_as_people_do(void **state)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        const struct known *k = &known[i];
        struct arena arena = {0};
        struct agent_info info;

        /* Looked up, and from the answers kept. */
        for (int time = 0; time < 2; time++) {
            agent_look(*state, str_from(k->user_agent), STR(""), &arena, &info);
            is_str(info.browser, str_from(k->browser), k->user_agent);
            is_str(info.os, str_from(k->os), k->user_agent);
            is_str(info.device, str_from(k->device), k->user_agent);
            is_str(info.bot, STR(""), k->user_agent);
        }
        arena_free(&arena);
    }
}

static void tells_devices_by_marks_and_hint(void **state)
{
    static const struct {
        const char *device, *hint, *user_agent;
    } cases[] = {
        {"tv", "",
         "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Version/6.0 TV Safari/537.36"},
        {"tv", "",
         "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36"},
        {"tv", "?0", "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K UR3) " CHROME " Safari/537.36"},
        {"tv", "", "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7671) " CHROME " Safari/537.36"},
        {"mobile", "?1", "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Mobile Safari/537.36"},
        {"mobile", "?1", "Mozilla/5.0 (X11; Linux x86_64) " CHROME " Safari/537.36"},
        {"tablet", "?0", "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Safari/537.36"},
        {"tablet", "?0", "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Mobile Safari/537.36"},
        {"desktop", "?0", "Mozilla/5.0 (X11; Linux x86_64) " CHROME " Safari/537.36"},
        {"desktop", "?0", "Mozilla/5.0 (Windows NT 10.0) " CHROME " Mobile Safari/537.36"},
        {"mobile", "", "Mozilla/5.0 (Windows NT 10.0) " CHROME " Mobile Safari/537.36"},
        {"mobile", "1", "Mozilla/5.0 (Linux; Android 10; K) " CHROME " Mobile Safari/537.36"},
        {"desktop", "?1x", "Mozilla/5.0 (X11; Linux x86_64) " CHROME " Safari/537.36"},
        {"mobile", "?1", ""},
        {"desktop", "", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena = {0};
        struct agent_info info;

        agent_look(*state, str_from(cases[i].user_agent), str_from(cases[i].hint), &arena, &info);
        is_str(info.device, str_from(cases[i].device), cases[i].user_agent);
        arena_free(&arena);
    }
}

/* The browser found for an app that names itself, by the rule of uap-core for such apps. */
static void calls_app(struct agent *agent, const char *name, const char *expected)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct agent_families said;
    struct agent_info info;

    buf_addf(&text, "%s/12 CFNetwork/978.0.7 Darwin/18.5.0", name);
    agent_families(agent, buf_str(&text), &arena, &said);
    is_str(said.browser, str_from(name), "the rule's own");
    agent_look(agent, buf_str(&text), STR(""), &arena, &info);
    is_str(info.browser, str_from(expected), name);
    buf_release(&text);
    arena_free(&arena);
}

/* What an app puts there is kept only where it can be a name that many share. */
static void keeps_only_what_can_be_a_name(void **state)
{
    static const char forty[] = "My Very Own Application Of Forty Letters";
    static const char more[] = "My Very Own Application Of Forty-1 Letter";

    assert_int_equal(sizeof(forty) - 1, 40);
    assert_int_equal(sizeof(more) - 1, 41);
    calls_app(*state, "MyApp", "MyApp");
    calls_app(*state, "My \xc3\x84pp", "My \xc3\x84pp");
    calls_app(*state, "jane@example.org", "");
    calls_app(*state, "My\x01 App", "");
    calls_app(*state, "My\x7f App", "");
    calls_app(*state, "My \xff App", "");
    calls_app(*state, forty, forty);
    calls_app(*state, more, "");
}

/* A robot's name that ends at byte `end`. */
static size_t bot_at(struct agent *agent, size_t end)
{
    static const char start[] =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0 ";
    struct arena arena = {0};
    struct buf text = {0};
    struct agent_info info;

    buf_add(&text, str_from(start));
    while (text.len < end - strlen("Googlebot/"))
        buf_add(&text, STR("x "));
    text.len = end - strlen("Googlebot/");
    text.ptr[text.len - 1] = ' ';
    buf_add(&text, STR("Googlebot/"));
    assert_int_equal(text.len, end);
    agent_look(agent, buf_str(&text), STR(""), &arena, &info);
    buf_release(&text);
    arena_free(&arena);
    return info.bot.len;
}

static void looks_at_so_many_bytes_and_no_more(void **state)
{
    assert_true(bot_at(*state, AGENT_MAX) > 0);
    assert_true(bot_at(*state, AGENT_MAX + 8) == 0);
}

/* -- rules of the operator's ----------------------------------------------------------------- */

struct file {
    char path[64];
};

static struct file write_file(struct str text)
{
    struct file file = {"agent-rules-XXXXXX"};
    int fd = mkstemp(file.path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    assert_int_equal(close(fd), 0);
    return file;
}

static void follows_the_rules_that_the_operator_names(void **state)
{
    static const char rules[] = "user_agent_parsers:\n"
                                "  - regex: '(Our)(Browser)/(\\d+)\\.(\\d+)'\n"
                                "    family_replacement: ' $1 own $2, $9$0$'\n"
                                "    v1_replacement: '$3'\n"
                                "    v2_replacement: '$4'\n"
                                "    v3_replacement: '0'\n"
                                "  - regex: 'ourbrowser'\n"
                                "    regex_flag: 'i'\n"
                                "    family_replacement: 'Another'\n"
                                "os_parsers:\n"
                                "  - regex: '(OurOS) (\\d+)(?:\\.(\\d+)|)'\n";
    struct file file = write_file(str_from(rules));
    struct arena arena = {0};
    struct agent_families said;
    struct agent *agent;

    (void)state;
    assert_int_equal(agent_open(str_from(file.path), &agent, NULL), 0);
    agent_families(agent, STR("OurBrowser/7.8 (OurOS 3)"), &arena, &said);
    is_str(said.browser, STR("Our own Browser, $0$"), "family");
    is_str(said.browser_version[0], STR("7"), "major");
    is_str(said.browser_version[1], STR("8"), "minor");
    is_str(said.browser_version[2], STR("0"), "patch");
    is_str(said.browser_version[3], STR(""), "patch_minor");
    is_str(said.os, STR("OurOS"), "os");
    is_str(said.os_version[0], STR("3"), "os major");
    is_str(said.os_version[1], STR(""), "os minor");
    agent_families(agent, STR("OURBROWSER"), &arena, &said);
    is_str(said.browser, STR("Another"), "caseless");
    agent_families(agent, STR("Firefox/120.0 Linux"), &arena, &said);
    is_str(said.browser, STR(""), "no rule");
    is_str(said.os, STR(""), "no rule");
    agent_close(&agent);
    arena_free(&arena);
    assert_int_equal(unlink(file.path), 0);
}

static void tells_which_file_is_wrong_and_where(void **state)
{
    static const char rules[] = "user_agent_parsers:\n"
                                "  - regex: '(a'\n"
                                "os_parsers: []\n";
    struct file file = write_file(str_from(rules));
    struct agent *agent;
    struct err err = {{0}};
    char said[200];

    (void)state;
    assert_int_equal(agent_open(str_from(file.path), &agent, &err), ERR_INVALID);
    assert_null(agent);
    (void)snprintf(said, sizeof(said),
                   "%s: line 2: its regex, at byte 2: missing closing parenthesis", file.path);
    is_str(str_from(err.text), str_from(said), "regex");
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(agent_open(str_from(file.path), &agent, &err), ERR_SYSTEM);
    assert_null(agent);
    (void)snprintf(said, sizeof(said), "%s: No such file or directory", file.path);
    is_str(str_from(err.text), str_from(said), "no file");
    assert_int_equal(agent_open(STR("."), &agent, &err), ERR_SYSTEM);
    is_str(str_from(err.text), STR(".: Is a directory"), "folder");
    agent_close(&agent);
}

/* Rules, and a comment that makes the file `size` bytes long. */
static int open_of_size(size_t size)
{
    struct buf text = {0};
    struct agent *agent;

    buf_add(&text, STR("user_agent_parsers: [{regex: a}]\nos_parsers: []\n"));
    while (text.len + 1 < size) {
        size_t line = size - text.len - 1 < 1000 ? size - text.len - 1 : 1000;
        memset(buf_reserve(&text, line), '#', line);
        text.len += line;
        if (text.len + 1 < size)
            text.ptr[text.len - 1] = '\n';
    }
    buf_addc(&text, '\n');
    assert_int_equal(text.len, size);
    struct file file = write_file(buf_str(&text));
    int rc = agent_open(str_from(file.path), &agent, NULL);
    agent_close(&agent);
    buf_release(&text);
    assert_int_equal(unlink(file.path), 0);
    return rc;
}

static void takes_a_file_so_large_and_no_larger(void **state)
{
    (void)state;
    assert_int_equal(open_of_size(4 << 20), 0);
    assert_int_equal(open_of_size((4 << 20) + 1), ERR_INVALID);
}

/* -- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 300, UNKNOWN = 40 };

/* Known ones among unique ones, which push them out of the answers kept. */
static void *look_often(void *agent)
{
    struct arena arena = {0};
    size_t wrong = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        const struct known *k = &known[round % COUNT(known)];
        struct agent_info info;
        struct agent_families said;

        for (size_t i = 0; i < UNKNOWN; i++) {
            struct buf text = {0};
            buf_addf(&text, "%s %zu %p", k->user_agent, round * UNKNOWN + i, (void *)&arena);
            agent_look(agent, buf_str(&text), STR(""), &arena, &info);
            buf_release(&text);
        }
        agent_look(agent, str_from(k->user_agent), STR(""), &arena, &info);
        wrong += !str_eq(info.browser, str_from(k->browser)) || !str_eq(info.os, str_from(k->os)) ||
                 !str_eq(info.device, str_from(k->device));
        agent_families(agent, str_from(k->user_agent), &arena, &said);
        wrong += said.browser.len == 0;
        arena_reset(&arena);
    }
    arena_free(&arena);
    return wrong > 0 ? agent : NULL;
}

static void answers_many_threads_at_once(void **state)
{
    pthread_t thread[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, look_often, *state), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void closes_nothing(void **state)
{
    struct agent *none = NULL;

    (void)state;
    agent_close(&none);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_browsers_and_systems_as_people_do),
        cmocka_unit_test(tells_devices_by_marks_and_hint),
        cmocka_unit_test(keeps_only_what_can_be_a_name),
        cmocka_unit_test(looks_at_so_many_bytes_and_no_more),
        cmocka_unit_test(follows_the_rules_that_the_operator_names),
        cmocka_unit_test(tells_which_file_is_wrong_and_where),
        cmocka_unit_test(takes_a_file_so_large_and_no_larger),
        cmocka_unit_test(answers_many_threads_at_once),
        cmocka_unit_test(closes_nothing),
    };

    return cmocka_run_group_tests(tests, open_agent, close_agent);
}
