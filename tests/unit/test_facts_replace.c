/* Values taken out of packs: every answer against the second calculation, whose words were changed
 * by hand. */
#include "facts/facts_internal.h"
#include "test_facts_oracle.h"

#include <stdlib.h>

#define ERASED "(erased)"

/* A world, and its pack as the store has it. */
struct packed {
    struct world world;
    struct oracle oracle;
    struct pack_part parts[PACK_PARTS_MAX];
    size_t count;
    size_t most;
};

static struct packed packed_new(struct chance *chance, int people, size_t most)
{
    struct packed packed = {.world = world_by_chance(chance, "Europe/Berlin", "2024-03-31", people),
                            .most = most};
    struct pack_part *parts;

    facts_pack(world_facts(&packed.world, chance), most, &packed.world.arena, &parts,
               &packed.count);
    assert_true(packed.count <= PACK_PARTS_MAX);
    memcpy(packed.parts, parts, packed.count * sizeof(parts[0]));
    return packed;
}

/* The oracle holds on to the world, whose place is the struct's for good. */
static void packed_settle(struct packed *packed)
{
    packed->oracle = oracle_new(&packed->world);
}

static void packed_free(struct packed *packed)
{
    world_free(&packed->world);
}

/* As a batch puts them: by their numbers. How many changed. */
static size_t replace(struct packed *packed, enum erasure_kind kind, const char *value,
                      const char *with)
{
    struct pack_part *changed;
    struct err err = {0};
    size_t count;

    if (facts_replace(packed->parts, packed->count, kind, str_from(value), str_from(with),
                      &packed->world.arena, &changed, &count, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;

        while (k < packed->count && packed->parts[k].part != changed[i].part)
            k++;
        assert_true(k < packed->count);
        assert_int_equal(changed[i].day, packed->world.day);
        assert_true(str_eq(changed[i].site, packed->world.site.id));
        assert_false(str_eq(changed[i].bytes, packed->parts[k].bytes));
        packed->parts[k] = changed[i];
    }
    return count;
}

/* -- the same by hand -------------------------------------------------------------------------- */

static void put(struct str *text, const char *value, const char *with)
{
    if (str_eq(*text, str_from(value)))
        *text = str_from(with);
}

static void replace_path_by_hand(struct oracle *o, const char *value, const char *with)
{
    for (size_t i = 0; i < o->count; i++)
        put(&o->seen[i].page, value, with);
    for (size_t i = 0; i < o->world->runs_count; i++) {
        put(&o->visits[i].texts[VISIT_ENTRY_PATH], value, with);
        put(&o->visits[i].texts[VISIT_EXIT_PATH], value, with);
    }
}

static void replace_event_by_hand(struct world *world, const char *value, const char *with)
{
    for (size_t i = 0; i < world->events_count; i++)
        put(&world->events[i].row.event.name, value, with);
}

/* The world's few texts without "plan". */
static void remove_plan_by_hand(struct world *world)
{
    static const char *const without[][2] = {
        {"{\"plan\":\"pro\"}", ""},
        {"{\"plan\":\"free\",\"size\":3}", "{\"size\":3}"},
        {"{\"plan\":\"\"}", ""},
        {"{\"plan\":\"pro\",\"size\":12,\"vip\":true}", "{\"size\":12,\"vip\":true}"}};

    for (size_t i = 0; i < world->events_count; i++)
        for (size_t k = 0; k < COUNT_OF(without); k++)
            put(&world->events[i].row.event.props, without[k][0], without[k][1]);
}

/* -- answers ----------------------------------------------------------------------------------- */

static void rows_equal(const struct question *q, struct counts *counts, const struct answer *a)
{
    struct count_row other;
    size_t count, others = 0;
    const struct count_row *rows = counts_rows(counts, &count, &other);

    for (size_t k = 0; k < a->count; k++) {
        const struct count_row *wanted = &a->rows[k]->row, *found = &other;
        bool is_other = str_eq(wanted->value, VALUE_OTHER);

        for (size_t i = 0; i < count; i++)
            if (str_eq(rows[i].value, wanted->value))
                found = &rows[i];
        others += is_other;
        if (!str_eq(found->value, wanted->value))
            fail_msg("%.*s: no row %.*s", STR_FMT(dimension_name(q->dimension)),
                     STR_FMT(wanted->value));
        if (memcmp(&found->visitors, &wanted->visitors, sizeof(*found) - sizeof(found->value)) != 0)
            fail_msg("%.*s: row %.*s: visitors %ld %ld visits %ld %ld pageviews %ld %ld",
                     STR_FMT(dimension_name(q->dimension)), STR_FMT(wanted->value), found->visitors,
                     wanted->visitors, found->visits, wanted->visits, found->pageviews,
                     wanted->pageviews);
    }
    assert_int_equal(count + others, a->count);
}

static struct counts *rollup(struct packed *packed, enum dimension dimension, const char *prop)
{
    struct counts *counts = counts_new(&packed->world.arena, dimension, str_from(prop));

    for (size_t i = 0; i < packed->count; i++)
        assert_int_equal(counts_add_packed(counts, &packed->parts[i], NULL), 0);
    return counts;
}

static struct facts *unpack(struct packed *packed)
{
    struct facts *facts = NULL;
    struct err err = {0};

    if (facts_unpack(&packed->world.site, packed->world.day, packed->parts, packed->count,
                     &packed->world.arena, &facts, &err) != 0)
        fail_msg("%s", err.text);
    return facts;
}

static void answers_equal(struct packed *packed, const struct question *q)
{
    struct answer a = ask_oracle(&packed->oracle, q, packed->most);
    struct counts *counts = counts_new(&packed->world.arena, q->dimension, str_from(q->prop));

    facts_count(unpack(packed), q->filters, q->filters_count, packed->most, counts);
    rows_equal(q, counts, &a);
    if (q->filters_count == 0)
        rows_equal(q, rollup(packed, q->dimension, q->prop), &a);
    answer_free(&a);
}

static void totals_equal(struct packed *packed, const struct question *q)
{
    struct stats found, wanted = stats_by_hand(&packed->oracle, q, 0);

    facts_stats(unpack(packed), q->filters, q->filters_count, &found, NULL, NULL);
    assert_memory_equal(&found, &wanted, sizeof(found));
}

/* Every dimension, alone and under filters on what was replaced and on what was not. */
static void all_answers_equal(struct packed *packed)
{
    const struct filter filters[] = {
        {DIM_PAGE, STR(""), FILTER_IS, STR(ERASED)},
        {DIM_PAGE, STR(""), FILTER_IS_NOT, STR("/thanks/1")},
        {DIM_ENTRY_PAGE, STR(""), FILTER_STARTS_WITH, STR("(er")},
        {DIM_EVENT, STR(""), FILTER_IS, STR(ERASED)},
        {DIM_EVENT, STR(""), FILTER_IS, STR("pageview")},
        {DIM_PROP, STR("plan"), FILTER_IS, STR("pro")},
        {DIM_PROP, STR("size"), FILTER_IS, STR("3")},
        {DIM_GOAL, STR(""), FILTER_IS, STR("Seen a")},
        {DIM_SOURCE, STR(""), FILTER_IS, STR("Google")},
    };

    for (size_t f = 0; f <= COUNT_OF(filters); f++) {
        struct question q = {.filters_count = f == 0 ? 0 : 1};

        if (f > 0)
            q.filters[0] = filters[f - 1];
        for (unsigned d = 0; d < DIMENSIONS; d++) {
            q.dimension = (enum dimension)d;
            q.prop = d == DIM_PROP ? "size" : "";
            answers_equal(packed, &q);
        }
        q.dimension = DIM_PROP;
        q.prop = "plan";
        answers_equal(packed, &q);
        totals_equal(packed, &q);
    }
}

/* The names of properties in the pack, and in the facts made of it, are these, in order. */
static void names_equal(struct packed *packed, const char *const *wanted, size_t count)
{
    struct prop_names *names[2] = {prop_names_new(&packed->world.arena),
                                   prop_names_new(&packed->world.arena)};
    const struct str *list;

    for (size_t i = 0; i < packed->count; i++)
        assert_int_equal(prop_names_add_packed(names[0], &packed->parts[i], NULL), 0);
    prop_names_add(names[1], unpack(packed));
    for (size_t n = 0; n < 2; n++) {
        assert_int_equal(prop_names_list(names[n], &list), count);
        for (size_t i = 0; i < count; i++)
            assert_true(str_eq(list[i], str_from(wanted[i])));
    }
}

static bool holds_bytes(const struct packed *packed, const char *text)
{
    for (size_t i = 0; i < packed->count; i++)
        if (packed->parts[i].bytes.len > 0 &&
            memmem(packed->parts[i].bytes.ptr, packed->parts[i].bytes.len, text, strlen(text)) !=
                NULL)
            return true;
    return false;
}

/* -- with all columns -------------------------------------------------------------------------- */

enum { WORLDS = 4, PEOPLE = 10 };

static void puts_a_name_in_the_place_of_a_path(void **state)
{
    struct chance chance = {11};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        struct packed packed = packed_new(&chance, PEOPLE, 1000);

        packed_settle(&packed);
        assert_true(holds_bytes(&packed, "ong/way"));
        assert_true(replace(&packed, ERASE_PATH, "/long/way", ERASED) > 0);
        assert_false(holds_bytes(&packed, "ong/way"));
        replace_path_by_hand(&packed.oracle, "/long/way", ERASED);
        all_answers_equal(&packed);
        packed_free(&packed);
    }
}

