/*
 * mailer.c -- a mailer whose messages come on stdin, for tests with a real SMTP server.
 *
 *     mailer URL FROM TRY-MS PAUSE-MS GRACE-MS
 *
 * Each line is TO, SUBJECT and TEXT with a tab between them ("\n" in TEXT is a line's end); its
 * answer, a line on stdout, is 0 or the error's number, and the microseconds that mail_send() took.
 * At the end of stdin it closes.
 */
#include "base/clock.h"
#include "mail/mail.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct str cut(struct str *rest)
{
    struct str piece = {0};

    (void)str_next(rest, '\t', &piece);
    return piece;
}

static struct str with_lines(char *text, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        bool ends = text[i] == '\\' && i + 1 < length && text[i + 1] == 'n';

        text[n++] = ends ? '\n' : text[i];
        i += ends ? 1 : 0;
    }
    return (struct str){text, n};
}

static void take(struct mailer *mailer, char *line, size_t length)
{
    struct str rest = {line, length};
    struct str to = cut(&rest), subject = cut(&rest);
    struct str text = with_lines(line + (length - rest.len), rest.len);
    struct err err = {""};
    int64_t began_us = clock_steady_us();
    int rc = mail_send(mailer, to, subject, text, &err);

    (void)printf("%d %" PRId64 "\n", rc, clock_steady_us() - began_us);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const struct logger logger = {LOG_DEBUG};
    struct mailer *mailer = NULL;
    struct err err = {""};
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (argc != 6)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct mail_config config = {.url = str_from(argv[1]),
                                       .from = str_from(argv[2]),
                                       .logger = &logger,
                                       .try_ms = atoll(argv[3]),
                                       .pause_ms = atoll(argv[4])};

    if (mail_open(&config, &mailer, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    while ((length = getline(&line, &room, stdin)) > 0)
        take(mailer, line, (size_t)length - (line[length - 1] == '\n' ? 1 : 0));
    free(line);
    mail_close(&mailer, atoll(argv[5]));
    return 0;
}
