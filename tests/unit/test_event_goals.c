/* Goals: what a settings' text may say, what is refused and where, and which events meet them. */
#include "event/event.h"
#include "unit.h"

struct parsed {
    struct arena arena;
    struct goal *goals;
    size_t count;
};

static struct parsed parse(const char *json)
{
    struct parsed p = {0};
    struct err err = {0};

    if (goals_parse(str_from(json), &p.arena, &p.goals, &p.count, &err) != 0)
        fail_msg("%s: %s", json, err.text);
    return p;
}

/* Refused, and the reason begins with the place. */
static void refuses(const char *json, const char *place)
{
    struct arena arena = {0};
    struct goal *goals = NULL;
    struct err err = {0};
    size_t count = 0;

    if (goals_parse(str_from(json), &arena, &goals, &count, &err) != ERR_INVALID)
        fail_msg("%s is taken", json);
    if (!str_starts(str_from(err.text), str_from(place)))
        fail_msg("%s: %s, not %s", json, err.text, place);
    assert_int_equal(count, 0);
    arena_free(&arena);
}

static void takes(const char *json)
{
    struct parsed p = parse(json);

    arena_free(&p.arena);
}

/* -- reading -- */

static void reads_goals(void **state)
{
    struct parsed p = parse("[{\"name\":\"Signup\",\"event\":\"signup\"},"
                            "{\"name\":\"Bought\",\"path\":\"/thanks/*\","
                            "\"props\":{\"plan\":\"pro\",\"seats\":5e0,\"new\":true},"
                            "\"value\":9.5}]");

    (void)state;
    assert_int_equal(p.count, 2);
    assert_true(str_eq(p.goals[0].name, STR("Signup")));
    assert_true(str_eq(p.goals[0].event, STR("signup")));
    assert_int_equal(p.goals[0].path.len, 0);
    assert_int_equal(p.goals[0].props_count, 0);
    assert_true(p.goals[0].value == 0);
    assert_true(str_eq(p.goals[1].path, STR("/thanks/*")));
    assert_int_equal(p.goals[1].event.len, 0);
    assert_int_equal(p.goals[1].props_count, 3);
    assert_true(str_eq(p.goals[1].props[0].name, STR("plan")));
    assert_true(str_eq(p.goals[1].props[0].value, STR("pro")));
    assert_true(str_eq(p.goals[1].props[1].value, STR("5")));
    assert_true(str_eq(p.goals[1].props[2].value, STR("true")));
    assert_true(p.goals[1].value == 9.5);
    arena_free(&p.arena);
}

static void without_text_the_goal_is_a_lead(void **state)
{
    struct parsed p = parse("");

    (void)state;
    assert_int_equal(p.count, 1);
    assert_true(str_eq(p.goals[0].name, STR("lead.created")));
    assert_true(str_eq(p.goals[0].event, STR("lead.created")));
    arena_free(&p.arena);
    p = parse("[]");
    assert_int_equal(p.count, 0);
    arena_free(&p.arena);
}

static void null_counts_as_absent(void **state)
{
    struct parsed p = parse("[{\"name\":\"a\",\"event\":\"x\",\"path\":null,\"props\":null,"
                            "\"value\":null}]");

    (void)state;
    assert_int_equal(p.count, 1);
    assert_int_equal(p.goals[0].path.len, 0);
    arena_free(&p.arena);
    refuses("[{\"name\":null,\"event\":\"x\"}]", "goals[0].name: ");
}

