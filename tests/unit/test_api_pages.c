/*
 * test_api_pages.c -- health, metrics, openapi.json, the script and the demo pages, called without
 * a server.
 */
#include "access/access.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/scripts.h"
#include "base/clock.h"
#include "base/json.h"
#include "query_fixture.h"
#include "web.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    struct store *store;
    struct directory *directory;
    struct log *log;
    struct metrics *metrics;
    struct api api;
    struct arena arena;
    char data_dir[32];
    char metrics_token[TOKEN_TEXT_MAX], tenant_token[TOKEN_TEXT_MAX], reader_token[TOKEN_TEXT_MAX];
    struct http_response response;
    struct str body;
};

/* The salts are made for the day on which the test runs. */
static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 30, .visit_days = 365, .stats_days = 365};
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    (void)memcpy(w->data_dir, "test_api_pages.XXXXXX", sizeof("test_api_pages.XXXXXX"));
    assert_non_null(mkdtemp(w->data_dir));
    w->store = fixture_open();
    fixture_site(w->store, "five", "a", "UTC", 0);
    struct token_request request = {.platform = true, .scopes = SCOPE_METRICS};
    assert_int_equal(token_create(w->store, &request, &actor, w->metrics_token, &err), 0);
    request.scopes = SCOPE_STATS_READ;
    assert_int_equal(token_create(w->store, &request, &actor, w->reader_token, &err), 0);
    request = (struct token_request){.tenant = STR("five"), .scopes = SCOPE_STATS_READ};
    assert_int_equal(token_create(w->store, &request, &actor, w->tenant_token, &err), 0);
    w->directory = directory_new(&config);
    struct metrics_names names = api_metrics_names(&w->arena);
    w->metrics = metrics_new(&names, STR("0.1.0"));
    w->api = (struct api){.roles = ROLES_ALL, .directory = w->directory, .metrics = w->metrics};
    *state = w;
    return 0;
}

static void remove_directory(const char *path)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -rf ./%s", path);
    assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
    struct world *w = *state;

    log_close(&w->log);
    scripts_close(&w->api.scripts);
    remove_directory(w->data_dir);
    buf_release(&w->response.body);
    directory_free(&w->directory);
    metrics_free(&w->metrics);
    fixture_close(&w->store);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

static void load_directory(struct world *w, int64_t now_ms)
{
    struct err err = {0};

    assert_int_equal(directory_load(w->directory, w->store, now_ms, &err), 0);
}

typedef void handler(const struct http_request *request, struct http_response *response);

static int ask(struct world *w, handler *handle, struct http_request request)
{
    request.arena = &w->arena;
    request.app = &w->api;
    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    handle(&request, &w->response);
    w->body =
        w->response.static_body.len > 0 ? w->response.static_body : buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

static bool contains(struct str body, const char *text)
{
    return body.len > 0 && memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

static struct str header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->response.headers_count; i++)
        if (str_ieq(w->response.headers[i].name, str_from(name)))
            return w->response.headers[i].value;
    return (struct str){NULL, 0};
}

/* -- health -------------------------------------------------------------------------------- */

static void is_healthy_whatever_is_missing(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, healthz_get, (struct http_request){0}), 200);
    assert_true(str_eq(w->body, STR("{\"status\":\"ok\"}")));
}

static int64_t a_century_on(void)
{
    return instant("2126-11-22T00:00:00Z");
}

static void is_ready_with_a_snapshot_salts_and_a_log(void **state)
{
    struct world *w = *state;
    struct log_config config = {.data_dir = str_from(w->data_dir)};
    struct err err = {0};

    assert_int_equal(ask(w, readyz_get, (struct http_request){0}), 503);
    assert_true(contains(w->body, "snapshot"));
    load_directory(w, clock_wall_ms());
    assert_int_equal(ask(w, readyz_get, (struct http_request){0}), 503);
    assert_true(contains(w->body, "log"));
    assert_int_equal(log_open(&config, &w->log, &err), 0);
    w->api.log = w->log;
    assert_int_equal(ask(w, readyz_get, (struct http_request){0}), 200);
    w->api.now = a_century_on;
    assert_int_equal(ask(w, readyz_get, (struct http_request){0}), 503);
    assert_true(contains(w->body, "salts"));
}

