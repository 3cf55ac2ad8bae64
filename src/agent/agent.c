/*
 * agent/agent.c -- rules, answers given before, and what a thread needs to look.
 *
 * A miss costs two scans and a few captures. Threads take what Hyperscan and PCRE2 write to (struct
 * work) from a stack and put it back; there are as many as threads that ever looked at once.
 */
#include "agent/agent.h"

#include "agent/answers.h"
#include "agent/embedded.h"
#include "agent/robots.h"
#include "base/must.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a regexes.yaml in bytes; uap-core's has 205,558. */
enum { FILE_MAX = 4 << 20 };

struct agent {
    struct arena arena; /* of the rules */
    struct rules name_rules, robot_rules;
    struct matcher *names, *robots;
    struct answers *answers;
    struct work *model; /* only copied */
    pthread_mutex_t lock;
    struct idle *idle; /* under the lock */
};

/* Work that no thread uses. */
struct idle {
    struct idle *next;
    struct work *work;
};

/* -- open and close -------------------------------------------------------------------------- */

static int read_file(struct str path, struct buf *out, struct err *err)
{
    struct buf name = {0};

    buf_add(&name, path);
    buf_addc(&name, '\0');
    FILE *file = fopen(name.ptr, "rbe");
    buf_release(&name);
    if (file == NULL)
        return err_set(err, ERR_SYSTEM, "%s", strerror(errno));
    out->len = fread(buf_reserve(out, FILE_MAX + 1), 1, FILE_MAX + 1, file);
    int failed = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    if (failed != 0)
        return err_set(err, ERR_SYSTEM, "%s", strerror(failed));
    if (out->len > FILE_MAX)
        return err_set(err, ERR_INVALID, "it is larger than %d bytes", FILE_MAX);
    return 0;
}

static int open_names(struct agent *agent, struct str text, struct str database, struct err *err)
{
    int rc = rules_read_names(text, &agent->arena, &agent->name_rules, err);

    return rc < 0 ? rc : matcher_new(&agent->name_rules, database, &agent->names, err);
}

static int open_names_of(struct agent *agent, struct str path, struct err *err)
{
    struct buf text = {0};
    int rc = read_file(path, &text, err);

    if (rc == 0)
        rc = open_names(agent, buf_str(&text), STR(""), err);
    buf_release(&text);
    return rc < 0 ? err_wrap(err, rc, "%.*s", STR_FMT(path)) : 0;
}

static int open_robots(struct agent *agent, struct err *err)
{
    int rc = rules_read_robots(embedded_robots, &agent->arena, &agent->robot_rules, err);

    return rc < 0 ? rc
                  : matcher_new(&agent->robot_rules, embedded_robots_database, &agent->robots, err);
}

int agent_open(struct str rules, struct agent **out, struct err *err)
{
    struct agent *agent = must(calloc(1, sizeof(*agent)));
    int rc;

    (void)pthread_mutex_init(&agent->lock, NULL);
    rc = rules.len > 0 ? open_names_of(agent, rules, err)
                       : open_names(agent, embedded_names, embedded_names_database, err);
    if (rc == 0)
        rc = open_robots(agent, err);
    if (rc == 0)
        rc = work_new((const struct matcher *const[]){agent->names, agent->robots}, 2,
                      &agent->model, err);
    if (rc == 0)
        rc = answers_new(AGENT_CACHE, &agent->answers, err);
    if (rc < 0)
        agent_close(&agent);
    *out = agent;
    return rc;
}

void agent_close(struct agent **out)
{
    struct agent *agent = *out;

    if (agent == NULL)
        return;
    while (agent->idle != NULL) {
        struct idle *idle = agent->idle;

        agent->idle = idle->next;
        work_free(&idle->work);
        free(idle);
    }
    (void)pthread_mutex_destroy(&agent->lock);
    work_free(&agent->model);
    answers_free(&agent->answers);
    matcher_free(&agent->robots);
    matcher_free(&agent->names);
    arena_free(&agent->arena);
    free(agent);
    *out = NULL;
}

/* -- work ------------------------------------------------------------------------------------ */

static struct idle *take(struct agent *agent)
{
    (void)pthread_mutex_lock(&agent->lock);
    struct idle *idle = agent->idle;
    if (idle != NULL)
        agent->idle = idle->next;
    (void)pthread_mutex_unlock(&agent->lock);
    if (idle == NULL) {
        idle = must(calloc(1, sizeof(*idle)));
        idle->work = work_copy(agent->model);
    }
    return idle;
}

static void give_back(struct agent *agent, struct idle *idle)
{
    (void)pthread_mutex_lock(&agent->lock);
    idle->next = agent->idle;
    agent->idle = idle;
    (void)pthread_mutex_unlock(&agent->lock);
}

/* -- what the rules say ---------------------------------------------------------------------- */

/* A template with its captures, without blanks around. */
static struct str expand(struct str template, const struct work *work, struct arena *arena)
{
    struct buf text = {0};
    struct str piece;

