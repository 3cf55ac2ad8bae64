/*
 * import/log.c -- the lines of an access log as records: each is an event, or a tally that says why
 * it is none.
 *
 * Visitors. The salts of past days are gone, as they should be. An import makes its own: each day's
 * is a keyed hash of the day under a secret that is a hash of the whole file, so that an import
 * that was cut off goes on with the same ids, and nobody without the file, which holds the
 * addresses themselves, can make them again.
 */
#include "base/clock.h"
#include "base/date.h"
#include "base/utf8.h"
#include "facts/facts.h"
#include "import/import_internal.h"
#include "queue/queue.h"

#include <sodium.h>
#include <string.h>

enum { PAGE_ROWS = 5000 };

struct importing {
    const struct import_config *config;
    struct import_report *report;
    struct target target;
    const struct site *site; /* the target's */
    struct file_name file;
    struct lines lines;
    struct arena scratch, days_arena;
    struct buf payload;
    struct people *people;
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
                       self->file.secret, SALT_BYTES);
}

/* A log goes forward: the day, and the one before for visits over midnight. */
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
    uint64_t *counter = reason == DROP_BOT          ? &self->report->bots
                        : reason == DROP_NOT_A_PAGE ? &self->report->not_pages
                        : reason == DROP_TOO_OLD    ? &self->report->too_old
                                                    : &self->report->blocked;

    ++*counter;
    put_tally(self, day, false, (uint8_t)reason, bot);
}

/* What is wrong stands in the ledger of the day of the import: the line's own cannot be trusted. */
static void put_invalid(struct importing *self)
{
    if (self->report->invalid++ == 0)
        self->report->first_invalid = self->lines.number;
    put_tally(self, self->today, true, REJECT_INVALID, STR(""));
}

/* Logs keep any bytes; what is kept of events is text. */
static bool is_text(struct str s)
{
    return utf8_valid(s) && str_find(s, 0, '\0') >= s.len;
}

/* As long as an event may have it, and whole characters. */
static struct str cut(struct str s)
{
    size_t len = s.len < EVENT_PATH_MAX ? s.len : EVENT_PATH_MAX;

    while (len < s.len && len > 0 && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    return str_slice(s, 0, len);
}

static int put_pageview(struct importing *self, const struct access_line *line, int32_t day,
                        struct err *err)
{
    const struct site *site = self->site;
    struct known *known = people_look(self->people, self->config, line, &self->scratch);
    const struct client client = {.address = line->address,
                                  .user_agent = line->agent,
                                  .visitor = known->day == day ? known->visitor : 0};
    const struct event_input in = {
        .kind = EVENT_PAGEVIEW,
        .name = event_kind_name(EVENT_PAGEVIEW),
        .site = site->id,
        .path = cut(line->target),
        .referrer = is_text(line->referrer) ? cut(line->referrer) : STR(""),
        .count = 1,
        .scroll = -1,
        .has_timestamp = true,
        .timestamp_ms = line->time_ms,
    };
    struct event event = {0};
    enum drop_reason reason = event_screen(site, &client, &known->sender, &in);

    if (reason != DROP_NONE) {
        put_drop(self, day, reason, reason == DROP_BOT ? known->sender.bot : STR(""));
        return 0;
    }
    int rc = event_make(site, &client, &known->sender, salts_of(self, day), self->id_key,
                        self->now_ms, &in, &self->scratch, &event, err);

    if (rc < 0)
        return rc;
    known->day = day;
    known->visitor = event.visitor;
    event_encode(&event, &self->payload);
    self->report->pageviews++;
    return 0;
}

static int put_line(struct importing *self, struct str text, struct err *err)
{
    struct access_line line;

    if (text.len >= LINE_MAX_BYTES || !access_line_parse(text, &self->scratch, &line) ||
        line.time_ms > self->now_ms + TIMESTAMP_AHEAD_MS) {
        put_invalid(self);
        return 0;
    }
    int32_t day = site_day(self->site, line.time_ms);

    if (!takes_day(self, day))
        put_drop(self, day, DROP_TOO_OLD, STR(""));
    else if (!access_line_is_page(&line))
        put_drop(self, day, DROP_NOT_A_PAGE, STR(""));
    else if (!is_text(line.target))
        put_invalid(self);
    else
        return put_pageview(self, &line, day, err);
    return 0;
}

/* -- the queue -- */

static int source_seek(void *ctx, uint64_t number, struct err *err)
{
    struct importing *self = ctx;
    int rc = lines_seek(&self->lines, number, err);

    /* What was made and not committed is made again. */
    *self->report = (struct import_report){.lines = self->report->lines, .known = number};
    return rc == 0 ? find_closed(self, err) : rc;
}

static int source_next(void *ctx, struct arena *arena, struct str *payload, struct err *err)
{
    struct importing *self = ctx;
    struct str text;
    int rc = lines_next(&self->lines, &text, err);

    if (rc == 0)
        return err_set(err, ERR_CORRUPT, "the file has become shorter");
    arena_reset(&self->scratch);
    buf_reset(&self->payload);
    if (rc > 0)
        rc = put_line(self, text, err);
    *payload = arena_str(arena, buf_str(&self->payload));
    return rc < 0 ? rc : 0;
}

/* -- the job -- */

static bool is_stopping(void *ctx)
{
    const struct aggregate_config *job = ((const struct importing *)ctx)->config->job;

    return job->stopping != NULL && job->stopping(job->ctx);
}

/* Of the whole file, also where an earlier import did a part. */
static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct importing *self = ctx;
    const struct aggregate_config *job = self->config->job;

