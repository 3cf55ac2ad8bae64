/*
 * Runs of visits and counters against a calculation that sorts all events of each visitor at the
 * end. The store is a few arrays here: what a batch says is added, put and removed.
 */
#include "base/date.h"
#include "rollup/distinct.h"
#include "rollup/rollup.h"
#include "unit.h"

#include <stdlib.h>

enum { PEOPLE = 12, DAYS = 4, EVENTS = 900, MAX_VISITS = 4000 };

/* -- what a day's pack tells of visits (facts/): it is due when this changes -- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t mix_number(uint64_t hash, int64_t n)
{
    return mix(hash, &n, sizeof(n));
}

/* Of a day that it was seen on: whose it is, when it began and how it came in; of the day on which
 * it began also how it ended. */
static uint64_t visit_shows(const struct visit *visit, int32_t day)
{
    uint64_t hash = mix_number(UINT64_C(14695981039346656037), (int64_t)visit->key.visitor);

    hash = mix_number(mix_number(hash, visit->first_ms), visit->entry_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        if (i != VISIT_EXIT_PATH)
            hash = mix(hash, visit->texts[i].ptr, visit->texts[i].len);
    if (visit->first_day != day)
        return hash;
    hash = mix_number(mix_number(hash, visit->end_ms), visit->pageviews * 1000 + visit->others);
    return mix(hash, visit->texts[VISIT_EXIT_PATH].ptr, visit->texts[VISIT_EXIT_PATH].len);
}

static void days_show(const struct visit *visits, size_t count, uint64_t shows[DAYS])
{
    memset(shows, 0, DAYS * sizeof(shows[0]));
    for (size_t i = 0; i < count; i++)
        if (visits[i].before == 0 && visits[i].first_ms != INT64_MAX)
            /* Engagement before the first event is of the visit, too. */
            for (int32_t day = (int32_t)(visits[i].key.begin_ms / DAY_MS);
                 day <= visits[i].last_day; day++)
                shows[day] += visit_shows(&visits[i], day);
}

static bool is_due(const struct store_batch *batch, int32_t day)
{
    for (size_t i = 0; i < batch->due_count; i++)
        if (batch->due[i].day == day)
            return true;
    return false;
}

/* -- a store of arrays -- */

struct shelf {
    struct arena arena;
    struct stats days[DAYS], hours[DAYS * 24];
    struct visit visits[MAX_VISITS];
    size_t visits_count;
    struct sketch sketches[DAYS * 25 * 2];
    size_t sketches_count;
    int64_t stored;
};

static void add(struct stats *sum, const struct stats *more)
{
    int64_t *a = (int64_t *)sum;
    const int64_t *b = (const int64_t *)more;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(int64_t); i++)
        a[i] += b[i];
}

static bool same_sketch(const struct sketch_key *a, const struct sketch_key *b)
{
    return a->kind == b->kind && a->day == b->day && a->hour_ms == b->hour_ms;
}

static struct sketch *shelf_sketch(struct shelf *shelf, const struct sketch_key *key)
{
    for (size_t i = 0; i < shelf->sketches_count; i++)
        if (same_sketch(&shelf->sketches[i].key, key))
            return &shelf->sketches[i];
    return NULL;
}

static struct visit *shelf_visit(struct shelf *shelf, const struct visit_key *key)
{
    for (size_t i = 0; i < shelf->visits_count; i++)
        if (shelf->visits[i].key.visitor == key->visitor && shelf->visits[i].key.day == key->day &&
            shelf->visits[i].key.begin_ms == key->begin_ms)
            return &shelf->visits[i];
    return NULL;
}

