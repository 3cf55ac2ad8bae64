/*
 * manage/manage.c -- the table of resources, and the verbs that are the same for all of them.
 *
 * A change is applied twice: to a copy (the rehearsal), and in the store's transaction to the row
 * as it is then. Rights, bounds and conflicts are looked at both times.
 */
#include "manage/manage_internal.h"

#include <assert.h>

static int remove_token(struct manage *m, const void *row, bool now, struct buf *out,
                        struct err *err)
{
    return row_remove(m, row, now, out, err, ROW_TOKEN);
}

static int remove_link(struct manage *m, const void *row, bool now, struct buf *out,
                       struct err *err)
{
    return row_remove(m, row, now, out, err, ROW_LINK);
}

const struct resource manage_resources[MANAGE_KINDS] = {
    [MANAGE_TENANTS] = {.name = "tenants",
                        .one = "tenant",
                        .row = ROW_TENANT,
                        .members = tenant_members,
                        .whole = true,
                        .read_id = id_read,
                        .reach = tenant_reach,
                        .apply = tenant_apply,
                        .add = tenant_add,
                        .remove = tenant_remove},
    [MANAGE_SITES] = {.name = "sites",
                      .one = "site",
                      .row = ROW_SITE,
                      .members = site_resource_members,
                      .read_id = id_read,
                      .reach = site_reach,
                      .prepare = site_prepare,
                      .apply = site_apply,
                      .add = site_add,
                      .remove = site_remove},
    [MANAGE_USERS] = {.name = "users",
                      .one = "user",
                      .row = ROW_USER,
                      .members = user_members,
                      .whole = true,
                      .read_id = user_read_id,
                      .reach = user_reach,
                      .prepare = user_prepare,
                      .apply = user_apply,
                      .add = user_add,
                      .done = user_done,
                      .remove = user_remove},
    [MANAGE_TOKENS] = {.name = "tokens",
                       .one = "token",
                       .row = ROW_TOKEN,
                       .members = token_members,
                       .read_id = id_read,
                       .reach = token_reach,
                       .prepare = token_prepare,
                       .apply = token_apply,
                       .add = token_add,
                       .done = token_done,
                       .remove = remove_token},
    [MANAGE_LINKS] = {.name = "links",
                      .one = "link",
                      .row = ROW_LINK,
                      .members = link_members,
                      .read_id = id_read,
                      .reach = link_reach,
                      .apply = link_apply,
                      .add = link_add,
                      .remove = remove_link},
    [MANAGE_RECEIPTS] = {.name = "receipts",
                         .one = "receipt",
                         .row = ROW_ERASURE,
                         .members = receipt_members,
                         .whole = true,
                         .read_id = id_read,
                         .reach = receipt_reach,
                         .add = receipt_add},
};

const char *manage_name(enum manage_kind kind)
{
    return manage_resources[kind].name;
}

const struct manage_member *manage_members(enum manage_kind kind)
{
    return manage_resources[kind].members;
}

int id_read(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    *out = text;
    return str_is_id(text) ? 0
                           : err_set(err, ERR_INVALID, "id: must be 1 to 64 of A-Z a-z 0-9 _ -");
}

int manage_add_row(struct manage *m, const struct resource *resource, const void *row,
                   struct json_out *json, struct err *err)
{
    json_open(json, '{');
    int rc = resource->add(m, row, json, err);

    json_close(json, '}');
    return rc;
}

/* -- making and changing ----------------------------------------------------------------------- */

/* An id that somebody else's row has cannot be used, and more is not told of that row. */
static int reach_there(const struct change *change, const void *row, struct err *err)
{
    const struct resource *resource = change->resource;
    int rc = resource->reach(change->m, row, err);

    if (rc == ERR_NOTFOUND && change->how != MANAGE_PATCH && resource->row != ROW_TENANT)
        return err_set(err, ERR_CONFLICT, "id: there is a %s of this id already", resource->one);
    return rc;
}

