/* The HTTP server's time: query threads, suspended requests, deadlines, streams, stopping. */
#include "http_client.h"
#include "timed.h"

#include <pthread.h>
#include <stdatomic.h>

enum { DEADLINE_MS = 300, PROMPT_MS = 200, PAGE = 10000 };

/* -- what the handlers share: struct app is http_config.app -- */

struct app {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;                       /* handlers of /gate go on */
    int waiting;                     /* handlers at the gate */
    int ran;                         /* handlers that have passed it */
    char seen[256];                  /* what the last of them read afterwards */
    const struct http_request *kept; /* by /later, for a test to resume */
    struct http_response *answer;
    atomic_int workers, streams_freed, pages;
};

static void app_init(struct app *app)
{
    *app = (struct app){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static void open_gate(struct app *app)
{
    pthread_mutex_lock(&app->lock);
    app->open = true;
    pthread_cond_broadcast(&app->changed);
    pthread_mutex_unlock(&app->lock);
}

static int read_int(struct app *app, const int *value)
{
    pthread_mutex_lock(&app->lock);
    int v = *value;

    pthread_mutex_unlock(&app->lock);
    return v;
}

static bool reaches(struct app *app, const int *value, int wanted)
{
    for (int i = 0; i < 400 && read_int(app, value) != wanted; i++)
        sleep_for_ms(5);
    return read_int(app, value) == wanted;
}

/* Waits for the test, then reads the request, which must still be there whatever has become of the
 * connection. */
static void gate(const struct http_request *r, struct http_response *response)
{
    struct app *app = r->app;

    pthread_mutex_lock(&app->lock);
    app->waiting++;
    while (!app->open)
        pthread_cond_wait(&app->changed, &app->lock);
    (void)snprintf(app->seen, sizeof(app->seen), "%.*s %.*s %.*s %.*s %.*s %.*s %.*s",
                   STR_FMT(r->method), STR_FMT(r->path), STR_FMT(r->query), STR_FMT(r->host),
                   STR_FMT(r->param), STR_FMT(r->accept_encoding), STR_FMT(r->body));
    (void)arena_alloc(r->arena, 100, 1);
    buf_add(&response->body, str_from(app->seen));
    app->ran++;
    pthread_mutex_unlock(&app->lock);
}

static void worker_name(const struct http_request *r, struct http_response *response)
{
    buf_addf(&response->body, "worker %d", *(int *)r->worker);
}

static void quick(const struct http_request *r, struct http_response *response)
{
    (void)r;
    response->static_body = STR("quick");
}

static void later(const struct http_request *r, struct http_response *response)
{
    struct app *app = r->app;

    http_suspend(r);
    pthread_mutex_lock(&app->lock);
    app->kept = r;
    app->answer = response;
    app->waiting++;
    pthread_mutex_unlock(&app->lock);
}

static void big(const struct http_request *r, struct http_response *response)
{
    (void)r;
    size_t size = 32 * 1024 * 1024;

    memset(buf_reserve(&response->body, size), 'x', size);
    response->body.len = size;
}

/* -- streams -- */

struct pages {
    struct app *app;
    int made, wanted;
    bool gated;  /* the second page waits at the gate */
    bool broken; /* and then fails */
};

static int next_page(void *ctx, void *worker, struct buf *out, struct err *err)
{
    struct pages *p = ctx;

    (void)err;
    if (worker == NULL || out->len != 0)
        return ERR_INVALID;
    if (p->made == 1 && p->gated) {
        pthread_mutex_lock(&p->app->lock);
        p->app->waiting++;
        while (!p->app->open)
            pthread_cond_wait(&p->app->changed, &p->app->lock);
        pthread_mutex_unlock(&p->app->lock);
    }
    if (p->made == 1 && p->broken)
        return ERR_SYSTEM;
    memset(buf_reserve(out, PAGE), 'a' + p->made % 26, PAGE);
    out->len = PAGE;
    atomic_fetch_add(&p->app->pages, 1);
    return ++p->made < p->wanted;
}

static void free_pages(void *ctx)
{
    struct pages *p = ctx;

    atomic_fetch_add(&p->app->streams_freed, 1);
    free(p);
}

/* /stream/N pages; "gated" and "broken" in the query. */
static void stream(const struct http_request *r, struct http_response *response)
{
    struct pages *p = calloc(1, sizeof(*p));
    int64_t n = 0;

    if (p == NULL || !str_to_i64(r->param, &n))
        abort();
    *p = (struct pages){.app = r->app, .wanted = (int)n};
    p->gated = str_eq(r->query, STR("gated"));
    p->broken = str_eq(r->query, STR("broken"));
    response->content_type = STR("application/x-ndjson");
    response->stream = (struct http_stream){next_page, free_pages, p};
}

/* A stream that says a word of its own, or nothing, every so many milliseconds. */
struct words {
    struct app *app;
    int wait_ms, said, wanted;
    bool silent; /* every second page is empty */
};

static int next_word(void *ctx, void *worker, struct buf *out, struct err *err)
{
    struct words *w = ctx;

    (void)err;
    if (worker == NULL)
        return ERR_INVALID;
    w->said++;
    if (!w->silent || w->said % 2 == 1)
        buf_addf(out, "word %d\n", w->said);
    atomic_fetch_add(&w->app->pages, 1);
    return w->said < w->wanted ? w->wait_ms : 0;
}

static void free_words(void *ctx)
{
    struct words *w = ctx;

    atomic_fetch_add(&w->app->streams_freed, 1);
    free(w);
}

/* /words/MS: three of them; "many" or "silent" in the query. */
static void words(const struct http_request *r, struct http_response *response)
{
    struct words *w = calloc(1, sizeof(*w));
    int64_t ms = 0;

    if (w == NULL || !str_to_i64(r->param, &ms))
        abort();
    *w = (struct words){.app = r->app, .wait_ms = (int)ms, .wanted = 3};
    if (str_eq(r->query, STR("many")))
        w->wanted = 1000000;
    w->silent = str_eq(r->query, STR("silent"));
    response->content_type = STR("text/event-stream");
    response->stream = (struct http_stream){next_word, free_words, w};
}

/* -- the server -- */

static int open_worker(void *ctx, void **worker, struct err *err)
{
    struct app *app = ctx;
    int *number = malloc(sizeof(*number));

    (void)err;
    if (number == NULL)
        return ERR_SYSTEM;
    *number = atomic_fetch_add(&app->workers, 1);
    *worker = number;
    return 0;
}

static void close_worker(void *ctx, void *worker)
{
    struct app *app = ctx;

    atomic_fetch_sub(&app->workers, 1);
    free(worker);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/quick", .handle = quick},
    {.method = "GET", .path = "/worker", .handle = worker_name, .kind = HTTP_QUERY},
    {.method = "GET", .path = "/gate", .handle = gate, .kind = HTTP_QUERY, .cors = true},
    {.method = "POST",
     .path = "/gate/{param}",
     .handle = gate,
     .kind = HTTP_QUERY,
     .body_max = 100},
    {.method = "GET", .path = "/slow", .handle = gate, .kind = HTTP_QUERY, .slow = true},
    {.method = "GET", .path = "/later", .handle = later},
    {.method = "POST", .path = "/later", .handle = later, .body_max = 100},
    {.method = "GET", .path = "/big", .handle = big, .kind = HTTP_QUERY},
    {.method = "GET", .path = "/stream/{pages}", .handle = stream, .kind = HTTP_QUERY},
    {.method = "GET", .path = "/words/{ms}", .handle = words, .kind = HTTP_QUERY},
};

static struct http *start(struct app *app, unsigned threads, unsigned query_threads, unsigned queue)
{
    struct http_config config = {
        .listen = STR("127.0.0.1:0"),
        .routes = routes,
        .routes_count = sizeof(routes) / sizeof(routes[0]),
        .threads = threads,
        .query_threads = query_threads,
        .query_queue = queue,
        .deadline_ms = DEADLINE_MS,
        .app = app,
        .worker_open = open_worker,
        .worker_close = close_worker,
    };
    struct http *http = NULL;
    struct err err;

    app_init(app);
    if (http_start(&config, &http, &err) != 0)
        fail_msg("%s", err.text);
    return http;
}

static int send_request(const struct http *http, const char *request)
{
    int fd = dial(http);

    assert_true(send_text(fd, request));
    return fd;
}

/* Read an answer and close. */
static int take_status(int fd)
{
    struct answer a = read_answer(fd);
    int status = a.complete ? a.status : 0;

    answer_free(&a);
    (void)close(fd);
    return status;
}

static bool answers_promptly(const struct http *http)
{
    int64_t before = now_ms();

    return status_of(http, GET("/quick")) == 200 && now_ms() - before < PROMPT_MS;
}

/* -- query threads -- */

static void gives_each_query_thread_a_worker_of_its_own(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 2, 0);
    bool seen[2] = {false, false};

    (void)state;
    assert_int_equal(atomic_load(&app.workers), 2);
    for (int i = 0; i < 200 && !(seen[0] && seen[1]); i++) {
        struct answer a = ask(http, GET("/worker"));

        assert_int_equal(a.status, 200);
        seen[body_is(&a, "worker 1")] = true;
        answer_free(&a);
    }
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.workers), 0);
}

