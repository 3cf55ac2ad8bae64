/*
 * test_directory_tenants.c -- what a snapshot says of tenants, of settings that come from them or
 * from the installation, of links and the signing key, and of what is to be erased.
 */
#include "test_store_support.h"

#include "directory/directory.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <time.h>

struct scene {
    struct fixture *f;
    struct directory *directory;
    const struct snapshot *snapshot;
};

static const struct logger warnings = {LOG_WARN};
static const struct directory_config config = {
    .raw_days = 30, .visit_days = 365, .stats_days = 366, .logger = &warnings};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->f = fixture_new("sqlite");
    s->directory = directory_new(&config);
    *state = s;
    return 0;
}

static void give(struct scene *s)
{
    if (s->snapshot != NULL)
        directory_give(s->directory, s->snapshot);
    s->snapshot = NULL;
}

static int tear_down(void **state)
{
    struct scene *s = *state;

    give(s);
    directory_free(&s->directory);
    fixture_free(s->f);
    free(s);
    return 0;
}

/* The snapshot as the store is now; it is given back by the next, or at the end. */
static const struct snapshot *load(struct scene *s)
{
    give(s);
    assert_ok(s->f, directory_load(s->directory, s->f->store, DAY_START, &s->f->err));
    s->snapshot = directory_take(s->directory);
    return s->snapshot;
}

struct putting {
    enum row_kind kind;
    const void *row;
};

static int put_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct putting *putting = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    memcpy(row, putting->row, row_size(putting->kind));
    return EDIT_PUT;
}

static void put(struct scene *s, enum row_kind kind, const void *row)
{
    struct putting putting = {kind, row};

    if (store_edit(s->f->store, kind, *(const struct str *)row, put_row, &putting, &somebody,
                   &s->f->err) < 0)
        fail_msg("%s: %s", row_name(kind), s->f->err.text);
}

static void put_tenant(struct scene *s, const char *id, const char *settings)
{
    struct tenant_row row = tenant_named(id, id);

    row.settings = str_from(settings);
    put(s, ROW_TENANT, &row);
}

static void put_site(struct scene *s, const char *id, const char *tenant)
{
    struct site_row row = site_named(id, tenant);

    put(s, ROW_SITE, &row);
}

static void put_installation(struct scene *s, const char *settings)
{
    struct installation_row row = {STR("installation"), str_from(settings)};

    put(s, ROW_INSTALLATION, &row);
}

static void put_token(struct scene *s, const char *id, const char *tenant, const char *site,
                      int64_t expires_ms)
{
    struct token_row row = {.id = str_from(id),
                            .tenant = str_from(tenant),
                            .site = str_from(site),
                            .platform = tenant[0] == '\0',
                            .scopes = SCOPE_STATS_READ,
                            .created_ms = 1000,
                            .expires_ms = expires_ms};

    /* No two are alike. */
    (void)crypto_generichash(row.hash, sizeof(row.hash), (const uint8_t *)id, strlen(id), NULL, 0);
    put(s, ROW_TOKEN, &row);
}

static void put_link(struct scene *s, const char *id, const char *tenant, const char *site)
{
    struct link_row row = {.id = str_from(id),
                           .tenant = str_from(tenant),
                           .site = str_from(site),
                           .name = STR("for Ann"),
                           .password = STR("$argon2id$x"),
                           .created_ms = 1000,
                           .expires_ms = DAY_START + 5000};

    put(s, ROW_LINK, &row);
}

