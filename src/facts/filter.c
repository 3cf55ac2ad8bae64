/*
 * facts/filter.c -- what matches.
 *
 * A filter is asked once of each text of its dimension; visits and events then only look its answer
 * up by the text's number.
 */
#include "facts/facts_internal.h"

static bool text_matches(const struct filter *filter, struct str text)
{
    switch (filter->op) {
    case FILTER_IS:
        return str_eq(text, filter->value);
    case FILTER_IS_NOT:
        return !str_eq(text, filter->value);
    case FILTER_CONTAINS:
        return filter->value.len == 0 ||
               (text.len > 0 &&
                memmem(text.ptr, text.len, filter->value.ptr, filter->value.len) != NULL);
    case FILTER_STARTS_WITH:
        return str_starts(text, filter->value);
    }
    return false;
}

/* What the filter says of each value of its dimension; number 0 is the absent one. */
static const bool *answers(const struct filter *filter, struct dict dict, struct arena *arena)
{
    bool *ok = ARENA_NEW(arena, bool, dict.count);

    ok[0] = text_matches(filter, dimension_absent(filter->dimension));
    for (uint32_t i = 1; i < dict.count; i++)
        ok[i] = text_matches(filter, dict.values[i]);
    return ok;
}

/* A visit has any number of goals; one without has the empty one. */
static struct match_goal goal_answers(const struct filter *filter, const struct facts *facts)
{
    bool negate = filter->op == FILTER_IS_NOT;
    const struct filter is = {.op = negate ? FILTER_IS : filter->op, .value = filter->value};
    struct match_goal goal = {.absent = text_matches(&is, STR("")), .negate = negate};

    for (size_t i = 0; i < facts->goals_count; i++)
        goal.met |= (uint64_t)text_matches(&is, facts->goals[i].name) << i;
    return goal;
}

static struct match_prop prop_answers(const struct filter *filter, const struct facts *facts,
                                      struct arena *arena)
{
    struct dict dict = facts->dicts[DIM_PROP];
    struct match_prop prop = {.absent = text_matches(filter, STR(""))};

    prop_range(dict, filter->prop, &prop.from, &prop.to);
    bool *ok = ARENA_NEW(arena, bool, prop.to - prop.from);

    for (uint32_t i = prop.from; i < prop.to; i++)
        ok[i - prop.from] = text_matches(filter, prop_value(dict.values[i]));
    prop.ok = ok;
    return prop;
}

void match_init(struct match *match, const struct facts *facts, const struct filter *filters,
                size_t filters_count, struct arena *arena)
{
    *match = (struct match){.facts = facts};
    match->visits = ARENA_NEW(arena, struct match_values, filters_count);
    match->events = ARENA_NEW(arena, struct match_values, filters_count);
    match->goals = ARENA_NEW(arena, struct match_goal, filters_count);
    match->props = ARENA_NEW(arena, struct match_prop, filters_count);
    for (size_t i = 0; i < filters_count; i++) {
        enum dimension dimension = filters[i].dimension;
        struct dict dict = facts->dicts[dimension];

        if (dimension == DIM_GOAL)
            match->goals[match->goals_count++] = goal_answers(&filters[i], facts);
        else if (dimension == DIM_PROP)
            match->props[match->props_count++] = prop_answers(&filters[i], facts, arena);
        else if (dimension_of_visit(dimension))
            match->visits[match->visits_count++] =
                (struct match_values){facts->values[dimension], answers(&filters[i], dict, arena)};
        else
            match->events[match->events_count++] =
                (struct match_values){facts->values[dimension], answers(&filters[i], dict, arena)};
    }
    match->of_visits = match->visits_count + match->goals_count > 0;
    match->of_events = match->events_count + match->props_count > 0;
}

static bool goals_match(const struct match_goal *goal, uint64_t met)
{
    return (met == 0 ? goal->absent : (met & goal->met) != 0) != goal->negate;
}

bool match_visit(const struct match *match, size_t visit)
{
    if (!match->of_visits)
        return true;
    if (match->facts->flags[visit] & FLAG_NO_VISIT)
        return false;
    for (size_t i = 0; i < match->visits_count; i++)
        if (!match->visits[i].ok[match->visits[i].values[visit]])
            return false;
    for (size_t i = 0; i < match->goals_count; i++)
        if (!goals_match(&match->goals[i], match->facts->numbers[NUMBER_GOALS][visit]))
            return false;
    return true;
}

static bool prop_matches(const struct match_prop *prop, const struct facts *facts, size_t event)
{
    for (uint32_t i = facts->props_from[event]; i < facts->props_from[event + 1]; i++)
        if (facts->props[i] >= prop->from && facts->props[i] < prop->to)
            return prop->ok[facts->props[i] - prop->from];
    return prop->absent;
}

bool match_event(const struct match *match, size_t event)
{
    for (size_t i = 0; i < match->events_count; i++)
        if (!match->events[i].ok[match->events[i].values[event]])
            return false;
    for (size_t i = 0; i < match->props_count; i++)
        if (!prop_matches(&match->props[i], match->facts, event))
            return false;
    return true;
}
