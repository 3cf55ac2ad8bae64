/* Facts of days made by hand: what the definitions of facts/facts.h come to, case by case. */
#include "test_facts_support.h"

#define DAY "2024-05-15"

static struct facts *facts_of(struct world *world)
{
    struct chance chance = {99};

    world_settle(world);
    return world_facts(world, &chance);
}

static struct count_row row_of(const struct facts *facts, enum dimension dimension, struct str prop,
                               const struct filter *filter, struct str value)
{
    struct arena arena = {0};
    struct counts *counts = counts_new(&arena, dimension, prop);
    struct count_row other, found = {0};
    size_t count;

    facts_count(facts, filter, filter == NULL ? 0 : 1, 1000, counts);
    const struct count_row *rows = counts_rows(counts, &count, &other);

    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].value, value))
            found = rows[i];
    arena_free(&arena);
    return found;
}

static struct count_row page(const struct facts *facts, const char *path)
{
    return row_of(facts, DIM_PAGE, STR(""), NULL, str_from(path));
}

static struct stats stats_of(const struct facts *facts, const struct filter *filter)
{
    struct stats stats;

    facts_stats(facts, filter, filter == NULL ? 0 : 1, &stats, NULL, NULL);
    return stats;
}

/* -- names ---------------------------------------------------------------------------------- */

static void finds_every_dimension_by_the_name_on_the_wire(void **state)
{
    static const char *const names[DIMENSIONS] = {
        "page",    "event",   "goal",      "prop",      "entryPage",   "exitPage",   "referrer",
        "source",  "channel", "utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm",
        "country", "browser", "os",        "device",    "language",    "screen"};

    (void)state;
    for (unsigned i = 0; i < DIMENSIONS; i++) {
        enum dimension found = DIMENSIONS;
        struct str prop = STR("left");

        assert_string_equal(dimension_name((enum dimension)i).ptr, names[i]);
        assert_int_equal(dimension_find(str_from(names[i]), &found, &prop), i != DIM_PROP);
        assert_true(i == DIM_PROP || (found == (enum dimension)i && prop.len == 0));
        assert_int_equal(dimension_of_visit((enum dimension)i),
                         i != DIM_PAGE && i != DIM_EVENT && i != DIM_PROP);
    }
}

static void finds_a_property_and_nothing_that_is_no_dimension(void **state)
{
    static const char *const others[] = {"prop:", "prop", "", "Page", "pages", "utm", "(other)"};
    enum dimension found = DIMENSIONS;
    struct str prop;

    (void)state;
    assert_true(dimension_find(STR("prop:a:b"), &found, &prop));
    assert_int_equal(found, DIM_PROP);
    assert_true(str_eq(prop, STR("a:b")));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(dimension_find(str_from(others[i]), &found, &prop));
}

/* -- visits --------------------------------------------------------------------------------- */

static void a_visit_over_midnight_counts_on_its_first_day_and_shows_on_the_second(void **state)
{
    struct world world = world_new("Europe/Berlin", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, -10), "pageview", "/in");
    (void)world_add(&world, 1, world_ms(&world, 5), "pageview", "/a");
    (void)world_add(&world, 1, world_ms(&world, 25), "pageview", "/b");
    (void)world_add(&world, 2, world_ms(&world, 300), "pageview", "/a");
    struct facts *facts = facts_of(&world);
    struct stats stats = stats_of(facts, NULL);
    struct count_row entry = row_of(facts, DIM_ENTRY_PAGE, STR(""), NULL, STR("/in"));
    struct count_row a = page(facts, "/a");

    assert_int_equal(world.runs_count, 2);
    assert_int_equal(stats.unique_visitors, 2);
    assert_int_equal(stats.pageviews, 3);
    assert_int_equal(stats.visits, 1);
    assert_int_equal(stats.bounces, 1);
    /* The visit came in by a page of the day before, and shows under it without counting again. */
    assert_int_equal(entry.visitors, 1);
    assert_int_equal(entry.pageviews, 2);
    assert_int_equal(entry.visits, 0);
    assert_int_equal(entry.visit_ms, 0);
    /* On a page both were; its visits are those that saw it, with all the time that they took. */
    assert_int_equal(a.visitors, 2);
    assert_int_equal(a.visits, 2);
    assert_int_equal(a.bounces, 1);
    assert_int_equal(a.visit_ms, 35 * MINUTE_MS);
    assert_int_equal(page(facts, "/in").pageviews, 0);
    world_free(&world);
}

