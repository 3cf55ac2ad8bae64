/*
 * store/postgres_days.c -- the partitions of raw rows, one for each UTC date.
 *
 * Readers and writers of other days never wait for any of this. A day is made aside and attached
 * (SHARE UPDATE EXCLUSIVE on the whole, which no reader or writer conflicts with), and goes by
 * DETACH CONCURRENTLY: PostgreSQL first hides it from new queries, then waits, holding no lock, for
 * the older ones. That wait is cut after LEAVE_LOCK: then the day is hidden already, and a later
 * run finishes with FINALIZE. Only one day can be on its way out at a time. A detached table is of
 * no use to anybody and is dropped, whoever left it.
 */
#include "store/postgres_internal.h"

#include <stdio.h>

#define LEAVE_LOCK "2s"

/* -- making ------------------------------------------------------------------------------------ */

static const char MAKE_DAYS[] = "SELECT analytics.make_days($1::date[])";

int pg_days_make(struct pg_store *store, const int32_t *days, size_t count, struct err *err)
{
    struct pg_query query = pg_query(MAKE_DAYS);
    struct pg_array dates = pg_array(PG_DATE);
    int rc = pg_ready(store, err);

    for (size_t i = 0; i < count; i++)
        pg_add_date(&dates, days[i]);
    pg_bind_array(&query, &dates);
    if (rc == 0 && count > 0)
        rc = pg_run(store, &query, NULL, err);
    buf_release(&dates.buf);
    return rc;
}

/* -- removing ---------------------------------------------------------------------------------- */

/* What is half out comes first: as long as it is there, no other can go. A day that waits to be
 * packed keeps its rows, some of which another zone has on the dates beside it: an import may have
 * put them there since it was found that nobody needs them. */
static const char OLD_DAYS[] =
    "SELECT name, leaving FROM analytics.event_days e WHERE attached AND (leaving OR day < $1"
    " AND NOT EXISTS (SELECT FROM analytics.due_days d"
    " WHERE d.day - (e.day - date '1970-01-01') BETWEEN -2 AND 2))"
    " ORDER BY leaving DESC, day";

static int detach(struct pg_store *store, struct str name, bool leaving, struct err *err)
{
    char sql[160];

    (void)snprintf(sql, sizeof(sql),
                   "ALTER TABLE analytics.analytics_events DETACH PARTITION analytics.\"%.*s\" %s",
                   STR_FMT(name), leaving ? "FINALIZE" : "CONCURRENTLY");
    return pg_exec(store, sql, err);
}

static int detach_all(struct pg_store *store, const PGresult *days, struct err *err)
{
    int rc = 0;

    for (int row = 0; rc == 0 && row < PQntuples(days); row++)
        rc = detach(store, pg_get_str(days, row, 0), pg_get_i64(days, row, 1) != 0, err);
    return rc;
}

static int set_lock_timeout(struct pg_store *store, const char *value, struct err *err)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "SET lock_timeout = '%s'", value);
    return pg_exec(store, sql, err);
}

/* Somebody who still reads a day is no failure: the next run tries again. */
static int leave_for_later(struct pg_store *store, int rc)
{
    return rc == ERR_UNAVAILABLE && store->conn != NULL ? 0 : rc;
}

int pg_days_remove(struct pg_store *store, int32_t before_day, struct err *err)
{
    struct pg_query query = pg_query(OLD_DAYS);
    PGresult *days = NULL;
    char usual[32];
    int rc = pg_ready(store, err);

    pg_date(&query, before_day);
    if (rc == 0)
        rc = pg_run(store, &query, &days, err);
    if (rc == 0)
        rc = set_lock_timeout(store, LEAVE_LOCK, err);
    if (rc == 0)
        rc = leave_for_later(store, detach_all(store, days, err));
    if (rc == 0)
        rc = leave_for_later(store, pg_exec(store, "SELECT analytics.drop_detached_days()", err));
    (void)snprintf(usual, sizeof(usual), "%dms", PG_LOCK_MS);
    if (store->conn != NULL && set_lock_timeout(store, usual, rc == 0 ? err : NULL) != 0 && rc == 0)
        rc = ERR_UNAVAILABLE;
    PQclear(days);
    return rc;
}
