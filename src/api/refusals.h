/*
 * api/refusals.h -- refused events of known sites, waiting to become tallies in the log.
 *
 * A refusal was never acknowledged, so it may wait a second in memory: a flood of refused requests
 * makes one record per site and reason a second. Any thread.
 */
#ifndef ABACUS_API_REFUSALS_H
#define ABACUS_API_REFUSALS_H

#include "api/api.h"
#include "event/event.h"

void refusals_add(struct refusals *refusals, const struct site *site, int32_t day,
                  enum reject_reason reason, uint64_t events);

#endif
