/*
 * store/erase.h -- taking out what was to be kept: for who holds the lease on the site's partition.
 */
#ifndef ABACUS_STORE_ERASE_H
#define ABACUS_STORE_ERASE_H

#include "store/managed.h"

/* Remove some of everything that is kept of a site (at most 10,000 rows in a transaction, a part of
 * a pack counts for several; *more: call again), its row, tokens and links last. What the ledger
 * held of it is folded into the running total. Stays: its lines in the audit log, which have their
 * own retention, and what is kept of the erasure itself. A site that is not there any more is
 * erased all the same. `rows` is added to, beside erased_tables[]. */
enum { ERASED_TABLES = 17 };
extern const char *const erased_tables[ERASED_TABLES]; /* ends with NULL */
int store_erase_site(struct store *store, struct str site, const struct actor *actor, bool *more,
                     int64_t rows[ERASED_TABLES], struct err *err);

/* Give up the space of what was removed or changed, so that the store's own files hold no byte of
 * it: of sites and values, and of rows of tenants and erasures that were removed or emptied before.
 * Slow, and may be called again at any time. No lease is needed; those that are held may be lost
 * meanwhile, since nothing renews them.
 *
 * SQLite: the whole file is written anew, with the write lock held (readers go on), then its
 * write-ahead log is emptied, for which nobody may read an older state. ERR_UNAVAILABLE: somebody
 * still did after 30 s, or wrote for 10 s. 1.2 s for a million raw rows (150 MB). Needs room for
 * the database twice more, once where SQLite keeps temporary files.
 *
 * PostgreSQL: each table that erasing touches is written anew with its indexes and analyzed; raw
 * rows date by date, only those dates that ever lost or changed a row since. Meanwhile nobody reads
 * or writes that one table: 6 to 10 s for a million raw rows in all, so for a date its share.
 * Whoever uses it is waited for 2 s at a time, five times, and whoever may still see what was
 * removed for some 10 s; then ERR_UNAVAILABLE. What the planner keeps of values is written anew
 * where the role owns the database, else its old bytes stay until they are written over. Its
 * write-ahead log, replicas and archives are the server's. */
int store_compact(struct store *store, struct err *err);

/* Put `with` in the place of a value in a site's raw rows and visits: of a path (ERASE_PATH; also
 * where the site's own pages are the referrer; the titles of its rows go), or of an event's own
 * name (ERASE_EVENT); or take a property out (ERASE_PROP: `value` is its name; props without any
 * become none). Some of it at a time, as above. ERR_INVALID: of no such kind, an empty text, a name
 * that is no event's own.
 *
 * Packs are the caller's: all packed days of the site (each has a part 0), those that are due too,
 * because a pack can outlive its raw rows: store_each_pack() with facts_parts_all(),
 * facts_replace() for each day, store_commit() of what it gives. No day becomes due by this. */
int store_erase_value(struct store *store, struct str site, enum erasure_kind kind,
                      struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                      struct err *err);

#endif
