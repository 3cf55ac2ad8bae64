/*
 * event/event.h -- an event's way from a request's body to a record of the log, and back.
 *
 *     event_parse -> sender (who sends) -> event_screen -> event_make -> event_encode   at ingest
 *     record_decode                                                    in the job
 *
 * Pure: no I/O, no clock, no globals; time, salts and settings are arguments. Any thread. What is
 * borrowed lives in the arena, the request or the record that it came from.
 *
 * The address and the User-Agent enter event_make() and leave it only as a keyed hash, and, where
 * the site stores it, as a cut address. What was read from them before (struct sender) are a few
 * common words: a browser's family, a country.
 */
#ifndef ABACUS_EVENT_EVENT_H
#define ABACUS_EVENT_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/net.h"
#include "base/position.h"
#include "base/str.h"
#include "base/tz.h"

/* -- what the sender wrote -- */

enum event_kind {
    EVENT_PAGEVIEW,
    EVENT_LEAD_CREATED,
    EVENT_FORM_SUBMIT,
    EVENT_AUTOMATION_RUN,
    EVENT_AI_USAGE,
    EVENT_EXPORT_COMPLETED,
    EVENT_ENGAGEMENT,
    EVENT_CUSTOM,
    EVENT_KINDS,
};

enum {
    EVENT_BATCH_MAX = 100,       /* events in a request */
    EVENT_BODY_MAX = 64 * 1024,  /* bytes of a request's body */
    EVENT_NESTING_MAX = 4,       /* depth of its JSON */
    EVENT_PATH_MAX = 2000,       /* bytes; a longer referrer is cut there */
    EVENT_TITLE_MAX = 500,       /* bytes; what is longer is cut at a character */
    EVENT_SCREEN_MAX = 32,       /* bytes */
    EVENT_ID_MAX = 200,          /* bytes of an idempotency key */
    EVENT_PROPS_MAX = 30,        /* keys */
    EVENT_PROP_KEY_MAX = 100,    /* bytes */
    EVENT_PROP_VALUE_MAX = 2000, /* bytes of a string */
    EVENT_AGENT_MAX = 512,       /* bytes of the User-Agent that are looked at */
    EVENT_PREFIX_MIN = 4,        /* bytes of a cut address: "::/0" ... */
    EVENT_PREFIX_MAX = 19,       /* ... to "2001:db80:1111::/48" */
    VISIT_TIMEOUT_MS = 30 * 60 * 1000,
    TIMESTAMP_PAST_DAYS = 30,
    TIMESTAMP_AHEAD_MS = 60 * 1000,
};
#define EVENT_COUNT_MAX INT64_C(1000000)
#define EVENT_TOKENS_MAX INT64_C(1000000000000)

/* The name on the wire ("lead.created"); of EVENT_CUSTOM "custom". */
struct str event_kind_name(enum event_kind kind);
/* [a-z][a-z0-9_.:-]{0,63} */
bool event_name_is_valid(struct str name);

/* One event as sent, validated; absent strings are empty. Borrowed from the body's arena. `tokens`
 * is kept of ai.usage alone, `seconds_ms` and `scroll` of engagement alone. */
struct event_input {
    enum event_kind kind;
    struct str name, site, tenant, path, referrer, title, screen, id;
    struct str props; /* a canonical JSON object, or empty */
    int64_t count, tokens, seconds_ms;
    int32_t scroll;     /* 0..100, -1 when absent */
    bool has_timestamp; /* then timestamp_ms is in range */
    int64_t timestamp_ms;
    bool has_visitor;
    struct addr visitor_address;
    struct str visitor_agent;
};

struct event_batch {
    struct event_input *events;
    size_t count;
};

/* Which place of a request is wrong. */
struct event_problem {
    size_t index;      /* of the event; SIZE_MAX: the request as a whole */
    const char *field; /* "path", "props.plan" lives in the arena; NULL: the event as a whole */
};

/* Parse one event, an array of them, or {"events":[...]}. A member that is null counts as absent.
 * ERR_INVALID fills *problem and err; then *out still holds, for the ledger, each event whose
 * siteId could be read (only its `site` is valid), and none where the text is no JSON. Unknown
 * members are ignored. The order of members does not matter. */
int event_parse(struct str body, int64_t now_ms, struct arena *arena, struct event_batch *out,
                struct event_problem *problem, struct err *err);

/* -- what is known of a visit -- */

