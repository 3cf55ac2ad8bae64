/*
 * test_store_sqlite.c -- what only the SQLite backend promises: crashes, locks, its schema.
 */
#include "test_store_support.h"

#include "base/clock.h"
#include "store/sqlite_internal.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    *state = fixture_new("sqlite");
    return 0;
}

/* Another program that opens the file. */
static sqlite3 *open_raw(const struct fixture *f)
{
    char path[128];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/abacus.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return db;
}

static int execute(const struct fixture *f, const char *sql)
{
    sqlite3 *db = open_raw(f);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    (void)sqlite3_close(db);
    return rc;
}

static int64_t number(const struct fixture *f, const char *sql)
{
    sqlite3 *db = open_raw(f);
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);

    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return n;
}

static void put_site(struct fixture *f, const char *id)
{
    struct site_row row = site_named(id, "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* -- crashes ----------------------------------------------------------------------------------- */

enum { CRASH_EVENTS = 50 };

static int commit_numbered(struct store *store, uint64_t n, struct err *err)
{
    struct event events[CRASH_EVENTS];
    const struct event *pointed[CRASH_EVENTS];
    struct position_move move = move_to(1, n, n + CRASH_EVENTS);
    struct ledger_row ledger = {STR("abc"), STR("t5g"),   DAY,         LEDGER_STORED,
                                STR(""),    CRASH_EVENTS, CRASH_EVENTS};

    for (int i = 0; i < CRASH_EVENTS; i++) {
        events[i] = pageview("abc", DAY_START + (int64_t)n + i, "/");
        pointed[i] = &events[i];
    }
    return store_commit(store,
                        &(struct store_batch){.events = pointed,
                                              .events_count = CRASH_EVENTS,
                                              .ledger = &ledger,
                                              .ledger_count = 1,
                                              .positions = &move,
                                              .positions_count = 1},
                        err);
}

static const struct position_filter all_positions = {.partitions = PARTITIONS_ALL};

/* Commit without end, telling through the pipe how many batches were committed. */
static void commit_until_killed(const struct fixture *f, int pipe_fd)
{
    struct store *store = open_again(f, false);
    struct err err;
    struct arena arena = {0};
    struct position *positions;
    size_t count;
    uint64_t n = 0;

    if (store_positions(store, &all_positions, &arena, &positions, &count, &err) != 0)
        _exit(1);
    if (count > 0)
        n = positions[0].number;
    while (commit_numbered(store, n, &err) == 0) {
        n += CRASH_EVENTS;
        if (write(pipe_fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
            _exit(1);
    }
    _exit(1);
}

/* The greatest number that the child said was committed before it died. */
static uint64_t kill_while_committing(const struct fixture *f, useconds_t after_us)
{
    int fds[2];
    uint64_t said = 0, n;

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        (void)close(fds[0]);
        commit_until_killed(f, fds[1]);
    }
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &said, sizeof(said)), sizeof(said));
    (void)usleep(after_us);
    (void)kill(child, SIGKILL);
    while (read(fds[0], &n, sizeof(n)) == (ssize_t)sizeof(n))
        said = n;
    (void)close(fds[0]);
    (void)waitpid(child, NULL, 0);
    return said;
}

static void a_killed_process_leaves_whole_batches(void **state)
{
    struct fixture *f = *state;

    store_close(&f->store);
    for (useconds_t i = 0; i < 8; i++) {
        uint64_t said = kill_while_committing(f, 1000 + i * 1777);
        struct balance balance;

        f->store = open_again(f, false);
        assert_ok(f, store_balance(f->store, &balance, &f->err));
        assert_true((uint64_t)balance.committed >= said);
        assert_int_equal(balance.committed, balance.ledger_records);
        assert_int_equal(raw_rows(f, "abc"), balance.committed);
        assert_int_equal(balance.committed % CRASH_EVENTS, 0);
        assert_ok(f, store_check(f->store, &f->err));
        store_close(&f->store);
    }
}

/* -- refusals and locks ------------------------------------------------------------------------ */

static void a_row_that_a_trigger_refuses_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct event events[] = {pageview("abc", DAY_START, "/good"),
                             pageview("abc", DAY_START + 1, "/bad")};
    struct stats_row row = {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 2}};
    struct store_batch batch = {
        .events = pointers(f, events, 2), .events_count = 2, .days = &row, .days_count = 1};

    assert_int_equal(execute(f, "CREATE TRIGGER refuse BEFORE INSERT ON analytics_events"
                                " WHEN new.path = '/bad' BEGIN SELECT RAISE(ABORT, 'no'); END"),
                     SQLITE_OK);
    assert_int_equal(store_commit(f->store, &batch, &f->err), ERR_INVALID);
    assert_int_equal(raw_rows(f, "abc"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM analytics_daily_stats"), 0);
    batch.events_count = 1;
    assert_ok(f, store_commit(f->store, &batch, &f->err));
    assert_int_equal(raw_rows(f, "abc"), 1);
}

static void readers_go_on_while_another_holds_the_write_lock(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    sqlite3 *writer = open_raw(f);
    int64_t counters[COUNTERS];

    assert_int_equal(
        sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE counters SET value = 5", NULL, NULL, NULL),
        SQLITE_OK);
    /* Nobody gives the lock back before these have their answers. */
    assert_ok(f, store_counters(reader, counters, &f->err));
    assert_int_equal(counters[COUNTER_AS_OF], 0);
    assert_ok(f, store_read_begin(reader, &f->err));
    assert_ok(f, store_counters(reader, counters, &f->err));
    assert_int_equal(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(f, store_counters(reader, counters, &f->err));
    assert_int_equal(counters[COUNTER_AS_OF], 0);
    store_read_end(reader);
    assert_ok(f, store_counters(reader, counters, &f->err));
    assert_int_equal(counters[COUNTER_AS_OF], 5);
    (void)sqlite3_close(writer);
    store_close(&reader);
}

static void a_write_lock_held_too_long_is_unavailable_after_ten_seconds(void **state)
{
    struct fixture *f = *state;
    sqlite3 *writer = open_raw(f);
    int64_t began = clock_steady_us();

    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_finish_run(f->store, PARTITIONS_ALL, 1, 1, &f->err), ERR_UNAVAILABLE);
    double seconds = (double)(clock_steady_us() - began) / 1e6;

    /* So many naps, each of which takes longer on a busy machine. */
    assert_true(seconds > 9.5 && seconds < 60);
    (void)sqlite3_close(writer);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 1, 1, &f->err));
}

