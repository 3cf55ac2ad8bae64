/*
 * test_geo.c -- the country of an address. Expectations: the tables written here; for Debian's own
 * tables a search of their text by other means; for the codes of countries tzdata's list; for
 * MaxMind databases their specification (test_geo_mmdb.h).
 */
#include "unit.h"

#include "base/date.h"
#include "geo/geo_internal.h"
#include "test_geo_mmdb.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEBIAN4 "/usr/share/tor/geoip"
#define DEBIAN6 "/usr/share/tor/geoip6"

enum { CHUNK = 256 * 1024 /* what geo.c reads at once */ };

/* -- what the tests share ---------------------------------------------------------------------- */

struct file {
    char path[32];
};

static struct file file_of(struct str text)
{
    struct file file = {"test_geo.XXXXXX"};
    int fd = mkstemp(file.path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    (void)close(fd);
    return file;
}

static struct addr addr(const char *text)
{
    struct addr a;

    assert_true(addr_parse(str_from(text), &a));
    return a;
}

static void assert_country(const struct geo *geo, const char *address, const char *country)
{
    const struct addr a = addr(address);
    struct str found = geo_country(geo, &a);

    if (!str_eq(found, str_from(country)))
        fail_msg("%s: \"%.*s\", not \"%s\"", address, STR_FMT(found), country);
}

/* Tables of these texts; NULL: none. */
static int open_texts(const char *ipv4, const char *ipv6, struct geo **out, struct err *err)
{
    const struct str nowhere = STR("test_geo.nowhere");
    struct geo_config config = {0};
    struct file file4 = {""}, file6 = {""};

    if (ipv4 != NULL) {
        file4 = file_of(str_from(ipv4));
        config.ipv4 = str_from(file4.path);
    }
    if (ipv6 != NULL) {
        file6 = file_of(str_from(ipv6));
        config.ipv6 = str_from(file6.path);
    }
    int rc = geo_open_at(&config, nowhere, nowhere, out, err);

    (void)unlink(file4.path);
    (void)unlink(file6.path);
    return rc;
}

static struct geo *opened(const char *ipv4, const char *ipv6)
{
    struct geo *geo = NULL;
    struct err err = {""};

