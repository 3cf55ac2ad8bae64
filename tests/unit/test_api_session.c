/*
 * test_api_session.c -- signing in and out over HTTP, passwords, second factors, links, and the
 * passwords of shared links.
 *
 * ada is a viewer of the tenant five and has a password, bob has none, eve is an admin.
 */
#include "api_fixture.h"

#include "access/people.h"
#include "access/signed.h"
#include "api/resets.h"
#include "base/json.h"
#include "throttle_apart.h"

#define PASSWORD "correct horse battery"

static const struct str host = {"stats.example.com", 17};

/* What hashing costs is paid once. */
static struct arena once;
static struct str password;

static int hash_once(void **state)
{
    struct err err = {0};

    (void)state;
    return password_hash(STR(PASSWORD), &once, &password, &err);
}

static int forget_once(void **state)
{
    (void)state;
    arena_free(&once);
    return 0;
}

static void put_user(struct api_world *w, const char *email, struct str kept, bool admin,
                     const char *memberships)
{
    struct user_row user = {.id = str_from(email),
                            .name = STR("Somebody"),
                            .password = kept,
                            .admin = admin,
                            .memberships = str_from(memberships),
                            .created_ms = 1};

    world_put(w, ROW_USER, &user);
}

/* Whose failures are no matter of the others. */
static const char *const accounts[] = {
    "ada@five.example",       "bob@five.example",       "eve@platform.example",  "who@five.example",
    "reset:ada@five.example", "reset:bob@five.example", "code:ada@five.example", NULL};
static const char *const addresses[] = {"192.0.2.7", "192.0.2.8", "198.51.100.1", NULL};

static int set_up(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");

    w->api.throttle = throttle_new_apart(accounts, addresses, world_now_ms);
    w->api.resets = resets_new();
    put_user(w, "ada@five.example", password, false,
             "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");
    put_user(w, "bob@five.example", STR(""), false, "");
    put_user(w, "eve@platform.example", password, true, "");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct api_world *w = *state;

    throttle_free(&w->api.throttle);
    resets_free(&w->api.resets);
    world_free(w);
    return 0;
}

/* -- asking ------------------------------------------------------------------------------------ */

/* As a page of this very server does. */
static int send_as(struct api_world *w, handler *handle, const char *method, const char *cookie,
                   const char *body)
{
    struct http_request request = {.method = str_from(method),
                                   .host = host,
                                   .origin = STR("https://stats.example.com"),
                                   .content_type = STR("application/json; charset=utf-8"),
                                   .cookie = str_from(cookie),
                                   .body = str_from(body)};

    assert_true(addr_parse(STR("192.0.2.7"), &request.peer));
    return world_send(w, handle, request);
}

static int post(struct api_world *w, handler *handle, const char *body)
{
    return send_as(w, handle, "POST", "", body);
}

#define SIGN_IN(email, password) "{\"email\":\"" email "\",\"password\":\"" password "\"}"

/* The cookie that the last answer has set, as a browser sends it back. */
static const char *cookie_set(struct api_world *w)
{
    const char *header = world_header(w, "Set-Cookie");

    if (header == NULL)
        fail_msg("no cookie: %.*s", STR_FMT(w->body));
    return arena_str(&w->arena, str_slice(str_from(header), 0, str_find(str_from(header), 0, ';')))
        .ptr;
}

static const char *sign_in_as_ada(struct api_world *w)
{
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
    return cookie_set(w);
}

static struct str member(struct api_world *w, const char *name)
{
    struct json *json = NULL;
    struct err err = {0};

    assert_int_equal(json_parse(w->body, 4, &w->arena, &json, &err), 0);
    const struct json *value = json_get(json, str_from(name));

    if (value == NULL || value->type != JSON_STRING)
        fail_msg("no %s in %.*s", name, STR_FMT(w->body));
    return arena_str(&w->arena, value->text);
}

/* The newest line of the audit log. */
static struct audit_row audit(struct api_world *w)
{
    struct audit_row *rows = NULL;
    size_t count = 0;
    struct err err = {0};

