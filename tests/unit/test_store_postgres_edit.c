/*
 * test_store_postgres_edit.c -- managed rows under several connections at once, beside programs
 * that write to the same tables, and sessions that Payload keeps in the same database.
 */
#include "test_postgres_support.h"

#include "base/clock.h"
#include "store/postgres_internal.h"
#include "timed.h"

#include <pthread.h>
#include <stdatomic.h>

enum { HANDLES = 4 };

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

/* -- workers ----------------------------------------------------------------------------------- */

/* One handle and its thread, which begins with the others. */
struct worker {
    struct store *store;
    pthread_barrier_t *barrier;
    pthread_t thread;
    int number;     /* from 0 */
    int changed;    /* how many of its edits changed something ... */
    int refused;    /* ... and how many were refused by its own edit */
    int failed;     /* the first other code ... */
    struct err err; /* ... and its text */
};

static void edit_with(struct worker *workers, const struct fixture *f, void *(*work)(void *arg))
{
    pthread_barrier_t barrier;

    assert_int_equal(pthread_barrier_init(&barrier, NULL, HANDLES), 0);
    for (int i = 0; i < HANDLES; i++) {
        workers[i] =
            (struct worker){.store = open_again(f, false), .barrier = &barrier, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < HANDLES; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        store_close(&workers[i].store);
        if (workers[i].failed != 0)
            fail_msg("handle %d: %s", i, workers[i].err.text);
    }
    (void)pthread_barrier_destroy(&barrier);
}

static void note(struct worker *worker, int rc)
{
    if (rc == 1)
        worker->changed++;
    else if (rc == ERR_FULL)
        worker->refused++;
    else if (rc < 0 && worker->failed == 0)
        worker->failed = rc;
}

static int changed_by_all(const struct worker *workers)
{
    int changed = 0;

    for (int i = 0; i < HANDLES; i++)
        changed += workers[i].changed;
    return changed;
}

/* -- one row ----------------------------------------------------------------------------------- */

enum { ADDITIONS = 25 };

static int add_to_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)arena;
    (void)err;
    assert_true(exists);
    ((struct tenant_row *)row)->sites_max++;
    return EDIT_PUT;
}

static int add_to_user(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)arena;
    (void)err;
    assert_true(exists);
    ((struct user_row *)row)->totp_step++;
    return EDIT_PUT;
}

static void *add_often(void *arg)
{
    struct worker *worker = arg;

    (void)pthread_barrier_wait(worker->barrier);
    for (int i = 0; i < ADDITIONS; i++) {
        note(worker, store_edit(worker->store, ROW_TENANT, STR("t5g"), add_to_tenant, NULL,
                                &somebody, &worker->err));
        note(worker, store_edit(worker->store, ROW_USER, STR("a@b"), add_to_user, NULL, &somebody,
                                &worker->err));
    }
    return NULL;
}

static void handles_that_change_one_row_at_once_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct worker workers[HANDLES];

    sql(f, "INSERT INTO analytics.tenants (id, name, active, created_ms)"
           " VALUES ('t5g', 'T', true, 1);"
           "INSERT INTO analytics.users (id, created_ms) VALUES ('a@b', 1)");
    edit_with(workers, f, add_often);
    assert_int_equal(changed_by_all(workers), 2 * HANDLES * ADDITIONS);
    assert_int_equal(sql_number(f, "SELECT sites_max FROM analytics.tenants"), HANDLES * ADDITIONS);
    assert_int_equal(sql_number(f, "SELECT totp_step FROM analytics.users"), HANDLES * ADDITIONS);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.audit_log"
                                   " WHERE action IN ('tenant.set', 'user.set')"),
                     2 * HANDLES * ADDITIONS);
}

/* -- one id ------------------------------------------------------------------------------------ */

enum { NEW_IDS = 10 };

/* What all of them put alike. */
static int put_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)exists;
    (void)arena;
    (void)err;
    ((struct tenant_row *)row)->name = STR("Five");
    return EDIT_PUT;
}

static int put_user(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)exists;
    (void)arena;
    (void)err;
    ((struct user_row *)row)->name = STR("Five");
    return EDIT_PUT;
}

static void *make_alike(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < NEW_IDS; i++) {
        char tenant[16], user[16];

        (void)snprintf(tenant, sizeof(tenant), "t%d", i);
        (void)snprintf(user, sizeof(user), "u%d@b", i);
        (void)pthread_barrier_wait(worker->barrier);
        note(worker, store_edit(worker->store, ROW_TENANT, str_from(tenant), put_tenant, NULL,
                                &somebody, &worker->err));
        (void)pthread_barrier_wait(worker->barrier);
        note(worker, store_edit(worker->store, ROW_USER, str_from(user), put_user, NULL, &somebody,
                                &worker->err));
    }
    return NULL;
}

