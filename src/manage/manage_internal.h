/*
 * manage/manage_internal.h -- what the files of this module share.
 *
 * A message about what was sent begins with its place ("memberships[1].role: must be ..."), and
 * manage_end() gives that place to the caller as m->field; so a place is written once.
 */
#ifndef ABACUS_MANAGE_INTERNAL_H
#define ABACUS_MANAGE_INTERNAL_H

#include "access/access.h"
#include "manage/manage.h"

enum { NAME_MAX_BYTES = 200 };

union any_row {
    struct tenant_row tenant;
    struct site_row site;
    struct token_row token;
    struct user_row user;
    struct link_row link;
    struct erasure_row erasure;
};

/* -- a row that is made or changed --------------------------------------------------------------
 *
 * Each change is rehearsed on a copy of the row, outside of any transaction, before it is done:
 * what is slow (passwords), what asks for many rows, and what has to be said before another row is
 * touched belongs there. */
struct change {
    struct manage *m;
    const struct resource *resource;
    struct str id;
    const struct json *body; /* an object */
    enum manage_how how;
    bool rehearsal;
    bool exists;   /* of the last time that it was applied */
    bool removes;  /* a person without any membership */
    bool restores; /* what was to be erased */
    bool restored; /* ... and its erasure is gone already */
    /* The kinds' own: */
    const struct json *settings; /* of a site: values as they are kept */
    struct membership *memberships;
    size_t memberships_count;
    struct str memberships_was; /* as they are kept */
    struct str password;        /* of a link: a new hash ... */
    struct str password_was;    /* ... or the kept one, which fits what was sent */
    uint8_t hash[TOKEN_HASH_BYTES];
    char text[TOKEN_TEXT_MAX]; /* of a token */
};

struct resource {
    const char *name, *one; /* "tenants", "tenant" */
    enum row_kind row;
    const struct manage_member *members;
    bool whole; /* only for who manages a whole tenant */
    /* The id as it is kept; ERR_INVALID: can be none. */
    int (*read_id)(struct str text, struct arena *arena, struct str *out, struct err *err);
    /* May the caller manage this row? ERR_NOTFOUND: it does not even see it; ERR_DENIED. */
    int (*reach)(struct manage *m, const void *row, struct err *err);
    /* Before everything else; may be NULL. */
    int (*prepare)(struct change *change, struct err *err);
    /* The row as it is to be; EDIT_PUT or what else store_edit() takes. NULL: it is read only. */
    int (*apply)(struct change *change, void *row, struct arena *arena, struct err *err);
    /* Members of an open object. */
    int (*add)(struct manage *m, const void *row, struct json_out *json, struct err *err);
    /* Afterwards: what else there is to do, and the members that are shown only now; may be NULL.
     */
    int (*done)(struct change *change, const void *row, struct json_out *json, struct err *err);
    int (*remove)(struct manage *m, const void *row, bool now, struct buf *out, struct err *err);
};
extern const struct resource manage_resources[MANAGE_KINDS];
extern const struct manage_member tenant_members[], site_resource_members[], user_members[],
    token_members[], link_members[], receipt_members[];

/* Of each kind (tenants.c and so on). */
int tenant_reach(struct manage *m, const void *row, struct err *err);
int tenant_apply(struct change *change, void *row, struct arena *arena, struct err *err);
int tenant_add(struct manage *m, const void *row, struct json_out *json, struct err *err);
int tenant_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err);

int site_reach(struct manage *m, const void *row, struct err *err);
int site_prepare(struct change *change, struct err *err);
int site_apply(struct change *change, void *row, struct arena *arena, struct err *err);
int site_add(struct manage *m, const void *row, struct json_out *json, struct err *err);
int site_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err);

int user_read_id(struct str text, struct arena *arena, struct str *out, struct err *err);
int user_reach(struct manage *m, const void *row, struct err *err);
int user_prepare(struct change *change, struct err *err);
int user_apply(struct change *change, void *row, struct arena *arena, struct err *err);
int user_add(struct manage *m, const void *row, struct json_out *json, struct err *err);
int user_done(struct change *change, const void *row, struct json_out *json, struct err *err);
int user_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err);

int token_reach(struct manage *m, const void *row, struct err *err);
int token_prepare(struct change *change, struct err *err);
int token_apply(struct change *change, void *row, struct arena *arena, struct err *err);
int token_add(struct manage *m, const void *row, struct json_out *json, struct err *err);
int token_done(struct change *change, const void *row, struct json_out *json, struct err *err);

int link_reach(struct manage *m, const void *row, struct err *err);
int link_apply(struct change *change, void *row, struct arena *arena, struct err *err);
int link_add(struct manage *m, const void *row, struct json_out *json, struct err *err);

int receipt_reach(struct manage *m, const void *row, struct err *err);
int receipt_add(struct manage *m, const void *row, struct json_out *json, struct err *err);

int id_read(struct str text, struct arena *arena, struct str *out, struct err *err);
/* Of tokens and links. */
int row_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err,
               enum row_kind kind);

/* -- who may (reach.c) --------------------------------------------------------------------------
 */

