/*
 * queue/queue.c -- the verbs, and what all backends share: finding one by its URL, and the order of
 * numbers.
 */
#include "queue/queue.h"

#include "queue/queue_internal.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct queue_ops *const BACKENDS[] = {&queue_log_ops};

int queue_open(struct str url, const struct position *committed, size_t count, struct queue **out,
               struct err *err)
{
    size_t colon = str_find(url, 0, ':');

    *out = NULL;
    for (size_t i = 0; i < sizeof(BACKENDS) / sizeof(BACKENDS[0]); i++) {
        if (colon == url.len || !str_eq(str_slice(url, 0, colon), str_from(BACKENDS[i]->scheme)))
            continue;
        int rc = BACKENDS[i]->open(str_slice(url, colon + 1, url.len), committed, count, out, err);
        if (rc == 0)
            order_committed(&(*out)->order, committed, count);
        return rc;
    }
    return err_set(err, ERR_INVALID, "no queue has the scheme of \"%.*s\"", STR_FMT(url));
}

void queue_close(struct queue **queue)
{
    if (*queue == NULL)
        return;
    order_release(&(*queue)->order);
    (*queue)->ops->close(*queue);
    *queue = NULL;
}

static void describe_gap(struct queue *queue, const struct position *found, uint64_t expected)
{
    char hex[2 * PRODUCER_BYTES + 1];

    for (size_t i = 0; i < PRODUCER_BYTES; i++) {
        hex[2 * i] = "0123456789abcdef"[found->producer.id[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[found->producer.id[i] & 15];
    }
    hex[sizeof(hex) - 1] = '\0';
    (void)err_set(&queue->gap, ERR_CORRUPT,
                  "records are missing: producer %s, partition %u, expected number %" PRIu64
                  ", found %" PRIu64,
                  hex, (unsigned)found->partition, expected, found->number);
    queue->gap_found = true;
}

/* Collect up to `max` records; a gap ends it, so that each is told. */
static int collect(struct queue *queue, size_t max, struct queue_record *records, size_t *count,
                   struct err *err)
{
    int rc = 0;

    while (*count < max && !queue->gap_found) {
        struct queue_record *record = &records[*count];
        uint64_t expected;

        rc = queue->ops->next(queue, record, err);
        if (rc <= 0)
            break;
        enum order_verdict verdict = order_judge(&queue->order, &record->position, &expected);
        if (verdict == ORDER_GIVE)
            ++*count;
        else if (verdict == ORDER_GAP)
            describe_gap(queue, &record->position, expected);
    }
    return rc < 0 ? rc : 0;
}

int queue_read(struct queue *queue, size_t max, struct arena *arena, struct queue_record **out,
               size_t *count, struct err *err)
{
    *out = ARENA_NEW(arena, struct queue_record, max);
    *count = 0;
    queue->ops->begin(queue);

    int rc = collect(queue, max, *out, count, err);

    /* What was found comes first; the failure is met again, and the gap is told, by the next read.
     */
    if (*count > 0)
        return 0;
    if (rc == 0 && queue->gap_found) {
        queue->gap_found = false;
        return err_set(err, ERR_CORRUPT, "%s", queue->gap.text);
    }
    return rc;
}

int queue_committed(struct queue *queue, const struct position *positions, size_t count,
                    struct err *err)
{
    order_committed(&queue->order, positions, count);
    return queue->ops->committed(queue, err);
}

int queue_rewind(struct queue *queue, const struct position *committed, size_t count,
                 struct err *err)
{
    order_reset(&queue->order, committed, count);
    queue->gap_found = false;
    return queue->ops->rewind(queue, committed, count, err);
}

int queue_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    return queue->ops->status(queue, out, err);
}
