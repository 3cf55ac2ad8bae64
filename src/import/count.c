/*
 * import/count.c -- records of a source on their way through the job: each is an event, or a tally
 * that says why it is none.
 *
 * Visitors. The salts of past days are gone, as they should be. An import makes its own: each day's
 * is a keyed hash of the day under the source's secret, so that an import that was cut off goes on
 * with the same ids, and nobody without the secret can make them again.
 */
#include "base/clock.h"
#include "base/date.h"
#include "facts/facts.h"
#include "import/import_internal.h"
#include "queue/queue.h"

#include <sodium.h>
#include <string.h>

enum { PAGE_ROWS = 5000 };

struct importing {
    const struct import_config *config;
    const struct import_source *source;
    struct import_report *report;
    struct target target;
    const struct site *site; /* the target's */
    uint64_t number;         /* of the last record that was asked for */
    struct arena scratch, days_arena;
    struct buf payload;
    struct salts salts;
    uint8_t id_key[16];
    int64_t now_ms;
    int32_t today, open_from; /* open_from: older days are not kept at all */
    struct days closed;       /* days that take no more */
};

/* -- days -- */

static bool takes_day(const struct importing *self, int32_t day)
{
    return day >= self->open_from && !days_has(&self->closed, day);
}

struct closing {
    struct importing *self;
    struct days due, packed;
};

static int add_packed(void *ctx, const struct pack_part *part)
{
    struct closing *closing = ctx;

    if (!days_has(&closing->due, part->day))
        (void)days_add(&closing->packed, part->day, &closing->self->days_arena);
    return 0;
}

static int take_stored(void *ctx, const struct ledger_row *row)
{
    *(int64_t *)ctx += row->kind == LEDGER_STORED ? row->events : 0;
    return 0;
}

/* Does the day still have all rows that were ever stored? Then it can be packed again. */
static int is_whole(struct importing *self, int32_t day, bool *out, struct err *err)
{
    const struct site *site = self->site;
    int64_t from_ms = tz_day_start(site->tz, day), to_ms = tz_day_start(site->tz, day + 1);
    struct event_cursor cursor = {INT64_MIN, 0};
    size_t count = PAGE_ROWS;
    int64_t stored = 0, there = 0;
    int rc = store_each_ledger(self->config->store, site->tenant, site->id, day, day, take_stored,
                               &stored, err);

    while (rc == 0 && count == PAGE_ROWS) {
        struct event_row *rows = NULL;

        arena_reset(&self->scratch);
        rc = store_page_events(self->config->store, site->tenant, site->id, from_ms, to_ms, cursor,
                               PAGE_ROWS, &self->scratch, &rows, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            there += rows[i].event.day == day;
            cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
        }
    }
    *out = there == stored;
    return rc;
}

/* Those of the packed days that have lost rows. */
static int close_days(struct importing *self, const struct days *packed, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < packed->count; i++) {
        bool whole = false;

        rc = is_whole(self, packed->day[i], &whole, err);
        if (rc == 0 && !whole)
            (void)days_add(&self->closed, packed->day[i], &self->days_arena);
    }
    return rc;
}

static int find_packed(struct importing *self, int32_t raw_from, struct err *err)
{
    const struct site *site = self->site;
    struct store *store = self->config->store;
    const int32_t part = 0;
    struct closing closing = {.self = self};
    int rc = store_due_days(store, site->tenant, site->id, INT32_MIN, raw_from, &self->days_arena,
                            &closing.due.day, &closing.due.count, err);

    if (rc == 0)
        rc = store_each_pack(store, site->tenant, site->id, INT32_MIN, raw_from, &part, 1,
                             add_packed, &closing, err);
    return rc == 0 ? close_days(self, &closing.packed, err) : rc;
}

static int find_closed(struct importing *self, struct err *err)
{
    const struct site *site = self->site;
    struct target_days days;
    int rc;

    arena_reset(&self->days_arena);
    rc = target_days(self->config->store, site, &self->days_arena, &days, err);
    self->closed = days.imported;
    self->open_from = site->stats_days == 0 ? INT32_MIN : self->today - site->stats_days;
    return rc == 0 && site->raw_days != 0 ? find_packed(self, self->today - site->raw_days, err)
                                          : rc;
}

/* -- salts -- */

static void make_salt(struct importing *self, int32_t day)
{
    struct salt *salt = &self->salts.salt[self->salts.count++];
    char text[DATE_TEXT];

    salt->day = day;
    date_format(day, text);
    crypto_generichash(salt->key, SALT_BYTES, (const uint8_t *)text, strlen(text),
                       self->source->secret, SALT_BYTES);
}

/* Time goes forward: the day, and the one before for visits over midnight. */
static const struct salts *salts_of(struct importing *self, int32_t day)
{
    if (self->salts.count == 0 || self->salts.salt[0].day != day) {
        self->salts.count = 0;
        for (int32_t back = 0; back <= 2; back++)
            make_salt(self, day - back);
    }
    return &self->salts;
}

/* -- records -- */

static void put_tally(struct importing *self, int32_t day, bool rejected, uint8_t reason,
                      struct str bot)
{
    const struct tally tally = {.site = self->site->id,
                                .tenant = self->site->tenant,
                                .day = day,
                                .rejected = rejected,
                                .reason = reason,
                                .bot = bot,
                                .events = 1};

    tally_encode(&tally, &self->payload);
}

