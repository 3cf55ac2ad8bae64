/*
 * relay/relay_internal.h -- what the parts of the relay share.
 *
 *     relay.c    opening, one step, what is told
 *     look.c     what Redis and the store say
 *     judge.c    what follows from it
 *     follow.c   reading the log
 *     send.c     one pipeline, one MULTI
 *     forget.c   what ended producers leave in Redis
 *
 * A lane is one producer's records in one partition. Whatever happens, a lane is right as long as
 * everything behind `committed` is in the log, and `sent` is never higher than what Redis has taken
 * without a gap since `committed`: the step after any doubt looks again and, where `sent` went
 * down, begins to read the log again.
 */
#ifndef ABACUS_RELAY_RELAY_INTERNAL_H
#define ABACUS_RELAY_RELAY_INTERNAL_H

#include "base/buf.h"
#include "log/log.h"
#include "redis/redis.h"
#include "relay/relay.h"

#include <stdbool.h>

enum {
    RELAY_RECORDS = 2000,  /* of one pipeline */
    RELAY_BYTES = 1 << 20, /* a pipeline that has as many takes no further record */
    RELAY_PASSED = 50000,  /* records that a step passes over at most, so that it ends soon */
    LOOK_BUSY_MS = 200,    /* between looks, while something is in flight */
    LOOK_IDLE_MS = 5000,   /* else: a store may go back in time while nothing comes in */
    REFUSED_MS = 500,      /* after a Redis that took nothing */
    SERVED_MS = 1000,      /* a number wanted again this soon was published before it came */
    STORE_AWAY_MS = 1000,  /* between tries, but at least thrice the time the last one took ... */
    STORE_AWAY_MAX_MS = 30000, /* ... so that a server that does not answer stops nobody */
    FORGET_MS = 60000,         /* between looks for producers of which the log holds nothing more */
};

/* Records are missing between the last one sent and the next one there. */
enum gap {
    GAP_NONE,
    GAP_SEEN,      /* the positions known may be old: ask before anything is said */
    GAP_CONFIRMED, /* they were asked, and the reading begun again, since then */
};

struct lane {
    uint64_t sent;      /* read back, then counted */
    uint64_t committed; /* when the store was last asked */
    uint64_t last;      /* the highest number that is known to have been given */
    uint64_t wanted;    /* as last read; 0: none */
    uint64_t served;    /* the last number wanted that was answered, and when */
    int64_t served_us;
    enum gap gap;
    uint64_t lost_told; /* the last number of the loss that was last logged */
    bool late;          /* its window was full: `relay.late` reads for it */
    bool touched;       /* it is part of the pipeline */
};

struct origin {
    struct producer producer;
    size_t index;   /* in relay->origins */
    bool known;     /* its positions were read */
    bool forgotten; /* the log holds nothing of it, and Redis was told */
    struct lane lanes[PARTITIONS];
};

/* A reader, and the record that it gave but nobody could take yet. */
struct follower {
    struct log_reader *reader;
    bool pending;
    struct log_record record;
};

/* What one MULTI holds. */
struct pipeline {
    size_t commands, records;
    size_t bytes;     /* of payloads */
    struct buf value; /* of the entry that is just added */
    int failed;       /* sending has failed: nothing of it counts */
    struct err failure;
    struct touch {
        struct origin *origin;
        uint16_t partition;
        uint64_t before; /* what `sent` was */
    } touches[RELAY_RECORDS + PARTITIONS];
    size_t touches_count;
};

/* Of Redis, as last told. */
enum peer_state { PEER_UNKNOWN, PEER_TAKES, PEER_AWAY, PEER_UNSAFE, PEER_REFUSES };

struct relay {
    char *data_dir;
    int lockfd;
    const struct logger *logger;
    struct redis *redis;

    struct origin **origins; /* in the order met */
    size_t origins_count, origins_cap;
    struct follower front; /* reads for all lanes but the late ones */
    struct follower late;  /* for those, at the pace of their commits; open while there are any */
    struct pipeline pipeline;

    uint64_t generation; /* of the connection that was looked at; 0: none */
    bool blocked;        /* nothing can be sent before the store was asked */
    bool reread;         /* the reading begins again, from what was sent */
    int64_t look_due_us, store_due_us, send_due_us, forget_due_us;
    int64_t rest_until_us; /* after looking in vain */

    enum peer_state peer;
    bool store_away, tail_told;
};

/* relay.c */
struct str relay_data_dir(const struct relay *relay);
/* NULL where it was not met yet. */
struct origin *relay_find(const struct relay *relay, const struct producer *producer);
/* The same; one that is met for the first time is added, and not known yet. */
struct origin *relay_origin(struct relay *relay, const struct producer *producer);
enum key { KEY_EVENTS, KEY_SENT, KEY_WANTED, KEYS };
struct str relay_key(enum key key, unsigned partition);
struct str relay_producer(const struct producer *producer);
/* Tell, where it is news. */
void relay_say_peer(struct relay *relay, enum peer_state state, const struct err *err);
uint64_t relay_in_flight(const struct relay *relay);

/* look.c: ask Redis and the store, and judge. Where only the store did not answer, what Redis said
 * holds, and the result is the store's. *heard: Redis answered. */
bool look_is_due(const struct relay *relay, int64_t now_us);
int look(struct relay *relay, struct store *store, int64_t now_us, bool *heard, struct err *err);

/* What was read of a partition; numbers by origin, 0 where there is none. */
struct sight {
    uint64_t length; /* of its stream */
    uint64_t *sent, *wanted;
};

/* Why records are sent again. */
enum why { WHY_BEHIND, WHY_WANTED, WHY_GONE, WHYS };

/* Said once for all lanes of a look. */
struct again {
    size_t lanes;
    uint64_t records, from;
    unsigned partition; /* of the first lane, as `from` */
};

struct outcome {
    bool new_connection;
    bool fresh; /* positions were read, after the sights */
    int64_t now_us;
    struct again again[WHYS], back;
};

/* judge.c: put down what is committed; then set all lanes to where they go on, and tell. */
void judge_positions(struct relay *relay, struct arena *arena, const struct position *positions,
                     size_t count, struct outcome *outcome);
void judge(struct relay *relay, const struct sight *sights, struct outcome *outcome);

/* forget.c: now and then. */
int forget_gone(struct relay *relay, int64_t now_us, struct err *err);

/* follow.c: fill the pipeline. *at_end: everything published was met, and nothing is held back. */
int follow(struct relay *relay, bool *at_end, struct err *err);
void follower_close(struct follower *follower);

/* send.c */
void pipeline_begin(struct pipeline *pipeline);
bool pipeline_is_full(const struct pipeline *pipeline);
void pipeline_add(struct relay *relay, struct origin *origin, uint16_t partition, uint64_t number,
                  struct str payload);
/* Numbers behind the last one sent up to `last` are lost for good. */
void pipeline_add_loss(struct relay *relay, struct origin *origin, uint16_t partition,
                       uint64_t last, struct str reason);
/* Send it and wait for the answer. After a failure nothing of it counts as sent. */
int pipeline_send(struct relay *relay, struct err *err);

#endif
