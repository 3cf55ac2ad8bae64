/*
 * access/signed.h -- texts that the installation has signed: nothing of them is stored.
 *
 *     link.ID.MAC          opens a shared link (MAC over its id, site and when it was made)
 *     open.PAYLOAD.MAC     the same after its password was given, for OPEN_MS
 *     embed.PAYLOAD.MAC    a tenant's sites in a frame, until its end
 *
 * PAYLOAD is base64url of a JSON object, MAC base64url of 24 bytes of BLAKE2b keyed with the
 * installation's signing key over everything before it. Compared in constant time before anything
 * of a payload is looked at. A link's end and site are in its row; what was opened ends with a
 * change of the link's password.
 *
 * An embed names the token that made it, and whoever reads one must see that this token still
 * lives (snapshot_token_by_id()): that cannot be seen here. Nor does a link say that its password
 * was given: only an opened one does.
 */
#ifndef ABACUS_ACCESS_SIGNED_H
#define ABACUS_ACCESS_SIGNED_H

#include "access/caller.h"

/* A text is never longer than the last: an embed of 100 sites with the longest ids has 9,215 bytes.
 */
enum { SIGNING_KEY_BYTES = 32, EMBED_SITES_MAX = 100, SIGNED_TEXT_MAX = 10 * 1024 };
#define EMBED_MS_MAX (INT64_C(3600) * 1000)
#define OPEN_MS (INT64_C(12) * 3600 * 1000)

struct str signed_link(const uint8_t key[SIGNING_KEY_BYTES], const struct link_row *link,
                       struct arena *arena);
struct str signed_open(const uint8_t key[SIGNING_KEY_BYTES], const struct link_row *link,
                       int64_t expires_ms, struct arena *arena);

struct embed {
    struct str tenant, token; /* token: the id of the one that made it */
    struct str *sites;        /* none: all of the tenant's */
    size_t sites_count;
    int64_t expires_ms;
};
struct str signed_embed(const uint8_t key[SIGNING_KEY_BYTES], const struct embed *embed,
                        struct arena *arena);

enum signed_kind { SIGNED_NOT, SIGNED_LINK, SIGNED_OPEN, SIGNED_EMBED };
/* What it is if its MAC is right and it has not ended: of SIGNED_EMBED into *embed, of the others
 * the link's id into *link. `find` gives a link's row by its id (NULL: none). */
typedef const struct link_row *find_link_fn(void *ctx, struct str id);
enum signed_kind signed_read(const uint8_t key[SIGNING_KEY_BYTES], struct str text, int64_t now_ms,
                             find_link_fn *find, void *ctx, struct arena *arena, struct str *link,
                             struct embed *embed);
/* Looks like one of them, signed or not. */
bool signed_is_shaped(struct str text);

#endif
