#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/utf8.h"
#include "unit.h"

#include <stdio.h>

static void finds_a_byte_or_the_end(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a/b/c"), 0, '/'), 1);
    assert_int_equal(str_find(STR("a/b/c"), 2, '/'), 3);
    assert_int_equal(str_find(STR("a/b/c"), 4, '/'), 5);
    assert_int_equal(str_find(STR("abc"), 9, 'a'), 3);
    assert_int_equal(str_find(STR(""), 0, 'a'), 0);
}

static void slices_are_clamped(void **state)
{
    (void)state;
    assert_true(str_eq(str_slice(STR("abcd"), 1, 3), STR("bc")));
    assert_true(str_eq(str_slice(STR("abcd"), 2, 99), STR("cd")));
    assert_int_equal(str_slice(STR("abcd"), 9, 12).len, 0);
    assert_int_equal(str_slice(STR("abcd"), 3, 1).len, 0);
}

static void orders_bytewise_and_prefixes_first(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR("a\0b"), STR("a\0b")), 0);
    assert_true(str_cmp(STR(""), STR("a")) < 0);
}

static void ignores_only_the_case_of_ascii(void **state)
{
    (void)state;
    assert_true(str_ieq(STR("Content-Type"), STR("cONTENT-tYPE")));
    assert_false(str_ieq(STR("["), STR("{")));
    assert_false(str_ieq(STR("\xc3\x84"), STR("\xc3\xa4")));
    assert_false(str_ieq(STR("ab"), STR("abc")));
}

static void finds_a_part_in_any_case(void **state)
{
    (void)state;
    assert_true(str_icontains(STR("www.Example.com"), STR("eXAMPLE")));
    assert_true(str_icontains(STR("aab"), STR("AB")));
    assert_true(str_icontains(STR("abc"), STR("abc")));
    assert_true(str_icontains(STR("abc"), STR("")));
    assert_true(str_icontains(STR(""), STR("")));
    assert_false(str_icontains(STR("abc"), STR("abcd")));
    assert_false(str_icontains(STR(""), STR("a")));
    assert_false(str_icontains(STR("\xc3\x84"), STR("\xc3\xa4")));
}

static void trims_spaces_and_tabs(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR("\n")), STR("\n")));
    assert_int_equal(str_trim(STR("  ")).len, 0);
}

static void gives_every_piece_also_empty_ones(void **state)
{
    static const char *const pieces[] = {"a", "", "b", ""};
    struct str rest = STR("a,,b,"), piece;
    size_t n = 0;

    (void)state;
    while (str_next(&rest, ',', &piece)) {
        assert_true(n < 4);
        assert_true(str_eq(piece, str_from(pieces[n])));
        n++;
    }
    assert_int_equal(n, 4);
    rest = STR("");
    assert_true(str_next(&rest, ',', &piece));
    assert_int_equal(piece.len, 0);
    assert_false(str_next(&rest, ',', &piece));
}

static void reads_integers_to_both_limits(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"007", 7},
        {"-12", -12},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999",
    };
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(str_to_i64(str_from(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(str_to_i64(str_from(bad[i]), &value));
}

static void ids_have_1_to_64_plain_characters(void **state)
{
    char text[65];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(str_is_id((struct str){text, 64}));
    assert_false(str_is_id((struct str){text, 65}));
    assert_false(str_is_id(STR("")));
    assert_true(str_is_id(STR("aZ09_-")));
    assert_false(str_is_id(STR("a.b")));
    assert_false(str_is_id(STR("a b")));
    assert_false(str_is_id(STR("a\0")));
    assert_false(str_is_id(STR("\xc3\xa4")));
}

static void the_arena_gives_zeroed_memory_again_after_a_reset(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 40000; size *= 3) {
            unsigned char *p = arena_alloc(&arena, size, 1);

            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xaa, size);
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    assert_null(arena.head);
}

static void the_arena_keeps_copies_apart(void **state)
{
    struct arena arena = {0};
    char text[] = "abc";
    struct str a = arena_str(&arena, (struct str){text, 3});

    (void)state;
    text[0] = 'x';
    assert_true(str_eq(a, STR("abc")));
    assert_int_equal(a.ptr[3], 0);
    arena_free(&arena);
}

static void text_grows_and_keeps_what_it_has(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_str(&buf).len, 0);
    for (int i = 0; i < 1000; i++) {
        buf_addf(&buf, "%03d", i);
        buf_addc(&buf, ',');
        buf_add(&buf, STR(""));
    }
    assert_int_equal(buf.len, 4000);
    assert_true(str_eq(str_slice(buf_str(&buf), 3996, 4000), STR("999,")));
    assert_true(str_starts(buf_str(&buf), STR("000,001,")));
    buf_reset(&buf);
    assert_int_equal(buf_str(&buf).len, 0);
    buf_release(&buf);
    assert_null(buf.ptr);
}

