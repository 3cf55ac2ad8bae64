/*
 * access/payload.c -- Payload's token, read by hand.
 *
 *     base64url(header) . base64url(claims) . base64url(HMAC-SHA256(key, what stands before))
 *
 * The MAC is looked at first, always as HMAC-SHA256 with the one key there is: the header cannot
 * choose an algorithm, it can only name this one. What is left to be read then was written by
 * somebody who has the secret, and is read strictly all the same.
 */
#include "access/payload.h"

#include "access/people_internal.h"
#include "base/json.h"

#include <sodium.h>

enum {
    MAC_BYTES = crypto_auth_hmacsha256_BYTES,
    KEY_BYTES = 32, /* hex digits, as they are */
    CLAIMS_DEPTH = 4,
    ID_MAX = 200, /* bytes, of a person and a session */
    GRACE_S = 60,
};
/* The end of the year 9999. */
static const int64_t seconds_max = INT64_C(253402300799);

static int refused(struct err *err)
{
    return err_set(err, ERR_INVALID, "the token does not hold");
}

/* -- the text ---------------------------------------------------------------------------------- */

struct parts {
    struct str header, claims, mac;
    struct str under_mac;
};

static bool cut(struct str token, struct parts *out)
{
    size_t first = str_find(token, 0, '.'), second = str_find(token, first + 1, '.');

    *out = (struct parts){
        .header = str_slice(token, 0, first),
        .claims = str_slice(token, first + 1, second),
        .mac = str_slice(token, second + 1, token.len),
        .under_mac = str_slice(token, 0, second),
    };
    return token.len <= PAYLOAD_TOKEN_MAX && second < token.len;
}

/* Strict: a dot, padding, other signs and bits over are refused. */
static bool read_base64(struct str text, struct arena *arena, struct str *out)
{
    uint8_t *bytes = arena_bytes(arena, text.len + 1);
    size_t len = 0;

    if (text.len == 0 || sodium_base642bin(bytes, text.len + 1, text.ptr, text.len, NULL, &len,
                                           NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    *out = (struct str){(const char *)bytes, len};
    return true;
}

/* The first 32 hex digits of the secret's SHA-256. */
static void key_of(struct str secret, uint8_t key[KEY_BYTES])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];

    (void)crypto_hash_sha256(hash, (const uint8_t *)secret.ptr, secret.len);
    (void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    memcpy(key, hex, KEY_BYTES);
    sodium_memzero(hash, sizeof(hash));
    sodium_memzero(hex, sizeof(hex));
}

static bool mac_is_right(struct str secret, const struct parts *parts, struct arena *arena)
{
    uint8_t key[KEY_BYTES], expected[MAC_BYTES];
    crypto_auth_hmacsha256_state state;
    struct str mac = {0};

    if (!read_base64(parts->mac, arena, &mac) || mac.len != MAC_BYTES)
        return false;
    key_of(secret, key);
    (void)crypto_auth_hmacsha256_init(&state, key, sizeof(key));
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)parts->under_mac.ptr,
                                        parts->under_mac.len);
    (void)crypto_auth_hmacsha256_final(&state, expected);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(&state, sizeof(state));
    return sodium_memcmp(mac.ptr, expected, MAC_BYTES) == 0;
}

static const struct json *read_object(struct str part, struct arena *arena)
{
    struct str bytes = {0};
    struct json *json = NULL;

    if (!read_base64(part, arena, &bytes) ||
        json_parse(bytes, CLAIMS_DEPTH, arena, &json, NULL) != 0 || json->type != JSON_OBJECT)
        return NULL;
    return json;
}

/* -- what it says ------------------------------------------------------------------------------ */

static struct str text_of(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, str_from(name));

    return value != NULL && value->type == JSON_STRING ? value->text : STR("");
}

/* `crit` names members that must be understood (RFC 7515, 4.1.11): none is. */
static bool header_holds(const struct json *header)
{
    return header != NULL && str_eq(text_of(header, "alg"), STR("HS256")) &&
           json_get(header, STR("crit")) == NULL;
}

static bool is_id(struct str text)
{
    return text.len > 0 && text.len <= ID_MAX && str_find(text, 0, '\0') == text.len;
}