static void counts_who_saw_two_erased_pages_once(void **state)
{
    struct chance chance = {12};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        struct packed packed = packed_new(&chance, PEOPLE, 1000);

        packed_settle(&packed);
        assert_true(replace(&packed, ERASE_PATH, "/a", ERASED) > 0);
        assert_true(replace(&packed, ERASE_PATH, "/b", ERASED) > 0);
        assert_true(replace(&packed, ERASE_PATH, "/", ERASED) > 0);
        replace_path_by_hand(&packed.oracle, "/a", ERASED);
        replace_path_by_hand(&packed.oracle, "/b", ERASED);
        replace_path_by_hand(&packed.oracle, "/", ERASED);
        all_answers_equal(&packed);
        packed_free(&packed);
    }
}

static void replaces_events_names_and_keeps_their_goals(void **state)
{
    struct chance chance = {13};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        struct packed packed = packed_new(&chance, PEOPLE, 1000);

        packed_settle(&packed);
        assert_true(replace(&packed, ERASE_EVENT, "signup", ERASED) > 0);
        assert_false(holds_bytes(&packed, "signup"));
        assert_true(replace(&packed, ERASE_EVENT, "buy", ERASED) > 0);
        replace_event_by_hand(&packed.world, "signup", ERASED);
        replace_event_by_hand(&packed.world, "buy", ERASED);
        all_answers_equal(&packed);
        packed_free(&packed);
    }
}

