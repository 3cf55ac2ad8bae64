/* base/clock.h -- the time now. Pure code takes it as an argument instead. */
#ifndef ABACUS_BASE_CLOCK_H
#define ABACUS_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);
/* Microseconds of a clock that never steps; its zero means nothing. */
int64_t clock_steady_us(void);

#endif
