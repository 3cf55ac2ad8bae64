/*
 * test_query_recent.c -- due days that are made once for many questions. What is read of the store
 * is told by its own observer.
 */
#include "query_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 8, BYTES = 1 << 20 };

struct world {
    char dir[64], db[96], url[128];
    struct store *store;
    atomic_int loads; /* how often the visits of a day were read */
    struct tz *tz;
    struct site site;
    struct goal goals[2];
    struct query_recent *recent;
    struct arena arena;
    struct err err;
};

static void observe(void *ctx, const char *op, double seconds)
{
    struct world *w = ctx;

    (void)seconds;
    if (strcmp(op, "each_visit") == 0)
        atomic_fetch_add(&w->loads, 1);
}

static struct store *open_store(struct world *w)
{
    struct store_config config = {
        .url = str_from(w->url), .data_dir = str_from(w->dir), .observe = observe, .ctx = w};
    struct store *store = NULL;
    struct err err = {0};

    if (store_open(&config, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static void add(struct world *w, const char *time, uint64_t visitor, const char *path)
{
    struct event event = fixture_event(&w->site, "pageview", instant(time), visitor, path);

    event.traits[TRAIT_COUNTRY] = visitor % 2 == 0 ? STR("DE") : STR("FR");
    fixture_events(w->store, &w->site, &event, 1);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    (void)strcpy(w->dir, "/tmp/abacus-recent-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->db, sizeof(w->db), "%s/abacus.db", w->dir);
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s", w->db);
    w->store = open_store(w);
    w->tz = fixture_tz("Europe/Berlin");
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    w->goals[0] = (struct goal){.name = STR("Lead"), .event = STR("lead.created")};
    w->goals[1] = (struct goal){.name = STR("Seen"), .path = STR("/b")};
    w->site = (struct site){.id = STR("a"),
                            .tenant = STR("five"),
                            .timezone = STR("Europe/Berlin"),
                            .tz = w->tz,
                            .goals = w->goals,
                            .goals_count = 1,
                            .goals_hash = goals_hash(w->goals, 1),
                            .paths_per_day = 100};
    w->recent = query_recent_new(BYTES);
    add(w, "2026-11-20T10:00:00Z", 1, "/a");
    add(w, "2026-11-20T10:01:00Z", 1, "/b");
    add(w, "2026-11-20T11:00:00Z", 2, "/a");
    add(w, "2026-11-21T11:00:00Z", 3, "/a");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];

    query_recent_free(&w->recent);
    assert_null(w->recent);
    store_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    test_free(w);
    return 0;
}

static const struct filter german = {.dimension = DIM_COUNTRY, .op = FILTER_IS, .value = {"DE", 2}};

static struct query_breakdown ask(struct world *w, enum dimension dimension, bool filtered,
                                  struct query_recent *recent)
{
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_breakdown_ask question = {.dimension = dimension,
                                           .filters = {&german, filtered ? 1 : 0},
                                           .limit = 10,
                                           .recent = recent};
    struct query_breakdown out;

    if (query_breakdown(w->store, &w->site, range, INT32_MIN, &question, &w->arena, &out,
                        &w->err) != 0)
        fail_msg("%s", w->err.text);
    return out;
}

static void assert_same(const struct query_breakdown *a, const struct query_breakdown *b)
{
    assert_true(a->count > 0);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->visitors, b->visitors);
    for (size_t i = 0; i < a->count; i++) {
        struct count_row x = a->rows[i], y = b->rows[i];
        assert_true(str_eq(x.value, y.value));
        x.value = y.value = STR("");
        assert_memory_equal(&x, &y, sizeof(x));
    }
}

static void answers_what_the_rows_answer(void **state)
{
    struct world *w = *state;
    static const enum dimension asked[] = {DIM_PAGE, DIM_ENTRY_PAGE, DIM_COUNTRY, DIM_EVENT};

    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
            for (int filtered = 0; filtered < 2; filtered++) {
                struct query_breakdown rows = ask(w, asked[i], filtered == 1, NULL);
                struct query_breakdown kept = ask(w, asked[i], filtered == 1, w->recent);
                assert_same(&rows, &kept);
            }
}

static void reads_a_day_once_until_something_is_counted(void **state)
{
    struct world *w = *state;

    atomic_store(&w->loads, 0);
    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).rows[0].visitors, 3);
    assert_int_equal(atomic_load(&w->loads), 2); /* two days */
    (void)ask(w, DIM_PAGE, false, w->recent);
    (void)ask(w, DIM_COUNTRY, true, w->recent);
    assert_int_equal(atomic_load(&w->loads), 2);
    add(w, "2026-11-21T12:00:00Z", 4, "/a");
    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).rows[0].visitors, 4);
    assert_int_equal(atomic_load(&w->loads), 4);
}

static void makes_a_day_again_for_other_goals(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).rows[1].conversions, 0);
    w->site.goals_count = 2;
    w->site.goals_hash = goals_hash(w->goals, 2);
    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).rows[1].conversions, 1);
}

