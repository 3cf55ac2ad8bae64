/*
 * api/admin_internal.h -- what handlers share that manage something: a request on its way to
 * manage/.
 *
 *     admin_begin    credentials (401, 403), parameters of the route's table and body (400),
 *                    and, but for GET, a store that can be written (503)
 *     ... a verb of manage/ ...
 *     admin_end      always: its refusal, if rc is one
 */
#ifndef ABACUS_API_ADMIN_INTERNAL_H
#define ABACUS_API_ADMIN_INTERNAL_H

#include "api/admin.h"
#include "api/caller.h"
#include "manage/manage.h"

struct admin {
    struct call call;
    struct manage manage;
    struct str values[ADMIN_PARAMS_MAX]; /* beside the route's parameters */
    const struct json *body;             /* an object; NULL where the route takes none */
};

bool admin_begin(struct admin *admin, const struct http_request *request,
                 struct http_response *response);
void admin_end(struct admin *admin, int rc, const struct err *err);

/* The value of a parameter of the route's table; empty when absent. */
struct str admin_param(const struct admin *admin, const char *name);
/* The site named, or the caller's only one; false after 400. */
bool admin_take_site(struct admin *admin, struct str *out);
/* A problem with a member of this name (none where `name` is empty). Returns false. */
bool admin_refuse(struct admin *admin, int status, const char *member, struct str name,
                  struct str detail);

#endif
