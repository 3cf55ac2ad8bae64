/*
 * store/layers.c -- settings from JSON, and what holds where a site sets none of its own: its
 * tenant's, the installation's, the default.
 *
 * What a tenant or the installation sets is read into a site's row of its own, so that there is one
 * way in, which knows types and bounds.
 */
#include "store/row_checks.h"
#include "store/settings.h"

#include "base/json.h"

/* -- from JSON --------------------------------------------------------------------------------- */

static struct str json_text(const struct json *value, struct arena *arena)
{
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};

    json_value(&json, value);
    struct str text = arena_str(arena, buf_str(&buf));

    buf_release(&buf);
    return text;
}

/* The type of JSON that a setting is written as, and what to say where it is not. */
static const struct {
    enum json_type type;
    const char *what;
} forms[] = {
    [SETTING_TEXT] = {JSON_STRING, "a text"},
    [SETTING_LIST] = {JSON_ARRAY, "a list of texts"},
    [SETTING_JSON] = {JSON_ARRAY, "a list of objects"},
    [SETTING_BOOL] = {JSON_BOOL, "true or false"},
    [SETTING_NUMBER] = {JSON_NUMBER, "a whole number"},
    [SETTING_DAYS] = {JSON_NUMBER, "a whole number"},
};

/* All of it is looked at, the items too. The row is as before where it is refused. */
static int put_json(struct site_row *row, const struct row_member *member, const struct json *value,
                    struct arena *arena, struct err *err)
{
    enum setting_type type = setting_of(member).type;
    struct site_row changed = *row;

    if (value->type == JSON_NULL) {
        int rc = setting_put_default(row, member, err);

        if (rc == 0)
            setting_pin(row, member, false, arena);
        return rc;
    }
    if (value->type != forms[type].type)
        return err_set(err, ERR_INVALID, "%s: must be %s", member->name, forms[type].what);
    int rc = setting_put_text(&changed, member,
                              type == SETTING_TEXT ? value->text : json_text(value, arena), err);

    if (rc == 0)
        rc = member_check(member, &changed, err);
    if (rc != 0)
        return rc;
    *row = changed;
    setting_pin(row, member, true, arena);
    return 0;
}

/* A name that never changes may be said again. */
static int put_name(const struct site_row *row, struct str name, const struct json *value,
                    struct err *err)
{
    for (size_t i = 0; i < FIRST_SETTING; i++)
        if (str_eq(name, str_from(site_members[i].name)))
            return value->type == JSON_STRING &&
                           str_eq(value->text, row_text(&site_members[i], row))
                       ? 0
                       : err_set(err, ERR_INVALID, "%s: never changes", site_members[i].name);
    return err_set(err, ERR_INVALID, "%.*s: no such setting", STR_FMT(name));
}

static int put_named(struct site_row *row, struct str name, const struct json *value, bool layer,
                     struct arena *arena, struct err *err)
{
    const struct row_member *member = setting_member(name, NULL);

    if (member == NULL && !layer)
        return put_name(row, name, value, err);
    if (member == NULL)
        return err_set(err, ERR_INVALID, "%.*s: no such setting", STR_FMT(name));
    if (layer && !setting_is_layered(member))
        return err_set(err, ERR_INVALID, "%s: each site has its own", member->name);
    return put_json(row, member, value, arena, err);
}

/* Whether settings stand in an object of this name. */
static bool is_group(struct str name)
{
    for (size_t i = FIRST_SETTING; i < SITE_PINNED; i++) {
        struct str full = str_from(site_members[i].name);

        if (full.len > name.len && full.ptr[name.len] == '.' && str_starts(full, name))
            return true;
    }
    return false;
}

typedef int put_fn(void *ctx, struct str name, const struct json *value, struct err *err);

