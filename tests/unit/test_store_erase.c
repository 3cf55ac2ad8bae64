/*
 * test_store_erase.c -- the contract of store/erase.h, run against every backend: erasing sites and
 * values. Where there is SQL, the catalogue says which tables have rows of a site, so that a table
 * that is added later fails here until it is erased, too.
 */
#include "test_postgres_support.h"

#include "store/sqlite_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- SQL --------------------------------------------------------------------------------------- */

static bool is_memory(const struct fixture *f)
{
    return str_starts(f->url, STR("memory:"));
}

static bool is_sqlite(const struct fixture *f)
{
    return str_starts(f->url, STR("sqlite:"));
}

static void add_sqlite(const struct fixture *f, const char *sql, struct buf *out)
{
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    (void)snprintf(path, sizeof(path), "%s/abacus.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = sqlite3_column_blob(stmt, i);

            buf_add(out,
                    (struct str){text == NULL ? "" : text, (size_t)sqlite3_column_bytes(stmt, i)});
            buf_addc(out, '\n');
        }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

static void add_postgres(const struct fixture *f, const char *sql, struct buf *out)
{
    PGconn *conn = postgres_connect(f->url.ptr);

    PQclear(PQexec(conn, "SET search_path = analytics, pg_catalog"));
    PGresult *result = PQexec(conn, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < PQnfields(result); i++)
            buf_addf(out, "%s\n", PQgetvalue(result, row, i));
    PQclear(result);
    PQfinish(conn);
}

/* All values, each with a line's end behind it. */
static void add_sql(const struct fixture *f, const char *sql, struct buf *out)
{
    if (is_sqlite(f))
        add_sqlite(f, sql, out);
    else
        add_postgres(f, sql, out);
}

static int64_t number_of(const struct fixture *f, const char *sql)
{
    struct buf out = {0};
    int64_t n = -1;

    add_sql(f, sql, &out);
    assert_true(str_to_i64(str_trim(str_slice(buf_str(&out), 0, out.len - 1)), &n));
    buf_release(&out);
    return n;
}

/* Of each table with a site's id in it its name; of raw rows the whole, and not its dates. */
static void add_tables(const struct fixture *f, struct buf *out)
{
    if (is_sqlite(f))
        add_sqlite(f,
                   "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c"
                   " WHERE m.type = 'table' AND c.name = 'site_id' ORDER BY 1",
                   out);
    else
        add_postgres(f,
                     "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                     " WHERE c.relnamespace = 'analytics'::regnamespace AND a.attname = 'site_id'"
                     " AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
                     out);
}

/* What is kept of an erasure outlives the site; a removed site has a row of its own kind. */
static bool is_of_sites(struct str table)
{
    return !str_eq(table, STR("erasures"));
}

/* For each table that rows of sites are in. */
static void each_table(const struct fixture *f,
                       void (*fn)(const struct fixture *f, void *ctx, struct str table), void *ctx)
{
    struct buf tables = {0};
    struct str rest, table;

    add_tables(f, &tables);
    rest = buf_str(&tables);
    while (str_next(&rest, '\n', &table))
        if (table.len > 0 && is_of_sites(table))
            fn(f, ctx, table);
    buf_release(&tables);
}

struct look {
    const char *site;
    struct buf out; /* what is wrong, or all rows */
};

static int64_t rows_in(const struct fixture *f, struct str table, const char *site)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %.*s WHERE site_id = '%s'",
                   STR_FMT(table), site);
    return number_of(f, sql);
}

static void see_empty(const struct fixture *f, void *ctx, struct str table)
{
    struct look *look = ctx;

    if (rows_in(f, table, look->site) == 0 && !str_eq(table, STR("removed_sites")))
        buf_addf(&look->out, "%.*s ", STR_FMT(table));
}

static void see_rows(const struct fixture *f, void *ctx, struct str table)
{
    struct look *look = ctx;

    if (rows_in(f, table, look->site) != 0)
        buf_addf(&look->out, "%.*s ", STR_FMT(table));
}

/* "": each table has rows of the site; and: none has. */
static void assert_tables(const struct fixture *f, const char *site, bool there)
{
    struct look look = {.site = site};

    if (is_memory(f))
        return;
    each_table(f, there ? see_empty : see_rows, &look);
    if (look.out.len > 0)
        fail_msg("%s of %s: %.*s", there ? "no rows" : "rows", site, STR_FMT(buf_str(&look.out)));
    buf_release(&look.out);
}

static void add_rows(const struct fixture *f, void *ctx, struct str table)
{
    struct look *look = ctx;
    char sql[256];

    buf_addf(&look->out, "%.*s:\n", STR_FMT(table));
    if (is_sqlite(f))
        (void)snprintf(sql, sizeof(sql), "SELECT * FROM %.*s WHERE site_id = '%s' ORDER BY 1, 2",
                       STR_FMT(table), look->site);
    else
        (void)snprintf(sql, sizeof(sql),
                       "SELECT t::text FROM %.*s t WHERE t.site_id = '%s' ORDER BY 1",
                       STR_FMT(table), look->site);
    add_sql(f, sql, &look->out);
}

/* All of a site. The memory double is asked by its own verbs alone. */
static struct buf all_rows(const struct fixture *f, const char *site)
{
    struct look look = {.site = site};

    if (!is_memory(f))
        each_table(f, add_rows, &look);
    return look.out;
}

/* -- what is there ----------------------------------------------------------------------------- */

#define SECRET "/orders/needle-4711"

static struct token_row token_of(const char *site, uint8_t n)
{
    struct token_row row = {.id = str_from(site),
                            .tenant = STR("t5g"),
                            .site = str_from(site),
                            .scopes = SCOPE_STATS_READ,
                            .created_ms = 1000};

    memset(row.hash, n, sizeof(row.hash));
    return row;
}

