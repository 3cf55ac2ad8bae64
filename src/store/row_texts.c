/*
 * store/row_texts.c -- what texts of managed rows must be, and members of a row together.
 *
 * A sentence begins with the member as the API names it, "id: must be ...", or with the place
 * within it, "goals[2].path: ...". What is allowed here is what headers, mails, log lines and
 * queries can hold as it is.
 */
#include "store/row_checks.h"

#include "base/date.h"
#include "base/json.h"
#include "base/utf8.h"

/* -- texts ------------------------------------------------------------------------------------- */

/* 0 and the value of a JSON text of this type. */
static int parse(struct str text, enum json_type type, struct arena *arena, struct json **out,
                 struct err *err)
{
    int rc = json_parse(text, JSON_DEPTH_MAX, arena, out, err);

    if (rc == 0 && (*out)->type != type)
        rc = err_set(err, ERR_INVALID, "must be %s", type == JSON_ARRAY ? "an array" : "an object");
    return rc;
}

static int each_item(struct str list, const char *name,
                     int (*check)(struct str item, struct err *err), struct err *err)
{
    struct arena arena = {0};
    struct json *json = NULL;
    int rc = parse(list, JSON_ARRAY, &arena, &json, err);

    if (rc != 0)
        rc = err_wrap(err, rc, "%s", name);
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        rc = check(json->items[i].text, err);
        if (rc != 0)
            rc = err_wrap(err, rc, "%s[%zu]", name, i);
    }
    arena_free(&arena);
    return rc;
}

int check_identity(struct str text, struct err *err)
{
    if (str_eq(text, STR("cut-address")) || str_eq(text, STR("full-address")))
        return 0;
    return err_set(err, ERR_INVALID, "visitorIdentity: must be cut-address or full-address");
}

int check_installation(struct str text, struct err *err)
{
    return str_eq(text, STR("installation"))
               ? 0
               : err_set(err, ERR_INVALID, "id: there is one installation");
}

static bool is_made_of(struct str text, const char *chars)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(chars, text.ptr[i]) == NULL)
            return false;
    return true;
}

int check_base32(struct str text, struct err *err)
{
    return is_made_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
               ? 0
               : err_set(err, ERR_INVALID, "totp: must be base32");
}

int check_hash(struct str text, struct err *err)
{
    return is_made_of(text, "0123456789abcdef") ? 0
                                                : err_set(err, ERR_INVALID, "id: must be in hex");
}

int check_site_id(struct str text, struct err *err)
{
    return str_is_id(text) ? 0 : err_set(err, ERR_INVALID, "siteId: must be [A-Za-z0-9_-]{1,64}");
}

/* What a header of a mail, a log line or an address of a page can hold as it is. */
static bool is_address_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && strchr("\"(),:;<>[\\]", c) == NULL &&
           !(c >= 'A' && c <= 'Z');
}

int check_email(struct str text, struct err *err)
{
    size_t at = str_find(text, 0, '@');
    bool good = at > 0 && at + 1 < text.len && str_find(text, at + 1, '@') == text.len;

    for (size_t i = 0; good && i < text.len; i++)
        good = is_address_char(text.ptr[i]);
    return good ? 0 : err_set(err, ERR_INVALID, "id: must be an e-mail address in lower case");
}

/* -- lists ------------------------------------------------------------------------------------- */

static int check_id(struct str item, struct err *err)
{
    return str_is_id(item) ? 0 : err_set(err, ERR_INVALID, "must be [A-Za-z0-9_-]{1,64}");
}

int check_tracking_ids(struct str text, struct err *err)
{
    return each_item(text, "trackingIds", check_id, err);
}

static int check_field(struct str item, struct err *err)
{
    struct buf known = {0};

    if (field_of(item) != FIELDS)
        return 0;
    for (unsigned f = 0; f + 1 < FIELDS; f++)
        buf_addf(&known, "%s%.*s", f > 0 ? ", " : "", STR_FMT(field_name((enum field)f)));
    int rc = err_set(err, ERR_INVALID, "must be %.*s or %.*s", STR_FMT(buf_str(&known)),
                     STR_FMT(field_name(FIELDS - 1)));

    buf_release(&known);
    return rc;
}

