#include "base/net.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr parsed(const char *text)
{
    struct addr a;

    if (!addr_parse(str_from(text), &a))
        fail_msg("%s", text);
    return a;
}

static struct cidr range(const char *text)
{
    struct cidr c;

    if (!cidr_parse(str_from(text), &c))
        fail_msg("%s", text);
    return c;
}

static bool same(struct addr a, struct addr b)
{
    return a.family == b.family && memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static void reads_both_families(void **state)
{
    static const uint8_t v4[16] = {192, 0, 2, 1};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct addr a = parsed("192.0.2.1"), b = parsed("2001:DB8::1");

    (void)state;
    assert_int_equal(a.family, 4);
    assert_memory_equal(a.bytes, v4, 16);
    assert_int_equal(b.family, 6);
    assert_memory_equal(b.bytes, v6, 16);
}

static void a_mapped_address_is_ipv4(void **state)
{
    (void)state;
    assert_true(same(parsed("::ffff:192.0.2.1"), parsed("192.0.2.1")));
    assert_true(same(parsed("::FFFF:c000:0201"), parsed("192.0.2.1")));
    assert_int_equal(parsed("::192.0.2.1").family, 6);
    assert_int_equal(parsed("64:ff9b::192.0.2.1").family, 6);
}

static void refuses_what_is_no_address(void **state)
{
    const struct str bad[] = {
        STR(""),
        STR("1.2.3"),
        STR("01.2.3.4"),
        STR("1.2.3.256"),
        STR("1.2.3.4.5"),
        STR("0x7f.0.0.1"),
        STR("2130706433"),
        STR(" 1.2.3.4"),
        STR("1.2.3.4 "),
        STR("1.2.3.4:80"),
        STR("[::1]"),
        STR("fe80::1%eth0"),
        STR("::1::"),
        STR("1:2:3:4:5:6:7"),
        STR("12345::"),
        STR("localhost"),
        STR("1.2.3.4\0"),
        STR("1.2.3.4\0.5"),
        STR("unknown"),
        STR("1.2.3.-4"),
        STR("::ffff:1.2.3.4.000000000000000000000000000000000000000000"),
    };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (addr_parse(bad[i], &a))
            fail_msg("%.*s", STR_FMT(bad[i]));
}

static void reads_the_longest_text_of_an_address(void **state)
{
    const char *longest = "0000:0000:0000:0000:0000:ffff:255.255.255.255";

    (void)state;
    assert_int_equal(strlen(longest), INET6_ADDRSTRLEN - 1);
    assert_true(same(parsed(longest), parsed("255.255.255.255")));
}

static void takes_socket_addresses(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr unix_domain = {.sa_family = AF_UNIX};
    struct addr a;

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "198.51.100.7", &in.sin_addr), 1);
    assert_true(addr_from_sockaddr((const struct sockaddr *)&in, &a));
    assert_true(same(a, parsed("198.51.100.7")));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:198.51.100.7", &in6.sin6_addr), 1);
    assert_true(addr_from_sockaddr((const struct sockaddr *)&in6, &a));
    assert_true(same(a, parsed("198.51.100.7")));
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr), 1);
    assert_true(addr_from_sockaddr((const struct sockaddr *)&in6, &a));
    assert_true(same(a, parsed("2001:db8::7")));
    assert_false(addr_from_sockaddr(&unix_domain, &a));
}

static void knows_loopback(void **state)
{
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        {"127.0.0.1", true},  {"127.255.255.255", true},
        {"::1", true},        {"::ffff:127.0.0.1", true},
        {"128.0.0.1", false}, {"126.255.255.255", false},
        {"::2", false},       {"::", false},
        {"7f00::", false},    {"10.0.0.1", false},
    };
    struct addr none = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr a = parsed(cases[i].text);

        assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
    }
    assert_false(addr_is_loopback(&none));
}

