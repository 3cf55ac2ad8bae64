#include "queue/order.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

/* One producer. */
struct stream {
    struct stream *next;
    struct producer producer;
    uint64_t committed[PARTITIONS], given[PARTITIONS]; /* given >= committed */
    bool gap[PARTITIONS];
};

/* Ids are random, or hashes: any of their bytes will do. */
static struct stream **bucket_of(const struct order *order, const struct producer *producer)
{
    uint64_t hash;

    memcpy(&hash, producer->id, sizeof(hash));
    return &order->buckets[hash & (order->buckets_count - 1)];
}

static struct stream *find(const struct order *order, const struct producer *producer)
{
    if (order->count == 0)
        return NULL;
    for (struct stream *s = *bucket_of(order, producer); s != NULL; s = s->next) {
        if (memcmp(&s->producer, producer, sizeof(*producer)) == 0)
            return s;
    }
    return NULL;
}

static void link_in(struct order *order, struct stream *stream)
{
    struct stream **bucket = bucket_of(order, &stream->producer);

    stream->next = *bucket;
    *bucket = stream;
}

static void grow(struct order *order)
{
    enum { FEW = 64 };
    struct order old = *order;

    order->buckets_count = old.buckets_count == 0 ? FEW : old.buckets_count * 2;
    order->buckets = must(calloc(order->buckets_count, sizeof(struct stream *)));
    for (size_t i = 0; i < old.buckets_count; i++) {
        for (struct stream *s = old.buckets[i], *next; s != NULL; s = next) {
            next = s->next;
            link_in(order, s);
        }
    }
    free(old.buckets);
}

static struct stream *find_or_add(struct order *order, const struct producer *producer)
{
    struct stream *stream = find(order, producer);

    if (stream == NULL) {
        if (order->count == order->buckets_count)
            grow(order);
        stream = must(calloc(1, sizeof(*stream)));
        stream->producer = *producer;
        link_in(order, stream);
        order->count++;
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

uint32_t order_unsettled(const struct order *order)
{
    uint32_t set = 0;

    for (size_t i = 0; i < order->buckets_count; i++)
        for (const struct stream *s = order->buckets[i]; s != NULL; s = s->next)
            for (unsigned p = 0; p < PARTITIONS; p++)
                set |= (uint32_t)(s->given[p] > s->committed[p]) << p;
    return set;
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

    *out = must(calloc(order->count * PARTITIONS + 1, sizeof(**out)));
    for (size_t i = 0; i < order->buckets_count; i++) {
        for (const struct stream *s = order->buckets[i]; s != NULL; s = s->next) {
            for (unsigned p = 0; p < PARTITIONS; p++) {
                if (s->committed[p] > 0)
                    (*out)[count++] = (struct position){s->producer, (uint16_t)p, s->committed[p]};
            }
        }
    }
    return count;
}

void order_release(struct order *order)
{
    for (size_t i = 0; i < order->buckets_count; i++) {
        for (struct stream *s = order->buckets[i], *next; s != NULL; s = next) {
            next = s->next;
            free(s);
        }
    }
    free(order->buckets);
    *order = (struct order){0};
}
