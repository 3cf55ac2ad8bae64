/* How rules are read: uap-core's specification for a regexes.yaml, agent/rules.h for robots. */
#include "agent/rules.h"
#include "test_agent_support.h"

static void reads_both_lists_of_a_file(void **state)
{
    static const char text[] = "# rules\n"
                               "user_agent_parsers:\n"
                               "  - regex: '(Lynx)/(\\d+)'\n"
                               "  - regex: \"(Links)\\\\s\"\n"
                               "    regex_flag: 'i'\n"
                               "    family_replacement: 'Links $1'\n"
                               "    v1_replacement: ''\n"
                               "    v2_replacement: '7'\n"
                               "device_parsers:\n"
                               "  - nonsense\n"
                               "os_parsers:\n"
                               "  - regex: '(Plan 9)'\n"
                               "    os_v3_replacement: '$2'\n"
                               "    os_v4_replacement: 'x'\n";
    struct arena arena = {0};
    struct rules rules;

    (void)state;
    assert_int_equal(rules_read_names(str_from(text), &arena, &rules, NULL), 0);
    assert_int_equal(rules.split, 2);
    assert_int_equal(rules.count, 3);
    is_str(rules.rule[0].regex, STR("(Lynx)/(\\d+)"), "single quotes");
    assert_false(rules.rule[0].caseless);
    assert_int_equal(rules.rule[0].line, 3);
    assert_null(rules.rule[0].text[0].ptr);
    is_str(rules.rule[1].regex, STR("(Links)\\s"), "double quotes");
    assert_true(rules.rule[1].caseless);
    is_str(rules.rule[1].text[0], STR("Links $1"), "family");
    assert_non_null(rules.rule[1].text[1].ptr);
    is_str(rules.rule[1].text[1], STR(""), "an empty text is one");
    is_str(rules.rule[1].text[2], STR("7"), "v2");
    assert_null(rules.rule[1].text[3].ptr);
    is_str(rules.rule[2].text[3], STR("$2"), "os_v3");
    is_str(rules.rule[2].text[4], STR("x"), "os_v4");
    assert_int_equal(rules.rule[2].line, 12);
    arena_free(&arena);
}

static void tells_what_is_wrong_and_where(void **state)
{
    static const char os[] = "os_parsers:\n  - regex: 'x'\n";
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "it has no user_agent_parsers"},
        {"- a\n", "it has no user_agent_parsers"},
        {"user_agent_parsers: []\n", "it has no os_parsers"},
        {"user_agent_parsers:\n  - regex: 'x\n", "line 3: found unexpected end of stream"},
        {"user_agent_parsers: x\n", "line 1: user_agent_parsers is no list"},
        {"user_agent_parsers:\n  - regex: 'x'\n  - y\n",
         "line 3: a rule of user_agent_parsers is no mapping"},
        {"user_agent_parsers:\n  - family_replacement: 'x'\n", "line 2: the rule has no regex"},
        {"user_agent_parsers:\n  - regex: ''\n", "line 2: the rule has no regex"},
        {"user_agent_parsers:\n  - regex: [a]\n", "line 2: regex is no text"},
        {"user_agent_parsers:\n  - regex: \"a\\0b\"\n",
         "line 2: regex is longer than 8192 bytes or holds a NUL"},
        {"user_agent_parsers:\n  - regex: 'x'\n    v1_replacement: {a: b}\n",
         "line 3: v1_replacement is no text"},
        {"user_agent_parsers:\n  - regex: 'x'\n    regex_flag: 'x'\n",
         "line 2: regex_flag is \"x\"; only \"i\" is known"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena = {0};
        struct buf text = {0};
        struct rules rules;
        struct err err = {{0}};

        buf_add(&text, str_from(cases[i].text));
        if (i > 3)
            buf_add(&text, str_from(os));
        assert_int_equal(rules_read_names(buf_str(&text), &arena, &rules, &err), ERR_INVALID);
        is_str(str_from(err.text), str_from(cases[i].said), cases[i].text);
        buf_release(&text);
        arena_free(&arena);
    }
}

