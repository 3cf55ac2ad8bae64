/*
 * access/people_internal.h -- what the files about people share.
 *
 * Whoever changes what a person signs in with does three things in this order: a session that is to
 * live is put, the person's row is edited, the other sessions end. A sign-in puts its session, and
 * then edits the row, which refuses it if the password is no longer the one that was looked at. So
 * a session made under the old password is either there when the others end, or is never given out,
 * however the two meet, and no transaction need hold more than one row.
 */
#ifndef ABACUS_ACCESS_PEOPLE_INTERNAL_H
#define ABACUS_ACCESS_PEOPLE_INTERNAL_H

#include "access/people.h"

enum { SESSION_ID_SIZE = 65 }; /* 64 hex digits and NUL */

/* "user:EMAIL" */
struct actor person_actor(struct str user, int64_t now_ms, struct arena *arena);

/* What was looked at before a person's row is edited; the row must still say the same then. */
struct credentials {
    struct str password, totp;
    int64_t step; /* of the code that was given, or -1: there is no second factor */
};
/* Look at a code: SIGN_IN_DONE fills *out. */
enum sign_in credentials_of(const struct user_row *user, struct str code, int64_t now_ms,
                            struct credentials *out);
/* Within an edit: ERR_DENIED where the row has changed, or the code was used meanwhile; else its
 * step is noted. */
int credentials_use(const struct credentials *credentials, struct user_row *user, struct err *err);

/* Put a session, and take it back. */
int session_begin(struct store *store, struct str user, int64_t now_ms, char text[SECRET_TEXT_MAX],
                  char id[SESSION_ID_SIZE], struct err *err);
/* 1: there was one. */
int session_end(struct store *store, struct str id, struct err *err);

#endif