/* As another program might that knows of no constraint. */
static void execute(const struct scene *s, const char *sql)
{
    char path[128];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/abacus.db", s->f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

/* -- tenants ----------------------------------------------------------------------------------- */

static void a_tenant_has_its_limits_and_origins(void **state)
{
    struct scene *s = *state;
    struct tenant_row row = tenant_named("t5g", "t5g");

    row.name = STR("Five");
    row.events_per_second = 100;
    row.events_per_month = 1000000;
    row.sites_max = 20;
    row.reads_per_minute = 60;
    row.embed_origins = STR("[\"https://app.example.com\",\"https://b.example\"]");
    put(s, ROW_TENANT, &row);
    put_site(s, "abc", "t5g");
    const struct tenant *tenant = snapshot_tenant(load(s), STR("t5g"));

    assert_non_null(tenant);
    assert_str(tenant->id, "t5g");
    assert_str(tenant->name, "Five");
    assert_true(tenant->active);
    assert_false(tenant->erasing);
    assert_int_equal(tenant->events_per_second, 100);
    assert_int_equal(tenant->events_per_month, 1000000);
    assert_int_equal(tenant->sites_max, 20);
    assert_int_equal(tenant->reads_per_minute, 60);
    assert_int_equal(tenant->embed_origins_count, 2);
    assert_str(tenant->embed_origins[0], "https://app.example.com");
    assert_str(tenant->embed_origins[1], "https://b.example");
    assert_ptr_equal(snapshot_site(s->snapshot, STR("abc"))->owner, tenant);
    assert_null(snapshot_tenant(s->snapshot, STR("t5")));
    assert_true(snapshot_has_tenant(s->snapshot, STR("t5g")));
}

static void a_tenant_with_nothing_set_has_the_defaults(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    const struct tenant *tenant = snapshot_tenant(load(s), STR("t5g"));

    assert_int_equal(tenant->events_per_second, 0);
    assert_int_equal(tenant->events_per_month, 0);
    assert_int_equal(tenant->sites_max, 0);
    assert_int_equal(tenant->reads_per_minute, 600);
    assert_int_equal(tenant->embed_origins_count, 0);
}

static void a_suspended_tenant_is_found_and_is_not_active(void **state)
{
    struct scene *s = *state;
    struct tenant_row row = tenant_named("t5g", "t5g");

    put(s, ROW_TENANT, &row);
    put_site(s, "abc", "t5g");
    put_token(s, "tok", "t5g", "", 0);
    row.active = false;
    put(s, ROW_TENANT, &row);
    const struct snapshot *snapshot = load(s);

    assert_false(snapshot_tenant(snapshot, STR("t5g"))->active);
    assert_false(snapshot_tenant(snapshot, STR("t5g"))->erasing);
    assert_false(snapshot_site(snapshot, STR("abc"))->tenant_active);
    assert_false(snapshot_site(snapshot, STR("abc"))->erasing);
    assert_non_null(snapshot_token_by_id(snapshot, STR("tok"), DAY_START));
}

/* -- settings ---------------------------------------------------------------------------------- */

static void settings_come_from_the_site_then_its_tenant_then_the_installation(void **state)
{
    struct scene *s = *state;
    struct site_row own = site_named("own", "t5g");

    put_installation(s, "{\"respectDnt\":true,\"limits\":{\"pathsPerDay\":300},"
                        "\"retention\":{\"rawDays\":7},\"timezone\":\"Europe/Berlin\"}");
    put_tenant(s, "t5g", "{\"limits\":{\"pathsPerDay\":500},\"queryParams\":[\"q\"]}");
    put_tenant(s, "plain", "");
    own.paths_per_day = 900;
    own.timezone = STR("Asia/Tokyo");
    put(s, ROW_SITE, &own);
    put_site(s, "abc", "t5g");
    put_site(s, "xyz", "plain");
    const struct snapshot *snapshot = load(s);
    const struct site *abc = snapshot_site(snapshot, STR("abc"));
    const struct site *xyz = snapshot_site(snapshot, STR("xyz"));
    const struct site *mine = snapshot_site(snapshot, STR("own"));

    assert_int_equal(mine->paths_per_day, 900);
    assert_str(mine->timezone, "Asia/Tokyo");
    assert_int_equal(mine->query_params_count, 1);
    assert_true(mine->respect_dnt);
    assert_int_equal(abc->paths_per_day, 500);
    assert_str(abc->timezone, "Europe/Berlin");
    assert_int_equal(abc->query_params_count, 1);
    assert_str(abc->query_params[0], "q");
    assert_true(abc->respect_dnt);
    assert_int_equal(abc->raw_days, 7);
    assert_int_equal(abc->visit_days, 365);
    assert_int_equal(xyz->paths_per_day, 300);
    assert_int_equal(xyz->query_params_count, 0);
    assert_int_equal(xyz->raw_days, 7);
}

static void a_pinned_default_is_the_sites_own(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    put_tenant(s, "t5g", "{\"respectGpc\":false}");
    row.pinned = STR("[\"respectGpc\"]");
    put(s, ROW_SITE, &row);
    put_site(s, "xyz", "t5g");
    const struct snapshot *snapshot = load(s);

    assert_true(snapshot_site(snapshot, STR("abc"))->respect_gpc);
    assert_false(snapshot_site(snapshot, STR("xyz"))->respect_gpc);
}

static void a_change_of_a_layer_changes_its_sites(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "{\"limits\":{\"pathsPerDay\":500}}");
    put_site(s, "abc", "t5g");
    assert_int_equal(snapshot_site(load(s), STR("abc"))->paths_per_day, 500);
    put_tenant(s, "t5g", "{\"limits\":{\"pathsPerDay\":600}}");
    assert_ok(s->f, directory_refresh(s->directory, s->f->store, DAY_START, &s->f->err));
    give(s);
    s->snapshot = directory_take(s->directory);
    assert_int_equal(snapshot_site(s->snapshot, STR("abc"))->paths_per_day, 600);
    put_tenant(s, "t5g", "");
    put_installation(s, "{\"limits\":{\"pathsPerDay\":700}}");
    assert_ok(s->f, directory_refresh(s->directory, s->f->store, DAY_START, &s->f->err));
    give(s);
    s->snapshot = directory_take(s->directory);
    assert_int_equal(snapshot_site(s->snapshot, STR("abc"))->paths_per_day, 700);
}

