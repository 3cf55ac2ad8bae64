/*
 * manage/settings.c -- what holds for a site and from where, and what a tenant or the installation
 * sets for its sites.
 *
 * Days that nobody sets are the installation's options, which no answer calls a setting: sent back
 * as it is, it would be one.
 */
#include "manage/manage_internal.h"
#include "manage/values.h"

enum { DEPTH_MAX = 8, NAME_SHOWN_MAX = 64 };

/* -- what holds -------------------------------------------------------------------------------- */

static const char *const levels[] = {[FROM_SITE] = "site",
                                     [FROM_TENANT] = "tenant",
                                     [FROM_INSTALLATION] = "installation",
                                     [FROM_DEFAULT] = "default"};

/* Whose settings are meant. */
struct subject {
    enum setting_source level;
    struct tenant_row tenant; /* of FROM_TENANT, and the site's */
    struct site_row site;     /* of FROM_SITE */
};

static int find_subject(struct manage *m, struct str tenant, struct str site, struct subject *out,
                        struct err *err)
{
    int rc = manage_gate(m, err);

    out->level = site.len > 0 ? FROM_SITE : tenant.len > 0 ? FROM_TENANT : FROM_INSTALLATION;
    out->site = site_row_default();
    out->tenant = tenant_row_default();
    if (rc != 0)
        return rc;
    if (out->level == FROM_INSTALLATION)
        return manage_is_platform(m)
                   ? 0
                   : err_set(err, ERR_DENIED, "the installation's settings are the platform's");
    if (out->level == FROM_TENANT)
        return manage_find_tenant(m, tenant, &out->tenant, err);
    rc = manage_find_site(m, site, &out->site, err);
    if (rc == 0 && tenant.len > 0 && !str_eq(tenant, out->site.tenant))
        rc = manage_no_such("site", err);
    if (rc == 0)
        rc = store_get(m->store, ROW_TENANT, out->site.tenant, m->arena, &out->tenant, err);
    return rc < 0 ? rc : 0;
}

struct shown {
    const struct manage *m;
    const struct json *values[SETTINGS_MAX];
    enum setting_source sources[SETTINGS_MAX];
};

static void add_value(const struct shown *shown, size_t i, struct json_out *json)
{
    struct site_setting setting;
    const struct {
        struct str name;
        int64_t days;
    } options[] = {{STR("retention.rawDays"), shown->m->raw_days},
                   {STR("retention.visitDays"), shown->m->visit_days},
                   {STR("retention.statsDays"), shown->m->stats_days}};

    (void)site_setting_at(i, &setting);
    if (shown->sources[i] == FROM_DEFAULT)
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
            if (str_eq(options[k].name, str_from(setting.name))) {
                json_i64(json, options[k].days);
                return;
            }
    json_value(json, shown->values[i]);
}

/* add_setting_fn */
static void add_sourced(const void *ctx, size_t i, struct json_out *json)
{
    const struct shown *shown = ctx;
    enum setting_source source = shown->sources[i];

    json_open(json, '{');
    json_name(json, STR("value"));
    add_value(shown, i, json);
    out_string(json, "from", str_from(levels[source]));
    json_close(json, '}');
}

/* What only a site can have, a tenant and the installation do not show. */
static void leave_out_own(struct shown *shown)
{
    struct site_setting setting;

    for (size_t i = 0; site_setting_at(i, &setting); i++)
        if (str_eq(str_from(setting.name), STR("domain")) ||
            str_eq(str_from(setting.name), STR("trackingIds")))
            shown->values[i] = NULL;
}

static int show(struct manage *m, struct str tenant, struct str site, struct buf *out,
                struct err *err)
{
    struct shown shown = {.m = m};
    struct json_out json = {.buf = out};
    struct subject subject;
    struct str installation = STR("");
    int rc = find_subject(m, tenant, site, &subject, err);

