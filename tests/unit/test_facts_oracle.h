/*
 * test_facts_oracle.h -- the second calculation: for each question, every event of the day is
 * looked at with the words of facts/facts.h, and what is distinct is found by comparing all with
 * all.
 */
#ifndef ABACUS_TEST_FACTS_ORACLE_H
#define ABACUS_TEST_FACTS_ORACLE_H

#include "test_facts_support.h"

/* An event as the definitions see it. */
struct seen {
    const struct event *event;
    int person, run; /* run: NO_RUN also where it is no visit */
    int pair;        /* whose engagement: a number that runs and single events share */
    struct str page;
    unsigned goals;
    unsigned visit_goals; /* of its visit this day */
};

struct oracle {
    const struct world *world;
    struct visit *visits; /* the world's runs, as the day has seen them */
    struct seen *seen;
    size_t count;
};

static inline bool has_prop(const struct event *event, const char *name, struct str *value)
{
    char key[48];
    struct str props = event->props;

    (void)snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = props.len == 0 ? NULL : memmem(props.ptr, props.len, key, strlen(key));

    if (at == NULL)
        return false;
    at += strlen(key);
    bool quoted = *at == '"';

    at += quoted;
    *value = (struct str){at, strcspn(at, quoted ? "\"" : ",}")};
    return true;
}

/* The goals of facts_site(), by hand. */
static inline unsigned goals_by_hand(const struct event *e)
{
    struct str plan = STR("");
    bool pageview = str_eq(e->name, STR("pageview"));
    bool pro = has_prop(e, "plan", &plan) && str_eq(plan, STR("pro"));

    return (str_eq(e->name, STR("lead.created")) ? 1U : 0U) |
           (pageview && str_starts(e->path, STR("/thanks/")) ? 2U : 0U) |
           (str_eq(e->name, STR("signup")) && pro ? 4U : 0U) |
           (pageview && str_eq(e->path, STR("/a")) ? 8U : 0U);
}

static inline struct str page_by_hand(const struct world *world, size_t at)
{
    const struct happening *h = &world->events[at];

    if (h->row.event.path.len > 0 || goals_by_hand(&h->row.event) == 0 || h->run == NO_RUN)
        return h->row.event.path;
    /* The world's events stand in the order that counts. */
    while (at-- > 0 && world->events[at].run == h->run)
        if (world->events[at].row.event.kind == EVENT_PAGEVIEW)
            return world->events[at].row.event.path;
    return STR("");
}

/* A visit of an earlier day as this day has seen it: up to its last event of the day. */
static inline void end_with_day(const struct world *world, int run, struct visit *visit)
{
    bool later = false;
    struct str exit_path = visit->texts[VISIT_EXIT_PATH], last = STR("");

    if (visit->first_ms == INT64_MAX || visit->first_day == world->day)
        return;
    for (size_t i = 0; i < world->events_count; i++) {
        const struct event *event = &world->events[i].row.event;

        if (world->events[i].run != run)
            continue;
        later = later || (event->day > world->day && event->kind == EVENT_PAGEVIEW);
        if (event->day != world->day)
            continue;
        visit->end_ms = event->time_ms;
        if (event->kind == EVENT_PAGEVIEW)
            last = event->path;
    }
    visit->texts[VISIT_EXIT_PATH] = last.len > 0 ? last : later ? STR("") : exit_path;
    visit->others = 2;
}

static inline struct oracle oracle_new(struct world *world)
{
    struct oracle o = {.world = world};

    o.visits = ARENA_NEW(&world->arena, struct visit, world->runs_count + 1);
    for (size_t i = 0; i < world->runs_count; i++) {
        o.visits[i] = world->visits[i];
        end_with_day(world, (int)i, &o.visits[i]);
    }

    o.seen = ARENA_NEW(&world->arena, struct seen, world->events_count);
    for (size_t i = 0; i < world->events_count; i++) {
        const struct happening *h = &world->events[i];
        struct seen *s = &o.seen[o.count];

        if (h->row.event.day != world->day)
            continue;
        o.count++;
        *s = (struct seen){.event = &h->row.event,
                           .person = h->person,
                           .run = h->run,
                           .pair = h->run == NO_RUN ? (int)(WORLD_EVENTS + i) : h->run,
                           .page = page_by_hand(world, i),
                           .goals = goals_by_hand(&h->row.event)};
        if (s->run != NO_RUN && world->visits[s->run].first_ms == INT64_MAX)
            s->run = NO_RUN;
    }
    for (size_t i = 0; i < o.count; i++)
        for (size_t k = 0; k < o.count; k++)
            if (o.seen[i].run != NO_RUN && o.seen[i].run == o.seen[k].run)
                o.seen[i].visit_goals |= o.seen[k].goals;
    return o;
}

