/*
 * store/sqlite_internal.h -- what the files of the SQLite backend share.
 *
 * A statement is a `static const char NAME[]` beside the function that runs it; sqlite_query()
 * prepares it once and keeps it for the handle's life, known by the address of its text. Values are
 * bound in order with the bind_ functions, which borrow what they are given until the statement has
 * run; their errors are collected and come out of sqlite_done() or sqlite_row().
 */
#ifndef ABACUS_STORE_SQLITE_INTERNAL_H
#define ABACUS_STORE_SQLITE_INTERNAL_H

#include "store/store_backend.h"

#include <sqlite3.h>

enum {
    QUERIES_MAX = 192,
    BUSY_TRIES = 2008,     /* 10 s: 10 times 1 ms, then 5 ms each */
    BUSY_TRIES_BRIEF = 28, /* 100 ms */
};

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    int64_t writes; /* committed by this handle: SQLite's data_version leaves them out */
    bool reading;   /* between read_begin and read_end */
    int busy_tries; /* to get a lock */
    size_t queries_count;
    struct sqlite_query {
        const char *sql;
        sqlite3_stmt *stmt;
    } queries[QUERIES_MAX];
};

static inline struct sqlite_store *sqlite_of(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* -- statements (sqlite_query.c) --------------------------------------------------------------- */

/* A statement with its values, or its row. */
struct query {
    sqlite3_stmt *stmt;
    int at; /* the last value bound, or the next column */
    int rc; /* the first error of binding */
};

int sqlite_query(struct sqlite_store *store, const char *sql, struct query *out, struct err *err);

/* Run to the end, ready for new values. */
int sqlite_done(struct sqlite_store *store, struct query *query, struct err *err);
/* 1: a row, 0: no more (the statement is reset), or an error. */
int sqlite_row(struct sqlite_store *store, struct query *query, struct err *err);
/* Leave the rest of the rows. */
void sqlite_end(struct query *query);
/* The number that a query without values has in its one row. */
int sqlite_count_rows(struct sqlite_store *store, const char *sql, size_t *out, struct err *err);

/* The error code for what SQLite returned; its message goes to err. */
int sqlite_fail(struct sqlite_store *store, int rc, struct err *err);

static inline void query_bound(struct query *query, int rc)
{
    if (rc != SQLITE_OK && query->rc == SQLITE_OK)
        query->rc = rc;
}

static inline void bind_i64(struct query *query, int64_t n)
{
    query_bound(query, sqlite3_bind_int64(query->stmt, ++query->at, n));
}

static inline void bind_null(struct query *query)
{
    query_bound(query, sqlite3_bind_null(query->stmt, ++query->at));
}

static inline void bind_str(struct query *query, struct str s)
{
    query_bound(query, sqlite3_bind_text64(query->stmt, ++query->at, s.ptr == NULL ? "" : s.ptr,
                                           s.len, SQLITE_STATIC, SQLITE_UTF8));
}

/* NULL for an empty text. */
static inline void bind_optional(struct query *query, struct str s)
{
    if (s.len == 0)
        bind_null(query);
    else
        bind_str(query, s);
}

static inline void bind_bytes(struct query *query, const void *bytes, size_t len)
{
    query_bound(query, sqlite3_bind_blob64(query->stmt, ++query->at, bytes == NULL ? "" : bytes,
                                           len, SQLITE_STATIC));
}

static inline int64_t column_i64(struct query *query)
{
    return sqlite3_column_int64(query->stmt, query->at++);
}

/* Text or bytes, until the next row; NULL is empty. */
static inline struct str column_str(struct query *query)
{
    int at = query->at++;
    const char *ptr = sqlite3_column_blob(query->stmt, at);

    return ptr == NULL ? STR("") : (struct str){ptr, (size_t)sqlite3_column_bytes(query->stmt, at)};
}

/* -- transactions (sqlite_query.c) ------------------------------------------------------------- */

int sqlite_write_begin(struct sqlite_store *store, struct err *err);
/* Commit if rc is 0, else roll back and return rc. */
int sqlite_write_end(struct sqlite_store *store, int rc, struct err *err);

/* One snapshot for what follows, unless the caller has one; *own says so to sqlite_snapshot_end(),
 * which returns rc. */
int sqlite_snapshot(struct sqlite_store *store, bool *own, struct err *err);
int sqlite_snapshot_end(struct sqlite_store *store, bool own, int rc);

/* -- shared steps ------------------------------------------------------------------------------ */

/* value += n of one row of `counters` (sqlite_job.c). */
int sqlite_count(struct sqlite_store *store, const char *name, int64_t n, struct err *err);

/* Dates beyond the years 1 to 9999 become the first and the last of these. */
enum { DAY_TEXT = 11 };
struct str sqlite_day_text(int32_t day, char out[DAY_TEXT]);

/* Of the site ?1 and the tenant ?2: what a read of a site's rows asks where they name no tenant. */
#define SITE_IS_OF "EXISTS (SELECT 1 FROM analytics_settings WHERE site_id = ?1 AND tenant_id = ?2)"

/* Bring the schema up to date (sqlite_migrate.c); with read_only only look at it. */
int sqlite_migrate(struct sqlite_store *store, bool read_only, struct err *err);

/* The columns of each kind of row, in the order of its members (row_types.c). */
#define TENANT_COLUMNS                                                                             \
    "id, name, active, created_ms, events_per_second, events_per_month, sites_max, "               \
    "reads_per_minute, embed_origins, settings, erase_ms"
#define SITE_COLUMNS                                                                               \
    "site_id, tenant_id, domain, timezone, enabled, respect_gpc, respect_dnt, mask_personal, "     \
    "visitor_identity, ipv4_prefix, ipv6_prefix, store_ip_prefix, tracking_ids, "                  \
    "allowed_origins, query_params, blocked_addresses, blocked_paths, disabled_events, "           \
    "disabled_fields, require_token, blocked_countries, blocked_referrers, goals, path_rules, "    \
    "public_dashboard, public_metrics, events_per_second, events_per_month, paths_per_day, "       \
    "raw_days, visit_days, stats_days, pinned, created_ms, erase_ms"
#define TOKEN_COLUMNS "id, name, tenant_id, site_id, platform, scopes, hash, created_ms, expires_ms"
#define USER_COLUMNS                                                                               \
    "id, name, password, totp, totp_step, admin, memberships, payload_id, created_ms, "            \
    "signed_in_ms"
#define SESSION_COLUMNS "id, user_id, kind, created_ms, seen_ms, expires_ms"
#define LINK_COLUMNS "id, tenant_id, site_id, name, password, created_ms, expires_ms"
#define ERASURE_COLUMNS                                                                            \
    "id, tenant_id, site_id, kind, value, actor, asked_ms, due_ms, done_ms, rows, nodes"
#define INSTALLATION_COLUMNS "id, settings"
#define ANNOTATION_COLUMNS "id, tenant_id, site_id, text"

/* Of each kind (sqlite_rows.c): get and remove take an id; add and set what sqlite_bind_row()
 * binds; page and count a struct row_filter, page then the last id and how many. */
struct sqlite_statements {
    const char *get, *add, *set, *remove, *page, *count;
};
extern const struct sqlite_statements sqlite_statements[ROW_KINDS];
void sqlite_bind_row(struct query *query, enum row_kind kind, const void *row);
/* Read it; texts go to the arena. */
void sqlite_row_columns(struct query *query, enum row_kind kind, struct arena *arena, void *row);

/* The columns of struct stats in its order. */
#define STATS_COLUMNS                                                                              \
    "pageviews, leads, forms, exports, automation_runs, ai_tokens, unique_visitors, converters, "  \
    "visits, bounces, visit_ms, visit_pageviews, conversions, unattributed_conversions, "          \
    "estimated"

/* -- verbs ------------------------------------------------------------------------------------- */

/* sqlite_commit.c */
int sqlite_commit(struct store *store, const struct store_batch *batch, struct err *err);
/* A step of it. */
typedef int sqlite_step(struct sqlite_store *store, const struct store_batch *batch,
                        struct err *err);

/* sqlite_visits.c */
sqlite_step sqlite_remove_visits, sqlite_put_visits;
int sqlite_load_visits(struct store *store, struct arena *arena, const struct visitor_key *keys,
                       size_t count, struct visit **out, size_t *out_count, struct err *err);
int sqlite_each_visit(struct store *store, struct str tenant, struct str site, int32_t day,
                      visit_fn *fn, void *ctx, struct err *err);

/* sqlite_packs.c */
sqlite_step sqlite_put_due, sqlite_remove_packed, sqlite_put_packs, sqlite_put_goals;
int sqlite_load_due(struct store *store, uint32_t partitions, int32_t before, struct arena *arena,
                    struct site_day **out, size_t *count, struct err *err);
int sqlite_load_goals(struct store *store, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err);
int sqlite_due_days(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err);
int sqlite_each_pack(struct store *store, struct str tenant, struct str site, int32_t from,
                     int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                     struct err *err);

/* sqlite_job.c */
int sqlite_lease(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
                 struct err *err);
void sqlite_unlease(struct store *store);
int sqlite_positions(struct store *store, const struct position_filter *filter, struct arena *arena,
                     struct position **out, size_t *count, struct err *err);
int sqlite_hold_positions(struct store *store, const struct producer *producers, size_t count,
                          int64_t now_ms, struct err *err);
int sqlite_load_sketches(struct store *store, struct arena *arena, struct sketch *sketches,
                         size_t count, struct err *err);
int sqlite_load_keys(struct store *store, struct event_key *keys, size_t count, struct err *err);
int sqlite_finish_run(struct store *store, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                      struct err *err);

/* sqlite_expire.c */
int sqlite_expire(struct store *store, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more,
                  struct err *err);
int sqlite_finish_retention(struct store *store, uint32_t partitions, int64_t now_ms,
                            struct err *err);

/* sqlite_erase.c, sqlite_compact.c */
int sqlite_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err);
int sqlite_erase_value(struct store *store, struct str site, enum erasure_kind kind,
                       struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                       struct err *err);
