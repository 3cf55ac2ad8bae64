/*
 * store/postgres_rows.h -- how the rows of a batch are written: one statement for each table, with
 * one array for each column.
 */
#ifndef ABACUS_STORE_POSTGRES_ROWS_H
#define ABACUS_STORE_POSTGRES_ROWS_H

#include "store/postgres_internal.h"

typedef int pg_order_fn(const void *a, const void *b);

/* Adds a row to the columns: what the rows of one key, in the order given, come to. */
typedef void pg_put_fn(struct pg_array *columns, const void *const *rows, size_t count);

struct pg_table {
    const char *sql;
    const enum pg_element *elements; /* of its columns */
    int columns;
    size_t row_size;
    pg_order_fn *order; /* by key */
    pg_put_fn *put;
};

extern const struct pg_table pg_add_days, pg_add_hours, pg_add_ledger; /* postgres_rows_added.c */
extern const struct pg_table pg_put_sketches, pg_put_keys, pg_put_due, pg_remove_packs,
    pg_remove_due, pg_put_packs, pg_put_goals; /* postgres_rows_put.c */
extern const struct pg_table pg_remove_visits, pg_update_visits,
    pg_put_visits; /* postgres_visits.c */

#define PG_COLUMNS(elements) (elements), (int)(sizeof(elements) / sizeof((elements)[0]))

/* By the rows' order; rows of one key as one. In a pipeline. */
int pg_send_rows(struct pg_store *store, const struct pg_table *table, const void *rows,
                 size_t count, struct err *err);

static inline int pg_order_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static inline int pg_order_site(struct str a, struct str b)
{
    return a.ptr == b.ptr && a.len == b.len ? 0 : str_cmp(a, b);
}

#endif
