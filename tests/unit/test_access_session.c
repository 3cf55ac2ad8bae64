/*
 * test_access_session.c -- signing in, sessions, links that are used once, and what people change
 * about themselves.
 *
 * crypto_pwhash_str_verify() is this program's own here: it counts how often it is called, and at
 * what cost, and goes on to libsodium's.
 */
#include "test_postgres_support.h"

#include "access/people.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

/* -- counting hashes --------------------------------------------------------------------------- */

static struct {
    atomic_uint calls, at_full_cost;
} verified;

int crypto_pwhash_str_verify(const char str[crypto_pwhash_STRBYTES], const char *const passwd,
                             unsigned long long passwdlen)
{
    int (*real)(const char *, const char *, unsigned long long) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash_str_verify");
    assert_non_null(real);
    verified.calls++;
    verified.at_full_cost += strncmp(str, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0;
    return real(str, passwd, passwdlen);
}

/* -- people ------------------------------------------------------------------------------------ */

#define NOW_MS INT64_C(1700000000000)
#define PASSWORD "correct horse"
#define TOTP "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* RFC 6238's */
#define CODE_MS INT64_C(1234567890000)          /* its code is ... */
#define CODE "005924"
#define HOUR (INT64_C(3600) * 1000)
#define DAY_LONG (24 * HOUR)

/* The hash of PASSWORD, made once: each costs a tenth of a second. */
static char hash_of_password[crypto_pwhash_STRBYTES];

static bool hash_once(void)
{
    return crypto_pwhash_str(hash_of_password, PASSWORD, strlen(PASSWORD), PASSWORD_OPS,
                             PASSWORD_BYTES) == 0;
}

static int put_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct user_row *wanted = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    *(struct user_row *)row = *wanted;
    return EDIT_PUT;
}

static void put_user(struct fixture *f, struct user_row row)
{
    row.created_ms = 1;
    if (row.memberships.len == 0)
        row.memberships = STR("[{\"tenantId\":\"t5g\",\"role\":\"viewer\"}]");
    if (store_edit(f->store, ROW_USER, row.id, put_row, &row, &somebody, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

static void put_named(struct fixture *f, const char *email, const char *totp)
{
    put_user(f, (struct user_row){.id = str_from(email),
                                  .password = str_from(hash_of_password),
                                  .totp = str_from(totp)});
}

static struct user_row get_user(struct fixture *f, const char *email)
{
    struct user_row row = {0};

    assert_int_equal(store_get(f->store, ROW_USER, str_from(email), &f->arena, &row, &f->err), 1);
    return row;
}

static int64_t count_sessions(struct fixture *f, const char *email)
{
    struct row_filter filter = {.user = str_from(email)};
    int64_t count = -1;

    assert_ok(f, store_count(f->store, ROW_SESSION, &filter, &count, &f->err));
    return count;
}

static enum sign_in sign_in_as(struct fixture *f, struct sign_in_request request,
                               char text[SECRET_TEXT_MAX])
{
    enum sign_in out = SIGN_IN_NEEDS_CODE;

    if (request.now_ms == 0)
        request.now_ms = NOW_MS;
    assert_ok(f, people_sign_in(f->store, &request, &out, text, &f->err));
    return out;
}

static enum sign_in sign_in(struct fixture *f, const char *email, const char *password,
                            const char *code, int64_t now_ms, char text[SECRET_TEXT_MAX])
{
    return sign_in_as(f,
                      (struct sign_in_request){.email = str_from(email),
                                               .password = str_from(password),
                                               .code = str_from(code),
                                               .now_ms = now_ms},
                      text);
}

static int who(struct fixture *f, const char *text, int64_t now_ms, struct caller *out)
{
    int rc = people_of_session(f->store, f->store, str_from(text), now_ms, &f->arena, out, &f->err);

    if (rc < 0)
        fail_msg("%s", f->err.text);
    return rc;
}

static bool lives(struct fixture *f, const char *text, int64_t now_ms)
{
    struct caller caller;

    return who(f, text, now_ms, &caller) == 1;
}

/* A session that nothing was hashed for. */
static void put_session(struct fixture *f, const char *email, int64_t now_ms,
                        char text[SECRET_TEXT_MAX]);

/* -- signing in -------------------------------------------------------------------------------- */

static void the_right_password_begins_a_session(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX] = "";
    struct caller caller;

    put_named(f, "ann@example.com", "");
    assert_int_equal(sign_in(f, "Ann@Example.COM", PASSWORD, "", NOW_MS, text), SIGN_IN_DONE);
    assert_int_equal(strlen(text), 43);
    assert_int_equal(who(f, text, NOW_MS, &caller), 1);
    assert_int_equal(caller.kind, CALLER_PERSON);
    assert_str(caller.user, "ann@example.com");
    assert_str(caller.name, "user:ann@example.com");
    assert_int_equal(caller.session.len, 64);
    assert_true(caller.cookie);
    assert_int_equal(caller.expires_ms, NOW_MS + SESSION_MS);
    assert_int_equal(caller_at_tenant(&caller, STR("t5g")), SCOPE_STATS_READ);
    assert_int_equal(get_user(f, "ann@example.com").signed_in_ms, NOW_MS);
    /* What is kept is no secret. */
    assert_false(str_eq(caller.session, str_from(text)));
    assert_false(lives(f, caller.session.ptr, NOW_MS));
}

/* Four ways to be wrong: each costs one hash of the full cost, and looks the same. */
static void every_wrong_sign_in_costs_one_hash(void **state)
{
    static const struct {
        const char *email, *password;
    } cases[] = {{"ann@example.com", "wrong horse"},    {"nobody@example.com", PASSWORD},
                 {"invited@example.com", PASSWORD},     {"invited@example.com", ""},
                 {"no address at all", PASSWORD},       {"ann@example.com", ""},
                 {"broken@example.com", "not argon2id"}};
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX] = "";

    put_named(f, "ann@example.com", TOTP);
    put_user(f, (struct user_row){.id = STR("invited@example.com")});
    put_user(f,
             (struct user_row){.id = STR("broken@example.com"), .password = STR("not argon2id")});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        verified.calls = 0;
        verified.at_full_cost = 0;
        assert_int_equal(sign_in(f, cases[i].email, cases[i].password, "", NOW_MS, text),
                         SIGN_IN_WRONG);
        assert_int_equal(verified.calls, 1);
        assert_int_equal(verified.at_full_cost, 1);
        assert_string_equal(text, "");
    }
    assert_int_equal(count_sessions(f, "ann@example.com"), 0);
}

