/* cli/version.c -- `abacus version`. */
#include "cli/command.h"

static int run(const struct invocation *in, struct err *err)
{
    (void)err;
    const struct json_args *args = in->args;
    if (!args->json) {
        buf_add(in->out, STR("abacus " ABACUS_VERSION "\n"));
        return 0;
    }
    struct json_out json = {.buf = in->out};
    json_open(&json, '{');
    json_name(&json, STR("version"));
    json_str(&json, STR(ABACUS_VERSION));
    json_close(&json, '}');
    buf_addc(in->out, '\n');
    return 0;
}

const struct command command_version = {
    .name = "version",
    .summary = "Tell the version.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .run = run,
};