/* A file of two browsers' rules less than `count`, and two systems'. */
static int read_many(size_t count, struct err *err)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct rules rules;

    buf_add(&text, STR("os_parsers: [{regex: a}, {regex: b}]\nuser_agent_parsers:\n"));
    for (size_t i = 2; i < count; i++)
        buf_addf(&text, "- regex: r%zu\n", i);
    int rc = rules_read_names(buf_str(&text), &arena, &rules, err);
    if (rc == 0)
        assert_int_equal(rules.count, count);
    buf_release(&text);
    arena_free(&arena);
    return rc;
}

static void takes_so_many_names_and_no_more(void **state)
{
    struct err err = {{0}};

    (void)state;
    assert_int_equal(read_many(RULES_MAX, &err), 0);
    assert_int_equal(read_many(RULES_MAX + 1, &err), ERR_INVALID);
    is_str(str_from(err.text), STR("8193 rules; from 1 to 8192 can be used"), "one too many");
}

static void refuses_a_file_without_any_rule(void **state)
{
    struct arena arena = {0};
    struct rules rules;
    struct err err = {{0}};

    (void)state;
    assert_int_equal(
        rules_read_names(STR("user_agent_parsers: []\nos_parsers: []\n"), &arena, &rules, &err),
        ERR_INVALID);
    is_str(str_from(err.text), STR("0 rules; from 1 to 8192 can be used"), "none");
    arena_free(&arena);
}

static int read_long(size_t bytes)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct rules rules;

    buf_add(&text, STR("os_parsers: []\nuser_agent_parsers:\n- regex: "));
    for (size_t i = 0; i < bytes; i++)
        buf_addc(&text, 'x');
    int rc = rules_read_names(buf_str(&text), &arena, &rules, NULL);
    if (rc == 0)
        assert_int_equal(rules.rule[0].regex.len, bytes);
    buf_release(&text);
    arena_free(&arena);
    return rc;
}

static void takes_a_regex_so_long_and_no_longer(void **state)
{
    (void)state;
    assert_int_equal(read_long(RULE_BYTES_MAX), 0);
    assert_int_equal(read_long(RULE_BYTES_MAX + 1), ERR_INVALID);
}

static void reads_the_lists_of_robots(void **state)
{
    struct arena arena = {0};
    struct rules rules;

    (void)state;
    assert_int_equal(
        rules_read_robots(STR("isbot\t\tcrawl\nisbot\t\t^a b\ncrawler\tseo,x\tSeoBot\n"), &arena,
                          &rules, NULL),
        0);
    assert_int_equal(rules.split, 2);
    assert_int_equal(rules.count, 3);
    assert_true(rules.rule[0].caseless);
    is_str(rules.rule[1].regex, STR("^a b"), "with a blank");
    assert_false(rules.rule[2].caseless);
    is_str(rules.rule[2].text[0], STR("seo,x"), "tags");
    assert_int_equal(rules.rule[2].line, 3);
    arena_free(&arena);
}

static void refuses_a_line_that_is_no_robot(void **state)
{
    static const char *const cases[] = {
        "isbot\t\t\n",    "isbot\n", "isbot\tx\n", "isbots\t\tx\n", "crawler\t\tx\nisbot\t\ty\n",
        "isbot\t\tx\n\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena = {0};
        struct rules rules;
        struct err err = {{0}};

        if (rules_read_robots(str_from(cases[i]), &arena, &rules, &err) != ERR_INVALID)
            fail_msg("taken: %s", cases[i]);
        assert_non_null(strstr(err.text, i < 4 ? "line 1: " : "line 2: "));
        arena_free(&arena);
    }
}

static int read_robots(size_t count)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct rules rules;

    for (size_t i = 0; i < count; i++)
        buf_add(&text, STR("isbot\t\tx\n"));
    int rc = rules_read_robots(buf_str(&text), &arena, &rules, NULL);
    buf_release(&text);
    arena_free(&arena);
    return rc;
}

static void takes_so_many_robots_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(read_robots(RULES_MAX), 0);
    assert_int_equal(read_robots(RULES_MAX + 1), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_lists_of_a_file),
        cmocka_unit_test(tells_what_is_wrong_and_where),
        cmocka_unit_test(takes_so_many_names_and_no_more),
        cmocka_unit_test(refuses_a_file_without_any_rule),
        cmocka_unit_test(takes_a_regex_so_long_and_no_longer),
        cmocka_unit_test(reads_the_lists_of_robots),
        cmocka_unit_test(refuses_a_line_that_is_no_robot),
        cmocka_unit_test(takes_so_many_robots_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
