/*
 * http/deadline.c -- one thread that ends what takes too long.
 *
 * Every tick (a twentieth of the deadline, 5 to 250 ms; 5 ms while it reads something away) it
 *   - gives up the exchanges that wait longer than the deadline for their work (503);
 *   - wakes the streams that have waited long enough;
 *   - cuts off connections whose request is not complete in time. libmicrohttpd's own time-out is
 * reset by every byte, so it is not used at all, which also saves its bookkeeping on every read and
 * write;
 *   - cuts off connections whose peer does not read its answer: fewer than SEND_MIN bytes
 * acknowledged in a deadline's time. A long answer to a slow peer may take as long as it likes
 * while it moves;
 *   - reads away what peers still send after an early answer (a body that is too large), until they
 * close or two seconds have passed. Closing a socket with unread bytes resets the connection, and
 * the peer may lose the answer.
 */
#include "base/clock.h"
#include "http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    SEND_MIN = 4096,
    LINGER_US = 2000000,
    LINGER_READ = 1024 * 1024,
    LINGER_READS = 8,
    TICK_MIN_US = 5000,
    TICK_MAX_US = 250000,
    TICK_LINGER_US = 5000, /* while something is to be read away */
};

/* Whether the peer has taken enough of its answer since the last look. */
static bool sends_on(struct conn *conn)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    bool enough = info.tcpi_bytes_acked >= conn->acked + SEND_MIN;

    conn->acked = info.tcpi_bytes_acked;
    return enough;
}

static void cut_overdue(struct http *http, int64_t now_us)
{
    pthread_mutex_lock(&http->registry_lock);
    for (struct conn *conn = http->conns; conn != NULL; conn = conn->next) {
        int64_t due = atomic_load_explicit(&conn->due_us, memory_order_relaxed);

        if (due > now_us)
            continue;
        /* The pool thread may move the deadline at the same time; then its value is the right one.
         */
        if (atomic_load_explicit(&conn->phase, memory_order_relaxed) == PHASE_SEND &&
            sends_on(conn))
            atomic_compare_exchange_strong_explicit(&conn->due_us, &due, now_us + http->deadline_us,
                                                    memory_order_relaxed, memory_order_relaxed);
        else
            (void)shutdown(conn->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&http->registry_lock);
}

/* Whether there may be more to come. */
static bool read_away(int fd)
{
    for (int i = 0; i < LINGER_READS; i++) {
        /* MSG_TRUNC throws the bytes away without copying them (tcp(7)). */
        ssize_t n = recv(fd, NULL, LINGER_READ, MSG_DONTWAIT | MSG_TRUNC);

        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return true;
}

/* Returns how many are left. */
static size_t drain_lingering(struct http *http, int64_t now_us)
{
    pthread_mutex_lock(&http->registry_lock);
    for (size_t i = http->lingering_count; i > 0; i--) {
        struct lingering *linger = &http->lingering[i - 1];

        if (read_away(linger->fd) && linger->until_us > now_us)
            continue;
        (void)close(linger->fd);
        *linger = http->lingering[--http->lingering_count];
    }
    size_t left = http->lingering_count;

    pthread_mutex_unlock(&http->registry_lock);
    return left;
}

void deadline_linger(struct http *http, int fd)
{
    pthread_mutex_lock(&http->registry_lock);
    /* libmicrohttpd takes the socket out of its epoll set before it closes its own descriptor. */
    int twin = http->lingering_count < LINGERING_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (twin >= 0)
        http->lingering[http->lingering_count++] =
            (struct lingering){twin, clock_steady_us() + LINGER_US};
    pthread_mutex_unlock(&http->registry_lock);
    pthread_mutex_lock(&http->deadline_lock);
    http->deadline_wake = true;
    pthread_cond_signal(&http->deadline_cond);
    pthread_mutex_unlock(&http->deadline_lock);
}

/* Sleep for a tick. False: the thread is to end. */
static bool wait_tick(struct http *http, int64_t tick_us)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += tick_us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&http->deadline_lock);
    while (!http->deadline_stop && !http->deadline_wake &&
           pthread_cond_timedwait(&http->deadline_cond, &http->deadline_lock, &until) != ETIMEDOUT)
        continue;
    http->deadline_wake = false;
    bool go_on = !http->deadline_stop;

    pthread_mutex_unlock(&http->deadline_lock);
    return go_on;
}

static void *deadline_run(void *ctx)
{
    (void)prctl(PR_SET_NAME, "deadline");
    struct http *http = ctx;
    int64_t tick_us = http->deadline_us / 20;
    size_t lingering = 0;

    tick_us = tick_us < TICK_MIN_US ? TICK_MIN_US : tick_us;
    tick_us = tick_us > TICK_MAX_US ? TICK_MAX_US : tick_us;
    while (wait_tick(http, lingering > 0 && tick_us > TICK_LINGER_US ? TICK_LINGER_US : tick_us)) {
        int64_t now_us = clock_steady_us();

        (void)exchanges_expire(http, now_us, false);
        exchanges_wake(http, now_us);
        cut_overdue(http, now_us);
        lingering = drain_lingering(http, now_us);
    }
    return NULL;
}

int deadline_start(struct http *http, struct err *err)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&http->deadline_cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&http->deadline_lock, NULL);
    int rc = pthread_create(&http->deadline_thread, NULL, deadline_run, http);

    http->deadline_runs = rc == 0;
    return rc == 0 ? 0 : err_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(rc));
}

void deadline_stop(struct http *http)
{
    if (!http->deadline_runs)
        return;
    pthread_mutex_lock(&http->deadline_lock);
    http->deadline_stop = true;
    pthread_cond_signal(&http->deadline_cond);
    pthread_mutex_unlock(&http->deadline_lock);
    (void)pthread_join(http->deadline_thread, NULL);
    for (size_t i = 0; i < http->lingering_count; i++)
        (void)close(http->lingering[i].fd);
}
