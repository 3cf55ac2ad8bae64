/*
 * store/postgres_visits.c -- visits that are new go by COPY.
 *
 * Most of a batch's visits are new, and INSERT ... ON CONFLICT costs twice as much as COPY. The job
 * loads all rows of a visitor before it writes any of them, and nobody else writes them while it
 * holds the lease: a row whose visitor was looked up since the last commit, and which was not
 * found, is not there. The handle remembers both as sets of 64-bit hashes. All others, and those of
 * a handle without lease, are put by key. A hash that two rows share would make the commit fail on
 * the primary key (ERR_CONFLICT), no more.
 */
#include "store/postgres_copy.h"

#include <stdlib.h>
#include <xxhash.h>

enum { VISIT_FIELDS = 12, VISIT_ROOM = 192, SEEN_MIN = 1024, SEEN_MAX = 1 << 21 };

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

static uint64_t hash_of(struct str site, int32_t day, uint64_t visitor, int64_t begin_ms)
{
    const uint64_t key[] = {XXH3_64bits(site.ptr, site.len), (uint64_t)day, visitor,
                            (uint64_t)begin_ms};
    uint64_t hash = XXH3_64bits(key, sizeof(key));

    return hash == 0 ? 1 : hash;
}

void pg_visits_look_up(struct pg_store *store, size_t count)
{
    if (store->visitors.count + count > SEEN_MAX)
        pg_visits_forget(store);
}

void pg_visitor_looked_up(struct pg_store *store, const struct visitor_key *key)
{
    add(&store->visitors, hash_of(key->site, key->day, key->visitor, 0));
}

void pg_visit_found(struct pg_store *store, const struct visit_key *key)
{
    add(&store->visits, hash_of(key->site, key->day, key->visitor, key->begin_ms));
}

void pg_visits_forget(struct pg_store *store)
{
    free(store->visitors.slots);
    free(store->visits.slots);
    store->visitors = store->visits = (struct pg_seen){0};
}

static bool is_new(const struct pg_store *store, const struct visit_key *key)
{
    return store->leased != 0 &&
           has(&store->visitors, hash_of(key->site, key->day, key->visitor, 0)) &&
           !has(&store->visits, hash_of(key->site, key->day, key->visitor, key->begin_ms));
}

/* -- which of a batch's ------------------------------------------------------------------------ */

struct visit *pg_visits_split(const struct pg_store *store, const struct store_batch *batch,
                              size_t *new_count)
{
    struct visit *visits = store_alloc((batch->visits_count + 1) * sizeof(*visits));
    size_t front = 0, back = batch->visits_count;

    for (size_t i = 0; i < batch->visits_count; i++) {
        bool new = is_new(store, &batch->visits[i].key);

        visits[new ? front++ : --back] = batch->visits[i];
    }
    *new_count = front;
    return visits;
}

/* -- COPY -------------------------------------------------------------------------------------- */

static const char COPY[] =
    "COPY analytics.visits (site_id, day, visitor, begin_ms, before, before_day, end_ms, first_ms,"
    " first_day, first_hour_ms, pageviews, others) FROM STDIN (FORMAT binary)";

static void put_row(struct buf *buf, const struct visit *visit)
{
    char *at = buf_reserve(buf, VISIT_ROOM + visit->key.site.len);

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
    buf->len = (size_t)(at - buf->ptr);
}

int pg_copy_visits(struct pg_store *store, struct visit *visits, size_t count, struct err *err)
{
    struct buf buf = {0};
    int rc = 0;

    qsort(visits, count, sizeof(*visits), pg_order_visits);
    for (size_t i = 0; rc == 0 && i < count;) {
        copy_begin(&buf);
        while (i < count && buf.len < COPY_BYTES)
            put_row(&buf, &visits[i++]);
        rc = copy_end(store, COPY, &buf, err);
    }
    buf_release(&buf);
    return rc;
}