static int make_link(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct link_row *link = row;
    const char *site = ctx;

    (void)arena;
    (void)err;
    assert_false(exists);
    link->tenant = STR("t5g");
    link->site = str_from(site);
    link->name = STR("needle of a link");
    link->created_ms = 1000;
    return EDIT_PUT;
}

static int make_annotation(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct annotation_row *annotation = row;
    const char *site = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    annotation->tenant = STR("t5g");
    annotation->site = str_from(site);
    annotation->text = STR("needle of a note");
    return EDIT_PUT;
}

static void put_owner(struct fixture *f, const char *site, uint8_t n)
{
    struct site_row row = site_named(site, "t5g");
    struct token_row token = token_of(site, n);
    char names[64], link[32];

    (void)snprintf(names, sizeof(names), "[\"%s-one\",\"%s-two\"]", site, site);
    (void)snprintf(link, sizeof(link), "%s-link", site);
    row.tracking_ids = str_from(names);
    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &token, &somebody, &f->err));
    assert_int_equal(store_edit(f->store, ROW_LINK, str_from(link), make_link,
                                (void *)(uintptr_t)site, &somebody, &f->err),
                     1);
    assert_int_equal(store_edit(f->store, ROW_ANNOTATION,
                                annotation_id(str_from(site), DAY, &f->arena), make_annotation,
                                (void *)(uintptr_t)site, &somebody, &f->err),
                     1);
}

enum { EVENTS_OF_SITE = 6 };

/* Over two dates; three of the secret page, one of them by a name of the site's own. */
static void make_events(const char *site, struct event events[EVENTS_OF_SITE])
{
    for (int i = 0; i < EVENTS_OF_SITE; i++) {
        events[i] = pageview(site, DAY_START + i * INT64_C(20000000), "/plain");
        events[i].visitor = 7;
        events[i].count = i + 1;
    }
    events[1].path = STR(SECRET);
    events[1].title = STR("needle of a title");
    events[1].props = STR("{\"plan\":\"needle, \\\"of} a\\\\ property\",\"size\":1.50}");
    events[2].title = STR("plain title");
    events[2].referrer = STR("example.com" SECRET);
    events[3].kind = EVENT_CUSTOM;
    events[3].name = STR("needle_event");
    events[3].path = STR(SECRET);
    events[3].props = STR("{\"plan\":true}");
    events[4].path = STR(SECRET "/more");
    events[4].referrer = STR("example.com" SECRET "/more");
    events[4].props = STR("{\"size\":3,\"planet\":\"plan\"}");
    events[5].kind = EVENT_LEAD_CREATED;
    events[5].name = STR("lead.created");
    events[5].path = STR(SECRET);
}

static void make_visits(const char *site, struct visit visits[3])
{
    for (size_t i = 0; i < 3; i++) {
        visits[i] = visit_of(7, DAY_START + (int64_t)i * 100000, 1);
        visits[i].key.site = str_from(site);
        for (size_t t = 0; t < VISIT_TEXTS; t++)
            visits[i].texts[t] = STR("");
    }
    visits[0].texts[VISIT_ENTRY_PATH] = STR(SECRET);
    visits[0].texts[VISIT_EXIT_PATH] = STR("/plain");
    visits[0].texts[VISIT_REFERRER] = STR("example.com" SECRET);
    visits[1].texts[VISIT_ENTRY_NAME] = STR("needle_event " SECRET);
    visits[1].texts[VISIT_EXIT_PATH] = STR(SECRET);
    visits[2].key.day = DAY + 1;
    visits[2].texts[VISIT_ENTRY_NAME] = STR("lead.created " SECRET "/more");
}

static void fill(struct fixture *f, const char *site, uint8_t n)
{
    struct event events[EVENTS_OF_SITE];
    struct visit visits[3];
    const struct str id = str_from(site);
    const struct stats_row day = {id, STR("t5g"), DAY, 0, {.pageviews = 21}};
    const struct stats_row hour = {id, STR("t5g"), DAY, DAY_START, {.pageviews = 21}};
    const struct sketch sketch = {{id, SKETCH_DAY_VISITORS, DAY, 0}, STR("needle of a set")};
    const struct event_key key = {id, {n}, DAY_START};
    const struct ledger_row ledger[] = {{id, STR("t5g"), DAY, LEDGER_STORED, STR(""), 6, 6},
                                        {id, STR("t5g"), DAY, LEDGER_DROPPED, STR("bot"), 2, 3}};
    const struct site_day due = {id, DAY};
    const struct pack_part parts[] = {{id, DAY - 1, 0, STR("needle of a pack")},
                                      {id, DAY - 1, 201, STR("needle of a column")}};
    const struct goals_row goals = {id, 12345};
    const struct position_move move = move_to(n, 0, 9);

    put_owner(f, site, n);
    make_events(site, events);
    make_visits(site, visits);
    commit(f, &(struct store_batch){
                  .events = pointers(f, events, EVENTS_OF_SITE),
                  .events_count = EVENTS_OF_SITE,
                  .visits = visits,
                  .visits_count = 3,
                  .days = &day,
                  .days_count = 1,
                  .hours = &hour,
                  .hours_count = 1,
                  .sketches = &sketch,
                  .sketches_count = 1,
                  .keys = &key,
                  .keys_count = 1,
                  .ledger = ledger,
                  .ledger_count = 2,
                  .due = &due,
                  .due_count = 1,
                  .packs = parts,
                  .packs_count = 2,
                  .goals = &goals,
                  .goals_count = 1,
                  .positions = &move,
                  .positions_count = 1,
              });
}

/* -- asking the store -------------------------------------------------------------------------- */

static size_t events_of(struct fixture *f, const char *site, struct event_row **rows)
{
    size_t count = 0;

    assert_ok(f, store_page_events(f->store, STR("t5g"), str_from(site), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 100000, &f->arena, rows,
                                   &count, &f->err));
    return count;
}

