/*
 * store/postgres_dump.c -- copies of the whole store: rows out as JSON, and in again.
 *
 * Out: a cursor for each table, so that no statement runs long and memory does not grow, in the
 * snapshot of the caller. In: json_array_elements() makes rows of a batch again. All conversion is
 * the server's, in 64-bit integers.
 *
 * A load takes all partitions over from whoever counts them. It does so by locking the whole table
 * of leases, not by a lease of its own, which would run out during a long load; the lock ends with
 * the connection. With its commit nobody holds any: what aggregators have in memory is fenced, and
 * they go on from the positions of the copy. It locks the other tables too, so that readers wait
 * (and give up after their time-out) instead of seeing half of a copy; tracking goes on, since it
 * reads no store. That the tables were emptied tells every node to read them again, by the triggers
 * of the schema.
 *
 * TRUNCATE ... RESTART IDENTITY gives the sequences new files: ids that other sessions had taken
 * ahead are void with the commit, and a load that is undone leaves the sequences as they were.
 *
 * The counters that leases and a sequence hold here are put into `counters` with the rest, and
 * moved to their places at the end. Sessions are in no copy: a load ends them all.
 */
#include "store/postgres_internal.h"

#include <stdio.h>

enum {
    DUMP_ROWS = 100,
    IDLE_MS = 10 * 60 * 1000, /* how long the other end of a pipe may take */
    LOAD_MS = 10 * 60 * 1000, /* for a statement that reads all raw rows */
    JSON_OID = 114,
};

/* -- statements made from a table -------------------------------------------------------------- */

struct wrap {
    const char *before, *after;
};
#define EPOCH "timestamptz '1970-01-01 00:00:00+00'"
static const struct wrap wraps_out[] = {
    [COLUMN_INT] = {"", ""},
    [COLUMN_BOOL] = {"", ""},
    [COLUMN_TEXT] = {"", ""},
    [COLUMN_DATE] = {"to_char(", ", 'YYYY-MM-DD')"},
    [COLUMN_INSTANT] = {"(extract(epoch FROM ", ") * 1000)::bigint"},
    [COLUMN_BYTES] = {"encode(", ", 'hex')"},
    [COLUMN_JSON] = {"", ""},
};
static const struct wrap wraps_in[] = {
    [COLUMN_INT] = {"(", ")::bigint"},
    [COLUMN_BOOL] = {"(", ")::boolean"},
    [COLUMN_TEXT] = {"", ""},
    [COLUMN_DATE] = {"(", ")::date"},
    [COLUMN_INSTANT] = {EPOCH " + (", ")::bigint * interval '1 millisecond'"},
    [COLUMN_BYTES] = {"decode(", ", 'hex')"},
    [COLUMN_JSON] = {"(", ")::jsonb"},
};

/* With a NUL behind it, as libpq wants it. */
static const char *text_of(struct buf *sql)
{
    buf_addc(sql, '\0');
    sql->len--;
    return sql->ptr;
}

/* -- out --------------------------------------------------------------------------------------- */

/* last_value of a sequence that was never asked is the first that it will give. */
#define COUNTERS_COPIED                                                                            \
    "(SELECT 'as_of' AS name, min(as_of_ms) AS value FROM leases"                                  \
    " UNION ALL SELECT 'daily_stats_rows', sum(stats_rows)::bigint FROM leases"                    \
    " UNION ALL SELECT 'event_id', last_value - CASE WHEN is_called THEN 0 ELSE 1 END"             \
    " FROM analytics_events_id_seq"                                                                \
    " UNION ALL SELECT name, value FROM counters WHERE name LIKE 'folded%'"                        \
    " UNION ALL SELECT 'last_success', max(last_success_ms) FROM leases) AS counters"

static void add_select(const struct store_table *table, struct buf *sql)
{
    buf_add(sql, STR("SELECT json_build_array("));
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct wrap *wrap = &wraps_out[table->columns[i].type];

        buf_addf(sql, "%s%s", i == 0 ? "" : ", ", wrap->before);
        sql_add_name(sql, table->columns[i].name);
        buf_addf(sql, "%s", wrap->after);
    }
    buf_add(sql, STR(") FROM "));
    if (str_eq(table->name, STR("counters")))
        buf_add(sql, STR(COUNTERS_COPIED));
    else
        sql_add_name(sql, table->name);
    buf_add(sql, STR(" ORDER BY "));
    sql_add_columns(sql, table, table->key_count);
}

