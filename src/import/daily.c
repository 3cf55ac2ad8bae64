/*
 * import/daily.c -- another product's totals by day, as rows of daily stats.
 *
 * They stand in days that are over, before the site's first own event, so that no day has numbers
 * of both, and are marked as imported. Each line is a record of the file's producer; in the ledger
 * it is behind no event.
 */
#include "base/clock.h"
#include "base/date.h"
#include "import/import_internal.h"

#include <sodium.h>
#include <string.h>

enum { DAYS_MAX = 36500 };

/* What a column goes into; of dates and ids nothing does. */
static const struct column {
    struct str name;
    size_t offset;
    int64_t scale;
} columns[] = {
#define COLUMN(name, member, scale)                                                                \
    {                                                                                              \
        STR_INIT(name), offsetof(struct stats, member), scale                                      \
    }
    COLUMN("pageviews", pageviews, 1),
    COLUMN("uniqueVisitors", unique_visitors, 1),
    COLUMN("visits", visits, 1),
    COLUMN("bounces", bounces, 1),
    COLUMN("visitSeconds", visit_ms, 1000),
    COLUMN("conversions", conversions, 1),
    COLUMN("converters", converters, 1),
    COLUMN("leads", leads, 1),
    COLUMN("forms", forms, 1),
    COLUMN("exports", exports, 1),
    COLUMN("automationRuns", automation_runs, 1),
    COLUMN("aiTokens", ai_tokens, 1),
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), IS_DATE = -1, IS_SITE = -2, IS_OTHER = -3 };

struct daily {
    const struct import_config *config;
    struct arena arena;
    struct target target;
    const struct site *site; /* the target's */
    struct lines lines;
    int meaning[CSV_COLUMNS_MAX]; /* index of columns, or IS_* */
    size_t fields;
    int32_t today;
    struct target_days known; /* what the site has before */
    struct days seen;         /* of the file */
    struct stats_row *rows;
    struct ledger_row *ledger;
    size_t count, cap;
};

/* -- the first line -- */

static int meaning_of(struct str name)
{
    if (str_eq(name, STR("date")))
        return IS_DATE;
    if (str_eq(name, STR("siteId")))
        return IS_SITE;
    for (int c = 0; c < COLUMNS; c++)
        if (str_eq(name, columns[c].name))
            return c;
    return IS_OTHER;
}

static int read_names(struct daily *self, struct str line, struct err *err)
{
    struct str names[CSV_COLUMNS_MAX];
    bool has_date = false;
    int rc = csv_split(line, &self->arena, names, &self->fields, err);

    for (size_t i = 0; rc == 0 && i < self->fields; i++) {
        self->meaning[i] = meaning_of(names[i]);
        has_date = has_date || self->meaning[i] == IS_DATE;
        for (size_t k = 0; self->meaning[i] != IS_OTHER && k < i; k++)
            if (self->meaning[k] == self->meaning[i])
                rc = err_set(err, ERR_INVALID, "two columns are called %.*s", STR_FMT(names[i]));
    }
    if (rc == 0 && !has_date)
        rc = err_set(err, ERR_INVALID, "no column is called date");
    return rc;
}

static int read_header(struct daily *self, struct err *err)
{
    struct str line;
    int rc = lines_next(&self->lines, &line, err);

    if (rc == 0)
        return err_set(err, ERR_INVALID, "the file is empty");
    if (rc < 0)
        return rc;
    if (str_starts(line, STR("\xEF\xBB\xBF")))
        line = str_slice(line, 3, line.len);
    rc = read_names(self, line, err);
    return rc < 0 ? err_wrap(err, rc, "line 1") : 0;
}

/* -- rows -- */

static int refuse(struct str column, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "column %.*s: %s", STR_FMT(column), why);
}

static int take_number(const struct column *column, struct str field, struct stats *stats,
                       struct err *err)
{
    int64_t *into = (int64_t *)(void *)((char *)stats + column->offset), n = 0;
    int64_t most = ((INT64_C(1) << 53) - 1) / column->scale;