static int tell_visit(void *ctx, const struct visit *visit)
{
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        buf_addf(ctx, "%.*s|", STR_FMT(visit->texts[i]));
    buf_addf(ctx, "%ld\n", visit->pageviews);
    return 0;
}

static int tell_part(void *ctx, const struct pack_part *part)
{
    buf_addf(ctx, "%d %d %.*s\n", part->day, part->part, STR_FMT(part->bytes));
    return 0;
}

static int tell_day(void *ctx, const struct stats_row *row)
{
    buf_addf(ctx, "%d %ld\n", row->day, row->stats.pageviews);
    return 0;
}

static int tell_ledger(void *ctx, const struct ledger_row *row)
{
    buf_addf(ctx, "%d %d %ld\n", row->day, (int)row->kind, row->events);
    return 0;
}

/* What the verbs say of a site, while it is there. */
static struct buf told(struct fixture *f, const char *site)
{
    static const int32_t parts[] = {0, 201};
    struct buf out = {0};
    struct event_row *rows;
    size_t count = events_of(f, site, &rows);
    struct str id = str_from(site), t5g = STR("t5g");

    for (size_t i = 0; i < count; i++) {
        const struct event *e = &rows[i].event;

        buf_addf(&out, "%ld %.*s %.*s %.*s %.*s %ld\n", e->time_ms, STR_FMT(e->name),
                 STR_FMT(e->path), STR_FMT(e->referrer), STR_FMT(e->title), e->count);
    }
    for (int32_t day = DAY; day <= DAY + 1; day++)
        assert_ok(f, store_each_visit(f->store, t5g, id, day, tell_visit, &out, &f->err));
    assert_ok(f,
              store_each_pack(f->store, t5g, id, 0, 2 * DAY, parts, 2, tell_part, &out, &f->err));
    assert_ok(f, store_each_day(f->store, t5g, id, 0, 2 * DAY, tell_day, &out, &f->err));
    assert_ok(f, store_each_hour(f->store, t5g, id, 0, INT64_MAX, tell_day, &out, &f->err));
    assert_ok(f, store_each_ledger(f->store, t5g, id, 0, 2 * DAY, tell_ledger, &out, &f->err));
    return out;
}

static void assert_same(struct buf *before, struct buf after)
{
    if (!str_eq(buf_str(before), buf_str(&after)))
        fail_msg("before:\n%.*s\nafter:\n%.*s", STR_FMT(buf_str(before)), STR_FMT(buf_str(&after)));
    buf_release(before);
    buf_release(&after);
}

static int64_t erased(const int64_t rows[ERASED_TABLES], const char *table)
{
    for (size_t i = 0; erased_tables[i] != NULL; i++)
        if (strcmp(erased_tables[i], table) == 0)
            return rows[i];
    fail_msg("%s is not named", table);
    return 0;
}

/* Until nothing is left; how many calls it took. */
static int erase_site(struct fixture *f, const char *site, int64_t rows[ERASED_TABLES])
{
    bool more = true;
    int calls = 0;

    for (; more && calls < 100; calls++)
        assert_ok(f, store_erase_site(f->store, str_from(site), &somebody, &more, rows, &f->err));
    assert_false(more);
    return calls;
}

static int erase_value(struct fixture *f, enum erasure_kind kind, const char *value,
                       int64_t rows[ERASED_TABLES])
{
    bool more = true;
    int calls = 0;

    for (; more && calls < 1000; calls++)
        assert_ok(f, store_erase_value(f->store, STR("abc"), kind, str_from(value), STR("(erased)"),
                                       &more, rows, &f->err));
    assert_false(more);
    return calls;
}

/* -- sites ------------------------------------------------------------------------------------- */

static void nothing_of_a_site_is_left(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};

    fill(f, "abc", 1);
    assert_tables(f, "abc", true);
    assert_int_equal(erase_site(f, "abc", rows), 1);
    assert_tables(f, "abc", false);
    put_owner(f, "abc", 1);
    struct buf left = told(f, "abc");

    assert_int_equal(left.len, 0);
    buf_release(&left);
    struct sketch sketch = {{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("")};
    struct event_key key = {STR("abc"), {1}, 0};
    struct goals_row *goals;
    size_t count;

    assert_ok(f, store_load_sketches(f->store, &f->arena, &sketch, 1, &f->err));
    assert_int_equal(sketch.bytes.len, 0);
    assert_ok(f, store_load_keys(f->store, &key, 1, &f->err));
    assert_int_equal(key.received_ms, 0);
    assert_ok(f, store_load_goals(f->store, &f->arena, &goals, &count, &f->err));
    assert_int_equal(count, 0);
}

static void the_rows_are_counted_by_table(void **state)
{
    static const struct {
        const char *table;
        int64_t rows;
    } wanted[] = {{"analytics_events", EVENTS_OF_SITE},
                  {"visits", 3},
                  {"sketches", 1},
                  {"due_days", 1},
                  {"packs", 2},
                  {"analytics_daily_stats", 1},
                  {"hourly_stats", 1},
                  {"event_ids", 1},
                  {"goals_counted", 1},
                  {"ledger", 2},
                  {"tokens", 1},
                  {"links", 1},
                  {"annotations", 1},
                  {"site_names", 3},
                  {"removed_sites", 0},
                  {"analytics_settings", 1}};
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};

    fill(f, "abc", 1);
    erase_site(f, "abc", rows);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (erased(rows, wanted[i].table) != wanted[i].rows)
            fail_msg("%s: %ld", wanted[i].table, erased(rows, wanted[i].table));
    assert_null(erased_tables[sizeof(wanted) / sizeof(wanted[0])]);
    erase_site(f, "abc", rows);
    assert_int_equal(erased(rows, "analytics_events"), EVENTS_OF_SITE);
}

