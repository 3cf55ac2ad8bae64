/*
 * manage/annotations.c -- what people note of a site's date, so that whoever looks at its graph
 * knows why.
 *
 * A date has one annotation or none, and so needs no id: the site and the date name it.
 */
#include "manage/manage_internal.h"

#include "base/date.h"

static const struct manage_member members[] = {
    {.name = "siteId", .type = "string", .read_only = true},
    {.name = "tenantId", .type = "string", .read_only = true},
    {.name = "date", .type = "string", .read_only = true},
    {.name = "text", .type = "string", .required = true},
    {.name = NULL},
};

struct noting {
    struct manage *m;
    struct site_row site;
    struct str text;
    bool exists;
};

/* One that is to be erased is as one that is not there, as it is to readers. */
static int find_site(struct manage *m, struct str id, struct site_row *out, struct err *err)
{
    int rc = manage_find_site(m, id, out, err);

    return rc == 0 && out->erase_ms > 0 ? manage_no_such("site", err) : rc;
}

static int check_room(const struct noting *noting, struct err *err)
{
    const struct row_filter filter = {.tenant = noting->site.tenant, .site = noting->site.id};
    int64_t count = 0;
    int rc = store_count(noting->m->store, ROW_ANNOTATION, &filter, &count, err);

    if (rc < 0)
        return rc;
    return count < ANNOTATIONS_MAX
               ? 0
               : err_set(err, ERR_CONFLICT, "date: a site may have %d annotations, and has them",
                         ANNOTATIONS_MAX);
}

/* edit_fn */
static int put_text(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct noting *noting = ctx;
    struct annotation_row *annotation = row;
    int rc = exists ? 0 : check_room(noting, err);

    (void)arena;
    noting->exists = exists;
    annotation->tenant = noting->site.tenant;
    annotation->site = noting->site.id;
    annotation->text = noting->text;
    return rc == 0 ? EDIT_PUT : rc;
}

/* edit_fn */
static int take_out(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    return exists ? EDIT_REMOVE : manage_no_such("annotation", err);
}

/* The text of a body that says nothing else. */
static int read_body(struct noting *noting, struct str date, const struct json *body,
                     struct err *err)
{
    const struct change change = {.m = noting->m, .body = body, .how = MANAGE_PUT};
    int rc = body_check(members, body, err);

    if (rc == 0)
        rc = body_fixed_text(&change, "siteId", noting->site.id, err);
    if (rc == 0)
        rc = body_fixed_text(&change, "tenantId", noting->site.tenant, err);
    if (rc == 0)
        rc = body_fixed_text(&change, "date", date, err);
    return rc == 0 ? body_needs_text(body, "text", &noting->text, err) : rc;
}

static void add_annotation(const struct noting *noting, struct str date, struct buf *out)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    out_string(&json, "siteId", noting->site.id);
    out_string(&json, "tenantId", noting->site.tenant);
    out_string(&json, "date", date);
    out_string(&json, "text", noting->text);
    json_close(&json, '}');
}

static int put(struct noting *noting, struct str site, int32_t day, const struct json *body,
               enum manage_done *done, struct buf *out, struct err *err)
{
    struct manage *m = noting->m;
    const struct actor actor = manage_actor(m);
    char date[DATE_TEXT];
    int rc = find_site(m, site, &noting->site, err);

    date_format(day, date);
    if (rc == 0)
        rc = read_body(noting, str_from(date), body, err);
    if (rc == 0)
        rc = store_edit(m->store, ROW_ANNOTATION, annotation_id(noting->site.id, day, m->arena),
                        put_text, noting, &actor, err);
    if (rc < 0)
        return rc;
    *done = rc == 0 ? MANAGE_SAME : noting->exists ? MANAGE_CHANGED : MANAGE_MADE;
    add_annotation(noting, str_from(date), out);
    return 0;
}

int manage_annotation_put(struct manage *m, struct str site, int32_t day, const struct json *body,
                          enum manage_done *done, struct buf *out, struct err *err)
{
    struct noting noting = {.m = m};
    struct err why = {""};
    int rc = manage_end(m, put(&noting, site, day, body, done, out, &why), &why);

    return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}

int manage_annotation_remove(struct manage *m, struct str site, int32_t day, struct err *err)
{
    const struct actor actor = manage_actor(m);
    struct site_row row;
    int rc = find_site(m, site, &row, err);

    m->field = NULL;
    if (rc == 0)
        rc = store_edit(m->store, ROW_ANNOTATION, annotation_id(row.id, day, m->arena), take_out,
                        NULL, &actor, err);
    return rc < 0 ? rc : 0;
}