    if (field.len > 0 && !str_to_i64(field, &n))
        return refuse(column->name, "is no whole number", err);
    if (n < 0 || n > most)
        return err_set(err, ERR_INVALID, "column %.*s: is not from 0 to %lld",
                       STR_FMT(column->name), (long long)most);
    *into = n * column->scale;
    return 0;
}

/* No day has numbers of both products, and none is taken that retention would remove at once. */
static int take_date(struct daily *self, struct str field, int32_t *day, struct err *err)
{
    const struct str column = STR("date");
    int32_t kept = self->site->stats_days;

    if (!date_parse(field, day))
        return refuse(column, "is no date like 2026-01-31", err);
    if (*day >= self->today)
        return refuse(column, "is not over yet", err);
    if (*day >= self->known.first_own)
        return refuse(column, "is not before the first day that the site has numbers of", err);
    if (days_has(&self->known.imported, *day))
        return refuse(column, "has imported totals already", err);
    if (kept != 0 && *day < self->today - kept)
        return err_set(err, ERR_INVALID,
                       "column date: is older than the %d days that the site keeps"
                       " (retention.statsDays)",
                       (int)kept);
    if (!days_add(&self->seen, *day, &self->arena))
        return refuse(column, "comes twice", err);
    return 0;
}

static int take_field(struct daily *self, int meaning, struct str field, struct stats_row *row,
                      struct err *err)
{
    switch (meaning) {
    case IS_DATE:
        return take_date(self, field, &row->day, err);
    case IS_SITE:
        return str_eq(field, self->site->id) ? 0 : refuse(STR("siteId"), "is another site's", err);
    case IS_OTHER:
        return 0;
    default:
        return take_number(&columns[meaning], field, &row->stats, err);
    }
}

/* Rates are parts of a whole. */
static int check_row(const struct stats *stats, struct err *err)
{
    if (stats->bounces > stats->visits)
        return refuse(STR("bounces"), "there are more than visits", err);
    if (stats->converters > stats->unique_visitors)
        return refuse(STR("converters"), "there are more than uniqueVisitors", err);
    return 0;
}

static int read_fields(struct daily *self, struct str line, struct stats_row *row, struct err *err)
{
    struct str fields[CSV_COLUMNS_MAX];
    size_t count = 0;
    int rc = line.len >= LINE_MAX_BYTES
                 ? err_set(err, ERR_INVALID, "is longer than %d bytes", LINE_MAX_BYTES - 1)
                 : csv_split(line, &self->arena, fields, &count, err);

    if (rc == 0 && count != self->fields)
        rc = err_set(err, ERR_INVALID, "has %zu columns instead of %zu", count, self->fields);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = take_field(self, self->meaning[i], fields[i], row, err);
    if (rc == 0)
        rc = check_row(&row->stats, err);
    if (rc == 0 && self->count == DAYS_MAX)
        rc = err_set(err, ERR_INVALID, "more than %d days", DAYS_MAX);
    return rc;
}

static void grow(struct daily *self)
{
    size_t cap = self->cap == 0 ? 512 : 2 * self->cap;
    struct stats_row *rows = ARENA_NEW(&self->arena, struct stats_row, cap);
    struct ledger_row *ledger = ARENA_NEW(&self->arena, struct ledger_row, cap);

    if (self->count > 0) {
        memcpy(rows, self->rows, self->count * sizeof(*rows));
        memcpy(ledger, self->ledger, self->count * sizeof(*ledger));
    }
    self->rows = rows;
    self->ledger = ledger;
    self->cap = cap;
}

static int read_row(struct daily *self, struct str line, struct err *err)
{
    struct stats_row row = {.site = self->site->id,
                            .tenant = self->site->tenant,
                            .stats = {.estimated = STATS_IMPORTED}};
    int rc = read_fields(self, line, &row, err);

    if (rc != 0)
        return err_wrap(err, rc, "line %llu", (unsigned long long)self->lines.number);
    row.stats.visit_pageviews = row.stats.visits > 0 ? row.stats.pageviews : 0;
    if (self->count == self->cap)
        grow(self);
    self->rows[self->count] = row;
    self->ledger[self->count++] = (struct ledger_row){.site = row.site,
                                                      .tenant = row.tenant,
                                                      .day = row.day,
                                                      .kind = LEDGER_DROPPED,
                                                      .reason = STR("imported"),
                                                      .records = 1};
    return 0;
}

