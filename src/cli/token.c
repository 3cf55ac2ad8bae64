/* cli/token.c -- `abacus token create|list|revoke`. A token's text is shown once, alone on stdout.
 */
#include "access/access.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/table.h"

enum { SCOPES_TEXT = 64 };

struct create_args {
    struct str tenant, site, scope;
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
    {.name = "expires",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .min = 60000,
     .max = INT64_C(3660) * 86400000,
     .zero = true,
     CREATE(expires_ms),
     .sentence = "How long from now it holds; 0 means for ever."},
    {.name = "json", .type = OPTION_FLAG, CREATE(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int request_of(const struct create_args *args, int64_t now_ms, struct token_request *out,
                      struct err *err)
{
    if (args->platform == (args->tenant.len > 0)) {
        return err_set(err, ERR_INVALID, "token create: give either --tenant or --platform");
    }
    *out =
        (struct token_request){.platform = args->platform,
                               .tenant = args->tenant,
                               .site = args->site,
                               .expires_ms = args->expires_ms > 0 ? now_ms + args->expires_ms : 0};
    int rc = scopes_parse(args->scope, &out->scopes, err);
    return rc == 0 ? 0 : err_wrap(err, rc, "--scope");
}

static int run_create(const struct invocation *in, struct err *err)
{
    const struct create_args *args = in->args;
    const struct actor actor = cli_actor();
    struct token_request request;
    struct store *store = NULL;
    char text[TOKEN_TEXT_MAX];
    int rc = request_of(args, actor.now_ms, &request, err);
    if (rc != 0) {
        return rc;
    }
    rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc != 0) {
        return rc;
    }
    rc = token_create(store, &request, &actor, text, err);
    store_close(&store);
    if (rc != 0) {
        return err_wrap(err, rc, "token create");
    }
    if (!args->json) {
        buf_addf(in->out, "%s\n", text);
        return 0;
    }
    struct json_out json = {.buf = in->out};
    json_open(&json, '{');
    cli_json_text(&json, STR("token"), str_from(text));
    json_close(&json, '}');
    buf_addc(in->out, '\n');
    return 0;
}

/* -- list -- */

static void add_json(const struct token_row *row, struct json_out *json)
{
    char scopes[SCOPES_TEXT];
    scopes_format(row->scopes, scopes, sizeof(scopes));
    json_open(json, '{');
    cli_json_text(json, STR("id"), row->id);
    json_name(json, STR("platform"));
    json_bool(json, row->platform);
    cli_json_text(json, STR("tenantId"), row->tenant);
    cli_json_text(json, STR("siteId"), row->site);
    json_name(json, STR("scopes"));
    json_open(json, '[');
    struct str rest = str_from(scopes), scope;
    while (str_next(&rest, ',', &scope)) {
        json_str(json, scope);
    }
    json_close(json, ']');
    cli_json_instant(json, STR("createdAt"), row->created_ms);
    cli_json_instant(json, STR("expiresAt"), row->expires_ms);
    json_close(json, '}');
}

static void add_row(const struct token_row *row, struct arena *arena, struct table *table)
{
    char scopes[SCOPES_TEXT];
    scopes_format(row->scopes, scopes, sizeof(scopes));
    table_cell(table, row->id);
    table_cell(table, row->platform ? STR("(platform)") : row->tenant);
    table_cell(table, row->site.len > 0 ? row->site : STR("(any)"));
    table_cell(table, arena_str(arena, str_from(scopes)));
    table_cell(table, table_instant(arena, row->created_ms, "-"));
    table_cell(table, table_instant(arena, row->expires_ms, "never"));
}

static void add_table(const struct directory_rows *rows, struct arena *arena, struct buf *out)
{
    static const char *const titles[] = {"ID", "TENANT", "SITE", "SCOPES", "CREATED", "EXPIRES"};
    struct table table = {.arena = arena, .columns = sizeof(titles) / sizeof(titles[0])};
    for (size_t i = 0; i < table.columns; i++) {
        table_cell(&table, str_from(titles[i]));
    }
    for (size_t i = 0; i < rows->tokens_count; i++) {
        add_row(&rows->tokens[i], arena, &table);
    }
    table_print(&table, out);
}

static int run_list(const struct invocation *in, struct err *err)
{
    const struct json_args *args = in->args;
    struct directory_rows rows;
    int rc = cli_read_directory(in, &rows, err);
    if (rc != 0) {
        return rc;
    }
    if (!args->json) {
        add_table(&rows, in->arena, in->out);
        return 0;
    }
    struct json_out json = {.buf = in->out};
    json_open(&json, '[');
    for (size_t i = 0; i < rows.tokens_count; i++) {
        add_json(&rows.tokens[i], &json);
    }
    json_close(&json, ']');
    buf_addc(in->out, '\n');
    return 0;
}

static int run_revoke(const struct invocation *in, struct err *err)
{
    const struct id_args *args = in->args;
    return cli_remove(in, store_remove_token, args->id, err);
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
