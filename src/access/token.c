/*
 * access/token.c -- making tokens, and reading what a caller sent as one.
 *
 *     abacus_ + 43 characters of base64url (RFC 4648, section 5, without padding) of 32 random
 * bytes
 *
 * The store keeps BLAKE2b-256 of those characters' bytes, prefix included. A token's id, which
 * lists show and revoking takes, is random too and says nothing of the secret.
 */
#include "access/access.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

enum {
    SECRET_BYTES = 32,
    SECRET_TEXT = 43,
    ID_BYTES = 8,
};

static const struct {
    struct str name;
    enum scope scope;
} scopes[] = {
    {{"stats:read", 10}, SCOPE_STATS_READ},
    {{"events:write", 12}, SCOPE_EVENTS_WRITE},
    {{"admin", 5}, SCOPE_ADMIN},
    {{"metrics", 7}, SCOPE_METRICS},
};

enum { SCOPES = sizeof(scopes) / sizeof(scopes[0]) };

/* -- scopes ------------------------------------------------------------------------------------ */

static unsigned scope_find(struct str name)
{
    for (size_t i = 0; i < SCOPES; i++)
        if (str_eq(scopes[i].name, name))
            return scopes[i].scope;
    return 0;
}

int scopes_parse(struct str text, unsigned *out, struct err *err)
{
    struct str rest = {text.ptr == NULL ? "" : text.ptr, text.len}, piece;

    *out = 0;
    while (str_next(&rest, ',', &piece)) {
        unsigned scope = scope_find(str_trim(piece));

        if (scope == 0)
            return err_set(err, ERR_INVALID, "no such scope: \"%.*s\"", STR_FMT(str_trim(piece)));
        *out |= scope;
    }
    return 0;
}

void scopes_format(unsigned bits, char *out, size_t size)
{
    size_t len = 0;

    assert(size >= 64);
    out[0] = '\0';
    for (size_t i = 0; i < SCOPES; i++)
        if ((bits & scopes[i].scope) != 0)
            len += (size_t)snprintf(out + len, size - len, "%s%.*s", len == 0 ? "" : ",",
                                    STR_FMT(scopes[i].name));
}

/* -- making ------------------------------------------------------------------------------------ */

static int check_request(const struct token_request *request, struct err *err)
{
    if (request->platform && request->tenant.len + request->site.len > 0)
        return err_set(err, ERR_INVALID, "a token of the platform names no tenant and no site");
    if (!request->platform && request->tenant.len == 0)
        return err_set(err, ERR_INVALID, "a token needs a tenant, or is the platform's");
    if (!request->platform && (request->scopes & SCOPE_METRICS) != 0)
        return err_set(err, ERR_INVALID, "scope metrics is only for the platform's tokens");
    return 0;
}

static void make_text(char text[TOKEN_TEXT_MAX])
{
    uint8_t secret[SECRET_BYTES];

    randombytes_buf(secret, sizeof(secret));
    memcpy(text, "abacus_", 7);
    (void)sodium_bin2base64(text + 7, SECRET_TEXT + 1, secret, sizeof(secret),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
}

static struct str make_id(char out[2 * ID_BYTES + 1])
{
    uint8_t id[ID_BYTES];

    randombytes_buf(id, sizeof(id));
    (void)sodium_bin2hex(out, 2 * ID_BYTES + 1, id, sizeof(id));
    return (struct str){out, 2 * ID_BYTES};
}

struct str token_id_make(struct arena *arena)
{
    char id[2 * ID_BYTES + 1];

    return arena_str(arena, make_id(id));
}

void token_secret_make(char text[TOKEN_TEXT_MAX], uint8_t hash[TOKEN_HASH_BYTES])
{
    make_text(text);
    if (!token_hash((struct str){text, strlen(text)}, hash))
        assert(false);
}

int token_create(struct store *store, const struct token_request *request,
                 const struct actor *actor, char text[TOKEN_TEXT_MAX], struct err *err)
{
    char id[2 * ID_BYTES + 1];
    struct token_row row = {
        .id = make_id(id),
        .tenant = request->tenant,
        .site = request->site,
        .platform = request->platform,
        .scopes = request->scopes,
        .created_ms = actor->now_ms,
        .expires_ms = request->expires_ms,
    };
    int rc = check_request(request, err);

    if (rc != 0)
        return rc;
    token_secret_make(text, row.hash);
    rc = store_put_token(store, &row, actor, err);
    if (rc != 0)
        sodium_memzero(text, TOKEN_TEXT_MAX);
    return rc;
}

/* -- reading ----------------------------------------------------------------------------------- */

static bool is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool token_hash(struct str text, uint8_t out[TOKEN_HASH_BYTES])
{
    struct str secret = str_slice(text, 7, text.len);

    if (!str_starts(text, STR("abacus_")) || secret.len != SECRET_TEXT)
        return false;
    for (size_t i = 0; i < secret.len; i++)
        if (!is_base64url(secret.ptr[i]))
            return false;
    return crypto_generichash(out, TOKEN_HASH_BYTES, (const uint8_t *)text.ptr, text.len, NULL,
                              0) == 0;
}

bool bearer_token(struct str authorization, struct str *out)
{
    struct str header = str_trim(authorization);

    if (!str_ieq(str_slice(header, 0, 7), STR("Bearer ")))
        return false;
    *out = str_trim(str_slice(header, 7, header.len));
    return out->len > 0;
}
