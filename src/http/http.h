/*
 * http/http.h -- an HTTP server: routes, requests, responses, limits. The only module that knows
 * libmicrohttpd.
 *
 * A pool of threads (one per core) parses, routes and answers; it never blocks. A route is
 * HTTP_INLINE, run by that pool and quick, or HTTP_QUERY: the request is suspended, run by a
 * separate bounded pool of query threads, each with a worker context of its own (a store handle),
 * and resumed. When the queue of that pool is full, or 10 s have passed, it is answered 503; what
 * the query thread still does is thrown away.
 *
 * Refused here: an ambiguous length (two lengths, a length with chunks), a missing or repeated
 * Host, a raw NUL or a folded line in the headers, a body over the route's limit (413), a content
 * coding (415), an unknown path (404), a wrong method (405 with Allow), more connections of one
 * address than allowed (trusted proxies exempt). A request that is not complete 10 s after its
 * connection was made or its previous answer sent is cut off, however slowly it trickles.
 *
 * Neither is a connection kept whose peer does not take its answer (4 KiB in 10 s at least). An
 * IPv6 peer is its /64. A body over the limit is refused as soon as its length is known.
 *
 * What a client gets wrong is never a 5xx.
 */
#ifndef ABACUS_HTTP_HTTP_H
#define ABACUS_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/logger.h"
#include "base/net.h"
#include "base/str.h"
#include "metrics/metrics.h"

struct http;

/* A request; everything borrowed lives until the response is sent. Header values are empty when
 * absent; a header that may be a list and came several times is joined with ", ". */
struct http_route;
struct http_request {
    struct str method, path; /* path: raw, not decoded, without the query */
    struct str query;        /* raw, without '?' */
    struct str host, origin, user_agent, authorization, content_type, accept, forwarded_for, cookie,
        if_none_match, accept_language, accept_encoding, referer;
    struct str forwarded_proto; /* X-Forwarded-Proto, a list */
    struct str fetch_site;      /* Sec-Fetch-Site: "same-origin", "cross-site" ... */
    struct str mobile_hint;     /* Sec-CH-UA-Mobile: "?1", "?0" */
    bool prerender;             /* Sec-Purpose has "prerender" */
    bool gpc;                   /* Sec-GPC: 1 */
    bool dnt;                   /* DNT: 1 */
    bool forwarded;             /* any of Forwarded, X-Forwarded-*, Via came */
    struct addr peer;
    struct str body;
    struct str param; /* the part of the path that stands for {...} in the route, percent-decoded */
    const struct http_route *route; /* the one that it took */
    struct arena *arena;            /* lives as long as the request */
    void *app;                      /* http_config.app */
    void *worker;                   /* of the query thread; NULL inline */
};

enum { HTTP_HEADERS_MAX = 12 };

/* A body in pages, each made by a query thread while the connection is suspended.
 *
 * A stream may also wait for something to say. Between two calls of next() it then holds a
 * connection and no thread; a peer that has closed its side meanwhile is taken to be gone, and in
 * the metrics the answer has lasted until the first wait. */
struct http_stream {
    /* Append the next page, which may be empty, to `out`. 0: that was the last; 1: more to come;
     * n > 1: more to come, but not before n milliseconds; negative: cut the connection. */
    int (*next)(void *ctx, void *worker, struct buf *out, struct err *err);
    void (*free)(void *ctx); /* once, on any thread, never beside next() */
    void *ctx;
};

/* Zero-initialised by http/; a handler fills it. */
struct http_response {
    int status;              /* 0 means 200 */
    struct str content_type; /* default application/json */
    struct buf body;         /* owned by http/ */
    struct str static_body;  /* instead of body: bytes that outlive the server and never change */
    struct {
        struct str name, value;
    } headers[HTTP_HEADERS_MAX]; /* borrowed like the request */
    size_t headers_count;
    struct http_stream stream; /* instead of a body, if .next is set */
};
void http_header(struct http_response *response, struct str name, struct str value);

/* application/problem+json (RFC 9457):
 * {"type":"about:blank","title":...,"status":...,"detail":...}. `members` is text like
 * `"index":3,"field":"path"` to add, or empty. 429 and 503 get Retry-After: 1 unless it is there
 * already, 401 WWW-Authenticate: Bearer. */
void http_problem(struct http_response *response, int status, struct str detail,
                  struct str members);

enum http_kind { HTTP_INLINE, HTTP_QUERY };

/* One parameter of the query string, for openapi.json and whoever checks requests. */
enum http_param_use {
    HTTP_PARAM_OPTIONAL,
    HTTP_PARAM_REQUIRED,
    HTTP_PARAM_REPEATED /* or absent */
};
struct http_param {
    const char *name, *meaning;
    enum http_param_use use;
};

