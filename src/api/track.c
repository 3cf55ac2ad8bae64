/*
 * api/track.c -- POST /api/analytics/track: body -> events -> screened, anonymous records -> the
 * log -> 202.
 *
 * The checks stand in the order in which their refusals are documented: 400, 401, 404, 403, 429,
 * 503. A refused event refuses the request; a dropped one goes alone. Who sends is nobody, or a
 * token: cookies are not looked at. Nothing here blocks or touches the store.
 */
#include "access/access.h"
#include "api/handlers.h"
#include "api/quotas.h"
#include "api/refusals.h"
#include "api/sender.h"
#include "api/sightings.h"
#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>

/* A request on its way. */
struct tracking {
    struct api *api;
    const struct http_request *request;
    struct http_response *response;
    int64_t now_ms;
    const struct snapshot *snapshot;
    const struct token *token;
    struct client client;
    struct event_batch batch;
    const struct site **sites;     /* beside batch.events; NULL: not known */
    const struct sender **senders; /* beside them, too */
    enum drop_reason *reasons;     /* and what was decided of each */
    uint32_t dropped[DROP_REASONS];
    size_t accepted;
};

/* -- refusals -- */

enum { NO_REASON = REJECT_REASONS }; /* not the sender's fault: no line in the ledger */

static void count_refusal(struct tracking *t, enum reject_reason reason)
{
    size_t events = t->batch.count == 0 ? 1 : t->batch.count;

    metrics_rejected(t->api->metrics, reason, events);
    for (size_t i = 0; i < t->batch.count; i++) {
        const struct site *site = t->sites == NULL ? NULL : t->sites[i];

        if (site == NULL)
            site = snapshot_tracked(t->snapshot, t->batch.events[i].site);
        if (site != NULL)
            refusals_add(t->api->refusals, site, site_day(site, t->now_ms), reason, 1);
    }
}

/* Answer with a problem that names the place; index SIZE_MAX: the request as a whole. Returns false
 * for the caller to return. */
static bool refuse(struct tracking *t, int status, int reason, size_t index, const char *field,
                   const char *detail)
{
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    t->response->static_body = STR("");
    buf_reset(&t->response->body);
    if (reason != NO_REASON)
        count_refusal(t, (enum reject_reason)reason);
    if (index != SIZE_MAX)
        buf_addf(&members, "\"index\":%zu", index);
    if (field != NULL) {
        buf_addf(&members, "%s\"field\":", members.len > 0 ? "," : "");
        json_str(&json, str_from(field));
    }
    http_problem(t->response, status, str_from(detail), buf_str(&members));
    buf_release(&members);
    return false;
}

/* -- what is noted of it for who sets the site up -- */

static void sight(const struct tracking *t, const struct site *site, enum sighting_kind kind,
                  struct str detail)
{
    sight_at_site(t->api, t->request, site->tenant, site->id, kind, detail, 1, t->now_ms);
}

/* At the first site that can be read from it, else at the page. */
static void sight_invalid(const struct tracking *t, struct str why)
{
    const struct site *site = NULL;

    for (size_t i = 0; site == NULL && i < t->batch.count; i++)
        site = snapshot_tracked(t->snapshot, t->batch.events[i].site);
    if (site != NULL)
        sight(t, site, SIGHT_INVALID, why);
    else
        sight_at_page(t->api, t->request, SIGHT_INVALID, why, t->now_ms);
}

/* -- checks -- */

static bool parse(struct tracking *t)
{
    struct event_problem problem = {SIZE_MAX, NULL};
    struct err err = {0};

    if (event_parse(t->request->body, t->now_ms, t->request->arena, &t->batch, &problem, &err) <
        0) {
        sight_invalid(t, str_from(err.text));
        return refuse(t, 400, REJECT_INVALID, problem.index, problem.field, err.text);
    }
    return true;
}

static bool authenticate(struct tracking *t)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    struct str text;

    if (t->request->authorization.len == 0)
        return true;
    if (bearer_token(t->request->authorization, &text) && token_hash(text, hash))
        t->token = snapshot_token(t->snapshot, hash, t->now_ms);
    if (t->token == NULL)
        return refuse(t, 401, REJECT_UNAUTHORIZED, SIZE_MAX, NULL, "the token is not valid");
    t->client.has_token = true;
    return true;
}

static bool token_reaches(const struct token *token, const struct site *site)
{
    return token == NULL || token->platform ||
           (str_eq(token->tenant, site->tenant) &&
            (token->site.len == 0 || str_eq(token->site, site->id)));
}

