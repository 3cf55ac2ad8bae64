/* cli/aggregate.c -- `abacus aggregate`: one run of the job, after the one that may be running. */
#include "aggregate/aggregate.h"

#include "cli/command.h"

#include <stdio.h>

struct aggregate_args {
    bool json;
    int64_t batch;
};
#define ARG(member) .offset = offsetof(struct aggregate_args, member)

static const struct option aggregate_options[] = {
    {.name = "batch",
     .type = OPTION_COUNT,
     .value = "RECORDS",
     .fallback = "10000",
     .min = 1,
     .max = 10000,
     ARG(batch),
     .sentence = "How many records of the log one transaction counts."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct invocation *in = ctx;
    if (in->progress) {
        fprintf(stderr, "\rabacus: %llu of %llu records", (unsigned long long)done,
                (unsigned long long)total);
    }
}

static void add_json(const struct aggregate_report *report, struct buf *out)
{
    const struct {
        struct str name;
        uint64_t value;
    } members[] = {{STR("records"), report->records},
                   {STR("events"), report->events},
                   {STR("duplicates"), report->duplicates},
                   {STR("unstorable"), report->unstorable},
                   {STR("lost"), report->lost},
                   {STR("batches"), report->batches}};
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_name(&json, members[i].name);
        json_i64(&json, (int64_t)members[i].value);
    }
    json_name(&json, STR("seconds"));
    json_rate(&json, report->seconds);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static void add_line(const struct aggregate_report *report, struct buf *out)
{
    buf_addf(out, "%llu events counted from %llu records in %.2f s",
             (unsigned long long)report->events, (unsigned long long)report->records,
             report->seconds);
    if (report->duplicates > 0) {
        buf_addf(out, ", %llu duplicates", (unsigned long long)report->duplicates);
    }
    if (report->unstorable > 0) {
        buf_addf(out, ", %llu to the dead letters", (unsigned long long)report->unstorable);
    }
    if (report->lost > 0) {
        buf_addf(out, ", %llu records lost", (unsigned long long)report->lost);
    }
    buf_addc(out, '\n');
}

static int run(const struct invocation *in, struct err *err)
{
    const struct aggregate_args *args = in->args;
    const struct settings *settings = in->settings;
    struct store *store = NULL;
    int rc = settings_open_store(settings, false, in->arena, &store, err);
    if (rc != 0) {
        return rc;
    }
    const struct logger logger = {.level = settings_log_level(settings)};
    struct invocation context = *in;
    const struct aggregate_config config = {
        .data_dir = settings->data_dir,
        .raw_days = (int32_t)settings->raw_days,
        .visit_days = (int32_t)settings->visit_days,
        .stats_days = (int32_t)settings->stats_days,
        .audit_days = (int32_t)settings->audit_days,
        .batch_max = (size_t)args->batch,
        .retention = true,
        .logger = &logger,
        .progress = show_progress,
        .ctx = &context,
    };
    struct aggregate_report report = {0};
    rc = aggregate_run(&config, store, true, &report, err);
    store_close(&store);
    if (in->progress && report.batches > 0) {
        fputc('\n', stderr);
    }
    if (rc != 0) {
        /* Whatever it is, the command line was not what was wrong. */
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "aggregate");
    }
    (args->json ? add_json : add_line)(&report, in->out);
    return 0;
}

const struct command command_aggregate = {
    .name = "aggregate",
    .summary = "Make one run of the job: count what was received, apply retention.",
    .note =
        "Waits for a running job first. After exit 0 every event that was answered 202 before it "
        "began is\n"
        "in the next answer. Safe beside serve. A literal -- among the arguments is passed over.",
    .options = aggregate_options,
    .args_size = sizeof(struct aggregate_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB,
    .run = run,
};
