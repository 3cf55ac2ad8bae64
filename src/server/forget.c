/*
 * server/forget.c -- what was erased goes from this node too: from its event log, its dead letters,
 * the caches, and the files that Redis keeps. Then the node notes itself in the receipt.
 *
 * One thread, since it waits for disks and for Redis and has all the time. It looks through the
 * receipts when the directory says that something was erased, at the start, and now and then.
 * What is to be done is the same for all of them, so all that are there are done together:
 *
 *     the log      lets go of what was appended up to now (log_forget()); once the store has all of
 *                  it and the files are gone ...
 *     the buffer   ... everything that was in Redis's streams by then is waited for, since it is
 *                  taken out only after it was counted;
 *     dead letters of the site, and the caches, are cleared;
 *     Redis        writes its files anew.
 *
 * A node that began after something was erased (node.c) has nothing of it and stays out of that
 * receipt. All else that is known is in the receipts, so that whatever a crash cuts short is done
 * again; doing it twice does no harm.
 */
#include "server/server_internal.h"

#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "base/json.h"
#include "cache/cache.h"
#include "query/query.h"
#include "redis/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_AGAIN_MS = 3600 * 1000, /* for what two nodes did at the same time */
    RETRY_MS = 10 * 1000,
    REDIS_TIMEOUT_MS = 2000,
};

enum step { STEP_IDLE, STEP_LOG, STEP_BUFFER, STEP_CACHES, STEP_REDIS, STEP_NOTE };

struct forget {
    struct server *server;
    struct node node;
    struct store *store;
    enum step step;
    int64_t seen_ms; /* what the directory said when receipts were last read */
    int64_t look_us, retry_us;
    int64_t left_ms; /* when the log held nothing of it any more */
    bool cleared;
    int64_t cleared_ms; /* when clearing a cache that refuses it was first tried; 0: not */
    struct queue *buffer;
    struct redis *redis;
    struct redis_rewrite rewrite;
    struct arena arena; /* of what is being done: */
    struct str *ids;
    struct dead_letters_of *of;
    size_t count, cap;
    struct err told;
};

/* -- which receipts ---------------------------------------------------------------------------- */

static bool is_noted(const struct forget *forget, struct str nodes, struct arena *arena)
{
    struct json *object = NULL;

    return nodes.len > 0 && json_parse(nodes, 1, arena, &object, NULL) == 0 &&
           object->type == JSON_OBJECT && json_get(object, str_from(forget->node.name)) != NULL;
}

static void add_receipt(struct forget *forget, const struct erasure_row *row)
{
    if (forget->count == forget->cap) {
        size_t cap = 2 * forget->cap + 16;
        struct str *ids = ARENA_NEW(&forget->arena, struct str, cap);
        struct dead_letters_of *of = ARENA_NEW(&forget->arena, struct dead_letters_of, cap);

        if (forget->count > 0) {
            memcpy(ids, forget->ids, forget->count * sizeof(ids[0]));
            memcpy(of, forget->of, forget->count * sizeof(of[0]));
        }
        forget->ids = ids;
        forget->of = of;
        forget->cap = cap;
    }
    /* Of a site only a value may have been erased, which is not known any more: all of its dead
     * letters go, since what they hold is counted nowhere. */
    forget->ids[forget->count] = arena_str(&forget->arena, row->id);
    forget->of[forget->count++] = (struct dead_letters_of){arena_str(&forget->arena, row->tenant),
                                                           arena_str(&forget->arena, row->site)};
}

static int take_receipt(void *ctx, const void *each, struct err *err)
{
    const struct erasure_row *row = each;
    struct forget *forget = ctx;
    struct arena arena = {0};

    (void)err;
    if (row->done_ms >= forget->node.since_ms && row->done_ms != 0 &&
        !is_noted(forget, row->nodes, &arena))
        add_receipt(forget, row);
    arena_free(&arena);
    return 0;
}