/* Of a text its bytes, of a whole number its digits; else empty. */
static struct str id_of(const struct json *claims)
{
    const struct json *value = json_get(claims, STR("id"));
    int64_t number = 0;

    if (value != NULL && json_to_i64(value, &number))
        return number >= 0 && value->text.ptr[0] != '-' ? value->text : STR("");
    return text_of(claims, "id");
}

/* Seconds since 1970; `absent` where there is none, -1 where it is no such number. */
static int64_t instant_of(const struct json *claims, const char *name, int64_t absent)
{
    const struct json *value = json_get(claims, str_from(name));
    int64_t seconds = 0;

    if (value == NULL)
        return absent;
    return json_to_i64(value, &seconds) && seconds >= 0 && seconds <= seconds_max ? seconds : -1;
}

static bool times_hold(const struct json *claims, int64_t now_ms, int64_t *expires_ms)
{
    int64_t exp = instant_of(claims, "exp", -1), begun = now_ms / 1000 + GRACE_S;
    int64_t iat = instant_of(claims, "iat", 0), nbf = instant_of(claims, "nbf", 0);

    *expires_ms = exp * 1000;
    return exp >= 0 && *expires_ms > now_ms && iat >= 0 && iat <= begun && nbf >= 0 && nbf <= begun;
}

int payload_verify(const struct payload_config *config, struct str token, int64_t now_ms,
                   struct arena *arena, struct payload_claims *out, struct err *err)
{
    struct parts parts;

    *out = (struct payload_claims){0};
    if (config->secret.len == 0 || config->collection.len == 0 || !cut(token, &parts) ||
        !mac_is_right(config->secret, &parts, arena) ||
        !header_holds(read_object(parts.header, arena)))
        return refused(err);
    const struct json *claims = read_object(parts.claims, arena);
    int64_t expires_ms = 0;

    if (claims == NULL || !is_id(id_of(claims)) || !is_id(text_of(claims, "sid")) ||
        !str_eq(text_of(claims, "collection"), config->collection) ||
        !times_hold(claims, now_ms, &expires_ms))
        return refused(err);
    *out = (struct payload_claims){
        .id = id_of(claims),
        .sid = text_of(claims, "sid"),
        .email = text_of(claims, "email"),
        .expires_ms = expires_ms,
    };
    return 0;
}

/* -- the person -------------------------------------------------------------------------------- */

/* Most people have the same address here and there. It says where to look first, and no more: the
 * row that is found must name Payload's id. */
static int find_by_email(struct store *store, const struct payload_claims *claims,
                         struct arena *arena, struct user_row *out, struct err *err)
{
    struct str email = {0};

    if (email_normalise(claims->email, arena, &email, NULL) != 0)
        return 0;
    int rc = store_get(store, ROW_USER, email, arena, out, err);

    return rc == 1 && !str_eq(out->payload_id, claims->id) ? 0 : rc;
}

/* Whose address in Payload is another one. The id is never empty, or all would be asked for
 * (payload_verify()). */
static int find_by_id(struct store *store, const struct payload_claims *claims, struct arena *arena,
                      struct user_row *out, struct err *err)
{
    const struct row_filter filter = {.payload = claims->id};
    void *rows = NULL;
    size_t count = 0;
    int rc = store_page(store, ROW_USER, &filter, STR(""), 1, arena, &rows, &count, err);

    if (rc == 0 && count == 1)
        *out = *(const struct user_row *)rows;
    return rc < 0 ? rc : (int)count;
}

int payload_caller(struct store *store, const struct payload_config *config, struct str token,
                   int64_t now_ms, struct arena *arena, struct caller *out, struct err *err)
{
    struct payload_claims claims;
    struct user_row user;

    if (payload_verify(config, token, now_ms, arena, &claims, NULL) != 0)
        return 0;
    int rc = find_by_email(store, &claims, arena, &user, err);

    if (rc == 0)
        rc = find_by_id(store, &claims, arena, &user, err);
    if (rc == 1)
        rc = store_payload_session(store, config->schema, config->collection, claims.id, claims.sid,
                                   now_ms, err);
    if (rc != 1)
        return rc;
    caller_of_user(&user, arena, out);
    out->expires_ms = claims.expires_ms;
    return 1;
}
