/*
 * assets.c -- analytics.js, and the demo pages that carry it. The bytes are embedded (web/).
 */
#include "api/api.h"
#include "api/handlers.h"
#include "web.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

/* -- a file that browsers keep --------------------------------------------------------------- */

/* True if one of the tags of If-None-Match is `tag`; weak comparison (RFC 9110, 13.1.2). */
static bool tag_matches(struct str if_none_match, struct str tag)
{
    struct str rest = if_none_match, piece;

    if (if_none_match.len == 0)
        return false;
    while (str_next(&rest, ',', &piece)) {
        piece = str_trim(piece);
        if (str_starts(piece, STR("W/")))
            piece = str_slice(piece, 2, piece.len);
        if (str_eq(piece, tag) || str_eq(piece, STR("*")))
            return true;
    }
    return false;
}

static void serve(const struct http_request *request, struct http_response *response,
                  struct str bytes, struct str content_type, struct str cache_control)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "\"%016" PRIx64 "\"", XXH3_64bits(bytes.ptr, bytes.len));
    struct str tag = arena_str(request->arena, str_from(text));
    http_header(response, STR("ETag"), tag);
    http_header(response, STR("Cache-Control"), cache_control);
    response->content_type = content_type;
    if (tag_matches(request->if_none_match, tag))
        response->status = 304;
    else
        response->static_body = bytes;
}

void tracker_get(const struct http_request *request, struct http_response *response)
{
    /* Pages that isolate themselves (COEP) may load it too. */
    http_header(response, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
    serve(request, response, web_analytics_js, STR("text/javascript; charset=utf-8"),
          STR("public, max-age=3600"));
}

/* -- the demo ------------------------------------------------------------------------------ */

static void not_found(struct http_response *response)
{
    http_problem(response, 404, STR("there is no such page"), STR(""));
}

/* The page with each __SITE__ replaced. A siteId needs no escaping: [A-Za-z0-9_-]. */
static void fill_in(struct str page, struct str site, struct buf *out)
{
    const struct str mark = STR("__SITE__");

    for (size_t at = 0; at < page.len;) {
        struct str rest = str_slice(page, at, page.len);
        const char *next = memmem(rest.ptr, rest.len, mark.ptr, mark.len);
        size_t plain = next == NULL ? rest.len : (size_t)(next - rest.ptr);
        buf_add(out, str_slice(rest, 0, plain));
        if (next != NULL)
            buf_add(out, site);
        at += plain + (next == NULL ? 0 : mark.len);
    }
}

void demo_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;

    if (api->demo_site.len == 0) {
        not_found(response);
        return;
    }
    response->content_type = STR("text/html; charset=utf-8");
    http_header(response, STR("Cache-Control"), STR("no-cache"));
    http_header(response, STR("Content-Security-Policy"),
                STR("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    fill_in(web_demo_html, api->demo_site, &response->body);
}

/* The pages that the links of the demo lead to, and what they load. */
static const struct demo_file {
    struct str name;
    const struct str *bytes; /* NULL: the page */
    struct str content_type;
} demo_files[] = {
    {{"pricing", 7}, NULL, {NULL, 0}},
    {{"about", 5}, NULL, {NULL, 0}},
    {{"inbox", 5}, NULL, {NULL, 0}},
    {{"settings", 8}, NULL, {NULL, 0}},
    {{"demo.css", 8}, &web_demo_css, {"text/css; charset=utf-8", 23}},
    {{"demo.js", 7}, &web_demo_js, {"text/javascript; charset=utf-8", 30}},
};

void demo_page_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    const struct demo_file *file = NULL;

    for (size_t i = 0; i < sizeof(demo_files) / sizeof(demo_files[0]); i++)
        if (str_eq(demo_files[i].name, request->param))
            file = &demo_files[i];
    if (api->demo_site.len == 0 || file == NULL)
        not_found(response);
    else if (file->bytes == NULL)
        demo_get(request, response);
    else
        serve(request, response, *file->bytes, file->content_type, STR("no-cache"));
}
