/*
 * rollup/visits.c -- runs of a visitor's events, whatever the order in which they come.
 *
 * A run is kept as its two ends, its first event that is not engagement, its entry and exit, and
 * sums. An event belongs to every run from whose ends it is at most VISIT_TIMEOUT_MS away; if these
 * are two, it joins them. Ends, first events, entry and exit are minima and maxima and the rest are
 * sums, so any order of arrival gives the same runs.
 *
 * The entry is the first pageview, or, of a run without one, the first event. Of several in the
 * same millisecond it is the first by name, path and referrer, bytewise; where these are the same
 * too, by what is kept of them. The exit is the last pageview, by time, then path.
 *
 * Over midnight a visitor gets a new id. In the half hour after it (events carry both ids) the new
 * id is linked to that of the day before, and the run belongs to the older one; a run is therefore
 * looked for under an id and under all those that the links lead back to. Nobody has to look
 * forward: between an event that knows only the old id (before midnight) and one that knows only
 * the new one (from 00:30 on) lie more than 30 minutes.
 *
 * Rollups take the difference: what a changed or absorbed run had added to its day and hour is
 * taken away, what it adds now is added.
 *
 * What is packed of a day (facts/) tells of each visit of the day its entry, and, where it began
 * that day, its exit, duration and bounce. So a run that goes on makes the day due in which it
 * began; one that was given something late, the days from that one on, which begin with what was
 * seen before; one whose entry changes, all days that it has been seen on.
 */
#include "rollup/rollup_internal.h"

#include <stdlib.h>
#include <xxhash.h>

enum { LINK_DEPTH_MAX = 64 }; /* more days than events may be old */

/* A table's rows side by side, not here and there: the order of the store's keys. */
static int by_visitor(const void *a, const void *b)
{
    const struct visitor_key *x = a, *y = b;
    int order = x->site.ptr == y->site.ptr ? 0 : str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->day > y->day) - (x->day < y->day);
    if (order == 0)
        order = ((int64_t)x->visitor > (int64_t)y->visitor) -
                ((int64_t)x->visitor < (int64_t)y->visitor);
    return order;
}

static int by_visit(const void *a, const void *b)
{
    const struct visit_key *x = a, *y = b;

    return by_visitor(&(struct visitor_key){x->site, x->day, x->visitor},
                      &(struct visitor_key){y->site, y->day, y->visitor});
}

/* One event of a visitor. */
struct touch {
    struct touch *next;
    const struct event *event;
};

/* -- entry and exit -- */

static bool has_entry(const struct visit *visit)
{
    return visit->first_ms != INT64_MAX;
}

static int order_texts(const struct visit *a, const struct visit *b)
{
    /* The first three are the order that the contract names. */
    static const enum visit_text first[] = {VISIT_ENTRY_NAME, VISIT_ENTRY_PATH, VISIT_REFERRER,
                                            VISIT_SCREEN};
    int order = 0;

    for (size_t i = 0; order == 0 && i < sizeof(first) / sizeof(first[0]); i++)
        order = str_cmp(a->texts[first[i]], b->texts[first[i]]);
    for (size_t i = VISIT_TRAITS; order == 0 && i < VISIT_TRAITS + TRAITS; i++)
        order = str_cmp(a->texts[i], b->texts[i]);
    return order;
}

/* Does a's entry come before b's? */
static bool enters_before(const struct visit *a, const struct visit *b)
{
    if (!has_entry(a) || !has_entry(b))
        return has_entry(a);
    if ((a->pageviews > 0) != (b->pageviews > 0))
        return a->pageviews > 0;
    if (a->entry_ms != b->entry_ms)
        return a->entry_ms < b->entry_ms;
    return order_texts(a, b) < 0;
}

static bool exits_after(const struct visit *a, const struct visit *b)
{
    if (a->exit_ms != b->exit_ms)
        return a->exit_ms > b->exit_ms;
    return str_cmp(a->texts[VISIT_EXIT_PATH], b->texts[VISIT_EXIT_PATH]) > 0;
}

/* Before the sums are joined: whose entry it is depends on them. */
static void join_entry_and_exit(struct visit *into, const struct visit *other)
{
    struct str exit_path = into->texts[VISIT_EXIT_PATH];

    if (exits_after(other, into)) {
        exit_path = other->texts[VISIT_EXIT_PATH];
        into->exit_ms = other->exit_ms;
    }
    if (enters_before(other, into)) {
        into->entry_ms = other->entry_ms;
        memcpy(into->texts, other->texts, sizeof(into->texts));
    }
    into->texts[VISIT_EXIT_PATH] = exit_path;
}

