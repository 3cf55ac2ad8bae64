/*
 * test_access_payload.c -- Payload's token: the one shape that is taken, and the ways to forge one.
 *
 * The good token and the key were calculated with Python's hashlib, hmac and base64; the key is the
 * first 32 hex digits of the secret's SHA-256.
 */
#include "unit.h"

#include "access/payload.h"
#include "base/buf.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define CLAIMS                                                                                     \
    "eyJpZCI6NywiY29sbGVjdGlvbiI6InVzZXJzIiwiZW1haWwiOiJhbm5AZXhhbXBsZS5jb20iLCJzaWQiOiIwYjRhZTNh" \
    "NS0zZDBmLTRlNWMtOWM2OC0yZjlhOGYwZjRmMTEiLCJpYXQiOjE3MzU2ODk2MDAsImV4cCI6MTczNTY5NjgwMH0"
#define MAC "6RbCicCBRwz8OOLwoT7QRmkoiU5p3qFWVDqZmSEtb-E"

static const char good[] = HEADER "." CLAIMS "." MAC;
static const char real_key[] = "a22c9bb1a9cb5e93fd33cf465b384762";
static const char hs256[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

enum { IAT = 1735689600, EXP = 1735696800 };
#define NOW_MS (INT64_C(1000) * (IAT + 600))

static const struct payload_config users = {
    .secret = {"payload's own secret", 20},
    .collection = {"users", 5},
    .schema = {"public", 6},
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct arena));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    free(*state);
    return 0;
}

static int verify_at(struct arena *arena, struct str token, int64_t now_ms,
                     struct payload_claims *out)
{
    struct err err = {""};
    int rc = payload_verify(&users, token, now_ms, arena, out, &err);

    if (rc != 0) {
        assert_int_equal(rc, ERR_INVALID);
        assert_string_equal(err.text, "the token does not hold");
        assert_int_equal(out->id.len + out->sid.len + out->email.len, 0);
    }
    return rc;
}

static int verify(struct arena *arena, const char *token)
{
    struct payload_claims claims;

    return verify_at(arena, str_from(token), NOW_MS, &claims);
}

/* -- forging ----------------------------------------------------------------------------------- */

