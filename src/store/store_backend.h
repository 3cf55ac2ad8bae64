/*
 * store/store_backend.h -- what a backend of the store implements.
 *
 * A backend is one const struct store_ops, found by the scheme of the URL. Every function is
 * mandatory and keeps the promise of the verb of the same name in its header; store.c times it. A
 * handle begins with a struct store, which store.c fills in after open().
 */
#ifndef ABACUS_STORE_BACKEND_H
#define ABACUS_STORE_BACKEND_H

#include "base/buf.h"
#include "store/dump.h"
#include "store/erase.h"
#include "store/holdings.h"
#include "store/managed.h"
#include "store/store.h"

struct store_ops {
    struct str scheme;    /* with its colon */
    size_t batch_records; /* of store_batch_records() */
    bool local;           /* keeps files in the data directory, which is made when missing */
    /* Asked before open(): what stands behind the scheme. */
    int (*check_url)(struct str path, struct err *err);
    int (*open)(const struct store_config *config, struct str path, struct store **out,
                struct err *err);
    void (*close)(struct store *store);

    int (*lease)(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
                 struct err *err);
    void (*unlease)(struct store *store);
    int (*positions)(struct store *store, const struct position_filter *filter, struct arena *arena,
                     struct position **out, size_t *count, struct err *err);
    int (*hold_positions)(struct store *store, const struct producer *producers, size_t count,
                          int64_t now_ms, struct err *err);
    int (*load_sketches)(struct store *store, struct arena *arena, struct sketch *sketches,
                         size_t count, struct err *err);
    int (*load_visits)(struct store *store, struct arena *arena, const struct visitor_key *keys,
                       size_t count, struct visit **out, size_t *out_count, struct err *err);
    int (*load_due)(struct store *store, uint32_t partitions, int32_t before, struct arena *arena,
                    struct site_day **out, size_t *count, struct err *err);
    int (*load_goals)(struct store *store, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err);
    int (*load_keys)(struct store *store, struct event_key *keys, size_t count, struct err *err);
    int (*commit)(struct store *store, const struct store_batch *batch, struct err *err);
    void (*yield)(struct store *store);
    int (*finish_run)(struct store *store, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                      struct err *err);
    int (*expire)(struct store *store, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more,
                  struct err *err);
    int (*finish_retention)(struct store *store, uint32_t partitions, int64_t now_ms,
                            struct err *err);
    int (*salts)(struct store *store, int64_t now_ms, struct salts *io, struct err *err);

    int (*read_begin)(struct store *store, struct err *err);
    void (*read_end)(struct store *store);
    int (*counters)(struct store *store, int64_t out[COUNTERS], struct err *err);
    int (*version)(struct store *store, int64_t *out, struct err *err);
    int (*stamp)(struct store *store, uint32_t partitions, int64_t *out, struct err *err);
    int (*each_day)(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, stats_fn *fn, void *ctx, struct err *err);
    int (*each_hour)(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                     int64_t to_ms, stats_fn *fn, void *ctx, struct err *err);
    int (*each_day_of)(struct store *store, const struct site_span *spans, size_t count,
                       span_fn *fn, void *ctx, struct err *err);
    int (*each_hour_of)(struct store *store, const struct site_span *spans, size_t count,
                        span_fn *fn, void *ctx, struct err *err);
    int (*each_ledger)(struct store *store, struct str tenant, struct str site, int32_t from,
                       int32_t to, ledger_fn *fn, void *ctx, struct err *err);
    int (*page_events)(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                       int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                       struct event_row **out, size_t *count, struct err *err);
    int (*each_visit)(struct store *store, struct str tenant, struct str site, int32_t day,
                      visit_fn *fn, void *ctx, struct err *err);
    int (*due_days)(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err);
    int (*each_pack)(struct store *store, struct str tenant, struct str site, int32_t from,
                     int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                     struct err *err);
    int (*balance)(struct store *store, struct balance *out, struct err *err);
    int (*check)(struct store *store, struct err *err);
    int (*holdings)(struct store *store, struct arena *arena, struct holdings *out,
                    struct err *err);
    int (*overdue)(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
                   struct err *err);
    int (*salts_held)(struct store *store, struct arena *arena, struct salts_held *out,
                      struct err *err);
    int (*about)(struct store *store, struct store_about *out, struct err *err);