/* What `load` says on stderr. */
static struct str told(struct scene *s)
{
    char path[128], text[4096];
    int kept = dup(STDERR_FILENO);

    (void)snprintf(path, sizeof(path), "%s/told", s->f->dir);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(kept >= 0 && file >= 0);
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    (void)load(s);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    (void)close(kept);
    ssize_t len = pread(file, text, sizeof(text), 0);

    (void)close(file);
    assert_true(len >= 0);
    return arena_str(&s->f->arena, (struct str){text, (size_t)len});
}

static void layers_that_cannot_be_read_are_told_and_passed_over(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    put_site(s, "abc", "t5g");
    put_installation(s, "{\"respectDnt\":true}");
    execute(s, "UPDATE tenants SET settings = '{\"limits\"'");
    struct str text = told(s);

    assert_non_null(strstr(text.ptr, "level=warn"));
    assert_non_null(strstr(text.ptr, "tenant=t5g"));
    assert_true(snapshot_site(s->snapshot, STR("abc"))->respect_dnt);
    execute(s, "UPDATE tenants SET settings = '[]'");
    execute(s, "UPDATE installation SET settings = '[1]'");
    text = told(s);
    assert_non_null(strstr(text.ptr, "tenant=t5g"));
    assert_non_null(strstr(text.ptr, "msg=\"settings ignored\" reason="));
    assert_false(snapshot_site(s->snapshot, STR("abc"))->respect_dnt);
    assert_true(snapshot_site(s->snapshot, STR("abc"))->enabled);
}