struct dump {
    dump_fn *fn;
    void *ctx;
    struct arena arena;
    int count; /* rows of this FETCH */
};

static int give_row(void *ctx, const PGresult *result, int row, struct err *err)
{
    struct dump *dump = ctx;

    (void)err;
    dump->count++;
    arena_reset(&dump->arena);
    return dump->fn(dump->ctx, pg_get_json(result, row, 0, &dump->arena));
}

static const char DUMP_FETCH[] = "FETCH 100 FROM abacus_dump"; /* DUMP_ROWS */

/* Rows come one by one: a part of a pack may be large. */
static int each_row(struct pg_store *store, const struct store_table *table, dump_fn *fn, void *ctx,
                    struct err *err)
{
    struct dump dump = {.fn = fn, .ctx = ctx};
    struct buf sql = {0};

    buf_add(&sql, STR("DECLARE abacus_dump NO SCROLL CURSOR FOR "));
    add_select(table, &sql);
    int rc = pg_exec(store, text_of(&sql), err);

    buf_release(&sql);
    if (rc != 0)
        return rc;
    do {
        struct pg_query query = pg_query(DUMP_FETCH);

        dump.count = 0;
        rc = pg_each(store, &query, give_row, &dump, err);
    } while (rc == 0 && dump.count == DUMP_ROWS);
    arena_free(&dump.arena);
    if (store->conn != NULL)
        (void)pg_exec(store, "CLOSE abacus_dump", NULL);
    return rc;
}

/* A statement of a copy may take as long as one of the job. */
struct patience {
    bool own; /* a snapshot of its own */
    int64_t wait_ms;
};

static int patience_begin(struct pg_store *store, struct patience *patience, struct err *err)
{
    char sql[160];
    int rc = pg_ready(store, err);

    *patience = (struct patience){!store->reading && !store->writing, store->wait_ms};
    if (rc == 0 && patience->own)
        rc = pg_read_begin(&store->base, err);
    patience->own = rc == 0 && patience->own;
    if (rc != 0)
        return rc;
    (void)snprintf(sql, sizeof(sql),
                   "SET LOCAL statement_timeout = %d;"
                   "SET LOCAL idle_in_transaction_session_timeout = %d",
                   PG_JOB_MS, IDLE_MS);
    store->wait_ms = PG_JOB_MS;
    return pg_exec(store, sql, err);
}

static void patience_end(struct pg_store *store, const struct patience *patience)
{
    store->wait_ms = patience->wait_ms;
    if (patience->own)
        pg_read_end(&store->base);
}

int pg_dump_table(struct store *base, const struct store_table *table, dump_fn *fn, void *ctx,
                  struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct patience patience;
    int rc = patience_begin(store, &patience, err);

    if (rc == 0)
        rc = each_row(store, table, fn, ctx, err);
    patience_end(store, &patience);
    return rc;
}

static const char SUMS[] =
    "SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM analytics_settings),"
    " (SELECT count(*) FROM analytics_events), d.days, d.pageviews, d.visits, l.events,"
    " l.records + (SELECT value FROM counters WHERE name = 'folded_records'),"
    " p.numbers + (SELECT value FROM counters WHERE name = 'folded_positions')"
    " FROM (SELECT count(*) AS days, coalesce(sum(pageviews), 0)::bigint AS pageviews,"
    " coalesce(sum(visits), 0)::bigint AS visits FROM analytics_daily_stats) d,"
    " (SELECT coalesce(sum(events), 0)::bigint AS events,"
    " coalesce(sum(records), 0)::bigint AS records FROM ledger) l,"
    " (SELECT coalesce(sum(number), 0)::bigint AS numbers FROM positions) p";

static int read_sums(struct pg_store *store, struct store_sums *out, struct err *err)
{
    struct pg_query query = pg_query(SUMS);
    int64_t *const sums[] = {&out->tenants, &out->sites,     &out->events,
                             &out->days,    &out->pageviews, &out->visits,
                             &out->counted, &out->records,   &out->committed};
    PGresult *result = NULL;
    int rc = pg_run(store, &query, &result, err);

    for (int i = 0; rc == 0 && i < (int)(sizeof(sums) / sizeof(sums[0])); i++)
        *sums[i] = pg_get_i64(result, 0, i);
    PQclear(result);
    return rc;
}

