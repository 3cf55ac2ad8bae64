/*
 * share.c -- POST /api/share: the password of a shared link, for what opens it.
 *
 * Neither cookie nor caller: the link and its password are all that counts. A link that is not one
 * is refused like a wrong password.
 */
#include "access/people.h"
#include "access/signed.h"
#include "api/answer.h"
#include "api/caller.h"
#include "api/form.h"
#include "api/handlers.h"
#include "api/reader.h"

struct sharing {
    struct form form;
    const struct snapshot *snapshot;
    struct arena *arena;
};

static const struct link_row *find_link(void *ctx, struct str id)
{
    const struct sharing *s = ctx;

    return snapshot_link(s->snapshot, id, s->form.now_ms);
}

/* NULL: the text opens nothing. */
static const struct link_row *read_link(struct sharing *s, struct str text)
{
    struct str id;
    struct embed embed;

    if (signed_read(snapshot_signing_key(s->snapshot), text, s->form.now_ms, find_link, s, s->arena,
                    &id, &embed) != SIGNED_LINK)
        return NULL;
    return find_link(s, id);
}

static void put_opened(struct sharing *s, const struct link_row *link)
{
    struct json_out json = {.buf = &s->form.response->body};
    int64_t expires_ms = s->form.now_ms + OPEN_MS;

    if (link->expires_ms != 0 && link->expires_ms < expires_ms)
        expires_ms = link->expires_ms;
    json_open(&json, '{');
    answer_str(&json, "token",
               signed_open(snapshot_signing_key(s->snapshot), link, expires_ms, s->arena));
    answer_instant(&json, "expiresAt", expires_ms);
    json_close(&json, '}');
}

/* A link without a password opens by any, and is no try: everybody's are few. Only a link that was
 * signed here costs the time of a password: guessing those is hopeless. */
static void open_link(struct sharing *s, struct str text, struct str password)
{
    const struct link_row *link = read_link(s, text);

    if (link != NULL && link->password.len == 0) {
        put_opened(s, link);
        return;
    }
    if (!form_try(&s->form, text))
        return;
    if (link != NULL && password_matches(link->password, password)) {
        form_succeeded(&s->form, text);
        put_opened(s, link);
        return;
    }
    form_failed(&s->form, text);
    (void)caller_refuse(s->form.response, REFUSED_PASSWORD);
}

void share_post(const struct http_request *request, struct http_response *response)
{
    struct api *api = request->app;
    struct sharing s = {.snapshot = directory_take(api->directory), .arena = request->arena};
    struct str link, password;

    http_header(response, STR("Cache-Control"), STR("no-store"));
    if (caller_refuse(response, s.snapshot == NULL ? REFUSED_STARTING : REFUSED_NOT) &&
        form_open(&s.form, request, response, api_now(api)) && form_text(&s.form, "link", &link) &&
        form_optional(&s.form, "password", &password))
        open_link(&s, link, password);
    if (s.snapshot != NULL)
        directory_give(api->directory, s.snapshot);
}