/* A child that puts sites, one after the other. */
static pid_t start_writer(const struct fixture *f)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child > 0)
        return child;
    struct store *store = open_again(f, false);
    struct site_row row = site_named("abc", "t5g");
    struct err err;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 10; i++) {
        rc = store_put_site(store, &row, &somebody, &err);
        if (rc == 0)
            rc = store_remove_site(store, STR("abc"), &somebody, &err);
    }
    store_close(&store);
    _exit(rc == 0 ? 0 : 1);
}

static void the_job_makes_room_for_other_writers(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    uint64_t n = 0;
    int64_t began = clock_steady_us();
    pid_t child = start_writer(f);

    while (waitpid(child, &status, WNOHANG) == 0) {
        assert_ok(f, commit_numbered(f->store, n, &f->err));
        n += CRASH_EVENTS;
        store_yield(f->store);
        assert_true(clock_steady_us() - began < 20 * 1000000);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_version_sees_what_other_handles_write(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);
    int64_t before, after;

    assert_ok(f, store_version(f->store, &before, &f->err));
    assert_ok(f, store_finish_run(other, PARTITIONS_ALL, 1, 1, &f->err));
    assert_ok(f, store_version(f->store, &after, &f->err));
    assert_int_not_equal(before, after);
    store_close(&other);
}

static void a_stamp_is_the_same_for_every_handle(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    int64_t before, after, seen;

    assert_ok(f, store_stamp(reader, PARTITIONS_ALL, &before, &f->err));
    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    assert_ok(f, store_stamp(f->store, PARTITIONS_ALL, &after, &f->err));
    assert_ok(f, store_stamp(reader, PARTITIONS_ALL, &seen, &f->err));
    assert_int_not_equal(before, after);
    assert_int_equal(after, seen);
    store_close(&reader);
}

/* -- opening ----------------------------------------------------------------------------------- */

static void a_read_only_handle_refuses_to_write(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    struct site_row row = site_named("abc", "t5g");
    struct salts salts = {0};

    assert_int_equal(store_finish_run(reader, PARTITIONS_ALL, 1, 1, &f->err), ERR_DENIED);
    assert_int_equal(store_put_site(reader, &row, &somebody, &f->err), ERR_DENIED);
    assert_int_equal(store_salts(reader, 1, &salts, &f->err), ERR_DENIED);
    store_close(&reader);
}

static void a_read_only_handle_reads_what_a_killed_writer_left(void **state)
{
    struct fixture *f = *state;

    store_close(&f->store);
    uint64_t said = kill_while_committing(f, 5000);
    struct store *reader = open_again(f, true);
    struct balance balance;

    assert_ok(f, store_balance(reader, &balance, &f->err));
    assert_true((uint64_t)balance.committed >= said);
    store_close(&reader);
}

static int open_with(const struct fixture *f, const char *url, bool read_only)
{
    struct store_config config = {
        .url = str_from(url), .data_dir = str_from(f->dir), .read_only = read_only};
    struct store *store = NULL;
    struct err err;
    int rc = store_open(&config, &store, &err);

    store_close(&store);
    return rc;
}

static void a_read_only_handle_makes_no_file(void **state)
{
    struct fixture *f = *state;
    char url[256], path[128];

    (void)snprintf(path, sizeof(path), "%s/none.db", f->dir);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    assert_int_equal(open_with(f, url, true), ERR_NOTFOUND);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(open_with(f, "sqlite:", false), ERR_INVALID);
}

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_int_equal(execute(f, "PRAGMA user_version = 7"), SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, false), ERR_CONFLICT);
    assert_int_equal(open_with(f, f->url.ptr, true), ERR_CONFLICT);
    assert_int_equal(execute(f, "PRAGMA user_version = 6"), SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, false), 0);
}

/* The schema's files, which the program has in it. */
extern const struct str sqlite_001, sqlite_002, sqlite_003, sqlite_004, sqlite_005;

/* In place of the store a database as a program left it that knew the first `version` files. */
static void make_older(struct fixture *f, int version)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char text[160];

    store_close(&f->store);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s/abacus.db%s", f->dir, ends[i]);
        (void)unlink(text);
    }
    assert_int_equal(execute(f, sqlite_001.ptr), SQLITE_OK);
    if (version > 1)
        assert_int_equal(execute(f, sqlite_002.ptr), SQLITE_OK);
    if (version > 2)
        assert_int_equal(execute(f, sqlite_003.ptr), SQLITE_OK);
    if (version > 3)
        assert_int_equal(execute(f, sqlite_004.ptr), SQLITE_OK);
    if (version > 4)
        assert_int_equal(execute(f, sqlite_005.ptr), SQLITE_OK);
    (void)snprintf(text, sizeof(text),
                   "PRAGMA user_version = %d; INSERT INTO secrets (name, value)"
                   " VALUES ('id_key', x'00112233445566778899aabbccddeeff')",
                   version);
    assert_int_equal(execute(f, text), SQLITE_OK);
}

static void the_first_schema_is_migrated_and_keeps_how_far_it_saw(void **state)
{
    struct fixture *f = *state;

    make_older(f, 1);
    assert_int_equal(execute(f, "UPDATE counters SET value = 777 WHERE name = 'as_of'"), SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, true), ERR_CONFLICT);
    f->store = open_again(f, false);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_int_equal(number(f, "SELECT count(*) FROM partitions WHERE as_of_ms = 777"), 16);
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 777);
    assert_ok(f, store_finish_run(f->store, 1, 1000, 1000, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 777);
}

/* Two sites: abc has raw rows of a day, visits of that and another, and a day whose rows are gone;
 * xyz has raw rows of two days. */
