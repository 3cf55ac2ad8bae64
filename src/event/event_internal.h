/* event/event_internal.h -- what the files of this module share; for them and their tests. */
#ifndef ABACUS_EVENT_EVENT_INTERNAL_H
#define ABACUS_EVENT_EVENT_INTERNAL_H

#include "event/event.h"

struct json;

/* -- parse_event.c: one event -- */

struct event_reader {
    size_t index;
    int64_t now_ms;
    struct arena *arena;
    struct event_input *in; /* where it goes */
    struct event_problem *problem;
    struct err *err;
};
int event_read(struct event_reader *r, const struct json *event);

/* The member, or NULL where it is absent or null. */
const struct json *get_present(const struct json *object, struct str name);

/* -- url.c: absolute URLs -- */

/* "scheme://user@host:port/rest"; user information and port are passed over. */
struct url {
    struct str scheme; /* as sent */
    struct str host;   /* as sent, without a final dot; an IPv6 address keeps its brackets */
    struct str rest;   /* from the first '/', '?' or '#' on; may be empty */
};
bool url_split(struct str text, struct url *out);

/* Is `host` the domain or below it? Letters' case does not matter. */
bool host_within(struct str host, struct str domain);

/* -- text.c -- */

/* At most `max` bytes, cut between characters. */
struct str text_cut(struct str s, size_t max);
/* The bytes before the first of `stops`, or all. */
struct str text_until(struct str s, const char *stops);
/* ASCII letters in lower case; `s` itself where nothing changes. */
struct str text_lower(struct str s, struct arena *arena);

/* -- mask.c: personal data in text -- */

/* E-mail addresses become "[email]" and long tokens "[token]"; `s` itself where there are none. */
struct str mask_text(struct str s, struct arena *arena);
/* The same for the string values of a flat, canonical JSON object. */
struct str mask_props(struct str json, struct arena *arena);

/* -- path.c: where on the site, and where from -- */

/* The path as it is kept: no fragment, of the query only what the site keeps. */
struct str path_clean(const struct site *site, struct str path, struct arena *arena);
/* Host, or host/path where the host is the site's own; empty where it is no referrer. */
struct str referrer_clean(const struct site *site, struct str referrer, struct arena *arena);
/* Does the path without query and fragment match "/exact" or "/prefix/" followed by "*"? */
bool path_matches(struct str path, struct str pattern);

/* -- names.c -- */

/* One of the seven, or EVENT_CUSTOM for any other. */
enum event_kind event_kind_of(struct str name);
/* [a-z][a-z0-9_.:-]{0,63} */
bool event_name_is_valid(struct str name);

#endif
