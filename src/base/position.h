/*
 * base/position.h -- how far a producer's records have come.
 *
 * A producer is one run of one node: a fresh random id at each start, so that a tail lost to a
 * power cut can never make new events look old. Its records are numbered 1, 2, 3 ... without gaps
 * in each partition. A partition is a share of the sites, by hash of the siteId.
 */
#ifndef ABACUS_BASE_POSITION_H
#define ABACUS_BASE_POSITION_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PARTITIONS = 16, PRODUCER_BYTES = 16 };

/* Of a set of partitions, bit p is for partition p. */
#define PARTITIONS_ALL ((UINT32_C(1) << PARTITIONS) - 1)

struct producer {
    uint8_t id[PRODUCER_BYTES];
};

/* A file that is imported is a producer too. Its id begins with these bytes, and its positions are
 * kept for ever, so that the same file is never counted twice. */
#define PRODUCER_IMPORT "import\0\0"
enum { PRODUCER_IMPORT_BYTES = 8 };

static inline bool producer_is_import(const struct producer *producer)
{
    return memcmp(producer->id, PRODUCER_IMPORT, PRODUCER_IMPORT_BYTES) == 0;
}

/* Every record of `producer` in `partition` up to and with `number` has been counted. */
struct position {
    struct producer producer;
    uint16_t partition;
    uint64_t number;
};

#endif
