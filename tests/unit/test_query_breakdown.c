/*
 * test_query_breakdown.c -- rows by value, from due and from packed days, with and without filters,
 * against a count of its own over a list of visits that the test made itself.
 */
#include "query_fixture.h"

#include <stdlib.h>

enum { VISITS_MAX = 400, EVENTS_MAX = 4000, ROWS_MAX = 200, PATHS_MAX = 300 };

/* -- what happened ------------------------------------------------------------------------- */

/* A visit as the test made it, before anything was stored. */
struct made_visit {
    uint64_t visitor;
    int32_t day;
    const char *source, *country, *entry, *exit;
    int64_t pageviews, others, first_ms, last_ms;
};
struct made_event {
    size_t visit;
    const char *name, *path;
    int64_t time_ms, count;
};

struct world {
    struct store *store;
    struct tz *tz;
    struct site site;
    struct goal goal;
    struct arena arena;
    struct err err;
    struct made_visit visits[VISITS_MAX];
    size_t visits_count;
    struct made_event events[EVENTS_MAX];
    size_t events_count;
    uint64_t random;
    char names[PATHS_MAX][16];
};

static const char *const paths[] = {"/", "/pricing", "/Blog/one", "/blog/two", "/docs", "/thanks"};
static const char *const sources[] = {"", "Google", "newsletter"};
static const char *const countries[] = {"DE", "FR", ""};
#define FROM "2026-10-24"
#define TO "2026-10-26" /* in Berlin the 25th has 25 hours */