int sqlite_compact(struct store *store, struct err *err);

/* sqlite_holdings.c */
int sqlite_about(struct store *store, struct store_about *out, struct err *err);
int sqlite_holdings(struct store *store, struct arena *arena, struct holdings *out,
                    struct err *err);
int sqlite_overdue(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
                   struct err *err);

/* sqlite_read.c */
int sqlite_read_begin(struct store *store, struct err *err);
void sqlite_read_end(struct store *store);
int sqlite_counters(struct store *store, int64_t out[COUNTERS], struct err *err);
int sqlite_version(struct store *store, int64_t *out, struct err *err);
int sqlite_stamp(struct store *store, uint32_t partitions, int64_t *out, struct err *err);
int sqlite_each_day(struct store *store, struct str tenant, struct str site, int32_t from,
                    int32_t to, stats_fn *fn, void *ctx, struct err *err);
int sqlite_each_hour(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                     int64_t to_ms, stats_fn *fn, void *ctx, struct err *err);
int sqlite_each_ledger(struct store *store, struct str tenant, struct str site, int32_t from,
                       int32_t to, ledger_fn *fn, void *ctx, struct err *err);
int sqlite_page_events(struct store *store, struct str tenant, struct str site, int64_t from_ms,
                       int64_t to_ms, struct event_cursor cursor, size_t limit, struct arena *arena,
                       struct event_row **out, size_t *count, struct err *err);
