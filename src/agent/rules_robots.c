/*
 * agent/rules_robots.c -- the lists of robots, as robots.mjs prints them, into rules.
 */
#include "agent/rules.h"

static int read_line(struct str line, struct arena *arena, struct rules *out, struct rule *rule,
                     struct err *err)
{
    struct str list, tags, rest = line;

    rule->line = (unsigned)out->count + 1;
    if (!str_next(&rest, '\t', &list) || !str_next(&rest, '\t', &tags) || rest.ptr == NULL ||
        rest.len == 0 || rest.len > RULE_BYTES_MAX || memchr(rest.ptr, '\0', rest.len) != NULL)
        return err_set(err, ERR_INVALID, "line %u: not LIST, TAGS and REGEX", rule->line);
    bool first = str_eq(list, STR("isbot"));
    if ((!first && !str_eq(list, STR("crawler"))) || (first && out->split != out->count))
        return err_set(err, ERR_INVALID, "line %u: list \"%.*s\" may not stand here", rule->line,
                       STR_FMT(list));
    rule->regex = arena_str(arena, rest);
    rule->text[0] = arena_str(arena, tags);
    rule->caseless = first;
    out->count++;
    out->split += first;
    return 0;
}

int rules_read_robots(struct str text, struct arena *arena, struct rules *out, struct err *err)
{
    struct rule *rule = ARENA_NEW(arena, struct rule, RULES_MAX);
    struct str line;

    *out = (struct rules){.rule = rule};
    while (text.len > 0 && str_next(&text, '\n', &line)) {
        if (out->count == RULES_MAX)
            return err_set(err, ERR_INVALID, "more than %d robots", RULES_MAX);
        int rc = read_line(line, arena, out, &rule[out->count], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
