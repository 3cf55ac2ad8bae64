/*
 * test_api_snippet.c -- GET /api/analytics/snippet, called without a server. What stands in each
 * text, and that it works, is tested with the command: tests/blackbox/snippet.test.mjs.
 */
#include "api_fixture.h"

#include "base/json.h"

#define TAG(url, more)                                                                             \
    "\"html\":\"<script defer src=\\\"" url "/public/analytics.js\\\" data-site=\\\"a\\\"" more    \
    "></script>\""

static int set_up(void **state)
{
    *state = world_new("2026-11-22T13:25:00Z");
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

struct asked {
    const char *query, *host, *proto;
};

static int ask(struct api_world *w, struct asked asked)
{
    struct http_request request = {.query = str_from(asked.query),
                                   .host = str_from(asked.host),
                                   .forwarded_proto = str_from(asked.proto)};
    struct buf authorization = {0};

    assert_true(addr_parse(STR("10.0.0.1"), &request.peer));
    buf_addf(&authorization, "Bearer %s", w->five);
    request.authorization = buf_str(&authorization);
    int status = world_send(w, snippet_get, request);

    buf_release(&authorization);
    return status;
}

static int ask_host(struct api_world *w, const char *host)
{
    return ask(w, (struct asked){"siteId=a", host, ""});
}

static void change_site(struct api_world *w, bool respect_dnt, const char *domain)
{
    struct site_row row;

    world_get(w, ROW_SITE, "a", &row);
    row.respect_dnt = respect_dnt;
    row.domain = str_from(domain);
    world_put(w, ROW_SITE, &row);
}

/* -------------------------------------------------------------------------------------------- */

static void has_a_text_of_each_kind(void **state)
{
    static const char *const names[] = {"html", "pinned", "nextjs", "nginx", "payload", "privacy"};
    struct api_world *w = *state;
    struct json *answer = NULL;
    struct err err = {0};

    w->api.public_url = STR("https://stats.example.com");
    assert_int_equal(ask_host(w, "10.0.0.2:8080"), 200);
    assert_int_equal(json_parse(w->body, 2, &w->arena, &answer, &err), 0);
    assert_int_equal(answer->count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct json *text = json_get(answer, str_from(names[i]));

        assert_non_null(text);
        assert_int_equal(text->type, JSON_STRING);
        assert_non_null(memmem(text->text.ptr, text->text.len, "https://stats.example.com", 25));
        assert_null(memmem(text->text.ptr, text->text.len, "{{", 2));
        assert_false(str_ends(text->text, STR("\n")));
    }
    assert_has(w, TAG("https://stats.example.com", ""));
    assert_has(w, "--tenant five --site a\\n");
    assert_has(w, "https://example.com/settings/privacy");
    assert_has(w, "'/abacus/event'");
    assert_false(world_has(w, "10.0.0.2"));
}

static void has_the_address_that_was_asked_where_no_other_is_set(void **state)
{
    struct api_world *w = *state;
    struct cidr proxy;

    assert_int_equal(ask_host(w, "10.0.0.2:8080"), 200);
    assert_has(w, TAG("http://10.0.0.2:8080", ""));
    assert_true(cidr_parse(STR("10.0.0.0/8"), &proxy));
    w->api.trusted = &proxy;
    w->api.trusted_count = 1;
    assert_int_equal(ask(w, (struct asked){"siteId=a", "stats.example.com", "https"}), 200);
    assert_has(w, TAG("https://stats.example.com", ""));
}

static void tells_the_script_to_respect_do_not_track_where_the_site_does(void **state)
{
    struct api_world *w = *state;

    change_site(w, true, "example.com");
    assert_int_equal(ask_host(w, "stats.example.com"), 200);
    assert_has(w, TAG("http://stats.example.com", " data-dnt"));
}

/* Each would end a string, an attribute or a directive, or begin a variable, in one of the texts.
 */
static void refuses_a_host_that_means_something_in_a_text(void **state)
{
    static const char *const hosts[] = {"",    "a'b", "a\"b", "a<b",  "a;b",      "a$b",     "a\\b",
                                        "a`b", "a b", "a{b",  "a&b",  "user:p@a", "a%b",     "a?b",
                                        "a#b", "a|b", "a\nb", "a\tb", "a(b",      "\xc3\xa9"};
    struct api_world *w = *state;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (ask_host(w, hosts[i]) != 400)
            fail_msg("%s: %d %.*s", hosts[i], w->response.status, STR_FMT(w->body));
        assert_has(w, "\"parameter\":\"Host\"");
    }
}

static void gives_out_no_text_that_the_server_s_own_address_or_a_domain_breaks(void **state)
{
    struct api_world *w = *state;

    w->api.public_url = STR("https://stats.example.com/$cookie");
    assert_int_equal(ask_host(w, "stats.example.com"), 500);
    w->api.public_url = STR("https://stats.example.com/under");
    assert_int_equal(ask_host(w, "stats.example.com"), 200);
    change_site(w, false, "example.com\nreturn 200;");
    assert_int_equal(ask_host(w, "stats.example.com"), 500);
    assert_false(world_has(w, "return 200"));
}

static void is_for_those_who_read_the_site_with_an_account(void **state)
{
    struct api_world *w = *state;
    struct site_row row;

    world_get(w, ROW_SITE, "a", &row);
    row.public_dashboard = true;
    world_put(w, ROW_SITE, &row);
    assert_int_equal(world_send(w, snippet_get,
                                (struct http_request){.query = STR("siteId=a"),
                                                      .host = STR("stats.example.com")}),
                     401);
    assert_int_equal(world_ask_for(w, snippet_get, w->six, "siteId=a", ""), 404);
    assert_int_equal(ask(w, (struct asked){"siteId=a&kind=html", "stats.example.com", ""}), 400);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(has_a_text_of_each_kind),
        WITH_WORLD(has_the_address_that_was_asked_where_no_other_is_set),
        WITH_WORLD(tells_the_script_to_respect_do_not_track_where_the_site_does),
        WITH_WORLD(refuses_a_host_that_means_something_in_a_text),
        WITH_WORLD(gives_out_no_text_that_the_server_s_own_address_or_a_domain_breaks),
        WITH_WORLD(is_for_those_who_read_the_site_with_an_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
