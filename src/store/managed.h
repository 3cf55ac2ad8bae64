/*
 * store/managed.h -- the rows that people and backends manage: tenants, sites and their settings,
 * tokens, people, sessions, links, what is to be erased.
 *
 * They are read, changed and listed by one mechanism, whatever their kind: store_edit() runs a
 * function on the row as it is, in the transaction that writes it and its line in the audit log.
 */
#ifndef ABACUS_STORE_MANAGED_H
#define ABACUS_STORE_MANAGED_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct store;

/* Who does something, for the audit log. */
struct actor {
    struct str name; /* "cli", "token:abc", "user:a@b.c" */
    int64_t now_ms;
};

struct tenant_row {
    struct str id, name;
    bool active; /* false: suspended */
    int64_t created_ms;
    /* 0: no limit; but reads_per_minute is 600 unless set (READS_PER_MINUTE). */
    int64_t events_per_second, events_per_month, sites_max, reads_per_minute;
    struct str embed_origins; /* a JSON array: who may show its dashboards in a frame */
    struct str settings;      /* a JSON object, as AnalyticsSettings has it: what holds for those
                                 sites that set no value of their own */
    int64_t erase_ms;         /* when it is to be erased; 0: it is not */
};
enum { READS_PER_MINUTE = 600 };
/* A row with the defaults. */
struct tenant_row tenant_row_default(void);

/* A site with its settings; lists are JSON arrays of strings, empty text: not set, the default
 * holds. */
struct site_row {
    struct str id, tenant, domain, timezone;
    bool enabled, respect_gpc, respect_dnt, mask_personal;
    struct str visitor_identity; /* "cut-address", "full-address" */
    int32_t ipv4_prefix, ipv6_prefix;
    bool store_ip_prefix;
    struct str tracking_ids, allowed_origins, query_params, blocked_addresses, blocked_paths,
        disabled_events, disabled_fields, require_token, blocked_countries, blocked_referrers;
    struct str goals, path_rules; /* JSON arrays of objects (goals_parse(), path_rules_parse()) */
    bool public_dashboard;
    struct str public_metrics; /* names of metrics and dimensions shown beside the public ones */
    int64_t events_per_second, events_per_month, paths_per_day;
    int32_t raw_days, visit_days, stats_days; /* -1: the installation's */
    /* Names of settings that are the site's own although they are what a site has by default: not
     * its tenant's, nor the installation's. */
    struct str pinned;
    int64_t created_ms;
    int64_t erase_ms; /* as a tenant's; nothing is counted or read meanwhile */
};
/* A row with the defaults of AnalyticsSettings. */
struct site_row site_row_default(void);

/* The settings of a site, by the names that AnalyticsSettings has for them
 * ("limits.pathsPerDay"). */
enum setting_type {
    SETTING_TEXT,   /* of min to max bytes */
    SETTING_LIST,   /* a JSON array of texts */
    SETTING_JSON,   /* goals, pathRules: a JSON array of objects */
    SETTING_BOOL,   /* true, false */
    SETTING_NUMBER, /* a whole number, min to max */
    SETTING_DAYS,   /* the same; 0: for ever */
};
struct site_setting {
    const char *name;
    enum setting_type type;
    int64_t min, max;
};
/* Those that can be changed, in the order of AnalyticsSettings; false behind the last. */
bool site_setting_at(size_t i, struct site_setting *out);
/* ERR_NOTFOUND: there is none of that name, or it cannot be changed. */
int site_setting_find(struct str name, struct site_setting *out, struct err *err);
/* Change one of the row's, from text as the type has it; empty text: back to what holds without
 * it. What equals the default is pinned. ERR_INVALID names the setting and says what is allowed;
 * goals, rules and the items of lists are looked at by store_set_site(). The text is borrowed; the
 * pins live in `arena`. */
int site_setting_put(struct site_row *row, struct str name, struct str text, struct arena *arena,
                     struct err *err);
/* All of the row as members of an object that is open, siteId and tenantId first. null: the default
 * holds, or the installation's; of a list that is []. */