static void takes_a_property_out_and_leaves_the_others(void **state)
{
    struct chance chance = {14};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        struct packed packed = packed_new(&chance, PEOPLE, 1000);

        packed_settle(&packed);
        assert_true(holds_bytes(&packed, "plan"));
        assert_true(replace(&packed, ERASE_PROP, "plan", "") > 0);
        assert_false(holds_bytes(&packed, "plan"));
        names_equal(&packed, (const char *const[]){"size", "vip"}, 2);
        remove_plan_by_hand(&packed.world);
        all_answers_equal(&packed);
        packed_free(&packed);
    }
}

static void takes_the_last_property_out(void **state)
{
    struct chance chance = {15};
    struct packed packed = packed_new(&chance, PEOPLE, 1000);
    struct question size = {.dimension = DIM_PROP, .prop = "size"};

    (void)state;
    packed_settle(&packed);
    assert_true(replace(&packed, ERASE_PROP, "plan", "") > 0);
    assert_true(replace(&packed, ERASE_PROP, "vip", "") > 0);
    assert_true(replace(&packed, ERASE_PROP, "size", "") > 0);
    for (size_t i = 0; i < packed.world.events_count; i++)
        packed.world.events[i].row.event.props = STR("");
    answers_equal(&packed, &size);
    all_answers_equal(&packed);
    names_equal(&packed, NULL, 0);
    packed_free(&packed);
}

