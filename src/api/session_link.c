/*
 * session_link.c -- /api/session/reset, link and accept: links that are used once.
 */
#include "api/session_internal.h"

#include "access/people.h"
#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "api/resets.h"

#include <sodium.h>

/* Asking counts as a try that failed, so that nobody's mailbox is filled; but the account signs in
 * all the same. */
static bool try_reset(struct form *form, struct str email)
{
    struct buf account = {0};

    buf_addf(&account, "reset:%.*s", STR_FMT(email));
    bool may = form_try(form, buf_str(&account));

    if (may)
        form_failed(form, buf_str(&account));
    buf_release(&account);
    return may;
}

void session_reset_post(const struct http_request *request, struct http_response *response)
{
    struct form form;
    struct api *api = request->app;
    struct str email;

    if (form_open(&form, request, response, api_now(api)) && form_text(&form, "email", &email) &&
        try_reset(&form, email)) {
        if (api->resets != NULL)
            resets_add(api->resets, email);
        response->status = 202;
        response->static_body = STR("{}");
    }
}

static bool no_such_link(struct person_call *v, struct str secret)
{
    form_failed(&v->form, secret);
    http_problem(v->call.response, 404, STR("the link is unknown, used or too old"), STR(""));
    return false;
}

static void put_link(struct person_call *v, const struct session_row *link,
                     const struct user_row *user)
{
    static const struct str kinds[] = {[SESSION_INVITATION] = STR_INIT("invitation"),
                                       [SESSION_RESET] = STR_INIT("reset"),
                                       [SESSION_SETUP] = STR_INIT("set-up")};
    struct json_out json = {.buf = &v->call.response->body};

    json_open(&json, '{');
    answer_str(&json, "kind", kinds[link->kind]);
    answer_str(&json, "user", link->user);
    answer_name(&json, "totp");
    json_bool(&json, user->totp.len > 0);
    answer_instant(&json, "expiresAt", link->expires_ms);
    json_close(&json, '}');
}

void session_link_post(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct session_row link;
    struct user_row user = {.id = STR("")};
    struct str secret;
    struct err err = {0};

    if (session_open(&v, request, response) && form_text(&v.form, "secret", &secret) &&
        form_try(&v.form, secret)) {
        int rc = people_look_at_link(v.store, secret, v.call.now_ms, v.call.arena, &link, &err);
        bool found = rc == 1;

        if (found && link.user.len > 0)
            rc = store_get(v.store, ROW_USER, link.user, v.call.arena, &user, &err);
        if (!found && rc == 0)
            (void)no_such_link(&v, secret);
        else if (form_done(&v.form, rc, &err))
            put_link(&v, &link, &user);
    }
    call_close(&v.call);
}

/* Whose codes are tried: of one person by whatever link, since there is always another link. */
static struct str account_of(struct person_call *v, struct str secret)
{
    struct session_row link;
    struct buf account = {0};

    if (people_look_at_link(v->store, secret, v->call.now_ms, v->call.arena, &link, NULL) != 1 ||
        link.user.len == 0)
        return secret;
    buf_addf(&account, "code:%.*s", STR_FMT(link.user));
    struct str kept = arena_str(v->call.arena, buf_str(&account));

    buf_release(&account);
    return kept;
}

static void use_link(struct person_call *v, const struct use_link_request *use, struct str account)
{
    char secret[SECRET_TEXT_MAX];
    enum sign_in done = SIGN_IN_WRONG;
    struct err err = {0};
    int rc = people_use_link(v->store, use, &done, secret, &err);

    if (rc == ERR_NOTFOUND || rc == ERR_CONFLICT)
        (void)no_such_link(v, use->secret);
    else if (rc == ERR_INVALID)
        http_problem(v->call.response, 400, str_from(err.text), STR(""));
    else if (!form_done(&v->form, rc, &err))
        return;
    else if (done == SIGN_IN_NEEDS_CODE)
        (void)form_needs_code(&v->form);
    else if (done == SIGN_IN_WRONG) {
        form_failed(&v->form, account);
        (void)form_wrong(&v->form, "the code is wrong");
    } else {
        form_succeeded(&v->form, account);
        session_welcome(v, str_from(secret), "link.used");
        sodium_memzero(secret, sizeof(secret));
    }
}

void session_accept_post(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct use_link_request use = {.now_ms = 0};

    if (session_open(&v, request, response) && form_text(&v.form, "secret", &use.secret) &&
        form_text(&v.form, "password", &use.password) &&
        form_optional(&v.form, "code", &use.code) && form_optional(&v.form, "email", &use.email) &&
        form_optional(&v.form, "name", &use.name)) {
        struct str account = account_of(&v, use.secret);

        use.now_ms = v.call.now_ms;
        if (form_try(&v.form, account))
            use_link(&v, &use, account);
    }
    call_close(&v.call);
}