/* Where a visit came from and what with. Each is a short text, empty where it is not known. */
enum trait {
    TRAIT_SOURCE,  /* "Google", "newsletter"; empty: came directly */
    TRAIT_CHANNEL, /* "Organic Search"; empty: Direct */
    TRAIT_UTM_SOURCE,
    TRAIT_UTM_MEDIUM,
    TRAIT_UTM_CAMPAIGN,
    TRAIT_UTM_CONTENT,
    TRAIT_UTM_TERM,
    TRAIT_COUNTRY,  /* ISO 3166-1 alpha-2 */
    TRAIT_BROWSER,  /* "Chrome" */
    TRAIT_OS,       /* "Windows" */
    TRAIT_DEVICE,   /* "desktop", "mobile", "tablet", "tv" */
    TRAIT_LANGUAGE, /* "de": the primary subtag */
    TRAITS,
};
enum { TRAIT_MAX = 200 }; /* bytes; what is longer is cut at a character */

/* -- what the site wants -- */

/* One of the site's goals: events of that name, or pageviews of a path, that carry all of `props`.
 * Paths are compared as they are kept: masked, with the route of a fragment, under the site's
 * pathRules, without their query. */
struct goal {
    struct str name;
    struct str event; /* empty: pageviews of `path` */
    struct str path;  /* exact, or prefix/ followed by *; with `event` it narrows, or is empty */
    struct goal_prop {
        struct str name, value; /* as props_each() gives them */
    } * props;
    size_t props_count;
    double value; /* 0: none */
};
enum { GOALS_MAX = 50, GOAL_NAME_MAX = 100 }; /* bytes */
#define GOAL_VALUE_MAX 1e12

/* Goals from their JSON (CONTRACT: AnalyticsSettings): an array of objects, names unique. Empty
 * text: the default, the one goal lead.created; an empty array: none. ERR_INVALID names the place
 * ("goals[2].path"), also that of an unknown member, without which a goal would mean more than was
 * asked for. They live in `arena`. */
int goals_parse(struct str json, struct arena *arena, struct goal **out, size_t *count,
                struct err *err);
/* A number that lists of goals with the same rules and names in the same order have in common,
 * whatever the goals are worth; never 0, and the same in every version and on every node. */
uint64_t goals_hash(const struct goal *goals, size_t count);

/* How paths are rewritten and grouped: the first rule that matches, or none.
 *
 * A path is cut into segments at its slashes. A segment "*" of `match` stands for one that is not
 * empty, "**" as its last segment for all that follow, which may be none; the others are compared
 * bytewise, so that a slash at the end counts. "shoes", "*" and "reviews", joined by slashes, match
 * /shoes/blue-suede/reviews; "docs" and "**" match /docs, /docs/ and /docs/a/b. The route of a
 * fragment goes on behind the path: "app#", "users" and "*" match /app#/users/7.
 *
 * `to` is the path that is kept: "/shoes/:name/reviews". "$1" to "$9" in it are the texts that
 * stars stood for, counted from the left, that of "**" as well; any other '$' is itself. */
struct path_rule {
    struct str match, to;
};
enum {
    PATH_RULES_MAX = 100,
    PATH_RULE_BYTES_MAX = 500, /* of `match`, and of `to` */
    PATH_RULE_STARS_MAX = 9,
};

/* From the JSON: an array of objects with the members "match" and "to". Empty text: none.
 * ERR_INVALID names the place ("pathRules[3].to"). They live in `arena`. */
int path_rules_parse(struct str json, struct arena *arena, struct path_rule **out, size_t *count,
                     struct err *err);

enum visitor_identity { IDENTITY_CUT_ADDRESS, IDENTITY_FULL_ADDRESS };

/* What a site may leave out of all its events, each by its name under `fields`. */
enum field {
    FIELD_REFERRER, /* the page before, a source and channel that it alone tells */
    FIELD_CAMPAIGN, /* utm_*, ref, source and the kinds of click ids, and what they tell */
    FIELD_TITLE,
    FIELD_SCREEN,
    FIELD_PROPS,
    FIELD_COUNTRY, /* blockedCountries still holds */
    FIELD_BROWSER,
    FIELD_OS,
    FIELD_DEVICE,
    FIELD_LANGUAGE,
    FIELDS,
};
/* "referrer"; and the field of a name, or FIELDS. */
struct str field_name(enum field field);
enum field field_of(struct str name);

/* The members of AnalyticsSettings that an event meets on its way (CONTRACT: AnalyticsSettings),
 * and whose they are. Immutable; belongs to the directory's snapshot. */
