/*
 * The anonymous event: whose hash, under which date's salt, with what left of the text.
 *
 * The fixed hashes were calculated with Python's hashlib.blake2b (digest_size 16, of which a
 * visitor id is the first 8 bytes) over the layout at the top of event/make.c; the instants with
 * Python's zoneinfo.
 */
#include "base/date.h"
#include "event/event.h"
#include "unit.h"

/* 2026-11-22T10:05:00 and 00:00:00 in Berlin, and that date. */
#define TEN_OH_FIVE INT64_C(1795338300000)
#define MIDNIGHT INT64_C(1795302000000)
enum { DAY = 20779 };

#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"

static struct tz *load_zone(const char *name)
{
    struct tz *tz = NULL;
    struct err err = {0};

    if (tz_load(str_from(name), &tz, &err) != 0)
        fail_msg("%s", err.text);
    return tz;
}

/* All that event_make() is given. */
struct world {
    struct tz *tz;
    struct arena arena;
    struct site site;
    struct client client;
    struct sender sender;
    struct salts salts;
    uint8_t id_key[16];
    struct event_input in;
};

static void set_address(struct addr *a, const char *text)
{
    assert_true(addr_parse(str_from(text), a));
}

static struct world new_world(const char *zone, int32_t day)
{
    struct world w = {.tz = load_zone(zone)};

    w.site = (struct site){.id = STR("abc123"),
                           .tenant = STR("t5g"),
                           .domain = STR("example.com"),
                           .tz = w.tz,
                           .enabled = true,
                           .tenant_active = true,
                           .mask_personal = true,
                           .ipv4_prefix = 24,
                           .ipv6_prefix = 48};
    set_address(&w.client.address, "198.51.100.23");
    w.client.user_agent = STR(FIREFOX);
    w.salts.count = 2;
    w.salts.salt[0].day = day - 1;
    memset(w.salts.salt[0].key, 0xee, SALT_BYTES);
    w.salts.salt[1].day = day;
    for (size_t i = 0; i < SALT_BYTES; i++)
        w.salts.salt[1].key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(w.id_key); i++)
        w.id_key[i] = (uint8_t)(100 + i);
    w.in = (struct event_input){.kind = EVENT_PAGEVIEW,
                                .name = STR("pageview"),
                                .site = STR("an-alias"),
                                .path = STR("/"),
                                .count = 1,
                                .scroll = -1};
    return w;
}

static void end_world(struct world *w)
{
    arena_free(&w->arena);
    tz_free(&w->tz);
}

static struct event make(struct world *w, int64_t now_ms)
{
    struct event event;
    struct err err = {0};

    if (event_make(&w->site, &w->client, &w->sender, &w->salts, w->id_key, now_ms, &w->in,
                   &w->arena, &event, &err) != 0)
        fail_msg("%s", err.text);
    return event;
}

static uint64_t visitor(struct world *w)
{
    return make(w, TEN_OH_FIVE).visitor;
}

/* -- what is hashed -- */

static void hashes_the_cut_address(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    assert_true(visitor(&w) == UINT64_C(0x8658726b1f8a48da));
    set_address(&w.client.address, "198.51.100.255");
    assert_true(visitor(&w) == UINT64_C(0x8658726b1f8a48da));
    set_address(&w.client.address, "198.51.101.23");
    assert_true(visitor(&w) != UINT64_C(0x8658726b1f8a48da));
    set_address(&w.client.address, "2001:db8:1:2::3");
    assert_true(visitor(&w) == UINT64_C(0x7ee1b0aacd726510));
    set_address(&w.client.address, "2001:db8:1:ffff::9");
    assert_true(visitor(&w) == UINT64_C(0x7ee1b0aacd726510));
    set_address(&w.client.address, "2001:db8:2:2::3");
    assert_true(visitor(&w) != UINT64_C(0x7ee1b0aacd726510));
    end_world(&w);
}

static void hashes_the_full_address_where_the_site_asks_for_it(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.site.identity = IDENTITY_FULL_ADDRESS;
    assert_true(visitor(&w) == UINT64_C(0x759243d948e1a43b));
    set_address(&w.client.address, "198.51.100.24");
    assert_true(visitor(&w) != UINT64_C(0x759243d948e1a43b));
    end_world(&w);
}

