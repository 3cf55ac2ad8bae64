/*
 * breakdown.c -- what a range of days has under each value of a dimension.
 *
 * Without filters the packs' rollups are added up as they stream by, nothing is unpacked. With
 * filters each day is counted again from its columns. Days that are due are counted from their
 * rows in both cases, with the same limit of values a day that packing keeps to.
 *
 * There may be millions of values, of which an answer shows a page: the rows up to its end are
 * chosen with a heap, whose root is the last of them in the order of the answer, and only these are
 * sorted.
 */
#include "query/query_internal.h"

#include <stdlib.h>

/* What is counted, while the days go by. */
struct count {
    const struct query_breakdown_ask *ask;
    struct counts *counts;
    size_t most;
    const struct due *due;
    int64_t visitors;
    struct err *err;
};

/* -- counting ------------------------------------------------------------------------------ */

static int count_day(void *ctx, int32_t day, const struct facts *facts)
{
    struct count *count = ctx;
    const struct query_filters *filters = &count->ask->filters;

    (void)day;
    facts_count(facts, filters->filters, filters->count, count->most, count->counts);
    if (filters->count > 0) {
        struct stats stats = {0};
        facts_stats(facts, filters->filters, filters->count, &stats, NULL, NULL);
        count->visitors += stats.unique_visitors;
    }
    return 0;
}

static int add_rollup(void *ctx, const struct pack_part *part)
{
    struct count *count = ctx;

    if (due_has(count->due, part->day))
        return 0;
    return counts_add_packed(count->counts, part, count->err);
}

static int add_visitors(void *ctx, const struct stats_row *row)
{
    struct count *count = ctx;

    count->visitors += row->stats.unique_visitors;
    return 0;
}

static int count_all(struct store *store, const struct site *site, struct range range,
                     struct count *count, struct arena *scratch, struct err *err)
{
    int32_t parts[PACK_PARTS_MAX];
    struct arena list = {0};
    struct due due = {0};
    bool events;
    size_t parts_count = facts_parts(count->ask->dimension, NULL, 0, false, parts, &events);
    int rc = store_due_days(store, site->tenant, site->id, range.from, range.to, &list, &due.days,
                            &due.count, err);

    count->due = &due;
    if (rc == 0)
        rc = days_each_due(store, site, &due, count->ask->recent, scratch, count_day, count, err);
    if (rc == 0)
        rc = store_each_pack(store, site->tenant, site->id, range.from, range.to, parts,
                             parts_count, add_rollup, count, err);
    if (rc == 0)
        rc = store_each_day(store, site->tenant, site->id, range.from, range.to, add_visitors,
                            count, err);
    count->due = NULL;
    arena_free(&list);
    return rc;
}

static int count_filtered(struct store *store, const struct site *site, struct range range,
                          struct count *count, struct arena *scratch, struct err *err)
{
    struct days_ask ask = {.dimension = count->ask->dimension,
                           .filters = &count->ask->filters,
                           .recent = count->ask->recent};

    return days_each(store, site, range, &ask, scratch, count_day, count, err);
}

/* -- searching ----------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ASCII letters' case aside. */
static bool contains(struct str value, struct str search)
{
    if (search.len == 0)
        return true;
    for (size_t i = 0; i + search.len <= value.len; i++)
        if (lower(value.ptr[i]) == lower(search.ptr[0]) &&
            str_ieq(str_slice(value, i, i + search.len), search))
            return true;
    return false;
}

/* -- choosing ------------------------------------------------------------------------------ */

/* Negative: `a` comes first in the answer. */
static int row_cmp(const struct count_row *a, const struct count_row *b)
{
    int order = (a->visitors < b->visitors) - (a->visitors > b->visitors);

    if (order == 0)
        order = (a->pageviews < b->pageviews) - (a->pageviews > b->pageviews);
    return order != 0 ? order : str_cmp(a->value, b->value);
}

static int by_row(const void *a, const void *b)
{
    return row_cmp(*(const struct count_row *const *)a, *(const struct count_row *const *)b);
}

/* The first `room` of the rows that were offered, the last of them at the root. */
struct heap {
    const struct count_row **rows;
    size_t count, room;
};

static void sift_up(struct heap *heap, size_t at)
{
    const struct count_row *row = heap->rows[at];

    while (at > 0 && row_cmp(heap->rows[(at - 1) / 2], row) < 0) {
        heap->rows[at] = heap->rows[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->rows[at] = row;
}

/* Put `row` in the root's place. */
static void sift_down(struct heap *heap, const struct count_row *row)
{
    size_t at = 0;

    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && row_cmp(heap->rows[child], heap->rows[child + 1]) < 0)
            child++;
        if (row_cmp(row, heap->rows[child]) >= 0)
            break;
        heap->rows[at] = heap->rows[child];
    }
    heap->rows[at] = row;
}

static void heap_offer(struct heap *heap, const struct count_row *row)
{
    if (heap->count < heap->room) {
        heap->rows[heap->count] = row;
        sift_up(heap, heap->count++);
    } else if (heap->room > 0 && row_cmp(row, heap->rows[0]) < 0) {
        sift_down(heap, row);
    }
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of `rows` those that the answer shows, copied into `arena`. */
static void choose(const struct query_breakdown_ask *ask, const struct count_row *rows,
                   size_t count, struct arena *scratch, struct arena *arena,
                   struct query_breakdown *out)
{
    size_t offset = min_size(ask->offset, count), limit = min_size(ask->limit, count - offset);
    struct heap heap = {.room = offset + limit};

    heap.rows = ARENA_NEW(scratch, const struct count_row *, heap.room + 1);
    for (size_t i = 0; i < count; i++)
        if (contains(rows[i].value, ask->search)) {
            out->total++;
            if (limit > 0)
                heap_offer(&heap, &rows[i]);
        }
    if (heap.count > 1)
        qsort(heap.rows, heap.count, sizeof(*heap.rows), by_row);
    out->count = heap.count > offset ? heap.count - offset : 0;
    out->rows = ARENA_NEW(arena, struct count_row, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        out->rows[i] = *heap.rows[offset + i];
        out->rows[i].value = arena_str(arena, out->rows[i].value);
    }
}

int query_breakdown(struct store *store, const struct site *site, struct range range,
                    int32_t available, const struct query_breakdown_ask *ask, struct arena *arena,
                    struct query_breakdown *out, struct err *err)
{
    struct range kept = range_kept(range, available);
    struct arena values = {0}, scratch = {0};
    struct count count = {
        .ask = ask,
        .counts = counts_new(&values, ask->dimension, ask->prop),
        .most = (size_t)site->paths_per_day,
        .err = err,
    };
    int rc = 0;

    *out = (struct query_breakdown){0};
    if (kept.from <= kept.to)
        rc = ask->filters.count > 0 ? count_filtered(store, site, kept, &count, &scratch, err)
                                    : count_all(store, site, kept, &count, &scratch, err);
    if (rc == 0) {
        size_t rows_count = 0;
        const struct count_row *rows = counts_rows(count.counts, &rows_count, &out->other);
        choose(ask, rows, rows_count, &scratch, arena, out);
        out->other.value = VALUE_OTHER;
        out->visitors = count.visitors;
    }
    arena_free(&scratch);
    arena_free(&values);
    return rc;
}
