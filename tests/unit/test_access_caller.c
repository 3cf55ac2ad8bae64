/*
 * test_access_caller.c -- what callers may do where, memberships, addresses.
 */
#include "unit.h"

#include "access/caller.h"
#include "base/json.h"

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

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(actual), expected);
}

enum { BOTH = SCOPE_STATS_READ | SCOPE_ADMIN };

static struct caller user_with(struct arena *arena, const char *memberships, bool admin)
{
    struct user_row row = {
        .id = STR("ann@example.com"), .memberships = str_from(memberships), .admin = admin};
    struct caller caller;

    caller_of_user(&row, arena, &caller);
    return caller;
}

/* -- tokens ------------------------------------------------------------------------------------ */

static void a_platform_token_has_its_scopes_at_every_tenant(void **state)
{
    struct caller caller;

    caller_of_token(STR("tok1"), true, STR(""), STR(""), SCOPE_STATS_READ | SCOPE_METRICS, 77,
                    *state, &caller);
    assert_int_equal(caller.kind, CALLER_TOKEN);
    assert_str(caller.name, "token:tok1");
    assert_int_equal(caller.expires_ms, 77);
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), SCOPE_STATS_READ | SCOPE_METRICS);
    assert_int_equal(caller_at_site(&caller, STR("t2"), STR("abc")),
                     SCOPE_STATS_READ | SCOPE_METRICS);
    assert_int_equal(caller_anywhere(&caller), SCOPE_STATS_READ | SCOPE_METRICS);
    assert_str(caller_only_tenant(&caller), "");
    assert_str(caller_only_site(&caller), "");
}

static void a_tenants_token_has_its_scopes_at_its_tenant(void **state)
{
    struct caller caller;

    caller_of_token(STR("tok1"), false, STR("t1"), STR(""), SCOPE_ADMIN, 0, *state, &caller);
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), SCOPE_ADMIN);
    assert_int_equal(caller_at_tenant(&caller, STR("t")), 0);
    assert_int_equal(caller_at_tenant(&caller, STR("t11")), 0);
    assert_int_equal(caller_at_tenant(&caller, STR("")), 0);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("any")), SCOPE_ADMIN);
    assert_int_equal(caller_at_site(&caller, STR("t2"), STR("any")), 0);
    assert_str(caller_only_tenant(&caller), "t1");
    assert_str(caller_only_site(&caller), "");
    assert_int_equal(caller.platform, 0);
}

static void a_sites_token_reaches_that_site_and_not_its_tenant(void **state)
{
    struct caller caller;

    caller_of_token(STR("tok1"), false, STR("t1"), STR("abc"), SCOPE_STATS_READ, 0, *state,
                    &caller);
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), 0);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("abc")), SCOPE_STATS_READ);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("xyz")), 0);
    assert_int_equal(caller_at_site(&caller, STR("t2"), STR("abc")), 0);
    assert_int_equal(caller_anywhere(&caller), SCOPE_STATS_READ);
    assert_str(caller_only_tenant(&caller), "t1");
    assert_str(caller_only_site(&caller), "abc");
}

static void a_tenants_token_never_has_scope_metrics(void **state)
{
    struct caller caller;

    caller_of_token(STR("tok1"), false, STR("t1"), STR(""), SCOPE_METRICS | SCOPE_STATS_READ, 0,
                    *state, &caller);
    assert_int_equal(caller_anywhere(&caller), SCOPE_STATS_READ);
}

/* -- people ------------------------------------------------------------------------------------ */

static void a_viewer_reads_and_a_manager_manages(void **state)
{
    struct caller caller = user_with(*state,
                                     "[{\"tenantId\":\"t1\",\"role\":\"viewer\"},"
                                     "{\"tenantId\":\"t2\",\"role\":\"manager\"}]",
                                     false);

    assert_int_equal(caller.kind, CALLER_PERSON);
    assert_str(caller.name, "user:ann@example.com");
    assert_str(caller.user, "ann@example.com");
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), SCOPE_STATS_READ);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("abc")), SCOPE_STATS_READ);
    assert_int_equal(caller_at_tenant(&caller, STR("t2")), BOTH);
    assert_int_equal(caller_at_tenant(&caller, STR("t3")), 0);
    assert_int_equal(caller_anywhere(&caller), BOTH);
    assert_str(caller_only_tenant(&caller), "");
    assert_int_equal(caller.platform, 0);
}

