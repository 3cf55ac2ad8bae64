/*
 * timed.h -- tests that hold by the clock: deadlines of 300 ms, answers within 200.
 *
 * Such a test runs in a process of its own. One that fails while the machine stood still (nobody
 * woke us when we had asked for it) has not found anything: it runs again. One that fails while we
 * were woken in time has failed.
 */
#ifndef ABACUS_TEST_TIMED_H
#define ABACUS_TEST_TIMED_H

#include "base/clock.h"

#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TIMED_TRIES = 5,
    TIMED_LOOK_US = 5 * 1000,
    TIMED_STILL_US = 30 * 1000, /* less is what a busy machine always does */
};

struct timed {
    const char *name;
    CMUnitTestFunction test;
    CMFixtureFunction set_up, tear_down;
};

/* How the process of a test ends. */
enum { TIMED_PASSED, TIMED_FAILED, TIMED_SKIPPED };

static const struct timed *timed_now;
static bool timed_returned;

/* Who skips or fails does not come back. */
static inline void timed_body(void **state)
{
    timed_now->test(state);
    timed_returned = true;
}

/* Never returns; what it says is heard only if `loud`. */
static inline void timed_run(const struct timed *timed, bool loud)
{
    const struct CMUnitTest tests[] = {
        {timed->name, timed_body, timed->set_up, timed->tear_down, NULL}};
    int nowhere = loud ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere >= 0) {
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
    }
    timed_now = timed;
    if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
        exit(TIMED_FAILED);
    exit(timed_returned ? TIMED_PASSED : TIMED_SKIPPED);
}

/* How it ends; and for how long at most we were kept from looking. */
static inline int timed_end(const struct timed *timed, bool loud, int64_t *longest_us)
{
    const struct timespec pause = {.tv_nsec = TIMED_LOOK_US * 1000};
    int status = 0;

    (void)fflush(NULL);
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        timed_run(timed, loud);
    *longest_us = 0;
    for (int64_t seen_us = clock_steady_us(); waitpid(pid, &status, WNOHANG) == 0;) {
        (void)nanosleep(&pause, NULL);
        int64_t now_us = clock_steady_us();

        if (now_us - seen_us > *longest_us)
            *longest_us = now_us - seen_us;
        seen_us = now_us;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : TIMED_FAILED;
}

static inline void timed_test(void **state)
{
    const struct timed *timed = *state;
    int64_t longest_us = 0, ignored_us;

    for (int i = 0; i < TIMED_TRIES; i++) {
        int end = timed_end(timed, false, &longest_us);

        if (end == TIMED_PASSED)
            return;
        if (end == TIMED_SKIPPED)
            skip();
        if (longest_us < TIMED_STILL_US)
            break;
    }
    /* Whatever comes of it: for what it says. */
    (void)timed_end(timed, true, &ignored_us);
    fail_msg("%s (and the machine stood still for %lld ms at most)", timed->name,
             (long long)longest_us / 1000);
}

/* As cmocka_unit_test() and cmocka_unit_test_setup_teardown(). */
#define TIMED_TEST(test) TIMED_TEST_IN(test, NULL, NULL)
#define TIMED_TEST_IN(test, set_up, tear_down) TIMED_TEST_AS(#test, test, set_up, tear_down)
#define TIMED_TEST_AS(name, test, set_up, tear_down)                                               \
    {                                                                                              \
        name, timed_test, NULL, NULL, &(struct timed)                                              \
        {                                                                                          \
            name, test, set_up, tear_down                                                          \
        }                                                                                          \
    }

/* As ON_POSTGRES(). */
#define TIMED_ON_POSTGRES(test)                                                                    \
    TIMED_TEST_AS("postgres: " #test, test, set_up_postgres, tear_down_postgres)

#endif
