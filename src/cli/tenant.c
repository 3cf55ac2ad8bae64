/* cli/tenant.c -- `abacus tenant add|list|rm`. */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/table.h"

struct add_args {
    struct str id, name;
};

static const struct option add_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     .offset = offsetof(struct add_args, id),
     .sentence = "The tenant's id."},
    {.name = "name",
     .type = OPTION_TEXT,
     .value = "NAME",
     .offset = offsetof(struct add_args, name),
     .sentence = "What people call it; unless given, its id."},
    {.name = NULL},
};

static int run_add(const struct invocation *in, struct err *err)
{
    const struct add_args *args = in->args;
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc != 0) {
        return rc;
    }
    const struct actor actor = cli_actor();
    const struct tenant_row row = {.id = args->id,
                                   .name = args->name.len > 0 ? args->name : args->id,
                                   .active = true,
                                   .created_ms = actor.now_ms};
    rc = store_put_tenant(store, &row, &actor, err);
    store_close(&store);
    return rc;
}

static void add_json(const struct directory_rows *rows, struct buf *out)
{
    struct json_out json = {.buf = out};
    json_open(&json, '[');
    for (size_t i = 0; i < rows->tenants_count; i++) {
        const struct tenant_row *row = &rows->tenants[i];
        json_open(&json, '{');
        cli_json_text(&json, STR("id"), row->id);
        cli_json_text(&json, STR("name"), row->name);
        cli_json_text(&json, STR("status"), row->active ? STR("active") : STR("suspended"));
        cli_json_instant(&json, STR("createdAt"), row->created_ms);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    buf_addc(out, '\n');
}

static void add_table(const struct directory_rows *rows, struct arena *arena, struct buf *out)
{
    struct table table = {.arena = arena, .columns = 4};
    table_cell(&table, STR("ID"));
    table_cell(&table, STR("NAME"));
    table_cell(&table, STR("STATUS"));
    table_cell(&table, STR("CREATED"));
    for (size_t i = 0; i < rows->tenants_count; i++) {
        table_cell(&table, rows->tenants[i].id);
        table_cell(&table, rows->tenants[i].name);
        table_cell(&table, rows->tenants[i].active ? STR("active") : STR("suspended"));
        table_cell(&table, table_instant(arena, rows->tenants[i].created_ms, "-"));
    }
    table_print(&table, out);
}

static int run_list(const struct invocation *in, struct err *err)
{
    const struct json_args *args = in->args;
    struct directory_rows rows;
    int rc = cli_read_directory(in, &rows, err);
    if (rc != 0) {
        return rc;
    }
    if (args->json) {
        add_json(&rows, in->out);
    } else {
        add_table(&rows, in->arena, in->out);
    }
    return 0;
}

static int run_rm(const struct invocation *in, struct err *err)
{
    const struct id_args *args = in->args;
    return cli_remove(in, store_remove_tenant, args->id, err);
}

const struct command command_tenant_add = {
    .name = "tenant add",
    .summary = "Add a tenant; the same again is no error.",
    .options = add_options,
    .args_size = sizeof(struct add_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_add,
};

const struct command command_tenant_list = {
    .name = "tenant list",
    .summary = "List the tenants.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_list,
};

const struct command command_tenant_rm = {
    .name = "tenant rm",
    .summary = "Remove a tenant that has no sites.",
    .options = id_options,
    .args_size = sizeof(struct id_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_rm,
};