static void a_run_that_begins_soon_after_midnight_is_found_by_its_link(void **state)
{
    struct world world = world_new("Europe/Berlin", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 10), "pageview", "/a");
    struct facts *facts = facts_of(&world);

    /* It stands under the id of the day before. */
    assert_int_equal(world.visits[0].key.day, world.day - 1);
    assert_int_equal(world.visits_count, 2);
    assert_int_equal(stats_of(facts, NULL).visits, 1);
    assert_int_equal(row_of(facts, DIM_SOURCE, STR(""), NULL, STR("(direct)")).visits, 1);
    world_free(&world);
}

static void an_event_whose_run_is_missing_has_a_visit_of_which_nothing_is_known(void **state)
{
    struct world world = world_new("UTC", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/a");
    (void)world_add(&world, 1, world_ms(&world, 400), "pageview", "/b");
    world_settle(&world);
    struct facts *facts =
        facts_build(&world.site, world.day, &world.events[0].row, 1, NULL, 0, &world.arena);
    struct count_row unknown = row_of(facts, DIM_COUNTRY, STR(""), NULL, STR("(unknown)"));

    assert_int_equal(stats_of(facts, NULL).unique_visitors, 1);
    assert_int_equal(stats_of(facts, NULL).visits, 0);
    assert_int_equal(page(facts, "/a").visits, 1);
    assert_int_equal(unknown.visitors, 1);
    assert_int_equal(unknown.visits, 0);
    world_free(&world);
}

static void the_sites_own_referrer_and_the_name_of_an_absent_value_are_absent(void **state)
{
    struct world world = world_new("UTC", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/a");
    (void)world_add(&world, 2, world_ms(&world, 100), "pageview", "/a");
    world_settle(&world);
    world.visits[0].texts[VISIT_REFERRER] = STR("example.com/inner");
    world.visits[0].texts[TRAIT_SOURCE] = STR("(direct)");
    world.visits[1].texts[VISIT_REFERRER] = STR("a.example");
    struct chance chance = {1};
    struct facts *facts = world_facts(&world, &chance);
    const struct filter direct = {.dimension = DIM_SOURCE, .value = STR("(direct)")};
    const struct filter none = {.dimension = DIM_REFERRER, .value = STR("")};

    assert_int_equal(row_of(facts, DIM_REFERRER, STR(""), NULL, STR("a.example")).visits, 1);
    assert_int_equal(row_of(facts, DIM_REFERRER, STR(""), NULL, STR("example.com/inner")).visits,
                     0);
    assert_int_equal(row_of(facts, DIM_SOURCE, STR(""), NULL, STR("(direct)")).visits, 2);
    assert_int_equal(stats_of(facts, &direct).visits, 2);
    assert_int_equal(stats_of(facts, &none).visits, 1);
    world_free(&world);
}

/* -- pages of conversions ------------------------------------------------------------------- */

static void a_conversion_belongs_to_the_last_page_seen_before_it(void **state)
{
    struct world world = world_new("UTC", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 100), "lead.created", "");
    (void)world_add(&world, 1, world_ms(&world, 101), "pageview", "/b");
    (void)world_add(&world, 1, world_ms(&world, 102), "engagement", "/c");
    (void)world_add(&world, 1, world_ms(&world, 103), "form.submit", "/d");
    (void)world_add(&world, 1, world_ms(&world, 104), "lead.created", "");
    (void)world_add(&world, 1, world_ms(&world, 105), "lead.created", "/e");
    struct facts *facts = facts_of(&world);

    assert_int_equal(stats_of(facts, NULL).conversions, 3);
    assert_int_equal(page(facts, "/b").conversions, 1);
    assert_int_equal(page(facts, "/e").conversions, 1);
    /* A page that was converted on, but not seen. */
    assert_int_equal(page(facts, "/e").converters, 1);
    assert_int_equal(page(facts, "/e").visitors, 0);
    assert_int_equal(page(facts, "/e").visits, 0);
    assert_int_equal(page(facts, "/c").conversions, 0);
    assert_int_equal(page(facts, "/d").conversions, 0);
    world_free(&world);
}

static void within_a_millisecond_the_name_says_what_came_first(void **state)
{
    struct world world = world_new("UTC", DAY);

    (void)state;
    /* "lead.created" stands before "pageview", "signup" behind it, "/a" before "/b". */
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/b");
    (void)world_add(&world, 1, world_ms(&world, 100), "lead.created", "");
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/a");
    world_add(&world, 1, world_ms(&world, 100), "signup", "")->props = STR("{\"plan\":\"pro\"}");
    struct facts *facts = facts_of(&world);

    assert_int_equal(page(facts, "/b").conversions, 1);
    /* One for being seen, which is a goal. */
    assert_int_equal(page(facts, "/a").conversions, 1);
    assert_int_equal(stats_of(facts, NULL).conversions, 3);
    world_free(&world);
}

static void convert_after_midnight(struct world *world, double later)
{
    (void)world_add(world, 1, world_ms(world, -20), "pageview", "/x");
    (void)world_add(world, 1, world_ms(world, -10), "pageview", "/before");
    (void)world_add(world, 1, world_ms(world, 5), "lead.created", "");
    if (later > 0)
        (void)world_add(world, 1, world_ms(world, later), "pageview", "/later");
    world_settle(world);
}

static void the_page_seen_before_midnight_is_that_of_earlier_rows_or_the_exit(void **state)
{
    (void)state;
    for (int with_rows = 0; with_rows < 2; with_rows++)
        for (int later = 0; later < 2; later++) {
            struct world world = world_new("Europe/Berlin", DAY);

            convert_after_midnight(&world, later * 20.0);
            struct event_row rows[4];
            size_t from = with_rows ? 0 : 2, count = 0;

            for (size_t i = from; i < world.events_count; i++)
                rows[count++] = world.events[i].row;
            struct facts *facts = facts_build(&world.site, world.day, rows, count, world.visits,
                                              world.visits_count, &world.arena);
            /* Without the rows only an exit that was before the conversion can tell. */
            assert_int_equal(page(facts, "/before").conversions, with_rows || !later);
            assert_int_equal(page(facts, "/later").conversions, 0);
            assert_int_equal(page(facts, "/x").conversions, 0);
            world_free(&world);
        }
}

/* -- without a visitor, and engagement ------------------------------------------------------- */

static void what_has_no_visitor_counts_in_totals_and_under_no_visit(void **state)
{
    struct world world = world_new("UTC", DAY);
    const struct filter not_google = {
        .dimension = DIM_SOURCE, .op = FILTER_IS_NOT, .value = STR("Google")};
    const struct filter goal = {.dimension = DIM_GOAL, .value = STR("Lead")};
    const struct filter seen = {.dimension = DIM_PAGE, .value = STR("/a")};

    (void)state;
    world_add(&world, -1, world_ms(&world, 100), "pageview", "/a")->count = 7;
    world_add(&world, -1, world_ms(&world, 100), "lead.created", "/b")->count = 2;
    struct facts *facts = facts_of(&world);
    struct stats all = stats_of(facts, NULL);

    assert_int_equal(all.pageviews, 7);
    assert_int_equal(all.visit_pageviews, 0);
    assert_int_equal(all.unique_visitors, 0);
    assert_int_equal(all.visits, 0);
    assert_int_equal(all.conversions, 9);
    assert_int_equal(all.unattributed_conversions, 9);
    assert_int_equal(all.converters, 0);
    assert_int_equal(stats_of(facts, &seen).pageviews, 7);
    assert_int_equal(stats_of(facts, &not_google).pageviews, 0);
    assert_int_equal(stats_of(facts, &goal).conversions, 0);
    assert_int_equal(page(facts, "/a").pageviews, 7);
    assert_int_equal(page(facts, "/a").visitors, 0);
    assert_int_equal(row_of(facts, DIM_GOAL, STR(""), NULL, STR("Lead")).conversions, 2);
    assert_int_equal(row_of(facts, DIM_GOAL, STR(""), NULL, STR("Lead")).converters, 0);
    assert_int_equal(row_of(facts, DIM_GOAL, STR(""), NULL, STR("Seen a")).pageviews, 7);
    assert_int_equal(row_of(facts, DIM_SOURCE, STR(""), NULL, STR("(direct)")).pageviews, 0);
    world_free(&world);
}

static void engage(struct world *world, int person, double minutes, const char *path,
                   int64_t seconds, int32_t scroll)
{
    struct event *event = world_add(world, person, world_ms(world, minutes), "engagement", path);

    event->seconds_ms = seconds * 1000;
    event->scroll = scroll;
}

static void engagement_is_counted_by_visit_and_page(void **state)
{
    struct world world = world_new("UTC", DAY);

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/a");
    engage(&world, 1, 101, "/a", 10, 40);
    engage(&world, 1, 102, "/b", 1, -1);
    engage(&world, 1, 103, "/a", 5, 30);
    engage(&world, 2, 100, "/a", 2, 0);
    engage(&world, -1, 100, "/a", 3, 100);
    engage(&world, -1, 100, "/a", 4, -1);
    struct facts *facts = facts_of(&world);
    struct count_row a = page(facts, "/a"), b = page(facts, "/b");

    assert_int_equal(a.engaged, 4);
    assert_int_equal(a.engaged_ms, 24000);
    assert_int_equal(a.scrolled, 3);
    assert_int_equal(a.scroll, 140);
    assert_int_equal(b.engaged, 1);
    assert_int_equal(b.scrolled, 0);
    /* The second visitor did nothing else. */
    assert_int_equal(stats_of(facts, NULL).unique_visitors, 1);
    assert_int_equal(stats_of(facts, NULL).visits, 1);
    assert_int_equal(row_of(facts, DIM_EVENT, STR(""), NULL, STR("engagement")).visitors, 0);
    world_free(&world);
}

static void engagement_alone_is_no_visit_for_a_filter(void **state)
{
    struct world world = world_new("UTC", DAY);
    const struct filter not_google = {
        .dimension = DIM_SOURCE, .op = FILTER_IS_NOT, .value = STR("Google")};

    (void)state;
    engage(&world, 2, 100, "/a", 2, 0);
    engage(&world, 1, 100, "/a", 1, 0);
    (void)world_add(&world, 1, world_ms(&world, 101), "pageview", "/a");
    struct facts *facts = facts_of(&world);

    assert_int_equal(page(facts, "/a").engaged, 2);
    assert_int_equal(row_of(facts, DIM_PAGE, STR(""), &not_google, STR("/a")).engaged, 1);
    assert_int_equal(row_of(facts, DIM_PAGE, STR(""), &not_google, STR("/a")).visits, 1);
    world_free(&world);
}

/* -- the cap and the hours ------------------------------------------------------------------ */

static void a_visitor_of_two_values_beyond_the_cap_is_one_there(void **state)
{
    static const int64_t views[] = {6, 4, 2, 1, 0, 0};
    struct world world = world_new("UTC", DAY);
    struct arena arena = {0};

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 100), "pageview", "/a");
    (void)world_add(&world, 2, world_ms(&world, 100), "pageview", "/a");
    (void)world_add(&world, 1, world_ms(&world, 101), "pageview", "/b");
    (void)world_add(&world, 1, world_ms(&world, 102), "pageview", "/c");
    (void)world_add(&world, 1, world_ms(&world, 103), "pageview", "/d");
    (void)world_add(&world, 1, world_ms(&world, 104), "pageview", "/d");
    struct facts *facts = facts_of(&world);

    for (size_t most = 0; most <= 5; most++) {
        struct counts *counts = counts_new(&arena, DIM_PAGE, STR(""));
        struct count_row other;
        size_t count;

        facts_count(facts, NULL, 0, most, counts);
        const struct count_row *rows = counts_rows(counts, &count, &other);

        /* By visitors, pageviews, value: /a, /d, /b, /c. */
        assert_int_equal(count, most < 4 ? most : 4);
        assert_true(most != 1 || str_eq(rows[0].value, STR("/a")));
        assert_true(most != 2 || str_eq(rows[1].value, STR("/d")));
        assert_true(most != 3 || str_eq(rows[2].value, STR("/b")));
        assert_int_equal(other.visitors, most == 0 ? 2 : most < 4 ? 1 : 0);
        assert_int_equal(other.visits, other.visitors);
        assert_int_equal(other.pageviews, views[most]);
    }
    arena_free(&arena);
    world_free(&world);
}

