/*
 * http/registry.c -- all connections, and how many each peer has.
 *
 * libmicrohttpd announces a connection after accept and before its socket is closed, on its pool
 * thread. In between the socket may be shut down by any thread that holds registry_lock:
 * libmicrohttpd then sees the end of the connection and closes it as if the peer had gone. Too many
 * connections are ended this way too, at once, since the limit per address of the library knows no
 * exceptions.
 */
#include "base/clock.h"
#include "base/must.h"
#include "http/http_internal.h"

#include <stdlib.h>

static struct peer **peer_slot(struct http *http, const struct addr *addr)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < sizeof(addr->bytes); i++)
        hash = (hash ^ addr->bytes[i]) * 16777619U;
    struct peer **at = &http->peers[(hash ^ (hash >> 16)) % PEER_BUCKETS];

    while (*at != NULL && ((*at)->addr.family != addr->family ||
                           memcmp((*at)->addr.bytes, addr->bytes, sizeof(addr->bytes)) != 0))
        at = &(*at)->next;
    return at;
}

static bool is_trusted(const struct http_config *config, const struct addr *addr)
{
    for (size_t i = 0; i < config->trusted_count; i++) {
        if (cidr_contains(&config->trusted[i], addr))
            return true;
    }
    return false;
}

/* Whether the peer may have one more. */
static bool peer_admit(struct http *http, struct conn *conn)
{
    if (is_trusted(&http->config, &conn->addr))
        return true;
    struct addr cut = addr_cut(conn->addr, 32, 64);
    struct peer **slot = peer_slot(http, &cut);

    if (*slot == NULL) {
        *slot = must(calloc(1, sizeof(**slot)));
        (*slot)->addr = cut;
    }
    conn->peer = *slot;
    return ++conn->peer->count <= http->config.connections_per_address;
}

static void peer_leave(struct http *http, struct conn *conn)
{
    if (conn->peer == NULL || --conn->peer->count > 0)
        return;
    struct peer **slot = peer_slot(http, &conn->peer->addr);

    *slot = conn->peer->next;
    free(conn->peer);
}

/* The shard of the pool thread that calls. */
static struct shard *shard_of(struct http *http, struct MHD_Daemon *daemon)
{
    unsigned i = 0;

    while (i < http->shards_count && http->shards[i].daemon != daemon)
        i++;
    if (i == http->shards_count)
        http->shards[http->shards_count++].daemon = daemon;
    return &http->shards[i];
}

static void conn_open(struct http *http, struct MHD_Connection *mhd, void **context)
{
    struct conn *conn = must(calloc(1, sizeof(*conn)));
    struct MHD_Daemon *daemon = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_DAEMON)->daemon;

    conn->http = http;
    conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    (void)addr_from_sockaddr(
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, &conn->addr);
    atomic_store_explicit(&conn->due_us, clock_steady_us() + http->deadline_us,
                          memory_order_relaxed);
    *context = conn;

    pthread_mutex_lock(&http->registry_lock);
    conn->shard = shard_of(http, daemon);
    conn->next = http->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    http->conns = conn;
    bool admitted = peer_admit(http, conn);

    if (++http->conns_count > http->config.connections || !admitted)
        (void)shutdown(conn->fd, SHUT_RDWR);
    pthread_mutex_unlock(&http->registry_lock);
}

static void conn_close(struct http *http, struct conn *conn)
{
    pthread_mutex_lock(&http->registry_lock);
    *(conn->prev != NULL ? &conn->prev->next : &http->conns) = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    http->conns_count--;
    peer_leave(http, conn);
    pthread_mutex_unlock(&http->registry_lock);
    free(conn);
}

void conn_notify(void *http, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(http, mhd, context);
    else if (*context != NULL)
        conn_close(http, *context);
}
