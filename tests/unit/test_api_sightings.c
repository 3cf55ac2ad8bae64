/* test_api_sightings.c -- what is noted of pages that are not counted: who sees it, how much of it,
 * and for how long. */
#include "unit.h"

#include "api/sightings.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1000 * 1000 * 1000, HOUR = 60 * 60 * 1000, THREADS = 4, TIMES = 2000 };

#define assert_str(s, text) assert_true(str_eq((s), STR(text)))
#define assert_text(s, text) assert_true(str_eq((s), str_from(text)))

struct stage {
    struct sightings *sightings;
    struct arena arena;
    struct sighting *found;
    size_t count;
};

static int set_up(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));

    s->sightings = sightings_new();
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;

    sightings_free(&s->sightings);
    arena_free(&s->arena);
    free(s);
    return 0;
}

static void note(struct stage *s, const char *site, enum sighting_kind kind, const char *detail,
                 int64_t now_ms)
{
    sightings_note_site(s->sightings, STR("t5g"), str_from(site), kind, str_from(detail), 1,
                        now_ms);
}

static void note_host(struct stage *s, const char *host, const char *detail, int64_t now_ms)
{
    sightings_note_host(s->sightings, str_from(host), SIGHT_UNKNOWN_SITE, str_from(detail), 1,
                        now_ms);
}

static bool none(const void *ctx, struct str host)
{
    (void)ctx;
    (void)host;
    return false;
}

static bool every(const void *ctx, struct str host)
{
    (void)ctx;
    (void)host;
    return true;
}

static bool same(const void *ctx, struct str host)
{
    return str_eq(host, str_from(ctx));
}

static void look(struct stage *s, const char *tenant, const char *site, sighting_host_fn *wanted,
                 const void *ctx, int64_t now_ms)
{
    s->count = sightings_list(s->sightings, str_from(tenant), str_from(site), wanted, ctx, now_ms,
                              &s->arena, &s->found);
}

static void look_at_site(struct stage *s, const char *site)
{
    look(s, "t5g", site, none, NULL, NOW);
}

/* -- who, what, when, how often ---------------------------------------------------------------- */

static void a_sighting_is_its_sites_alone(void **state)
{
    struct stage *s = *state;

    note(s, "abc", SIGHT_ORIGIN, "https://evil.example", NOW - 5);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 1);
    assert_int_equal(s->found[0].kind, SIGHT_ORIGIN);
    assert_str(s->found[0].detail, "https://evil.example");
    assert_str(s->found[0].host, "");
    assert_int_equal(s->found[0].at_ms, NOW - 5);
    assert_int_equal(s->found[0].count, 1);
    look_at_site(s, "abcd");
    assert_int_equal(s->count, 0);
    /* Of the same id, at another tenant's before. */
    look(s, "else", "abc", none, NULL, NOW);
    assert_int_equal(s->count, 0);
}

static void a_host_is_given_to_who_wants_it_and_has_no_capitals(void **state)
{
    struct stage *s = *state;

    note_host(s, "Shop.Example", "typo", NOW);
    note_host(s, "shop.example", "typo", NOW);
    note_host(s, "other.example", "typo", NOW);
    look(s, "t5g", "abc", same, "shop.example", NOW);
    assert_int_equal(s->count, 1);
    assert_str(s->found[0].host, "shop.example");
    assert_int_equal(s->found[0].count, 2);
    look(s, "t5g", "abc", none, NULL, NOW);
    assert_int_equal(s->count, 0);
}

static void the_same_again_counts_and_the_newest_comes_first(void **state)
{
    struct stage *s = *state;

    note(s, "abc", SIGHT_BOT, "", NOW - 9);
    note(s, "abc", SIGHT_BLOCKED, "", NOW - 8);
    sightings_note_site(s->sightings, STR("t5g"), STR("abc"), SIGHT_BOT, STR(""), 40, NOW - 7);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 2);
    assert_int_equal(s->found[0].kind, SIGHT_BOT);
    assert_int_equal(s->found[0].count, 41);
    assert_int_equal(s->found[0].at_ms, NOW - 7);
    assert_int_equal(s->found[1].kind, SIGHT_BLOCKED);
}

