/*
 * agent/embedded.h -- the rules that the program carries, as npm's packages had them when it was
 * built, and the databases made from them (agent/compile.c).
 */
#ifndef ABACUS_AGENT_EMBEDDED_H
#define ABACUS_AGENT_EMBEDDED_H

#include "base/str.h"

extern const struct str embedded_names; /* a regexes.yaml */
extern const struct str embedded_names_database;
extern const struct str embedded_robots; /* what robots.mjs prints */
extern const struct str embedded_robots_database;

#endif
