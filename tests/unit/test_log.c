/* test_log.c -- appending, reading back, bounds, durability, release. */
#include "test_log_support.h"

#include <pthread.h>
#include <sys/wait.h>

static void is_empty_before_it_exists(void **state)
{
    struct log_backlog backlog;
    struct log_record record;
    struct err err;
    struct log_reader *reader = open_reader(*state);

    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    assert_int_equal(
        log_backlog(str_from(((struct fixture *)*state)->dir), NULL, 0, &backlog, &err), 0);
    assert_int_equal(backlog.records, 0);
    assert_int_equal(backlog.oldest_ms, 0);

    /* The same reader finds what comes later. */
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    append_one(log, 3, 1, 20);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_true(payload_is(record.payload, 20, 3, 1));
    log_reader_close(&reader);
    log_close(&log);
}

static void gives_back_groups_in_order_with_gapless_numbers(void **state)
{
    static const uint16_t partitions[] = {0, 5, 0, 15, 5, 0};
    static const uint64_t numbers[] = {1, 1, 2, 1, 2, 3};
    static const char *const texts[] = {"alpha",       "",        "gamma",
                                        "delta-delta", "epsilon", "zeta zeta"};
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct producer producer = log_producer(log);
    struct log_entry entries[6];
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    uint64_t first, second;
    struct err err;

    for (size_t i = 0; i < 6; i++)
        entries[i] = (struct log_entry){partitions[i], str_from(texts[i])};
    assert_int_equal(log_append(log, entries, 4, &first, &err), 0);
    assert_int_equal(log_append(log, entries + 4, 2, &second, &err), 0);
    assert_true(second > first);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(log_reader_next(reader, &record, &err), 1);
        assert_memory_equal(&record.position.producer, &producer, sizeof(producer));
        assert_int_equal(record.position.partition, partitions[i]);
        assert_int_equal(record.position.number, numbers[i]);
        assert_true(str_eq(record.payload, str_from(texts[i])));
    }
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    log_reader_close(&reader);
    log_close(&log);
}

static void gives_at_once_what_was_appended_before_the_call(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    struct err err;

    for (uint64_t n = 1; n <= 10; n++) {
        append_one(log, 0, n, 30);
        assert_int_equal(log_reader_next(reader, &record, &err), 1);
        assert_true(payload_is(record.payload, 30, 0, n));
    }
    log_reader_close(&reader);
    log_close(&log);
}

static void appending_nothing_takes_nothing(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_record record;
    struct err err;
    uint64_t ticket = 99;

    assert_int_equal(log_append(log, NULL, 0, &ticket, &err), 0);
    assert_int_equal(ticket, 0);
    struct log_reader *reader = open_reader(*state);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    log_reader_close(&reader);
    log_close(&log);
    assert_int_equal(count_segments(*state), 0);
}

static void takes_the_largest_payload_and_refuses_one_byte_more(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    char *payload = calloc(1, LOG_PAYLOAD_MAX + 1);
    struct log_entry entry = {1, {payload, LOG_PAYLOAD_MAX + 1}};
    struct err err;
    int code;

    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_INVALID);
    append_one(log, 1, 1, LOG_PAYLOAD_MAX);
    assert_int_equal(read_all(*state, LOG_PAYLOAD_MAX, &code), 1);
    assert_int_equal(code, 0);
    free(payload);
    log_close(&log);
}

static void refuses_a_partition_that_is_none(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_entry entries[2] = {{0, STR("good")}, {PARTITIONS, STR("bad")}};
    struct log_record record;
    struct err err;

    assert_int_equal(log_append(log, entries, 2, NULL, &err), ERR_INVALID);
    struct log_reader *reader = open_reader(*state);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    log_reader_close(&reader);
    entries[1].partition = PARTITIONS - 1;
    assert_int_equal(log_append(log, entries, 2, NULL, &err), 0);
    log_close(&log);
}

static void takes_the_most_entries_and_refuses_one_more(void **state)
{
    struct log_config config = small_config(*state);
    struct log_entry *entries = calloc(LOG_APPEND_MAX + 1, sizeof(*entries));
    struct err err;
    int code;

    config.segment_bytes = 4 << 20;
    struct log *log = open_log(&config);
    assert_int_equal(log_append(log, entries, LOG_APPEND_MAX + 1, NULL, &err), ERR_INVALID);
    assert_int_equal(log_append(log, entries, LOG_APPEND_MAX, NULL, &err), 0);
    assert_int_equal(read_all(*state, 0, &code), LOG_APPEND_MAX);
    free(entries);
    log_close(&log);
}