static void it_is_kept_for_an_hour_and_then_counts_anew(void **state)
{
    struct stage *s = *state;

    note(s, "abc", SIGHT_BOT, "", NOW);
    look(s, "t5g", "abc", none, NULL, NOW + HOUR);
    assert_int_equal(s->count, 1);
    look(s, "t5g", "abc", none, NULL, NOW + HOUR + 1);
    assert_int_equal(s->count, 0);
    note(s, "abc", SIGHT_BOT, "", NOW + HOUR);
    note(s, "abc", SIGHT_BOT, "", NOW + 2 * HOUR + 1);
    look(s, "t5g", "abc", none, NULL, NOW + 2 * HOUR + 1);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->found[0].count, 1);
    note_host(s, "shop.example", "typo", NOW);
    look(s, "t5g", "x", every, NULL, NOW + HOUR);
    assert_int_equal(s->count, 1);
    look(s, "t5g", "x", every, NULL, NOW + HOUR + 1);
    assert_int_equal(s->count, 0);
}

/* -- bounds ------------------------------------------------------------------------------------ */

static void a_detail_has_200_bytes_of_whole_characters_in_one_line(void **state)
{
    struct stage *s = *state;
    char longest[202];

    memset(longest, 'a', sizeof(longest));
    longest[200] = '\0';
    note(s, "fits", SIGHT_INVALID, longest, NOW);
    look_at_site(s, "fits");
    assert_int_equal(s->found[0].detail.len, 200);
    longest[200] = 'a';
    longest[201] = '\0';
    note(s, "cut", SIGHT_INVALID, longest, NOW);
    look_at_site(s, "cut");
    assert_int_equal(s->found[0].detail.len, 200);
    /* A character of two bytes that would end behind the last. */
    longest[199] = '\xc3';
    longest[200] = '\xbc';
    note(s, "whole", SIGHT_INVALID, longest, NOW);
    look_at_site(s, "whole");
    assert_int_equal(s->found[0].detail.len, 199);
    note(s, "plain", SIGHT_INVALID, "a\nb\x7f\xff\xc3\xbc", NOW);
    look_at_site(s, "plain");
    assert_str(s->found[0].detail, "a?b??\xc3\xbc");
}

static void a_host_has_253_bytes(void **state)
{
    struct stage *s = *state;
    char host[255];

    memset(host, 'a', sizeof(host));
    host[254] = '\0';
    note_host(s, host, "typo", NOW);
    note_host(s, "", "typo", NOW);
    look(s, "t5g", "abc", every, NULL, NOW);
    assert_int_equal(s->count, 0);
    host[253] = '\0';
    note_host(s, host, "typo", NOW);
    look(s, "t5g", "abc", every, NULL, NOW);
    assert_int_equal(s->count, 1);
}

static void of_a_kind_four_details_stay_and_the_oldest_gives_way(void **state)
{
    static const char *const details[] = {"a", "b", "c", "d", "e"};
    struct stage *s = *state;

    note(s, "abc", SIGHT_BOT, "", NOW - 100);
    for (int i = 0; i < 4; i++)
        note(s, "abc", SIGHT_ORIGIN, details[i], NOW - 10 + i);
    note(s, "abc", SIGHT_ORIGIN, "a", NOW - 5);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 5);
    note(s, "abc", SIGHT_ORIGIN, "e", NOW - 4);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 5);
    for (size_t i = 0; i < s->count; i++)
        assert_false(str_eq(s->found[i].detail, STR("b")));
    /* Others of the owner stay, however old. */
    assert_int_equal(s->found[4].kind, SIGHT_BOT);
}

/* Each of nine kinds has four details; the set has room for 16. */
static void of_an_owner_sixteen_stay_and_the_oldest_gives_way(void **state)
{
    struct stage *s = *state;
    char detail[2] = "a";

    for (int i = 0; i < SIGHTINGS_OF_SET; i++) {
        detail[0] = (char)('a' + i % 4);
        note(s, "abc", (enum sighting_kind)(i / 4), detail, NOW - 100 + i);
    }
    look_at_site(s, "abc");
    assert_int_equal(s->count, 16);
    note(s, "abc", SIGHT_INVALID, "one more", NOW);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 16);
    assert_int_equal(s->found[15].at_ms, NOW - 99);
}

/* Many more hosts than there are places: every place is taken, and no more than that; and a site
 * keeps what is its own. */
static void made_up_hosts_fill_all_places_and_push_out_no_site(void **state)
{
    struct stage *s = *state;
    char host[32];

    note(s, "abc", SIGHT_BOT, "", NOW - 10);
    for (int i = 0; i < 60000; i++) {
        (void)snprintf(host, sizeof(host), "h%d.example", i);
        note_host(s, host, "typo", NOW);
    }
    look(s, "t5g", "abc", every, NULL, NOW);
    assert_int_equal(s->count, SIGHTINGS_SETS * SIGHTINGS_OF_SET + 1);
    assert_int_equal(s->found[s->count - 1].kind, SIGHT_BOT);
}

