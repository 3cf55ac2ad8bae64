/* The HTTP server, spoken to through raw sockets: framing, heads, routes, bodies, answers, limits.
 */
#include "http_client.h"

#include <string.h>

/* -- the routes under test -- */

static void line(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, "%s=[%.*s]\n", name, STR_FMT(value));
}

/* Everything the request says, one line each. */
static void show(const struct http_request *r, struct http_response *response)
{
    struct buf *out = &response->body;

    response->content_type = STR("text/plain");
    line(out, "method", r->method);
    line(out, "path", r->path);
    line(out, "query", r->query);
    line(out, "host", r->host);
    line(out, "origin", r->origin);
    line(out, "agent", r->user_agent);
    line(out, "authorization", r->authorization);
    line(out, "type", r->content_type);
    line(out, "accept", r->accept);
    line(out, "for", r->forwarded_for);
    line(out, "cookie", r->cookie);
    line(out, "match", r->if_none_match);
    line(out, "language", r->accept_language);
    line(out, "encoding", r->accept_encoding);
    line(out, "referer", r->referer);
    line(out, "body", r->body);
    line(out, "param", r->param);
    buf_addf(out, "gpc=%d dnt=%d forwarded=%d loopback=%d worker=%p\n", r->gpc, r->dnt,
             r->forwarded, addr_is_loopback(&r->peer), r->worker);
}

static void accept_event(const struct http_request *r, struct http_response *response)
{
    static const char accepted[] = "{\"accepted\":1}";

    response->status = str_eq(r->body, STR("created")) ? 201 : 202;
    response->static_body = (struct str){accepted, sizeof(accepted) - 1};
}

static void give_page(const struct http_request *r, struct http_response *response)
{
    (void)r;
    response->content_type = STR("text/html; charset=utf-8");
    response->static_body = STR("<p>page</p>");
    http_header(response, STR("Cache-Control"), STR("max-age=60"));
    http_header(response, STR("ETag"), STR("\"abc\""));
}

static void give_json(const struct http_request *r, struct http_response *response)
{
    (void)r;
    buf_add(&response->body, STR("{}"));
    http_header(response, STR("cache-control"), STR("private"));
}

static void give_problem(const struct http_request *r, struct http_response *response)
{
    int64_t status = 500;

    (void)str_to_i64(r->param, &status);
    http_problem(response, (int)status, STR("it says \"no\"\n"),
                 STR("\"index\":3,\"field\":\"path\""));
}

static void give_nothing(const struct http_request *r, struct http_response *response)
{
    (void)r;
    response->status = 204;
}

enum { BODY_MAX = 100 };

