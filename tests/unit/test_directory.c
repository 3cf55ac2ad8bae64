/*
 * test_directory.c -- snapshots of sites, tokens and salts, and how they follow the store.
 */
#include "test_store_support.h"

#include "base/clock.h"
#include "directory/directory.h"
#include "timed.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

struct scene {
    struct fixture *f; /* its store is the administrator's handle */
    struct directory *directory;
};

static const struct directory_config plain = {.raw_days = 30, .visit_days = 365, .stats_days = 366};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->f = fixture_new("sqlite");
    s->directory = directory_new(&plain);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;

    directory_free(&s->directory);
    assert_null(s->directory);
    fixture_free(s->f);
    free(s);
    return 0;
}

static void put(struct scene *s, const struct site_row *row)
{
    assert_ok(s->f, store_put_site(s->f->store, row, &somebody, &s->f->err));
}

static void put_named(struct scene *s, const char *id, const char *tenant)
{
    struct site_row row = site_named(id, tenant);

    put(s, &row);
}

static const struct snapshot *load(struct scene *s)
{
    assert_ok(s->f, directory_load(s->directory, s->f->store, DAY_START, &s->f->err));
    return directory_take(s->directory);
}

static void execute(const struct scene *s, const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/abacus.db", s->f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

/* -- what a snapshot says ---------------------------------------------------------------------- */

static void there_is_none_before_the_first_load(void **state)
{
    struct scene *s = *state;

    assert_null(directory_take(s->directory));
}

static void finds_sites_by_id_and_by_alias(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    row.tracking_ids = STR("[\"pub1\",\"pub2\"]");
    put(s, &row);
    put_named(s, "xyz", "t5g");
    const struct snapshot *snapshot = load(s);
    const struct site *abc = snapshot_site(snapshot, STR("abc"));

    assert_non_null(abc);
    assert_str(abc->id, "abc");
    assert_ptr_equal(snapshot_tracked(snapshot, STR("abc")), abc);
    assert_ptr_equal(snapshot_tracked(snapshot, STR("pub1")), abc);
    assert_ptr_equal(snapshot_tracked(snapshot, STR("pub2")), abc);
    assert_null(snapshot_site(snapshot, STR("pub1")));
    assert_null(snapshot_site(snapshot, STR("ab")));
    assert_null(snapshot_tracked(snapshot, STR("")));
    assert_str(snapshot_tracked(snapshot, STR("xyz"))->id, "xyz");
    directory_give(s->directory, snapshot);
}

static void finds_each_of_many_sites(void **state)
{
    enum { SITES = 300 };
    struct scene *s = *state;
    char id[SITES][16];

    for (int i = 0; i < SITES; i++) {
        (void)snprintf(id[i], sizeof(id[i]), "site%d", i);
        put_named(s, id[i], i % 3 == 0 ? "t0" : "t1");
    }
    const struct snapshot *snapshot = load(s);
    const struct site *const *list;

    for (int i = 0; i < SITES; i++)
        assert_str(snapshot_site(snapshot, str_from(id[i]))->id, id[i]);
    assert_int_equal(snapshot_sites(snapshot, STR(""), &list), SITES);
    assert_int_equal(snapshot_sites(snapshot, STR("t0"), &list), SITES / 3);
    directory_give(s->directory, snapshot);
}

static void lists_sites_by_id_and_by_tenant(void **state)
{
    struct scene *s = *state;

    put_named(s, "c", "t2");
    put_named(s, "a", "t2");
    put_named(s, "b", "t1");
    const struct snapshot *snapshot = load(s);
    const struct site *const *list;

    assert_int_equal(snapshot_sites(snapshot, STR(""), &list), 3);
    assert_str(list[0]->id, "a");
    assert_str(list[1]->id, "b");
    assert_str(list[2]->id, "c");
    assert_int_equal(snapshot_sites(snapshot, STR("t2"), &list), 2);
    assert_str(list[0]->id, "a");
    assert_str(list[1]->id, "c");
    assert_int_equal(snapshot_sites(snapshot, STR("t1"), &list), 1);
    assert_str(list[0]->id, "b");
    assert_int_equal(snapshot_sites(snapshot, STR("t"), &list), 0);
    assert_int_equal(snapshot_sites(snapshot, STR("t3"), &list), 0);
    assert_true(snapshot_has_tenant(snapshot, STR("t1")));
    assert_false(snapshot_has_tenant(snapshot, STR("t3")));
    directory_give(s->directory, snapshot);
}

static void a_site_has_its_settings(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    row.timezone = STR("Europe/Berlin");
    row.enabled = false;
    row.visitor_identity = STR("full-address");
    row.ipv4_prefix = 16;
    row.allowed_origins = STR("[\"example.com\",\"*.example.org\"]");
    row.query_params = STR("[\"q\"]");
    row.blocked_addresses = STR("[\"10.0.0.0/8\",\"2001:db8::1\"]");
    row.blocked_paths = STR("[\"/admin/*\"]");
    row.store_ip_prefix = true;
    row.disabled_events = STR("[\"pageview\"]");
    row.disabled_fields = STR("[\"title\",\"language\",\"title\"]");
    row.require_token = STR("[\"ai.usage\",\"lead.created\"]");
    row.events_per_second = 500;
    row.raw_days = 0;
    row.visit_days = 10;
    put(s, &row);
    const struct snapshot *snapshot = load(s);
    const struct site *site = snapshot_site(snapshot, STR("abc"));

    assert_str(site->tenant, "t5g");
    assert_str(site->domain, "example.com");
    assert_str(site->timezone, "Europe/Berlin");
    assert_true(site->tenant_active && site->respect_gpc && site->mask_personal);
    assert_false(site->enabled || site->respect_dnt);
    assert_int_equal(site->identity, IDENTITY_FULL_ADDRESS);
    assert_int_equal(site->ipv4_prefix, 16);
    assert_int_equal(site->ipv6_prefix, 48);
    assert_true(site->has_allowed_origins);
    assert_int_equal(site->allowed_origins_count, 2);
    assert_str(site->allowed_origins[1], "*.example.org");
    assert_int_equal(site->query_params_count, 1);
    assert_int_equal(site->blocked_addresses_count, 2);
    assert_int_equal(site->blocked_addresses[0].bits, 8);
    assert_str(site->blocked_paths[0], "/admin/*");
    assert_true(site->store_prefix);
    assert_str(site->disabled_events[0], "pageview");
    assert_int_equal(site->fields_off, 1U << FIELD_TITLE | 1U << FIELD_LANGUAGE);
    assert_int_equal(site->token_events_count, 2);
    assert_int_equal(site->events_per_second, 500);
    assert_int_equal(site->raw_days, 0);
    assert_int_equal(site->visit_days, 10);
    assert_int_equal(site->stats_days, 366);
    /* In January Berlin is an hour ahead of UTC. */
    assert_int_equal(tz_at(site->tz, DAY_MS - 1).day, 1);
    directory_give(s->directory, snapshot);
}

static void a_site_has_its_rules(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    row.blocked_countries = STR("[\"DE\",\"fr\"]");
    row.blocked_referrers = STR("[\"Spam.Example\"]");
    row.goals = STR("[{\"name\":\"Signup\",\"event\":\"signup\"},"
                    "{\"name\":\"Bought\",\"path\":\"/thanks/*\"}]");
    row.path_rules = STR("[{\"match\":\"/users/*/edit\",\"to\":\"/users/:id/edit\"}]");
    row.paths_per_day = 77;
    put(s, &row);
    const struct snapshot *snapshot = load(s);
    const struct site *site = snapshot_site(snapshot, STR("abc"));

    assert_int_equal(site->blocked_countries_count, 2);
    assert_str(site->blocked_countries[0], "DE");
    assert_str(site->blocked_countries[1], "FR");
    assert_int_equal(site->blocked_referrers_count, 1);
    assert_str(site->blocked_referrers[0], "spam.example");
    assert_int_equal(site->goals_count, 2);
    assert_str(site->goals[0].event, "signup");
    assert_str(site->goals[1].path, "/thanks/*");
    assert_int_equal(site->goals_hash, goals_hash(site->goals, site->goals_count));
    assert_int_equal(site->path_rules_count, 1);
    assert_str(site->path_rules[0].match, "/users/*/edit");
    assert_str(site->path_rules[0].to, "/users/:id/edit");
    assert_int_equal(site->paths_per_day, 77);
    directory_give(s->directory, snapshot);
}

static void a_change_of_goals_changes_their_hash(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    put(s, &row);
    const struct snapshot *before = load(s);

    row.goals = STR("[{\"name\":\"Signup\",\"event\":\"signup\"}]");
    assert_ok(s->f, store_set_site(s->f->store, &row, &somebody, &s->f->err));
    const struct snapshot *after = load(s);

    assert_true(snapshot_site(before, STR("abc"))->goals_hash !=
                snapshot_site(after, STR("abc"))->goals_hash);
    assert_str(snapshot_site(after, STR("abc"))->goals[0].name, "Signup");
    directory_give(s->directory, before);
    directory_give(s->directory, after);
}

static void unset_lists_mean_the_default(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    const struct snapshot *snapshot = load(s);
    const struct site *site = snapshot_site(snapshot, STR("abc"));

    assert_false(site->has_allowed_origins);
    assert_int_equal(
        site->query_params_count + site->blocked_addresses_count + site->token_events_count, 0);
    assert_int_equal(
        site->blocked_countries_count + site->blocked_referrers_count + site->path_rules_count, 0);
    assert_int_equal(site->goals_count, 1);
    assert_str(site->goals[0].event, "lead.created");
    assert_false(site->store_prefix);
    assert_int_equal(site->fields_off, 0);
    assert_int_equal(site->raw_days, 30);
    assert_int_equal(site->paths_per_day, 10000);
    directory_give(s->directory, snapshot);
}

static void what_cannot_be_read_falls_back_and_the_site_stays(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    execute(s, "UPDATE analytics_settings SET timezone = 'Mars/Olympus',"
               " blocked_addresses = '[\"nonsense\",\"10.0.0.0/8\"]',"
               " blocked_paths = '[1,\"/x\"]', query_params = '[[\"a\"]]',"
               " allowed_origins = '[{}]', goals = '[{\"event\":\"signup\"}]',"
               " path_rules = '[{\"match\":1}]',"
               " disabled_fields = '[\"path\",\"os\",7,\"Title\"]',"
               " blocked_countries = '[\"DEU\",\"D1\",\"fr\"]',"
               " blocked_referrers = '[\"https://x.example\",\"\",\"y.example\"]'");
    const struct snapshot *snapshot = load(s);
    const struct site *site = snapshot_site(snapshot, STR("abc"));

    assert_non_null(site);
    assert_str(site->timezone, "UTC");
    assert_int_equal(tz_at(site->tz, DAY_MS - 1).day, 0);
    assert_int_equal(site->blocked_addresses_count, 1);
    assert_int_equal(site->blocked_addresses[0].bits, 8);
    assert_int_equal(site->blocked_paths_count, 1);
    assert_str(site->blocked_paths[0], "/x");
    assert_int_equal(site->query_params_count, 0);
    assert_false(site->has_allowed_origins);
    assert_int_equal(site->goals_count, 1);
    assert_str(site->goals[0].event, "lead.created");
    assert_int_equal(site->path_rules_count, 0);
    assert_int_equal(site->fields_off, 1U << FIELD_OS);
    assert_int_equal(site->blocked_countries_count, 1);
    assert_str(site->blocked_countries[0], "FR");
    assert_int_equal(site->blocked_referrers_count, 1);
    assert_str(site->blocked_referrers[0], "y.example");
    directory_give(s->directory, snapshot);
}

static void a_suspended_tenants_sites_say_so(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    execute(s, "UPDATE tenants SET active = 0");
    const struct snapshot *snapshot = load(s);

    assert_false(snapshot_site(snapshot, STR("abc"))->tenant_active);
    directory_give(s->directory, snapshot);
}

static void finds_tokens_by_hash_until_they_expire(void **state)
{
    struct scene *s = *state;
    struct token_row row = {.id = STR("k1"),
                            .tenant = STR("t5g"),
                            .site = STR("abc"),
                            .scopes = SCOPE_STATS_READ,
                            .hash = {1, 2, 3, 4, 5, 6, 7, 8, 9},
                            .expires_ms = 1000};
    uint8_t near[TOKEN_HASH_BYTES];

    put_named(s, "abc", "t5g");
    assert_ok(s->f, store_put_token(s->f->store, &row, &somebody, &s->f->err));
    const struct snapshot *snapshot = load(s);
    const struct token *token = snapshot_token(snapshot, row.hash, 999);

    assert_non_null(token);
    assert_str(token->id, "k1");
    assert_str(token->tenant, "t5g");
    assert_str(token->site, "abc");
    assert_int_equal(token->scopes, SCOPE_STATS_READ);
    assert_null(snapshot_token(snapshot, row.hash, 1000));
    memcpy(near, row.hash, sizeof(near));
    near[31] ^= 1; /* the same but for its last bit */
    assert_null(snapshot_token(snapshot, near, 999));
    near[31] ^= 1;
    near[0] ^= 1;
    assert_null(snapshot_token(snapshot, near, 999));
    directory_give(s->directory, snapshot);
}

static void has_the_salts_and_the_id_key_of_the_store(void **state)
{
    struct scene *s = *state;
    const struct snapshot *snapshot = load(s);
    struct directory_rows rows;
    struct salts salts = {0};

    assert_ok(s->f, store_salts(s->f->store, DAY_START, &salts, &s->f->err));
    assert_ok(s->f, store_read_directory(s->f->store, &s->f->arena, &rows, &s->f->err));
    assert_int_equal(snapshot_salts(snapshot)->count, salts.count);
    assert_memory_equal(salts_find(snapshot_salts(snapshot), DAY)->key,
                        salts_find(&salts, DAY)->key, SALT_BYTES);
    assert_memory_equal(snapshot_id_key(snapshot), rows.id_key, 16);
    directory_give(s->directory, snapshot);
}

static void salts_turn_over_with_time(void **state)
{
    struct scene *s = *state;
    const struct snapshot *before = load(s);

    assert_ok(s->f, directory_load(s->directory, s->f->store, DAY_START + 10 * DAY_MS, &s->f->err));
    const struct snapshot *after = directory_take(s->directory);

    assert_non_null(salts_find(snapshot_salts(before), DAY));
    assert_null(salts_find(snapshot_salts(after), DAY));
    assert_non_null(salts_find(snapshot_salts(after), DAY + 10));
    directory_give(s->directory, before);
    directory_give(s->directory, after);
}

static void salts_that_the_store_lost_come_back_from_the_snapshot(void **state)
{
    struct scene *s = *state;
    const struct snapshot *before = load(s);
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/salts", s->f->dir);
    assert_int_equal(unlink(path), 0);
    const struct snapshot *after = load(s);

    assert_memory_equal(salts_find(snapshot_salts(before), DAY)->key,
                        salts_find(snapshot_salts(after), DAY)->key, SALT_BYTES);
    assert_int_equal(access(path, F_OK), 0);
    directory_give(s->directory, before);
    directory_give(s->directory, after);
}

static void a_snapshot_stays_while_it_is_held(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    const struct snapshot *held = load(s);
    const struct site *site = snapshot_site(held, STR("abc"));

    assert_ok(s->f, store_remove_site(s->f->store, STR("abc"), &somebody, &s->f->err));
    const struct snapshot *newer = load(s);

    assert_null(snapshot_site(newer, STR("abc")));
    assert_ptr_equal(snapshot_site(held, STR("abc")), site);
    assert_str(site->domain, "example.com");
    directory_give(s->directory, newer);
    directory_give(s->directory, held);
}

/* -- series ------------------------------------------------------------------------------------ */

struct made {
    size_t count;
    char sites[4][8];
};

static void *make_series(void *ctx, struct str tenant, struct str site)
{
    struct made *made = ctx;

    assert_str(tenant, "t5g");
    assert_true(made->count < 4);
    (void)snprintf(made->sites[made->count], 8, "%.*s", STR_FMT(site));
    return made->sites[made->count++];
}

static void a_sites_series_is_made_once_in_the_order_of_the_sites(void **state)
{
    struct scene *s = *state;
    struct made made = {0};
    struct directory_config config = plain;

    config.series = make_series;
    config.ctx = &made;
    directory_free(&s->directory);
    s->directory = directory_new(&config);
    put_named(s, "z", "t5g");
    put_named(s, "a", "t5g");
    directory_give(s->directory, load(s));
    put_named(s, "b", "t5g");
    const struct snapshot *snapshot = load(s);

    assert_int_equal(made.count, 3);
    assert_string_equal(made.sites[0], "z");
    assert_string_equal(made.sites[1], "a");
    assert_string_equal(made.sites[2], "b");
    assert_ptr_equal(snapshot_site(snapshot, STR("a"))->series, made.sites[1]);
    directory_give(s->directory, snapshot);
}

/* -- the thread -------------------------------------------------------------------------------- */

static void start(struct scene *s)
{
    struct store *store = open_again(s->f, false);

    assert_ok(s->f, directory_start(s->directory, &store, &s->f->err));
    assert_null(store);
}

static bool knows(struct scene *s, const char *id)
{
    const struct snapshot *snapshot = directory_take(s->directory);
    bool found = snapshot != NULL && snapshot_site(snapshot, str_from(id)) != NULL;

    if (snapshot != NULL)
        directory_give(s->directory, snapshot);
    return found;
}

/* Seconds until the site is (or is no more) known; fails after 60. */
static double wait_for(struct scene *s, const char *id, bool known)
{
    int64_t began = clock_steady_us();

    while (knows(s, id) != known) {
        assert_true(clock_steady_us() - began < INT64_C(60) * 1000000);
        (void)usleep(5000);
    }
    return (double)(clock_steady_us() - began) / 1e6;
}

static void a_change_is_seen_within_a_second(void **state)
{
    struct scene *s = *state;

    put_named(s, "first", "t5g");
    start(s);
    (void)wait_for(s, "first", true);
    put_named(s, "second", "t5g");
    assert_true(wait_for(s, "second", true) < 1);
    assert_ok(s->f, store_remove_site(s->f->store, STR("second"), &somebody, &s->f->err));
    assert_true(wait_for(s, "second", false) < 1);
    assert_true(knows(s, "first"));
    directory_stop(s->directory);
    directory_stop(s->directory);
}

static void what_others_change_in_the_database_is_seen(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    start(s);
    (void)wait_for(s, "abc", true);
    execute(s, "UPDATE analytics_settings SET tracking_ids = '[\"pub\"]'");
    int64_t began = clock_steady_us();
    bool found = false;

    while (!found && clock_steady_us() - began < INT64_C(60) * 1000000) {
        const struct snapshot *snapshot = directory_take(s->directory);

        found = snapshot_tracked(snapshot, STR("pub")) != NULL;
        directory_give(s->directory, snapshot);
        (void)usleep(5000);
    }
    assert_true(found);
}

static void a_snapshot_outlives_a_store_that_cannot_be_read(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    start(s);
    (void)wait_for(s, "abc", true);
    execute(s, "ALTER TABLE tokens RENAME TO tokens_away;"
               "UPDATE counters SET value = value + 1 WHERE name = 'directory'");
    (void)usleep(600 * 1000);
    assert_true(knows(s, "abc"));
    execute(s, "ALTER TABLE tokens_away RENAME TO tokens");
    put_named(s, "again", "t5g");
    assert_true(wait_for(s, "again", true) < 1);
}

static void missing_salts_come_back_and_rows_follow_meanwhile(void **state)
{
    struct scene *s = *state;
    char path[128];

    put_named(s, "abc", "t5g");
    (void)snprintf(path, sizeof(path), "%s/salts", s->f->dir);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs("broken\n", file);
    (void)fclose(file);
    start(s);
    (void)usleep(600 * 1000);
    assert_null(directory_take(s->directory));
    assert_int_equal(unlink(path), 0);
    assert_true(wait_for(s, "abc", true) < 1);
}

static void a_thread_may_start_before_the_store_can_be_read(void **state)
{
    struct scene *s = *state;

    put_named(s, "abc", "t5g");
    execute(s, "ALTER TABLE tokens RENAME TO tokens_away");
    start(s);
    (void)usleep(600 * 1000);
    assert_null(directory_take(s->directory));
    execute(s, "ALTER TABLE tokens_away RENAME TO tokens");
    assert_true(wait_for(s, "abc", true) < 1);
}

struct ticks {
    pthread_mutex_t lock;
    size_t count;
    struct store *store;
    int64_t now_ms;
};

static void count_tick(void *ctx, struct store *store, int64_t now_ms)
{
    struct ticks *ticks = ctx;

    (void)pthread_mutex_lock(&ticks->lock);
    ticks->count++;
    ticks->store = store;
    ticks->now_ms = now_ms;
    (void)pthread_mutex_unlock(&ticks->lock);
}

static size_t count_of(struct ticks *ticks)
{
    (void)pthread_mutex_lock(&ticks->lock);
    size_t count = ticks->count;

    (void)pthread_mutex_unlock(&ticks->lock);
    return count;
}

static void ticks_after_each_look(void **state)
{
    struct scene *s = *state;
    struct ticks ticks = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct directory_config config = plain;

    config.tick = count_tick;
    config.ctx = &ticks;
    directory_free(&s->directory);
    s->directory = directory_new(&config);
    int64_t began = clock_steady_us();

    start(s);
    (void)usleep(1100 * 1000);
    while (count_of(&ticks) < 2)
        (void)usleep(5000);
    directory_stop(s->directory);
    /* At 0, 250, 500, 750 ms ...; a busy machine may miss some. */
    assert_true((int64_t)ticks.count <= (clock_steady_us() - began) / 250000 + 1);
    assert_non_null(ticks.store);
    int64_t age = clock_wall_ms() - ticks.now_ms;

    assert_true(age >= 0 && age < 10000);
}

struct crowd {
    struct scene *scene;
    atomic_bool stop;
};

static void *take_and_give(void *ctx)
{
    struct crowd *crowd = ctx;
    struct directory *directory = crowd->scene->directory;
    uintptr_t wrong = 0;

    while (!crowd->stop) {
        const struct snapshot *snapshot = directory_take(directory);

        if (snapshot == NULL)
            continue;
        wrong += snapshot_site(snapshot, STR("abc")) == NULL;
        wrong += salts_find(snapshot_salts(snapshot), (int32_t)(clock_wall_ms() / DAY_MS)) == NULL;
        directory_give(directory, snapshot);
    }
    return (void *)wrong;
}

static void many_threads_may_take_while_snapshots_change(void **state)
{
    enum { THREADS = 3, CHANGES = 6 };
    struct crowd crowd = {.scene = *state};
    pthread_t threads[THREADS];
    char id[16];

    put_named(crowd.scene, "abc", "t5g");
    start(crowd.scene);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &crowd), 0);
    for (int i = 0; i < CHANGES; i++) {
        (void)snprintf(id, sizeof(id), "site%d", i);
        put_named(crowd.scene, id, "t5g");
        (void)wait_for(crowd.scene, id, true);
    }
    crowd.stop = true;
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;

        (void)pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define TIMED(test) TIMED_TEST_IN(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_none_before_the_first_load),
        TEST(finds_sites_by_id_and_by_alias),
        TEST(finds_each_of_many_sites),
        TEST(lists_sites_by_id_and_by_tenant),
        TEST(a_site_has_its_settings),
        TEST(a_site_has_its_rules),
        TEST(a_change_of_goals_changes_their_hash),
        TEST(unset_lists_mean_the_default),
        TEST(what_cannot_be_read_falls_back_and_the_site_stays),
        TEST(a_suspended_tenants_sites_say_so),
        TEST(finds_tokens_by_hash_until_they_expire),
        TEST(has_the_salts_and_the_id_key_of_the_store),
        TEST(salts_turn_over_with_time),
        TEST(salts_that_the_store_lost_come_back_from_the_snapshot),
        TEST(a_snapshot_stays_while_it_is_held),
        TEST(a_sites_series_is_made_once_in_the_order_of_the_sites),
        TIMED(a_change_is_seen_within_a_second),
        TEST(what_others_change_in_the_database_is_seen),
        TIMED(a_snapshot_outlives_a_store_that_cannot_be_read),
        TIMED(missing_salts_come_back_and_rows_follow_meanwhile),
        TIMED(a_thread_may_start_before_the_store_can_be_read),
        TEST(ticks_after_each_look),
        TEST(many_threads_may_take_while_snapshots_change),
    };

    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