static bool same_entry(const struct visit *a, const struct visit *b)
{
    return has_entry(a) == has_entry(b) && a->first_ms == b->first_ms &&
           a->entry_ms == b->entry_ms && order_texts(a, b) == 0;
}

static size_t person_slot(const struct people *people, struct visitor_key key)
{
    size_t i = (size_t)XXH3_64bits_withSeed(key.site.ptr, key.site.len, key.visitor);

    for (;; i++) {
        const struct person *p = people->table[i & (people->size - 1)];

        if (p == NULL || (p->key.visitor == key.visitor && p->key.day == key.day &&
                          str_eq(p->key.site, key.site)))
            return i & (people->size - 1);
    }
}

static void people_grow(struct rollup *rollup)
{
    struct people *people = &rollup->people;
    struct people old = *people;

    people->size = old.size == 0 ? 64 : old.size * 2;
    people->table = ARENA_NEW(rollup->arena, struct person *, people->size);
    for (size_t i = 0; i < old.size; i++)
        if (old.table[i] != NULL)
            people->table[person_slot(people, old.table[i]->key)] = old.table[i];
}

static struct person *person_get(struct rollup *rollup, struct site_slots *site, int32_t day,
                                 uint64_t visitor)
{
    struct people *people = &rollup->people;
    struct visitor_key key = {site->site, day, visitor};

    if (2 * (people->count + 1) > people->size)
        people_grow(rollup);
    size_t at = person_slot(people, key);

    if (people->table[at] == NULL) {
        struct person *p = ARENA_NEW(rollup->arena, struct person, 1);

        *p = (struct person){.site = site, .key = key};
        people->table[at] = p;
        people->list = rollup_grow(rollup->arena, people->list, people->count, &people->cap,
                                   sizeof(people->list[0]));
        people->list[people->count++] = p;
        people->wanted = rollup_grow(rollup->arena, people->wanted, people->wanted_count,
                                     &people->wanted_cap, sizeof(people->wanted[0]));
        people->wanted[people->wanted_count++] = key;
    }
    return people->table[at];
}

void visits_touch(struct rollup *rollup, struct site_slots *site, const struct event *event)
{
    struct person *person = person_get(rollup, site, event->day, event->visitor);
    struct touch *touch = ARENA_NEW(rollup->arena, struct touch, 1);

    if (event->visitor_before != 0 && person->before == NULL)
        person->before = person_get(rollup, site, event->day_before, event->visitor_before);
    *touch = (struct touch){person->touches, event};
    person->touches = touch;
}

const struct visitor_key *rollup_visitors(struct rollup *rollup, size_t *count)
{
    struct people *people = &rollup->people;

    if (people->wanted_count > 1)
        qsort(people->wanted, people->wanted_count, sizeof(people->wanted[0]), by_visitor);
    *count = rollup->people.wanted_count;
    return rollup->people.wanted;
}

void rollup_visits(struct rollup *rollup, const struct visit *visits, size_t count)
{
    struct people *people = &rollup->people;

    /* A new array, for the ids that links lead to; the old one may still be read by the caller. */
    people->wanted = NULL;
    people->wanted_count = people->wanted_cap = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = person_slot(people, (struct visitor_key){visits[i].key.site, visits[i].key.day,
                                                             visits[i].key.visitor});
        struct person *person = people->table[at];

        if (person == NULL)
            continue;
        if (visits[i].before != 0) {
            person->linked = true;
            person->before =
                person_get(rollup, person->site, visits[i].before_day, visits[i].before);
            continue;
        }
        struct run *run = ARENA_NEW(rollup->arena, struct run, 1);

        *run = (struct run){.next = person->runs,
                            .now = visits[i],
                            .was = visits[i],
                            .from_day = INT32_MAX,
                            .loaded = true};
        run->now.key.site = run->was.key.site = person->key.site;
        person->runs = run;
    }
}

/* Of an entry that is no pageview: name and path, of which no name holds the space between them, so
 * that they are in the order of names first. */
static struct str entry_name(const struct event *event, struct arena *arena)
{
    size_t len = event->name.len + 1 + event->path.len;
    char *text = arena_bytes(arena, len);

    if (event->name.len > 0)
        memcpy(text, event->name.ptr, event->name.len);
    text[event->name.len] = ' ';
    if (event->path.len > 0)
        memcpy(text + event->name.len + 1, event->path.ptr, event->path.len);
    return (struct str){text, len};
}

