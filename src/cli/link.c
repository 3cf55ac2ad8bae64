/* cli/link.c -- `abacus link add|list|rm`: shared links to a site's dashboard. */
#include "cli/managed.h"

#include "cli/secret.h"

struct add_args {
    struct str id, site, name;
    bool password, json;
    int64_t expires_ms;
};
#define ADD(member) .offset = offsetof(struct add_args, member)

static const struct option add_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     ADD(id),
     .sentence = "The link's id."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     .required = true,
     ADD(site),
     .sentence = "The site that it shows."},
    {.name = "name",
     .type = OPTION_TEXT,
     .value = "NAME",
     ADD(name),
     .sentence = "What it is for."},
    {.name = "password",
     .type = OPTION_FLAG,
     ADD(password),
     .sentence = "Ask for a password, or read it from stdin."},
    {.name = "expires",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "0",
     .min = 60000,
     .max = INT64_C(3660) * 86400000,
     .zero = true,
     ADD(expires_ms),
     .sentence = "How long from now it holds; 0 means for ever."},
    {.name = "json", .type = OPTION_FLAG, ADD(json), .sentence = "Give the link as JSON."},
    {.name = NULL},
};

static int run_add(const struct invocation *in, struct err *err)
{
    const struct add_args *args = in->args;
    struct managed managed;
    struct str password = STR("");
    const struct json *link = NULL;
    int rc = args->password ? secret_read("Password of the link: ", in->arena, &password, err) : 0;
    if (rc != 0) {
        return rc;
    }
    rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        managed_text(&managed, "siteId", args->site);
        managed_text(&managed, "name", args->name);
        managed_text(&managed, "password", password);
        if (args->expires_ms > 0) {
            managed_instant(&managed, "expiresAt", managed.manage.now_ms + args->expires_ms);
        }
        rc = managed_put(&managed, MANAGE_LINKS, args->id, MANAGE_PUT, err);
    }
    if (rc == 0) {
        rc = managed_answer(&managed, &link, err);
    }
    if (rc == 0) {
        buf_add(in->out,
                args->json ? buf_str(&managed.answer) : managed_member(link, "url", in->arena));
        buf_addc(in->out, '\n');
    }
    return managed_close(&managed, rc);
}

struct list_args {
    struct str tenant, site;
    bool json;
};
#define LIST(member) .offset = offsetof(struct list_args, member)

static const struct option list_options[] = {
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     LIST(tenant),
     .sentence = "Only this tenant's."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     LIST(site),
     .sentence = "Only this site's."},
    {.name = "json", .type = OPTION_FLAG, LIST(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run_list(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {
        {"ID", "id"},   {"TENANT", "tenantId"},   {"SITE", "siteId"}, {"NAME", "name"},
        {"URL", "url"}, {"EXPIRES", "expiresAt"}, {NULL, NULL}};
    const struct list_args *args = in->args;
    const struct manage_query query = {.tenant = args->tenant, .site = args->site};
    return managed_list(in, MANAGE_LINKS, &query, columns, args->json, err);
}

static int run_rm(const struct invocation *in, struct err *err)
{
    const struct id_args *args = in->args;
    return managed_remove(in, MANAGE_LINKS, args->id, false, false, err);
}

const struct command command_link_add = {
    .name = "link add",
    .summary = "Make a link that shows a site's dashboard, and print it.",
    .note = "Unless --public-url is set it is printed without a host. One of that id that is there "
            "changes: it keeps its\npassword unless one is given, and ends as --expires says.",
    .options = add_options,
    .args_size = sizeof(struct add_args),
    .operand = "id",
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_add,
};

const struct command command_link_list = {
    .name = "link list",
    .summary = "List the shared links.",
    .options = list_options,
    .args_size = sizeof(struct list_args),
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_list,
};

const struct command command_link_rm = {
    .name = "link rm",
    .summary = "Take a shared link away; it ends within a second.",
    .options = id_options,
    .args_size = sizeof(struct id_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_rm,
};
