/*
 * queue/order.h -- which records may be given: of each (producer, partition) number n only after
 * n-1, and each once. Pure; shared by all backends.
 */
#ifndef ABACUS_QUEUE_ORDER_H
#define ABACUS_QUEUE_ORDER_H

#include "base/position.h"

#include <stdbool.h>
#include <stddef.h>

struct stream;

/* Zero-initialise. A table of producers by hash: there are as many as nodes were started in a
 * year. */
struct order {
    struct stream **buckets;
    size_t buckets_count; /* 0 or a power of two */
    size_t count;
};

enum order_verdict {
    ORDER_GIVE, /* the next one; it counts as given from now on */
    ORDER_PASS, /* committed or given before */
    ORDER_HOLD, /* past a gap that is known */
    ORDER_GAP,  /* past a gap, for the first time since it was opened, filled or begun again */
};

/* *expected: the number that should come. */
enum order_verdict order_judge(struct order *order, const struct position *position,
                               uint64_t *expected);

/* The last number given, or committed. */
uint64_t order_given(const struct order *order, const struct position *position);

bool order_is_committed(const struct order *order, const struct position *position);

/* The partitions (a set) in which something was given that is not committed. */
uint32_t order_unsettled(const struct order *order);

/* These were committed, whether given here or not. */
void order_committed(struct order *order, const struct position *positions, size_t count);

/* Begin again behind exactly these. */
void order_reset(struct order *order, const struct position *committed, size_t count);

/* What is committed, as positions that the caller frees. */
size_t order_positions(const struct order *order, struct position **out);

void order_release(struct order *order);

#endif
