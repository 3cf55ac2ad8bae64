/*
 * api/resets.c -- a ring of addresses, and what becomes of them.
 */
#include "api/resets.h"

#include "access/people.h"
#include "base/must.h"
#include "mail/mail.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

struct resets {
    pthread_mutex_t lock;
    size_t first, count;
    struct {
        size_t len;
        char text[RESET_EMAIL_MAX];
    } emails[RESETS_MAX];
};

struct resets *resets_new(void)
{
    struct resets *resets = must(calloc(1, sizeof(*resets)));

    (void)pthread_mutex_init(&resets->lock, NULL);
    return resets;
}

void resets_free(struct resets **resets)
{
    if (*resets == NULL)
        return;
    (void)pthread_mutex_destroy(&(*resets)->lock);
    free(*resets);
    *resets = NULL;
}

void resets_add(struct resets *resets, struct str email)
{
    if (email.len == 0 || email.len > RESET_EMAIL_MAX)
        return;
    (void)pthread_mutex_lock(&resets->lock);
    if (resets->count < RESETS_MAX) {
        size_t at = (resets->first + resets->count++) % RESETS_MAX;

        resets->emails[at].len = email.len;
        memcpy(resets->emails[at].text, email.ptr, email.len);
    }
    (void)pthread_mutex_unlock(&resets->lock);
}

static bool take_one(struct resets *resets, struct arena *arena, struct str *email)
{
    (void)pthread_mutex_lock(&resets->lock);
    bool any = resets->count > 0;

    if (any) {
        *email = arena_str(arena, (struct str){resets->emails[resets->first].text,
                                               resets->emails[resets->first].len});
        resets->first = (resets->first + 1) % RESETS_MAX;
        resets->count--;
    }
    (void)pthread_mutex_unlock(&resets->lock);
    return any;
}

/* -- mail -------------------------------------------------------------------------------------- */

static int mail_link(const struct api *api, struct str email, const char *secret, struct err *err)
{
    struct str base = api->public_url;
    struct buf text = {0};

    while (str_ends(base, STR("/")))
        base.len--;
    buf_addf(&text,
             "Somebody, probably you, asked for a new password at %.*s.\n\nTo set one, open this "
             "link within an hour:\n\n%.*s/admin/accept#%s\n\nIf it was not you, there is nothing "
             "to do: your password stays as it is.\n",
             STR_FMT(base), STR_FMT(base), secret);
    int rc = mail_send(api->mailer, email, STR("A new password"), buf_str(&text), err);

    sodium_memzero(text.ptr, text.len);
    buf_release(&text);
    return rc;
}

/* 0 also where there is no such person. */
static int send_one(const struct api *api, struct store *store, struct str email, int64_t now_ms,
                    struct arena *arena, struct err *err)
{
    const struct actor actor = {STR("nobody"), now_ms};
    char secret[SECRET_TEXT_MAX];
    struct str id;

    if (email_normalise(email, arena, &id, NULL) != 0)
        return 0;
    int rc = people_make_link(store, SESSION_RESET, id, now_ms, secret, err);

    if (rc == ERR_NOTFOUND)
        return 0;
    if (rc == 0)
        rc = mail_link(api, id, secret, err);
    sodium_memzero(secret, sizeof(secret));
    return rc == 0 ? store_note(store, "password.asked", id, STR(""), &actor, err) : rc;
}

static void warn(const struct api *api, const char *why)
{
    char quoted[300];

    if (api->logger != NULL)
        logger_line(api->logger, LOG_WARN, "a new password was asked for, and no mail is sent",
                    "why=%s", logger_quote(why, quoted, sizeof(quoted)));
}

void api_send_resets(struct api *api, struct store *store, int64_t now_ms)
{
    struct arena arena = {0};
    struct str email;

    for (int n = 0; api->resets != NULL && n < RESETS_A_TICK; n++) {
        struct err err = {0};

        if (!take_one(api->resets, &arena, &email))
            break;
        if (api->mailer == NULL || api->public_url.len == 0)
            warn(api, api->mailer == NULL ? "there is no mail server" : "there is no public URL");
        else if (send_one(api, store, email, now_ms, &arena, &err) < 0)
            warn(api, err.text);
        arena_reset(&arena);
    }
    arena_free(&arena);
}
