/*
 * people.c -- who a visitor was before midnight, and which run an event belongs to.
 *
 * A visitor's id changes at midnight. Where an event came in the half hour after it, a link leads
 * from the new id back to the old one, and the run stays under the oldest id (rollup/visits.c).
 * Links lead to earlier days only, so following them ends.
 */
#include "query/query_internal.h"

#include <stdlib.h>

enum { LINK_DEPTH_MAX = 64 }; /* that of rollup/visits.c: more days than events may be old */

int people_cmp(const struct visitor_key *a, const struct visitor_key *b)
{
    int order = (a->day > b->day) - (a->day < b->day);

    return order != 0 ? order : (a->visitor > b->visitor) - (a->visitor < b->visitor);
}

static int by_key(const void *a, const void *b)
{
    return people_cmp(a, b);
}

static struct visitor_key visitor_of(const struct visit *visit)
{
    return (struct visitor_key){visit->key.site, visit->key.day, visit->key.visitor};
}

static int by_visit(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    struct visitor_key of_x = visitor_of(x), of_y = visitor_of(y);
    int order = people_cmp(&of_x, &of_y);

    return order != 0 ? order
                      : (x->key.begin_ms > y->key.begin_ms) - (x->key.begin_ms < y->key.begin_ms);
}

/* Sort and leave out what is there twice; gives how many are left. */
static size_t sort_unique(void *items, size_t count, size_t size,
                          int (*cmp)(const void *, const void *))
{
    char *base = items;
    size_t kept = 0;

    if (count > 1)
        qsort(items, count, size, cmp);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || cmp(base + (kept - 1) * size, base + i * size) != 0) {
            if (kept != i)
                memcpy(base + kept * size, base + i * size, size);
            kept++;
        }
    return kept;
}

/* Whom these links lead to. */
static struct visitor_key *befores(const struct visit *visits, size_t count, struct arena *arena,
                                   size_t *out_count)
{
    struct visitor_key *out = ARENA_NEW(arena, struct visitor_key, count + 1);

    *out_count = 0;
    for (size_t i = 0; i < count; i++)
        if (visits[i].before != 0)
            out[(*out_count)++] =
                (struct visitor_key){visits[i].key.site, visits[i].before_day, visits[i].before};
    return out;
}

static void append(struct people *people, const struct visit *visits, size_t count,
                   struct arena *arena)
{
    struct visit *all = ARENA_NEW(arena, struct visit, people->count + count + 1);

    if (people->count > 0)
        memcpy(all, people->visits, people->count * sizeof(*all));
    if (count > 0)
        memcpy(all + people->count, visits, count * sizeof(*all));
    people->visits = all;
    people->count += count;
}

int people_load(struct store *store, const struct visitor_key *keys, size_t count,
                struct arena *arena, struct people *out, struct err *err)
{
    struct visitor_key *wanted = ARENA_NEW(arena, struct visitor_key, count + 1);
    int rc = 0;

    *out = (struct people){0};
    if (count > 0)
        memcpy(wanted, keys, count * sizeof(*wanted));
    for (int depth = 0; depth < LINK_DEPTH_MAX && count > 0 && rc == 0; depth++) {
        struct visit *visits = NULL;
        size_t visits_count = 0;
        count = sort_unique(wanted, count, sizeof(*wanted), by_key);
        rc = store_load_visits(store, arena, wanted, count, &visits, &visits_count, err);
        if (rc != 0)
            break;
        append(out, visits, visits_count, arena);
        wanted = befores(visits, visits_count, arena, &count);
    }
    /* A visitor of both sides of a midnight was asked for by its own event and by the link. */
    out->count = sort_unique(out->visits, out->count, sizeof(*out->visits), by_visit);
    return rc;
}

/* Where the rows of this visitor begin. */
static size_t lower_bound(const struct people *people, const struct visitor_key *key)
{
    size_t low = 0, high = people->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct visitor_key at = visitor_of(&people->visits[middle]);
        if (people_cmp(&at, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct visit *people_find(const struct people *people, struct visitor_key *key,
                                int64_t time_ms)
{
    const struct visit *found = NULL;
    bool linked = true;

    for (int depth = 0; depth < LINK_DEPTH_MAX && linked; depth++) {
        struct visitor_key before = *key;
        linked = false;
        for (size_t i = lower_bound(people, key); i < people->count; i++) {
            const struct visit *visit = &people->visits[i];
            struct visitor_key at = visitor_of(visit);
            if (people_cmp(&at, key) != 0)
                break;
            if (visit->before != 0) {
                linked = true;
                before.day = visit->before_day;
                before.visitor = visit->before;
            } else if (visit->key.begin_ms <= time_ms && time_ms <= visit->end_ms) {
                found = visit;
            }
        }
        *key = before;
    }
    return found;
}
