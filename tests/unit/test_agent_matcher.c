/*
 * Hyperscan and PCRE2 together give what PCRE2 alone gives that tries one rule after the other. The
 * texts are those of test_agent_cases.mjs (AGENT_CASES).
 */
#include "agent/embedded.h"
#include "agent/matcher.h"
#include "test_agent_support.h"

#include <hs.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct fixture {
    struct arena arena;
    struct rules rules;
    struct matcher *matcher;
    struct work *work;
};

static void start(struct fixture *f, struct str database)
{
    struct err err = {{0}};

    if (matcher_new(&f->rules, database, &f->matcher, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(work_new((const struct matcher *const[]){f->matcher}, 1, &f->work, &err), 0);
}

static void stop(struct fixture *f)
{
    work_free(&f->work);
    matcher_free(&f->matcher);
    assert_null(f->matcher);
    arena_free(&f->arena);
}

/* Rules of one list, a regex each. */
static void start_with(struct fixture *f, const char *const *regex, size_t count)
{
    struct rule *rule = ARENA_NEW(&f->arena, struct rule, count);

    for (size_t i = 0; i < count; i++)
        rule[i] = (struct rule){.regex = str_from(regex[i]), .line = (unsigned)i + 1};
    f->rules = (struct rules){.rule = rule, .split = count, .count = count};
    start(f, STR(""));
}

static size_t first(struct fixture *f, struct str text)
{
    matcher_scan(f->matcher, text, f->work);
    return matcher_next(f->matcher, 0, f->rules.count, f->work);
}

/* -- compared with PCRE2 alone --------------------------------------------------------------- */

static pcre2_code *compile(const struct rule *rule)
{
    int why;
    PCRE2_SIZE where;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)rule->regex.ptr, rule->regex.len,
                                     PCRE2_DOLLAR_ENDONLY | (rule->caseless ? PCRE2_CASELESS : 0),
                                     &why, &where, NULL);

    assert_non_null(code);
    return code;
}

static size_t first_by_trying(pcre2_code *const *code, size_t from, size_t to, struct str text,
                              pcre2_match_data *data)
{
    while (from < to &&
           pcre2_match(code[from], (PCRE2_SPTR)text.ptr, text.len, 0, 0, data, NULL) < 0)
        from++;
    return from;
}

/* Both lists of the set on every `step`th text. */
static void compare_with_trying(struct fixture *f, size_t step)
{
    pcre2_code **code = calloc(f->rules.count, sizeof(*code));
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    const size_t ends[] = {f->rules.split, f->rules.count};
    struct buf text = {0};
    struct str line, rest;

    assert_true(read_whole(AGENT_CASES, &text));
    for (size_t i = 0; i < f->rules.count; i++)
        code[i] = compile(&f->rules.rule[i]);
    rest = buf_str(&text);
    for (size_t n = 0; str_next(&rest, '\n', &line) && line.len > 0; n++) {
        struct str user_agent = {strrchr(arena_str(&f->arena, line).ptr, '\t') + 1, 0};

        user_agent.len = strlen(user_agent.ptr);
        if (n % step != 0)
            continue;
        matcher_scan(f->matcher, user_agent, f->work);
        for (size_t list = 0; list < 2; list++) {
            size_t from = list == 0 ? 0 : f->rules.split;
            size_t by_trying = first_by_trying(code, from, ends[list], user_agent, data);
            size_t found = matcher_next(f->matcher, from, ends[list], f->work);
            if (found != by_trying)
                fail_msg("rule %zu, by trying %zu: %s", found, by_trying, user_agent.ptr);
        }
    }
    for (size_t i = 0; i < f->rules.count; i++)
        pcre2_code_free(code[i]);
    pcre2_match_data_free(data);
    free(code);
    buf_release(&text);
}

static void finds_the_names_that_trying_each_rule_finds(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(rules_read_names(embedded_names, &f.arena, &f.rules, NULL), 0);
    start(&f, embedded_names_database);
    compare_with_trying(&f, 10);
    stop(&f);
}

static void finds_the_robots_that_trying_each_rule_finds(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(rules_read_robots(embedded_robots, &f.arena, &f.rules, NULL), 0);
    start(&f, embedded_robots_database);
    compare_with_trying(&f, 10);
    stop(&f);
}

/* -- rules of our own ------------------------------------------------------------------------ */

