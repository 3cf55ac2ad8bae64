/*
 * test_api_caller.c -- who asks, how far that reaches, and what everybody may see.
 *
 * The tenant five has the sites a (Berlin), b and d (UTC), six has c (UTC).
 */
#include "api_fixture.h"

#include "access/people.h"
#include "access/signed.h"
#include "api/caller.h"
#include "api/quotas.h"
#include "base/json.h"
#include "cache/cache.h"

#define RANGE "from=2026-11-01&to=2026-11-21"

static struct stats counts(int64_t pageviews)
{
    return (struct stats){.pageviews = pageviews,
                          .unique_visitors = pageviews / 2,
                          .visits = pageviews / 2,
                          .bounces = pageviews / 4,
                          .leads = pageviews / 10,
                          .ai_tokens = 123456};
}

static int set_up(void **state)
{
    struct api_world *w = world_new("2026-11-22T13:25:00Z");

    fixture_site(w->store, "five", "d", "UTC", 365);
    fixture_day(w->store, "five", "a", "2026-11-20", counts(100));
    fixture_day(w->store, "five", "b", "2026-11-20", counts(2000));
    fixture_day(w->store, "five", "d", "2026-11-20", counts(30000));
    fixture_day(w->store, "six", "c", "2026-11-20", counts(400000));
    world_counted(w, "2026-11-22T13:24:50Z");
    world_load(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct api_world *w = *state;

    quotas_free(&w->api.quotas);
    cache_close(&w->api.cache);
    world_free(w);
    return 0;
}

/* -- who there is ------------------------------------------------------------------------------ */

static const struct str host = {"stats.example.com", 17};

/* Ask with a cookie, which may be empty. */
static int ask_cookie(struct api_world *w, handler *handle, const char *cookie, const char *query)
{
    return world_send(
        w, handle,
        (struct http_request){.query = str_from(query), .cookie = str_from(cookie), .host = host});
}

static int ask_nobody(struct api_world *w, handler *handle, const char *query)
{
    return ask_cookie(w, handle, "", query);
}

static int ask_bearer(struct api_world *w, handler *handle, struct str text, const char *query)
{
    return world_ask_for(w, handle, text.ptr, query, "");
}

static int ask_tenant(struct api_world *w, const char *cookie, const char *tenant)
{
    return world_send(w, tenant_stats_get,
                      (struct http_request){.query = STR(RANGE),
                                            .param = str_from(tenant),
                                            .cookie = str_from(cookie)});
}

/* A session that began an hour ago: its cookie. */
static const char *signed_in(struct api_world *w, const char *email, bool admin,
                             const char *memberships)
{
    struct user_row user = {.id = str_from(email),
                            .name = STR("Somebody"),
                            .admin = admin,
                            .memberships = str_from(memberships),
                            .created_ms = 1};
    struct session_row session = {.user = user.id,
                                  .kind = SESSION_SIGNED_IN,
                                  .created_ms = world_now_ms - HOUR_MS,
                                  .seen_ms = world_now_ms,
                                  .expires_ms = world_now_ms + SESSION_MS};
    char secret[SECRET_TEXT_MAX], id[65];
    struct buf cookie = {0};

    secret_make(secret, id);
    session.id = str_from(id);
    world_put(w, ROW_USER, &user);
    world_put(w, ROW_SESSION, &session);
    buf_addf(&cookie, "theme=dark; abacus_session=%s", secret);
    struct str kept = arena_str(&w->arena, buf_str(&cookie));

    buf_release(&cookie);
    return kept.ptr;
}

static const char *platform_token(struct api_world *w)
{
    char *text = arena_alloc(&w->arena, TOKEN_TEXT_MAX, 1);
    struct token_request request = {.platform = true, .scopes = SCOPE_STATS_READ};
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    assert_int_equal(token_create(w->store, &request, &actor, text, &err), 0);
    world_load(w);
    return text;
}

/* The id of a tenant's one token. */
static struct str token_id(struct api_world *w, const char *tenant)
{
    struct directory_rows rows;
    struct err err = {0};

    assert_int_equal(store_read_directory(w->store, &w->arena, &rows, &err), 0);
    for (size_t i = 0; i < rows.tokens_count; i++)
        if (str_eq(rows.tokens[i].tenant, str_from(tenant)))
            return rows.tokens[i].id;
    fail_msg("no token of %s", tenant);
    return STR("");
}

static void remove_token(struct api_world *w, struct str id)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    assert_int_equal(store_remove_token(w->store, id, &actor, &err), 0);
    world_load(w);
}

static void suspend(struct api_world *w, const char *tenant)
{
    struct tenant_row row;

    world_get(w, ROW_TENANT, tenant, &row);
    row.active = false;
    world_put(w, ROW_TENANT, &row);
}

static void make_public(struct api_world *w, const char *site, const char *metrics)
{
    struct site_row row;

    world_get(w, ROW_SITE, site, &row);
    row.public_dashboard = true;
    row.public_metrics = str_from(metrics);
    world_put(w, ROW_SITE, &row);
}

static const uint8_t *signing_key(struct api_world *w)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    uint8_t *key = arena_alloc(&w->arena, SIGNING_KEY_BYTES, 1);

    memcpy(key, snapshot_signing_key(snapshot), SIGNING_KEY_BYTES);
    directory_give(w->directory, snapshot);
    return key;
}

