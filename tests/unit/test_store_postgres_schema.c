/*
 * test_store_postgres_schema.c -- the schema of the PostgreSQL backend: who makes it, what keeps it
 * right when other programs write, who hears of it, and which rights are enough.
 */
#include "test_postgres_support.h"

#include "base/clock.h"

#include <sys/wait.h>

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

/* The SQLSTATE with which the server refuses it. */
static void assert_refused(const char *url, const char *text, const char *sqlstate)
{
    PGconn *conn = postgres_connect(url);
    PGresult *result = PQexec(conn, text);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (state == NULL || strcmp(state, sqlstate) != 0)
        fail_msg("%s: %s is not %s", text, state == NULL ? "done" : state, sqlstate);
    PQclear(result);
    PQfinish(conn);
}

static int open_url(struct str url, bool read_only, struct store **out, struct err *err)
{
    struct store_config config = {.url = url, .data_dir = STR(""), .read_only = read_only};

    return store_open(&config, out, err);
}

static void put_site(struct fixture *f, const char *id, const char *tenant)
{
    struct site_row row = site_named(id, tenant);

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* -- migrations -------------------------------------------------------------------------------- */

enum { TOGETHER = 6 };

static void handles_that_open_together_make_one_schema(void **state)
{
    struct fixture *f = *state;
    pid_t children[TOGETHER];

    for (int i = 0; i < TOGETHER; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct store *store = NULL;
            int rc = open_url(f->url, false, &store, &f->err);

            if (rc != 0)
                (void)fprintf(stderr, "%s\n", f->err.text);
            _exit(rc == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < TOGETHER; i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_sql(f, "SELECT count(*) FROM analytics.migrations", "5");
    assert_sql(f, "SELECT count(*) FROM analytics.leases", "16");
    assert_sql(f, "SELECT octet_length(value) FROM analytics.secrets WHERE name = 'id_key'", "16");
    assert_sql(f, "SELECT octet_length(value) FROM analytics.secrets WHERE name = 'signing_key'",
               "32");
}

static void a_new_schema_has_the_days_around_today(void **state)
{
    struct fixture *f = *state;

    /* From 31 days back to 7 ahead; "2000-01-01" in a bound is the day's first instant. */
    assert_sql(f,
               "SELECT count(*) FROM generate_series(date (now() AT TIME ZONE 'UTC') - 31,"
               " date (now() AT TIME ZONE 'UTC') + 7, interval '1 day') AS day WHERE EXISTS (SELECT"
               " FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
               " WHERE inhparent = 'analytics.analytics_events'::regclass AND"
               " pg_get_expr(relpartbound, c.oid) LIKE '%FROM (''' || to_char(day, 'YYYY-MM-DD') ||"
               " ' 00:00:00%')",
               "39");
}

static void a_schema_of_a_newer_program_is_used_only_where_it_says_so(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;

    sql(f, "INSERT INTO analytics.migrations (number, works_from) VALUES (6, 5)");
    assert_ok(f, open_url(f->url, false, &store, &f->err));
    store_close(&store);
    sql(f, "UPDATE analytics.migrations SET works_from = 6 WHERE number = 6");
    assert_int_equal(open_url(f->url, false, &store, &f->err), ERR_CONFLICT);
    assert_int_equal(open_url(f->url, true, &store, &f->err), ERR_CONFLICT);
    assert_sql(f, "SELECT max(number) FROM analytics.migrations", "6");
}

/* The schema's files, which the program has in it. */
extern const struct str postgres_001, postgres_002, postgres_003, postgres_004;

/* What a program that knew two files left, which just counts: a site, and a raw row of a day. */
static const char SECOND_ROWS[] =
    "INSERT INTO secrets VALUES ('id_key', decode('00112233445566778899aabbccddeeff', 'hex'));"
    "SELECT make_days(ARRAY[date '2024-10-04']);"
    "UPDATE leases SET holder = 'old', epoch = 5, until = clock_timestamp() + interval '9 s';"
    "INSERT INTO tenants VALUES ('t5g', 'T', true, 1);"
    "INSERT INTO analytics_settings (site_id, tenant_id, domain, goals)"
    " VALUES ('abc', 't5g', 'example.com', '[]');"
    "INSERT INTO analytics_events (site_id, \"timestamp\", tenant_id, type, day, visitor, path,"
    " count) VALUES ('abc', '2024-10-04 10:00+00', 't5g', 'pageview', '2024-10-04', 7, '/', 1);";

static void make_second_schema(struct fixture *f)
{
    struct buf text = {0};

    buf_addf(&text,
             "CREATE SCHEMA analytics; SET search_path = analytics, pg_catalog; %.*s; %.*s; %s",
             STR_FMT(postgres_001), STR_FMT(postgres_002), SECOND_ROWS);
    sql(f, text.ptr);
    buf_release(&text);
}

/* The file of a day's table, another one once it was rewritten. */
#define FILE_OF_A_DAY "SELECT pg_relation_filenode('analytics.analytics_events_20241004'::regclass)"

static void the_second_schema_is_migrated_and_no_row_is_written_again(void **state)
{
    struct fixture *f = *state;
    struct event cut = pageview("abc", DAY_START, "/");
    struct directory_rows rows;
    struct event_row *events;
    size_t count;
    char before[32];

    make_second_schema(f);
    sql_value(f->text.ptr, FILE_OF_A_DAY, before, sizeof(before));
    f->store = open_again(f, false);
    assert_sql(f, FILE_OF_A_DAY, before);
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
    assert_str(events[0].event.prefix, "192.0.2.0/24");
    assert_true(events[1].event.visitor == 7);
    assert_str(events[1].event.prefix, "");
}

/* It would write rows without addresses, and meet goals by other paths. */
static void a_program_that_knows_two_schemas_tracks_and_reads_and_counts_no_more(void **state)
{
    struct fixture *f = *state;

    make_second_schema(f);
    f->store = open_again(f, false);
    /* Taken away by each of the two that follow. */
    assert_sql(f, "SELECT count(*) FROM analytics.leases WHERE holder IS NULL AND epoch = 7", "16");
    assert_refused(f->text.ptr, "SELECT analytics.hold_leases('{3}', '{5}', 10000, '{}', '{}')",
                   "AB001");
    assert_refused(f->text.ptr, "SELECT * FROM analytics.take_leases(2, 65535, 1, 'old', 10000)",
                   "AB003");
    /* What it reads, and how it changes a setting. */
    assert_sql(f,
               "SELECT path FROM analytics.analytics_events WHERE tenant_id = 't5g'"
               " AND site_id = 'abc' AND \"timestamp\" >= '2024-10-04'",
               "/");
    sql(f, "UPDATE analytics.analytics_settings SET (domain, goals, stats_days) ="
           " ROW ('example.org', '[]'::jsonb, 7) WHERE site_id = 'abc'");
    assert_sql(f, "SELECT domain FROM analytics.analytics_settings", "example.org");
}

/* What a program that knew three files left, which just counts: whatever they have a table for. */
static const char THIRD_ROWS[] =
    "INSERT INTO secrets VALUES ('id_key', decode('00112233445566778899aabbccddeeff', 'hex'));"
    "SELECT make_days(ARRAY[date '2024-10-04']);"
    "UPDATE leases SET holder = 'old', epoch = 5, until = clock_timestamp() + interval '9 s';"
    "INSERT INTO tenants VALUES ('t5g', 'T', true, 1), ('u6h', 'U', false, 2);"
    "INSERT INTO analytics_settings (site_id, tenant_id, domain, tracking_ids, disabled_fields)"
    " VALUES ('abc', 't5g', 'example.com', '[\"pub\"]', '[\"title\"]');"
    "INSERT INTO tokens VALUES ('k', 't5g', 'abc', false, 3, repeat('h', 32)::bytea, 4, 5);"
    "INSERT INTO audit_log (at_ms, actor, action, target) VALUES (7, 'cli', 'site.put', 'abc');"
    "INSERT INTO analytics_events (site_id, \"timestamp\", tenant_id, type, day, path, count)"
    " VALUES ('abc', '2024-10-04 10:00+00', 't5g', 'pageview', '2024-10-04', '/', 1);"
    "INSERT INTO ledger VALUES ('abc', 20000, 0, '', 't5g', 1, 1);";

static void make_third_schema(struct fixture *f)
{
    struct buf text = {0};

    buf_addf(&text,
             "CREATE SCHEMA analytics; SET search_path = analytics, pg_catalog; %.*s; %.*s; %.*s;"
             " %s",
             STR_FMT(postgres_001), STR_FMT(postgres_002), STR_FMT(postgres_003), THIRD_ROWS);
    sql(f, text.ptr);
    buf_release(&text);
}

static void assert_tenants_of_the_third_schema(const struct directory_rows *rows)
{
    assert_int_equal(rows->tenants_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct tenant_row *row = &rows->tenants[i];

        assert_str(row->name, i == 0 ? "T" : "U");
        assert_true(row->active == (i == 0));
        assert_int_equal(row->created_ms, i + 1);
        assert_int_equal(row->events_per_second + row->events_per_month + row->sites_max, 0);
        assert_int_equal(row->reads_per_minute, 600);
        assert_str(row->embed_origins, "");
        assert_str(row->settings, "");
        assert_int_equal(row->erase_ms, 0);
    }
}

static void the_third_schema_is_migrated_and_what_is_new_has_its_defaults(void **state)
{
    const uint8_t id_key[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const uint8_t none[32] = {0};
    struct fixture *f = *state;
    struct directory_rows rows;
    struct audit_row *lines;
    char before[32];
    size_t count;

    make_third_schema(f);
    sql_value(f->text.ptr, FILE_OF_A_DAY, before, sizeof(before));
    f->store = open_again(f, false);
    assert_sql(f, FILE_OF_A_DAY, before);
    assert_ok(f, store_check(f->store, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_tenants_of_the_third_schema(&rows);
    assert_int_equal(rows.sites_count, 1);
    assert_str(rows.sites[0].tracking_ids, "[\"pub\"]");
    assert_str(rows.sites[0].disabled_fields, "[\"title\"]");
    assert_false(rows.sites[0].public_dashboard);
    assert_str(rows.sites[0].public_metrics, "");
    assert_str(rows.sites[0].pinned, "");
    assert_int_equal(rows.sites[0].events_per_month + rows.sites[0].erase_ms, 0);
    assert_int_equal(rows.tokens_count, 1);
    assert_str(rows.tokens[0].name, "");
    assert_str(rows.tokens[0].site, "abc");
    assert_int_equal(rows.tokens[0].scopes, 3);
    assert_int_equal(rows.links_count, 0);
    assert_str(rows.installation, "");
    assert_int_equal(rows.erased_ms, 0);
    assert_memory_equal(rows.id_key, id_key, 16);
    assert_memory_not_equal(rows.signing_key, none, 32);
    assert_ok(f, store_page_audit(f->store, STR(""), 0, 10, &f->arena, &lines, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str(lines[0].target, "abc");
    assert_str(lines[0].tenant, "");
}

/* To it a site without goals has the product's, and not those of its tenant; and it would count
 * what is left of a site that was erased in its own log. */
static void a_program_that_knows_three_schemas_tracks_and_reads_and_counts_no_more(void **state)
{
    struct fixture *f = *state;
    struct token_row token;

    make_third_schema(f);
    f->store = open_again(f, false);
    assert_sql(f, "SELECT count(*) FROM analytics.leases WHERE holder IS NULL AND epoch = 6", "16");
    assert_refused(f->text.ptr, "SELECT analytics.hold_leases('{3}', '{5}', 10000, '{}', '{}')",
                   "AB001");
    assert_refused(f->text.ptr, "SELECT * FROM analytics.take_leases(3, 65535, 1, 'old', 10000)",
                   "AB003");
    /* What it reads, and how it makes a tenant, a site and a token. */
    assert_sql(f,
               "SELECT string_agg(id || name || active || created_ms, ' ' ORDER BY id)"
               " FROM analytics.tenants",
               "t5gTtrue1 u6hUfalse2");
    sql(f, "INSERT INTO analytics.tenants (id, name, active, created_ms)"
           " VALUES ('new', 'N', true, 9);"
           "INSERT INTO analytics.analytics_settings (site_id, tenant_id, domain, created_ms)"
           " VALUES ('def', 'new', 'example.org', 9);"
           "INSERT INTO analytics.tokens (id, tenant_id, site_id, platform, scopes, hash,"
           " created_ms, expires_ms) VALUES ('l', 'new', 'def', false, 1,"
           " repeat('i', 32)::bytea, 9, 0);"
           "INSERT INTO analytics.audit_log (at_ms, actor, action, target)"
           " VALUES (9, 'cli', 'token.put', 'l')");
    assert_int_equal(store_get(f->store, ROW_TOKEN, STR("l"), &f->arena, &token, &f->err), 1);
    assert_str(token.tenant, "new");
    assert_str(token.name, "");
}

/* It counts the same, so it goes on; and what it removes takes its annotations along. */
static void a_program_that_knows_four_schemas_counts_on(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};

    make_third_schema(f);
    buf_addf(&text,
             "SET search_path = analytics, pg_catalog; %.*s;"
             "UPDATE leases SET holder = 'old', epoch = 9, until = clock_timestamp() + '9 s';"
             "GRANT SELECT, INSERT ON links TO PUBLIC",
             STR_FMT(postgres_004));
    sql(f, text.ptr);
    buf_release(&text);
    f->store = open_again(f, false);
    assert_sql(f, "SELECT count(*) FROM analytics.leases WHERE holder = 'old' AND epoch = 9", "16");
    sql(f, "UPDATE analytics.leases SET until = '-infinity'");
    assert_sql(f, "SELECT count(*) FROM analytics.take_leases(4, 65535, 1, 'older', 10000)", "16");
    assert_sql(f,
               "SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type)"
               " FROM information_schema.role_table_grants"
               " WHERE grantee = 'PUBLIC' AND table_name = 'annotations'",
               "INSERT SELECT");
    sql(f, "INSERT INTO analytics.annotations VALUES ('abc/2026-03-01', 't5g', 'abc', 'x');"
           "DELETE FROM analytics.tokens;"
           "DELETE FROM analytics.analytics_settings WHERE site_id = 'abc'");
    assert_sql(f, "SELECT count(*) FROM analytics.annotations", "0");
}

static void annotations_have_their_bounds_as_constraints(void **state)
{
    static const struct {
        const char *good, *bad;
    } bounds[] = {
        {"text = repeat('x', 80)", "text = repeat('x', 81)"},
        {"text = repeat(chr(127881), 80)", "text = repeat(chr(127881), 81)"},
        {"text = 'x'", "text = ''"},
        {"text = 'a b'", "text = 'a' || chr(9) || 'b'"},
        {"text = 'a' || chr(126)", "text = 'a' || chr(127)"},
        {"text = 'a' || chr(160)", "text = 'a' || chr(159)"},
        {"id = 'abc/2026-12-31'", "id = 'abc/2026-12-41'"},
        {"id = 'abc/2026-03-01'", "id = 'xyz/2026-03-01'"},
        {"id = 'abc/2026-03-02'", "id = 'abc-2026-03-02'"},
    };
    struct fixture *f = *state;
    char text[128];

    put_site(f, "abc", "t5g");
    sql(f, "INSERT INTO analytics.annotations VALUES ('abc/2026-03-01', 't5g', 'abc', 'x')");
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        (void)snprintf(text, sizeof(text), "UPDATE analytics.annotations SET %s", bounds[i].bad);
        assert_refused(f->text.ptr, text, "23514");
        (void)snprintf(text, sizeof(text), "UPDATE analytics.annotations SET %s", bounds[i].good);
        sql(f, text);
    }
}

/* ROLE, as in sql_with_role() below: one reads the tokens, and one reads what is no secret. */
static void who_reads_the_tokens_reads_the_rest_of_the_directory_and_no_people(void **state)
{
    static const char *const of_node[] = {"links", "installation", "erasures", "annotations"};
    static const char *const of_nobody[] = {"users", "sessions"};
    struct fixture *f = *state;
    char text[256];

    make_third_schema(f);
    (void)snprintf(text, sizeof(text),
                   "CREATE USER \"%s_node\"; CREATE USER \"%s_reader\";"
                   "GRANT SELECT ON analytics.tokens TO \"%s_node\";"
                   "GRANT SELECT ON analytics.visits, analytics.tenants TO \"%s_reader\"",
                   f->dir + 5, f->dir + 5, f->dir + 5, f->dir + 5);
    sql(f, text);
    f->store = open_again(f, false);
#define MAY_READ(role, table, expected)                                                            \
    (void)snprintf(text, sizeof(text),                                                             \
                   "SELECT has_table_privilege('%s_" role "', 'analytics.%s', 'SELECT')",          \
                   f->dir + 5, table);                                                             \
    assert_sql(f, text, expected)
    for (size_t i = 0; i < sizeof(of_node) / sizeof(of_node[0]); i++) {
        MAY_READ("node", of_node[i], "t");
        MAY_READ("reader", of_node[i], "f");
    }
    for (size_t i = 0; i < sizeof(of_nobody) / sizeof(of_nobody[0]); i++) {
        MAY_READ("node", of_nobody[i], "f");
        MAY_READ("reader", of_nobody[i], "f");
    }
#undef MAY_READ
    (void)snprintf(text, sizeof(text),
                   "DROP OWNED BY \"%s_node\", \"%s_reader\";"
                   "DROP USER \"%s_node\", \"%s_reader\"",
                   f->dir + 5, f->dir + 5, f->dir + 5, f->dir + 5);
    sql(f, text);
}

/* In days made before and after the migration. */
static void a_stored_address_is_a_cut_one_of_a_visitor(void **state)
{
    static const char *const good[] = {"192.0.2.0/24", "::/0", "0.0.0.0/0", "2001:db80:1111::/48"};
    static const char *const bad[] = {"",
                                      "192.0.2.1",
                                      "192.0.2.0/",
                                      "2001:db80:1111:2::/48",
                                      ":/0",
                                      "198.51.100.7 /24",
                                      "2001:DB8::/32",
                                      "example/24",
                                      "0.0.0.0/24x",
                                      "192.0.2.0/024",
                                      "192.0.2.0/24/24"};
    static const char *const days[] = {"2024-10-04", "2024-10-05"};
    struct fixture *f = *state;
    char text[512];

    make_second_schema(f);
    f->store = open_again(f, false);
    sql(f, "SELECT analytics.make_days(ARRAY[date '2024-10-05'])");
#define ADD                                                                                        \
    "INSERT INTO analytics.analytics_events (site_id, \"timestamp\", tenant_id, type, day,"        \
    " visitor, count, ip_prefix) VALUES ('abc', '%s 11:00+00', 't5g', 'pageview', '%s', %s, 1,"    \
    " '%s')"
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
            (void)snprintf(text, sizeof(text), ADD, days[d], days[d], "7", good[i]);
            sql(f, text);
            (void)snprintf(text, sizeof(text), ADD, days[d], days[d], "NULL", good[i]);
            assert_refused(f->text.ptr, text, "23514");
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            (void)snprintf(text, sizeof(text), ADD, days[d], days[d], "7", bad[i]);
            assert_refused(f->text.ptr, text, "23514");
        }
    }
#undef ADD
    assert_sql(f, "SELECT count(*) FROM analytics.analytics_events WHERE ip_prefix IS NOT NULL",
               "8");
}

static void a_reader_makes_no_schema(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;

    assert_int_equal(open_url(f->url, true, &store, &f->err), ERR_CONFLICT);
    assert_sql(f, "SELECT count(*) FROM pg_namespace WHERE nspname = 'analytics'", "0");
}

static void a_reader_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    struct site_row row = site_named("abc", "t5g");

    assert_int_equal(store_put_site(reader, &row, &somebody, &f->err), ERR_DENIED);
    store_close(&reader);
    assert_sql(f, "SELECT count(*) FROM analytics.tenants", "0");
}

static void make_latin1(const char *name)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "CREATE DATABASE \"%s\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", name);
    sql_on(postgres_server(), text);
}

static void a_database_of_another_encoding_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    char name[80], text[160];
    struct buf url = {0};

    (void)snprintf(name, sizeof(name), "%s_latin1", f->dir + 5);
    make_latin1(name);
    postgres_url(&url, name);
    assert_int_equal(open_url(buf_str(&url), false, &store, &f->err), ERR_INVALID);
    assert_non_null(strstr(f->err.text, "LATIN1"));
    (void)snprintf(text, sizeof(text), "DROP DATABASE \"%s\"", name);
    sql_on(postgres_server(), text);
    buf_release(&url);
}

