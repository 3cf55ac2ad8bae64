/*
 * aggregate/batch.c -- records of the queue -> events -> counts -> one transaction.
 */
#include "aggregate/aggregate_internal.h"

#include "base/date.h"
#include "rollup/rollup.h"

#include <stdlib.h>

/* A batch on its way. */
struct batch {
    struct run *run;
    struct arena *arena;
    const struct queue_record *records;
    size_t count;
    struct record *decoded;
    bool *duplicate;
    uint64_t removed; /* events of sites that are no more */
    struct {
        struct str id;
        const struct site *site; /* NULL: none such */
        int32_t raw_from;
        int64_t erased_ms;  /* one of its id, with what was received up to then */
    } last;                 /* the site looked up last: events of one come in rows */
    struct event_key *keys; /* of events that carry one, in order */
    size_t keys_count;
    struct rollup *rollup;
    struct store_batch out;
};

static int decode_all(struct batch *batch, struct err *err)
{
    batch->decoded = arena_bytes(batch->arena, batch->count * sizeof(struct record));
    batch->duplicate = ARENA_NEW(batch->arena, bool, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        if (record_decode(batch->records[i].payload, &batch->decoded[i], err) < 0)
            return err_wrap(err, ERR_INVALID, "record %zu", i);
    return 0;
}

/* -- sites -- */

/* Look the site up. False if it was removed since, or has been given to another tenant. */
static bool find_site(struct batch *batch, struct str site, struct str tenant)
{
    if (!str_eq(batch->last.id, site)) {
        batch->last.id = site;
        batch->last.site = snapshot_site(batch->run->snapshot, site);
        batch->last.raw_from = run_raw_from(batch->run, site);
        batch->last.erased_ms = batch->last.site == NULL
                                    ? INT64_MAX
                                    : past_ms(batch->run->past, batch->last.site->tenant, site);
    }
    return batch->last.site != NULL && str_eq(batch->last.site->tenant, tenant);
}

/* Look the event's site up. False if it is another one by now, or none. */
static bool find_site_of(struct batch *batch, const struct event *event)
{
    return find_site(batch, event->site, event->tenant) &&
           event->received_ms > batch->last.erased_ms;
}

/* -- idempotency keys -- */

/* An event's key with the event's own time of arrival, and whose it is. */
struct claim {
    struct event_key key;
    size_t record;
};

static int by_key_then_order(const void *a, const void *b)
{
    const struct claim *const *x = a, *const *y = b;
    int order = memcmp((*x)->key.id, (*y)->key.id, sizeof((*x)->key.id));

    if (order == 0)
        order = str_cmp((*x)->key.site, (*y)->key.site);
    /* Claims lie in one array, in the order of the log. */
    return order != 0 ? order : (*x > *y) - (*x < *y);
}

static bool same_key(const struct claim *a, const struct claim *b)
{
    return memcmp(a->key.id, b->key.id, sizeof(a->key.id)) == 0 && str_eq(a->key.site, b->key.site);
}

static bool within_a_day(int64_t a, int64_t b)
{
    return a - b <= DAY_MS && b - a <= DAY_MS;
}

static struct claim *claims_of(struct batch *batch, size_t *count)
{
    struct claim *claims = ARENA_NEW(batch->arena, struct claim, batch->count);

    *count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct event *event = &batch->decoded[i].event;

        /* What is not counted has no key: it would be one of a site that is no more, or keep a
         * copy from the site that has its id now. */
        if (batch->decoded[i].kind != RECORD_EVENT || !event->has_id || !find_site_of(batch, event))
            continue;
        struct claim *claim = &claims[(*count)++];

        *claim = (struct claim){{.site = event->site, .received_ms = event->received_ms}, i};
        memcpy(claim->key.id, event->id, sizeof(claim->key.id));
    }
    return claims;
}

/* Go through the events of one key in the order of the log. A copy counts unless one that counted
 * came within a day of it; the last that counts stays in the store. */
static void settle_key(struct batch *batch, const struct claim **group, size_t count,
                       struct event_key counted)
{
    bool put = false;

    for (size_t i = 0; i < count; i++) {
        if (counted.received_ms != 0 &&
            within_a_day(group[i]->key.received_ms, counted.received_ms)) {
            batch->duplicate[group[i]->record] = true;
            continue;
        }
        counted = group[i]->key;
        put = true;
    }
    if (put)
        batch->keys[batch->keys_count++] = counted;
}

