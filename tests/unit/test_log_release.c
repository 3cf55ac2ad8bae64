/* test_log_release.c -- the bound of the log, releasing what is committed, counting what is not. */
#include "base/clock.h"
#include "test_log_support.h"

/* -- bounds and release -- */

/* 4,091 records of 128 bytes fit into a segment. */
enum { PER_SEGMENT = 4091, P128 = 128 - HEAD };

static void append_range(struct log *log, uint16_t partition, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++)
        append_one(log, partition, n, P128);
}

static bool wait_for_segments(const struct fixture *f, size_t count)
{
    for (int i = 0; i < 1000; i++) {
        if (count_segments(f) == count)
            return true;
        pause_ms(5);
    }
    return false;
}

static void is_full_at_its_bound_and_goes_on_after_a_release(void **state)
{
    struct log_config config = small_config(*state);
    struct err err = {""};
    char payload[P128];
    int rc, code;

    config.max_bytes = 3 * (uint64_t)SMALL + 4096;
    config.keep_ms = 3600000; /* room that is needed goes before */
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    append_range(log, 0, 1, 3 * PER_SEGMENT);
    assert_false(log_usage(log).writable);
    make_payload(payload, P128, 0, 3 * PER_SEGMENT + 1);
    struct log_entry entry = {0, {payload, P128}};
    for (int i = 0; i < 50; i++) {
        rc = log_append(log, &entry, 1, NULL, &err);
        assert_int_equal(rc, ERR_FULL);
        pause_ms(10);
    }
    assert_true(log_usage(log).bytes <= config.max_bytes);
    assert_int_equal(read_all(*state, P128, &code), 3 * PER_SEGMENT);

    struct position almost = {producer, 0, PER_SEGMENT - 1};
    log_release(log, &almost, 1, 1000);
    pause_ms(300);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_FULL);
    struct position all = {producer, 0, PER_SEGMENT};
    log_release(log, &all, 1, 1000);
    for (int i = 0; i < 200 && (rc = log_append(log, &entry, 1, NULL, &err)) == ERR_FULL; i++)
        pause_ms(10);
    assert_int_equal(rc, 0);
    assert_true(log_usage(log).bytes <= config.max_bytes);
    log_close(&log);
}

static void opens_full_and_can_be_released(void **state)
{
    struct log_config config = small_config(*state);
    char payload[P128] = {0};
    struct log_entry entry = {0, {payload, P128}};
    struct err err;
    int rc;

    config.max_bytes = 2 * SMALL;
    struct log *log = open_log(&config);
    struct position all = {log_producer(log), 0, 2 * PER_SEGMENT};
    append_range(log, 0, 1, 2 * PER_SEGMENT);
    log_close(&log);
    log = open_log(&config);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_FULL);
    assert_false(log_usage(log).writable);
    assert_int_equal(log_pending(log), 2 * PER_SEGMENT);
    log_release(log, &all, 1, 1);
    for (int i = 0; i < 200 && (rc = log_append(log, &entry, 1, NULL, &err)) == ERR_FULL; i++)
        pause_ms(10);
    assert_int_equal(rc, 0);
    assert_int_equal(log_pending(log), 1);
    log_close(&log);
}

static void keeps_released_segments_for_a_while(void **state)
{
    struct log_config config = small_config(*state);

    config.keep_ms = 1000;
    struct log *log = open_log(&config);
    struct position done[2] = {{log_producer(log), 0, PER_SEGMENT}, {log_producer(log), 1, 1}};
    append_range(log, 0, 1, PER_SEGMENT);
    append_range(log, 1, 1, PER_SEGMENT);
    append_range(log, 2, 1, 1);
    /* Three with records, two made ahead. */
    assert_true(wait_for_segments(*state, 5));
    log_release(log, done, 2, 10000);
    log_release(log, done, 0, 10999);
    pause_ms(300);
    assert_int_equal(count_segments(*state), 5);
    log_release(log, done, 0, 11000);
    assert_true(wait_for_segments(*state, 4));
    /* The second goes when the rest of it is released too. */
    done[1].number = PER_SEGMENT;
    log_release(log, done, 2, 11000);
    log_release(log, done, 2, 12000);
    assert_true(wait_for_segments(*state, 3));
    log_close(&log);
}

