/*
 * store/memory_expire.c -- retention of the memory double.
 */
#include "store/memory_internal.h"

enum { ROWS_MAX = 10000 };

struct work {
    struct memory_store *store;
    int64_t left;
};

/* Is this row of the rule's table too old? */
typedef bool old_fn(const struct expiry *expiry, const void *row);
/* What goes with it. */
typedef void gone_fn(struct memory_store *store, const void *row);

static void remove_old(struct work *work, struct rows *rows, size_t size,
                       const struct expiry *expiry, old_fn *is_old, gone_fn *gone)
{
    for (size_t i = 0; i < rows->count && work->left > 0;) {
        const void *row = (const char *)rows->ptr + i * size;

        if (!is_old(expiry, row)) {
            i++;
            continue;
        }
        if (gone != NULL)
            gone(work->store, row);
        rows_remove(rows, size, i);
        work->left--;
    }
}

static bool old_event(const struct expiry *expiry, const void *row)
{
    const struct event_row *e = row;

    return str_eq(e->event.site, expiry->site) && e->event.time_ms < expiry->raw_before_ms;
}

static bool old_sketch(const struct expiry *expiry, const void *row)
{
    const struct sketch *s = row;

    return str_eq(s->key.site, expiry->site) && s->key.day < expiry->raw_before_day;
}

static bool old_visit(const struct expiry *expiry, const void *row)
{
    const struct visit *v = row;

    /* The rows of its last day name it, too. */
    return str_eq(v->key.site, expiry->site) && v->key.day < expiry->raw_before_day &&
           v->last_day < expiry->raw_before_day;
}

static bool old_due(const struct expiry *expiry, const void *row)
{
    const struct site_day *d = row;

    return str_eq(d->site, expiry->site) &&
           (d->day < expiry->raw_before_day || d->day < expiry->stats_before_day);
}

static bool old_part(const struct expiry *expiry, const void *row)
{
    const struct pack_part *p = row;

    if (!str_eq(p->site, expiry->site))
        return false;
    if (p->part >= PACK_EVENTS && p->day < expiry->raw_before_day)
        return true;
    if (p->part >= PACK_VISITS && p->part < PACK_EVENTS && p->day < expiry->visits_before_day)
        return true;
    return p->day < expiry->stats_before_day;
}

static bool old_stats(const struct expiry *expiry, const void *row)
{
    const struct stats_row *s = row;

    return str_eq(s->site, expiry->site) && s->day < expiry->stats_before_day;
}

static bool old_ledger(const struct expiry *expiry, const void *row)
{
    const struct ledger_row *l = row;

    return str_eq(l->site, expiry->site) && l->day < expiry->stats_before_day;
}

static void fold_records(struct memory_store *store, const void *row)
{
    store->folded_records += ((const struct ledger_row *)row)->records;
}

static void expire_site(struct work *work, const struct expiry *expiry)
{
    struct memory_store *s = work->store;

    remove_old(work, &s->events, sizeof(struct event_row), expiry, old_event, NULL);
    remove_old(work, &s->sketches, sizeof(struct sketch), expiry, old_sketch, NULL);
    remove_old(work, &s->visits, sizeof(struct visit), expiry, old_visit, NULL);
    remove_old(work, &s->due, sizeof(struct site_day), expiry, old_due, NULL);
    remove_old(work, &s->packs, sizeof(struct pack_part), expiry, old_part, NULL);
    remove_old(work, &s->days, sizeof(struct stats_row), expiry, old_stats, NULL);
    remove_old(work, &s->hours, sizeof(struct stats_row), expiry, old_stats, NULL);
    remove_old(work, &s->ledger, sizeof(struct ledger_row), expiry, old_ledger, fold_records);
}

static bool has_rows(struct memory_store *s, struct str site)
{
    /* With these bounds every row of the site is old. */
    const struct expiry all = {site, INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    const struct {
        const struct rows *rows;
        size_t size;
        old_fn *is_old;
    } tables[] = {{&s->events, sizeof(struct event_row), old_event},
                  {&s->sketches, sizeof(struct sketch), old_sketch},
                  {&s->visits, sizeof(struct visit), old_visit},
                  {&s->due, sizeof(struct site_day), old_due},
                  {&s->packs, sizeof(struct pack_part), old_part},
                  {&s->days, sizeof(struct stats_row), old_stats},
                  {&s->hours, sizeof(struct stats_row), old_stats},
                  {&s->ledger, sizeof(struct ledger_row), old_ledger}};

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (size_t i = 0; i < tables[t].rows->count; i++)
            if (tables[t].is_old(&all, (const char *)tables[t].rows->ptr + i * tables[t].size))
                return true;
    return false;
}

static void forget_goals(struct memory_store *s, struct str site)
{
    const struct goals_row *rows = s->goals.ptr;

    for (size_t i = s->goals.count; i-- > 0;)
        if (str_eq(rows[i].site, site))
            rows_remove(&s->goals, sizeof(*rows), i);
}

static void expire_removed(struct work *work, const struct expiry *removed)
{
    struct rows *rows = &work->store->removed;

    for (size_t i = 0; i < rows->count;) {
        struct expiry expiry = *removed;

        expiry.site = ((const struct memory_removed *)rows->ptr)[i].site;
        expire_site(work, &expiry);
        if (has_rows(work->store, expiry.site)) {
            i++;
            continue;
        }
        forget_goals(work->store, expiry.site);
        rows_remove(rows, sizeof(struct memory_removed), i);
    }
}

static bool is_running(const struct expiry_general *general, const struct producer *producer)
{
    for (size_t i = 0; i < general->running_count; i++)
        if (memcmp(&general->running[i], producer, sizeof(*producer)) == 0)
            return true;
    return false;
}

static void expire_general(struct work *work, const struct expiry_general *general)
{
    struct memory_store *s = work->store;

    for (size_t i = 0; i < s->keys.count && work->left > 0;) {
        if (((const struct event_key *)s->keys.ptr)[i].received_ms >= general->keys_before_ms) {
            i++;
            continue;
        }
        rows_remove(&s->keys, sizeof(struct event_key), i);
        work->left--;
    }
    for (size_t i = 0; i < s->positions.count && work->left > 0;) {
        const struct memory_position *row = &((const struct memory_position *)s->positions.ptr)[i];

        if (row->moved_ms >= general->positions_before_ms ||
            is_running(general, &row->position.producer) ||
            producer_is_import(&row->position.producer)) {
            i++;
            continue;
        }
        s->folded_positions += (int64_t)row->position.number;
        rows_remove(&s->positions, sizeof(*row), i);
        work->left--;
    }
}

int memory_expire(struct store *base, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err)
{
    struct work work = {memory_of(base), ROWS_MAX};

    (void)now_ms;
    (void)err;
    for (size_t i = 0; i < count; i++)
        expire_site(&work, &sites[i]);
    if (general != NULL) {
        expire_general(&work, general);
        expire_removed(&work, &general->removed);
    }
    *more = work.left <= 0;
    work.store->version++;
    return 0;
}
