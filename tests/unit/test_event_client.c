/* Who sends: X-Forwarded-For past trusted proxies, and the origins of a site. */
#include "event/event.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct addr address(const char *text)
{
    struct addr a = {0};

    assert_true(addr_parse(str_from(text), &a));
    return a;
}

/* Behind 10.0.0.0/8, 192.0.2.1 and 2001:db8:ffff::/48. */
static void comes_from(const char *peer, const char *forwarded_for, const char *expected)
{
    struct cidr trusted[3];

    assert_true(cidr_parse(STR("10.0.0.0/8"), &trusted[0]));
    assert_true(cidr_parse(STR("192.0.2.1"), &trusted[1]));
    assert_true(cidr_parse(STR("2001:db8:ffff::/48"), &trusted[2]));

    struct addr got =
        client_address(address(peer), str_from(forwarded_for), trusted, COUNT(trusted));
    struct addr want = address(expected);

    if (got.family != want.family || memcmp(got.bytes, want.bytes, sizeof(got.bytes)) != 0)
        fail_msg("%s past %s is not %s", forwarded_for, peer, expected);
}

static void ignores_the_header_of_an_untrusted_peer(void **state)
{
    struct addr peer = address("10.0.0.1");

    (void)state;
    comes_from("203.0.113.9", "198.51.100.7", "203.0.113.9");
    comes_from("203.0.113.9", "", "203.0.113.9");
    /* Nobody is trusted by default. */
    struct addr got = client_address(peer, STR("198.51.100.7"), NULL, 0);

    assert_memory_equal(&got, &peer, sizeof(got));
}

static void takes_the_rightmost_entry_that_is_no_proxy(void **state)
{
    (void)state;
    comes_from("10.0.0.1", "198.51.100.7", "198.51.100.7");
    comes_from("10.0.0.1", "198.51.100.7, 10.1.2.3", "198.51.100.7");
    comes_from("10.0.0.1", "198.51.100.7,192.0.2.1 ,\t10.1.2.3", "198.51.100.7");
    /* What stands left of it the sender may have made up. */
    comes_from("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7");
    comes_from("10.0.0.1", "10.9.9.9, 198.51.100.7, 10.1.2.3", "198.51.100.7");
    comes_from("10.0.0.1", "junk, 198.51.100.7", "198.51.100.7");
}

static void takes_the_leftmost_where_all_are_proxies(void **state)
{
    (void)state;
    comes_from("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3");
    comes_from("10.0.0.1", "", "10.0.0.1");
}

static void reads_ports_and_brackets(void **state)
{
    (void)state;
    comes_from("10.0.0.1", "198.51.100.7:4711", "198.51.100.7");
    comes_from("10.0.0.1", "[2001:db8::7]:65535", "2001:db8::7");
    comes_from("10.0.0.1", "[2001:db8::7]", "2001:db8::7");
    comes_from("10.0.0.1", "2001:db8::7", "2001:db8::7");
    comes_from("10.0.0.1", "2001:db8::7, 2001:db8:ffff::1", "2001:db8::7");
    comes_from("2001:db8:ffff::2", "198.51.100.7, [2001:db8:ffff::1]:80", "198.51.100.7");
    /* IPv4 in IPv6 is IPv4, trusted or not. */
    comes_from("::ffff:10.0.0.1", "198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7");
    comes_from("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7");
}

static void stops_at_what_it_cannot_read(void **state)
{
    static const char *const junk[] = {
        "unknown",
        "_hidden",
        "198.51.100",
        "198.51.100.256",
        "198.51.100.7:",
        "198.51.100.7:x",
        "198.51.100.7:65536",
        "198.51.100.7:-1",
        "[2001:db8::7",
        "[2001:db8::7]x",
        "[2001:db8::7]:",
        "[]",
        "[",
        "fe80::1%eth0",
        "for=198.51.100.7",
        "198.51.100.7 1",
        "\"198.51.100.7\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(junk); i++) {
        struct buf list = {0};

        buf_addf(&list, "198.51.100.8, %s", junk[i]);
        buf_addc(&list, '\0');
        comes_from("10.0.0.1", list.ptr, "10.0.0.1");
        buf_reset(&list);
        buf_addf(&list, "198.51.100.8, %s, 10.0.0.2", junk[i]);
        buf_addc(&list, '\0');
        comes_from("10.0.0.1", list.ptr, "10.0.0.2");
        buf_release(&list);
    }
}

static void passes_over_empty_entries(void **state)
{
    (void)state;
    comes_from("10.0.0.1", ",", "10.0.0.1");
    comes_from("10.0.0.1", "198.51.100.7,, ,10.0.0.2,", "198.51.100.7");
    comes_from("10.0.0.1", ", ,198.51.100.7", "198.51.100.7");
}

/* -- origins -- */

