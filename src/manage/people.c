/*
 * manage/people.c -- people: what is seen and changed of them, by whom.
 *
 * The platform sees all of a person. Who manages a tenant sees that tenant's memberships, and of
 * people who have no others also the rest; whoever else somebody is stays unseen and untouched.
 * A person without any membership, who is no admin, is removed; the last admin never is.
 */
#include "manage/people.h"

const struct manage_member user_members[] = {
    {.name = "id", .type = "string", .meaning = "The e-mail address, in lower case."},
    {.name = "name", .type = "string", .meaning = "What the person is called."},
    {.name = "admin", .type = "boolean", .meaning = "Whether an admin of the platform."},
    {.name = "memberships",
     .type = "array",
     .meaning =
         "[{\"tenantId\":\"t5g\",\"role\":\"manager\",\"sites\":[\"abc\"]}]: role is viewer or "
         "manager; without sites all of them."},
    {.name = "payloadId", .type = "string", .meaning = "The same person's id in Payload."},
    {.name = "invite",
     .type = "boolean",
     .meaning = "Whether to make a new link for choosing a password; a new person gets one unless "
                "this is false. Not in answers."},
    {.name = "totp",
     .type = "boolean",
     .meaning = "Whether there is a second factor.",
     .read_only = true},
    {.name = "invited",
     .type = "boolean",
     .meaning = "Whether no password was chosen yet.",
     .read_only = true},
    {.name = "createdAt", .type = "string", .meaning = "When it was made.", .read_only = true},
    {.name = "signedInAt", .type = "string", .meaning = "When they last did.", .read_only = true},
    {.name = "invitation",
     .type = "object",
     .meaning =
         "The link, url and expiresAt, or that it was sent; only in the answer that made it.",
     .read_only = true},
    {.name = NULL},
};

int user_read_id(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    int rc = email_normalise(text, arena, out, err);

    return rc == 0 ? 0 : err_wrap(err, rc, "id");
}

/* Nobody else has anything to do with this person. */
bool user_is_own(const struct manage *m, const struct user_row *user)
{
    struct memberships all = memberships_of(user, m->arena);

    return manage_is_platform(m) ||
           (!user->admin && all.count > 0 && memberships_part(m, &all, false, m->arena).count == 0);
}

/* -- to JSON ----------------------------------------------------------------------------------- */

int user_reach(struct manage *m, const void *row, struct err *err)
{
    struct memberships all = memberships_of(row, m->arena);
    unsigned scopes = m->caller->platform;

    for (size_t i = 0; i < all.count; i++)
        scopes |= caller_at_tenant(m->caller, all.items[i].tenant);
    return manage_may(scopes, "user", err);
}

int user_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct user_row *user = row;
    struct memberships all = memberships_of(user, m->arena);
    struct memberships seen = memberships_part(m, &all, true, m->arena);

    (void)err;
    out_string(json, "id", user->id);
    if (user_is_own(m, user))
        out_text(json, "name", user->name);
    if (manage_is_platform(m))
        out_bool(json, "admin", user->admin);
    json_name(json, STR("memberships"));
    memberships_json(seen.items, seen.count, json);
    if (manage_is_platform(m))
        out_text(json, "payloadId", user->payload_id);
    if (!user_is_own(m, user))
        return 0;
    out_bool(json, "totp", user->totp.len > 0);
    out_bool(json, "invited", user->password.len == 0);
    out_instant(json, "createdAt", user->created_ms);
    out_instant(json, "signedInAt", user->signed_in_ms);
    return 0;
}

/* -- what was sent ----------------------------------------------------------------------------- */

/* What is the platform's to say, a tenant's managers do not even learn. */
static int check_rights(const struct change *change, struct err *err)
{
    const struct json *admin, *payload;
    struct str *tenants;
    size_t count;
    int rc = manage_tenants(change->m, STR(""), &tenants, &count, err);

    if (rc != 0 || manage_is_platform(change->m))
        return rc;
    if (body_use(change, "admin", &admin) == BODY_GIVEN && admin->boolean)
        return err_set(err, ERR_DENIED, "admin: is for the platform to say");
    if (body_use(change, "payloadId", &payload) == BODY_GIVEN)
        return err_set(err, ERR_DENIED, "payloadId: is for the platform to say");
    return 0;
}

int user_prepare(struct change *change, struct err *err)
{
    const struct json *value;
    int rc = check_rights(change, err);

    if (rc == 0 && body_use(change, "memberships", &value) == BODY_GIVEN)
        rc = memberships_read(change, value, err);
    return rc;
}

/* -- the last admin ---------------------------------------------------------------------------- */

/* The one who is to be none any more is counted, too. */
static int check_last_admin(const struct change *change, struct err *err)
{
    const struct row_filter filter = {.admins = true};
    int64_t admins = 0;
    int rc = store_count(change->m->store, ROW_USER, &filter, &admins, err);

    if (rc < 0)
        return rc;
    return admins > 1 ? 0
                      : err_set(err, ERR_CONFLICT, "admin: this is the last admin of the platform");
}

/* -- making and changing ----------------------------------------------------------------------- */

static int no_membership(struct err *err)
{
    return err_set(err, ERR_INVALID, "memberships: a person has at least one, or is an admin");
}

