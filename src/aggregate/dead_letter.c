/*
 * aggregate/dead_letter.c -- records that the store refuses, one JSON line each in
 * DATA_DIR/dead-letter.ndjson, and taking out those of what was erased.
 *
 *     {"producer":"<hex>","partition":3,"number":17,"why":"...","payload":"<base64>"}
 *
 * A line is durable before its record enters the ledger. After a crash between the two a record may
 * stand here twice; producer, partition and number tell.
 *
 * Lines are taken out by another file that takes the place of this one, whole. Who appends or
 * replaces holds a lock (fcntl(2), of the open file) on the file that has the name; who has waited
 * for the lock of one that lost it meanwhile opens the new one.
 */
#include "aggregate/aggregate_internal.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- the file -- */

static void letters_path(struct str data_dir, const char *suffix, struct buf *path)
{
    buf_addf(path, "%.*s/dead-letter.ndjson%s", STR_FMT(data_dir), suffix);
    buf_addc(path, '\0');
}

static bool lock_file(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;

    do
        rc = fcntl(fd, F_OFD_SETLKW, &whole);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

static bool has_the_name(int fd, const char *path)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* Open and lock it; -1 and errno. Closing it gives the lock back. */
static int open_letters(const char *path, int flags)
{
    for (;;) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0 || !lock_file(fd) || has_the_name(fd, path))
            return fd;
        (void)close(fd);
    }
}

/* -- appending -- */

static void add_hex(struct json_out *json, const void *bytes, size_t count)
{
    char *text = malloc(2 * count + 1);

    if (text == NULL)
        abort();
    (void)sodium_bin2hex(text, 2 * count + 1, bytes, count);
    json_str(json, str_from(text));
    free(text);
}

static void add_base64(struct json_out *json, struct str bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);

    if (text == NULL)
        abort();
    (void)sodium_bin2base64(text, size, (const unsigned char *)bytes.ptr, bytes.len,
                            sodium_base64_VARIANT_ORIGINAL);
    json_str(json, str_from(text));
    free(text);
}

static void format_line(const struct queue_record *record, const char *why, struct buf *line)
{
    struct json_out json = {.buf = line};

    json_open(&json, '{');
    json_name(&json, STR("producer"));
    add_hex(&json, record->position.producer.id, sizeof(record->position.producer.id));
    json_name(&json, STR("partition"));
    json_i64(&json, record->position.partition);
    json_name(&json, STR("number"));
    json_i64(&json, (int64_t)record->position.number);
    json_name(&json, STR("why"));
    json_str(&json, str_from(why));
    json_name(&json, STR("payload"));
    add_base64(&json, record->payload);
    json_close(&json, '}');
    buf_addc(line, '\n');
}