    (void)total;
    if (job->progress != NULL)
        job->progress(job->ctx, self->report->known + done, self->file.lines);
}

static int run_job(struct importing *self, struct err *err)
{
    const struct queue_source source = {
        .producer = self->file.producer,
        .partition = site_partition(self->site->id),
        .records = self->file.lines,
        .seek = source_seek,
        .next = source_next,
        .ctx = self,
    };
    struct aggregate_config config = *self->config->job;
    struct aggregate_report report;

    config.import = queue_source_new(&source);
    config.stopping = is_stopping;
    config.progress = show_progress;
    config.ctx = self;
    struct aggregator *aggregator = aggregate_new(&config);
    int rc = aggregate_run(aggregator, self->config->store, AGGREGATE_WAIT, &report, err);

    aggregate_free(&aggregator);
    return rc;
}

static void add_report(struct import_report *sum, const struct import_report *more)
{
    sum->lines += more->lines;
    sum->known += more->known;
    sum->pageviews += more->pageviews;
    sum->bots += more->bots;
    sum->not_pages += more->not_pages;
    sum->blocked += more->blocked;
    sum->too_old += more->too_old;
    sum->invalid += more->invalid;
    if (sum->first_invalid == 0)
        sum->first_invalid = more->first_invalid;
    sum->seconds += more->seconds;
}

/* Whoever gives a compressed file, or one of another format, wants to be told, not to find all of
 * it in the ledger. */
static int looks_like_a_log(struct importing *self, struct err *err)
{
    enum { LINES_LOOKED_AT = 100 };
    struct access_line line;
    struct str text;
    bool readable = self->file.lines == 0;
    int rc = lines_seek(&self->lines, 0, err);

    while (rc == 0 && !readable && self->lines.number < LINES_LOOKED_AT) {
        rc = lines_next(&self->lines, &text, err);
        if (rc <= 0)
            break;
        rc = 0;
        readable = access_line_parse(text, &self->scratch, &line);
        arena_reset(&self->scratch);
    }
    if (rc == 0 && !readable)
        rc = err_set(err, ERR_INVALID, "none of the first %llu lines is in combined format",
                     (unsigned long long)self->lines.number);
    return rc;
}

static void release(struct importing *self)
{
    target_release(&self->target);
    people_free(&self->people);
    lines_release(&self->lines);
    buf_release(&self->payload);
    arena_free(&self->scratch);
    arena_free(&self->days_arena);
    sodium_memzero(&self->salts, sizeof(self->salts));
    sodium_memzero(&self->file, sizeof(self->file));
}

int import_access_log(const struct import_config *config, int fd, struct import_report *report,
                      struct err *err)
{
    struct import_report mine = {0};
    struct importing self = {.config = config, .report = &mine, .now_ms = clock_wall_ms()};
    int64_t began_us = clock_steady_us();
    int rc = sodium_init() < 0 ? ERR_SYSTEM : 0;

    lines_open(&self.lines, fd);
    self.people = people_new();
    if (rc == 0)
        rc = target_find(config, self.now_ms, &self.target, err);
    self.site = self.target.site;
    if (rc == 0)
        rc = file_name_of(fd, FILE_ACCESS_LOG, config->site, &self.file, err);
    if (rc == 0)
        rc = looks_like_a_log(&self, err);
    if (rc == 0) {
        self.today = site_day(self.site, self.now_ms);
        /* Unless the job asks for lines, all of them are counted. */
        mine.lines = mine.known = self.file.lines;
        rc = run_job(&self, err);
    }
    mine.seconds = (double)(clock_steady_us() - began_us) / 1e6;
    add_report(report, &mine);
    release(&self);
    return rc;
}