int pg_sums(struct store *base, struct store_sums *out, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct patience patience;
    int rc = patience_begin(store, &patience, err);

    *out = (struct store_sums){0};
    if (rc == 0)
        rc = read_sums(store, out, err);
    patience_end(store, &patience);
    return rc;
}

/* -- in: the beginning ------------------------------------------------------------------------- */

/* The tables that are emptied; `before` and `after` stand around the name of each. */
static void add_tables(struct buf *sql, const char *separator, const char *before,
                       const char *after)
{
    bool first = true;

    for (size_t i = 0; i < store_tables_count; i++) {
        if (table_is_own(&store_tables[i]))
            continue;
        buf_addf(sql, "%s%s%.*s%s", first ? "" : separator, before, STR_FMT(store_tables[i].name),
                 after);
        first = false;
    }
}

static int check_empty(struct pg_store *store, struct err *err)
{
    struct buf sql = {0};
    PGresult *result = NULL;

    add_tables(&sql, " UNION ALL ", "(SELECT tableoid::regclass::text FROM ", " LIMIT 1)");
    int rc = pg_ask(store, text_of(&sql), &result, err);

    if (rc == 0 && PQntuples(result) > 0)
        rc = err_set(err, ERR_CONFLICT, "the store is not empty: it has rows in %s",
                     PQgetvalue(result, 0, 0));
    PQclear(result);
    buf_release(&sql);
    return rc;
}

static int on_tables(struct pg_store *store, const char *before, const char *after, struct err *err)
{
    struct buf sql = {0};

    buf_addf(&sql, "%s ", before);
    add_tables(&sql, ", ", "", "");
    buf_addf(&sql, ", site_names, sessions %s", after);
    int rc = pg_exec(store, text_of(&sql), err);

    buf_release(&sql);
    return rc;
}

/* The first look spares a store that is in use the lock. */
static int make_room(struct pg_store *store, bool replace, struct err *err)
{
    int rc = replace ? 0 : check_empty(store, err);

    if (rc == 0)
        rc = on_tables(store, "LOCK TABLE", "IN ACCESS EXCLUSIVE MODE", err);
    if (rc == 0 && !replace)
        rc = check_empty(store, err);
    if (rc == 0)
        rc = on_tables(store, "TRUNCATE", "RESTART IDENTITY", err);
    return rc == 0 ? pg_exec(store, "UPDATE counters SET value = 0 WHERE name LIKE 'folded%'", err)
                   : rc;
}

int pg_load_begin(struct store *base, bool replace, struct err *err)
{
    struct pg_store *store = pg_of(base);
    char sql[160];
    int rc = pg_ready(store, err);

    if (rc == 0)
        rc = pg_begin(store, err);
    if (rc != 0)
        return rc;
    (void)snprintf(sql, sizeof(sql),
                   "SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d;"
                   "SET LOCAL idle_in_transaction_session_timeout = %d;"
                   "LOCK TABLE leases IN EXCLUSIVE MODE",
                   PG_JOB_MS, LOAD_MS, IDLE_MS);
    store->wait_ms = LOAD_MS;
    rc = pg_exec(store, sql, err);
    if (rc == 0)
        rc = make_room(store, replace, err);
    return rc == 0 ? 0 : pg_end(store, rc, err);
}

/* -- in: the rows ------------------------------------------------------------------------------ */