    assert_int_equal(store_page_audit(w->store, STR(""), 0, 1, &w->arena, &rows, &count, &err), 0);
    assert_int_equal(count, 1);
    return rows[0];
}

#define assert_audit(w, who, what, whom)                                                           \
    do {                                                                                           \
        struct audit_row row_ = audit(w);                                                          \
        assert_string_equal(row_.actor.ptr, (who));                                                \
        assert_string_equal(row_.action.ptr, (what));                                              \
        assert_string_equal(row_.target.ptr, (whom));                                              \
    } while (0)

static struct str said(struct api_world *w)
{
    return arena_str(&w->arena, w->body);
}

/* -- in and out -------------------------------------------------------------------------------- */

static void signs_in_with_a_cookie_that_scripts_do_not_see(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(post(w, session_post, SIGN_IN("Ada@FIVE.example", PASSWORD)), 200);
    assert_has(w, "{\"user\":{\"id\":\"ada@five.example\",\"name\":\"Somebody\",\"admin\":false,"
                  "\"memberships\":[{\"tenantId\":\"five\",\"role\":\"viewer\"}],"
                  "\"totp\":false},\"expiresAt\":\"2026-12-22T13:25:00.000Z\","
                  "\"address\":\"192.0.2.7\"}");
    const char *header = world_header(w, "Set-Cookie");

    assert_non_null(header);
    assert_int_equal(strncmp(header, "abacus_session=", 15), 0);
    assert_string_equal(strchr(header, ';'), "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
    assert_string_equal(world_header(w, "Cache-Control"), "no-store");
    assert_audit(w, "user:ada@five.example", "sign-in", "ada@five.example");
    assert_string_equal(audit(w).tenant.ptr, "five");
    const char *cookie = cookie_set(w);

    assert_int_equal(send_as(w, session_get, "GET", cookie, ""), 200);
    assert_has(w, "\"id\":\"ada@five.example\"");
    assert_int_equal(send_as(w, stats_get, "GET", cookie, ""), 200);
}

/* 192.0.2.7 is who connects. */
static void says_from_where_the_request_comes(void **state)
{
    struct api_world *w = *state;
    struct http_request request = {.cookie = str_from(sign_in_as_ada(w)),
                                   .forwarded_for = STR("203.0.113.9, 2001:db8::5")};
    struct cidr proxy;

    assert_true(addr_parse(STR("192.0.2.7"), &request.peer));
    assert_int_equal(world_send(w, session_get, request), 200);
    assert_true(str_eq(member(w, "address"), STR("192.0.2.7")));
    assert_true(cidr_parse(STR("192.0.2.0/24"), &proxy));
    w->api.trusted = &proxy;
    w->api.trusted_count = 1;
    assert_int_equal(world_send(w, session_get, request), 200);
    assert_true(str_eq(member(w, "address"), STR("2001:db8::5")));
}

static void over_https_the_cookie_is_bound_to_the_host(void **state)
{
    struct api_world *w = *state;

    w->api.public_url = STR("https://stats.example.com");
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
    const char *header = world_header(w, "Set-Cookie");

    assert_int_equal(strncmp(header, "__Host-abacus_session=", 22), 0);
    assert_string_equal(strchr(header, ';'),
                        "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
    assert_int_equal(send_as(w, session_get, "GET", cookie_set(w), ""), 200);
}

static void nobody_learns_what_was_wrong(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", "not this password")), 401);
    struct str words = said(w);

    assert_null(world_header(w, "Set-Cookie"));
    assert_audit(w, "user:ada@five.example", "sign-in.failed", "ada@five.example");
    assert_int_equal(post(w, session_post, SIGN_IN("who@five.example", "not this password")), 401);
    assert_true(str_eq(w->body, words));
    assert_audit(w, "nobody", "sign-in.failed", "");
    assert_int_equal(post(w, session_post, SIGN_IN("bob@five.example", "not this password")), 401);
    assert_true(str_eq(w->body, words));
    assert_int_equal(post(w, session_post, SIGN_IN("no address", "not this password")), 401);
    assert_true(str_eq(w->body, words));
    assert_audit(w, "nobody", "sign-in.failed", "");
}

static void a_second_sign_in_ends_the_session_before(void **state)
{
    struct api_world *w = *state;
    const char *first = sign_in_as_ada(w);

    assert_int_equal(
        send_as(w, session_post, "POST", first, SIGN_IN("eve@platform.example", PASSWORD)), 200);
    const char *second = cookie_set(w);

    assert_string_not_equal(first, second);
    assert_int_equal(send_as(w, session_get, "GET", first, ""), 401);
    assert_int_equal(send_as(w, session_get, "GET", second, ""), 200);
    assert_has(w, "\"id\":\"eve@platform.example\"");
}

static void a_cookie_of_somebodys_choice_is_never_taken_up(void **state)
{
    struct api_world *w = *state;
    char secret[SECRET_TEXT_MAX], id[65];
    struct buf chosen = {0};

    secret_make(secret, id);
    buf_addf(&chosen, "abacus_session=%s", secret);
    assert_int_equal(
        send_as(w, session_post, "POST", chosen.ptr, SIGN_IN("ada@five.example", PASSWORD)), 200);
    assert_string_not_equal(cookie_set(w), chosen.ptr);
    assert_int_equal(send_as(w, session_get, "GET", chosen.ptr, ""), 401);
    buf_release(&chosen);
}

static void signs_out(void **state)
{
    struct api_world *w = *state;
    const char *cookie = sign_in_as_ada(w);

    assert_int_equal(send_as(w, session_delete, "DELETE", cookie, ""), 204);
    assert_string_equal(world_header(w, "Set-Cookie"),
                        "abacus_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    assert_audit(w, "user:ada@five.example", "sign-out", "ada@five.example");
    assert_int_equal(send_as(w, session_get, "GET", cookie, ""), 401);
    assert_int_equal(send_as(w, session_delete, "DELETE", cookie, ""), 401);
}

static void another_origin_neither_signs_out_nor_changes_anything(void **state)
{
    struct api_world *w = *state;
    const char *cookie = sign_in_as_ada(w);
    const struct {
        handler *handle;
        const char *method;
    } unsafe[] = {{session_delete, "DELETE"},      {session_password_put, "PUT"},
                  {session_totp_post, "POST"},     {session_totp_put, "PUT"},
                  {session_totp_delete, "DELETE"}, {session_post, "POST"}};

    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        struct http_request request = {.method = str_from(unsafe[i].method),
                                       .host = host,
                                       .origin = STR("https://evil.example"),
                                       .content_type = STR("application/json"),
                                       .cookie = str_from(cookie),
                                       .body = STR(SIGN_IN("eve@platform.example", PASSWORD))};

        assert_int_equal(world_send(w, unsafe[i].handle, request), 403);
        assert_null(world_header(w, "Set-Cookie"));
    }
    assert_int_equal(send_as(w, session_get, "GET", cookie, ""), 200);
}

static void only_json_is_read(void **state)
{
    struct api_world *w = *state;
    static const char *const types[] = {"", "text/plain", "application/x-www-form-urlencoded",
                                        "multipart/form-data", "application/jsonx"};
    struct http_request request = {.method = STR("POST"),
                                   .body = STR(SIGN_IN("ada@five.example", PASSWORD))};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        request.content_type = str_from(types[i]);
        assert_int_equal(world_send(w, session_post, request), 415);
        assert_int_equal(world_send(w, share_post, request), 415);
        assert_int_equal(world_send(w, session_reset_post, request), 415);
    }
    request.content_type = STR("Application/JSON ;charset=utf-8");
    assert_int_equal(world_send(w, session_post, request), 200);
}

static void a_member_that_is_missing_is_named(void **state)
{
    struct api_world *w = *state;
    static const struct {
        const char *body, *wanted;
    } cases[] = {
        {"{\"password\":\"x\"}", "\"field\":\"email\""},
        {"{\"email\":\"a@b.c\",\"password\":\"\"}", "\"field\":\"password\""},
        {"{\"email\":7,\"password\":\"x\"}", "\"field\":\"email\""},
        {"{\"email\":\"a@b.c\",\"password\":\"x\",\"code\":123456}", "\"field\":\"code\""},
        {"[]", "not an object"},
        {"{\"email\"", "\"detail\":"},
        {"{\"email\":\"a\",\"email\":\"b\",\"password\":\"x\"}", "\"detail\":"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(post(w, session_post, cases[i].body), 400);
        assert_has(w, cases[i].wanted);
    }
}

static void a_token_has_no_session(void **state)
{
    struct api_world *w = *state;

    assert_int_equal(world_ask(w, session_get, ""), 403);
    assert_int_equal(world_ask(w, session_delete, ""), 403);
    assert_int_equal(send_as(w, session_get, "GET", "", ""), 401);
}

static void who_tries_too_often_waits(void **state)
{
    struct api_world *w = *state;

    for (int i = 0; i < THROTTLE_ACCOUNT; i++) {
        assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", "not this password")),
                         401);
        world_now_ms += 1000;
    }
    /* Not the right one either, and nothing is done for it. */
    assert_int_equal(post(w, session_post, SIGN_IN("ADA@five.example", PASSWORD)), 429);
    assert_string_equal(world_header(w, "Retry-After"), "890");
    assert_null(world_header(w, "Set-Cookie"));
    assert_int_equal(post(w, session_post, SIGN_IN("eve@platform.example", PASSWORD)), 200);
    world_now_ms += THROTTLE_MS - THROTTLE_ACCOUNT * 1000 - 1;
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 429);
    world_now_ms += 1;
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
}

