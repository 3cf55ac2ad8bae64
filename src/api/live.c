/*
 * live.c -- event streams (live.h).
 *
 * A stream keeps the parts of its request that say who asks for what. For each look the steps of a
 * reading handler are run again with them, into a response of their own: what is refused for good
 * ends the stream, and a store that does not answer is asked again later.
 */
#include "api/live.h"

#include "api/cached.h"
#include "base/clock.h"
#include "base/must.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

struct live_stream {
    struct live *live;
    struct live_stream *next, *prev;
    const struct live_kind *kind;
    struct arena owned;
    struct arena look; /* emptied after each look */
    struct str tenant;
    bool restricted; /* a stranger's */
    struct http_request request;

    bool begun;
    int64_t stamp;   /* of the data sent last */
    int64_t data_ms; /* when that was, by the steady clock */
    int64_t cost_ms; /* how long it took to make */
    int64_t said_ms; /* when anything was sent last */
    uint64_t shown;  /* hash of its numbers */
};

struct live {
    pthread_mutex_t lock;
    struct live_stream *first;
    unsigned count;
};

struct live *live_new(void)
{
    struct live *live = must(calloc(1, sizeof(*live)));

    (void)pthread_mutex_init(&live->lock, NULL);
    return live;
}

void live_free(struct live **live)
{
    if (*live == NULL)
        return;
    (void)pthread_mutex_destroy(&(*live)->lock);
    free(*live);
    *live = NULL;
}

/* -- who is there -------------------------------------------------------------------------- */

static bool enter(struct live *live, struct live_stream *stream)
{
    unsigned own = 0, alike = 0, most = stream->restricted ? LIVE_PUBLIC_MAX : LIVE_STREAMS_MAX;

    pthread_mutex_lock(&live->lock);
    for (const struct live_stream *other = live->first; other != NULL; other = other->next) {
        bool like = other->restricted == stream->restricted;
        alike += like;
        own += like && str_eq(other->tenant, stream->tenant);
    }
    bool room = live->count < LIVE_STREAMS_MAX && alike < most && own < LIVE_TENANT_MAX;

    if (room) {
        stream->next = live->first;
        if (stream->next != NULL)
            stream->next->prev = stream;
        live->first = stream;
        live->count++;
    }
    pthread_mutex_unlock(&live->lock);
    return room;
}

static void leave(struct live *live, struct live_stream *stream)
{
    pthread_mutex_lock(&live->lock);
    *(stream->prev != NULL ? &stream->prev->next : &live->first) = stream->next;
    if (stream->next != NULL)
        stream->next->prev = stream->prev;
    live->count--;
    pthread_mutex_unlock(&live->lock);
}

static void stream_release(struct live_stream *stream)
{
    arena_free(&stream->look);
    arena_free(&stream->owned);
    free(stream);
}

static void stream_free(void *ctx)
{
    struct live_stream *stream = ctx;

    leave(stream->live, stream);
    stream_release(stream);
}

/* -- a look -------------------------------------------------------------------------------- */

static int64_t steady_ms(void)
{
    return clock_steady_us() / 1000;
}

/* What would not be refused a moment later. */
static bool is_final(const struct http_response *response)
{
    return response->status >= 400 && response->status < 500;
}

/* The numbers of an answer, without what they are of and how old they are. */
static uint64_t hash_numbers(const struct live_stream *stream, struct str answer)
{
    struct str from = stream->kind->numbers;
    const char *at = memmem(answer.ptr, answer.len, from.ptr, from.len);

    return at == NULL ? 0 : XXH3_64bits(at, answer.len - (size_t)(at - answer.ptr));
}

static void say(struct live_stream *stream, struct str line, struct str text, struct buf *out)
{
    buf_add(out, line);
    buf_add(out, text);
    buf_add(out, STR("\n\n"));
    stream->said_ms = steady_ms();
}

/* Send what is new; `changed`: there was a commit. */
static void show(struct live_stream *stream, struct reader *reader, bool changed, int64_t stamp,
                 struct buf *out)
{
    int64_t began_ms = steady_ms();

