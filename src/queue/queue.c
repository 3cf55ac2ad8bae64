/*
 * queue/queue.c -- the verbs, and what all backends share: finding one by its URL, and the order of
 * numbers.
 */
#include "queue/queue.h"

#include "queue/queue_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static const struct {
    struct str scheme; /* what stands before ':' in the URL */
    const struct queue_ops *ops;
} BACKENDS[] = {
    {STR_INIT("log"), &queue_log_ops},
    {STR_INIT("redis"), &queue_redis_ops},
    {STR_INIT("redis+sentinel"), &queue_redis_ops},
};

/* A URL may hold a password: a text shows its scheme alone. */
int queue_open(struct str url, struct queue **out, struct err *err)
{
    struct str scheme = str_slice(url, 0, str_find(url, 0, ':'));

    *out = NULL;
    if (scheme.len == url.len)
        return err_set(err, ERR_INVALID, "the URL of the queue has no scheme");
    for (size_t i = 0; i < sizeof(BACKENDS) / sizeof(BACKENDS[0]); i++)
        if (str_eq(scheme, BACKENDS[i].scheme))
            return BACKENDS[i].ops->open(url, out, err);
    return err_set(err, ERR_INVALID, "no queue has the scheme \"%.*s\"", STR_FMT(scheme));
}

void queue_close(struct queue **queue)
{
    if (*queue == NULL)
        return;
    order_release(&(*queue)->order);
    (*queue)->ops->close(*queue);
    *queue = NULL;
}

bool queue_is_whole(const struct queue *queue)
{
    return queue->ops->whole;
}

int queue_waiting(struct queue *queue, uint64_t out[PARTITIONS], struct err *err)
{
    assert(!queue->ops->whole);
    return queue->ops->waiting(queue, out, err);
}

/* Where it fails nothing is read: what an earlier beginning left does not fit these positions. */
int queue_begin(struct queue *queue, uint32_t partitions, const struct position *committed,
                size_t count, struct err *err)
{
    assert(!queue->ops->whole || partitions == PARTITIONS_ALL);
    order_reset(&queue->order, committed, count);
    queue->gap_found = false;
    queue->lost_count = 0;
    queue->leftovers = false;
    int rc = queue->ops->begin(queue, partitions, committed, count, err);

    queue->begun = rc == 0;
    return rc;
}

/* -- gaps and losses -- */

struct queue_hex queue_hex(const struct producer *producer)
{
    struct queue_hex hex;

    for (size_t i = 0; i < PRODUCER_BYTES; i++) {
        hex.text[2 * i] = "0123456789abcdef"[producer->id[i] >> 4];
        hex.text[2 * i + 1] = "0123456789abcdef"[producer->id[i] & 15];
    }
    hex.text[sizeof(hex.text) - 1] = '\0';
    return hex;
}

/* What lies behind the given numbers up to this position will not come any more. */
static void lose(struct queue *queue, const struct position *last, bool restore)
{
    struct queue_loss *loss = &queue->lost[queue->lost_count];
    uint64_t given = order_given(&queue->order, last);

    if (last->number <= given)
        return;
    *loss = (struct queue_loss){*last, last->number, restore};
    loss->from.number = given;
    queue->lost_count++;
}

/* In a whole queue nothing is sent again. A record that cannot be read is told as damage when it is
 * met, so what is missing without that is gone with its segments, which go only after their
 * commit: the store has forgotten it. */
static void find_gap(struct queue *queue, const struct position *found, uint64_t expected)
{
    struct position last = *found;

    if (!queue->ops->whole) {
        queue->ops->want(queue, found, expected);
        return;
    }
    (void)err_set(&queue->gap, ERR_CORRUPT,
                  "records are missing: producer %s, partition %u, expected number %" PRIu64
                  ", found %" PRIu64,
                  queue_hex(&found->producer).text, (unsigned)found->partition, expected,
                  found->number);
    queue->gap_found = true;
    last.number--;
    lose(queue, &last, true);
}

/* Damage is told by the next read, like a gap: what came before it is given first. */
static void find_damage(struct queue *queue, const struct err *err)
{
    const struct queue_end *ends = NULL;
    size_t count = queue->ops->lost == NULL ? 0 : queue->ops->lost(queue, &ends);

    for (size_t i = 0; i < count; i++)
        lose(queue, &ends[i].last, ends[i].restore);
    queue->gap = *err;
    queue->gap_found = true;
}

size_t queue_lost(const struct queue *queue, const struct queue_loss **out)
{
    *out = queue->lost;
    return queue->lost_count;
}

/* -- reading -- */

/* The payloads of a read: a batch's memory is bounded by bytes, too. */
enum { PAYLOADS_MAX = 16 * 1024 * 1024 };

/* Collect up to `max` records; a gap ends it, so that each is told. */
static int collect(struct queue *queue, size_t max, struct queue_record *records, size_t *count,
                   struct err *err)
{
    size_t bytes = 0;
    int rc = 0;

    while (*count < max && bytes < PAYLOADS_MAX && !queue->gap_found) {
        struct queue_record *record = &records[*count];
        struct err damage = {""};
        uint64_t expected;

        rc = queue->ops->next(queue, record, &damage);
        if (rc == ERR_CORRUPT)
            find_damage(queue, &damage);
        else if (rc < 0)
            err_fill(err, "%s", damage.text);
        if (rc <= 0)
            break;
        enum order_verdict verdict = order_judge(&queue->order, &record->position, &expected);
        if (verdict == ORDER_GIVE) {
            bytes += record->payload.len;
            ++*count;
            continue;
        }
        queue->leftovers = true;
        if (verdict == ORDER_GAP)
            find_gap(queue, &record->position, expected);
    }
    return rc == ERR_CORRUPT || rc > 0 ? 0 : rc;
}

int queue_read(struct queue *queue, size_t max, struct arena *arena, struct queue_record **out,
               size_t *count, struct err *err)
{
    int rc = 0;

    *out = arena_bytes(arena, max * sizeof(**out));
    *count = 0;
    if (!queue->begun)
        return err_set(err, ERR_UNAVAILABLE, "reading from the queue has not begun");
    queue->ops->read(queue);
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

int queue_committed(struct queue *queue, const struct position *positions, size_t count,
                    struct err *err)
{
    order_committed(&queue->order, positions, count);
    if (!queue->begun)
        return 0;
    int rc = queue->ops->committed(queue, err);

    if (rc == 0)
        queue->leftovers = false;
    return rc;
}

bool queue_has_leftovers(const struct queue *queue)
{
    return !queue->ops->whole && queue->leftovers;
}

uint64_t queue_malformed(const struct queue *queue)
{
    return queue->malformed;
}

int queue_status(struct queue *queue, struct queue_status *out, struct err *err)
{
    *out = (struct queue_status){0};
    return queue->ops->status(queue, out, err);
}
