/*
 * rollup/rollup.c -- counters, sets of visitors, raw rows and the ledger of one batch.
 *
 * Events are gathered under their site's day and hour. Numbers are differences to add; only sets
 * are loaded, extended and replaced, and what they grew by is a difference again.
 */
#include "rollup/rollup_internal.h"

#include <xxhash.h>

void *rollup_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 16 : *cap * 2;
    void *more = arena_bytes(arena, *cap * size);

    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

struct rollup *rollup_new(struct arena *arena)
{
    struct rollup *rollup = ARENA_NEW(arena, struct rollup, 1);

    rollup->arena = arena;
    return rollup;
}

static size_t site_index(struct rollup *rollup, struct str site)
{
    size_t i = (size_t)XXH3_64bits(site.ptr, site.len);

    for (;; i++) {
        const struct site_slots *s = rollup->sites[i & (rollup->sites_size - 1)];

        if (s == NULL || str_eq(s->site, site))
            return i & (rollup->sites_size - 1);
    }
}

static void sites_grow(struct rollup *rollup)
{
    struct site_slots **old = rollup->sites;
    size_t old_size = rollup->sites_size;

    rollup->sites_size = old_size == 0 ? 64 : old_size * 2;
    rollup->sites = ARENA_NEW(rollup->arena, struct site_slots *, rollup->sites_size);
    for (size_t i = 0; i < old_size; i++)
        if (old[i] != NULL)
            rollup->sites[site_index(rollup, old[i]->site)] = old[i];
}

static struct site_slots *site_get(struct rollup *rollup, struct str site, struct str tenant)
{
    if (rollup->last_site != NULL && str_eq(rollup->last_site->site, site))
        return rollup->last_site;
    if (2 * (rollup->sites_count + 1) > rollup->sites_size)
        sites_grow(rollup);
    size_t at = site_index(rollup, site);

    if (rollup->sites[at] == NULL) {
        rollup->sites[at] = ARENA_NEW(rollup->arena, struct site_slots, 1);
        *rollup->sites[at] = (struct site_slots){.site = site, .tenant = tenant};
        rollup->sites_count++;
    }
    rollup->last_site = rollup->sites[at];
    return rollup->last_site;
}

/* Find the slot and move it to the front, or put a new one there. */
static struct slot *slot_get(struct rollup *rollup, struct site_slots *site, struct slot **list,
                             int32_t day, int64_t hour_ms)
{
    struct slot **at = list;

    while (*at != NULL && ((*at)->row.day != day || (*at)->row.hour_ms != hour_ms))
        at = &(*at)->next;
    struct slot *slot = *at;

    if (slot == NULL) {
        slot = ARENA_NEW(rollup->arena, struct slot, 1);
        slot->row = (struct stats_row){
            .site = site->site, .tenant = site->tenant, .day = day, .hour_ms = hour_ms};
    } else {
        *at = slot->next;
    }
    slot->next = *list;
    *list = slot;
    return slot;
}

struct slot *slots_day(struct rollup *rollup, struct site_slots *site, int32_t day)
{
    return slot_get(rollup, site, &site->days, day, 0);
}

struct slot *slots_hour(struct rollup *rollup, struct site_slots *site, int32_t day,
                        int64_t hour_ms)
{
    return slot_get(rollup, site, &site->hours, day, hour_ms);
}

static void seen_add(struct rollup *rollup, struct seen *seen, uint64_t visitor)
{
    seen->visitors = rollup_grow(rollup->arena, seen->visitors, seen->count, &seen->cap,
                                 sizeof(seen->visitors[0]));
    seen->visitors[seen->count++] = visitor;
}

static void slot_count(struct rollup *rollup, struct slot *slot, const struct event *event,
                       uint64_t visitor, bool converts)
{
    struct stats *stats = &slot->row.stats;
    int64_t *counter = stats_counter(stats, event->kind);

    if (counter != NULL)
        *counter += event->kind == EVENT_AI_USAGE ? event->tokens * event->count : event->count;
    if (event->kind == EVENT_PAGEVIEW && visitor != 0)
        stats->visit_pageviews += event->count;
    if (visitor != 0)
        seen_add(rollup, &slot->visitors, visitor);
    if (!converts)
        return;
    stats->conversions += event->count;
    if (visitor != 0)
        seen_add(rollup, &slot->converters, visitor);
    else
        stats->unattributed_conversions += event->count;
}