static const char ROWS_OF_THE_SECOND_SCHEMA[] =
    "INSERT INTO tenants VALUES ('t5g', 'T', 1, 1);"
    "INSERT INTO analytics_settings (site_id, tenant_id, domain, tracking_ids, raw_days, "
    "created_ms)"
    " VALUES ('abc', 't5g', 'example.com', '[\"pub1\"]', 9, 5), ('xyz', 't5g', 'b.example', NULL,"
    " NULL, 6);"
    "INSERT INTO analytics_events (site_id, timestamp, id, tenant_id, type, day, path, count)"
    " VALUES ('abc', 1728000000000, 1, 't5g', 'pageview', 20000, '/', 1),"
    " ('abc', 1728000000001, 2, 't5g', 'pageview', 20000, '/', 1),"
    " ('xyz', 1728000000000, 3, 't5g', 'pageview', 20000, '/', 1),"
    " ('xyz', 1728172800000, 4, 't5g', 'pageview', 20002, '/', 1);"
    "INSERT INTO visits (site_id, day, visitor, begin_ms, before, before_day, end_ms, first_ms,"
    " first_day, first_hour_ms, pageviews, others)"
    " VALUES ('abc', 20000, 5, 1728000000000, 0, 0, 1728000000001, 1728000000000, 20000, 0, 2, 0),"
    " ('abc', 20001, 6, 1728086400000, 0, 0, 1728086400001, 1728086400000, 20001, 0, 1, 3);"
    "INSERT INTO closed_visits VALUES ('abc', 19000, 77, 1, 1, 2, 1, 0);"
    "INSERT INTO analytics_daily_stats (site_id, date, tenant_id, pageviews, leads, forms, exports,"
    " automation_runs, ai_tokens, unique_visitors, converters, visits, bounces, visit_ms,"
    " visit_pageviews, conversions, unattributed_conversions, estimated)"
    " VALUES ('abc', '2022-01-08', 't5g', 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);";

static void the_second_schema_is_migrated_and_its_days_are_due(void **state)
{
    static const struct site_day expected[] = {
        {{"abc", 3}, 20000}, {{"abc", 3}, 20001}, {{"xyz", 3}, 20000}, {{"xyz", 3}, 20002}};
    struct fixture *f = *state;
    struct directory_rows rows;
    struct site_day *days;
    struct visit *visits;
    size_t count;

    make_older(f, 2);
    assert_int_equal(execute(f, ROWS_OF_THE_SECOND_SCHEMA), SQLITE_OK);
    f->store = open_again(f, false);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_ok(f, store_check(f->store, &f->err));
    assert_ok(
        f, store_load_due(f->store, PARTITIONS_ALL, INT32_MAX, &f->arena, &days, &count, &f->err));
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_eq(days[i].site, expected[i].site));
        assert_int_equal(days[i].day, expected[i].day);
    }
    assert_int_equal(load_visits_of(f, 20001, 6, &visits), 1);
    assert_int_equal(visits->others, 3);
    assert_int_equal(visits->end_ms, INT64_C(1728086400001));
    assert_int_equal(visits->last_day, 0);
    assert_int_equal(visits->entry_ms + visits->exit_ms, 0);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        assert_int_equal(visits->texts[i].len, 0);
    assert_int_equal(raw_rows(f, "abc"), 2);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).rows[0].stats.pageviews, 7);
    assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'closed_visits'"),
                     0);
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.sites_count, 2);
    assert_str(rows.sites[0].tracking_ids, "[\"pub1\"]");
    assert_int_equal(rows.sites[0].raw_days, 9);
    assert_str(rows.sites[0].goals, "");
    assert_str(rows.sites[0].blocked_countries, "");
}

static void the_third_schema_is_migrated_and_stores_no_address(void **state)
{
    struct fixture *f = *state;
    struct directory_rows rows;
    struct event cut = pageview("abc", DAY_START, "/");
    struct event_row *events;
    size_t count;

    make_older(f, 3);
    assert_int_equal(execute(f, "INSERT INTO tenants VALUES ('t5g', 'T', 1, 1);"
                                "INSERT INTO analytics_settings (site_id, tenant_id, domain,"
                                " goals, created_ms)"
                                " VALUES ('abc', 't5g', 'example.com', '[]', 5);"
                                "INSERT INTO analytics_events (site_id, timestamp, id, tenant_id,"
                                " type, day, visitor, path, count)"
                                " VALUES ('abc', 1727999999999, 1, 't5g', 'pageview', 19999, 7,"
                                " '/', 1);"
                                "UPDATE counters SET value = 1 WHERE name = 'event_id'"),
                     SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, true), ERR_CONFLICT);
    f->store = open_again(f, false);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_ok(f, store_check(f->store, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.sites_count, 1);
    assert_str(rows.sites[0].goals, "[]");
    assert_false(rows.sites[0].store_ip_prefix);
    assert_str(rows.sites[0].disabled_fields, "");
    cut.visitor = 8;
    cut.prefix = STR("192.0.2.0/24");
    commit(f, &(struct store_batch){.events = pointers(f, &cut, 1), .events_count = 1});
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &events,
                                   &count, &f->err));
    assert_int_equal(count, 2);
    assert_true(events[0].event.visitor == 7);
    assert_str(events[0].event.prefix, "");
    assert_str(events[1].event.prefix, "192.0.2.0/24");
}

/* A tenant with a site, its settings, a token and a line of the audit log. */
static const char ROWS_OF_THE_FOURTH_SCHEMA[] =
    "INSERT INTO tenants VALUES ('t5g', 'Five', 1, 1);"
    "INSERT INTO analytics_settings (site_id, tenant_id, domain, events_per_second,"
    " disabled_fields, created_ms) VALUES ('abc', 't5g', 'example.com', 7, '[\"title\"]', 5);"
    "INSERT INTO tokens (id, tenant_id, site_id, platform, scopes, hash, created_ms, expires_ms)"
    " VALUES ('k1', 't5g', 'abc', 0, 1, zeroblob(32), 6, 0);"
    "INSERT INTO audit_log (at_ms, actor, action, target) VALUES (9, 'cli', 'site.put', 'abc');";

