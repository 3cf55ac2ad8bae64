/* The language preferred, by RFC 9110 (12.5.4: Accept-Language, 12.4.2: weights). */
#include "event/event.h"
#include "unit.h"

#include <stdio.h>

static void prefers(const char *header, const char *expected)
{
    struct arena arena = {0};
    struct str got = language_of(str_from(header), &arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("\"%s\" -> \"%.*s\", not \"%s\"", header, STR_FMT(got), expected);
    arena_free(&arena);
}

static void takes_the_primary_subtag_in_lower_case(void **state)
{
    (void)state;
    prefers("de", "de");
    prefers("de-CH", "de");
    prefers("DE-ch", "de");
    prefers("zh-Hant-TW", "zh");
    prefers("gsw-CH", "gsw");
    prefers("pt_BR", "pt");
    prefers("de-CH-1996,de;q=0.9", "de");
}

static void takes_the_highest_weight(void **state)
{
    (void)state;
    prefers("de-CH, en;q=0.8", "de");
    prefers("en;q=0.8, de", "de");
    prefers("en;q=0.8, de;q=0.9, fr;q=0.7", "de");
    prefers("en;q=0.801,de;q=0.802", "de");
    prefers("en ; q=0.5 , de ; q=0.6", "de");
    prefers("en;Q=0.5,de;Q=0.6", "de");
    prefers("en;q=0.9,de;q=1.000", "de");
}

static void takes_the_first_of_equal_weights(void **state)
{
    (void)state;
    prefers("de,en", "de");
    prefers("en;q=0.5,de;q=0.50", "en");
    prefers("en;q=1,de", "en");
}

static void takes_none_that_is_not_wanted_and_no_star(void **state)
{
    (void)state;
    prefers("*", "");
    prefers("*;q=0.5,de;q=0.1", "de");
    prefers("de;q=0", "");
    prefers("de;q=0.000,en;q=0.001", "en");
    prefers("de;q=0.", "");
}

static void passes_over_what_is_malformed(void **state)
{
    static const char *const junk[] = {
        "",          ",",         ";",       ";q=1",        "-",          "d",
        "i-klingon", "x-private", "deutsch", "german",      "de$",        "de-C\xc3\xa9",
        "d3",        "1.0",       "de;q",    "de;q=",       "de;q=2",     "de;q=1.1",
        "de;q=-1",   "de;q=0.x",  "de;q=.5", "de;q=0.5555", "de;q=1.001", "de;x=1",
        "de;q=0.5;", "de;q=1 1",  "de en",   "de;q=05",     "\xff\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        char beside[64];

        prefers(junk[i], "");
        (void)snprintf(beside, sizeof(beside), "%s,fr;q=0.1", junk[i]);
        prefers(beside, "fr");
        (void)snprintf(beside, sizeof(beside), "fr;q=0.1,%s", junk[i]);
        prefers(beside, "fr");
    }
}

static void takes_two_or_three_letters(void **state)
{
    (void)state;
    prefers("a", "");
    prefers("ab", "ab");
    prefers("abc", "abc");
    prefers("abcd", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_primary_subtag_in_lower_case),
        cmocka_unit_test(takes_the_highest_weight),
        cmocka_unit_test(takes_the_first_of_equal_weights),
        cmocka_unit_test(takes_none_that_is_not_wanted_and_no_star),
        cmocka_unit_test(passes_over_what_is_malformed),
        cmocka_unit_test(takes_two_or_three_letters),
    };
    return cmocka_run_group_tests_name("event_language", tests, NULL, NULL);
}
