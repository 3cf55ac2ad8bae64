/* Parts of packs: what they answer, what they tell of visitors, and what damaged ones come to. */
#include "facts/facts_internal.h"
#include "test_facts_support.h"

/* -- a large day ---------------------------------------------------------------------------- */

/* Enough of everything that columns have parts of their own. */
struct large {
    struct arena arena;
    struct site site;
    int32_t day;
    const struct facts *facts;
    struct pack_part *parts;
    size_t parts_count;
};

static struct str numbered(struct arena *arena, const char *prefix, uint64_t n)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%s%u", prefix, (unsigned)n);

    return arena_str(arena, (struct str){text, (size_t)len});
}

static void large_visit(struct large *large, struct chance *chance, struct visit *visit,
                        uint64_t visitor, int64_t at_ms)
{
    *visit = (struct visit){.key = {large->site.id, large->day, visitor, at_ms},
                            .end_ms = at_ms,
                            .first_ms = at_ms,
                            .first_day = large->day,
                            .first_hour_ms = at_ms / HOUR_MS * HOUR_MS};
    for (unsigned i = 0; i < VISIT_TEXTS; i++)
        visit->texts[i] = i == VISIT_ENTRY_NAME
                              ? STR("")
                              : numbered(&large->arena, "/x", chance_below(chance, 200));
    visit->texts[VISIT_REFERRER] = numbered(&large->arena, "host", chance_below(chance, 300));
}

static struct event_row large_row(struct large *large, struct chance *chance,
                                  const struct visit *visit, int64_t at_ms)
{
    enum event_kind kind = (enum event_kind)chance_below(chance, EVENT_CUSTOM);
    bool engagement = kind == EVENT_ENGAGEMENT;

    return (struct event_row){
        .event = {.kind = kind,
                  .name = event_kind_name(kind),
                  .time_ms = at_ms,
                  .day = large->day,
                  .visitor = visit->key.visitor,
                  .path = numbered(&large->arena, "/path/", chance_below(chance, 2000)),
                  .props = engagement ? STR("") : STR("{\"plan\":\"pro\",\"n\":7}"),
                  .count = 1 + (int64_t)chance_below(chance, 3),
                  .tokens = (int64_t)chance_below(chance, 100000),
                  .seconds_ms = engagement ? (int64_t)chance_below(chance, 100000) : 0,
                  .scroll = engagement ? (int32_t)chance_below(chance, 101) : -1}};
}

static struct large large_new(size_t visits_count)
{
    struct large large = {.site = facts_site("UTC"), .day = 19000};
    struct chance chance = {17};
    struct visit *visits = ARENA_NEW(&large.arena, struct visit, visits_count);
    struct event_row *rows = ARENA_NEW(&large.arena, struct event_row, 3 * visits_count);

    for (size_t i = 0; i < visits_count; i++) {
        int64_t at_ms = large.day * DAY_MS + (int64_t)chance_below(&chance, 80000000);

        large_visit(&large, &chance, &visits[i], mixed(i) | 1, at_ms);
        for (size_t k = 0; k < 3; k++) {
            rows[3 * i + k] = large_row(&large, &chance, &visits[i], at_ms);
            visits[i].end_ms = at_ms;
            at_ms += (int64_t)chance_below(&chance, 600000);
        }
    }
    large.facts = facts_build(&large.site, large.day, rows, 3 * visits_count, visits, visits_count,
                              &large.arena);
    facts_pack(large.facts, 100, &large.arena, &large.parts, &large.parts_count);
    return large;
}

static void large_free(struct large *large)
{
    facts_site_free(&large->site);
    arena_free(&large->arena);
}

static void same_answers(const struct large *large, const struct facts *unpacked,
                         enum dimension dimension, const struct filter *filter)
{
    struct arena arena = {0};
    struct counts *one = counts_new(&arena, dimension, STR("plan"));
    struct counts *other = counts_new(&arena, dimension, STR("plan"));
    struct str bytes;

    facts_count(large->facts, filter, 1, 100, one);
    facts_count(unpacked, filter, 1, 100, other);
    bytes = counts_save(one, SIZE_MAX, &arena);
    assert_true(bytes.len > 20);
    assert_true(str_eq(bytes, counts_save(other, SIZE_MAX, &arena)));
    arena_free(&arena);
}