static struct link_row link_to(struct api_world *w, const char *site, const char *password,
                               int64_t expires_ms)
{
    struct link_row link = {.id = STR("l1"),
                            .tenant = STR("five"),
                            .site = str_from(site),
                            .name = STR("for the board"),
                            .password = str_from(password),
                            .created_ms = 77,
                            .expires_ms = expires_ms};

    world_put(w, ROW_LINK, &link);
    return link;
}

static struct str embed_of(struct api_world *w, struct str token, struct str *sites, size_t count)
{
    struct embed embed = {.tenant = STR("five"),
                          .token = token,
                          .sites = sites,
                          .sites_count = count,
                          .expires_ms = world_now_ms + EMBED_MS_MAX};

    return signed_embed(signing_key(w), &embed, &w->arena);
}

/* What the last answer said, to be compared with another. */
static struct str said(struct api_world *w)
{
    return arena_str(&w->arena, w->body);
}

#define assert_said(w, before)                                                                     \
    do {                                                                                           \
        if (!str_eq((w)->body, (before)))                                                          \
            fail_msg("%.*s\nis not %.*s", STR_FMT((w)->body), STR_FMT(before));                    \
    } while (0)

/* -- nobody, and wrong credentials ------------------------------------------------------------- */

static void refuses_unknown_credentials_in_the_same_words(void **state)
{
    struct api_world *w = *state;
    char altered[TOKEN_TEXT_MAX];

    memcpy(altered, w->five, sizeof(altered));
    altered[20] = altered[20] == 'x' ? 'y' : 'x';
    const char *const wrong[] = {"",
                                 "Bearer",
                                 "Bearer nonsense",
                                 "Basic YTpi",
                                 "JWT a.b.c",
                                 "Bearer link.l1.AAAA",
                                 "Bearer open.e30.AAAA",
                                 "Bearer embed.e30.AAAA",
                                 arena_str(&w->arena, str_from(altered)).ptr};
    struct http_request request = {.query = STR("siteId=a")};

    assert_int_equal(ask_nobody(w, stats_get, "siteId=a"), 401);
    struct str words = said(w);

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        request.authorization = str_from(wrong[i]);
        request.query = i % 2 == 0 ? STR("siteId=a") : STR("siteId=nowhere");
        assert_int_equal(world_send(w, stats_get, request), 401);
        assert_said(w, words);
        assert_string_equal(world_header(w, "WWW-Authenticate"), "Bearer");
    }
}

static void a_token_that_has_ended_is_unknown(void **state)
{
    struct api_world *w = *state;
    struct token_request request = {
        .tenant = STR("five"), .scopes = SCOPE_STATS_READ, .expires_ms = world_now_ms + 1000};
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    char text[TOKEN_TEXT_MAX];
    struct err err = {0};

    assert_int_equal(token_create(w->store, &request, &actor, text, &err), 0);
    world_load(w);
    world_now_ms += 999;
    assert_int_equal(ask_bearer(w, stats_get, str_from(text), "siteId=a"), 200);
    world_now_ms += 1;
    assert_int_equal(ask_bearer(w, stats_get, str_from(text), "siteId=a"), 401);
}

static void a_header_that_is_wrong_is_not_mended_by_a_cookie(void **state)
{
    struct api_world *w = *state;
    const char *cookie =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");

    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=a"), 200);
    assert_int_equal(world_send(w, stats_get,
                                (struct http_request){.query = STR("siteId=a"),
                                                      .cookie = str_from(cookie),
                                                      .authorization = STR("Bearer nonsense")}),
                     401);
}

static void a_cookie_that_has_ended_is_as_though_it_had_not_come(void **state)
{
    struct api_world *w = *state;
    const char *cookie =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");

    make_public(w, "b", "");
    world_now_ms += SESSION_IDLE_MS - 1;
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=a"), 200);
    world_now_ms += SESSION_IDLE_MS;
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=a"), 401);
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=b"), 200);
}

/* -- people ------------------------------------------------------------------------------------ */

static void a_person_reads_the_tenants_it_belongs_to(void **state)
{
    struct api_world *w = *state;
    const char *cookie =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");

    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=a&" RANGE), 200);
    assert_has(w, "\"pageviews\":100,");
    assert_int_equal(ask_cookie(w, stats_get, cookie, RANGE), 200);
    assert_has(w, "\"siteId\":null,\"tenantId\":\"five\",");
    assert_has(w, "\"pageviews\":32100,");
    assert_int_equal(ask_tenant(w, cookie, "five"), 200);
    assert_int_equal(ask_cookie(w, ledger_get, cookie, "siteId=a&" RANGE), 200);
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=nowhere"), 404);
    struct str words = said(w);

    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=c"), 404);
    assert_said(w, words);
    assert_int_equal(ask_tenant(w, cookie, "nobody"), 404);
    words = said(w);
    assert_int_equal(ask_tenant(w, cookie, "six"), 404);
    assert_said(w, words);
}

static void a_person_of_some_sites_means_those(void **state)
{
    struct api_world *w = *state;
    const char *cookie =
        signed_in(w, "a@b.example", false,
                  "[{\"tenantId\":\"five\",\"role\":\"viewer\",\"sites\":[\"a\",\"b\"]}]");

    assert_int_equal(ask_cookie(w, stats_get, cookie, RANGE), 200);
    assert_has(w, "\"pageviews\":2100,");
    assert_int_equal(ask_cookie(w, compare_get, cookie, "tenantId=five&" RANGE), 200);
    assert_has(w, "\"pageviews\":2100,");
    assert_int_equal(ask_tenant(w, cookie, "five"), 200);
    assert_has(w, "\"pageviews\":2100,");
    assert_has(w, "\"sites\":[{\"siteId\":\"a\",");
    assert_false(world_has(w, "\"siteId\":\"d\""));
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=d"), 404);
    struct str words = said(w);

    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=nowhere"), 404);
    assert_said(w, words);
}

