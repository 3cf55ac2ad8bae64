#include "base/json.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int arena_begin(void **state)
{
    *state = calloc(1, sizeof(struct arena));
    return *state == NULL ? -1 : 0;
}

static int arena_end(void **state)
{
    arena_free(*state);
    free(*state);
    return 0;
}

static const struct json *parsed(void **state, struct str text)
{
    struct json *v = NULL;
    struct err err = {{0}};

    if (json_parse(text, 8, *state, &v, &err) < 0)
        fail_msg("%.*s: %s", STR_FMT(text), err.text);
    return v;
}

static void refused(void **state, struct str text, const char *why)
{
    struct json *v;
    struct err err = {{0}};

    if (json_parse(text, 8, *state, &v, &err) != ERR_INVALID)
        fail_msg("taken: %.*s", STR_FMT(text));
    if (strstr(err.text, why) == NULL)
        fail_msg("%.*s: \"%s\" does not say \"%s\"", STR_FMT(text), err.text, why);
}

static void reads_an_event(void **state)
{
    const struct json *v = parsed(
        state, STR(" {\"event\":\"pageview\", \"n\":-12.5e+2,\"t\":true,\"f\":false,"
                   "\"z\":null,\"list\":[1,\"two\",[]],\"props\":{\"plan\":\"pro\"}}\r\n\t"));
    static const char *const names[] = {"event", "n", "t", "f", "z", "list", "props"};

    assert_int_equal(v->type, JSON_OBJECT);
    assert_int_equal(v->count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_true(str_eq(v->members[i].name, str_from(names[i])));
    assert_true(str_eq(json_get(v, STR("event"))->text, STR("pageview")));
    assert_int_equal(json_get(v, STR("n"))->type, JSON_NUMBER);
    assert_true(str_eq(json_get(v, STR("n"))->text, STR("-12.5e+2")));
    assert_true(json_get(v, STR("t"))->boolean);
    assert_int_equal(json_get(v, STR("f"))->type, JSON_BOOL);
    assert_false(json_get(v, STR("f"))->boolean);
    assert_int_equal(json_get(v, STR("z"))->type, JSON_NULL);
    const struct json *list = json_get(v, STR("list"));

    assert_int_equal(list->type, JSON_ARRAY);
    assert_int_equal(list->count, 3);
    assert_true(str_eq(list->items[1].text, STR("two")));
    assert_int_equal(list->items[2].type, JSON_ARRAY);
    assert_int_equal(list->items[2].count, 0);
    assert_true(str_eq(json_get(json_get(v, STR("props")), STR("plan"))->text, STR("pro")));
    assert_null(json_get(v, STR("plan")));
    assert_null(json_get(v, STR("even")));
}

static void does_not_keep_the_text_it_was_given(void **state)
{
    char text[] = "{\"name\":\"value\",\"n\":12}";
    const struct json *v = parsed(state, (struct str){text, sizeof(text) - 1});

    memset(text, 'x', sizeof(text));
    assert_true(str_eq(v->members[0].name, STR("name")));
    assert_true(str_eq(v->members[0].value.text, STR("value")));
    assert_true(str_eq(v->members[1].value.text, STR("12")));
}

static void removes_escapes(void **state)
{
    const struct json *v = parsed(
        state, STR("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e4\\u20AC\\ud83d\\ude00\",\"\\\\u0000\","
                   "\"\\\\ud800\",{\"\\u0061b\":1},\"a\\\\\"]"));

    assert_true(str_eq(v->items[0].text, STR("\"\\/\b\f\n\r\t")));
    assert_true(str_eq(v->items[1].text, STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_true(str_eq(v->items[2].text, STR("\\u0000")));
    assert_true(str_eq(v->items[3].text, STR("\\ud800")));
    assert_true(str_eq(v->items[4].members[0].name, STR("ab")));
    assert_true(str_eq(v->items[5].text, STR("a\\")));
}

static void every_escaped_unit_is_read_or_refused(void **state)
{
    char text[16];

    for (unsigned unit = 0; unit <= 0xffff; unit++) {
        int len = snprintf(text, sizeof(text), "\"\\u%04x\"", unit);
        struct str s = {text, (size_t)len};

        if (unit == 0) {
            refused(state, s, "U+0000 at byte 1");
        } else if (unit >= 0xd800 && unit <= 0xdfff) {
            refused(state, s, "lone surrogate at byte 1");
        } else {
            struct str got = parsed(state, s)->text;
            const unsigned char *p = (const unsigned char *)got.ptr;
            unsigned back = got.len == 1   ? p[0]
                            : got.len == 2 ? (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU)
                            : got.len == 3
                                ? (p[0] & 0xfU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU)
                                : 0;

            assert_int_equal(back, unit);
        }
        arena_reset(*state);
    }
}

static void pairs_of_surrogates_must_be_whole(void **state)
{
    refused(state, STR("\"ab\\ud83d\""), "lone surrogate at byte 3");
    refused(state, STR("\"\\ud83dx\\ude00\""), "lone surrogate at byte 1");
    refused(state, STR("\"\\ud83d\\u0041\""), "lone surrogate at byte 1");
    refused(state, STR("\"\\ud83d\\ud83d\\ude00\""), "lone surrogate at byte 1");
    refused(state, STR("\"\\ud83d\\ude00\\ude00\""), "lone surrogate at byte 13");
    refused(state, STR("\"\\ud83d\\\\ude00\""), "lone surrogate at byte 1");
    refused(state, STR("{\"\\uDC00\":1}"), "lone surrogate at byte 2");
    refused(state, STR("\"\\\\\\u0000\""), "U+0000 at byte 3");
    assert_true(str_eq(parsed(state, STR("\"\\uDBFF\\uDFFF\""))->text, STR("\xf4\x8f\xbf\xbf")));
    assert_true(str_eq(parsed(state, STR("\"\\uD800\\uDC00\""))->text, STR("\xf0\x90\x80\x80")));
}

static void text_is_strict_utf8(void **state)
{
    const struct {
        struct str text;
        const char *why;
    } cases[] = {
        {STR("\"\xc0\xaf\""), "not UTF-8 at byte 1"},
        {STR("\"\xe0\x80\xaf\""), "not UTF-8 at byte 1"},
        {STR("\"\xed\xa0\x80\""), "not UTF-8 at byte 1"},
        {STR("\"\xed\xbf\xbf\""), "not UTF-8 at byte 1"},
        {STR("\"\xf4\x90\x80\x80\""), "not UTF-8 at byte 1"},
        {STR("\"\xf8\x88\x80\x80\x80\""), "not UTF-8 at byte 1"},
        {STR("\"\x80\""), "not UTF-8 at byte 1"},
        {STR("\"abcdefghijklmnop\xff\""), "not UTF-8 at byte 17"},
        {STR("\"\xc3\xa4\xc3\""), "not UTF-8 at byte 3"},
        {STR("\"\xe2\x82"), "not UTF-8 at byte 1"},
        {STR("\"\\\xff\""), "not UTF-8 at byte 2"},
        {STR("{\"\xff\":1}"), "not UTF-8 at byte 2"},
        {STR("\xef\xbb\xbf{}"), "error"},
        {STR("[\xc2\xa0]"), "error"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        refused(state, cases[i].text, cases[i].why);
    assert_true(str_eq(parsed(state, STR("\"z\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""))->text,
                       STR("z\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f")));
}

static void bad_bytes_are_found_at_every_place_of_a_word(void **state)
{
    char text[34];
    char why[64];

    for (size_t at = 1; at < 33; at++) {
        memset(text, 'a', sizeof(text));
        text[0] = text[33] = '"';
        text[at] = '\x1f';
        (void)snprintf(why, sizeof(why), "control character at byte %zu", at);
        refused(state, (struct str){text, sizeof(text)}, why);
        text[at] = '\xfe';
        (void)snprintf(why, sizeof(why), "not UTF-8 at byte %zu", at);
        refused(state, (struct str){text, sizeof(text)}, why);
    }
}

static void control_characters_are_refused(void **state)
{
    char text[] = "\"?\"";

    for (char c = 0; c < 0x20; c++) {
        text[1] = c;
        refused(state, (struct str){text, 3}, " at byte ");
    }
    refused(state, STR("[\0]"), "control character at byte 1");
    refused(state, STR("[1]\0"), "control character at byte 3");
    refused(state, STR("[\v1]"), "control character at byte 1");
    refused(state, STR("[\f1]"), "control character at byte 1");
}

static void refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {
        "",          " ",          "{",
        "}",         "[1",         "[1,]",
        "{\"a\"}",   "{\"a\":}",   "{\"a\":1,}",
        "{a:1}",     "{'a':1}",    "[01]",
        "[1.]",      "[.5]",       "[+1]",
        "[-]",       "[1e]",       "[0x10]",
        "[NaN]",     "[Infinity]", "nul",
        "True",      "\"",         "\"\\\"",
        "\"\\x41\"", "\"\\u12\"",  "\"\\u12g4\"",
        "\"\\",      "[1] 2",      "{} {}",
        "[1]]",      "/* */ 1",    "[1 // a\n]",
        "[1 2]",     "{\"a\" 1}",  "{1:2}",
        "[\"a\":1]", "\\u0041",    "\xe2\x82\xac",
        "1 1",       "--1",        "\"a\"b",
    };

    for (size_t i = 0; i < COUNT(bad); i++)
        refused(state, str_from(bad[i]), " at byte ");
    refused(state, (struct str){NULL, 0}, " at byte 0");
}

static void errors_name_a_byte_and_never_the_content(void **state)
{
    struct json *v;
    struct err err;

    assert_int_equal(json_parse(STR("{\"secret\":secret}"), 8, *state, &v, &err), ERR_INVALID);
    assert_null(strstr(err.text, "secret"));
    assert_non_null(strstr(err.text, " at byte 1"));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(json_parse(STR("{\"secret\":1,\"secret\":2}"), 8, *state, &v, &err),
                     ERR_INVALID);
    assert_string_equal(err.text, "a member appears twice in the object that ends at byte 23");
}

static void takes_single_values(void **state)
{
    assert_int_equal(parsed(state, STR("1"))->type, JSON_NUMBER);
    assert_true(str_eq(parsed(state, STR("-120"))->text, STR("-120")));
    assert_int_equal(parsed(state, STR("null"))->type, JSON_NULL);
    assert_int_equal(parsed(state, STR("\"\""))->type, JSON_STRING);
    assert_int_equal(parsed(state, STR("\"\""))->text.len, 0);
    assert_int_equal(parsed(state, STR("{\"\":1}"))->members[0].name.len, 0);
}

static void nests_as_deep_as_asked_and_no_deeper(void **state)
{
    struct json *v;
    struct err err;

    assert_int_equal(json_parse(STR("{\"a\":[{\"b\":[1]}]}"), 4, *state, &v, &err), 0);
    assert_int_equal(json_parse(STR("{\"a\":[{\"b\":[1]}]}"), 3, *state, &v, &err), ERR_INVALID);
    assert_string_equal(err.text, "nested too deeply at byte 12");
    assert_int_equal(json_parse(STR("1"), 0, *state, &v, &err), 0);
    assert_int_equal(json_parse(STR("[]"), 0, *state, &v, &err), ERR_INVALID);
    assert_int_equal(json_parse(STR("[[],[],{}]"), 2, *state, &v, &err), 0);
}

static void deep_texts_need_no_deep_stack(void **state)
{
    size_t len = 64 * 1024;
    char *text = malloc(len);
    struct json *v;
    struct err err;

    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(json_parse((struct str){text, len}, 4, *state, &v, &err), ERR_INVALID);
    assert_string_equal(err.text, "nested too deeply at byte 5");
    assert_int_equal(json_parse((struct str){text, len}, UINT32_MAX, *state, &v, &err),
                     ERR_INVALID);
    free(text);
}

static void no_member_may_appear_twice(void **state)
{
    refused(state, STR("{\"a\":1,\"a\":1}"), "twice");
    refused(state, STR("{\"a\":1,\"b\":2,\"\\u0061\":1}"), "twice");
    refused(state, STR("{\"x\":{\"unknown\":1,\"y\":2,\"unknown\":3}}"), "twice");
    refused(state, STR("[{},{\"\":1,\"\":2}]"), "twice");
    (void)parsed(state, STR("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"A\":2,\"ab\":3}"));
}

/* An object of `n` members k0, k1, ...; where `twice` is not n, the last is called like that one.
 */
static struct str object_of(struct buf *buf, unsigned n, unsigned twice)
{
    buf_reset(buf);
    buf_addc(buf, '{');
    for (unsigned i = 0; i < n; i++)
        buf_addf(buf, "%s\"k%u\":%u", i == 0 ? "" : ",", i + 1 == n && twice < n ? twice : i, i);
    buf_addc(buf, '}');
    return buf_str(buf);
}

static void large_objects_are_checked_too(void **state)
{
    static const unsigned sizes[] = {15, 16, 17, 18, 100, 5000};
    struct buf buf = {0};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned n = sizes[i];
        const struct json *v = parsed(state, object_of(&buf, n, n));

        assert_int_equal(v->count, n);
        assert_true(
            str_eq(v->members[n - 1].value.text, json_get(v, v->members[n - 1].name)->text));
        refused(state, object_of(&buf, n, 0), "twice");
        refused(state, object_of(&buf, n, n / 2), "twice");
        refused(state, object_of(&buf, n, n - 2), "twice");
    }
    buf_release(&buf);
}

static double cpu_seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double fastest_of_five(void **state, struct str text)
{
    double best = (double)INFINITY;

    for (int i = 0; i < 5; i++) {
        double before = cpu_seconds();

        (void)parsed(state, text);
        best = fmin(best, cpu_seconds() - before);
        arena_reset(*state);
    }
    return best;
}

/* Eight times the members take about ten times as long when sorted, 64 times when all pairs are
 * compared. */
static void many_members_do_not_take_quadratic_time(void **state)
{
    struct buf buf = {0};
    double small = fastest_of_five(state, object_of(&buf, 1000, 1000));
    double large = fastest_of_five(state, object_of(&buf, 8000, 8000));

    assert_true(large / small < 30);
    buf_release(&buf);
}

static void integers_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"1000000000000", true, 1000000000000},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;

        assert_int_equal(json_to_i64(parsed(state, str_from(cases[i].text)), &value), cases[i].ok);
        assert_int_equal(value, cases[i].value);
    }
}

static void doubles_are_finite_or_refused(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {
        {"0", true, 0},      {"-12.5e+2", true, -1250}, {"1e308", true, 1e308},
        {"1e309", false, 0}, {"-1e309", false, 0},      {"1e-400", true, 0},
        {"\"1\"", false, 0}, {"0.1", true, 0.1},
    };
    double value;

    for (size_t i = 0; i < COUNT(cases); i++) {
        value = 0;
        assert_int_equal(json_to_double(parsed(state, str_from(cases[i].text)), &value),
                         cases[i].ok);
        assert_true(value == cases[i].value);
    }
    assert_true(json_to_double(&parsed(state, STR("[1,2]"))->items[0], &value) && value == 1);
}

static void writes_what_it_was_told(void **state)
{
    struct buf buf = {0};
    struct json_out out = {.buf = &buf};

    (void)state;
    json_open(&out, '{');
    json_name(&out, STR("a\"b"));
    json_i64(&out, INT64_MIN);
    json_name(&out, STR("list"));
    json_open(&out, '[');
    json_bool(&out, true);
    json_bool(&out, false);
    json_null(&out);
    json_open(&out, '{');
    json_close(&out, '}');
    json_raw(&out, STR("[1]"));
    json_close(&out, ']');
    json_name(&out, STR("s"));
    json_str(&out, STR("x"));
    json_close(&out, '}');
    assert_true(str_eq(buf_str(&buf),
                       STR("{\"a\\\"b\":-9223372036854775808,\"list\":[true,false,null,{},[1]],"
                           "\"s\":\"x\"}")));
    buf_release(&buf);
}

static struct str quoted(struct buf *buf, struct str s)
{
    struct json_out out = {.buf = buf};

    buf_reset(buf);
    json_str(&out, s);
    return buf_str(buf);
}

static void writes_only_valid_strings(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_true(str_eq(quoted(&buf, STR("")), STR("\"\"")));
    assert_true(str_eq(quoted(&buf, STR("a\"\\/\b\f\n\r\t\x01\x1f\x7f\0z")),
                       STR("\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000z\"")));
    assert_true(
        str_eq(quoted(&buf, STR("\xc3\xa4\xf0\x9f\x98\x80")), STR("\"\xc3\xa4\xf0\x9f\x98\x80\"")));
    /* U+FFFD stands for each byte that is not UTF-8. */
    assert_true(str_eq(quoted(&buf, STR("a\xff\xc3z\xc3")),
                       STR("\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\"")));
    buf_release(&buf);
}

static struct str rate(struct buf *buf, double x)
{
    struct json_out out = {.buf = buf};

    buf_reset(buf);
    json_rate(&out, x);
    return buf_str(buf);
}

static void rates_have_at_most_four_decimals(void **state)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {3, "3"},
        {0.25, "0.25"},
        {4.0 / 3, "1.3333"},
        {2.0 / 3, "0.6667"},
        {1.0 / 32, "0.0313"},
        {-1.0 / 32, "-0.0313"},
        {0.01875, "0.0188"},
        {1.00005, "1.0001"},
        {0.0001, "0.0001"},
        {0.00005, "0.0001"},
        {0.000049, "0"},
        {-0.000049, "0"},
        {-0.00005, "-0.0001"},
        {0.99995, "1"},
        {0.99994, "0.9999"},
        {9.9999, "9.9999"},
        {-12.5, "-12.5"},
        {100, "100"},
        {86400.1, "86400.1"},
        {99999999999.9375, "99999999999.9375"},
        {100000000000.03125, "100000000000.0313"},
        {-100000000000.99999, "-100000000001"},
        {9007199254740991.0, "9007199254740991"},
        {1e21, "1000000000000000000000"},
        {(double)NAN, "null"},
        {(double)INFINITY, "null"},
        {-(double)INFINITY, "null"},
    };
    struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (!str_eq(rate(&buf, cases[i].x), str_from(cases[i].text)))
            fail_msg("%.17g: %.*s", cases[i].x, STR_FMT(buf_str(&buf)));
    buf_release(&buf);
}

