/* cli/tenant.c -- `abacus tenant add|set|list|rm`. */
#include "cli/managed.h"

/* -- add --------------------------------------------------------------------------------------- */

struct add_args {
    struct str id, name;
};

static const struct option add_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     .offset = offsetof(struct add_args, id),
     .sentence = "The tenant's id."},
    {.name = "name",
     .type = OPTION_TEXT,
     .value = "NAME",
     .offset = offsetof(struct add_args, name),
     .sentence = "What people call it; unless given, its id."},
    {.name = NULL},
};

static int run_add(const struct invocation *in, struct err *err)
{
    const struct add_args *args = in->args;
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        managed_text(&managed, "name", args->name);
        rc = managed_put(&managed, MANAGE_TENANTS, args->id, MANAGE_ADD, err);
    }
    return managed_close(&managed, rc);
}

/* -- set --------------------------------------------------------------------------------------- */

struct set_args {
    struct str id;
    struct text_list changes;
    bool json;
};

static const struct option set_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     .offset = offsetof(struct set_args, id),
     .sentence = "The tenant."},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "NAME=VALUE",
     .list = true,
     .required = true,
     .offset = offsetof(struct set_args, changes),
     .sentence = "name, status (active, suspended), limits.eventsPerSecond, limits.eventsPerMonth, "
                 "limits.sites, limits.readsPerMinute, embedOrigins (a list: a,b); without a value "
                 "(NAME=) it goes back to its default."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct set_args, json),
     .sentence = "Give the tenant as it is now as JSON."},
    {.name = NULL},
};

static int run_set(const struct invocation *in, struct err *err)
{
    const struct set_args *args = in->args;
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = managed_assign(&managed, manage_members(MANAGE_TENANTS), &args->changes, err);
    }
    if (rc == 0) {
        rc = managed_put(&managed, MANAGE_TENANTS, args->id, MANAGE_PATCH, err);
    }
    if (rc == 0 && args->json) {
        buf_add(in->out, buf_str(&managed.answer));
        buf_addc(in->out, '\n');
    }
    return managed_close(&managed, rc);
}

/* -- list and rm ------------------------------------------------------------------------------- */

static int run_list(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {{"ID", "id"},
                                            {"NAME", "name"},
                                            {"STATUS", "status"},
                                            {"EVENTS/S", "limits.eventsPerSecond"},
                                            {"EVENTS/MONTH", "limits.eventsPerMonth"},
                                            {"SITES", "limits.sites"},
                                            {"CREATED", "createdAt"},
                                            {NULL, NULL}};
    const struct json_args *args = in->args;
    return managed_list(in, MANAGE_TENANTS, &(struct manage_query){0}, columns, args->json, err);
}

static int run_rm(const struct invocation *in, struct err *err)
{
    const struct remove_args *args = in->args;
    return managed_remove(in, MANAGE_TENANTS, args->id, args->now, args->json, err);
}

const struct command command_tenant_add = {
    .name = "tenant add",
    .summary = "Add a tenant; the same again is no error.",
    .options = add_options,
    .args_size = sizeof(struct add_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_add,
};

const struct command command_tenant_set = {
    .name = "tenant set",
    .summary = "Change a tenant, its limits, or suspend it; it holds within a second.",
    .note = "A suspended tenant's events are not counted, and its people and tokens read nothing.",
    .options = set_options,
    .args_size = sizeof(struct set_args),
    .operand = "id",
    .rest = "set",
    .groups = SETTINGS_DATA,
    .run = run_set,
};

const struct command command_tenant_list = {
    .name = "tenant list",
    .summary = "List the tenants.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_list,
};

const struct command command_tenant_rm = {
    .name = "tenant rm",
    .summary = "Remove a tenant and its sites: suspended at once, erased after 30 days.",
    .note = "Until then `abacus tenant set ID status=active` takes it back.",
    .options = remove_options,
    .args_size = sizeof(struct remove_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_rm,
};