static void refuses_at_once_what_the_queue_has_no_room_for(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 1);
    int running = send_request(http, GET("/gate"));

    (void)state;
    assert_true(reaches(&app, &app.waiting, 1));
    int queued = send_request(http, GET("/gate"));

    sleep_for_ms(50);
    int64_t before = now_ms();
    struct answer a = ask(http, GET("/gate"));

    assert_true(now_ms() - before < PROMPT_MS);
    assert_int_equal(a.status, 503);
    assert_string_equal(header_of(&a, "Retry-After"), "1");
    assert_string_equal(header_of(&a, "Access-Control-Allow-Origin"), "*");
    answer_free(&a);
    assert_true(answers_promptly(http));
    open_gate(&app);
    assert_int_equal(take_status(running), 200);
    assert_int_equal(take_status(queued), 200);
    assert_int_equal(status_of(http, GET("/gate")), 200);
    assert_true(http_stop(&http, 1000));
}

static void slow_requests_leave_a_query_thread_to_the_others(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 3, 1);
    int slow[4], other;

    (void)state;
    for (int i = 0; i < 4; i++)
        slow[i] = send_request(http, GET("/slow"));
    assert_true(reaches(&app, &app.waiting, 2));
    assert_int_equal(status_of(http, GET("/worker")), 200);
    assert_int_equal(read_int(&app, &app.waiting), 2);
    /* Nor do those that wait take the room of the others. */
    other = send_request(http, GET("/gate"));
    assert_true(reaches(&app, &app.waiting, 3));
    open_gate(&app);
    assert_int_equal(take_status(other), 200);
    for (int i = 0; i < 4; i++)
        assert_int_equal(take_status(slow[i]), 200);
    assert_int_equal(read_int(&app, &app.ran), 5);
    assert_true(http_stop(&http, 1000));
}