/* -- what is not there ------------------------------------------------------------------------- */

static void leaves_a_day_without_the_value_alone(void **state)
{
    struct chance chance = {16};
    struct packed packed = packed_new(&chance, PEOPLE, 1000);

    (void)state;
    assert_int_equal(replace(&packed, ERASE_PATH, "/thanks", ERASED), 0);
    assert_int_equal(replace(&packed, ERASE_PATH, "pageview", ERASED), 0);
    assert_int_equal(replace(&packed, ERASE_EVENT, "/a", ERASED), 0);
    assert_int_equal(replace(&packed, ERASE_PROP, "pla", ""), 0);
    assert_int_equal(replace(&packed, ERASE_PATH, "/a", "/a"), 0);
    assert_true(replace(&packed, ERASE_PATH, "/a", ERASED) > 0);
    assert_int_equal(replace(&packed, ERASE_PATH, "/a", ERASED), 0);
    packed_free(&packed);
}

static void leaves_a_day_without_events_alone(void **state)
{
    struct pack_part empty = {STR("s1"), 19000, PACK_ROLLUPS, STR("")}, *changed;
    struct arena arena = {0};
    size_t count = 1;

    (void)state;
    assert_int_equal(facts_replace(&empty, 1, ERASE_PATH, STR("/a"), STR(ERASED), &arena, &changed,
                                   &count, NULL),
                     0);
    assert_int_equal(count, 0);
    assert_int_equal(
        facts_replace(NULL, 0, ERASE_PATH, STR("/a"), STR(ERASED), &arena, &changed, &count, NULL),
        0);
    assert_int_equal(count, 0);
    arena_free(&arena);
}

static void refuses_what_is_no_value(void **state)
{
    static const struct {
        enum erasure_kind kind;
        const char *value, *with;
        int rc;
    } cases[] = {
        {ERASE_SITE, "/a", ERASED, ERR_INVALID},
        {ERASE_TENANT, "/a", ERASED, ERR_INVALID},
        {ERASE_PATH, "", ERASED, ERR_INVALID},
        {ERASE_PATH, "/a", "", ERR_INVALID},
        {ERASE_EVENT, "pageview", ERASED, ERR_INVALID},
        {ERASE_EVENT, "engagement", ERASED, ERR_INVALID},
        {ERASE_EVENT, "signup", "ai.usage", ERR_INVALID},
        {ERASE_EVENT, "signup", "", ERR_INVALID},
        {ERASE_PROP, "", "", ERR_INVALID},
        {ERASE_PROP, "plan", "", 0},
        {ERASE_EVENT, "signup", ERASED, 0},
    };
    struct chance chance = {17};
    struct packed packed = packed_new(&chance, 2, 1000);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pack_part *changed;
        size_t count;

        assert_int_equal(facts_replace(packed.parts, packed.count, cases[i].kind,
                                       str_from(cases[i].value), str_from(cases[i].with),
                                       &packed.world.arena, &changed, &count, NULL),
                         cases[i].rc);
    }
    packed_free(&packed);
}

/* -- with fewer parts -------------------------------------------------------------------------- */

static void forget_parts_from(struct packed *packed, int32_t from)
{
    size_t kept = 0;

    for (size_t i = 0; i < packed->count; i++)
        if (packed->parts[i].part < from)
            packed->parts[kept++] = packed->parts[i];
    packed->count = kept;
}

static const struct tally_row *row_of(const struct answer *a, const char *value)
{
    for (size_t i = 0; i < a->count; i++)
        if (str_eq(a->rows[i]->row.value, str_from(value)))
            return a->rows[i];
    fail_msg("no row %s", value);
    abort();
}