static void shelf_take(struct shelf *shelf, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->days_count; i++)
        add(&shelf->days[batch->days[i].day], &batch->days[i].stats);
    for (size_t i = 0; i < batch->hours_count; i++)
        add(&shelf->hours[batch->hours[i].hour_ms / HOUR_MS], &batch->hours[i].stats);
    for (size_t i = 0; i < batch->visits_gone_count; i++) {
        struct visit *gone = shelf_visit(shelf, &batch->visits_gone[i]);

        assert_non_null(gone);
        if (gone == NULL)
            return;
        *gone = shelf->visits[--shelf->visits_count];
    }
    for (size_t i = 0; i < batch->visits_count; i++) {
        struct visit *visit = shelf_visit(shelf, &batch->visits[i].key);

        assert_true(visit != NULL || shelf->visits_count < MAX_VISITS);
        if (visit == NULL)
            visit = &shelf->visits[shelf->visits_count++];
        *visit = batch->visits[i];
        visit->texts[VISIT_ENTRY_NAME] = arena_str(&shelf->arena, visit->texts[VISIT_ENTRY_NAME]);
    }
    for (size_t i = 0; i < batch->sketches_count; i++) {
        struct sketch *sketch = shelf_sketch(shelf, &batch->sketches[i].key);

        if (sketch == NULL)
            sketch = &shelf->sketches[shelf->sketches_count++];
        sketch->key = batch->sketches[i].key;
        sketch->bytes = arena_str(&shelf->arena, batch->sketches[i].bytes);
    }
    for (size_t i = 0; i < batch->ledger_count; i++)
        shelf->stored += batch->ledger[i].events;
}

#define ID_STEP UINT64_C(0x9e3779b97f4a7c15) /* of a person, from day to day */

/* What a later day says of conversions without a path, and of the exit where it has no page, is the
 * last page that was seen before it. */
static void assert_later_days_due(const struct shelf *shelf, const struct store_batch *batch,
                                  const struct event *page)
{
    uint64_t person = page->visitor - ID_STEP * (uint64_t)page->day;

    for (size_t i = 0; i < shelf->visits_count; i++) {
        const struct visit *visit = &shelf->visits[i];

        if (visit->before != 0 || page->time_ms < visit->key.begin_ms ||
            page->time_ms > visit->end_ms ||
            visit->key.visitor - ID_STEP * (uint64_t)visit->key.day != person)
            continue;
        for (int32_t day = page->day + 1; day <= visit->last_day; day++)
            assert_true(is_due(batch, day));
    }
}

static void count_batch(struct shelf *shelf, const struct event *events, size_t count)
{
    struct arena arena = {0};
    struct rollup *rollup = rollup_new(&arena);
    struct store_batch batch = {0};
    struct err err = {0};
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        rollup_add(rollup, &events[i], INT32_MIN, events[i].kind == EVENT_LEAD_CREATED);
    struct sketch *sketches = rollup_sketches(rollup, &n);

    for (size_t i = 0; i < n; i++) {
        const struct sketch *kept = shelf_sketch(shelf, &sketches[i].key);

        sketches[i].bytes = kept == NULL ? STR("") : kept->bytes;
    }
    for (;;) {
        const struct visitor_key *wanted = rollup_visitors(rollup, &n);
        struct visit found[MAX_VISITS];
        size_t found_count = 0;

        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < shelf->visits_count; k++)
                if (shelf->visits[k].key.visitor == wanted[i].visitor &&
                    shelf->visits[k].key.day == wanted[i].day)
                    found[found_count++] = shelf->visits[k];
        rollup_visits(rollup, found, found_count);
    }
    assert_int_equal(rollup_apply(rollup, &batch, &err), 0);
    assert_int_equal(batch.events_count, count);
    uint64_t before[DAYS], after[DAYS];

    days_show(shelf->visits, shelf->visits_count, before);
    shelf_take(shelf, &batch);
    days_show(shelf->visits, shelf->visits_count, after);
    for (int32_t day = 0; day < DAYS; day++)
        assert_true(before[day] == after[day] || is_due(&batch, day));
    for (size_t i = 0; i < count; i++) {
        assert_true(is_due(&batch, events[i].day));
        if (events[i].kind == EVENT_PAGEVIEW)
            assert_later_days_due(shelf, &batch, &events[i]);
    }
    arena_free(&arena);
}

