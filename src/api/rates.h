/*
 * api/rates.h -- events per second of a site, on this node.
 *
 * A bucket holds what one second allows, and at least RATE_BURST_MIN; it refills steadily. Only
 * sites with a limit have one. Any thread.
 */
#ifndef ABACUS_API_RATES_H
#define ABACUS_API_RATES_H

#include "api/api.h"

enum { RATE_BURST_MIN = 100 };

/* Take `events` from the site's bucket, or none: false when it holds fewer. */
bool rates_take(struct rates *rates, struct str site, int64_t per_second, size_t events,
                int64_t now_us);

#endif
