/*
 * store/store.h -- where events, rollups, sites and tokens are kept.
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

/* -- what is held, for who answers for it ------------------------------------------------------ */

/* Those up to HOLDINGS_OF_SITES belong to sites and go by their days (struct expiry). */
enum holding_kind {
    HOLDING_EVENTS,      /* raw rows */
    HOLDING_VISITS,      /* runs and links */
    HOLDING_SKETCHES,    /* sets of visitors */
    HOLDING_EVENT_PARTS, /* packs' parts from PACK_EVENTS on */
    HOLDING_VISIT_PARTS, /* from PACK_VISITS to PACK_EVENTS */
    HOLDING_PACKS,       /* all their parts */
    HOLDING_DAYS,        /* daily stats */
    HOLDING_HOURS,
    HOLDING_LEDGER,
    HOLDINGS_OF_SITES,
    HOLDING_KEYS = HOLDINGS_OF_SITES, /* idempotency keys */
    HOLDING_AUDIT,
    HOLDING_TOKENS,
    HOLDING_SITES,
    HOLDING_TENANTS,
    HOLDINGS,
};
struct holding {
    int64_t rows;
    bool about; /* not counted: the server's estimate */
    /* Dates of the sites, of what belongs to none UTC dates; DAY_NONE where there is no row. */
    int32_t oldest_day, newest_day;
};
#define DAY_NONE INT32_MIN

struct holdings {
    struct holding kinds[HOLDINGS];
    int64_t prefixes;    /* raw rows with a cut address */
    struct str *removed; /* sites that are gone while some of their numbers are not */
    size_t removed_count;
    /* Retention, since it began to keep book: */
    int64_t retention_since_ms; /* 0: not yet */
    int64_t retention_ended_ms; /* a complete run, of the partition where that is longest ago; 0: of
                                   one of them none yet */
    int64_t retention_rows;     /* removed one by one ... */
    int64_t retention_days;     /* ... and whole days of raw rows at once */
};
/* Everything that is kept. Reads only, and quickly also where there are millions of rows. */
int store_holdings(struct store *store, struct arena *arena, struct holdings *out, struct err *err);

/* out[i]: of which kinds (bit k for kind k, of those of sites) store_expire() would remove
 * something of sites[i]. Reads only. */
int store_overdue(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
                  struct err *err);

/* The salts without their keys, and where they are kept. Reads only; before there are any, none. */
struct salt_held {
    int32_t day;
    int64_t made_ms; /* 0: not known */
    bool aside;      /* in a file that was to replace the other, and did not */
};
struct salts_held {
    struct salt_held *salts;
    size_t count;
    struct str place; /* "DATA_DIR/salts", "table analytics.salts" */
    unsigned mode;    /* of the file; 0 for a table */
    bool unlogged;    /* the table: in no write-ahead log */
    bool sampled;     /* the server keeps samples of the keys in its statistics */
};
int store_salts_held(struct store *store, struct arena *arena, struct salts_held *out,
                     struct err *err);

/* -- tenants, sites, tokens -------------------------------------------------------------------- */

/* Who does something, for the audit log. */
struct actor {
    struct str name; /* "cli", "token:abc", "user:a@b.c" */
    int64_t now_ms;
};

struct tenant_row {
    struct str id, name;
    bool active; /* false: suspended */
    int64_t created_ms;
    /* 0: no limit; but reads_per_minute is 600 unless set (READS_PER_MINUTE). */
    int64_t events_per_second, events_per_month, sites_max, reads_per_minute;
    struct str embed_origins; /* a JSON array: who may show its dashboards in a frame */
    struct str settings;      /* a JSON object, as AnalyticsSettings has it: what holds for those
                                 sites that set no value of their own */
    int64_t erase_ms;         /* when it is to be erased; 0: it is not */
};
enum { READS_PER_MINUTE = 600 };
/* A row with the defaults. */
struct tenant_row tenant_row_default(void);

/* A site with its settings; lists are JSON arrays of strings, empty text: not set, the default
 * holds. */
