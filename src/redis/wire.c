#include "redis/wire.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <hiredis/read.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    NUMBER_TEXT = 20, /* digits of the largest number */
    HEAD_ROOM = 1 + NUMBER_TEXT + 2,
};

/* -- waiting -- */

/* The events that came, 0 when the time is over, or ERR_UNAVAILABLE. */
static int wait_for(int fd, short events, int64_t deadline_us, struct err *err)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int64_t left_us = deadline_us - clock_steady_us();
        int rc = poll(&poll_fd, 1, left_us <= 0 ? 0 : (int)(left_us / 1000 + 1));

        if (rc > 0)
            return poll_fd.revents;
        if (rc == 0 && left_us <= 0)
            return 0;
        if (rc < 0 && errno != EINTR)
            return err_set(err, ERR_UNAVAILABLE, "waiting failed: %s", strerror(errno));
    }
}

/* The same; the time being over is a failure. */
static int must_wait_for(int fd, short events, int64_t deadline_us, struct err *err)
{
    int rc = wait_for(fd, events, deadline_us, err);

    return rc == 0 ? err_set(err, ERR_UNAVAILABLE, "no answer in time") : rc;
}

/* -- answers, as hiredis calls for their pieces -- */

/* Where the value of this task belongs; NULL, which ends the reading, if there are too many. */
static struct redis_reply *slot_of(const redisReadTask *task, enum redis_type type)
{
    struct wire *wire = task->privdata;
    struct redis_reply *slot;

    if (task->parent == NULL) {
        slot = ARENA_NEW(&wire->answer, struct redis_reply, 1);
    } else {
        const struct redis_reply *parent = task->parent->obj;

        slot = (struct redis_reply *)(uintptr_t)&parent->items[task->idx];
    }
    slot->type = type;
    return slot;
}

// NOLINTNEXTLINE(readability-non-const-parameter): hiredis says what it calls
static void *make_text(const redisReadTask *task, char *text, size_t length)
{
    struct wire *wire = task->privdata;
    enum redis_type type = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                           : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                              : REDIS_TEXT;

    wire->answer_bytes += length;
    wire->too_large = wire->answer_bytes > WIRE_ANSWER_MAX;
    if (wire->too_large)
        return NULL;
    struct redis_reply *slot = slot_of(task, type);

    slot->text = arena_str(&wire->answer, (struct str){text, length});
    return slot;
}

static void *make_array(const redisReadTask *task, int count)
{
    struct wire *wire = task->privdata;

    wire->too_large = count < 0 || (size_t)count > WIRE_ITEMS_MAX - wire->answer_items;
    if (wire->too_large)
        return NULL;
    wire->answer_items += (size_t)count;
    struct redis_reply *slot = slot_of(task, REDIS_ARRAY);

    slot->count = (size_t)count;
    slot->items = ARENA_NEW(&wire->answer, struct redis_reply, slot->count);
    return slot;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *slot = slot_of(task, REDIS_INTEGER);

    slot->integer = value;
    return slot;
}

static void *make_nil(const redisReadTask *task)
{
    return slot_of(task, REDIS_NIL);
}

/* The arena frees. */
static void free_nothing(void *value)
{
    (void)value;
}

/* hiredis takes this as not const and does not change it. */
static const redisReplyObjectFunctions MAKERS = {.createString = make_text,
                                                 .createArray = make_array,
                                                 .createInteger = make_integer,
                                                 .createNil = make_nil,
                                                 .freeObject = free_nothing};

/* -- connecting -- */

static int connect_to(const struct addrinfo *to, int64_t deadline_us, int *out, struct err *err)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1, failure = 0;
    socklen_t length = sizeof(failure);

    if (fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "no socket: %s", strerror(errno));
    /* A peer that vanished from the network is noticed by a connection that idles, too. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));

    int rc = 0;

    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
        failure = errno;
        if (failure == EINPROGRESS) {
            rc = must_wait_for(fd, POLLOUT, deadline_us, err);
            if (rc > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0)
                failure = errno;
        }
        if (rc >= 0 && failure != 0)
            rc = err_set(err, ERR_UNAVAILABLE, "%s", strerror(failure));
    }
    if (rc < 0) {
        (void)close(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

/* One address after the other, each with its share of the time that is left. */
static int connect_first(const struct addrinfo *list, int64_t deadline_us, int *out,
                         struct err *err)
{
    int64_t addresses = 0;
    int rc = ERR_UNAVAILABLE;

    for (const struct addrinfo *to = list; to != NULL; to = to->ai_next)
        addresses++;
    for (const struct addrinfo *to = list; rc < 0 && to != NULL; to = to->ai_next) {
        int64_t now_us = clock_steady_us();

        rc = connect_to(to, now_us + (deadline_us - now_us) / addresses--, out, err);
    }
    return rc;
}

void wire_adopt(struct wire *wire, int fd)
{
    wire->reader = must(redisReaderCreateWithFunctions((void *)(uintptr_t)&MAKERS));
    wire->reader->privdata = wire;
    wire->reader->maxbuf = 0; /* keep the buffer */
    wire->fd = fd;
    wire->open = true;
}

