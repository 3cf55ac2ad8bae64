/*
 * relay/relay.c -- opening, one step, and what is told. How the parts go together stands in
 * relay_internal.h.
 */
#include "relay/relay.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/must.h"
#include "relay/relay_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One for each partition: made here, not for each entry. */
#define KEYS_OF(name)                                                                              \
    {                                                                                              \
        STR_INIT("analytics:" name ":0"), STR_INIT("analytics:" name ":1"),                        \
            STR_INIT("analytics:" name ":2"), STR_INIT("analytics:" name ":3"),                    \
            STR_INIT("analytics:" name ":4"), STR_INIT("analytics:" name ":5"),                    \
            STR_INIT("analytics:" name ":6"), STR_INIT("analytics:" name ":7"),                    \
            STR_INIT("analytics:" name ":8"), STR_INIT("analytics:" name ":9"),                    \
            STR_INIT("analytics:" name ":10"), STR_INIT("analytics:" name ":11"),                  \
            STR_INIT("analytics:" name ":12"), STR_INIT("analytics:" name ":13"),                  \
            STR_INIT("analytics:" name ":14"), STR_INIT("analytics:" name ":15")                   \
    }
_Static_assert(PARTITIONS == 16, "KEYS_OF makes a key for each partition");

static const struct str KEYS_TEXT[KEYS][PARTITIONS] = {
    [KEY_EVENTS] = KEYS_OF("events"),
    [KEY_SENT] = KEYS_OF("sent"),
    [KEY_WANTED] = KEYS_OF("wanted"),
};

struct str relay_key(enum key key, unsigned partition)
{
    return KEYS_TEXT[key][partition % PARTITIONS];
}

struct str relay_producer(const struct producer *producer)
{
    return (struct str){(const char *)producer->id, sizeof(producer->id)};
}

struct str relay_data_dir(const struct relay *relay)
{
    return str_from(relay->data_dir);
}

/* -- opening -- */

/* The lock ends with the process that holds it, however that ends. The file stays. */
static int take_lock(struct relay *relay, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct buf path = {0};

    buf_addf(&path, "%s/relay.lock", relay->data_dir);
    buf_addc(&path, '\0');
    relay->lockfd = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    int rc = relay->lockfd < 0
                 ? err_set(err, ERR_SYSTEM, "opening %s: %s", path.ptr, strerror(errno))
                 : 0;

    buf_release(&path);
    if (rc != 0 || fcntl(relay->lockfd, F_OFD_SETLK, &lock) == 0)
        return rc;
    if (errno == EAGAIN || errno == EACCES)
        return err_set(err, ERR_CONFLICT, "another relay sends the event log in %s",
                       relay->data_dir);
    return err_set(err, ERR_SYSTEM, "locking relay.lock in %s: %s", relay->data_dir,
                   strerror(errno));
}

int relay_open(const struct relay_config *config, struct relay **out, struct err *err)
{
    struct relay *relay = must(calloc(1, sizeof(*relay)));
    const struct redis_config redis = {.url = config->redis_url, .must_keep = true};

    *out = NULL;
    relay->lockfd = -1;
    relay->logger = config->logger;
    relay->data_dir = must(strndup(config->data_dir.ptr, config->data_dir.len));

    int rc = redis_open(&redis, &relay->redis, err);

    if (rc == 0)
        rc = take_lock(relay, err);
    if (rc != 0)
        relay_close(&relay);
    *out = relay;
    return rc;
}

void relay_close(struct relay **relay)
{
    struct relay *r = *relay;

    if (r == NULL)
        return;
    *relay = NULL;
    follower_close(&r->front);
    follower_close(&r->late);
    redis_close(&r->redis);
    buf_release(&r->pipeline.value);
    for (size_t i = 0; i < r->origins_count; i++)
        free(r->origins[i]);
    free(r->origins);
    if (r->lockfd >= 0)
        (void)close(r->lockfd);
    free(r->data_dir);
    free(r);
}

/* The newest is asked for most. */
struct origin *relay_find(const struct relay *relay, const struct producer *producer)
{
    for (size_t i = relay->origins_count; i-- > 0;)
        if (memcmp(&relay->origins[i]->producer, producer, sizeof(*producer)) == 0)
            return relay->origins[i];
    return NULL;
}

struct origin *relay_origin(struct relay *relay, const struct producer *producer)
{
    struct origin *origin = relay_find(relay, producer);

    if (origin != NULL)
        return origin;
    if (relay->origins_count == relay->origins_cap) {
        relay->origins_cap = relay->origins_cap == 0 ? 16 : relay->origins_cap * 2;
        relay->origins =
            must(reallocarray(relay->origins, relay->origins_cap, sizeof(struct origin *)));
    }
    origin = must(calloc(1, sizeof(*origin)));
    origin->producer = *producer;
    origin->index = relay->origins_count;
    relay->origins[relay->origins_count++] = origin;
    return origin;
}

/* -- what is told -- */