static int find_receipts(struct forget *forget, struct err *err)
{
    return store_each(forget->store, ROW_ERASURE, &(struct row_filter){0}, take_receipt, forget,
                      err);
}

/* What the directory says; 0: nothing was ever erased, or it does not know yet. */
static int64_t erased_ms(const struct server *server)
{
    const struct snapshot *snapshot = directory_take(server->directory);
    int64_t ms = 0;

    if (snapshot != NULL) {
        ms = snapshot_erased_ms(snapshot);
        directory_give(server->directory, snapshot);
    }
    return ms;
}

/* -- the steps: each gives 1 when it is done, 0 while it has to wait ----------------------------
 */

static void end(struct forget *forget)
{
    arena_free(&forget->arena);
    forget->ids = NULL;
    forget->of = NULL;
    forget->count = forget->cap = 0;
    queue_close(&forget->buffer);
    redis_close(&forget->redis);
    store_close(&forget->store);
}

static int look(struct forget *forget, struct err *err)
{
    struct server *server = forget->server;
    int64_t now_us = clock_steady_us(), erased = erased_ms(server);
    int rc = 0;

    if (erased == 0 || (erased == forget->seen_ms && now_us < forget->look_us))
        return 0;
    if (forget->store == NULL)
        rc = server_open_store(server, false, &forget->store, err);
    if (rc == 0)
        rc = find_receipts(forget, err);
    if (rc != 0)
        return rc;
    forget->seen_ms = erased;
    forget->look_us = now_us + LOOK_AGAIN_MS * INT64_C(1000);
    if (forget->count == 0) {
        end(forget);
        return 0;
    }
    if (server->log != NULL)
        log_forget(server->log);
    return 1;
}

static int wait_for_log(struct forget *forget, struct err *err)
{
    struct log *log = forget->server->log;

    (void)err;
    if (log != NULL && !log_forgotten(log))
        return 0;
    forget->left_ms = clock_wall_ms();
    return 1;
}

static int wait_for_buffer(struct forget *forget, struct err *err)
{
    struct server *server = forget->server;
    struct queue_status status = {0};
    int rc = 0;

    if (!server_is_platform(server))
        return 1;
    if (forget->buffer == NULL)
        rc = queue_open(server->config->queue_url, &forget->buffer, err);
    if (rc == 0)
        rc = queue_status(forget->buffer, &status, err);
    return rc < 0 ? rc : status.length == 0 || status.oldest_ms > forget->left_ms;
}

/* A Redis that does not let its keys be listed has forgotten them when their time is over. */
static int clear_cache(struct forget *forget, struct err *err)
{
    int rc = cache_clear(forget->server->cache, err);
    int64_t now_ms = clock_wall_ms();

    if (rc == ERR_SYSTEM && forget->cleared_ms == 0)
        forget->cleared_ms = now_ms;
    if (rc == ERR_SYSTEM && now_ms - forget->cleared_ms > CACHE_SECONDS * INT64_C(1000))
        rc = 0;
    return rc;
}

static int clear_caches(struct forget *forget, struct err *err)
{
    struct server *server = forget->server;
    size_t removed = 0;
    int rc =
        dead_letters_remove(server->config->data_dir, forget->of, forget->count, &removed, err);

    if (rc == 0)
        rc = clear_cache(forget, err);
    if (rc != 0)
        return rc;
    query_recent_clear(server->api.recent);
    forget->cleared_ms = 0;
    if (removed > 0)
        logger_line(&server->config->logger, LOG_INFO, "dead letters of what was erased are gone",
                    "lines=%zu", removed);
    forget->rewrite = (struct redis_rewrite){0};
    return 1;
}