static bool find_sites(struct tracking *t)
{
    t->sites = ARENA_NEW(t->request->arena, const struct site *, t->batch.count);
    for (size_t i = 0; i < t->batch.count; i++)
        t->sites[i] = i > 0 && str_eq(t->batch.events[i].site, t->batch.events[i - 1].site)
                          ? t->sites[i - 1]
                          : snapshot_tracked(t->snapshot, t->batch.events[i].site);
    for (size_t i = 0; i < t->batch.count; i++) {
        const struct event_input *in = &t->batch.events[i];
        const struct site *site = t->sites[i];

        if (site == NULL)
            sight_at_page(t->api, t->request, SIGHT_UNKNOWN_SITE, in->site, t->now_ms);
        if (site == NULL || !token_reaches(t->token, site))
            return refuse(t, 404, REJECT_INVALID, i, "siteId", "no such site");
        if (in->tenant.len > 0 && !str_eq(in->tenant, site->tenant))
            return refuse(t, 404, REJECT_INVALID, i, "tenantId", "no such site of this tenant");
    }
    return true;
}

static bool needs_token(const struct site *site, struct str name)
{
    for (size_t i = 0; i < site->token_events_count; i++)
        if (str_eq(site->token_events[i], name))
            return true;
    return false;
}

/* What only a token may send: the member, or NULL. */
static const char *token_member(const struct site *site, const struct event_input *in)
{
    if (in->has_timestamp)
        return "timestamp";
    if (in->count > 1)
        return "count";
    if (in->has_visitor)
        return "visitor";
    return needs_token(site, in->name) ? "event" : NULL;
}

static bool permit(struct tracking *t)
{
    if (t->token != NULL && (t->token->scopes & SCOPE_EVENTS_WRITE) == 0)
        return refuse(t, 403, REJECT_FORBIDDEN, SIZE_MAX, NULL,
                      "the token lacks the scope events:write");
    for (size_t i = 0; i < t->batch.count; i++) {
        const char *member = token_member(t->sites[i], &t->batch.events[i]);

        if ((i == 0 || t->sites[i] != t->sites[i - 1]) &&
            !site_allows_origin(t->sites[i], t->request->origin)) {
            sight(t, t->sites[i], SIGHT_ORIGIN, t->request->origin);
            return refuse(t, 403, REJECT_FORBIDDEN, i, NULL,
                          "the Origin is not one of the site's allowed origins");
        }
        if (t->token == NULL && member != NULL) {
            sight(t, t->sites[i], SIGHT_TOKEN,
                  str_eq(str_from(member), STR("event")) ? t->batch.events[i].name
                                                         : str_from(member));
            return refuse(t, 403, REJECT_FORBIDDEN, i, member,
                          "only a token with the scope events:write may send this");
        }
    }
    return true;
}

/* Neighbours of one site are taken from its bucket together. */
static bool keep_rates(struct tracking *t)
{
    for (size_t i = 0, n; i < t->batch.count; i += n) {
        const struct site *site = t->sites[i];

        for (n = 1; i + n < t->batch.count && t->sites[i + n] == site;)
            n++;
        if (!quotas_take_second(t->api->quotas, site, n, clock_steady_us()))
            return refuse(t, 429, REJECT_RATE_LIMITED, i, NULL,
                          "too many events per second for this site");
    }
    return true;
}

/* -- storing -- */

/* The records of a request: their bytes in one buf, one after the other. */
struct records {
    struct buf bytes;
    struct log_entry *entries; /* payload.ptr is set once all bytes are there */
    size_t count;
};

static void record_done(struct records *records, struct str site, size_t began)
{
    records->entries[records->count++] =
        (struct log_entry){site_partition(site), {NULL, records->bytes.len - began}};
}

static bool store_event(struct tracking *t, size_t i, struct records *records)
{
    struct event event = {0};
    struct err err = {0};
    size_t began = records->bytes.len;

    if (event_make(t->sites[i], &t->client, t->senders[i], snapshot_salts(t->snapshot),
                   snapshot_id_key(t->snapshot), t->now_ms, &t->batch.events[i], t->request->arena,
                   &event, &err) < 0)
        return refuse(t, 503, NO_REASON, i, NULL, err.text);
    event_encode(&event, &records->bytes);
    record_done(records, event.site, began);
    t->accepted++;
    return true;
}

/* Who sent each event: the request's sender, or the visitor that a backend speaks for; nothing is
 * known of a backend itself. */