static void the_fourth_schema_is_migrated_and_has_limits_and_a_key_to_sign_with(void **state)
{
    const uint8_t id_key[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const uint8_t zero[32] = {0};
    struct fixture *f = *state;
    struct directory_rows rows, again;
    struct audit_row *lines;
    size_t count;

    make_older(f, 4);
    assert_int_equal(execute(f, ROWS_OF_THE_FOURTH_SCHEMA), SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, true), ERR_CONFLICT);
    f->store = open_again(f, false);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_ok(f, store_check(f->store, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.tenants[0].reads_per_minute, READS_PER_MINUTE);
    assert_int_equal(rows.tenants[0].events_per_second + rows.tenants[0].events_per_month +
                         rows.tenants[0].sites_max + rows.tenants[0].erase_ms,
                     0);
    assert_str(rows.tenants[0].name, "Five");
    assert_str(rows.tenants[0].embed_origins, "");
    assert_str(rows.tenants[0].settings, "");
    assert_int_equal(rows.sites[0].events_per_second, 7);
    assert_int_equal(rows.sites[0].events_per_month + rows.sites[0].erase_ms, 0);
    assert_str(rows.sites[0].disabled_fields, "[\"title\"]");
    assert_str(rows.sites[0].public_metrics, "");
    assert_str(rows.sites[0].pinned, "");
    assert_false(rows.sites[0].public_dashboard);
    assert_str(rows.tokens[0].name, "");
    assert_str(rows.tokens[0].site, "abc");
    assert_int_equal(rows.links_count + (size_t)rows.erased_ms, 0);
    assert_str(rows.installation, "");
    assert_memory_equal(rows.id_key, id_key, 16);
    assert_memory_not_equal(rows.signing_key, zero, 32);
    store_close(&f->store);
    f->store = open_again(f, false);
    assert_ok(f, store_read_directory(f->store, &f->arena, &again, &f->err));
    assert_memory_equal(rows.signing_key, again.signing_key, 32);
    assert_ok(f, store_page_audit(f->store, STR(""), 0, 10, &f->arena, &lines, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str(lines[0].tenant, "");
}

static int note(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct annotation_row *annotation = row;

    (void)ctx;
    (void)arena;
    (void)err;
    annotation->tenant = STR("t5g");
    annotation->site = STR("abc");
    annotation->text = STR("A new shop");
    return exists ? EDIT_KEEP : EDIT_PUT;
}

static void the_fifth_schema_is_migrated_and_its_sites_can_have_annotations(void **state)
{
    struct fixture *f = *state;

    make_older(f, 5);
    assert_int_equal(execute(f, "INSERT INTO tenants (id, name, active, created_ms)"
                                " VALUES ('t5g', 'Five', 1, 1);"
                                "INSERT INTO analytics_settings (site_id, tenant_id, domain,"
                                " created_ms) VALUES ('abc', 't5g', 'example.com', 5);"
                                "INSERT INTO secrets VALUES ('signing_key', randomblob(32))"),
                     SQLITE_OK);
    assert_int_equal(open_with(f, f->url.ptr, true), ERR_CONFLICT);
    f->store = open_again(f, false);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
    assert_ok(f, store_check(f->store, &f->err));
    assert_int_equal(
        store_edit(f->store, ROW_ANNOTATION, STR("abc/2026-03-01"), note, NULL, &somebody, &f->err),
        1);
    assert_int_equal(number(f, "SELECT count(*) FROM annotations"), 1);
}

static void a_stored_address_is_a_cut_one_of_a_visitor(void **state)
{
    static const char *const good[] = {"'192.0.2.0/24'", "'::/0'", "'0.0.0.0/0'", "NULL",
                                       "'2001:db80:1111::/48'"};
    static const char *const bad[] = {"''",
                                      "'192.0.2.1'",
                                      "'192.0.2.0/'",
                                      "'2001:db80:1111:2::/48'",
                                      "':/0'",
                                      "'198.51.100.7 /24'",
                                      "'2001:DB8::/32'",
                                      "'example/24'",
                                      "'192.0.2.0/24/24'"};
    struct fixture *f = *state;
    struct event event = pageview("abc", DAY_START, "/");
    char sql[256];

    event.visitor = 7;
    commit(f, &(struct store_batch){.events = pointers(f, &event, 1), .events_count = 1});
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(sql, sizeof(sql), "UPDATE analytics_events SET ip_prefix = %s", good[i]);
        if (execute(f, sql) != SQLITE_OK)
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(sql, sizeof(sql), "UPDATE analytics_events SET ip_prefix = %s", bad[i]);
        if (execute(f, sql) != SQLITE_CONSTRAINT)
            fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(
        execute(f, "UPDATE analytics_events SET visitor = NULL, ip_prefix = '192.0.2.0/24'"),
        SQLITE_CONSTRAINT);
}

/* A program that was started before the migration ends its run. */
static void a_run_of_a_program_of_the_first_schema_counts_for_all_partitions(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(execute(f, "UPDATE counters SET value = 777 WHERE name = 'as_of'"), SQLITE_OK);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL & ~1U, 1000, 1000, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 777);
    assert_ok(f, store_finish_run(f->store, 1, 900, 1000, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 900);
}

static void an_older_schema_is_not_migrated_by_a_reader(void **state)
{
    struct fixture *f = *state;
    char url[256], path[128];

    (void)snprintf(path, sizeof(path), "%s/empty.db", f->dir);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(open_with(f, url, true), ERR_CONFLICT);
    assert_int_equal(open_with(f, url, false), 0);
    assert_int_equal(open_with(f, url, true), 0);
}

static void a_file_that_is_no_database_is_corrupt(void **state)
{
    struct fixture *f = *state;
    char url[256], path[128];

    (void)snprintf(path, sizeof(path), "%s/junk.db", f->dir);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        (void)fputs("this is no database ", file);
    (void)fclose(file);
    assert_int_equal(open_with(f, url, false), ERR_CORRUPT);
}

static void programs_that_start_together_migrate_once(void **state)
{
    enum { PROGRAMS = 4 };
    struct fixture *f = *state;
    char url[256];
    pid_t children[PROGRAMS];

    (void)snprintf(url, sizeof(url), "sqlite:%s/new.db", f->dir);
    for (int i = 0; i < PROGRAMS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(open_with(f, url, false) == 0 ? 0 : 1);
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int status = -1;

        (void)waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static int count_up(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct tenant_row *tenant = row;

    (void)ctx;
    (void)exists;
    (void)arena;
    (void)err;
    tenant->sites_max++;
    return EDIT_PUT;
}

static bool count_up_often(struct store *store, int times)
{
    bool good = true;

    for (int i = 0; i < times; i++)
        good =
            store_edit(store, ROW_TENANT, STR("t5g"), count_up, NULL, &somebody, NULL) == 1 && good;
    return good;
}

static void edits_of_one_row_at_the_same_time_lose_nothing(void **state)
{
    enum { TIMES = 40 };
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five");
    int status = -1;

    assert_ok(f, store_put_tenant(f->store, &row, &somebody, &f->err));
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = open_again(f, false);

        _exit(count_up_often(store, TIMES) ? 0 : 1);
    }
    assert_true(count_up_often(f->store, TIMES));
    (void)waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(store_get(f->store, ROW_TENANT, STR("t5g"), &f->arena, &row, &f->err), 1);
    assert_int_equal(row.sites_max, 2 * TIMES);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log WHERE action = 'tenant.set'"),
                     2 * TIMES);
}

/* Whoever looks at store_version() need not look at the directory. */
static void what_changes_nothing_is_no_new_version(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five");
    int64_t before, after;

    assert_ok(f, store_put_tenant(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_version(f->store, &before, &f->err));
    assert_ok(f, store_put_tenant(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_version(f->store, &after, &f->err));
    assert_int_equal(before, after);
    row.name = STR("Six");
    assert_int_equal(store_put_tenant(f->store, &row, &somebody, &f->err), ERR_CONFLICT);
    assert_ok(f, store_version(f->store, &after, &f->err));
    assert_int_equal(before, after);
}

static void a_reader_edits_nothing(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five");

    store_close(&f->store);
    f->store = open_again(f, true);
    assert_int_equal(store_put_tenant(f->store, &row, &somebody, &f->err), ERR_DENIED);
    assert_int_equal(store_note(f->store, "export", STR("abc"), STR(""), &somebody, &f->err),
                     ERR_DENIED);
    assert_int_equal(store_end_sessions(f->store, STR("a@b.example"), -1, STR(""), &f->err),
                     ERR_DENIED);
    assert_int_equal(store_get(f->store, ROW_TENANT, STR("t5g"), &f->arena, &row, &f->err), 0);
}

static void its_files_are_the_owners_alone(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/abacus.db", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof(path), "%s/abacus.db-wal", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* -- the schema, for whoever writes without this program --------------------------------------- */

#define HEX16 "0000000000000000"
#define HEX64 HEX16 HEX16 HEX16 HEX16

static void settings_have_their_bounds_as_constraints(void **state)
{
    static const struct {
        const char *good, *bad;
    } bounds[] = {
        {"domain = 'a'", "domain = ''"},
        {"domain = substr(hex(zeroblob(200)), 1, 253)",
         "domain = substr(hex(zeroblob(200)), 1, 254)"},
        {"timezone = substr(hex(zeroblob(200)), 1, 64)",
         "timezone = substr(hex(zeroblob(200)), 1, 65)"},
        {"timezone = 'Z'", "timezone = ''"},
        {"enabled = 0", "enabled = 2"},
        {"enabled = 1", "enabled = -1"},
        {"respect_gpc = 0", "respect_gpc = 2"},
        {"respect_dnt = 1", "respect_dnt = 2"},
        {"mask_personal = 0", "mask_personal = 2"},
        {"visitor_identity = 'full-address'", "visitor_identity = 'address'"},
        {"ipv4_prefix = 24", "ipv4_prefix = 25"},
        {"ipv4_prefix = 0", "ipv4_prefix = -1"},
        {"ipv6_prefix = 48", "ipv6_prefix = 49"},
        {"ipv6_prefix = 0", "ipv6_prefix = -1"},
        {"store_ip_prefix = 1", "store_ip_prefix = 2"},
        {"store_ip_prefix = 0", "store_ip_prefix = NULL"},
        {"events_per_second = 1000000000", "events_per_second = 1000000001"},
        {"events_per_second = 0", "events_per_second = -1"},
        {"paths_per_day = 10000000", "paths_per_day = 10000001"},
        {"paths_per_day = 1", "paths_per_day = 0"},
        {"raw_days = 36500", "raw_days = 36501"},
        {"raw_days = 0", "raw_days = -1"},
        {"visit_days = 36500", "visit_days = 36501"},
        {"visit_days = NULL", "visit_days = -1"},
        {"stats_days = 36500", "stats_days = 36501"},
        {"stats_days = 0", "stats_days = 'x'"},
        {"tracking_ids = '[\"x\"]'", "tracking_ids = '[\"x y\"]'"},
        {"tracking_ids = NULL", "tracking_ids = 'x'"},
        {"allowed_origins = '[]'", "allowed_origins = '{}'"},
        {"query_params = '[]'", "query_params = '1'"},
        {"blocked_addresses = '[]'", "blocked_addresses = '['"},
        {"blocked_paths = '[]'", "blocked_paths = 'null'"},
        {"disabled_events = '[]'", "disabled_events = ''"},
        {"disabled_fields = '[]'", "disabled_fields = '{}'"},
        {"disabled_fields = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "disabled_fields = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
        {"require_token = '[]'", "require_token = '\"x\"'"},
        {"blocked_countries = '[]'", "blocked_countries = '{}'"},
        {"blocked_referrers = '[]'", "blocked_referrers = 'x'"},
        {"goals = '[]'", "goals = '{}'"},
        {"path_rules = '[]'", "path_rules = '1'"},
        {"public_dashboard = 1", "public_dashboard = 2"},
        {"public_dashboard = 0", "public_dashboard = NULL"},
        {"public_metrics = '[]'", "public_metrics = '{}'"},
        {"events_per_month = 1000000000000", "events_per_month = 1000000000001"},
        {"events_per_month = 0", "events_per_month = -1"},
        {"pinned = '[]'", "pinned = 'x'"},
        {"erase_ms = 0", "erase_ms = -1"},
        {"blocked_countries = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "blocked_countries = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
        {"blocked_referrers = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "blocked_referrers = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
        {"goals = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "goals = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
        {"path_rules = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "path_rules = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
        {"require_token = '[\"' || substr(hex(zeroblob(40000)), 1, 65532) || '\"]'",
         "require_token = '[\"' || substr(hex(zeroblob(40000)), 1, 65533) || '\"]'"},
    };
    struct fixture *f = *state;
    char sql[256];

    put_site(f, "abc");
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        (void)snprintf(sql, sizeof(sql), "UPDATE analytics_settings SET %s", bounds[i].bad);
        if (execute(f, sql) != SQLITE_CONSTRAINT)
            fail_msg("taken: %s", bounds[i].bad);
        (void)snprintf(sql, sizeof(sql), "UPDATE analytics_settings SET %s", bounds[i].good);
        if (execute(f, sql) != SQLITE_OK)
            fail_msg("refused: %s", bounds[i].good);
    }
}

static const char ROWS_OF_OTHER_KINDS[] =
    "INSERT INTO links (id, tenant_id, site_id, created_ms) VALUES ('l1', 't5g', 'abc', 1);"
    "INSERT INTO installation (id) VALUES ('installation');"
    "INSERT INTO users (id, created_ms) VALUES ('a@b.example', 1);"
    "INSERT INTO sessions VALUES ('" HEX64 "', 'a@b.example', 0, 1, 1, 1);"
    "INSERT INTO erasures (id, tenant_id, site_id, kind, value, actor, asked_ms, due_ms)"
    " VALUES ('e1', 't5g', 'abc', 2, '/secret', 'cli', 1, 1);"
    "INSERT INTO tokens (id, platform, scopes, hash, created_ms, expires_ms)"
    " VALUES ('k1', 1, 1, zeroblob(32), 6, 0);"
    "INSERT INTO annotations VALUES ('abc/2026-03-01', 't5g', 'abc', 'x');";

static void other_rows_have_their_bounds_as_constraints(void **state)
{
    static const struct {
        const char *table, *good, *bad;
    } bounds[] = {
        {"tenants", "events_per_second = 1000000000", "events_per_second = 1000000001"},
        {"tenants", "events_per_second = 0", "events_per_second = -1"},
        {"tenants", "events_per_month = 1000000000000", "events_per_month = 1000000000001"},
        {"tenants", "events_per_month = 0", "events_per_month = -1"},
        {"tenants", "sites_max = 1000000", "sites_max = 1000001"},
        {"tenants", "sites_max = 0", "sites_max = -1"},
        {"tenants", "reads_per_minute = 1000000", "reads_per_minute = 1000001"},
        {"tenants", "reads_per_minute = 0", "reads_per_minute = -1"},
        {"tenants", "embed_origins = '[]'", "embed_origins = '{}'"},
        {"tenants", "settings = '{}'", "settings = '[]'"},
        {"tenants", "settings = json_object('a', substr(hex(zeroblob(40000)), 1, 65528))",
         "settings = json_object('a', substr(hex(zeroblob(40000)), 1, 65529))"},
        {"tenants", "erase_ms = 0", "erase_ms = -1"},
        {"tokens", "name = substr(hex(zeroblob(200)), 1, 200)",
         "name = substr(hex(zeroblob(200)), 1, 201)"},
        {"links", "name = substr(hex(zeroblob(200)), 1, 200)",
         "name = substr(hex(zeroblob(200)), 1, 201)"},
        {"links", "password = substr(hex(zeroblob(200)), 1, 128)",
         "password = substr(hex(zeroblob(200)), 1, 129)"},
        {"links", "expires_ms = 0", "expires_ms = -1"},
        {"links", "id = substr(hex(zeroblob(200)), 1, 64)",
         "id = substr(hex(zeroblob(200)), 1, 65)"},
        {"links", "id = 'l1'", "id = 'l 1'"},
        {"links", "site_id = 'abc'", "site_id = 'xyz'"},
        {"installation", "settings = '{}'", "settings = 'x'"},
        {"installation", "id = 'installation'", "id = 'other'"},
        {"users", "name = substr(hex(zeroblob(200)), 1, 200)",
         "name = substr(hex(zeroblob(200)), 1, 201)"},
        {"users", "password = substr(hex(zeroblob(200)), 1, 128)",
         "password = substr(hex(zeroblob(200)), 1, 129)"},
        {"users", "totp = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'", "totp = 'a'"},
        {"users", "totp = replace(substr(hex(zeroblob(200)), 1, 128), '0', 'A')",
         "totp = replace(substr(hex(zeroblob(200)), 1, 129), '0', 'A')"},
        {"users", "totp_step = 0", "totp_step = -1"},
        {"users", "admin = 1", "admin = 2"},
        {"users", "memberships = '[]'", "memberships = '{}'"},
        {"users", "payload_id = substr(hex(zeroblob(200)), 1, 200)",
         "payload_id = substr(hex(zeroblob(200)), 1, 201)"},
        {"users", "signed_in_ms = 0", "signed_in_ms = -1"},
        {"sessions", "kind = 2", "kind = 3"},
        {"sessions", "kind = 0", "kind = -1"},
        {"sessions", "expires_ms = 0", "expires_ms = -1"},
        {"sessions", "seen_ms = 0", "seen_ms = -1"},
        {"sessions", "id = replace(id, '0', 'f')", "id = substr(id, 2)"},
        {"sessions", "id = replace(id, 'f', '0')", "id = upper(id)"},
        {"sessions", "user_id = 'a@b.example'", "user_id = NULL"},
        {"sessions", "user_id = NULL, kind = 3", "user_id = 'nobody@b.example'"},
        {"erasures", "kind = 4", "kind = 5"},
        {"erasures", "kind = 2", "kind = 1"},
        {"erasures", "value = substr(hex(zeroblob(2000)), 1, 2000)",
         "value = substr(hex(zeroblob(2000)), 1, 2001)"},
        {"erasures", "value = '', done_ms = 1", "value = ''"},
        {"erasures", "actor = substr(hex(zeroblob(200)), 1, 300)",
         "actor = substr(hex(zeroblob(200)), 1, 301)"},
        {"erasures", "asked_ms = 0", "asked_ms = -1"},
        {"erasures", "due_ms = 0", "due_ms = -1"},
        {"erasures", "rows = '{}'", "rows = '[]'"},
        {"erasures", "nodes = '{}'", "nodes = '1'"},
        {"erasures", "site_id = substr(hex(zeroblob(200)), 1, 64)", "site_id = ''"},
        {"annotations", "text = substr(hex(zeroblob(80)), 1, 80)",
         "text = substr(hex(zeroblob(80)), 1, 81)"},
        {"annotations", "text = replace(substr(hex(zeroblob(80)), 1, 80), '0', char(252))",
         "text = replace(substr(hex(zeroblob(80)), 1, 81), '0', char(252))"},
        {"annotations", "text = 'a b'", "text = 'a' || char(9) || 'b'"},
        {"annotations", "text = 'a' || char(126)", "text = 'a' || char(127)"},
        {"annotations", "text = 'a' || char(160)", "text = 'a' || char(159)"},
        {"annotations", "text = 'x'", "text = ''"},
        {"annotations", "id = 'abc/2026-12-31'", "id = 'abc/2026-12-41'"},
        {"annotations", "id = 'abc/2026-03-01'", "id = 'xyz/2026-03-01'"},
        {"annotations", "id = 'abc/2026-03-02'", "id = 'abc-2026-03-02'"},
        {"annotations", "site_id = 'abc'", "site_id = 'xyz', id = 'xyz/2026-03-01'"},
    };
    struct fixture *f = *state;
    char sql[256];

    put_site(f, "abc");
    assert_int_equal(execute(f, ROWS_OF_OTHER_KINDS), SQLITE_OK);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        (void)snprintf(sql, sizeof(sql), "UPDATE %s SET %s", bounds[i].table, bounds[i].bad);
        if (execute(f, sql) != SQLITE_CONSTRAINT)
            fail_msg("taken: %s", sql);
        (void)snprintf(sql, sizeof(sql), "UPDATE %s SET %s", bounds[i].table, bounds[i].good);
        if (execute(f, sql) != SQLITE_OK)
            fail_msg("refused: %s", sql);
    }
}

static void a_site_never_changes_its_id_or_tenant(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    assert_int_equal(execute(f, "INSERT INTO tenants (id, name, active, created_ms)"
                                " VALUES ('else', 'Else', 1, 0)"),
                     SQLITE_OK);
    assert_int_equal(execute(f, "UPDATE analytics_settings SET site_id = 'x'"), SQLITE_CONSTRAINT);
    assert_int_equal(execute(f, "UPDATE analytics_settings SET tenant_id = 'else'"),
                     SQLITE_CONSTRAINT);
    assert_int_equal(execute(f, "UPDATE analytics_settings SET site_id = 'abc', tenant_id = 't5g'"),
                     SQLITE_OK);
}

static void settings_written_by_others_keep_names_unique_and_are_noticed(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    put_site(f, "xyz");
    int64_t before = counter_of(f, COUNTER_DIRECTORY);

    assert_int_equal(
        execute(f,
                "UPDATE analytics_settings SET tracking_ids = '[\"pub\"]' WHERE site_id = 'abc'"),
        SQLITE_OK);
    assert_true(counter_of(f, COUNTER_DIRECTORY) > before);
    assert_int_equal(
        execute(f,
                "UPDATE analytics_settings SET tracking_ids = '[\"pub\"]' WHERE site_id = 'xyz'"),
        SQLITE_CONSTRAINT);
    assert_int_equal(
        execute(f,
                "UPDATE analytics_settings SET tracking_ids = '[\"abc\"]' WHERE site_id = 'xyz'"),
        SQLITE_CONSTRAINT);
    assert_int_equal(
        execute(f, "UPDATE analytics_settings SET tracking_ids = NULL WHERE site_id = 'abc'"),
        SQLITE_OK);
    assert_int_equal(
        execute(f,
                "UPDATE analytics_settings SET tracking_ids = '[\"pub\"]' WHERE site_id = 'xyz'"),
        SQLITE_OK);
}

static void daily_stats_have_a_readable_id_and_date(void **state)
{
    struct fixture *f = *state;
    struct stats_row row = {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 2}};

    assert_ok(
        f, store_commit(f->store, &(struct store_batch){.days = &row, .days_count = 1}, &f->err));
    /* 20,000 days after 1970-01-01 is 2024-10-04. */
    assert_int_equal(number(f, "SELECT count(*) FROM analytics_daily_stats"
                               " WHERE id = 't5g-abc-20241004' AND date = '2024-10-04'"),
                     1);
}

/* -- audit and privacy ------------------------------------------------------------------------- */

static void each_change_has_one_line_in_the_audit_log(void **state)
{
    struct fixture *f = *state;
    struct expiry_general general = nothing_general;
    struct site_row other = site_named("abc", "else");

    put_site(f, "abc");
    put_site(f, "abc");
    assert_int_equal(store_put_site(f->store, &other, &somebody, &f->err), ERR_CONFLICT);
    assert_int_equal(store_set_site(f->store, &other, &somebody, &f->err), ERR_NOTFOUND);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log WHERE at_ms = 5000 AND actor = 'cli'"
                               " AND action = 'site.put' AND target = 'abc'"),
                     1);
    struct site_row changed = site_named("abc", "t5g");

    changed.enabled = false;
    for (int i = 0; i < 2; i++)
        assert_ok(f, store_set_site(f->store, &changed, &somebody, &f->err));
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log WHERE action = 'site.set'"
                               " AND target = 'abc'"),
                     1);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log"), 3);
    general.audit_before_ms = 5000;
    expire(f, NULL, &general);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log"), 3);
    general.audit_before_ms = 5001;
    expire(f, NULL, &general);
    assert_int_equal(number(f, "SELECT count(*) FROM audit_log"), 0);
}

/* Each counts as 50 of the 10,000 rows of a call. */
static void a_call_removes_200_parts_of_packs(void **state)
{
    enum { PARTS = 201 };
    struct fixture *f = *state;
    struct pack_part parts[PARTS];
    struct expiry stats = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MIN, DAY + 1};
    bool more = false;

    for (int32_t i = 0; i < PARTS; i++)
        parts[i] = (struct pack_part){STR("abc"), DAY, i, STR("bytes")};
    assert_ok(f, store_commit(f->store, &(struct store_batch){.packs = parts, .packs_count = PARTS},
                              &f->err));
    assert_ok(f, store_expire(f->store, &stats, 1, NULL, 0, &more, &f->err));
    assert_true(more);
    assert_int_equal(number(f, "SELECT count(*) FROM packs"), 1);
    assert_ok(f, store_expire(f->store, &stats, 1, NULL, 0, &more, &f->err));
    assert_false(more);
    assert_int_equal(number(f, "SELECT count(*) FROM packs"), 0);
}

static void salts_are_not_in_the_database(void **state)
{
    struct fixture *f = *state;
    struct salts salts = {0};

    assert_ok(f, store_salts(f->store, DAY_START, &salts, &f->err));
    assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%salt%'"), 0);
}

/* -- the write-ahead log ----------------------------------------------------------------------- */

enum { MEGABYTE = 1024 * 1024 };

static off_t wal_bytes(const struct fixture *f)
{
    char path[128];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/abacus.db-wal", f->dir);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* `count` transactions of 50 rows with a title of 20,000 bytes: more than a megabyte each. */
static void commit_megabytes(struct fixture *f, int count)
{
    char title[20000];
    struct event events[CRASH_EVENTS];

    memset(title, 'x', sizeof(title));
    for (int i = 0; i < CRASH_EVENTS; i++) {
        events[i] = pageview("abc", DAY_START, "/");
        events[i].title = (struct str){title, sizeof(title)};
    }
    for (int i = 0; i < count; i++)
        assert_ok(f, store_commit(f->store,
                                  &(struct store_batch){.events = pointers(f, events, CRASH_EVENTS),
                                                        .events_count = CRASH_EVENTS},
                                  &f->err));
}

static void the_log_of_writes_begins_anew_when_it_is_written_back(void **state)
{
    struct fixture *f = *state;

    commit_megabytes(f, 24);
    assert_true(wal_bytes(f) < 12 * MEGABYTE);
    assert_true(wal_bytes(f) > MEGABYTE);
}

static void a_log_that_a_reader_kept_from_that_is_cut_by_the_next_run(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    int64_t counters[COUNTERS];

    assert_ok(f, store_read_begin(reader, &f->err));
    assert_ok(f, store_counters(reader, counters, &f->err));
    commit_megabytes(f, 40);
    assert_true(wal_bytes(f) > 32 * MEGABYTE);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 1, 1, &f->err));
    assert_true(wal_bytes(f) > 32 * MEGABYTE);
    store_read_end(reader);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 2, 2, &f->err));
    assert_true(wal_bytes(f) < MEGABYTE);
    store_close(&reader);
}