static void other_sites_stay_as_they_are(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};

    fill(f, "abc", 1);
    fill(f, "abc2", 2);
    fill(f, "ab", 3);
    struct buf sql[] = {all_rows(f, "abc2"), all_rows(f, "ab")};
    struct buf verbs[] = {told(f, "abc2"), told(f, "ab")};

    assert_true(verbs[0].len > 0);
    erase_site(f, "abc", rows);
    assert_same(&sql[0], all_rows(f, "abc2"));
    assert_same(&sql[1], all_rows(f, "ab"));
    assert_same(&verbs[0], told(f, "abc2"));
    assert_same(&verbs[1], told(f, "ab"));
}

static void the_balance_holds(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};

    fill(f, "abc", 1);
    fill(f, "xyz", 2);
    /* Each has 6 + 3 records of a producer that is at 9. */
    assert_balance(f, 18, 18);
    erase_site(f, "abc", rows);
    assert_balance(f, 18, 18);
}

static void readers_are_told(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0}, before, after;

    fill(f, "abc", 1);
    assert_ok(f, store_stamp(f->store, PARTITIONS_ALL, &before, &f->err));
    erase_value(f, ERASE_PATH, SECRET, rows);
    assert_ok(f, store_stamp(f->store, PARTITIONS_ALL, &after, &f->err));
    assert_true(after != before);
    int64_t directory = counter_of(f, COUNTER_DIRECTORY);

    erase_site(f, "abc", rows);
    assert_ok(f, store_stamp(f->store, PARTITIONS_ALL, &before, &f->err));
    assert_true(after != before);
    assert_true(counter_of(f, COUNTER_DIRECTORY) > directory);
}

static void the_log_has_one_line_of_it_and_keeps_the_others(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct audit_row *lines;
    size_t before, after;

    fill(f, "abc", 1);
    assert_ok(f,
              store_page_audit(f->store, STR("t5g"), 0, 100, &f->arena, &lines, &before, &f->err));
    assert_true(before > 0);
    erase_site(f, "abc", rows);
    erase_site(f, "abc", rows);
    assert_ok(f,
              store_page_audit(f->store, STR("t5g"), 0, 100, &f->arena, &lines, &after, &f->err));
    assert_int_equal(after, before + 1);
    assert_str(lines[0].action, "site.erase");
    assert_str(lines[0].target, "abc");
    assert_str(lines[0].tenant, "t5g");
}

static void a_removed_site_is_erased_too(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct site_row other = site_named("abc", "another");

    fill(f, "abc", 1);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_int_equal(store_put_site(f->store, &other, &somebody, NULL), ERR_CONFLICT);
    erase_site(f, "abc", rows);
    assert_tables(f, "abc", false);
    assert_int_equal(erased(rows, "removed_sites"), 1);
    assert_ok(f, store_put_site(f->store, &other, &somebody, &f->err));
}

static void add_events(struct fixture *f, const char *site, int count, const char *path)
{
    struct event *events = test_calloc((size_t)count, sizeof(*events));

    for (int i = 0; i < count; i++)
        events[i] = pageview(site, DAY_START + i, path);
    commit(f, &(struct store_batch){.events = pointers(f, events, (size_t)count),
                                    .events_count = (size_t)count});
    test_free(events);
}

static void a_call_removes_at_most_10000_rows(void **state)
{
    struct fixture *f = *state;
    bool more = false;
    struct event_row *left;
    int64_t rows[ERASED_TABLES] = {0};

    put_owner(f, "abc", 1);
    add_events(f, "abc", 10001, "/");
    assert_ok(f, store_erase_site(f->store, STR("abc"), &somebody, &more, rows, &f->err));
    assert_true(more);
    assert_int_equal(erased(rows, "analytics_events"), 10000);
    assert_int_equal(events_of(f, "abc", &left), 1);
    assert_int_equal(erased(rows, "analytics_settings"), 0);
    assert_ok(f, store_erase_site(f->store, STR("abc"), &somebody, &more, rows, &f->err));
    assert_false(more);
    assert_int_equal(erased(rows, "analytics_events"), 10001);
    assert_int_equal(erased(rows, "analytics_settings"), 1);
    assert_tables(f, "abc", false);
}

static void so_many_rows_that_something_is_left_go_in_one_call(void **state)
{
    struct fixture *f = *state;
    bool more = true;
    int64_t rows[ERASED_TABLES] = {0};

    add_events(f, "abc", 9999, "/");
    assert_ok(f, store_erase_site(f->store, STR("abc"), &somebody, &more, rows, &f->err));
    assert_false(more);
    add_events(f, "abc", 10000, "/");
    assert_ok(f, store_erase_site(f->store, STR("abc"), &somebody, &more, rows, &f->err));
    assert_true(more);
    assert_int_equal(erased(rows, "analytics_events"), 19999);
}

/* The memory double has one handle. */
static void another_handle_goes_on(void **state)
{
    struct fixture *f = *state;
    bool more = false;
    int64_t rows[ERASED_TABLES] = {0};

    fill(f, "abc", 1);
    fill(f, "xyz", 2);
    add_events(f, "abc", 10001, SECRET);
    struct buf others = all_rows(f, "xyz");

    assert_ok(f, store_erase_site(f->store, STR("abc"), &somebody, &more, rows, &f->err));
    assert_true(more);
    store_close(&f->store);
    f->store = open_again(f, false);
    assert_balance(f, 18, 18);
    assert_int_equal(erase_site(f, "abc", rows), 1);
    assert_tables(f, "abc", false);
    assert_same(&others, all_rows(f, "xyz"));
    assert_balance(f, 18, 18);
    assert_int_equal(erased(rows, "analytics_events"), 10001 + EVENTS_OF_SITE);
}

/* -- values ------------------------------------------------------------------------------------ */

/* What replacing must not change. */
static int64_t sum_of_counts(struct fixture *f, const char *site)
{
    struct event_row *rows;
    size_t count = events_of(f, site, &rows);
    int64_t sum = 0;

    assert_int_equal(count, EVENTS_OF_SITE);
    for (size_t i = 0; i < count; i++)
        sum += rows[i].event.count;
    return sum;
}

