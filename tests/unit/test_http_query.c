/* Query strings: decoding, absent and repeated parameters. */
#include "http/http.h"

#include "unit.h"

#include <stdio.h>

static int look_up(const char *query, const char *name, struct arena *arena, struct str *out)
{
    struct err err = {0};
    int rc = query_param(str_from(query), str_from(name), arena, out, &err);

    assert_true((rc < 0) == (err.text[0] != '\0'));
    return rc;
}

static void finds_and_decodes_a_value(void **state)
{
    static const struct {
        const char *query, *name, *value;
    } cases[] = {
        {"a=1", "a", "1"},
        {"a=1&b=2", "b", "2"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"a=b=c", "a", "b=c"},
        {"x=1&&a=2&", "a", "2"},
        {"a=x+y%20z", "a", "x y z"},
        {"a=%2B%26%3d%25", "a", "+&=%"},
        {"%61=1", "a", "1"},
        {"a=K%C3%B6ln", "a", "K\xc3\xb6ln"},
        {"=1", "", "1"},
    };
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str value;

        assert_int_equal(look_up(cases[i].query, cases[i].name, &arena, &value), 1);
        assert_true(str_eq(value, str_from(cases[i].value)));
    }
    arena_free(&arena);
}

static void says_when_a_parameter_is_absent(void **state)
{
    struct arena arena = {0};
    struct str value;

    (void)state;
    assert_int_equal(look_up("", "a", &arena, &value), 0);
    assert_int_equal(look_up("A=1", "a", &arena, &value), 0);
    assert_int_equal(look_up("aa=1&b=a", "a", &arena, &value), 0);
    assert_int_equal(query_param((struct str){0}, STR("a"), &arena, &value, NULL), 0);
    arena_free(&arena);
}

static void refuses_a_parameter_given_twice(void **state)
{
    struct arena arena = {0};
    struct str value;

    (void)state;
    assert_int_equal(look_up("a=1&b=2&a=1", "a", &arena, &value), ERR_INVALID);
    assert_int_equal(look_up("a=1&%61=1", "a", &arena, &value), ERR_INVALID);
    assert_int_equal(look_up("a=1&b=2&a=1", "b", &arena, &value), 1);
    arena_free(&arena);
}

static void refuses_bad_encoding_nul_and_bad_utf8(void **state)
{
    static const char *const queries[] = {
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%g1",
        "a=%00",
        "a=1%00",
        "a=%ff",
        "a=%c3",
        "a=%c0%80",
        "%=1",
        "a=%ed%a0%80",
        "a=\xff",
        "b=1&a=%f5%80%80%80",
    };
    struct arena arena = {0};
    struct str value;

    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        assert_int_equal(look_up(queries[i], "a", &arena, &value), ERR_INVALID);
    arena_free(&arena);
}

struct seen {
    char text[256];
    int stop_at;
    int calls;
};

static int note(void *ctx, struct str name, struct str value)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s:%.*s;", STR_FMT(name),
                   STR_FMT(value));
    return ++seen->calls == seen->stop_at ? 42 : 0;
}

static void walks_over_all_parameters_in_order_until_told_to_stop(void **state)
{
    struct arena arena = {0};
    struct seen all = {0}, some = {.stop_at = 2};

    (void)state;
    assert_int_equal(query_each(STR("b=1&a&c=%41&b=2"), &arena, note, &all, NULL), 0);
    assert_string_equal(all.text, "b:1;a:;c:A;b:2;");
    assert_int_equal(query_each(STR("b=1&a&c=%41&b=2"), &arena, note, &some, NULL), 42);
    assert_string_equal(some.text, "b:1;a:;");
    assert_int_equal(query_each(STR("b=1&c=%4"), &arena, note, &all, NULL), ERR_INVALID);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_and_decodes_a_value),
        cmocka_unit_test(says_when_a_parameter_is_absent),
        cmocka_unit_test(refuses_a_parameter_given_twice),
        cmocka_unit_test(refuses_bad_encoding_nul_and_bad_utf8),
        cmocka_unit_test(walks_over_all_parameters_in_order_until_told_to_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
