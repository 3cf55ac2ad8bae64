/*
 * api/cached.h -- answers of reading handlers from the cache (cache/cache.h).
 *
 * What is kept is the whole body, under a key that holds everything that makes answers differ but
 * the numbers themselves: this program's version, the route, the version of the snapshot (settings
 * and the lists of sites), the tenant and the sites, whether only what is public is shown of them,
 * the dates as resolved, every other parameter, and the quarter of an hour. The caller is not in
 * it: reader_open() and reader_resolve*() have decided what it may see, and the key holds what that
 * was.
 *
 * Numbers change with the stamp of the sites' partitions, which is read from the store for each
 * request, and before the numbers are: an answer is then never older than the stamp that it is kept
 * with, and the first commit after it makes it stale. Its asOf is that of the time it was made, and
 * stays true. A hit costs the store that one question, and no snapshot.
 *
 * The time of day shows in an answer by local dates, by local hours and by what has ended of them;
 * all of these begin on a quarter of an hour, since every offset from UTC that has been in force
 * since 1972 is a multiple of one.
 */
#ifndef ABACUS_API_CACHED_H
#define ABACUS_API_CACHED_H

#include "api/reader.h"

/* Write the answer: kept, or else made by `make`, between reader_begin() and reader_close(). What
 * `make` refuses is not kept. `route` names the handler. Comes after reader_dates(). */
void cached_answer(struct reader *reader, struct str route, void (*make)(struct reader *reader));

/* The same for an answer about this very moment: kept for one asOf alone, and for as long as that
 * is not late. A hit costs the store a snapshot and asOf, too. */
void cached_now(struct reader *reader, struct str route, void (*make)(struct reader *reader));

#endif
