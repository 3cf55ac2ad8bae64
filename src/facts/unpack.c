/*
 * facts/unpack.c -- facts from the parts of a pack (pack.c has the format).
 *
 * Every column that is in the parts is read, and all of it is checked here, once: what was unpacked
 * can be counted without looking twice. A column that is not there reads as zeros, of which there
 * is one array for all.
 */
#include "facts/facts_internal.h"

/* The bytes of the columns; NULL: not there. */
struct unpack {
    struct arena *arena;
    struct facts *facts;
    struct str visits[VISITS_COLUMNS], events[EVENTS_COLUMNS];
    const void *zeros;
    size_t zeros_size;
};

/* -- parts ---------------------------------------------------------------------------------- */

/* Which column a part or an entry of one is, if it is one of this version. */
static void take(struct str *columns, size_t room, uint64_t column, struct str bytes)
{
    if (column < room)
        columns[column] = bytes;
}

static bool take_small(struct str *columns, size_t room, struct str bytes)
{
    struct reader reader = reader_of(bytes);

    while (reader.at < reader.end) {
        uint64_t column = read_uint(&reader);

        take(columns, room, column, read_text(&reader));
    }
    return !reader.bad;
}

static bool take_part(struct unpack *u, const struct pack_part *part)
{
    if (part->part == PACK_VISITS)
        return take_small(u->visits, VISITS_COLUMNS, part->bytes);
    if (part->part == PACK_EVENTS)
        return take_small(u->events, EVENTS_COLUMNS, part->bytes);
    if (part->part > PACK_EVENTS)
        take(u->events, EVENTS_COLUMNS, (uint64_t)(part->part - PACK_EVENTS - 1), part->bytes);
    else if (part->part > PACK_VISITS)
        take(u->visits, VISITS_COLUMNS, (uint64_t)(part->part - PACK_VISITS - 1), part->bytes);
    return true;
}

/* -- columns -------------------------------------------------------------------------------- */

/* The whole of `bytes`, or nothing of them. */
static bool done(const struct reader *reader)
{
    return !reader->bad && reader->at == reader->end;
}

static bool get(struct unpack *u, struct str bytes, size_t count, uint32_t max,
                const uint32_t **out)
{
    struct reader reader = reader_of(bytes);

    if (bytes.len == 0)
        return true;
    const uint32_t *values = read_column(&reader, count, max, u->arena);

    if (done(&reader))
        *out = values;
    return done(&reader);
}

static bool get_wide(struct unpack *u, struct str bytes, size_t count, uint64_t max,
                     const uint64_t **out)
{
    struct reader reader = reader_of(bytes);

    if (bytes.len == 0)
        return true;
    const uint64_t *values = read_wide_column(&reader, count, max, u->arena);

    if (done(&reader))
        *out = values;
    return done(&reader);
}

static bool get_values(struct unpack *u, struct str bytes, size_t count, enum dimension dimension)
{
    struct facts *facts = u->facts;
    struct reader reader = reader_of(bytes);

    if (bytes.len == 0)
        return true;
    struct dict dict = read_dict(&reader, u->arena);

    if (reader.bad)
        return false;
    const uint32_t *values = read_column(&reader, count, dict.count - 1, u->arena);

    if (!done(&reader))
        return false;
    facts->dicts[dimension] = dict;
    facts->values[dimension] = values;
    return true;
}

