/*
 * manage/layers.c -- settings as JSON, and what the layers above a site set.
 */
#include "manage/manage_internal.h"

enum { DEPTH_MAX = 8 };

/* -- values as JSON ---------------------------------------------------------------------------- */

/* A row may have been written by another program: what cannot be read is null. */
void settings_values(const struct site_row *row, struct arena *arena,
                     const struct json *out[SETTINGS_MAX])
{
    static const struct json null = {.type = JSON_NULL};
    struct buf text = {0};
    struct json_out json = {.buf = &text};
    struct site_setting setting;
    struct json *object = NULL;

    json_open(&json, '{');
    site_settings_json(row, &json);
    json_close(&json, '}');
    int rc = json_parse(buf_str(&text), DEPTH_MAX, arena, &object, NULL);

    buf_release(&text);
    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        out[i] = rc == 0 ? body_get(object, setting.name) : NULL;
        out[i] = out[i] == NULL ? &null : out[i];
    }
}

struct str setting_group(struct str name)
{
    size_t dot = str_find(name, 0, '.');

    return dot < name.len ? str_slice(name, 0, dot) : STR("");
}

void settings_each(const struct json *const values[SETTINGS_MAX], add_setting_fn *add,
                   const void *ctx, struct json_out *json)
{
    struct str open = STR("");
    struct site_setting setting;

    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        struct str name = str_from(setting.name), group = setting_group(name);

        if (values[i] == NULL)
            continue;
        if (open.len > 0 && !str_eq(open, group))
            json_close(json, '}');
        if (group.len > 0 && !str_eq(open, group)) {
            json_name(json, group);
            json_open(json, '{');
        }
        open = group;
        json_name(json, group.len > 0 ? str_slice(name, group.len + 1, name.len) : name);
        if (add == NULL)
            json_value(json, values[i]);
        else
            add(ctx, i, json);
    }
    if (open.len > 0)
        json_close(json, '}');
}

int installation_settings(struct manage *m, struct str *out, struct err *err)
{
    struct installation_row row;
    int rc = store_get(m->store, ROW_INSTALLATION, STR("installation"), m->arena, &row, err);

    *out = rc == 1 ? row.settings : STR("");
    return rc < 0 ? rc : 0;
}

static int see_tenant(struct manage *m, struct manage_seen *seen, struct str id, struct str *out,
                      struct err *err)
{
    struct tenant_row row;

    for (size_t i = 0; i < seen->count; i++)
        if (str_eq(seen->tenants[i].id, id)) {
            *out = seen->tenants[i].settings;
            return 0;
        }
    int rc = store_get(m->store, ROW_TENANT, id, m->arena, &row, err);

    if (rc < 0)
        return rc;
    if (seen->count == seen->room) {
        struct tenant_settings *all =
            ARENA_NEW(m->arena, struct tenant_settings, 2 * seen->room + 1);

        for (size_t i = 0; i < seen->count; i++)
            all[i] = seen->tenants[i];
        seen->tenants = all;
        seen->room = 2 * seen->room + 1;
    }
    *out = row.settings;
    seen->tenants[seen->count++] = (struct tenant_settings){id, row.settings};
    return 0;
}

int layers_above(struct manage *m, struct str tenant, struct str *settings,
                 struct str *installation, struct err *err)
{
    struct manage_seen fresh = {0}, *seen = m->seen == NULL ? &fresh : m->seen;
    int rc = 0;

    if (!seen->has_installation)
        rc = installation_settings(m, &seen->installation, err);
    if (rc != 0)
        return rc;
    seen->has_installation = true;
    *installation = seen->installation;
    return see_tenant(m, seen, tenant, settings, err);
}
