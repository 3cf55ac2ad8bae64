/*
 * test_store_salts.c -- one salt per date, as long as the date can run somewhere, in a file of its
 * own.
 */
#include "test_store_support.h"

#include <fcntl.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    *state = fixture_new("memory");
    return 0;
}

/* Read the salts at `hours` after the beginning of DAY in UTC. */
static struct salts salts_at(struct fixture *f, double hours)
{
    struct salts salts = {0};

    assert_ok(
        f, store_salts(f->store, DAY_START + (int64_t)(hours * (double)HOUR_MS), &salts, &f->err));
    return salts;
}

static bool has(const struct salts *salts, int32_t day)
{
    return salts_find(salts, day) != NULL;
}

static void salts_are_made_for_the_dates_that_run_and_two_ahead(void **state)
{
    /* At noon UTC the date is DAY from UTC-12 to before UTC+12, and DAY + 1 east of it; half an
     * hour's visit may still belong to DAY - 1 in UTC-12. 48 hours later the easternmost zone has
     * DAY + 3. */
    struct salts salts = salts_at(*state, 12);

    assert_int_equal(salts.count, 5);
    for (int32_t day = DAY - 1; day <= DAY + 3; day++)
        assert_true(has(&salts, day));
}

static void a_salt_outlives_its_date_in_the_west_by_the_visit_time_out(void **state)
{
    struct fixture *f = *state;
    /* DAY - 1 ends in UTC-12 at noon UTC of DAY; the visit time-out is half an hour. */
    struct salts before = salts_at(f, 12.49), after = salts_at(f, 12.51);

    assert_true(has(&before, DAY - 1));
    assert_false(has(&after, DAY - 1));
    assert_true(has(&after, DAY));
}

static void a_salt_is_made_48_hours_before_its_date_begins_in_the_east(void **state)
{
    struct fixture *f = *state;
    /* DAY + 3 begins in UTC+14 at 10:00 UTC of DAY + 2. */
    struct salts before = salts_at(f, 9.99), after = salts_at(f, 10.01);

    assert_false(has(&before, DAY + 3));
    assert_true(has(&after, DAY + 3));
}

static void a_salt_never_changes_and_no_two_are_alike(void **state)
{
    struct fixture *f = *state;
    struct salts first = salts_at(f, 0), second = salts_at(f, 30);
    size_t common = 0;

    for (size_t i = 0; i < first.count; i++) {
        const struct salt *same = salts_find(&second, first.salt[i].day);

        if (same != NULL) {
            common++;
            assert_memory_equal(first.salt[i].key, same->key, SALT_BYTES);
        }
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(first.salt[i].key, first.salt[j].key, SALT_BYTES);
    }
    assert_true(common >= 3);
}

static void what_is_gone_is_not_made_again_alike(void **state)
{
    struct fixture *f = *state;
    struct salts first = salts_at(f, 0);

    (void)salts_at(f, 24 * 30);
    struct salts again = salts_at(f, 0);

    assert_memory_not_equal(salts_find(&first, DAY)->key, salts_find(&again, DAY)->key, SALT_BYTES);
}

static void file_path(const struct fixture *f, char out[128])
{
    (void)snprintf(out, 128, "%s/salts", f->dir);
}

static void the_file_is_text_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct salts salts = salts_at(f, 12);
    char path[128], line[128], expected[128];
    struct stat st;

    file_path(f, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* 2024-10-04T12:00:00Z is 1728043200 s after 1970: 13 digits in milliseconds. */
    assert_int_equal(st.st_size, 5 * (10 + 1 + 64 + 1 + 13 + 1));
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    /* DAY - 1 is 2024-10-03. */
    size_t len = (size_t)snprintf(expected, sizeof(expected), "2024-10-03 ");

    for (size_t i = 0; i < SALT_BYTES; i++)
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%02x",
                                salts_find(&salts, DAY - 1)->key[i]);
    (void)snprintf(expected + len, sizeof(expected) - len, " 1728043200000\n");
    assert_string_equal(line, expected);
}

