/*
 * api/assets.h -- files that browsers load, for the handlers that give them out.
 *
 * Pure lookups in what is embedded (web.h); any thread.
 */
#ifndef ABACUS_API_ASSETS_H
#define ABACUS_API_ASSETS_H

#include "http/http.h"

/* Answer with the embedded file of that `name` ("privacy.css"), in the form that Accept-Encoding
 * asks for: Content-Encoding, Vary, ETag, `cache_control`, Cross-Origin-Resource-Policy:
 * cross-origin; 304 where If-None-Match has it already, 406 where every form is refused. False:
 * there is no such file, and the answer is untouched. Adds at most five headers. */
bool asset_serve(const struct http_request *request, struct http_response *response,
                 struct str name, struct str cache_control);

/* True if one of the tags of If-None-Match is `tag`, quotes included; weak comparison (RFC 9110,
 * 13.1.2). */
bool asset_tag_matches(struct str if_none_match, struct str tag);

#endif
