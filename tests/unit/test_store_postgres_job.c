/*
 * test_store_postgres_job.c -- the job's side of the PostgreSQL backend: leases between handles,
 * commits that are fenced, cut off or concurrent, and the days of raw rows.
 */
#include "test_postgres_support.h"

#include "base/clock.h"
#include "timed.h"

#include <pthread.h>
#include <time.h>

/* -- helpers ----------------------------------------------------------------------------------- */

static int64_t number(struct fixture *f, const char *sql)
{
    char text[64];
    int64_t out = -1;

    sql_value(f->text.ptr, sql, text, sizeof(text));
    assert_true(str_to_i64(str_from(text), &out));
    return out;
}

static uint32_t lease(struct store *store, uint32_t wanted, bool all)
{
    struct err err = {""};
    uint32_t got = 0;
    int rc = store_lease(store, wanted, all, false, &got, &err);

    if (rc != 0 && rc != ERR_CONFLICT)
        fail_msg("%s", err.text);
    assert_true((rc == ERR_CONFLICT) == (got == 0));
    return got;
}

/* As if its holder had been silent for longer than LEASE_MS. */
static void let_leases_lapse(struct fixture *f)
{
    sql_on(f->text.ptr, "UPDATE analytics.leases SET until = clock_timestamp() - interval '1 s'");
}

/* An id of this partition. */
static const char *site_of(unsigned partition, char out[16])
{
    for (unsigned i = 0;; i++) {
        (void)snprintf(out, 16, "s%u", i);
        if (site_partition(str_from(out)) == partition)
            return out;
    }
}

/* One event of `partition` and everything that comes with it: each commit adds one to all. */
static int commit_one(struct store *store, unsigned partition, uint64_t n, struct err *err)
{
    char site[16], path[32];

    (void)snprintf(path, sizeof(path), "/%u", (unsigned)n);
    struct event event = pageview(site_of(partition, site), DAY_START + (int64_t)n, path);
    const struct event *events[] = {&event};
    struct stats_row row = {event.site, STR("t5g"), DAY, DAY_START, {.pageviews = 1}};
    struct sketch sketch = {{event.site, SKETCH_DAY_VISITORS, DAY, 0}, str_from(path)};
    struct visit visit = {.key = {event.site, DAY, n, DAY_START}, .pageviews = 1};
    struct event_key key = {event.site, {(uint8_t)(n >> 8), (uint8_t)n}, 1000};
    struct ledger_row ledger[] = {
        {STR("(removed)"), STR("(removed)"), DAY, LEDGER_DROPPED, STR("disabled"), 1, 0},
        {event.site, STR("t5g"), DAY, LEDGER_STORED, STR(""), 1, 1},
        {STR("(unreadable)"), STR("(unreadable)"), DAY, LEDGER_REJECTED, STR("invalid"), 1, 0},
    };
    struct position_move move = {{{{1}}, (uint16_t)partition, n}, n + 1};

    return store_commit(store,
                        &(struct store_batch){.events = events,
                                              .events_count = 1,
                                              .days = &row,
                                              .days_count = 1,
                                              .hours = &row,
                                              .hours_count = 1,
                                              .sketches = &sketch,
                                              .sketches_count = 1,
                                              .visits = &visit,
                                              .visits_count = 1,
                                              .keys = &key,
                                              .keys_count = 1,
                                              .ledger = ledger,
                                              .ledger_count = 3,
                                              .positions = &move,
                                              .positions_count = 1},
                        err);
}

/* Every table says that `n` commits of commit_one() happened. */
static void assert_commits(struct fixture *f, int64_t n)
{
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"), n);
    assert_int_equal(
        number(f, "SELECT coalesce(sum(pageviews), 0) FROM analytics.analytics_daily_stats"), n);
    assert_int_equal(number(f, "SELECT coalesce(sum(pageviews), 0) FROM analytics.hourly_stats"),
                     n);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.visits"), n);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.event_ids"), n);
    assert_int_equal(number(f, "SELECT coalesce(sum(records), 0) FROM analytics.ledger"), n);
    assert_int_equal(number(f, "SELECT coalesce(sum(events), 0) FROM analytics.ledger"), 3 * n);
    assert_int_equal(number(f, "SELECT coalesce(sum(number), 0) FROM analytics.positions"), n);
    assert_int_equal(number(f, "SELECT sum(stats_rows) FROM analytics.leases"), n);
    assert_int_equal(number(f, "SELECT sum(commits) FROM analytics.leases"), n);
}

