/*
 * choose.c -- the page of a breakdown's values that an answer shows.
 *
 * There may be millions of values: those up to the page's end are chosen with a heap, whose root is
 * the last of them in the order of the answer, and only these are sorted.
 */
#include "query/query_internal.h"

#include <stdlib.h>

/* A value as it takes its place; `now` or `before` is NULL where that range does not have it. */
struct choice {
    int64_t rank; /* visitors, events, or how many more or fewer visitors than before */
    const struct count_row *now, *before;
};

static int64_t visitors_of(const struct count_row *row)
{
    return row == NULL ? 0 : row->visitors;
}

static struct str value_of(const struct choice *choice)
{
    return choice->now != NULL ? choice->now->value : choice->before->value;
}

/* Negative: `a` comes first in the answer. */
static int choice_cmp(const struct choice *a, const struct choice *b)
{
    int64_t of_a = visitors_of(a->now), of_b = visitors_of(b->now);
    int order = (a->rank < b->rank) - (a->rank > b->rank);

    if (order == 0)
        order = (of_a < of_b) - (of_a > of_b);
    if (order == 0) {
        of_a = a->now == NULL ? 0 : a->now->pageviews;
        of_b = b->now == NULL ? 0 : b->now->pageviews;
        order = (of_a < of_b) - (of_a > of_b);
    }
    return order != 0 ? order : str_cmp(value_of(a), value_of(b));
}

static int by_choice(const void *a, const void *b)
{
    return choice_cmp(a, b);
}

/* -- the heap ------------------------------------------------------------------------------ */

/* The first `room` of those that were offered, the last of them at the root. */
struct heap {
    struct choice *choices;
    size_t count, room;
    size_t offered;
};

static void sift_up(struct heap *heap, size_t at)
{
    struct choice choice = heap->choices[at];

    while (at > 0 && choice_cmp(&heap->choices[(at - 1) / 2], &choice) < 0) {
        heap->choices[at] = heap->choices[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->choices[at] = choice;
}

/* Put `choice` in the root's place. */
static void sift_down(struct heap *heap, const struct choice *choice)
{
    struct choice *choices = heap->choices;
    size_t at = 0;

    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && choice_cmp(&choices[child], &choices[child + 1]) < 0)
            child++;
        if (choice_cmp(choice, &choices[child]) >= 0)
            break;
        choices[at] = choices[child];
    }
    choices[at] = *choice;
}

static void offer(struct heap *heap, const struct choice *choice)
{
    heap->offered++;
    if (heap->count < heap->room) {
        heap->choices[heap->count] = *choice;
        sift_up(heap, heap->count++);
    } else if (heap->room > 0 && choice_cmp(choice, &heap->choices[0]) < 0) {
        sift_down(heap, choice);
    }
}

/* -- offering ------------------------------------------------------------------------------ */

static int64_t rank_of(enum query_order order, const struct choice *choice)
{
    int64_t change = visitors_of(choice->now) - visitors_of(choice->before);

    if (order == ORDER_EVENTS)
        return choice->now->events;
    if (order == ORDER_CHANGE)
        return change < 0 ? -change : change;
    return choice->now->visitors;
}

/* The values of the range; those that only the earlier one has come with the next. */
static void offer_now(const struct query_breakdown_ask *ask, struct counts *now,
                      const struct counts *before, struct heap *heap, struct count_row *other)
{
    enum query_order order = ask->order;
    size_t count;
    const struct count_row *rows = counts_rows(now, &count, other);

    if (order == ORDER_EVENTS && !counts_know_events(now))
        order = ORDER_VISITORS;
    for (size_t i = 0; i < count; i++) {
        struct choice choice = {.now = &rows[i]};

        if (!str_icontains(rows[i].value, ask->search))
            continue;
        if (order == ORDER_CHANGE)
            choice.before = counts_find(before, rows[i].value);
        choice.rank = rank_of(order, &choice);
        offer(heap, &choice);
    }
}

static void offer_before(const struct query_breakdown_ask *ask, const struct counts *now,
                         struct counts *before, struct heap *heap, struct count_row *other)
{
    size_t count;
    const struct count_row *rows = counts_rows(before, &count, other);

    for (size_t i = 0; i < count && ask->order == ORDER_CHANGE; i++) {
        struct choice choice = {rows[i].visitors, NULL, &rows[i]};

        if (str_icontains(rows[i].value, ask->search) && counts_find(now, rows[i].value) == NULL)
            offer(heap, &choice);
    }
}

/* -- the page ------------------------------------------------------------------------------ */

static struct count_row row_of(const struct count_row *row, struct str value)
{
    struct count_row out = row == NULL ? (struct count_row){.value = value} : *row;

    out.value = value;
    return out;
}

static void take_page(struct heap *heap, size_t offset, const struct counts *before,
                      struct arena *arena, struct query_breakdown *out)
{
    if (heap->count > 1)
        qsort(heap->choices, heap->count, sizeof(*heap->choices), by_choice);
    out->count = heap->count > offset ? heap->count - offset : 0;
    out->rows = ARENA_NEW(arena, struct count_row, out->count + 1);
    if (before != NULL)
        out->before.rows = ARENA_NEW(arena, struct count_row, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        const struct choice *choice = &heap->choices[offset + i];
        struct str value = arena_str(arena, value_of(choice));

        out->rows[i] = row_of(choice->now, value);
        if (before != NULL)
            out->before.rows[i] = row_of(counts_find(before, value), value);
    }
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

void breakdown_choose(const struct query_breakdown_ask *ask, struct counts *now,
                      struct counts *before, struct arena *scratch, struct arena *arena,
                      struct query_breakdown *out)
{
    struct count_row other;
    size_t values = 0, others = 0;

    (void)counts_rows(now, &values, &other);
    if (ask->order == ORDER_CHANGE)
        (void)counts_rows(before, &others, &other);
    size_t offset = min_size(ask->offset, values + others);
    size_t limit = min_size(ask->limit, values + others - offset);
    struct heap heap = {.room = limit == 0 ? 0 : offset + limit};

    heap.choices = ARENA_NEW(scratch, struct choice, heap.room + 1);
    offer_now(ask, now, before, &heap, &out->other);
    if (before != NULL)
        offer_before(ask, now, before, &heap, &out->before.other);
    out->total = heap.offered;
    take_page(&heap, offset, before, arena, out);
    out->events = counts_know_events(now);
    out->before.events = before != NULL && counts_know_events(before);
    out->other.value = VALUE_OTHER;
    out->before.other.value = VALUE_OTHER;
}
