/*
 * facts/columns.c -- a day that has its order becomes columns.
 */
#include "facts/facts_internal.h"

/* -- columns of events ---------------------------------------------------------------------- */

static void fill_props(struct arrange *a, size_t count)
{
    const struct build *build = a->build;
    uint32_t *from = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint32_t *props = ARENA_NEW(build->arena, uint32_t, build->props_count + 1);
    uint32_t at = 0;

    for (size_t i = 0; i < count; i++) {
        const struct draft *draft = &build->events[a->events[i] - 1];

        from[i] = at;
        for (uint32_t k = 0; k < draft->props_count; k++)
            props[at++] = a->ranks[DIM_PROP][build->props[draft->props + k]];
    }
    from[count] = at;
    a->facts->props_from = from;
    a->facts->props = props;
}

static void fill_events(struct arrange *a)
{
    struct build *build = a->build;
    size_t count = build->events_count;
    uint32_t *name = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint32_t *page = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint32_t *hour = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint32_t *extra = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint32_t *scroll = ARENA_NEW(build->arena, uint32_t, count + 1);
    uint64_t *goals = ARENA_NEW(build->arena, uint64_t, count + 1);
    uint64_t *amount = ARENA_NEW(build->arena, uint64_t, count + 1);

    for (size_t i = 0; i < count; i++) {
        const struct draft *draft = &build->events[a->events[i] - 1];

        name[i] = a->ranks[DIM_EVENT][draft->name];
        page[i] = a->ranks[DIM_PAGE][draft->page];
        hour[i] = arrange_hour(a, draft->hour_ms);
        extra[i] = (uint32_t)(draft->count - 1);
        scroll[i] = (uint32_t)(draft->scroll + 1);
        goals[i] = draft->goals;
        amount[i] = (uint64_t)draft->amount;
    }
    a->facts->values[DIM_EVENT] = name;
    a->facts->values[DIM_PAGE] = page;
    a->facts->event_hours = hour;
    a->facts->extra = extra;
    a->facts->scroll = scroll;
    a->facts->goals_met = goals;
    a->facts->amount = amount;
    fill_props(a, count);
}

/* -- columns of visits ---------------------------------------------------------------------- */

/* What is summed up of a visit's, or of all loose, events. */
struct sums {
    int64_t numbers[VISIT_NUMBERS];
    int64_t goals[GOALS_MAX];
    bool present;
};

static int number_of(enum event_kind kind)
{
    static const int numbers[EVENT_KINDS] = {
        [EVENT_PAGEVIEW] = NUMBER_PAGEVIEWS,
        [EVENT_LEAD_CREATED] = NUMBER_LEADS,
        [EVENT_FORM_SUBMIT] = NUMBER_FORMS,
        [EVENT_AUTOMATION_RUN] = NUMBER_AUTOMATION_RUNS,
        [EVENT_AI_USAGE] = NUMBER_AI_TOKENS,
        [EVENT_EXPORT_COMPLETED] = NUMBER_EXPORTS,
        [EVENT_ENGAGEMENT] = -1,
        [EVENT_CUSTOM] = -1,
    };

    return numbers[kind];
}

static void sums_add(struct sums *sums, const struct draft *draft)
{
    int number = number_of(draft->kind);
    int64_t more = draft->kind == EVENT_AI_USAGE ? draft->amount : draft->count;

    if (number >= 0)
        sums->numbers[number] = sum_add(sums->numbers[number], more);
    sums->present = sums->present || draft->kind != EVENT_ENGAGEMENT;
    if (draft->goals == 0)
        return;
    sums->numbers[NUMBER_CONVERSIONS] = sum_add(sums->numbers[NUMBER_CONVERSIONS], draft->count);
    sums->numbers[NUMBER_GOALS] |= (int64_t)draft->goals;
    for (uint64_t goals = draft->goals; goals != 0; goals &= goals - 1) {
        int64_t *sum = &sums->goals[__builtin_ctzll(goals)];

        *sum = sum_add(*sum, draft->count);
    }
}

struct visit_columns {
    uint32_t *flags, *hours, *values[DIMENSIONS];
    uint64_t *numbers[VISIT_NUMBERS];
    uint64_t *goal_counts;
    size_t goal_counts_room;
};

static uint32_t flags_of(const struct arrange *a, const struct run *run, bool present)
{
    bool is_visit = run == NULL ? present : run->first_ms != INT64_MAX;
    uint32_t flags = present ? FLAG_PRESENT : 0;

    if (!is_visit)
        return flags | FLAG_NO_VISIT;
    if (run != NULL && run->first_day == a->build->day)
        flags |= FLAG_BEGAN;
    return flags | (run != NULL && run->bounce ? FLAG_BOUNCE : 0);
}

