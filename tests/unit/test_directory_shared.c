/*
 * test_directory_shared.c -- the directories of several nodes on one PostgreSQL: each follows what
 * the others change, and salts that the server lost come back from those that hold them.
 */
#include "test_postgres_support.h"

#include "base/clock.h"
#include "directory/directory.h"
#include "timed.h"

enum { NODES = 2 };

struct scene {
    struct fixture *f; /* its store is the administrator's handle */
    struct directory *nodes[NODES];
};

static int32_t today(void)
{
    return (int32_t)(clock_wall_ms() / DAY_MS);
}

static int set_up(void **state)
{
    static const struct directory_config config = {
        .raw_days = 30, .visit_days = 365, .stats_days = 366};
    struct scene *s = test_calloc(1, sizeof(*s));
    void *f = NULL;

    assert_int_equal(set_up_postgres(&f), 0);
    s->f = f;
    for (int i = 0; i < NODES; i++) {
        struct store *store = open_again(s->f, false);

        s->nodes[i] = directory_new(&config);
        assert_ok(s->f, directory_start(s->nodes[i], &store, &s->f->err));
    }
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    void *f = s->f;

    for (int i = 0; i < NODES; i++)
        directory_free(&s->nodes[i]);
    test_free(s);
    return tear_down_postgres(&f);
}

static bool knows_site(struct directory *node, const void *id)
{
    const struct snapshot *snapshot = directory_take(node);
    bool found = snapshot != NULL && snapshot_site(snapshot, str_from(id)) != NULL;

    if (snapshot != NULL)
        directory_give(node, snapshot);
    return found;
}

/* Has today's salt this key? */
static bool has_key(struct directory *node, const void *key)
{
    const struct snapshot *snapshot = directory_take(node);
    const struct salt *salt =
        snapshot == NULL ? NULL : salts_find(snapshot_salts(snapshot), today());
    bool same = salt != NULL && memcmp(salt->key, key, SALT_BYTES) == 0;

    if (snapshot != NULL)
        directory_give(node, snapshot);
    return same;
}

/* Seconds until it holds on every node; fails after 60. */
static double wait_until(struct scene *s, bool (*holds)(struct directory *, const void *),
                         const void *what)
{
    int64_t began = clock_steady_us();

    for (int i = 0; i < NODES;) {
        if (holds(s->nodes[i], what)) {
            i++;
            continue;
        }
        assert_true(clock_steady_us() - began < INT64_C(60) * 1000000);
        (void)usleep(5000);
    }
    return (double)(clock_steady_us() - began) / 1e6;
}

static void put_site(struct scene *s, const char *id)
{
    struct site_row row = site_named(id, "t5g");

    assert_ok(s->f, store_put_site(s->f->store, &row, &somebody, &s->f->err));
}

/* Today's salt as the database has it. */
static void stored_key(struct scene *s, uint8_t out[SALT_BYTES])
{
    struct salts salts = {0};

    assert_ok(s->f, store_salts(s->f->store, clock_wall_ms(), &salts, &s->f->err));
    assert_non_null(salts_find(&salts, today()));
    memcpy(out, salts_find(&salts, today())->key, SALT_BYTES);
}

static void a_change_reaches_every_node_within_a_second(void **state)
{
    struct scene *s = *state;

    put_site(s, "first");
    (void)wait_until(s, knows_site, "first");
    put_site(s, "second");
    assert_true(wait_until(s, knows_site, "second") < 1);
}

static void nodes_that_start_together_have_the_same_salts(void **state)
{
    struct scene *s = *state;
    uint8_t key[SALT_BYTES];

    stored_key(s, key);
    (void)wait_until(s, has_key, key);
}

/* As a crash of the server leaves an unlogged table. */
static void salts_that_the_server_lost_are_put_back(void **state)
{
    struct scene *s = *state;
    uint8_t before[SALT_BYTES], after[SALT_BYTES];
    char count[32];

    stored_key(s, before);
    (void)wait_until(s, has_key, before);
    sql_on(s->f->url.ptr, "TRUNCATE analytics.salts");
    int64_t began = clock_steady_us();

    do {
        assert_true(clock_steady_us() - began < INT64_C(60) * 1000000);
        (void)usleep(5000);
        sql_value(s->f->url.ptr, "SELECT count(*) FROM analytics.salts", count, sizeof(count));
    } while (strcmp(count, "0") == 0);
    assert_true(clock_steady_us() - began < 1000000);
    stored_key(s, after);
    assert_memory_equal(before, after, SALT_BYTES);
    (void)wait_until(s, has_key, before);
}

/* A node that made new salts while the others were away takes those that were made first. */
static void the_salt_that_was_made_first_reaches_every_node(void **state)
{
    struct scene *s = *state;
    struct salts held = {.count = 1, .salt = {{.day = today(), .made_ms = 1}}};
    uint8_t key[SALT_BYTES], earlier[SALT_BYTES];

    stored_key(s, key);
    (void)wait_until(s, has_key, key);
    memset(earlier, 0x55, sizeof(earlier));
    memcpy(held.salt[0].key, earlier, SALT_BYTES);
    assert_ok(s->f, store_salts(s->f->store, clock_wall_ms(), &held, &s->f->err));
    assert_true(wait_until(s, has_key, earlier) < 1);
}

#define TEST(test) TIMED_TEST_AS("postgres: " #test, test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_reaches_every_node_within_a_second),
        TEST(nodes_that_start_together_have_the_same_salts),
        TEST(salts_that_the_server_lost_are_put_back),
        TEST(the_salt_that_was_made_first_reaches_every_node),
    };

    return run_with_postgres("directory_shared", tests, sizeof(tests) / sizeof(tests[0]));
}