/* What cannot be a link costs nothing but the try. */
static int try_from(struct api_world *w, const char *peer, const char *forwarded_for, int account)
{
    char body[64];
    struct http_request request = {.method = STR("POST"),
                                   .content_type = STR("application/json"),
                                   .forwarded_for = str_from(forwarded_for)};

    (void)snprintf(body, sizeof(body), "{\"link\":\"link.%d.AAAA\"}", account);
    request.body = str_from(body);
    assert_true(addr_parse(str_from(peer), &request.peer));
    world_now_ms += 1000;
    return world_send(w, share_post, request);
}

static void who_tries_is_the_peer_unless_a_trusted_proxy_names_another(void **state)
{
    struct api_world *w = *state;
    struct cidr proxy;
    char claimed[24];

    for (int i = 0; i < THROTTLE_ADDRESS; i++) {
        (void)snprintf(claimed, sizeof(claimed), "198.51.100.%d", i);
        assert_int_equal(try_from(w, "192.0.2.7", claimed, i), 401);
    }
    assert_int_equal(try_from(w, "192.0.2.7", "198.51.100.99", 99), 429);
    assert_int_equal(try_from(w, "192.0.2.8", "192.0.2.7", 99), 401);
    /* Of what a trusted proxy passes on the last word counts, which is its own. */
    assert_true(cidr_parse(STR("192.0.2.9/32"), &proxy));
    w->api.trusted = &proxy;
    w->api.trusted_count = 1;
    assert_int_equal(try_from(w, "192.0.2.9", "198.51.100.1, 192.0.2.7", 99), 429);
    assert_int_equal(try_from(w, "192.0.2.9", "192.0.2.7, 198.51.100.1", 99), 401);
}