static void an_ended_salt_is_in_no_file(void **state)
{
    struct fixture *f = *state;
    char path[128], text[1024] = "";

    (void)salts_at(f, 12.49);
    (void)salts_at(f, 12.51);
    file_path(f, path);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    (void)fclose(file);
    assert_null(strstr(text, "2024-10-03"));
    assert_non_null(strstr(text, "2024-10-04"));
    (void)snprintf(path, sizeof(path), "%s/salts.new", f->dir);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void write_file(const struct fixture *f, const char *text)
{
    char path[128];

    file_path(f, path);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void a_malformed_file_is_corrupt(void **state)
{
    static const char *const texts[] = {
        "x",
        "2024-10-04 " HEX,
        "2024-10-04 " HEX "0\n",
        "2024-10-04\t" HEX "\n",
        "2024-02-30 " HEX "\n",
        "2024-10-04 g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
        "2024-10-04 " HEX "\n2024-10-04 " HEX "\n",
        "2024-10-04 " HEX "\n\n",
        "2024-10-04 " HEX " \n",
        "2024-10-04 " HEX "\t1\n",
        "2024-10-04 " HEX " 1x\n",
        "2024-10-04 " HEX " 9223372036854775808\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct salts salts = {.count = 1, .salt = {{.day = DAY, .key = {7}}}};

        write_file(f, texts[i]);
        if (store_salts(f->store, DAY_START, &salts, &f->err) != ERR_CORRUPT)
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(salts.count, 1);
        assert_int_equal(salts.salt[0].key[0], 7);
    }
}

static void a_line_says_when_its_salt_was_made(void **state)
{
    struct fixture *f = *state;

    write_file(f, "2024-10-04 " HEX " 1728000000123\n");
    struct salts salts = salts_at(f, 0);

    assert_int_equal(salts_find(&salts, DAY)->key[1], 0x11);
    assert_int_equal(salts_find(&salts, DAY)->made_ms, INT64_C(1728000000123));
    assert_int_equal(salts_find(&salts, DAY + 1)->made_ms, DAY_START);
}

static void a_file_of_the_first_version_is_read_and_keeps_its_salts(void **state)
{
    struct fixture *f = *state;

    write_file(f, "2024-10-04 " HEX "\n");
    struct salts first = salts_at(f, 0), second = salts_at(f, 24);

    assert_int_equal(salts_find(&first, DAY)->key[1], 0x11);
    assert_int_equal(salts_find(&first, DAY)->made_ms, 0);
    assert_memory_equal(salts_find(&second, DAY)->key, salts_find(&first, DAY)->key, SALT_BYTES);
    assert_int_equal(salts_find(&second, DAY)->made_ms, 0);
}

/* -- what a process still holds ---------------------------------------------------------------- */

/* At DAY 12:00: one that has ended, one that lives, one that is not to be yet. */
static struct salts held_salts(void)
{
    struct salts held = {.count = 3};

    for (int i = 0; i < 3; i++) {
        held.salt[i] = (struct salt){.day = DAY - 2 + 3 * i, .made_ms = 1000 + i};
        memset(held.salt[i].key, 0x40 + i, SALT_BYTES);
    }
    return held;
}

static void a_store_that_lost_its_salts_takes_the_living_ones_back(void **state)
{
    struct fixture *f = *state;
    struct salts held = held_salts();

    assert_ok(f, store_salts(f->store, DAY_START + 12 * HOUR_MS, &held, &f->err));
    struct salts read = salts_at(f, 12);

    for (int i = 0; i < 2; i++) {
        const struct salts *salts = i == 0 ? &held : &read;
        const struct salt *salt = salts_find(salts, DAY + 1);

        assert_int_equal(salts->count, 5);
        assert_int_equal(salt->key[SALT_BYTES - 1], 0x41);
        assert_int_equal(salt->made_ms, 1001);
        assert_null(salts_find(salts, DAY - 2));
        assert_null(salts_find(salts, DAY + 4));
    }
}

static void a_file_that_is_complete_in_a_callers_hands_is_written_back_too(void **state)
{
    struct fixture *f = *state;
    struct salts held = salts_at(f, 12);
    char path[128];

    file_path(f, path);
    assert_int_equal(remove(path), 0);
    assert_ok(f, store_salts(f->store, DAY_START + 12 * HOUR_MS, &held, &f->err));
    struct salts read = salts_at(f, 12);

    assert_int_equal(read.count, 5);
    for (size_t i = 0; i < read.count; i++)
        assert_memory_equal(salts_find(&held, read.salt[i].day)->key, read.salt[i].key, SALT_BYTES);
}

static void a_store_that_has_its_salts_keeps_them(void **state)
{
    struct fixture *f = *state;
    struct salts stored = salts_at(f, 12), held = held_salts();

    assert_ok(f, store_salts(f->store, DAY_START + 12 * HOUR_MS, &held, &f->err));
    assert_int_equal(held.count, stored.count);
    assert_memory_equal(salts_find(&held, DAY + 1)->key, salts_find(&stored, DAY + 1)->key,
                        SALT_BYTES);
}

static void processes_that_ask_together_get_the_same(void **state)
{
    enum { PROCESSES = 6 };
    struct fixture *f = *state;
    int fds[2];
    struct salts first, other;

    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            memset(&other, 0, sizeof(other));
            bool good = store_salts(f->store, DAY_START, &other, NULL) == 0 &&
                        write(fds[1], &other, sizeof(other)) == (ssize_t)sizeof(other);
            _exit(good ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(fds[0], &other, sizeof(other)), sizeof(other));
        if (i == 0)
            first = other;
        assert_int_equal(first.count, other.count);
        for (size_t j = 0; j < first.count; j++) {
            assert_int_equal(first.salt[j].day, other.salt[j].day);
            assert_memory_equal(first.salt[j].key, other.salt[j].key, SALT_BYTES);
        }
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void says_which_dates_have_salts(void **state)
{
    int32_t first, last;

    (void)state;
    store_salt_days(DAY_START + 12 * HOUR_MS, &first, &last);
    assert_int_equal(first, DAY - 1);
    assert_int_equal(last, DAY + 3);
    store_salt_days(DAY_START + 13 * HOUR_MS, &first, &last);
    assert_int_equal(first, DAY);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(salts_are_made_for_the_dates_that_run_and_two_ahead),
        TEST(a_salt_outlives_its_date_in_the_west_by_the_visit_time_out),
        TEST(a_salt_is_made_48_hours_before_its_date_begins_in_the_east),
        TEST(a_salt_never_changes_and_no_two_are_alike),
        TEST(what_is_gone_is_not_made_again_alike),
        TEST(the_file_is_text_for_its_owner_alone),
        TEST(an_ended_salt_is_in_no_file),
        TEST(a_malformed_file_is_corrupt),
        TEST(a_line_says_when_its_salt_was_made),
        TEST(a_file_of_the_first_version_is_read_and_keeps_its_salts),
        TEST(a_store_that_lost_its_salts_takes_the_living_ones_back),
        TEST(a_file_that_is_complete_in_a_callers_hands_is_written_back_too),
        TEST(a_store_that_has_its_salts_keeps_them),
        TEST(processes_that_ask_together_get_the_same),
        cmocka_unit_test(says_which_dates_have_salts),
    };

    return cmocka_run_group_tests_name("store_salts", tests, NULL, NULL);
}
