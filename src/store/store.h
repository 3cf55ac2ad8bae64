/*
 * store/store.h -- where events and rollups are kept: the job's verbs, and reading.
 *
 * What is managed (tenants, sites, tokens, people) stands in store/managed.h, erasing in
 * store/erase.h, copies in store/dump.h, and what is held in store/holdings.h: all of one store.
 *
 * Backends: SQLite (sqlite:PATH), PostgreSQL (postgres://...) and a memory double for the contract
 * suite (memory:). A handle is used by one thread at a time; open as many as there are threads. All
 * calls block, but with a time-out (10 s for what readers ask, 60 s for the job's transactions;
 * then ERR_UNAVAILABLE). A handle whose server went away opens its connection again by itself.
 *
 * A batch is atomic: after store_commit() returns 0 everything in it survives a crash; after any
 * other code but ERR_UNCERTAIN nothing of it is visible. The job's verbs are for who holds the
 * lease on the partitions that they touch (a partition is a share of the sites, base/position.h).
 *
 * Strings given out live in the arena that the caller passes.
 */
#ifndef ABACUS_STORE_STORE_H
#define ABACUS_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/position.h"
#include "base/str.h"
#include "event/event.h"

struct store;

struct store_config {
    struct str url;
    struct str data_dir; /* for the job's lock and the salts' file */
    bool read_only;      /* refuse to write; do not migrate */
    /* A server that cannot be reached is no error yet: each verb tries again (and migrates first).
     */
    bool later;
    /* Called after each verb that reads or writes with its name ("commit") and duration; may be
     * NULL. */
    void (*observe)(void *ctx, const char *op, double seconds);
    void *ctx;
};

/* Is it a URL that a store can be opened by? Connects to nothing. ERR_INVALID; the text never
 * repeats a part of it, which may be one of a password. */
int store_check_url(struct str url, struct err *err);

/* Open and, unless read_only, migrate. ERR_INVALID: no such backend; ERR_CONFLICT: the schema is
 * newer than this program; ERR_UNAVAILABLE: the server cannot be reached. The caller owns *out. */
int store_open(const struct store_config *config, struct store **out, struct err *err);
void store_close(struct store **store);

/* -- what is counted --------------------------------------------------------------------------- */

/* Counts of a site's day or hour; in a batch, what to add (a negative number takes away what a
 * joined visit had added). Sums stop at 2^53-1. */
struct stats {
    int64_t pageviews, leads, forms, exports, automation_runs, ai_tokens;
    int64_t unique_visitors, converters;
    int64_t visits, bounces, visit_ms; /* in the day and hour in which the visit began */
    int64_t visit_pageviews;           /* pageviews that have a visitor */
    int64_t conversions, unattributed_conversions;
    int64_t estimated; /* enum stats_source; of what is added the greatest stays */
};
enum stats_source {
    STATS_EXACT,
    STATS_ESTIMATED, /* a unique count is an estimate */
    STATS_IMPORTED,  /* totals of another product: its definitions, not ours */
};

/* What an event of this kind adds to: its count, or the tokens of ai.usage. NULL: nothing. */
int64_t *stats_counter(struct stats *stats, enum event_kind kind);

struct stats_row {
    struct str site, tenant;
    int32_t day;
    int64_t hour_ms; /* of hourly rows; 0 in daily ones */
    struct stats stats;
};

/* A set of visitors (rollup/distinct.h). */
enum sketch_kind {
    SKETCH_DAY_VISITORS,
    SKETCH_DAY_CONVERTERS,
    SKETCH_HOUR_VISITORS,
    SKETCH_HOUR_CONVERTERS
};
struct sketch_key {
    struct str site;
    enum sketch_kind kind;
    int32_t day;
    int64_t hour_ms; /* 0 for the day's */
};
struct sketch {
    struct sketch_key key;
    struct str bytes; /* empty: there is none yet */
};