static void find_senders(struct tracking *t)
{
    struct arena *arena = t->request->arena;
    struct sender *own = ARENA_NEW(arena, struct sender, 1);

    if (!t->client.has_token)
        sender_of_request(t->api, t->request, &t->client.address, own);
    t->senders = ARENA_NEW(arena, const struct sender *, t->batch.count);
    for (size_t i = 0; i < t->batch.count; i++) {
        const struct event_input *in = &t->batch.events[i];
        struct sender *visitor = own;

        if (t->client.has_token && in->has_visitor) {
            visitor = ARENA_NEW(arena, struct sender, 1);
            sender_of_visitor(t->api, in->visitor_agent, &in->visitor_address, arena, visitor);
        }
        t->senders[i] = visitor;
    }
}

/* A repeat within the request; others the job finds. */
static bool repeats(const struct tracking *t, size_t i)
{
    const struct event_input *events = t->batch.events;

    for (size_t k = 0; events[i].id.len > 0 && k < i; k++)
        if (t->reasons[k] == DROP_NONE && t->sites[k] == t->sites[i] &&
            str_eq(events[k].id, events[i].id))
            return true;
    return false;
}

static void screen_all(struct tracking *t)
{
    t->reasons = ARENA_NEW(t->request->arena, enum drop_reason, t->batch.count);
    for (size_t i = 0; i < t->batch.count; i++) {
        t->reasons[i] = event_screen(t->sites[i], &t->client, t->senders[i], &t->batch.events[i]);
        if (t->reasons[i] == DROP_NONE && repeats(t, i))
            t->reasons[i] = DROP_DUPLICATE;
    }
}

/* The date that the ledger has it under. */
static int32_t day_of(const struct tracking *t, size_t i)
{
    const struct event_input *in = &t->batch.events[i];

    return site_day(t->sites[i], in->has_timestamp ? in->timestamp_ms : t->now_ms);
}

static int32_t month_of(const struct tracking *t, size_t i)
{
    return quotas_by_month(t->sites[i]) ? quotas_month(day_of(t, i), NULL) : 0;
}

/* Of neighbours of one site and month the first so many as its quotas and its tenant's have room
 * for. */
static void keep_quotas(struct tracking *t)
{
    for (size_t i = 0, end; i < t->batch.count; i = end) {
        const struct site *site = t->sites[i];
        int32_t month = month_of(t, i);
        size_t wanted = 0;

        for (end = i; end < t->batch.count && t->sites[end] == site && month_of(t, end) == month;
             end++)
            wanted += t->reasons[end] == DROP_NONE;
        size_t fits = wanted == 0 ? 0
                                  : quotas_take(t->api->quotas, site, month, wanted,
                                                clock_steady_us(), t->now_ms);

        for (size_t k = i; k < end; k++) {
            if (t->reasons[k] != DROP_NONE)
                continue;
            if (fits == 0)
                t->reasons[k] = DROP_QUOTA;
            else
                fits--;
        }
    }
}

/* What was not stored has used nothing up. */
static void give_quotas(struct tracking *t)
{
    for (size_t i = 0; i < t->batch.count; i++)
        if (t->reasons[i] == DROP_NONE)
            quotas_give(t->api->quotas, t->sites[i], month_of(t, i), 1);
}

/* Dropped events of one site, day, reason and kind of robot share a record. */
static void store_drop(struct tally *tallies, size_t *count, const struct site *site, int32_t day,
                       enum drop_reason reason, struct str bot)
{
    struct tally *tally = tallies;

    while (tally < tallies + *count && (tally->day != day || tally->reason != reason ||
                                        !str_eq(tally->bot, bot) || !str_eq(tally->site, site->id)))
        tally++;
    if (tally == tallies + *count) {
        *tally = (struct tally){.site = site->id,
                                .tenant = site->tenant,
                                .day = day,
                                .reason = (uint8_t)reason,
                                .bot = bot};
        ++*count;
    }
    tally->events++;
}

static bool make_records(struct tracking *t, struct records *records)
{
    struct tally *tallies = NULL;
    size_t count = 0;

    records->entries = ARENA_NEW(t->request->arena, struct log_entry, t->batch.count);
    for (size_t i = 0; i < t->batch.count; i++) {
        enum drop_reason reason = t->reasons[i];

        if (reason == DROP_NONE) {
            if (!store_event(t, i, records))
                return false;
            continue;
        }
        if (tallies == NULL)
            tallies = ARENA_NEW(t->request->arena, struct tally, t->batch.count);
        store_drop(tallies, &count, t->sites[i], day_of(t, i), reason,
                   reason == DROP_BOT ? t->senders[i]->bot : STR(""));
        t->dropped[reason]++;
    }
    for (size_t i = 0; i < count; i++) {
        size_t began = records->bytes.len;

        tally_encode(&tallies[i], &records->bytes);
        record_done(records, tallies[i].site, began);
        sight_drops(t->api, t->request, &tallies[i], t->now_ms);
    }
    return true;
}

