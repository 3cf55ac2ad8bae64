/*
 * test_access_people.c -- passwords, secrets, codes, and who tries how often.
 */
#include "unit.h"

#include "access/people.h"
#include "throttle_apart.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

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

/* -- passwords --------------------------------------------------------------------------------- */

static void a_password_has_at_least_ten_characters(void **state)
{
    struct str email = STR("ann@example.com");

    (void)state;
    assert_int_equal(password_check(STR("ten chars!"), email, NULL), 0);
    assert_int_equal(password_check(STR("nine char"), email, NULL), ERR_INVALID);
    assert_int_equal(password_check(STR(""), email, NULL), ERR_INVALID);
    /* Ten and nine characters of two bytes. */
    assert_int_equal(password_check(STR("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
                                    email, NULL),
                     0);
    assert_int_equal(password_check(STR("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
                                    email, NULL),
                     ERR_INVALID);
}

static void a_password_has_at_most_1024_bytes(void **state)
{
    char text[1025];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_int_equal(password_check((struct str){text, 1024}, STR("a@b"), NULL), 0);
    assert_int_equal(password_check((struct str){text, 1025}, STR("a@b"), NULL), ERR_INVALID);
}

static void a_password_is_utf8_and_not_the_address(void **state)
{
    struct err err = {""};

    (void)state;
    assert_int_equal(password_check(STR("0123456789\xff"), STR("a@b"), &err), ERR_INVALID);
    assert_int_equal(password_check(STR("Ann@Example.com"), STR("ann@example.com"), &err),
                     ERR_INVALID);
    assert_null(strstr(err.text, "xample"));
    assert_int_equal(password_check(STR("ann@example.com!"), STR("ann@example.com"), &err), 0);
}

static void a_password_is_kept_as_argon2id_of_64_mib_and_2_passes(void **state)
{
    struct str one, two;
    struct err err = {""};

    assert_int_equal(password_hash(STR("correct horse"), *state, &one, &err), 0);
    assert_int_equal(password_hash(STR("correct horse"), *state, &two, &err), 0);
    assert_true(str_starts(one, STR("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_false(str_eq(one, two));
    assert_true(one.len < crypto_pwhash_STRBYTES);
    assert_true(password_matches(one, STR("correct horse")));
    assert_false(password_matches(one, STR("correct horsE")));
    assert_false(password_matches(one, STR("correct horse\0")));
    assert_false(password_matches(one, STR("")));
}

static void what_is_no_argon2id_matches_nothing(void **state)
{
    char long_text[300];
    static const struct str kept[] = {
        STR_INIT(""),
        STR_INIT("secret passphrase"),
        STR_INIT("$argon2id$"),
        STR_INIT("$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"),
        STR_INIT("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        assert_false(password_matches(kept[i], STR("")));
        assert_false(password_matches(kept[i], STR("secret passphrase")));
    }
    memset(long_text, '$', sizeof(long_text));
    assert_false(password_matches((struct str){long_text, sizeof(long_text)}, STR("$")));
}

/* -- secrets ----------------------------------------------------------------------------------- */

static void a_secrets_id_is_its_blake2b_in_hex(void **state)
{
    char id[65];

    (void)state;
    assert_true(secret_id(STR("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"), id));
    /* hashlib.blake2b(..., digest_size=32) */
    assert_string_equal(id, "5de4f7533d6e6a4a5c78c1763c3cc9632c60f6707b201fcfc5206247825a129e");
}

static void no_two_secrets_are_alike(void **state)
{
    char one[SECRET_TEXT_MAX], two[SECRET_TEXT_MAX], id_one[65], id_two[65], again[65];

    (void)state;
    secret_make(one, id_one);
    secret_make(two, id_two);
    assert_int_equal(strlen(one), 43);
    assert_string_not_equal(one, two);
    assert_string_not_equal(id_one, id_two);
    assert_true(secret_id(str_from(one), again));
    assert_string_equal(id_one, again);
}

static void what_cannot_be_a_secret_has_no_id(void **state)
{
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP="),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP+"),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP\0"),
        STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP "),
    };
    char id[65];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_false(secret_id(cases[i], id));
    assert_false(secret_id((struct str){0}, id));
}

/* -- codes ------------------------------------------------------------------------------------- */

/* RFC 6238, appendix B: the secret is "12345678901234567890"; of its eight digits the last six. */
#define RFC_SECRET STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

static const struct {
    int64_t second;
    struct str code;
} rfc_codes[] = {
    {59, STR_INIT("287082")},         {1111111109, STR_INIT("081804")},
    {1111111111, STR_INIT("050471")}, {1234567890, STR_INIT("005924")},
    {2000000000, STR_INIT("279037")}, {20000000000, STR_INIT("353130")},
};

static void codes_are_those_of_rfc_6238(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rfc_codes) / sizeof(rfc_codes[0]); i++)
        assert_int_equal(
            totp_step(RFC_SECRET, rfc_codes[i].code, 0, rfc_codes[i].second * 1000 + 999),
            rfc_codes[i].second / 30);
}

static void a_code_is_good_one_step_before_and_after(void **state)
{
    const int64_t step = 1234567890 / 30, begin = step * 30000;
    const struct str code = STR("005924");

    (void)state;
    assert_int_equal(totp_step(RFC_SECRET, code, 0, begin - 30001), -1);
    assert_int_equal(totp_step(RFC_SECRET, code, 0, begin - 30000), step);
    assert_int_equal(totp_step(RFC_SECRET, code, 0, begin), step);
    assert_int_equal(totp_step(RFC_SECRET, code, 0, begin + 59999), step);
    assert_int_equal(totp_step(RFC_SECRET, code, 0, begin + 60000), -1);
}

static void a_code_is_good_once_and_none_before_it(void **state)
{
    const int64_t step = 1234567890 / 30, begin = step * 30000;
    const struct str code = STR("005924");

    (void)state;
    assert_int_equal(totp_step(RFC_SECRET, code, step - 1, begin), step);
    assert_int_equal(totp_step(RFC_SECRET, code, step, begin), -1);
    assert_int_equal(totp_step(RFC_SECRET, code, step + 1, begin), -1);
}

static void what_is_no_code_is_refused(void **state)
{
    static const struct str codes[] = {
        STR_INIT(""),        STR_INIT("5924"),    STR_INIT("05924"),    STR_INIT("0005924"),
        STR_INIT("005 924"), STR_INIT("005924 "), STR_INIT("00592a"),   STR_INIT("00592\0"),
        STR_INIT("+05924"),  STR_INIT("005925"),  STR_INIT("89005924"),
    };
    static const struct str secrets[] = {
        STR_INIT(""),
        STR_INIT("gezdgnbvgy3tqojqgezdgnbvgy3tqojq"),
        STR_INIT("GEZDGNBVGY3TQOJQ GEZDGNBVGY3TQOJQ"),
        STR_INIT("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ0"),
        STR_INIT("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ="),
    };
    const int64_t now_ms = INT64_C(1234567890) * 1000;

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(totp_step(RFC_SECRET, codes[i], 0, now_ms), -1);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        assert_int_equal(totp_step(secrets[i], STR("005924"), 0, now_ms), -1);
    assert_int_equal(totp_step(RFC_SECRET, STR("005924"), 0, -1), -1);
}

/* RFC 4226, section 4: a secret has at least 128 bits. The codes were calculated with Python's
 * hmac, of 15 and 16 bytes "A". */
static void a_secret_has_at_least_sixteen_bytes(void **state)
{
    const int64_t now_ms = INT64_C(1234567890) * 1000;

    (void)state;
    assert_int_equal(totp_step(STR("IFAUCQKBIFAUCQKBIFAUCQKB"), STR("686945"), 0, now_ms), -1);
    assert_int_equal(totp_step(STR("IFAUCQKBIFAUCQKBIFAUCQKBIE"), STR("205842"), 0, now_ms),
                     1234567890 / 30);
}

static void a_new_secret_has_twenty_bytes_of_its_own(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct str one = totp_make(*state), two = totp_make(*state);

    assert_int_equal(one.len, 32);
    assert_int_equal(strspn(one.ptr, letters), 32);
    assert_false(str_eq(one, two));
}

static void an_app_reads_the_secret_from_a_uri(void **state)
{
    struct str uri =
        totp_uri(RFC_SECRET, STR("ann+x@example.com"), STR("Abacus & Co: f\xc3\xbcr"), *state);

    assert_string_equal(uri.ptr,
                        "otpauth://totp/Abacus%20%26%20Co%3A%20f%C3%BCr:ann%2Bx%40example.com"
                        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                        "&issuer=Abacus%20%26%20Co%3A%20f%C3%BCr"
                        "&algorithm=SHA1&digits=6&period=30");
}

/* -- who tries how often ----------------------------------------------------------------------- */

enum { FIFTEEN_MINUTES = 15 * 60 * 1000 };

/* Far enough apart that everybody together is no bound. */
enum { APART = 1000 };
#define START_MS INT64_C(1700000000000)

static void fail_times(struct throttle *throttle, const char *account, const char *address,
                       size_t times, int64_t from_ms)
{
    for (size_t i = 0; i < times; i++)
        throttle_failed(throttle, str_from(account), str_from(address),
                        from_ms + (int64_t)i * APART);
}

static int64_t ask(struct throttle *throttle, const char *account, const char *address,
                   int64_t now_ms)
{
    return throttle_ask(throttle, str_from(account), str_from(address), now_ms);
}

/* Strangers to each other. */
static const char *const people[] = {"ann@b.c", "bob@b.c", "new@b.c", NULL};
static const char *const places[] = {"192.0.2.1",       "192.0.2.2",       "198.51.100.1",
                                     "2001:db8:1:2::1", "2001:db8:1:3::1", NULL};

static struct throttle *throttle_of_strangers(void)
{
    return throttle_new_apart(people, places, START_MS);
}

static void an_account_may_fail_ten_times_in_fifteen_minutes(void **state)
{
    struct throttle *throttle = throttle_of_strangers();
    char address[32];

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(address, sizeof(address), "192.0.2.%d", i);
        assert_int_equal(ask(throttle, "ann@b.c", address, START_MS + i * APART), 0);
        throttle_failed(throttle, STR("ann@b.c"), str_from(address), START_MS + i * APART);
    }
    /* From wherever, and however it is written. */
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + 9 * APART), 891);
    assert_int_equal(ask(throttle, "Ann@B.C", "198.51.100.2", START_MS + 9 * APART), 891);
    assert_int_equal(ask(throttle, "bob@b.c", "198.51.100.1", START_MS + 9 * APART), 0);
    /* The first failure is forgotten, and then the second. */
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + FIFTEEN_MINUTES - 1), 1);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + FIFTEEN_MINUTES), 0);
    throttle_failed(throttle, STR("ann@b.c"), STR("198.51.100.1"), START_MS + FIFTEEN_MINUTES);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + FIFTEEN_MINUTES), 1);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + FIFTEEN_MINUTES + APART),
                     0);
    throttle_free(&throttle);
    assert_null(throttle);
}

