/*
 * relay/relay.h -- the local log -> Redis streams, go-back-N.
 *
 *     analytics:events:P       a stream for each partition P of 0..15, an entry per record:
 *                                  e  producer, number (8 bytes, big-endian) and the record
 *                              in one value, since what an entry costs Redis is mostly the number
 *                              of its values; or, where records are lost for good (damaged, or the
 *                              store is older than this log reaches):
 *                                  p  producer   f  first number   n  last number   r  reason
 *                              the reason is "damaged" or "restore"
 *     analytics:sent:P         hash: producer -> the last number sent, written in the same MULTI as
 *                              the entries
 *     analytics:wanted:P       hash: producer -> the number that an aggregator waits for
 *
 * Producers are their 16 bytes, all other numbers decimal text.
 *
 * After an error or a new connection the relay reads `sent` back and goes on from there, or from
 * the committed position where it is missing. A number wanted makes it send again from that number.
 * Where a stream is empty and positions read after that are behind `sent`, the entries are gone and
 * it sends again from the position; where `sent` itself is lower than what was sent, or missing,
 * Redis has lost something, and it sends again from there. Time makes it send nothing. At most
 * RELAY_WINDOW records per partition and producer are in Redis uncommitted. So an entry may be in a
 * stream more than once, and a loss may name numbers that were counted: who counts takes a number
 * only after the one before it, and of a loss only what lies behind that.
 *
 * Redis may lose anything at any time: what is not committed is still in the log.
 * DATA_DIR/relay.lock makes sure that one relay at a time sends a log. Blocks; used by one thread;
 * never touches the log's lock, so tracking never waits for it.
 */
#ifndef ABACUS_RELAY_RELAY_H
#define ABACUS_RELAY_RELAY_H

#include "base/err.h"
#include "base/logger.h"
#include "base/position.h"
#include "base/str.h"
#include "store/store.h"

struct relay;

enum { RELAY_WINDOW = 100000 };

struct relay_config {
    struct str data_dir, redis_url;
    const struct logger *logger; /* may be NULL */
};

/* ERR_CONFLICT: another relay sends this log. ERR_INVALID: the URL. ERR_SYSTEM: the lock's file
 * cannot be opened. Neither connects nor fails where Redis cannot be reached. */
int relay_open(const struct relay_config *config, struct relay **out, struct err *err);
void relay_close(struct relay **relay);

struct relay_progress {
    uint64_t sent;      /* records sent in this step */
    uint64_t in_flight; /* sent and not known to be committed, of all producers of this log */
    uint64_t committed; /* sum of the numbers committed of this log's producers */
    bool up_to_date;    /* everything that was published when the step began is sent */
};

/* One round: look for what is wanted, gone or committed, and send one pipeline (at most 2000
 * records or 1 MiB). Looking asks Redis and `store`, each 200 ms while something is in flight, each
 * 5 s otherwise, and at once after a new connection. Returns at once when there is nothing to send:
 * whoever steps again pauses for a while if *out says that nothing was sent. *out is filled in any
 * case.
 *
 * ERR_UNAVAILABLE: Redis, or the store (then what can be sent without it is still sent): call
 * again later; the pause between tries is kept here. ERR_INVALID: this Redis may evict keys.
 * ERR_SYSTEM, ERR_CORRUPT: see the text. Changes from one state to the other are also logged, once
 * each. */
int relay_step(struct relay *relay, struct store *store, struct relay_progress *out,
               struct err *err);

/* True once everything up to these positions (log_ends()) is committed in the store; *left is how
 * many records are not, and stays what it was where the store cannot say. */
int relay_is_committed(struct store *store, const struct position *ends, size_t count, bool *out,
                       uint64_t *left, struct err *err);

#endif
