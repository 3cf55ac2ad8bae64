/* manage/invitations.c -- links with which people choose their passwords, by mail or shown once. */
#include "access/people.h"
#include "mail/mail.h"
#include "manage/people.h"

/* -- links ------------------------------------------------------------------------------------- */

static const struct letter {
    int64_t lasts_ms;
    const char *subject, *text;
} letters[] = {
    [SESSION_INVITATION] = {INVITATION_MS, "Your access to Abacus",
                            "You have been given access to analytics.\n\nChoose your password "
                            "here, within 7 days:\n\n"},
    [SESSION_RESET] = {RESET_MS, "A new password for Abacus",
                       "With this link you choose a new password. It is good for an hour, and "
                       "once:\n\n"},
};

/* The link by mail, or here. Where there is mail only whoever reads it gets the link: an address
 * that somebody else made up signs nobody in, also where the mail cannot be sent. */
static void hand_out(struct manage *m, enum session_kind kind, struct str user, const char *secret,
                     struct json_out *json)
{
    const struct letter *letter = &letters[kind];
    struct str url = arena_format(m->arena, "%.*s/admin/accept#%s", STR_FMT(m->public_url), secret);

    json_open(json, '{');
    if (m->mailer == NULL) {
        out_string(json, "url", url);
    } else {
        struct str text = arena_format(m->arena, "%s%.*s\n", letter->text, STR_FMT(url));

        out_bool(json, "sent",
                 mail_send(m->mailer, user, str_from(letter->subject), text, NULL) == 0);
    }
    out_instant(json, "expiresAt", m->now_ms + letter->lasts_ms);
    json_close(json, '}');
}

static int make_link(struct manage *m, enum session_kind kind, struct str user,
                     struct json_out *json, struct err *err)
{
    char secret[SECRET_TEXT_MAX];
    int rc = people_make_link(m->store, kind, user, m->now_ms, secret, err);

    if (rc < 0)
        return rc;
    hand_out(m, kind, user, secret, json);
    return 0;
}

int user_done(struct change *change, const void *row, struct json_out *json, struct err *err)
{
    const struct user_row *user = row;
    const struct json *invite;
    bool said = body_use(change, "invite", &invite) == BODY_GIVEN;
    int rc = memberships_note(change->m, user->id, change->memberships_was, user->memberships, err);

    if (rc < 0)
        return rc;
    if (change->removes) {
        rc = store_end_sessions(change->m->store, user->id, -1, STR(""), err);

        return rc < 0 ? rc : 0;
    }
    if (said ? !invite->boolean : change->exists)
        return 0;
    json_name(json, STR("invitation"));
    return make_link(change->m, SESSION_INVITATION, user->id, json, err);
}

/* Whoever gets the link is that person; so it is only for who has all say about them. */
static int reset(struct manage *m, struct str id, struct buf *out, struct err *err)
{
    struct json_out json = {.buf = out};
    struct user_row user;
    int rc = manage_gate(m, err);

    if (rc != 0)
        return rc;
    rc = email_normalise(id, m->arena, &id, NULL) == 0
             ? store_get(m->store, ROW_USER, id, m->arena, &user, err)
             : 0;
    if (rc <= 0)
        return rc < 0 ? rc : manage_no_such("user", err);
    rc = user_reach(m, &user, err);
    if (rc == 0 && !user_is_own(m, &user))
        rc = err_set(err, ERR_DENIED, "this person is not of your tenant alone");
    return rc == 0 ? make_link(m, SESSION_RESET, user.id, &json, err) : rc;
}

int manage_reset(struct manage *m, struct str user, struct buf *out, struct err *err)
{
    m->field = NULL;
    return reset(m, user, out, err);
}
