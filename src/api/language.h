/*
 * api/language.h -- the language of a page: of those that there are, the one that a browser
 * prefers. Pure.
 */
#ifndef ABACUS_API_LANGUAGE_H
#define ABACUS_API_LANGUAGE_H

#include "http/http.h"

/* The first is that of whoever asks for none of them. */
enum language { LANGUAGE_EN, LANGUAGE_DE, LANGUAGES };

struct str language_name(enum language language);

/* By the parameter lang, else by Accept-Language: whoever reads French before German gets German. A
 * page answers whatever else stands behind the question mark. */
enum language language_choose(const struct http_request *request);

#endif