/* -- threads ----------------------------------------------------------------------------------- */

static void *note_and_look(void *ctx)
{
    struct stage *s = ctx;
    struct arena arena = {0};
    struct sighting *found;

    for (int i = 0; i < TIMES; i++) {
        note(s, "abc", SIGHT_BOT, "", NOW);
        note_host(s, "shop.example", "typo", NOW);
        if (i % 500 == 0)
            (void)sightings_list(s->sightings, STR("t5g"), STR("abc"), every, NULL, NOW, &arena,
                                 &found);
    }
    arena_free(&arena);
    return NULL;
}

static void threads_count_together(void **state)
{
    struct stage *s = *state;
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_and_look, s), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    look(s, "t5g", "abc", every, NULL, NOW);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->found[0].count, THREADS * TIMES);
    assert_int_equal(s->found[1].count, THREADS * TIMES);
}

/* sighting_host_fn, as slow as many allowed origins make it: meanwhile a site's event is refused.
 */
static bool wanted_slowly(const void *ctx, struct str host)
{
    const struct stage *s = ctx;

    (void)host;
    sightings_note_site(s->sightings, STR("t5g"), STR("abc"), SIGHT_BOT, STR(""), 1, NOW);
    return true;
}

static void who_looks_at_hosts_keeps_nobody_from_noting(void **state)
{
    struct stage *s = *state;

    note_host(s, "shop.example", "typo", NOW);
    look(s, "t5g", "abc", wanted_slowly, s, NOW);
    assert_int_equal(s->count, 1);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 1);
    assert_int_equal(s->found[0].kind, SIGHT_BOT);
}

/* -- from a request ---------------------------------------------------------------------------- */

static struct addr address(const char *text)
{
    struct addr addr;

    assert_true(addr_parse(str_from(text), &addr));
    return addr;
}

static void a_page_is_told_by_origin_and_else_by_referer(void **state)
{
    struct stage *s = *state;
    const struct api api = {.sightings = s->sightings};
    struct http_request request = {.origin = STR("https://a.example:8443"),
                                   .referer = STR("https://b.example/private?x=1")};

    sight_at_page(&api, &request, SIGHT_SCRIPT, STR(""), NOW);
    request.origin = STR("");
    sight_at_page(&api, &request, SIGHT_SCRIPT, STR(""), NOW - 1);
    request.referer = STR("");
    sight_at_page(&api, &request, SIGHT_SCRIPT, STR(""), NOW - 2);
    request.origin = STR("null");
    sight_at_page(&api, &request, SIGHT_SCRIPT, STR(""), NOW - 3);
    look(s, "t5g", "abc", every, NULL, NOW);
    assert_int_equal(s->count, 2);
    assert_str(s->found[0].host, "a.example");
    assert_str(s->found[1].host, "b.example");
}

static void without_a_place_for_them_nothing_is_noted(void **state)
{
    const struct api api = {0};
    const struct http_request request = {.origin = STR("https://a.example")};

    (void)state;
    sight_at_page(&api, &request, SIGHT_SCRIPT, STR(""), NOW);
    sight_at_site(&api, &request, STR("t5g"), STR("abc"), SIGHT_BOT, STR(""), 1, NOW);
}

static void a_strange_proxy_is_noted_and_no_visitors_address(void **state)
{
    /* Those of private networks are proxies'; a public one may be a browser's that sends the
     * header. */
    static const char *const peers[][2] = {
        {"10.1.2.3", "10.1.2.3"},
        {"127.0.0.1", "127.0.0.1"},
        {"172.31.255.254", "172.31.255.254"},
        {"172.32.0.1", "172.32.0.0/24"},
        {"192.168.7.8", "192.168.7.8"},
        {"169.254.0.9", "169.254.0.9"},
        {"100.127.0.1", "100.127.0.1"},
        {"100.128.0.1", "100.128.0.0/24"},
        {"203.0.113.77", "203.0.113.0/24"},
        {"::1", "::1"},
        {"fd12::5", "fd12::5"},
        {"fe80::9", "fe80::9"},
        {"2001:db8:1:2::3", "2001:db8:1::/48"},
    };
    struct stage *s = *state;
    struct cidr trusted;
    struct api api = {.sightings = s->sightings, .trusted = &trusted, .trusted_count = 1};

    assert_true(cidr_parse(STR("10.9.0.0/16"), &trusted));
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        struct http_request request = {.forwarded_for = STR("198.51.100.9"),
                                       .peer = address(peers[i][0])};
        char site[32];

        (void)snprintf(site, sizeof(site), "s%zu", i);
        sight_at_site(&api, &request, STR("t5g"), str_from(site), SIGHT_BOT, STR(""), 3, NOW - 1);
        look_at_site(s, site);
        assert_int_equal(s->count, 2);
        size_t at = s->found[0].kind == SIGHT_PROXY ? 0 : 1;

        assert_int_equal(s->found[at].kind, SIGHT_PROXY);
        assert_text(s->found[at].detail, peers[i][1]);
        assert_int_equal(s->found[at].count, 3);
    }
}

