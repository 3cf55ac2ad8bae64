/*
 * reader.c -- credentials, parameters and refusals of reading handlers; whom they mean stands in
 * resolve.c.
 */
#include "api/reader.h"

#include "access/access.h"
#include "api/answer.h"
#include "base/clock.h"
#include "base/date.h"

#include <stdarg.h>
#include <stdio.h>

/* -- refusals ------------------------------------------------------------------------------ */

/* A problem whose member "parameter" holds `name`, which may be any text that was sent. */
static bool refuse_named(struct reader *reader, struct str name, const char *detail)
{
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    buf_add(&members, STR("\"parameter\":"));
    json_str(&json, name);
    http_problem(reader->response, 400, str_from(detail), buf_str(&members));
    buf_release(&members);
    return false;
}

bool reader_refuse(struct reader *reader, const char *param, const char *fmt, ...)
{
    char detail[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    return refuse_named(reader, str_from(param), detail);
}

bool reader_done(struct reader *reader, int rc, const struct err *err)
{
    char quoted[300];

    if (rc >= 0)
        return true;
    if (rc == ERR_UNAVAILABLE || rc == ERR_FULL) {
        http_problem(reader->response, 503, STR("the store does not answer now"), STR(""));
    } else {
        http_problem(reader->response, 500, STR("the numbers could not be read"), STR(""));
    }
    if (reader->api->metrics != NULL)
        metrics_error(reader->api->metrics, METRICS_ERROR_STORE);
    if (reader->api->logger != NULL)
        logger_line(reader->api->logger, LOG_ERROR, "reading failed", "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    return false;
}

int64_t api_now(const struct api *api)
{
    return api->now == NULL ? clock_wall_ms() : api->now();
}

/* -- credentials --------------------------------------------------------------------------- */

const struct token *reader_token(const struct http_request *request,
                                 const struct snapshot *snapshot, int64_t now_ms)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    struct str text;

    if (!bearer_token(request->authorization, &text) || !token_hash(text, hash))
        return NULL;
    return snapshot_token(snapshot, hash, now_ms);
}

static bool authorise(struct reader *reader)
{
    reader->snapshot = directory_take(reader->api->directory);
    if (reader->snapshot == NULL) {
        http_problem(reader->response, 503, STR("the sites and tokens are not loaded yet"),
                     STR(""));
        return false;
    }
    reader->token = reader_token(reader->request, reader->snapshot, reader->now_ms);
    if (reader->token == NULL) {
        http_problem(reader->response, 401, STR("a valid token is needed"), STR(""));
        return false;
    }
    if ((reader->token->scopes & SCOPE_STATS_READ) == 0) {
        http_problem(reader->response, 403, STR("the token lacks the scope stats:read"), STR(""));
        return false;
    }
    return true;
}

/* -- parameters ---------------------------------------------------------------------------- */

static size_t param_index(const struct http_param *params, struct str name)
{
    size_t i = 0;

    while (params[i].name != NULL && !str_eq(str_from(params[i].name), name))
        i++;
    return i;
}

/* Returns 1 after a refusal. */
static int take_param(void *ctx, struct str name, struct str value)
{
    struct reader *reader = ctx;
    size_t i = param_index(reader->params, name);

    if (reader->params[i].name == NULL) {
        (void)refuse_named(reader, name, "there is no such parameter");
        return 1;
    }
    if (reader->values[i].ptr != NULL) {
        (void)refuse_named(reader, name, "the parameter is given twice");
        return 1;
    }
    if (value.len == 0) {
        (void)refuse_named(reader, name, "the parameter is empty");
        return 1;
    }
    reader->values[i] = value;
    return 0;
}

static bool take_params(struct reader *reader)
{
    struct err err = {0};
    int rc = query_each(reader->request->query, reader->arena, take_param, reader, &err);

    if (rc < 0)
        http_problem(reader->response, 400, str_from(err.text), STR(""));
    return rc == 0;
}

struct str reader_param(const struct reader *reader, struct str name)
{
    size_t i = param_index(reader->params, name);

    return reader->params[i].name == NULL ? (struct str){NULL, 0} : reader->values[i];
}

/* -- the way ------------------------------------------------------------------------------- */

bool reader_open(struct reader *reader, const struct http_request *request,
                 struct http_response *response, const struct http_param *params)
{
    struct api *api = request->app;

    *reader = (struct reader){.request = request,
                              .response = response,
                              .api = api,
                              .store = request->worker,
                              .arena = request->arena,
                              .params = params,
                              .now_ms = api_now(api)};
    http_header(response, STR("Cache-Control"), STR("no-store"));
    return authorise(reader) && take_params(reader);
}

void reader_close(struct reader *reader)
{
    if (reader->reading)
        store_read_end(reader->store);
    if (reader->snapshot != NULL)
        directory_give(reader->api->directory, reader->snapshot);
}

void reader_echo(const struct reader *reader, struct json_out *json, bool exact)
{
    const struct site *site = reader->site;

    answer_str(json, "siteId", site == NULL ? STR("") : site->id);
    answer_str(json, "tenantId", reader->tenant);
    answer_str(json, "timezone", site == NULL ? STR("") : site->timezone);
    answer_date(json, "from", reader->range.from);
    answer_date(json, "to", reader->range.to);
    if (reader->as_of_ms == 0)
        answer_str(json, "asOf", STR(""));
    else
        answer_instant(json, "asOf", reader->as_of_ms);
    answer_name(json, "exact");
    json_bool(json, exact);
    answer_str(json, "uniqueBasis", STR("day"));
    answer_available(json, reader->available);
}
