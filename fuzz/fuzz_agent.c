/*
 * fuzz/fuzz_agent.c -- any bytes as Sec-CH-UA-Mobile and User-Agent.
 *
 * An answer from the cache is the answer; what is kept can be a name; and Hyperscan leaves out no
 * rule that PCRE2, trying one after the other, finds first.
 */
#include "agent/agent.h"
#include "agent/embedded.h"
#include "agent/matcher.h"
#include "base/utf8.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One set of rules, and each of them alone. */
struct set {
    struct arena arena;
    struct rules rules;
    struct matcher *matcher;
    struct work *work;
    pcre2_code **code;
};

/* Made once: libFuzzer calls with nothing of ours. */
static struct agent *agent;
static struct set names, robots;
static pcre2_match_data *match;
static pcre2_match_context *limit;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void open_set(struct set *set, struct str database)
{
    set->code = calloc(set->rules.count, sizeof(*set->code));
    must(set->code != NULL);
    must(matcher_new(&set->rules, database, &set->matcher, NULL) == 0);
    must(work_new((const struct matcher *const[]){set->matcher}, 1, &set->work, NULL) == 0);
    for (size_t i = 0; i < set->rules.count; i++) {
        const struct rule *rule = &set->rules.rule[i];
        int why;
        PCRE2_SIZE where;

        set->code[i] = pcre2_compile((PCRE2_SPTR)rule->regex.ptr, rule->regex.len,
                                     PCRE2_DOLLAR_ENDONLY | (rule->caseless ? PCRE2_CASELESS : 0),
                                     &why, &where, NULL);
        must(set->code[i] != NULL);
    }
}

static void open_all(void)
{
    must(agent_open(STR(""), &agent, NULL) == 0);
    must(rules_read_names(embedded_names, &names.arena, &names.rules, NULL) == 0);
    open_set(&names, embedded_names_database);
    must(rules_read_robots(embedded_robots, &robots.arena, &robots.rules, NULL) == 0);
    open_set(&robots, embedded_robots_database);
    match = pcre2_match_data_create(1, NULL);
    limit = pcre2_match_context_create(NULL);
    (void)pcre2_set_match_limit(limit, MATCH_STEPS);
}

static void check_list(struct set *set, size_t from, size_t to, struct str text)
{
    size_t found = matcher_next(set->matcher, from, to, set->work);

    for (; from < to; from++) {
        int rc = pcre2_match(set->code[from], (PCRE2_SPTR)text.ptr, text.len, 0, 0, match, limit);
        if (rc == PCRE2_ERROR_MATCHLIMIT)
            return; /* who gives up when is another matter */
        if (rc >= 0)
            break;
    }
    must(found == from);
}

static void check_set(struct set *set, struct str text)
{
    matcher_scan(set->matcher, text, set->work);
    check_list(set, 0, set->rules.split, text);
    matcher_scan(set->matcher, text, set->work);
    check_list(set, set->rules.split, set->rules.count, text);
}

static void check_name(struct str name)
{
    must(name.len <= 40 && utf8_valid(name));
}

static void check_look(struct str hint, struct str user_agent)
{
    struct arena arena = {0};
    struct agent_info first, again;
    struct agent_families said;

    agent_look(agent, user_agent, hint, &arena, &first);
    agent_look(agent, user_agent, hint, &arena, &again);
    must(str_eq(first.browser, again.browser) && str_eq(first.os, again.os));
    must(str_eq(first.device, again.device) && str_eq(first.bot, again.bot));
    must(first.device.len > 0 && (user_agent.len > 0 || first.bot.len > 0));
    check_name(first.browser);
    check_name(first.os);
    agent_families(agent, user_agent, &arena, &said);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct str hint = str_slice(text, 0, 2), user_agent = str_slice(text, 2, size);

    if (agent == NULL)
        open_all();
    check_look(hint, user_agent);
    user_agent = str_slice(user_agent, 0, AGENT_MAX);
    check_set(&names, user_agent);
    check_set(&robots, user_agent);
    return 0;
}
