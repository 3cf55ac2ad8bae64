/*
 * cli/queue.c -- `abacus queue status|dump`: what was received and is not counted yet, in the
 * shared buffer or, without one, in this machine's log.
 *
 * The positions are read before the queue, so that what is committed meanwhile is shown as waiting,
 * and nothing that waits is left out.
 */
#include "cli/command.h"

#include "base/clock.h"
#include "base/date.h"
#include "event/event.h"
#include "queue/queue.h"

#include <errno.h>
#include <stdio.h>

/* Whatever it is, the command line was not what was wrong. */
static int failed(int rc, struct err *err)
{
    return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "queue");
}

/* Begun behind what is committed. Only looked at: whoever counts may go on meanwhile. */
static int open_queue(const struct invocation *in, struct queue **out, struct err *err)
{
    struct store *store = NULL;
    struct position *committed = NULL;
    size_t count = 0;
    int rc = settings_open_store(in->settings, true, in->arena, &store, err);
    if (rc == 0) {
        rc = store_positions(store, NULL, in->arena, &committed, &count, err);
    }
    if (rc == 0) {
        rc = queue_open(settings_queue_url(in->settings, in->arena), out, err);
    }
    if (rc == 0) {
        rc = queue_begin(*out, PARTITIONS_ALL, committed, count, err);
    }
    store_close(&store);
    return rc;
}

static int read_status(const struct invocation *in, struct queue_status *out, struct err *err)
{
    struct queue *queue = NULL;
    int rc = open_queue(in, &queue, err);
    if (rc == 0) {
        rc = queue_status(queue, out, err);
    }
    queue_close(&queue);
    return rc;
}

static void add_status_json(const struct queue_status *status, double age, struct buf *out)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    cli_json_number(&json, STR("length"), (int64_t)status->length);
    cli_json_instant(&json, STR("oldestAt"), status->oldest_ms);
    json_name(&json, STR("oldestAgeSeconds"));
    json_rate(&json, age);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static int run_status(const struct invocation *in, struct err *err)
{
    const struct json_args *args = in->args;
    struct queue_status status = {0};
    int rc = read_status(in, &status, err);
    if (rc != 0) {
        return failed(rc, err);
    }
    int64_t age_ms = status.oldest_ms == 0 ? 0 : clock_wall_ms() - status.oldest_ms;
    double age = age_ms > 0 ? (double)age_ms / 1000 : 0;
    if (args->json) {
        add_status_json(&status, age, in->out);
    } else if (status.length == 0) {
        buf_add(in->out, STR("0 records waiting\n"));
    } else {
        buf_addf(in->out, "%llu record%s waiting, the oldest for %.1f s\n",
                 (unsigned long long)status.length, status.length == 1 ? "" : "s", age);
    }
    return 0;
}

/* -- dump -- */

static void add_position(const struct position *position, struct json_out *json)
{
    char hex[2 * PRODUCER_BYTES + 1];
    for (size_t i = 0; i < PRODUCER_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", position->producer.id[i]);
    }
    cli_json_text(json, STR("producer"), str_from(hex));
    cli_json_number(json, STR("partition"), position->partition);
    cli_json_number(json, STR("number"), (int64_t)position->number);
}

static void add_day(struct json_out *json, int32_t day)
{
    char text[DATE_TEXT];
    date_format(day, text);
    cli_json_text(json, STR("date"), str_from(text));
}

/* As breakdowns name them. */
static const struct str trait_names[TRAITS] = {
    [TRAIT_SOURCE] = STR_INIT("source"),
    [TRAIT_CHANNEL] = STR_INIT("channel"),
    [TRAIT_UTM_SOURCE] = STR_INIT("utmSource"),
    [TRAIT_UTM_MEDIUM] = STR_INIT("utmMedium"),
    [TRAIT_UTM_CAMPAIGN] = STR_INIT("utmCampaign"),
    [TRAIT_UTM_CONTENT] = STR_INIT("utmContent"),
    [TRAIT_UTM_TERM] = STR_INIT("utmTerm"),
    [TRAIT_COUNTRY] = STR_INIT("country"),
    [TRAIT_BROWSER] = STR_INIT("browser"),
    [TRAIT_OS] = STR_INIT("os"),
    [TRAIT_DEVICE] = STR_INIT("device"),
    [TRAIT_LANGUAGE] = STR_INIT("language"),
};