/* -- metrics ------------------------------------------------------------------------------- */

static struct http_request from(const char *address)
{
    struct http_request request = {0};

    assert_true(addr_parse(str_from(address), &request.peer));
    return request;
}

static int ask_with(struct world *w, const char *secret)
{
    struct http_request request = from("192.0.2.1");
    struct buf authorization = {0};

    buf_addf(&authorization, "Bearer %s", secret);
    request.authorization = buf_str(&authorization);
    int status = ask(w, metrics_get, request);
    buf_release(&authorization);
    return status;
}

static void shows_metrics_to_a_platform_token_of_scope_metrics(void **state)
{
    struct world *w = *state;

    load_directory(w, clock_wall_ms());
    assert_int_equal(ask_with(w, w->metrics_token), 200);
    assert_true(str_eq(w->response.content_type, STR("text/plain; version=0.0.4; charset=utf-8")));
    assert_true(contains(w->body, "analytics_build_info"));
    assert_int_equal(ask_with(w, w->reader_token), 403);
    assert_int_equal(ask_with(w, w->tenant_token), 403);
    assert_int_equal(ask_with(w, "nonsense"), 401);
    assert_int_equal(ask(w, metrics_get, from("192.0.2.1")), 401);
}

static void shows_metrics_to_loopback_only_where_no_proxy_can_be(void **state)
{
    struct world *w = *state;
    struct http_request forwarded = from("127.0.0.1");
    struct cidr proxy;

    load_directory(w, clock_wall_ms());
    assert_int_equal(ask(w, metrics_get, from("127.0.0.1")), 200);
    assert_int_equal(ask(w, metrics_get, from("::1")), 200);
    forwarded.forwarded = true;
    assert_int_equal(ask(w, metrics_get, forwarded), 401);
    w->api.public_url = STR("https://stats.example.com");
    assert_int_equal(ask(w, metrics_get, from("127.0.0.1")), 401);
    w->api.public_url = STR("");
    assert_true(cidr_parse(STR("10.0.0.0/8"), &proxy));
    w->api.trusted = &proxy;
    w->api.trusted_count = 1;
    assert_int_equal(ask(w, metrics_get, from("127.0.0.1")), 401);
}

/* -- the route table ----------------------------------------------------------------------- */

static bool is_text(const struct json *value, struct str text)
{
    return value != NULL && value->type == JSON_STRING && str_eq(value->text, text);
}

/* Each parameter is required, or a list, where the table says so; the answer is described. */
static void assert_described(const struct http_route *route, const struct json *operation)
{
    const struct json *list = json_get(operation, STR("parameters"));
    size_t i = strchr(route->path, '{') == NULL ? 0 : 1;

    for (const struct http_param *p = route->params; p != NULL && p->name != NULL; p++, i++) {
        const struct json *one = &list->items[i];
        assert_true(is_text(json_get(one, STR("name")), str_from(p->name)));
        assert_int_equal(json_get(one, STR("required"))->boolean, p->use == HTTP_PARAM_REQUIRED);
        assert_true(is_text(json_get(json_get(one, STR("schema")), STR("type")),
                            p->use == HTTP_PARAM_REPEATED ? STR("array") : STR("string")));
    }
    const struct json *responses = json_get(operation, STR("responses"));
    const struct json *good =
        json_get(responses, str_from(route->status == NULL ? "200" : route->status));
    assert_true(is_text(json_get(good, STR("description")),
                        route->answer == NULL ? STR("done") : str_from(route->answer)));
}

static struct str in_lower_case(struct world *w, const char *method)
{
    char *lower = arena_alloc(&w->arena, strlen(method) + 1, 1);

    for (size_t i = 0; method[i] != '\0'; i++)
        lower[i] = (char)(method[i] | 0x20);
    return str_from(lower);
}

