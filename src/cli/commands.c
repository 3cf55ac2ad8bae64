/* cli/commands.c -- the table of commands, and what several of them have in common. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/date.h"

const struct command *const commands[] = {
    &command_serve,        &command_aggregate,      &command_migrate,
    &command_tenant_add,   &command_tenant_set,     &command_tenant_list,
    &command_tenant_rm,    &command_site_add,       &command_site_set,
    &command_site_list,    &command_site_rm,        &command_site_snippet,
    &command_settings_set, &command_settings_list,  &command_user_add,
    &command_user_list,    &command_user_rm,        &command_user_passwd,
    &command_user_setup,   &command_token_create,   &command_token_list,
    &command_token_revoke, &command_link_add,       &command_link_list,
    &command_link_rm,      &command_usage,          &command_audit,
    &command_erase,        &command_receipts,       &command_queue_status,
    &command_queue_dump,   &command_relay,          &command_backup,
    &command_restore,      &command_export,         &command_import,
    &command_demo,         &command_privacy_report, &command_doctor,
    &command_version,      &command_help,           NULL,
};

const struct option json_options[] = {
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct json_args, json),
     .sentence = "Give the result as JSON."},
    {.name = NULL},
};

const struct option id_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     .offset = offsetof(struct id_args, id),
     .sentence = "Which one."},
    {.name = NULL},
};

struct actor cli_actor(void)
{
    return (struct actor){.name = STR("cli"), .now_ms = clock_wall_ms()};
}

int cli_read_directory(const struct invocation *in, struct directory_rows *out, struct err *err)
{
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, true, in->arena, &store, err);
    if (rc == 0) {
        rc = store_read_directory(store, in->arena, out, err);
    }
    store_close(&store);
    return rc;
}

int cli_remove(const struct invocation *in, remove_fn *remove, struct str id, struct err *err)
{
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc != 0) {
        return rc;
    }
    const struct actor actor = cli_actor();
    rc = remove(store, id, &actor, err);
    store_close(&store);
    return rc;
}

void cli_json_text(struct json_out *json, struct str name, struct str value)
{
    if (value.len > 0) {
        json_name(json, name);
        json_str(json, value);
    }
}

void cli_json_number(struct json_out *json, struct str name, int64_t n)
{
    json_name(json, name);
    json_i64(json, n);
}

void cli_json_instant(struct json_out *json, struct str name, int64_t ms)
{
    json_name(json, name);
    if (ms == 0) {
        json_null(json);
        return;
    }
    char text[INSTANT_TEXT];
    instant_format(ms, text);
    json_str(json, str_from(text));
}
