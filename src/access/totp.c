/*
 * access/totp.c -- codes that an app shows for half a minute (RFC 6238, by liboath).
 *
 * A step is the number of half minutes since 1970. Who signs in leaves the step of the code that
 * was used in its row, and no code of that step or an earlier one is taken again: a code that
 * somebody looked at over a shoulder is worth nothing once it was typed.
 */
#include "access/people.h"

#include "base/buf.h"
#include "base/must.h"

#include <assert.h>
#include <liboath/oath.h>
#include <sodium.h>
#include <stdlib.h>

enum {
    STEP_MS = 30 * 1000,
    CODE_DIGITS = 6,
    SECRET_BYTES = 20,     /* what RFC 4226 recommends */
    SECRET_BYTES_MIN = 16, /* and asks for */
    SECRET_TEXT = 128,
};

/* -- a new one --------------------------------------------------------------------------------- */

struct str totp_make(struct arena *arena)
{
    uint8_t secret[SECRET_BYTES];
    char *text = NULL;
    size_t len = 0;

    randombytes_buf(secret, sizeof(secret));
    if (oath_base32_encode((const char *)secret, sizeof(secret), &text, &len) != OATH_OK)
        (void)must(NULL);
    struct str out = arena_str(arena, (struct str){text, len});

    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, len);
    free(text);
    return out;
}

static void add_encoded(struct buf *buf, struct str text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < text.len; i++)
        if (memchr(plain, text.ptr[i], sizeof(plain) - 1) != NULL)
            buf_addc(buf, text.ptr[i]);
        else
            buf_addf(buf, "%%%02X", (unsigned char)text.ptr[i]);
}

/* The "Key Uri Format" that the apps share: some take the issuer from one place, some from the
 * other. */
struct str totp_uri(struct str secret, struct str email, struct str issuer, struct arena *arena)
{
    struct buf buf = {0};

    buf_add(&buf, STR("otpauth://totp/"));
    add_encoded(&buf, issuer);
    buf_addc(&buf, ':');
    add_encoded(&buf, email);
    buf_add(&buf, STR("?secret="));
    add_encoded(&buf, secret);
    buf_add(&buf, STR("&issuer="));
    add_encoded(&buf, issuer);
    buf_add(&buf, STR("&algorithm=SHA1&digits=6&period=30"));
    struct str out = arena_str(arena, buf_str(&buf));

    sodium_memzero(buf.ptr, buf.len);
    buf_release(&buf);
    return out;
}

/* -- codes ------------------------------------------------------------------------------------- */

/* liboath is lenient (blanks, any case); what is kept has one form. *out is to be freed. */
static bool decode(struct str secret, char **out, size_t *len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    *out = NULL;
    if (secret.len == 0 || secret.len > SECRET_TEXT)
        return false;
    for (size_t i = 0; i < secret.len; i++)
        if (memchr(letters, secret.ptr[i], sizeof(letters) - 1) == NULL)
            return false;
    if (oath_base32_decode(secret.ptr, secret.len, out, len) != OATH_OK) {
        *out = NULL;
        return false;
    }
    return *len >= SECRET_BYTES_MIN;
}

static bool is_code(struct str code)
{
    for (size_t i = 0; i < code.len; i++)
        if (code.ptr[i] < '0' || code.ptr[i] > '9')
            return false;
    return code.len == CODE_DIGITS;
}

/* The latest of the three that it fits: of two steps with the same code both are used up. */
static int64_t match(const char *secret, size_t len, struct str code, int64_t step)
{
    int64_t found = -1;

    for (int64_t at = step - 1; at <= step + 1; at++) {
        char expected[CODE_DIGITS + 1];

        if (oath_hotp_generate(secret, len, (uint64_t)at, CODE_DIGITS, false,
                               OATH_HOTP_DYNAMIC_TRUNCATION, expected) == OATH_OK &&
            sodium_memcmp(expected, code.ptr, CODE_DIGITS) == 0)
            found = at;
    }
    return found;
}

int64_t totp_step(struct str secret, struct str code, int64_t last_step, int64_t now_ms)
{
    char *bytes = NULL;
    size_t len = 0;
    int64_t step = -1;

    if (is_code(code) && now_ms >= STEP_MS && decode(secret, &bytes, &len))
        step = match(bytes, len, code, now_ms / STEP_MS);
    if (bytes != NULL)
        sodium_memzero(bytes, len);
    free(bytes);
    return step > last_step ? step : -1;
}
