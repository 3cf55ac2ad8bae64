#include "log/format.h"

#include "log/log.h"

#include <string.h>
#include <xxhash.h>

static const char MAGIC[8] = {'A', 'B', 'A', 'C', 'L', 'O', 'G', '\n'};
enum { VERSION = 1 };

/* Behind the checksum stand, contiguously, the fields and the payload that it covers; what stands
 * before it goes into the seed. */
enum { COVERED_AT = offsetof(struct record_head, number) };

void segment_header_init(struct segment_header *header, uint64_t sequence, uint64_t bytes,
                         const struct producer *producer, const uint64_t *first, int64_t created_ms)
{
    *header = (struct segment_header){.version = VERSION,
                                      .data_at = SEGMENT_DATA_AT,
                                      .sequence = sequence,
                                      .bytes = bytes,
                                      .created_ms = created_ms,
                                      .producer = *producer};
    memcpy(header->magic, MAGIC, sizeof(MAGIC));
    memcpy(header->first, first, sizeof(header->first));
    header->checksum = XXH3_64bits(header, offsetof(struct segment_header, checksum));
}

enum header_state segment_header_check(const struct segment_header *header, uint64_t sequence)
{
    static const struct segment_header zero;

    if (memcmp(header, &zero, sizeof(zero)) == 0)
        return HEADER_EMPTY;
    if (memcmp(header->magic, MAGIC, sizeof(MAGIC)) != 0)
        return HEADER_BAD;
    if (header->version > VERSION)
        return HEADER_NEWER;
    if (header->version != VERSION || header->data_at != SEGMENT_DATA_AT ||
        header->sequence != sequence || header->bytes < LOG_SEGMENT_MIN ||
        header->bytes > LOG_SEGMENT_MAX)
        return HEADER_BAD;
    for (size_t p = 0; p < PARTITIONS; p++) {
        if (header->first[p] == 0)
            return HEADER_BAD;
    }
    return header->checksum == XXH3_64bits(header, offsetof(struct segment_header, checksum))
               ? HEADER_GOOD
               : HEADER_BAD;
}

uint64_t segment_salt(const struct segment_header *header)
{
    return XXH3_64bits_withSeed(&header->producer, sizeof(header->producer), header->sequence);
}

void segment_seal_init(struct segment_seal *seal, uint64_t salt, uint64_t end, const uint64_t *next)
{
    *seal = (struct segment_seal){.end = end};
    memcpy(seal->next, next, sizeof(seal->next));
    seal->checksum = XXH3_64bits_withSeed(seal, offsetof(struct segment_seal, checksum), salt);
}

bool segment_seal_check(const struct segment_seal *seal, uint64_t salt)
{
    return seal->end >= SEGMENT_DATA_AT && seal->end % RECORD_ALIGN == 0 &&
           seal->checksum ==
               XXH3_64bits_withSeed(seal, offsetof(struct segment_seal, checksum), salt);
}

uint64_t record_room(size_t payload)
{
    return (RECORD_HEAD + (uint64_t)payload + RECORD_ALIGN - 1) & ~(uint64_t)(RECORD_ALIGN - 1);
}

static uint64_t record_checksum(const char *at, uint64_t salt, uint64_t offset,
                                const struct record_head *head)
{
    uint64_t front =
        (uint64_t)head->length << 32 | (uint64_t)head->partition << 16 | (uint64_t)head->following;
    /* An odd constant spreads the small numbers over all bits (2^64 divided by the golden ratio).
     */
    uint64_t seed = (salt ^ offset) + front * UINT64_C(0x9E3779B97F4A7C15);

    return XXH3_64bits_withSeed(at + COVERED_AT, head->length - COVERED_AT, seed);
}

void record_put(char *at, uint64_t salt, uint64_t offset, struct record_head *head,
                struct str payload)
{
    head->length = (uint32_t)(RECORD_HEAD + payload.len);
    memcpy(at + COVERED_AT, &head->number, RECORD_HEAD - COVERED_AT);
    if (payload.len > 0)
        memcpy(at + RECORD_HEAD, payload.ptr, payload.len);
    head->checksum = record_checksum(at, salt, offset, head);
    memcpy(at + sizeof(head->length), &head->partition, COVERED_AT - sizeof(head->length));
}

void record_publish(char *at, uint32_t length)
{
    uint32_t *word = (void *)at;

    __atomic_store_n(word, length, __ATOMIC_RELEASE);
}

bool record_length_valid(uint32_t length)
{
    return length >= RECORD_HEAD && length <= RECORD_HEAD + LOG_PAYLOAD_MAX;
}

bool record_check(const char *at, uint64_t salt, uint64_t offset, const struct record_head *head)
{
    return record_length_valid(head->length) && head->partition < PARTITIONS && head->number > 0 &&
           head->checksum == record_checksum(at, salt, offset, head);
}
