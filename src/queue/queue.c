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

/* What lies behind the given numbers up to this position will not come any more. */
static void lose(struct queue *queue, const struct position *last)
{
    struct queue_loss *loss = &queue->lost[queue->lost_count];
    uint64_t given = order_given(&queue->order, last);

    if (last->number <= given)
        return;
    *loss = (struct queue_loss){*last, last->number};
    loss->from.number = given;
    queue->lost_count++;
}

static void find_gap(struct queue *queue, const struct position *found, uint64_t expected)
{
    struct position last = *found;

    describe_gap(queue, found, expected);
    last.number--;
    if (queue->ops->lost != NULL)
        lose(queue, &last);
}

/* Damage is told by the next read, like a gap: what came before it is given first. */
static void find_damage(struct queue *queue, const struct err *err)
{
    const struct position *last = NULL;
    size_t count = queue->ops->lost == NULL ? 0 : queue->ops->lost(queue, &last);

    for (size_t i = 0; i < count; i++)
        lose(queue, &last[i]);
    queue->gap = *err;
    queue->gap_found = true;
}

/* The payloads of a read: a batch's memory is bounded by bytes, too. */
enum { PAYLOADS_MAX = 8 * 1024 * 1024 };

/* Collect up to `max` records; a gap ends it, so that each is told. */
static int collect(struct queue *queue, size_t max, struct queue_record *records, size_t *count,
                   struct err *err)
{
    size_t bytes = 0;
    int rc = 0;

    while (*count < max && bytes < PAYLOADS_MAX && !queue->gap_found) {
        struct queue_record *record = &records[*count];
        uint64_t expected;

        rc = queue->ops->next(queue, record, err);
        if (rc == ERR_CORRUPT)
            find_damage(queue, err);
        if (rc <= 0)
            break;
        enum order_verdict verdict = order_judge(&queue->order, &record->position, &expected);
        if (verdict == ORDER_GIVE) {
            bytes += record->payload.len;
            ++*count;
        } else if (verdict == ORDER_GAP) {
            find_gap(queue, &record->position, expected);
        }
    }
    return rc == ERR_CORRUPT || rc > 0 ? 0 : rc;
}

int queue_read(struct queue *queue, size_t max, struct arena *arena, struct queue_record **out,
               size_t *count, struct err *err)
{
    int rc = 0;

    *out = arena_bytes(arena, max * sizeof(**out));
    *count = 0;
    queue->ops->begin(queue);
    if (!queue->gap_found) {
        queue->lost_count = 0;
        rc = collect(queue, max, *out, count, err);
    }
    /* What was found comes first; a failure is met again, and a gap is told, by the next read. */
    if (*count > 0)
        return 0;
    if (rc == 0 && queue->gap_found) {
        queue->gap_found = false;
        return err_set(err, ERR_CORRUPT, "%s", queue->gap.text);
    }
    return rc;
}

size_t queue_lost(const struct queue *queue, const struct queue_loss **out)
{
    *out = queue->lost;
    return queue->lost_count;
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