static void cuts_addresses_shorter_where_the_site_asks_for_it(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.site.ipv4_prefix = 16;
    uint64_t id = visitor(&w);

    set_address(&w.client.address, "198.51.7.1");
    assert_true(visitor(&w) == id);
    end_world(&w);
}

static void tells_sites_agents_and_days_apart(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    uint64_t id = visitor(&w);

    w.site.id = STR("abc124");
    assert_true(visitor(&w) != id);
    w.site.id = STR("abc123");
    w.client.user_agent = STR("Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0");
    assert_true(visitor(&w) != id);
    w.client.user_agent = STR(FIREFOX);
    assert_true(visitor(&w) == id);
    assert_true(make(&w, TEN_OH_FIVE - DAY_MS).visitor != id);
    end_world(&w);
}

static void looks_at_512_bytes_of_the_agent(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);
    char agent[514];

    (void)state;
    memset(agent, 'a', sizeof(agent));
    w.client.user_agent = (struct str){agent, 512};
    uint64_t id = visitor(&w);

    w.client.user_agent.len = 514;
    assert_true(visitor(&w) == id);
    w.client.user_agent.len = 511;
    assert_true(visitor(&w) != id);
    end_world(&w);
}

/* -- whose -- */

static void a_tokens_event_has_the_visitor_that_it_names_or_none(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.client.has_token = true;
    assert_true(visitor(&w) == 0);
    w.salts.count = 0; /* no visitor, no need of a salt */
    assert_true(visitor(&w) == 0);
    w.salts.count = 2;
    w.in.has_visitor = true;
    set_address(&w.in.visitor_address, "198.51.100.99");
    w.in.visitor_agent = STR(FIREFOX);
    set_address(&w.client.address, "203.0.113.1");
    w.client.user_agent = STR("curl/8");
    assert_true(visitor(&w) == UINT64_C(0x8658726b1f8a48da));
    end_world(&w);
}

static void only_a_token_names_another_visitor(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.in.has_visitor = true;
    set_address(&w.in.visitor_address, "203.0.113.1");
    assert_true(visitor(&w) == UINT64_C(0x8658726b1f8a48da));
    end_world(&w);
}

static void engagement_has_a_visitor(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.in.kind = EVENT_ENGAGEMENT;
    w.in.name = STR("engagement");
    w.in.seconds_ms = 5000;
    w.in.scroll = 40;
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(event.visitor == UINT64_C(0x8658726b1f8a48da));
    assert_true(event.seconds_ms == 5000);
    assert_int_equal(event.scroll, 40);
    end_world(&w);
}

/* -- under which salt -- */

static void is_unavailable_without_the_salt_of_today(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);
    struct event event;
    struct err err = {0};

    (void)state;
    w.salts.count = 1;
    assert_int_equal(event_make(&w.site, &w.client, &w.sender, &w.salts, w.id_key, TEN_OH_FIVE,
                                &w.in, &w.arena, &event, &err),
                     ERR_UNAVAILABLE);
    w.client.has_token = true;
    w.in.has_visitor = true;
    assert_int_equal(event_make(&w.site, &w.client, &w.sender, &w.salts, w.id_key, TEN_OH_FIVE,
                                &w.in, &w.arena, &event, &err),
                     ERR_UNAVAILABLE);
    end_world(&w);
}

static void an_old_timestamp_without_its_salt_has_no_visitor(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.client.has_token = true;
    w.in.has_visitor = true;
    set_address(&w.in.visitor_address, "198.51.100.23");
    w.in.visitor_agent = STR(FIREFOX);
    w.in.has_timestamp = true;
    w.in.timestamp_ms = TEN_OH_FIVE - 5 * DAY_MS;
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(event.visitor == 0 && event.visitor_before == 0);
    assert_int_equal(event.day, DAY - 5);
    w.in.timestamp_ms = TEN_OH_FIVE;
    assert_true(make(&w, TEN_OH_FIVE + DAY_MS).visitor == UINT64_C(0x8658726b1f8a48da));
    end_world(&w);
}

