/* cli/aggregate.c -- `abacus aggregate`: one run of the job, after the one that may be running;
 * with Redis, until what this machine has is committed. */
#include "aggregate/aggregate.h"

#include "base/clock.h"
#include "cli/command.h"
#include "log/log.h"
#include "relay/relay.h"

#include <stdio.h>
#include <time.h>

struct aggregate_args {
    bool json;
    int64_t batch;
};
#define ARG(member) .offset = offsetof(struct aggregate_args, member)

static const struct option aggregate_options[] = {
    {.name = "batch",
     .type = OPTION_COUNT,
     .value = "RECORDS",
     .fallback = "0",
     .min = 1,
     .max = 50000,
     .zero = true,
     ARG(batch),
     .sentence =
         "How many records of the log one transaction counts at most; 0 means what suits the "
         "database: 10,000 on SQLite, 50,000 on PostgreSQL."},
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
        cli_json_number(&json, members[i].name, (int64_t)members[i].value);
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

/* -- this machine's part of the platform -- */

enum { PATIENCE_US = 600 * 1000 * 1000, PAUSE_MS = 50 };

/* What this machine had answered 202 when the command began has to be committed when it ends,
 * whoever sends and counts it. */
struct errand {
    const struct settings *settings;
    const struct logger *logger;
    struct store *store;
    struct aggregator *aggregator;
    struct relay *relay; /* NULL: another process sends this machine's log */
    struct position *ends;
    size_t ends_count;
    struct aggregate_report sum;
};

/* A server beside may send this log, and stop meanwhile: then it is ours to send. */
static int send_log(struct errand *errand, struct err *err)
{
    const struct relay_config config = {.data_dir = errand->settings->data_dir,
                                        .redis_url = errand->settings->redis_url,
                                        .logger = errand->logger};
    struct relay_progress progress = {.sent = 1};
    int rc = errand->relay == NULL ? relay_open(&config, &errand->relay, err) : 0;

    if (rc == ERR_CONFLICT) {
        return 0;
    }
    while (rc == 0 && progress.sent > 0) {
        rc = relay_step(errand->relay, errand->store, &progress, err);
    }
    return rc;
}

static void add_report(struct aggregate_report *sum, const struct aggregate_report *more)
{
    sum->records += more->records;
    sum->events += more->events;
    sum->duplicates += more->duplicates;
    sum->unstorable += more->unstorable;
    sum->lost += more->lost;
    sum->batches += more->batches;
    sum->seconds += more->seconds;
}

static int count_once(struct errand *errand, unsigned how, struct err *err)
{
    struct aggregate_report report = {0};
    int rc = aggregate_run(errand->aggregator, errand->store, how, &report, err);
    add_report(&errand->sum, &report);
    return rc;
}

/* A peer that is away may come back; anything else will not mend itself. */
static bool may_pass(int rc)
{
    return rc == 0 || rc == ERR_UNAVAILABLE || rc == ERR_UNCERTAIN;
}

static int work_until_committed(struct errand *errand, struct err *err)
{
    int64_t until_us = clock_steady_us() + PATIENCE_US;
    unsigned how = AGGREGATE_RETENTION;
    uint64_t left = 0;
    bool committed = false;
    int rc = 0;
    for (;;) {
        rc = send_log(errand, err);
        if (may_pass(rc)) {
            int counted = count_once(errand, how, err);
            how = counted == 0 ? 0 : how;
            rc = rc == 0 ? counted : rc;
        }
        if (rc == 0) {
            rc = relay_is_committed(errand->store, errand->ends, errand->ends_count, &committed,
                                    &left, err);
        }
        if ((rc == 0 && committed) || !may_pass(rc) || clock_steady_us() >= until_us) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    if (rc == 0 && !committed) {
        rc = err_set(err, ERR_UNAVAILABLE,
                     "%llu events of this machine are not committed after 10 minutes: see abacus "
                     "doctor on the node that counts them",
                     (unsigned long long)left);
    }
    return rc;
}

/* On one machine, one run is all there is to do. */
static int work(struct errand *errand, struct arena *arena, struct err *err)
{
    if (errand->settings->redis_url.len == 0) {
        return count_once(errand, AGGREGATE_WAIT | AGGREGATE_RETENTION, err);
    }
    int rc = log_ends(errand->settings->data_dir, arena, &errand->ends, &errand->ends_count, err);
    return rc == 0 ? work_until_committed(errand, err) : rc;
}

int cli_aggregate(const struct invocation *in, int64_t batch, struct aggregate_report *sum,
                  struct err *err)
{
    const struct settings *settings = in->settings;
    const struct logger logger = {.level = settings_log_level(settings)};
    struct invocation context = *in;
    const struct aggregate_config config = {
        .queue_url = settings_queue_url(settings, in->arena),
        .data_dir = settings->data_dir,
        .raw_days = (int32_t)settings->raw_days,
        .visit_days = (int32_t)settings->visit_days,
        .stats_days = (int32_t)settings->stats_days,
        .audit_days = (int32_t)settings->audit_days,
        .batch_max = (size_t)batch,
        .logger = &logger,
        .progress = show_progress,
        .ctx = &context,
    };
    struct errand errand = {.settings = settings, .logger = &logger};
    int rc = settings_open_store(settings, false, in->arena, &errand.store, err);
    if (rc == 0) {
        rc = settings_make_data_dir(settings, in->arena, err);
    }
    if (rc != 0) {
        store_close(&errand.store);
        return rc;
    }
    errand.aggregator = aggregate_new(&config);
    rc = work(&errand, in->arena, err);
    aggregate_free(&errand.aggregator);
    relay_close(&errand.relay);
    store_close(&errand.store);
    *sum = errand.sum;
    if (in->progress && errand.sum.batches > 0) {
        fputc('\n', stderr);
    }
    /* Whatever it is, the command line was not what was wrong. */
    return rc == 0 ? 0 : err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "aggregate");
}

static int run(const struct invocation *in, struct err *err)
{
    const struct aggregate_args *args = in->args;
    struct aggregate_report sum = {0};
    int rc = cli_aggregate(in, args->batch, &sum, err);
    if (rc == 0) {
        (args->json ? add_json : add_line)(&sum, in->out);
    }
    return rc;
}

const struct command command_aggregate = {
    .name = "aggregate",
    .summary = "Make one run of the job: count what was received, apply retention.",
    .note =
        "Waits for a running job first. After exit 0 every event that this machine answered 202 "
        "before it\n"
        "began is in the next answer of every node; with Redis it sends this machine's log, and "
        "waits up to\n"
        "10 minutes for those whom others count. Safe beside serve. A literal -- is passed over.",
    .options = aggregate_options,
    .args_size = sizeof(struct aggregate_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB,
    .run = run,
};
