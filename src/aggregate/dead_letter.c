/*
 * aggregate/dead_letter.c -- records that the store refuses, one JSON line each in
 * DATA_DIR/dead-letter.ndjson:
 *
 *     {"producer":"<hex>","partition":3,"number":17,"why":"...","payload":"<base64>"}
 *
 * A line is durable before its record enters the ledger. After a crash between the two a record may
 * stand here twice; producer, partition and number tell.
 */
#include "aggregate/aggregate_internal.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

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
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
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
    buf_addf(&path, "%.*s/dead-letter.ndjson", STR_FMT(run->config->data_dir));
    buf_addc(&path, '\0');
    int rc = append_line(path.ptr, buf_str(&line), err);

    if (rc == 0 && run->config->logger != NULL)
        logger_line(run->config->logger, LOG_ERROR, "the store refuses a record; it is kept apart",
                    "file=dead-letter.ndjson partition=%u number=%llu", record->position.partition,
                    (unsigned long long)record->position.number);
    buf_release(&line);
    buf_release(&path);
    return rc;
}