static void a_second_factor_asks_for_a_code_once_the_password_is_right(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX] = "";

    put_named(f, "ann@example.com", TOTP);
    assert_int_equal(sign_in(f, "ann@example.com", PASSWORD, "", CODE_MS, text),
                     SIGN_IN_NEEDS_CODE);
    assert_string_equal(text, "");
    assert_int_equal(sign_in(f, "ann@example.com", "wrong horse", CODE, CODE_MS, text),
                     SIGN_IN_WRONG);
    assert_int_equal(sign_in(f, "ann@example.com", PASSWORD, "005925", CODE_MS, text),
                     SIGN_IN_WRONG);
    assert_int_equal(count_sessions(f, "ann@example.com"), 0);
    assert_int_equal(sign_in(f, "ann@example.com", PASSWORD, CODE, CODE_MS, text), SIGN_IN_DONE);
    assert_int_equal(get_user(f, "ann@example.com").totp_step, 1234567890 / 30);
    assert_true(lives(f, text, CODE_MS));
    /* Seen over a shoulder. */
    assert_int_equal(sign_in(f, "ann@example.com", PASSWORD, CODE, CODE_MS, text), SIGN_IN_WRONG);
}

static void each_sign_in_has_a_new_secret_and_ends_the_session_before(void **state)
{
    struct fixture *f = *state;
    char planted[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "", other[SECRET_TEXT_MAX];
    struct sign_in_request request = {.email = STR("ann@example.com"), .password = STR(PASSWORD)};
    struct caller mallory;

    put_named(f, "ann@example.com", "");
    put_named(f, "mallory@example.com", "");
    /* Mallory leaves a session of her own in Ann's browser. */
    put_session(f, "mallory@example.com", NOW_MS, planted);
    put_session(f, "ann@example.com", NOW_MS, other);
    assert_int_equal(who(f, planted, NOW_MS, &mallory), 1);
    request.before = mallory.session;
    assert_int_equal(sign_in_as(f, request, text), SIGN_IN_DONE);
    assert_string_not_equal(text, planted);
    assert_false(lives(f, planted, NOW_MS));
    assert_true(lives(f, text, NOW_MS));
    assert_true(lives(f, other, NOW_MS));
}

static void a_wrong_sign_in_ends_no_session(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX], none[SECRET_TEXT_MAX] = "";
    struct sign_in_request request = {.email = STR("ann@example.com"),
                                      .password = STR("wrong one")};
    struct caller caller;

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    assert_int_equal(who(f, text, NOW_MS, &caller), 1);
    request.before = caller.session;
    assert_int_equal(sign_in_as(f, request, none), SIGN_IN_WRONG);
    assert_true(lives(f, text, NOW_MS));
}

