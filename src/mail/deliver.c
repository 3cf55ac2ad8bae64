/*
 * deliver.c -- one try to hand one message to the server.
 *
 * Each try has a connection of its own: mails are rare, and a server closes what idles. The
 * environment's proxies are not ours. libcurl doubles the dots at the beginning of lines.
 */
#include "mail/mail_internal.h"

#include "base/must.h"

#include <curl/curl.h>

enum { CONNECT_TIMEOUT_MS = MAIL_TIMEOUT_MS / 2 };

struct reading {
    const struct mail_job *job;
    size_t at;
};

static size_t read_message(char *to, size_t size, size_t count, void *ctx)
{
    struct reading *reading = ctx;
    struct str rest = str_slice(reading->job->message, reading->at, SIZE_MAX);
    size_t length = rest.len < size * count ? rest.len : size * count;

    if (length > 0)
        memcpy(to, rest.ptr, length);
    reading->at += length;
    return length;
}

static int ask_stop(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct mail_job *job = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return job->stop(job->ctx) ? 1 : 0;
}

static void set_server(CURL *curl, const struct mail_peer *peer)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, peer->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_USERNAME, peer->user);
    (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, peer->password);
    (void)curl_easy_setopt(curl, CURLOPT_USE_SSL,
                           (long)(peer->strict ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, peer->strict ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, peer->strict ? 2L : 0L);
}

static void set_bounds(CURL *curl, const struct mail_job *job)
{
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)MAIL_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, ask_stop);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, job);
}

static enum mail_outcome judge(CURLcode rc, long code)
{
    if (rc == CURLE_OK)
        return MAIL_SENT;
    /* What TLS we insist on, this server does not have. */
    if (code / 100 == 5 || rc == CURLE_USE_SSL_FAILED || rc == CURLE_PEER_FAILED_VERIFICATION)
        return MAIL_REFUSED;
    return code / 100 == 4 ? MAIL_LATER : MAIL_AWAY;
}

struct mail_result mail_deliver(const struct mail_job *job)
{
    CURL *curl = must(curl_easy_init());
    struct curl_slist *to = must(curl_slist_append(NULL, job->to));
    struct reading reading = {.job = job};
    long code = 0;

    set_server(curl, job->peer);
    set_bounds(curl, job);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, job->from);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, &reading);
    CURLcode rc = curl_easy_perform(curl);

    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    return (struct mail_result){judge(rc, code), code, curl_easy_strerror(rc)};
}