static void of_those_that_make_one_id_at_once_one_does_and_none_fails(void **state)
{
    struct fixture *f = *state;
    struct worker workers[HANDLES];

    edit_with(workers, f, make_alike);
    assert_int_equal(changed_by_all(workers), 2 * NEW_IDS);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.tenants"), NEW_IDS);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.users"), NEW_IDS);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.audit_log"), 2 * NEW_IDS);
}

/* The second finds what the first has made, and says what becomes of it. */
static int count_users(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct user_row *user = row;

    (void)ctx;
    (void)arena;
    (void)err;
    user->totp_step = exists ? user->totp_step + 1 : 1;
    return EDIT_PUT;
}

static void *make_or_add(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < NEW_IDS; i++) {
        char user[16];

        (void)snprintf(user, sizeof(user), "u%d@b", i);
        (void)pthread_barrier_wait(worker->barrier);
        note(worker, store_edit(worker->store, ROW_USER, str_from(user), count_users, NULL,
                                &somebody, &worker->err));
    }
    return NULL;
}

static void who_makes_an_id_second_sees_what_the_first_has_made(void **state)
{
    struct fixture *f = *state;
    struct worker workers[HANDLES];

    edit_with(workers, f, make_or_add);
    assert_int_equal(changed_by_all(workers), HANDLES * NEW_IDS);
    assert_int_equal(sql_number(f, "SELECT min(totp_step) FROM analytics.users"), HANDLES);
    assert_int_equal(sql_number(f, "SELECT max(totp_step) FROM analytics.users"), HANDLES);
    assert_int_equal(
        sql_number(f, "SELECT count(*) FROM analytics.audit_log WHERE action = 'user.put'"),
        NEW_IDS);
}

/* -- how many there are ------------------------------------------------------------------------ */

enum { LIMIT = 7, SITES_EACH = 5 };

static int put_site_within_limit(void *ctx, bool exists, void *row, struct arena *arena,
                                 struct err *err)
{
    const struct worker *worker = ctx;
    struct site_row *site = row;
    int64_t there = 0;
    int rc = store_count(worker->store, ROW_SITE, &(struct row_filter){.tenant = STR("t5g")},
                         &there, err);

    (void)arena;
    if (rc != 0)
        return rc;
    if (!exists && there >= LIMIT)
        return err_set(err, ERR_FULL, "the tenant has all its sites");
    site->tenant = STR("t5g");
    site->domain = STR("example.com");
    return EDIT_PUT;
}

static void *make_sites(void *arg)
{
    struct worker *worker = arg;

    (void)pthread_barrier_wait(worker->barrier);
    for (int i = 0; i < SITES_EACH; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "s%d-%d", worker->number, i);
        note(worker, store_edit(worker->store, ROW_SITE, str_from(id), put_site_within_limit,
                                worker, &somebody, &worker->err));
    }
    return NULL;
}

static void a_limit_that_an_edit_counts_is_met_exactly(void **state)
{
    struct fixture *f = *state;
    struct worker workers[HANDLES];
    int refused = 0;

    sql(f, "INSERT INTO analytics.tenants (id, name, active, created_ms)"
           " VALUES ('t5g', 'T', true, 1)");
    edit_with(workers, f, make_sites);
    for (int i = 0; i < HANDLES; i++)
        refused += workers[i].refused;
    assert_int_equal(changed_by_all(workers), LIMIT);
    assert_int_equal(refused, HANDLES * SITES_EACH - LIMIT);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.analytics_settings"), LIMIT);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.audit_log"), LIMIT);
}

/* -- beside other programs --------------------------------------------------------------------- */

/* An edit of a site in a thread of its own; `looked` counts how often it was asked. */
struct beside {
    struct store *store;
    pthread_t thread;
    atomic_int looked;
    int rc;
    struct err err;
};

static int rename_domain(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct beside *beside = ctx;

    (void)arena;
    (void)err;
    assert_true(exists);
    atomic_fetch_add(&beside->looked, 1);
    ((struct site_row *)row)->domain = STR("changed.example");
    return EDIT_PUT;
}

static void *edit_beside(void *arg)
{
    struct beside *beside = arg;

    beside->rc = store_edit(beside->store, ROW_SITE, STR("abc"), rename_domain, beside, &somebody,
                            &beside->err);
    return NULL;
}

