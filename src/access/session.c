/*
 * access/session.c -- signing in and out, and who a session's secret stands for.
 *
 * Each sign-in makes a new secret and ends the session that the browser had before, so that nobody
 * can leave a session in somebody's browser and share it later. A session ends SESSION_MS after it
 * began, and when SESSION_IDLE_MS have passed without a request; that it was seen is written once
 * in SESSION_SEEN_MS, so it may end that much earlier, never later.
 */
#include "access/people_internal.h"

#include <sodium.h>
#include <stdio.h>

/* -- what the files about people share --------------------------------------------------------- */

struct actor person_actor(struct str user, int64_t now_ms, struct arena *arena)
{
    size_t size = sizeof("user:") + user.len;
    char *name = arena_bytes(arena, size);

    (void)snprintf(name, size, "user:%.*s", STR_FMT(user));
    return (struct actor){{name, size - 1}, now_ms};
}

enum sign_in credentials_of(const struct user_row *user, struct str code, int64_t now_ms,
                            struct credentials *out)
{
    *out = (struct credentials){user->password, user->totp, -1};
    if (user->totp.len == 0)
        return SIGN_IN_DONE;
    if (code.len == 0)
        return SIGN_IN_NEEDS_CODE;
    out->step = totp_step(user->totp, code, user->totp_step, now_ms);
    return out->step >= 0 ? SIGN_IN_DONE : SIGN_IN_WRONG;
}

int credentials_use(const struct credentials *credentials, struct user_row *user, struct err *err)
{
    if (!str_eq(user->password, credentials->password) || !str_eq(user->totp, credentials->totp))
        return err_set(err, ERR_DENIED, "password or second factor have changed meanwhile");
    if (credentials->totp.len == 0)
        return 0;
    if (credentials->step <= user->totp_step)
        return err_set(err, ERR_DENIED, "the code was used meanwhile");
    user->totp_step = credentials->step;
    return 0;
}

/* -- rows -------------------------------------------------------------------------------------- */

struct new_session {
    struct str user;
    int64_t now_ms;
};

static int make_session(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct new_session *new = ctx;
    struct session_row *session = row;

    (void)arena;
    if (exists)
        return err_set(err, ERR_CONFLICT, "two secrets are alike");
    session->user = new->user;
    session->kind = SESSION_SIGNED_IN;
    session->created_ms = session->seen_ms = new->now_ms;
    session->expires_ms = new->now_ms + SESSION_MS;
    return EDIT_PUT;
}

int session_begin(struct store *store, struct str user, int64_t now_ms, char text[SECRET_TEXT_MAX],
                  char id[SESSION_ID_SIZE], struct err *err)
{
    struct actor actor = {user, now_ms};
    struct new_session new = {user, now_ms};

    secret_make(text, id);
    int rc = store_edit(store, ROW_SESSION, str_from(id), make_session, &new, &actor, err);

    return rc < 0 ? rc : 0;
}

/* Links are no sessions: a session's id cannot be one of theirs, but whoever sends one as a cookie
 * must not end it. */
static int remove_session(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct session_row *session = row;

    (void)ctx;
    (void)arena;
    (void)err;
    return exists && session->kind == SESSION_SIGNED_IN ? EDIT_REMOVE : EDIT_KEEP;
}

int session_end(struct store *store, struct str id, struct err *err)
{
    struct actor actor = {STR("session"), 0};

    return id.len == 0 ? 0 : store_edit(store, ROW_SESSION, id, remove_session, NULL, &actor, err);
}

int people_sign_out(struct store *store, struct str session_id, struct err *err)
{
    return session_end(store, session_id, err);
}

/* -- signing in -------------------------------------------------------------------------------- */

/* The person of an address; an address that nobody can have is one that nobody has. */
static int find_person(struct store *store, struct str email, struct arena *arena,
                       struct user_row *out, bool *found, struct err *err)
{
    struct str id = {0};

    *found = false;
    *out = (struct user_row){0};
    if (email_normalise(email, arena, &id, NULL) != 0)
        return 0;
    int rc = store_get(store, ROW_USER, id, arena, out, err);

    *found = rc == 1;
    return rc < 0 ? rc : 0;
}

struct entering {
    struct credentials credentials;
    int64_t now_ms;
};

static int enter(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct entering *entering = ctx;
    struct user_row *user = row;

    (void)arena;
    if (!exists)
        return err_set(err, ERR_DENIED, "the person is gone");
    int rc = credentials_use(&entering->credentials, user, err);

    user->signed_in_ms = entering->now_ms;
    return rc != 0 ? rc : EDIT_PUT;
}

