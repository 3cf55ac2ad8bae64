/*
 * test_store_postgres_packs.c -- what only PostgreSQL does on the way to breakdowns: the second
 * schema on top of the first, the ways in which visits are written, visits read page by page, and
 * bounds that other programs meet.
 */
#include "test_postgres_support.h"

static void sql(const struct fixture *f, const char *text)
{
    sql_on(f->text.ptr, text);
}

static void assert_sql(const struct fixture *f, const char *text, const char *expected)
{
    char value[256];

    sql_value(f->text.ptr, text, value, sizeof(value));
    if (strcmp(value, expected) != 0)
        fail_msg("%s: \"%s\" is not \"%s\"", text, value, expected);
}

static void assert_refused(const struct fixture *f, const char *text, const char *sqlstate)
{
    PGconn *conn = postgres_connect(f->text.ptr);
    PGresult *result = PQexec(conn, text);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (state == NULL || strcmp(state, sqlstate) != 0)
        fail_msg("%s: %s is not %s", text, state == NULL ? "done" : state, sqlstate);
    PQclear(result);
    PQfinish(conn);
}

static void put_site(struct fixture *f, const char *id, const char *tenant)
{
    struct site_row row = site_named(id, tenant);

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* -- the first schema -------------------------------------------------------------------------- */

/* The schema's first file, which the program has in it. */
extern const struct str postgres_001;

/* abc has raw rows of a day, visits of that and another, and a visit whose raw rows are gone; xyz
 * has raw rows of a day that began in the UTC day before. */
static const char FIRST_ROWS[] =
    "INSERT INTO secrets VALUES ('id_key', decode('00112233445566778899aabbccddeeff', 'hex'));"
    "SELECT make_days(ARRAY[date '2024-10-04', date '2024-10-05']);"
    "UPDATE leases SET holder = 'old', epoch = 5, until = clock_timestamp() + interval '9 s';"
    "INSERT INTO tenants VALUES ('t5g', 'T', true, 1);"
    "INSERT INTO analytics_settings (site_id, tenant_id, domain, tracking_ids, raw_days)"
    " VALUES ('abc', 't5g', 'example.com', '[\"pub1\"]', 9), ('xyz', 't5g', 'b.example', NULL, "
    "NULL);"
    "INSERT INTO analytics_events (site_id, \"timestamp\", tenant_id, type, day, path, count)"
    " VALUES ('abc', '2024-10-04 10:00+00', 't5g', 'pageview', '2024-10-04', '/', 1),"
    " ('abc', '2024-10-04 11:00+00', 't5g', 'pageview', '2024-10-04', '/', 1),"
    " ('xyz', '2024-10-04 23:00+00', 't5g', 'pageview', '2024-10-05', '/', 1),"
    " ('xyz', '2024-10-05 01:00+00', 't5g', 'pageview', '2024-10-05', '/', 1);"
    "INSERT INTO visits VALUES ('abc', 20000, 5, 1, 0, 0, 2, 1, 20000, 0, 2, 0),"
    " ('abc', 20003, 6, 1, 0, 0, 9, 1, 20003, 0, 1, 3);"
    "INSERT INTO closed_visits VALUES ('abc', 19000, 77, 1, 1, 2, 1, 0);";

/* As a program left it that knew the first file alone, and just counts. */
static void make_first_schema(struct fixture *f)
{
    struct buf text = {0};

    buf_addf(&text, "CREATE SCHEMA analytics; SET search_path = analytics, pg_catalog; %.*s; %s",
             STR_FMT(postgres_001), FIRST_ROWS);
    sql(f, text.ptr);
    buf_release(&text);
}

static void the_first_schema_is_migrated_and_its_days_are_due(void **state)
{
    static const struct site_day expected[] = {
        {{"abc", 3}, 20000}, {{"abc", 3}, 20003}, {{"xyz", 3}, 20001}};
    struct fixture *f = *state;
    struct directory_rows rows;
    struct site_day *days;
    struct visit *visits;
    size_t count;

    make_first_schema(f);
    f->store = open_again(f, false);
    assert_sql(f, "SELECT max(number) FROM analytics.migrations", "5");
    assert_ok(f, store_check(f->store, &f->err));
    assert_ok(
        f, store_load_due(f->store, PARTITIONS_ALL, INT32_MAX, &f->arena, &days, &count, &f->err));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_eq(days[i].site, expected[i].site));
        assert_int_equal(days[i].day, expected[i].day);
    }
    assert_int_equal(load_visits_of(f, 20003, 6, &visits), 1);
    assert_int_equal(visits->end_ms, 9);
    assert_int_equal(visits->others, 3);
    assert_int_equal(visits->last_day, 0);
    assert_int_equal(visits->entry_ms + visits->exit_ms, 0);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        assert_int_equal(visits->texts[i].len, 0);
    assert_int_equal(raw_rows(f, "abc"), 2);
    assert_sql(f, "SELECT count(*) FROM pg_class WHERE relname = 'closed_visits'", "0");
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.sites_count, 2);
    assert_str(rows.sites[0].tracking_ids, "[\"pub1\"]");
    assert_int_equal(rows.sites[0].raw_days, 9);
    assert_str(rows.sites[0].goals, "");
}

