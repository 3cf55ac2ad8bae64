/*
 * api/live.h -- event streams: answers that are sent again while somebody looks.
 *
 * A stream asks anew, as if its request had come again, whenever the commits of the job have
 * touched the site's partition: who asks is found out each time, so that what is revoked or has
 * ended is shown no more (but only the first look counts as a read). Nodes need not know of each
 * other, since all of them read the store. Between two looks a stream holds a connection and no
 * thread (http_stream).
 *
 *     once, and after each change:   data: {...}       at most one every LIVE_PAUSE_MS, and fewer
 *                                                      where an answer takes long to make
 *     after LIVE_QUIET_MS without:   : keep-alive      with the data if time alone has changed it
 *
 * There are at most LIVE_STREAMS_MAX on a node, and LIVE_TENANT_MAX of one tenant, so that nobody's
 * open windows keep others out; the next one is 503. Those of public dashboards and shared links
 * are counted apart, and are LIVE_PUBLIC_MAX at most, so that strangers do not keep the tenants out
 * either. Any thread.
 */
#ifndef ABACUS_API_LIVE_H
#define ABACUS_API_LIVE_H

#include "api/reader.h"

enum {
    LIVE_STREAMS_MAX = 256,
    LIVE_PUBLIC_MAX = 128,
    LIVE_TENANT_MAX = 64,
    LIVE_LOOK_MS = 1000,
    LIVE_PAUSE_MS = 2000,
    LIVE_SHARE = 10, /* at most a tenth of a query thread's time for one stream */
    LIVE_QUIET_MS = 15000,
};

/* What a stream shows. */
struct live_kind {
    const struct http_param *params;
    struct str route; /* for the cache */
    void (*make)(struct reader *reader);
    struct str numbers; /* where, in the answer, the part begins that is not only asOf */
};

/* Whether the request asks for an event stream. */
bool live_wanted(const struct http_request *request);
/* Answer with a stream of the reader's site, or 503. The reader is resolved. */
void live_answer(struct reader *reader, const struct live_kind *kind);

#endif
