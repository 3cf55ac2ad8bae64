/*
 * facts/facts.c -- the parts of a day that all of facts/ looks at.
 */
#include "facts/facts_internal.h"

struct facts *facts_empty(struct str site, int32_t day, struct arena *arena)
{
    static const uint32_t none[1] = {0};
    static const uint64_t none_wide[1] = {0};
    static const struct str empty[1] = {STR_INIT("")};
    static const uint8_t no_kinds[1] = {EVENT_CUSTOM};
    struct facts *facts = ARENA_NEW(arena, struct facts, 1);

    *facts = (struct facts){.site = arena_str(arena, site),
                            .day = day,
                            .visits_of = none,
                            .events_of = none,
                            .flags = none,
                            .visit_hours = none,
                            .goal_counts = none_wide,
                            .kinds = no_kinds,
                            .event_hours = none,
                            .extra = none,
                            .goals_met = none_wide,
                            .amount = none_wide,
                            .scroll = none,
                            .props_from = none,
                            .props = none};
    facts->loose_goals = ARENA_NEW(arena, int64_t, GOALS_MAX);
    facts->hours = ARENA_NEW(arena, int64_t, FACTS_HOURS_MAX);
    for (unsigned i = 0; i < VISIT_NUMBERS; i++)
        facts->numbers[i] = none_wide;
    for (unsigned i = 0; i < DIMENSIONS; i++) {
        facts->values[i] = none;
        facts->dicts[i] = (struct dict){empty, 1};
    }
    return facts;
}

enum event_kind kind_of(struct str name)
{
    for (unsigned kind = 0; kind < EVENT_CUSTOM; kind++)
        if (str_eq(name, event_kind_name((enum event_kind)kind)))
            return (enum event_kind)kind;
    return EVENT_CUSTOM;
}

const uint8_t *kinds_of(struct dict names, struct arena *arena)
{
    uint8_t *kinds = ARENA_NEW(arena, uint8_t, names.count);

    for (uint32_t i = 0; i < names.count; i++)
        kinds[i] = (uint8_t)kind_of(names.values[i]);
    return kinds;
}

struct str prop_name(struct str pair)
{
    return str_slice(pair, 0, str_find(pair, 0, '\0'));
}

struct str prop_value(struct str pair)
{
    return str_slice(pair, str_find(pair, 0, '\0') + 1, pair.len);
}

/* The first number from `from` on whose name is not before `name`, or (after) is behind it. */
static uint32_t prop_bound(struct dict dict, uint32_t from, struct str name, bool after)
{
    uint32_t low = from, high = dict.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_cmp(prop_name(dict.values[middle]), name);

        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void prop_range(struct dict dict, struct str name, uint32_t *from, uint32_t *to)
{
    /* Number 0 is no property. */
    *from = prop_bound(dict, 1, name, false);
    *to = prop_bound(dict, *from, name, true);
}

struct facts *facts_build(const struct site *site, int32_t day, const struct event_row *rows,
                          size_t rows_count, const struct visit *visits, size_t visits_count,
                          struct arena *arena)
{
    struct build build;

    build_init(&build, site, day, arena);
    for (size_t i = 0; i < visits_count; i++)
        build_visit(&build, &visits[i]);
    for (size_t i = 0; i < rows_count; i++)
        build_row(&build, &rows[i]);
    struct facts *facts = build_finish(&build);

    build_release(&build);
    return facts;
}
