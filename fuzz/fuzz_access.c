/*
 * Any bytes as Payload's token and as a text that the installation signed: refused, for nobody here
 * has the keys. Then the same bytes as the header, the claims or the payload of a text whose MAC is
 * right: refused as well, or what is taken is within its bounds.
 */
#include "access/payload.h"
#include "access/signed.h"
#include "base/buf.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1735690200000)

static const uint8_t key[SIGNING_KEY_BYTES] = {1, 2, 3};
/* Of the secret "payload's own secret". */
static const char payload_key[] = "a22c9bb1a9cb5e93fd33cf465b384762";
static const struct payload_config config = {
    .secret = {"payload's own secret", 20},
    .collection = {"users", 5},
    .schema = {"public", 6},
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void add_base64(struct buf *buf, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

    (void)sodium_bin2base64(buf_reserve(buf, room), room, bytes, len,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf->len += room - 1;
}

/* -- Payload's token --------------------------------------------------------------------------- */

static void add_payload_mac(struct buf *buf)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    (void)crypto_auth_hmacsha256(mac, (const uint8_t *)buf->ptr, buf->len,
                                 (const uint8_t *)payload_key);
    buf_addc(buf, '.');
    add_base64(buf, mac, sizeof(mac));
}

static void try_token(struct str token, bool forged, struct arena *arena)
{
    struct payload_claims claims;
    struct err err = {""};
    int rc = payload_verify(&config, token, NOW_MS, arena, &claims, &err);

    expect(rc == 0 || rc == ERR_INVALID);
    expect(rc != 0 || !forged);
    if (rc != 0)
        return;
    expect(token.len <= PAYLOAD_TOKEN_MAX);
    expect(claims.id.len >= 1 && claims.id.len <= 200);
    expect(claims.sid.len >= 1 && claims.sid.len <= 200);
    expect(claims.expires_ms > NOW_MS);
}

/* The bytes as claims under a good header, as a header over good claims, and as both at once. */
static void sign_token(struct str input, struct arena *arena)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    static const char claims[] =
        "{\"id\":7,\"collection\":\"users\",\"sid\":\"s\",\"exp\":1735696800}";
    const struct str parts[][2] = {
        {str_from(header), input}, {input, str_from(claims)}, {input, input}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct buf token = {0};

        add_base64(&token, parts[i][0].ptr, parts[i][0].len);
        buf_addc(&token, '.');
        add_base64(&token, parts[i][1].ptr, parts[i][1].len);
        add_payload_mac(&token);
        try_token(buf_str(&token), false, arena);
        buf_release(&token);
    }
}

/* The bytes as what stands under the MAC, whatever their base64 is. */
static void sign_raw(struct str input, struct arena *arena)
{
    struct buf token = {0};

    buf_add(&token, input);
    add_payload_mac(&token);
    try_token(buf_str(&token), false, arena);
    buf_release(&token);
}

/* -- texts that the installation signed -------------------------------------------------------- */

static const struct link_row row = {
    .id = {"lnk1", 4}, .tenant = {"t", 1}, .site = {"abc", 3}, .created_ms = 1000};

static const struct link_row *find(void *ctx, struct str id)
{
    (void)ctx;
    return str_eq(id, row.id) ? &row : NULL;
}

static void try_signed(struct str text, bool forged, struct arena *arena)
{
    struct embed embed;
    struct str link;
    enum signed_kind kind = signed_read(key, text, NOW_MS, find, NULL, arena, &link, &embed);

    expect(kind == SIGNED_NOT || signed_is_shaped(text));
    expect(kind == SIGNED_NOT || !forged);
    expect((kind == SIGNED_LINK || kind == SIGNED_OPEN) == (link.len > 0));
    if (kind != SIGNED_EMBED)
        return;
    expect(embed.tenant.len > 0 && embed.token.len > 0 && embed.expires_ms > NOW_MS);
    expect(embed.sites_count <= EMBED_SITES_MAX);
    for (size_t i = 0; i < embed.sites_count; i++)
        expect(embed.sites[i].len > 0);
}

static void sign_payload(const char *word, struct str input, struct arena *arena)
{
    struct buf text = {0};
    uint8_t mac[24];

    buf_addf(&text, "%s.", word);
    add_base64(&text, input.ptr, input.len);
    (void)crypto_generichash(mac, sizeof(mac), (const uint8_t *)text.ptr, text.len, key,
                             sizeof(key));
    buf_addc(&text, '.');
    add_base64(&text, mac, sizeof(mac));
    try_signed(buf_str(&text), false, arena);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str input = {size == 0 ? "" : (const char *)data, size};

    if (sodium_init() < 0)
        abort();
    try_token(input, true, &arena);
    try_signed(input, true, &arena);
    arena_reset(&arena);
    sign_token(input, &arena);
    sign_raw(input, &arena);
    sign_payload("embed", input, &arena);
    sign_payload("open", input, &arena);
    arena_free(&arena);
    return 0;
}
