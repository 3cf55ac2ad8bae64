/*
 * store/postgres_rows.c -- the rows of a batch: one statement for each table, with one array for
 * each column.
 *
 * They go in the order of their keys, and rows with the same key as one (the job never gives two):
 * ON CONFLICT takes each key only once. The rows of a site are written by who holds its partition;
 * but names in parentheses in the ledger ("(removed)") stand for no site, and every aggregator
 * writes them: they come last, in order, so that nobody waits for another's lock longer than a
 * COMMIT takes, or in a circle.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

enum {
    BYTES_AT_ONCE = 8 * 1024 * 1024
}; /* of the largest column; then another statement follows */

/* -- rows in order ----------------------------------------------------------------------------- */

typedef int order_fn(const void *a, const void *b);

/* Pointers to the rows, by key; of equal keys in the order given. */
struct sorted {
    const void **rows;
    size_t count;
    order_fn *order;
};

static int by_key(const void *a, const void *b, void *ctx)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    order_fn *const *order = ctx;
    int by = (*order)(x, y);

    return by != 0 ? by : (x > y) - (x < y);
}

static struct sorted sort_rows(const void *rows, size_t count, size_t size, order_fn *order)
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

static int order_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_site(struct str a, struct str b)
{
    return a.ptr == b.ptr && a.len == b.len ? 0 : str_cmp(a, b);
}

/* -- one table --------------------------------------------------------------------------------- */

/* Adds a row to the columns: what the rows of one key come to. */
typedef void put_fn(struct pg_array *columns, const void *const *rows, size_t count);

struct table {
    const char *sql;
    const enum pg_element *elements;
    int columns;
    size_t row_size;
    order_fn *order;
    put_fn *put;
};

static void open_columns(const struct table *table, struct pg_array *columns)
{
    for (int c = 0; c < table->columns; c++)
        columns[c] = pg_array(table->elements[c]);
}

/* Send what is there and release it. */
static int send_columns(struct pg_store *store, const struct table *table, struct pg_array *columns,
                        struct err *err)
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

