/*
 * metrics/histogram.h -- a histogram of durations: counts between fixed bounds, and their sum.
 *
 * Adding is two relaxed atomic additions; the count is the sum of the buckets, so it needs none of
 * its own, and what is read while others add is at most a few observations old. Any thread.
 */
#ifndef ABACUS_METRICS_HISTOGRAM_H
#define ABACUS_METRICS_HISTOGRAM_H

#include "base/buf.h"
#include "base/str.h"

#include <stdatomic.h>

enum { HISTOGRAM_BOUNDS_MAX = 15 };

/* Upper bounds, each included in its bucket, in rising order. */
struct histogram_bounds {
    size_t count;
    struct histogram_bound {
        const char *text; /* in seconds, as exposed */
        uint64_t ns;
    } at[HISTOGRAM_BOUNDS_MAX];
};

struct histogram {
    const struct histogram_bounds *bounds;
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulative; the last one is +Inf */
    _Atomic uint64_t sum_ns;
};

/* Negative, infinite and undefined durations count as 0. */
void histogram_observe(struct histogram *histogram, double seconds);

/* name_bucket{labels,le="..."}, name_sum{labels}, name_count{labels}; `labels` is like `op="load"`,
 * or empty. */
void histogram_render(const struct histogram *histogram, const char *name, struct str labels,
                      struct buf *out);

#endif