static void put_drop(struct importing *self, int32_t day, enum drop_reason reason, struct str bot)
{
    self->report->dropped[reason]++;
    put_tally(self, day, false, (uint8_t)reason, bot);
}

/* What is wrong stands in the ledger of the day of the import: the record's own cannot be trusted.
 */
static void put_invalid(struct importing *self)
{
    if (self->report->invalid++ == 0)
        self->report->first_invalid = self->number;
    put_tally(self, self->today, true, REJECT_INVALID, STR(""));
}

static void add_sum(struct import_report *report, const struct event_input *in)
{
    int64_t *sum = stats_counter(&report->sums, in->kind);

    report->stored++;
    if (sum != NULL)
        *sum += in->kind == EVENT_AI_USAGE ? in->tokens : in->count;
}

static int put_event(struct importing *self, struct import_record *record, int32_t day,
                     struct err *err)
{
    struct import_sender *sender = record->sender;
    const struct event_input *in = &record->in;
    struct event event = {0};
    enum drop_reason reason = event_screen(self->site, &record->client, &sender->words, in);

    if (reason != DROP_NONE) {
        put_drop(self, day, reason, reason == DROP_BOT ? sender->words.bot : STR(""));
        return 0;
    }
    record->client.visitor = sender->day == day ? sender->visitor : 0;
    int rc = event_make(self->site, &record->client, &sender->words, salts_of(self, day),
                        self->id_key, self->now_ms, in, &self->scratch, &event, err);

    if (rc < 0)
        return rc;
    sender->day = day;
    sender->visitor = event.visitor;
    event_encode(&event, &self->payload);
    add_sum(self->report, in);
    return 0;
}

static int put_record(struct importing *self, struct import_record *record, struct err *err)
{
    int64_t time_ms = record->in.timestamp_ms;

    if (record->kind == IMPORT_INVALID || time_ms > self->now_ms + TIMESTAMP_AHEAD_MS) {
        put_invalid(self);
        return 0;
    }
    int32_t day = site_day(self->site, time_ms);

    if (!takes_day(self, day))
        put_drop(self, day, DROP_TOO_OLD, STR(""));
    else if (record->kind == IMPORT_LEFT_OUT)
        put_drop(self, day, record->reason, STR(""));
    else
        return put_event(self, record, day, err);
    return 0;
}

/* -- the queue -- */

static int queue_seek(void *ctx, uint64_t number, struct err *err)
{
    struct importing *self = ctx;
    int rc = self->source->seek(self->source->ctx, number, err);

    /* What was made and not committed is made again. */
    *self->report = (struct import_report){.records = self->report->records, .known = number};
    self->number = number;
    return rc == 0 ? find_closed(self, err) : rc;
}

static int queue_next(void *ctx, struct arena *arena, struct str *payload, struct err *err)
{
    struct importing *self = ctx;
    struct import_record record = {.kind = IMPORT_EVENT};

    arena_reset(&self->scratch);
    buf_reset(&self->payload);
    self->number++;
    int rc = self->source->next(self->source->ctx, &self->scratch, &record, err);

    if (rc == 0)
        rc = put_record(self, &record, err);
    *payload = arena_str(arena, buf_str(&self->payload));
    return rc;
}

/* -- the job -- */

static bool is_stopping(void *ctx)
{
    const struct aggregate_config *job = ((const struct importing *)ctx)->config->job;

    return job->stopping != NULL && job->stopping(job->ctx);
}

/* Of all records, also where an earlier import did a part. */
static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct importing *self = ctx;
    const struct aggregate_config *job = self->config->job;

    (void)total;
    if (job->progress != NULL)
        job->progress(job->ctx, self->report->known + done, self->source->records);
}

static int run_job(struct importing *self, struct err *err)
{
    const struct queue_source queue = {
        .producer = self->source->producer,
        .partition = site_partition(self->site->id),
        .records = self->source->records,
        .seek = queue_seek,
        .next = queue_next,
        .ctx = self,
    };
    struct aggregate_config config = *self->config->job;
    struct aggregate_report report;

    config.import = queue_source_new(&queue);
    config.stopping = is_stopping;
    config.progress = show_progress;
    config.ctx = self;
    struct aggregator *aggregator = aggregate_new(&config);
    int rc = aggregate_run(aggregator, self->config->store, AGGREGATE_WAIT, &report, err);

    aggregate_free(&aggregator);
    return rc;
}

static void release(struct importing *self)
{
    target_release(&self->target);
    buf_release(&self->payload);
    arena_free(&self->scratch);
    arena_free(&self->days_arena);
    sodium_memzero(&self->salts, sizeof(self->salts));
}

int import_records(const struct import_config *config, const struct import_source *source,
                   struct import_report *report, struct err *err)
{
    struct importing self = {
        .config = config, .source = source, .report = report, .now_ms = clock_wall_ms()};
    int64_t began_us = clock_steady_us();
    int rc = sodium_init() < 0 ? ERR_SYSTEM : 0;

    /* Unless the job asks for records, all of them are counted. */
    *report = (struct import_report){.records = source->records, .known = source->records};
    if (rc == 0)
        rc = target_find(config, self.now_ms, &self.target, err);
    self.site = self.target.site;
    if (rc == 0) {
        self.today = site_day(self.site, self.now_ms);
        rc = run_job(&self, err);
    }
    report->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    release(&self);
    return rc;
}