/* -- leases ------------------------------------------------------------------------------------ */

static void two_handles_share_the_partitions(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);

    assert_int_equal(lease(f->store, 0x00ff, false), 0x00ff);
    assert_int_equal(lease(other, PARTITIONS_ALL, false), 0xff00);
    assert_int_equal(lease(other, 0x00ff, false), 0);
    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_ok(f, commit_one(other, 12, 0, &f->err));
    assert_int_equal(commit_one(other, 3, 1, &f->err), ERR_CONFLICT);
    assert_commits(f, 2);
    store_unlease(f->store);
    assert_int_equal(lease(other, 0x00ff, true), 0x00ff);
    store_unlease(other);
    store_close(&other);
}

static void all_are_given_or_none(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);

    assert_int_equal(lease(f->store, 0x0001, false), 0x0001);
    assert_int_equal(lease(other, 0x0003, true), 0);
    assert_int_equal(lease(f->store, 0x0002, true), 0x0002);
    store_unlease(f->store);
    assert_int_equal(lease(other, 0x0003, true), 0x0003);
    store_unlease(other);
    store_close(&other);
}

static void a_lease_that_was_not_renewed_is_taken_over(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);

    assert_int_equal(lease(f->store, PARTITIONS_ALL, true), PARTITIONS_ALL);
    assert_int_equal(lease(other, PARTITIONS_ALL, false), 0);
    let_leases_lapse(f);
    assert_int_equal(lease(other, 0x0008, false), 0x0008);
    assert_ok(f, commit_one(other, 3, 0, &f->err));
    /* The first one wakes up. */
    assert_int_equal(commit_one(f->store, 3, 1, &f->err), ERR_CONFLICT);
    assert_int_equal(store_commit(f->store, &(struct store_batch){0}, &f->err), ERR_CONFLICT);
    assert_int_equal(store_finish_run(f->store, 0x0008, 1000, 2000, &f->err), ERR_CONFLICT);
    assert_commits(f, 1);
    assert_int_equal(number(f, "SELECT sum(as_of_ms) FROM analytics.leases"), 0);
    /* What it gives back is no longer its own. */
    store_unlease(f->store);
    assert_ok(f, commit_one(other, 3, 1, &f->err));
    store_unlease(other);
    store_close(&other);
}

static void a_lapsed_lease_that_nobody_took_goes_on(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(lease(f->store, 0x0008, true), 0x0008);
    let_leases_lapse(f);
    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_true(number(f, "SELECT (extract(epoch FROM until - clock_timestamp()) * 1000)::bigint"
                          " FROM analytics.leases WHERE partition = 3") > LEASE_MS - 5000);
    assert_int_equal(
        number(f, "SELECT count(*) FROM analytics.leases WHERE until > clock_timestamp()"), 1);
}

