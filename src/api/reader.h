/*
 * api/reader.h -- what all reading handlers share: who asks, for what, and what every answer
 * echoes.
 *
 * A handler is a list of steps, each of which returns false after it has written the refusal:
 *
 *     reader_open      credentials (401), scope (403), parameters against the route's table (400)
 *     reader_resolve*  the sites meant (404, 400), one of the tenant's reads (429)
 *     reader_dates     the dates (400)
 *     reader_begin     one snapshot of the store, asOf
 *     reader_filters   what the answer is narrowed down to (400), if that is still kept (422)
 *     ... query, reader_echo, write ...
 *     reader_close     always
 *
 * Who asks is a caller (api/caller.h). One that reaches a single tenant, or a single site, means it
 * where none is named; all others must name one. A site that the caller does not reach, or that is
 * being erased, is refused in the same words as one that does not exist.
 *
 * What a public dashboard shows is answered without credentials, too (reader_open_public()), and to
 * a shared link: of one site, and of its numbers only what reader_shows(). The rest is left out of
 * answers, and asking for it by name is refused: 403 to a link, 401 to nobody.
 */
#ifndef ABACUS_API_READER_H
#define ABACUS_API_READER_H

#include "api/api.h"
#include "api/caller.h"
#include "base/json.h"
#include "query/query.h"

enum { READER_PARAMS_MAX = 16, READER_REPEATED_MAX = FILTERS_MAX };

struct reader {
    const struct http_request *request;
    struct http_response *response;
    struct api *api;
    struct store *store;
    struct arena *arena;
    int64_t now_ms;
    const struct http_param *params;
    struct str values[READER_PARAMS_MAX];     /* beside params; a NULL ptr: absent, never empty */
    struct str repeated[READER_REPEATED_MAX]; /* all values of the one that may be repeated */
    size_t repeated_count;
    const struct snapshot *snapshot;
    struct caller caller;
    bool counted; /* this is no read of the tenant's, or no new one */

    const struct site *site;         /* NULL: not one site */
    struct str tenant;               /* empty: the platform asks for sites of several tenants */
    const struct site *const *sites; /* those that the answer covers; the one, too */
    size_t sites_count;
    bool whole_tenant; /* they are all of the tenant's; without one, of the installation's */
    unsigned metrics;  /* bit m: metric m is shown */

    bool reading;
    int64_t as_of_ms; /* 0: the job has not run yet */
    struct range_clock clock;
    bool from_first;   /* the range begins with the first day that has numbers: reader_begin()'s */
    int32_t available; /* INT32_MIN: nothing is ever removed */
    struct range range;

    struct query_filters filters;
    int32_t filterable; /* the first day that can be answered with them; INT32_MIN: all */
};

/* The parameters that name a range, and the site: for the tables of handlers. */
#define READER_RANGE_PARAMS                                                                        \
    {"period",                                                                                     \
     "today (the default), yesterday, 24h, 7d, 28d, 30d, 91d, week, month, quarter, year, "        \
     "lastMonth, 12mo, all, or custom with from and to",                                           \
     HTTP_PARAM_OPTIONAL},                                                                         \
        {"from", "first day, YYYY-MM-DD in the site's time zone", HTTP_PARAM_OPTIONAL},            \
    {                                                                                              \
        "to", "last day, inclusive", false                                                         \
    }
#define READER_SITE_PARAMS                                                                         \
    {"siteId", "the site; may be left out by who reaches only one", HTTP_PARAM_OPTIONAL},          \
    {                                                                                              \
        "tenantId", "the tenant; who reaches several must name a tenant or a site", false          \
    }

/* Each table has at most one that may be repeated. */
#define READER_FILTER_PARAM                                                                        \
    {                                                                                              \
        "filter",                                                                                  \
            "only what matches: dimension:operator:value (prop:NAME:operator:value), operator "    \
            "is, isNot, contains or startsWith; up to 20, which hold together",                    \
            HTTP_PARAM_REPEATED                                                                    \
    }

bool reader_open(struct reader *reader, const struct http_request *request,
                 struct http_response *response, const struct http_param *params);
/* The same of a route that a public dashboard shows. */
bool reader_open_public(struct reader *reader, const struct http_request *request,
                        struct http_response *response, const struct http_param *params);
void reader_close(struct reader *reader);

/* The value of a parameter of the route's table; empty when absent. */
struct str reader_param(const struct reader *reader, struct str name);
/* That of `name` (a literal) as a whole number from `least` to `most`; `preset` when absent. */
bool reader_number(struct reader *reader, const char *name, int64_t least, int64_t most,
                   int64_t preset, int64_t *out);
/* That of `name` (a literal), which is true or false; false when absent. */
bool reader_flag(struct reader *reader, const char *name, bool *out);
/* limit (up to READER_LIMIT_MAX), offset and search, of a list that is too long for one answer. */
enum { READER_LIMIT_MAX = 1000, READER_OFFSET_MAX = 1000000, READER_SEARCH_MAX = 200 };
struct reader_window {
    struct str search;
    size_t limit, offset;
};
bool reader_window(struct reader *reader, int64_t preset, struct reader_window *out);

/* The site named, or the caller's only one; else all sites of the tenant that it reaches. */
bool reader_resolve(struct reader *reader);
/* The site named, or the caller's only one; without either, 400. */
bool reader_resolve_site(struct reader *reader);
/* All sites of the tenant `id` that the caller reaches. */
bool reader_resolve_tenant(struct reader *reader, struct str id);
/* All sites that the caller reaches, or those of the tenant named. */
bool reader_resolve_reached(struct reader *reader);
/* The sites of a list "a,b,c", in its order: at most READER_SITES_MAX. */
enum { READER_SITES_MAX = 100 };
bool reader_resolve_sites(struct reader *reader, struct str list);

/* Whether the caller is shown a metric, a column or a dimension of this name; a dimension. The
 * sites are resolved. */
bool reader_shows(const struct reader *reader, struct str name);
bool reader_shows_dimension(const struct reader *reader, enum dimension dimension, struct str prop);
/* The names of all that a caller who is restricted is shown of the site, as an array. */
void reader_put_shown(const struct site *site, struct json_out *json);
/* Refuse what it is not shown. Returns false. */
bool reader_refuse_private(struct reader *reader);

/* Find out the range; without the store, but that `all` of a site whose days are kept for ever
 * begins where only reader_begin() can tell. */
bool reader_dates(struct reader *reader);
/* Begin reading. cached_answer() does it where that is needed (api/cached.h). */
bool reader_begin(struct reader *reader);

/* Find out the filters: 400 names the one that is wrong by its index, from 0. They go with one site
 * only. 422 where the range begins before the first day that they can be answered for, by the hour
 * if `hours`. */
bool reader_filters(struct reader *reader, bool hours);
/* The two steps of it, for who knows that day better. */
bool reader_parse_filters(struct reader *reader);
bool reader_filterable(struct reader *reader, int32_t filterable);
/* The date now where the one site is. */
int32_t reader_today(const struct reader *reader);

/* What is known is older than a minute, so that nobody knows who is here now. */
enum { READER_LATE_MS = 60 * 1000 };
bool reader_is_late(const struct reader *reader);

/* 400 for parameter `param` (a literal). Returns false. */
bool reader_refuse(struct reader *reader, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* True if rc >= 0; else the answer is 503, or 500 and a line in the log. */
bool reader_done(struct reader *reader, int rc, const struct err *err);

/* The members that every answer begins with: siteId ... availableFrom, and filterableFrom with
 * filters. */
void reader_echo(const struct reader *reader, struct json_out *json, bool exact);

#endif