static void a_trusted_proxy_and_who_sends_no_header_are_none(void **state)
{
    struct stage *s = *state;
    struct cidr trusted;
    const struct api api = {.sightings = s->sightings, .trusted = &trusted, .trusted_count = 1};
    struct http_request request = {.forwarded_for = STR("198.51.100.9"),
                                   .peer = address("10.9.1.1")};

    assert_true(cidr_parse(STR("10.9.0.0/16"), &trusted));
    sight_at_site(&api, &request, STR("t5g"), STR("abc"), SIGHT_BOT, STR(""), 1, NOW);
    request.peer = address("10.8.1.1");
    request.forwarded_for = STR("");
    sight_at_site(&api, &request, STR("t5g"), STR("abc"), SIGHT_BOT, STR(""), 1, NOW);
    look_at_site(s, "abc");
    assert_int_equal(s->count, 1);
    assert_int_equal(s->found[0].kind, SIGHT_BOT);
}

static void drops_are_noted_where_the_set_up_can_be_their_reason(void **state)
{
    static const struct {
        enum drop_reason reason;
        const char *name, *detail;
    } cases[] = {{DROP_BOT, "bot", ""},
                 {DROP_GPC, "signal", "gpc"},
                 {DROP_DO_NOT_TRACK, "signal", "do-not-track"},
                 {DROP_DISABLED, "disabled", ""},
                 {DROP_BLOCKED, "blocked", ""},
                 {DROP_QUOTA, NULL, NULL},
                 {DROP_DUPLICATE, NULL, NULL}};
    struct stage *s = *state;
    const struct api api = {.sightings = s->sightings};
    const struct http_request request = {.origin = STR("")};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char site[32];

        (void)snprintf(site, sizeof(site), "s%zu", i);
        const struct tally tally = {.site = str_from(site),
                                    .tenant = STR("t5g"),
                                    .reason = (uint8_t)cases[i].reason,
                                    .events = 7};

        sight_drops(&api, &request, &tally, NOW);
        look_at_site(s, site);
        assert_int_equal(s->count, cases[i].name != NULL);
        if (cases[i].name == NULL)
            continue;
        assert_string_equal(sighting_name(s->found[0].kind), cases[i].name);
        assert_text(s->found[0].detail, cases[i].detail);
        assert_int_equal(s->found[0].count, 7);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sighting_is_its_sites_alone),
        TEST(a_host_is_given_to_who_wants_it_and_has_no_capitals),
        TEST(the_same_again_counts_and_the_newest_comes_first),
        TEST(it_is_kept_for_an_hour_and_then_counts_anew),
        TEST(a_detail_has_200_bytes_of_whole_characters_in_one_line),
        TEST(a_host_has_253_bytes),
        TEST(of_a_kind_four_details_stay_and_the_oldest_gives_way),
        TEST(of_an_owner_sixteen_stay_and_the_oldest_gives_way),
        TEST(made_up_hosts_fill_all_places_and_push_out_no_site),
        TEST(threads_count_together),
        TEST(who_looks_at_hosts_keeps_nobody_from_noting),
        TEST(a_page_is_told_by_origin_and_else_by_referer),
        TEST(without_a_place_for_them_nothing_is_noted),
        TEST(a_strange_proxy_is_noted_and_no_visitors_address),
        TEST(a_trusted_proxy_and_who_sends_no_header_are_none),
        TEST(drops_are_noted_where_the_set_up_can_be_their_reason),
    };

    return cmocka_run_group_tests_name("api_sightings", tests, NULL, NULL);
}
