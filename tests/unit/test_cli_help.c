/* Help and reference: the file in doc/ is what the tables say, and every row of the tables is
 * complete. */
#include "unit.h"

#include "cli/help.h"

#include <stdio.h>
#include <stdlib.h>

static void the_reference_in_doc_is_what_the_tables_say(void **state)
{
    (void)state;
    struct buf expected = {0}, got = {0};
    FILE *file = fopen(ABACUS_REFERENCE, "re");
    assert_non_null(file);
    size_t n = 1;
    while (n > 0) {
        char *room = buf_reserve(&got, 65536);
        n = fread(room, 1, 65536, file);
        got.len += n;
    }
    fclose(file);
    help_markdown(&expected);
    if (!str_eq(buf_str(&expected), buf_str(&got))) {
        fail_msg("doc/REFERENCE.md is stale: abacus help --markdown > doc/REFERENCE.md");
    }
    buf_release(&expected);
    buf_release(&got);
}

static void check_option(const struct option *option, const struct option *table)
{
    struct arena arena = {0};
    union {
        struct str text;
        struct cidr_list list;
        int64_t number;
    } field;
    assert_non_null(option->sentence);
    assert_int_equal(option->sentence[strlen(option->sentence) - 1], '.');
    assert_true(option->type == OPTION_FLAG || option->value != NULL);
    if (option->type >= OPTION_COUNT) {
        assert_true(option->min < option->max);
    }
    if (option->fallback != NULL) {
        struct err err = {0};
        assert_int_equal(option_convert(option, str_from(option->fallback), &arena, &field, &err),
                         0);
    }
    for (const struct option *other = table; other < option; other++) {
        assert_string_not_equal(option->name, other->name);
    }
    arena_free(&arena);
}

static void every_option_is_complete_and_its_default_is_within_its_bounds(void **state)
{
    (void)state;
    size_t seen = 0;
    for (const struct option *option = settings_options; option->name != NULL; option++) {
        assert_int_not_equal(option->group, 0);
        check_option(option, settings_options);
        seen++;
    }
    for (const struct command *const *at = commands; *at != NULL; at++) {
        for (const struct option *option = (*at)->options; option->name != NULL; option++) {
            assert_int_equal(option->group, 0);
            check_option(option, (*at)->options);
            seen++;
        }
    }
    assert_true(seen > 30);
}

/* CONTRACT: Options; the defaults that people rely on. */
static void has_the_options_of_the_contract(void **state)
{
    (void)state;
    static const char *const expected[][2] = {{"ABACUS_LISTEN", "127.0.0.1:8080"},
                                              {"ABACUS_DATA_DIR", "./data"},
                                              {"DATABASE_URL", NULL},
                                              {"ABACUS_AGGREGATE_INTERVAL", "10s"},
                                              {"ABACUS_DURABILITY", "everysec"},
                                              {"ABACUS_TRUSTED_PROXIES", NULL},
                                              {"ABACUS_PUBLIC_URL", NULL},
                                              {"ABACUS_LOG", "info"},
                                              {"ABACUS_RAW_DAYS", "30"},
                                              {"ABACUS_VISIT_DAYS", "365"},
                                              {"ABACUS_STATS_DAYS", "365"},
                                              {"ABACUS_AUDIT_DAYS", "90"},
                                              {"ABACUS_LOG_KEEP", "1h"},
                                              {"ABACUS_LOG_MAX", "1GiB"}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct option *option = settings_options;
        while (option->name != NULL &&
               (option->environment == NULL || strcmp(option->environment, expected[i][0]) != 0)) {
            option++;
        }
        assert_non_null(option->name);
        if (expected[i][1] == NULL) {
            assert_null(option->fallback);
        } else {
            assert_string_equal(option->fallback, expected[i][1]);
        }
    }
}

static void every_command_has_help_of_its_own(void **state)
{
    (void)state;
    for (const struct command *const *at = commands; *at != NULL; at++) {
        struct buf out = {0};
        assert_true(help_command(str_from((*at)->name), &out));
        assert_true(str_starts(buf_str(&out), STR("Usage: abacus ")));
        buf_release(&out);
    }
    struct buf out = {0};
    assert_false(help_command(STR("sit"), &out));
    assert_true(help_command(STR("site"), &out));
    buf_release(&out);
}

static void completes_what_follows_from_the_data_directory(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct settings settings = {.data_dir = STR("/srv/a/")};
    settings_complete(&settings, &arena);
    assert_true(str_eq(settings.data_dir, STR("/srv/a")));
    assert_true(str_eq(settings.database_url, STR("sqlite:/srv/a/abacus.db")));
    settings = (struct settings){.data_dir = STR("/"), .database_url = STR("sqlite:x")};
    settings_complete(&settings, &arena);
    assert_true(str_eq(settings.data_dir, STR("/")));
    assert_true(str_eq(settings.database_url, STR("sqlite:x")));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_in_doc_is_what_the_tables_say),
        cmocka_unit_test(every_option_is_complete_and_its_default_is_within_its_bounds),
        cmocka_unit_test(has_the_options_of_the_contract),
        cmocka_unit_test(every_command_has_help_of_its_own),
        cmocka_unit_test(completes_what_follows_from_the_data_directory),
    };
    return cmocka_run_group_tests_name("cli_help", tests, NULL, NULL);
}
