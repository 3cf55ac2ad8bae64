/*
 * store/postgres_compact.c -- the space of rows that are gone, given up.
 *
 * PostgreSQL leaves the bytes of a removed or changed row in its page, and VACUUM only says that
 * they may be written over. VACUUM FULL writes what is live into new files, with its indexes and
 * the values that stand aside (TOAST), and unlinks the old ones. It locks out everybody from its
 * table, so it goes table by table, and of raw rows date by date.
 *
 * A row that a transaction still running may see stays, and so does one that was removed while any
 * transaction of the whole server was running that still is: the snapshot of VACUUM FULL itself
 * goes back to it. So those are waited for, and the table's relfrozenxid, which becomes the horizon
 * that was used, says whether it was late enough.
 *
 * Dates of which nothing was ever removed are passed over. What says so is the server's count of
 * rows that were put there (also by transactions that failed), less those that are there now, with
 * its counts of changes and removals: as long as those are what they were when the date was last
 * written anew, no dead row can be in it. They are kept as the comment of the date's table. After a
 * crash the counts are gone, do not match, and the date is written anew.
 *
 * ANALYZE keeps the most common values of each column in pg_statistic. Analyzed again, a table has
 * none of what was erased; one without rows keeps what it had, so a row stands in it meanwhile. The
 * old row of pg_statistic is dead then, and its space is given up as well, which only the owner of
 * the database may: where the program's role is another, the
 * bytes stay until they are written over.
 */
#include "store/postgres_internal.h"

#include <stdio.h>
#include <time.h>

enum {
    TABLE_MS = 30 * 60 * 1000, /* of one table at most */
    LOCK_MS = 2000,            /* whoever comes behind waits as long */
    LOCK_TRIES = 5,
    CLEAN_TRIES = 7,
    OTHERS_MS = 10 * 1000, /* for transactions that began before */
    PAUSE_MS = 10,
    SQL_MAX = 512,
};

/* -- patience ---------------------------------------------------------------------------------- */

static int set_patience(struct pg_store *store, int wait_ms, int lock_ms, struct err *err)
{
    char sql[96];

    (void)snprintf(sql, sizeof(sql), "SET statement_timeout = %d; SET lock_timeout = %d", wait_ms,
                   lock_ms);
    int rc = pg_exec(store, sql, err);

    if (rc == 0)
        store->wait_ms = wait_ms;
    return rc;
}

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* A table that is in use now may not be a moment later. */
static int run(struct pg_store *store, const char *sql, struct err *err)
{
    int rc = ERR_UNAVAILABLE;

    for (int tries = 0; rc == ERR_UNAVAILABLE && tries < LOCK_TRIES && store->conn != NULL;
         tries++) {
        rc = pg_exec(store, sql, err);
        if (rc != 0 && store->conn != NULL && PQtransactionStatus(store->conn) == PQTRANS_INERROR)
            (void)pg_exec(store, "ROLLBACK", NULL);
    }
    return rc;
}

/* With the table's name for each @. */
static int run_on(struct pg_store *store, const char *format, struct str table, struct err *err)
{
    struct str rest = str_from(format), part;
    struct buf sql = {0};

    while (str_next(&rest, '@', &part)) {
        buf_add(&sql, part);
        if (rest.ptr != NULL)
            buf_addf(&sql, "analytics.\"%.*s\"", STR_FMT(table));
    }
    buf_addc(&sql, '\0');
    int rc = run(store, sql.ptr, err);

    buf_release(&sql);
    return rc;
}

/* The answer of a statement that gives one number. */
static int ask(struct pg_store *store, struct pg_query *query, int64_t *out, struct err *err)
{
    PGresult *result = NULL;
    int rc = pg_run(store, query, &result, err);

    *out = rc == 0 && PQntuples(result) == 1 ? pg_get_i64(result, 0, 0) : 0;
    PQclear(result);
    return rc;
}

/* -- one table --------------------------------------------------------------------------------- */

