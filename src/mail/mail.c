/*
 * mail.c -- what waits to be sent, and the thread that sends it, one message at a time.
 *
 * A message stays in `waiting` while it is tried, so that the bound counts it. Where the server
 * refuses one for now, that one waits; where it does not answer, all of them do. Under `lock`:
 * waiting, count and the two of stopping; messages that were taken, and all else, are the thread's.
 */
#include "mail/mail_internal.h"

#include "base/clock.h"
#include "base/must.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define FOREVER_US INT64_MAX

enum { ID_BYTES = 16 };

/* When to try again, and how long to wait if that fails too. */
struct patience {
    int64_t due_us, pause_us;
};

struct message {
    char to[MAIL_ADDRESS_MAX + 1];
    struct buf text;
    struct patience patience;
    int64_t until_us;
    unsigned tries;
    bool last_tried; /* while stopping */
};

struct mailer {
    struct mail_peer peer;
    char from[MAIL_ADDRESS_MAX + 1];
    const struct logger *logger;
    int64_t try_us, pause_us;
    struct patience server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct message *waiting[MAIL_QUEUE_MAX];
    size_t count;
    atomic_llong stop_us; /* FOREVER_US, or when to have stopped */
};

static bool is_stopping(struct mailer *mailer)
{
    return atomic_load(&mailer->stop_us) != FOREVER_US;
}

static void say(const struct mailer *mailer, enum log_level level, const char *what,
                const struct message *message, const struct mail_result *result)
{
    char quoted[256];

    if (mailer->logger != NULL)
        logger_line(mailer->logger, level, what, "tries=%u code=%ld why=%s", message->tries,
                    result->code, logger_quote(result->why, quoted, sizeof(quoted)));
}

/* -- one message ----------------------------------------------------------------------------- */

static void message_free(struct message **message)
{
    if (*message == NULL)
        return;
    sodium_memzero((*message)->text.ptr, (*message)->text.len);
    buf_release(&(*message)->text);
    free(*message);
    *message = NULL;
}

static int message_new(const struct mailer *mailer, struct str to, struct str subject,
                       struct str text, struct message **out, struct err *err)
{
    unsigned char bytes[ID_BYTES];
    char id[2 * ID_BYTES + 1];

    if (!mail_address_check(to))
        return err_set(err, ERR_INVALID, "that is no address to send mail to");
    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2hex(id, sizeof(id), bytes, sizeof(bytes));
    const struct mail_parts parts = {.from = str_from(mailer->from),
                                     .to = to,
                                     .subject = subject,
                                     .text = text,
                                     .now_ms = clock_wall_ms(),
                                     .id = str_from(id)};
    struct message *message = must(calloc(1, sizeof(*message)));

    memcpy(message->to, to.ptr, to.len);
    message->until_us = clock_steady_us() + mailer->try_us;
    message->patience = (struct patience){0, mailer->pause_us};
    int rc = mail_message(&parts, &message->text, err);

    if (rc < 0)
        message_free(&message);
    *out = message;
    return rc;
}

/* -- what waits; under the lock -------------------------------------------------------------- */

static void drop(struct mailer *mailer, struct message *message)
{
    size_t i = 0;

    while (mailer->waiting[i] != message)
        i++;
    mailer->count--;
    memmove(&mailer->waiting[i], &mailer->waiting[i + 1],
            (mailer->count - i) * sizeof(mailer->waiting[0]));
    message_free(&message);
}

static void give_up(struct mailer *mailer, struct message *message, const struct mail_result *why)
{
    say(mailer, LOG_WARN, "mail not sent", message, why);
    drop(mailer, message);
}

static void drop_expired(struct mailer *mailer, int64_t now_us)
{
    static const struct mail_result away = {MAIL_AWAY, 0, "the server has not answered"};

    for (size_t i = mailer->count; i-- > 0;)
        if (mailer->waiting[i]->until_us <= now_us)
            give_up(mailer, mailer->waiting[i], &away);
}

/* The first that is due; else NULL, and when to look again. */
static struct message *choose(struct mailer *mailer, int64_t now_us, int64_t *look_us)
{
    *look_us = FOREVER_US;
    for (size_t i = 0; i < mailer->count; i++) {
        struct message *message = mailer->waiting[i];
        int64_t due_us = message->patience.due_us > mailer->server.due_us ? message->patience.due_us
                                                                          : mailer->server.due_us;

        if (due_us <= now_us)
            return message;
        if (due_us < *look_us)
            *look_us = due_us;
        if (message->until_us < *look_us)
            *look_us = message->until_us;
    }
    return NULL;
}

/* While stopping each has one more try, due or not. */
static struct message *choose_last(struct mailer *mailer, int64_t now_us)
{
    if (now_us >= atomic_load(&mailer->stop_us))
        return NULL;
    for (size_t i = 0; i < mailer->count; i++)
        if (!mailer->waiting[i]->last_tried)
            return mailer->waiting[i];
    return NULL;
}

/* Wait for the next one; NULL: stop. */
static struct message *next(struct mailer *mailer)
{
    int64_t look_us;

    for (;;) {
        int64_t now_us = clock_steady_us();

        if (is_stopping(mailer))
            return choose_last(mailer, now_us);
        drop_expired(mailer, now_us);
        struct message *message = choose(mailer, now_us, &look_us);

        if (message != NULL)
            return message;
        const struct timespec at = {.tv_sec = look_us / 1000000,
                                    .tv_nsec = look_us % 1000000 * 1000};

        if (look_us == FOREVER_US)
            (void)pthread_cond_wait(&mailer->wake, &mailer->lock);
        else
            (void)pthread_cond_timedwait(&mailer->wake, &mailer->lock, &at);
    }
}