static void refuses_at_once_what_is_slow_beyond_a_few(void **state)
{
    enum { RUNNING = 1, WAITING = 32 };
    struct app app;
    struct http *http = start(&app, 1, 2, 0);
    int slow[RUNNING + WAITING];

    (void)state;
    for (int i = 0; i < RUNNING + WAITING; i++) {
        slow[i] = send_request(http, GET("/slow"));
        if (i == 0)
            assert_true(reaches(&app, &app.waiting, RUNNING));
    }
    sleep_for_ms(50);
    int64_t before = now_ms();

    assert_int_equal(status_of(http, GET("/slow")), 503);
    assert_true(now_ms() - before < PROMPT_MS);
    open_gate(&app);
    for (int i = 0; i < RUNNING + WAITING; i++)
        assert_int_equal(take_status(slow[i]), 200);
    assert_int_equal(status_of(http, GET("/slow")), 200);
    assert_true(http_stop(&http, 1000));
}

static void one_query_thread_does_what_is_slow_too(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);

    (void)state;
    open_gate(&app);
    assert_int_equal(status_of(http, GET("/slow")), 200);
    assert_int_equal(status_of(http, GET("/slow")), 200);
    assert_true(http_stop(&http, 1000));
}

static void gives_up_queries_after_the_deadline_and_throws_their_results_away(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 8);
    int64_t before = now_ms();
    int running = send_request(http, "POST /gate/some%20thing?a=b HTTP/1.1\r\nHost: host.test\r\n"
                                     "Accept-Encoding: br;q=0.5\r\n"
                                     "Content-Length: 4\r\n\r\nbody");

    (void)state;
    assert_true(reaches(&app, &app.waiting, 1));
    int queued = send_request(http, GET("/gate"));

    assert_true(answers_promptly(http));
    /* 503, then the same connection goes on while the query thread still holds the request. */
    struct answer a = read_answer(running);

    assert_int_equal(a.status, 503);
    assert_string_equal(header_of(&a, "Retry-After"), "1");
    answer_free(&a);
    assert_in_range(now_ms() - before, DEADLINE_MS - 50, DEADLINE_MS + 400);
    assert_true(send_text(running, GET("/quick")));
    assert_int_equal(take_status(running), 200);
    assert_int_equal(take_status(queued), 503);
    open_gate(&app);
    assert_true(reaches(&app, &app.ran, 1));
    assert_string_equal(app.seen, "POST /gate/some%20thing a=b host.test some thing br;q=0.5 body");
    assert_int_equal(status_of(http, GET("/gate")), 200);
    assert_int_equal(read_int(&app, &app.ran),
                     2); /* what was given up in the queue has not been run */
    assert_true(http_stop(&http, 1000));
}

