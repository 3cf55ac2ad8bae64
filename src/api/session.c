/*
 * session.c -- /api/session: people sign in and out, and look after their password and second
 * factor. No answer says whether an address is somebody's.
 *
 *     POST   /api/session           {email, password, code?}      the person, and the cookie
 *     GET    /api/session                                         the person
 *     DELETE /api/session                                         204
 *     PUT    /api/session/password  {current, password}           204
 *     POST   /api/session/totp                                    {secret, uri}: not kept yet
 *     PUT    /api/session/totp      {password, secret, code}      204
 *     DELETE /api/session/totp      {password}                    204
 *     POST   /api/session/reset     {email}                       202
 *     POST   /api/session/link      {secret}                      {kind, user, totp, expiresAt}
 *     POST   /api/session/accept    {secret, password, code?, email?, name?}   as POST /api/session
 *
 * The person: {"user":{"id","name","admin","memberships":[...],"totp"},"expiresAt","address"}; the
 * address is the one that the request comes from. What was wrong is 401, with "code": true where
 * only the code of the second factor is missing. kind is "invitation", "reset" or "set-up"; the
 * first admin, whom a set-up makes, has to say `email`.
 *
 * Password and second factor stand in session_account.c, what is done by links in session_link.c.
 */
#include "api/session_internal.h"

#include "access/people.h"
#include "api/answer.h"
#include "api/handlers.h"

#include <sodium.h>

/* -- the way ------------------------------------------------------------------------------- */

bool session_open(struct person_call *v, const struct http_request *request,
                  struct http_response *response)
{
    *v = (struct person_call){.store = NULL};
    http_header(response, STR("Cache-Control"), STR("no-store"));
    return call_open(&v->call, request, response, 0) &&
           form_open(&v->form, request, response, v->call.now_ms) &&
           call_writer(&v->call, &v->store);
}

/* Only people have passwords and sessions. */
static bool is_person(struct call *call)
{
    if (call->caller.kind == CALLER_PERSON)
        return true;
    return caller_refuse(call->response,
                         call->caller.kind == CALLER_NOBODY ? REFUSED_UNKNOWN : REFUSED_PERSON);
}

bool session_open_person(struct person_call *v, const struct http_request *request,
                         struct http_response *response)
{
    return session_open(v, request, response) && is_person(&v->call);
}

void session_note(struct person_call *v, const char *action, struct str target,
                  const struct caller *who)
{
    const struct actor actor = {who == NULL ? STR("nobody") : who->name, v->call.now_ms};
    struct str tenant = who == NULL ? STR("") : caller_only_tenant(who);
    struct err err = {0};
    char quoted[300];

    if (store_note(v->store, action, target, tenant, &actor, &err) >= 0)
        return;
    if (v->call.api->logger != NULL)
        logger_line(v->call.api->logger, LOG_ERROR, "no line in the audit log", "why=%s",
                    logger_quote(err.text, quoted, sizeof(quoted)));
}

/* -- cookies ------------------------------------------------------------------------------- */

static void put_cookie(struct call *call, struct str value, int64_t seconds)
{
    struct buf text = {0};

    buf_addf(&text, "%.*s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
             STR_FMT(caller_cookie_name(call->api, call->request)), STR_FMT(value),
             (long long)seconds, caller_is_https(call->api, call->request) ? "; Secure" : "");
    http_header(call->response, STR("Set-Cookie"), arena_str(call->arena, buf_str(&text)));
    buf_release(&text);
}

/* The id of the session that the browser had before, if it can be one. */
static struct str session_before(const struct call *call)
{
    char id[65];

    return secret_id(caller_cookie(call->api, call->request), id)
               ? arena_str(call->arena, str_from(id))
               : STR("");
}

/* -- the person ---------------------------------------------------------------------------- */

static void put_memberships(struct json_out *json, const struct user_row *row, struct arena *arena)
{
    struct membership *memberships = NULL;
    size_t count = 0;

    if (memberships_parse(row->memberships, arena, &memberships, &count, NULL) != 0)
        count = 0;
    answer_name(json, "memberships");
    memberships_json(memberships, count, json);
}