struct http_route {
    const char *method; /* "GET"; HEAD is answered by GET's handler, without the body */
    const char *path; /* "/api/analytics/tenants/{tenantId}/stats": at most one {...}, matching one
                         non-empty segment */
    enum http_kind kind;
    bool slow; /* of HTTP_QUERY: takes long on purpose, as a password does; while there are two
                  query threads or more, one at least is left to the others */
    void (*handle)(const struct http_request *request, struct http_response *response);
    size_t body_max; /* bytes; 0: no body is read, one over it is 413 */
    bool cors; /* any origin, no credentials; OPTIONS answers 204 with a day's max-age, and every
                  answer, refusals included, carries Access-Control-Allow-Origin: * */
    const char *summary; /* for openapi.json; NULL: not listed there */
    const char *body;    /* what a body is, for openapi.json: a schema of it; may be NULL */
    const char *status;  /* of a good answer, for openapi.json; NULL: 200 */
    const char *answer;  /* what a good answer holds, for openapi.json; may be NULL */
    const struct http_param *params; /* ends with a NULL name; may be NULL */
    const char *access;              /* "none", "stats:read" ...: for openapi.json */
    int number;     /* the application's own: which of the things that one handler serves */
    unsigned group; /* a bit of the application's own; 0: served whatever http_config.groups says */
};

struct http_config {
    struct str listen; /* "127.0.0.1:8080", "[::1]:0" */
    const struct http_route *routes;
    size_t routes_count;
    unsigned groups;                  /* of the routes that are served; the others do not exist */
    unsigned threads;                 /* 0: one per core */
    unsigned query_threads;           /* 0: 2 */
    unsigned query_queue;             /* requests waiting for a query thread; 0: 256 */
    unsigned connections;             /* in all; 0: 4096 */
    unsigned connections_per_address; /* 0: 256 */
    const struct cidr *trusted;       /* proxies: exempt from the limit per address */
    size_t trusted_count;
    int64_t deadline_ms; /* 0: 10,000 */
    void *app;
    /* A query thread's own context, made and ended on that thread. */
    int (*worker_open)(void *app, void **worker, struct err *err);
    void (*worker_close)(void *app, void *worker);
    struct metrics *metrics; /* requests by route number = index into routes; unknown: routes_count.
                                May be NULL */
    const struct logger *logger; /* may be NULL */
};

/* Bind, start the threads, answer. Fails before anything is answered. Raises the process's limit of
 * open files to what `connections` needs, or lowers those to what the system allows. Signals are
 * blocked in all threads made here. */
int http_start(const struct http_config *config, struct http **out, struct err *err);

/* "127.0.0.1:8080" with the real port; lives as long as the server. */
struct str http_address(const struct http *http);

/* No new connections; idle ones closed; suspended requests answered, or given 503 after `grace_ms`;
 * streams ended; then stop. A query thread that does not come back within the grace is abandoned
 * (returns false then: the caller should end the process without freeing what the thread may use).
 */
bool http_stop(struct http **http, int64_t grace_ms);

/* -- for handlers -- */

/* An INLINE handler may put its answer off: http_suspend(), then hand the request to someone who
 * fills the same response and calls http_resume() from any thread, once. Until then the connection
 * is suspended; after the deadline the client gets 503 and the later http_resume() only gives the
 * memory back, even after http_stop(). Both must be called even if shutting down. http_suspend()
 * moves the headers: slices of them taken before are to be taken again from the request; body,
 * query and param stay where they are. */
void http_suspend(const struct http_request *request);
void http_resume(const struct http_request *request);

/* The forms in which a body may be sent, best first. */
enum http_coding { CODING_BR, CODING_GZIP, CODING_IDENTITY, CODINGS };

/* The one that a client wants most of those `offered` (a set of 1 << enum http_coding), by its
 * Accept-Encoding (RFC 9110, 12.5.3); of equals the first. CODINGS: it refuses all of them. A
 * header that is absent or empty wants CODING_IDENTITY; an entry that is malformed is as though it
 * were not there. Pure. */
enum http_coding http_coding_choose(struct str accept_encoding, unsigned offered);

/* The decoded value of query parameter `name`: 1 found, 0 absent, ERR_INVALID given twice or badly
 * encoded. `+` is a space. Bad UTF-8 and %00 are bad encoding. */
int query_param(struct str query, struct str name, struct arena *arena, struct str *out,
                struct err *err);
/* Calls fn for each name (decoded); stops and returns its first non-zero value. ERR_INVALID: badly
 * encoded. */
int query_each(struct str query, struct arena *arena,
               int (*fn)(void *ctx, struct str name, struct str value), void *ctx, struct err *err);

#endif