/* The two rows of the oracle added up, number by number, are the row of the rollup. */
static void is_sum_of(struct packed *packed, const struct answer *before, const char *a,
                      const char *b)
{
    struct count_row x = row_of(before, a)->row, y = row_of(before, b)->row, other;
    struct counts *counts = rollup(packed, DIM_PAGE, "");
    size_t count, found = 0;
    const struct count_row *rows = counts_rows(counts, &count, &other);

    assert_int_equal(count, before->count - 1);
    for (size_t i = 0; i < count; i++) {
        const struct count_row *row = &rows[i];

        if (!str_eq(row->value, STR(ERASED)))
            continue;
        found++;
        assert_int_equal(row->visitors, x.visitors + y.visitors);
        assert_int_equal(row->pageviews, x.pageviews + y.pageviews);
        assert_int_equal(row->visits, x.visits + y.visits);
        assert_int_equal(row->conversions, x.conversions + y.conversions);
        assert_int_equal(row->converters, x.converters + y.converters);
        assert_int_equal(row->engaged, x.engaged + y.engaged);
        assert_int_equal(row->engaged_ms, x.engaged_ms + y.engaged_ms);
        assert_int_equal(row->scroll, x.scroll + y.scroll);
    }
    assert_int_equal(found, 1);
}

static void adds_rows_up_where_single_events_are_gone(void **state)
{
    static const enum dimension exact[] = {DIM_ENTRY_PAGE, DIM_EXIT_PAGE, DIM_GOAL, DIM_SOURCE};
    struct chance chance = {18};
    struct packed packed = packed_new(&chance, PEOPLE, 1000);
    struct question q = {.dimension = DIM_PAGE, .prop = ""};

    (void)state;
    packed_settle(&packed);
    struct answer before = ask_oracle(&packed.oracle, &q, packed.most);

    forget_parts_from(&packed, PACK_EVENTS);
    assert_true(replace(&packed, ERASE_PATH, "/a", ERASED) > 0);
    assert_true(replace(&packed, ERASE_PATH, "/b", ERASED) > 0);
    is_sum_of(&packed, &before, "/a", "/b");
    answer_free(&before);
    replace_path_by_hand(&packed.oracle, "/a", ERASED);
    replace_path_by_hand(&packed.oracle, "/b", ERASED);
    for (size_t i = 0; i < COUNT_OF(exact); i++) {
        q.dimension = exact[i];
        answers_equal(&packed, &q);
    }
    packed_free(&packed);
}

static void replaces_in_rollups_alone(void **state)
{
    struct chance chance = {23};
    struct packed packed = packed_new(&chance, PEOPLE, 1000);
    struct question q = {.dimension = DIM_ENTRY_PAGE, .prop = ""};

    (void)state;
    packed_settle(&packed);
    forget_parts_from(&packed, PACK_VISITS);
    assert_true(replace(&packed, ERASE_PATH, "/long/way", ERASED) > 0);
    assert_true(replace(&packed, ERASE_PROP, "plan", "") > 0);
    assert_false(holds_bytes(&packed, "ong/way"));
    assert_false(holds_bytes(&packed, "plan"));
    replace_path_by_hand(&packed.oracle, "/long/way", ERASED);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        struct answer a;

        q.dimension = (enum dimension)d;
        q.prop = d == DIM_PROP ? "size" : "";
        a = ask_oracle(&packed.oracle, &q, packed.most);
        rows_equal(&q, rollup(&packed, q.dimension, q.prop), &a);
        answer_free(&a);
    }
    packed_free(&packed);
}

/* The pack's rollup of events as it was written before rollups held them: beside the others, in a
 * part of its own. */
static void forget_events(struct packed *packed)
{
    struct counts *counts = rollup(packed, DIM_EVENT, "");
    struct pack_part *first = &packed->parts[0];
    struct reader reader = reader_of(first->bytes);
    struct buf out = {0};

    assert_int_equal(first->part, PACK_ROLLUPS);
    while (reader.at < reader.end) {
        uint64_t number = read_uint(&reader);
        struct str bytes = read_text(&reader);

        if (number == 1 + DIM_EVENT)
            continue;
        put_uint(&out, number);
        put_text(&out, bytes);
    }
    first->bytes = arena_str(&packed->world.arena, buf_str(&out));
    buf_release(&out);
    counts->events = false;
    packed->parts[packed->count++] =
        (struct pack_part){first->site, first->day, PACK_ROLLUPS + 1 + DIM_EVENT,
                           counts_save(counts, SIZE_MAX, &packed->world.arena)};
}

