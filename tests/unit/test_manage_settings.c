/*
 * test_manage_settings.c -- what holds for a site and from where; what a tenant and the
 * installation set. Expectations: CONTRACT (AnalyticsSettings: "installation -> tenant -> site; GET
 * shows each value with where it comes from").
 */
#include "test_manage_support.h"

#include "manage/values.h"

#define S MANAGE_SITES

static void each_value_tells_where_it_comes_from(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(
        set(f, PLATFORM, "", "", "{'timezone':'Asia/Tokyo','respectDnt':true,'ipv4Prefix':16}").rc,
        0);
    assert_int_equal(set(f, TENANT, "t1", "", "{'respectDnt':false,'ipv4Prefix':8}").rc, 0);
    assert_int_equal(set(f, BOUND, "", "a", "{'ipv4Prefix':12,'limits':{'pathsPerDay':500}}").rc,
                     0);
    struct answer site = settings(f, BOUND, "", "a");

    assert_at(f, site, "siteId", "'a'");
    assert_at(f, site, "tenantId", "'t1'");
    assert_at(f, site, "domain", "{'value':'a.example','from':'site'}");
    assert_at(f, site, "timezone", "{'value':'Asia/Tokyo','from':'installation'}");
    /* The default, said by the tenant against the installation. */
    assert_at(f, site, "respectDnt", "{'value':false,'from':'tenant'}");
    assert_at(f, site, "ipv4Prefix", "{'value':12,'from':'site'}");
    assert_at(f, site, "respectGpc", "{'value':true,'from':'default'}");
    assert_at(f, site, "limits.pathsPerDay", "{'value':500,'from':'site'}");
    assert_at(f, site, "limits.eventsPerSecond", "{'value':0,'from':'default'}");
    /* Of days nobody sets the installation's option is what holds. */
    assert_at(f, site, "retention.rawDays", "{'value':30,'from':'default'}");
    assert_at(f, site, "retention.statsDays", "{'value':365,'from':'default'}");
    struct answer tenant = settings(f, TENANT, "t1", "");

    assert_at(f, tenant, "siteId", "(absent)");
    assert_at(f, tenant, "tenantId", "'t1'");
    assert_at(f, tenant, "ipv4Prefix", "{'value':8,'from':'tenant'}");
    assert_at(f, tenant, "timezone", "{'value':'Asia/Tokyo','from':'installation'}");
    assert_at(f, settings(f, PLATFORM, "t2", ""), "ipv4Prefix",
              "{'value':16,'from':'installation'}");
    assert_at(f, settings(f, COMMAND, "", ""), "ipv4Prefix", "{'value':16,'from':'installation'}");
    assert_at(f, settings(f, PLATFORM, "", "x"), "respectDnt",
              "{'value':true,'from':'installation'}");
}

static void null_goes_back_to_what_holds_without_it(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(set(f, TENANT, "t1", "", "{'retention':{'rawDays':7,'visitDays':0}}").rc, 0);
    assert_int_equal(set(f, TENANT, "", "a", "{'retention':{'rawDays':3}}").rc, 0);
    assert_at(f, settings(f, TENANT, "", "a"), "retention",
              "{'rawDays':{'value':3,'from':'site'},'visitDays':{'value':0,'from':'tenant'},"
              "'statsDays':{'value':365,'from':'default'}}");
    assert_int_equal(set(f, TENANT, "", "a", "{'retention':{'rawDays':null}}").rc, 0);
    assert_at(f, settings(f, TENANT, "", "a"), "retention.rawDays", "{'value':7,'from':'tenant'}");
    assert_int_equal(set(f, TENANT, "t1", "", "{'retention':null}").rc, 0);
    assert_at(f, settings(f, TENANT, "", "a"), "retention.visitDays",
              "{'value':365,'from':'default'}");
}

