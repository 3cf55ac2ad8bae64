/*
 * event/partition.c -- which share of the sites a site belongs to.
 *
 * XXH3 with 64 bits and seed 0 over the bytes of the siteId, modulo the number of partitions.
 * Positions in the store and streams in Redis are kept by partition: this never changes.
 */
#include "event/event_internal.h"

#include <xxhash.h>

uint16_t site_partition(struct str site)
{
    return (uint16_t)(XXH3_64bits(site.ptr, site.len) % PARTITIONS);
}