static void takes_an_append_as_large_as_a_segment_and_refuses_a_larger_one(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    static char zeros[LOG_PAYLOAD_MAX];
    size_t half = (SMALL - SEGMENT_OVERHEAD) / 2 - HEAD;
    struct log_entry entries[2] = {{0, {zeros, half}}, {1, {zeros, half + 1}}};
    struct err err;

    assert_int_equal((SMALL - SEGMENT_OVERHEAD) % 16, 8);
    assert_int_equal(half % 8, 4);
    /* Two records of (SMALL - 520) / 2 - 4 bytes and 8 more for one of them fill it to the last
     * byte. */
    entries[0].payload.len = half - 4;
    entries[1].payload.len = half + 4 + 1;
    assert_int_equal(log_append(log, entries, 2, NULL, &err), ERR_INVALID);
    entries[1].payload.len = half + 4;
    assert_int_equal(log_append(log, entries, 2, NULL, &err), 0);
    log_close(&log);
    int fd = open_segment(*state, 0);
    assert_int_equal(size_of(fd), SMALL - 8);
    (void)close(fd);
}

/* A segment of 512 KiB has room for 523,768 bytes: 4,092 records of 128 bytes, less 8. */
static void fills_a_segment_to_its_last_byte(void **state)
{
    enum { PAYLOAD = 128 - HEAD, FIT = (SMALL - SEGMENT_OVERHEAD) / 128 };
    size_t rest = (SMALL - SEGMENT_OVERHEAD) % 128;

    assert_int_equal(FIT, 4091);
    assert_int_equal(rest, 120);
    for (size_t last = rest - HEAD; last <= rest - HEAD + 1; last++) {
        struct log_config config = small_config(*state);
        struct log *log = open_log(&config);
        struct log_record record;
        size_t count = 0;
        struct err err;

        for (uint64_t n = 1; n <= FIT; n++)
            append_one(log, 0, n, PAYLOAD);
        append_one(log, 0, FIT + 1, last);
        append_one(log, 0, FIT + 2, PAYLOAD);
        log_close(&log);

        struct log_reader *reader = open_reader(*state);
        while (log_reader_next(reader, &record, &err) == 1)
            assert_int_equal(record.position.number, ++count);
        assert_int_equal(count, FIT + 2);
        log_reader_close(&reader);

        /* What fits exactly ends the first segment 8 bytes before its end; one byte more begins the
         * second. */
        int fd = open_segment(*state, 0);
        assert_int_equal(size_of(fd), last == rest - HEAD ? SMALL - 8 : 512 + FIT * 128);
        (void)close(fd);
        fd = open_segment(*state, 1);
        assert_int_equal(size_of(fd), last == rest - HEAD ? 512 + 128 : 512 + 128 + 128);
        (void)close(fd);
        (void)teardown(state);
        assert_int_equal(setup(state), 0);
    }
}

static void puts_a_group_that_does_not_fit_whole_into_the_next_segment(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    char payload[1000];
    struct log_entry group[3];
    struct err err;
    int code;

    /* 500 records of 1032 bytes leave 7,768 bytes: room for 7 more, but not for a group of 8. */
    for (uint64_t n = 1; n <= 500; n++)
        append_one(log, 0, n, 1000);
    struct log_entry eight[8];
    char payloads[8][1000];
    for (size_t i = 0; i < 8; i++) {
        make_payload(payloads[i], 1000, 0, 501 + i);
        eight[i] = (struct log_entry){0, {payloads[i], 1000}};
    }
    int rc;
    while ((rc = log_append(log, eight, 8, NULL, &err)) == ERR_FULL)
        pause_ms(5);
    assert_int_equal(rc, 0);
    make_payload(payload, 1000, 1, 1);
    group[0] = (struct log_entry){1, {payload, 1000}};
    assert_int_equal(log_append(log, group, 1, NULL, &err), 0);
    assert_int_equal(read_all(*state, 1000, &code), 509);
    log_close(&log);
    int fd = open_segment(*state, 0);
    assert_int_equal(size_of(fd), 512 + 500 * 1032);
    (void)close(fd);
}

