#include "queue/redis_page.h"

#include "base/must.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -- ids -- */

/* Digits and nothing else. */
static bool to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool stream_id_parse(struct str text, struct stream_id *out)
{
    size_t dash = str_find(text, 0, '-');

    return to_u64(str_slice(text, 0, dash), &out->ms) &&
           to_u64(str_slice(text, dash + 1, text.len), &out->seq);
}

int stream_id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

struct stream_id stream_id_next(struct stream_id id)
{
    if (id.seq < UINT64_MAX)
        return (struct stream_id){id.ms, id.seq + 1};
    return id.ms < UINT64_MAX ? (struct stream_id){id.ms + 1, 0} : id;
}

struct stream_id_text stream_id_text(struct stream_id id)
{
    struct stream_id_text text;

    (void)snprintf(text.text, sizeof(text.text), "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    return text;
}

/* -- entries -- */

/* The fields of an entry by their letters; those of a later version are passed over. */
static const struct str LETTERS = STR_INIT("pnefr");
enum field { PRODUCER, NUMBER, EVENT, FIRST, REASON, FIELDS };

static bool find_fields(const struct redis_reply *list, const struct redis_reply *out[FIELDS])
{
    if (list->type != REDIS_ARRAY || list->count % 2 != 0)
        return false;
    for (size_t i = 0; i < list->count; i += 2) {
        struct str name = list->items[i].text;
        size_t field = name.len == 1 ? str_find(LETTERS, 0, name.ptr[0]) : LETTERS.len;

        if (field < LETTERS.len && list->items[i + 1].type == REDIS_TEXT)
            out[field] = &list->items[i + 1];
    }
    return true;
}

/* From 1 on; the numbers behind the largest one must be numbers, too. */
static bool to_number(const struct redis_reply *value, uint64_t *out)
{
    return value != NULL && to_u64(value->text, out) && *out >= 1 && *out <= INT64_MAX;
}

/* Producer and number before the record, all in one value. */
static void read_record(struct str value, struct arena *arena, struct entry *entry)
{
    uint64_t number;

    if (value.len < ENTRY_HEAD_BYTES)
        return;
    memcpy(&entry->producer, value.ptr, sizeof(entry->producer));
    memcpy(&number, value.ptr + sizeof(entry->producer), sizeof(number));
    entry->number = be64toh(number);
    if (entry->number < 1 || entry->number > INT64_MAX)
        return;
    entry->kind = ENTRY_RECORD;
    entry->payload = arena_str(arena, str_slice(value, ENTRY_HEAD_BYTES, value.len));
}

static void read_loss(const struct redis_reply *const fields[FIELDS], struct entry *entry)
{
    if (fields[PRODUCER] == NULL || fields[PRODUCER]->text.len != sizeof(entry->producer) ||
        !to_number(fields[NUMBER], &entry->number) || !to_number(fields[FIRST], &entry->first) ||
        fields[REASON] == NULL || entry->first > entry->number)
        return;
    memcpy(&entry->producer, fields[PRODUCER]->text.ptr, sizeof(entry->producer));
    entry->kind = ENTRY_LOSS;
    entry->restore = str_eq(fields[REASON]->text, STR("restore"));
}

static void read_fields(const struct redis_reply *list, struct arena *arena, struct entry *entry)
{
    const struct redis_reply *fields[FIELDS] = {NULL};

    entry->kind = ENTRY_MALFORMED;
    if (!find_fields(list, fields))
        return;
    if (fields[EVENT] != NULL)
        read_record(fields[EVENT]->text, arena, entry);
    else
        read_loss(fields, entry);
}

static bool read_entry(const struct redis_reply *reply, struct arena *arena, struct entry *entry)
{
    if (reply->type != REDIS_ARRAY || reply->count != 2 ||
        !stream_id_parse(reply->items[0].text, &entry->id))
        return false;
    read_fields(&reply->items[1], arena, entry);
    return true;
}

/* -- pages -- */

int page_read(const struct redis_reply *reply, struct stream_id after, struct stream_id last,
              struct page **out, struct err *err)
{
    struct page *page = must(calloc(1, sizeof(*page)));
    bool good = reply->type == REDIS_ARRAY;

    if (good)
        page->entries = ARENA_NEW(&page->arena, struct entry, reply->count);
    for (size_t i = 0; good && i < reply->count; i++) {
        struct entry *entry = &page->entries[i];

        good = read_entry(&reply->items[i], &page->arena, entry) &&
               stream_id_cmp(entry->id, after) > 0 && stream_id_cmp(entry->id, last) <= 0;
        after = entry->id;
        page->bytes += entry->payload.len;
    }
    if (!good) {
        page_free(page);
        return err_set(err, ERR_SYSTEM, "Redis gave no entries of a stream in their order");
    }
    page->count = reply->count;
    *out = page;
    return 0;
}

void page_free(struct page *pages)
{
    while (pages != NULL) {
        struct page *next = pages->next;

        arena_free(&pages->arena);
        free(pages);
        pages = next;
    }
}