static void a_membership_of_some_sites_is_none_of_the_tenant(void **state)
{
    struct caller caller = user_with(*state,
                                     "[{\"tenantId\":\"t1\",\"role\":\"manager\","
                                     "\"sites\":[\"abc\",\"xyz\"]}]",
                                     false);

    assert_int_equal(caller_at_tenant(&caller, STR("t1")), 0);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("abc")), BOTH);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("xyz")), BOTH);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("ab")), 0);
    assert_int_equal(caller_at_site(&caller, STR("t2"), STR("abc")), 0);
    assert_str(caller_only_tenant(&caller), "t1");
    assert_str(caller_only_site(&caller), "");
}

static void one_site_of_one_tenant_is_the_only_one(void **state)
{
    struct caller one =
        user_with(*state, "[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[\"abc\"]}]", false);
    struct caller two = user_with(*state,
                                  "[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[\"abc\"]},"
                                  "{\"tenantId\":\"t2\",\"role\":\"viewer\",\"sites\":[\"abc\"]}]",
                                  false);
    struct caller wide = user_with(*state,
                                   "[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[\"abc\"]},"
                                   "{\"tenantId\":\"t1\",\"role\":\"viewer\"}]",
                                   false);

    assert_str(caller_only_site(&one), "abc");
    assert_str(caller_only_tenant(&two), "");
    assert_str(caller_only_site(&two), "");
    assert_str(caller_only_tenant(&wide), "t1");
    assert_str(caller_only_site(&wide), "");
}

static void an_admin_reads_and_manages_every_tenant(void **state)
{
    struct caller caller = user_with(*state, "", true);

    assert_int_equal(caller_at_tenant(&caller, STR("t1")), BOTH);
    assert_int_equal(caller_at_site(&caller, STR("t1"), STR("abc")), BOTH);
    assert_int_equal(caller_anywhere(&caller), BOTH);
    assert_str(caller_only_tenant(&caller), "");
}

static void an_admin_with_one_membership_is_still_at_every_tenant(void **state)
{
    struct caller caller = user_with(*state, "[{\"tenantId\":\"t1\",\"role\":\"viewer\"}]", true);

    assert_int_equal(caller_at_tenant(&caller, STR("t1")), BOTH);
    assert_int_equal(caller_at_tenant(&caller, STR("t2")), BOTH);
    assert_str(caller_only_tenant(&caller), "");
}

static void memberships_that_cannot_be_read_reach_nothing(void **state)
{
    static const char *const cases[] = {
        "[",
        "{}",
        "[{\"tenantId\":\"t1\",\"role\":\"manager\"}",
        "[{\"tenantId\":\"t1\",\"role\":\"manager\",\"sites\":[]}]",
        "[{\"tenantId\":\"t1\",\"role\":\"manager\"},{\"tenantId\":\"t2\",\"role\":\"owner\"}]",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct caller caller = user_with(*state, cases[i], false);

        assert_int_equal(caller_anywhere(&caller), 0);
        assert_int_equal(caller_at_tenant(&caller, STR("t1")), 0);
        assert_int_equal(caller_at_site(&caller, STR("t1"), STR("abc")), 0);
        assert_str(caller_only_tenant(&caller), "");
    }
}

/* -- links, commands, nobody ------------------------------------------------------------------- */

static void an_embed_reads_the_sites_that_it_names(void **state)
{
    struct str sites[] = {STR("abc"), STR("xyz")};
    struct caller some, all;

    caller_of_site(CALLER_EMBED, STR("embed:tok1"), STR("t1"), sites, 2, false, 99, *state, &some);
    caller_of_site(CALLER_EMBED, STR("embed:tok1"), STR("t1"), NULL, 0, false, 99, *state, &all);
    assert_int_equal(some.kind, CALLER_EMBED);
    assert_int_equal(some.expires_ms, 99);
    assert_false(some.restricted);
    assert_str(some.name, "embed:tok1");
    assert_int_equal(caller_at_tenant(&some, STR("t1")), 0);
    assert_int_equal(caller_at_site(&some, STR("t1"), STR("xyz")), SCOPE_STATS_READ);
    assert_int_equal(caller_at_site(&some, STR("t1"), STR("other")), 0);
    assert_int_equal(caller_at_tenant(&all, STR("t1")), SCOPE_STATS_READ);
    assert_int_equal(caller_at_tenant(&all, STR("t2")), 0);
}