static const struct http_route routes[] = {
    {.method = "GET", .path = "/show", .handle = show},
    {.method = "POST", .path = "/show", .handle = show, .body_max = BODY_MAX},
    {.method = "GET", .path = "/tenants/{id}/stats", .handle = show},
    {.method = "GET", .path = "/tenants/all/stats", .handle = give_page},
    {.method = "POST",
     .path = "/track",
     .handle = accept_event,
     .body_max = BODY_MAX,
     .cors = true},
    {.method = "PUT", .path = "/track/same", .handle = accept_event, .body_max = BODY_MAX},
    {.method = "GET", .path = "/page", .handle = give_page},
    {.method = "GET", .path = "/json", .handle = give_json},
    {.method = "GET", .path = "/problem/{status}", .handle = give_problem},
    {.method = "DELETE", .path = "/nothing", .handle = give_nothing},
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static struct http *start(struct http_config config)
{
    struct http *http = NULL;
    struct err err;

    config.listen = STR("127.0.0.1:0");
    config.routes = routes;
    config.routes_count = ROUTES;
    config.threads = 2;
    int rc = http_start(&config, &http, &err);

    if (rc != 0)
        fail_msg("%s", err.text);
    return http;
}

static int start_server(void **state)
{
    *state = start((struct http_config){.connections_per_address = 1000});
    return 0;
}

static int stop_server(void **state)
{
    struct http *http = *state;

    return http_stop(&http, 1000) && http == NULL ? 0 : -1;
}

/* -- heads -- */

static void names_the_address_it_listens_on(void **state)
{
    struct str address = http_address(*state);

    assert_true(str_starts(address, STR("127.0.0.1:")));
    assert_false(str_ends(address, STR(":0")));
}

static void hands_the_head_to_the_handler(void **state)
{
    struct answer a = ask(*state, "GET /show?a=%20b&c=d+e HTTP/1.1\r\n"
                                  "host: Example.com:8080\r\n"
                                  "USER-AGENT:  Mozilla/5.0 (X11)  \t\r\n"
                                  "Origin:https://example.com\r\n"
                                  "Authorization: Bearer t\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Accept: text/html, */*\r\n"
                                  "Cookie: a=b\r\n"
                                  "If-None-Match: \"x\"\r\n"
                                  "Accept-Language: de\r\n"
                                  "ACCEPT-ENCODING: gzip, br;q=0.5\r\n"
                                  "Referer: https://example.com/a\r\n"
                                  "Sec-GPC: 1\r\n"
                                  "DNT: 1\r\n"
                                  "X-Empty:\r\n"
                                  "\r\n");

    assert_int_equal(a.status, 200);
    assert_true(body_is(
        &a, "method=[GET]\npath=[/show]\nquery=[a=%20b&c=d+e]\nhost=[Example.com:8080]\n"
            "origin=[https://example.com]\nagent=[Mozilla/5.0 (X11)]\n"
            "authorization=[Bearer t]\ntype=[text/plain]\naccept=[text/html, */*]\nfor=[]\n"
            "cookie=[a=b]\nmatch=[\"x\"]\nlanguage=[de]\n"
            "encoding=[gzip, br;q=0.5]\nreferer=[https://example.com/a]\nbody=[]\nparam=[]\n"
            "gpc=1 dnt=1 forwarded=0 loopback=1 worker=(nil)\n"));
    assert_string_equal(header_of(&a, "Content-Type"), "text/plain");
    answer_free(&a);
}

static void joins_lists_and_keeps_the_first_user_agent(void **state)
{
    struct answer a = ask(
        *state, "GET /show HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nUser-Agent: one\r\n"
                "X-Forwarded-For: 2.2.2.2, 3.3.3.3\r\nUser-Agent: two\r\nCookie: a=b\r\n"
                "X-Forwarded-For:\r\nCookie: c=d\r\nSec-GPC: 0\r\nDNT: yes\r\n"
                "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\nAccept-Language: de\r\n"
                "Accept-Language: en\r\nReferer: one\r\nReferer: two\r\n\r\n");

    assert_true(body_has(&a, "for=[1.1.1.1, 2.2.2.2, 3.3.3.3, ]\ncookie=[a=b; c=d]\n"));
    assert_true(body_has(&a, "agent=[one]\n"));
    assert_true(body_has(&a, "language=[de]\nencoding=[gzip, br]\nreferer=[one]\n"));
    assert_true(body_has(&a, "gpc=0 dnt=0 forwarded=1"));
    answer_free(&a);
}

static void notices_every_sign_of_a_proxy(void **state)
{
    static const char *const headers[] = {"Forwarded: for=1.1.1.1", "X-Forwarded-For: 1.1.1.1",
                                          "X-Forwarded-Host: a", "x-forwarded-proto: https",
                                          "Via: 1.1 p"};
    static const char *const others[] = {"X-Forwarded: 1", "Viaa: 1", "X-Real-IP: 1.1.1.1"};

    for (size_t i = 0;
         i < sizeof(headers) / sizeof(headers[0]) + sizeof(others) / sizeof(others[0]); i++) {
        bool sign = i < sizeof(headers) / sizeof(headers[0]);
        char request[256];

        (void)snprintf(request, sizeof(request), "GET /show HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
                       sign ? headers[i] : others[i - sizeof(headers) / sizeof(headers[0])]);
        struct answer a = ask(*state, request);

        assert_true(body_has(&a, sign ? "forwarded=1" : "forwarded=0"));
        answer_free(&a);
    }
}

static void accepts_unusual_but_legal_heads(void **state)
{
    static const char *const requests[] = {
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: b \t \r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a \r\nX-A:\t b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A:   \t\r\n\r\n",
        "GET /show HTTP/1.1\r\nX-A:   \t\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.1\nHost: a\nX-A: b\n\n",
        "GET /show HTTP/1.1\r\nHost: a\nX-A: b\r\n\n",
        "\r\n\r\nGET /show HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a.test/show HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /show HTTP/1.0\r\n\r\n",
        "GET /show HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: \xe4\xff\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n",
        "GET /show? HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show?a=b?c HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nConnection: close\r\nReferer: http://x\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int status = status_of(*state, requests[i]);

        if (status != 200)
            fail_msg("%s answered %d", requests[i], status);
    }
}

static void refuses_ambiguous_and_malformed_heads(void **state)
{
    static const char *const requests[] = {
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\naaaaa",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
        "3\r\n\r\n0\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST /show HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na",
        "POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        "GET /show HTTP/1.1\r\n\r\n",
        "GET /show HTTP/1.1\r\nX-Host: a\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nOrigin: a\r\nOrigin: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX(A): b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-\xe4: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n",
        "GET /sh\row HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  /show HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show?a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show?a=\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.x\r\nHost: a\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int status = status_of(*state, requests[i]);

        if (status != 400)
            fail_msg("%s answered %d", requests[i], status);
    }
}

static void refuses_folded_lines(void **state)
{
    static const char *const requests[] = {
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\nX-B: d\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tc\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\nX-A: b\r\n \r\n\r\n",
        "GET /show HTTP/1.1\r\nX-A: b\r\n c\r\n d\r\n e\r\nHost: a\r\n\r\n",
        "GET /show HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET /show HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n",
        "GET /show HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int status = status_of(*state, requests[i]);

        if (status != 400)
            fail_msg("%s answered %d", requests[i], status);
    }
}

/* A NUL put in front of any byte of a good head spoils it. */
static void refuses_a_nul_anywhere_in_the_head(void **state)
{
    static const char good[] =
        "POST /show?a=b&c=d HTTP/1.1\r\nHost: a.test\r\nX-Empty:\r\nAccept: */*\t \r\n"
        "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
    enum { LEN = sizeof(good) - 1 };

    assert_int_equal(status_of(*state, good), 200);
    for (size_t at = 0; at < LEN; at++) {
        char bad[LEN + 1];
        int fd = dial(*state);

        memcpy(bad, good, at);
        bad[at] = '\0';
        memcpy(bad + at + 1, good + at, LEN - at);
        assert_true(send_bytes(fd, bad, LEN + 1));
        (void)shutdown(fd, SHUT_WR);
        struct answer a = read_answer(fd);

        if (a.status != 400 && a.status != 0)
            fail_msg("a NUL in front of byte %zu answered %d", at, a.status);
        answer_free(&a);
        (void)close(fd);
    }
}

static void answers_a_nul_in_a_value_with_a_problem(void **state)
{
    static const char bad[] =
        "POST /track HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\nContent-Length: 1\r\n\r\na";
    struct answer a = ask_bytes(*state, bad, sizeof(bad) - 1);

    assert_int_equal(a.status, 400);
    assert_string_equal(header_of(&a, "Content-Type"), "application/problem+json");
    assert_string_equal(header_of(&a, "Access-Control-Allow-Origin"), "*");
    assert_true(body_is(&a, "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                            "\"detail\":\"a NUL or a folded line in the headers\"}"));
    answer_free(&a);
}

static void takes_long_heads_and_refuses_too_long_ones(void **state)
{
    static const struct {
        size_t len;
        bool fits;
    } cases[] = {{8000, true}, {12000, true}, {20000, false}, {200000, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf request = {0};

        buf_add(&request, STR("GET /show HTTP/1.1\r\nHost: a\r\nAccept: "));
        for (size_t n = 0; n < cases[i].len; n++)
            buf_addc(&request, 'x');
        buf_add(&request, STR("\r\n\r\n"));
        struct answer a = ask_bytes(*state, request.ptr, request.len);

        if (cases[i].fits)
            assert_int_equal(a.status, 200);
        else
            assert_true(a.status == 431 || a.status == 0);
        answer_free(&a);
        buf_release(&request);
    }
}

/* -- routes -- */

static void finds_routes_by_path_and_method(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {GET("/show"), 200},
        {GET("/show/"), 404},
        {GET("/sho"), 404},
        {GET("/Show"), 404},
        {GET("/"), 404},
        {GET("/tenants/t5g/stats"), 200},
        {GET("/tenants//stats"), 404},
        {GET("/tenants/a/b/stats"), 404},
        {GET("/tenants/a/statsx"), 404},
        {GET("/tenants/stats"), 404},
        {GET("/tenants/%zz/stats"), 400},
        {GET("/tenants/%00/stats"), 400},
        {"PUT /show HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"get /show HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW /show HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW /brew HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"OPTIONS /show HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"DELETE /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 204},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = status_of(*state, cases[i].request);

        if (status != cases[i].status)
            fail_msg("%s answered %d", cases[i].request, status);
    }
}

static void decodes_the_parameter_and_nothing_else_of_a_path(void **state)
{
    struct answer a = ask(*state, GET("/tenants/a%2Fb+%C3%B6/stats?x=%41"));

    assert_true(body_has(&a, "path=[/tenants/a%2Fb+%C3%B6/stats]\nquery=[x=%41]\n"));
    assert_true(body_has(&a, "param=[a/b+\xc3\xb6]\n"));
    answer_free(&a);
    a = ask(*state, GET("/tenants/all/stats"));
    assert_true(body_is(&a, "<p>page</p>"));
    answer_free(&a);
}

static void says_which_methods_a_path_takes(void **state)
{
    struct answer a = ask(*state, "DELETE /show HTTP/1.1\r\nHost: a\r\n\r\n");

    assert_int_equal(a.status, 405);
    assert_string_equal(header_of(&a, "Allow"), "GET, HEAD, POST");
    assert_null(header_of(&a, "Access-Control-Allow-Origin"));
    answer_free(&a);
    a = ask(*state, GET("/track"));
    assert_int_equal(a.status, 405);
    assert_string_equal(header_of(&a, "Allow"), "POST, OPTIONS");
    assert_string_equal(header_of(&a, "Access-Control-Allow-Origin"), "*");
    answer_free(&a);
}

static void answers_head_like_get_without_the_body(void **state)
{
    int fd = dial(*state);

    assert_true(send_text(fd, "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct answer a = read_answer_to(fd, true);

    assert_int_equal(a.status, 200);
    assert_string_equal(header_of(&a, "Content-Length"), "11");
    assert_string_equal(header_of(&a, "ETag"), "\"abc\"");
    answer_free(&a);
    /* Nothing of a body stands in front of the next answer. */
    assert_true(send_text(fd, GET("/page")));
    a = read_answer(fd);
    assert_true(a.status == 200 && body_is(&a, "<p>page</p>"));
    answer_free(&a);
    (void)close(fd);
}

static void answers_preflights(void **state)
{
    struct answer a = ask(*state, "OPTIONS /track HTTP/1.1\r\nHost: a\r\nOrigin: https://x.test\r\n"
                                  "Access-Control-Request-Method: POST\r\n\r\n");

    assert_int_equal(a.status, 204);
    assert_string_equal(header_of(&a, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(header_of(&a, "Access-Control-Allow-Methods"), "POST, OPTIONS");
    assert_string_equal(header_of(&a, "Access-Control-Allow-Headers"),
                        "Content-Type, Authorization");
    assert_string_equal(header_of(&a, "Access-Control-Max-Age"), "86400");
    assert_null(header_of(&a, "Access-Control-Allow-Credentials"));
    answer_free(&a);
}

/* -- bodies -- */

/* POST `len` bytes to `path`, with a length or in chunks of seven. */
static void add_post(struct buf *out, const char *path, size_t len, bool chunked,
                     const char *headers)
{
    buf_addf(out, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, headers);
    if (!chunked)
        buf_addf(out, "Content-Length: %zu\r\n\r\n", len);
    else
        buf_add(out, STR("Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t i = 0; i < len; i++) {
        if (chunked && i % 7 == 0)
            buf_addf(out, "%s%zx\r\n", i == 0 ? "" : "\r\n", len - i < 7 ? len - i : (size_t)7);
        buf_addc(out, (char)('a' + i % 26));
    }
    if (chunked)
        buf_addf(out, "%s0\r\n\r\n", len == 0 ? "" : "\r\n");
}

static struct answer post(struct http *http, const char *path, size_t len, bool chunked,
                          const char *headers)
{
    struct buf request = {0};

    add_post(&request, path, len, chunked, headers);
    struct answer a = ask_bytes(http, request.ptr, request.len);

    buf_release(&request);
    return a;
}

static void takes_bodies_up_to_the_limit_of_the_route(void **state)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct answer a = post(*state, "/show", BODY_MAX, chunked, "");

        assert_int_equal(a.status, 200);
        assert_true(body_has(&a, "body=[abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv]\n"));
        answer_free(&a);
        a = post(*state, "/track", BODY_MAX + 1, chunked, "");
        assert_int_equal(a.status, 413);
        assert_string_equal(header_of(&a, "Access-Control-Allow-Origin"), "*");
        answer_free(&a);
        a = post(*state, "/show", 0, chunked, "");
        assert_int_equal(a.status, 200);
        answer_free(&a);
    }
}

static void refuses_any_body_where_none_is_read(void **state)
{
    assert_int_equal(
        status_of(*state, "GET /show HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"), 413);
    assert_int_equal(status_of(*state, "GET /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                       "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
                     413);
    assert_int_equal(
        status_of(*state,
                  "GET /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        200);
}

static void refuses_a_long_body_before_it_comes(void **state)
{
    static const char *const lengths[] = {"101",
                                          "65537",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "18446744073709551615",
                                          "18446744073709551616"};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char request[256];

        (void)snprintf(request, sizeof(request),
                       "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n", lengths[i]);
        assert_int_equal(status_of(*state, request), 413);
    }
}

/* Who sends all of a huge body before reading can send it, and gets the answer: the connection is
 * not reset. */
static void answers_who_sends_too_much(void **state)
{
    enum { HUGE_BODY = 2 * 1024 * 1024 };

    for (int chunked = 0; chunked < 2; chunked++) {
        struct buf request = {0};
        int fd = dial(*state);

        add_post(&request, "/show", HUGE_BODY, chunked, "");
        assert_true(send_bytes(fd, request.ptr, request.len));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, 413);
        assert_true(a.complete);
        answer_free(&a);
        buf_release(&request);
        (void)close(fd);
    }
}

static void refuses_content_codings(void **state)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Content-Encoding: gzip\r\n", 415},     {"content-encoding: br\r\n", 415},
        {"Content-Encoding: identity\r\n", 200}, {"Content-Encoding: Identity\r\n", 200},
        {"Content-Encoding:\r\n", 200},          {"Content-Encoding: identity, gzip\r\n", 415},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a = post(*state, "/show", 5, false, cases[i].header);

        assert_int_equal(a.status, cases[i].status);
        answer_free(&a);
    }
}

static void goes_on_after_a_refusal_with_a_body(void **state)
{
    static const char *const paths[] = {"/nope", "/page", "/show"};
    static const int statuses[] = {404, 405, 415};
    int fd = dial(*state);

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct buf request = {0};

        add_post(&request, paths[i], 60000, i == 0, "Content-Encoding: gzip\r\n");
        if (i == 2) {
            buf_reset(&request);
            add_post(&request, paths[i], BODY_MAX, false, "Content-Encoding: gzip\r\n");
        }
        assert_true(send_bytes(fd, request.ptr, request.len));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, statuses[i]);
        answer_free(&a);
        buf_release(&request);
        assert_true(send_text(fd, GET("/page")));
        a = read_answer(fd);
        assert_true(a.status == 200 && body_is(&a, "<p>page</p>"));
        answer_free(&a);
    }
    (void)close(fd);
}

static void spares_who_asks_first_the_body(void **state)
{
    int fd = dial(*state);

    assert_true(send_text(
        fd, "POST /nope HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    struct answer a = read_answer(fd);

    assert_int_equal(a.status, 404);
    answer_free(&a);
    (void)close(fd);
    fd = dial(*state);
    assert_true(send_text(
        fd, "POST /show HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    a = read_answer_to(fd, true);
    assert_int_equal(a.status, 100);
    answer_free(&a);
    assert_true(send_text(fd, "hello"));
    a = read_answer(fd);
    assert_true(a.status == 200 && body_has(&a, "body=[hello]\n"));
    answer_free(&a);
    (void)close(fd);
}

static void answers_requests_sent_ahead_in_order(void **state)
{
    int fd = dial(*state);

    assert_true(send_text(
        fd, "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none" GET(
                "/page") "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthree"));
    static const char *const expected[] = {"body=[one]\n", "<p>page</p>", "body=[three]\n"};

    for (size_t i = 0; i < 3; i++) {
        struct answer a = read_answer(fd);

        assert_true(a.status == 200 && body_has(&a, expected[i]));
        answer_free(&a);
    }
    (void)close(fd);
}

/* -- answers -- */

static void sets_security_headers(void **state)
{
    static const struct {
        const char *request, *type, *cache;
    } cases[] = {
        {GET("/page"), "text/html; charset=utf-8", "max-age=60"},
        {GET("/json"), "application/json", "private"},
        {GET("/show"), "text/plain", NULL},
        {GET("/nope"), "application/problem+json", "no-store"},
        {"POST /track HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "application/json",
         "no-store"},
        {"DELETE /nothing HTTP/1.1\r\nHost: a\r\n\r\n", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a = ask(*state, cases[i].request);

        assert_string_equal(header_of(&a, "X-Content-Type-Options"), "nosniff");
        const char *type = header_of(&a, "Content-Type");

        assert_true(cases[i].type == NULL ? type == NULL
                                          : type != NULL && strcmp(type, cases[i].type) == 0);
        const char *cache = header_of(&a, "Cache-Control");

        assert_true(cases[i].cache == NULL ? cache == NULL
                                           : cache != NULL && strcmp(cache, cases[i].cache) == 0);
        answer_free(&a);
    }
}

/* The same bytes, kept by the server, with another status and on a route without CORS. */
static void repeats_fixed_answers_with_the_right_head(void **state)
{
    int fd = dial(*state);

    for (int i = 0; i < 6; i++) {
        bool cors = i % 2 == 0, created = i % 3 == 0;
        char request[256];

        (void)snprintf(
            request, sizeof(request), "%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s",
            cors ? "POST /track" : "PUT /track/same", created ? 7 : 0, created ? "created" : "");
        assert_true(send_text(fd, request));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, created ? 201 : 202);
        assert_true(body_is(&a, "{\"accepted\":1}"));
        assert_true(cors == (header_of(&a, "Access-Control-Allow-Origin") != NULL));
        answer_free(&a);
    }
    (void)close(fd);
}

static void describes_problems(void **state)
{
    static const struct {
        const char *request, *title, *retry, *authenticate;
    } cases[] = {
        {GET("/problem/400"), "\"title\":\"Bad Request\",\"status\":400", NULL, NULL},
        {GET("/problem/401"), "\"title\":\"Unauthorized\",\"status\":401", NULL, "Bearer"},
        {GET("/problem/422"), "\"title\":\"Unprocessable Content\",\"status\":422", NULL, NULL},
        {GET("/problem/429"), "\"title\":\"Too Many Requests\",\"status\":429", "1", NULL},
        {GET("/problem/503"), "\"title\":\"Service Unavailable\",\"status\":503", "1", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer a = ask(*state, cases[i].request);
        const char *retry = header_of(&a, "Retry-After");

        assert_true(cases[i].retry == NULL ? retry == NULL
                                           : retry != NULL && strcmp(retry, "1") == 0);
        const char *authenticate = header_of(&a, "WWW-Authenticate");

        assert_true((cases[i].authenticate == NULL) == (authenticate == NULL));
        assert_true(body_has(&a, cases[i].title));
        assert_true(
            body_has(&a, ",\"detail\":\"it says \\\"no\\\"\\n\",\"index\":3,\"field\":\"path\"}"));
        assert_string_equal(header_of(&a, "Content-Type"), "application/problem+json");
        answer_free(&a);
    }
}

/* -- limits -- */

/* A connection that the server lets live answers; one too many is ended. */
static bool lives(int fd)
{
    if (!send_text(fd, GET("/page")))
        return false;
    struct answer a = read_answer(fd);
    bool good = a.status == 200;

    answer_free(&a);
    return good;
}

static void limits_the_connections_of_an_address(void **state)
{
    struct http *http = start((struct http_config){.connections_per_address = 3});
    int fds[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(http);
        assert_true(lives(fds[i]));
    }
    fds[3] = dial(http);
    assert_false(lives(fds[3]));
    for (int i = 0; i < 3; i++)
        assert_true(lives(fds[i]));
    (void)close(fds[0]);
    /* The server notices the end a moment later. */
    for (int tries = 0; tries < 100 && fds[0] != -1; tries++) {
        (void)close(fds[3]);
        fds[3] = dial(http);
        fds[0] = lives(fds[3]) ? -1 : fds[0];
        sleep_for_ms(5);
    }
    assert_int_equal(fds[0], -1);
    for (int i = 1; i < 4; i++)
        (void)close(fds[i]);
    assert_true(http_stop(&http, 1000));
}

static void limits_all_connections_but_not_those_of_a_trusted_proxy(void **state)
{
    struct cidr loopback;
    struct http *http;
    int fds[6];

    (void)state;
    assert_true(cidr_parse(STR("127.0.0.0/8"), &loopback));
    http = start((struct http_config){
        .connections_per_address = 2, .connections = 5, .trusted = &loopback, .trusted_count = 1});
    for (int i = 0; i < 6; i++) {
        fds[i] = dial(http);
        assert_int_equal(lives(fds[i]), i < 5);
    }
    for (int i = 0; i < 6; i++)
        (void)close(fds[i]);
    assert_true(http_stop(&http, 1000));
}

static void counts_requests_by_route_and_status(void **state)
{
    struct str names[ROUTES + 1];
    struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < ROUTES; i++)
        names[i] = str_from(routes[i].path);
    names[ROUTES] = STR("unknown");
    struct metrics_names all = {.routes = names, .routes_count = ROUTES + 1};
    struct metrics *metrics = metrics_new(&all, STR("1"));
    struct http *http = start((struct http_config){.metrics = metrics});

    assert_int_equal(status_of(http, GET("/page")), 200);
    assert_int_equal(status_of(http, GET("/page")), 200);
    assert_int_equal(status_of(http, GET("/nope")), 404);
    assert_int_equal(status_of(http, "GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"),
                     413);
    assert_true(http_stop(&http, 1000));
    metrics_render(metrics, &text);
    buf_addc(&text, '\0');
    assert_non_null(
        strstr(text.ptr, "analytics_http_requests_total{route=\"/page\",code=\"200\"} 2\n"));
    assert_non_null(
        strstr(text.ptr, "analytics_http_requests_total{route=\"/page\",code=\"413\"} 1\n"));
    assert_non_null(
        strstr(text.ptr, "analytics_http_requests_total{route=\"unknown\",code=\"404\"} 1\n"));
    assert_non_null(
        strstr(text.ptr, "analytics_http_request_duration_seconds_count{route=\"/page\"} 3\n"));
    buf_release(&text);
    metrics_free(&metrics);
}

/* -- starting -- */

static int refuse_to_open(void *app, void **worker, struct err *err)
{
    (void)app, (void)worker;
    return err_set(err, ERR_UNAVAILABLE, "no store today");
}

static void says_why_it_does_not_start(void **state)
{
    static const struct http_route twice[] = {{.method = "GET", .path = "/a", .handle = show},
                                              {.method = "GET", .path = "/a", .handle = show}};
    static const struct http_route odd[] = {{.method = "GET", .path = "/a{b}", .handle = show}};
    static const struct http_route brew[] = {{.method = "BREW", .path = "/a", .handle = show}};
    struct http *http = NULL;
    struct http_config config = {
        .routes = routes, .routes_count = ROUTES, .listen = http_address(*state)};
    struct err err = {0};

    assert_int_equal(http_start(&config, &http, &err), ERR_SYSTEM); /* the address is in use */
    static const char *const bad[] = {"",       "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                                      "::1:80", "[::1]",     "a b:1"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        config.listen = str_from(bad[i]);
        assert_int_equal(http_start(&config, &http, &err), ERR_INVALID);
    }
    config.listen = STR("127.0.0.1:0");
    config.worker_open = refuse_to_open;
    assert_int_equal(http_start(&config, &http, &err), ERR_UNAVAILABLE);
    assert_string_equal(err.text, "no store today");
    config.worker_open = NULL;
    config.routes = twice, config.routes_count = 2;
    assert_int_equal(http_start(&config, &http, &err), ERR_INVALID);
    config.routes = odd, config.routes_count = 1;
    assert_int_equal(http_start(&config, &http, &err), ERR_INVALID);
    config.routes = brew;
    assert_int_equal(http_start(&config, &http, &err), ERR_INVALID);
    assert_null(http);
}

static void listens_on_ipv6(void **state)
{
    struct http_config config = {
        .routes = routes, .routes_count = ROUTES, .listen = STR("[::1]:0")};
    struct http *http = NULL;
    struct err err;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    (void)state;
    if (probe < 0 || bind(probe, (const struct sockaddr *)&loopback, sizeof(loopback)) != 0) {
        (void)close(probe);
        skip(); /* a machine without IPv6 */
    }
    assert_int_equal(http_start(&config, &http, &err), 0);
    struct str address = http_address(http);
    int64_t port = 0;

    assert_true(str_starts(address, STR("[::1]:")));
    assert_true(str_to_i64(str_slice(address, 6, address.len), &port));
    (void)close(probe);
    probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    loopback.sin6_port = htons((uint16_t)port);
    assert_int_equal(connect(probe, (const struct sockaddr *)&loopback, sizeof(loopback)), 0);
    assert_true(lives(probe));
    (void)close(probe);
    assert_true(http_stop(&http, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_address_it_listens_on),
        cmocka_unit_test(hands_the_head_to_the_handler),
        cmocka_unit_test(joins_lists_and_keeps_the_first_user_agent),
        cmocka_unit_test(notices_every_sign_of_a_proxy),
        cmocka_unit_test(accepts_unusual_but_legal_heads),
        cmocka_unit_test(refuses_ambiguous_and_malformed_heads),
        cmocka_unit_test(refuses_folded_lines),
        cmocka_unit_test(refuses_a_nul_anywhere_in_the_head),
        cmocka_unit_test(answers_a_nul_in_a_value_with_a_problem),
        cmocka_unit_test(takes_long_heads_and_refuses_too_long_ones),
        cmocka_unit_test(finds_routes_by_path_and_method),
        cmocka_unit_test(decodes_the_parameter_and_nothing_else_of_a_path),
        cmocka_unit_test(says_which_methods_a_path_takes),
        cmocka_unit_test(answers_head_like_get_without_the_body),
        cmocka_unit_test(answers_preflights),
        cmocka_unit_test(takes_bodies_up_to_the_limit_of_the_route),
        cmocka_unit_test(refuses_any_body_where_none_is_read),
        cmocka_unit_test(refuses_a_long_body_before_it_comes),
        cmocka_unit_test(answers_who_sends_too_much),
        cmocka_unit_test(refuses_content_codings),
        cmocka_unit_test(goes_on_after_a_refusal_with_a_body),
        cmocka_unit_test(spares_who_asks_first_the_body),
        cmocka_unit_test(answers_requests_sent_ahead_in_order),
        cmocka_unit_test(sets_security_headers),
        cmocka_unit_test(repeats_fixed_answers_with_the_right_head),
        cmocka_unit_test(describes_problems),
        cmocka_unit_test(limits_the_connections_of_an_address),
        cmocka_unit_test(limits_all_connections_but_not_those_of_a_trusted_proxy),
        cmocka_unit_test(counts_requests_by_route_and_status),
        cmocka_unit_test(says_why_it_does_not_start),
        cmocka_unit_test(listens_on_ipv6),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
