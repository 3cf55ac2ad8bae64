/*
 * redis/rewrite.c -- files without what was removed: one stage after the other, the append-only
 * file, then the snapshot.
 *
 * The server writes in the background, from what it holds when it begins. So one that was writing
 * already when it was asked is waited for, and then asked; and it is done with what we asked for
 * once it writes no more and says that it succeeded. A server that was restarted has forgotten that
 * it was asked, but then the connection is another one.
 *
 * Who runs the server may forbid some of this to us, as managed ones do.
 */
#include "redis/redis_internal.h"

#include <stdio.h>
#include <string.h>

enum { STAGE_APPEND_ONLY, STAGE_SNAPSHOT, STAGES };

static const struct stage {
    const char *what;
    struct str command[2];
    size_t command_count;
    struct str writes, waits, status; /* in INFO */
} stages[STAGES] = {
    [STAGE_APPEND_ONLY] = {"the append-only file",
                           {STR_INIT("BGREWRITEAOF")},
                           1,
                           STR_INIT("aof_rewrite_in_progress"),
                           STR_INIT("aof_rewrite_scheduled"),
                           STR_INIT("aof_last_bgrewrite_status")},
    [STAGE_SNAPSHOT] = {"the snapshot",
                        {STR_INIT("BGSAVE"), STR_INIT("SCHEDULE")},
                        2,
                        STR_INIT("rdb_bgsave_in_progress"),
                        STR_INIT("rdb_bgsave_scheduled"), /* which it does not tell */
                        STR_INIT("rdb_last_bgsave_status")},
};

static void next_stage(struct redis_rewrite *state)
{
    state->stage++;
    state->asked = false;
}

/* What the server refuses is no failure of ours. */
static int refused(struct redis_rewrite *state, const struct err *why)
{
    (void)snprintf(state->told, sizeof(state->told), "%.*s", (int)sizeof(state->told) - 1,
                   why->text);
    next_stage(state);
    return 0;
}

/* Whether the server makes snapshots by itself: 1, 0, or negative. */
static int makes_snapshots(struct redis *redis, struct err *err)
{
    const struct redis_reply *reply = NULL;
    int rc = redis_call_words(redis, &reply, err, "CONFIG", "GET", "save", NULL);

    if (rc < 0)
        return rc;
    return reply->type == REDIS_ARRAY && reply->count == 2 && reply->items[1].text.len > 0;
}

static int wanted(struct redis *redis, int stage, struct str info, struct err *err)
{
    if (stage == STAGE_SNAPSHOT)
        return makes_snapshots(redis, err);
    return str_eq(redis_info_field(info, STR("aof_enabled")), STR("1"));
}

static int ask(struct redis *redis, struct redis_rewrite *state, struct err *err)
{
    const struct stage *stage = &stages[state->stage];
    const struct redis_reply *reply = NULL;
    int rc = redis_call(redis, stage->command, stage->command_count, &reply, err);

    state->asked = rc == 0;
    state->generation = redis_generation(redis);
    /* Somebody else was quicker: wait for that one first. */
    return rc == ERR_SYSTEM && strstr(err->text, "in progress") != NULL ? 0 : rc;
}

/* What was asked for is written; once more where that failed. */
static void settle(struct redis_rewrite *state, bool good)
{
    state->asked = false;
    if (good)
        next_stage(state);
}

static bool is_one(struct str info, struct str field)
{
    return str_eq(redis_info_field(info, field), STR("1"));
}

static int step(struct redis *redis, struct redis_rewrite *state, struct err *err)
{
    const struct stage *stage = &stages[state->stage];
    const struct redis_reply *reply = NULL;
    int rc = redis_call_words(redis, &reply, err, "INFO", "persistence", NULL);

    if (rc < 0)
        return rc;
    if (state->asked && state->generation != redis_generation(redis))
        state->asked = false;
    if (is_one(reply->text, stage->writes) || is_one(reply->text, stage->waits))
        return 0;
    if (state->asked) {
        settle(state, str_eq(redis_info_field(reply->text, stage->status), STR("ok")));
        return 0;
    }
    rc = wanted(redis, state->stage, reply->text, err);
    if (rc == 0)
        next_stage(state);
    return rc <= 0 ? rc : ask(redis, state, err);
}

int redis_rewrite(struct redis *redis, struct redis_rewrite *state, struct err *err)
{
    struct err why = {""};
    int rc = 0;

    /* A stage that is not wanted, or done, needs no pause before the next. */
    for (int before = -1; rc == 0 && before != state->stage && state->stage < STAGES;) {
        before = state->stage;
        rc = step(redis, state, &why);
        if (rc == ERR_SYSTEM)
            rc = refused(state, &why);
    }
    if (rc < 0)
        return err_set(err, rc, "%s", why.text);
    return state->stage == STAGES;
}