    (void)str_next(&template, '$', &piece);
    buf_add(&text, piece);
    while (str_next(&template, '$', &piece)) {
        bool group = piece.len > 0 && piece.ptr[0] >= '1' && piece.ptr[0] <= '9';

        if (group)
            buf_add(&text, work_capture(work, (unsigned)(piece.ptr[0] - '0')));
        else
            buf_addc(&text, '$');
        buf_add(&text, str_slice(piece, group ? 1 : 0, piece.len));
    }
    struct str out = arena_str(arena, str_trim(buf_str(&text)));
    buf_release(&text);
    return out;
}

/* What the rule found last says for its text `i`: 0 the family, from 1 the version. */
static struct str say(const struct rule *rule, unsigned i, const struct work *work,
                      struct arena *arena)
{
    struct str template = rule->text[i];

    if (template.ptr == NULL)
        return work_capture(work, i + 1);
    if (memchr(template.ptr, '$', template.len) == NULL)
        return template;
    return expand(template, work, arena);
}

/* The first rule of a list that matches, or NULL. */
static const struct rule *first(const struct agent *agent, size_t from, size_t to,
                                struct work *work)
{
    size_t i = matcher_next(agent->names, from, to, work);

    return i < to ? &agent->name_rules.rule[i] : NULL;
}

static struct str family(const struct agent *agent, size_t from, size_t to, struct work *work,
                         struct arena *arena)
{
    const struct rule *rule = first(agent, from, to, work);

    return rule == NULL ? STR("") : say(rule, 0, work, arena);
}

/* -- look ------------------------------------------------------------------------------------ */

static uint8_t keep(char to[NAME_BYTES_MAX], struct str name)
{
    if (name.len > 0)
        memcpy(to, name.ptr, name.len);
    return (uint8_t)name.len;
}

static void find_names(const struct agent *agent, struct str user_agent, struct work *work,
                       struct arena *arena, struct answer *out)
{
    size_t split = agent->name_rules.split, count = agent->name_rules.count;

    matcher_scan(agent->names, user_agent, work);
    out->browser_len = keep(out->browser, browser_of(family(agent, 0, split, work, arena)));
    out->os_len = keep(out->os, system_of(family(agent, split, count, work, arena)));
}

/* A robot's events are left out, so nobody asks for its names, which cost up to a hundred times
 * those of a browser (uap-core finds robots' names by rules that try much). */
static void find_out(struct agent *agent, struct str user_agent, enum mobile_hint hint,
                     struct arena *arena, struct answer *out)
{
    struct idle *idle = take(agent);

    *out = (struct answer){.device = device_of(user_agent, hint)};
    matcher_scan(agent->robots, user_agent, idle->work);
    out->bot = robots_kind(agent->robots, idle->work);
    if (out->bot.len == 0)
        find_names(agent, user_agent, idle->work, arena, out);
    give_back(agent, idle);
}

void agent_look(struct agent *agent, struct str user_agent, struct str mobile_hint,
                struct arena *arena, struct agent_info *out)
{
    enum mobile_hint hint = mobile_hint_of(mobile_hint);
    struct answer answer;

    user_agent = str_slice(user_agent, 0, AGENT_MAX);
    if (user_agent.len == 0) {
        *out = (struct agent_info){.device = device_of(STR(""), hint), .bot = STR("empty")};
        return;
    }
    struct answer_key key = answers_key(agent->answers, user_agent, hint);

    if (!answers_get(agent->answers, key, &answer)) {
        find_out(agent, user_agent, hint, arena, &answer);
        answers_put(agent->answers, key, &answer);
    }
    *out = (struct agent_info){
        .browser = arena_str(arena, (struct str){answer.browser, answer.browser_len}),
        .os = arena_str(arena, (struct str){answer.os, answer.os_len}),
        .device = answer.device,
        .bot = answer.bot,
    };
}

static void say_all(const struct rule *rule, const struct work *work, struct arena *arena,
                    struct str *name, struct str version[4])
{
    if (rule == NULL)
        return;
    *name = say(rule, 0, work, arena);
    for (unsigned i = 1; i < RULE_TEXTS; i++)
        version[i - 1] = say(rule, i, work, arena);
}

void agent_families(struct agent *agent, struct str user_agent, struct arena *arena,
                    struct agent_families *out)
{
    struct idle *idle = take(agent);
    size_t split = agent->name_rules.split, count = agent->name_rules.count;

    *out = (struct agent_families){0};
    user_agent = arena_str(arena, str_slice(user_agent, 0, AGENT_MAX));
    matcher_scan(agent->names, user_agent, idle->work);
    say_all(first(agent, 0, split, idle->work), idle->work, arena, &out->browser,
            out->browser_version);
    say_all(first(agent, split, count, idle->work), idle->work, arena, &out->os, out->os_version);
    give_back(agent, idle);
}