int wire_open(struct wire *wire, const char *host, uint16_t port, int64_t deadline_us,
              struct err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char service[8];
    int fd = -1;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    int rc = getaddrinfo(host, service, &hints, &list);

    if (rc != 0)
        return err_set(err, ERR_UNAVAILABLE, "%s", gai_strerror(rc));
    rc = connect_first(list, deadline_us, &fd, err);
    freeaddrinfo(list);
    if (rc < 0)
        return rc;
    wire_adopt(wire, fd);
    return 0;
}

void wire_close(struct wire *wire)
{
    if (wire->open) {
        (void)close(wire->fd);
        redisReaderFree(wire->reader);
    }
    buf_release(&wire->out);
    arena_free(&wire->answer);
    *wire = (struct wire){0};
}

bool wire_is_quiet(const struct wire *wire)
{
    struct pollfd poll_fd = {.fd = wire->fd, .events = POLLIN};

    return wire->reader->pos == wire->reader->len && poll(&poll_fd, 1, 0) == 0;
}

/* -- commands -- */

/* A letter, a number in decimal and the end of the line. */
static char *put_head(char *at, char letter, size_t n)
{
    char digits[NUMBER_TEXT];
    size_t first = sizeof(digits);

    do
        digits[--first] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    *at++ = letter;
    memcpy(at, digits + first, sizeof(digits) - first);
    at += sizeof(digits) - first;
    memcpy(at, "\r\n", 2);
    return at + 2;
}

void wire_put(struct wire *wire, const struct str *args, size_t count)
{
    size_t room = HEAD_ROOM;

    for (size_t i = 0; i < count; i++)
        room += HEAD_ROOM + args[i].len + 2;
    char *at = put_head(buf_reserve(&wire->out, room), '*', count);

    for (size_t i = 0; i < count; i++) {
        at = put_head(at, '$', args[i].len);
        if (args[i].len > 0)
            memcpy(at, args[i].ptr, args[i].len);
        at += args[i].len;
        memcpy(at, "\r\n", 2);
        at += 2;
    }
    wire->out.len = (size_t)(at - wire->out.ptr);
    wire->outstanding++;
}

/* Give hiredis what has arrived: 1, 0 where nothing has, or negative. */
static int take_in(struct wire *wire, struct err *err)
{
    char bytes[READ_SIZE];
    ssize_t n = recv(wire->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return err_set(err, ERR_UNAVAILABLE, "%s", strerror(errno));
    if (n == 0)
        return err_set(err, ERR_UNAVAILABLE, "the server closed the connection");
    /* A value that is too long is refused before all of it is here. */
    if (wire->reader->len - wire->reader->pos > WIRE_ANSWER_MAX + READ_SIZE)
        return err_set(err, ERR_UNAVAILABLE, "no answer that can be read: too large");
    if (redisReaderFeed(wire->reader, bytes, (size_t)n) != REDIS_OK)
        return err_set(err, ERR_UNAVAILABLE, "%s", wire->reader->errstr);
    return 1;
}

/* Answers are taken in beside it, so that a server which waits for that goes on reading. */
int wire_flush(struct wire *wire, int64_t deadline_us, struct err *err)
{
    while (wire->sent < wire->out.len) {
        ssize_t n =
            send(wire->fd, wire->out.ptr + wire->sent, wire->out.len - wire->sent, MSG_NOSIGNAL);

        if (n >= 0) {
            wire->sent += (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return err_set(err, ERR_UNAVAILABLE, "%s", strerror(errno));
        int rc = must_wait_for(wire->fd, POLLIN | POLLOUT, deadline_us, err);

        if (rc > 0 && (rc & POLLIN) != 0)
            rc = take_in(wire, err);
        if (rc < 0)
            return rc;
    }
    buf_reset(&wire->out);
    wire->sent = 0;
    return 0;
}

int wire_get(struct wire *wire, int64_t deadline_us, const struct redis_reply **out,
             struct err *err)
{
    void *answer = NULL;

    arena_reset(&wire->answer);
    wire->answer_bytes = wire->answer_items = 0;
    for (;;) {
        if (redisReaderGetReply(wire->reader, &answer) != REDIS_OK)
            return err_set(err, ERR_UNAVAILABLE, "no answer that can be read: %s",
                           wire->too_large ? "too large" : wire->reader->errstr);
        if (answer != NULL)
            break;
        int rc = take_in(wire, err);

        if (rc == 0)
            rc = must_wait_for(wire->fd, POLLIN, deadline_us, err);
        /* A server that never stops sending is not waited for, either. */
        else if (rc > 0 && clock_steady_us() > deadline_us)
            rc = err_set(err, ERR_UNAVAILABLE, "no complete answer in time");
        if (rc < 0)
            return rc;
    }
    wire->outstanding--;
    *out = answer;
    return 0;
}
