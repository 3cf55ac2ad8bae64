#include "metrics/histogram.h"

#include <inttypes.h>

#define NS 1000000000

void histogram_observe(struct histogram *histogram, double seconds)
{
    const struct histogram_bounds *bounds = histogram->bounds;
    /* 1e9 s are 31 years and fit; the comparison also turns NaN away. */
    uint64_t ns = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * NS + 0.5) : 0;
    size_t i = 0;

    while (i < bounds->count && ns > bounds->at[i].ns)
        i++;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}

static void add_bucket(const char *name, struct str labels, const char *bound, uint64_t n,
                       struct buf *out)
{
    buf_addf(out, "%s_bucket{%.*s%sle=\"%s\"} %" PRIu64 "\n", name, STR_FMT(labels),
             labels.len > 0 ? "," : "", bound, n);
}

void histogram_render(const struct histogram *histogram, const char *name, struct str labels,
                      struct buf *out)
{
    uint64_t sum_ns = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
    uint64_t total = 0;
    bool bare = labels.len == 0;

    for (size_t i = 0; i < histogram->bounds->count; i++) {
        total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        add_bucket(name, labels, histogram->bounds->at[i].text, total, out);
    }
    total +=
        atomic_load_explicit(&histogram->buckets[histogram->bounds->count], memory_order_relaxed);
    add_bucket(name, labels, "+Inf", total, out);
    buf_addf(out, "%s_sum%s%.*s%s %" PRIu64 ".%09" PRIu64 "\n", name, bare ? "" : "{",
             STR_FMT(labels), bare ? "" : "}", sum_ns / NS, sum_ns % NS);
    buf_addf(out, "%s_count%s%.*s%s %" PRIu64 "\n", name, bare ? "" : "{", STR_FMT(labels),
             bare ? "" : "}", total);
}