static void add_base64(struct buf *buf, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

    (void)sodium_bin2base64(buf_reserve(buf, room), room, bytes, len,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf->len += room - 1;
}

/* Signed as HS256 with the 32 bytes of `key`. */
static struct str forge(struct arena *arena, const char *key, struct str header, struct str claims)
{
    struct buf buf = {0};
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    add_base64(&buf, header.ptr, header.len);
    buf_addc(&buf, '.');
    add_base64(&buf, claims.ptr, claims.len);
    assert_int_equal(
        crypto_auth_hmacsha256(mac, (const uint8_t *)buf.ptr, buf.len, (const uint8_t *)key), 0);
    buf_addc(&buf, '.');
    add_base64(&buf, mac, sizeof(mac));
    struct str token = arena_str(arena, buf_str(&buf));

    buf_release(&buf);
    return token;
}

static int verify_claims(struct arena *arena, const char *claims)
{
    struct payload_claims out;

    return verify_at(arena, forge(arena, real_key, str_from(hs256), str_from(claims)), NOW_MS,
                     &out);
}

#define START "{\"id\":7,\"collection\":\"users\",\"sid\":\"s\""
#define TIMES ",\"iat\":1735689600,\"exp\":1735696800}"

static const char fine[] = START TIMES;

/* -- what is taken ----------------------------------------------------------------------------- */

static void payloads_own_token_is_taken(void **state)
{
    struct payload_claims claims;

    assert_int_equal(verify_at(*state, str_from(good), NOW_MS, &claims), 0);
    assert_true(str_eq(claims.id, STR("7")));
    assert_true(str_eq(claims.sid, STR("0b4ae3a5-3d0f-4e5c-9c68-2f9a8f0f4f11")));
    assert_true(str_eq(claims.email, STR("ann@example.com")));
    assert_int_equal(claims.expires_ms, INT64_C(1735696800000));
}

static void an_id_may_be_a_text(void **state)
{
    struct payload_claims claims;
    struct str token =
        forge(*state, real_key, str_from(hs256),
              STR("{\"id\":\"65f0\xc3\xa4\",\"collection\":\"users\",\"sid\":\"s\"" TIMES));

    assert_int_equal(verify_at(*state, token, NOW_MS, &claims), 0);
    assert_true(str_eq(claims.id, STR("65f0\xc3\xa4")));
    assert_int_equal(claims.email.len, 0);
}

static void other_claims_are_passed_over(void **state)
{
    assert_int_equal(verify_claims(*state, START ",\"role\":\"admin\",\"tenants\":[{\"id\":1}]"
                                                 ",\"_strategy\":null" TIMES),
                     0);
}

/* -- keys and algorithms ----------------------------------------------------------------------- */

static void another_key_is_refused(void **state)
{
    static const char *const keys[] = {
        "00000000000000000000000000000000",
        "a22c9bb1a9cb5e93fd33cf465b384763",
        "payload's own secret\0\0\0\0\0\0\0\0\0\0\0",
    };
    struct payload_claims out;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(verify_at(*state, forge(*state, keys[i], str_from(hs256), str_from(fine)),
                                   NOW_MS, &out),
                         ERR_INVALID);
    assert_int_equal(
        verify_at(*state, forge(*state, real_key, str_from(hs256), str_from(fine)), NOW_MS, &out),
        0);
}

/* Each is signed with the real key, so that the header alone is wrong. */
static void no_header_but_hs256_is_taken(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":null}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS256 \"}",
        "{\"alg\":\"HS256\\u0000\"}",
        "{\"alg\":\"HS384\"}",
        "{\"alg\":\"HS512\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"PS256\"}",
        "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}",
        "{\"typ\":\"JWT\"}",
        "{}",
        "[]",
        "\"HS256\"",
        "",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"}x",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"crit\":[]}",
        "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
    };
    struct payload_claims out;

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (verify_at(*state, forge(*state, real_key, str_from(headers[i]), str_from(fine)), NOW_MS,
                      &out) != ERR_INVALID)
            fail_msg("taken: %s", headers[i]);
}

/* What attackers send: the header changed, and no MAC or an old one. */
static void none_without_a_mac_is_refused(void **state)
{
    assert_int_equal(verify(*state, "eyJhbGciOiJub25lIn0." CLAIMS "."), ERR_INVALID);
    assert_int_equal(verify(*state, "eyJhbGciOiJub25lIn0." CLAIMS), ERR_INVALID);
    assert_int_equal(verify(*state, "eyJhbGciOiJub25lIn0." CLAIMS "." MAC), ERR_INVALID);
    assert_int_equal(verify(*state, HEADER "." CLAIMS "."), ERR_INVALID);
}

static void without_a_secret_or_a_collection_nothing_is_taken(void **state)
{
    struct payload_config none = users;
    struct payload_claims out;
    /* The key that an empty secret makes: SHA-256 of nothing. */
    struct str token =
        forge(*state, "e3b0c44298fc1c149afbf4c8996fb924", str_from(hs256), str_from(fine));

    none.secret = STR("");
    assert_int_equal(payload_verify(&none, token, NOW_MS, *state, &out, NULL), ERR_INVALID);
    none = users;
    none.collection = STR("");
    token = forge(*state, real_key, str_from(hs256),
                  STR("{\"id\":7,\"collection\":\"\",\"sid\":\"s\"" TIMES));
    assert_int_equal(payload_verify(&none, token, NOW_MS, *state, &out, NULL), ERR_INVALID);
}

/* -- claims ------------------------------------------------------------------------------------ */