static void visit_enter(struct visit *visit, const struct event *event, struct arena *arena)
{
    bool pageview = event->kind == EVENT_PAGEVIEW;

    visit->first_ms = visit->entry_ms = event->time_ms;
    visit->first_day = event->day;
    visit->first_hour_ms = event->hour_ms;
    memcpy(visit->texts + VISIT_TRAITS, event->traits, sizeof(event->traits));
    visit->texts[VISIT_REFERRER] = event->referrer;
    visit->texts[VISIT_SCREEN] = event->screen;
    if (!pageview) {
        visit->others = 1;
        visit->texts[VISIT_ENTRY_NAME] = entry_name(event, arena);
        return;
    }
    visit->pageviews = 1;
    visit->exit_ms = event->time_ms;
    visit->texts[VISIT_ENTRY_PATH] = visit->texts[VISIT_EXIT_PATH] = event->path;
}

static struct visit visit_of(const struct person *person, const struct event *event,
                             struct arena *arena)
{
    struct visit visit = {
        .key = {person->key.site, person->key.day, person->key.visitor, event->time_ms},
        .end_ms = event->time_ms,
        .first_ms = INT64_MAX,
        .last_day = event->day,
    };

    if (event->kind != EVENT_ENGAGEMENT)
        visit_enter(&visit, event, arena);
    return visit;
}

static void visit_join(struct visit *into, const struct visit *other)
{
    join_entry_and_exit(into, other);
    if (other->last_day > into->last_day)
        into->last_day = other->last_day;
    if (other->key.begin_ms < into->key.begin_ms)
        into->key.begin_ms = other->key.begin_ms;
    if (other->end_ms > into->end_ms)
        into->end_ms = other->end_ms;
    if (other->first_ms < into->first_ms) {
        into->first_ms = other->first_ms;
        into->first_day = other->first_day;
        into->first_hour_ms = other->first_hour_ms;
    }
    into->pageviews += other->pageviews;
    into->others += other->others;
}

static bool run_reaches(const struct run *run, int64_t time_ms)
{
    return !run->gone && time_ms >= run->now.key.begin_ms - VISIT_TIMEOUT_MS &&
           time_ms <= run->now.end_ms + VISIT_TIMEOUT_MS;
}

/* What a touch finds: the runs in its reach, and where the run that they become lives. */
struct found {
    struct person *home; /* the oldest id that is known of any of them */
    struct run *last;
    struct person *last_home;
    size_t count;
};

static struct found find_runs(struct person *person, const struct touch *touch, struct visit *sum)
{
    struct found found = {.home = person};
    int depth = 0;

    for (struct person *p = person; p != NULL && depth < LINK_DEPTH_MAX; p = p->before, depth++) {
        if (depth == 1 && touch->event->visitor_before != 0)
            found.home = p;
        for (struct run *run = p->runs; run != NULL; run = run->next) {
            if (!run_reaches(run, touch->event->time_ms))
                continue;
            visit_join(sum, &run->now);
            found.home = p;
            found.last = run;
            found.last_home = p;
            found.count++;
        }
    }
    return found;
}

static void drop_runs(struct person *person, const struct touch *touch)
{
    int depth = 0;

    for (struct person *p = person; p != NULL && depth < LINK_DEPTH_MAX; p = p->before, depth++)
        for (struct run *run = p->runs; run != NULL; run = run->next)
            run->gone = run->gone || run_reaches(run, touch->event->time_ms);
}

static void person_touch(struct rollup *rollup, struct person *person, const struct touch *touch)
{
    struct visit sum = visit_of(person, touch->event, rollup->arena);
    struct found found = find_runs(person, touch, &sum);
    struct run *run = found.last;

    if (found.count != 1 || found.last_home != found.home) {
        drop_runs(person, touch);
        run = ARENA_NEW(rollup->arena, struct run, 1);
        run->next = found.home->runs;
        found.home->runs = run;
    }
    sum.key.day = found.home->key.day;
    sum.key.visitor = found.home->key.visitor;
    run->now = sum;
    run->changed = true;
    if (touch->event->day < run->from_day)
        run->from_day = touch->event->day;
}