    cached_now(reader, stream->kind->route, stream->kind->make);
    if (reader->response->status != 0)
        return;
    struct str answer = buf_str(&reader->response->body);
    uint64_t shown = hash_numbers(stream, answer);

    if (!changed && shown == stream->shown)
        return;
    say(stream, STR("data: "), answer, out);
    stream->begun = true;
    stream->stamp = stamp;
    stream->shown = shown;
    stream->data_ms = stream->said_ms;
    stream->cost_ms = stream->said_ms - began_ms;
}

static int64_t pause_ms(const struct live_stream *stream)
{
    int64_t fair = stream->cost_ms * LIVE_SHARE;

    return fair > LIVE_PAUSE_MS ? fair : LIVE_PAUSE_MS;
}

static void look(struct live_stream *stream, struct reader *reader, struct buf *out)
{
    uint32_t partition = UINT32_C(1) << site_partition(reader->site->id);
    int64_t now_ms = steady_ms(), stamp = stream->stamp;
    bool quiet = now_ms - stream->said_ms >= LIVE_QUIET_MS;
    struct err err = {0};
    int rc = store_stamp(reader->store, partition, &stamp, &err);
    bool changed = !stream->begun || stamp != stream->stamp;
    bool due = changed ? now_ms - stream->data_ms >= pause_ms(stream) : quiet;

    if (rc == 0 && (due || !stream->begun))
        show(stream, reader, changed, stamp, out);
    if (quiet && out->len == 0)
        say(stream, STR(": keep-alive"), STR(""), out);
}

static int stream_next(void *ctx, void *worker, struct buf *out, struct err *err)
{
    struct live_stream *stream = ctx;
    struct http_response response = {0};
    struct http_request request = stream->request;
    struct reader reader;

    (void)err;
    request.arena = &stream->look;
    request.worker = worker;
    bool open = reader_open_public(&reader, &request, &response, stream->kind->params);

    reader.counted = true;
    if (open && reader_resolve_site(&reader) && reader_dates(&reader))
        look(stream, &reader, out);
    reader_close(&reader);
    buf_release(&response.body);
    arena_reset(&stream->look);
    return is_final(&response) ? 0 : LIVE_LOOK_MS;
}

/* -- beginning ----------------------------------------------------------------------------- */

bool live_wanted(const struct http_request *request)
{
    struct str rest = request->accept, type;

    if (rest.len == 0)
        return false;
    while (str_next(&rest, ',', &type))
        if (str_ieq(str_trim(str_slice(type, 0, str_find(type, 0, ';'))), STR("text/event-stream")))
            return true;
    return false;
}

static struct live_stream *stream_new(const struct reader *reader, const struct live_kind *kind)
{
    struct live_stream *stream = must(calloc(1, sizeof(*stream)));
    struct arena *owned = &stream->owned;

    stream->live = reader->api->live;
    stream->kind = kind;
    stream->tenant = arena_str(owned, reader->tenant);
    stream->restricted = reader->caller.restricted;
    stream->request = (struct http_request){
        .method = STR("GET"),
        .query = arena_str(owned, reader->request->query),
        .authorization = arena_str(owned, reader->request->authorization),
        .cookie = arena_str(owned, reader->request->cookie),
        .forwarded_proto = arena_str(owned, reader->request->forwarded_proto),
        .peer = reader->request->peer,
        .app = reader->api,
    };
    stream->said_ms = steady_ms();
    return stream;
}

void live_answer(struct reader *reader, const struct live_kind *kind)
{
    struct http_response *response = reader->response;
    struct live_stream *stream = stream_new(reader, kind);

    if (stream->live == NULL || !enter(stream->live, stream)) {
        stream_release(stream);
        http_problem(response, 503, STR("too many event streams are open"), STR(""));
        return;
    }
    /* A proxy that collects answers would show none of it. */
    http_header(response, STR("X-Accel-Buffering"), STR("no"));
    response->content_type = STR("text/event-stream");
    response->stream =
        (struct http_stream){.next = stream_next, .free = stream_free, .ctx = stream};
}
