/*
 * manage/body.c -- what was sent: its members against the table of its kind, and their values.
 *
 * A member that is unknown is refused by name, since a typing error that changes nothing would not
 * be seen. What an answer has and nobody may change is taken if it is sent back as it is.
 */
#include "manage/manage_internal.h"

#include "base/date.h"

#include <ctype.h>

enum { SHOWN_MAX = 64 }; /* bytes of a name that was sent, in a message */

/* -- names and types --------------------------------------------------------------------------- */

static bool fits(const struct json *value, struct str type)
{
    static const struct {
        struct str name;
        enum json_type type;
    } types[] = {
        {STR_INIT("string"), JSON_STRING}, {STR_INIT("integer"), JSON_NUMBER},
        {STR_INIT("boolean"), JSON_BOOL},  {STR_INIT("array"), JSON_ARRAY},
        {STR_INIT("object"), JSON_OBJECT},
    };
    int64_t number;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_eq(types[i].name, type))
            return value->type == types[i].type &&
                   (types[i].type != JSON_NUMBER || json_to_i64(value, &number));
    return false;
}

static int wrong_type(const struct manage_member *member, struct err *err)
{
    static const struct {
        const char *type, *words;
    } types[] = {{"string", "a string"},
                 {"integer", "a whole number"},
                 {"boolean", "true or false"},
                 {"array", "an array"},
                 {"object", "an object"}};
    size_t i = 0;

    while (strcmp(types[i].type, member->type) != 0)
        i++;
    return err_set(err, ERR_INVALID, "%s: must be %s", member->name, types[i].words);
}

/* The table has `group.name`. */
static bool is_in_group(const struct manage_member *member, struct str group)
{
    struct str name = str_from(member->name);

    return str_starts(name, group) && name.len > group.len && name.ptr[group.len] == '.';
}

static int unknown(struct str group, struct str name, struct err *err)
{
    return err_set(err, ERR_INVALID, "%.*s%s%.*s: there is no such member", STR_FMT(group),
                   group.len > 0 ? "." : "", STR_FMT(str_slice(name, 0, SHOWN_MAX)));
}

static int check_member(const struct manage_member *members, struct str group,
                        const struct json_member *sent, struct err *err)
{
    /* "limits.sites" is the table's way to say it. */
    if (str_find(sent->name, 0, '.') < sent->name.len)
        return unknown(group, sent->name, err);
    for (const struct manage_member *member = members; member->name != NULL; member++) {
        struct str name = str_from(member->name);

        if (group.len > 0) {
            if (!is_in_group(member, group))
                continue;
            name = str_slice(name, group.len + 1, name.len);
        }
        if (str_eq(name, sent->name))
            return sent->value.type == JSON_NULL || fits(&sent->value, str_from(member->type))
                       ? 0
                       : wrong_type(member, err);
    }
    return unknown(group, sent->name, err);
}

static bool is_group(const struct manage_member *members, struct str name)
{
    while (members->name != NULL && !is_in_group(members, name))
        members++;
    return members->name != NULL;
}

static int check_group(const struct manage_member *members, const struct json_member *group,
                       struct err *err)
{
    int rc = 0;

    if (group->value.type == JSON_NULL)
        return 0;
    if (group->value.type != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "%.*s: must be an object", STR_FMT(group->name));
    for (size_t i = 0; rc == 0 && i < group->value.count; i++)
        rc = check_member(members, group->name, &group->value.members[i], err);
    return rc;
}

int body_check(const struct manage_member *members, const struct json *body, struct err *err)
{
    int rc = 0;

    if (body->type != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "an object is wanted");
    for (size_t i = 0; rc == 0 && i < body->count; i++)
        rc = is_group(members, body->members[i].name)
                 ? check_group(members, &body->members[i], err)
                 : check_member(members, STR(""), &body->members[i], err);
    return rc;
}

/* -- values ------------------------------------------------------------------------------------ */

const struct json *body_get(const struct json *body, const char *name)
{
    struct str rest = str_from(name), piece;
    const struct json *value = body;

    while (value != NULL && str_next(&rest, '.', &piece))
        value = value->type == JSON_OBJECT ? json_get(value, piece) : NULL;
    return value;
}

/* A group that is null is as if each of its members were. */
static bool is_cleared(const struct json *body, const char *name)
{
    struct str group = str_slice(str_from(name), 0, str_find(str_from(name), 0, '.'));
    const struct json *value = json_get(body, group);

    return value != NULL && value->type == JSON_NULL;
}

