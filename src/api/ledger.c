/*
 * ledger.c -- GET /api/analytics/ledger: what became of everything received, by day, up to asOf.
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param ledger_params[] = {
    READER_SITE_PARAMS, READER_RANGE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

static void put_reasons(struct json_out *json, const char *name, const struct query_reason *reasons,
                        size_t count)
{
    answer_name(json, name);
    json_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        json_name(json, reasons[i].reason);
        json_i64(json, reasons[i].events);
    }
    json_close(json, '}');
}

static void put_books(struct json_out *json, const struct query_books *books)
{
    answer_name(json, "received");
    json_i64(json, books->received);
    answer_name(json, "stored");
    json_i64(json, books->stored);
    put_reasons(json, "dropped", books->dropped, books->dropped_count);
    put_reasons(json, "rejected", books->rejected, books->rejected_count);
    put_reasons(json, "bots", books->bots, books->bots_count);
}

static void put_day(struct json_out *json, const struct query_ledger_day *day)
{
    static const char *const members[] = {"received", "stored", "dropped", "rejected", "bots"};

    json_open(json, '{');
    answer_date(json, "date", day->day);
    if (day->kept)
        put_books(json, &day->books);
    else
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            answer_str(json, members[i], STR(""));
    json_close(json, '}');
}

static void put_queued(struct reader *reader, struct json_out *json)
{
    struct api_waiting waiting;
    struct err err = {0};
    int rc = api_waiting_read(reader->api, reader->store, reader->arena, &waiting, &err);

    answer_name(json, "queued");
    if (rc == 0)
        json_i64(json, waiting.records);
    else
        json_null(json);
}

static void answer_ledger(struct reader *reader)
{
    struct query_ledger ledger;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_ledger(reader->store, reader->site, reader->range, reader->available,
                          reader->arena, &ledger, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, true);
    put_queued(reader, &json);
    put_books(&json, &ledger.sum);
    answer_name(&json, "days");
    json_open(&json, '[');
    for (size_t i = 0; i < ledger.days_count; i++)
        put_day(&json, &ledger.days[i]);
    json_close(&json, ']');
    json_close(&json, '}');
}

void ledger_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, ledger_params) && reader_resolve_site(&reader) &&
        reader_dates(&reader) && reader_begin(&reader))
        answer_ledger(&reader);
    reader_close(&reader);
}