static void begin_beside(struct fixture *f, struct beside *beside)
{
    *beside = (struct beside){.store = f->store};
    assert_int_equal(pthread_create(&beside->thread, NULL, edit_beside, beside), 0);
}

static void assert_done(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    PQclear(result);
}

static void make_site(struct fixture *f, const char *id)
{
    struct site_row row = site_named(id, "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* Both changes are there. */
static void assert_both(struct fixture *f, struct beside *beside)
{
    assert_int_equal(pthread_join(beside->thread, NULL), 0);
    if (beside->rc != 1)
        fail_msg("%d: %s", beside->rc, beside->err.text);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.analytics_settings"
                                   " WHERE site_id = 'abc' AND domain = 'changed.example'"
                                   " AND timezone = 'Europe/Berlin'"),
                     1);
}

/* Until somebody waits for a lock that another has, or a second has passed. */
static void wait_for_a_waiter(const struct fixture *f)
{
    int64_t end_us = clock_steady_us() + 1000 * 1000;

    while (clock_steady_us() < end_us &&
           sql_number(f, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0)
        (void)usleep(1000);
}

static void a_change_that_is_not_committed_yet_is_waited_for_and_kept(void **state)
{
    struct fixture *f = *state;
    PGconn *other = postgres_connect(f->text.ptr);
    struct beside beside;

    make_site(f, "abc");
    assert_done(other, "BEGIN; UPDATE analytics.analytics_settings SET timezone = 'Europe/Berlin'");
    begin_beside(f, &beside);
    wait_for_a_waiter(f);
    assert_int_equal(atomic_load(&beside.looked), 0);
    assert_done(other, "COMMIT");
    assert_both(f, &beside);
    PQfinish(other);
}

/* It has the row and comes for the counter, which we have while we come for the row. If nobody gave
 * way, the server would find that out for it after 300 ms, and end it. */
static void who_takes_row_and_counter_the_other_way_round_is_let_through(void **state)
{
    struct fixture *f = *state;
    PGconn *other = postgres_connect(f->text.ptr);
    struct beside beside;

    make_site(f, "abc");
    assert_done(other, "SET deadlock_timeout = '300ms'; BEGIN;"
                       "SELECT 1 FROM analytics.analytics_settings FOR UPDATE");
    begin_beside(f, &beside);
    wait_for_a_waiter(f);
    /* By then we wait for the row, and have the counter. */
    assert_done(other, "UPDATE analytics.analytics_settings SET timezone = 'Europe/Berlin'");
    assert_done(other, "COMMIT");
    assert_both(f, &beside);
    PQfinish(other);
}

static void a_row_that_stays_locked_is_waited_for_five_seconds(void **state)
{
    struct fixture *f = *state;
    PGconn *other = postgres_connect(f->text.ptr);
    struct tenant_row tenant = {.id = STR("u6h"), .name = STR("U"), .active = true};
    struct beside beside;
    int64_t began_us = clock_steady_us();

    make_site(f, "abc");
    assert_done(other, "BEGIN; SELECT 1 FROM analytics.analytics_settings FOR UPDATE");
    begin_beside(f, &beside);
    /* Meanwhile others change the directory: it is let go between two tries. */
    struct store *third = open_again(f, false);

    assert_ok(f, store_put_tenant(third, &tenant, &somebody, &f->err));
    assert_true(clock_steady_us() - began_us < PG_LOCK_MS * INT64_C(1000));
    assert_int_equal(pthread_join(beside.thread, NULL), 0);
    assert_int_equal(beside.rc, ERR_UNAVAILABLE);
    assert_in_range(clock_steady_us() - began_us, PG_LOCK_MS * 1000, PG_READ_MS * 1000);
    store_close(&third);
    PQfinish(other);
}

/* -- what an edit leaves ----------------------------------------------------------------------- */

static int change_nothing(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)exists;
    (void)row;
    (void)arena;
    (void)err;
    return EDIT_KEEP;
}

static int refuse(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)exists;
    ((struct tenant_row *)row)->name = STR("else");
    (void)arena;
    return err_set(err, ERR_DENIED, "not you");
}