static void carries_the_id_of_the_day_before_for_half_an_hour(void **state)
{
    const uint64_t before = UINT64_C(0x9c5ffb258cdb2efc);
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    assert_true(make(&w, MIDNIGHT - 1).visitor == before);
    assert_true(make(&w, MIDNIGHT - 1).visitor_before == 0); /* 23:59:59.999 */
    assert_true(make(&w, MIDNIGHT).visitor == UINT64_C(0x8658726b1f8a48da));
    assert_true(make(&w, MIDNIGHT).visitor_before == before);
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS - 1).visitor_before == before);
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS).visitor_before == 0);
    w.salts.salt[0].day -= 1; /* the salt is gone */
    assert_true(make(&w, MIDNIGHT).visitor_before == 0);
    assert_true(make(&w, MIDNIGHT).visitor == UINT64_C(0x8658726b1f8a48da));
    end_world(&w);
}

/* In the half hour after midnight there are two ids, of which one is known. */
static void takes_an_id_that_is_known_but_after_midnight(void **state)
{
    const uint64_t known = 77, before = UINT64_C(0x9c5ffb258cdb2efc);
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.client.visitor = known;
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS).visitor == known);
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS).visitor_before == 0);
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS - 1).visitor == UINT64_C(0x8658726b1f8a48da));
    assert_true(make(&w, MIDNIGHT + 30 * MINUTE_MS - 1).visitor_before == before);
    end_world(&w);
}

static void the_half_hour_begins_with_the_date_not_with_the_clock(void **state)
{
    /* Beirut 2026-03-29 begins at 01:00, its first instant is 2026-03-28T22:00:00Z. */
    const int64_t beirut = INT64_C(1774735200000);
    struct world w = new_world("Asia/Beirut", 20541);

    (void)state;
    assert_int_equal(make(&w, beirut).day, 20541);
    assert_true(make(&w, beirut).visitor_before == UINT64_C(0x9c5ffb258cdb2efc));
    assert_true(make(&w, beirut + 30 * MINUTE_MS - 1).visitor_before != 0);
    assert_true(make(&w, beirut + 30 * MINUTE_MS).visitor_before == 0);
    end_world(&w);

    /* Havana 2026-11-01 has its first hour twice: 00:15 of the second is 75 minutes into the date.
     */
    const int64_t havana = INT64_C(1793505600000);

    w = new_world("America/Havana", 20758);
    assert_int_equal(make(&w, havana).day, 20758);
    assert_true(make(&w, havana + 15 * MINUTE_MS).visitor_before != 0);
    assert_int_equal(make(&w, havana + 75 * MINUTE_MS).day, 20758);
    assert_true(make(&w, havana + 75 * MINUTE_MS).visitor_before == 0);
    end_world(&w);
}

static void the_day_before_a_skipped_date_is_the_one_that_ended(void **state)
{
    /* Apia went from 2011-12-29 to 2011-12-31 at 2011-12-30T10:00:00Z. */
    struct world w = new_world("Pacific/Apia", 15339);

    (void)state;
    w.salts.salt[0].day = 15337;
    assert_true(make(&w, INT64_C(1325239200000) - 1).visitor == UINT64_C(0x9c5ffb258cdb2efc));
    assert_true(make(&w, INT64_C(1325239200000)).visitor_before == UINT64_C(0x9c5ffb258cdb2efc));
    end_world(&w);
}

/* -- the rest -- */

static void knows_the_sites_date_and_hour(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    struct event event = make(&w, TEN_OH_FIVE);

    assert_int_equal(event.day, DAY);
    assert_true(event.hour_ms == TEN_OH_FIVE - 5 * MINUTE_MS);
    assert_true(event.time_ms == TEN_OH_FIVE && event.received_ms == TEN_OH_FIVE);
    assert_int_equal(site_day(&w.site, MIDNIGHT), DAY);
    assert_int_equal(site_day(&w.site, MIDNIGHT - 1), DAY - 1);
    w.client.has_token = true;
    w.in.has_timestamp = true;
    w.in.timestamp_ms = MIDNIGHT - 1;
    event = make(&w, TEN_OH_FIVE);
    assert_int_equal(event.day, DAY - 1);
    assert_true(event.time_ms == MIDNIGHT - 1 && event.received_ms == TEN_OH_FIVE);
    end_world(&w);

    w = new_world("Asia/Kolkata", DAY); /* hours begin at half past in UTC */
    event = make(&w, INT64_C(1795285800000) + HOUR_MS + 5);
    assert_int_equal(event.day, DAY);
    assert_true(event.hour_ms == INT64_C(1795285800000) + HOUR_MS);
    end_world(&w);
}

