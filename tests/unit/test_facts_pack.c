/* Bytes: columns and dicts there and back, rollups, parts, and what damaged ones come to. */
#include "facts/facts_internal.h"
#include "test_facts_support.h"

/* -- columns -------------------------------------------------------------------------------- */

static void column_comes_back(const uint64_t *values, size_t count)
{
    struct arena arena = {0};
    struct buf out = {0};
    uint64_t max = 0;

    for (size_t i = 0; i < count; i++)
        max = values[i] > max ? values[i] : max;
    put_wide_column(&out, values, count);
    struct reader reader = reader_of(buf_str(&out));
    const uint64_t *back = read_wide_column(&reader, count, max, &arena);

    assert_false(reader.bad);
    assert_ptr_equal(reader.at, reader.end);
    assert_memory_equal(back, values, count * sizeof(values[0]));
    if (max > 0) { /* one less is too little */
        reader = reader_of(buf_str(&out));
        assert_null(read_wide_column(&reader, count, max - 1, &arena));
        assert_true(reader.bad);
    }
    if (out.len > 0) { /* and so is one byte */
        reader = reader_of((struct str){out.ptr, out.len - 1});
        assert_null(read_wide_column(&reader, count, max, &arena));
    }
    buf_release(&out);
    arena_free(&arena);
}

static void columns_of_every_width_come_back(void **state)
{
    uint64_t values[600];
    struct chance chance = {1};

    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++)
        for (size_t count = 1; count <= 600; count += 85) {
            for (size_t i = 0; i < count; i++)
                values[i] = bits == 0 ? 5 : mixed(++chance.state) >> (64 - bits);
            column_comes_back(values, count);
        }
    static const size_t sizes[] = {1, 255, 256, 257, 511, 512, 513};

    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        for (size_t i = 0; i < sizes[k]; i++)
            values[i] = i / 100; /* runs */
        column_comes_back(values, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            values[i] = i % 50 == 49 ? UINT64_MAX - i : i % 7; /* few large ones */
        column_comes_back(values, sizes[k]);
    }
}

static void a_column_asks_for_no_more_than_its_bytes_can_hold(void **state)
{
    static const char bytes[] = {0, 5, 0, 5}; /* two blocks of fives */
    struct arena arena = {0};
    struct reader reader = reader_of((struct str){bytes, sizeof(bytes)});

    (void)state;
    assert_true(column_fits((struct str){bytes, sizeof(bytes)}, 512));
    assert_false(column_fits((struct str){bytes, sizeof(bytes)}, 513));
    assert_non_null(read_column(&reader, 512, 5, &arena));
    reader = reader_of((struct str){bytes, sizeof(bytes)});
    assert_null(read_column(&reader, SIZE_MAX, 5, &arena));
    arena_free(&arena);
}

static void refuses_blocks_that_are_none(void **state)
{
    static const struct {
        char bytes[8];
        size_t len;
    } wrong[] = {{{58, 0, 0, 0}, 4},           /* more bits than a word holds at any bit */
                 {{127, 0}, 2},                /* no kind */
                 {{(char)130, 0}, 2},          /* no kind */
                 {{(char)129, 1, 3, 1, 0}, 5}, /* an empty run */
                 {{(char)129, 1, 5}, 3},       /* a run too long */
                 {{(char)129, 1, 3}, 3},       /* runs too short */
                 {{(char)128, 1, 1, 1}, 4},    /* three of four */
                 {{1, 3, 1}, 3}};              /* base and bits beyond 3 */
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reader reader = reader_of((struct str){wrong[i].bytes, wrong[i].len});

        assert_null(read_column(&reader, 4, 3, &arena));
        assert_true(reader.bad);
    }
    arena_free(&arena);
}