static void a_link_sent_as_the_session_before_is_not_ended(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "", id[65];
    struct sign_in_request request = {.email = STR("ann@example.com"), .password = STR(PASSWORD)};
    struct session_row row;

    put_named(f, "ann@example.com", "");
    put_named(f, "bob@example.com", "");
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("bob@example.com"), NOW_MS, link,
                                  &f->err));
    assert_true(secret_id(str_from(link), id));
    request.before = str_from(id);
    assert_int_equal(sign_in_as(f, request, text), SIGN_IN_DONE);
    assert_int_equal(people_sign_out(f->store, str_from(id), &f->err), 0);
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 1);
}

static void what_ended_is_swept_away_by_the_next_sign_in(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX] = "", old[SECRET_TEXT_MAX], link[SECRET_TEXT_MAX];

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, old);
    put_session(f, "ann@example.com", NOW_MS + SESSION_IDLE_MS - 1000, text);
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, link,
                                  &f->err));
    assert_int_equal(count_sessions(f, "ann@example.com"), 3);
    assert_int_equal(sign_in(f, "ann@example.com", PASSWORD, "", NOW_MS + SESSION_IDLE_MS, text),
                     SIGN_IN_DONE);
    assert_int_equal(count_sessions(f, "ann@example.com"), 2);
}

/* -- sessions ---------------------------------------------------------------------------------- */

struct session_to_put {
    struct str user;
    int64_t now_ms;
};

static int put_session_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct session_to_put *put = ctx;
    struct session_row *session = row;

    (void)arena;
    (void)err;
    assert_false(exists);
    session->user = put->user;
    session->kind = SESSION_SIGNED_IN;
    session->created_ms = session->seen_ms = put->now_ms;
    session->expires_ms = put->now_ms + SESSION_MS;
    return EDIT_PUT;
}

static void put_session(struct fixture *f, const char *email, int64_t now_ms,
                        char text[SECRET_TEXT_MAX])
{
    struct session_to_put put = {str_from(email), now_ms};
    char id[65];

    secret_make(text, id);
    if (store_edit(f->store, ROW_SESSION, str_from(id), put_session_row, &put, &somebody, &f->err) <
        0)
        fail_msg("%s", f->err.text);
}

static void a_session_ends_after_a_week_without_a_request(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];
    struct caller caller;

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    /* Without a writer nothing is noted. */
    assert_int_equal(people_of_session(f->store, NULL, str_from(text), NOW_MS + SESSION_IDLE_MS - 1,
                                       &f->arena, &caller, &f->err),
                     1);
    assert_false(lives(f, text, NOW_MS + SESSION_IDLE_MS));
    assert_true(lives(f, text, NOW_MS + SESSION_IDLE_MS - 1));
    /* That one was noted. */
    assert_true(lives(f, text, NOW_MS + SESSION_IDLE_MS));
}

static void a_request_is_noted_once_an_hour(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX], id[65];
    struct session_row row;

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    assert_true(secret_id(str_from(text), id));
    assert_true(lives(f, text, NOW_MS + SESSION_SEEN_MS - 1));
    assert_int_equal(store_get(f->store, ROW_SESSION, str_from(id), &f->arena, &row, &f->err), 1);
    assert_int_equal(row.seen_ms, NOW_MS);
    assert_true(lives(f, text, NOW_MS + SESSION_SEEN_MS));
    assert_int_equal(store_get(f->store, ROW_SESSION, str_from(id), &f->arena, &row, &f->err), 1);
    assert_int_equal(row.seen_ms, NOW_MS + SESSION_SEEN_MS);
    assert_int_equal(row.expires_ms, NOW_MS + SESSION_MS);
}

