/*
 * api/form.h -- what the handlers of small JSON bodies share: the members that were sent, who tries
 * how often, and what the store says.
 *
 * Only bodies of Content-Type application/json are read: a form of another origin cannot send
 * those, and a script would have to ask first, which is never granted.
 *
 * Each step returns false after it has written the refusal.
 */
#ifndef ABACUS_API_FORM_H
#define ABACUS_API_FORM_H

#include "api/api.h"
#include "base/json.h"
#include "http/http.h"

enum { FORM_BODY_MAX = 16 * 1024 };

struct form {
    const struct http_request *request;
    struct http_response *response;
    struct api *api;
    int64_t now_ms;
    const struct json *body; /* an object */
};

/* 415, 400. An empty body is an object without members. */
bool form_open(struct form *form, const struct http_request *request,
               struct http_response *response, int64_t now_ms);
/* A member that is a string: 400 names it where it is something else, or (unless optional) absent
 * or empty. */
bool form_text(struct form *form, const char *name, struct str *out);
bool form_optional(struct form *form, const char *name, struct str *out);
/* 400 that names a member. */
bool form_refuse(struct form *form, const char *name, const char *detail);
/* 401 for a secret that was wrong, or a code that is still missing ("code": true). */
bool form_wrong(struct form *form, const char *detail);
bool form_needs_code(struct form *form);

/* May this account be tried now, from this address? 429 says in how many seconds. What is then
 * wrong is noted by form_failed(). */
bool form_try(struct form *form, struct str account);
void form_failed(struct form *form, struct str account);
void form_succeeded(struct form *form, struct str account);

/* True if rc >= 0; else 503, or 500 and a line in the log. */
bool form_done(struct form *form, int rc, const struct err *err);

#endif
