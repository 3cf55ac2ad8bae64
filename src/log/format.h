/*
 * log/format.h -- the bytes of a segment: header, seal, record. Pure; the story stands at the top
 * of log.c.
 */
#ifndef ABACUS_LOG_FORMAT_H
#define ABACUS_LOG_FORMAT_H

#include "base/position.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEGMENT_SEAL_AT = 256,
    SEGMENT_DATA_AT = 512, /* where the records begin */
    SEGMENT_SLACK = 8,     /* bytes at the end that are never used: see "settled" in log.c */
    RECORD_HEAD = 32,
    RECORD_ALIGN = 8,
};

/* Written once, when the segment gets its first record. Integers are little-endian. */
struct segment_header {
    char magic[8];
    uint32_t version, data_at;
    uint64_t sequence, bytes; /* the number in its name; its size as preallocated */
    int64_t created_ms;
    struct producer producer;
    uint64_t
        first[PARTITIONS]; /* the number its first record of each partition has, or would have */
    uint64_t checksum;
};

/* Written once, when the last record is in; zero until then. */
struct segment_seal {
    uint64_t end;              /* behind the last record */
    uint64_t next[PARTITIONS]; /* the `first` of the segment that follows */
    uint64_t checksum;
};

struct record_head {
    uint32_t length; /* of head and payload; stored last; 0: nothing here yet */
    uint16_t partition;
    uint16_t following; /* how many more records of the same append follow this one */
    uint64_t checksum;
    uint64_t number;
    int64_t appended_ms;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "segments are little-endian");
_Static_assert(sizeof(struct segment_header) <= SEGMENT_SEAL_AT, "the header ends before the seal");
_Static_assert(SEGMENT_SEAL_AT + sizeof(struct segment_seal) <= SEGMENT_DATA_AT,
               "so does the seal");
_Static_assert(sizeof(struct record_head) == RECORD_HEAD, "a record head has no padding");

enum header_state {
    HEADER_GOOD,
    HEADER_EMPTY, /* all zero: preallocated and not in use yet, or its first page never reached the
                     disk */
    HEADER_BAD,
    HEADER_NEWER, /* a version of the format that this program does not know */
};

void segment_header_init(struct segment_header *header, uint64_t sequence, uint64_t bytes,
                         const struct producer *producer, const uint64_t *first,
                         int64_t created_ms);
enum header_state segment_header_check(const struct segment_header *header, uint64_t sequence);

/* What every checksum in the segment begins with, so that bytes of another segment never pass. */
uint64_t segment_salt(const struct segment_header *header);

void segment_seal_init(struct segment_seal *seal, uint64_t salt, uint64_t end,
                       const uint64_t *next);
bool segment_seal_check(const struct segment_seal *seal, uint64_t salt);

/* How many bytes a record with `payload` bytes takes. */
uint64_t record_room(size_t payload);

/* Write all of a record but its length to `at`, which lies `offset` bytes into the segment. */
void record_put(char *at, uint64_t salt, uint64_t offset, struct record_head *head,
                struct str payload);
/* Publish it. */
void record_publish(char *at, uint32_t length);

/* A length that a record can have. */
bool record_length_valid(uint32_t length);
/* `at` holds head->length bytes. */
bool record_check(const char *at, uint64_t salt, uint64_t offset, const struct record_head *head);

#endif
