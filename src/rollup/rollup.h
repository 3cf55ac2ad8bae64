/*
 * rollup/rollup.h -- from events to counts. Pure: no I/O, no clock.
 *
 *     rollup_new -> rollup_add ... -> rollup_wants -> (load from the store) -> rollup_apply ->
 * store_batch
 *
 * What is in a batch, and in which order events come, never changes a sum: counters add, distinct
 * sets are unions, and runs of visits merge (rollup/visits.c).
 */
#ifndef ABACUS_ROLLUP_ROLLUP_H
#define ABACUS_ROLLUP_ROLLUP_H

#include "base/arena.h"
#include "event/event.h"
#include "store/store.h"

struct rollup;

/* Everything made lives in `arena`. */
struct rollup *rollup_new(struct arena *arena);

/* Count an event under its site's day and hour. `raw_from`: the site's first day that still has raw
 * rows and sets; an event before it adds its counts and makes no visitor, visit or raw row.
 * `converts`: it meets one of the site's goals. The event must outlive the rollup. */
void rollup_add(struct rollup *rollup, const struct event *event, int32_t raw_from, bool converts);

/* A line of the ledger; `records` of the log stand behind these events. */
void rollup_ledger(struct rollup *rollup, struct str site, struct str tenant, int32_t day,
                   enum ledger_kind kind, struct str reason, int64_t events, int64_t records);

/* What must be loaded before rollup_apply(): sets, whose bytes are to be filled in place, and
 * visitors. Ask for visitors again after each rollup_visits() until there are none: a visit over
 * midnight leads on to the day before. */
struct sketch *rollup_sketches(struct rollup *rollup, size_t *count);
const struct visitor_key *rollup_visitors(struct rollup *rollup, size_t *count);
void rollup_visits(struct rollup *rollup, const struct visit *visits, size_t count);

/* Put everything but keys, packs, goals and positions into `batch`. Days whose breakdowns are no
 * longer what a pack says become due: those of its raw rows, and those on which a visit that
 * changed has shown (rollup/visits.c). ERR_CORRUPT: a set that was loaded is none.
 */
int rollup_apply(struct rollup *rollup, struct store_batch *batch, struct err *err);

#endif