/* What a commit is told to be invalid becomes a dead letter, and a server that was put in the place
 * of another one says nothing about a batch. */
static void a_server_that_became_unfit_makes_no_batch_invalid(void **state)
{
    struct fixture *f = *state;
    struct position_move move = {{{{1}}, 3, 0}, 1};
    const struct store_batch batch = {.positions = &move, .positions_count = 1};
    char text[160];

    (void)snprintf(text, sizeof(text), "DROP DATABASE \"%s\" WITH (FORCE)", f->dir + 5);
    sql_on(postgres_server(), text);
    make_latin1(f->dir + 5);
    /* The news may come only with the first try. */
    int rc = store_commit(f->store, &batch, &f->err);

    if (rc == ERR_UNAVAILABLE)
        rc = store_commit(f->store, &batch, &f->err);
    assert_int_equal(rc, ERR_SYSTEM);
    assert_non_null(strstr(f->err.text, "LATIN1"));
}

/* -- who else writes --------------------------------------------------------------------------- */

static void other_programs_keep_to_the_bounds_too(void **state)
{
    static const struct {
        const char *change, *sqlstate;
    } refused[] = {
        {"site_id = 'other'", "23514"},
        {"tenant_id = 'u6h'", "23514"},
        {"ipv4_prefix = 25", "23514"},
        {"timezone = ''", "23514"},
        {"raw_days = 36501", "23514"},
        {"visitor_identity = 'none'", "23514"},
        {"store_ip_prefix = NULL", "23502"},
        {"disabled_fields = '{}'", "23514"},
        {"disabled_fields = '[1]'", "23514"},
        {"allowed_origins = '{}'", "23514"},
        {"allowed_origins = '[1]'", "23514"},
        {"allowed_origins = '[[\"a\"]]'", "23514"},
        {"allowed_origins = jsonb_build_array(repeat('x', 65533))", "23514"},
        {"tracking_ids = '[\"no id\"]'", "23514"},
        {"tracking_ids = '[\"def\"]'", "23505"},
        {"tracking_ids = '[\"a\", \"a\"]'", "23505"},
    };
    struct fixture *f = *state;

    put_site(f, "abc", "t5g");
    put_site(f, "def", "u6h");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text),
                       "UPDATE analytics.analytics_settings SET %s WHERE site_id = 'abc'",
                       refused[i].change);
        assert_refused(f->text.ptr, text, refused[i].sqlstate);
    }
    sql(f, "UPDATE analytics.analytics_settings SET tracking_ids = '[\"a\", \"b\"]', ipv4_prefix ="
           " 0, allowed_origins = jsonb_build_array(repeat('x', 65532)) WHERE site_id = 'abc'");
    assert_sql(f,
               "SELECT string_agg(name, ' ' ORDER BY name) FROM analytics.site_names"
               " WHERE site_id = 'abc'",
               "a abc b");
    sql(f, "UPDATE analytics.analytics_settings SET tracking_ids = NULL WHERE site_id = 'abc'");
    sql(f,
        "UPDATE analytics.analytics_settings SET tracking_ids = '[\"a\"]' WHERE site_id = 'def'");
}

