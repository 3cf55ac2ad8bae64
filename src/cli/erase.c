/* cli/erase.c -- `abacus erase` and `abacus receipts`. */
#include "cli/managed.h"

struct erase_args {
    struct str site, path, event, prop;
    bool json;
};
#define ERASE(member) .offset = offsetof(struct erase_args, member)

static const struct option erase_options[] = {
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     .required = true,
     ERASE(site),
     .sentence = "Of which site."},
    {.name = "path",
     .type = OPTION_TEXT,
     .value = "PATH",
     ERASE(path),
     .sentence = "A path, as the dashboard shows it."},
    {.name = "event",
     .type = OPTION_TEXT,
     .value = "NAME",
     ERASE(event),
     .sentence = "The name of an event of the site's own."},
    {.name = "prop",
     .type = OPTION_TEXT,
     .value = "NAME",
     ERASE(prop),
     .sentence = "A property, with all of its values."},
    {.name = "json", .type = OPTION_FLAG, ERASE(json), .sentence = "Give the receipt as JSON."},
    {.name = NULL},
};

static int run_erase(const struct invocation *in, struct err *err)
{
    const struct erase_args *args = in->args;
    const struct json *body = NULL, *receipt = NULL;
    struct managed managed;
    if ((args->path.len > 0) + (args->event.len > 0) + (args->prop.len > 0) != 1) {
        return err_set(err, ERR_INVALID, "erase: give one of --path, --event and --prop");
    }
    int rc = managed_open(&managed, in, true, err);
    managed_text(&managed, "siteId", args->site);
    managed_text(&managed, "path", args->path);
    managed_text(&managed, "event", args->event);
    managed_text(&managed, "prop", args->prop);
    if (rc == 0) {
        rc = managed_body(&managed, &body, err);
    }
    if (rc == 0) {
        rc = manage_erase(&managed.manage, body, &managed.answer, err);
    }
    if (rc == 0) {
        rc = managed_answer(&managed, &receipt, err);
    }
    if (rc == 0 && args->json) {
        buf_addf(in->out, "%.*s\n", STR_FMT(buf_str(&managed.answer)));
    } else if (rc == 0) {
        buf_addf(in->out, "Receipt %.*s: the next run of the job erases it\n",
                 STR_FMT(managed_member(receipt, "id", in->arena)));
    }
    return managed_close(&managed, rc);
}

const struct command command_erase = {
    .name = "erase",
    .summary = "Erase a path, an event or a property of a site; totals stay.",
    .note = "To erase a whole site or tenant: `abacus site rm`, `abacus tenant rm`.",
    .options = erase_options,
    .args_size = sizeof(struct erase_args),
    .groups = SETTINGS_DATA,
    .run = run_erase,
};

static int run_receipts(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {
        {"ID", "id"},       {"KIND", "kind"}, {"TENANT", "tenantId"}, {"SITE", "siteId"},
        {"BY", "askedBy"},  {"DUE", "dueAt"}, {"DONE", "doneAt"},     {"ROWS", "rows"},
        {"NODES", "nodes"}, {NULL, NULL}};
    const struct json_args *args = in->args;
    return managed_list(in, MANAGE_RECEIPTS, &(struct manage_query){0}, columns, args->json, err);
}

const struct command command_receipts = {
    .name = "receipts",
    .summary = "List what was erased, and what is to be.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_receipts,
};
