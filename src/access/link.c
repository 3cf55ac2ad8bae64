/*
 * access/link.c -- links that are used once: invitations, new passwords, the first admin.
 *
 * The row of a link is removed before what it is for is done, and only who removed it goes on: of
 * two that use one link at the same moment one finds nothing. Everything that can be wrong with
 * what a person typed is looked at before, so that a link is not lost to a short password. If the
 * store fails behind that point the link is gone, and another one is to be made.
 *
 * A link for the first admin counts only while there is none. Making one puts it first and ends the
 * others then, so that of two nodes that start together one link at most is left.
 */
#include "access/people_internal.h"

#include "base/utf8.h"

#include <sodium.h>

enum { NAME_BYTES_MAX = 200 };

/* -- making one -------------------------------------------------------------------------------- */

static int64_t life_of(enum session_kind kind)
{
    static const int64_t life[] = {
        [SESSION_INVITATION] = INVITATION_MS,
        [SESSION_RESET] = RESET_MS,
        [SESSION_SETUP] = SETUP_MS,
    };

    return life[kind];
}

/* ERR_NOTFOUND, ERR_CONFLICT: nobody can use such a link. */
static int check_use(struct store *store, enum session_kind kind, struct str user, struct err *err)
{
    const struct row_filter filter = {.admins = true};
    struct arena arena = {0};
    struct user_row row;
    int64_t admins = 0;
    int rc;

    if (kind == SESSION_SETUP) {
        rc = store_count(store, ROW_USER, &filter, &admins, err);
        return rc == 0 && admins > 0 ? err_set(err, ERR_CONFLICT, "there is an admin already") : rc;
    }
    rc = store_get(store, ROW_USER, user, &arena, &row, err);
    arena_free(&arena);
    if (rc < 0)
        return rc;
    return rc == 1 ? 0 : err_set(err, ERR_NOTFOUND, "there is no such person");
}

struct new_link {
    struct str user;
    enum session_kind kind;
    int64_t now_ms;
};

static int make_link(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct new_link *new = ctx;
    struct session_row *link = row;

    (void)arena;
    if (exists)
        return err_set(err, ERR_CONFLICT, "two secrets are alike");
    link->user = new->user;
    link->kind = (int32_t) new->kind;
    link->created_ms = link->seen_ms = new->now_ms;
    link->expires_ms = new->now_ms + life_of(new->kind);
    return EDIT_PUT;
}

int people_make_link(struct store *store, enum session_kind kind, struct str user, int64_t now_ms,
                     char text[SECRET_TEXT_MAX], struct err *err)
{
    struct new_link new = {kind == SESSION_SETUP ? STR("") : user, kind, now_ms};
    struct actor actor = {STR("link"), now_ms};
    char id[SESSION_ID_SIZE];
    int rc = check_use(store, kind, user, err);

    if (rc != 0)
        return rc;
    secret_make(text, id);
    rc = store_edit(store, ROW_SESSION, str_from(id), make_link, &new, &actor, err);
    if (rc >= 0)
        rc = store_end_sessions(store, new.user, (int32_t)kind, str_from(id), err);
    if (rc < 0)
        sodium_memzero(text, SECRET_TEXT_MAX);
    return rc < 0 ? rc : 0;
}

/* -- looking at one ---------------------------------------------------------------------------- */

static bool link_lives(const struct session_row *link, int64_t now_ms)
{
    return link->kind != SESSION_SIGNED_IN && now_ms < link->expires_ms;
}

int people_look_at_link(struct store *store, struct str secret, int64_t now_ms, struct arena *arena,
                        struct session_row *out, struct err *err)
{
    char id[SESSION_ID_SIZE];

    if (!secret_id(secret, id))
        return 0;
    int rc = store_get(store, ROW_SESSION, str_from(id), arena, out, err);

    if (rc != 1)
        return rc;
    if (!link_lives(out, now_ms))
        return 0;
    rc = check_use(store, (enum session_kind)out->kind, out->user, err);
    if (rc == ERR_NOTFOUND || rc == ERR_CONFLICT)
        return 0;
    return rc < 0 ? rc : 1;
}

/* -- using one --------------------------------------------------------------------------------- */

struct use {
    const struct use_link_request *request;
    struct session_row link;
    struct user_row user; /* as it was; with its id alone where a set-up makes it */
    struct str password;  /* its hash */
    struct credentials credentials;
    struct actor actor;
};

