/*
 * import/daily.c -- another product's totals by day, as rows of daily stats.
 *
 * They stand in days before the site's first own event, so that no day has numbers of both, and are
 * marked as imported. Each line is a record of the file's producer; in the ledger it is behind no
 * event.
 */
#include "base/clock.h"
#include "base/date.h"
#include "import/import_internal.h"

#include <string.h>

enum { COLUMNS_MAX = 64, DAYS_MAX = 36500 };

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
    struct str tenant;
    struct lines lines;
    int meaning[COLUMNS_MAX]; /* index of columns, or IS_* */
    size_t fields;
    int32_t before; /* the site's first own day, or the first that is imported already */
    struct stats_row *rows;
    struct ledger_row *ledger;
    size_t count, cap;
};

/* -- CSV (RFC 4180, a row a line) -- */

static struct str unquote(struct str field, struct arena *arena)
{
    char *out = arena_bytes(arena, field.len);
    size_t len = 0;

    for (size_t i = 0; i < field.len; i++) {
        out[len++] = field.ptr[i];
        i += field.ptr[i] == '"';
    }
    return (struct str){out, len};
}

/* Where the closing quote of the text that begins at `from` stands; s.len: nowhere. */
static size_t closing_quote(struct str s, size_t from)
{
    while (from < s.len && (s.ptr[from] != '"' || (from + 1 < s.len && s.ptr[from + 1] == '"')))
        from += s.ptr[from] == '"' ? 2 : 1;
    return from < s.len ? from : s.len;
}

static int split_row(struct daily *self, struct str line, struct str fields[COLUMNS_MAX],
                     size_t *count, struct err *err)
{
    size_t at = 0;

    *count = 0;
    for (;;) {
        bool quoted = at < line.len && line.ptr[at] == '"';
        size_t from = at + quoted,
               end = quoted ? closing_quote(line, from) : str_find(line, at, ',');
        size_t comma = quoted ? end + 1 : end;

        if (*count == COLUMNS_MAX)
            return err_set(err, ERR_INVALID, "line %llu: more than %d columns",
                           (unsigned long long)self->lines.number, COLUMNS_MAX);
        if ((quoted && end == line.len) || (comma < line.len && line.ptr[comma] != ','))
            return err_set(err, ERR_INVALID, "line %llu, column %zu: a quote is out of place",
                           (unsigned long long)self->lines.number, *count + 1);
        struct str field = str_slice(line, from, end);

        fields[(*count)++] = quoted ? unquote(field, &self->arena) : str_trim(field);
        if (comma >= line.len)
            return 0;
        at = comma + 1;
    }
}

static int read_header(struct daily *self, struct err *err)
{
    struct str line, fields[COLUMNS_MAX];
    bool has_date = false;
    int rc = lines_next(&self->lines, &line, err);

    if (rc == 0)
        return err_set(err, ERR_INVALID, "the file is empty");
    if (rc > 0 && str_starts(line, STR("\xEF\xBB\xBF")))
        line = str_slice(line, 3, line.len);
    if (rc > 0)
        rc = split_row(self, line, fields, &self->fields, err);
    for (size_t i = 0; rc == 0 && i < self->fields; i++) {
        self->meaning[i] = str_eq(fields[i], STR("date"))     ? IS_DATE
                           : str_eq(fields[i], STR("siteId")) ? IS_SITE
                                                              : IS_OTHER;
        has_date = has_date || self->meaning[i] == IS_DATE;
        for (int c = 0; c < COLUMNS; c++)
            if (str_eq(fields[i], columns[c].name))
                self->meaning[i] = c;
    }
    if (rc == 0 && !has_date)
        rc = err_set(err, ERR_INVALID, "line 1: no column is called date");
    return rc;
}

/* -- rows -- */

static int refuse(const struct daily *self, struct str column, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "line %llu, column %.*s: %s",
                   (unsigned long long)self->lines.number, STR_FMT(column), why);
}

static int take_number(const struct daily *self, const struct column *column, struct str field,
                       struct stats *stats, struct err *err)
{
    int64_t *into = (int64_t *)(void *)((char *)stats + column->offset), n = 0;

    if (field.len > 0 && !str_to_i64(field, &n))
        return refuse(self, column->name, "is no whole number", err);
    if (n < 0 || n > (INT64_C(1) << 53) / column->scale)
        return refuse(self, column->name, "is not from 0 to 2^53-1", err);
    *into = n * column->scale;
    return 0;
}

