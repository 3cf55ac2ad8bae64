/* cli/defaults.c -- `abacus settings set|list`: what holds for many sites. */
#include "cli/managed.h"

struct settings_args {
    struct str tenant, site;
    struct text_list changes;
    bool json;
};
#define SETTINGS(member) .offset = offsetof(struct settings_args, member)

static const struct option settings_set_options[] = {
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     SETTINGS(tenant),
     .sentence = "For the sites of this tenant; unless given, for all."},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "NAME=VALUE",
     .list = true,
     .required = true,
     SETTINGS(changes),
     .sentence = "A setting, as `abacus site set` has them; without a value (NAME=) it is not set "
                 "here any more."},
    {.name = NULL},
};

static int run_settings_set(const struct invocation *in, struct err *err)
{
    const struct settings_args *args = in->args;
    const struct json *body = NULL;
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = managed_assign(&managed, manage_members(MANAGE_SITES), &args->changes, err);
    }
    if (rc == 0) {
        rc = managed_body(&managed, &body, err);
    }
    if (rc == 0) {
        rc = manage_settings_put(&managed.manage, args->tenant, STR(""), body, MANAGE_PATCH,
                                 &managed.answer, err);
    }
    return managed_close(&managed, rc);
}

const struct command command_settings_set = {
    .name = "settings set",
    .summary = "Set what holds for all sites, or a tenant's, that set no value of their own.",
    .options = settings_set_options,
    .args_size = sizeof(struct settings_args),
    .operand = "set",
    .groups = SETTINGS_DATA,
    .run = run_settings_set,
};

static const struct option settings_list_options[] = {
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     SETTINGS(tenant),
     .sentence = "What holds for a tenant's sites."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     SETTINGS(site),
     .sentence = "What holds for a site."},
    {.name = "json", .type = OPTION_FLAG, SETTINGS(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static void add_setting(struct str prefix, struct str name, const struct json *setting,
                        struct buf *out)
{
    struct json_out json = {.buf = out};
    const struct json *value = json_get(setting, STR("value")),
                      *from = json_get(setting, STR("from"));
    buf_addf(out, "%.*s%.*s = ", STR_FMT(prefix), STR_FMT(name));
    json_value(&json, value);
    buf_addf(out, "  (%.*s)\n", STR_FMT(from->text));
}

/* {"value":...,"from":...}, or an object of such. */
static void add_settings(struct str prefix, const struct json *object, struct buf *out)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct json *member = &object->members[i].value;
        if (member->type != JSON_OBJECT) {
            continue;
        }
        if (json_get(member, STR("from")) != NULL) {
            add_setting(prefix, object->members[i].name, member, out);
            continue;
        }
        struct buf group = {0};
        buf_addf(&group, "%.*s.", STR_FMT(object->members[i].name));
        add_settings(buf_str(&group), member, out);
        buf_release(&group);
    }
}

static int run_settings_list(const struct invocation *in, struct err *err)
{
    const struct settings_args *args = in->args;
    const struct json *answer = NULL;
    struct managed managed;
    int rc = managed_open(&managed, in, false, err);
    if (rc == 0) {
        rc = manage_settings_get(&managed.manage, args->tenant, args->site, &managed.answer, err);
    }
    if (rc == 0) {
        rc = managed_answer(&managed, &answer, err);
    }
    if (rc == 0 && args->json) {
        buf_addf(in->out, "%.*s\n", STR_FMT(buf_str(&managed.answer)));
    } else if (rc == 0) {
        add_settings(STR(""), answer, in->out);
    }
    return managed_close(&managed, rc);
}

const struct command command_settings_list = {
    .name = "settings list",
    .summary = "Show what holds for all sites, a tenant's, or one, and where it comes from.",
    .options = settings_list_options,
    .args_size = sizeof(struct settings_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB,
    .run = run_settings_list,
};