static void a_person_of_one_site_means_it_and_has_no_tenants_sums(void **state)
{
    struct api_world *w = *state;
    const char *cookie =
        signed_in(w, "a@b.example", false,
                  "[{\"tenantId\":\"five\",\"role\":\"manager\",\"sites\":[\"b\"]}]");

    assert_int_equal(ask_cookie(w, timeseries_get, cookie, RANGE), 200);
    assert_has(w, "\"siteId\":\"b\",");
    assert_int_equal(ask_cookie(w, stats_get, cookie, "tenantId=five&" RANGE), 200);
    assert_has(w, "\"siteId\":\"b\",");
    assert_int_equal(ask_tenant(w, cookie, "five"), 404);
}

static void who_reaches_several_tenants_must_name_one(void **state)
{
    struct api_world *w = *state;
    const char *cookie = signed_in(w, "a@b.example", false,
                                   "[{\"tenantId\":\"five\",\"role\":\"viewer\"},"
                                   "{\"tenantId\":\"six\",\"role\":\"viewer\"}]");

    assert_int_equal(ask_cookie(w, stats_get, cookie, RANGE), 400);
    assert_has(w, "\"parameter\":\"siteId\"");
    struct str words = said(w);

    assert_int_equal(ask_bearer(w, stats_get, str_from(platform_token(w)), RANGE), 400);
    assert_said(w, words);
    assert_int_equal(ask_cookie(w, stats_get, cookie, "tenantId=six&" RANGE), 200);
    assert_has(w, "\"pageviews\":400000,");
    assert_int_equal(ask_cookie(w, compare_get, cookie, "siteIds=a,c&" RANGE), 200);
}

static void an_admin_reads_everything_and_must_name_it(void **state)
{
    struct api_world *w = *state;
    const char *cookie = signed_in(w, "root@b.example", true, "");

    assert_int_equal(ask_cookie(w, stats_get, cookie, RANGE), 400);
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=c&" RANGE), 200);
    assert_int_equal(ask_tenant(w, cookie, "five"), 200);
}

static void who_belongs_nowhere_reads_nothing(void **state)
{
    struct api_world *w = *state;
    const char *cookie = signed_in(w, "a@b.example", false, "[]");

    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=a"), 403);
    assert_int_equal(ask_cookie(w, stats_get, cookie, "siteId=nowhere"), 403);
}

/* -- cookies ----------------------------------------------------------------------------------- */

static void over_https_only_the_name_that_is_bound_to_the_host_counts(void **state)
{
    struct api_world *w = *state;
    const char *plain =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");
    struct buf bound = {0};

    buf_addf(&bound, "__Host-%s", strstr(plain, "abacus_session="));
    struct http_request request = {.query = STR("siteId=a"), .cookie = buf_str(&bound)};

    assert_int_equal(world_send(w, stats_get, request), 401);
    w->api.public_url = STR("https://stats.example.com/");
    assert_int_equal(world_send(w, stats_get, request), 200);
    assert_int_equal(ask_cookie(w, stats_get, plain, "siteId=a"), 401);
    w->api.public_url = STR("http://stats.example.com/");
    assert_int_equal(world_send(w, stats_get, request), 401);
    assert_int_equal(ask_cookie(w, stats_get, plain, "siteId=a"), 200);
    buf_release(&bound);
}

static void only_a_trusted_proxy_says_that_it_is_https(void **state)
{
    struct api_world *w = *state;
    struct cidr proxies;
    struct http_request request = {.forwarded_proto = STR("http, https")};

    assert_true(cidr_parse(STR("10.0.0.0/8"), &proxies));
    w->api.trusted = &proxies;
    assert_true(addr_parse(STR("10.1.2.3"), &request.peer));
    assert_false(caller_is_https(&w->api, &request));
    w->api.trusted_count = 1;
    assert_true(caller_is_https(&w->api, &request));
    request.forwarded_proto = STR("https,http");
    assert_false(caller_is_https(&w->api, &request));
    request.forwarded_proto = STR("");
    assert_false(caller_is_https(&w->api, &request));
    request.forwarded_proto = STR("https");
    assert_true(addr_parse(STR("192.0.2.1"), &request.peer));
    assert_false(caller_is_https(&w->api, &request));
}

static enum refusal read_as(struct api_world *w, struct http_request request, struct caller *out)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    struct worker worker = {.store = w->store, .write = w->store};

    request.arena = &w->arena;
    request.app = &w->api;
    request.worker = &worker;
    enum refusal refusal = caller_read(&request, snapshot, world_now_ms, out);

    directory_give(w->directory, snapshot);
    return refusal;
}