static void allows_the_domain_and_its_subdomains(void **state)
{
    static const char *const good[] = {
        "",
        "https://example.com",
        "http://example.com",
        "https://www.example.com",
        "https://a.b.example.com:8443",
        "https://EXAMPLE.com",
        "https://example.com.",
        "capacitor://example.com",
    };
    static const char *const bad[] = {
        "null",
        "https://evil-example.com",
        "https://evilexample.com",
        "https://example.com.evil.org",
        "https://example.org",
        "https://com",
        "https://.example.com",
        "https://",
        "example.com",
        "https://example.com@evil.org",
        "https://evil.org/example.com",
        "https://evil.org?.example.com",
        "https://evil.org\\.example.com",
        "https://example.com:x",
        "https://example.com:123456",
        "https://[::1]",
        "https://[::1",
        "https://[example.com]",
        "ht tps://example.com",
        "://example.com",
    };
    struct site site = {.domain = STR("example.com")};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!site_allows_origin(&site, str_from(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (site_allows_origin(&site, str_from(bad[i])))
            fail_msg("allowed: %s", bad[i]);
}

static void allows_addresses_as_domains(void **state)
{
    struct site four = {.domain = STR("127.0.0.1")};
    struct site six = {.domain = STR("[::1]")};

    (void)state;
    assert_true(site_allows_origin(&four, STR("http://127.0.0.1:8080")));
    assert_false(site_allows_origin(&four, STR("http://127.0.0.2:8080")));
    assert_true(site_allows_origin(&six, STR("http://[::1]:8080")));
    assert_false(site_allows_origin(&six, STR("http://[::2]:8080")));
}

static void allows_only_what_is_listed(void **state)
{
    struct str listed[] = {STR("shop.example.org"), STR("*.example.net")};
    struct site site = {.domain = STR("example.com"),
                        .has_allowed_origins = true,
                        .allowed_origins = listed,
                        .allowed_origins_count = COUNT(listed)};

    (void)state;
    assert_true(site_allows_origin(&site, STR("")));
    assert_true(site_allows_origin(&site, STR("https://shop.example.org:444")));
    assert_true(site_allows_origin(&site, STR("https://Shop.Example.org")));
    assert_false(site_allows_origin(&site, STR("https://a.shop.example.org")));
    assert_true(site_allows_origin(&site, STR("https://a.b.example.net")));
    assert_false(site_allows_origin(&site, STR("https://example.net")));
    assert_false(site_allows_origin(&site, STR("https://evil-example.net")));
    assert_false(site_allows_origin(&site, STR("https://example.com")));
    assert_false(site_allows_origin(&site, STR("null")));
    site.allowed_origins_count = 0;
    assert_false(site_allows_origin(&site, STR("https://shop.example.org")));
}

static void a_star_allows_any_origin(void **state)
{
    struct str listed[] = {STR("*")};
    struct site site = {
        .has_allowed_origins = true, .allowed_origins = listed, .allowed_origins_count = 1};

    (void)state;
    assert_true(site_allows_origin(&site, STR("https://anything.example")));
    assert_true(site_allows_origin(&site, STR("null")));
}

/* -- how closely a host is named --------------------------------------------------------------- */

static void a_host_is_named_by_the_longest_that_it_is_below(void **state)
{
    static const struct {
        const char *host;
        size_t names;
    } cases[] = {
        {"example.com", 11},        {"EXAMPLE.com", 11},
        {"www.example.com", 11},    {"a.shop.example.com", 16},
        {"shop.example.com", 11},   {"pay.other.example", 17},
        {"x.pay.other.example", 0}, {"other.example", 0},
        {"evilexample.com", 0},     {"", 0},
    };
    struct str origins[] = {STR("*"), STR("*.shop.example.com"), STR("pay.other.example")};
    const struct site site = {.domain = STR("example.com"),
                              .has_allowed_origins = true,
                              .allowed_origins = origins,
                              .allowed_origins_count = COUNT(origins)};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (site_names_host(&site, str_from(cases[i].host)) != cases[i].names)
            fail_msg("%s: %zu", cases[i].host, site_names_host(&site, str_from(cases[i].host)));
}

static void a_page_has_the_host_of_its_address(void **state)
{
    struct str host;

    (void)state;
    assert_true(page_host(STR("https://u@Shop.Example:8443/a?b#c"), &host));
    assert_true(str_eq(host, STR("Shop.Example")));
    assert_false(page_host(STR("null"), &host));
    assert_false(page_host(STR(""), &host));
    assert_false(page_host(STR("/a"), &host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ignores_the_header_of_an_untrusted_peer),
        cmocka_unit_test(takes_the_rightmost_entry_that_is_no_proxy),
        cmocka_unit_test(takes_the_leftmost_where_all_are_proxies),
        cmocka_unit_test(reads_ports_and_brackets),
        cmocka_unit_test(stops_at_what_it_cannot_read),
        cmocka_unit_test(passes_over_empty_entries),
        cmocka_unit_test(allows_the_domain_and_its_subdomains),
        cmocka_unit_test(allows_addresses_as_domains),
        cmocka_unit_test(allows_only_what_is_listed),
        cmocka_unit_test(a_star_allows_any_origin),
        cmocka_unit_test(a_host_is_named_by_the_longest_that_it_is_below),
        cmocka_unit_test(a_page_has_the_host_of_its_address),
    };
    return cmocka_run_group_tests_name("event_client", tests, NULL, NULL);
}