static void describes_every_route_with_its_parameters(void **state)
{
    struct world *w = *state;
    struct json *api = NULL;
    struct err err = {0};
    size_t count;
    const struct http_route *routes = api_routes(&count);

    assert_int_equal(ask(w, openapi_get, (struct http_request){0}), 200);
    assert_int_equal(json_parse(w->body, 20, &w->arena, &api, &err), 0);
    const struct json *paths = json_get(api, STR("paths"));
    assert_non_null(paths);
    for (size_t i = 0; i < count; i++) {
        const struct json *path = json_get(paths, str_from(routes[i].path));
        if (routes[i].summary == NULL) {
            assert_null(path);
            continue;
        }
        assert_non_null(path);
        const struct json *operation = json_get(path, in_lower_case(w, routes[i].method));
        assert_non_null(operation);
        size_t params = strchr(routes[i].path, '{') == NULL ? 0 : 1;
        for (const struct http_param *p = routes[i].params; p != NULL && p->name != NULL; p++)
            params++;
        assert_int_equal(json_get(operation, STR("parameters"))->count, params);
        assert_described(&routes[i], operation);
    }
}

static void lists_what_the_contract_names_and_nothing_that_is_not_built(void **state)
{
    static const struct {
        const char *path, *methods;
    } built[] = {
        {"/api/analytics/track", "POST"},
        {"/api/analytics/stats", "GET"},
        {"/api/analytics/compare", "GET"},
        {"/api/analytics/timeseries", "GET"},
        {"/api/analytics/breakdown", "GET"},
        {"/api/analytics/realtime", "GET"},
        {"/api/analytics/ledger", "GET"},
        {"/api/analytics/tenants/{tenantId}/stats", "GET"},
        {"/api/analytics/sites", "GET"},
        {"/api/analytics/export", "GET"},
        {"/api/analytics/properties", "GET"},
        {"/api/analytics/check", "GET"},
        {"/api/analytics/annotations", "GET PUT DELETE"},
        {"/api/analytics/snippet", "GET"},
        {"/api/analytics/settings", "GET PUT PATCH"},
        {"/api/admin/tenants", "GET"},
        {"/api/admin/tenants/{id}", "GET PUT PATCH DELETE"},
        {"/api/admin/sites", "GET"},
        {"/api/admin/sites/{id}", "GET PUT PATCH DELETE"},
        {"/api/admin/users", "GET"},
        {"/api/admin/users/{id}", "GET PUT PATCH DELETE"},
        {"/api/admin/tokens", "GET"},
        {"/api/admin/tokens/{id}", "GET PUT PATCH DELETE"},
        {"/api/admin/links", "GET"},
        {"/api/admin/links/{id}", "GET PUT PATCH DELETE"},
        {"/api/admin/receipts", "GET"},
        {"/api/admin/receipts/{id}", "GET"},
        {"/api/admin/users/{id}/reset", "POST"},
        {"/api/admin/settings", "GET PUT PATCH"},
        {"/api/admin/usage", "GET"},
        {"/api/admin/audit", "GET"},
        {"/api/admin/system", "GET"},
        {"/api/admin/erase", "POST"},
        {"/api/admin/sites/{id}/export", "GET"},
        {"/api/admin/tenants/{id}/export", "GET"},
        {"/api/admin/embed", "POST"},
        {"/api/session", "POST GET DELETE"},
        {"/api/session/password", "PUT"},
        {"/api/session/totp", "POST PUT DELETE"},
        {"/api/session/reset", "POST"},
        {"/api/session/link", "POST"},
        {"/api/session/accept", "POST"},
        {"/api/share", "POST"},
        {"/healthz", "GET"},
        {"/readyz", "GET"},
        {"/metrics", "GET"},
        {"/api/openapi.json", "GET"},
        {"/public/analytics.js", "GET"},
        {"/public/{file}", "GET"},
        {"/settings/privacy", "GET"},
        {"/settings/privacy/{siteId}", "GET"},
        {"/admin/sign-in", "GET"},
        {"/admin/accept", "GET"},
        {"/admin", "GET"},
        {"/admin/", "GET"},
        {"/admin/sites", "GET"},
        {"/admin/sites/new", "GET"},
        {"/admin/sites/{siteId}/analytics", "GET"},
        {"/admin/sites/{siteId}/settings", "GET"},
        {"/admin/sites/{siteId}/ledger", "GET"},
        {"/admin/compare", "GET"},
        {"/admin/tenants/{tenantId}/analytics", "GET"},
        {"/admin/people", "GET"},
        {"/admin/tokens", "GET"},
        {"/admin/audit", "GET"},
        {"/admin/system", "GET"},
        {"/share/{key}", "GET"},
        {"/embed/{key}", "GET"},
        {"/demo", "GET"},
        {"/demo/", "GET"},
        {"/demo/{page}", "GET"},
    };
    size_t count, expected = 0;
    const struct http_route *routes = api_routes(&count);

    (void)state;
    for (size_t i = 0; i < sizeof(built) / sizeof(built[0]); i++) {
        struct str rest = str_from(built[i].methods), method;

        for (; str_next(&rest, ' ', &method); expected++) {
            bool found = false;

            for (size_t k = 0; k < count; k++)
                found |= strcmp(routes[k].path, built[i].path) == 0 &&
                         str_eq(str_from(routes[k].method), method);
            if (!found)
                fail_msg("no %.*s %s", STR_FMT(method), built[i].path);
        }
    }
    assert_int_equal(count, expected);
}