static void same_totals(const struct large *large, const struct facts *unpacked,
                        const struct filter *filter, bool by_hour)
{
    struct facts_hour hours[2][FACTS_HOURS_MAX];
    size_t counts[2] = {0};
    struct stats stats[2];

    facts_stats(large->facts, filter, 1, &stats[0], by_hour ? hours[0] : NULL, &counts[0]);
    facts_stats(unpacked, filter, 1, &stats[1], by_hour ? hours[1] : NULL, &counts[1]);
    assert_true(stats[0].pageviews > 0 && stats[0].visits > 0);
    assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
    assert_int_equal(counts[0], counts[1]);
    assert_true(!by_hour || counts[0] > 20);
    assert_memory_equal(hours[0], hours[1], counts[0] * sizeof(hours[0][0]));
}

/* Of these parts only. */
static struct facts *unpack_needed(const struct large *large, enum dimension dimension,
                                   const struct filter *filter, bool hours, struct arena *arena)
{
    int32_t needed[PACK_PARTS_MAX];
    bool events;
    size_t count = facts_parts(dimension, filter, 1, hours, needed, &events), kept = 0;
    struct pack_part *parts = ARENA_NEW(arena, struct pack_part, count);
    struct facts *facts = NULL;

    assert_in_range(count, 1, PACK_PARTS_MAX);
    for (size_t k = 0; k < count; k++) {
        assert_true(k == 0 || needed[k - 1] < needed[k]);
        for (size_t i = 0; i < large->parts_count; i++)
            if (large->parts[i].part == needed[k])
                parts[kept++] = large->parts[i];
    }
    assert_int_equal(facts_unpack(&large->site, large->day, parts, kept, arena, &facts, NULL), 0);
    return facts;
}

static void a_large_day_answers_from_the_parts_that_a_question_needs(void **state)
{
    static const struct filter filters[] = {
        {.dimension = DIM_PAGE, .op = FILTER_CONTAINS, .value = STR_INIT("7")},
        {.dimension = DIM_EVENT, .op = FILTER_IS_NOT, .value = STR_INIT("ai.usage")},
        {.dimension = DIM_GOAL, .value = STR_INIT("Lead")},
        {.dimension = DIM_PROP, .prop = STR_INIT("n"), .value = STR_INIT("7")},
        {.dimension = DIM_COUNTRY, .op = FILTER_STARTS_WITH, .value = STR_INIT("/x1")}};
    struct large large = large_new(6000);
    struct arena arena = {0};

    (void)state;
    for (size_t f = 0; f < COUNT_OF(filters); f++) {
        for (unsigned d = 0; d < DIMENSIONS; d++) {
            enum dimension dimension = (enum dimension)d;

            same_answers(&large, unpack_needed(&large, dimension, &filters[f], false, &arena),
                         dimension, &filters[f]);
            arena_reset(&arena);
        }
        for (int hours = 0; hours < 2; hours++)
            same_totals(&large, unpack_needed(&large, DIMENSIONS, &filters[f], hours != 0, &arena),
                        &filters[f], hours != 0);
    }
    arena_free(&arena);
    large_free(&large);
}

static void only_small_columns_share_a_part(void **state)
{
    struct large large = large_new(6000);
    size_t own = 0, shared = 0;

    (void)state;
    for (size_t i = 0; i < large.parts_count; i++) {
        const struct pack_part *part = &large.parts[i];
        struct reader reader = reader_of(part->bytes);

        assert_true(i == 0 || large.parts[i - 1].part < part->part);
        assert_int_equal(part->day, large.day);
        assert_true(str_eq(part->site, large.site.id));
        if (part->part % 100 != 0) {
            assert_true(part->bytes.len >= PACK_SMALL);
            own++;
            continue;
        }
        while (reader.at < reader.end && !reader.bad) {
            (void)read_uint(&reader);
            assert_in_range(read_text(&reader).len, 1, PACK_SMALL - 1);
            shared++;
        }
        assert_false(reader.bad);
    }
    assert_true(own > 20 && shared > 3);
    large_free(&large);
}

/* -- days ----------------------------------------------------------------------------------- */