void rollup_add(struct rollup *rollup, const struct event *event, int32_t raw_from, bool converts)
{
    struct site_slots *site = site_get(rollup, event->site, event->tenant);
    struct slot *day = slots_day(rollup, site, event->day);
    bool keep_raw = event->day >= raw_from;
    uint64_t visitor = keep_raw ? event->visitor : 0;

    site->raw_from = raw_from;
    day->stored++;
    day->due |= keep_raw;
    if (event->kind != EVENT_ENGAGEMENT) {
        slot_count(rollup, day, event, visitor, converts);
        slot_count(rollup, slots_hour(rollup, site, event->day, event->hour_ms), event, visitor,
                   converts);
    }
    if (visitor != 0)
        visits_touch(rollup, site, event);
    if (!keep_raw)
        return;
    site->raw = rollup_grow(rollup->arena, site->raw, site->raw_count, &site->raw_cap,
                            sizeof(site->raw[0]));
    site->raw[site->raw_count++] = event;
}

void rollup_ledger(struct rollup *rollup, struct str site, struct str tenant, int32_t day,
                   enum ledger_kind kind, struct str reason, int64_t events, int64_t records)
{
    struct slot *slot = slots_day(rollup, site_get(rollup, site, tenant), day);
    struct ledger_line *line = slot->ledger;

    while (line != NULL && (line->row.kind != kind || !str_eq(line->row.reason, reason)))
        line = line->next;
    if (line == NULL) {
        line = ARENA_NEW(rollup->arena, struct ledger_line, 1);
        line->row = (struct ledger_row){
            .site = site, .tenant = tenant, .day = day, .kind = kind, .reason = reason};
        line->next = slot->ledger;
        slot->ledger = line;
    }
    line->row.events += events;
    line->row.records += records;
}

/* Calls fn for each day's and hour's slot. */
static void each_slot(struct rollup *rollup, void (*fn)(struct rollup *, struct slot *, void *),
                      void *ctx)
{
    for (size_t i = 0; i < rollup->sites_size; i++) {
        const struct site_slots *site = rollup->sites[i];

        for (struct slot *s = site == NULL ? NULL : site->days; s != NULL; s = s->next)
            fn(rollup, s, ctx);
        for (struct slot *s = site == NULL ? NULL : site->hours; s != NULL; s = s->next)
            fn(rollup, s, ctx);
    }
}

static bool is_hour(const struct slot *slot)
{
    return slot->row.hour_ms != 0;
}

static void want_sketch(struct rollup *rollup, struct slot *slot, struct seen *seen,
                        enum sketch_kind kind)
{
    if (seen->count == 0)
        return;
    size_t n = rollup->sketches_count++;

    rollup->sketches[n].key =
        (struct sketch_key){slot->row.site, kind, slot->row.day, slot->row.hour_ms};
    rollup->sketch_seen[n] = seen;
    rollup->sketch_stats[n] = &slot->row.stats;
}

static void want_sketches(struct rollup *rollup, struct slot *slot, void *ctx)
{
    (void)ctx;
    want_sketch(rollup, slot, &slot->visitors,
                is_hour(slot) ? SKETCH_HOUR_VISITORS : SKETCH_DAY_VISITORS);
    want_sketch(rollup, slot, &slot->converters,
                is_hour(slot) ? SKETCH_HOUR_CONVERTERS : SKETCH_DAY_CONVERTERS);
}

static void count_slot(struct rollup *rollup, struct slot *slot, void *ctx)
{
    (void)rollup;
    (void)slot;
    ++*(size_t *)ctx;
}

struct sketch *rollup_sketches(struct rollup *rollup, size_t *count)
{
    size_t slots = 0;

    each_slot(rollup, count_slot, &slots);
    rollup->sketches_count = 0;
    rollup->sketches = ARENA_NEW(rollup->arena, struct sketch, 2 * slots + 1);
    rollup->sketch_seen = ARENA_NEW(rollup->arena, struct seen *, 2 * slots + 1);
    rollup->sketch_stats = ARENA_NEW(rollup->arena, struct stats *, 2 * slots + 1);
    each_slot(rollup, want_sketches, NULL);
    *count = rollup->sketches_count;
    return rollup->sketches;
}