    if (open_texts(ipv4, ipv6, &geo, &err) != 0)
        fail_msg("%s", err.text);
    return geo;
}

/* -- tables ------------------------------------------------------------------------------------ */

/* 1.0.0.0/24 AU, 1.0.1.0-1.0.3.255 CN, 1.0.4.0/22 is not there, 1.0.8.0/21 JP, and the last /24. */
static const char small4[] = "# a remark, é\n"
                             "\n"
                             "16777216,16777471,AU\n"
                             "16777472,16778239,CN\n"
                             "16779264,16781311,JP\n"
                             "4294967040,4294967295,DE\n";

static void finds_the_country_of_an_ipv4_address(void **state)
{
    struct geo *geo = opened(small4, NULL);

    (void)state;
    assert_country(geo, "0.255.255.255", "");
    assert_country(geo, "1.0.0.0", "AU");
    assert_country(geo, "1.0.0.255", "AU");
    assert_country(geo, "1.0.1.0", "CN");
    assert_country(geo, "1.0.3.255", "CN");
    assert_country(geo, "1.0.4.0", "");
    assert_country(geo, "1.0.7.255", "");
    assert_country(geo, "1.0.8.0", "JP");
    assert_country(geo, "1.0.15.255", "JP");
    assert_country(geo, "1.0.16.0", "");
    assert_country(geo, "255.255.254.255", "");
    assert_country(geo, "255.255.255.255", "DE");
    assert_country(geo, "::ffff:1.0.8.1", "JP");
    assert_int_equal(geo_ranges(geo), 4);
    geo_close(&geo);
    assert_null(geo);
}

static void finds_the_country_of_an_ipv6_address(void **state)
{
    struct geo *geo = opened(NULL, "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP\n"
                                   "2001:200:135::,2001:200:135:FFFF:ffff:ffff:ffff:ffff,US\n"
                                   "2a00:0:0::,2a00:0:ffff:ffff:ffff:ffff:ffff:ffff,DE\n"
                                   "ffff:ffff:ffff::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,FR");

    (void)state;
    assert_country(geo, "2001:1ff:ffff:ffff::", "");
    assert_country(geo, "2001:200::", "JP");
    assert_country(geo, "2001:200:134:ffff::1", "JP");
    assert_country(geo, "2001:200:135::", "US");
    assert_country(geo, "2001:200:135:ffff:ffff:ffff:ffff:ffff", "US");
    assert_country(geo, "2001:200:136::", "");
    assert_country(geo, "2a00:0:ffff::9", "DE");
    assert_country(geo, "2a00:1::", "");
    assert_country(geo, "ffff:ffff:ffff::", "FR");
    assert_country(geo, "1.0.0.1", "");
    assert_int_equal(geo_ranges(geo), 4);
    geo_close(&geo);
}

/* A range decides the networks whose first address it holds. */
static void an_address_is_looked_up_as_the_first_of_its_network(void **state)
{
    struct geo *geo = opened("16777216,16777343,AU\n"  /* 1.0.0.0-1.0.0.127 */
                             "16777344,16777983,CN\n"  /* 1.0.0.128-1.0.2.255 */
                             "16777985,16778239,JP\n"  /* 1.0.3.1-1.0.3.255 */
                             "16778240,16778240,DE\n"  /* 1.0.4.0 */
                             "16778241,16778241,FR\n", /* 1.0.4.1 */
                             "2001:db8:1::,2001:db8:1::,DE\n"
                             "2001:db8:1:1::,2001:db8:2:7fff:ffff:ffff:ffff:ffff,FR\n"
                             "2001:db8:3::1,2001:db8:3:ffff::,JP\n");

    (void)state;
    assert_country(geo, "1.0.0.200", "AU");
    assert_country(geo, "1.0.1.0", "CN");
    assert_country(geo, "1.0.2.255", "CN");
    assert_country(geo, "1.0.3.200", "");
    assert_country(geo, "1.0.4.1", "DE");
    assert_country(geo, "1.0.5.0", "");
    assert_country(geo, "2001:db8:1:ffff::", "DE");
    assert_country(geo, "2001:db8:2:ffff::", "FR");
    assert_country(geo, "2001:db8:3::1", "");
    geo_close(&geo);
}

static void what_is_no_country_is_not_known(void **state)
{
    struct geo *geo = opened("0,16777215,??\n"
                             "16777216,33554431,EU\n"
                             "33554432,50331647,ZZ\n"
                             "50331648,4294967295,XK\n",
                             NULL);

    (void)state;
    assert_country(geo, "0.0.0.0", "");
    assert_country(geo, "1.2.3.4", "");
    assert_country(geo, "2.2.3.4", "");
    assert_country(geo, "3.2.3.4", "XK");
    assert_country(geo, "255.255.255.255", "XK");
    assert_int_equal(geo_ranges(geo), 1);
    geo_close(&geo);
}

static void without_a_table_no_country_is_known(void **state)
{
    struct geo *geo = opened(NULL, NULL);
    struct geo_about about;
    const struct addr none = {0}, some = addr("8.8.8.8");

    (void)state;
    assert_country(geo, "8.8.8.8", "");
    assert_country(geo, "2a00::1", "");
    assert_int_equal(geo_country(geo, &none).len, 0);
    assert_int_equal(geo_country(NULL, &some).len, 0);
    assert_int_equal(geo_ranges(geo), 0);
    geo_about(geo, &about);
    assert_int_equal(about.name.len, 0);
    assert_false(about.ipv4 || about.ipv6);
    geo_close(&geo);
    geo_close(&geo);
}

static void a_table_that_was_named_must_be_there(void **state)
{
    struct geo *geo = NULL;
    struct err err = {""};
    struct geo_config four = {.ipv4 = STR("test_geo.missing")},
                      six = {.ipv6 = STR("test_geo.missing")};

    (void)state;
    assert_int_equal(geo_open_at(&four, STR("nowhere"), STR("nowhere"), &geo, &err), ERR_SYSTEM);
    assert_string_equal(err.text, "test_geo.missing: No such file or directory");
    assert_int_equal(geo_open_at(&six, STR("nowhere"), STR("nowhere"), &geo, &err), ERR_SYSTEM);
    assert_null(geo);
}

static void a_table_in_its_usual_place_must_be_readable(void **state)
{
    struct geo *geo = NULL;
    struct err err = {""};
    const struct geo_config config = {0};

    (void)state;
    assert_int_equal(geo_open_at(&config, STR("."), STR("nowhere"), &geo, &err), ERR_SYSTEM);
    assert_string_equal(err.text, ".: Is a directory");
}

static void says_which_line_is_wrong(void **state)
{
    static const struct {
        bool ipv6;
        const char *text, *place;
    } cases[] = {
        {false, "1,2,DE\n\n#\n3,x,DE\n", ":4: "},
        {false, "1,2,de\n", ":1: "},
        {false, "1,2,DEU\n", ":1: "},
        {false, "1,2,D\n", ":1: "},
        {false, "1,2,\n", ":1: "},
        {false, "1,2\n", ":1: "},
        {false, ",2,DE\n", ":1: "},
        {false, "1,4294967296,DE\n", ":1: "},
        {false, "99999999999999999999,4,DE\n", ":1: "},
        {false, "00000000001,2,DE\n", ":1: "},
        {false, "-1,2,DE\n", ":1: "},
        {false, " 1,2,DE\n", ":1: "},
        {false, "1,2,DE\r\n", ":1: "},
        {false, "2,1,DE\n", ":1: the range ends before it begins"},
        {false, "1,5,DE\n5,9,FR\n", ":2: the range does not follow"},
        {false, "7,9,DE\n1,2,FR\n", ":2: the range does not follow"},
        {false, "0,0,DE\n0,0,DE\n", ":2: the range does not follow"},
        {false, "2001::,2001::1,DE\n", ":1: "},
        {false, "", "holds no ranges"},
        {false, "# only a remark\n", "holds no ranges"},
        {true, "1,2,DE\n", ":1: "},
        {true, "::,::,DE\n::,::1,DE\n", ":2: the range does not follow"},
        {true, "::2,::1,DE\n", ":1: the range ends"},
        {true, "1::,::ffff,DE\n", ":1: the range ends"},
        {true, "12345::,12346::,DE\n", ":1: "},
        {true, "1:2:3:4:5:6:7,1:2:3:4:5:6:7:8,DE\n", ":1: "},
        {true, "1:2:3:4:5:6:7:8:9,1:2:3:4:5:6:7:8:a,DE\n", ":1: "},
        {true, "1:2:3:4:5:6:7:8::,1:2:3:4:5:6:7:9::,DE\n", ":1: "},
        {true, "1:2:3:4::5:6:7:8,1:2:3:4::5:6:7:9,DE\n", ":1: "},
        {true, "1::2::3,1::2::4,DE\n", ":1: "},
        {true, "1:::2,1:::3,DE\n", ":1: "},
        {true, ":1::,:2::,DE\n", ":1: "},
        {true, "1:2:3:4:5:6:7:,1:2:3:4:5:6:7:8,DE\n", ":1: "},
        {true, "::1:,::2:,DE\n", ":1: "},
        {true, "g::,h::,DE\n", ":1: "},
        {true, "::ffff:1.2.3.4,::ffff:1.2.3.5,DE\n", ":1: "},
        {true, "1::", ":1: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct geo *geo = NULL;
        struct err err = {""};
        int rc = cases[i].ipv6 ? open_texts(NULL, cases[i].text, &geo, &err)
                               : open_texts(cases[i].text, NULL, &geo, &err);

        if (rc != ERR_INVALID || strstr(err.text, cases[i].place) == NULL)
            fail_msg("%s: %d %s", cases[i].text, rc, err.text);
        assert_null(geo);
    }
}

/* inet_pton() is who knows how IPv6 is written. */
static void reads_addresses_however_they_are_written(void **state)
{
    static const char *const texts[] = {
        "::",
        "::1",
        "1::",
        "1::2",
        "1:2:3:4:5:6:7:8",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "1:2:3::5:6:7:8",
        "0001:0020:0300:4000:0005:0060:0700:8000",
        "ABCD:abcd::",
        "fe80::a:0:0:b",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct table_reader reader;
        uint64_t high = 0, low = 0;
        uint8_t bytes[16];
        struct err err = {""};
        char line[128];

        assert_int_equal(inet_pton(AF_INET6, texts[i], bytes), 1);
        for (size_t k = 0; k < 8; k++) {
            high = high << 8 | bytes[k];
            low = low << 8 | bytes[k + 8];
        }
        (void)snprintf(line, sizeof(line), "%s,%s,DE\n", texts[i], texts[i]);
        table_reader_init(&reader, TABLE_IPV6);
        if (table_read(&reader, str_from(line), &err) != 0)
            fail_msg("%s: %s", texts[i], err.text);
        assert_true(reader.last.high == high && reader.last.low == low);
        table_reader_release(&reader);
    }
}

/* -- files ------------------------------------------------------------------------------------- */

/* Each third /24 is DE, the next FR, the next none: more than three chunks of lines of uneven
 * length. */
static void reads_tables_longer_than_what_is_read_at_once(void **state)
{
    enum { RANGES = 3 * CHUNK / 16 };
    struct buf text = {0};
    char address[16];

    (void)state;
    for (unsigned i = 0; i < RANGES; i++) {
        unsigned long network = i / 2 * 3 + i % 2;

        buf_addf(&text, "%lu,%lu,%s\n", network * 256, network * 256 + 255, i % 2 ? "FR" : "DE");
    }
    assert_true(text.len > 3 * CHUNK);
    buf_addc(&text, '\0');
    struct geo *geo = opened(text.ptr, NULL);

    for (unsigned network = 0; network < RANGES / 2 * 3; network++) {
        static const char *const expected[] = {"DE", "FR", ""};

        (void)snprintf(address, sizeof(address), "%u.%u.%u.7", network >> 16, network >> 8 & 255,
                       network & 255);
        assert_country(geo, address, expected[network % 3]);
    }
    assert_int_equal(geo_ranges(geo), RANGES);
    geo_close(&geo);
    buf_release(&text);
}

/* A remark of so many bytes with its newline, then a range. */
static int open_long_line(size_t bytes, struct err *err)
{
    struct buf text = {0};
    struct geo *geo = NULL;

    for (size_t i = 0; i + 1 < bytes; i++)
        buf_addc(&text, '#');
    buf_add(&text, STR("\n1,2,DE\n"));
    buf_addc(&text, '\0');
    int rc = open_texts(text.ptr, NULL, &geo, err);

    geo_close(&geo);
    buf_release(&text);
    return rc;
}

static void a_line_may_be_as_long_as_what_is_read_at_once(void **state)
{
    struct err err = {""};

    (void)state;
    assert_int_equal(open_long_line(CHUNK, &err), 0);
    assert_int_equal(open_long_line(CHUNK + 1, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, ":1: the line is too long"));
}

static void says_when_the_older_of_its_tables_was_made(void **state)
{
    struct geo_about about;
    struct geo *geo = opened("# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n1,2,DE\n",
                             "# Generated: Wed, 24 Jun 2026 04:33:59 GMT\n::,::,DE\n");

    (void)state;
    geo_about(geo, &about);
    assert_int_equal(about.day, date_from_civil(2026, 6, 24));
    assert_true(str_eq(about.name, STR("tor-geoipdb")));
    assert_true(about.ipv4 && about.ipv6);
    assert_int_equal(about.ranges, 2);
    geo_close(&geo);
    geo = opened("# Generated: some day\n1,2,DE\n", NULL);
    geo_about(geo, &about);
    assert_int_equal(about.day, 0);
    assert_true(about.ipv4 && !about.ipv6);
    geo_close(&geo);
}

/* -- Debian's own tables ----------------------------------------------------------------------- */

struct known_range {
    uint8_t from[16], to[16];
    char country[3];
};

/* The text again, with the C library's own means. */
static struct known_range *read_debian(const char *path, bool ipv6, size_t *count)
{
    FILE *file = fopen(path, "r");
    struct known_range *ranges = calloc(1000000, sizeof(*ranges));
    char line[256], from[64], to[64];

    *count = 0;
    assert_non_null(ranges);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        struct known_range *range = &ranges[*count];

        if (line[0] == '#' || sscanf(line, "%63[^,],%63[^,],%2s", from, to, range->country) != 3)
            continue;
        if (ipv6) {
            assert_int_equal(inet_pton(AF_INET6, from, range->from), 1);
            assert_int_equal(inet_pton(AF_INET6, to, range->to), 1);
        } else {
            uint32_t ends[] = {htonl((uint32_t)strtoul(from, NULL, 10)),
                               htonl((uint32_t)strtoul(to, NULL, 10))};

            memcpy(range->from, &ends[0], 4);
            memcpy(range->to, &ends[1], 4);
        }
        assert_true(++*count < 1000000);
    }
    if (file != NULL)
        (void)fclose(file);
    return ranges;
}

static int against_range(const void *key, const void *member)
{
    const struct known_range *range = member;

    if (memcmp(key, range->from, 16) < 0)
        return -1;
    return memcmp(key, range->to, 16) > 0;
}

static void compare(const struct geo *geo, const struct known_range *ranges, size_t count,
                    struct addr address)
{
    struct str found = geo_country(geo, &address);