static void names_the_place_of_what_is_wrong(void **state)
{
    (void)state;
    refuses("{", "goals: ");
    refuses("{}", "goals: ");
    refuses("null", "goals: ");
    refuses("[[[[1]]]]", "goals: ");
    refuses("[1]", "goals[0]: ");
    refuses("[{\"name\":\"a\",\"event\":\"x\"},{}]", "goals[1].name: ");
    refuses("[{\"event\":\"x\"}]", "goals[0].name: ");
    refuses("[{\"name\":1,\"event\":\"x\"}]", "goals[0].name: ");
    refuses("[{\"name\":\"\",\"event\":\"x\"}]", "goals[0].name: ");
    refuses("[{\"name\":\"a\"}]", "goals[0].event: ");
    refuses("[{\"name\":\"a\",\"event\":\"X\"}]", "goals[0].event: ");
    refuses("[{\"name\":\"a\",\"event\":\"\"}]", "goals[0].event: ");
    refuses("[{\"name\":\"a\",\"event\":5}]", "goals[0].event: ");
    refuses("[{\"name\":\"a\",\"event\":\"engagement\"}]", "goals[0].event: ");
    refuses("[{\"name\":\"a\",\"path\":\"\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"thanks\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"*\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a*\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/*/b\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a/**\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a?b=c\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a#b\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a#/b?c=d\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"path\":\"/a?c=d#/b\"}]", "goals[0].path: ");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"props\":[]}]", "goals[0].props: ");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":null}}]", "goals[0].props: p ");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":[]}}]", "goals: "); /* too deep */
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":1e999}}]", "goals[0].props: p ");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"value\":\"5\"}]", "goals[0].value: ");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"evnt\":\"y\"}]", "goals[0].evnt: ");
    takes("[{\"name\":\"a\",\"path\":\"/*\"}]");
    takes("[{\"name\":\"a\",\"path\":\"/a/*\"}]");
    takes("[{\"name\":\"a\",\"path\":\"/a#/b\"}]");
    takes("[{\"name\":\"a\",\"path\":\"/a#!b\"}]");
    takes("[{\"name\":\"a\",\"path\":\"/a#/b/*\"}]");
}

static void names_are_unique(void **state)
{
    (void)state;
    refuses("[{\"name\":\"a\",\"event\":\"x\"},{\"name\":\"b\",\"event\":\"x\"},"
            "{\"name\":\"a\",\"event\":\"y\"}]",
            "goals[2].name: ");
    takes("[{\"name\":\"a\",\"event\":\"x\"},{\"name\":\"A\",\"event\":\"x\"}]");
}

/* `count` goals g0, g1 ... */
static void add_goals(struct buf *out, int count)
{
    buf_addc(out, '[');
    for (int i = 0; i < count; i++)
        buf_addf(out, "%s{\"name\":\"g%d\",\"event\":\"x\"}", i > 0 ? "," : "", i);
    buf_add(out, (struct str){"]", 2});
}

static void there_are_at_most_50(void **state)
{
    struct buf json = {0};

    (void)state;
    add_goals(&json, 50);
    takes(json.ptr);
    buf_reset(&json);
    add_goals(&json, 51);
    refuses(json.ptr, "goals: ");
    buf_release(&json);
}

static void add_repeated(struct buf *out, char c, int times)
{
    while (times-- > 0)
        buf_addc(out, c);
}

/* A goal whose `before` and `after` enclose `len` letters. */
static void bounds(const char *before, int len, const char *after, const char *place)
{
    struct buf json = {0};

    for (int extra = 0; extra < 2; extra++) {
        buf_reset(&json);
        buf_add(&json, str_from(before));
        add_repeated(&json, 'a', len + extra);
        buf_add(&json, (struct str){after, strlen(after) + 1});
        if (extra == 0)
            takes(json.ptr);
        else
            refuses(json.ptr, place);
    }
    buf_release(&json);
}

static void texts_have_their_bounds(void **state)
{
    (void)state;
    bounds("[{\"name\":\"", 100, "\",\"event\":\"x\"}]", "goals[0].name: ");
    bounds("[{\"name\":\"n\",\"event\":\"", 64, "\"}]", "goals[0].event: ");
    bounds("[{\"name\":\"n\",\"path\":\"/", 1999, "\"}]", "goals[0].path: ");
    bounds("[{\"name\":\"n\",\"event\":\"x\",\"props\":{\"", 100, "\":1}}]", "goals[0].props: ");
    bounds("[{\"name\":\"n\",\"event\":\"x\",\"props\":{\"p\":\"", 2000, "\"}}]",
           "goals[0].props: p ");
}

