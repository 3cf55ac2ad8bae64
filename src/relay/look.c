/*
 * relay/look.c -- asking: the log (who wrote it, how far), then Redis (what is there, sent and
 * wanted), then the store (what is committed), in this order: judge.c depends on it.
 */
#include "relay/relay_internal.h"

#include "base/clock.h"

#include <string.h>

/* -- Redis -- */

static int ask_hash(struct relay *relay, struct arena *arena, enum key key, unsigned p,
                    struct err *err)
{
    struct str *words = ARENA_NEW(arena, struct str, relay->origins_count + 2);

    words[0] = STR("HMGET");
    words[1] = relay_key(key, p);
    for (size_t i = 0; i < relay->origins_count; i++)
        words[i + 2] = relay_producer(&relay->origins[i]->producer);
    return redis_send(relay->redis, words, relay->origins_count + 2, err);
}

static int ask(struct relay *relay, struct arena *arena, struct err *err)
{
    int rc = 0;

    for (unsigned p = 0; rc == 0 && p < PARTITIONS; p++) {
        const struct str words[] = {STR("XLEN"), relay_key(KEY_EVENTS, p)};

        rc = redis_send(relay->redis, words, 2, err);
        if (rc == 0)
            rc = ask_hash(relay, arena, KEY_SENT, p, err);
        if (rc == 0)
            rc = ask_hash(relay, arena, KEY_WANTED, p, err);
    }
    return rc;
}

/* The next answer; one that is not what it should be makes *wrong say so, and all are received. */
static int receive(struct relay *relay, enum redis_type type, const struct redis_reply **out,
                   struct err *wrong, struct err *err)
{
    int rc = redis_receive(relay->redis, out, err);

    if (rc == 0 && (*out)->type != type) {
        if (wrong->text[0] == '\0')
            (void)err_set(wrong, ERR_SYSTEM, "Redis answers what no relay expects: %.*s",
                          (*out)->text.len > 160 ? 160 : (int)(*out)->text.len,
                          (*out)->text.len == 0 ? "" : (*out)->text.ptr);
        *out = NULL;
    }
    return rc;
}

static uint64_t to_number(const struct redis_reply *reply)
{
    int64_t n;

    return reply->type == REDIS_TEXT && str_to_i64(reply->text, &n) && n > 0 ? (uint64_t)n : 0;
}

static int receive_hash(struct relay *relay, uint64_t *out, struct err *wrong, struct err *err)
{
    const struct redis_reply *reply = NULL;
    int rc = receive(relay, REDIS_ARRAY, &reply, wrong, err);

    for (size_t i = 0; rc == 0 && reply != NULL && i < reply->count && i < relay->origins_count;
         i++)
        out[i] = to_number(&reply->items[i]);
    return rc;
}

static int look_at_redis(struct relay *relay, struct arena *arena, struct sight *sights,
                         struct err *err)
{
    const struct redis_reply *reply = NULL;
    struct err wrong = {""};
    int rc = ask(relay, arena, err);

    for (size_t p = 0; rc == 0 && p < PARTITIONS; p++) {
        sights[p].sent = ARENA_NEW(arena, uint64_t, relay->origins_count);
        sights[p].wanted = ARENA_NEW(arena, uint64_t, relay->origins_count);
        rc = receive(relay, REDIS_INTEGER, &reply, &wrong, err);
        if (rc == 0 && reply != NULL)
            sights[p].length = (uint64_t)reply->integer;
        if (rc == 0)
            rc = receive_hash(relay, sights[p].sent, &wrong, err);
        if (rc == 0)
            rc = receive_hash(relay, sights[p].wanted, &wrong, err);
    }
    if (rc == 0 && wrong.text[0] != '\0')
        return err_set(err, ERR_SYSTEM, "%s", wrong.text);
    return rc;
}

/* -- the store -- */

static struct producer *all_producers(const struct relay *relay, struct arena *arena)
{
    struct producer *all = ARENA_NEW(arena, struct producer, relay->origins_count);

    for (size_t i = 0; i < relay->origins_count; i++)
        all[i] = relay->origins[i]->producer;
    return all;
}

