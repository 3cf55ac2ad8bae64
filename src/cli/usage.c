/* cli/usage.c -- `abacus usage`. */
#include "cli/managed.h"

struct usage_args {
    struct str month, tenant;
    bool json;
};
#define USAGE(member) .offset = offsetof(struct usage_args, member)

static const struct option usage_options[] = {
    {.name = "month",
     .type = OPTION_TEXT,
     .value = "YYYY-MM",
     USAGE(month),
     .sentence = "The month; unless given, this one."},
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     USAGE(tenant),
     .sentence = "Only this tenant's."},
    {.name = "json",
     .type = OPTION_FLAG,
     USAGE(json),
     .sentence = "Give the result as JSON, with the sites of each tenant."},
    {.name = NULL},
};

static int run_usage(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {{"TENANT", "tenantId"}, {"EVENTS", "events"},
                                            {"DROPPED", "dropped"}, {"REJECTED", "rejected"},
                                            {"LIMIT", "limit"},     {NULL, NULL}};
    const struct usage_args *args = in->args;
    struct managed managed;
    int rc = managed_open(&managed, in, false, err);
    if (rc == 0) {
        rc = manage_usage(&managed.manage, args->tenant, args->month, &managed.answer, err);
    }
    if (rc == 0) {
        rc = managed_show(&managed, args->json, columns, err);
    }
    return managed_close(&managed, rc);
}

const struct command command_usage = {
    .name = "usage",
    .summary = "Show how many events each tenant had in a month, by the ledger.",
    .options = usage_options,
    .args_size = sizeof(struct usage_args),
    .groups = SETTINGS_DATA,
    .run = run_usage,
};