    memset(address.bytes + (address.family == 4 ? 3 : 6), 0, address.family == 4 ? 1 : 10);
    const struct known_range *range =
        bsearch(address.bytes, ranges, count, sizeof(*ranges), against_range);
    struct str expected = range == NULL ? STR("") : str_from(range->country);

    if (!geo_is_country(expected))
        expected = STR("");
    if (!str_eq(found, expected))
        fail_msg("%u.%u.%u...: \"%.*s\", not \"%.*s\"", address.bytes[0], address.bytes[1],
                 address.bytes[2], STR_FMT(found), STR_FMT(expected));
}

static void compare_all(const struct geo *geo, const char *path, uint8_t family)
{
    enum { RANDOM = 100000 };
    size_t count, bytes = family == 4 ? 4 : 16;
    struct known_range *ranges = read_debian(path, family == 6, &count);
    struct addr address = {.family = family};
    uint32_t random = 1;

    assert_true(count > 100000);
    for (size_t i = 0; i < count; i++) {
        memcpy(address.bytes, ranges[i].from, 16);
        compare(geo, ranges, count, address);
        memcpy(address.bytes, ranges[i].to, 16);
        compare(geo, ranges, count, address);
    }
    for (size_t i = 0; i < RANDOM * bytes; i++) {
        random = random * 1664525 + 1013904223;
        address.bytes[i % bytes] = (uint8_t)(random >> 24);
        if (i % bytes + 1 == bytes)
            compare(geo, ranges, count, address);
    }
    free(ranges);
}

static void agrees_with_debians_tables_as_they_are_written(void **state)
{
    const struct geo_config config = {0};
    struct geo_about about;
    struct geo *geo = NULL;
    struct err err = {""};

    (void)state;
    if (access(DEBIAN4, R_OK) != 0 || access(DEBIAN6, R_OK) != 0)
        skip();
    assert_int_equal(geo_open(&config, &geo, &err), 0);
    compare_all(geo, DEBIAN4, 4);
    compare_all(geo, DEBIAN6, 6);
    geo_about(geo, &about);
    assert_true(about.day > date_from_civil(2023, 1, 1));
    geo_close(&geo);
}

static void knows_the_countries_that_tzdata_knows(void **state)
{
    FILE *file = fopen("/usr/share/zoneinfo/iso3166.tab", "r");
    bool listed[26 * 26] = {0};
    char line[256];

    (void)state;
    if (file == NULL)
        skip();
    while (fgets(line, sizeof(line), file) != NULL)
        if (line[0] != '#')
            listed[(line[0] - 'A') * 26 + line[1] - 'A'] = true;
    (void)fclose(file);
    listed[('X' - 'A') * 26 + 'K' - 'A'] = true;
    for (int i = 0; i < 26 * 26; i++) {
        const char code[] = {(char)('A' + i / 26), (char)('A' + i % 26)};

        if (geo_is_country((struct str){code, 2}) != listed[i])
            fail_msg("%.2s", code);
    }
    assert_false(geo_is_country(STR("de")));
    assert_false(geo_is_country(STR("DEU")));
    assert_false(geo_is_country(STR("")));
}

/* -- MaxMind databases ------------------------------------------------------------------------- */

/* Data like {"country":{"iso_code":CODE}}; gives its offset. */
static size_t iso_code(struct mmdb_writer *writer, const char *code)
{
    size_t offset = writer->data.len;

    mmdb_control(&writer->data, MMDB_MAP, 1);
    mmdb_string(&writer->data, "country");
    mmdb_control(&writer->data, MMDB_MAP, 1);
    mmdb_string(&writer->data, "iso_code");
    mmdb_string(&writer->data, code);
    return offset;
}

/* Data like {NAME:VALUE}. */
static size_t flat(struct mmdb_writer *writer, const char *name, const char *value)
{
    size_t offset = writer->data.len;

    mmdb_control(&writer->data, MMDB_MAP, 1);
    mmdb_string(&writer->data, name);
    mmdb_string(&writer->data, value);
    return offset;
}

static int open_writer(struct mmdb_writer *writer, struct geo **out, struct err *err)
{
    struct buf bytes = {0};

    mmdb_write(writer, "Test-Country", &bytes);
    struct file file = file_of(buf_str(&bytes));
    const struct geo_config config = {.database = str_from(file.path)};
    int rc = geo_open(&config, out, err);

    (void)unlink(file.path);
    buf_release(&bytes);
    buf_release(&writer->data);
    return rc;
}

static void a_database_takes_the_place_of_the_tables(void **state)
{
    struct mmdb_writer writer = {.ip_version = 6};
    struct geo_about about;
    struct geo *geo = NULL;
    struct err err = {""};

    (void)state;
    size_t de = iso_code(&writer, "DE"), fr = iso_code(&writer, "FR"), eu = iso_code(&writer, "EU");

    mmdb_put(&writer, "8.8.0.0/16", de);
    mmdb_put(&writer, "9.0.0.0/8", eu);
    mmdb_put(&writer, "2a00:1234::/32", fr);
    assert_int_equal(open_writer(&writer, &geo, &err), 0);
    assert_country(geo, "8.8.8.8", "DE");
    assert_country(geo, "8.9.0.0", "");
    assert_country(geo, "9.0.0.1", "");
    assert_country(geo, "1.1.1.1", "");
    assert_country(geo, "2a00:1234:ffff::1", "FR");
    assert_country(geo, "2a00:1235::", "");
    assert_int_equal(geo_ranges(geo), 0);
    geo_about(geo, &about);
    assert_true(str_eq(about.name, STR("Test-Country")));
    assert_int_equal(about.day, MMDB_DAY);
    assert_true(about.ipv4 && about.ipv6);
    geo_close(&geo);
}

static void a_database_sees_cut_addresses_too(void **state)
{
    struct mmdb_writer writer = {.ip_version = 6};
    struct geo *geo = NULL;
    struct err err = {""};

    (void)state;
    size_t de = iso_code(&writer, "DE"), fr = iso_code(&writer, "FR");

    mmdb_put(&writer, "1.2.3.0/25", de);
    mmdb_put(&writer, "1.2.3.128/25", fr);
    mmdb_put(&writer, "2a00:1:2::/49", de);
    mmdb_put(&writer, "2a00:1:2:8000::/49", fr);
    assert_int_equal(open_writer(&writer, &geo, &err), 0);
    assert_country(geo, "1.2.3.200", "DE");
    assert_country(geo, "2a00:1:2:ffff::", "DE");
    geo_close(&geo);
}

static void knows_the_names_that_makers_of_databases_give(void **state)
{
    static const char *const names[] = {"country_code", "country"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct mmdb_writer writer = {.ip_version = 4};
        struct geo_about about;
        struct geo *geo = NULL;
        struct err err = {""};

        mmdb_put(&writer, "8.0.0.0/8", flat(&writer, names[i], "US"));
        assert_int_equal(open_writer(&writer, &geo, &err), 0);
        assert_country(geo, "8.8.8.8", "US");
        assert_country(geo, "2a00::1", "");
        geo_about(geo, &about);
        assert_true(about.ipv4 && !about.ipv6);
        geo_close(&geo);
    }
}

static void refuses_a_database_without_countries(void **state)
{
    struct mmdb_writer writer = {.ip_version = 4};
    struct geo *geo = NULL;
    struct err err = {""};

    (void)state;
    mmdb_put(&writer, "8.0.0.0/8", flat(&writer, "organization", "Example"));
    assert_int_equal(open_writer(&writer, &geo, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "without countries (Test-Country)"));
    assert_null(geo);
}

static void refuses_what_is_no_database(void **state)
{
    struct file file = file_of(str_from(small4));
    const struct geo_config text = {.database = str_from(file.path)},
                            missing = {.database = STR("test_geo.missing")};
    struct geo *geo = NULL;
    struct err err = {""};

    (void)state;
    assert_int_equal(geo_open(&text, &geo, &err), ERR_INVALID);
    assert_true(str_starts(str_from(err.text), text.database));
    assert_int_equal(geo_open(&missing, &geo, &err), ERR_SYSTEM);
    assert_string_equal(err.text, "test_geo.missing: No such file or directory");
    assert_null(geo);
    (void)unlink(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_country_of_an_ipv4_address),
        cmocka_unit_test(finds_the_country_of_an_ipv6_address),
        cmocka_unit_test(an_address_is_looked_up_as_the_first_of_its_network),
        cmocka_unit_test(what_is_no_country_is_not_known),
        cmocka_unit_test(without_a_table_no_country_is_known),
        cmocka_unit_test(a_table_that_was_named_must_be_there),
        cmocka_unit_test(a_table_in_its_usual_place_must_be_readable),
        cmocka_unit_test(says_which_line_is_wrong),
        cmocka_unit_test(reads_addresses_however_they_are_written),
        cmocka_unit_test(reads_tables_longer_than_what_is_read_at_once),
        cmocka_unit_test(a_line_may_be_as_long_as_what_is_read_at_once),
        cmocka_unit_test(says_when_the_older_of_its_tables_was_made),
        cmocka_unit_test(agrees_with_debians_tables_as_they_are_written),
        cmocka_unit_test(knows_the_countries_that_tzdata_knows),
        cmocka_unit_test(a_database_takes_the_place_of_the_tables),
        cmocka_unit_test(a_database_sees_cut_addresses_too),
        cmocka_unit_test(knows_the_names_that_makers_of_databases_give),
        cmocka_unit_test(refuses_a_database_without_countries),
        cmocka_unit_test(refuses_what_is_no_database),
    };

    return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
