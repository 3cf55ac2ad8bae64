/* test_log_crash.c -- processes that are killed while they append. */
#include "test_log_support.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { ROUNDS = 20, PAYLOAD = 64 };

/* What the child tells: how many appends have returned, and the records in each partition of those.
 */
struct told {
    _Atomic uint64_t records[PARTITIONS];
    _Atomic uint64_t appends;
};

/* The n-th append (from 0) is 1 to 4 records of one partition; a killed child leaves them all or
 * none. */
static size_t group_size(uint64_t n)
{
    return 1 + (size_t)(n * 2654435761U >> 7) % 4;
}

static uint16_t group_partition(uint64_t n)
{
    return (uint16_t)(n % 5);
}

static void append_until_killed(const struct fixture *f, struct told *told)
{
    struct log_config config = small_config(f);
    struct log *log;
    struct err err;
    uint64_t next[PARTITIONS] = {0};

    if (log_open(&config, &log, &err) != 0)
        _exit(1);
    for (uint64_t n = 0;; n++) {
        char payloads[4][PAYLOAD];
        struct log_entry entries[4];
        uint16_t p = group_partition(n);

        for (size_t i = 0; i < group_size(n); i++) {
            make_payload(payloads[i], PAYLOAD, p, next[p] + 1 + i);
            entries[i] = (struct log_entry){p, {payloads[i], PAYLOAD}};
        }
        while (log_append(log, entries, group_size(n), NULL, &err) == ERR_FULL)
            pause_ms(1);
        next[p] += group_size(n);
        atomic_store(&told->records[p], next[p]);
        atomic_store(&told->appends, n + 1);
    }
}

/* Of the last producer, count records by partition; they are gapless and hold what was appended. */
static void read_last(const struct fixture *f, uint64_t found[PARTITIONS])
{
    struct log_reader *reader = open_reader(f);
    struct producer producer = {{0}};
    struct log_record record;
    struct err err = {""};
    int rc;

    memset(found, 0, PARTITIONS * sizeof(*found));
    while ((rc = log_reader_next(reader, &record, &err)) == 1) {
        uint16_t p = record.position.partition;

        if (memcmp(&producer, &record.position.producer, sizeof(producer)) != 0) {
            producer = record.position.producer;
            memset(found, 0, PARTITIONS * sizeof(*found));
        }
        assert_int_equal(record.position.number, ++found[p]);
        assert_true(payload_is(record.payload, PAYLOAD, p, found[p]));
        log_reader_trim(reader);
    }
    assert_int_equal(rc, 0);
    log_reader_close(&reader);
}

/* All rounds so far are committed and go. */
static void release_all(const struct fixture *f, struct log *log)
{
    struct log_reader *reader = open_reader(f);
    struct log_record record;
    struct err err;

    while (log_reader_next(reader, &record, &err) == 1) {
        log_release(log, &record.position, 1, 1);
        log_reader_trim(reader);
    }
    log_reader_close(&reader);
    assert_int_equal(log_pending(log), 0);
    for (int i = 0; i < 1000 && log_usage(log).segments > LOG_SPARES; i++)
        pause_ms(5);
    assert_true(count_segments(f) <= LOG_SPARES);
}

/* Nothing that was told is missing; beyond it there is at most the one append that was not told any
 * more, whole. */
static void check_round(const struct told *told, const uint64_t found[PARTITIONS])
{
    uint64_t appends = atomic_load(&told->appends);
    uint64_t expected[PARTITIONS] = {0};
    bool same = true;

    for (uint64_t n = 0; n < appends; n++)
        expected[group_partition(n)] += group_size(n);
    for (size_t p = 0; p < PARTITIONS; p++) {
        assert_true(found[p] >= expected[p]);
        assert_true(found[p] >= atomic_load(&told->records[p]));
        same = same && found[p] == expected[p];
    }
    if (same)
        return;
    expected[group_partition(appends)] += group_size(appends);
    for (size_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(found[p], expected[p]);
}

static void a_killed_process_loses_no_append_that_returned(void **state)
{
    struct told *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct log_config config = small_config(*state);
    uint64_t total = 0, found[PARTITIONS];

    assert_true(told != MAP_FAILED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int status;

        memset(told, 0, sizeof(*told));
        pid_t child = fork();
        if (child == 0)
            append_until_killed(*state, told);
        while (atomic_load(&told->appends) == 0 && waitpid(child, &status, WNOHANG) == 0)
            pause_ms(1);
        pause_ms((long)(round * 7 % 13));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        total += atomic_load(&told->appends);

        /* Before recovery a reader finds the same as after it. */
        read_last(*state, found);
        check_round(told, found);
        struct log *log = open_log(&config);
        read_last(*state, found);
        check_round(told, found);
        if (round % 2 == 1)
            release_all(*state, log);
        log_close(&log);
    }
    assert_true(total > ROUNDS);
    (void)munmap(told, sizeof(*told));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_killed_process_loses_no_append_that_returned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
