/*
 * directory/directory_internal.h -- what the files of the directory share.
 *
 * A snapshot is two things that change at different times: the tables (sites, aliases, tokens) and
 * the salts. Each is immutable once made, and counted by the snapshots that hold it.
 */
#ifndef ABACUS_DIRECTORY_INTERNAL_H
#define ABACUS_DIRECTORY_INTERNAL_H

#include "directory/directory.h"

#include <pthread.h>
#include <stdatomic.h>

/* -- the tables (tables.c) --------------------------------------------------------------------- */

/* Open addressing over names: a slot is 1 + an index, 0 is free. */
struct names {
    size_t mask;
    uint64_t seed;
    struct name_slot {
        struct str name;
        const void *value;
    } * slots;
};

struct stored_token {
    struct token token;
    uint8_t hash[TOKEN_HASH_BYTES];
};

struct tables {
    atomic_size_t refs;
    struct arena arena;
    struct site *sites; /* in the order made */
    size_t sites_count;
    const struct site **by_id;     /* by id */
    const struct site **by_tenant; /* by tenant, then id */
    struct names ids;              /* siteId -> site */
    struct names tracked;          /* siteId and trackingId -> site */
    struct names tenants;          /* id -> tenant */
    struct names tokens;           /* the first bytes of its hash -> stored_token */
    struct names token_ids;        /* id -> stored_token */
    struct names links;            /* id -> link_row */
    uint8_t id_key[16], signing_key[32];
    int64_t erased_ms;
    int64_t version; /* COUNTER_DIRECTORY, read before the rows */
};

struct tables *tables_new(struct directory *directory, const struct tables *before,
                          const struct directory_rows *rows);
void tables_give(struct tables *tables);

void names_init(struct names *names, size_t count, struct arena *arena);
/* The first value of a name stays. */
void names_put(struct names *names, struct str name, const void *value);
const void *names_find(const struct names *names, struct str name);

/* -- salts and snapshots (snapshot.c) ---------------------------------------------------------- */

struct salt_box {
    atomic_size_t refs;
    struct salts *salts; /* in locked memory */
};

struct snapshot {
    atomic_size_t refs;
    struct tables *tables;
    struct salt_box *box;
};

struct salt_box *salt_box_new(void);
void salt_box_give(struct salt_box *box);
/* Holds both from here on, beside their other holders; one reference is the caller's. */
struct snapshot *snapshot_new(struct tables *tables, struct salt_box *box);
void snapshot_give(struct snapshot *snapshot);

/* -- sites and tenants (site.c, tenant.c) ------------------------------------------------------ */

/* Whose JSON is read, for what is told where it cannot be. */
struct list_reader {
    const struct directory *directory;
    const char *kind; /* "site", "tenant" */
    struct str id;
    struct arena *arena;
};
void list_warn(const struct list_reader *reader, const char *member, const char *why);
/* The texts of a JSON array; an item that is no text is left out. NULL: there is no such array. */
struct str *read_list(const struct list_reader *reader, const char *member, struct str text,
                      size_t *count);

void directory_make_tenant(struct directory *directory, const struct tenant_row *row,
                           struct arena *arena, struct tenant *out);
/* The settings that a tenant, or the installation (id empty), sets for its sites: `text`, or empty
 * where it cannot be read. What of it is not valid is told. */
struct str directory_layer(struct directory *directory, struct str tenant, struct str text,
                           struct arena *scratch);

/* -- zones (zones.c) --------------------------------------------------------------------------- */

/* Time zones by name, loaded once and kept: sites of old snapshots point at them. Any thread. */
struct zones {
    pthread_mutex_t lock;
    struct zone *first;
};
int zones_find(struct zones *zones, struct str name, const struct tz **out, struct err *err);
void zones_release(struct zones *zones);

/* -- the directory (directory.c) --------------------------------------------------------------- */

struct directory {
    struct directory_config config;
    struct zones zones;

    pthread_mutex_t lock; /* of `current`, held for a few instructions */
    struct snapshot *current;

    /* Of the thread that loads: the directory's own once it runs. */
    int64_t rows_version;            /* COUNTER_DIRECTORY of the tables */
    int64_t salts_version;           /* COUNTER_SALTS, read before the salts were; -1: not yet */
    int32_t salts_first, salts_last; /* dates for which salts were asked */
    int64_t salts_read_ms;
    bool told_unlocked, told_failure;

    pthread_t thread;
    bool running;
    struct store *store;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_changed;
    bool stopping;
};

void *directory_alloc(size_t size);
/* `kind` is what `id` is of: "site", "tenant"; an empty id is the installation's. */
void directory_warn(const struct directory *directory, const char *msg, const char *kind,
                    struct str id, const char *why);

#endif
