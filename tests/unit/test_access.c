/*
 * test_access.c -- tokens: made once, found by hash.
 */
#include "test_store_support.h"

#include "access/access.h"

#include <sodium.h>

static int set_up(void **state)
{
    struct fixture *f = fixture_new("memory");
    struct site_row row = site_named("abc", "t5g"), foreign = site_named("xyz", "else");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &foreign, &somebody, &f->err));
    *state = f;
    return 0;
}

static int create(struct fixture *f, struct token_request request, char text[TOKEN_TEXT_MAX])
{
    return token_create(f->store, &request, &somebody, text, &f->err);
}

static void a_token_is_shown_once_and_kept_as_its_hash(void **state)
{
    struct fixture *f = *state;
    char text[TOKEN_TEXT_MAX] = "";
    uint8_t hash[TOKEN_HASH_BYTES], expected[TOKEN_HASH_BYTES];
    struct directory_rows rows;

    assert_int_equal(create(f,
                            (struct token_request){.tenant = STR("t5g"),
                                                   .site = STR("abc"),
                                                   .scopes = SCOPE_STATS_READ,
                                                   .expires_ms = 9000},
                            text),
                     0);
    assert_int_equal(strlen(text), 50);
    assert_memory_equal(text, "abacus_", 7);
    assert_int_equal(strspn(text + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
                     43);
    assert_true(token_hash(str_from(text), hash));
    assert_int_equal(crypto_generichash_blake2b(expected, 32, (const uint8_t *)text, 50, NULL, 0),
                     0);
    assert_memory_equal(hash, expected, 32);
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.tokens_count, 1);
    assert_memory_equal(rows.tokens[0].hash, hash, TOKEN_HASH_BYTES);
    assert_str(rows.tokens[0].tenant, "t5g");
    assert_str(rows.tokens[0].site, "abc");
    assert_int_equal(rows.tokens[0].scopes, SCOPE_STATS_READ);
    assert_int_equal(rows.tokens[0].created_ms, 5000);
    assert_int_equal(rows.tokens[0].expires_ms, 9000);
    assert_true(str_is_id(rows.tokens[0].id));
}

static void no_two_tokens_are_alike(void **state)
{
    struct fixture *f = *state;
    char a[TOKEN_TEXT_MAX], b[TOKEN_TEXT_MAX];
    struct token_request request = {.tenant = STR("t5g"), .scopes = SCOPE_ADMIN};

    assert_int_equal(create(f, request, a), 0);
    assert_int_equal(create(f, request, b), 0);
    assert_string_not_equal(a, b);
}

static void contradictory_requests_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[TOKEN_TEXT_MAX];
    static const struct {
        struct token_request request;
        int code;
    } cases[] = {
        {{.platform = true, .scopes = SCOPE_METRICS}, 0},
        {{.platform = true, .scopes = SCOPE_ADMIN | SCOPE_METRICS}, 0},
        {{.platform = true, .tenant = {"t5g", 3}, .scopes = SCOPE_ADMIN}, ERR_INVALID},
        {{.platform = true, .site = {"abc", 3}, .scopes = SCOPE_ADMIN}, ERR_INVALID},
        {{.scopes = SCOPE_ADMIN}, ERR_INVALID},
        {{.tenant = {"t5g", 3}, .scopes = SCOPE_ADMIN}, 0},
        {{.tenant = {"t5g", 3}, .scopes = SCOPE_METRICS}, ERR_INVALID},
        {{.tenant = {"t5g", 3}, .scopes = 0}, ERR_INVALID},
        {{.tenant = {"t5g", 3}, .scopes = 16}, ERR_INVALID},
        {{.tenant = {"none", 4}, .scopes = SCOPE_ADMIN}, ERR_NOTFOUND},
        {{.tenant = {"t5g", 3}, .site = {"none", 4}, .scopes = SCOPE_ADMIN}, ERR_NOTFOUND},
        {{.tenant = {"t5g", 3}, .site = {"xyz", 3}, .scopes = SCOPE_ADMIN}, ERR_NOTFOUND},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(create(f, cases[i].request, text), cases[i].code);
}

static void scopes_are_read_and_written_by_name(void **state)
{
    unsigned scopes = 0;
    char text[64];
    struct err err;

    (void)state;
    assert_int_equal(scopes_parse(STR("stats:read,events:write"), &scopes, &err), 0);
    assert_int_equal(scopes, SCOPE_STATS_READ | SCOPE_EVENTS_WRITE);
    assert_int_equal(scopes_parse(STR("metrics, admin"), &scopes, &err), 0);
    assert_int_equal(scopes, SCOPE_METRICS | SCOPE_ADMIN);
    scopes_format(scopes, text, sizeof(text));
    assert_string_equal(text, "admin,metrics");
    scopes_format(SCOPE_STATS_READ | SCOPE_EVENTS_WRITE | SCOPE_ADMIN | SCOPE_METRICS, text,
                  sizeof(text));
    assert_string_equal(text, "stats:read,events:write,admin,metrics");
    assert_int_equal(scopes_parse(STR(""), &scopes, &err), ERR_INVALID);
    assert_int_equal(scopes_parse(STR("admin,"), &scopes, &err), ERR_INVALID);
    assert_int_equal(scopes_parse(STR("admin,root"), &scopes, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "root"));
}

static void what_cannot_be_a_token_has_no_hash(void **state)
{
    uint8_t hash[TOKEN_HASH_BYTES];

    (void)state;
    assert_true(token_hash(STR("abacus_0123456789012345678901234567890123456789-_x"), hash));
    assert_false(token_hash(STR("abacus_0123456789012345678901234567890123456789-_"), hash));
    assert_false(token_hash(STR("abacus_0123456789012345678901234567890123456789-_xy"), hash));
    assert_false(token_hash(STR("abacus_0123456789012345678901234567890123456789-_="), hash));
    assert_false(token_hash(STR("Abacus_0123456789012345678901234567890123456789-_x"), hash));
    assert_false(token_hash(STR("abacus_012345678901234567890123456789012345678\0-_x"), hash));
    assert_false(token_hash(STR(""), hash));
}

static void a_bearer_header_gives_its_token(void **state)
{
    struct str token;

    (void)state;
    assert_true(bearer_token(STR("Bearer abc"), &token));
    assert_str(token, "abc");
    assert_true(bearer_token(STR("bEARER   abc  "), &token));
    assert_str(token, "abc");
    assert_false(bearer_token(STR("Basic abc"), &token));
    assert_false(bearer_token(STR("Bearer"), &token));
    assert_false(bearer_token(STR("Bearer  "), &token));
    assert_false(bearer_token(STR("Bearerabc"), &token));
    assert_false(bearer_token(STR(""), &token));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_shown_once_and_kept_as_its_hash),
        TEST(no_two_tokens_are_alike),
        TEST(contradictory_requests_are_refused),
        cmocka_unit_test(scopes_are_read_and_written_by_name),
        cmocka_unit_test(what_cannot_be_a_token_has_no_hash),
        cmocka_unit_test(a_bearer_header_gives_its_token),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
