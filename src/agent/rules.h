/*
 * agent/rules.h -- rules as they are written, before anything is compiled.
 *
 * Two sets, each of two lists in one array, since one scan answers for both: names (browsers, then
 * systems; a regexes.yaml of uap-core) and robots (isbot's patterns, then crawler-user-agents').
 * Order counts: of a list the first rule that matches decides. The builder and the server read the
 * same texts with this reader. What is read lives in the arena.
 */
#ifndef ABACUS_AGENT_RULES_H
#define ABACUS_AGENT_RULES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Of a name: its family and four versions. A template, where $1 to $9 stand for captures; without
 * bytes (ptr NULL) the capture of that number, from 1, itself. A crawler's first is its tags. */
enum { RULE_TEXTS = 5 };

struct rule {
    struct str regex; /* PCRE2's syntax; a NUL follows */
    bool caseless;
    unsigned line; /* where it stands in its file, from 1 */
    struct str text[RULE_TEXTS];
};

struct rules {
    const struct rule *rule;
    size_t split; /* rule[0, split) is the first list, rule[split, count) the second */
    size_t count;
};

/* Of one set, so that what a look-up needs is bounded (uap-core 0.18.0 has 547, the robots' lists
 * have 1,706), and of a regex or template in bytes (the longest regex of uap-core has 2,454). */
enum { RULES_MAX = 8192, RULE_BYTES_MAX = 8192 };

/* A regexes.yaml: user_agent_parsers and os_parsers; other parts are passed over. ERR_INVALID names
 * the line. */
int rules_read_names(struct str text, struct arena *arena, struct rules *out, struct err *err);

/* A rule a line, as robots.mjs prints them: list ("isbot" or "crawler", all of the first before
 * those of the second), tags separated by commas, regex; tabs between. */
int rules_read_robots(struct str text, struct arena *arena, struct rules *out, struct err *err);

#endif