static void a_cookie_changes_something_only_from_the_servers_own_pages(void **state)
{
    struct api_world *w = *state;
    const char *cookie = signed_in(w, "root@b.example", true, "");
    const struct {
        const char *method, *origin, *fetch_site, *public_url;
        bool good;
    } cases[] = {
        {"GET", "https://evil.example", "cross-site", "", true},
        {"HEAD", "https://evil.example", "cross-site", "", true},
        {"POST", "https://stats.example.com", "", "", true},
        {"POST", "http://stats.example.com", "", "", true},
        {"POST", "https://STATS.example.com", "cross-site", "", true},
        {"POST", "https://evil.example", "same-origin", "", false},
        {"POST", "https://stats.example.com.evil.example", "", "", false},
        {"POST", "https://stats.example.com:8443", "", "", false},
        {"POST", "null", "same-origin", "", false},
        {"POST", "stats.example.com", "", "", false},
        {"POST", "ftp://stats.example.com", "", "", false},
        {"POST", "ipfs://stats.example.com", "", "", false},
        {"POST", "nothingstats.example.com", "", "", false},
        {"POST", "", "same-origin", "", true},
        {"POST", "", "same-site", "", false},
        {"POST", "", "none", "", false},
        {"POST", "", "", "", false},
        {"PUT", "https://evil.example", "", "", false},
        {"PATCH", "https://evil.example", "", "", false},
        {"DELETE", "https://evil.example", "", "", false},
        {"get", "https://evil.example", "", "", false},
        /* The public URL counts, not the Host. */
        {"POST", "http://stats.example.com", "", "http://numbers.example.com/", false},
        {"POST", "http://numbers.example.com", "", "http://numbers.example.com/", true},
        {"POST", "https://numbers.example.com", "", "http://numbers.example.com", false},
        {"POST", "http://numbers.example.com", "", "http://numbers.example.com:80/x", true},
        {"POST", "http://numbers.example.com:81", "", "http://numbers.example.com:81", true},
        {"POST", "http://numbers.example.com.evil.example", "", "http://numbers.example.com",
         false},
        {"POST", "http://numbers.example.co", "", "http://numbers.example.com", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct caller caller;
        struct http_request request = {.method = str_from(cases[i].method),
                                       .origin = str_from(cases[i].origin),
                                       .fetch_site = str_from(cases[i].fetch_site),
                                       .cookie = str_from(cookie),
                                       .host = host};

        w->api.public_url = str_from(cases[i].public_url);
        enum refusal refusal = read_as(w, request, &caller);

        if (refusal != (cases[i].good ? REFUSED_NOT : REFUSED_ORIGIN))
            fail_msg("%s %s %s", cases[i].method, cases[i].origin, cases[i].public_url);
    }
}

static void a_token_needs_no_origin(void **state)
{
    struct api_world *w = *state;
    struct buf authorization = {0};
    struct caller caller;

    buf_addf(&authorization, "bearer %s", w->five);
    struct http_request request = {.method = STR("POST"),
                                   .origin = STR("https://evil.example"),
                                   .authorization = buf_str(&authorization),
                                   .host = host};

    assert_int_equal(read_as(w, request, &caller), REFUSED_NOT);
    assert_int_equal(caller.kind, CALLER_TOKEN);
    assert_false(caller.cookie);
    buf_release(&authorization);
}

/* -- suspended, and to be erased --------------------------------------------------------------- */

static void a_suspended_tenant_is_closed_to_all_but_the_platform(void **state)
{
    struct api_world *w = *state;
    const char *own =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"manager\"}]");
    const char *both = signed_in(w, "x@b.example", false,
                                 "[{\"tenantId\":\"five\",\"role\":\"viewer\"},"
                                 "{\"tenantId\":\"six\",\"role\":\"viewer\"}]");
    struct link_row link = link_to(w, "a", "", 0);
    struct str link_text = signed_link(signing_key(w), &link, &w->arena);
    const char *platform = platform_token(w);
    struct str embed = embed_of(w, token_id(w, ""), NULL, 0);

    make_public(w, "a", "");
    assert_int_equal(ask_bearer(w, stats_get, link_text, ""), 200);
    assert_int_equal(ask_bearer(w, stats_get, embed, "siteId=a"), 200);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=a"), 200);
    suspend(w, "five");
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 403);
    assert_has(w, "\"detail\":\"the tenant is suspended\"");
    struct str words = said(w);

    assert_int_equal(ask_bearer(w, stats_get, link_text, ""), 403);
    assert_said(w, words);
    assert_int_equal(ask_bearer(w, stats_get, embed, "siteId=a"), 403);
    assert_said(w, words);
    assert_int_equal(ask_cookie(w, stats_get, own, "siteId=a"), 403);
    assert_said(w, words);
    assert_int_equal(ask_cookie(w, stats_get, both, "siteId=a"), 403);
    assert_said(w, words);
    assert_int_equal(ask_tenant(w, both, "five"), 403);
    assert_int_equal(ask_cookie(w, stats_get, both, "siteId=c"), 200);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=a"), 401);
    assert_int_equal(ask_bearer(w, stats_get, str_from(platform), "siteId=a"), 200);
}

static void who_manages_does_not_see_suspended_tenants(void **state)
{
    struct api_world *w = *state;
    const char *both = signed_in(w, "x@b.example", false,
                                 "[{\"tenantId\":\"five\",\"role\":\"manager\"},"
                                 "{\"tenantId\":\"six\",\"role\":\"manager\"}]");
    struct worker worker = {.store = w->store, .write = w->store};
    struct http_request request = {.method = STR("GET"),
                                   .cookie = str_from(both),
                                   .arena = &w->arena,
                                   .app = &w->api,
                                   .worker = &worker};
    struct call call;

    assert_true(call_open(&call, &request, &w->response, SCOPE_ADMIN));
    assert_int_equal(call.caller.reaches_count, 2);
    assert_string_equal(call_actor(&call).name.ptr, "user:x@b.example");
    call_close(&call);
    suspend(w, "five");
    assert_true(call_open(&call, &request, &w->response, SCOPE_ADMIN));
    assert_int_equal(call.caller.reaches_count, 1);
    assert_true(str_eq(call.caller.reaches[0].tenant, STR("six")));
    call_close(&call);
    suspend(w, "six");
    assert_false(call_open(&call, &request, &w->response, SCOPE_ADMIN));
    assert_int_equal(w->response.status, 403);
    call_close(&call);
    assert_true(call_open(&call, &request, &w->response, 0));
    call_close(&call);
}

