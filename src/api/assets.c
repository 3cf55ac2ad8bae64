/*
 * assets.c -- files that browsers load: the scripts, by name and by hash, and the demo pages that
 * carry them. The bytes are embedded in all their forms (web/); nothing is packed here.
 *
 *     /public/analytics.js                   kept for an hour, then asked for again by its ETag
 *     /public/analytics.0123456789abcdef.js  these bytes for ever; also those of other versions
 *                                            (scripts.c)
 *
 * An ETag is the hash of the bytes as they are sent, so that each form has its own.
 */
#include "api/assets.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "api/sightings.h"
#include "base/template.h"
#include "web.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

/* -- a file that browsers keep --------------------------------------------------------------- */

/* A form that is empty is not there; that of CODING_IDENTITY is, even so. */
struct asset {
    struct str type;
    struct str forms[CODINGS];
};

static const struct str form_names[CODINGS] = {STR_INIT("br"), STR_INIT("gzip"), STR_INIT("")};

bool asset_tag_matches(struct str if_none_match, struct str tag)
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

static enum http_coding choose_form(const struct http_request *request, const struct asset *asset)
{
    unsigned offered = 1U << CODING_IDENTITY;

    for (unsigned c = 0; c < CODINGS; c++)
        if (asset->forms[c].len > 0)
            offered |= 1U << c;
    return http_coding_choose(request->accept_encoding, offered);
}

static void send_form(const struct http_request *request, struct http_response *response,
                      struct str bytes, struct str form_name)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "\"%016" PRIx64 "\"", XXH3_64bits(bytes.ptr, bytes.len));
    struct str tag = arena_str(request->arena, str_from(text));

    http_header(response, STR("ETag"), tag);
    /* Of a 304 the body is not sent, but its length must be right (RFC 9110, 8.6). */
    response->static_body = bytes;
    if (asset_tag_matches(request->if_none_match, tag)) {
        response->status = 304;
        return;
    }
    if (form_name.len > 0)
        http_header(response, STR("Content-Encoding"), form_name);
}

static void send_asset(const struct http_request *request, struct http_response *response,
                       const struct asset *asset, struct str cache_control)
{
    enum http_coding form = choose_form(request, asset);

    http_header(response, STR("Vary"), STR("Accept-Encoding"));
    if (form == CODINGS) {
        http_problem(response, 406, STR("every form of this file is refused"), STR(""));
        return;
    }
    /* Pages that isolate themselves (COEP) may load it too. */
    http_header(response, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
    http_header(response, STR("Cache-Control"), cache_control);
    response->content_type = asset->type;
    send_form(request, response, asset->forms[form], form_names[form]);
}

static struct asset embedded(const struct web_file *file)
{
    return (struct asset){
        .type = file->type,
        .forms = {
            [CODING_BR] = file->br, [CODING_GZIP] = file->gzip, [CODING_IDENTITY] = file->plain}};
}

bool asset_serve(const struct http_request *request, struct http_response *response,
                 struct str name, struct str cache_control)
{
    for (size_t i = 0; i < web_files_count; i++) {
        if (str_eq(web_files[i].name, name)) {
            struct asset asset = embedded(&web_files[i]);
            send_asset(request, response, &asset, cache_control);
            return true;
        }
    }
    return false;
}

static void not_found(struct http_response *response)
{
    http_problem(response, 404, STR("there is no such page"), STR(""));
}

/* -- the files by their public addresses ---------------------------------------------------- */

/* A name that only certain bytes have, of this version or of another. */
static bool find_hashed(const struct api *api, struct str hashed, struct asset *out)
{
    for (size_t i = 0; i < web_files_count; i++) {
        if (str_eq(web_files[i].hashed, hashed)) {
            *out = embedded(&web_files[i]);
            return true;
        }
    }
    *out = (struct asset){.type = STR("text/javascript; charset=utf-8")};
    return api->scripts != NULL && scripts_find(api->scripts, hashed, &out->forms[CODING_IDENTITY]);
}

/* What counts, of any version; its parts (analytics.links.js) come with it. */
static bool is_tracker(struct str name)
{
    enum { HASHED = sizeof("analytics.0123456789abcdef.js") - 1 };

    return str_eq(name, STR("analytics.js")) ||
           (name.len == HASHED && str_starts(name, STR("analytics.")));
}

static void note_load(const struct http_request *request, struct str name)
{
    const struct api *api = request->app;

    if (is_tracker(name))
        sight_at_page(api, request, SIGHT_SCRIPT, STR(""), api_now(api));
}

static void serve_public(const struct http_request *request, struct http_response *response,
                         struct str name)
{
    struct asset asset;

    note_load(request, name);
    /* First, since a part of the dashboard has no other name. */
    if (find_hashed(request->app, name, &asset))
        send_asset(request, response, &asset, STR("public, max-age=31536000, immutable"));
    else if (!asset_serve(request, response, name, STR("public, max-age=3600")))
        not_found(response);
}

void tracker_get(const struct http_request *request, struct http_response *response)
{
    serve_public(request, response, STR("analytics.js"));
}

void public_get(const struct http_request *request, struct http_response *response)
{
    serve_public(request, response, request->param);
}

/* -- the demo ------------------------------------------------------------------------------ */

void demo_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    const struct template_value site = {"site", api->demo_site};

    if (api->demo_site.len == 0) {
        not_found(response);
        return;
    }
    response->content_type = STR("text/html; charset=utf-8");
    http_header(response, STR("Cache-Control"), STR("no-cache"));
    http_header(response, STR("Content-Security-Policy"),
                STR("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    template_fill(web_demo_html, &site, 1, TEMPLATE_HTML, &response->body);
}

/* The pages that the links of the demo lead to. */
static const struct str demo_pages[] = {STR_INIT("pricing"), STR_INIT("about"), STR_INIT("inbox"),
                                        STR_INIT("settings")};

static bool is_demo_page(struct str name)
{
    for (size_t i = 0; i < sizeof(demo_pages) / sizeof(demo_pages[0]); i++)
        if (str_eq(demo_pages[i], name))
            return true;
    return false;
}

void demo_page_get(const struct http_request *request, struct http_response *response)
{
    if (is_demo_page(request->param))
        demo_get(request, response);
    else
        not_found(response);
}