int sqlite_balance(struct store *store, struct balance *out, struct err *err);
int sqlite_check(struct store *store, struct err *err);

/* sqlite_spans.c */
int sqlite_each_day_of(struct store *store, const struct site_span *spans, size_t count,
                       span_fn *fn, void *ctx, struct err *err);
int sqlite_each_hour_of(struct store *store, const struct site_span *spans, size_t count,
                        span_fn *fn, void *ctx, struct err *err);

/* sqlite_directory.c */
int sqlite_read_directory(struct store *store, struct arena *arena, struct directory_rows *out,
                          struct err *err);

/* sqlite_rows.c */
int sqlite_get(struct store *store, enum row_kind kind, struct str id, struct arena *arena,
               void *row, struct err *err);
int sqlite_page(struct store *store, enum row_kind kind, const struct row_filter *filter,
                struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
                struct err *err);
int sqlite_count_kind(struct store *store, enum row_kind kind, const struct row_filter *filter,
                      int64_t *out, struct err *err);

/* sqlite_edit.c */
int sqlite_edit(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
                const struct actor *actor, struct err *err);
int sqlite_note(struct store *store, const char *action, struct str target, struct str tenant,
                const struct actor *actor, struct err *err);
int sqlite_end_sessions(struct store *store, struct str user, int32_t kind, struct str except,
                        struct err *err);

/* sqlite_audit.c */
int sqlite_page_audit(struct store *store, struct str tenant, int64_t before, size_t limit,
                      struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
int sqlite_usage(struct store *store, struct str tenant, int32_t from, int32_t to,
                 struct arena *arena, struct usage_row **out, size_t *count, struct err *err);
int sqlite_site_span(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                     int64_t *last_ms, struct err *err);
int sqlite_payload_session(struct store *store, struct str schema, struct str collection,
                           struct str user, struct str sid, int64_t now_ms, struct err *err);

/* sqlite_dump.c */
int sqlite_dump(struct store *store, const struct store_table *table, dump_fn *fn, void *ctx,
                struct err *err);
int sqlite_load_begin(struct store *store, bool replace, struct err *err);
int sqlite_load(struct store *store, const struct store_table *table, struct str rows,
                struct err *err);
int sqlite_load_end(struct store *store, int rc, struct err *err);
int sqlite_sums(struct store *store, struct store_sums *out, struct err *err);

/* When a row of stats is, of its next columns: the date; the date and the hour (sqlite_read.c). */
int sqlite_day_place(struct query *query, struct stats_row *row, struct err *err);
int sqlite_hour_place(struct query *query, struct stats_row *row, struct err *err);

#endif
