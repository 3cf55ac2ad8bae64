/*
 * api/caller.h -- from a request to who asks, for reading, managing and signing in alike; and the
 * words in which each of them is refused.
 *
 *     Authorization: Bearer abacus_...             a token (access/access.h)
 *     Authorization: Bearer link., open., embed.   a signed text (access/signed.h)
 *     Authorization: JWT ...                       Payload's token, where it is taken
 *     the cookie abacus_session                    a session; __Host-abacus_session over https
 *     the cookie payload-token                     Payload's token, where it is taken
 *     nothing of these                             CALLER_NOBODY
 *
 * The header wins over cookies. A header that is wrong is refused, since somebody put it there; a
 * cookie that stands for nobody any more is as though it had not come, since browsers send it
 * unasked. For the same reason a cookie opens what changes something only to the server's own pages
 * (caller_is_own_page()).
 *
 * Tracking knows only tokens, and no cookie ever.
 */
#ifndef ABACUS_API_CALLER_H
#define ABACUS_API_CALLER_H

#include "access/caller.h"
#include "api/api.h"
#include "directory/directory.h"
#include "http/http.h"

/* Why somebody is refused: each has one status and one text, whatever was asked. */
enum refusal {
    REFUSED_NOT,
    REFUSED_UNKNOWN,   /* 401: no, wrong or expired credentials */
    REFUSED_PASSWORD,  /* 401 with "password": true: a link that a password opens */
    REFUSED_ORIGIN,    /* 403: a cookie, and not from a page of this server */
    REFUSED_SUSPENDED, /* 403 */
    REFUSED_READING,   /* 403: without the scope stats:read ... */
    REFUSED_MANAGING,  /* ... and admin */
    REFUSED_PERSON,    /* 403: only for people who have signed in */
    REFUSED_PRIVATE,   /* 403: more than a shared link shows */
    REFUSED_SITE,      /* 404: not there, being erased, or not the caller's */
    REFUSED_TENANT,    /* 404 */
    REFUSED_STARTING,  /* 503 */
    REFUSED_STORE,     /* 503 */
    REFUSALS,
};
/* Answers, unless it is REFUSED_NOT; returns whether it is. */
bool caller_refuse(struct http_response *response, enum refusal refusal);

/* Find out who asks; nobody is no refusal. For a query thread: it may read the store. */
enum refusal caller_read(const struct http_request *request, const struct snapshot *snapshot,
                         int64_t now_ms, struct caller *out);

/* May the caller do `scope` (SCOPE_STATS_READ or SCOPE_ADMIN) anywhere at all? Refuses nobody, and
 * whose tenants are all suspended. */
enum refusal caller_needs(const struct caller *caller, const struct snapshot *snapshot,
                          unsigned scope);
/* May it do `scope` at this site; at this tenant, *whole or at some of its sites? Of a tenant that
 * is suspended only the platform may. */
enum refusal caller_to_site(const struct caller *caller, const struct snapshot *snapshot,
                            struct str id, unsigned scope, const struct site **out);
enum refusal caller_to_tenant(const struct caller *caller, const struct snapshot *snapshot,
                              struct str id, unsigned scope, const struct tenant **out,
                              bool *whole);
/* Leave out the tenants that are to be erased, as caller_read() does; those that are suspended: for
 * who decides by the caller alone (manage/). */
void caller_leave_erasing(struct caller *caller, const struct snapshot *snapshot);
void caller_leave_suspended(struct caller *caller, const struct snapshot *snapshot);

/* Takes one of the tenant's reads of a minute; false after 429. The platform's are not counted. */
bool caller_take_read(const struct caller *caller, const struct tenant *tenant,
                      const struct http_request *request, struct http_response *response);

/* The sender's address, past trusted proxies; as text. */
struct str caller_address(const struct api *api, const struct http_request *request);

/* The token of the request's Authorization header, if it is valid now; else NULL. */
const struct token *caller_token(const struct http_request *request,
                                 const struct snapshot *snapshot, int64_t now_ms);

/* -- cookies ----------------------------------------------------------------------------------- */

/* Whether the browser sees https, by the public URL, or as a trusted proxy says. */
bool caller_is_https(const struct api *api, const struct http_request *request);
/* Where a person's browser finds this server: as it was set, else as it was asked. */
struct str caller_own_url(const struct api *api, const struct http_request *request);
/* The name of the session's cookie there, and its value as it was sent; empty: none. */
struct str caller_cookie_name(const struct api *api, const struct http_request *request);
struct str caller_cookie(const struct api *api, const struct http_request *request);
/* The first cookie of that name; empty: none. */
struct str caller_find_cookie(struct str cookies, struct str name);
/* Whether a browser says that a page of this very server sends this: by Origin, or, without one, by
 * Sec-Fetch-Site. */
bool caller_is_own_page(const struct api *api, const struct http_request *request);

/* -- a request that is not a reader's ---------------------------------------------------------- */

/* What handlers that manage, or sign in, begin and end with. */
struct call {
    const struct http_request *request;
    struct http_response *response;
    struct api *api;
    struct worker *worker;
    struct arena *arena;
    const struct snapshot *snapshot;
    int64_t now_ms;
    struct caller caller; /* with a scope: without tenants that are suspended */
};
/* With `scope` only those who have it somewhere (and a tenant's GET counts as one of its reads); 0:
 * anybody, nobody and the suspended too. False after a refusal; call_close() comes always. */
bool call_open(struct call *call, const struct http_request *request,
               struct http_response *response, unsigned scope);
void call_close(struct call *call);
/* False after 400: a parameter was given. */
bool call_no_params(struct call *call);
/* The worker's store that can be written; false after 503. */
bool call_writer(struct call *call, struct store **out);

/* Who is in the audit log. */
struct actor call_actor(const struct call *call);

#endif
