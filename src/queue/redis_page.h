/*
 * queue/redis_page.h -- entries of a stream, as relay/relay.h says that they look.
 */
#ifndef ABACUS_QUEUE_REDIS_PAGE_H
#define ABACUS_QUEUE_REDIS_PAGE_H

#include "base/arena.h"
#include "base/position.h"
#include "redis/redis.h"

/* "MS-SEQ"; 0-0 is no entry's. */
struct stream_id {
    uint64_t ms, seq;
};

bool stream_id_parse(struct str text, struct stream_id *out);
/* Bytewise order's sign: negative, 0 or positive. */
int stream_id_cmp(struct stream_id a, struct stream_id b);
/* The next one there can be; of the last one, itself. */
struct stream_id stream_id_next(struct stream_id id);

struct stream_id_text {
    char text[48];
};
struct stream_id_text stream_id_text(struct stream_id id);

enum entry_kind {
    ENTRY_RECORD,
    ENTRY_LOSS,     /* numbers first to number are lost for good */
    ENTRY_MALFORMED /* none of these */
};

struct entry {
    struct stream_id id;
    enum entry_kind kind;
    struct producer producer;
    uint64_t first, number;
    bool restore;
    struct str payload;
};

/* Of a record's value, before the record. */
enum { ENTRY_HEAD_BYTES = PRODUCER_BYTES + sizeof(uint64_t) };

/* What one XRANGE gave, copied. */
struct page {
    struct page *next;
    struct arena arena;
    struct entry *entries;
    size_t count, at; /* at: the next to be read */
    size_t bytes;     /* of all payloads */
};

/* The answer to XRANGE. ERR_SYSTEM: it is none, or its ids do not rise from behind `after` to at
 * most `last`. */
int page_read(const struct redis_reply *reply, struct stream_id after, struct stream_id last,
              struct page **out, struct err *err);
/* Free these. */
void page_free(struct page *pages);

#endif
