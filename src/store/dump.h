/*
 * store/dump.h -- all of a store, for copies and moves.
 */
#ifndef ABACUS_STORE_DUMP_H
#define ABACUS_STORE_DUMP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct store;

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
enum { STORE_TABLES_VERSION = 5 };

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