/* -- password and second factor ---------------------------------------------------------------- */

static void a_new_password_ends_the_other_sessions(void **state)
{
    struct api_world *w = *state;
    const char *here = sign_in_as_ada(w), *there = sign_in_as_ada(w);

    assert_int_equal(
        send_as(w, session_password_put, "PUT", here,
                "{\"current\":\"wrong password\",\"password\":\"a whole new password\"}"),
        403);
    assert_audit(w, "user:ada@five.example", "password.failed", "ada@five.example");
    assert_int_equal(send_as(w, session_password_put, "PUT", here,
                             "{\"current\":\"" PASSWORD "\",\"password\":\"short\"}"),
                     400);
    assert_has(w, "\"field\":\"password\"");
    assert_int_equal(send_as(w, session_password_put, "PUT", here,
                             "{\"current\":\"" PASSWORD
                             "\",\"password\":\"a whole new password\"}"),
                     204);
    assert_audit(w, "user:ada@five.example", "password.set", "ada@five.example");
    assert_int_equal(send_as(w, session_get, "GET", here, ""), 200);
    assert_int_equal(send_as(w, session_get, "GET", there, ""), 401);
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 401);
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", "a whole new password")),
                     200);
}

/* A code of the secret: found by trying, since there are few. */
static const char *code_of(struct api_world *w, struct str secret)
{
    char *code = arena_alloc(&w->arena, 8, 1);

    for (int n = 0; n < 1000000; n++) {
        (void)snprintf(code, 8, "%06d", n);
        if (totp_step(secret, str_from(code), 0, world_now_ms) >= 0)
            return code;
    }
    fail_msg("no code fits");
    return NULL;
}