static void an_address_may_fail_fifty_times_in_fifteen_minutes(void **state)
{
    struct throttle *throttle = throttle_of_strangers();
    char account[32];

    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(account, sizeof(account), "p%d@b.c", i);
        assert_int_equal(ask(throttle, account, "192.0.2.1", START_MS + i * APART), 0);
        throttle_failed(throttle, str_from(account), STR("192.0.2.1"), START_MS + i * APART);
    }
    assert_int_equal(ask(throttle, "new@b.c", "192.0.2.1", START_MS + 49 * APART), 851);
    assert_int_equal(ask(throttle, "new@b.c", "::ffff:192.0.2.1", START_MS + 49 * APART), 851);
    assert_int_equal(ask(throttle, "new@b.c", "192.0.2.2", START_MS + 49 * APART), 0);
    assert_int_equal(ask(throttle, "new@b.c", "192.0.2.1", START_MS + FIFTEEN_MINUTES - 1), 1);
    assert_int_equal(ask(throttle, "new@b.c", "192.0.2.1", START_MS + FIFTEEN_MINUTES), 0);
    throttle_free(&throttle);
}

static void addresses_of_one_ipv6_64_count_together(void **state)
{
    struct throttle *throttle = throttle_of_strangers();
    char account[32], address[64];

    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(account, sizeof(account), "p%d@b.c", i);
        (void)snprintf(address, sizeof(address), "2001:db8:1:2::%x", i + 1);
        throttle_failed(throttle, str_from(account), str_from(address), START_MS);
    }
    assert_int_equal(ask(throttle, "new@b.c", "2001:db8:1:2:ffff::1", START_MS), 900);
    assert_int_equal(ask(throttle, "new@b.c", "2001:db8:1:3::1", START_MS), 0);
    throttle_free(&throttle);
}

