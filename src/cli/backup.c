/* cli/backup.c -- `abacus backup`: a copy of the whole store (copy.h), while everything runs. */
#include "cli/copy.h"

#define ARG(member) .offset = offsetof(struct copy_args, member)

static const struct option backup_options[] = {
    {.name = "output",
     .type = OPTION_TEXT,
     .value = "FILE",
     .required = true,
     ARG(file),
     .sentence = "Where the copy goes; - is stdout. A file takes its name when it is complete."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run(const struct invocation *in, struct err *err)
{
    return copy_out_command(in, "backup", err);
}

const struct command command_backup = {
    .name = "backup",
    .summary = "Write a copy of everything in the database, of one moment, while it is in use.",
    .note = "Salts are not in it; hashes of tokens are: keep it as secret as the database "
            "(doc/BACKUP.md).",
    .options = backup_options,
    .args_size = sizeof(struct copy_args),
    .operand = "output",
    .groups = SETTINGS_DATA,
    .run = run,
};
