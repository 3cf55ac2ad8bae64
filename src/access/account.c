/*
 * access/account.c -- what people change about themselves: a password, a second factor.
 *
 * Each asks for the password that holds: a browser left open gives nobody the account.
 */
#include "access/people_internal.h"

struct change {
    struct str seen;           /* the password's text as it was looked at */
    struct str password, totp; /* what is to be */
    int64_t totp_step;
    bool is_password;
};

static int put_change(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct change *change = ctx;
    struct user_row *user = row;

    (void)arena;
    if (!exists || !str_eq(user->password, change->seen))
        return err_set(err, ERR_DENIED, "the password has changed meanwhile");
    if (change->is_password) {
        user->password = change->password;
    } else {
        user->totp = change->totp;
        user->totp_step = change->totp_step;
    }
    return EDIT_PUT;
}

/* The password's text that the one given fits. */
static int check_current(struct store *store, const struct caller *caller, struct str current,
                         struct arena *arena, struct str *out, struct err *err)
{
    struct user_row user = {0};
    int rc =
        caller->user.len == 0 ? 0 : store_get(store, ROW_USER, caller->user, arena, &user, err);

    if (rc < 0)
        return rc;
    *out = user.password;
    return password_matches(user.password, current)
               ? 0
               : err_set(err, ERR_DENIED, "the password is wrong");
}

static int edit_person(struct store *store, const struct caller *caller, struct change *change,
                       int64_t now_ms, struct arena *arena, struct err *err)
{
    struct actor actor = person_actor(caller->user, now_ms, arena);
    int rc = store_edit(store, ROW_USER, caller->user, put_change, change, &actor, err);

    return rc < 0 ? rc : 0;
}

int people_set_password(struct store *store, const struct caller *caller, struct str current,
                        struct str password, int64_t now_ms, struct err *err)
{
    struct change change = {.is_password = true};
    struct arena arena = {0};
    int rc = password_check(password, caller->user, err);

    if (rc == 0)
        rc = check_current(store, caller, current, &arena, &change.seen, err);
    if (rc == 0)
        rc = password_hash(password, &arena, &change.password, err);
    if (rc == 0)
        rc = edit_person(store, caller, &change, now_ms, &arena, err);
    /* Links that would set another password end with them. */
    if (rc == 0)
        rc = store_end_sessions(store, caller->user, -1, caller->session, err);
    arena_free(&arena);
    return rc < 0 ? rc : 0;
}

/* The code that proves the app has the secret is used up by that. */
int people_set_totp(struct store *store, const struct caller *caller, struct str password,
                    struct str secret, struct str code, int64_t now_ms, struct err *err)
{
    struct change change = {.totp = secret};
    struct arena arena = {0};
    int rc = check_current(store, caller, password, &arena, &change.seen, err);

    if (rc == 0 && secret.len > 0) {
        change.totp_step = totp_step(secret, code, 0, now_ms);
        if (change.totp_step < 0)
            rc = err_set(err, ERR_INVALID, "the code is not one of this secret now");
    }
    if (rc == 0)
        rc = edit_person(store, caller, &change, now_ms, &arena, err);
    arena_free(&arena);
    return rc;
}
