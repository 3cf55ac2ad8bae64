/*
 * store/postgres_migrate.c -- the schema: numbered files, each run once, all that are missing in
 * one transaction.
 *
 * The table `migrations` says which were run. It is read again under an advisory lock, so that
 * nodes that start together run each file once. A schema newer than this program is used all the
 * same where its files say that they still suit it (works_from), so that nodes of two versions can
 * stand side by side.
 */
#include "store/postgres_internal.h"
#include "store/postgres_sql.h"

#include "base/clock.h"
#include "base/date.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

static const struct str *const migrations[PG_SCHEMA] = {&postgres_001, &postgres_002, &postgres_003,
                                                        &postgres_004, &postgres_005};

enum {
    MIGRATE_MS = 10 * 60 * 1000, /* a statement may have to read all raw rows */
    DAYS_BACK = 31,
    DAYS_AHEAD = 7,
};

struct version {
    int64_t number;     /* 0: there is no schema yet */
    int64_t works_from; /* the oldest program that it suits */
};

/* -- what is there ----------------------------------------------------------------------------- */

/* An integer of a result in text. */
static int64_t number_at(const PGresult *result, int column)
{
    int64_t n = 0;

    if (PQntuples(result) > 0)
        (void)str_to_i64(str_from(PQgetvalue(result, 0, column)), &n);
    return n;
}

/* The catalog's own rows: to_regclass() may answer from what this session remembers of it, which a
 * wait for the advisory lock does not bring up to date. */
static const char HAS_SCHEMA[] = "SELECT count(*) FROM pg_class c"
                                 " JOIN pg_namespace n ON n.oid = c.relnamespace"
                                 " WHERE n.nspname = 'analytics' AND c.relname = 'migrations'";
static const char VERSION[] = "SELECT max(number), max(works_from) FROM analytics.migrations";

static int read_version(struct pg_store *store, struct version *out, struct err *err)
{
    PGresult *result = NULL;
    int rc = pg_ask(store, HAS_SCHEMA, &result, err);
    bool there = rc == 0 && number_at(result, 0) != 0;

    *out = (struct version){0};
    PQclear(result);
    if (!there)
        return rc;
    rc = pg_ask(store, VERSION, &result, err);
    if (rc == 0)
        *out = (struct version){number_at(result, 0), number_at(result, 1)};
    PQclear(result);
    return rc;
}

static int check_version(const struct version *version, struct err *err)
{
    if (version->works_from > PG_SCHEMA)
        return err_set(err, ERR_CONFLICT,
                       "the database has schema %lld, this program knows %d: use a newer one",
                       (long long)version->number, (int)PG_SCHEMA);
    return 0;
}

/* -- what is missing --------------------------------------------------------------------------- */

/* IF NOT EXISTS asks for the right to make schemas even where there is one. */
static const char MAKE_SCHEMA[] =
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'analytics')"
    " THEN CREATE SCHEMA analytics; END IF; END $$";
static const char LOCK[] = "SELECT pg_advisory_xact_lock(1096966499)"; /* "Abac" */
static const char ADD_KEY[] =
    "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";

static int make_key(struct pg_store *store, const char *name, size_t len, struct err *err)
{
    struct pg_query query = pg_query(ADD_KEY);
    uint8_t key[32];

    assert(len <= sizeof(key));
    randombytes_buf(key, len);
    pg_text(&query, str_from(name));
    pg_bytes(&query, key, len);
    int rc = pg_run(store, &query, NULL, err);

    sodium_memzero(key, sizeof(key));
    return rc;
}

/* Those that are there already stay. */
static int make_keys(struct pg_store *store, struct err *err)
{
    const struct directory_rows *rows = NULL;
    int rc = make_key(store, "id_key", sizeof(rows->id_key), err);

    return rc == 0 ? make_key(store, "signing_key", sizeof(rows->signing_key), err) : rc;
}

static int run_missing(struct pg_store *store, bool *ran, struct err *err)
{
    struct version version = {0};
    int rc = pg_exec(store, LOCK, err);

    if (rc == 0)
        rc = read_version(store, &version, err);
    if (rc == 0)
        rc = check_version(&version, err);
    if (rc != 0 || version.number >= PG_SCHEMA)
        return rc;
    rc = pg_exec(store, MAKE_SCHEMA, err);
    for (int64_t i = version.number; rc == 0 && i < PG_SCHEMA; i++)
        rc = pg_exec(store, migrations[i]->ptr, err);
    *ran = rc == 0;
    return rc == 0 ? make_keys(store, err) : rc;
}

/* So that a new store takes events at once; later the job makes them. */
static int make_days(struct pg_store *store, struct err *err)
{
    int32_t days[DAYS_BACK + 1 + DAYS_AHEAD];
    const size_t count = sizeof(days) / sizeof(days[0]);
    int32_t today = (int32_t)(clock_wall_ms() / DAY_MS);

    for (size_t i = 0; i < count; i++)
        days[i] = today - DAYS_BACK + (int32_t)i;
    return pg_days_make(store, days, count, err);
}

static int migrate(struct pg_store *store, struct err *err)
{
    bool ran = false;
    int rc = pg_begin_with(store, MIGRATE_MS, PG_JOB_MS, err);

    if (rc == 0)
        rc = pg_end(store, run_missing(store, &ran, err), err);
    return rc == 0 && ran ? make_days(store, err) : rc;
}

int pg_migrate(struct pg_store *store, bool read_only, struct err *err)
{
    struct version version = {0};
    int rc = read_version(store, &version, err);

    if (rc == 0)
        rc = check_version(&version, err);
    if (rc != 0 || version.number >= PG_SCHEMA)
        return rc;
    if (read_only)
        return err_set(err, ERR_CONFLICT,
                       "the database has schema %lld, this program needs %d: run abacus migrate",
                       (long long)version.number, (int)PG_SCHEMA);
    return migrate(store, err);
}
