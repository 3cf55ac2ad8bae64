/*
 * store/postgres_visits.c -- visits, read and written, each in the cheapest way.
 *
 * Most of a batch's visits are new, and INSERT ... ON CONFLICT costs twice as much as COPY; most of
 * the others only go on, which changes a third of their columns. The job loads all rows of a
 * visitor before it writes any of them, and nobody else writes them while it holds the lease: a row
 * whose visitor was looked up since the last commit is there if it was found, with the entry that
 * it was found with, and else is not. The handle remembers all this as sets of 64-bit hashes. What
 * it does not know, and all rows of a handle without lease, are put by key. A hash that two rows
 * share would make the commit fail on the primary key (ERR_CONFLICT), or leave an entry as it was.
 */
#include "store/postgres_copy.h"
#include "store/postgres_rows.h"

#include <stdlib.h>
#include <xxhash.h>

enum { SEEN_MIN = 1024, SEEN_MAX = 1 << 21 };

/* -- sets of hashes ---------------------------------------------------------------------------- */

/* The slot of a hash, or where it would be; 0 is an empty slot. */
static uint64_t *slot_of(const struct pg_seen *seen, uint64_t hash)
{
    size_t i = hash & (seen->size - 1);

    while (seen->slots[i] != 0 && seen->slots[i] != hash)
        i = (i + 1) & (seen->size - 1);
    return &seen->slots[i];
}

static void grow(struct pg_seen *seen)
{
    size_t size = seen->size == 0 ? SEEN_MIN : seen->size * 2;
    struct pg_seen grown = {store_alloc(size * sizeof(uint64_t)), size, seen->count};

    for (size_t i = 0; i < seen->size; i++)
        if (seen->slots[i] != 0)
            *slot_of(&grown, seen->slots[i]) = seen->slots[i];
    free(seen->slots);
    *seen = grown;
}

static void add(struct pg_seen *seen, uint64_t hash)
{
    if (2 * seen->count >= seen->size)
        grow(seen);
    uint64_t *slot = slot_of(seen, hash);

    seen->count += *slot == 0;
    *slot = hash;
}

static bool has(const struct pg_seen *seen, uint64_t hash)
{
    return seen->count > 0 && *slot_of(seen, hash) != 0;
}