static void success_forgets_the_accounts_failures_and_not_the_addresss(void **state)
{
    struct throttle *throttle = throttle_of_strangers();

    (void)state;
    fail_times(throttle, "ann@b.c", "192.0.2.1", 50, START_MS);
    assert_true(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + 50 * APART) > 0);
    throttle_succeeded(throttle, STR("ANN@b.c"), START_MS + 50 * APART);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + 50 * APART), 0);
    assert_true(ask(throttle, "ann@b.c", "192.0.2.1", START_MS + 50 * APART) > 0);
    fail_times(throttle, "ann@b.c", "198.51.100.1", 9, START_MS + 51 * APART);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + 60 * APART), 0);
    fail_times(throttle, "ann@b.c", "198.51.100.1", 1, START_MS + 60 * APART);
    assert_true(ask(throttle, "ann@b.c", "198.51.100.1", START_MS + 61 * APART) > 0);
    throttle_free(&throttle);
}

/* Nobody fails, nobody is the same: spread over addresses and accounts. */
static int64_t ask_as_somebody(struct throttle *throttle, int who, int64_t now_ms)
{
    char account[32], address[32];

    (void)snprintf(account, sizeof(account), "q%d@b.c", who);
    (void)snprintf(address, sizeof(address), "10.0.%d.%d", who / 250, who % 250);
    return ask(throttle, account, address, now_ms);
}

