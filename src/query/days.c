/*
 * days.c -- the facts of the days of a range, wherever they are kept.
 *
 * A day that is due has facts in its raw rows and visits alone; of the others the pack answers, if
 * there is one, and where there is none nothing happened (or nothing is left of it). The parts of
 * all packed days come in one pass, by day: a day's are collected until the next day's begin.
 *
 * Memory: one day's facts at a time. Whatever is kept longer is the callback's to keep elsewhere.
 */
#include "base/date.h"
#include "query/query_internal.h"

/* -- days that are due --------------------------------------------------------------------- */

bool due_has(const struct due *due, int32_t day)
{
    size_t low = 0, high = due->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (due->days[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < due->count && due->days[low] == day;
}

static int load_recent(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                       int64_t stamp, struct query_recent *recent, struct arena *arena,
                       struct facts **out, struct err *err)
{
    struct recent_day *taken = NULL;
    int rc = recent_take(recent, store, site, day, until_ms, stamp, &taken, err);
    size_t count;

    if (rc != 0)
        return rc;
    const struct pack_part *parts = recent_parts(taken, &count);
    rc = facts_unpack(site, day, parts, count, arena, out, err);
    recent_give(recent, taken);
    return rc;
}

/* From its rows, or from `recent`; then `scratch` is emptied. */
static int each_part(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
                     int64_t stamp, struct query_recent *recent, struct arena *scratch, day_fn *fn,
                     void *ctx, struct err *err)
{
    struct facts *facts = NULL;
    int rc = recent == NULL
                 ? facts_load_until(store, site, day, until_ms, scratch, &facts, err)
                 : load_recent(store, site, day, until_ms, stamp, recent, scratch, &facts, err);

    if (rc == 0)
        rc = fn(ctx, day, facts);
    arena_reset(scratch);
    return rc;
}

static int read_stamp(struct store *store, const struct site *site, int64_t *out, struct err *err)
{
    return store_stamp(store, UINT32_C(1) << site_partition(site->id), out, err);
}

int days_each_due(struct store *store, const struct site *site, const struct due *due,
                  struct query_recent *recent, struct arena *scratch, day_fn *fn, void *ctx,
                  struct err *err)
{
    int64_t stamp = 0;
    int rc = 0;

    if (recent != NULL && due->count > 0)
        rc = read_stamp(store, site, &stamp, err);
    for (size_t i = 0; i < due->count && rc == 0; i++)
        rc = each_part(store, site, due->days[i], INT64_MAX, stamp, recent, scratch, fn, ctx, err);
    return rc;
}

int days_part(struct store *store, const struct site *site, int32_t day, int64_t until_ms,
              struct query_recent *recent, struct arena *scratch, day_fn *fn, void *ctx,
              struct err *err)
{
    int64_t stamp = 0;
    int rc = recent == NULL ? 0 : read_stamp(store, site, &stamp, err);

    if (rc == 0)
        rc = each_part(store, site, day, until_ms, stamp, recent, scratch, fn, ctx, err);
    return rc;
}

/* -- days that are packed ------------------------------------------------------------------ */

/* What the answer needs, and what its totals need. */
enum { PARTS_MAX = 2 * PACK_PARTS_MAX };

struct packed {
    const struct site *site;
    const struct due *due;
    int32_t day; /* of what was collected */
    struct pack_part parts[PARTS_MAX];
    size_t count;
    struct arena *scratch;
    day_fn *fn;
    void *ctx;
    struct err *err;
};

/* Give out what was collected of one day. */
static int flush(struct packed *packed)
{
    struct facts *facts = NULL;
    char date[DATE_TEXT];

    if (packed->count == 0)
        return 0;
    int rc = facts_unpack(packed->site, packed->day, packed->parts, packed->count, packed->scratch,
                          &facts, packed->err);
    if (rc == 0) {
        rc = packed->fn(packed->ctx, packed->day, facts);
    } else {
        date_format(packed->day, date);
        rc = err_wrap(packed->err, rc, "pack of %.*s, %s", STR_FMT(packed->site->id), date);
    }
    packed->count = 0;
    arena_reset(packed->scratch);
    return rc;
}

static int take_part(void *ctx, const struct pack_part *part)
{
    struct packed *packed = ctx;

    if (packed->count > 0 && part->day != packed->day) {
        int rc = flush(packed);
        if (rc != 0)
            return rc;
    }
    if (due_has(packed->due, part->day) || packed->count == PARTS_MAX)
        return 0;
    packed->day = part->day;
    packed->parts[packed->count++] = (struct pack_part){packed->site->id, part->day, part->part,
                                                        arena_str(packed->scratch, part->bytes)};
    return 0;
}

/* Two ascending lists as one; gives its length. */
static size_t merge(const int32_t *a, size_t a_count, const int32_t *b, size_t b_count,
                    int32_t out[PARTS_MAX])
{
    size_t i = 0, k = 0, n = 0;

    while (i < a_count || k < b_count) {
        bool both = i < a_count && k < b_count;
        bool first = k == b_count || (both && a[i] <= b[k]);
        if (both && a[i] == b[k])
            k++;
        out[n++] = first ? a[i++] : b[k++];
    }
    return n;
}

static size_t parts_of(const struct days_ask *ask, int32_t out[PARTS_MAX])
{
    const struct query_filters *filters = ask->filters;
    int32_t totals[PACK_PARTS_MAX], values[PACK_PARTS_MAX];
    size_t totals_count, values_count = 0;
    bool events;

    totals_count =
        facts_parts(DIMENSIONS, filters->filters, filters->count, ask->hours, totals, &events);
    if (ask->dimension != DIMENSIONS)
        values_count =
            facts_parts(ask->dimension, filters->filters, filters->count, false, values, &events);
    return merge(totals, totals_count, values, values_count, out);
}

static int each_packed(struct store *store, struct range range, const struct days_ask *ask,
                       struct packed *packed, struct err *err)
{
    int32_t parts[PARTS_MAX];
    size_t count = parts_of(ask, parts);
    const struct site *site = packed->site;
    int rc = store_each_pack(store, site->tenant, site->id, range.from, range.to, parts, count,
                             take_part, packed, err);

    return rc != 0 ? rc : flush(packed);
}

int days_each(struct store *store, const struct site *site, struct range range,
              const struct days_ask *ask, struct arena *scratch, day_fn *fn, void *ctx,
              struct err *err)
{
    struct arena list = {0};
    struct due due = {0};
    struct packed packed = {
        .site = site, .due = &due, .scratch = scratch, .fn = fn, .ctx = ctx, .err = err};
    int rc = 0;

    if (range.from > range.to)
        return 0;
    rc = store_due_days(store, site->tenant, site->id, range.from, range.to, &list, &due.days,
                        &due.count, err);
    if (rc == 0)
        rc = days_each_due(store, site, &due, ask->recent, scratch, fn, ctx, err);
    if (rc == 0)
        rc = each_packed(store, range, ask, &packed, err);
    arena_free(&list);
    return rc;
}
