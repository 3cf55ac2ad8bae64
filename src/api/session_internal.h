/*
 * api/session_internal.h -- what the files of /api/session share.
 */
#ifndef ABACUS_API_SESSION_INTERNAL_H
#define ABACUS_API_SESSION_INTERNAL_H

#include "api/caller.h"
#include "api/form.h"

/* A request of somebody who may have no session yet. */
struct person_call {
    struct call call;
    struct form form;
    struct store *store; /* that can be written */
};

/* Begin with what was sent; of a person alone. call_close() comes always. */
bool session_open(struct person_call *v, const struct http_request *request,
                  struct http_response *response);
bool session_open_person(struct person_call *v, const struct http_request *request,
                         struct http_response *response);
/* A line in the audit log: in that of the tenant, where the person has only one. `who` NULL:
 * nobody. */
void session_note(struct person_call *v, const char *action, struct str target,
                  const struct caller *who);
/* Answer with the cookie of a new session and its person, and note `action`. */
void session_welcome(struct person_call *v, struct str secret, const char *action);

#endif
