/* Why events are left out: each reason alone, what it does not reach, and their order. */
#include "event/event.h"
#include "unit.h"

static struct site open_site(void)
{
    return (struct site){.id = STR("abc123"),
                         .domain = STR("example.com"),
                         .enabled = true,
                         .tenant_active = true,
                         .respect_gpc = true,
                         .respect_dnt = true};
}

static struct addr address(const char *text)
{
    struct addr a = {0};

    assert_true(addr_parse(str_from(text), &a));
    return a;
}

static struct client browser(void)
{
    return (struct client){.address = address("198.51.100.23"), .user_agent = STR("UA")};
}

static struct event_input pageview(void)
{
    return (struct event_input){
        .kind = EVENT_PAGEVIEW, .name = STR("pageview"), .path = STR("/pricing?x=1"), .count = 1};
}

static void is_screened(const struct site *site, const struct client *client,
                        const struct event_input *in, enum drop_reason expected)
{
    assert_int_equal(event_screen(site, client, &(struct sender){0}, in), expected);
}

static void keeps_an_ordinary_event(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    is_screened(&site, &client, &in, DROP_NONE);
}

static void drops_everything_of_a_site_or_tenant_that_is_off(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    client.has_token = true;
    site.enabled = false;
    is_screened(&site, &client, &in, DROP_DISABLED);
    site.enabled = true;
    site.tenant_active = false;
    is_screened(&site, &client, &in, DROP_DISABLED);
}

static void drops_events_that_are_switched_off(void **state)
{
    struct str off[] = {STR("form.submit"), STR("my.own")};
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    site.disabled_events = off;
    site.disabled_events_count = 2;
    is_screened(&site, &client, &in, DROP_NONE);
    in.kind = EVENT_CUSTOM;
    in.name = STR("my.own");
    is_screened(&site, &client, &in, DROP_DISABLED);
    in.name = STR("my.own2");
    is_screened(&site, &client, &in, DROP_NONE);
}

static void drops_blocked_addresses_before_they_are_cut(void **state)
{
    struct cidr blocked[2];
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    assert_true(cidr_parse(STR("198.51.100.23"), &blocked[0]));
    assert_true(cidr_parse(STR("2001:db8:1::/48"), &blocked[1]));
    site.blocked_addresses = blocked;
    site.blocked_addresses_count = 2;
    is_screened(&site, &client, &in, DROP_BLOCKED);
    client.address = address("198.51.100.24");
    is_screened(&site, &client, &in, DROP_NONE);
    client.address = address("2001:db8:1:2::3");
    is_screened(&site, &client, &in, DROP_BLOCKED);
    client.address = address("2001:db8:2::3");
    is_screened(&site, &client, &in, DROP_NONE);
}

static void looks_at_the_visitors_address_of_a_tokens_event(void **state)
{
    struct cidr blocked[1];
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    assert_true(cidr_parse(STR("198.51.100.0/24"), &blocked[0]));
    site.blocked_addresses = blocked;
    site.blocked_addresses_count = 1;
    client.has_token = true;
    is_screened(&site, &client, &in, DROP_NONE); /* the backend's own address is no visitor's */
    in.has_visitor = true;
    in.visitor_address = address("203.0.113.5");
    is_screened(&site, &client, &in, DROP_NONE);
    in.visitor_address = address("198.51.100.5");
    is_screened(&site, &client, &in, DROP_BLOCKED);
}

static void drops_blocked_paths(void **state)
{
    static const struct {
        const char *path;
        enum drop_reason reason;
    } cases[] = {
        {"/admin", DROP_BLOCKED},
        {"/admin?x=1", DROP_BLOCKED},
        {"/admin#top", DROP_BLOCKED},
        {"/admin/", DROP_NONE},
        {"/administrator", DROP_NONE},
        {"/private/", DROP_BLOCKED},
        {"/private/a/b", DROP_BLOCKED},
        {"/private", DROP_NONE},
        {"/privates/a", DROP_NONE},
        {"/x?/private/a", DROP_NONE},
        {"/admin#/x", DROP_NONE},
        {"/app#/in/7", DROP_BLOCKED},
        {"/app?a=1#/in/7?b=2", DROP_BLOCKED},
        {"/app#/out", DROP_NONE},
        {"/app", DROP_NONE},
    };
    struct str blocked[] = {STR("/admin"), STR("/private/*"), STR("/app#/in/*")};
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    site.blocked_paths = blocked;
    site.blocked_paths_count = 3;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in.path = str_from(cases[i].path);
        if (event_screen(&site, &client, &(struct sender){0}, &in) != cases[i].reason)
            fail_msg("%s", cases[i].path);
    }
    in.path = STR("");
    is_screened(&site, &client, &in, DROP_NONE);
}

static void drops_blocked_countries(void **state)
{
    struct str blocked[] = {STR("CN"), STR("RU")};
    struct site site = open_site();
    struct client client = browser();
    struct sender sender = {.country = STR("RU")};
    struct event_input in = pageview();

    (void)state;
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_NONE);
    site.blocked_countries = blocked;
    site.blocked_countries_count = 2;
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_BLOCKED);
    sender.country = STR("DE");
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_NONE);
    sender.country = STR(""); /* not known */
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_NONE);
}

