/*
 * rollup/visits.c -- runs of a visitor's events, whatever the order in which they come.
 *
 * A run is kept as its two ends, its first event that is not engagement, and sums. An event belongs
 * to every run from whose ends it is at most VISIT_TIMEOUT_MS away; if these are two, it joins
 * them. Ends and first events are minima and maxima and the rest are sums, so any order of arrival
 * gives the same runs.
 *
 * Over midnight a visitor gets a new id. In the half hour after it (events carry both ids) the new
 * id is linked to that of the day before, and the run belongs to the older one; a run is therefore
 * looked for under an id and under all those that the links lead back to. Nobody has to look
 * forward: between an event that knows only the old id (before midnight) and one that knows only
 * the new one (from 00:30 on) lie more than 30 minutes.
 *
 * Rollups take the difference: what a changed or absorbed run had added to its day and hour is
 * taken away, what it adds now is added.
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

/* One event of a visitor, as far as runs care. */
struct touch {
    struct touch *next;
    enum event_kind kind;
    bool both_ids; /* it carries the id of the day before as well */
    int64_t time_ms, hour_ms;
    int32_t day;
};

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
        people->count++;
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
    *touch = (struct touch){.next = person->touches,
                            .kind = event->kind,
                            .both_ids = event->visitor_before != 0,
                            .time_ms = event->time_ms,
                            .hour_ms = event->hour_ms,
                            .day = event->day};
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

        *run = (struct run){person->runs, visits[i], visits[i], true, false, false};
        run->now.key.site = run->was.key.site = person->key.site;
        person->runs = run;
    }
}

static struct visit visit_of(const struct person *person, const struct touch *touch)
{
    bool begins = touch->kind != EVENT_ENGAGEMENT;
    bool pageview = touch->kind == EVENT_PAGEVIEW;

    return (struct visit){
        .key = {person->key.site, person->key.day, person->key.visitor, touch->time_ms},
        .end_ms = touch->time_ms,
        .first_ms = begins ? touch->time_ms : INT64_MAX,
        .first_day = begins ? touch->day : 0,
        .first_hour_ms = begins ? touch->hour_ms : 0,
        .pageviews = pageview ? 1 : 0,
        .others = begins && !pageview ? 1 : 0,
    };
}

static void visit_join(struct visit *into, const struct visit *other)
{
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
        if (depth == 1 && touch->both_ids)
            found.home = p;
        for (struct run *run = p->runs; run != NULL; run = run->next) {
            if (!run_reaches(run, touch->time_ms))
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
            run->gone = run->gone || run_reaches(run, touch->time_ms);
}

static void person_touch(struct rollup *rollup, struct person *person, const struct touch *touch)
{
    struct visit sum = visit_of(person, touch);
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

    for (size_t i = 0; i < people->size; i++)
        if (people->table[i] != NULL)
            for (const struct touch *t = people->table[i]->touches; t != NULL; t = t->next)
                person_touch(rollup, people->table[i], t);
    for (size_t i = 0; i < people->size; i++)
        if (people->table[i] != NULL)
            person_out(rollup, people->table[i], &out);
    _Static_assert(offsetof(struct visit, key) == 0, "visits are sorted by what they begin with");
    if (out.put_count > 1)
        qsort(out.put, out.put_count, sizeof(out.put[0]), by_visit);
    batch->visits = out.put;
    batch->visits_count = out.put_count;
    batch->visits_gone = out.gone;
    batch->visits_gone_count = out.gone_count;
}
