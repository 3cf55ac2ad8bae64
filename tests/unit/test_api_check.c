/*
 * test_api_check.c -- GET /api/analytics/check, called without a server: whose a page's sightings
 * are, and when nothing came of a script that was loaded.
 *
 * The tenant five has the sites a (its last event at 13:00) and b, six has c.
 */
#include "api_fixture.h"

#include "access/signed.h"
#include "api/sightings.h"

#define NOW "2026-11-22T13:25:00Z"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static void set_domain(struct api_world *w, const char *id, const char *domain, const char *origins)
{
    struct site_row row;

    world_get(w, ROW_SITE, id, &row);
    row.domain = str_from(domain);
    row.allowed_origins = str_from(origins);
    world_put(w, ROW_SITE, &row);
}

static int set_up(void **state)
{
    struct api_world *w = world_new(NOW);

    set_domain(w, "a", "a.example", "");
    set_domain(w, "b", "b.example", "");
    set_domain(w, "c", "c.example", "");
    fixture_hour(w->store, "five", "a", "2026-11-22", "2026-11-22T13:00:00Z",
                 (struct stats){.pageviews = 1});
    world_counted(w, NOW);
    w->api.sightings = sightings_new();
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct api_world *w = *state;

    sightings_free(&w->api.sightings);
    world_free(w);
    return 0;
}

static void see_site(struct api_world *w, const char *tenant, const char *site,
                     enum sighting_kind kind, const char *detail, int64_t at_ms)
{
    sightings_note_site(w->api.sightings, str_from(tenant), str_from(site), kind, str_from(detail),
                        2, at_ms);
}

static void see_host(struct api_world *w, const char *host, enum sighting_kind kind,
                     const char *detail, int64_t at_ms)
{
    sightings_note_host(w->api.sightings, str_from(host), kind, str_from(detail), 1, at_ms);
}

static void check(struct api_world *w, const char *site)
{
    char query[64];

    (void)snprintf(query, sizeof(query), "siteId=%s", site);
    assert_int_equal(world_ask(w, check_get, query), 200);
}

static void check_of_six(struct api_world *w)
{
    assert_int_equal(world_ask_for(w, check_get, w->six, "siteId=c", ""), 200);
}

/* -- the answer -------------------------------------------------------------------------------- */

static void a_site_is_told_when_its_events_came_and_what_was_wrong(void **state)
{
    struct api_world *w = *state;

    see_site(w, "five", "a", SIGHT_BOT, "", world_now_ms - 2 * SECOND);
    see_host(w, "www.a.example", SIGHT_UNKNOWN_SITE, "aa", world_now_ms - SECOND);
    check(w, "a");
    assert_true(str_eq(
        w->body,
        STR("{\"siteId\":\"a\",\"tenantId\":\"five\",\"domain\":\"a.example\","
            "\"asOf\":\"2026-11-22T13:25:00.000Z\",\"firstEventAt\":\"2026-11-22T13:00:00.000Z\","
            "\"lastEventAt\":\"2026-11-22T13:00:00.000Z\",\"scriptLoadedAt\":null,\"problems\":["
            "{\"kind\":\"unknown-site\",\"detail\":\"aa\",\"at\":\"2026-11-22T13:24:59.000Z\","
            "\"count\":1},"
            "{\"kind\":\"bot\",\"detail\":null,\"at\":\"2026-11-22T13:24:58.000Z\",\"count\":2}"
            "]}")));
    check(w, "b");
    assert_has(w, "\"firstEventAt\":null,\"lastEventAt\":null,\"scriptLoadedAt\":null,"
                  "\"problems\":[]");
}

static void without_a_place_for_sightings_there_are_none(void **state)
{
    struct api_world *w = *state;

    sightings_free(&w->api.sightings);
    check(w, "a");
    assert_has(w, "\"problems\":[]");
}

static void the_same_at_the_site_and_its_hosts_is_one_problem(void **state)
{
    struct api_world *w = *state;

    see_site(w, "five", "a", SIGHT_INVALID, "path is missing", world_now_ms - SECOND);
    see_host(w, "a.example", SIGHT_INVALID, "path is missing", world_now_ms - 3 * SECOND);
    see_host(w, "www.a.example", SIGHT_INVALID, "path is missing", world_now_ms - 2 * SECOND);
    check(w, "a");
    assert_has(w, "\"problems\":[{\"kind\":\"invalid\",\"detail\":\"path is missing\","
                  "\"at\":\"2026-11-22T13:24:59.000Z\",\"count\":4}]");
}

