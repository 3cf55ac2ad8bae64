/*
 * store/memory_expire.c -- retention of the memory double.
 */
#include "store/memory_internal.h"

#include <stddef.h>

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
        work->store->retention_rows++;
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

static bool old_part_of_events(const struct expiry *expiry, const void *row)
{
    const struct pack_part *p = row;

    return str_eq(p->site, expiry->site) && p->part >= PACK_EVENTS &&
           p->day < expiry->raw_before_day;
}

static bool old_part_of_visits(const struct expiry *expiry, const void *row)
{
    const struct pack_part *p = row;

    return str_eq(p->site, expiry->site) && p->part >= PACK_VISITS && p->part < PACK_EVENTS &&
           p->day < expiry->visits_before_day;
}

static bool old_pack(const struct expiry *expiry, const void *row)
{
    const struct pack_part *p = row;

    return str_eq(p->site, expiry->site) && p->day < expiry->stats_before_day;
}

static bool old_part(const struct expiry *expiry, const void *row)
{
    return old_part_of_events(expiry, row) || old_part_of_visits(expiry, row) ||
           old_pack(expiry, row);
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

static bool any_old(const struct rows *rows, size_t size, const struct expiry *expiry,
                    old_fn *is_old)
{
    for (size_t i = 0; i < rows->count; i++)
        if (is_old(expiry, (const char *)rows->ptr + i * size))
            return true;
    return false;
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
        if (any_old(tables[t].rows, tables[t].size, &all, tables[t].is_old))
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

/* Rows whose instant at `at` is before. */
static void remove_before(struct work *work, struct rows *rows, size_t size, size_t at,
                          int64_t before_ms)
{
    for (size_t i = 0; i < rows->count && work->left > 0;) {
        int64_t ms;

        memcpy(&ms, (const char *)rows->ptr + i * size + at, sizeof(ms));
        if (ms >= before_ms) {
            i++;
            continue;
        }
        rows_remove(rows, size, i);
        work->left--;
        work->store->retention_rows++;
    }
}

static void expire_positions(struct work *work, const struct expiry_general *general)
{
    struct memory_store *s = work->store;

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
        s->retention_rows++;
    }
}

static void expire_general(struct work *work, const struct expiry_general *general, int64_t now_ms)
{
    struct memory_store *s = work->store;

    remove_before(work, &s->keys, sizeof(struct event_key), offsetof(struct event_key, received_ms),
                  general->keys_before_ms);
    remove_before(work, &s->audit, sizeof(struct audit_row), offsetof(struct audit_row, at_ms),
                  general->audit_before_ms);
    remove_before(work, &s->sessions, sizeof(struct session_row),
                  offsetof(struct session_row, expires_ms), now_ms);
    expire_positions(work, general);
}

int memory_expire(struct store *base, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err)
{
    struct work work = {memory_of(base), ROWS_MAX};

    (void)err;
    for (size_t i = 0; i < count; i++)
        expire_site(&work, &sites[i]);
    if (general != NULL) {
        expire_general(&work, general, now_ms);
        expire_removed(&work, &general->removed);
    }
    *more = work.left <= 0;
    work.store->version++;
    return 0;
}

int memory_finish_retention(struct store *base, uint32_t partitions, int64_t now_ms,
                            struct err *err)
{
    struct memory_store *store = memory_of(base);

    (void)err;
    for (unsigned p = 0; p < PARTITIONS; p++)
        if ((partitions >> p & 1) != 0)
            store->retention_ms[p] = now_ms;
    if (store->retention_since_ms == 0)
        store->retention_since_ms = now_ms;
    return 0;
}

int memory_overdue(struct store *base, const struct expiry *sites, size_t count, uint32_t *out,
                   struct err *err)
{
    const struct memory_store *s = memory_of(base);
    const struct {
        const struct rows *rows;
        size_t size;
        old_fn *is_old;
    } kinds[HOLDINGS_OF_SITES] = {
        [HOLDING_EVENTS] = {&s->events, sizeof(struct event_row), old_event},
        [HOLDING_VISITS] = {&s->visits, sizeof(struct visit), old_visit},
        [HOLDING_SKETCHES] = {&s->sketches, sizeof(struct sketch), old_sketch},
        [HOLDING_EVENT_PARTS] = {&s->packs, sizeof(struct pack_part), old_part_of_events},
        [HOLDING_VISIT_PARTS] = {&s->packs, sizeof(struct pack_part), old_part_of_visits},
        [HOLDING_PACKS] = {&s->packs, sizeof(struct pack_part), old_pack},
        [HOLDING_DAYS] = {&s->days, sizeof(struct stats_row), old_stats},
        [HOLDING_HOURS] = {&s->hours, sizeof(struct stats_row), old_stats},
        [HOLDING_LEDGER] = {&s->ledger, sizeof(struct ledger_row), old_ledger}};

    (void)err;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < HOLDINGS_OF_SITES; k++)
            if (any_old(kinds[k].rows, kinds[k].size, &sites[i], kinds[k].is_old))
                out[i] |= UINT32_C(1) << k;
    return 0;
}