int check_fields(struct str text, struct err *err)
{
    return each_item(text, "fields", check_field, err);
}

static int check_setting(struct str item, struct err *err)
{
    struct site_setting setting;

    return site_setting_find(item, &setting, err) == 0 ? 0 : ERR_INVALID;
}

int check_pinned(struct str text, struct err *err)
{
    return each_item(text, "pinned", check_setting, err);
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

/* A port is a number of its own behind the host; there is no path. */
static bool is_host_and_port(struct str text)
{
    size_t colon = str_find(text, 0, ':');
    int64_t port = 1;

    if (colon < text.len && !str_to_i64(str_slice(text, colon + 1, text.len), &port))
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!is_host_char(text.ptr[i]))
            return false;
    return colon > 0 && port >= 1 && port <= 65535;
}

/* It enters a header, Content-Security-Policy, where a space or a semicolon would begin something
 * else. */
static int check_origin(struct str item, struct err *err)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct str scheme = str_from(schemes[i]), host = str_slice(item, scheme.len, item.len);

        if (!str_starts(item, scheme))
            continue;
        if (str_starts(host, STR("*.")))
            host = str_slice(host, 2, host.len);
        if (is_host_and_port(host))
            return 0;
    }
    return err_set(err, ERR_INVALID, "must be an origin such as https://app.example.com");
}

int check_origins(struct str text, struct err *err)
{
    return each_item(text, "embedOrigins", check_origin, err);
}

/* -- other JSON -------------------------------------------------------------------------------- */

/* Where they are wrong is said by who reads them. */
int check_goals(struct str text, struct err *err)
{
    struct arena arena = {0};
    struct goal *goals;
    size_t count;
    int rc = goals_parse(text, &arena, &goals, &count, err);

    arena_free(&arena);
    return rc;
}

int check_path_rules(struct str text, struct err *err)
{
    struct arena arena = {0};
    struct path_rule *rules;
    size_t count;
    int rc = path_rules_parse(text, &arena, &rules, &count, err);

    arena_free(&arena);
    return rc;
}

static int check_object(struct str text, const char *name, struct err *err)
{
    struct arena arena = {0};
    struct json *json = NULL;
    int rc = parse(text, JSON_OBJECT, &arena, &json, err);

    arena_free(&arena);
    return rc == 0 ? 0 : err_wrap(err, rc, "%s", name);
}

int check_rows(struct str text, struct err *err)
{
    return check_object(text, "rows", err);
}

int check_nodes(struct str text, struct err *err)
{
    return check_object(text, "nodes", err);
}

int check_settings(struct str text, struct err *err)
{
    struct site_row scratch = site_row_default();
    struct arena arena = {0};
    struct json *json = NULL;
    int rc = parse(text, JSON_OBJECT, &arena, &json, err);

    rc = rc != 0 ? err_wrap(err, rc, "settings")
                 : site_settings_put(&scratch, json, true, &arena, err);
    arena_free(&arena);
    return rc;
}

static int check_membership(const struct json *json, struct err *err)
{
    static const struct json none = {.type = JSON_NULL};
    const struct json *tenant = NULL, *role = NULL, *sites = &none;

    for (size_t i = 0; json->type == JSON_OBJECT && i < json->count; i++) {
        const struct json_member *member = &json->members[i];

        if (str_eq(member->name, STR("tenantId")))
            tenant = &member->value;
        else if (str_eq(member->name, STR("role")))
            role = &member->value;
        else if (str_eq(member->name, STR("sites")))
            sites = &member->value;
        else
            return err_set(err, ERR_INVALID, "%.*s: no such member", STR_FMT(member->name));
    }
    if (tenant == NULL || tenant->type != JSON_STRING || !str_is_id(tenant->text))
        return err_set(err, ERR_INVALID, "tenantId: must be [A-Za-z0-9_-]{1,64}");
    if (role == NULL || role->type != JSON_STRING ||
        !(str_eq(role->text, STR("manager")) || str_eq(role->text, STR("viewer"))))
        return err_set(err, ERR_INVALID, "role: must be manager or viewer");
    if (sites->type != JSON_ARRAY && sites->type != JSON_NULL)
        return err_set(err, ERR_INVALID, "sites: must be a list of ids");
    for (size_t i = 0; sites->type == JSON_ARRAY && i < sites->count; i++)
        if (sites->items[i].type != JSON_STRING || !str_is_id(sites->items[i].text))
            return err_set(err, ERR_INVALID, "sites[%zu]: must be [A-Za-z0-9_-]{1,64}", i);
    return 0;
}