/* Texts of a visit by dimension, and what absent ones are called (facts.h, CONTRACT). */
static const struct {
    int text;
    const char *absent;
} of_visit[DIMENSIONS] = {
    [DIM_ENTRY_PAGE] = {VISIT_ENTRY_PATH, ""},
    [DIM_EXIT_PAGE] = {VISIT_EXIT_PATH, ""},
    [DIM_REFERRER] = {VISIT_REFERRER, ""},
    [DIM_SOURCE] = {TRAIT_SOURCE, "(direct)"},
    [DIM_CHANNEL] = {TRAIT_CHANNEL, "Direct"},
    [DIM_UTM_SOURCE] = {TRAIT_UTM_SOURCE, ""},
    [DIM_UTM_MEDIUM] = {TRAIT_UTM_MEDIUM, ""},
    [DIM_UTM_CAMPAIGN] = {TRAIT_UTM_CAMPAIGN, ""},
    [DIM_UTM_CONTENT] = {TRAIT_UTM_CONTENT, ""},
    [DIM_UTM_TERM] = {TRAIT_UTM_TERM, ""},
    [DIM_COUNTRY] = {TRAIT_COUNTRY, "(unknown)"},
    [DIM_BROWSER] = {TRAIT_BROWSER, "(unknown)"},
    [DIM_OS] = {TRAIT_OS, "(unknown)"},
    [DIM_DEVICE] = {TRAIT_DEVICE, "(unknown)"},
    [DIM_LANGUAGE] = {TRAIT_LANGUAGE, "(unknown)"},
    [DIM_SCREEN] = {VISIT_SCREEN, "(unknown)"},
};

static inline bool is_event_dimension(enum dimension d)
{
    return d == DIM_PAGE || d == DIM_EVENT || d == DIM_PROP;
}

static inline struct str text_of_visit(const struct oracle *o, enum dimension d,
                                       const struct seen *s)
{
    struct str text = o->visits[s->run].texts[of_visit[d].text];

    if (d == DIM_REFERRER && memchr(text.ptr, '/', text.len) != NULL)
        return STR("");
    return text.len == 0 ? str_from(of_visit[d].absent) : text;
}

static inline bool op_holds(const struct filter *f, struct str text)
{
    switch (f->op) {
    case FILTER_IS:
        return str_eq(text, f->value);
    case FILTER_IS_NOT:
        return !str_eq(text, f->value);
    case FILTER_STARTS_WITH:
        return text.len >= f->value.len && memcmp(text.ptr, f->value.ptr, f->value.len) == 0;
    case FILTER_CONTAINS:
        for (size_t i = 0; i + f->value.len <= text.len; i++)
            if (memcmp(text.ptr + i, f->value.ptr, f->value.len) == 0)
                return true;
        return false;
    }
    return false;
}

static inline bool goals_hold(const struct filter *f, unsigned goals)
{
    bool any = goals == 0 && op_holds(f, STR("")), all = goals != 0 || op_holds(f, STR(""));

    for (unsigned i = 0; i < COUNT_OF(facts_goals); i++)
        if (goals >> i & 1U) {
            any = any || op_holds(f, facts_goals[i].name);
            all = all && op_holds(f, facts_goals[i].name);
        }
    /* None of a visit's goals is the one, or one of them is. */
    return f->op == FILTER_IS_NOT ? all : any;
}

static inline bool holds(const struct oracle *o, const struct filter *f, const struct seen *s)
{
    char name[32];
    struct str value = STR("");

    if (f->dimension == DIM_PAGE)
        return op_holds(f, s->page);
    if (f->dimension == DIM_EVENT)
        return op_holds(f, s->event->name);
    if (f->dimension == DIM_PROP) {
        (void)snprintf(name, sizeof(name), "%.*s", STR_FMT(f->prop));
        if (s->event->kind == EVENT_ENGAGEMENT || !has_prop(s->event, name, &value))
            value = STR("");
        return op_holds(f, value);
    }
    if (s->run == NO_RUN)
        return false;
    if (f->dimension == DIM_GOAL)
        return goals_hold(f, s->visit_goals);
    return op_holds(f, text_of_visit(o, f->dimension, s));
}

struct question {
    enum dimension dimension;
    const char *prop;
    struct filter filters[2];
    size_t filters_count;
};

static inline bool event_matches(const struct oracle *o, const struct question *q,
                                 const struct seen *s)
{
    for (size_t i = 0; i < q->filters_count; i++)
        if (!holds(o, &q->filters[i], s))
            return false;
    return true;
}