static void is_the_sites_and_not_the_aliass(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(str_eq(event.site, STR("abc123")));
    assert_true(str_eq(event.tenant, STR("t5g")));
    end_world(&w);
}

static void cleans_and_masks_its_texts(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.in.path = STR("/u/me@example.com?x=1");
    w.in.referrer = STR("https://www.google.com/search?q=x");
    w.in.title = STR("me@example.com");
    w.in.props = STR("{\"a\":\"me@example.com\"}");
    w.in.screen = STR("1440x900");
    w.in.kind = EVENT_CUSTOM;
    w.in.name = STR("custom.a507f1f77bcf86cd799439011");
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(str_eq(event.name, w.in.name)); /* a site names its events itself */
    assert_true(str_eq(event.path, STR("/u/[email]")));
    assert_true(str_eq(event.referrer, STR("www.google.com")));
    assert_true(str_eq(event.title, STR("[email]")));
    assert_true(str_eq(event.props, STR("{\"a\":\"[email]\"}")));
    assert_true(str_eq(event.screen, STR("1440x900")));
    w.site.mask_personal = false;
    event = make(&w, TEN_OH_FIVE);
    assert_true(str_eq(event.path, STR("/u/me@example.com")));
    assert_true(str_eq(event.title, w.in.title));
    assert_true(str_eq(event.props, w.in.props));
    end_world(&w);
}

/* `before`, `unit` n times, `after`. */
static struct str repeated(struct world *w, const char *before, const char *unit, size_t n,
                           const char *after)
{
    struct buf text = {0};

    buf_addf(&text, "%s", before);
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s", unit);
    buf_addf(&text, "%s", after);
    struct str out = arena_str(&w->arena, buf_str(&text));

    buf_release(&text);
    return out;
}

static size_t title_bytes(struct world *w, struct str title)
{
    w->in.title = title;
    return make(w, TEN_OH_FIVE).title.len;
}

static void cuts_titles_and_referrers_at_a_character(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    for (int masked = 0; masked < 2; masked++) {
        w.site.mask_personal = masked != 0;
        assert_int_equal(title_bytes(&w, repeated(&w, "", "t ", 250, "")), 500);
        assert_int_equal(title_bytes(&w, repeated(&w, "", "t ", 250, "t")), 500);
        assert_int_equal(title_bytes(&w, repeated(&w, "", "\xe2\x82\xac", 200, "")), 498);
        assert_int_equal(title_bytes(&w, repeated(&w, "x", "\xf0\x9f\x98\x80", 130, "")), 497);
        /* The site's own host has 11 bytes, and the slash one. */
        w.in.referrer = repeated(&w, "https://example.com/", "r/", 994, "");
        assert_int_equal(make(&w, TEN_OH_FIVE).referrer.len, 2000);
        w.in.referrer = repeated(&w, "https://example.com/", "r/", 994, "r");
        assert_int_equal(make(&w, TEN_OH_FIVE).referrer.len, 2000);
    }
    end_world(&w);
}

/* An address that the cut would halve goes whole: a half is not recognised. */
static void masks_before_it_cuts(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.in.title = repeated(&w, "", "t ", 244, "john.doe@example.com");
    w.in.referrer = repeated(&w, "https://example.com/", "r/", 985, "john.doe@example.com");
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(str_ends(event.title, STR(" t [email]")));
    assert_true(str_ends(event.referrer, STR("/r/[email]")));
    end_world(&w);
}

