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
enum { URL_HOST_MAX = 253 }; /* bytes of a host; RFC 1035 */

/* Is `host` the domain or below it? Letters' case does not matter. */
bool host_within(struct str host, struct str domain);

/* -- text.c -- */

/* At most `max` bytes, cut between characters. */
struct str text_cut(struct str s, size_t max);
/* The bytes before the first of `stops`, or all. */
struct str text_until(struct str s, const char *stops);
/* ASCII letters in lower case; `s` itself where nothing changes. */
struct str text_lower(struct str s, struct arena *arena);
void text_lower_to(struct str s, char *out); /* s.len bytes */

/* -- mask.c: personal data in text -- */

/* E-mail addresses become "[email]" and long tokens "[token]"; `s` itself where there are none. */
struct str mask_text(struct str s, struct arena *arena);
/* The same for the string values of a flat, canonical JSON object. */
struct str mask_props(struct str json, struct arena *arena);

/* -- path.c: where on the site, and where from -- */

/* The parts of a path: what stands before '?' and '#', what between them, and the route in its
 * fragment ("#/users/7"; empty where that is none). Path and route together name the page; they are
 * found in a path as it was sent and in one as it is kept. */
struct page {
    struct str path, query, route;
};
struct page page_of(struct str path);
/* Is there nothing but the page's name? */
bool path_is_page(struct str path);
/* The path as it is kept: its page under the site's rules, and of the query what the site keeps. */
struct str path_clean(const struct site *site, struct str path, struct arena *arena);
/* Is it an http, https or android-app URL? */
bool referrer_split(struct str referrer, struct url *out);
/* Host, or host/path where the host is the site's own; empty where it is no referrer. */
struct str referrer_clean(const struct site *site, struct str referrer, struct arena *arena);
/* Does the page that the path names match "/exact" or "/prefix/" followed by "*"? */
bool path_matches(struct str path, struct str pattern);

/* -- path_rules.c -- */

/* `path` (a page, masked, not empty) as the first of the site's rules that matches makes it.
 */
struct str path_rewrite(const struct site *site, struct str path, struct arena *arena);

/* -- props.c -- */

/* A JSON number as a decimal without exponent; `s` itself where it is one, or would be too long. */
struct str number_plain(struct str s, struct arena *arena);

/* -- source_names.c, source_hosts.c: sources that are known -- */

/* What a source is; SOURCE_PAGE is any other page that is known by name. */
enum source_kind {
    SOURCE_UNKNOWN,
    SOURCE_SEARCH,
    SOURCE_SOCIAL,
    SOURCE_VIDEO,
    SOURCE_SHOPPING,
    SOURCE_AI,
    SOURCE_MAIL,
    SOURCE_DISPLAY,
    SOURCE_AUDIO,
    SOURCE_SMS,
    SOURCE_PUSH,
    SOURCE_AFFILIATE,
    SOURCE_PAGE,
    SOURCE_KINDS,
};

/* A row of a table that is sorted by key, bytewise. */
struct source_row {
    struct str key, name;
    enum source_kind kind;
};
#define SOURCE_ROW(key, name, kind)                                                                \
    {                                                                                              \
        STR_INIT(key), STR_INIT(name), (kind)                                                      \
    }
struct source_table {
    const struct source_row *rows;
    size_t count;
};
extern const struct source_table source_hosts;  /* hosts; all below them too */
extern const struct source_table source_brands; /* labels before any country: "google" */
extern const struct source_table source_apps;   /* Android packages */
extern const struct source_table source_words;  /* what people write into utm_source */

/* The row of a lower-case host, package or word; NULL where it is not known. */
const struct source_row *source_of_host(struct str host);
const struct source_row *source_of_app(struct str package);
const struct source_row *source_of_word(struct str word);

/* -- spam.c -- */

/* Is the host, or one above it, known for referrer spam? */
bool host_is_spam(struct str host);
extern const struct str spam_hosts[]; /* sorted, bytewise */
extern const size_t spam_hosts_count;

/* The entry of a sorted table for the host or the longest domain above it. Each entry of `size`
 * bytes begins with its struct str, of 2 to HOST_LABELS_MAX labels. */
enum { HOST_LABELS_MAX = 5 };
const void *host_find(struct str host, const void *table, size_t count, size_t size);

/* -- source_tags.c: what a query says of a visit's source -- */

/* In the order of the traits. */
enum utm { UTM_SOURCE, UTM_MEDIUM, UTM_CAMPAIGN, UTM_CONTENT, UTM_TERM, UTMS };

/* What links and advertisers write into a query; texts are decoded and not masked. */
struct tags {
    struct str utm[UTMS];
    struct str named;             /* by utm_source, else by `source`, else by `ref` */
    bool named_by_ref;            /* by `ref` */
    bool tagged;                  /* any of these is there */
    const struct click_id *click; /* the kind of a click's id, or NULL */
};
struct click_id {
    struct str param;
    struct str name; /* of the source */
    enum source_kind kind;
    bool paid;
};
/* `query` is what follows a path's '?'. */
void tags_read(struct str query, struct arena *arena, struct tags *out);
/* Does the parameter say where a visit came from? Such a one is never kept. */
bool tags_name(struct str parameter);

/* -- source.c, channel.c -- */

/* Fill in the traits from TRAIT_SOURCE to TRAIT_UTM_TERM. */
void source_read(const struct site *site, struct str path, struct str referrer, struct arena *arena,
                 struct str traits[TRAITS]);

/* What a channel is decided by. */
struct channel_input {
    struct str medium, campaign; /* utm_ */
    enum source_kind kind;       /* of the source, else of what is known beside it */
    bool tagged;                 /* the link was made to be told apart */
    bool referred;               /* a page of another host leads here */
    bool paid;                   /* by the kind of a click's id */
};
struct str channel_of(const struct channel_input *in, struct arena *arena);

/* -- names.c -- */

/* Has the site switched it off? */
static inline bool field_is_off(const struct site *site, enum field field)
{
    return (site->fields_off >> field & 1) != 0;
}

/* One of the seven, or EVENT_CUSTOM for any other. */
enum event_kind event_kind_of(struct str name);

#endif