struct site_row {
    struct str id, tenant, domain, timezone;
    bool enabled, respect_gpc, respect_dnt, mask_personal;
    struct str visitor_identity; /* "cut-address", "full-address" */
    int32_t ipv4_prefix, ipv6_prefix;
    bool store_ip_prefix;
    struct str tracking_ids, allowed_origins, query_params, blocked_addresses, blocked_paths,
        disabled_events, disabled_fields, require_token, blocked_countries, blocked_referrers;
    struct str goals, path_rules; /* JSON arrays of objects (goals_parse(), path_rules_parse()) */
    bool public_dashboard;
    struct str public_metrics; /* names of metrics and dimensions shown beside the public ones */
    int64_t events_per_second, events_per_month, paths_per_day;
    int32_t raw_days, visit_days, stats_days; /* -1: the installation's */
    /* Names of settings that are the site's own although they are what a site has by default: not
     * its tenant's, nor the installation's. */
    struct str pinned;
    int64_t created_ms;
    int64_t erase_ms; /* as a tenant's; nothing is counted or read meanwhile */
};
/* A row with the defaults of AnalyticsSettings. */
struct site_row site_row_default(void);

/* The settings of a site, by the names that AnalyticsSettings has for them
 * ("limits.pathsPerDay"). */
enum setting_type {
    SETTING_TEXT,   /* of min to max bytes */
    SETTING_LIST,   /* a JSON array of texts */
    SETTING_JSON,   /* goals, pathRules: a JSON array of objects */
    SETTING_BOOL,   /* true, false */
    SETTING_NUMBER, /* a whole number, min to max */
    SETTING_DAYS,   /* the same; 0: for ever */
};
struct site_setting {
    const char *name;
    enum setting_type type;
    int64_t min, max;
};
/* Those that can be changed, in the order of AnalyticsSettings; false behind the last. */
bool site_setting_at(size_t i, struct site_setting *out);
/* ERR_NOTFOUND: there is none of that name, or it cannot be changed. */
int site_setting_find(struct str name, struct site_setting *out, struct err *err);
/* Change one of the row's, from text as the type has it; empty text: back to what holds without
 * it. What equals the default is pinned. ERR_INVALID names the setting and says what is allowed;
 * goals, rules and the items of lists are looked at by store_set_site(). The text is borrowed; the
 * pins live in `arena`. */
int site_setting_put(struct site_row *row, struct str name, struct str text, struct arena *arena,
                     struct err *err);
/* All of the row as members of an object that is open, siteId and tenantId first. null: the default
 * holds, or the installation's; of a list that is []. */
struct json_out;
void site_settings_json(const struct site_row *row, struct json_out *out);

/* Where a setting's value comes from, the nearest first. */
enum setting_source { FROM_SITE, FROM_TENANT, FROM_INSTALLATION, FROM_DEFAULT };
/* What a site sets itself it keeps; the others come from `tenant`, then from `installation`: JSON
 * objects as AnalyticsSettings has them ({"limits":{"pathsPerDay":500}}), or empty. Values that are
 * not valid are passed over. `sources` (may be NULL) is beside site_setting_at(). */
enum { SETTINGS_MAX = 40 };
void site_row_resolve(struct site_row *row, struct str tenant, struct str installation,
                      struct arena *arena, enum setting_source sources[SETTINGS_MAX]);
/* The same of many sites: each layer is read once. NULL where the text is empty. */
struct settings_layer;
const struct settings_layer *settings_layer_read(struct str text, struct arena *arena);
void site_row_resolve_with(struct site_row *row, const struct settings_layer *tenant,
                           const struct settings_layer *installation, struct arena *arena,
                           enum setting_source sources[SETTINGS_MAX]);
/* Change the row by the members of such an object, each as site_setting_put(); null: back to what
 * holds without it. What equals the default is pinned. ERR_INVALID names the member. With `layer`
 * it is what a tenant or the installation may set: neither domain nor trackingIds. */
struct json;
int site_settings_put(struct site_row *row, const struct json *object, bool layer,
                      struct arena *arena, struct err *err);

enum scope { SCOPE_STATS_READ = 1, SCOPE_EVENTS_WRITE = 2, SCOPE_ADMIN = 4, SCOPE_METRICS = 8 };
enum { TOKEN_HASH_BYTES = 32 };
struct token_row {
    struct str id;           /* shown by list, used by revoke */
    struct str name;         /* what it is for; may be empty */
    struct str tenant, site; /* empty: any */
    bool platform;
    unsigned scopes;
    uint8_t hash[TOKEN_HASH_BYTES];
    int64_t created_ms, expires_ms; /* 0: never */
};

