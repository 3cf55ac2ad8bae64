/*
 * api/align.h -- two series side by side, point by point.
 */
#ifndef ABACUS_API_ALIGN_H
#define ABACUS_API_ALIGN_H

#include "api/against.h"

/* For each point of `series` (of `range`) its counterpart among those of `before` (of the earlier
 * range), or NULL where there is none. Days stand beside against_day(); weeks and months are
 * counted from the first; an hour stands beside the one that the clock calls the same on the
 * counterpart of its day: none where that day skips it, and the second time that a clock shows an
 * hour beside the second time. In `arena`. */
const struct query_point **align(const struct query_series *series, struct range range,
                                 const struct query_series *before,
                                 const struct against_range *earlier, enum interval interval,
                                 const struct tz *tz, struct arena *arena);

#endif