static void everybody_together_tries_twenty_times_and_five_times_a_second(void **state)
{
    struct throttle *throttle = throttle_new();
    int who = 0;

    (void)state;
    for (; who < 20; who++)
        assert_int_equal(ask_as_somebody(throttle, who, START_MS), 0);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS), 1);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS + 199), 1);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS + 200), 0);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS + 200), 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_as_somebody(throttle, who, START_MS + 1200), 0);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS + 1200), 1);
    /* Full again after four seconds, and no more than full. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask_as_somebody(throttle, who, START_MS + 3600000), 0);
    assert_int_equal(ask_as_somebody(throttle, who, START_MS + 3600000), 1);
    throttle_free(&throttle);
}

static void what_nobody_takes_does_not_add_up(void **state)
{
    struct throttle *throttle = throttle_new();

    (void)state;
    assert_int_equal(ask_as_somebody(throttle, 0, START_MS), 0);
    for (int who = 1; who <= 20; who++)
        assert_int_equal(ask_as_somebody(throttle, who, START_MS + 3999), 0);
    assert_int_equal(ask_as_somebody(throttle, 21, START_MS + 3999), 1);
    throttle_free(&throttle);
}

static void who_must_wait_takes_nothing_from_the_others(void **state)
{
    static const char *const crowd[] = {
        "ann@b.c", "q0@b.c",  "q1@b.c",  "q2@b.c",  "q3@b.c",  "q4@b.c",  "q5@b.c",  "q6@b.c",
        "q7@b.c",  "q8@b.c",  "q9@b.c",  "q10@b.c", "q11@b.c", "q12@b.c", "q13@b.c", "q14@b.c",
        "q15@b.c", "q16@b.c", "q17@b.c", "q18@b.c", "q19@b.c", NULL};
    struct throttle *throttle = throttle_new_apart(crowd, places, START_MS);
    int64_t now_ms = START_MS + 10 * APART;

    (void)state;
    fail_times(throttle, "ann@b.c", "192.0.2.1", 10, START_MS);
    for (int i = 0; i < 100; i++)
        assert_true(ask(throttle, "ann@b.c", "192.0.2.1", now_ms) > 1);
    for (int who = 0; who < 20; who++)
        assert_int_equal(ask_as_somebody(throttle, who, now_ms), 0);
    throttle_free(&throttle);
}

static void a_clock_that_goes_back_locks_nobody_out_for_long(void **state)
{
    struct throttle *throttle = throttle_new();

    (void)state;
    for (int i = 0; i < 10; i++)
        throttle_failed(throttle, STR("ann@b.c"), STR("192.0.2.1"), START_MS);
    assert_int_equal(ask(throttle, "ann@b.c", "192.0.2.1", START_MS - 1000), 900);
    assert_int_equal(ask(throttle, "ann@b.c", "192.0.2.1", START_MS - FIFTEEN_MINUTES + 1), 900);
    assert_int_equal(ask(throttle, "ann@b.c", "192.0.2.1", START_MS - FIFTEEN_MINUTES), 0);
    assert_int_equal(ask_as_somebody(throttle, 1, START_MS - 3600000), 0);
    throttle_free(&throttle);
}

/* Guessing from everywhere, as fast as everybody together may, keeps nobody else out: 4,520
 * failures in 16,384 rings put ten into one given ring once in 2e12 runs, and a thousand are asked
 * for. */
