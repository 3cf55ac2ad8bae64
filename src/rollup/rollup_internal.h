/*
 * rollup/rollup_internal.h -- what rollup.c (counters, sets, ledger) and visits.c (runs) share.
 */
#ifndef ABACUS_ROLLUP_ROLLUP_INTERNAL_H
#define ABACUS_ROLLUP_ROLLUP_INTERNAL_H

#include "rollup/distinct.h"
#include "rollup/rollup.h"

/* Visitors seen in one day or hour, to be added to the stored set. */
struct seen {
    uint64_t *visitors;
    size_t count, cap;
};

struct ledger_line {
    struct ledger_line *next;
    struct ledger_row row;
};

/* A site's day or hour. */
struct slot {
    struct slot *next;
    struct stats_row row; /* what to add */
    struct seen visitors, converters;
    int64_t stored; /* events, for the ledger; days only */
    bool due;       /* days only */
    struct ledger_line *ledger;
};

/* Most batches touch a day and an hour or two of a site, so the lists are short; the slot asked for
 * last comes first. */
struct site_slots {
    struct str site, tenant;
    int32_t raw_from;
    struct slot *days, *hours;
    const struct event **raw; /* in the order added */
    size_t raw_count, raw_cap;
};

/* A run that was loaded, or is new (`was` then has no key), and what became of it. */
struct run {
    struct run *next;
    struct visit now, was;
    int32_t from_day; /* the first day of what a loaded one was given */
    bool loaded, changed, gone;
};

struct touch;

/* A visitor of a site under one day's id. */
struct person {
    struct site_slots *site;
    struct visitor_key key;
    struct person *before; /* the same one under the day before, as far as known */
    bool linked;           /* that is in the store */
    struct run *runs;
    struct touch *touches;
};

struct people {
    struct person **table; /* open addressing */
    size_t size;
    struct person **list; /* in the order met: the next one's day and hour are mostly the last's */
    size_t count, cap;
    struct visitor_key *wanted; /* not yet loaded */
    size_t wanted_count, wanted_cap;
};

struct rollup {
    struct arena *arena;
    struct site_slots **sites; /* open addressing by site id */
    size_t sites_size, sites_count;
    struct site_slots *last_site;
    struct people people;
    struct sketch *sketches;
    struct seen **sketch_seen; /* beside sketches */
    struct stats **sketch_stats;
    size_t sketches_count;
};

struct slot *slots_day(struct rollup *rollup, struct site_slots *site, int32_t day);
struct slot *slots_hour(struct rollup *rollup, struct site_slots *site, int32_t day,
                        int64_t hour_ms);

/* Make room for one more in a growing array of the arena. */
void *rollup_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size);

/* visits.c */
void visits_touch(struct rollup *rollup, struct site_slots *site, const struct event *event);
void visits_apply(struct rollup *rollup, struct store_batch *batch);

#endif
