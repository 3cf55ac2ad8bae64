/* cli/relay.c -- `abacus relay`: the log of a node that is gone, from its volume. */
#include "relay/relay.h"

#include "base/clock.h"
#include "cli/command.h"
#include "log/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ASK_US = 500 * 1000, PAUSE_MS = 20 };

struct relay_args {
    bool json;
    int64_t timeout_ms;
};
#define ARG(member) .offset = offsetof(struct relay_args, member)

static const struct option relay_options[] = {
    {.name = "timeout",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .min = 1000,
     .max = INT64_C(30) * 86400000,
     .zero = true,
     ARG(timeout_ms),
     .sentence = "How long to wait until all is counted; 0 waits as long as it takes."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

/* What there is to do, and how far it has come. */
struct errand {
    const struct invocation *in;
    struct store *store;
    struct relay *relay;
    struct position *ends;
    size_t ends_count;
    uint64_t found, left, sent; /* records not committed at the beginning, and now */
    int64_t began_us;
    bool committed;
};

/* -- whose log it is -- */

/* A name that was mistyped must not pass for a log that has nothing left. */
static int check_log(const struct settings *settings, struct err *err)
{
    struct buf path = {0};
    buf_addf(&path, "%.*s/log", STR_FMT(settings->data_dir));
    buf_addc(&path, '\0');
    bool there = access(path.ptr, R_OK | X_OK) == 0;
    buf_release(&path);
    if (!there) {
        return err_set(err, ERR_NOTFOUND, "there is no event log to read in %.*s",
                       STR_FMT(settings->data_dir));
    }
    if (log_is_held(settings->data_dir)) {
        return err_set(err, ERR_CONFLICT,
                       "a server runs on %.*s and sends its log itself: stop it first, and it "
                       "drains",
                       STR_FMT(settings->data_dir));
    }
    return 0;
}

static int open_all(struct errand *errand, const struct logger *logger, struct err *err)
{
    const struct settings *settings = errand->in->settings;
    const struct relay_config config = {
        .data_dir = settings->data_dir, .redis_url = settings->redis_url, .logger = logger};
    int rc = check_log(settings, err);
    if (rc == 0) {
        rc = settings_open_store(settings, true, errand->in->arena, &errand->store, err);
    }
    if (rc == 0) {
        rc = relay_open(&config, &errand->relay, err);
    }
    if (rc == 0) {
        rc = log_ends(settings->data_dir, errand->in->arena, &errand->ends, &errand->ends_count,
                      err);
    }
    return rc;
}

/* -- doing it -- */

static int ask(struct errand *errand, struct err *err)
{
    return relay_is_committed(errand->store, errand->ends, errand->ends_count, &errand->committed,
                              &errand->left, err);
}

static void show_progress(const struct errand *errand)
{
    if (errand->in->progress) {
        fprintf(stderr, "\rabacus: %llu records sent, %llu of %llu counted",
                (unsigned long long)errand->sent,
                (unsigned long long)(errand->found - errand->left),
                (unsigned long long)errand->found);
    }
}

static bool is_too_late(const struct errand *errand, int64_t now_us)
{
    int64_t timeout_ms = ((const struct relay_args *)errand->in->args)->timeout_ms;
    return timeout_ms > 0 && now_us - errand->began_us >= timeout_ms * 1000;
}

/* A peer that is away may come back, and the relay has said that it is away. */
static int work(struct errand *errand, struct err *err)
{
    int64_t ask_due_us = 0, now_us = 0;
    int rc = ask(errand, err);
    errand->found = errand->left;
    while (rc == 0 && !errand->committed && !is_too_late(errand, now_us)) {
        struct relay_progress progress = {0};
        rc = relay_step(errand->relay, errand->store, &progress, err);
        errand->sent += progress.sent;
        now_us = clock_steady_us();
        if (rc == 0 && now_us >= ask_due_us) {
            rc = ask(errand, err);
            ask_due_us = now_us + ASK_US;
            show_progress(errand);
        }
        rc = rc == ERR_UNAVAILABLE ? 0 : rc;
        if (rc == 0 && progress.sent == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        }
    }
    if (errand->in->progress && errand->found > 0) {
        fputc('\n', stderr);
    }
    return rc;
}

/* -- telling -- */

static void add_json(const struct errand *errand, double seconds, struct buf *out)
{
    const struct {
        struct str name;
        uint64_t value;
    } members[] = {
        {STR("records"), errand->found}, {STR("sent"), errand->sent}, {STR("left"), errand->left}};
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        cli_json_number(&json, members[i].name, (int64_t)members[i].value);
    }
    json_name(&json, STR("seconds"));
    json_rate(&json, seconds);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static void add_line(const struct errand *errand, double seconds, struct buf *out)
{
    if (errand->committed) {
        buf_addf(out, "all is counted: %llu records, %llu of them sent from here, in %.2f s\n",
                 (unsigned long long)errand->found, (unsigned long long)errand->sent, seconds);
    } else {
        buf_addf(out,
                 "%llu of %llu records are not counted after %.2f s (%llu sent from here): they "
                 "stay in the log; run this again\n",
                 (unsigned long long)errand->left, (unsigned long long)errand->found, seconds,
                 (unsigned long long)errand->sent);
    }
}

static int run(const struct invocation *in, struct err *err)
{
    const struct relay_args *args = in->args;
    const struct logger logger = {.level = settings_log_level(in->settings)};
    struct errand errand = {.in = in, .began_us = clock_steady_us()};
    if (in->settings->redis_url.len == 0) {
        return err_set(err, ERR_INVALID,
                       "relay: REDIS_URL is not set; without Redis, abacus aggregate counts a log");
    }
    int rc = open_all(&errand, &logger, err);
    if (rc == 0) {
        rc = work(&errand, err);
    }
    relay_close(&errand.relay);
    store_close(&errand.store);
    if (rc != 0) {
        /* Whatever it is, the command line was not what was wrong. */
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "relay");
    }
    double seconds = (double)(clock_steady_us() - errand.began_us) / 1e6;
    (args->json ? add_json : add_line)(&errand, seconds, in->out);
    return errand.committed ? 0 : 1;
}

const struct command command_relay = {
    .name = "relay",
    .summary = "Send the log of a node that is gone, from its volume, and wait until it is "
               "counted.",
    .note =
        "The data directory is the gone node's; DATABASE_URL and REDIS_URL are the platform's. "
        "What is sent is\n"
        "counted by the aggregators of other nodes, which have to run. After exit 0 all that the "
        "node had\n"
        "answered 202 is counted, and the volume may go. Exit 1: the time was over; nothing is "
        "lost. Refused\n"
        "while a server runs on the directory, which drains by itself when it is stopped.",
    .options = relay_options,
    .args_size = sizeof(struct relay_args),
    .groups = SETTINGS_DATA,
    .run = run,
};