/* -- disks that are full or fail --------------------------------------------------------------- */

static void a_full_disk_takes_nothing_and_recovers(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = sqlite_of(f->store)->db;
    struct balance balance;

    assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
    for (uint64_t n = 0; f->err.text[0] == '\0'; n += CRASH_EVENTS)
        if (commit_numbered(f->store, n, &f->err) != 0)
            break;
    assert_ok(f, store_balance(f->store, &balance, &f->err));
    uint64_t n = (uint64_t)balance.committed;

    assert_int_equal(commit_numbered(f->store, n, &f->err), ERR_FULL);
    assert_ok(f, store_balance(f->store, &balance, &f->err));
    assert_true((uint64_t)balance.committed == n && (uint64_t)balance.ledger_records == n);
    assert_int_equal(raw_rows(f, "abc"), n);
    assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_ok(f, commit_numbered(f->store, n, &f->err));
}

/* In a child, so that the limit is its own: what a write of the log beyond the file's size gives,
 * which happens within COMMIT, since until then the batch's pages are in memory. */
static int commit_with_a_failing_log(const struct fixture *f)
{
    struct store *store = open_again(f, false);
    struct rlimit limit = {.rlim_cur = (rlim_t)wal_bytes(f), .rlim_max = RLIM_INFINITY};
    struct err err;

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 0;
    return commit_numbered(store, 0, &err);
}