static void a_session_ends_after_thirty_days_however_it_is_used(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    for (int day = 1; day < 30; day++)
        assert_true(lives(f, text, NOW_MS + day * DAY_LONG));
    assert_true(lives(f, text, NOW_MS + 30 * DAY_LONG - 1));
    assert_false(lives(f, text, NOW_MS + 30 * DAY_LONG));
}

static void signing_out_ends_one_session(void **state)
{
    struct fixture *f = *state;
    char one[SECRET_TEXT_MAX], two[SECRET_TEXT_MAX];
    struct caller caller;

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, one);
    put_session(f, "ann@example.com", NOW_MS, two);
    assert_int_equal(who(f, one, NOW_MS, &caller), 1);
    assert_int_equal(people_sign_out(f->store, caller.session, &f->err), 1);
    assert_int_equal(people_sign_out(f->store, caller.session, &f->err), 0);
    assert_int_equal(people_sign_out(f->store, STR(""), &f->err), 0);
    assert_false(lives(f, one, NOW_MS));
    assert_true(lives(f, two, NOW_MS));
}

static void what_is_no_sessions_secret_is_nobodys(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX], link[SECRET_TEXT_MAX];

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, link,
                                  &f->err));
    assert_false(lives(f, link, NOW_MS));
    assert_false(lives(f, "", NOW_MS));
    assert_false(lives(f, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", NOW_MS));
    text[42] = text[42] == 'A' ? 'B' : 'A';
    assert_false(lives(f, text, NOW_MS));
}

static int remove_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    (void)err;
    return exists ? EDIT_REMOVE : EDIT_KEEP;
}

static void a_person_who_is_gone_has_no_session(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, text);
    assert_int_equal(store_edit(f->store, ROW_USER, STR("ann@example.com"), remove_row, NULL,
                                &somebody, &f->err),
                     1);
    assert_false(lives(f, text, NOW_MS));
}

/* -- links that are used once ------------------------------------------------------------------ */

static int use_link(struct fixture *f, struct use_link_request request, enum sign_in *out,
                    char text[SECRET_TEXT_MAX])
{
    if (request.now_ms == 0)
        request.now_ms = NOW_MS;
    return people_use_link(f->store, &request, out, text, &f->err);
}

static void an_invitation_sets_a_password_and_signs_in(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "", old[SECRET_TEXT_MAX];
    enum sign_in out;
    struct session_row row;

    put_user(f, (struct user_row){.id = STR("ann@example.com")});
    put_session(f, "ann@example.com", NOW_MS, old);
    assert_ok(f, people_make_link(f->store, SESSION_INVITATION, STR("ann@example.com"), NOW_MS,
                                  link, &f->err));
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 1);
    assert_int_equal(row.kind, SESSION_INVITATION);
    assert_str(row.user, "ann@example.com");
    struct use_link_request request = {
        .secret = str_from(link), .password = STR("a new password"), .name = STR("Ann")};

    assert_ok(f, use_link(f, request, &out, text));
    assert_int_equal(out, SIGN_IN_DONE);
    assert_true(lives(f, text, NOW_MS));
    assert_false(lives(f, old, NOW_MS));
    assert_str(get_user(f, "ann@example.com").name, "Ann");
    assert_int_equal(get_user(f, "ann@example.com").signed_in_ms, NOW_MS);
    assert_false(get_user(f, "ann@example.com").admin);
    assert_true(password_matches(get_user(f, "ann@example.com").password, STR("a new password")));
    /* Used. */
    assert_int_equal(use_link(f, request, &out, text), ERR_NOTFOUND);
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 0);
    assert_int_equal(count_sessions(f, "ann@example.com"), 1);
}