static int take_date(const struct daily *self, struct str field, int32_t *day, struct err *err)
{
    if (!date_parse(field, day))
        return refuse(self, STR("date"), "is no date like 2026-01-31", err);
    if (*day >= self->before)
        return refuse(self, STR("date"), "is not before the first day that the site has numbers of",
                      err);
    return 0;
}

static int take_field(const struct daily *self, int meaning, struct str field,
                      struct stats_row *row, struct err *err)
{
    if (meaning == IS_DATE)
        return take_date(self, field, &row->day, err);
    if (meaning == IS_SITE)
        return str_eq(field, self->config->site)
                   ? 0
                   : refuse(self, STR("siteId"), "is another site's", err);
    return meaning == IS_OTHER ? 0 : take_number(self, &columns[meaning], field, &row->stats, err);
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
    struct stats_row row = {
        .site = self->config->site, .tenant = self->tenant, .stats = {.estimated = STATS_IMPORTED}};
    struct str fields[COLUMNS_MAX];
    size_t count = 0;
    int rc = split_row(self, line, fields, &count, err);

    if (rc == 0 && count != self->fields)
        rc = err_set(err, ERR_INVALID, "line %llu has %zu columns instead of %zu",
                     (unsigned long long)self->lines.number, count, self->fields);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = take_field(self, self->meaning[i], fields[i], &row, err);
    for (size_t i = 0; rc == 0 && i < self->count; i++)
        if (self->rows[i].day == row.day)
            rc = refuse(self, STR("date"), "comes twice", err);
    if (rc == 0 && self->count == DAYS_MAX)
        rc = err_set(err, ERR_INVALID, "more than %d days", DAYS_MAX);
    if (rc != 0)
        return rc;
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

static int take_first(void *ctx, const struct stats_row *row)
{
    *(int32_t *)ctx = row->day;
    return 1;
}

static int find_site(struct daily *self, struct err *err)
{
    struct directory_rows rows;
    int rc = store_read_directory(self->config->store, &self->arena, &rows, err);

    for (size_t i = 0; rc == 0 && i < rows.sites_count; i++)
        if (str_eq(rows.sites[i].id, self->config->site))
            self->tenant = rows.sites[i].tenant;
    if (rc == 0 && self->tenant.len == 0)
        rc = err_set(err, ERR_NOTFOUND, "no such site: %.*s", STR_FMT(self->config->site));
    self->before = INT32_MAX;
    if (rc == 0)
        rc = store_each_day(self->config->store, self->tenant, self->config->site, INT32_MIN,
                            INT32_MAX, take_first, &self->before, err);
    return rc < 0 ? rc : 0;
}

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

static int commit(struct daily *self, const struct file_name *file, struct import_report *report,
                  struct err *err)
{
    const struct position_move move = {
        .from = {.producer = file->producer, .partition = site_partition(self->config->site)},
        .to = file->lines};
    int rc = is_known(self, &move.from, err);

    if (rc != 0) {
        report->known += rc > 0 ? file->lines : 0;
        return rc < 0 ? rc : 0;
    }
    rc = find_site(self, err);
    if (rc == 0)
        rc = read_rows(self, err);
    const struct store_batch batch = {.days = self->rows,
                                      .days_count = self->count,
                                      .ledger = self->ledger,
                                      .ledger_count = self->count,
                                      .positions = &move,
                                      .positions_count = 1};

    if (rc == 0)
        rc = store_commit(self->config->store, &batch, err);
    report->pageviews += rc == 0 ? self->count : 0;
    return rc;
}

int import_daily(const struct import_config *config, int fd, struct import_report *report,
                 struct err *err)
{
    struct daily self = {.config = config};
    struct file_name file;
    uint32_t partition = UINT32_C(1) << site_partition(config->site), got;
    int64_t began_us = clock_steady_us();
    int rc = file_name_of(fd, config->site, &file, err);

    lines_open(&self.lines, fd);
    if (rc == 0)
        rc = lines_seek(&self.lines, 0, err);
    if (rc == 0)
        rc = store_lease(config->store, partition, true, true, &got, err);
    if (rc == 0) {
        rc = commit(&self, &file, report, err);
        store_unlease(config->store);
    }
    report->lines += file.lines;
    report->seconds += (double)(clock_steady_us() - began_us) / 1e6;
    lines_release(&self.lines);
    arena_free(&self.arena);
    return rc;
}