/* Rows of the tables that are the server's alone: of each bound both sides. */
static void new_tables_keep_to_their_bounds(void **state)
{
#define TENANT "UPDATE analytics.tenants SET "
#define SITE "UPDATE analytics.analytics_settings SET "
#define LINK(id, name, password, expires)                                                          \
    "INSERT INTO analytics.links VALUES (" id ", 't5g', 'abc', " name ", " password                \
    ", 1, " expires ")"
#define USER(id) "INSERT INTO analytics.users (id, created_ms) VALUES (" id ", 1)"
#define PERSON "UPDATE analytics.users SET "
#define SESSION(user, kind)                                                                        \
    "INSERT INTO analytics.sessions VALUES (repeat('5', 64), " user ", " kind ", 1, 1, 1)"
#define ERASURE(site, kind, value, done)                                                           \
    "INSERT INTO analytics.erasures VALUES ('e', 't5g', " site ", " kind ", " value                \
    ", 'cli', 1, 2, " done ")"
    static const struct {
        const char *good, *bad;
    } bounds[] = {
        {TENANT "events_per_second = 1000000000", TENANT "events_per_second = 1000000001"},
        {TENANT "events_per_second = 0", TENANT "events_per_second = -1"},
        {TENANT "events_per_month = 1000000000000", TENANT "events_per_month = 1000000000001"},
        {TENANT "events_per_month = 0", TENANT "events_per_month = -1"},
        {TENANT "sites_max = 1000000", TENANT "sites_max = 1000001"},
        {TENANT "sites_max = 0", TENANT "sites_max = -1"},
        {TENANT "reads_per_minute = 1000000", TENANT "reads_per_minute = 1000001"},
        {TENANT "reads_per_minute = 0", TENANT "reads_per_minute = -1"},
        {TENANT "embed_origins = '[\"https://a.example\"]'", TENANT "embed_origins = '[1]'"},
        {TENANT "settings = '{\"a\": 1}'", TENANT "settings = '[]'"},
        {TENANT "settings = jsonb_build_object('a', repeat('x', 65528))",
         TENANT "settings = jsonb_build_object('a', repeat('x', 65529))"},
        {TENANT "erase_ms = 0", TENANT "erase_ms = -1"},
        {SITE "events_per_month = 1000000000000", SITE "events_per_month = 1000000000001"},
        {SITE "events_per_month = 0", SITE "events_per_month = -1"},
        {SITE "public_metrics = '[\"leads\"]'", SITE "public_metrics = '{}'"},
        {SITE "pinned = '[]'", SITE "pinned = '[[]]'"},
        {SITE "erase_ms = 0", SITE "erase_ms = -1"},
        {"UPDATE analytics.tokens SET name = repeat('n', 200)",
         "UPDATE analytics.tokens SET name = repeat('n', 201)"},
        {LINK("repeat('l', 64)", "''", "''", "0"), LINK("repeat('l', 65)", "''", "''", "0")},
        {LINK("'l1'", "repeat('n', 200)", "''", "0"), LINK("'l2'", "repeat('n', 201)", "''", "0")},
        {LINK("'l3'", "''", "repeat('p', 128)", "0"), LINK("'l4'", "''", "repeat('p', 129)", "0")},
        {LINK("'l5'", "''", "''", "1"), LINK("'l6'", "''", "''", "-1")},
        {"INSERT INTO analytics.installation VALUES ('installation', NULL)",
         "INSERT INTO analytics.installation VALUES ('other', NULL)"},
        {"UPDATE analytics.installation SET settings = '{}'",
         "UPDATE analytics.installation SET settings = '1'"},
        {USER("'a@b'"), USER("'@b'")},
        {USER("repeat('a', 252) || '@b'"), USER("repeat('a', 253) || '@b'")},
        {USER("'a.b+c@d-e.example'"), USER("'A@b.example'")},
        {USER("'\303\274@b.example'"), USER("'a@b@c'")},
        {PERSON "name = repeat('n', 200)", PERSON "name = repeat('n', 201)"},
        {PERSON "password = repeat('p', 128)", PERSON "password = repeat('p', 129)"},
        {PERSON "totp = repeat('A', 128)", PERSON "totp = repeat('A', 129)"},
        {PERSON "totp_step = 0", PERSON "totp_step = -1"},
        {PERSON "memberships = '[{}]'", PERSON "memberships = '[1]'"},
        {PERSON "payload_id = repeat('p', 200) WHERE id = 'a@b'",
         PERSON "payload_id = repeat('p', 201) WHERE id = 'a@b'"},
        {PERSON "signed_in_ms = 0", PERSON "signed_in_ms = -1"},
        {SESSION("NULL", "3"), "UPDATE analytics.sessions SET kind = 4"},
        {"DELETE FROM analytics.sessions", SESSION("NULL", "0")},
        {SESSION("'a@b'", "2"), "UPDATE analytics.sessions SET kind = 3"},
        {"UPDATE analytics.sessions SET id = repeat('f', 64)",
         "UPDATE analytics.sessions SET id = repeat('g', 64)"},
        {"UPDATE analytics.sessions SET id = repeat('0', 64)",
         "UPDATE analytics.sessions SET id = repeat('0', 63)"},
        {"UPDATE analytics.sessions SET seen_ms = 0", "UPDATE analytics.sessions SET seen_ms = -1"},
        {"UPDATE analytics.sessions SET expires_ms = 0",
         "UPDATE analytics.sessions SET expires_ms = -1"},
        {ERASURE("'abc'", "0", "''", "0"), ERASURE("''", "0", "''", "0")},
        {"DELETE FROM analytics.erasures", ERASURE("'abc'", "1", "''", "0")},
        {ERASURE("'abc'", "2", "repeat('/', 2000)", "0"), "UPDATE analytics.erasures SET kind = 5"},
        {"UPDATE analytics.erasures SET done_ms = 3, value = ''",
         "UPDATE analytics.erasures SET value = repeat('/', 2001)"},
        {"UPDATE analytics.erasures SET done_ms = 4", "UPDATE analytics.erasures SET done_ms = 0"},
        {"UPDATE analytics.erasures SET actor = repeat('a', 300)",
         "UPDATE analytics.erasures SET actor = repeat('a', 301)"},
        {"UPDATE analytics.erasures SET actor = 'a'", "UPDATE analytics.erasures SET actor = ''"},
        {"UPDATE analytics.erasures SET asked_ms = 0, due_ms = 0",
         "UPDATE analytics.erasures SET due_ms = -1"},
        {"UPDATE analytics.erasures SET rows = '{}'", "UPDATE analytics.erasures SET rows = '[]'"},
        {"UPDATE analytics.erasures SET nodes = '{}'",
         "UPDATE analytics.erasures SET nodes = '[]'"},
    };
    struct fixture *f = *state;

    put_site(f, "abc", "t5g");
    sql(f, "INSERT INTO analytics.tokens VALUES ('k', 't5g', NULL, false, 1,"
           " repeat('h', 32)::bytea, 0, 0)");
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        sql(f, bounds[i].good);
        assert_refused(f->text.ptr, bounds[i].bad, "23514");
    }
}