static void a_put_replaces_what_is_set_there(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(set(f, TENANT, "t1", "", "{'respectDnt':true,'ipv6Prefix':40}").rc, 0);
    assert_int_equal(set_as_is(f, TENANT, "t1", "", body_of(f, "{'ipv6Prefix':32}"), MANAGE_PUT).rc,
                     0);
    assert_at(f, settings(f, TENANT, "t1", ""), "respectDnt", "{'value':false,'from':'default'}");
    assert_at(f, settings(f, TENANT, "t1", ""), "ipv6Prefix", "{'value':32,'from':'tenant'}");
    assert_int_equal(set(f, TENANT, "", "a", "{'enabled':false,'queryParams':['q']}").rc, 0);
    assert_int_equal(
        set_as_is(f, TENANT, "", "a", body_of(f, "{'queryParams':['r']}"), MANAGE_PUT).rc, 0);
    assert_at(f, settings(f, TENANT, "", "a"), "enabled", "{'value':true,'from':'default'}");
    assert_at(f, settings(f, TENANT, "", "a"), "queryParams", "{'value':['r'],'from':'site'}");
    /* What a site has no default for stays. */
    assert_at(f, settings(f, TENANT, "", "a"), "domain", "{'value':'a.example','from':'site'}");
}

static int64_t directory_counter(struct fixture *f)
{
    int64_t counters[COUNTERS];

    assert_ok(f, store_counters(f->store, counters, &f->err));
    return counters[COUNTER_DIRECTORY];
}

/* Sent back as it came: nothing that was inherited becomes one's own. */
static void what_get_answers_can_be_put_again(void **state)
{
    static const char *const places[][2] = {{"", ""}, {"t1", ""}, {"", "a"}};
    static const enum manage_how hows[] = {MANAGE_PUT, MANAGE_PATCH};
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(set(f, PLATFORM, "", "", "{'respectDnt':true,'goals':[]}").rc, 0);
    assert_int_equal(set(f, TENANT, "t1", "",
                         "{'timezone':'Europe/Berlin','goals':[{'path':'/x','name':'B'}],'limits':{"
                         "'eventsPerMonth':9}}")
                         .rc,
                     0);
    assert_int_equal(set(f, TENANT, "", "a", "{'respectGpc':true,'fields':['title']}").rc, 0);
    for (size_t i = 0; i < 3; i++)
        for (size_t h = 0; h < 2; h++) {
            struct answer got = settings(f, PLATFORM, places[i][0], places[i][1]);
            int64_t before = directory_counter(f);
            struct answer put =
                set_as_is(f, PLATFORM, places[i][0], places[i][1], got.json, hows[h]);

            assert_int_equal(put.rc, 0);
            assert_true(str_eq(at(f, put.json, ""), at(f, got.json, "")));
            assert_true(directory_counter(f) == before);
        }
    assert_at(f, settings(f, TENANT, "", "a"), "respectGpc", "{'value':true,'from':'site'}");
    assert_at(f, settings(f, TENANT, "", "a"), "timezone",
              "{'value':'Europe/Berlin','from':'tenant'}");
}

static void values_are_kept_in_one_spelling(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(set(f, TENANT, "t1", "",
                         "{'allowedOrigins':['*.Example.ORG','*'],'blockedCountries':['de'],"
                         "'blockedReferrers':['SPAM.example']}")
                         .rc,
                     0);
    struct answer tenant = settings(f, TENANT, "t1", "");

    assert_at(f, tenant, "allowedOrigins.value", "['*.example.org','*']");
    assert_at(f, tenant, "blockedCountries.value", "['DE']");
    assert_at(f, tenant, "blockedReferrers.value", "['spam.example']");
}

static void what_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        const char *tenant, *site, *body, *field;
        int rc;
    } wrong[] = {
        {"", "", "{'respectDNT':true}", "respectDNT", ERR_INVALID},
        {"", "", "{'domain':'x.example'}", "domain", ERR_INVALID},
        {"t1", "", "{'trackingIds':['x1']}", "trackingIds", ERR_INVALID},
        {"t1", "", "{'limits':{'sites':5}}", "limits.sites", ERR_INVALID},
        {"t1", "", "{'limits':[]}", "limits", ERR_INVALID},
        {"t1", "", "{'timezone':'Mars/Olympus'}", "timezone", ERR_INVALID},
        {"t1", "", "{'blockedAddresses':['1.2.3.4','x']}", "blockedAddresses[1]", ERR_INVALID},
        {"t1", "", "{'tenantId':'t2'}", "tenantId", ERR_CONFLICT},
        {"", "", "{'tenantId':'t2'}", "tenantId", ERR_CONFLICT},
        {"", "a", "{'siteId':'b'}", "siteId", ERR_CONFLICT},
        {"", "a", "{'tenantId':'t2'}", "tenantId", ERR_CONFLICT},
        {"", "a", "{'ipv4Prefix':25}", "ipv4Prefix", ERR_INVALID},
        {"", "a", "{'goals':[{'name':'B','path':'x'}]}", "goals[0].path", ERR_INVALID},
        {"", "a", "{'pathRules':[1]}", "pathRules[0]", ERR_INVALID},
        {"", "a", "{'respectDnt':{'value':5,'from':'site'}}", "respectDnt", ERR_INVALID},
        {"", "a", "{'id':'a'}", "id", ERR_INVALID},
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t before = directory_counter(f);
        struct answer answer = set(f, PLATFORM, wrong[i].tenant, wrong[i].site, wrong[i].body);

        if (answer.rc != wrong[i].rc || strcmp(answer.field, wrong[i].field) != 0)
            fail_msg("%s: %d at \"%s\": %s", wrong[i].body, answer.rc, answer.field, answer.why);
        assert_true(directory_counter(f) == before);
    }
    assert_int_equal(set_as_is(f, PLATFORM, "", "a", body_of(f, "[]"), MANAGE_PATCH).rc,
                     ERR_INVALID);
}

