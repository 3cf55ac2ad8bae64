/*
 * test_query_realtime.c -- who is here now, counted by hand.
 */
#include "query_fixture.h"

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct arena arena;
    struct err err;
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    w->site = (struct site){
        .id = STR("a"), .tenant = STR("five"), .timezone = STR("Europe/Berlin"), .tz = w->tz};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

/* `source` and `country` as of a visitor that comes with them. */
static void send_event(struct world *w, const char *name, const char *time, uint64_t visitor,
                       const char *path, const char *source, const char *country)
{
    struct event event = fixture_event(&w->site, name, instant(time), visitor, path);

    event.traits[TRAIT_SOURCE] = str_from(source);
    event.traits[TRAIT_COUNTRY] = str_from(country);
    fixture_events(w->store, &w->site, &event, 1);
}

static struct query_realtime at(struct world *w, const char *as_of)
{
    struct query_realtime out;

    if (query_realtime(w->store, &w->site, instant(as_of), &w->arena, &out, &w->err) != 0)
        fail_msg("%s", w->err.text);
    return out;
}

static void assert_live(const struct query_live_row *row, struct str value, int64_t visitors,
                        int64_t pageviews)
{
    if (!str_eq(row->value, value))
        fail_msg("\"%.*s\" is not \"%.*s\"", STR_FMT(row->value), STR_FMT(value));
    assert_int_equal(row->visitors, visitors);
    assert_int_equal(row->pageviews, pageviews);
}

static void counts_the_minutes_up_to_as_of(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T10:00:59.999Z", 1, "/a", "", "");
    send_event(w, "pageview", "2026-11-20T10:01:00Z", 1, "/a", "", "");
    send_event(w, "pageview", "2026-11-20T10:01:59.999Z", 1, "/b", "", "");
    send_event(w, "form.submit", "2026-11-20T10:01:59.999Z", 2, "/b", "", "");
    send_event(w, "pageview", "2026-11-20T10:02:00Z", 0, "/b", "", "");
    send_event(w, "pageview", "2026-11-20T10:30:20Z", 3, "/a", "", "");
    send_event(w, "pageview", "2026-11-20T10:30:20.001Z", 4, "/a", "", "");
    struct query_realtime live = at(w, "2026-11-20T10:30:20Z");
    for (size_t i = 0; i < REALTIME_MINUTES; i++) {
        assert_int_equal(live.minutes[i].minute_ms,
                         instant("2026-11-20T10:01:00Z") + (int64_t)i * MINUTE_MS);
        assert_int_equal(live.minutes[i].pageviews, i == 0 ? 2 : i == 1 || i == 29 ? 1 : 0);
        assert_int_equal(live.minutes[i].visitors, i == 0 ? 2 : i == 29 ? 1 : 0);
    }
    assert_int_equal(live.visitors_now, 1);
    /* On the minute. */
    live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.minutes[29].minute_ms, instant("2026-11-20T10:30:00Z"));
    assert_int_equal(live.minutes[29].pageviews, 0);
}

static void counts_the_five_minutes_up_to_as_of(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T10:25:20Z", 1, "/gone", "Google", "DE");
    send_event(w, "pageview", "2026-11-20T10:25:20.001Z", 2, "/here", "Google", "DE");
    send_event(w, "pageview", "2026-11-20T10:26:00Z", 2, "/here", "Google", "DE");
    send_event(w, "form.submit", "2026-11-20T10:27:00Z", 3, "/form", "newsletter", "");
    struct query_realtime live = at(w, "2026-11-20T10:30:20Z");
    assert_int_equal(live.visitors_now, 2);
    assert_int_equal(live.pages_count, 2);
    assert_live(&live.pages[0], STR("/here"), 1, 2);
    assert_live(&live.pages[1], STR("/form"), 1, 0);
    assert_int_equal(live.sources_count, 2);
    assert_live(&live.sources[0], STR("Google"), 1, 2);
    assert_live(&live.sources[1], STR("newsletter"), 1, 0);
    assert_int_equal(live.countries_count, 2);
    assert_live(&live.countries[0], STR("DE"), 1, 2);
    assert_live(&live.countries[1], dimension_absent(DIM_COUNTRY), 1, 0);
    assert_int_equal(at(w, "2026-11-20T10:25:20Z").visitors_now, 1);
    assert_int_equal(at(w, "2026-11-20T10:25:20.001Z").visitors_now, 2);
}

static void thinks_that_who_reads_is_here(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T10:10:00Z", 1, "/long", "Google", "DE");
    send_event(w, "engagement", "2026-11-20T10:29:00Z", 1, "/long", "", "");
    /* Its page was opened long ago: nobody came back. */
    send_event(w, "engagement", "2026-11-20T10:29:00Z", 2, "/old", "", "");
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.visitors_now, 1);
    assert_int_equal(live.minutes[28].visitors, 1);
    assert_int_equal(live.minutes[28].pageviews, 0);
    assert_int_equal(live.pages_count, 1);
    assert_live(&live.pages[0], STR("/long"), 1, 0);
    assert_live(&live.sources[0], STR("Google"), 1, 0);
}