static void a_value_that_is_not_valid_is_told_and_the_others_hold(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    put_site(s, "abc", "t5g");
    execute(s, "UPDATE tenants SET settings = "
               "'{\"limits\":{\"pathsPerDay\":-5},\"respectDnt\":true}'");
    struct str text = told(s);

    assert_non_null(strstr(text.ptr, "tenant=t5g"));
    assert_non_null(strstr(text.ptr, "pathsPerDay"));
    assert_true(snapshot_site(s->snapshot, STR("abc"))->respect_dnt);
    assert_int_equal(snapshot_site(s->snapshot, STR("abc"))->paths_per_day,
                     site_row_default().paths_per_day);
}

static void origins_that_cannot_be_read_are_told_and_nobody_frames(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    execute(s, "UPDATE tenants SET embed_origins = '{}'");
    struct str text = told(s);

    assert_non_null(strstr(text.ptr, "tenant=t5g"));
    assert_int_equal(snapshot_tenant(s->snapshot, STR("t5g"))->embed_origins_count, 0);
}

static void a_site_says_what_is_public_and_its_month(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    put_tenant(s, "t5g", "");
    row.public_dashboard = true;
    row.public_metrics = STR("[\"conversions\",\"browser\"]");
    row.events_per_month = 5000;
    put(s, ROW_SITE, &row);
    put_site(s, "xyz", "t5g");
    const struct snapshot *snapshot = load(s);
    const struct site *abc = snapshot_site(snapshot, STR("abc"));

    assert_true(abc->public_dashboard);
    assert_int_equal(abc->public_metrics_count, 2);
    assert_str(abc->public_metrics[1], "browser");
    assert_int_equal(abc->events_per_month, 5000);
    assert_false(snapshot_site(snapshot, STR("xyz"))->public_dashboard);
    assert_int_equal(snapshot_site(snapshot, STR("xyz"))->public_metrics_count, 0);
    assert_int_equal(snapshot_site(snapshot, STR("xyz"))->events_per_month, 0);
}

/* -- tokens and links -------------------------------------------------------------------------- */

static void a_token_is_found_by_its_id_until_it_expires(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    put_token(s, "tok", "t5g", "", DAY_START + 5000);
    put_token(s, "ever", "", "", 0);
    const struct snapshot *snapshot = load(s);

    assert_str(snapshot_token_by_id(snapshot, STR("tok"), DAY_START + 4999)->tenant, "t5g");
    assert_null(snapshot_token_by_id(snapshot, STR("tok"), DAY_START + 5000));
    assert_true(snapshot_token_by_id(snapshot, STR("ever"), INT64_MAX)->platform);
    assert_null(snapshot_token_by_id(snapshot, STR("to"), DAY_START));
    assert_null(snapshot_token_by_id(snapshot, STR(""), DAY_START));
    assert_ok(s->f, store_remove_token(s->f->store, STR("tok"), &somebody, &s->f->err));
    assert_null(snapshot_token_by_id(load(s), STR("tok"), DAY_START));
}

static void a_link_is_found_until_it_ends(void **state)
{
    struct scene *s = *state;

    put_tenant(s, "t5g", "");
    put_site(s, "abc", "t5g");
    put_link(s, "lnk", "t5g", "abc");
    const struct link_row *link = snapshot_link(load(s), STR("lnk"), DAY_START + 4999);

    assert_non_null(link);
    assert_str(link->id, "lnk");
    assert_str(link->tenant, "t5g");
    assert_str(link->site, "abc");
    assert_str(link->name, "for Ann");
    assert_str(link->password, "$argon2id$x");
    assert_int_equal(link->created_ms, 1000);
    assert_int_equal(link->expires_ms, DAY_START + 5000);
    assert_null(snapshot_link(s->snapshot, STR("lnk"), DAY_START + 5000));
    assert_null(snapshot_link(s->snapshot, STR("ln"), DAY_START));
}

