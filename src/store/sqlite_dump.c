/*
 * store/sqlite_dump.c -- copies of the whole store: rows out as JSON, and in again.
 *
 * Both directions are one statement for each table, made from its columns: json_array() writes a
 * row, json_each() and json_extract() read them. So integers never pass through a double. A date is
 * text or a count of days here, as the column's type says.
 *
 * A load is one transaction, as long as the copy is large: readers go on with what was there, the
 * write-ahead log grows by what is loaded, and the job waits for its lease.
 */
#include "store/sqlite_internal.h"

#include "base/buf.h"

/* -- statements made from a table -------------------------------------------------------------- */

static bool counts_days(struct sqlite_store *store, struct str table, struct str column)
{
    struct buf names = {0};
    const char *type = NULL;

    buf_add(&names, table);
    buf_addc(&names, '\0');
    buf_add(&names, column);
    buf_addc(&names, '\0');
    (void)sqlite3_table_column_metadata(store->db, NULL, names.ptr, names.ptr + table.len + 1,
                                        &type, NULL, NULL, NULL, NULL);
    buf_release(&names);
    return type != NULL && strcmp(type, "INTEGER") == 0;
}

/* What stands around a column to make it JSON, and around JSON to make it the column. */
struct wrap {
    const char *before, *after;
};
static const struct wrap wraps_out[] = {
    [COLUMN_BOOL] = {"json(iif(", ", 'true', 'false'))"},
    [COLUMN_DATE] = {"date(", " * 86400, 'unixepoch')"},
    [COLUMN_BYTES] = {"lower(hex(", "))"},
    [COLUMN_JSON] = {"json(", ")"},
};
static const struct wrap wraps_in[] = {
    [COLUMN_DATE] = {"unixepoch(", ") / 86400"},
    [COLUMN_BYTES] = {"abacus_unhex(", ")"},
    [COLUMN_JSON] = {"", ""},
};

static struct wrap wrap_of(struct sqlite_store *store, const struct wrap wraps[],
                           const struct store_table *table, const struct store_column *column)
{
    struct wrap wrap = wraps[column->type];
    bool as_it_is = wrap.before == NULL ||
                    (column->type == COLUMN_DATE && !counts_days(store, table->name, column->name));

    return as_it_is ? (struct wrap){"", ""} : wrap;
}

/* Which counters a copy holds; the others are this store's own. */
#define COUNTERS_COPIED                                                                            \
    "('as_of', 'daily_stats_rows', 'event_id', 'folded_positions', 'folded_records', "             \
    "'last_success')"

static void add_select(struct sqlite_store *store, const struct store_table *table, struct buf *sql)
{
    buf_add(sql, STR("SELECT json_array("));
    for (size_t i = 0; i < table->columns_count; i++) {
        struct wrap wrap = wrap_of(store, wraps_out, table, &table->columns[i]);

        buf_addf(sql, "%s%s", i == 0 ? "" : ", ", wrap.before);
        sql_add_name(sql, table->columns[i].name);
        buf_addf(sql, "%s", wrap.after);
    }
    buf_add(sql, STR(") FROM "));
    sql_add_name(sql, table->name);
    if (str_eq(table->name, STR("counters")))
        buf_add(sql, STR(" WHERE name IN " COUNTERS_COPIED));
    buf_add(sql, STR(" ORDER BY "));
    sql_add_columns(sql, table, table->key_count);
}