static void keeps_no_day_that_is_larger_than_all_it_may_keep(void **state)
{
    struct world *w = *state;
    struct query_recent *small = query_recent_new(1);

    atomic_store(&w->loads, 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ask(w, DIM_PAGE, false, small).total, 2);
        assert_int_equal(atomic_load(&w->loads), 2 * i);
    }
    query_recent_free(&small);
}

/* A day takes some kilobytes: of the two, one is kept, and it is the one asked for last. */
static void drops_the_day_that_was_not_used_for_longest(void **state)
{
    struct world *w = *state;
    struct query_recent *small = NULL;
    size_t bytes = 256;

    for (bool one = false; !one; bytes += 256) {
        small = query_recent_new(bytes);
        (void)ask(w, DIM_PAGE, false, small);
        atomic_store(&w->loads, 0);
        struct range second = {day("2026-11-21"), day("2026-11-21")};
        struct query_breakdown_ask question = {.limit = 1, .recent = small};
        struct query_breakdown out;
        assert_int_equal(query_breakdown(w->store, &w->site, second, INT32_MIN, &question,
                                         &w->arena, &out, &w->err),
                         0);
        one = atomic_load(&w->loads) == 0;
        if (one) {
            second = (struct range){day("2026-11-20"), day("2026-11-20")};
            assert_int_equal(query_breakdown(w->store, &w->site, second, INT32_MIN, &question,
                                             &w->arena, &out, &w->err),
                             0);
            assert_int_equal(atomic_load(&w->loads), 1);
        }
        query_recent_free(&small);
        assert_true(bytes < BYTES);
    }
}

static void execute(struct world *w, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void keeps_no_day_that_could_not_be_read(void **state)
{
    struct world *w = *state;
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_breakdown_ask question = {.limit = 10, .recent = w->recent};
    struct query_breakdown out;

    execute(w, "ALTER TABLE visits RENAME TO elsewhere");
    assert_true(query_breakdown(w->store, &w->site, range, INT32_MIN, &question, &w->arena, &out,
                                &w->err) < 0);
    assert_true(strlen(w->err.text) > 0);
    execute(w, "ALTER TABLE elsewhere RENAME TO visits");
    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).total, 2);
}

struct asker {
    pthread_t thread;
    struct world *w;
    struct store *store;
    enum dimension dimension;
    int rc;
    size_t total;
};

static void *run_asker(void *ctx)
{
    struct asker *asker = ctx;
    struct arena arena = {0};
    struct query_breakdown out = {0};
    struct err err = {0};
    struct range range = {day("2026-11-20"), day("2026-11-21")};
    struct query_breakdown_ask question = {
        .dimension = asker->dimension, .limit = 10, .recent = asker->w->recent};

    for (int i = 0; i < 20 && asker->rc == 0; i++) {
        asker->rc = query_breakdown(asker->store, &asker->w->site, range, INT32_MIN, &question,
                                    &arena, &out, &err);
        asker->total = out.total;
        arena_reset(&arena);
    }
    arena_free(&arena);
    return NULL;
}

static void makes_a_day_once_for_threads_that_ask_together(void **state)
{
    struct world *w = *state;
    struct asker askers[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        askers[i] = (struct asker){
            .w = w, .store = open_store(w), .dimension = i % 2 == 0 ? DIM_PAGE : DIM_COUNTRY};
    atomic_store(&w->loads, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].rc, 0);
        assert_int_equal(askers[i].total, 2);
        store_close(&askers[i].store);
    }
    assert_int_equal(atomic_load(&w->loads), 2);
}

/* Days come and go while others use them. */
static void serves_threads_that_push_out_each_other_s_days(void **state)
{
    struct world *w = *state;
    struct asker askers[THREADS];

    query_recent_free(&w->recent);
    w->recent = query_recent_new(2000);
    for (size_t i = 0; i < THREADS; i++)
        askers[i] = (struct asker){.w = w, .store = open_store(w), .dimension = DIM_PAGE};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]), 0);
    for (int i = 0; i < 10; i++)
        add(w, "2026-11-21T13:00:00Z", 100 + (uint64_t)i, "/a");
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].rc, 0);
        store_close(&askers[i].store);
    }
    assert_int_equal(ask(w, DIM_PAGE, false, w->recent).rows[0].visitors, 13);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(answers_what_the_rows_answer),
        WITH_WORLD(reads_a_day_once_until_something_is_counted),
        WITH_WORLD(makes_a_day_again_for_other_goals),
        WITH_WORLD(keeps_no_day_that_is_larger_than_all_it_may_keep),
        WITH_WORLD(drops_the_day_that_was_not_used_for_longest),
        WITH_WORLD(keeps_no_day_that_could_not_be_read),
        WITH_WORLD(makes_a_day_once_for_threads_that_ask_together),
        WITH_WORLD(serves_threads_that_push_out_each_other_s_days),
    };
    return cmocka_run_group_tests_name("query_recent", tests, NULL, NULL);
}
