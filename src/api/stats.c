/*
 * stats.c -- GET /api/analytics/stats: totals and days of a site, or of all sites of a tenant.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param stats_params[] = {READER_SITE_PARAMS,
                                          READER_RANGE_PARAMS,
                                          READER_FILTER_PARAM,
                                          {NULL, NULL, HTTP_PARAM_OPTIONAL}};

static int read_totals(struct reader *reader, struct query_totals *out, struct err *err)
{
    struct arena scratch = {0};

    if (reader->filters.count == 0)
        return query_sites(reader->store, reader->sites, reader->sites_count, reader->range,
                           reader->available, reader->arena, out, NULL, err);
    int rc = query_site_filtered(reader->store, reader->site, reader->range, reader->available,
                                 &reader->filters, INT64_MAX, reader->arena, &scratch, out, err);
    arena_free(&scratch);
    return rc;
}

static void answer_stats(struct reader *reader)
{
    struct query_totals totals;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!reader_filters(reader, false) ||
        !reader_done(reader, read_totals(reader, &totals, &err), &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, totals.exact);
    answer_totals(&json, &totals.sum, reader->metrics);
    answer_days(&json, &totals, reader->site == NULL ? STR("") : reader->site->id, reader->tenant,
                reader->metrics);
    json_close(&json, '}');
}

void stats_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open_public(&reader, request, response, stats_params) && reader_resolve(&reader) &&
        reader_dates(&reader))
        cached_answer(&reader, STR("stats"), answer_stats);
    reader_close(&reader);
}