static void an_edit_that_changes_nothing_writes_nothing(void **state)
{
    struct fixture *f = *state;
    char before[64], after[64];

    make_site(f, "abc");
    sql_value(f->text.ptr, "SELECT xmin::text || ctid::text FROM analytics.analytics_settings",
              before, sizeof(before));
    int64_t counter = counter_of(f, COUNTER_DIRECTORY);

    make_site(f, "abc");
    assert_int_equal(
        store_edit(f->store, ROW_TENANT, STR("t5g"), change_nothing, NULL, &somebody, &f->err), 0);
    assert_int_equal(
        store_edit(f->store, ROW_TENANT, STR("new"), change_nothing, NULL, &somebody, &f->err), 0);
    assert_int_equal(store_edit(f->store, ROW_TENANT, STR("t5g"), refuse, NULL, &somebody, &f->err),
                     ERR_DENIED);
    assert_string_equal(f->err.text, "not you");
    sql_value(f->text.ptr, "SELECT xmin::text || ctid::text FROM analytics.analytics_settings",
              after, sizeof(after));
    assert_string_equal(after, before);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.tenants WHERE name = 't5g'"), 1);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.audit_log"), 1);
}

/* One that ends now still stands: it goes with the next run. */
static void sessions_that_have_ended_go_with_retention(void **state)
{
    struct fixture *f = *state;
    bool more = true;

    sql(f, "INSERT INTO analytics.users (id, created_ms) VALUES ('a@b', 1);"
           "INSERT INTO analytics.sessions VALUES (repeat('a', 64), 'a@b', 0, 1, 1, 8),"
           " (repeat('b', 64), NULL, 3, 1, 1, 9), (repeat('c', 64), 'a@b', 1, 1, 1, 7)");
    assert_ok(f, store_expire(f->store, NULL, 0, NULL, 9, &more, &f->err));
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.sessions"), 3);
    assert_ok(f, store_expire(f->store, NULL, 0, &nothing_general, 9, &more, &f->err));
    assert_false(more);
    assert_int_equal(sql_number(f, "SELECT count(*) FROM analytics.sessions"), 1);
    assert_int_equal(sql_number(f, "SELECT expires_ms FROM analytics.sessions"), 9);
}

/* -- Payload's sessions ------------------------------------------------------------------------ */

/* 2030-01-01T00:00:00Z: date -u -d @1893456000 */
#define EXPIRES_MS INT64_C(1893456000000)

/* As Payload makes them, with the ids of users as the application has them. */
static void make_payload_tables(struct fixture *f)
{
#define TABLE(name, id)                                                                            \
    "CREATE TABLE " name " (_order integer NOT NULL, _parent_id " id                               \
    " NOT NULL, id varchar PRIMARY KEY, created_at timestamptz(3),"                                \
    " expires_at timestamptz(3) NOT NULL);"
    sql(f, "CREATE SCHEMA cms;" TABLE("public.users_sessions", "integer")
               TABLE("public.admin_users_sessions", "varchar")
                   TABLE("cms.people_sessions",
                         "uuid") "INSERT INTO public.users_sessions VALUES"
                                 " (1, 7, 'sid-7', now(), '2030-01-01 00:00:00+00'),"
                                 " (1, 8, 'sid-8', NULL, '2030-01-01 00:00:00+00');"
                                 "INSERT INTO public.admin_users_sessions VALUES"
                                 " (1, 'anna', 'sid-a', now(), '2030-01-01 00:00:00+00');"
                                 "INSERT INTO cms.people_sessions VALUES"
                                 " (1, '9f0c6e2a-0000-4000-8000-000000000001', 'sid-p', now(),"
                                 " '2030-01-01 00:00:00+00')");
#undef TABLE
}

static int session_of(struct fixture *f, const char *schema, const char *collection,
                      const char *user, const char *sid, int64_t now_ms)
{
    return store_payload_session(f->store, str_from(schema), str_from(collection), str_from(user),
                                 str_from(sid), now_ms, &f->err);
}

static void a_session_of_payload_lives_until_it_expires_or_is_removed(void **state)
{
    struct fixture *f = *state;

    make_payload_tables(f);
    assert_int_equal(session_of(f, "public", "users", "7", "sid-7", EXPIRES_MS - 1), 1);
    assert_int_equal(session_of(f, "public", "users", "7", "sid-7", EXPIRES_MS), 0);
    assert_int_equal(session_of(f, "public", "users", "8", "sid-7", EXPIRES_MS - 1), 0);
    assert_int_equal(session_of(f, "public", "users", "7", "sid-8", EXPIRES_MS - 1), 0);
    assert_int_equal(session_of(f, "public", "users", "", "", EXPIRES_MS - 1), 0);
    assert_int_equal(session_of(f, "public", "users", "7", "' OR true --", EXPIRES_MS - 1), 0);
    sql(f, "DELETE FROM public.users_sessions WHERE id = 'sid-7'");
    assert_int_equal(session_of(f, "public", "users", "7", "sid-7", EXPIRES_MS - 1), 0);
    assert_int_equal(session_of(f, "public", "users", "8", "sid-8", EXPIRES_MS - 1), 1);
}

