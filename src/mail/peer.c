/*
 * peer.c -- the URL of the server that takes our mail, taken apart by libcurl's own parser, so that
 * what is checked here is what is connected to.
 *
 * No error repeats anything of the URL: it may hold a password, even in the wrong place.
 */
#include "mail/mail_internal.h"

#include "base/must.h"
#include "base/net.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>

/* The part, decoded, or NULL where there is none. *rc gets what went wrong, unless it was wrong
 * before. */
static char *part(CURLU *parsed, CURLUPart which, CURLUcode absent, CURLUcode *rc)
{
    char *text = NULL;
    CURLUcode got = curl_url_get(parsed, which, &text, CURLU_URLDECODE);

    if (got != CURLUE_OK && got != absent && *rc == CURLUE_OK)
        *rc = got;
    return got == CURLUE_OK ? text : NULL;
}

static bool is_loopback(CURLU *parsed)
{
    CURLUcode rc = CURLUE_OK;
    char *text = part(parsed, CURLUPART_HOST, CURLUE_NO_HOST, &rc);
    struct str host = str_from(text);
    struct addr addr;

    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_slice(host, 1, host.len - 1);
    bool is =
        str_ieq(host, STR("localhost")) || (addr_parse(host, &addr) && addr_is_loopback(&addr));

    curl_free(text);
    return is;
}

/* The URL for libcurl: the path is the name that it says hello with. */
static CURLUcode make_url(CURLU *parsed, struct str hello, char **out)
{
    char path[MAIL_ADDRESS_MAX + 1] = "";

    memcpy(path, hello.ptr, hello.len < MAIL_ADDRESS_MAX ? hello.len : MAIL_ADDRESS_MAX);
    CURLUcode rc = curl_url_set(parsed, CURLUPART_USER, NULL, 0);

    if (rc == CURLUE_OK)
        rc = curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_set(parsed, CURLUPART_PATH, path, 0);
    return rc == CURLUE_OK ? curl_url_get(parsed, CURLUPART_URL, out, 0) : rc;
}

/* Nothing but a server stands in it. */
static int check_rest(CURLU *parsed, struct err *err)
{
    CURLUcode rc = CURLUE_OK;
    char *path = part(parsed, CURLUPART_PATH, CURLUE_OK, &rc);
    char *query = part(parsed, CURLUPART_QUERY, CURLUE_NO_QUERY, &rc);
    char *fragment = part(parsed, CURLUPART_FRAGMENT, CURLUE_NO_FRAGMENT, &rc);
    char *options = part(parsed, CURLUPART_OPTIONS, CURLUE_NO_OPTIONS, &rc);
    bool more = str_from(path).len > 1 || query != NULL || fragment != NULL || options != NULL;

    curl_free(path);
    curl_free(query);
    curl_free(fragment);
    curl_free(options);
    return rc == CURLUE_OK && !more ? 0
                                    : err_set(err, ERR_INVALID,
                                              "the SMTP URL has more than a user, a password, a "
                                              "host and a port (in a password, / is %%2F)");
}

static int take_apart(CURLU *parsed, struct str hello, struct mail_peer *out, struct err *err)
{
    CURLUcode rc = CURLUE_OK;

    out->user = part(parsed, CURLUPART_USER, CURLUE_NO_USER, &rc);
    out->password = part(parsed, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD, &rc);
    if (rc != CURLUE_OK || (str_from(out->user).len == 0) != (str_from(out->password).len == 0))
        return err_set(err, ERR_INVALID,
                       "the SMTP URL needs a user and a password, or neither, without control "
                       "characters");
    out->strict = out->strict || str_from(out->password).len > 0;
    out->strict = out->strict && !is_loopback(parsed);
    int checked = check_rest(parsed, err);

    if (checked == 0 && make_url(parsed, hello, &out->url) != CURLUE_OK)
        checked = err_set(err, ERR_INVALID, "the SMTP URL cannot be used");
    return checked;
}

int mail_peer_parse(struct str url, struct str hello, struct mail_peer *out, struct err *err)
{
    bool always = str_starts(url, STR("smtps://"));
    char text[MAIL_URL_MAX + 1] = "";

    *out = (struct mail_peer){.strict = always};
    if (url.len > MAIL_URL_MAX)
        return err_set(err, ERR_INVALID, "the SMTP URL is longer than %d bytes", MAIL_URL_MAX);
    if (!always && !str_starts(url, STR("smtp://")))
        return err_set(err, ERR_INVALID, "an SMTP URL begins with smtp:// or smtps://");
    memcpy(text, url.ptr, url.len);
    CURLU *parsed = must(curl_url());
    int rc = strlen(text) == url.len && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK
                 ? take_apart(parsed, hello, out, err)
                 : err_set(err, ERR_INVALID,
                           "the SMTP URL is not smtp://[USER:PASSWORD@]HOST[:PORT] (what is no "
                           "letter or digit in a password is percent-encoded: @ is %%40)");

    sodium_memzero(text, sizeof(text));
    curl_url_cleanup(parsed);
    return rc;
}

void mail_peer_release(struct mail_peer *peer)
{
    if (peer->password != NULL)
        sodium_memzero(peer->password, strlen(peer->password));
    curl_free(peer->url);
    curl_free(peer->user);
    curl_free(peer->password);
    *peer = (struct mail_peer){0};
}
