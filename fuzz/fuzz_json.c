/*
 * fuzz/fuzz_json.c -- any bytes as JSON.
 *
 * What is taken is written out again and read back: both must be the same text, and valid UTF-8.
 * What is refused must say why and where.
 */
#include "base/json.h"
#include "base/utf8.h"

#include <stdlib.h>

enum { DEPTH = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void write_out(struct buf *buf, const struct json *v)
{
    struct json_out out = {.buf = buf};

    json_value(&out, v);
}

static void check_taken(const struct json *first, struct arena *arena)
{
    struct buf once = {0}, twice = {0};
    struct json *second;

    write_out(&once, first);
    must(utf8_valid(buf_str(&once)));
    must(json_parse(buf_str(&once), DEPTH, arena, &second, NULL) == 0);
    write_out(&twice, second);
    must(str_eq(buf_str(&once), buf_str(&twice)));
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct json *v;
    struct err err = {{0}};
    struct str text = {(const char *)data, size};
    int rc = json_parse(text, DEPTH, &arena, &v, &err);

    must(rc == 0 || rc == ERR_INVALID);
    if (rc == 0) {
        must(utf8_valid(text));
        check_taken(v, &arena);
    } else {
        must(strstr(err.text, " at byte ") != NULL);
    }
    arena_free(&arena);
    return 0;
}