    if (rc == 0)
        rc = installation_settings(m, &installation, err);
    if (rc != 0)
        return rc;
    site_row_resolve(&subject.site, subject.tenant.settings, installation, m->arena, shown.sources);
    settings_values(&subject.site, m->arena, shown.values);
    if (subject.level != FROM_SITE)
        leave_out_own(&shown);
    json_open(&json, '{');
    if (subject.level == FROM_SITE)
        out_string(&json, "siteId", subject.site.id);
    if (subject.level != FROM_INSTALLATION)
        out_string(&json, "tenantId",
                   subject.level == FROM_SITE ? subject.site.tenant : subject.tenant.id);
    settings_each(shown.values, add_sourced, &shown, &json);
    json_close(&json, '}');
    return 0;
}

int manage_settings_get(struct manage *m, struct str tenant, struct str site, struct buf *out,
                        struct err *err)
{
    m->field = NULL;
    return show(m, tenant, site, out, err);
}

/* -- changing them ----------------------------------------------------------------------------- */

struct settings_change {
    struct manage *m;
    enum manage_how how;
    const struct json *values;
};

/* edit_fn of a site */
static int put_site(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct settings_change *change = ctx;
    struct site_row *site = row, fresh = site_row_default();
    int rc = exists ? site_reach(change->m, row, err) : manage_no_such("site", err);

    if (rc != 0)
        return rc;
    if (change->how != MANAGE_PATCH) {
        fresh.id = site->id;
        fresh.tenant = site->tenant;
        fresh.domain = site->domain;
        fresh.created_ms = site->created_ms;
        fresh.erase_ms = site->erase_ms;
        *site = fresh;
    }
    rc = site_settings_put(site, change->values, false, arena, err);
    return rc == 0 ? EDIT_PUT : rc;
}

/* The settings of a layer as they are to be: those sent, and of those it had (`was`, NULL: none
 * stays) the others. Nothing at all is an empty text. */
static struct str merged(const struct json *was, const struct json *sent, struct arena *arena)
{
    const struct json *values[SETTINGS_MAX] = {0};
    struct buf text = {0};
    struct json_out json = {.buf = &text};
    struct site_setting setting;

    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        values[i] = body_get(sent, setting.name);
        if (values[i] == NULL && was != NULL)
            values[i] = body_get(was, setting.name);
        if (values[i] != NULL && values[i]->type == JSON_NULL)
            values[i] = NULL;
    }
    json_open(&json, '{');
    settings_each(values, NULL, NULL, &json);
    json_close(&json, '}');
    struct str kept = text.len > strlen("{}") ? arena_str(arena, buf_str(&text)) : STR("");

    buf_release(&text);
    return kept;
}

static int merge_layer(const struct settings_change *change, struct str *settings,
                       struct arena *arena, struct err *err)
{
    static const struct json nothing = {.type = JSON_OBJECT};
    struct site_row scratch = site_row_default();
    struct json *was = NULL;
    int rc = site_settings_put(&scratch, change->values, true, arena, err);

    if (rc != 0)
        return rc;
    if (settings->len > 0 && json_parse(*settings, DEPTH_MAX, arena, &was, NULL) != 0)
        was = NULL;
    struct str wanted = merged(change->how == MANAGE_PATCH ? was : NULL, change->values, arena);

    /* A store may have its own spelling of what it keeps. */
    if (!str_eq(wanted, merged(was, &nothing, arena)))
        *settings = wanted;
    return EDIT_PUT;
}

/* edit_fn of a tenant */
static int put_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct settings_change *change = ctx;
    int rc = exists ? tenant_reach(change->m, row, err) : manage_no_such("tenant", err);

    return rc == 0 ? merge_layer(change, &((struct tenant_row *)row)->settings, arena, err) : rc;
}

/* edit_fn */
static int put_installation(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)exists;
    return merge_layer(ctx, &((struct installation_row *)row)->settings, arena, err);
}