/* -- a random history, and what it comes to -- */

struct history {
    struct event events[EVENTS];
    int person[EVENTS];
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static uint64_t id_of(int person, int32_t day)
{
    return ID_STEP * (uint64_t)(person * 100 + day + 1);
}

static struct event event_at(int person, int64_t time_ms, enum event_kind kind)
{
    int32_t day = (int32_t)(time_ms / DAY_MS);

    return (struct event){
        .kind = kind,
        .site = STR("s"),
        .tenant = STR("t"),
        .time_ms = time_ms,
        .received_ms = time_ms,
        .day = day,
        .hour_ms = time_ms / HOUR_MS * HOUR_MS,
        .visitor = id_of(person, day),
        .visitor_before =
            time_ms % DAY_MS < VISIT_TIMEOUT_MS && day > 0 ? id_of(person, day - 1) : 0,
        .day_before = time_ms % DAY_MS < VISIT_TIMEOUT_MS && day > 0 ? day - 1 : 0,
        .count = 1,
        .tokens = kind == EVENT_AI_USAGE ? 10 : 0,
    };
}

/* Paths and origins from few, so that events of the same millisecond often differ in one alone. */
static void dress(struct event *event, uint32_t *seed)
{
    static const struct str names[] = {{"pageview", 8}, {"lead.created", 12}, {"form.submit", 11}};
    static const struct str paths[] = {{"/a", 2}, {"/b", 2}, {"/ab", 3}};
    static const struct str referrers[] = {{"", 0}, {"x.example", 9}, {"y.example", 9}};

    event->name = names[event->kind == EVENT_PAGEVIEW ? 0 : 1 + event->kind % 2];
    event->path = paths[next(seed) % 3];
    event->referrer = referrers[next(seed) % 3];
    event->traits[TRAIT_COUNTRY] = paths[next(seed) % 3];
    event->traits[TRAIT_UTM_TERM] = referrers[next(seed) % 3];
}

/* Bursts, many of them around midnight, with pauses on both sides of the time-out and exactly on
 * it. */
static void make_history(struct history *h, uint32_t seed)
{
    const int64_t pauses[] = {0,
                              1,
                              60 * 1000,
                              VISIT_TIMEOUT_MS - 1,
                              VISIT_TIMEOUT_MS,
                              VISIT_TIMEOUT_MS + 1,
                              5 * 60 * 1000,
                              29 * 60 * 1000,
                              5 * HOUR_MS};
    const enum event_kind kinds[] = {EVENT_PAGEVIEW,   EVENT_PAGEVIEW,     EVENT_PAGEVIEW,
                                     EVENT_ENGAGEMENT, EVENT_LEAD_CREATED, EVENT_CUSTOM,
                                     EVENT_ENGAGEMENT, EVENT_AI_USAGE};
    int64_t at[PEOPLE];

    for (int p = 0; p < PEOPLE; p++)
        at[p] = 22 * HOUR_MS + (int64_t)(next(&seed) % (3 * 60)) * 60 * 1000;
    for (int i = 0; i < EVENTS; i++) {
        int p = (int)(next(&seed) % PEOPLE);

        at[p] += pauses[next(&seed) % 9];
        if (at[p] >= DAYS * DAY_MS)
            at[p] = HOUR_MS + (int64_t)(next(&seed) % 1000) * 1000;
        h->events[i] = event_at(p, at[p], kinds[next(&seed) % 8]);
        dress(&h->events[i], &seed);
        h->person[i] = p;
    }
}

struct expected {
    struct stats days[DAYS], hours[DAYS * 24];
    const struct shelf *shelf; /* not NULL: check its visits instead */
};

static int by_time(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;

    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

/* The order that CONTRACT names, then that of what else is kept. */
static int by_contract(const struct event *x, const struct event *y)
{
    int order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);

    if (order == 0)
        order = str_cmp(x->name, y->name);
    if (order == 0)
        order = str_cmp(x->path, y->path);
    if (order == 0)
        order = str_cmp(x->referrer, y->referrer);
    if (order == 0)
        order = str_cmp(x->traits[TRAIT_UTM_TERM], y->traits[TRAIT_UTM_TERM]);
    if (order == 0)
        order = str_cmp(x->traits[TRAIT_COUNTRY], y->traits[TRAIT_COUNTRY]);
    return order;
}

static const struct event *entry_of(const struct event **run, size_t count)
{
    const struct event *entry = NULL;

    for (size_t i = 0; i < count; i++) {
        if (run[i]->kind == EVENT_ENGAGEMENT)
            continue;
        bool view = run[i]->kind == EVENT_PAGEVIEW;
        bool entry_is_view = entry != NULL && entry->kind == EVENT_PAGEVIEW;

        if (entry == NULL || (view && !entry_is_view) ||
            (view == entry_is_view && by_contract(run[i], entry) < 0))
            entry = run[i];
    }
    return entry;
}

static const struct event *exit_of(const struct event **run, size_t count)
{
    const struct event *last = NULL;

    for (size_t i = 0; i < count; i++)
        if (run[i]->kind == EVENT_PAGEVIEW &&
            (last == NULL || run[i]->time_ms > last->time_ms ||
             (run[i]->time_ms == last->time_ms && str_cmp(run[i]->path, last->path) > 0)))
            last = run[i];
    return last;
}

/* The visit that stands in the store for this run is the one that begins with it; in the half hour
 * after midnight it stands under the id of the day before. */
static void check_run(const struct shelf *shelf, const struct event **run, size_t count)
{
    const struct event *entry = entry_of(run, count), *last = exit_of(run, count);
    const struct visit *visit = NULL;

    for (size_t i = 0; i < shelf->visits_count; i++)
        if (shelf->visits[i].before == 0 && shelf->visits[i].key.begin_ms == run[0]->time_ms &&
            (shelf->visits[i].key.visitor == run[0]->visitor ||
             shelf->visits[i].key.visitor == run[0]->visitor_before))
            visit = &shelf->visits[i];
    assert_true(entry == NULL || visit != NULL);
    if (entry == NULL || visit == NULL)
        return;
    assert_int_equal(visit->entry_ms, entry->time_ms);
    assert_int_equal(visit->last_day, run[count - 1]->day);
    assert_true(str_eq(visit->texts[VISIT_REFERRER], entry->referrer));
    assert_true(str_eq(visit->texts[VISIT_TRAITS + TRAIT_COUNTRY], entry->traits[TRAIT_COUNTRY]));
    assert_true(str_eq(visit->texts[VISIT_TRAITS + TRAIT_UTM_TERM], entry->traits[TRAIT_UTM_TERM]));
    assert_true(str_eq(visit->texts[VISIT_ENTRY_PATH], last == NULL ? STR("") : entry->path));
    assert_true(str_eq(visit->texts[VISIT_EXIT_PATH], last == NULL ? STR("") : last->path));
    assert_int_equal(visit->exit_ms, last == NULL ? 0 : last->time_ms);
}

/* A maximal run [from, to) of one person's sorted events: a visit if anything in it is not
 * engagement. */
static void expect_run(struct expected *e, const struct event **run, size_t count)
{
    size_t first = 0;
    int64_t pageviews = 0, others = 0;

    while (first < count && run[first]->kind == EVENT_ENGAGEMENT)
        first++;
    if (first == count)
        return;
    for (size_t i = first; i < count; i++) {
        pageviews += run[i]->kind == EVENT_PAGEVIEW;
        others += run[i]->kind != EVENT_PAGEVIEW && run[i]->kind != EVENT_ENGAGEMENT;
    }
    struct stats visit = {.visits = 1,
                          .bounces = pageviews == 1 && others == 0,
                          .visit_ms = run[count - 1]->time_ms - run[first]->time_ms};

    add(&e->days[run[first]->time_ms / DAY_MS], &visit);
    add(&e->hours[run[first]->time_ms / HOUR_MS], &visit);
}

static void expect_person(struct expected *e, const struct history *h, int person)
{
    const struct shelf *shelf = e->shelf;
    const struct event *mine[EVENTS];
    size_t count = 0, from = 0;

    for (int i = 0; i < EVENTS; i++)
        if (h->person[i] == person)
            mine[count++] = &h->events[i];
    qsort(mine, count, sizeof(mine[0]), by_time);
    for (size_t i = 1; i <= count; i++) {
        if (i < count && mine[i]->time_ms - mine[i - 1]->time_ms <= VISIT_TIMEOUT_MS)
            continue;
        if (shelf != NULL)
            check_run(shelf, mine + from, i - from);
        else
            expect_run(e, mine + from, i - from);
        from = i;
    }
    bool here[DAYS * 24] = {false}, lead[DAYS * 24] = {false};

    for (size_t i = 0; i < count; i++) {
        here[mine[i]->time_ms / HOUR_MS] |= mine[i]->kind != EVENT_ENGAGEMENT;
        lead[mine[i]->time_ms / HOUR_MS] |= mine[i]->kind == EVENT_LEAD_CREATED;
    }
    for (int day = 0; day < DAYS; day++) {
        bool day_here = false, day_lead = false;

        for (int hour = day * 24; hour < day * 24 + 24; hour++) {
            e->hours[hour].unique_visitors += here[hour];
            e->hours[hour].converters += lead[hour];
            day_here |= here[hour];
            day_lead |= lead[hour];
        }
        e->days[day].unique_visitors += day_here;
        e->days[day].converters += day_lead;
    }
}

static void expect_all(struct expected *e, const struct history *h)
{
    for (int p = 0; p < PEOPLE; p++)
        expect_person(e, h, p);
    for (int i = 0; i < EVENTS; i++) {
        const struct event *event = &h->events[i];
        struct stats one = {.pageviews = event->kind == EVENT_PAGEVIEW,
                            .visit_pageviews = event->kind == EVENT_PAGEVIEW,
                            .leads = event->kind == EVENT_LEAD_CREATED,
                            .conversions = event->kind == EVENT_LEAD_CREATED,
                            .ai_tokens = event->kind == EVENT_AI_USAGE ? 10 : 0};

        add(&e->days[event->time_ms / DAY_MS], &one);
        add(&e->hours[event->time_ms / HOUR_MS], &one);
    }
}

static void shuffle(struct event *events, size_t count, uint32_t *seed)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t k = next(seed) % (i + 1);
        struct event kept = events[i];

