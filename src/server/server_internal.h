/*
 * server/server_internal.h -- what the server's parts share.
 */
#ifndef ABACUS_SERVER_SERVER_INTERNAL_H
#define ABACUS_SERVER_SERVER_INTERNAL_H

#include "api/api.h"
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>

/* A thread that works, sleeps on `wake` for its interval, and works again until `stopping`. */
struct job {
    pthread_t thread;
    bool running;
};

struct server {
    const struct server_config *config;
    struct arena arena; /* what lives as long as the server */
    struct metrics *metrics;
    struct log *log;
    struct directory *directory;
    struct api api;
    struct http *http;
    struct job aggregator, housekeeper;
    pthread_mutex_t lock; /* of `wake` */
    pthread_cond_t wake;
    atomic_bool stopping;
    int64_t seen_as_of;     /* the directory's thread: positions were read at this as_of */
    int64_t release_due_us; /* the directory's thread: when to let go of the log again */
    int64_t balance_due_us; /* the directory's thread: when to check the books again */
};

int server_open_store(struct server *server, bool read_only, struct store **out, struct err *err);

/* jobs.c: the aggregator and the housekeeper. */
int jobs_start(struct server *server, struct err *err);
void jobs_ask_to_stop(struct server *server);
void jobs_stop(struct server *server);

/* housekeep.c: on the directory's thread after each look at the store. */
void housekeep_tick(void *ctx, struct store *store, int64_t now_ms);

#endif