/* edit_fn */
static int edit(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct change *change = ctx;
    int rc = 0;

    change->exists = exists;
    if (!exists && change->how == MANAGE_PATCH)
        return manage_no_such(change->resource->one, err);
    if (exists && change->resource->row != ROW_USER)
        rc = reach_there(change, row, err);
    if (rc == 0)
        rc = body_fixed_text(change, "id", change->id, err);
    return rc == 0 ? change->resource->apply(change, row, arena, err) : rc;
}

static int add_to(struct change *change, const void *row, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};

    return manage_add_row(change->m, change->resource, row, &json, err);
}

/* The row as JSON; NULL after a refusal. */
static const struct json *as_json(struct change *change, const void *row, struct err *err)
{
    enum { DEPTH = 16 };
    struct buf text = {0};
    struct json *json = NULL;
    int rc = add_to(change, row, &text, err);

    if (rc == 0)
        rc = json_parse(buf_str(&text), DEPTH, change->m->arena, &json, err);
    buf_release(&text);
    return rc == 0 ? json : NULL;
}

/* Adding what is there already: it has to be what is asked for. */
static int compare(struct change *change, const void *there, const void *wanted, struct err *err)
{
    const struct json *a = as_json(change, there, err);
    const struct json *b = a == NULL ? NULL : as_json(change, wanted, err);

    if (b == NULL)
        return ERR_UNAVAILABLE;
    return json_same(a, b)
               ? 0
               : err_set(err, ERR_CONFLICT, "id: %.*s is there already, with other values",
                         STR_FMT(str_slice(change->id, 0, 64)));
}

/* Beside that, what is to be added again is not to be erased. */
static int compare_restored(struct change *change, const union any_row *there,
                            const union any_row *wanted, struct err *err)
{
    union any_row was = *there;

    if (change->resource->row == ROW_SITE)
        was.site.erase_ms = 0;
    else
        was.tenant.erase_ms = 0;
    return compare(change, &was, wanted, err);
}

/* The change on a copy. Takes back the erasure of what is wanted again. */
static int rehearse(struct change *change, bool *same, struct err *err)
{
    struct manage *m = change->m;
    union any_row there, wanted;
    int found = store_get(m->store, change->resource->row, change->id, m->arena, &there, err);

    *same = false;
    if (found < 0)
        return found;
    wanted = there;
    change->rehearsal = true;
    int rc = edit(change, found == 1, &wanted, m->arena, err);

    change->rehearsal = false;
    if (rc < 0)
        return rc;
    if (change->restores && change->how == MANAGE_ADD) {
        rc = compare_restored(change, &there, &wanted, err);
        if (rc < 0)
            return rc;
    }
    if (change->restores) {
        struct str tenant = change->resource->row == ROW_SITE ? there.site.tenant : change->id;
        struct str site = change->resource->row == ROW_SITE ? change->id : STR("");
        int64_t created_ms =
            change->resource->row == ROW_SITE ? there.site.created_ms : there.tenant.created_ms;

        change->restored = true;
        return erasure_take_back(m, tenant, site, created_ms, err);
    }
    *same = found == 1 && change->how == MANAGE_ADD;
    return *same ? compare(change, &there, &wanted, err) : 0;
}

static int answer(struct change *change, const union any_row *row, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    int rc = change->resource->add(change->m, row, &json, err);

    if (rc == 0 && change->resource->done != NULL)
        rc = change->resource->done(change, row, &json, err);
    json_close(&json, '}');
    return rc;
}

/* What is answered is the row as it is now; a person who is gone was somebody once. */
static int change_row(struct change *change, enum manage_done *done, struct buf *out,
                      struct err *err)
{
    struct manage *m = change->m;
    const struct actor actor = manage_actor(m);
    union any_row row;
    bool same = false;
    int rc = rehearse(change, &same, err);