static void a_path_is_replaced_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event_row *events;

    fill(f, "abc", 1);
    fill(f, "xyz", 2);
    struct buf others = told(f, "xyz");

    erase_value(f, ERASE_PATH, SECRET, rows);
    /* Events 1, 3 and 5 are of it, and it sent one; both visits of the first day name it. */
    assert_int_equal(erased(rows, "analytics_events"), 4);
    assert_int_equal(erased(rows, "visits"), 2);
    assert_int_equal(sum_of_counts(f, "abc"), 1 + 2 + 3 + 4 + 5 + 6);
    (void)events_of(f, "abc", &events);
    assert_str(events[0].event.path, "/plain");
    assert_str(events[1].event.path, "(erased)");
    assert_str(events[1].event.title, "");
    assert_str(events[2].event.path, "/plain");
    assert_str(events[2].event.title, "plain title");
    assert_str(events[2].event.referrer, "example.com/(erased)");
    assert_str(events[3].event.path, "(erased)");
    assert_str(events[3].event.name, "needle_event");
    assert_str(events[4].event.path, SECRET "/more");
    assert_str(events[4].event.referrer, "example.com" SECRET "/more");
    assert_str(events[5].event.path, "(erased)");
    struct buf visits = {0};

    assert_ok(
        f, store_each_visit(f->store, STR("t5g"), STR("abc"), DAY, tell_visit, &visits, &f->err));
    assert_str(buf_str(&visits), "||||||||||||(erased)|/plain|example.com/(erased)|||1\n"
                                 "|||||||||||||(erased)|||needle_event (erased)|1\n");
    buf_release(&visits);
    assert_same(&others, told(f, "xyz"));
}

static void a_referrer_that_was_cut_is_replaced_too(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    char path[1996], referrer[EVENT_PATH_MAX + 1];
    struct event events[2];
    struct event_row *found;

    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    memcpy(referrer, "example.com", 11);
    memcpy(referrer + 11, path, EVENT_PATH_MAX - 11);
    referrer[EVENT_PATH_MAX] = '\0';
    /* 1996 bytes: it was not cut, and is another page. */
    const struct str cut = {referrer, EVENT_PATH_MAX}, whole = {referrer, EVENT_PATH_MAX - 4};

    events[0] = pageview("abc", DAY_START, "/");
    events[0].referrer = cut;
    events[1] = pageview("abc", DAY_START + 1, "/");
    events[1].referrer = whole;
    put_owner(f, "abc", 1);
    commit(f, &(struct store_batch){.events = pointers(f, events, 2), .events_count = 2});
    erase_value(f, ERASE_PATH, path, rows);
    assert_int_equal(events_of(f, "abc", &found), 2);
    assert_str(found[0].event.referrer, "example.com/(erased)");
    assert_true(str_eq(found[1].event.referrer, whole));
}

static void an_events_name_is_replaced(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event_row *events;

    fill(f, "abc", 1);
    erase_value(f, ERASE_EVENT, "needle_event", rows);
    assert_int_equal(erased(rows, "analytics_events"), 1);
    assert_int_equal(erased(rows, "visits"), 1);
    assert_int_equal(sum_of_counts(f, "abc"), 21);
    (void)events_of(f, "abc", &events);
    assert_str(events[3].event.name, "(erased)");
    assert_int_equal(events[3].event.kind, EVENT_CUSTOM);
    assert_str(events[5].event.name, "lead.created");
    struct buf visits = {0};

    assert_ok(
        f, store_each_visit(f->store, STR("t5g"), STR("abc"), DAY, tell_visit, &visits, &f->err));
    assert_str(buf_str(&visits), "||||||||||||" SECRET "|/plain|example.com" SECRET "|||1\n"
                                 "|||||||||||||" SECRET "|||(erased) " SECRET "|1\n");
    buf_release(&visits);
}

static int see_prop(void *ctx, struct str name, struct str value)
{
    buf_addf(ctx, "%.*s=%.*s;", STR_FMT(name), STR_FMT(value));
    return 0;
}

static void assert_props(struct fixture *f, const struct event *event, const char *expected)
{
    struct buf out = {0};

    (void)props_each(event->props, &f->arena, see_prop, &out);
    assert_str(buf_str(&out), expected);
    buf_release(&out);
}

static void a_property_is_taken_out(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event_row *events;

    fill(f, "abc", 1);
    erase_value(f, ERASE_PROP, "plan", rows);
    assert_int_equal(erased(rows, "analytics_events"), 2);
    assert_int_equal(erased(rows, "visits"), 0);
    assert_int_equal(sum_of_counts(f, "abc"), 21);
    (void)events_of(f, "abc", &events);
    assert_props(f, &events[1].event, "size=1.50;");
    assert_int_equal(events[3].event.props.len, 0);
    if (str_find(events[4].event.props, 0, 's') < str_find(events[4].event.props, 0, 'l'))
        assert_props(f, &events[4].event, "size=3;planet=plan;");
    else
        assert_props(f, &events[4].event, "planet=plan;size=3;");
    erase_value(f, ERASE_PROP, "size", rows);
    (void)events_of(f, "abc", &events);
    assert_int_equal(events[1].event.props.len, 0);
    assert_props(f, &events[4].event, "planet=plan;");
}

