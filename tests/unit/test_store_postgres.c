/*
 * test_store_postgres.c -- what only the PostgreSQL backend promises: connections that come back,
 * what the server's codes mean, transactions, values.
 */
#include "test_postgres_support.h"

#include "base/clock.h"
#include "store/postgres_internal.h"
#include "timed.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

static void sql(const struct fixture *f, const char *text)
{
    sql_on(f->text.ptr, text);
}

static int64_t sql_number(const struct fixture *f, const char *text)
{
    char value[32];
    int64_t n = 0;

    sql_value(f->text.ptr, text, value, sizeof(value));
    if (!str_to_i64(str_from(value), &n))
        fail_msg("%s: \"%s\" is no number", text, value);
    return n;
}

static void end_all_sessions(const struct fixture *f)
{
    sql(f, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
           " WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

static int open_url(const char *url, bool later, bool read_only, struct store **out,
                    struct err *err)
{
    struct store_config config = {
        .url = str_from(url), .data_dir = STR(""), .read_only = read_only, .later = later};

    return store_open(&config, out, err);
}

/* -- connections ------------------------------------------------------------------------------- */

static void a_session_that_was_ended_is_opened_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(counter_of(f, COUNTER_AS_OF), 0);
    end_all_sessions(f);
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 0);
}

static void a_snapshot_that_was_lost_is_an_error_up_to_its_end(void **state)
{
    struct fixture *f = *state;
    int64_t counters[COUNTERS];

    assert_ok(f, store_read_begin(f->store, &f->err));
    assert_ok(f, store_counters(f->store, counters, &f->err));
    end_all_sessions(f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(store_counters(f->store, counters, &f->err), ERR_UNAVAILABLE);
    store_read_end(f->store);
    assert_ok(f, store_counters(f->store, counters, &f->err));
}

static void a_transaction_that_was_lost_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct pg_store *store = pg_of(f->store);

    assert_ok(f, pg_begin(store, &f->err));
    assert_ok(f, pg_exec(store, "INSERT INTO tenants VALUES ('a', 'A', true, 0)", &f->err));
    end_all_sessions(f);
    assert_int_equal(pg_ready(store, &f->err), ERR_UNAVAILABLE);
    assert_int_equal(pg_end(store, ERR_UNAVAILABLE, &f->err), ERR_UNAVAILABLE);
    assert_ok(f, pg_ready(store, &f->err));
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.tenants"), 0);
}

/* A server that closes each connection at once, and counts them; or, without a thread, one that
 * never says anything. */
struct listener {
    int fd;
    char url[64];
    atomic_int accepted;
};

static void *close_each(void *arg)
{
    struct listener *listener = arg;
    int fd;

    while ((fd = accept(listener->fd, NULL, NULL)) >= 0) {
        (void)close(fd);
        atomic_fetch_add(&listener->accepted, 1);
    }
    return NULL;
}

static void listen_on_loopback(struct listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener->fd, 16), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(listener->url, sizeof(listener->url), "postgres://u:s3cret@127.0.0.1:%d/d",
                   ntohs(address.sin_port));
}

static void a_server_that_is_away_is_tried_ever_more_rarely(void **state)
{
    struct fixture *f = *state;
    struct listener listener = {0};
    struct store *store = NULL;
    int64_t counters[COUNTERS], end_us;
    pthread_t thread;

    listen_on_loopback(&listener);
    assert_int_equal(pthread_create(&thread, NULL, close_each, &listener), 0);
    assert_int_equal(open_url(listener.url, false, false, &store, &f->err), ERR_UNAVAILABLE);
    assert_ok(f, open_url(listener.url, true, false, &store, &f->err));
    for (end_us = clock_steady_us() + 2 * 1000 * 1000; clock_steady_us() < end_us;) {
        assert_int_equal(store_counters(store, counters, &f->err), ERR_UNAVAILABLE);
        assert_null(strstr(f->err.text, "s3cret"));
        (void)usleep(1000);
    }
    store_close(&store);
    (void)shutdown(listener.fd, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(listener.fd);
    /* Two to open; then pauses of 50 to 100 ms, 100 to 200, 200 to 400, 400 to 800, 800 to 1600:
     * at least 4 more within 2 s, at most 6. */
    assert_in_range(atomic_load(&listener.accepted), 2 + 4, 2 + 6);
}

static void a_server_that_says_nothing_costs_five_seconds(void **state)
{
    struct fixture *f = *state;
    struct listener listener = {0};
    struct store *store = NULL;
    int64_t began_us = clock_steady_us();

    listen_on_loopback(&listener);
    assert_int_equal(open_url(listener.url, false, false, &store, &f->err), ERR_UNAVAILABLE);
    assert_in_range(clock_steady_us() - began_us, PG_CONNECT_MS * 1000, PG_CONNECT_MS * 1000 * 2);
    (void)close(listener.fd);
}

static void what_hangs_costs_the_connection_and_no_more_time(void **state)
{
    struct fixture *f = *state;
    struct pg_store *store = pg_of(f->store);
    int64_t began_us = clock_steady_us();

    assert_ok(f, pg_exec(store, "SET statement_timeout = 0", &f->err));
    store->wait_ms = 100;
    assert_int_equal(pg_exec(store, "SELECT pg_sleep(60)", &f->err), ERR_UNAVAILABLE);
    assert_in_range(clock_steady_us() - began_us, 100 * 1000, (100 + PG_GRACE_MS) * 1000 * 2);
    assert_null(store->conn);
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 0);
}