    if (rc == 0 && change->removes)
        rc = store_get(m->store, change->resource->row, change->id, m->arena, &row, err);
    if (rc >= 0 && !same)
        rc = store_edit(m->store, change->resource->row, change->id, edit, change, &actor, err);
    if (rc < 0)
        return rc;
    *done = same || rc == 0 ? MANAGE_SAME : change->exists ? MANAGE_CHANGED : MANAGE_MADE;
    if (change->removes) {
        row.user.memberships = STR("");
    } else {
        rc = store_get(m->store, change->resource->row, change->id, m->arena, &row, err);
        if (rc <= 0)
            return rc < 0 ? rc : manage_no_such(change->resource->one, err);
    }
    return answer(change, &row, out, err);
}

static int put(struct change *change, enum manage_done *done, struct buf *out, struct err *err)
{
    const struct resource *resource = change->resource;
    int rc = manage_gate(change->m, err);

    if (rc == 0 && resource->apply == NULL)
        rc = err_set(err, ERR_DENIED, "%s are only for reading", resource->name);
    if (rc == 0)
        rc = resource->read_id(change->id, change->m->arena, &change->id, err);
    if (rc == 0)
        rc = body_check(resource->members, change->body, err);
    if (rc == 0 && resource->prepare != NULL)
        rc = resource->prepare(change, err);
    return rc == 0 ? change_row(change, done, out, err) : rc;
}

int manage_put(struct manage *m, enum manage_kind kind, struct str id, const struct json *body,
               enum manage_how how, enum manage_done *done, struct buf *out, struct err *err)
{
    static const struct json nothing = {.type = JSON_OBJECT};
    struct change change = {.m = m,
                            .resource = &manage_resources[kind],
                            .id = id,
                            .body = body == NULL ? &nothing : body,
                            .how = how};
    size_t before = out->len;
    struct err why = {""};

    *done = MANAGE_SAME;
    int rc = manage_end(m, put(&change, done, out, &why), &why);

    if (rc < 0) {
        out->len = before;
        return err_set(err, rc, "%s", why.text);
    }
    return 0;
}

/* -- looking up and removing ------------------------------------------------------------------- */

static int find(struct manage *m, const struct resource *resource, struct str id,
                union any_row *out, struct err *err)
{
    int rc = manage_gate(m, err);

    if (rc != 0)
        return rc;
    rc = resource->read_id(id, m->arena, &id, NULL) == 0
             ? store_get(m->store, resource->row, id, m->arena, out, err)
             : 0;
    if (rc <= 0)
        return rc < 0 ? rc : manage_no_such(resource->one, err);
    return resource->reach(m, out, err);
}

int manage_get(struct manage *m, enum manage_kind kind, struct str id, struct buf *out,
               struct err *err)
{
    struct json_out json = {.buf = out};
    union any_row row;
    int rc = find(m, &manage_resources[kind], id, &row, err);

    m->field = NULL;
    return rc == 0 ? manage_add_row(m, &manage_resources[kind], &row, &json, err) : rc;
}

int manage_remove(struct manage *m, enum manage_kind kind, struct str id, bool now, struct buf *out,
                  struct err *err)
{
    const struct resource *resource = &manage_resources[kind];
    union any_row row;
    int rc = find(m, resource, id, &row, err);

    m->field = NULL;
    if (rc != 0)
        return rc;
    if (resource->remove == NULL)
        return err_set(err, ERR_DENIED, "%s are only for reading", resource->name);
    return resource->remove(m, &row, now, out, err);
}

/* -- removing what is only a row ----------------------------------------------------------------
 */

struct removal {
    struct manage *m;
    enum row_kind kind;
};

/* edit_fn */
static int remove_it(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct removal *removal = ctx;

    (void)arena;
    if (!exists)
        return EDIT_KEEP;
    int rc = removal->kind == ROW_TOKEN ? token_reach(removal->m, row, err)
                                        : link_reach(removal->m, row, err);

    return rc == 0 ? EDIT_REMOVE : rc;
}

int row_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err,
               enum row_kind kind)
{
    struct removal removal = {.m = m, .kind = kind};
    const struct actor actor = manage_actor(m);

    (void)now;
    (void)out;
    int rc = store_edit(m->store, kind, *(const struct str *)row, remove_it, &removal, &actor, err);

    return rc < 0 ? rc : 0;
}
