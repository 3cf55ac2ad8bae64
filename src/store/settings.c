/*
 * store/settings.c -- a site's settings by their names: from text, and as JSON.
 *
 * The names, types and bounds are those of site_members (row_types.c). A name with a dot
 * ("limits.pathsPerDay") is a member of an object; those of one object stand side by side.
 *
 * A row's setting is its own where it is not what a new row has, or where its name is pinned: only
 * what equals the default needs a pin.
 */
#include "store/settings.h"

#include "base/json.h"

#include <stddef.h>

/* -- which there are --------------------------------------------------------------------------- */

static const enum setting_type types[] = {
    [MEMBER_TEXT] = SETTING_TEXT,    [MEMBER_LIST] = SETTING_LIST,    [MEMBER_JSON] = SETTING_JSON,
    [MEMBER_BOOL] = SETTING_BOOL,    [MEMBER_INT32] = SETTING_NUMBER, [MEMBER_DAYS] = SETTING_DAYS,
    [MEMBER_INT64] = SETTING_NUMBER,
};

struct site_setting setting_of(const struct row_member *member)
{
    return (struct site_setting){
        .name = member->name,
        .type = types[member->type],
        .min = member->type == MEMBER_DAYS ? 0 : member->min,
        .max = member->max,
    };
}

_Static_assert(SITE_PINNED - FIRST_SETTING <= SETTINGS_MAX, "there is room for all sources");

bool site_setting_at(size_t i, struct site_setting *out)
{
    if (i >= SITE_PINNED - FIRST_SETTING)
        return false;
    *out = setting_of(&site_members[FIRST_SETTING + i]);
    return true;
}

const struct row_member *setting_member(struct str name, struct err *err)
{
    for (size_t i = 0; i < SITE_PINNED; i++) {
        const struct row_member *member = &site_members[i];

        if (!str_eq(name, str_from(member->name)))
            continue;
        if (i >= FIRST_SETTING)
            return member;
        (void)err_set(err, ERR_NOTFOUND, "%s: never changes", member->name);
        return NULL;
    }
    (void)err_set(err, ERR_NOTFOUND, "%.*s: no such setting", STR_FMT(name));
    return NULL;
}

int site_setting_find(struct str name, struct site_setting *out, struct err *err)
{
    const struct row_member *member = setting_member(name, err);

    if (member == NULL)
        return ERR_NOTFOUND;
    *out = setting_of(member);
    return 0;
}

/* -- from text --------------------------------------------------------------------------------- */

static int read_bool(const struct row_member *member, struct str text, int64_t *out,
                     struct err *err)
{
    *out = str_eq(text, STR("true"));
    return *out != 0 || str_eq(text, STR("false"))
               ? 0
               : err_set(err, ERR_INVALID, "%s: must be true or false", member->name);
}

static int read_number(const struct row_member *member, struct str text, int64_t *out,
                       struct err *err)
{
    const struct site_setting setting = setting_of(member);

    if (str_to_i64(text, out) && *out >= setting.min && *out <= setting.max)
        return 0;
    return err_set(err, ERR_INVALID, "%s: must be a whole number from %lld to %lld%s", setting.name,
                   (long long)setting.min, (long long)setting.max,
                   setting.type == SETTING_DAYS ? ", 0 for ever" : "");
}

int setting_put_text(struct site_row *row, const struct row_member *member, struct str text,
                     struct err *err)
{
    int64_t number = 0;
    int rc = 0;

    if (!member_is_text(member)) {
        rc = member->type == MEMBER_BOOL ? read_bool(member, text, &number, err)
                                         : read_number(member, text, &number, err);
        if (rc == 0)
            row_set_number(member, row, number);
        return rc;
    }
    if ((int64_t)text.len < member->min || (int64_t)text.len > member->max)
        return err_set(err, ERR_INVALID, "%s: must have %lld to %lld bytes", member->name,
                       (long long)member->min, (long long)member->max);
    row_set_text(member, row, text);
    return 0;
}

/* A text without a default of its own, the domain, has to be something. */
int setting_put_default(struct site_row *row, const struct row_member *member, struct err *err)
{
    const struct site_row fresh = site_row_default();

    if (member_is_text(member))
        return setting_put_text(row, member, row_text(member, &fresh), err);
    row_set_number(member, row, row_number(member, &fresh));
    return 0;
}