/* The memberships as they are to be; those of other tenants stay. */
static int apply_memberships(struct change *change, struct user_row *user, struct arena *arena,
                             struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, "memberships", &value);
    struct memberships all = memberships_of(user, arena);
    struct memberships others = memberships_part(change->m, &all, false, arena);
    struct memberships sent = {change->memberships, change->memberships_count};

    if (use == BODY_KEEP)
        return 0;
    if (use == BODY_DEFAULT && !(manage_is_platform(change->m) && user->admin))
        return err_set(err, ERR_INVALID, "memberships: is missing");
    /* As for somebody who does not exist. */
    if (sent.count == 0 && all.count > 0 && others.count == all.count)
        return no_membership(err);
    struct memberships wanted = memberships_joined(&others, &sent, arena);
    struct memberships was = memberships_joined(&all, &(struct memberships){0}, arena);

    if (wanted.count > MEMBERSHIPS_MAX)
        return err_set(err, ERR_INVALID, "memberships: must be at most %d", MEMBERSHIPS_MAX);
    struct str text = memberships_text(&wanted, arena);

    if (!str_eq(text, memberships_text(&was, arena)))
        user->memberships = text;
    return 0;
}

static int apply_platform(struct change *change, struct user_row *user, struct err *err)
{
    const struct json *admin;
    enum body_use use = body_use(change, "admin", &admin);

    if (use != BODY_KEEP)
        user->admin = use == BODY_GIVEN && admin->boolean;
    return body_text(change, "payloadId", STR(""), 1, NAME_MAX_BYTES, &user->payload_id, err);
}

/* Other people's names a PUT leaves alone, since it names the members that it does not know. */
static int apply_name(const struct change *change, bool own, struct user_row *user, struct err *err)
{
    const struct json *name;

    if (own)
        return body_text(change, "name", STR(""), 1, NAME_MAX_BYTES, &user->name, err);
    return change->how == MANAGE_PATCH && body_use(change, "name", &name) == BODY_GIVEN
               ? err_set(err, ERR_DENIED, "name: this person is another tenant's, too")
               : 0;
}

static int check_invite(const struct change *change, struct err *err)
{
    const struct json *invite;

    return change->exists && !manage_is_platform(change->m) &&
                   body_use(change, "invite", &invite) == BODY_GIVEN && invite->boolean
               ? err_set(err, ERR_DENIED, "invite: is for the platform to say; ask for a reset")
               : 0;
}

/* What is nobody's any more goes. */
static int user_outcome(struct change *change, bool was_admin, const struct user_row *user,
                        struct arena *arena, struct err *err)
{
    int rc = was_admin && !user->admin ? check_last_admin(change, err) : 0;

    if (rc != 0)
        return rc;
    change->removes = !user->admin && memberships_of(user, arena).count == 0;
    if (!change->removes)
        return EDIT_PUT;
    return change->exists ? EDIT_REMOVE : no_membership(err);
}

int user_apply(struct change *change, void *row, struct arena *arena, struct err *err)
{
    struct user_row *user = row;
    bool was_admin = user->admin, own = !change->exists || user_is_own(change->m, user);

    if (change->rehearsal)
        change->memberships_was = user->memberships;
    int rc = change->exists && change->how == MANAGE_PATCH ? user_reach(change->m, user, err) : 0;

    if (rc == 0)
        rc = check_invite(change, err);
    if (rc == 0 && own)
        rc = body_fixed_instant(change, "createdAt", user->created_ms, err);
    if (rc == 0 && manage_is_platform(change->m))
        rc = apply_platform(change, user, err);
    if (rc == 0)
        rc = apply_memberships(change, user, arena, err);
    if (rc == 0)
        rc = apply_name(change, own, user, err);
    if (rc != 0)
        return rc;
    if (!change->exists)
        user->created_ms = change->m->now_ms;
    return user_outcome(change, was_admin, user, arena, err);
}

/* -- removing ---------------------------------------------------------------------------------- */

/* edit_fn */
static int remove_from(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct change *change = ctx;
    struct user_row *user = row;
    bool was_admin = user->admin;

    if (!exists)
        return EDIT_KEEP;
    int rc = user_reach(change->m, user, err);

    if (rc != 0)
        return rc;
    struct memberships all = memberships_of(user, arena);
    struct memberships others = memberships_part(change->m, &all, false, arena);

    change->exists = true;
    user->memberships = memberships_text(&others, arena);
    user->admin = user->admin && !manage_is_platform(change->m);
    return user_outcome(change, was_admin, user, arena, err);
}

int user_remove(struct manage *m, const void *row, bool now, struct buf *out, struct err *err)
{
    struct user_row rehearsed = *(const struct user_row *)row;
    struct change change = {.m = m, .id = rehearsed.id, .rehearsal = true};
    const struct actor actor = manage_actor(m);

    (void)now;
    (void)out;
    int rc = remove_from(&change, true, &rehearsed, m->arena, err);
    struct str left = rehearsed.memberships;

    change.rehearsal = false;
    if (rc >= 0)
        rc = store_edit(m->store, ROW_USER, change.id, remove_from, &change, &actor, err);
    if (rc >= 0 && change.removes)
        rc = store_end_sessions(m->store, change.id, -1, STR(""), err);
    if (rc >= 0)
        rc = memberships_note(m, change.id, ((const struct user_row *)row)->memberships, left, err);
    return rc < 0 ? rc : 0;
}
