/*
 * takeout_counts.c -- what was counted of a site: days, hours, raw events, the ledger, and what
 * days that are packed say of each value.
 *
 * Days without anything counted have no line.
 */
#include "api/takeout_internal.h"
#include "api/values.h"
#include "base/date.h"
#include "facts/facts.h"

#include <string.h>

enum { FULL = 1 /* given by a callback: the page is */ };

static void put_site(struct takeout *self, struct str tenant)
{
    answer_str(&self->json, "siteId", takeout_site(self));
    answer_str(&self->json, "tenantId", tenant);
}

static bool is_full(const struct takeout *self)
{
    return self->rows >= TAKEOUT_PAGE_ROWS;
}

/* -- days and hours ------------------------------------------------------------------------ */

static void put_stats(struct takeout *self, const struct stats *stats)
{
    answer_totals(&self->json, stats, ~0U);
    answer_name(&self->json, "exact");
    json_bool(&self->json, stats->estimated == STATS_EXACT);
    if (stats->estimated == STATS_IMPORTED) {
        answer_name(&self->json, "imported");
        json_bool(&self->json, true);
    }
}

/* stats_fn */
static int put_day(void *ctx, const struct stats_row *row)
{
    struct takeout *self = ctx;

    self->place.at = row->day;
    if (is_full(self))
        return FULL;
    takeout_open(self, "day");
    put_site(self, row->tenant);
    answer_date(&self->json, "date", row->day);
    put_stats(self, &row->stats);
    takeout_close(self);
    return 0;
}

int takeout_days(struct takeout *self, struct store *store, struct err *err)
{
    int32_t from = self->place.begun ? (int32_t)self->place.at : INT32_MIN;

    self->place.begun = true;
    return store_each_day(store, self->tenant, takeout_site(self), from, INT32_MAX, put_day, self,
                          err);
}

/* stats_fn */
static int put_hour(void *ctx, const struct stats_row *row)
{
    struct takeout *self = ctx;

    self->place.at = row->hour_ms;
    if (is_full(self))
        return FULL;
    takeout_open(self, "hour");
    put_site(self, row->tenant);
    answer_instant(&self->json, "time", row->hour_ms);
    put_stats(self, &row->stats);
    takeout_close(self);
    return 0;
}

int takeout_hours(struct takeout *self, struct store *store, struct err *err)
{
    int64_t from_ms = self->place.begun ? self->place.at : INT64_MIN;

    self->place.begun = true;
    return store_each_hour(store, self->tenant, takeout_site(self), from_ms, INT64_MAX, put_hour,
                           self, err);
}

/* -- raw events ---------------------------------------------------------------------------- */

static int begin_events(struct takeout *self, struct err *err)
{
    const struct snapshot *snapshot = directory_take(self->directory);
    const struct site *site = snapshot == NULL ? NULL : snapshot_site(snapshot, takeout_site(self));
    struct export_ask ask = {.directory = self->directory, .type = STR("event")};
    int rc = site == NULL || site->erasing || !str_eq(site->tenant, self->tenant)
                 ? err_set(err, ERR_NOTFOUND, "a site is gone")
                 : 0;

    if (rc == 0) {
        (void)export_find_rows(STR("events"), &ask);
        (void)export_find_format(STR("ndjson"), &ask);
        ask.site = site;
        ask.range = (struct range){0, (int32_t)(self->now_ms / DAY_MS) + 2};
        self->place.events = export_new(&ask);
    }
    if (snapshot != NULL)
        directory_give(self->directory, snapshot);
    return rc;
}

int takeout_events(struct takeout *self, struct store *store, struct err *err)
{
    int rc = self->place.events == NULL ? begin_events(self, err) : 0;

    if (rc < 0)
        return rc;
    int64_t before = export_count(self->place.events);

    rc = export_next(self->place.events, store, self->json.buf, err);
    before = export_count(self->place.events) - before;
    self->lines += before;
    self->rows += (size_t)before;
    return rc;
}

/* -- the ledger ---------------------------------------------------------------------------- */

