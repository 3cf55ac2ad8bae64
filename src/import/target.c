/* import/target.c -- the site that is imported into, and which of its days have numbers. */
#include "import/import_internal.h"

int target_find(const struct import_config *config, int64_t now_ms, struct target *out,
                struct err *err)
{
    const struct aggregate_config *job = config->job;
    const struct directory_config directory = {.raw_days = job->raw_days,
                                               .visit_days = job->visit_days,
                                               .stats_days = job->stats_days,
                                               .logger = job->logger};

    *out = (struct target){.directory = directory_new(&directory)};
    int rc = directory_refresh(out->directory, config->store, now_ms, err);

    if (rc < 0)
        return rc;
    out->snapshot = directory_take(out->directory);
    out->site = snapshot_site(out->snapshot, config->site);
    return out->site != NULL
               ? 0
               : err_set(err, ERR_NOTFOUND, "no such site: %.*s", STR_FMT(config->site));
}

void target_release(struct target *target)
{
    if (target->snapshot != NULL)
        directory_give(target->directory, target->snapshot);
    directory_free(&target->directory);
    *target = (struct target){0};
}

struct reading {
    struct target_days *out;
    struct arena *arena;
};

static int take_day(void *ctx, const struct stats_row *row)
{
    struct reading *reading = ctx;

    if (row->stats.estimated == STATS_IMPORTED)
        (void)days_add(&reading->out->imported, row->day, reading->arena);
    else if (row->day < reading->out->first_own)
        reading->out->first_own = row->day;
    return 0;
}

int target_days(struct store *store, const struct site *site, struct arena *arena,
                struct target_days *out, struct err *err)
{
    struct reading reading = {out, arena};

    *out = (struct target_days){.first_own = INT32_MAX};
    return store_each_day(store, site->tenant, site->id, INT32_MIN, INT32_MAX, take_day, &reading,
                          err);
}