static const char *body_with(struct api_world *w, const char *format, const char *a, const char *b)
{
    char *text = arena_alloc(&w->arena, 400, 1);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, 400, format, a, b);
#pragma GCC diagnostic pop
    return text;
}

static void a_second_factor_is_asked_for_once_it_is_set(void **state)
{
    struct api_world *w = *state;
    const char *cookie = sign_in_as_ada(w);

    assert_int_equal(send_as(w, session_totp_post, "POST", cookie, ""), 200);
    struct str secret = member(w, "secret");

    assert_true(str_starts(member(w, "uri"), STR("otpauth://totp/")));
    /* Nothing is kept yet. */
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
    assert_int_equal(send_as(w, session_totp_put, "PUT", cookie,
                             body_with(w,
                                       "{\"password\":\"wrong password\",\"secret\":\"%s\","
                                       "\"code\":\"%s\"}",
                                       secret.ptr, code_of(w, secret))),
                     403);
    assert_int_equal(send_as(w, session_totp_put, "PUT", cookie,
                             body_with(w,
                                       "{\"password\":\"" PASSWORD "\",\"secret\":\"%s\","
                                       "\"code\":\"%s\"}",
                                       secret.ptr, "12345x")),
                     400);
    assert_has(w, "\"field\":\"code\"");
    assert_int_equal(send_as(w, session_totp_put, "PUT", cookie,
                             body_with(w,
                                       "{\"password\":\"" PASSWORD "\",\"secret\":\"%s\","
                                       "\"code\":\"%s\"}",
                                       secret.ptr, code_of(w, secret))),
                     204);
    assert_audit(w, "user:ada@five.example", "totp.set", "ada@five.example");
    world_now_ms += 120 * 1000;
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 401);
    assert_has(w, "\"code\":true");
    assert_null(world_header(w, "Set-Cookie"));
    assert_int_equal(post(w, session_post,
                          body_with(w,
                                    "{\"email\":\"ada@five.example\",\"password\":\"%s\","
                                    "\"code\":\"%s\"}",
                                    PASSWORD, code_of(w, secret))),
                     200);
    assert_has(w, "\"totp\":true");
    cookie = cookie_set(w);
    assert_int_equal(
        send_as(w, session_totp_delete, "DELETE", cookie, "{\"password\":\"" PASSWORD "\"}"), 204);
    assert_audit(w, "user:ada@five.example", "totp.removed", "ada@five.example");
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
}

/* -- links that are used once ------------------------------------------------------------------ */

static const char *link_for(struct api_world *w, enum session_kind kind, const char *user)
{
    char *text = arena_alloc(&w->arena, SECRET_TEXT_MAX, 1);
    struct err err = {0};

    if (people_make_link(w->store, kind, str_from(user), world_now_ms, text, &err) != 0)
        fail_msg("%s", err.text);
    return text;
}

