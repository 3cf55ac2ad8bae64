/* Facts from a store against facts from rows at hand: their packs are the same bytes. */
#include "test_facts_support.h"

#include <unistd.h>

enum { PATH_ROOM = 64 };

static void data_dir(char out[PATH_ROOM], const char *name)
{
    (void)snprintf(out, PATH_ROOM, "/tmp/abacus-facts-%d%s", (int)getpid(), name);
}

static struct store *open_store(void)
{
    char dir[PATH_ROOM];
    struct store *store = NULL;
    struct err err = {0};

    data_dir(dir, "");
    if (store_open(&(struct store_config){.url = STR("memory:"), .data_dir = str_from(dir)}, &store,
                   &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static void close_store(struct store **store)
{
    static const char *const names[] = {"/aggregate.lock", "/writers.lock", "/salts", "/salts.lock",
                                        ""};
    char path[PATH_ROOM];

    store_close(store);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        data_dir(path, names[i]);
        (void)remove(path);
    }
}

static void put_site(struct store *store, const struct site *site)
{
    struct site_row row = site_row_default();
    struct err err = {0};

    row.id = site->id;
    row.tenant = site->tenant;
    row.domain = site->domain;
    if (store_put_site(store, &row, &(struct actor){.name = STR("test"), .now_ms = 1}, &err) != 0)
        fail_msg("%s", err.text);
}

/* All of the world's events and visits, those after the day too. */
static struct store *stored(struct world *world)
{
    struct store *store = open_store();
    const struct event **events =
        ARENA_NEW(&world->arena, const struct event *, world->events_count + 1);
    struct store_batch batch = {.events = events,
                                .events_count = world->events_count,
                                .visits = world->visits,
                                .visits_count = world->visits_count};
    struct err err = {0};

    put_site(store, &world->site);
    for (size_t i = 0; i < world->events_count; i++)
        events[i] = &world->events[i].row.event;
    if (store_commit(store, &batch, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static struct facts *loaded(struct world *world, struct store *store)
{
    struct facts *facts = NULL;
    struct err err = {0};

    if (facts_load(store, &world->site, world->day, &world->arena, &facts, &err) != 0)
        fail_msg("%s", err.text);
    return facts;
}

static void same_packs(struct world *world, const struct facts *a, const struct facts *b)
{
    struct pack_part *one = NULL, *other = NULL;
    size_t count = 0, other_count = 0;

    facts_pack(a, 1000, &world->arena, &one, &count);
    facts_pack(b, 1000, &world->arena, &other, &other_count);
    assert_int_equal(count, other_count);
    for (size_t i = 0; i < count; i++)
        assert_true(one[i].part == other[i].part && str_eq(one[i].bytes, other[i].bytes));
}

static void loads_what_is_built_from_all_rows(void **state)
{
    static const char *const zones[][2] = {{"Europe/Berlin", "2024-03-31"},
                                           {"America/Havana", "2023-11-05"},
                                           {"America/Santiago", "2022-09-11"},
                                           {"UTC", "2024-02-29"}};
    struct chance chance = {11};

    (void)state;
    for (int i = 0; i < 60; i++) {
        const char *const *zone = zones[i % (int)COUNT_OF(zones)];
        struct world world = world_by_chance(&chance, zone[0], zone[1], 1 + i / 3);
        struct store *store = stored(&world);

        same_packs(&world, loaded(&world, store), world_facts(&world, &chance));
        close_store(&store);
        world_free(&world);
    }
}

static struct count_row row_of(struct world *world, const struct facts *facts, const char *path)
{
    struct counts *counts = counts_new(&world->arena, DIM_PAGE, STR(""));
    struct count_row other;
    size_t count;

    facts_count(facts, NULL, 0, 1000, counts);
    const struct count_row *rows = counts_rows(counts, &count, &other);

    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].value, str_from(path)))
            return rows[i];
    return (struct count_row){0};
}

/* The page was seen hours before midnight, one comes after the conversion, and what lies between
 * them is no pageview: only the rows of the day before can tell. */
static void looks_for_the_page_of_a_conversion_in_the_days_before(void **state)
{
    struct world world = world_new("Europe/Berlin", "2024-05-15");

    (void)state;
    for (double at = -2000; at < 10; at += 25)
        (void)world_add(&world, 1, world_ms(&world, at), "buy", "");
    (void)world_add(&world, 1, world_ms(&world, -2000), "pageview", "/first");
    (void)world_add(&world, 1, world_ms(&world, -1900), "pageview", "/seen");
    (void)world_add(&world, 2, world_ms(&world, -30), "pageview", "/another");
    (void)world_add(&world, 1, world_ms(&world, 12), "lead.created", "");
    (void)world_add(&world, 1, world_ms(&world, 20), "pageview", "/later");
    world_settle(&world);
    assert_int_equal(world.runs_count, 2);
    struct store *store = stored(&world);
    struct facts *facts = loaded(&world, store);

    assert_int_equal(row_of(&world, facts, "/seen").conversions, 1);
    assert_int_equal(row_of(&world, facts, "/later").conversions, 0);
    assert_int_equal(row_of(&world, facts, "/another").conversions, 0);
    close_store(&store);
    world_free(&world);
}

/* "lead.created" comes before "pageview", although its row was stored behind it. */
static void a_page_of_the_same_millisecond_may_come_too_late(void **state)
{
    struct world world = world_new("UTC", "2024-05-15");

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, -20), "pageview", "/seen");
    (void)world_add(&world, 1, world_ms(&world, 5), "pageview", "/late");
    (void)world_add(&world, 1, world_ms(&world, 5), "lead.created", "");
    world_settle(&world);
    struct happening last = world.events[1];

