/*
 * relay/follow.c -- reading the log for what is to be sent.
 *
 * `front` reads on and on, for all lanes. Where a lane's window is full, it passes over the lane's
 * further records instead of holding up the others; the lane is late then, and `late`, a second
 * reader, reads for all late lanes from what they sent on. That one does wait where a window is
 * full, so that each record is read twice at most, however long the backlog. When it has come to
 * the end of the log no lane is late any more.
 *
 * Payloads live until the reader is trimmed, which a follower does not do while a record is
 * pending.
 */
#include "relay/relay_internal.h"

#include "base/must.h"

#include <stdlib.h>

void follower_close(struct follower *follower)
{
    log_reader_close(&follower->reader);
    follower->pending = false;
}

/* From what was sent on; segments of which all was are passed over. */
static int follower_open(struct relay *relay, struct follower *follower, struct err *err)
{
    size_t count = relay->origins_count * PARTITIONS;
    struct position *base = must(calloc(count + 1, sizeof(*base)));

    for (size_t i = 0; i < count; i++) {
        const struct origin *origin = relay->origins[i / PARTITIONS];
        uint16_t p = (uint16_t)(i % PARTITIONS);

        base[i] = (struct position){origin->producer, p, origin->lanes[p].sent};
    }
    follower_close(follower);

    int rc = log_reader_open(relay_data_dir(relay), base, count, &follower->reader, err);

    free(base);
    return rc;
}

/* -- one record -- */

enum verdict {
    PASS, /* done with it: sent, or nothing for this follower */
    WAIT, /* it stays pending */
};

/* Nothing more is sent before the store was asked, and then the reading begins again. */
static enum verdict block(struct relay *relay)
{
    relay->blocked = relay->reread = true;
    return WAIT;
}

/* Numbers behind the last one sent up to `last` are not in the log. PASS: they are sent as lost. */
static enum verdict lose(struct relay *relay, struct origin *origin, uint16_t partition,
                         uint64_t last, struct str reason)
{
    struct lane *lane = &origin->lanes[partition];

    if (lane->gap != GAP_CONFIRMED) {
        lane->gap = GAP_SEEN;
        return block(relay);
    }
    if (lane->lost_told != last && relay->logger != NULL)
        logger_line(relay->logger, LOG_ERROR, "records are lost for good",
                    "partition=%u from=%llu to=%llu why=%.*s", (unsigned)partition,
                    (unsigned long long)lane->sent + 1, (unsigned long long)last, STR_FMT(reason));
    lane->lost_told = last;
    pipeline_add_loss(relay, origin, partition, last, reason);
    return PASS;
}

/* The window is full: the follower of late lanes waits for it, and front leaves the lane to it. */
static enum verdict hold(struct relay *relay, struct lane *lane, bool late, struct err *err)
{
    if (late)
        return WAIT;
    lane->late = true;
    /* Opened again where it reads already: it may have passed over this one. */
    return follower_open(relay, &relay->late, err) == 0 ? PASS : block(relay);
}

static enum verdict take(struct relay *relay, const struct log_record *record, bool late,
                         struct err *err)
{
    struct origin *origin = relay_origin(relay, &record->position.producer);
    uint16_t p = record->position.partition;
    uint64_t n = record->position.number;
    struct lane *lane = &origin->lanes[p];

    if (!origin->known)
        return block(relay);
    if (n > lane->last)
        lane->last = n;
    if (n <= lane->sent || lane->late != late)
        return PASS;
    if (n > lane->sent + 1 && lose(relay, origin, p, n - 1, STR("restore")) == WAIT)
        return WAIT;
    if (n > lane->committed + RELAY_WINDOW)
        return hold(relay, lane, late, err);
    pipeline_add(relay, origin, p, n, record->payload);
    return PASS;
}

/* -- what cannot be read -- */

/* A sealed segment is damaged: what it held is told lane by lane. */
static enum verdict pass_damage(struct relay *relay, const struct log_reader *reader, bool late)
{
    const struct position *last = NULL;
    size_t count = log_reader_lost(reader, &last);

