/*
 * api/caller.c -- credentials become a caller, and what is refused gets its words; how far a caller
 * reaches stands in reach.c, its cookie in cookies.c.
 */
#include "api/caller.h"

#include "access/access.h"
#include "access/payload.h"
#include "access/people.h"
#include "access/signed.h"
#include "api/reader.h"
#include "event/event.h"

#include <arpa/inet.h>

/* -- words --------------------------------------------------------------------------------- */

static const struct {
    int status;
    struct str text, members;
} refusals[REFUSALS] = {
    [REFUSED_UNKNOWN] = {401, STR_INIT("valid credentials are needed"), STR_INIT("")},
    [REFUSED_PASSWORD] = {401, STR_INIT("this link opens with its password"),
                          STR_INIT("\"password\":true")},
    [REFUSED_ORIGIN] = {403, STR_INIT("a session is good only for this server's own pages"),
                        STR_INIT("")},
    [REFUSED_SUSPENDED] = {403, STR_INIT("the tenant is suspended"), STR_INIT("")},
    [REFUSED_READING] = {403, STR_INIT("the scope stats:read is needed"), STR_INIT("")},
    [REFUSED_MANAGING] = {403, STR_INIT("the scope admin is needed"), STR_INIT("")},
    [REFUSED_PERSON] = {403, STR_INIT("this is for people who have signed in"), STR_INIT("")},
    [REFUSED_PRIVATE] = {403, STR_INIT("a shared link does not show this"), STR_INIT("")},
    [REFUSED_SITE] = {404, STR_INIT("there is no such site"), STR_INIT("")},
    [REFUSED_TENANT] = {404, STR_INIT("there is no such tenant"), STR_INIT("")},
    [REFUSED_STARTING] = {503, STR_INIT("the sites and tokens are not loaded yet"), STR_INIT("")},
    [REFUSED_STORE] = {503, STR_INIT("the store does not answer now"), STR_INIT("")},
};

bool caller_refuse(struct http_response *response, enum refusal refusal)
{
    if (refusal == REFUSED_NOT)
        return true;
    http_problem(response, refusals[refusal].status, refusals[refusal].text,
                 refusals[refusal].members);
    return false;
}

static bool is_safe(const struct http_request *request)
{
    return str_eq(request->method, STR("GET")) || str_eq(request->method, STR("HEAD"));
}

/* -- credentials --------------------------------------------------------------------------- */

/* A request on the way to its caller. */
struct asking {
    const struct http_request *request;
    const struct api *api;
    const struct snapshot *snapshot;
    int64_t now_ms;
    struct caller *out;
};

const struct token *caller_token(const struct http_request *request,
                                 const struct snapshot *snapshot, int64_t now_ms)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    struct str text;

    if (!bearer_token(request->authorization, &text) || !token_hash(text, hash))
        return NULL;
    return snapshot_token(snapshot, hash, now_ms);
}

static enum refusal by_token(const struct asking *a)
{
    const struct token *token = caller_token(a->request, a->snapshot, a->now_ms);

    if (token == NULL)
        return REFUSED_UNKNOWN;
    caller_of_token(token->id, token->platform, token->tenant, token->site, token->scopes,
                    token->expires_ms, a->request->arena, a->out);
    return REFUSED_NOT;
}

static const struct link_row *find_link(void *ctx, struct str id)
{
    const struct asking *a = ctx;

    return snapshot_link(a->snapshot, id, a->now_ms);
}

static struct str called(const struct asking *a, const char *what, struct str id)
{
    struct buf text = {0};

    buf_addf(&text, "%s:%.*s", what, STR_FMT(id));
    struct str name = arena_str(a->request->arena, buf_str(&text));

    buf_release(&text);
    return name;
}

static enum refusal by_link(const struct asking *a, struct str id, bool opened)
{
    const struct link_row *link = snapshot_link(a->snapshot, id, a->now_ms);
    const struct site *site = link == NULL ? NULL : snapshot_site(a->snapshot, link->site);

