/*
 * Lines of access logs against lines as Apache's and nginx's documents show them, and what is a
 * page.
 */
#include "base/date.h"
#include "import/import_internal.h"
#include "unit.h"

#include <sodium.h>
#include <stdio.h>

static bool parse(const char *text, struct arena *arena, struct access_line *out)
{
    return access_line_parse(str_from(text), arena, out);
}

static void assert_text(struct str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(got), expected);
}

static void reads_what_apaches_manual_shows(void **state)
{
    struct arena arena = {0};
    struct access_line line;

    (void)state;
    assert_true(
        parse("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" "
              "200 2326 \"http://www.example.com/start.html\" \"Mozilla/4.08 [en] (Win98; I "
              ";Nav)\"",
              &arena, &line));
    assert_text(line.method, "GET");
    assert_text(line.target, "/apache_pb.gif");
    assert_int_equal(line.status, 200);
    assert_text(line.referrer, "http://www.example.com/start.html");
    assert_text(line.agent, "Mozilla/4.08 [en] (Win98; I ;Nav)");
    /* 2000-10-10 20:55:36 UTC */
    assert_int_equal(line.time_ms, INT64_C(971211336000));
    assert_int_equal(line.address.family, 4);
    arena_free(&arena);
}

static void reads_other_addresses_users_and_endings(void **state)
{
    static const char *const lines[] = {
        "2001:db8::7 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 - \"-\" \"A\"",
        "host.example - a user [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\" \"more\" "
        "0.1",
        "192.0.2.1 - - [01/Jan/2026:02:30:00 +0230] \"GET https://x.example/ HTTP/2.0\" 200 1 "
        "\"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /\" 200 1 \"-\" \"A\"",
    };
    struct arena arena = {0};
    struct access_line line;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!parse(lines[i], &arena, &line))
            fail_msg("not read: %s", lines[i]);
        assert_text(line.target, "/");
        assert_text(line.agent, "A");
        assert_text(line.referrer, "");
        assert_int_equal(line.time_ms, INT64_C(1767225600000));
    }
    arena_free(&arena);
}

static void unescapes_what_was_quoted(void **state)
{
    struct arena arena = {0};
    struct access_line line;

    (void)state;
    assert_true(
        parse("192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /a\\x22b\\\\c HTTP/1.1\" 200 1 "
              "\"-\" \"say \\\"hi\\\"\"",
              &arena, &line));
    assert_text(line.target, "/a\"b\\c");
    assert_text(line.agent, "say \"hi\"");
    arena_free(&arena);
}

static void refuses_what_is_not_combined(void **state)
{
    static const char *const lines[] = {
        "",
        "192.0.2.1",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1",
        "192.0.2.1 - - [31/Feb/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Foo/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:24:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [00/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [29/Feb/2025:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:60:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:61 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +2460] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/1970:00:59:59 +0100] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 2oo 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" two 1 \"-\" \"A\"",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A",
        "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\\\"",
    };
    struct arena arena = {0};
    struct access_line line;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (parse(lines[i], &arena, &line))
            fail_msg("read: %s", lines[i]);
    arena_free(&arena);
}

static void reads_the_first_moment_and_the_last_day_of_february(void **state)
{
    struct arena arena = {0};
    struct access_line line;

    (void)state;
    assert_true(
        parse("192.0.2.1 - - [01/Jan/1970:01:00:00 +0100] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
              &arena, &line));
    assert_int_equal(line.time_ms, 0);
    assert_true(
        parse("192.0.2.1 - - [29/Feb/2024:23:59:60 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
              &arena, &line));
    /* 2024-03-01 00:00:00 UTC */
    assert_int_equal(line.time_ms, INT64_C(1709251200000));
    arena_free(&arena);
}

/* Servers log what they could not read, too: it is in combined format, and no page. */
static void what_is_no_request_has_no_target(void **state)
{
    static const char *const requests[] = {"", "-", "\\x16\\x03\\x01", "GET"};
    struct arena arena = {0};
    struct access_line line;
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] \"%s\" 200 0 \"-\" \"-\"",
                       requests[i]);
        if (!parse(text, &arena, &line))
            fail_msg("not read: %s", text);
        assert_text(line.target, "");
        assert_false(access_line_is_page(&line));
    }
    arena_free(&arena);
}

