/*
 * directory/directory.h -- the snapshot of sites, tokens and salts that requests read.
 *
 * One thread (directory_start) asks the store every 250 ms whether something changed, builds a new
 * immutable snapshot and swaps it whole; it also keeps the salts. Requests take a snapshot for
 * their whole way; it stays valid until they give it back. Taking and giving back never block for
 * I/O.
 */
#ifndef ABACUS_DIRECTORY_DIRECTORY_H
#define ABACUS_DIRECTORY_DIRECTORY_H

#include "base/err.h"
#include "base/logger.h"
#include "event/event.h"
#include "store/managed.h"
#include "store/store.h"

struct directory;
struct snapshot;

struct directory_config {
    int32_t raw_days, visit_days, stats_days; /* the installation's */
    const struct logger *logger;              /* may be NULL */
    /* Makes site->series when a site first appears, in the order the sites were made; may be NULL.
     */
    void *(*series)(void *ctx, struct str tenant, struct str site);
    /* Called by the directory's thread after each look at the store, changed or not; may be NULL.
     * `store` is its handle, to be used within the call. */
    void (*tick)(void *ctx, struct store *store, int64_t now_ms);
    void *ctx;
};

/* A token as requests know it. */
struct token {
    struct str id, tenant, site; /* empty: any */
    bool platform;
    unsigned scopes; /* enum scope */
    int64_t expires_ms;
};

/* A tenant as requests know it. */
struct tenant {
    struct str id, name;
    bool active;  /* neither suspended nor to be erased */
    bool erasing; /* to be erased: nobody but who manages it sees it */
    int64_t events_per_second, events_per_month, sites_max, reads_per_minute; /* 0: no limit */
    struct str *embed_origins; /* "https://app.example.com" */
    size_t embed_origins_count;
};

struct directory *directory_new(const struct directory_config *config);
void directory_free(struct directory **directory);

/* Read the store once, now, whatever its version. */
int directory_load(struct directory *directory, struct store *store, int64_t now_ms,
                   struct err *err);

/* Begin and end the thread; it owns `*store` from here on and closes it. */
int directory_start(struct directory *directory, struct store **store, struct err *err);
void directory_stop(struct directory *directory);

/* The newest snapshot, or NULL where none was read yet. */
const struct snapshot *directory_take(struct directory *directory);
void directory_give(struct directory *directory, const struct snapshot *snapshot);

/* NULL: no such site. snapshot_site() finds by siteId alone, snapshot_tracked() also by its
 * trackingIds. Sites that are to be erased (site->erasing) are found, and are not enabled. */
const struct site *snapshot_site(const struct snapshot *snapshot, struct str id);
const struct site *snapshot_tracked(const struct snapshot *snapshot, struct str id);
const struct tenant *snapshot_tenant(const struct snapshot *snapshot, struct str id);
/* NULL: there is none, or it has ended. */
const struct link_row *snapshot_link(const struct snapshot *snapshot, struct str id,
                                     int64_t now_ms);
const uint8_t *snapshot_signing_key(const struct snapshot *snapshot);
/* By its id; expired ones are not found. */
const struct token *snapshot_token_by_id(const struct snapshot *snapshot, struct str id,
                                         int64_t now_ms);
/* When something was last erased (ms): logs and caches follow. */
int64_t snapshot_erased_ms(const struct snapshot *snapshot);
bool snapshot_has_tenant(const struct snapshot *snapshot, struct str id);
/* All sites, by id; of one tenant, by id. */
size_t snapshot_sites(const struct snapshot *snapshot, struct str tenant_or_empty,
                      const struct site *const **out);
/* Found by the hash of its secret (access/access.h), compared in constant time. Expired ones are
 * not found. */
const struct token *snapshot_token(const struct snapshot *snapshot,
                                   const uint8_t hash[TOKEN_HASH_BYTES], int64_t now_ms);
const struct salts *snapshot_salts(const struct snapshot *snapshot);
const uint8_t *snapshot_id_key(const struct snapshot *snapshot);
/* COUNTER_DIRECTORY as it was before tenants, sites and tokens were read. */
int64_t snapshot_version(const struct snapshot *snapshot);

/* For the job, which needs no salts: read tenants, sites and tokens if they changed since. Not
 * beside directory_start(). */
int directory_refresh(struct directory *directory, struct store *store, int64_t now_ms,
                      struct err *err);

/* Build a struct site from its row; it borrows from `arena`. Zones come from and stay in
 * `directory`. */
int directory_make_site(struct directory *directory, const struct site_row *row, bool tenant_active,
                        struct arena *arena, struct site *out, struct err *err);

#endif