static void numbers_have_their_bounds(void **state)
{
    struct buf json = {0};

    (void)state;
    takes("[{\"name\":\"a\",\"event\":\"x\",\"value\":0}]");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"value\":-0.1}]", "goals[0].value: ");
    takes("[{\"name\":\"a\",\"event\":\"x\",\"value\":1000000000000}]");
    refuses("[{\"name\":\"a\",\"event\":\"x\",\"value\":1000000000000.1}]", "goals[0].value: ");
    for (int count = 30; count <= 31; count++) {
        buf_reset(&json);
        buf_add(&json, STR("[{\"name\":\"a\",\"event\":\"x\",\"props\":{"));
        for (int i = 0; i < count; i++)
            buf_addf(&json, "%s\"p%d\":1", i > 0 ? "," : "", i);
        buf_add(&json, (struct str){"}}]", 4});
        if (count == 30)
            takes(json.ptr);
        else
            refuses(json.ptr, "goals[0].props: ");
    }
    buf_release(&json);
}

/* -- the hash -- */

static uint64_t hash_of(const char *json)
{
    struct parsed p = parse(json);
    uint64_t hash = goals_hash(p.goals, p.count);

    arena_free(&p.arena);
    return hash;
}

static void the_hash_is_that_of_names_and_rules(void **state)
{
    /* All different from each other. */
    static const char *const different[] = {
        "[]",
        "",
        "[{\"name\":\"a\",\"event\":\"x\"}]",
        "[{\"name\":\"b\",\"event\":\"x\"}]",
        "[{\"name\":\"a\",\"event\":\"y\"}]",
        "[{\"name\":\"a\",\"path\":\"/x\"}]",
        "[{\"name\":\"a\",\"event\":\"x\",\"path\":\"/x\"}]",
        "[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":\"q\"}}]",
        "[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":\"r\"}}]",
        "[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"pq\":\"\"}}]",
        "[{\"name\":\"a\",\"event\":\"x\"},{\"name\":\"b\",\"event\":\"x\"}]",
        "[{\"name\":\"b\",\"event\":\"x\"},{\"name\":\"a\",\"event\":\"x\"}]",
    };
    enum { COUNT = sizeof(different) / sizeof(different[0]) };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(hash_of(different[i]) != 0);
        for (size_t k = 0; k < i; k++)
            if (hash_of(different[i]) == hash_of(different[k]))
                fail_msg("%s, %s", different[i], different[k]);
    }
    /* The same rules, written otherwise; and what a goal is worth changes no count. */
    assert_true(hash_of("[{\"event\":\"x\", \"name\":\"a\", \"path\":null}]") ==
                hash_of("[{\"name\":\"a\",\"event\":\"x\"}]"));
    assert_true(hash_of("[{\"name\":\"a\",\"event\":\"x\",\"value\":5}]") ==
                hash_of("[{\"name\":\"a\",\"event\":\"x\"}]"));
    assert_true(hash_of("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":1e3}}]") ==
                hash_of("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"p\":1000}}]"));
    assert_true(hash_of("[{\"name\":\"lead.created\",\"event\":\"lead.created\"}]") == hash_of(""));
}

/* -- meeting them -- */

static struct event event_of(const char *name, const char *path, const char *props)
{
    return (struct event){.name = str_from(name), .path = str_from(path), .props = str_from(props)};
}

static void meets(const char *json, struct event event, uint64_t expected)
{
    struct parsed p = parse(json);
    uint64_t met = goals_met(p.goals, p.count, &event);

    if (met != expected)
        fail_msg("%s: %.*s %.*s met %llx, not %llx", json, STR_FMT(event.name), STR_FMT(event.path),
                 (unsigned long long)met, (unsigned long long)expected);
    arena_free(&p.arena);
}

static void events_meet_goals_by_name(void **state)
{
    const char *goals = "[{\"name\":\"a\",\"event\":\"signup\"},"
                        "{\"name\":\"b\",\"event\":\"pageview\"},"
                        "{\"name\":\"c\",\"event\":\"signup\"}]";

    (void)state;
    meets(goals, event_of("signup", "", ""), 5);
    meets(goals, event_of("pageview", "/", ""), 2);
    meets(goals, event_of("sign", "", ""), 0);
    meets(goals, event_of("engagement", "/", ""), 0);
    meets("", event_of("lead.created", "", ""), 1);
    meets("", event_of("pageview", "/", ""), 0);
    meets("[]", event_of("lead.created", "", ""), 0);
}