/* A run of a visitor's events without a pause of more than VISIT_TIMEOUT_MS, engagement included.
 * It is a visit once it has an event other than engagement; the visit begins with the first of
 * those. A row with before != 0 is no run but a link: under the day before, this visitor's id was
 * `before`. */
struct visit_key {
    struct str site;
    int32_t day; /* under whose salt the visitor's id was made: the run's first day */
    uint64_t visitor;
    int64_t begin_ms; /* of the run; INT64_MIN in links */
};
enum visit_text {
    VISIT_TRAITS,              /* enum trait, of the entry */
    VISIT_ENTRY_PATH = TRAITS, /* empty: no pageview yet */
    VISIT_EXIT_PATH,           /* of the last pageview */
    VISIT_REFERRER,            /* of the entry, as in raw rows */
    VISIT_SCREEN,              /* of the entry */
    VISIT_ENTRY_NAME,          /* name, space, path; empty: the entry is a pageview */
    VISIT_TEXTS,
};
struct visit {
    struct visit_key key;
    uint64_t before;
    int32_t before_day; /* in links */
    int64_t end_ms;
    int64_t first_ms; /* of the first event that is not engagement; INT64_MAX: none yet */
    int32_t first_day;
    int64_t first_hour_ms;
    int32_t last_day;  /* the site's date of end_ms */
    int64_t pageviews; /* events, not weighed by count */
    int64_t others;    /* events that are neither pageviews nor engagement */
    /* The entry is the first pageview, or, while there is none, the first event; the exit is the
     * last pageview. Of the same millisecond the order is that of rollup/visits.c. */
    int64_t entry_ms, exit_ms; /* exit_ms: 0 without a pageview */
    struct str texts[VISIT_TEXTS];
};
/* The columns of the table of visits that hold `texts`, in their order (rows.c). */
extern const char *const visit_text_names[VISIT_TEXTS];

/* Idempotency keys. */
struct event_key {
    struct str site;
    uint8_t id[16];
    int64_t received_ms; /* of the copy that was counted; 0 from store_load_keys(): not seen */
};

enum ledger_kind { LEDGER_STORED, LEDGER_DROPPED, LEDGER_REJECTED };
struct ledger_row {
    struct str site, tenant;
    int32_t day;
    enum ledger_kind kind;
    struct str reason; /* empty for stored */
    int64_t events;
    int64_t records; /* of the log behind it */
};

/* A part of what is kept of a site's day in columns (facts/facts.h). */
struct pack_part {
    struct str site;
    int32_t day;
    int32_t part;
    struct str bytes;
};
/* A site's day. */
struct site_day {
    struct str site;
    int32_t day;
};
/* With which goals a site's conversions were counted. */
struct goals_row {
    struct str site;
    uint64_t hash; /* goals_hash() */
};

/* From one number to another: committed only if the store holds `from` (0: nothing yet). */
struct position_move {
    struct position from;
    uint64_t to;
};

/* Everything that one step of the job changes. Rows of an empty site are refused. */
struct store_batch {
    const struct event *const *events; /* raw rows; best those of a site together, by time */
    size_t events_count;
    const struct stats_row *days; /* to add */
    size_t days_count;
    const struct stats_row *hours; /* to add */
    size_t hours_count;
    const struct sketch *sketches; /* to replace */
    size_t sketches_count;
    const struct visit_key *visits_gone; /* removed before `visits` are put */
    size_t visits_gone_count;
    const struct visit *visits; /* to put by key */
    size_t visits_count;
    const struct event_key *keys; /* to put */
    size_t keys_count;
    const struct ledger_row *ledger; /* to add */
    size_t ledger_count;
    const struct site_day *due; /* days that are packed no more: to put where missing */
    size_t due_count;
    const struct site_day *packed; /* days that are: all their parts go, and they are due no more */
    size_t packed_count;
    const struct pack_part *packs; /* then to put */
    size_t packs_count;
    const struct goals_row *goals; /* to put by site */
    size_t goals_count;
    const struct position_move *positions;
    size_t positions_count;
};

