/*
 * admin_export.c -- GET /api/admin/sites/{id}/export and /api/admin/tenants/{id}/export: a takeout
 * (api/takeout.h) as the answer's stream, for who manages the site, or all of the tenant.
 *
 * It is noted in the audit log when it begins; that may take a moment of the writer, the rest only
 * reads.
 */
#include "api/admin.h"
#include "api/caller.h"
#include "api/takeout.h"
#include "base/date.h"
#include "base/json.h"

static int stream_next(void *ctx, void *worker, struct buf *out, struct err *err)
{
    return takeout_next(ctx, ((const struct worker *)worker)->store, out, err);
}

static void stream_free(void *ctx)
{
    struct takeout *takeout = ctx;

    takeout_free(&takeout);
}

/* acme_2026-11-23.ndjson; ids hold nothing that would have to be quoted. */
static struct str file_header(const struct call *call, struct str id)
{
    char today[DATE_TEXT];
    struct buf text = {0};

    date_format((int32_t)(call->now_ms / DAY_MS), today);
    buf_addf(&text, "attachment; filename=\"%.*s_%s.ndjson\"", STR_FMT(id), today);
    struct str header = arena_str(call->arena, buf_str(&text));

    buf_release(&text);
    return header;
}

static bool note(struct call *call, const char *action, struct str id, struct str tenant)
{
    const struct actor actor = call_actor(call);
    struct store *writer = NULL;
    struct err err = {""};

    if (!call_writer(call, &writer))
        return false;
    if (store_note(writer, action, id, tenant, &actor, &err) == 0)
        return true;
    if (call->api->metrics != NULL)
        metrics_error(call->api->metrics, METRICS_ERROR_STORE);
    return caller_refuse(call->response, REFUSED_STORE);
}

static void answer(struct call *call, const char *action, struct str id, struct str tenant,
                   const struct site *site)
{
    struct http_response *response = call->response;

    /* A HEAD takes nothing out. */
    if (!str_eq(call->request->method, STR("HEAD")) && !note(call, action, id, tenant))
        return;
    http_header(response, STR("Content-Disposition"), file_header(call, id));
    http_header(response, STR("Cache-Control"), STR("no-store"));
    response->content_type = STR("application/x-ndjson");
    response->stream =
        (struct http_stream){.next = stream_next,
                             .free = stream_free,
                             .ctx = takeout_new(call->api->directory, tenant, site, call->now_ms)};
}

void site_export_get(const struct http_request *request, struct http_response *response)
{
    const struct site *site = NULL;
    struct call call;

    if (call_open(&call, request, response, SCOPE_ADMIN) && call_no_params(&call) &&
        caller_refuse(response, caller_to_site(&call.caller, call.snapshot, request->param,
                                               SCOPE_ADMIN, &site)))
        answer(&call, "site.export", site->id, site->tenant, site);
    call_close(&call);
}

void tenant_export_get(const struct http_request *request, struct http_response *response)
{
    const struct tenant *tenant = NULL;
    struct call call;
    bool whole = false;

    if (call_open(&call, request, response, SCOPE_ADMIN) && call_no_params(&call) &&
        caller_refuse(response, caller_to_tenant(&call.caller, call.snapshot, request->param,
                                                 SCOPE_ADMIN, &tenant, &whole)) &&
        (whole || caller_refuse(response, REFUSED_TENANT)))
        answer(&call, "tenant.export", tenant->id, tenant->id, NULL);
    call_close(&call);
}