/* With and without the columns, which do know them. What only servers sent has no row there. */
static void does_not_make_up_events_that_a_rollup_does_not_know(void **state)
{
    struct chance chance = {24};
    struct question q = {.dimension = DIM_EVENT, .prop = ""};

    (void)state;
    for (int columns = 0; columns < 2; columns++) {
        struct packed packed = packed_new(&chance, PEOPLE, 1000);

        packed_settle(&packed);
        forget_events(&packed);
        if (columns == 0)
            forget_parts_from(&packed, PACK_VISITS);
        assert_true(replace(&packed, ERASE_EVENT, "signup", ERASED) == 1U + (unsigned)columns);
        assert_true(replace(&packed, ERASE_EVENT, "buy", ERASED) == 1U + (unsigned)columns);
        struct counts *counts = rollup(&packed, DIM_EVENT, "");

        assert_false(counts_know_events(counts));
        replace_event_by_hand(&packed.world, "signup", ERASED);
        replace_event_by_hand(&packed.world, "buy", ERASED);
        struct answer a = ask_oracle(&packed.oracle, &q, packed.most);

        for (size_t i = 0; i < a.count; i++) {
            const struct count_row *wanted = &a.rows[i]->row;
            const struct count_row *found = counts_find(counts, wanted->value);

            assert_true(wanted->visitors > 0 && wanted->events > 0);
            assert_non_null(found);
            assert_int_equal(found->events, 0);
            assert_int_equal(found->conversions, wanted->conversions);
            /* Who did both is counted once where the columns say who. */
            if (columns == 1)
                assert_int_equal(found->visitors, wanted->visitors);
            else
                assert_true(found->visitors >= wanted->visitors);
        }
        answer_free(&a);
        packed_free(&packed);
    }
}

/* Retention removes the parts of a day some at a time. */
static void empties_columns_that_nobody_can_read(void **state)
{
    struct chance chance = {20};
    struct packed packed = packed_new(&chance, 400, 1000);
    size_t i = 0;

    (void)state;
    while (packed.parts[i].part != PACK_EVENTS)
        i++;
    packed.parts[i].part = PACK_EVENTS + 1 + EVENTS_PAGE;
    packed.parts[i].bytes = STR("\1/long/way");
    for (size_t k = 0; k < packed.count; k++)
        if (packed.parts[k].part > PACK_EVENTS && k != i)
            packed.parts[k].part = -1;
    assert_true(replace(&packed, ERASE_PATH, "/long/way", ERASED) > 0);
    assert_int_equal(packed.parts[i].bytes.len, 0);
    packed_free(&packed);
}

/* -- beyond the first so many ------------------------------------------------------------------ */

static int64_t sum_of_pageviews(struct packed *packed, enum dimension dimension)
{
    struct count_row other;
    size_t count;
    const struct count_row *rows = counts_rows(rollup(packed, dimension, ""), &count, &other);
    int64_t sum = other.pageviews;

    for (size_t i = 0; i < count; i++)
        sum += rows[i].pageviews;
    return sum;
}

static void leaves_the_sums_of_rollups_that_have_an_other_row(void **state)
{
    static const char *const paths[] = {"/", "/a", "/b", "/thanks/1", "/thanks/2", "/long/way"};
    struct chance chance = {21};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        struct packed packed = packed_new(&chance, PEOPLE, 2);

        packed_settle(&packed);
        int64_t pages = sum_of_pageviews(&packed, DIM_PAGE);
        int64_t entries = sum_of_pageviews(&packed, DIM_ENTRY_PAGE);

        for (size_t k = 0; k < COUNT_OF(paths); k++) {
            struct question q = {.dimension = DIM_SOURCE, .prop = ""};

            assert_true(replace(&packed, ERASE_PATH, paths[k], ERASED) > 0);
            replace_path_by_hand(&packed.oracle, paths[k], ERASED);
            assert_int_equal(sum_of_pageviews(&packed, DIM_PAGE), pages);
            assert_int_equal(sum_of_pageviews(&packed, DIM_ENTRY_PAGE), entries);
            assert_false(holds_bytes(&packed, k == 5 ? "ong/way" : "nothing"));
            q.filters_count = 1;
            q.filters[0] = (struct filter){DIM_PAGE, STR(""), FILTER_IS, STR(ERASED)};
            totals_equal(&packed, &q);
        }
        packed_free(&packed);
    }
}