static void a_link_is_restricted_to_one_site(void **state)
{
    struct str site = STR("abc");
    struct caller caller;

    caller_of_site(CALLER_LINK, STR("link:l1"), STR("t1"), &site, 1, true, 0, *state, &caller);
    assert_int_equal(caller.kind, CALLER_LINK);
    assert_true(caller.restricted);
    assert_int_equal(caller_anywhere(&caller), SCOPE_STATS_READ);
    assert_str(caller_only_site(&caller), "abc");
}

static void the_command_line_may_do_everything(void **state)
{
    struct caller caller = caller_command();
    unsigned all = SCOPE_STATS_READ | SCOPE_EVENTS_WRITE | SCOPE_ADMIN | SCOPE_METRICS;

    (void)state;
    assert_int_equal(caller.kind, CALLER_COMMAND);
    assert_str(caller.name, "cli");
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), all);
    assert_int_equal(caller_anywhere(&caller), all);
}

static void nobody_may_do_nothing(void **state)
{
    struct caller nobody = {0};

    (void)state;
    assert_int_equal(nobody.kind, CALLER_NOBODY);
    assert_int_equal(caller_anywhere(&nobody), 0);
    assert_int_equal(caller_at_site(&nobody, STR(""), STR("")), 0);
    assert_str(caller_only_tenant(&nobody), "");
    assert_str(caller_only_site(&nobody), "");
}

/* -- memberships as JSON ----------------------------------------------------------------------- */

static void memberships_are_read_and_written_the_same(void **state)
{
    static const char text[] =
        "[{\"tenantId\":\"t1\",\"role\":\"viewer\"},"
        "{\"tenantId\":\"t2\",\"role\":\"manager\",\"sites\":[\"a\",\"b\"]}]";
    struct membership *memberships;
    size_t count;
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};
    struct err err = {""};

    assert_int_equal(memberships_parse(str_from(text), *state, &memberships, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_str(memberships[0].tenant, "t1");
    assert_int_equal(memberships[0].role, PERSON_VIEWER);
    assert_int_equal(memberships[0].sites_count, 0);
    assert_int_equal(memberships[1].role, PERSON_MANAGER);
    assert_int_equal(memberships[1].sites_count, 2);
    assert_str(memberships[1].sites[1], "b");
    memberships_json(memberships, count, &json);
    assert_str(buf_str(&buf), text);
    buf_release(&buf);
}

static void no_memberships_are_an_empty_list(void **state)
{
    struct membership *memberships;
    size_t count = 9;
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};

    assert_int_equal(memberships_parse(STR(""), *state, &memberships, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(memberships_parse(STR("[]"), *state, &memberships, &count, NULL), 0);
    assert_int_equal(count, 0);
    memberships_json(memberships, 0, &json);
    assert_str(buf_str(&buf), "[]");
    buf_release(&buf);
}

static void sites_that_are_null_are_all_sites(void **state)
{
    struct membership *memberships;
    size_t count;

    assert_int_equal(
        memberships_parse(STR("[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":null}]"), *state,
                          &memberships, &count, NULL),
        0);
    assert_int_equal(memberships[0].sites_count, 0);
}

static void wrong_memberships_are_refused_by_their_place(void **state)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"{}", "memberships"},
        {"[", "memberships"},
        {"[1]", "memberships[0]"},
        {"[{\"role\":\"viewer\"}]", "memberships[0].tenantId"},
        {"[{\"tenantId\":\"\",\"role\":\"viewer\"}]", "memberships[0].tenantId"},
        {"[{\"tenantId\":\"a b\",\"role\":\"viewer\"}]", "memberships[0].tenantId"},
        {"[{\"tenantId\":null,\"role\":\"viewer\"}]", "memberships[0].tenantId"},
        {"[{\"tenantId\":7,\"role\":\"viewer\"}]", "memberships[0].tenantId"},
        {"[{\"tenantId\":\"t1\"}]", "memberships[0].role"},
        {"[{\"tenantId\":\"t1\",\"role\":\"admin\"}]", "memberships[0].role"},
        {"[{\"tenantId\":\"t1\",\"role\":\"Manager\"}]", "memberships[0].role"},
        {"[{\"tenantId\":\"t1\",\"role\":1}]", "memberships[0].role"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\"},{\"tenantId\":\"t2\",\"role\":\"\"}]",
         "memberships[1].role"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[]}]", "memberships[0].sites"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":\"a\"}]", "memberships[0].sites"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[\"a\",1]}]",
         "memberships[0].sites[1]"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[\"*\"]}]",
         "memberships[0].sites[0]"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"site\":[\"a\"]}]", "memberships[0].site:"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"role\":\"manager\"}]", "memberships"},
        {"[{\"tenantId\":\"t1\",\"role\":\"viewer\",\"sites\":[[\"a\"]]}]", "memberships"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct membership *memberships;
        size_t count;
        struct err err = {""};

        assert_int_equal(
            memberships_parse(str_from(cases[i].text), *state, &memberships, &count, &err),
            ERR_INVALID);
        assert_int_equal(count, 0);
        if (!str_starts(str_from(err.text), str_from(cases[i].place)))
            fail_msg("%s: \"%s\"", cases[i].text, err.text);
    }
}

