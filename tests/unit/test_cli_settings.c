/* The installation's settings: a URL is shown without its password, and only what needs the data
 * directory makes it. Expectations: CONTRACT, Options; the headers. */
#include "unit.h"

#include "api/api.h"
#include "cli/settings.h"
#include "store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_OPEN = 8 };

static void shows_a_url_without_its_password(void **state)
{
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"postgres://u:geheim@h:1/d", "postgres://u:***@h:1/d"},
        {"postgres://u@h/d", "postgres://u@h/d"},
        {"postgres://h/d", "postgres://h/d"},
        {"postgres://h/d?password=geheim", "postgres://h/d"},
        {"postgres://u:geheim@h/d?sslmode=require", "postgres://u:***@h/d"},
        {"redis://:geheim@h/1", "redis://:***@h/1"},
        {"redis+sentinel://u:geheim@h:1,i:2/m", "redis+sentinel://u:***@h:1,i:2/m"},
        /* Nobody knows what is password here. */
        {"postgres://u:ge@heim@h/d", "postgres://u:***@h/d"},
        {"postgres://u:ge/heim@h/d", "postgres://***"},
        {"postgres://u:ge?heim@h/d", "postgres://***"},
        {"postgres://h/d?password=ge@heim", "postgres://***"},
        {"sqlite:/a@b:c/d?e", "sqlite:/a@b:c/d?e"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        struct str shown = settings_shown(str_from(cases[i].url), &arena);
        assert_true(str_eq(shown, str_from(cases[i].shown)));
        arena_free(&arena);
    }
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Open the store that `url` names, with a data directory that is not there; tells whether it is
 * there afterwards. */
static bool makes_directory(const char *url, bool read_only, int *rc)
{
    char parent[] = "test_cli_settings.XXXXXX", dir[64];
    struct arena arena = {0};
    struct store *store = NULL;
    struct err err = {""};
    struct stat st;

    assert_non_null(mkdtemp(parent));
    (void)snprintf(dir, sizeof(dir), "%s/data", parent);
    struct settings settings = {.data_dir = str_from(dir), .database_url = str_from(url)};
    settings_complete(&settings, &arena);
    *rc = settings_open_store(&settings, read_only, &arena, &store, &err);
    store_close(&store);
    bool made = stat(dir, &st) == 0;
    arena_free(&arena);
    (void)nftw(parent, remove_entry, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
    return made;
}

static void a_store_that_is_a_file_has_its_directory_made_to_write(void **state)
{
    int rc;

    (void)state;
    assert_true(makes_directory("", false, &rc));
    assert_int_equal(rc, 0);
    assert_false(makes_directory("", true, &rc));
    assert_int_equal(rc, ERR_NOTFOUND);
}

static void a_server_elsewhere_needs_no_directory(void **state)
{
    const char *server = getenv("ABACUS_TEST_POSTGRES");
    int rc;

    (void)state;
    if (server == NULL) {
        skip();
    }
    /* A database that is not there: the store is asked for it, and refuses. */
    char url[512];
    (void)snprintf(url, sizeof(url), "%s?dbname=abacus_no_such_database", server);
    assert_false(makes_directory(url, false, &rc));
    assert_int_equal(rc, ERR_DENIED);
}

static void only_who_writes_events_keeps_files_beside_a_server(void **state)
{
    (void)state;
    struct settings settings = {.database_url = STR("postgres://h/d"), .roles = ROLE_QUERY};
    assert_false(settings_keep_files(&settings));
    settings.roles = ROLE_QUERY | ROLE_WEB;
    assert_false(settings_keep_files(&settings));
    settings.roles = ROLE_INGEST;
    assert_true(settings_keep_files(&settings));
    settings.roles = ROLE_AGGREGATE | ROLE_WEB;
    assert_true(settings_keep_files(&settings));
    settings = (struct settings){.database_url = STR("sqlite:x.db"), .roles = ROLE_QUERY};
    assert_true(settings_keep_files(&settings));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_a_url_without_its_password),
        cmocka_unit_test(a_store_that_is_a_file_has_its_directory_made_to_write),
        cmocka_unit_test(a_server_elsewhere_needs_no_directory),
        cmocka_unit_test(only_who_writes_events_keeps_files_beside_a_server),
    };
    return cmocka_run_group_tests_name("cli_settings", tests, NULL, NULL);
}