    for (size_t i = 0; i < count; i++) {
        struct origin *origin = relay_origin(relay, &last[i].producer);
        struct lane *lane = &origin->lanes[last[i].partition];

        if (!origin->known)
            return block(relay);
        if (last[i].number > lane->last)
            lane->last = last[i].number;
        if (last[i].number > lane->sent && lane->late == late &&
            lose(relay, origin, last[i].partition, last[i].number, STR("damaged")) == WAIT)
            return WAIT;
    }
    return PASS;
}

/* A tail that a power cut tore, and that nobody has cut yet. It was never flushed, and nothing of
 * this producer follows: here the log ends. */
static void say_torn(struct relay *relay, const struct err *err)
{
    char quoted[512];

    if (!relay->tail_told && relay->logger != NULL)
        logger_line(relay->logger, LOG_WARN, "the log's end cannot be read", "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    relay->tail_told = true;
}

/* -- following -- */

enum { FOLLOW_ON, FOLLOW_END };

/* One record, or what stands in its place. FOLLOW_END: there is none now. */
static int next(struct relay *relay, struct follower *follower, struct err *err)
{
    int rc = follower->pending ? 1 : log_reader_next(follower->reader, &follower->record, err);
    const struct position *lost = NULL;

    if (rc == ERR_CORRUPT && log_reader_lost(follower->reader, &lost) == 0) {
        say_torn(relay, err);
        return FOLLOW_END;
    }
    if (rc == ERR_CORRUPT) {
        (void)pass_damage(relay, follower->reader, follower == &relay->late);
        return FOLLOW_ON;
    }
    if (rc <= 0)
        return rc == 0 ? FOLLOW_END : rc;
    follower->pending = take(relay, &follower->record, follower == &relay->late, err) == WAIT;
    return FOLLOW_ON;
}

/* Up to `most` records into the pipeline. */
static int fill(struct relay *relay, struct follower *follower, size_t most, bool *at_end,
                struct err *err)
{
    struct pipeline *pipeline = &relay->pipeline;
    int rc = FOLLOW_ON;

    if (!follower->pending)
        log_reader_trim(follower->reader);
    for (size_t i = 0; rc == FOLLOW_ON && i < RELAY_PASSED; i++) {
        if (pipeline->records >= most || pipeline_is_full(pipeline))
            break;
        rc = next(relay, follower, err);
        if (relay->blocked || follower->pending)
            break;
    }
    *at_end = rc == FOLLOW_END;
    return rc < 0 ? rc : 0;
}

static void end_lateness(struct relay *relay)
{
    for (size_t i = 0; i < relay->origins_count; i++)
        for (size_t p = 0; p < PARTITIONS; p++)
            relay->origins[i]->lanes[p].late = false;
    follower_close(&relay->late);
}

/* The end of the log was met, but not all numbers that it gave: their segments are gone, because
 * they were committed once, and are not any more. */
static void lose_the_missing(struct relay *relay)
{
    for (size_t i = 0; i < relay->origins_count * PARTITIONS; i++) {
        struct origin *origin = relay->origins[i / PARTITIONS];
        uint16_t p = (uint16_t)(i % PARTITIONS);
        const struct lane *lane = &origin->lanes[p];

        if (!lane->late && lane->sent < lane->last && !pipeline_is_full(&relay->pipeline))
            (void)lose(relay, origin, p, lane->last, STR("restore"));
    }
}

static int begin(struct relay *relay, struct err *err)
{
    pipeline_begin(&relay->pipeline);
    if (relay->front.reader != NULL && !relay->reread)
        return 0;
    end_lateness(relay);

    int rc = follower_open(relay, &relay->front, err);

    relay->reread = rc != 0;
    return rc;
}

int follow(struct relay *relay, bool *at_end, struct err *err)
{
    bool late_end = false;
    int rc = begin(relay, err);

    *at_end = false;
    if (rc == 0 && relay->late.reader != NULL) {
        rc = fill(relay, &relay->late, RELAY_RECORDS / 2, &late_end, err);
        if (late_end)
            end_lateness(relay);
    }
    if (rc == 0 && !relay->blocked)
        rc = fill(relay, &relay->front, RELAY_RECORDS, at_end, err);
    if (rc == 0 && *at_end && !relay->blocked)
        lose_the_missing(relay);
    *at_end = *at_end && !relay->blocked && relay->late.reader == NULL;
    return rc;
}
