/*
 * store/postgres_rows.c -- the rows of a batch, table by table.
 *
 * They go in the order of their keys, and rows with the same key as one (the job never gives two):
 * ON CONFLICT takes each key only once. The rows of a site are written by who holds its partition;
 * but names in parentheses in the ledger ("(removed)") stand for no site, and every aggregator
 * writes them: they come last, in order, so that nobody waits for another's lock longer than a
 * COMMIT takes, or in a circle.
 */
#include "store/postgres_rows.h"

#include <stdlib.h>

enum {
    BYTES_AT_ONCE = 8 * 1024 * 1024
}; /* of the largest column; then another statement follows */

/* -- rows in order ----------------------------------------------------------------------------- */

/* Pointers to the rows, by key; of equal keys in the order given. */
struct sorted {
    const void **rows;
    size_t count;
    pg_order_fn *order;
};

static int by_key(const void *a, const void *b, void *ctx)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    pg_order_fn *const *order = ctx;
    int by = (*order)(x, y);

    return by != 0 ? by : (x > y) - (x < y);
}

static struct sorted sort_rows(const void *rows, size_t count, size_t size, pg_order_fn *order)
{
    struct sorted sorted = {store_alloc((count + 1) * sizeof(void *)), count, order};
    bool in_order = true;

    for (size_t i = 0; i < count; i++) {
        sorted.rows[i] = (const char *)rows + i * size;
        in_order = in_order && (i == 0 || order(sorted.rows[i - 1], sorted.rows[i]) < 0);
    }
    if (!in_order)
        qsort_r(sorted.rows, count, sizeof(void *), by_key, &order);
    return sorted;
}

/* Behind the last row with the key of the row at `from`. */
static size_t same_key(const struct sorted *sorted, size_t from)
{
    size_t end = from + 1;

    while (end < sorted->count && sorted->order(sorted->rows[from], sorted->rows[end]) == 0)
        end++;
    return end;
}

/* -- one table --------------------------------------------------------------------------------- */

static void open_columns(const struct pg_table *table, struct pg_array *columns)
{
    for (int c = 0; c < table->columns; c++)
        columns[c] = pg_array(table->elements[c]);
}

/* Send what is there and release it. */
static int send_columns(struct pg_store *store, const struct pg_table *table,
                        struct pg_array *columns, struct err *err)
{
    struct pg_query query = pg_query(table->sql);
    int rc;

    for (int c = 0; c < table->columns; c++)
        pg_bind_array(&query, &columns[c]);
    rc = pg_pipe_add(store, &query, err);
    for (int c = 0; c < table->columns; c++)
        buf_release(&columns[c].buf);
    return rc;
}

/* Only the last column may be large (a set has up to 16 KB, a part of a pack some hundred). */
static int send_sorted(struct pg_store *store, const struct pg_table *table,
                       const struct sorted *sorted, struct err *err)
{
    struct pg_array columns[PG_PARAMS_MAX];
    const struct buf *largest = &columns[table->columns - 1].buf;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sorted->count;) {
        open_columns(table, columns);
        while (i < sorted->count && largest->len < BYTES_AT_ONCE) {
            size_t end = same_key(sorted, i);

            table->put(columns, &sorted->rows[i], end - i);
            i = end;
        }
        rc = send_columns(store, table, columns, err);
    }
    return rc;
}

int pg_send_rows(struct pg_store *store, const struct pg_table *table, const void *rows,
                 size_t count, struct err *err)
{
    struct sorted sorted = sort_rows(rows, count, table->row_size, table->order);
    int rc = send_sorted(store, table, &sorted, err);

    free(sorted.rows);
    return rc;
}

/* -- all tables -------------------------------------------------------------------------------- */

#define ROWS(member)                                                                               \
    offsetof(struct store_batch, member), offsetof(struct store_batch, member##_count)

/* In the order in which they are written, behind the visits; a batch's rows stand at these places
 * of it. */
static const struct step {
    const struct pg_table *table;
    size_t rows, count;
} steps[] = {
    {&pg_add_days, ROWS(days)},         {&pg_add_hours, ROWS(hours)},
    {&pg_put_sketches, ROWS(sketches)}, {&pg_put_keys, ROWS(keys)},
    {&pg_put_due, ROWS(due)},           {&pg_remove_due, ROWS(packed)},
    {&pg_remove_packs, ROWS(packed)},   {&pg_put_packs, ROWS(packs)},
    {&pg_put_goals, ROWS(goals)},       {&pg_add_ledger, ROWS(ledger)},
};

static int send_step(struct pg_store *store, const struct step *step,
                     const struct store_batch *batch, struct err *err)
{
    const void *rows;
    size_t count;

    memcpy(&rows, (const char *)batch + step->rows, sizeof(rows));
    memcpy(&count, (const char *)batch + step->count, sizeof(count));
    return pg_send_rows(store, step->table, rows, count, err);
}

bool pg_is_shared(struct str site)
{
    return str_starts(site, STR("("));
}

static int send_visits(struct pg_store *store, const struct store_batch *batch,
                       const struct pg_visits *visits, struct err *err)
{
    int rc =
        pg_send_rows(store, &pg_remove_visits, batch->visits_gone, batch->visits_gone_count, err);

    if (rc == 0)
        rc = pg_send_rows(store, &pg_update_visits, visits->of[PG_VISIT_GOES_ON],
                          visits->counts[PG_VISIT_GOES_ON], err);
    if (rc == 0)
        rc = pg_send_rows(store, &pg_put_visits, visits->of[PG_VISIT_ANY],
                          visits->counts[PG_VISIT_ANY], err);
    return rc;
}

int pg_add_rows(struct pg_store *store, const struct store_batch *batch,
                const struct pg_visits *visits, struct err *err)
{
    int rc = send_visits(store, batch, visits, err);

    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        rc = send_step(store, &steps[i], batch, err);
    return rc;
}