static void the_fate_of_a_commit_that_could_not_be_written_is_uncertain(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(commit_with_a_failing_log(f) == ERR_UNCERTAIN ? 0 : 1);
    (void)waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_ok(f, commit_numbered(f->store, 0, &f->err));
    assert_int_equal(raw_rows(f, "abc"), CRASH_EVENTS);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_killed_process_leaves_whole_batches),
        TEST(a_row_that_a_trigger_refuses_leaves_nothing),
        TEST(readers_go_on_while_another_holds_the_write_lock),
        TEST(a_write_lock_held_too_long_is_unavailable_after_ten_seconds),
        TEST(the_job_makes_room_for_other_writers),
        TEST(the_version_sees_what_other_handles_write),
        TEST(a_stamp_is_the_same_for_every_handle),
        TEST(a_read_only_handle_refuses_to_write),
        TEST(a_read_only_handle_reads_what_a_killed_writer_left),
        TEST(a_read_only_handle_makes_no_file),
        TEST(a_newer_schema_is_refused),
        TEST(the_first_schema_is_migrated_and_keeps_how_far_it_saw),
        TEST(the_second_schema_is_migrated_and_its_days_are_due),
        TEST(the_third_schema_is_migrated_and_stores_no_address),
        TEST(the_fourth_schema_is_migrated_and_has_limits_and_a_key_to_sign_with),
        TEST(the_fifth_schema_is_migrated_and_its_sites_can_have_annotations),
        TEST(a_stored_address_is_a_cut_one_of_a_visitor),
        TEST(a_run_of_a_program_of_the_first_schema_counts_for_all_partitions),
        TEST(an_older_schema_is_not_migrated_by_a_reader),
        TEST(a_file_that_is_no_database_is_corrupt),
        TEST(programs_that_start_together_migrate_once),
        TEST(edits_of_one_row_at_the_same_time_lose_nothing),
        TEST(what_changes_nothing_is_no_new_version),
        TEST(a_reader_edits_nothing),
        TEST(its_files_are_the_owners_alone),
        TEST(settings_have_their_bounds_as_constraints),
        TEST(other_rows_have_their_bounds_as_constraints),
        TEST(a_site_never_changes_its_id_or_tenant),
        TEST(settings_written_by_others_keep_names_unique_and_are_noticed),
        TEST(daily_stats_have_a_readable_id_and_date),
        TEST(each_change_has_one_line_in_the_audit_log),
        TEST(a_call_removes_200_parts_of_packs),
        TEST(salts_are_not_in_the_database),
        TEST(the_log_of_writes_begins_anew_when_it_is_written_back),
        TEST(a_log_that_a_reader_kept_from_that_is_cut_by_the_next_run),
        TEST(a_full_disk_takes_nothing_and_recovers),
        TEST(the_fate_of_a_commit_that_could_not_be_written_is_uncertain),
    };

    return cmocka_run_group_tests_name("store_sqlite", tests, NULL, NULL);
}