static bool append(struct tracking *t, struct records *records, uint64_t *ticket)
{
    const char *at = records->bytes.ptr;
    struct err err = {0};

    for (size_t i = 0; i < records->count; i++) {
        records->entries[i].payload.ptr = at;
        at += records->entries[i].payload.len;
    }
    if (log_append(t->api->log, records->entries, records->count, ticket, &err) < 0) {
        metrics_error(t->api->metrics, METRICS_ERROR_LOG);
        return refuse(t, 503, NO_REASON, SIZE_MAX, NULL, err.text);
    }
    return true;
}

/* -- the answer -- */

static void count_accepted(struct tracking *t)
{
    for (size_t i = 0; i < t->batch.count; i++) {
        const struct event_input *in = &t->batch.events[i];

        if (in->kind == EVENT_ENGAGEMENT || t->sites[i]->series == NULL)
            continue;
        if (t->reasons[i] != DROP_NONE)
            continue;
        metrics_event(t->sites[i]->series,
                      in->kind == EVENT_CUSTOM ? METRICS_EVENT_NAMES - 1 : (unsigned)in->kind);
        if (in->kind == EVENT_LEAD_CREATED)
            metrics_conversions(t->sites[i]->series, 1);
        if (in->kind == EVENT_AI_USAGE)
            metrics_ai_tokens(t->sites[i]->series, (uint64_t)in->tokens);
    }
    for (unsigned reason = DROP_NONE + 1; reason < DROP_REASONS; reason++)
        if (t->dropped[reason] > 0)
            metrics_dropped(t->api->metrics, reason, t->dropped[reason]);
}

static void answer(struct tracking *t)
{
    struct json_out json = {.buf = &t->response->body};

    t->response->status = 202;
    if (t->batch.count == 1 && t->accepted == 1) {
        t->response->static_body = STR("{\"accepted\":1}");
        return;
    }
    json_open(&json, '{');
    json_name(&json, STR("accepted"));
    json_i64(&json, (int64_t)t->accepted);
    if (t->accepted < t->batch.count) {
        json_name(&json, STR("dropped"));
        json_open(&json, '{');
        for (unsigned reason = 0; reason < DROP_REASONS; reason++) {
            if (t->dropped[reason] == 0)
                continue;
            json_name(&json, drop_reason_name((enum drop_reason)reason));
            json_i64(&json, t->dropped[reason]);
        }
        json_close(&json, '}');
    }
    json_close(&json, '}');
}

/* A request that waits for its records to be durable. */
struct waiting {
    const struct http_request *request;
    struct http_response *response;
};

static void durable(void *ctx, int code)
{
    const struct waiting *waiting = ctx;

    if (code < 0) {
        waiting->response->static_body = STR("");
        buf_reset(&waiting->response->body);
        http_problem(waiting->response, 503,
                     STR("the event log cannot be made durable now; what was sent may still be "
                         "counted, so send it "
                         "again with the same id"),
                     STR(""));
    }
    http_resume(waiting->request);
}

/* From here on the log's thread may end the request at any moment. */
static void await_durable(struct tracking *t, uint64_t ticket)
{
    struct waiting *waiting = ARENA_NEW(t->request->arena, struct waiting, 1);

    *waiting = (struct waiting){t->request, t->response};
    http_suspend(t->request);
    log_when_durable(t->api->log, ticket, durable, waiting);
}

static void store(struct tracking *t)
{
    struct records records = {0};
    uint64_t ticket = 0;

    find_senders(t);
    screen_all(t);
    keep_quotas(t);
    bool stored = make_records(t, &records) && append(t, &records, &ticket);

    buf_release(&records.bytes);
    if (!stored) {
        give_quotas(t);
        return;
    }
    answer(t);
    count_accepted(t);
    if (t->api->always)
        await_durable(t, ticket);
}

void track_post(const struct http_request *request, struct http_response *response)
{
    struct api *api = request->app;
    struct tracking t = {
        .api = api,
        .request = request,
        .response = response,
        .now_ms = clock_wall_ms(),
        .snapshot = directory_take(api->directory),
        .client = {.address = client_address(request->peer, request->forwarded_for, api->trusted,
                                             api->trusted_count),
                   .user_agent = str_slice(request->user_agent, 0, EVENT_AGENT_MAX),
                   .origin = request->origin,
                   .gpc = request->gpc,
                   .dnt = request->dnt},
    };

    if (t.snapshot == NULL) {
        (void)refuse(&t, 503, NO_REASON, SIZE_MAX, NULL, "the server is still starting");
        return;
    }
    if (parse(&t) && authenticate(&t) && find_sites(&t) && permit(&t) && keep_rates(&t))
        store(&t);
    directory_give(api->directory, t.snapshot);
}