static void survives_clients_that_leave_while_suspended(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 1, 100);

    (void)state;
    for (int i = 0; i < 20; i++) {
        int fd = send_request(http, GET("/gate"));

        if (i % 2 == 0)
            (void)shutdown(fd, SHUT_RDWR);
        (void)close(fd);
    }
    assert_true(reaches(&app, &app.waiting, 1));
    open_gate(&app);
    assert_int_equal(status_of(http, GET("/gate")), 200);
    assert_true(http_stop(&http, 1000));
}

/* -- suspended inline handlers -- */

static void resume_kept(struct app *app, const char *text)
{
    pthread_mutex_lock(&app->lock);
    const struct http_request *kept = app->kept;

    app->kept = NULL;
    buf_add(&app->answer->body, kept->body);
    buf_add(&app->answer->body, str_from(text));
    app->answer->status = 202;
    pthread_mutex_unlock(&app->lock);
    http_resume(kept);
}

static void answers_a_suspended_request_when_it_is_resumed(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = dial(http);

    (void)state;
    for (int i = 1; i <= 3; i++) {
        assert_true(
            send_text(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab "));
        assert_true(reaches(&app, &app.waiting, i));
        assert_true(answers_promptly(http));
        resume_kept(&app, "done");
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, 202);
        assert_true(body_is(&a, "ab done"));
        answer_free(&a);
    }
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
}

static void gives_up_a_suspended_request_after_the_deadline(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = dial(http);

    (void)state;
    assert_true(send_text(fd, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab "));
    struct answer a = read_answer(fd);

    assert_int_equal(a.status, 503);
    answer_free(&a);
    assert_true(send_text(fd, GET("/quick")));
    a = read_answer(fd);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    resume_kept(&app, "too late"); /* gives the memory back and nothing else */
    assert_true(send_text(fd, GET("/quick")));
    assert_int_equal(take_status(fd), 200);
    assert_true(http_stop(&http, 1000));
}

static void may_be_resumed_after_the_server_has_stopped(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = send_request(http, GET("/later"));

    (void)state;
    assert_true(reaches(&app, &app.waiting, 1));
    assert_true(http_stop(&http, 50));
    assert_int_equal(take_status(fd), 503);
    resume_kept(&app, "much too late");
}

struct resumer {
    struct app *app;
    atomic_bool stop;
};

/* Resumes whatever is kept, at once, from another thread. */
static void *resume_all(void *ctx)
{
    struct resumer *resumer = ctx;

    while (!atomic_load(&resumer->stop)) {
        if (read_int(resumer->app, &resumer->app->waiting) > resumer->app->ran) {
            resumer->app->ran++;
            resume_kept(resumer->app, "ok");
        }
    }
    return NULL;
}

static void resumes_many_requests_from_another_thread(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 1, 0);
    struct resumer resumer = {.app = &app};
    pthread_t thread;
    int fd = dial(http);

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, resume_all, &resumer), 0);
    for (int i = 0; i < 500; i++) {
        assert_true(send_text(fd, GET("/later")));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, 202);
        assert_true(body_is(&a, "ok"));
        answer_free(&a);
    }
    atomic_store(&resumer.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
}

/* -- slow clients -- */

/* Send `head`, then one byte of `rest` over and over; how long the server lives with it, -1: longer
 * than two seconds. */
static int64_t trickle(const struct http *http, const char *head, const char *rest)
{
    int fd = send_request(http, head);
    int64_t before = now_ms();

    for (size_t i = 0; now_ms() - before < 2000; i++) {
        if (!send_bytes(fd, &rest[i % strlen(rest)], 1) || ends_within(fd, 20)) {
            (void)close(fd);
            return now_ms() - before;
        }
    }
    (void)close(fd);
    return -1;
}