static void names_routes_and_reasons_for_the_metrics(void **state)
{
    struct world *w = *state;
    struct metrics_names names = api_metrics_names(&w->arena);
    size_t count;
    const struct http_route *routes = api_routes(&count);

    assert_int_equal(names.routes_count, count + 1);
    for (size_t i = 0; i < count; i++)
        assert_true(str_eq(names.routes[i], str_from(routes[i].path)));
    assert_int_equal(names.drop_reasons_count, DROP_REASONS);
    assert_int_equal(names.drop_reasons[DROP_NONE].len, 0);
    assert_true(str_eq(names.drop_reasons[DROP_BOT], STR("bot")));
    assert_true(str_eq(names.drop_reasons[DROP_DUPLICATE], STR("duplicate")));
    assert_int_equal(names.reject_reasons_count, 5);
    assert_true(str_eq(names.reject_reasons[REJECT_UNSTORABLE], STR("unstorable")));
}

/* -- the script and the demo --------------------------------------------------------------- */

static const struct web_file *embedded(const char *name)
{
    for (size_t i = 0; i < web_files_count; i++)
        if (str_eq(web_files[i].name, str_from(name)))
            return &web_files[i];
    fail_msg("%s is not embedded", name);
    return web_files;
}

static int ask_for(struct world *w, struct str file, struct http_request request)
{
    request.param = file;
    return ask(w, public_get, request);
}

static void serves_the_script_and_knows_it_again(void **state)
{
    struct world *w = *state;
    struct http_request request = {0};

    assert_int_equal(ask(w, tracker_get, request), 200);
    assert_true(str_eq(w->body, embedded("analytics.js")->plain));
    assert_true(str_eq(w->response.content_type, STR("text/javascript; charset=utf-8")));
    assert_true(str_eq(header(w, "Cache-Control"), STR("public, max-age=3600")));
    assert_true(str_eq(header(w, "Cross-Origin-Resource-Policy"), STR("cross-origin")));
    struct str tag = header(w, "ETag");
    assert_true(tag.len > 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"');

    struct buf list = {0};
    buf_addf(&list, "\"other\", W/%.*s", STR_FMT(tag));
    const struct str same[] = {tag, STR("*"), buf_str(&list)};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        request.if_none_match = same[i];
        assert_int_equal(ask(w, tracker_get, request), 304);
        /* Not to be sent; but Content-Length is that of what would be. */
        assert_int_equal(w->body.len, embedded("analytics.js")->plain.len);
        assert_true(str_eq(header(w, "ETag"), tag));
        assert_true(str_eq(header(w, "Vary"), STR("Accept-Encoding")));
        assert_true(str_eq(header(w, "Cache-Control"), STR("public, max-age=3600")));
        assert_int_equal(header(w, "Content-Encoding").len, 0);
    }
    request.if_none_match = STR("\"other\"");
    assert_int_equal(ask(w, tracker_get, request), 200);
    buf_release(&list);
}