/* Who comes later under its name is somebody else. */
static void what_another_program_removes_takes_rights_and_links_with_it(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc", "t5g");
    sql(f, "INSERT INTO analytics.links VALUES ('l', 't5g', 'abc', '', '', 1, 0);"
           "INSERT INTO analytics.users (id, created_ms, memberships) VALUES"
           " ('a@b', 1, '[{\"tenantId\":\"u6h\",\"role\":\"viewer\"},"
           "{\"tenantId\":\"t5g\",\"role\":\"manager\"},"
           "{\"tenantId\":\"v7i\",\"role\":\"viewer\"}]'),"
           " ('c@d', 1, '[{\"tenantId\":\"t5g\",\"role\":\"manager\"}]'), ('e@f', 1, NULL);"
           "INSERT INTO analytics.sessions VALUES (repeat('5', 64), 'a@b', 0, 1, 1, 1)");
    sql(f, "DELETE FROM analytics.analytics_settings");
    assert_sql(f, "SELECT count(*) FROM analytics.links", "0");
    sql(f, "DELETE FROM analytics.tenants");
    assert_sql(f, "SELECT string_agg(memberships::text, ' ' ORDER BY id) FROM analytics.users",
               "[{\"role\": \"viewer\", \"tenantId\": \"u6h\"},"
               " {\"role\": \"viewer\", \"tenantId\": \"v7i\"}] []");
    sql(f, "DELETE FROM analytics.users WHERE id = 'a@b'");
    assert_sql(f, "SELECT count(*) FROM analytics.sessions", "0");
}

