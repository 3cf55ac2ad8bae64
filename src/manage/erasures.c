/*
 * manage/erasures.c -- deleting a tenant or a site, taking that back, and erasing values.
 *
 * A deletion is two rows: `erase_ms` of what is to go, which ends counting and reading at once, and
 * an erasure, by which the job knows what is due and which becomes the receipt. erase_ms is set
 * first; of what is taken back the erasure goes first; and where somebody else is in between, the
 * second step is refused: no erasure is made of what is open again, and nothing is opened that has
 * an erasure again. So there is an erasure only of what has been shut for as long as it says, and
 * nothing that is in use is ever erased. A crash in between leaves
 * something shut that nobody erases yet: asking again, for either, does the rest. An erasure's id
 * comes from what it is about and when that was made, so that who asks twice, or two at once, make
 * one receipt.
 *
 * The job begins when due_ms has come. Clocks of machines differ, so shortly before that nothing is
 * taken back any more.
 */
#include "manage/manage_internal.h"

#include "base/date.h"
#include "event/event.h"

#include <sodium.h>

enum {
    ERASURE_ID_BYTES = 12,
    ERASURE_ID_TEXT = 2 + 16,
    TAKE_BACK_MS = 60 * 1000, /* before it is due: too late */
};

const struct manage_member receipt_members[] = {
    {.name = "id", .type = "string", .meaning = "Its id.", .read_only = true},
    {.name = "kind",
     .type = "string",
     .meaning = "What is erased: site, tenant, path, event or prop.",
     .read_only = true},
    {.name = "tenantId", .type = "string", .meaning = "Whose it is.", .read_only = true},
    {.name = "siteId",
     .type = "string",
     .meaning = "Of which site; null: the tenant with all of its sites.",
     .read_only = true},
    {.name = "value",
     .type = "string",
     .meaning = "The path, event or property, until it is done.",
     .read_only = true},
    {.name = "status", .type = "string", .meaning = "due or done.", .read_only = true},
    {.name = "askedBy", .type = "string", .meaning = "Who asked for it.", .read_only = true},
    {.name = "askedAt", .type = "string", .meaning = "When.", .read_only = true},
    {.name = "dueAt", .type = "string", .meaning = "Not before then.", .read_only = true},
    {.name = "doneAt",
     .type = "string",
     .meaning = "When nothing was left in the store; null: not yet.",
     .read_only = true},
    {.name = "rows",
     .type = "object",
     .meaning = "How many rows were removed or changed, by table.",
     .read_only = true},
    {.name = "nodes",
     .type = "object",
     .meaning = "When the log and cache of a node held nothing of it, by node.",
     .read_only = true},
    {.name = NULL},
};

static const char *const kind_names[] = {
    [ERASE_SITE] = "site",   [ERASE_TENANT] = "tenant", [ERASE_PATH] = "path",
    [ERASE_EVENT] = "event", [ERASE_PROP] = "prop",
};

/* -- receipts ---------------------------------------------------------------------------------- */

int receipt_reach(struct manage *m, const void *row, struct err *err)
{
    return manage_may(caller_at_tenant(m->caller, ((const struct erasure_row *)row)->tenant),
                      "receipt", err);
}

static void add_nodes(struct manage *m, struct str text, struct json_out *json)
{
    struct json *nodes = NULL;
    int64_t ms;

    json_name(json, STR("nodes"));
    json_open(json, '{');
    if (json_parse(text, 1, m->arena, &nodes, NULL) == 0 && nodes->type == JSON_OBJECT)
        for (size_t i = 0; i < nodes->count; i++)
            if (json_to_i64(&nodes->members[i].value, &ms))
                out_instant(json, arena_str(m->arena, nodes->members[i].name).ptr, ms);
    json_close(json, '}');
}

