/*
 * test_store_settings.c -- a site's settings by their names. Expectations: CONTRACT,
 * AnalyticsSettings: names, defaults, bounds.
 */
#include "unit.h"

#include "base/json.h"
#include "store/managed.h"

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
    "publicDashboard",
    "publicMetrics",
    "limits.eventsPerSecond",
    "limits.eventsPerMonth",
    "limits.pathsPerDay",
    "retention.rawDays",
    "retention.visitDays",
    "retention.statsDays",
};

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(actual), expected);
}

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

/* Of all tests; released by main(). */
static struct arena pins;

static void put(struct site_row *row, const char *name, const char *text)
{
    struct err err = {""};

    if (site_setting_put(row, str_from(name), str_from(text), &pins, &err) != 0)
        fail_msg("%s", err.text);
}

static void assert_refused(const char *name, const char *text, int code, const char *why)
{
    struct site_row row = example();
    struct err err = {""};

    assert_int_equal(site_setting_put(&row, str_from(name), str_from(text), &pins, &err), code);
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
                "\"pathRules\":null,\"publicDashboard\":false,\"publicMetrics\":[],"
                "\"limits\":{\"eventsPerSecond\":0,\"eventsPerMonth\":0,\"pathsPerDay\":10000},"
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
    {"publicDashboard", "true"},
    {"publicMetrics", "[\"leads\"]"},
    {"limits.eventsPerSecond", "1000000000"},
    {"limits.eventsPerMonth", "1000000000000"},
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
              "\"publicDashboard\":true,\"publicMetrics\":[\"leads\"],"
              "\"limits\":{\"eventsPerSecond\":1000000000,\"eventsPerMonth\":1000000000000,"
              "\"pathsPerDay\":1},"
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
    assert_int_equal(site_setting_put(&row, STR("domain"), STR(""), &pins, &err), ERR_INVALID);
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
    assert_refused("limits.eventsPerMonth", "1000000000001", ERR_INVALID,
                   "limits.eventsPerMonth: must be a whole number from 0 to 1000000000000");
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
    assert_int_equal(site_setting_put(&row, STR("ipv4Prefix"), STR("25"), &pins, &err),
                     ERR_INVALID);
    assert_int_equal(row.ipv4_prefix, 16);
    put(&row, "respectDnt", "true");
    assert_int_equal(site_setting_put(&row, STR("respectDnt"), STR("0"), &pins, &err), ERR_INVALID);
    assert_true(row.respect_dnt);
}

/* -- pins -------------------------------------------------------------------------------------- */

static void what_equals_the_default_is_pinned(void **state)
{
    struct site_row row = example();

    (void)state;
    put(&row, "respectGpc", "true");
    assert_str(row.pinned, "[\"respectGpc\"]");
    put(&row, "respectGpc", "true");
    assert_str(row.pinned, "[\"respectGpc\"]");
    put(&row, "limits.pathsPerDay", "10000");
    assert_str(row.pinned, "[\"respectGpc\",\"limits.pathsPerDay\"]");
    /* Another value is the site's own as it is. */
    put(&row, "respectGpc", "false");
    assert_str(row.pinned, "[\"limits.pathsPerDay\"]");
    put(&row, "ipv4Prefix", "16");
    put(&row, "timezone", "UTC");
    put(&row, "domain", "example.com");
    assert_str(row.pinned, "[\"timezone\",\"limits.pathsPerDay\"]");
    put(&row, "limits.pathsPerDay", "");
    put(&row, "timezone", "");
    assert_str(row.pinned, "");
    assert_int_equal(row.paths_per_day, 10000);
    assert_int_equal(row.ipv4_prefix, 16);
}

/* -- from JSON --------------------------------------------------------------------------------- */

static int put_json(struct site_row *row, const char *text, bool layer, struct err *err)
{
    struct json *json = NULL;

    assert_int_equal(json_parse(str_from(text), 8, &pins, &json, err), 0);
    return site_settings_put(row, json, layer, &pins, err);
}

static void an_object_changes_what_it_names(void **state)
{
    struct site_row row = example();
    struct err err = {""};

    (void)state;
    put(&row, "respectDnt", "true");
    assert_int_equal(put_json(&row,
                              "{\"siteId\":\"abc\",\"tenantId\":\"t5g\",\"domain\":\"example.org\","
                              "\"enabled\":true,\"ipv4Prefix\":0,\"trackingIds\":[\"pub\"],"
                              "\"allowedOrigins\":[],\"goals\":[],\"respectDnt\":null,"
                              "\"limits\":{\"eventsPerMonth\":9,\"pathsPerDay\":null},"
                              "\"retention\":{\"rawDays\":0,\"visitDays\":null}}",
                              false, &err),
                     0);
    assert_str(row.domain, "example.org");
    assert_str(row.pinned, "[\"enabled\"]");
    assert_int_equal(row.ipv4_prefix, 0);
    assert_str(row.tracking_ids, "[\"pub\"]");
    assert_str(row.allowed_origins, "[]");
    assert_str(row.goals, "[]");
    assert_false(row.respect_dnt);
    assert_int_equal(row.events_per_month, 9);
    assert_int_equal(row.paths_per_day, 10000);
    assert_int_equal(row.raw_days, 0);
    assert_int_equal(row.visit_days, -1);
}