static void a_site_that_another_program_removes_keeps_its_id_for_its_tenant(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "u6h");

    put_site(f, "abc", "t5g");
    sql(f, "DELETE FROM analytics.analytics_settings WHERE site_id = 'abc'");
    assert_int_equal(store_put_site(f->store, &row, &somebody, &f->err), ERR_CONFLICT);
    put_site(f, "def", "u6h");
    assert_refused(f->text.ptr,
                   "INSERT INTO analytics.analytics_settings (site_id, tenant_id, domain)"
                   " VALUES ('abc', 'u6h', 'example.com')",
                   "23505");
    sql(f, "INSERT INTO analytics.analytics_settings (site_id, tenant_id, domain)"
           " VALUES ('abc', 't5g', 'example.com')");
    assert_sql(f, "SELECT count(*) FROM analytics.removed_sites", "0");
}

static void a_list_is_the_same_however_it_is_written(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");
    struct directory_rows rows;

    row.tracking_ids = STR("[ \"p1\",\n\"p\\u0032\" ]");
    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    row.tracking_ids = STR("[\"p1\",\"p2\"]");
    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_str(rows.sites[0].tracking_ids, "[\"p1\",\"p2\"]");
    row.tracking_ids = STR("[\"p2\",\"p1\"]");
    assert_int_equal(store_put_site(f->store, &row, &somebody, &f->err), ERR_CONFLICT);
}

