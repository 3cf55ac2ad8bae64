/*
 * store/holdings.h -- what a store holds, for who answers for it: how much of what, how old, and
 * the salts without their keys. Reads only.
 */
#ifndef ABACUS_STORE_HOLDINGS_H
#define ABACUS_STORE_HOLDINGS_H

#include "store/store.h"

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

#endif