static void a_lease_outlives_its_connection(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(lease(f->store, 0x0008, true), 0x0008);
    sql_on(f->text.ptr, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'abacus' AND datname = current_database()");
    /* The news may come only with the first try. */
    int rc = commit_one(f->store, 3, 0, &f->err);

    assert_true(rc == 0 || rc == ERR_UNAVAILABLE);
    if (rc != 0)
        assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_commits(f, 1);
}

static void a_take_over_does_not_wait_for_who_is_committing(void **state)
{
    struct fixture *f = *state;
    PGconn *holder = postgres_connect(f->text.ptr);

    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT FROM analytics.leases WHERE partition = 3 FOR UPDATE"));
    int64_t began = clock_steady_us();

    assert_int_equal(lease(f->store, 0x000c, false), 0x0004);
    assert_int_equal(lease(f->store, 0x0008, false), 0);
    assert_true(clock_steady_us() - began < 2 * 1000 * 1000);
    PQfinish(holder);
}

/* Its holder died, and then the server's clock was set back an hour. */
static void a_lease_from_the_future_is_taken_over(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);

    assert_int_equal(lease(f->store, 0x0008, false), 0x0008);
    sql_on(f->text.ptr, "UPDATE analytics.leases SET until = until + interval '9 s'");
    assert_int_equal(lease(other, 0x0008, false), 0);
    sql_on(f->text.ptr, "UPDATE analytics.leases SET until = until + interval '1 h'");
    assert_int_equal(lease(other, 0x0008, false), 0x0008);
    assert_int_equal(commit_one(f->store, 3, 0, &f->err), ERR_CONFLICT);
    store_unlease(other);
    store_close(&other);
}

/* Another aggregator holds partitions 3 and 4, and stands still in the middle of a commit. */
static void the_end_of_a_run_does_not_wait_for_who_is_committing(void **state)
{
    struct fixture *f = *state;
    PGconn *holder = postgres_connect(f->text.ptr);

    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT FROM analytics.leases WHERE partition IN (3, 4) FOR UPDATE"));
    int64_t began = clock_steady_us();

    assert_ok(f,
              store_finish_run(f->store, PARTITIONS_ALL & ~UINT32_C(0x0010), 1000, 2000, &f->err));
    assert_true(clock_steady_us() - began < 2 * 1000 * 1000);
    PQfinish(holder);
    assert_int_equal(number(f, "SELECT sum(1 << partition) FROM analytics.leases"
                               " WHERE as_of_ms = 1000 AND last_success_ms = 2000"),
                     PARTITIONS_ALL & ~UINT32_C(0x0018));
}

/* The node's thread that asks also brings it new settings. */
static void holding_positions_does_not_wait_for_who_moves_them(void **state)
{
    struct fixture *f = *state;
    const struct producer producer = {{1}};

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_ok(f, commit_one(f->store, 4, 0, &f->err));
    PGconn *holder = postgres_connect(f->text.ptr);

    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT FROM analytics.positions WHERE partition = 3 FOR UPDATE"));
    int64_t began = clock_steady_us();

    assert_ok(f, store_hold_positions(f->store, &producer, 1, INT64_MAX - 1, &f->err));
    assert_true(clock_steady_us() - began < 2 * 1000 * 1000);
    PQfinish(holder);
    assert_int_equal(number(f, "SELECT partition FROM analytics.positions"
                               " WHERE moved_ms = 9223372036854775806"),
                     4);
}

/* What answers were kept under before the tables were put back from a dump. */
static void a_stamp_is_not_given_again_by_a_store_that_was_put_back(void **state)
{
    struct fixture *f = *state;
    int64_t before = 0, after = 0;

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_ok(f, store_stamp(f->store, 0x0008, &before, &f->err));
    sql_on(f->text.ptr, "CREATE TEMP TABLE dump AS SELECT * FROM analytics.leases;"
                        "TRUNCATE analytics.leases;"
                        "INSERT INTO analytics.leases SELECT * FROM dump");
    assert_ok(f, store_stamp(f->store, 0x0008, &after, &f->err));
    assert_int_not_equal(before, after);
}

struct waiter {
    struct store *store;
    uint32_t got;
    int rc;
};

static void *wait_for_lease(void *ctx)
{
    struct waiter *waiter = ctx;

    waiter->rc = store_lease(waiter->store, PARTITIONS_ALL, true, true, &waiter->got, NULL);
    return NULL;
}

static void who_waits_gets_the_lease_when_it_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct waiter waiter = {.store = open_again(f, false)};
    pthread_t thread;

    assert_int_equal(lease(f->store, 0x0001, true), 0x0001);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_lease, &waiter), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.leases WHERE holder IS NOT NULL"),
                     1);
    store_unlease(f->store);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiter.rc, 0);
    assert_int_equal(waiter.got, PARTITIONS_ALL);
    store_unlease(waiter.store);
    store_close(&waiter.store);
}

