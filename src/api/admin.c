/*
 * api/admin.c -- /api/admin: tenants, sites, people, tokens, links and settings over HTTP.
 *
 * Who asks and what is asked is read here; what may be done, and is, stands in manage/, which the
 * commands use too. A route's number says which kind of thing it is about.
 */
#include "api/admin_internal.h"

#include <stdio.h>

/* -- refusals ---------------------------------------------------------------------------------- */

bool admin_refuse(struct admin *admin, int status, const char *member, struct str name,
                  struct str detail)
{
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    if (name.len > 0) {
        buf_addf(&members, "\"%s\":", member);
        json_str(&json, name);
    }
    http_problem(admin->call.response, status, detail, buf_str(&members));
    buf_release(&members);
    return false;
}

static int status_of(int rc)
{
    static const struct {
        int rc, status;
    } statuses[] = {{ERR_INVALID, 400},  {ERR_DENIED, 403}, {ERR_NOTFOUND, 404},
                    {ERR_CONFLICT, 409}, {ERR_FULL, 503},   {ERR_UNAVAILABLE, 503},
                    {ERR_UNCERTAIN, 503}};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].rc == rc)
            return statuses[i].status;
    return 500;
}

/* What manage/ said, to who asked; what the store said, to the log alone. */
static bool refuse(struct admin *admin, int rc, const struct err *err)
{
    const struct api *api = admin->call.api;
    int status = status_of(rc);
    char quoted[300];

    buf_reset(&admin->call.response->body);
    if (status < 500) {
        struct str field = str_from(admin->manage.field == NULL ? "" : admin->manage.field);
        return admin_refuse(admin, status, "field", field, str_from(err->text));
    }
    if (api->metrics != NULL)
        metrics_error(api->metrics, METRICS_ERROR_STORE);
    if (api->logger != NULL)
        logger_line(api->logger, LOG_ERROR, "managing failed", "why=%s",
                    logger_quote(err->text, quoted, sizeof(quoted)));
    return admin_refuse(admin, status, "", STR(""),
                        status == 503 ? STR("the store does not answer now")
                                      : STR("it could not be done"));
}

/* -- what is asked ----------------------------------------------------------------------------- */

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
    struct admin *admin = ctx;
    const struct http_param *params = admin->call.request->route->params;
    size_t i = param_index(params, name);
    const char *wrong = params[i].name == NULL         ? "there is no such parameter"
                        : value.len == 0               ? "the parameter is empty"
                        : admin->values[i].ptr != NULL ? "the parameter is given twice"
                                                       : NULL;

    if (wrong == NULL) {
        admin->values[i] = value;
        return 0;
    }
    (void)admin_refuse(admin, 400, "parameter", name, str_from(wrong));
    return 1;
}

static bool take_params(struct admin *admin)
{
    const struct http_request *request = admin->call.request;
    struct err err = {0};
    int rc = query_each(request->query, request->arena, take_param, admin, &err);

    if (rc < 0)
        return admin_refuse(admin, 400, "", STR(""), str_from(err.text));
    return rc == 0;
}

struct str admin_param(const struct admin *admin, const char *name)
{
    const struct http_param *params = admin->call.request->route->params;
    size_t i = param_index(params, str_from(name));

    return params[i].name == NULL || admin->values[i].ptr == NULL ? STR("") : admin->values[i];
}

static bool number_param(struct admin *admin, const char *name, int64_t most, int64_t *out)
{
    struct str text = admin_param(admin, name);
    char detail[64];

    *out = 0;
    if (text.len == 0 || (str_to_i64(text, out) && *out >= 1 && *out <= most))
        return true;
    (void)snprintf(detail, sizeof(detail), "is not a whole number from 1 to %lld", (long long)most);
    return admin_refuse(admin, 400, "parameter", str_from(name), str_from(detail));
}

static bool flag_param(struct admin *admin, const char *name, bool *out)
{
    struct str text = admin_param(admin, name);

    *out = str_eq(text, STR("true"));
    return *out || text.len == 0 || str_eq(text, STR("false")) ||
           admin_refuse(admin, 400, "parameter", str_from(name), STR("is neither true nor false"));
}