/* It would write rows and leave their days as they are. */
static void a_program_that_knows_the_first_schema_alone_counts_no_more(void **state)
{
    struct fixture *f = *state;

    make_first_schema(f);
    f->store = open_again(f, false);
    /* Taken away by each of the three that follow. */
    assert_sql(f, "SELECT count(*) FROM analytics.leases WHERE holder IS NULL AND epoch = 8", "16");
    /* With what it was given before, and when it asks again. */
    assert_refused(f, "SELECT analytics.hold_leases('{3}', '{5}', 10000, '{}', '{}')", "AB001");
    assert_refused(f, "SELECT * FROM analytics.take_leases(65535, 1, 'old', 10000)", "42883");
}

static void a_program_that_was_there_before_a_newer_schema_takes_no_lease(void **state)
{
    struct fixture *f = *state;
    uint32_t got = 0;

    sql(f, "INSERT INTO analytics.migrations (number, works_from) VALUES (6, 5)");
    assert_ok(f, store_lease(f->store, 1, true, false, &got, &f->err));
    assert_int_equal(got, 1);
    store_unlease(f->store);
    sql(f, "UPDATE analytics.migrations SET works_from = 6 WHERE number = 6");
    /* ERR_CONFLICT would say that somebody else counts. */
    assert_int_equal(store_lease(f->store, 1, true, true, &got, &f->err), ERR_SYSTEM);
    assert_non_null(strstr(f->err.text, "newer"));
}

static void who_may_read_the_first_schema_may_read_the_second(void **state)
{
    struct fixture *f = *state;
    char text[256];

    make_first_schema(f);
    (void)snprintf(text, sizeof(text),
                   "CREATE USER \"%s r\"; GRANT USAGE ON SCHEMA analytics TO \"%s r\";"
                   "GRANT SELECT ON analytics.visits TO \"%s r\"",
                   f->dir + 5, f->dir + 5, f->dir + 5);
    sql(f, text);
    f->store = open_again(f, false);
    (void)snprintf(
        text, sizeof(text),
        "SELECT string_agg(table_name || ' ' || privilege_type, ', ' ORDER BY table_name)"
        " FROM information_schema.role_table_grants WHERE grantee = '%s r'",
        f->dir + 5);
    assert_sql(f, text, "due_days SELECT, goals_counted SELECT, packs SELECT, visits SELECT");
    (void)snprintf(text, sizeof(text), "DROP OWNED BY \"%s r\"; DROP USER \"%s r\"", f->dir + 5,
                   f->dir + 5);
    sql(f, text);
}

/* -- visits are written in three ways ---------------------------------------------------------- */

static struct visit visit_with(uint64_t visitor, const char *entry, const char *exit)
{
    struct visit visit = visit_of(visitor, DAY_START, 1);

    visit.last_day = DAY;
    visit.entry_ms = visit.exit_ms = DAY_START;
    visit.texts[TRAIT_SOURCE] = STR("Google");
    visit.texts[VISIT_ENTRY_PATH] = str_from(entry);
    visit.texts[VISIT_EXIT_PATH] = str_from(exit);
    return visit;
}

