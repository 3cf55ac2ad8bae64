/*
 * agent/words.h -- the words that people use for what rules and headers say. Pure.
 */
#ifndef ABACUS_AGENT_WORDS_H
#define ABACUS_AGENT_WORDS_H

#include "base/str.h"

/* What Sec-CH-UA-Mobile says. */
enum mobile_hint { HINT_NONE, HINT_DESKTOP, HINT_MOBILE, HINT_COUNT };
enum mobile_hint mobile_hint_of(struct str header);

/* "tv", "mobile", "tablet" or "desktop". */
struct str device_of(struct str user_agent, enum mobile_hint hint);

/* A browser's or a system's name from uap-core's family: one of our words, the family itself, or
 * empty where it is none ("Other") or no name (see is_name() in words.c). A piece of the family, or
 * a literal. */
enum { NAME_BYTES_MAX = 40 };
struct str browser_of(struct str family);
struct str system_of(struct str family);

/* The kind of a robot that has crawler-user-agents' `tags`, separated by commas; a literal. */
struct str kind_of_tags(struct str tags);

#endif
