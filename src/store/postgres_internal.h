/*
 * store/postgres_internal.h -- what the files of the PostgreSQL backend share.
 *
 * A handle is one connection, opened again when it is lost (with a pause that grows to 5 s between
 * tries). Nothing ever waits without a deadline: every result is awaited with poll(), and a server
 * that does not answer in time costs the connection.
 *
 * A statement is a `static const char NAME[]` beside the function that runs it (of managed rows: a
 * text made from their table and kept in the handle), prepared once for each connection and known
 * by the address of its text. Values travel in binary. Rows go in and out by the thousand: a
 * statement takes arrays (unnest($1::bigint[], ...)), and the statements of a transaction are sent
 * in one pipeline, in which everything behind a failure is skipped, COMMIT too.
 */
#ifndef ABACUS_STORE_POSTGRES_INTERNAL_H
#define ABACUS_STORE_POSTGRES_INTERNAL_H

#include "base/buf.h"
#include "store/store_backend.h"

#include <libpq-fe.h>

enum {
    PG_PARAMS_MAX = 40,
    PG_STATEMENTS_MAX = 384,
    PG_READ_MS = 10 * 1000,
    PG_JOB_MS = 60 * 1000,
    PG_CONNECT_MS = 5 * 1000,
    PG_LOCK_MS = 5 * 1000, /* for a lock, but in the job's transactions: */
    PG_JOB_LOCK_MS = 20 * 1000,
    PG_IDLE_MS = 30 * 1000, /* inside a transaction; in the job's no longer than a lease: */
    PG_JOB_IDLE_MS = LEASE_MS,
    PG_GRACE_MS = 2 * 1000, /* for the server to say that the time is over */
    PG_DAYS_KNOWN = 64,
    PG_SCHEMA = 5,           /* the last of its files that this program knows */
    PG_ROW_FILTERS = 1 << 5, /* sets of the members of struct row_filter */
};

/* The statements about rows of a kind (postgres_managed.c). */
enum pg_row_statement {
    PG_ROW_GET,    /* $1: the id */
    PG_ROW_LOCK,   /* the same; whoever else wants to change it waits */
    PG_ROW_ADD,    /* all members; no row where the id is taken */
    PG_ROW_PUT,    /* the same; those that may change */
    PG_ROW_REMOVE, /* $1: the id */
    PG_ROW_EACH,   /* all of them, in the order of the directory */
    PG_ROW_PAGE,   /* $1: behind which id, a value for each filter, the most rows; by filters: */
    PG_ROW_COUNT = PG_ROW_PAGE + PG_ROW_FILTERS, /* a value for each filter; by filters */
    PG_ROW_STATEMENTS = PG_ROW_COUNT + PG_ROW_FILTERS,
};

struct pg_store {
    struct store base;
    char *url;
    PGconn *conn;   /* NULL: none now */
    bool reading;   /* between read_begin and read_end */
    bool begin_due; /* its BEGIN is still to be sent, with the first statement */
    bool ending;    /* the answer to its COMMIT is still to be taken */
    bool writing;   /* between pg_begin and pg_end */
    bool connecting;
    bool opened;
    int64_t wait_ms; /* for each result: PG_READ_MS, in the job's transactions PG_JOB_MS */
    int64_t retry_us, pause_ms; /* not to connect again before; how long to wait after that */
    int why;                    /* the last try to connect failed: its code ... */
    struct err why_text;        /* ... and its text */
    int64_t version;            /* grows with each notification and each new connection */
    bool listening;
    uint32_t leased; /* partitions */
    int64_t epochs[PARTITIONS];
    int32_t days[PG_DAYS_KNOWN]; /* that have a partition, as far as this lease knows */
    size_t days_count;
    struct pg_seen {
        uint64_t *slots;
        size_t size, count;
    } visitors, visits; /* looked up, and found, since the last commit (postgres_visits.c) */
    char *row_sql[ROW_KINDS][PG_ROW_STATEMENTS]; /* made when they are first needed */
    const char *prepared[PG_STATEMENTS_MAX];     /* on this connection */
    size_t prepared_count;
    struct pg_pipe {
        size_t sent;     /* statements whose results are still to come */
        size_t prepared; /* prepared_count when it began */
        int rc;          /* of the first that could not be sent */
    } pipe;
};

static inline struct pg_store *pg_of(struct store *store)
{
    return (struct pg_store *)store;
}

/* -- connection (postgres.c) ------------------------------------------------------------------- */

/* A connection that works, as far as can be seen without asking: opens one, migrated and with the
 * session's settings, if there is none. ERR_UNAVAILABLE while it is too early to try again. Every
 * verb begins with this (inside a transaction it only looks). */