/* The first line, and empty ones, are records as well. */
static int read_rows(struct daily *self, struct err *err)
{
    struct str line;
    int rc = read_header(self, err);

    while (rc == 0 && (rc = lines_next(&self->lines, &line, err)) > 0)
        rc = str_trim(line).len == 0 ? 0 : read_row(self, line, err);
    if (rc == 0 && self->count == 0)
        rc = err_set(err, ERR_INVALID, "the file has no day");
    if (rc == 0)
        self->ledger[0].records += (int64_t)(self->lines.number - self->count);
    return rc;
}

/* -- the store -- */

/* 1: these lines are counted already. */
static int is_known(struct daily *self, const struct position *from, struct err *err)
{
    const struct position_filter filter = {.partitions = UINT32_C(1) << from->partition,
                                           .producers = &from->producer,
                                           .producers_count = 1};
    struct position *positions = NULL;
    size_t count = 0;
    int rc = store_positions(self->config->store, &filter, &self->arena, &positions, &count, err);

    return rc < 0 ? rc : count > 0;
}

static int commit(struct daily *self, const struct position_move *move, struct err *err)
{
    const struct store_batch batch = {.days = self->rows,
                                      .days_count = self->count,
                                      .ledger = self->ledger,
                                      .ledger_count = self->count,
                                      .positions = move,
                                      .positions_count = 1};

    return store_commit(self->config->store, &batch, err);
}

/* Under the lease. */
static int take_file(struct daily *self, const struct file_name *file, struct import_report *report,
                     struct err *err)
{
    const struct position_move move = {
        .from = {.producer = file->producer, .partition = site_partition(self->site->id)},
        .to = file->lines};
    int rc = is_known(self, &move.from, err);

    if (rc != 0) {
        report->known += rc > 0 ? file->lines : 0;
        return rc < 0 ? rc : 0;
    }
    rc = target_days(self->config->store, self->site, &self->arena, &self->known, err);
    if (rc == 0)
        rc = lines_seek(&self->lines, 0, err);
    if (rc == 0)
        rc = read_rows(self, err);
    if (rc == 0 && self->lines.number != file->lines)
        rc = err_set(err, ERR_CORRUPT, "the file has changed meanwhile");
    if (rc == 0)
        rc = commit(self, &move, err);
    report->stored += rc == 0 ? self->count : 0;
    return rc;
}

static int take_leased(struct daily *self, const struct file_name *file,
                       struct import_report *report, struct err *err)
{
    uint32_t partition = UINT32_C(1) << site_partition(self->site->id), got;
    int rc = store_lease(self->config->store, partition, true, true, &got, err);

    if (rc != 0)
        return rc;
    rc = take_file(self, file, report, err);
    store_unlease(self->config->store);
    return rc;
}

int import_daily(const struct import_config *config, int fd, struct import_report *report,
                 struct err *err)
{
    struct daily self = {.config = config};
    struct file_name file = {0};
    int64_t began_us = clock_steady_us(), now_ms = clock_wall_ms();
    int rc = sodium_init() < 0 ? ERR_SYSTEM : target_find(config, now_ms, &self.target, err);

    lines_open(&self.lines, fd);
    self.site = self.target.site;
    if (rc == 0)
        rc = file_name_of(fd, FILE_DAILY, config->site, &file, err);
    if (rc == 0) {
        self.today = site_day(self.site, now_ms);
        rc = take_leased(&self, &file, report, err);
    }
    report->records += file.lines;
    report->seconds += (double)(clock_steady_us() - began_us) / 1e6;
    lines_release(&self.lines);
    target_release(&self.target);
    arena_free(&self.arena);
    return rc;
}