/* Add (sign 1) or take away (-1) what a run is to its day and hour. */
static void visit_count(struct rollup *rollup, struct site_slots *site, const struct visit *visit,
                        int sign)
{
    if (visit->first_ms == INT64_MAX)
        return;
    struct slot *slots[] = {slots_day(rollup, site, visit->first_day),
                            slots_hour(rollup, site, visit->first_day, visit->first_hour_ms)};

    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        struct stats *stats = &slots[i]->row.stats;

        stats->visits += sign;
        stats->bounces += visit->pageviews == 1 && visit->others == 0 ? sign : 0;
        stats->visit_ms += sign * (visit->end_ms - visit->first_ms);
    }
}

/* The days from..to that still have raw rows are due. Old rows do not know their last day. */
static void days_due(struct rollup *rollup, struct site_slots *site, int32_t from, int32_t to)
{
    if (from < site->raw_from)
        from = site->raw_from;
    for (int32_t day = from; day <= to; day++)
        slots_day(rollup, site, day)->due = true;
}

static void visit_due(struct rollup *rollup, struct site_slots *site, const struct visit *visit,
                      bool all)
{
    int32_t from = visit->first_day, to = visit->first_day;

    /* There may have been engagement before. */
    if (all && visit->key.begin_ms < visit->first_ms && visit->key.day < from)
        from = visit->key.day;
    if (all && visit->last_day > to)
        to = visit->last_day;
    if (has_entry(visit))
        days_due(rollup, site, from, to);
}

static void run_due(struct rollup *rollup, struct site_slots *site, const struct run *run)
{
    bool all = run->gone || !run->loaded || !same_entry(&run->was, &run->now);

    if (run->loaded)
        visit_due(rollup, site, &run->was, all);
    if (!run->gone)
        visit_due(rollup, site, &run->now, all);
    /* What was seen on a day is what the days behind it begin with. */
    if (!all && has_entry(&run->now))
        days_due(rollup, site, run->from_day, run->now.last_day);
}

static bool same_key(const struct visit *a, const struct visit *b)
{
    return a->key.day == b->key.day && a->key.visitor == b->key.visitor &&
           a->key.begin_ms == b->key.begin_ms;
}

struct visits_out {
    struct visit *put;
    size_t put_count, put_cap;
    struct visit_key *gone;
    size_t gone_count, gone_cap;
};

static void out_put(struct rollup *rollup, struct visits_out *out, const struct visit *visit)
{
    out->put =
        rollup_grow(rollup->arena, out->put, out->put_count, &out->put_cap, sizeof(out->put[0]));
    out->put[out->put_count++] = *visit;
}

static void out_gone(struct rollup *rollup, struct visits_out *out, const struct visit_key *key)
{
    out->gone = rollup_grow(rollup->arena, out->gone, out->gone_count, &out->gone_cap,
                            sizeof(out->gone[0]));
    out->gone[out->gone_count++] = *key;
}

static void run_out(struct rollup *rollup, struct person *person, const struct run *run,
                    struct visits_out *out)
{
    if (!run->changed && !run->gone)
        return;
    run_due(rollup, person->site, run);
    if (run->loaded) {
        visit_count(rollup, person->site, &run->was, -1);
        if (run->gone || !same_key(&run->now, &run->was))
            out_gone(rollup, out, &run->was.key);
    }
    if (!run->gone) {
        visit_count(rollup, person->site, &run->now, 1);
        out_put(rollup, out, &run->now);
    }
}

static void person_out(struct rollup *rollup, struct person *person, struct visits_out *out)
{
    for (const struct run *run = person->runs; run != NULL; run = run->next)
        run_out(rollup, person, run, out);
    if (person->before != NULL && !person->linked)
        out_put(rollup, out,
                &(struct visit){
                    .key = {person->key.site, person->key.day, person->key.visitor, INT64_MIN},
                    .before = person->before->key.visitor,
                    .before_day = person->before->key.day});
}

void visits_apply(struct rollup *rollup, struct store_batch *batch)
{
    struct people *people = &rollup->people;
    struct visits_out out = {0};

    for (size_t i = 0; i < people->count; i++)
        for (const struct touch *t = people->list[i]->touches; t != NULL; t = t->next)
            person_touch(rollup, people->list[i], t);
    for (size_t i = 0; i < people->count; i++)
        person_out(rollup, people->list[i], &out);
    _Static_assert(offsetof(struct visit, key) == 0, "visits are sorted by what they begin with");
    if (out.put_count > 1)
        qsort(out.put, out.put_count, sizeof(out.put[0]), by_visit);
    batch->visits = out.put;
    batch->visits_count = out.put_count;
    batch->visits_gone = out.gone;
    batch->visits_gone_count = out.gone_count;
}