static void tells_no_more_hours_than_there_is_room_for(void **state)
{
    (void)state;
    for (int hours = FACTS_HOURS_MAX; hours <= FACTS_HOURS_MAX + 1; hours++) {
        struct world world = world_new("UTC", DAY);
        struct facts_hour out[FACTS_HOURS_MAX];
        struct stats stats;
        size_t count = 0;

        /* A date so long is in no zone, but a store may hold anything. */
        for (int i = 0; i < hours; i++)
            world_add(&world, -1, world_ms(&world, i * 60), "pageview", "/a")->day = world.day;
        struct facts *facts = facts_of(&world);

        facts_stats(facts, NULL, 0, &stats, out, &count);
        assert_int_equal(count, FACTS_HOURS_MAX);
        assert_int_equal(stats.pageviews, hours);
        assert_int_equal(out[FACTS_HOURS_MAX - 1].stats.pageviews, hours - FACTS_HOURS_MAX + 1);
        world_free(&world);
    }
}

static void sums_stop_at_the_greatest_exact_number(void **state)
{
    struct arena arena = {0};
    struct counts *counts = counts_new(&arena, DIM_PAGE, STR(""));
    struct count_row other, row = {.value = STR("/a"), .pageviews = (INT64_C(1) << 53) - 2};
    size_t count;

    (void)state;
    counts_add(counts, &row);
    row.pageviews = 1;
    counts_add(counts, &row);
    assert_int_equal(counts_rows(counts, &count, &other)->pageviews, (INT64_C(1) << 53) - 1);
    counts_add(counts, &row);
    assert_int_equal(counts_rows(counts, &count, &other)->pageviews, (INT64_C(1) << 53) - 1);
    arena_free(&arena);
}

