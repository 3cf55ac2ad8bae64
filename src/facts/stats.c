/*
 * facts/stats.c -- a day's totals of what matches, and those of its hours.
 *
 * Visitor by visitor, as count.c does it: each hour remembers whom it counted last.
 */
#include "facts/facts_internal.h"

struct whom {
    uint32_t visitor, converter; /* from 1 on */
};

struct totals {
    const struct facts *facts;
    struct match match;
    struct stats *sum;
    struct whom sum_whom;
    struct facts_hour *hours; /* all of the day's; NULL: not asked for */
    struct whom hours_whom[FACTS_HOURS_MAX];
};

static void add_visit(struct stats *stats, const struct facts *facts, size_t visit)
{
    if (!(facts->flags[visit] & FLAG_BEGAN))
        return;
    stats->visits++;
    stats->bounces += (facts->flags[visit] & FLAG_BOUNCE) != 0;
    stats->visit_ms = sum_add(stats->visit_ms, (int64_t)facts->numbers[NUMBER_DURATION][visit]);
}

/* -- by visits ------------------------------------------------------------------------------ */

static void total_visit(struct totals *t, size_t visit, uint32_t visitor)
{
    static const struct {
        enum visit_number number;
        size_t sum;
    } sums[] = {
        {NUMBER_PAGEVIEWS, offsetof(struct stats, pageviews)},
        {NUMBER_PAGEVIEWS, offsetof(struct stats, visit_pageviews)},
        {NUMBER_CONVERSIONS, offsetof(struct stats, conversions)},
        {NUMBER_LEADS, offsetof(struct stats, leads)},
        {NUMBER_FORMS, offsetof(struct stats, forms)},
        {NUMBER_EXPORTS, offsetof(struct stats, exports)},
        {NUMBER_AUTOMATION_RUNS, offsetof(struct stats, automation_runs)},
        {NUMBER_AI_TOKENS, offsetof(struct stats, ai_tokens)},
    };

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        int64_t *sum = (int64_t *)(void *)((char *)t->sum + sums[i].sum);

        *sum = sum_add(*sum, (int64_t)t->facts->numbers[sums[i].number][visit]);
    }
    add_visit(t->sum, t->facts, visit);
    if (t->sum_whom.visitor != visitor)
        t->sum->unique_visitors++;
    t->sum_whom.visitor = visitor;
    if (t->facts->numbers[NUMBER_GOALS][visit] == 0)
        return;
    if (t->sum_whom.converter != visitor)
        t->sum->converters++;
    t->sum_whom.converter = visitor;
}

static void total_visits(struct totals *t)
{
    const struct facts *facts = t->facts;
    size_t visit = 0;

    if (!t->match.of_visits)
        *t->sum = facts->loose;
    for (uint32_t v = 0; v < facts->visitors; v++)
        for (uint32_t n = facts->visits_of[v]; n > 0; n--, visit++)
            if ((facts->flags[visit] & FLAG_PRESENT) && match_visit(&t->match, visit))
                total_visit(t, visit, v + 1);
}

/* -- by events ------------------------------------------------------------------------------ */

static void add_conversions(struct stats *stats, struct whom *whom, int64_t count, uint32_t visitor)
{
    stats->conversions = sum_add(stats->conversions, count);
    if (visitor == 0) {
        stats->unattributed_conversions = sum_add(stats->unattributed_conversions, count);
        return;
    }
    if (whom->converter != visitor)
        stats->converters++;
    whom->converter = visitor;
}

static void add_event(struct stats *stats, struct whom *whom, const struct facts *facts,
                      size_t event, uint32_t visitor)
{
    enum event_kind kind = (enum event_kind)facts->kinds[facts->values[DIM_EVENT][event]];
    int64_t count = (int64_t)facts->extra[event] + 1;
    int64_t *sum = stats_counter(stats, kind);

    if (sum != NULL)
        *sum = sum_add(*sum, kind == EVENT_AI_USAGE ? (int64_t)facts->amount[event] : count);
    if (kind == EVENT_PAGEVIEW && visitor != 0)
        stats->visit_pageviews = sum_add(stats->visit_pageviews, count);
    if (facts->goals_met[event] != 0)
        add_conversions(stats, whom, count, visitor);
    if (visitor != 0 && whom->visitor != visitor)
        stats->unique_visitors++;
    whom->visitor = visitor != 0 ? visitor : whom->visitor;
}

/* Is it one that counts, and if so, count it. */
static bool total_event(struct totals *t, size_t event, uint32_t visitor)
{
    const struct facts *facts = t->facts;

    if (facts->kinds[facts->values[DIM_EVENT][event]] == EVENT_ENGAGEMENT ||
        !match_event(&t->match, event))
        return false;
    add_event(t->sum, &t->sum_whom, facts, event, visitor);
    if (t->hours != NULL) {
        uint32_t hour = facts->event_hours[event];

        add_event(&t->hours[hour].stats, &t->hours_whom[hour], facts, event, visitor);
    }
    return true;
}

static void total_visit_events(struct totals *t, size_t visit, size_t from, uint32_t visitor)
{
    bool matches = false;

    for (size_t event = from; event < from + t->facts->events_of[visit]; event++)
        matches |= total_event(t, event, visitor);
    if (!matches)
        return;
    add_visit(t->sum, t->facts, visit);
    if (t->hours != NULL)
        add_visit(&t->hours[t->facts->visit_hours[visit]].stats, t->facts, visit);
}

static void total_events(struct totals *t)
{
    const struct facts *facts = t->facts;
    size_t visit = 0, event = 0;

    for (uint32_t v = 0; v < facts->visitors; v++)
        for (uint32_t n = facts->visits_of[v]; n > 0; n--, visit++) {
            if (match_visit(&t->match, visit))
                total_visit_events(t, visit, event, v + 1);
            event += facts->events_of[visit];
        }
    for (size_t i = 0; !t->match.of_visits && i < facts->loose_events; i++)
        (void)total_event(t, event++, 0);
}

/* Those with something, to the caller. */
static size_t give_hours(const struct totals *t, struct facts_hour *out)
{
    static const struct stats nothing = {0};
    size_t count = 0;

    for (size_t i = 0; i < t->facts->hours_count; i++)
        if (memcmp(&t->hours[i].stats, &nothing, sizeof(nothing)) != 0)
            out[count++] = (struct facts_hour){t->facts->hours[i], t->hours[i].stats};
    return count;
}

void facts_stats(const struct facts *facts, const struct filter *filters, size_t filters_count,
                 struct stats *out, struct facts_hour *hours, size_t *hours_count)
{
    struct arena arena = {0};
    struct totals t = {.facts = facts, .sum = out};

    *out = (struct stats){0};
    match_init(&t.match, facts, filters, filters_count, &arena);
    if (hours != NULL)
        t.hours = ARENA_NEW(&arena, struct facts_hour, FACTS_HOURS_MAX);
    if (hours == NULL && !t.match.of_events)
        total_visits(&t);
    else
        total_events(&t);
    if (hours != NULL)
        *hours_count = give_hours(&t, hours);
    arena_free(&arena);
}