static int check_setting(struct str group, struct str name, struct err *err)
{
    struct buf full = {0};
    struct site_setting setting;

    buf_addf(&full, "%.*s%s%.*s", STR_FMT(group), group.len > 0 ? "." : "",
             STR_FMT(str_slice(name, 0, NAME_SHOWN_MAX)));
    int rc = site_setting_find(buf_str(&full), &setting, NULL);

    /* "limits.pathsPerDay" is a member of a member. */
    if (rc != 0 || str_find(name, 0, '.') < name.len)
        rc = err_set(err, ERR_INVALID, "%.*s: there is no such setting", STR_FMT(buf_str(&full)));
    buf_release(&full);
    return rc;
}

static bool is_group(struct str name)
{
    struct site_setting setting;

    for (size_t i = 0; site_setting_at(i, &setting); i++)
        if (str_eq(setting_group(str_from(setting.name)), name))
            return true;
    return false;
}

static int check_name(const struct json_member *member, struct err *err)
{
    const struct json *group = &member->value;
    int rc = 0;

    if (!is_group(member->name))
        return check_setting(STR(""), member->name, err);
    if (group->type != JSON_OBJECT && group->type != JSON_NULL)
        return err_set(err, ERR_INVALID, "%.*s: must be an object", STR_FMT(member->name));
    for (size_t i = 0; rc == 0 && i < group->count; i++)
        rc = check_setting(member->name, group->members[i].name, err);
    return rc;
}

/* Only settings, and the ids that answers have. */
static int check_names(const struct json *body, const struct subject *subject, struct err *err)
{
    struct str tenant = subject->level == FROM_SITE ? subject->site.tenant : subject->tenant.id;
    int rc = body->type == JSON_OBJECT ? 0 : err_set(err, ERR_INVALID, "an object is wanted");

    for (size_t i = 0; rc == 0 && i < body->count; i++) {
        const struct json_member *member = &body->members[i];
        bool site_id = str_eq(member->name, STR("siteId"));
        struct str is = site_id ? subject->site.id : tenant;

        if (!site_id && !str_eq(member->name, STR("tenantId")))
            rc = check_name(member, err);
        else if (is.len == 0 || member->value.type != JSON_STRING ||
                 !str_eq(member->value.text, is))
            rc = err_set(err, ERR_CONFLICT, "%.*s: never changes", STR_FMT(member->name));
    }
    return rc;
}

static int change_settings(struct settings_change *change, const struct subject *subject,
                           struct err *err)
{
    static const struct {
        enum row_kind kind;
        edit_fn *edit;
    } edits[] = {[FROM_SITE] = {ROW_SITE, put_site},
                 [FROM_TENANT] = {ROW_TENANT, put_tenant},
                 [FROM_INSTALLATION] = {ROW_INSTALLATION, put_installation}};
    const struct actor actor = manage_actor(change->m);
    struct str id = subject->level == FROM_SITE     ? subject->site.id
                    : subject->level == FROM_TENANT ? subject->tenant.id
                                                    : STR("installation");
    int rc = store_edit(change->m->store, edits[subject->level].kind, id,
                        edits[subject->level].edit, change, &actor, err);

    return rc < 0 ? rc : 0;
}

static int put(struct manage *m, struct str tenant, struct str site, const struct json *body,
               enum manage_how how, struct err *err)
{
    struct settings_change change = {.m = m, .how = how};
    struct subject subject;
    int rc = find_subject(m, tenant, site, &subject, err);

    if (rc == 0)
        rc = check_names(body, &subject, err);
    if (rc == 0)
        rc = values_read(body, levels[subject.level], m->arena, &change.values, err);
    return rc == 0 ? change_settings(&change, &subject, err) : rc;
}

int manage_settings_put(struct manage *m, struct str tenant, struct str site,
                        const struct json *body, enum manage_how how, struct buf *out,
                        struct err *err)
{
    struct err why = {""};
    int rc = manage_end(m, put(m, tenant, site, body, how, &why), &why);

    return rc == 0 ? show(m, tenant, site, out, err) : err_set(err, rc, "%s", why.text);
}
