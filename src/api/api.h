/*
 * api/api.h -- the route table and its handlers, one file per resource.
 *
 * Handlers find struct api in request->app; query threads hold a struct worker in
 * request->worker.
 */
#ifndef ABACUS_API_API_H
#define ABACUS_API_API_H

#include "agent/agent.h"
#include "base/logger.h"
#include "base/net.h"
#include "cache/cache.h"
#include "directory/directory.h"
#include "geo/geo.h"
#include "http/http.h"
#include "log/log.h"
#include "metrics/metrics.h"

/* What a node does (--roles); the bits are the groups of the routes. ROLE_AGGREGATE has none. */
enum role {
    ROLE_INGEST = 1,
    ROLE_AGGREGATE = 2,
    ROLE_QUERY = 4,
    ROLE_WEB = 8,
    ROLES_ALL = 15,
};

struct refusals;  /* refused events of known sites, waiting to become tallies (api/refusals.h) */
struct sightings; /* what kept pages from being counted (api/sightings.h) */
struct query_recent;
struct quotas;   /* api/quotas.h */
struct throttle; /* access/people.h */
struct mailer;
struct payload_config;
struct resets;  /* passwords to be set anew (api/resets.h) */
struct live;    /* open event streams (api/live.h) */
struct scripts; /* of other versions (api/scripts.h) */

/* What waits to be counted; longer than API_LATE_MS nothing should. */
struct api_waiting {
    int64_t records;
    int64_t oldest_ms; /* when the first of them came; 0: none waits */
};
enum { API_LATE_MS = 15 * 60 * 1000 };
/* The server that the nodes share as their buffer. */
struct api_redis {
    bool connected; /* else all of the others are empty */
    char address[128], version[32];
    uint64_t used_bytes, max_bytes; /* max 0: no bound */
};

/* What a query thread has of its own. */
struct worker {
    struct store *store; /* for reading */
    struct store *write; /* made when it is first needed (worker_writer()); NULL before */
    void *server;
};

struct api {
    int32_t raw_days, visit_days, stats_days; /* the installation's */
    unsigned roles;                           /* a set of enum role */
    struct directory *directory;
    struct log *log;     /* NULL without ROLE_INGEST */
    struct cache *cache; /* of answers; NULL: none */
    struct metrics *metrics;
    struct refusals *refusals;
    struct sightings *sightings; /* NULL: none are noted */
    struct live *live;           /* NULL: no event streams */
    struct quotas *quotas;
    struct throttle *throttle;            /* NULL without ROLE_QUERY */
    struct mailer *mailer;                /* NULL: links are shown once */
    struct resets *resets;                /* of passwords, asked for by mail; NULL: none */
    const struct payload_config *payload; /* its secret is empty: not taken */
    struct scripts *scripts;              /* NULL without ROLE_WEB */
    struct query_recent *recent;          /* of breakdowns (query/query.h); NULL: none */
    struct agent *agent;                  /* both NULL without ROLE_INGEST */
    const struct geo *geo;
    const struct cidr *trusted;
    size_t trusted_count;
    struct str data_dir, public_url, demo_site;
    bool always;
    const struct logger *logger;
    int64_t (*now)(void); /* milliseconds; NULL: clock_wall_ms() */
    int64_t started_ms;
    int64_t aggregate_interval_ms; /* of the job on this node; 0: it runs elsewhere */
    void *server;                  /* whoever made this; not used here */
    /* What waits in the buffer that all nodes share, and what that is; both may wait, and the first
     * one fail. NULL: the log in data_dir is the buffer. */
    int (*queued)(void *server, struct api_waiting *out);
    void (*redis)(void *server, struct api_redis *out);
    /* This node's name in receipts; empty: it has none yet. */
    struct str (*node)(void *server, struct arena *arena);
    /* Open a store that can be written. */
    int (*open_writer)(void *server, struct store **out, struct err *err);
};
/* The worker's handle for writing. ERR_UNAVAILABLE: not now. */
int worker_writer(const struct api *api, struct worker *worker, struct store **out,
                  struct err *err);

/* What waits to be counted: in the buffer that all nodes share, else in the log of this machine
 * behind what `store` has counted, which is read beside it and may be a moment newer. May wait. */
int api_waiting_read(const struct api *api, struct store *store, struct arena *arena,
                     struct api_waiting *out, struct err *err);

/* The time now, by the api's clock. */
int64_t api_now(const struct api *api);

/* All routes; handlers not built yet are not in it. */
const struct http_route *api_routes(size_t *count);

/* The names for metrics_new(), in `arena`: routes in the order of api_routes() and "other" for the
 * rest; reasons in the order of their enums (DROP_NONE has no name). */
struct metrics_names api_metrics_names(struct arena *arena);

/* Turn the refusals of the last second into tallies in the log. Called once a second and at the
 * end. */
void api_flush_refusals(struct api *api);

/* Send the mails that people have asked for on the sign-in page (api/resets.h). Called by the
 * directory's thread. */
void api_send_resets(struct api *api, struct store *store, int64_t now_ms);
struct resets *resets_new(void);
void resets_free(struct resets **resets);

struct refusals *refusals_new(void);
void refusals_free(struct refusals **refusals);
/* Freed after the last stream has ended, that is, after http_stop(). */
struct live *live_new(void);
void live_free(struct live **live);

#endif