/* After a failure, the store is left alone for a while that grows with the time that it took. */
static void put_off(struct relay *relay, int64_t began_us)
{
    int64_t now_us = clock_steady_us();
    int64_t pause_us = 3 * (now_us - began_us);

    if (pause_us < STORE_AWAY_MS * INT64_C(1000))
        pause_us = STORE_AWAY_MS * INT64_C(1000);
    if (pause_us > STORE_AWAY_MAX_MS * INT64_C(1000))
        pause_us = STORE_AWAY_MAX_MS * INT64_C(1000);
    relay->store_due_us = now_us + pause_us;
}

static void say_store(struct relay *relay, bool away, const struct err *err)
{
    char quoted[512];

    if (relay->store_away == away)
        return;
    relay->store_away = away;
    if (relay->logger != NULL && away)
        logger_line(relay->logger, LOG_WARN, "the relay cannot ask what is committed", "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    else if (relay->logger != NULL)
        logger_line(relay->logger, LOG_INFO, "the relay knows what is committed again", NULL);
}

static int look_at_store(struct relay *relay, struct store *store, struct arena *arena,
                         struct outcome *outcome, struct err *err)
{
    int64_t began_us = clock_steady_us();
    struct position_filter filter = {.partitions = PARTITIONS_ALL,
                                     .producers = all_producers(relay, arena),
                                     .producers_count = relay->origins_count};
    struct position *positions = NULL;
    size_t count = 0;
    int rc = store_positions(store, &filter, arena, &positions, &count, err);

    if (rc < 0)
        put_off(relay, began_us);
    else
        judge_positions(relay, arena, positions, count, outcome);
    say_store(relay, rc < 0, err);
    return rc;
}

/* -- the log -- */

/* Who wrote this log, and how far. */
static int look_at_log(struct relay *relay, struct arena *arena, struct err *err)
{
    struct position *ends = NULL;
    size_t count = 0;
    int rc = log_ends(relay_data_dir(relay), arena, &ends, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct lane *lane = &relay_origin(relay, &ends[i].producer)->lanes[ends[i].partition];

        if (ends[i].number > lane->last)
            lane->last = ends[i].number;
    }
    return rc;
}

/* -- all of it -- */

bool look_is_due(const struct relay *relay, int64_t now_us)
{
    return relay->generation != redis_generation(relay->redis) || now_us >= relay->look_due_us ||
           (relay->blocked && now_us >= relay->store_due_us);
}

/* *heard: what Redis said holds from now on. Of a log in which nothing is there is nothing to ask.
 */
static int look_in(struct relay *relay, struct store *store, struct arena *arena,
                   struct outcome *outcome, bool *heard, struct err *err)
{
    uint64_t generation = redis_generation(relay->redis);
    struct sight sights[PARTITIONS] = {{0}};
    int rc = 0;

    outcome->new_connection = relay->generation != generation;
    if (outcome->new_connection || relay->blocked)
        rc = look_at_log(relay, arena, err);
    if (rc == 0 && relay->origins_count > 0)
        rc = look_at_redis(relay, arena, sights, err);
    if (rc != 0)
        return rc;
    *heard = true;
    if (relay->origins_count > 0 && outcome->now_us >= relay->store_due_us) {
        rc = look_at_store(relay, store, arena, outcome, err);
        outcome->fresh = rc == 0;
        relay->blocked = relay->blocked && !outcome->fresh;
    }
    judge(relay, sights, outcome);
    relay->generation = generation;
    return rc;
}

int look(struct relay *relay, struct store *store, int64_t now_us, bool *heard, struct err *err)
{
    struct arena arena = {0};
    struct outcome outcome = {.now_us = now_us};
    int rc = look_in(relay, store, &arena, &outcome, heard, err);
    int64_t pause_ms = relay_in_flight(relay) > 0 ? LOOK_BUSY_MS : LOOK_IDLE_MS;

    relay->look_due_us = now_us + pause_ms * 1000;
    if (!*heard)
        relay->rest_until_us = now_us + REFUSED_MS * INT64_C(1000);
    arena_free(&arena);
    return rc;
}
