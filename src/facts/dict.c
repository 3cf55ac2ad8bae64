/*
 * facts/dict.c -- lists of texts as bytes (column.c has the format).
 *
 * Neighbours in bytewise order share most of their beginning, and only what differs is written.
 */
#include "facts/facts_internal.h"

/* The texts of a dict are at most so many times as long as its bytes. */
enum { EXPAND_MAX = 64 };

size_t shared_prefix(struct str before, struct str value)
{
    size_t len = before.len < value.len ? before.len : value.len, i = 0;

    while (i < len && before.ptr[i] == value.ptr[i])
        i++;
    return i;
}

void put_dict(struct buf *out, struct dict dict)
{
    size_t bytes = 0, written = 0;
    struct buf texts = {0};

    for (uint32_t i = 1; i < dict.count; i++) {
        size_t shared = shared_prefix(dict.values[i - 1], dict.values[i]);

        bytes += dict.values[i].len;
        written = texts.len + 2;
        if (bytes > EXPAND_MAX * written)
            shared = 0;
        put_uint(&texts, shared);
        put_text(&texts, str_slice(dict.values[i], shared, dict.values[i].len));
    }
    put_uint(out, dict.count);
    put_uint(out, bytes);
    buf_add(out, buf_str(&texts));
    buf_release(&texts);
}

/* The next text, behind those that `at` holds so far. */
static struct str read_shared(struct reader *reader, struct str before, char *at, size_t room)
{
    uint64_t shared = read_uint(reader);
    struct str rest = read_text(reader);

    if (shared > before.len || rest.len > VALUE_MAX - shared || shared + rest.len > room)
        (void)reader_fail(reader);
    if (reader->bad)
        return STR("");
    memcpy(at, before.ptr, (size_t)shared);
    memcpy(at + shared, rest.ptr, rest.len);
    return (struct str){at, (size_t)shared + rest.len};
}

struct dict read_dict(struct reader *reader, struct arena *arena)
{
    uint64_t count = read_uint(reader), bytes = read_uint(reader);
    size_t left = (size_t)(reader->end - reader->at);

    /* Two bytes a text. */
    if (reader->bad || count == 0 || count - 1 > left / 2 || bytes > EXPAND_MAX * (uint64_t)left) {
        (void)reader_fail(reader);
        return (struct dict){NULL, 0};
    }
    struct str *values = ARENA_NEW(arena, struct str, (size_t)count);
    char *texts = arena_bytes(arena, (size_t)bytes + 1);
    size_t at = 0;

    values[0] = STR("");
    for (size_t i = 1; i < count && !reader->bad; i++) {
        values[i] = read_shared(reader, values[i - 1], texts + at, (size_t)bytes - at);
        at += values[i].len;
        if (str_cmp(values[i - 1], values[i]) >= 0)
            (void)reader_fail(reader);
    }
    return (struct dict){values, (uint32_t)count};
}