static void serves_every_file_by_its_name_and_for_ever_by_its_hash(void **state)
{
    struct world *w = *state;

    assert_true(web_files_count >= 7);
    for (size_t i = 0; i < web_files_count; i++) {
        const struct web_file *file = &web_files[i];

        assert_int_equal(ask_for(w, file->name, (struct http_request){0}), 200);
        assert_true(str_eq(w->body, file->plain));
        assert_true(str_eq(w->response.content_type, file->type));
        /* The name of a part of a bundle is one that only its bytes have. */
        assert_int_equal(str_eq(header(w, "Cache-Control"), STR("public, max-age=3600")),
                         !str_eq(file->name, file->hashed));
        struct str tag = header(w, "ETag");

        assert_int_equal(ask_for(w, file->hashed, (struct http_request){0}), 200);
        assert_true(str_eq(w->body, file->plain));
        assert_true(str_eq(w->response.content_type, file->type));
        assert_true(str_eq(header(w, "ETag"), tag));
        assert_true(str_eq(header(w, "Cache-Control"), STR("public, max-age=31536000, immutable")));
    }
}

static void sends_each_form_with_a_tag_of_its_own(void **state)
{
    struct world *w = *state;
    const struct web_file *file = embedded("analytics.js");
    const struct {
        const char *wish, *coding;
        struct str bytes;
    } forms[] = {
        {"gzip, deflate, br", "br", file->br},
        {"gzip, br;q=0.9", "gzip", file->gzip},
        {"identity", "", file->plain},
    };
    struct str tags[3] = {{NULL, 0}};

    for (size_t i = 0; i < 3; i++) {
        struct http_request request = {.accept_encoding = str_from(forms[i].wish)};

        assert_int_equal(ask(w, tracker_get, request), 200);
        assert_true(str_eq(w->body, forms[i].bytes));
        assert_true(str_eq(header(w, "Content-Encoding"), str_from(forms[i].coding)));
        assert_true(str_eq(header(w, "Vary"), STR("Accept-Encoding")));
        tags[i] = header(w, "ETag");
        for (size_t k = 0; k < i; k++) {
            assert_false(str_eq(tags[i], tags[k]));
            request.if_none_match = tags[k];
            assert_int_equal(ask(w, tracker_get, request), 200);
        }
        request.if_none_match = tags[i];
        assert_int_equal(ask(w, tracker_get, request), 304);
    }
}

static void sends_no_form_that_is_refused(void **state)
{
    struct world *w = *state;

    assert_int_equal(
        ask(w, tracker_get, (struct http_request){.accept_encoding = STR("*;q=0, br")}), 200);
    assert_true(str_eq(header(w, "Content-Encoding"), STR("br")));
    assert_int_equal(ask(w, tracker_get, (struct http_request){.accept_encoding = STR("*;q=0")}),
                     406);
    assert_true(str_eq(header(w, "Vary"), STR("Accept-Encoding")));
    assert_int_equal(header(w, "Cache-Control").len, 0);
}