static void adds_up_rows_by_value_over_days(void **state)
{
    struct arena arena = {0};
    struct counts *counts = counts_new(&arena, DIM_PROP, STR("n"));
    struct count_row other;
    size_t count;
    char value[16];

    (void)state;
    for (int day = 0; day < 3; day++)
        for (int i = 0; i < 1000; i++) {
            int len = snprintf(value, sizeof(value), "%d", i);

            counts_add(counts, &(struct count_row){.value = {value, (size_t)len}, .visitors = i});
        }
    counts_add(counts, &(struct count_row){.value = VALUE_OTHER, .visits = 5});
    assert_non_null(counts_rows(counts, &count, &other));
    assert_int_equal(count, 1000);
    assert_int_equal(other.visits, 5);
    counts_add(counts, &(struct count_row){.value = STR(""), .visitors = 9});
    const struct count_row *rows = counts_rows(counts, &count, &other);
    bool seen[1000] = {false};

    assert_int_equal(count, 1001);
    for (size_t i = 0; i < count; i++) {
        int64_t n = 0;

        if (rows[i].value.len == 0) {
            assert_int_equal(rows[i].visitors, 9);
            continue;
        }
        assert_true(str_to_i64(rows[i].value, &n));
        assert_int_equal(rows[i].visitors, 3 * n);
        assert_false(seen[n]);
        seen[n] = true;
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_dimension_by_the_name_on_the_wire),
        cmocka_unit_test(finds_a_property_and_nothing_that_is_no_dimension),
        cmocka_unit_test(a_visit_over_midnight_counts_on_its_first_day_and_shows_on_the_second),
        cmocka_unit_test(a_run_that_begins_soon_after_midnight_is_found_by_its_link),
        cmocka_unit_test(an_event_whose_run_is_missing_has_a_visit_of_which_nothing_is_known),
        cmocka_unit_test(the_sites_own_referrer_and_the_name_of_an_absent_value_are_absent),
        cmocka_unit_test(a_conversion_belongs_to_the_last_page_seen_before_it),
        cmocka_unit_test(within_a_millisecond_the_name_says_what_came_first),
        cmocka_unit_test(the_page_seen_before_midnight_is_that_of_earlier_rows_or_the_exit),
        cmocka_unit_test(what_has_no_visitor_counts_in_totals_and_under_no_visit),
        cmocka_unit_test(engagement_is_counted_by_visit_and_page),
        cmocka_unit_test(engagement_alone_is_no_visit_for_a_filter),
        cmocka_unit_test(a_visitor_of_two_values_beyond_the_cap_is_one_there),
        cmocka_unit_test(tells_no_more_hours_than_there_is_room_for),
        cmocka_unit_test(sums_stop_at_the_greatest_exact_number),
        cmocka_unit_test(adds_up_rows_by_value_over_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
