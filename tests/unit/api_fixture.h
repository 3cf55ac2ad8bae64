/*
 * api_fixture.h -- a world to ask reading handlers in: a store that is filled by hand, a directory,
 * tokens, and a clock that a test sets.
 */
#ifndef ABACUS_TEST_API_FIXTURE_H
#define ABACUS_TEST_API_FIXTURE_H

#include "access/access.h"
#include "api/api.h"
#include "api/handlers.h"
#include "query_fixture.h"

/* Sites a (Berlin, stats kept for ever) and b (UTC) of the tenant "five", c (UTC) of "six"; raw
 * events are kept 30 days, visits 365. */
struct api_world {
    struct store *store;
    struct directory *directory;
    struct api api;
    struct arena arena;
    char five[TOKEN_TEXT_MAX], six[TOKEN_TEXT_MAX];
    struct http_response response; /* the last one */
    struct str body;
};

static int64_t world_now_ms; /* api.now takes no argument */

static inline int64_t world_now(void)
{
    return world_now_ms;
}

static inline void world_token(struct api_world *w, char *text, const char *tenant)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct token_request request = {.tenant = str_from(tenant), .scopes = SCOPE_STATS_READ};
    struct err err = {0};

    if (token_create(w->store, &request, &actor, text, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void world_load(struct api_world *w)
{
    struct err err = {0};

    if (directory_load(w->directory, w->store, world_now_ms, &err) != 0)
        fail_msg("%s", err.text);
}

static inline struct api_world *world_new(const char *now)
{
    struct api_world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 30, .visit_days = 365, .stats_days = 365};

    world_now_ms = instant(now);
    w->store = fixture_open();
    fixture_site(w->store, "five", "a", "Europe/Berlin", 0);
    fixture_site(w->store, "five", "b", "UTC", 365);
    fixture_site(w->store, "six", "c", "UTC", 365);
    world_token(w, w->five, "five");
    world_token(w, w->six, "six");
    w->directory = directory_new(&config);
    world_load(w);
    w->api = (struct api){.directory = w->directory,
                          .data_dir = STR("no-such-directory"),
                          .now = world_now,
                          .live = live_new()};
    return w;
}

static inline void world_free(struct api_world *w)
{
    buf_release(&w->response.body);
    live_free(&w->api.live);
    directory_free(&w->directory);
    fixture_close(&w->store);
    arena_free(&w->arena);
    test_free(w);
}

/* The job has counted everything up to `text`. */
static inline void world_counted(struct api_world *w, const char *text)
{
    struct err err = {0};

    assert_int_equal(store_finish_run(w->store, PARTITIONS_ALL, instant(text), world_now_ms, &err),
                     0);
}

typedef void handler(const struct http_request *request, struct http_response *response);

/* Any request: what is the world's is filled in. */
static inline int world_send(struct api_world *w, handler *handle, struct http_request request)
{
    /* The memory double takes writes by the same handle. */
    struct worker worker = {.store = w->store, .write = w->store};

    request.arena = &w->arena;
    request.app = &w->api;
    request.worker = &worker;
    if (request.method.len == 0)
        request.method = STR("GET");
    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    handle(&request, &w->response);
    w->body =
        w->response.static_body.len > 0 ? w->response.static_body : buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

static inline int world_ask_for(struct api_world *w, handler *handle, const char *secret,
                                const char *query, const char *accept)
{
    struct buf authorization = {0};

    buf_addf(&authorization, "Bearer %s", secret);
    int status = world_send(w, handle,
                            (struct http_request){.query = str_from(query),
                                                  .accept = str_from(accept),
                                                  .authorization = buf_str(&authorization)});

    buf_release(&authorization);
    return status;
}

/* The value of a header of the last answer, or NULL. */
static inline const char *world_header(const struct api_world *w, const char *name)
{
    for (size_t i = 0; i < w->response.headers_count; i++)
        if (str_ieq(w->response.headers[i].name, str_from(name)))
            return w->response.headers[i].value.ptr;
    return NULL;
}

/* -- rows -- */

struct world_row {
    enum row_kind kind;
    const void *row;
};

static inline int world_put_row(void *ctx, bool exists, void *row, struct arena *arena,
                                struct err *err)
{
    const struct world_row *put = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    memcpy(row, put->row, row_size(put->kind));
    return EDIT_PUT;
}

/* Put a row, which begins with its id, and load the directory anew. */
static inline void world_put(struct api_world *w, enum row_kind kind, const void *row)
{
    struct world_row put = {kind, row};
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {0};

    if (store_edit(w->store, kind, *(const struct str *)row, world_put_row, &put, &actor, &err) < 0)
        fail_msg("%s: %s", row_name(kind), err.text);
    world_load(w);
}

/* The row as it is, to be changed and put. */
static inline void world_get(struct api_world *w, enum row_kind kind, const char *id, void *row)
{
    struct err err = {0};

    if (store_get(w->store, kind, str_from(id), &w->arena, row, &err) < 0)
        fail_msg("%s: %s", row_name(kind), err.text);
}

/* Ask as tenant "five"; returns the status. */
static inline int world_ask(struct api_world *w, handler *handle, const char *query)
{
    return world_ask_for(w, handle, w->five, query, "");
}

static inline bool world_has(const struct api_world *w, const char *text)
{
    return w->body.len > 0 && memmem(w->body.ptr, w->body.len, text, strlen(text)) != NULL;
}

#define assert_has(w, text)                                                                        \
    do {                                                                                           \
        if (!world_has((w), (text)))                                                               \
            fail_msg("no %s\nin %.*s", (text), STR_FMT((w)->body));                                \
    } while (0)

#endif