static void guessing_at_thousands_of_accounts_locks_no_other_out(void **state)
{
    struct throttle *throttle = throttle_new();
    int64_t now_ms = START_MS;
    char account[32], address[32];

    (void)state;
    for (int i = 0; i < 4520; i++) {
        (void)snprintf(account, sizeof(account), "guess%d@b.c", i);
        (void)snprintf(address, sizeof(address), "10.%d.%d.1", i / 250, i % 250);
        throttle_failed(throttle, str_from(account), str_from(address), now_ms);
    }
    for (int who = 0; who < 1000; who++)
        assert_int_equal(ask_as_somebody(throttle, who, now_ms + who * APART / 2), 0);
    throttle_free(&throttle);
}

enum { THREADS = 4 };

static void *fail_often(void *ctx)
{
    for (int i = 0; i < 200; i++) {
        (void)ask(ctx, "bob@b.c", "192.0.2.9", START_MS + i);
        throttle_failed(ctx, STR("ann@b.c"), STR("192.0.2.1"), START_MS);
        throttle_succeeded(ctx, STR("bob@b.c"), START_MS);
    }
    return NULL;
}

static void any_thread_may_ask(void **state)
{
    struct throttle *throttle = throttle_new();
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_often, throttle), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(ask(throttle, "ann@b.c", "198.51.100.1", START_MS), 900);
    assert_int_equal(ask(throttle, "new@b.c", "192.0.2.1", START_MS), 900);
    throttle_free(&throttle);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_password_has_at_least_ten_characters),
        TEST(a_password_has_at_most_1024_bytes),
        TEST(a_password_is_utf8_and_not_the_address),
        TEST(a_password_is_kept_as_argon2id_of_64_mib_and_2_passes),
        TEST(what_is_no_argon2id_matches_nothing),
        TEST(a_secrets_id_is_its_blake2b_in_hex),
        TEST(no_two_secrets_are_alike),
        TEST(what_cannot_be_a_secret_has_no_id),
        TEST(codes_are_those_of_rfc_6238),
        TEST(a_code_is_good_one_step_before_and_after),
        TEST(a_code_is_good_once_and_none_before_it),
        TEST(what_is_no_code_is_refused),
        TEST(a_secret_has_at_least_sixteen_bytes),
        TEST(a_new_secret_has_twenty_bytes_of_its_own),
        TEST(an_app_reads_the_secret_from_a_uri),
        TEST(an_account_may_fail_ten_times_in_fifteen_minutes),
        TEST(an_address_may_fail_fifty_times_in_fifteen_minutes),
        TEST(addresses_of_one_ipv6_64_count_together),
        TEST(success_forgets_the_accounts_failures_and_not_the_addresss),
        TEST(everybody_together_tries_twenty_times_and_five_times_a_second),
        TEST(what_nobody_takes_does_not_add_up),
        TEST(who_must_wait_takes_nothing_from_the_others),
        TEST(a_clock_that_goes_back_locks_nobody_out_for_long),
        TEST(guessing_at_thousands_of_accounts_locks_no_other_out),
        TEST(any_thread_may_ask),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("access_people", tests, NULL, NULL);
}