static bool take_body(struct admin *admin)
{
    enum { DEPTH = 8 };
    struct json *json = NULL;
    struct err err = {0};

    if (admin->call.request->route->body_max == 0)
        return true;
    if (json_parse(admin->call.request->body, DEPTH, admin->call.arena, &json, &err) != 0)
        return admin_refuse(admin, 400, "", STR(""), str_from(err.text));
    if (json->type != JSON_OBJECT)
        return admin_refuse(admin, 400, "", STR(""), STR("the body must be a JSON object"));
    admin->body = json;
    return true;
}

/* -- the way ----------------------------------------------------------------------------------- */

static bool is_reading(const struct http_request *request)
{
    return str_eq(request->method, STR("GET")) || str_eq(request->method, STR("HEAD"));
}

static bool admin_begin_with(struct admin *admin, const struct http_request *request,
                             struct http_response *response, unsigned scope)
{
    struct call *call = &admin->call;

    *admin = (struct admin){0};
    http_header(response, STR("Cache-Control"), STR("no-store"));
    if (!call_open(call, request, response, scope) || !take_params(admin) || !take_body(admin))
        return false;
    admin->manage = (struct manage){.store = call->worker->store,
                                    .caller = &call->caller,
                                    .arena = call->arena,
                                    .now_ms = call->now_ms,
                                    .public_url = caller_own_url(call->api, request),
                                    .mailer = call->api->mailer,
                                    .signing_key = snapshot_signing_key(call->snapshot),
                                    .raw_days = call->api->raw_days,
                                    .visit_days = call->api->visit_days,
                                    .stats_days = call->api->stats_days};
    return is_reading(request) || call_writer(call, &admin->manage.store);
}

bool admin_begin(struct admin *admin, const struct http_request *request,
                 struct http_response *response)
{
    return admin_begin_with(admin, request, response, SCOPE_ADMIN);
}

void admin_end(struct admin *admin, int rc, const struct err *err)
{
    if (rc < 0)
        (void)refuse(admin, rc, err);
    call_close(&admin->call);
}

static enum manage_kind kind_of(const struct http_request *request)
{
    return (enum manage_kind)request->route->number;
}

/* -- lists and rows ---------------------------------------------------------------------------- */

const struct http_param admin_list_params[] = {
    {"tenantId", "only this tenant's", HTTP_PARAM_OPTIONAL},
    {"siteId", "only this site's", HTTP_PARAM_OPTIONAL},
    {"cursor", "nextCursor of the page before", HTTP_PARAM_OPTIONAL},
    {"limit", "how many, 1 to 1000; unless given, 100", HTTP_PARAM_OPTIONAL},
    {0},
};

const struct http_param admin_no_params[] = {{0}};

static bool take_query(struct admin *admin, struct manage_query *out)
{
    int64_t limit;

    if (!number_param(admin, "limit", MANAGE_LIMIT_MAX, &limit))
        return false;
    *out = (struct manage_query){.tenant = admin_param(admin, "tenantId"),
                                 .site = admin_param(admin, "siteId"),
                                 .cursor = admin_param(admin, "cursor"),
                                 .limit = (size_t)limit};
    return true;
}

void admin_list(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct manage_query query;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_query(&admin, &query))
        rc = manage_list(&admin.manage, kind_of(request), &query, &response->body, &err);
    admin_end(&admin, rc, &err);
}

void admin_get(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response))
        rc = manage_get(&admin.manage, kind_of(request), request->param, &response->body, &err);
    admin_end(&admin, rc, &err);
}

static void put(const struct http_request *request, struct http_response *response,
                enum manage_how how)
{
    enum manage_done done = MANAGE_SAME;
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response)) {
        rc = manage_put(&admin.manage, kind_of(request), request->param, admin.body, how, &done,
                        &response->body, &err);
        if (rc == 0 && done == MANAGE_MADE)
            response->status = 201;
    }
    admin_end(&admin, rc, &err);
}

void admin_put(const struct http_request *request, struct http_response *response)
{
    put(request, response, MANAGE_PUT);
}

void admin_patch(const struct http_request *request, struct http_response *response)
{
    put(request, response, MANAGE_PATCH);
}

const struct http_param admin_delete_params[] = {
    {"now", "true: erased by the next run of the job, not after 30 days", HTTP_PARAM_OPTIONAL},
    {0},
};