int pg_ready(struct pg_store *store, struct err *err);

/* The connection is not to be trusted any more (a time-out, a broken protocol). */
void pg_drop(struct pg_store *store);

/* What a failed result, or a lost connection (result NULL), means to the caller; the text says what
 * the server said. Takes `result`. */
int pg_fail(struct pg_store *store, PGresult *result, struct err *err);

/* The code for a SQLSTATE, and for a failed check without a constraint's name: the row has no
 * partition to go to. */
int pg_code_of(const char *sqlstate, bool has_constraint);

/* The connection never blocks by itself. Send what still waits here, or receive the next result
 * (NULL: no more of this statement), within wait_ms; reading goes on while sending. */
int pg_flush(struct pg_store *store, struct err *err);
int pg_result(struct pg_store *store, PGresult **out, struct err *err);

/* Connect, make the session's settings and migrate; store->conn may be left half open where it
 * fails (postgres_connect.c). */
int pg_connect(struct pg_store *store, struct err *err);

/* -- values (postgres_values.c) ---------------------------------------------------------------- */

/* A statement and its values, which are borrowed until it has run; numbers are kept here. */
struct pg_query {
    const char *sql;
    int count;
    Oid types[PG_PARAMS_MAX];
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    char numbers[PG_PARAMS_MAX][8];
    int64_t most; /* about how many rows it may give; 0: nobody knows */
};

struct pg_query pg_query(const char *sql);
void pg_i64(struct pg_query *query, int64_t n); /* bigint */
void pg_i32(struct pg_query *query, int32_t n); /* integer */
void pg_bool(struct pg_query *query, bool b);
void pg_date(struct pg_query *query, int32_t day);   /* date; days since 1970, kept in PG's range */
void pg_instant(struct pg_query *query, int64_t ms); /* timestamptz, kept in PG's range */
void pg_text(struct pg_query *query, struct str s);  /* text */
void pg_optional(struct pg_query *query, struct str s); /* text; NULL where it is empty */
void pg_bytes(struct pg_query *query, const void *bytes, size_t len); /* bytea */

/* An array as one value: pg_array() opens it, an add_ function for each element, then it is bound.
 * Its bytes live in `buf`, which the caller releases after the statement has run. */
struct pg_array {
    struct buf buf;
    Oid type; /* of the array */
    size_t count;
};
enum pg_element { PG_INT8, PG_INT4, PG_INT2, PG_TEXT, PG_BYTEA, PG_DATE };
struct pg_array pg_array(enum pg_element element);
void pg_add_i64(struct pg_array *array, int64_t n);
void pg_add_i32(struct pg_array *array, int32_t n);
void pg_add_i16(struct pg_array *array, int16_t n);
void pg_add_date(struct pg_array *array, int32_t day);
void pg_add_str(struct pg_array *array, struct str s);      /* text or bytea */
void pg_add_optional(struct pg_array *array, struct str s); /* NULL where it is empty */
void pg_bind_array(struct pg_query *query, struct pg_array *array);

/* -- one statement (postgres_query.c) ---------------------------------------------------------- */

/* Run it and wait. *out (may be NULL) is the caller's to PQclear(): its columns are binary. */
int pg_run(struct pg_store *store, struct pg_query *query, PGresult **out, struct err *err);
/* The same, with a text that is not kept: it is not prepared. */
int pg_run_once(struct pg_store *store, struct pg_query *query, PGresult **out, struct err *err);
/* Text without values, one or several statements; for transactions and the schema. */
int pg_exec(struct pg_store *store, const char *sql, struct err *err);
/* The same; *out is the last result, in text. */
int pg_ask(struct pg_store *store, const char *sql, PGresult **out, struct err *err);
/* `sql` is a COPY ... FROM STDIN; `bytes` is all of what it takes. */
int pg_copy(struct pg_store *store, const char *sql, struct str bytes, struct err *err);

/* Rows one after the other, for what may be large; fn as in pg_each() below. */
typedef int pg_row_fn(void *ctx, const PGresult *result, int row, struct err *err);
/* fn for each row; what it returns other than 0 ends it (the rest is read and left) and is
 * returned. Rows come singly, so that memory does not grow with the answer, but for queries whose
 * `most` says that there are few: taking them together costs a fraction of that. */
int pg_each(struct pg_store *store, struct pg_query *query, pg_row_fn *fn, void *ctx,
            struct err *err);

int64_t pg_get_i64(const PGresult *result, int row,
                   int column); /* int8, int4, int2, bool; NULL: 0 */