static void cuts_off_requests_that_trickle(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    static const struct {
        const char *head, *rest;
    } cases[] = {
        {"", "G"},
        {"GET /quick HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"},
        {"POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", "x"},
        {"POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
        {"\r\n", "\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t lived = trickle(http, cases[i].head, cases[i].rest);

        if (lived < DEADLINE_MS - 50 || lived > DEADLINE_MS + 400)
            fail_msg("case %zu lived %lld ms", i, (long long)lived);
    }
    assert_true(answers_promptly(http));
    assert_true(http_stop(&http, 1000));
}

static void counts_the_deadline_from_the_previous_answer(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = dial(http);

    (void)state;
    for (int i = 0; i < 4; i++) { /* longer than the deadline in all */
        sleep_for_ms(DEADLINE_MS / 2);
        assert_true(send_text(fd, GET("/quick")));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, 200);
        answer_free(&a);
    }
    int64_t before = now_ms();

    assert_true(ends_within(fd, 2000));
    assert_in_range(now_ms() - before, DEADLINE_MS - 50, DEADLINE_MS + 400);
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
}

static void cuts_off_who_does_not_read_its_answer(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = send_request(http, GET("/big"));
    int64_t before = now_ms();
    char c;

    (void)state;
    assert_int_equal(recv(fd, &c, 1, 0), 1); /* the answer has begun */
    /* What fits into the buffers between us can be read afterwards, then comes the end, long before
     * 32 MiB. */
    sleep_for_ms(3 * DEADLINE_MS + 200);
    struct buf rest = {0};

    assert_false(read_exactly(fd, &rest, 32 * 1024 * 1024));
    assert_true(now_ms() - before < 4000); /* ended, not timed out */
    buf_release(&rest);
    (void)close(fd);
    assert_true(answers_promptly(http));
    assert_true(http_stop(&http, 1000));
}

static void lets_a_slow_reader_take_its_time(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = dial(http), small = 65536;
    int64_t before = now_ms();

    (void)state;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_true(send_text(fd, GET("/big")));
    struct answer a = {0};

    assert_true(read_until(fd, &a.head, "\r\n\r\n"));
    while (a.body.len < 32 * 1024 * 1024) {
        assert_true(read_exactly(fd, &a.body, 256 * 1024));
        sleep_for_ms(10);
    }
    assert_true(now_ms() - before > 3 * DEADLINE_MS);
    answer_free(&a);
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
}

/* -- streams -- */

static bool is_pages(const struct buf *body, size_t pages)
{
    bool good = body->len == pages * PAGE;

    for (size_t i = 0; i < body->len && good; i++)
        good = body->ptr[i] == (char)('a' + i / PAGE % 26);
    return good;
}

static void streams_page_after_page(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 2, 0);
    int fd = dial(http);

    (void)state;
    for (size_t pages = 1; pages <= 200; pages = pages * 6 + 1) {
        char request[128];

        (void)snprintf(request, sizeof(request), "GET /stream/%zu HTTP/1.1\r\nHost: a\r\n\r\n",
                       pages);
        assert_true(send_text(fd, request));
        struct answer a = read_answer(fd);

        assert_int_equal(a.status, 200);
        assert_true(a.complete);
        assert_true(is_pages(&a.body, pages));
        assert_string_equal(header_of(&a, "Content-Type"), "application/x-ndjson");
        answer_free(&a);
    }
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), 3); /* 1, 7 and 43 pages */
}

static void streams_to_http_1_0_until_the_end_of_the_connection(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = send_request(http, "GET /stream/5 HTTP/1.0\r\n\r\n");
    struct answer a = read_answer(fd);
    struct buf body = {0};

    (void)state;
    assert_int_equal(a.status, 200);
    assert_null(header_of(&a, "Transfer-Encoding"));
    assert_false(read_exactly(fd, &body, 6 * PAGE)); /* up to the end */
    assert_true(is_pages(&body, 5));
    buf_release(&body);
    answer_free(&a);
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
}

static void makes_no_page_for_head(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = dial(http);

    (void)state;
    assert_true(send_text(fd, "HEAD /stream/5 HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct answer a = read_answer_to(fd, true);

    assert_int_equal(a.status, 200);
    assert_string_equal(header_of(&a, "Content-Type"), "application/x-ndjson");
    answer_free(&a);
    /* Not one byte of a body follows. */
    char c;

    assert_int_equal(recv(fd, &c, 1, 0), 0);
    (void)close(fd);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.pages), 0);
    assert_int_equal(atomic_load(&app.streams_freed), 1);
}

