/*
 * store/row_check.c -- the bounds of managed rows, by the table of their members, and when two rows
 * are equal.
 *
 * A sentence begins with the member as the API names it: "limits.sites: must be ...".
 */
#include "store/row_checks.h"

#include "base/json.h"
#include "base/utf8.h"

/* -- bounds ------------------------------------------------------------------------------------ */

static int check_list(const struct row_member *member, struct str list, struct err *err)
{
    struct arena arena = {0};
    struct json *json = NULL;
    bool good = json_parse(list, 1, &arena, &json, NULL) == 0 && json->type == JSON_ARRAY;

    for (size_t i = 0; good && i < json->count; i++)
        good = json->items[i].type == JSON_STRING;
    arena_free(&arena);
    return good ? 0 : err_set(err, ERR_INVALID, "%s: must be a list of texts", member->name);
}

static bool is_plain(struct str text)
{
    return utf8_valid(text) && str_find(text, 0, '\0') == text.len;
}

static int check_text(const struct row_member *member, struct str text, struct err *err)
{
    int rc = 0;

    if (text.len == 0 && (member_is_optional(member) || member->min == 0))
        return 0;
    if (member->type == MEMBER_ID && !str_is_id(text))
        return err_set(err, ERR_INVALID, "%s: must be [A-Za-z0-9_-]{1,64}", member->name);
    if (!is_plain(text))
        return err_set(err, ERR_INVALID, "%s: must be UTF-8 without U+0000", member->name);
    if (member->type == MEMBER_LIST)
        rc = check_list(member, text, err);
    return rc == 0 && member->check != NULL ? member->check(text, err) : rc;
}

static int out_of_bounds(const struct row_member *member, struct err *err)
{
    bool days = member->type == MEMBER_DAYS;

    if (member_is_text(member))
        return err_set(err, ERR_INVALID, "%s: must have %lld to %lld bytes", member->name,
                       (long long)member->min, (long long)member->max);
    return err_set(err, ERR_INVALID, "%s: must be a whole number from %lld to %lld%s", member->name,
                   days ? 0LL : (long long)member->min, (long long)member->max,
                   days ? ", 0 for ever" : "");
}

int member_check(const struct row_member *member, const void *row, struct err *err)
{
    int64_t number = row_number(member, row);
    bool none = member->optional && number == 0;

    if (member->type != MEMBER_ID && !none && (number < member->min || number > member->max))
        return out_of_bounds(member, err);
    return member_is_text(member) ? check_text(member, row_text(member, row), err) : 0;
}

int row_check(enum row_kind kind, const void *row, struct err *err)
{
    const struct row_type *type = &row_types[kind];

    for (size_t i = 0; i < type->count; i++) {
        int rc = member_check(&type->members[i], row, err);

        if (rc != 0)
            return rc;
    }
    return type->check != NULL ? type->check(row, err) : 0;
}

/* -- equality ---------------------------------------------------------------------------------- */

static bool same_json(const struct json *a, const struct json *b);

static bool same_members(const struct json *a, const struct json *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct json *other = json_get(b, a->members[i].name);

        if (other == NULL || !same_json(&a->members[i].value, other))
            return false;
    }
    return true;
}

static bool same_items(const struct json *a, const struct json *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!same_json(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool same_numbers(const struct json *a, const struct json *b)
{
    double x = 0, y = 1;

    return str_eq(a->text, b->text) ||
           (json_to_double(a, &x) && json_to_double(b, &y) && !(x < y) && !(x > y));
}

/* PostgreSQL keeps members in an order of its own, and numbers in a form of its own. The texts were
 * parsed, so they do not nest deeper than JSON_DEPTH_MAX. */
static bool same_json(const struct json *a, const struct json *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_OBJECT:
        return same_members(a, b);
    case JSON_ARRAY:
        return same_items(a, b);
    case JSON_NUMBER:
        return same_numbers(a, b);
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NULL:
        break;
    }
    return true;
}

static bool same_json_texts(struct str a, struct str b)
{
    struct arena arena = {0};
    struct json *x = NULL, *y = NULL;
    bool same = json_parse(a, JSON_DEPTH_MAX, &arena, &x, NULL) == 0 &&
                json_parse(b, JSON_DEPTH_MAX, &arena, &y, NULL) == 0 && same_json(x, y);

    arena_free(&arena);
    return same;
}

bool member_equal(const struct row_member *member, const void *a, const void *b)
{
    if (member->type == MEMBER_BYTES32)
        return memcmp((const char *)a + member->offset, (const char *)b + member->offset, 32) == 0;
    if (!member_is_text(member))
        return row_number(member, a) == row_number(member, b);
    struct str x = row_text(member, a), y = row_text(member, b);

    return str_eq(x, y) ||
           (member_is_json(member) && x.len > 0 && y.len > 0 && same_json_texts(x, y));
}

bool row_equal(enum row_kind kind, const void *a, const void *b)
{
    const struct row_type *type = &row_types[kind];

    for (size_t i = 0; i < type->count; i++)
        if (type->members[i].use != USE_MADE && !member_equal(&type->members[i], a, b))
            return false;
    return true;
}
