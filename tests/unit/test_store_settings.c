/*
 * test_store_settings.c -- a site's settings by their names. Expectations: CONTRACT,
 * AnalyticsSettings: names, defaults, bounds.
 */
#include "unit.h"

#include "base/json.h"
#include "store/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[] = {
    "domain",
    "timezone",
    "enabled",
    "respectGpc",
    "respectDnt",
    "maskPersonal",
    "visitorIdentity",
    "ipv4Prefix",
    "ipv6Prefix",
    "storeIpPrefix",
    "trackingIds",
    "allowedOrigins",
    "queryParams",
    "blockedAddresses",
    "blockedPaths",
    "events",
    "fields",
    "requireToken",
    "blockedCountries",
    "blockedReferrers",
    "goals",
    "pathRules",
    "limits.eventsPerSecond",
    "limits.pathsPerDay",
    "retention.rawDays",
    "retention.visitDays",
    "retention.statsDays",
};

static struct site_row example(void)
{
    struct site_row row = site_row_default();

    row.id = STR("abc");
    row.tenant = STR("t5g");
    row.domain = STR("example.com");
    return row;
}

static void assert_json(const struct site_row *row, const char *expected)
{
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};

    json_open(&json, '{');
    site_settings_json(row, &json);
    json_close(&json, '}');
    if (!str_eq(buf_str(&buf), str_from(expected)))
        fail_msg("%.*s", STR_FMT(buf_str(&buf)));
    buf_release(&buf);
}

static void put(struct site_row *row, const char *name, const char *text)
{
    struct err err = {""};

    if (site_setting_put(row, str_from(name), str_from(text), &err) != 0)
        fail_msg("%s", err.text);
}

static void assert_refused(const char *name, const char *text, int code, const char *why)
{
    struct site_row row = example();
    struct err err = {""};

    assert_int_equal(site_setting_put(&row, str_from(name), str_from(text), &err), code);
    assert_string_equal(err.text, why);
}

static void there_are_those_that_can_be_changed(void **state)
{
    struct site_setting setting, found;
    bool seen[COUNT(names)] = {false};
    size_t count = 0;

    (void)state;
    for (; site_setting_at(count, &setting); count++) {
        for (size_t i = 0; i < COUNT(names); i++)
            seen[i] = seen[i] || strcmp(names[i], setting.name) == 0;
        assert_int_equal(site_setting_find(str_from(setting.name), &found, NULL), 0);
        assert_string_equal(found.name, setting.name);
    }
    assert_int_equal(count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_true(seen[i]);
}

static void shows_the_defaults(void **state)
{
    const struct site_row row = example();

    (void)state;
    assert_json(&row,
                "{\"siteId\":\"abc\",\"tenantId\":\"t5g\",\"domain\":\"example.com\","
                "\"timezone\":\"UTC\",\"enabled\":true,\"respectGpc\":true,\"respectDnt\":false,"
                "\"maskPersonal\":true,\"visitorIdentity\":\"cut-address\",\"ipv4Prefix\":24,"
                "\"ipv6Prefix\":48,\"storeIpPrefix\":false,\"trackingIds\":[],"
                "\"allowedOrigins\":[],\"queryParams\":[],\"blockedAddresses\":[],"
                "\"blockedPaths\":[],\"events\":[],\"fields\":[],\"requireToken\":[],"
                "\"blockedCountries\":[],\"blockedReferrers\":[],\"goals\":null,"
                "\"pathRules\":null,\"limits\":{\"eventsPerSecond\":0,\"pathsPerDay\":10000},"
                "\"retention\":{\"rawDays\":null,\"visitDays\":null,\"statsDays\":null}}");
}

static const char *const changes[][2] = {
    {"domain", "example.org"},
    {"timezone", "Europe/Berlin"},
    {"enabled", "false"},
    {"respectGpc", "false"},
    {"respectDnt", "true"},
    {"maskPersonal", "false"},
    {"visitorIdentity", "full-address"},
    {"ipv4Prefix", "0"},
    {"ipv6Prefix", "32"},
    {"storeIpPrefix", "true"},
    {"trackingIds", "[\"pub\"]"},
    {"allowedOrigins", "[\"*\"]"},
    {"queryParams", "[\"q\"]"},
    {"blockedAddresses", "[\"10.0.0.0/8\"]"},
    {"blockedPaths", "[\"/admin/*\"]"},
    {"events", "[\"pageview\"]"},
    {"fields", "[\"title\"]"},
    {"requireToken", "[\"lead.created\"]"},
    {"blockedCountries", "[\"DE\"]"},
    {"blockedReferrers", "[\"spam.example\"]"},
    {"goals", "[]"},
    {"pathRules", "[{\"match\":\"/a\",\"to\":\"/b\"}]"},
    {"limits.eventsPerSecond", "1000000000"},
    {"limits.pathsPerDay", "1"},
    {"retention.rawDays", "0"},
    {"retention.visitDays", "36500"},
    {"retention.statsDays", "7"},
};

static void changes_each_by_its_name(void **state)
{
    struct site_row row = example();

    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++)
        put(&row, changes[i][0], changes[i][1]);
    assert_json(
        &row, "{\"siteId\":\"abc\",\"tenantId\":\"t5g\",\"domain\":\"example.org\","
              "\"timezone\":\"Europe/Berlin\",\"enabled\":false,\"respectGpc\":false,"
              "\"respectDnt\":true,\"maskPersonal\":false,\"visitorIdentity\":\"full-address\","
              "\"ipv4Prefix\":0,\"ipv6Prefix\":32,\"storeIpPrefix\":true,\"trackingIds\":[\"pub\"],"
              "\"allowedOrigins\":[\"*\"],\"queryParams\":[\"q\"],"
              "\"blockedAddresses\":[\"10.0.0.0/8\"],\"blockedPaths\":[\"/admin/*\"],"
              "\"events\":[\"pageview\"],\"fields\":[\"title\"],"
              "\"requireToken\":[\"lead.created\"],"
              "\"blockedCountries\":[\"DE\"],\"blockedReferrers\":[\"spam.example\"],\"goals\":[],"
              "\"pathRules\":[{\"match\":\"/a\",\"to\":\"/b\"}],"
              "\"limits\":{\"eventsPerSecond\":1000000000,\"pathsPerDay\":1},"
              "\"retention\":{\"rawDays\":0,\"visitDays\":36500,\"statsDays\":7}}");
}

