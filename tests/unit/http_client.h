/* http_client.h -- a raw HTTP client for the tests of http/: what is sent is sent as it stands. */
#ifndef ABACUS_TEST_HTTP_CLIENT_H
#define ABACUS_TEST_HTTP_CLIENT_H

#include "base/clock.h"
#include "http/http.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline void sleep_for_ms(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&ts, NULL);
}

static inline int64_t now_ms(void)
{
    return clock_steady_us() / 1000;
}

/* Connect, or -1; reads give up after a minute, so that a server that hangs fails the test. */
static inline int dial_address(struct str address)
{
    size_t colon = str_find(address, 0, ':');
    int64_t port = 0;
    struct timeval patience = {.tv_sec = 60};
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_true(str_to_i64(str_slice(address, colon + 1, address.len), &port));
    sa.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static inline int dial(const struct http *http)
{
    return dial_address(http_address(http));
}

static inline bool send_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool send_text(int fd, const char *text)
{
    return send_bytes(fd, text, strlen(text));
}

struct answer {
    int status;    /* 0: the connection ended before a whole head had come */
    bool complete; /* and its body */
    struct buf head, body;
    char value[512]; /* of header_of() */
};

static inline void answer_free(struct answer *a)
{
    buf_release(&a->head);
    buf_release(&a->body);
    *a = (struct answer){0};
}

/* Read up to and with `end`, byte by byte: what follows stays in the socket. */
static inline bool read_until(int fd, struct buf *to, const char *end)
{
    size_t len = strlen(end);
    char c;

    while (to->len < len || memcmp(to->ptr + to->len - len, end, len) != 0) {
        if (recv(fd, &c, 1, 0) != 1)
            return false;
        buf_addc(to, c);
    }
    return true;
}

static inline bool read_exactly(int fd, struct buf *to, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, buf_reserve(to, len), len, 0);

        if (n <= 0)
            return false;
        to->len += (size_t)n;
        len -= (size_t)n;
    }
    return true;
}

/* The value of a header of the answer, or NULL; the text lives until the next call. */
static inline const char *header_of(struct answer *a, const char *name)
{
    struct str rest = buf_str(&a->head), line;

    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_find(line, 0, ':');

        if (!str_ieq(str_slice(line, 0, colon), str_from(name)))
            continue;
        struct str v = str_slice(line, colon + 1, line.len);

        if (str_ends(v, STR("\r")))
            v.len--;
        v = str_trim(v);
        (void)snprintf(a->value, sizeof(a->value), "%.*s", STR_FMT(v));
        return a->value;
    }
    return NULL;
}

static inline bool read_chunks(int fd, struct buf *body)
{
    for (;;) {
        struct buf line = {0}, skip = {0};

        if (!read_until(fd, &line, "\r\n")) {
            buf_release(&line);
            return false;
        }
        buf_addc(&line, '\0');
        size_t size = strtoul(line.ptr, NULL, 16);

        buf_release(&line);
        bool good = read_exactly(fd, body, size) && read_until(fd, &skip, "\r\n");

        buf_release(&skip);
        if (!good || size == 0)
            return good;
    }
}

/* Read one answer; `bodyless` for HEAD. */
static inline struct answer read_answer_to(int fd, bool bodyless)
{
    struct answer a = {0};

    if (!read_until(fd, &a.head, "\r\n\r\n"))
        return a;
    a.status = atoi(a.head.ptr + strlen("HTTP/1.1 "));
    if (bodyless || a.status == 204 || a.status == 304)
        a.complete = true;
    else if (header_of(&a, "Transfer-Encoding") != NULL)
        a.complete = read_chunks(fd, &a.body);
    else if (header_of(&a, "Content-Length") != NULL)
        a.complete = read_exactly(fd, &a.body, strtoul(header_of(&a, "Content-Length"), NULL, 10));
    return a;
}

static inline struct answer read_answer(int fd)
{
    return read_answer_to(fd, false);
}

/* One request, one answer, on a connection of its own. */
static inline struct answer ask_bytes(const struct http *http, const char *bytes, size_t len)
{
    int fd = dial(http);

    (void)send_bytes(fd, bytes, len);
    struct answer a = read_answer_to(fd, len > 4 && memcmp(bytes, "HEAD", 4) == 0);

    (void)close(fd);
    return a;
}

static inline struct answer ask(const struct http *http, const char *text)
{
    return ask_bytes(http, text, strlen(text));
}

/* The status of the answer alone. */
static inline int status_of(const struct http *http, const char *text)
{
    struct answer a = ask(http, text);
    int status = a.status;

    answer_free(&a);
    return status;
}

static inline bool body_is(const struct answer *a, const char *text)
{
    return str_eq(buf_str(&a->body), str_from(text));
}

static inline bool body_has(const struct answer *a, const char *text)
{
    return a->body.len > 0 && memmem(a->body.ptr, a->body.len, text, strlen(text)) != NULL;
}

/* Wait until the peer ends the connection, throwing away what comes; false after `ms`. */
static inline bool ends_within(int fd, int64_t ms)
{
    int64_t until = now_ms() + ms;
    char scrap[65536];

    while (now_ms() < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, 5) > 0 && recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0)
            return true;
    }
    return false;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"

#endif