static void a_day_without_events_has_one_part(void **state)
{
    struct world world = world_new("UTC", "2024-05-15");
    struct pack_part *parts = NULL;
    struct chance chance = {1};
    size_t count = 0;
    struct facts *facts = NULL;
    struct stats stats;

    (void)state;
    world_settle(&world);
    facts_pack(world_facts(&world, &chance), 100, &world.arena, &parts, &count);
    assert_int_equal(count, 1);
    assert_int_equal(parts[0].part, 0);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        struct counts *counts = counts_new(&world.arena, (enum dimension)d, STR("plan"));
        struct count_row other;
        size_t rows = 1;

        assert_int_equal(counts_add_packed(counts, &parts[0], NULL), 0);
        (void)counts_rows(counts, &rows, &other);
        assert_int_equal(rows, 0);
    }
    assert_int_equal(facts_unpack(&world.site, world.day, parts, 1, &world.arena, &facts, NULL), 0);
    facts_stats(facts, NULL, 0, &stats, NULL, NULL);
    assert_int_equal(stats.pageviews, 0);
    world_free(&world);
}

/* The names of the first `count` are p0, p1 ...; in bytewise order, without that of `missing`. */
static void names_are(const struct prop_names *names, int count, int missing)
{
    const struct str *list;
    size_t listed = prop_names_list(names, &list);
    char name[16];

    assert_int_equal(listed, count - (missing >= 0 && missing < count));
    for (size_t i = 1; i < listed; i++)
        assert_true(str_cmp(list[i - 1], list[i]) < 0);
    for (int i = 0; i < count; i++) {
        size_t k = 0;

        (void)snprintf(name, sizeof(name), "p%d", i);
        while (k < listed && !str_eq(list[k], str_from(name)))
            k++;
        assert_int_equal(k < listed, i != missing);
    }
}

static void the_properties_with_most_visitors_have_a_rollup(void **state)
{
    (void)state;
    for (int names = PACK_PROPS_MAX; names <= PACK_PROPS_MAX + 1; names++) {
        struct world world = world_new("UTC", "2024-05-15");
        struct chance chance = {1};
        struct pack_part *parts = NULL;
        size_t count = 0;

        for (int i = 0; i < names; i++) { /* p50 has one visitor, all others two */
            struct str name = numbered(&world.arena, "{\"p", (uint64_t)i);
            char *props = arena_bytes(&world.arena, 32);

            (void)snprintf(props, 32, "%.*s\":1}", STR_FMT(name));
            world_add(&world, 1, world_ms(&world, 100), "buy", "")->props = str_from(props);
            world_add(&world, i == 50 ? 1 : 2, world_ms(&world, 100), "buy", "")->props =
                str_from(props);
        }
        world_settle(&world);
        facts_pack(world_facts(&world, &chance), 100, &world.arena, &parts, &count);
        for (int i = 0; i < names; i++) {
            struct counts *counts =
                counts_new(&world.arena, DIM_PROP, numbered(&world.arena, "p", (uint64_t)i));
            struct count_row other;
            size_t rows;

            for (size_t k = 0; k < count; k++)
                assert_int_equal(counts_add_packed(counts, &parts[k], NULL), 0);
            const struct count_row *row = counts_rows(counts, &rows, &other);

            assert_int_equal(rows, names > PACK_PROPS_MAX && i == 50 ? 0 : 1);
            assert_true(rows == 0 || row->visitors == (i == 50 ? 1 : 2));
        }
        struct prop_names *all = prop_names_new(&world.arena);
        struct prop_names *packed = prop_names_new(&world.arena);

        for (int twice = 0; twice < 2; twice++) {
            prop_names_add(all, world_facts(&world, &chance));
            for (size_t k = 0; k < count; k++)
                assert_int_equal(prop_names_add_packed(packed, &parts[k], NULL), 0);
        }
        names_are(all, names, -1);
        names_are(packed, names, names > PACK_PROPS_MAX ? 50 : -1);
        world_free(&world);
    }
}

