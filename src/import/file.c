/*
 * import/file.c -- a file read twice: once for its hash and the number of its lines, once for them.
 */
#include "base/must.h"
#include "import/import_internal.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lines_open(struct lines *lines, int fd)
{
    *lines = (struct lines){.fd = fd, .bytes = must(malloc(READ_BYTES + LINE_MAX_BYTES))};
}

void lines_release(struct lines *lines)
{
    free(lines->bytes);
    lines->bytes = NULL;
}

static int failed(const char *what, struct err *err)
{
    return err_set(err, ERR_SYSTEM, "%s: %s", what, strerror(errno));
}

static int rewind_file(int fd, struct err *err)
{
    return lseek(fd, 0, SEEK_SET) == 0 ? 0
                                       : failed("the file cannot be read from its beginning", err);
}

/* Bytes read, 0 at the end, or negative. */
static ssize_t read_some(int fd, char *into, size_t room, struct err *err)
{
    ssize_t n;

    do
        n = read(fd, into, room);
    while (n < 0 && errno == EINTR);
    return n < 0 ? failed("the file cannot be read", err) : n;
}

static int fill(struct lines *lines, struct err *err)
{
    size_t left = lines->end - lines->begin;

    memmove(lines->bytes, lines->bytes + lines->begin, left);
    ssize_t n = read_some(lines->fd, lines->bytes + left, READ_BYTES, err);

    lines->begin = 0;
    lines->end = left + (n > 0 ? (size_t)n : 0);
    lines->ended = n == 0;
    return n < 0 ? ERR_SYSTEM : 0;
}

/* Pass over what is left of a line that is too long. */
static int skip_line(struct lines *lines, struct err *err)
{
    for (;;) {
        size_t left = lines->end - lines->begin;
        const char *feed = memchr(lines->bytes + lines->begin, '\n', left);

        if (feed != NULL) {
            lines->begin = (size_t)(feed - lines->bytes) + 1;
            return 0;
        }
        lines->begin = lines->end;
        if (lines->ended)
            return 0;
        int rc = fill(lines, err);

        if (rc < 0)
            return rc;
    }
}

int lines_next(struct lines *lines, struct str *out, struct err *err)
{
    for (;;) {
        char *at = lines->bytes + lines->begin;
        size_t left = lines->end - lines->begin;
        const char *feed = left == 0 ? NULL : memchr(at, '\n', left);

        if (feed != NULL || (lines->ended && left > 0)) {
            size_t len = feed != NULL ? (size_t)(feed - at) : left;

            *out = (struct str){at, len > 0 && at[len - 1] == '\r' ? len - 1 : len};
            lines->begin += feed != NULL ? len + 1 : len;
            lines->number++;
            return 1;
        }
        if (lines->ended)
            return 0;
        int rc = left >= LINE_MAX_BYTES ? ERR_FULL : fill(lines, err);

        if (rc == ERR_FULL) {
            *out = (struct str){at, LINE_MAX_BYTES};
            lines->number++;
            rc = skip_line(lines, err);
            return rc < 0 ? rc : 1;
        }
        if (rc < 0)
            return rc;
    }
}

int lines_seek(struct lines *lines, uint64_t number, struct err *err)
{
    struct str line;
    int rc = rewind_file(lines->fd, err);

    lines->begin = lines->end = 0;
    lines->ended = false;
    lines->number = 0;
    while (rc >= 0 && lines->number < number) {
        rc = lines_next(lines, &line, err);
        if (rc == 0)
            return err_set(err, ERR_CORRUPT, "the file has become shorter");
    }
    return rc < 0 ? rc : 0;
}

/* One pass over all bytes; what is asked of them is made from its result. */
static int hash_bytes(int fd, uint8_t out[crypto_generichash_KEYBYTES], uint64_t *lines,
                      struct err *err)
{
    crypto_generichash_state state;
    char *bytes = must(malloc(READ_BYTES)), last = '\n';
    ssize_t n = 0;
    int rc = rewind_file(fd, err);

    crypto_generichash_init(&state, NULL, 0, crypto_generichash_KEYBYTES);
    while (rc == 0 && (n = read_some(fd, bytes, READ_BYTES, err)) > 0) {
        crypto_generichash_update(&state, (const uint8_t *)bytes, (size_t)n);
        for (const char *at = bytes, *end = bytes + n;
             (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
            ++*lines;
        last = bytes[n - 1];
    }
    *lines += last != '\n';
    crypto_generichash_final(&state, out, crypto_generichash_KEYBYTES);
    free(bytes);
    return rc < 0 ? rc : n < 0 ? ERR_SYSTEM : 0;
}

/* `purpose` ends with its NUL: no two texts are the same bytes. */
static void derive(const uint8_t key[crypto_generichash_KEYBYTES], struct str purpose,
                   struct str site, uint8_t *out, size_t len)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, crypto_generichash_KEYBYTES, len);
    crypto_generichash_update(&state, (const uint8_t *)purpose.ptr, purpose.len + 1);
    crypto_generichash_update(&state, (const uint8_t *)site.ptr, site.len);
    crypto_generichash_final(&state, out, len);
    sodium_memzero(&state, sizeof(state));
}

int file_name_of(int fd, enum file_kind kind, struct str site, struct file_name *out,
                 struct err *err)
{
    uint8_t key[crypto_generichash_KEYBYTES], name[crypto_generichash_BYTES_MIN];

    *out = (struct file_name){0};
    int rc = hash_bytes(fd, key, &out->lines, err);

    derive(key, kind == FILE_DAILY ? STR("daily totals") : STR("access log"), site, name,
           sizeof(name));
    derive(key, STR("salts"), site, out->secret, sizeof(out->secret));
    memcpy(out->producer.id, PRODUCER_IMPORT, PRODUCER_IMPORT_BYTES);
    memcpy(out->producer.id + PRODUCER_IMPORT_BYTES, name, PRODUCER_BYTES - PRODUCER_IMPORT_BYTES);
    sodium_memzero(key, sizeof(key));
    return rc;
}