static void a_link_ends_with_its_time(void **state)
{
    static const struct {
        enum session_kind kind;
        int64_t life_ms;
    } cases[] = {{SESSION_INVITATION, 7 * DAY_LONG}, {SESSION_RESET, HOUR}, {SESSION_SETUP, HOUR}};
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "";
    struct session_row row;
    enum sign_in out;

    put_user(f, (struct user_row){.id = STR("ann@example.com")});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(f, people_make_link(f->store, cases[i].kind, STR("ann@example.com"), NOW_MS, link,
                                      &f->err));
        assert_int_equal(people_look_at_link(f->store, str_from(link),
                                             NOW_MS + cases[i].life_ms - 1, &f->arena, &row,
                                             &f->err),
                         1);
        assert_int_equal(people_look_at_link(f->store, str_from(link), NOW_MS + cases[i].life_ms,
                                             &f->arena, &row, &f->err),
                         0);
        assert_int_equal(use_link(f,
                                  (struct use_link_request){.secret = str_from(link),
                                                            .email = STR("ann@example.com"),
                                                            .password = STR("a new password"),
                                                            .now_ms = NOW_MS + cases[i].life_ms},
                                  &out, text),
                         ERR_NOTFOUND);
    }
    assert_string_equal(text, "");
}

static void a_newer_link_of_its_kind_ends_the_one_before(void **state)
{
    struct fixture *f = *state;
    char one[SECRET_TEXT_MAX], two[SECRET_TEXT_MAX], invitation[SECRET_TEXT_MAX];
    struct session_row row;

    put_user(f, (struct user_row){.id = STR("ann@example.com")});
    assert_ok(f, people_make_link(f->store, SESSION_INVITATION, STR("ann@example.com"), NOW_MS,
                                  invitation, &f->err));
    assert_ok(
        f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, one, &f->err));
    assert_ok(
        f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, two, &f->err));
    assert_int_equal(people_look_at_link(f->store, str_from(one), NOW_MS, &f->arena, &row, &f->err),
                     0);
    assert_int_equal(people_look_at_link(f->store, str_from(two), NOW_MS, &f->arena, &row, &f->err),
                     1);
    assert_int_equal(
        people_look_at_link(f->store, str_from(invitation), NOW_MS, &f->arena, &row, &f->err), 1);
}

static void what_is_typed_wrong_does_not_use_the_link_up(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "", long_name[201];
    struct session_row row;
    enum sign_in out;

    memset(long_name, 'n', sizeof(long_name));
    const struct use_link_request wrong[] = {
        {.password = STR("short")},
        {.password = STR("ann@example.com")},
        {.password = STR("a new password"), .name = {long_name, 201}},
        {.password = STR("a new password"), .name = STR("\xff")},
        {.password = STR("a new password"), .name = STR("a\0b")},
    };

    put_user(f, (struct user_row){.id = STR("ann@example.com")});
    assert_ok(f, people_make_link(f->store, SESSION_INVITATION, STR("ann@example.com"), NOW_MS,
                                  link, &f->err));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct use_link_request request = wrong[i];

        request.secret = str_from(link);
        assert_int_equal(use_link(f, request, &out, text), ERR_INVALID);
    }
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 1);
    assert_int_equal(use_link(f,
                              (struct use_link_request){.secret = str_from(link),
                                                        .password = STR("a new password"),
                                                        .name = {long_name, 200}},
                              &out, text),
                     0);
}

static void a_new_password_asks_for_the_second_factor(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "";
    struct use_link_request request = {.password = STR("a new password"), .now_ms = CODE_MS};
    enum sign_in out;

    put_named(f, "ann@example.com", TOTP);
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), CODE_MS, link,
                                  &f->err));
    request.secret = str_from(link);
    assert_ok(f, use_link(f, request, &out, text));
    assert_int_equal(out, SIGN_IN_NEEDS_CODE);
    request.code = STR("000000");
    assert_ok(f, use_link(f, request, &out, text));
    assert_int_equal(out, SIGN_IN_WRONG);
    assert_string_equal(text, "");
    assert_str(get_user(f, "ann@example.com").password, hash_of_password);
    request.code = STR(CODE);
    assert_ok(f, use_link(f, request, &out, text));
    assert_int_equal(out, SIGN_IN_DONE);
    assert_int_equal(get_user(f, "ann@example.com").totp_step, 1234567890 / 30);
}

static void nobody_gets_a_link_who_is_not_there(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX] = "";

    assert_int_equal(
        people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, link, &f->err),
        ERR_NOTFOUND);
    assert_int_equal(people_make_link(f->store, SESSION_INVITATION, STR(""), NOW_MS, link, &f->err),
                     ERR_NOTFOUND);
    assert_string_equal(link, "");
}

/* -- the first admin --------------------------------------------------------------------------- */