/* The multiplier of Knuth's MMIX. */
static size_t pick(struct world *w, size_t n)
{
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(w->random >> 33) % n;
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    w->store = fixture_open();
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    w->goal = (struct goal){.name = STR("Lead"), .event = STR("lead.created")};
    w->site = (struct site){.id = STR("a"),
                            .tenant = STR("five"),
                            .timezone = STR("Europe/Berlin"),
                            .tz = w->tz,
                            .goals = &w->goal,
                            .goals_count = 1,
                            .goals_hash = goals_hash(&w->goal, 1),
                            .paths_per_day = 10000};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fixture_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

static void make_event(struct world *w, size_t visit, const char *name, const char *path,
                       int64_t time_ms, int64_t count)
{
    struct made_visit *v = &w->visits[visit];
    bool pageview = strcmp(name, "pageview") == 0;

    assert_true(w->events_count < EVENTS_MAX);
    w->events[w->events_count++] = (struct made_event){visit, name, path, time_ms, count};
    v->pageviews += pageview;
    v->others += !pageview;
    v->last_ms = time_ms;
    if (pageview && v->entry == NULL)
        v->entry = path;
    if (pageview)
        v->exit = path;
}

/* One to five pages, minutes apart, some of which end in a lead. */
static void make_visit(struct world *w, uint64_t visitor, int32_t on, int64_t begin_ms)
{
    size_t visit = w->visits_count++, pages = 1 + pick(w, 5);
    int64_t time_ms = begin_ms;

    assert_true(visit < VISITS_MAX);
    w->visits[visit] = (struct made_visit){.visitor = visitor,
                                           .day = on,
                                           .source = sources[pick(w, 3)],
                                           .country = countries[pick(w, 3)],
                                           .first_ms = begin_ms};
    for (size_t i = 0; i < pages; i++) {
        const char *path = paths[pick(w, 6)];
        make_event(w, visit, "pageview", path, time_ms, pick(w, 10) == 0 ? 3 : 1);
        if (pick(w, 6) == 0)
            make_event(w, visit, pick(w, 2) == 0 ? "lead.created" : "video.play", path, time_ms + 7,
                       1);
        time_ms += MINUTE_MS + (int64_t)pick(w, 20) * MINUTE_MS;
    }
}

/* Visitors of each day have ids of their own, and come at 1:00, 7:00 and 13:00, or less often. */
static void make_days(struct world *w)
{
    for (int32_t on = day(FROM); on <= day(TO); on++)
        for (uint64_t visitor = 1; visitor <= 25; visitor++)
            for (int hour = 1; hour <= 13; hour += 6)
                if (pick(w, 3) != 0)
                    make_visit(w, (uint64_t)on * 1000 + visitor, on,
                               tz_day_start(w->tz, on) + hour * HOUR_MS +
                                   (int64_t)pick(w, 3600000));
}

static struct event to_event(const struct world *w, const struct made_event *made)
{
    const struct made_visit *v = &w->visits[made->visit];
    struct event event = fixture_event(&w->site, made->name, made->time_ms, v->visitor, made->path);

    event.count = made->count;
    event.traits[TRAIT_SOURCE] = str_from(v->source);
    event.traits[TRAIT_COUNTRY] = str_from(v->country);
    return event;
}

/* Count them in the order of their making, or backwards, in several batches. */
static void store_events(struct world *w)
{
    struct event *events = test_calloc(EVENTS_MAX, sizeof(*events));
    size_t third = w->events_count / 3;

    for (size_t i = 0; i < w->events_count; i++)
        events[w->events_count - 1 - i] = to_event(w, &w->events[i]);
    fixture_events(w->store, &w->site, events, third);
    fixture_events(w->store, &w->site, events + third, w->events_count - third);
    test_free(events);
}

static void pack_days(struct world *w, const char *from, const char *to)
{
    for (int32_t on = day(from); on <= day(to); on++)
        fixture_pack(w->store, &w->site, on);
}

/* -- the test's own count ------------------------------------------------------------------ */

static const char *value_of(const struct world *w, const struct made_event *event,
                            enum dimension dimension)
{
    const struct made_visit *v = &w->visits[event->visit];

    if (dimension == DIM_PAGE)
        return event->path;
    if (dimension == DIM_EVENT)
        return event->name;
    if (dimension == DIM_ENTRY_PAGE)
        return v->entry;
    if (dimension == DIM_EXIT_PAGE)
        return v->exit;
    return dimension == DIM_SOURCE ? v->source : v->country;
}

/* The names of absent values are those of facts/. */
static struct str name_of(const struct world *w, const struct made_event *event,
                          enum dimension dimension)
{
    struct str value = str_from(value_of(w, event, dimension));

    return value.len == 0 ? dimension_absent(dimension) : value;
}

static bool keeps(const struct world *w, const struct made_event *event,
                  const struct query_filters *filters)
{
    for (size_t i = 0; i < filters->count; i++) {
        const struct filter *f = &filters->filters[i];
        struct str value = name_of(w, event, f->dimension);
        bool is = str_eq(value, f->value);
        if ((f->op == FILTER_IS && !is) || (f->op == FILTER_IS_NOT && is) ||
            (f->op == FILTER_STARTS_WITH && !str_starts(value, f->value)))
            return false;
    }
    return true;
}

/* Is `i` the first event that is kept under `value` of its visitor's (by_visit: its visit's)?  With
 * `name` among those of that name alone. */
static bool is_first(const struct world *w, size_t i, enum dimension dimension,
                     const struct query_filters *filters, bool by_visit, const char *name)
{
    const struct made_event *event = &w->events[i];

    for (size_t k = 0; k < i; k++) {
        const struct made_event *other = &w->events[k];
        bool same = by_visit ? other->visit == event->visit
                             : w->visits[other->visit].visitor == w->visits[event->visit].visitor;
        if (same && keeps(w, other, filters) && (name == NULL || strcmp(other->name, name) == 0) &&
            (dimension == DIMENSIONS ||
             str_eq(name_of(w, other, dimension), name_of(w, event, dimension))))
            return false;
    }
    return true;
}

static struct count_row *row_of(struct count_row *rows, size_t *count, struct str value)
{
    size_t i = 0;

    while (i < *count && !str_eq(rows[i].value, value))
        i++;
    if (i == *count) {
        assert_true(i < ROWS_MAX);
        rows[(*count)++] = (struct count_row){.value = value};
    }
    return &rows[i];
}

static int by_row(const void *a, const void *b)
{
    const struct count_row *x = a, *y = b;

    if (x->visitors != y->visitors)
        return x->visitors > y->visitors ? -1 : 1;
    if (x->pageviews != y->pageviews)
        return x->pageviews > y->pageviews ? -1 : 1;
    return str_cmp(x->value, y->value);
}

static int64_t count_by_hand(const struct world *w, enum dimension dimension,
                             const struct query_filters *filters, const char *from, const char *to,
                             struct count_row *rows, size_t *count)
{
    int64_t visitors = 0;

    *count = 0;
    for (size_t i = 0; i < w->events_count; i++) {
        const struct made_event *event = &w->events[i];
        const struct made_visit *v = &w->visits[event->visit];
        if (!keeps(w, event, filters) || v->day < day(from) || v->day > day(to))
            continue;
        struct count_row *row = row_of(rows, count, name_of(w, event, dimension));
        bool lead = strcmp(event->name, "lead.created") == 0;
        bool pageview = strcmp(event->name, "pageview") == 0;
        /* Who is on a page is who views it. */
        const char *among = dimension == DIM_PAGE ? "pageview" : NULL;
        row->pageviews += pageview ? event->count : 0;
        row->conversions += lead ? event->count : 0;
        row->events += dimension == DIM_EVENT ? event->count : 0;
        row->converters += lead && is_first(w, i, dimension, filters, false, event->name);
        visitors += is_first(w, i, DIMENSIONS, filters, false, NULL);
        if (among != NULL && !pageview)
            continue;
        row->visitors += is_first(w, i, dimension, filters, false, among);
        if (!is_first(w, i, dimension, filters, true, among))
            continue;
        row->visits++;
        row->bounces += v->pageviews == 1 && v->others == 0;
        row->visit_ms += v->last_ms - v->first_ms;
    }
    if (*count > 1)
        qsort(rows, *count, sizeof(*rows), by_row);
    return visitors;
}

/* -- asking -------------------------------------------------------------------------------- */

static struct query_breakdown ask(struct world *w, const char *from, const char *to,
                                  const struct query_breakdown_ask *question)
{
    struct range range = {day(from), day(to)};
    struct query_breakdown out;

    if (query_breakdown(w->store, &w->site, range, INT32_MIN, question, &w->arena, &out, &w->err) !=
        0)
        fail_msg("%s", w->err.text);
    return out;
}

static void assert_row(const struct count_row *row, const struct count_row *expected)
{
    if (!str_eq(row->value, expected->value))
        fail_msg("\"%.*s\" is not \"%.*s\"", STR_FMT(row->value), STR_FMT(expected->value));
    assert_int_equal(row->visitors, expected->visitors);
    assert_int_equal(row->pageviews, expected->pageviews);
    assert_int_equal(row->visits, expected->visits);
    assert_int_equal(row->bounces, expected->bounces);
    assert_int_equal(row->visit_ms, expected->visit_ms);
    assert_int_equal(row->conversions, expected->conversions);
    assert_int_equal(row->converters, expected->converters);
    assert_int_equal(row->events, expected->events);
}

static void assert_as_by_hand(struct world *w, enum dimension dimension,
                              struct query_filters filters)
{
    struct count_row rows[ROWS_MAX];
    size_t count;
    int64_t visitors = count_by_hand(w, dimension, &filters, FROM, TO, rows, &count);
    struct query_breakdown got = ask(
        w, FROM, TO,
        &(struct query_breakdown_ask){.dimension = dimension, .filters = filters, .limit = 1000});

    assert_true(count > 0);
    assert_int_equal(got.count, count);
    assert_int_equal(got.total, count);
    assert_int_equal(got.visitors, visitors);
    assert_int_equal(got.other.visitors, 0);
    assert_int_equal(got.events, dimension == DIM_EVENT);
    for (size_t i = 0; i < count; i++)
        assert_row(&got.rows[i], &rows[i]);
}

static const enum dimension asked[] = {DIM_PAGE,      DIM_EVENT,  DIM_ENTRY_PAGE,
                                       DIM_EXIT_PAGE, DIM_SOURCE, DIM_COUNTRY};
enum { ASKED = sizeof(asked) / sizeof(asked[0]) };

static const struct filter filters[] = {
    {.dimension = DIM_COUNTRY, .op = FILTER_IS, .value = {"DE", 2}},
    {.dimension = DIM_SOURCE, .op = FILTER_IS_NOT, .value = {"Google", 6}},
    {.dimension = DIM_PAGE, .op = FILTER_STARTS_WITH, .value = {"/blog", 5}},
    {.dimension = DIM_EVENT, .op = FILTER_IS, .value = {"lead.created", 12}},
    /* Keeps everything. */
    {.dimension = DIM_COUNTRY, .op = FILTER_IS_NOT, .value = {"XX", 2}},
};

/* Every dimension without filters, with each of them, and with pairs. */
static void assert_all_as_by_hand(struct world *w)
{
    for (size_t d = 0; d < ASKED; d++) {
        assert_as_by_hand(w, asked[d], (struct query_filters){0});
        for (size_t f = 0; f < sizeof(filters) / sizeof(filters[0]); f++)
            assert_as_by_hand(w, asked[d], (struct query_filters){&filters[f], 1});
        assert_as_by_hand(w, asked[d], (struct query_filters){&filters[0], 2});
        assert_as_by_hand(w, asked[d], (struct query_filters){&filters[1], 2});
    }
}

static void counts_due_days_as_by_hand(void **state)
{
    struct world *w = *state;

    make_days(w);
    store_events(w);
    assert_all_as_by_hand(w);
}

static void counts_packed_days_as_by_hand(void **state)
{
    struct world *w = *state;

    make_days(w);
    store_events(w);
    pack_days(w, FROM, TO);
    assert_all_as_by_hand(w);
}

static void counts_a_range_of_both_as_by_hand(void **state)
{
    struct world *w = *state;

    make_days(w);
    store_events(w);
    pack_days(w, "2026-10-25", "2026-10-25");
    assert_all_as_by_hand(w);
}

static void counts_a_packed_day_again_once_it_is_due(void **state)
{
    struct world *w = *state;

    make_days(w);
    store_events(w);
    pack_days(w, FROM, TO);
    size_t before = w->events_count;
    make_visit(w, 77, day(TO), tz_day_start(w->tz, day(TO)) + 20 * HOUR_MS);
    for (size_t i = before; i < w->events_count; i++) {
        struct event event = to_event(w, &w->events[i]);
        fixture_events(w->store, &w->site, &event, 1);
    }
    assert_all_as_by_hand(w);
}

static void keeps_everything_with_a_filter_that_does(void **state)
{
    struct world *w = *state;

    make_days(w);
    store_events(w);
    pack_days(w, FROM, "2026-10-25");
    for (size_t d = 0; d < ASKED; d++) {
        struct query_breakdown_ask question = {.dimension = asked[d], .limit = 1000};
        struct query_breakdown all = ask(w, FROM, TO, &question);
        question.filters = (struct query_filters){&filters[4], 1};
        struct query_breakdown kept = ask(w, FROM, TO, &question);
        assert_true(all.count > 0);
        assert_int_equal(kept.count, all.count);
        assert_int_equal(kept.visitors, all.visitors);
        for (size_t i = 0; i < all.count; i++) {
            assert_row(&kept.rows[i], &all.rows[i]);
            assert_int_equal(kept.rows[i].engaged_ms, all.rows[i].engaged_ms);
        }
    }
}

/* -- ranges -------------------------------------------------------------------------------- */

static void reads_nothing_outside_the_range_or_of_days_no_longer_kept(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_PAGE, .limit = 1000};
    struct count_row rows[ROWS_MAX];
    struct query_breakdown out;
    size_t count;

    make_days(w);
    store_events(w);
    pack_days(w, FROM, "2026-10-25");
    for (int filtered = 0; filtered < 2; filtered++) {
        question.filters = (struct query_filters){&filters[4], filtered == 1 ? 1 : 0};
        int64_t visitors =
            count_by_hand(w, DIM_PAGE, &question.filters, "2026-10-25", "2026-10-25", rows, &count);
        out = ask(w, "2026-10-25", "2026-10-25", &question);
        assert_int_equal(out.count, count);
        assert_int_equal(out.visitors, visitors);
        for (size_t i = 0; i < count; i++)
            assert_row(&out.rows[i], &rows[i]);

        visitors = count_by_hand(w, DIM_PAGE, &question.filters, "2026-10-26", TO, rows, &count);
        struct range range = {day(FROM), day(TO)};
        assert_int_equal(query_breakdown(w->store, &w->site, range, day("2026-10-26"), &question,
                                         &w->arena, &out, &w->err),
                         0);
        assert_int_equal(out.visitors, visitors);
        assert_row(&out.rows[0], &rows[0]);
        assert_int_equal(query_breakdown(w->store, &w->site, range, day("2026-10-27"), &question,
                                         &w->arena, &out, &w->err),
                         0);
        assert_int_equal(out.total, 0);
        assert_int_equal(out.count, 0);
        assert_int_equal(out.visitors, 0);
    }
}