static void cuts_the_connection_when_a_page_fails(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    struct answer a = ask(http, GET("/stream/5?broken"));

    (void)state;
    assert_int_equal(a.status, 200);
    assert_false(a.complete);
    assert_true(is_pages(&a.body, 1));
    answer_free(&a);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), 1);
}

static void cuts_the_connection_when_a_page_takes_too_long(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int64_t before = now_ms();
    struct answer a = ask(http, GET("/stream/5?gated"));

    (void)state;
    assert_false(a.complete);
    assert_in_range(now_ms() - before, DEADLINE_MS - 50, DEADLINE_MS + 400);
    answer_free(&a);
    assert_int_equal(atomic_load(&app.streams_freed), 0); /* the query thread has it */
    open_gate(&app);
    for (int i = 0; i < 200 && atomic_load(&app.streams_freed) == 0; i++)
        sleep_for_ms(5);
    assert_int_equal(atomic_load(&app.streams_freed), 1);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), 1);
}

static void frees_a_stream_once_when_its_client_leaves(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 2, 0);
    enum { CLIENTS = 20 };

    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        int fd = send_request(http, GET("/stream/100000"));
        char some[5000];

        assert_true(recv(fd, some, sizeof(some), 0) > 0);
        (void)close(fd);
    }
    for (int i = 0; i < 400 && atomic_load(&app.streams_freed) < CLIENTS; i++)
        sleep_for_ms(5);
    assert_int_equal(atomic_load(&app.streams_freed), CLIENTS);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), CLIENTS);
}

/* -- streams that wait -- */

static bool freed(struct app *app, int streams)
{
    for (int i = 0; i < 400 && atomic_load(&app->streams_freed) < streams; i++)
        sleep_for_ms(5);
    return atomic_load(&app->streams_freed) == streams;
}

static void waits_between_pages_as_long_as_it_is_told(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int64_t before = now_ms();
    /* Twice as long as the deadline. */
    int fd = send_request(http, GET("/words/600"));
    struct buf head = {0}, line = {0};

    (void)state;
    assert_true(read_until(fd, &head, "\r\n\r\n"));
    assert_true(read_until(fd, &line, "word 1\n\r\n"));
    assert_true(now_ms() - before < 500);
    assert_true(read_until(fd, &line, "word 2\n\r\n"));
    assert_in_range(now_ms() - before, 600, 1100);
    assert_true(read_until(fd, &line, "word 3\n\r\n0\r\n\r\n"));
    assert_in_range(now_ms() - before, 1200, 2000);
    buf_release(&head);
    buf_release(&line);
    /* The connection goes on. */
    assert_true(send_text(fd, GET("/quick")));
    assert_int_equal(take_status(fd), 200);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), 1);
}

static void holds_no_query_thread_while_it_waits(void **state)
{
    enum { STREAMS = 40 };
    struct app app;
    struct http *http = start(&app, 2, 1, 0);
    int fds[STREAMS];

    (void)state;
    for (int i = 0; i < STREAMS; i++)
        fds[i] = send_request(http, GET("/words/5000?many"));
    for (int i = 0; i < 400 && atomic_load(&app.pages) < STREAMS; i++)
        sleep_for_ms(5);
    assert_int_equal(atomic_load(&app.pages), STREAMS);
    int64_t before = now_ms();

    assert_int_equal(status_of(http, GET("/worker")), 200);
    assert_true(now_ms() - before < PROMPT_MS);
    assert_int_equal(atomic_load(&app.pages), STREAMS);
    for (int i = 0; i < STREAMS; i++)
        (void)close(fds[i]);
    assert_true(http_stop(&http, 1000));
    assert_int_equal(atomic_load(&app.streams_freed), STREAMS);
}

static void sends_nothing_for_an_empty_page(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    struct answer a = ask(http, GET("/words/30?silent"));

    (void)state;
    assert_true(a.complete);
    assert_true(body_is(&a, "word 1\nword 3\n"));
    answer_free(&a);
    assert_true(http_stop(&http, 1000));
}

static void asks_no_further_when_the_client_of_a_waiting_stream_has_left(void **state)
{
    struct app app;
    struct http *http = start(&app, 1, 1, 0);
    int fd = send_request(http, GET("/words/200?many"));
    struct buf head = {0};

    (void)state;
    assert_true(read_until(fd, &head, "word 1\n\r\n"));
    (void)close(fd);
    assert_true(freed(&app, 1));
    assert_int_equal(atomic_load(&app.pages), 1);
    buf_release(&head);
    assert_true(http_stop(&http, 1000));
}