/* A number that no transaction has that removed something before. */
static const char TRANSACTION[] = "SELECT pg_current_xact_id()::text::bigint";
static const char OTHERS_ARE_DONE[] =
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1";
/* $2: the table. A number of 32 bits stands for the nearest. */
static const char IS_CLEAN[] =
    "SELECT age(c.relfrozenxid) <= age(($1 % 4294967296)::text::xid) FROM pg_catalog.pg_class c"
    " WHERE c.oid = to_regclass($2)";

static int wait_for_others(struct pg_store *store, int64_t transaction, struct err *err)
{
    int64_t done = 0;
    int rc = 0;

    for (int waited = 0; rc == 0 && done == 0 && waited < OTHERS_MS; waited += PAUSE_MS) {
        struct pg_query query = pg_query(OTHERS_ARE_DONE);

        pg_i64(&query, transaction);
        rc = ask(store, &query, &done, err);
        if (rc == 0 && done == 0)
            pause_ms(PAUSE_MS);
    }
    return rc;
}

static int is_clean(struct pg_store *store, const char *name, int64_t transaction, int64_t *out,
                    struct err *err)
{
    struct pg_query query = pg_query(IS_CLEAN);

    pg_i64(&query, transaction);
    pg_text(&query, str_from(name));
    return ask(store, &query, out, err);
}

/* By its whole name. */
static int rewrite(struct pg_store *store, const char *name, struct err *err)
{
    struct pg_query query = pg_query(TRANSACTION);
    char sql[SQL_MAX];
    int64_t transaction, clean = 0;
    int rc = ask(store, &query, &transaction, err);

    (void)snprintf(sql, sizeof(sql), "VACUUM (FULL) %s", name);
    for (int tries = 0; rc == 0 && clean == 0 && tries < CLEAN_TRIES; tries++) {
        if (tries > 0)
            pause_ms(50L << tries);
        rc = wait_for_others(store, transaction, err);
        if (rc == 0)
            rc = run(store, sql, err);
        if (rc == 0)
            rc = is_clean(store, name, transaction, &clean, err);
    }
    if (rc == 0 && clean == 0)
        rc = err_set(err, ERR_UNAVAILABLE,
                     "database: a transaction that sees removed rows of %s still runs", name);
    return rc;
}

static int rewrite_table(struct pg_store *store, struct str table, struct err *err)
{
    char name[SQL_MAX / 2];

    (void)snprintf(name, sizeof(name), "analytics.\"%.*s\"", STR_FMT(table));
    return rewrite(store, name, err);
}

/* -- what the planner keeps of values ---------------------------------------------------------- */

/* A row of no site's for as long as it takes. */
#define WITH_ROW(columns, values)                                                                  \
    "BEGIN; INSERT INTO @ (" columns ") VALUES (" values "); ANALYZE @;"                           \
    " DELETE FROM @ WHERE site_id = '(erased)'; COMMIT"
/* $1: the date, as the name of its table ends with it. */
#define EVENT_COLUMNS "site_id, \"timestamp\", tenant_id, type, day, count"
#define EVENT_OF "'(erased)', '%.8s 00:00:00+00', '', '', '%.8s', 0"

/* The table is that of the date, or that of all. */
static int analyze_events(struct pg_store *store, struct str table, struct str date, bool empty,
                          struct err *err)
{
    const char *day = date.ptr + date.len - 8;
    char sql[SQL_MAX];

    if (!empty)
        return run_on(store, "ANALYZE @", table, err);
    (void)snprintf(sql, sizeof(sql), WITH_ROW(EVENT_COLUMNS, EVENT_OF), day, day);
    return run_on(store, sql, table, err);
}

/* -- raw rows ---------------------------------------------------------------------------------- */

struct date_table {
    struct str name;
    bool empty, known; /* statistics are kept of its values */
    struct str mark, before;
};