/* The holder's process stands still between two statements of a commit. */
static void a_holder_stuck_in_a_transaction_is_ended_in_time(void **state)
{
    struct fixture *f = *state;
    PGconn *holder = postgres_connect(f->text.ptr);

    PQclear(PQexec(holder, "UPDATE analytics.leases SET holder = 'stuck', epoch = 7"));
    PQclear(PQexec(holder, "BEGIN"));
    PQclear(PQexec(holder, "SELECT analytics.hold_leases('{3}', '{7}', 10000, '{3}', '{0}')"));
    sql_on(f->text.ptr, "SELECT analytics.end_stuck_holders(65535, 10000)");
    assert_int_equal(lease(f->store, 0x0008, false), 0);
    sql_on(f->text.ptr, "SELECT analytics.end_stuck_holders(1, 0)"); /* another's */
    assert_int_equal(lease(f->store, 0x0008, false), 0);
    sql_on(f->text.ptr, "SELECT analytics.end_stuck_holders(8, 0)");
    for (int i = 0; i < 3000 && lease(f->store, 0x0008, false) == 0; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    PGresult *result = PQexec(holder, "COMMIT");

    assert_int_not_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(holder);
}

static void as_of_is_each_partitions_and_never_goes_back(void **state)
{
    struct fixture *f = *state;

    assert_ok(f, store_finish_run(f->store, 0x0003, 2000, 3000, &f->err));
    assert_ok(f, store_finish_run(f->store, 0x0001, 1000, 4000, &f->err));
    assert_int_equal(number(f, "SELECT as_of_ms FROM analytics.leases WHERE partition = 0"), 2000);
    assert_int_equal(number(f, "SELECT sum(as_of_ms) FROM analytics.leases"), 4000);
    assert_int_equal(number(f, "SELECT max(last_success_ms) FROM analytics.leases"), 4000);
}

/* -- commits ----------------------------------------------------------------------------------- */

struct killer {
    struct fixture *fixture;
    pthread_t thread;
    bool stop;
};

static void *kill_sessions(void *ctx)
{
    struct killer *killer = ctx;
    int kills = 0;

    while (!__atomic_load_n(&killer->stop, __ATOMIC_RELAXED)) {
        sql_on(killer->fixture->text.ptr,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE application_name = 'abacus' AND datname = current_database()");
        (void)nanosleep(&(struct timespec){.tv_nsec = (++kills % 8 + 2) * 10 * 1000 * 1000}, NULL);
    }
    return NULL;
}

/* After any code the position says what happened, as it does for the job. */
static void a_commit_that_is_cut_off_changes_nothing_or_everything(void **state)
{
    enum { COMMITS = 40 };
    struct fixture *f = *state;
    struct killer killer = {.fixture = f};
    const struct position_filter all = {PARTITIONS_ALL, NULL, 0};
    int64_t failures = 0, give_up = clock_steady_us() + INT64_C(60) * 1000 * 1000;
    uint64_t n = 0;

    assert_int_equal(lease(f->store, 0x0008, true), 0x0008);
    assert_int_equal(pthread_create(&killer.thread, NULL, kill_sessions, &killer), 0);
    while (n < COMMITS && clock_steady_us() < give_up) {
        struct position *positions = NULL;
        size_t count = 0;
        int rc = commit_one(f->store, 3, n, &f->err);

        assert_true(rc == 0 || rc == ERR_UNAVAILABLE || rc == ERR_UNCERTAIN);
        failures += rc != 0;
        while (store_positions(f->store, &all, &f->arena, &positions, &count, &f->err) != 0)
            (void)nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
        uint64_t there = count == 1 ? positions[0].number : 0;

        assert_true(there == n + 1 || (rc != 0 && there == n));
        n = there;
    }
    __atomic_store_n(&killer.stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(killer.thread, NULL), 0);
    assert_true(n > 0 && failures > 0);
    assert_commits(f, (int64_t)n);
}

enum { COUNTERS_AT_ONCE = 8, COMMITS_EACH = 25 };

struct counting {
    struct store *store;
    unsigned partition;
    pthread_t thread;
    int rc;
    struct err err;
};

static void *count_events(void *ctx)
{
    struct counting *counting = ctx;

    for (uint64_t n = 0; counting->rc == 0 && n < COMMITS_EACH; n++)
        counting->rc = commit_one(counting->store, counting->partition, n, &counting->err);
    return NULL;
}

static void many_count_at_once_and_share_lines_of_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct counting counting[COUNTERS_AT_ONCE];

    for (unsigned i = 0; i < COUNTERS_AT_ONCE; i++) {
        counting[i] = (struct counting){.store = open_again(f, false), .partition = 2 * i};
        assert_int_equal(lease(counting[i].store, UINT32_C(3) << (2 * i), true), UINT32_C(3)
                                                                                     << (2 * i));
    }
    for (unsigned i = 0; i < COUNTERS_AT_ONCE; i++)
        assert_int_equal(pthread_create(&counting[i].thread, NULL, count_events, &counting[i]), 0);
    for (unsigned i = 0; i < COUNTERS_AT_ONCE; i++) {
        assert_int_equal(pthread_join(counting[i].thread, NULL), 0);
        if (counting[i].rc != 0)
            fail_msg("%s", counting[i].err.text);
        store_unlease(counting[i].store);
        store_close(&counting[i].store);
    }
    assert_commits(f, COUNTERS_AT_ONCE * COMMITS_EACH);
    assert_int_equal(number(f, "SELECT events FROM analytics.ledger WHERE site_id = '(removed)'"),
                     COUNTERS_AT_ONCE * COMMITS_EACH);
}

/* Which visits are new is known only from what was looked up under the lease. */
static void visits_are_put_whether_they_were_looked_up_or_not(void **state)
{
    struct fixture *f = *state;
    char site[16];
    struct str id = str_from(site_of(3, site));
    struct visit visits[] = {{.key = {id, DAY, 1, 10}, .pageviews = 1},
                             {.key = {id, DAY, 2, 20}, .pageviews = 2}};
    struct store_batch batch = {.visits = visits, .visits_count = 2};
    const struct visitor_key keys[] = {{id, DAY, 1}, {id, DAY, 2}};
    struct visit *out;
    size_t count;

    assert_int_equal(lease(f->store, 0x0008, true), 0x0008);
    for (int64_t round = 0; round < 6; round++) {
        visits[0].pageviews = visits[1].pageviews = round;
        visits[1].key.begin_ms = 20 + round; /* each time a new one */
        if (round % 3 != 0)
            assert_ok(f, store_load_visits(f->store, &f->arena, keys, round % 3 == 1 ? 2 : 1, &out,
                                           &count, &f->err));
        assert_ok(f, store_commit(f->store, &batch, &f->err));
    }
    assert_ok(f, store_load_visits(f->store, &f->arena, keys, 2, &out, &count, &f->err));
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(out[i].pageviews, out[i].key.visitor == 1 ? 5 : out[i].key.begin_ms - 20);
}

static void rows_of_one_key_are_added_up_within_the_limit(void **state)
{
    struct fixture *f = *state;
    const int64_t most = (INT64_C(1) << 53) - 1;
    const struct stats_row rows[] = {
        {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 1, .ai_tokens = most, .estimated = 0}},
        {STR("xyz"), STR("t5g"), DAY, 0, {.pageviews = 100}},
        {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 2, .ai_tokens = 5, .estimated = 1}},
        {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = INT64_MIN, .ai_tokens = 5}},
    };

    commit(f, &(struct store_batch){.days = rows, .days_count = 3});
    struct seen_stats seen = days_of(f, "abc", DAY, DAY);

    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows[0].stats.pageviews, 3);
    assert_int_equal(seen.rows[0].stats.ai_tokens, most);
    assert_int_equal(seen.rows[0].stats.estimated, 1);
    commit(f, &(struct store_batch){.days = &rows[3], .days_count = 1});
    seen = days_of(f, "abc", DAY, DAY);
    assert_int_equal(seen.rows[0].stats.pageviews, 3 - most);
    assert_int_equal(seen.rows[0].stats.ai_tokens, most);
    assert_int_equal(seen.rows[0].stats.estimated, 1);
}