static void fill_visit(struct arrange *a, struct visit_columns *out, size_t visit,
                       const struct sums *sums)
{
    struct facts *facts = a->facts;
    uint32_t number = a->build->stays[a->stays[visit] - 1].run;
    const struct run *run = number == 0 ? NULL : &a->build->runs[number - 1];

    for (unsigned i = 0; i < VISIT_NUMBERS; i++)
        out->numbers[i][visit] = (uint64_t)sums->numbers[i];
    out->flags[visit] = flags_of(a, run, sums->present);
    for (uint64_t goals = (uint64_t)sums->numbers[NUMBER_GOALS]; goals != 0; goals &= goals - 1) {
        out->goal_counts = grown(a->build->arena, out->goal_counts, facts->goal_counts_count,
                                 &out->goal_counts_room, sizeof(out->goal_counts[0]));
        out->goal_counts[facts->goal_counts_count++] =
            (uint64_t)sums->goals[__builtin_ctzll(goals)];
    }
    if (run == NULL || (out->flags[visit] & FLAG_NO_VISIT))
        return;
    if (run->end_ms > run->first_ms)
        out->numbers[NUMBER_DURATION][visit] = (uint64_t)(run->end_ms - run->first_ms);
    if (out->flags[visit] & FLAG_BEGAN)
        out->hours[visit] = arrange_hour(a, run->first_hour_ms);
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (dimension_has_text((enum dimension)d))
            out->values[d][visit] = a->ranks[d][run->values[d]];
}

static void fill_visits(struct arrange *a)
{
    struct facts *facts = a->facts;
    struct arena *arena = a->build->arena;
    struct visit_columns out = {.flags = ARENA_NEW(arena, uint32_t, facts->visits + 1),
                                .hours = ARENA_NEW(arena, uint32_t, facts->visits + 1)};
    const uint32_t *event = a->events;

    for (unsigned i = 0; i < VISIT_NUMBERS; i++)
        facts->numbers[i] = out.numbers[i] = ARENA_NEW(arena, uint64_t, facts->visits + 1);
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (dimension_has_text((enum dimension)d))
            facts->values[d] = out.values[d] = ARENA_NEW(arena, uint32_t, facts->visits + 1);
    for (size_t i = 0; i < facts->visits; i++) {
        struct sums sums = {0};

        for (uint32_t n = facts->events_of[i]; n > 0; n--)
            sums_add(&sums, &a->build->events[*event++ - 1]);
        fill_visit(a, &out, i, &sums);
    }
    facts->flags = out.flags;
    facts->visit_hours = out.hours;
    if (out.goal_counts != NULL)
        facts->goal_counts = out.goal_counts;
}

/* -- the rest ------------------------------------------------------------------------------- */

static void fill_loose(struct arrange *a)
{
    struct facts *facts = a->facts;
    struct sums sums = {0};
    int64_t *goals = ARENA_NEW(a->build->arena, int64_t, GOALS_MAX);

    for (size_t i = 0; i < facts->loose_events; i++)
        sums_add(&sums, &a->build->events[a->events[facts->events + i] - 1]);
    memcpy(goals, sums.goals, sizeof(sums.goals));
    facts->loose_goals = goals;
    facts->loose = (struct stats){
        .pageviews = sums.numbers[NUMBER_PAGEVIEWS],
        .leads = sums.numbers[NUMBER_LEADS],
        .forms = sums.numbers[NUMBER_FORMS],
        .exports = sums.numbers[NUMBER_EXPORTS],
        .automation_runs = sums.numbers[NUMBER_AUTOMATION_RUNS],
        .ai_tokens = sums.numbers[NUMBER_AI_TOKENS],
        .conversions = sums.numbers[NUMBER_CONVERSIONS],
        .unattributed_conversions = sums.numbers[NUMBER_CONVERSIONS],
    };
}

static void fill_goals(struct arrange *a)
{
    const struct site *site = a->build->site;

    a->facts->goals = ARENA_NEW(a->build->arena, struct fact_goal, GOALS_MAX);
    a->facts->goals_count = site->goals_count;
    for (size_t i = 0; i < site->goals_count; i++)
        a->facts->goals[i] =
            (struct fact_goal){arena_str(a->build->arena, site->goals[i].name),
                               site->goals[i].event.len == 0 ||
                                   str_eq(site->goals[i].event, event_kind_name(EVENT_PAGEVIEW))};
}

void arrange_columns(struct arrange *a)
{
    fill_goals(a);
    fill_events(a);
    fill_visits(a);
    fill_loose(a);
}