static void add_insert(struct sqlite_store *store, const struct store_table *table, struct buf *sql)
{
    buf_add(sql, STR("INSERT INTO "));
    sql_add_name(sql, table->name);
    buf_add(sql, STR(" ("));
    sql_add_columns(sql, table, table->columns_count);
    buf_add(sql, STR(") SELECT "));
    for (size_t i = 0; i < table->columns_count; i++) {
        struct wrap wrap = wrap_of(store, wraps_in, table, &table->columns[i]);

        buf_addf(sql, "%s%sjson_extract(value, '$[%zu]')%s", i == 0 ? "" : ", ", wrap.before, i,
                 wrap.after);
    }
    buf_add(sql, STR(" FROM json_each(?) WHERE true"));
    if (table_is_own(table))
        buf_add(sql, STR(" ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
}

static int prepare(struct sqlite_store *store, struct buf *sql, struct query *out, struct err *err)
{
    *out = (struct query){0};
    int rc = sqlite3_prepare_v3(store->db, sql->ptr, (int)sql->len, 0, &out->stmt, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
}

/* -- out --------------------------------------------------------------------------------------- */

/* One snapshot, also where the caller is inside a transaction. */
static int snapshot(struct sqlite_store *store, bool *own, struct err *err)
{
    *own = false;
    return sqlite3_get_autocommit(store->db) != 0 ? sqlite_snapshot(store, own, err) : 0;
}

static int each_row(struct sqlite_store *store, struct query *query, dump_fn *fn, void *ctx,
                    struct err *err)
{
    int rc;

    while ((rc = sqlite_row(store, query, err)) > 0) {
        rc = fn(ctx, column_str(query));
        if (rc != 0)
            break;
    }
    return rc;
}

int sqlite_dump(struct store *base, const struct store_table *table, dump_fn *fn, void *ctx,
                struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query = {0};
    struct buf sql = {0};
    bool own;
    int rc = snapshot(store, &own, err);

    if (rc == 0) {
        add_select(store, table, &sql);
        rc = prepare(store, &sql, &query, err);
    }
    if (rc == 0)
        rc = each_row(store, &query, fn, ctx, err);
    (void)sqlite3_finalize(query.stmt);
    buf_release(&sql);
    return sqlite_snapshot_end(store, own, rc);
}

static const char SUMS[] =
    "SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM analytics_settings),"
    " (SELECT count(*) FROM analytics_events), d.days, d.pageviews, d.visits, l.events,"
    " l.records + (SELECT value FROM counters WHERE name = 'folded_records'),"
    " (SELECT coalesce(sum(number), 0) FROM positions)"
    " + (SELECT value FROM counters WHERE name = 'folded_positions')"
    " FROM (SELECT count(*) AS days, coalesce(sum(pageviews), 0) AS pageviews,"
    " coalesce(sum(visits), 0) AS visits FROM analytics_daily_stats) d,"
    " (SELECT coalesce(sum(events), 0) AS events, coalesce(sum(records), 0) AS records"
    " FROM ledger) l";

static int read_sums(struct sqlite_store *store, struct store_sums *out, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, SUMS, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc <= 0)
        return rc;
    int64_t *const sums[] = {&out->tenants, &out->sites,     &out->events,
                             &out->days,    &out->pageviews, &out->visits,
                             &out->counted, &out->records,   &out->committed};

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        *sums[i] = column_i64(&query);
    sqlite_end(&query);
    return 0;
}

int sqlite_sums(struct store *base, struct store_sums *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = snapshot(store, &own, err);

    *out = (struct store_sums){0};
    if (rc == 0)
        rc = read_sums(store, out, err);
    return sqlite_snapshot_end(store, own, rc);
}

/* -- in: the beginning ------------------------------------------------------------------------- */

static int digit_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr("0123456789abcdef", c);

    return at == NULL ? -1 : (int)(at - "0123456789abcdef");
}

/* SQLite has its own only from 3.41 on. */
static void unhex(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *hex = (const char *)sqlite3_value_text(values[0]);
    size_t len = hex == NULL ? 0 : strlen(hex);
    unsigned char *bytes = sqlite3_malloc64(len / 2 + 1);
    bool right = hex != NULL && len % 2 == 0;

    (void)count;
    if (bytes == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    for (size_t i = 0; right && i < len / 2; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

        right = high >= 0 && low >= 0;
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    if (right) {
        sqlite3_result_blob64(context, bytes, len / 2, sqlite3_free);
    } else {
        sqlite3_free(bytes);
        sqlite3_result_error(context, "bytes that are not written in hex", -1);
    }
}

static int add_unhex(struct sqlite_store *store, struct err *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc = sqlite3_create_function_v2(store->db, "abacus_unhex", 1, flags, NULL, unhex, NULL,
                                        NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
}

/* `what` and the table's name: 1 if it has a row. */
static int on_table(struct sqlite_store *store, const char *what, struct str table, struct err *err)
{
    struct query query = {0};
    struct buf sql = {0};

    buf_addf(&sql, "%s", what);
    sql_add_name(&sql, table);
    int rc = prepare(store, &sql, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    (void)sqlite3_finalize(query.stmt);
    buf_release(&sql);
    return rc;
}

static int run(struct sqlite_store *store, const char *sql, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    return rc == 0 ? sqlite_done(store, &query, err) : rc;
}

static int check_empty(struct sqlite_store *store, struct err *err)
{
    for (size_t i = 0; i < store_tables_count; i++) {
        const struct store_table *table = &store_tables[i];
        int rc = table_is_own(table) ? 0 : on_table(store, "SELECT 1 FROM ", table->name, err);

        if (rc != 0)
            return rc < 0
                       ? rc
                       : err_set(err, ERR_CONFLICT, "the store is not empty: it has rows in %.*s",
                                 STR_FMT(table->name));
    }
    return 0;
}

static int remove_all(struct sqlite_store *store, struct err *err)
{
    static const char FORGET[] = "UPDATE counters SET value = 0 WHERE name IN " COUNTERS_COPIED;
    static const char END_SESSIONS[] = "DELETE FROM sessions";
    int rc = run(store, FORGET, err);

    if (rc == 0)
        rc = run(store, END_SESSIONS, err);
    for (size_t i = store_tables_count; rc == 0 && i-- > 0;)
        if (!table_is_own(&store_tables[i]))
            rc = on_table(store, "DELETE FROM ", store_tables[i].name, err);
    return rc;
}

static int begin_transaction(struct sqlite_store *store, bool replace, struct err *err)
{
    writers_enter(&store->base);
    int rc = sqlite_write_begin(store, err);

    writers_leave(&store->base);
    if (rc != 0)
        return rc;
    rc = add_unhex(store, err);
    if (rc == 0)
        rc = replace ? remove_all(store, err) : check_empty(store, err);
    return rc == 0 ? 0 : sqlite_write_end(store, rc, err);
}

int sqlite_load_begin(struct store *base, bool replace, struct err *err)
{
    uint32_t got = 0;
    int rc = sqlite_lease(base, PARTITIONS_ALL, true, true, &got, err);

    if (rc != 0)
        return rc;
    rc = begin_transaction(sqlite_of(base), replace, err);
    if (rc != 0)
        sqlite_unlease(base);
    return rc;
}

/* -- in: the rows and the end ------------------------------------------------------------------ */

/* An error without a code of its own is what a function says of its argument. */
static int insert(struct sqlite_store *store, const struct store_table *table, struct query *query,
                  struct err *err)
{
    int rc = query->rc != SQLITE_OK ? query->rc : sqlite3_step(query->stmt);

    if (rc == SQLITE_DONE)
        return 0;
    int code = sqlite_fail(store, rc, err);

    return err_wrap(err, (rc & 0xff) == SQLITE_ERROR || code == ERR_CONFLICT ? ERR_INVALID : code,
                    "%.*s", STR_FMT(table->name));
}

int sqlite_load(struct store *base, const struct store_table *table, struct str rows,
                struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query = {0};
    struct buf sql = {0};

    add_insert(store, table, &sql);
    int rc = prepare(store, &sql, &query, err);

    if (rc == 0) {
        bind_str(&query, rows);
        rc = insert(store, table, &query, err);
    }
    (void)sqlite3_finalize(query.stmt);
    buf_release(&sql);
    return rc;
}

/* as_of may have gone back, which no trigger of the schema lets happen. */
static const char SET_PARTITIONS[] = "UPDATE partitions SET as_of_ms = (SELECT value FROM counters"
                                     " WHERE name = 'as_of')";
/* What a copy of the first version does not tell (tables.c). */
static const char SET_DUE[] =
    "INSERT INTO due_days (site_id, day) SELECT site_id, day FROM"
    " (SELECT site_id, day FROM analytics_events UNION SELECT site_id, day FROM visits) d"
    " WHERE NOT EXISTS (SELECT 1 FROM packs p WHERE p.site_id = d.site_id AND p.day = d.day"
    " AND part = 0) ON CONFLICT DO NOTHING";
static const char SET_EVENT_ID[] =
    "UPDATE counters SET value = max(value, (SELECT coalesce(max(id), 0) FROM analytics_events))"
    " WHERE name = 'event_id'";

static int finish(struct sqlite_store *store, struct err *err)
{
    int rc = run(store, SET_PARTITIONS, err);

    if (rc == 0)
        rc = run(store, SET_EVENT_ID, err);
    if (rc == 0)
        rc = run(store, SET_DUE, err);
    return rc == 0 ? sqlite_count(store, "directory", 1, err) : rc;
}

int sqlite_load_end(struct store *base, int rc, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);

    if (rc == 0)
        rc = finish(store, err);
    rc = sqlite_write_end(store, rc, err);
    /* The write-ahead log is as large as the copy now; whoever reads from it is waited for, but
     * briefly. */
    store->busy_tries = BUSY_TRIES_BRIEF;
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store->busy_tries = BUSY_TRIES;
    sqlite_unlease(base);
    return rc;
}