/* What it goes on with is all that may change where the entry is the same. */
static struct visit gone_on(struct visit visit, const char *exit)
{
    visit.end_ms += 5000;
    visit.last_day++;
    visit.pageviews++;
    visit.others += 7;
    visit.exit_ms += 4000;
    visit.texts[VISIT_EXIT_PATH] = str_from(exit);
    return visit;
}

static void assert_visit(struct fixture *f, const struct visit *expected)
{
    struct visit *out;

    assert_int_equal(load_visits(f, expected->key.visitor, &out), 1);
    assert_true(out->key.begin_ms == expected->key.begin_ms);
    assert_true(out->before == expected->before);
    assert_int_equal(out->before_day, expected->before_day);
    assert_int_equal(out->end_ms, expected->end_ms);
    assert_int_equal(out->first_ms, expected->first_ms);
    assert_int_equal(out->first_day, expected->first_day);
    assert_int_equal(out->first_hour_ms, expected->first_hour_ms);
    assert_int_equal(out->last_day, expected->last_day);
    assert_int_equal(out->pageviews, expected->pageviews);
    assert_int_equal(out->others, expected->others);
    assert_int_equal(out->entry_ms, expected->entry_ms);
    assert_int_equal(out->exit_ms, expected->exit_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        if (!str_eq(out->texts[i], expected->texts[i]))
            fail_msg("%s: \"%.*s\" is not \"%.*s\"", visit_text_names[i], STR_FMT(out->texts[i]),
                     STR_FMT(expected->texts[i]));
}

static void take_leases(struct fixture *f)
{
    uint32_t got = 0;

    assert_ok(f, store_lease(f->store, PARTITIONS_ALL, true, false, &got, &f->err));
}

static void look_up(struct fixture *f, uint64_t visitor)
{
    struct visit *out;

    (void)load_visits(f, visitor, &out);
}

static void a_visit_that_was_looked_up_goes_on(void **state)
{
    struct fixture *f = *state;
    struct visit visit = visit_with(1, "/in", "/in");

    take_leases(f);
    look_up(f, 1);
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    assert_visit(f, &visit);
    visit = gone_on(visit, "/out");
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    assert_visit(f, &visit);
    visit = gone_on(visit, "");
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    assert_visit(f, &visit);
}

/* Each member that belongs to the entry, changed alone. */
static void an_earlier_event_changes_the_entry(void **state)
{
    struct fixture *f = *state;
    struct visit first = visit_with(1, "/in", "/out");
    struct visit changed[6 + VISIT_TEXTS];

    take_leases(f);
    for (size_t i = 0; i < 6 + VISIT_TEXTS; i++) {
        struct visit *c = &changed[i];
        int64_t *const numbers[] = {&c->first_ms, &c->first_hour_ms, &c->entry_ms};

        *c = gone_on(visit_with(i + 1, "/in", "/out"), "/end");
        if (i < 3)
            *numbers[i] -= 2;
        c->first_day -= i == 3;
        c->before = i == 4 ? 9 : 0;
        c->before_day = i == 5 ? DAY - 1 : 0;
        if (i >= 6)
            c->texts[i - 6] = STR("another");
        first.key.visitor = i + 1;
        look_up(f, i + 1);
        commit(f, &(struct store_batch){.visits = &first, .visits_count = 1});
    }
    for (size_t i = 0; i < 6 + VISIT_TEXTS; i++)
        look_up(f, i + 1);
    commit(f, &(struct store_batch){.visits = changed, .visits_count = 6 + VISIT_TEXTS});
    for (size_t i = 0; i < 6 + VISIT_TEXTS; i++)
        assert_visit(f, &changed[i]);
}

static void a_visit_that_goes_and_comes_in_one_batch_is_there(void **state)
{
    struct fixture *f = *state;
    struct visit visits[] = {visit_with(1, "/in", "/in"), visit_with(2, "/in", "/in")};

    take_leases(f);
    look_up(f, 1);
    commit(f, &(struct store_batch){.visits = visits, .visits_count = 1});
    look_up(f, 1);
    look_up(f, 2);
    visits[0] = gone_on(visits[0], "/out");
    const struct visit_key gone[] = {visits[0].key, visits[1].key};

    commit(f,
           &(struct store_batch){
               .visits_gone = gone, .visits_gone_count = 2, .visits = visits, .visits_count = 2});
    assert_visit(f, &visits[0]);
    assert_visit(f, &visits[1]);
}

static void a_visit_that_retention_took_meanwhile_comes_back(void **state)
{
    struct fixture *f = *state;
    const struct expiry old = {STR("abc"), INT64_MIN, DAY + 1, INT32_MIN, INT32_MIN};
    struct visit visit = visit_with(1, "/in", "/in");
    struct visit *out;

    take_leases(f);
    look_up(f, 1);
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    look_up(f, 1);
    expire(f, &old, NULL);
    visit = gone_on(visit, "/out");
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    assert_visit(f, &visit);
    assert_int_equal(load_visits(f, 1, &out), 1);
}

/* -- visits are read page by page -------------------------------------------------------------- */

struct order {
    size_t count;
    struct visit_key last;
    bool wrong;
};

static int see_order(void *ctx, const struct visit *visit)
{
    struct order *order = ctx;
    int64_t a = (int64_t)order->last.visitor, b = (int64_t)visit->key.visitor;

    if (order->count > 0 && (a > b || (a == b && order->last.begin_ms >= visit->key.begin_ms)))
        order->wrong = true;
    order->last = visit->key;
    order->count++;
    return 0;
}

static void assert_read(struct fixture *f, size_t count)
{
    struct order order = {0};

    assert_ok(f,
              store_each_visit(f->store, STR("t5g"), STR("abc"), DAY, see_order, &order, &f->err));
    assert_int_equal(order.count, count);
    assert_false(order.wrong);
}

/* A page has 4,096 rows; every third visitor has two runs, so that pages end between them, too. */
static void each_visit_of_a_long_day_comes_once(void **state)
{
    enum { MOST = 8200 };
    static const size_t counts[] = {4095, 4096, 4097, 8192, 8193, MOST};
    struct fixture *f = *state;
    struct visit *visits = ARENA_NEW(&f->arena, struct visit, MOST);
    size_t there = 0;

    put_site(f, "abc", "t5g");
    for (size_t i = 0; i < MOST; i++)
        visits[i] = visit_of((uint64_t)(i / 4 * 3 + (i % 4 < 2 ? 0 : i % 4 - 1)) - 1000,
                             DAY_START + (int64_t)(i % 2) * HOUR_MS, 1);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        commit(f,
               &(struct store_batch){.visits = visits + there, .visits_count = counts[i] - there});
        there = counts[i];
        assert_read(f, there);
    }
}