static int find_duplicates(struct batch *batch, struct err *err)
{
    size_t count = 0;
    struct claim *claims = claims_of(batch, &count);

    if (count == 0)
        return 0;
    struct event_key *loaded = ARENA_NEW(batch->arena, struct event_key, count);
    const struct claim **order = ARENA_NEW(batch->arena, const struct claim *, count);

    for (size_t i = 0; i < count; i++) {
        loaded[i] = claims[i].key;
        order[i] = &claims[i];
    }
    int rc = store_load_keys(batch->run->store, loaded, count, err);

    if (rc < 0)
        return rc;
    qsort(order, count, sizeof(order[0]), by_key_then_order);
    batch->keys = ARENA_NEW(batch->arena, struct event_key, count);
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && same_key(order[i], order[i + n]);)
            n++;
        settle_key(batch, order + i, n, loaded[order[i] - claims]);
    }
    return 0;
}

/* -- counting -- */

/* Sites that cannot be, since ids have no parentheses: for what belongs to none. */
static const struct str UNREADABLE = STR_INIT("(unreadable)");
static const struct str REMOVED = STR_INIT("(removed)");

static void count_event(struct batch *batch, const struct event *event, bool duplicate)
{
    if (!find_site_of(batch, event)) {
        rollup_ledger(batch->rollup, REMOVED, REMOVED, event->day, LEDGER_DROPPED,
                      drop_reason_name(DROP_DISABLED), 1, 1);
        batch->removed += !duplicate;
        return;
    }
    if (duplicate) {
        rollup_ledger(batch->rollup, event->site, event->tenant, event->day, LEDGER_DROPPED,
                      drop_reason_name(DROP_DUPLICATE), 1, 1);
        return;
    }
    const struct site *site = batch->last.site;

    rollup_add(batch->rollup, event, batch->last.raw_from,
               goals_met(site->goals, site->goals_count, event) != 0);
}

/* A robot's kind stands behind the reason: "bot:ai-crawler". */
static struct str tally_reason(struct batch *batch, const struct tally *tally)
{
    if (tally->rejected)
        return reject_reason_name(tally->reason);
    struct str reason = drop_reason_name(tally->reason), name;
    struct buf buf = {0};

    if (tally->reason != DROP_BOT || tally->bot.len == 0)
        return reason;
    buf_addf(&buf, "%.*s:%.*s", STR_FMT(reason), STR_FMT(tally->bot));
    name = arena_str(batch->arena, buf_str(&buf));
    buf_release(&buf);
    return name;
}

static void count_tally(struct batch *batch, const struct tally *tally)
{
    struct str reason = tally_reason(batch, tally);
    bool removed = !find_site(batch, tally->site, tally->tenant);

    rollup_ledger(batch->rollup, removed ? REMOVED : tally->site, removed ? REMOVED : tally->tenant,
                  tally->day, tally->rejected ? LEDGER_REJECTED : LEDGER_DROPPED, reason,
                  (int64_t)tally->events, 1);
}

static void count_all(struct batch *batch)
{
    batch->rollup = rollup_new(batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->decoded[i].kind == RECORD_EVENT)
            count_event(batch, &batch->decoded[i].event, batch->duplicate[i]);
        else
            count_tally(batch, &batch->decoded[i].tally);
    }
}

static int load_all(struct batch *batch, struct err *err)
{
    struct store *store = batch->run->store;
    size_t count = 0;
    struct sketch *sketches = rollup_sketches(batch->rollup, &count);
    int rc = store_load_sketches(store, batch->arena, sketches, count, err);

    while (rc == 0) {
        const struct visitor_key *visitors = rollup_visitors(batch->rollup, &count);
        struct visit *visits = NULL;
        size_t visits_count = 0;

        if (count == 0)
            break;
        rc = store_load_visits(store, batch->arena, visitors, count, &visits, &visits_count, err);
        if (rc == 0)
            rollup_visits(batch->rollup, visits, visits_count);
    }
    return rc;
}

/* -- positions -- */

static bool same_source(const struct position *a, const struct position *b)
{
    return a->partition == b->partition &&
           memcmp(&a->producer, &b->producer, sizeof(a->producer)) == 0;
}

/* The move of this record's source, made from where it is the first. The last one of each partition
 * is nearly always right: a log holds one producer's records after the other's. */
static struct position_move *find_move(struct position_move *moves, size_t *count,
                                       struct position_move **last, const struct position *at)
{
    struct position_move *move = last[at->partition % PARTITIONS];

    if (move != NULL && same_source(&move->from, at))
        return move;
    for (move = moves; move < moves + *count && !same_source(&move->from, at);)
        move++;
    if (move == moves + *count) {
        *move = (struct position_move){.from = *at};
        move->from.number = at->number - 1;
        ++*count;
    }
    last[at->partition % PARTITIONS] = move;
    return move;
}

