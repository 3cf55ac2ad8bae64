/*
 * properties.c -- GET /api/analytics/properties: the names of the properties that events of a range
 * carry, for who wants a breakdown by one of them.
 *
 * Of a day that is packed they are those that have a rollup (PACK_PROPS_MAX), of one that is due
 * all of them. A name says what a site measures, so a public dashboard and a shared link, which may
 * be shown a property that the site lists, are not answered.
 */
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

_Static_assert(PROPERTIES_MAX == 1000 && PACK_PROPS_MAX == 100, "routes.c says how many names");

const struct http_param properties_params[] = {
    READER_SITE_PARAMS, READER_RANGE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

static void answer_properties(struct reader *reader)
{
    struct query_properties found;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};
    int rc = query_properties(reader->store, reader->site, reader->range, reader->available,
                              reader->api->recent, reader->arena, &found, &err);

    if (!reader_done(reader, rc, &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, true);
    answer_name(&json, "properties");
    json_open(&json, '[');
    for (size_t i = 0; i < found.count; i++)
        json_str(&json, found.names[i]);
    json_close(&json, ']');
    answer_name(&json, "total");
    json_i64(&json, (int64_t)found.total);
    json_close(&json, '}');
}

void properties_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, properties_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader))
        cached_answer(&reader, STR("properties"), answer_properties);
    reader_close(&reader);
}
