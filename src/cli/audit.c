/* cli/audit.c -- `abacus audit`. */
#include "cli/managed.h"

struct audit_args {
    struct str tenant;
    int64_t limit;
    bool json;
};
#define AUDIT(member) .offset = offsetof(struct audit_args, member)

static const struct option audit_options[] = {
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     AUDIT(tenant),
     .sentence = "Only this tenant's."},
    {.name = "limit",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "50",
     .min = 1,
     .max = MANAGE_LIMIT_MAX,
     AUDIT(limit),
     .sentence = "How many lines."},
    {.name = "json", .type = OPTION_FLAG, AUDIT(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run_audit(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {{"AT", "at"},           {"WHO", "actor"},
                                            {"DID", "action"},      {"TO", "target"},
                                            {"TENANT", "tenantId"}, {NULL, NULL}};
    const struct audit_args *args = in->args;
    const struct manage_query query = {.tenant = args->tenant, .limit = (size_t)args->limit};
    struct managed managed;
    int rc = managed_open(&managed, in, false, err);
    if (rc == 0) {
        rc = manage_audit(&managed.manage, &query, &managed.answer, err);
    }
    if (rc == 0) {
        rc = managed_show(&managed, args->json, columns, err);
    }
    return managed_close(&managed, rc);
}

const struct command command_audit = {
    .name = "audit",
    .summary = "Show who changed what, the newest first.",
    .options = audit_options,
    .args_size = sizeof(struct audit_args),
    .groups = SETTINGS_DATA,
    .run = run_audit,
};