/* -- values ------------------------------------------------------------------------------------ */

static void hosts_origins_and_zones_are_what_they_are(void **state)
{
    static const struct {
        int (*read)(struct str text, struct arena *arena, struct str *out, struct err *err);
        const char *text, *kept; /* NULL: refused */
    } texts[] = {
        {value_host, "Example.COM", "example.com"},
        {value_host, "localhost", "localhost"},
        {value_host, "_dmarc.x-1.example", "_dmarc.x-1.example"},
        {value_host, "", NULL},
        {value_host, "a..b", NULL},
        {value_host, "-a.b", NULL},
        {value_host, "a-.b", NULL},
        {value_host, "a.b:80", NULL},
        {value_host, "*.a.b", NULL},
        {value_host, "http://a.b", NULL},
        {value_origin, "*.A.b", "*.a.b"},
        {value_origin, "*", "*"},
        {value_origin, "a.b", "a.b"},
        {value_origin, "*.", NULL},
        {value_origin, "*.*.b", NULL},
        {value_zone, "Europe/Berlin", "Europe/Berlin"},
        {value_zone, "europe/nowhere", NULL},
        {value_zone, "../etc/passwd", NULL},
        {value_zone, "", NULL},
    };
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err err = {""};
        struct str out = STR("");
        int rc = texts[i].read(str_from(texts[i].text), &arena, &out, &err);

        assert_int_equal(rc, texts[i].kept == NULL ? ERR_INVALID : 0);
        if (texts[i].kept != NULL)
            assert_str(out, texts[i].kept);
    }
    arena_free(&arena);
}

/* RFC 1035, 2.3.4: 63 bytes in a label, and, as text without the last dot, 253 in a name. */
static void hosts_are_as_long_as_names_may_be(void **state)
{
    struct arena arena = {0};
    struct str out;
    char name[300];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_int_equal(value_host((struct str){name, 63}, &arena, &out, NULL), 0);
    assert_int_equal(value_host((struct str){name, 64}, &arena, &out, NULL), ERR_INVALID);
    name[63] = name[127] = name[191] = '.';
    assert_int_equal(value_host((struct str){name, 253}, &arena, &out, NULL), 0);
    assert_int_equal(value_host((struct str){name, 254}, &arena, &out, NULL), ERR_INVALID);
    arena_free(&arena);
}

static void every_setting_has_a_sentence(void **state)
{
    struct site_setting setting;

    (void)state;
    for (size_t i = 0; site_setting_at(i, &setting); i++)
        assert_true(strlen(value_sentence(str_from(setting.name))) > 10);
    assert_string_equal(value_takes(STR("blockedAddresses")), "CIDR,...");
    assert_null(value_takes(STR("enabled")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(each_value_tells_where_it_comes_from),
        BOTH(null_goes_back_to_what_holds_without_it),
        BOTH(a_put_replaces_what_is_set_there),
        ON_ALL(what_get_answers_can_be_put_again),
        ON("memory", values_are_kept_in_one_spelling),
        ON("memory", what_is_wrong_is_refused_by_name),
        cmocka_unit_test(hosts_origins_and_zones_are_what_they_are),
        cmocka_unit_test(hosts_are_as_long_as_names_may_be),
        cmocka_unit_test(every_setting_has_a_sentence),
    };

    return run_with_postgres("manage_settings", tests, sizeof(tests) / sizeof(tests[0]));
}
