/*
 * ledger.c -- the books of a site: what was received is stored, dropped or rejected.
 *
 * Rows come by day, kind and reason; the reasons of all days together are few (DROP_REASONS and
 * REJECT_REASONS, and the kinds of robots), so the sums are found by looking through them.
 *
 * The reason of a robot is "bot", or "bot:KIND" where its kind is known. Both are the reason `bot`;
 * the kinds stand in a list of their own, whose sum may be less.
 */
#include "query/query_internal.h"

struct ledger_reader {
    struct range range;
    struct arena *arena;
    struct query_ledger *out;
};

/* A list grows by doubling: reasons of a later version are kept as they are. Rows without events
 * carry records alone (those of imported totals) and give no reason. */
static void add_reason(struct query_reason **list, size_t *count, struct str reason, int64_t events,
                       struct arena *arena)
{
    size_t at = 0;

    if (events == 0)
        return;
    while (at < *count && str_cmp((*list)[at].reason, reason) < 0)
        at++;
    if (at < *count && str_eq((*list)[at].reason, reason)) {
        (*list)[at].events += events;
        return;
    }
    if ((*count & (*count - 1)) == 0) {
        struct query_reason *grown =
            ARENA_NEW(arena, struct query_reason, *count == 0 ? 1 : *count * 2);
        if (*count > 0)
            memcpy(grown, *list, *count * sizeof(*grown));
        *list = grown;
    }
    memmove(*list + at + 1, *list + at, (*count - at) * sizeof(**list));
    (*list)[at] = (struct query_reason){arena_str(arena, reason), events};
    (*count)++;
}

static void add_dropped(struct query_books *books, struct str reason, int64_t events,
                        struct arena *arena)
{
    struct str bot = drop_reason_name(DROP_BOT);

    if (reason.len > bot.len && str_starts(reason, bot) && reason.ptr[bot.len] == ':') {
        struct str kind = str_slice(reason, bot.len + 1, reason.len);
        add_reason(&books->bots, &books->bots_count, kind, events, arena);
        reason = bot;
    }
    add_reason(&books->dropped, &books->dropped_count, reason, events, arena);
}

static void add_books(struct query_books *books, const struct ledger_row *row, struct arena *arena)
{
    books->received += row->events;
    if (row->kind == LEDGER_STORED)
        books->stored += row->events;
    else if (row->kind == LEDGER_DROPPED)
        add_dropped(books, row->reason, row->events, arena);
    else
        add_reason(&books->rejected, &books->rejected_count, row->reason, row->events, arena);
}

static int add_row(void *ctx, const struct ledger_row *row)
{
    struct ledger_reader *reader = ctx;
    size_t at = (size_t)(row->day - reader->range.from);

    add_books(&reader->out->sum, row, reader->arena);
    add_books(&reader->out->days[at].books, row, reader->arena);
    return 0;
}

int query_ledger(struct store *store, const struct site *site, struct range range,
                 int32_t available, struct arena *arena, struct query_ledger *out, struct err *err)
{
    struct range kept = range_kept(range, available);
    struct ledger_reader reader = {.range = range, .arena = arena, .out = out};

    *out = (struct query_ledger){.days_count = (size_t)range_days(range)};
    out->days = ARENA_NEW(arena, struct query_ledger_day, out->days_count);
    for (size_t i = 0; i < out->days_count; i++) {
        int32_t day = range.from + (int32_t)i;
        out->days[i] = (struct query_ledger_day){.day = day, .kept = day >= available};
    }
    if (kept.from > kept.to)
        return 0;
    return store_each_ledger(store, site->tenant, site->id, kept.from, kept.to, add_row, &reader,
                             err);
}