/* `count` times `item` in brackets, within `format`. */
static struct str list_of(struct buf *buf, const char *item, size_t count)
{
    buf_addc(buf, '[');
    for (size_t i = 0; i < count; i++)
        buf_addf(buf, "%s%s", i > 0 ? "," : "", item);
    buf_addc(buf, ']');
    return buf_str(buf);
}

static int parse_memberships(struct arena *arena, struct str text)
{
    struct membership *memberships;
    size_t count;

    return memberships_parse(text, arena, &memberships, &count, NULL);
}

static void there_are_at_most_a_thousand_memberships(void **state)
{
    static const char item[] = "{\"tenantId\":\"t\",\"role\":\"viewer\"}";
    struct buf fits = {0}, over = {0};

    assert_int_equal(parse_memberships(*state, list_of(&fits, item, 1000)), 0);
    assert_int_equal(parse_memberships(*state, list_of(&over, item, 1001)), ERR_INVALID);
    buf_release(&fits);
    buf_release(&over);
}

static void a_membership_names_at_most_a_thousand_sites(void **state)
{
    for (size_t count = 1000; count <= 1001; count++) {
        struct buf sites = {0}, text = {0};

        (void)list_of(&sites, "\"a\"", count);
        buf_addf(&text, "[{\"tenantId\":\"t\",\"role\":\"viewer\",\"sites\":%.*s}]",
                 STR_FMT(buf_str(&sites)));
        assert_int_equal(parse_memberships(*state, buf_str(&text)),
                         count == 1000 ? 0 : ERR_INVALID);
        buf_release(&sites);
        buf_release(&text);
    }
}

/* -- addresses --------------------------------------------------------------------------------- */