/* Engagement has none, a backend's events have; and a day's pack names what its facts do. */
static void names_of_properties_are_those_that_events_carry(void **state)
{
    struct world world = world_new("UTC", "2024-05-15");
    struct chance chance = {1};
    struct pack_part *parts = NULL;
    struct prop_names *of_facts = prop_names_new(&world.arena);
    struct prop_names *of_pack = prop_names_new(&world.arena);
    const struct str *names, *packed;
    size_t count = 0;

    (void)state;
    assert_int_equal(prop_names_list(of_facts, &names), 0);
    world_add(&world, 1, world_ms(&world, 1), "engagement", "/")->props = STR("{\"read\":1}");
    world_add(&world, 1, world_ms(&world, 2), "buy", "")->props = STR("{\"plan\":1,\"a\":2}");
    world_add(&world, -1, world_ms(&world, 3), "buy", "")->props = STR("{\"flow\":\"x\"}");
    world_add(&world, 1, world_ms(&world, 2000), "buy", "")->props = STR("{\"tomorrow\":1}");
    world_settle(&world);
    struct facts *facts = world_facts(&world, &chance);

    facts_pack(facts, 100, &world.arena, &parts, &count);
    prop_names_add(of_facts, facts);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(prop_names_add_packed(of_pack, &parts[i], NULL), 0);
    assert_int_equal(prop_names_list(of_facts, &names), 3);
    assert_int_equal(prop_names_list(of_pack, &packed), 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const wanted[] = {"a", "flow", "plan"};

        assert_true(str_eq(names[i], str_from(wanted[i])));
        assert_true(str_eq(packed[i], names[i]));
    }
    /* Cut anywhere, the list of them is damaged, or shorter by a whole name. */
    struct str rollups;
    int rc = -1;

    for (size_t i = 0; i < count && rc <= 0; i++)
        rc = rollup_of_part(&parts[i], DIM_PROP, &rollups, NULL);
    assert_int_equal(rc, 1);
    for (size_t len = 0, whole = 0; len < rollups.len; len++) {
        struct pack_part part = {world.site.id, world.day, 1 + DIM_PROP, {rollups.ptr, len}};
        struct prop_names *cut = prop_names_new(&world.arena);

        rc = prop_names_add_packed(cut, &part, NULL);
        whole += rc == 0;
        assert_true(rc == ERR_CORRUPT || prop_names_list(cut, &names) == whole - 1);
        assert_true(whole <= 3);
    }
    world_free(&world);
}

static void packs_tell_nothing_of_who_visitors_are(void **state)
{
    struct chance chance = {23};
    struct world world = world_new("Europe/Berlin", "2024-05-15");
    struct pack_part *one = NULL, *other = NULL;
    size_t count = 0, other_count = 0;

    (void)state;
    for (int i = 0; i < 200; i++)
        chance_event(&world, &chance, i % 30, world_ms(&world, i * 6 - 10));
    world_settle(&world);
    chance_texts(&world, &chance);
    facts_pack(world_facts(&world, &chance), 100, &world.arena, &one, &count);
    /* The same people under another salt, at other addresses; titles are of raw rows alone. */
    for (size_t i = 0; i < world.events_count; i++) {
        struct event *event = &world.events[i].row.event;

        event->visitor = mixed(event->visitor);
        event->prefix = STR("192.0.2.0/24");
        event->title = STR("another title");
    }
    for (size_t i = 0; i < world.visits_count; i++) {
        world.visits[i].key.visitor = mixed(world.visits[i].key.visitor);
        if (world.visits[i].before != 0)
            world.visits[i].before = mixed(world.visits[i].before);
    }
    facts_pack(world_facts(&world, &chance), 100, &world.arena, &other, &other_count);
    assert_int_equal(count, other_count);
    for (size_t i = 0; i < count; i++)
        assert_true(str_eq(one[i].bytes, other[i].bytes));
    world_free(&world);
}

static void differ(struct event *event, int field)
{
    switch (field) {
    case 0:
        event->referrer = STR("a.example");
        break;
    case 1:
        event->count = 2;
        break;
    case 2:
        event->seconds_ms = 5;
        break;
    case 3:
        event->scroll = 5;
        break;
    case 4:
        event->path = STR("/b");
        break;
    case 5:
        event->props = STR("{\"plan\":\"pro\"}");
        break;
    default:
        break;
    }
}

static void whatever_differs_within_a_millisecond_has_one_order(void **state)
{
    (void)state;
    for (int field = 0; field < 6; field++) {
        struct world world = world_new("UTC", "2024-05-15");
        struct pack_part *packs[2];
        size_t counts[2];
        const char *name = field == 5 ? "buy" : "engagement";

        (void)world_add(&world, 1, world_ms(&world, 100), name, "/a");
        differ(world_add(&world, 1, world_ms(&world, 100), name, "/a"), field);
        /* Behind them something that would show on which of them it follows. */
        (void)world_add(&world, 1, world_ms(&world, 101), "pageview", "/c");
        world_settle(&world);
        for (int turned = 0; turned < 2; turned++) {
            struct event_row rows[3] = {world.events[turned].row, world.events[1 - turned].row,
                                        world.events[2].row};
            const struct facts *facts = facts_build(&world.site, world.day, rows, 3, world.visits,
                                                    world.visits_count, &world.arena);

            facts_pack(facts, 100, &world.arena, &packs[turned], &counts[turned]);
        }
        assert_int_equal(counts[0], counts[1]);
        for (size_t i = 0; i < counts[0]; i++)
            assert_true(str_eq(packs[0][i].bytes, packs[1][i].bytes));
        world_free(&world);
    }
}