void relay_say_peer(struct relay *relay, enum peer_state state, const struct err *err)
{
    static const struct {
        enum log_level level;
        const char *text;
    } lines[] = {
        [PEER_TAKES] = {LOG_INFO, "the relay sends to Redis"},
        [PEER_AWAY] = {LOG_WARN, "the relay cannot use Redis; events wait in the log"},
        [PEER_UNSAFE] = {LOG_ERROR, "the relay will not send to this Redis"},
        [PEER_REFUSES] = {LOG_WARN, "Redis takes no records; they wait in the log"},
    };
    char quoted[512] = "";

    bool expected = relay->peer == PEER_UNKNOWN && state == PEER_TAKES;

    if (relay->peer == state)
        return;
    relay->peer = state;
    if (relay->logger == NULL || expected)
        return;
    if (err != NULL)
        logger_line(relay->logger, lines[state].level, lines[state].text, "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    else
        logger_line(relay->logger, lines[state].level, lines[state].text, NULL);
}

uint64_t relay_in_flight(const struct relay *relay)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < relay->origins_count; i++)
        for (size_t p = 0; p < PARTITIONS; p++)
            sum += relay->origins[i]->lanes[p].sent - relay->origins[i]->lanes[p].committed;
    return sum;
}

static uint64_t committed(const struct relay *relay)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < relay->origins_count; i++)
        for (size_t p = 0; p < PARTITIONS; p++)
            sum += relay->origins[i]->lanes[p].committed;
    return sum;
}

/* -- a step -- */

/* A connection, and what is known of the server behind it. *heard: what is known holds. */
static int reach(struct relay *relay, struct store *store, int64_t now_us, bool *heard,
                 struct err *err)
{
    int rc = redis_ready(relay->redis, err);

    if (rc == 0 && !look_is_due(relay, now_us)) {
        *heard = true;
        return 0;
    }
    if (rc == 0 && now_us < relay->rest_until_us)
        return err_set(err, ERR_UNAVAILABLE, "Redis is left alone for a moment");
    if (rc == 0)
        rc = look(relay, store, now_us, heard, err);
    if (rc == 0) {
        rc = forget_gone(relay, now_us, err);
        *heard = rc == 0; /* else what comes next may go over a connection not looked at */
    }
    if (!*heard)
        relay_say_peer(relay, rc == ERR_INVALID ? PEER_UNSAFE : PEER_AWAY, err);
    else if (relay->peer != PEER_REFUSES)
        relay_say_peer(relay, PEER_TAKES, NULL);
    return rc;
}

/* What was put into the pipeline before a failure is sent all the same. */
static int send_some(struct relay *relay, struct relay_progress *out, struct err *err)
{
    bool at_end = false;
    int rc = follow(relay, &at_end, err);
    int sending = 0;

    if (relay->pipeline.records > 0) {
        sending = pipeline_send(relay, err);
        if (sending == 0)
            out->sent = relay->pipeline.records;
    }
    out->up_to_date = at_end && sending == 0;
    return sending != 0 ? sending : rc;
}

int relay_step(struct relay *relay, struct store *store, struct relay_progress *out,
               struct err *err)
{
    int64_t now_us = clock_steady_us();
    bool heard = false;

    *out = (struct relay_progress){0};
    int rc = reach(relay, store, now_us, &heard, err);

    if (heard && !relay->blocked && now_us >= relay->send_due_us) {
        struct err failure = {""};
        int sending = send_some(relay, out, &failure);

        if (sending != 0) {
            rc = sending;
            if (err != NULL)
                *err = failure;
        }
    }
    int64_t look_by_us = now_us + LOOK_BUSY_MS * INT64_C(1000);

    if (out->sent > 0 && relay->look_due_us > look_by_us)
        relay->look_due_us = look_by_us;
    out->in_flight = relay_in_flight(relay);
    out->committed = committed(relay);
    return rc;
}

/* -- is it all there -- */

static uint64_t committed_of(const struct position *end, const struct position *positions,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (positions[i].partition == end->partition &&
            memcmp(&positions[i].producer, &end->producer, sizeof(end->producer)) == 0)
            return positions[i].number;
    return 0;
}

int relay_is_committed(struct store *store, const struct position *ends, size_t count, bool *out,
                       uint64_t *left, struct err *err)
{
    struct arena arena = {0};
    struct producer *producers = ARENA_NEW(&arena, struct producer, count);
    struct position_filter filter = {.partitions = PARTITIONS_ALL, .producers = producers};
    struct position *positions = NULL;
    size_t positions_count = 0;
    uint64_t behind = 0;

    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(&ends[i].producer, &ends[i - 1].producer, sizeof(*producers)) != 0)
            producers[filter.producers_count++] = ends[i].producer;

    int rc = store_positions(store, &filter, &arena, &positions, &positions_count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t done = committed_of(&ends[i], positions, positions_count);

        behind += ends[i].number > done ? ends[i].number - done : 0;
    }
    *out = rc == 0 && behind == 0;
    if (rc == 0)
        *left = behind;
    arena_free(&arena);
    return rc;
}
