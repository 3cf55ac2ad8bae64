/* test_log_forget.c -- what was appended goes as soon as it is released, though it was to be kept.
 */
#include "base/clock.h"
#include "test_log_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { BYTES = 96, HOUR = 3600 * 1000 };

static bool wait_until_forgotten(struct log *log)
{
    for (int i = 0; i < 1000 && !log_forgotten(log); i++)
        pause_ms(5);
    return log_forgotten(log);
}

/* The bytes of a record's payload stand in a file of the log. */
static bool is_in_files(const struct fixture *f, uint16_t partition, uint64_t number)
{
    struct sequence_list list = list_segments(f);
    char *text = malloc(SMALL), payload[BYTES], path[320];
    bool found = false;

    make_payload(payload, BYTES, partition, number);
    for (size_t i = 0; i < list.count; i++) {
        segment_path(f, list.items[i], path);
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, text, SMALL);

        found = found || (n > 0 && memmem(text, (size_t)n, payload, BYTES) != NULL);
        if (fd >= 0)
            (void)close(fd);
    }
    sequence_list_release(&list);
    free(text);
    return found;
}

static struct log_config kept_config(const struct fixture *f)
{
    struct log_config config = small_config(f);

    config.keep_ms = HOUR;
    return config;
}

/* Makes sure that the next segment is ready. */
static void wait_for_spares(struct log *log)
{
    for (int i = 0; i < 1000 && log_usage(log).segments < 3; i++)
        pause_ms(5);
    assert_true(log_usage(log).segments >= 3);
}

static void nothing_to_forget_is_forgotten(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);

    assert_true(log_forgotten(log));
    log_forget(log);
    assert_true(log_forgotten(log));
    append_one(log, 0, 1, BYTES);
    /* What comes later is nobody's to forget. */
    assert_true(log_forgotten(log));
    log_close(&log);
}

static void what_is_released_goes_at_once(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);
    struct position done = {log_producer(log), 0, 1};
    int code;

    append_one(log, 0, 1, BYTES);
    wait_for_spares(log);
    log_release(log, &done, 1, clock_wall_ms());
    pause_ms(100);
    assert_true(is_in_files(*state, 0, 1));
    log_forget(log);
    assert_false(log_forgotten(log));
    log_release(log, &done, 1, clock_wall_ms());
    assert_true(wait_until_forgotten(log));
    assert_false(is_in_files(*state, 0, 1));
    append_one(log, 0, 2, BYTES);
    assert_true(is_in_files(*state, 0, 2));
    done.number = 2;
    log_release(log, &done, 1, clock_wall_ms());
    pause_ms(100);
    /* That is kept as long as ever. */
    assert_true(is_in_files(*state, 0, 2));
    struct log_reader *reader = open_reader(*state);
    struct log_record record;

    code = log_reader_next(reader, &record, &(struct err){""});
    assert_int_equal(code, 1);
    assert_int_equal(record.position.number, 2);
    log_reader_close(&reader);
    log_close(&log);
}

static void what_is_not_released_stays(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);
    struct position done[2] = {{log_producer(log), 0, 1}, {log_producer(log), 1, 0}};
    int code;

    append_one(log, 0, 1, BYTES);
    append_one(log, 1, 1, BYTES);
    wait_for_spares(log);
    log_forget(log);
    append_one(log, 0, 2, BYTES);
    log_release(log, done, 2, clock_wall_ms() + 10 * (int64_t)HOUR);
    pause_ms(100);
    assert_false(log_forgotten(log));
    assert_int_equal(log_pending(log), 2);
    assert_int_equal(read_all(*state, BYTES, &code), 3);
    done[1].number = 1;
    log_release(log, done, 2, clock_wall_ms());
    assert_true(wait_until_forgotten(log));
    assert_false(is_in_files(*state, 0, 1));
    assert_false(is_in_files(*state, 1, 1));
    assert_true(is_in_files(*state, 0, 2));
    log_close(&log);
}