/* -- pins -------------------------------------------------------------------------------------- */

bool setting_is_default(const struct site_row *row, const struct row_member *member)
{
    const struct site_row fresh = site_row_default();

    return member_equal(member, row, &fresh);
}

/* One bit for each of site_members. */
uint64_t settings_pinned(const struct site_row *row, struct arena *arena)
{
    struct json *json = NULL;
    uint64_t pins = 0;

    if (row->pinned.len == 0 || json_parse(row->pinned, 1, arena, &json, NULL) != 0 ||
        json->type != JSON_ARRAY)
        return 0;
    for (size_t i = 0; i < json->count; i++) {
        const struct row_member *member =
            json->items[i].type == JSON_STRING ? setting_member(json->items[i].text, NULL) : NULL;

        if (member != NULL)
            pins |= UINT64_C(1) << (member - site_members);
    }
    return pins;
}

static struct str pins_text(uint64_t pins, struct arena *arena)
{
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};

    if (pins == 0)
        return STR("");
    json_open(&json, '[');
    for (size_t i = 0; i < SITE_PINNED; i++)
        if ((pins >> i & 1) != 0)
            json_str(&json, str_from(site_members[i].name));
    json_close(&json, ']');
    struct str text = arena_str(arena, buf_str(&buf));

    buf_release(&buf);
    return text;
}

/* Only what a tenant or the installation could say otherwise can be pinned. */
bool setting_is_layered(const struct row_member *member)
{
    return member->offset != offsetof(struct site_row, domain) &&
           member->offset != offsetof(struct site_row, tracking_ids);
}

/* `own`: the value that was put is the site's. */
void setting_pin(struct site_row *row, const struct row_member *member, bool own,
                 struct arena *arena)
{
    uint64_t pins = settings_pinned(row, arena), pin = UINT64_C(1) << (member - site_members);
    bool wanted = own && setting_is_layered(member) && setting_is_default(row, member);

    if (((pins & pin) != 0) != wanted)
        row->pinned = pins_text(pins ^ pin, arena);
}

int site_setting_put(struct site_row *row, struct str name, struct str text, struct arena *arena,
                     struct err *err)
{
    const struct row_member *member = setting_member(name, err);

    if (member == NULL)
        return ERR_NOTFOUND;
    int rc = text.len == 0 ? setting_put_default(row, member, err)
                           : setting_put_text(row, member, text, err);

    if (rc == 0)
        setting_pin(row, member, text.len > 0, arena);
    return rc;
}

/* -- as JSON ----------------------------------------------------------------------------------- */

static void add_value(const struct site_row *row, const struct row_member *member,
                      struct json_out *out)
{
    struct str text = member_is_text(member) ? row_text(member, row) : STR("");

    if (member->type == MEMBER_BOOL)
        json_bool(out, row_number(member, row) != 0);
    else if (member->type == MEMBER_LIST)
        json_raw(out, text.len > 0 ? text : STR("[]"));
    else if (member->type == MEMBER_JSON)
        json_raw(out, text.len > 0 ? text : STR("null"));
    else if (member_is_text(member))
        json_str(out, text);
    else if (member->type == MEMBER_DAYS && row_number(member, row) < 0)
        json_null(out);
    else
        json_i64(out, row_number(member, row));
}

void site_settings_json(const struct site_row *row, struct json_out *out)
{
    struct str group = STR("");

    for (size_t i = 0; i < SITE_PINNED; i++) {
        struct str name = str_from(site_members[i].name);
        size_t dot = str_find(name, 0, '.');
        struct str own = dot < name.len ? str_slice(name, 0, dot) : STR("");

        if (group.len > 0 && !str_eq(group, own))
            json_close(out, '}');
        if (own.len > 0 && !str_eq(group, own)) {
            json_name(out, own);
            json_open(out, '{');
        }
        group = own;
        json_name(out, own.len > 0 ? str_slice(name, dot + 1, name.len) : name);
        add_value(row, &site_members[i], out);
    }
    if (group.len > 0)
        json_close(out, '}');
}
