/*
 * test_mail.c -- what a mail looks like (RFC 5322, 2045 and 2047), which addresses and servers are
 * taken, and what is refused. Real deliveries are tests/blackbox/mail.test.mjs.
 */
#include "mail/mail_internal.h"

#include "unit.h"

#include <stdlib.h>

#define FROM "abacus@stats.example"

/* 2026-11-22T10:05:09Z, a Sunday. */
#define NOW_MS INT64_C(1795341909000)

static struct mail_parts parts(const char *subject, const char *text)
{
    return (struct mail_parts){.from = STR(FROM),
                               .to = STR("ada@example.com"),
                               .subject = str_from(subject),
                               .text = str_from(text),
                               .now_ms = NOW_MS,
                               .id = STR("0123abcd")};
}

static struct buf message(const char *subject, const char *text)
{
    struct mail_parts all = parts(subject, text);
    struct buf out = {0};
    struct err err = {""};

    assert_int_equal(mail_message(&all, &out, &err), 0);
    buf_addc(&out, '\0');
    return out;
}

static void assert_has(const char *subject, const char *text, const char *wanted)
{
    struct buf out = message(subject, text);

    if (strstr(out.ptr, wanted) == NULL)
        fail_msg("\"%s\" is not in:\n%s", wanted, out.ptr);
    buf_release(&out);
}

static int refusal(struct str subject, struct str text)
{
    struct mail_parts all = parts("", "");
    struct buf out = {0};
    struct err err = {""};

    all.subject = subject;
    all.text = text;
    int rc = mail_message(&all, &out, &err);

    assert_true(rc == 0 || (out.len == 0 && err.text[0] != '\0'));
    buf_release(&out);
    return rc;
}

/* -- what it looks like ---------------------------------------------------------------------- */

static void is_headers_an_empty_line_and_the_text(void **state)
{
    struct buf out = message("Reset your password", "Hello Ada,\nthis is it.\n");

    (void)state;
    assert_string_equal(out.ptr, "Date: Sun, 22 Nov 2026 10:05:09 +0000\r\n"
                                 "Message-ID: <0123abcd@stats.example>\r\n"
                                 "From: abacus@stats.example\r\n"
                                 "To: ada@example.com\r\n"
                                 "Subject: Reset your password\r\n"
                                 "Auto-Submitted: auto-generated\r\n"
                                 "MIME-Version: 1.0\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n"
                                 "\r\n"
                                 "Hello Ada,\r\nthis is it.\r\n");
    buf_release(&out);
}

static void writes_what_is_not_ascii_as_bytes_in_hexadecimal(void **state)
{
    (void)state;
    /* U+00FC is C3 BC, U+20AC is E2 82 AC. */
    assert_has("s", "f\xc3\xbcr 5 \xe2\x82\xac, a=b", "\r\nf=C3=BCr 5 =E2=82=AC, a=3Db\r\n");
    /* A space before the end of a line is one that a mail server may take away. */
    assert_has("s", "end \nnext\t\nlast", "\r\nend=20\r\nnext=09\r\nlast\r\n");
    assert_has("s", "one\r\ntwo\rthree\n\nfour", "\r\none\r\ntwo=0Dthree\r\n\r\nfour\r\n");
}

static void breaks_long_lines_so_that_none_is_over_76(void **state)
{
    char text[200], first[80];

    (void)state;
    memset(text, 'x', 150);
    text[150] = '\0';
    memset(first, 'x', 75);
    memcpy(first + 75, "=\r\n", 4);
    assert_has("s", text, first);
    /* 75 fit with the mark of the break; 76 bytes are two lines, for they end without one. */
    text[75] = '\0';
    struct buf out = message("s", text);

    assert_null(strstr(out.ptr, "=\r\n"));
    buf_release(&out);
}