/* More than fit into one piece of a load. */
static void thousands_of_keys_are_found_by_their_place(void **state)
{
    enum { KEYS = 9001 };
    struct fixture *f = *state;
    struct event_key *keys = test_calloc(KEYS, sizeof(*keys));

    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = (struct event_key){STR("abc"), {0}, (int64_t)i + 1};
        memcpy(keys[i].id, &i, sizeof(i));
    }
    commit(f, &(struct store_batch){.keys = keys, .keys_count = KEYS - 1});
    for (size_t i = 0; i < KEYS; i++)
        keys[i].received_ms = -1;
    assert_ok(f, store_load_keys(f->store, keys, KEYS, &f->err));
    for (size_t i = 0; i + 1 < KEYS; i++)
        assert_int_equal(keys[i].received_ms, i + 1);
    assert_int_equal(keys[KEYS - 1].received_ms, 0);
    test_free(keys);
}

/* More than one statement, and one answer, takes. */
static void sets_of_many_megabytes_are_put_and_loaded(void **state)
{
    enum { SETS = 1100, BYTES = 16 * 1024 };
    struct fixture *f = *state;
    struct sketch *sets = test_calloc(SETS, sizeof(*sets));
    char *bytes = test_malloc(BYTES + SETS);

    for (size_t i = 0; i < BYTES + SETS; i++)
        bytes[i] = (char)(i * i >> 3);
    for (int32_t i = 0; i < SETS; i++)
        sets[i] =
            (struct sketch){{STR("abc"), SKETCH_DAY_VISITORS, DAY + i, 0}, {bytes + i, BYTES}};
    commit(f, &(struct store_batch){.sketches = sets, .sketches_count = SETS});
    for (int32_t i = 0; i < SETS; i++)
        sets[i].bytes = STR("");
    assert_ok(f, store_load_sketches(f->store, &f->arena, sets, SETS, &f->err));
    for (int32_t i = 0; i < SETS; i++)
        assert_true(str_eq(sets[i].bytes, (struct str){bytes + i, BYTES}));
    test_free(bytes);
    test_free(sets);
}