static int try_config(const struct fixture *f, uint64_t segment_bytes, uint64_t max_bytes)
{
    struct log_config config = {
        .data_dir = str_from(f->dir), .segment_bytes = segment_bytes, .max_bytes = max_bytes};
    struct log *log;
    struct err err;
    int rc = log_open_with(&config, &QUICK, &log, &err);

    log_close(&log);
    return rc;
}

static void refuses_sizes_out_of_bounds(void **state)
{
    const uint64_t most = LOG_SEGMENT_MAX;

    assert_int_equal(try_config(*state, LOG_SEGMENT_MIN, 0), 0);
    assert_int_equal(try_config(*state, LOG_SEGMENT_MIN - LOG_SEGMENT_UNIT, 0), ERR_INVALID);
    assert_int_equal(try_config(*state, LOG_SEGMENT_MIN + 1, 0), ERR_INVALID);
    assert_int_equal(try_config(*state, LOG_SEGMENT_MIN + LOG_SEGMENT_UNIT, 0), 0);
    assert_int_equal(try_config(*state, most, 2 * most), 0);
    assert_int_equal(try_config(*state, most + LOG_SEGMENT_UNIT, 4 * most), ERR_INVALID);
    assert_int_equal(try_config(*state, SMALL, 2 * SMALL), 0);
    assert_int_equal(try_config(*state, SMALL, 2 * SMALL - 1), ERR_INVALID);
}

