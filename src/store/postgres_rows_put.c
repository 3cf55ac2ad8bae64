/*
 * store/postgres_rows_put.c -- rows that are put in place of what is there, or removed: sets,
 * visits, idempotency keys, days that are due or packed, goals.
 */
#include "store/postgres_rows.h"

/* -- sets -------------------------------------------------------------------------------------- */

static const char PUT_SKETCHES[] =
    "INSERT INTO analytics.sketches (site_id, day, kind, hour_ms, bytes)"
    " SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[], $5::bytea[])"
    " ON CONFLICT (site_id, day, kind, hour_ms) DO UPDATE SET bytes = excluded.bytes";
static const enum pg_element sketch_elements[] = {PG_TEXT, PG_INT4, PG_INT4, PG_INT8, PG_BYTEA};

static int order_sketches(const void *a, const void *b)
{
    const struct sketch_key *x = &((const struct sketch *)a)->key;
    const struct sketch_key *y = &((const struct sketch *)b)->key;
    int order = pg_order_site(x->site, y->site);

    if (order == 0)
        order = pg_order_i64(x->day, y->day);
    if (order == 0)
        order = pg_order_i64(x->kind, y->kind);
    return order != 0 ? order : pg_order_i64(x->hour_ms, y->hour_ms);
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

const struct pg_table pg_put_sketches = {PUT_SKETCHES, PG_COLUMNS(sketch_elements),
                                         sizeof(struct sketch), order_sketches, put_sketch};

/* -- idempotency keys -------------------------------------------------------------------------- */

static const char PUT_KEYS[] =
    "INSERT INTO analytics.event_ids (site_id, id, received_ms)"
    " SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[])"
    " ON CONFLICT (site_id, id) DO UPDATE SET received_ms = excluded.received_ms";
static const enum pg_element key_elements[] = {PG_TEXT, PG_BYTEA, PG_INT8};

static int order_keys(const void *a, const void *b)
{
    const struct event_key *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    return order != 0 ? order : memcmp(x->id, y->id, sizeof(x->id));
}

static void put_key(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct event_key *last = rows[count - 1];

    pg_add_str(&columns[0], last->site);
    pg_add_str(&columns[1], (struct str){(const char *)last->id, sizeof(last->id)});
    pg_add_i64(&columns[2], last->received_ms);
}

const struct pg_table pg_put_keys = {PUT_KEYS, PG_COLUMNS(key_elements), sizeof(struct event_key),
                                     order_keys, put_key};

/* -- days that are due or packed --------------------------------------------------------------- */

/* What is there already leaves no dead row. */
static const char PUT_DUE[] =
    "INSERT INTO analytics.due_days (site_id, day)"
    " SELECT * FROM unnest($1::text[], $2::integer[]) ON CONFLICT DO NOTHING";
#define DAYS_OF(table)                                                                             \
    "DELETE FROM analytics." table                                                                 \
    " t USING unnest($1::text[], $2::integer[]) AS g (site_id, day)"                               \
    " WHERE t.site_id = g.site_id AND t.day = g.day"
static const char REMOVE_DUE[] = DAYS_OF("due_days");
static const char REMOVE_PACKS[] = DAYS_OF("packs");
static const enum pg_element site_day_elements[] = {PG_TEXT, PG_INT4};

static int order_site_days(const void *a, const void *b)
{
    const struct site_day *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    return order != 0 ? order : pg_order_i64(x->day, y->day);
}

static void put_site_day(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct site_day *last = rows[count - 1];

    pg_add_str(&columns[0], last->site);
    pg_add_i32(&columns[1], last->day);
}

const struct pg_table pg_put_due = {PUT_DUE, PG_COLUMNS(site_day_elements), sizeof(struct site_day),
                                    order_site_days, put_site_day};
const struct pg_table pg_remove_due = {REMOVE_DUE, PG_COLUMNS(site_day_elements),
                                       sizeof(struct site_day), order_site_days, put_site_day};
const struct pg_table pg_remove_packs = {REMOVE_PACKS, PG_COLUMNS(site_day_elements),
                                         sizeof(struct site_day), order_site_days, put_site_day};

/* -- parts of packs ---------------------------------------------------------------------------- */

static const char PUT_PACKS[] =
    "INSERT INTO analytics.packs (site_id, day, part, bytes)"
    " SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bytea[])"
    " ON CONFLICT (site_id, day, part) DO UPDATE SET bytes = excluded.bytes";
static const enum pg_element pack_elements[] = {PG_TEXT, PG_INT4, PG_INT4, PG_BYTEA};

static int order_packs(const void *a, const void *b)
{
    const struct pack_part *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    if (order == 0)
        order = pg_order_i64(x->day, y->day);
    return order != 0 ? order : pg_order_i64(x->part, y->part);
}

static void put_pack(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct pack_part *last = rows[count - 1];

    pg_add_str(&columns[0], last->site);
    pg_add_i32(&columns[1], last->day);
    pg_add_i32(&columns[2], last->part);
    pg_add_str(&columns[3], last->bytes);
}

const struct pg_table pg_put_packs = {PUT_PACKS, PG_COLUMNS(pack_elements),
                                      sizeof(struct pack_part), order_packs, put_pack};

/* -- goals ------------------------------------------------------------------------------------- */

static const char PUT_GOALS[] = "INSERT INTO analytics.goals_counted (site_id, hash)"
                                " SELECT * FROM unnest($1::text[], $2::bigint[])"
                                " ON CONFLICT (site_id) DO UPDATE SET hash = excluded.hash";
static const enum pg_element goals_elements[] = {PG_TEXT, PG_INT8};

static int order_goals(const void *a, const void *b)
{
    return pg_order_site(((const struct goals_row *)a)->site, ((const struct goals_row *)b)->site);
}

static void put_goals(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct goals_row *last = rows[count - 1];

    pg_add_str(&columns[0], last->site);
    pg_add_i64(&columns[1], (int64_t)last->hash);
}

const struct pg_table pg_put_goals = {PUT_GOALS, PG_COLUMNS(goals_elements),
                                      sizeof(struct goals_row), order_goals, put_goals};