static void takes_the_first_of_several_that_match(void **state)
{
    static const char *const regex[] = {"^b", "a+", "ab", "b$"};
    struct fixture f = {0};

    (void)state;
    start_with(&f, regex, COUNT(regex));
    assert_int_equal(first(&f, STR("cab")), 1);
    assert_int_equal(matcher_next(f.matcher, 2, 4, f.work), 2);
    assert_int_equal(matcher_next(f.matcher, 3, 4, f.work), 3);
    assert_int_equal(matcher_next(f.matcher, 2, 3, f.work), 2);
    assert_int_equal(matcher_next(f.matcher, 3, 3, f.work), 3);
    assert_int_equal(first(&f, STR("ba")), 0);
    assert_int_equal(first(&f, STR("x")), 4);
    assert_int_equal(first(&f, STR("")), 4);
    stop(&f);
}

/* A lookbehind, a backreference, an anchor within, an empty match, a newline at the end. */
static void decides_what_hyperscan_cannot(void **state)
{
    static const struct {
        const char *regex, *match, *miss;
    } cases[] = {
        {"(?<!cu)bot", "robot", "cubot"},
        {"(a|b)\\1", "xbb", "xab"},
        {"x(?=y)", "xy", "xz"},
        {"(?>a+)b", "aab", "aac"},
        {"a(^b|c)", "ac", "ab"},
        {"a*", "", NULL},
        {"b$", "ab", "ab\n"},
        {"a.b", "acb", "a\nb"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f = {0};

        start_with(&f, &cases[i].regex, 1);
        if (first(&f, str_from(cases[i].match)) != 0)
            fail_msg("%s misses %s", cases[i].regex, cases[i].match);
        if (cases[i].miss != NULL && first(&f, str_from(cases[i].miss)) == 0)
            fail_msg("%s matches %s", cases[i].regex, cases[i].miss);
        stop(&f);
    }
}

static void captures_groups(void **state)
{
    static const char *const regex[] = {"(a)(b)?(c)()(e)(f)(g)(h)(i)(j)", "(x)(y)?(z)", "q"};
    struct fixture f = {0};

    (void)state;
    start_with(&f, regex, COUNT(regex));
    assert_int_equal(first(&f, STR("-acefghij-")), 0);
    is_str(work_capture(f.work, 0), STR("acefghij"), "all");
    is_str(work_capture(f.work, 1), STR("a"), "first");
    is_str(work_capture(f.work, 2), STR(""), "took no part");
    is_str(work_capture(f.work, 4), STR(""), "empty");
    is_str(work_capture(f.work, 9), STR("i"), "last");
    assert_int_equal(first(&f, STR("xyz")), 1);
    is_str(work_capture(f.work, 3), STR("z"), "third");
    is_str(work_capture(f.work, 4), STR(""), "of the rule before");
    assert_int_equal(first(&f, STR("q")), 2);
    is_str(work_capture(f.work, 1), STR(""), "has none");
    stop(&f);
}

/* To find that n letters match, 2 to the n ways of leaving them out are tried. */
static size_t steps_rule(unsigned n)
{
    struct fixture f = {0};
    char regex[64], text[32] = {0};
    const char *list[] = {regex, "a"};

    (void)snprintf(regex, sizeof(regex), "^(?:(a)?){%u}(a){%u}$", n, n);
    memset(text, 'a', n);
    start_with(&f, list, 2);
    size_t found = first(&f, str_from(text));
    stop(&f);
    return found;
}

static void gives_a_rule_up_that_takes_too_many_steps(void **state)
{
    (void)state;
    assert_int_equal(steps_rule(8), 0);
    assert_int_equal(steps_rule(20), 1);
}

/* `wrong` rules that look to Hyperscan as if they matched, then one that does. */
static bool finds_behind(size_t wrong)
{
    const char *regex[MATCH_TRIES + 2];
    struct fixture f = {0};

    for (size_t i = 0; i < wrong; i++)
        regex[i] = "(?<!x)ab";
    regex[wrong] = "ab";
    start_with(&f, regex, wrong + 1);
    bool found = first(&f, STR("xab")) == wrong;
    /* Each text has its own tries. */
    assert_int_equal(first(&f, STR("ab")), 0);
    stop(&f);
    return found;
}

static void gives_a_text_up_that_many_rules_nearly_match(void **state)
{
    (void)state;
    assert_true(finds_behind(MATCH_TRIES - 1));
    assert_false(finds_behind(MATCH_TRIES));
}

static void names_the_line_of_a_regex_that_is_none(void **state)
{
    struct rule rule[2] = {{.regex = STR("a"), .line = 7}, {.regex = STR("b(c"), .line = 9}};
    struct rules rules = {.rule = rule, .split = 1, .count = 2};
    struct matcher *matcher;
    struct err err = {{0}};

    (void)state;
    assert_int_equal(matcher_new(&rules, STR(""), &matcher, &err), ERR_INVALID);
    assert_null(matcher);
    is_str(str_from(err.text), STR("line 9: its regex, at byte 3: missing closing parenthesis"),
           "b(c");
}

/* -- databases ------------------------------------------------------------------------------- */

static struct buf save(const struct matcher *matcher)
{
    struct buf out = {0};

    assert_int_equal(matcher_save(matcher, &out, NULL), 0);
    return out;
}

/* Start with a database; the robots known to both must be found. */
static void works_with(const struct fixture *rules, struct str database, const struct buf *good)
{
    struct fixture f = {.rules = rules->rules};

    start(&f, database);
    assert_int_equal(first(&f, STR("a cubot")), 2);
    assert_int_equal(first(&f, STR("robot")), 0);
    struct buf again = save(f.matcher);
    assert_true(str_eq(buf_str(&again), buf_str(good)));
    buf_release(&again);
    stop(&f);
}

static void loads_what_it_saved_and_makes_anew_what_is_damaged(void **state)
{
    static const char *const regex[] = {"(?<!cu)bot", "x", "cu"};
    struct fixture f = {0};

    (void)state;
    start_with(&f, regex, COUNT(regex));
    struct buf good = save(f.matcher);
    works_with(&f, buf_str(&good), &good);
    works_with(&f, str_slice(buf_str(&good), 0, 4), &good);
    works_with(&f, str_slice(buf_str(&good), 0, 8), &good);
    works_with(&f, str_slice(buf_str(&good), 0, good.len - 1), &good);
    /* Its version, as a later Hyperscan would find it; then a bit of what it is made of. */
    for (size_t at = 8; at < good.len; at += good.len - 9) {
        good.ptr[at + 4 < good.len ? at + 4 : at] ^= 1;
        struct buf damaged = {0};
        buf_add(&damaged, buf_str(&good));
        good.ptr[at + 4 < good.len ? at + 4 : at] ^= 1;
        works_with(&f, buf_str(&damaged), &good);
        buf_release(&damaged);
    }
    buf_release(&good);
    stop(&f);
}

/* Behind the bits of rules that are always candidates. */
static void is_for_any_processor(struct str database, size_t rules)
{
    size_t bits = (rules + 63) / 64 * 8;
    char *info = NULL;

    assert_int_equal(hs_serialized_database_info(database.ptr + bits, database.len - bits, &info),
                     HS_SUCCESS);
    assert_non_null(strstr(info, "Mode: BLOCK"));
    if (strstr(info, "AVX") != NULL)
        fail_msg("%s", info);
    free(info);
}

static void carries_databases_for_any_processor(void **state)
{
    struct arena arena = {0};
    struct rules rules;

    (void)state;
    assert_int_equal(rules_read_names(embedded_names, &arena, &rules, NULL), 0);
    is_for_any_processor(embedded_names_database, rules.count);
    assert_int_equal(rules_read_robots(embedded_robots, &arena, &rules, NULL), 0);
    is_for_any_processor(embedded_robots_database, rules.count);
    arena_free(&arena);
}

static void works_where_hyperscan_takes_no_rule(void **state)
{
    static const char *const regex[] = {"^(a(?1)?b)$"};
    struct fixture f = {0};
    struct err err = {{0}};
    struct buf out = {0};

    (void)state;
    start_with(&f, regex, COUNT(regex));
    assert_int_equal(first(&f, STR("aabb")), 0);
    assert_int_equal(first(&f, STR("abb")), 1);
    assert_int_equal(matcher_save(f.matcher, &out, &err), ERR_INVALID);
    buf_release(&out);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_names_that_trying_each_rule_finds),
        cmocka_unit_test(finds_the_robots_that_trying_each_rule_finds),
        cmocka_unit_test(takes_the_first_of_several_that_match),
        cmocka_unit_test(decides_what_hyperscan_cannot),
        cmocka_unit_test(captures_groups),
        cmocka_unit_test(gives_a_rule_up_that_takes_too_many_steps),
        cmocka_unit_test(gives_a_text_up_that_many_rules_nearly_match),
        cmocka_unit_test(names_the_line_of_a_regex_that_is_none),
        cmocka_unit_test(loads_what_it_saved_and_makes_anew_what_is_damaged),
        cmocka_unit_test(carries_databases_for_any_processor),
        cmocka_unit_test(works_where_hyperscan_takes_no_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
