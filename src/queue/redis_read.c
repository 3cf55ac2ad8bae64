/*
 * queue/redis_read.c -- from entries to records for queue.c to judge, and what becomes of gaps.
 */
#include "queue/redis_queue.h"

#include <inttypes.h>

enum {
    PAGES_AHEAD = 4,          /* partitions read in one pipeline */
    PAGE_MAX = 2000,          /* entries asked for at once */
    PAGE_BYTES = 1024 * 1024, /* or so many that they take about this */
    ENTRY_BYTES_BESIDE = 64,  /* what an entry takes beside its payload */
};

static struct redis_queue *of(struct queue *queue)
{
    return (struct redis_queue *)queue;
}

/* -- gaps -- */

void redis_queue_want(struct queue *queue, const struct position *found, uint64_t expected)
{
    struct redis_queue *q = of(queue);

    if (q->wanted_count == WANTED_MAX)
        return;
    q->wanted[q->wanted_count] = *found;
    q->wanted[q->wanted_count++].number = expected;
}

static int send_wanted(struct redis_queue *q, const struct position *expected, struct err *err)
{
    struct redis_queue_text key, number;
    const struct str args[] = {STR("HSET"),
                               redis_queue_key("wanted", expected->partition, &key),
                               {(const char *)expected->producer.id, PRODUCER_BYTES},
                               redis_queue_number(expected->number, &number)};

    return redis_send(q->redis, args, 4, err);
}

/* Move those of which it is certain now to the front: *still_open of them. The others may yet be
 * filled. */
static void sort_wanted(struct redis_queue *q, size_t *still_open)
{
    size_t kept = 0;

    *still_open = 0;
    for (size_t i = 0; i < q->wanted_count; i++) {
        struct position expected = q->wanted[i];
        const struct part *part = &q->parts[expected.partition];

        if (order_given(&q->base.order, &expected) + 1 != expected.number)
            continue; /* it came */
        q->wanted[kept++] = expected;
        if (part->done && part->page == NULL) {
            q->wanted[kept - 1] = q->wanted[*still_open];
            q->wanted[(*still_open)++] = expected;
        }
    }
    q->wanted_count = kept;
}