/* All of `line` durably at the end of the file, or nothing of it. */
static int append_line(const char *path, struct str line, struct err *err)
{
    int fd = open_letters(path, O_RDWR | O_APPEND | O_CREAT);
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    int rc = 0;

    if (end < 0 || write(fd, line.ptr, line.len) != (ssize_t)line.len || fdatasync(fd) != 0) {
        rc = err_set(err, errno == ENOSPC ? ERR_FULL : ERR_SYSTEM, "%s: %s", path, strerror(errno));
        if (end >= 0 && ftruncate(fd, end) != 0)
            rc = err_wrap(err, ERR_SYSTEM, "a half line stays");
    }
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int dead_letter(struct run *run, const struct queue_record *record, const char *why,
                struct err *err)
{
    struct buf path = {0}, line = {0};

    format_line(record, why, &line);
    letters_path(run->config->data_dir, "", &path);
    int rc = append_line(path.ptr, buf_str(&line), err);

    if (rc == 0 && run->config->logger != NULL)
        logger_line(run->config->logger, LOG_ERROR, "the store refuses a record; it is kept apart",
                    "file=dead-letter.ndjson partition=%u number=%llu", record->position.partition,
                    (unsigned long long)record->position.number);
    buf_release(&line);
    buf_release(&path);
    return rc;
}

/* -- taking out -- */

static bool holds(struct str text, struct str name)
{
    return name.len > 0 && memmem(text.ptr, text.len, name.ptr, name.len) != NULL;
}

static bool is_of(const struct dead_letters_of *of, struct str tenant, struct str site)
{
    return of->site.len > 0 ? str_eq(of->site, site) : str_eq(of->tenant, tenant);
}

/* A record that cannot be read says nothing for certain: it goes where the name is in it. */
static bool payload_is_of(const struct dead_letters_of *of, struct str payload)
{
    struct record record = {0};

    if (record_decode(payload, &record, NULL) < 0)
        return holds(payload, of->site.len > 0 ? of->site : of->tenant);
    return record.kind == RECORD_EVENT ? is_of(of, record.event.tenant, record.event.site)
                                       : is_of(of, record.tally.tenant, record.tally.site);
}

/* The record of a line; the line itself where it is none of ours. */
static struct str line_payload(struct str line, struct arena *arena)
{
    const struct json *text = NULL;
    struct json *object = NULL;
    size_t size = 0;

    if (json_parse(line, 1, arena, &object, NULL) == 0 && object->type == JSON_OBJECT)
        text = json_get(object, STR("payload"));
    if (text == NULL || text->type != JSON_STRING)
        return line;
    char *bytes = arena_bytes(arena, text->text.len + 1);

    if (sodium_base642bin((unsigned char *)bytes, text->text.len, text->text.ptr, text->text.len,
                          NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return line;
    return (struct str){bytes, size};
}

static bool goes(struct str line, const struct dead_letters_of *of, size_t count)
{
    struct arena arena = {0};
    struct str payload = line_payload(line, &arena);
    bool found = false;

    for (size_t i = 0; i < count && !found; i++)
        found = payload_is_of(&of[i], payload);
    arena_free(&arena);
    return found;
}

/* Copy the lines that stay. */
static int copy_lines(FILE *in, FILE *out, const struct dead_letters_of *of, size_t count,
                      size_t *removed)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    while ((n = getline(&line, &size, in)) > 0) {
        if (goes(str_trim((struct str){line, (size_t)n}), of, count))
            ++*removed;
        else
            (void)fwrite(line, 1, (size_t)n, out);
    }
    free(line);
    return ferror(in) || ferror(out) || fflush(out) != 0 ? -1 : 0;
}

static int flush_directory(struct str data_dir)
{
    struct buf path = {0};

    buf_addf(&path, "%.*s", STR_FMT(data_dir));
    buf_addc(&path, '\0');
    int fd = open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? 0 : -1;

    if (fd >= 0)
        (void)close(fd);
    buf_release(&path);
    return rc;
}

/* `in` holds the lock. */
static int replace(struct str data_dir, const char *path, const char *next, FILE *in,
                   const struct dead_letters_of *of, size_t count, size_t *removed, struct err *err)
{
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    int rc = out == NULL ? -1 : copy_lines(in, out, of, count, removed);

    if (rc == 0)
        rc = fdatasync(fd);
    if (rc == 0 && *removed > 0)
        rc = rename(next, path) == 0 ? flush_directory(data_dir) : -1;
    if (rc != 0)
        rc = err_set(err, errno == ENOSPC ? ERR_FULL : ERR_SYSTEM, "%s: %s", next, strerror(errno));
    if (out != NULL)
        (void)fclose(out);
    (void)unlink(next);
    return rc;
}

int dead_letters_remove(struct str data_dir, const struct dead_letters_of *of, size_t count,
                        size_t *removed, struct err *err)
{
    struct buf path = {0}, next = {0};
    FILE *in = NULL;
    int rc = 0;

    *removed = 0;
    letters_path(data_dir, "", &path);
    letters_path(data_dir, ".new", &next);
    int fd = open_letters(path.ptr, O_RDWR);

    if (fd >= 0 && (in = fdopen(fd, "r")) != NULL)
        rc = replace(data_dir, path.ptr, next.ptr, in, of, count, removed, err);
    else if (errno != ENOENT)
        rc = err_set(err, ERR_SYSTEM, "%s: %s", path.ptr, strerror(errno));
    if (in != NULL)
        (void)fclose(in);
    buf_release(&path);
    buf_release(&next);
    return rc;
}