/* -- the job's verbs --------------------------------------------------------------------------- */

/* The right to count the events of some partitions, held by this handle until store_unlease().
 * `wanted` and *got are sets of partitions (bit p for partition p). Gives those of `wanted` that
 * are free, or with `all` only all of them; where that is nothing, waits if `wait`, else
 * ERR_CONFLICT. A one-machine store has one lease for all partitions together.
 *
 * A lease is fenced: store_commit() renews it, and returns ERR_CONFLICT once another handle has
 * taken a partition over, which it may when the lease was not renewed for LEASE_MS (a process that
 * is dead or paused). On one machine the kernel ends a lease with its process instead. A handle
 * that holds no lease is not fenced: its commits are checked by positions alone. */
enum { LEASE_MS = 10 * 1000 };
int store_lease(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
                struct err *err);
void store_unlease(struct store *store);

/* How far is committed: of these partitions (a set) and these producers; NULL: of all producers.
 * By producer and partition. */
struct position_filter {
    uint32_t partitions;
    const struct producer *producers;
    size_t producers_count;
};
int store_positions(struct store *store, const struct position_filter *filter, struct arena *arena,
                    struct position **out, size_t *count, struct err *err);

/* A node still has the log of these producers: what is committed of them is not too old for
 * store_expire() before it is too old seen from `now_ms`. */
int store_hold_positions(struct store *store, const struct producer *producers, size_t count,
                         int64_t now_ms, struct err *err);

/* Fill in `bytes` of each sketch by its key. */
int store_load_sketches(struct store *store, struct arena *arena, struct sketch *sketches,
                        size_t count, struct err *err);

/* All rows (runs and links) of these visitors. */
struct visitor_key {
    struct str site;
    int32_t day;
    uint64_t visitor;
};
int store_load_visits(struct store *store, struct arena *arena, const struct visitor_key *keys,
                      size_t count, struct visit **out, size_t *out_count, struct err *err);

/* The days with raw rows or visits that their packs, if there are any, do not hold: of the sites of
 * these partitions (a set), before `before`; by site, then day. */
int store_load_due(struct store *store, uint32_t partitions, int32_t before, struct arena *arena,
                   struct site_day **out, size_t *count, struct err *err);

/* With which goals conversions were counted, of the sites that are in the list, by site: of the
 * others with the default. */
int store_load_goals(struct store *store, struct arena *arena, struct goals_row **out,
                     size_t *count, struct err *err);

/* Fill in received_ms of each key by site and id. */
int store_load_keys(struct store *store, struct event_key *keys, size_t count, struct err *err);

/* ERR_INVALID: the store refuses something in the batch for good. ERR_CONFLICT: a position is not
 * where the batch says, or a lease is another's now. ERR_UNAVAILABLE, ERR_FULL: not now.
 * ERR_UNCERTAIN: fate unknown, read the positions again. An empty batch checks the leases and
 * renews them. */
int store_commit(struct store *store, const struct store_batch *batch, struct err *err);

/* How many records of the log a batch should hold at most: on SQLite 10,000, because all other
 * writers wait for it; on PostgreSQL 50,000, because what a batch costs beside its rows is much. */
size_t store_batch_records(const struct store *store);

/* After a transaction of the job, with more to come: leave the write lock free for 10 ms if another
 * writer waits. */
void store_yield(struct store *store);

/* Everything of these partitions (a set) up to `as_of_ms` is counted; the run ended at `now_ms`.
 * COUNTER_AS_OF is the least of all partitions; an as_of never goes back by this. */
int store_finish_run(struct store *store, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                     struct err *err);

/* The parts of a pack by how long they are kept (facts/facts.h): those below PACK_VISITS hold no
 * single visit, those below PACK_EVENTS no single event. */