static void has_trait(const struct event *event, enum trait trait, const char *expected)
{
    if (!str_eq(event->traits[trait], str_from(expected)))
        fail_msg("trait %u is \"%.*s\", not \"%s\"", (unsigned)trait, STR_FMT(event->traits[trait]),
                 expected);
}

static void knows_the_traits_of_the_visit(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.sender = (struct sender){.browser = STR("Firefox"),
                               .os = STR("Linux"),
                               .device = STR("desktop"),
                               .language = STR("de"),
                               .country = STR("DE")};
    w.in.path = STR("/pricing?utm_source=newsletter&utm_campaign=May");
    w.in.referrer = STR("https://mail.google.com/");
    struct event event = make(&w, TEN_OH_FIVE);

    has_trait(&event, TRAIT_SOURCE, "newsletter");
    has_trait(&event, TRAIT_CHANNEL, "Email");
    has_trait(&event, TRAIT_UTM_SOURCE, "newsletter");
    has_trait(&event, TRAIT_UTM_MEDIUM, "");
    has_trait(&event, TRAIT_UTM_CAMPAIGN, "May");
    has_trait(&event, TRAIT_COUNTRY, "DE");
    has_trait(&event, TRAIT_BROWSER, "Firefox");
    has_trait(&event, TRAIT_OS, "Linux");
    has_trait(&event, TRAIT_DEVICE, "desktop");
    has_trait(&event, TRAIT_LANGUAGE, "de");
    assert_true(str_eq(event.path, STR("/pricing")));
    end_world(&w);
}

static void has_no_traits_without_a_visitor(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.sender = (struct sender){.browser = STR("Firefox"), .country = STR("DE")};
    w.in.path = STR("/?utm_source=newsletter");
    w.client.has_token = true;
    struct event event = make(&w, TEN_OH_FIVE);

    for (unsigned i = 0; i < TRAITS; i++)
        has_trait(&event, (enum trait)i, "");
    w.in.has_visitor = true;
    event = make(&w, TEN_OH_FIVE);
    has_trait(&event, TRAIT_SOURCE, "newsletter");
    has_trait(&event, TRAIT_BROWSER, "Firefox");
    end_world(&w);
}

static void cuts_traits_at_200_bytes(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);
    char browser[201];

    (void)state;
    memset(browser, 'b', sizeof(browser));
    w.sender.browser = (struct str){browser, 200};
    assert_int_equal(make(&w, TEN_OH_FIVE).traits[TRAIT_BROWSER].len, 200);
    w.sender.browser.len = 201;
    assert_int_equal(make(&w, TEN_OH_FIVE).traits[TRAIT_BROWSER].len, 200);
    end_world(&w);
}

/* -- the address that is kept -- */

static void keeps(struct world *w, const char *address, const char *expected)
{
    set_address(&w->client.address, address);
    struct event event = make(w, TEN_OH_FIVE);

    if (!str_eq(event.prefix, str_from(expected)))
        fail_msg("%s: kept as \"%.*s\", not \"%s\"", address, STR_FMT(event.prefix), expected);
}

static void keeps_no_address_unless_asked(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    keeps(&w, "198.51.100.23", "");
    w.site.identity = IDENTITY_FULL_ADDRESS;
    keeps(&w, "2001:db8:1:2::3", "");
    end_world(&w);
}

static void keeps_the_cut_address_where_the_site_stores_it(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.site.store_prefix = true;
    keeps(&w, "198.51.100.23", "198.51.100.0/24");
    keeps(&w, "::ffff:198.51.100.23", "198.51.100.0/24");
    keeps(&w, "2001:DB8:1:2::3", "2001:db8:1::/48");
    keeps(&w, "2001:db80:1111:2222:3333:4444:5555:6666", "2001:db80:1111::/48");
    keeps(&w, "0:0:1:2::3", "0:0:1::/48");
    keeps(&w, "::1", "::/48");
    w.site.identity = IDENTITY_FULL_ADDRESS;
    keeps(&w, "198.51.100.23", "198.51.100.0/24");
    keeps(&w, "2001:db8:1:2::3", "2001:db8:1::/48");
    w.client.visitor = 77; /* known before */
    keeps(&w, "198.51.100.23", "198.51.100.0/24");
    w.site.ipv4_prefix = 9;
    w.site.ipv6_prefix = 33;
    keeps(&w, "198.255.100.23", "198.128.0.0/9");
    keeps(&w, "2001:db8:ffff::3", "2001:db8:8000::/33");
    w.site.ipv4_prefix = w.site.ipv6_prefix = 0;
    keeps(&w, "198.51.100.23", "0.0.0.0/0");
    keeps(&w, "2001:db8::3", "::/0");
    end_world(&w);
}

