/*
 * mail/mail_internal.h -- what the mailer's parts share.
 */
#ifndef ABACUS_MAIL_MAIL_INTERNAL_H
#define ABACUS_MAIL_MAIL_INTERNAL_H

#include "base/buf.h"
#include "mail/mail.h"

/* -- message.c: pure ------------------------------------------------------------------------- */

/* A dot-atom, '@', and a name of letters, digits, '-' and '.': RFC 5321 without quoted local parts
 * and address literals, which no mail provider gives out. */
bool mail_address_check(struct str address);

/* What a message is made of. The addresses are good. */
struct mail_parts {
    struct str from, to, subject, text;
    int64_t now_ms;
    struct str id; /* unique, of letters and digits */
};
/* Append it as RFC 5322 has it, lines ending in CRLF. ERR_INVALID: the subject or the text. */
int mail_message(const struct mail_parts *parts, struct buf *out, struct err *err);

/* -- peer.c ---------------------------------------------------------------------------------- */

/* The server that takes our mail, as libcurl is told of it. */
struct mail_peer {
    char *url;             /* with the name that we give ourselves, without user and password */
    char *user, *password; /* NULL: none */
    bool strict;           /* TLS and a good certificate are insisted on */
};
/* `hello` is the name that we give ourselves. Text of libcurl's; give it back in either case. */
int mail_peer_parse(struct str url, struct str hello, struct mail_peer *out, struct err *err);
void mail_peer_release(struct mail_peer *peer);

/* -- deliver.c ------------------------------------------------------------------------------- */

enum mail_outcome {
    MAIL_SENT,
    MAIL_REFUSED, /* for good */
    MAIL_LATER,   /* this message, not now (a 4xx) */
    MAIL_AWAY,    /* the server does not answer; no message can be sent now */
};
struct mail_result {
    enum mail_outcome outcome;
    long code;       /* the server's last; 0: it said nothing */
    const char *why; /* static; names neither address nor text */
};

struct mail_job {
    const struct mail_peer *peer;
    const char *from, *to;
    struct str message;
    bool (*stop)(void *ctx); /* asked at least once a second; true: give up this try */
    void *ctx;
};
struct mail_result mail_deliver(const struct mail_job *job);

#endif
