/*
 * http/http_internal.h -- what the files of http/ share.
 *
 * A connection (struct conn) lives from accept to close and knows its socket, its peer and until
 * when it must have made progress. An exchange is one request with its answer: taken when the
 * request line has come, given back when the answer has been sent, so that idle connections hold no
 * memory of ours beyond struct conn.
 *
 *     pool thread                         query thread or whoever calls http_resume()      deadline
 * thread LIVE: reads, routes, runs inline exchange_suspend() -> PENDING     exchange_finish():
 * PENDING -> DONE, resume       PENDING -> EXPIRED, resume called again by libmicrohttpd: DONE:
 * queue the answer EXPIRED: queue 503, let go
 *
 * Threads. A connection and its exchange belong to one pool thread (a shard; libmicrohttpd's worker
 * daemon), which needs no lock for them. While an exchange is PENDING it belongs to the one who
 * finishes it; the change of state decides between him and the deadline, and only the winner
 * resumes the connection, under http->pending_lock, so that an empty list of pending exchanges
 * means that everything has been resumed. An exchange is counted: by its connection, by the work on
 * it and by the streamed response; who lets go last frees it, and after EXPIRED nobody else touches
 * the server. A stream that sleeps is pending, and its work is the deadline thread's, which hands
 * it to a query thread in time.
 *
 * Locks, in the order taken: query_pool.lock, pending_lock, libmicrohttpd's own. registry_lock is
 * taken alone.
 */
#ifndef ABACUS_HTTP_HTTP_INTERNAL_H
#define ABACUS_HTTP_HTTP_INTERNAL_H

#include "http/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    /* libmicrohttpd's memory per connection, which bounds the head of a request. It is cleared for
     * every request, so more of it is also slower: see CONNECTION_MEMORY in server.c. */
    CONNECTION_MEMORY = 16 * 1024,
    /* A refused request's body up to this size is read and thrown away, so that the answer arrives
     * and the connection stays usable; a longer one is answered at once and the connection closed.
     */
    SWALLOW_MAX = 64 * 1024,
    KEEP_BODY = 16 * 1024, /* an exchange that is given back keeps a buffer up to this size */
    KEEP_EXCHANGES = 64,   /* per pool thread */
    CACHED_RESPONSES = 32, /* per pool thread */
    LINGERING_MAX = 64,
    METHODS = 5, /* GET, POST, PUT, PATCH, DELETE */
    PEER_BUCKETS = 1024,
    PATH_LENGTHS = 64, /* static paths are found by their length modulo this */
};

/* -- connections (registry.c) -- */

enum phase {
    PHASE_IDLE,    /* nothing of a request has come */
    PHASE_RECEIVE, /* its request line has */
    PHASE_PENDING, /* suspended: the exchange's own deadline counts */
    PHASE_SEND,    /* the answer is on its way */
};

struct peer {
    struct peer *next;
    struct addr addr; /* an IPv6 address cut to /64: that is what one machine holds */
    unsigned count;
};

struct conn {
    struct http *http;
    struct shard *shard;
    struct exchange *exchange; /* pool thread; NULL between requests */
    struct addr addr;
    int fd;
    _Atomic int64_t due_us; /* cut off when this has passed; INT64_MAX: not now */
    _Atomic int phase;      /* enum phase */
    _Atomic bool streaming;
    uint64_t acked; /* bytes the peer had acknowledged at the last look; deadline thread */
    struct peer *peer;
    struct conn *next, *prev;
};

/* What one pool thread keeps to itself. */
struct shard {
    struct MHD_Daemon *daemon;
    struct exchange *spare;
    unsigned spares;
    struct cached {
        struct str body;
        bool cors;
        struct MHD_Response *response;
    } cached[CACHED_RESPONSES];
    size_t cached_count;
};

void conn_notify(void *http, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code);

/* -- exchanges (exchange.c) -- */

enum exchange_state { EXCHANGE_LIVE, EXCHANGE_PENDING, EXCHANGE_DONE, EXCHANGE_EXPIRED };

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_SENDING };

struct exchange {
    struct http_request request;
    struct http_response response;
    struct arena arena;
    struct http *http;
    struct conn *conn;
    struct MHD_Connection *mhd;
    const struct http_route *route; /* NULL: none was found */
    size_t route_index;             /* routes_count: none */
    enum stage stage;
    bool cors;
    bool suspended; /* once at least */
    bool expecting; /* Expect: 100-continue */
    bool chunked;
    bool coded;       /* Content-Encoding other than identity */
    int refusal;      /* the status to answer without asking the handler; 0: none */
    const char *why;  /* of a refusal */
    struct str allow; /* the methods of its path */
    size_t target_len;
    uint64_t length; /* Content-Length */
    int64_t start_us;
    struct buf body, target, head;
    struct str head_raw; /* the head in libmicrohttpd's buffer, or in `head` */
    /* A streamed answer: one page, and how much of it has been handed on. */
    struct buf page;
    size_t page_sent;
    int page_state; /* as http_stream.next() says */
    bool page_turn; /* the work is a page, not the handler */

    _Atomic int state;
    atomic_uint refs;
    int64_t due_us;               /* while pending */
    int64_t wake_us;              /* while it sleeps, else 0; under pending_lock */
    int64_t slept_us;             /* when it slept first; 0: never */
    struct exchange *next, *prev; /* pending, or spare */
    struct exchange *job_next;    /* waiting for a query thread */
};

struct exchange *exchange_take(struct conn *conn, struct MHD_Connection *mhd);
/* `shard` is that of the calling pool thread, or NULL on any other thread. */
void exchange_release(struct exchange *exchange, struct shard *shard);
void exchange_free(struct exchange *exchange);