int receipt_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct erasure_row *erasure = row;

    (void)err;
    out_string(json, "id", erasure->id);
    out_string(json, "kind", str_from(kind_names[erasure->kind]));
    out_string(json, "tenantId", erasure->tenant);
    out_text(json, "siteId", erasure->site);
    out_text(json, "value", erasure->value);
    out_string(json, "status", erasure->done_ms > 0 ? STR("done") : STR("due"));
    out_string(json, "askedBy", erasure->actor);
    out_instant(json, "askedAt", erasure->asked_ms);
    out_instant(json, "dueAt", erasure->due_ms);
    out_instant(json, "doneAt", erasure->done_ms);
    out_raw(json, "rows", erasure->rows.len > 0 ? erasure->rows : STR("{}"));
    add_nodes(m, erasure->nodes, json);
    return 0;
}

static int add_receipt(struct manage *m, struct str id, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};
    struct erasure_row row;
    int rc = store_get(m->store, ROW_ERASURE, id, m->arena, &row, err);

    if (rc <= 0)
        return rc < 0 ? rc : manage_no_such("receipt", err);
    return manage_add_row(m, &manage_resources[MANAGE_RECEIPTS], &row, &json, err);
}

/* -- ids --------------------------------------------------------------------------------------- */

static struct str id_text(const uint8_t bytes[ERASURE_ID_BYTES], struct arena *arena)
{
    char text[ERASURE_ID_TEXT + 1] = "e_";

    (void)sodium_bin2base64(text + 2, sizeof(text) - 2, bytes, ERASURE_ID_BYTES,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_str(arena, str_from(text));
}

/* Of a site or (`site` empty) a tenant that was made then. */
static struct str deletion_id(struct str tenant, struct str site, int64_t created_ms,
                              struct arena *arena)
{
    struct str text = arena_format(arena, "%.*s\n%.*s\n%lld", STR_FMT(tenant), STR_FMT(site),
                                   (long long)created_ms);
    uint8_t hash[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text.ptr, text.len, NULL, 0);
    return id_text(hash, arena);
}

/* -- deleting ---------------------------------------------------------------------------------- */

struct deletion {
    struct manage *m;
    enum row_kind kind;
    bool now;
    struct str tenant, site; /* site empty: the tenant */
    int64_t created_ms, due_ms;
};

static int shut(struct deletion *deletion, int64_t created_ms, int64_t *erase_ms)
{
    int64_t now_ms = deletion->m->now_ms;

    if (*erase_ms == 0)
        *erase_ms = deletion->now ? now_ms : now_ms + MANAGE_GRACE_DAYS * DAY_MS;
    else if (deletion->now && *erase_ms > now_ms)
        *erase_ms = now_ms;
    deletion->created_ms = created_ms;
    deletion->due_ms = *erase_ms;
    return EDIT_PUT;
}

/* edit_fn */
static int shut_site(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct deletion *deletion = ctx;
    struct site_row *site = row;

    (void)arena;
    return exists && str_eq(site->tenant, deletion->tenant)
               ? shut(deletion, site->created_ms, &site->erase_ms)
               : manage_no_such("site", err);
}

/* edit_fn */
static int shut_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct tenant_row *tenant = row;

    (void)arena;
    return exists ? shut(ctx, tenant->created_ms, &tenant->erase_ms)
                  : manage_no_such("tenant", err);
}

static int taken_back(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "status: it was taken back this moment");
}

/* What is to be erased is as it was when it was shut. */
static int check_shut(const struct deletion *deletion, struct arena *arena, struct err *err)
{
    bool is_site = deletion->kind == ROW_SITE;
    union any_row row;
    int rc = store_get(deletion->m->store, deletion->kind,
                       is_site ? deletion->site : deletion->tenant, arena, &row, err);

    if (rc < 0)
        return rc;
    int64_t erase_ms = is_site ? row.site.erase_ms : row.tenant.erase_ms;
    int64_t created_ms = is_site ? row.site.created_ms : row.tenant.created_ms;

    return rc == 1 && erase_ms > 0 && created_ms == deletion->created_ms ? 0 : taken_back(err);
}

