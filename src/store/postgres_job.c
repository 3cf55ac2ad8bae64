/*
 * store/postgres_job.c -- what the job reads before it writes.
 *
 * Loads take arrays of keys, some thousands at once, through functions of the schema that keep the
 * planner to the primary key.
 */
#include "store/postgres_internal.h"

enum {
    KEYS_AT_ONCE = 4096,
    SKETCHES_AT_ONCE = 512, /* each may have 16 KB */
};

/* -- positions --------------------------------------------------------------------------------- */

static const char POSITIONS[] = "SELECT producer, partition, number FROM analytics.positions"
                                " WHERE ($1 >> partition) & 1 = 1"
                                " AND ($2 OR producer = ANY ($3::bytea[]))"
                                " ORDER BY producer, partition";

static void position_rows(const PGresult *result, struct arena *arena, struct position **out,
                          size_t *count)
{
    int rows = PQntuples(result);

    *out = ARENA_NEW(arena, struct position, (size_t)rows + 1);
    *count = (size_t)rows;
    for (int row = 0; row < rows; row++) {
        struct str producer = pg_get_str(result, row, 0);

        if (producer.len == PRODUCER_BYTES)
            memcpy((*out)[row].producer.id, producer.ptr, PRODUCER_BYTES);
        (*out)[row].partition = (uint16_t)pg_get_i64(result, row, 1);
        (*out)[row].number = (uint64_t)pg_get_i64(result, row, 2);
    }
}

int pg_positions(struct store *base, const struct position_filter *filter, struct arena *arena,
                 struct position **out, size_t *count, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(POSITIONS);
    struct pg_array producers = pg_array(PG_BYTEA);
    PGresult *result = NULL;
    int rc = pg_ready(store, err);

    for (size_t i = 0; filter->producers != NULL && i < filter->producers_count; i++)
        pg_add_str(&producers, (struct str){(const char *)filter->producers[i].id, PRODUCER_BYTES});
    pg_i32(&query, (int32_t)(filter->partitions & PARTITIONS_ALL));
    pg_bool(&query, filter->producers == NULL);
    pg_bind_array(&query, &producers);
    if (rc == 0)
        rc = pg_run(store, &query, &result, err);
    if (rc == 0)
        position_rows(result, arena, out, count);
    PQclear(result);
    buf_release(&producers.buf);
    return rc;
}

/* Of the directory's thread, which must not wait: what is locked is just being moved. */
static const char HOLD_POSITIONS[] =
    "WITH free AS (SELECT producer, partition FROM analytics.positions"
    " WHERE producer = ANY ($1) AND moved_ms < $2 FOR UPDATE SKIP LOCKED)"
    " UPDATE analytics.positions p SET moved_ms = $2 FROM free"
    " WHERE p.producer = free.producer AND p.partition = free.partition";

int pg_hold_positions(struct store *base, const struct producer *producers, size_t count,
                      int64_t now_ms, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct pg_query query = pg_query(HOLD_POSITIONS);
    struct pg_array ids = pg_array(PG_BYTEA);
    int rc = pg_ready(store, err);

    for (size_t i = 0; i < count; i++)
        pg_add_str(&ids, (struct str){(const char *)producers[i].id, PRODUCER_BYTES});
    pg_bind_array(&query, &ids);
    pg_i64(&query, now_ms);
    if (rc == 0)
        rc = pg_run(store, &query, NULL, err);
    buf_release(&ids.buf);
    return rc;
}

/* -- what a batch needs ------------------------------------------------------------------------ */

/* Each load runs one statement for a piece of its keys and gives its rows to `take`. The first
 * column is a key's place in the piece, from 1. */
struct load {
    const char *sql;
    const enum pg_element *elements;
    int columns;
    size_t at_once;
    void (*put)(const void *keys, size_t i, struct pg_array *columns);
    void (*take)(void *ctx, size_t i, const PGresult *result, int row);
    void *ctx;
};

enum { LOAD_COLUMNS_MAX = 4 };

static int load_piece(struct pg_store *store, const struct load *load, const void *keys,
                      size_t from, size_t to, struct err *err)
{
    struct pg_query query = pg_query(load->sql);
    struct pg_array columns[LOAD_COLUMNS_MAX];
    PGresult *result = NULL;
    int rc;

    for (int c = 0; c < load->columns; c++)
        columns[c] = pg_array(load->elements[c]);
    for (size_t i = from; i < to; i++)
        load->put(keys, i, columns);
    for (int c = 0; c < load->columns; c++)
        pg_bind_array(&query, &columns[c]);
    rc = pg_run(store, &query, &result, err);
    for (int row = 0; rc == 0 && row < PQntuples(result); row++)
        load->take(load->ctx, from + (size_t)pg_get_i64(result, row, 0) - 1, result, row);
    PQclear(result);
    for (int c = 0; c < load->columns; c++)
        buf_release(&columns[c].buf);
    return rc;
}

static int run_load(struct pg_store *store, const struct load *load, const void *keys, size_t count,
                    struct err *err)
{
    int rc = pg_ready(store, err);