/* As before the first packs: sums alone are left of it. */
static void has_no_rows_of_a_day_that_has_only_sums(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_PAGE, .limit = 10};

    fixture_day(w->store, "five", "a", "2026-10-24",
                (struct stats){.pageviews = 9, .unique_visitors = 4});
    struct query_breakdown out = ask(w, FROM, TO, &question);
    assert_int_equal(out.total, 0);
    assert_int_equal(out.count, 0);
    assert_int_equal(out.visitors, 4);
}

/* -- pages of the answer ------------------------------------------------------------------- */

/* Path number i has i % 7 + 1 visitors, who see it once each, but for the first who sees it twice
 * when i is even. */
static void make_paths(struct world *w)
{
    int64_t begin = tz_day_start(w->tz, day(FROM)) + 10 * HOUR_MS;
    struct event *events = test_calloc((size_t)PATHS_MAX * 8, sizeof(*events));
    size_t count = 0;

    for (size_t i = 0; i < PATHS_MAX; i++) {
        (void)snprintf(w->names[i], sizeof(w->names[i]), "/%s/%zu", i % 2 == 0 ? "Even" : "odd", i);
        for (size_t v = 0; v <= i % 7; v++)
            events[count++] = fixture_event(&w->site, "pageview", begin, v + 1, w->names[i]);
        if (i % 2 == 0)
            events[count++] = fixture_event(&w->site, "pageview", begin + 1, 1, w->names[i]);
    }
    fixture_events(w->store, &w->site, events, count);
    test_free(events);
}