enum body_use body_use(const struct change *change, const char *name, const struct json **value)
{
    *value = body_get(change->body, name);
    if (*value != NULL && (*value)->type != JSON_NULL)
        return BODY_GIVEN;
    return change->how == MANAGE_PATCH && *value == NULL && !is_cleared(change->body, name)
               ? BODY_KEEP
               : BODY_DEFAULT;
}

bool text_is_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

int body_text(const struct change *change, const char *name, struct str fallback, size_t least,
              size_t most, struct str *out, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, name, &value);

    if (use != BODY_GIVEN) {
        *out = use == BODY_DEFAULT ? fallback : *out;
        return 0;
    }
    if (value->text.len < least || value->text.len > most || !text_is_line(value->text))
        return err_set(err, ERR_INVALID, "%s: must be one line of %zu to %zu bytes", name, least,
                       most);
    *out = value->text;
    return 0;
}

int body_number(const struct change *change, const char *name, int64_t fallback, int64_t least,
                int64_t most, int64_t *out, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, name, &value);
    int64_t number = 0;

    if (use != BODY_GIVEN) {
        *out = use == BODY_DEFAULT ? fallback : *out;
        return 0;
    }
    if (!json_to_i64(value, &number) || number < least || number > most)
        return err_set(err, ERR_INVALID, "%s: must be a whole number from %lld to %lld", name,
                       (long long)least, (long long)most);
    *out = number;
    return 0;
}

int body_end(const struct change *change, const char *name, int64_t *out, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, name, &value);
    int64_t was = *out;

    if (use != BODY_GIVEN) {
        *out = use == BODY_DEFAULT ? 0 : was;
        return 0;
    }
    if (!instant_parse(value->text, out))
        return err_set(err, ERR_INVALID, "%s: must be an instant (try 2030-01-31T12:00:00Z)", name);
    /* What has ended already may be sent back as it is. */
    if (*out <= change->m->now_ms && *out != was)
        return err_set(err, ERR_INVALID, "%s: must be in the future", name);
    return 0;
}

int body_fixed_text(const struct change *change, const char *name, struct str value,
                    struct err *err)
{
    const struct json *sent = body_get(change->body, name);
    bool absent = sent == NULL || (sent->type == JSON_NULL && change->how == MANAGE_PATCH);
    struct str text = absent ? value : sent->type == JSON_NULL ? STR("") : sent->text;

    return str_eq(text, value) ? 0 : err_set(err, ERR_CONFLICT, "%s: never changes", name);
}

int body_fixed_instant(const struct change *change, const char *name, int64_t value,
                       struct err *err)
{
    const struct json *sent = body_get(change->body, name);
    int64_t given;

    if (sent == NULL || sent->type == JSON_NULL)
        return 0;
    return instant_parse(sent->text, &given) && given == value && change->exists
               ? 0
               : err_set(err, ERR_INVALID, "%s: is only for reading", name);
}

int body_needs_text(const struct json *body, const char *name, struct str *out, struct err *err)
{
    const struct json *value = body_get(body, name);

    if (value == NULL || value->type != JSON_STRING)
        return err_set(err, ERR_INVALID, "%s: is missing", name);
    *out = value->text;
    return 0;
}

/* -- sameness ---------------------------------------------------------------------------------- */

static bool same_members(const struct json *a, const struct json *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct json *other = json_get(b, a->members[i].name);

        if (other == NULL || !json_same(&a->members[i].value, other))
            return false;
    }
    return true;
}

bool json_same(const struct json *a, const struct json *b)
{
    double x = 0, y = 0;

    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
        return str_eq(a->text, b->text) ||
               (json_to_double(a, &x) && json_to_double(b, &y) && x <= y && x >= y);
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_ARRAY:
        for (size_t i = 0; i < a->count; i++)
            if (!json_same(&a->items[i], &b->items[i]))
                return false;
        return true;
    case JSON_OBJECT:
        return same_members(a, b);
    }
    return false;
}

/* -- where it went wrong ----------------------------------------------------------------------- */

int manage_end(struct manage *m, int rc, const struct err *err)
{
    static const char marks[] = "_-.[]:";
    size_t len = 0;

    m->field = NULL;
    if (rc != ERR_INVALID && rc != ERR_CONFLICT && rc != ERR_NOTFOUND)
        return rc;
    while (isalnum((unsigned char)err->text[len]) ||
           (err->text[len] != '\0' && strchr(marks, err->text[len]) != NULL))
        len++;
    /* The place ends with the last of its characters, a colon before a space. */
    if (len < 2 || err->text[len] != ' ' || err->text[len - 1] != ':' ||
        len > sizeof(m->field_text))
        return rc;
    memcpy(m->field_text, err->text, len - 1);
    m->field_text[len - 1] = '\0';
    m->field = m->field_text;
    return rc;
}
