/* test_log_faults.c -- flushing: who is told when, and disks that are slow, broken or full. */
#include "test_log_support.h"
#include "timed.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* A disk that the tests steer. */
static atomic_int sync_errno;     /* flushing fails with it */
static atomic_int allocate_errno; /* making a segment does */
static atomic_bool sync_blocked;  /* flushing takes until this is false */
static atomic_uint syncs;         /* flushes begun */

static int steered_sync(int fd)
{
    (void)fd;
    atomic_fetch_add(&syncs, 1);
    while (atomic_load(&sync_blocked))
        pause_ms(1);
    errno = atomic_load(&sync_errno);
    return errno == 0 ? 0 : -1;
}

static int steered_allocate(int fd, uint64_t bytes)
{
    int code = atomic_load(&allocate_errno);

    return code != 0 ? code : quick_allocate(fd, bytes);
}

static const struct log_io STEERED = {steered_sync, steered_allocate};

static struct log *open_steered(const struct fixture *f, bool always)
{
    struct log_config config = small_config(f);
    struct log *log;
    struct err err;

    atomic_store(&sync_errno, 0);
    atomic_store(&allocate_errno, 0);
    atomic_store(&sync_blocked, false);
    config.always = always;
    assert_int_equal(log_open_with(&config, &STEERED, &log, &err), 0);
    for (int i = 0; i < 1000 && log_usage(log).segments < LOG_SPARES; i++)
        pause_ms(5);
    assert_int_equal(log_usage(log).segments, LOG_SPARES);
    atomic_store(&syncs, 0);
    return log;
}

/* A record that is told about. */
struct answer {
    atomic_int count;
    atomic_int code;
};

static void answered(void *ctx, int code)
{
    struct answer *answer = ctx;

    atomic_store(&answer->code, code);
    atomic_fetch_add(&answer->count, 1);
}

static uint64_t append_asking(struct log *log, struct answer *answer)
{
    struct log_entry entry = {0, STR("sixteen bytes ok")};
    struct err err = {""};
    uint64_t ticket;
    int rc = ERR_FULL;

    for (int i = 0; i < 1000 && rc == ERR_FULL; i++) {
        rc = log_append(log, &entry, 1, &ticket, &err);
        if (rc == ERR_FULL)
            pause_ms(5);
    }
    assert_int_equal(rc, 0);
    *answer = (struct answer){0};
    atomic_store(&answer->code, 99);
    log_when_durable(log, ticket, answered, answer);
    return ticket;
}

static bool wait_answer(struct answer *answer, long ms)
{
    for (long i = 0; i < ms && atomic_load(&answer->count) == 0; i++)
        pause_ms(1);
    return atomic_load(&answer->count) == 1;
}

/* The same, with a first segment begun and its successor made: from now on only records are
 * flushed. */
static struct log *open_begun(const struct fixture *f, bool always)
{
    struct log *log = open_steered(f, always);
    struct answer first;

    (void)append_asking(log, &first);
    assert_true(wait_answer(&first, 3000));
    for (int i = 0; i < 1000 && log_usage(log).segments < LOG_SPARES + 1; i++)
        pause_ms(5);
    assert_int_equal(log_usage(log).segments, LOG_SPARES + 1);
    atomic_store(&syncs, 0);
    return log;
}

static void answers_only_after_the_flush(void **state)
{
    struct log *log = open_begun(*state, true);
    struct answer first, again;

    atomic_store(&sync_blocked, true);
    uint64_t ticket = append_asking(log, &first);
    for (int i = 0; i < 1000 && atomic_load(&syncs) == 0; i++)
        pause_ms(1);
    assert_int_equal(atomic_load(&syncs), 1);
    assert_false(wait_answer(&first, 100));
    atomic_store(&sync_blocked, false);
    assert_true(wait_answer(&first, 2000));
    assert_int_equal(atomic_load(&first.code), 0);

    /* Known already: told by the call itself. */
    again = (struct answer){0};
    log_when_durable(log, ticket, answered, &again);
    assert_int_equal(atomic_load(&again.count), 1);
    assert_int_equal(atomic_load(&again.code), 0);
    log_close(&log);
}

static void answers_all_who_wait_with_one_flush(void **state)
{
    enum { WAITERS = 50 };
    struct log *log = open_begun(*state, true);
    static struct answer answers[WAITERS];

    atomic_store(&sync_blocked, true);
    (void)append_asking(log, &answers[0]);
    for (int i = 0; i < 1000 && atomic_load(&syncs) == 0; i++)
        pause_ms(1);
    for (size_t i = 1; i < WAITERS; i++)
        (void)append_asking(log, &answers[i]);
    atomic_store(&sync_blocked, false);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_true(wait_answer(&answers[i], 2000));
        assert_int_equal(atomic_load(&answers[i].code), 0);
    }
    /* One for the first, one for all that came during it. */
    assert_int_equal(atomic_load(&syncs), 2);
    log_close(&log);
}