static void a_range_contains_its_first_and_last_address(void **state)
{
    static const struct {
        const char *range, *first, *last, *below, *above;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        {"192.0.2.77/24", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
        {"192.0.2.8/29", "192.0.2.8", "192.0.2.15", "192.0.2.7", "192.0.2.16"},
        {"192.0.2.8", "192.0.2.8", "192.0.2.8", "192.0.2.7", "192.0.2.9"},
        {"192.0.2.8/32", "192.0.2.8", "192.0.2.8", "192.0.2.7", "192.0.2.9"},
        {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db7:ffff::", "2001:db9::"},
        {"2001:db8::/127", "2001:db8::", "2001:db8::1", "2001:db7:ffff::", "2001:db8::2"},
        {"::1", "::1", "::1", "::", "::2"},
        {"::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cidr c = range(cases[i].range);
        struct addr first = parsed(cases[i].first), last = parsed(cases[i].last);
        struct addr below = parsed(cases[i].below), above = parsed(cases[i].above);

        assert_true(cidr_contains(&c, &first));
        assert_true(cidr_contains(&c, &last));
        assert_false(cidr_contains(&c, &below));
        assert_false(cidr_contains(&c, &above));
    }
}

static void a_range_of_everything_keeps_to_its_family(void **state)
{
    struct cidr v4 = range("0.0.0.0/0"), v6 = range("::/0"), mapped = range("::ffff:0:0/96");
    struct addr a = parsed("255.1.2.3"), b = parsed("ff02::1"), none = {0};

    (void)state;
    assert_true(cidr_contains(&v4, &a));
    assert_false(cidr_contains(&v4, &b));
    assert_true(cidr_contains(&v6, &b));
    assert_false(cidr_contains(&v6, &a));
    assert_true(cidr_contains(&mapped, &a));
    assert_false(cidr_contains(&mapped, &b));
    assert_false(cidr_contains(&v4, &none));
}

static void refuses_what_is_no_range(void **state)
{
    const struct str bad[] = {
        STR(""),
        STR("/8"),
        STR("10.0.0.0/"),
        STR("10.0.0.0/33"),
        STR("::/129"),
        STR("10.0.0.0/-1"),
        STR("10.0.0.0/08"),
        STR("10.0.0.0/8 "),
        STR("10.0.0.0/+8"),
        STR("10/8"),
        STR("10.0.0.0/8/8"),
        STR("10.0.0.0/1000"),
        STR("::ffff:0:0/95"),
        STR("10.0.0.0/0x8"),
    };
    struct cidr c;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (cidr_parse(bad[i], &c))
            fail_msg("%.*s", STR_FMT(bad[i]));
}

static void cuts_each_family_by_its_own_length(void **state)
{
    static const struct {
        const char *from;
        unsigned bits4, bits6;
        const char *to;
    } cases[] = {
        {"192.0.2.255", 24, 48, "192.0.2.0"},
        {"192.0.2.255", 25, 48, "192.0.2.128"},
        {"192.0.2.255", 32, 48, "192.0.2.255"},
        {"192.0.2.255", 0, 48, "0.0.0.0"},
        {"::ffff:192.0.2.255", 16, 48, "192.0.0.0"},
        {"2001:db8:aaaa:bbbb::1", 24, 48, "2001:db8:aaaa::"},
        {"2001:db8:aaaa:bbbb::1", 24, 33, "2001:db8:8000::"},
        {"2001:db8::1", 24, 128, "2001:db8::1"},
        {"2001:db8::1", 24, 0, "::"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(same(addr_cut(parsed(cases[i].from), cases[i].bits4, cases[i].bits6),
                         parsed(cases[i].to)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_families),
        cmocka_unit_test(a_mapped_address_is_ipv4),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(reads_the_longest_text_of_an_address),
        cmocka_unit_test(takes_socket_addresses),
        cmocka_unit_test(knows_loopback),
        cmocka_unit_test(a_range_contains_its_first_and_last_address),
        cmocka_unit_test(a_range_of_everything_keeps_to_its_family),
        cmocka_unit_test(refuses_what_is_no_range),
        cmocka_unit_test(cuts_each_family_by_its_own_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