static void an_invitation_makes_a_password_and_signs_in(void **state)
{
    struct api_world *w = *state;
    const char *secret = link_for(w, SESSION_INVITATION, "bob@five.example");
    const char *body = body_with(w, "{\"secret\":\"%s\",\"password\":\"%s\",\"name\":\"Bob\"}",
                                 secret, "bob's own password");

    assert_int_equal(post(w, session_link_post, body_with(w, "{\"secret\":\"%s%s\"}", secret, "")),
                     200);
    assert_has(w, "{\"kind\":\"invitation\",\"user\":\"bob@five.example\",\"totp\":false,"
                  "\"expiresAt\":\"2026-11-29T13:25:00.000Z\"}");
    assert_int_equal(post(w, session_accept_post,
                          body_with(w, "{\"secret\":\"%s\",\"password\":\"%s\"}", secret, "short")),
                     400);
    assert_int_equal(post(w, session_accept_post, body), 200);
    assert_has(w, "{\"user\":{\"id\":\"bob@five.example\",\"name\":\"Bob\",");
    assert_audit(w, "user:bob@five.example", "link.used", "bob@five.example");
    assert_int_equal(send_as(w, session_get, "GET", cookie_set(w), ""), 200);
    assert_int_equal(post(w, session_accept_post, body), 404);
    assert_int_equal(post(w, session_link_post, body_with(w, "{\"secret\":\"%s%s\"}", secret, "")),
                     404);
    assert_int_equal(post(w, session_post, SIGN_IN("bob@five.example", "bob's own password")), 200);
}

static void the_first_admin_says_who_it_is(void **state)
{
    struct api_world *w = *state;
    struct user_row eve;

    world_get(w, ROW_USER, "eve@platform.example", &eve);
    eve.admin = false;
    world_put(w, ROW_USER, &eve);
    const char *secret = link_for(w, SESSION_SETUP, "");

    assert_int_equal(post(w, session_link_post, body_with(w, "{\"secret\":\"%s%s\"}", secret, "")),
                     200);
    assert_has(w, "{\"kind\":\"set-up\",\"user\":null,");
    assert_int_equal(
        post(w, session_accept_post,
             body_with(w, "{\"secret\":\"%s\",\"password\":\"%s\",\"email\":\"Root@x.example\"}",
                       secret, "a whole new password")),
        200);
    assert_has(w, "{\"user\":{\"id\":\"root@x.example\",");
    assert_has(w, "\"admin\":true,");
}

static void a_link_with_a_second_factor_needs_its_code(void **state)
{
    struct api_world *w = *state;
    struct str secret_of_app = totp_make(&w->arena);
    struct user_row ada;

    world_get(w, ROW_USER, "ada@five.example", &ada);
    ada.totp = secret_of_app;
    world_put(w, ROW_USER, &ada);
    const char *secret = link_for(w, SESSION_RESET, "ada@five.example");

    assert_int_equal(post(w, session_link_post, body_with(w, "{\"secret\":\"%s%s\"}", secret, "")),
                     200);
    assert_has(w, "\"totp\":true");
    assert_int_equal(post(w, session_accept_post,
                          body_with(w, "{\"secret\":\"%s\",\"password\":\"%s\"}", secret,
                                    "a whole new password")),
                     401);
    assert_has(w, "\"code\":true");
    assert_int_equal(post(w, session_accept_post,
                          body_with(w,
                                    "{\"secret\":\"%s\",\"password\":\"a whole new password\","
                                    "\"code\":\"%s\"}",
                                    secret, "12345x")),
                     401);
    assert_false(world_has(w, "\"code\":true"));
    assert_int_equal(post(w, session_accept_post,
                          body_with(w,
                                    "{\"secret\":\"%s\",\"password\":\"a whole new password\","
                                    "\"code\":\"%s\"}",
                                    secret, code_of(w, secret_of_app))),
                     200);
}