static void without_always_the_flush_comes_within_a_second(void **state)
{
    struct log *log = open_begun(*state, false);
    struct answer answer;

    (void)append_asking(log, &answer);
    assert_true(wait_answer(&answer, 2500));
    assert_int_equal(atomic_load(&answer.code), 0);
    assert_in_range(atomic_load(&syncs), 1, 2);
    log_close(&log);
}

static void closing_flushes_and_answers(void **state)
{
    struct log *log = open_begun(*state, false);
    struct answer answer;

    (void)append_asking(log, &answer);
    log_close(&log);
    assert_int_equal(atomic_load(&answer.count), 1);
    assert_int_equal(atomic_load(&answer.code), 0);
    assert_true(atomic_load(&syncs) >= 1);
}

static size_t count_records(const struct fixture *f, size_t *producers)
{
    struct log_reader *reader = open_reader(f);
    struct producer producer = {{0}};
    struct log_record record;
    struct err err;
    uint64_t number = 0;
    size_t count = 0;

    *producers = 0;
    while (log_reader_next(reader, &record, &err) == 1) {
        if (memcmp(&producer, &record.position.producer, sizeof(producer)) != 0) {
            producer = record.position.producer;
            number = 0;
            ++*producers;
        }
        assert_int_equal(record.position.number, ++number);
        count++;
    }
    log_reader_close(&reader);
    return count;
}

static void a_failed_flush_is_told_and_never_taken_back(void **state)
{
    struct log *log = open_steered(*state, true);
    struct answer good, bad, late, later;
    struct producer before = log_producer(log);
    size_t producers;

    uint64_t durable = append_asking(log, &good);
    assert_true(wait_answer(&good, 2000));
    assert_int_equal(atomic_load(&good.code), 0);
    atomic_store(&sync_errno, EIO);
    uint64_t lost = append_asking(log, &bad);
    assert_true(wait_answer(&bad, 2000));
    assert_int_equal(atomic_load(&bad.code), ERR_SYSTEM);

    /* The disk takes no new segment: no room. */
    struct log_entry entry = {0, STR("x")};
    struct err err;
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_FULL);
    assert_false(log_usage(log).writable);

    /* It is well again: a new producer goes on, and what failed stays failed. */
    atomic_store(&sync_errno, 0);
    (void)append_asking(log, &later);
    assert_true(wait_answer(&later, 2000));
    assert_int_equal(atomic_load(&later.code), 0);
    struct producer after = log_producer(log);
    assert_memory_not_equal(&before, &after, sizeof(before));
    late = (struct answer){0};
    log_when_durable(log, lost, answered, &late);
    assert_int_equal(atomic_load(&late.code), ERR_SYSTEM);
    late = (struct answer){0};
    log_when_durable(log, durable, answered, &late);
    assert_int_equal(atomic_load(&late.count), 1);
    assert_int_equal(atomic_load(&late.code), 0);

    /* What is still in memory is counted, before and after a restart. */
    assert_int_equal(count_records(*state, &producers), 3);
    assert_int_equal(producers, 2);
    assert_int_equal(log_pending(log), 3);
    log_close(&log);
    struct log_config config = small_config(*state);
    log = open_log(&config);
    assert_int_equal(count_records(*state, &producers), 3);
    assert_int_equal(log_pending(log), 3);
    log_close(&log);
}

/* The segment of a failed flush is never cut to its records, which would say that they are on the
 * disk. */
static void a_segment_of_a_failed_flush_is_not_settled(void **state)
{
    struct log *log = open_steered(*state, true);
    struct answer answer;

    atomic_store(&sync_errno, EIO);
    (void)append_asking(log, &answer);
    assert_true(wait_answer(&answer, 2000));
    atomic_store(&sync_errno, 0);
    (void)append_asking(log, &answer);
    assert_true(wait_answer(&answer, 2000));
    log_close(&log);
    int fd = open_segment(*state, 0);
    assert_int_equal(size_of(fd), SMALL);
    (void)close(fd);
    fd = open_segment(*state, 1);
    assert_int_equal(size_of(fd), 512 + 48);
    (void)close(fd);
}