static void gives_any_page_of_the_rows_in_order(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_PAGE, .limit = 1000};

    make_paths(w);
    struct query_breakdown all = ask(w, FROM, FROM, &question);
    assert_int_equal(all.count, PATHS_MAX);
    /* 300 = 42 * 7 + 6: of i % 7 == 6 there are 42, and half of those are even. */
    assert_int_equal(all.rows[0].visitors, 7);
    assert_int_equal(all.rows[0].pageviews, 8);
    assert_true(str_eq(all.rows[0].value, STR("/Even/104")));
    assert_int_equal(all.rows[20].pageviews, 8);
    assert_int_equal(all.rows[21].pageviews, 7);
    assert_int_equal(all.rows[41].visitors, 7);
    assert_int_equal(all.rows[42].visitors, 6);
    for (size_t i = 1; i < PATHS_MAX; i++)
        assert_true(by_row(&all.rows[i - 1], &all.rows[i]) < 0);
    static const struct {
        size_t offset, limit, count;
    } pages[] = {{0, 1, 1},     {0, 100, 100},      {1, 2, 2},         {250, 50, 50}, {250, 51, 50},
                 {299, 10, 1},  {300, 10, 0},       {5000, 1, 0},      {0, 0, 0},     {10, 0, 0},
                 {0, 300, 300}, {0, SIZE_MAX, 300}, {7, SIZE_MAX, 293}};
    for (size_t p = 0; p < sizeof(pages) / sizeof(pages[0]); p++) {
        question.offset = pages[p].offset;
        question.limit = pages[p].limit;
        struct query_breakdown page = ask(w, FROM, FROM, &question);
        assert_int_equal(page.total, PATHS_MAX);
        assert_int_equal(page.count, pages[p].count);
        for (size_t i = 0; i < page.count; i++)
            assert_row(&page.rows[i], &all.rows[pages[p].offset + i]);
    }
}