    /* Sorted it was second: store it last. */
    assert_true(str_eq(last.row.event.name, STR("lead.created")));
    world.events[1] = world.events[2];
    world.events[2] = last;
    struct store *store = stored(&world);
    struct facts *facts = loaded(&world, store);

    assert_int_equal(row_of(&world, facts, "/seen").conversions, 1);
    assert_int_equal(row_of(&world, facts, "/late").conversions, 0);
    close_store(&store);
    world_free(&world);
}

/* Days stay as they were counted when a site moves: rows tell their own date. */
static void finds_a_day_that_was_counted_in_another_zone(void **state)
{
    static const char *const zones[] = {"Pacific/Kiritimati", "Etc/GMT+12", "UTC"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        struct world world = world_new("UTC", "2024-05-15");
        struct stats stats;

        (void)world_add(&world, 1, world_ms(&world, 1), "pageview", "/first");
        (void)world_add(&world, 2, world_ms(&world, 1439), "pageview", "/last");
        (void)world_add(&world, 3, world_ms(&world, -1), "pageview", "/before");
        (void)world_add(&world, 4, world_ms(&world, 1441), "pageview", "/after");
        world_settle(&world);
        struct store *store = stored(&world);

        facts_site_free(&world.site);
        world.site = facts_site(zones[i]);
        struct facts *facts = loaded(&world, store);

        facts_stats(facts, NULL, 0, &stats, NULL, NULL);
        assert_int_equal(stats.pageviews, 2);
        assert_int_equal(stats.visits, 2);
        close_store(&store);
        world_free(&world);
    }
}

/* What has no visitor is in no visit that would reach there. */
static void finds_events_without_a_visitor_of_another_zone(void **state)
{
    static const char *const zones[] = {"Pacific/Kiritimati", "Etc/GMT+12", "UTC"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        struct world world = world_new("UTC", "2024-05-15");
        struct stats stats;
        struct err err = {0};

        (void)world_add(&world, 0, world_ms(&world, 1), "pageview", "/first");
        (void)world_add(&world, 0, world_ms(&world, 1439), "pageview", "/last");
        (void)world_add(&world, 0, world_ms(&world, 1441), "pageview", "/after");
        world_settle(&world);
        struct store *store = stored(&world);
        const struct stats_row hours[] = {
            {world.site.id, world.site.tenant, world.day, world_ms(&world, 0), {.pageviews = 1}},
            {world.site.id, world.site.tenant, world.day, world_ms(&world, 1380), {.pageviews = 1}},
            {world.site.id,
             world.site.tenant,
             world.day + 1,
             world_ms(&world, 1440),
             {.pageviews = 1}}};

        assert_int_equal(
            store_commit(
                store, &(struct store_batch){.hours = hours, .hours_count = COUNT_OF(hours)}, &err),
            0);
        facts_site_free(&world.site);
        world.site = facts_site(zones[i]);
        struct facts *facts = loaded(&world, store);

        facts_stats(facts, NULL, 0, &stats, NULL, NULL);
        assert_int_equal(stats.pageviews, 2);
        close_store(&store);
        world_free(&world);
    }
}

static void a_day_without_rows_has_no_facts(void **state)
{
    struct world world = world_new("UTC", "2024-05-15");
    struct stats stats;

    (void)state;
    (void)world_add(&world, 1, world_ms(&world, 3000), "pageview", "/a");
    world_settle(&world);
    struct store *store = stored(&world);
    struct facts *facts = loaded(&world, store);

    facts_stats(facts, NULL, 0, &stats, NULL, NULL);
    assert_int_equal(stats.pageviews, 0);
    assert_int_equal(stats.visits, 0);
    close_store(&store);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_what_is_built_from_all_rows),
        cmocka_unit_test(looks_for_the_page_of_a_conversion_in_the_days_before),
        cmocka_unit_test(a_page_of_the_same_millisecond_may_come_too_late),
        cmocka_unit_test(finds_a_day_that_was_counted_in_another_zone),
        cmocka_unit_test(finds_events_without_a_visitor_of_another_zone),
        cmocka_unit_test(a_day_without_rows_has_no_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
