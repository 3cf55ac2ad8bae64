#include "queue/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One producer. */
struct stream {
    struct stream *next;
    struct producer producer;
    uint64_t committed[PARTITIONS], given[PARTITIONS]; /* given >= committed */
    bool gap[PARTITIONS];
};

static void *must(void *p)
{
    if (p == NULL) {
        (void)fputs("abacus: out of memory\n", stderr);
        abort();
    }
    return p;
}

static struct stream *find(const struct order *order, const struct producer *producer)
{
    for (struct stream *s = order->streams; s != NULL; s = s->next) {
        if (memcmp(&s->producer, producer, sizeof(*producer)) == 0)
            return s;
    }
    return NULL;
}

/* The newest producer is asked for most, and is met last: it comes to stand first. */
static struct stream *find_or_add(struct order *order, const struct producer *producer)
{
    struct stream *stream = find(order, producer);

    if (stream == NULL) {
        stream = must(calloc(1, sizeof(*stream)));
        stream->producer = *producer;
        stream->next = order->streams;
        order->streams = stream;
    }
    return stream;
}

enum order_verdict order_judge(struct order *order, const struct position *position,
                               uint64_t *expected)
{
    struct stream *stream = find_or_add(order, &position->producer);
    uint16_t p = position->partition;

    *expected = stream->given[p] + 1;
    if (position->number < *expected)
        return ORDER_PASS;
    if (position->number == *expected) {
        stream->given[p] = position->number;
        stream->gap[p] = false;
        return ORDER_GIVE;
    }
    if (stream->gap[p])
        return ORDER_HOLD;
    stream->gap[p] = true;
    return ORDER_GAP;
}

uint64_t order_given(const struct order *order, const struct position *position)
{
    const struct stream *stream = find(order, &position->producer);

    return stream == NULL ? 0 : stream->given[position->partition];
}

bool order_is_committed(const struct order *order, const struct position *position)
{
    const struct stream *stream = find(order, &position->producer);

    return stream != NULL && position->number <= stream->committed[position->partition];
}

void order_committed(struct order *order, const struct position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = find_or_add(order, &positions[i].producer);
        uint16_t p = positions[i].partition;

        if (p >= PARTITIONS)
            continue;
        if (positions[i].number > stream->committed[p])
            stream->committed[p] = positions[i].number;
        if (stream->committed[p] > stream->given[p])
            stream->given[p] = stream->committed[p];
    }
}

void order_reset(struct order *order, const struct position *committed, size_t count)
{
    order_release(order);
    order_committed(order, committed, count);
}

size_t order_positions(const struct order *order, struct position **out)
{
    size_t count = 0;

    for (const struct stream *s = order->streams; s != NULL; s = s->next)
        count += PARTITIONS;
    *out = must(calloc(count + 1, sizeof(**out)));
    count = 0;
    for (const struct stream *s = order->streams; s != NULL; s = s->next) {
        for (size_t p = 0; p < PARTITIONS; p++) {
            if (s->committed[p] > 0)
                (*out)[count++] = (struct position){s->producer, (uint16_t)p, s->committed[p]};
        }
    }
    return count;
}

void order_release(struct order *order)
{
    while (order->streams != NULL) {
        struct stream *next = order->streams->next;
        free(order->streams);
        order->streams = next;
    }
}