/* A store that went back in time may still need what was marked. */
static void a_release_taken_back_keeps_what_is_marked(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);
    struct position done[2] = {{log_producer(log), 0, 1}, {log_producer(log), 0, 0}};

    append_one(log, 0, 1, BYTES);
    append_one(log, 0, 2, BYTES);
    wait_for_spares(log);
    log_forget(log);
    log_release(log, done, 1, clock_wall_ms());
    log_release(log, done + 1, 1, clock_wall_ms());
    pause_ms(100);
    assert_false(log_forgotten(log));
    assert_int_equal(log_pending(log), 2);
    log_close(&log);
}

static void old_runs_are_forgotten_too(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);
    struct position done[2] = {{log_producer(log), 0, 2}};

    append_one(log, 0, 1, BYTES);
    append_one(log, 0, 2, BYTES);
    log_close(&log);
    log = open_log(&config);
    done[1] = (struct position){log_producer(log), 3, 1};
    append_one(log, 3, 1, BYTES);
    wait_for_spares(log);
    log_forget(log);
    log_release(log, done + 1, 1, clock_wall_ms());
    pause_ms(100);
    assert_false(log_forgotten(log));
    assert_true(is_in_files(*state, 0, 2));
    assert_false(is_in_files(*state, 3, 1));
    log_release(log, done, 2, clock_wall_ms());
    assert_true(wait_until_forgotten(log));
    assert_false(is_in_files(*state, 0, 1));
    log_close(&log);
}

/* There is room for two segments, and both are in use. */
static void a_full_disk_goes_on_taking_events(void **state)
{
    struct log_config config = kept_config(*state);
    uint64_t number = 1, first;
    char payload[BYTES];
    struct log_entry entry = {0, {payload, BYTES}};
    struct err err;

    config.max_bytes = 2 * (uint64_t)SMALL;
    struct log *log = open_log(&config);
    struct position done = {log_producer(log), 0, 0};

    /* Until the second one is in use. */
    while (log_usage(log).segments < 2 || is_in_files(*state, 0, 1) == false)
        append_one(log, 0, number++, BYTES);
    first = (SMALL - SEGMENT_OVERHEAD) / (BYTES + HEAD);
    while (number <= first + 1)
        append_one(log, 0, number++, BYTES);
    log_forget(log);
    /* No other is ready: the one in use stays so. */
    make_payload(payload, BYTES, 0, number);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), 0);
    assert_false(log_forgotten(log));
    /* The first goes, and makes room for one that follows the second. */
    done.number = first;
    log_release(log, &done, 1, clock_wall_ms());
    for (int i = 0; i < 1000 && is_in_files(*state, 0, 1); i++)
        pause_ms(5);
    assert_false(is_in_files(*state, 0, 1));
    assert_false(log_forgotten(log));
    done.number = number;
    for (int i = 0; i < 1000 && !log_forgotten(log); i++) {
        log_release(log, &done, 1, clock_wall_ms());
        pause_ms(5);
    }
    assert_true(log_forgotten(log));
    assert_false(is_in_files(*state, 0, number));
    append_one(log, 0, number + 1, BYTES);
    log_close(&log);
}

/* A process that is killed between the mark and the release knows nothing of it any more; it finds
 * everything, and is asked again. */
static void a_crash_in_between_loses_nothing(void **state)
{
    struct log_config config = kept_config(*state);
    int to_parent[2], status, code;
    struct producer producer;
    pid_t child;

    assert_int_equal(pipe(to_parent), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct log *log = open_log(&config);

        append_one(log, 0, 1, BYTES);
        append_one(log, 1, 1, BYTES);
        wait_for_spares(log);
        log_forget(log);
        append_one(log, 0, 2, BYTES);
        producer = log_producer(log);
        _exit(write(to_parent[1], &producer, sizeof(producer)) == sizeof(producer) ? 0 : 1);
    }
    assert_int_equal(read(to_parent[0], &producer, sizeof(producer)), sizeof(producer));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    struct log *log = open_log(&config);
    struct position done[2] = {{producer, 0, 2}, {producer, 1, 1}};

    assert_int_equal(log_pending(log), 3);
    assert_int_equal(read_all(*state, BYTES, &code), 3);
    assert_int_equal(code, 0);
    log_release(log, done, 2, clock_wall_ms());
    pause_ms(100);
    assert_true(is_in_files(*state, 0, 1));
    log_forget(log);
    assert_true(wait_until_forgotten(log));
    assert_false(is_in_files(*state, 0, 1));
    assert_false(is_in_files(*state, 0, 2));
    log_close(&log);
    (void)close(to_parent[0]);
    (void)close(to_parent[1]);
}

