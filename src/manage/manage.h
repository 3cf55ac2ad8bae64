/*
 * manage/manage.h -- tenants, sites, people, tokens, links, settings: what may be done to them, by
 * whom, and how they look as JSON. The HTTP API and the commands are two ways in here.
 *
 * A resource is a row of one table (manage.c): its members with their types and bounds, who may see
 * it and who may change which member, how a row becomes JSON and back. A verb takes a body as JSON
 * and appends the answer as JSON. What a caller does not reach is ERR_NOTFOUND in the words for
 * what does not exist; what it reaches but may not do is ERR_DENIED.
 *
 * Any thread, each with its own store.
 */
#ifndef ABACUS_MANAGE_MANAGE_H
#define ABACUS_MANAGE_MANAGE_H

#include "access/caller.h"
#include "base/buf.h"
#include "base/json.h"

struct mailer;

struct manage {
    struct store *store; /* that can be written, where the verb changes something */
    const struct caller *caller;
    struct arena *arena;
    int64_t now_ms;
    struct str public_url;                    /* of links; empty: relative ones */
    struct mailer *mailer;                    /* NULL: links are in the answer, once */
    const uint8_t *signing_key;               /* 32 bytes, for links and embeds */
    int32_t raw_days, visit_days, stats_days; /* the installation's */
    /* After a refusal: the member or parameter ("memberships[1].role"); may be NULL. */
    const char *field;
    char field_text[128];
    struct manage_seen *seen; /* the verbs' own; NULL */
};

enum manage_kind {
    MANAGE_TENANTS,
    MANAGE_SITES,
    MANAGE_USERS,
    MANAGE_TOKENS,
    MANAGE_LINKS,
    MANAGE_RECEIPTS, /* read only: what was erased, or is to be */
    MANAGE_KINDS,
};
const char *manage_name(enum manage_kind kind); /* "tenants" */

enum manage_how {
    MANAGE_ADD,   /* as PUT; what is there with other values is ERR_CONFLICT (the commands' add) */
    MANAGE_PUT,   /* members that are left out take their defaults */
    MANAGE_PATCH, /* only what is named changes; ERR_NOTFOUND: there is none of that id */
};
enum manage_done { MANAGE_SAME, MANAGE_CHANGED, MANAGE_MADE };

/* `body` is an object, or NULL for none of them. *done says what it did, and `out` gets the row as
 * it is now, with what is shown only once (a token's secret, an invitation). What is there already
 * changes nothing, also the whole of an answer put again: members that are only for reading are
 * taken as they are, those that change by themselves (snippet, lastEventAt, signedInAt ...) as they
 * were. A link's password, and of who manages one tenant its status and limits, stay where a PUT
 * leaves them out. ERR_CONFLICT also: what never changes would, a limit is reached, the last admin
 * would go. */
int manage_put(struct manage *m, enum manage_kind kind, struct str id, const struct json *body,
               enum manage_how how, enum manage_done *done, struct buf *out, struct err *err);
int manage_get(struct manage *m, enum manage_kind kind, struct str id, struct buf *out,
               struct err *err);

struct manage_query {
    struct str tenant, site; /* empty: all that the caller reaches */
    struct str cursor;       /* as an answer gave it */
    size_t limit;            /* 0: MANAGE_LIMIT */
};
enum { MANAGE_LIMIT = 100, MANAGE_LIMIT_MAX = 1000 };
/* {"tenants":[...],"nextCursor":null} */
int manage_list(struct manage *m, enum manage_kind kind, const struct manage_query *query,
                struct buf *out, struct err *err);

/* Tenants and sites: suspended at once, erased after MANAGE_GRACE_DAYS or with `now` by the next
 * run of the job; `out` gets the receipt as it stands. Tokens and links end at once. A person is
 * taken out of the caller's tenants, and is gone when none is left. */
enum { MANAGE_GRACE_DAYS = 30 };
int manage_remove(struct manage *m, enum manage_kind kind, struct str id, bool now, struct buf *out,
                  struct err *err);

/* Settings of the installation (tenant and site empty), a tenant or a site: each member as
 * {"value":...,"from":"site"}. PUT replaces what is set there, PATCH changes what is named. */
int manage_settings_get(struct manage *m, struct str tenant, struct str site, struct buf *out,
                        struct err *err);
int manage_settings_put(struct manage *m, struct str tenant, struct str site,
                        const struct json *body, enum manage_how how, struct buf *out,
                        struct err *err);

/* What is noted of a site's date: {text}; `out` gets {siteId, tenantId, date, text}, which is taken
 * as it is, too. ERR_CONFLICT: the site has ANNOTATIONS_MAX already. */
int manage_annotation_put(struct manage *m, struct str site, int32_t day, const struct json *body,
                          enum manage_done *done, struct buf *out, struct err *err);
/* ERR_NOTFOUND: that date has none. */
int manage_annotation_remove(struct manage *m, struct str site, int32_t day, struct err *err);

/* {siteId, path | event | prop}: done by the next run of the job; `out` gets the receipt. */
int manage_erase(struct manage *m, const struct json *body, struct buf *out, struct err *err);
/* {tenantId, siteIds?, seconds?}: a signed address for a frame; platform tokens only. */
int manage_embed(struct manage *m, const struct json *body, struct buf *out, struct err *err);
/* A link with which a person sets a new password, by mail or shown once. */
int manage_reset(struct manage *m, struct str user, struct buf *out, struct err *err);
/* "2026-11", empty: this month (UTC). */
int manage_usage(struct manage *m, struct str tenant, struct str month, struct buf *out,
                 struct err *err);
/* The newest first. */
int manage_audit(struct manage *m, const struct manage_query *query, struct buf *out,
                 struct err *err);

/* What manage_put() takes and answers of a kind, for openapi.json. A name with a dot
 * ("limits.sites") is a member of an object. Ends with a NULL name. */
struct manage_member {
    const char *name, *type, *meaning; /* type: "string", "integer", "boolean", "array", "object" */
    bool required, read_only;
};
const struct manage_member *manage_members(enum manage_kind kind);

#endif