/* -- days -------------------------------------------------------------------------------------- */

static void a_day_that_is_due_already_leaves_no_dead_row(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {{STR("abc"), DAY}, {STR("xyz"), DAY}};

    for (int i = 0; i < 3; i++)
        commit(f, &(struct store_batch){.due = due, .due_count = 1});
    commit(f, &(struct store_batch){.due = due, .due_count = 2});
    /* Behind the first row comes the second at once. */
    assert_sql(f, "SELECT string_agg(ctid::text, ' ') FROM analytics.due_days", "(0,1) (0,2)");
}

/* By which indexes parts were looked for, once this handle's session has ended and said so. */
static void assert_scanned(struct fixture *f, const char *indexes)
{
    char seen[256] = "";

    store_close(&f->store);
    for (int i = 0; i < 1200 && seen[0] == '\0'; i++) {
        (void)usleep(50 * 1000);
        sql_value(f->text.ptr,
                  "SELECT string_agg(indexrelname, ' ' ORDER BY indexrelname)"
                  " FROM pg_stat_user_indexes WHERE relname = 'packs' AND idx_scan > 0",
                  seen, sizeof(seen));
    }
    assert_string_equal(seen, indexes);
}

static void fill_packs(struct fixture *f)
{
    sql(f, "INSERT INTO analytics.packs SELECT 's' || s, d, p, '\\x00' FROM generate_series(1, 20)"
           " s, generate_series(1, 100) d, unnest(ARRAY[0, 1, 100, 101, 200, 201]) p;"
           " ANALYZE analytics.packs");
}