/* The queue gives numbers that rise by one, so first and last say all. */
static void move_positions(struct batch *batch)
{
    struct position_move *moves = ARENA_NEW(batch->arena, struct position_move, batch->count);
    struct position_move *last[PARTITIONS] = {NULL};
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const struct position *at = &batch->records[i].position;

        find_move(moves, &count, last, at)->to = at->number;
    }
    batch->out.positions = moves;
    batch->out.positions_count = count;
}

static int build(struct batch *batch, struct err *err)
{
    int rc = decode_all(batch, err);

    if (rc == 0)
        rc = find_duplicates(batch, err);
    if (rc < 0)
        return rc;
    count_all(batch);
    rc = load_all(batch, err);
    if (rc == 0)
        rc = rollup_apply(batch->rollup, &batch->out, err);
    batch->out.keys = batch->keys;
    batch->out.keys_count = batch->keys_count;
    move_positions(batch);
    return rc;
}

static void report(struct batch *batch)
{
    struct aggregate_report *r = batch->run->report;
    uint64_t duplicates = 0;

    r->batches++;
    r->records += batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        bool event = batch->decoded[i].kind == RECORD_EVENT;

        duplicates += batch->duplicate[i];
        r->events += event && !batch->duplicate[i];
    }
    r->duplicates += duplicates;
    r->events -= batch->removed;
    if (batch->run->config->metrics != NULL)
        metrics_dropped(batch->run->config->metrics, DROP_DUPLICATE, duplicates);
}

static int commit_batch(struct run *run, const struct queue_record *records, size_t count,
                        struct err *err)
{
    struct arena arena = {0};
    struct batch batch = {.run = run, .arena = &arena, .records = records, .count = count};
    int rc = build(&batch, err);

    if (rc == 0)
        rc = store_commit(run->store, &batch.out, err);
    if (rc == 0)
        report(&batch);
    arena_free(&arena);
    return rc;
}

/* Commit a ledger line, and positions, alone. */
static int commit_line(struct batch *batch, struct err *err)
{
    int rc = rollup_apply(batch->rollup, &batch->out, err);

    return rc < 0 ? rc : store_commit(batch->run->store, &batch->out, err);
}

/* The record's place in the books is the line of its site and day. */
static int commit_unstorable(struct run *run, const struct queue_record *record, struct err *err)
{
    struct arena arena = {0};
    struct batch batch = {.run = run, .arena = &arena, .records = record, .count = 1};
    struct record decoded = {0};
    struct str site = UNREADABLE, tenant = UNREADABLE;
    int32_t day = (int32_t)(run->now_ms / DAY_MS);

    if (record_decode(record->payload, &decoded, NULL) == 0) {
        bool event = decoded.kind == RECORD_EVENT;

        site = event ? decoded.event.site : decoded.tally.site;
        tenant = event ? decoded.event.tenant : decoded.tally.tenant;
        day = event ? decoded.event.day : decoded.tally.day;
    }
    batch.rollup = rollup_new(&arena);
    rollup_ledger(batch.rollup, site, tenant, day, LEDGER_REJECTED,
                  reject_reason_name(REJECT_UNSTORABLE), 1, 1);
    move_positions(&batch);
    int rc = commit_line(&batch, err);

    arena_free(&arena);
    return rc;
}

int batch_lose(struct run *run, const struct queue_loss *losses, size_t count, struct err *err)
{
    struct arena arena = {0};
    struct batch batch = {.run = run, .arena = &arena, .rollup = rollup_new(&arena)};
    struct position_move *moves = ARENA_NEW(&arena, struct position_move, count);

    for (size_t i = 0; i < count; i++) {
        int64_t records = (int64_t)(losses[i].to - losses[i].from.number);

        moves[i] = (struct position_move){losses[i].from, losses[i].to};
        rollup_ledger(batch.rollup, UNREADABLE, UNREADABLE, (int32_t)(run->now_ms / DAY_MS),
                      LEDGER_REJECTED, losses[i].restore ? STR("lost-by-restore") : STR("lost"),
                      records, records);
        run->report->lost += (uint64_t)records;
    }
    batch.out.positions = moves;
    batch.out.positions_count = count;
    int rc = commit_line(&batch, err);

    arena_free(&arena);
    return rc;
}

int batch_count(struct run *run, const struct queue_record *records, size_t count, struct err *err)
{
    int rc = commit_batch(run, records, count, err);

    if (rc != ERR_INVALID)
        return rc;
    if (count > 1) {
        rc = batch_count(run, records, count / 2, err);
        return rc < 0 ? rc : batch_count(run, records + count / 2, count - count / 2, err);
    }
    rc = dead_letter(run, records, err->text, err);
    if (rc == 0)
        rc = commit_unstorable(run, records, err);
    if (rc == 0) {
        run->report->records++;
        run->report->unstorable++;
        run->report->batches++;
    }
    return rc;
}