struct json_out;
void site_settings_json(const struct site_row *row, struct json_out *out);

/* Where a setting's value comes from, the nearest first. */
enum setting_source { FROM_SITE, FROM_TENANT, FROM_INSTALLATION, FROM_DEFAULT };
/* What a site sets itself it keeps; the others come from `tenant`, then from `installation`: JSON
 * objects as AnalyticsSettings has them ({"limits":{"pathsPerDay":500}}), or empty. Values that are
 * not valid are passed over. `sources` (may be NULL) is beside site_setting_at(). */
enum { SETTINGS_MAX = 40 };
void site_row_resolve(struct site_row *row, struct str tenant, struct str installation,
                      struct arena *arena, enum setting_source sources[SETTINGS_MAX]);
/* The same of many sites: each layer is read once. NULL where the text is empty. */
struct settings_layer;
const struct settings_layer *settings_layer_read(struct str text, struct arena *arena);
void site_row_resolve_with(struct site_row *row, const struct settings_layer *tenant,
                           const struct settings_layer *installation, struct arena *arena,
                           enum setting_source sources[SETTINGS_MAX]);
/* Change the row by the members of such an object, each as site_setting_put(); null: back to what
 * holds without it. What equals the default is pinned. ERR_INVALID names the member. With `layer`
 * it is what a tenant or the installation may set: neither domain nor trackingIds. */
struct json;
int site_settings_put(struct site_row *row, const struct json *object, bool layer,
                      struct arena *arena, struct err *err);

enum scope { SCOPE_STATS_READ = 1, SCOPE_EVENTS_WRITE = 2, SCOPE_ADMIN = 4, SCOPE_METRICS = 8 };
enum { TOKEN_HASH_BYTES = 32 };
struct token_row {
    struct str id;           /* shown by list, used by revoke */
    struct str name;         /* what it is for; may be empty */
    struct str tenant, site; /* empty: any */
    bool platform;
    unsigned scopes;
    uint8_t hash[TOKEN_HASH_BYTES];
    int64_t created_ms, expires_ms; /* 0: never */
};

/* A person who signs in. The id is the e-mail address, in lower case. */
struct user_row {
    struct str id, name;
    struct str password;    /* libsodium's text of argon2id; empty: none yet */
    struct str totp;        /* the secret in base32; empty: no second factor */
    int64_t totp_step;      /* of the last code that was used: none before it, nor it again */
    bool admin;             /* the platform's */
    struct str memberships; /* a JSON array: [{"tenantId":"t5g","role":"manager","sites":["a"]}];
                               without sites: all */
    struct str payload_id;  /* the id of the same person in Payload; unique; may be empty */
    int64_t created_ms, signed_in_ms;
};

/* A secret that stands for a person until it expires: a session, or a link that is used once. The
 * id is the BLAKE2b-256 of the secret, in hex. */
enum session_kind { SESSION_SIGNED_IN, SESSION_INVITATION, SESSION_RESET, SESSION_SETUP };
struct session_row {
    struct str id;
    struct str user; /* its id; empty in SESSION_SETUP, which makes the first admin */
    int32_t kind;    /* enum session_kind */
    int64_t created_ms, seen_ms, expires_ms;
};

/* A shared link to one site's dashboard. What opens it is signed with the installation's key. */
struct link_row {
    struct str id, tenant, site, name;
    struct str password;            /* as a person's; empty: none */
    int64_t created_ms, expires_ms; /* 0: never */
};

/* Something that is to be erased, and then the receipt. */
enum erasure_kind { ERASE_SITE, ERASE_TENANT, ERASE_PATH, ERASE_EVENT, ERASE_PROP };
struct erasure_row {
    struct str id, tenant, site; /* site empty: the tenant and all of its sites */
    int32_t kind;                /* enum erasure_kind */
    struct str value;            /* the path, name or property; emptied when it is done */
    struct str actor;            /* who asked for it */
    int64_t asked_ms, due_ms;    /* not before */
    int64_t done_ms;             /* 0: not yet */
    struct str rows;             /* a JSON object: table -> rows removed or changed */
    struct str nodes; /* a JSON object: node -> when its log and cache held nothing of it (ms) */
};