    if (site == NULL || site->erasing || !str_eq(site->tenant, link->tenant))
        return REFUSED_UNKNOWN;
    if (link->password.len > 0 && !opened)
        return REFUSED_PASSWORD;
    caller_of_site(CALLER_LINK, called(a, "link", id), site->tenant, &site->id, 1, true,
                   link->expires_ms, a->request->arena, a->out);
    return REFUSED_NOT;
}

/* An embed ends with the token that made it, and with that token's right to make one. */
static enum refusal by_embed(const struct asking *a, const struct embed *embed)
{
    const struct token *maker = snapshot_token_by_id(a->snapshot, embed->token, a->now_ms);

    if (maker == NULL || !maker->platform || (maker->scopes & SCOPE_STATS_READ) == 0)
        return REFUSED_UNKNOWN;
    caller_of_site(CALLER_EMBED, called(a, "embed", embed->token), embed->tenant, embed->sites,
                   embed->sites_count, false, embed->expires_ms, a->request->arena, a->out);
    return REFUSED_NOT;
}

static enum refusal by_signed(struct asking *a, struct str text)
{
    struct str link;
    struct embed embed;

    switch (signed_read(snapshot_signing_key(a->snapshot), text, a->now_ms, find_link, a,
                        a->request->arena, &link, &embed)) {
    case SIGNED_LINK:
        return by_link(a, link, false);
    case SIGNED_OPEN:
        return by_link(a, link, true);
    case SIGNED_EMBED:
        return by_embed(a, &embed);
    case SIGNED_NOT:
        break;
    }
    return REFUSED_UNKNOWN;
}

/* What a look into the store has found: 1, or 0: nobody. */
static enum refusal found(const struct asking *a, int rc)
{
    if (rc == ERR_UNAVAILABLE || rc == ERR_FULL) {
        if (a->api->metrics != NULL)
            metrics_error(a->api->metrics, METRICS_ERROR_STORE);
        return REFUSED_STORE;
    }
    return rc == 1 ? REFUSED_NOT : REFUSED_UNKNOWN;
}

static enum refusal by_payload(const struct asking *a, struct str text)
{
    const struct worker *worker = a->request->worker;
    const struct payload_config *config = a->api->payload;
    struct err err = {0};

    if (text.len == 0 || worker == NULL || config == NULL || config->secret.len == 0)
        return REFUSED_UNKNOWN;
    return found(
        a, payload_caller(worker->store, config, text, a->now_ms, a->request->arena, a->out, &err));
}

/* That it was seen is noted where the store can be written now. */
static enum refusal by_session(const struct asking *a, struct str text)
{
    struct worker *worker = a->request->worker;
    struct store *writer = NULL;
    struct err err = {0};

    if (text.len == 0 || worker == NULL)
        return REFUSED_UNKNOWN;
    if (worker_writer(a->api, worker, &writer, &err) != 0)
        writer = NULL;
    return found(a, people_of_session(worker->store, writer, text, a->now_ms, a->request->arena,
                                      a->out, &err));
}

static enum refusal by_header(struct asking *a)
{
    struct str text = a->request->authorization;
    size_t blank = str_find(text, 0, ' ');

    if (str_ieq(str_slice(text, 0, blank), STR("JWT")))
        return by_payload(a, str_trim(str_slice(text, blank, text.len)));
    if (bearer_token(text, &text) && signed_is_shaped(text))
        return by_signed(a, text);
    return by_token(a);
}

static enum refusal by_cookie(const struct asking *a)
{
    enum refusal refusal = by_session(a, caller_cookie(a->api, a->request));