/* A reader that stands in what goes reads it to its end, and goes on behind it. */
static void a_reader_in_it_goes_on(void **state)
{
    struct log_config config = kept_config(*state);
    struct log *log = open_log(&config);
    struct log_reader *reader = open_reader(*state);
    struct position done = {log_producer(log), 0, 2};
    struct log_record record;
    struct err err;

    append_one(log, 0, 1, BYTES);
    append_one(log, 0, 2, BYTES);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    wait_for_spares(log);
    log_forget(log);
    log_release(log, &done, 1, clock_wall_ms());
    assert_true(wait_until_forgotten(log));
    append_one(log, 0, 3, BYTES);
    for (uint64_t n = 2; n <= 3; n++) {
        assert_int_equal(log_reader_next(reader, &record, &err), 1);
        assert_int_equal(record.position.number, n);
        assert_true(payload_is(record.payload, BYTES, 0, n));
    }
    log_reader_close(&reader);
    log_close(&log);
}

/* -- beside each other -- */

struct traffic {
    struct log *log;
    atomic_bool stop;
    atomic_ullong appended;
};

static void *append_all_the_time(void *ctx)
{
    struct traffic *t = ctx;

    for (uint64_t n = 1; !atomic_load(&t->stop); n++) {
        append_one(t->log, 0, n, BYTES);
        atomic_store(&t->appended, n);
    }
    return NULL;
}

static void *forget_all_the_time(void *ctx)
{
    struct traffic *t = ctx;

    while (!atomic_load(&t->stop)) {
        log_forget(t->log);
        (void)log_forgotten(t->log);
        pause_ms(1);
    }
    return NULL;
}

/* What a job would do: read and check every record, then release it. */
static void is_safe_beside_appends_releases_and_readers(void **state)
{
    struct log_config config = kept_config(*state);
    struct traffic t = {.log = open_log(&config)};
    struct log_reader *reader = open_reader(*state);
    struct position done = {log_producer(t.log), 0, 0};
    int64_t until_us = clock_steady_us() + 500 * 1000;
    pthread_t threads[2];
    struct log_record record;
    struct err err;

    assert_int_equal(pthread_create(&threads[0], NULL, append_all_the_time, &t), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, forget_all_the_time, &t), 0);
    for (;;) {
        int rc = log_reader_next(reader, &record, &err);

        if (rc == 1) {
            assert_int_equal(record.position.number, ++done.number);
            assert_true(payload_is(record.payload, BYTES, 0, done.number));
            log_reader_trim(reader);
        }
        if (rc == 0 || done.number % 100 == 0)
            log_release(t.log, &done, 1, clock_wall_ms());
        if (clock_steady_us() >= until_us)
            atomic_store(&t.stop, true);
        if (rc == 0 && atomic_load(&t.stop) && done.number == atomic_load(&t.appended))
            break;
        assert_true(rc >= 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    /* The appender may have appended once more. */
    while (log_reader_next(reader, &record, &err) == 1)
        assert_int_equal(record.position.number, ++done.number);
    assert_int_equal(done.number, atomic_load(&t.appended));
    assert_true(done.number > 100);
    log_forget(t.log);
    /* As a server does, again and again: what is in use is sealed once another segment is ready. */
    for (int i = 0; i < 1000 && !log_forgotten(t.log); i++) {
        log_release(t.log, &done, 1, clock_wall_ms());
        pause_ms(5);
    }
    assert_true(log_forgotten(t.log));
    assert_int_equal(log_pending(t.log), 0);
    log_reader_close(&reader);
    log_close(&t.log);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_to_forget_is_forgotten),
        T(what_is_released_goes_at_once),
        T(what_is_not_released_stays),
        T(a_release_taken_back_keeps_what_is_marked),
        T(old_runs_are_forgotten_too),
        T(a_full_disk_goes_on_taking_events),
        T(a_crash_in_between_loses_nothing),
        T(a_reader_in_it_goes_on),
        T(is_safe_beside_appends_releases_and_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