/* A person who signs in. The id is the e-mail address, in lower case. */
struct user_row {
    struct str id, name;
    struct str password;    /* libsodium's text of argon2id; empty: none yet */
    struct str totp;        /* the secret in base32; empty: no second factor */
    int64_t totp_step;      /* of the last code that was used: none before it, nor it again */
    bool admin;             /* the platform's */
    struct str memberships; /* a JSON array: [{"tenantId":"t5g","role":"manager","sites":["a"]}];
                               without sites: all */
    struct str payload_id;  /* the id of the same person in Payload; unique; may be empty */
    int64_t created_ms, signed_in_ms;
};

/* A secret that stands for a person until it expires: a session, or a link that is used once. The
 * id is the BLAKE2b-256 of the secret, in hex. */
enum session_kind { SESSION_SIGNED_IN, SESSION_INVITATION, SESSION_RESET, SESSION_SETUP };
struct session_row {
    struct str id;
    struct str user; /* its id; empty in SESSION_SETUP, which makes the first admin */
    int32_t kind;    /* enum session_kind */
    int64_t created_ms, seen_ms, expires_ms;
};

/* A shared link to one site's dashboard. What opens it is signed with the installation's key. */
struct link_row {
    struct str id, tenant, site, name;
    struct str password;            /* as a person's; empty: none */
    int64_t created_ms, expires_ms; /* 0: never */
};

/* Something that is to be erased, and then the receipt. */
enum erasure_kind { ERASE_SITE, ERASE_TENANT, ERASE_PATH, ERASE_EVENT, ERASE_PROP };
struct erasure_row {
    struct str id, tenant, site; /* site empty: the tenant and all of its sites */
    int32_t kind;                /* enum erasure_kind */
    struct str value;            /* the path, name or property; emptied when it is done */
    struct str actor;            /* who asked for it */
    int64_t asked_ms, due_ms;    /* not before */
    int64_t done_ms;             /* 0: not yet */
    struct str rows;             /* a JSON object: table -> rows removed or changed */
    struct str nodes; /* a JSON object: node -> when its log and cache held nothing of it (ms) */
};

/* What the installation sets for all sites. There is one row, whose id is "installation". */
struct installation_row {
    struct str id, settings; /* a JSON object, as a tenant's */
};

/* -- rows of any kind -- */

enum row_kind {
    ROW_TENANT,
    ROW_SITE,
    ROW_TOKEN,
    ROW_USER,
    ROW_SESSION,
    ROW_LINK,
    ROW_ERASURE,
    ROW_INSTALLATION,
    ROW_KINDS,
};
/* The size of the kind's struct, which begins with its id; and "tenant", "site" ... */
size_t row_size(enum row_kind kind);
const char *row_name(enum row_kind kind);

/* The row of this id into *row (of the kind's struct; texts in the arena): 1, or 0: there is none,
 * and *row holds the defaults and the id. */
int store_get(struct store *store, enum row_kind kind, struct str id, struct arena *arena,
              void *row, struct err *err);

/* Change one row, or make it, in a transaction with its line in the audit log (ROW_SESSION has
 * none). `edit` gets the row as it is, or with the defaults and its id, and says with EDIT_KEEP,
 * EDIT_PUT, EDIT_REMOVE or a negative code, which is returned, what becomes of it; it may be called
 * again from the beginning, and may read from `store` by store_get() and store_count(). Other rows
 * of the same tenant wait meanwhile. Putting what is there already changes nothing. Returns 1: it
 * has changed, 0: it has not. ERR_CONFLICT: an alias, an id, a payload_id is taken; an id or a
 * tenant that never changes would (of a token the owner and the hash too). ERR_NOTFOUND: the tenant
 * or site that it names is not there. ERR_INVALID: a bound (row_check()). */
enum {
    EDIT_KEEP,
    EDIT_PUT,
    EDIT_REMOVE,          /* what is bound to it goes too (store_remove_tenant()) */
    EDIT_PUT_WITH_TENANT, /* a site; a tenant that is missing is made, named like its id */
};
typedef int edit_fn(void *ctx, bool exists, void *row, struct arena *arena, struct err *err);
int store_edit(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
               const struct actor *actor, struct err *err);

/* Rows by id, behind `after`, at most `limit` (and 10,000): of a tenant where the kind has one and
 * it is given; of users those with a membership in it; of sessions with `user` those of that user.
 * *rows is an array of the kind's struct. Sites and tenants that are to be erased are among them.
 */
struct row_filter {
    struct str tenant, site, user;
};
int store_page(struct store *store, enum row_kind kind, const struct row_filter *filter,
               struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
               struct err *err);