/* -- a large day ------------------------------------------------------------------------------- */

/* Of so many values that each column has a part of its own. */
static struct packed packed_large(struct arena *arena)
{
    struct packed packed = {.world = {.site = facts_site("UTC"), .day = 19000}, .most = 10000};
    struct event_row *rows = ARENA_NEW(arena, struct event_row, 6000);
    struct visit *visits = ARENA_NEW(arena, struct visit, 2000);
    struct pack_part *parts;

    for (size_t i = 0; i < 6000; i++) {
        int64_t at_ms = packed.world.day * DAY_MS + (int64_t)i * 1000;
        struct visit *visit = &visits[i / 3];
        char text[64];
        int len = snprintf(text, sizeof(text), "/page/%zu", i * 7919 % 3000);
        struct str path = arena_str(arena, (struct str){text, (size_t)len});

        len = snprintf(text, sizeof(text), "{\"plan\":\"pro%zu\",\"size\":%zu}", i % 2000, i % 900);
        if (i % 3 == 0) {
            *visit = (struct visit){.key = {packed.world.site.id, packed.world.day, i + 1, at_ms},
                                    .first_ms = at_ms,
                                    .first_day = packed.world.day,
                                    .first_hour_ms = at_ms / HOUR_MS * HOUR_MS,
                                    .entry_ms = at_ms,
                                    .pageviews = 3};
            for (size_t t = 0; t < VISIT_TEXTS; t++)
                visit->texts[t] = STR("");
            visit->texts[VISIT_ENTRY_PATH] = path;
        }
        visit->texts[VISIT_EXIT_PATH] = path;
        visit->exit_ms = visit->end_ms = at_ms;
        rows[i] =
            (struct event_row){.id = (int64_t)i,
                               .event = {.kind = EVENT_PAGEVIEW,
                                         .name = STR("pageview"),
                                         .time_ms = at_ms,
                                         .day = packed.world.day,
                                         .visitor = visit->key.visitor,
                                         .path = path,
                                         .props = arena_str(arena, (struct str){text, (size_t)len}),
                                         .count = 1,
                                         .scroll = -1}};
    }
    facts_pack(facts_build(&packed.world.site, packed.world.day, rows, 6000, visits, 2000, arena),
               packed.most, arena, &parts, &packed.count);
    memcpy(packed.parts, parts, packed.count * sizeof(parts[0]));
    return packed;
}

static bool has_part(const struct packed *packed, int32_t part)
{
    for (size_t i = 0; i < packed->count; i++)
        if (packed->parts[i].part == part)
            return true;
    return false;
}

static void replaces_in_parts_of_their_own_and_nowhere_else(void **state)
{
    static const int32_t own[] = {1 + DIM_PAGE,
                                  1 + DIM_PROP,
                                  1 + DIM_ENTRY_PAGE,
                                  1 + DIM_EXIT_PAGE,
                                  PACK_VISITS + 1 + VISITS_VALUE + DIM_ENTRY_PAGE,
                                  PACK_VISITS + 1 + VISITS_VALUE + DIM_EXIT_PAGE,
                                  PACK_EVENTS + 1 + EVENTS_PAGE,
                                  PACK_EVENTS + 1 + EVENTS_PROPS};
    struct arena arena = {0};
    struct packed packed = packed_large(&arena);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(own); i++)
        assert_true(has_part(&packed, own[i]));
    /* 2757 is 3 * 7919 % 3000: events 3 and 3003 are of it, both first ones of their visits. So it
     * is a page and an entry page, each with its column and its rollup. */
    assert_int_equal(replace(&packed, ERASE_PATH, "/page/2757", ERASED), 4);
    assert_int_equal(replace(&packed, ERASE_PROP, "plan", ""), 2);
    assert_false(holds_bytes(&packed, "plan"));
    assert_int_equal(sum_of_pageviews(&packed, DIM_PAGE), 6000);

    struct filter erased = {DIM_PAGE, STR(""), FILTER_IS, STR(ERASED)};
    struct filter gone = {DIM_PAGE, STR(""), FILTER_IS, STR("/page/2757")};
    struct stats stats;
    const struct facts *facts = unpack(&packed);

    facts_stats(facts, &erased, 1, &stats, NULL, NULL);
    assert_int_equal(stats.pageviews, 2);
    facts_stats(facts, &gone, 1, &stats, NULL, NULL);
    assert_int_equal(stats.pageviews, 0);
    facts_site_free(&packed.world.site);
    arena_free(&packed.world.arena);
    arena_free(&arena);
}

