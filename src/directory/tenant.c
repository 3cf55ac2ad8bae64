/*
 * directory/tenant.c -- from a tenant's row to the struct that requests read, and what a tenant and
 * the installation set for their sites.
 *
 * As with sites, a row may have been written by another program: what cannot be read of it is told
 * to the operator, and falls back to what holds without it.
 */
#include "directory/directory_internal.h"

#include "base/json.h"

enum { SETTINGS_DEPTH = 8 };

static int64_t or_none(int64_t limit)
{
    return limit < 0 ? 0 : limit;
}

void directory_make_tenant(struct directory *directory, const struct tenant_row *row,
                           struct arena *arena, struct tenant *out)
{
    struct list_reader reader = {directory, "tenant", row->id, arena};

    *out = (struct tenant){
        .id = arena_str(arena, row->id),
        .name = arena_str(arena, row->name),
        .active = row->active && row->erase_ms == 0,
        .erasing = row->erase_ms != 0,
        .events_per_second = or_none(row->events_per_second),
        .events_per_month = or_none(row->events_per_month),
        .sites_max = or_none(row->sites_max),
        .reads_per_minute = or_none(row->reads_per_minute),
    };
    out->embed_origins =
        read_list(&reader, "embedOrigins", row->embed_origins, &out->embed_origins_count);
}

/* Each value is tried on a site of the defaults; what is refused there site_row_resolve() passes
 * over. */
struct str directory_layer(struct directory *directory, struct str tenant, struct str text,
                           struct arena *scratch)
{
    struct site_row defaults = site_row_default();
    struct json *json = NULL;
    struct err err = {""};

    if (text.len == 0)
        return text;
    int rc = json_parse(text, SETTINGS_DEPTH, scratch, &json, &err);

    if (rc == 0 && json->type != JSON_OBJECT)
        rc = err_set(&err, ERR_INVALID, "not an object");
    if (rc != 0) {
        directory_warn(directory, "settings ignored", "tenant", tenant, err.text);
        return STR("");
    }
    if (site_settings_put(&defaults, json, true, scratch, &err) != 0)
        directory_warn(directory, "a setting is ignored", "tenant", tenant, err.text);
    return text;
}
