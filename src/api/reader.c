/*
 * reader.c -- credentials, parameters and refusals of reading handlers; whom they mean stands in
 * resolve.c.
 */
#include "api/reader.h"

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

/* Nobody may read what a public dashboard shows of the site that is named. */
static enum refusal let_in(struct reader *reader)
{
    const struct site *site = NULL;
    struct str id;

    if (query_param(reader->request->query, STR("siteId"), reader->arena, &id, NULL) == 1)
        site = snapshot_site(reader->snapshot, id);
    if (site == NULL || !site->public_dashboard || site->erasing || !site->tenant_active)
        return REFUSED_UNKNOWN;
    caller_of_site(CALLER_NOBODY, STR("public"), site->tenant, &site->id, 1, true, 0, reader->arena,
                   &reader->caller);
    return REFUSED_NOT;
}

static enum refusal admit(struct reader *reader, bool public)
{
    if (reader->snapshot == NULL)
        return REFUSED_STARTING;
    enum refusal refusal =
        caller_read(reader->request, reader->snapshot, reader->now_ms, &reader->caller);

    if (refusal != REFUSED_NOT)
        return refusal;
    if (public && reader->caller.kind == CALLER_NOBODY)
        return let_in(reader);
    refusal = caller_needs(&reader->caller, reader->snapshot, SCOPE_STATS_READ);
    return refusal == REFUSED_NOT && reader->caller.restricted && !public ? REFUSED_PRIVATE
                                                                          : refusal;
}

/* -- parameters ---------------------------------------------------------------------------- */

static size_t param_index(const struct http_param *params, struct str name)
{
    size_t i = 0;

    while (params[i].name != NULL && !str_eq(str_from(params[i].name), name))
        i++;
    return i;
}

/* What is wrong with one more value of a parameter, or NULL. */
static const char *take_value(struct reader *reader, size_t i, struct str value)
{
    if (reader->params[i].name == NULL)
        return "there is no such parameter";
    if (value.len == 0)
        return "the parameter is empty";
    if (reader->params[i].use == HTTP_PARAM_REPEATED) {
        if (reader->repeated_count == READER_REPEATED_MAX)
            return "the parameter is given too often";
        reader->repeated[reader->repeated_count++] = value;
    } else if (reader->values[i].ptr != NULL) {
        return "the parameter is given twice";
    }
    reader->values[i] = value;
    return NULL;
}

/* Returns 1 after a refusal. */
static int take_param(void *ctx, struct str name, struct str value)
{
    struct reader *reader = ctx;
    const char *wrong = take_value(reader, param_index(reader->params, name), value);

    if (wrong == NULL)
        return 0;
    (void)refuse_named(reader, name, wrong);
    return 1;
}

static bool has_required(struct reader *reader)
{
    for (size_t i = 0; reader->params[i].name != NULL; i++)
        if (reader->params[i].use == HTTP_PARAM_REQUIRED && reader->values[i].ptr == NULL)
            return reader_refuse(reader, reader->params[i].name, "the parameter is missing");
    return true;
}

static bool take_params(struct reader *reader)
{
    struct err err = {0};
    int rc = query_each(reader->request->query, reader->arena, take_param, reader, &err);

    if (rc < 0)
        http_problem(reader->response, 400, str_from(err.text), STR(""));
    return rc == 0 && has_required(reader);
}

struct str reader_param(const struct reader *reader, struct str name)
{
    size_t i = param_index(reader->params, name);

    return reader->params[i].name == NULL ? (struct str){NULL, 0} : reader->values[i];
}

bool reader_number(struct reader *reader, const char *name, int64_t least, int64_t most,
                   int64_t preset, int64_t *out)
{
    struct str text = reader_param(reader, str_from(name));

    *out = preset;
    if (text.len == 0 || (str_to_i64(text, out) && *out >= least && *out <= most))
        return true;
    return reader_refuse(reader, name, "is not a whole number from %lld to %lld", (long long)least,
                         (long long)most);
}

bool reader_flag(struct reader *reader, const char *name, bool *out)
{
    struct str text = reader_param(reader, str_from(name));

    *out = str_eq(text, STR("true"));
    return *out || text.len == 0 || str_eq(text, STR("false")) ||
           reader_refuse(reader, name, "is neither true nor false");
}

bool reader_window(struct reader *reader, int64_t preset, struct reader_window *out)
{
    int64_t limit, offset;

    if (!reader_number(reader, "limit", 1, READER_LIMIT_MAX, preset, &limit) ||
        !reader_number(reader, "offset", 0, READER_OFFSET_MAX, 0, &offset))
        return false;
    *out =
        (struct reader_window){reader_param(reader, STR("search")), (size_t)limit, (size_t)offset};
    return out->search.len <= READER_SEARCH_MAX ||
           reader_refuse(reader, "search", "is longer than %d bytes", READER_SEARCH_MAX);
}

/* -- the way ------------------------------------------------------------------------------- */

static bool open_reader(struct reader *reader, const struct http_request *request,
                        struct http_response *response, const struct http_param *params,
                        bool public)
{
    struct api *api = request->app;

    *reader = (struct reader){.request = request,
                              .response = response,
                              .api = api,
                              .store = ((const struct worker *)request->worker)->store,
                              .arena = request->arena,
                              .params = params,
                              .snapshot = directory_take(api->directory),
                              .now_ms = api_now(api)};
    http_header(response, STR("Cache-Control"), STR("no-store"));
    return caller_refuse(response, admit(reader, public)) && take_params(reader);
}

bool reader_open(struct reader *reader, const struct http_request *request,
                 struct http_response *response, const struct http_param *params)
{
    return open_reader(reader, request, response, params, false);
}

bool reader_open_public(struct reader *reader, const struct http_request *request,
                        struct http_response *response, const struct http_param *params)
{
    return open_reader(reader, request, response, params, true);
}

void reader_close(struct reader *reader)
{
    if (reader->reading)
        store_read_end(reader->store);
    if (reader->snapshot != NULL)
        directory_give(reader->api->directory, reader->snapshot);
}

bool reader_is_late(const struct reader *reader)
{
    return reader->as_of_ms == 0 || reader->now_ms - reader->as_of_ms > READER_LATE_MS;
}

void reader_echo(const struct reader *reader, struct json_out *json, bool exact)
{
    const struct site *site = reader->site;

    answer_str(json, "siteId", site == NULL ? STR("") : site->id);
    answer_str(json, "tenantId", reader->tenant);
    answer_str(json, "timezone", site == NULL ? STR("") : site->timezone);
    answer_date(json, "from", reader->range.from);
    answer_date(json, "to", reader->range.to);
    answer_moment(json, "asOf", reader->as_of_ms);
    answer_name(json, "exact");
    json_bool(json, exact);
    answer_str(json, "uniqueBasis", STR("day"));
    answer_available(json, "availableFrom", reader->available);
    if (reader->filters.count > 0)
        answer_available(json, "filterableFrom", reader->filterable);
}