/* Those that Redis refuses stay. */
int redis_queue_publish(struct redis_queue *q, struct err *err)
{
    size_t count, kept = 0;
    int rc = 0;

    sort_wanted(q, &count);
    if (count > 0)
        rc = redis_queue_same_connection(q, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = send_wanted(q, &q->wanted[i], err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct redis_reply *reply = NULL;

        rc = redis_receive(q->redis, &reply, err);
        if (rc == 0 && reply->type == REDIS_ERROR)
            q->wanted[kept++] = q->wanted[i];
    }
    if (rc < 0)
        return rc;
    for (size_t i = count; i < q->wanted_count; i++)
        q->wanted[kept++] = q->wanted[i];
    q->wanted_count = kept;
    return 0;
}

/* -- reading -- */

static size_t page_size(const struct redis_queue *q)
{
    size_t entries = PAGE_BYTES / q->entry_bytes;

    return entries > PAGE_MAX ? PAGE_MAX : entries > 0 ? entries : 1;
}

/* What entries take, lately; it falls slowly, so that a page after a large one is no surprise. */
static void learn_size(struct redis_queue *q, size_t bytes)
{
    q->entry_bytes = bytes > q->entry_bytes / 2 ? bytes : q->entry_bytes / 2;
}

static int send_page(struct redis_queue *q, unsigned p, struct err *err)
{
    const struct part *part = &q->parts[p];
    struct stream_id_text from = stream_id_text(stream_id_next(part->fetched)),
                          to = stream_id_text(part->last);
    struct redis_queue_text key, number;
    const struct str args[] = {STR("XRANGE"),       redis_queue_key("events", p, &key),
                               str_from(from.text), str_from(to.text),
                               STR("COUNT"),        redis_queue_number(page_size(q), &number)};

    return redis_send(q->redis, args, 6, err);
}

static int take_page(struct redis_queue *q, unsigned p, const struct redis_reply *reply, void *ctx,
                     struct err *err)
{
    const size_t *asked = ctx;
    struct part *part = &q->parts[p];
    struct page *page = NULL;
    int rc = page_read(reply, part->fetched, part->last, &page, err);

    if (rc < 0)
        return rc;
    if (page->count > 0) {
        part->fetched = page->entries[page->count - 1].id;
        learn_size(q, page->bytes / page->count + ENTRY_BYTES_BESIDE);
    }
    part->done = page->count < *asked || stream_id_cmp(part->fetched, part->last) >= 0;
    part->page = page;
    return 0;
}

/* Pages for the next partitions that want one. */
static int fetch(struct redis_queue *q, struct err *err)
{
    uint32_t set = 0;
    size_t pages = 0, asked = page_size(q);

    for (unsigned p = 0; p < PARTITIONS && pages < PAGES_AHEAD; p++) {
        if (q->parts[p].done || q->parts[p].page != NULL)
            continue;
        set |= UINT32_C(1) << p;
        pages++;
    }
    int rc = redis_queue_same_connection(q, err);

    if (rc < 0)
        return rc;
    rc = redis_queue_pipeline(q, set, send_page, take_page, &asked, err);
    /* It may have been too large to come in time. */
    if (rc < 0 && q->entry_bytes < PAGE_BYTES)
        q->entry_bytes *= 8;
    return rc;
}

static void retire_page(struct redis_queue *q, struct part *part)
{
    part->page->next = q->used;
    q->used = part->page;
    part->page = NULL;
}

void redis_queue_read(struct queue *queue)
{
    struct redis_queue *q = of(queue);

    page_free(q->used);
    q->used = NULL;
}

static int tell_loss(struct redis_queue *q, struct part *part, const struct entry *entry,
                     const struct position *last, struct err *err)
{
    q->lost = (struct queue_end){*last, entry->restore};
    part->done = true;
    retire_page(q, part);
    return err_set(err, ERR_CORRUPT,
                   "records are lost: producer %s, partition %u, numbers %" PRIu64 " to %" PRIu64
                   " (%s)",
                   queue_hex(&last->producer).text, (unsigned)last->partition, entry->first,
                   entry->number, entry->restore ? "restore" : "damaged");
}

/* 1: *out is for queue.c to judge; 0: of no use. A loss behind a gap is judged as its first
 * number. */
static int give(struct redis_queue *q, unsigned p, struct queue_record *out, struct err *err)
{
    struct part *part = &q->parts[p];
    const struct entry *entry = &part->page->entries[part->page->at++];
    struct position position = {entry->producer, (uint16_t)p, entry->number};
    uint64_t expected = 0;

    if (entry->kind == ENTRY_LOSS) {
        expected = order_given(&q->base.order, &position) + 1;
        if (entry->first <= expected && entry->number >= expected)
            return tell_loss(q, part, entry, &position, err);
        if (entry->first > expected)
            position.number = entry->first;
    }
    part->scanned = entry->id;
    if (entry->kind == ENTRY_MALFORMED || (entry->kind == ENTRY_LOSS && entry->number < expected)) {
        q->base.malformed += entry->kind == ENTRY_MALFORMED;
        q->base.leftovers = true;
        return 0;
    }
    *out = (struct queue_record){position, entry->payload};
    return 1;
}

/* The partition to read from; PARTITIONS: all of them are read. */
static unsigned next_part(const struct redis_queue *q)
{
    unsigned p = 0;

    while (p < PARTITIONS && q->parts[p].done && q->parts[p].page == NULL)
        p++;
    return p;
}

int redis_queue_next(struct queue *queue, struct queue_record *out, struct err *err)
{
    struct redis_queue *q = of(queue);
    int rc = 0;

    while (rc == 0) {
        unsigned p = next_part(q);

        if (p == PARTITIONS)
            return redis_queue_publish(q, err);
        if (q->parts[p].page == NULL)
            rc = fetch(q, err);
        else if (q->parts[p].page->at == q->parts[p].page->count)
            retire_page(q, &q->parts[p]);
        else
            rc = give(q, p, out, err);
    }
    return rc;
}

size_t redis_queue_lost(struct queue *queue, const struct queue_end **out)
{
    *out = &of(queue)->lost;
    return 1;
}
