/*
 * store/memory_edit.c -- changes of managed rows in the memory double, with their audit log.
 *
 * Nothing is written before everything is known to be good: there is no way back.
 */
#include "store/memory_internal.h"

#include "base/json.h"

struct change {
    struct memory_store *store;
    enum row_kind kind;
    struct str id;
    const struct actor *actor;
    bool exists;
    void *row, *before;
};

/* -- what requests are told of ----------------------------------------------------------------- */

static int64_t done_ms(const struct change *change, const void *row)
{
    return change->exists || row == change->row ? ((const struct erasure_row *)row)->done_ms : 0;
}

static bool is_news(const struct change *change, int answer)
{
    switch (change->kind) {
    case ROW_USER:
    case ROW_SESSION:
    case ROW_ANNOTATION:
        return false;
    case ROW_ERASURE:
        return answer == EDIT_REMOVE
                   ? done_ms(change, change->before) > 0
                   : done_ms(change, change->row) != done_ms(change, change->before);
    case ROW_TENANT:
    case ROW_SITE:
    case ROW_TOKEN:
    case ROW_LINK:
    case ROW_INSTALLATION:
    case ROW_KINDS:
        break;
    }
    return true;
}

static void add_audit_line(struct memory_store *store, const char *action, struct str target,
                           struct str tenant, const struct actor *actor)
{
    *(struct audit_row *)rows_add(&store->audit, sizeof(struct audit_row)) = (struct audit_row){
        .id = ++store->audit_id,
        .at_ms = actor->now_ms,
        .actor = memory_keep(store, actor->name),
        .action = memory_keep(store, str_from(action)),
        .target = memory_keep(store, target),
        .tenant = memory_keep(store, tenant),
    };
}

static void note_change(const struct change *change, int answer)
{
    const struct row_type *type = &row_types[change->kind];
    const void *row = change->exists ? change->before : change->row;
    const struct row_action action = row_action(change->kind, change->exists, answer);

    if (type->audited)
        add_audit_line(change->store, action.text, change->id, row_text_of(type->tenant, row),
                       change->actor);
    if (is_news(change, answer))
        change->store->counters[COUNTER_DIRECTORY]++;
    change->store->version++;
}

/* -- what a row refers to ---------------------------------------------------------------------- */

static int check_references(const struct change *change, int answer, struct err *err)
{
    const struct row_type *type = &row_types[change->kind];
    struct str tenant = row_text_of(type->tenant, change->row);
    struct str site = row_text_of(type->site, change->row);
    struct str user = row_text_of(type->user, change->row);

    if (change->kind != ROW_TENANT && tenant.len > 0 && answer != EDIT_PUT_WITH_TENANT &&
        memory_find(change->store, ROW_TENANT, tenant) == NULL)
        return err_no_row(ROW_TENANT, tenant, err);
    if (change->kind != ROW_SITE && site.len > 0) {
        const struct site_row *there = memory_site(change->store, site);

        if (there == NULL || !str_eq(there->tenant, tenant))
            return err_no_row(ROW_SITE, site, err);
    }
    return user.len > 0 && memory_find(change->store, ROW_USER, user) == NULL
               ? err_no_row(ROW_USER, user, err)
               : 0;
}

/* -- what is unique ---------------------------------------------------------------------------- */

static struct json *tracking_ids(const struct site_row *row, struct arena *arena)
{
    struct json *json = NULL;

    return row->tracking_ids.len > 0 && json_parse(row->tracking_ids, 1, arena, &json, NULL) == 0
               ? json
               : NULL;
}

static size_t times_named(const struct site_row *row, struct str name, struct arena *arena)
{
    const struct json *list = tracking_ids(row, arena);
    size_t times = str_eq(row->id, name);

    for (size_t i = 0; list != NULL && i < list->count; i++)
        times += str_eq(list->items[i].text, name);
    return times;
}

/* By another site, or twice by this one. */
static bool name_is_taken(struct memory_store *store, const struct site_row *row, struct str name,
                          struct arena *arena)
{
    const struct site_row *rows = store->sites.ptr;
    size_t times = times_named(row, name, arena);

    for (size_t i = 0; i < store->sites.count; i++)
        times += str_eq(rows[i].id, row->id) ? 0 : times_named(&rows[i], name, arena);
    return times > 1;
}

static bool any_name_is_taken(struct memory_store *store, const struct site_row *row)
{
    struct arena arena = {0};
    const struct json *list = tracking_ids(row, &arena);
    bool taken = name_is_taken(store, row, row->id, &arena);

    for (size_t i = 0; !taken && list != NULL && i < list->count; i++)
        taken = name_is_taken(store, row, list->items[i].text, &arena);
    arena_free(&arena);
    return taken;
}