enum { PACK_VISITS = 100, PACK_EVENTS = 200 };
/* Bytes of one part: ERR_INVALID for more. What is in the store fits into a line of a copy. */
enum { PACK_PART_BYTES_MAX = 31 * 1024 * 1024 };

/* What is too old, of one site. INT32_MIN and INT64_MIN: nothing is. */
struct expiry {
    struct str site;
    int64_t raw_before_ms;     /* raw rows older than this go ... */
    int32_t raw_before_day;    /* ... with the sketches of the days before this, the visits that
                                  ended before it, and the packs' parts from PACK_EVENTS on */
    int32_t visits_before_day; /* the packs' parts from PACK_VISITS to PACK_EVENTS go */
    int32_t stats_before_day;  /* the packs and the ledger go with the stats */
};
struct expiry_general {
    int64_t keys_before_ms;      /* idempotency keys */
    int64_t positions_before_ms; /* last moved; folded into the running total, but for producers in
                                    `running` and imports, which are kept for ever */
    const struct producer *running;
    size_t running_count;
    int64_t audit_before_ms;
    int64_t raw_before_ms; /* no site keeps raw rows older than this; INT64_MIN: one keeps all */
    struct expiry
        removed; /* what is too old of sites that were removed; its site is not looked at */
};
/* Remove some of it: at most 10,000 rows a call, in one transaction. *more: call again. With
 * `general` (else NULL) also what belongs to no site; then whole days of raw rows that are older
 * than `raw_before_ms` of general go at once where the store keeps days apart, and the days ahead
 * of `now_ms` are made. Of the sites' partitions, and with `general` of partition 0, the caller
 * holds the lease. */
int store_expire(struct store *store, const struct expiry *sites, size_t count,
                 const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err);

/* All that was too old of these partitions (a set) is gone: a run of retention is complete. How
 * many rows store_expire() has removed is noted by itself. */
int store_finish_retention(struct store *store, uint32_t partitions, int64_t now_ms,
                           struct err *err);

/* -- salts ------------------------------------------------------------------------------------- */

/* Make the salts that are missing up to 48 hours ahead, remove those whose date has ended
 * everywhere (and the visit time-out with it), and read the rest back. *io: what the caller holds
 * (count 0: nothing), and then what holds: a store that has lost its salts takes the caller's, and
 * of two salts of a date the one made first stays. */
int store_salts(struct store *store, int64_t now_ms, struct salts *io, struct err *err);

/* The first and the last date that have a salt at `now_ms`: when one of them changes, it is time
 * for store_salts(). */
void store_salt_days(int64_t now_ms, int32_t *first, int32_t *last);
/* The instant from which on the salt of a date is no more. */
int64_t store_salt_end_ms(int32_t day);

/* -- reading ----------------------------------------------------------------------------------- */

/* One snapshot for all reads between these two. */
int store_read_begin(struct store *store, struct err *err);
void store_read_end(struct store *store);

enum counter {
    COUNTER_AS_OF,            /* ms: everything received up to here is counted; 0: never ran */
    COUNTER_LAST_SUCCESS,     /* ms: when the job last ended well */
    COUNTER_DAILY_STATS_ROWS, /* rows of daily stats written */
    COUNTER_DIRECTORY,        /* raised by each change of tenants, sites, settings, tokens */
    COUNTER_SALTS,            /* differs when another handle changed the salts; 0: not kept here */
    COUNTERS,
};
int store_counters(struct store *store, int64_t out[COUNTERS], struct err *err);

/* Cheap: a number that differs from the last one if any other handle may have changed tenants,
 * sites, settings, tokens or salts since. */
int store_version(struct store *store, int64_t *out, struct err *err);

/* A number that every commit that touches one of these partitions (a set), and every change of
 * tenants, sites, settings and tokens, makes another one: what was read before it was read is no
 * older than it. For caches. */
int store_stamp(struct store *store, uint32_t partitions, int64_t *out, struct err *err);

