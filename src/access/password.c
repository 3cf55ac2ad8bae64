/*
 * access/password.c -- passwords as argon2id, and secrets that need no such thing.
 *
 * libsodium's text names its own cost ("$argon2id$v=19$m=65536,t=2,p=1$..."), so rows survive a
 * change of the figures. Where there is nothing to compare with, a text of the same cost takes its
 * place: nobody learns from the time of an answer who has an account.
 *
 * A secret is 32 random bytes as 43 characters of base64url. It cannot be guessed, so its hash
 * needs neither salt nor cost, and is at once the id of its row: reading the store gives nobody a
 * session.
 */
#include "access/people.h"

#include "base/utf8.h"

#include <assert.h>
#include <sodium.h>

/* -- passwords --------------------------------------------------------------------------------- */

static size_t count_characters(struct str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.len; at += utf8_char(text, at))
        count++;
    return count;
}

int password_check(struct str password, struct str email, struct err *err)
{
    if (password.len > PASSWORD_MAX)
        return err_set(err, ERR_INVALID, "the password has more than %d bytes", PASSWORD_MAX);
    if (!utf8_valid(password))
        return err_set(err, ERR_INVALID, "the password is no UTF-8");
    if (count_characters(password) < PASSWORD_MIN)
        return err_set(err, ERR_INVALID, "the password has less than %d characters", PASSWORD_MIN);
    if (str_ieq(password, email))
        return err_set(err, ERR_INVALID, "the password is the e-mail address");
    return 0;
}

int password_hash(struct str password, struct arena *arena, struct str *out, struct err *err)
{
    char text[crypto_pwhash_STRBYTES];

    if (crypto_pwhash_str(text, password.ptr, password.len, PASSWORD_OPS, PASSWORD_BYTES) != 0)
        return err_set(err, ERR_SYSTEM, "no memory for the hash of a password");
    *out = arena_str(arena, str_from(text));
    return 0;
}

bool password_matches(struct str kept, struct str password)
{
    /* Salt and hash are zeros: nothing that can be found hashes to it. */
    static const char nobody[crypto_pwhash_STRBYTES] =
        "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char text[crypto_pwhash_STRBYTES] = "";
    bool can_match = kept.len > 0 && kept.len < sizeof(text);

    if (can_match)
        memcpy(text, kept.ptr, kept.len);
    can_match =
        can_match && crypto_pwhash_str_needs_rehash(text, PASSWORD_OPS, PASSWORD_BYTES) >= 0;
    bool matches =
        crypto_pwhash_str_verify(can_match ? text : nobody, password.ptr, password.len) == 0;

    return matches && can_match;
}

/* -- secrets ----------------------------------------------------------------------------------- */

enum { SECRET_BYTES = 32, SECRET_TEXT = 43 };

void secret_make(char text[SECRET_TEXT_MAX], char id[65])
{
    uint8_t secret[SECRET_BYTES];

    randombytes_buf(secret, sizeof(secret));
    (void)sodium_bin2base64(text, SECRET_TEXT_MAX, secret, sizeof(secret),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    if (!secret_id((struct str){text, SECRET_TEXT}, id))
        assert(false);
}

bool secret_id(struct str text, char id[65])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t hash[32];

    if (text.len != SECRET_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (memchr(letters, text.ptr[i], sizeof(letters) - 1) == NULL)
            return false;
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text.ptr, text.len, NULL, 0);
    (void)sodium_bin2hex(id, 65, hash, sizeof(hash));
    return true;
}
