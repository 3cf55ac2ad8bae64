/*
 * server/server_internal.h -- what the server's parts share.
 */
#ifndef ABACUS_SERVER_SERVER_INTERNAL_H
#define ABACUS_SERVER_SERVER_INTERNAL_H

#include "api/api.h"
#include "queue/queue.h"
#include "relay/relay.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the threads are to do. DRAINING: nothing new comes in; send and count what is there, without
 * a pause. */
enum phase { PHASE_RUNNING, PHASE_DRAINING, PHASE_STOPPING };

/* A thread that works, sleeps, and works again until PHASE_STOPPING. */
struct job {
    pthread_t thread;
    bool running;
};

struct server {
    const struct server_config *config;
    struct arena arena; /* what lives as long as the server */
    struct metrics *metrics;
    struct log *log; /* NULL without ROLE_INGEST */
    struct directory *directory;
    struct cache *cache;
    struct mailer *mailer; /* NULL: none */
    struct agent *agent;   /* NULL without ROLE_INGEST */
    struct geo *geo;       /* NULL too where no table can be read */
    struct quotas *quotas;
    struct api api;
    struct http *http;
    struct job aggregator, housekeeper, relayer, watcher, forgetter;
    pthread_mutex_t buffer_lock; /* of `buffer` */
    struct queue *buffer;        /* to ask the shared buffer for its length */
    pthread_mutex_t lock;        /* of `wake` */
    pthread_cond_t wake;
    atomic_int phase;
    atomic_ullong relay_in_flight; /* sent and not committed */
    atomic_bool relay_behind;      /* something of the log is not sent */
    int64_t balance_due_us;        /* when to check the books again; of who does that */
    /* The directory's thread: */
    int64_t seen_as_of;          /* positions were read at this as_of */
    int64_t counters_due_us;     /* when to look at the counters again */
    int64_t release_due_us;      /* when to let go of the log again */
    int64_t hold_due_us;         /* when to say again that the log is still here */
    int64_t quotas_due_us;       /* when to read again what the tenants have used ... */
    int64_t quotas_free_us;      /* ... and when, if there are new limits */
    int64_t quotas_version;      /* of the snapshot whose limits these are; 0: none yet */
    struct log_mark quotas_mark; /* where the log was ... */
    int64_t quotas_mark_ms;      /* ... then; 0: there is none */
};

static inline bool server_has(const struct server *server, enum role role)
{
    return (server->config->roles & role) != 0;
}

/* Redis stands between this node and the store: its log has to be drained before it goes. */
static inline bool server_is_platform(const struct server *server)
{
    return server->config->redis_url.len > 0;
}

/* The store is a server of its own, which may be away for a while. */
static inline bool server_store_is_remote(const struct server *server)
{
    return !str_starts(server->config->database_url, STR("sqlite:"));
}

int server_open_store(struct server *server, bool read_only, struct store **out, struct err *err);

/* jobs.c */
/* What waits in the shared buffer now. */
int jobs_queued(void *server, struct api_waiting *out);
int jobs_start(struct server *server, struct err *err);
void jobs_enter(struct server *server, enum phase phase);
/* Ends who uses the log (the housekeeper, and who forgets), then, once PHASE_STOPPING was entered,
 * the others. */
void jobs_stop_housekeeper(struct server *server);
void jobs_stop(struct server *server);

/* drain.c: wait until everything in this node's log is committed, or the time-out is over. */
int drain(struct server *server, struct err *err);

/* housekeep.c: on the directory's thread after each look at the store. */
void housekeep_tick(void *ctx, struct store *store, int64_t now_ms);
/* used.c: what the tenants have used of their months, now and then; before anything is taken, and
 * then from housekeep_tick(). */
void used_tick(struct server *server, struct store *store, int64_t as_of_ms, int64_t now_ms);
/* Whether the books add up, now and then: by the aggregator's thread, or by the directory's. */
void housekeep_books(struct server *server, struct store *store, bool by_job);

/* node.c: what stands in DATA_DIR/node, which the first one to learn it makes. */
enum { NODE_NAME = 96 }; /* bytes of a node's name and its NUL */
struct node {
    char name[NODE_NAME];
    int64_t since_ms; /* the node was not there before; 0: it has no name yet */
};
bool node_read(struct str data_dir, struct node *out);
int node_learn(struct str data_dir, struct node *out, struct err *err);

/* about.c: for the API, on its query threads. */
struct str about_node(void *server, struct arena *arena);
void about_redis(void *server, struct api_redis *out);

/* forget.c: a step, which may wait for disks and for Redis. */
struct forget;
struct forget *forget_new(struct server *server);
void forget_free(struct forget **forget);
void forget_step(struct forget *forget);

#endif
