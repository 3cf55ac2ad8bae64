/*
 * aggregate/erase_past.c -- what was erased once, for events of it that come late.
 *
 * A node that was cut off may bring events of a site that is gone. They are dropped as those of a
 * site that is no more; but its tenant may have made another one of the same id meanwhile, whose
 * they are not. What tells them apart is when they were received: a deletion shuts its site before
 * it notes when it was asked for, and the next site of that id comes after it.
 */
#include "aggregate/aggregate_internal.h"

#include <stdlib.h>

/* One text after the other, a tenant's before those of its sites. */
static int compare(const struct past *a, const struct past *b)
{
    int order = str_cmp(a->tenant, b->tenant);

    return order != 0 ? order : str_cmp(a->site, b->site);
}

static int by_name(const void *a, const void *b)
{
    return compare(a, b);
}

void past_add(struct past_list *list, const struct erasure_row *row)
{
    if (row->done_ms == 0 || (row->kind != ERASE_SITE && row->kind != ERASE_TENANT))
        return;
    if (list->count == list->cap) {
        struct past *more = ARENA_NEW(&list->arena, struct past, 2 * list->cap + 16);

        if (list->count > 0)
            memcpy(more, list->items, list->count * sizeof(more[0]));
        list->items = more;
        list->cap = 2 * list->cap + 16;
    }
    list->items[list->count++] = (struct past){.tenant = arena_str(&list->arena, row->tenant),
                                               .site = arena_str(&list->arena, row->site),
                                               .asked_ms = row->asked_ms};
}

/* Of each name the last deletion. */
void past_end(struct past_list *list)
{
    size_t kept = 0;

    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof(list->items[0]), by_name);
    for (size_t i = 1; i < list->count; i++) {
        if (compare(&list->items[kept], &list->items[i]) != 0)
            list->items[++kept] = list->items[i];
        else if (list->items[kept].asked_ms < list->items[i].asked_ms)
            list->items[kept].asked_ms = list->items[i].asked_ms;
    }
    list->count = kept + 1;
}

void past_free(struct past_list *list)
{
    arena_free(&list->arena);
    *list = (struct past_list){0};
}

static int64_t find(const struct past_list *list, struct str tenant, struct str site)
{
    const struct past wanted = {.tenant = tenant, .site = site};
    const struct past *found = list->count == 0 ? NULL
                                                : bsearch(&wanted, list->items, list->count,
                                                          sizeof(list->items[0]), by_name);

    return found == NULL ? INT64_MIN : found->asked_ms;
}

int64_t past_ms(const struct past_list *list, struct str tenant, struct str site)
{
    int64_t own = find(list, tenant, site), all = find(list, tenant, STR(""));

    return own > all ? own : all;
}
