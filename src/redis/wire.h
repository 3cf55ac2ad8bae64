/*
 * redis/wire.h -- one connection that speaks RESP2: commands out, answers in, each by a deadline.
 *
 * Its own socket, not hiredis's, whose time-outs begin again with each byte, whose writes raise
 * SIGPIPE, and which copies each command and allocates each piece of an answer. What is hiredis's
 * is the reading of answers (redisReader), built straight into an arena as struct redis_reply.
 *
 * After any failure the wire is of no more use: close it.
 */
#ifndef ABACUS_REDIS_WIRE_H
#define ABACUS_REDIS_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "redis/redis.h"

enum {
    WIRE_ANSWER_MAX = 64 * 1024 * 1024, /* bytes of all values of one answer */
    WIRE_ITEMS_MAX = 1024 * 1024,       /* values of one answer */
};

struct redisReader;

/* Zero-initialise. */
struct wire {
    bool open;
    int fd;
    struct redisReader *reader;
    struct buf out; /* what is to be sent, from `sent` on */
    size_t sent;
    size_t outstanding; /* commands not answered yet */
    struct arena answer;
    size_t answer_bytes, answer_items;
    bool too_large;
};

/* Deadlines are of clock_steady_us(). Names are looked up by libc, in its own time. */
int wire_open(struct wire *wire, const char *host, uint16_t port, int64_t deadline_us,
              struct err *err);
/* Speak over this socket, which is the wire's from now on. */
void wire_adopt(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* Nothing to read and not closed by the other side, as it should be while nothing is asked. */
bool wire_is_quiet(const struct wire *wire);

void wire_put(struct wire *wire, const struct str *args, size_t count);
int wire_flush(struct wire *wire, int64_t deadline_us, struct err *err);

/* The answer to the oldest command outstanding, after a flush; *out lives until the next one. */
int wire_get(struct wire *wire, int64_t deadline_us, const struct redis_reply **out,
             struct err *err);

#endif