static void has_nothing_under_other_names(void **state)
{
    static const char *const names[] = {
        "",           "analytics",  "analytics.js ", "analytics.0123456789abcdef.js",
        "../demo.js", "/demo.js",   "index.html",    "ANALYTICS.JS",
        "web.h",      "analytics.", "analytics..js",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(ask_for(w, str_from(names[i]), (struct http_request){0}), 404);
    assert_int_equal(ask_for(w, (struct str){"analytics.js\0", 13}, (struct http_request){0}), 404);
}

/* Put a script of another version where an upgrade finds it; its hash is sha256sum's. */
static void leave_old_script(struct world *w, const char *bytes)
{
    static const struct logger logger = {LOG_ERROR};
    char path[96];

    scripts_close(&w->api.scripts);
    w->api.scripts = scripts_open(str_from(w->data_dir), &logger); /* makes the directory */
    (void)snprintf(path, sizeof(path), "%s/scripts/analytics.28d3de72c36b5b69.js", w->data_dir);
    int fd = creat(path, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    (void)close(fd);
    scripts_close(&w->api.scripts);
    w->api.scripts = scripts_open(str_from(w->data_dir), &logger);
}

static void serves_the_scripts_of_other_versions_for_ever(void **state)
{
    struct world *w = *state;
    const struct str name = STR("analytics.28d3de72c36b5b69.js");

    assert_int_equal(ask_for(w, name, (struct http_request){0}), 404);
    leave_old_script(w, "void oldAnalytics(){}");
    struct http_request request = {.accept_encoding = STR("br, gzip")};

    assert_int_equal(ask_for(w, name, request), 200);
    assert_true(str_eq(w->body, STR("void oldAnalytics(){}")));
    assert_true(str_eq(w->response.content_type, STR("text/javascript; charset=utf-8")));
    assert_true(str_eq(header(w, "Cache-Control"), STR("public, max-age=31536000, immutable")));
    assert_true(str_eq(header(w, "Cross-Origin-Resource-Policy"), STR("cross-origin")));
    assert_int_equal(header(w, "Content-Encoding").len, 0);
    request.if_none_match = header(w, "ETag");
    assert_int_equal(ask_for(w, name, request), 304);
    leave_old_script(w, "void evil(){}");
    assert_int_equal(ask_for(w, name, request), 404);
}

static void serves_the_demo_only_where_a_site_is_set(void **state)
{
    struct world *w = *state;
    struct http_request page = {.param = STR("pricing")};

    assert_int_equal(ask(w, demo_get, (struct http_request){0}), 404);
    assert_int_equal(ask(w, demo_page_get, page), 404);
    w->api.demo_site = STR("demo-site");
    assert_int_equal(ask(w, demo_get, (struct http_request){0}), 200);
    assert_true(str_eq(w->response.content_type, STR("text/html; charset=utf-8")));
    assert_true(contains(w->body, "data-site=\"demo-site\""));
    assert_false(contains(w->body, "{{"));
    assert_false(contains(header(w, "Content-Security-Policy"), "unsafe-inline"));
    assert_true(contains(header(w, "Content-Security-Policy"), "script-src 'self'"));
}

static void serves_the_pages_that_the_demo_links_to(void **state)
{
    static const char *const names[] = {"pricing", "about", "inbox", "settings"};
    struct world *w = *state;

    w->api.demo_site = STR("demo-site");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(w, demo_page_get, (struct http_request){.param = str_from(names[i])}),
                         200);
        assert_true(contains(w->body, "data-site=\"demo-site\""));
    }
    assert_int_equal(ask(w, demo_page_get, (struct http_request){.param = STR("nowhere")}), 404);
}

/* -- the dashboard ------------------------------------------------------------------------- */

