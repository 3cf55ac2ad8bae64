/* metrics/process.h -- what Prometheus clients call process_*: read from /proc when asked for. */
#ifndef ABACUS_METRICS_PROCESS_H
#define ABACUS_METRICS_PROCESS_H

#include "base/buf.h"

/* Append the families; one that cannot be read is left out. */
void process_render(struct buf *out);

#endif