int store_count(struct store *store, enum row_kind kind, const struct row_filter *filter,
                int64_t *out, struct err *err);
/* Remove the sessions of a person but `except`, of one kind or of all (kind -1). */
int store_end_sessions(struct store *store, struct str user, int32_t kind, struct str except,
                       struct err *err);

/* A row of the audit log; `id` counts up. */
struct audit_row {
    int64_t id, at_ms;
    struct str actor, action, target; /* "site.set", "abc123" */
    struct str tenant;                /* empty: the installation's */
};
/* The newest first, those before `before` (0: all): of one tenant, or (empty) of all. */
int store_page_audit(struct store *store, struct str tenant, int64_t before, size_t limit,
                     struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
/* A line for what changes no row ("export", "sign-in"). */
int store_note(struct store *store, const char *action, struct str target, struct str tenant,
               const struct actor *actor, struct err *err);

/* Sums of the ledger by tenant and site, from..to: of one tenant, or (empty) of all. */
struct usage_row {
    struct str tenant, site;
    int64_t stored, dropped, rejected;
};
int store_usage(struct store *store, struct str tenant, int32_t from, int32_t to,
                struct arena *arena, struct usage_row **out, size_t *count, struct err *err);

/* When a site's first and last event happened, as far as kept (an hour's beginning where the raw
 * row is gone); 0: none. */
int store_site_span(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                    int64_t *last_ms, struct err *err);

/* Is this session of Payload's `collection` still live? It is asked in
 * `schema`.`collection`_sessions of the same database; 1: yes, 0: no. ERR_INVALID: this store has
 * no such tables. */
int store_payload_session(struct store *store, struct str schema, struct str collection,
                          struct str user, struct str sid, int64_t now_ms, struct err *err);

/* -- erasure: for who holds the lease on the site's partition -- */

/* Remove some of everything that is kept of a site (at most 10,000 rows in a transaction, a part of
 * a pack counts for several; *more: call again), its row, tokens and links last. What the ledger
 * held of it is folded into the running total. Stays: its lines in the audit log, which have their
 * own retention, and what is kept of the erasure itself. A site that is not there any more is
 * erased all the same. `rows` is added to, beside erased_tables[]. */
enum { ERASED_TABLES = 16 };
extern const char *const erased_tables[ERASED_TABLES]; /* ends with NULL */
int store_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                     int64_t rows[ERASED_TABLES], struct err *err);

/* Give up the space of what was removed or changed, so that the store's own files hold no byte of
 * it: of sites and values, and of rows of tenants and erasures that were removed or emptied before.
 * Slow, and may be called again at any time. No lease is needed; those that are held may be lost
 * meanwhile, since nothing renews them.
 *
 * SQLite: the whole file is written anew, with the write lock held (readers go on), then its
 * write-ahead log is emptied, for which nobody may read an older state. ERR_UNAVAILABLE: somebody
 * still did after 30 s, or wrote for 10 s. 1.2 s for a million raw rows (150 MB). Needs room for
 * the database twice more, once where SQLite keeps temporary files.
 *
 * PostgreSQL: each table that erasing touches is written anew with its indexes and analyzed; raw
 * rows date by date, only those dates that ever lost or changed a row since. Meanwhile nobody reads
 * or writes that one table: 6 to 10 s for a million raw rows in all, so for a date its share.
 * Whoever uses it is waited for 2 s at a time, five times, and whoever may still see what was
 * removed for some 10 s; then ERR_UNAVAILABLE. What the planner keeps of values is written anew
 * where the role owns the database, else its old bytes stay until they are written over. Its
 * write-ahead log, replicas and archives are the server's. */
int store_compact(struct store *store, struct err *err);

/* Put `with` in the place of a value in a site's raw rows and visits: of a path (ERASE_PATH; also
 * where the site's own pages are the referrer; the titles of its rows go), or of an event's own
 * name (ERASE_EVENT); or take a property out (ERASE_PROP: `value` is its name; props without any
 * become none). Some of it at a time, as above. ERR_INVALID: of no such kind, an empty text, a name
 * that is no event's own.
 *
 * Packs are the caller's: all packed days of the site (each has a part 0), those that are due too,
 * because a pack can outlive its raw rows: store_each_pack() with facts_parts_all(),
 * facts_replace() for each day, store_commit() of what it gives. No day becomes due by this. */
int store_erase_value(struct store *store, struct str site, enum erasure_kind kind,
                      struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                      struct err *err);

