/*
 * facts/pack.c -- a day as parts.
 *
 * A part is a row of the store; facts.h says which there are. Bytes are made of what column.c
 * describes: uint, int, text, column, dict.
 *
 *     rollups, small together    for each: uint 1 + dimension, text: its bytes
 *     a rollup                   rollup.c; of properties, for each name in bytewise order: text
 *                                name, text rollup
 *     columns, small together    for each: uint number, text: its bytes
 *
 * Columns of visits (enum visit_column); the columns of numbers are empty where all are zero:
 *
 *     META         uint version, uint visitors, uint visits, uint count of goals, for each: text
 *                  name, uint 1 if only pageviews meet it; uint count of hours, for each int
 *                  milliseconds since the one before; of events without a visitor: uints pageviews,
 *                  leads, forms, exports, automation runs, AI tokens, conversions, then for each
 *                  goal its conversions
 *     BY_VISITOR   column: how many visits each visitor has
 *     FLAGS        column: FLAG_ bits; never empty
 *     HOUR         column: of visits that began this day the number of the hour
 *     GOAL_COUNTS  uint count, column: for each visit, for each goal that it met, conversions
 *     NUMBER + n   column: enum visit_number
 *     VALUE + d    dict, column: the number in the dict of each visit
 *
 * Columns of events (enum event_column), first those of visits in their order, then those without:
 *
 *     META         uint version, uint events of visits, uint events without a visitor
 *     BY_VISIT     column: how many events each visit has
 *     NAME         dict, column; never empty
 *     PAGE         dict, column: of a conversion without a path the page that it belongs to
 *     HOUR         column
 *     EXTRA        column: count - 1
 *     GOALS        column: bit i for goal i
 *     AMOUNT       column: for engagement and ai.usage events alone
 *     SCROLL       column: for engagement alone, depth + 1, or 0
 *     PROPS        dict of name NUL value, column: how many each event has, uint count, column:
 * those
 *
 * Visitors are numbers in the order in which they came: no id of anybody is here.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>

enum { PARTS_ROOM = 1 + DIMENSIONS + 1 + VISITS_COLUMNS + 1 + EVENTS_COLUMNS };

struct pack {
    const struct facts *facts;
    struct str site;
    struct arena *arena;  /* of the parts */
    struct arena scratch; /* of what they are made from */
    struct pack_part *parts;
    size_t count;
    struct buf column;
};

static void add_part(struct pack *pack, int32_t part, struct str bytes)
{
    pack->parts[pack->count++] =
        (struct pack_part){pack->site, pack->facts->day, part, arena_str(pack->arena, bytes)};
}

/* What was put into `column` becomes part shared + 1 + number, or goes to those that share. */
static void end_column(struct pack *pack, int32_t shared, unsigned number, struct buf *small)
{
    struct str bytes = buf_str(&pack->column);

    if (bytes.len >= PACK_SMALL) {
        add_part(pack, shared + 1 + (int32_t)number, bytes);
    } else if (bytes.len > 0) {
        put_uint(small, shared == PACK_ROLLUPS ? 1 + number : number);
        put_text(small, bytes);
    }
    buf_reset(&pack->column);
}

/* -- rollups -------------------------------------------------------------------------------- */

static struct str rollup_of(struct pack *pack, enum dimension dimension, struct str prop,
                            size_t most)
{
    struct counts *counts = counts_new(&pack->scratch, dimension, prop);

    facts_count(pack->facts, NULL, 0, most, counts);
    return counts_save(counts, SIZE_MAX, &pack->scratch);
}

struct named {
    uint32_t from, to; /* its numbers in the dict */
    uint32_t visitors, last;
};

