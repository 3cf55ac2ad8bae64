/*
 * manage/tokens.c -- tokens. The secret is shown once, when the token is made; what may change
 * afterwards is its name, its scopes and its end, never whose it is.
 */
#include "manage/manage_internal.h"

const struct manage_member token_members[] = {
    {.name = "id", .type = "string", .meaning = "Its id; never changes."},
    {.name = "name", .type = "string", .meaning = "What it is for."},
    {.name = "tenantId",
     .type = "string",
     .meaning = "Whose it is; null: the platform's. Never changes."},
    {.name = "siteId",
     .type = "string",
     .meaning = "The one site that it is for; null: all. Never changes."},
    {.name = "platform",
     .type = "boolean",
     .meaning = "Whether it is the platform's. Never changes."},
    {.name = "scopes",
     .type = "array",
     .meaning = "What it may do: stats:read, events:write, admin; of the platform also metrics.",
     .required = true},
    {.name = "createdAt", .type = "string", .meaning = "When it was made.", .read_only = true},
    {.name = "expiresAt", .type = "string", .meaning = "When it ends; null: never."},
    {.name = "token",
     .type = "string",
     .meaning = "The token itself, only in the answer that made it.",
     .read_only = true},
    {.name = NULL},
};

/* Whoever manages a site manages the tokens that are bound to it. */
static unsigned scopes_at(const struct manage *m, const struct token_row *token)
{
    if (token->platform)
        return m->caller->platform;
    return token->site.len > 0 ? caller_at_site(m->caller, token->tenant, token->site)
                               : caller_at_tenant(m->caller, token->tenant);
}

int token_reach(struct manage *m, const void *row, struct err *err)
{
    return manage_may(scopes_at(m, row), "token", err);
}

/* -- to JSON ----------------------------------------------------------------------------------- */

int token_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct token_row *token = row;
    char scopes[64];

    (void)m;
    (void)err;
    scopes_format(token->scopes, scopes, sizeof(scopes));
    struct str rest = str_from(scopes), scope;

    out_string(json, "id", token->id);
    out_text(json, "name", token->name);
    out_text(json, "tenantId", token->tenant);
    out_text(json, "siteId", token->site);
    out_bool(json, "platform", token->platform);
    json_name(json, STR("scopes"));
    json_open(json, '[');
    while (str_next(&rest, ',', &scope))
        json_str(json, scope);
    json_close(json, ']');
    out_instant(json, "createdAt", token->created_ms);
    out_instant(json, "expiresAt", token->expires_ms);
    return 0;
}

int token_done(struct change *change, const void *row, struct json_out *json, struct err *err)
{
    const struct token_row *token = row;

    (void)err;
    if (!change->exists && memcmp(token->hash, change->hash, TOKEN_HASH_BYTES) == 0)
        out_string(json, "token", str_from(change->text));
    return 0;
}

/* -- making and changing ----------------------------------------------------------------------- */

int token_prepare(struct change *change, struct err *err)
{
    const struct json *scopes;

    if (change->how != MANAGE_PATCH && body_use(change, "scopes", &scopes) != BODY_GIVEN)
        return err_set(err, ERR_INVALID, "scopes: is missing");
    token_secret_make(change->text, change->hash);
    return 0;
}

static int read_scopes(const struct change *change, unsigned *out, struct err *err)
{
    const struct json *list;

    if (body_use(change, "scopes", &list) == BODY_KEEP)
        return 0;
    if (list == NULL || list->type != JSON_ARRAY || list->count == 0)
        return err_set(err, ERR_INVALID, "scopes: must be a list of at least one");
    *out = 0;
    for (size_t i = 0; i < list->count; i++) {
        unsigned scope = 0;

        /* A comma would join two. */
        if (list->items[i].type != JSON_STRING ||
            str_find(list->items[i].text, 0, ',') != list->items[i].text.len ||
            scopes_parse(list->items[i].text, &scope, NULL) != 0)
            return err_set(err, ERR_INVALID,
                           "scopes[%zu]: must be stats:read, events:write, admin or metrics", i);
        *out |= scope;
    }
    return 0;
}

