/*
 * test_access_payload_session.c -- whom Payload's token stands for: a session that lives in
 * Payload's own table, and a person who is known here.
 */
#include "test_postgres_support.h"

#include "access/payload.h"

#include <sodium.h>

#define NOW_MS INT64_C(1735690200000) /* 2025-01-01T00:10:00Z */

/* The first 32 hex digits of the secret's SHA-256, by Python's hashlib. */
static const char real_key[] = "a22c9bb1a9cb5e93fd33cf465b384762";
static const struct payload_config users = {
    .secret = {"payload's own secret", 20},
    .collection = {"users", 5},
    .schema = {"public", 6},
};

static void add_base64(struct buf *buf, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

    (void)sodium_bin2base64(buf_reserve(buf, room), room, bytes, len,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf->len += room - 1;
}

/* A token as Payload makes it, with `exp` ten minutes from now. */
static struct str token_of(struct fixture *f, const char *id, const char *email, const char *sid)
{
    struct buf claims = {0}, buf = {0};
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    buf_addf(&claims,
             "{\"id\":%s,\"collection\":\"users\",\"email\":\"%s\",\"sid\":\"%s\","
             "\"iat\":1735690200,\"exp\":1735690800}",
             id, email, sid);
    buf_add(&buf, STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
    add_base64(&buf, claims.ptr, claims.len);
    (void)crypto_auth_hmacsha256(mac, (const uint8_t *)buf.ptr, buf.len, (const uint8_t *)real_key);
    buf_addc(&buf, '.');
    add_base64(&buf, mac, sizeof(mac));
    struct str token = arena_str(&f->arena, buf_str(&buf));

    buf_release(&claims);
    buf_release(&buf);
    return token;
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

static void put_user(struct fixture *f, const char *email, const char *payload_id)
{
    struct user_row row = {.id = str_from(email),
                           .memberships = STR("[{\"tenantId\":\"t5g\",\"role\":\"manager\"}]"),
                           .payload_id = str_from(payload_id),
                           .created_ms = 1};

    if (store_edit(f->store, ROW_USER, row.id, put_row, &row, &somebody, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

/* As @payloadcms/db-postgres makes it; a session until 2025-01-01T00:20Z and one that has ended. */
static void make_table(struct fixture *f)
{
    sql_on(f->text.ptr, "CREATE TABLE users_sessions (_order integer NOT NULL, _parent_id integer "
                        "NOT NULL, id varchar PRIMARY KEY, created_at timestamptz, expires_at "
                        "timestamptz NOT NULL)");
    sql_on(f->text.ptr, "INSERT INTO users_sessions VALUES "
                        "(1, 7, 'live', '2025-01-01T00:00Z', '2025-01-01T00:20Z'), "
                        "(2, 7, 'over', '2025-01-01T00:00Z', '2025-01-01T00:05Z'), "
                        "(1, 8, 'other', '2025-01-01T00:00Z', '2025-01-01T00:20Z')");
}

static int ask(struct fixture *f, struct str token, struct caller *out)
{
    *out = (struct caller){0};
    return payload_caller(f->store, &users, token, NOW_MS, &f->arena, out, &f->err);
}

static void a_live_session_is_the_person_with_that_id(void **state)
{
    struct fixture *f = *state;
    struct caller caller;

    make_table(f);
    put_user(f, "ann@example.com", "7");
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "live"), &caller), 1);
    assert_int_equal(caller.kind, CALLER_PERSON);
    assert_str(caller.user, "ann@example.com");
    assert_int_equal(caller.session.len, 0);
    assert_int_equal(caller.expires_ms, INT64_C(1735690800000));
    assert_int_equal(caller.platform, 0);
    assert_int_equal(caller_at_tenant(&caller, STR("t5g")), SCOPE_STATS_READ | SCOPE_ADMIN);
}

/* The address there says nothing: neither does another one hide the person, nor is one of ours in
 * it that person. */
static void a_person_is_known_by_payloads_id_alone(void **state)
{
    struct fixture *f = *state;
    struct caller caller;

    make_table(f);
    put_user(f, "ann@example.com", "7");
    put_user(f, "boss@example.com", "");
    put_user(f, "eve@example.com", "9");
    assert_int_equal(ask(f, token_of(f, "7", "renamed@example.com", "live"), &caller), 1);
    assert_str(caller.user, "ann@example.com");
    assert_int_equal(ask(f, token_of(f, "7", "eve@example.com", "live"), &caller), 1);
    assert_str(caller.user, "ann@example.com");
    assert_int_equal(ask(f, token_of(f, "7", "no address", "live"), &caller), 1);
    assert_str(caller.user, "ann@example.com");
    assert_int_equal(ask(f, token_of(f, "8", "boss@example.com", "other"), &caller), 0);
    assert_int_equal(ask(f, token_of(f, "8", "ann@example.com", "other"), &caller), 0);
    assert_int_equal(caller.kind, CALLER_NOBODY);
}

static void a_session_that_ended_there_is_nobodys_here(void **state)
{
    struct fixture *f = *state;
    struct caller caller;

    make_table(f);
    put_user(f, "ann@example.com", "7");
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "over"), &caller), 0);
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "none"), &caller), 0);
    /* Another person's session. */
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "other"), &caller), 0);
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "live"), &caller), 1);
    sql_on(f->text.ptr, "DELETE FROM users_sessions WHERE id = 'live'");
    assert_int_equal(ask(f, token_of(f, "7", "ann@example.com", "live"), &caller), 0);
}

static void a_token_that_does_not_hold_is_nobodys(void **state)
{
    struct fixture *f = *state;
    struct str token;
    struct caller caller;

    put_user(f, "ann@example.com", "7");
    token = token_of(f, "7", "ann@example.com", "live");
    assert_int_equal(ask(f, str_slice(token, 0, token.len - 1), &caller), 0);
    assert_int_equal(ask(f, STR(""), &caller), 0);
}

static void a_person_with_no_id_there_is_found_by_none(void **state)
{
    struct fixture *f = *state;
    struct caller caller;

    put_user(f, "ann@example.com", "");
    assert_int_equal(ask(f, token_of(f, "\"\"", "ann@example.com", "live"), &caller), 0);
}

static void one_of_many_people_is_found(void **state)
{
    struct fixture *f = *state;
    struct caller caller;
    char email[32], id[16];

    for (int i = 0; i < 1001; i++) {
        (void)snprintf(email, sizeof(email), "p%04d@example.com", i);
        (void)snprintf(id, sizeof(id), "%d", 5000 + i);
        put_user(f, email, id);
    }
    /* This store has no sessions of Payload: that is asked once the person is known. */
    assert_int_equal(ask(f, token_of(f, "6000", "x@example.com", "live"), &caller), ERR_INVALID);
    assert_int_equal(ask(f, token_of(f, "5000", "x@example.com", "live"), &caller), ERR_INVALID);
    assert_int_equal(ask(f, token_of(f, "6001", "x@example.com", "live"), &caller), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(a_live_session_is_the_person_with_that_id),
        ON_POSTGRES(a_person_is_known_by_payloads_id_alone),
        ON_POSTGRES(a_session_that_ended_there_is_nobodys_here),
        ON_ALL(a_token_that_does_not_hold_is_nobodys),
        BOTH(a_person_with_no_id_there_is_found_by_none),
        ON("memory", one_of_many_people_is_found),
    };

    return sodium_init() < 0 ? 1
                             : run_with_postgres("access_payload_session", tests,
                                                 sizeof(tests) / sizeof(tests[0]));
}