int32_t pg_get_date(const PGresult *result, int row, int column);
int64_t pg_get_instant(const PGresult *result, int row, int column); /* ms */
struct str pg_get_str(const PGresult *result, int row, int column);  /* NULL: empty; borrowed */
/* JSON without the white space that the server puts between its parts, as the other stores keep it;
 * from a column that is jsonb or jsonb::text. NULL: empty. */
struct str pg_get_json(const PGresult *result, int row, int column, struct arena *arena);

/* -- transactions and pipelines (postgres_query.c) --------------------------------------------- */

/* pg_ready() and BEGIN with the job's time-outs. pg_end(): COMMIT if rc is 0, else ROLLBACK and rc;
 * a COMMIT whose answer never came is ERR_UNCERTAIN. */
int pg_begin(struct pg_store *store, struct err *err);
/* The same with other time-outs, for a statement and for a lock; without pg_ready(). */
int pg_begin_with(struct pg_store *store, int wait_ms, int lock_ms, struct err *err);
int pg_end(struct pg_store *store, int rc, struct err *err);

/* Between these, pg_pipe_add() sends and waits for no answer. pg_pipe_end() waits for all; the
 * results of single statements are dropped, the first failure (of an add too) is returned. With
 * `commit`, COMMIT is sent as the last one: then a lost connection is ERR_UNCERTAIN, and after any
 * failure the transaction is rolled back. */
int pg_pipe_begin(struct pg_store *store, struct err *err);
int pg_pipe_add(struct pg_store *store, struct pg_query *query, struct err *err);
int pg_pipe_end(struct pg_store *store, bool commit, struct err *err);

/* Raised by the schema's own functions. */
#define PG_LEASE_LOST "AB001"     /* -> ERR_CONFLICT */
#define PG_POSITION_MOVED "AB002" /* -> ERR_CONFLICT */
#define PG_SCHEMA_NEWER "AB003"   /* -> ERR_SYSTEM: waiting would not help */

/* -- leases (postgres_lease.c) ----------------------------------------------------------------- */

/* What a transaction of the job touches. */
struct pg_touched {
    uint32_t partitions;
    int64_t rows[PARTITIONS]; /* daily rows that it writes */
};

/* Sent in the first pipeline of each transaction of the job: locks the leases of this handle, sees
 * that they are still its own (else PG_LEASE_LOST), renews them and counts what is touched. A
 * handle that holds no lease is not fenced: its commits are checked by positions alone. Also sets
 * the planner for the rest of the transaction: every key is looked up in its index. pg_unlease()
 * is called before a handle is closed. */
int pg_hold_leases(struct pg_store *store, const struct pg_touched *touched, struct err *err);

/* -- the schema (postgres_migrate.c) ----------------------------------------------------------- */

/* Bring it up to date under an advisory lock; with read_only only look at it. */
int pg_migrate(struct pg_store *store, bool read_only, struct err *err);

/* -- days of raw rows (postgres_days.c) -------------------------------------------------------- */

/* Make those of these UTC dates that are missing (by ATTACH: readers are not kept waiting); not
 * inside a transaction. */
int pg_days_make(struct pg_store *store, const int32_t *days, size_t count, struct err *err);
/* Detach and drop those before `day`; finish what an interrupted run left. */
int pg_days_remove(struct pg_store *store, int32_t before_day, struct err *err);

/* -- visits (postgres_visits.c) ---------------------------------------------------------------- */

/* The columns of a visit behind its key; the texts in the order of enum visit_text. */
#define PG_VISIT_VALUES                                                                            \
    "before, before_day, end_ms, first_ms, first_day, first_hour_ms, pageviews, others, last_day," \
    " entry_ms, exit_ms, source, channel, utm_source, utm_medium, utm_campaign, utm_content,"      \
    " utm_term, country, browser, os, device, language, entry_path, exit_path, referrer, screen,"  \
    " entry_name"
/* From begin_ms and PG_VISIT_VALUES, which begin at `column`; the texts are borrowed. */
void pg_get_visit(const PGresult *result, int row, int column, struct visit *out);

/* Before so many visitors are looked up; then for each of them, and for each row that was found.
 * What was looked up holds until rows are written. */
void pg_visits_look_up(struct pg_store *store, size_t count);
void pg_visitor_looked_up(struct pg_store *store, const struct visitor_key *key);
void pg_visit_found(struct pg_store *store, const struct visit *visit);
void pg_visits_forget(struct pg_store *store);