static const char DATES[] =
    "SELECT e.name, EXISTS (SELECT FROM pg_catalog.pg_stats s WHERE s.schemaname = 'analytics'"
    " AND s.tablename = e.name), coalesce(obj_description(e.id, 'pg_class'), 'compacted 0 0 0'),"
    " e.id::bigint FROM analytics.event_days e WHERE e.attached AND NOT e.leaving ORDER BY e.day";

/* What the counts say of a table; $1: it. */
#define MARK_OF                                                                                    \
    "SELECT count(*), 'compacted ' || pg_stat_get_tuples_inserted(%lld) - count(*) || ' ' ||"      \
    " pg_stat_get_tuples_updated(%lld) || ' ' || pg_stat_get_tuples_deleted(%lld) FROM @"

static int look(struct pg_store *store, struct date_table *table, long long id, struct arena *arena,
                struct err *err)
{
    char sql[SQL_MAX];
    PGresult *result = NULL;
    struct buf text = {0};

    (void)snprintf(sql, sizeof(sql), MARK_OF, id, id, id);
    size_t at = str_find(str_from(sql), 0, '@');

    buf_addf(&text, "%.*sanalytics.\"%.*s\"", (int)at, sql, STR_FMT(table->name));
    buf_addc(&text, '\0');
    int rc = pg_ask(store, text.ptr, &result, err);

    if (rc == 0 && PQntuples(result) == 1) {
        table->empty = strcmp(PQgetvalue(result, 0, 0), "0") == 0;
        table->mark = arena_str(arena, str_from(PQgetvalue(result, 0, 1)));
    }
    PQclear(result);
    buf_release(&text);
    return rc;
}

static int compact_date(struct pg_store *store, const struct date_table *table, struct err *err)
{
    char sql[SQL_MAX];
    int rc = rewrite_table(store, table->name, err);

    if (rc == 0 && table->known)
        rc = analyze_events(store, table->name, table->name, table->empty, err);
    (void)snprintf(sql, sizeof(sql), "COMMENT ON TABLE @ IS '%.*s'", STR_FMT(table->mark));
    return rc == 0 && !(table->known && table->empty) ? run_on(store, sql, table->name, err) : rc;
}

/* Of all dates together somebody may have asked for statistics. */
static const char WHOLE_IS_KNOWN[] =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_stats WHERE schemaname = 'analytics'"
    " AND tablename = 'analytics_events')";

static int analyze_whole(struct pg_store *store, struct str some_date, bool empty, struct err *err)
{
    struct pg_query query = pg_query(WHOLE_IS_KNOWN);
    int64_t known;
    int rc = ask(store, &query, &known, err);

    if (rc != 0 || known == 0)
        return rc;
    return analyze_events(store, STR("analytics_events"), some_date, empty, err);
}

static int compact_dates(struct pg_store *store, struct err *err)
{
    struct arena arena = {0};
    struct pg_query query = pg_query(DATES);
    PGresult *dates = NULL;
    int rc = pg_run(store, &query, &dates, err);
    int count = rc == 0 ? PQntuples(dates) : 0;
    bool empty = true;

    for (int i = 0; rc == 0 && i < count; i++) {
        struct date_table table = {.name = pg_get_str(dates, i, 0),
                                   .known = pg_get_i64(dates, i, 1) != 0,
                                   .before = pg_get_str(dates, i, 2)};

        rc = look(store, &table, (long long)pg_get_i64(dates, i, 3), &arena, err);
        if (rc == 0 && !str_eq(table.mark, table.before))
            rc = compact_date(store, &table, err);
        empty = empty && table.empty;
    }
    if (rc == 0 && count > 0)
        rc = analyze_whole(store, pg_get_str(dates, 0, 0), empty, err);
    PQclear(dates);
    arena_free(&arena);
    return rc;
}

/* -- the other tables -------------------------------------------------------------------------- */

/* Those that erasing touches; with what is erased from where, and for whom. The second: how one is
 * analyzed that has no rows, where its values are more than ids and numbers. Settings,
 * tokens, links and annotations cannot have a row of nobody: they keep what they had where the last
 * site of all goes. */
