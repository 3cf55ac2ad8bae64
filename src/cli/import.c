/* cli/import.c -- `abacus import`: a copy (copy.h) into an empty database. */
#include "cli/copy.h"

#define ARG(member) .offset = offsetof(struct copy_args, member)

static const struct option import_options[] = {
    {.name = "input",
     .type = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     ARG(file),
     .sentence = "What export wrote; - is stdin."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

static int run(const struct invocation *in, struct err *err)
{
    return copy_in_command(in, "import", COPY_IMPORT,
                           "; abacus restore --yes puts a copy in place of everything", err);
}

const struct command command_import = {
    .name = "import",
    .summary = "Read what export --all wrote into an empty database, and compare the numbers.",
    .note = "All of it is one transaction: where the copy is cut or damaged nothing is changed. "
            "The same copy\n"
            "again changes nothing.",
    .options = import_options,
    .args_size = sizeof(struct copy_args),
    .operand = "input",
    .groups = SETTINGS_DATA,
    .run = run,
};
