/*
 * server/drain.c -- a node of the platform goes: its log may go with its volume, so it waits until
 * the store has everything. The relay and the aggregators do the work; this only looks.
 */
#include "server/server_internal.h"

#include "base/clock.h"

#include <time.h>

enum { LOOK_MS = 100 };
#define UNKNOWN UINT64_MAX

struct remains {
    struct store *store;
    const struct position *ends;
    size_t count;
    uint64_t left;
    bool committed;
};

/* A store that cannot be asked now may be asked again until the time is over. */
static void look(struct server *server, struct remains *remains)
{
    struct err err;

    if (remains->store == NULL && server_open_store(server, true, &remains->store, &err) != 0)
        return;
    if (relay_is_committed(remains->store, remains->ends, remains->count, &remains->committed,
                           &remains->left, &err) != 0)
        remains->committed = false;
}

static int wait_for(struct server *server, struct remains *remains, struct err *err)
{
    int64_t until_us = clock_steady_us() + server->config->drain_timeout_ms * 1000;

    look(server, remains);
    while (!remains->committed && clock_steady_us() < until_us) {
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        look(server, remains);
    }
    if (remains->committed)
        return 0;
    if (remains->left == UNKNOWN)
        return err_set(err, ERR_UNAVAILABLE,
                       "stopped while the database did not answer: what it has not committed stays "
                       "in the event log; start this node again, or run abacus relay on its data "
                       "directory");
    return err_set(err, ERR_UNAVAILABLE,
                   "stopped with %llu events not committed: they stay in the event log; start this "
                   "node again, or run abacus relay on its data directory",
                   (unsigned long long)remains->left);
}

int drain(struct server *server, struct err *err)
{
    struct arena arena = {0};
    struct position *ends = NULL;
    struct remains remains = {.left = UNKNOWN};
    int rc = log_ends(server->config->data_dir, &arena, &ends, &remains.count, err);

    remains.ends = ends;
    if (rc == 0 && remains.count > 0)
        rc = wait_for(server, &remains, err);
    store_close(&remains.store);
    arena_free(&arena);
    return rc;
}