/* What the installation sets for all sites. There is one row, whose id is "installation". */
struct installation_row {
    struct str id, settings; /* a JSON object, as a tenant's */
};

/* What is noted of a site's date: who looks at the graph reads why. The id is the site's, a slash
 * and the date (annotation_id()), so that a date has one, and a site's come in the order of dates.
 */
enum {
    ANNOTATION_CHARS_MAX = 80, /* at least one, no control characters */
    ANNOTATIONS_MAX = 1000,    /* of a site: whoever puts one looks before */
};
struct annotation_row {
    struct str id, tenant, site;
    struct str text;
};
struct str annotation_id(struct str site, int32_t day, struct arena *arena);
/* The date, "YYYY-MM-DD"; borrowed. */
struct str annotation_date(const struct annotation_row *row);

/* -- rows of any kind -------------------------------------------------------------------------- */

enum row_kind {
    ROW_TENANT,
    ROW_SITE,
    ROW_TOKEN,
    ROW_USER,
    ROW_SESSION,
    ROW_LINK,
    ROW_ERASURE,
    ROW_INSTALLATION,
    ROW_ANNOTATION,
    ROW_KINDS,
};
/* The size of the kind's struct, which begins with its id; and "tenant", "site" ... */
size_t row_size(enum row_kind kind);
const char *row_name(enum row_kind kind);

/* The row of this id into *row (of the kind's struct; texts in the arena): 1, or 0: there is none,
 * and *row holds the defaults and the id. */
int store_get(struct store *store, enum row_kind kind, struct str id, struct arena *arena,
              void *row, struct err *err);

/* Change one row, or make it, in a transaction with its line in the audit log (ROW_SESSION has
 * none). `edit` gets the row as it is, or with the defaults and its id, and says with EDIT_KEEP,
 * EDIT_PUT, EDIT_REMOVE or a negative code, which is returned, what becomes of it; it may be called
 * again from the beginning, and may read from `store` by store_get() and store_count(). Other rows
 * of the same tenant wait meanwhile. Putting what is there already changes nothing. Returns 1: it
 * has changed, 0: it has not. ERR_CONFLICT: an alias, an id, a payload_id is taken; an id or a
 * tenant that never changes would (of a token the owner and the hash too). ERR_NOTFOUND: the tenant
 * or site that it names is not there. ERR_INVALID: a bound (row_check()). */
enum {
    EDIT_KEEP,
    EDIT_PUT,
    EDIT_REMOVE,          /* what is bound to it goes too (store_remove_tenant()) */
    EDIT_PUT_WITH_TENANT, /* a site; a tenant that is missing is made, named like its id */
};
typedef int edit_fn(void *ctx, bool exists, void *row, struct arena *arena, struct err *err);
int store_edit(struct store *store, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
               const struct actor *actor, struct err *err);

/* Rows by id, behind `after`, at most `limit` (and 10,000): of a tenant where the kind has one and
 * it is given; of users those with a membership in it; of sessions with `user` those of that user.
 * *rows is an array of the kind's struct. Sites and tenants that are to be erased are among them
 * unless only those are asked for that are kept. What is empty or false is not asked for, and what
 * a kind does not have is passed over. */
struct row_filter {
    struct str tenant, site, user;
    struct str payload; /* of people: whose id in Payload this is */
    bool admins;        /* of people: only admins */
    bool kept;          /* of sites and tenants: not those that are to be erased */
};
int store_page(struct store *store, enum row_kind kind, const struct row_filter *filter,
               struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
               struct err *err);
int store_count(struct store *store, enum row_kind kind, const struct row_filter *filter,
                int64_t *out, struct err *err);
/* fn for each of them by id, read in pages; those that come and go meanwhile may be missed. The row
 * lives during the call. A result of fn other than 0 ends it and is returned. */
