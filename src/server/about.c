/* server/about.c -- what GET /api/admin/system shows of this node beside the store: its name, and
 * the Redis that it shares with the others. */
#include "server/server_internal.h"

#include "redis/redis.h"

#include <stdio.h>

/* Somebody waits for the page, and a Redis that answers does so in a few milliseconds. */
enum { REDIS_TIMEOUT_MS = 1000 };

struct str about_node(void *ctx, struct arena *arena)
{
    const struct server *server = ctx;
    struct node node;

    return node_read(server->config->data_dir, &node) ? arena_str(arena, str_from(node.name))
                                                      : STR("");
}

void about_redis(void *ctx, struct api_redis *out)
{
    const struct server *server = ctx;
    const struct redis_config config = {.url = server->config->redis_url,
                                        .timeout_ms = REDIS_TIMEOUT_MS};
    struct redis *redis = NULL;
    struct redis_about about;

    *out = (struct api_redis){.connected = false};
    if (redis_open(&config, &redis, NULL) == 0 && redis_about(redis, &about, NULL) == 0) {
        out->connected = true;
        (void)snprintf(out->address, sizeof(out->address), "%s", about.address);
        (void)snprintf(out->version, sizeof(out->version), "%s", about.version);
        out->used_bytes = about.used_bytes;
        out->max_bytes = about.max_bytes;
    }
    redis_close(&redis);
}
