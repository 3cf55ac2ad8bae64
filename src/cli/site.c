/* cli/site.c -- `abacus site add|list|rm`. */
#include "cli/site.h"

#include "cli/managed.h"
#include "cli/table.h"

struct add_args {
    struct str id, tenant, domain, timezone;
    struct text_list allowed_origins, tracking_ids;
};
#define ADD(member) .offset = offsetof(struct add_args, member)

static const struct option add_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     ADD(id),
     .sentence = "The site's id, which its events carry."},
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     .required = true,
     ADD(tenant),
     .sentence = "Whose site it is; a missing tenant is made."},
    {.name = "domain",
     .type = OPTION_HOST,
     .value = "HOST",
     .required = true,
     ADD(domain),
     .sentence = "Its host; pages of it and of its subdomains may send."},
    {.name = "timezone",
     .type = OPTION_ZONE,
     .value = "ZONE",
     ADD(timezone),
     .sentence = "Where its days begin and end; unless given, its tenant's or UTC."},
    {.name = "allowed-origin",
     .type = OPTION_ORIGIN,
     .value = "HOST",
     .list = true,
     ADD(allowed_origins),
     .sentence = "A host whose pages may send too: example.com, *.example.com, or * for any."},
    {.name = "tracking-id",
     .type = OPTION_ID,
     .value = "ID",
     .list = true,
     ADD(tracking_ids),
     .sentence = "A public alias of the id, accepted in its place."},
    {.name = NULL},
};

/* Naming further origins must not shut out the site's own pages, so that the list begins with them.
 */
static struct text_list allowed_origins(const struct add_args *args, struct arena *arena)
{
    const struct text_list *given = &args->allowed_origins;
    struct text_list all = {ARENA_NEW(arena, struct str, given->count + 2), 0};
    struct buf below = {0};
    if (given->count == 0) {
        return all;
    }
    buf_addf(&below, "*.%.*s", STR_FMT(args->domain));
    all.items[all.count++] = args->domain;
    all.items[all.count++] = arena_str(arena, buf_str(&below));
    buf_release(&below);
    for (size_t i = 0; i < given->count; i++) {
        all.items[all.count++] = given->items[i];
    }
    return all;
}

static int run_add(const struct invocation *in, struct err *err)
{
    const struct add_args *args = in->args;
    const struct text_list origins = allowed_origins(args, in->arena);
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        managed_text(&managed, "tenantId", args->tenant);
        managed_text(&managed, "domain", args->domain);
        managed_text(&managed, "timezone", args->timezone);
        managed_texts(&managed, "allowedOrigins", &origins);
        managed_texts(&managed, "trackingIds", &args->tracking_ids);
        rc = managed_put(&managed, MANAGE_SITES, args->id, MANAGE_ADD, err);
    }
    return managed_close(&managed, rc);
}

/* -- list -- */

struct list_args {
    struct str tenant;
    bool json;
};

static const struct option list_options[] = {
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     .offset = offsetof(struct list_args, tenant),
     .sentence = "Only this tenant's."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct list_args, json),
     .sentence = "Give the result as JSON."},
    {.name = NULL},
};

void site_json(const struct site_row *row, struct json_out *json)
{
    json_open(json, '{');
    site_settings_json(row, json);
    cli_json_instant(json, STR("createdAt"), row->created_ms);
    json_close(json, '}');
}

struct site_row site_holds(const struct directory_rows *rows, const struct site_row *site,
                           struct arena *arena)
{
    struct site_row row = *site;
    struct str tenant = STR("");
    for (size_t i = 0; i < rows->tenants_count; i++) {
        if (str_eq(rows->tenants[i].id, site->tenant)) {
            tenant = rows->tenants[i].settings;
        }
    }
    site_row_resolve(&row, tenant, rows->installation, arena, NULL);
    return row;
}

static void add_row(const struct site_row *row, struct arena *arena, struct table *table)
{
    table_cell(table, row->id);
    table_cell(table, row->tenant);
    table_cell(table, row->domain);
    table_cell(table, row->timezone);
    table_cell(table, row->erase_ms > 0 ? STR("deleted")
                      : row->enabled    ? STR("enabled")
                                        : STR("disabled"));
    table_cell(table, table_instant(arena, row->created_ms, "-"));
}

static int run_list(const struct invocation *in, struct err *err)
{
    const struct list_args *args = in->args;
    struct directory_rows rows;
    int rc = cli_read_directory(in, &rows, err);
    if (rc != 0) {
        return rc;
    }
    static const char *const titles[] = {"ID", "TENANT", "DOMAIN", "TIMEZONE", "STATUS", "CREATED"};
    struct table table = {.arena = in->arena, .columns = sizeof(titles) / sizeof(titles[0])};
    struct json_out json = {.buf = in->out};
    for (size_t i = 0; i < table.columns; i++) {
        table_cell(&table, str_from(titles[i]));
    }
    if (args->json) {
        json_open(&json, '[');
    }
    for (size_t i = 0; i < rows.sites_count; i++) {
        if (args->tenant.len > 0 && !str_eq(args->tenant, rows.sites[i].tenant)) {
            continue;
        }
        if (args->json) {
            site_json(&rows.sites[i], &json);
        } else {
            struct site_row holds = site_holds(&rows, &rows.sites[i], in->arena);
            add_row(&holds, in->arena, &table);
        }
    }
    if (args->json) {
        json_close(&json, ']');
        buf_addc(in->out, '\n');
    } else {
        table_print(&table, in->out);
    }
    return 0;
}

/* -- rm -- */

static int run_rm(const struct invocation *in, struct err *err)
{
    const struct remove_args *args = in->args;
    return managed_remove(in, MANAGE_SITES, args->id, args->now, args->json, err);
}

const struct site_row *site_find(const struct directory_rows *rows, struct str id)
{
    for (size_t i = 0; i < rows->sites_count; i++) {
        if (str_eq(rows->sites[i].id, id)) {
            return &rows->sites[i];
        }
    }
    return NULL;
}

const struct command command_site_add = {
    .name = "site add",
    .summary = "Add a site; the same again is no error.",
    .options = add_options,
    .args_size = sizeof(struct add_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_add,
};

const struct command command_site_list = {
    .name = "site list",
    .summary = "List the sites.",
    .options = list_options,
    .args_size = sizeof(struct list_args),
    .groups = SETTINGS_DATA,
    .run = run_list,
};

const struct command command_site_rm = {
    .name = "site rm",
    .summary = "Remove a site: suspended at once, erased after 30 days.",
    .note = "Until then `abacus site set ID status=active` takes it back.",
    .options = remove_options,
    .args_size = sizeof(struct remove_args),
    .operand = "id",
    .groups = SETTINGS_DATA,
    .run = run_rm,
};