static const struct {
    const char *text, *why;
    bool layer;
} refused_objects[] = {
    {"{\"colour\":\"red\"}", "colour: no such setting", false},
    {"{\"colour\":\"red\"}", "colour: no such setting", true},
    {"{\"siteId\":\"xyz\"}", "siteId: never changes", false},
    {"{\"tenantId\":null}", "tenantId: never changes", false},
    {"{\"pinned\":[]}", "pinned: no such setting", false},
    {"{\"siteId\":\"abc\"}", "siteId: no such setting", true},
    {"{\"domain\":\"example.org\"}", "domain: each site has its own", true},
    {"{\"trackingIds\":[]}", "trackingIds: each site has its own", true},
    {"{\"domain\":null}", "domain: must have 1 to 253 bytes", false},
    {"{\"enabled\":1}", "enabled: must be true or false", false},
    {"{\"timezone\":5}", "timezone: must be a text", false},
    {"{\"events\":\"pageview\"}", "events: must be a list of texts", false},
    {"{\"events\":[1]}", "events: must be a list of texts", false},
    {"{\"goals\":{}}", "goals: must be a list of objects", false},
    {"{\"goals\":[{\"name\":\"x\"}]}", "goals[0]", false},
    {"{\"fields\":[\"path\"]}", "fields[0]: must be referrer", false},
    {"{\"visitorIdentity\":\"x\"}", "visitorIdentity: must be cut-address or full-address", false},
    {"{\"ipv4Prefix\":25}", "ipv4Prefix: must be a whole number from 0 to 24", false},
    {"{\"ipv4Prefix\":1.5}", "ipv4Prefix: must be a whole number from 0 to 24", false},
    {"{\"ipv4Prefix\":\"8\"}", "ipv4Prefix: must be a whole number", false},
    {"{\"limits\":{\"pathsPerDay\":0}}",
     "limits.pathsPerDay: must be a whole number from 1 to 10000000", true},
    {"{\"limits\":{\"x\":0}}", "limits.x: no such setting", false},
    {"{\"limits\":5}", "limits: must be an object", false},
    {"{\"limits.pathsPerDay\":5}", "limits.pathsPerDay: no such setting", false},
    {"{\"retention\":{\"rawDays\":-1}}",
     "retention.rawDays: must be a whole number from 0 to 36500, 0 for ever", true},
    {"[]", "settings: must be an object", false},
};

static void an_object_is_taken_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused_objects); i++) {
        const char *why = refused_objects[i].why;
        struct site_row row = example();
        struct err err = {""};

        if (refused_objects[i].layer)
            row = site_row_default();
        assert_int_equal(put_json(&row, refused_objects[i].text, refused_objects[i].layer, &err),
                         ERR_INVALID);
        if (strncmp(err.text, why, strlen(why)) != 0)
            fail_msg("%s is not %s", err.text, why);
    }
    struct site_row row = example();

    assert_int_equal(put_json(&row, "{\"respectDnt\":true,\"ipv4Prefix\":25}", false, NULL),
                     ERR_INVALID);
    assert_false(row.respect_dnt);
}

/* -- what holds -------------------------------------------------------------------------------- */

static enum setting_source source_of(const enum setting_source *sources, const char *name)
{
    struct site_setting setting;

    for (size_t i = 0; site_setting_at(i, &setting); i++)
        if (strcmp(setting.name, name) == 0)
            return sources[i];
    fail_msg("%s", name);
    return FROM_DEFAULT;
}

