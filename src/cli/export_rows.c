/*
 * cli/export_rows.c -- rows of a site, or of a tenant's sites, page by page: memory is bounded by a
 * page, and by the values of a dimension where these are asked for.
 *
 * The API's own export does the work. What is checked here is what its parameters say, so that the
 * complaint names the option.
 */
#include "api/export.h"

#include "api/filters.h"
#include "base/clock.h"
#include "base/date.h"
#include "cli/export.h"
#include "cli/output.h"
#include "directory/directory.h"
#include "query/query.h"

#include <errno.h>

struct exporting {
    const struct invocation *in;
    const struct export_args *args;
    struct store *store;
    struct directory *directory;
    const struct snapshot *snapshot;
    const struct site *const *sites;
    size_t sites_count;
    int64_t now_ms;
    struct export_ask ask;
    int64_t rows;
};

/* -- what is asked for ------------------------------------------------------------------------- */

static int take_filters(struct exporting *self, struct err *err)
{
    const struct text_list *given = &self->args->filters;
    struct filter *filters = ARENA_NEW(self->in->arena, struct filter, given->count + 1);
    if (given->count > 0 && export_is_of_events(&self->ask)) {
        return err_set(err, ERR_INVALID, "--filter does not go with raw events");
    }
    if (given->count > FILTERS_MAX) {
        return err_set(err, ERR_INVALID, "--filter: at most %d", FILTERS_MAX);
    }
    for (size_t i = 0; i < given->count; i++) {
        const char *wrong = filter_parse(given->items[i], &filters[i]);
        if (wrong != NULL) {
            return err_set(err, ERR_INVALID, "--filter %.*s: %s", STR_FMT(given->items[i]), wrong);
        }
    }
    self->ask.filters = (struct query_filters){filters, given->count};
    return 0;
}

static int take_rows(struct exporting *self, struct err *err)
{
    if (!export_find_rows(self->args->rows, &self->ask)) {
        return err_set(err, ERR_INVALID,
                       "--rows: is none of events, days, hours and the dimensions");
    }
    if (self->args->tenant.len > 0 && export_is_of_values(&self->ask)) {
        return err_set(err, ERR_INVALID, "--rows: values of a dimension are of one --site");
    }
    (void)export_find_format(self->args->format, &self->ask);
    return take_filters(self, err);
}

/* Of a tenant, named periods are read from the UTC calendar, as in the API. */
static int take_range(struct exporting *self, const struct site *site, struct err *err)
{
    const struct export_args *args = self->args;
    struct range_words words = {args->period, args->from, args->to};
    const struct tz *tz = args->site.len > 0 ? site->tz : NULL;
    struct range_clock clock = range_clock_at(tz, self->now_ms);
    const char *param;
    struct err why = {""};
    int rc = 0;
    if (words.period.len + words.from.len + words.to.len == 0) {
        words.period = STR("all");
    }
    self->ask.available = query_available(site, site_day(site, self->now_ms));
    clock.first = self->ask.available;
    if (self->ask.available == INT32_MIN) {
        rc = query_first_day(self->store, site, &clock.first, err);
    }
    if (rc == 0 && range_resolve(&words, &clock, &self->ask.range, &param, &why) < 0) {
        rc = err_set(err, ERR_INVALID, "--%s", why.text);
    }
    return rc;
}

static int check_filterable(const struct exporting *self, struct err *err)
{
    const struct site *site = self->ask.site;
    int32_t from = export_filterable(&self->ask, site_day(site, self->now_ms));
    char date[DATE_TEXT];
    if (self->ask.range.from >= from) {
        return 0;
    }
    date_format(from, date);
    return err_set(err, ERR_INVALID,
                   "--filter: these filters can be answered from %s on: what came before is kept "
                   "no more",
                   date);
}

/* -- sites ------------------------------------------------------------------------------------- */

static int find_sites(struct exporting *self, struct err *err)
{
    const struct export_args *args = self->args;
    const struct site **one = ARENA_NEW(self->in->arena, const struct site *, 1);
    if (args->tenant.len > 0) {
        self->sites_count = snapshot_sites(self->snapshot, args->tenant, &self->sites);
        return snapshot_has_tenant(self->snapshot, args->tenant)
                   ? 0
                   : err_set(err, ERR_NOTFOUND, "no such tenant: %.*s", STR_FMT(args->tenant));
    }
    *one = snapshot_site(self->snapshot, args->site);
    self->sites = one;
    self->sites_count = 1;
    return *one != NULL ? 0 : err_set(err, ERR_NOTFOUND, "no such site: %.*s", STR_FMT(args->site));
}

