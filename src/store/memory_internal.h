/*
 * store/memory_internal.h -- what the files of the memory double share.
 */
#ifndef ABACUS_STORE_MEMORY_INTERNAL_H
#define ABACUS_STORE_MEMORY_INTERNAL_H

#include "store/store_backend.h"

/* A growing array of rows of one type. */
struct rows {
    void *ptr;
    size_t count, cap;
};

struct memory_position {
    struct position position;
    int64_t moved_ms;
};

struct memory_removed {
    struct str site, tenant;
};

/* Texts live in `arena` until the store is closed, also those of rows that are gone. */
struct memory_store {
    struct store base;
    struct arena arena;
    struct rows events;    /* struct event_row, by site, time, id */
    struct rows days;      /* struct stats_row, by site, day */
    struct rows hours;     /* struct stats_row, by site, hour */
    struct rows sketches;  /* struct sketch */
    struct rows visits;    /* struct visit, by their keys */
    struct rows due;       /* struct site_day, by site, day */
    struct rows packs;     /* struct pack_part, by site, day, part */
    struct rows goals;     /* struct goals_row */
    struct rows keys;      /* struct event_key */
    struct rows ledger;    /* struct ledger_row, by site, day, kind, reason */
    struct rows positions; /* struct memory_position */
    struct rows tenants, sites, tokens, users, sessions, links, erasures, installation, annotations;
    struct rows removed; /* struct memory_removed */
    struct rows audit;   /* struct audit_row, by id */
    int64_t counters[COUNTERS];
    int64_t commits[PARTITIONS]; /* that touched each partition */
    int64_t as_of_ms[PARTITIONS];
    int64_t event_id, folded_records, folded_positions, version;
    int64_t retention_ms[PARTITIONS]; /* the last complete run of retention */
    int64_t retention_since_ms, retention_rows;
    int64_t audit_id; /* the last */
    uint8_t id_key[16], signing_key[32];
};

static inline struct memory_store *memory_of(struct store *store)
{
    return (struct memory_store *)store;
}

/* Room for one more, zeroed. */
void *rows_add(struct rows *rows, size_t size);
void rows_remove(struct rows *rows, size_t size, size_t at);
struct str memory_keep(struct memory_store *store, struct str s);

/* memory_job.c */
int memory_positions(struct store *base, const struct position_filter *filter, struct arena *arena,
                     struct position **out, size_t *count, struct err *err);
int memory_hold_positions(struct store *base, const struct producer *producers, size_t count,
                          int64_t now_ms, struct err *err);
int memory_load_sketches(struct store *base, struct arena *arena, struct sketch *sketches,
                         size_t count, struct err *err);
int memory_load_keys(struct store *base, struct event_key *keys, size_t count, struct err *err);
int memory_commit(struct store *base, const struct store_batch *batch, struct err *err);
int memory_finish_run(struct store *base, uint32_t partitions, int64_t as_of_ms, int64_t now_ms,
                      struct err *err);

/* memory_packs.c */
void memory_put_visits(struct memory_store *store, const struct store_batch *batch);
void memory_put_due(struct memory_store *store, const struct store_batch *batch);
void memory_put_packs(struct memory_store *store, const struct store_batch *batch);
void memory_put_goals(struct memory_store *store, const struct store_batch *batch);
int memory_load_visits(struct store *base, struct arena *arena, const struct visitor_key *keys,
                       size_t count, struct visit **out, size_t *out_count, struct err *err);
int memory_each_visit(struct store *base, struct str tenant, struct str site, int32_t day,
                      visit_fn *fn, void *ctx, struct err *err);
int memory_load_due(struct store *base, uint32_t partitions, int32_t before, struct arena *arena,
                    struct site_day **out, size_t *count, struct err *err);
int memory_load_goals(struct store *base, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err);
int memory_due_days(struct store *base, struct str tenant, struct str site, int32_t from,
                    int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err);
int memory_each_pack(struct store *base, struct str tenant, struct str site, int32_t from,
                     int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                     struct err *err);

/* memory_expire.c */
int memory_expire(struct store *store, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more,
                  struct err *err);
int memory_finish_retention(struct store *store, uint32_t partitions, int64_t now_ms,
                            struct err *err);
int memory_overdue(struct store *store, const struct expiry *sites, size_t count, uint32_t *out,
                   struct err *err);

/* memory_erase.c */
int memory_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err);
int memory_erase_value(struct store *store, struct str site, enum erasure_kind kind,
                       struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                       struct err *err);
int memory_compact(struct store *store, struct err *err);

/* memory_holdings.c */
int memory_about(struct store *store, struct store_about *out, struct err *err);
int memory_holdings(struct store *store, struct arena *arena, struct holdings *out,
                    struct err *err);

/* memory_rows.c */
struct rows *memory_rows(struct memory_store *store, enum row_kind kind);
void *memory_find(struct memory_store *store, enum row_kind kind, struct str id);
struct site_row *memory_site(struct memory_store *store, struct str id);
int memory_get(struct store *base, enum row_kind kind, struct str id, struct arena *arena,
               void *row, struct err *err);
int memory_page(struct store *base, enum row_kind kind, const struct row_filter *filter,
                struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
                struct err *err);
int memory_count_kind(struct store *base, enum row_kind kind, const struct row_filter *filter,
                      int64_t *out, struct err *err);
int memory_read_directory(struct store *base, struct arena *arena, struct directory_rows *out,
                          struct err *err);

/* memory_edit.c */
int memory_edit(struct store *base, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
                const struct actor *actor, struct err *err);
int memory_note(struct store *base, const char *action, struct str target, struct str tenant,
                const struct actor *actor, struct err *err);
int memory_end_sessions(struct store *base, struct str user, int32_t kind, struct str except,
                        struct err *err);
/* Tokens, links, annotations or sessions that are of this tenant, site or person. */
void memory_remove_of(struct memory_store *store, enum row_kind kind,
                      const struct row_filter *owner);

/* memory_audit.c */
int memory_page_audit(struct store *base, struct str tenant, int64_t before, size_t limit,
                      struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
int memory_usage(struct store *base, struct str tenant, int32_t from, int32_t to,
                 struct arena *arena, struct usage_row **out, size_t *count, struct err *err);
int memory_site_span(struct store *base, struct str tenant, struct str site, int64_t *first_ms,
                     int64_t *last_ms, struct err *err);
int memory_payload_session(struct store *base, struct str schema, struct str collection,
                           struct str user, struct str sid, int64_t now_ms, struct err *err);

#endif