static void a_site_that_is_to_be_erased_is_read_by_nobody(void **state)
{
    struct api_world *w = *state;
    const char *platform = platform_token(w);
    struct link_row link = link_to(w, "a", "", 0);
    struct str link_text = signed_link(signing_key(w), &link, &w->arena);
    struct site_row row;

    make_public(w, "a", "");
    world_get(w, ROW_SITE, "a", &row);
    row.erase_ms = world_now_ms + DAY_MS;
    world_put(w, ROW_SITE, &row);
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 404);
    assert_int_equal(ask_bearer(w, stats_get, str_from(platform), "siteId=a"), 404);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=a"), 401);
    assert_int_equal(ask_bearer(w, stats_get, link_text, ""), 401);
    assert_int_equal(world_ask(w, stats_get, RANGE), 200);
    assert_has(w, "\"pageviews\":32000,");
    assert_int_equal(world_ask(w, compare_get, "siteIds=b,a"), 404);
}

static void a_tenant_that_is_to_be_erased_is_gone(void **state)
{
    struct api_world *w = *state;
    const char *platform = platform_token(w);
    const char *both = signed_in(w, "x@b.example", false,
                                 "[{\"tenantId\":\"five\",\"role\":\"viewer\"},"
                                 "{\"tenantId\":\"six\",\"role\":\"viewer\"}]");
    struct tenant_row row;

    world_get(w, ROW_TENANT, "five", &row);
    row.erase_ms = world_now_ms + DAY_MS;
    world_put(w, ROW_TENANT, &row);
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 401);
    assert_int_equal(ask_bearer(w, stats_get, str_from(platform), "siteId=a"), 404);
    assert_int_equal(ask_bearer(w, stats_get, str_from(platform), "tenantId=five"), 404);
    assert_int_equal(ask_cookie(w, stats_get, both, "siteId=a"), 404);
    /* What is left is meant where nothing is named. */
    assert_int_equal(ask_cookie(w, stats_get, both, RANGE), 200);
    assert_has(w, "\"tenantId\":\"six\",");
}

/* -- what everybody may see -------------------------------------------------------------------- */

static struct json *parsed(struct api_world *w)
{
    struct json *json = NULL;
    struct err err = {0};

    if (json_parse(w->body, 8, &w->arena, &json, &err) != 0)
        fail_msg("%s: %.*s", err.text, STR_FMT(w->body));
    return json;
}

/* The names of its members, joined by blanks, without those that every answer echoes. */
static struct str members(struct api_world *w, const struct json *object)
{
    static const char echoed[] = " siteId tenantId timezone from to asOf exact uniqueBasis "
                                 "availableFrom ";
    struct buf names = {0};

    assert_int_equal(object->type, JSON_OBJECT);
    for (size_t i = 0; i < object->count; i++) {
        char word[80];

        (void)snprintf(word, sizeof(word), " %.*s ", STR_FMT(object->members[i].name));
        if (strstr(echoed, word) == NULL)
            buf_add(&names, str_from(word + 1));
    }
    struct str kept = arena_str(&w->arena, str_trim(buf_str(&names)));

    buf_release(&names);
    return kept;
}

#define assert_members(w, object, wanted) assert_string_equal(members((w), (object)).ptr, (wanted))
#define PUBLIC "pageviews uniqueVisitors visits viewsPerVisit bounceRate visitDuration"

static void a_public_dashboard_shows_what_is_listed_and_no_more(void **state)
{
    struct api_world *w = *state;
    const struct json *answer;

    make_public(w, "b", "");
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b&" RANGE), 200);
    answer = parsed(w);
    assert_members(w, answer, PUBLIC " days");
    assert_members(w, &json_get(answer, STR("days"))->items[19], "date pageviews uniqueVisitors");
    assert_has(w, "\"pageviews\":2000,");
    assert_int_equal(ask_nobody(w, compare_get, "siteId=b&" RANGE), 200);
    answer = parsed(w);
    assert_members(w, answer, "current previous change");
    assert_members(w, json_get(answer, STR("current")), "until " PUBLIC);
    assert_members(w, json_get(answer, STR("change")), PUBLIC);
    assert_int_equal(ask_nobody(w, timeseries_get, "siteId=b&metric=visitDuration&" RANGE), 200);
    assert_int_equal(ask_nobody(w, realtime_get, "siteId=b"), 200);
    assert_members(w, parsed(w), "visitorsNow last30Minutes pages sources countries");
}

static void a_public_breakdown_has_public_columns(void **state)
{
    struct api_world *w = *state;
    static const char *const dimensions[] = {"page", "source", "country", "device"};
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct site *site = snapshot_site(snapshot, STR("b"));
    struct event event = fixture_event(site, "pageview", instant("2026-11-22T13:00:00Z"), 7, "/");

    event.traits[TRAIT_SOURCE] = STR("Google");
    event.traits[TRAIT_COUNTRY] = STR("DE");
    event.traits[TRAIT_DEVICE] = STR("mobile");
    fixture_events(w->store, site, &event, 1);
    directory_give(w->directory, snapshot);
    make_public(w, "b", "");
    for (size_t i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++) {
        char query[80];

        (void)snprintf(query, sizeof(query), "siteId=b&dimension=%s", dimensions[i]);
        assert_int_equal(ask_nobody(w, breakdown_get, query), 200);
        const struct json *rows = json_get(parsed(w), STR("rows"));

        assert_int_equal(rows->count, 1);
        assert_members(w, &rows->items[0],
                       "value visitors pageviews visits bounceRate visitDuration percent");
    }
    make_public(w, "b", "[\"scrollDepth\",\"conversionRate\",\"browser\"]");
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=page"), 200);
    assert_members(w, &json_get(parsed(w), STR("rows"))->items[0],
                   "value visitors pageviews visits bounceRate visitDuration conversionRate "
                   "percent scrollDepth");
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=browser"), 200);
}

