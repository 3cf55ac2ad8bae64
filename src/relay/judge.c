/*
 * relay/judge.c -- what follows from what Redis and the store said: where each lane goes on.
 *
 * An aggregator takes entries out of a stream only after it has committed them. So where a stream
 * was empty, positions read after that tell all that was counted of it, and what was sent and lies
 * behind them is gone.
 *
 * `sent` in Redis may be old for a moment, when a connection was given up and the server still had
 * a pipeline of it to run: then a few entries are sent twice, which costs nothing but that.
 */
#include "relay/relay_internal.h"

static const char *const WHY_TEXT[WHYS] = {
    [WHY_BEHIND] = "Redis has lost them",
    [WHY_WANTED] = "an aggregator waits for them",
    [WHY_GONE] = "they are neither in their stream nor committed",
};

static void count_in(struct again *sum, unsigned partition, uint64_t from, uint64_t records)
{
    if (sum->lanes++ == 0) {
        sum->partition = partition;
        sum->from = from;
    }
    sum->records += records;
}

static void take_position(struct lane *lane, unsigned partition, bool known, uint64_t number,
                          struct again *back)
{
    if (known && number < lane->committed)
        count_in(back, partition, number + 1, lane->committed - number);
    lane->committed = number;
    if (number > lane->last)
        lane->last = number;
}

void judge_positions(struct relay *relay, struct arena *arena, const struct position *positions,
                     size_t count, struct outcome *outcome)
{
    uint64_t(*numbers)[PARTITIONS] = arena_alloc(arena, relay->origins_count, sizeof(*numbers));

    for (size_t i = 0; i < count; i++) {
        const struct origin *origin = relay_find(relay, &positions[i].producer);

        if (origin != NULL && positions[i].partition < PARTITIONS)
            numbers[origin->index][positions[i].partition] = positions[i].number;
    }
    for (size_t i = 0; i < relay->origins_count; i++)
        for (unsigned p = 0; p < PARTITIONS; p++)
            take_position(&relay->origins[i]->lanes[p], p, relay->origins[i]->known, numbers[i][p],
                          &outcome->back);
}

/* Where the lane is to go on, and why that is not where it was. */
static uint64_t place(const struct lane *lane, const struct outcome *outcome, uint64_t length,
                      uint64_t sent, enum why *why)
{
    uint64_t place = lane->sent;

    /* More than the log ever gave can only be somebody else's doing. */
    if (sent > lane->last)
        sent = 0;
    if (outcome->new_connection || sent < place) {
        place = sent;
        *why = WHY_BEHIND;
    }
    bool answered = lane->wanted == lane->served &&
                    outcome->now_us - lane->served_us < SERVED_MS * INT64_C(1000);

    if (lane->wanted > lane->committed && lane->wanted <= place && !answered) {
        place = lane->wanted - 1;
        *why = WHY_WANTED;
    }
    if (outcome->fresh && length == 0 && lane->committed < place) {
        place = lane->committed;
        *why = WHY_GONE;
    }
    return place > lane->committed ? place : lane->committed;
}

static void settle_lane(struct relay *relay, struct lane *lane, bool known, unsigned partition,
                        struct outcome *outcome, uint64_t length, uint64_t sent)
{
    enum why why = WHY_BEHIND;
    uint64_t before = lane->sent, now = place(lane, outcome, length, sent, &why);

    if (now < before) {
        relay->reread = true;
        if (known)
            count_in(&outcome->again[why], partition, now + 1, before - now);
    }
    if (now != before)
        lane->gap = GAP_NONE;
    else if (outcome->fresh && lane->gap == GAP_SEEN)
        lane->gap = GAP_CONFIRMED;
    lane->sent = now;
}

static void say(const struct relay *relay, const struct outcome *outcome)
{
    const struct again *back = &outcome->back;
    char quoted[128];

    if (relay->logger == NULL)
        return;
    if (back->lanes > 0)
        logger_line(relay->logger, LOG_ERROR, "the store went back in time",
                    "partitions=%zu records=%llu partition=%u from=%llu", back->lanes,
                    (unsigned long long)back->records, back->partition,
                    (unsigned long long)back->from);
    for (size_t i = 0; i < WHYS; i++) {
        const struct again *again = &outcome->again[i];

        if (again->lanes > 0)
            logger_line(relay->logger, LOG_WARN, "sending records again",
                        "partitions=%zu records=%llu partition=%u from=%llu why=%s", again->lanes,
                        (unsigned long long)again->records, again->partition,
                        (unsigned long long)again->from,
                        logger_quote(WHY_TEXT[i], quoted, sizeof(quoted)));
    }
}

void judge(struct relay *relay, const struct sight *sights, struct outcome *outcome)
{
    for (size_t i = 0; i < relay->origins_count; i++) {
        struct origin *origin = relay->origins[i];

        for (unsigned p = 0; p < PARTITIONS; p++) {
            origin->lanes[p].wanted = sights[p].wanted[i];
            settle_lane(relay, &origin->lanes[p], origin->known, p, outcome, sights[p].length,
                        sights[p].sent[i]);
        }
        origin->known = origin->known || outcome->fresh;
    }
    say(relay, outcome);
}