/* Hosts of which none is the same, each with a problem of its own. */
static void see_many(struct api_world *w, int count)
{
    char host[32], detail[32];

    for (int i = 0; i < count; i++) {
        (void)snprintf(host, sizeof(host), "h%d.a.example", i);
        (void)snprintf(detail, sizeof(detail), "id%d", i);
        see_host(w, host, SIGHT_UNKNOWN_SITE, detail, world_now_ms - i);
    }
}

static void the_fifty_newest_of_hosts_are_looked_at(void **state)
{
    struct api_world *w = *state;

    see_many(w, 51);
    check(w, "a");
    assert_has(w, "\"id0\"");
    assert_has(w, "\"id49\"");
    assert_false(world_has(w, "\"id50\""));
}

/* Whoever sends a page's Origin may make up as many hosts as he likes. */
static void made_up_hosts_hide_nothing_that_was_seen_at_the_site(void **state)
{
    struct api_world *w = *state;

    see_site(w, "five", "a", SIGHT_ORIGIN, "https://other.example", world_now_ms - SECOND);
    see_many(w, 51);
    check(w, "a");
    assert_has(w, "\"id49\"");
    assert_false(world_has(w, "\"id50\""));
    assert_has(w, "{\"kind\":\"origin\",\"detail\":\"https://other.example\"");
}

/* -- whose a page is --------------------------------------------------------------------------- */

static bool is_shown(struct api_world *w, const char *host, const char *site)
{
    sightings_free(&w->api.sightings);
    w->api.sightings = sightings_new();
    see_host(w, host, SIGHT_UNKNOWN_SITE, "typo", world_now_ms);
    if (site[0] == 'c')
        check_of_six(w);
    else
        check(w, site);
    return world_has(w, "typo");
}

static void a_page_is_the_sites_that_names_its_host(void **state)
{
    struct api_world *w = *state;

    assert_true(is_shown(w, "a.example", "a"));
    assert_true(is_shown(w, "www.a.example", "a"));
    assert_false(is_shown(w, "a.example", "b"));
    assert_false(is_shown(w, "a.example", "c"));
    assert_false(is_shown(w, "xa.example", "a"));
    set_domain(w, "b", "b.example", "[\"pay.example\",\"*.shop.example\"]");
    assert_true(is_shown(w, "pay.example", "b"));
    assert_true(is_shown(w, "x.shop.example", "b"));
    assert_false(is_shown(w, "shop.example", "b"));
    assert_false(is_shown(w, "pay.example", "a"));
}

static void any_origin_is_no_name(void **state)
{
    struct api_world *w = *state;

    set_domain(w, "a", "a.example", "[\"*\"]");
    assert_false(is_shown(w, "else.example", "a"));
    assert_true(is_shown(w, "a.example", "a"));
}

static void the_site_that_names_a_host_more_closely_has_it_alone(void **state)
{
    struct api_world *w = *state;

    set_domain(w, "c", "shop.a.example", "");
    assert_true(is_shown(w, "shop.a.example", "c"));
    assert_true(is_shown(w, "www.shop.a.example", "c"));
    assert_false(is_shown(w, "shop.a.example", "a"));
    assert_false(is_shown(w, "www.shop.a.example", "a"));
    assert_true(is_shown(w, "www.a.example", "a"));
    /* Who names all there is has only what nobody else has. */
    set_domain(w, "c", "example", "");
    assert_false(is_shown(w, "a.example", "c"));
    assert_true(is_shown(w, "a.example", "a"));
}

static void what_two_tenants_name_alike_is_nobodys(void **state)
{
    struct api_world *w = *state;

    set_domain(w, "c", "a.example", "");
    assert_false(is_shown(w, "a.example", "a"));
    assert_false(is_shown(w, "a.example", "c"));
    /* Two sites of one tenant may both be told. */
    set_domain(w, "c", "c.example", "");
    set_domain(w, "b", "a.example", "");
    assert_true(is_shown(w, "a.example", "a"));
    assert_true(is_shown(w, "a.example", "b"));
}

/* -- silence ----------------------------------------------------------------------------------- */

static bool is_silent_after(struct api_world *w, int64_t loaded_ms)
{
    sightings_free(&w->api.sightings);
    w->api.sightings = sightings_new();
    see_host(w, "a.example", SIGHT_SCRIPT, "", loaded_ms);
    check(w, "a");
    return world_has(w, "\"kind\":\"silent\"");
}

