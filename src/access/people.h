/*
 * access/people.h -- passwords, second factors, sessions, and links that are used once.
 *
 * Passwords are kept as argon2id (libsodium's text, PASSWORD_OPS and PASSWORD_BYTES). One secret of
 * 32 random bytes, shown once, stands for a session or a link; the store has its hash. Codes are
 * RFC 6238 (liboath): SHA-1, 6 digits, 30 s, one step before and after; a code is good once.
 *
 * What is asked of a person who does not exist costs what it costs for one who does.
 */
#ifndef ABACUS_ACCESS_PEOPLE_H
#define ABACUS_ACCESS_PEOPLE_H

#include "access/caller.h"

enum {
    PASSWORD_MIN = 10,   /* characters (code points) ... */
    PASSWORD_MAX = 1024, /* ... and bytes */
    SECRET_TEXT_MAX = 64,
};
/* A tenth of a second on purpose: 64 MiB, 2 passes. */
#define PASSWORD_BYTES ((size_t)64 * 1024 * 1024)
#define PASSWORD_OPS 2ULL

#define SESSION_MS (INT64_C(30) * 24 * 3600 * 1000)     /* at most */
#define SESSION_IDLE_MS (INT64_C(7) * 24 * 3600 * 1000) /* without a request */
#define SESSION_SEEN_MS (INT64_C(3600) * 1000)          /* how often a request is noted */
#define INVITATION_MS (INT64_C(7) * 24 * 3600 * 1000)
#define RESET_MS (INT64_C(3600) * 1000)
#define SETUP_MS (INT64_C(3600) * 1000)

/* ERR_INVALID: too short, too long, no UTF-8, or the person's own address. */
int password_check(struct str password, struct str email, struct err *err);
/* The text to keep; lives in the arena. ERR_SYSTEM: out of memory. */
int password_hash(struct str password, struct arena *arena, struct str *out, struct err *err);
/* False also for an empty `kept`, in the same time. */
bool password_matches(struct str kept, struct str password);

/* A new secret and its id. */
void secret_make(char text[SECRET_TEXT_MAX], char id[65]);
/* The id of one that was sent; false if it cannot be one. */
bool secret_id(struct str text, char id[65]);

/* -- second factors ---------------------------------------------------------------------------- */

/* A new secret in base32, in the arena. */
struct str totp_make(struct arena *arena);
/* otpauth://totp/... for an app to read. */
struct str totp_uri(struct str secret, struct str email, struct str issuer, struct arena *arena);
/* The step of a code that is good now and later than `last_step`; else -1. */
int64_t totp_step(struct str secret, struct str code, int64_t last_step, int64_t now_ms);

/* -- who tries how often ----------------------------------------------------------------------- */

/* Failed sign-ins, on this node: of an account (from wherever), of an address, of everybody. Any
 * thread; bounded in memory, so that strangers' failures may now and then count for each other.
 * Nothing is written anywhere. */
struct throttle;
enum {
    THROTTLE_ACCOUNT = 10,   /* in THROTTLE_MS */
    THROTTLE_ADDRESS = 50,   /* of an address (IPv6: of its /64), the same time */
    THROTTLE_PER_SECOND = 5, /* tries of everybody together, with a burst of 20 */
    THROTTLE_BURST = 20,
    THROTTLE_MS = 15 * 60 * 1000,
};
struct throttle *throttle_new(void);
void throttle_free(struct throttle **throttle);
/* 0: try; else how many seconds to wait, and nothing else is to be asked. */
int64_t throttle_ask(struct throttle *throttle, struct str account, struct str address,
                     int64_t now_ms);
void throttle_failed(struct throttle *throttle, struct str account, struct str address,
                     int64_t now_ms);
/* Signed in: the account's failures are forgotten (the address's are not). */
void throttle_succeeded(struct throttle *throttle, struct str account, int64_t now_ms);

/* -- sessions ---------------------------------------------------------------------------------- */

enum sign_in {
    SIGN_IN_DONE,
    SIGN_IN_WRONG,      /* address, password or code: nobody learns which */
    SIGN_IN_NEEDS_CODE, /* the password is right */
};
/* With SIGN_IN_DONE `text` is the new session's secret; `before` (an id, may be empty) ends. */
struct sign_in_request {
    struct str email, password, code;
    struct str before;
    int64_t now_ms;
};
int people_sign_in(struct store *store, const struct sign_in_request *request, enum sign_in *out,
                   char text[SECRET_TEXT_MAX], struct err *err);
/* Who a session's secret stands for: 1, or 0: nobody (ended, unknown, another kind). `writer` (may
 * be NULL) notes that it was seen. */
int people_of_session(struct store *store, struct store *writer, struct str text, int64_t now_ms,
                      struct arena *arena, struct caller *out, struct err *err);
/* 1: it was one, and has ended. */
int people_sign_out(struct store *store, struct str session_id, struct err *err);

/* A link that is used once, of SESSION_INVITATION, _RESET or _SETUP (whose user is empty); others
 * of its kind for the same person end. ERR_CONFLICT: set-up, and there is an admin already. */
int people_make_link(struct store *store, enum session_kind kind, struct str user, int64_t now_ms,
                     char text[SECRET_TEXT_MAX], struct err *err);
/* Use it: sets the password, ends all sessions of the person and the link, and begins a session. A
 * set-up makes the admin `email`. ERR_NOTFOUND: unknown, used or too old; ERR_INVALID: the password
 * or the address. Where the person has a second factor, a code is needed (*out). */
struct use_link_request {
    struct str secret, password, code;
    struct str email, name; /* of the first admin; a name may be given in an invitation, too */
    int64_t now_ms;
};
int people_use_link(struct store *store, const struct use_link_request *request, enum sign_in *out,
                    char text[SECRET_TEXT_MAX], struct err *err);
/* What a link would do, for the page that it leads to: its kind and person; 0: nothing. */
int people_look_at_link(struct store *store, struct str secret, int64_t now_ms, struct arena *arena,
                        struct session_row *out, struct err *err);

/* A person's own: a new password (all other sessions end); a second factor, put or (empty) taken
 * away. ERR_DENIED: the password that was given is wrong. */
int people_set_password(struct store *store, const struct caller *caller, struct str current,
                        struct str password, int64_t now_ms, struct err *err);
int people_set_totp(struct store *store, const struct caller *caller, struct str password,
                    struct str secret, struct str code, int64_t now_ms, struct err *err);

#endif
