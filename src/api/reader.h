/*
 * api/reader.h -- what all reading handlers share: who asks, for what, and what every answer
 * echoes.
 *
 * A handler is a list of steps, each of which returns false after it has written the refusal:
 *
 *     reader_open      credentials (401), scope (403), parameters against the route's table (400)
 *     reader_resolve*  the sites meant (404, 400)
 *     reader_dates     the dates (400)
 *     reader_begin     one snapshot of the store, asOf
 *     ... query, reader_echo, write ...
 *     reader_close     always
 *
 * A site of another tenant, or outside the token's own site, is refused in the same words as one
 * that does not exist.
 */
#ifndef ABACUS_API_READER_H
#define ABACUS_API_READER_H

#include "api/api.h"
#include "base/json.h"
#include "query/query.h"

enum { READER_PARAMS_MAX = 16 };

struct reader {
    const struct http_request *request;
    struct http_response *response;
    struct api *api;
    struct store *store;
    struct arena *arena;
    int64_t now_ms;
    const struct http_param *params;
    struct str values[READER_PARAMS_MAX]; /* beside params; a NULL ptr: absent, never empty */
    const struct snapshot *snapshot;
    const struct token *token;

    const struct site *site;         /* NULL: not one site */
    struct str tenant;               /* empty: the platform asks for sites of several tenants */
    const struct site *const *sites; /* those that the answer covers; the one, too */
    size_t sites_count;
    bool whole_tenant; /* they are all of the tenant's */

    bool reading;
    int64_t as_of_ms; /* 0: the job has not run yet */
    struct range_clock clock;
    bool from_first;   /* the range begins with the first day that has numbers: reader_begin()'s */
    int32_t available; /* INT32_MIN: nothing is ever removed */
    struct range range;
};

/* The parameters that name a range, and the site: for the tables of handlers. */
#define READER_RANGE_PARAMS                                                                        \
    {"period",                                                                                     \
     "today (the default), yesterday, 24h, 7d, 28d, 30d, 91d, week, month, quarter, year, "        \
     "lastMonth, 12mo, all, or custom with from and to",                                           \
     false},                                                                                       \
        {"from", "first day, YYYY-MM-DD in the site's time zone", false},                          \
    {                                                                                              \
        "to", "last day, inclusive", false                                                         \
    }
#define READER_SITE_PARAMS                                                                         \
    {"siteId", "the site; may be left out by a token that is bound to one", false},                \
    {                                                                                              \
        "tenantId", "the tenant; a platform token must name a tenant or a site", false             \
    }

bool reader_open(struct reader *reader, const struct http_request *request,
                 struct http_response *response, const struct http_param *params);
void reader_close(struct reader *reader);

/* The value of a parameter of the route's table; empty when absent. */
struct str reader_param(const struct reader *reader, struct str name);

/* The site named, or the token's; else all sites of the tenant. */
bool reader_resolve(struct reader *reader);
/* The site named, or the token's; without either, 400. */
bool reader_resolve_site(struct reader *reader);
/* All sites of the tenant `id`. */
bool reader_resolve_tenant(struct reader *reader, struct str id);
/* The sites of a list "a,b,c", in its order: at most READER_SITES_MAX. */
enum { READER_SITES_MAX = 100 };
bool reader_resolve_sites(struct reader *reader, struct str list);

/* Find out the range; without the store, but that `all` of a site whose days are kept for ever
 * begins where only reader_begin() can tell. */
bool reader_dates(struct reader *reader);
/* Begin reading. cached_answer() does it where that is needed (api/cached.h). */
bool reader_begin(struct reader *reader);

/* 400 for parameter `param` (a literal). Returns false. */
bool reader_refuse(struct reader *reader, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* True if rc >= 0; else the answer is 503, or 500 and a line in the log. */
bool reader_done(struct reader *reader, int rc, const struct err *err);

/* The members that every answer begins with: siteId ... availableFrom. */
void reader_echo(const struct reader *reader, struct json_out *json, bool exact);

/* The time now, by the api's clock. */
int64_t api_now(const struct api *api);

/* The token of the request's Authorization header, if it is valid now; else NULL. */
const struct token *reader_token(const struct http_request *request,
                                 const struct snapshot *snapshot, int64_t now_ms);

#endif
