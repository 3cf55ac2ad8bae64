/*
 * api/snippet.c -- GET /api/analytics/snippet: the texts that bring the script into a site's pages,
 * as `abacus site snippet` prints them, with the address at which this server was asked, unless its
 * operator has named another.
 */
#include "manage/snippet.h"

#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"

const struct http_param snippet_params[] = {READER_SITE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

/* What may stand in these texts: a Host that may not is the asker's fault, all else our own. */
static bool may_be_filled(struct reader *reader, const struct snippet *snippet)
{
    struct err err = {0};
    int rc = snippet_check_url(snippet->url, &err);

    if (rc != 0 && reader->api->public_url.len == 0)
        return reader_refuse(reader, "Host", "%s", err.text);
    if (rc == 0)
        rc = snippet_check_site(snippet->site, snippet->domain, reader->arena, &err);
    return reader_done(reader, rc, &err);
}

static void answer(struct reader *reader)
{
    const struct site *site = reader->site;
    const struct snippet snippet = {.site = site->id,
                                    .tenant = site->tenant,
                                    .domain = site->domain,
                                    .url = caller_own_url(reader->api, reader->request),
                                    .path = STR(SNIPPET_PATH),
                                    .dnt = site->respect_dnt};
    struct json_out json = {.buf = &reader->response->body};

    if (!may_be_filled(reader, &snippet))
        return;
    json_open(&json, '{');
    for (unsigned kind = 0; kind < SNIPPETS; kind++)
        snippet_member(&snippet, (enum snippet_kind)kind, &json);
    json_close(&json, '}');
}

void snippet_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, snippet_params) && reader_resolve_site(&reader))
        answer(&reader);
    reader_close(&reader);
}