/* What is counted goes in time, also where next to nothing is appended. */
static void a_segment_that_is_not_full_goes_when_it_is_old(void **state)
{
    struct log_config config = small_config(*state);
    const int64_t ten_minutes = 10 * 60 * 1000;
    struct position done[2] = {{.partition = 0, .number = 1}, {.partition = 1, .number = 1}};
    int code;

    config.keep_ms = 60 * 60 * 1000;
    struct log *log = open_log(&config);
    int64_t begun = clock_wall_ms();
    done[0].producer = done[1].producer = log_producer(log);
    append_range(log, 0, 1, 1);
    append_range(log, 1, 1, 1);
    assert_true(wait_for_segments(*state, 3));
    log_release(log, done, 2, begun + config.keep_ms - 1);
    append_range(log, 0, 2, 2);
    pause_ms(100);
    assert_int_equal(count_segments(*state), 3);
    /* It takes no more, though its last record is not committed ... */
    log_release(log, done, 2, begun + 5 * config.keep_ms);
    append_range(log, 1, 2, 2);
    assert_true(wait_for_segments(*state, 4));
    assert_int_equal(read_all(*state, P128, &code), 4);
    /* ... and goes in time once that is, though one of the next is not. */
    log_release(log, done, 2, begun + 6 * config.keep_ms);
    pause_ms(100);
    assert_int_equal(count_segments(*state), 4);
    done[0].number = 2;
    log_release(log, done, 2, begun + 6 * config.keep_ms);
    log_release(log, done, 2, begun + 7 * config.keep_ms - 1);
    pause_ms(100);
    assert_int_equal(count_segments(*state), 4);
    log_release(log, done, 2, begun + 7 * config.keep_ms);
    assert_true(wait_for_segments(*state, 3));
    log_close(&log);

    /* However short it is to be kept, no segment is made for less than ten minutes. */
    config.keep_ms = 0;
    log = open_log(&config);
    done[0] = (struct position){log_producer(log), 0, 1};
    append_range(log, 0, 1, 1);
    /* One of the run before, this one, and two made ahead. */
    assert_true(wait_for_segments(*state, 4));
    log_release(log, done, 1, clock_wall_ms() + ten_minutes - 60000);
    pause_ms(100);
    assert_int_equal(count_segments(*state), 4);
    log_release(log, done, 1, clock_wall_ms() + ten_minutes);
    assert_true(wait_for_segments(*state, 3));
    log_close(&log);
}

/* On a full disk there is no next one, and this one has room. */
static void an_old_segment_takes_records_while_there_is_no_other(void **state)
{
    struct log_config config = small_config(*state);
    int code;

    config.max_bytes = 2 * (uint64_t)SMALL;
    struct log *log = open_log(&config);
    append_range(log, 0, 1, PER_SEGMENT + 1);
    assert_true(wait_for_segments(*state, 2));
    log_release(log, NULL, 0, clock_wall_ms() + INT64_C(86400000));
    append_range(log, 0, PER_SEGMENT + 2, PER_SEGMENT + 2);
    assert_int_equal(read_all(*state, P128, &code), PER_SEGMENT + 2);
    log_close(&log);
}

/* A later segment of which all is released waits for the earlier ones of its producer. */
static void removes_the_oldest_first(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct position done[2] = {{log_producer(log), 1, PER_SEGMENT},
                               {log_producer(log), 0, PER_SEGMENT}};

    append_range(log, 0, 1, PER_SEGMENT);
    append_range(log, 1, 1, PER_SEGMENT);
    append_range(log, 2, 1, 1);
    assert_true(wait_for_segments(*state, 5));
    log_release(log, done, 1, 1);
    pause_ms(300);
    assert_int_equal(count_segments(*state), 5);
    log_release(log, done + 1, 1, 1);
    assert_true(wait_for_segments(*state, 3));
    log_close(&log);
}

/* The clock steps back between two releases: the later segment is due first, and waits. */
static void removes_the_oldest_first_though_the_clock_steps(void **state)
{
    struct log_config config = small_config(*state);

    config.keep_ms = 1000;
    struct log *log = open_log(&config);
    struct position done = {log_producer(log), 0, PER_SEGMENT};
    append_range(log, 0, 1, 2 * PER_SEGMENT + 1);
    assert_true(wait_for_segments(*state, 5));
    log_release(log, &done, 1, 1000);
    done.number = 2 * PER_SEGMENT;
    log_release(log, &done, 1, 500);
    log_release(log, &done, 1, 1500);
    pause_ms(300);
    assert_int_equal(count_segments(*state), 5);
    log_release(log, &done, 1, 2000);
    assert_true(wait_for_segments(*state, 3));
    log_close(&log);
}

static void a_mark_is_released_with_all_before_it_whatever_comes_behind(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_mark empty, first, second;
    struct position one = {log_producer(log), 0, 1}, two = {log_producer(log), 0, 2};

    log_mark(log, &empty);
    append_range(log, 0, 1, 2);
    assert_true(log_is_released(log, &empty));
    log_close(&log);
    log = open_log(&config);
    struct position new_one = {log_producer(log), 3, 1};

    log_mark(log, &first);
    append_one(log, 3, 1, P128);
    log_mark(log, &second);
    append_one(log, 3, 2, P128);
    log_release(log, &one, 1, 1);
    log_release(log, &new_one, 1, 1);
    assert_false(log_is_released(log, &first)); /* the run before is not */
    assert_false(log_is_released(log, &second));
    log_release(log, &two, 1, 1);
    assert_true(log_is_released(log, &first));
    assert_true(log_is_released(log, &second));
    assert_int_equal(log_pending(log), 1);
    /* The store went back in time. */
    new_one.number = 0;
    log_release(log, &new_one, 1, 1);
    assert_true(log_is_released(log, &first));
    assert_false(log_is_released(log, &second));
    log_close(&log);
}