/* edit_fn of the erasure */
static int put_deletion(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct deletion *deletion = ctx;
    struct erasure_row *erasure = row;

    if (exists) {
        if (erasure->done_ms == 0 && erasure->due_ms > deletion->due_ms)
            erasure->due_ms = deletion->due_ms;
        return EDIT_PUT;
    }
    int rc = check_shut(deletion, arena, err);

    if (rc != 0)
        return rc;
    erasure->tenant = deletion->tenant;
    erasure->site = deletion->site;
    erasure->kind = deletion->kind == ROW_SITE ? ERASE_SITE : ERASE_TENANT;
    erasure->actor = deletion->m->caller->name;
    erasure->asked_ms = deletion->m->now_ms;
    erasure->due_ms = deletion->due_ms;
    return EDIT_PUT;
}

static int delete_it(struct deletion *deletion, struct str id, struct buf *out, struct err *err)
{
    struct manage *m = deletion->m;
    const struct actor actor = manage_actor(m);
    int rc =
        store_edit(m->store, deletion->kind, id,
                   deletion->kind == ROW_SITE ? shut_site : shut_tenant, deletion, &actor, err);

    if (rc < 0)
        return rc;
    id = deletion_id(deletion->tenant, deletion->site, deletion->created_ms, m->arena);
    rc = store_edit(m->store, ROW_ERASURE, id, put_deletion, deletion, &actor, err);
    if (rc >= 0)
        rc = add_receipt(m, id, out, err);
    return rc == ERR_NOTFOUND ? taken_back(err) : rc;
}

int site_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err)
{
    const struct site_row *site = row;
    struct deletion deletion = {
        .m = m, .kind = ROW_SITE, .now = now, .tenant = site->tenant, .site = site->id};

    if (!manage_has_tenant(m, site->tenant))
        return err_set(err, ERR_DENIED, "only who manages the whole tenant may delete its sites");
    return delete_it(&deletion, site->id, out, err);
}

int tenant_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err)
{
    const struct tenant_row *tenant = row;
    struct deletion deletion = {
        .m = m, .kind = ROW_TENANT, .now = now, .tenant = tenant->id, .site = STR("")};

    if (!manage_is_platform(m))
        return err_set(err, ERR_DENIED, "only the platform may delete a tenant");
    return delete_it(&deletion, tenant->id, out, err);
}

/* -- taking it back ---------------------------------------------------------------------------- */

/* In the transaction that opens it there is no erasure of it any more. */
static int check_restored(const struct change *change, struct str tenant, struct str site,
                          int64_t created_ms, struct err *err)
{
    struct manage *m = change->m;
    struct erasure_row erasure;
    int rc = change->restored
                 ? store_get(m->store, ROW_ERASURE, deletion_id(tenant, site, created_ms, m->arena),
                             m->arena, &erasure, err)
                 : 1;

    return rc == 1 ? err_set(err, ERR_CONFLICT, "status: it was deleted this moment") : rc;
}

int erasure_status(struct change *change, struct str tenant, struct str site, int64_t created_ms,
                   int64_t *erase_ms, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, "status", &value);
    bool deleted = use == BODY_GIVEN && str_eq(value->text, STR("deleted"));

    if (*erase_ms == 0)
        return deleted ? err_set(err, ERR_INVALID, "status: DELETE makes it deleted") : 0;
    if (use == BODY_KEEP || deleted)
        return 0;
    if (use == BODY_GIVEN && !str_eq(value->text, STR("active")))
        return err_set(err, ERR_CONFLICT, "status: it is to be erased; active takes that back");
    int rc = change->rehearsal ? 0 : check_restored(change, tenant, site, created_ms, err);

    if (rc != 0)
        return rc;
    change->restores = true;
    *erase_ms = 0;
    return 0;
}

/* edit_fn */
static int drop_erasure(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct manage *m = ctx;
    const struct erasure_row *erasure = row;

    (void)arena;
    if (!exists)
        return EDIT_KEEP;
    return erasure->done_ms == 0 && erasure->due_ms > m->now_ms + TAKE_BACK_MS
               ? EDIT_REMOVE
               : err_set(err, ERR_CONFLICT, "status: it is being erased");
}