        events[i] = events[k];
        events[k] = kept;
    }
}

static void any_order_and_any_batches_give_the_numbers_of_the_sorted_history(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        static const size_t sizes[] = {1, 7, 100, EVENTS};
        struct history *h = calloc(1, sizeof(*h));
        struct expected *expected = calloc(1, sizeof(*expected));
        struct shelf *shelf = calloc(1, sizeof(*shelf));
        uint32_t order = seed * 77;

        assert_true(h != NULL && expected != NULL && shelf != NULL);
        make_history(h, seed);
        struct history *sorted = malloc(sizeof(*sorted));

        assert_non_null(sorted);
        if (sorted == NULL)
            return;
        *sorted = *h;
        expect_all(expected, h);
        shuffle(h->events, EVENTS, &order);
        for (size_t i = 0, n; i < EVENTS; i += n) {
            n = sizes[seed % 4] < EVENTS - i ? sizes[seed % 4] : EVENTS - i;
            count_batch(shelf, h->events + i, n);
        }
        assert_memory_equal(shelf->days, expected->days, sizeof(expected->days));
        assert_memory_equal(shelf->hours, expected->hours, sizeof(expected->hours));
        assert_int_equal(shelf->stored, EVENTS);
        expected->shelf = shelf;
        expect_all(expected, sorted);
        free(sorted);
        arena_free(&shelf->arena);
        free(shelf);
        free(expected);
        free(h);
    }
}