typedef int stats_fn(void *ctx, const struct stats_row *row);

/* Every read of a site's numbers names the tenant that it must be of: a row of another is not
 * found. */

/* Daily rows of one site (or, with an empty site, of all sites of `tenant`) from..to, by site, then
 * day. Days without a row are left out. Removed sites are nobody's. Strings live during the call of
 * fn, which returns 0 to go on; anything else ends the reading and is returned. */
int store_each_day(struct store *store, struct str tenant, struct str site, int32_t from,
                   int32_t to, stats_fn *fn, void *ctx, struct err *err);
/* Hourly rows of one site of `tenant` with from_ms <= hour_ms < to_ms, oldest first. */
int store_each_hour(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                    int64_t to_ms, stats_fn *fn, void *ctx, struct err *err);

/* One of many sites, and what is meant of it: its days from..to, or its hours with from <= hour_ms
 * < to. */
struct site_span {
    struct str tenant, site;
    int64_t from, to;
};
/* `place`: whose in the list of spans the row is. */
typedef int span_fn(void *ctx, size_t place, const struct stats_row *row);
/* Daily (hourly) rows of many sites in one question, in no order; for the rest as the two above. */
int store_each_day_of(struct store *store, const struct site_span *spans, size_t count, span_fn *fn,
                      void *ctx, struct err *err);
int store_each_hour_of(struct store *store, const struct site_span *spans, size_t count,
                       span_fn *fn, void *ctx, struct err *err);

typedef int ledger_fn(void *ctx, const struct ledger_row *row);
/* By day, kind, reason. */
int store_each_ledger(struct store *store, struct str tenant, struct str site, int32_t from,
                      int32_t to, ledger_fn *fn, void *ctx, struct err *err);

/* Raw rows of one site with from_ms <= time < to_ms, by (time, id), behind the cursor; at most
 * `limit`. */
struct event_cursor {
    int64_t time_ms, id; /* {INT64_MIN, 0} to begin */
};
struct event_row {
    int64_t id;
    struct event event; /* has_id, received_ms, hour_ms and visitor_before are not kept */
};
int store_page_events(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                      int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                      struct event_row **out, size_t *count, struct err *err);

/* The rows of the next three name no tenant: they are found where the site is that tenant's now. A
 * removed site is nobody's. */

/* All rows (runs and links) that stand under `day`, by visitor (as a signed number) and beginning,
 * with strings that live during the call of fn. */
typedef int visit_fn(void *ctx, const struct visit *visit);
int store_each_visit(struct store *store, struct str tenant, struct str site, int32_t day,
                     visit_fn *fn, void *ctx, struct err *err);

/* The days from..to that are due (store_load_due()): their packs do not hold. Oldest first. */
int store_due_days(struct store *store, struct str tenant, struct str site, int32_t from,
                   int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err);

/* These parts (ascending) of the packs of from..to, by day, then part; `bytes` live during the
 * call. */
typedef int pack_fn(void *ctx, const struct pack_part *part);
int store_each_pack(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                    struct err *err);

/* The ledger's independent check: both sides with what was folded or removed. */
struct balance {
    int64_t ledger_records; /* sum of `records` */
    int64_t committed;      /* sum of the committed numbers of all producers */
};
int store_balance(struct store *store, struct balance *out, struct err *err);

/* Check the file or server itself; ERR_CORRUPT says what is wrong. */
int store_check(struct store *store, struct err *err);

/* What stores it: which kind, by which schema, and the bytes that it takes (of PostgreSQL those of
 * the schema's tables with their indexes, since the database may hold others'). Reads only, and
 * quickly. */
struct store_about {
    struct str kind; /* "sqlite", "postgresql", "memory" */
    int64_t schema;  /* how many migrations were run; of memory 0 */
    int64_t bytes;   /* of memory 0 */
};
int store_about(struct store *store, struct store_about *out, struct err *err);

#endif