/* Each setting is set by one layer more than the one before. */
static void a_setting_comes_from_the_nearest_that_sets_it(void **state)
{
    const struct str tenant = STR("{\"ipv4Prefix\":8,\"ipv6Prefix\":9,\"queryParams\":[\"t\"],"
                                  "\"limits\":{\"eventsPerSecond\":11},"
                                  "\"retention\":{\"rawDays\":12}}");
    const struct str installation =
        STR("{\"ipv4Prefix\":4,\"ipv6Prefix\":5,\"queryParams\":[\"i\"],\"respectDnt\":true,"
            "\"limits\":{\"eventsPerSecond\":6},\"retention\":{\"rawDays\":7,\"visitDays\":8}}");
    enum setting_source sources[SETTINGS_MAX];
    struct site_row row = example();

    (void)state;
    put(&row, "ipv4Prefix", "16");
    put(&row, "retention.rawDays", "0");
    site_row_resolve(&row, tenant, installation, &pins, sources);
    assert_int_equal(row.ipv4_prefix, 16);
    assert_int_equal(source_of(sources, "ipv4Prefix"), FROM_SITE);
    assert_int_equal(row.raw_days, 0);
    assert_int_equal(source_of(sources, "retention.rawDays"), FROM_SITE);
    assert_int_equal(row.ipv6_prefix, 9);
    assert_int_equal(source_of(sources, "ipv6Prefix"), FROM_TENANT);
    assert_str(row.query_params, "[\"t\"]");
    assert_int_equal(row.events_per_second, 11);
    assert_int_equal(source_of(sources, "limits.eventsPerSecond"), FROM_TENANT);
    assert_true(row.respect_dnt);
    assert_int_equal(source_of(sources, "respectDnt"), FROM_INSTALLATION);
    assert_int_equal(row.visit_days, 8);
    assert_int_equal(source_of(sources, "retention.visitDays"), FROM_INSTALLATION);
    assert_int_equal(row.stats_days, -1);
    assert_int_equal(source_of(sources, "retention.statsDays"), FROM_DEFAULT);
    assert_true(row.respect_gpc);
    assert_int_equal(source_of(sources, "respectGpc"), FROM_DEFAULT);
    assert_int_equal(source_of(sources, "domain"), FROM_SITE);
    assert_int_equal(source_of(sources, "trackingIds"), FROM_DEFAULT);
    assert_str(row.domain, "example.com");
}

static void a_pinned_default_is_the_nearest(void **state)
{
    enum setting_source sources[SETTINGS_MAX];
    struct site_row row = example(), of_tenant = example();

    (void)state;
    put(&row, "respectGpc", "true");
    put(&row, "limits.pathsPerDay", "10000");
    site_row_resolve(&row, STR("{\"respectGpc\":false,\"limits\":{\"pathsPerDay\":5}}"), STR(""),
                     &pins, sources);
    assert_true(row.respect_gpc);
    assert_int_equal(row.paths_per_day, 10000);
    assert_int_equal(source_of(sources, "respectGpc"), FROM_SITE);
    /* A tenant's value that is the default stands before the installation's, too. */
    site_row_resolve(&of_tenant, STR("{\"respectGpc\":true}"), STR("{\"respectGpc\":false}"), &pins,
                     sources);
    assert_true(of_tenant.respect_gpc);
    assert_int_equal(source_of(sources, "respectGpc"), FROM_TENANT);
    site_row_resolve(&of_tenant, STR("{\"respectGpc\":null}"), STR("{\"respectGpc\":false}"), &pins,
                     NULL);
    assert_false(of_tenant.respect_gpc);
}

static void a_layers_values_that_are_not_valid_are_passed_over(void **state)
{
    enum setting_source sources[SETTINGS_MAX];
    struct site_row row = example();

    (void)state;
    site_row_resolve(&row,
                     STR("{\"ipv4Prefix\":25,\"colour\":1,\"domain\":\"x.example\","
                         "\"trackingIds\":[\"x\"],\"siteId\":\"x\",\"limits\":7,"
                         "\"goals\":[{\"name\":1}],\"ipv6Prefix\":40}"),
                     STR("nonsense"), &pins, sources);
    assert_int_equal(row.ipv4_prefix, 24);
    assert_int_equal(source_of(sources, "ipv4Prefix"), FROM_DEFAULT);
    assert_int_equal(row.ipv6_prefix, 40);
    assert_str(row.domain, "example.com");
    assert_str(row.tracking_ids, "");
    assert_str(row.goals, "");
    assert_str(row.id, "abc");
}

static void without_layers_a_site_is_as_it_is(void **state)
{
    struct site_row row = example(), same = row;
    enum setting_source sources[SETTINGS_MAX];

    (void)state;
    put(&row, "respectDnt", "true");
    same = row;
    site_row_resolve(&row, STR(""), STR(""), &pins, NULL);
    assert_memory_equal(&row, &same, sizeof(row));
    site_row_resolve(&row, STR(""), STR(""), &pins, sources);
    assert_memory_equal(&row, &same, sizeof(row));
    assert_int_equal(source_of(sources, "respectDnt"), FROM_SITE);
    assert_int_equal(source_of(sources, "respectGpc"), FROM_DEFAULT);
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
        cmocka_unit_test(what_equals_the_default_is_pinned),
        cmocka_unit_test(an_object_changes_what_it_names),
        cmocka_unit_test(an_object_is_taken_as_a_whole_or_not_at_all),
        cmocka_unit_test(a_setting_comes_from_the_nearest_that_sets_it),
        cmocka_unit_test(a_pinned_default_is_the_nearest),
        cmocka_unit_test(a_layers_values_that_are_not_valid_are_passed_over),
        cmocka_unit_test(without_layers_a_site_is_as_it_is),
    };
    int failed = cmocka_run_group_tests_name("store_settings", tests, NULL, NULL);

    arena_free(&pins);
    return failed;
}