/* The tenant of one is not that of one before it: who may do what is said once. */
static int check_only_one(const struct json *list, size_t at, struct err *err)
{
    const struct json *tenant = json_get(&list->items[at], STR("tenantId"));

    for (size_t i = 0; i < at; i++)
        if (str_eq(json_get(&list->items[i], STR("tenantId"))->text, tenant->text))
            return err_set(err, ERR_INVALID, "tenantId: named twice");
    return 0;
}

int check_memberships(struct str text, struct err *err)
{
    struct arena arena = {0};
    struct json *json = NULL;
    int rc = parse(text, JSON_ARRAY, &arena, &json, err);

    if (rc != 0)
        rc = err_wrap(err, rc, "memberships");
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        rc = check_membership(&json->items[i], err);
        if (rc == 0)
            rc = check_only_one(json, i, err);
        if (rc != 0)
            rc = err_wrap(err, rc, "memberships[%zu]", i);
    }
    arena_free(&arena);
    return rc;
}

/* -- members together -------------------------------------------------------------------------- */

int check_token(const void *row, struct err *err)
{
    const struct token_row *token = row;

    if (token->platform ? token->tenant.len + token->site.len > 0 : token->tenant.len == 0)
        return err_set(err, ERR_INVALID, "tenantId: a token is the platform's or one tenant's");
    return 0;
}

int check_session(const void *row, struct err *err)
{
    const struct session_row *session = row;

    if ((session->user.len == 0) != (session->kind == SESSION_SETUP))
        return err_set(err, ERR_INVALID, "user: all but a set-up are somebody's");
    return 0;
}

int check_erasure(const void *row, struct err *err)
{
    const struct erasure_row *erasure = row;
    bool of_value = erasure->kind >= ERASE_PATH;

    if ((erasure->site.len == 0) != (erasure->kind == ERASE_TENANT))
        return err_set(err, ERR_INVALID, "siteId: what is erased is a tenant's or a site's");
    if (erasure->value.len > 0 ? !of_value : of_value && erasure->done_ms == 0)
        return err_set(err, ERR_INVALID, "value: of a path, an event or a property, until done");
    return 0;
}

/* C0, DEL and C1, of which the last are two bytes. */
static bool is_control(struct str text, size_t at)
{
    const unsigned char *p = (const unsigned char *)text.ptr + at;

    return p[0] < ' ' || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

/* The text is valid UTF-8. */
static bool is_note(struct str text)
{
    size_t chars = 0;

    for (size_t at = 0; at < text.len; at += utf8_char(text, at), chars++)
        if (chars == ANNOTATION_CHARS_MAX || is_control(text, at))
            return false;
    return chars > 0;
}

int check_annotation(const void *row, struct err *err)
{
    const struct annotation_row *annotation = row;
    int32_t day;
    struct str date = annotation_date(annotation), site = annotation->site;

    if (annotation->id.len != site.len + 1 + date.len || !str_starts(annotation->id, site) ||
        annotation->id.ptr[site.len] != '/' || !date_parse(date, &day))
        return err_set(err, ERR_INVALID, "id: must be the site's, a slash and a date");
    if (!is_note(annotation->text))
        return err_set(err, ERR_INVALID,
                       "text: must have 1 to %d characters, and no control characters",
                       ANNOTATION_CHARS_MAX);
    return 0;
}
