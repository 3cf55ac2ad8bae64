/* cli/restore.c -- `abacus restore`: a copy (copy.h) in place of everything in the database. */
#include "cli/copy.h"

#define ARG(member) .offset = offsetof(struct copy_args, member)

static const struct option restore_options[] = {
    {.name = "input",
     .type = OPTION_TEXT,
     .value = "FILE",
     .required = true,
     ARG(file),
     .sentence = "The copy; - is stdin."},
    {.name = "yes",
     .type = OPTION_FLAG,
     ARG(yes),
     .sentence = "Put it in place of everything that the database holds."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run(const struct invocation *in, struct err *err)
{
    const struct copy_args *args = in->args;
    return copy_in_command(in, "restore", args->yes ? COPY_REPLACE : COPY_RESTORE,
                           "; --yes puts the copy in place of everything", err);
}

const struct command command_restore = {
    .name = "restore",
    .summary = "Put a copy made by backup in place of everything in the database.",
    .note = "A database that is not empty needs --yes. The copy is checked first, and all of it is "
            "one transaction.\n"
            "What nodes still have in their logs is counted again (doc/BACKUP.md).",
    .options = restore_options,
    .args_size = sizeof(struct copy_args),
    .operand = "input",
    .groups = SETTINGS_DATA,
    .run = run,
};