/* p / q to 4 decimals by whole numbers alone: 2p * 10000 + q over 2q. */
static void ratios_round_as_whole_number_arithmetic_does(void **state)
{
    struct buf buf = {0};
    char want[64];

    (void)state;
    for (unsigned q = 1; q <= 640; q++) {
        for (unsigned p = 0; p <= 2 * q + 1; p++) {
            unsigned scaled = (p * 20000 + q) / (2 * q);
            int len = snprintf(want, sizeof(want), "%u.%04u", scaled / 10000, scaled % 10000);

            while (want[len - 1] == '0')
                len--;
            len -= want[len - 1] == '.';
            if (!str_eq(rate(&buf, (double)p / q), (struct str){want, (size_t)len}))
                fail_msg("%u/%u: %.*s, not %.*s", p, q, STR_FMT(buf_str(&buf)), len, want);
        }
    }
    buf_release(&buf);
}

static void a_parsed_value_is_written_without_white_space(void **state)
{
    struct buf buf = {0};
    struct json_out out = {.buf = &buf};

    json_value(&out, parsed(state, STR(" { \"b\" : [ 1.50 , -0 , true , false , null ] ,\n \"a\" : "
                                       "{ } , \"\\u00e4\\/\" : \"\\u000a\" , \"e\":[ ] } ")));
    assert_true(str_eq(buf_str(&buf), STR("{\"b\":[1.50,-0,true,false,null],\"a\":{},"
                                          "\"\xc3\xa4/\":\"\\n\",\"e\":[]}")));
    buf_release(&buf);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, arena_begin, arena_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(reads_an_event),
        WITH_ARENA(does_not_keep_the_text_it_was_given),
        WITH_ARENA(removes_escapes),
        WITH_ARENA(every_escaped_unit_is_read_or_refused),
        WITH_ARENA(pairs_of_surrogates_must_be_whole),
        WITH_ARENA(text_is_strict_utf8),
        WITH_ARENA(bad_bytes_are_found_at_every_place_of_a_word),
        WITH_ARENA(control_characters_are_refused),
        WITH_ARENA(refuses_what_is_not_json),
        WITH_ARENA(errors_name_a_byte_and_never_the_content),
        WITH_ARENA(takes_single_values),
        WITH_ARENA(nests_as_deep_as_asked_and_no_deeper),
        WITH_ARENA(deep_texts_need_no_deep_stack),
        WITH_ARENA(no_member_may_appear_twice),
        WITH_ARENA(large_objects_are_checked_too),
        WITH_ARENA(many_members_do_not_take_quadratic_time),
        WITH_ARENA(integers_are_exact_or_refused),
        WITH_ARENA(doubles_are_finite_or_refused),
        cmocka_unit_test(writes_what_it_was_told),
        cmocka_unit_test(writes_only_valid_strings),
        cmocka_unit_test(rates_have_at_most_four_decimals),
        cmocka_unit_test(ratios_round_as_whole_number_arithmetic_does),
        WITH_ARENA(a_parsed_value_is_written_without_white_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