/* -- edits --------------------------------------------------------------------------------------
 */

/* A row of each kind as its owner would have it, by what it needs to keep its bounds. */
static int edit_as_needed(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const enum row_kind *kind = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    if (*kind == ROW_TENANT)
        ((struct tenant_row *)row)->name = STR("T");
    if (*kind == ROW_SITE) {
        ((struct site_row *)row)->tenant = STR("t5g");
        ((struct site_row *)row)->domain = STR("example.com");
    }
    if (*kind == ROW_TOKEN) {
        ((struct token_row *)row)->platform = true;
        ((struct token_row *)row)->scopes = SCOPE_ADMIN;
    }
    if (*kind == ROW_SESSION)
        ((struct session_row *)row)->kind = SESSION_SETUP;
    if (*kind == ROW_LINK) {
        ((struct link_row *)row)->tenant = STR("t5g");
        ((struct link_row *)row)->site = STR("new");
    }
    if (*kind == ROW_ANNOTATION) {
        ((struct annotation_row *)row)->tenant = STR("t5g");
        ((struct annotation_row *)row)->site = STR("new");
        ((struct annotation_row *)row)->text = STR("x");
    }
    if (*kind == ROW_ERASURE) {
        ((struct erasure_row *)row)->tenant = STR("t5g");
        ((struct erasure_row *)row)->kind = ERASE_TENANT;
        ((struct erasure_row *)row)->actor = STR("cli");
    }
    return EDIT_PUT;
}

static int remove_it(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    (void)err;
    return exists ? EDIT_REMOVE : EDIT_KEEP;
}

#define SESSION_ID "5555555555555555555555555555555555555555555555555555555555555555"
static const char *const ids[ROW_KINDS] = {
    [ROW_TENANT] = "other",
    [ROW_SITE] = "new",
    [ROW_TOKEN] = "k",
    [ROW_USER] = "a@b",
    [ROW_SESSION] = SESSION_ID,
    [ROW_LINK] = "l",
    [ROW_ERASURE] = "e",
    [ROW_INSTALLATION] = "installation",
    [ROW_ANNOTATION] = "new/2026-03-01",
};

static int edit_kind(struct fixture *f, enum row_kind kind, edit_fn *fn)
{
    return store_edit(f->store, kind, str_from(ids[kind]), fn, &kind, &somebody, &f->err);
}

/* -- who hears of it --------------------------------------------------------------------------- */

static int64_t version_of(struct fixture *f)
{
    int64_t version;

    assert_ok(f, store_version(f->store, &version, &f->err));
    return version;
}

/* A session hears of a change at once; the limit is for what never comes. */
static bool moves_soon(struct fixture *f, int64_t version)
{
    int64_t end_us = clock_steady_us() + INT64_C(30) * 1000 * 1000;

    while (version_of(f) == version && clock_steady_us() < end_us)
        (void)usleep(1000);
    return version_of(f) != version;
}