static bool hash_is_taken(struct memory_store *store, const struct token_row *row)
{
    const struct token_row *rows = store->tokens.ptr;

    for (size_t i = 0; i < store->tokens.count; i++)
        if (!str_eq(rows[i].id, row->id) && memcmp(rows[i].hash, row->hash, TOKEN_HASH_BYTES) == 0)
            return true;
    return false;
}

static bool payload_id_is_taken(struct memory_store *store, const struct user_row *row)
{
    const struct user_row *rows = store->users.ptr;

    for (size_t i = 0; row->payload_id.len > 0 && i < store->users.count; i++)
        if (!str_eq(rows[i].id, row->id) && str_eq(rows[i].payload_id, row->payload_id))
            return true;
    return false;
}

static int check_unique(const struct change *change, struct err *err)
{
    bool taken = (change->kind == ROW_SITE && any_name_is_taken(change->store, change->row)) ||
                 (change->kind == ROW_TOKEN && hash_is_taken(change->store, change->row)) ||
                 (change->kind == ROW_USER && payload_id_is_taken(change->store, change->row));

    return taken ? err_taken(change->kind, change->id, err) : 0;
}

/* -- putting ----------------------------------------------------------------------------------- */

static struct memory_removed *find_removed(struct memory_store *store, struct str id)
{
    struct memory_removed *rows = store->removed.ptr;

    for (size_t i = 0; i < store->removed.count; i++)
        if (str_eq(rows[i].site, id))
            return &rows[i];
    return NULL;
}

static int check_removed(const struct change *change, struct err *err)
{
    const struct memory_removed *removed = find_removed(change->store, change->id);

    if (removed == NULL || str_eq(removed->tenant, ((struct site_row *)change->row)->tenant))
        return 0;
    return err_was_anothers(change->id, err);
}

static void add_row(struct memory_store *store, enum row_kind kind, const void *row)
{
    void *to = rows_add(memory_rows(store, kind), row_size(kind));

    memcpy(to, row, row_size(kind));
    row_keep(kind, to, &store->arena);
}

static void take_back_id(struct memory_store *store, struct str id)
{
    const struct memory_removed *removed = find_removed(store, id);

    if (removed != NULL)
        rows_remove(&store->removed, sizeof(*removed),
                    (size_t)(removed - (const struct memory_removed *)store->removed.ptr));
}

static void make_missing_tenant(const struct change *change)
{
    const struct site_row *site = change->row;
    const struct tenant_row row = tenant_row_named(site->tenant, change->actor->now_ms);

    if (memory_find(change->store, ROW_TENANT, row.id) == NULL)
        add_row(change->store, ROW_TENANT, &row);
}

static int put_row(const struct change *change, int answer, struct err *err)
{
    void *there = memory_find(change->store, change->kind, change->id);
    int rc = change->kind == ROW_SITE && !change->exists ? check_removed(change, err) : 0;

    if (rc == 0 && !change->exists)
        rc = check_references(change, answer, err);
    if (rc == 0)
        rc = check_unique(change, err);
    if (rc != 0)
        return rc;
    if (there != NULL) {
        memcpy(there, change->row, row_size(change->kind));
        row_keep(change->kind, there, &change->store->arena);
        return 0;
    }
    if (change->kind == ROW_SITE)
        take_back_id(change->store, change->id);
    if (answer == EDIT_PUT_WITH_TENANT)
        make_missing_tenant(change);
    add_row(change->store, change->kind, change->row);
    return 0;
}

/* -- removing ---------------------------------------------------------------------------------- */

static bool belongs(const struct row_member *member, const void *row, struct str owner)
{
    return member != NULL && owner.len > 0 && str_eq(row_text(member, row), owner);
}

void memory_remove_of(struct memory_store *store, enum row_kind kind,
                      const struct row_filter *owner)
{
    const struct row_type *type = &row_types[kind];
    struct rows *rows = memory_rows(store, kind);

    for (size_t i = rows->count; i-- > 0;) {
        const void *row = (const char *)rows->ptr + i * type->size;

        if (belongs(type->tenant, row, owner->tenant) || belongs(type->site, row, owner->site) ||
            belongs(type->user, row, owner->user))
            rows_remove(rows, type->size, i);
    }
}