static void keeps_every_line_short_and_every_end_of_line_whole(void **state)
{
    struct buf text = {0};

    (void)state;
    for (int i = 1; i < 300; i++)
        buf_addf(&text, "%.*s\xf0\x9f\x98\x80 = \xc3\xa4%c", i % 90,
                 "https://stats.example/admin/accept#abcdefghijklmnopqrstuvwxyz0123456789-_"
                 "abcdefghijklmnopqrstuvwxyz",
                 i % 3 == 0 ? '\n' : ' ');
    buf_addc(&text, '\0');
    struct buf out = message("\xc3\x84nderung \xf0\x9f\x98\x80 an Ihrem Zugang, und noch ein wenig "
                             "mehr, damit es mehrere Zeilen werden",
                             text.ptr);
    struct str rest = {out.ptr, out.len - 1}, line;

    assert_true(str_ends(rest, STR("\r\n")));
    while (str_next(&rest, '\n', &line)) {
        assert_true(line.len <= 77);
        assert_true(rest.ptr == NULL || str_ends(line, STR("\r")));
        assert_int_equal(str_find(line, 0, '\r'), line.len == 0 ? 0 : line.len - 1);
    }
    buf_release(&out);
    buf_release(&text);
}

static void writes_a_subject_that_is_not_ascii_as_encoded_words(void **state)
{
    (void)state;
    /* printf 'Zugang für Ada' | base64 */
    assert_has("Zugang f\xc3\xbcr Ada", "t", "\r\nSubject: =?utf-8?B?WnVnYW5nIGbDvHIgQWRh?=\r\n");
    /* 38 letters leave one byte of the first word: the two of U+00FC go to the second. */
    assert_has("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xbc", "t",
               "\r\nSubject: =?utf-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?=\r\n"
               " =?utf-8?B?w7w=?=\r\n");
    /* What looks like an encoded word is none. */
    assert_has("=?x", "t", "\r\nSubject: =?utf-8?B?PT94?=\r\n");
}

static void leaves_a_short_ascii_subject_as_it_is(void **state)
{
    char subject[80];

    (void)state;
    memset(subject, 's', 67);
    subject[67] = '\0';
    assert_has(subject, "t", "\r\nSubject: =?utf-8?B?");
    subject[66] = '\0';
    assert_has(subject, "t", subject);
}

/* -- what is refused ------------------------------------------------------------------------- */

static void refuses_a_subject_that_is_no_line(void **state)
{
    (void)state;
    assert_int_equal(refusal(STR("Hi\r\nBcc: eve@example.com"), STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR("Hi\nBcc: eve@example.com"), STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR("Hi\0there"), STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR("\xff"), STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR(""), STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR("Hi"), STR("t")), 0);
}

static void bounds_subject_and_text(void **state)
{
    char *bytes = malloc(MAIL_TEXT_MAX + 1);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', MAIL_TEXT_MAX + 1);
    assert_int_equal(refusal((struct str){bytes, MAIL_SUBJECT_MAX}, STR("t")), 0);
    assert_int_equal(refusal((struct str){bytes, MAIL_SUBJECT_MAX + 1}, STR("t")), ERR_INVALID);
    assert_int_equal(refusal(STR("s"), (struct str){bytes, MAIL_TEXT_MAX}), 0);
    assert_int_equal(refusal(STR("s"), (struct str){bytes, MAIL_TEXT_MAX + 1}), ERR_INVALID);
    assert_int_equal(refusal(STR("s"), STR("a\0b")), ERR_INVALID);
    assert_int_equal(refusal(STR("s"), STR("a\xc3")), ERR_INVALID);
    free(bytes);
}

static void takes_addresses_that_a_provider_gives_out(void **state)
{
    static const char *const good[] = {"a@b", "ada.lovelace+stats@mail.example.com",
                                       "o'neil@x-y.de", "_a-b=c@1.example"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!mail_address_check(str_from(good[i])))
            fail_msg("%s is refused", good[i]);
}

static void refuses_what_is_no_address(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),           STR_INIT("@"),
        STR_INIT("a@"),         STR_INIT("@b"),
        STR_INIT("a"),          STR_INIT("a@b@c"),
        STR_INIT("a b@c"),      STR_INIT("a@b\r\nBcc: eve@example.com"),
        STR_INIT("a@b\n"),      STR_INIT("a\0@b"),
        STR_INIT("a@b,c@d"),    STR_INIT("<a@b>"),
        STR_INIT("\"a b\"@c"),  STR_INIT("a@[127.0.0.1]"),
        STR_INIT("a..b@c"),     STR_INIT(".a@c"),
        STR_INIT("a@c..d"),     STR_INIT("a@c."),
        STR_INIT("\xc3\xa4@b"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (mail_address_check(bad[i]))
            fail_msg("%s is taken", bad[i].ptr);
}