/* -- damage --------------------------------------------------------------------------------- */

static void ask_everything(const struct facts *facts, struct arena *arena)
{
    static const enum dimension filtered[] = {DIM_PAGE, DIM_GOAL, DIM_PROP, DIM_SOURCE};
    struct facts_hour hours[FACTS_HOURS_MAX];
    struct stats stats;
    size_t count = 0;

    for (size_t f = 0; f < COUNT_OF(filtered); f++) {
        const struct filter filter = {.dimension = filtered[f],
                                      .prop = STR("plan"),
                                      .op = FILTER_CONTAINS,
                                      .value = STR("a")};

        for (unsigned d = 0; d < DIMENSIONS; d++)
            facts_count(facts, &filter, 1, 2, counts_new(arena, (enum dimension)d, STR("plan")));
        facts_stats(facts, &filter, 1, &stats, hours, &count);
        facts_stats(facts, &filter, 1, &stats, NULL, NULL);
        assert_true(count <= FACTS_HOURS_MAX);
    }
}

static void damaged_parts_are_refused_or_answer_something(void **state)
{
    struct chance chance = {3};
    struct world world = world_by_chance(&chance, "Europe/Berlin", "2024-03-31", 6);
    struct pack_part *parts = NULL;
    size_t count = 0, refused = 0;

    (void)state;
    facts_pack(world_facts(&world, &chance), 100, &world.arena, &parts, &count);
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < parts[p].bytes.len; i++)
            for (unsigned flip = 1; flip < 256; flip <<= 3) {
                struct arena arena = {0};
                struct pack_part *damaged = ARENA_NEW(&arena, struct pack_part, count);
                struct facts *facts = NULL;

                memcpy(damaged, parts, count * sizeof(parts[0]));
                damaged[p].bytes = arena_str(&arena, parts[p].bytes);
                ((char *)(uintptr_t)damaged[p].bytes.ptr)[i] ^= (char)flip;
                int rc = facts_unpack(&world.site, world.day, damaged, count, &arena, &facts, NULL);

                assert_true(rc == 0 || rc == ERR_CORRUPT);
                refused += rc != 0;
                if (rc == 0)
                    ask_everything(facts, &arena);
                (void)counts_add_packed(counts_new(&arena, DIM_PAGE, STR("")), &damaged[p], NULL);
                (void)counts_add_packed(counts_new(&arena, DIM_PROP, STR("plan")), &damaged[p],
                                        NULL);
                arena_free(&arena);
            }
    assert_true(refused > 100);
    world_free(&world);
}

static void a_part_that_was_cut_is_refused(void **state)
{
    struct large large = large_new(2000);

    (void)state;
    for (size_t p = 1; p < large.parts_count; p++) {
        struct arena arena = {0};
        struct facts *facts = NULL;
        struct str whole = large.parts[p].bytes;

        if (large.parts[p].part < PACK_VISITS || whole.len == 0)
            continue;
        large.parts[p].bytes.len--;
        assert_int_equal(facts_unpack(&large.site, large.day, large.parts, large.parts_count,
                                      &arena, &facts, NULL),
                         ERR_CORRUPT);
        large.parts[p].bytes = whole;
        arena_free(&arena);
    }
    large_free(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_day_answers_from_the_parts_that_a_question_needs),
        cmocka_unit_test(only_small_columns_share_a_part),
        cmocka_unit_test(a_day_without_events_has_one_part),
        cmocka_unit_test(the_properties_with_most_visitors_have_a_rollup),
        cmocka_unit_test(names_of_properties_are_those_that_events_carry),
        cmocka_unit_test(packs_tell_nothing_of_who_visitors_are),
        cmocka_unit_test(whatever_differs_within_a_millisecond_has_one_order),
        cmocka_unit_test(damaged_parts_are_refused_or_answer_something),
        cmocka_unit_test(a_part_that_was_cut_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