static int sketch_apply(struct rollup *rollup, size_t n, bool *changed, struct err *err)
{
    struct sketch *sketch = &rollup->sketches[n];
    struct stats *stats = rollup->sketch_stats[n];
    bool visitors =
        sketch->key.kind == SKETCH_DAY_VISITORS || sketch->key.kind == SKETCH_HOUR_VISITORS;
    struct distinct *set = NULL;

    if (distinct_load(sketch->bytes, rollup->arena, &set, err) < 0)
        return err_wrap(err, ERR_CORRUPT, "site %.*s", STR_FMT(sketch->key.site));
    int64_t before = distinct_count(set);

    *changed = false;
    for (size_t i = 0; i < rollup->sketch_seen[n]->count; i++)
        *changed |= distinct_add(set, rollup->sketch_seen[n]->visitors[i], rollup->arena);
    if (!*changed)
        return 0;
    *(visitors ? &stats->unique_visitors : &stats->converters) += distinct_count(set) - before;
    stats->estimated |= !distinct_is_exact(set);
    sketch->bytes = distinct_save(set, rollup->arena);
    return 0;
}

static int sketches_apply(struct rollup *rollup, struct store_batch *batch, struct err *err)
{
    size_t kept = 0;

    for (size_t n = 0; n < rollup->sketches_count; n++) {
        bool changed = false;

        if (sketch_apply(rollup, n, &changed, err) < 0)
            return ERR_CORRUPT;
        if (changed)
            rollup->sketches[kept++] = rollup->sketches[n];
    }
    batch->sketches = rollup->sketches;
    batch->sketches_count = kept;
    return 0;
}

struct rows_out {
    struct stats_row *days, *hours;
    size_t days_count, hours_count;
    struct ledger_row *ledger;
    size_t ledger_count, ledger_cap;
    struct site_day *due;
    size_t due_count;
};

static void out_ledger(struct rollup *rollup, struct rows_out *out, const struct ledger_row *row)
{
    out->ledger = rollup_grow(rollup->arena, out->ledger, out->ledger_count, &out->ledger_cap,
                              sizeof(out->ledger[0]));
    out->ledger[out->ledger_count++] = *row;
}

static void out_slot(struct rollup *rollup, struct slot *slot, void *ctx)
{
    static const struct stats nothing = {0};
    struct rows_out *out = ctx;

    if (memcmp(&slot->row.stats, &nothing, sizeof(nothing)) != 0) {
        if (is_hour(slot))
            out->hours[out->hours_count++] = slot->row;
        else
            out->days[out->days_count++] = slot->row;
    }
    if (slot->stored > 0)
        out_ledger(rollup, out,
                   &(struct ledger_row){.site = slot->row.site,
                                        .tenant = slot->row.tenant,
                                        .day = slot->row.day,
                                        .kind = LEDGER_STORED,
                                        .events = slot->stored,
                                        .records = slot->stored});
    if (slot->due)
        out->due[out->due_count++] = (struct site_day){slot->row.site, slot->row.day};
    for (const struct ledger_line *line = slot->ledger; line != NULL; line = line->next)
        out_ledger(rollup, out, &line->row);
}

/* Those of a site together: their rows stand together, too. */
static void out_raw(struct rollup *rollup, struct store_batch *batch)
{
    const struct event **all;
    size_t count = 0;

    for (size_t i = 0; i < rollup->sites_size; i++)
        count += rollup->sites[i] == NULL ? 0 : rollup->sites[i]->raw_count;
    all = ARENA_NEW(rollup->arena, const struct event *, count + 1);
    batch->events = all;
    batch->events_count = count;
    for (size_t i = 0; i < rollup->sites_size; i++) {
        const struct site_slots *site = rollup->sites[i];

        if (site == NULL || site->raw_count == 0)
            continue;
        memcpy(all, site->raw, site->raw_count * sizeof(all[0]));
        all += site->raw_count;
    }
}

int rollup_apply(struct rollup *rollup, struct store_batch *batch, struct err *err)
{
    struct rows_out out = {0};
    size_t slots = 0;

    if (sketches_apply(rollup, batch, err) < 0)
        return ERR_CORRUPT;
    visits_apply(rollup, batch);
    each_slot(rollup, count_slot, &slots);
    out.days = ARENA_NEW(rollup->arena, struct stats_row, slots + 1);
    out.hours = ARENA_NEW(rollup->arena, struct stats_row, slots + 1);
    out.due = ARENA_NEW(rollup->arena, struct site_day, slots + 1);
    each_slot(rollup, out_slot, &out);
    out_raw(rollup, batch);
    batch->days = out.days;
    batch->days_count = out.days_count;
    batch->hours = out.hours;
    batch->hours_count = out.hours_count;
    batch->ledger = out.ledger;
    batch->ledger_count = out.ledger_count;
    batch->due = out.due;
    batch->due_count = out.due_count;
    return 0;
}