/* 64 bytes before the '@', 254 in all (RFC 5321, 4.5.3.1). */
static void bounds_addresses(void **state)
{
    char text[300];
    struct str all = {text, 254};

    (void)state;
    memset(text, 'a', sizeof(text));
    text[64] = '@';
    assert_true(mail_address_check(all));
    all.len = 255;
    assert_false(mail_address_check(all));
    all.len = 100;
    assert_true(mail_address_check(all));
    text[64] = 'a';
    text[65] = '@';
    assert_false(mail_address_check(all));
}

/* -- servers --------------------------------------------------------------------------------- */

static void reads_the_url_of_a_server(void **state)
{
    static const struct {
        const char *url, *rest, *user, *password;
        bool strict;
    } cases[] = {
        {"smtp://mail.example.com", "smtp://mail.example.com/stats.example", NULL, NULL, false},
        {"smtp://mail.example.com:587", "smtp://mail.example.com:587/stats.example", NULL, NULL,
         false},
        {"smtps://mail.example.com", "smtps://mail.example.com/stats.example", NULL, NULL, true},
        {"smtp://ada:s%40%2Fcret@mail.example.com", "smtp://mail.example.com/stats.example", "ada",
         "s@/cret", true},
        {"smtp://ada%40example.com:x@127.0.0.1:25", "smtp://127.0.0.1:25/stats.example",
         "ada@example.com", "x", false},
        {"smtp://a:x@localhost", "smtp://localhost/stats.example", "a", "x", false},
        {"smtps://a:x@[::1]:465", "smtps://[::1]:465/stats.example", "a", "x", false},
        {"smtp://a:x@[2001:db8::1]", "smtp://[2001:db8::1]/stats.example", "a", "x", true},
        {"smtp://a:x@localhost.example.com", "smtp://localhost.example.com/stats.example", "a", "x",
         true},
        {"smtp://a:x@127.0.0.1.example.com", "smtp://127.0.0.1.example.com/stats.example", "a", "x",
         true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mail_peer peer;
        struct err err = {""};

        if (mail_peer_parse(str_from(cases[i].url), STR("stats.example"), &peer, &err) != 0)
            fail_msg("%s: %s", cases[i].url, err.text);
        assert_string_equal(peer.url, cases[i].rest);
        assert_true(str_eq(str_from(peer.user), str_from(cases[i].user)));
        assert_true(str_eq(str_from(peer.password), str_from(cases[i].password)));
        assert_int_equal(peer.strict, cases[i].strict);
        mail_peer_release(&peer);
    }
}

static void refuses_what_is_no_server_and_repeats_nothing_of_it(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("http://ada:hush@mail.example.com"),
        STR_INIT("mail.example.com"),
        STR_INIT("smtp://"),
        STR_INIT("smtp://ada:hush@"),
        STR_INIT("smtp://ada@mail.example.com"),
        STR_INIT("smtp://:hush@mail.example.com"),
        STR_INIT("smtp://ada:@mail.example.com"),
        STR_INIT("smtp://ada:hush@mail.example.com:99999"),
        STR_INIT("smtp://ada:hush@mail.example.com:x"),
        STR_INIT("smtp://ada:hu/sh@mail.example.com"),
        STR_INIT("smtp://ada:hush@mail.example.com/hello"),
        STR_INIT("smtp://ada:hush@mail.example.com?a=b"),
        STR_INIT("smtp://ada:hush@mail.example.com#a"),
        STR_INIT("smtp://ada;AUTH=PLAIN:hush@mail.example.com"),
        STR_INIT("smtp://ada:hu%0ash@mail.example.com"),
        STR_INIT("smtp://ada:hu\0sh@mail.example.com"),
        STR_INIT("smtp://ada:hu\nsh@mail.example.com"),
        STR_INIT("smtp://ada:hush@mail example.com"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mail_peer peer;
        struct err err = {""};
        int rc = mail_peer_parse(bad[i], STR("stats.example"), &peer, &err);

        if (rc != ERR_INVALID)
            fail_msg("%s: %d", bad[i].ptr, rc);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "hu"));
        assert_null(strstr(err.text, "ada"));
        mail_peer_release(&peer);
    }
}

