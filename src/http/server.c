/*
 * http/server.c -- starting, listening, stopping.
 *
 * The library is asked for as little as possible: epoll, one thread per core, suspend and resume.
 * Limits, deadlines and refusals are ours. The library clears all of a connection's memory between
 * two requests: CONNECTION_MEMORY of 16 KiB instead of its default of 32 KiB saves a tenth of the
 * CPU of a short keep-alive POST (3.0 beside 3.5 microseconds, measured side by side), bounds the
 * head of a request to about 15 KiB, and makes an idle connection cost 17 KiB in all.
 *
 * MHD_quiesce_daemon() is not used to stop listening: with a thread pool it takes the socket out of
 * a thread's epoll set although that thread may be doing the same, and ends the process when it
 * loses the race. Instead a socket that leads nowhere takes the place of the listening one (dup2),
 * which closes that and removes it from all epoll sets at once.
 */
#include "base/clock.h"
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    FILES_BESIDE = 256, /* descriptors for all but connections */
    LIBRARY_SLACK = 64, /* connections that wait to be cut because there are too many */
    STOP_STEP_MS = 2,
    STOP_ANSWER_MS = 500,   /* for the last 503s to leave */
    STOP_JOIN_MIN_MS = 100, /* for a query thread that is about to come back */
};

/* -- configuration -- */

static unsigned or_default(unsigned value, unsigned preset)
{
    return value == 0 ? preset : value;
}

static void fill_defaults(struct http *http, const struct http_config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct http_config *c = &http->config;

    *c = *config;
    c->threads = or_default(c->threads, cores > 0 ? (unsigned)cores : 1);
    c->query_threads = or_default(c->query_threads, 2);
    c->query_queue = or_default(c->query_queue, 256);
    c->connections = or_default(c->connections, 4096);
    c->connections_per_address = or_default(c->connections_per_address, 256);
    c->deadline_ms = c->deadline_ms == 0 ? 10000 : c->deadline_ms;
    http->deadline_us = c->deadline_ms * 1000;
}

/* Allow as many open files as connections need; fewer connections where the system allows fewer. */
static int fit_to_file_limit(struct http *http, struct err *err)
{
    rlim_t needed = (rlim_t)http->config.connections + FILES_BESIDE;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set(err, ERR_SYSTEM, "cannot read the limit of open files: %s", strerror(errno));
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
        limit.rlim_cur =
            limit.rlim_max == RLIM_INFINITY || limit.rlim_max > needed ? needed : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur <= FILES_BESIDE)
        return err_set(err, ERR_SYSTEM, "the limit of open files is too low (%d at least)",
                       FILES_BESIDE + 1);
    if (limit.rlim_cur < needed)
        http->config.connections = (unsigned)(limit.rlim_cur - FILES_BESIDE);
    return 0;
}

/* -- listening -- */

/* "127.0.0.1:8080", "[::1]:0", ":8080" into host and port. */
static bool split_address(struct str listen, char host[256], char port[8])
{
    size_t colon = listen.len;

    while (colon > 0 && listen.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct str h = str_slice(listen, 0, colon - 1), p = str_slice(listen, colon, listen.len);
    int64_t number;

    if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']')
        h = str_slice(h, 1, h.len - 1);
    else if (str_find(h, 0, ':') < h.len)
        return false;
    if (h.len > 255 || !str_to_i64(p, &number) || number < 0 || number > 65535)
        return false;
    (void)snprintf(host, 256, "%.*s", STR_FMT(h));
    (void)snprintf(port, 8, "%d", (int)number);
    return true;
}

static int open_listener(const struct addrinfo *ai)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    /* Inherited by what it accepts. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;

    (void)close(fd);
    errno = saved;
    return -1;
}

static int name_address(struct http *http, struct err *err)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof(sa);
    char host[INET6_ADDRSTRLEN], port[8];

    if (getsockname(http->listen_fd, (struct sockaddr *)&sa, &len) != 0 ||
        getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return err_set(err, ERR_SYSTEM, "cannot tell the address listened on");
    (void)snprintf(http->address, sizeof(http->address),
                   sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

static int start_listening(struct http *http, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    struct str at = http->config.listen;
    char host[256], port[8];

    if (!split_address(at, host, port))
        return err_set(err, ERR_INVALID, "%.*s is no address and port to listen on", STR_FMT(at));
    int rc = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &list);

    if (rc != 0)
        return err_set(err, ERR_INVALID, "cannot listen on %.*s: %s", STR_FMT(at),
                       gai_strerror(rc));
    http->listen_fd = open_listener(list);
    freeaddrinfo(list);
    if (http->listen_fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot listen on %.*s: %s", STR_FMT(at), strerror(errno));
    return name_address(http, err);
}

/* -- starting -- */

/* Paths and queries stay as they came. */
static size_t leave_escaped(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx, (void)mhd;
    return strlen(text);
}