static void drops_blocked_referrers(void **state)
{
    static const struct {
        const char *referrer;
        enum drop_reason reason;
    } cases[] = {
        {"https://spam.example.org/x", DROP_BLOCKED},
        {"https://www.Spam.Example.org", DROP_BLOCKED},
        {"https://example.org/", DROP_NONE},
        {"https://notspam.example.org/", DROP_NONE},
        {"android-app://com.spam/", DROP_BLOCKED},
        {"spam.example.org", DROP_NONE}, /* no referrer at all */
        {"", DROP_NONE},
    };
    struct str blocked[] = {STR("spam.example.org"), STR("com.spam"), STR("example.com")};
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    site.blocked_referrers = blocked;
    site.blocked_referrers_count = 3;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in.referrer = str_from(cases[i].referrer);
        if (event_screen(&site, &client, &(struct sender){0}, &in) != cases[i].reason)
            fail_msg("%s", cases[i].referrer);
    }
    in.referrer = STR("https://www.example.com/a"); /* the site's own, though listed */
    is_screened(&site, &client, &in, DROP_NONE);
}

static void drops_known_referrer_spam(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    in.referrer = STR("http://semalt.com/");
    is_screened(&site, &client, &in, DROP_BLOCKED);
    in.referrer = STR("http://97.SEMALT.com/crawler.php?u=x");
    is_screened(&site, &client, &in, DROP_BLOCKED);
    in.referrer = STR("https://buttons-for-website.com");
    is_screened(&site, &client, &in, DROP_BLOCKED);
    in.referrer = STR("https://notsemalt.com/");
    is_screened(&site, &client, &in, DROP_NONE);
    in.referrer = STR("https://semalt.com.example.org/");
    is_screened(&site, &client, &in, DROP_NONE);
    site.domain = STR("semalt.com"); /* its own pages are no referrer */
    in.referrer = STR("https://www.semalt.com/");
    is_screened(&site, &client, &in, DROP_NONE);
}

static void drops_robots(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct sender sender = {.bot = STR("search")};
    struct event_input in = pageview();

    (void)state;
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_BOT);
    client.has_token = in.has_visitor = true; /* the visitor that a backend speaks for */
    assert_int_equal(event_screen(&site, &client, &sender, &in), DROP_BOT);
}

static void respects_gpc_and_dnt_where_the_site_does(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    client.gpc = true;
    is_screened(&site, &client, &in, DROP_GPC);
    site.respect_gpc = false;
    is_screened(&site, &client, &in, DROP_NONE);
    client.dnt = true;
    is_screened(&site, &client, &in, DROP_DO_NOT_TRACK);
    site.respect_dnt = false;
    is_screened(&site, &client, &in, DROP_NONE);
}

static void takes_no_signal_from_a_tokens_request(void **state)
{
    struct site site = open_site();
    struct client client = browser();
    struct event_input in = pageview();

    (void)state;
    client.gpc = client.dnt = client.has_token = true;
    is_screened(&site, &client, &in, DROP_NONE);
}

static void gives_the_reasons_in_a_fixed_order(void **state)
{
    struct str blocked[] = {STR("/pricing")};
    struct site site = open_site();
    struct client client = browser();
    const struct sender robot = {.bot = STR("other")};
    struct event_input in = pageview();

    (void)state;
    client.gpc = client.dnt = true;
    site.blocked_paths = blocked;
    site.blocked_paths_count = 1;
    site.enabled = false;
    is_screened(&site, &client, &in, DROP_DISABLED);
    site.enabled = true;
    is_screened(&site, &client, &in, DROP_BLOCKED);
    assert_int_equal(event_screen(&site, &client, &robot, &in), DROP_BLOCKED);
    site.blocked_paths_count = 0;
    assert_int_equal(event_screen(&site, &client, &robot, &in), DROP_BOT);
    is_screened(&site, &client, &in, DROP_GPC);
    client.gpc = false;
    is_screened(&site, &client, &in, DROP_DO_NOT_TRACK);
}

static void names_the_reasons_as_the_contract_does(void **state)
{
    static const char *const drops[DROP_REASONS] = {
        "",        "bot",   "gpc",       "do-not-track", "disabled",
        "blocked", "quota", "duplicate", "not-a-page",   "too-old"};
    static const char *const rejects[REJECT_REASONS] = {"invalid", "unauthorized", "forbidden",
                                                        "rate-limited", "unstorable"};

    (void)state;
    for (unsigned i = 0; i < DROP_REASONS; i++)
        assert_true(str_eq(drop_reason_name((enum drop_reason)i), str_from(drops[i])));
    for (unsigned i = 0; i < REJECT_REASONS; i++)
        assert_true(str_eq(reject_reason_name((enum reject_reason)i), str_from(rejects[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_an_ordinary_event),
        cmocka_unit_test(drops_everything_of_a_site_or_tenant_that_is_off),
        cmocka_unit_test(drops_events_that_are_switched_off),
        cmocka_unit_test(drops_blocked_addresses_before_they_are_cut),
        cmocka_unit_test(looks_at_the_visitors_address_of_a_tokens_event),
        cmocka_unit_test(drops_blocked_paths),
        cmocka_unit_test(drops_blocked_countries),
        cmocka_unit_test(drops_blocked_referrers),
        cmocka_unit_test(drops_known_referrer_spam),
        cmocka_unit_test(drops_robots),
        cmocka_unit_test(respects_gpc_and_dnt_where_the_site_does),
        cmocka_unit_test(takes_no_signal_from_a_tokens_request),
        cmocka_unit_test(gives_the_reasons_in_a_fixed_order),
        cmocka_unit_test(names_the_reasons_as_the_contract_does),
    };
    return cmocka_run_group_tests_name("event_screen", tests, NULL, NULL);
}
