/* cli/migrate.c -- `abacus migrate`: opening the store to write brings its schema up to date. */
#include "cli/command.h"

static int run(const struct invocation *in, struct err *err)
{
    const struct json_args *args = in->args;
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc != 0) {
        return rc;
    }
    store_close(&store);
    struct str shown = settings_shown(in->settings->database_url, in->arena);
    if (!args->json) {
        buf_addf(in->out, "%.*s is up to date\n", STR_FMT(shown));
        return 0;
    }
    struct json_out json = {.buf = in->out};
    json_open(&json, '{');
    cli_json_text(&json, STR("database"), shown);
    json_close(&json, '}');
    buf_addc(in->out, '\n');
    return 0;
}

const struct command command_migrate = {
    .name = "migrate",
    .summary = "Bring the database's schema up to date (serve does it too).",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run,
};