/* The rows that an event belongs to: at most one but for goals. */
static inline size_t values_of(const struct oracle *o, const struct question *q,
                               const struct seen *s, struct str values[COUNT_OF(facts_goals)])
{
    size_t count = 0;

    if (q->dimension == DIM_GOAL) {
        for (unsigned i = 0; i < COUNT_OF(facts_goals); i++)
            if (s->goals >> i & 1U)
                values[count++] = facts_goals[i].name;
        return count;
    }
    if (q->dimension == DIM_PROP)
        return has_prop(s->event, q->prop, &values[0]) ? 1 : 0;
    if (q->dimension == DIM_PAGE)
        values[0] = s->page;
    else if (q->dimension == DIM_EVENT)
        values[0] = s->event->name;
    else if (s->run == NO_RUN)
        return 0;
    else
        values[0] = text_of_visit(o, q->dimension, s);
    return values[0].len > 0 ? 1 : 0;
}

/* What a row has counted, as lists. */
struct tally_row {
    struct count_row row;
    int visitors[WORLD_EVENTS], converters[WORLD_EVENTS], visits[WORLD_EVENTS];
    int pairs[WORLD_EVENTS], depths[WORLD_EVENTS];
    struct str pages[WORLD_EVENTS]; /* of pairs */
    size_t visitors_count, converters_count, visits_count, pairs_count;
};

struct answer {
    struct tally_row *rows[64];
    size_t count;
};

static inline bool once(int *list, size_t *count, int item)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == item)
            return false;
    list[(*count)++] = item;
    return true;
}

static inline struct tally_row *answer_row(struct answer *a, struct str value)
{
    size_t i = 0;

    while (i < a->count && !str_eq(a->rows[i]->row.value, value))
        i++;
    if (i == a->count) {
        assert_true(a->count < COUNT_OF(a->rows));
        a->rows[a->count] = calloc(1, sizeof(*a->rows[0]));
        assert_non_null(a->rows[a->count]);
        a->rows[a->count++]->row.value = value;
    }
    return a->rows[i];
}

static inline void answer_free(struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->rows[i]);
    a->count = 0;
}

static inline void tally_pair(struct tally_row *t, const struct seen *s)
{
    size_t i = 0;

    while (i < t->pairs_count && (t->pairs[i] != s->pair || !str_eq(t->pages[i], s->page)))
        i++;
    if (i == t->pairs_count) {
        t->pairs[i] = s->pair;
        t->pages[i] = s->page;
        t->depths[i] = -1;
        t->pairs_count++;
        t->row.engaged++;
    }
    t->row.engaged_ms += s->event->seconds_ms;
    if (s->event->scroll > t->depths[i])
        t->depths[i] = s->event->scroll;
}

static inline void tally_event(const struct oracle *o, const struct question *q,
                               struct tally_row *t, const struct seen *s)
{
    bool pageview = s->event->kind == EVENT_PAGEVIEW;
    bool shows = pageview || q->dimension != DIM_PAGE;

    if (s->person >= 0 && shows && once(t->visitors, &t->visitors_count, s->person))
        t->row.visitors++;
    if (pageview)
        t->row.pageviews += s->event->count;
    if (q->dimension == DIM_EVENT || q->dimension == DIM_PROP)
        t->row.events += s->event->count;
    if (s->goals != 0) {
        t->row.conversions += s->event->count;
        if (s->person >= 0 && once(t->converters, &t->converters_count, s->person))
            t->row.converters++;
    }
    if (s->run == NO_RUN || !shows || !once(t->visits, &t->visits_count, s->run))
        return;
    const struct visit *run = &o->visits[s->run];

    if (!is_event_dimension(q->dimension) && run->first_day != o->world->day)
        return;
    t->row.visits++;
    t->row.bounces += run->pageviews == 1 && run->others == 0;
    t->row.visit_ms += run->end_ms - run->first_ms;
}

static inline bool is_named(const struct answer *named, struct str value)
{
    for (size_t i = 0; i < named->count; i++)
        if (str_eq(named->rows[i]->row.value, value))
            return true;
    return false;
}

/* With `named`: of all other values one row. */
static inline void answer_add(const struct oracle *o, const struct question *q,
                              const struct seen *s, struct answer *a, const struct answer *named)
{
    struct str values[COUNT_OF(facts_goals)];
    size_t count = values_of(o, q, s, values);

    for (size_t i = 0; i < count; i++) {
        if (named != NULL && is_named(named, values[i]))
            continue;
        struct tally_row *t = answer_row(a, named != NULL ? VALUE_OTHER : values[i]);

        if (s->event->kind != EVENT_ENGAGEMENT)
            tally_event(o, q, t, s);
        else if (q->dimension == DIM_PAGE)
            tally_pair(t, s);
    }
}