static int open_sites(struct exporting *self, struct err *err)
{
    const struct settings *settings = self->in->settings;
    const struct directory_config config = {.raw_days = (int32_t)settings->raw_days,
                                            .visit_days = (int32_t)settings->visit_days,
                                            .stats_days = (int32_t)settings->stats_days};
    int rc = settings_open_store(settings, true, self->in->arena, &self->store, err);
    if (rc != 0) {
        return rc;
    }
    self->directory = directory_new(&config);
    self->ask.directory = self->directory;
    rc = directory_refresh(self->directory, self->store, self->now_ms, err);
    if (rc == 0) {
        self->snapshot = directory_take(self->directory);
        rc = find_sites(self, err);
    }
    return rc;
}

static void close_sites(struct exporting *self)
{
    if (self->snapshot != NULL) {
        directory_give(self->directory, self->snapshot);
    }
    directory_free(&self->directory);
    store_close(&self->store);
}

/* -- writing ----------------------------------------------------------------------------------- */

static int write_site(struct exporting *self, FILE *file, struct err *err)
{
    struct export *export = export_new(&self->ask);
    struct buf page = {0};
    int rc = 1;
    while (rc > 0) {
        buf_reset(&page);
        rc = export_next(export, self->store, &page, err);
        if (rc >= 0 && page.len > 0 && fwrite(page.ptr, 1, page.len, file) != page.len) {
            rc =
                err_set(err, ERR_SYSTEM, "what is exported cannot be written: %s", strerror(errno));
        }
    }
    self->rows += export_count(export);
    export_free(&export);
    buf_release(&page);
    return rc;
}

/* What is wrong with a question is found before anything is written. */
static int each_site(struct exporting *self, FILE *file, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < self->sites_count; i++) {
        self->ask.site = self->sites[i];
        self->ask.headless = i > 0;
        rc = take_range(self, self->ask.site, err);
        if (rc == 0) {
            rc = check_filterable(self, err);
        }
        if (rc == 0 && file != NULL) {
            rc = write_site(self, file, err);
        }
    }
    return rc;
}

static int write_rows(struct exporting *self, struct err *err)
{
    struct output out = {0};
    int rc = output_open(self->in, self->args->copy.file, &out, err);
    if (rc == 0) {
        rc = each_site(self, out.file, err);
    }
    return output_close(self->in, &out, rc, err);
}

static void report(const struct exporting *self, double seconds)
{
    struct json_out json = {.buf = self->in->out};
    if (!self->args->copy.json) {
        buf_addf(self->in->out, "%lld rows in %.2f s\n", (long long)self->rows, seconds);
        return;
    }
    json_open(&json, '{');
    cli_json_number(&json, STR("rows"), self->rows);
    json_name(&json, STR("seconds"));
    json_rate(&json, seconds);
    json_close(&json, '}');
    buf_addc(self->in->out, '\n');
}

int export_rows_command(const struct invocation *in, const struct export_args *args,
                        struct err *err)
{
    struct exporting self = {.in = in, .args = args, .now_ms = clock_wall_ms()};
    bool to_stdout = output_is_stdout(args->copy.file);
    int64_t began_us = clock_steady_us();
    if (args->copy.json && to_stdout) {
        return err_set(err, ERR_INVALID,
                       "export: --json needs --output FILE: stdout takes the rows");
    }
    int rc = take_rows(&self, err);
    if (rc == 0) {
        rc = open_sites(&self, err);
    }
    if (rc == 0) {
        rc = each_site(&self, NULL, err);
    }
    if (rc == 0) {
        rc = write_rows(&self, err);
    }
    close_sites(&self);
    if (rc == 0 && !to_stdout) {
        report(&self, (double)(clock_steady_us() - began_us) / 1e6);
    }
    return rc == 0 || rc == ERR_INVALID ? rc : err_wrap(err, rc, "export");
}
