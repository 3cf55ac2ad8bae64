/*
 * mail/mail.h -- mail to people, sent by a thread of its own. The only module that knows libcurl.
 *
 * A message that was taken is tried until it is sent, refused for good (a 5xx), or MAIL_TRY_MS have
 * passed; then the log says so, without address and text. Nobody waits for it, so that how long an
 * answer takes tells nothing about whether a mail was sent.
 *
 * Nothing is kept on disk: what waits when the process ends is lost, and the log says how many.
 * Whoever opens a mailer ignores SIGPIPE.
 */
#ifndef ABACUS_MAIL_MAIL_H
#define ABACUS_MAIL_MAIL_H

#include "base/err.h"
#include "base/logger.h"
#include "base/str.h"

struct mailer;

enum {
    MAIL_QUEUE_MAX = 1000, /* messages, with the one that is being sent */
    MAIL_TRY_MS = 10 * 60 * 1000,
    MAIL_TIMEOUT_MS = 20 * 1000, /* of one try */
    MAIL_PAUSE_MS = 1000,        /* after the first failure; doubled each time ... */
    MAIL_PAUSE_MAX_MS = 60 * 1000,
    MAIL_URL_MAX = 1024,
    MAIL_ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3 */
    MAIL_SUBJECT_MAX = 200, /* bytes */
    MAIL_TEXT_MAX = 16 * 1024,
};

struct mail_config {
    struct str url;  /* smtp://[USER:PASSWORD@]HOST[:PORT], smtps://; STARTTLS is used where the
                        server offers it, and insisted on where there is a password, unless HOST
                        is a loopback address or localhost. A certificate is checked where TLS is
                        insisted on; elsewhere whoever could forge it could as well strip TLS */
    struct str from; /* the sender's address */
    const struct logger *logger; /* may be NULL */
    int64_t try_ms, pause_ms;    /* 0: MAIL_TRY_MS, MAIL_PAUSE_MS */
};

/* ERR_INVALID: not such a URL or address (the text repeats neither). Connects to nothing. */
int mail_open(const struct mail_config *config, struct mailer **out, struct err *err);
/* Tries once more what waits, for at most `grace_ms`. */
void mail_close(struct mailer **mailer, int64_t grace_ms);

/* Plain text, UTF-8; lines in the subject or address are refused (ERR_INVALID), as are an address
 * that is not ASCII, and what is longer than the bounds above. ERR_FULL: too many wait. Any
 * thread. */
int mail_send(struct mailer *mailer, struct str to, struct str subject, struct str text,
              struct err *err);

#endif
