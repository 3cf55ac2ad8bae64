/* Paths without queries, referrers without visitors. */
#include "event/event_internal.h"
#include "unit.h"

static struct site plain_site(void)
{
    return (struct site){.domain = STR("example.com"), .mask_personal = true};
}

static void cleans_to(const struct site *site, const char *path, const char *expected)
{
    struct arena arena = {0};
    struct str got = path_clean(site, str_from(path), &arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("%s -> %.*s, not %s", path, STR_FMT(got), expected);
    arena_free(&arena);
}

static void refers_from(const struct site *site, const char *referrer, const char *expected)
{
    struct arena arena = {0};
    struct str got = referrer_clean(site, str_from(referrer), &arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("%s -> %.*s, not %s", referrer, STR_FMT(got), expected);
    arena_free(&arena);
}

static void removes_query_and_fragment(void **state)
{
    struct site site = plain_site();

    (void)state;
    cleans_to(&site, "/pricing", "/pricing");
    cleans_to(&site, "/pricing?utm_source=x&q=1", "/pricing");
    cleans_to(&site, "/pricing#top", "/pricing");
    cleans_to(&site, "/pricing?q=1#top", "/pricing");
    cleans_to(&site, "/pricing#a?q=1", "/pricing");
    cleans_to(&site, "/?", "/");
    cleans_to(&site, "", "");
}

static void keeps_a_fragment_that_is_a_route(void **state)
{
    struct site site = plain_site();

    (void)state;
    cleans_to(&site, "/app#/users/7", "/app#/users/7");
    cleans_to(&site, "/#/", "/#/");
    cleans_to(&site, "/app#!inbox", "/app#!inbox");
    cleans_to(&site, "/app#!/inbox", "/app#!/inbox");
    cleans_to(&site, "/app#!", "/app#!");
    cleans_to(&site, "/app?x=1#/users/7", "/app#/users/7");
    cleans_to(&site, "/app#/users/7?tab=me@example.com", "/app#/users/7");
    cleans_to(&site, "/app?x=1#/users/7?y=2#/z", "/app#/users/7");
    cleans_to(&site, "/app#/users/7#top", "/app#/users/7");
    cleans_to(&site, "/app#?/users", "/app");
    cleans_to(&site, "/app##/users", "/app");
    cleans_to(&site, "/app#", "/app");
    cleans_to(&site, "/app#users/7", "/app");
    cleans_to(&site, "/app#access_token=1/x", "/app");
    cleans_to(&site, "/app#:~:text=a", "/app");
}

static void what_is_kept_of_the_query_follows_the_route(void **state)
{
    struct str kept[] = {STR("x")};
    struct site site = plain_site();

    (void)state;
    site.query_params = kept;
    site.query_params_count = 1;
    cleans_to(&site, "/app?x=1#/users/7", "/app#/users/7?x=1");
    cleans_to(&site, "/app?y=2&x=1#/users/7?x=3", "/app#/users/7?x=1");
    cleans_to(&site, "/app#/users/7?x=3", "/app#/users/7");
    cleans_to(&site, "/app?x=1#top", "/app?x=1");
}

static void masks_a_route_as_a_path(void **state)
{
    struct site site = plain_site();

    (void)state;
    cleans_to(&site, "/#/reset/dGhpcyBpcyBhIHNlY3JldCB0b2tlbjE", "/#/reset/[token]");
    cleans_to(&site, "/#/reset/550e8400-e29b-41d4-a716-446655440000/x", "/#/reset/[token]/x");
    cleans_to(&site, "/#!u/me@example.com", "/#!u/[email]");
    cleans_to(&site, "/a@example.com#/b@example.com", "/[email]#/[email]");
    site.mask_personal = false;
    cleans_to(&site, "/#/u/me@example.com", "/#/u/me@example.com");
}

static void a_long_route_is_cut_with_its_path(void **state)
{
    struct site site = plain_site();
    struct buf path = {0};
    struct arena arena = {0};

    (void)state;
    buf_add(&path, STR("/app?x=1#/"));
    while (path.len < EVENT_PATH_MAX + 4)
        buf_addc(&path, 'r');
    /* Without the query of 4 bytes. */
    assert_int_equal(path_clean(&site, buf_str(&path), &arena).len, EVENT_PATH_MAX);
    buf_addc(&path, 'r');
    assert_int_equal(path_clean(&site, buf_str(&path), &arena).len, EVENT_PATH_MAX);
    path.len -= 2;
    assert_int_equal(path_clean(&site, buf_str(&path), &arena).len, EVENT_PATH_MAX - 1);
    buf_release(&path);
    arena_free(&arena);
}

static void a_page_is_matched_with_its_route(void **state)
{
    static const struct {
        const char *path, *pattern;
        bool matches;
    } cases[] = {
        {"/app#/users/7", "/app#/users/7", true},
        {"/app#/users/7", "/app#/users/*", true},
        {"/app#/users/7", "/app#/users/70", false},
        {"/app#/users/70", "/app#/users/7", false},
        {"/app#/users/7", "/app", false},
        {"/app#/users/7", "/app#/*", true},
        {"/app#/users/7", "/*", true},
        {"/app#/users/7", "/app/*", false},
        {"/app/x#/users/7", "/app/*", true},
        {"/app/x#/users/7", "/app/x/*", false},
        {"/app", "/app#/users/7", false},
        {"/app", "/app#/*", false},
        {"/ap", "/app#/*", false},
        {"/app#top", "/app", true},
        {"/app#top", "/app#top", false},
        {"/app?x=1#/users/7", "/app#/users/7", true}, /* as sent */
        {"/app#/users/7?x=1", "/app#/users/7", true}, /* as kept */
        {"/app#/users/7?x=1", "/app#/users/*", true},
        {"/x?/private#/a", "/x#/a", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (path_matches(str_from(cases[i].path), str_from(cases[i].pattern)) != cases[i].matches)
            fail_msg("%s and %s", cases[i].path, cases[i].pattern);
}

static void keeps_the_sites_parameters_in_the_order_sent(void **state)
{
    struct str kept[] = {STR("q"), STR("page")};
    struct site site = plain_site();

    (void)state;
    site.query_params = kept;
    site.query_params_count = 2;
    cleans_to(&site, "/s?page=2&x=1&q=a%20b", "/s?page=2&q=a%20b");
    cleans_to(&site, "/s?x=1&q#f", "/s?q");
    cleans_to(&site, "/s?q=1&q=2", "/s?q=1&q=2");
    cleans_to(&site, "/s?qq=1&Q=2&&=3", "/s");
    cleans_to(&site, "/s?q=a=b?c", "/s?q=a=b?c");
    cleans_to(&site, "/s?q=me@example.com", "/s?q=[email]");
}

static void never_keeps_what_says_where_a_visitor_came_from(void **state)
{
    struct str kept[] = {STR("utm_source"), STR("UTM_Term"), STR("ref"),        STR("source"),
                         STR("gclid"),      STR("fbclid"),   STR("gad_source"), STR("ScCid"),
                         STR("mc_cid"),     STR("q")};
    struct site site = plain_site();

    (void)state;
    site.query_params = kept;
    site.query_params_count = sizeof(kept) / sizeof(kept[0]);
    cleans_to(&site, "/?utm_source=a&UTM_Term=b&ref=c&source=d&gclid=e&fbclid=f", "/");
    cleans_to(&site, "/?gad_source=a&ScCid=b&mc_cid=c&q=d", "/?q=d");
}

static void masks_paths_where_the_site_wants_it(void **state)
{
    struct site site = plain_site();

    (void)state;
    cleans_to(&site, "/u/me@example.com", "/u/[email]");
    site.mask_personal = false;
    cleans_to(&site, "/u/me@example.com", "/u/me@example.com");
}

static void cuts_what_masking_made_too_long(void **state)
{
    struct site site = plain_site();
    struct buf path = {0};
    struct arena arena = {0};

    (void)state;
    buf_addc(&path, '/');
    while (path.len + 7 <= EVENT_PATH_MAX)
        buf_add(&path, STR("a@b.cc/"));
    assert_int_equal(path_clean(&site, buf_str(&path), &arena).len, EVENT_PATH_MAX);
    buf_release(&path);
    arena_free(&arena);
}

static void keeps_only_the_host_of_other_sites(void **state)
{
    struct site site = plain_site();

    (void)state;
    refers_from(&site, "https://www.google.com/search?q=secret", "www.google.com");
    refers_from(&site, "https://WWW.Google.COM", "www.google.com");
    refers_from(&site, "http://user:pw@news.example.org:8080/a#b", "news.example.org");
    refers_from(&site, "https://evil-example.com/path", "evil-example.com");
    refers_from(&site, "https://example.com.evil.org/path", "example.com.evil.org");
    refers_from(&site, "android-app://com.google.android.gm/", "com.google.android.gm");
    refers_from(&site, "https://[2001:DB8::1]:80/x", "[2001:db8::1]");
    refers_from(&site, "https://duckduckgo.com.", "duckduckgo.com");
    /* As it is: a host is what it is asked for by. */
    refers_from(&site, "https://507f1f77bcf86cd799439011.example.org/x",
                "507f1f77bcf86cd799439011.example.org");
}

static void keeps_the_path_of_the_sites_own_pages(void **state)
{
    struct site site = plain_site();

    (void)state;
    refers_from(&site, "https://example.com/a/b?q=1#f", "example.com/a/b");
    refers_from(&site, "https://Shop.Example.com:444/a", "shop.example.com/a");
    refers_from(&site, "https://example.com", "example.com/");
    refers_from(&site, "https://example.com?x=/y", "example.com/");
    refers_from(&site, "https://example.com/app#/users/7", "example.com/app");
    refers_from(&site, "https://example.com/u/me@example.org", "example.com/u/[email]");
    site.mask_personal = false;
    refers_from(&site, "https://example.com/u/me@example.org", "example.com/u/me@example.org");
}

static void drops_what_is_no_referrer(void **state)
{
    static const char *const junk[] = {
        "",
        "google.com",
        "/pricing",
        "about:blank",
        "file:///home/me/x.html",
        "https://",
        "https:///x",
        "data:text/html,x",
        "chrome-extension://abcdef/x",
        "https://a b.com/",
        "https://%61.com/",
        "https://a.com:port/",
        "javascript://example.com/x",
    };
    struct site site = plain_site();

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
        refers_from(&site, junk[i], "");
}

static void drops_hosts_longer_than_253_bytes(void **state)
{
    struct site site = plain_site();
    struct arena arena = {0};
    struct buf url = {0};

    (void)state;
    buf_add(&url, STR("https://"));
    for (int i = 0; i < 253; i++)
        buf_addc(&url, 'h');
    assert_int_equal(referrer_clean(&site, buf_str(&url), &arena).len, 253);
    buf_addc(&url, 'h');
    assert_int_equal(referrer_clean(&site, buf_str(&url), &arena).len, 0);
    buf_release(&url);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_query_and_fragment),
        cmocka_unit_test(keeps_a_fragment_that_is_a_route),
        cmocka_unit_test(what_is_kept_of_the_query_follows_the_route),
        cmocka_unit_test(masks_a_route_as_a_path),
        cmocka_unit_test(a_long_route_is_cut_with_its_path),
        cmocka_unit_test(a_page_is_matched_with_its_route),
        cmocka_unit_test(keeps_the_sites_parameters_in_the_order_sent),
        cmocka_unit_test(never_keeps_what_says_where_a_visitor_came_from),
        cmocka_unit_test(masks_paths_where_the_site_wants_it),
        cmocka_unit_test(cuts_what_masking_made_too_long),
        cmocka_unit_test(keeps_only_the_host_of_other_sites),
        cmocka_unit_test(keeps_the_path_of_the_sites_own_pages),
        cmocka_unit_test(drops_what_is_no_referrer),
        cmocka_unit_test(drops_hosts_longer_than_253_bytes),
    };
    return cmocka_run_group_tests_name("event_path", tests, NULL, NULL);
}
