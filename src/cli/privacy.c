/*
 * cli/privacy.c -- `abacus privacy report`: the evidence of this installation, for whoever answers
 * for the protection of data.
 *
 * It says what was read at that moment and promises nothing. No salt, id, address or token is ever
 * shown, nor read where that can be helped.
 */
#include "cli/privacy.h"

#include "base/clock.h"
#include "directory/directory.h"

struct report_args {
    bool json, all;
};

static const struct option report_options[] = {
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct report_args, json),
     .sentence = "Give the result as JSON."},
    {.name = "all",
     .type = OPTION_FLAG,
     .offset = offsetof(struct report_args, all),
     .sentence = "List all sites with less strict settings, not only the first 20."},
    {.name = NULL},
};

/* The sites as the job knows them, for as long as the snapshot is held. */
static int take_sites(const struct invocation *in, struct directory **directory,
                      struct store *store, int64_t now_ms, const struct snapshot **out,
                      struct err *err)
{
    const struct directory_config config = {
        .raw_days = (int32_t)in->settings->raw_days,
        .visit_days = (int32_t)in->settings->visit_days,
        .stats_days = (int32_t)in->settings->stats_days,
    };
    *directory = directory_new(&config);
    int rc = directory_refresh(*directory, store, now_ms, err);
    *out = rc == 0 ? directory_take(*directory) : NULL;
    return rc;
}

static int report(struct privacy *privacy, struct store *store, const struct snapshot *snapshot,
                  struct err *err)
{
    const struct report_args *args = privacy->in->args;
    privacy->sites_count = snapshot_sites(snapshot, STR(""), &privacy->sites);
    int rc = privacy_read(privacy, store, err);
    if (rc != 0) {
        return rc;
    }
    privacy_judge(privacy);
    (args->json ? privacy_json : privacy_page)(privacy, privacy->in->out);
    return privacy->findings_count > 0 ? 1 : 0;
}

static int run(const struct invocation *in, struct err *err)
{
    const struct report_args *args = in->args;
    struct privacy privacy = {.in = in, .now_ms = clock_wall_ms(), .all = args->all};
    struct store *store = NULL;
    struct directory *directory = NULL;
    const struct snapshot *snapshot = NULL;
    int rc = settings_open_store(in->settings, true, in->arena, &store, err);
    if (rc == 0) {
        rc = take_sites(in, &directory, store, privacy.now_ms, &snapshot, err);
    }
    if (rc == 0) {
        rc = report(&privacy, store, snapshot, err);
    }
    if (snapshot != NULL) {
        directory_give(directory, snapshot);
    }
    directory_free(&directory);
    store_close(&store);
    return rc;
}

const struct command command_privacy_report = {
    .name = "privacy report",
    .summary = "Show what is kept about visitors at this moment, for how long, and what of it is "
               "not as it should be.",
    .note =
        "Salts and when they end, runs of retention, what is stored, the event log, sites whose "
        "settings are\n"
        "less strict than the defaults. Reads only; safe beside serve. Exit status 1 if anything "
        "is found.\n"
        "Give it the server's own options and environment.",
    .options = report_options,
    .args_size = sizeof(struct report_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SERVE,
    .run = run,
};