static void finds_values_that_contain_a_text_whatever_its_case(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_PAGE, .limit = 1000};
    static const struct {
        const char *search;
        size_t total;
    } searches[] = {
        {"even", 150}, {"EVEN/", 150}, {"ODD", 150},  {"/odd/299", 1}, {"/odd/2990", 0},
        {"/2", 111},   {"299", 1},     {"vEn/10", 6}, {"no such", 0},
    };

    /* "/2": 2, 20 to 29, 200 to 299. "even/10": 10, 100, 102, 104, 106, 108. */
    make_paths(w);
    for (size_t s = 0; s < sizeof(searches) / sizeof(searches[0]); s++) {
        question.search = str_from(searches[s].search);
        struct query_breakdown found = ask(w, FROM, FROM, &question);
        assert_int_equal(found.total, searches[s].total);
        assert_int_equal(found.count, searches[s].total);
        assert_int_equal(found.visitors, 7);
    }
    question.search = STR("even");
    question.offset = 149;
    question.limit = 5;
    assert_int_equal(ask(w, FROM, FROM, &question).count, 1);
    /* Letters beyond ASCII are bytes. */
    struct event event =
        fixture_event(&w->site, "pageview", instant("2026-10-25T12:00:00Z"), 1, "/\303\204pfel");
    fixture_events(w->store, &w->site, &event, 1);
    question = (struct query_breakdown_ask){
        .dimension = DIM_PAGE, .limit = 10, .search = STR("\303\204PFEL")};
    assert_int_equal(ask(w, TO, TO, &question).total, 0);
    assert_int_equal(ask(w, "2026-10-25", TO, &question).total, 1);
    question.search = STR("\303\244pfel");
    assert_int_equal(ask(w, "2026-10-25", TO, &question).total, 0);
}