/* -- the thread ------------------------------------------------------------------------------ */

static void wait_longer(struct patience *patience)
{
    const int64_t most_us = (int64_t)MAIL_PAUSE_MAX_MS * 1000;

    patience->due_us = clock_steady_us() + patience->pause_us;
    patience->pause_us = patience->pause_us * 2 < most_us ? patience->pause_us * 2 : most_us;
}

static void settle(struct mailer *mailer, struct message *message, const struct mail_result *result)
{
    struct patience *patience = result->outcome == MAIL_AWAY ? &mailer->server : &message->patience;

    if (result->outcome != MAIL_AWAY)
        mailer->server = (struct patience){0, mailer->pause_us};
    if (result->outcome == MAIL_SENT) {
        say(mailer, LOG_DEBUG, "mail sent", message, result);
        drop(mailer, message);
        return;
    }
    wait_longer(patience);
    if (result->outcome == MAIL_REFUSED || patience->due_us >= message->until_us)
        give_up(mailer, message, result);
    else if (message->tries == 1)
        say(mailer, LOG_WARN, "mail waits", message, result);
}

static bool is_over(void *ctx)
{
    struct mailer *mailer = ctx;

    return clock_steady_us() >= atomic_load(&mailer->stop_us);
}

static void say_lost(const struct mailer *mailer)
{
    if (mailer->count > 0 && mailer->logger != NULL)
        logger_line(mailer->logger, LOG_WARN, "mail lost", "messages=%zu why=\"%s\"", mailer->count,
                    "the server stops");
}

static void *run(void *ctx)
{
    struct mailer *mailer = ctx;
    struct message *message;

    (void)pthread_mutex_lock(&mailer->lock);
    while ((message = next(mailer)) != NULL) {
        const struct mail_job job = {.peer = &mailer->peer,
                                     .from = mailer->from,
                                     .to = message->to,
                                     .message = buf_str(&message->text),
                                     .stop = is_over,
                                     .ctx = mailer};

        message->tries++;
        message->last_tried = is_stopping(mailer);
        (void)pthread_mutex_unlock(&mailer->lock);
        struct mail_result result = mail_deliver(&job);

        (void)pthread_mutex_lock(&mailer->lock);
        settle(mailer, message, &result);
    }
    say_lost(mailer);
    (void)pthread_mutex_unlock(&mailer->lock);
    return NULL;
}

/* -- open, close, send ----------------------------------------------------------------------- */

static void mailer_free(struct mailer *mailer)
{
    while (mailer->count > 0)
        drop(mailer, mailer->waiting[0]);
    mail_peer_release(&mailer->peer);
    (void)pthread_mutex_destroy(&mailer->lock);
    (void)pthread_cond_destroy(&mailer->wake);
    free(mailer);
    curl_global_cleanup();
}

static struct mailer *mailer_new(const struct mail_config *config)
{
    struct mailer *mailer = must(calloc(1, sizeof(*mailer)));
    pthread_condattr_t monotonic;

    mailer->logger = config->logger;
    mailer->try_us = (config->try_ms > 0 ? config->try_ms : MAIL_TRY_MS) * 1000;
    mailer->pause_us = (config->pause_ms > 0 ? config->pause_ms : MAIL_PAUSE_MS) * 1000;
    mailer->server.pause_us = mailer->pause_us;
    atomic_init(&mailer->stop_us, FOREVER_US);
    (void)pthread_mutex_init(&mailer->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&mailer->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return mailer;
}

static int configure(struct mailer *mailer, const struct mail_config *config, struct err *err)
{
    struct str from = config->from;

    if (!mail_address_check(from))
        return err_set(err, ERR_INVALID,
                       "the sender of mails is no address like abacus@example.com");
    memcpy(mailer->from, from.ptr, from.len);
    return mail_peer_parse(config->url, str_slice(from, str_find(from, 0, '@') + 1, from.len),
                           &mailer->peer, err);
}

int mail_open(const struct mail_config *config, struct mailer **out, struct err *err)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_SYSTEM, "libcurl cannot begin");
    struct mailer *mailer = mailer_new(config);
    int rc = configure(mailer, config, err);
    int started = rc == 0 ? pthread_create(&mailer->thread, NULL, run, mailer) : 0;

    if (started != 0)
        rc = err_set(err, ERR_SYSTEM, "a thread for mails: %s", strerror(started));
    if (rc < 0)
        mailer_free(mailer);
    else
        *out = mailer;
    return rc;
}

void mail_close(struct mailer **mailer, int64_t grace_ms)
{
    struct mailer *own = *mailer;

    if (own == NULL)
        return;
    (void)pthread_mutex_lock(&own->lock);
    atomic_store(&own->stop_us, clock_steady_us() + grace_ms * 1000);
    (void)pthread_cond_signal(&own->wake);
    (void)pthread_mutex_unlock(&own->lock);
    (void)pthread_join(own->thread, NULL);
    mailer_free(own);
    *mailer = NULL;
}

int mail_send(struct mailer *mailer, struct str to, struct str subject, struct str text,
              struct err *err)
{
    struct message *message = NULL;
    int rc = message_new(mailer, to, subject, text, &message, err);

    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&mailer->lock);
    if (mailer->count < MAIL_QUEUE_MAX) {
        mailer->waiting[mailer->count++] = message;
        message = NULL;
        (void)pthread_cond_signal(&mailer->wake);
    }
    (void)pthread_mutex_unlock(&mailer->lock);
    if (message != NULL)
        rc = err_set(err, ERR_FULL, "too many mails wait to be sent");
    message_free(&message);
    return rc;
}
