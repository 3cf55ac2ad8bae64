/*
 * cli/demo.c -- `abacus demo`: a tenant with sites whose numbers are made up (demo/demo.h), counted
 * as an import is.
 */
#include "cli/demo.h"

#include "base/clock.h"
#include "base/date.h"

#include <sodium.h>
#include <stdio.h>

struct demo_args {
    int64_t days;
    bool json;
};
#define ARG(member) .offset = offsetof(struct demo_args, member)

static const struct option demo_options[] = {
    {.name = "days",
     .type = OPTION_COUNT,
     .value = "DAYS",
     .fallback = "365",
     .min = 1,
     .max = DEMO_DAYS_MAX,
     ARG(days),
     .sentence = "How many days the first run makes up, today among them."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

struct run {
    const struct invocation *in;
    struct demo_stream streams[DEMO_SITES];
    struct import_report reports[DEMO_SITES];
    uint64_t done, total; /* records of sites that are counted; of all */
    bool shown;
    double seconds; /* of counting, packing included */
};

/* -- counting ---------------------------------------------------------------------------------- */

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct run *run = ctx;

    (void)total;
    if (!run->in->progress)
        return;
    fprintf(stderr, "\rabacus: %llu of %llu made-up records",
            (unsigned long long)(run->done + done), (unsigned long long)run->total);
    run->shown = true;
}

static int count_site(struct run *run, struct import_config *config, size_t i, struct err *err)
{
    struct demo_stream *stream = &run->streams[i];
    int32_t today = tz_at(stream->tz, clock_wall_ms()).day;

    config->site = stream->site->id;
    int rc = stream->counted == 0 ? demo_note_days(run->in, stream, today, err) : 0;

    if (rc == 0)
        rc = demo_stream_count(stream, config, &run->reports[i], err);
    run->done += stream->records;
    return rc;
}

static int count_sites(struct run *run, struct store *store, struct err *err)
{
    const struct settings *settings = run->in->settings;
    const struct logger logger = {.level = settings_log_level(settings)};
    const struct aggregate_config job = {
        .data_dir = settings->data_dir,
        .raw_days = (int32_t)settings->raw_days,
        .visit_days = (int32_t)settings->visit_days,
        .stats_days = (int32_t)settings->stats_days,
        .audit_days = (int32_t)settings->audit_days,
        .logger = &logger,
        .progress = show_progress,
        .ctx = run,
    };
    struct import_config config = {.store = store, .job = &job};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < DEMO_SITES; i++)
        rc = count_site(run, &config, i, err);
    if (run->shown)
        fputc('\n', stderr);
    return rc;
}

/* Old days are packed, so that they are answered quickly, and their rows go. */
static int pack(const struct run *run, struct err *err)
{
    struct aggregate_report report = {0};
    struct invocation inner = *run->in;

    if (run->in->progress)
        fputs("abacus: packing the days\n", stderr);
    inner.progress = false;
    return cli_aggregate(&inner, 0, &report, err);
}

static void prepare(struct run *run, int32_t days)
{
    int64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < DEMO_SITES; i++) {
        struct demo_stream *stream = &run->streams[i];

        if (stream->counted == 0)
            demo_stream_begin(stream, days, now_ms);
        demo_stream_measure(stream, now_ms);
        run->total += stream->records;
    }
}

static bool is_new(const struct run *run)
{
    uint64_t counted = 0;

    for (size_t i = 0; i < DEMO_SITES; i++)
        counted += run->streams[i].counted;
    return run->total > counted;
}

static int make_up(struct run *run, int32_t days, struct err *err)
{
    const struct invocation *in = run->in;
    struct store *store = NULL;
    int64_t began_us = clock_steady_us();
    int rc = sodium_init() < 0 ? ERR_SYSTEM : 0;

    if (rc == 0)
        rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc == 0)
        rc = settings_make_data_dir(in->settings, in->arena, err);
    if (rc == 0)
        rc = demo_find(store, in->arena, run->streams, err);
    if (rc == 0)
        rc = demo_make(in, run->streams, err);
    if (rc == 0)
        prepare(run, days);
    if (rc == 0)
        rc = count_sites(run, store, err);
    store_close(&store);
    if (rc == 0 && is_new(run))
        rc = pack(run, err);
    run->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    return rc;
}