static void a_locked_table_is_not_waited_for_beyond_five_seconds(void **state)
{
    struct fixture *f = *state;
    PGconn *other = postgres_connect(f->text.ptr);
    struct directory_rows rows;
    int64_t began_us;

    PQclear(PQexec(other, "BEGIN; LOCK TABLE analytics.tenants"));
    began_us = clock_steady_us();
    assert_int_equal(store_read_directory(f->store, &f->arena, &rows, &f->err), ERR_UNAVAILABLE);
    assert_in_range(clock_steady_us() - began_us, PG_LOCK_MS * 1000, PG_READ_MS * 1000);
    PQfinish(other);
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
}

static void a_url_that_cannot_work_is_told_apart_from_a_server_that_is_away(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    struct buf url = {0};

    assert_int_equal(open_url("postgres://u:s3%zzcret@h/d", true, false, &store, &f->err),
                     ERR_INVALID);
    assert_null(strstr(f->err.text, "s3"));
    postgres_url(&url, "abacus_no_such_database");
    assert_int_equal(open_url(url.ptr, true, false, &store, &f->err), ERR_DENIED);
    assert_non_null(strstr(f->err.text, "abacus_no_such_database"));
    buf_reset(&url);
    buf_addf(&url, "%s?user=abacus_no_such_role", f->text.ptr);
    assert_int_equal(open_url(url.ptr, true, false, &store, &f->err), ERR_DENIED);
    assert_non_null(strstr(f->err.text, "abacus_no_such_role"));
    buf_release(&url);
}

/* -- codes ------------------------------------------------------------------------------------- */

static void each_code_says_what_to_do(void **state)
{
    /* PostgreSQL, Appendix A. */
    static const struct {
        const char *sqlstate;
        int code;
    } cases[] = {
        {"08006", ERR_UNAVAILABLE}, /* connection_failure */
        {"57P01", ERR_UNAVAILABLE}, /* admin_shutdown */
        {"57P02", ERR_UNAVAILABLE}, /* crash_shutdown */
        {"57P03", ERR_UNAVAILABLE}, /* cannot_connect_now */
        {"57014", ERR_UNAVAILABLE}, /* query_canceled */
        {"53300", ERR_UNAVAILABLE}, /* too_many_connections */
        {"53100", ERR_FULL},        /* disk_full */
        {"40001", ERR_UNAVAILABLE}, /* serialization_failure */
        {"40P01", ERR_UNAVAILABLE}, /* deadlock_detected */
        {"55P03", ERR_UNAVAILABLE}, /* lock_not_available */
        {"25006", ERR_UNAVAILABLE}, /* read_only_sql_transaction */
        {"25P03", ERR_UNAVAILABLE}, /* idle_in_transaction_session_timeout */
        {"22003", ERR_INVALID},     /* numeric_value_out_of_range */
        {"22P05", ERR_INVALID},     /* untranslatable_character */
        {"23502", ERR_INVALID},     /* not_null_violation */
        {"23514", ERR_INVALID},     /* check_violation */
        {"23505", ERR_CONFLICT},    /* unique_violation */
        {"AB001", ERR_CONFLICT},    {"AB002", ERR_CONFLICT},
        {"42501", ERR_DENIED},  /* insufficient_privilege */
        {"28P01", ERR_DENIED},  /* invalid_password */
        {"3D000", ERR_DENIED},  /* invalid_catalog_name */
        {"XX001", ERR_CORRUPT}, /* data_corrupted */
        {"XX002", ERR_CORRUPT}, /* index_corrupted */
        {"42703", ERR_SYSTEM},  /* undefined_column */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (pg_code_of(cases[i].sqlstate, true) != cases[i].code)
            fail_msg("%s is %d", cases[i].sqlstate, pg_code_of(cases[i].sqlstate, true));
    assert_int_equal(pg_code_of("23514", false), ERR_UNAVAILABLE);
}

static void a_row_without_a_partition_may_come_again(void **state)
{
    struct fixture *f = *state;
    struct pg_store *store = pg_of(f->store);

    assert_int_equal(pg_exec(store,
                             "INSERT INTO analytics_events (site_id, \"timestamp\", tenant_id,"
                             " type, day, count) VALUES ('s', '1990-01-01', 't', 'pageview',"
                             " '1990-01-01', 1)",
                             &f->err),
                     ERR_UNAVAILABLE);
    assert_int_equal(pg_exec(store, "INSERT INTO tenants VALUES ('no id', 'A', true, 0)", &f->err),
                     ERR_INVALID);
}

/* -- transactions ------------------------------------------------------------------------------ */

static const char ADD_TENANT[] = "INSERT INTO tenants VALUES ($1, 'A', true, 0)";

static void add_tenants(struct fixture *f, const char *const ids[], size_t count)
{
    struct pg_store *store = pg_of(f->store);

    assert_ok(f, pg_begin(store, &f->err));
    assert_ok(f, pg_pipe_begin(store, &f->err));
    for (size_t i = 0; i < count; i++) {
        struct pg_query query = pg_query(ADD_TENANT);

        pg_text(&query, str_from(ids[i]));
        assert_ok(f, pg_pipe_add(store, &query, &f->err));
    }
}

static int64_t tenants(const struct fixture *f)
{
    return sql_number(f, "SELECT count(*) FROM analytics.tenants");
}

static void a_pipeline_commits_all_of_it(void **state)
{
    struct fixture *f = *state;

    add_tenants(f, (const char *const[]){"a", "b", "c"}, 3);
    assert_ok(f, pg_pipe_end(pg_of(f->store), true, &f->err));
    assert_int_equal(tenants(f), 3);
}

static void a_failure_in_a_pipeline_leaves_nothing_and_a_handle_that_works(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        add_tenants(f, (const char *const[]){"a", "no id", "c"}, 3);
        assert_int_equal(pg_pipe_end(pg_of(f->store), true, &f->err), ERR_INVALID);
        assert_int_equal(tenants(f), 0);
    }
    add_tenants(f, (const char *const[]){"a"}, 1);
    assert_ok(f, pg_pipe_end(pg_of(f->store), false, &f->err));
    assert_int_equal(pg_end(pg_of(f->store), ERR_INVALID, &f->err), ERR_INVALID);
    assert_int_equal(tenants(f), 0);
    add_tenants(f, NULL, 0);
    assert_ok(f, pg_pipe_end(pg_of(f->store), true, &f->err));
    assert_ok(f, pg_ready(pg_of(f->store), &f->err));
}