/* Suspend the connection; from here on exchange_finish() or the deadline resumes it. One reference
 * more. */
void exchange_suspend(struct exchange *exchange);
/* The work is done; lets go of its reference. */
void exchange_finish(struct exchange *exchange);
/* Suspend the connection of a stream until exchanges_wake() finds that `ms` have passed; nobody
 * works on it meanwhile. */
void exchange_sleep(struct exchange *exchange, int64_t ms);
/* Give up everything pending whose deadline is not after `now_us`, and with `pages` all pages of
 * streams; returns how many are still pending. */
size_t exchanges_expire(struct http *http, int64_t now_us, bool pages);
/* Hand those that have slept long enough to the query threads, and give up those whose peer is
 * gone. */
void exchanges_wake(struct http *http, int64_t now_us);

/* -- requests and routes -- */

/* request.c: fill exchange->request from what libmicrohttpd has parsed. False: to be refused, *why
 * says so. */
bool request_read_head(struct exchange *exchange, const char *url, const char *method,
                       const char *version, const char **why);
/* Copy the head out of libmicrohttpd's buffer, once, and let the request's slices point there. */
void request_keep_head(struct exchange *exchange);

/* All routes of one path. */
struct target {
    struct str path; /* up to the parameter, if there is one */
    struct str rest; /* behind it */
    bool has_param, cors;
    uint16_t by_method[METHODS]; /* index into the routes, or NO_ROUTE */
    struct str allow;            /* "GET, HEAD, OPTIONS" */
    struct target *next;
};
#define NO_ROUTE UINT16_MAX

struct router {
    const struct http_route *routes;
    struct target *targets;
    size_t targets_count;
    struct target *by_length[PATH_LENGTHS];
    struct target *with_param;
    struct arena arena;
};

int router_init(struct router *router, const struct http_route *routes, size_t count,
                unsigned groups, struct err *err);
void router_release(struct router *router);
/* NULL: no such path. *param is the raw segment. */
const struct target *router_find(const struct router *router, struct str path, struct str *param);
/* NO_ROUTE: not this method. HEAD is GET. */
uint16_t target_route(const struct target *target, struct str method);

/* query_string.c: percent-decode; ERR_INVALID on a bad escape, a NUL or bad UTF-8. */
int percent_decode(struct str s, bool plus, struct arena *arena, struct str *out);

/* -- answers -- */

/* response.c: queue exchange->response. */
enum MHD_Result response_queue(struct exchange *exchange);
void response_release(struct http_response *response);
/* stream.c */
struct MHD_Response *stream_response(struct exchange *exchange);
void stream_turn_page(struct exchange *exchange);

/* -- query threads (pool.c) -- */

/* First in, first out, linked by job_next. */
struct job_list {
    struct exchange *first, **last;
};

struct query_pool {
    struct http *http;
    pthread_mutex_t lock;
    pthread_cond_t work, opened;
    struct job_list jobs, slow; /* slow: of routes that are */
    unsigned waiting, limit;    /* of jobs; pages of streams are bounded by the connections */
    unsigned slow_waiting, slow_running;
    pthread_t *threads;
    unsigned threads_count;
    unsigned ready, failed; /* threads that have opened their worker, or have not */
    struct err err;         /* of the first that failed */
    bool stopping;
};

int query_pool_start(struct query_pool *pool, struct http *http, struct err *err);
/* Suspend and queue. False: the queue is full, nothing has happened. A page of a stream is always
 * taken. */
bool query_pool_submit(struct query_pool *pool, struct exchange *exchange);
/* Queue the page of a stream that is suspended already. */
void query_pool_add(struct query_pool *pool, struct exchange *exchange);
/* Join the threads. False: one did not come back within `ms` and has been left alone. */
bool query_pool_stop(struct query_pool *pool, int64_t ms);

/* -- deadlines (deadline.c) -- */

int deadline_start(struct http *http, struct err *err);
void deadline_stop(struct http *http);
/* Read away for a while what the peer still sends after an early answer, so that closing does not
 * reset the connection before the peer has read the answer. */
void deadline_linger(struct http *http, int fd);

/* -- the way of a request: what libmicrohttpd calls (serve.c) -- */

void *serve_target(void *http, const char *target, struct MHD_Connection *mhd);
enum MHD_Result serve_request(void *http, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context);
void serve_completed(void *http, struct MHD_Connection *mhd, void **context,
                     enum MHD_RequestTerminationCode code);

/* -- the server (server.c) -- */

struct http {
    struct http_config config; /* with the defaults filled in */
    int64_t deadline_us;
    struct router router;
    struct MHD_Daemon *daemon;
    int listen_fd; /* libmicrohttpd's once it has been started */
    char address[64];
    struct query_pool pool;

    pthread_mutex_t pending_lock;
    struct exchange *pending_first, *pending_last;
    size_t pending_count;
    bool closing; /* what is suspended from now on expires at once */

    pthread_mutex_t registry_lock;
    struct conn *conns;
    unsigned conns_count;
    struct peer *peers[PEER_BUCKETS];
    struct shard *shards;
    unsigned shards_count;
    struct lingering {
        int fd;
        int64_t until_us;
    } lingering[LINGERING_MAX];
    size_t lingering_count;
    _Atomic bool stopping; /* no new requests on old connections, streams end */

    pthread_t deadline_thread;
    pthread_mutex_t deadline_lock;
    pthread_cond_t deadline_cond;
    bool deadline_stop, deadline_wake, deadline_runs;
};

#endif