static void what_the_site_names_is_public_too(void **state)
{
    struct api_world *w = *state;

    make_public(w, "b", "[\"leads\",\"prop:plan\"]");
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b&" RANGE), 200);
    const struct json *answer = parsed(w);

    assert_members(w, answer, PUBLIC " leads days");
    assert_members(w, &json_get(answer, STR("days"))->items[19],
                   "date pageviews uniqueVisitors leads");
    assert_int_equal(ask_nobody(w, timeseries_get, "siteId=b&metric=leads&" RANGE), 200);
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=prop:plan"), 200);
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=prop:price"), 401);
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=prop:pla"), 401);
}

/* Of a property that is public they may be asked for, and for their order, where these are. */
static void events_are_public_where_conversions_are(void **state)
{
    static const char sorted[] = "siteId=b&dimension=prop:plan&sort=events";
    struct api_world *w = *state;
    const struct snapshot *snapshot = directory_take(w->directory);
    struct event event = fixture_event(snapshot_site(snapshot, STR("b")), "signup",
                                       instant("2026-11-22T13:00:00Z"), 7, "");

    event.props = STR("{\"plan\":\"pro\"}");
    fixture_events(w->store, snapshot_site(snapshot, STR("b")), &event, 1);
    directory_give(w->directory, snapshot);
    make_public(w, "b", "[\"prop:plan\"]");
    assert_int_equal(ask_nobody(w, breakdown_get, "siteId=b&dimension=prop:plan"), 200);
    assert_members(w, &json_get(parsed(w), STR("rows"))->items[0],
                   "value visitors pageviews visits bounceRate visitDuration percent");
    assert_int_equal(ask_nobody(w, breakdown_get, sorted), 401);
    make_public(w, "b", "[\"prop:plan\",\"conversions\"]");
    assert_int_equal(ask_nobody(w, breakdown_get, sorted), 200);
    assert_members(w, &json_get(parsed(w), STR("rows"))->items[0],
                   "value visitors pageviews visits bounceRate visitDuration conversions percent "
                   "events");
    /* Names of properties are no part of it, whatever is listed. */
    assert_int_equal(ask_nobody(w, properties_get, "siteId=b"), 401);
}

/* What is asked, and how a link is refused. */
static const struct {
    handler *handle;
    const char *query;
} private_questions[] = {
    {timeseries_get, "metric=leads"},
    {timeseries_get, "metric=conversionRate"},
    {breakdown_get, "dimension=browser"},
    {breakdown_get, "dimension=goal"},
    {breakdown_get, "dimension=prop:plan"},
    {breakdown_get, "dimension=page&filter=browser:is:Firefox"},
    {stats_get, "filter=page:is:/&filter=event:is:gneiss"},
    {compare_get, "filter=prop:plan:is:pro"},
    {breakdown_get, "dimension=prop:plan&sort=events"},
    {properties_get, ""},
    {ledger_get, ""},
    {export_get, ""},
    {export_get, "rows=page"},
};
enum { PRIVATE_QUESTIONS = sizeof(private_questions) / sizeof(private_questions[0]) };

static void what_is_not_public_is_refused_as_to_nobody(void **state)
{
    struct api_world *w = *state;
    struct str words;

    make_public(w, "b", "");
    assert_int_equal(ask_nobody(w, stats_get, "siteId=a"), 401);
    words = said(w);
    for (size_t i = 0; i < PRIVATE_QUESTIONS; i++) {
        char query[120];

        (void)snprintf(query, sizeof(query), "siteId=b&%s", private_questions[i].query);
        if (ask_nobody(w, private_questions[i].handle, query) != 401)
            fail_msg("%s: %d", query, w->response.status);
        assert_said(w, words);
    }
    static const char *const unnamed[] = {"",          "siteId=a",          "siteId=nowhere",
                                          "siteId=",   "siteId=b&siteId=b", "tenantId=five",
                                          "siteIds=b", "siteId=%",          "siteId=c"};

    for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++) {
        assert_int_equal(ask_nobody(w, compare_get, unnamed[i]), 401);
        assert_said(w, words);
    }
    assert_int_equal(ask_tenant(w, "", "five"), 401);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b&from=x"), 400);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b&tenantId=six"), 404);
}

static void public_answers_are_kept_apart_from_whole_ones(void **state)
{
    struct api_world *w = *state;
    struct err err = {0};

    make_public(w, "b", "");
    assert_int_equal(cache_open(STR("memory:"), &w->api.cache, &err), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_ask(w, stats_get, "siteId=b&" RANGE), 200);
        assert_has(w, "\"aiTokens\":123456");
        assert_int_equal(ask_nobody(w, stats_get, "siteId=b&" RANGE), 200);
        assert_false(world_has(w, "aiTokens"));
        assert_int_equal(world_ask(w, timeseries_get, "siteId=b&metric=aiTokens&" RANGE), 200);
        assert_int_equal(ask_nobody(w, timeseries_get, "siteId=b&metric=aiTokens&" RANGE), 401);
    }
}

