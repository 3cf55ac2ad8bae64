/*
 * store/store_backend.h -- what a backend of the store implements.
 *
 * A backend is one const struct store_ops, found by the scheme of the URL. Every function is
 * mandatory and keeps the promise of the verb of the same name in store.h; store.c times it. A
 * handle begins with a struct store, which store.c fills in after open().
 */
#ifndef ABACUS_STORE_BACKEND_H
#define ABACUS_STORE_BACKEND_H

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

    int (*read_directory)(struct store *store, struct arena *arena, struct directory_rows *out,
                          struct err *err);
    int (*put_tenant)(struct store *store, const struct tenant_row *row, const struct actor *actor,
                      struct err *err);
    int (*put_site)(struct store *store, const struct site_row *row, const struct actor *actor,
                    struct err *err);
    int (*set_site)(struct store *store, const struct site_row *row, const struct actor *actor,
                    struct err *err);
    int (*put_token)(struct store *store, const struct token_row *row, const struct actor *actor,
                     struct err *err);
    int (*remove_tenant)(struct store *store, struct str id, const struct actor *actor,
                         struct err *err);
    int (*remove_site)(struct store *store, struct str id, const struct actor *actor,
                       struct err *err);
    int (*remove_token)(struct store *store, struct str id, const struct actor *actor,
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
    int lease_fd;   /* of DATA_DIR/aggregate.lock while it is held, else -1 */
    int writers_fd; /* of DATA_DIR/writers.lock once it was needed, else -1 */
};

/* Zeroed memory; running out of it ends the process. */
void *store_alloc(size_t size);

/* -- numbers and rows (rows.c) ----------------------------------------------------------------- */

/* What sums stop at. */
#define SUM_MAX INT64_C(9007199254740991)

/* struct stats as an array, in the order of its members; the last is not a sum but a maximum. */
enum { STATS_COUNT = sizeof(struct stats) / sizeof(int64_t) };
void stats_to_array(const struct stats *stats, int64_t out[STATS_COUNT]);
struct stats stats_from_array(const int64_t values[STATS_COUNT]);

/* The members of a site's row, in the order of the columns of every statement that reads or writes
 * them. */
enum member_type {
    MEMBER_ID,    /* struct str: an id */
    MEMBER_TEXT,  /* struct str of min..max bytes */
    MEMBER_LIST,  /* struct str: empty, or a JSON array of strings */
    MEMBER_JSON,  /* struct str: empty, or what goals_parse() or path_rules_parse() reads */
    MEMBER_BOOL,  /* bool */
    MEMBER_INT32, /* int32_t, min..max */
    MEMBER_DAYS,  /* int32_t, min..max; -1: the installation's (NULL in SQL) */
    MEMBER_INT64, /* int64_t, min..max */
};
struct site_member {
    const char *name;
    size_t offset;
    enum member_type type;
    int64_t min, max;
};
enum { SITE_MEMBERS = 29 };
extern const struct site_member site_members[SITE_MEMBERS];
/* One of those that hold a struct str; and one of those whose column is JSON, NULL when empty. */
bool member_is_text(const struct site_member *member);
bool member_is_json(const struct site_member *member);

/* ERR_INVALID names the member that is out of bounds. */
int site_row_check(const struct site_row *row, struct err *err);
int tenant_row_check(const struct tenant_row *row, struct err *err);
int token_row_check(const struct token_row *row, struct err *err);
/* The same but for when they were made. */
bool site_row_equal(const struct site_row *a, const struct site_row *b);
bool tenant_row_equal(const struct tenant_row *a, const struct tenant_row *b);
bool token_row_equal(const struct token_row *a, const struct token_row *b);

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
