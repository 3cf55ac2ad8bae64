/*
 * access/access.h -- tokens: made once, shown once, kept as a hash.
 *
 * A token is "abacus_" and 43 characters of base64url (32 random bytes). The store keeps its
 * BLAKE2b-256; as the secret has 256 bits, no salt is needed.
 */
#ifndef ABACUS_ACCESS_ACCESS_H
#define ABACUS_ACCESS_ACCESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/managed.h"

enum { TOKEN_TEXT_MAX = 64 };

/* "stats:read,events:write" -> bits; ERR_INVALID names the unknown one. Empty text is refused. */
int scopes_parse(struct str text, unsigned *out, struct err *err);
/* The names joined by commas, into `out` (at least 64 bytes). */
void scopes_format(unsigned scopes, char *out, size_t size);

struct token_request {
    bool platform;
    struct str tenant,
        site; /* a token is the platform's, or a tenant's, and may be bound to one site */
    unsigned scopes;
    int64_t expires_ms;
};

/* Make and store a token; its text goes to `text`, with NUL. ERR_INVALID: contradictory; scope
 * metrics is only for the platform's. ERR_NOTFOUND: no such tenant or site of it. */
int token_create(struct store *store, const struct token_request *request,
                 const struct actor *actor, char text[TOKEN_TEXT_MAX], struct err *err);

/* A random id, in the arena; a new secret (with NUL) and its hash. */
struct str token_id_make(struct arena *arena);
void token_secret_make(char text[TOKEN_TEXT_MAX], uint8_t hash[TOKEN_HASH_BYTES]);

/* The hash of what was sent; false if it cannot be a token. */
bool token_hash(struct str text, uint8_t out[TOKEN_HASH_BYTES]);

/* The token of "Bearer TOKEN" (scheme in any case); false if the header is something else. */
bool bearer_token(struct str authorization, struct str *out);

#endif