static void addresses_are_kept_in_lower_case(void **state)
{
    static const struct {
        const char *text, *kept;
    } cases[] = {
        {"ann@example.com", "ann@example.com"},
        {"Ann.O'Neil+x_Y@Mail.EXAMPLE.com", "ann.o'neil+x_y@mail.example.com"},
        {"root@localhost", "root@localhost"},
        {"J\xc3\x84RG@b\xc3\xbc"
         "cher.de",
         "j\xc3\x84rg@b\xc3\xbc"
         "cher.de"},
        {"a@b", "a@b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str out;
        struct err err = {""};

        if (email_normalise(str_from(cases[i].text), *state, &out, &err) != 0)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_str(out, cases[i].kept);
    }
}

static void what_no_address_can_be_is_refused(void **state)
{
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT("@"),
        STR_INIT("a@"),
        STR_INIT("@b"),
        STR_INIT("ab"),
        STR_INIT("a@b@c"),
        STR_INIT("a b@c"),
        STR_INIT(" a@b"),
        STR_INIT("a@b "),
        STR_INIT("a@b\n"),
        STR_INIT("a@b\r\nBcc: c@d"),
        STR_INIT("a\0@b"),
        STR_INIT("a@b\0"),
        STR_INIT("a\x7f@b"),
        STR_INIT("a@b,c@d"),
        STR_INIT("a@b,c"),
        STR_INIT("Ann <a@b>"),
        STR_INIT("\"a\"@b"),
        STR_INIT("a(x)@b"),
        STR_INIT("a@[127.0.0.1]"),
        STR_INIT("a\\@b"),
        STR_INIT("a;@b"),
        STR_INIT("a:b@c"),
        STR_INIT(".a@b"),
        STR_INIT("a.@b"),
        STR_INIT("a..b@c"),
        STR_INIT("a@.b"),
        STR_INIT("a@b."),
        STR_INIT("a@b..c"),
        STR_INIT("a@-b"),
        STR_INIT("a@b-.c"),
        STR_INIT("a\xff@b"),         /* no UTF-8 */
        STR_INIT("a\xc0\x80@b"),     /* overlong U+0000 */
        STR_INIT("a\xed\xa0\x80@b"), /* a surrogate */
        STR_INIT("a\xc2\x85@b"),     /* U+0085, next line */
        STR_INIT("a\xc2\xa0@b"),     /* U+00A0, no-break space */
        STR_INIT("a\xe2\x80\x8b@b"), /* U+200B, zero width space */
        STR_INIT("a\xe2\x80\xa8@b"), /* U+2028, line separator */
        STR_INIT("a\xe2\x80\xae@b"), /* U+202E, right-to-left override */
        STR_INIT("a\xef\xbb\xbf@b"), /* U+FEFF */
        STR_INIT("a\xe3\x80\x80@b"), /* U+3000, ideographic space */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str out;

        if (email_normalise(cases[i], *state, &out, NULL) != ERR_INVALID)
            fail_msg("case %zu: %.*s", i, STR_FMT(cases[i]));
    }
}

/* "aaa...@bbb...", with `local` and `domain` bytes; a domain in labels of at most 63. */
static int try_lengths(struct arena *arena, size_t local, size_t domain)
{
    struct buf buf = {0};
    struct str out;

    for (size_t i = 0; i < local; i++)
        buf_addc(&buf, 'a');
    buf_addc(&buf, '@');
    for (size_t i = 0; i < domain; i++)
        buf_addc(&buf, i % 60 == 50 && i + 1 < domain ? '.' : 'b');
    int rc = email_normalise(buf_str(&buf), arena, &out, NULL);

    buf_release(&buf);
    return rc;
}

static void an_address_has_at_most_254_bytes(void **state)
{
    assert_int_equal(try_lengths(*state, 64, 254 - 65), 0);
    assert_int_equal(try_lengths(*state, 64, 255 - 65), ERR_INVALID);
    assert_int_equal(try_lengths(*state, 65, 10), ERR_INVALID);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_platform_token_has_its_scopes_at_every_tenant),
        TEST(a_tenants_token_has_its_scopes_at_its_tenant),
        TEST(a_sites_token_reaches_that_site_and_not_its_tenant),
        TEST(a_tenants_token_never_has_scope_metrics),
        TEST(a_viewer_reads_and_a_manager_manages),
        TEST(a_membership_of_some_sites_is_none_of_the_tenant),
        TEST(one_site_of_one_tenant_is_the_only_one),
        TEST(an_admin_reads_and_manages_every_tenant),
        TEST(an_admin_with_one_membership_is_still_at_every_tenant),
        TEST(memberships_that_cannot_be_read_reach_nothing),
        TEST(an_embed_reads_the_sites_that_it_names),
        TEST(a_link_is_restricted_to_one_site),
        TEST(the_command_line_may_do_everything),
        TEST(nobody_may_do_nothing),
        TEST(memberships_are_read_and_written_the_same),
        TEST(no_memberships_are_an_empty_list),
        TEST(sites_that_are_null_are_all_sites),
        TEST(wrong_memberships_are_refused_by_their_place),
        TEST(there_are_at_most_a_thousand_memberships),
        TEST(a_membership_names_at_most_a_thousand_sites),
        TEST(addresses_are_kept_in_lower_case),
        TEST(what_no_address_can_be_is_refused),
        TEST(an_address_has_at_most_254_bytes),
    };

    return cmocka_run_group_tests_name("access_caller", tests, NULL, NULL);
}