    for (size_t from = 0; rc == 0 && from < count; from += load->at_once) {
        size_t to = count - from < load->at_once ? count : from + load->at_once;

        rc = load_piece(store, load, keys, from, to, err);
    }
    return rc;
}

static const char SKETCHES[] = "SELECT n, bytes FROM analytics.load_sketches($1, $2, $3, $4)";
static const enum pg_element sketch_elements[] = {PG_TEXT, PG_INT4, PG_INT4, PG_INT8};

static void put_sketch_key(const void *keys, size_t i, struct pg_array *columns)
{
    const struct sketch_key *key = &((const struct sketch *)keys)[i].key;

    pg_add_str(&columns[0], key->site);
    pg_add_i32(&columns[1], key->day);
    pg_add_i32(&columns[2], (int32_t)key->kind);
    pg_add_i64(&columns[3], key->hour_ms);
}

struct sketches {
    struct sketch *rows;
    struct arena *arena;
};

static void take_sketch(void *ctx, size_t i, const PGresult *result, int row)
{
    struct sketches *sketches = ctx;

    sketches->rows[i].bytes = arena_str(sketches->arena, pg_get_str(result, row, 1));
}

int pg_load_sketches(struct store *base, struct arena *arena, struct sketch *sketches, size_t count,
                     struct err *err)
{
    struct sketches into = {sketches, arena};
    const struct load load = {SKETCHES,       sketch_elements, 4,    SKETCHES_AT_ONCE,
                              put_sketch_key, take_sketch,     &into};

    for (size_t i = 0; i < count; i++)
        sketches[i].bytes = STR("");
    return run_load(pg_of(base), &load, sketches, count, err);
}

static const char VISITS[] =
    "SELECT n, begin_ms, " PG_VISIT_VALUES " FROM analytics.load_visits($1, $2, $3)";
static const enum pg_element visitor_elements[] = {PG_TEXT, PG_INT4, PG_INT8};

static void put_visitor_key(const void *keys, size_t i, struct pg_array *columns)
{
    const struct visitor_key *key = &((const struct visitor_key *)keys)[i];

    pg_add_str(&columns[0], key->site);
    pg_add_i32(&columns[1], key->day);
    pg_add_i64(&columns[2], (int64_t)key->visitor);
}

struct visits {
    struct pg_store *store;
    const struct visitor_key *keys;
    struct arena *arena;
    struct visit *rows;
    size_t count, room;
};

static struct visit *next_visit(struct visits *visits)
{
    if (visits->count == visits->room) {
        size_t room = visits->room == 0 ? 64 : visits->room * 2;
        struct visit *rows = ARENA_NEW(visits->arena, struct visit, room);

        if (visits->count > 0)
            memcpy(rows, visits->rows, visits->count * sizeof(*rows));
        visits->rows = rows;
        visits->room = room;
    }
    return &visits->rows[visits->count++];
}

static void take_visit(void *ctx, size_t i, const PGresult *result, int row)
{
    struct visits *visits = ctx;
    const struct visitor_key *key = &visits->keys[i];
    struct visit *visit = next_visit(visits);

    visit->key = (struct visit_key){key->site, key->day, key->visitor, 0};
    pg_get_visit(result, row, 1, visit);
    for (size_t t = 0; t < VISIT_TEXTS; t++)
        if (visit->texts[t].len > 0)
            visit->texts[t] = arena_str(visits->arena, visit->texts[t]);
    pg_visit_found(visits->store, visit);
}

int pg_load_visits(struct store *base, struct arena *arena, const struct visitor_key *keys,
                   size_t count, struct visit **out, size_t *out_count, struct err *err)
{
    struct visits visits = {.store = pg_of(base), .keys = keys, .arena = arena};
    const struct load load = {VISITS,          visitor_elements, 3,      KEYS_AT_ONCE,
                              put_visitor_key, take_visit,       &visits};
    int rc;

    pg_visits_look_up(visits.store, count);
    rc = run_load(visits.store, &load, keys, count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        pg_visitor_looked_up(visits.store, &keys[i]);
    *out = visits.rows;
    *out_count = visits.count;
    return rc;
}

static const char KEYS[] = "SELECT n, received_ms FROM analytics.load_keys($1, $2)";
static const enum pg_element key_elements[] = {PG_TEXT, PG_BYTEA};

static void put_event_key(const void *keys, size_t i, struct pg_array *columns)
{
    const struct event_key *key = &((const struct event_key *)keys)[i];

    pg_add_str(&columns[0], key->site);
    pg_add_str(&columns[1], (struct str){(const char *)key->id, sizeof(key->id)});
}

static void take_received(void *ctx, size_t i, const PGresult *result, int row)
{
    ((struct event_key *)ctx)[i].received_ms = pg_get_i64(result, row, 1);
}

int pg_load_keys(struct store *base, struct event_key *keys, size_t count, struct err *err)
{
    const struct load load = {KEYS,          key_elements,  2,   KEYS_AT_ONCE,
                              put_event_key, take_received, keys};

    for (size_t i = 0; i < count; i++)
        keys[i].received_ms = 0;
    return run_load(pg_of(base), &load, keys, count, err);
}