/* The server goes away in the middle of COMMIT. */
static void end_session_at_commit(const struct fixture *f)
{
    sql(f, "CREATE FUNCTION public.away() RETURNS trigger LANGUAGE plpgsql AS"
           " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);"
           " RETURN NULL; END $$;"
           "CREATE CONSTRAINT TRIGGER away AFTER INSERT ON analytics.tenants"
           " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.away()");
}

static void a_commit_without_an_answer_is_uncertain(void **state)
{
    struct fixture *f = *state;
    struct pg_store *store = pg_of(f->store);
    struct tenant_row tenant = {.id = STR("d"), .name = STR("D"), .active = true};

    end_session_at_commit(f);
    add_tenants(f, (const char *const[]){"a"}, 1);
    assert_int_equal(pg_pipe_end(store, true, &f->err), ERR_UNCERTAIN);
    assert_int_equal(store_put_tenant(f->store, &tenant, &somebody, &f->err), ERR_UNCERTAIN);
    sql(f, "DROP FUNCTION public.away() CASCADE");
    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
}

static void a_commit_that_was_never_sent_is_certain(void **state)
{
    struct fixture *f = *state;
    struct pg_store *store = pg_of(f->store);

    add_tenants(f, (const char *const[]){"a"}, 1);
    assert_ok(f, pg_pipe_end(store, false, &f->err));
    end_all_sessions(f);
    assert_int_equal(pg_end(store, 0, &f->err), ERR_UNAVAILABLE);
    assert_ok(f, pg_begin(store, &f->err));
    end_all_sessions(f);
    assert_int_equal(pg_exec(store, "SELECT 1", &f->err), ERR_UNAVAILABLE);
    assert_int_equal(pg_end(store, 0, &f->err), ERR_UNAVAILABLE);
    assert_int_equal(tenants(f), 0);
}

/* -- values ------------------------------------------------------------------------------------ */

/* What the server understood, as it writes it itself. */
static void assert_value(struct fixture *f, const char *sql_text, struct pg_query query,
                         const char *expected)
{
    PGresult *result = NULL;

    query.sql = sql_text;
    assert_ok(f, pg_run(pg_of(f->store), &query, &result, &f->err));
    assert_str(pg_get_str(result, 0, 0), expected);
    PQclear(result);
}