static void put_person(struct call *call, const struct user_row *row, int64_t expires_ms)
{
    struct json_out json = {.buf = &call->response->body};

    json_open(&json, '{');
    answer_name(&json, "user");
    json_open(&json, '{');
    answer_str(&json, "id", row->id);
    answer_str(&json, "name", row->name);
    answer_name(&json, "admin");
    json_bool(&json, row->admin);
    put_memberships(&json, row, call->arena);
    answer_name(&json, "totp");
    json_bool(&json, row->totp.len > 0);
    json_close(&json, '}');
    answer_instant(&json, "expiresAt", expires_ms);
    answer_str(&json, "address", caller_address(call->api, call->request));
    json_close(&json, '}');
}

void session_welcome(struct person_call *v, struct str secret, const char *action)
{
    struct call *call = &v->call;
    struct user_row row = {.id = STR("")};
    struct caller who;
    struct err err = {0};
    int rc = people_of_session(v->store, NULL, secret, call->now_ms, call->arena, &who, &err);

    if (rc == 1)
        rc = store_get(v->store, ROW_USER, who.user, call->arena, &row, &err);
    if (rc == 0)
        rc = err_set(&err, ERR_UNAVAILABLE, "the new session is not there");
    if (!form_done(&v->form, rc, &err))
        return;
    session_note(v, action, who.user, &who);
    put_cookie(call, secret, SESSION_MS / 1000);
    put_person(call, &row, who.expires_ms);
}

/* -- in and out ---------------------------------------------------------------------------- */

/* A failed try, with the account's name if there is one: both look and write the same. */
static void note_failed(struct person_call *v, struct str email)
{
    struct user_row row;
    struct caller who;
    struct str id;

    if (email_normalise(email, v->call.arena, &id, NULL) == 0 &&
        store_get(v->store, ROW_USER, id, v->call.arena, &row, NULL) == 1) {
        caller_of_user(&row, v->call.arena, &who);
        session_note(v, "sign-in.failed", row.id, &who);
    } else {
        session_note(v, "sign-in.failed", STR(""), NULL);
    }
}

static void sign_in(struct person_call *v, const struct sign_in_request *request)
{
    char secret[SECRET_TEXT_MAX];
    enum sign_in done = SIGN_IN_WRONG;
    struct err err = {0};

    if (!form_done(&v->form, people_sign_in(v->store, request, &done, secret, &err), &err))
        return;
    switch (done) {
    case SIGN_IN_DONE:
        form_succeeded(&v->form, request->email);
        session_welcome(v, str_from(secret), "sign-in");
        sodium_memzero(secret, sizeof(secret));
        break;
    case SIGN_IN_NEEDS_CODE:
        (void)form_needs_code(&v->form);
        break;
    case SIGN_IN_WRONG:
        form_failed(&v->form, request->email);
        note_failed(v, request->email);
        (void)form_wrong(&v->form, "the address, the password or the code is wrong");
        break;
    }
}

void session_post(const struct http_request *request, struct http_response *response)
{
    struct person_call v;
    struct sign_in_request in = {.now_ms = 0};

    if (session_open(&v, request, response) && form_text(&v.form, "email", &in.email) &&
        form_text(&v.form, "password", &in.password) && form_optional(&v.form, "code", &in.code) &&
        form_try(&v.form, in.email)) {
        in.before = session_before(&v.call);
        in.now_ms = v.call.now_ms;
        sign_in(&v, &in);
    }
    call_close(&v.call);
}

void session_get(const struct http_request *request, struct http_response *response)
{
    struct call call;
    struct form form;
    struct user_row row = {.id = STR("")};
    struct err err = {0};

    http_header(response, STR("Cache-Control"), STR("no-store"));
    if (call_open(&call, request, response, 0) && is_person(&call)) {
        int rc = store_get(call.worker->store, ROW_USER, call.caller.user, call.arena, &row, &err);

        form = (struct form){.request = request, .response = response, .api = call.api};
        if (form_done(&form, rc, &err))
            put_person(&call, &row, call.caller.expires_ms);
    }
    call_close(&call);
}

void session_delete(const struct http_request *request, struct http_response *response)
{
    struct person_call v = {.store = NULL};
    struct call *call = &v.call;
    struct err err = {0};

    if (call_open(call, request, response, 0) && is_person(call) && call_writer(call, &v.store)) {
        v.form = (struct form){.request = request, .response = response, .api = call->api};
        if (form_done(&v.form, people_sign_out(v.store, call->caller.session, &err), &err)) {
            session_note(&v, "sign-out", call->caller.user, &call->caller);
            put_cookie(call, STR(""), 0);
            response->status = 204;
        }
    }
    call_close(call);
}