/* Whose a new token is to be. */
static int read_owner(struct change *change, struct token_row *token, struct err *err)
{
    const struct json *platform, *tenant, *site;

    token->platform = body_use(change, "platform", &platform) == BODY_GIVEN && platform->boolean;
    token->tenant = body_use(change, "tenantId", &tenant) == BODY_GIVEN ? tenant->text : STR("");
    token->site = body_use(change, "siteId", &site) == BODY_GIVEN ? site->text : STR("");
    if (token->platform && token->tenant.len + token->site.len > 0)
        return err_set(err, ERR_INVALID, "platform: such a token names no tenant and no site");
    if (token->platform)
        return manage_is_platform(change->m)
                   ? 0
                   : err_set(err, ERR_DENIED, "platform: is for the platform to say");
    if (token->tenant.len == 0)
        return err_set(err, ERR_INVALID, "tenantId: is missing");
    return 0;
}

/* The tenant is there and reached, and so is the site, which is the tenant's. */
static int check_owner(struct change *change, const struct token_row *token, struct arena *arena,
                       struct err *err)
{
    struct manage *m = change->m;
    struct tenant_row tenant;
    struct site_row site;
    bool bound = token->site.len > 0;
    int rc = manage_may(scopes_at(m, token), bound ? "site" : "tenant", err);

    if (rc != 0)
        return err_wrap(err, rc, "%s", bound ? "siteId" : "tenantId");
    rc = str_is_id(token->tenant)
             ? store_get(m->store, ROW_TENANT, token->tenant, arena, &tenant, err)
             : 0;
    if (rc <= 0)
        return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "tenantId: there is no such tenant");
    if (!bound)
        return 0;
    rc = str_is_id(token->site) ? store_get(m->store, ROW_SITE, token->site, arena, &site, err) : 0;
    if (rc < 0)
        return rc;
    return rc == 1 && str_eq(site.tenant, token->tenant)
               ? 0
               : err_set(err, ERR_NOTFOUND, "siteId: there is no such site");
}

/* Of a PUT that leaves it out the owner is none, too. */
static int same_text(const struct change *change, const char *name, struct str is, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, name, &value);

    return use == BODY_KEEP || str_eq(use == BODY_GIVEN ? value->text : STR(""), is)
               ? 0
               : err_set(err, ERR_CONFLICT, "%s: never changes", name);
}

static int check_fixed(const struct change *change, const struct token_row *token, struct err *err)
{
    const struct json *platform;
    enum body_use use = body_use(change, "platform", &platform);
    int rc = same_text(change, "tenantId", token->tenant, err);

    if (rc == 0)
        rc = same_text(change, "siteId", token->site, err);
    if (rc == 0 && use != BODY_KEEP && (use == BODY_GIVEN && platform->boolean) != token->platform)
        rc = err_set(err, ERR_CONFLICT, "platform: never changes");
    return rc == 0 ? body_fixed_instant(change, "createdAt", token->created_ms, err) : rc;
}

int token_apply(struct change *change, void *row, struct arena *arena, struct err *err)
{
    struct token_row *token = row;
    int rc = change->exists ? 0 : read_owner(change, token, err);

    if (rc == 0 && !change->exists && !token->platform)
        rc = check_owner(change, token, arena, err);
    if (rc == 0)
        rc = check_fixed(change, token, err);
    if (rc == 0)
        rc = body_text(change, "name", STR(""), 1, NAME_MAX_BYTES, &token->name, err);
    if (rc == 0)
        rc = read_scopes(change, &token->scopes, err);
    if (rc == 0 && !token->platform && (token->scopes & SCOPE_METRICS) != 0)
        rc = err_set(err, ERR_INVALID, "scopes: metrics is only for tokens of the platform");
    if (rc == 0)
        rc = body_end(change, "expiresAt", &token->expires_ms, err);
    if (rc != 0)
        return rc;
    if (!change->exists) {
        token->created_ms = change->m->now_ms;
        memcpy(token->hash, change->hash, TOKEN_HASH_BYTES);
    }
    return EDIT_PUT;
}