/* -- cases of their own -- */

static const struct stats *counted(struct shelf *shelf, const struct event *events, size_t count,
                                   int32_t day)
{
    count_batch(shelf, events, count);
    return &shelf->days[day];
}

static void count_weighs_counters_but_not_visits(void **state)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    struct event events[] = {event_at(1, HOUR_MS, EVENT_PAGEVIEW),
                             event_at(1, HOUR_MS, EVENT_LEAD_CREATED),
                             event_at(1, HOUR_MS, EVENT_AI_USAGE)};

    (void)state;
    for (int i = 0; i < 3; i++)
        events[i].count = 5;
    const struct stats *day = counted(shelf, events, 3, 0);

    assert_int_equal(day->pageviews, 5);
    assert_int_equal(day->visit_pageviews, 5);
    assert_int_equal(day->leads, 5);
    assert_int_equal(day->conversions, 5);
    assert_int_equal(day->ai_tokens, 50);
    assert_int_equal(day->visits, 1);
    assert_int_equal(day->converters, 1);
    assert_int_equal(shelf->stored, 3);
    arena_free(&shelf->arena);
    free(shelf);
}

static void events_without_a_visitor_make_none(void **state)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    struct event events[] = {event_at(1, HOUR_MS, EVENT_PAGEVIEW),
                             event_at(1, HOUR_MS, EVENT_LEAD_CREATED)};

    (void)state;
    events[0].visitor = events[1].visitor = 0;
    events[0].visitor_before = events[1].visitor_before = 0;
    const struct stats *day = counted(shelf, events, 2, 0);

    assert_int_equal(day->pageviews, 1);
    assert_int_equal(day->visit_pageviews, 0);
    assert_int_equal(day->unique_visitors, 0);
    assert_int_equal(day->visits, 0);
    assert_int_equal(day->unattributed_conversions, 1);
    assert_int_equal(day->converters, 0);
    assert_int_equal(shelf->visits_count, 0);
    arena_free(&shelf->arena);
    free(shelf);
}