/* -- stopping -- */

struct stopping {
    struct http *http;
    int64_t grace_ms;
    bool result;
};

static void *stop_it(void *ctx)
{
    struct stopping *s = ctx;

    s->result = http_stop(&s->http, s->grace_ms);
    return NULL;
}

static void stops_at_once_when_only_idle_connections_are_left(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 2, 0);
    int fresh = dial(http), used = dial(http);
    int64_t before = now_ms();

    (void)state;
    assert_true(send_text(used, GET("/quick")));
    struct answer a = read_answer(used);

    assert_int_equal(a.status, 200);
    answer_free(&a);
    assert_true(http_stop(&http, 5000));
    assert_true(now_ms() - before < 1000);
    assert_true(ends_within(fresh, 1000) && ends_within(used, 1000));
    (void)close(fresh);
    (void)close(used);
    assert_true(http_stop(&http, 0)); /* stopping nothing is fine */
}

static void finishes_suspended_requests_before_it_stops(void **state)
{
    struct app app;
    struct stopping s = {.http = start(&app, 2, 1, 0), .grace_ms = 3000};
    int query = send_request(s.http, GET("/gate"));
    int suspended = send_request(s.http, GET("/later"));
    pthread_t thread;

    (void)state;
    assert_true(reaches(&app, &app.waiting, 2));
    assert_int_equal(pthread_create(&thread, NULL, stop_it, &s), 0);
    sleep_for_ms(50);
    open_gate(&app);
    resume_kept(&app, "in time");
    assert_int_equal(take_status(query), 200);
    assert_int_equal(take_status(suspended), 202);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(s.result);
}

static void takes_no_connections_while_it_stops(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 1, 0);
    struct stopping s = {.http = http, .grace_ms = 2000};
    int query = send_request(http, GET("/gate"));
    pthread_t thread;

    (void)state;
    assert_true(reaches(&app, &app.waiting, 1));
    assert_int_equal(pthread_create(&thread, NULL, stop_it, &s), 0);
    sleep_for_ms(50);
    assert_int_equal(dial(http), -1);
    open_gate(&app);
    assert_int_equal(take_status(query), 200);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(s.result);
}

/* An abandoned server is never freed, and its query thread outlives the test: both stay reachable
 * from here. */
static struct http *volatile abandoned_http;
static struct app abandoned_app;

static void leaves_a_query_thread_behind_that_does_not_come_back(void **state)
{
    struct http *http = start(&abandoned_app, 2, 1, 0);
    int running, queued;
    int64_t before;

    (void)state;
    abandoned_http = http;
    running = send_request(http, GET("/gate"));
    assert_true(reaches(&abandoned_app, &abandoned_app.waiting, 1));
    queued = send_request(http, GET("/gate"));
    sleep_for_ms(50);
    before = now_ms();
    assert_false(http_stop(&http, 100));
    assert_true(now_ms() - before < 1500);
    assert_int_equal(take_status(running), 503);
    assert_int_equal(take_status(queued), 503);
    open_gate(&abandoned_app);
    assert_true(reaches(&abandoned_app, &abandoned_app.ran, 1));
    for (int i = 0; i < 200 && atomic_load(&abandoned_app.workers) > 0; i++)
        sleep_for_ms(5);
    assert_int_equal(atomic_load(&abandoned_app.workers), 0);
}

static void ends_streams_when_it_stops(void **state)
{
    struct app app;
    struct http *http = start(&app, 2, 2, 0);
    int fd = send_request(http, GET("/stream/1000000"));
    int gated = send_request(http, GET("/stream/5?gated"));
    int64_t before;
    char c;

    (void)state;
    assert_int_equal(recv(fd, &c, 1, 0), 1);
    assert_true(reaches(&app, &app.waiting, 1));
    before = now_ms();
    struct stopping s = {.http = http, .grace_ms = 3000};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, stop_it, &s), 0);
    assert_true(ends_within(fd, 1000) && ends_within(gated, 1000));
    open_gate(&app);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(s.result);
    assert_true(now_ms() - before < 1500);
    assert_int_equal(atomic_load(&app.streams_freed), 2);
    (void)close(fd);
    (void)close(gated);
}