struct site {
    struct str id, tenant, domain, timezone;
    const struct tz *tz;
    bool enabled, tenant_active;
    bool respect_gpc, respect_dnt, mask_personal;
    enum visitor_identity identity;
    uint8_t ipv4_prefix, ipv6_prefix;
    bool store_prefix;           /* storeIpPrefix */
    unsigned fields_off;         /* bit f for enum field f */
    bool has_allowed_origins;    /* else: the domain and its subdomains */
    struct str *allowed_origins; /* hosts; "*.example.com" for subdomains; "*" for any */
    size_t allowed_origins_count;
    struct str *query_params; /* kept in a path */
    size_t query_params_count;
    struct cidr *blocked_addresses;
    size_t blocked_addresses_count;
    struct str *blocked_paths; /* exact, or prefix/ followed by * */
    size_t blocked_paths_count;
    struct str *blocked_countries; /* ISO 3166-1 alpha-2 */
    size_t blocked_countries_count;
    struct str *blocked_referrers; /* hosts, with all below them */
    size_t blocked_referrers_count;
    struct path_rule *path_rules;
    size_t path_rules_count;
    struct goal *goals;
    size_t goals_count;
    uint64_t goals_hash;
    struct str *disabled_events; /* names switched off under `events` */
    size_t disabled_events_count;
    struct str *token_events; /* requireToken: names only a token may send */
    size_t token_events_count;
    int64_t events_per_second;  /* 0: no limit */
    int64_t events_per_month;   /* 0: no limit */
    const struct tenant *owner; /* directory/directory.h; NULL: not known */
    bool public_dashboard;
    struct str *public_metrics;
    size_t public_metrics_count;
    bool erasing;                             /* to be erased: not counted, and read by nobody */
    int64_t paths_per_day;                    /* values of a dimension that a day names */
    int32_t raw_days, visit_days, stats_days; /* 0: for ever */
    void *series;                             /* struct metrics_site *: owned by metrics */
};

/* -- who sends -- */

/* What a request says of its sender; never stored. */
struct client {
    struct addr address;   /* after trusted proxies */
    struct str user_agent; /* cut to EVENT_AGENT_MAX */
    struct str origin;     /* of the Origin header, empty when absent */
    bool gpc, dnt;
    bool has_token;
    /* 0, or the visitor that event_make() made of this address and agent before, for the event's
     * day under the same salts: whoever remembers it spares the hash. Not with a token. */
    uint64_t visitor;
};

/* What was read from the headers of who sends (agent/, geo/), or from `visitor`: common words,
 * never an address or a User-Agent. Borrowed. */
struct sender {
    struct str browser, os, device, language, country;
    struct str bot; /* the kind of a robot: "ai-crawler", "other"; empty: none */
};

/* "de" from "de-CH, en;q=0.8": the primary subtag (two or three letters) of the language preferred,
 * in lower case; empty where there is none. What is no language is passed over. */
struct str language_of(struct str accept_language, struct arena *arena);

/* The sender's address: `peer`, or, where that is one of the trusted ranges, the rightmost entry of
 * the X-Forwarded-For texts (in the order received, joined by commas) that is not; an unreadable
 * entry ends the search at the last good one. Entries may carry a port ("1.2.3.4:5", "[::1]:5"). */
struct addr client_address(struct addr peer, struct str forwarded_for, const struct cidr *trusted,
                           size_t trusted_count);

/* May a page of `origin` ("https://www.example.com:8443", "null") send to this site? Only the host
 * counts. An empty origin may. */
bool site_allows_origin(const struct site *site, struct str origin);

/* The host of a page, or of its origin; false: it has none that a page could have. Borrowed. */
bool page_host(struct str page, struct str *host);
/* How closely the site names this host: the bytes that the host has in common, from its end on,
 * with the domain, or an allowed origin, that it is or is below; 0: it does not. */
size_t site_names_host(const struct site *site, struct str host);

/* -- why an event is left out -- */

enum drop_reason {
    DROP_NONE,
    DROP_BOT,
    DROP_GPC,
    DROP_DO_NOT_TRACK,
    DROP_DISABLED,
    DROP_BLOCKED,
    DROP_QUOTA,
    DROP_DUPLICATE,
    DROP_NOT_A_PAGE, /* of an imported access log: what is no page, or was not served */
    DROP_TOO_OLD,    /* of an imported file: its day is older than what is kept, or closed */
    DROP_REASONS,
};
struct str drop_reason_name(enum drop_reason reason); /* "do-not-track" */

enum reject_reason {
    REJECT_INVALID,
    REJECT_UNAUTHORIZED,
    REJECT_FORBIDDEN,
    REJECT_RATE_LIMITED,
    REJECT_UNSTORABLE,
    REJECT_REASONS,
};
struct str reject_reason_name(enum reject_reason reason); /* "rate-limited" */

