/* Personal data in text: what has to go, and what looks like it and has to stay. */
#include "event/event_internal.h"
#include "unit.h"

#include <stdio.h>

static void masks_to(const char *text, const char *expected)
{
    struct arena arena = {0};
    struct str got = mask_text(str_from(text), &arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("%s -> %.*s, not %s", text, STR_FMT(got), expected);
    arena_free(&arena);
}

static void stays(const char *text)
{
    masks_to(text, text);
}

static void masks_email_addresses(void **state)
{
    (void)state;
    masks_to("a@b.cc", "[email]");
    masks_to("/user/john.doe@example.com", "/user/[email]");
    masks_to("/user/john.doe@example.com/profile", "/user/[email]/profile");
    masks_to("Order of John_Doe+shop@mail.example.co.uk, paid", "Order of [email], paid");
    masks_to("a@b.cc d@e.ff", "[email] [email]");
    masks_to("a@b.cc,d@e.ff.", "[email],[email].");
    masks_to("<jos\xc3\xa9@ex\xc3\xa4mple.de>", "<[email]>");
    masks_to("me@example.xn--p1ai!", "[email]!");
    masks_to("x@y@example.com", "x@[email]");
    masks_to("me@2x.com", "[email]");
    masks_to("a@b.cc@d@e.ff", "[email]@[email]");
}

static void masks_encoded_email_addresses(void **state)
{
    (void)state;
    masks_to("/u/john%40example.com/x", "/u/[email]/x");
    masks_to("/u/john%2540example.com", "/u/[email]");
    masks_to("/u/john%2Bshop%40example%2Ecom?y", "/u/[email]?y");
    masks_to("/u/jos%C3%A9%40example.com", "/u/[email]");
    masks_to("/say/mail%20me%40example.com", "/say/mail%20[email]");
    masks_to("/to%3Ame%40example.com%2Fx", "/to%3A[email]%2Fx");
}

static void keeps_signs_that_make_no_address(void **state)
{
    (void)state;
    stays("@");
    stays("@name");
    stays("/@name/post");
    stays("/package/@types/node");
    stays("/lodash@4.17.21");
    stays("5 @ 3.50 each");
    stays("name@");
    stays("name@localhost");
    stays("name@.com");
    stays("name@example.c");
    stays("/maps/@52.5,13.4,15z");
    stays("/img/logo@2x.png");
    stays("/img/logo@3x.webp");
    stays("100%40");
    stays("%40%40");
    stays("50%4");
}

static void masks_long_tokens(void **state)
{
    static const char *const tokens[] = {
        "550e8400-e29b-41d4-a716-446655440000",             /* a UUID */
        "00000000-0000-0000-0000-00000000000a",             /* however regular */
        "507f1f77bcf86cd799439011",                         /* 24 hexadecimal digits */
        "D41D8CD98F00B204E9800998ECF8427E",                 /* 32 in capitals */
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c", /* 48 */
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",                       /* a ULID */
        "4eC39HqLyjWDarjtT1zdp7dc4eC39HqL",                 /* base 62 */
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", /* base64url of 32 bytes (RFC 7636, B) */
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", /* another (RFC 7636, B) */
        "FR7630006000011234567890189",                 /* an account number */
        "a1b2c3-d4e5f6-g7h8i9-j0k1",                   /* a licence key */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        char path[128];

        masks_to(tokens[i], "[token]");
        (void)snprintf(path, sizeof(path), "/reset/%s/now", tokens[i]);
        masks_to(path, "/reset/[token]/now");
        (void)snprintf(path, sizeof(path), "Key %s.", tokens[i]);
        masks_to(path, "Key [token].");
        (void)snprintf(path, sizeof(path), "/x?k=%s&y=%%20%s", tokens[i], tokens[i]);
        masks_to(path, "/x?k=[token]&y=%20[token]");
    }
}

static void keeps_the_words_around_a_token(void **state)
{
    (void)state;
    masks_to("/my-page-title-0123456789abcdef0123456789abcdef", "/my-page-title-[token]");
    masks_to("/order-550e8400-e29b-41d4-a716-446655440000-paid", "/order-[token]-paid");
    masks_to("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_[token]");
    masks_to("call-550e8400-e29b-41d4-a716-446655440000-v2", "call-[token]-v2");
    masks_to("x-v2-507f1f77bcf86cd799439011-cM-v3-end", "x-[token]-end");
}

static void masks_web_tokens_whole(void **state)
{
    (void)state;
    /* RFC 7519, 3.1 (shortened) and 6.1. */
    masks_to("/in/eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEz."
             "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk/x",
             "/in/[token]/x");
    masks_to("eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.", "[token].");
    stays("eyJ.eyJ.x");
    stays("keyJhbGciOi.html");
}

static void keeps_short_runs(void **state)
{
    (void)state;
    stays("507f1f77bcf86cd79943901"); /* 23 */
    stays("/watch/dQw4w9WgXcQ");
    stays("/t/a1b2c3d4e5f6");
}

/* "+" and "/" of base64 end a run, and an escape does: what lies between is a run of its own. */
static void masks_base64_by_its_runs(void **state)
{
    (void)state;
    stays("507f1f77bcf86cd79943901+507f1f77bcf86cd79943901/507f1f77bcf86cd79943901=");
    masks_to("507f1f77bcf86cd79943901+507f1f77bcf86cd799439011=",
             "507f1f77bcf86cd79943901+[token]=");
    stays("507f1f77bcf86cd79943901%2F507f1f77bcf86cd79943901");
}

static void keeps_ordinary_slugs(void **state)
{
    static const char *const slugs[] = {
        "/how-to-build-a-house-in-2026-with-wood",
        "/the-10-best-laptops-under-1000-euro-in-2026",
        "/blog/2026-11-22-what-we-learned-from-covid19",
        "/samsung-galaxy-s24-ultra-256gb-5g-dual-sim",
        "/dell-xps13-9310-i7-1185g7-16gb-512gb-ssd",
        "/products/apple-iPhone15-ProMax-256GB-black-titanium",
        "/thisisaverylongslugwithoutanydashes2026",
        "/thisisaverylongslugof20261122",
        "/internationalisationHandbook2",
        "/a1b2c3d4e5f6-abcdefghijkl",
        "/donaudampfschifffahrtsgesellschaftskapitaen",
        "/docs/api/getElementsByClassNameAndTagName",
        "/a-long-title-with-a-short-id-3f2a9c8b7d1e",
        "/news/some-article-about-something-1.4567890123",
        "/news/some-article-about-something-45678901234567",
        "/2026-11-22T10-05-00-000Z-report",
        "/snake_case_names_are_ok_2_and_3_and_4",
        "/------------------------a1b2",
        "/123456789012345678901234567890",
        "Pricing | Plans for 2026 - Example, Inc. (Europe)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++)
        stays(slugs[i]);
}

static void digits_of_encoded_bytes_belong_to_no_run(void **state)
{
    (void)state;
    stays("/%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82");
    stays("/caf%C3%A9-%C3%A0-la-cr%C3%A8me");
}

static void gives_the_text_itself_where_nothing_changes(void **state)
{
    struct arena arena = {0};
    struct str text = STR("/pricing");
    struct str props = STR("{\"plan\":\"pro\"}");

    (void)state;
    assert_ptr_equal(mask_text(text, &arena).ptr, text.ptr);
    assert_ptr_equal(mask_props(props, &arena).ptr, props.ptr);
    assert_int_equal(mask_text(STR(""), &arena).len, 0);
    assert_int_equal(mask_props(STR(""), &arena).len, 0);
    arena_free(&arena);
}

static void props_mask_to(const char *json, const char *expected)
{
    struct arena arena = {0};
    struct str got = mask_props(str_from(json), &arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("%s -> %.*s, not %s", json, STR_FMT(got), expected);
    arena_free(&arena);
}

static void masks_the_string_values_of_props(void **state)
{
    (void)state;
    props_mask_to("{\"a\":\"me@example.com\",\"b\":1.5,\"c\":true,\"d\":\"x\"}",
                  "{\"a\":\"[email]\",\"b\":1.5,\"c\":true,\"d\":\"x\"}");
    props_mask_to("{\"n\":7,\"key\":\"507f1f77bcf86cd799439011\"}",
                  "{\"n\":7,\"key\":\"[token]\"}");
}

static void keeps_the_names_of_props(void **state)
{
    (void)state;
    props_mask_to("{\"me@example.com\":\"me@example.com\"}", "{\"me@example.com\":\"[email]\"}");
    props_mask_to("{\"a\\\"b@example.com\":1}", "{\"a\\\"b@example.com\":1}");
}

static void keeps_the_escapes_of_props(void **state)
{
    (void)state;
    props_mask_to("{\"a\":\"\\nme@example.com\\t\"}", "{\"a\":\"\\n[email]\\t\"}");
    props_mask_to("{\"a\":\"\\\"me@example.com\\\"\"}", "{\"a\":\"\\\"[email]\\\"\"}");
    props_mask_to("{\"a\":\"\\\\me@example.com\\\\\"}", "{\"a\":\"\\\\[email]\\\\\"}");
    props_mask_to("{\"a\":\"\\u001f507f1f77bcf86cd799439011\"}", "{\"a\":\"\\u001f[token]\"}");
    props_mask_to("{\"a\":\"\\neyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ\"}",
                  "{\"a\":\"\\n[token]\"}");
    props_mask_to("{\"a\":\"x\\n\",\"b\":\",:\\\"me@example.com\"}",
                  "{\"a\":\"x\\n\",\"b\":\",:\\\"[email]\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_email_addresses),
        cmocka_unit_test(masks_encoded_email_addresses),
        cmocka_unit_test(keeps_signs_that_make_no_address),
        cmocka_unit_test(masks_long_tokens),
        cmocka_unit_test(keeps_the_words_around_a_token),
        cmocka_unit_test(masks_web_tokens_whole),
        cmocka_unit_test(keeps_short_runs),
        cmocka_unit_test(masks_base64_by_its_runs),
        cmocka_unit_test(keeps_ordinary_slugs),
        cmocka_unit_test(digits_of_encoded_bytes_belong_to_no_run),
        cmocka_unit_test(gives_the_text_itself_where_nothing_changes),
        cmocka_unit_test(masks_the_string_values_of_props),
        cmocka_unit_test(keeps_the_names_of_props),
        cmocka_unit_test(keeps_the_escapes_of_props),
    };
    return cmocka_run_group_tests_name("event_mask", tests, NULL, NULL);
}
