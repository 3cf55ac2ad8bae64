/* test_redis_support.h -- Redis servers of a test's own, and connections to them. */
#ifndef ABACUS_TEST_REDIS_SUPPORT_H
#define ABACUS_TEST_REDIS_SUPPORT_H

#include "base/clock.h"
#include "redis/redis.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

enum { SERVERS = 4, ARGS = 32 };

/* A process that ends with the test's. */
struct server {
    pid_t pid; /* 0: none */
    unsigned port;
};

struct servers {
    char dir[256];
    struct server of[SERVERS];
};

UNUSED static void nap_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* A socket that listens on a free loopback port. */
static int listen_anywhere(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

UNUSED static unsigned free_port(void)
{
    unsigned port;

    (void)close(listen_anywhere(&port));
    return port;
}

/* True in the child, which dies with its parent. */
static bool fork_server(struct server *server)
{
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return server->pid == 0;
}

UNUSED static void server_kill(struct server *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

UNUSED static bool can_run(const char *program)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "%s --version >/dev/null 2>&1", program);
    return system(command) == 0; // NOLINT(cert-env33-c): a name from this file
}

static bool accepts(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

    (void)close(fd);
    return good;
}

/* Run args[0] and wait until something listens on the port. */
UNUSED static void run_server(struct server *server, const char *const args[])
{
    if (fork_server(server)) {
        if (freopen("/dev/null", "w", stdout) != NULL)
            (void)execvp(args[0], (char *const *)(uintptr_t)args);
        _exit(127);
    }
    for (int i = 0; i < 500 && !accepts(server->port); i++)
        nap_ms(10);
    assert_true(accepts(server->port));
}

/* redis-server with these arguments (up to NULL) behind those that keep it private and in memory,
 * on server->port, or a free one where that is 0. */
UNUSED static void start_redis(struct servers *servers, struct server *server,
                               const char *const more[])
{
    char port[16];
    const char *args[ARGS] = {"redis-server",
                              "--bind",
                              "127.0.0.1",
                              "--save",
                              "",
                              "--dir",
                              NULL,
                              "--port",
                              NULL,
                              "--appendonly",
                              "no",
                              "--repl-diskless-sync-delay",
                              "0"};
    size_t count = 13;

    if (!can_run("redis-server"))
        skip();
    if (server->port == 0)
        server->port = free_port();
    (void)snprintf(port, sizeof(port), "%u", server->port);
    args[6] = servers->dir;
    args[8] = port;
    for (; more != NULL && *more != NULL && count < ARGS - 1; more++)
        args[count++] = *more;
    run_server(server, args);
}

/* -- connections -- */

UNUSED static struct redis *open_url(const char *url, unsigned timeout_ms, bool must_keep)
{
    const struct redis_config config = {str_from(url), timeout_ms, must_keep};
    struct redis *redis;
    struct err err = {""};

    if (redis_open(&config, &redis, &err) != 0)
        fail_msg("redis_open: %s", err.text);
    return redis;
}

UNUSED static struct redis *open_server(const struct server *server, unsigned timeout_ms,
                                        bool must_keep)
{
    char url[64];

    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", server->port);
    return open_url(url, timeout_ms, must_keep);
}

/* The answer, which must be no failure. */
#define ASK(redis, reply, ...)                                                                     \
    do {                                                                                           \
        struct err ask_err = {""};                                                                 \
        int ask_rc = redis_call_words((redis), (reply), &ask_err, __VA_ARGS__, NULL);              \
        if (ask_rc != 0)                                                                           \
            fail_msg("%d %s", ask_rc, ask_err.text);                                               \
    } while (0)

/* -- fixture -- */

UNUSED static int setup_servers(void **state)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(servers->dir, sizeof(servers->dir), "%s/abacus-redis-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(servers->dir) == NULL)
        return -1;
    *state = servers;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

UNUSED static int teardown_servers(void **state)
{
    struct servers *servers = *state;

    for (size_t i = 0; i < SERVERS; i++)
        server_kill(&servers->of[i]);
    (void)nftw(servers->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(servers);
    return 0;
}

#endif