/* Else whoever reads a mailbox, or may ask for links, could go on with a new link each time. */
static void wrong_codes_of_all_of_a_persons_links_are_counted_together(void **state)
{
    struct api_world *w = *state;
    const char *format =
        "{\"secret\":\"%s\",\"password\":\"a whole new password\",\"code\":\"%s\"}";
    struct str secret_of_app = totp_make(&w->arena);
    const char *secret = "";
    struct user_row ada;

    world_get(w, ROW_USER, "ada@five.example", &ada);
    ada.totp = secret_of_app;
    world_put(w, ROW_USER, &ada);
    for (int i = 0; i < THROTTLE_ACCOUNT; i++) {
        secret = link_for(w, SESSION_RESET, "ada@five.example");
        world_now_ms += 1000;
        assert_int_equal(post(w, session_accept_post, body_with(w, format, secret, "12345x")), 401);
    }
    secret = link_for(w, SESSION_RESET, "ada@five.example");
    const char *right = body_with(w, format, secret, code_of(w, secret_of_app));

    assert_int_equal(post(w, session_accept_post, right), 429);
    /* Signing in is another thing. */
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", "not this password")), 401);
    world_now_ms += THROTTLE_MS;
    right = body_with(w, format, secret, code_of(w, secret_of_app));
    assert_int_equal(post(w, session_accept_post, right), 200);
}

static void a_link_that_is_none_is_not_there(void **state)
{
    struct api_world *w = *state;
    const char *session = sign_in_as_ada(w) + strlen("abacus_session=");

    assert_int_equal(post(w, session_link_post, "{\"secret\":\"nonsense\"}"), 404);
    struct str words = said(w);

    /* A session is no link. */
    assert_int_equal(post(w, session_link_post, body_with(w, "{\"secret\":\"%s%s\"}", session, "")),
                     404);
    assert_true(str_eq(w->body, words));
    const char *secret = link_for(w, SESSION_RESET, "ada@five.example");

    world_now_ms += RESET_MS;
    assert_int_equal(post(w, session_accept_post,
                          body_with(w, "{\"secret\":\"%s\",\"password\":\"%s\"}", secret,
                                    "a whole new password")),
                     404);
    assert_true(str_eq(w->body, words));
}

/* -- resets ------------------------------------------------------------------------------------ */

static void asking_for_a_new_password_tells_nothing(void **state)
{
    struct api_world *w = *state;
    struct row_filter links = {.user = STR("ada@five.example")};
    void *rows = NULL;
    size_t count = 0;
    struct err err = {0};

    assert_int_equal(post(w, session_reset_post, "{\"email\":\"ada@five.example\"}"), 202);
    struct str words = said(w);

    assert_int_equal(post(w, session_reset_post, "{\"email\":\"who@five.example\"}"), 202);
    assert_true(str_eq(w->body, words));
    assert_int_equal(post(w, session_reset_post, "{\"email\":\"no address\"}"), 202);
    assert_true(str_eq(w->body, words));
    /* Nothing was looked at, let alone written, before the answer ... */
    assert_int_equal(
        store_page(w->store, ROW_SESSION, &links, STR(""), 10, &w->arena, &rows, &count, &err), 0);
    assert_int_equal(count, 0);
    /* ... and without mail nothing is after it. */
    api_send_resets(&w->api, w->store, world_now_ms);
    assert_int_equal(
        store_page(w->store, ROW_SESSION, &links, STR(""), 10, &w->arena, &rows, &count, &err), 0);
    assert_int_equal(count, 0);
}

static void nobodys_mailbox_is_filled(void **state)
{
    struct api_world *w = *state;

    for (int i = 0; i < THROTTLE_ACCOUNT; i++) {
        assert_int_equal(post(w, session_reset_post, "{\"email\":\"ada@five.example\"}"), 202);
        world_now_ms += 1000;
    }
    assert_int_equal(post(w, session_reset_post, "{\"email\":\"ada@five.example\"}"), 429);
    assert_non_null(world_header(w, "Retry-After"));
    /* That keeps nobody from signing in. */
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
}

/* -- shared links with a password -------------------------------------------------------------- */

static struct str share_text(struct api_world *w, struct str kept, int64_t expires_ms,
                             struct link_row *link)
{
    *link = (struct link_row){.id = STR("l1"),
                              .tenant = STR("five"),
                              .site = STR("a"),
                              .password = kept,
                              .created_ms = 77,
                              .expires_ms = expires_ms};
    world_put(w, ROW_LINK, link);
    const struct snapshot *snapshot = directory_take(w->directory);
    struct str text = signed_link(snapshot_signing_key(snapshot), link, &w->arena);

