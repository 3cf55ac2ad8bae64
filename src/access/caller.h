/*
 * access/caller.h -- who asks, and how far that reaches.
 *
 * A token, a person's session, a signed link or embed, Payload's token and the command line all
 * become a struct caller, and nothing behind it asks which of them it was: what a caller may do at
 * a tenant, or at one of its sites, is a set of scopes. A viewer has stats:read, a manager also
 * admin; an admin of the platform has both at every tenant, as a platform token has its scopes.
 */
#ifndef ABACUS_ACCESS_CALLER_H
#define ABACUS_ACCESS_CALLER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/managed.h"

enum caller_kind {
    CALLER_NOBODY, /* no credentials: what is public */
    CALLER_COMMAND,
    CALLER_TOKEN,
    CALLER_PERSON, /* by a session, or by Payload's token */
    CALLER_EMBED,
    CALLER_LINK,
};

/* One tenant that a caller reaches: all of it, or (sites_count > 0) only some sites. */
struct reach {
    struct str tenant;
    struct str *sites;
    size_t sites_count;
    unsigned scopes; /* enum scope */
};

struct caller {
    enum caller_kind kind;
    struct str name;   /* for the audit log: "token:ID", "user:EMAIL", "embed:TOKEN", "cli" */
    unsigned platform; /* scopes at every tenant */
    struct reach *reaches;
    size_t reaches_count;
    bool restricted;    /* sees no more than a public dashboard shows */
    struct str user;    /* of a person: the row's id */
    struct str session; /* of a session: the row's id; empty by Payload's token */
    bool cookie;        /* known by a cookie, which a browser sends unasked */
    int64_t expires_ms; /* 0: never */
};

/* May do this at the whole tenant; at one site of it. */
unsigned caller_at_tenant(const struct caller *caller, struct str tenant);
unsigned caller_at_site(const struct caller *caller, struct str tenant, struct str site);
/* Anywhere at all: to tell 403 from 404. */
unsigned caller_anywhere(const struct caller *caller);
/* The one tenant that the caller reaches; empty: none, several, or every one. */
struct str caller_only_tenant(const struct caller *caller);
/* The same of sites, in that tenant. */
struct str caller_only_site(const struct caller *caller);

/* The parts live in the arena; `now_ms` is the wall clock's. */
struct token_row;
void caller_of_token(struct str id, bool platform, struct str tenant, struct str site,
                     unsigned scopes, int64_t expires_ms, struct arena *arena, struct caller *out);
/* Memberships that cannot be read reach nothing. */
void caller_of_user(const struct user_row *user, struct arena *arena, struct caller *out);
void caller_of_site(enum caller_kind kind, struct str name, struct str tenant,
                    const struct str *sites, size_t sites_count, bool restricted,
                    int64_t expires_ms, struct arena *arena, struct caller *out);
/* The command line: everything. */
struct caller caller_command(void);

/* -- people ------------------------------------------------------------------------------------ */

enum role_of_person { PERSON_VIEWER, PERSON_MANAGER, PERSON_ADMIN };

struct membership {
    struct str tenant;
    enum role_of_person role; /* viewer or manager */
    struct str *sites;        /* none: all */
    size_t sites_count;
};
enum { MEMBERSHIPS_MAX = 1000, MEMBERSHIP_SITES_MAX = 1000 };
/* From and to the JSON of a row; ERR_INVALID names the place. */
int memberships_parse(struct str json, struct arena *arena, struct membership **out, size_t *count,
                      struct err *err);
struct json_out;
void memberships_json(const struct membership *memberships, size_t count, struct json_out *json);

/* An address that can be one: one '@', no space or control, at most 254 bytes; in lower case. */
int email_normalise(struct str text, struct arena *arena, struct str *out, struct err *err);

#endif