static void an_empty_text_brings_the_default_back(void **state)
{
    struct site_row row = example();
    struct err err = {""};

    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++)
        put(&row, changes[i][0], changes[i][1]);
    /* There is no default for whose pages are counted. */
    assert_int_equal(site_setting_put(&row, STR("domain"), STR(""), &err), ERR_INVALID);
    assert_string_equal(err.text, "domain: must have 1 to 253 bytes");
    put(&row, "domain", "example.com");
    for (size_t i = 1; i < COUNT(changes); i++)
        put(&row, changes[i][0], "");
    struct site_row fresh = example();
    struct buf expected = {0};
    struct json_out json = {.buf = &expected};

    json_open(&json, '{');
    site_settings_json(&fresh, &json);
    json_close(&json, '}');
    buf_addc(&expected, '\0');
    assert_json(&row, expected.ptr);
    buf_release(&expected);
}

static void says_what_is_allowed(void **state)
{
    (void)state;
    assert_refused("enabled", "yes", ERR_INVALID, "enabled: must be true or false");
    assert_refused("ipv4Prefix", "25", ERR_INVALID,
                   "ipv4Prefix: must be a whole number from 0 to 24");
    assert_refused("ipv6Prefix", "49", ERR_INVALID,
                   "ipv6Prefix: must be a whole number from 0 to 48");
    assert_refused("storeIpPrefix", "24", ERR_INVALID, "storeIpPrefix: must be true or false");
    assert_refused("ipv4Prefix", "-1", ERR_INVALID,
                   "ipv4Prefix: must be a whole number from 0 to 24");
    assert_refused("ipv4Prefix", "8.5", ERR_INVALID,
                   "ipv4Prefix: must be a whole number from 0 to 24");
    assert_refused("limits.eventsPerSecond", "1000000001", ERR_INVALID,
                   "limits.eventsPerSecond: must be a whole number from 0 to 1000000000");
    assert_refused("limits.pathsPerDay", "0", ERR_INVALID,
                   "limits.pathsPerDay: must be a whole number from 1 to 10000000");
    assert_refused("limits.pathsPerDay", "10000001", ERR_INVALID,
                   "limits.pathsPerDay: must be a whole number from 1 to 10000000");
    assert_refused("retention.rawDays", "36501", ERR_INVALID,
                   "retention.rawDays: must be a whole number from 0 to 36500, 0 for ever");
    assert_refused("retention.rawDays", "-1", ERR_INVALID,
                   "retention.rawDays: must be a whole number from 0 to 36500, 0 for ever");
}

static void refuses_what_is_no_setting_or_never_changes(void **state)
{
    (void)state;
    assert_refused("colour", "red", ERR_NOTFOUND, "colour: no such setting");
    assert_refused("Enabled", "true", ERR_NOTFOUND, "Enabled: no such setting");
    assert_refused("", "true", ERR_NOTFOUND, ": no such setting");
    assert_refused("siteId", "other", ERR_NOTFOUND, "siteId: never changes");
    assert_refused("tenantId", "", ERR_NOTFOUND, "tenantId: never changes");
}

static void a_refused_value_changes_nothing(void **state)
{
    struct site_row row = example();
    struct err err = {""};

    (void)state;
    put(&row, "ipv4Prefix", "16");
    assert_int_equal(site_setting_put(&row, STR("ipv4Prefix"), STR("25"), &err), ERR_INVALID);
    assert_int_equal(row.ipv4_prefix, 16);
    put(&row, "respectDnt", "true");
    assert_int_equal(site_setting_put(&row, STR("respectDnt"), STR("0"), &err), ERR_INVALID);
    assert_true(row.respect_dnt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_those_that_can_be_changed),
        cmocka_unit_test(shows_the_defaults),
        cmocka_unit_test(changes_each_by_its_name),
        cmocka_unit_test(an_empty_text_brings_the_default_back),
        cmocka_unit_test(says_what_is_allowed),
        cmocka_unit_test(refuses_what_is_no_setting_or_never_changes),
        cmocka_unit_test(a_refused_value_changes_nothing),
    };

    return cmocka_run_group_tests_name("store_settings", tests, NULL, NULL);
}