bool manage_is_platform(const struct manage *m);
/* ERR_DENIED: the caller manages nothing at all. */
int manage_gate(struct manage *m, struct err *err);
/* From the scopes at a place: ERR_NOTFOUND ("there is no such site") without any, ERR_DENIED
 * without admin. */
int manage_may(unsigned scopes, const char *what, struct err *err);
int manage_may_tenant(struct manage *m, struct str tenant, struct err *err);
int manage_may_site(struct manage *m, struct str tenant, struct str site, struct err *err);
bool manage_has_tenant(const struct manage *m, struct str tenant);
int manage_no_such(const char *what, struct err *err);
struct actor manage_actor(const struct manage *m);
/* The site of this id, if the caller may manage it. */
int manage_find_site(struct manage *m, struct str id, struct site_row *out, struct err *err);
/* ERR_NOTFOUND also for a tenant that is not there. */
int manage_find_tenant(struct manage *m, struct str id, struct tenant_row *out, struct err *err);
/* The tenants that the caller manages wholly; none: every one. ERR_DENIED: there is none. */
int manage_tenants(struct manage *m, struct str wanted, struct str **out, size_t *count,
                   struct err *err);

/* -- what was sent (body.c) ---------------------------------------------------------------------
 */

/* Refuse what is no member, and what is of another type than the table says. */
int body_check(const struct manage_member *members, const struct json *body, struct err *err);
/* The member called `name` ("limits.sites"); NULL: absent. */
const struct json *body_get(const struct json *body, const char *name);
/* What becomes of a member: it keeps its value, takes its default, or the one sent (*value). */
enum body_use { BODY_KEEP, BODY_DEFAULT, BODY_GIVEN };
enum body_use body_use(const struct change *change, const char *name, const struct json **value);
/* The same and the reading of it; *out holds what is kept. */
int body_text(const struct change *change, const char *name, struct str fallback, size_t least,
              size_t most, struct str *out, struct err *err);
int body_number(const struct change *change, const char *name, int64_t fallback, int64_t least,
                int64_t most, int64_t *out, struct err *err);
/* An instant that is to come, or 0 (null): never. */
int body_end(const struct change *change, const char *name, int64_t *out, struct err *err);
/* What never changes was sent as it is, or not at all: else ERR_CONFLICT, or, of what is only for
 * reading, ERR_INVALID. */
int body_fixed_text(const struct change *change, const char *name, struct str value,
                    struct err *err);
int body_fixed_instant(const struct change *change, const char *name, int64_t value,
                       struct err *err);
/* The text of a member that is needed. */
int body_needs_text(const struct json *body, const char *name, struct str *out, struct err *err);
/* Take the place out of the text of `err`, as m->field. Returns rc. */
int manage_end(struct manage *m, int rc, const struct err *err);
/* Equal whatever the order of members, which stores may change. */
bool json_same(const struct json *a, const struct json *b);
/* Readable and of one line. */
bool text_is_line(struct str text);

/* -- what is answered ---------------------------------------------------------------------------
 */

void out_text(struct json_out *json, const char *name, struct str text); /* empty: null */
void out_string(struct json_out *json, const char *name, struct str text);
void out_number(struct json_out *json, const char *name, int64_t n);
void out_bool(struct json_out *json, const char *name, bool value);
void out_instant(struct json_out *json, const char *name, int64_t ms); /* 0: null */
void out_raw(struct json_out *json, const char *name, struct str text);
/* Text made from a format, in the arena. */
struct str arena_format(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/* How many rows a page has. */
size_t manage_limit(const struct manage_query *query);
/* The row as an object. */
int manage_add_row(struct manage *m, const struct resource *resource, const void *row,
                   struct json_out *json, struct err *err);

/* -- settings (layers.c) ----------------------------------------------------------------------
 */

/* "limits" of "limits.pathsPerDay"; empty: it stands in no object. */
struct str setting_group(struct str name);
/* The row's values beside site_setting_at(). */
void settings_values(const struct site_row *row, struct arena *arena,
                     const struct json *out[SETTINGS_MAX]);
/* Those that are not NULL as members of an open object, those of a group in an object of their own:
 * as they are, or as `add` has them. */
typedef void add_setting_fn(const void *ctx, size_t i, struct json_out *json);
void settings_each(const struct json *const values[SETTINGS_MAX], add_setting_fn *add,
                   const void *ctx, struct json_out *json);
int installation_settings(struct manage *m, struct str *out, struct err *err);
/* What a verb has read already of the layers above sites, so that a list asks once for each. */
struct manage_seen {
    bool has_installation;
    struct str installation;
    struct tenant_settings {
        struct str id, settings;
    } * tenants;
    size_t count, room;
};
int layers_above(struct manage *m, struct str tenant, struct str *settings,
                 struct str *installation, struct err *err);

/* -- erasure (erasures.c) -----------------------------------------------------------------------
 */

/* What status asks for, of a site (or, `site` empty, a tenant) that may be about to be erased. */
int erasure_status(struct change *change, struct str tenant, struct str site, int64_t created_ms,
                   int64_t *erase_ms, struct err *err);
/* Take the erasure of a site (or, `site` empty, a tenant) back, if it has not begun. */
int erasure_take_back(struct manage *m, struct str tenant, struct str site, int64_t created_ms,
                      struct err *err);

#endif