/* What is kept longer is not looked at. */
static void parts_of_events_are_found_by_their_index(void **state)
{
    struct fixture *f = *state;
    const struct expiry raw = {STR("s1"), INT64_MIN, 50, INT32_MIN, INT32_MIN};

    fill_packs(f);
    expire(f, &raw, NULL);
    assert_sql(f, "SELECT count(*) FROM analytics.packs", "11902");
    assert_scanned(f, "packs_of_events");
}

static void parts_of_visits_are_found_by_their_index(void **state)
{
    struct fixture *f = *state;
    const struct expiry visits = {STR("s1"), INT64_MIN, INT32_MIN, 50, INT32_MIN};

    fill_packs(f);
    expire(f, &visits, NULL);
    assert_sql(f, "SELECT count(*) FROM analytics.packs", "11902");
    assert_scanned(f, "packs_of_visits");
}

/* -- settings ---------------------------------------------------------------------------------- */

static void other_programs_keep_to_the_bounds_of_rules(void **state)
{
    static const char *const columns[] = {"goals", "path_rules"};
    static const struct {
        const char *value;
        bool good;
    } cases[] = {
        {"'{}'", false},
        {"'[\"a\"]'", false},
        {"'[{}, []]'", false},
        {"'[]'", true},
        {"'[{\"a\": \" , \"}, {\"b\": [1, 2]}]'", true},
        {"NULL", true},
        /* [{"k":"..."}] has 10 bytes beside the text; what the server writes has a space more. */
        {"jsonb_build_array(jsonb_build_object('k', repeat(' ', 65526)))", true},
        {"jsonb_build_array(jsonb_build_object('k', repeat(' ', 65527)))", false},
        {"jsonb_build_array(jsonb_build_object('k', repeat('\"', 32763)))", true},
        {"jsonb_build_array(jsonb_build_object('k', repeat('\"', 32764)))", false},
    };
    struct fixture *f = *state;
    char text[256];

    put_site(f, "abc", "t5g");
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            (void)snprintf(text, sizeof(text), "UPDATE analytics.analytics_settings SET %s = %s",
                           columns[c], cases[i].value);
            if (cases[i].good)
                sql(f, text);
            else
                assert_refused(f, text, "23514");
        }
    assert_refused(f, "UPDATE analytics.analytics_settings SET blocked_countries = '[1]'", "23514");
    assert_refused(f, "UPDATE analytics.analytics_settings SET blocked_referrers = '{}'", "23514");
    sql(f, "UPDATE analytics.analytics_settings SET blocked_countries = '[\"KP\"]',"
           " blocked_referrers = '[]'");
}

#define ON_EMPTY_DATABASE(test)                                                                    \
    {                                                                                              \
        "postgres: " #test, test, set_up_empty_database, tear_down_postgres, NULL                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EMPTY_DATABASE(the_first_schema_is_migrated_and_its_days_are_due),
        ON_EMPTY_DATABASE(a_program_that_knows_the_first_schema_alone_counts_no_more),
        ON_POSTGRES(a_program_that_was_there_before_a_newer_schema_takes_no_lease),
        ON_EMPTY_DATABASE(who_may_read_the_first_schema_may_read_the_second),
        ON_POSTGRES(a_visit_that_was_looked_up_goes_on),
        ON_POSTGRES(an_earlier_event_changes_the_entry),
        ON_POSTGRES(a_visit_that_goes_and_comes_in_one_batch_is_there),
        ON_POSTGRES(a_visit_that_retention_took_meanwhile_comes_back),
        ON_POSTGRES(each_visit_of_a_long_day_comes_once),
        ON_POSTGRES(a_day_that_is_due_already_leaves_no_dead_row),
        ON_POSTGRES(parts_of_events_are_found_by_their_index),
        ON_POSTGRES(parts_of_visits_are_found_by_their_index),
        ON_POSTGRES(other_programs_keep_to_the_bounds_of_rules),
    };

    return run_with_postgres("store_postgres_packs", tests, sizeof(tests) / sizeof(tests[0]));
}
