/*
 * session_account.c -- /api/session/password and /api/session/totp: what people change about
 * themselves. Each asks for the password again.
 */
#include "api/session_internal.h"

#include "access/people.h"
#include "api/answer.h"
#include "api/handlers.h"

/* What became of a change that asks for the password again. `field`: what ERR_INVALID is about. */
static void answer_change(struct person_call *v, int rc, const char *field, const char *action,
                          const struct err *err)
{
    struct str user = v->call.caller.user;

    if (rc == ERR_DENIED) {
        form_failed(&v->form, user);
        session_note(v, "password.failed", user, &v->call.caller);
        http_problem(v->call.response, 403, STR("the password is wrong"), STR(""));
    } else if (rc == ERR_INVALID) {
        (void)form_refuse(&v->form, field, err->text);
    } else if (form_done(&v->form, rc, err)) {
        form_succeeded(&v->form, user);
        session_note(v, action, user, &v->call.caller);
        v->call.response->status = 204;
    }
}

void session_password_put(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct str current, password;
    struct err err = {0};

    if (session_open_person(&v, request, response) && form_text(&v.form, "current", &current) &&
        form_text(&v.form, "password", &password) && form_try(&v.form, v.call.caller.user))
        answer_change(
            &v,
            people_set_password(v.store, &v.call.caller, current, password, v.call.now_ms, &err),
            "password", "password.set", &err);
    call_close(&v.call);
}

void session_totp_post(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct json_out json = {.buf = &response->body};

    if (session_open_person(&v, request, response)) {
        struct str secret = totp_make(v.call.arena);

        json_open(&json, '{');
        answer_str(&json, "secret", secret);
        answer_str(&json, "uri", totp_uri(secret, v.call.caller.user, STR("Abacus"), v.call.arena));
        json_close(&json, '}');
    }
    call_close(&v.call);
}

static void set_totp(struct person_call *v, struct str password, struct str secret, struct str code)
{
    struct err err = {0};
    int rc =
        people_set_totp(v->store, &v->call.caller, password, secret, code, v->call.now_ms, &err);

    answer_change(v, rc, "code", secret.len > 0 ? "totp.set" : "totp.removed", &err);
}

void session_totp_put(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct str password, secret, code;

    if (session_open_person(&v, request, response) && form_text(&v.form, "password", &password) &&
        form_text(&v.form, "secret", &secret) && form_text(&v.form, "code", &code) &&
        form_try(&v.form, v.call.caller.user))
        set_totp(&v, password, secret, code);
    call_close(&v.call);
}

void session_totp_delete(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct str password;

    if (session_open_person(&v, request, response) && form_text(&v.form, "password", &password) &&
        form_try(&v.form, v.call.caller.user))
        set_totp(&v, password, STR(""), STR(""));
    call_close(&v.call);
}
