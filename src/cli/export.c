/* cli/export.c -- `abacus export`: everything as a copy (copy.h), for `abacus import` elsewhere. */
#include "cli/copy.h"

#define ARG(member) .offset = offsetof(struct copy_args, member)

static const struct option export_options[] = {
    {.name = "all",
     .type = OPTION_FLAG,
     .required = true,
     ARG(all),
     .sentence = "Everything that the database holds."},
    {.name = "output",
     .type = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     ARG(file),
     .sentence = "Where it goes; - is stdout. A file takes its name when it is complete."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run(const struct invocation *in, struct err *err)
{
    return copy_out_command(in, "export", err);
}

const struct command command_export = {
    .name = "export",
    .summary = "Write everything in the database as JSON lines, for import into another one.",
    .note = "abacus export --all | DATABASE_URL=postgres://... abacus import moves an installation."
            "\nSalts are not in it; hashes of tokens are: keep it as secret as the database.",
    .options = export_options,
    .args_size = sizeof(struct copy_args),
    .groups = SETTINGS_DATA,
    .run = run,
};