/* Should it be left out? The first that holds of: disabled, blocked (addresses, paths, countries,
 * referrers, the site's own and those known for referrer spam), bot, gpc, do-not-track. The signals
 * and the address of a token's request are a backend's and do not count; the address and agent in
 * `visitor`, which `sender` then describes, do. */
enum drop_reason event_screen(const struct site *site, const struct client *client,
                              const struct sender *sender, const struct event_input *in);

/* -- salts -- */

enum { SALT_BYTES = 32, SALTS_MAX = 8 };

/* The salts of the dates that run somewhere on Earth, and of the next two days. Held in locked
 * memory. */
struct salts {
    size_t count;
    struct salt {
        int32_t day;
        int64_t made_ms; /* where it was made: of two for a date the earlier one holds */
        uint8_t key[SALT_BYTES];
    } salt[SALTS_MAX];
};
const struct salt *salts_find(const struct salts *salts, int32_t day);

/* -- what is kept -- */

/* An event as the log and the job know it: anonymous, complete, independent of settings. */
struct event {
    enum event_kind kind;
    struct str name, site, tenant;
    int64_t time_ms;     /* when it happened */
    int64_t received_ms; /* when it came */
    int32_t day;         /* the site's date of time_ms */
    int64_t hour_ms;     /* the instant at which its local hour began */
    uint64_t visitor;    /* 0: none */
    /* In the half hour after midnight: the visitor's id under the day before; else 0. */
    uint64_t visitor_before;
    int32_t
        day_before; /* that day: the date that ended when `day` began; 0 without visitor_before */
    struct str path, referrer, title, screen, props;
    struct str traits[TRAITS]; /* only of events with a visitor */
    /* "192.0.2.0/24", "2001:db8:1::/48": where the site stores it, of events with a visitor; else
     * empty. */
    struct str prefix;
    bool has_id;
    uint8_t id[16]; /* keyed hash of site and idempotency key */
    int64_t count, tokens, seconds_ms;
    int32_t scroll; /* -1: none */
};

/* Events that were left out or refused, of one site, day and reason. */
struct tally {
    struct str site, tenant;
    int32_t day;
    bool rejected;  /* else dropped */
    uint8_t reason; /* enum reject_reason or enum drop_reason */
    struct str bot; /* of DROP_BOT: the kind, an id (str_is_id()), or empty */
    uint64_t events;
};

/* Make the anonymous event, without the fields that the site has switched off: local date, visitor
 * id, the cut address where the site stores it, path without its query (but for the settings'
 * queryParams) and with a route in its fragment under the site's pathRules, referrer cut to its
 * host (with the path where it is the site's own), source and campaign from the path's query and
 * the referrer (event/source.c), masked personal data, hashed idempotency key. `id_key` is the
 * installation's (16 bytes). ERR_UNAVAILABLE: the salt of the event's date is missing although the
 * event came without timestamp of its own. A token's event with `visitor` whose day's salt is gone
 * has no visitor; `visitor` counts only with a token. sodium_init() comes first. */
int event_make(const struct site *site, const struct client *client, const struct sender *sender,
               const struct salts *salts, const uint8_t id_key[16], int64_t now_ms,
               const struct event_input *in, struct arena *arena, struct event *out,
               struct err *err);

/* Which of the goals it meets: bit i for goals[i]. Engagement meets none. `name` is the event's
 * name on the wire. The same for events on their way in and raw rows of the store. */
uint64_t goals_met(const struct goal *goals, size_t count, const struct event *event);

/* Calls fn for each member of the JSON object `props` of an event or of a row of a store, which are
 * valid; text that is not ends it. Texts are unescaped into `scratch` where they need it, booleans
 * are "true" and "false", numbers decimals without exponent ("1e3" is "1000"), which is what jsonb
 * makes of them, so that both stores and the event give the same. Stops with, and returns, the
 * first value of fn that is not 0. */
int props_each(struct str props, struct arena *scratch,
               int (*fn)(void *ctx, struct str name, struct str value), void *ctx);

/* The date in the site's zone. */
int32_t site_day(const struct site *site, int64_t ms);

/* -- records of the log -- */

enum record_kind { RECORD_EVENT = 1, RECORD_TALLY = 2 };

struct record {
    enum record_kind kind;
    struct event event;
    struct tally tally;
};

/* Append the record's bytes to `out`; the format stands at the top of event/record.c. */
void event_encode(const struct event *event, struct buf *out);
void tally_encode(const struct tally *tally, struct buf *out);

/* ERR_CORRUPT: not a record. Strings are borrowed from `payload`. Fields that a newer version added
 * are passed over. */
int record_decode(struct str payload, struct record *out, struct err *err);

/* The partition of a site: the same in every version and on every node. */
uint16_t site_partition(struct str site);

#endif