static void puts_values_beyond_the_cap_into_other(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_PAGE, .limit = 1000};

    make_paths(w);
    w->site.paths_per_day = PATHS_MAX;
    assert_int_equal(ask(w, FROM, FROM, &question).other.pageviews, 0);
    w->site.paths_per_day = PATHS_MAX - 1;
    for (int packed = 0; packed < 2; packed++) {
        struct query_breakdown out = ask(w, FROM, FROM, &question);
        /* The last of all has one visitor and one pageview: i % 7 == 0 and odd, the greatest text
         * of which is "/odd/91". */
        assert_int_equal(out.total, PATHS_MAX - 1);
        assert_int_equal(out.count, PATHS_MAX - 1);
        assert_true(str_eq(out.other.value, VALUE_OTHER));
        assert_int_equal(out.other.pageviews, 1);
        assert_int_equal(out.other.visitors, 1);
        for (size_t i = 0; i < out.count; i++)
            assert_false(str_eq(out.rows[i].value, STR("/odd/91")));
        pack_days(w, FROM, FROM);
    }
}

/* -- events -------------------------------------------------------------------------------- */

/* Of "plan": free of 2 visitors, pro of one, of whom a backend tells more often. */
static void make_plans(struct world *w, const char *date)
{
    static const struct {
        const char *props;
        uint64_t visitor;
        int64_t count;
    } made[] = {{"{\"plan\":\"free\"}", 1, 1}, {"{\"plan\":\"free\"}", 2, 1},
                {"{\"plan\":\"pro\"}", 1, 1},  {"{\"plan\":\"pro\"}", 0, 6},
                {"{\"plan\":\"team\"}", 0, 2}, {"{\"plan\":\"edu\"}", 0, 2}};
    enum { MADE = sizeof(made) / sizeof(made[0]) };
    struct event events[MADE];

    for (size_t i = 0; i < MADE; i++) {
        events[i] = fixture_event(&w->site, "signup", tz_day_start(w->tz, day(date)) + HOUR_MS,
                                  made[i].visitor, "");
        events[i].props = str_from(made[i].props);
        events[i].count = made[i].count;
    }
    fixture_events(w->store, &w->site, events, MADE);
}

static void assert_plans(struct query_breakdown got, const char *values)
{
    struct buf said = {0};

    for (size_t i = 0; i < got.count; i++)
        buf_addf(&said, "%.*s %lld, ", STR_FMT(got.rows[i].value), (long long)got.rows[i].events);
    buf_addc(&said, '\0');
    assert_string_equal(said.ptr, values);
    buf_release(&said);
}