static void add_traits(const struct event *event, struct json_out *json)
{
    for (unsigned i = 0; i < TRAITS; i++) {
        if (event->traits[i].len > 0) {
            cli_json_text(json, trait_names[i], event->traits[i]);
        }
    }
}

/* Hashes of visitors and idempotency keys are left out: whoever mends a queue needs none. */
static void add_event(const struct event *event, struct json_out *json)
{
    cli_json_text(json, STR("event"), event->name);
    cli_json_text(json, STR("siteId"), event->site);
    cli_json_text(json, STR("tenantId"), event->tenant);
    cli_json_instant(json, STR("timestamp"), event->time_ms);
    cli_json_instant(json, STR("receivedAt"), event->received_ms);
    add_day(json, event->day);
    cli_json_text(json, STR("path"), event->path);
    cli_json_text(json, STR("referrer"), event->referrer);
    cli_json_text(json, STR("title"), event->title);
    cli_json_text(json, STR("screen"), event->screen);
    add_traits(event, json);
    cli_json_number(json, STR("count"), event->count);
    if (event->kind == EVENT_AI_USAGE) {
        cli_json_number(json, STR("tokens"), event->tokens);
    }
    if (event->kind == EVENT_ENGAGEMENT) {
        json_name(json, STR("seconds"));
        json_rate(json, (double)event->seconds_ms / 1000);
    }
    if (event->scroll >= 0) {
        cli_json_number(json, STR("scroll"), event->scroll);
    }
    if (event->props.len > 0) {
        json_name(json, STR("props"));
        json_raw(json, event->props);
    }
}

static void add_tally(const struct tally *tally, struct json_out *json)
{
    struct str reason = tally->rejected ? reject_reason_name((enum reject_reason)tally->reason)
                                        : drop_reason_name((enum drop_reason)tally->reason);
    cli_json_text(json, tally->rejected ? STR("rejected") : STR("dropped"), reason);
    cli_json_text(json, STR("siteId"), tally->site);
    cli_json_text(json, STR("tenantId"), tally->tenant);
    if (tally->bot.len > 0) {
        cli_json_text(json, STR("bot"), tally->bot);
    }
    add_day(json, tally->day);
    cli_json_number(json, STR("events"), (int64_t)tally->events);
}

/* An unreadable record is shown by its place: finding it is what a dump is for. */
static void add_record(const struct queue_record *queued, struct buf *out)
{
    struct record record = {0};
    struct err why = {0};
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    add_position(&queued->position, &json);
    if (record_decode(queued->payload, &record, &why) != 0) {
        cli_json_text(&json, STR("unreadable"), str_from(why.text));
    } else if (record.kind == RECORD_EVENT) {
        add_event(&record.event, &json);
    } else {
        add_tally(&record.tally, &json);
    }
    json_close(&json, '}');
    buf_addc(out, '\n');
}

enum { PAGE = 1000 };

/* Goes out page by page, because a queue may be larger than memory. */
static int dump(const struct invocation *in, struct queue *queue, struct err *err)
{
    struct arena page = {0};
    size_t count = 1;
    int rc = 0;
    while (rc == 0 && count > 0) {
        struct queue_record *records = NULL;
        rc = queue_read(queue, PAGE, &page, &records, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            add_record(&records[i], in->out);
        }
        if (fwrite(in->out->ptr, 1, in->out->len, stdout) != in->out->len) {
            rc = err_set(err, ERR_SYSTEM, "stdout: %s", strerror(errno));
        }
        buf_reset(in->out);
        arena_reset(&page);
    }
    arena_free(&page);
    return rc;
}

static int run_dump(const struct invocation *in, struct err *err)
{
    struct queue *queue = NULL;
    int rc = open_queue(in, &queue, err);
    if (rc == 0) {
        rc = dump(in, queue, err);
    }
    queue_close(&queue);
    return rc == 0 ? 0 : failed(rc, err);
}

const struct command command_queue_status = {
    .name = "queue status",
    .summary = "Tell how many records wait to be counted, and how long the oldest has.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_status,
};

const struct command command_queue_dump = {
    .name = "queue dump",
    .summary = "Print the records that wait, as JSON lines.",
    .note = "Some may be counted while they are printed; none is left out.",
    .options = json_options + 1,
    .groups = SETTINGS_DATA,
    .run = run_dump,
};