static void a_late_event_joins_two_visits_across_batches(void **state)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    struct event first = event_at(1, HOUR_MS, EVENT_PAGEVIEW);
    struct event last = event_at(1, HOUR_MS + 50 * MINUTE_MS, EVENT_PAGEVIEW);
    struct event middle = event_at(1, HOUR_MS + 25 * MINUTE_MS, EVENT_ENGAGEMENT);

    (void)state;
    count_batch(shelf, &first, 1);
    count_batch(shelf, &last, 1);
    assert_int_equal(shelf->days[0].visits, 2);
    assert_int_equal(shelf->days[0].bounces, 2);
    count_batch(shelf, &middle, 1);
    assert_int_equal(shelf->days[0].visits, 1);
    assert_int_equal(shelf->days[0].bounces, 0);
    assert_int_equal(shelf->days[0].visit_ms, 50 * MINUTE_MS);
    assert_int_equal(shelf->visits_count, 1);
    arena_free(&shelf->arena);
    free(shelf);
}

static void a_visit_goes_on_through_two_midnights(void **state)
{
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    struct event event;
    int64_t at = 23 * HOUR_MS;

    (void)state;
    for (; at < 2 * DAY_MS + HOUR_MS; at += 29 * MINUTE_MS) {
        event = event_at(1, at, EVENT_PAGEVIEW);
        count_batch(shelf, &event, 1);
    }
    assert_int_equal(shelf->days[0].visits, 1);
    assert_int_equal(shelf->days[1].visits, 0);
    assert_int_equal(shelf->days[2].visits, 0);
    assert_int_equal(shelf->days[0].visit_ms, at - 29 * MINUTE_MS - 23 * HOUR_MS);
    for (int day = 0; day < 3; day++)
        assert_int_equal(shelf->days[day].unique_visitors, 1);
    arena_free(&shelf->arena);
    free(shelf);
}