static const struct {
    struct str name;
    const char *analyze_empty;
} tables[] = {
    {STR_INIT("visits"),
     WITH_ROW("site_id, day, visitor, begin_ms, before, before_day, end_ms, first_ms, first_day,"
              " first_hour_ms, pageviews, others",
              "'(erased)', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0")},
    {STR_INIT("sketches"),
     WITH_ROW("site_id, day, kind, hour_ms, bytes", "'(erased)', 0, 0, 0, ''")},
    {STR_INIT("packs"), WITH_ROW("site_id, day, part, bytes", "'(erased)', 0, 0, ''")},
    {STR_INIT("event_ids"), WITH_ROW("site_id, id, received_ms", "'(erased)', '', 0")},
    {STR_INIT("due_days"), NULL},
    {STR_INIT("analytics_daily_stats"), NULL},
    {STR_INIT("hourly_stats"), NULL},
    {STR_INIT("goals_counted"), NULL},
    {STR_INIT("ledger"), NULL},
    {STR_INIT("tokens"), NULL},
    {STR_INIT("links"), NULL},
    {STR_INIT("annotations"), NULL},
    {STR_INIT("users"), NULL},
    {STR_INIT("sessions"), NULL},
    {STR_INIT("site_names"), NULL},
    {STR_INIT("removed_sites"), NULL},
    {STR_INIT("analytics_settings"), NULL},
    {STR_INIT("tenants"), NULL},
    {STR_INIT("erasures"), NULL},
};

/* A table without rows has no pages once it is written anew. */
static const char IS_EMPTY[] = "SELECT pg_relation_size(to_regclass('analytics.' || $1)) = 0";

static int compact_table(struct pg_store *store, struct str table, const char *analyze_empty,
                         struct err *err)
{
    struct pg_query query = pg_query(IS_EMPTY);
    int64_t empty = 0;
    int rc = rewrite_table(store, table, err);

    pg_text(&query, table);
    if (rc == 0 && analyze_empty != NULL)
        rc = ask(store, &query, &empty, err);
    return rc == 0 ? run_on(store, empty != 0 ? analyze_empty : "ANALYZE @", table, err) : rc;
}

static int compact_tables(struct pg_store *store, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
        rc = compact_table(store, tables[i].name, tables[i].analyze_empty, err);
    return rc;
}

static const char OWNS_DATABASE[] = "SELECT pg_catalog.pg_has_role(datdba, 'USAGE')"
                                    " FROM pg_catalog.pg_database"
                                    " WHERE datname = current_database()";

static int compact_statistics(struct pg_store *store, struct err *err)
{
    struct pg_query query = pg_query(OWNS_DATABASE);
    int64_t owns = 0;
    int rc = ask(store, &query, &owns, err);

    return rc == 0 && owns != 0 ? rewrite(store, "pg_catalog.pg_statistic", err) : rc;
}

/* -- all --------------------------------------------------------------------------------------- */

/* The counts of this connection, which has erased, go out now; those of others do at the end of a
 * transaction, but not more often than once a second. */
static const char SEND_COUNTS[] = "SELECT pg_stat_force_next_flush()";

int pg_compact(struct store *base, struct err *err)
{
    struct pg_store *store = pg_of(base);
    /* What is half out of the table of raw rows goes, and with it what it held. */
    int rc = pg_days_remove(store, INT32_MIN, err);

    if (rc == 0)
        rc = pg_exec(store, SEND_COUNTS, err);
    if (rc == 0)
        rc = set_patience(store, TABLE_MS, LOCK_MS, err);
    if (rc != 0)
        return rc;
    rc = compact_dates(store, err);
    if (rc == 0)
        rc = compact_tables(store, err);
    if (rc == 0)
        rc = compact_statistics(store, err);
    if (store->conn != NULL && set_patience(store, PG_READ_MS, PG_LOCK_MS, NULL) != 0)
        pg_drop(store);
    return rc;
}