/* A copy of a batch's visits by the way that they go; the caller frees `rows`. */
enum pg_visit_kind {
    PG_VISIT_NEW,     /* not there */
    PG_VISIT_GOES_ON, /* there, with the same entry */
    PG_VISIT_ANY,
    PG_VISIT_KINDS,
};
struct pg_visits {
    struct visit *rows;
    struct visit *of[PG_VISIT_KINDS]; /* within rows */
    size_t counts[PG_VISIT_KINDS];
};
struct pg_visits pg_visits_sort(const struct pg_store *store, const struct store_batch *batch);
int pg_copy_visits(struct pg_store *store, const struct pg_visits *visits, struct err *err);

/* -- rows of a batch (postgres_rows.c) --------------------------------------------------------- */

/* Send everything but raw rows and new visits, in the pipeline of the transaction. */
int pg_add_rows(struct pg_store *store, const struct store_batch *batch,
                const struct pg_visits *visits, struct err *err);
/* No site's, but a name that all aggregators write to: an id has no parentheses. */
bool pg_is_shared(struct str site);

/* -- raw rows (postgres_raw.c) ----------------------------------------------------------------- */

/* Make the days that the batch's rows go to; before the transaction. */
int pg_days_of(struct pg_store *store, const struct store_batch *batch, struct err *err);
/* Copy the batch's rows, inside the transaction. */
int pg_add_events(struct pg_store *store, const struct store_batch *batch, struct err *err);

#define PG_STATS_COLUMNS                                                                           \
    "pageviews, leads, forms, exports, automation_runs, ai_tokens, unique_visitors, converters, "  \
    "visits, bounces, visit_ms, visit_pageviews, conversions, unattributed_conversions, "          \
    "estimated"

/* -- verbs ------------------------------------------------------------------------------------- */

/* postgres_commit.c */
int pg_commit(struct store *store, const struct store_batch *batch, struct err *err);

/* postgres_lease.c */
int pg_lease(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
             struct err *err);
void pg_unlease(struct store *store);
void pg_yield(struct store *store);
int pg_finish_run(struct store *store, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                  struct err *err);

/* postgres_job.c */
int pg_positions(struct store *store, const struct position_filter *filter, struct arena *arena,
                 struct position **out, size_t *count, struct err *err);
int pg_hold_positions(struct store *store, const struct producer *producers, size_t count,
                      int64_t now_ms, struct err *err);
int pg_load_sketches(struct store *store, struct arena *arena, struct sketch *sketches,
                     size_t count, struct err *err);
int pg_load_visits(struct store *store, struct arena *arena, const struct visitor_key *keys,
                   size_t count, struct visit **out, size_t *out_count, struct err *err);
int pg_load_keys(struct store *store, struct event_key *keys, size_t count, struct err *err);

/* postgres_packs.c */
int pg_load_due(struct store *store, uint32_t partitions, int32_t before, struct arena *arena,
                struct site_day **out, size_t *count, struct err *err);
int pg_load_goals(struct store *store, struct arena *arena, struct goals_row **out, size_t *count,
                  struct err *err);
int pg_each_visit(struct store *store, struct str tenant, struct str site, int32_t day,
                  visit_fn *fn, void *ctx, struct err *err);
int pg_due_days(struct store *store, struct str tenant, struct str site, int32_t from, int32_t to,
                struct arena *arena, int32_t **out, size_t *count, struct err *err);
int pg_each_pack(struct store *store, struct str tenant, struct str site, int32_t from, int32_t to,
                 const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx, struct err *err);

/* postgres_expire.c */
int pg_expire(struct store *store, const struct expiry *sites, size_t count,
              const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err);
int pg_finish_retention(struct store *store, uint32_t partitions, int64_t now_ms, struct err *err);

/* postgres_erase.c, postgres_compact.c */
int pg_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                  int64_t rows[ERASED_TABLES], struct err *err);
int pg_erase_value(struct store *store, struct str site, enum erasure_kind kind, struct str value,
                   struct str with, bool *more, int64_t rows[ERASED_TABLES], struct err *err);
int pg_compact(struct store *store, struct err *err);

/* postgres_holdings.c */
int pg_holdings(struct store *store, struct arena *arena, struct holdings *out, struct err *err);
int pg_overdue(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
               struct err *err);
int pg_about(struct store *store, struct store_about *out, struct err *err);
int pg_salts_held(struct store *store, struct arena *arena, struct salts_held *out,
                  struct err *err);

/* postgres_salts.c */
int pg_salts(struct store *store, int64_t now_ms, struct salts *io, struct err *err);

/* postgres_query.c */
/* A snapshot costs no round trip of its own: BEGIN travels with its first statement, and whoever
 * uses the handle next takes the answer to COMMIT. */
