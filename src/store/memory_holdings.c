/*
 * store/memory_holdings.c -- what the memory double holds.
 */
#include "store/memory_internal.h"

#include "base/date.h"

static void note(struct holding *holding, int32_t day)
{
    holding->rows++;
    if (holding->oldest_day == DAY_NONE || day < holding->oldest_day)
        holding->oldest_day = day;
    if (holding->newest_day == DAY_NONE || day > holding->newest_day)
        holding->newest_day = day;
}

static int32_t day_of(int64_t ms)
{
    return (int32_t)(ms / DAY_MS);
}

static void note_events(const struct memory_store *store, struct holdings *out)
{
    const struct event_row *events = store->events.ptr;

    for (size_t i = 0; i < store->events.count; i++) {
        note(&out->kinds[HOLDING_EVENTS], events[i].event.day);
        out->prefixes += events[i].event.prefix.len > 0;
    }
}

static void note_packs(const struct memory_store *store, struct holdings *out)
{
    const struct pack_part *parts = store->packs.ptr;

    for (size_t i = 0; i < store->packs.count; i++) {
        note(&out->kinds[HOLDING_PACKS], parts[i].day);
        if (parts[i].part >= PACK_EVENTS)
            note(&out->kinds[HOLDING_EVENT_PARTS], parts[i].day);
        else if (parts[i].part >= PACK_VISITS)
            note(&out->kinds[HOLDING_VISIT_PARTS], parts[i].day);
    }
}

/* Where a row of a kind has its day, or, of what belongs to no site, its instant. */
struct dated {
    enum holding_kind kind;
    const struct rows *rows;
    size_t size, at;
};

static void note_dated(const struct dated *dated, struct holdings *out)
{
    for (size_t i = 0; i < dated->rows->count; i++) {
        const char *row = (const char *)dated->rows->ptr + i * dated->size;
        int32_t day;
        int64_t ms;

        memcpy(&day, row + dated->at, sizeof(day));
        if (dated->kind >= HOLDINGS_OF_SITES) {
            memcpy(&ms, row + dated->at, sizeof(ms));
            day = day_of(ms);
        }
        note(&out->kinds[dated->kind], day);
    }
}

static void note_removed(const struct memory_store *store, struct arena *arena,
                         struct holdings *out)
{
    const struct memory_removed *removed = store->removed.ptr;

    out->removed = ARENA_NEW(arena, struct str, store->removed.count + 1);
    for (size_t i = 0; i < store->removed.count; i++)
        out->removed[out->removed_count++] = removed[i].site;
}

static void note_retention(const struct memory_store *store, struct holdings *out)
{
    out->retention_since_ms = store->retention_since_ms;
    out->retention_rows = store->retention_rows;
    out->retention_ended_ms = store->retention_ms[0];
    for (unsigned p = 1; p < PARTITIONS; p++)
        if (store->retention_ms[p] < out->retention_ended_ms)
            out->retention_ended_ms = store->retention_ms[p];
}

int memory_holdings(struct store *base, struct arena *arena, struct holdings *out, struct err *err)
{
    const struct memory_store *s = memory_of(base);
    const struct dated all[] = {
        {HOLDING_VISITS, &s->visits, sizeof(struct visit), offsetof(struct visit, key.day)},
        {HOLDING_SKETCHES, &s->sketches, sizeof(struct sketch), offsetof(struct sketch, key.day)},
        {HOLDING_DAYS, &s->days, sizeof(struct stats_row), offsetof(struct stats_row, day)},
        {HOLDING_HOURS, &s->hours, sizeof(struct stats_row), offsetof(struct stats_row, day)},
        {HOLDING_LEDGER, &s->ledger, sizeof(struct ledger_row), offsetof(struct ledger_row, day)},
        {HOLDING_KEYS, &s->keys, sizeof(struct event_key), offsetof(struct event_key, received_ms)},
        {HOLDING_AUDIT, &s->audit, sizeof(struct audit_row), offsetof(struct audit_row, at_ms)},
        {HOLDING_TOKENS, &s->tokens, sizeof(struct token_row),
         offsetof(struct token_row, created_ms)},
        {HOLDING_SITES, &s->sites, sizeof(struct site_row), offsetof(struct site_row, created_ms)},
        {HOLDING_TENANTS, &s->tenants, sizeof(struct tenant_row),
         offsetof(struct tenant_row, created_ms)}};

    (void)err;
    note_events(s, out);
    note_packs(s, out);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        note_dated(&all[i], out);
    note_removed(s, arena, out);
    note_retention(s, out);
    return 0;
}

int memory_about(struct store *base, struct store_about *out, struct err *err)
{
    (void)base;
    (void)err;
    out->kind = STR("memory");
    return 0;
}