/* Whatever it stands for, it does so no longer. */
static bool has_ended(const struct session_row *session, int64_t now_ms)
{
    return now_ms >= session->expires_ms ||
           (session->kind == SESSION_SIGNED_IN && now_ms - session->seen_ms >= SESSION_IDLE_MS);
}

static int remove_ended(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const int64_t *now_ms = ctx;

    (void)arena;
    (void)err;
    return exists && has_ended(row, *now_ms) ? EDIT_REMOVE : EDIT_KEEP;
}

/* What the person left behind and has ended is removed on the way. A failure leaves it for the next
 * time. */
static void sweep(struct store *store, struct str user, int64_t now_ms, struct arena *arena)
{
    enum { SWEEP = 100 };
    struct row_filter filter = {.user = user};
    struct actor actor = {user, now_ms};
    void *rows = NULL;
    size_t count = 0;

    if (store_page(store, ROW_SESSION, &filter, STR(""), SWEEP, arena, &rows, &count, NULL) != 0)
        return;
    const struct session_row *sessions = rows;

    for (size_t i = 0; i < count; i++)
        if (has_ended(&sessions[i], now_ms))
            (void)store_edit(store, ROW_SESSION, sessions[i].id, remove_ended, &now_ms, &actor,
                             NULL);
}

/* The session first, for the reason at the top of people_internal.h. */
static int begin(struct store *store, const struct user_row *user,
                 const struct sign_in_request *request, struct entering *entering,
                 struct arena *arena, char text[SECRET_TEXT_MAX], struct err *err)
{
    struct actor actor = person_actor(user->id, request->now_ms, arena);
    char id[SESSION_ID_SIZE];
    int rc = session_begin(store, user->id, request->now_ms, text, id, err);

    if (rc != 0)
        return rc;
    rc = store_edit(store, ROW_USER, user->id, enter, entering, &actor, err);
    if (rc >= 0)
        rc = session_end(store, request->before, err);
    if (rc < 0) {
        (void)session_end(store, str_from(id), NULL);
        sodium_memzero(text, SECRET_TEXT_MAX);
        return rc;
    }
    sweep(store, user->id, request->now_ms, arena);
    return 0;
}

int people_sign_in(struct store *store, const struct sign_in_request *request, enum sign_in *out,
                   char text[SECRET_TEXT_MAX], struct err *err)
{
    struct entering entering = {.now_ms = request->now_ms};
    struct arena arena = {0};
    struct user_row user;
    bool found = false;
    int rc = find_person(store, request->email, &arena, &user, &found, err);

    *out = SIGN_IN_WRONG;
    if (rc == 0 && password_matches(user.password, request->password) && found)
        *out = credentials_of(&user, request->code, request->now_ms, &entering.credentials);
    if (rc == 0 && *out == SIGN_IN_DONE)
        rc = begin(store, &user, request, &entering, &arena, text, err);
    if (rc == ERR_DENIED)
        rc = 0, *out = SIGN_IN_WRONG;
    arena_free(&arena);
    return rc;
}

/* -- with each request ------------------------------------------------------------------------- */

static int see(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const int64_t *now_ms = ctx;
    struct session_row *session = row;

    (void)arena;
    (void)err;
    if (!exists || session->seen_ms >= *now_ms)
        return EDIT_KEEP;
    session->seen_ms = *now_ms;
    return EDIT_PUT;
}

int people_of_session(struct store *store, struct store *writer, struct str text, int64_t now_ms,
                      struct arena *arena, struct caller *out, struct err *err)
{
    char id[SESSION_ID_SIZE];
    struct session_row session;
    struct user_row user;

    if (!secret_id(text, id))
        return 0;
    int rc = store_get(store, ROW_SESSION, str_from(id), arena, &session, err);

    if (rc == 1 && (session.kind != SESSION_SIGNED_IN || has_ended(&session, now_ms)))
        return 0;
    if (rc == 1)
        rc = store_get(store, ROW_USER, session.user, arena, &user, err);
    if (rc != 1)
        return rc;
    caller_of_user(&user, arena, out);
    out->session = session.id;
    out->cookie = true;
    out->expires_ms = session.expires_ms;
    if (writer != NULL && now_ms - session.seen_ms >= SESSION_SEEN_MS) {
        struct actor actor = {user.id, now_ms};

        /* The request is good without it; the next one tries again. */
        (void)store_edit(writer, ROW_SESSION, session.id, see, &now_ms, &actor, NULL);
    }
    return 1;
}
