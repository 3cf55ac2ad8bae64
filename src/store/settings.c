/*
 * store/settings.c -- a site's settings by their names: from text, and as JSON.
 *
 * The names, types and bounds are those of site_members (rows.c). A name with a dot
 * ("limits.pathsPerDay") is a member of an object; those of one object stand side by side.
 */
#include "store/store_backend.h"

#include "base/json.h"

static const enum setting_type types[] = {
    [MEMBER_TEXT] = SETTING_TEXT,    [MEMBER_LIST] = SETTING_LIST,    [MEMBER_JSON] = SETTING_JSON,
    [MEMBER_BOOL] = SETTING_BOOL,    [MEMBER_INT32] = SETTING_NUMBER, [MEMBER_DAYS] = SETTING_DAYS,
    [MEMBER_INT64] = SETTING_NUMBER,
};

static struct site_setting setting_of(const struct site_member *member)
{
    return (struct site_setting){
        .name = member->name,
        .type = types[member->type],
        .min = member->type == MEMBER_DAYS ? 0 : member->min,
        .max = member->max,
    };
}

/* -- by name ----------------------------------------------------------------------------------- */

bool site_setting_at(size_t i, struct site_setting *out)
{
    for (size_t k = 0; k < SITE_MEMBERS; k++)
        if (site_members[k].type != MEMBER_ID && i-- == 0) {
            *out = setting_of(&site_members[k]);
            return true;
        }
    return false;
}

static const struct site_member *find(struct str name, struct err *err)
{
    for (size_t i = 0; i < SITE_MEMBERS; i++) {
        const struct site_member *member = &site_members[i];

        if (!str_eq(name, str_from(member->name)))
            continue;
        if (member->type != MEMBER_ID)
            return member;
        (void)err_set(err, ERR_NOTFOUND, "%s: never changes", member->name);
        return NULL;
    }
    (void)err_set(err, ERR_NOTFOUND, "%.*s: no such setting", STR_FMT(name));
    return NULL;
}

int site_setting_find(struct str name, struct site_setting *out, struct err *err)
{
    const struct site_member *member = find(name, err);

    if (member == NULL)
        return ERR_NOTFOUND;
    *out = setting_of(member);
    return 0;
}

/* -- values ------------------------------------------------------------------------------------ */

static void *field(struct site_row *row, const struct site_member *member)
{
    return (char *)row + member->offset;
}

static const void *value(const struct site_row *row, const struct site_member *member)
{
    return (const char *)row + member->offset;
}

static int64_t number_of(const struct site_row *row, const struct site_member *member)
{
    if (member->type == MEMBER_INT64)
        return *(const int64_t *)value(row, member);
    return *(const int32_t *)value(row, member);
}

static void put_number(struct site_row *row, const struct site_member *member, int64_t number)
{
    if (member->type == MEMBER_INT64)
        *(int64_t *)field(row, member) = number;
    else
        *(int32_t *)field(row, member) = (int32_t)number;
}

/* -- from text --------------------------------------------------------------------------------- */

static int read_bool(const struct site_setting *setting, struct str text, bool *out,
                     struct err *err)
{
    *out = str_eq(text, STR("true"));
    return *out || str_eq(text, STR("false"))
               ? 0
               : err_set(err, ERR_INVALID, "%s: must be true or false", setting->name);
}

static int read_number(const struct site_setting *setting, struct str text, int64_t *out,
                       struct err *err)
{
    if (str_to_i64(text, out) && *out >= setting->min && *out <= setting->max)
        return 0;
    return err_set(err, ERR_INVALID, "%s: must be a whole number from %lld to %lld%s",
                   setting->name, (long long)setting->min, (long long)setting->max,
                   setting->type == SETTING_DAYS ? ", 0 for ever" : "");
}

static int check_length(const struct site_setting *setting, struct str text, struct err *err)
{
    if ((int64_t)text.len >= setting->min && (int64_t)text.len <= setting->max)
        return 0;
    return err_set(err, ERR_INVALID, "%s: must have %lld to %lld bytes", setting->name,
                   (long long)setting->min, (long long)setting->max);
}

static int put(struct site_row *row, const struct site_member *member, struct str text,
               struct err *err)
{
    const struct site_setting setting = setting_of(member);
    int64_t number = 0;
    bool yes = false;
    int rc = 0;

    switch (setting.type) {
    case SETTING_BOOL:
        rc = read_bool(&setting, text, &yes, err);
        if (rc == 0)
            *(bool *)field(row, member) = yes;
        return rc;
    case SETTING_NUMBER:
    case SETTING_DAYS:
        rc = read_number(&setting, text, &number, err);
        if (rc == 0)
            put_number(row, member, number);
        return rc;
    case SETTING_TEXT:
    case SETTING_LIST:
    case SETTING_JSON:
        rc = check_length(&setting, text, err);
        if (rc == 0)
            *(struct str *)field(row, member) = text;
        return rc;
    }
    return rc;
}

/* A text without a default of its own, the domain, has to be something. */
static int put_default(struct site_row *row, const struct site_member *member, struct err *err)
{
    const struct site_row fresh = site_row_default();

    if (member->type == MEMBER_BOOL)
        *(bool *)field(row, member) = *(const bool *)value(&fresh, member);
    else if (!member_is_text(member))
        put_number(row, member, number_of(&fresh, member));
    else
        return put(row, member, *(const struct str *)value(&fresh, member), err);
    return 0;
}

int site_setting_put(struct site_row *row, struct str name, struct str text, struct err *err)
{
    const struct site_member *member = find(name, err);

    if (member == NULL)
        return ERR_NOTFOUND;
    return text.len == 0 ? put_default(row, member, err) : put(row, member, text, err);
}

/* -- as JSON ----------------------------------------------------------------------------------- */

static void add_value(const struct site_row *row, const struct site_member *member,
                      struct json_out *out)
{
    struct str text = member_is_text(member) ? *(const struct str *)value(row, member) : STR("");

    if (member->type == MEMBER_BOOL)
        json_bool(out, *(const bool *)value(row, member));
    else if (member->type == MEMBER_LIST)
        json_raw(out, text.len > 0 ? text : STR("[]"));
    else if (member->type == MEMBER_JSON)
        json_raw(out, text.len > 0 ? text : STR("null"));
    else if (member_is_text(member))
        json_str(out, text);
    else if (member->type == MEMBER_DAYS && number_of(row, member) < 0)
        json_null(out);
    else
        json_i64(out, number_of(row, member));
}

void site_settings_json(const struct site_row *row, struct json_out *out)
{
    struct str group = STR("");

    for (size_t i = 0; i < SITE_MEMBERS; i++) {
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