static const struct http_route *route_of(const char *path)
{
    size_t count;
    const struct http_route *routes = api_routes(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    fail_msg("there is no %s", path);
    return routes;
}

/* A page as its route answers it, whichever site or tenant the path names. */
static int open_page(struct world *w, const char *path, const char *param, const char *language)
{
    const struct http_route *route = route_of(path);

    return ask(w, route->handle,
               (struct http_request){.route = route,
                                     .param = str_from(param),
                                     .accept_language = str_from(language)});
}

/* The file of that name is loaded by the name that only its bytes have. */
static bool loads(const struct world *w, const char *name)
{
    struct str hashed = embedded(name)->hashed;

    return memmem(w->body.ptr, w->body.len, hashed.ptr, hashed.len) != NULL;
}

static void opens_each_page_of_the_dashboard_in_either_language(void **state)
{
    static const char *const pages[] = {
        "/admin/sites",
        "/admin/sites/new",
        "/admin/sites/{siteId}/analytics",
        "/admin/sites/{siteId}/settings",
        "/admin/sites/{siteId}/ledger",
        "/admin/compare",
        "/admin/tenants/{tenantId}/analytics",
        "/admin/people",
        "/admin/tokens",
        "/admin/audit",
        "/admin/system",
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        assert_int_equal(open_page(w, pages[i], "a", "en"), 200);
        assert_true(contains(w->body, "<html lang=\"en\">"));
        assert_true(loads(w, "dashboard.css"));
        assert_true(loads(w, "more.css"));
        assert_true(loads(w, "dashboard.en.js"));
        assert_false(loads(w, "dashboard.de.js"));
        assert_int_equal(open_page(w, pages[i], "a", "de, en;q=0.5"), 200);
        assert_true(contains(w->body, "<html lang=\"de\">"));
        assert_true(loads(w, "dashboard.de.js"));
        assert_false(loads(w, "dashboard.en.js"));
    }
}

static void shows_nobody_s_names_in_a_page_of_the_dashboard(void **state)
{
    struct world *w = *state;

    load_directory(w, clock_wall_ms());
    assert_int_equal(open_page(w, "/admin/sites/{siteId}/analytics", "a", ""), 200);
    struct str of_a = arena_str(&w->arena, w->body);

    assert_int_equal(open_page(w, "/admin/sites/{siteId}/analytics", "\"><script>", ""), 200);
    assert_true(str_eq(w->body, of_a));
    assert_int_equal(open_page(w, "/admin/tenants/{tenantId}/analytics", "five", ""), 200);
    assert_true(str_eq(w->body, of_a));
    assert_false(contains(w->body, "data-key"));
    assert_false(contains(w->body, "{{"));
}

static void lets_a_page_of_the_dashboard_load_and_be_framed_by_nothing_else(void **state)
{
    struct world *w = *state;

    assert_int_equal(open_page(w, "/admin/people", "", ""), 200);
    assert_true(str_eq(w->response.content_type, STR("text/html; charset=utf-8")));
    assert_true(str_eq(header(w, "Content-Security-Policy"),
                       STR("default-src 'none'; script-src 'self'; style-src 'self'; "
                           "connect-src 'self'; img-src data:; base-uri 'none'; form-action "
                           "'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
                           "frame-ancestors 'none'")));
    assert_true(str_eq(header(w, "Cache-Control"), STR("no-store")));
    assert_true(str_eq(header(w, "Referrer-Policy"), STR("no-referrer")));
    assert_true(str_eq(header(w, "Cross-Origin-Opener-Policy"), STR("same-origin")));
    assert_false(contains(w->body, "style="));
    assert_false(contains(w->body, "<style"));
}

static void leads_from_the_beginning_to_the_sites(void **state)
{
    struct world *w = *state;

    assert_int_equal(open_page(w, "/admin", "", ""), 302);
    assert_true(str_eq(header(w, "Location"), STR("/admin/sites")));
    assert_int_equal(open_page(w, "/admin/", "", ""), 302);
    assert_true(str_eq(header(w, "Location"), STR("/admin/sites")));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(is_healthy_whatever_is_missing),
        WITH_WORLD(is_ready_with_a_snapshot_salts_and_a_log),
        WITH_WORLD(shows_metrics_to_a_platform_token_of_scope_metrics),
        WITH_WORLD(shows_metrics_to_loopback_only_where_no_proxy_can_be),
        WITH_WORLD(describes_every_route_with_its_parameters),
        cmocka_unit_test(lists_what_the_contract_names_and_nothing_that_is_not_built),
        WITH_WORLD(names_routes_and_reasons_for_the_metrics),
        WITH_WORLD(serves_the_script_and_knows_it_again),
        WITH_WORLD(serves_every_file_by_its_name_and_for_ever_by_its_hash),
        WITH_WORLD(sends_each_form_with_a_tag_of_its_own),
        WITH_WORLD(sends_no_form_that_is_refused),
        WITH_WORLD(has_nothing_under_other_names),
        WITH_WORLD(serves_the_scripts_of_other_versions_for_ever),
        WITH_WORLD(serves_the_demo_only_where_a_site_is_set),
        WITH_WORLD(serves_the_pages_that_the_demo_links_to),
        WITH_WORLD(opens_each_page_of_the_dashboard_in_either_language),
        WITH_WORLD(shows_nobody_s_names_in_a_page_of_the_dashboard),
        WITH_WORLD(lets_a_page_of_the_dashboard_load_and_be_framed_by_nothing_else),
        WITH_WORLD(leads_from_the_beginning_to_the_sites),
    };
    return cmocka_run_group_tests_name("api_pages", tests, NULL, NULL);
}