static void pageviews_meet_goals_by_path(void **state)
{
    const char *goals = "[{\"name\":\"a\",\"path\":\"/thanks\"},"
                        "{\"name\":\"b\",\"path\":\"/shop/*\"},"
                        "{\"name\":\"c\",\"path\":\"/*\"}]";

    (void)state;
    meets(goals, event_of("pageview", "/thanks", ""), 1 | 4);
    meets(goals, event_of("pageview", "/thanks?q=1", ""), 1 | 4);
    meets(goals, event_of("pageview", "/thanks/", ""), 4);
    meets(goals, event_of("pageview", "/shop/", ""), 2 | 4);
    meets(goals, event_of("pageview", "/shop/a/b", ""), 2 | 4);
    meets(goals, event_of("pageview", "/shop", ""), 4);
    meets(goals, event_of("signup", "/thanks", ""), 0);
    meets(goals, event_of("engagement", "/thanks", ""), 0);
}

static void a_path_narrows_an_event(void **state)
{
    const char *goals = "[{\"name\":\"a\",\"event\":\"signup\",\"path\":\"/shop/*\"}]";

    (void)state;
    meets(goals, event_of("signup", "/shop/a", ""), 1);
    meets(goals, event_of("signup", "/blog", ""), 0);
    meets(goals, event_of("signup", "", ""), 0);
    meets(goals, event_of("pageview", "/shop/a", ""), 0);
}

static void all_properties_have_to_be_there(void **state)
{
    const char *goals = "[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"plan\":\"pro\",\"n\":5}}]";

    (void)state;
    meets(goals, event_of("x", "", "{\"plan\":\"pro\",\"n\":5}"), 1);
    meets(goals, event_of("x", "", "{\"n\": 5, \"more\": 1, \"plan\": \"pro\"}"), 1);
    meets(goals, event_of("x", "", "{\"plan\":\"pro\",\"n\":\"5\"}"), 1); /* as texts */
    meets(goals, event_of("x", "", "{\"plan\":\"pro\",\"n\":5e0}"), 1);
    meets(goals, event_of("x", "", "{\"plan\":\"pro\"}"), 0);
    meets(goals, event_of("x", "", "{\"plan\":\"pro\",\"n\":5.0}"), 0);
    meets(goals, event_of("x", "", "{\"plan\":\"Pro\",\"n\":5}"), 0);
    meets(goals, event_of("x", "", ""), 0);
    meets("[{\"name\":\"a\",\"event\":\"x\",\"props\":{}}]", event_of("x", "", ""), 1);
    meets("[{\"name\":\"a\",\"path\":\"/t\",\"props\":{\"ok\":true}}]",
          event_of("pageview", "/t", "{\"ok\":true}"), 1);
    meets("[{\"name\":\"a\",\"event\":\"x\",\"props\":{\"a\\nb\":\"\\\"\"}}]",
          event_of("x", "", "{\"a\\nb\":\"\\\"\"}"), 1);
}

static void each_of_50_goals_has_its_bit(void **state)
{
    struct buf json = {0};

    (void)state;
    add_goals(&json, 50);
    meets(json.ptr, event_of("x", "", ""), (UINT64_C(1) << 50) - 1);
    buf_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_goals),
        cmocka_unit_test(without_text_the_goal_is_a_lead),
        cmocka_unit_test(null_counts_as_absent),
        cmocka_unit_test(names_the_place_of_what_is_wrong),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(there_are_at_most_50),
        cmocka_unit_test(texts_have_their_bounds),
        cmocka_unit_test(numbers_have_their_bounds),
        cmocka_unit_test(the_hash_is_that_of_names_and_rules),
        cmocka_unit_test(events_meet_goals_by_name),
        cmocka_unit_test(pageviews_meet_goals_by_path),
        cmocka_unit_test(a_path_narrows_an_event),
        cmocka_unit_test(all_properties_have_to_be_there),
        cmocka_unit_test(each_of_50_goals_has_its_bit),
    };
    return cmocka_run_group_tests_name("event_goals", tests, NULL, NULL);
}
