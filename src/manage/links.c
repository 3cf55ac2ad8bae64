/*
 * manage/links.c -- shared links to a site's dashboard.
 *
 * A password is told to nobody, so that a PUT without one leaves it as it is: what GET answers can
 * be put again. null takes it away. The same password again keeps its hash.
 */
#include "access/people.h"
#include "access/signed.h"
#include "base/utf8.h"
#include "manage/manage_internal.h"

enum { LINK_PASSWORD_MIN = 8 }; /* characters */

const struct manage_member link_members[] = {
    {.name = "id", .type = "string", .meaning = "Its id; never changes."},
    {.name = "name", .type = "string", .meaning = "What it is for."},
    {.name = "siteId",
     .type = "string",
     .meaning = "The site that it shows; never changes.",
     .required = true},
    {.name = "tenantId", .type = "string", .meaning = "Whose it is; never changes."},
    {.name = "url",
     .type = "string",
     .meaning = "Where the dashboard is; who has it needs no more.",
     .read_only = true},
    {.name = "password",
     .type = "string",
     .meaning = "What is asked for first; null takes it away, left out it stays. Not in answers."},
    {.name = "hasPassword",
     .type = "boolean",
     .meaning = "Whether it asks for a password.",
     .read_only = true},
    {.name = "createdAt", .type = "string", .meaning = "When it was made.", .read_only = true},
    {.name = "expiresAt", .type = "string", .meaning = "When it ends; null: never."},
    {.name = NULL},
};

int link_reach(struct manage *m, const void *row, struct err *err)
{
    const struct link_row *link = row;

    return manage_may(caller_at_site(m->caller, link->tenant, link->site), "link", err);
}

int link_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct link_row *link = row;
    struct str url = STR("");

    (void)err;
    if (m->signing_key != NULL)
        url = arena_format(m->arena, "%.*s/share/%.*s", STR_FMT(m->public_url),
                           STR_FMT(signed_link(m->signing_key, link, m->arena)));
    out_string(json, "id", link->id);
    out_text(json, "name", link->name);
    out_string(json, "siteId", link->site);
    out_string(json, "tenantId", link->tenant);
    out_text(json, "url", url);
    out_bool(json, "hasPassword", link->password.len > 0);
    out_instant(json, "createdAt", link->created_ms);
    out_instant(json, "expiresAt", link->expires_ms);
    return 0;
}

/* -- the password ------------------------------------------------------------------------------ */

static size_t characters(struct str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++) {
        unsigned len = utf8_char(text, at);

        at += len > 0 ? len : 1;
    }
    return count;
}

/* Hashing takes a while, and so is done in the rehearsal; in the transaction the row has to be as
 * it was then. */
static int hash(struct change *change, struct str password, const struct link_row *link,
                struct err *err)
{
    if (characters(password) < LINK_PASSWORD_MIN || password.len > PASSWORD_MAX)
        return err_set(err, ERR_INVALID,
                       "password: must have %d characters at least, %d bytes at "
                       "most",
                       LINK_PASSWORD_MIN, PASSWORD_MAX);
    if (link->password.len > 0 && password_matches(link->password, password)) {
        change->password_was = arena_str(change->m->arena, link->password);
        return 0;
    }
    return password_hash(password, change->m->arena, &change->password, err);
}

static int read_password(struct change *change, struct link_row *link, struct err *err)
{
    const struct json *value = body_get(change->body, "password");

    if (value == NULL)
        return 0;
    if (value->type == JSON_NULL) {
        link->password = STR("");
        return 0;
    }
    if (change->rehearsal) {
        int rc = hash(change, value->text, link, err);

        if (rc != 0)
            return rc;
    }
    if (change->password.len > 0) {
        link->password = change->password;
        return 0;
    }
    return str_eq(link->password, change->password_was)
               ? 0
               : err_set(err, ERR_CONFLICT, "password: it was changed this moment");
}

/* -- making and changing ----------------------------------------------------------------------- */

static int read_site(const struct change *change, struct link_row *link, struct arena *arena,
                     struct err *err)
{
    struct manage *m = change->m;
    struct site_row site;
    struct str id;
    int rc = body_needs_text(change->body, "siteId", &id, err);

    if (rc != 0)
        return rc;
    rc = str_is_id(id) ? store_get(m->store, ROW_SITE, id, arena, &site, err) : 0;
    if (rc <= 0)
        return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "siteId: there is no such site");
    rc = manage_may_site(m, site.tenant, site.id, err);
    if (rc != 0)
        return err_wrap(err, rc, "siteId");
    if (site.erase_ms > 0)
        return err_set(err, ERR_CONFLICT, "siteId: the site is to be erased");
    link->site = site.id;
    link->tenant = site.tenant;
    link->created_ms = m->now_ms;
    return 0;
}

static int check_fixed(const struct change *change, const struct link_row *link, struct err *err)
{
    const struct json *has = body_get(change->body, "hasPassword");
    int rc = body_fixed_text(change, "siteId", link->site, err);

    if (rc == 0)
        rc = body_fixed_text(change, "tenantId", link->tenant, err);
    if (rc == 0)
        rc = body_fixed_instant(change, "createdAt", link->created_ms, err);
    if (rc == 0 && has != NULL && has->type == JSON_BOOL &&
        has->boolean != (link->password.len > 0) && body_get(change->body, "password") == NULL)
        rc = err_set(err, ERR_INVALID, "hasPassword: is only for reading");
    return rc;
}

int link_apply(struct change *change, void *row, struct arena *arena, struct err *err)
{
    struct link_row *link = row;
    int rc = change->exists ? 0 : read_site(change, link, arena, err);

    if (rc == 0)
        rc = check_fixed(change, link, err);
    if (rc == 0)
        rc = body_text(change, "name", STR(""), 1, NAME_MAX_BYTES, &link->name, err);
    if (rc == 0)
        rc = read_password(change, link, err);
    if (rc == 0)
        rc = body_end(change, "expiresAt", &link->expires_ms, err);
    return rc == 0 ? EDIT_PUT : rc;
}