static uint64_t not_empty(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

static uint64_t hash_of(struct str site, int32_t day, uint64_t visitor, int64_t begin_ms)
{
    const uint64_t key[] = {XXH3_64bits(site.ptr, site.len), (uint64_t)day, visitor,
                            (uint64_t)begin_ms};

    return not_empty(XXH3_64bits(key, sizeof(key)));
}

static uint64_t hash_of_key(const struct visit_key *key)
{
    return hash_of(key->site, key->day, key->visitor, key->begin_ms);
}

/* Of everything that UPDATE_VISITS leaves as it is. */
static uint64_t hash_of_entry(const struct visit *visit)
{
    const uint64_t numbers[] = {visit->before,
                                (uint64_t)visit->before_day,
                                (uint64_t)visit->first_ms,
                                (uint64_t)visit->first_day,
                                (uint64_t)visit->first_hour_ms,
                                (uint64_t)visit->entry_ms};
    uint64_t hash = XXH3_64bits_withSeed(numbers, sizeof(numbers), hash_of_key(&visit->key));

    for (size_t i = 0; i < VISIT_TEXTS; i++)
        if (i != VISIT_EXIT_PATH)
            hash = XXH3_64bits_withSeed(visit->texts[i].ptr, visit->texts[i].len, hash);
    return not_empty(hash);
}

void pg_visits_look_up(struct pg_store *store, size_t count)
{
    if (store->visitors.count + count > SEEN_MAX)
        pg_visits_forget(store);
}

void pg_visitor_looked_up(struct pg_store *store, const struct visitor_key *key)
{
    if (store->leased != 0)
        add(&store->visitors, hash_of(key->site, key->day, key->visitor, 0));
}

void pg_visit_found(struct pg_store *store, const struct visit *visit)
{
    if (store->leased == 0)
        return;
    add(&store->visits, hash_of_key(&visit->key));
    add(&store->visits, hash_of_entry(visit));
}

void pg_visits_forget(struct pg_store *store)
{
    free(store->visitors.slots);
    free(store->visits.slots);
    store->visitors = store->visits = (struct pg_seen){0};
}

/* -- which of a batch's ------------------------------------------------------------------------ */

static enum pg_visit_kind kind_of(const struct pg_store *store, const struct pg_seen *gone,
                                  const struct visit *visit)
{
    const struct visit_key *key = &visit->key;

    if (store->leased == 0 || has(gone, hash_of_key(key)) ||
        !has(&store->visitors, hash_of(key->site, key->day, key->visitor, 0)))
        return PG_VISIT_ANY;
    if (!has(&store->visits, hash_of_key(key)))
        return PG_VISIT_NEW;
    return has(&store->visits, hash_of_entry(visit)) ? PG_VISIT_GOES_ON : PG_VISIT_ANY;
}

struct pg_visits pg_visits_sort(const struct pg_store *store, const struct store_batch *batch)
{
    struct pg_visits out = {.rows = store_alloc((batch->visits_count + 1) * sizeof(*out.rows))};
    uint8_t *kinds = store_alloc(batch->visits_count + 1);
    struct pg_seen gone = {0};
    size_t at = 0;

    for (size_t i = 0; i < batch->visits_gone_count; i++)
        add(&gone, hash_of_key(&batch->visits_gone[i]));
    for (size_t i = 0; i < batch->visits_count; i++)
        kinds[i] = (uint8_t)kind_of(store, &gone, &batch->visits[i]);
    for (unsigned kind = 0; kind < PG_VISIT_KINDS; kind++) {
        out.of[kind] = &out.rows[at];
        for (size_t i = 0; i < batch->visits_count; i++)
            if (kinds[i] == kind)
                out.rows[at++] = batch->visits[i];
        out.counts[kind] = (size_t)(&out.rows[at] - out.of[kind]);
    }
    free(gone.slots);
    free(kinds);
    return out;
}

/* -- by key ------------------------------------------------------------------------------------ */

static int order_keys(const void *a, const void *b)
{
    const struct visit_key *x = a, *y = b;
    int order = pg_order_site(x->site, y->site);

    if (order == 0)
        order = pg_order_i64(x->day, y->day);
    if (order == 0)
        order = pg_order_i64((int64_t)x->visitor, (int64_t)y->visitor);
    return order != 0 ? order : pg_order_i64(x->begin_ms, y->begin_ms);
}

static int order_visits(const void *a, const void *b)
{
    return order_keys(&((const struct visit *)a)->key, &((const struct visit *)b)->key);
}

#define KEY_ELEMENTS PG_TEXT, PG_INT4, PG_INT8, PG_INT8
#define KEY_ARRAYS "$1::text[], $2::integer[], $3::bigint[], $4::bigint[]"
#define KEY_IS_GIVEN                                                                               \
    " WHERE v.site_id = g.site_id AND v.day = g.day AND v.visitor = g.visitor"                     \
    " AND v.begin_ms = g.begin_ms"

static void add_key(struct pg_array *columns, const struct visit_key *key)
{
    pg_add_str(&columns[0], key->site);
    pg_add_i32(&columns[1], key->day);
    pg_add_i64(&columns[2], (int64_t)key->visitor);
    pg_add_i64(&columns[3], key->begin_ms);
}

static const char REMOVE_VISITS[] = "DELETE FROM analytics.visits v USING unnest(" KEY_ARRAYS
                                    ") AS g (site_id, day, visitor, begin_ms)" KEY_IS_GIVEN;
static const enum pg_element key_elements[] = {KEY_ELEMENTS};

static void put_key(struct pg_array *columns, const void *const *rows, size_t count)
{
    add_key(columns, rows[count - 1]);
}

const struct pg_table pg_remove_visits = {REMOVE_VISITS, PG_COLUMNS(key_elements),
                                          sizeof(struct visit_key), order_keys, put_key};

static const char UPDATE_VISITS[] =
    "UPDATE analytics.visits v SET end_ms = g.end_ms, pageviews = g.pageviews, others = g.others,"
    " last_day = g.last_day, exit_ms = g.exit_ms, exit_path = g.exit_path FROM unnest(" KEY_ARRAYS
    ", $5::bigint[], $6::bigint[], $7::bigint[], $8::integer[], $9::bigint[], $10::text[])"
    " AS g (site_id, day, visitor, begin_ms, end_ms, pageviews, others, last_day, exit_ms,"
    " exit_path)" KEY_IS_GIVEN;
static const enum pg_element update_elements[] = {KEY_ELEMENTS, PG_INT8, PG_INT8, PG_INT8,
                                                  PG_INT4,      PG_INT8, PG_TEXT};

static void put_update(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct visit *last = rows[count - 1];

    add_key(columns, &last->key);
    pg_add_i64(&columns[4], last->end_ms);
    pg_add_i64(&columns[5], last->pageviews);
    pg_add_i64(&columns[6], last->others);
    pg_add_i32(&columns[7], last->last_day);
    pg_add_i64(&columns[8], last->exit_ms);
    pg_add_optional(&columns[9], last->texts[VISIT_EXIT_PATH]);
}

const struct pg_table pg_update_visits = {UPDATE_VISITS, PG_COLUMNS(update_elements),
                                          sizeof(struct visit), order_visits, put_update};

#define VISIT_COLUMNS "site_id, day, visitor, begin_ms, " PG_VISIT_VALUES
static const char PUT_VISITS[] =
    "INSERT INTO analytics.visits (" VISIT_COLUMNS ") SELECT * FROM unnest(" KEY_ARRAYS
    ", $5::bigint[], $6::integer[], $7::bigint[], $8::bigint[], $9::integer[], $10::bigint[],"
    " $11::bigint[], $12::bigint[], $13::integer[], $14::bigint[], $15::bigint[], $16::text[],"
    " $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],"
    " $24::text[], $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[],"
    " $31::text[], $32::text[]) ON CONFLICT (site_id, day, visitor, begin_ms) DO UPDATE SET"
    " (" PG_VISIT_VALUES ") = ROW (excluded.before, excluded.before_day, excluded.end_ms,"
    " excluded.first_ms, excluded.first_day, excluded.first_hour_ms, excluded.pageviews,"
    " excluded.others, excluded.last_day, excluded.entry_ms, excluded.exit_ms, excluded.source,"
    " excluded.channel, excluded.utm_source, excluded.utm_medium, excluded.utm_campaign,"
    " excluded.utm_content, excluded.utm_term, excluded.country, excluded.browser, excluded.os,"
    " excluded.device, excluded.language, excluded.entry_path, excluded.exit_path,"
    " excluded.referrer, excluded.screen, excluded.entry_name)";
#define FIVE_TEXTS PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT
static const enum pg_element visit_elements[] = {
    KEY_ELEMENTS, PG_INT8, PG_INT4, PG_INT8,    PG_INT8,    PG_INT4,    PG_INT8, PG_INT8, PG_INT8,
    PG_INT4,      PG_INT8, PG_INT8, FIVE_TEXTS, FIVE_TEXTS, FIVE_TEXTS, PG_TEXT, PG_TEXT};

static void put_visit(struct pg_array *columns, const void *const *rows, size_t count)
{
    const struct visit *last = rows[count - 1];

    add_key(columns, &last->key);
    pg_add_i64(&columns[4], (int64_t)last->before);
    pg_add_i32(&columns[5], last->before_day);
    pg_add_i64(&columns[6], last->end_ms);
    pg_add_i64(&columns[7], last->first_ms);
    pg_add_i32(&columns[8], last->first_day);
    pg_add_i64(&columns[9], last->first_hour_ms);
    pg_add_i64(&columns[10], last->pageviews);
    pg_add_i64(&columns[11], last->others);
    pg_add_i32(&columns[12], last->last_day);
    pg_add_i64(&columns[13], last->entry_ms);
    pg_add_i64(&columns[14], last->exit_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        pg_add_optional(&columns[15 + i], last->texts[i]);
}

const struct pg_table pg_put_visits = {PUT_VISITS, PG_COLUMNS(visit_elements), sizeof(struct visit),
                                       order_visits, put_visit};

/* -- COPY -------------------------------------------------------------------------------------- */

static const char COPY[] = "COPY analytics.visits (" VISIT_COLUMNS ") FROM STDIN (FORMAT binary)";

enum { VISIT_NUMBERS = 14, VISIT_FIELDS = 1 + VISIT_NUMBERS + VISIT_TEXTS, FIELD_ROOM = 12 };

static size_t row_room(const struct visit *visit)
{
    size_t room = sizeof(int16_t) + FIELD_ROOM * VISIT_FIELDS + visit->key.site.len;

    for (size_t i = 0; i < VISIT_TEXTS; i++)
        room += visit->texts[i].len;
    return room;
}

static void put_row(struct buf *buf, const struct visit *visit)
{
    char *at = buf_reserve(buf, row_room(visit));

    at = put_i16(at, VISIT_FIELDS);
    at = put_field_text(at, visit->key.site);
    at = put_field_i32(at, visit->key.day);
    at = put_field_i64(at, (int64_t)visit->key.visitor);
    at = put_field_i64(at, visit->key.begin_ms);
    at = put_field_i64(at, (int64_t)visit->before);
    at = put_field_i32(at, visit->before_day);
    at = put_field_i64(at, visit->end_ms);
    at = put_field_i64(at, visit->first_ms);
    at = put_field_i32(at, visit->first_day);
    at = put_field_i64(at, visit->first_hour_ms);
    at = put_field_i64(at, visit->pageviews);
    at = put_field_i64(at, visit->others);
    at = put_field_i32(at, visit->last_day);
    at = put_field_i64(at, visit->entry_ms);
    at = put_field_i64(at, visit->exit_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        at = put_optional(at, visit->texts[i]);
    buf->len = (size_t)(at - buf->ptr);
}

int pg_copy_visits(struct pg_store *store, const struct pg_visits *visits, struct err *err)
{
    struct visit *rows = visits->of[PG_VISIT_NEW];
    size_t count = visits->counts[PG_VISIT_NEW];
    struct buf buf = {0};
    int rc = 0;

    qsort(rows, count, sizeof(*rows), order_visits);
    for (size_t i = 0; rc == 0 && i < count;) {
        copy_begin(&buf);
        while (i < count && buf.len < COPY_BYTES)
            put_row(&buf, &rows[i++]);
        rc = copy_end(store, COPY, &buf, err);
    }
    buf_release(&buf);
    return rc;
}

/* -- reading ----------------------------------------------------------------------------------- */

void pg_get_visit(const PGresult *result, int row, int column, struct visit *out)
{
    out->key.begin_ms = pg_get_i64(result, row, column++);
    out->before = (uint64_t)pg_get_i64(result, row, column++);
    out->before_day = (int32_t)pg_get_i64(result, row, column++);
    out->end_ms = pg_get_i64(result, row, column++);
    out->first_ms = pg_get_i64(result, row, column++);
    out->first_day = (int32_t)pg_get_i64(result, row, column++);
    out->first_hour_ms = pg_get_i64(result, row, column++);
    out->pageviews = pg_get_i64(result, row, column++);
    out->others = pg_get_i64(result, row, column++);
    out->last_day = (int32_t)pg_get_i64(result, row, column++);
    out->entry_ms = pg_get_i64(result, row, column++);
    out->exit_ms = pg_get_i64(result, row, column++);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        out->texts[i] = pg_get_str(result, row, column++);
}