static void names_every_part_that_a_pack_has(void **state)
{
    struct arena arena = {0};
    struct packed packed = packed_large(&arena);
    int32_t all[PACK_PARTS_MAX];
    size_t count = facts_parts_all(all);

    (void)state;
    for (size_t i = 1; i < count; i++)
        assert_true(all[i - 1] < all[i]);
    for (size_t i = 0; i < packed.count; i++) {
        size_t k = 0;

        while (k < count && all[k] != packed.parts[i].part)
            k++;
        assert_true(k < count);
    }
    facts_site_free(&packed.world.site);
    arena_free(&arena);
}

/* -- damage ------------------------------------------------------------------------------------ */

static int replace_all(const struct packed *packed, struct arena *arena)
{
    static const struct {
        enum erasure_kind kind;
        const char *value;
    } kinds[] = {{ERASE_PATH, "/a"}, {ERASE_EVENT, "signup"}, {ERASE_PROP, "plan"}};
    int worst = 0;

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct pack_part *changed;
        size_t count;
        int rc =
            facts_replace(packed->parts, packed->count, kinds[i].kind, str_from(kinds[i].value),
                          STR(ERASED), arena, &changed, &count, NULL);

        assert_true(rc == 0 || rc == ERR_CORRUPT);
        worst = rc < worst ? rc : worst;
    }
    return worst;
}

static void outlives_every_damaged_byte(void **state)
{
    struct chance chance = {22};
    struct packed packed = packed_new(&chance, 3, 1000);
    int refused = 0;

    (void)state;
    for (size_t i = 0; i < packed.count; i++) {
        struct str whole = packed.parts[i].bytes;
        char *bytes = malloc(whole.len + 1);

        for (size_t at = 0; at < whole.len; at++) {
            struct arena arena = {0};

            memcpy(bytes, whole.ptr, whole.len);
            bytes[at] = (char)(bytes[at] ^ (1 << chance_below(&chance, 8)));
            packed.parts[i].bytes = (struct str){bytes, whole.len};
            refused += replace_all(&packed, &arena) != 0;
            packed.parts[i].bytes = (struct str){bytes, at};
            refused += replace_all(&packed, &arena) != 0;
            arena_free(&arena);
        }
        packed.parts[i].bytes = whole;
        free(bytes);
    }
    assert_true(refused > 100);
    packed_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_a_name_in_the_place_of_a_path),
        cmocka_unit_test(counts_who_saw_two_erased_pages_once),
        cmocka_unit_test(replaces_events_names_and_keeps_their_goals),
        cmocka_unit_test(takes_a_property_out_and_leaves_the_others),
        cmocka_unit_test(takes_the_last_property_out),
        cmocka_unit_test(leaves_a_day_without_the_value_alone),
        cmocka_unit_test(leaves_a_day_without_events_alone),
        cmocka_unit_test(refuses_what_is_no_value),
        cmocka_unit_test(adds_rows_up_where_single_events_are_gone),
        cmocka_unit_test(replaces_in_rollups_alone),
        cmocka_unit_test(does_not_make_up_events_that_a_rollup_does_not_know),
        cmocka_unit_test(empties_columns_that_nobody_can_read),
        cmocka_unit_test(leaves_the_sums_of_rollups_that_have_an_other_row),
        cmocka_unit_test(replaces_in_parts_of_their_own_and_nowhere_else),
        cmocka_unit_test(names_every_part_that_a_pack_has),
        cmocka_unit_test(outlives_every_damaged_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