static void the_set_up_link_makes_the_first_admin(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], again[SECRET_TEXT_MAX] = "", text[SECRET_TEXT_MAX] = "";
    struct caller caller;
    enum sign_in out;

    /* People who are no admins do not stand in the way. */
    put_named(f, "bob@example.com", "");
    assert_ok(f, people_make_link(f->store, SESSION_SETUP, STR(""), NOW_MS, link, &f->err));
    struct use_link_request request = {.secret = str_from(link), .password = STR("a new password")};

    assert_int_equal(use_link(f, request, &out, text), ERR_INVALID);
    request.email = STR("no address");
    assert_int_equal(use_link(f, request, &out, text), ERR_INVALID);
    request.email = STR("Ann@Example.com");
    request.name = STR("Ann");
    assert_ok(f, use_link(f, request, &out, text));
    assert_int_equal(out, SIGN_IN_DONE);
    assert_int_equal(who(f, text, NOW_MS, &caller), 1);
    assert_int_equal(caller.platform, SCOPE_STATS_READ | SCOPE_ADMIN);
    assert_true(get_user(f, "ann@example.com").admin);
    assert_int_equal(get_user(f, "ann@example.com").created_ms, NOW_MS);
    assert_str(get_user(f, "ann@example.com").name, "Ann");
    assert_false(get_user(f, "bob@example.com").admin);
    assert_int_equal(use_link(f, request, &out, text), ERR_NOTFOUND);
    assert_int_equal(people_make_link(f->store, SESSION_SETUP, STR(""), NOW_MS, again, &f->err),
                     ERR_CONFLICT);
    assert_string_equal(again, "");
}

static void a_set_up_link_is_worth_nothing_once_there_is_an_admin(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX], text[SECRET_TEXT_MAX] = "";
    struct session_row row;
    struct user_row nobody;
    enum sign_in out;

    assert_ok(f, people_make_link(f->store, SESSION_SETUP, STR(""), NOW_MS, link, &f->err));
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 1);
    put_user(f, (struct user_row){.id = STR("ann@example.com"), .admin = true});
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 0);
    assert_int_equal(use_link(f,
                              (struct use_link_request){.secret = str_from(link),
                                                        .email = STR("eve@example.com"),
                                                        .password = STR("a new password")},
                              &out, text),
                     ERR_NOTFOUND);
    assert_int_equal(
        store_get(f->store, ROW_USER, STR("eve@example.com"), &f->arena, &nobody, &f->err), 0);
}

static void an_admin_among_many_people_is_found(void **state)
{
    struct fixture *f = *state;
    char link[SECRET_TEXT_MAX] = "", email[32];

    for (int i = 0; i < 1001; i++) {
        (void)snprintf(email, sizeof(email), "p%04d@example.com", i);
        put_user(f, (struct user_row){.id = str_from(email), .admin = i == 1000});
        if (i == 999)
            assert_ok(f, people_make_link(f->store, SESSION_SETUP, STR(""), NOW_MS, link, &f->err));
    }
    assert_int_equal(people_make_link(f->store, SESSION_SETUP, STR(""), NOW_MS, link, &f->err),
                     ERR_CONFLICT);
}

/* -- at the same moment ------------------------------------------------------------------------ */

enum { RACERS = 4 };

struct racer {
    struct store *store;
    struct use_link_request use;
    struct sign_in_request enter;
    pthread_barrier_t *start;
    int rc;
    enum sign_in out;
    char text[SECRET_TEXT_MAX];
    struct err err;
    pthread_t thread;
};

static void *race_for_link(void *ctx)
{
    struct racer *racer = ctx;

    (void)pthread_barrier_wait(racer->start);
    racer->rc = people_use_link(racer->store, &racer->use, &racer->out, racer->text, &racer->err);
    return NULL;
}

static void *race_for_code(void *ctx)
{
    struct racer *racer = ctx;

    (void)pthread_barrier_wait(racer->start);
    racer->rc = people_sign_in(racer->store, &racer->enter, &racer->out, racer->text, &racer->err);
    return NULL;
}