static void odd_properties_are_known_by_what_they_mean(void **state)
{
    static const char *const props[][3] = {
        {"{\"a\\\"b\":\"x\",\"c\":1}", "a\"b", "c=1;"},
        {"{\"b,\":\"}{\",\"a\":\"\\\\\"}", "a", "b,=}{;"},
        {"{\"\xc3\xa4\":false,\"z\":true}", "\xc3\xa4", "z=true;"},
        {"{\"\":1,\"y\":2}", "y", "=1;"},
    };
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event events[4];
    struct event_row *found;

    for (int i = 0; i < 4; i++) {
        events[i] = pageview("abc", DAY_START + i, "/");
        events[i].props = str_from(props[i][0]);
    }
    put_owner(f, "abc", 1);
    commit(f, &(struct store_batch){.events = pointers(f, events, 4), .events_count = 4});
    for (int i = 0; i < 4; i++)
        erase_value(f, ERASE_PROP, props[i][1], rows);
    assert_int_equal(erased(rows, "analytics_events"), 4);
    assert_int_equal(events_of(f, "abc", &found), 4);
    for (int i = 0; i < 4; i++)
        assert_props(f, &found[i].event, props[i][2]);
}

static void numbers_and_packs_stay_when_a_value_goes(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct site_day *due;
    size_t count;

    fill(f, "abc", 1);
    erase_value(f, ERASE_PATH, SECRET, rows);
    for (size_t i = 2; erased_tables[i] != NULL; i++)
        assert_int_equal(rows[i], 0);
    assert_ok(f,
              store_load_due(f->store, PARTITIONS_ALL, 2 * DAY, &f->arena, &due, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(due[0].day, DAY);
    assert_balance(f, 9, 9);
}

static void a_call_changes_at_most_10000_rows(void **state)
{
    struct fixture *f = *state;
    bool more = false;
    int64_t rows[ERASED_TABLES] = {0};
    const struct str abc = STR("abc"), secret = STR(SECRET), with = STR("(erased)");

    put_owner(f, "abc", 1);
    add_events(f, "abc", 10001, SECRET);
    assert_ok(f, store_erase_value(f->store, abc, ERASE_PATH, secret, with, &more, rows, &f->err));
    assert_true(more);
    assert_int_equal(erased(rows, "analytics_events"), 10000);
    assert_ok(f, store_erase_value(f->store, abc, ERASE_PATH, secret, with, &more, rows, &f->err));
    assert_int_equal(erased(rows, "analytics_events"), 10001);
    assert_true(more); /* a pass that changes nothing is the last */
    assert_ok(f, store_erase_value(f->store, abc, ERASE_PATH, secret, with, &more, rows, &f->err));
    assert_false(more);
    assert_int_equal(erased(rows, "analytics_events"), 10001);
}

static void a_value_that_comes_back_meanwhile_goes_too(void **state)
{
    struct fixture *f = *state;
    bool more = false;
    int64_t rows[ERASED_TABLES] = {0};
    const struct str abc = STR("abc"), secret = STR(SECRET), with = STR("(erased)");
    struct event late = pageview("abc", DAY_START - DAY_MS, SECRET);

    put_owner(f, "abc", 1);
    add_events(f, "abc", 10001, SECRET);
    assert_ok(f, store_erase_value(f->store, abc, ERASE_PATH, secret, with, &more, rows, &f->err));
    assert_true(more);
    commit(f, &(struct store_batch){.events = pointers(f, &late, 1), .events_count = 1});
    erase_value(f, ERASE_PATH, SECRET, rows);
    assert_int_equal(erased(rows, "analytics_events"), 10002);
}

static void many_dates_take_several_calls(void **state)
{
    enum { DATES = 70 };
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event events[DATES];

    put_owner(f, "abc", 1);
    for (int i = 0; i < DATES; i++)
        events[i] = pageview("abc", DAY_START + (i - 35) * INT64_C(86400000) - 1, SECRET);
    commit(f, &(struct store_batch){.events = pointers(f, events, DATES), .events_count = DATES});
    erase_value(f, ERASE_PATH, SECRET, rows);
    assert_int_equal(erased(rows, "analytics_events"), DATES);
}

static void what_is_no_value_is_refused(void **state)
{
    static const struct {
        enum erasure_kind kind;
        const char *value, *with;
    } cases[] = {
        {ERASE_SITE, "/a", "(erased)"},     {ERASE_TENANT, "/a", "(erased)"},
        {ERASE_PATH, "", "(erased)"},       {ERASE_PATH, "/a", ""},
        {ERASE_PATH, "/a", "/a"},           {ERASE_EVENT, "pageview", "(erased)"},
        {ERASE_EVENT, "lead.created", "x"}, {ERASE_EVENT, "signup", "pageview"},
        {ERASE_EVENT, "sign up", "x"},      {ERASE_EVENT, "signup", "e r"},
        {ERASE_PROP, "", "(erased)"},
    };
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    bool more;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(store_erase_value(f->store, STR("abc"), cases[i].kind,
                                           str_from(cases[i].value), str_from(cases[i].with), &more,
                                           rows, NULL),
                         ERR_INVALID);
}

/* -- bytes ------------------------------------------------------------------------------------- */

static bool file_holds(const char *path, const char *needle)
{
    FILE *file = fopen(path, "rb");
    struct buf bytes = {0};
    char part[65536];
    size_t len;

    if (file == NULL)
        return false;
    while ((len = fread(part, 1, sizeof(part), file)) > 0)
        buf_add(&bytes, (struct str){part, len});
    (void)fclose(file);
    bool found = bytes.len > 0 && memmem(bytes.ptr, bytes.len, needle, strlen(needle)) != NULL;

    buf_release(&bytes);
    return found;
}

static bool folder_holds(const char *folder, const char *needle)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool found = false;

    assert_non_null(dir);
    while (!found && (entry = readdir(dir)) != NULL) {
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        found = entry->d_type == DT_REG && file_holds(path, needle);
    }
    (void)closedir(dir);
    return found;
}

/* Of raw rows, visits, sketches, packs, links. The other site has none of them. */
static const char *const needles[] = {SECRET,           "needle of a title", "needle, ",
                                      "needle_event",   "needle of a set",   "needle of a pack",
                                      "needle of a co", "needle of a link",  "abc-two"};
enum { NEEDLES = sizeof(needles) / sizeof(needles[0]) };

static void fill_other(struct fixture *f)
{
    struct site_row row = site_named("xyz", "t5g");
    struct visit visit = visit_of(9, DAY_START, 1);

    visit.key.site = STR("xyz");
    for (size_t t = 0; t < VISIT_TEXTS; t++)
        visit.texts[t] = STR("");
    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    add_events(f, "xyz", 500, "/another");
}

/* And what was removed one by one before, and changed. */
static void fill_and_wear(struct fixture *f)
{
    int64_t rows[ERASED_TABLES] = {0};
    struct expiry old = {STR("abc"), DAY_START + 1, INT32_MIN, INT32_MIN, INT32_MIN};
    bool more;

    fill_other(f);
    fill(f, "abc", 1);
    add_events(f, "abc", 3000, "/needle-worn");
    assert_ok(f, store_expire(f->store, &old, 1, NULL, 0, &more, &f->err));
    erase_value(f, ERASE_PATH, "/needle-worn", rows);
}

static void no_byte_is_left_in_the_files(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event_row *events;

    fill_and_wear(f);
    for (size_t i = 0; i < NEEDLES; i++)
        if (!folder_holds(f->dir, needles[i]))
            fail_msg("no %s to begin with", needles[i]);
    erase_site(f, "abc", rows);
    assert_ok(f, store_compact(f->store, &f->err));
    for (size_t i = 0; i < NEEDLES; i++)
        if (folder_holds(f->dir, needles[i]))
            fail_msg("there is still %s", needles[i]);
    assert_false(folder_holds(f->dir, "needle-worn"));
    assert_int_equal(events_of(f, "xyz", &events), 500);
    assert_true(folder_holds(f->dir, "/another"));
}

static void a_value_leaves_no_byte_in_the_files(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};

    fill_other(f);
    fill(f, "abc", 1);
    assert_true(folder_holds(f->dir, "needle, "));
    assert_true(folder_holds(f->dir, "needle_event"));
    erase_value(f, ERASE_PROP, "plan", rows);
    erase_value(f, ERASE_EVENT, "needle_event", rows);
    erase_value(f, ERASE_PATH, SECRET, rows);
    erase_value(f, ERASE_PATH, SECRET "/more", rows);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_false(folder_holds(f->dir, "needle, "));
    assert_false(folder_holds(f->dir, "needle_event"));
    assert_false(folder_holds(f->dir, "needle-4711"));
    assert_false(folder_holds(f->dir, "needle of a title"));
}