/* -- links ------------------------------------------------------------------------------------- */

static void a_link_opens_its_site_as_a_public_dashboard_would(void **state)
{
    struct api_world *w = *state;
    struct link_row link = link_to(w, "a", "", 0);
    struct str text = signed_link(signing_key(w), &link, &w->arena);

    assert_int_equal(ask_bearer(w, stats_get, text, RANGE), 200);
    assert_members(w, parsed(w), PUBLIC " days");
    assert_has(w, "\"siteId\":\"a\",");
    assert_int_equal(ask_bearer(w, compare_get, text, "siteId=a&" RANGE), 200);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=b"), 404);
    struct str words = said(w);

    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=nowhere"), 404);
    assert_said(w, words);
    assert_int_equal(ask_bearer(w, compare_get, text, "siteIds=a,b"), 404);
    assert_int_equal(ask_bearer(w, stats_get, text, "tenantId=six"), 404);
    for (size_t i = 0; i < PRIVATE_QUESTIONS; i++)
        if (ask_bearer(w, private_questions[i].handle, text, private_questions[i].query) != 403)
            fail_msg("%s: %d", private_questions[i].query, w->response.status);
}

static int remove_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    (void)err;
    return exists ? EDIT_REMOVE : EDIT_KEEP;
}

static void a_link_ends_with_its_hour_and_its_row(void **state)
{
    struct api_world *w = *state;
    struct link_row link = link_to(w, "a", "", world_now_ms + 5000);
    struct str text = signed_link(signing_key(w), &link, &w->arena);

    world_now_ms += 4999;
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 200);
    world_now_ms += 1;
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 401);
    world_now_ms -= 1;
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 200);
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    assert_true(store_edit(w->store, ROW_LINK, link.id, remove_row, NULL, &actor, &err) >= 0);
    world_load(w);
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 401);
}

static void a_link_with_a_password_opens_by_what_its_password_was_given_for(void **state)
{
    struct api_world *w = *state;
    struct link_row link = link_to(w, "a", "$argon2id$whatever", 0);
    struct str text = signed_link(signing_key(w), &link, &w->arena);
    struct str open = signed_open(signing_key(w), &link, world_now_ms + 1000, &w->arena);

    assert_int_equal(ask_bearer(w, stats_get, text, RANGE), 401);
    assert_has(w, "\"password\":true");
    assert_int_equal(ask_bearer(w, stats_get, open, RANGE), 200);
    assert_members(w, parsed(w), PUBLIC " days");
    assert_int_equal(ask_bearer(w, ledger_get, open, RANGE), 403);
    world_now_ms += 1000;
    assert_int_equal(ask_bearer(w, stats_get, open, RANGE), 401);
    assert_false(world_has(w, "\"password\":true"));
}

/* -- embeds ------------------------------------------------------------------------------------ */

static void an_embed_reads_everything_of_its_sites(void **state)
{
    struct api_world *w = *state;
    struct str sites[] = {STR("a"), STR("b")};

    (void)platform_token(w);
    struct str text = embed_of(w, token_id(w, ""), sites, 2);

    assert_int_equal(ask_bearer(w, stats_get, text, RANGE), 200);
    assert_has(w, "\"pageviews\":2100,");
    assert_has(w, "\"aiTokens\":");
    assert_int_equal(ask_bearer(w, ledger_get, text, "siteId=a"), 200);
    assert_int_equal(ask_bearer(w, timeseries_get, text, "siteId=b&metric=leads"), 200);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=d"), 404);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=c"), 404);
    assert_int_equal(ask_bearer(w, stats_get, text, "tenantId=six"), 404);
}

static void an_embed_ends_with_its_hour_and_its_token(void **state)
{
    struct api_world *w = *state;

    (void)platform_token(w);
    struct str id = token_id(w, ""), text = embed_of(w, id, NULL, 0);

    world_now_ms += EMBED_MS_MAX - 1;
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 200);
    world_now_ms += 1;
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 401);
    text = embed_of(w, id, NULL, 0);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 200);
    remove_token(w, id);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 401);
}

static void an_embed_ends_with_its_tokens_right_to_read(void **state)
{
    struct api_world *w = *state;
    struct token_row row;

    (void)platform_token(w);
    struct str id = token_id(w, ""), text = embed_of(w, id, NULL, 0);

    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 200);
    world_get(w, ROW_TOKEN, id.ptr, &row);
    row.scopes = SCOPE_ADMIN;
    world_put(w, ROW_TOKEN, &row);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 401);
    row.scopes |= SCOPE_STATS_READ;
    world_put(w, ROW_TOKEN, &row);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 200);
    /* That of a tenant, which could never have made it. */
    text = embed_of(w, token_id(w, "five"), NULL, 0);
    assert_int_equal(ask_bearer(w, stats_get, text, "siteId=a"), 401);
}

/* -- reads per minute -------------------------------------------------------------------------- */

static void limit_reads(struct api_world *w, int64_t reads)
{
    struct tenant_row row;

    w->api.quotas = quotas_new();
    world_get(w, ROW_TENANT, "five", &row);
    row.reads_per_minute = reads;
    world_put(w, ROW_TENANT, &row);
}