static int each_of_group(struct str group, const struct json *value, struct arena *arena,
                         put_fn *fn, void *ctx, struct err *err)
{
    for (size_t i = 0; i < value->count; i++) {
        struct buf name = {0};

        buf_addf(&name, "%.*s.%.*s", STR_FMT(group), STR_FMT(value->members[i].name));
        struct str full = arena_str(arena, buf_str(&name));

        buf_release(&name);
        int rc = fn(ctx, full, &value->members[i].value, err);

        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Calls fn for each setting of an object, by its full name. */
static int each_setting(const struct json *object, struct arena *arena, put_fn *fn, void *ctx,
                        struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < object->count; i++) {
        const struct json_member *member = &object->members[i];

        if (str_find(member->name, 0, '.') < member->name.len)
            rc = err_set(err, ERR_INVALID, "%.*s: no such setting", STR_FMT(member->name));
        else if (!is_group(member->name))
            rc = fn(ctx, member->name, &member->value, err);
        else if (member->value.type == JSON_OBJECT)
            rc = each_of_group(member->name, &member->value, arena, fn, ctx, err);
        else
            rc = err_set(err, ERR_INVALID, "%.*s: must be an object", STR_FMT(member->name));
    }
    return rc;
}

struct putting {
    struct site_row row;
    bool layer;
    struct arena *arena;
};

static int put_setting(void *ctx, struct str name, const struct json *value, struct err *err)
{
    struct putting *putting = ctx;

    return put_named(&putting->row, name, value, putting->layer, putting->arena, err);
}

int site_settings_put(struct site_row *row, const struct json *object, bool layer,
                      struct arena *arena, struct err *err)
{
    struct putting putting = {*row, layer, arena};
    int rc = object->type == JSON_OBJECT ? each_setting(object, arena, put_setting, &putting, err)
                                         : err_set(err, ERR_INVALID, "settings: must be an object");

    if (rc == 0)
        *row = putting.row;
    return rc;
}

/* -- what holds -------------------------------------------------------------------------------- */

/* The values, and one bit for each that is set. */
struct settings_layer {
    struct site_row row;
    uint64_t set;
};

static uint64_t own_settings(const struct site_row *row, struct arena *arena)
{
    uint64_t own = settings_pinned(row, arena);

    for (size_t i = FIRST_SETTING; i < SITE_PINNED; i++)
        if (!setting_is_default(row, &site_members[i]))
            own |= UINT64_C(1) << i;
    return own;
}

/* What is not valid is passed over: a value that somebody wrote without this program, or a setting
 * that a newer one has. */
static int put_if_valid(void *ctx, struct str name, const struct json *value, struct err *err)
{
    (void)err;
    (void)put_setting(ctx, name, value, NULL);
    return 0;
}

const struct settings_layer *settings_layer_read(struct str text, struct arena *arena)
{
    struct settings_layer *layer = ARENA_NEW(arena, struct settings_layer, 1);
    struct putting putting = {site_row_default(), true, arena};
    struct json *json = NULL;

    if (text.len == 0)
        return NULL;
    if (json_parse(text, JSON_DEPTH_MAX, arena, &json, NULL) == 0 && json->type == JSON_OBJECT)
        for (size_t i = 0; i < json->count; i++) {
            const struct json one = {.type = JSON_OBJECT, .count = 1, .members = &json->members[i]};

            (void)each_setting(&one, arena, put_if_valid, &putting, NULL);
        }
    *layer = (struct settings_layer){putting.row, own_settings(&putting.row, arena)};
    return layer;
}

static void take(struct site_row *row, const struct row_member *member, const struct site_row *from)
{
    if (member_is_text(member))
        row_set_text(member, row, row_text(member, from));
    else
        row_set_number(member, row, row_number(member, from));
}

void site_row_resolve_with(struct site_row *row, const struct settings_layer *tenant,
                           const struct settings_layer *installation, struct arena *arena,
                           enum setting_source sources[SETTINGS_MAX])
{
    if (sources == NULL && tenant == NULL && installation == NULL)
        return;
    const struct settings_layer own = {*row, own_settings(row, arena)};
    const struct settings_layer *const layers[] = {
        [FROM_SITE] = &own, [FROM_TENANT] = tenant, [FROM_INSTALLATION] = installation};

    for (size_t i = FIRST_SETTING; i < SITE_PINNED; i++) {
        enum setting_source source = FROM_SITE;

        while (source < FROM_DEFAULT &&
               (layers[source] == NULL || (layers[source]->set >> i & 1) == 0))
            source++;
        if (source == FROM_TENANT || source == FROM_INSTALLATION)
            take(row, &site_members[i], &layers[source]->row);
        if (sources != NULL)
            sources[i - FIRST_SETTING] = source;
    }
}

void site_row_resolve(struct site_row *row, struct str tenant, struct str installation,
                      struct arena *arena, enum setting_source sources[SETTINGS_MAX])
{
    site_row_resolve_with(row, settings_layer_read(tenant, arena),
                          settings_layer_read(installation, arena), arena, sources);
}