static void a_script_without_an_event_is_told_for_ten_minutes(void **state)
{
    struct api_world *w = *state;

    assert_true(is_silent_after(w, world_now_ms - MINUTE));
    assert_has(w, "\"scriptLoadedAt\":\"2026-11-22T13:24:00.000Z\",\"problems\":["
                  "{\"kind\":\"silent\",\"detail\":null,\"at\":\"2026-11-22T13:24:00.000Z\","
                  "\"count\":1}]");
    assert_true(is_silent_after(w, world_now_ms - 10 * MINUTE));
    assert_false(is_silent_after(w, world_now_ms - 10 * MINUTE - 1));
    assert_has(w, "\"scriptLoadedAt\":\"2026-11-22T13:14:59.999Z\"");
}

/* Everything received up to asOf is counted. */
static void it_is_given_ten_seconds_to_send_its_event(void **state)
{
    struct api_world *w = *state;

    assert_true(is_silent_after(w, world_now_ms - 10 * SECOND));
    assert_false(is_silent_after(w, world_now_ms - 10 * SECOND + 1));
    world_now_ms += MINUTE; /* the job is behind */
    assert_false(is_silent_after(w, world_now_ms - MINUTE - 10 * SECOND + 1));
    assert_true(is_silent_after(w, world_now_ms - MINUTE - 10 * SECOND));
}

static void an_event_since_is_no_silence(void **state)
{
    struct api_world *w = *state;

    world_now_ms = instant("2026-11-22T13:05:00Z");
    assert_true(is_silent_after(w, instant("2026-11-22T13:00:00.001Z")));
    assert_false(is_silent_after(w, instant("2026-11-22T13:00:00Z")));
}

static void what_came_and_was_not_counted_is_no_silence(void **state)
{
    struct api_world *w = *state;
    const int64_t loaded = world_now_ms - MINUTE;

    assert_true(is_silent_after(w, loaded));
    see_site(w, "five", "a", SIGHT_BLOCKED, "", loaded - 1);
    see_site(w, "five", "a", SIGHT_PROXY, "10.0.0.1", loaded + 1);
    check(w, "a");
    assert_has(w, "\"silent\"");
    see_site(w, "five", "a", SIGHT_BLOCKED, "", loaded);
    check(w, "a");
    assert_false(world_has(w, "\"silent\""));
}

/* -- who may ask ------------------------------------------------------------------------------- */

static void a_public_dashboard_and_a_shared_link_tell_nothing_of_it(void **state)
{
    struct api_world *w = *state;
    const struct link_row link = {
        .id = STR("l1"), .tenant = STR("five"), .site = STR("a"), .created_ms = 1};
    struct site_row row;
    const struct snapshot *snapshot;

    world_get(w, ROW_SITE, "a", &row);
    row.public_dashboard = true;
    world_put(w, ROW_SITE, &row);
    world_put(w, ROW_LINK, &link);
    snapshot = directory_take(w->directory);
    struct str text = signed_link(snapshot_signing_key(snapshot), &link, &w->arena);

    directory_give(w->directory, snapshot);
    assert_int_equal(world_send(w, check_get, (struct http_request){.query = STR("siteId=a")}),
                     401);
    assert_int_equal(
        world_send(w, annotations_get, (struct http_request){.query = STR("siteId=a")}), 401);
    struct buf secret = {0};

    buf_addf(&secret, "%.*s", STR_FMT(text));
    assert_int_equal(world_ask_for(w, check_get, secret.ptr, "siteId=a", ""), 403);
    assert_int_equal(world_ask_for(w, annotations_get, secret.ptr, "siteId=a", ""), 403);
    buf_release(&secret);
    assert_int_equal(world_ask(w, check_get, "siteId=c"), 404);
    assert_int_equal(world_ask(w, check_get, ""), 400);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_site_is_told_when_its_events_came_and_what_was_wrong),
        TEST(without_a_place_for_sightings_there_are_none),
        TEST(the_same_at_the_site_and_its_hosts_is_one_problem),
        TEST(the_fifty_newest_of_hosts_are_looked_at),
        TEST(made_up_hosts_hide_nothing_that_was_seen_at_the_site),
        TEST(a_page_is_the_sites_that_names_its_host),
        TEST(any_origin_is_no_name),
        TEST(the_site_that_names_a_host_more_closely_has_it_alone),
        TEST(what_two_tenants_name_alike_is_nobodys),
        TEST(a_script_without_an_event_is_told_for_ten_minutes),
        TEST(it_is_given_ten_seconds_to_send_its_event),
        TEST(an_event_since_is_no_silence),
        TEST(what_came_and_was_not_counted_is_no_silence),
        TEST(a_public_dashboard_and_a_shared_link_tell_nothing_of_it),
    };

    return cmocka_run_group_tests_name("api_check", tests, NULL, NULL);
}