static void the_signing_key_is_the_stores(void **state)
{
    struct scene *s = *state;
    static const uint8_t zeros[32] = {0};
    struct directory_rows rows;
    uint8_t key[32];

    memcpy(key, snapshot_signing_key(load(s)), sizeof(key));
    assert_memory_not_equal(key, zeros, sizeof(key));
    assert_ok(s->f, store_read_directory(s->f->store, &s->f->arena, &rows, &s->f->err));
    assert_memory_equal(key, rows.signing_key, sizeof(key));
    assert_memory_equal(key, snapshot_signing_key(load(s)), sizeof(key));
}

/* -- what is to be erased ---------------------------------------------------------------------- */

static void a_site_to_be_erased_is_not_counted_and_what_is_bound_to_it_ends(void **state)
{
    struct scene *s = *state;
    struct site_row row = site_named("abc", "t5g");

    put_tenant(s, "t5g", "");
    put(s, ROW_SITE, &row);
    put_site(s, "xyz", "t5g");
    put_token(s, "bound", "t5g", "abc", 0);
    put_token(s, "wide", "t5g", "", 0);
    put_link(s, "lnk", "t5g", "abc");
    put_link(s, "other", "t5g", "xyz");
    row.erase_ms = DAY_START + 1;
    put(s, ROW_SITE, &row);
    const struct snapshot *snapshot = load(s);

    assert_true(snapshot_site(snapshot, STR("abc"))->erasing);
    assert_false(snapshot_site(snapshot, STR("abc"))->enabled);
    assert_true(snapshot_site(snapshot, STR("abc"))->tenant_active);
    assert_false(snapshot_site(snapshot, STR("xyz"))->erasing);
    assert_true(snapshot_site(snapshot, STR("xyz"))->enabled);
    assert_null(snapshot_token_by_id(snapshot, STR("bound"), DAY_START));
    assert_non_null(snapshot_token_by_id(snapshot, STR("wide"), DAY_START));
    assert_null(snapshot_link(snapshot, STR("lnk"), DAY_START));
    assert_non_null(snapshot_link(snapshot, STR("other"), DAY_START));
    /* Taken back. */
    row.erase_ms = 0;
    put(s, ROW_SITE, &row);
    snapshot = load(s);
    assert_true(snapshot_site(snapshot, STR("abc"))->enabled);
    assert_non_null(snapshot_token_by_id(snapshot, STR("bound"), DAY_START));
    assert_non_null(snapshot_link(snapshot, STR("lnk"), DAY_START));
}

static void a_tenant_to_be_erased_takes_all_of_its_own_with_it(void **state)
{
    struct scene *s = *state;
    struct tenant_row row = tenant_named("t5g", "t5g");
    uint8_t hash[TOKEN_HASH_BYTES];

    put(s, ROW_TENANT, &row);
    put_tenant(s, "else", "");
    put_site(s, "abc", "t5g");
    put_site(s, "xyz", "else");
    put_token(s, "mine", "t5g", "", 0);
    put_token(s, "theirs", "else", "", 0);
    put_token(s, "platform", "", "", 0);
    put_link(s, "lnk", "t5g", "abc");
    row.erase_ms = DAY_START + 1;
    put(s, ROW_TENANT, &row);
    const struct snapshot *snapshot = load(s);

    assert_true(snapshot_tenant(snapshot, STR("t5g"))->erasing);
    assert_false(snapshot_tenant(snapshot, STR("t5g"))->active);
    assert_true(snapshot_site(snapshot, STR("abc"))->erasing);
    assert_false(snapshot_site(snapshot, STR("abc"))->enabled);
    assert_false(snapshot_site(snapshot, STR("abc"))->tenant_active);
    assert_true(snapshot_site(snapshot, STR("xyz"))->enabled);
    assert_null(snapshot_token_by_id(snapshot, STR("mine"), DAY_START));
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)"mine", 4, NULL, 0);
    assert_null(snapshot_token(snapshot, hash, DAY_START));
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)"theirs", 6, NULL, 0);
    assert_non_null(snapshot_token(snapshot, hash, DAY_START));
    assert_non_null(snapshot_token_by_id(snapshot, STR("platform"), DAY_START));
    assert_null(snapshot_link(snapshot, STR("lnk"), DAY_START));
}