/* -- the report -------------------------------------------------------------------------------- */

static uint64_t dropped(const struct import_report *report)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < DROP_REASONS; i++)
        sum += report->dropped[i];
    return sum;
}

static void add_dropped(const struct import_report *report, struct json_out *json)
{
    json_name(json, STR("dropped"));
    json_open(json, '{');
    for (size_t i = 0; i < DROP_REASONS; i++)
        if (report->dropped[i] > 0)
            cli_json_number(json, drop_reason_name((enum drop_reason)i),
                            (int64_t)report->dropped[i]);
    json_close(json, '}');
}

static void add_site(const struct demo_stream *stream, const struct import_report *report,
                     struct json_out *json)
{
    const struct stats *sums = &report->sums;
    const struct {
        struct str name;
        int64_t value;
    } members[] = {{STR("records"), (int64_t)report->records},
                   {STR("known"), (int64_t)report->known},
                   {STR("stored"), (int64_t)report->stored},
                   {STR("pageviews"), sums->pageviews},
                   {STR("leads"), sums->leads},
                   {STR("forms"), sums->forms},
                   {STR("exports"), sums->exports},
                   {STR("automationRuns"), sums->automation_runs},
                   {STR("aiTokens"), sums->ai_tokens}};
    char first[DATE_TEXT];

    date_format(stream->first, first);
    json_open(json, '{');
    cli_json_text(json, STR("siteId"), stream->site->id);
    cli_json_text(json, STR("domain"), stream->site->domain);
    cli_json_text(json, STR("timezone"), stream->site->timezone);
    cli_json_text(json, STR("from"), str_from(first));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        cli_json_number(json, members[i].name, members[i].value);
    add_dropped(report, json);
    json_close(json, '}');
}

static void add_json(const struct run *run, struct buf *out)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    cli_json_text(&json, STR("tenantId"), DEMO_TENANT);
    json_name(&json, STR("sites"));
    json_open(&json, '[');
    for (size_t i = 0; i < DEMO_SITES; i++)
        add_site(&run->streams[i], &run->reports[i], &json);
    json_close(&json, ']');
    json_name(&json, STR("seconds"));
    json_rate(&json, run->seconds);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static void add_lines(const struct run *run, struct buf *out)
{
    uint64_t stored = 0;

    for (size_t i = 0; i < DEMO_SITES; i++) {
        const struct import_report *report = &run->reports[i];

        stored += report->stored;
        buf_addf(out, "%.*s: %llu made-up events, %llu left out", STR_FMT(run->streams[i].site->id),
                 (unsigned long long)report->stored, (unsigned long long)dropped(report));
        if (report->known > 0)
            buf_addf(out, ", %llu records counted before", (unsigned long long)report->known);
        buf_addc(out, '\n');
    }
    buf_addf(out, "%llu events in %.2f s, %.0f per second\n", (unsigned long long)stored,
             run->seconds, (double)stored / run->seconds);
}

static int run_demo(const struct invocation *in, struct err *err)
{
    const struct demo_args *args = in->args;
    struct run run = {.in = in};
    int rc = make_up(&run, (int32_t)args->days, err);

    demo_release(run.streams);
    if (rc != 0)
        /* Whatever it is, the command line was not what was wrong. */
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "demo");
    (args->json ? add_json : add_lines)(&run, in->out);
    return 0;
}

const struct command command_demo = {
    .name = "demo",
    .summary = "Fill a tenant of its own with a year of made-up traffic, to look around in.",
    .note =
        "The tenant demo (\"Demo: made-up numbers\") gets three sites: demo-shop, demo-blog and "
        "demo-app, with\n"
        "goals, campaigns and notes. What they hold is counted like anything else, and is the "
        "same whenever it is\n"
        "made on the same day. Run again on a later day it adds the days since; what was cut "
        "off goes on where it\n"
        "was. Where the tenant or a site is somebody else's, nothing is changed. "
        "`abacus tenant rm demo --now`\n"
        "removes all of it.",
    .options = demo_options,
    .args_size = sizeof(struct demo_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB,
    .run = run_demo,
};
