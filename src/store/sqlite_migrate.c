/*
 * store/sqlite_migrate.c -- the schema: numbered files, each run once, all that are missing in one
 * transaction.
 *
 * PRAGMA user_version is the number of files that were run. It is read again under the write lock,
 * so that programs which start together run each file once.
 */
#include "store/sqlite_internal.h"
#include "store/sqlite_sql.h"

static const struct str *const migrations[] = {&sqlite_001, &sqlite_002, &sqlite_003,
                                               &sqlite_004, &sqlite_005, &sqlite_006};

enum { SCHEMA_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

static int execute(struct sqlite_store *store, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : sqlite_fail(store, rc, err);
}

static int read_version(struct sqlite_store *store, int64_t *out, struct err *err)
{
    static const char SCHEMA_OF[] = "PRAGMA user_version";
    struct query query;
    int rc = sqlite_query(store, SCHEMA_OF, &query, err);

    if (rc == 0)
        rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    *out = rc > 0 ? column_i64(&query) : 0;
    sqlite_end(&query);
    return 0;
}

static int check_version(int64_t version, struct err *err)
{
    if (version > SCHEMA_VERSION)
        return err_set(err, ERR_CONFLICT,
                       "the database has schema %lld, this program knows %d: use a newer one",
                       (long long)version, (int)SCHEMA_VERSION);
    return 0;
}

static int make_keys(struct sqlite_store *store, struct err *err)
{
    return execute(store,
                   "INSERT INTO secrets (name, value) VALUES ('id_key', randomblob(16)),"
                   " ('signing_key', randomblob(32)) ON CONFLICT DO NOTHING",
                   err);
}

static int run_missing(struct sqlite_store *store, struct err *err)
{
    char set_version[64];
    int64_t version = 0;
    int rc = read_version(store, &version, err);

    if (rc == 0)
        rc = check_version(version, err);
    for (int64_t i = version; rc == 0 && i < SCHEMA_VERSION; i++)
        rc = execute(store, migrations[i]->ptr, err);
    if (rc != 0 || version == SCHEMA_VERSION)
        return rc;
    (void)sqlite3_snprintf(sizeof(set_version), set_version, "PRAGMA user_version = %d",
                           (int)SCHEMA_VERSION);
    rc = execute(store, set_version, err);
    return rc == 0 ? make_keys(store, err) : rc;
}

int sqlite_migrate(struct sqlite_store *store, bool read_only, struct err *err)
{
    int64_t version = 0;
    int rc = read_version(store, &version, err);

    if (rc == 0)
        rc = check_version(version, err);
    if (rc != 0 || version == SCHEMA_VERSION)
        return rc;
    if (read_only)
        return err_set(err, ERR_CONFLICT,
                       "the database has schema %lld, this program needs %d: "
                       "run abacus migrate",
                       (long long)version, (int)SCHEMA_VERSION);
    rc = sqlite_write_begin(store, err);
    return rc == 0 ? sqlite_write_end(store, run_missing(store, err), err) : rc;
}
