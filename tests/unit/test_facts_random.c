/* Days by chance: what is counted from facts, and from their packs, against a second calculation.
 */
#include "test_facts_oracle.h"

/* -- questions ------------------------------------------------------------------------------ */

static const char *describe(const struct question *q, char out[256])
{
    static const char *const ops[] = {"is", "isNot", "contains", "startsWith"};
    size_t len = (size_t)snprintf(out, 256, "%.*s", STR_FMT(dimension_name(q->dimension)));

    for (size_t i = 0; i < q->filters_count; i++)
        len += (size_t)snprintf(out + len, 256 - len, " where %.*s %s '%.*s'",
                                STR_FMT(dimension_name(q->filters[i].dimension)),
                                ops[q->filters[i].op], STR_FMT(q->filters[i].value));
    return out;
}

static void row_equals(const struct question *q, const struct count_row *found,
                       const struct count_row *wanted)
{
    char text[256];

    if (!str_eq(found->value, wanted->value) ||
        memcmp(&found->visitors, &wanted->visitors, sizeof(*found) - sizeof(found->value)) != 0)
        fail_msg(
            "%s: row %.*s (visitors %ld pageviews %ld visits %ld bounces %ld ms %ld "
            "conversions %ld by %ld engaged %ld %ld scroll %ld %ld events %ld) is not row %.*s "
            "(%ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld)",
            describe(q, text), STR_FMT(found->value), found->visitors, found->pageviews,
            found->visits, found->bounces, found->visit_ms, found->conversions, found->converters,
            found->engaged, found->engaged_ms, found->scrolled, found->scroll, found->events,
            STR_FMT(wanted->value), wanted->visitors, wanted->pageviews, wanted->visits,
            wanted->bounces, wanted->visit_ms, wanted->conversions, wanted->converters,
            wanted->engaged, wanted->engaged_ms, wanted->scrolled, wanted->scroll, wanted->events);
}

static void counts_equal(const struct question *q, struct counts *counts, const struct answer *a)
{
    struct count_row other;
    size_t count, others = 0;
    const struct count_row *rows = counts_rows(counts, &count, &other);
    char text[256];

    for (size_t k = 0; k < a->count; k++) {
        const struct count_row *wanted = &a->rows[k]->row;
        size_t i = 0;

        if (str_eq(wanted->value, VALUE_OTHER)) {
            row_equals(q, &other, wanted);
            others++;
            continue;
        }
        while (i < count && !str_eq(rows[i].value, wanted->value))
            i++;
        if (i == count)
            fail_msg("%s: no row %.*s", describe(q, text), STR_FMT(wanted->value));
        row_equals(q, &rows[i], wanted);
    }
    if (count + others != a->count)
        fail_msg("%s: %zu rows instead of %zu", describe(q, text), count + others, a->count);
    assert_true(others == 1 || is_nothing(&other));
}

/* What is asked of: the facts as built, and the parts that they were packed into. */
struct asked {
    struct world *world;
    struct oracle oracle;
    const struct facts *facts;
    struct pack_part *parts;
    size_t parts_count;
    size_t most;
    struct arena arena;
};

/* Only those parts that the question needs; of what visits alone answer, none of events. */
static const struct facts *unpacked(struct asked *asked, const struct question *q,
                                    enum dimension dimension, bool hours)
{
    int32_t needed[PACK_PARTS_MAX];
    bool events, of_events = hours || (dimension != DIMENSIONS && is_event_dimension(dimension));
    size_t count = facts_parts(dimension, q->filters, q->filters_count, hours, needed, &events);
    size_t kept = 0;
    struct pack_part *parts = ARENA_NEW(&asked->arena, struct pack_part, asked->parts_count);
    struct facts *facts = NULL;
    struct err err = {0};

    for (size_t i = 0; i < q->filters_count; i++)
        of_events = of_events || is_event_dimension(q->filters[i].dimension);
    assert_int_equal(events, of_events);
    for (size_t i = 0, k = 0; i < asked->parts_count; i++) {
        while (k < count && needed[k] < asked->parts[i].part)
            k++;
        if (k < count && needed[k] == asked->parts[i].part)
            parts[kept++] = asked->parts[i];
    }
    for (size_t i = 0; i < kept; i++)
        assert_true(of_events || parts[i].part < PACK_EVENTS);
    if (facts_unpack(&asked->world->site, asked->world->day, parts, kept, &asked->arena, &facts,
                     &err) != 0)
        fail_msg("%s", err.text);
    return facts;
}