void admin_delete(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    bool now = false;
    int rc = 0;

    if (admin_begin(&admin, request, response) && flag_param(&admin, "now", &now)) {
        rc = manage_remove(&admin.manage, kind_of(request), request->param, now, &response->body,
                           &err);
        if (rc == 0 && response->body.len == 0)
            response->status = 204;
    }
    admin_end(&admin, rc, &err);
}

/* -- settings ---------------------------------------------------------------------------------- */

const struct http_param admin_settings_params[] = {
    {"tenantId", "the tenant; unless given, the installation", HTTP_PARAM_OPTIONAL},
    {0},
};
const struct http_param settings_params[] = {
    {"siteId", "the site; may be left out by who reaches one alone", HTTP_PARAM_OPTIONAL},
    {0},
};

bool admin_take_site(struct admin *admin, struct str *out)
{
    *out = admin_param(admin, "siteId");
    if (out->len == 0)
        *out = caller_only_site(&admin->call.caller);
    return out->len > 0 ||
           admin_refuse(admin, 400, "parameter", STR("siteId"), STR("a site must be named"));
}

/* A site's, or, under /api/admin, a tenant's or the installation's. */
static bool take_subject(struct admin *admin, struct str *tenant, struct str *site)
{
    const struct http_param *params = admin->call.request->route->params;

    *tenant = *site = STR("");
    if (params == admin_settings_params) {
        *tenant = admin_param(admin, "tenantId");
        return true;
    }
    return admin_take_site(admin, site);
}

void settings_get(const struct http_request *request, struct http_response *response)
{
    struct str tenant, site;
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_subject(&admin, &tenant, &site))
        rc = manage_settings_get(&admin.manage, tenant, site, &response->body, &err);
    admin_end(&admin, rc, &err);
}

static void change_settings(const struct http_request *request, struct http_response *response,
                            enum manage_how how)
{
    struct str tenant, site;
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_subject(&admin, &tenant, &site))
        rc = manage_settings_put(&admin.manage, tenant, site, admin.body, how, &response->body,
                                 &err);
    admin_end(&admin, rc, &err);
}

void settings_put(const struct http_request *request, struct http_response *response)
{
    change_settings(request, response, MANAGE_PUT);
}

void settings_patch(const struct http_request *request, struct http_response *response)
{
    change_settings(request, response, MANAGE_PATCH);
}

/* -- the books, erasing, frames ---------------------------------------------------------------- */

const struct http_param usage_params[] = {
    {"month", "YYYY-MM; unless given, this one (UTC)", HTTP_PARAM_OPTIONAL},
    {"tenantId", "only this tenant", HTTP_PARAM_OPTIONAL},
    {0},
};

void usage_get(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response))
        rc = manage_usage(&admin.manage, admin_param(&admin, "tenantId"),
                          admin_param(&admin, "month"), &response->body, &err);
    admin_end(&admin, rc, &err);
}

const struct http_param audit_params[] = {
    {"tenantId", "only what concerned this tenant", HTTP_PARAM_OPTIONAL},
    {"cursor", "nextCursor of the page before", HTTP_PARAM_OPTIONAL},
    {"limit", "how many, 1 to 1000; unless given, 100", HTTP_PARAM_OPTIONAL},
    {0},
};

void audit_get(const struct http_request *request, struct http_response *response)
{
    struct manage_query query;
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_query(&admin, &query))
        rc = manage_audit(&admin.manage, &query, &response->body, &err);
    admin_end(&admin, rc, &err);
}

void erase_post(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response)) {
        rc = manage_erase(&admin.manage, admin.body, &response->body, &err);
        response->status = 202;
    }
    admin_end(&admin, rc, &err);
}

/* Whoever reads may show what it reads; manage/ asks for a token of the platform. */
void embed_post(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin_with(&admin, request, response, SCOPE_STATS_READ))
        rc = manage_embed(&admin.manage, admin.body, &response->body, &err);
    admin_end(&admin, rc, &err);
}

void reset_post(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct err err = {0};
    int rc = 0;

    if (admin_begin(&admin, request, response))
        rc = manage_reset(&admin.manage, request->param, &response->body, &err);
    admin_end(&admin, rc, &err);
}
