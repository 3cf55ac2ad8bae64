/* cli/token.c -- `abacus token create|list|revoke`. A token's text is shown once, alone on stdout.
 */
#include "access/access.h"
#include "cli/managed.h"

struct create_args {
    struct str id, name, tenant, site, scope;
    bool platform, json;
    int64_t expires_ms;
};
#define CREATE(member) .offset = offsetof(struct create_args, member)

static const struct option create_options[] = {
    {.name = "scope",
     .type = OPTION_TEXT,
     .value = "SCOPE,...",
     .required = true,
     CREATE(scope),
     .sentence = "What it may do: stats:read, events:write, admin; for the platform also metrics."},
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     CREATE(tenant),
     .sentence = "The tenant that it belongs to."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     CREATE(site),
     .sentence = "Bind it to one site of the tenant."},
    {.name = "platform",
     .type = OPTION_FLAG,
     CREATE(platform),
     .sentence = "Make a token of the platform instead of a tenant."},
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     CREATE(id),
     .sentence = "What list and revoke call it; unless given, a random one."},
    {.name = "name",
     .type = OPTION_TEXT,
     .value = "NAME",
     CREATE(name),
     .sentence = "What it is for."},
    {.name = "expires",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .min = 60000,
     .max = INT64_C(3660) * 86400000,
     .zero = true,
     CREATE(expires_ms),
     .sentence = "How long from now it holds; 0 means for ever."},
    {.name = "json", .type = OPTION_FLAG, CREATE(json), .sentence = "Give the token as JSON."},
    {.name = NULL},
};

static int check(const struct create_args *args, struct text_list *scopes, struct arena *arena,
                 struct err *err)
{
    struct str rest = args->scope, scope;
    unsigned bits;
    if (args->platform == (args->tenant.len > 0)) {
        return err_set(err, ERR_INVALID, "token create: give either --tenant or --platform");
    }
    int rc = scopes_parse(args->scope, &bits, err);
    if (rc != 0) {
        return err_wrap(err, rc, "--scope");
    }
    scopes->items = ARENA_NEW(arena, struct str, args->scope.len + 1);
    while (str_next(&rest, ',', &scope)) {
        scopes->items[scopes->count++] = str_trim(scope);
    }
    return 0;
}

static int create(struct managed *managed, const struct create_args *args,
                  const struct text_list *scopes, struct err *err)
{
    const struct json *token = NULL;
    struct arena *arena = managed->in->arena;
    struct str id = args->id.len > 0 ? args->id : token_id_make(arena);
    managed_text(managed, "tenantId", args->tenant);
    managed_text(managed, "siteId", args->site);
    managed_text(managed, "name", args->name);
    managed_flag(managed, "platform", args->platform);
    managed_texts(managed, "scopes", scopes);
    if (args->expires_ms > 0) {
        managed_instant(managed, "expiresAt", managed->manage.now_ms + args->expires_ms);
    }
    int rc = managed_put(managed, MANAGE_TOKENS, id, MANAGE_ADD, err);
    if (rc == 0) {
        rc = managed_answer(managed, &token, err);
    }
    if (rc == 0 && json_get(token, STR("token")) == NULL) {
        rc = err_set(err, ERR_CONFLICT, "id: %.*s is there already, and was shown then",
                     STR_FMT(id));
    }
    if (rc == 0) {
        buf_addf(managed->in->out, "%.*s\n",
                 STR_FMT(args->json ? buf_str(&managed->answer)
                                    : managed_member(token, "token", arena)));
    }
    return rc == 0 ? 0 : err_wrap(err, rc, "token create");
}

static int run_create(const struct invocation *in, struct err *err)
{
    const struct create_args *args = in->args;
    struct text_list scopes = {0};
    struct managed managed;
    int rc = check(args, &scopes, in->arena, err);
    if (rc != 0) {
        return rc;
    }
    rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = create(&managed, args, &scopes, err);
    }
    return managed_close(&managed, rc);
}

/* -- list and revoke --------------------------------------------------------------------------- */

static int run_list(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {{"ID", "id"},
                                            {"NAME", "name"},
                                            {"TENANT", "tenantId"},
                                            {"SITE", "siteId"},
                                            {"SCOPES", "scopes"},
                                            {"CREATED", "createdAt"},
                                            {"EXPIRES", "expiresAt"},
                                            {NULL, NULL}};
    const struct json_args *args = in->args;
    return managed_list(in, MANAGE_TOKENS, &(struct manage_query){0}, columns, args->json, err);
}

static int run_revoke(const struct invocation *in, struct err *err)
{
    const struct id_args *args = in->args;
    return managed_remove(in, MANAGE_TOKENS, args->id, false, false, err);
}

const struct command command_token_create = {
    .name = "token create",
    .summary = "Make a token and print it, this once.",
    .note = "Only a hash of it is kept. Tokens are sent as \"Authorization: Bearer TOKEN\".",
    .options = create_options,
    .args_size = sizeof(struct create_args),
    .groups = SETTINGS_DATA,
    .run = run_create,
};

const struct command command_token_list = {
    .name = "token list",
    .summary = "List the tokens, without their secrets.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_list,
};

const struct command command_token_revoke = {
    .name = "token revoke",
    .summary = "Take a token away, by the id that list shows; it ends within a second.",
    .options = id_options,
    .args_size = sizeof(struct id_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_revoke,
};
