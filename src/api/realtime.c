/*
 * realtime.c -- GET /api/analytics/realtime: who is here now, once or as an event stream.
 *
 * `from` and `to` are the site's dates of the thirty minutes. Where asOf is older than a minute the
 * minutes stand as they were then, and visitorsNow is null: nobody knows.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/live.h"
#include "api/reader.h"
#include "base/date.h"

const struct http_param realtime_params[] = {READER_SITE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

static void put_minutes(struct json_out *json, const struct query_realtime *now)
{
    answer_name(json, "last30Minutes");
    json_open(json, '[');
    for (size_t i = 0; i < REALTIME_MINUTES; i++) {
        json_open(json, '{');
        answer_instant(json, "time", now->minutes[i].minute_ms);
        answer_name(json, "pageviews");
        json_i64(json, now->minutes[i].pageviews);
        answer_name(json, "visitors");
        json_i64(json, now->minutes[i].visitors);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_rows(struct json_out *json, const char *name, const struct query_live_row *rows,
                     size_t count)
{
    answer_name(json, name);
    json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(json, '{');
        answer_name(json, "value");
        json_str(json, rows[i].value);
        answer_name(json, "visitors");
        json_i64(json, rows[i].visitors);
        answer_name(json, "pageviews");
        json_i64(json, rows[i].pageviews);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_now(struct json_out *json, const struct reader *reader,
                    const struct query_realtime *now)
{
    answer_name(json, "visitorsNow");
    if (reader_is_late(reader))
        json_null(json);
    else
        json_i64(json, now->visitors_now);
    put_minutes(json, now);
    put_rows(json, "pages", now->pages, now->pages_count);
    put_rows(json, "sources", now->sources, now->sources_count);
    put_rows(json, "countries", now->countries, now->countries_count);
}

static void answer_now(struct reader *reader)
{
    int64_t as_of_ms = reader->as_of_ms == 0 ? reader->now_ms : reader->as_of_ms;
    struct query_realtime now;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_realtime(reader->store, reader->site, as_of_ms, reader->arena, &now, &err);

    if (!reader_done(reader, rc, &err))
        return;
    reader->range = (struct range){site_day(reader->site, now.minutes[0].minute_ms),
                                   site_day(reader->site, as_of_ms)};
    json_open(&json, '{');
    reader_echo(reader, &json, true);
    put_now(&json, reader, &now);
    json_close(&json, '}');
}

static const struct live_kind live_realtime = {.params = realtime_params,
                                               .route = STR_INIT("realtime"),
                                               .make = answer_now,
                                               .numbers = STR_INIT("\"visitorsNow\":")};

void realtime_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open_public(&reader, request, response, realtime_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader)) {
        if (live_wanted(request))
            live_answer(&reader, &live_realtime);
        else
            cached_now(&reader, live_realtime.route, answer_now);
    }
    reader_close(&reader);
}
