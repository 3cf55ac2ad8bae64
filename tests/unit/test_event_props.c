/*
 * Properties one by one. What numbers become is what PostgreSQL 15's jsonb makes of the same ones
 * (select '{"a":1.50e1}'::jsonb), asked once and written down here.
 */
#include "base/json.h"
#include "event/event_internal.h"
#include "unit.h"

/* Each member as "name=value;". */
static int list(void *ctx, struct str name, struct str value)
{
    struct buf *out = ctx;

    buf_add(out, name);
    buf_addc(out, '=');
    buf_add(out, value);
    buf_addc(out, ';');
    return 0;
}

static void lists(const char *props, const char *expected)
{
    struct arena scratch = {0};
    struct buf out = {0};

    assert_int_equal(props_each(str_from(props), &scratch, list, &out), 0);
    if (!str_eq(buf_str(&out), str_from(expected)))
        fail_msg("%s -> %.*s, not %s", props, STR_FMT(buf_str(&out)), expected);
    buf_release(&out);
    arena_free(&scratch);
}

static void gives_texts_numbers_and_booleans(void **state)
{
    (void)state;
    lists("{\"plan\":\"pro\",\"seats\":3,\"price\":9.50,\"new\":true,\"old\":false}",
          "plan=pro;seats=3;price=9.50;new=true;old=false;");
    lists("{\"\":\"\"}", "=;");
    lists("{\"a\":\"{,}:\",\"b\":\"x\"}", "a={,}:;b=x;");
    lists("{\"a\":\"true\"}", "a=true;");
    lists("", "");
    lists("{}", "");
}

static void reads_the_spaces_of_jsonb(void **state)
{
    (void)state;
    lists("{\"new\": true, \"plan\": \"a b\", \"seats\": 3}", "new=true;plan=a b;seats=3;");
    lists("{ \"a\" : 1 , \"b\" : -2 }", "a=1;b=-2;");
    lists("{\"a\":1\n,\"b\":2\t}", "a=1;b=2;");
}

static void unescapes_names_and_texts(void **state)
{
    (void)state;
    lists("{\"a\\\"b\":\"c\\\\d\\/\"}", "a\"b=c\\d/;");
    lists("{\"a\":\"\\b\\f\\n\\r\\t\"}", "a=\b\f\n\r\t;");
    lists("{\"a\":\"x\\u001fy\\u001Fz\"}", "a=x\x1fy\x1fz;");
    lists("{\"a\":\"\\\\\",\"b\":1}", "a=\\;b=1;");
    lists("{\"\xc3\xbc\":\"\xf0\x9f\x98\x80\"}", "\xc3\xbc=\xf0\x9f\x98\x80;");
}

/* What json.h writes is read back as what was written. */
static void reads_what_is_written(void **state)
{
    struct buf text = {0}, found = {0}, expected = {0};
    struct json_out out = {.buf = &text};
    struct arena scratch = {0};

    (void)state;
    json_open(&out, '{');
    for (int c = 1; c < 128; c++) {
        char all[] = {'n', (char)c, (char)(128 - c)};
        struct str name = {all, 2}, value = {all, 3};

        json_name(&out, name);
        json_str(&out, value);
        (void)list(&expected, name, value);
    }
    json_close(&out, '}');
    assert_int_equal(props_each(buf_str(&text), &scratch, list, &found), 0);
    assert_true(str_eq(buf_str(&found), buf_str(&expected)));
    arena_free(&scratch);
    buf_release(&text);
    buf_release(&found);
    buf_release(&expected);
}

static void makes_numbers_plain_as_jsonb_does(void **state)
{
    static const char *const cases[][2] = {
        {"0", "0"},
        {"7", "7"},
        {"-7", "-7"},
        {"1.50", "1.50"},
        {"1e3", "1000"},
        {"1E+2", "100"},
        {"-0", "0"},
        {"-0.0", "0.0"},
        {"1.50e1", "15.0"},
        {"12.345e1", "123.45"},
        {"1e-7", "0.0000001"},
        {"-1.5e-3", "-0.0015"},
        {"0e5", "0"},
        {"0e-2", "0.00"},
        {"0.000e-3", "0.000000"},
        {"100e-2", "1.00"},
        {"12.5e3", "12500"},
        {"-0.5", "-0.5"},
        {"1e0", "1"},
        {"0.05e1", "0.5"},
        {"0.05e3", "50"},
        {"1e-0", "1"},
        {"-1e2", "-100"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        struct str got = number_plain(str_from(cases[i][0]), &arena);

        if (!str_eq(got, str_from(cases[i][1])))
            fail_msg("%s -> %.*s, not %s", cases[i][0], STR_FMT(got), cases[i][1]);
        arena_free(&arena);
    }
    lists("{\"a\":1e3,\"b\":-0}", "a=1000;b=0;");
}

static void leaves_numbers_that_would_be_too_long(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_int_equal(number_plain(STR("1e308"), &arena).len, 309);
    assert_int_equal(number_plain(STR("5e-324"), &arena).len, 2 + 324);
    assert_int_equal(number_plain(STR("1e511"), &arena).len, 512);
    assert_int_equal(number_plain(STR("1e512"), &arena).len, 5);
    assert_int_equal(number_plain(STR("1e-511"), &arena).len, 2 + 511);
    assert_int_equal(number_plain(STR("1e-512"), &arena).len, 6);
    assert_int_equal(number_plain(STR("1e99999999999999999999"), &arena).len, 22);
    arena_free(&arena);
}

static void ends_where_the_text_is_no_object(void **state)
{
    (void)state;
    lists("[1]", "");
    lists("{\"a\":1", "a=1;");
    lists("{\"a\":\"b", "");
    lists("{\"a", "");
    lists("{\"a\"", "");
    lists("{\"a\":", "");
    lists("{\"a\" 1}", "");
    lists("{\"a\":1 \"b\":2}", "a=1;");
    lists("{\"a\":1,", "a=1;");
    lists("{\"a\":\"\\", "");
    lists("{\"a\":\"\\x\"}", "");
    lists("{\"a\":\"\\u00", "");
    lists("{\"a\":\"\\u0080\"}", "");
    lists("{a:1}", "");
}

static int stop_at_b(void *ctx, struct str name, struct str value)
{
    (void)value;
    ++*(int *)ctx;
    return str_eq(name, STR("b")) ? -7 : 0;
}

static void stops_where_it_is_told_to(void **state)
{
    struct arena scratch = {0};
    int calls = 0;

    (void)state;
    assert_int_equal(props_each(STR("{\"a\":1,\"b\":2,\"c\":3}"), &scratch, stop_at_b, &calls), -7);
    assert_int_equal(calls, 2);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_texts_numbers_and_booleans),
        cmocka_unit_test(reads_the_spaces_of_jsonb),
        cmocka_unit_test(unescapes_names_and_texts),
        cmocka_unit_test(reads_what_is_written),
        cmocka_unit_test(makes_numbers_plain_as_jsonb_does),
        cmocka_unit_test(leaves_numbers_that_would_be_too_long),
        cmocka_unit_test(ends_where_the_text_is_no_object),
        cmocka_unit_test(stops_where_it_is_told_to),
    };
    return cmocka_run_group_tests_name("event_props", tests, NULL, NULL);
}