static void each_change_by_anyone_is_heard_of(void **state)
{
    static const char *const changes[] = {
        "UPDATE analytics.analytics_settings SET enabled = false",
        "UPDATE analytics.analytics_settings SET goals = '[]'",
        "UPDATE analytics.analytics_settings SET store_ip_prefix = true",
        "UPDATE analytics.analytics_settings SET disabled_fields = '[\"title\"]'",
        "UPDATE analytics.tenants SET active = false",
        "UPDATE analytics.tenants SET settings = '{}'",
        "INSERT INTO analytics.links VALUES ('l', 't5g', 'abc', '', '', 1, 0)",
        "UPDATE analytics.links SET name = 'n'",
        "DELETE FROM analytics.links",
        "INSERT INTO analytics.installation VALUES ('installation', '{}')",
        "UPDATE analytics.installation SET settings = NULL",
        "UPDATE analytics.erasures SET done_ms = 5",
        ("INSERT INTO analytics.tokens VALUES ('x', 't5g', NULL, false, 1, repeat('h', 32)::bytea,"
         " 0, 0)"),
        "DELETE FROM analytics.tokens",
        "INSERT INTO analytics.salts VALUES (1, 1, repeat('k', 32)::bytea)",
        "TRUNCATE analytics.salts",
        "DELETE FROM analytics.analytics_settings",
        "DELETE FROM analytics.tenants",
    };
    /* Nobody keeps these in memory. */
    static const char *const silent[] = {
        "INSERT INTO analytics.users (id, created_ms) VALUES ('a@b.example', 1)",
        "UPDATE analytics.users SET name = 'A'",
        "INSERT INTO analytics.sessions VALUES (repeat('a', 64), 'a@b.example', 0, 1, 1, 1)",
        "DELETE FROM analytics.users",
        "UPDATE analytics.erasures SET nodes = '{\"n\":6}'",
        "INSERT INTO analytics.erasures VALUES ('f', 't5g', '', 1, '', 'cli', 1, 2, 0)",
        "DELETE FROM analytics.erasures WHERE id = 'f'",
    };
    struct fixture *f = *state;
    struct store *other = open_again(f, false);
    struct site_row row = site_named("abc", "t5g");
    int64_t version = version_of(f);

    assert_ok(f, store_put_site(other, &row, &somebody, &f->err));
    assert_true(moves_soon(f, version));
    sql(f, "INSERT INTO analytics.erasures VALUES ('e', 't5g', '', 1, '', 'cli', 1, 2, 0)");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        version = version_of(f);
        sql(f, changes[i]);
        if (!moves_soon(f, version))
            fail_msg("not heard: %s", changes[i]);
    }
    version = version_of(f);
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        sql(f, silent[i]);
    assert_ok(f, store_finish_run(other, PARTITIONS_ALL, 1000, 2000, &f->err));
    (void)usleep(100 * 1000);
    assert_int_equal(version_of(f), version);
    store_close(&other);
}

/* By the verbs: which kinds every node keeps in memory. */
static void each_edit_of_the_directory_is_heard_of_and_no_other(void **state)
{
    struct fixture *f = *state;
    struct store *own = f->store, *other = open_again(f, false);

    put_site(f, "abc", "t5g");
    for (enum row_kind kind = 0; kind < ROW_KINDS; kind++) {
        bool heard = kind != ROW_USER && kind != ROW_SESSION && kind != ROW_ERASURE &&
                     kind != ROW_ANNOTATION;
        int64_t version = version_of(f);

        f->store = other;
        if (edit_kind(f, kind, edit_as_needed) != 1)
            fail_msg("%s: %s", row_name(kind), f->err.text);
        f->store = own;
        if (!heard)
            (void)usleep(20 * 1000);
        if (heard ? !moves_soon(f, version) : version_of(f) != version)
            fail_msg("%s is %sheard of", row_name(kind), heard ? "not " : "");
        /* The same again is none. */
        version = version_of(f);
        assert_int_equal(edit_kind(f, kind, edit_as_needed), 0);
        assert_int_equal(version_of(f), version);
    }
    store_close(&other);
}