static void nor_is_one_that_was_full(void **state)
{
    struct log *log = open_begun(*state, false);
    static char payload[1000];
    struct log_entry entry = {0, {payload, sizeof(payload)}};
    struct answer answer;
    struct err err;

    /* 507 of them and the one that is there fill a segment. */
    atomic_store(&sync_blocked, true);
    for (int i = 0; i < 600; i++)
        assert_int_equal(log_append(log, &entry, 1, NULL, &err), 0);
    atomic_store(&sync_errno, EIO);
    (void)append_asking(log, &answer);
    atomic_store(&sync_blocked, false);
    assert_true(wait_answer(&answer, 3000));
    assert_int_equal(atomic_load(&answer.code), ERR_SYSTEM);
    log_close(&log);
    for (size_t i = 0; i < 2; i++) {
        int fd = open_segment(*state, i);
        assert_int_equal(size_of(fd), SMALL);
        (void)close(fd);
    }
}

static void goes_on_when_the_disk_has_room_again(void **state)
{
    enum { P1032 = 1000, FIT = 507 }; /* (524288 - 520) / 1032 */
    struct log *log = open_steered(*state, false);
    static char payload[P1032];
    struct log_entry entry = {0, {payload, P1032}};
    struct err err = {""};
    size_t taken = 0;
    int rc;

    atomic_store(&allocate_errno, ENOSPC);
    while ((rc = log_append(log, &entry, 1, NULL, &err)) == 0)
        taken++;
    assert_int_equal(rc, ERR_FULL);
    assert_int_equal(taken, LOG_SPARES * FIT);
    pause_ms(500);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_FULL);
    assert_non_null(strstr(err.text, strerror(ENOSPC)));
    assert_false(log_usage(log).writable);
    atomic_store(&allocate_errno, 0);
    for (int i = 0; i < 100 && !log_usage(log).writable; i++)
        pause_ms(10);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), 0);
    log_close(&log);
}

static void opens_on_a_full_disk(void **state)
{
    struct log_config config = small_config(*state);
    struct log_entry entry = {0, STR("x")};
    struct log *log;
    struct err err;

    atomic_store(&allocate_errno, ENOSPC);
    atomic_store(&sync_errno, 0);
    assert_int_equal(log_open_with(&config, &STEERED, &log, &err), 0);
    assert_int_equal(log_append(log, &entry, 1, NULL, &err), ERR_FULL);
    log_close(&log);

    atomic_store(&allocate_errno, EIO);
    assert_int_equal(log_open_with(&config, &STEERED, &log, &err), ERR_SYSTEM);
    assert_null(log);
    atomic_store(&allocate_errno, 0);
}

/* -- a real full disk -- */

enum { NOT_PERMITTED = 77 };

/* A file of all the room that is left. */
static void fill_disk(const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    while (write(fd, block, sizeof(block)) > 0)
        continue;
    (void)close(fd);
}

/* In a process with its own mounts; returns 0, or the line at which it went wrong. */
static int fill_a_real_disk(const struct fixture *f)
{
    struct log_config config = small_config(f);
    static char payload[1000];
    struct log_entry entry = {0, {payload, sizeof(payload)}};
    char ballast[300];
    struct log *log;
    struct err err;
    uint64_t taken = 0;
    int rc, code;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", f->dir, "tmpfs", 0, "size=4m") != 0)
        return NOT_PERMITTED;
    if (log_open(&config, &log, &err) != 0)
        return __LINE__ % 250;
    (void)snprintf(ballast, sizeof(ballast), "%s/ballast", f->dir);
    pause_ms(100);
    fill_disk(ballast);
    for (;;) {
        make_payload(payload, sizeof(payload), 0, taken + 1);
        rc = log_append(log, &entry, 1, NULL, &err);
        if (rc != 0)
            break;
        taken++;
    }
    if (rc != ERR_FULL || taken == 0)
        return __LINE__ % 250;
    if (read_all(f, sizeof(payload), &code) != taken || code != 0)
        return __LINE__ % 250;
    (void)unlink(ballast);
    for (int i = 0; i < 200 && rc == ERR_FULL; i++) {
        pause_ms(10);
        rc = log_append(log, &entry, 1, NULL, &err);
    }
    if (rc != 0)
        return __LINE__ % 250;
    log_close(&log);
    return read_all(f, sizeof(payload), &code) == taken + 1 ? 0 : __LINE__ % 250;
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(fill_a_real_disk(*state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_PERMITTED) {
        (void)fprintf(stderr, "# skipped: mounting a small tmpfs is not permitted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TIMED(name) TIMED_TEST_IN(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMED(answers_only_after_the_flush),
        TIMED(answers_all_who_wait_with_one_flush),
        TIMED(without_always_the_flush_comes_within_a_second),
        TIMED(closing_flushes_and_answers),
        TIMED(a_failed_flush_is_told_and_never_taken_back),
        TIMED(a_segment_of_a_failed_flush_is_not_settled),
        TIMED(nor_is_one_that_was_full),
        TIMED(goes_on_when_the_disk_has_room_again),
        TIMED(opens_on_a_full_disk),
        T(a_full_disk_refuses_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