/* The first failure of what is running. */
static int wait_for_all(struct pg_store *store, struct err *err)
{
    PGresult *result = NULL;
    int rc = 0;

    while (store->conn != NULL) {
        int waited = pg_result(store, &result, rc == 0 ? err : NULL);

        if (waited != 0 || result == NULL)
            return rc == 0 ? waited : rc;
        ExecStatusType status = PQresultStatus(result);

        if (rc == 0 && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            rc = pg_fail(store, result, err);
        else
            PQclear(result);
    }
    return rc;
}

/* A statement made for this call, with the rows as its only value. */
static int run_with(struct pg_store *store, const char *sql, struct str rows, struct err *err)
{
    const Oid type = JSON_OID;
    const int length = (int)rows.len, binary = 1;
    int rc = pg_ready(store, err);

    if (rc != 0)
        return rc;
    if (PQsendQueryParams(store->conn, sql, 1, &type, &rows.ptr, &length, &binary, 0) != 1)
        return pg_fail(store, NULL, err);
    return wait_for_all(store, err);
}

static void add_insert(const struct store_table *table, struct buf *sql)
{
    buf_add(sql, STR("INSERT INTO "));
    sql_add_name(sql, table->name);
    buf_add(sql, STR(" ("));
    sql_add_columns(sql, table, table->columns_count);
    buf_add(sql, STR(") SELECT "));
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct wrap *wrap = &wraps_in[table->columns[i].type];

        buf_addf(sql, "%s%sv->>%zu%s", i == 0 ? "" : ", ", wrap->before, i, wrap->after);
    }
    buf_add(sql, STR(" FROM json_array_elements($1) AS v"));
    if (table_is_own(table))
        buf_add(sql, STR(" ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
}

/* A day's table must be there before its rows. */
static int make_days(struct pg_store *store, const struct store_table *table, struct str rows,
                     struct err *err)
{
    struct buf sql = {0};
    size_t at = 0;

    while (at < table->columns_count && table->columns[at].type != COLUMN_INSTANT)
        at++;
    buf_addf(&sql,
             "SELECT make_days(ARRAY(SELECT DISTINCT ((" EPOCH " + (v->>%zu)::bigint"
             " * interval '1 millisecond') AT TIME ZONE 'UTC')::date"
             " FROM json_array_elements($1) AS v))",
             at);
    int rc = run_with(store, text_of(&sql), rows, err);

    buf_release(&sql);
    return rc;
}

int pg_load_rows(struct store *base, const struct store_table *table, struct str rows,
                 struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct buf sql = {0};
    int rc = 0;

    if (str_eq(table->name, STR("analytics_events")))
        rc = make_days(store, table, rows, err);
    if (rc == 0) {
        add_insert(table, &sql);
        rc = run_with(store, text_of(&sql), rows, err);
    }
    buf_release(&sql);
    return rc == 0
               ? 0
               : err_wrap(err, rc == ERR_CONFLICT ? ERR_INVALID : rc, "%.*s", STR_FMT(table->name));
}

/* -- in: the end ------------------------------------------------------------------------------- */

/* A copy of the first version names no due days: there, a day with rows has no pack. New ids go on
 * behind the greatest that was given. The leases come last: until then nobody sees that this
 * transaction holds them. */
static const char *const finish[] = {
    "INSERT INTO due_days (site_id, day) SELECT site_id, day FROM (SELECT site_id,"
    " day - date '1970-01-01' AS day FROM analytics_events UNION SELECT site_id, day FROM visits)"
    " AS r WHERE NOT EXISTS (SELECT FROM packs p WHERE p.site_id = r.site_id AND p.day = r.day"
    " AND p.part = 0) ON CONFLICT DO NOTHING",
    "SELECT setval(pg_get_serial_sequence('analytics_settings', 'id'), max(id))"
    " FROM analytics_settings HAVING max(id) > 0",
    "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), max(id))"
    " FROM audit_log HAVING max(id) > 0",
    "SELECT setval('analytics_events_id_seq', g.id) FROM (SELECT greatest("
    "(SELECT value FROM counters WHERE name = 'event_id'), (SELECT max(id) FROM analytics_events))"
    " AS id) AS g WHERE g.id > 0",
    "WITH given AS (DELETE FROM counters WHERE name IN"
    " ('as_of', 'daily_stats_rows', 'event_id', 'last_success') RETURNING name, value)"
    " UPDATE leases SET holder = NULL, until = '-infinity',"
    " commits = commits + 1,"
    " as_of_ms = coalesce((SELECT value FROM given WHERE name = 'as_of'), 0),"
    " last_success_ms = coalesce((SELECT value FROM given WHERE name = 'last_success'), 0),"
    " stats_rows = CASE WHEN partition > 0 THEN 0 ELSE"
    " coalesce((SELECT value FROM given WHERE name = 'daily_stats_rows'), 0) END",
};

int pg_load_end(struct store *base, int rc, struct err *err)
{
    struct pg_store *store = pg_of(base);

    for (size_t i = 0; rc == 0 && i < sizeof(finish) / sizeof(finish[0]); i++)
        rc = pg_exec(store, finish[i], err);
    return pg_end(store, rc, err);
}