static void orders_by_events_whoever_sent_them(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask by_visitors = {
        .dimension = DIM_PROP, .prop = STR("plan"), .limit = 1000};
    struct query_breakdown_ask by_events = by_visitors, page = by_visitors;

    by_events.order = page.order = ORDER_EVENTS;
    page.offset = 1;
    page.limit = 2;
    make_plans(w, FROM);
    for (int packed = 0; packed < 2; packed++) {
        assert_plans(ask(w, FROM, TO, &by_visitors), "free 2, pro 7, edu 2, team 2, ");
        assert_plans(ask(w, FROM, TO, &by_events), "pro 7, free 2, edu 2, team 2, ");
        assert_plans(ask(w, FROM, TO, &page), "free 2, edu 2, ");
        assert_int_equal(ask(w, FROM, TO, &page).total, 4);
        /* The cap keeps those with most visitors, whatever is asked for first. */
        w->site.paths_per_day = 1;
        if (packed == 1)
            pack_days(w, FROM, FROM);
        struct query_breakdown capped = ask(w, FROM, TO, &by_events);
        assert_plans(capped, "free 2, ");
        assert_int_equal(capped.other.events, 11);
        assert_int_equal(capped.other.visitors, 1);
        w->site.paths_per_day = 10000;
        pack_days(w, FROM, FROM);
    }
}

/* A day's rollup of "plan" as it was written before rollups held events: "rare" of 5 visitors,
 * "most" of 9. */
static void pack_without_events(struct world *w, const char *date)
{
    struct site_day packed = {w->site.id, day(date)};
    struct pack_part part = {w->site.id, day(date), 1 + DIM_PROP,
                             STR("\4plan\23\1\0\2\0\4most\1\11\0\4rare\1\5")};

    fixture_commit(w->store,
                   &(struct store_batch){
                       .packed = &packed, .packed_count = 1, .packs = &part, .packs_count = 1});
}

static void knows_no_events_of_a_range_with_a_day_that_has_none(void **state)
{
    struct world *w = *state;
    struct query_earlier earlier = {{day(FROM), day(FROM)}, INT64_MAX};
    struct query_breakdown_ask question = {
        .dimension = DIM_PROP, .prop = STR("plan"), .limit = 1000, .order = ORDER_EVENTS};

    pack_without_events(w, FROM);
    make_plans(w, "2026-10-25");
    for (int packed = 0; packed < 2; packed++) {
        struct query_breakdown known = ask(w, "2026-10-25", TO, &question);
        assert_true(known.events && known.count == 4);
        struct query_breakdown none = ask(w, FROM, TO, &question);
        assert_false(none.events);
        assert_int_equal(none.count, 6);
        /* By visitors, as if nothing else had been asked for. */
        static const char *const values[] = {"most", "rare", "free", "pro", "edu", "team"};
        for (size_t i = 0; i < 6; i++)
            assert_true(str_eq(none.rows[i].value, str_from(values[i])));
        /* Each of two ranges by itself. */
        question.earlier = &earlier;
        known = ask(w, "2026-10-25", TO, &question);
        assert_true(known.events && !known.before.events);
        earlier.range = (struct range){day("2026-10-25"), day(TO)};
        none = ask(w, FROM, FROM, &question);
        assert_true(!none.events && none.before.events);
        earlier.range = (struct range){day(FROM), day(FROM)};
        question.earlier = NULL;
        pack_days(w, "2026-10-25", "2026-10-25");
    }
    /* Of another property that day has no rollup. */
    question.prop = STR("size");
    assert_true(ask(w, FROM, TO, &question).events);
}

/* -- properties ---------------------------------------------------------------------------- */

static struct query_properties list(struct world *w, const char *from, const char *to,
                                    int32_t available)
{
    struct range range = {day(from), day(to)};
    struct query_properties out;

    if (query_properties(w->store, &w->site, range, available, NULL, &w->arena, &out, &w->err) != 0)
        fail_msg("%s", w->err.text);
    return out;
}

static void make_props(struct world *w, const char *date, const char *props)
{
    struct event event =
        fixture_event(&w->site, "buy", tz_day_start(w->tz, day(date)) + HOUR_MS, 1, "");

    event.props = str_from(props);
    fixture_events(w->store, &w->site, &event, 1);
}

