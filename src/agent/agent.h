/*
 * agent/agent.h -- what a User-Agent says: browser, operating system, device class, robot.
 *
 * The rules are those of npm's uap-core (browsers, systems) and isbot and crawler-user-agents
 * (robots). They are compiled when the program is built: Hyperscan finds which rules match, PCRE2
 * captures what the first of them names. An operator may name a newer regexes.yaml, which is
 * compiled at the start.
 *
 * AGENT_CACHE answers are kept, and in sets of eight the one used longest ago makes room
 * (agent/answers.h), so that a common User-Agent costs one look-up and a stream of unique ones is
 * bounded in memory and in time. Any thread; short locks only.
 */
#ifndef ABACUS_AGENT_AGENT_H
#define ABACUS_AGENT_AGENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { AGENT_CACHE = 4096, AGENT_MAX = 512 /* bytes of the header that are looked at */ };

struct agent;

struct agent_info {
    struct str browser; /* as people call it: "Chrome", "Safari"; empty: not known */
    struct str os;      /* "Windows", "iOS", "Android"; empty: not known */
    struct str device;  /* "desktop", "mobile", "tablet", "tv"; a literal */
    struct str bot;     /* the kind of robot: "ai-crawler", "search", "seo", "monitoring" ... of
                           crawler-user-agents' tags, "empty" (no User-Agent), or "other"; empty:
                           none; a literal. Of a robot browser and os are empty */
};

/* `rules`: the path of a regexes.yaml, or empty for those built in. ERR_INVALID names what is wrong
 * in the file; ERR_SYSTEM: it cannot be read. The caller owns *out. */
int agent_open(struct str rules, struct agent **out, struct err *err);
void agent_close(struct agent **agent);

/* `mobile_hint`: the Sec-CH-UA-Mobile header as sent ("?1", "?0"), or empty. Strings live in
 * `arena` where nothing else is said. A User-Agent over AGENT_MAX is cut. */
void agent_look(struct agent *agent, struct str user_agent, struct str mobile_hint,
                struct arena *arena, struct agent_info *out);

/* What the rules themselves say, uncached: the family of browser and of system, and their versions,
 * as uap-core's test cases have them ("Chrome Mobile", "96", "0", "4664"; what is missing is
 * empty). */
struct agent_families {
    struct str browser, browser_version[4]; /* major, minor, patch, patch_minor */
    struct str os, os_version[4];           /* major, minor, patch, patch_minor */
};
void agent_families(struct agent *agent, struct str user_agent, struct arena *arena,
                    struct agent_families *out);

#endif
