/*
 * Any bytes as a site's goals and as its pathRules: refused with a place, or in their bounds; then
 * the goals are met by what they ask for, and the rules make bounded paths of any path.
 */
#include "base/json.h"
#include "event/event_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* An event made from a goal meets it. */
static void meet(const struct goal *goals, size_t count, size_t i)
{
    const struct goal *goal = &goals[i];
    struct buf props = {0};
    struct json_out out = {.buf = &props};
    struct event event = {.name = goal->event.len > 0 ? goal->event : STR("pageview"),
                          .path = goal->path};

    json_open(&out, '{');
    for (size_t k = 0; k < goal->props_count; k++) {
        json_name(&out, goal->props[k].name);
        json_str(&out, goal->props[k].value);
    }
    json_close(&out, '}');
    event.props = buf_str(&props);
    expect((goals_met(goals, count, &event) >> i & 1) == 1);
    event.name = STR("engagement");
    expect(goals_met(goals, count, &event) == 0);
    buf_release(&props);
}

static void try_goals(struct str json, struct arena *arena)
{
    struct goal *goals = NULL;
    size_t count = 0;
    struct err err = {0};
    int rc = goals_parse(json, arena, &goals, &count, &err);

    expect(rc == 0 || (rc == ERR_INVALID && str_starts(str_from(err.text), STR("goals"))));
    if (rc != 0)
        return;
    expect(count <= GOALS_MAX && goals_hash(goals, count) != 0);
    for (size_t i = 0; i < count; i++) {
        expect(goals[i].name.len >= 1 && goals[i].name.len <= GOAL_NAME_MAX);
        meet(goals, count, i);
    }
}

static void try_rules(struct str json, struct str path, struct arena *arena)
{
    struct site site = {.domain = STR("example.com")};
    struct err err = {0};
    int rc = path_rules_parse(json, arena, &site.path_rules, &site.path_rules_count, &err);

    expect(rc == 0 || (rc == ERR_INVALID && str_starts(str_from(err.text), STR("pathRules"))));
    if (rc != 0)
        return;
    expect(site.path_rules_count <= PATH_RULES_MAX);
    expect(path_clean(&site, path, arena).len <= EVENT_PATH_MAX);
    for (size_t i = 0; i < site.path_rules_count; i++) {
        struct str made = path_clean(&site, site.path_rules[i].match, arena);

        expect(made.len <= EVENT_PATH_MAX && made.ptr[0] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str input = {(const char *)data, size};
    size_t line = str_find(input, 0, '\n');

    if (size > 0)
        try_goals(input, &arena);
    arena_reset(&arena);
    try_rules(str_slice(input, 0, line), str_slice(input, line + 1, size), &arena);
    arena_free(&arena);
    return 0;
}