    directory_give(w->directory, snapshot);
    return text;
}

static void a_shared_link_opens_with_its_password(void **state)
{
    struct api_world *w = *state;
    struct link_row link;
    struct str text = share_text(w, password, 0, &link);
    const char *format = "{\"link\":\"%s\",\"password\":\"%s\"}";

    assert_int_equal(post(w, share_post, body_with(w, format, text.ptr, "wrong password")), 401);
    assert_has(w, "\"password\":true");
    struct str words = said(w);

    assert_int_equal(post(w, share_post, body_with(w, "{\"link\":\"%s\"%s}", text.ptr, "")), 401);
    assert_true(str_eq(w->body, words));
    assert_int_equal(post(w, share_post, body_with(w, format, "link.l9.AAAA", PASSWORD)), 401);
    assert_true(str_eq(w->body, words));
    assert_int_equal(post(w, share_post, body_with(w, format, text.ptr, PASSWORD)), 200);
    assert_true(str_eq(member(w, "expiresAt"), STR("2026-11-23T01:25:00.000Z")));
    struct str token = member(w, "token");

    assert_int_equal(world_ask_for(w, stats_get, token.ptr, "", ""), 200);
    assert_has(w, "\"siteId\":\"a\",");
    assert_int_equal(post(w, share_post, body_with(w, format, token.ptr, PASSWORD)), 401);
}

static void what_was_opened_ends_with_the_link(void **state)
{
    struct api_world *w = *state;
    struct link_row link;
    struct str text = share_text(w, password, world_now_ms + 60 * 1000, &link);

    assert_int_equal(
        post(w, share_post,
             body_with(w, "{\"link\":\"%s\",\"password\":\"%s\"}", text.ptr, PASSWORD)),
        200);
    assert_true(str_eq(member(w, "expiresAt"), STR("2026-11-22T13:26:00.000Z")));
}

/* Tries are everybody's: who needs no password must not use them up. */
static void a_link_without_a_password_takes_nobodys_try(void **state)
{
    struct api_world *w = *state;
    struct link_row link;
    struct str text = share_text(w, STR(""), 0, &link);
    const char *body = body_with(w, "{\"link\":\"%s\"%s}", text.ptr, "");

    for (int i = 0; i <= THROTTLE_BURST; i++)
        assert_int_equal(post(w, share_post, body), 200);
    assert_int_equal(post(w, session_post, SIGN_IN("ada@five.example", PASSWORD)), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs_in_with_a_cookie_that_scripts_do_not_see),
        TEST(says_from_where_the_request_comes),
        TEST(over_https_the_cookie_is_bound_to_the_host),
        TEST(nobody_learns_what_was_wrong),
        TEST(a_second_sign_in_ends_the_session_before),
        TEST(a_cookie_of_somebodys_choice_is_never_taken_up),
        TEST(signs_out),
        TEST(another_origin_neither_signs_out_nor_changes_anything),
        TEST(only_json_is_read),
        TEST(a_member_that_is_missing_is_named),
        TEST(a_token_has_no_session),
        TEST(who_tries_too_often_waits),
        TEST(who_tries_is_the_peer_unless_a_trusted_proxy_names_another),
        TEST(a_new_password_ends_the_other_sessions),
        TEST(a_second_factor_is_asked_for_once_it_is_set),
        TEST(an_invitation_makes_a_password_and_signs_in),
        TEST(the_first_admin_says_who_it_is),
        TEST(a_link_with_a_second_factor_needs_its_code),
        TEST(wrong_codes_of_all_of_a_persons_links_are_counted_together),
        TEST(a_link_that_is_none_is_not_there),
        TEST(asking_for_a_new_password_tells_nothing),
        TEST(nobodys_mailbox_is_filled),
        TEST(a_shared_link_opens_with_its_password),
        TEST(what_was_opened_ends_with_the_link),
        TEST(a_link_without_a_password_takes_nobodys_try),
    };

    return cmocka_run_group_tests_name("api_session", tests, hash_once, forget_once);
}
