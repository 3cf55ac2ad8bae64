#include "log/cursor.h"

#include "base/must.h"
#include "log/log.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One chunk holds the largest record, and many ordinary ones for each read. */
enum { READ_STEP = 64 * 1024, CHUNK_BYTES = RECORD_HEAD + LOG_PAYLOAD_MAX + 4 * READ_STEP };

struct chunk {
    struct chunk *older;
    uint64_t start; /* where in the file its first byte stands */
    size_t length;
    alignas(RECORD_ALIGN) char bytes[CHUNK_BYTES];
};

static void chunk_push(struct cursor *cursor)
{
    struct chunk *chunk = must(malloc(sizeof(*chunk)));

    chunk->older = cursor->chunks;
    chunk->start = cursor->offset;
    chunk->length = 0;
    cursor->chunks = chunk;
}

/* How many bytes from the cursor's offset on are in memory. */
static size_t have(const struct cursor *cursor)
{
    const struct chunk *chunk = cursor->chunks;

    return chunk == NULL ? 0 : chunk->length - (size_t)(cursor->offset - chunk->start);
}

static const char *here(const struct cursor *cursor)
{
    return cursor->chunks->bytes + (cursor->offset - cursor->chunks->start);
}

/* Forget the bytes behind the offset. */
static void drop_ahead(struct cursor *cursor)
{
    if (cursor->chunks != NULL)
        cursor->chunks->length = (size_t)(cursor->offset - cursor->chunks->start);
}

/* Read on until `need` bytes are in memory, or as many as there are. */
static int fill(struct cursor *cursor, size_t need, struct err *err)
{
    size_t want = need > READ_STEP ? need : READ_STEP;

    if (have(cursor) >= need)
        return 0;
    drop_ahead(cursor);
    if (cursor->chunks == NULL || CHUNK_BYTES - cursor->chunks->length < want)
        chunk_push(cursor);
    if (want > cursor->limit - cursor->offset)
        want = (size_t)(cursor->limit - cursor->offset);
    while (have(cursor) < want) {
        struct chunk *chunk = cursor->chunks;
        ssize_t n = pread(cursor->fd, chunk->bytes + chunk->length, want - have(cursor),
                          (off_t)(chunk->start + chunk->length));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_SYSTEM, "reading the event log: %s", strerror(errno));
        if (n == 0)
            break;
        chunk->length += (size_t)n;
    }
    return 0;
}

static int look(struct cursor *cursor, struct cursor_record *out, struct err *err)
{
    int rc = fill(cursor, RECORD_HEAD, err);

    if (rc < 0)
        return rc;
    if (have(cursor) < RECORD_HEAD)
        return CURSOR_NONE;
    memcpy(&out->head, here(cursor), RECORD_HEAD);
    if (out->head.length == 0)
        return CURSOR_NONE;
    if (!record_length_valid(out->head.length))
        return CURSOR_BAD;

    uint64_t room = record_room(out->head.length - RECORD_HEAD);

    if (room > cursor->limit - cursor->offset)
        return CURSOR_BAD;
    rc = fill(cursor, (size_t)room, err);
    if (rc < 0)
        return rc;
    /* The fill may have read the head a second time. */
    if (have(cursor) < room || memcmp(&out->head, here(cursor), RECORD_HEAD) != 0 ||
        !record_check(here(cursor), cursor->salt, cursor->offset, &out->head))
        return CURSOR_BAD;
    out->offset = cursor->offset;
    out->payload = (struct str){here(cursor) + RECORD_HEAD, out->head.length - RECORD_HEAD};
    return CURSOR_RECORD;
}

int cursor_next(struct cursor *cursor, struct cursor_record *out, struct err *err)
{
    if (cursor->offset >= cursor->limit)
        return CURSOR_NONE;

    bool fresh = have(cursor) == 0;
    int rc = look(cursor, out, err);

    if (rc != CURSOR_RECORD && rc >= 0 && !fresh) {
        drop_ahead(cursor);
        rc = look(cursor, out, err);
    }
    if (rc == CURSOR_RECORD)
        cursor->offset += record_room(out->payload.len);
    else
        drop_ahead(cursor);
    return rc;
}

void cursor_move(struct cursor *cursor, const struct cursor *to)
{
    struct chunk *chunks = cursor->chunks;

    *cursor = *to;
    cursor->chunks = chunks;
    if (chunks != NULL)
        chunk_push(cursor);
}

void cursor_trim(struct cursor *cursor)
{
    struct chunk *chunk = cursor->chunks;

    if (chunk == NULL)
        return;
    for (struct chunk *older = chunk->older; older != NULL;) {
        struct chunk *next = older->older;
        free(older);
        older = next;
    }
    chunk->older = NULL;

    /* Moving what lies ahead to the front is worth it only now and then: callers may trim after
     * each record. */
    size_t ahead = have(cursor);

    if (chunk->length - ahead < CHUNK_BYTES / 2)
        return;
    memmove(chunk->bytes, here(cursor), ahead);
    chunk->start = cursor->offset;
    chunk->length = ahead;
}

void cursor_release(struct cursor *cursor)
{
    for (struct chunk *chunk = cursor->chunks; chunk != NULL;) {
        struct chunk *next = chunk->older;
        free(chunk);
        chunk = next;
    }
    cursor->chunks = NULL;
}
