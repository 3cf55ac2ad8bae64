/*
 * access/payload.h -- the token with which Payload knows its users (`payload-token`), as a JSON Web
 * Token (RFC 7519, RFC 7515).
 *
 * Taken are HS256 alone, with the key that Payload makes of its secret (the first 32 characters of
 * the SHA-256 of it in hex), and only from the collection that is configured. What it says of a
 * role counts for nothing: the person is the user whose payload_id is the token's `id`, and has the
 * memberships that stand here.
 */
#ifndef ABACUS_ACCESS_PAYLOAD_H
#define ABACUS_ACCESS_PAYLOAD_H

#include "access/caller.h"

struct payload_config {
    struct str secret;     /* empty: Payload's tokens are not taken */
    struct str collection; /* "users" */
    struct str schema;     /* of its tables: "public" */
};

struct payload_claims {
    struct str id, sid; /* id as text, also where it is a number */
    struct str email;   /* as it is there; may be empty, and proves nothing */
    int64_t expires_ms;
};

enum { PAYLOAD_TOKEN_MAX = 4096 };

/* Pure. 0, or ERR_INVALID: not a token of this secret and collection that holds at `now_ms` (the
 * text never repeats any of it). exp, id, sid and collection must be there; iat and nbf are looked
 * at where they are, with a minute's grace for other clocks. */
int payload_verify(const struct payload_config *config, struct str token, int64_t now_ms,
                   struct arena *arena, struct payload_claims *out, struct err *err);

/* Verify, find the person, and see in the store that the session lives: 1, or 0: nobody.
 * ERR_INVALID: the store has no sessions of Payload. */
int payload_caller(struct store *store, const struct payload_config *config, struct str token,
                   int64_t now_ms, struct arena *arena, struct caller *out, struct err *err);

#endif