static uint64_t sum_of(const uint32_t *values, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* At least so many zeros, of either width: they are never written to. */
static const void *zeros(struct unpack *u, size_t bytes)
{
    if (bytes > u->zeros_size) {
        u->zeros = arena_alloc(u->arena, bytes, 1);
        u->zeros_size = bytes;
    }
    return u->zeros;
}

/* For all columns of visits that are not there. */
static void give_visits(struct unpack *u)
{
    struct facts *facts = u->facts;
    size_t count = facts->visits > facts->visitors ? facts->visits : facts->visitors;
    const uint32_t *narrow = zeros(u, (count + 1) * sizeof(uint64_t));
    const uint64_t *wide = zeros(u, (count + 1) * sizeof(uint64_t));

    facts->visits_of = facts->events_of = facts->flags = facts->visit_hours = narrow;
    facts->goal_counts = wide;
    for (unsigned i = 0; i < VISIT_NUMBERS; i++)
        facts->numbers[i] = wide;
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (dimension_has_text((enum dimension)d))
            facts->values[d] = narrow;
}

/* And of events; of wide ones only where there is one that is not. */
static void give_events(struct unpack *u)
{
    struct facts *facts = u->facts;
    size_t count = facts->events + facts->loose_events + 1;
    bool wide = u->events[EVENTS_GOALS].len == 0 || u->events[EVENTS_AMOUNT].len == 0;
    size_t bytes = count * (wide ? sizeof(uint64_t) : sizeof(uint32_t));

    facts->values[DIM_PAGE] = facts->event_hours = facts->extra = zeros(u, bytes);
    facts->scroll = facts->props_from = facts->props = zeros(u, bytes);
    facts->goals_met = facts->amount = zeros(u, bytes);
}

/* -- visits --------------------------------------------------------------------------------- */

static void get_goals(struct unpack *u, struct reader *reader)
{
    struct facts *facts = u->facts;
    uint64_t count = read_uint(reader);

    if (count > GOALS_MAX) {
        reader->bad = true;
        return;
    }
    facts->goals = ARENA_NEW(u->arena, struct fact_goal, GOALS_MAX);
    facts->goals_count = (size_t)count;
    for (size_t i = 0; i < facts->goals_count; i++) {
        facts->goals[i].name = arena_str(u->arena, read_text(reader));
        facts->goals[i].of_pageviews = read_uint(reader) != 0;
    }
}

static void get_hours(struct unpack *u, struct reader *reader)
{
    uint64_t count = read_uint(reader), before = 0;
    int64_t *hours = ARENA_NEW(u->arena, int64_t, FACTS_HOURS_MAX);

    if (count > FACTS_HOURS_MAX) {
        reader->bad = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        before += (uint64_t)read_int(reader);
        hours[i] = (int64_t)before;
    }
    u->facts->hours = hours;
    u->facts->hours_count = (size_t)count;
}

static void get_loose(struct unpack *u, struct reader *reader)
{
    struct facts *facts = u->facts;
    int64_t *goals = ARENA_NEW(u->arena, int64_t, GOALS_MAX);

    facts->loose = (struct stats){.pageviews = read_sum(reader),
                                  .leads = read_sum(reader),
                                  .forms = read_sum(reader),
                                  .exports = read_sum(reader),
                                  .automation_runs = read_sum(reader),
                                  .ai_tokens = read_sum(reader),
                                  .conversions = read_sum(reader)};
    facts->loose.unattributed_conversions = facts->loose.conversions;
    for (size_t i = 0; i < facts->goals_count; i++)
        goals[i] = read_sum(reader);
    facts->loose_goals = goals;
}

/* How many there are is believed only where the flags' bytes can hold them. */
static bool get_visits_meta(struct unpack *u)
{
    struct facts *facts = u->facts;
    struct reader reader = reader_of(u->visits[VISITS_META]);
    uint64_t version = read_uint(&reader);
    uint64_t visitors = read_uint(&reader), visits = read_uint(&reader);

    get_goals(u, &reader);
    get_hours(u, &reader);
    get_loose(u, &reader);
    if (!done(&reader) || version != PACK_VERSION ||
        !column_fits(u->visits[VISITS_FLAGS], visits) ||
        !column_fits(u->visits[VISITS_BY_VISITOR], visitors))
        return false;
    facts->visitors = (size_t)visitors;
    facts->visits = (size_t)visits;
    return true;
}

/* They may share a part with what was asked for, and come without the sets that they belong to. */
static bool get_goal_counts(struct unpack *u)
{
    struct facts *facts = u->facts;
    struct reader reader = reader_of(u->visits[VISITS_GOAL_COUNTS]);
    uint64_t met = 0;

    for (size_t i = 0; i < facts->visits; i++)
        met += (uint64_t)__builtin_popcountll(facts->numbers[NUMBER_GOALS][i]);
    if (reader.at == reader.end || met == 0) {
        facts->goal_counts = ARENA_NEW(u->arena, uint64_t, (size_t)met + 1);
        return true;
    }
    if (read_uint(&reader) != met)
        return false;
    const uint64_t *counts = read_wide_column(&reader, (size_t)met, SUM_MAX, u->arena);

    if (done(&reader))
        facts->goal_counts = counts;
    return done(&reader);
}

static bool get_visits(struct unpack *u)
{
    struct facts *facts = u->facts;
    uint32_t hour_max = facts->hours_count == 0 ? 0 : (uint32_t)facts->hours_count - 1;
    bool ok =
        get(u, u->visits[VISITS_BY_VISITOR], facts->visitors, UINT32_MAX, &facts->visits_of) &&
        get(u, u->visits[VISITS_FLAGS], facts->visits, UINT32_MAX, &facts->flags) &&
        get(u, u->visits[VISITS_HOUR], facts->visits, hour_max, &facts->visit_hours) &&
        sum_of(facts->visits_of, facts->visitors) == facts->visits;

    for (unsigned i = 0; ok && i < VISIT_NUMBERS; i++) {
        uint64_t max = i == NUMBER_GOALS ? (UINT64_C(1) << facts->goals_count) - 1 : SUM_MAX;

        ok = get_wide(u, u->visits[VISITS_NUMBER + i], facts->visits, max, &facts->numbers[i]);
    }
    for (unsigned d = 0; ok && d < DIMENSIONS; d++)
        if (dimension_has_text((enum dimension)d))
            ok = get_values(u, u->visits[VISITS_VALUE + d], facts->visits, (enum dimension)d);
    return ok && get_goal_counts(u);
}

/* -- events --------------------------------------------------------------------------------- */

static bool get_events_meta(struct unpack *u)
{
    struct facts *facts = u->facts;
    struct reader reader = reader_of(u->events[EVENTS_META]);
    uint64_t version = read_uint(&reader);
    uint64_t events = read_uint(&reader), loose = read_uint(&reader);

    if (!done(&reader) || version != PACK_VERSION || events > UINT32_MAX || loose > UINT32_MAX ||
        !column_fits(u->events[EVENTS_NAME], events + loose))
        return false;
    facts->events = (size_t)events;
    facts->loose_events = (size_t)loose;
    return true;
}

/* By the number of an event's name: 1 where its kind has the column. What comes next among events
 * cannot be foretold, so the loops over them have no branch. */
static const uint32_t *names_with(struct unpack *u, bool (*has)(uint8_t kind))
{
    const struct facts *facts = u->facts;
    uint32_t count = facts->dicts[DIM_EVENT].count;
    uint32_t *with = arena_bytes(u->arena, count * sizeof(with[0]));

    for (uint32_t i = 0; i < count; i++)
        with[i] = has(facts->kinds[i]);
    return with;
}

static size_t count_with(const uint32_t *names, const uint32_t *with, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += with[names[i]];
    return sum;
}

/* Columns that stand for events of some kinds alone, in full. */
static bool get_amounts(struct unpack *u, size_t count)
{
    if (u->events[EVENTS_AMOUNT].len == 0)
        return true;
    const uint32_t *names = u->facts->values[DIM_EVENT], *with = names_with(u, has_amount);
    const uint64_t none = 0, *kept = NULL;
    size_t kept_count = count_with(names, with, count), at = 0;

    if (!get_wide(u, u->events[EVENTS_AMOUNT], kept_count, SUM_MAX, &kept))
        return false;
    if (kept_count == 0)
        kept = &none;
    uint64_t *amounts = arena_bytes(u->arena, (count + 1) * sizeof(amounts[0]));

    for (size_t i = 0; i < count; i++) {
        uint64_t has = with[names[i]];

        amounts[i] = kept[at < kept_count ? at : 0] & -has;
        at += has;
    }
    u->facts->amount = amounts;
    return true;
}

static bool get_scrolls(struct unpack *u, size_t count)
{
    if (u->events[EVENTS_SCROLL].len == 0)
        return true;
    const uint32_t *names = u->facts->values[DIM_EVENT], *with = names_with(u, has_scroll);
    const uint32_t none = 0, *kept = NULL;
    size_t kept_count = count_with(names, with, count), at = 0;

    if (!get(u, u->events[EVENTS_SCROLL], kept_count, SCROLL_MAX + 1, &kept))
        return false;
    if (kept_count == 0)
        kept = &none;
    uint32_t *scrolls = arena_bytes(u->arena, (count + 1) * sizeof(scrolls[0]));

    for (size_t i = 0; i < count; i++) {
        uint32_t has = with[names[i]];

        scrolls[i] = kept[at < kept_count ? at : 0] & -has;
        at += has;
    }
    u->facts->scroll = scrolls;
    return true;
}

static bool props_are_named(struct dict dict)
{
    for (uint32_t i = 1; i < dict.count; i++)
        if (str_find(dict.values[i], 0, '\0') == dict.values[i].len)
            return false;
    return true;
}

static bool get_props(struct unpack *u, size_t count)
{
    struct reader reader = reader_of(u->events[EVENTS_PROPS]);

    if (u->events[EVENTS_PROPS].len == 0)
        return true;
    struct dict dict = read_dict(&reader, u->arena);
    const uint32_t *counts = read_column(&reader, count, EVENT_PROPS_MAX, u->arena);
    uint64_t props_count = read_uint(&reader);

    if (reader.bad || dict.count < 2 || props_count != sum_of(counts, count) ||
        !props_are_named(dict))
        return false;
    const uint32_t *props = read_column(&reader, (size_t)props_count, dict.count - 1, u->arena);

    if (!done(&reader) || props_count > UINT32_MAX)
        return false;
    for (size_t i = 0; i < props_count; i++)
        if (props[i] == 0)
            return false;
    uint32_t *from = arena_bytes(u->arena, (count + 1) * sizeof(from[0]));

    from[0] = 0;
    for (size_t i = 0; i < count; i++)
        from[i + 1] = from[i] + counts[i];
    u->facts->dicts[DIM_PROP] = dict;
    u->facts->props_from = from;
    u->facts->props = props;
    return true;
}

static bool get_events(struct unpack *u)
{
    struct facts *facts = u->facts;
    size_t count = facts->events + facts->loose_events;
    uint32_t hour_max = facts->hours_count == 0 ? 0 : (uint32_t)facts->hours_count - 1;

    if (!get(u, u->events[EVENTS_BY_VISIT], facts->visits, UINT32_MAX, &facts->events_of) ||
        sum_of(facts->events_of, facts->visits) != facts->events ||
        !get_values(u, u->events[EVENTS_NAME], count, DIM_EVENT))
        return false;
    facts->kinds = kinds_of(facts->dicts[DIM_EVENT], u->arena);
    return get_values(u, u->events[EVENTS_PAGE], count, DIM_PAGE) &&
           get(u, u->events[EVENTS_HOUR], count, hour_max, &facts->event_hours) &&
           get(u, u->events[EVENTS_EXTRA], count, EVENT_COUNT_MAX - 1, &facts->extra) &&
           get_wide(u, u->events[EVENTS_GOALS], count, (UINT64_C(1) << facts->goals_count) - 1,
                    &facts->goals_met) &&
           get_amounts(u, count) && get_scrolls(u, count) && get_props(u, count);
}

/* -- all ------------------------------------------------------------------------------------ */

static bool unpack_all(struct unpack *u)
{
    bool visits = u->visits[VISITS_META].len > 0, events = u->events[EVENTS_META].len > 0;

    if ((visits && !get_visits_meta(u)) || (events && !get_events_meta(u)))
        return false;
    give_visits(u);
    if (visits && !get_visits(u))
        return false;
    give_events(u);
    return !events || get_events(u);
}

int facts_unpack(const struct site *site, int32_t day, const struct pack_part *parts, size_t count,
                 struct arena *arena, struct facts **out, struct err *err)
{
    struct unpack u = {.arena = arena, .facts = facts_empty(site->id, day, arena)};

    for (size_t i = 0; i < count; i++)
        if (!take_part(&u, &parts[i]))
            return err_set(err, ERR_CORRUPT, "part %d of a pack is damaged", (int)parts[i].part);
    if (!unpack_all(&u))
        return err_set(err, ERR_CORRUPT, "the columns of a pack are damaged");
    *out = u.facts;
    return 0;
}