static void errors_keep_their_code_and_gain_context(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set(&err, ERR_FULL, "disk %d", 7), ERR_FULL);
    assert_int_equal(err_wrap(&err, ERR_SYSTEM, "log"), ERR_SYSTEM);
    assert_string_equal(err.text, "log: disk 7");
    assert_int_equal(err_set(NULL, ERR_FULL, "x"), ERR_FULL);
    assert_int_equal(err_wrap(NULL, ERR_FULL, "x"), ERR_FULL);
}

static void long_errors_are_cut_not_overrun(void **state)
{
    struct err err;

    (void)state;
    (void)err_set(&err, ERR_INVALID, "%0300d", 0);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    (void)err_wrap(&err, ERR_INVALID, "context");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "context: 000", 12);
}

/* By the definition: 1 to 4 bytes, 7, 11, 16 or 21 bits. */
static size_t encode(uint32_t c, char *out)
{
    static const uint32_t limits[] = {0x80, 0x800, 0x10000};
    static const uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = 0;

    while (more < 3 && c >= limits[more])
        more++;
    for (size_t i = more; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(marks[more] | c);
    return more + 1;
}

static void every_character_but_surrogates_is_utf8(void **state)
{
    char text[4];

    (void)state;
    for (uint32_t c = 0; c < 0x110800; c++) {
        size_t len = encode(c, text);
        bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

        if (utf8_char((struct str){text, len}, 0) != (good ? len : 0))
            fail_msg("U+%X", c);
        if (len > 1 && utf8_char((struct str){text, len - 1}, 0) != 0)
            fail_msg("U+%X cut short", c);
    }
}

static void refuses_what_only_looks_like_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2(\xa1",
        "\xe2\x82(",
        "\xed\xa0\x80",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(utf8_valid(str_from(bad[i])));
    assert_true(utf8_valid(STR("")));
    assert_true(utf8_valid(STR("z\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(utf8_valid(STR("abc\xc3\xa4\xc3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_byte_or_the_end),
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(orders_bytewise_and_prefixes_first),
        cmocka_unit_test(ignores_only_the_case_of_ascii),
        cmocka_unit_test(finds_a_part_in_any_case),
        cmocka_unit_test(trims_spaces_and_tabs),
        cmocka_unit_test(gives_every_piece_also_empty_ones),
        cmocka_unit_test(reads_integers_to_both_limits),
        cmocka_unit_test(ids_have_1_to_64_plain_characters),
        cmocka_unit_test(the_arena_gives_zeroed_memory_again_after_a_reset),
        cmocka_unit_test(the_arena_keeps_copies_apart),
        cmocka_unit_test(text_grows_and_keeps_what_it_has),
        cmocka_unit_test(errors_keep_their_code_and_gain_context),
        cmocka_unit_test(long_errors_are_cut_not_overrun),
        cmocka_unit_test(every_character_but_surrogates_is_utf8),
        cmocka_unit_test(refuses_what_only_looks_like_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
