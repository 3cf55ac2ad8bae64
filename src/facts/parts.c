/*
 * facts/parts.c -- which parts of a pack a question needs.
 *
 * A column may stand in the part that small ones share or in its own, so both are named. A set of
 * columns is a number with a bit for each.
 */
#include "facts/facts_internal.h"

struct columns {
    uint64_t visits, events;
};

#define BIT(column) (UINT64_C(1) << (column))
#define NUMBER_BIT(number) BIT(VISITS_NUMBER + (number))

_Static_assert(VISITS_COLUMNS <= 64 && EVENTS_COLUMNS <= 64, "columns are bits of a number");
_Static_assert(2 + VISITS_COLUMNS + EVENTS_COLUMNS <= PACK_PARTS_MAX, "all columns may be named");
_Static_assert(PACK_VISITS + 1 + VISITS_COLUMNS <= PACK_EVENTS, "parts have their kind's numbers");

static const struct columns structure = {
    BIT(VISITS_META) | BIT(VISITS_BY_VISITOR) | BIT(VISITS_FLAGS) | NUMBER_BIT(NUMBER_DURATION), 0};
/* The sums of their events that visits keep: of all that is counted, and of totals alone. */
static const struct columns visit_sums = {
    NUMBER_BIT(NUMBER_PAGEVIEWS) | NUMBER_BIT(NUMBER_CONVERSIONS) | NUMBER_BIT(NUMBER_GOALS), 0};
static const struct columns visit_totals = {
    NUMBER_BIT(NUMBER_LEADS) | NUMBER_BIT(NUMBER_FORMS) | NUMBER_BIT(NUMBER_EXPORTS) |
        NUMBER_BIT(NUMBER_AUTOMATION_RUNS) | NUMBER_BIT(NUMBER_AI_TOKENS),
    0};
static const struct columns single_events = {0, BIT(EVENTS_META) | BIT(EVENTS_BY_VISIT) |
                                                    BIT(EVENTS_NAME) | BIT(EVENTS_EXTRA) |
                                                    BIT(EVENTS_GOALS)};

static void add(struct columns *sum, struct columns more)
{
    sum->visits |= more.visits;
    sum->events |= more.events;
}

/* Where a dimension's values stand. */
static struct columns values_of(enum dimension dimension)
{
    switch ((int)dimension) {
    case DIM_PAGE:
        return (struct columns){0, BIT(EVENTS_PAGE)};
    case DIM_EVENT:
        return (struct columns){0, BIT(EVENTS_NAME)};
    case DIM_PROP:
        return (struct columns){0, BIT(EVENTS_PROPS)};
    case DIM_GOAL:
        return (struct columns){NUMBER_BIT(NUMBER_GOALS), 0};
    case DIMENSIONS:
        return (struct columns){0, 0};
    default:
        return (struct columns){BIT(VISITS_VALUE + (unsigned)dimension), 0};
    }
}

static struct columns columns_of(enum dimension dimension, const struct filter *filters,
                                 size_t filters_count, bool hours)
{
    struct columns columns = structure;
    bool totals = dimension == DIMENSIONS;
    bool events = hours || (!totals && !dimension_of_visit(dimension));

    for (size_t i = 0; i < filters_count; i++) {
        events = events || !dimension_of_visit(filters[i].dimension);
        add(&columns, values_of(filters[i].dimension));
    }
    add(&columns, values_of(dimension));
    add(&columns, events ? single_events : visit_sums);
    if (totals && !events)
        add(&columns, visit_totals);
    if (dimension == DIM_GOAL && !events)
        columns.visits |= BIT(VISITS_GOAL_COUNTS);
    if (dimension == DIM_PAGE)
        columns.events |= BIT(EVENTS_AMOUNT) | BIT(EVENTS_SCROLL);
    if (totals && events)
        columns.events |= BIT(EVENTS_AMOUNT);
    if (hours)
        add(&columns, (struct columns){BIT(VISITS_HOUR), BIT(EVENTS_HOUR)});
    return columns;
}

static size_t name_parts(uint64_t columns, int32_t shared, int32_t *parts)
{
    size_t count = 0;

    if (columns != 0)
        parts[count++] = shared;
    for (; columns != 0; columns &= columns - 1)
        parts[count++] = shared + 1 + __builtin_ctzll(columns);
    return count;
}

size_t facts_parts(enum dimension dimension, const struct filter *filters, size_t filters_count,
                   bool hours, int32_t parts[PACK_PARTS_MAX], bool *events)
{
    *events = false;
    if (filters_count == 0 && dimension != DIMENSIONS && !hours) {
        parts[0] = PACK_ROLLUPS;
        parts[1] = PACK_ROLLUPS + 1 + (int32_t)dimension;
        return 2;
    }
    struct columns columns = columns_of(dimension, filters, filters_count, hours);
    size_t count = name_parts(columns.visits, PACK_VISITS, parts);

    *events = columns.events != 0;
    return count + name_parts(columns.events, PACK_EVENTS, parts + count);
}