static void ends_waiting_streams_when_it_stops(void **state)
{
    enum { STREAMS = 20 };
    struct app app;
    struct http *http = start(&app, 2, 1, 0);
    int fds[STREAMS];

    (void)state;
    for (int i = 0; i < STREAMS; i++)
        fds[i] = send_request(http, GET("/words/60000?many"));
    for (int i = 0; i < 400 && atomic_load(&app.pages) < STREAMS; i++)
        sleep_for_ms(5);
    int64_t before = now_ms();

    assert_true(http_stop(&http, 5000));
    assert_true(now_ms() - before < 1500);
    assert_int_equal(atomic_load(&app.streams_freed), STREAMS);
    for (int i = 0; i < STREAMS; i++) {
        assert_true(ends_within(fds[i], 1000));
        (void)close(fds[i]);
    }
}

/* Clients of every kind while the server stops: nothing hangs, crashes or leaks. */
static void *knock(void *ctx)
{
    struct str address = str_from(ctx);
    static const char *const requests[] = {GET("/quick"), GET("/worker"), GET("/stream/3"),
                                           GET("/words/2"), GET("/big")};

    for (size_t i = 0; i < 2000; i++) {
        int fd = dial_address(address);

        if (fd < 0)
            break;
        (void)send_text(fd, requests[i % 5]);
        if (i % 5 != 4) {
            struct answer a = read_answer(fd);

            answer_free(&a);
        }
        (void)close(fd);
    }
    return NULL;
}

static void stops_under_load(void **state)
{
    enum { THREADS = 3 };

    (void)state;
    for (int round = 0; round < 3; round++) {
        struct app app;
        struct http *http = start(&app, 2, 2, 0);
        struct stopping s = {.http = http, .grace_ms = 2000};
        pthread_t threads[THREADS];
        char address[64];

        (void)snprintf(address, sizeof(address), "%.*s", STR_FMT(http_address(http)));
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, knock, address), 0);
        sleep_for_ms(100 + 37 * round);
        (void)stop_it(&s);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(s.result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMED_TEST(gives_each_query_thread_a_worker_of_its_own),
        TIMED_TEST(refuses_at_once_what_the_queue_has_no_room_for),
        TIMED_TEST(slow_requests_leave_a_query_thread_to_the_others),
        TIMED_TEST(refuses_at_once_what_is_slow_beyond_a_few),
        TIMED_TEST(one_query_thread_does_what_is_slow_too),
        TIMED_TEST(gives_up_queries_after_the_deadline_and_throws_their_results_away),
        TIMED_TEST(survives_clients_that_leave_while_suspended),
        TIMED_TEST(answers_a_suspended_request_when_it_is_resumed),
        TIMED_TEST(gives_up_a_suspended_request_after_the_deadline),
        TIMED_TEST(may_be_resumed_after_the_server_has_stopped),
        TIMED_TEST(resumes_many_requests_from_another_thread),
        TIMED_TEST(cuts_off_requests_that_trickle),
        TIMED_TEST(counts_the_deadline_from_the_previous_answer),
        TIMED_TEST(cuts_off_who_does_not_read_its_answer),
        TIMED_TEST(lets_a_slow_reader_take_its_time),
        TIMED_TEST(streams_page_after_page),
        TIMED_TEST(streams_to_http_1_0_until_the_end_of_the_connection),
        TIMED_TEST(makes_no_page_for_head),
        TIMED_TEST(cuts_the_connection_when_a_page_fails),
        TIMED_TEST(cuts_the_connection_when_a_page_takes_too_long),
        TIMED_TEST(frees_a_stream_once_when_its_client_leaves),
        TIMED_TEST(waits_between_pages_as_long_as_it_is_told),
        TIMED_TEST(holds_no_query_thread_while_it_waits),
        TIMED_TEST(sends_nothing_for_an_empty_page),
        TIMED_TEST(asks_no_further_when_the_client_of_a_waiting_stream_has_left),
        TIMED_TEST(stops_at_once_when_only_idle_connections_are_left),
        TIMED_TEST(finishes_suspended_requests_before_it_stops),
        TIMED_TEST(takes_no_connections_while_it_stops),
        TIMED_TEST(leaves_a_query_thread_behind_that_does_not_come_back),
        TIMED_TEST(ends_streams_when_it_stops),
        TIMED_TEST(ends_waiting_streams_when_it_stops),
        TIMED_TEST(stops_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
