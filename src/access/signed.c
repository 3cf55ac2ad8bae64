/*
 * access/signed.c -- making and reading texts that the installation has signed.
 *
 *     link.ID.MAC         MAC over "link.ID.SITE.CREATED"
 *     open.PAYLOAD.MAC    {"link":ID,"site":SITE,"made":CREATED,"password":TAG,"exp":MS}
 *     embed.PAYLOAD.MAC   {"tenant":ID,"token":ID,"sites":[ID,...],"exp":MS}
 *
 * Ids hold no dot, so no two links have the same text under their MAC, and the word in front keeps
 * the three kinds apart. A link's row gives its site and when it was made: a row that was made anew
 * under an old id opens nothing. TAG is a keyed hash of what is kept of the link's password, so
 * what was opened with one password ends when there is another.
 */
#include "access/signed.h"

#include "base/json.h"

#include <sodium.h>

enum {
    MAC_BYTES = 24,
    MAC_TEXT = 32, /* no padding, and no bit over */
    TAG_BYTES = 16,
    TAG_TEXT = 22,
    PAYLOAD_DEPTH = 2,
};

static const struct {
    enum signed_kind kind;
    struct str word;
} kinds[] = {
    {SIGNED_LINK, STR_INIT("link")},
    {SIGNED_OPEN, STR_INIT("open")},
    {SIGNED_EMBED, STR_INIT("embed")},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* -- hashes ------------------------------------------------------------------------------------ */

static void hash_text(const uint8_t key[SIGNING_KEY_BYTES], struct str text, uint8_t *out,
                      size_t size)
{
    (void)crypto_generichash(out, size, (const uint8_t *)text.ptr, text.len, key,
                             SIGNING_KEY_BYTES);
}

static void add_base64(struct buf *buf, const void *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *at = buf_reserve(buf, room);

    (void)sodium_bin2base64(at, room, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf->len += room - 1;
}

/* Strict: no padding, no other signs, no bits over. */
static bool read_base64(struct str text, struct arena *arena, struct str *out)
{
    uint8_t *bytes = arena_bytes(arena, text.len + 1);
    size_t len = 0;

    if (sodium_base642bin(bytes, text.len + 1, text.ptr, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    *out = (struct str){(const char *)bytes, len};
    return true;
}

static void add_mac(const uint8_t key[SIGNING_KEY_BYTES], struct str signed_text, struct buf *buf)
{
    uint8_t mac[MAC_BYTES];

    hash_text(key, signed_text, mac, sizeof(mac));
    buf_addc(buf, '.');
    add_base64(buf, mac, sizeof(mac));
}

static bool mac_is_right(const uint8_t key[SIGNING_KEY_BYTES], struct str signed_text,
                         struct str mac_text, struct arena *arena)
{
    uint8_t expected[MAC_BYTES];
    struct str mac = {0};

    if (!read_base64(mac_text, arena, &mac) || mac.len != MAC_BYTES)
        return false;
    hash_text(key, signed_text, expected, sizeof(expected));
    return sodium_memcmp(mac.ptr, expected, MAC_BYTES) == 0;
}

/* -- making ------------------------------------------------------------------------------------ */

static void add_link_text(const struct link_row *link, struct buf *buf)
{
    buf_addf(buf, "link.%.*s.%.*s.%lld", STR_FMT(link->id), STR_FMT(link->site),
             (long long)link->created_ms);
}

static struct str taken(struct buf *buf, struct arena *arena)
{
    struct str text = arena_str(arena, buf_str(buf));

    buf_release(buf);
    return text;
}

struct str signed_link(const uint8_t key[SIGNING_KEY_BYTES], const struct link_row *link,
                       struct arena *arena)
{
    struct buf under_mac = {0}, text = {0};

    add_link_text(link, &under_mac);
    buf_addf(&text, "link.%.*s", STR_FMT(link->id));
    add_mac(key, buf_str(&under_mac), &text);
    buf_release(&under_mac);
    return taken(&text, arena);
}

/* "password." is no kind of text that is signed. */
static struct str password_tag(const uint8_t key[SIGNING_KEY_BYTES], const struct link_row *link,
                               struct arena *arena)
{
    struct buf under_hash = {0}, text = {0};
    uint8_t tag[TAG_BYTES];

    buf_add(&under_hash, STR("password."));
    buf_add(&under_hash, link->password);
    hash_text(key, buf_str(&under_hash), tag, sizeof(tag));
    add_base64(&text, tag, sizeof(tag));
    buf_release(&under_hash);
    return taken(&text, arena);
}

static struct str with_payload(const uint8_t key[SIGNING_KEY_BYTES], const char *word,
                               struct buf *payload, struct arena *arena)
{
    struct buf text = {0};

    buf_addf(&text, "%s.", word);
    add_base64(&text, payload->ptr, payload->len);
    add_mac(key, arena_str(arena, buf_str(&text)), &text);
    buf_release(payload);
    return taken(&text, arena);
}

static void member_str(struct json_out *json, struct str name, struct str value)
{
    json_name(json, name);
    json_str(json, value);
}

static void member_i64(struct json_out *json, struct str name, int64_t value)
{
    json_name(json, name);
    json_i64(json, value);
}

struct str signed_open(const uint8_t key[SIGNING_KEY_BYTES], const struct link_row *link,
                       int64_t expires_ms, struct arena *arena)
{
    struct buf payload = {0};
    struct json_out json = {.buf = &payload};

    json_open(&json, '{');
    member_str(&json, STR("link"), link->id);
    member_str(&json, STR("site"), link->site);
    member_i64(&json, STR("made"), link->created_ms);
    member_str(&json, STR("password"), password_tag(key, link, arena));
    member_i64(&json, STR("exp"), expires_ms);
    json_close(&json, '}');
    return with_payload(key, "open", &payload, arena);
}

struct str signed_embed(const uint8_t key[SIGNING_KEY_BYTES], const struct embed *embed,
                        struct arena *arena)
{
    struct buf payload = {0};
    struct json_out json = {.buf = &payload};

    json_open(&json, '{');
    member_str(&json, STR("tenant"), embed->tenant);
    member_str(&json, STR("token"), embed->token);
    json_name(&json, STR("sites"));
    json_open(&json, '[');
    for (size_t i = 0; i < embed->sites_count; i++)
        json_str(&json, embed->sites[i]);
    json_close(&json, ']');
    member_i64(&json, STR("exp"), embed->expires_ms);
    json_close(&json, '}');
    return with_payload(key, "embed", &payload, arena);
}

/* -- reading ----------------------------------------------------------------------------------- */

struct parts {
    enum signed_kind kind;
    struct str before; /* everything before the last dot */
    struct str middle, mac;
};

static bool is_base64url(struct str text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < text.len; i++)
        if (memchr(letters, text.ptr[i], sizeof(letters) - 1) == NULL)
            return false;
    return text.len > 0;
}

static struct parts parts_of(struct str text)
{
    size_t first = str_find(text, 0, '.'), second = str_find(text, first + 1, '.');
    struct parts parts = {
        .before = str_slice(text, 0, second),
        .middle = str_slice(text, first + 1, second),
        .mac = str_slice(text, second + 1, text.len),
    };

    if (text.len > SIGNED_TEXT_MAX || parts.mac.len != MAC_TEXT || !is_base64url(parts.middle) ||
        !is_base64url(parts.mac))
        return parts;
    for (size_t i = 0; i < KINDS; i++)
        if (str_eq(kinds[i].word, str_slice(text, 0, first)))
            parts.kind = kinds[i].kind;
    return parts;
}

bool signed_is_shaped(struct str text)
{
    return parts_of(text).kind != SIGNED_NOT;
}

static bool link_ended(const struct link_row *row, int64_t now_ms)
{
    return row->expires_ms != 0 && row->expires_ms <= now_ms;
}

static bool read_link(const uint8_t key[SIGNING_KEY_BYTES], const struct parts *parts,
                      const struct link_row *row, struct arena *arena)
{
    struct buf under_mac = {0};

    if (row == NULL || !str_eq(row->id, parts->middle))
        return false;
    add_link_text(row, &under_mac);
    bool right = mac_is_right(key, buf_str(&under_mac), parts->mac, arena);

    buf_release(&under_mac);
    return right;
}

/* The payload of a text whose MAC is right and whose end has not come; else NULL. */
static const struct json *read_payload(const uint8_t key[SIGNING_KEY_BYTES],
                                       const struct parts *parts, int64_t now_ms,
                                       struct arena *arena, int64_t *expires_ms)
{
    struct str bytes = {0};
    struct json *json = NULL;

    if (!mac_is_right(key, parts->before, parts->mac, arena) ||
        !read_base64(parts->middle, arena, &bytes) ||
        json_parse(bytes, PAYLOAD_DEPTH, arena, &json, NULL) != 0 || json->type != JSON_OBJECT)
        return NULL;
    const struct json *exp = json_get(json, STR("exp"));

    if (exp == NULL || !json_to_i64(exp, expires_ms) || *expires_ms <= now_ms)
        return NULL;
    return json;
}

static struct str text_of(const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);

    return value != NULL && value->type == JSON_STRING ? value->text : STR("");
}

static bool opens(const uint8_t key[SIGNING_KEY_BYTES], const struct json *payload,
                  const struct link_row *row, struct arena *arena)
{
    const struct json *made = json_get(payload, STR("made"));
    int64_t made_ms = 0;

    return row != NULL && str_eq(row->id, text_of(payload, STR("link"))) &&
           str_eq(row->site, text_of(payload, STR("site"))) && made != NULL &&
           json_to_i64(made, &made_ms) && made_ms == row->created_ms &&
           str_eq(text_of(payload, STR("password")), password_tag(key, row, arena));
}

static bool read_embed(const struct json *payload, struct arena *arena, struct embed *out)
{
    const struct json *sites = json_get(payload, STR("sites"));

    out->tenant = text_of(payload, STR("tenant"));
    out->token = text_of(payload, STR("token"));
    if (out->tenant.len == 0 || out->token.len == 0 || sites == NULL || sites->type != JSON_ARRAY ||
        sites->count > EMBED_SITES_MAX)
        return false;
    out->sites = ARENA_NEW(arena, struct str, sites->count);
    for (size_t i = 0; i < sites->count; i++) {
        if (sites->items[i].type != JSON_STRING || sites->items[i].text.len == 0)
            return false;
        out->sites[out->sites_count++] = sites->items[i].text;
    }
    return true;
}

enum signed_kind signed_read(const uint8_t key[SIGNING_KEY_BYTES], struct str text, int64_t now_ms,
                             find_link_fn *find, void *ctx, struct arena *arena, struct str *link,
                             struct embed *embed)
{
    struct parts parts = parts_of(text);
    const struct link_row *row = NULL;
    const struct json *payload = NULL;
    int64_t expires_ms = 0;
    bool good = false;

    *link = STR("");
    *embed = (struct embed){0};
    if (parts.kind == SIGNED_NOT)
        return SIGNED_NOT;
    if (parts.kind == SIGNED_LINK) {
        row = find(ctx, parts.middle);
        good = read_link(key, &parts, row, arena);
    } else {
        payload = read_payload(key, &parts, now_ms, arena, &expires_ms);
    }
    if (payload != NULL && parts.kind == SIGNED_OPEN) {
        row = find(ctx, text_of(payload, STR("link")));
        good = opens(key, payload, row, arena);
    }
    if (payload != NULL && parts.kind == SIGNED_EMBED)
        good = read_embed(payload, arena, embed);
    embed->expires_ms = parts.kind == SIGNED_EMBED ? expires_ms : 0;
    if (!good || (row != NULL && link_ended(row, now_ms))) {
        *embed = (struct embed){0};
        return SIGNED_NOT;
    }
    if (row != NULL)
        *link = arena_str(arena, row->id);
    return parts.kind;
}