static void the_ids_of_users_are_of_any_type_and_names_as_payload_writes_them(void **state)
{
    struct fixture *f = *state;

    make_payload_tables(f);
    assert_int_equal(session_of(f, "public", "admin-users", "anna", "sid-a", 1), 1);
    assert_int_equal(session_of(f, "public", "adminUsers", "anna", "sid-a", 1), 1);
    assert_int_equal(session_of(f, "public", "admin_users", "anna", "sid-a", 1), 1);
    assert_int_equal(
        session_of(f, "cms", "people", "9f0c6e2a-0000-4000-8000-000000000001", "sid-p", 1), 1);
    assert_int_equal(
        session_of(f, "cms", "people", "9f0c6e2a-0000-4000-8000-000000000002", "sid-p", 1), 0);
    assert_int_equal(session_of(f, "cms", "people", "no uuid", "sid-p", 1), 0);
}

static void sessions_that_are_kept_nowhere_are_invalid(void **state)
{
    static const struct {
        const char *schema, *collection;
    } bad[] = {
        {"public", "users"},
        {"nowhere", "users"},
        {"public", "users_sessions\" WHERE true --"},
        {"public\".\"users", "users"},
        {"", "users"},
        {"public", "us ers"},
        {"public", "1users"},
        /* 55 bytes and "_sessions" are 64, one more than a name has. */
        {"public", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (session_of(f, bad[i].schema, bad[i].collection, "7", "sid-7", 1) != ERR_INVALID)
            fail_msg("%s.%s: %s", bad[i].schema, bad[i].collection, f->err.text);
    /* The connection is as good as before, and so is a table that is made later. */
    make_payload_tables(f);
    assert_int_equal(session_of(f, "public", "users", "7", "sid-7", 1), 1);
}

static void a_role_without_the_right_to_payloads_table_is_denied(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct store *store = NULL;
    char text[256];

    make_payload_tables(f);
    (void)snprintf(text, sizeof(text),
                   "CREATE USER \"%s_node\"; GRANT USAGE ON SCHEMA analytics TO \"%s_node\";"
                   "GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO \"%s_node\"",
                   f->dir + 5, f->dir + 5, f->dir + 5);
    sql(f, text);
    buf_addf(&url, "%s?user=%s_node", f->text.ptr, f->dir + 5);
    struct store_config config = {.url = buf_str(&url), .data_dir = STR(""), .read_only = true};

    assert_ok(f, store_open(&config, &store, &f->err));
    assert_int_equal(store_payload_session(store, STR("public"), STR("users"), STR("7"),
                                           STR("sid-7"), 1, &f->err),
                     ERR_DENIED);
    (void)snprintf(text, sizeof(text), "GRANT SELECT ON public.users_sessions TO \"%s_node\"",
                   f->dir + 5);
    sql(f, text);
    assert_int_equal(store_payload_session(store, STR("public"), STR("users"), STR("7"),
                                           STR("sid-7"), 1, &f->err),
                     1);
    store_close(&store);
    buf_release(&url);
    (void)snprintf(text, sizeof(text), "DROP OWNED BY \"%s_node\"; DROP USER \"%s_node\"",
                   f->dir + 5, f->dir + 5);
    sql(f, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(handles_that_change_one_row_at_once_lose_nothing),
        ON_POSTGRES(of_those_that_make_one_id_at_once_one_does_and_none_fails),
        ON_POSTGRES(who_makes_an_id_second_sees_what_the_first_has_made),
        ON_POSTGRES(a_limit_that_an_edit_counts_is_met_exactly),
        ON_POSTGRES(a_change_that_is_not_committed_yet_is_waited_for_and_kept),
        ON_POSTGRES(who_takes_row_and_counter_the_other_way_round_is_let_through),
        TIMED_ON_POSTGRES(a_row_that_stays_locked_is_waited_for_five_seconds),
        ON_POSTGRES(an_edit_that_changes_nothing_writes_nothing),
        ON_POSTGRES(sessions_that_have_ended_go_with_retention),
        ON_POSTGRES(a_session_of_payload_lives_until_it_expires_or_is_removed),
        ON_POSTGRES(the_ids_of_users_are_of_any_type_and_names_as_payload_writes_them),
        ON_POSTGRES(sessions_that_are_kept_nowhere_are_invalid),
        ON_POSTGRES(a_role_without_the_right_to_payloads_table_is_denied),
    };

    return run_with_postgres("store_postgres_edit", tests, sizeof(tests) / sizeof(tests[0]));
}