static void a_tenants_reads_are_counted_and_the_platforms_are_not(void **state)
{
    struct api_world *w = *state;
    const char *platform = platform_token(w), *root = signed_in(w, "root@b.example", true, "");
    const char *own =
        signed_in(w, "a@b.example", false, "[{\"tenantId\":\"five\",\"role\":\"viewer\"}]");

    limit_reads(w, 3);
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 200);
    assert_int_equal(ask_cookie(w, ledger_get, own, "siteId=b"), 200);
    assert_int_equal(world_ask(w, stats_get, "siteId=c"), 404); /* reads nothing */
    assert_int_equal(world_ask(w, stats_get, ""), 200);
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 429);
    assert_string_equal(world_header(w, "Retry-After"), "20");
    assert_int_equal(ask_tenant(w, own, "five"), 429);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask_bearer(w, stats_get, str_from(platform), "siteId=a"), 200);
        assert_int_equal(ask_cookie(w, stats_get, root, "siteId=a"), 200);
        assert_int_equal(world_ask_for(w, stats_get, w->six, "siteId=c", ""), 200);
    }
}

static void strangers_have_reads_of_their_own(void **state)
{
    struct api_world *w = *state;
    struct link_row link = link_to(w, "a", "", 0);
    struct str text = signed_link(signing_key(w), &link, &w->arena);

    make_public(w, "b", "");
    limit_reads(w, 2);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b"), 200);
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 200);
    assert_int_equal(ask_nobody(w, stats_get, "siteId=b"), 429);
    assert_int_equal(ask_bearer(w, stats_get, text, ""), 429);
    for (int i = 0; i < 2; i++)
        assert_int_equal(world_ask(w, stats_get, "siteId=a"), 200);
    assert_int_equal(world_ask(w, stats_get, "siteId=a"), 429);
}

static void a_stream_is_one_read_however_long_it_lasts(void **state)
{
    struct api_world *w = *state;
    struct worker worker = {.store = w->store};
    struct buf page = {0};
    struct err err = {0};

    limit_reads(w, 1);
    assert_int_equal(world_ask_for(w, realtime_get, w->five, "siteId=a", "text/event-stream"), 200);
    struct http_stream stream = w->response.stream;

    for (int i = 0; i < 5; i++)
        assert_true(stream.next(stream.ctx, &worker, &page, &err) > 1);
    assert_true(str_starts(buf_str(&page), STR("data: {")));
    stream.free(stream.ctx);
    buf_release(&page);
    assert_int_equal(world_ask(w, realtime_get, "siteId=a"), 429);
}

/* -- months ------------------------------------------------------------------------------------ */

static bool wanted(struct api_world *w)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    bool is = quotas_wanted(snapshot);

    directory_give(w->directory, snapshot);
    return is;
}

static void months_are_summed_only_where_somebody_has_a_limit(void **state)
{
    struct api_world *w = *state;
    struct tenant_row tenant;
    struct site_row site;

    assert_false(wanted(w));
    world_get(w, ROW_TENANT, "six", &tenant);
    tenant.events_per_month = 5;
    world_put(w, ROW_TENANT, &tenant);
    assert_true(wanted(w));
    tenant.events_per_month = 0;
    tenant.events_per_second = 5;
    world_put(w, ROW_TENANT, &tenant);
    assert_false(wanted(w));
    world_get(w, ROW_SITE, "d", &site);
    site.events_per_month = 1;
    world_put(w, ROW_SITE, &site);
    assert_true(wanted(w));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_unknown_credentials_in_the_same_words),
        TEST(a_token_that_has_ended_is_unknown),
        TEST(a_header_that_is_wrong_is_not_mended_by_a_cookie),
        TEST(a_cookie_that_has_ended_is_as_though_it_had_not_come),
        TEST(a_person_reads_the_tenants_it_belongs_to),
        TEST(a_person_of_some_sites_means_those),
        TEST(a_person_of_one_site_means_it_and_has_no_tenants_sums),
        TEST(who_reaches_several_tenants_must_name_one),
        TEST(an_admin_reads_everything_and_must_name_it),
        TEST(who_belongs_nowhere_reads_nothing),
        TEST(over_https_only_the_name_that_is_bound_to_the_host_counts),
        TEST(only_a_trusted_proxy_says_that_it_is_https),
        TEST(a_cookie_changes_something_only_from_the_servers_own_pages),
        TEST(a_token_needs_no_origin),
        TEST(a_suspended_tenant_is_closed_to_all_but_the_platform),
        TEST(who_manages_does_not_see_suspended_tenants),
        TEST(a_site_that_is_to_be_erased_is_read_by_nobody),
        TEST(a_tenant_that_is_to_be_erased_is_gone),
        TEST(a_public_dashboard_shows_what_is_listed_and_no_more),
        TEST(a_public_breakdown_has_public_columns),
        TEST(what_the_site_names_is_public_too),
        TEST(events_are_public_where_conversions_are),
        TEST(what_is_not_public_is_refused_as_to_nobody),
        TEST(public_answers_are_kept_apart_from_whole_ones),
        TEST(a_link_opens_its_site_as_a_public_dashboard_would),
        TEST(a_link_ends_with_its_hour_and_its_row),
        TEST(a_link_with_a_password_opens_by_what_its_password_was_given_for),
        TEST(an_embed_reads_everything_of_its_sites),
        TEST(an_embed_ends_with_its_hour_and_its_token),
        TEST(an_embed_ends_with_its_tokens_right_to_read),
        TEST(a_tenants_reads_are_counted_and_the_platforms_are_not),
        TEST(strangers_have_reads_of_their_own),
        TEST(a_stream_is_one_read_however_long_it_lasts),
        TEST(months_are_summed_only_where_somebody_has_a_limit),
    };

    return cmocka_run_group_tests_name("api_caller", tests, NULL, NULL);
}
