/* fuzz_redis_answer.c -- whatever a server sends: it is answers within the limits and then a
 * failure, and of a page of entries the ids rise and the numbers are numbers. */
#include "base/clock.h"
#include "queue/redis_page.h"
#include "redis/wire.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t values_of(const struct redis_reply *reply)
{
    size_t count = 1;

    must((reply->type == REDIS_ARRAY) || reply->count == 0);
    for (size_t i = 0; i < reply->count; i++)
        count += values_of(&reply->items[i]);
    return count;
}

static void look_at_page(const struct redis_reply *reply)
{
    const struct stream_id none = {0, 0}, last = {UINT64_MAX, UINT64_MAX};
    struct page *page = NULL;
    int rc = page_read(reply, none, last, &page, NULL);

    must(rc == 0 || rc == ERR_SYSTEM);
    for (size_t i = 0; rc == 0 && i < page->count; i++) {
        const struct entry *entry = &page->entries[i];

        must(stream_id_cmp(entry->id, i == 0 ? none : entry[-1].id) > 0);
        must(entry->kind == ENTRY_MALFORMED || (entry->number >= 1 && entry->number <= INT64_MAX));
        must(entry->kind != ENTRY_LOSS || (entry->first >= 1 && entry->first <= entry->number));
    }
    page_free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire wire = {0};
    const struct redis_reply *reply;
    int pair[2], rc = 0;

    if (size > 64 * 1024 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        return 0;
    must(size == 0 || write(pair[1], data, size) == (ssize_t)size);
    (void)close(pair[1]);
    wire_adopt(&wire, pair[0]);
    while (rc == 0) {
        wire.outstanding = 1;
        rc = wire_get(&wire, clock_steady_us() + 1000000, &reply, NULL);
        must(rc == 0 || rc == ERR_UNAVAILABLE);
        if (rc == 0) {
            must(values_of(reply) <= WIRE_ITEMS_MAX + 1);
            look_at_page(reply);
        }
    }
    wire_close(&wire);
    return 0;
}
