/*
 * tenant.c -- GET /api/analytics/tenants/{tenantId}/stats: a tenant's totals, its sites, and its
 * days.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param tenant_stats_params[] = {READER_RANGE_PARAMS,
                                                 {NULL, NULL, HTTP_PARAM_OPTIONAL}};

static void answer_tenant(struct reader *reader)
{
    struct query_totals all, *each;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_sites(reader->store, reader->sites, reader->sites_count, reader->range,
                         reader->available, reader->arena, &all, &each, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, all.exact);
    answer_totals(&json, &all.sum, reader->metrics);
    answer_sites(&json, reader->sites, each, reader->sites_count, reader->metrics);
    answer_days(&json, &all, STR(""), reader->tenant, reader->metrics);
    json_close(&json, '}');
}

void tenant_stats_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, tenant_stats_params) &&
        reader_resolve_tenant(&reader, request->param) && reader_dates(&reader))
        cached_answer(&reader, STR("tenant"), answer_tenant);
    reader_close(&reader);
}