static void race(struct fixture *f, struct racer racers[RACERS], void *(*run)(void *))
{
    pthread_barrier_t start;

    assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
    for (int i = 0; i < RACERS; i++) {
        racers[i].start = &start;
        racers[i].store = open_again(f, false);
        assert_int_equal(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        (void)pthread_join(racers[i].thread, NULL);
        store_close(&racers[i].store);
    }
    (void)pthread_barrier_destroy(&start);
}

static void of_those_who_use_a_link_at_the_same_moment_one_does(void **state)
{
    static const char *const passwords[RACERS] = {"password zero", "password one", "password two",
                                                  "password three"};
    struct fixture *f = *state;
    struct racer racers[RACERS] = {0};
    char link[SECRET_TEXT_MAX];
    int winners = 0;

    put_user(f, (struct user_row){.id = STR("ann@example.com")});
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, link,
                                  &f->err));
    for (int i = 0; i < RACERS; i++)
        racers[i].use = (struct use_link_request){
            .secret = str_from(link), .password = str_from(passwords[i]), .now_ms = NOW_MS};
    race(f, racers, race_for_link);
    for (int i = 0; i < RACERS; i++) {
        if (racers[i].rc != 0) {
            assert_int_equal(racers[i].rc, ERR_NOTFOUND);
            continue;
        }
        winners++;
        assert_int_equal(racers[i].out, SIGN_IN_DONE);
        assert_true(lives(f, racers[i].text, NOW_MS));
        assert_true(
            password_matches(get_user(f, "ann@example.com").password, str_from(passwords[i])));
    }
    assert_int_equal(winners, 1);
    assert_int_equal(count_sessions(f, "ann@example.com"), 1);
}

static void of_those_who_use_a_code_at_the_same_moment_one_does(void **state)
{
    struct fixture *f = *state;
    struct racer racers[RACERS] = {0};
    int winners = 0;

    put_named(f, "ann@example.com", TOTP);
    for (int i = 0; i < RACERS; i++)
        racers[i].enter = (struct sign_in_request){.email = STR("ann@example.com"),
                                                   .password = STR(PASSWORD),
                                                   .code = STR(CODE),
                                                   .now_ms = CODE_MS};
    race(f, racers, race_for_code);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(racers[i].rc, 0);
        winners += racers[i].out == SIGN_IN_DONE;
        if (racers[i].out != SIGN_IN_DONE)
            assert_int_equal(racers[i].out, SIGN_IN_WRONG);
    }
    assert_int_equal(winners, 1);
    assert_int_equal(count_sessions(f, "ann@example.com"), 1);
}

/* -- one's own account ------------------------------------------------------------------------- */

static void a_new_password_ends_all_other_sessions_and_links(void **state)
{
    struct fixture *f = *state;
    char own[SECRET_TEXT_MAX], other[SECRET_TEXT_MAX], bobs[SECRET_TEXT_MAX], link[SECRET_TEXT_MAX];
    struct session_row row;
    struct caller caller;

    put_named(f, "ann@example.com", "");
    put_named(f, "bob@example.com", "");
    put_session(f, "ann@example.com", NOW_MS, own);
    put_session(f, "ann@example.com", NOW_MS, other);
    put_session(f, "bob@example.com", NOW_MS, bobs);
    assert_ok(f, people_make_link(f->store, SESSION_RESET, STR("ann@example.com"), NOW_MS, link,
                                  &f->err));
    assert_int_equal(who(f, own, NOW_MS, &caller), 1);
    assert_int_equal(people_set_password(f->store, &caller, STR("wrong horse"),
                                         STR("a new password"), NOW_MS, &f->err),
                     ERR_DENIED);
    assert_int_equal(
        people_set_password(f->store, &caller, STR(PASSWORD), STR("too short"), NOW_MS, &f->err),
        ERR_INVALID);
    assert_str(get_user(f, "ann@example.com").password, hash_of_password);
    assert_true(lives(f, other, NOW_MS));
    assert_ok(f, people_set_password(f->store, &caller, STR(PASSWORD), STR("a new password"),
                                     NOW_MS, &f->err));
    assert_true(password_matches(get_user(f, "ann@example.com").password, STR("a new password")));
    assert_true(lives(f, own, NOW_MS));
    assert_false(lives(f, other, NOW_MS));
    assert_true(lives(f, bobs, NOW_MS));
    assert_int_equal(
        people_look_at_link(f->store, str_from(link), NOW_MS, &f->arena, &row, &f->err), 0);
}