static void keeps_an_address_of_visitors_alone(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    w.site.store_prefix = true;
    w.client.has_token = true;
    keeps(&w, "203.0.113.1", "");
    w.in.has_visitor = true;
    set_address(&w.in.visitor_address, "198.51.100.99");
    keeps(&w, "203.0.113.1", "198.51.100.0/24");
    w.in.has_timestamp = true; /* a date whose salt is gone */
    w.in.timestamp_ms = TEN_OH_FIVE - 5 * DAY_MS;
    keeps(&w, "203.0.113.1", "");
    end_world(&w);
}

/* -- fields that are switched off -- */

/* An event with all fields, of a world that switches off some. */
static struct event with_fields_off(struct world *w, unsigned off)
{
    w->site.fields_off = off;
    w->sender = (struct sender){.browser = STR("Firefox"),
                                .os = STR("Linux"),
                                .device = STR("desktop"),
                                .language = STR("de"),
                                .country = STR("DE")};
    w->in.path = STR("/pricing?utm_source=newsletter&utm_medium=email&utm_campaign=May"
                     "&utm_content=blue&utm_term=shoes");
    w->in.referrer = STR("https://www.google.com/");
    w->in.title = STR("Pricing");
    w->in.screen = STR("1440x900");
    w->in.props = STR("{\"plan\":\"pro\"}");
    return make(w, TEN_OH_FIVE);
}

/* The texts of an event that a field may be, in an order of their own. */
enum { TEXTS = TRAITS + 4 };
static void texts_of(const struct event *event, struct str out[TEXTS])
{
    for (unsigned i = 0; i < TRAITS; i++)
        out[i] = event->traits[i];
    out[TRAITS] = event->referrer;
    out[TRAITS + 1] = event->title;
    out[TRAITS + 2] = event->screen;
    out[TRAITS + 3] = event->props;
}

static void leaves_out_what_is_switched_off_and_nothing_else(void **state)
{
    static const struct {
        enum field field;
        unsigned texts; /* of texts_of() */
    } cases[] = {
        {FIELD_REFERRER, 1U << TRAITS},
        {FIELD_TITLE, 1U << (TRAITS + 1)},
        {FIELD_SCREEN, 1U << (TRAITS + 2)},
        {FIELD_PROPS, 1U << (TRAITS + 3)},
        {FIELD_COUNTRY, 1U << TRAIT_COUNTRY},
        {FIELD_BROWSER, 1U << TRAIT_BROWSER},
        {FIELD_OS, 1U << TRAIT_OS},
        {FIELD_DEVICE, 1U << TRAIT_DEVICE},
        {FIELD_LANGUAGE, 1U << TRAIT_LANGUAGE},
    };
    struct world w = new_world("Europe/Berlin", DAY);
    struct event all = with_fields_off(&w, 0);
    struct str full[TEXTS], some[TEXTS];

    (void)state;
    texts_of(&all, full);
    for (size_t t = 0; t < TEXTS; t++)
        assert_true(full[t].len > 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event event = with_fields_off(&w, 1U << cases[i].field);

        texts_of(&event, some);
        for (size_t t = 0; t < TEXTS; t++)
            assert_true(str_eq(some[t], (cases[i].texts >> t & 1) != 0 ? STR("") : full[t]));
    }
    end_world(&w);
}