static void a_reader_of_an_older_state_is_not_overlooked(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    int64_t rows[ERASED_TABLES] = {0}, counters[COUNTERS];

    fill(f, "abc", 1);
    assert_ok(f, store_read_begin(reader, &f->err));
    assert_ok(f, store_counters(reader, counters, &f->err));
    erase_site(f, "abc", rows);
    sqlite_of(f->store)->busy_tries = BUSY_TRIES_BRIEF;
    assert_int_equal(store_compact(f->store, NULL), ERR_UNAVAILABLE);
    assert_true(folder_holds(f->dir, SECRET));
    store_read_end(reader);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_false(folder_holds(f->dir, SECRET));
    store_close(&reader);
}

/* Another process that takes from the log into the database: of SQLite's locks on FILE-shm it holds
 * the one that says so (sqlite.org/walformat.html), for a moment. */
static pid_t take_from_log(const struct fixture *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 121, .l_len = 1};
    int ready[2];
    char path[256], byte;

    assert_int_equal(pipe(ready), 0);
    (void)snprintf(path, sizeof(path), "%s/abacus.db-shm", f->dir);
    pid_t pid = fork();

    if (pid == 0) {
        int fd = open(path, O_RDWR | O_CLOEXEC);

        if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)usleep(300 * 1000);
        _exit(0);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void who_takes_from_the_log_meanwhile_is_waited_for(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    int status = 0;

    fill(f, "abc", 1);
    erase_site(f, "abc", rows);
    pid_t pid = take_from_log(f);

    assert_ok(f, store_compact(f->store, &f->err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(folder_holds(f->dir, SECRET));
}

static void compacting_an_empty_store_is_nothing_special(void **state)
{
    struct fixture *f = *state;

    assert_ok(f, store_compact(f->store, &f->err));
    assert_ok(f, store_compact(f->store, &f->err));
    assert_ok(f, store_check(f->store, &f->err));
}

/* -- bytes, PostgreSQL ------------------------------------------------------------------------- */

static void sql(const struct fixture *f, const char *text)
{
    struct buf out = {0};

    add_postgres(f, text, &out);
    buf_release(&out);
}

/* The database's own folder, where the server runs on this machine. */
static bool find_folder(const struct fixture *f, char out[256])
{
    char folder[128], oid[32];
    DIR *dir;

    sql_value(f->url.ptr, "SHOW data_directory", folder, sizeof(folder));
    sql_value(f->url.ptr, "SELECT oid FROM pg_database WHERE datname = current_database()", oid,
              sizeof(oid));
    (void)snprintf(out, 256, "%s/base/%s", folder, oid);
    dir = opendir(out);
    if (dir != NULL)
        (void)closedir(dir);
    return dir != NULL;
}

static int64_t statistics_of(const struct fixture *f, const char *needle)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "SELECT count(*) FROM pg_catalog.pg_stats WHERE schemaname = 'analytics' AND"
                   " position('%s' IN concat(most_common_vals::text, histogram_bounds::text)) > 0",
                   needle);
    return number_of(f, text);
}