static void rollup_answers(struct asked *asked, const struct question *q, const struct answer *a)
{
    struct counts *counts = counts_new(&asked->arena, q->dimension, str_from(q->prop));
    int32_t needed[PACK_PARTS_MAX];
    bool events;
    size_t count = facts_parts(q->dimension, NULL, 0, false, needed, &events);

    assert_false(events);
    for (size_t i = 0; i < asked->parts_count; i++)
        for (size_t k = 0; k < count; k++)
            if (needed[k] == asked->parts[i].part)
                assert_int_equal(counts_add_packed(counts, &asked->parts[i], NULL), 0);
    counts_equal(q, counts, a);
}

static void rows_answer(struct asked *asked, const struct question *q)
{
    struct answer a = ask_oracle(&asked->oracle, q, asked->most);
    struct counts *counts = counts_new(&asked->arena, q->dimension, str_from(q->prop));

    facts_count(asked->facts, q->filters, q->filters_count, asked->most, counts);
    counts_equal(q, counts, &a);
    if (q->filters_count > 0) {
        counts = counts_new(&asked->arena, q->dimension, str_from(q->prop));
        facts_count(unpacked(asked, q, q->dimension, false), q->filters, q->filters_count,
                    asked->most, counts);
        counts_equal(q, counts, &a);
    } else {
        rollup_answers(asked, q, &a);
    }
    answer_free(&a);
    arena_reset(&asked->arena);
}

static void stats_equal(const struct question *q, const struct stats *found,
                        const struct stats *wanted)
{
    char text[256];

    if (memcmp(found, wanted, sizeof(*found)) != 0)
        fail_msg("totals of %s: pageviews %ld %ld visitors %ld %ld visits %ld %ld conversions %ld "
                 "%ld converters %ld %ld",
                 describe(q, text), found->pageviews, wanted->pageviews, found->unique_visitors,
                 wanted->unique_visitors, found->visits, wanted->visits, found->conversions,
                 wanted->conversions, found->converters, wanted->converters);
}

static void hours_answer(struct asked *asked, const struct question *q, const struct facts *facts)
{
    static const struct stats nothing = {0};
    struct facts_hour hours[FACTS_HOURS_MAX];
    size_t count = 0, k = 0;
    struct stats sum, all = stats_by_hand(&asked->oracle, q, 0);
    int64_t end_ms = world_ms(asked->world, 26 * 60);

    facts_stats(facts, q->filters, q->filters_count, &sum, hours, &count);
    stats_equal(q, &sum, &all);
    for (int64_t ms = world_ms(asked->world, 0); ms < end_ms; ms += 30 * MINUTE_MS) {
        struct stats wanted = stats_by_hand(&asked->oracle, q, ms);

        if (memcmp(&wanted, &nothing, sizeof(wanted)) == 0)
            continue;
        assert_true(k < count);
        assert_int_equal(hours[k].hour_ms, ms);
        stats_equal(q, &hours[k++].stats, &wanted);
    }
    assert_int_equal(k, count);
}

static void totals_answer(struct asked *asked, const struct question *q)
{
    struct stats found, wanted = stats_by_hand(&asked->oracle, q, 0);

    facts_stats(asked->facts, q->filters, q->filters_count, &found, NULL, NULL);
    stats_equal(q, &found, &wanted);
    facts_stats(unpacked(asked, q, DIMENSIONS, false), q->filters, q->filters_count, &found, NULL,
                NULL);
    stats_equal(q, &found, &wanted);
    hours_answer(asked, q, asked->facts);
    hours_answer(asked, q, unpacked(asked, q, DIMENSIONS, true));
    arena_reset(&asked->arena);
}

static struct asked asked_new(struct world *world, struct chance *chance, size_t most)
{
    struct asked asked = {.world = world, .oracle = oracle_new(world), .most = most};

    asked.facts = world_facts(world, chance);
    facts_pack(asked.facts, most, &world->arena, &asked.parts, &asked.parts_count);
    return asked;
}

/* -- the tests ------------------------------------------------------------------------------ */

static const char *const zones[][2] = {{"Europe/Berlin", "2024-03-31"}, /* 23 hours */
                                       {"Europe/Berlin", "2024-10-27"}, /* 25 */
                                       {"UTC", "2024-02-29"},
                                       {"Australia/Lord_Howe", "2024-04-07"}}; /* half an hour */
static const char *const props[] = {"plan", "size", "vip", "none"};

/* A value that a filter may ask for: some that are there, parts of them, some that are not. */
static struct str chance_value(struct chance *chance)
{
    static const char *const values[] = {
        "",       "/",          "/a",        "/thanks/1", "/th",    "a",         "pageview",
        "signup", "engagement", "Google",    "(direct)",  "(un",    "(unknown)", "x",
        "xy",     "z",          "Lead",      "Thanks",    "Seen a", "pro",       "free",
        "3",      "true",       "a.example", "Direct",    "news",   "nothing",   "e"};