static int by_visitors(const void *a, const void *b)
{
    const struct named *x = a, *y = b;

    if (x->visitors != y->visitors)
        return x->visitors > y->visitors ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* The names of the dict; (*of)[i] is that of number i. */
static struct named *list_names(struct pack *pack, size_t *count, uint32_t **of)
{
    struct dict dict = pack->facts->dicts[DIM_PROP];
    struct named *names = ARENA_NEW(&pack->scratch, struct named, dict.count);

    *of = ARENA_NEW(&pack->scratch, uint32_t, dict.count);
    *count = 0;
    for (uint32_t i = 1; i < dict.count; i++) {
        if (i == 1 || !str_eq(prop_name(dict.values[i - 1]), prop_name(dict.values[i])))
            names[(*count)++] = (struct named){.from = i};
        names[*count - 1].to = i + 1;
        (*of)[i] = (uint32_t)*count - 1;
    }
    return names;
}

static void count_visitors(const struct facts *facts, struct named *names, const uint32_t *of)
{
    size_t visit = 0, event = 0;

    for (uint32_t v = 0; v < facts->visitors; v++)
        for (uint32_t n = facts->visits_of[v]; n > 0; n--, visit++) {
            uint32_t from = facts->props_from[event];

            event += facts->events_of[visit];
            for (uint32_t i = from; i < facts->props_from[event]; i++) {
                struct named *name = &names[of[facts->props[i]]];

                name->visitors += name->last != v + 1;
                name->last = v + 1;
            }
        }
}

/* Of the names with most visitors. */
static void put_props(struct pack *pack, size_t most)
{
    uint32_t *of;
    size_t count;
    struct named *names = list_names(pack, &count, &of);

    count_visitors(pack->facts, names, of);
    qsort(names, count, sizeof(names[0]), by_visitors);
    if (count > PACK_PROPS_MAX)
        count = PACK_PROPS_MAX;
    qsort(names, count, sizeof(names[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        struct str name = prop_name(pack->facts->dicts[DIM_PROP].values[names[i].from]);

        put_text(&pack->column, name);
        put_text(&pack->column, rollup_of(pack, DIM_PROP, name, most));
    }
}

static void put_rollups(struct pack *pack, size_t most)
{
    struct buf small = {0};

    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if (d == DIM_PROP)
            put_props(pack, most);
        else
            buf_add(&pack->column, rollup_of(pack, (enum dimension)d, STR(""), most));
        end_column(pack, PACK_ROLLUPS, d, &small);
        arena_reset(&pack->scratch);
    }
    add_part(pack, PACK_ROLLUPS, buf_str(&small));
    buf_release(&small);
}

/* -- columns of visits ---------------------------------------------------------------------- */

static void put_visits_meta(struct buf *out, const struct facts *facts)
{
    const int64_t loose[] = {facts->loose.pageviews,       facts->loose.leads,
                             facts->loose.forms,           facts->loose.exports,
                             facts->loose.automation_runs, facts->loose.ai_tokens,
                             facts->loose.conversions};
    int64_t before = 0;

    put_uint(out, PACK_VERSION);
    put_uint(out, facts->visitors);
    put_uint(out, facts->visits);
    put_uint(out, facts->goals_count);
    for (size_t i = 0; i < facts->goals_count; i++) {
        put_text(out, facts->goals[i].name);
        put_uint(out, facts->goals[i].of_pageviews);
    }
    put_uint(out, facts->hours_count);
    for (size_t i = 0; i < facts->hours_count; before = facts->hours[i++])
        put_int(out, facts->hours[i] - before);
    for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++)
        put_uint(out, (uint64_t)loose[i]);
    for (size_t i = 0; i < facts->goals_count; i++)
        put_uint(out, (uint64_t)facts->loose_goals[i]);
}

static bool any(const uint32_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0)
            return true;
    return false;
}

static bool any_wide(const uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != 0)
            return true;
    return false;
}

static void put_any(struct buf *out, const uint32_t *values, size_t count)
{
    if (any(values, count))
        put_column(out, values, count);
}

static void put_any_wide(struct buf *out, const uint64_t *values, size_t count)
{
    if (any_wide(values, count))
        put_wide_column(out, values, count);
}

static void put_visits_column(struct buf *out, const struct facts *facts, unsigned column)
{
    if (column == VISITS_META) {
        put_visits_meta(out, facts);
    } else if (column == VISITS_BY_VISITOR) {
        put_column(out, facts->visits_of, facts->visitors);
    } else if (column == VISITS_FLAGS) {
        put_column(out, facts->flags, facts->visits);
    } else if (column == VISITS_HOUR) {
        put_any(out, facts->visit_hours, facts->visits);
    } else if (column == VISITS_GOAL_COUNTS) {
        put_uint(out, facts->goal_counts_count);
        put_wide_column(out, facts->goal_counts, facts->goal_counts_count);
    } else if (column >= VISITS_NUMBER && column < VISITS_NUMBER + VISIT_NUMBERS) {
        put_any_wide(out, facts->numbers[column - VISITS_NUMBER], facts->visits);
    } else if (column >= VISITS_VALUE && column < VISITS_VALUE + DIMENSIONS &&
               dimension_has_text((enum dimension)(column - VISITS_VALUE)) &&
               any(facts->values[column - VISITS_VALUE], facts->visits)) {
        put_dict(out, facts->dicts[column - VISITS_VALUE]);
        put_column(out, facts->values[column - VISITS_VALUE], facts->visits);
    }
}

/* -- columns of events ---------------------------------------------------------------------- */