static void bounds_the_url(void **state)
{
    char url[MAIL_URL_MAX + 2];
    struct mail_peer peer;
    struct err err = {""};

    (void)state;
    memset(url, 'a', sizeof(url));
    memcpy(url, "smtp://a:", 9);
    memcpy(url + MAIL_URL_MAX - 8, "@b.examp", 8);
    assert_int_equal(mail_peer_parse((struct str){url, MAIL_URL_MAX}, STR("h"), &peer, &err), 0);
    mail_peer_release(&peer);
    url[MAIL_URL_MAX] = 'x';
    assert_int_equal(mail_peer_parse((struct str){url, MAIL_URL_MAX + 1}, STR("h"), &peer, &err),
                     ERR_INVALID);
    mail_peer_release(&peer);
}

/* -- a mailer -------------------------------------------------------------------------------- */

/* Nobody listens there: port 1 is nobody's, and what is sent waits. */
static struct mailer *lonely(void)
{
    const struct mail_config config = {.url = STR("smtp://127.0.0.1:1"), .from = STR(FROM)};
    struct mailer *mailer = NULL;
    struct err err = {""};

    assert_int_equal(mail_open(&config, &mailer, &err), 0);
    return mailer;
}

static int send(struct mailer *mailer, const char *to)
{
    struct err err = {""};
    int rc = mail_send(mailer, str_from(to), STR("s"), STR("t"), &err);

    assert_null(strstr(err.text, "example"));
    return rc;
}

static void opens_with_a_good_url_and_sender_only(void **state)
{
    struct mail_config config = {.url = STR("smtp://127.0.0.1:1"), .from = STR("nobody")};
    struct mailer *mailer = NULL;
    struct err err = {""};

    (void)state;
    assert_int_equal(mail_open(&config, &mailer, &err), ERR_INVALID);
    assert_null(mailer);
    config.from = STR(FROM);
    config.url = STR("127.0.0.1:1");
    assert_int_equal(mail_open(&config, &mailer, &err), ERR_INVALID);
    assert_null(mailer);
    mail_close(&mailer, 0);
    config.url = STR("smtp://127.0.0.1:1");
    assert_int_equal(mail_open(&config, &mailer, &err), 0);
    mail_close(&mailer, 0);
    assert_null(mailer);
}

static void takes_a_thousand_messages_and_no_more(void **state)
{
    struct mailer *mailer = lonely();

    (void)state;
    for (int i = 0; i < MAIL_QUEUE_MAX; i++)
        assert_int_equal(send(mailer, "ada@example.com"), 0);
    assert_int_equal(send(mailer, "ada@example.com"), ERR_FULL);
    mail_close(&mailer, 0);
}

static void refuses_a_message_to_nobody(void **state)
{
    struct mailer *mailer = lonely();

    (void)state;
    assert_int_equal(send(mailer, "ada@example.com\r\nRCPT TO:<eve@example.com>"), ERR_INVALID);
    assert_int_equal(send(mailer, "ada"), ERR_INVALID);
    assert_int_equal(send(mailer, "ada@example.com"), 0);
    mail_close(&mailer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_headers_an_empty_line_and_the_text),
        cmocka_unit_test(writes_what_is_not_ascii_as_bytes_in_hexadecimal),
        cmocka_unit_test(breaks_long_lines_so_that_none_is_over_76),
        cmocka_unit_test(keeps_every_line_short_and_every_end_of_line_whole),
        cmocka_unit_test(writes_a_subject_that_is_not_ascii_as_encoded_words),
        cmocka_unit_test(leaves_a_short_ascii_subject_as_it_is),
        cmocka_unit_test(refuses_a_subject_that_is_no_line),
        cmocka_unit_test(bounds_subject_and_text),
        cmocka_unit_test(takes_addresses_that_a_provider_gives_out),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(bounds_addresses),
        cmocka_unit_test(reads_the_url_of_a_server),
        cmocka_unit_test(refuses_what_is_no_server_and_repeats_nothing_of_it),
        cmocka_unit_test(bounds_the_url),
        cmocka_unit_test(opens_with_a_good_url_and_sender_only),
        cmocka_unit_test(takes_a_thousand_messages_and_no_more),
        cmocka_unit_test(refuses_a_message_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