int erasure_take_back(struct manage *m, struct str tenant, struct str site, int64_t created_ms,
                      struct err *err)
{
    const struct actor actor = manage_actor(m);
    struct str id = deletion_id(tenant, site, created_ms, m->arena);
    int rc = store_edit(m->store, ROW_ERASURE, id, drop_erasure, m, &actor, err);

    return rc < 0 ? rc : 0;
}

/* -- values ------------------------------------------------------------------------------------ */

static const struct manage_member erase_members[] = {
    {.name = "siteId", .type = "string", .meaning = "The site.", .required = true},
    {.name = "path", .type = "string", .meaning = "A path, as the numbers show it."},
    {.name = "event", .type = "string", .meaning = "The name of an event."},
    {.name = "prop", .type = "string", .meaning = "The name of a property."},
    {.name = NULL},
};

/* The names that every site has say what is counted, and stay. */
static bool is_own_event(struct str name)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        if (kind != EVENT_CUSTOM && str_eq(event_kind_name((enum event_kind)kind), name))
            return false;
    return event_name_is_valid(name);
}

/* Exactly one of them. */
static int read_value(const struct json *body, struct erasure_row *out, struct err *err)
{
    size_t given = 0;

    for (int kind = ERASE_PATH; kind <= ERASE_PROP; kind++) {
        const struct json *value = body_get(body, kind_names[kind]);

        if (value == NULL || value->type == JSON_NULL)
            continue;
        given++;
        out->kind = kind;
        out->value = value->text;
    }
    if (given != 1)
        return err_set(err, ERR_INVALID, "one of path, event and prop is wanted");
    if (out->kind == ERASE_PATH &&
        (!str_starts(out->value, STR("/")) || out->value.len > EVENT_PATH_MAX))
        return err_set(err, ERR_INVALID, "path: must begin with / and have at most %d bytes",
                       EVENT_PATH_MAX);
    if (out->kind == ERASE_EVENT && !is_own_event(out->value))
        return err_set(err, ERR_INVALID, "event: must be the name of an event of your own");
    if (out->kind == ERASE_PROP && (out->value.len == 0 || out->value.len > EVENT_PROP_KEY_MAX))
        return err_set(err, ERR_INVALID, "prop: must have 1 to %d bytes", EVENT_PROP_KEY_MAX);
    return 0;
}

/* edit_fn */
static int put_erasure(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct erasure_row *erasure = row;
    struct str id = erasure->id;

    (void)arena;
    if (exists)
        return err_set(err, ERR_CONFLICT, "an id was made twice");
    *erasure = *(const struct erasure_row *)ctx;
    erasure->id = id;
    return EDIT_PUT;
}

static int erase(struct manage *m, const struct json *body, struct buf *out, struct err *err)
{
    struct erasure_row row = {0};
    const struct actor actor = manage_actor(m);
    uint8_t bytes[ERASURE_ID_BYTES];
    struct site_row site;
    int rc = manage_gate(m, err);

    if (rc == 0)
        rc = body_check(erase_members, body, err);
    if (rc == 0)
        rc = body_needs_text(body, "siteId", &row.site, err);
    if (rc == 0 && (rc = manage_find_site(m, row.site, &site, err)) != 0)
        return rc;
    if (rc == 0 && !manage_has_tenant(m, site.tenant))
        rc = err_set(err, ERR_DENIED, "only who manages the whole tenant may erase");
    if (rc == 0)
        rc = read_value(body, &row, err);
    if (rc != 0)
        return rc;
    row.tenant = site.tenant;
    row.actor = m->caller->name;
    row.asked_ms = row.due_ms = m->now_ms;
    randombytes_buf(bytes, sizeof(bytes));
    struct str id = id_text(bytes, m->arena);

    rc = store_edit(m->store, ROW_ERASURE, id, put_erasure, &row, &actor, err);
    return rc < 0 ? rc : add_receipt(m, id, out, err);
}

int manage_erase(struct manage *m, const struct json *body, struct buf *out, struct err *err)
{
    struct err why = {""};
    int rc = manage_end(m, erase(m, body, out, &why), &why);

    return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}