static void claims_are_read_strictly(void **state)
{
    static const struct {
        const char *claims;
        int rc;
    } cases[] = {
        {fine, 0},
        /* the collection */
        {"{\"id\":7,\"collection\":\"admins\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"Users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"users\\u0000\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":[\"users\"],\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":null,\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"users\",\"collection\":\"users\",\"sid\":\"s\"" TIMES,
         ERR_INVALID},
        /* the person */
        {"{\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":null,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":\"\",\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":{},\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":[7],\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":true,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":-7,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":-0,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7.0,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7e0,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":07,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":0,\"collection\":\"users\",\"sid\":\"s\"" TIMES, 0},
        {"{\"id\":9223372036854775807,\"collection\":\"users\",\"sid\":\"s\"" TIMES, 0},
        {"{\"id\":9223372036854775808,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"id\":8,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"\\u0069d\":8,\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":\"\\ud800\",\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":\"\xff\",\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        {"{\"id\":\"a\\u0000b\",\"collection\":\"users\",\"sid\":\"s\"" TIMES, ERR_INVALID},
        /* the session */
        {"{\"id\":7,\"collection\":\"users\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"users\",\"sid\":\"\"" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"users\",\"sid\":7" TIMES, ERR_INVALID},
        {"{\"id\":7,\"collection\":\"users\",\"sid\":null" TIMES, ERR_INVALID},
        /* times */
        {START ",\"iat\":1735689600}", ERR_INVALID},
        {START ",\"exp\":1735696800}", 0},
        {START ",\"exp\":\"1735696800\"}", ERR_INVALID},
        {START ",\"exp\":1735696800.5}", ERR_INVALID},
        {START ",\"exp\":1.7356968e9}", ERR_INVALID},
        {START ",\"exp\":null}", ERR_INVALID},
        {START ",\"exp\":-1}", ERR_INVALID},
        {START ",\"exp\":0}", ERR_INVALID},
        {START ",\"exp\":253402300799}", 0},
        {START ",\"exp\":253402300800}", ERR_INVALID},
        {START ",\"exp\":9223372036854775807}", ERR_INVALID},
        {START ",\"exp\":99999999999999999999}", ERR_INVALID},
        {START ",\"exp\":1735696800,\"exp\":1735696800}", ERR_INVALID},
        {START ",\"iat\":\"x\",\"exp\":1735696800}", ERR_INVALID},
        {START ",\"iat\":-1,\"exp\":1735696800}", ERR_INVALID},
        {START ",\"iat\":null,\"exp\":1735696800}", ERR_INVALID},
        {START ",\"nbf\":\"x\",\"exp\":1735696800}", ERR_INVALID},
        /* the whole */
        {"[]", ERR_INVALID},
        {"null", ERR_INVALID},
        {"", ERR_INVALID},
        {"{", ERR_INVALID},
        {START TIMES "{}", ERR_INVALID},
        {START ",\"a\":[[[1]]]" TIMES, 0},
        {START ",\"a\":[[[[1]]]]" TIMES, ERR_INVALID},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (verify_claims(*state, cases[i].claims) != cases[i].rc)
            fail_msg("case %zu: %s", i, cases[i].claims);
}

static void it_ends_at_exp_with_no_grace(void **state)
{
    struct payload_claims out;

    assert_int_equal(verify_at(*state, str_from(good), INT64_C(1000) * EXP - 1, &out), 0);
    assert_int_equal(verify_at(*state, str_from(good), INT64_C(1000) * EXP, &out), ERR_INVALID);
    assert_int_equal(verify_at(*state, str_from(good), INT64_C(1000) * EXP + 1, &out), ERR_INVALID);
}

static void another_clock_may_be_a_minute_ahead(void **state)
{
    static const char nbf[] = START ",\"nbf\":1735689600,\"exp\":1735696800}";
    struct str later = forge(*state, real_key, str_from(hs256), str_from(nbf));
    struct payload_claims out;

    assert_int_equal(verify_at(*state, str_from(good), INT64_C(1000) * (IAT - 60), &out), 0);
    assert_int_equal(verify_at(*state, str_from(good), INT64_C(1000) * (IAT - 60) - 1, &out),
                     ERR_INVALID);
    assert_int_equal(verify_at(*state, later, INT64_C(1000) * (IAT - 60), &out), 0);
    assert_int_equal(verify_at(*state, later, INT64_C(1000) * (IAT - 60) - 1, &out), ERR_INVALID);
}

static void ids_have_at_most_200_bytes(void **state)
{
    char id[256], claims[1024];

    memset(id, 'a', sizeof(id));
    for (int len = 200; len <= 201; len++) {
        (void)snprintf(claims, sizeof(claims),
                       "{\"id\":\"%.*s\",\"collection\":\"users\",\"sid\":\"s\"" TIMES, len, id);
        assert_int_equal(verify_claims(*state, claims), len == 200 ? 0 : ERR_INVALID);
        (void)snprintf(claims, sizeof(claims),
                       "{\"id\":7,\"collection\":\"users\",\"sid\":\"%.*s\"" TIMES, len, id);
        assert_int_equal(verify_claims(*state, claims), len == 200 ? 0 : ERR_INVALID);
    }
}

/* -- tampering --------------------------------------------------------------------------------- */

/* The last character of the MAC has two bits over, so of its neighbours three more decode to the
 * same bytes in a reader that is not strict; they are tried like all others. */
static void no_byte_can_be_changed(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0\xff";
    struct payload_claims out;
    char copy[sizeof(good)];

    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (size_t k = 0; k < sizeof(letters) - 1; k++) {
            memcpy(copy, good, sizeof(good));
            if (copy[i] == letters[k])
                continue;
            copy[i] = letters[k];
            if (verify_at(*state, (struct str){copy, sizeof(good) - 1}, NOW_MS, &out) !=
                ERR_INVALID)
                fail_msg("byte %zu as %c is taken", i, letters[k]);
        }
        arena_reset(*state);
    }
}

static void nothing_can_be_cut_off_or_added(void **state)
{
    struct str token = str_from(good);
    struct payload_claims out;

    for (size_t len = 0; len < token.len; len++)
        assert_int_equal(verify_at(*state, str_slice(token, 0, len), NOW_MS, &out), ERR_INVALID);
    for (size_t from = 1; from < token.len; from++)
        assert_int_equal(verify_at(*state, str_slice(token, from, token.len), NOW_MS, &out),
                         ERR_INVALID);
    assert_int_equal(verify_at(*state, (struct str){good, sizeof(good)}, NOW_MS, &out),
                     ERR_INVALID);
    assert_int_equal(verify_at(*state, (struct str){0}, NOW_MS, &out), ERR_INVALID);
}

static void other_shapes_are_refused(void **state)
{
    static const char *const cases[] = {
        HEADER "." CLAIMS "." MAC "=",
        HEADER "." CLAIMS "." MAC ".",
        HEADER "." CLAIMS "." MAC "." MAC,
        HEADER "." CLAIMS "." MAC "." MAC "." MAC,
        "." HEADER "." CLAIMS "." MAC,
        HEADER ".." MAC,
        "." CLAIMS "." MAC,
        "..",
        ".",
        "...",
        " " HEADER "." CLAIMS "." MAC,
        HEADER "." CLAIMS "." MAC " ",
        HEADER "." CLAIMS ".\n" MAC,
        HEADER "\n." CLAIMS "." MAC,
        HEADER "." CLAIMS "=." MAC,
        "Bearer " HEADER "." CLAIMS "." MAC,
        /* the same MAC in the other alphabet, and with bits over: E is 000100, F 000101 */
        HEADER "." CLAIMS ".6RbCicCBRwz8OOLwoT7QRmkoiU5p3qFWVDqZmSEtb+E",
        HEADER "." CLAIMS ".6RbCicCBRwz8OOLwoT7QRmkoiU5p3qFWVDqZmSEtb-F",
        HEADER "." CLAIMS ".6RbCicCBRwz8OOLwoT7QRmkoiU5p3qFWVDqZmSEtb-G",
        HEADER "." CLAIMS ".6RbCicCBRwz8OOLwoT7QRmkoiU5p3qFWVDqZmSEtb-H",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (verify(*state, cases[i]) != ERR_INVALID)
            fail_msg("taken: %s", cases[i]);
}

/* The MAC is over the text as it was sent; a text whose base64 has padding, bits over or another
 * alphabet is refused although its MAC is right. */
static void a_part_that_is_not_canonical_is_refused_even_when_signed(void **state)
{
    static const char *const parts[] = {
        HEADER "=." CLAIMS,
        HEADER "==." CLAIMS,
        HEADER "." CLAIMS "=",
        "eyJhbGciOiJIUzI1NiJ9." CLAIMS "\n",
        "eyJhbGciOiJIUzI1NiJ9 ." CLAIMS,
        "eyJhbGciOiJIUzI1NiIgfR." CLAIMS, /* {"alg":"HS256" } with bits over: fQ is canonical */
    };
    static const char canonical[] = "eyJhbGciOiJIUzI1NiIgfQ." CLAIMS;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char text[64], token[1024];

    for (size_t i = 0; i <= sizeof(parts) / sizeof(parts[0]); i++) {
        bool last = i == sizeof(parts) / sizeof(parts[0]);
        const char *part = last ? canonical : parts[i];

        (void)crypto_auth_hmacsha256(mac, (const uint8_t *)part, strlen(part),
                                     (const uint8_t *)real_key);
        (void)sodium_bin2base64(text, sizeof(text), mac, sizeof(mac),
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        (void)snprintf(token, sizeof(token), "%s.%s", part, text);
        if (verify(*state, token) != (last ? 0 : ERR_INVALID))
            fail_msg("part %zu: %s", i, part);
    }
}

static void a_token_has_at_most_4096_bytes(void **state)
{
    struct payload_claims out;
    struct str token = {0};
    char claims[4096];

    /* The header is 36 bytes, the MAC 43, two dots: 4,015 are left, a length that base64 can have
     * (3,011 bytes), and 4,017 for one byte more. */
    for (int more = 0; more <= 1; more++) {
        int len = 3011 + more;
        int used = snprintf(claims, sizeof(claims), "%s,\"x\":\"", START);
        int left = len - used - (int)strlen("\"" TIMES);

        memset(claims + used, 'x', (size_t)left);
        (void)snprintf(claims + used + left, sizeof(claims) - (size_t)(used + left), "\"%s", TIMES);
        token = forge(*state, real_key, str_from(hs256), str_from(claims));
        assert_int_equal(token.len, more == 0 ? 4096 : 4097);
        assert_int_equal(verify_at(*state, token, NOW_MS, &out), more == 0 ? 0 : ERR_INVALID);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(payloads_own_token_is_taken),
        TEST(an_id_may_be_a_text),
        TEST(other_claims_are_passed_over),
        TEST(another_key_is_refused),
        TEST(no_header_but_hs256_is_taken),
        TEST(none_without_a_mac_is_refused),
        TEST(without_a_secret_or_a_collection_nothing_is_taken),
        TEST(claims_are_read_strictly),
        TEST(it_ends_at_exp_with_no_grace),
        TEST(another_clock_may_be_a_minute_ahead),
        TEST(ids_have_at_most_200_bytes),
        TEST(no_byte_can_be_changed),
        TEST(nothing_can_be_cut_off_or_added),
        TEST(other_shapes_are_refused),
        TEST(a_part_that_is_not_canonical_is_refused_even_when_signed),
        TEST(a_token_has_at_most_4096_bytes),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("access_payload", tests, NULL, NULL);
}
