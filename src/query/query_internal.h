/*
 * query/query_internal.h -- what the files of query/ share.
 */
#ifndef ABACUS_QUERY_QUERY_INTERNAL_H
#define ABACUS_QUERY_QUERY_INTERNAL_H

#include "query/query.h"

/* The part of `range` that is still kept; from > to where nothing is. */
struct range range_kept(struct range range, int32_t available);

/* Empty totals; with an arena, with their days. */
void totals_init(struct query_totals *totals, struct range range, int32_t available,
                 struct arena *arena);

#endif