static void counts_pageviews_without_a_visitor_under_their_page(void **state)
{
    struct world *w = *state;
    struct event event =
        fixture_event(&w->site, "pageview", instant("2026-11-20T10:29:00Z"), 0, "/app");

    event.count = 5;
    fixture_events(w->store, &w->site, &event, 1);
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.visitors_now, 0);
    assert_int_equal(live.minutes[28].pageviews, 5);
    assert_int_equal(live.minutes[28].visitors, 0);
    assert_int_equal(live.pages_count, 1);
    assert_live(&live.pages[0], STR("/app"), 0, 5);
    assert_int_equal(live.sources_count, 0);
    assert_int_equal(live.countries_count, 0);
}

/* Berlin's midnight is 23:00 UTC. */
static void knows_a_visitor_on_both_sides_of_midnight(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T22:40:00Z", 1, "/a", "Google", "DE");
    send_event(w, "pageview", "2026-11-20T22:59:30Z", 1, "/a", "Google", "DE");
    struct event after =
        fixture_event(&w->site, "pageview", instant("2026-11-20T23:00:10Z"), 2, "/b");
    after.visitor_before = 1;
    after.day_before = day("2026-11-20");
    after.traits[TRAIT_SOURCE] = STR("newsletter");
    fixture_events(w->store, &w->site, &after, 1);
    struct query_realtime live = at(w, "2026-11-20T23:01:00Z");
    assert_int_equal(live.visitors_now, 1);
    assert_int_equal(live.sources_count, 1);
    assert_live(&live.sources[0], STR("Google"), 1, 2);
    assert_int_equal(live.pages_count, 2);
    assert_live(&live.pages[0], STR("/a"), 1, 1);
    assert_live(&live.pages[1], STR("/b"), 1, 1);
    /* Somebody else has the same id on the other day. */
    send_event(w, "pageview", "2026-11-20T23:00:20Z", 1, "/b", "", "");
    assert_int_equal(at(w, "2026-11-20T23:01:00Z").visitors_now, 2);
}

static void tells_a_visitor_s_visits_apart(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T09:50:00Z", 1, "/a", "Google", "DE");
    send_event(w, "pageview", "2026-11-20T10:29:00Z", 1, "/a", "newsletter", "DE");
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.sources_count, 1);
    assert_live(&live.sources[0], STR("newsletter"), 1, 1);
}

static void lists_the_ten_that_most_are_on(void **state)
{
    struct world *w = *state;
    char path[] = "/a";

    /* "/a" has one visitor, "/b" two ... "/k" eleven. */
    for (uint64_t i = 1; i <= 11; i++, path[1]++)
        for (uint64_t v = 1; v <= i; v++)
            send_event(w, "pageview", "2026-11-20T10:29:00Z", v, path, "", "");
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.visitors_now, 11);
    assert_int_equal(live.pages_count, REALTIME_ROWS);
    assert_live(&live.pages[0], STR("/k"), 11, 11);
    assert_live(&live.pages[9], STR("/b"), 2, 2);
    /* Of as many visitors, more pageviews come first; then the text decides. */
    send_event(w, "pageview", "2026-11-20T10:31:00Z", 1, "/z", "", "");
    send_event(w, "pageview", "2026-11-20T10:31:00Z", 1, "/y", "", "");
    send_event(w, "pageview", "2026-11-20T10:31:00Z", 1, "/x", "", "");
    send_event(w, "pageview", "2026-11-20T10:31:01Z", 1, "/y", "", "");
    live = at(w, "2026-11-20T10:35:00Z");
    assert_int_equal(live.pages_count, 3);
    assert_live(&live.pages[0], STR("/y"), 1, 2);
    assert_live(&live.pages[1], STR("/x"), 1, 1);
    assert_live(&live.pages[2], STR("/z"), 1, 1);
}

static void reads_more_rows_than_a_page_holds(void **state)
{
    struct world *w = *state;
    enum { ROWS = 2500 };
    struct event *events = test_calloc(ROWS, sizeof(*events));

    /* All in one millisecond but the last. */
    for (size_t i = 0; i < ROWS; i++)
        events[i] =
            fixture_event(&w->site, "pageview", instant("2026-11-20T10:29:00Z") + (i == ROWS - 1),
                          i % 100 + 1, "/a");
    fixture_events(w->store, &w->site, events, ROWS);
    test_free(events);
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.visitors_now, 100);
    assert_int_equal(live.minutes[28].pageviews, ROWS);
    assert_live(&live.pages[0], STR("/a"), 100, ROWS);
}

static void shows_nobody_of_another_site(void **state)
{
    struct world *w = *state;

    send_event(w, "pageview", "2026-11-20T10:29:00Z", 1, "/a", "", "");
    w->site.tenant = STR("six");
    struct query_realtime live = at(w, "2026-11-20T10:30:00Z");
    assert_int_equal(live.visitors_now, 0);
    assert_int_equal(live.pages_count, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(counts_the_minutes_up_to_as_of),
        WITH_WORLD(counts_the_five_minutes_up_to_as_of),
        WITH_WORLD(thinks_that_who_reads_is_here),
        WITH_WORLD(counts_pageviews_without_a_visitor_under_their_page),
        WITH_WORLD(knows_a_visitor_on_both_sides_of_midnight),
        WITH_WORLD(tells_a_visitor_s_visits_apart),
        WITH_WORLD(lists_the_ten_that_most_are_on),
        WITH_WORLD(reads_more_rows_than_a_page_holds),
        WITH_WORLD(shows_nobody_of_another_site),
    };
    return cmocka_run_group_tests_name("query_realtime", tests, NULL, NULL);
}