static void numbers_end_at_the_last_bit(void **state)
{
    static const char most[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    static const char beyond[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    struct reader reader = reader_of((struct str){most, 10});
    struct buf out = {0};

    (void)state;
    assert_true(read_uint(&reader) == UINT64_MAX && !reader.bad);
    reader = reader_of((struct str){beyond, 10});
    assert_true(read_uint(&reader) == 0 && reader.bad);
    put_uint(&out, (uint64_t)SUM_MAX);
    put_uint(&out, (uint64_t)SUM_MAX + 1);
    put_int(&out, INT64_MIN);
    reader = reader_of(buf_str(&out));
    assert_true(read_sum(&reader) == SUM_MAX && !reader.bad);
    assert_true(read_sum(&reader) == 0 && reader.bad);
    reader = reader_of((struct str){out.ptr + 16, out.len - 16});
    assert_true(read_int(&reader) == INT64_MIN && !reader.bad);
    buf_release(&out);
}

/* -- dicts ---------------------------------------------------------------------------------- */

static void dict_comes_back(const struct str *values, uint32_t count, size_t step)
{
    struct arena arena = {0};
    struct buf out = {0};

    put_dict(&out, (struct dict){values, count});
    struct reader reader = reader_of(buf_str(&out));
    struct dict back = read_dict(&reader, &arena);

    assert_false(reader.bad);
    assert_ptr_equal(reader.at, reader.end);
    assert_int_equal(back.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(str_eq(back.values[i], values[i]));
    for (size_t len = 0; len < out.len; len += step) {
        reader = reader_of((struct str){out.ptr, len});
        (void)read_dict(&reader, &arena);
        assert_true(reader.bad);
        arena_reset(&arena);
    }
    buf_release(&out);
    arena_free(&arena);
}

static void dicts_come_back_however_much_their_texts_share(void **state)
{
    enum { TEXTS = 60 };
    char *same = malloc((size_t)TEXTS * VALUE_MAX);
    struct str values[TEXTS + 1] = {STR("")};
    const struct str few[] = {STR(""), STR("/"), STR("/a"), STR("/ab"), STR("/b\0x")};

    (void)state;
    assert_non_null(same);
    memset(same, 'x', (size_t)TEXTS * VALUE_MAX);
    for (size_t i = 0; i < TEXTS; i++) { /* four bytes would stand for each */
        same[(i + 1) * VALUE_MAX - 1] = (char)('A' + i);
        values[i + 1] = (struct str){same + i * VALUE_MAX, VALUE_MAX};
    }
    dict_comes_back(values, 1, 1);
    dict_comes_back(few, COUNT_OF(few), 1);
    dict_comes_back(values, TEXTS + 1, 503);
    free(same);
}

static void refuses_dicts_that_are_none(void **state)
{
    static const struct {
        char bytes[16];
        size_t len;
    } wrong[] = {{{0, 0}, 2},                       /* not even the empty text */
                 {{2, 1, 1, 1, 'a'}, 5},            /* shares what is not there */
                 {{3, 2, 0, 1, 'b', 0, 1, 'a'}, 8}, /* not in order */
                 {{3, 2, 0, 1, 'a', 0, 1, 'a'}, 8}, /* twice */
                 {{2, 1, 0, 2, 'a', 'b'}, 6},       /* longer than it says */
                 {{2, 0x7f, 0, 1, 'a'}, 5},         /* fine but for the size: 127 of 3 */
                 {{0x7f, 1, 0, 1, 'a'}, 5}};        /* more texts than bytes */
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reader reader = reader_of((struct str){wrong[i].bytes, wrong[i].len});
        struct dict dict = read_dict(&reader, &arena);

        /* A size that is too great, but not out of all measure, only leaves room. */
        assert_true(reader.bad || (i == 5 && dict.count == 2));
    }
    arena_free(&arena);
}

static void cuts_a_value_that_no_dict_could_hold(void **state)
{
    struct arena arena = {0};
    struct intern intern;
    char text[VALUE_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    intern_init(&intern, &arena);
    uint32_t whole = intern_put(&intern, (struct str){text, VALUE_MAX});

    assert_int_equal(intern.values[whole].len, VALUE_MAX);
    assert_int_equal(intern_put(&intern, (struct str){text, VALUE_MAX + 1}), whole);
    arena_free(&arena);
}

/* -- rollups -------------------------------------------------------------------------------- */

static struct counts *some_counts(struct arena *arena, size_t values)
{
    struct counts *counts = counts_new(arena, DIM_PAGE, STR(""));
    char value[32];

    for (size_t i = values; i > 0; i--) {
        int len = snprintf(value, sizeof(value), "/page/%zu", i * 7919 % 1000);
        int64_t n = (int64_t)i;

        counts_add(counts, &(struct count_row){.value = {value, (size_t)len},
                                               .visitors = n,
                                               .pageviews = 2 * n,
                                               .visits = n,
                                               .bounces = n / 2,
                                               .visit_ms = n * 100000,
                                               .conversions = i % 5 == 0 ? 3 : 0,
                                               .converters = i % 5 == 0 ? 1 : 0,
                                               .engaged = n,
                                               .engaged_ms = n * 1000,
                                               .scrolled = n,
                                               .scroll = n * 50});
    }
    return counts;
}

static void rollups_come_back_and_add_up(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t values = 0; values < 300; values += 43) {
        struct counts *counts = some_counts(&arena, values);
        struct str bytes = counts_save(counts, SIZE_MAX, &arena);
        struct counts *back = counts_new(&arena, DIM_PAGE, STR(""));
        struct count_row other;
        size_t count, back_count;

        assert_int_equal(counts_load(back, bytes, NULL), 0);
        assert_true(str_eq(counts_save(back, SIZE_MAX, &arena), bytes));
        assert_int_equal(counts_load(back, bytes, NULL), 0);
        const struct count_row *rows = counts_rows(counts, &count, &other);
        const struct count_row *twice = counts_rows(back, &back_count, &other);

        assert_int_equal(count, values);
        assert_int_equal(back_count, values);
        for (size_t i = 0, k = 0; i < count; i++) {
            for (k = 0; !str_eq(twice[k].value, rows[i].value); k++)
                assert_true(k + 1 < count);
            assert_int_equal(twice[k].visitors, 2 * rows[i].visitors);
            assert_int_equal(twice[k].visit_ms, 2 * rows[i].visit_ms);
            assert_int_equal(twice[k].converters, 2 * rows[i].converters);
            assert_int_equal(twice[k].scroll, 2 * rows[i].scroll);
        }
    }
    arena_free(&arena);
}

static void a_rollup_keeps_the_first_rows_and_the_sum_of_the_rest(void **state)
{
    struct arena arena = {0};
    struct counts *counts = some_counts(&arena, 10);

    (void)state;
    counts_add(counts, &(struct count_row){.value = VALUE_OTHER, .visitors = 1000});
    for (size_t most = 8; most <= 11; most++) {
        struct counts *back = counts_new(&arena, DIM_PAGE, STR(""));
        struct count_row other;
        size_t count;

        assert_int_equal(counts_load(back, counts_save(counts, most, &arena), NULL), 0);
        const struct count_row *rows = counts_rows(back, &count, &other);

        assert_int_equal(count, most < 10 ? most : 10);
        /* Those left out have 1 and 2 visitors. */
        assert_int_equal(other.visitors, 1000 + (most == 8 ? 3 : most == 9 ? 1 : 0));
        for (size_t i = 0; i < count; i++)
            assert_true(most >= 10 || rows[i].visitors > 10 - (int64_t)most);
    }
    arena_free(&arena);
}

static void refuses_rollups_that_are_damaged(void **state)
{
    struct arena arena = {0};
    struct str bytes = counts_save(some_counts(&arena, 100), SIZE_MAX, &arena);
    struct err err;

    (void)state;
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(
            counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){bytes.ptr, len}, &err),
            ERR_CORRUPT);
    char *more = arena_bytes(&arena, bytes.len + 1);

    memcpy(more, bytes.ptr, bytes.len);
    more[bytes.len] = 0;
    assert_int_equal(
        counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){more, bytes.len + 1}, &err),
        ERR_CORRUPT);
    more[0] = 2; /* a version to come */
    assert_int_equal(
        counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){more, bytes.len}, &err),
        ERR_CORRUPT);
    arena_free(&arena);
}

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
    for (size_t f = 0; f < COUNT_OF(filters); f++)
        for (unsigned d = 0; d < DIMENSIONS; d++) {
            int32_t needed[PACK_PARTS_MAX];
            bool events;
            size_t count = facts_parts((enum dimension)d, &filters[f], 1, false, needed, &events);
            struct pack_part *parts = ARENA_NEW(&arena, struct pack_part, count);
            size_t kept = 0;
            struct facts *facts = NULL;

            assert_in_range(count, 1, PACK_PARTS_MAX);
            for (size_t k = 0; k < count; k++) {
                assert_true(k == 0 || needed[k - 1] < needed[k]);
                for (size_t i = 0; i < large.parts_count; i++)
                    if (large.parts[i].part == needed[k])
                        parts[kept++] = large.parts[i];
            }
            assert_int_equal(
                facts_unpack(&large.site, large.day, parts, kept, &arena, &facts, NULL), 0);
            same_answers(&large, facts, (enum dimension)d, &filters[f]);
            arena_reset(&arena);
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
        world_free(&world);
    }
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
    /* The same people under another salt. */
    for (size_t i = 0; i < world.events_count; i++)
        world.events[i].row.event.visitor = mixed(world.events[i].row.event.visitor);
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
        cmocka_unit_test(columns_of_every_width_come_back),
        cmocka_unit_test(a_column_asks_for_no_more_than_its_bytes_can_hold),
        cmocka_unit_test(refuses_blocks_that_are_none),
        cmocka_unit_test(numbers_end_at_the_last_bit),
        cmocka_unit_test(dicts_come_back_however_much_their_texts_share),
        cmocka_unit_test(refuses_dicts_that_are_none),
        cmocka_unit_test(cuts_a_value_that_no_dict_could_hold),
        cmocka_unit_test(rollups_come_back_and_add_up),
        cmocka_unit_test(a_rollup_keeps_the_first_rows_and_the_sum_of_the_rest),
        cmocka_unit_test(refuses_rollups_that_are_damaged),
        cmocka_unit_test(a_large_day_answers_from_the_parts_that_a_question_needs),
        cmocka_unit_test(only_small_columns_share_a_part),
        cmocka_unit_test(a_day_without_events_has_one_part),
        cmocka_unit_test(the_properties_with_most_visitors_have_a_rollup),
        cmocka_unit_test(packs_tell_nothing_of_who_visitors_are),
        cmocka_unit_test(damaged_parts_are_refused_or_answer_something),
        cmocka_unit_test(a_part_that_was_cut_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
