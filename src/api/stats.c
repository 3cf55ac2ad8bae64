/*
 * stats.c -- GET /api/analytics/stats: totals and days of a site, or of all sites of a tenant.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param stats_params[] = {
    READER_SITE_PARAMS, READER_RANGE_PARAMS, {NULL, NULL, false}};

static void answer_stats(struct reader *reader)
{
    struct query_totals totals;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_sites(reader->store, reader->sites, reader->sites_count, reader->range,
                         reader->available, reader->arena, &totals, NULL, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, totals.exact);
    answer_totals(&json, &totals.sum);
    answer_days(&json, &totals, reader->site == NULL ? STR("") : reader->site->id, reader->tenant);
    json_close(&json, '}');
}

void stats_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, stats_params) && reader_resolve(&reader) &&
        reader_dates(&reader))
        cached_answer(&reader, STR("stats"), answer_stats);
    reader_close(&reader);
}
