/*
 * test_postgres_support.h -- a PostgreSQL database of its own for each test, on the server that
 * ABACUS_TEST_POSTGRES names; without one these tests are skipped.
 *
 * The schema is made once for each program, in a template that the databases are copied from.
 */
#ifndef ABACUS_TEST_POSTGRES_SUPPORT_H
#define ABACUS_TEST_POSTGRES_SUPPORT_H

#include "test_store_support.h"

#include <libpq-fe.h>

/* -- the server -------------------------------------------------------------------------------- */

static inline const char *postgres_server(void)
{
    return getenv("ABACUS_TEST_POSTGRES");
}

/* The server's URL with another database in it. */
static inline void postgres_url(struct buf *out, const char *database)
{
    const char *server = postgres_server(), *path = strstr(server, "://");

    assert_non_null(path);
    path = strchr(path + 3, '/');
    assert_non_null(path);
    buf_addf(out, "%.*s/%s", (int)(path - server), server, database);
}

static inline void ignore_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static inline PGconn *postgres_connect(const char *url)
{
    PGconn *conn = PQconnectdb(url);

    (void)PQsetNoticeProcessor(conn, ignore_notice, NULL);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    /* The server's own zone is somebody else's. */
    PQclear(PQexec(conn, "SET TIME ZONE 'UTC'"));
    return conn;
}

/* The first value of the result; empty where there is none. */
static inline void sql_value(const char *url, const char *sql, char *out, size_t size)
{
    PGconn *conn = postgres_connect(url);
    PGresult *result = PQexec(conn, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    (void)snprintf(out, size, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
}

static inline void sql_on(const char *url, const char *sql)
{
    char nothing[1];

    sql_value(url, sql, nothing, sizeof(nothing));
}

/* Of the process that has made it: some tests run in one of their own (timed.h). */
static inline void template_name(char out[64])
{
    static int maker;

    if (maker == 0)
        maker = (int)getpid();
    (void)snprintf(out, 64, "abacus_unit_%d", maker);
}

/* -- groups and fixtures ----------------------------------------------------------------------- */

static inline int make_template(void **state)
{
    char name[64], sql[128];
    struct buf url = {0};
    struct store *store = NULL;
    struct err err = {""};

    (void)state;
    template_name(name);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s ENCODING 'UTF8' TEMPLATE template0", name);
    sql_on(postgres_server(), sql);
    postgres_url(&url, name);
    struct store_config config = {.url = buf_str(&url), .data_dir = STR("")};

    if (store_open(&config, &store, &err) != 0)
        fail_msg("%s", err.text);
    store_close(&store);
    buf_release(&url);
    return 0;
}

static inline int drop_template(void **state)
{
    char name[64], sql[128];

    (void)state;
    template_name(name);
    (void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    sql_on(postgres_server(), sql);
    return 0;
}

/* `template`: empty or with the schema in it. The name of the database is the directory's. */
static inline struct fixture *postgres_fixture(const char *template)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char sql[256];

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/abacus_store_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE \"%s\" ENCODING 'UTF8' TEMPLATE %s",
                   f->dir + 5, template);
    sql_on(postgres_server(), sql);
    postgres_url(&f->text, f->dir + 5);
    f->url = buf_str(&f->text);
    return f;
}

static inline int set_up_empty_database(void **state)
{
    *state = postgres_fixture("template0");
    return 0;
}

static inline int set_up_postgres(void **state)
{
    char name[64];

    template_name(name);
    struct fixture *f = postgres_fixture(name);

    f->store = open_again(f, false);
    *state = f;
    return 0;
}

static inline int tear_down_postgres(void **state)
{
    struct fixture *f = *state;
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "DROP DATABASE \"%s\" WITH (FORCE)", f->dir + 5);
    fixture_free(f);
    sql_on(postgres_server(), sql);
    return 0;
}

/* A test on PostgreSQL alone, or on each backend. */
#define ON_POSTGRES(test)                                                                          \
    {                                                                                              \
        "postgres: " #test, test, set_up_postgres, tear_down_postgres, NULL                        \
    }
#define ON_ALL(test) BOTH(test), ON_POSTGRES(test)

static inline void skip_test(void **state)
{
    (void)state;
    skip();
}

/* cmocka_run_group_tests_name(), with the template around it; without a server the tests whose
 * names begin with "postgres: " are skipped. */
static inline int run_with_postgres(const char *name, const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *all = calloc(count, sizeof(*all));
    bool there = postgres_server() != NULL;

    assert_non_null(all);
    memcpy(all, tests, count * sizeof(*all));
    for (size_t i = 0; !there && i < count; i++)
        if (str_starts(str_from(all[i].name), STR("postgres: ")))
            all[i] = (struct CMUnitTest){all[i].name, skip_test, NULL, NULL, NULL};
    int failed = _cmocka_run_group_tests(name, all, count, there ? make_template : NULL,
                                         there ? drop_template : NULL);

    free(all);
    return failed;
}

#endif