static void raw_rows_of_many_megabytes_are_copied(void **state)
{
    enum { ROWS = 5000, PATH = 2000 };
    struct fixture *f = *state;
    struct event *events = test_calloc(ROWS, sizeof(*events));
    char path[PATH + 1];

    memset(path, 'p', PATH);
    path[PATH] = '\0';
    for (int64_t i = 0; i < ROWS; i++)
        events[i] = pageview("abc", DAY_START + i, path);
    commit(f, &(struct store_batch){.events = pointers(f, events, ROWS), .events_count = ROWS});
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"), ROWS);
    assert_int_equal(number(f, "SELECT sum(length(path)) FROM analytics.analytics_events"),
                     ROWS * PATH);
    assert_int_equal(
        number(f, "SELECT count(DISTINCT \"timestamp\") FROM analytics.analytics_events"), ROWS);
    test_free(events);
}

/* -- days of raw rows -------------------------------------------------------------------------- */

#define DAY_TABLE "analytics.analytics_events_20241004"

static bool has_day(struct fixture *f)
{
    return number(f, "SELECT count(*) FROM pg_tables WHERE schemaname = 'analytics'"
                     " AND tablename = 'analytics_events_20241004'") == 1;
}

static void a_day_that_is_missing_is_made(void **state)
{
    struct fixture *f = *state;

    assert_false(has_day(f));
    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_true(has_day(f));
    assert_int_equal(number(f, "SELECT count(*) FROM " DAY_TABLE), 1);
}