static void lists_the_properties_of_the_range(void **state)
{
    struct world *w = *state;

    make_props(w, FROM, "{\"plan\":1,\"A\":1}");
    make_props(w, "2026-10-25", "{\"plan\":1,\"size\":1}");
    make_props(w, TO, "{\"vip\":1}");
    for (int packed = 0; packed <= 3; packed++) {
        static const char *const all[] = {"A", "plan", "size", "vip"};
        struct query_properties got = list(w, FROM, TO, INT32_MIN);
        assert_int_equal(got.count, 4);
        assert_int_equal(got.total, 4);
        for (size_t i = 0; i < 4; i++)
            assert_true(str_eq(got.names[i], str_from(all[i])));
        assert_int_equal(list(w, FROM, FROM, INT32_MIN).total, 2);
        assert_int_equal(list(w, TO, TO, INT32_MIN).total, 1);
        assert_int_equal(list(w, "2026-10-27", "2026-10-30", INT32_MIN).total, 0);
        /* Days that are no longer kept are not asked. */
        assert_int_equal(list(w, FROM, TO, day("2026-10-25")).total, 3);
        assert_int_equal(list(w, FROM, TO, day("2026-10-27")).total, 0);
        if (packed < 3)
            fixture_pack(w->store, &w->site, day(FROM) + packed);
    }
    /* A packed day that is due again says what its rows say. */
    make_props(w, FROM, "{\"late\":1}");
    assert_int_equal(list(w, FROM, FROM, INT32_MIN).total, 3);
}

static void lists_a_thousand_properties_and_counts_all(void **state)
{
    struct world *w = *state;
    char props[24];

    for (int i = 0; i <= PROPERTIES_MAX; i++) {
        (void)snprintf(props, sizeof(props), "{\"p%04d\":1}", i);
        make_props(w, FROM, arena_str(&w->arena, str_from(props)).ptr);
        if (i + 1 < PROPERTIES_MAX)
            continue;
        struct query_properties got = list(w, FROM, FROM, INT32_MIN);
        assert_int_equal(got.count, PROPERTIES_MAX);
        assert_int_equal(got.total, i + 1);
        assert_true(str_eq(got.names[0], STR("p0000")));
        assert_true(str_eq(got.names[PROPERTIES_MAX - 1], STR("p0999")));
    }
}

static void stands_without_rows_where_nothing_happened(void **state)
{
    struct world *w = *state;
    struct query_breakdown_ask question = {.dimension = DIM_SOURCE, .limit = 10};

    struct query_breakdown out = ask(w, FROM, TO, &question);
    assert_int_equal(out.total, 0);
    assert_int_equal(out.count, 0);
    question.filters = (struct query_filters){&filters[0], 1};
    out = ask(w, FROM, TO, &question);
    assert_int_equal(out.total, 0);
    assert_int_equal(out.visitors, 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(counts_due_days_as_by_hand),
        WITH_WORLD(counts_packed_days_as_by_hand),
        WITH_WORLD(counts_a_range_of_both_as_by_hand),
        WITH_WORLD(counts_a_packed_day_again_once_it_is_due),
        WITH_WORLD(keeps_everything_with_a_filter_that_does),
        WITH_WORLD(reads_nothing_outside_the_range_or_of_days_no_longer_kept),
        WITH_WORLD(has_no_rows_of_a_day_that_has_only_sums),
        WITH_WORLD(gives_any_page_of_the_rows_in_order),
        WITH_WORLD(finds_values_that_contain_a_text_whatever_its_case),
        WITH_WORLD(puts_values_beyond_the_cap_into_other),
        WITH_WORLD(orders_by_events_whoever_sent_them),
        WITH_WORLD(knows_no_events_of_a_range_with_a_day_that_has_none),
        WITH_WORLD(lists_the_properties_of_the_range),
        WITH_WORLD(lists_a_thousand_properties_and_counts_all),
        WITH_WORLD(stands_without_rows_where_nothing_happened),
    };
    return cmocka_run_group_tests_name("query_breakdown", tests, NULL, NULL);
}
