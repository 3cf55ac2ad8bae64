/* cli/demo_stream.c -- a demo's stream as a source of an import. */
#include "cli/demo.h"

#include <sodium.h>

enum { TAG = PRODUCER_IMPORT_BYTES, TAG_BYTES = 4, TOLD = TAG + TAG_BYTES, DAYS = TOLD + 2 };

/* -- the producer ------------------------------------------------------------------------------ */

static void hash(const struct demo_stream *stream, const char *purpose, uint8_t out[SALT_BYTES])
{
    struct buf text = {0};

    buf_addf(&text, "abacus demo %s\n%llu\n%.*s\n%lld", purpose, (unsigned long long)DEMO_SEED,
             STR_FMT(stream->site->id), (long long)stream->made_ms);
    crypto_generichash(out, SALT_BYTES, (const uint8_t *)text.ptr, text.len, NULL, 0);
    buf_release(&text);
}

/* All of the id but the days. */
static struct producer producer_begun(const struct demo_stream *stream)
{
    struct producer producer = {{0}};
    uint8_t tag[SALT_BYTES];

    hash(stream, "producer", tag);
    memcpy(producer.id, PRODUCER_IMPORT, PRODUCER_IMPORT_BYTES);
    memcpy(producer.id + TAG, tag, TAG_BYTES);
    return producer;
}

static void put_u16(uint8_t *at, int32_t n)
{
    at[0] = (uint8_t)(n >> 8);
    at[1] = (uint8_t)n;
}

static int32_t get_u16(const uint8_t *at)
{
    return at[0] << 8 | at[1];
}

int demo_stream_find(struct store *store, struct arena *arena, struct demo_stream *stream,
                     struct err *err)
{
    const struct position_filter filter = {.partitions = UINT32_C(1)
                                                         << site_partition(stream->site->id)};
    struct producer begun = producer_begun(stream);
    struct position *positions = NULL;
    size_t count = 0;
    int rc = store_positions(store, &filter, arena, &positions, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const uint8_t *id = positions[i].producer.id;

        if (memcmp(id, begun.id, TOLD) != 0)
            continue;
        stream->producer = positions[i].producer;
        stream->told = get_u16(id + TOLD);
        stream->first = stream->told - get_u16(id + DAYS) + 1;
        stream->counted = positions[i].number;
    }
    return rc;
}

void demo_stream_begin(struct demo_stream *stream, int32_t days, int64_t now_ms)
{
    stream->told = tz_at(stream->tz, now_ms).day;
    stream->first = stream->told - days + 1;
    stream->producer = producer_begun(stream);
    put_u16(stream->producer.id + TOLD, stream->told);
    put_u16(stream->producer.id + DAYS, days);
}

/* -- its events -------------------------------------------------------------------------------- */

static struct demo *open_stream(const struct demo_stream *stream)
{
    const struct demo_config config = {.site = stream->site,
                                       .tz = stream->tz,
                                       .seed = DEMO_SEED,
                                       .first = stream->first,
                                       .told = stream->told};

    return demo_new(&config);
}

void demo_stream_measure(struct demo_stream *stream, int64_t now_ms)
{
    int64_t today_ms = tz_day_start(stream->tz, tz_at(stream->tz, now_ms).day);
    struct demo *demo = open_stream(stream);
    struct demo_event event;
    uint64_t before_today = 0;

    stream->records = 0;
    for (demo_next(demo, &event); event.in.timestamp_ms < now_ms; demo_next(demo, &event)) {
        before_today += event.in.timestamp_ms < today_ms;
        stream->records++;
    }
    if (stream->counted > before_today)
        stream->records = stream->counted;
    demo_free(&demo);
}

struct telling {
    const struct demo_stream *stream;
    struct demo *demo;
    struct import_sender sender;
};

static int seek(void *ctx, uint64_t number, struct err *err)
{
    struct telling *telling = ctx;
    struct demo_event event;

    (void)err;
    demo_free(&telling->demo);
    telling->demo = open_stream(telling->stream);
    while (number-- > 0)
        demo_next(telling->demo, &event);
    return 0;
}

static int next(void *ctx, struct arena *arena, struct import_record *out, struct err *err)
{
    struct telling *telling = ctx;
    struct demo_event event;

    (void)arena;
    (void)err;
    demo_next(telling->demo, &event);
    telling->sender = (struct import_sender){.words = event.sender};
    out->sender = &telling->sender;
    out->client = event.client;
    out->in = event.in;
    return 0;
}

int demo_stream_count(const struct demo_stream *stream, const struct import_config *config,
                      struct import_report *report, struct err *err)
{
    struct telling telling = {.stream = stream};
    struct import_source source = {.producer = stream->producer,
                                   .records = stream->records,
                                   .seek = seek,
                                   .next = next,
                                   .ctx = &telling};

    hash(stream, "salts", source.secret);
    int rc = import_records(config, &source, report, err);

    demo_free(&telling.demo);
    return rc;
}