    int (*read_directory)(struct store *store, struct arena *arena, struct directory_rows *out,
                          struct err *err);
    /* Rows of any kind: row_edit() says what an edit makes of one. */
    int (*get)(struct store *store, enum row_kind kind, struct str id, struct arena *arena,
               void *row, struct err *err);
    int (*edit)(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
                const struct actor *actor, struct err *err);
    int (*page)(struct store *store, enum row_kind kind, const struct row_filter *filter,
                struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
                struct err *err);
    int (*count)(struct store *store, enum row_kind kind, const struct row_filter *filter,
                 int64_t *out, struct err *err);
    int (*end_sessions)(struct store *store, struct str user, int32_t kind, struct str except,
                        struct err *err);
    int (*page_audit)(struct store *store, struct str tenant, int64_t before, size_t limit,
                      struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
    int (*note)(struct store *store, const char *action, struct str target, struct str tenant,
                const struct actor *actor, struct err *err);
    int (*usage)(struct store *store, struct str tenant, int32_t from, int32_t to,
                 struct arena *arena, struct usage_row **out, size_t *count, struct err *err);
    int (*site_span)(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                     int64_t *last_ms, struct err *err);
    int (*payload_session)(struct store *store, struct str schema, struct str collection,
                           struct str user, struct str sid, int64_t now_ms, struct err *err);
    int (*erase_site)(struct store *store, struct str site, const struct actor *actor, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err);
    int (*compact)(struct store *store, struct err *err);
    int (*erase_value)(struct store *store, struct str site, enum erasure_kind kind,
                       struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                       struct err *err);

    int (*dump)(struct store *store, const struct store_table *table, dump_fn *fn, void *ctx,
                struct err *err);
    int (*load_begin)(struct store *store, bool replace, struct err *err);
    int (*load)(struct store *store, const struct store_table *table, struct str rows,
                struct err *err);
    int (*load_end)(struct store *store, int rc, struct err *err);
    int (*sums)(struct store *store, struct store_sums *out, struct err *err);
};

extern const struct store_ops store_sqlite;
extern const struct store_ops store_postgres, store_postgresql; /* the same, by either scheme */
extern const struct store_ops store_memory;

struct store {
    const struct store_ops *ops;
    char *data_dir; /* with NUL */
    bool read_only;
    void (*observe)(void *ctx, const char *op, double seconds);
    void *ctx;
    /* How far a value is erased (erase.c). */
    struct erase_cursor {
        uint8_t what[16]; /* hash of the site and the value */
        bool in_visits;   /* behind the raw rows */
        bool changed;     /* something, in this pass */
        int64_t from;     /* the instant, of visits the day, to go on from */
    } erasing;
    int lease_fd;   /* of DATA_DIR/aggregate.lock while it is held, else -1 */
    int writers_fd; /* of DATA_DIR/writers.lock once it was needed, else -1 */
};

/* Zeroed memory; running out of it ends the process. */
void *store_alloc(size_t size);

/* Tells the observer what a verb took that began then; returns rc (store.c). */
int observed(const struct store *store, const char *op, int64_t began_us, int rc);

/* -- numbers and rows (rows.c) ----------------------------------------------------------------- */

/* What sums stop at. */
#define SUM_MAX INT64_C(9007199254740991)

/* struct stats as an array, in the order of its members; the last is not a sum but a maximum. */
enum { STATS_COUNT = sizeof(struct stats) / sizeof(int64_t) };
void stats_to_array(const struct stats *stats, int64_t out[STATS_COUNT]);
struct stats stats_from_array(const int64_t values[STATS_COUNT]);

/* -- managed rows (row_types.c, row_check.c, edit.c) ------------------------------------------- */

/* What a member of a row's struct is. The columns of every statement that reads or writes a row are
 * those of its kind's members, in their order. */
enum member_type {
    MEMBER_ID,      /* struct str: an id */
    MEMBER_TEXT,    /* struct str of min..max bytes */
    MEMBER_LIST,    /* struct str: empty, or a JSON array of strings; at most `max` bytes */
    MEMBER_JSON,    /* struct str: empty, or JSON that `check` reads; at most `max` bytes */
    MEMBER_BOOL,    /* bool */
    MEMBER_INT32,   /* int32_t (or unsigned), min..max */
    MEMBER_DAYS,    /* int32_t, min..max; -1: the installation's (NULL in SQL) */
    MEMBER_INT64,   /* int64_t, min..max */
    MEMBER_BYTES32, /* uint8_t[32] */
};
enum member_use {
    USE_FREE,
    USE_FIXED, /* never changes once the row is there */
    USE_MADE,  /* when the row was made: a change keeps it, and rows are equal whatever it is */
};
struct row_member {
    const char *name; /* as the API has it */
    const char *column;
    size_t offset;
    enum member_type type;
    int64_t min, max;
    enum member_use use;
    bool optional; /* an empty text is NULL in SQL (of lists and JSON always so) */
    int (*check)(struct str text, struct err *err); /* of a text that is not empty; may be NULL */
};

struct row_type {
    const char *name, *table;
    size_t size;
    const struct row_member *members; /* the first is the id */
    size_t count;
    const struct row_member *tenant, *site,
        *user;         /* what struct row_filter asks for; may be NULL */
    bool audited;      /* a change has its line in the audit log */
    const char *taken; /* said where a unique value of it is another's */
    int (*check)(const void *row, struct err *err); /* of members together; may be NULL */
};
extern const struct row_type row_types[ROW_KINDS];

/* The first members of a site's row: its settings, and `pinned`, the last of them. */
enum { SITE_MEMBERS = 33, SITE_PINNED = SITE_MEMBERS - 1 };
extern const struct row_member site_members[];

/* One of those that hold a struct str; of those whose column is JSON; whose column is NULL where
 * the text is empty. */
bool member_is_text(const struct row_member *member);
bool member_is_json(const struct row_member *member);
bool member_is_optional(const struct row_member *member);

/* A text; a number (of a bool 0 or 1, of a text its length, of bytes 0); where they stand. */
struct str row_text(const struct row_member *member, const void *row);
int64_t row_number(const struct row_member *member, const void *row);
void row_set_text(const struct row_member *member, void *row, struct str text);
void row_set_number(const struct row_member *member, void *row, int64_t number);
struct str row_id(const void *row);
/* The member's, or an empty text where there is no such member. */
struct str row_text_of(const struct row_member *member, const void *row);

/* The defaults, and the id. */
void row_default(enum row_kind kind, struct str id, void *row);
/* Copy all of its texts to the arena. */
void row_keep(enum row_kind kind, void *row, struct arena *arena);
/* ERR_INVALID names the member that is out of bounds ("limits.sites: must be ..."). */
int row_check(enum row_kind kind, const void *row, struct err *err);
int member_check(const struct row_member *member, const void *row, struct err *err);
/* The same but for when they were made; JSON by what it says, not how it is written. */
bool row_equal(enum row_kind kind, const void *a, const void *b);
bool member_equal(const struct row_member *member, const void *a, const void *b);

/* What edit() makes of a row. `row` holds what is there (or the defaults and the id) and then what
 * is to be there. EDIT_PUT, EDIT_PUT_WITH_TENANT: it differs, keeps its bounds, and what never
 * changes has not; EDIT_REMOVE: it is there and is to go; EDIT_KEEP: nothing changes; or an error.
 * `before` (room for another) holds what was there. */
int row_edit(enum row_kind kind, bool exists, void *row, void *before, edit_fn *edit, void *ctx,
             const struct actor *actor, struct arena *arena, struct err *err);
/* "site.put" of a row that is made, "site.set", "site.remove". */
struct row_action {
    char text[32];
};
struct row_action row_action(enum row_kind kind, bool exists, int answer);
/* The tenant that a missing one of `id` becomes. */
struct tenant_row tenant_row_named(struct str id, int64_t now_ms);

/* The sentences of all backends. `kind` is of what is not there. */
int err_no_row(enum row_kind kind, struct str id, struct err *err); /* ERR_NOTFOUND */
int err_taken(enum row_kind kind, struct str id, struct err *err);  /* ERR_CONFLICT */
int err_has_sites(struct str tenant, struct err *err);              /* ERR_CONFLICT */
int err_was_anothers(struct str site, struct err *err);             /* ERR_CONFLICT */

/* Of store_site_span(): from a site's first (last) raw row and its first (last) hour; 0: none. */
int64_t span_first(int64_t raw_ms, int64_t hour_ms);
int64_t span_last(int64_t raw_ms, int64_t hour_ms);

/* The raw rows of a batch, each site's by their time, so that neighbours find their places in the
 * key side by side. free() it (rows.c). */
const struct event **batch_sorted_events(const struct store_batch *batch);

/* Copy texts to the arena, all at once. */
void keep_texts(struct arena *arena, struct str *texts, size_t count);

/* The partitions of the sites and positions that a batch changes what is read of (store.c). */
uint32_t batch_partitions(const struct store_batch *batch);
/* Whether positions of this producer and partition are asked for (store.c). */
bool position_wanted(const struct position_filter *filter, const struct producer *producer,
                     uint16_t partition);

/* -- erasing (erase.c) ------------------------------------------------------------------------- */

/* The tables that have a site_id, and their places in erased_tables[]. */
enum erased {
    ERASED_EVENTS,
    ERASED_VISITS,
    ERASED_SKETCHES,
    ERASED_DUE,
    ERASED_PACKS,
    ERASED_DAYS,
    ERASED_HOURS,
    ERASED_KEYS,
    ERASED_GOALS,
    ERASED_LEDGER,
    ERASED_TOKENS,
    ERASED_LINKS,
    ERASED_ANNOTATIONS,
    ERASED_NAMES,
    ERASED_REMOVED,
    ERASED_SETTINGS,
    ERASED_KINDS
};
enum { ERASE_ROWS_MAX = 10000 }; /* in a transaction */
void erase_add(int64_t sums[ERASED_TABLES], const int64_t rows[ERASED_TABLES]);

/* ERR_INVALID as store_erase_value() has it. */
int erase_check(enum erasure_kind kind, struct str value, struct str with, struct err *err);
/* Where the handle is with this value; it becomes the handle's again once a step is committed. */
struct erase_cursor erase_begin(const struct store *store, struct str site, enum erasure_kind kind,
                                struct str value, struct str with);
/* One call's share, inside a transaction of the backend. `next`: 1 and the instant of the first raw
 * row (of visits: the day) from `from` on, or 0; `change` changes at most `most` of those from
 * `begin` up to `end`, all of one UTC date (of one day), that hold the value. */
struct erase_ops {
    int (*next)(void *ctx, bool visits, int64_t from, int64_t *at, struct err *err);
    int (*change)(void *ctx, bool visits, int64_t begin, int64_t end, int64_t most,
                  int64_t *changed, struct err *err);
};
int erase_step(struct erase_cursor *cursor, const struct erase_ops *ops, void *ctx, bool *more,
               int64_t rows[ERASED_TABLES], struct err *err);
/* The text of an event's properties without that one, the others as they are written; empty where
 * none is left. False: it does not have it, and nothing was added to `out`. */
bool props_remove(struct str props, struct str name, struct buf *out);

/* -- copies (tables.c) ------------------------------------------------------------------------- */

/* Quoted, as SQL has them; the second: the first `count` of a table. */
void sql_add_name(struct buf *sql, struct str name);
void sql_add_columns(struct buf *sql, const struct store_table *table, size_t count);
/* One of the two that a store has rows of from the beginning. */
bool table_is_own(const struct store_table *table);

/* -- files beside the store (lease.c, salts.c) ------------------------------------------------- */

/* One lease for all partitions: *got is what was wanted, or nothing. */
int lease_take(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
               struct err *err);
void lease_give(struct store *store);

/* Around a writing transaction of anyone but the job. */
void writers_enter(struct store *store);
void writers_leave(struct store *store);
/* Sleep 10 ms if someone stands between these two. */
void writers_yield(struct store *store);

int salts_read(struct store *store, int64_t now_ms, struct salts *io, struct err *err);
int salts_look(struct store *store, struct arena *arena, struct salts_held *out, struct err *err);

#endif
