/*
 * queue/queue_log.c -- the node's own event log as the queue ("log:DATA_DIR"). Reads beside whoever
 * writes; what is committed is released by the log's holder, not here. A read also finds what was
 * appended since queue_begin().
 */
#include "base/must.h"
#include "log/log.h"
#include "queue/queue_internal.h"

#include <stdlib.h>
#include <string.h>

struct log_queue {
    struct queue base;
    struct str data_dir;
    struct log_reader *reader; /* NULL before queue_begin() */
    struct queue_end lost[PARTITIONS];
};

static struct log_queue *of(struct queue *queue)
{
    return (struct log_queue *)queue;
}

static void log_queue_close(struct queue *queue)
{
    struct log_queue *q = of(queue);

    log_reader_close(&q->reader);
    free((void *)(uintptr_t)q->data_dir.ptr);
    free(q);
}

static int log_queue_open(struct str url, struct queue **out, struct err *err)
{
    struct str path = str_slice(url, str_find(url, 0, ':') + 1, url.len);
    struct log_queue *q = must(calloc(1, sizeof(*q)));
    char *data_dir = must(malloc(path.len + 1));

    (void)err;
    if (path.len > 0)
        memcpy(data_dir, path.ptr, path.len);
    q->base.ops = &queue_log_ops;
    q->data_dir = (struct str){data_dir, path.len};
    *out = &q->base;
    return 0;
}

static int log_queue_begin(struct queue *queue, uint32_t partitions,
                           const struct position *committed, size_t count, struct err *err)
{
    struct log_queue *q = of(queue);

    (void)partitions;
    log_reader_close(&q->reader);
    return log_reader_open(q->data_dir, committed, count, &q->reader, err);
}

static void log_queue_read(struct queue *queue)
{
    log_reader_trim(of(queue)->reader);
}

static int log_queue_next(struct queue *queue, struct queue_record *out, struct err *err)
{
    struct log_record record;
    int rc = log_reader_next(of(queue)->reader, &record, err);

    if (rc == 1)
        *out = (struct queue_record){record.position, record.payload};
    return rc;
}

static int log_queue_committed(struct queue *queue, struct err *err)
{
    (void)err;
    log_reader_trim(of(queue)->reader);
    return 0;
}

static int log_queue_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    struct position *committed;
    struct log_backlog backlog;
    size_t count = order_positions(&queue->order, &committed);
    int rc = log_backlog(of(queue)->data_dir, committed, count, &backlog, err);

    free(committed);
    *out = (struct queue_status){backlog.records, backlog.oldest_ms};
    return rc;
}

static size_t log_queue_lost(struct queue *queue, const struct queue_end **out)
{
    struct log_queue *q = of(queue);
    const struct position *last = NULL;
    size_t count = log_reader_lost(q->reader, &last);

    for (size_t i = 0; i < count; i++)
        q->lost[i] = (struct queue_end){.last = last[i]};
    *out = q->lost;
    return count;
}

const struct queue_ops queue_log_ops = {
    .whole = true,
    .open = log_queue_open,
    .close = log_queue_close,
    .begin = log_queue_begin,
    .read = log_queue_read,
    .next = log_queue_next,
    .committed = log_queue_committed,
    .status = log_queue_status,
    .lost = log_queue_lost,
};