static void a_day_without_raw_rows_gets_counts_alone(void **state)
{
    struct arena arena = {0};
    struct rollup *rollup = rollup_new(&arena);
    struct event event = event_at(1, HOUR_MS, EVENT_PAGEVIEW);
    struct store_batch batch = {0};
    struct err err = {0};
    size_t n = 1;

    (void)state;
    rollup_add(rollup, &event, INT32_MAX, event.kind == EVENT_LEAD_CREATED);
    (void)rollup_sketches(rollup, &n);
    assert_int_equal(n, 0);
    (void)rollup_visitors(rollup, &n);
    assert_int_equal(n, 0);
    assert_int_equal(rollup_apply(rollup, &batch, &err), 0);
    assert_int_equal(batch.events_count, 0);
    assert_int_equal(batch.visits_count, 0);
    assert_int_equal(batch.days_count, 1);
    assert_int_equal(batch.days[0].stats.pageviews, 1);
    assert_int_equal(batch.ledger[0].events, 1);
    arena_free(&arena);
}

static void a_set_that_cannot_be_read_stops_the_batch(void **state)
{
    struct arena arena = {0};
    struct rollup *rollup = rollup_new(&arena);
    struct event event = event_at(1, HOUR_MS, EVENT_PAGEVIEW);
    struct store_batch batch = {0};
    struct err err = {0};
    size_t n = 0;

    (void)state;
    rollup_add(rollup, &event, INT32_MIN, event.kind == EVENT_LEAD_CREATED);
    rollup_sketches(rollup, &n)[0].bytes = STR("\7");
    assert_int_equal(rollup_apply(rollup, &batch, &err), ERR_CORRUPT);
    arena_free(&arena);
}

static void the_ledger_gathers_by_day_and_reason(void **state)
{
    struct arena arena = {0};
    struct rollup *rollup = rollup_new(&arena);
    struct store_batch batch = {0};
    struct err err = {0};
    int64_t bots = 0, records = 0;

    (void)state;
    rollup_ledger(rollup, STR("s"), STR("t"), 3, LEDGER_DROPPED, STR("bot"), 5, 1);
    rollup_ledger(rollup, STR("s"), STR("t"), 3, LEDGER_DROPPED, STR("bot"), 2, 1);
    rollup_ledger(rollup, STR("s"), STR("t"), 3, LEDGER_REJECTED, STR("bot"), 1, 1);
    rollup_ledger(rollup, STR("s"), STR("t"), 4, LEDGER_DROPPED, STR("bot"), 1, 1);
    assert_int_equal(rollup_apply(rollup, &batch, &err), 0);
    assert_int_equal(batch.ledger_count, 3);
    for (size_t i = 0; i < 3; i++) {
        if (batch.ledger[i].day == 3 && batch.ledger[i].kind == LEDGER_DROPPED) {
            bots = batch.ledger[i].events;
            records = batch.ledger[i].records;
        }
    }
    assert_int_equal(bots, 7);
    assert_int_equal(records, 2);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_any_batches_give_the_numbers_of_the_sorted_history),
        cmocka_unit_test(count_weighs_counters_but_not_visits),
        cmocka_unit_test(events_without_a_visitor_make_none),
        cmocka_unit_test(a_late_event_joins_two_visits_across_batches),
        cmocka_unit_test(a_visit_goes_on_through_two_midnights),
        cmocka_unit_test(a_day_without_raw_rows_gets_counts_alone),
        cmocka_unit_test(a_set_that_cannot_be_read_stops_the_batch),
        cmocka_unit_test(the_ledger_gathers_by_day_and_reason),
    };
    return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