static void no_byte_is_left_in_the_database(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    char folder[256];

    fill_and_wear(f);
    sql(f, "ANALYZE");
    assert_true(statistics_of(f, "needle") > 2);
    bool near = find_folder(f, folder);

    if (near)
        sql(f, "CHECKPOINT");
    for (size_t i = 0; near && i < NEEDLES; i++)
        if (!folder_holds(folder, needles[i]))
            fail_msg("no %s to begin with", needles[i]);
    erase_site(f, "abc", rows);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_int_equal(statistics_of(f, "needle"), 0);
    if (!near)
        skip();
    sql(f, "CHECKPOINT");
    for (size_t i = 0; i < NEEDLES; i++)
        if (folder_holds(folder, needles[i]))
            fail_msg("there is still %s", needles[i]);
    assert_false(folder_holds(folder, "needle-worn"));
    assert_true(folder_holds(folder, "/another"));
}

/* Of the only site: tables without rows keep no statistics either. */
static void statistics_of_the_last_site_go_too(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event_row *events;

    fill(f, "abc", 1);
    add_events(f, "abc", 3000, "/needle-worn");
    sql(f, "ANALYZE");
    assert_true(statistics_of(f, "needle") > 2);
    erase_site(f, "abc", rows);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_int_equal(statistics_of(f, "needle-"), 0);
    put_owner(f, "abc", 1);
    assert_int_equal(events_of(f, "abc", &events), 0);
    assert_int_equal(number_of(f, "SELECT count(*) FROM visits"), 0);
}

static int64_t file_of(const struct fixture *f, int32_t day)
{
    char date[DATE_TEXT], text[128];

    date_format(day, date);
    (void)snprintf(text, sizeof(text),
                   "SELECT pg_relation_filenode('analytics_events_%.4s%.2s%.2s')", date, date + 5,
                   date + 8);
    return number_of(f, text);
}

static void only_dates_that_lost_rows_are_written_anew(void **state)
{
    struct fixture *f = *state;
    int64_t rows[ERASED_TABLES] = {0};
    struct event early = pageview("xyz", DAY_START - 1, "/another");

    fill_other(f);
    fill(f, "abc", 1);
    commit(f, &(struct store_batch){.events = pointers(f, &early, 1), .events_count = 1});
    int64_t before = file_of(f, DAY - 1), of_day = file_of(f, DAY);

    erase_site(f, "abc", rows);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_int_equal(file_of(f, DAY - 1), before);
    int64_t now = file_of(f, DAY);

    assert_true(now != of_day);
    /* Rows that come are no reason, rows that go are. */
    add_events(f, "xyz", 10, "/another");
    assert_ok(f, store_compact(f->store, &f->err));
    assert_int_equal(file_of(f, DAY), now);
    fill(f, "abc", 2);
    erase_value(f, ERASE_PATH, SECRET, rows);
    assert_ok(f, store_compact(f->store, &f->err));
    assert_true(file_of(f, DAY) != now);
    assert_int_equal(file_of(f, DAY - 1), before);
}

/* A transaction that failed leaves its rows where they were put. */
static void rows_of_a_failed_batch_are_written_over_too(void **state)
{
    struct fixture *f = *state;

    fill_other(f);
    int64_t before = file_of(f, DAY);

    /* The counts of a connection may come a second late. */
    sql(f, "BEGIN; INSERT INTO analytics_events (site_id, timestamp, tenant_id, type, day, count)"
           " VALUES ('gone', '2024-10-04 01:00:00+00', 't', 'pageview', '2024-10-04', 1); ROLLBACK;"
           " SELECT pg_stat_force_next_flush()");
    assert_ok(f, store_compact(f->store, &f->err));
    assert_true(file_of(f, DAY) != before);
}

static void a_table_in_use_is_waited_for(void **state)
{
    struct fixture *f = *state;
    PGconn *conn = postgres_connect(f->url.ptr);

    PQclear(PQexec(conn, "BEGIN; LOCK TABLE analytics.due_days IN ACCESS SHARE MODE"));
    assert_int_equal(PQsendQuery(conn, "SELECT pg_sleep(2.2); COMMIT"), 1);
    assert_ok(f, store_compact(f->store, &f->err));
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(nothing_of_a_site_is_left),
        ON_ALL(the_rows_are_counted_by_table),
        ON_ALL(other_sites_stay_as_they_are),
        ON_ALL(the_balance_holds),
        ON_ALL(readers_are_told),
        ON_ALL(the_log_has_one_line_of_it_and_keeps_the_others),
        ON_ALL(a_removed_site_is_erased_too),
        ON_ALL(a_call_removes_at_most_10000_rows),
        ON_ALL(so_many_rows_that_something_is_left_go_in_one_call),
        ON("sqlite", another_handle_goes_on),
        ON_POSTGRES(another_handle_goes_on),
        ON_ALL(a_path_is_replaced_wherever_it_stands),
        ON_ALL(a_referrer_that_was_cut_is_replaced_too),
        ON_ALL(an_events_name_is_replaced),
        ON_ALL(a_property_is_taken_out),
        ON_ALL(odd_properties_are_known_by_what_they_mean),
        ON_ALL(numbers_and_packs_stay_when_a_value_goes),
        ON_ALL(a_call_changes_at_most_10000_rows),
        ON_ALL(a_value_that_comes_back_meanwhile_goes_too),
        ON_ALL(many_dates_take_several_calls),
        ON_ALL(what_is_no_value_is_refused),
        ON("sqlite", no_byte_is_left_in_the_files),
        ON("sqlite", a_value_leaves_no_byte_in_the_files),
        ON("sqlite", a_reader_of_an_older_state_is_not_overlooked),
        ON("sqlite", who_takes_from_the_log_meanwhile_is_waited_for),
        ON_ALL(compacting_an_empty_store_is_nothing_special),
        ON_POSTGRES(no_byte_is_left_in_the_database),
        ON_POSTGRES(statistics_of_the_last_site_go_too),
        ON_POSTGRES(only_dates_that_lost_rows_are_written_anew),
        ON_POSTGRES(rows_of_a_failed_batch_are_written_over_too),
        ON_POSTGRES(a_table_in_use_is_waited_for),
    };

    return run_with_postgres("store_erase", tests, sizeof(tests) / sizeof(tests[0]));
}