typedef int row_fn(void *ctx, const void *row, struct err *err);
int store_each(struct store *store, enum row_kind kind, const struct row_filter *filter, row_fn *fn,
               void *ctx, struct err *err);
/* Remove the sessions of a person but `except`, of one kind or of all (kind -1). */
int store_end_sessions(struct store *store, struct str user, int32_t kind, struct str except,
                       struct err *err);

/* A row of the audit log; `id` counts up. */
struct audit_row {
    int64_t id, at_ms;
    struct str actor, action, target; /* "site.set", "abc123" */
    struct str tenant;                /* empty: the installation's */
};
/* The newest first, those before `before` (0: all): of one tenant, or (empty) of all. */
int store_page_audit(struct store *store, struct str tenant, int64_t before, size_t limit,
                     struct arena *arena, struct audit_row **out, size_t *count, struct err *err);
/* A line for what changes no row ("export", "sign-in"). */
int store_note(struct store *store, const char *action, struct str target, struct str tenant,
               const struct actor *actor, struct err *err);

/* Sums of the ledger by tenant and site, from..to: of one tenant, or (empty) of all. */
struct usage_row {
    struct str tenant, site;
    int64_t stored, dropped, rejected;
};
int store_usage(struct store *store, struct str tenant, int32_t from, int32_t to,
                struct arena *arena, struct usage_row **out, size_t *count, struct err *err);

/* When a site's first and last event happened, as far as kept (an hour's beginning where the raw
 * row is gone); 0: none. */
int store_site_span(struct store *store, struct str tenant, struct str site, int64_t *first_ms,
                    int64_t *last_ms, struct err *err);

/* Is this session of Payload's `collection` still live? It is asked in
 * `schema`.`collection`_sessions of the same database; 1: yes, 0: no. ERR_INVALID: this store has
 * no such tables. */
int store_payload_session(struct store *store, struct str schema, struct str collection,
                          struct str user, struct str sid, int64_t now_ms, struct err *err);

/* -- for the directory ------------------------------------------------------------------------- */

struct directory_rows {
    struct tenant_row *tenants;
    size_t tenants_count;
    struct site_row *sites; /* in the order made */
    size_t sites_count;
    struct token_row *tokens;
    size_t tokens_count;
    struct link_row *links;
    size_t links_count;
    struct str installation; /* its settings, a JSON object or empty */
    int64_t erased_ms;       /* the newest done_ms of all erasures, for logs and caches to follow */
    uint8_t id_key[16];      /* hashes idempotency keys */
    uint8_t signing_key[32]; /* signs links and embeds */
};
int store_read_directory(struct store *store, struct arena *arena, struct directory_rows *out,
                         struct err *err);

/* -- the same by kind -------------------------------------------------------------------------- */

/* Each is one transaction with its line in the audit log. Putting what is there already changes
 * nothing (0); ERR_CONFLICT: the id is there with other values, or an alias or id is taken;
 * ERR_NOTFOUND: no such tenant or id. */
int store_put_tenant(struct store *store, const struct tenant_row *row, const struct actor *actor,
                     struct err *err);
/* Change the settings of a site that is there; created_ms stays. ERR_NOTFOUND: no site of that id
 * is this tenant's. */
int store_set_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err);
/* Makes a missing tenant, named like its id. */
int store_put_site(struct store *store, const struct site_row *row, const struct actor *actor,
                   struct err *err);
int store_put_token(struct store *store, const struct token_row *row, const struct actor *actor,
                    struct err *err);
/* A tenant only without sites (else ERR_CONFLICT). A removed site's numbers stay until retention
 * takes them, and until then only the same tenant may make a site of that id. Tokens, links and
 * memberships bound to what is removed go with it. */
int store_remove_tenant(struct store *store, struct str id, const struct actor *actor,
                        struct err *err);
int store_remove_site(struct store *store, struct str id, const struct actor *actor,
                      struct err *err);
int store_remove_token(struct store *store, struct str id, const struct actor *actor,
                       struct err *err);

#endif
