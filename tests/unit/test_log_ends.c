/* test_log_ends.c -- where the log ends, and whether anybody holds it. */
#include "test_log_support.h"

#include "base/arena.h"

enum { P128 = 128 - HEAD, PER_SEGMENT = 4091 };

static uint64_t end_of(const struct position *ends, size_t count, const struct producer *producer,
                       uint16_t partition)
{
    uint64_t number = 0;
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        if (ends[i].partition != partition ||
            memcmp(&ends[i].producer, producer, sizeof(*producer)) != 0)
            continue;
        number = ends[i].number;
        found++;
    }
    assert_true(found <= 1);
    return number;
}

static size_t read_ends(const struct fixture *f, struct arena *arena, struct position **ends)
{
    struct err err = {""};
    size_t count = 99;

    if (log_ends(str_from(f->dir), arena, ends, &count, &err) != 0)
        fail_msg("log_ends: %s", err.text);
    return count;
}

static void append_range(struct log *log, uint16_t partition, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++)
        append_one(log, partition, n, P128);
}

static void a_log_that_is_not_there_has_no_ends(void **state)
{
    struct arena arena = {0};
    struct position *ends = NULL;

    assert_int_equal(read_ends(*state, &arena, &ends), 0);
    arena_free(&arena);
}

static void ends_are_what_was_last_appended(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    struct arena arena = {0};
    struct position *ends = NULL;

    assert_int_equal(read_ends(*state, &arena, &ends), 0);
    append_range(log, 0, 1, 7);
    append_range(log, 15, 1, 1);
    append_range(log, 0, 8, 8);
    size_t count = read_ends(*state, &arena, &ends);

    assert_int_equal(count, 2);
    assert_int_equal(end_of(ends, count, &producer, 0), 8);
    assert_int_equal(end_of(ends, count, &producer, 15), 1);
    arena_free(&arena);
    log_close(&log);
}

/* A partition of which the last segments hold nothing ends in an earlier one. */
static void ends_are_found_over_segments_and_runs(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer first = log_producer(log), second;
    struct arena arena = {0};
    struct position *ends = NULL;

    append_range(log, 3, 1, 5);
    append_range(log, 4, 1, 2 * PER_SEGMENT);
    log_close(&log);
    log = open_log(&config);
    second = log_producer(log);
    append_range(log, 4, 1, 2);
    size_t count = read_ends(*state, &arena, &ends);

    assert_int_equal(count, 3);
    assert_int_equal(end_of(ends, count, &first, 3), 5);
    assert_int_equal(end_of(ends, count, &first, 4), 2 * PER_SEGMENT);
    assert_int_equal(end_of(ends, count, &second, 4), 2);
    /* In the order in which they wrote. */
    assert_memory_equal(&ends[0].producer, &first, sizeof(first));
    assert_memory_equal(&ends[2].producer, &second, sizeof(second));
    arena_free(&arena);
    log_close(&log);
}

static void what_is_removed_has_no_end(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    struct arena arena = {0};
    struct position *ends = NULL;
    char path[320];

    append_range(log, 3, 1, 5);
    append_range(log, 4, 1, 2 * PER_SEGMENT);
    log_close(&log);
    struct sequence_list list = list_segments(*state);

    segment_path(*state, list.items[0], path);
    sequence_list_release(&list);
    assert_int_equal(unlink(path), 0);
    size_t count = read_ends(*state, &arena, &ends);

    assert_int_equal(count, 1);
    assert_int_equal(end_of(ends, count, &producer, 4), 2 * PER_SEGMENT);
    arena_free(&arena);
}

/* Where recovery would cut: the log of a node that was killed, and whose last record was torn. */
static void ends_before_the_first_bad_record_of_a_log_that_was_left(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    struct arena arena = {0};
    struct position *ends = NULL;

    append_range(log, 0, 1, 10);
    log_close(&log);
    unsettle(*state, SMALL);
    size_t count = read_ends(*state, &arena, &ends);

    assert_int_equal(end_of(ends, count, &producer, 0), 10);
    int fd = open_segment(*state, 0);

    assert_int_equal(pwrite(fd, "torn", 4, 512 + 9 * 128 + 40), 4);
    (void)close(fd);
    count = read_ends(*state, &arena, &ends);
    assert_int_equal(end_of(ends, count, &producer, 0), 9);
    arena_free(&arena);
}

/* What a full segment held was answered, whether it can be read or not. */
static void damage_in_a_full_segment_moves_no_end(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    struct arena arena = {0};
    struct position *ends = NULL;

    append_range(log, 0, 1, PER_SEGMENT + 1);
    int fd = open_segment(*state, 0);

    assert_int_equal(pwrite(fd, "bad", 3, 512 + 100 * 128 + 40), 3);
    (void)close(fd);
    size_t count = read_ends(*state, &arena, &ends);

    assert_int_equal(end_of(ends, count, &producer, 0), PER_SEGMENT + 1);
    arena_free(&arena);
    log_close(&log);
}

static void a_log_is_held_while_it_is_open(void **state)
{
    struct log_config config = small_config(*state);

    assert_false(log_is_held(config.data_dir));
    struct log *log = open_log(&config);

    assert_true(log_is_held(config.data_dir));
    log_close(&log);
    assert_false(log_is_held(config.data_dir));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_log_that_is_not_there_has_no_ends),
        T(ends_are_what_was_last_appended),
        T(ends_are_found_over_segments_and_runs),
        T(what_is_removed_has_no_end),
        T(ends_before_the_first_bad_record_of_a_log_that_was_left),
        T(damage_in_a_full_segment_moves_no_end),
        T(a_log_is_held_while_it_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