static int rewrite_redis(struct forget *forget, struct err *err)
{
    struct server *server = forget->server;
    const struct redis_config config = {.url = server->config->redis_url,
                                        .timeout_ms = REDIS_TIMEOUT_MS};
    char quoted[256];
    int rc = 0;

    if (!server_is_platform(server))
        return 1;
    if (forget->redis == NULL)
        rc = redis_open(&config, &forget->redis, err);
    if (rc == 0)
        rc = redis_rewrite(forget->redis, &forget->rewrite, err);
    if (rc == 1 && forget->rewrite.told[0] != '\0')
        logger_line(&server->config->logger, LOG_WARN,
                    "Redis does not write its files anew: what was erased may stay in them",
                    "why=%s", logger_quote(forget->rewrite.told, quoted, sizeof(quoted)));
    return rc;
}

/* edit_fn: what other nodes have noted meanwhile stays. */
static int add_node(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct forget *forget = ctx;
    struct erasure_row *erasure = row;
    struct buf text = {0};
    struct json_out json = {.buf = &text};
    struct json *nodes = NULL;

    (void)err;
    if (!exists || is_noted(forget, erasure->nodes, arena))
        return EDIT_KEEP;
    if (erasure->nodes.len > 0 &&
        (json_parse(erasure->nodes, 1, arena, &nodes, NULL) != 0 || nodes->type != JSON_OBJECT))
        nodes = NULL;
    json_open(&json, '{');
    for (size_t i = 0; nodes != NULL && i < nodes->count; i++) {
        json_name(&json, nodes->members[i].name);
        json_value(&json, &nodes->members[i].value);
    }
    json_name(&json, str_from(forget->node.name));
    json_i64(&json, clock_wall_ms());
    json_close(&json, '}');
    erasure->nodes = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return EDIT_PUT;
}

static int note(struct forget *forget, struct err *err)
{
    char name[NODE_NAME + 8];
    int rc = 0;

    (void)snprintf(name, sizeof(name), "node:%s", forget->node.name);
    for (size_t i = 0; rc >= 0 && i < forget->count; i++) {
        const struct actor actor = {str_from(name), clock_wall_ms()};

        rc = store_edit(forget->store, ROW_ERASURE, forget->ids[i], add_node, forget, &actor, err);
    }
    if (rc < 0)
        return rc;
    logger_line(&forget->server->config->logger, LOG_INFO, "what was erased is gone from this node",
                "receipts=%zu", forget->count);
    end(forget);
    return 1;
}

/* -- all of it --------------------------------------------------------------------------------- */

static int (*const steps[])(struct forget *forget, struct err *err) = {
    [STEP_IDLE] = look,           [STEP_LOG] = wait_for_log,    [STEP_BUFFER] = wait_for_buffer,
    [STEP_CACHES] = clear_caches, [STEP_REDIS] = rewrite_redis, [STEP_NOTE] = note,
};

/* What fails is tried again after a while, and told when it is something else than before. */
static void failed(struct forget *forget, const struct err *err)
{
    char quoted[512];

    forget->retry_us = clock_steady_us() + RETRY_MS * INT64_C(1000);
    if (strcmp(forget->told.text, err->text) == 0)
        return;
    forget->told = *err;
    logger_line(&forget->server->config->logger, LOG_ERROR,
                "what was erased is not gone from this node yet", "why=%s",
                logger_quote(err->text, quoted, sizeof(quoted)));
}

struct forget *forget_new(struct server *server)
{
    struct forget *forget = calloc(1, sizeof(*forget));

    if (forget == NULL)
        abort();
    forget->server = server;
    return forget;
}

void forget_free(struct forget **forget)
{
    if (*forget == NULL)
        return;
    end(*forget);
    free(*forget);
    *forget = NULL;
}

void forget_step(struct forget *forget)
{
    struct err err = {""};
    int rc = 1;

    if (clock_steady_us() < forget->retry_us)
        return;
    if (forget->node.since_ms == 0 &&
        (rc = node_learn(forget->server->config->data_dir, &forget->node, &err)) == 0)
        rc = 1;
    while (rc == 1) {
        rc = steps[forget->step](forget, &err);
        if (rc == 1)
            forget->step = forget->step == STEP_NOTE ? STEP_IDLE : forget->step + 1;
    }
    if (rc < 0)
        failed(forget, &err);
}