struct directory_rows {
    struct tenant_row *tenants;
    size_t tenants_count;
    struct site_row *sites; /* in the order made */
    size_t sites_count;
    struct token_row *tokens;
    size_t tokens_count;
    struct link_row *links;
    size_t links_count;
    struct str installation; /* its settings, a JSON object or empty */
    int64_t erased_ms;       /* the newest done_ms of all erasures, for logs and caches to follow */
    uint8_t id_key[16];      /* hashes idempotency keys */
    uint8_t signing_key[32]; /* signs links and embeds */
};
int store_read_directory(struct store *store, struct arena *arena, struct directory_rows *out,
                         struct err *err);

/* Each is one transaction with its line in the audit log. Putting what is there already changes
 * nothing (0); ERR_CONFLICT: the id is there with other values, or an alias or id is taken;
 * ERR_NOTFOUND: no such tenant or id. */
int store_put_tenant(struct store *store, const struct tenant_row *row, const struct actor *actor,
                     struct err *err);
/* Change the settings of a site that is there; created_ms stays. ERR_NOTFOUND: no site of that id
 * is this tenant's. */
int store_set_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err);
/* Makes a missing tenant, named like its id. */
int store_put_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err);
int store_put_token(struct store *store, const struct token_row *row, const struct actor *actor,
                    struct err *err);
/* A tenant only without sites (else ERR_CONFLICT). A removed site's numbers stay until retention
 * takes them, and until then only the same tenant may make a site of that id. Tokens, links and
 * memberships bound to what is removed go with it. */
int store_remove_tenant(struct store *store, struct str id, const struct actor *actor,
                        struct err *err);
int store_remove_site(struct store *store, struct str id, const struct actor *actor,
                      struct err *err);
int store_remove_token(struct store *store, struct str id, const struct actor *actor,
                       struct err *err);

/* -- all of it, for copies and moves ----------------------------------------------------------- */

/* The tables that a copy holds, the same for every backend and in the order in which they are
 * loaded; salts and leases are not among them. A value is written as JSON: DATE as "YYYY-MM-DD",
 * BYTES in hex, INSTANT in milliseconds, the rest as it is; null where there is none. */
enum column_type {
    COLUMN_INT,
    COLUMN_BOOL,
    COLUMN_TEXT,
    COLUMN_DATE,
    COLUMN_INSTANT,
    COLUMN_BYTES,
    COLUMN_JSON
};
struct store_table {
    struct str name;
    const struct store_column {
        struct str name;
        enum column_type type;
    } * columns;
    size_t columns_count;
    size_t key_count; /* its key: the first so many columns */
};
extern const struct store_table store_tables[];
extern const size_t store_tables_count;
/* A table of older copies, whose rows are passed over. */
bool store_table_is_gone(struct str name);
/* Raised by each change of store_tables. */
enum { STORE_TABLES_VERSION = 4 };

/* Each row of a table as a JSON array in the order of its columns, in the order of its key. Between
 * store_read_begin() and store_read_end() all tables come from one moment. A result of fn other
 * than 0 ends it and is returned. */
typedef int dump_fn(void *ctx, struct str row);
int store_dump(struct store *store, const struct store_table *table, dump_fn *fn, void *ctx,
               struct err *err);

/* Put rows (a JSON array of such arrays; of a table with fewer columns than it has here, the others
 * take their defaults) into a store that holds nothing (else ERR_CONFLICT says what), or, with
 * `replace`, in place of everything that it holds. All between load_begin and load_end is one
 * transaction, in which nobody counts: load_begin waits for a run of the job on this machine, and
 * takes the partitions from everybody else. load_end commits where rc is 0, else undoes everything
 * and returns rc. */
int store_load_begin(struct store *store, bool replace, struct err *err);
int store_load(struct store *store, const struct store_table *table, struct str rows,
               struct err *err);
int store_load_end(struct store *store, int rc, struct err *err);

/* What two stores with the same contents have in common. May be asked for inside a snapshot, and
 * between load_begin and load_end. */
struct store_sums {
    int64_t tenants, sites;
    int64_t events;            /* raw rows */
    int64_t days;              /* daily rows */
    int64_t pageviews, visits; /* of all days */
    int64_t counted, records;  /* the ledger's events, and the records behind it */
    int64_t committed;         /* the records that all producers have committed */
};
int store_sums(struct store *store, struct store_sums *out, struct err *err);

#endif
