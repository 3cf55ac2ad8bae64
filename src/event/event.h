/*
 * event/event.h -- an event's way from a request's body to a record of the log, and back.
 *
 *     event_parse -> event_screen -> event_make -> event_encode        at ingest, per request
 *     record_decode                                                    in the job
 *
 * Pure: no I/O, no clock, no globals; time, salts and settings are arguments. Any thread. What is
 * borrowed lives in the arena, the request or the record that it came from.
 *
 * The address and the User-Agent enter event_make() and leave it only as a keyed hash.
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
    EVENT_PATH_MAX = 2000,       /* bytes; also of the referrer */
    EVENT_TITLE_MAX = 500,       /* bytes; what is longer is cut at a character */
    EVENT_SCREEN_MAX = 32,       /* bytes */
    EVENT_ID_MAX = 200,          /* bytes of an idempotency key */
    EVENT_PROPS_MAX = 30,        /* keys */
    EVENT_PROP_KEY_MAX = 100,    /* bytes */
    EVENT_PROP_VALUE_MAX = 2000, /* bytes of a string */
    EVENT_AGENT_MAX = 512,       /* bytes of the User-Agent that are looked at */
    VISIT_TIMEOUT_MS = 30 * 60 * 1000,
    TIMESTAMP_PAST_DAYS = 30,
    TIMESTAMP_AHEAD_MS = 60 * 1000,
};
#define EVENT_COUNT_MAX INT64_C(1000000)
#define EVENT_TOKENS_MAX INT64_C(1000000000000)

/* The name on the wire ("lead.created"); of EVENT_CUSTOM "custom". */
struct str event_kind_name(enum event_kind kind);

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

/* -- what the site wants -- */

enum visitor_identity { IDENTITY_CUT_ADDRESS, IDENTITY_FULL_ADDRESS };

/* The members of AnalyticsSettings that an event meets on its way (CONTRACT: AnalyticsSettings),
 * and whose they are. Immutable; belongs to the directory's snapshot. */
struct site {
    struct str id, tenant, domain, timezone;
    const struct tz *tz;
    bool enabled, tenant_active;
    bool respect_gpc, respect_dnt, mask_personal;
    enum visitor_identity identity;
    uint8_t ipv4_prefix, ipv6_prefix;
    bool has_allowed_origins;    /* else: the domain and its subdomains */
    struct str *allowed_origins; /* hosts; "*.example.com" for subdomains; "*" for any */
    size_t allowed_origins_count;
    struct str *query_params; /* kept in a path */
    size_t query_params_count;
    struct cidr *blocked_addresses;
    size_t blocked_addresses_count;
    struct str *blocked_paths; /* exact, or prefix/ followed by * */
    size_t blocked_paths_count;
    struct str *disabled_events; /* names switched off under `events` */
    size_t disabled_events_count;
    struct str *token_events; /* requireToken: names only a token may send */
    size_t token_events_count;
    int64_t events_per_second;                /* 0: no limit */
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
};

/* The sender's address: `peer`, or, where that is one of the trusted ranges, the rightmost entry of
 * the X-Forwarded-For texts (in the order received, joined by commas) that is not; an unreadable
 * entry ends the search at the last good one. Entries may carry a port ("1.2.3.4:5", "[::1]:5"). */
struct addr client_address(struct addr peer, struct str forwarded_for, const struct cidr *trusted,
                           size_t trusted_count);

/* May a page of `origin` ("https://www.example.com:8443", "null") send to this site? Only the host
 * counts. An empty origin may. */
bool site_allows_origin(const struct site *site, struct str origin);

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

/* Should it be left out? The first that holds of: disabled, blocked, gpc, do-not-track. The signals
 * and the address of a token's request are a backend's and do not count; the address in `visitor`
 * does. */
enum drop_reason event_screen(const struct site *site, const struct client *client,
                              const struct event_input *in);

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
    uint64_t events;
};

/* Make the anonymous event: local date, visitor id, path without its query (but for the settings'
 * queryParams), referrer cut to its host (with the path where it is the site's own), masked
 * personal data, hashed idempotency key. `id_key` is the installation's (16 bytes).
 * ERR_UNAVAILABLE: the salt of the event's date is missing although the event came without
 * timestamp of its own. A token's event with `visitor` whose day's salt is gone has no visitor;
 * `visitor` counts only with a token. sodium_init() comes first. */
int event_make(const struct site *site, const struct client *client, const struct salts *salts,
               const uint8_t id_key[16], int64_t now_ms, const struct event_input *in,
               struct arena *arena, struct event *out, struct err *err);

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