static void without_campaigns_the_referrer_alone_tells_the_source(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    struct event event = with_fields_off(&w, 1U << FIELD_CAMPAIGN);

    for (unsigned i = TRAIT_UTM_SOURCE; i <= TRAIT_UTM_TERM; i++)
        has_trait(&event, (enum trait)i, "");
    has_trait(&event, TRAIT_SOURCE, "Google");
    has_trait(&event, TRAIT_CHANNEL, "Organic Search");
    assert_true(str_eq(event.referrer, STR("www.google.com")));
    /* No parameter that says where a visit came from is read. */
    static const char *const queries[] = {"/?ref=a", "/?source=a", "/?gclid=a", "/?fbclid=a"};

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        w.in.path = str_from(queries[i]);
        w.in.referrer = STR("");
        event = make(&w, TEN_OH_FIVE);
        has_trait(&event, TRAIT_SOURCE, "");
        has_trait(&event, TRAIT_CHANNEL, "");
        assert_true(str_eq(event.path, STR("/")));
    }
    end_world(&w);
}

static void without_referrers_tags_alone_tell_the_source(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    struct event event = with_fields_off(&w, 1U << FIELD_REFERRER);

    has_trait(&event, TRAIT_SOURCE, "newsletter");
    w.in.path = STR("/pricing");
    event = make(&w, TEN_OH_FIVE);
    has_trait(&event, TRAIT_SOURCE, "");
    has_trait(&event, TRAIT_CHANNEL, "");
    w.in.referrer = STR("https://example.com/before"); /* the site's own page */
    event = make(&w, TEN_OH_FIVE);
    assert_true(str_eq(event.referrer, STR("")));
    w.site.fields_off = 0;
    event = make(&w, TEN_OH_FIVE);
    assert_true(str_eq(event.referrer, STR("example.com/before")));
    end_world(&w);
}

static void without_any_field_page_and_visitor_are_left(void **state)
{
    struct world w = new_world("Europe/Berlin", DAY);
    struct event event = with_fields_off(&w, (1U << FIELDS) - 1);
    struct str texts[TEXTS];

    (void)state;
    texts_of(&event, texts);
    for (size_t t = 0; t < TEXTS; t++)
        assert_int_equal(texts[t].len, 0);
    assert_true(str_eq(event.path, STR("/pricing")));
    assert_true(event.visitor == UINT64_C(0x8658726b1f8a48da));
    /* Who is left out is found out as before. */
    assert_int_equal(event_screen(&w.site, &w.client, &w.sender, &w.in), DROP_NONE);
    struct str blocked[] = {STR("DE")};

    w.site.blocked_countries = blocked;
    w.site.blocked_countries_count = 1;
    assert_int_equal(event_screen(&w.site, &w.client, &w.sender, &w.in), DROP_BLOCKED);
    w.site.blocked_countries_count = 0;
    w.sender.bot = STR("search");
    assert_int_equal(event_screen(&w.site, &w.client, &w.sender, &w.in), DROP_BOT);
    end_world(&w);
}

static void fields_have_the_names_of_the_contract(void **state)
{
    static const struct {
        enum field field;
        const char *name;
    } names[] = {
        {FIELD_REFERRER, "referrer"}, {FIELD_CAMPAIGN, "campaign"},
        {FIELD_TITLE, "title"},       {FIELD_SCREEN, "screen"},
        {FIELD_PROPS, "props"},       {FIELD_COUNTRY, "country"},
        {FIELD_BROWSER, "browser"},   {FIELD_OS, "os"},
        {FIELD_DEVICE, "device"},     {FIELD_LANGUAGE, "language"},
    };

    (void)state;
    assert_int_equal(sizeof(names) / sizeof(names[0]), FIELDS);
    for (size_t i = 0; i < FIELDS; i++) {
        assert_true(str_eq(field_name(names[i].field), str_from(names[i].name)));
        assert_int_equal(field_of(str_from(names[i].name)), names[i].field);
    }
    assert_int_equal(field_of(STR("")), FIELDS);
    assert_int_equal(field_of(STR("path")), FIELDS);
    assert_int_equal(field_of(STR("Referrer")), FIELDS);
    assert_int_equal(field_of(STR("referrers")), FIELDS);
}

/* -- keys -- */