static void put_events_meta(struct buf *out, const struct facts *facts)
{
    put_uint(out, PACK_VERSION);
    put_uint(out, facts->events);
    put_uint(out, facts->loose_events);
}

static void put_amounts(struct pack *pack, size_t count)
{
    const struct facts *facts = pack->facts;
    uint64_t *amounts = ARENA_NEW(&pack->scratch, uint64_t, count);
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (has_amount(facts->kinds[facts->values[DIM_EVENT][i]]))
            amounts[kept++] = facts->amount[i];
    put_any_wide(&pack->column, amounts, kept);
}

static void put_scrolls(struct pack *pack, size_t count)
{
    const struct facts *facts = pack->facts;
    uint32_t *scrolls = ARENA_NEW(&pack->scratch, uint32_t, count);
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (has_scroll(facts->kinds[facts->values[DIM_EVENT][i]]))
            scrolls[kept++] = facts->scroll[i];
    put_any(&pack->column, scrolls, kept);
}

static void put_event_props(struct pack *pack, size_t count)
{
    const struct facts *facts = pack->facts;
    uint32_t *counts = ARENA_NEW(&pack->scratch, uint32_t, count);

    if (facts->props_from[count] == 0)
        return;
    for (size_t i = 0; i < count; i++)
        counts[i] = facts->props_from[i + 1] - facts->props_from[i];
    put_dict(&pack->column, facts->dicts[DIM_PROP]);
    put_column(&pack->column, counts, count);
    put_uint(&pack->column, facts->props_from[count]);
    put_column(&pack->column, facts->props, facts->props_from[count]);
}

static void put_events_column(struct pack *pack, enum event_column column)
{
    const struct facts *facts = pack->facts;
    size_t count = facts->events + facts->loose_events;
    struct buf *out = &pack->column;

    switch (column) {
    case EVENTS_META:
        put_events_meta(out, facts);
        break;
    case EVENTS_BY_VISIT:
        put_column(out, facts->events_of, facts->visits);
        break;
    case EVENTS_NAME:
    case EVENTS_PAGE:
        put_dict(out, facts->dicts[column == EVENTS_NAME ? DIM_EVENT : DIM_PAGE]);
        put_column(out, facts->values[column == EVENTS_NAME ? DIM_EVENT : DIM_PAGE], count);
        break;
    case EVENTS_HOUR:
        put_any(out, facts->event_hours, count);
        break;
    case EVENTS_EXTRA:
        put_any(out, facts->extra, count);
        break;
    case EVENTS_GOALS:
        put_any_wide(out, facts->goals_met, count);
        break;
    case EVENTS_AMOUNT:
        put_amounts(pack, count);
        break;
    case EVENTS_SCROLL:
        put_scrolls(pack, count);
        break;
    case EVENTS_PROPS:
        put_event_props(pack, count);
        break;
    case EVENTS_COLUMNS:
        break;
    }
}

/* -- all ------------------------------------------------------------------------------------ */

static void put_visits(struct pack *pack)
{
    struct buf small = {0};

    for (unsigned i = 0; i < VISITS_COLUMNS; i++) {
        put_visits_column(&pack->column, pack->facts, i);
        end_column(pack, PACK_VISITS, i, &small);
    }
    add_part(pack, PACK_VISITS, buf_str(&small));
    buf_release(&small);
}

static void put_events(struct pack *pack)
{
    struct buf small = {0};

    for (unsigned i = 0; i < EVENTS_COLUMNS; i++) {
        put_events_column(pack, (enum event_column)i);
        end_column(pack, PACK_EVENTS, i, &small);
        arena_reset(&pack->scratch);
    }
    add_part(pack, PACK_EVENTS, buf_str(&small));
    buf_release(&small);
}

static int by_part(const void *a, const void *b)
{
    const struct pack_part *x = a, *y = b;

    return (x->part > y->part) - (x->part < y->part);
}

void facts_pack(const struct facts *facts, size_t most, struct arena *arena,
                struct pack_part **parts, size_t *count)
{
    struct pack pack = {.facts = facts, .site = facts->site, .arena = arena};

    pack.parts = ARENA_NEW(arena, struct pack_part, PARTS_ROOM);
    if (facts->events + facts->loose_events == 0) {
        add_part(&pack, PACK_ROLLUPS, STR(""));
    } else {
        put_rollups(&pack, most);
        put_visits(&pack);
        put_events(&pack);
    }
    qsort(pack.parts, pack.count, sizeof(pack.parts[0]), by_part);
    *parts = pack.parts;
    *count = pack.count;
    buf_release(&pack.column);
    arena_free(&pack.scratch);
}