void pg_begin_reading(struct pg_store *store);
void pg_end_reading(struct pg_store *store);
/* Take that answer; the connection is dropped where there is none. */
void pg_settle(struct pg_store *store);

/* postgres_read.c */
int pg_read_begin(struct store *store, struct err *err);
void pg_read_end(struct store *store);
int pg_counters(struct store *store, int64_t out[COUNTERS], struct err *err);
int pg_version(struct store *store, int64_t *out, struct err *err);
int pg_stamp(struct store *store, uint32_t partitions, int64_t *out, struct err *err);
int pg_each_day(struct store *store, struct str tenant, struct str site, int32_t from, int32_t to,
                stats_fn *fn, void *ctx, struct err *err);
int pg_each_hour(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                 int64_t to_ms, stats_fn *fn, void *ctx, struct err *err);
int pg_each_ledger(struct store *store, struct str tenant, struct str site, int32_t from,
                   int32_t to, ledger_fn *fn, void *ctx, struct err *err);
int pg_page_events(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                   int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                   struct event_row **out, size_t *count, struct err *err);
int pg_balance(struct store *store, struct balance *out, struct err *err);
int pg_check(struct store *store, struct err *err);
/* One snapshot for what follows, unless the caller has one; *own says so to pg_snapshot_end(),
 * which returns rc. */
int pg_snapshot(struct pg_store *store, bool *own, struct err *err);
int pg_snapshot_end(struct pg_store *store, bool own, int rc);

/* postgres_spans.c */
int pg_each_day_of(struct store *store, const struct site_span *spans, size_t count, span_fn *fn,
                   void *ctx, struct err *err);
int pg_each_hour_of(struct store *store, const struct site_span *spans, size_t count, span_fn *fn,
                    void *ctx, struct err *err);

/* postgres_directory.c */
int pg_read_directory(struct store *store, struct arena *arena, struct directory_rows *out,
                      struct err *err);

/* postgres_managed.c: rows of any kind */
/* The text of a statement; behind PG_ROW_PAGE and PG_ROW_COUNT comes the set of filters. Lives as
 * long as the handle. */
const char *pg_row_sql(struct pg_store *store, enum row_kind kind, unsigned statement);
/* Those of the filter that the kind knows: a set, and bound to the query. */
unsigned pg_filters_of(enum row_kind kind, const struct row_filter *filter);
void pg_bind_filters(struct pg_query *query, unsigned filters, const struct row_filter *filter);
/* All members, in their order. */
void pg_bind_row(struct pg_query *query, enum row_kind kind, const void *row);
/* A row of a result whose columns are the kind's, into `out`; texts go to the arena. */
void pg_get_row(const PGresult *result, int row, enum row_kind kind, struct arena *arena,
                void *out);

/* postgres_edit.c */
int pg_edit(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
            const struct actor *actor, struct err *err);

/* postgres_admin.c */
int pg_get(struct store *store, enum row_kind kind, struct str id, struct arena *arena, void *row,
           struct err *err);
int pg_page(struct store *store, enum row_kind kind, const struct row_filter *filter,
            struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
            struct err *err);
int pg_count(struct store *store, enum row_kind kind, const struct row_filter *filter, int64_t *out,
             struct err *err);
int pg_end_sessions(struct store *store, struct str user, int32_t kind, struct str except,
                    struct err *err);
int pg_page_audit(struct store *store, struct str tenant, int64_t before, size_t limit,
                  struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
int pg_note(struct store *store, const char *action, struct str target, struct str tenant,
            const struct actor *actor, struct err *err);
int pg_usage(struct store *store, struct str tenant, int32_t from, int32_t to, struct arena *arena,
             struct usage_row **out, size_t *count, struct err *err);
int pg_site_span(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                 int64_t *last_ms, struct err *err);
/* A line of the audit log, in the transaction that there is. */
int pg_add_audit(struct pg_store *store, struct str action, struct str target, struct str tenant,
                 const struct actor *actor, struct err *err);

/* postgres_payload.c */
int pg_payload_session(struct store *store, struct str schema, struct str collection,
                       struct str user, struct str sid, int64_t now_ms, struct err *err);

/* postgres_dump.c */
int pg_dump_table(struct store *store, const struct store_table *table, dump_fn *fn, void *ctx,
                  struct err *err);
int pg_load_begin(struct store *store, bool replace, struct err *err);
int pg_load_rows(struct store *store, const struct store_table *table, struct str rows,
                 struct err *err);
int pg_load_end(struct store *store, int rc, struct err *err);
int pg_sums(struct store *store, struct store_sums *out, struct err *err);

#endif
