/* manage/embed.c -- addresses for frames: signed, of one tenant's sites, and soon over. */
#include "access/signed.h"
#include "manage/manage_internal.h"

enum { SECONDS_MIN = 60, SECONDS_MAX = 3600 };
_Static_assert(EMBED_MS_MAX == INT64_C(1000) * SECONDS_MAX, "as long as signed.h lets them be");

static const struct manage_member members[] = {
    {.name = "tenantId", .type = "string", .meaning = "Whose sites.", .required = true},
    {.name = "siteIds", .type = "array", .meaning = "Only these; unless given, all."},
    {.name = "seconds", .type = "integer", .meaning = "How long it is good for."},
    {.name = NULL},
};

/* A tenant's own tokens would let whoever has one show it to anybody. */
static int check_caller(struct manage *m, struct err *err)
{
    const struct caller *caller = m->caller;

    if (caller->kind != CALLER_TOKEN || (caller->platform & SCOPE_STATS_READ) == 0)
        return err_set(err, ERR_DENIED, "this needs a platform token with the scope stats:read");
    return m->signing_key != NULL ? 0 : err_set(err, ERR_UNAVAILABLE, "there is no signing key");
}

static int check_tenant(struct manage *m, struct str id, struct err *err)
{
    struct tenant_row tenant;
    int rc = str_is_id(id) ? store_get(m->store, ROW_TENANT, id, m->arena, &tenant, err) : 0;

    if (rc < 0)
        return rc;
    if (rc == 0 || tenant.erase_ms > 0)
        return err_set(err, ERR_NOTFOUND, "tenantId: there is no such tenant");
    return tenant.active ? 0 : err_set(err, ERR_DENIED, "the tenant is suspended");
}

static int check_site(struct manage *m, struct str tenant, const struct json *id, size_t at,
                      struct err *err)
{
    struct site_row site;
    int rc = id->type == JSON_STRING && str_is_id(id->text)
                 ? store_get(m->store, ROW_SITE, id->text, m->arena, &site, err)
                 : 0;

    if (rc < 0)
        return rc;
    return rc == 1 && str_eq(site.tenant, tenant) && site.erase_ms == 0
               ? 0
               : err_set(err, ERR_NOTFOUND, "siteIds[%zu]: there is no such site", at);
}

static int read_sites(struct manage *m, const struct json *body, struct embed *out, struct err *err)
{
    const struct json *list = body_get(body, "siteIds");
    int rc = 0;

    if (list == NULL || list->type == JSON_NULL)
        return 0;
    if (list->count == 0 || list->count > EMBED_SITES_MAX)
        return err_set(err, ERR_INVALID, "siteIds: must be 1 to %d; all are meant without it",
                       EMBED_SITES_MAX);
    out->sites = ARENA_NEW(m->arena, struct str, list->count);
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        rc = check_site(m, out->tenant, &list->items[i], i, err);
        out->sites[out->sites_count++] = list->items[i].text;
    }
    return rc;
}

/* No longer than the token that makes it. */
static int read_end(struct manage *m, const struct json *body, struct embed *out, struct err *err)
{
    const struct json *value = body_get(body, "seconds");
    int64_t seconds = SECONDS_MAX;

    if (value != NULL && value->type != JSON_NULL)
        (void)json_to_i64(value, &seconds);
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX)
        return err_set(err, ERR_INVALID, "seconds: must be a whole number from %d to %d",
                       SECONDS_MIN, SECONDS_MAX);
    out->expires_ms = m->now_ms + seconds * 1000;
    if (m->caller->expires_ms > 0 && m->caller->expires_ms < out->expires_ms)
        out->expires_ms = m->caller->expires_ms;
    return 0;
}

static int make(struct manage *m, const struct json *body, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};
    struct str name = m->caller->name;
    struct embed embed = {.token = str_slice(name, strlen("token:"), name.len)};
    int rc = check_caller(m, err);

    if (rc == 0)
        rc = body_check(members, body, err);
    if (rc == 0)
        rc = body_needs_text(body, "tenantId", &embed.tenant, err);
    if (rc == 0)
        rc = check_tenant(m, embed.tenant, err);
    if (rc == 0)
        rc = read_sites(m, body, &embed, err);
    if (rc == 0)
        rc = read_end(m, body, &embed, err);
    if (rc != 0)
        return rc;
    struct str token = signed_embed(m->signing_key, &embed, m->arena);

    json_open(&json, '{');
    out_string(&json, "url",
               arena_format(m->arena, "%.*s/embed/%.*s", STR_FMT(m->public_url), STR_FMT(token)));
    out_string(&json, "token", token);
    out_instant(&json, "expiresAt", embed.expires_ms);
    json_close(&json, '}');
    return 0;
}

int manage_embed(struct manage *m, const struct json *body, struct buf *out, struct err *err)
{
    struct err why = {""};
    int rc = manage_end(m, make(m, body, out, &why), &why);

    return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}
