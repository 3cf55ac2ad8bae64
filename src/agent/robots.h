/*
 * agent/robots.h -- whether a User-Agent is a robot's, and of which kind.
 */
#ifndef ABACUS_AGENT_ROBOTS_H
#define ABACUS_AGENT_ROBOTS_H

#include "agent/matcher.h"

/* `robots`: the matcher of the robots' rules, which has just scanned a text with `work`. */

/* isbot's own verdict. */
bool robots_isbot(const struct matcher *robots, struct work *work);

/* The kind of robot (a literal), or empty if it is none: a robot is what isbot or a pattern of
 * crawler-user-agents says is one, but for the patterns that robots.c names. */
struct str robots_kind(const struct matcher *robots, struct work *work);

#endif