/* Nobody keeps a right of a tenant that is gone. */
static void leave_tenant(struct memory_store *store, struct user_row *user, struct str tenant)
{
    struct arena arena = {0};
    struct buf buf = {0};
    struct json_out json = {.buf = &buf};
    struct json *list = NULL;
    size_t left = 0;

    if (user->memberships.len > 0 && json_parse(user->memberships, 8, &arena, &list, NULL) == 0) {
        json_open(&json, '[');
        for (size_t i = 0; i < list->count; i++)
            if (!str_eq(json_get(&list->items[i], STR("tenantId"))->text, tenant)) {
                json_value(&json, &list->items[i]);
                left++;
            }
        json_close(&json, ']');
        if (left < list->count)
            user->memberships = memory_keep(store, buf_str(&buf));
    }
    buf_release(&buf);
    arena_free(&arena);
}

static int remove_tenant(struct memory_store *store, struct str id, struct err *err)
{
    const struct row_filter owner = {.tenant = id};
    const struct site_row *sites = store->sites.ptr;
    struct user_row *users = store->users.ptr;

    for (size_t i = 0; i < store->sites.count; i++)
        if (str_eq(sites[i].tenant, id))
            return err_has_sites(id, err);
    memory_remove_of(store, ROW_TOKEN, &owner);
    for (size_t i = 0; i < store->users.count; i++)
        leave_tenant(store, &users[i], id);
    return 0;
}

static void remove_site(struct memory_store *store, struct str id)
{
    const struct row_filter owner = {.site = id};

    *(struct memory_removed *)rows_add(&store->removed, sizeof(struct memory_removed)) =
        (struct memory_removed){memory_site(store, id)->id, memory_site(store, id)->tenant};
    memory_remove_of(store, ROW_TOKEN, &owner);
    memory_remove_of(store, ROW_LINK, &owner);
    memory_remove_of(store, ROW_ANNOTATION, &owner);
}

static int remove_row(const struct change *change, struct err *err)
{
    struct memory_store *store = change->store;
    struct rows *rows = memory_rows(store, change->kind);
    size_t size = row_size(change->kind);
    int rc = 0;

    if (change->kind == ROW_TENANT)
        rc = remove_tenant(store, change->id, err);
    else if (change->kind == ROW_SITE)
        remove_site(store, change->id);
    else if (change->kind == ROW_USER)
        memory_remove_of(store, ROW_SESSION, &(struct row_filter){.user = change->id});
    if (rc != 0)
        return rc;
    const char *there = memory_find(store, change->kind, change->id);

    rows_remove(rows, size, (size_t)(there - (const char *)rows->ptr) / size);
    return 0;
}

/* -- verbs ------------------------------------------------------------------------------------- */

/* 1 if something changed. */
static int apply(struct change *change, edit_fn *edit, void *ctx, struct arena *arena,
                 struct err *err)
{
    size_t size = row_size(change->kind);

    change->row = arena_alloc(arena, 1, size);
    change->before = arena_alloc(arena, 1, size);
    change->exists =
        memory_get(&change->store->base, change->kind, change->id, arena, change->row, err) > 0;
    int answer = row_edit(change->kind, change->exists, change->row, change->before, edit, ctx,
                          change->actor, arena, err);

    if (answer <= 0)
        return answer;
    int rc = answer == EDIT_REMOVE ? remove_row(change, err) : put_row(change, answer, err);

    if (rc != 0)
        return rc;
    note_change(change, answer);
    return 1;
}

int memory_edit(struct store *base, enum row_kind kind, struct str id, edit_fn *edit, void *ctx,
                const struct actor *actor, struct err *err)
{
    struct change change = {.store = memory_of(base), .kind = kind, .id = id, .actor = actor};
    struct arena arena = {0};
    int rc = apply(&change, edit, ctx, &arena, err);

    arena_free(&arena);
    return rc;
}

int memory_note(struct store *base, const char *action, struct str target, struct str tenant,
                const struct actor *actor, struct err *err)
{
    (void)err;
    add_audit_line(memory_of(base), action, target, tenant, actor);
    return 0;
}

int memory_end_sessions(struct store *base, struct str user, int32_t kind, struct str except,
                        struct err *err)
{
    struct rows *rows = &memory_of(base)->sessions;
    const struct session_row *sessions = rows->ptr;

    (void)err;
    for (size_t i = rows->count; i-- > 0;)
        if (str_eq(sessions[i].user, user) && (kind == -1 || sessions[i].kind == kind) &&
            !str_eq(sessions[i].id, except))
            rows_remove(rows, sizeof(*sessions), i);
    return 0;
}
