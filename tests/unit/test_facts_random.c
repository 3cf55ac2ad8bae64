/*
 * Days by chance against a second calculation: for each question, every event of the day is looked
 * at with the words of facts/facts.h, and what is distinct is found by comparing all with all.
 */
#include "test_facts_support.h"

/* -- the second calculation ----------------------------------------------------------------- */

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
    struct seen *seen;
    size_t count;
};

static bool has_prop(const struct event *event, const char *name, struct str *value)
{
    char key[32];
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
static unsigned goals_by_hand(const struct event *e)
{
    struct str plan = STR("");
    bool pageview = str_eq(e->name, STR("pageview"));
    bool pro = has_prop(e, "plan", &plan) && str_eq(plan, STR("pro"));

    return (str_eq(e->name, STR("lead.created")) ? 1U : 0U) |
           (pageview && str_starts(e->path, STR("/thanks/")) ? 2U : 0U) |
           (str_eq(e->name, STR("signup")) && pro ? 4U : 0U) |
           (pageview && str_eq(e->path, STR("/a")) ? 8U : 0U);
}

static struct str page_by_hand(const struct world *world, size_t at)
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

static struct oracle oracle_new(struct world *world)
{
    struct oracle o = {.world = world};

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

static bool is_event_dimension(enum dimension d)
{
    return d == DIM_PAGE || d == DIM_EVENT || d == DIM_PROP;
}

static struct str text_of_visit(const struct oracle *o, enum dimension d, const struct seen *s)
{
    struct str text = o->world->visits[s->run].texts[of_visit[d].text];

    if (d == DIM_REFERRER && memchr(text.ptr, '/', text.len) != NULL)
        return STR("");
    return text.len == 0 ? str_from(of_visit[d].absent) : text;
}

static bool op_holds(const struct filter *f, struct str text)
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

static bool goals_hold(const struct filter *f, unsigned goals)
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

static bool holds(const struct oracle *o, const struct filter *f, const struct seen *s)
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

static bool event_matches(const struct oracle *o, const struct question *q, const struct seen *s)
{
    for (size_t i = 0; i < q->filters_count; i++)
        if (!holds(o, &q->filters[i], s))
            return false;
    return true;
}

/* The rows that an event belongs to: at most one but for goals. */
static size_t values_of(const struct oracle *o, const struct question *q, const struct seen *s,
                        struct str values[COUNT_OF(facts_goals)])
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

static bool once(int *list, size_t *count, int item)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == item)
            return false;
    list[(*count)++] = item;
    return true;
}

static struct tally_row *answer_row(struct answer *a, struct str value)
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

static void answer_free(struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->rows[i]);
    a->count = 0;
}

static void tally_pair(struct tally_row *t, const struct seen *s)
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

static void tally_event(const struct oracle *o, const struct question *q, struct tally_row *t,
                        const struct seen *s)
{
    bool pageview = s->event->kind == EVENT_PAGEVIEW;
    bool shows = pageview || q->dimension != DIM_PAGE;

    if (s->person >= 0 && shows && once(t->visitors, &t->visitors_count, s->person))
        t->row.visitors++;
    if (pageview)
        t->row.pageviews += s->event->count;
    if (s->goals != 0) {
        t->row.conversions += s->event->count;
        if (s->person >= 0 && once(t->converters, &t->converters_count, s->person))
            t->row.converters++;
    }
    if (s->run == NO_RUN || !shows || !once(t->visits, &t->visits_count, s->run))
        return;
    const struct visit *run = &o->world->visits[s->run];

    if (!is_event_dimension(q->dimension) && run->first_day != o->world->day)
        return;
    t->row.visits++;
    t->row.bounces += run->pageviews == 1 && run->others == 0;
    t->row.visit_ms += run->end_ms - run->first_ms;
}

static bool is_named(const struct answer *named, struct str value)
{
    for (size_t i = 0; i < named->count; i++)
        if (str_eq(named->rows[i]->row.value, value))
            return true;
    return false;
}

/* With `named`: of all other values one row. */
static void answer_add(const struct oracle *o, const struct question *q, const struct seen *s,
                       struct answer *a, const struct answer *named)
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

static int by_rank(const void *a, const void *b)
{
    const struct tally_row *const *x = a, *const *y = b;
    const struct count_row *r = &(*x)->row, *s = &(*y)->row;

    if (r->visitors != s->visitors)
        return r->visitors > s->visitors ? -1 : 1;
    if (r->pageviews != s->pageviews)
        return r->pageviews > s->pageviews ? -1 : 1;
    return str_cmp(r->value, s->value);
}

static bool is_nothing(const struct count_row *row)
{
    return row->visitors + row->pageviews + row->visits + row->conversions + row->engaged == 0;
}

static struct answer ask_oracle(const struct oracle *o, const struct question *q, size_t most)
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

    sum->pageviews = sum->conversions = sum->engaged = sum->engaged_ms = 0;
    for (size_t i = most; i < all; i++) {
        const struct count_row *row = &kept.rows[i]->row;

        sum->pageviews += row->pageviews;
        sum->conversions += row->conversions;
        sum->engaged += row->engaged;
        sum->engaged_ms += row->engaged_ms;
        sum->scrolled += row->scrolled;
        sum->scroll += row->scroll;
        free(kept.rows[i]);
    }
    kept.rows[kept.count++] = other.rows[0];
    return kept;
}

static struct stats stats_by_hand(const struct oracle *o, const struct question *q, int64_t hour_ms)
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
        if (s->run != NO_RUN && o->world->visits[s->run].first_day == o->world->day &&
            (hour_ms == 0 || o->world->visits[s->run].first_hour_ms == hour_ms) &&
            once(t->visits, &t->visits_count, s->run)) {
            const struct visit *run = &o->world->visits[s->run];

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
        fail_msg("%s: row %.*s (visitors %ld pageviews %ld visits %ld bounces %ld ms %ld "
                 "conversions %ld by %ld engaged %ld %ld scroll %ld %ld) is not row %.*s (%ld %ld "
                 "%ld %ld %ld %ld %ld %ld %ld %ld %ld)",
                 describe(q, text), STR_FMT(found->value), found->visitors, found->pageviews,
                 found->visits, found->bounces, found->visit_ms, found->conversions,
                 found->converters, found->engaged, found->engaged_ms, found->scrolled,
                 found->scroll, STR_FMT(wanted->value), wanted->visitors, wanted->pageviews,
                 wanted->visits, wanted->bounces, wanted->visit_ms, wanted->conversions,
                 wanted->converters, wanted->engaged, wanted->engaged_ms, wanted->scrolled,
                 wanted->scroll);
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