static void days_and_instants_keep_to_the_years_1_to_9999(void **state)
{
    static const char DATES[] = "SELECT concat_ws(' ', $1, $2, $3, $4)";
    static const char INSTANTS[] = "SELECT concat_ws(' ', $1, $2, $3)";
    struct fixture *f = *state;
    struct pg_query dates = pg_query(""), instants = pg_query("");

    pg_date(&dates, INT32_MIN);
    pg_date(&dates, 0);
    pg_date(&dates, DAY);
    pg_date(&dates, INT32_MAX);
    assert_value(f, DATES, dates, "0001-01-01 1970-01-01 2024-10-04 9999-12-31");
    pg_instant(&instants, INT64_MIN);
    pg_instant(&instants, DAY_START + 123);
    pg_instant(&instants, INT64_MAX);
    assert_value(f, INSTANTS, instants,
                 "0001-01-01 00:00:00+00 2024-10-04 00:00:00.123+00 10000-01-01 00:00:00+00");
}

static void arrays_arrive_as_they_were_put(void **state)
{
    static const char ARRAYS[] = "SELECT concat_ws(' ', $1, $2, $3, $4, $5, $6, $7)";
    struct fixture *f = *state;
    struct pg_query query = pg_query("");
    struct pg_array arrays[7];

    for (int i = 0; i < 7; i++)
        arrays[i] = pg_array(i < 6 ? (enum pg_element)i : PG_TEXT);
    pg_add_i64(&arrays[PG_INT8], INT64_MIN);
    pg_add_i64(&arrays[PG_INT8], INT64_MAX);
    pg_add_i32(&arrays[PG_INT4], -1);
    pg_add_i16(&arrays[PG_INT2], INT16_MIN);
    pg_add_str(&arrays[PG_TEXT], STR("a,\"b"));
    pg_add_str(&arrays[PG_TEXT], STR(""));
    pg_add_str(&arrays[PG_BYTEA], STR("\x00\xff"));
    pg_add_date(&arrays[PG_DATE], DAY);
    for (int i = 0; i < 7; i++)
        pg_bind_array(&query, &arrays[i]);
    assert_value(f, ARRAYS, query,
                 "{-9223372036854775808,9223372036854775807} {-1} {-32768} {\"a,\\\"b\",\"\"}"
                 " {\"\\\\x00ff\"} {2024-10-04} {}");
    for (int i = 0; i < 7; i++)
        buf_release(&arrays[i].buf);
}

static void json_comes_back_without_white_space(void **state)
{
    static const char JSON[] = "SELECT $1::jsonb, $1::jsonb::text, NULL::jsonb";
    struct fixture *f = *state;
    struct pg_query query = pg_query(JSON);
    PGresult *result = NULL;

    pg_text(&query, STR("{ \"a b\" : [1, \"x, \\\" y\", \"\\\\\", true ] , \"c\":\" : \"}"));
    assert_ok(f, pg_run(pg_of(f->store), &query, &result, &f->err));
    for (int column = 0; column < 2; column++)
        assert_str(pg_get_json(result, 0, column, &f->arena),
                   "{\"c\":\" : \",\"a b\":[1,\"x, \\\" y\",\"\\\\\",true]}");
    assert_str(pg_get_json(result, 0, 2, &f->arena), "");
    PQclear(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(a_session_that_was_ended_is_opened_again),
        ON_POSTGRES(a_snapshot_that_was_lost_is_an_error_up_to_its_end),
        ON_POSTGRES(a_transaction_that_was_lost_leaves_nothing),
        TIMED_ON_POSTGRES(a_server_that_is_away_is_tried_ever_more_rarely),
        TIMED_ON_POSTGRES(a_server_that_says_nothing_costs_five_seconds),
        TIMED_ON_POSTGRES(what_hangs_costs_the_connection_and_no_more_time),
        TIMED_ON_POSTGRES(a_locked_table_is_not_waited_for_beyond_five_seconds),
        ON_POSTGRES(a_url_that_cannot_work_is_told_apart_from_a_server_that_is_away),
        cmocka_unit_test(each_code_says_what_to_do),
        ON_POSTGRES(a_row_without_a_partition_may_come_again),
        ON_POSTGRES(a_pipeline_commits_all_of_it),
        ON_POSTGRES(a_failure_in_a_pipeline_leaves_nothing_and_a_handle_that_works),
        ON_POSTGRES(a_commit_without_an_answer_is_uncertain),
        ON_POSTGRES(a_commit_that_was_never_sent_is_certain),
        ON_POSTGRES(days_and_instants_keep_to_the_years_1_to_9999),
        ON_POSTGRES(arrays_arrive_as_they_were_put),
        ON_POSTGRES(json_comes_back_without_white_space),
    };

    return run_with_postgres("store_postgres", tests, sizeof(tests) / sizeof(tests[0]));
}
