/*
 * export_counts.c -- what is counted: days, hours, and the values of a dimension.
 *
 * Days and hours are asked for DAYS of the range at a time, so that a page is made well within the
 * deadline also where filters have each day counted again. Values are in the order of the whole
 * range's numbers, so all of them are counted for the first page and kept until the last.
 */
#include "api/export_internal.h"
#include "api/values.h"

#include <math.h>

enum { DAYS = 7 };

/* What is read of the site in one snapshot of the store. */
typedef int read_fn(struct export *self, struct store *store, const struct site *site,
                    struct buf *out, struct err *err);

static int read_site(struct export *self, struct store *store, read_fn *read, struct buf *out,
                     struct err *err)
{
    const struct snapshot *snapshot = NULL;
    const struct site *site = export_site(self, &snapshot);

    if (site == NULL)
        return err_set(err, ERR_NOTFOUND, "the site is gone");
    int rc = store_read_begin(store, err);

    if (rc == 0) {
        rc = read(self, store, site, out, err);
        store_read_end(store);
    }
    directory_give(self->directory, snapshot);
    return rc;
}

/* -- days and hours ------------------------------------------------------------------------ */

static void name_columns(struct export *self, struct str time)
{
    export_column(self, STR("siteId"));
    export_column(self, STR("tenantId"));
    export_column(self, time);
    for (int metric = 0; metric < METRICS_COUNT; metric++)
        export_column(self, metric_name(metric));
    self->day = self->range.from;
}

static void begin_days(struct export *self, const struct site *site)
{
    (void)site;
    name_columns(self, STR("date"));
}

static void begin_hours(struct export *self, const struct site *site)
{
    (void)site;
    name_columns(self, STR("time"));
}

/* The metrics of days that are not kept are null. */
static void put_row(struct export *self, struct cell time, bool kept, const struct stats *stats,
                    struct buf *out)
{
    struct cell cells[EXPORT_COLUMNS_MAX] = {cell_text(self->site), cell_text(self->tenant), time};

    for (int metric = 0; metric < METRICS_COUNT; metric++) {
        double value = metric_value(metric, stats);
        struct cell *cell = &cells[3 + metric];
        if (!kept)
            *cell = cell_text(STR(""));
        else if (metric_is_rate(metric))
            *cell = cell_rate(&self->page, value);
        else
            *cell = cell_number(&self->page, (int64_t)value);
    }
    export_row(self, cells, out);
}

/* The days of the next page. */
static struct range next_days(struct export *self)
{
    struct range range = {self->day, self->range.to};

    if (range_days(range) > DAYS)
        range.to = range.from + DAYS - 1;
    self->day = range.to + 1;
    return range;
}

static int put_days(struct export *self, struct store *store, const struct site *site,
                    struct buf *out, struct err *err)
{
    struct range range = next_days(self);
    struct query_totals totals;
    struct arena scratch = {0};
    int rc;

    if (self->filters.count == 0)
        rc = query_site(store, site, range, self->available, &self->page, &totals, err);
    else
        rc = query_site_filtered(store, site, range, self->available, &self->filters, INT64_MAX,
                                 &self->page, &scratch, &totals, err);
    for (size_t i = 0; rc == 0 && i < totals.days_count; i++) {
        const struct query_day *day = &totals.days[i];
        put_row(self, cell_date(&self->page, day->day), day->kept, &day->stats, out);
    }
    arena_free(&scratch);
    return rc;
}

static int put_hours(struct export *self, struct store *store, const struct site *site,
                     struct buf *out, struct err *err)
{
    struct range range = next_days(self);
    struct query_series series;
    struct arena scratch = {0};
    int64_t now_ms = self->now();
    int rc;

    if (self->filters.count == 0)
        rc = query_series(store, site, range, INTERVAL_HOUR, self->available, now_ms, &self->page,
                          &series, err);
    else
        rc = query_series_filtered(store, site, range, INTERVAL_HOUR, self->available, now_ms,
                                   &self->filters, &self->page, &scratch, &series, err);
    for (size_t i = 0; rc == 0 && i < series.count; i++) {
        const struct query_point *point = &series.points[i];
        put_row(self, cell_instant(&self->page, point->hour_ms), point->kept, &point->stats, out);
    }
    arena_free(&scratch);
    return rc;
}

static int page_days(struct export *self, struct store *store, struct buf *out, struct err *err)
{
    int rc = read_site(self, store, put_days, out, err);

    return rc == 0 ? self->day <= self->range.to : rc;
}

static int page_hours(struct export *self, struct store *store, struct buf *out, struct err *err)
{
    int rc = read_site(self, store, put_hours, out, err);

    return rc == 0 ? self->day <= self->range.to : rc;
}

/* -- values -------------------------------------------------------------------------------- */

static void begin_values(struct export *self, const struct site *site)
{
    (void)site;
    export_column(self, STR("value"));
    for (size_t i = 0; i < VALUE_COLUMNS; i++)
        if (values_has(&value_columns[i], self->dimension))
            export_column(self, str_from(value_columns[i].name));
}

static int count_values(struct export *self, struct store *store, const struct site *site,
                        struct buf *out, struct err *err)
{
    const struct query_breakdown_ask ask = {.dimension = self->dimension,
                                            .prop = self->prop,
                                            .filters = self->filters,
                                            .search = STR(""),
                                            .limit = SIZE_MAX};
    int rc = query_breakdown(store, site, self->range, self->available, &ask, &self->owned,
                             &self->found, err);

    (void)out;
    self->counted = rc == 0;
    return rc;
}

static void put_value(struct export *self, const struct count_row *row, struct buf *out)
{
    const struct value_basis basis = {self->dimension, self->found.visitors, self->found.events};
    struct cell cells[EXPORT_COLUMNS_MAX] = {cell_text(row->value)};
    size_t count = 1;

    for (size_t i = 0; i < VALUE_COLUMNS; i++) {
        const struct value_column *column = &value_columns[i];
        if (!values_has(column, self->dimension))
            continue;
        double value = column->value(row, &basis);
        cells[count++] = column->whole && !isnan(value) ? cell_number(&self->page, (int64_t)value)
                                                        : cell_rate(&self->page, value);
    }
    export_row(self, cells, out);
}

/* The row of what had no place is the last. */
static int page_values(struct export *self, struct store *store, struct buf *out, struct err *err)
{
    int rc = self->counted ? 0 : read_site(self, store, count_values, out, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < EXPORT_PAGE_ROWS && self->next < self->found.count; i++)
        put_value(self, &self->found.rows[self->next++], out);
    if (self->next < self->found.count)
        return 1;
    if (!values_is_empty(&self->found.other))
        put_value(self, &self->found.other, out);
    return 0;
}

const struct export_kind export_days = {STR_INIT("days"), begin_days, page_days};
const struct export_kind export_hours = {STR_INIT("hours"), begin_hours, page_hours};
const struct export_kind export_values = {STR_INIT(""), begin_values, page_values};