static void the_newest_erasure_is_told(void **state)
{
    struct scene *s = *state;
    struct erasure_row row = {.id = STR("e1"),
                              .tenant = STR("t5g"),
                              .site = STR("abc"),
                              .kind = ERASE_SITE,
                              .actor = STR("cli"),
                              .asked_ms = 10,
                              .due_ms = 20,
                              .rows = STR("{}"),
                              .nodes = STR("{}")};

    put_tenant(s, "t5g", "");
    put_site(s, "abc", "t5g");
    assert_int_equal(snapshot_erased_ms(load(s)), 0);
    put(s, ROW_ERASURE, &row);
    assert_int_equal(snapshot_erased_ms(load(s)), 0);
    row.done_ms = 777;
    put(s, ROW_ERASURE, &row);
    assert_int_equal(snapshot_erased_ms(load(s)), 777);
}

/* -- many -------------------------------------------------------------------------------------- */

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With each tenant's and the installation's settings in every site; the figure is in the output.
 * The bound is a hundred times what was measured: it finds what grows with the square. */
static void two_hundred_tenants_and_three_thousand_sites_are_read_quickly(void **state)
{
    enum { TENANTS = 200, SITES = 3000 };
    struct scene *s = *state;

    put_installation(s, "{\"respectDnt\":true,\"retention\":{\"rawDays\":7}}");
    for (int i = 0; i < TENANTS; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "t%d", i);
        put_tenant(s, id,
                   "{\"limits\":{\"pathsPerDay\":500},\"queryParams\":[\"q\"],"
                   "\"goals\":[{\"name\":\"Sign-up\",\"path\":\"/welcome\"}]}");
    }
    for (int i = 0; i < SITES; i++) {
        char id[16], tenant[16];

        (void)snprintf(id, sizeof(id), "s%d", i);
        (void)snprintf(tenant, sizeof(tenant), "t%d", i % TENANTS);
        put_site(s, id, tenant);
    }
    (void)load(s);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);

    (void)load(s);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    print_message("# a snapshot of %d tenants and %d sites: %.1f ms\n", TENANTS, SITES, cpu * 1e3);
    assert_int_equal(snapshot_site(s->snapshot, STR("s2999"))->paths_per_day, 500);
    assert_int_equal(snapshot_site(s->snapshot, STR("s2999"))->goals_count, 1);
    assert_true(cpu < 3.0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tenant_has_its_limits_and_origins),
        TEST(a_tenant_with_nothing_set_has_the_defaults),
        TEST(a_suspended_tenant_is_found_and_is_not_active),
        TEST(settings_come_from_the_site_then_its_tenant_then_the_installation),
        TEST(a_pinned_default_is_the_sites_own),
        TEST(a_change_of_a_layer_changes_its_sites),
        TEST(layers_that_cannot_be_read_are_told_and_passed_over),
        TEST(a_value_that_is_not_valid_is_told_and_the_others_hold),
        TEST(origins_that_cannot_be_read_are_told_and_nobody_frames),
        TEST(a_site_says_what_is_public_and_its_month),
        TEST(a_token_is_found_by_its_id_until_it_expires),
        TEST(a_link_is_found_until_it_ends),
        TEST(the_signing_key_is_the_stores),
        TEST(a_site_to_be_erased_is_not_counted_and_what_is_bound_to_it_ends),
        TEST(a_tenant_to_be_erased_takes_all_of_its_own_with_it),
        TEST(the_newest_erasure_is_told),
        TEST(two_hundred_tenants_and_three_thousand_sites_are_read_quickly),
    };

    return sodium_init() < 0 ? 1
                             : cmocka_run_group_tests_name("directory_tenants", tests, NULL, NULL);
}