static void only_one_holds_the_lock(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log *second;
    struct err err;
    int status;

    assert_int_equal(log_open(&config, &second, &err), ERR_CONFLICT);
    assert_null(second);
    pid_t child = fork();
    if (child == 0)
        _exit(log_open(&config, &second, &err) == ERR_CONFLICT ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    log_close(&log);
    log = open_log(&config);
    log_close(&log);
}

static void begins_a_new_producer_at_each_start(void **state)
{
    struct log_config config = small_config(*state);
    struct producer producers[2];
    int code;

    for (size_t i = 0; i < 2; i++) {
        struct log *log = open_log(&config);
        producers[i] = log_producer(log);
        append_one(log, 2, 1, 40);
        append_one(log, 2, 2, 40);
        log_close(&log);
    }
    assert_memory_not_equal(&producers[0], &producers[1], sizeof(producers[0]));
    assert_int_equal(read_all(*state, 40, &code), 4);
    assert_int_equal(code, 0);
}

static void makes_the_directories_that_are_missing(void **state)
{
    struct fixture deep;
    int code;

    (void)snprintf(deep.dir, sizeof(deep.dir), "%.200s/a/b//c", ((struct fixture *)*state)->dir);
    struct log_config config = small_config(&deep);
    struct log *log = open_log(&config);
    append_one(log, 0, 1, 20);
    log_close(&log);
    assert_int_equal(read_all(&deep, 20, &code), 1);
}

static void refuses_a_sequence_number_that_no_log_reaches(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    char path[320];
    struct err err;

    log_close(&log);
    segment_path(*state, UINT64_MAX, path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(log_open(&config, &log, &err), ERR_CORRUPT);
}

/* -- many threads -- */

enum { APPENDERS = 4, EACH = 3000 };

struct appender {
    struct log *log;
    uint16_t own;
};

/* Groups of one record in a partition of its own and one in a shared partition. */
static void *append_many(void *arg)
{
    struct appender *a = arg;
    struct err err;

    for (uint64_t n = 1; n <= EACH; n++) {
        char own[48], shared[16];
        uint64_t words[2] = {a->own, n};

        make_payload(own, sizeof(own), a->own, n);
        memcpy(shared, words, sizeof(words));
        struct log_entry pair[2] = {{a->own, {own, sizeof(own)}},
                                    {PARTITIONS - 1, {shared, sizeof(shared)}}};
        while (log_append(a->log, pair, 2, NULL, &err) == ERR_FULL)
            pause_ms(1);
    }
    return NULL;
}

static void numbers_stay_gapless_with_four_threads_and_a_reader(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_reader *reader = open_reader(*state);
    struct appender appenders[APPENDERS];
    pthread_t threads[APPENDERS];
    uint64_t next[PARTITIONS] = {0};
    uint64_t seen[APPENDERS] = {0};
    struct log_record record;
    struct err err;

    for (uint16_t i = 0; i < APPENDERS; i++) {
        appenders[i] = (struct appender){log, i};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &appenders[i]), 0);
    }
    for (size_t count = 0; count < 2 * (size_t)APPENDERS * EACH;) {
        int rc = log_reader_next(reader, &record, &err);

        assert_true(rc >= 0);
        if (rc == 0) {
            pause_ms(1);
            continue;
        }
        uint16_t p = record.position.partition;
        assert_int_equal(record.position.number, ++next[p]);
        if (p < APPENDERS) {
            assert_true(payload_is(record.payload, 48, p, next[p]));
        } else {
            /* The shared one mixes threads, each in its own order. */
            uint64_t words[2];
            assert_int_equal(record.payload.len, sizeof(words));
            memcpy(words, record.payload.ptr, sizeof(words));
            assert_true(words[0] < APPENDERS);
            assert_int_equal(words[1], ++seen[words[0]]);
        }
        count++;
        log_reader_trim(reader);
    }
    for (size_t i = 0; i < APPENDERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    assert_int_equal(next[PARTITIONS - 1], APPENDERS * EACH);
    log_reader_close(&reader);
    log_close(&log);
}

/* Exits 0 when it has read `count` records of 100 bytes of partition 0, in order. */
static int read_in_child(const struct fixture *f, uint64_t count)
{
    struct log_reader *reader;
    struct log_record record;
    struct err err;
    uint64_t n = 0;

    if (log_reader_open(str_from(f->dir), NULL, 0, &reader, &err) != 0)
        return 1;
    for (int idle = 0; n < count && idle < 20000;) {
        int rc = log_reader_next(reader, &record, &err);

        if (rc < 0)
            return 2;
        if (rc == 0) {
            pause_ms(1);
            idle++;
            continue;
        }
        if (record.position.number != ++n || !payload_is(record.payload, 100, 0, n))
            return 3;
        log_reader_trim(reader);
    }
    log_reader_close(&reader);
    return n == count ? 0 : 4;
}

static void another_process_reads_while_it_is_appended_to(void **state)
{
    enum { COUNT = 20000 };
    struct log_config config = small_config(*state);
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(read_in_child(*state, COUNT));
    struct log *log = open_log(&config);
    for (uint64_t n = 1; n <= COUNT; n++)
        append_one(log, 0, n, 100);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    log_close(&log);
}

static void a_reader_keeps_payloads_until_it_is_trimmed(void **state)
{
    enum { COUNT = 20000 };
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_reader *reader = open_reader(*state);
    struct log_record *records = calloc(COUNT, sizeof(*records));
    struct err err;

    for (uint64_t n = 1; n <= COUNT; n++)
        append_one(log, 0, n, 100);
    for (uint64_t n = 1; n <= COUNT; n++)
        assert_int_equal(log_reader_next(reader, &records[n - 1], &err), 1);
    for (uint64_t n = 1; n <= COUNT; n++)
        assert_true(payload_is(records[n - 1].payload, 100, 0, n));
    free(records);
    log_reader_close(&reader);
    log_close(&log);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(is_empty_before_it_exists),
        T(gives_back_groups_in_order_with_gapless_numbers),
        T(gives_at_once_what_was_appended_before_the_call),
        T(appending_nothing_takes_nothing),
        T(takes_the_largest_payload_and_refuses_one_byte_more),
        T(refuses_a_partition_that_is_none),
        T(takes_the_most_entries_and_refuses_one_more),
        T(takes_an_append_as_large_as_a_segment_and_refuses_a_larger_one),
        T(fills_a_segment_to_its_last_byte),
        T(puts_a_group_that_does_not_fit_whole_into_the_next_segment),
        T(refuses_sizes_out_of_bounds),
        T(only_one_holds_the_lock),
        T(begins_a_new_producer_at_each_start),
        T(makes_the_directories_that_are_missing),
        T(refuses_a_sequence_number_that_no_log_reaches),
        T(numbers_stay_gapless_with_four_threads_and_a_reader),
        T(another_process_reads_while_it_is_appended_to),
        T(a_reader_keeps_payloads_until_it_is_trimmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