/* ledger_fn: a day is written as a whole. */
static int put_ledger(void *ctx, const struct ledger_row *row)
{
    static const char *const kinds[] = {
        [LEDGER_STORED] = "stored", [LEDGER_DROPPED] = "dropped", [LEDGER_REJECTED] = "rejected"};
    struct takeout *self = ctx;

    if (is_full(self) && row->day != self->place.at) {
        self->place.at = row->day;
        return FULL;
    }
    self->place.at = row->day;
    takeout_open(self, "ledger");
    put_site(self, row->tenant);
    answer_date(&self->json, "date", row->day);
    answer_name(&self->json, "kind");
    json_str(&self->json, str_from(kinds[row->kind]));
    answer_str(&self->json, "reason", row->reason);
    answer_name(&self->json, "events");
    json_i64(&self->json, row->events);
    takeout_close(self);
    return 0;
}

int takeout_ledger(struct takeout *self, struct store *store, struct err *err)
{
    int32_t from = self->place.begun ? (int32_t)self->place.at : INT32_MIN;

    self->place.begun = true;
    return store_each_ledger(store, self->tenant, takeout_site(self), from, INT32_MAX, put_ledger,
                             self, err);
}

/* -- breakdowns ---------------------------------------------------------------------------- */

/* pack_fn */
static int take_day(void *ctx, const struct pack_part *part)
{
    *(int64_t *)ctx = part->day;
    return FULL;
}

struct adding {
    struct counts *counts;
    struct err *err;
};

/* pack_fn */
static int add_part(void *ctx, const struct pack_part *part)
{
    struct adding *adding = ctx;

    return counts_add_packed(adding->counts, part, adding->err);
}

static void put_value(struct takeout *self, enum dimension dimension, bool events,
                      const struct count_row *row)
{
    const struct value_basis basis = {dimension, 0, events};

    takeout_open(self, "breakdown");
    put_site(self, self->tenant);
    answer_date(&self->json, "date", (int32_t)self->place.at);
    answer_str(&self->json, "dimension", dimension_name(dimension));
    answer_name(&self->json, "value");
    json_str(&self->json, row->value);
    for (size_t i = 0; i < VALUE_COLUMNS; i++) {
        const struct value_column *column = &value_columns[i];

        /* A share is of all visitors of the day, who stand in the line of the day. */
        if (!values_has(column, dimension) || strcmp(column->name, "percent") == 0)
            continue;
        answer_name(&self->json, column->name);
        values_put(&self->json, column, row, &basis);
    }
    takeout_close(self);
}

/* One dimension of the day. */
static int put_dimension(struct takeout *self, struct store *store, enum dimension dimension,
                         struct err *err)
{
    struct counts *counts = counts_new(&self->page, dimension, STR(""));
    const int32_t parts[] = {0, 1 + (int32_t)dimension}, day = (int32_t)self->place.at;
    struct adding adding = {counts, err};
    struct count_row other;
    size_t count = 0;
    int rc = store_each_pack(store, self->tenant, takeout_site(self), day, day, parts, 2, add_part,
                             &adding, err);

    if (rc != 0)
        return rc;
    const struct count_row *rows = counts_rows(counts, &count, &other);
    bool events = counts_know_events(counts);

    for (size_t i = 0; i < count; i++)
        put_value(self, dimension, events, &rows[i]);
    if (!values_is_empty(&other)) {
        other.value = VALUE_OTHER;
        put_value(self, dimension, events, &other);
    }
    return 0;
}

/* A dimension of a day at a time. The names of properties are not to be had from a pack. */
int takeout_breakdowns(struct takeout *self, struct store *store, struct err *err)
{
    static const int32_t first[] = {0};
    int32_t from = self->place.begun ? (int32_t)self->place.at : INT32_MIN;

    self->place.begun = true;
    if (self->place.dimension == 0) {
        int rc = store_each_pack(store, self->tenant, takeout_site(self), from, INT32_MAX, first, 1,
                                 take_day, &self->place.at, err);

        if (rc <= 0)
            return rc;
    }
    enum dimension dimension = (enum dimension)self->place.dimension;
    int rc = dimension == DIM_PROP ? 0 : put_dimension(self, store, dimension, err);

    self->place.dimension = (self->place.dimension + 1) % DIMENSIONS;
    if (self->place.dimension == 0)
        self->place.at++;
    return rc < 0 ? rc : 1;
}