static void passes_over_positions_of_strangers(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct position strange[2] = {{{{1, 2, 3}}, 0, UINT64_MAX}, {log_producer(log), 999, 7}};

    append_range(log, 0, 1, PER_SEGMENT + 1);
    log_release(log, strange, 2, 1);
    pause_ms(100);
    assert_int_equal(log_pending(log), PER_SEGMENT + 1);
    assert_int_equal(read_all(*state, P128, &(int){0}), PER_SEGMENT + 1);
    log_close(&log);
}

static void never_gives_a_sequence_number_twice(void **state)
{
    struct log_config config = small_config(*state);
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    struct err err;

    for (int round = 0; round < 3; round++) {
        struct log *log = open_log(&config);
        struct position all = {log_producer(log), 0, 1};

        append_one(log, 0, 1, 30);
        log_close(&log);
        /* A reader that has seen every segment finds the next one, though the directory was empty
         * between. */
        assert_int_equal(log_reader_next(reader, &record, &err), 1);
        assert_int_equal(log_reader_next(reader, &record, &err), 0);
        log = open_log(&config);
        assert_true(wait_for_segments(*state, 3));
        log_release(log, &all, 1, 1);
        assert_true(wait_for_segments(*state, 2));
        log_close(&log);
        assert_int_equal(count_segments(*state), 0);
    }
    log_reader_close(&reader);
}

/* -- backlog -- */

static void check_backlog(const struct fixture *f, struct log *log,
                          const struct position *committed, size_t count, uint64_t expected)
{
    struct log_backlog backlog;
    struct err err;

    assert_int_equal(log_backlog(str_from(f->dir), committed, count, &backlog, &err), 0);
    assert_int_equal(backlog.records, expected);
    assert_int_equal(backlog.oldest_ms == 0, expected == 0);
    if (log != NULL) {
        log_release(log, committed, count, 0);
        assert_int_equal(log_pending(log), expected);
    }
}

static void counts_what_lies_behind_the_committed_positions(void **state)
{
    struct log_config config = small_config(*state);
    struct position done[3];

    config.keep_ms = 3600000;
    struct log *log = open_log(&config);
    struct producer first = log_producer(log);
    append_range(log, 0, 1, 5000);
    append_range(log, 1, 1, 5000);
    log_close(&log);
    log = open_log(&config);
    done[0] = (struct position){first, 0, 0};
    done[1] = (struct position){first, 1, 0};
    done[2] = (struct position){log_producer(log), 1, 0};
    append_range(log, 1, 1, 100);
    check_backlog(*state, log, done, 3, 10100);
    done[0].number = 4321;
    check_backlog(*state, log, done, 3, 10100 - 4321);
    done[0].number = 5000;
    done[2].number = 40;
    check_backlog(*state, log, done, 3, 5060);
    done[1].number = 5000;
    check_backlog(*state, log, done, 3, 60);
    done[2].number = 100;
    check_backlog(*state, log, done, 3, 0);
    log_close(&log);
    check_backlog(*state, NULL, done, 2, 100);
}

static void the_oldest_is_the_first_not_committed(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct position done = {log_producer(log), 0, 1};
    struct log_backlog backlog;
    struct err err;

    int64_t begun = clock_wall_ms();
    append_one(log, 0, 1, 20);
    pause_ms(30);
    int64_t before = clock_wall_ms();
    append_one(log, 0, 2, 20);
    int64_t after = clock_wall_ms();
    assert_int_equal(
        log_backlog(str_from(((struct fixture *)*state)->dir), &done, 1, &backlog, &err), 0);
    assert_in_range(backlog.oldest_ms, before, after);
    assert_int_equal(
        log_backlog(str_from(((struct fixture *)*state)->dir), NULL, 0, &backlog, &err), 0);
    assert_in_range(backlog.oldest_ms, begun, before - 30);
    log_close(&log);
}

static void a_reader_skips_segments_that_are_committed(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct position done = {log_producer(log), 0, PER_SEGMENT + 5};
    struct log_reader *reader;
    struct log_record record;
    struct err err;

    append_range(log, 0, 1, 2 * PER_SEGMENT + 10);
    assert_int_equal(
        log_reader_open(str_from(((struct fixture *)*state)->dir), &done, 1, &reader, &err), 0);
    /* The first segment is behind the position; of the second, records before it may come again. */
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_int_equal(record.position.number, PER_SEGMENT + 1);
    log_reader_close(&reader);
    log_close(&log);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(is_full_at_its_bound_and_goes_on_after_a_release),
        T(opens_full_and_can_be_released),
        T(keeps_released_segments_for_a_while),
        T(a_segment_that_is_not_full_goes_when_it_is_old),
        T(an_old_segment_takes_records_while_there_is_no_other),
        T(removes_the_oldest_first),
        T(removes_the_oldest_first_though_the_clock_steps),
        T(a_mark_is_released_with_all_before_it_whatever_comes_behind),
        T(passes_over_positions_of_strangers),
        T(never_gives_a_sequence_number_twice),
        T(counts_what_lies_behind_the_committed_positions),
        T(the_oldest_is_the_first_not_committed),
        T(a_reader_skips_segments_that_are_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