static void a_new_session_counts_as_a_change(void **state)
{
    struct fixture *f = *state;
    int64_t version = version_of(f);

    assert_int_equal(version_of(f), version);
    sql(f, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
           " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_int_not_equal(version_of(f), version);
    version = version_of(f);
    put_site(f, "abc", "t5g");
    assert_true(moves_soon(f, version));
}

/* -- what is wrong ----------------------------------------------------------------------------- */

static void a_check_says_what_is_wrong(void **state)
{
    static const struct {
        const char *harm, *mend, *said;
    } cases[] = {
        {"DELETE FROM analytics.leases WHERE partition = 7",
         "INSERT INTO analytics.leases (partition) VALUES (7)", "leases"},
        {"DELETE FROM analytics.counters WHERE name = 'folded_records'",
         "INSERT INTO analytics.counters VALUES ('folded_records', 0)", "counter"},
        {"UPDATE analytics.secrets SET value = '' WHERE name = 'id_key'",
         "UPDATE analytics.secrets SET value = repeat('x', 16)::bytea WHERE name = 'id_key'",
         "id_key"},
        {"DELETE FROM analytics.secrets WHERE name = 'signing_key'",
         "INSERT INTO analytics.secrets VALUES ('signing_key', repeat('x', 32)::bytea)",
         "signing_key"},
        {"UPDATE pg_index SET indisvalid = false"
         " WHERE indexrelid = 'analytics.event_ids_by_time'::regclass",
         "UPDATE pg_index SET indisvalid = true"
         " WHERE indexrelid = 'analytics.event_ids_by_time'::regclass",
         "event_ids_by_time"},
        {"UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = (SELECT min(inhrelid)"
         " FROM pg_inherits WHERE inhparent = 'analytics.analytics_events'::regclass)",
         "UPDATE pg_inherits SET inhdetachpending = false", "half detached"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sql(f, cases[i].harm);
        assert_int_equal(store_check(f->store, &f->err), ERR_CORRUPT);
        if (strstr(f->err.text, cases[i].said) == NULL)
            fail_msg("\"%s\" says nothing of \"%s\"", f->err.text, cases[i].said);
        sql(f, cases[i].mend);
        assert_ok(f, store_check(f->store, &f->err));
    }
}

/* -- rights ------------------------------------------------------------------------------------ */

/* As the schema's file says, with roles of this fixture's own. */
static void url_of_role(const struct fixture *f, const char *role, struct buf *out)
{
    buf_addf(out, "%s?user=%s_%s", f->text.ptr, f->dir + 5, role);
}

/* ROLE in the text is the role's name. */
static void sql_with_role(const struct fixture *f, const char *role, const char *text)
{
    struct buf out = {0};

    for (const char *at; (at = strstr(text, "ROLE")) != NULL; text = at + 4)
        buf_addf(&out, "%.*s\"%s_%s\"", (int)(at - text), text, f->dir + 5, role);
    buf_addf(&out, "%s", text);
    sql(f, out.ptr);
    buf_release(&out);
}

/* The tenant t5g is there. */
static void edit_it_all(struct fixture *f)
{
    for (enum row_kind kind = 0; kind < ROW_KINDS; kind++)
        if (edit_kind(f, kind, edit_as_needed) != 1)
            fail_msg("%s: %s", row_name(kind), f->err.text);
    for (enum row_kind kind = ROW_KINDS; kind-- > 0;)
        if (edit_kind(f, kind, remove_it) != 1)
            fail_msg("%s: %s", row_name(kind), f->err.text);
}

static void use_it_all(struct fixture *f)
{
    struct event event = pageview("abc", DAY_START, "/");
    struct expiry_general general = nothing_general;
    struct salts salts = {0};
    bool more;

    put_site(f, "abc", "t5g");
    commit(f, &(struct store_batch){.events = pointers(f, &event, 1), .events_count = 1});
    assert_int_equal(raw_rows(f, "abc"), 1);
    general.raw_before_ms = DAY_START + DAY_MS;
    assert_ok(f, store_expire(f->store, NULL, 0, &general, DAY_START + 2 * DAY_MS, &more, &f->err));
    assert_int_equal(raw_rows(f, "abc"), 0);
    assert_ok(f, store_salts(f->store, DAY_START, &salts, &f->err));
    assert_ok(f, store_check(f->store, &f->err));
    (void)version_of(f);
    edit_it_all(f);
}

static void a_role_that_owns_the_schema_needs_no_more(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};

    sql_with_role(f, "server", "CREATE USER ROLE; CREATE SCHEMA analytics AUTHORIZATION ROLE");
    url_of_role(f, "server", &url);
    assert_ok(f, open_url(buf_str(&url), false, &f->store, &f->err));
    use_it_all(f);
    store_close(&f->store);
    buf_release(&url);
    sql_with_role(f, "server", "DROP OWNED BY ROLE; DROP USER ROLE");
}

static void payloads_role_changes_settings_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};

    put_site(f, "abc", "t5g");
    sql_with_role(f, "payload",
                  "SET search_path = analytics; CREATE USER ROLE;"
                  "GRANT USAGE ON SCHEMA analytics TO ROLE;"
                  "GRANT SELECT ON analytics_events, analytics_daily_stats, tenants TO ROLE;"
                  "GRANT SELECT, INSERT, UPDATE, DELETE ON analytics_settings TO ROLE");
    url_of_role(f, "payload", &url);
    int64_t version = version_of(f);

    sql_on(url.ptr, "UPDATE analytics.analytics_settings SET tracking_ids = '[\"pub\"]'");
    assert_true(moves_soon(f, version));
    assert_sql(f, "SELECT site_id FROM analytics.site_names WHERE name = 'pub'", "abc");
    sql_on(url.ptr, "INSERT INTO analytics.analytics_settings (site_id, tenant_id, domain)"
                    " VALUES ('new', 't5g', 'example.com')");
    sql_on(url.ptr, "DELETE FROM analytics.analytics_settings WHERE site_id = 'new'");
    sql_on(url.ptr, "SELECT * FROM analytics.analytics_events");
    assert_refused(url.ptr, "SELECT * FROM analytics.tokens", "42501");
    assert_refused(url.ptr, "SELECT * FROM analytics.salts", "42501");
    assert_refused(url.ptr, "SELECT * FROM analytics.users", "42501");
    assert_refused(url.ptr, "SELECT * FROM analytics.sessions", "42501");
    assert_refused(url.ptr, "SELECT * FROM analytics.links", "42501");
    assert_refused(url.ptr, "SELECT * FROM analytics.erasures", "42501");
    assert_refused(url.ptr, "DELETE FROM analytics.analytics_events", "42501");
    assert_refused(url.ptr, "UPDATE analytics.site_names SET name = 'x'", "42501");
    assert_refused(url.ptr, "CREATE TABLE analytics.x (n integer)", "42501");
    sql_with_role(f, "payload", "DROP OWNED BY ROLE; DROP USER ROLE");
    buf_release(&url);
}

#define ON_EMPTY_DATABASE(test)                                                                    \
    {                                                                                              \
        "postgres: " #test, test, set_up_empty_database, tear_down_postgres, NULL                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EMPTY_DATABASE(handles_that_open_together_make_one_schema),
        ON_POSTGRES(a_new_schema_has_the_days_around_today),
        ON_POSTGRES(a_schema_of_a_newer_program_is_used_only_where_it_says_so),
        ON_EMPTY_DATABASE(the_second_schema_is_migrated_and_no_row_is_written_again),
        ON_EMPTY_DATABASE(a_program_that_knows_two_schemas_tracks_and_reads_and_counts_no_more),
        ON_EMPTY_DATABASE(the_third_schema_is_migrated_and_what_is_new_has_its_defaults),
        ON_EMPTY_DATABASE(a_program_that_knows_three_schemas_tracks_and_reads_and_counts_no_more),
        ON_EMPTY_DATABASE(a_program_that_knows_four_schemas_counts_on),
        ON_POSTGRES(annotations_have_their_bounds_as_constraints),
        ON_EMPTY_DATABASE(who_reads_the_tokens_reads_the_rest_of_the_directory_and_no_people),
        ON_EMPTY_DATABASE(a_stored_address_is_a_cut_one_of_a_visitor),
        ON_EMPTY_DATABASE(a_reader_makes_no_schema),
        ON_POSTGRES(a_reader_writes_nothing),
        ON_EMPTY_DATABASE(a_database_of_another_encoding_is_refused),
        ON_POSTGRES(a_server_that_became_unfit_makes_no_batch_invalid),
        ON_POSTGRES(other_programs_keep_to_the_bounds_too),
        ON_POSTGRES(new_tables_keep_to_their_bounds),
        ON_POSTGRES(what_another_program_removes_takes_rights_and_links_with_it),
        ON_POSTGRES(a_site_that_another_program_removes_keeps_its_id_for_its_tenant),
        ON_POSTGRES(a_list_is_the_same_however_it_is_written),
        ON_POSTGRES(each_change_by_anyone_is_heard_of),
        ON_POSTGRES(each_edit_of_the_directory_is_heard_of_and_no_other),
        ON_POSTGRES(a_new_session_counts_as_a_change),
        ON_POSTGRES(a_check_says_what_is_wrong),
        ON_EMPTY_DATABASE(a_role_that_owns_the_schema_needs_no_more),
        ON_POSTGRES(payloads_role_changes_settings_and_nothing_else),
    };

    return run_with_postgres("store_postgres_schema", tests, sizeof(tests) / sizeof(tests[0]));
}