    return str_from(CHANCE_OF(chance, values));
}

static struct filter chance_filter(struct chance *chance)
{
    return (struct filter){.dimension = (enum dimension)chance_below(chance, DIMENSIONS),
                           .prop = str_from(CHANCE_OF(chance, props)),
                           .op = (enum filter_op)chance_below(chance, 4),
                           .value = chance_value(chance)};
}

static void ask_all_dimensions(struct asked *asked, struct chance *chance, struct question *q)
{
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        q->dimension = (enum dimension)d;
        q->prop = d == DIM_PROP ? CHANCE_OF(chance, props) : "";
        rows_answer(asked, q);
    }
    totals_answer(asked, q);
}

static void agrees_on_every_dimension_without_a_filter(void **state)
{
    struct chance chance = {1};

    (void)state;
    for (int i = 0; i < 40; i++) {
        const char *const *zone = zones[i % (int)COUNT_OF(zones)];
        struct world world = world_by_chance(&chance, zone[0], zone[1], 1 + i / 2);
        struct asked asked = asked_new(&world, &chance, 1000);
        struct question q = {0};

        ask_all_dimensions(&asked, &chance, &q);
        arena_free(&asked.arena);
        world_free(&world);
    }
}

static void agrees_under_every_operator_of_every_dimension(void **state)
{
    struct chance chance = {2};

    (void)state;
    for (int i = 0; i < 6; i++) {
        const char *const *zone = zones[i % (int)COUNT_OF(zones)];
        struct world world = world_by_chance(&chance, zone[0], zone[1], 12);
        struct asked asked = asked_new(&world, &chance, 1000);

        for (unsigned d = 0; d < DIMENSIONS; d++)
            for (unsigned op = 0; op < 4; op++)
                for (int n = 0; n < 3; n++) {
                    struct question q = {.filters = {chance_filter(&chance)}, .filters_count = 1};

                    q.filters[0].dimension = (enum dimension)d;
                    q.filters[0].op = (enum filter_op)op;
                    ask_all_dimensions(&asked, &chance, &q);
                }
        arena_free(&asked.arena);
        world_free(&world);
    }
}

static void agrees_under_pairs_of_filters(void **state)
{
    struct chance chance = {3};

    (void)state;
    for (int i = 0; i < 8; i++) {
        const char *const *zone = zones[i % (int)COUNT_OF(zones)];
        struct world world = world_by_chance(&chance, zone[0], zone[1], 15);
        struct asked asked = asked_new(&world, &chance, 1000);

        for (int n = 0; n < 120; n++) {
            struct question q = {.filters = {chance_filter(&chance), chance_filter(&chance)},
                                 .filters_count = 2};

            ask_all_dimensions(&asked, &chance, &q);
        }
        arena_free(&asked.arena);
        world_free(&world);
    }
}

static void counts_what_is_beyond_the_cap_once(void **state)
{
    struct chance chance = {4};

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct world world = world_by_chance(&chance, "Europe/Berlin", "2024-03-31", 10);
        struct asked asked = asked_new(&world, &chance, (size_t)i % 4);

        for (int n = 0; n < 8; n++) {
            struct question q = {.filters = {chance_filter(&chance)},
                                 .filters_count = n == 0 ? 0 : 1};

            ask_all_dimensions(&asked, &chance, &q);
        }
        arena_free(&asked.arena);
        world_free(&world);
    }
}

static void packs_the_same_bytes_whatever_the_order_of_rows(void **state)
{
    struct chance chance = {5};

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct world world = world_by_chance(&chance, "Europe/Berlin", "2024-10-27", 8);
        struct asked one = asked_new(&world, &chance, 1000), other;

        /* Runs and links change places, too. */
        for (size_t k = 0; k < world.visits_count / 2; k++) {
            struct visit visit = world.visits[k];

            world.visits[k] = world.visits[world.visits_count - 1 - k];
            world.visits[world.visits_count - 1 - k] = visit;
        }
        other.facts = world_facts(&world, &chance);
        facts_pack(other.facts, 1000, &world.arena, &other.parts, &other.parts_count);
        assert_int_equal(one.parts_count, other.parts_count);
        for (size_t k = 0; k < one.parts_count; k++) {
            assert_int_equal(one.parts[k].part, other.parts[k].part);
            assert_true(str_eq(one.parts[k].bytes, other.parts[k].bytes));
        }
        arena_free(&one.arena);
        world_free(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_every_dimension_without_a_filter),
        cmocka_unit_test(agrees_under_every_operator_of_every_dimension),
        cmocka_unit_test(agrees_under_pairs_of_filters),
        cmocka_unit_test(counts_what_is_beyond_the_cap_once),
        cmocka_unit_test(packs_the_same_bytes_whatever_the_order_of_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
