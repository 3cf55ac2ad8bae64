/*
 * export_run.c -- the life of an export (api/export.h): what it was asked for, and its pages.
 */
#include "api/export_internal.h"
#include "base/clock.h"
#include "base/must.h"

#include <assert.h>
#include <stdlib.h>

/* -- what is asked for --------------------------------------------------------------------- */

bool export_find_rows(struct str rows, struct export_ask *ask)
{
    static const struct export_kind *const kinds[] = {&export_events, &export_days, &export_hours};

    ask->prop = STR("");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (rows.len == 0 || str_eq(kinds[i]->name, rows)) {
            ask->kind = kinds[i];
            return true;
        }
    ask->kind = &export_values;
    return dimension_find(rows, &ask->dimension, &ask->prop);
}

bool export_find_format(struct str name, struct export_ask *ask)
{
    ask->format = export_format_find(name);
    return ask->format != NULL;
}

bool export_is_of_events(const struct export_ask *ask)
{
    return ask->kind == &export_events;
}

bool export_is_of_values(const struct export_ask *ask)
{
    return ask->kind == &export_values;
}

int32_t export_filterable(const struct export_ask *ask, int32_t today)
{
    const struct query_breakdown_ask values = {
        .dimension = ask->dimension, .prop = ask->prop, .filters = ask->filters};

    if (ask->filters.count == 0)
        return INT32_MIN;
    if (export_is_of_values(ask))
        return query_breakdown_filterable(ask->site, &values, today);
    return query_filterable(ask->site, &ask->filters, ask->kind == &export_hours, today);
}

struct str export_rows_name(const struct export_ask *ask)
{
    return export_is_of_values(ask) ? dimension_name(ask->dimension) : ask->kind->name;
}

struct str export_format_name(const struct export_ask *ask)
{
    return ask->format->name;
}

struct str export_content_type(const struct export_ask *ask)
{
    return ask->format->content_type;
}

/* -- an export ----------------------------------------------------------------------------- */

static struct query_filters own_filters(struct arena *arena, const struct query_filters *filters)
{
    struct filter *own = ARENA_NEW(arena, struct filter, filters->count + 1);

    for (size_t i = 0; i < filters->count; i++) {
        own[i] = filters->filters[i];
        own[i].prop = arena_str(arena, own[i].prop);
        own[i].value = arena_str(arena, own[i].value);
    }
    return (struct query_filters){own, filters->count};
}

struct export *export_new(const struct export_ask *ask)
{
    struct export *self = must(calloc(1, sizeof(*self)));

    self->kind = ask->kind;
    self->format = ask->format;
    self->directory = ask->directory;
    self->now = ask->now != NULL ? ask->now : clock_wall_ms;
    self->tenant = arena_str(&self->owned, ask->site->tenant);
    self->site = arena_str(&self->owned, ask->site->id);
    self->range = ask->range;
    self->available = ask->available;
    self->filters = own_filters(&self->owned, &ask->filters);
    self->dimension = ask->dimension;
    self->prop = arena_str(&self->owned, ask->prop);
    self->type = arena_str(&self->owned, ask->type);
    self->begun = ask->headless;
    if (self->type.len > 0)
        export_column(self, STR("type"));
    self->kind->begin(self, ask->site);
    return self;
}

void export_free(struct export **out)
{
    struct export *self = *out;

    *out = NULL;
    if (self == NULL)
        return;
    arena_free(&self->page);
    arena_free(&self->owned);
    free(self);
}

int export_next(struct export *self, struct store *store, struct buf *out, struct err *err)
{
    if (!self->begun)
        self->format->header(self->names, self->columns, out);
    self->begun = true;
    int rc = self->kind->page(self, store, out, err);

    arena_reset(&self->page);
    return rc;
}

int64_t export_count(const struct export *self)
{
    return self->written;
}

/* -- for the kinds ------------------------------------------------------------------------- */

void export_column(struct export *self, struct str name)
{
    assert(self->columns < EXPORT_COLUMNS_MAX);
    self->names[self->columns++] = name;
}

void export_row(struct export *self, const struct cell *cells, struct buf *out)
{
    struct cell typed[EXPORT_COLUMNS_MAX] = {cell_text(self->type)};

    if (self->type.len > 0)
        memcpy(typed + 1, cells, (self->columns - 1) * sizeof(cells[0]));
    self->format->row(self->names, self->type.len > 0 ? typed : cells, self->columns, out);
    self->written++;
}

const struct site *export_site(const struct export *self, const struct snapshot **out)
{
    const struct snapshot *snapshot = directory_take(self->directory);
    const struct site *site = snapshot == NULL ? NULL : snapshot_site(snapshot, self->site);

    if (site != NULL && str_eq(site->tenant, self->tenant)) {
        *out = snapshot;
        return site;
    }
    if (snapshot != NULL)
        directory_give(self->directory, snapshot);
    return NULL;
}
