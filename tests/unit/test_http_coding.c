/* Accept-Encoding: the examples of RFC 9110, 12.5.3, and what clients get wrong. */
#include "http/http.h"

#include "unit.h"

#include <stdio.h>

enum { ALL = 1 << CODING_BR | 1 << CODING_GZIP | 1 << CODING_IDENTITY };

struct wish {
    const char *header; /* NULL: absent */
    enum http_coding coding;
};

#define CHECK_ALL(wishes, offered) check_all(wishes, sizeof(wishes) / sizeof(wishes[0]), offered)

static void check_all(const struct wish *wishes, size_t count, unsigned offered)
{
    for (size_t i = 0; i < count; i++) {
        struct str header = {NULL, 0};

        if (wishes[i].header != NULL)
            header = str_from(wishes[i].header);
        enum http_coding coding = http_coding_choose(header, offered);

        if (coding != wishes[i].coding)
            fail_msg("\"%s\": %d, not %d", wishes[i].header, (int)coding, (int)wishes[i].coding);
    }
}

static void sends_the_plain_form_where_nothing_is_asked_for(void **state)
{
    static const struct wish wishes[] = {
        {NULL, CODING_IDENTITY},
        {"", CODING_IDENTITY},
        {" \t", CODING_IDENTITY},
        {"identity", CODING_IDENTITY},
        {"deflate, zstd", CODING_IDENTITY},
    };

    (void)state;
    CHECK_ALL(wishes, ALL);
}

static void prefers_brotli_then_gzip_where_the_client_does_not_care(void **state)
{
    static const struct wish wishes[] = {
        {"gzip, deflate, br, zstd", CODING_BR},
        {"br", CODING_BR},
        {"*", CODING_BR},
        {"gzip;q=0.5, br;q=0.5", CODING_BR},
        {"identity, gzip", CODING_GZIP},
        {"compress, gzip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
    };

    (void)state;
    CHECK_ALL(wishes, ALL);
}

static void follows_the_weights(void **state)
{
    static const struct wish wishes[] = {
        {"compress;q=0.5, gzip;q=1.0", CODING_GZIP},
        {"gzip;q=1.0, identity; q=0.5, *;q=0", CODING_GZIP},
        {"br;q=0.8, gzip;q=0.801", CODING_GZIP},
        {"br;q=0.8, gzip;q=0.8, identity", CODING_IDENTITY},
        {"br;q=0.1, *;q=0.2", CODING_GZIP},
        {"gzip;q=0.2, *;q=0.1", CODING_GZIP},
        {"gzip;q=0.001", CODING_GZIP},
    };

    (void)state;
    CHECK_ALL(wishes, ALL);
}

static void sends_nothing_that_is_refused(void **state)
{
    static const struct wish wishes[] = {
        {"br;q=0, gzip", CODING_GZIP},
        {"br;q=0.000, gzip;q=0.0", CODING_IDENTITY},
        {"br;q=0, *", CODING_GZIP},
        {"*;q=0", CODINGS},
        {"identity;q=0", CODINGS},
        {"identity;q=0, gzip;q=0.001", CODING_GZIP},
        {"*;q=0, identity", CODING_IDENTITY},
        {"gzip, x-gzip;q=0", CODING_IDENTITY},
        {"gzip;q=0, gzip", CODING_IDENTITY},
    };

    (void)state;
    CHECK_ALL(wishes, ALL);
}

static void chooses_among_what_is_offered(void **state)
{
    static const struct wish plain_only[] = {
        {"br, gzip", CODING_IDENTITY},
        {"*", CODING_IDENTITY},
        {"br, identity;q=0", CODINGS},
    };
    static const struct wish no_brotli[] = {{"br, gzip;q=0.1", CODING_GZIP}};

    (void)state;
    CHECK_ALL(plain_only, 1 << CODING_IDENTITY);
    CHECK_ALL(no_brotli, 1 << CODING_GZIP | 1 << CODING_IDENTITY);
    assert_int_equal(http_coding_choose(STR("*"), 0), CODINGS);
}

static void reads_names_in_any_case_and_with_blanks(void **state)
{
    static const struct wish wishes[] = {
        {"BR", CODING_BR},
        {"Gzip;Q=1", CODING_GZIP},
        {"\tgzip \t;\t q=0.5 ", CODING_GZIP},
        {",, gzip ,", CODING_GZIP},
        {"gzip;q=0.", CODING_IDENTITY},
        {"gzip;q=1.", CODING_GZIP},
        {"gzip;q=1.000", CODING_GZIP},
    };

    (void)state;
    CHECK_ALL(wishes, ALL);
}

static void takes_a_malformed_entry_for_none(void **state)
{
    static const char *const malformed[] = {
        "gzip;q=",
        "gzip;q",
        "gzip;",
        "gzip;q=1.001",
        "gzip;q=2",
        "gzip;q=-1",
        "gzip;q=0.0001",
        "gzip;q=1.0000",
        "gzip;q=.5",
        "gzip;q=00.5",
        "gzip;q=1e0",
        "gzip;q=abc",
        "gzip;q =0.5",
        "gzip;q= 0.5",
        "gzip;q=0.5;x",
        "gzip;level=9",
        "gzip q=1",
        "gzip br",
        "xgzip",
        "gzi",
        "gzip\x01",
        "\"gzip\"",
        "**",
        "gzip;q=0.5 x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        const struct wish alone = {malformed[i], CODING_IDENTITY};
        char beside[64];

        check_all(&alone, 1, ALL);
        (void)snprintf(beside, sizeof(beside), "%s, br;q=0, *;q=0.5", malformed[i]);
        const struct wish of_the_rest = {beside, CODING_GZIP};

        check_all(&of_the_rest, 1, ALL);
    }
    assert_int_equal(http_coding_choose((struct str){"gz\0ip", 5}, ALL), CODING_IDENTITY);
    assert_int_equal(http_coding_choose((struct str){"gzip\0", 5}, ALL), CODING_IDENTITY);
}

/* As many as a head can hold. */
static void reads_thousands_of_entries(void **state)
{
    enum { ENTRIES = 4000 };
    struct buf header = {0};

    (void)state;
    for (int i = 0; i < ENTRIES; i++)
        buf_add(&header, i % 2 == 0 ? STR("a;q=1,") : STR(","));
    buf_add(&header, STR("gzip"));
    assert_int_equal(http_coding_choose(buf_str(&header), ALL), CODING_GZIP);
    buf_release(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_the_plain_form_where_nothing_is_asked_for),
        cmocka_unit_test(prefers_brotli_then_gzip_where_the_client_does_not_care),
        cmocka_unit_test(follows_the_weights),
        cmocka_unit_test(sends_nothing_that_is_refused),
        cmocka_unit_test(chooses_among_what_is_offered),
        cmocka_unit_test(reads_names_in_any_case_and_with_blanks),
        cmocka_unit_test(takes_a_malformed_entry_for_none),
        cmocka_unit_test(reads_thousands_of_entries),
    };

    return cmocka_run_group_tests_name("http_coding", tests, NULL, NULL);
}