/* As the row's bounds have it. */
static int check_name(struct str name, struct err *err)
{
    if (name.len <= NAME_BYTES_MAX && utf8_valid(name) && str_find(name, 0, '\0') == name.len)
        return 0;
    return err_set(err, ERR_INVALID, "the name must be UTF-8 of at most %d bytes", NAME_BYTES_MAX);
}

/* Who it is for, and whether what was typed will do. */
static int look(struct store *store, struct use *use, struct arena *arena, struct err *err)
{
    const struct use_link_request *request = use->request;
    struct str email = {0};
    int rc = people_look_at_link(store, request->secret, request->now_ms, arena, &use->link, err);

    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "the link is unknown, used or too old");
    if (rc < 0)
        return rc;
    email = use->link.user;
    rc = use->link.kind == SESSION_SETUP ? email_normalise(request->email, arena, &email, err) : 0;
    if (rc == 0)
        rc = password_check(request->password, email, err);
    if (rc == 0)
        rc = check_name(request->name, err);
    if (rc == 0)
        rc = store_get(store, ROW_USER, email, arena, &use->user, err);
    use->user.id = email;
    use->actor = person_actor(email, request->now_ms, arena);
    return rc < 0 ? rc : 0;
}

/* Only one removes it. */
static int consume(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct use *use = ctx;

    (void)arena;
    if (!exists || !link_lives(row, use->request->now_ms))
        return err_set(err, ERR_NOTFOUND, "the link is unknown, used or too old");
    return EDIT_REMOVE;
}

static int change_person(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct use *use = ctx;
    struct user_row *user = row;
    bool setup = use->link.kind == SESSION_SETUP;

    (void)arena;
    if (!exists && !setup)
        return err_set(err, ERR_NOTFOUND, "the person is gone");
    int rc = credentials_use(&use->credentials, user, err);

    if (rc != 0)
        return rc;
    user->password = use->password;
    user->signed_in_ms = use->request->now_ms;
    if (!exists)
        user->created_ms = use->request->now_ms;
    if (setup)
        user->admin = true;
    if (use->request->name.len > 0 && use->link.kind != SESSION_RESET)
        user->name = use->request->name;
    return EDIT_PUT;
}

/* Nobody else uses it from here on, nor another one for the first admin. */
static int take(struct store *store, struct use *use, struct err *err)
{
    int rc = store_edit(store, ROW_SESSION, use->link.id, consume, use, &use->actor, err);

    if (rc >= 0 && use->link.kind == SESSION_SETUP)
        rc = store_end_sessions(store, STR(""), SESSION_SETUP, STR(""), err);
    return rc < 0 ? rc : 0;
}

/* The session first, for the reason at the top of people_internal.h, but for a person who is only
 * made now. */
static int change(struct store *store, struct use *use, char text[SECRET_TEXT_MAX], struct err *err)
{
    bool made = use->link.kind == SESSION_SETUP;
    struct str user = use->user.id;
    char id[SESSION_ID_SIZE] = "";
    int rc = made ? 0 : session_begin(store, user, use->request->now_ms, text, id, err);

    if (rc >= 0)
        rc = store_edit(store, ROW_USER, user, change_person, use, &use->actor, err);
    if (rc >= 0 && made)
        rc = session_begin(store, user, use->request->now_ms, text, id, err);
    if (rc >= 0)
        rc = store_end_sessions(store, user, -1, str_from(id), err);
    if (rc < 0) {
        (void)session_end(store, str_from(id), NULL);
        sodium_memzero(text, SECRET_TEXT_MAX);
    }
    return rc < 0 ? rc : 0;
}

int people_use_link(struct store *store, const struct use_link_request *request, enum sign_in *out,
                    char text[SECRET_TEXT_MAX], struct err *err)
{
    struct use use = {.request = request};
    struct arena arena = {0};
    int rc = look(store, &use, &arena, err);

    *out = SIGN_IN_WRONG;
    if (rc == 0)
        *out = credentials_of(&use.user, request->code, request->now_ms, &use.credentials);
    if (rc == 0 && *out == SIGN_IN_DONE)
        rc = password_hash(request->password, &arena, &use.password, err);
    if (rc == 0 && *out == SIGN_IN_DONE)
        rc = take(store, &use, err);
    if (rc == 0 && *out == SIGN_IN_DONE)
        rc = change(store, &use, text, err);
    if (rc == ERR_DENIED)
        rc = 0, *out = SIGN_IN_WRONG;
    arena_free(&arena);
    return rc;
}
