/*
 * takeout.c -- the life of a takeout (api/takeout.h): from section to section, and of a tenant from
 * site to site.
 */
#include "api/takeout_internal.h"

#include "base/must.h"

#include <stdlib.h>

static takeout_fn write_header, write_end;

enum { OF_SITE = 1, OF_TENANT = 2, EACH_SITE = 4, OF_BOTH = OF_SITE | OF_TENANT };

/* Those of each site are written for the first, then for the next one. */
static const struct section {
    takeout_fn *write;
    unsigned of;
} sections[] = {
    {write_header, OF_BOTH},
    {takeout_tenant, OF_TENANT},
    {takeout_users, OF_TENANT},
    {takeout_tokens, OF_BOTH},
    {takeout_links, OF_BOTH},
    {takeout_settings, OF_BOTH | EACH_SITE},
    {takeout_annotations, OF_BOTH | EACH_SITE},
    {takeout_days, OF_BOTH | EACH_SITE},
    {takeout_hours, OF_BOTH | EACH_SITE},
    {takeout_events, OF_BOTH | EACH_SITE},
    {takeout_ledger, OF_BOTH | EACH_SITE},
    {takeout_breakdowns, OF_BOTH | EACH_SITE},
    {takeout_audit, OF_TENANT},
    {write_end, OF_BOTH},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* -- lines --------------------------------------------------------------------------------- */

void takeout_open(struct takeout *self, const char *type)
{
    self->json.comma = false;
    json_open(&self->json, '{');
    json_name(&self->json, STR("type"));
    json_str(&self->json, str_from(type));
}

void takeout_close(struct takeout *self)
{
    json_close(&self->json, '}');
    buf_addc(self->json.buf, '\n');
    self->rows++;
    self->lines++;
}

struct str takeout_site(const struct takeout *self)
{
    bool one = !self->whole_tenant || (sections[self->section].of & EACH_SITE) != 0;

    return one && self->sites_count > 0 ? self->sites[self->site] : STR("");
}

static int write_header(struct takeout *self, struct store *store, struct err *err)
{
    int64_t counters[COUNTERS] = {0};
    int rc = store_counters(store, counters, err);

    if (rc < 0)
        return rc;
    takeout_open(self, "export");
    answer_name(&self->json, "of");
    json_str(&self->json, self->whole_tenant ? STR("tenant") : STR("site"));
    answer_str(&self->json, "tenantId", self->tenant);
    answer_str(&self->json, "siteId", takeout_site(self));
    answer_instant(&self->json, "exportedAt", self->now_ms);
    if (counters[COUNTER_AS_OF] == 0)
        answer_str(&self->json, "asOf", STR(""));
    else
        answer_instant(&self->json, "asOf", counters[COUNTER_AS_OF]);
    answer_name(&self->json, "format");
    json_i64(&self->json, 1);
    takeout_close(self);
    return 0;
}

static int write_end(struct takeout *self, struct store *store, struct err *err)
{
    int64_t lines = self->lines;

    (void)store;
    (void)err;
    takeout_open(self, "end");
    answer_name(&self->json, "lines");
    json_i64(&self->json, lines);
    takeout_close(self);
    return 0;
}

/* -- from section to section --------------------------------------------------------------- */

static bool is_wanted(const struct takeout *self, size_t section)
{
    unsigned of = sections[section].of;

    return (of & (self->whole_tenant ? OF_TENANT : OF_SITE)) != 0 &&
           ((of & EACH_SITE) == 0 || self->sites_count > 0);
}

static bool is_of_each_site(size_t section)
{
    return section < SECTIONS && (sections[section].of & EACH_SITE) != 0;
}

static void next_section(struct takeout *self)
{
    bool each = is_of_each_site(self->section);

    export_free(&self->place.events);
    self->place = (struct takeout_place){0};
    self->section++;
    if (each && !is_of_each_site(self->section) && self->site + 1 < self->sites_count) {
        self->site++;
        while (is_of_each_site(self->section - 1))
            self->section--;
    }
    while (self->section < SECTIONS && !is_wanted(self, self->section))
        self->section++;
}

/* What it is about is there, and is not to be erased. */
static bool is_there(const struct takeout *self)
{
    const struct snapshot *snapshot = directory_take(self->directory);
    bool there = false;

    if (snapshot == NULL)
        return false;
    if (self->whole_tenant) {
        const struct tenant *tenant = snapshot_tenant(snapshot, self->tenant);
        there = tenant != NULL && !tenant->erasing;
    } else {
        const struct site *site = snapshot_site(snapshot, self->sites[0]);
        there = site != NULL && !site->erasing && str_eq(site->tenant, self->tenant);
    }
    directory_give(self->directory, snapshot);
    return there;
}

/* -- a takeout ----------------------------------------------------------------------------- */

struct takeout *takeout_new(struct directory *directory, struct str tenant, const struct site *site,
                            int64_t now_ms)
{
    struct takeout *self = must(calloc(1, sizeof(*self)));

    self->directory = directory;
    self->tenant = arena_str(&self->owned, tenant);
    self->whole_tenant = site == NULL;
    self->now_ms = now_ms;
    if (site != NULL) {
        self->sites = ARENA_NEW(&self->owned, struct str, 1);
        self->sites[0] = arena_str(&self->owned, site->id);
        self->sites_count = 1;
    }
    return self;
}

void takeout_free(struct takeout **out)
{
    struct takeout *self = *out;

    *out = NULL;
    if (self == NULL)
        return;
    export_free(&self->place.events);
    arena_free(&self->page);
    arena_free(&self->owned);
    free(self);
}

int takeout_next(struct takeout *self, struct store *store, struct buf *out, struct err *err)
{
    size_t before = out->len;

    if (!is_there(self))
        return err_set(err, ERR_NOTFOUND, "what is exported is gone");
    self->json = (struct json_out){.buf = out};
    self->rows = 0;
    /* Small sections share a page. */
    while (self->section < SECTIONS && self->rows < TAKEOUT_PAGE_ROWS &&
           out->len - before < TAKEOUT_PAGE_BYTES) {
        int rc = sections[self->section].write(self, store, err);

        /* A site of the tenant that is deleted meanwhile ends where it is. */
        if (rc == ERR_NOTFOUND && self->whole_tenant && is_of_each_site(self->section))
            rc = 0;

        arena_reset(&self->page);
        if (rc < 0)
            return rc;
        if (rc == 0)
            next_section(self);
    }
    return self->section < SECTIONS;
}