static struct addr address_in(const char *name, struct arena *arena)
{
    struct access_line line;
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "%s - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"A\"",
                   name);
    assert_true(parse(text, arena, &line));
    return line.address;
}

/* Visitors are told apart by their address; what is cut from it must not make them one. */
static void names_stand_for_different_private_networks(void **state)
{
    struct arena arena = {0};
    const struct addr a = addr_cut(address_in("a.example", &arena), 24, 48),
                      again = addr_cut(address_in("a.example", &arena), 24, 48),
                      b = addr_cut(address_in("b.example", &arena), 24, 48);

    (void)state;
    assert_int_equal(a.family, 6);
    assert_int_equal(a.bytes[0], 0xfd);
    assert_memory_equal(a.bytes, again.bytes, sizeof(a.bytes));
    assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
    arena_free(&arena);
}

static void knows_pages_by_method_status_and_name(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
        bool page;
    } cases[] = {
        {"GET", "/", 200, true},          {"GET", "/a/b", 200, true},
        {"GET", "/a.html", 200, true},    {"GET", "/a.PHP?x=1.css", 200, true},
        {"GET", "/v1.2/docs", 200, true}, {"GET", "/a", 304, true},
        {"GET", "/a", 299, true},         {"GET", "/a", 300, false},
        {"GET", "/a", 199, false},        {"GET", "/a", 404, false},
        {"GET", "/a.css", 200, false},    {"GET", "/a.tar.gz", 200, false},
        {"POST", "/a", 200, false},       {"HEAD", "/a", 200, false},
        {"GET", "*", 200, false},         {"GET", "/favicon.ico", 200, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct access_line line = {.method = str_from(cases[i].method),
                                         .target = str_from(cases[i].target),
                                         .status = cases[i].status};

        if (access_line_is_page(&line) != cases[i].page)
            fail_msg("%s %s %d", cases[i].method, cases[i].target, cases[i].status);
    }
}

/* Many more than are remembered at once: whoever is found is the right one. */
static void remembers_who_sent_a_line_and_nobody_else(void **state)
{
    enum { SENDERS = 20000, ROUNDS = 3 };
    static const char *const agents[] = {
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
        "Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"};
    static const char *const browsers[] = {"Chrome", "Firefox"};
    struct import_config config = {0};
    struct people *people = people_new();
    struct arena arena = {0};
    struct err err = {""};
    size_t found = 0;

    (void)state;
    assert_int_equal(agent_open(STR(""), &config.agent, &err), 0);
    for (uint32_t i = 0; i < ROUNDS * SENDERS; i++) {
        /* Each is looked up twice in a row. */
        uint32_t n = i / 2 % SENDERS + 1;
        struct access_line line = {.address = {.family = n % 2 == 0 ? 4 : 6},
                                   .agent = str_from(agents[n / 2 % 2])};

        memcpy(line.address.bytes, &(uint32_t){n / 4}, sizeof(n));
        struct import_sender *known = people_look(people, &config, &line, &arena);

        assert_text(known->words.browser, browsers[n / 2 % 2]);
        assert_true(known->visitor == 0 || known->visitor == n);
        found += known->visitor == n;
        known->visitor = n;
        arena_reset(&arena);
    }
    assert_true(found >= ROUNDS * SENDERS / 2);
    people_free(&people);
    agent_close(&config.agent);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_apaches_manual_shows),
        cmocka_unit_test(reads_other_addresses_users_and_endings),
        cmocka_unit_test(unescapes_what_was_quoted),
        cmocka_unit_test(refuses_what_is_not_combined),
        cmocka_unit_test(reads_the_first_moment_and_the_last_day_of_february),
        cmocka_unit_test(what_is_no_request_has_no_target),
        cmocka_unit_test(names_stand_for_different_private_networks),
        cmocka_unit_test(knows_pages_by_method_status_and_name),
        cmocka_unit_test(remembers_who_sent_a_line_and_nobody_else),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