static void a_day_that_went_away_since_is_made_by_the_next_try(void **state)
{
    struct fixture *f = *state;

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    sql_on(f->text.ptr, "DROP TABLE " DAY_TABLE);
    assert_int_equal(commit_one(f->store, 3, 1, &f->err), ERR_UNAVAILABLE);
    assert_ok(f, commit_one(f->store, 3, 1, &f->err));
    assert_int_equal(number(f, "SELECT count(*) FROM " DAY_TABLE), 1);
}

static void a_table_that_was_left_behind_does_not_come_back(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    sql_on(f->text.ptr,
           "ALTER TABLE analytics.analytics_events DETACH PARTITION " DAY_TABLE " CONCURRENTLY");
    assert_ok(f, commit_one(other, 3, 1, &f->err));
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"), 1);
    store_close(&other);
}

static int expire_days(struct fixture *f, int32_t before, int32_t today)
{
    struct expiry_general general = nothing_general;
    bool more = true;

    general.removed = (struct expiry){STR(""), INT64_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    general.raw_before_ms = before * DAY_MS;
    return store_expire(f->store, NULL, 0, &general, today * DAY_MS, &more, &f->err);
}

/* Those of today are there too. */
static int64_t days_of_then(struct fixture *f)
{
    return number(f, "SELECT count(*) FROM analytics.event_days"
                     " WHERE attached AND day < date '2025-01-01'");
}

static void days_are_made_ahead_and_go_when_all_are_too_old(void **state)
{
    struct fixture *f = *state;

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_ok(f, expire_days(f, DAY, DAY + 3));
    assert_true(has_day(f));
    assert_int_equal(days_of_then(f), 3 + 1 + 7);
    assert_ok(f, expire_days(f, DAY + 1, DAY + 3));
    assert_false(has_day(f));
    assert_int_equal(days_of_then(f), 2 + 1 + 7);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"), 0);
    assert_ok(f, expire_days(f, DAY - 100, DAY + 3));
    assert_int_equal(days_of_then(f), 31 + 1 + 7);
}

/* An import may have put rows there since it was asked which days are too old. */
static void a_day_that_waits_to_be_packed_stays(void **state)
{
    struct fixture *f = *state;
    char site[16];
    const struct site_day due = {str_from(site_of(3, site)), DAY};

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    assert_ok(f,
              store_commit(f->store, &(struct store_batch){.due = &due, .due_count = 1}, &f->err));
    assert_ok(f, expire_days(f, DAY + 100, DAY + 103));
    assert_true(has_day(f));
    assert_ok(f, store_commit(f->store, &(struct store_batch){.packed = &due, .packed_count = 1},
                              &f->err));
    assert_ok(f, expire_days(f, DAY + 100, DAY + 103));
    assert_false(has_day(f));
}

struct expirer {
    struct fixture *fixture;
    pthread_t thread;
    int rc;
    bool done;
};

static void *expire_in_thread(void *ctx)
{
    struct expirer *expirer = ctx;

    expirer->rc = expire_days(expirer->fixture, DAY + 1, DAY + 3);
    __atomic_store_n(&expirer->done, true, __ATOMIC_RELEASE);
    return NULL;
}

static int64_t count_rows(PGconn *reader)
{
    PGresult *result = PQexec(reader, "SELECT count(*) FROM analytics.analytics_events");
    int64_t out = -1;

    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        (void)str_to_i64(str_from(PQgetvalue(result, 0, 0)), &out);
    PQclear(result);
    return out;
}

static void a_day_that_is_being_read_keeps_no_other_reader_waiting(void **state)
{
    struct fixture *f = *state;
    struct expirer expirer = {.fixture = f};
    PGconn *slow = postgres_connect(f->text.ptr), *quick = postgres_connect(f->text.ptr);

    assert_ok(f, commit_one(f->store, 3, 0, &f->err));
    PQclear(PQexec(slow, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    assert_int_equal(count_rows(slow), 1);
    PQclear(PQexec(quick, "SET statement_timeout = 1000"));
    assert_int_equal(pthread_create(&expirer.thread, NULL, expire_in_thread, &expirer), 0);
    while (!__atomic_load_n(&expirer.done, __ATOMIC_ACQUIRE))
        assert_in_range(count_rows(quick), 0, 1);
    assert_int_equal(pthread_join(expirer.thread, NULL), 0);
    assert_int_equal(expirer.rc, 0);
    /* Hidden, but still there for who began before. */
    assert_int_equal(count_rows(quick), 0);
    assert_int_equal(count_rows(slow), 1);
    assert_true(has_day(f));
    PQclear(PQexec(slow, "COMMIT"));
    assert_ok(f, expire_days(f, DAY + 1, DAY + 3));
    assert_false(has_day(f));
    PQfinish(slow);
    PQfinish(quick);
}

static void only_too_old_rows_of_a_day_go_one_by_one(void **state)
{
    struct fixture *f = *state;
    char a[16], b[16];
    struct expiry sites[] = {
        {str_from(site_of(3, a)), DAY_START + 2, INT32_MIN, INT32_MIN, INT32_MIN},
        {str_from(site_of(4, b)), DAY_START - 5, INT32_MIN, INT32_MIN, INT32_MIN}};
    bool more = true;

    for (uint64_t n = 0; n < 4; n++) {
        assert_ok(f, commit_one(f->store, 3, n, &f->err));
        assert_ok(f, commit_one(f->store, 4, n, &f->err));
    }
    assert_ok(f, store_expire(f->store, sites, 2, NULL, 0, &more, &f->err));
    assert_false(more);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"), 6);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics.analytics_events"
                               " WHERE \"timestamp\" < '2024-10-04 00:00:00.002Z'"),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(two_handles_share_the_partitions),
        ON_POSTGRES(all_are_given_or_none),
        ON_POSTGRES(a_lease_that_was_not_renewed_is_taken_over),
        ON_POSTGRES(a_lapsed_lease_that_nobody_took_goes_on),
        ON_POSTGRES(a_lease_outlives_its_connection),
        TIMED_ON_POSTGRES(a_take_over_does_not_wait_for_who_is_committing),
        ON_POSTGRES(who_waits_gets_the_lease_when_it_is_given_back),
        ON_POSTGRES(a_holder_stuck_in_a_transaction_is_ended_in_time),
        ON_POSTGRES(as_of_is_each_partitions_and_never_goes_back),
        ON_POSTGRES(a_lease_from_the_future_is_taken_over),
        TIMED_ON_POSTGRES(the_end_of_a_run_does_not_wait_for_who_is_committing),
        TIMED_ON_POSTGRES(holding_positions_does_not_wait_for_who_moves_them),
        ON_POSTGRES(a_stamp_is_not_given_again_by_a_store_that_was_put_back),
        ON_POSTGRES(a_commit_that_is_cut_off_changes_nothing_or_everything),
        ON_POSTGRES(many_count_at_once_and_share_lines_of_the_ledger),
        ON_POSTGRES(visits_are_put_whether_they_were_looked_up_or_not),
        ON_POSTGRES(rows_of_one_key_are_added_up_within_the_limit),
        ON_POSTGRES(thousands_of_keys_are_found_by_their_place),
        ON_POSTGRES(sets_of_many_megabytes_are_put_and_loaded),
        ON_POSTGRES(raw_rows_of_many_megabytes_are_copied),
        ON_POSTGRES(a_day_that_is_missing_is_made),
        ON_POSTGRES(a_day_that_went_away_since_is_made_by_the_next_try),
        ON_POSTGRES(a_table_that_was_left_behind_does_not_come_back),
        ON_POSTGRES(days_are_made_ahead_and_go_when_all_are_too_old),
        ON_POSTGRES(a_day_that_waits_to_be_packed_stays),
        ON_POSTGRES(a_day_that_is_being_read_keeps_no_other_reader_waiting),
        ON_POSTGRES(only_too_old_rows_of_a_day_go_one_by_one),
    };

    return run_with_postgres("store_postgres_job", tests, sizeof(tests) / sizeof(tests[0]));
}