    if (refusal == REFUSED_UNKNOWN)
        refusal = by_payload(a, caller_find_cookie(a->request->cookie, STR("payload-token")));
    if (refusal == REFUSED_UNKNOWN) {
        *a->out = (struct caller){.kind = CALLER_NOBODY};
        return REFUSED_NOT;
    }
    a->out->cookie = refusal == REFUSED_NOT;
    if (a->out->cookie && !is_safe(a->request) && !caller_is_own_page(a->api, a->request))
        return REFUSED_ORIGIN;
    return refusal;
}

enum refusal caller_read(const struct http_request *request, const struct snapshot *snapshot,
                         int64_t now_ms, struct caller *out)
{
    struct asking asking = {request, request->app, snapshot, now_ms, out};

    *out = (struct caller){.kind = CALLER_NOBODY};
    enum refusal refusal = request->authorization.len > 0 ? by_header(&asking) : by_cookie(&asking);

    if (refusal != REFUSED_NOT)
        return refusal;
    bool reached = out->reaches_count > 0;

    caller_leave_erasing(out, snapshot);
    /* What was a tenant's ends with it; a person stays. */
    return reached && out->reaches_count == 0 && out->kind != CALLER_PERSON ? REFUSED_UNKNOWN
                                                                            : REFUSED_NOT;
}

struct str caller_address(const struct api *api, const struct http_request *request)
{
    struct addr address =
        client_address(request->peer, request->forwarded_for, api->trusted, api->trusted_count);
    char text[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes, text, sizeof(text));
    return arena_str(request->arena, str_from(text));
}

/* -- a request that is not a reader's ------------------------------------------------------ */

static enum refusal open_caller(struct call *call, unsigned scope)
{
    if (call->snapshot == NULL)
        return REFUSED_STARTING;
    enum refusal refusal = caller_read(call->request, call->snapshot, call->now_ms, &call->caller);

    if (refusal != REFUSED_NOT || scope == 0)
        return refusal;
    refusal = caller_needs(&call->caller, call->snapshot, scope);
    caller_leave_suspended(&call->caller, call->snapshot);
    return refusal;
}

bool call_open(struct call *call, const struct http_request *request,
               struct http_response *response, unsigned scope)
{
    struct api *api = request->app;

    *call = (struct call){.request = request,
                          .response = response,
                          .api = api,
                          .worker = request->worker,
                          .arena = request->arena,
                          .snapshot = directory_take(api->directory),
                          .now_ms = api_now(api)};
    if (!caller_refuse(response, open_caller(call, scope)))
        return false;
    const struct tenant *tenant =
        snapshot_tenant(call->snapshot, caller_only_tenant(&call->caller));

    return scope == 0 || !is_safe(request) ||
           caller_take_read(&call->caller, tenant, request, response);
}

void call_close(struct call *call)
{
    if (call->snapshot != NULL)
        directory_give(call->api->directory, call->snapshot);
}

/* Returns 1: there are no parameters. */
static int refuse_param(void *ctx, struct str name, struct str value)
{
    struct call *call = ctx;
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    (void)value;
    buf_add(&members, STR("\"parameter\":"));
    json_str(&json, name);
    http_problem(call->response, 400, STR("there is no such parameter"), buf_str(&members));
    buf_release(&members);
    return 1;
}

bool call_no_params(struct call *call)
{
    struct err err = {""};
    int rc = query_each(call->request->query, call->arena, refuse_param, call, &err);

    if (rc < 0)
        http_problem(call->response, 400, str_from(err.text), STR(""));
    return rc == 0;
}

bool call_writer(struct call *call, struct store **out)
{
    struct err err = {0};

    if (worker_writer(call->api, call->worker, out, &err) == 0)
        return true;
    if (call->api->metrics != NULL)
        metrics_error(call->api->metrics, METRICS_ERROR_STORE);
    return caller_refuse(call->response, REFUSED_STORE);
}

struct actor call_actor(const struct call *call)
{
    return (struct actor){.name = call->caller.kind == CALLER_NOBODY ? STR("nobody")
                                                                     : call->caller.name,
                          .now_ms = call->now_ms};
}