static void hashes_ids_with_their_site(void **state)
{
    static const uint8_t expected[16] = {0xc4, 0x33, 0x24, 0x67, 0x6f, 0x50, 0x41, 0x0d,
                                         0xfa, 0xa8, 0x82, 0x75, 0x5f, 0x10, 0x2e, 0xfb};
    struct world w = new_world("Europe/Berlin", DAY);

    (void)state;
    assert_false(make(&w, TEN_OH_FIVE).has_id);
    w.in.id = STR("order-4711");
    struct event event = make(&w, TEN_OH_FIVE);

    assert_true(event.has_id);
    assert_memory_equal(event.id, expected, sizeof(expected));
    event = make(&w, TEN_OH_FIVE - DAY_MS); /* on any day the same */
    assert_memory_equal(event.id, expected, sizeof(expected));
    w.site.id = STR("abc124");
    event = make(&w, TEN_OH_FIVE);
    assert_memory_not_equal(event.id, expected, sizeof(expected));
    /* Where the site's id ends is part of what is hashed. */
    w.site.id = STR("abc123o");
    w.in.id = STR("rder-4711");
    event = make(&w, TEN_OH_FIVE);
    assert_memory_not_equal(event.id, expected, sizeof(expected));
    w.site.id = STR("abc123");
    w.in.id = STR("order-4711");
    w.id_key[0]++;
    event = make(&w, TEN_OH_FIVE);
    assert_memory_not_equal(event.id, expected, sizeof(expected));
    end_world(&w);
}

static void finds_salts_by_their_date(void **state)
{
    struct salts salts = {.count = 2, .salt = {{.day = 5}, {.day = 7}, {.day = 9}}};

    (void)state;
    assert_ptr_equal(salts_find(&salts, 7), &salts.salt[1]);
    assert_null(salts_find(&salts, 6));
    assert_null(salts_find(&salts, 9)); /* behind the count */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_the_cut_address),
        cmocka_unit_test(hashes_the_full_address_where_the_site_asks_for_it),
        cmocka_unit_test(cuts_addresses_shorter_where_the_site_asks_for_it),
        cmocka_unit_test(tells_sites_agents_and_days_apart),
        cmocka_unit_test(looks_at_512_bytes_of_the_agent),
        cmocka_unit_test(a_tokens_event_has_the_visitor_that_it_names_or_none),
        cmocka_unit_test(only_a_token_names_another_visitor),
        cmocka_unit_test(engagement_has_a_visitor),
        cmocka_unit_test(is_unavailable_without_the_salt_of_today),
        cmocka_unit_test(an_old_timestamp_without_its_salt_has_no_visitor),
        cmocka_unit_test(carries_the_id_of_the_day_before_for_half_an_hour),
        cmocka_unit_test(takes_an_id_that_is_known_but_after_midnight),
        cmocka_unit_test(the_half_hour_begins_with_the_date_not_with_the_clock),
        cmocka_unit_test(the_day_before_a_skipped_date_is_the_one_that_ended),
        cmocka_unit_test(knows_the_sites_date_and_hour),
        cmocka_unit_test(is_the_sites_and_not_the_aliass),
        cmocka_unit_test(cleans_and_masks_its_texts),
        cmocka_unit_test(cuts_titles_and_referrers_at_a_character),
        cmocka_unit_test(masks_before_it_cuts),
        cmocka_unit_test(knows_the_traits_of_the_visit),
        cmocka_unit_test(has_no_traits_without_a_visitor),
        cmocka_unit_test(cuts_traits_at_200_bytes),
        cmocka_unit_test(keeps_no_address_unless_asked),
        cmocka_unit_test(keeps_the_cut_address_where_the_site_stores_it),
        cmocka_unit_test(keeps_an_address_of_visitors_alone),
        cmocka_unit_test(leaves_out_what_is_switched_off_and_nothing_else),
        cmocka_unit_test(without_campaigns_the_referrer_alone_tells_the_source),
        cmocka_unit_test(without_referrers_tags_alone_tell_the_source),
        cmocka_unit_test(without_any_field_page_and_visitor_are_left),
        cmocka_unit_test(fields_have_the_names_of_the_contract),
        cmocka_unit_test(hashes_ids_with_their_site),
        cmocka_unit_test(finds_salts_by_their_date),
    };
    return cmocka_run_group_tests_name("event_make", tests, NULL, NULL);
}