/* Only the last column may be large (a set has up to 16 KB). */
static int send_sorted(struct pg_store *store, const struct table *table,
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

static int send_rows(struct pg_store *store, const struct table *table, const void *rows,
                     size_t count, struct err *err)
{
    struct sorted sorted = sort_rows(rows, count, table->row_size, table->order);
    int rc = send_sorted(store, table, &sorted, err);

    free(sorted.rows);
    return rc;
}

/* -- stats ------------------------------------------------------------------------------------- */

#define LIMIT "9007199254740991" /* SUM_MAX */
#define SUM(column) #column " = least(t." #column " + excluded." #column ", " LIMIT "), "
#define SUMS                                                                                       \
    SUM(pageviews)                                                                                 \
    SUM(leads)                                                                                     \
    SUM(forms)                                                                                     \
    SUM(exports)                                                                                   \
    SUM(automation_runs)                                                                           \
    SUM(ai_tokens)                                                                                 \
    SUM(unique_visitors)                                                                           \
    SUM(converters)                                                                                \
    SUM(visits)                                                                                    \
    SUM(bounces)                                                                                   \
    SUM(visit_ms)                                                                                  \
    SUM(visit_pageviews)                                                                           \
    SUM(conversions)                                                                               \
    SUM(unattributed_conversions)                                                                  \
    "estimated = greatest(t.estimated, excluded.estimated)"

static const char ADD_DAYS[] =
    "INSERT INTO analytics.analytics_daily_stats AS t (site_id, tenant_id, date, " PG_STATS_COLUMNS
    ") SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[],"
    " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],"
    " $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],"
    " $18::bigint[]) ON CONFLICT (site_id, date) DO UPDATE SET " SUMS;
static const char ADD_HOURS[] =
    "INSERT INTO analytics.hourly_stats AS t (site_id, tenant_id, day, hour_ms, " PG_STATS_COLUMNS
    ") SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[],"
    " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],"
    " $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],"
    " $18::bigint[], $19::bigint[]) ON CONFLICT (site_id, hour_ms) DO UPDATE SET " SUMS;

#define STATS_ELEMENTS                                                                             \
    PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8,      \
        PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8
static const enum pg_element day_elements[] = {PG_TEXT, PG_TEXT, PG_DATE, STATS_ELEMENTS};
static const enum pg_element hour_elements[] = {PG_TEXT, PG_TEXT, PG_INT4, PG_INT8, STATS_ELEMENTS};

static int order_days(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = order_site(x->site, y->site);

    return order != 0 ? order : order_i64(x->day, y->day);
}

static int order_hours(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int order = order_site(x->site, y->site);

    return order != 0 ? order : order_i64(x->hour_ms, y->hour_ms);
}

/* Between -SUM_MAX and SUM_MAX: no sum of two of these overflows, here or in the server. */
static int64_t bounded(int64_t n)
{
    return n > SUM_MAX ? SUM_MAX : n < -SUM_MAX ? -SUM_MAX : n;
}

static void put_stats(struct pg_array *columns, const void *const *rows, size_t count)
{
    enum { MAXIMUM = STATS_COUNT - 1 }; /* `estimated` is no sum */
    int64_t values[STATS_COUNT], sums[STATS_COUNT] = {0};

    for (size_t i = 0; i < count; i++) {
        const struct stats_row *row = rows[i];

        stats_to_array(&row->stats, values);
        for (size_t c = 0; c < MAXIMUM; c++)
            sums[c] = bounded(sums[c] + bounded(values[c]));
        if (i == 0 || values[MAXIMUM] > sums[MAXIMUM])
            sums[MAXIMUM] = values[MAXIMUM];
    }
    for (size_t c = 0; c < STATS_COUNT; c++)
        pg_add_i64(&columns[c], sums[c]);
}

static void put_day(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct stats_row *row = rows[0];

    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_date(&columns[2], row->day);
    put_stats(&columns[3], rows, count);
}

static void put_hour(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct stats_row *row = rows[0];

    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_i32(&columns[2], row->day);
    pg_add_i64(&columns[3], row->hour_ms);
    put_stats(&columns[4], rows, count);
}

/* -- sets and visits --------------------------------------------------------------------------- */

static const char PUT_SKETCHES[] =
    "INSERT INTO analytics.sketches (site_id, day, kind, hour_ms, bytes)"
    " SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[], $5::bytea[])"
    " ON CONFLICT (site_id, day, kind, hour_ms) DO UPDATE SET bytes = excluded.bytes";
static const enum pg_element sketch_elements[] = {PG_TEXT, PG_INT4, PG_INT4, PG_INT8, PG_BYTEA};

static int order_sketches(const void *a, const void *b)
{
    const struct sketch_key *x = &((const struct sketch *)a)->key;
    const struct sketch_key *y = &((const struct sketch *)b)->key;
    int order = order_site(x->site, y->site);

    if (order == 0)
        order = order_i64(x->day, y->day);
    if (order == 0)
        order = order_i64(x->kind, y->kind);
    return order != 0 ? order : order_i64(x->hour_ms, y->hour_ms);
}

static void put_sketch(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct sketch *last = rows[count - 1];

    pg_add_str(&columns[0], last->key.site);
    pg_add_i32(&columns[1], last->key.day);
    pg_add_i32(&columns[2], (int32_t)last->key.kind);
    pg_add_i64(&columns[3], last->key.hour_ms);
    pg_add_str(&columns[4], last->bytes);
}

static const char REMOVE_VISITS[] =
    "DELETE FROM analytics.visits v"
    " USING unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])"
    " AS g (site_id, day, visitor, begin_ms) WHERE v.site_id = g.site_id AND v.day = g.day"
    " AND v.visitor = g.visitor AND v.begin_ms = g.begin_ms";
static const char PUT_VISITS[] =
    "INSERT INTO analytics.visits (site_id, day, visitor, begin_ms, before, before_day, end_ms,"
    " first_ms, first_day, first_hour_ms, pageviews, others)"
    " SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[],"
    " $6::integer[], $7::bigint[], $8::bigint[], $9::integer[], $10::bigint[], $11::bigint[],"
    " $12::bigint[]) ON CONFLICT (site_id, day, visitor, begin_ms) DO UPDATE SET"
    " before = excluded.before, before_day = excluded.before_day, end_ms = excluded.end_ms,"
    " first_ms = excluded.first_ms, first_day = excluded.first_day,"
    " first_hour_ms = excluded.first_hour_ms, pageviews = excluded.pageviews,"
    " others = excluded.others";
static const enum pg_element visit_elements[] = {PG_TEXT, PG_INT4, PG_INT8, PG_INT8,
                                                 PG_INT8, PG_INT4, PG_INT8, PG_INT8,
                                                 PG_INT4, PG_INT8, PG_INT8, PG_INT8};
enum { VISIT_KEY_COLUMNS = 4 };

static int order_visit_keys(const void *a, const void *b)
{
    const struct visit_key *x = a, *y = b;
    int order = order_site(x->site, y->site);

    if (order == 0)
        order = order_i64(x->day, y->day);
    if (order == 0)
        order = order_i64((int64_t)x->visitor, (int64_t)y->visitor);
    return order != 0 ? order : order_i64(x->begin_ms, y->begin_ms);
}

int pg_order_visits(const void *a, const void *b)
{
    return order_visit_keys(&((const struct visit *)a)->key, &((const struct visit *)b)->key);
}

static void put_visit_key(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct visit_key *key = rows[count - 1];

    pg_add_str(&columns[0], key->site);
    pg_add_i32(&columns[1], key->day);
    pg_add_i64(&columns[2], (int64_t)key->visitor);
    pg_add_i64(&columns[3], key->begin_ms);
}

static void put_visit(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct visit *last = rows[count - 1];
    const void *key = &last->key;

    put_visit_key(columns, &key, 1);
    pg_add_i64(&columns[4], (int64_t)last->before);
    pg_add_i32(&columns[5], last->before_day);
    pg_add_i64(&columns[6], last->end_ms);
    pg_add_i64(&columns[7], last->first_ms);
    pg_add_i32(&columns[8], last->first_day);
    pg_add_i64(&columns[9], last->first_hour_ms);
    pg_add_i64(&columns[10], last->pageviews);
    pg_add_i64(&columns[11], last->others);
}

/* -- keys and ledger --------------------------------------------------------------------------- */

static const char PUT_KEYS[] =
    "INSERT INTO analytics.event_ids (site_id, id, received_ms)"
    " SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[])"
    " ON CONFLICT (site_id, id) DO UPDATE SET received_ms = excluded.received_ms";
static const enum pg_element key_elements[] = {PG_TEXT, PG_BYTEA, PG_INT8};

static int order_keys(const void *a, const void *b)
{
    const struct event_key *x = a, *y = b;
    int order = order_site(x->site, y->site);

    return order != 0 ? order : memcmp(x->id, y->id, sizeof(x->id));
}

static void put_key(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct event_key *last = rows[count - 1];

    pg_add_str(&columns[0], last->site);
    pg_add_str(&columns[1], (struct str){(const char *)last->id, sizeof(last->id)});
    pg_add_i64(&columns[2], last->received_ms);
}

static const char ADD_LEDGER[] =
    "INSERT INTO analytics.ledger AS t (site_id, tenant_id, day, kind, reason, events, records)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[],"
    " $6::bigint[], $7::bigint[]) ON CONFLICT (site_id, day, kind, reason) DO UPDATE SET " SUM(
        events) "records = t.records + excluded.records";
static const enum pg_element ledger_elements[] = {PG_TEXT, PG_TEXT, PG_INT4, PG_INT4,
                                                  PG_TEXT, PG_INT8, PG_INT8};

static int order_ledger(const void *a, const void *b)
{
    const struct ledger_row *x = a, *y = b;
    int order = pg_is_shared(x->site) - pg_is_shared(y->site);

    if (order == 0)
        order = order_site(x->site, y->site);
    if (order == 0)
        order = order_i64(x->day, y->day);
    if (order == 0)
        order = order_i64(x->kind, y->kind);
    return order != 0 ? order : str_cmp(x->reason, y->reason);
}

static void put_ledger(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct ledger_row *row = rows[0];
    int64_t events = 0, records = 0;

    for (size_t i = 0; i < count; i++) {
        events = bounded(events + bounded(((const struct ledger_row *)rows[i])->events));
        records += ((const struct ledger_row *)rows[i])->records;
    }
    pg_add_str(&columns[0], row->site);
    pg_add_str(&columns[1], row->tenant);
    pg_add_i32(&columns[2], row->day);
    pg_add_i32(&columns[3], (int32_t)row->kind);
    pg_add_str(&columns[4], row->reason);
    pg_add_i64(&columns[5], events);
    pg_add_i64(&columns[6], records);
}

/* -- all tables -------------------------------------------------------------------------------- */

#define COLUMNS(elements) (elements), (int)(sizeof(elements) / sizeof((elements)[0]))
#define ROWS(member)                                                                               \
    offsetof(struct store_batch, member), offsetof(struct store_batch, member##_count)

/* In the order in which they are written; a batch's rows stand at these places of it. */
static const struct step {
    struct table table;
    size_t rows, count;
} steps[] = {
    {{ADD_DAYS, COLUMNS(day_elements), sizeof(struct stats_row), order_days, put_day}, ROWS(days)},
    {{ADD_HOURS, COLUMNS(hour_elements), sizeof(struct stats_row), order_hours, put_hour},
     ROWS(hours)},
    {{PUT_SKETCHES, COLUMNS(sketch_elements), sizeof(struct sketch), order_sketches, put_sketch},
     ROWS(sketches)},
    {{REMOVE_VISITS, visit_elements, VISIT_KEY_COLUMNS, sizeof(struct visit_key), order_visit_keys,
      put_visit_key},
     ROWS(visits_gone)},
    {{PUT_VISITS, COLUMNS(visit_elements), sizeof(struct visit), pg_order_visits, put_visit},
     ROWS(visits)},
    {{PUT_KEYS, COLUMNS(key_elements), sizeof(struct event_key), order_keys, put_key}, ROWS(keys)},
    {{ADD_LEDGER, COLUMNS(ledger_elements), sizeof(struct ledger_row), order_ledger, put_ledger},
     ROWS(ledger)},
};

static int send_step(struct pg_store *store, const struct step *step,
                     const struct store_batch *batch, struct err *err)
{
    const void *rows;
    size_t count;

    memcpy(&rows, (const char *)batch + step->rows, sizeof(rows));
    memcpy(&count, (const char *)batch + step->count, sizeof(count));
    return send_rows(store, &step->table, rows, count, err);
}

bool pg_is_shared(struct str site)
{
    return str_starts(site, STR("("));
}

int pg_add_rows(struct pg_store *store, const struct store_batch *batch, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        rc = send_step(store, &steps[i], batch, err);
    return rc;
}
