/*
 * api/form.c -- members of a body, tries, and failures of the store.
 */
#include "api/form.h"

#include "access/people.h"
#include "api/answer.h"
#include "api/caller.h"

#include <stdio.h>

enum { FORM_DEPTH = 2 };

/* -- the body ------------------------------------------------------------------------------ */

static bool is_json(struct str content_type)
{
    return str_ieq(str_trim(str_slice(content_type, 0, str_find(content_type, 0, ';'))),
                   STR("application/json"));
}

bool form_open(struct form *form, const struct http_request *request,
               struct http_response *response, int64_t now_ms)
{
    struct str text = request->body.len > 0 ? request->body : STR("{}");
    struct json *body = NULL;
    struct err err = {0};

    *form = (struct form){
        .request = request, .response = response, .api = request->app, .now_ms = now_ms};
    if (!is_json(request->content_type)) {
        http_problem(response, 415, STR("the Content-Type must be application/json"), STR(""));
        return false;
    }
    if (json_parse(text, FORM_DEPTH, request->arena, &body, &err) != 0) {
        http_problem(response, 400, str_from(err.text), STR(""));
        return false;
    }
    form->body = body;
    if (body->type == JSON_OBJECT)
        return true;
    http_problem(response, 400, STR("the body is not an object"), STR(""));
    return false;
}

bool form_refuse(struct form *form, const char *name, const char *detail)
{
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    answer_str(&json, "field", str_from(name));
    http_problem(form->response, 400, str_from(detail), buf_str(&members));
    buf_release(&members);
    return false;
}

bool form_optional(struct form *form, const char *name, struct str *out)
{
    const struct json *value = json_get(form->body, str_from(name));

    *out = STR("");
    if (value == NULL || value->type == JSON_NULL)
        return true;
    if (value->type != JSON_STRING)
        return form_refuse(form, name, "is not a string");
    *out = value->text;
    return true;
}

bool form_text(struct form *form, const char *name, struct str *out)
{
    return form_optional(form, name, out) &&
           (out->len > 0 || form_refuse(form, name, "is missing"));
}

bool form_wrong(struct form *form, const char *detail)
{
    http_problem(form->response, 401, str_from(detail), STR(""));
    return false;
}

bool form_needs_code(struct form *form)
{
    http_problem(form->response, 401, STR("a code of the second factor is needed"),
                 STR("\"code\":true"));
    return false;
}

/* -- tries --------------------------------------------------------------------------------- */

bool form_try(struct form *form, struct str account)
{
    char seconds[24];

    if (form->api->throttle == NULL)
        return true;
    int64_t wait_s = throttle_ask(form->api->throttle, account,
                                  caller_address(form->api, form->request), form->now_ms);

    if (wait_s == 0)
        return true;
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)wait_s);
    http_header(form->response, STR("Retry-After"),
                arena_str(form->request->arena, str_from(seconds)));
    http_problem(form->response, 429, STR("too many tries; wait, and try again"), STR(""));
    return false;
}

void form_failed(struct form *form, struct str account)
{
    if (form->api->throttle != NULL)
        throttle_failed(form->api->throttle, account, caller_address(form->api, form->request),
                        form->now_ms);
}

void form_succeeded(struct form *form, struct str account)
{
    if (form->api->throttle != NULL)
        throttle_succeeded(form->api->throttle, account, form->now_ms);
}

/* -- the store ----------------------------------------------------------------------------- */

bool form_done(struct form *form, int rc, const struct err *err)
{
    char quoted[300];

    if (rc >= 0)
        return true;
    if (rc == ERR_UNAVAILABLE || rc == ERR_FULL)
        http_problem(form->response, 503, STR("the store does not answer now"), STR(""));
    else
        http_problem(form->response, 500, STR("this could not be done"), STR(""));
    if (form->api->metrics != NULL)
        metrics_error(form->api->metrics, METRICS_ERROR_STORE);
    if (form->api->logger != NULL)
        logger_line(form->api->logger, LOG_ERROR, "a person's request failed", "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    return false;
}