static void a_second_factor_is_put_with_a_code_of_its_own(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];
    struct caller caller;

    put_named(f, "ann@example.com", "");
    put_session(f, "ann@example.com", CODE_MS, text);
    assert_int_equal(who(f, text, CODE_MS, &caller), 1);
    assert_int_equal(people_set_totp(f->store, &caller, STR("wrong horse"), STR(TOTP), STR(CODE),
                                     CODE_MS, &f->err),
                     ERR_DENIED);
    assert_int_equal(people_set_totp(f->store, &caller, STR(PASSWORD), STR(TOTP), STR("000000"),
                                     CODE_MS, &f->err),
                     ERR_INVALID);
    assert_int_equal(
        people_set_totp(f->store, &caller, STR(PASSWORD), STR("AAAA"), STR(CODE), CODE_MS, &f->err),
        ERR_INVALID);
    assert_str(get_user(f, "ann@example.com").totp, "");
    assert_ok(f, people_set_totp(f->store, &caller, STR(PASSWORD), STR(TOTP), STR(CODE), CODE_MS,
                                 &f->err));
    assert_str(get_user(f, "ann@example.com").totp, TOTP);
    /* The code that showed it is used up. */
    assert_int_equal(get_user(f, "ann@example.com").totp_step, 1234567890 / 30);
    assert_ok(
        f, people_set_totp(f->store, &caller, STR(PASSWORD), STR(""), STR(""), CODE_MS, &f->err));
    assert_str(get_user(f, "ann@example.com").totp, "");
    assert_int_equal(get_user(f, "ann@example.com").totp_step, 0);
}

static void who_is_no_person_has_no_password_to_change(void **state)
{
    struct fixture *f = *state;
    struct caller command = caller_command();

    assert_int_equal(
        people_set_password(f->store, &command, STR(""), STR("a new password"), NOW_MS, &f->err),
        ERR_DENIED);
}

#define ON_SQLITE(test) ON("sqlite", test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(the_right_password_begins_a_session),
        ON_SQLITE(every_wrong_sign_in_costs_one_hash),
        BOTH(a_second_factor_asks_for_a_code_once_the_password_is_right),
        BOTH(each_sign_in_has_a_new_secret_and_ends_the_session_before),
        ON_SQLITE(a_wrong_sign_in_ends_no_session),
        ON_SQLITE(a_link_sent_as_the_session_before_is_not_ended),
        BOTH(what_ended_is_swept_away_by_the_next_sign_in),
        BOTH(a_session_ends_after_a_week_without_a_request),
        ON_ALL(a_request_is_noted_once_an_hour),
        BOTH(a_session_ends_after_thirty_days_however_it_is_used),
        ON_ALL(signing_out_ends_one_session),
        BOTH(what_is_no_sessions_secret_is_nobodys),
        ON_ALL(a_person_who_is_gone_has_no_session),
        ON_ALL(an_invitation_sets_a_password_and_signs_in),
        BOTH(a_link_ends_with_its_time),
        ON_ALL(a_newer_link_of_its_kind_ends_the_one_before),
        ON_SQLITE(what_is_typed_wrong_does_not_use_the_link_up),
        ON_SQLITE(a_new_password_asks_for_the_second_factor),
        BOTH(nobody_gets_a_link_who_is_not_there),
        ON_ALL(the_set_up_link_makes_the_first_admin),
        BOTH(a_set_up_link_is_worth_nothing_once_there_is_an_admin),
        ON("memory", an_admin_among_many_people_is_found),
        ON_SQLITE(of_those_who_use_a_link_at_the_same_moment_one_does),
        ON_POSTGRES(of_those_who_use_a_link_at_the_same_moment_one_does),
        ON_SQLITE(of_those_who_use_a_code_at_the_same_moment_one_does),
        ON_POSTGRES(of_those_who_use_a_code_at_the_same_moment_one_does),
        ON_ALL(a_new_password_ends_all_other_sessions_and_links),
        ON_SQLITE(a_second_factor_is_put_with_a_code_of_its_own),
        ON_SQLITE(who_is_no_person_has_no_password_to_change),
    };

    return sodium_init() < 0 || !hash_once()
               ? 1
               : run_with_postgres("access_session", tests, sizeof(tests) / sizeof(tests[0]));
}