static int start_daemon(struct http *http, struct err *err)
{
    unsigned threads = http->config.threads;
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, http->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        /* The library gives each thread its share; ours holds for all of them together. */
        {MHD_OPTION_CONNECTION_LIMIT,
         (intptr_t)(http->config.connections + LIBRARY_SLACK) * threads, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)conn_notify, http},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)serve_completed, http},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)serve_target, http},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                         serve_request, http, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    return http->daemon != NULL ? 0 : err_set(err, ERR_SYSTEM, "the HTTP library does not start");
}

static int start_all(struct http *http, struct err *err)
{
    const struct http_config *c = &http->config;
    int rc = router_init(&http->router, c->routes, c->routes_count, c->groups, err);

    if (rc == 0)
        rc = fit_to_file_limit(http, err);
    if (rc == 0)
        rc = start_listening(http, err);
    if (rc == 0) {
        http->shards = ARENA_NEW(&http->router.arena, struct shard, c->threads);
        rc = query_pool_start(&http->pool, http, err);
    }
    if (rc == 0)
        rc = deadline_start(http, err);
    return rc == 0 ? start_daemon(http, err) : rc;
}

static void free_shard(struct shard *shard)
{
    for (struct exchange *ex = shard->spare, *next; ex != NULL; ex = next) {
        next = ex->next;
        exchange_free(ex);
    }
    for (size_t i = 0; i < shard->cached_count; i++)
        MHD_destroy_response(shard->cached[i].response);
}

static void http_free(struct http *http)
{
    for (unsigned i = 0; i < http->shards_count; i++)
        free_shard(&http->shards[i]);
    if (http->daemon == NULL && http->listen_fd >= 0)
        (void)close(http->listen_fd);
    router_release(&http->router);
    (void)pthread_mutex_destroy(&http->pending_lock);
    (void)pthread_mutex_destroy(&http->registry_lock);
    free(http);
}

int http_start(const struct http_config *config, struct http **out, struct err *err)
{
    struct http *http = calloc(1, sizeof(*http));
    sigset_t all, before;

    if (http == NULL)
        return err_set(err, ERR_SYSTEM, "out of memory");
    http->listen_fd = -1;
    (void)pthread_mutex_init(&http->pending_lock, NULL);
    (void)pthread_mutex_init(&http->registry_lock, NULL);
    fill_defaults(http, config);
    /* Signals are for the caller's threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = start_all(http, err);

    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0) {
        *out = http;
        return 0;
    }
    deadline_stop(http);
    /* Threads that have just opened their worker have nothing to do. */
    if (query_pool_stop(&http->pool, config->deadline_ms + STOP_ANSWER_MS))
        http_free(http);
    return rc;
}

struct str http_address(const struct http *http)
{
    return str_from(http->address);
}

/* -- stopping -- */

static void sleep_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&ts, NULL);
}

static void stop_listening(struct http *http)
{
    int nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (nowhere < 0)
        return; /* then the library goes on listening until it is stopped */
    (void)dup3(nowhere, http->listen_fd, O_CLOEXEC);
    (void)close(nowhere);
}

/* End the connections that wait for a request, and streams; returns how many others there are. */
static size_t close_idle(struct http *http)
{
    size_t busy = 0;

    pthread_mutex_lock(&http->registry_lock);
    for (struct conn *conn = http->conns; conn != NULL; conn = conn->next) {
        if (atomic_load_explicit(&conn->phase, memory_order_relaxed) == PHASE_IDLE ||
            atomic_load_explicit(&conn->streaming, memory_order_relaxed))
            (void)shutdown(conn->fd, SHUT_RDWR);
        else
            busy++;
    }
    pthread_mutex_unlock(&http->registry_lock);
    return busy;
}

/* Until nobody is busy, or `until_us`. */
static void drain(struct http *http, int64_t until_us)
{
    while (close_idle(http) > 0 && clock_steady_us() < until_us)
        sleep_ms(STOP_STEP_MS);
}

/* Whatever is suspended is answered 503, now and from now on. Afterwards nothing is suspended. */
static void expire_all(struct http *http)
{
    pthread_mutex_lock(&http->pending_lock);
    http->closing = true;
    pthread_mutex_unlock(&http->pending_lock);
    while (exchanges_expire(http, INT64_MAX, true) > 0)
        sleep_ms(1);
}

bool http_stop(struct http **out, int64_t grace_ms)
{
    struct http *http = *out;

    if (http == NULL)
        return true;
    int64_t until_us = clock_steady_us() + grace_ms * 1000;

    *out = NULL;
    atomic_store(&http->stopping, true);
    stop_listening(http);
    (void)exchanges_expire(http, 0, true);
    drain(http, until_us);
    expire_all(http);
    drain(http, clock_steady_us() + STOP_ANSWER_MS * 1000);
    MHD_stop_daemon(http->daemon);
    int64_t left_ms = (until_us - clock_steady_us()) / 1000;
    bool all =
        query_pool_stop(&http->pool, left_ms > STOP_JOIN_MIN_MS ? left_ms : STOP_JOIN_MIN_MS);

    deadline_stop(http);
    if (all)
        http_free(http);
    return all;
}