static inline int by_rank(const void *a, const void *b)
{
    const struct tally_row *const *x = a, *const *y = b;
    const struct count_row *r = &(*x)->row, *s = &(*y)->row;

    if (r->visitors != s->visitors)
        return r->visitors > s->visitors ? -1 : 1;
    if (r->pageviews != s->pageviews)
        return r->pageviews > s->pageviews ? -1 : 1;
    return str_cmp(r->value, s->value);
}

static inline bool is_nothing(const struct count_row *row)
{
    return row->visitors + row->pageviews + row->visits + row->conversions + row->engaged +
               row->events ==
           0;
}

static inline struct answer ask_oracle(const struct oracle *o, const struct question *q,
                                       size_t most)
{
    struct answer a = {0}, kept = {0}, other = {0};

    for (size_t i = 0; i < o->count; i++)
        if (event_matches(o, q, &o->seen[i]))
            answer_add(o, q, &o->seen[i], &a, NULL);
    for (size_t i = 0; i < a.count; i++)
        for (size_t k = 0; k < a.rows[i]->pairs_count; k++)
            if (a.rows[i]->depths[k] >= 0) {
                a.rows[i]->row.scrolled++;
                a.rows[i]->row.scroll += a.rows[i]->depths[k];
            }
    for (size_t i = 0; i < a.count; i++) {
        if (is_nothing(&a.rows[i]->row))
            free(a.rows[i]);
        else
            kept.rows[kept.count++] = a.rows[i];
    }
    if (kept.count <= most)
        return kept;
    qsort(kept.rows, kept.count, sizeof(struct tally_row *), by_rank);
    size_t all = kept.count;

    kept.count = most;
    for (size_t i = 0; i < o->count; i++)
        if (event_matches(o, q, &o->seen[i]))
            answer_add(o, q, &o->seen[i], &other, &kept);
    /* Engagement is summed up pair by pair, and conversions by goal; the rest is counted anew. */
    struct count_row *sum = &other.rows[0]->row;

    sum->pageviews = sum->conversions = sum->engaged = sum->engaged_ms = sum->events = 0;
    for (size_t i = most; i < all; i++) {
        const struct count_row *row = &kept.rows[i]->row;

        sum->pageviews += row->pageviews;
        sum->conversions += row->conversions;
        sum->engaged += row->engaged;
        sum->engaged_ms += row->engaged_ms;
        sum->scrolled += row->scrolled;
        sum->scroll += row->scroll;
        sum->events += row->events;
        free(kept.rows[i]);
    }
    kept.rows[kept.count++] = other.rows[0];
    return kept;
}

static inline struct stats stats_by_hand(const struct oracle *o, const struct question *q,
                                         int64_t hour_ms)
{
    struct stats sum = {0};
    struct answer a = {0};
    struct tally_row *t = answer_row(&a, STR("all"));

    for (size_t i = 0; i < o->count; i++) {
        const struct seen *s = &o->seen[i];
        const struct event *e = s->event;
        bool in_hour = hour_ms == 0 || e->hour_ms == hour_ms;

        if (e->kind == EVENT_ENGAGEMENT || !event_matches(o, q, s))
            continue;
        if (s->run != NO_RUN && o->visits[s->run].first_day == o->world->day &&
            (hour_ms == 0 || o->visits[s->run].first_hour_ms == hour_ms) &&
            once(t->visits, &t->visits_count, s->run)) {
            const struct visit *run = &o->visits[s->run];

            sum.visits++;
            sum.bounces += run->pageviews == 1 && run->others == 0;
            sum.visit_ms += run->end_ms - run->first_ms;
        }
        if (!in_hour)
            continue;
        sum.pageviews += e->kind == EVENT_PAGEVIEW ? e->count : 0;
        sum.visit_pageviews += e->kind == EVENT_PAGEVIEW && s->person >= 0 ? e->count : 0;
        sum.leads += e->kind == EVENT_LEAD_CREATED ? e->count : 0;
        sum.forms += e->kind == EVENT_FORM_SUBMIT ? e->count : 0;
        sum.exports += e->kind == EVENT_EXPORT_COMPLETED ? e->count : 0;
        sum.automation_runs += e->kind == EVENT_AUTOMATION_RUN ? e->count : 0;
        sum.ai_tokens += e->kind == EVENT_AI_USAGE ? e->count * e->tokens : 0;
        sum.conversions += s->goals != 0 ? e->count : 0;
        sum.unattributed_conversions += s->goals != 0 && s->person < 0 ? e->count : 0;
        if (s->person >= 0 && once(t->visitors, &t->visitors_count, s->person))
            sum.unique_visitors++;
        if (s->person >= 0 && s->goals != 0 && once(t->converters, &t->converters_count, s->person))
            sum.converters++;
    }
    answer_free(&a);
    return sum;
}

#endif
